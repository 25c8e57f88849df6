//! Agencies and their codes (Decision 20/2020/QĐ-TTg, Article 4; QCVN 102:2016 for the older form).

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// An agency that sends and receives documents.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Agency {
    /// Its code, the key under which everybody else knows it.
    #[schema(value_type = String, example = "H13.12")]
    pub code: AgencyCode,
    /// Its name as written on its documents, at most 200 characters (Decree 30/2020, Annex VI).
    pub name: String,
    /// Where its documents are issued: the place before the date, such as `Cần Thơ`.
    pub place: String,
}

/// An agency code: 1 to 35 characters of `[A-Z0-9.]`, groups from the highest level down, such as `H13.12`.
///
/// The first group is a letter A-Y and two digits. The older form of 13 characters runs the other way
/// (`000.00.12.H13`); [`AgencyCode::from_str`] accepts it and turns it round.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AgencyCode(String);

impl AgencyCode {
    /// The code as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The older form of 13 characters, four groups of widths 3, 2, 2, 3, lowest level first.
    ///
    /// None when the code has more than four groups or one that does not fit its width.
    pub fn to_old_form(&self) -> Option<String> {
        let mut groups: Vec<&str> = self.0.split('.').collect();
        if groups.len() > OLD_WIDTHS.len() {
            return None;
        }
        groups.resize(OLD_WIDTHS.len(), "");
        groups.reverse();
        let padded: Option<Vec<String>> = groups
            .iter()
            .zip(OLD_WIDTHS)
            .map(|(group, width)| match group.len() {
                0 => Some("0".repeat(width)),
                len if len <= width && group.bytes().all(|byte| byte.is_ascii_digit()) => {
                    Some(format!("{group:0>width$}"))
                }
                len => (len == width).then(|| (*group).to_owned()),
            })
            .collect();
        let old = padded?.join(".");
        // A group of zeros, or one padded with them, would not come back the same.
        (old.parse().as_ref() == Ok(self)).then_some(old)
    }
}

impl FromStr for AgencyCode {
    type Err = AgencyCodeError;

    fn from_str(text: &str) -> Result<Self, AgencyCodeError> {
        if text.is_empty() || text.len() > MAX_LEN {
            return Err(AgencyCodeError::Length { found: text.chars().count() });
        }
        if let Some(found) = text.chars().find(|c| !matches!(c, 'A'..='Z' | '0'..='9' | '.')) {
            return Err(AgencyCodeError::Character { found });
        }
        if text.split('.').any(str::is_empty) {
            return Err(AgencyCodeError::EmptyGroup);
        }
        let code = if looks_old(text) { from_old_form(text).unwrap_or_default() } else { text.to_owned() };
        let top = code.split('.').next().unwrap_or_default();
        if !is_top_group(top) {
            return Err(AgencyCodeError::TopGroup { found: top.to_owned() });
        }
        Ok(Self(code))
    }
}

impl TryFrom<String> for AgencyCode {
    type Error = AgencyCodeError;

    fn try_from(text: String) -> Result<Self, AgencyCodeError> {
        text.parse()
    }
}

impl From<AgencyCode> for String {
    fn from(code: AgencyCode) -> Self {
        code.0
    }
}

impl fmt::Display for AgencyCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for AgencyCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The text is not an agency code.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AgencyCodeError {
    /// Too short or too long, in characters.
    #[error("an agency code has 1 to 35 characters, this has {found}")]
    Length {
        /// Characters found.
        found: usize,
    },
    /// A character outside `[A-Z0-9.]`.
    #[error("an agency code is made of A-Z, 0-9 and full stops, this has {found:?}")]
    Character {
        /// The first such character.
        found: char,
    },
    /// Two full stops together, or one at an end.
    #[error("an agency code has no empty group between its full stops")]
    EmptyGroup,
    /// The highest level is not a letter A-Y and two digits.
    #[error(
        "an agency code begins with a letter A-Y and two digits, such as H13; this begins with {found:?}"
    )]
    TopGroup {
        /// The group found.
        found: String,
    },
}

/// Decision 20/2020/QĐ-TTg, Article 4.
const MAX_LEN: usize = 35;

/// Characters of each group of the older form, left to right.
const OLD_WIDTHS: [usize; 4] = [3, 2, 2, 3];

fn looks_old(text: &str) -> bool {
    let groups: Vec<&str> = text.split('.').collect();
    groups.len() == OLD_WIDTHS.len()
        && groups.iter().zip(OLD_WIDTHS).all(|(group, width)| group.len() == width)
        && groups.last().is_some_and(|last| is_top_group(last))
        && !groups.first().is_some_and(|first| is_top_group(first))
}

/// Reversed, groups of nothing but zeros dropped.
fn from_old_form(text: &str) -> Option<String> {
    let kept: Vec<&str> =
        text.split('.').rev().filter(|group| group.bytes().any(|byte| byte != b'0')).collect();
    (!kept.is_empty()).then(|| kept.join("."))
}

fn is_top_group(group: &str) -> bool {
    matches!(group.as_bytes(), [b'A'..=b'Y', b'0'..=b'9', b'0'..=b'9'])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_published_codes_are_codes() {
        for code in ["G22", "H13.12", "H14", "H17", "H37", "H41", "A01.1.2.3.4.5.6.7.8.9.10"] {
            assert_eq!(code.parse::<AgencyCode>().unwrap().as_str(), code);
        }
    }

    #[test]
    fn the_older_form_is_turned_round_and_back() {
        for (old, new) in
            [("000.00.12.H13", "H13.12"), ("000.00.00.G22", "G22"), ("001.02.03.H07", "H07.03.02.001")]
        {
            let code: AgencyCode = old.parse().unwrap();
            assert_eq!(code.as_str(), new);
            assert_eq!(code.to_old_form().as_deref(), Some(old));
        }
    }

    #[test]
    fn a_code_that_the_older_form_cannot_hold_has_none() {
        for code in ["H13.123", "H13.1.2.3.4", "H13.00.12", "H13.AB.CD.EFGH"] {
            assert_eq!(code.parse::<AgencyCode>().unwrap().to_old_form(), None, "{code}");
        }
    }

    #[test]
    fn what_is_no_code_is_told_why() {
        assert_eq!("".parse::<AgencyCode>(), Err(AgencyCodeError::Length { found: 0 }));
        assert_eq!("H13.".repeat(9).parse::<AgencyCode>(), Err(AgencyCodeError::Length { found: 36 }));
        assert_eq!("h13".parse::<AgencyCode>(), Err(AgencyCodeError::Character { found: 'h' }));
        assert_eq!("H13-12".parse::<AgencyCode>(), Err(AgencyCodeError::Character { found: '-' }));
        assert_eq!("H13..12".parse::<AgencyCode>(), Err(AgencyCodeError::EmptyGroup));
        assert!(matches!("Z13".parse::<AgencyCode>(), Err(AgencyCodeError::TopGroup { .. })));
        assert!(matches!("000.00.00.000".parse::<AgencyCode>(), Err(AgencyCodeError::TopGroup { .. })));
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic(text in ".{0,60}") {
            if let Ok(code) = text.parse::<AgencyCode>() {
                prop_assert!(code.as_str().len() <= MAX_LEN);
                prop_assert_eq!(code.as_str().parse::<AgencyCode>().unwrap(), code);
            }
        }

        #[test]
        fn the_older_form_comes_back(code in "[A-Y][0-9]{2}(\\.[A-Z0-9]{1,3}){0,4}") {
            let code: AgencyCode = code.parse().unwrap();
            if let Some(old) = code.to_old_form() {
                prop_assert_eq!(old.len(), 13);
                prop_assert_eq!(old.parse::<AgencyCode>().unwrap(), code);
            }
        }
    }
}
