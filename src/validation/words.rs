//! Every key of a report, with plain words in two languages: what it means, and what to do about it.
//!
//! The report's own `message` adds the particulars in English; pages and the command line show these by key.

use super::{Indication, Message, Overall};

/// A language that people are answered in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Language {
    /// English.
    #[default]
    English,
    /// Vietnamese.
    Vietnamese,
}

/// What a key means, and what to do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Words {
    /// As in the report.
    pub key: &'static str,
    /// One sentence.
    pub meaning: &'static str,
    /// One sentence; empty when there is nothing to do.
    pub advice: &'static str,
}

/// The words for a key of a report, if it is one.
pub fn words(key: &str, language: Language) -> Option<Words> {
    Key::ALL.iter().copied().find(|known| known.as_str() == key).map(|known| known.words(language))
}

/// What a kind of modification is, in a few words; `None` when it is none.
///
/// `kind` as in [`super::Modification::kind`]. The modification's own description adds the particulars in English.
pub fn modification_words(kind: &str, language: Language) -> Option<&'static str> {
    let (_, english, vietnamese) = MODIFICATIONS.iter().find(|(known, _, _)| *known == kind)?;
    Some(match language {
        Language::English => english,
        Language::Vietnamese => vietnamese,
    })
}

/// The kinds of modifications, alphabetical.
const MODIFICATIONS: [(&str, &str, &str); 13] = [
    ("action", "an action or script was added or changed", "thêm hoặc sửa hành động, mã lệnh"),
    ("annotation", "an annotation was added or changed", "thêm hoặc sửa chú thích trên trang"),
    (
        "catalog-entry",
        "settings of the document or its form were changed",
        "sửa thiết lập của văn bản hoặc biểu mẫu",
    ),
    (
        "document-time-stamp",
        "a time-stamp of the whole document was added",
        "thêm dấu thời gian của cả văn bản",
    ),
    ("embedded-file", "an embedded file was added or changed", "thêm hoặc sửa tệp đính kèm bên trong"),
    ("form-fill", "a form field was filled in", "điền vào ô của biểu mẫu"),
    ("metadata", "the document's metadata were changed", "sửa thông tin mô tả của văn bản"),
    ("page-content", "what a page shows was changed", "sửa nội dung hiển thị của trang"),
    ("page-set", "pages were added, removed or put in another order", "thêm, bớt hoặc đổi thứ tự trang"),
    (
        "security-store",
        "evidence for later checks was added (DSS)",
        "thêm bằng chứng để kiểm tra về sau (DSS)",
    ),
    ("signature", "a signature was added", "thêm một chữ ký"),
    ("structure-tree", "the structure for reading aloud was changed", "sửa cấu trúc hỗ trợ đọc văn bản"),
    ("unexplained", "something was changed that cannot be explained", "có thay đổi không giải thích được"),
];

/// The heading for a document: an icon, and a word that does not lean on colour.
pub fn heading(overall: Overall, language: Language) -> (char, &'static str) {
    match (overall, language) {
        (Overall::Valid, Language::English) => ('✔', "The signatures are valid"),
        (Overall::Valid, Language::Vietnamese) => ('✔', "Chữ ký hợp lệ"),
        (Overall::Indeterminate, Language::English) => ('⚠', "No conclusion is possible yet"),
        (Overall::Indeterminate, Language::Vietnamese) => ('⚠', "Chưa thể kết luận"),
        (Overall::Invalid, Language::English) => ('✖', "Not valid"),
        (Overall::Invalid, Language::Vietnamese) => ('✖', "Không hợp lệ"),
        (Overall::Unsigned, Language::English) => ('○', "The document has no digital signature"),
        (Overall::Unsigned, Language::Vietnamese) => ('○', "Văn bản không có chữ ký số"),
    }
}

/// The heading for one signature.
pub fn signature_heading(indication: Indication, language: Language) -> (char, &'static str) {
    match (indication, language) {
        (Indication::TotalPassed, Language::English) => ('✔', "Valid"),
        (Indication::TotalPassed, Language::Vietnamese) => ('✔', "Hợp lệ"),
        (Indication::Indeterminate, Language::English) => ('⚠', "No conclusion yet"),
        (Indication::Indeterminate, Language::Vietnamese) => ('⚠', "Chưa thể kết luận"),
        (Indication::TotalFailed, Language::English) => ('✖', "Not valid"),
        (Indication::TotalFailed, Language::Vietnamese) => ('✖', "Không hợp lệ"),
    }
}

impl Key {
    /// A message under this key.
    pub(super) fn message(self, message: impl Into<String>) -> Message {
        Message { key: self.as_str().to_owned(), message: message.into() }
    }

    /// A message with the key's own English sentence.
    pub(super) fn plain(self) -> Message {
        self.message(self.words(Language::English).meaning)
    }
}

macro_rules! keys {
    ($($name:ident $key:literal
        en $meaning:literal $advice:literal
        vi $nghia:literal $khuyen:literal;)*) => {
        /// A key of a report.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Key {
            $(#[doc = $meaning] $name,)*
        }

        impl Key {
            /// All keys, in alphabetical order of their text.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The text in reports. It never changes its meaning.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $key,)* }
            }

            /// What it means and what to do.
            pub const fn words(self, language: Language) -> Words {
                match (self, language) {
                    $((Self::$name, Language::English) =>
                        Words { key: $key, meaning: $meaning, advice: $advice },
                    (Self::$name, Language::Vietnamese) =>
                        Words { key: $key, meaning: $nghia, advice: $khuyen },)*
                }
            }
        }
    };
}

keys! {
    AlgorithmMismatch "algorithm.mismatch"
        en "The signature names its algorithms in two ways that do not agree."
           "Ask the sender to sign anew with software that follows the standard."
        vi "Chữ ký ghi thuật toán ở hai nơi không thống nhất với nhau."
           "Đề nghị bên gửi ký lại bằng phần mềm theo đúng tiêu chuẩn.";
    AlgorithmPkcs1V15 "algorithm.pkcs1-v1-5"
        en "The signature is made by RSASSA-PKCS1-v1_5; the mandatory part of Circular 15/2025, Annex I, names RSASSA-PSS."
           "Ask your legal department whether this still does; the signature itself holds."
        vi "Chữ ký dùng RSASSA-PKCS1-v1_5; phần bắt buộc của Phụ lục I Thông tư 15/2025 nêu RSASSA-PSS."
           "Hỏi bộ phận pháp chế xem còn được chấp nhận không; bản thân chữ ký vẫn đúng.";
    AlgorithmUnsupported "algorithm.unsupported"
        en "The signature uses an algorithm or key that kyso does not support."
           "Verify it with the program that made it, or ask for it to be signed anew."
        vi "Chữ ký dùng thuật toán hoặc loại khóa mà kyso chưa hỗ trợ."
           "Hãy kiểm tra bằng phần mềm đã tạo chữ ký, hoặc đề nghị ký lại.";
    AlgorithmWeak "algorithm.weak"
        en "The signature, or a certificate it rests on, uses an algorithm or key that is no longer strong enough."
           "Ask the sender to sign anew with SHA-256 and a key of at least 2048 bits (RSA) or 256 bits (ECDSA)."
        vi "Chữ ký, hoặc một chứng thư mà nó dựa vào, dùng thuật toán hay khóa không còn đủ mạnh."
           "Đề nghị bên gửi ký lại bằng SHA-256 với khóa tối thiểu 2048 bit (RSA) hoặc 256 bit (ECDSA).";
    AsicDataFiles "asic.data-files"
        en "The container holds no document, or more than the one that ASiC-S allows."
           "Do not rely on the container; ask the sender for the original."
        vi "Gói không chứa văn bản nào, hoặc chứa nhiều hơn một văn bản trong khi ASiC-S chỉ cho phép một."
           "Không sử dụng tệp này; hãy yêu cầu cơ quan gửi cung cấp bản gốc.";
    AsicManifest "asic.manifest"
        en "What the container says about its files is missing, damaged, or contradicts what is there."
           "Do not rely on the container; ask the sender for the original."
        vi "Danh mục tệp trong gói bị thiếu, hỏng hoặc không khớp với nội dung gói."
           "Không sử dụng tệp này; hãy yêu cầu cơ quan gửi cung cấp bản gốc.";
    AsicMimeType "asic.mimetype"
        en "The file mimetype of the container is not written as the standard wants it."
           ""
        vi "Tệp mimetype trong gói không được ghi đúng như tiêu chuẩn."
           "";
    AsicMissingFile "asic.missing-file"
        en "The signature covers a file that is not in the container, or a signature was taken out of it."
           "Do not rely on the container; ask the sender for the original."
        vi "Chữ ký bảo vệ một tệp không có trong gói, hoặc một chữ ký đã bị gỡ khỏi gói."
           "Không sử dụng tệp này; hãy yêu cầu cơ quan gửi cung cấp bản gốc.";
    AsicUncoveredFile "asic.uncovered-file"
        en "The container holds a file that this signature does not cover."
           "Do not rely on that file; ask the sender for a container in which everything is signed."
        vi "Gói có tệp không được chữ ký này bảo vệ."
           "Không sử dụng tệp đó; đề nghị bên gửi cung cấp gói trong đó mọi tệp đều được ký.";
    AttributeUnused "attribute.unused"
        en "The signature carries attributes of older kinds, or counter-signatures, that are not judged and prove nothing here."
           "Rely on what is said about the signature itself."
        vi "Chữ ký có thuộc tính kiểu cũ hoặc chữ ký xác nhận kèm theo; phần này không được kiểm tra và không chứng minh gì."
           "Chỉ căn cứ vào kết luận về chính chữ ký.";
    CertificateAmbiguous "certificate.ambiguous"
        en "A certificate is malformed so that two readers understand it differently."
           "Ask the authority that issued it for a well-formed certificate."
        vi "Một chứng thư có cấu trúc sai, hai bộ đọc hiểu khác nhau."
           "Đề nghị tổ chức cấp chứng thư cấp lại chứng thư đúng chuẩn.";
    CertificateAuthorityRevoked "certificate.authority-revoked"
        en "The certificate of an authority in the signer's path was revoked."
           "Ask the sender to sign anew with a certificate of an authority in good standing."
        vi "Chứng thư của một tổ chức trong đường dẫn tin cậy đã bị thu hồi."
           "Đề nghị bên gửi ký lại bằng chứng thư do tổ chức còn hiệu lực cấp.";
    CertificateExpired "certificate.expired"
        en "A certificate had expired, and nothing proves that the signature was made before."
           "Ask the sender for a copy with a time-stamp made while the certificate was valid, or for a new signature."
        vi "Chứng thư đã hết hạn và không có gì chứng minh chữ ký được tạo trước đó."
           "Đề nghị bên gửi bản có dấu thời gian tạo khi chứng thư còn hạn, hoặc ký lại.";
    CertificateExpiredBefore "certificate.expired-before"
        en "The signer's certificate had expired before the signature was made: a time-stamp inside the signature is later."
           "Do not rely on the document; ask the sender to sign anew with a certificate in force."
        vi "Chứng thư đã hết hạn trước khi ký: dấu thời gian bên trong chữ ký muộn hơn hạn đó."
           "Không sử dụng văn bản này; đề nghị bên gửi ký lại bằng chứng thư còn hạn.";
    CertificateIsAnchor "certificate.is-anchor"
        en "The signer's certificate is itself in the list of trusted certificates; no authority vouches for its status."
           "Give the certificate of the authority that issued it as the trusted one."
        vi "Chứng thư của người ký nằm ngay trong danh sách tin cậy; không có tổ chức nào bảo đảm trạng thái của nó."
           "Hãy dùng chứng thư của tổ chức cấp làm chứng thư tin cậy.";
    CertificateNotYetValid "certificate.not-yet-valid"
        en "A certificate was not valid yet at the time of the signature."
           "Check the date; if it is right, ask the sender to sign anew."
        vi "Chứng thư chưa có hiệu lực vào thời điểm ký."
           "Kiểm tra ngày giờ; nếu đúng, đề nghị bên gửi ký lại.";
    CertificateRevoked "certificate.revoked"
        en "The signer's certificate had been revoked before the signature was made."
           "Do not rely on the document; ask the sender."
        vi "Chứng thư đã bị thu hồi trước khi ký."
           "Không sử dụng văn bản này; hãy hỏi lại cơ quan gửi.";
    CertificateRevokedLater "certificate.revoked-later"
        en "The signer's certificate was revoked after the proven time of the signature, which stays valid."
           "Nothing has to be done."
        vi "Chứng thư bị thu hồi sau thời điểm ký đã được xác nhận; chữ ký vẫn có giá trị."
           "Không cần làm gì thêm.";
    CertificateRevokedUnproven "certificate.revoked-unproven"
        en "The signer's certificate was revoked, and nothing proves that the signature was made before."
           "Do not rely on the document; ask the sender for a time-stamped copy or a new signature."
        vi "Chứng thư của người ký đã bị thu hồi và không có gì chứng minh chữ ký được tạo trước đó."
           "Chưa nên sử dụng văn bản; đề nghị bên gửi bản có dấu thời gian hoặc ký lại.";
    ChainConstraints "chain.constraints"
        en "A certificate in the signer's path may not be used in this way."
           "Ask the sender to sign with a certificate meant for signing documents."
        vi "Một chứng thư trong đường dẫn tin cậy không được phép dùng cho việc này."
           "Đề nghị bên gửi ký bằng chứng thư dành cho việc ký văn bản.";
    ChainNotFound "chain.not-found"
        en "No path leads from the signer's certificate to a trusted authority."
           "Check whether the signer's authority should be trusted; if so, give its certificate."
        vi "Không có đường dẫn tin cậy từ chứng thư của người ký đến tổ chức được tin cậy."
           "Kiểm tra xem tổ chức cấp chứng thư có được tin cậy không; nếu có, hãy bổ sung chứng thư của tổ chức đó.";
    ChainNotSupported "chain.not-supported"
        en "A certificate in the signer's path has restrictions that kyso does not process yet."
           "Verify it with another program as well."
        vi "Một chứng thư trong đường dẫn có ràng buộc mà kyso chưa xử lý được."
           "Hãy kiểm tra thêm bằng phần mềm khác.";
    ChainTooComplex "chain.too-complex"
        en "Looking for a path to a trusted authority took too many steps."
           "Ask the sender for a file with fewer certificates in it."
        vi "Việc tìm đường dẫn tin cậy cần quá nhiều bước."
           "Đề nghị bên gửi tệp chứa ít chứng thư hơn.";
    DigestMismatch "digest.mismatch"
        en "The content was changed after signing."
           "Do not rely on the document; ask the sender for the original."
        vi "Nội dung đã bị thay đổi sau khi ký."
           "Không sử dụng văn bản này; hãy yêu cầu cơ quan gửi cung cấp bản gốc.";
    DigestNotGiven "digest.not-given"
        en "The digest that the signature was made over was not among those given."
           "Send the digest of the signed bytes under the algorithm that the signature names."
        vi "Trong các giá trị băm đã gửi không có giá trị theo thuật toán của chữ ký."
           "Hãy gửi giá trị băm của phần được ký theo đúng thuật toán mà chữ ký dùng.";
    DocumentApart "document.apart"
        en "The signed file lies apart from its signature and was not given."
           "Give it as well: kyso verify SIGNATURE --detached FILE."
        vi "Tệp được ký nằm riêng với chữ ký và chưa được cung cấp."
           "Hãy cung cấp thêm tệp đó: kyso verify CHỮ_KÝ --detached TỆP.";
    DocumentUnseen "document.unseen"
        en "Only a digest was judged: nobody looked at the document, at what it covers and what was changed later."
           "Where that matters, verify the document itself."
        vi "Chỉ kiểm tra theo giá trị băm: chưa xem văn bản, phạm vi được ký và những thay đổi sau khi ký."
           "Khi cần chắc chắn, hãy kiểm tra chính văn bản.";
    FormatByteRange "format.byte-range"
        en "The signature does not say properly which bytes of the file it covers."
           "Do not rely on the document; ask the sender for the original."
        vi "Chữ ký không xác định đúng phần nội dung mà nó bảo vệ."
           "Không sử dụng văn bản này; hãy yêu cầu cơ quan gửi cung cấp bản gốc.";
    FormatByteRangeGap "format.byte-range.gap"
        en "Bytes that the signature leaves out hold more than the signature itself."
           "Do not rely on the document; ask the sender for the original."
        vi "Phần tệp không được ký chứa nhiều hơn chính chữ ký."
           "Không sử dụng văn bản này; hãy yêu cầu cơ quan gửi cung cấp bản gốc.";
    FormatByteRangeRevision "format.byte-range.revision"
        en "The signature does not cover all of the file as it was when signed."
           "Do not rely on the document; ask the sender for the original."
        vi "Chữ ký không bảo vệ toàn bộ tệp tại thời điểm ký."
           "Không sử dụng văn bản này; hãy yêu cầu cơ quan gửi cung cấp bản gốc.";
    FormatByteRangeShape "format.byte-range.shape"
        en "The list of signed bytes is missing or malformed."
           "Do not rely on the document; ask the sender for the original."
        vi "Danh sách phần được ký bị thiếu hoặc sai cấu trúc."
           "Không sử dụng văn bản này; hãy yêu cầu cơ quan gửi cung cấp bản gốc.";
    FormatCms "format.cms"
        en "The signature itself is damaged or malformed."
           "Do not rely on the document; ask the sender for the original."
        vi "Bản thân chữ ký bị hỏng hoặc sai cấu trúc."
           "Không sử dụng văn bản này; hãy yêu cầu cơ quan gửi cung cấp bản gốc.";
    FormatField "format.field"
        en "The form field of the signature was taken away, shared or damaged."
           "Do not rely on the document; ask the sender for the original."
        vi "Ô ký của chữ ký đã bị gỡ bỏ, dùng chung hoặc hư hỏng."
           "Không sử dụng văn bản này; hãy yêu cầu cơ quan gửi cung cấp bản gốc.";
    FormatPkcs7 "format.pkcs7"
        en "The signature is of the older kind adbe.pkcs7.detached, which is no PAdES signature."
           "Ask the sender to sign with software that follows PAdES."
        vi "Chữ ký thuộc loại cũ adbe.pkcs7.detached, không phải chữ ký PAdES."
           "Đề nghị bên gửi ký bằng phần mềm theo chuẩn PAdES.";
    FormatSigners "format.signers"
        en "The signature holds none or several signers where exactly one is allowed."
           "Do not rely on the document; ask the sender for one signature a person."
        vi "Chữ ký chứa không đúng một người ký."
           "Không sử dụng văn bản này; đề nghị mỗi người ký một chữ ký riêng.";
    FormatSubFilter "format.sub-filter"
        en "The signature is of a kind that kyso does not judge."
           "Verify it with the program that made it, or ask for a PAdES signature."
        vi "Chữ ký thuộc loại mà kyso không kiểm tra được."
           "Hãy kiểm tra bằng phần mềm đã tạo chữ ký, hoặc đề nghị ký theo chuẩn PAdES.";
    FormatTooCostly "format.too-costly"
        en "Checking all signatures of this file would take more work than is allowed."
           "Ask the sender for the document with fewer signatures."
        vi "Kiểm tra hết chữ ký trong tệp này cần nhiều công sức hơn mức cho phép."
           "Đề nghị bên gửi văn bản có ít chữ ký hơn.";
    FormatXml "format.xml"
        en "The XML signature is malformed, or parts of it contradict one another."
           "Do not rely on the document; ask the sender for the original."
        vi "Chữ ký XML sai cấu trúc hoặc có các phần mâu thuẫn nhau."
           "Không sử dụng văn bản này; hãy yêu cầu cơ quan gửi cung cấp bản gốc.";
    FormatXmlAmbiguous "format.xml.ambiguous"
        en "The XML can be read in two ways: two elements of one identifier, a text cut in two, a signature out of place."
           "Do not rely on the document; ask the sender for the original."
        vi "Tệp XML có thể hiểu theo hai cách: hai phần tử trùng định danh, nội dung bị cắt đôi, chữ ký đặt sai chỗ."
           "Không sử dụng văn bản này; hãy yêu cầu cơ quan gửi cung cấp bản gốc.";
    FormatXmlCoverage "format.xml.coverage"
        en "The XML signature does not cover all of what it is shown with."
           "Do not rely on the document; ask the sender for one that is signed as a whole."
        vi "Chữ ký XML không bảo vệ toàn bộ nội dung đi cùng."
           "Không sử dụng văn bản này; đề nghị cơ quan gửi bản được ký trọn vẹn.";
    FormatXmlNamespaces "format.xml.namespaces"
        en "The XML signature leaves out what a prefix in a value means (exclusive canonical form without that prefix)."
           "Ask the sender to sign with an inclusive canonical form, or with all prefixes listed."
        vi "Chữ ký XML bỏ qua ý nghĩa của tiền tố dùng trong giá trị (dạng chuẩn tắc loại trừ không liệt kê tiền tố)."
           "Đề nghị bên gửi ký bằng dạng chuẩn tắc đầy đủ hoặc liệt kê mọi tiền tố.";
    FormatXmlTransform "format.xml.transform"
        en "The XML signature selects what it covers by a transform that kyso refuses (XPath, XSLT and others)."
           "Ask the sender to sign the whole document, with enveloped-signature and a canonical form alone."
        vi "Chữ ký XML chọn phần được ký bằng phép biến đổi mà kyso không chấp nhận (XPath, XSLT…)."
           "Đề nghị bên gửi ký cả văn bản, chỉ dùng enveloped-signature và dạng chuẩn tắc.";
    LevelLt "level.lt"
        en "The file does not hold everything that is needed to verify the signature later without asking anybody."
           "Where it has to be kept for long, have the signature extended (kyso extend --to lt) while the evidence can be had."
        vi "Tệp không chứa đủ dữ liệu để kiểm tra chữ ký về sau mà không cần hỏi nơi khác."
           "Nếu cần lưu trữ lâu dài, hãy nâng cấp chữ ký (kyso extend --to lt) khi còn lấy được dữ liệu.";
    LevelLta "level.lta"
        en "No document or archive time-stamp protects the evidence in the file."
           "Where it has to be kept for long, add an archive time-stamp (kyso extend --to lta)."
        vi "Không có dấu thời gian văn bản hay dấu thời gian lưu trữ bảo vệ dữ liệu kiểm tra trong tệp."
           "Nếu cần lưu trữ lâu dài, hãy thêm dấu thời gian lưu trữ (kyso extend --to lta).";
    LevelT "level.t"
        en "No time-stamp proves when the signature existed."
           "Ask for a time-stamped signature where the time matters."
        vi "Không có dấu thời gian chứng minh thời điểm ký."
           "Khi thời điểm ký quan trọng, hãy yêu cầu chữ ký có dấu thời gian.";
    LevelTooLow "level.too-low"
        en "The signature is of a lower level than the validation policy asks for."
           "Ask the sender for a signature of that level, or have this one extended."
        vi "Mức chữ ký thấp hơn mức mà chính sách kiểm tra yêu cầu."
           "Đề nghị bên gửi ký ở mức đó, hoặc nâng cấp chữ ký này.";
    ModificationForbidden "modification.forbidden"
        en "The file was changed after signing in a way that the signature does not allow."
           "Do not rely on the document; ask the sender for the original."
        vi "Tệp đã bị thay đổi sau khi ký theo cách không được phép."
           "Không sử dụng văn bản này; hãy yêu cầu cơ quan gửi cung cấp bản gốc.";
    ModificationUnknown "modification.unknown"
        en "What was added after this signature could not be read, so nothing can be said about it."
           "Ask the sender for the original."
        vi "Không đọc được phần bổ sung sau chữ ký này nên chưa thể kết luận."
           "Hãy yêu cầu cơ quan gửi cung cấp bản gốc.";
    SignaturePolicyUnknown "signature-policy.unknown"
        en "The signature was made under a signature policy that kyso has no rules for."
           "Ask the sender which policy that is, and whether it matters to you."
        vi "Chữ ký được tạo theo một chính sách ký mà kyso không có quy tắc để kiểm tra."
           "Hỏi bên gửi đó là chính sách nào và có ảnh hưởng gì không.";
    SignatureMismatch "signature.mismatch"
        en "The signature value does not fit the signer's certificate."
           "Do not rely on the document; ask the sender for the original."
        vi "Giá trị chữ ký không khớp với chứng thư của người ký."
           "Không sử dụng văn bản này; hãy yêu cầu cơ quan gửi cung cấp bản gốc.";
    SigningCertificateAbsent "signing-certificate.absent"
        en "The signature does not say under protection which certificate made it."
           "Ask the sender to sign with software that follows PAdES."
        vi "Chữ ký không ghi nhận có bảo vệ chứng thư đã dùng để ký."
           "Đề nghị bên gửi ký bằng phần mềm theo chuẩn PAdES.";
    SigningCertificateMismatch "signing-certificate.mismatch"
        en "The signature names another certificate than the one that comes with it."
           "Do not rely on the document; ask the sender."
        vi "Chữ ký ghi một chứng thư khác với chứng thư đi kèm."
           "Không sử dụng văn bản này; hãy hỏi lại cơ quan gửi.";
    SigningCertificateNotFound "signing-certificate.not-found"
        en "The signer's certificate is not in the signature."
           "Ask the sender to sign with software that includes the certificate."
        vi "Không tìm thấy chứng thư của người ký trong chữ ký."
           "Đề nghị bên gửi ký bằng phần mềm có đính kèm chứng thư.";
    SigningTimeAbsent "signing-time.absent"
        en "The signature does not say when it was made."
           ""
        vi "Chữ ký không ghi thời điểm ký."
           "";
    SigningTimeAfterTimeStamp "signing-time.after-time-stamp"
        en "The time that the signer's machine gave is later than the time-stamp."
           "Rely on the time-stamp."
        vi "Giờ do máy người ký khai muộn hơn dấu thời gian."
           "Hãy căn cứ vào dấu thời gian.";
    SigningTimeInFuture "signing-time.in-future"
        en "The time that the signer's machine gave lies in the future."
           "Ask the sender whether their clock was right."
        vi "Giờ do máy người ký khai nằm trong tương lai."
           "Hãy hỏi bên gửi xem đồng hồ máy có đúng không.";
    SigningTimeUnproven "signing-time.unproven"
        en "No time-stamp proves when the signature was made."
           "Rely on the signing time only as the signer's own word."
        vi "Không có dấu thời gian chứng minh thời điểm ký."
           "Chỉ coi thời điểm ký là lời khai của người ký.";
    StatusUnknown "status.unknown"
        en "It could not be checked whether a certificate was revoked."
           "Try again later while online, or ask the sender."
        vi "Chưa kiểm tra được chứng thư còn hiệu lực hay đã bị thu hồi."
           "Thử lại sau khi có mạng, hoặc hỏi cơ quan gửi.";
    StatusUnproven "status.unproven"
        en "The evidence about revocation comes from a certificate that has since expired."
           "Ask the sender for a copy with an archive time-stamp, or for a new signature."
        vi "Bằng chứng về trạng thái chứng thư do một chứng thư nay đã hết hạn cung cấp."
           "Đề nghị bên gửi bản có dấu thời gian lưu trữ, hoặc ký lại.";
    TimeStampInvalid "time-stamp.invalid"
        en "The time-stamp is damaged or belongs to something else; it proves no time."
           "Ask the sender for the original."
        vi "Dấu thời gian bị hỏng hoặc thuộc về dữ liệu khác, không xác nhận được thời điểm."
           "Hãy yêu cầu cơ quan gửi cung cấp bản gốc.";
    TimeStampOrder "time-stamp.order"
        en "The time-stamps contradict each other: one is later than another that covers it, or earlier than what it covers."
           "Do not rely on its time; ask the sender for the original."
        vi "Các dấu thời gian mâu thuẫn nhau: có dấu muộn hơn dấu bao phủ nó."
           "Không dựa vào thời điểm này; hãy yêu cầu cơ quan gửi cung cấp bản gốc.";
    TimeStampUntrusted "time-stamp.untrusted"
        en "The time-stamp could not be traced to a trusted authority in good standing; it proves no time."
           "Rely on the signing time only as the signer's own word."
        vi "Không xác minh được dấu thời gian do tổ chức tin cậy cấp; chưa xác nhận được thời điểm."
           "Chỉ coi thời điểm ký là giờ do người ký tự khai.";
    TimeStampWeak "time-stamp.weak"
        en "The time-stamp uses an algorithm that is no longer strong enough; it proves no time."
           "Rely on the signing time only as the signer's own word."
        vi "Dấu thời gian dùng thuật toán không còn đủ mạnh; không xác nhận được thời điểm."
           "Chỉ coi thời điểm ký là giờ do người ký tự khai.";
}

/// The words for a file that could not be judged at all. Not keys of a signature.
pub const UNREADABLE: [(&str, &str, &str); 9] = [
    ("file.damaged", "The file is damaged or not a PDF.", "Tệp bị hỏng hoặc không phải PDF."),
    (
        "file.encrypted",
        "The file is encrypted, and its password was not given.",
        "Tệp được mã hóa và chưa có mật khẩu để mở.",
    ),
    (
        "file.encryption",
        "The file is encrypted in a way that kyso does not read.",
        "Tệp được mã hóa theo cách mà kyso không đọc được.",
    ),
    (
        "file.hybrid",
        "The file has two tables of contents, where two programs may see two documents.",
        "Tệp có hai bảng tham chiếu, mỗi phần mềm có thể hiển thị một nội dung khác nhau.",
    ),
    (
        "file.detached",
        "The signed files that were given do not go with this file.",
        "Tệp được ký đã cung cấp không đi cùng tệp này.",
    ),
    ("file.io", "The file could not be read.", "Không đọc được tệp."),
    (
        "file.limit",
        "The file is larger or deeper than is allowed.",
        "Tệp lớn hoặc phức tạp quá mức cho phép.",
    ),
    ("file.password", "The password does not open the file.", "Mật khẩu không mở được tệp."),
    ("internal", "kyso itself failed.", "Lỗi của chính kyso."),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_sorted_and_told_in_both_languages() {
        let keys: Vec<_> = Key::ALL.iter().map(|key| key.as_str()).collect();
        assert!(keys.is_sorted(), "{keys:?}");
        for key in Key::ALL {
            let (english, vietnamese) = (key.words(Language::English), key.words(Language::Vietnamese));
            assert!(english.meaning.ends_with('.') && vietnamese.meaning.ends_with('.'), "{key:?}");
            assert_ne!(english.meaning, vietnamese.meaning);
            assert_eq!(english.advice.is_empty(), vietnamese.advice.is_empty(), "{key:?}");
        }
    }

    #[test]
    fn the_contract_names_every_key() {
        let contract = include_str!("../../docs/verify.md");
        for key in Key::ALL.iter().map(|key| key.as_str()).chain(UNREADABLE.map(|(key, ..)| key)) {
            assert!(contract.contains(&format!("`{key}`")), "docs/verify.md lacks {key}");
        }
        let schema = include_str!("../../docs/verify.schema.json");
        for key in Key::ALL {
            let key = key.as_str();
            assert!(schema.contains(&format!("\"{key}\"")), "docs/verify.schema.json lacks {key}");
        }
    }
}
