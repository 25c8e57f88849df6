//! `kyso sign`.

mod container;

use std::{
    io::IsTerminal as _,
    num::NonZero,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use indicatif::ProgressBar;

use super::{
    level::{IfNoTsa, LevelName, TsaArgs},
    looks::{self, LooksArgs},
    pin::{PinArgs, TokenArgs},
    says::SaysArgs,
    sign_input::{InputArgs, Notes},
    trust::TrustArgs,
};
use crate::{
    appearance::Placement,
    base::{Chance, Clock, DigestAlgorithm, Limits, MemorySource, UtcTime},
    fetch::Fetcher,
    pdf::{Document, PdfError},
    service::{
        self,
        repair::Repaired,
        sign::{
            CmsWishes, Identity, Released, ReleasedCms, SchemeWish, SignError, Signer, SigningDesk, Steps,
            XadesWishes, XmlSubject,
            batch::{BatchError, Plan},
            container::ContainerError,
        },
        signer_check::{Cleared, SignerCheck, demand_own_key},
    },
    signing::{self, Request, SigningError, TokenRoom, Wishes, seed, xades::XmlForm},
    token::KeySelector,
    trust::Anchors,
    validation::{Detached, DocumentReport, Indication, Level, Policy, SignatureReport},
    x509::{self, Certificate},
};

/// Sign with a token: a PDF as PAdES, a file of any kind as CAdES, XML as XAdES.
///
/// PAdES B-B to B-LTA (docs/levels.md). CAdES B-B to B-LTA (--format cades, docs/cades.md), apart from the
/// file (.p7s) or around it (.p7m). Office files are signed so: they stay as they are. XAdES B-B to B-LTA (--format
/// xades, docs/xades.md), inside the XML document or beside files of any kind.
///
/// With --container, the documents are put into an ASiC container and signed together (docs/containers.md). A container
/// that is given instead of a PDF gets one signature more over all its documents.
///
/// The input is never touched. The output appears whole, after the new signature was found intact in it, or
/// not at all.
///
/// With --batch, many PDFs are signed with one login, each into the output folder under its own name
/// (docs/sign-many.md). What is wrong with one file does not stop the others; what is wrong with the token does. Give the
/// same command again to go on after that, or after a crash: what is signed is not signed again.
///
/// Exit status: 0 signed; 64 wrong usage; 65 the document cannot be signed; 69 the time-stamp authority gave
/// nothing; 70 our own fault; 73 the output cannot be written; 77 token, PIN or certificate refused.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The PDF to sign; with --format cades any file; with --format xades an XML document, or with --detached any file
    #[arg(value_name = "IN", required_unless_present = "batch", conflicts_with = "batch")]
    input: Option<PathBuf>,
    /// Sign many: the PDFs of a folder, or those that a list names, one a line
    #[arg(long, value_name = "LIST|FOLDER", conflicts_with = "overwrite")]
    batch: Option<PathBuf>,
    /// With --batch: signatures that the token makes at the same time, each in a session of its own; for HSMs and tokens
    /// that are software
    #[arg(long, value_name = "N", default_value_t = 1,
        value_parser = clap::value_parser!(u16).range(1..=64))]
    sessions: u16,
    #[command(flatten)]
    dossier: container::DossierArgs,
    /// Where the signed PDF or XML goes; with --format cades, or xades --detached, the signature, such as IN.p7s; with
    /// --batch the folder of the signed PDFs
    #[arg(short, long, value_name = "OUT|FOLDER")]
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
    strictness: InputArgs,
    /// The signer's certificate (PEM or DER), when the token holds none
    #[arg(long, value_name = "FILE", help_heading = "Certificates")]
    cert: Option<PathBuf>,
    /// Issuers that travel with the signature (PEM or DER); may be given several times
    #[arg(long, value_name = "FILE", help_heading = "Certificates")]
    chain: Vec<PathBuf>,
    #[command(flatten)]
    trust: TrustArgs,
    /// How the signature is kept
    #[arg(long, value_enum, default_value_t, help_heading = "Signature")]
    format: FormatName,
    /// With --format cades: the file lies inside its signature (.p7m), instead of apart from it (.p7s)
    #[arg(long, help_heading = "Signature")]
    enveloping: bool,
    /// With --format xades: the signature goes into the XML document, as it does anyway
    #[arg(long, conflicts_with_all = ["detached", "enveloping"], help_heading = "Signature")]
    enveloped: bool,
    /// With --format xades: the signature lies beside the file, instead of inside it
    #[arg(long, conflicts_with = "enveloping", help_heading = "Signature")]
    detached: bool,
    /// With --format xades: how XML is made octets
    #[arg(long, value_enum, default_value_t, value_name = "FORM", help_heading = "Signature")]
    canonicalization: FormName,
    /// How long the signature lasts: t needs --tsa, lt and lta also --trust [default: t with --tsa, else b]
    #[arg(long, value_enum, value_name = "LEVEL", help_heading = "Level")]
    level: Option<LevelName>,
    #[command(flatten)]
    tsa: TsaArgs,
    /// What is done when a PDF cannot reach its level, because no authority answers or evidence is missing
    #[arg(long, value_enum, value_name = "WHAT", default_value = "refuse", help_heading = "Level")]
    if_no_tsa: IfNoTsa,
    /// For lt and lta of a PDF: wait so long after the signature before its evidence is gathered, which must then be
    /// younger
    #[arg(long, value_name = "SECONDS", default_value_t = 0, help_heading = "Level",
        value_parser = clap::value_parser!(u64).range(0..=86_400))]
    grace: u64,
    /// The digest; SHA-256, unless the author of the field has another one in mind
    #[arg(long, value_enum, help_heading = "Signature")]
    digest: Option<DigestName>,
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
    #[command(flatten)]
    says: SaysArgs,
    /// Print what was done as JSON
    #[arg(long)]
    json: bool,
    // Last: its heading would hold for all that follow.
    #[command(flatten)]
    looks: LooksArgs,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(super) enum DigestName {
    Sha256,
    Sha384,
    Sha512,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum FormatName {
    /// Inside a PDF (ETSI EN 319 142-1)
    #[default]
    Pades,
    /// A CMS beside or around a file of any kind (ETSI EN 319 122-1)
    Cades,
    /// In XML: inside the document, or beside files of any kind (ETSI EN 319 132-1)
    Xades,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum FormName {
    /// Exclusive XML Canonicalization 1.0
    #[default]
    Exclusive,
    /// Canonical XML 1.1
    Inclusive,
}

pub(super) fn run(args: Args) -> ExitCode {
    let json = args.json;
    if args.batch.is_some() {
        return sign_many(args).unwrap_or_else(|failure| {
            eprintln!("kyso sign: {failure}");
            ExitCode::from(failure.status())
        });
    }
    let dossier = match container::wanted(&args) {
        Ok(dossier) => dossier,
        Err(failure) => {
            eprintln!("kyso sign: {failure}");
            return ExitCode::from(failure.status());
        }
    };
    let done = match (dossier, args.format) {
        (Some(wanted), _) => container::sign(args, &wanted).map(|(released, notes)| {
            let (path, report) = (released.path(), released.report());
            let told = Told::new(path, report, &notes, released.good_until());
            tell(&told, released.signature(), released.took(), json);
        }),
        (None, FormatName::Pades) if args.looks.dry_run.is_some() => dry_run(args),
        (None, FormatName::Pades) => sign(args).map(|(released, notes)| {
            let seen = released.placement();
            let level = Some(Reached {
                asked: released.asked(),
                reached: released.reached(),
                deferred: released.deferred(),
            });
            let (path, report) = (released.path(), released.report());
            let told = Told { seen, level, ..Told::new(path, report, &notes, released.good_until()) };
            tell(&told, released.signature(), released.took(), json);
        }),
        (None, FormatName::Cades) => sign_cms(args).map(|(released, notes)| {
            let (path, report) = (released.path(), released.report());
            let told = Told::new(path, report, &notes, released.good_until());
            tell(&told, released.signature(), released.took(), json);
        }),
        (None, FormatName::Xades) => sign_xml(args).map(|(released, notes)| {
            let (path, report) = (released.path(), released.report());
            let told = Told::new(path, report, &notes, released.good_until());
            tell(&told, released.signature(), released.took(), json);
        }),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("kyso sign: {failure}");
            ExitCode::from(failure.status())
        }
    }
}

impl Args {
    /// The one file that is signed.
    fn input(&self) -> PathBuf {
        self.input.clone().unwrap_or_default()
    }
}

/// What went wrong, in the order of the walk.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error("{}", super::with_causes(.0))]
    Batch(#[from] BatchError),
    #[error("{}", super::with_causes(.0))]
    Container(ContainerError),
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
            Self::Batch(BatchError::Input { .. }) | Self::Container(_) => 65,
            Self::Batch(BatchError::Journal { .. } | BatchError::Output { .. }) => 73,
            Self::Batch(BatchError::Signer(error)) => status_of(error),
            Self::Batch(_) | Self::Usage(_) => 64,
            Self::Damaged(_) | Self::Input { .. } => 65,
            Self::Sign(error) => status_of(error),
        }
    }
}

/// After `sysexits.h`.
pub(super) fn status_of(error: &SignError) -> u8 {
    match error {
        SignError::Input { .. } | SignError::Pdf(_) => 65,
        SignError::Signing(SigningError::Pdf(_) | SigningError::Read(_)) => 65,
        SignError::Signing(SigningError::Appearance(_)) | SignError::Preview { .. } => 65,
        SignError::Enveloping { .. } => 65,
        SignError::Signing(
            SigningError::Xml(_) | SigningError::XmlSignature(_) | SigningError::XmlUnsuited { .. },
        ) => 65,
        SignError::Verify(_) => 65,
        SignError::Level { .. } => 69,
        SignError::Signing(SigningError::Seed { .. }) => 65,
        SignError::Signing(SigningError::Wish { .. }) => 64,
        SignError::NoAuthority { .. } | SignError::NoAnchors { .. } => 64,
        SignError::NotRaised { source, .. } if !source.may_pass() => 65,
        SignError::NoTimeStamp(_) | SignError::NotRaised { .. } => 69,
        SignError::Signing(SigningError::TimeStamp(_)) => 69,
        SignError::Exists { .. } | SignError::Output { .. } => 73,
        SignError::Token(_) | SignError::NoCertificate { .. } | SignError::Signing(_) => 77,
        _ => 70,
    }
}

fn sign_many(args: Args) -> Result<ExitCode, Failure> {
    let only = |words: &str| Err(Failure::Usage(words.to_owned()));
    let of_xml = args.enveloped || args.detached || args.canonicalization != FormName::default();
    if args.format != FormatName::Pades || of_xml || args.enveloping || args.dossier.is_given() {
        return only("--batch signs PDFs; sign other files and containers one by one");
    }
    if args.strictness.repair {
        return only("--batch keeps every byte of its files; repair those that need it one by one");
    }
    if args.looks.dry_run.is_some() {
        return only("a dry run shows one PDF; leave --batch away");
    }
    let json = args.json;
    let Ready { desk, signer, plan, wishes, cleared, .. } = ready(args, None)?;
    let Some(plan) = plan else { return only("--batch needs a list or a folder") };
    super::sign_batch::run(plan, &desk, (&signer, &cleared), &wishes, json)
}

fn sign(args: Args) -> Result<(Released, Notes), Failure> {
    if args.enveloped || args.detached || args.canonicalization != FormName::default() {
        let words = "--enveloped, --detached and --canonicalization go with --format xades";
        return Err(Failure::Usage(words.to_owned()));
    }
    if args.enveloping {
        return Err(Failure::Usage("--enveloping goes with --format cades".to_owned()));
    }
    let output = args.output.clone();
    let Ready { desk, signer, input, cleared, wishes, .. } = ready(args, None)?;
    let progress = spinner("signing");
    let released = desk.sign_file(&*input.source, &output, &signer, &wishes)?;
    progress.finish_and_clear();
    Ok((released, Notes::of(input.findings, &cleared)))
}

fn sign_cms(args: Args) -> Result<(ReleasedCms, Notes), Failure> {
    if args.enveloped || args.detached || args.canonicalization != FormName::default() {
        let words = "--enveloped, --detached and --canonicalization go with --format xades";
        return Err(Failure::Usage(words.to_owned()));
    }
    let of_pdf = [&args.field, &args.reason, &args.location, &args.contact];
    let says = args.says.clone().wishes();
    if of_pdf.iter().any(|text| text.is_some()) || says.certify.is_some() || says.lock.is_some() {
        let words =
            "--field, --reason, --location, --contact, --certify and --lock are for PDF; leave them away";
        return Err(Failure::Usage(words.to_owned()));
    }
    if args.looks.is_given() {
        return Err(Failure::Usage("--appearance is for PDF; leave it away".to_owned()));
    }
    if args.strictness.repair {
        return Err(Failure::Usage("--repair is for PDF; leave it away".to_owned()));
    }
    let (output, enveloping) = (args.output.clone(), args.enveloping);
    let name = args.input().file_name().unwrap_or_default().to_string_lossy().into_owned();
    let Ready { desk, signer, input, cleared, level, wishes: Wishes { any_usage, .. }, .. } =
        ready(args, None)?;
    let progress = spinner("signing");
    let source = Arc::clone(&input.source);
    let wishes = CmsWishes { enveloping, level, statements: says.statements, any_usage };
    let released = desk.sign_cms(source, &name, &output, &signer, &wishes)?;
    progress.finish_and_clear();
    Ok((released, Notes::of(input.findings, &cleared)))
}

fn sign_xml(args: Args) -> Result<(Released, Notes), Failure> {
    if [&args.field, &args.reason, &args.contact].iter().any(|text| text.is_some()) {
        let words =
            "--field, --reason and --contact are for PDF; XAdES has --location, --commitment and --role";
        return Err(Failure::Usage(words.to_owned()));
    }
    if args.looks.is_given() {
        return Err(Failure::Usage("--appearance is for PDF; leave it away".to_owned()));
    }
    if args.enveloping {
        return Err(Failure::Usage("--enveloping goes with --format cades".to_owned()));
    }
    let (output, detached) = (args.output.clone(), args.detached);
    let name = args.input().file_name().unwrap_or_default().to_string_lossy().into_owned();
    let form = match args.canonicalization {
        FormName::Exclusive => XmlForm::Exclusive,
        FormName::Inclusive => XmlForm::Inclusive,
    };
    let says = args.says.clone().wishes();
    if says.certify.is_some() || says.lock.is_some() {
        let words = "--certify and --lock are for PDF; leave them away";
        return Err(Failure::Usage(words.to_owned()));
    }
    if args.strictness.repair {
        return Err(Failure::Usage("--repair is for PDF; leave it away".to_owned()));
    }
    let (location, statements) = (args.location.clone(), says.statements);
    let Ready { desk, signer, input, cleared, level, wishes: Wishes { any_usage, .. }, .. } =
        ready(args, None)?;
    let wishes = XadesWishes { level, form, location, statements, any_usage };
    let beside = [Detached { name, source: Arc::clone(&input.source) }];
    let subject =
        if detached { XmlSubject::Detached(&beside) } else { XmlSubject::Enveloped(&*input.source) };
    let progress = spinner("signing");
    let sign = |scheme, message: &[u8]| signer.token.sign(&signer.key, scheme, message);
    let released = desk.sign_xades(&subject, &output, signer.identity(), &wishes, sign)?;
    progress.finish_and_clear();
    Ok((released, Notes::of(input.findings, &cleared)))
}

/// All that signing needs, the token logged in.
struct Ready {
    desk: SigningDesk,
    signer: Signer,
    input: Repaired,
    /// The files of a batch, which has no `input`.
    plan: Option<Plan>,
    /// The certificate was asked about, before the PIN where it was to be seen by then.
    cleared: Cleared,
    level: Level,
    wishes: Wishes,
}

/// `dossier`: what is signed instead of a PDF or a file by itself.
fn ready(args: Args, dossier: Option<&container::Wanted>) -> Result<Ready, Failure> {
    let time_stamping = args.tsa.time_stamping();
    let usual = if time_stamping.is_some() { Level::T } else { Level::B };
    let level = args.level.map_or(usual, Level::from);
    if level >= Level::T && time_stamping.is_none() {
        return Err(Failure::Usage("this level needs a time-stamp authority: give --tsa URL".to_owned()));
    }
    let clock = Clock::System;
    let anchors = args.trust.anchors(clock.now()).map_err(Failure::Usage)?;
    let fetcher = Arc::new(args.trust.fetcher().map_err(Failure::Usage)?);
    if level >= Level::Lt && anchors.is_empty() {
        let words =
            "this level needs the authorities to trust, for which to gather evidence: give --trust PATH";
        return Err(Failure::Usage(words.to_owned()));
    }
    if args.batch.is_none() && args.sessions > 1 {
        return Err(Failure::Usage("--sessions is for many files: it goes with --batch".to_owned()));
    }
    if args.batch.is_none() && args.output.exists() && !args.overwrite {
        let output = args.output.display();
        return Err(Failure::Usage(format!("{output} exists; choose another name or add --overwrite")));
    }
    // Everything that can be refused without the PIN is refused before anybody is asked for it.
    let limits = Limits::default();
    let plan = match &args.batch {
        Some(source) => Some(Plan::make(Plan::inputs(source)?, &args.output)?),
        None => None,
    };
    let input = match (dossier, args.format) {
        // A batch opens each of its files when its turn comes.
        _ if plan.is_some() => Repaired::unchanged(Arc::new(MemorySource(Vec::new()))),
        (None, FormatName::Pades) => args.strictness.open(&args.input(), &args.output, &limits)?,
        _ => InputArgs::open_any(args.input())?,
    };
    let document = match (dossier, args.format) {
        _ if plan.is_some() => None,
        (Some(wanted), _) => {
            wanted.check(&limits, clock)?;
            None
        }
        (None, FormatName::Pades) => {
            Some(Document::open(Arc::clone(&input.source), &limits).map_err(SignError::from)?)
        }
        (None, FormatName::Cades) => None,
        (None, FormatName::Xades) => {
            if !args.detached {
                service::sign::check_xml(&*input.source)?;
            }
            None
        }
    };
    let preferred = || match &document {
        Some(document) => seed::preferred_digest(document, args.field.as_deref()).map_err(SignError::from),
        None => Ok(None),
    };
    let digest = match args.digest {
        Some(digest) => digest.into(),
        None => preferred()?.unwrap_or(DigestAlgorithm::Sha256),
    };
    let wish = SchemeWish { digest, pss: args.pss };
    let given = args.cert.as_deref().map(certificates).transpose()?.unwrap_or_default();
    let mut chain: Vec<Certificate> = given.iter().skip(1).cloned().collect();
    for file in &args.chain {
        chain.extend(certificates(file)?);
    }
    let wishes = Wishes {
        field: args.field,
        reason: args.reason,
        location: args.location,
        contact: args.contact,
        appearance: args.looks.appearance().map_err(Failure::Usage)?,
        any_usage: args.strictness.allow_key_usage,
        level: Some(level),
        ..args.says.wishes()
    };
    let check = SignerCheck {
        anchors: &anchors.clone(),
        fetcher: (!args.trust.offline).then_some(&*fetcher),
        limits: &limits.clone(),
        now: clock.now(),
        any_usage: args.strictness.allow_key_usage,
    };
    if let Some(certificate) = given.first() {
        // Without asking anybody: the rest waits until the token is there.
        let check = SignerCheck { fetcher: None, ..check };
        check.check(certificate, &chain, wish.scheme_for(certificate)?)?;
    }

    let token = args.token.open().map_err(SignError::from)?;
    let certificate = match given.into_iter().next() {
        Some(certificate) => Some(certificate),
        // Certificates are public objects on most tokens; where they are not, they show after the login.
        None => Signer::new(token.clone(), args.key.clone(), None, Vec::new(), wish)
            .ok()
            .map(|signer| signer.certificate),
    };
    let mut cleared = None;
    if let Some(certificate) = &certificate {
        demand_own_key(&token, &args.key, certificate)?;
        cleared = Some(args.strictness.check(&check, certificate, &chain, wish.scheme_for(certificate)?)?);
    }
    if let (Some(certificate), Some(document)) = (&certificate, &document) {
        let request = Request {
            signer: certificate.clone(),
            chain: chain.clone(),
            scheme: wish.scheme_for(certificate)?,
            time_stamp: (level >= Level::T).then(|| TokenRoom::after(0)),
            wishes: wishes.clone(),
        };
        signing::check(document, &request, clock.now()).map_err(SignError::from)?;
    }
    let nothing_left = match (&plan, &certificate) {
        (Some(plan), Some(certificate)) => {
            plan.check(&Identity::new(certificate.clone(), chain.clone(), wish)?, &wishes)?;
            plan.open() == 0
        }
        _ => false,
    };
    if !nothing_left {
        args.pin.login(&token).map_err(SignError::from)?;
        token.sign_in_sessions(NonZero::new(usize::from(args.sessions)).unwrap_or(NonZero::<usize>::MIN));
    }
    let signer = Signer::new(token, args.key, certificate, chain, wish)?;
    let cleared = match cleared {
        Some(cleared) => cleared,
        None => args.strictness.check(&check, &signer.certificate, &signer.chain, signer.scheme)?,
    };

    let desk = SigningDesk {
        clock,
        chance: Chance::system(),
        limits,
        fetcher: Arc::clone(&fetcher),
        time_stamping: time_stamping.filter(|_| level >= Level::T).map(|stamping| {
            let grace = std::time::Duration::from_secs(args.grace);
            stamping.when_unreached(args.if_no_tsa.into()).with_grace(grace)
        }),
        anchors,
        policy: Policy::strict(),
        // Evidence has to be brought before it can be kept.
        online: level >= Level::Lt && !args.trust.offline,
        known: Arc::default(),
    };
    Ok(Ready { desk, signer, input, plan, cleared, level, wishes })
}

/// The same as signing up to the key: what stands against it is said here too.
fn dry_run(args: Args) -> Result<(), Failure> {
    let Some(picture) = args.looks.dry_run.clone() else { return Ok(()) };
    let input = args.strictness.open(&args.input(), &picture, &Limits::default())?;
    let digest = args.digest.map_or(DigestAlgorithm::Sha256, DigestAlgorithm::from);
    let wish = SchemeWish { digest, pss: args.pss };
    let certificate =
        match args.cert.as_deref().map(certificates).transpose()?.unwrap_or_default().into_iter().next() {
            Some(certificate) => certificate,
            None => {
                let token = args.token.open().map_err(SignError::from)?;
                Signer::new(token, args.key, None, Vec::new(), wish)?.certificate
            }
        };
    let scheme = wish.scheme_for(&certificate)?;
    let identity = Identity { certificate, chain: Vec::new(), scheme };
    let desk = SigningDesk {
        clock: Clock::System,
        chance: Chance::system(),
        limits: Limits::default(),
        fetcher: Arc::new(Fetcher::new()),
        time_stamping: None,
        anchors: Anchors::default(),
        policy: Policy::strict(),
        online: false,
        known: Arc::default(),
    };
    let appearance = args.looks.appearance().map_err(Failure::Usage)?;
    let any_usage = args.strictness.allow_key_usage;
    let wishes = Wishes { field: args.field, appearance, any_usage, ..args.says.wishes() };
    let helper = std::env::current_exe()
        .map_err(|error| SignError::Preview { reason: format!("this program is not found: {error}") })?;
    let preview = desk.preview(input.source, identity, &wishes, &helper)?;
    std::fs::write(&picture, &preview.png)
        .map_err(|source| SignError::Output { path: picture.clone(), source })?;
    if args.json {
        println!("{:#}", serde_json::json!({ "picture": picture, "placement": preview.placement }));
        return Ok(());
    }
    println!("drawn     {}", picture.display());
    looks::tell(&preview.placement);
    println!("signed    nothing");
    Ok(())
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

/// What is said about a signed file.
struct Told<'a> {
    path: &'a Path,
    report: &'a DocumentReport,
    seen: Option<&'a Placement>,
    level: Option<Reached<'a>>,
    notes: &'a Notes,
    /// Until when the archive time-stamp can be relied on.
    good_until: Option<UtcTime>,
}

impl<'a> Told<'a> {
    /// What every format has to say.
    fn new(
        path: &'a Path,
        report: &'a DocumentReport,
        notes: &'a Notes,
        good_until: Option<UtcTime>,
    ) -> Self {
        Self { path, report, seen: None, level: None, notes, good_until }
    }
}

/// The level of a PDF, and why it is no higher where that was left for later.
struct Reached<'a> {
    asked: Level,
    reached: Level,
    deferred: Option<&'a str>,
}

fn tell(told: &Told<'_>, signature: Option<&SignatureReport>, took: &Steps, json: bool) {
    let Told { path, report, seen, level, notes, good_until } = told;
    if json {
        let value = serde_json::json!({
            "output": path,
            "sha256": report.sha256,
            "signature": signature,
            "placement": seen,
            "repair": notes.repair,
            "warnings": notes.warnings,
            "milliseconds": {
                "copy": took.copy, "prepare": took.prepare, "sign": took.sign,
                "stamp": took.stamp, "extend": took.extend, "verify": took.verify, "release": took.release,
            },
            "askedLevel": level.as_ref().map(|level| level.asked),
            "reachedLevel": level.as_ref().map(|level| level.reached),
            "deferred": level.as_ref().and_then(|level| level.deferred),
            "goodUntil": good_until.map(|until| until.to_string()),
        });
        println!("{value:#}");
        return;
    }
    notes.tell();
    let Some(signature) = signature else { return };
    println!("signed    {}", path.display());
    if !signature.field.is_empty() {
        println!("field     {}", signature.field);
    }
    println!("signer    {}", signature.signed_by.as_deref().unwrap_or("-"));
    println!("format    {}", signature.signature_format);
    let verdict = match signature.indication {
        Indication::TotalPassed => "intact; certificate and status proven",
        _ => "intact; certificate or status not proven here (kyso verify says why)",
    };
    println!("checked   {verdict}");
    if let Some(until) = good_until {
        println!("renew by  {until}");
    }
    if let Some(placement) = seen {
        looks::tell(placement);
    }
    if let Some(Reached { asked, reached, deferred: Some(why) }) = level {
        let (asked, reached) = (asked.as_str(), reached.as_str());
        println!("later     level {reached}, not {asked}: {why}");
        println!("          raise it with: kyso extend FILE -o OUT --to {}", asked.to_lowercase());
    }
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
