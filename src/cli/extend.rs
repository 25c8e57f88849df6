//! `kyso extend`.

use std::{path::PathBuf, process::ExitCode, sync::Arc};

use super::{
    extend_words::{Labels, added, refused},
    level::{LevelName, TsaArgs},
    password::PasswordArgs,
    trust::TrustArgs,
    verify::{Lang, language, words::plain},
    with_causes,
};
use crate::{
    base::{Chance, Clock, Limits, ProtectedSource},
    service::{
        extend::{ExtendError, Extended, Extension},
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
/// What has the level is copied as it is. Every option means the same for every kind of file.
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
    /// Evidence has to be younger than the signature; 69 when it is not there yet; with --to lt and lta
    #[arg(long, help_heading = "Level")]
    after_signature: bool,
    /// Extend although a signature is not valid, which makes it no better; those that are valid have to stay so
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
    /// The language of the answer; otherwise what LC_ALL, LC_MESSAGES or LANG says
    #[arg(long, value_enum, value_name = "LANGUAGE")]
    lang: Option<Lang>,
    #[command(flatten)]
    password: PasswordArgs,
}

pub(super) fn run(args: Args) -> ExitCode {
    let (json, language) = (args.json, language(args.lang));
    match extend(args, language) {
        Ok(extended) => {
            tell(&extended, json, language);
            ExitCode::SUCCESS
        }
        Err(failure) => {
            eprintln!("kyso extend: {}", plain(&failure.tell(language)));
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
    #[error("{}", with_causes(.0))]
    Extend(#[from] ExtendError),
}

impl Failure {
    fn tell(&self, language: Language) -> String {
        match (self, language) {
            (Self::Extend(error), _) => refused(error, &with_causes(error), language),
            (Self::Input { path, source }, Language::Vietnamese) => {
                format!("không đọc được {}: {source}", path.display())
            }
            (other, _) => other.to_string(),
        }
    }

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

fn extend(args: Args, language: Language) -> Result<Extended, Failure> {
    let usage = |english: String, vietnamese: String| {
        Err(Failure::Usage(match language {
            Language::English => english,
            Language::Vietnamese => vietnamese,
        }))
    };
    if args.output.exists() && !args.overwrite {
        let output = args.output.display();
        return usage(
            format!("{output} exists; choose another name or add --overwrite"),
            format!("{output} đã có; hãy chọn tên khác hoặc thêm --overwrite"),
        );
    }
    let to = Level::from(args.to);
    if to == Level::B || (args.renew && to != Level::Lta) {
        return usage(
            "--to is t, lt or lta, and --renew goes with --to lta".to_owned(),
            "--to là t, lt hoặc lta, còn --renew đi cùng --to lta".to_owned(),
        );
    }
    let clock = Clock::System;
    let policy = read_policy(&args.policy).map_err(|error| Failure::Usage(error.tell(language)))?;
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

fn tell(extended: &Extended, json: bool, language: Language) {
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
    let labels = Labels::of(language);
    println!("{} {}", labels.extended, extended.path().display());
    let before = raised.before.as_str();
    println!("{} {before} -> {}", labels.level, raised.reached.as_str());
    let words: Vec<_> = raised.added.iter().map(|one| added(*one, language)).collect();
    let words = if words.is_empty() { labels.nothing_added.to_owned() } else { words.join(", ") };
    println!("{} {words}", labels.added);
    if let Some(until) = raised.good_until {
        println!("{} {until}", labels.renew_by);
    }
}
