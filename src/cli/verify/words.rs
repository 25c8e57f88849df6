//! The answer in words for people, on a terminal.

use std::{fmt::Write as _, path::Path};

use crate::{
    base::UtcTime,
    validation::{
        DocumentReport, Message, ModificationLevel, SignatureReport, TimeSource,
        words::{Language, UNREADABLE, heading, signature_heading, words},
    },
};

pub(super) fn describe(text: &mut String, document: &DocumentReport, language: Language, offline: bool) {
    let (icon, word) = heading(document.overall, language);
    let _ = writeln!(text, "{icon} {}: {word}", plain(&document.name));
    let _ = writeln!(text, "  SHA-256 {}", document.sha256);
    for file in &document.signed_files {
        let label = match language {
            Language::English => "Signed file",
            Language::Vietnamese => "Tệp được ký",
        };
        let _ = writeln!(text, "  {label}: {} (SHA-256 {})", plain(&file.name), file.sha256);
    }
    for signature in &document.signatures {
        describe_signature(text, signature, language, offline);
    }
    text.push('\n');
}

fn describe_signature(text: &mut String, signature: &SignatureReport, language: Language, offline: bool) {
    let labels = Labels::of(language);
    let (icon, word) = signature_heading(signature.indication, language);
    let sub = signature.sub_indication.as_deref().map(|sub| format!(" ({sub})")).unwrap_or_default();
    // Only PDFs have fields.
    let place = if signature.field.is_empty() { &signature.signature_format } else { &signature.field };
    let _ = writeln!(text, "  {icon} {} {}: {word}{sub}", signature.id, plain(place));
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
    for scope in &signature.scopes {
        line(labels.document, &plain(&scope.name));
    }
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

pub(super) fn describe_unreadable(text: &mut String, file: &Path, error: &Message, language: Language) {
    let _ = writeln!(text, "✖ {}", shown(file));
    let known = UNREADABLE.iter().find(|(key, ..)| *key == error.key);
    let meaning = known.map(|(_, english, vietnamese)| match language {
        Language::English => *english,
        Language::Vietnamese => *vietnamese,
    });
    let _ = writeln!(text, "  {}", meaning.unwrap_or_default());
    let _ = writeln!(text, "  [{}] {}", error.key, plain(&error.message));
    if matches!(error.key.as_str(), "file.encrypted" | "file.password") {
        let _ = match language {
            Language::English => {
                writeln!(text, "  → Give its password with --password-file FILE or KYSO_PDF_PASSWORD.")
            }
            Language::Vietnamese => {
                writeln!(text, "  → Cung cấp mật khẩu bằng --password-file TỆP hoặc biến KYSO_PDF_PASSWORD.")
            }
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
    document: &'static str,
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
        let told = |key: &str| signature.errors.iter().any(|error| error.key == key);
        // Of what was not given nothing can be said.
        let missing = told("document.apart") && !told("digest.mismatch");
        match (signature.digest_matches && signature.signature_matches, signature.modification_level) {
            _ if missing => self.unknown,
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
    document: "Document",
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
    document: "Văn bản",
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
pub(in super::super) fn time(text: &str, language: Language) -> String {
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
pub(in super::super) fn plain(text: &str) -> String {
    let steers = |c: char| {
        c.is_control()
            || matches!(c, '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
    };
    text.chars().map(|c| if steers(c) { '\u{FFFD}' } else { c }).collect()
}

/// The same for several lines, such as those that show where a file is wrong.
pub(in super::super) fn plain_lines(text: &str) -> String {
    text.lines().map(plain).collect::<Vec<_>>().join("\n")
}

pub(in super::super) fn shown(file: &Path) -> String {
    plain(&file.to_string_lossy())
}

/// The longest label, and two spaces.
const LABEL_WIDTH: usize = 14;

#[cfg(test)]
mod tests {
    use super::*;

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
