//! A reader of tag-length-value slices.

use der::oid::ObjectIdentifier;
use jiff::{civil::DateTime, tz::TimeZone};

use crate::base::UtcTime;

/// An identifier octet. Multi-octet tags (number 31 and up) occur in nothing that kyso reads and are refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tag(pub u8);

impl Tag {
    /// BOOLEAN.
    pub const BOOLEAN: Self = Self(0x01);
    /// INTEGER.
    pub const INTEGER: Self = Self(0x02);
    /// BIT STRING.
    pub const BIT_STRING: Self = Self(0x03);
    /// OCTET STRING.
    pub const OCTET_STRING: Self = Self(0x04);
    /// NULL.
    pub const NULL: Self = Self(0x05);
    /// OBJECT IDENTIFIER.
    pub const OID: Self = Self(0x06);
    /// ENUMERATED.
    pub const ENUMERATED: Self = Self(0x0A);
    /// UTCTime.
    pub const UTC_TIME: Self = Self(0x17);
    /// GeneralizedTime.
    pub const GENERALIZED_TIME: Self = Self(0x18);
    /// SEQUENCE.
    pub const SEQUENCE: Self = Self(0x30);
    /// SET.
    pub const SET: Self = Self(0x31);

    /// A constructed context tag: `[n]`.
    pub const fn context(n: u8) -> Self {
        Self(0xA0 | n)
    }

    /// A primitive context tag: `[n] IMPLICIT` of a primitive type.
    pub const fn context_primitive(n: u8) -> Self {
        Self(0x80 | n)
    }
}

/// What a reader met instead of what it wanted. Offsets are in bytes from the start of the slice being read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Asn1Error {
    /// The slice ends inside a value.
    #[error("the value at byte {offset} is cut short")]
    CutShort {
        /// Where the value begins.
        offset: usize,
    },
    /// A tag of several octets.
    #[error("a tag of several octets at byte {offset} is not supported")]
    LongTag {
        /// Where the tag begins.
        offset: usize,
    },
    /// A length form that DER forbids, or an indefinite length.
    #[error("the length at byte {offset} is not in a supported form")]
    Length {
        /// Where the value begins.
        offset: usize,
    },
    /// Another tag than the standard has at this place.
    #[error("expected tag {expected:#04x} at byte {offset}, found {found:#04x}")]
    Unexpected {
        /// Where the value begins.
        offset: usize,
        /// The tag of the standard.
        expected: u8,
        /// The tag in the data.
        found: u8,
    },
    /// Bytes after the last value of a structure.
    #[error("{len} bytes are left over at byte {offset}")]
    Trailing {
        /// Where they begin.
        offset: usize,
        /// How many.
        len: usize,
    },
    /// Values nested deeper than the limit.
    #[error("the value at byte {offset} is nested too deep")]
    Depth {
        /// Where the value begins.
        offset: usize,
    },
    /// The content octets do not fit the type.
    #[error("the content of the value at byte {offset} does not fit its type")]
    Content {
        /// Where the value begins.
        offset: usize,
    },
}

/// One value: its tag, its content octets, and the whole encoding.
#[derive(Clone, Copy, Debug)]
pub struct Tlv<'a> {
    /// The identifier octet.
    pub tag: Tag,
    /// The content octets.
    pub value: &'a [u8],
    /// Identifier, length and content octets, as received.
    pub raw: &'a [u8],
}

impl<'a> Tlv<'a> {
    /// A reader over the content.
    pub fn reader(&self) -> Reader<'a> {
        Reader::new(self.value)
    }

    /// The content as an object identifier.
    ///
    /// # Errors
    ///
    /// When the tag or the content is another.
    pub fn oid(&self) -> Result<ObjectIdentifier, Asn1Error> {
        self.expect(Tag::OID)?;
        ObjectIdentifier::from_bytes(self.value).map_err(|_| Asn1Error::Content { offset: 0 })
    }

    /// The content of an INTEGER as a small unsigned number.
    ///
    /// # Errors
    ///
    /// When the tag is another, or the number is negative or over 64 bits.
    pub fn unsigned(&self) -> Result<u64, Asn1Error> {
        self.expect(Tag::INTEGER)?;
        let digits = match self.value {
            [] => return Err(Asn1Error::Content { offset: 0 }),
            [first, ..] if *first >= 0x80 => return Err(Asn1Error::Content { offset: 0 }),
            [0, rest @ ..] => rest,
            all => all,
        };
        if digits.len() > 8 {
            return Err(Asn1Error::Content { offset: 0 });
        }
        Ok(digits.iter().fold(0, |number, digit| number << 8 | u64::from(*digit)))
    }

    /// A UTCTime (with seconds, in UTC) or a GeneralizedTime (with seconds and at most nine decimals, in UTC).
    ///
    /// The last day of the year 9999, which RFC 5280 section 4.1.2.5 writes for "no end", becomes the last moment
    /// that [`UtcTime`] holds.
    ///
    /// # Errors
    ///
    /// When the tag is another, or the content is no moment in that form.
    pub fn time(&self) -> Result<UtcTime, Asn1Error> {
        let digits = match self.tag {
            Tag::UTC_TIME => {
                let century = if self.value.first() < Some(&b'5') { "20" } else { "19" };
                [century.as_bytes(), self.value].concat()
            }
            Tag::GENERALIZED_TIME => self.value.to_vec(),
            _ => {
                let (expected, found) = (Tag::GENERALIZED_TIME.0, self.tag.0);
                return Err(Asn1Error::Unexpected { offset: 0, expected, found });
            }
        };
        let moment = moment(&digits).ok_or(Asn1Error::Content { offset: 0 })?;
        if self.tag == Tag::UTC_TIME && digits.len() != 15 {
            return Err(Asn1Error::Content { offset: 0 });
        }
        Ok(moment)
    }

    /// The octets of a BIT STRING without unused bits.
    ///
    /// # Errors
    ///
    /// When the tag is another or some bits of the last octet are unused.
    pub fn bit_string(&self) -> Result<&'a [u8], Asn1Error> {
        self.expect(Tag::BIT_STRING)?;
        match self.value {
            [0, rest @ ..] => Ok(rest),
            _ => Err(Asn1Error::Content { offset: 0 }),
        }
    }

    /// Checks the tag.
    ///
    /// # Errors
    ///
    /// When it is another.
    pub fn expect(&self, tag: Tag) -> Result<&Self, Asn1Error> {
        if self.tag == tag {
            Ok(self)
        } else {
            Err(Asn1Error::Unexpected { offset: 0, expected: tag.0, found: self.tag.0 })
        }
    }
}

/// Reads one value after another from a slice.
///
/// Definite lengths only, minimal or not: BER with indefinite lengths is refused by name, or goes through
/// [`super::ber`] first.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    /// Reads from the start of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// The only value in `bytes`.
    ///
    /// # Errors
    ///
    /// When there is none, a broken one, or anything behind it.
    pub fn only(bytes: &'a [u8]) -> Result<Tlv<'a>, Asn1Error> {
        let mut reader = Self::new(bytes);
        let value = reader.any()?;
        reader.finish()?;
        Ok(value)
    }

    /// Whether all is read.
    pub fn is_empty(&self) -> bool {
        self.at == self.bytes.len()
    }

    /// The tag of the next value, if there is one.
    pub fn peek(&self) -> Option<Tag> {
        self.bytes.get(self.at).copied().map(Tag)
    }

    /// The next value, whatever it is.
    ///
    /// # Errors
    ///
    /// When it is cut short or in an unsupported form.
    pub fn any(&mut self) -> Result<Tlv<'a>, Asn1Error> {
        let offset = self.at;
        let cut = Asn1Error::CutShort { offset };
        let rest = self.bytes.get(offset..).unwrap_or_default();
        let (&tag, &first) = (rest.first().ok_or(cut)?, rest.get(1).ok_or(cut)?);
        if tag & 0x1F == 0x1F {
            return Err(Asn1Error::LongTag { offset });
        }
        let (header, len) = match first {
            0..=0x7F => (2, usize::from(first)),
            0x81..=0x84 => {
                let count = usize::from(first & 0x0F);
                let digits = rest.get(2..2 + count).ok_or(cut)?;
                (2 + count, digits.iter().fold(0, |len, digit| len << 8 | usize::from(*digit)))
            }
            _ => return Err(Asn1Error::Length { offset }),
        };
        let end = header.checked_add(len).ok_or(cut)?;
        let raw = rest.get(..end).ok_or(cut)?;
        self.at += end;
        Ok(Tlv { tag: Tag(tag), value: &raw[header..], raw })
    }

    /// The next value, which must have this tag.
    ///
    /// # Errors
    ///
    /// As [`Reader::any`], and when the tag is another.
    pub fn take(&mut self, tag: Tag) -> Result<Tlv<'a>, Asn1Error> {
        let offset = self.at;
        let value = self.any()?;
        if value.tag == tag {
            Ok(value)
        } else {
            self.at = offset;
            Err(Asn1Error::Unexpected { offset, expected: tag.0, found: value.tag.0 })
        }
    }

    /// The next value if it has this tag.
    ///
    /// # Errors
    ///
    /// As [`Reader::any`].
    pub fn optional(&mut self, tag: Tag) -> Result<Option<Tlv<'a>>, Asn1Error> {
        if self.peek() == Some(tag) { self.any().map(Some) } else { Ok(None) }
    }

    /// Makes sure that nothing is left.
    ///
    /// # Errors
    ///
    /// When something is.
    pub fn finish(&self) -> Result<(), Asn1Error> {
        match self.bytes.len() - self.at {
            0 => Ok(()),
            len => Err(Asn1Error::Trailing { offset: self.at, len }),
        }
    }
}

/// Makes sure that every length in `bytes`, at any depth, is in the one form that DER allows
/// (X.690 section 10.1), and that everything constructed is made of whole values.
///
/// # Errors
///
/// When it is not, or values are nested more than `depth` deep. Offsets count from the start of the innermost
/// constructed value.
pub fn check_der_lengths(bytes: &[u8], depth: usize) -> Result<(), Asn1Error> {
    const CONSTRUCTED: u8 = 0x20;
    let mut reader = Reader::new(bytes);
    while !reader.is_empty() {
        let offset = reader.at;
        let inner = reader.any()?;
        let digits = match inner.value.len() {
            0..0x80 => 0,
            len => (usize::BITS - len.leading_zeros()).div_ceil(8) as usize,
        };
        if inner.raw.len() != 2 + digits + inner.value.len() {
            return Err(Asn1Error::Length { offset });
        }
        if inner.tag.0 & CONSTRUCTED != 0 {
            let depth = depth.checked_sub(1).ok_or(Asn1Error::Depth { offset })?;
            check_der_lengths(inner.value, depth)?;
        }
    }
    Ok(())
}

/// `YYYYMMDDHHMMSS[.f…]Z`.
fn moment(text: &[u8]) -> Option<UtcTime> {
    let whole = text.strip_suffix(b"Z")?;
    let (whole, fraction) = match whole.iter().position(|byte| *byte == b'.') {
        Some(dot) => (&whole[..dot], &whole[dot + 1..]),
        None => (whole, &b"0"[..]),
    };
    let number = |digits: &[u8]| {
        digits.iter().try_fold(0_i32, |number, digit| {
            digit.is_ascii_digit().then(|| number * 10 + i32::from(*digit - b'0'))
        })
    };
    let field = |from: usize, len: usize| whole.get(from..from + len).and_then(number);
    let small = |from: usize| field(from, 2).and_then(|number| i8::try_from(number).ok());
    if whole.len() != 14 || fraction.is_empty() || fraction.len() > 9 {
        return None;
    }
    let nanos = number(fraction)? * 10_i32.pow(9 - u32::try_from(fraction.len()).ok()?);
    let year = i16::try_from(field(0, 4)?).ok()?;
    let civil = DateTime::new(year, small(4)?, small(6)?, small(8)?, small(10)?, small(12)?, nanos).ok()?;
    match TimeZone::UTC.to_timestamp(civil) {
        Ok(moment) => Some(moment),
        Err(_) if year == 9999 => Some(UtcTime::MAX),
        Err(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read_in_the_forms_of_the_standards() {
        let read = |tag: Tag, text: &str| {
            Tlv { tag, value: text.as_bytes(), raw: &[] }.time().map(|moment| moment.to_string())
        };
        for (tag, text, moment) in [
            (Tag::UTC_TIME, "260102030405Z", "2026-01-02T03:04:05Z"),
            (Tag::UTC_TIME, "491231235959Z", "2049-12-31T23:59:59Z"),
            (Tag::UTC_TIME, "500101000000Z", "1950-01-01T00:00:00Z"),
            (Tag::GENERALIZED_TIME, "20500101000000Z", "2050-01-01T00:00:00Z"),
            (Tag::GENERALIZED_TIME, "20260102030405.25Z", "2026-01-02T03:04:05.25Z"),
        ] {
            assert_eq!(read(tag, text).as_deref(), Ok(moment), "{text}");
        }
        let endless = Tlv { tag: Tag::GENERALIZED_TIME, value: b"99991231235959Z", raw: &[] };
        assert_eq!(endless.time(), Ok(UtcTime::MAX));
        for (tag, text) in [
            (Tag::UTC_TIME, ""),
            (Tag::UTC_TIME, "Z"),
            (Tag::UTC_TIME, "2601020304Z"),
            (Tag::UTC_TIME, "260102030405"),
            (Tag::UTC_TIME, "260102030405+0700"),
            (Tag::UTC_TIME, "260230030405Z"),
            (Tag::UTC_TIME, "260102030405.5Z"),
            (Tag::UTC_TIME, "26010203040\u{e9}Z"),
            (Tag::GENERALIZED_TIME, "20260102030460Z"),
            (Tag::GENERALIZED_TIME, "20260102030405.Z"),
            (Tag::GENERALIZED_TIME, "20260102030405.1234567890Z"),
            (Tag::GENERALIZED_TIME, "2026-1-2030405Z"),
            (Tag::INTEGER, "20260102030405Z"),
        ] {
            assert!(read(tag, text).is_err(), "{text}");
        }
    }

    #[test]
    fn der_has_one_length_for_a_value() {
        let long = crate::asn1::write::octet_string(&[7; 300]);
        for good in [&[][..], &[0x05, 0x00], &[0x30, 0x04, 0x30, 0x02, 0x05, 0x00], &long] {
            assert_eq!(check_der_lengths(good, 2), Ok(()), "{good:02x?}");
        }
        for bad in [
            &[0x04, 0x81, 0x01, 0x00][..],
            &[0x30, 0x03, 0x05, 0x81, 0x00],
            &[0x30, 0x80, 0x00, 0x00],
            &[0x30, 0x01, 0x05],
            &[&[0x04, 0x83, 0x00], &long[2..]].concat(),
        ] {
            assert!(check_der_lengths(bad, 2).is_err(), "{bad:02x?}");
        }
        let deep = [0x30, 0x04, 0x30, 0x02, 0x30, 0x00];
        assert_eq!(check_der_lengths(&deep, 3), Ok(()));
        assert_eq!(check_der_lengths(&deep, 2), Err(Asn1Error::Depth { offset: 0 }));
    }

    #[test]
    fn values_are_read_as_received() {
        let mut reader = Reader::new(&[0x02, 0x01, 0x05, 0x04, 0x81, 0x02, 0xAB, 0xCD]);
        assert_eq!(reader.take(Tag::INTEGER).unwrap().unsigned(), Ok(5));
        let octets = reader.take(Tag::OCTET_STRING).unwrap();
        assert_eq!(octets.value, [0xAB, 0xCD]);
        assert_eq!(octets.raw.len(), 5);
        assert_eq!(reader.finish(), Ok(()));
    }

    #[test]
    fn broken_values_are_named() {
        for (bytes, error) in [
            (&[0x30][..], Asn1Error::CutShort { offset: 0 }),
            (&[0x30, 0x05, 0x00], Asn1Error::CutShort { offset: 0 }),
            (&[0x30, 0x80, 0x00, 0x00], Asn1Error::Length { offset: 0 }),
            (&[0x30, 0x84, 0xFF, 0xFF, 0xFF, 0xFF], Asn1Error::CutShort { offset: 0 }),
            (&[0x1F, 0x81, 0x00], Asn1Error::LongTag { offset: 0 }),
            (&[0x05, 0x00, 0x00], Asn1Error::Trailing { offset: 2, len: 1 }),
        ] {
            assert_eq!(Reader::only(bytes).unwrap_err(), error, "{bytes:02x?}");
        }
    }
}
