//! Which characters may stand where (XML 1.0 section 2.2 and 2.3, Namespaces in XML 1.0 section 3).

/// `Char`
pub(super) fn is_char(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..='\u{10FFFF}')
}

/// `S`
pub(super) fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r')
}

/// `NCName`: a `Name` without a colon.
pub(super) fn is_ncname(name: &str) -> bool {
    let mut characters = name.chars();
    characters.next().is_some_and(is_name_start) && characters.all(is_name_char)
}

/// `NameStartChar` without the colon.
fn is_name_start(c: char) -> bool {
    matches!(c,
        'A'..='Z' | '_' | 'a'..='z' | '\u{C0}'..='\u{D6}' | '\u{D8}'..='\u{F6}' | '\u{F8}'..='\u{2FF}'
        | '\u{370}'..='\u{37D}' | '\u{37F}'..='\u{1FFF}' | '\u{200C}'..='\u{200D}' | '\u{2070}'..='\u{218F}'
        | '\u{2C00}'..='\u{2FEF}' | '\u{3001}'..='\u{D7FF}' | '\u{F900}'..='\u{FDCF}' | '\u{FDF0}'..='\u{FFFD}'
        | '\u{10000}'..='\u{EFFFF}')
}

/// `NameChar` without the colon.
pub(super) fn is_name_char(c: char) -> bool {
    is_name_start(c)
        || matches!(c, '-' | '.' | '0'..='9' | '\u{B7}' | '\u{300}'..='\u{36F}' | '\u{203F}'..='\u{2040}')
}

/// What a reference between `&` and `;` stands for: a character by number, or one of the five entities of XML itself.
pub(super) fn referenced(name: &str) -> Option<char> {
    let number = match name {
        "amp" => return Some('&'),
        "apos" => return Some('\''),
        "gt" => return Some('>'),
        "lt" => return Some('<'),
        "quot" => return Some('"'),
        _ => name.strip_prefix('#')?,
    };
    let (digits, radix) = match number.strip_prefix('x') {
        Some(digits) => (digits, 16),
        None => (number, 10),
    };
    // `from_str_radix` takes a sign; XML does not.
    if digits.is_empty() || !digits.chars().all(|digit| digit.is_digit(radix)) {
        return None;
    }
    u32::from_str_radix(digits, radix).ok().and_then(char::from_u32).filter(|&c| is_char(c))
}

/// Whether a namespace name has a scheme (RFC 3986 section 3.1).
pub(super) fn is_absolute(uri: &str) -> bool {
    uri.split_once(':').is_some_and(|(scheme, _)| {
        scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references() {
        for (name, stands_for) in [
            ("amp", Some('&')),
            ("#10", Some('\n')),
            ("#xD", Some('\r')),
            ("#x1F600", Some('\u{1F600}')),
            ("#0", None),
            ("#xFFFE", None),
            ("#xD800", None),
            ("#+65", None),
            ("#", None),
            ("#x", None),
            ("#X41", None),
            ("#99999999999", None),
            ("nbsp", None),
            ("AMP", None),
            ("", None),
        ] {
            assert_eq!(referenced(name), stands_for, "{name}");
        }
    }

    #[test]
    fn names() {
        for good in ["a", "_1", "tên", "x-y.z", "ngày·x"] {
            assert!(is_ncname(good), "{good}");
        }
        for bad in ["", "1a", "-a", "a:b", "a b", "·a", "a\u{FFFE}", "×"] {
            assert!(!is_ncname(bad), "{bad}");
        }
    }

    #[test]
    fn absolute_namespace_names() {
        for good in ["urn:a", "http://x/", "x+y:"] {
            assert!(is_absolute(good), "{good}");
        }
        for bad in ["", "a", "../a:b", "/a:b", "1:a", "#a:b"] {
            assert!(!is_absolute(bad), "{bad}");
        }
    }
}
