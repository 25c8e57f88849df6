//! Numbers and symbols of documents (Decree 30/2020/NĐ-CP, Article 15 and Annex I).

use std::{fmt, str::FromStr};

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization as _;

use super::{DocumentType, Secrecy};
use crate::base::UtcTime;

/// The number and symbol of a document: `05/QĐ-UBND`.
///
/// Immutable after the agency's signature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Number {
    /// The type of the document.
    #[schema(value_type = String, example = "quyet-dinh")]
    pub document_type: DocumentType,
    /// The series it was allotted from.
    #[schema(value_type = String, example = "quyet-dinh")]
    pub series: SeriesKind,
    /// The year of the series, that of `date`.
    pub year: i16,
    /// From 1 upwards, without gaps in a series.
    pub number: u32,
    /// What follows the stroke: `QĐ-UBND`.
    #[schema(value_type = String, example = "QĐ-UBND")]
    pub symbol: Symbol,
    /// Number and symbol together: `05/QĐ-UBND`.
    pub text: String,
    /// The date of the document, in Viet Nam.
    #[schema(value_type = String, example = "2026-01-05")]
    pub date: Date,
}

impl Number {
    /// `05/QĐ-UBND`: below 10 a leading zero, a stroke, no spaces (Annex I).
    pub fn format(number: u32, symbol: &Symbol) -> String {
        format!("{number:02}/{symbol}")
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// What has to be known to allot a number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NumberRequest {
    /// The type of the document.
    #[schema(value_type = String, example = "quyet-dinh")]
    pub document_type: DocumentType,
    /// The issuing authority in the symbol: `UBND`, or `SNV` of an official letter.
    pub issuer: String,
    /// The drafting unit in the symbol, which an official letter has: `VP`.
    #[serde(default)]
    pub unit: Option<String>,
    /// The date of the document, in Viet Nam. Its year chooses the series.
    #[schema(value_type = String, example = "2026-01-05")]
    pub date: Date,
    /// What the document is about (trích yếu), 1 to 500 characters.
    pub subject: String,
    /// Who signs as the competent person.
    pub signer: super::Signer,
    /// A series of its own, such as that of a council which uses the agency's seal. None: by the agency's scheme.
    #[schema(value_type = Option<String>)]
    #[serde(default)]
    pub series: Option<SeriesKind>,
}

impl NumberRequest {
    /// The symbol asked for.
    ///
    /// # Errors
    ///
    /// As [`Symbol::new`].
    pub fn symbol(&self) -> Result<Symbol, NumberError> {
        Symbol::new(self.document_type, &self.issuer, self.unit.as_deref())
    }

    /// The subject in NFC, trimmed.
    ///
    /// # Errors
    ///
    /// When it is empty or longer than 500 characters.
    pub fn subject(&self) -> Result<String, NumberError> {
        bounded("subject", &self.subject, MAX_SUBJECT)
    }

    /// The signer with each field in NFC, trimmed and bounded.
    ///
    /// # Errors
    ///
    /// When the name or the position is empty or too long.
    pub fn signer(&self) -> Result<super::Signer, NumberError> {
        Ok(super::Signer {
            capacity: self.signer.capacity,
            name: bounded("signer's name", &self.signer.name, MAX_NAME)?,
            position: bounded("signer's position", &self.signer.position, MAX_POSITION)?,
        })
    }
}

/// A number that was allotted and will not be used, with the reason: gaps are told, never silent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NumberVoid {
    /// The series.
    #[schema(value_type = String)]
    pub series: SeriesKind,
    /// Its year.
    pub year: i16,
    /// The number given up.
    pub number: u32,
    /// Why.
    pub reason: String,
    /// When.
    #[schema(value_type = String)]
    pub voided_at: UtcTime,
}

/// What follows the stroke: type, issuer and unit joined by hyphens, no spaces (Annex I).
///
/// At most 30 characters (Annex VI, CodeNotation), NFC, letters and digits only between hyphens.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Symbol(String);

impl Symbol {
    /// `QĐ-UBND` from a type, its issuer and perhaps a unit; `SNV-VP` for a type without abbreviation.
    ///
    /// # Errors
    ///
    /// When a part is empty, has anything but letters, digits and single hyphens, or the whole is too long.
    pub fn new(document_type: DocumentType, issuer: &str, unit: Option<&str>) -> Result<Self, NumberError> {
        let parts = [document_type.abbreviation(), Some(issuer), unit];
        parts.into_iter().flatten().collect::<Vec<_>>().join("-").parse()
    }

    /// The symbol as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Symbol {
    type Err = NumberError;

    fn from_str(text: &str) -> Result<Self, NumberError> {
        let text = bounded("symbol", text, MAX_SYMBOL)?;
        let well_formed =
            text.split('-').all(|part| !part.is_empty() && part.chars().all(char::is_alphanumeric));
        if !well_formed {
            return Err(NumberError::Symbol { found: text });
        }
        Ok(Self(text))
    }
}

impl fmt::Display for Symbol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Symbol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for Symbol {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Symbol {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
    }
}

/// The key of a number series within an agency and a year: 1 to 40 of `[a-z0-9-]`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SeriesKind(String);

impl SeriesKind {
    /// The series that holds every ordinary document of an agency which has but one.
    pub const COMMON: &str = "common";
    /// The series of copies (Article 25): one for the three kinds.
    pub const COPIES: &str = "copies";
    /// The series of secret documents (Article 15).
    pub const SECRET: &str = "secret";

    /// The key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for SeriesKind {
    type Err = NumberError;

    fn from_str(text: &str) -> Result<Self, NumberError> {
        let fits = (1..=MAX_SERIES).contains(&text.len())
            && text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'));
        if !fits {
            return Err(NumberError::Series { found: text.chars().take(MAX_SERIES).collect() });
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for SeriesKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for SeriesKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for SeriesKind {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for SeriesKind {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
    }
}

/// How an agency numbers its ordinary documents. Its head decides (Article 15); this is the configured map.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Numbering {
    /// One series for all types.
    Common,
    /// One series a type.
    #[default]
    PerType,
}

impl Numbering {
    /// The series that a document of this type is numbered from. Copies share one, secret documents have their own.
    pub fn series(self, document_type: DocumentType, secrecy: Secrecy) -> SeriesKind {
        let key = match (secrecy, self) {
            (Secrecy::Secret, _) => SeriesKind::SECRET,
            (Secrecy::Open, _) if document_type.is_copy() => SeriesKind::COPIES,
            (Secrecy::Open, Self::Common) => SeriesKind::COMMON,
            (Secrecy::Open, Self::PerType) => document_type.key(),
        };
        SeriesKind(key.to_owned())
    }
}

/// What was given cannot be in a number.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NumberError {
    /// Empty, or longer than Annex VI allows.
    #[error("the {what} has {found} characters; 1 to {most} are allowed")]
    Length {
        /// Which text.
        what: &'static str,
        /// Characters found.
        found: usize,
        /// Characters allowed.
        most: usize,
    },
    /// Not letters and digits joined by single hyphens.
    #[error(
        "the symbol {found:?} must be letters and digits joined by hyphens, without spaces, such as QĐ-UBND"
    )]
    Symbol {
        /// The text found.
        found: String,
    },
    /// Not a key of a series.
    #[error("the series {found:?} must be 1 to 40 of a-z, 0-9 and hyphen")]
    Series {
        /// The text found, cut at 40 characters.
        found: String,
    },
}

/// CodeNotation, Decree 30/2020, Annex VI.
const MAX_SYMBOL: usize = 30;
/// Subject, Annex VI.
const MAX_SUBJECT: usize = 500;
/// FullName, Annex VI.
const MAX_NAME: usize = 50;
/// Position, Annex VI.
const MAX_POSITION: usize = 100;
/// Our own.
const MAX_SERIES: usize = 40;

/// `text` trimmed and in NFC, 1 to `most` characters.
fn bounded(what: &'static str, text: &str, most: usize) -> Result<String, NumberError> {
    // Composing never lengthens, and decomposed text is at most four times as long.
    let normal: String = text.trim().chars().take(4 * most + 1).nfc().collect();
    let found = normal.chars().count();
    if found == 0 || found > most {
        return Err(NumberError::Length { what, found, most });
    }
    Ok(normal)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn kind(text: &str) -> DocumentType {
        text.parse().unwrap()
    }

    #[test]
    fn a_number_is_written_as_annex_i_has_it() {
        let decision = Symbol::new(kind("QĐ"), "UBND", None).unwrap();
        assert_eq!(Number::format(5, &decision), "05/QĐ-UBND");
        assert_eq!(Number::format(10, &decision), "10/QĐ-UBND");
        assert_eq!(Number::format(1234, &decision), "1234/QĐ-UBND");
        let letter = Symbol::new(kind("cong-van"), "SNV", Some("VP")).unwrap();
        assert_eq!(Number::format(12, &letter), "12/SNV-VP");
    }

    #[test]
    fn a_symbol_is_composed_and_bounded() {
        let composed = Symbol::new(kind("cong-van"), "VPCP", Some("TTĐT")).unwrap();
        assert_eq!(composed.as_str(), "VPCP-TTĐT");
        let decomposed = Symbol::new(kind("cong-van"), "UBND", Some("KTO\u{302}")).unwrap();
        assert_eq!(decomposed.as_str(), "UBND-KTÔ");
        for bad in ["", "UB ND", "UBND/VP", "UBND--VP", "-UBND", &"A".repeat(31), &"A".repeat(1 << 20)] {
            assert!(Symbol::new(kind("cong-van"), bad, None).is_err(), "{}", bad.len());
        }
    }

    #[test]
    fn series_follow_the_scheme_but_copies_and_secrets_have_their_own() {
        let series = |scheme: Numbering, text, secrecy| scheme.series(kind(text), secrecy).to_string();
        assert_eq!(series(Numbering::PerType, "QĐ", Secrecy::Open), "quyet-dinh");
        assert_eq!(series(Numbering::Common, "QĐ", Secrecy::Open), "common");
        assert_eq!(series(Numbering::PerType, "SY", Secrecy::Open), "copies");
        assert_eq!(series(Numbering::PerType, "SL", Secrecy::Open), "copies");
        assert_eq!(series(Numbering::Common, "QĐ", Secrecy::Secret), "secret");
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic(text in ".{0,80}") {
            if let Ok(symbol) = text.parse::<Symbol>() {
                prop_assert_eq!(symbol.as_str().parse::<Symbol>().unwrap(), symbol);
            }
            let _ = text.parse::<SeriesKind>();
        }
    }
}
