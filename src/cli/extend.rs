//! `kyso extend`.

use std::{path::PathBuf, process::ExitCode, sync::Arc};

use super::{
    level::{LevelName, TsaArgs},
    password::PasswordArgs,
    trust::TrustArgs,
    verify::words::plain,
    with_causes,
};
use crate::{
    base::{Chance, Clock, Limits, ProtectedSource},
    service::{
        extend::{AddedRevision, ExtendError, Extended, Extension},
        policy::read_policy,
        sign::{SignError, SigningDesk},
    },
    store::FileSource,
    validation::{Detached, Level, words::Language},
};

/// Raise the signatures of a PDF, a CMS, an XML file or an ASiC container to a level that lasts, ours or not; no key is
/// touched.
///
/// In a PDF, t adds a document time-stamp where a signature has none; lt stores the certificates and the status evidence
/// that the signatures rest on; lta puts a time-stamp over that. CMS and XML signatures get the same in attributes of their
/// own, and in ASiC-E containers with CAdES lta is a time-stamp over all files (docs/containers.md). Earlier bytes stay,
/// and signatures that were valid stay valid, or there is no output. A document whose signatures are not valid is refused.
///
/// Exit status: 0 extended, or it had the level; 64 wrong usage; 65 the document cannot be extended; 69 no time-stamp
/// authority gave anything, or evidence is missing: try again later; 70 our own fault; 73 the output cannot be written.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The signed document
    #[arg(value_name = "FILE")]
    input: PathBuf,
    /// The file that a CMS signature (.p7s) or an XML signature is about, where it lies apart
    #[arg(long, value_name = "FILE")]
    detached: Option<PathBuf>,
    /// Where the extended document goes
    #[arg(short, long, value_name = "OUT")]
    output: PathBuf,
    /// Write over an output that exists
    #[arg(long)]
    overwrite: bool,
    /// The level to reach: t, lt or lta
    #[arg(long, value_enum, value_name = "LEVEL", help_heading = "Level")]
    to: LevelName,
    #[command(flatten)]
    tsa: TsaArgs,
    /// Add a fresh archive time-stamp although there is one; with --to lta
    #[arg(long, help_heading = "Level")]
    renew: bool,
    /// Evidence has to be younger than the signature; 69 when it is not there yet
    #[arg(long, help_heading = "Level")]
    after_signature: bool,
    /// Extend although a signature is not valid; those that are valid have to stay so
    #[arg(long, help_heading = "Level")]
    even_if_not_valid: bool,
    #[command(flatten)]
    trust: TrustArgs,
    /// Judge by this validation policy: strict, etsi, vn-public-duty, or a file of your own
    #[arg(long, value_name = "NAME|FILE", default_value = "strict", help_heading = "Trust")]
    policy: String,
    /// Print what was done as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    password: PasswordArgs,
}

pub(super) fn run(args: Args) -> ExitCode {
    let json = args.json;
    match extend(args) {
        Ok(extended) => {
            tell(&extended, json);
            ExitCode::SUCCESS
        }
        Err(failure) => {
            eprintln!("kyso extend: {}", plain(&failure.to_string()));
            ExitCode::from(failure.status())
        }
    }
}

#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("{0}")]
    Usage(String),
    #[error("{} could not be read: {source}", path.display())]
    Input { path: PathBuf, source: std::io::Error },
    #[error("{}{}", with_causes(.0), hint(.0))]
    Extend(#[from] ExtendError),
}

impl Failure {
    /// After `sysexits.h`.
    fn status(&self) -> u8 {
        match self {
            Self::Usage(_) => 64,
            Self::Input { .. } => 65,
            Self::Extend(error) if error.may_pass() => 69,
            Self::Extend(ExtendError::Sign(error)) => match error {
                SignError::NoAnchors { .. } | SignError::NoAuthority { .. } => 64,
                SignError::NotReleased { .. } => 65,
                SignError::Output { .. } => 73,
                SignError::Input { .. } | SignError::Pdf(_) | SignError::Signing(_) => 65,
                _ => 70,
            },
            Self::Extend(ExtendError::Worse { .. }) => 70,
            Self::Extend(_) => 65,
        }
    }
}

/// What to do about it.
fn hint(error: &ExtendError) -> &'static str {
    match error {
        ExtendError::NotValid { may_pass: false, .. } => {
            "; kyso verify tells more, and --even-if-not-valid extends all the same"
        }
        ExtendError::Sign(SignError::NoAnchors { .. }) => "; give --trust",
        ExtendError::Sign(SignError::NoAuthority { .. }) => "; give --tsa",
        error if error.may_pass() => "; try again later",
        _ => "",
    }
}

fn extend(args: Args) -> Result<Extended, Failure> {
    if args.output.exists() && !args.overwrite {
        let output = args.output.display();
        return Err(Failure::Usage(format!("{output} exists; choose another name or add --overwrite")));
    }
    let to = Level::from(args.to);
    if to == Level::B || (args.renew && to != Level::Lta) {
        return Err(Failure::Usage("--to is t, lt or lta, and --renew goes with --to lta".to_owned()));
    }
    let clock = Clock::System;
    let policy = read_policy(&args.policy).map_err(|error| Failure::Usage(error.tell(Language::English)))?;
    let desk = SigningDesk {
        clock,
        chance: Chance::system(),
        limits: Limits::default(),
        fetcher: Arc::new(args.trust.fetcher().map_err(Failure::Usage)?),
        time_stamping: args.tsa.time_stamping(),
        anchors: args.trust.anchors(clock.now()).map_err(Failure::Usage)?,
        policy,
        online: !args.trust.offline,
        known: Arc::default(),
    };
    let extension = Extension {
        renew: args.renew,
        even_if_not_valid: args.even_if_not_valid,
        after_signature: args.after_signature,
        ..Extension::to(to)
    };
    let password = args.password.read().map_err(Failure::Usage)?;
    let input =
        FileSource::open(&args.input).map_err(|source| Failure::Input { path: args.input, source })?;
    let input = ProtectedSource::new(input, password);
    let content = match args.detached {
        Some(path) => {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let source = FileSource::open(&path).map_err(|source| Failure::Input { path, source })?;
            Some(Detached { name, source: Arc::new(source) })
        }
        None => None,
    };
    Ok(desk.extend_file(&input, &args.output, &extension, content)?)
}

fn tell(extended: &Extended, json: bool) {
    let raised = extended.raised();
    if json {
        let value = serde_json::json!({
            "output": extended.path(),
            "sha256": raised.report.sha256,
            "before": raised.before,
            "reached": raised.reached,
            "added": raised.added,
            "goodUntil": raised.good_until.map(|until| until.to_string()),
            "signatures": raised.report.signatures,
        });
        println!("{value:#}");
        return;
    }
    println!("extended  {}", extended.path().display());
    let before = raised.before.map_or("?", Level::as_str);
    println!("level     {before} -> {}", raised.reached.as_str());
    let words = raised.added.iter().map(|one| match one {
        AddedRevision::ArchiveManifest => "a time-stamp over all files of the container",
        AddedRevision::Attributes => "evidence and time-stamps in unsigned attributes",
        AddedRevision::Evidence => "evidence",
        AddedRevision::TimeStamp => "a document time-stamp",
    });
    let words: Vec<_> = words.collect();
    println!(
        "added     {}",
        if words.is_empty() { "nothing: it has the level".to_owned() } else { words.join(", ") }
    );
    if let Some(until) = raised.good_until {
        println!("renew by  {until}");
    }
}
