//! Identifiers of certificate policies.

use std::{fmt, str::FromStr};

use der::oid::ObjectIdentifier;

use crate::asn1::{Asn1Error, Tag, Tlv, oid};

/// An OBJECT IDENTIFIER of any arcs that names a policy (RFC 5280 section 4.2.1.4).
///
/// Whoever issues certificates chooses it, under 2.25 (UUIDs) and 2.999 (examples) too, which [`ObjectIdentifier`] does
/// not hold: a second arc over 39, and arcs over 32 bits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PolicyId {
    /// The content of the OBJECT IDENTIFIER, filled up with zeros.
    content: [u8; MOST],
    len: usize,
}

/// Bytes of content. The longest in the wild, a UUID, has 20.
const MOST: usize = 64;

impl PolicyId {
    /// anyPolicy, 2.5.29.32.0.
    pub const ANY: Self = Self::new(oid::ANY_POLICY);

    /// An identifier that is held elsewhere.
    pub const fn new(oid: ObjectIdentifier) -> Self {
        let bytes = oid.as_bytes();
        // An ObjectIdentifier has 39 bytes at most.
        let mut content = [0; MOST];
        let mut at = 0;
        while at < bytes.len() {
            content[at] = bytes[at];
            at += 1;
        }
        Self { content, len: bytes.len() }
    }

    /// Reads an OBJECT IDENTIFIER.
    ///
    /// # Errors
    ///
    /// When it is none, is not in the one encoding that DER has, or has over 64 bytes or an arc over 128 bits.
    pub(super) fn read(value: &Tlv<'_>) -> Result<Self, Asn1Error> {
        value.expect(Tag::OID)?;
        Self::of_content(value.value).ok_or(Asn1Error::Content { offset: 0 })
    }

    /// The content octets (X.690 section 8.19).
    pub fn as_bytes(&self) -> &[u8] {
        self.content.get(..self.len).unwrap_or_default()
    }

    fn of_content(octets: &[u8]) -> Option<Self> {
        let mut content = [0; MOST];
        content.get_mut(..octets.len())?.copy_from_slice(octets);
        let read = Self { content, len: octets.len() };
        let (mut arcs, mut rest) = (0, octets);
        while !rest.is_empty() {
            (_, rest) = subidentifier(rest)?;
            arcs += 1;
        }
        (arcs > 0).then_some(read)
    }
}

/// The number that `octets` begin with, in base 128 and in the fewest digits, and what follows it.
fn subidentifier(octets: &[u8]) -> Option<(u128, &[u8])> {
    if octets.first() == Some(&0x80) {
        return None;
    }
    let mut number: u128 = 0;
    for (at, octet) in octets.iter().enumerate() {
        if number > u128::MAX >> 7 {
            return None;
        }
        number = number << 7 | u128::from(octet & 0x7F);
        if octet & 0x80 == 0 {
            return Some((number, octets.get(at + 1..)?));
        }
    }
    None
}

/// Dotted decimals.
impl fmt::Display for PolicyId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.as_bytes();
        let mut first = true;
        while let Some((number, behind)) = subidentifier(rest) {
            // The first two arcs are one number (X.690 section 8.19.4).
            match (first, number) {
                (true, 0..80) => write!(out, "{}.{}", number / 40, number % 40)?,
                (true, _) => write!(out, "2.{}", number - 80)?,
                (false, _) => write!(out, ".{number}")?,
            }
            first = false;
            rest = behind;
        }
        Ok(())
    }
}

impl fmt::Debug for PolicyId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

/// Dotted decimals, and nothing else.
impl FromStr for PolicyId {
    type Err = NoPolicyId;

    fn from_str(text: &str) -> Result<Self, NoPolicyId> {
        let arc = |arc: &str| {
            let plain = !arc.is_empty() && arc.bytes().all(|digit| digit.is_ascii_digit());
            let shortest = arc == "0" || !arc.starts_with('0');
            (plain && shortest).then(|| arc.parse::<u128>().ok()).flatten().ok_or(NoPolicyId)
        };
        let arcs: Vec<u128> = text.split('.').map(arc).collect::<Result<_, _>>()?;
        let (root, second, others) = match arcs.as_slice() {
            [root @ 0..=1, second @ 0..40, others @ ..] | [root @ 2, second, others @ ..] => {
                (root, second, others)
            }
            _ => return Err(NoPolicyId),
        };
        let joined = second.checked_add(root * 40).ok_or(NoPolicyId)?;
        let mut content = Vec::new();
        for number in std::iter::once(&joined).chain(others) {
            let digits = (128 - number.leading_zeros()).div_ceil(7).max(1);
            for digit in (0..digits).rev() {
                let more = if digit > 0 { 0x80 } else { 0 };
                content.push((number >> (7 * digit) & 0x7F) as u8 | more);
            }
        }
        Self::of_content(&content).ok_or(NoPolicyId)
    }
}

/// Not the identifier of a policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected an object identifier, such as 2.16.704.1.1")]
pub struct NoPolicyId;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::asn1::Reader;

    fn read(der: &[u8]) -> Option<PolicyId> {
        PolicyId::read(&Reader::only(der).unwrap()).ok()
    }

    #[test]
    fn arcs_of_any_size_are_read_told_and_read_again() {
        for text in [
            "0.0",
            "1.39.5",
            "2.5.29.32.0",
            "2.16.704.1.1",
            "2.40",
            "2.999.1",
            "2.25.329800735698586629295641978511506172918",
            "1.2.3.340282366920938463463374607431768211455",
        ] {
            let id: PolicyId = text.parse().unwrap();
            assert_eq!(id.to_string(), text);
            let mut der = vec![0x06, id.as_bytes().len() as u8];
            der.extend_from_slice(id.as_bytes());
            assert_eq!(read(&der), Some(id), "{text}");
        }
        assert_eq!("2.5.29.32.0".parse(), Ok(PolicyId::ANY));
        assert_eq!(read(&[0x06, 0x02, 0x88, 0x37]).unwrap().to_string(), "2.999");
    }

    #[test]
    fn what_is_no_identifier_is_refused() {
        for text in
            ["", "1", "2", "3.1", "1.40", "0.99.1", "1.2.", ".1.2", "1..2", "1.2.03", "1.+2", "2.x", "1.2 "]
        {
            assert_eq!(text.parse::<PolicyId>(), Err(NoPolicyId), "{text}");
        }
        let over = "2.340282366920938463463374607431768211455";
        assert_eq!(over.parse::<PolicyId>(), Err(NoPolicyId));
        let long = format!("1.2{}", ".1".repeat(64));
        assert_eq!(long.parse::<PolicyId>(), Err(NoPolicyId));
        for der in [
            &[0x06, 0x00][..],
            &[0x06, 0x01, 0x80],
            &[0x06, 0x02, 0x2A, 0x86],
            &[0x06, 0x03, 0x2A, 0x80, 0x01],
            &[0x04, 0x01, 0x2A],
        ] {
            assert_eq!(read(der), None, "{der:02X?}");
        }
        let wide = [&[0x06, 0x15, 0x2A][..], &[0xFF; 19], &[0x7F]].concat();
        assert_eq!(read(&wide), None, "an arc of 140 bits");
    }
}
