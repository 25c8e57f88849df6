//! A report in words for people: what a page and a paper say, in Vietnamese or English.
//!
//! Each document gets one of five answers, each with its own word and colour; why, in a sentence; and, unless it is
//! valid, what to do next. Each signature gets the list that Circular 15/2025/TT-BKHCN, article 6, asks of software that
//! verifies: issuer, signer, managing unit, time and its source, integrity, status when it was signed, period of the
//! certificate; and beyond it the anchor, and what was added afterwards.

mod signature;

pub use signature::Signature;
use signature::{moment, signed_at, who};

use crate::validation::{
    DocumentReport, Indication, Message, Overall, Report, SignatureReport, Unreadable,
    words::{self as dictionary, Language},
};

/// What is said about each file of a report: the judged ones first.
pub fn tell(report: &Report, language: Language) -> Vec<Document> {
    let judged = report.documents.iter().map(|document| Document::judged(language, document));
    let unread = report.unreadable.iter().map(|file| Document::unreadable(language, file));
    judged.chain(unread).collect()
}

/// A label and what stands beside it.
pub type Fact = (&'static str, String);

/// The five things that a card can say. Each has its own icon, word, colour and heading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// Every signature holds.
    Valid,
    /// Something that would be needed is missing.
    Indeterminate,
    /// Something is wrong.
    Invalid,
    /// There is nothing to check.
    Unsigned,
    /// It could not be looked at.
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

    /// The name of it in style sheets.
    pub const fn class(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::Indeterminate => "indeterminate",
            Self::Invalid => "invalid",
            Self::Unsigned => "unsigned",
            Self::Unreadable => "unreadable",
        }
    }

    /// The heading.
    pub fn word(self, language: Language) -> &'static str {
        let heading = |overall| dictionary::heading(overall, language).1;
        match self {
            Self::Valid => heading(Overall::Valid),
            Self::Indeterminate => heading(Overall::Indeterminate),
            Self::Invalid => heading(Overall::Invalid),
            Self::Unsigned => heading(Overall::Unsigned),
            Self::Unreadable => pick(language, "Không đọc được tệp", "The file cannot be read"),
        }
    }

    /// What the heading means, to go on after a colon.
    pub fn meaning(self, language: Language) -> &'static str {
        match self {
            Self::Valid => pick(
                language,
                "biết chắc ai ký, và văn bản không bị thay đổi từ khi ký.",
                "the signer is known for sure and the document is as it was signed.",
            ),
            Self::Indeterminate => pick(
                language,
                "thiếu một bằng chứng, thường là trạng thái của chứng thư. Không có nghĩa là văn bản giả.",
                "some proof is missing, often the certificate's status. It does not mean that the document is forged.",
            ),
            Self::Invalid => pick(
                language,
                "văn bản đã bị thay đổi, hoặc chữ ký không có giá trị. Đừng dùng văn bản này.",
                "the document was changed or the signature has no value. Do not rely on it.",
            ),
            Self::Unsigned => pick(
                language,
                "không có gì để kiểm tra; bản chụp từ giấy cũng như vậy.",
                "there is nothing to check; so it is with a scan of a paper.",
            ),
            Self::Unreadable => pick(
                language,
                "tệp không đọc được, hoặc không thuộc định dạng chứa chữ ký.",
                "it cannot be read, or is of no format that holds signatures.",
            ),
        }
    }
}

/// What is said about a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// Which of the five answers.
    pub tone: Tone,
    /// Whether it would be judged if its password were given.
    pub wants_password: bool,
    /// As the caller called it.
    pub name: String,
    /// The answer in a few words.
    pub heading: &'static str,
    /// The answer in one or two sentences.
    pub summary: String,
    /// What to do next; never empty unless the document is valid.
    pub next: Vec<String>,
    /// Oldest first, document time-stamps among them.
    pub signatures: Vec<Signature>,
    /// About the file and how it was judged.
    pub facts: Vec<Fact>,
}

impl Document {
    fn judged(language: Language, document: &DocumentReport) -> Self {
        let tone = Tone::of(document.overall);
        let policy = [&document.policy, &document.cryptographic_policy];
        let [policy, cryptographic] = policy.map(|name| Some(name.clone()).filter(|name| !name.is_empty()));
        let facts = [
            ("SHA-256", Some(document.sha256.clone())),
            (
                pick(language, "Kiểm tra lúc", "Verified at"),
                Some(moment(language, &document.validation_time)),
            ),
            (pick(language, "Chính sách kiểm tra", "Validation policy"), policy),
            (pick(language, "Chính sách mật mã", "Cryptographic policy"), cryptographic),
        ];
        Self {
            tone,
            wants_password: false,
            name: document.name.clone(),
            heading: tone.word(language),
            summary: summary(language, document),
            next: next_steps(language, document),
            signatures: document
                .signatures
                .iter()
                .map(|one| Signature::new(language, one).about(language, one, &document.signed_files))
                .collect(),
            facts: facts.into_iter().filter_map(|(label, text)| Some((label, text?))).collect(),
        }
    }

    fn unreadable(language: Language, file: &Unreadable) -> Self {
        let tone = Tone::Unreadable;
        let (why, next) = unreadable_words(language, &file.error);
        Self {
            tone,
            wants_password: ["file.encrypted", "file.password"].contains(&file.error.key.as_str()),
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
        document.signatures.iter().filter(|signature| !signature.is_time_stamp()).collect();
    match (document.overall, signatures.as_slice()) {
        (Overall::Unsigned, _) if !document.signatures.is_empty() => pick(
            language,
            "Tệp này chỉ có dấu thời gian, không có chữ ký của ai; nội dung không thay đổi từ thời điểm đó.",
            "This file bears a time-stamp only and nobody's signature; it is unchanged since then.",
        )
        .to_owned(),
        (Overall::Unsigned, _) => pick(
            language,
            "Tệp này không chứa chữ ký số nào, nên không có gì để kiểm tra.",
            "This file holds no digital signature, so there is nothing to check.",
        )
        .to_owned(),
        (Overall::Valid, [only]) => {
            let (who, when) = (who(language, only), signed_at(language, only));
            match language {
                Language::Vietnamese => format!("Văn bản này do {who} ký {when} và không bị thay đổi từ đó."),
                Language::English => format!("{who} signed this document {when}, and it is unchanged since."),
            }
        }
        (Overall::Valid, many) => {
            let who = names(language, many);
            match language {
                Language::Vietnamese => {
                    format!(
                        "Văn bản này có {} chữ ký, của {who}, và không bị thay đổi từ khi ký.",
                        many.len()
                    )
                }
                Language::English => {
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
                text.push_str(pick(
                    language,
                    " Nội dung đã ký còn nguyên vẹn.",
                    " What was signed is intact.",
                ));
            }
            text
        }
    }
}

/// The reason of the first signature that came out this way.
fn reason(language: Language, document: &DocumentReport, indication: Indication) -> String {
    let blamed = document.signatures.iter().find(|signature| signature.indication == indication);
    let first = blamed.and_then(SignatureReport::reason_against);
    first.map_or_else(
        || Tone::Indeterminate.meaning(language).to_owned(),
        |message| words(language, message).0,
    )
}

/// What to do, for each different reason, once. There is always something to do about what is not valid.
fn next_steps(language: Language, document: &DocumentReport) -> Vec<String> {
    let mut steps: Vec<String> = Vec::new();
    let unsigned = pick(
        language,
        "Nếu đây là bản chụp từ giấy, hãy xin bản điện tử đã ký từ cơ quan phát hành.",
        "If this is a scan of a paper, ask the issuing agency for the signed electronic document.",
    );
    let anyway = pick(
        language,
        "Hãy hỏi lại cơ quan gửi và yêu cầu bản gốc đã ký.",
        "Ask the sender, and for the signed original.",
    );
    match document.overall {
        Overall::Valid => return steps,
        Overall::Unsigned => return vec![unsigned.to_owned()],
        Overall::Invalid | Overall::Indeterminate => {}
    }
    // What is certainly wrong comes before what is only missing.
    for wanted in [Indication::TotalFailed, Indication::Indeterminate] {
        for signature in document.signatures.iter().filter(|one| one.indication == wanted) {
            for message in signature.reason_against().into_iter().chain(&signature.errors) {
                if let (_, Some(next)) = words(language, message)
                    && !steps.contains(&next)
                    && steps.len() < MAX_STEPS
                {
                    steps.push(next);
                }
            }
        }
    }
    if steps.is_empty() {
        steps.push(anyway.to_owned());
    }
    steps
}

/// `A`, `A và B`, `A, B và C`.
fn names(language: Language, signatures: &[&SignatureReport]) -> String {
    let names: Vec<String> = signatures.iter().map(|signature| who(language, signature)).collect();
    match names.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} {} {last}", rest.join(", "), pick(language, "và", "and")),
        None => String::new(),
    }
}

/// What a message means in the reader's language, and what to do about it.
///
/// A key that the dictionary does not know keeps its own English words.
fn words(language: Language, message: &Message) -> (String, Option<String>) {
    match dictionary::words(&message.key, language) {
        Some(known) => {
            // The dictionary's advice is for the command line.
            let both = pick(
                language,
                "Hãy chọn cả văn bản và tệp chữ ký cùng lúc, ví dụ x.pdf và x.pdf.p7s.",
                "Choose the document and its signature together, such as x.pdf and x.pdf.p7s.",
            );
            let advice = if message.key == APART { both } else { known.advice };
            (known.meaning.to_owned(), Some(advice.to_owned()).filter(|advice| !advice.is_empty()))
        }
        None => (message.message.clone(), None),
    }
}

/// Why a file was not judged, and what to do about it.
fn unreadable_words(language: Language, error: &Message) -> (String, String) {
    let known = dictionary::UNREADABLE.iter().find(|(key, ..)| *key == error.key);
    let why = known.map_or(error.message.as_str(), |(_, en, vi)| pick(language, vi, en));
    let next = match error.key.as_str() {
        // Taking the password off would write the file anew, and no signature would be left to check.
        "file.encrypted" => pick(
            language,
            "Nhập mật khẩu mở tệp rồi kiểm tra lại. Không gỡ mật khẩu: làm vậy sẽ mất chữ ký.",
            "Give the password that opens the file, and verify again. Do not take it off: that loses the signatures.",
        ),
        "file.password" => pick(
            language,
            "Nhập lại mật khẩu. Nếu không có, hỏi cơ quan gửi tệp.",
            "Type the password again. If you do not have it, ask whoever sent the file.",
        ),
        "file.encryption" => pick(
            language,
            "Đề nghị cơ quan gửi cung cấp tệp được ký khi không mã hóa.",
            "Ask whoever sent the file for one that was signed without encryption.",
        ),
        "internal" => pick(
            language,
            "Thử lại sau; nếu vẫn lỗi, báo cho người quản trị trang này.",
            "Try again later; if it happens again, tell whoever runs this page.",
        ),
        _ => pick(
            language,
            "Chọn tệp PDF gốc do cơ quan gửi, không phải ảnh chụp hay tệp đã in lại.",
            "Choose the original PDF that the agency sent, not a picture or a print of it.",
        ),
    };
    (why.to_owned(), next.to_owned())
}

pub(super) const fn pick<'a>(language: Language, vietnamese: &'a str, english: &'a str) -> &'a str {
    match language {
        Language::English => english,
        Language::Vietnamese => vietnamese,
    }
}

/// More advice than this helps nobody.
const MAX_STEPS: usize = 3;

/// What a signature is about was not given with it.
const APART: &str = "document.apart";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::validation::{
        CertificateStatus, CoverageLevel, Modification, ModificationLevel, StatementsReport, TimeSource,
    };

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
            signer: None,
            certificates: Vec::new(),
            time_stamps: Vec::new(),
            level_reasons: Vec::new(),
            claimed_signing_time: Some("2026-11-22T01:14:00Z".to_owned()),
            best_signature_time: Some("2026-11-22T01:15:09Z".to_owned()),
            best_signature_time_source: Some(TimeSource::TimeStamp),
            reason: None,
            location: None,
            statements: StatementsReport::default(),
            certification_level: None,
            digest_matches: true,
            signature_matches: true,
            coverage: CoverageLevel::Document,
            scopes: Vec::new(),
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
            signed_files: Vec::new(),
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

    fn view(language: Language, document: &DocumentReport) -> Document {
        Document::judged(language, document)
    }

    #[test]
    fn one_valid_signature_is_told_in_one_sentence_with_the_source_of_its_time() {
        let one = document("a.pdf", vec![signature(Indication::TotalPassed, "UBND phường An Hội")]);
        let vi = view(Language::Vietnamese, &one);
        assert_eq!((vi.tone, vi.heading), (Tone::Valid, "Chữ ký hợp lệ"));
        assert_eq!(
            vi.summary,
            "Văn bản này do UBND phường An Hội ký lúc 08:15 ngày 22/11/2026 (giờ có xác nhận) và không bị thay đổi từ đó."
        );
        assert!(vi.next.is_empty());
        let claimed = SignatureReport {
            best_signature_time_source: Some(TimeSource::ValidationTime),
            ..signature(Indication::TotalPassed, "UBND phường An Hội")
        };
        let summary = view(Language::Vietnamese, &document("a.pdf", vec![claimed])).summary;
        assert!(summary.contains("ký lúc 08:14 ngày 22/11/2026 (giờ máy người ký khai)"), "{summary}");
    }

    #[test]
    fn a_failure_says_why_and_what_to_do() {
        let altered = document("a.pdf", vec![failed("digest.mismatch")]);
        let vi = view(Language::Vietnamese, &altered);
        assert_eq!((vi.tone, vi.heading), (Tone::Invalid, "Không hợp lệ"));
        let known = dictionary::words("digest.mismatch", Language::Vietnamese).unwrap();
        assert_eq!(
            (vi.summary.as_str(), vi.next.as_slice()),
            (known.meaning, &[known.advice.to_owned()][..])
        );
        assert_eq!(view(Language::English, &altered).signatures[0].word, "Not valid");
    }

    #[test]
    fn no_answer_that_is_not_valid_leaves_people_without_a_next_step() {
        for key in dictionary::Key::ALL {
            let (_, next) = words(
                Language::Vietnamese,
                &Message { key: key.as_str().to_owned(), message: String::new() },
            );
            let english = dictionary::words(key.as_str(), Language::English).unwrap();
            assert_eq!(next.is_some(), !english.advice.is_empty(), "{key:?}");
        }
        let unsigned = document("a.pdf", Vec::new());
        assert!(!view(Language::Vietnamese, &unsigned).next.is_empty());
        for (key, ..) in dictionary::UNREADABLE {
            let error = Message { key: key.to_owned(), message: "in English".to_owned() };
            let file = Unreadable { name: "a".to_owned(), error };
            let vi = Document::unreadable(Language::Vietnamese, &file);
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
        let vi = view(Language::Vietnamese, &both);
        assert!(vi.summary.contains("2 chữ ký, của Đặng Thuỳ Hương Giang và UBND tỉnh Sông Lam"));
        assert_eq!(vi.signatures[0].changes, ["thêm một chữ ký (phiên bản 3 của tệp)"]);
        assert!(vi.signatures[1].changes.is_empty());
        assert_eq!(vi.signatures[1].after, Some("Sau chữ ký này không có gì được thêm vào."));
        let broken = SignatureReport { digest_matches: false, ..failed("digest.mismatch") };
        assert_eq!(view(Language::Vietnamese, &document("a.pdf", vec![broken])).signatures[0].after, None);
    }

    #[test]
    fn an_intact_document_is_called_intact_even_without_a_conclusion() {
        let unknown = SignatureReport {
            errors: vec![Message { key: "status.unknown".to_owned(), message: String::new() }],
            ..signature(Indication::Indeterminate, "Sở Nội vụ")
        };
        let vi = view(Language::Vietnamese, &document("a.pdf", vec![unknown]));
        assert_eq!(vi.heading, "Chưa thể kết luận");
        assert!(vi.summary.ends_with("Nội dung đã ký còn nguyên vẹn."), "{}", vi.summary);
    }

    #[test]
    fn what_is_only_a_warning_still_says_why_and_what_to_do() {
        let unknown = SignatureReport {
            warnings: vec![Message { key: "status.unknown".to_owned(), message: String::new() }],
            ..signature(Indication::Indeterminate, "Sở Nội vụ")
        };
        let vi = view(Language::Vietnamese, &document("a.pdf", vec![unknown]));
        let known = dictionary::words("status.unknown", Language::Vietnamese).unwrap();
        assert!(vi.summary.starts_with(known.meaning), "{}", vi.summary);
        assert_eq!(vi.next, [known.advice]);
        assert_eq!((vi.signatures[0].reasons.len(), vi.signatures[0].warnings.len()), (1, 0));
        let strange = SignatureReport {
            errors: vec![Message { key: "no.such.key".to_owned(), message: "Odd.".to_owned() }],
            ..signature(Indication::TotalFailed, "Sở Nội vụ")
        };
        assert!(!view(Language::Vietnamese, &document("a.pdf", vec![strange])).next.is_empty());
    }

    #[test]
    fn a_file_with_a_time_stamp_alone_is_not_said_to_be_signed() {
        let stamp = SignatureReport {
            signature_format: "DOC-TIME-STAMP".to_owned(),
            ..signature(Indication::TotalPassed, "TSA")
        };
        let vi = view(Language::Vietnamese, &document("a.pdf", vec![stamp]));
        assert_eq!((vi.tone, vi.heading), (Tone::Unsigned, "Văn bản không có chữ ký số"));
        assert!(vi.summary.contains("không có chữ ký của ai"), "{}", vi.summary);
    }

    #[test]
    fn the_list_of_the_circular_is_whole_whatever_is_known() {
        let full = crate::rendering::sample::signature();
        let bare = SignatureReport {
            indication: Indication::Indeterminate,
            organization: None,
            issuer: None,
            certificate_valid_from: None,
            trust_anchor: None,
            certificates: Vec::new(),
            ..full.clone()
        };
        for language in [Language::Vietnamese, Language::English] {
            let lists = [&full, &bare].map(|one| Signature::new(language, one).list);
            let labels = lists.clone().map(|list| list.iter().map(|(label, _)| *label).collect::<Vec<_>>());
            assert_eq!(labels[0], labels[1]);
            assert!(lists.iter().flatten().all(|(label, text)| !label.is_empty() && !text.is_empty()));
        }
        let list = Signature::new(Language::Vietnamese, &full).list;
        let beside = |label| list.iter().find(|(one, _)| *one == label).unwrap().1.clone();
        assert_eq!(beside("Đơn vị quản lý"), "UBND phường An Hội");
        assert_eq!(beside("Toàn vẹn nội dung"), "còn nguyên vẹn");
        assert_eq!(
            beside("Trạng thái chứng thư khi ký"),
            "còn hiệu lực, theo OCSP lúc 08:20 ngày 22/11/2026, có trong tệp"
        );
        assert!(beside("Gốc tin cậy").ends_with("(bộ gốc: public-duty)"), "{}", beside("Gốc tin cậy"));
    }

    #[test]
    fn a_later_revocation_is_told_as_one() {
        let mut later = crate::rendering::sample::signature();
        let status = later.certificates[0].status.as_mut().unwrap();
        status.status = CertificateStatus::Revoked;
        status.revoked_at = Some("2026-12-01T00:00:00Z".to_owned());
        let told = |one: &SignatureReport| Signature::new(Language::Vietnamese, one).list[3].1.clone();
        assert!(
            told(&later).starts_with("còn hiệu lực khi ký; bị thu hồi sau đó, lúc 07:00 ngày 01/12/2026")
        );
        later.indication = Indication::TotalFailed;
        assert!(told(&later).starts_with("đã bị thu hồi lúc 07:00 ngày 01/12/2026"), "{}", told(&later));
    }
}
