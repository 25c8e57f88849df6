//! One signature in words.

use std::fmt::Write as _;

use jiff::tz::Offset;

use super::{APART, Fact, Tone, pick, words};
use crate::{
    asn1::oid,
    base::UtcTime,
    rendering::statements,
    validation::{
        CertificateReport, CertificateStatus, CoverageLevel, Indication, Message, Modification,
        ModificationLevel, Origin, SignatureReport, SignedFile, StatusReport, StatusSource, TimeSource,
        TimeStampKind,
        words::{self as dictionary, Language},
    },
    x509::Certificate,
};

/// What is said about a signature or a document time-stamp.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// As in the report.
    pub id: String,
    /// Valid, indeterminate or invalid.
    pub tone: Tone,
    /// The answer in a few words.
    pub word: &'static str,
    /// The signer.
    pub who: String,
    /// When, and who says so.
    pub when: String,
    /// Whether something was added later; absent where nothing can be said about the content at all.
    pub after: Option<&'static str>,
    /// What was added later.
    pub changes: Vec<String>,
    /// Why it is not valid.
    pub reasons: Vec<String>,
    /// What a reader should know besides.
    pub warnings: Vec<String>,
    /// The list of article 6.
    pub list: Vec<Fact>,
    /// For those who want to know exactly.
    pub facts: Vec<Fact>,
}

impl Signature {
    pub(super) fn new(language: Language, signature: &SignatureReport) -> Self {
        let heading = dictionary::signature_heading(signature.indication, language);
        let meaning = |message: &Message| words(language, message).0;
        // Of bytes that are not those signed, "nothing was added" would be misread as "nothing was changed".
        let tells = signature.digest_matches || signature.modification_level != ModificationLevel::None;
        let against = signature.reason_against();
        let reasons: Vec<&Message> = if signature.errors.is_empty() {
            against.into_iter().collect()
        } else {
            signature.errors.iter().collect()
        };
        let warnings = signature.warnings.iter().filter(|warning| !reasons.contains(warning));
        Self {
            id: signature.id.clone(),
            tone: Tone::of_signature(signature.indication),
            word: heading.1,
            who: who(language, signature),
            when: when_line(language, signature),
            after: tells.then(|| after_line(language, signature.modification_level)),
            changes: signature.modifications.iter().map(|change| change_line(language, change)).collect(),
            warnings: warnings.map(meaning).collect(),
            reasons: reasons.into_iter().map(meaning).collect(),
            list: list(language, signature),
            facts: technical(language, signature),
        }
    }

    /// With the files that it is about, where they lie apart from it and it says nothing of them itself.
    pub(super) fn about(
        mut self,
        language: Language,
        signature: &SignatureReport,
        files: &[SignedFile],
    ) -> Self {
        let holds = signature.digest_matches && signature.coverage == CoverageLevel::Document;
        if holds && signature.scopes.is_empty() && !files.is_empty() {
            let names: Vec<&str> = files.iter().map(|file| file.name.as_str()).collect();
            self.list.push((pick(language, "Văn bản được ký", "Documents signed"), names.join("; ")));
        }
        self
    }
}

/// Circular 15/2025/TT-BKHCN, article 6, point 9, and the anchor. The time stands above it.
fn list(language: Language, signature: &SignatureReport) -> Vec<Fact> {
    let signer = signature.certificates.first();
    let unstated = || pick(language, "chứng thư không ghi", "the certificate does not say").to_owned();
    let unknown = || pick(language, "không xác định được", "not known").to_owned();
    let issuer = signer.and_then(issuer_name).or_else(|| signature.issuer.clone());
    let period = match (&signature.certificate_valid_from, &signature.certificate_valid_to) {
        (Some(from), Some(to)) => Some(format!("{} – {}", moment(language, from), moment(language, to))),
        _ => None,
    };
    let mut list = vec![
        (pick(language, "Nơi cấp chứng thư", "Certificate issued by"), issuer.unwrap_or_else(unknown)),
        (
            pick(language, "Đơn vị quản lý", "Managing unit"),
            signature.organization.clone().unwrap_or_else(unstated),
        ),
        (pick(language, "Toàn vẹn nội dung", "Integrity"), integrity(language, signature).to_owned()),
        (
            pick(language, "Trạng thái chứng thư khi ký", "Certificate status at signing"),
            status_at_signing(language, signature, signer.and_then(|signer| signer.status.as_ref())),
        ),
        (pick(language, "Hạn chứng thư", "Certificate period"), period.unwrap_or_else(unknown)),
    ];
    let anchor = signature.trust_anchor.as_ref().map(|anchor| match &signature.trust_anchor_set {
        Some(set) => format!("{anchor} ({}: {set})", pick(language, "bộ gốc", "set")),
        None => anchor.clone(),
    });
    // Of a signature that is broken in itself, no path is looked for.
    let none = if signature.errors.iter().any(|error| error.key.starts_with("chain.")) {
        pick(language, "không dẫn đến gốc tin cậy nào", "no path to a trusted authority")
    } else {
        pick(language, "không xác định được", "not known")
    };
    list.push((pick(language, "Gốc tin cậy", "Trust anchor"), anchor.unwrap_or_else(|| none.to_owned())));
    if !signature.scopes.is_empty() {
        let names: Vec<&str> = signature.scopes.iter().map(|scope| scope.name.as_str()).collect();
        list.push((pick(language, "Văn bản được ký", "Documents signed"), names.join("; ")));
    }
    list
}

fn issuer_name(certificate: &CertificateReport) -> Option<String> {
    let certificate = Certificate::from_der(&certificate.der).ok()?;
    let (name, issuer) = (certificate.issuer().common_name()?, certificate.issuer());
    let organization = issuer.attribute(oid::ORGANIZATION_NAME).filter(|organization| *organization != name);
    Some(organization.map_or_else(|| name.clone(), |organization| format!("{name}, {organization}")))
}

fn integrity(language: Language, signature: &SignatureReport) -> &'static str {
    // Of what was not given nothing can be said, and it must not sound as if it had been changed.
    let told = |key: &str| signature.errors.iter().any(|error| error.key == key);
    if told(APART) && !told("digest.mismatch") {
        return pick(language, "chưa kiểm tra được: thiếu văn bản", "not checked: the document is missing");
    }
    match (signature.digest_matches, signature.signature_matches, signature.modification_level) {
        (false, ..) => pick(language, "nội dung không còn như khi ký", "the content is not what was signed"),
        (_, false, _) => pick(
            language,
            "chữ ký không bảo đảm cho nội dung",
            "the signature does not vouch for the content",
        ),
        (_, _, ModificationLevel::Forbidden) => {
            pick(language, "đã bị sửa đổi sau khi ký", "altered after signing")
        }
        (_, _, ModificationLevel::Permitted) => {
            pick(language, "còn nguyên vẹn; chỉ có bổ sung được phép", "intact; permitted additions only")
        }
        (_, _, ModificationLevel::None) => pick(language, "còn nguyên vẹn", "intact"),
    }
}

/// What was known about revocation at the time that counts.
fn status_at_signing(
    language: Language,
    signature: &SignatureReport,
    status: Option<&StatusReport>,
) -> String {
    let passed = signature.indication == Indication::TotalPassed;
    let Some(status) = status else {
        return match signature.indication {
            Indication::TotalPassed => pick(language, "còn hiệu lực", "in good standing"),
            Indication::Indeterminate => pick(language, "chưa kiểm tra được", "could not be checked"),
            Indication::TotalFailed => pick(language, "không xét đến", "not looked at"),
        }
        .to_owned();
    };
    let source = match status.source {
        StatusSource::Ocsp => "OCSP",
        StatusSource::Crl => pick(language, "danh sách thu hồi (CRL)", "revocation list (CRL)"),
    };
    let origin = match status.origin {
        Origin::Document => pick(language, "có trong tệp", "in the file"),
        Origin::Supplied => pick(language, "tra cứu khi kiểm tra", "looked up when verifying"),
    };
    let from = moment(language, &status.this_update);
    let evidence = match language {
        Language::Vietnamese => format!("theo {source} lúc {from}, {origin}"),
        Language::English => format!("{source} of {from}, {origin}"),
    };
    let revoked = status.revoked_at.as_deref().map(|at| moment(language, at)).unwrap_or_default();
    match (status.status, passed) {
        (CertificateStatus::Good, _) => format!("{}, {evidence}", pick(language, "còn hiệu lực", "good")),
        (CertificateStatus::Revoked, true) => match language {
            Language::Vietnamese => {
                format!("còn hiệu lực khi ký; bị thu hồi sau đó, lúc {revoked} ({evidence})")
            }
            Language::English => format!("good when it was signed; revoked later, on {revoked} ({evidence})"),
        },
        (CertificateStatus::Revoked, false) => match language {
            Language::Vietnamese => format!("đã bị thu hồi lúc {revoked} ({evidence})"),
            Language::English => format!("revoked on {revoked} ({evidence})"),
        },
    }
}

pub(super) fn who(language: Language, signature: &SignatureReport) -> String {
    if let Some(name) = &signature.signed_by {
        return name.clone();
    }
    pick(language, "người ký không rõ tên", "an unnamed signer").to_owned()
}

/// `lúc 08:15 ngày 22/11/2026 (giờ có xác nhận)`, as part of a sentence.
pub(super) fn signed_at(language: Language, signature: &SignatureReport) -> String {
    let (time, proven) = best_time(signature);
    let Some(time) = time else { return pick(language, "(không ghi giờ)", "(no time given)").to_owned() };
    let source = if proven {
        pick(language, "giờ có xác nhận", "time confirmed")
    } else {
        pick(language, "giờ máy người ký khai", "time claimed by the signer's machine")
    };
    match language {
        Language::Vietnamese => format!("lúc {} ({source})", moment(language, time)),
        Language::English => format!("on {} ({source})", moment(language, time)),
    }
}

/// A line of its own: when, and who says so.
fn when_line(language: Language, signature: &SignatureReport) -> String {
    let (time, proven) = best_time(signature);
    let Some(time) = time else {
        return pick(language, "Không ghi giờ ký.", "No signing time is given.").to_owned();
    };
    let time = moment(language, time);
    match (language, proven, signature.is_time_stamp()) {
        (Language::Vietnamese, _, true) => format!("Dấu thời gian của cả văn bản, lúc {time}."),
        (Language::English, _, true) => format!("Time-stamp of the whole document, on {time}."),
        (Language::Vietnamese, true, _) => format!("Ký lúc {time}, giờ có xác nhận (dấu thời gian)."),
        (Language::English, true, _) => format!("Signed on {time}, confirmed by a time-stamp."),
        (Language::Vietnamese, false, _) => format!("Ký lúc {time}, theo giờ máy người ký khai."),
        (Language::English, false, _) => format!("Signed on {time}, as the signer's own machine claims."),
    }
}

/// The time to show, and whether a time-stamp proves it.
fn best_time(signature: &SignatureReport) -> (Option<&str>, bool) {
    if signature.best_signature_time_source == Some(TimeSource::TimeStamp) {
        (signature.best_signature_time.as_deref(), true)
    } else {
        (signature.claimed_signing_time.as_deref(), false)
    }
}

/// An RFC 3339 moment as people write it in Viet Nam, at UTC+7.
pub(super) fn moment(language: Language, text: &str) -> String {
    let Ok(time) = text.parse::<UtcTime>() else { return text.to_owned() };
    let local = Offset::constant(7).to_datetime(time);
    let pattern = pick(language, "%H:%M ngày %d/%m/%Y", "%d/%m/%Y at %H:%M (UTC+7)");
    local.strftime(pattern).to_string()
}

fn after_line(language: Language, level: ModificationLevel) -> &'static str {
    match level {
        ModificationLevel::None => pick(
            language,
            "Sau chữ ký này không có gì được thêm vào.",
            "Nothing was added after this signature.",
        ),
        ModificationLevel::Permitted => pick(
            language,
            "Sau chữ ký này chỉ có những bổ sung được phép:",
            "After this signature there are permitted additions only:",
        ),
        ModificationLevel::Forbidden => pick(
            language,
            "Sau chữ ký này văn bản đã bị sửa đổi:",
            "After this signature the document was altered:",
        ),
    }
}

/// Of each kind in Vietnamese; the report itself has the English words.
fn change_line(language: Language, change: &Modification) -> String {
    if language == Language::English {
        return change.description.clone();
    }
    let known = CHANGES.iter().find(|(kind, _)| *kind == change.kind).map(|(_, words)| *words);
    let words = known.unwrap_or(if change.permitted {
        "bổ sung khác được phép"
    } else {
        "sửa đổi khác"
    });
    format!("{words} (phiên bản {} của tệp)", change.revision)
}

/// For those who want to know exactly; names as the standards have them.
fn technical(language: Language, signature: &SignatureReport) -> Vec<(&'static str, String)> {
    let mut facts = Vec::new();
    let mut indication = match signature.indication {
        Indication::TotalPassed => "TOTAL-PASSED",
        Indication::TotalFailed => "TOTAL-FAILED",
        Indication::Indeterminate => "INDETERMINATE",
    }
    .to_owned();
    if let Some(sub) = &signature.sub_indication {
        let _infallible = write!(indication, " / {sub}");
    }
    facts.push(("ETSI EN 319 102-1", indication));
    facts.push((pick(language, "Dạng chữ ký", "Format"), signature.signature_format.clone()));
    let texts = [
        (pick(language, "Thuật toán", "Algorithm"), &signature.signature_algorithm),
        (pick(language, "Chủ thể chứng thư", "Certificate subject"), &signature.subject),
        (pick(language, "Cơ quan cấp", "Certificate issuer"), &signature.issuer),
        (pick(language, "Số chứng thư", "Serial number"), &signature.serial),
        (pick(language, "Lý do ký", "Reason"), &signature.reason),
        (pick(language, "Nơi ký", "Location"), &signature.location),
    ];
    facts.extend(texts.into_iter().filter_map(|(label, text)| Some((label, text.clone()?))));
    facts.extend(statements::facts(language, &signature.statements));
    let times = [
        (pick(language, "Giờ khai", "Claimed time"), &signature.claimed_signing_time),
        (pick(language, "Giờ chứng minh được", "Best signature time"), &signature.best_signature_time),
    ];
    facts.extend(times.into_iter().filter_map(|(label, text)| Some((label, text.clone()?))));
    let yes_no =
        |yes: bool| if yes { pick(language, "có", "yes") } else { pick(language, "không", "no") }.to_owned();
    facts.push((pick(language, "Giá trị băm khớp", "Digest matches"), yes_no(signature.digest_matches)));
    facts.push((
        pick(language, "Giá trị chữ ký khớp", "Signature matches"),
        yes_no(signature.signature_matches),
    ));
    if !signature.field.is_empty() {
        facts.push((pick(language, "Trường", "Field"), signature.field.clone()));
    }
    for stamp in &signature.time_stamps {
        let words = [
            stamp.produced_by.as_deref(),
            stamp.production_time.as_deref(),
            stamp.digest_algorithm.as_deref(),
        ];
        let words: Vec<&str> = words.into_iter().flatten().collect();
        let label = match stamp.kind {
            TimeStampKind::Archive => pick(language, "Dấu thời gian lưu trữ", "Archive time-stamp"),
            TimeStampKind::Content => pick(language, "Dấu thời gian nội dung", "Time-stamp of the content"),
            TimeStampKind::Signature => pick(language, "Dấu thời gian", "Time-stamp"),
        };
        facts.push((label, words.join(", ")));
    }
    for reason in &signature.level_reasons {
        facts.push((pick(language, "Chưa đạt mức cao hơn", "No higher level"), words(language, reason).0));
    }
    facts
}

/// What may be added after a signature, by the kinds of the report.
const CHANGES: [(&str, &str); 14] = [
    ("action", "thêm hoặc sửa hành động, mã lệnh"),
    ("annotation", "thêm hoặc sửa ghi chú"),
    ("catalog-entry", "sửa mục lục gốc của tệp"),
    ("document-time-stamp", "thêm dấu thời gian của cả văn bản"),
    ("embedded-file", "thêm hoặc sửa tệp đính kèm"),
    ("form-fill", "điền biểu mẫu"),
    ("metadata", "sửa thông tin mô tả"),
    ("other", "sửa nội dung"),
    ("page-content", "sửa nội dung trang"),
    ("page-set", "thêm, bớt hoặc đổi thứ tự trang"),
    ("security-store", "thêm bằng chứng để kiểm tra về sau (DSS)"),
    ("signature", "thêm một chữ ký"),
    ("structure-tree", "sửa cấu trúc cho trình đọc"),
    ("unexplained", "thay đổi không giải thích được"),
];
