//! `/kiem-tra` and `/verify`: anyone drops a PDF and reads who signed it, when, and what happened since.

use std::fmt::Write as _;

use askama::Template;
use axum::{
    extract::{OriginalUri, Request, State},
    http::{HeaderMap, HeaderValue, header},
    response::{Html, IntoResponse, Response},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use jiff::tz::Offset;

use super::{
    super::{App, Language, Problem, judge, upload},
    Frame, page,
};
use crate::{
    base::UtcTime,
    validation::{
        DocumentReport, Indication, Message, ModificationLevel, Overall, Report, SignatureReport, TimeSource,
        Unreadable, words as dictionary,
    },
};

/// `GET /kiem-tra`, `GET /verify`
pub(in super::super) async fn verify_page(State(app): State<App>, OriginalUri(uri): OriginalUri) -> Response {
    let language = language_of(uri.path());
    page(&Verify::new(&app, language, None), language)
}

/// `POST /kiem-tra`, `POST /verify`: the form, and what the script sends.
pub(in super::super) async fn verify_files(
    State(app): State<App>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, Problem> {
    let language = language_of(uri.path());
    let allowance = app.allow_public(&request)?;
    let form = upload::receive(request, app.limits(), app.limits().upload_files).await?;
    let report = judge::judge(&app, form.files, || {}).await?;
    let results = Results::new(language, &report);
    let html = results.render().map_err(|error| Problem::new(&super::problem::INTERNAL).caused_by(&error))?;
    let mut response = if headers.contains_key(PART) {
        let mut response = Html(html).into_response();
        response.headers_mut().insert(header::CONTENT_LANGUAGE, HeaderValue::from_static(language.tag()));
        response
    } else {
        page(&Verify::new(&app, language, Some(html)), language)
    };
    allowance.write(response.headers_mut());
    Ok(response)
}

/// The address says the language: that is what people pass on to one another.
fn language_of(path: &str) -> Language {
    if path.starts_with("/verify") { Language::En } else { Language::Vi }
}

#[derive(Template)]
#[template(path = "verify.html")]
struct Verify {
    frame: Frame,
    hint: String,
    legend: [Line; 4],
    results: Option<String>,
}

struct Line {
    tone: &'static str,
    word: &'static str,
    meaning: &'static str,
}

impl Verify {
    fn new(app: &App, language: Language, results: Option<String>) -> Self {
        let limits = app.limits();
        let (megabytes, files) = (limits.upload_bytes / (1024 * 1024), limits.upload_files);
        let hint = match language {
            Language::Vi => format!("Nhiều nhất {files} tệp một lần, tổng cộng {megabytes} MB."),
            Language::En => format!("At most {files} files at a time, {megabytes} MB in all."),
        };
        let legend = [Tone::Valid, Tone::Indeterminate, Tone::Invalid, Tone::Unsigned].map(|tone| Line {
            tone: tone.class(),
            word: tone.word(language),
            meaning: tone.meaning(language),
        });
        Self { frame: Frame::new(language, language.pick("/kiem-tra", "/verify")), hint, legend, results }
    }
}

#[derive(Template)]
#[template(path = "results.html")]
struct Results {
    frame: Frame,
    documents: Vec<DocumentView>,
    report: String,
}

impl Results {
    fn new(language: Language, report: &Report) -> Self {
        let judged = report.documents.iter().map(|document| DocumentView::judged(language, document));
        let unread = report.unreadable.iter().map(|file| DocumentView::unreadable(language, file));
        let json = serde_json::to_vec_pretty(report).unwrap_or_default();
        Self {
            frame: Frame::new(language, language.pick("/kiem-tra", "/verify")),
            documents: judged.chain(unread).collect(),
            report: format!("data:application/json;base64,{}", STANDARD.encode(json)),
        }
    }
}

/// The five things that a card can say. Each has its own icon, word, colour and heading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tone {
    Valid,
    Indeterminate,
    Invalid,
    Unsigned,
    Unreadable,
}

impl Tone {
    fn of(overall: Overall) -> Self {
        match overall {
            Overall::Valid => Self::Valid,
            Overall::Invalid => Self::Invalid,
            Overall::Indeterminate => Self::Indeterminate,
            Overall::Unsigned => Self::Unsigned,
        }
    }

    fn of_signature(indication: Indication) -> Self {
        match indication {
            Indication::TotalPassed => Self::Valid,
            Indication::TotalFailed => Self::Invalid,
            Indication::Indeterminate => Self::Indeterminate,
        }
    }

    const fn class(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::Indeterminate => "indeterminate",
            Self::Invalid => "invalid",
            Self::Unsigned => "unsigned",
            Self::Unreadable => "unreadable",
        }
    }

    fn word(self, language: Language) -> &'static str {
        let heading = |overall| dictionary::heading(overall, dictionary_language(language)).1;
        match self {
            Self::Valid => heading(Overall::Valid),
            Self::Indeterminate => heading(Overall::Indeterminate),
            Self::Invalid => heading(Overall::Invalid),
            Self::Unsigned => heading(Overall::Unsigned),
            Self::Unreadable => language.pick("Không đọc được tệp", "The file cannot be read"),
        }
    }

    fn meaning(self, language: Language) -> &'static str {
        match self {
            Self::Valid => language.pick(
                "biết chắc ai ký, và văn bản không bị thay đổi từ khi ký.",
                "the signer is known for sure and the document is as it was signed.",
            ),
            Self::Indeterminate => language.pick(
                "thiếu một bằng chứng, thường là trạng thái của chứng thư. Không có nghĩa là văn bản giả.",
                "some proof is missing, often the certificate's status. It does not mean that the document is forged.",
            ),
            Self::Invalid => language.pick(
                "văn bản đã bị thay đổi, hoặc chữ ký không có giá trị. Đừng dùng văn bản này.",
                "the document was changed or the signature has no value. Do not rely on it.",
            ),
            Self::Unsigned => language.pick(
                "không có gì để kiểm tra; bản chụp từ giấy cũng như vậy.",
                "there is nothing to check; so it is with a scan of a paper.",
            ),
            Self::Unreadable => language.pick("tệp không phải là PDF đọc được.", "it is not a readable PDF."),
        }
    }
}

struct DocumentView {
    tone: &'static str,
    name: String,
    heading: &'static str,
    summary: String,
    next: Vec<String>,
    signatures: Vec<SignatureView>,
    facts: Vec<(&'static str, String)>,
}

impl DocumentView {
    fn judged(language: Language, document: &DocumentReport) -> Self {
        let tone = Tone::of(document.overall);
        Self {
            tone: tone.class(),
            name: document.name.clone(),
            heading: tone.word(language),
            summary: summary(language, document),
            next: next_steps(language, document),
            signatures: document.signatures.iter().map(|s| SignatureView::new(language, s)).collect(),
            facts: vec![
                ("SHA-256", document.sha256.clone()),
                (language.pick("Kiểm tra lúc", "Verified at"), moment(language, &document.validation_time)),
                (language.pick("Chính sách", "Policy"), document.policy.clone()),
            ],
        }
    }

    fn unreadable(language: Language, file: &Unreadable) -> Self {
        let tone = Tone::Unreadable;
        let (why, next) = unreadable_words(language, &file.error);
        Self {
            tone: tone.class(),
            name: file.name.clone(),
            heading: tone.word(language),
            summary: why,
            next: vec![next],
            signatures: Vec::new(),
            facts: Vec::new(),
        }
    }
}

/// The answer in one or two sentences.
fn summary(language: Language, document: &DocumentReport) -> String {
    let signatures: Vec<&SignatureReport> =
        document.signatures.iter().filter(|signature| !is_time_stamp(signature)).collect();
    match (document.overall, signatures.as_slice()) {
        (Overall::Unsigned, _) => language
            .pick(
                "Tệp này không chứa chữ ký số nào, nên không có gì để kiểm tra.",
                "This file holds no digital signature, so there is nothing to check.",
            )
            .to_owned(),
        (Overall::Valid, [only]) => {
            let (who, when) = (who(language, only), signed_at(language, only));
            match language {
                Language::Vi => format!("Văn bản này do {who} ký {when} và không bị thay đổi từ đó."),
                Language::En => format!("{who} signed this document {when}, and it is unchanged since."),
            }
        }
        (Overall::Valid, many) => {
            let who = names(language, many);
            match language {
                Language::Vi => {
                    format!(
                        "Văn bản này có {} chữ ký, của {who}, và không bị thay đổi từ khi ký.",
                        many.len()
                    )
                }
                Language::En => {
                    format!(
                        "This document bears {} signatures, of {who}, and is unchanged since.",
                        many.len()
                    )
                }
            }
        }
        (Overall::Invalid, _) => reason(language, document, Indication::TotalFailed),
        (Overall::Indeterminate, _) => {
            let intact = document.signatures.iter().all(|s| s.digest_matches && s.signature_matches);
            let mut text = reason(language, document, Indication::Indeterminate);
            if intact {
                text.push_str(
                    language.pick(" Nội dung đã ký còn nguyên vẹn.", " What was signed is intact."),
                );
            }
            text
        }
    }
}

/// The first reason of the first signature that came out this way.
fn reason(language: Language, document: &DocumentReport, indication: Indication) -> String {
    let blamed = document.signatures.iter().find(|signature| signature.indication == indication);
    let first = blamed.and_then(|signature| signature.errors.first());
    first.map_or_else(
        || Tone::Indeterminate.meaning(language).to_owned(),
        |message| words(language, message).0,
    )
}

/// What to do, for each different reason, once.
fn next_steps(language: Language, document: &DocumentReport) -> Vec<String> {
    let mut steps = Vec::new();
    if document.overall == Overall::Unsigned {
        steps.push(
            language
                .pick(
                    "Nếu đây là bản chụp từ giấy, hãy xin bản điện tử đã ký từ cơ quan phát hành.",
                    "If this is a scan of a paper, ask the issuing agency for the signed electronic document.",
                )
                .to_owned(),
        );
    }
    for message in document.signatures.iter().flat_map(|signature| &signature.errors) {
        if let (_, Some(next)) = words(language, message)
            && !steps.contains(&next)
            && steps.len() < MAX_STEPS
        {
            steps.push(next);
        }
    }
    steps
}

struct SignatureView {
    id: String,
    tone: &'static str,
    word: &'static str,
    who: String,
    organization: Option<String>,
    when: String,
    after: Option<&'static str>,
    changes: Vec<String>,
    reasons: Vec<String>,
    warnings: Vec<String>,
    facts: Vec<(&'static str, String)>,
}

impl SignatureView {
    fn new(language: Language, signature: &SignatureReport) -> Self {
        let tone = Tone::of_signature(signature.indication);
        let heading = dictionary::signature_heading(signature.indication, dictionary_language(language));
        let who = who(language, signature);
        let meaning = |message: &Message| words(language, message).0;
        // Of bytes that are not those signed, "nothing was added" would be misread as "nothing was changed".
        let tells = signature.digest_matches || signature.modification_level != ModificationLevel::None;
        Self {
            id: signature.id.clone(),
            tone: tone.class(),
            word: heading.1,
            organization: signature.organization.clone().filter(|organization| *organization != who),
            who,
            when: when_line(language, signature),
            after: tells.then(|| after_line(language, signature.modification_level)),
            changes: signature.modifications.iter().map(|change| change_line(language, change)).collect(),
            reasons: signature.errors.iter().map(meaning).collect(),
            warnings: signature.warnings.iter().map(meaning).collect(),
            facts: technical(language, signature),
        }
    }
}

fn is_time_stamp(signature: &SignatureReport) -> bool {
    signature.signature_format == "DOC-TIME-STAMP"
}

fn who(language: Language, signature: &SignatureReport) -> String {
    if let Some(name) = &signature.signed_by {
        return name.clone();
    }
    language.pick("người ký không rõ tên", "an unnamed signer").to_owned()
}

/// `A`, `A và B`, `A, B và C`.
fn names(language: Language, signatures: &[&SignatureReport]) -> String {
    let names: Vec<String> = signatures.iter().map(|signature| who(language, signature)).collect();
    match names.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} {} {last}", rest.join(", "), language.pick("và", "and")),
        None => String::new(),
    }
}

/// `lúc 08:15 ngày 22/11/2026 (giờ có xác nhận)`, as part of a sentence.
fn signed_at(language: Language, signature: &SignatureReport) -> String {
    let (time, proven) = best_time(signature);
    let Some(time) = time else { return language.pick("(không ghi giờ)", "(no time given)").to_owned() };
    let source = if proven {
        language.pick("giờ có xác nhận", "time confirmed")
    } else {
        language.pick("giờ máy người ký khai", "time claimed by the signer's machine")
    };
    match language {
        Language::Vi => format!("lúc {} ({source})", moment(language, time)),
        Language::En => format!("on {} ({source})", moment(language, time)),
    }
}

/// A line of its own: when, and who says so.
fn when_line(language: Language, signature: &SignatureReport) -> String {
    let (time, proven) = best_time(signature);
    let Some(time) = time else {
        return language.pick("Không ghi giờ ký.", "No signing time is given.").to_owned();
    };
    let time = moment(language, time);
    match (language, proven, is_time_stamp(signature)) {
        (Language::Vi, _, true) => format!("Dấu thời gian của cả văn bản, lúc {time}."),
        (Language::En, _, true) => format!("Time-stamp of the whole document, on {time}."),
        (Language::Vi, true, _) => format!("Ký lúc {time}, giờ có xác nhận (dấu thời gian)."),
        (Language::En, true, _) => format!("Signed on {time}, confirmed by a time-stamp."),
        (Language::Vi, false, _) => format!("Ký lúc {time}, theo giờ máy người ký khai."),
        (Language::En, false, _) => format!("Signed on {time}, as the signer's own machine claims."),
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
fn moment(language: Language, text: &str) -> String {
    let Ok(time) = text.parse::<UtcTime>() else { return text.to_owned() };
    let local = Offset::constant(7).to_datetime(time);
    let pattern = language.pick("%H:%M ngày %d/%m/%Y", "%d/%m/%Y at %H:%M (UTC+7)");
    local.strftime(pattern).to_string()
}

fn after_line(language: Language, level: ModificationLevel) -> &'static str {
    match level {
        ModificationLevel::None => language
            .pick("Sau chữ ký này không có gì được thêm vào.", "Nothing was added after this signature."),
        ModificationLevel::Permitted => language.pick(
            "Sau chữ ký này chỉ có những bổ sung được phép:",
            "After this signature there are permitted additions only:",
        ),
        ModificationLevel::Forbidden => language
            .pick("Sau chữ ký này văn bản đã bị sửa đổi:", "After this signature the document was altered:"),
    }
}

fn change_line(language: Language, change: &crate::validation::Modification) -> String {
    match (language, change.kind.as_str()) {
        (Language::Vi, "signature") => "thêm một chữ ký".to_owned(),
        (Language::Vi, "document-time-stamp") => "thêm dấu thời gian của cả văn bản".to_owned(),
        (Language::Vi, "security-store") => "thêm bằng chứng để kiểm tra về sau (DSS)".to_owned(),
        (Language::Vi, _) => format!("sửa nội dung ở phiên bản {} của tệp", change.revision),
        (Language::En, _) => change.description.clone(),
    }
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
    facts.push((language.pick("Dạng chữ ký", "Format"), signature.signature_format.clone()));
    let texts = [
        (language.pick("Thuật toán", "Algorithm"), &signature.signature_algorithm),
        (language.pick("Chủ thể chứng thư", "Certificate subject"), &signature.subject),
        (language.pick("Cơ quan cấp", "Certificate issuer"), &signature.issuer),
        (language.pick("Số chứng thư", "Serial number"), &signature.serial),
        (language.pick("Gốc tin cậy", "Trust anchor"), &signature.trust_anchor),
        (language.pick("Lý do ký", "Reason"), &signature.reason),
        (language.pick("Nơi ký", "Location"), &signature.location),
    ];
    facts.extend(texts.into_iter().filter_map(|(label, text)| Some((label, text.clone()?))));
    if let (Some(from), Some(to)) = (&signature.certificate_valid_from, &signature.certificate_valid_to) {
        let span = format!("{} – {}", moment(language, from), moment(language, to));
        facts.push((language.pick("Hạn chứng thư", "Certificate validity"), span));
    }
    let times = [
        (language.pick("Giờ khai", "Claimed time"), &signature.claimed_signing_time),
        (language.pick("Giờ chứng minh được", "Best signature time"), &signature.best_signature_time),
    ];
    facts.extend(times.into_iter().filter_map(|(label, text)| Some((label, text.clone()?))));
    let yes_no =
        |yes: bool| if yes { language.pick("có", "yes") } else { language.pick("không", "no") }.to_owned();
    facts.push((language.pick("Giá trị băm khớp", "Digest matches"), yes_no(signature.digest_matches)));
    facts.push((
        language.pick("Giá trị chữ ký khớp", "Signature matches"),
        yes_no(signature.signature_matches),
    ));
    facts.push((language.pick("Trường", "Field"), signature.field.clone()));
    facts
}

/// What a message means in the reader's language, and what to do about it.
///
/// A key that the dictionary does not know keeps its own English words.
fn words(language: Language, message: &Message) -> (String, Option<String>) {
    match dictionary::words(&message.key, dictionary_language(language)) {
        Some(known) => {
            let advice = Some(known.advice.to_owned()).filter(|advice| !advice.is_empty());
            (known.meaning.to_owned(), advice)
        }
        None => (message.message.clone(), None),
    }
}

/// Why a file was not judged, and what to do about it.
fn unreadable_words(language: Language, error: &Message) -> (String, String) {
    let known = dictionary::UNREADABLE.iter().find(|(key, ..)| *key == error.key);
    let why = known.map_or(error.message.as_str(), |(_, en, vi)| language.pick(vi, en));
    let next = match error.key.as_str() {
        "file.encrypted" => language.pick(
            "Gỡ mật khẩu của tệp rồi thử lại; chữ ký chỉ kiểm tra được trên tệp không mã hóa.",
            "Take the password off and try again; signatures can be checked in a file that is not encrypted.",
        ),
        "internal" => language.pick(
            "Thử lại sau; nếu vẫn lỗi, báo cho người quản trị trang này.",
            "Try again later; if it happens again, tell whoever runs this page.",
        ),
        _ => language.pick(
            "Chọn tệp PDF gốc do cơ quan gửi, không phải ảnh chụp hay tệp đã in lại.",
            "Choose the original PDF that the agency sent, not a picture or a print of it.",
        ),
    };
    (why.to_owned(), next.to_owned())
}

fn dictionary_language(language: Language) -> dictionary::Language {
    language.pick(dictionary::Language::Vietnamese, dictionary::Language::English)
}

/// The header by which our script asks for the results alone.
const PART: &str = "x-kyso-part";
/// More advice than this helps nobody.
const MAX_STEPS: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::validation::{CoverageLevel, Modification};

    fn signature(indication: Indication, by: &str) -> SignatureReport {
        SignatureReport {
            id: "S-1".to_owned(),
            field: "Signature1".to_owned(),
            indication,
            sub_indication: None,
            signature_format: "PAdES-BASELINE-T".to_owned(),
            signature_algorithm: Some("SHA256withRSA".to_owned()),
            signed_by: Some(by.to_owned()),
            organization: None,
            subject: Some(format!("CN={by},C=VN")),
            issuer: Some("CN=kyso demo CA,C=VN".to_owned()),
            serial: Some("1a2b".to_owned()),
            certificate_valid_from: Some("2026-01-01T00:00:00Z".to_owned()),
            certificate_valid_to: Some("2031-01-01T00:00:00Z".to_owned()),
            trust_anchor: Some("CN=kyso demo root,C=VN".to_owned()),
            trust_anchor_set: None,
            certificates: Vec::new(),
            time_stamps: Vec::new(),
            level_reasons: Vec::new(),
            claimed_signing_time: Some("2026-11-22T01:14:00Z".to_owned()),
            best_signature_time: Some("2026-11-22T01:15:09Z".to_owned()),
            best_signature_time_source: Some(TimeSource::TimeStamp),
            reason: None,
            location: None,
            certification_level: None,
            digest_matches: true,
            signature_matches: true,
            coverage: CoverageLevel::Document,
            modification_level: ModificationLevel::None,
            modifications: Vec::new(),
            errors: Vec::new(),
            warnings: Vec::new(),
        }
    }

    fn document(name: &str, signatures: Vec<SignatureReport>) -> DocumentReport {
        DocumentReport {
            name: name.to_owned(),
            sha256: "ab".repeat(32),
            overall: DocumentReport::overall_of(&signatures),
            validation_time: "2026-11-23T02:00:00Z".to_owned(),
            policy: "strict".to_owned(),
            cryptographic_policy: "strict".to_owned(),
            signatures,
        }
    }

    fn failed(key: &str) -> SignatureReport {
        SignatureReport {
            indication: Indication::TotalFailed,
            sub_indication: Some("HASH_FAILURE".to_owned()),
            errors: vec![Message { key: key.to_owned(), message: "in English".to_owned() }],
            ..signature(Indication::TotalFailed, "Đặng Thuỳ Hương Giang")
        }
    }

    fn view(language: Language, document: &DocumentReport) -> DocumentView {
        DocumentView::judged(language, document)
    }

    #[test]
    fn one_valid_signature_is_told_in_one_sentence_with_the_source_of_its_time() {
        let one = document("a.pdf", vec![signature(Indication::TotalPassed, "UBND phường An Hội")]);
        let vi = view(Language::Vi, &one);
        assert_eq!((vi.tone, vi.heading), ("valid", "Chữ ký hợp lệ"));
        assert_eq!(
            vi.summary,
            "Văn bản này do UBND phường An Hội ký lúc 08:15 ngày 22/11/2026 (giờ có xác nhận) và không bị thay đổi từ đó."
        );
        assert!(vi.next.is_empty());
        let claimed = SignatureReport {
            best_signature_time_source: Some(TimeSource::ValidationTime),
            ..signature(Indication::TotalPassed, "UBND phường An Hội")
        };
        let summary = view(Language::Vi, &document("a.pdf", vec![claimed])).summary;
        assert!(summary.contains("ký lúc 08:14 ngày 22/11/2026 (giờ máy người ký khai)"), "{summary}");
    }

    #[test]
    fn a_failure_says_why_and_what_to_do() {
        let altered = document("a.pdf", vec![failed("digest.mismatch")]);
        let vi = view(Language::Vi, &altered);
        assert_eq!((vi.tone, vi.heading), ("invalid", "Không hợp lệ"));
        let known = dictionary::words("digest.mismatch", dictionary::Language::Vietnamese).unwrap();
        assert_eq!(
            (vi.summary.as_str(), vi.next.as_slice()),
            (known.meaning, &[known.advice.to_owned()][..])
        );
        assert_eq!(view(Language::En, &altered).signatures[0].word, "Not valid");
    }

    #[test]
    fn no_answer_that_is_not_valid_leaves_people_without_a_next_step() {
        for key in dictionary::Key::ALL {
            let (_, next) =
                words(Language::Vi, &Message { key: key.as_str().to_owned(), message: String::new() });
            let english = dictionary::words(key.as_str(), dictionary::Language::English).unwrap();
            assert_eq!(next.is_some(), !english.advice.is_empty(), "{key:?}");
        }
        let unsigned = document("a.pdf", Vec::new());
        assert!(!view(Language::Vi, &unsigned).next.is_empty());
        for (key, ..) in dictionary::UNREADABLE {
            let error = Message { key: key.to_owned(), message: "in English".to_owned() };
            let file = Unreadable { name: "a".to_owned(), error };
            let vi = DocumentView::unreadable(Language::Vi, &file);
            assert!(!vi.next.is_empty() && vi.summary != "in English", "{key}");
        }
    }

    #[test]
    fn what_came_later_is_told_for_each_signature() {
        let first = SignatureReport {
            modification_level: ModificationLevel::Permitted,
            coverage: CoverageLevel::Revision,
            modifications: vec![Modification {
                revision: 3,
                objects: vec!["12 0 R".to_owned()],
                kind: "signature".to_owned(),
                permitted: true,
                description: "a signature was added".to_owned(),
            }],
            ..signature(Indication::TotalPassed, "Đặng Thuỳ Hương Giang")
        };
        let both = document("a.pdf", vec![first, signature(Indication::TotalPassed, "UBND tỉnh Sông Lam")]);
        let vi = view(Language::Vi, &both);
        assert!(vi.summary.contains("2 chữ ký, của Đặng Thuỳ Hương Giang và UBND tỉnh Sông Lam"));
        assert_eq!(vi.signatures[0].changes, ["thêm một chữ ký"]);
        assert!(vi.signatures[1].changes.is_empty());
        assert_eq!(vi.signatures[1].after, Some("Sau chữ ký này không có gì được thêm vào."));
        let broken = SignatureReport { digest_matches: false, ..failed("digest.mismatch") };
        assert_eq!(view(Language::Vi, &document("a.pdf", vec![broken])).signatures[0].after, None);
    }

    #[test]
    fn an_intact_document_is_called_intact_even_without_a_conclusion() {
        let unknown = SignatureReport {
            errors: vec![Message { key: "status.unknown".to_owned(), message: String::new() }],
            ..signature(Indication::Indeterminate, "Sở Nội vụ")
        };
        let vi = view(Language::Vi, &document("a.pdf", vec![unknown]));
        assert_eq!(vi.heading, "Chưa thể kết luận");
        assert!(vi.summary.ends_with("Nội dung đã ký còn nguyên vẹn."), "{}", vi.summary);
    }

    #[test]
    fn a_name_from_outside_stays_text() {
        let report = Report {
            documents: vec![document(
                "<script>x</script>.pdf",
                vec![signature(Indication::TotalPassed, "<i>A</i>")],
            )],
            unreadable: Vec::new(),
        };
        let html = Results::new(Language::Vi, &report).render().unwrap();
        assert!(!html.contains("<script>") && !html.contains("<i>"), "{html}");
    }
}
