//! `kyso verify`: judges signed PDFs. Exit statuses and JSON are a contract: see `docs/verify.md`.

use std::{
    env,
    fmt::Write as _,
    io::{self, IsTerminal as _, Write as _},
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use clap::ValueEnum;
use indicatif::{ProgressBar, ProgressStyle};

use super::USAGE;
use crate::{
    base::{Clock, Limits, Source, UtcTime},
    fetch::Fetcher,
    service::{
        trust::TrustWish,
        verify::{Options, VerifyError, verify_source},
    },
    store::FileSource,
    validation::{
        DocumentReport, Message, ModificationLevel, Overall, Policy, Report, SignatureReport, TimeSource,
        Unreadable,
        words::{Language, UNREADABLE, heading, signature_heading, words},
    },
};

/// Judge signed PDFs: who signed, whether anything was changed, whether the certificate can be relied on.
///
/// Exit status: 0 all valid, 1 something invalid, 2 no conclusion, 3 no signature, 64 wrong usage, 65 a file that
/// cannot be read, 70 our own fault. With several files, the worst of 70, 65, 1, 2, 3, 0, in this order.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The files to judge
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,

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

    /// The password of encrypted files (they are refused for now)
    #[arg(long, value_name = "P")]
    password: Option<String>,

    /// Use only what is in the files: ask no OCSP responder, fetch no revocation list
    #[arg(long)]
    offline: bool,

    /// Print JSON as described by docs/verify.schema.json
    #[arg(long)]
    json: bool,

    /// Also fetch from this host of your own network (HOST or HOST:PORT); may be given several times
    #[arg(long, value_name = "HOST")]
    allow_host: Vec<String>,

    /// The language of the answer; otherwise what LC_ALL, LC_MESSAGES or LANG says
    #[arg(long, value_enum, value_name = "LANG")]
    lang: Option<Lang>,
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
    let fetcher = (!args.offline).then(|| Fetcher::allowing(&args.allow_host));
    let options = Options {
        anchors: &trust.anchors,
        policy: &Policy::strict(),
        moment,
        fetcher: fetcher.as_ref(),
        limits: &Limits::default(),
    };
    let mut report = Report::default();
    let mut worst = Status::Valid;
    let mut text = String::new();
    for file in &args.files {
        match judge(file, &options) {
            Ok(document) => {
                worst = worst.max(Status::of(document.overall));
                if args.password.is_some() {
                    let _ = writeln!(
                        io::stderr(),
                        "note: {} is not encrypted; the password was not needed",
                        shown(file)
                    );
                }
                describe(&mut text, &document, language, options.fetcher.is_none());
                report.documents.push(document);
            }
            Err(error) => {
                worst = worst.max(if error.key == INTERNAL { Status::OwnFault } else { Status::Unreadable });
                describe_unreadable(&mut text, file, &error, args.password.is_some(), language);
                report.unreadable.push(Unreadable { name: shown(file), error });
            }
        }
    }
    if args.json {
        match serde_json::to_string_pretty(&report) {
            Ok(json) => text = json + "\n",
            Err(error) => {
                let _ = writeln!(io::stderr(), "error: the report could not be written as JSON: {error}");
                return Status::OwnFault.code();
            }
        }
    } else if trust.anchors.is_empty() {
        let hint = match language {
            Language::English => {
                "No trusted certificates were given, so nothing can be valid: use --trust FILE.pem."
            }
            Language::Vietnamese => {
                "Chưa khai báo chứng thư tin cậy nên chưa thể kết luận hợp lệ: dùng --trust TỆP.pem."
            }
        };
        let _ = writeln!(text, "{hint}");
    }
    // Whoever closed the pipe does not want to hear more.
    let _ = io::stdout().write_all(text.as_bytes());
    worst.code()
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

/// One file. A panic is our own fault, and no reason to leave the other files unjudged.
fn judge(file: &Path, options: &Options<'_>) -> Result<DocumentReport, Message> {
    let source = FileSource::open(file).map_err(|error| Message {
        key: "file.io".to_owned(),
        message: format!("The file could not be read: {error}."),
    })?;
    let name = shown(file);
    let source = Watched::new(source, &name);
    let judged = catch_unwind(AssertUnwindSafe(|| verify_source(&name, Arc::new(source), options)));
    match judged {
        Ok(verdict) => verdict.map_err(|error: VerifyError| error.message()),
        Err(_) => Err(Message {
            key: INTERNAL.to_owned(),
            message: "kyso failed on this file; please report it, with the file if you may.".to_owned(),
        }),
    }
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

fn describe(text: &mut String, document: &DocumentReport, language: Language, offline: bool) {
    let (icon, word) = heading(document.overall, language);
    let _ = writeln!(text, "{icon} {}: {word}", plain(&document.name));
    let _ = writeln!(text, "  SHA-256 {}", document.sha256);
    for signature in &document.signatures {
        describe_signature(text, signature, language, offline);
    }
    text.push('\n');
}

fn describe_signature(text: &mut String, signature: &SignatureReport, language: Language, offline: bool) {
    let labels = Labels::of(language);
    let (icon, word) = signature_heading(signature.indication, language);
    let sub = signature.sub_indication.as_deref().map(|sub| format!(" ({sub})")).unwrap_or_default();
    let _ = writeln!(text, "  {icon} {} {}: {word}{sub}", signature.id, plain(&signature.field));
    let mut line = |label: &str, value: &str| {
        let pad = " ".repeat(LABEL_WIDTH.saturating_sub(label.chars().count()));
        let _ = writeln!(text, "      {label}{pad}{value}");
    };
    let name = signature.signed_by.as_deref().or(signature.subject.as_deref());
    if let Some(name) = name {
        let organization = signature.organization.as_deref().filter(|organization| *organization != name);
        let organization = organization.map(|organization| format!(", {}", plain(organization)));
        line(labels.signer, &format!("{}{}", plain(name), organization.unwrap_or_default()));
    }
    if let Some(issuer) = &signature.issuer {
        line(labels.issuer, &plain(issuer));
    }
    if let (Some(from), Some(to)) = (&signature.certificate_valid_from, &signature.certificate_valid_to) {
        line(labels.validity, &format!("{} – {}", time(from, language), time(to, language)));
    }
    match (&signature.best_signature_time, signature.best_signature_time_source) {
        (Some(best), Some(TimeSource::TimeStamp)) => {
            line(labels.time, &format!("{} {}", time(best, language), labels.proven));
        }
        _ => match &signature.claimed_signing_time {
            Some(claimed) => line(labels.time, &format!("{} {}", time(claimed, language), labels.claimed)),
            None => line(labels.time, labels.no_time),
        },
    }
    line(labels.content, labels.content_word(signature));
    for modification in &signature.modifications {
        let mark = if modification.permitted { '+' } else { '✖' };
        line(labels.later, &format!("{mark} {}", plain(&modification.description)));
    }
    for (mark, message) in signature
        .errors
        .iter()
        .map(|message| ('✖', message))
        .chain(signature.warnings.iter().map(|message| ('!', message)))
    {
        let known = words(&message.key, language);
        let meaning = known.map_or(message.message.as_str(), |known| known.meaning);
        let _ = writeln!(text, "      {mark} {}", plain(meaning));
        if meaning != message.message {
            let _ = writeln!(text, "        [{}] {}", message.key, plain(&message.message));
        }
        let advice = match (known, message.key.as_str()) {
            (Some(_), "status.unknown") if offline => labels.go_online,
            (Some(known), _) => known.advice,
            (None, _) => "",
        };
        if !advice.is_empty() {
            let _ = writeln!(text, "        → {advice}");
        }
    }
}

fn describe_unreadable(text: &mut String, file: &Path, error: &Message, password: bool, language: Language) {
    let _ = writeln!(text, "✖ {}", shown(file));
    let known = UNREADABLE.iter().find(|(key, ..)| *key == error.key);
    let meaning = known.map(|(_, english, vietnamese)| match language {
        Language::English => *english,
        Language::Vietnamese => *vietnamese,
    });
    let _ = writeln!(text, "  {}", meaning.unwrap_or_default());
    let _ = writeln!(text, "  [{}] {}", error.key, plain(&error.message));
    if password && error.key == "file.encrypted" {
        let _ = match language {
            Language::English => {
                writeln!(text, "  → Passwords are not supported yet; take the encryption off first.")
            }
            Language::Vietnamese => writeln!(text, "  → Chưa hỗ trợ mật khẩu; hãy gỡ mã hóa trước."),
        };
    }
    text.push('\n');
}

/// The words before each line.
struct Labels {
    signer: &'static str,
    issuer: &'static str,
    validity: &'static str,
    time: &'static str,
    content: &'static str,
    later: &'static str,
    proven: &'static str,
    claimed: &'static str,
    no_time: &'static str,
    intact: &'static str,
    changed: &'static str,
    added: &'static str,
    unknown: &'static str,
    go_online: &'static str,
}

impl Labels {
    const fn of(language: Language) -> &'static Self {
        match language {
            Language::English => &ENGLISH,
            Language::Vietnamese => &VIETNAMESE,
        }
    }

    fn content_word(&self, signature: &SignatureReport) -> &'static str {
        match (signature.digest_matches && signature.signature_matches, signature.modification_level) {
            (_, ModificationLevel::Forbidden) => self.changed,
            (true, ModificationLevel::None) => self.intact,
            (true, ModificationLevel::Permitted) => self.added,
            (false, _) if !signature.digest_matches => self.changed,
            (false, _) => self.unknown,
        }
    }
}

const ENGLISH: Labels = Labels {
    signer: "Signed by",
    issuer: "Certified by",
    validity: "Certificate",
    time: "Time",
    content: "Content",
    later: "Added later",
    proven: "(proven by a time-stamp)",
    claimed: "(the signer's own clock says so; not proven)",
    no_time: "not stated",
    intact: "unchanged since it was signed",
    changed: "not shown to be what was signed",
    added: "unchanged; only what the signature allows was added",
    unknown: "the signature does not vouch for it",
    go_online: "Run it again without --offline, or ask the sender.",
};

const VIETNAMESE: Labels = Labels {
    signer: "Người ký",
    issuer: "Nơi cấp",
    validity: "Chứng thư",
    time: "Thời điểm",
    content: "Nội dung",
    later: "Bổ sung",
    proven: "(giờ có xác nhận, theo dấu thời gian)",
    claimed: "(giờ máy người ký khai, chưa được xác nhận)",
    no_time: "không ghi",
    intact: "không thay đổi từ khi ký",
    changed: "không xác nhận được là nội dung đã ký",
    added: "không thay đổi; chỉ có bổ sung được phép",
    unknown: "chữ ký không bảo đảm cho nội dung",
    go_online: "Chạy lại không có --offline, hoặc hỏi cơ quan gửi.",
};

/// A time of the report as people of the language write it: ISO 8601 in UTC, or day first in Viet Nam's zone.
pub(super) fn time(text: &str, language: Language) -> String {
    let Ok(moment) = text.parse::<UtcTime>() else { return plain(text) };
    match language {
        Language::English => moment.to_string(),
        Language::Vietnamese => {
            let zone = jiff::tz::TimeZone::fixed(jiff::tz::offset(7));
            format!("{} +07:00", zone.to_datetime(moment).strftime("%d/%m/%Y %H:%M:%S"))
        }
    }
}

/// What a stranger wrote, without what could steer a terminal or turn the reading direction.
pub(super) fn plain(text: &str) -> String {
    let steers = |c: char| {
        c.is_control()
            || matches!(c, '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
    };
    text.chars().map(|c| if steers(c) { '\u{FFFD}' } else { c }).collect()
}

/// The same for several lines, such as those that show where a file is wrong.
pub(super) fn plain_lines(text: &str) -> String {
    text.lines().map(plain).collect::<Vec<_>>().join("\n")
}

pub(super) fn shown(file: &Path) -> String {
    plain(&file.to_string_lossy())
}

/// A file whose reading shows on the terminal, if it is large enough to wait for.
struct Watched {
    source: FileSource,
    bar: Option<ProgressBar>,
}

impl Watched {
    fn new(source: FileSource, name: &str) -> Self {
        let worth_it = source.len() >= LONG_WORK && io::stderr().is_terminal();
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

/// Below this many bytes the answer comes at once.
const LONG_WORK: u64 = 64 * 1024 * 1024;

/// The longest label, and two spaces.
const LABEL_WIDTH: usize = 14;

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

    #[test]
    fn names_cannot_steer_the_terminal() {
        assert_eq!(plain("a\u{1b}[2Jb\u{202E}c\nđ"), "a\u{FFFD}[2Jb\u{FFFD}c\u{FFFD}đ");
    }

    #[test]
    fn times_are_told_in_the_readers_way() {
        let text = "2026-11-22T01:15:00Z";
        assert_eq!(time(text, Language::Vietnamese), "22/11/2026 08:15:00 +07:00");
        assert_eq!(time(text, Language::English), text);
    }
}
