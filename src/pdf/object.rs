//! The object model of ISO 32000-2 section 7.3.
//!
//! Our own rather than a library's for two reasons that signatures bring: numbers keep every digit, so that an
//! object written again is the same object and two objects that differ are never taken for equal; and a stream is
//! a place in the file, so that looking at it does not load it.

use std::{collections::BTreeMap, ops::Range};

/// Object number and generation.
pub type ObjectId = (u32, u16);

/// One object.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Object {
    /// Also what a reference to nothing means.
    #[default]
    Null,
    /// `true` or `false`.
    Boolean(bool),
    /// A whole number that fits 64 bits.
    Integer(i64),
    /// Any other number.
    Real(Real),
    /// Without the solidus, `#xx` decoded.
    Name(Vec<u8>),
    /// Decoded, whichever way it was written.
    String(Vec<u8>),
    /// An array.
    Array(Vec<Object>),
    /// A dictionary.
    Dictionary(Dictionary),
    /// A stream: its dictionary, and where its data is.
    Stream(Stream),
    /// `12 0 R`.
    Reference(ObjectId),
}

impl Object {
    /// A number, rounded to four digits after the point: a two-thousandth of a millimetre on paper.
    ///
    /// What is not finite becomes 0, for which PDF has no other way.
    pub fn number(value: f64) -> Self {
        let text = format!("{:.4}", if value.is_finite() { value } else { 0.0 });
        match Real::parse(text.as_bytes()) {
            Some(real) if !real.0.contains('.') => real.0.parse().map_or(Self::Real(real), Self::Integer),
            Some(real) => Self::Real(real),
            None => Self::Integer(0),
        }
    }

    /// A name object.
    pub fn name(name: impl AsRef<[u8]>) -> Self {
        Self::Name(name.as_ref().to_vec())
    }

    /// The whole number, if it is one.
    pub fn as_integer(&self) -> Option<i64> {
        match self {
            Self::Integer(value) => Some(*value),
            _ => None,
        }
    }

    /// The number, whole or not, rounded to what `f64` holds.
    pub fn as_number(&self) -> Option<f64> {
        match self {
            #[expect(clippy::cast_precision_loss, reason = "asked for a rounded number")]
            Self::Integer(value) => Some(*value as f64),
            Self::Real(value) => Some(value.to_f64()),
            _ => None,
        }
    }

    /// The name, if it is one.
    pub fn as_name(&self) -> Option<&[u8]> {
        match self {
            Self::Name(name) => Some(name),
            _ => None,
        }
    }

    /// The bytes of the string, if it is one.
    pub fn as_string(&self) -> Option<&[u8]> {
        match self {
            Self::String(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// The items, if it is an array.
    pub fn as_array(&self) -> Option<&[Object]> {
        match self {
            Self::Array(items) => Some(items),
            _ => None,
        }
    }

    /// The dictionary; of a stream, its own.
    pub fn as_dictionary(&self) -> Option<&Dictionary> {
        match self {
            Self::Dictionary(dictionary) => Some(dictionary),
            Self::Stream(stream) => Some(&stream.dictionary),
            _ => None,
        }
    }

    /// What a reference points at.
    pub fn as_reference(&self) -> Option<ObjectId> {
        match self {
            Self::Reference(id) => Some(*id),
            _ => None,
        }
    }

    /// The same with each reference replaced by what `change` makes of it, however deep.
    #[must_use]
    pub fn with_references(&self, change: &dyn Fn(ObjectId) -> ObjectId) -> Self {
        match self {
            Self::Reference(id) => Self::Reference(change(*id)),
            Self::Array(items) => {
                Self::Array(items.iter().map(|item| item.with_references(change)).collect())
            }
            Self::Dictionary(dictionary) => Self::Dictionary(dictionary.with_references(change)),
            Self::Stream(stream) => Self::Stream(Stream {
                dictionary: stream.dictionary.with_references(change),
                data: stream.data.clone(),
                owner: stream.owner,
            }),
            other => other.clone(),
        }
    }

    /// Calls `visit` for each reference in it, however deep.
    pub fn for_each_reference(&self, visit: &mut dyn FnMut(ObjectId)) {
        match self {
            Self::Reference(id) => visit(*id),
            Self::Array(items) => items.iter().for_each(|item| item.for_each_reference(visit)),
            Self::Dictionary(dictionary) | Self::Stream(Stream { dictionary, .. }) => {
                dictionary.iter().for_each(|(_, value)| value.for_each_reference(visit));
            }
            _ => {}
        }
    }

    /// Writes it as a reader reads it back. A stream is written as its dictionary alone.
    pub fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Null => out.extend_from_slice(b"null"),
            Self::Boolean(value) => out.extend_from_slice(if *value { b"true" } else { b"false" }),
            Self::Integer(value) => out.extend_from_slice(value.to_string().as_bytes()),
            Self::Real(value) => out.extend_from_slice(value.0.as_bytes()),
            Self::Name(name) => write_name(name, out),
            Self::String(bytes) => write_string(bytes, out),
            Self::Array(items) => {
                out.push(b'[');
                for (at, item) in items.iter().enumerate() {
                    if at > 0 {
                        out.push(b' ');
                    }
                    item.write(out);
                }
                out.push(b']');
            }
            Self::Dictionary(dictionary) | Self::Stream(Stream { dictionary, .. }) => dictionary.write(out),
            Self::Reference((number, generation)) => {
                out.extend_from_slice(format!("{number} {generation} R").as_bytes());
            }
        }
    }
}

/// A number with a fraction, or one too large for [`Object::Integer`]: its digits, without needless zeros.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Real(Box<str>);

impl Real {
    /// Reads `[+-]digits[.digits]` with at least one digit (ISO 32000-2 section 7.3.3).
    pub(super) fn parse(text: &[u8]) -> Option<Self> {
        let (minus, unsigned) = match text {
            [b'-', rest @ ..] => (true, rest),
            [b'+', rest @ ..] => (false, rest),
            _ => (false, text),
        };
        let mut halves = unsigned.splitn(2, |&byte| byte == b'.');
        let whole = halves.next().unwrap_or_default();
        let fraction = halves.next().unwrap_or_default();
        let digits_only = whole.iter().chain(fraction).all(u8::is_ascii_digit);
        if !digits_only || whole.len() + fraction.len() == 0 {
            return None;
        }
        let whole = std::str::from_utf8(whole).ok()?.trim_start_matches('0');
        let fraction = std::str::from_utf8(fraction).ok()?.trim_end_matches('0');
        let whole = if whole.is_empty() { "0" } else { whole };
        let sign = if minus && !(whole == "0" && fraction.is_empty()) { "-" } else { "" };
        let dot = if fraction.is_empty() { "" } else { "." };
        Some(Self(format!("{sign}{whole}{dot}{fraction}").into()))
    }

    /// Rounded to what `f64` holds.
    pub fn to_f64(&self) -> f64 {
        self.0.parse().unwrap_or(0.0)
    }
}

/// A dictionary: each key once. A file that repeats a key is refused while reading.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Dictionary(BTreeMap<Vec<u8>, Object>);

impl Dictionary {
    /// Nothing in it.
    pub fn new() -> Self {
        Self::default()
    }

    /// The value of `key`; `None` also for a value of `null`, which means the same (ISO 32000-2 section 7.3.7).
    pub fn get(&self, key: &str) -> Option<&Object> {
        self.0.get(key.as_bytes()).filter(|value| **value != Object::Null)
    }

    /// The name at `key`.
    pub fn name(&self, key: &str) -> Option<&[u8]> {
        self.get(key)?.as_name()
    }

    /// The whole number at `key`.
    pub fn integer(&self, key: &str) -> Option<i64> {
        self.get(key)?.as_integer()
    }

    /// The reference at `key`.
    pub fn reference(&self, key: &str) -> Option<ObjectId> {
        self.get(key)?.as_reference()
    }

    /// Whether `/Type` is `name`.
    pub fn is_type(&self, name: &str) -> bool {
        self.name("Type") == Some(name.as_bytes())
    }

    /// Puts `value` at `key`, in place of what was there.
    pub fn set(&mut self, key: &str, value: Object) {
        self.0.insert(key.as_bytes().to_vec(), value);
    }

    /// Takes `key` out.
    pub fn remove(&mut self, key: &str) -> Option<Object> {
        self.0.remove(key.as_bytes())
    }

    /// All entries, by key.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &Object)> {
        self.0.iter().map(|(key, value)| (key.as_slice(), value))
    }

    /// All entries, by key, to be changed in place.
    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = (&[u8], &mut Object)> {
        self.0.iter_mut().map(|(key, value)| (key.as_slice(), value))
    }

    /// A copy without `keys`.
    pub fn without(&self, keys: &[&str]) -> Self {
        let kept =
            self.0.iter().filter(|(key, _)| !keys.iter().any(|gone| gone.as_bytes() == key.as_slice()));
        Self(kept.map(|(key, value)| (key.clone(), value.clone())).collect())
    }

    fn with_references(&self, change: &dyn Fn(ObjectId) -> ObjectId) -> Self {
        let changed = self.0.iter().map(|(key, value)| (key.clone(), value.with_references(change)));
        Self(changed.collect())
    }

    /// The value of `key` as written, `null` too.
    pub(super) fn written(&self, key: &[u8]) -> Option<&Object> {
        self.0.get(key)
    }

    /// Adds an entry while reading; `false` when the key is there already.
    pub(super) fn insert_new(&mut self, key: Vec<u8>, value: Object) -> bool {
        self.0.insert(key, value).is_none()
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"<<");
        for (key, value) in &self.0 {
            out.push(b' ');
            write_name(key, out);
            out.push(b' ');
            value.write(out);
        }
        out.extend_from_slice(b" >>");
    }
}

/// A stream: its dictionary, and where its data lies in the file, as stored.
#[derive(Clone, Debug, PartialEq)]
pub struct Stream {
    /// The stream's own dictionary.
    pub dictionary: Dictionary,
    /// In bytes from the start of the file.
    pub data: Range<u64>,
    /// The object that it is: in an encrypted file the data's key depends on it.
    pub(super) owner: Option<ObjectId>,
}

/// A text string as text: UTF-16BE or UTF-8 by its byte order mark, else PDFDocEncoding
/// (ISO 32000-2 section 7.9.2.2). What has no meaning becomes U+FFFD.
pub fn decode_text(bytes: &[u8]) -> String {
    match bytes {
        [0xFE, 0xFF, rest @ ..] => {
            let (pairs, left) = rest.as_chunks::<2>();
            let units = pairs.iter().map(|pair| u16::from_be_bytes(*pair));
            let mut text: String =
                char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect();
            if !left.is_empty() {
                text.push(char::REPLACEMENT_CHARACTER);
            }
            text
        }
        [0xEF, 0xBB, 0xBF, rest @ ..] => String::from_utf8_lossy(rest).into_owned(),
        _ => bytes.iter().map(|&byte| pdf_doc_char(byte)).collect(),
    }
}

/// A text string for a file: plain ASCII as it is, anything else as UTF-16BE with its byte order mark.
pub fn encode_text(text: &str) -> Vec<u8> {
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~' | b'\n' | b'\r' | b'\t')) {
        return text.as_bytes().to_vec();
    }
    let units = text.encode_utf16().flat_map(u16::to_be_bytes);
    [0xFE, 0xFF].into_iter().chain(units).collect()
}

/// A text in PDFDocEncoding, if it has all its characters.
pub(super) fn encode_pdf_doc(text: &str) -> Option<Vec<u8>> {
    text.chars().map(|wanted| (0..=255).find(|byte| pdf_doc_char(*byte) == wanted)).collect()
}

/// ISO 32000-2 annex D.3.
fn pdf_doc_char(byte: u8) -> char {
    const LOW: [char; 8] =
        ['\u{2D8}', '\u{2C7}', '\u{2C6}', '\u{2D9}', '\u{2DD}', '\u{2DB}', '\u{2DA}', '\u{2DC}'];
    const HIGH: [char; 33] = [
        '•', '†', '‡', '…', '—', '–', 'ƒ', '⁄', '‹', '›', '−', '‰', '„', '“', '”', '‘', '’', '‚', '™', 'ﬁ',
        'ﬂ', 'Ł', 'Œ', 'Š', 'Ÿ', 'Ž', 'ı', 'ł', 'œ', 'š', 'ž', '\u{FFFD}', '€',
    ];
    match byte {
        0x18..=0x1F => LOW[usize::from(byte - 0x18)],
        0x80..=0xA0 => HIGH[usize::from(byte - 0x80)],
        0x7F | 0xAD => char::REPLACEMENT_CHARACTER,
        _ => char::from(byte),
    }
}

fn write_name(name: &[u8], out: &mut Vec<u8>) {
    out.push(b'/');
    for &byte in name {
        if byte.is_ascii_graphic() && !b"()<>[]{}/%#".contains(&byte) {
            out.push(byte);
        } else {
            out.extend_from_slice(format!("#{byte:02X}").as_bytes());
        }
    }
}

/// Two digits a byte, which fill `digits`: a signature is thousands of them.
pub(super) fn write_hex(bytes: &[u8], digits: &mut [u8]) {
    const DIGIT: &[u8; 16] = b"0123456789ABCDEF";
    for (pair, byte) in digits.as_chunks_mut().0.iter_mut().zip(bytes) {
        *pair = [DIGIT[usize::from(byte >> 4)], DIGIT[usize::from(byte & 0xF)]];
    }
}

fn write_string(bytes: &[u8], out: &mut Vec<u8>) {
    if !bytes.iter().all(|byte| matches!(byte, b' '..=b'~')) {
        out.push(b'<');
        let at = out.len();
        out.resize(at + 2 * bytes.len(), b'0');
        write_hex(bytes, &mut out[at..]);
        out.push(b'>');
        return;
    }
    out.push(b'(');
    for &byte in bytes {
        if matches!(byte, b'(' | b')' | b'\\') {
            out.push(b'\\');
        }
        out.push(byte);
    }
    out.push(b')');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_every_digit() {
        let written = |text: &str| Real::parse(text.as_bytes()).map(|real| real.0.into_string());
        assert_eq!(written("595.2755905511811023622").as_deref(), Some("595.2755905511811023622"));
        assert_eq!(written("+007.500").as_deref(), Some("7.5"));
        assert_eq!(written("-.5").as_deref(), Some("-0.5"));
        assert_eq!(written("-0.0").as_deref(), Some("0"));
        assert_eq!(written("4.").as_deref(), Some("4"));
        for wrong in ["", ".", "-", "1-2", "--1", "1e5", "1.2.3"] {
            assert_eq!(written(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_number_is_written_short() {
        let written = |value: f64| {
            let mut out = Vec::new();
            Object::number(value).write(&mut out);
            String::from_utf8(out).unwrap()
        };
        assert_eq!(written(12.0), "12");
        assert_eq!(written(-0.000_01), "0");
        assert_eq!(written(595.275_59), "595.2756");
        assert_eq!(written(-1.5), "-1.5");
        assert_eq!(written(f64::NAN), "0");
    }

    #[test]
    fn text_round_trips() {
        for text in ["Signature1", "Nguyễn Thị Hồng – Chủ tịch", "𝒦", ""] {
            assert_eq!(decode_text(&encode_text(text)), text);
        }
        assert_eq!(decode_text(b"\x80 \xE9\x18"), "• é\u{2D8}");
        assert_eq!(decode_text(b"\xEF\xBB\xBF\xE1\xBB\x87"), "ệ");
        assert_eq!(decode_text(b"\xFE\xFF\x00A\x00"), "A\u{FFFD}");
    }
}
