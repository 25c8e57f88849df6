//! Values written as DER.

use der::oid::ObjectIdentifier;

use super::Tag;
use crate::base::UtcTime;

/// A value of `tag` with these content octets.
pub fn value(tag: Tag, content: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(content.len() + 6);
    out.push(tag.0);
    let len = content.len();
    if len < 0x80 {
        out.push(len as u8);
    } else {
        let digits = len.to_be_bytes();
        let digits = &digits[digits.iter().take_while(|digit| **digit == 0).count()..];
        out.push(0x80 | digits.len() as u8);
        out.extend_from_slice(digits);
    }
    out.extend_from_slice(content);
    out
}

/// A value of `tag` made of `parts`, one after the other.
pub fn constructed<P: AsRef<[u8]>>(tag: Tag, parts: impl IntoIterator<Item = P>) -> Vec<u8> {
    let mut content = Vec::new();
    for part in parts {
        content.extend_from_slice(part.as_ref());
    }
    value(tag, &content)
}

/// A SEQUENCE.
pub fn sequence<P: AsRef<[u8]>>(parts: impl IntoIterator<Item = P>) -> Vec<u8> {
    constructed(Tag::SEQUENCE, parts)
}

/// A SET OF, its elements sorted as DER wants.
pub fn set_of(mut parts: Vec<Vec<u8>>) -> Vec<u8> {
    parts.sort();
    constructed(Tag::SET, parts)
}

/// An OBJECT IDENTIFIER.
pub fn oid(oid: ObjectIdentifier) -> Vec<u8> {
    value(Tag::OID, oid.as_bytes())
}

/// An OCTET STRING.
pub fn octet_string(octets: &[u8]) -> Vec<u8> {
    value(Tag::OCTET_STRING, octets)
}

/// A BIT STRING without unused bits.
pub fn bit_string(octets: &[u8]) -> Vec<u8> {
    constructed(Tag::BIT_STRING, [&[0][..], octets])
}

/// NULL.
pub fn null() -> Vec<u8> {
    value(Tag::NULL, &[])
}

/// An INTEGER from unsigned big-endian octets, which get the shortest form.
pub fn unsigned(octets: &[u8]) -> Vec<u8> {
    let digits = &octets[octets.iter().take_while(|octet| **octet == 0).count()..];
    match digits.first() {
        None => value(Tag::INTEGER, &[0]),
        Some(first) if *first >= 0x80 => constructed(Tag::INTEGER, [&[0][..], digits]),
        Some(_) => value(Tag::INTEGER, digits),
    }
}

/// A moment as CMS and X.509 want it: UTCTime from 1950 to 2049, GeneralizedTime otherwise (RFC 5280 section 4.1.2.5).
pub fn time(moment: UtcTime) -> Vec<u8> {
    let civil = jiff::tz::TimeZone::UTC.to_datetime(moment);
    if (1950..2050).contains(&civil.year()) {
        value(Tag::UTC_TIME, civil.strftime("%y%m%d%H%M%SZ").to_string().as_bytes())
    } else {
        generalized_time(moment)
    }
}

/// A moment as GeneralizedTime, in whole seconds.
pub fn generalized_time(moment: UtcTime) -> Vec<u8> {
    let civil = jiff::tz::TimeZone::UTC.to_datetime(moment);
    value(Tag::GENERALIZED_TIME, civil.strftime("%Y%m%d%H%M%SZ").to_string().as_bytes())
}

/// An AlgorithmIdentifier; `parameters` is a whole encoding, or nothing for absent ones.
pub fn algorithm(algorithm: ObjectIdentifier, parameters: Option<&[u8]>) -> Vec<u8> {
    sequence([&oid(algorithm)[..], parameters.unwrap_or_default()])
}
