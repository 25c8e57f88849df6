//! `kyso sign --container`: a dossier in an ASiC container.

use std::{
    fs::File,
    io::Read as _,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use unicode_normalization::UnicodeNormalization as _;

use super::{Args, Failure, certificates, check};
use crate::{
    asic::{AsicError, Kind, is_zip},
    base::{Chance, Clock, Limits},
    fetch::Fetcher,
    service::sign::{
        SchemeWish, SignError, Signer, SigningDesk, TimeStamping,
        container::{ContainerError, ContainerWishes, Dossier, Form, ReleasedContainer},
    },
    store::FileSource,
    trust::Anchors,
    validation::{Detached, Indication, Level, Policy},
    x509::Certificate,
};

/// The arguments for dossiers.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Container")]
pub(super) struct DossierArgs {
    /// More documents of a dossier, with --container
    #[arg(value_name = "FILE")]
    more: Vec<PathBuf>,
    /// Put the documents, of any kind, into a container and sign them together
    #[arg(long, value_enum, value_name = "KIND")]
    container: Option<ContainerName>,
    /// How the signature in the container is written; as those that are there, or else cades
    #[arg(long, value_enum, value_name = "FORM")]
    with: Option<WithName>,
}

/// The kinds of containers, as an argument names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum ContainerName {
    /// ASiC-E: any number of documents and signers
    Asice,
    /// ASiC-S: one document, one signature
    Asics,
}

/// How the signature in a container is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum WithName {
    /// CAdES (CMS)
    Cades,
    /// XAdES (XML)
    Xades,
}

/// Signs if it is a dossier, or a container, that is to be signed; `None` leaves it to others.
pub(super) fn run(args: &Args) -> Option<ExitCode> {
    let outcome = match wanted(args) {
        Ok(None) => return None,
        Ok(Some(dossier)) => sign(args, &dossier),
        Err(failure) => Err(failure),
    };
    Some(match outcome {
        Ok(released) => {
            tell(&released, args.json);
            ExitCode::SUCCESS
        }
        Err(failure) => {
            eprintln!("kyso sign: {failure}");
            ExitCode::from(failure.status())
        }
    })
}

/// What there is to sign; `None` when it is neither a dossier nor a container.
fn wanted(args: &Args) -> Result<Option<Dossier>, Failure> {
    if let Some(container) = args.dossier.container {
        let kind = match container {
            ContainerName::Asice => Kind::Extended,
            ContainerName::Asics => Kind::Simple,
        };
        let files: Result<_, _> = inputs(args).map(dossier_file).collect();
        return Ok(Some(Dossier::New(kind, files?)));
    }
    if !args.dossier.more.is_empty() {
        let reason = "several files are signed together in a container: add --container asice";
        return Err(Failure::Usage(reason.to_owned()));
    }
    let Some(input) = inputs(args).next() else { return Ok(None) };
    let mut head = [0; 4];
    let begins = File::open(input).and_then(|mut file| file.read_exact(&mut head));
    if begins.is_err() || !is_zip(&head) {
        return match args.dossier.with {
            Some(_) => Err(Failure::Usage("--with belongs to containers: add --container asice".to_owned())),
            None => Ok(None),
        };
    }
    let source = open(input)?;
    Ok(Some(Dossier::Existing(Arc::new(source))))
}

fn inputs(args: &Args) -> impl Iterator<Item = &Path> {
    std::iter::once(&args.input).chain(&args.dossier.more).map(PathBuf::as_path)
}

fn open(path: &Path) -> Result<FileSource, Failure> {
    FileSource::open(path).map_err(|source| Failure::Input { path: path.to_owned(), source })
}

/// A file by its own name, composed as all systems but one write it.
fn dossier_file(path: &Path) -> Result<Detached, Failure> {
    let name = path.file_name().and_then(|name| name.to_str());
    let name = name.ok_or_else(|| {
        Failure::Usage(format!("{} has no name in UTF-8; a container needs one", path.display()))
    })?;
    Ok(Detached { name: name.nfc().collect(), source: Arc::new(open(path)?) })
}

/// The same order as for PDFs: whatever can be refused without the PIN is refused before anybody is asked for it.
fn sign(args: &Args, dossier: &Dossier) -> Result<ReleasedContainer, Failure> {
    if args.output.exists() && !args.overwrite {
        let output = args.output.display();
        return Err(Failure::Usage(format!("{output} exists; choose another name or add --overwrite")));
    }
    if [&args.field, &args.reason, &args.location, &args.contact].into_iter().any(Option::is_some) {
        let reason =
            "--field, --reason, --location and --contact are for PDFs; a container has no place for them";
        return Err(Failure::Usage(reason.to_owned()));
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
    let (clock, limits) = (Clock::System, Limits::default());
    if let Some(certificate) = given.first() {
        check(certificate, wish, clock)?;
    }
    let form = args.dossier.with.map(|with| match with {
        WithName::Cades => Form::Cades,
        WithName::Xades => Form::Xades,
    });
    dossier.check(form, &limits, clock.now()).map_err(|error| office(error, args))?;

    let token = args.token.open().map_err(SignError::from)?;
    let certificate = match given.into_iter().next() {
        Some(certificate) => Some(certificate),
        None => Signer::new(token.clone(), args.key.clone(), None, Vec::new(), wish)
            .ok()
            .map(|signer| signer.certificate),
    };
    if let Some(certificate) = &certificate {
        check(certificate, wish, clock)?;
    }
    args.pin.login(&token).map_err(SignError::from)?;
    let signer = Signer::new(token, args.key.clone(), certificate, chain, wish)?;
    let desk = SigningDesk {
        clock,
        chance: Chance::system(),
        limits,
        fetcher: Arc::new(Fetcher::new()),
        time_stamping: args.tsa.clone().map(TimeStamping::new),
        anchors,
        policy: Policy::strict(),
        online: false,
    };
    let key = |scheme, message: &[u8]| signer.token.sign(&signer.key, scheme, message);
    let wishes = ContainerWishes { form, level: if args.tsa.is_some() { Level::T } else { Level::B } };
    Ok(desk.sign_container(dossier, &args.output, signer.identity(), &wishes, key)?)
}

impl From<ContainerError> for Failure {
    fn from(error: ContainerError) -> Self {
        match error {
            ContainerError::Sign(error) => Self::Sign(error),
            other => Self::Container(other),
        }
    }
}

/// An archive that is no container is told what it is, and what can be done with it.
fn office(error: ContainerError, args: &Args) -> Failure {
    let ContainerError::Asic(AsicError::NotAsic { reason }) = &error else { return error.into() };
    let (input, output) = (args.input.display(), args.output.display());
    Failure::Usage(format!(
        "{input} is no PDF: {reason}. Such a file is signed as it is, inside a container: \
         kyso sign --container asice {input} -o {output}.asice"
    ))
}

fn tell(released: &ReleasedContainer, json: bool) {
    let report = released.report();
    if json {
        let value = serde_json::json!({
            "output": released.path(),
            "sha256": report.sha256,
            "signedFiles": report.signed_files,
            "signature": released.signature(),
        });
        println!("{value:#}");
        return;
    }
    let Some(signature) = released.signature() else { return };
    println!("signed    {}", released.path().display());
    for file in &report.signed_files {
        println!("document  {}", file.name);
    }
    println!("file      {}", signature.field);
    println!("signer    {}", signature.signed_by.as_deref().unwrap_or("-"));
    println!("format    {}", signature.signature_format);
    let verdict = match signature.indication {
        Indication::TotalPassed => "intact; certificate and status proven",
        _ => "intact; certificate or status not proven here (kyso verify says why)",
    };
    println!("checked   {verdict}");
}
