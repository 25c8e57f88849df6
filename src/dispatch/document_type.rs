//! The types of administrative document (Decree 30/2020/NĐ-CP, Article 7 and Annex III).

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization as _;

/// A type of administrative document. A value of this type is one of [`DOCUMENT_TYPES`].
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct DocumentType(&'static Row);

impl DocumentType {
    /// The stable name in the API and the database, ASCII: `quyet-dinh`.
    pub const fn key(self) -> &'static str {
        self.0.key
    }

    /// The Vietnamese name: `Quyết định`.
    pub const fn name(self) -> &'static str {
        self.0.name
    }

    /// The abbreviation in the symbol: `QĐ`. The official letter and the letter of thanks or greeting have none.
    pub const fn abbreviation(self) -> Option<&'static str> {
        self.0.abbreviation
    }

    /// Whether it is one of the three kinds of copy, which share one series (Article 25).
    pub const fn is_copy(self) -> bool {
        self.0.copy
    }
}

impl FromStr for DocumentType {
    type Err = UnknownDocumentType;

    /// Reads the key or the abbreviation. Abbreviations are case-sensitive: `CT` is not `CTr`, `ĐA` is not `DA`.
    fn from_str(text: &str) -> Result<Self, UnknownDocumentType> {
        let text: String = text.chars().take(LONGEST).nfc().collect();
        DOCUMENT_TYPES
            .iter()
            .copied()
            .find(|kind| kind.key() == text || kind.abbreviation() == Some(&text))
            .ok_or(UnknownDocumentType(text))
    }
}

impl fmt::Display for DocumentType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Debug for DocumentType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.key())
    }
}

impl Serialize for DocumentType {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.key())
    }
}

impl<'de> Deserialize<'de> for DocumentType {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
    }
}

/// The text names no type of document.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no type of document; write its key, such as quyet-dinh, or its abbreviation, such as QĐ")]
pub struct UnknownDocumentType(pub String);

/// The 29 types of Article 7 in its order, then the three kinds of copy.
pub const DOCUMENT_TYPES: [DocumentType; 32] = [
    row(&Row::of("nghi-quyet", "Nghị quyết", "NQ")),
    row(&Row::of("quyet-dinh", "Quyết định", "QĐ")),
    row(&Row::of("chi-thi", "Chỉ thị", "CT")),
    row(&Row::of("quy-che", "Quy chế", "QC")),
    row(&Row::of("quy-dinh", "Quy định", "QyĐ")),
    row(&Row::of("thong-cao", "Thông cáo", "TC")),
    row(&Row::of("thong-bao", "Thông báo", "TB")),
    row(&Row::of("huong-dan", "Hướng dẫn", "HD")),
    row(&Row::of("chuong-trinh", "Chương trình", "CTr")),
    row(&Row::of("ke-hoach", "Kế hoạch", "KH")),
    row(&Row::of("phuong-an", "Phương án", "PA")),
    row(&Row::of("de-an", "Đề án", "ĐA")),
    row(&Row::of("du-an", "Dự án", "DA")),
    row(&Row::of("bao-cao", "Báo cáo", "BC")),
    row(&Row::of("bien-ban", "Biên bản", "BB")),
    row(&Row::of("to-trinh", "Tờ trình", "TTr")),
    row(&Row::of("hop-dong", "Hợp đồng", "HĐ")),
    row(&Row { key: "cong-van", name: "Công văn", abbreviation: None, copy: false }),
    row(&Row::of("cong-dien", "Công điện", "CĐ")),
    row(&Row::of("ban-ghi-nho", "Bản ghi nhớ", "BGN")),
    row(&Row::of("ban-thoa-thuan", "Bản thỏa thuận", "BTT")),
    row(&Row::of("giay-uy-quyen", "Giấy ủy quyền", "GUQ")),
    row(&Row::of("giay-moi", "Giấy mời", "GM")),
    row(&Row::of("giay-gioi-thieu", "Giấy giới thiệu", "GGT")),
    row(&Row::of("giay-nghi-phep", "Giấy nghỉ phép", "GNP")),
    row(&Row::of("phieu-gui", "Phiếu gửi", "PG")),
    row(&Row::of("phieu-chuyen", "Phiếu chuyển", "PC")),
    row(&Row::of("phieu-bao", "Phiếu báo", "PB")),
    row(&Row { key: "thu-cong", name: "Thư công", abbreviation: None, copy: false }),
    row(&Row { key: "sao-y", name: "Bản sao y", abbreviation: Some("SY"), copy: true }),
    row(&Row { key: "trich-sao", name: "Bản trích sao", abbreviation: Some("TrS"), copy: true }),
    row(&Row { key: "sao-luc", name: "Bản sao lục", abbreviation: Some("SL"), copy: true }),
];

/// The longest key or abbreviation read, in characters; none known is longer than 15.
const LONGEST: usize = 40;

#[derive(PartialEq, Eq, Hash)]
struct Row {
    key: &'static str,
    name: &'static str,
    abbreviation: Option<&'static str>,
    copy: bool,
}

impl Row {
    const fn of(key: &'static str, name: &'static str, abbreviation: &'static str) -> Self {
        Self { key, name, abbreviation: Some(abbreviation), copy: false }
    }
}

const fn row(row: &'static Row) -> DocumentType {
    DocumentType(row)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn there_are_twenty_nine_types_and_three_kinds_of_copy() {
        assert_eq!(DOCUMENT_TYPES.iter().filter(|kind| !kind.is_copy()).count(), 29);
        assert_eq!(DOCUMENT_TYPES.iter().filter(|kind| kind.is_copy()).count(), 3);
        assert_eq!(DOCUMENT_TYPES.iter().filter(|kind| kind.abbreviation().is_none()).count(), 2);
    }

    #[test]
    fn keys_and_abbreviations_name_one_type_each() {
        let mut seen = HashSet::new();
        for kind in DOCUMENT_TYPES {
            assert!(seen.insert(kind.key()) && kind.key().parse() == Ok(kind));
            assert!(kind.name().nfc().eq(kind.name().chars()), "{kind} is in NFC");
            if let Some(abbreviation) = kind.abbreviation() {
                assert!(seen.insert(abbreviation) && abbreviation.parse() == Ok(kind));
            }
        }
    }

    #[test]
    fn abbreviations_keep_case_and_marks() {
        let key = |text: &str| text.parse::<DocumentType>().map(DocumentType::key);
        assert_eq!(key("CT"), Ok("chi-thi"));
        assert_eq!(key("CTr"), Ok("chuong-trinh"));
        assert_eq!(key("ĐA"), Ok("de-an"));
        assert_eq!(key("DA"), Ok("du-an"));
        assert_eq!(key("QC"), Ok("quy-che"));
        assert_eq!(key("QyĐ"), Ok("quy-dinh"));
        assert!(key("qđ").is_err() && key("CV").is_err() && key(&"x".repeat(1 << 20)).is_err());
    }
}
