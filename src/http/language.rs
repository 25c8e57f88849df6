//! Vietnamese or English, as the reader asks.

use axum::http::{HeaderMap, header::ACCEPT_LANGUAGE};

use crate::validation::words;

/// The two languages that kyso speaks to people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// English.
    En,
    /// Vietnamese.
    Vi,
}

impl Language {
    /// The tag of BCP 47, for `lang` and `Content-Language`.
    pub const fn tag(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Vi => "vi",
        }
    }

    /// The one of two texts that is in this language.
    pub const fn pick<T: Copy>(self, vi: T, en: T) -> T {
        match self {
            Self::En => en,
            Self::Vi => vi,
        }
    }

    /// The same language as reports name it.
    pub const fn of_reports(self) -> words::Language {
        self.pick(words::Language::Vietnamese, words::Language::English)
    }

    /// The language that `Accept-Language` (RFC 9110 section 12.5.4) prefers, if it names one of ours.
    pub fn accepted(headers: &HeaderMap) -> Option<Self> {
        let wishes = headers.get(ACCEPT_LANGUAGE)?.to_str().ok()?;
        let mut best: Option<(Self, u16)> = None;
        for wish in wishes.split(',').take(MAX_WISHES) {
            let Some((language, weight)) = read_wish(wish) else { continue };
            if weight > 0 && best.is_none_or(|(_, heaviest)| weight > heaviest) {
                best = Some((language, weight));
            }
        }
        best.map(|(language, _)| language)
    }
}

/// One element of the list, such as `vi-VN;q=0.8`; the weight in thousandths.
fn read_wish(wish: &str) -> Option<(Language, u16)> {
    let mut parts = wish.split(';').map(str::trim);
    let tag = parts.next()?;
    let primary = tag.split('-').next()?.to_ascii_lowercase();
    let language = match primary.as_str() {
        "en" => Language::En,
        "vi" => Language::Vi,
        _ => return None,
    };
    let weight = parts
        .find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")))
        .map_or(Some(1.0), |q| q.parse::<f32>().ok())?;
    if !(0.0..=1.0).contains(&weight) {
        return None;
    }
    #[expect(clippy::cast_sign_loss, reason = "just found to lie between 0 and 1")]
    Some((language, (weight * 1000.0).round() as u16))
}

/// Browsers send a handful; more is noise.
const MAX_WISHES: usize = 20;

#[cfg(test)]
mod tests {
    use super::*;

    fn accepted(text: &str) -> Option<Language> {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT_LANGUAGE, text.parse().unwrap());
        Language::accepted(&headers)
    }

    #[test]
    fn the_heaviest_wish_wins_and_the_first_of_equals() {
        assert_eq!(accepted("vi-VN,vi;q=0.9,en;q=0.8"), Some(Language::Vi));
        assert_eq!(accepted("fr, en;q=0.5, vi;q=0.7"), Some(Language::Vi));
        assert_eq!(accepted("en, vi"), Some(Language::En));
    }

    #[test]
    fn a_language_that_is_not_ours_or_not_wanted_gives_nothing() {
        assert_eq!(accepted("fr-FR, de;q=0.5"), None);
        assert_eq!(accepted("vi;q=0"), None);
        assert_eq!(accepted("vi;q=nonsense, en;q=7"), None);
        assert_eq!(Language::accepted(&HeaderMap::new()), None);
    }
}
