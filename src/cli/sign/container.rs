//! `kyso sign --container`: a dossier in an ASiC container.

use std::{
    fs::File,
    io::Read as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use unicode_normalization::UnicodeNormalization as _;

use super::{Args, Failure, FormName, FormatName, Notes, Ready, ready, spinner};
use crate::{
    asic::{AsicError, Kind, is_zip},
    base::{Clock, Limits},
    service::sign::container::{ContainerError, ContainerWishes, Dossier, Form, ReleasedContainer},
    signing::Wishes,
    store::FileSource,
    validation::Detached,
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
enum ContainerName {
    /// ASiC-E: any number of documents and signers
    Asice,
    /// ASiC-S: one document, one signature
    Asics,
}

/// How the signature in a container is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum WithName {
    /// CAdES (CMS)
    Cades,
    /// XAdES (XML)
    Xades,
}

/// A dossier, or a container, that is to be signed.
pub(super) struct Wanted {
    dossier: Dossier,
    /// The level is settled later.
    wishes: ContainerWishes,
    /// What a person would type to sign the first file in a container.
    instead: String,
}

impl DossierArgs {
    /// Whether anything here was asked for.
    pub(super) fn is_given(&self) -> bool {
        !self.more.is_empty() || self.container.is_some() || self.with.is_some()
    }
}

/// What there is to sign; `None` when it is neither a dossier nor a container.
pub(super) fn wanted(args: &Args) -> Result<Option<Wanted>, Failure> {
    let usage = |reason: &str| Err(Failure::Usage(reason.to_owned()));
    let DossierArgs { more, container, with } = &args.dossier;
    let dossier = if let Some(container) = container {
        let kind = match container {
            ContainerName::Asice => Kind::Extended,
            ContainerName::Asics => Kind::Simple,
        };
        let input = args.input();
        let files = std::iter::once(&input).chain(more);
        Dossier::New(kind, files.map(|path| document(path)).collect::<Result<_, _>>()?)
    } else if !more.is_empty() {
        return usage("several files are signed together in a container: add --container asice");
    } else if args.format == FormatName::Pades && begins_as_zip(&args.input()) {
        Dossier::Existing(Arc::new(open(&args.input())?))
    } else if with.is_some() {
        return usage("--with belongs to containers: add --container asice");
    } else {
        return Ok(None);
    };
    let of_xml = args.enveloped || args.detached || args.canonicalization != FormName::default();
    if of_xml || args.enveloping || args.format != FormatName::Pades {
        return usage("a container has --with instead of --format and what goes with that");
    }
    let of_pdf = [&args.field, &args.reason, &args.contact];
    let says = args.says.clone().wishes();
    let binds = says.certify.is_some() || says.lock.is_some();
    if of_pdf.into_iter().any(Option::is_some) || binds || args.looks.is_given() {
        return usage(
            "how a signature looks, its field, reason and contact, and what it binds are for PDF; leave them away",
        );
    }
    if args.strictness.repair {
        return usage("--repair is for PDF; leave it away");
    }
    let form = with.map(|with| match with {
        WithName::Cades => Form::Cades,
        WithName::Xades => Form::Xades,
    });
    let (input, output) = (args.input(), args.output.display());
    let input = input.display();
    let instead = format!(
        "inside a container (kyso sign --container asice {input} -o {output}.asice), or by a signature that lies apart \
         (kyso sign --format cades {input} -o {input}.p7s)"
    );
    let (statements, location) = (says.statements, args.location.clone());
    let wishes = ContainerWishes { form, statements, location, ..ContainerWishes::default() };
    Ok(Some(Wanted { dossier, wishes, instead }))
}

/// Puts the signature over all documents, the token being logged in.
pub(super) fn sign(args: Args, wanted: &Wanted) -> Result<(ReleasedContainer, Notes), Failure> {
    let output = args.output.clone();
    let Ready { desk, signer, level, cleared, wishes: Wishes { any_usage, .. }, .. } =
        ready(args, Some(wanted))?;
    let progress = spinner("signing");
    let wishes = ContainerWishes { level, any_usage, ..wanted.wishes.clone() };
    let key = |scheme, message: &[u8]| signer.token.sign(&signer.key, scheme, message);
    let released = desk.sign_container(&wanted.dossier, &output, signer.identity(), &wishes, key)?;
    progress.finish_and_clear();
    Ok((released, Notes::of(Vec::new(), &cleared)))
}

impl Wanted {
    /// Whatever can be refused without the PIN.
    pub(super) fn check(&self, limits: &Limits, clock: Clock) -> Result<(), Failure> {
        self.dossier.check(&self.wishes, limits, clock.now()).map_err(|error| match error {
            // An archive that is no container is told what it is, and what can be done with it.
            ContainerError::Asic(AsicError::NotAsic { reason }) => {
                Failure::Usage(format!("{reason}. It is signed as it is: {}", self.instead))
            }
            other => other.into(),
        })
    }
}

impl From<ContainerError> for Failure {
    fn from(error: ContainerError) -> Self {
        match error {
            ContainerError::Sign(error) => Self::Sign(error),
            other => Self::Container(other),
        }
    }
}

fn begins_as_zip(path: &Path) -> bool {
    let mut head = [0; 4];
    File::open(path).and_then(|mut file| file.read_exact(&mut head)).is_ok() && is_zip(&head)
}

fn open(path: &Path) -> Result<FileSource, Failure> {
    FileSource::open(path).map_err(|source| Failure::Input { path: path.to_owned(), source })
}

/// A file by its own name, its letters composed.
fn document(path: &Path) -> Result<Detached, Failure> {
    let name = path.file_name().and_then(|name| name.to_str()).ok_or_else(|| {
        Failure::Usage(format!("{} has no name in UTF-8; a container needs one", path.display()))
    })?;
    Ok(Detached { name: name.nfc().collect(), source: Arc::new(open(path)?) })
}
