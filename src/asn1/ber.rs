//! BER with indefinite lengths (X.690 section 8.1.3.6) written again with definite ones.
//!
//! Signatures made by older programs come so. What is already definite stays as it was received, octet by octet, so
//! that digests over certificates and signed attributes keep their meaning.

use super::{Asn1Error, Reader, Tag, write};

/// Whether the first value of `bytes` has an indefinite length.
pub fn is_indefinite(bytes: &[u8]) -> bool {
    bytes.get(1) == Some(&INDEFINITE)
}

/// Whether the first value of `bytes` has, at any depth down to `depth`, an indefinite length or an OCTET STRING in
/// pieces, so that a reader of definite lengths needs [`to_definite`] first. What is broken needs nothing: the reader
/// will say so.
pub fn is_needed(bytes: &[u8], depth: usize) -> bool {
    if is_indefinite(bytes) || bytes.first() == Some(&CONSTRUCTED_OCTET_STRING) {
        return true;
    }
    let Ok(value) = Reader::new(bytes).any() else { return false };
    let Some(depth) = depth.checked_sub(1) else { return false };
    if value.tag.0 & CONSTRUCTED == 0 {
        return false;
    }
    let mut rest = value.value;
    while !rest.is_empty() {
        if is_needed(rest, depth) {
            return true;
        }
        let Ok(child) = Reader::new(rest).any() else { return false };
        rest = rest.get(child.raw.len()..).unwrap_or_default();
    }
    false
}

/// The first value of `bytes` with definite lengths throughout, and how many octets it took up.
///
/// A constructed OCTET STRING becomes a primitive one.
///
/// # Errors
///
/// When the value is broken or cut short, or nested more than `depth` deep. Offsets count from the start of the
/// innermost value that was entered.
pub fn to_definite(bytes: &[u8], depth: usize) -> Result<(Vec<u8>, usize), Asn1Error> {
    let mut out = Vec::with_capacity(bytes.len());
    let taken = value(bytes, depth, &mut out)?;
    Ok((out, taken))
}

/// Appends the first value of `bytes` to `out`, and gives the octets it took up.
fn value(bytes: &[u8], depth: usize, out: &mut Vec<u8>) -> Result<usize, Asn1Error> {
    let &[tag, length, ..] = bytes else { return Err(Asn1Error::CutShort { offset: 0 }) };
    if tag & CONSTRUCTED == 0 {
        let whole = Reader::new(bytes).any()?;
        out.extend_from_slice(whole.raw);
        return Ok(whole.raw.len());
    }
    if tag & LONG_TAG == LONG_TAG {
        return Err(Asn1Error::LongTag { offset: 0 });
    }
    let depth = depth.checked_sub(1).ok_or(Asn1Error::Depth { offset: 0 })?;
    let mut content = Vec::new();
    let taken = if length == INDEFINITE {
        HEADER + children_until_end(&bytes[HEADER..], depth, &mut content)?
    } else {
        let whole = Reader::new(bytes).any()?;
        children(whole.value, depth, &mut content)?;
        if content == whole.value && tag != CONSTRUCTED_OCTET_STRING {
            out.extend_from_slice(whole.raw);
            return Ok(whole.raw.len());
        }
        whole.raw.len()
    };
    if tag == CONSTRUCTED_OCTET_STRING {
        let mut pieces = Reader::new(&content);
        let mut octets = Vec::with_capacity(content.len());
        while !pieces.is_empty() {
            octets.extend_from_slice(pieces.take(Tag::OCTET_STRING)?.value);
        }
        out.extend_from_slice(&write::octet_string(&octets));
    } else {
        out.extend_from_slice(&write::value(Tag(tag), &content));
    }
    Ok(taken)
}

/// All values of `bytes`.
fn children(bytes: &[u8], depth: usize, out: &mut Vec<u8>) -> Result<(), Asn1Error> {
    let mut at = 0;
    while at < bytes.len() {
        at += value(&bytes[at..], depth, out)?;
    }
    Ok(())
}

/// The values of `bytes` up to the end-of-contents octets, and how many octets they and the end take up.
fn children_until_end(bytes: &[u8], depth: usize, out: &mut Vec<u8>) -> Result<usize, Asn1Error> {
    let mut at = 0;
    loop {
        match bytes.get(at..at + 2) {
            None => return Err(Asn1Error::CutShort { offset: at }),
            Some([0, 0]) => return Ok(at + 2),
            Some(_) => at += value(&bytes[at..], depth, out)?,
        }
    }
}

/// The length octet of the indefinite form.
const INDEFINITE: u8 = 0x80;

/// The bit of a constructed value, and the bits of a tag in several octets.
const CONSTRUCTED: u8 = 0x20;
const LONG_TAG: u8 = 0x1F;

/// Identifier and length octet of an indefinite value.
const HEADER: usize = 2;

const CONSTRUCTED_OCTET_STRING: u8 = 0x24;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lengths_become_definite_and_the_rest_stays() {
        for (ber, definite) in [
            (&[0x30, 0x80, 0x00, 0x00][..], &[0x30, 0x00][..]),
            (&[0x30, 0x80, 0x05, 0x00, 0x00, 0x00, 0x77], &[0x30, 0x02, 0x05, 0x00]),
            (
                &[0x30, 0x80, 0xA0, 0x80, 0x02, 0x01, 0x07, 0x00, 0x00, 0x31, 0x00, 0x00, 0x00],
                &[0x30, 0x07, 0xA0, 0x03, 0x02, 0x01, 0x07, 0x31, 0x00],
            ),
            // A string in pieces, the second of which is in pieces again.
            (
                &[0x24, 0x80, 0x04, 0x01, b'a', 0x24, 0x05, 0x04, 0x00, 0x04, 0x01, b'b', 0x00, 0x00],
                &[0x04, 0x02, b'a', b'b'],
            ),
            // Definite, though not minimal: as received.
            (
                &[0x30, 0x80, 0x30, 0x81, 0x02, 0x05, 0x00, 0x00, 0x00],
                &[0x30, 0x05, 0x30, 0x81, 0x02, 0x05, 0x00],
            ),
            // Indefinite inside definite.
            (&[0x30, 0x06, 0x30, 0x80, 0x05, 0x00, 0x00, 0x00], &[0x30, 0x04, 0x30, 0x02, 0x05, 0x00]),
        ] {
            let (out, taken) = to_definite(ber, 8).unwrap();
            assert_eq!(out, definite, "{ber:02x?}");
            assert_eq!(&ber[taken..], if ber.last() == Some(&0x77) { &[0x77][..] } else { &[] });
        }
        assert!(is_indefinite(&[0x30, 0x80]) && !is_indefinite(&[0x30, 0x00]) && !is_indefinite(&[0x30]));
    }

    #[test]
    fn it_is_needed_where_something_is_not_definite() {
        for (bytes, needed) in [
            (&[0x30, 0x80, 0x00, 0x00][..], true),
            (&[0x30, 0x04, 0x30, 0x80, 0x00, 0x00], true),
            (&[0x30, 0x06, 0x05, 0x00, 0x30, 0x80, 0x00, 0x00], true),
            (&[0x30, 0x05, 0x24, 0x03, 0x04, 0x01, b'a'], true),
            (&[0x30, 0x04, 0x30, 0x02, 0x05, 0x00], false),
            (&[0x04, 0x02, 0x30, 0x80], false),
            (&[0x30, 0x02, 0x04, 0x80], true),
            (&[0x30, 0x05, 0x05], false),
            (&[], false),
        ] {
            assert_eq!(is_needed(bytes, 8), needed, "{bytes:02x?}");
        }
        let deep = (0..100).fold(vec![0x30, 0x80, 0x00, 0x00], |inner, _| write::sequence([inner]));
        assert!(!is_needed(&deep, 64), "the reader's own limit answers");
        assert!(is_needed(&deep, 128));
    }

    #[test]
    fn broken_values_are_refused() {
        for broken in [
            &[][..],
            &[0x30],
            &[0x30, 0x80],
            &[0x30, 0x80, 0x00],
            &[0x30, 0x80, 0x05, 0x00],
            &[0x04, 0x80, 0x00, 0x00],
            &[0x30, 0x02, 0x30, 0x80],
            &[0x24, 0x80, 0x05, 0x00, 0x00, 0x00],
            &[0x3F, 0x80, 0x00, 0x00],
        ] {
            assert!(to_definite(broken, 8).is_err(), "{broken:02x?}");
        }
        let deep = [[0x30, 0x80].repeat(100), vec![0; 200]].concat();
        assert!(matches!(to_definite(&deep, 64), Err(Asn1Error::Depth { .. })));
        assert!(to_definite(&deep, 100).is_ok());
    }

    proptest! {
        #[test]
        fn any_bytes_are_answered_in_definite_lengths(bytes: Vec<u8>) {
            let needed = is_needed(&bytes, 16);
            if let Ok((definite, taken)) = to_definite(&bytes, 16) {
                prop_assert!(taken <= bytes.len());
                prop_assert!(!is_needed(&definite, 16));
                prop_assert!(needed || definite == bytes[..taken]);
                let again = to_definite(&definite, 16);
                prop_assert_eq!(again, Ok((definite.clone(), definite.len())));
            }
        }
    }
}
