//! From codes to characters: `/ToUnicode` maps and the names of glyphs (ISO 32000-2 sections 9.6.5 and 9.10).

use std::collections::HashMap;

use unicode_normalization::UnicodeNormalization as _;

use super::super::{
    lexer::{Lexer, Token},
    object::Object,
};

/// The pairs of a `/ToUnicode` map; what breaks off ends it.
pub(super) fn to_unicode(map: &[u8], depth: usize) -> HashMap<u32, String> {
    let mut lexer = Lexer::new(map, 0, true, depth);
    let mut operands: Vec<Object> = Vec::new();
    let mut found = HashMap::new();
    while let Ok(Some(token)) = lexer.token() {
        let operator = match token {
            Token::Operand(operand) => {
                operands.push(operand);
                continue;
            }
            Token::Operator(operator) => operator,
        };
        match operator {
            b"endbfchar" => {
                for pair in operands.chunks_exact(2) {
                    if let [from, to] = pair
                        && let (Some(from), Some(to)) = (code(from), to.as_string())
                    {
                        found.insert(from, utf16(to));
                    }
                }
            }
            b"endbfrange" => {
                for triple in operands.chunks_exact(3) {
                    if let [first, last, to] = triple
                        && let (Some(first), Some(last)) = (code(first), code(last))
                    {
                        range(&mut found, first, last.min(first.saturating_add(0xFFFF)), to);
                    }
                }
            }
            _ => {}
        }
        operands.clear();
        if found.len() > MOST_CODES {
            break;
        }
    }
    found
}

fn range(found: &mut HashMap<u32, String>, first: u32, last: u32, to: &Object) {
    match to {
        Object::Array(items) => {
            for (code, item) in (first..=last).zip(items) {
                if let Some(text) = item.as_string() {
                    found.insert(code, utf16(text));
                }
            }
        }
        Object::String(bytes) => {
            let text = utf16(bytes);
            let mut characters: Vec<char> = text.chars().collect();
            let Some(end) = characters.pop() else { return };
            let before: String = characters.into_iter().collect();
            for code in first..=last {
                if found.len() > MOST_CODES {
                    return;
                }
                if let Some(end) = char::from_u32(u32::from(end).saturating_add(code - first)) {
                    found.insert(code, format!("{before}{end}"));
                }
            }
        }
        _ => {}
    }
}

fn code(object: &Object) -> Option<u32> {
    let bytes = object.as_string().filter(|bytes| bytes.len() <= 4)?;
    Some(bytes.iter().fold(0, |value, byte| value << 8 | u32::from(*byte)))
}

fn utf16(bytes: &[u8]) -> String {
    let (pairs, _) = bytes.as_chunks::<2>();
    let units = pairs.iter().map(|pair| u16::from_be_bytes(*pair));
    char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}

/// What a simple font's `/Encoding` says, beyond ASCII.
pub(super) fn encoding(encoding: &Object) -> HashMap<u32, String> {
    let mut found: HashMap<u32, String> =
        (0x80_u8..=0xFF).map(|byte| (u32::from(byte), windows_1252(byte).to_string())).collect();
    let Some(dictionary) = encoding.as_dictionary() else { return found };
    let mut at = 0;
    for item in dictionary.get("Differences").and_then(Object::as_array).unwrap_or_default() {
        match item {
            Object::Integer(code) => at = u32::try_from(*code).unwrap_or(0),
            Object::Name(name) => {
                if at < 256 {
                    let text = std::str::from_utf8(name).ok().and_then(glyph_name);
                    found.insert(at, text.unwrap_or_else(|| char::REPLACEMENT_CHARACTER.to_string()));
                }
                at = at.saturating_add(1);
            }
            _ => {}
        }
    }
    found
}

/// What the name of a glyph means: the ones that Vietnamese and punctuation need.
fn glyph_name(name: &str) -> Option<String> {
    let name = name.split('.').next().unwrap_or_default();
    let hex = |digits: &str| {
        let ok = (4..=6).contains(&digits.len());
        ok.then(|| u32::from_str_radix(digits, 16).ok().and_then(char::from_u32)).flatten()
    };
    if let Some(known) = NAMES.iter().find(|(known, _)| *known == name) {
        return Some(known.1.to_owned());
    }
    if let Some(found) = name.strip_prefix("uni").or_else(|| name.strip_prefix('u')).and_then(hex) {
        return Some(found.to_string());
    }
    let (letter, mut marks) = match name.strip_prefix("dotlessi") {
        Some(marks) => ('ı', marks),
        None => {
            let letter = name.chars().next().filter(char::is_ascii_alphabetic)?;
            (letter, name.get(1..)?)
        }
    };
    let mut text = String::from(letter);
    while !marks.is_empty() {
        let (mark, combining) = MARKS.iter().find(|(mark, _)| marks.starts_with(mark))?;
        text.push(*combining);
        marks = marks.get(mark.len()..)?;
    }
    Some(text.nfc().collect())
}

fn windows_1252(byte: u8) -> char {
    const HIGH: [char; 32] = [
        '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8D}', 'Ž', '\u{8F}',
        '\u{90}', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9D}', 'ž', 'Ÿ',
    ];
    let high = usize::from(byte).checked_sub(0x80).and_then(|at| HIGH.get(at));
    high.copied().unwrap_or(char::from(byte))
}

/// The Adobe Glyph List's names of accents, longest first where one begins another.
const MARKS: [(&str, char); 12] = [
    ("acute", '\u{301}'),
    ("breve", '\u{306}'),
    ("caron", '\u{30C}'),
    ("cedilla", '\u{327}'),
    ("circumflex", '\u{302}'),
    ("dieresis", '\u{308}'),
    ("dotbelow", '\u{323}'),
    ("grave", '\u{300}'),
    ("hookabove", '\u{309}'),
    ("horn", '\u{31B}'),
    ("ring", '\u{30A}'),
    ("tilde", '\u{303}'),
];

const NAMES: [(&str, &str); 45] = [
    ("Dcroat", "Đ"),
    ("Dslash", "Đ"),
    ("ampersand", "&"),
    ("asterisk", "*"),
    ("bullet", "•"),
    ("colon", ":"),
    ("comma", ","),
    ("dcroat", "đ"),
    ("dong", "₫"),
    ("eight", "8"),
    ("ellipsis", "…"),
    ("emdash", "—"),
    ("endash", "–"),
    ("equal", "="),
    ("exclam", "!"),
    ("ff", "ff"),
    ("ffi", "ffi"),
    ("ffl", "ffl"),
    ("fi", "fi"),
    ("five", "5"),
    ("fl", "fl"),
    ("four", "4"),
    ("greater", ">"),
    ("hyphen", "-"),
    ("less", "<"),
    ("nine", "9"),
    ("nbspace", " "),
    ("numbersign", "#"),
    ("one", "1"),
    ("parenleft", "("),
    ("parenright", ")"),
    ("percent", "%"),
    ("period", "."),
    ("plus", "+"),
    ("question", "?"),
    ("quotedbl", "\""),
    ("quoteright", "’"),
    ("semicolon", ";"),
    ("seven", "7"),
    ("six", "6"),
    ("slash", "/"),
    ("space", " "),
    ("three", "3"),
    ("two", "2"),
    ("zero", "0"),
];

/// A font has no more codes.
const MOST_CODES: usize = 200_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_are_read() {
        let map = b"/CIDInit /ProcSet findresource begin 1 begincodespacerange <00> <FF> endcodespacerange
            2 beginbfchar <01> <1ED6> <02> <00660069> endbfchar
            2 beginbfrange <10> <12> <0061> <20> <21> [<0041> <01A0>] endbfrange";
        let found = to_unicode(map, 16);
        let read = |code: u32| found.get(&code).map(String::as_str);
        assert_eq!([read(1), read(2), read(0x12), read(0x21)], [Some("Ỗ"), Some("fi"), Some("c"), Some("Ơ")]);
        assert_eq!(read(0x13), None);
        assert!(to_unicode(b"1 beginbfrange <0000> <FFFFFFFF> <0000> endbfrange (", 16).len() <= 0x1_0000);
    }

    #[test]
    fn glyph_names_mean_characters() {
        let cases = [
            ("A", Some("A")),
            ("ecircumflexdotbelow", Some("ệ")),
            ("ohornacute", Some("ớ")),
            ("uni1EBF", Some("ế")),
            ("u1EBF", Some("ế")),
            ("Dcroat", Some("Đ")),
            ("seven.lf", Some("7")),
            ("g123", None),
            ("", None),
        ];
        for (name, meaning) in cases {
            assert_eq!(glyph_name(name).as_deref(), meaning, "{name}");
        }
    }
}
