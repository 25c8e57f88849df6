//! `kyso sign`.

use std::{
    io::IsTerminal as _,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use indicatif::ProgressBar;

use super::{
    password::{self, PasswordArgs},
    pin::{PinArgs, TokenArgs},
    verify::language,
};
use crate::{
    base::{Chance, Clock, DigestAlgorithm, Limits, ProtectedSource, Source},
    fetch::{Fetcher, PrivateHost},
    pdf::{Document, Finding, PdfError},
    service::{
        repair::{Repaired, repaired},
        sign::{Released, SchemeWish, SignError, Signer, SigningDesk, TimeStamping},
        signer_check::{self, SignerCheck, SignerWarning},
    },
    signing::{SigningError, Wishes},
    store::FileSource,
    token::KeySelector,
    trust::Anchors,
    validation::{Indication, Policy},
    x509::{self, Certificate},
};

/// Sign a PDF with a token: PAdES B-B, or B-T with a time-stamp authority.
///
/// The input is never touched. The output appears whole, after the new signature was found intact in it, or
/// not at all.
///
/// Exit status: 0 signed; 64 wrong usage; 65 the document cannot be signed; 69 the time-stamp authority gave
/// nothing; 70 our own fault; 73 the output cannot be written; 77 token, PIN or certificate refused.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The PDF to sign
    #[arg(value_name = "IN.pdf")]
    input: PathBuf,
    /// Where the signed PDF goes
    #[arg(short, long, value_name = "OUT.pdf")]
    output: PathBuf,
    /// Write over an output that exists
    #[arg(long)]
    overwrite: bool,
    #[command(flatten)]
    token: TokenArgs,
    /// The key: its label, or `hex:` and its CKA_ID
    #[arg(long, value_name = "LABEL|hex:ID")]
    key: KeySelector,
    #[command(flatten)]
    pin: PinArgs,
    #[command(flatten)]
    password: PasswordArgs,
    /// The signer's certificate (PEM or DER), when the token holds none
    #[arg(long, value_name = "FILE", help_heading = "Certificates")]
    cert: Option<PathBuf>,
    /// Issuers that travel with the signature (PEM or DER); may be given several times
    #[arg(long, value_name = "FILE", help_heading = "Certificates")]
    chain: Vec<PathBuf>,
    /// Anchors for the release check (PEM); without one the verdict of a good file stays open
    #[arg(long, value_name = "PEM", help_heading = "Certificates")]
    trust: Vec<PathBuf>,
    /// Sign although the certificate's key usage or extended key usage is for something else
    #[arg(long, help_heading = "Certificates")]
    allow_key_usage: bool,
    /// What to do when it cannot be found out whether the certificate was revoked
    #[arg(long, value_enum, default_value_t, value_name = "WHAT", help_heading = "Certificates")]
    unknown_status: UnknownStatus,
    /// Ask no OCSP responder and fetch no revocation list before signing
    #[arg(long, help_heading = "Certificates")]
    offline: bool,
    /// Also fetch from this host or network of your own (HOST, HOST:PORT or 10.20.0.0/16); may be given several times
    #[arg(long, value_name = "HOST", help_heading = "Certificates")]
    allow_host: Vec<PrivateHost>,
    /// The time-stamp authority, for PAdES B-T
    #[arg(long, value_name = "URL", help_heading = "Signature")]
    tsa: Option<String>,
    /// The digest
    #[arg(long, value_enum, default_value_t = DigestName::Sha256, help_heading = "Signature")]
    digest: DigestName,
    /// RSASSA-PSS instead of PKCS#1 v1.5, where key and token allow it
    #[arg(long, help_heading = "Signature")]
    pss: bool,
    /// The signature field to create, or to fill where it exists and is empty
    #[arg(long, value_name = "NAME", help_heading = "Signature")]
    field: Option<String>,
    /// Why it is signed, such as "Phê duyệt"
    #[arg(long, value_name = "TEXT", help_heading = "Signature")]
    reason: Option<String>,
    /// Where it is signed
    #[arg(long, value_name = "TEXT", help_heading = "Signature")]
    location: Option<String>,
    /// How to reach the signer
    #[arg(long, value_name = "TEXT", help_heading = "Signature")]
    contact: Option<String>,
    /// Rebuild a file whose cross-reference is broken, and sign the rebuilt one. Says what it did. A file that holds a
    /// signature is never rebuilt
    #[arg(long)]
    repair: bool,
    /// Print what was done as JSON
    #[arg(long)]
    json: bool,
}

/// What follows from a status that is not known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum UnknownStatus {
    /// Say so and go on (TT 15/2025 annex II)
    #[default]
    Warn,
    /// Do not sign
    Refuse,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum DigestName {
    Sha256,
    Sha384,
    Sha512,
}

pub(super) fn run(args: Args) -> ExitCode {
    let json = args.json;
    match sign(args) {
        Ok(done) => {
            tell(&done, json);
            ExitCode::SUCCESS
        }
        Err(failure) => {
            eprintln!("kyso sign: {failure}");
            ExitCode::from(failure.status())
        }
    }
}

/// What went wrong, in the order of the walk.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("{0}")]
    Usage(String),
    #[error("{} could not be read: {source}", path.display())]
    Input { path: PathBuf, source: std::io::Error },
    #[error("the file cannot be signed: {0}; or add --repair, and kyso rebuilds it and signs that")]
    Damaged(PdfError),
    #[error("{}", super::with_causes(.0))]
    Sign(#[from] SignError),
}

impl Failure {
    /// After `sysexits.h`.
    fn status(&self) -> u8 {
        match self {
            Self::Usage(_) => 64,
            Self::Damaged(_) | Self::Input { .. } => 65,
            Self::Sign(error) => match error {
                SignError::Input { .. } | SignError::Pdf(_) => 65,
                SignError::Signing(SigningError::Pdf(_) | SigningError::Read(_)) => 65,
                SignError::TimeStampAuthority { .. } | SignError::UnsteadyTimeStamps { .. } => 69,
                SignError::Signing(SigningError::TimeStamp(_)) => 69,
                SignError::Output { .. } => 73,
                SignError::Token(_) | SignError::NoCertificate { .. } | SignError::Signing(_) => 77,
                _ => 70,
            },
        }
    }
}

/// What was done.
struct Done {
    released: Released,
    repair: Vec<Finding>,
    warnings: Vec<String>,
}

fn sign(args: Args) -> Result<Done, Failure> {
    if args.output.exists() && !args.overwrite {
        let output = args.output.display();
        return Err(Failure::Usage(format!("{output} exists; choose another name or add --overwrite")));
    }
    let wish = SchemeWish { digest: args.digest.into(), pss: args.pss };
    let given = args.cert.as_deref().map(certificates).transpose()?.unwrap_or_default();
    let mut chain: Vec<Certificate> = given.iter().skip(1).cloned().collect();
    for file in &args.chain {
        chain.extend(certificates(file)?);
    }
    let mut anchors = Anchors { name: "--trust".to_owned(), ..Anchors::default() };
    for file in &args.trust {
        anchors.certificates.extend(certificates(file)?);
    }

    // Everything that can be refused without the PIN is refused before anybody is asked for it.
    let clock = Clock::System;
    let limits = Limits::default();
    let fetcher = Arc::new(Fetcher::allowing(&args.allow_host));
    let check = SignerCheck {
        anchors: &anchors.clone(),
        fetcher: (!args.offline).then_some(&*fetcher),
        limits: &limits,
        now: clock.now(),
        any_usage: args.allow_key_usage,
    };
    if let Some(certificate) = given.first() {
        // Without asking anybody: the rest waits until the document and the token are there.
        let check = SignerCheck { fetcher: None, ..check };
        check.check(certificate, &chain, wish.scheme_for(certificate)?)?;
    }
    let Repaired { source: input, findings: repair, .. } = &opened(&args, &limits)?;

    let token = args.token.open().map_err(SignError::from)?;
    let certificate = match given.into_iter().next() {
        Some(certificate) => Some(certificate),
        // Certificates are public objects on most tokens; where they are not, they show after the login.
        None => Signer::new(token.clone(), args.key.clone(), None, Vec::new(), wish)
            .ok()
            .map(|signer| signer.certificate),
    };
    let mut warnings = None;
    if let Some(certificate) = &certificate {
        signer_check::demand_own_key(&token, &args.key, certificate)?;
        warnings = Some(checked(&check, certificate, &chain, wish, args.unknown_status)?);
    }
    args.pin.login(&token).map_err(SignError::from)?;
    let signer = Signer::new(token, args.key, certificate, chain, wish)?;
    let warnings = match warnings {
        Some(warnings) => warnings,
        None => checked(&check, &signer.certificate, &signer.chain, wish, args.unknown_status)?,
    };

    let desk = SigningDesk {
        clock,
        chance: Chance::system(),
        limits,
        fetcher: Arc::clone(&fetcher),
        time_stamping: args.tsa.map(TimeStamping::new),
        anchors,
        policy: Policy::strict(),
        online: false,
    };
    let wishes = Wishes {
        field: args.field,
        reason: args.reason,
        location: args.location,
        contact: args.contact,
        any_usage: args.allow_key_usage,
    };
    let progress = spinner("signing");
    let released = desk.sign_file(&**input, &args.output, &signer, &wishes)?;
    progress.finish_and_clear();
    Ok(Done { released, repair: repair.clone(), warnings })
}

/// The input, with the password that opens it where it needs one, and rebuilt if that was asked for.
fn opened(args: &Args, limits: &Limits) -> Result<Repaired, Failure> {
    let (path, password) = (&args.input, &args.password);
    let open = || FileSource::open(path).map_err(|source| Failure::Input { path: path.to_owned(), source });
    let with = |password| Ok::<_, Failure>(Arc::new(ProtectedSource::new(open()?, password)));
    let input = with(password.read().map_err(Failure::Usage)?)?;
    let (input, outcome): (Arc<dyn Source>, _) = match Document::open(input.clone(), limits) {
        Err(PdfError::Encrypted) => match password::ask(&path.display().to_string()) {
            Some(typed) => {
                let input = with(Some(typed))?;
                (input.clone(), Document::open(input, limits))
            }
            None => (input, Err(PdfError::Encrypted)),
        },
        outcome => (input, outcome),
    };
    if args.repair {
        let folder = args.output.parent().filter(|folder| !folder.as_os_str().is_empty());
        return Ok(repaired(input, limits, folder.unwrap_or(Path::new(".")))?);
    }
    match outcome {
        Ok(_) => Ok(Repaired::unchanged(input)),
        Err(error @ PdfError::Damaged { .. }) => Err(Failure::Damaged(error)),
        Err(error) => Err(SignError::from(error).into()),
    }
}

/// The certificate's whole check, its warnings said at once: somebody may stop at the PIN.
fn checked(
    check: &SignerCheck<'_>,
    certificate: &Certificate,
    chain: &[Certificate],
    wish: SchemeWish,
    unknown: UnknownStatus,
) -> Result<Vec<String>, Failure> {
    let warnings = check.check(certificate, chain, wish.scheme_for(certificate)?)?;
    let mut told = Vec::new();
    for warning in warnings {
        let words = warning.tell(language(None));
        if unknown == UnknownStatus::Refuse && matches!(warning, SignerWarning::Status { .. }) {
            return Err(SignError::from(SigningError::Certificate { reason: words }).into());
        }
        eprintln!("kyso sign: warning: {words}");
        told.push(words);
    }
    Ok(told)
}

fn certificates(file: &std::path::Path) -> Result<Vec<Certificate>, Failure> {
    let unreadable = |why: &dyn std::fmt::Display| {
        Failure::Usage(format!("{} holds no certificate that can be read: {why}", file.display()))
    };
    let bytes = std::fs::read(file).map_err(|error| unreadable(&error))?;
    let found = x509::certificates_from_pem(&bytes).map_err(|error| unreadable(&error))?;
    if found.is_empty() {
        return Err(unreadable(&"it has no CERTIFICATE block"));
    }
    Ok(found)
}

fn tell(done: &Done, json: bool) {
    let released = &done.released;
    if json {
        let took = released.took();
        let value = serde_json::json!({
            "output": released.path(),
            "sha256": released.report().sha256,
            "signature": released.signature(),
            "repair": done.repair,
            "warnings": done.warnings,
            "milliseconds": {
                "copy": took.copy, "prepare": took.prepare, "sign": took.sign,
                "stamp": took.stamp, "verify": took.verify,
            },
        });
        println!("{value:#}");
        return;
    }
    for Finding { offset, what, .. } in &done.repair {
        let place = offset.map_or_else(String::new, |offset| format!(" (byte {offset})"));
        println!("rebuilt   {what}{place}");
    }
    let Some(signature) = released.signature() else { return };
    println!("signed    {}", released.path().display());
    println!("field     {}", signature.field);
    println!("signer    {}", signature.signed_by.as_deref().unwrap_or("-"));
    println!("format    {}", signature.signature_format);
    let verdict = match signature.indication {
        Indication::TotalPassed => "intact; certificate and status proven",
        _ => "intact; certificate or status not proven here (kyso verify says why)",
    };
    println!("checked   {verdict}");
}

/// A spinner on a terminal, nothing elsewhere.
fn spinner(words: &'static str) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let spinner = ProgressBar::new_spinner().with_message(words);
    spinner.enable_steady_tick(std::time::Duration::from_millis(120));
    spinner
}

impl From<DigestName> for DigestAlgorithm {
    fn from(name: DigestName) -> Self {
        match name {
            DigestName::Sha256 => Self::Sha256,
            DigestName::Sha384 => Self::Sha384,
            DigestName::Sha512 => Self::Sha512,
        }
    }
}
