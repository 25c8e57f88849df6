//! `kyso verify`: judges signed files. Exit statuses and JSON are a contract: see `docs/verify.md`.

mod files;
mod order;
pub(super) mod words;

use std::{
    collections::HashSet,
    env,
    io::{self, IsTerminal as _, Write as _},
    num::NonZeroUsize,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    process::ExitCode,
    sync::{Arc, Mutex, PoisonError},
    thread,
};

use clap::ValueEnum;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use self::{
    files::{Files, Found, LeftOut, Named, beside, find},
    order::in_order,
    words::{describe, describe_unreadable, plain, plain_lines, shown},
};
use super::{USAGE, password::PasswordArgs, with_causes};
use crate::{
    base::{Clock, Limits, Password, ProtectedSource, Source, UtcTime},
    fetch::{CacheError, Fetcher, PrivateHost},
    rendering::etsi,
    service::{
        beside::Wanted,
        policy::read_policy,
        trust::TrustWish,
        verify::{Options, VerifyError, verify_and_record, verify_signed},
    },
    store::FileSource,
    validation::{
        Detached, DocumentReport, Message, Overall, Record, ReplayError, Report, Unreadable, words::Language,
    },
};

/// Judge signed files: who signed, whether anything was changed, whether the certificate can be relied on.
///
/// PDF; CMS with its content inside (.p7m), or apart from it (.p7s, with --detached), in DER, BER or PEM; XML; and ASiC
/// containers (.asice, .asics, .bdoc, .edoc).
///
/// Of a folder, every file of these kinds in it and in its folders, by the endings of their names. A signature that lies
/// apart is judged with the file beside it that it is about: x.pdf.p7s with x.pdf. What is left out is told on standard
/// error, with the reason.
///
/// Exit status: 0 all valid, 1 something invalid, 2 no conclusion, 3 no signature, 64 wrong usage, 65 a file that
/// cannot be read, 70 our own fault. With several files, the worst of 70, 65, 1, 2, 3, 0, in this order.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The files to judge; of a folder, every file in it, and in its folders, that may hold signatures
    #[arg(required = true, value_name = "FILE|FOLDER")]
    files: Vec<PathBuf>,

    /// The signed file, where it lies apart from its signature: kyso verify FILE.p7s --detached FILE
    #[arg(long, value_name = "FILE")]
    detached: Vec<PathBuf>,

    /// Trust these certificates: a PEM or DER file, a folder of such files, or a trusted list (XML, ETSI TS 119 612);
    /// may be given several times. Without any, nothing can be valid
    #[arg(long, value_name = "PATH")]
    trust: Vec<PathBuf>,

    /// A certificate of the trusted list's scheme operator, PEM or DER: the list has to be signed with it; may be given
    /// several times
    #[arg(long, value_name = "CERT")]
    trust_operator: Vec<PathBuf>,

    /// Trust the sets of this profile (docs/trust.md), named or the default one
    #[arg(long, value_name = "FILE[:NAME]")]
    trust_profile: Option<String>,

    /// Answer for this moment instead of now, such as 2026-03-12T09:15:30+07:00
    #[arg(long, value_name = "RFC3339")]
    at: Option<UtcTime>,

    /// Judge by this validation policy: strict, etsi, vn-public-duty, or a file of your own (docs/validation-policy.md)
    #[arg(long, value_name = "NAME|FILE", default_value = "strict")]
    policy: String,

    /// Write down all that the verdict rests on, for --replay; of one file
    #[arg(long, value_name = "RECORD", conflicts_with = "replay")]
    record: Option<PathBuf>,

    /// Give the verdict of a record again: its evidence, policy, anchors and moment, for the same file
    #[arg(long, value_name = "RECORD", conflicts_with_all = ["trust", "trust_profile", "at", "policy", "allow_host"])]
    replay: Option<PathBuf>,

    /// The password of encrypted files. Others on this machine can see it while kyso runs: better give it by
    /// --password-file, --password-fd or the variable KYSO_PDF_PASSWORD
    #[arg(long, value_name = "P", conflicts_with_all = ["password_fd", "password_file"])]
    password: Option<String>,

    #[command(flatten)]
    password_source: PasswordArgs,

    /// Use only what is in the files: ask no OCSP responder, fetch no revocation list
    #[arg(long)]
    offline: bool,

    /// How the answer is written
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    format: Format,

    /// The same as --format json
    #[arg(long, conflicts_with = "format")]
    json: bool,

    /// How many files are judged at the same time; otherwise as many as there are cores
    #[arg(long, short, value_name = "N")]
    jobs: Option<NonZeroUsize>,

    /// Also fetch from this host or network of your own (HOST, HOST:PORT or 10.20.0.0/16); may be given several times
    #[arg(long, value_name = "HOST")]
    allow_host: Vec<PrivateHost>,

    /// Keep what is fetched in this folder; otherwise in kyso of $XDG_CACHE_HOME or ~/.cache
    #[arg(long, value_name = "DIR")]
    cache: Option<PathBuf>,

    /// Keep nothing on disk of what is fetched, and use nothing that was kept
    #[arg(long, conflicts_with = "cache")]
    no_cache: bool,

    /// The language of the answer; otherwise what LC_ALL, LC_MESSAGES or LANG says
    #[arg(long, value_enum, value_name = "LANG")]
    lang: Option<Lang>,
}

/// How the answer is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Words for people, file by file as they are judged
    #[default]
    Text,
    /// One JSON document for all files, as docs/verify.schema.json describes it
    Json,
    /// A line of JSON for each file as soon as it is judged, in the order of the files
    Jsonl,
    /// One validation report in XML for all files (ETSI TS 119 102-2)
    Etsi,
}

/// A language of the answer.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum Lang {
    /// English
    En,
    /// Tiếng Việt
    Vi,
}

pub(super) fn run(args: Args) -> ExitCode {
    let language = language(args.lang);
    let moment = args.at.unwrap_or_else(|| Clock::System.now());
    let wish = TrustWish { sources: args.trust, operators: args.trust_operator, profile: args.trust_profile };
    let trust = match wish.load(moment) {
        Ok(trust) => trust,
        Err(error) => {
            let _ = writeln!(io::stderr(), "error: {}", plain_lines(&error.tell(language)));
            return ExitCode::from(USAGE);
        }
    };
    for warning in trust.tell_warnings(language) {
        let _ = writeln!(io::stderr(), "warning: {}", plain(&warning));
    }
    let policy = match read_policy(&args.policy) {
        Ok(policy) => policy,
        Err(error) => {
            let _ = writeln!(io::stderr(), "error: {}", plain_lines(&error.tell(language)));
            return ExitCode::from(USAGE);
        }
    };
    let way = match Way::of(args.record, args.replay) {
        Ok(way) => way,
        Err(reason) => {
            let _ = writeln!(io::stderr(), "error: {}", plain(&reason));
            return ExitCode::from(USAGE);
        }
    };
    // One for all files: what it brought for one is there for the others.
    let fetcher = match (!args.offline).then(|| fetcher(&args.allow_host, args.cache, args.no_cache)) {
        Some(Err(error)) => {
            let _ = writeln!(io::stderr(), "error: {}", plain(&with_causes(&error)));
            return ExitCode::from(USAGE);
        }
        Some(Ok(fetcher)) => Some(fetcher),
        None => None,
    };
    let options = Options {
        anchors: &trust.anchors,
        policy: &policy,
        moment,
        fetcher: fetcher.as_ref(),
        limits: &Limits::default(),
    };
    let password = match args.password {
        Some(given) => Some(Arc::new(Password::new(given.into_bytes()))),
        None => match args.password_source.read() {
            Ok(password) => password,
            Err(reason) => {
                let _ = writeln!(io::stderr(), "error: {}", plain(&reason));
                return ExitCode::from(USAGE);
            }
        },
    };
    let Files { found: files, left_out } = find(&args.files);
    if files.len() != 1 && !matches!(way, Way::Judge) {
        let _ = writeln!(io::stderr(), "error: --record and --replay are for one file");
        return ExitCode::from(USAGE);
    }
    if files.len() != 1 && !args.detached.is_empty() {
        let _ = writeln!(io::stderr(), "error: --detached is for one signature file");
        return ExitCode::from(USAGE);
    }
    let detached = match detached(&args.detached) {
        Ok(detached) => detached,
        Err(reason) => {
            let _ = writeln!(io::stderr(), "error: {}", plain(&reason));
            return ExitCode::from(USAGE);
        }
    };
    let jobs = args.jobs.or_else(|| thread::available_parallelism().ok()).map_or(1, NonZeroUsize::get);
    let mut answer = Answer {
        format: if args.json { Format::Json } else { args.format },
        language,
        offline: args.offline,
        untrusting: trust.anchors.is_empty() && !matches!(way, Way::Replay(_)),
        worst: Status::Valid,
        report: Report::default(),
        left_out,
        progress: progress(files.len()),
    };
    let alone = files.len() == 1;
    let used = Mutex::new(HashSet::new());
    let work = |file: &Found| {
        let task = Task { detached: &detached, way: &way, password: password.as_ref(), alone, used: &used };
        task.judge(file, &options)
    };
    in_order(&files, jobs.min(MAX_JOBS), work, answer.take());
    let used = used.into_inner().unwrap_or_else(PoisonError::into_inner);
    // What a signature beside it is about was judged with that.
    answer.left_out.retain(|(path, _)| !used.contains(path));
    answer.finish()
}

/// What is said about the files, as they come.
struct Answer {
    format: Format,
    language: Language,
    offline: bool,
    untrusting: bool,
    worst: Status,
    /// All of it, for the formats that are one document.
    report: Report,
    /// Files of folders that are not judged.
    left_out: Vec<(PathBuf, LeftOut)>,
    progress: Option<ProgressBar>,
}

impl Answer {
    /// What each verdict is given to.
    fn take(&mut self) -> impl FnMut(&Found, Result<Judged, Message>) {
        |file, verdict| {
            let (Ok(Named { path, .. }) | Err((path, _))) = file;
            match verdict {
                Ok(Judged::Document(document)) => self.judged(*document),
                // The answer is with the signature.
                Ok(Judged::WithItsSignature) => self.step(),
                Err(error) => self.unreadable(path, error),
            }
        }
    }

    fn judged(&mut self, document: DocumentReport) {
        self.worst = self.worst.max(Status::of(document.overall));
        match self.format {
            Format::Text => {
                let mut text = String::new();
                describe(&mut text, &document, self.language, self.offline);
                self.say(&text);
            }
            Format::Jsonl => self.line(&document),
            Format::Json | Format::Etsi => self.report.documents.push(document),
        }
        self.step();
    }

    fn unreadable(&mut self, file: &Path, error: Message) {
        let status = if error.key == INTERNAL { Status::OwnFault } else { Status::Unreadable };
        self.worst = self.worst.max(status);
        match self.format {
            Format::Text => {
                let mut text = String::new();
                describe_unreadable(&mut text, file, &error, self.language);
                self.say(&text);
            }
            Format::Jsonl => self.line(&Unreadable { name: shown(file), error }),
            Format::Json | Format::Etsi => {
                self.report.unreadable.push(Unreadable { name: shown(file), error });
            }
        }
        self.step();
    }

    fn line(&mut self, value: &impl Serialize) {
        match serde_json::to_string(value) {
            Ok(json) => self.say(&(json + "\n")),
            Err(error) => self.unwritable(&error),
        }
    }

    fn finish(mut self) -> ExitCode {
        if let Some(bar) = self.progress.take() {
            bar.finish_and_clear();
        }
        match self.format {
            Format::Text if self.untrusting => {
                let hint = match self.language {
                    Language::English => {
                        "No trusted certificates were given, so nothing can be valid: use --trust FILE.pem.\n"
                    }
                    Language::Vietnamese => {
                        "Chưa khai báo chứng thư tin cậy nên chưa thể kết luận hợp lệ: dùng --trust TỆP.pem.\n"
                    }
                };
                self.say(hint);
            }
            Format::Json => match serde_json::to_string_pretty(&self.report) {
                Ok(json) => self.say(&(json + "\n")),
                Err(error) => self.unwritable(&error),
            },
            Format::Etsi => match etsi::validation_report(&self.report) {
                Ok(xml) => self.write(&xml),
                Err(error) => self.unwritable(&error),
            },
            Format::Text | Format::Jsonl => {}
        }
        self.tell_left_out();
        self.worst.code()
    }

    /// Silence about them would sound like "all is well".
    fn tell_left_out(&self) {
        let label = match self.language {
            Language::English => "left out",
            Language::Vietnamese => "không kiểm tra",
        };
        let mut out = io::stderr().lock();
        for (path, why) in &self.left_out {
            let _ = writeln!(out, "{label}: {}: {}", shown(path), why.words(self.language));
        }
    }

    fn unwritable(&mut self, error: &dyn std::error::Error) {
        self.worst = Status::OwnFault;
        let _ = writeln!(io::stderr(), "error: the report could not be written: {error}");
    }

    /// Whoever closed the pipe does not want to hear more; the exit status is still given for all files.
    fn say(&self, text: &str) {
        self.write(text.as_bytes());
    }

    fn write(&self, bytes: &[u8]) {
        self.beside_progress(|| {
            let mut out = io::stdout().lock();
            let _ = out.write_all(bytes);
            let _ = out.flush();
        });
    }

    fn beside_progress(&self, say: impl FnOnce()) {
        match &self.progress {
            Some(bar) => bar.suspend(say),
            None => say(),
        }
    }

    fn step(&self) {
        if let Some(bar) = &self.progress {
            bar.inc(1);
        }
    }
}

/// What the exit status says, best first: with several files the worst one counts.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Status {
    Valid,
    Unsigned,
    Indeterminate,
    Invalid,
    Unreadable,
    OwnFault,
}

impl Status {
    fn of(overall: Overall) -> Self {
        match overall {
            Overall::Valid => Self::Valid,
            Overall::Invalid => Self::Invalid,
            Overall::Indeterminate => Self::Indeterminate,
            Overall::Unsigned => Self::Unsigned,
        }
    }

    fn code(self) -> ExitCode {
        ExitCode::from(match self {
            Self::Valid => 0,
            Self::Invalid => 1,
            Self::Indeterminate => 2,
            Self::Unsigned => 3,
            Self::Unreadable => 65,
            Self::OwnFault => 70,
        })
    }
}

/// What became of a file.
enum Judged {
    Document(Box<DocumentReport>),
    /// It has no signature of its own, and is judged with the one beside it.
    WithItsSignature,
}

/// How each file is judged.
struct Task<'a> {
    detached: &'a [Detached],
    way: &'a Way,
    password: Option<&'a Arc<Password>>,
    /// It is the only file.
    alone: bool,
    /// Files that were judged with a signature beside them.
    used: &'a Mutex<HashSet<PathBuf>>,
}

impl Task<'_> {
    /// One file. A panic is our own fault, and no reason to leave the other files unjudged.
    fn judge(&self, file: &Found, options: &Options<'_>) -> Result<Judged, Message> {
        let file = file.as_ref().map_err(|(_, reason)| reason.clone())?;
        let judged = catch_unwind(AssertUnwindSafe(|| {
            let unread = |error: &io::Error| Message {
                key: "file.io".to_owned(),
                message: format!("The file could not be read: {error}."),
            };
            let source = FileSource::open(&file.path).map_err(|error| unread(&error))?;
            let name = shown(&file.path);
            let source = Watched::new(source, &name, self.alone);
            let source: Arc<dyn Source> = Arc::new(ProtectedSource::new(source, self.password.cloned()));
            let found = if file.in_folder && self.detached.is_empty() {
                self.look_beside(&file.path, &source, options).map_err(|error| unread(&error))?
            } else {
                Vec::new()
            };
            let detached = if found.is_empty() { self.detached } else { &found };
            let document = self.way.judge(&name, source, detached, options)?;
            if document.overall == Overall::Unsigned && self.is_signed_beside(file, options) {
                return Ok(Judged::WithItsSignature);
            }
            Ok(Judged::Document(Box::new(document)))
        }));
        judged.unwrap_or_else(|_panic| {
            Err(Message {
                key: INTERNAL.to_owned(),
                message: "kyso failed on this file; please report it, with the file if you may.".to_owned(),
            })
        })
    }

    /// Whether one of the files that are named as its signatures is one, and will be judged with it.
    fn is_signed_beside(&self, file: &Named, options: &Options<'_>) -> bool {
        file.signatures.iter().any(|signature| {
            let Ok(source) = FileSource::open(signature) else { return false };
            let source: Arc<dyn Source> = Arc::new(source);
            let found = self.look_beside(signature, &source, options);
            found.is_ok_and(|found| found.iter().any(|one| Some(one.name.as_ref()) == file.path.file_name()))
        })
    }

    /// The files beside a signature that it is about.
    fn look_beside(
        &self,
        signature: &Path,
        source: &Arc<dyn Source>,
        options: &Options<'_>,
    ) -> io::Result<Vec<Detached>> {
        let name = signature.file_name().unwrap_or_default().to_string_lossy();
        let mut used = Vec::new();
        let found = Wanted::of(&name, source, options.limits)?.gather(|name| {
            let (path, source) = beside(signature, name)?;
            used.push(path);
            Some(source)
        });
        self.used.lock().unwrap_or_else(PoisonError::into_inner).extend(used);
        Ok(found)
    }
}

/// The files that `--detached` names, opened.
fn detached(paths: &[PathBuf]) -> Result<Vec<Detached>, String> {
    let open = |path: &PathBuf| {
        let source = FileSource::open(path)
            .map_err(|error| format!("the detached file {} cannot be read: {error}", shown(path)))?;
        let name = path.file_name().map_or_else(|| shown(path), |name| name.to_string_lossy().into_owned());
        Ok(Detached { name, source: Arc::new(source) })
    };
    paths.iter().map(open).collect()
}

/// The fetcher with its folder. The usual folder is made when there is something to keep, and done without if it
/// cannot be; one that was named has to be usable.
pub(super) fn fetcher(
    hosts: &[PrivateHost],
    cache: Option<PathBuf>,
    no_cache: bool,
) -> Result<Fetcher, CacheError> {
    let fetcher = Fetcher::allowing(hosts);
    match (cache, usual_cache().filter(|_| !no_cache)) {
        (Some(folder), _) => {
            let fetcher = fetcher.with_cache(&folder, CACHE_BYTES);
            fetcher.prepare_cache()?;
            Ok(fetcher)
        }
        (None, Some(folder)) => Ok(fetcher.with_cache(&folder, CACHE_BYTES)),
        (None, None) => Ok(fetcher),
    }
}

/// `kyso` in the folder for caches of the XDG base directory specification, which takes absolute paths only.
fn usual_cache() -> Option<PathBuf> {
    let absolute = |name| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let caches = absolute("XDG_CACHE_HOME").or_else(|| absolute("HOME").map(|home| home.join(".cache")));
    caches.map(|caches| caches.join("kyso"))
}

pub(super) fn language(wanted: Option<Lang>) -> Language {
    match wanted {
        Some(Lang::En) => Language::English,
        Some(Lang::Vi) => Language::Vietnamese,
        None => {
            let set = ["LC_ALL", "LC_MESSAGES", "LANG"]
                .into_iter()
                .filter_map(|name| env::var(name).ok())
                .find(|value| !value.is_empty());
            if set.is_some_and(|value| value.starts_with("vi")) {
                Language::Vietnamese
            } else {
                Language::English
            }
        }
    }
}

/// What is done with a file.
enum Way {
    Judge,
    /// Judge it and write the record here.
    Record(PathBuf),
    /// Give this record's verdict again.
    Replay(Box<Record>),
}

impl Way {
    fn of(record: Option<PathBuf>, replay: Option<PathBuf>) -> Result<Self, String> {
        let Some(path) = replay else { return Ok(record.map_or(Self::Judge, Self::Record)) };
        let text = std::fs::read(&path)
            .map_err(|error| format!("the record {} cannot be read: {error}", shown(&path)))?;
        let record = serde_json::from_slice(&text)
            .map_err(|error| format!("{} is no record of a verdict: {error}", shown(&path)))?;
        Ok(Self::Replay(Box::new(record)))
    }

    fn judge(
        &self,
        name: &str,
        source: Arc<dyn Source>,
        detached: &[Detached],
        options: &Options<'_>,
    ) -> Result<DocumentReport, Message> {
        match self {
            Self::Judge => verify_signed(name, source, detached, options).map_err(|error| error.message()),
            Self::Record(path) => {
                let record = verify_and_record(name, source, detached, options);
                let record = record.map_err(|error| error.message())?;
                let written = serde_json::to_vec_pretty(&record)
                    .map_err(io::Error::other)
                    .and_then(|json| std::fs::write(path, json));
                match written {
                    Ok(()) => Ok(record.report),
                    Err(error) => Err(failed(format!("The record could not be written: {error}."))),
                }
            }
            Self::Replay(record) => match record.replay_with(source, detached) {
                Ok(replayed) => {
                    if !replayed.same {
                        let _ = writeln!(
                            io::stderr(),
                            "note: kyso {} said otherwise; this is what this version says",
                            plain(&record.kyso)
                        );
                    }
                    Ok(replayed.report)
                }
                Err(ReplayError::Open(error)) => Err(VerifyError::from(error).message()),
                Err(error) => Err(Message {
                    key: "file.io".to_owned(),
                    message: format!("Nothing to replay: {error}."),
                }),
            },
        }
    }
}

fn failed(message: String) -> Message {
    Message { key: INTERNAL.to_owned(), message }
}

/// How many of the files are done, on a terminal, where there are several.
fn progress(files: usize) -> Option<ProgressBar> {
    if files < 2 || !io::stderr().is_terminal() {
        return None;
    }
    let bar = ProgressBar::new(files as u64);
    if let Ok(style) = ProgressStyle::with_template("{pos}/{len} {wide_bar} {elapsed}") {
        bar.set_style(style);
    }
    Some(bar)
}

/// A file whose reading shows on the terminal, if it is large enough to wait for.
struct Watched {
    source: FileSource,
    bar: Option<ProgressBar>,
}

impl Watched {
    fn new(source: FileSource, name: &str, alone: bool) -> Self {
        let worth_it = alone && source.len() >= LONG_WORK && io::stderr().is_terminal();
        let bar = worth_it.then(|| {
            let bar = ProgressBar::new(source.len());
            if let Ok(style) = ProgressStyle::with_template("{msg} {wide_bar} {bytes}/{total_bytes}") {
                bar.set_style(style);
            }
            bar.set_message(name.to_owned());
            bar
        });
        Self { source, bar }
    }
}

impl Source for Watched {
    fn len(&self) -> u64 {
        self.source.len()
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.source.read_at(offset, buffer)?;
        if let Some(bar) = &self.bar {
            bar.inc(buffer.len() as u64);
        }
        Ok(())
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// A dozen of the largest lists and the answers of years: 256 MiB.
const CACHE_BYTES: u64 = 256 * 1024 * 1024;

/// Below this many bytes the answer comes at once.
const LONG_WORK: u64 = 64 * 1024 * 1024;

/// More threads than this help nobody and take memory.
const MAX_JOBS: usize = 256;

/// The key of a panic.
const INTERNAL: &str = "internal";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_file_decides() {
        let order = [
            Status::Valid,
            Status::Unsigned,
            Status::Indeterminate,
            Status::Invalid,
            Status::Unreadable,
            Status::OwnFault,
        ];
        assert!(order.is_sorted());
    }
}
