//! What a token says of the keys that it holds.

use cryptoki::{
    object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle},
    session::Session,
};

use super::text;
use crate::{
    asn1::{self, oid},
    token::{TokenKey, TokenKeyKind, error::TokenError, worker::Progress},
};

/// The private keys that a session shows, in the order of their labels and ids.
pub(in crate::token) fn private_keys(
    session: &Session,
    progress: &Progress,
) -> Result<Vec<(ObjectHandle, TokenKey)>, TokenError> {
    progress.at("C_FindObjects");
    let mut keys = Vec::new();
    for object in session.find_objects(&[Attribute::Class(ObjectClass::PRIVATE_KEY)])? {
        progress.at("C_GetAttributeValue");
        let mut key = TokenKey {
            id: Vec::new(),
            label: String::new(),
            kind: TokenKeyKind::Other,
            always_authenticate: false,
        };
        let mut key_type = None;
        for attribute in session
            .get_attributes(object, &[AttributeType::Id, AttributeType::Label, AttributeType::KeyType])?
        {
            match attribute {
                Attribute::Id(octets) => key.id = octets,
                Attribute::Label(octets) => key.label = text(&octets),
                Attribute::KeyType(found) => key_type = Some(found),
                _ => {}
            }
        }
        key.kind = match key_type {
            Some(KeyType::RSA) => TokenKeyKind::Rsa { bits: modulus_bits(session, object)? },
            Some(KeyType::EC) => TokenKeyKind::Ec { bits: curve_bits(session, object)? },
            _ => TokenKeyKind::Other,
        };
        // Older drivers do not know the attribute; then the key does not want the PIN.
        key.always_authenticate = optional(session, object, AttributeType::AlwaysAuthenticate)?
            == Some(Attribute::AlwaysAuthenticate(true));
        keys.push((object, key));
    }
    keys.sort_by(|(_, one), (_, other)| (&one.label, &one.id).cmp(&(&other.label, &other.id)));
    Ok(keys)
}

fn modulus_bits(session: &Session, key: ObjectHandle) -> Result<usize, TokenError> {
    let Some(Attribute::Modulus(modulus)) = optional(session, key, AttributeType::Modulus)? else {
        return Ok(0);
    };
    let digits = modulus.iter().skip_while(|octet| **octet == 0).collect::<Vec<_>>();
    Ok(digits.first().map_or(0, |first| digits.len() * 8 - first.leading_zeros() as usize))
}

fn curve_bits(session: &Session, key: ObjectHandle) -> Result<usize, TokenError> {
    let Some(Attribute::EcParams(parameters)) = optional(session, key, AttributeType::EcParams)? else {
        return Ok(0);
    };
    let curve = asn1::Reader::only(&parameters).and_then(|value| value.oid()).ok();
    Ok(match curve {
        Some(oid::SECP256R1) => 256,
        Some(oid::SECP384R1) => 384,
        Some(oid::SECP521R1) => 521,
        _ => 0,
    })
}

/// An attribute that the token may not have.
pub(super) fn optional(
    session: &Session,
    object: ObjectHandle,
    attribute: AttributeType,
) -> Result<Option<Attribute>, TokenError> {
    match session.get_attributes(object, &[attribute]) {
        Ok(found) => Ok(found.into_iter().next()),
        Err(error) => match TokenError::from(error) {
            gone if gone.is_gone() => Err(gone),
            _ => Ok(None),
        },
    }
}
