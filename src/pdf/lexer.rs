//! Tokens and objects from bytes (ISO 32000-2 sections 7.2 and 7.3).
//!
//! A lexer sees a window of the file. When the window ends before the object does, it answers [`LexError::End`],
//! and the caller comes back with a larger one.

use super::{
    PdfError,
    object::{Dictionary, Object, ObjectId, Real},
};

/// Reads objects from a window of bytes.
pub(super) struct Lexer<'a> {
    bytes: &'a [u8],
    at: usize,
    /// The place of the window's first byte in the file.
    base: u64,
    /// Whether nothing follows the window.
    complete: bool,
    depth: usize,
    values: usize,
}

/// Why no object was read.
#[derive(Debug)]
pub(super) enum LexError {
    /// The window ended.
    End,
    /// The bytes are wrong.
    Bad { offset: u64, what: String },
    /// Too deep or too many.
    Limit { what: &'static str, limit: usize },
}

impl LexError {
    /// As an error of the room; an end is damage at `end`.
    pub(super) fn at(self, end: u64) -> PdfError {
        match self {
            Self::End => PdfError::damaged(end, "the bytes end in the middle of an object"),
            Self::Bad { offset, what } => PdfError::Damaged { offset, what },
            Self::Limit { what, limit } => PdfError::limit(what, limit),
        }
    }
}

/// A piece of a content stream.
pub(super) enum Token<'a> {
    Operand(Object),
    Operator(&'a [u8]),
}

type Lexed<T> = Result<T, LexError>;

/// What stands between `N G obj` and `endobj`.
pub(super) struct Indirect {
    pub(super) id: ObjectId,
    /// For a stream, its dictionary.
    pub(super) value: Object,
    pub(super) body: Body,
}

/// How an indirect object ends.
pub(super) enum Body {
    /// At this place, after `endobj`.
    Plain { end: u64 },
    /// With data that begins at this place.
    Stream { data: u64 },
}

impl<'a> Lexer<'a> {
    /// A lexer for `bytes`, which stand at `base` in the file. `complete` says that nothing follows them.
    pub(super) fn new(bytes: &'a [u8], base: u64, complete: bool, depth: usize) -> Self {
        Self { bytes, at: 0, base, complete, depth, values: MAX_VALUES }
    }

    /// The place of the next byte in the file.
    pub(super) fn offset(&self) -> u64 {
        self.base + self.at as u64
    }

    /// The next byte after white space and comments; `None` at the end of everything.
    pub(super) fn peek(&mut self) -> Lexed<Option<u8>> {
        self.skip_space()?;
        self.byte()
    }

    /// Skips white space and comments.
    pub(super) fn skip_space(&mut self) -> Lexed<()> {
        while let Some(byte) = self.byte()? {
            if is_space(byte) {
                self.at += 1;
            } else if byte == b'%' {
                while self.byte()?.is_some_and(|byte| byte != b'\r' && byte != b'\n') {
                    self.at += 1;
                }
            } else {
                break;
            }
        }
        Ok(())
    }

    /// Takes `word` if it stands here as a token of its own.
    pub(super) fn take_keyword(&mut self, word: &str) -> Lexed<bool> {
        self.skip_space()?;
        let start = self.at;
        let found = self.regular_run()? == word.as_bytes();
        if !found {
            self.at = start;
        }
        Ok(found)
    }

    /// Demands `word` here.
    pub(super) fn keyword(&mut self, word: &str) -> Lexed<()> {
        if self.take_keyword(word)? { Ok(()) } else { self.bad(format!("expected `{word}`")) }
    }

    /// Demands a whole number from 0 to `most`.
    pub(super) fn unsigned(&mut self, most: u64) -> Lexed<u64> {
        self.skip_space()?;
        let start = self.at;
        let number = parse_unsigned(self.regular_run()?).filter(|number| *number <= most);
        number.map_or_else(
            || {
                self.at = start;
                self.bad(format!("expected a whole number up to {most}"))
            },
            Ok,
        )
    }

    /// `N G obj … endobj`, or `N G obj << … >> stream` up to the first byte of data.
    pub(super) fn indirect(&mut self) -> Lexed<Indirect> {
        let number = self.unsigned(u64::from(u32::MAX))?;
        let generation = self.unsigned(u64::from(u16::MAX))?;
        self.keyword("obj")?;
        let value = self.object()?;
        let id = (u32::try_from(number).unwrap_or(u32::MAX), u16::try_from(generation).unwrap_or(u16::MAX));
        if matches!(value, Object::Dictionary(_)) && self.take_keyword("stream")? {
            match (self.byte()?, self.byte_after(1)) {
                (Some(b'\n'), _) => self.at += 1,
                (Some(b'\r'), Ok(Some(b'\n'))) => self.at += 2,
                (Some(b'\r'), Err(end)) => return Err(end),
                _ => return self.bad("`stream` is not followed by an end of line"),
            }
            return Ok(Indirect { id, value, body: Body::Stream { data: self.offset() } });
        }
        self.keyword("endobj")?;
        Ok(Indirect { id, value, body: Body::Plain { end: self.offset() } })
    }

    /// Any object but a stream.
    pub(super) fn object(&mut self) -> Lexed<Object> {
        self.object_at_depth(self.depth)
    }

    /// The next operator of a content stream, its operands passed over; `None` at the end.
    pub(super) fn operator(&mut self) -> Lexed<Option<&'a [u8]>> {
        loop {
            match self.peek()? {
                None => return Ok(None),
                Some(b'/' | b'(' | b'<' | b'[' | b'+' | b'-' | b'.' | b'0'..=b'9') => {
                    self.object()?;
                }
                Some(_) => {
                    let run = self.regular_run()?;
                    if run.is_empty() {
                        return self.bad("expected an operator");
                    }
                    if !matches!(run, b"true" | b"false" | b"null") {
                        return Ok(Some(run));
                    }
                }
            }
        }
    }

    /// The next operand or operator of a content stream (ISO 32000-2 section 7.8.2); `None` at the end.
    pub(super) fn token(&mut self) -> Lexed<Option<Token<'a>>> {
        self.values = MAX_VALUES;
        match self.peek()? {
            None => Ok(None),
            Some(b'/' | b'(' | b'<' | b'[' | b'+' | b'-' | b'.' | b'0'..=b'9') => {
                Ok(Some(Token::Operand(self.object()?)))
            }
            Some(_) => match self.regular_run()? {
                b"" => self.bad("expected an operator"),
                b"true" => Ok(Some(Token::Operand(Object::Boolean(true)))),
                b"false" => Ok(Some(Token::Operand(Object::Boolean(false)))),
                b"null" => Ok(Some(Token::Operand(Object::Null))),
                operator => Ok(Some(Token::Operator(operator))),
            },
        }
    }

    /// Passes over the data of an inline image and its `EI`, after `ID` (ISO 32000-2 section 8.9.7).
    pub(super) fn skip_inline_image(&mut self) -> Lexed<()> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let ends = |window: &[u8]| matches!(window, [before, b'E', b'I', after] if is_space(*before) && is_space(*after));
        let end = rest.windows(4).position(ends).map(|at| at + 3);
        let end = end.or_else(|| rest.ends_with(b"EI").then_some(rest.len()));
        match end {
            Some(end) => {
                self.at += end;
                Ok(())
            }
            None => self.bad("an inline image has no end"),
        }
    }

    /// Steps into the dictionary that stands here, and to the value of `key`.
    pub(super) fn enter(&mut self, key: &str) -> Lexed<bool> {
        self.open_dictionary()?;
        while let Some(found) = self.key()? {
            if found == key.as_bytes() {
                self.skip_space()?;
                return Ok(true);
            }
            self.object()?;
        }
        Ok(false)
    }

    fn object_at_depth(&mut self, depth: usize) -> Lexed<Object> {
        let Some(deeper) = depth.checked_sub(1) else {
            return Err(LexError::Limit {
                what: "the nesting of arrays and dictionaries",
                limit: self.depth,
            });
        };
        self.values = self
            .values
            .checked_sub(1)
            .ok_or(LexError::Limit { what: "the number of values in one object", limit: MAX_VALUES })?;
        match self.peek()? {
            None => self.bad("the bytes end where an object should be"),
            Some(b'/') => Ok(Object::Name(self.name()?)),
            Some(b'(') => Ok(Object::String(self.literal_string()?)),
            Some(b'[') => {
                self.at += 1;
                let mut items = Vec::new();
                while self.peek()? != Some(b']') {
                    items.push(self.object_at_depth(deeper)?);
                }
                self.at += 1;
                Ok(Object::Array(items))
            }
            Some(b'<') if self.byte_after(1)? == Some(b'<') => {
                self.open_dictionary()?;
                let mut dictionary = Dictionary::new();
                while let Some(key) = self.key()? {
                    let shown = String::from_utf8_lossy(&key).into_owned();
                    let value = self.object_at_depth(deeper)?;
                    if !dictionary.insert_new(key, value) {
                        return self.bad(format!("a dictionary has the key /{shown} twice"));
                    }
                }
                Ok(Object::Dictionary(dictionary))
            }
            Some(b'<') => Ok(Object::String(self.hex_string()?)),
            Some(b'+' | b'-' | b'.' | b'0'..=b'9') => self.number_or_reference(),
            Some(_) => self.word(),
        }
    }

    fn open_dictionary(&mut self) -> Lexed<()> {
        self.skip_space()?;
        if self.byte()? != Some(b'<') || self.byte_after(1)? != Some(b'<') {
            return self.bad("expected a dictionary");
        }
        self.at += 2;
        Ok(())
    }

    /// The next key of an open dictionary; `None` after its `>>`.
    fn key(&mut self) -> Lexed<Option<Vec<u8>>> {
        match self.peek()? {
            Some(b'/') => Ok(Some(self.name()?)),
            Some(b'>') if self.byte_after(1)? == Some(b'>') => {
                self.at += 2;
                Ok(None)
            }
            _ => self.bad("expected a key or `>>` in a dictionary"),
        }
    }

    fn name(&mut self) -> Lexed<Vec<u8>> {
        self.at += 1;
        let start = self.at;
        let raw = self.regular_run()?;
        if !raw.contains(&b'#') {
            return Ok(raw.to_vec());
        }
        let mut name = Vec::with_capacity(raw.len());
        let mut rest = raw;
        while let Some((&byte, after)) = rest.split_first() {
            rest = after;
            let mut byte = byte;
            // A `#` without two digits is taken literally, as files older than PDF 1.2 have it.
            if let (b'#', [high, low, further @ ..]) = (byte, after)
                && let (Some(high), Some(low)) = (hex_digit(*high), hex_digit(*low))
            {
                byte = high << 4 | low;
                rest = further;
            }
            name.push(byte);
        }
        if name.contains(&0) {
            self.at = start;
            return self.bad("a name holds a zero byte");
        }
        Ok(name)
    }

    fn literal_string(&mut self) -> Lexed<Vec<u8>> {
        let start = self.at;
        self.at += 1;
        let mut open = 1_usize;
        let mut string = Vec::new();
        loop {
            let Some(byte) = self.byte()? else {
                self.at = start;
                return self.bad("a string has no end");
            };
            self.at += 1;
            match byte {
                b'(' => {
                    open += 1;
                    string.push(byte);
                }
                b')' => {
                    open -= 1;
                    if open == 0 {
                        return Ok(string);
                    }
                    string.push(byte);
                }
                b'\r' => {
                    // Any end of line in a string means a line feed.
                    if self.byte()? == Some(b'\n') {
                        self.at += 1;
                    }
                    string.push(b'\n');
                }
                b'\\' => string.extend(self.escape()?),
                _ => string.push(byte),
            }
        }
    }

    /// What follows a reverse solidus in a literal string (ISO 32000-2 table 3).
    fn escape(&mut self) -> Lexed<Option<u8>> {
        let Some(byte) = self.byte()? else { return Ok(None) };
        self.at += 1;
        Ok(match byte {
            b'n' => Some(b'\n'),
            b'r' => Some(b'\r'),
            b't' => Some(b'\t'),
            b'b' => Some(8),
            b'f' => Some(12),
            b'\n' => None,
            b'\r' => {
                if self.byte()? == Some(b'\n') {
                    self.at += 1;
                }
                None
            }
            b'0'..=b'7' => {
                let mut code = u32::from(byte - b'0');
                for _ in 0..2 {
                    let Some(digit @ b'0'..=b'7') = self.byte()? else { break };
                    self.at += 1;
                    code = code * 8 + u32::from(digit - b'0');
                }
                // High-order overflow is ignored, as the standard says.
                Some((code & 0xFF) as u8)
            }
            other => Some(other),
        })
    }

    fn hex_string(&mut self) -> Lexed<Vec<u8>> {
        self.at += 1;
        if let Some(string) = self.plain_hex_string()? {
            return Ok(string);
        }
        let mut string = Vec::new();
        let mut half = None;
        loop {
            match self.byte()? {
                Some(b'>') => {
                    self.at += 1;
                    string.extend(half.map(|high: u8| high << 4));
                    return Ok(string);
                }
                Some(byte) if is_space(byte) => self.at += 1,
                Some(byte) => {
                    let Some(digit) = hex_digit(byte) else {
                        return self.bad("a hexadecimal string holds something else");
                    };
                    self.at += 1;
                    half = match half {
                        None => Some(digit),
                        Some(high) => {
                            string.push(high << 4 | digit);
                            None
                        }
                    };
                }
                None => return self.bad("a hexadecimal string has no end"),
            }
        }
    }

    /// A string of nothing but pairs of digits, as nearly all are; what a signature reserves is long. The lexer stays
    /// where it was when this is none.
    fn plain_hex_string(&mut self) -> Lexed<Option<Vec<u8>>> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let Some(len) = rest.iter().position(|byte| *byte == b'>') else {
            let goes_on = !self.complete && rest.iter().all(|byte| hex_digit(*byte).is_some());
            return if goes_on { Err(LexError::End) } else { Ok(None) };
        };
        let string = rest.get(..len).and_then(hex_pairs);
        if string.is_some() {
            self.at += len + 1;
        }
        Ok(string)
    }

    fn number_or_reference(&mut self) -> Lexed<Object> {
        let start = self.at;
        let text = self.regular_run()?;
        if let Some(number) = parse_unsigned(text) {
            if let Ok(number) = u32::try_from(number)
                && let Some(generation) = self.rest_of_reference()?
            {
                return Ok(Object::Reference((number, generation)));
            }
            if let Ok(number) = i64::try_from(number) {
                return Ok(Object::Integer(number));
            }
        }
        if let Some(number) = std::str::from_utf8(text).ok().and_then(|text| text.parse().ok()) {
            return Ok(Object::Integer(number));
        }
        Real::parse(text).map_or_else(
            || {
                self.at = start;
                self.bad("this is no number")
            },
            |real| Ok(Object::Real(real)),
        )
    }

    /// `G R` after a number, if that is what follows.
    fn rest_of_reference(&mut self) -> Lexed<Option<u16>> {
        let start = self.at;
        self.skip_space()?;
        let generation = parse_unsigned(self.regular_run()?).and_then(|number| u16::try_from(number).ok());
        if generation.is_some() && self.take_keyword("R")? {
            return Ok(generation);
        }
        self.at = start;
        Ok(None)
    }

    fn word(&mut self) -> Lexed<Object> {
        let start = self.at;
        let object = match self.regular_run()? {
            b"true" => Object::Boolean(true),
            b"false" => Object::Boolean(false),
            b"null" => Object::Null,
            _ => {
                self.at = start;
                return self.bad("expected an object");
            }
        };
        Ok(object)
    }

    /// The run of regular characters that stands here; may be empty.
    fn regular_run(&mut self) -> Lexed<&'a [u8]> {
        let start = self.at;
        while self.byte()?.is_some_and(is_regular) {
            self.at += 1;
        }
        Ok(self.bytes.get(start..self.at).unwrap_or_default())
    }

    fn byte(&self) -> Lexed<Option<u8>> {
        self.byte_after(0)
    }

    fn byte_after(&self, ahead: usize) -> Lexed<Option<u8>> {
        match self.bytes.get(self.at + ahead) {
            Some(byte) => Ok(Some(*byte)),
            None if self.complete => Ok(None),
            None => Err(LexError::End),
        }
    }

    fn bad<T>(&self, what: impl Into<String>) -> Lexed<T> {
        Err(LexError::Bad { offset: self.offset(), what: what.into() })
    }
}

/// ISO 32000-2 table 1.
pub(super) fn is_space(byte: u8) -> bool {
    matches!(byte, 0 | 9 | 10 | 12 | 13 | 32)
}

fn is_regular(byte: u8) -> bool {
    !is_space(byte) && !b"()<>[]{}/%".contains(&byte)
}

fn hex_digit(byte: u8) -> Option<u8> {
    Some(HEX_DIGITS[usize::from(byte)]).filter(|digit| *digit != NO_DIGIT)
}

/// What pairs of hexadecimal digits mean; `None` when they are no such pairs.
pub(super) fn hex_pairs(digits: &[u8]) -> Option<Vec<u8>> {
    let (pairs, []) = digits.as_chunks() else { return None };
    // What is wrong is asked once at the end: a question at each digit takes longer than the digits.
    let mut seen = 0;
    let value = |[high, low]: &[u8; 2]| {
        let (high, low) = (HEX_DIGITS[usize::from(*high)], HEX_DIGITS[usize::from(*low)]);
        seen |= high | low;
        high << 4 | low
    };
    let string = pairs.iter().map(value).collect();
    (seen <= 0xF).then_some(string)
}

/// The value of each byte as a hexadecimal digit, or [`NO_DIGIT`].
const HEX_DIGITS: [u8; 256] = {
    let mut digits = [NO_DIGIT; 256];
    let mut digit = 0;
    while digit < 16 {
        digits[b"0123456789ABCDEF"[digit as usize] as usize] = digit;
        digits[b"0123456789abcdef"[digit as usize] as usize] = digit;
        digit += 1;
    }
    digits
};

const NO_DIGIT: u8 = 0xFF;

fn parse_unsigned(text: &[u8]) -> Option<u64> {
    if text.is_empty() || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// The most values in one object: a page tree of 300,000 kids fits, and memory stays within tens of megabytes.
const MAX_VALUES: usize = 1_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Lexed<Object> {
        Lexer::new(text.as_bytes(), 0, true, 8).object()
    }

    fn round(text: &str) -> String {
        let mut out = Vec::new();
        read(text).expect(text).write(&mut out);
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn objects_are_read_as_written() {
        assert_eq!(round("<</B 1 0 R/A[1 -2 3.50 true null]>>"), "<< /A [1 -2 3.5 true null] /B 1 0 R >>");
        assert_eq!(round("[1 2 R 3 4 5 R]"), "[1 2 R 3 4 5 R]");
        assert_eq!(round("[12 0 % a comment\n R]"), "[12 0 R]");
        assert_eq!(round("(a\\(b\\)(c)\\101\\\nd)"), "(a\\(b\\)\\(c\\)Ad)");
        assert_eq!(round("<48 65 6C6>"), "(Hel`)");
        assert_eq!(round("/A#20B#2FC"), "/A#20B#2FC");
        assert_eq!(round("99999999999999999999"), "99999999999999999999");
    }

    #[test]
    fn wrong_objects_are_refused() {
        for text in [
            "<</A 1/A 2>>",
            "<</A>>",
            "[1 2",
            "(open",
            "<0g>",
            "1-2",
            "]",
            ">>",
            "foo",
            "<</A 1",
            "/A#00",
            "",
        ] {
            assert!(matches!(read(text), Err(LexError::Bad { .. })), "{text}");
        }
        assert!(matches!(read(&"[".repeat(9)), Err(LexError::Limit { .. })));
        assert!(matches!(read(&format!("[{}]", "0 ".repeat(MAX_VALUES))), Err(LexError::Limit { .. })));
    }

    #[test]
    fn an_open_window_asks_for_more() {
        let whole = b"12 0 obj << /A (b) >> endobj ";
        for cut in 0..whole.len() - 1 {
            assert!(
                matches!(Lexer::new(&whole[..cut], 0, false, 8).indirect(), Err(LexError::End)),
                "{cut} bytes"
            );
        }
        assert!(Lexer::new(whole, 0, false, 8).indirect().is_ok());
    }
}
