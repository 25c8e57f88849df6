//! Extensions of certificates, revocation lists and their entries (RFC 5280 section 4.1).

use der::oid::ObjectIdentifier;

use super::{X509Error, within};
use crate::asn1::{Tag, Tlv};

/// ```text
/// Extension ::= SEQUENCE { extnID OBJECT IDENTIFIER, critical BOOLEAN DEFAULT FALSE, extnValue OCTET STRING }
/// ```
#[derive(Clone, Debug)]
pub(super) struct Extension<'a> {
    pub(super) oid: ObjectIdentifier,
    pub(super) critical: bool,
    /// The content of extnValue.
    pub(super) value: &'a [u8],
}

/// Reads `Extensions ::= SEQUENCE SIZE (1..MAX) OF Extension`, refusing an extension that occurs twice
/// (RFC 5280 section 4.2).
pub(super) fn extensions<'a>(sequence: &Tlv<'a>) -> Result<Vec<Extension<'a>>, X509Error> {
    let in_extensions = within("extensions");
    sequence.expect(Tag::SEQUENCE).map_err(&in_extensions)?;
    let mut reader = sequence.reader();
    let mut found: Vec<Extension<'a>> = Vec::new();
    while !reader.is_empty() {
        let extension = extension(&reader.take(Tag::SEQUENCE).map_err(&in_extensions)?)?;
        if found.iter().any(|other| other.oid == extension.oid) {
            return Err(X509Error::because(format!("extension {} occurs twice", extension.oid)));
        }
        if found.len() == MAX_EXTENSIONS {
            return Err(X509Error::because(format!("more than {MAX_EXTENSIONS} extensions")));
        }
        found.push(extension);
    }
    Ok(found)
}

/// A BOOLEAN, which DER writes as 0x00 or 0xFF.
pub(super) fn boolean(value: &Tlv<'_>) -> Result<bool, X509Error> {
    value.expect(Tag::BOOLEAN).map_err(within("a BOOLEAN"))?;
    match value.value {
        [0x00] => Ok(false),
        [0xFF] => Ok(true),
        _ => Err(X509Error::because("a BOOLEAN is neither true nor false")),
    }
}

fn extension<'a>(sequence: &Tlv<'a>) -> Result<Extension<'a>, X509Error> {
    let in_extension = within("an extension");
    let mut reader = sequence.reader();
    let oid = reader.take(Tag::OID).and_then(|oid| oid.oid()).map_err(&in_extension)?;
    let critical = match reader.optional(Tag::BOOLEAN).map_err(&in_extension)? {
        Some(value) => boolean(&value)?,
        None => false,
    };
    let value = reader.take(Tag::OCTET_STRING).map_err(&in_extension)?.value;
    reader.finish().map_err(&in_extension)?;
    Ok(Extension { oid, critical, value })
}

/// Honest certificates hold about ten; the bound keeps the search for duplicates cheap.
const MAX_EXTENSIONS: usize = 64;
