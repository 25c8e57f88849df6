//! Whether keys and digests are still good enough: the one place that policy on algorithms enters the room.
//!
//! Each question takes the time for which it is asked, so that a policy with dates can answer by it.

use spki::AlgorithmIdentifierOwned;

use crate::{
    base::UtcTime,
    x509::algorithm::{KeyKind, SignatureScheme, key_kind},
};

/// The shortest RSA key relied on, in bits (TT 15/2025/TT-BKHCN Annex I).
pub const MIN_RSA_BITS: usize = 2048;

/// The shortest elliptic-curve key relied on, in bits (the same).
const MIN_EC_BITS: usize = 256;

/// What is too weak, or not known: `SHA-1`, `RSA-1024`, `algorithm 1.2.840.10040.4.3`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Weakness(pub(super) String);

/// Whether signatures made at `at` under the key of a SubjectPublicKeyInfo may be relied on.
pub(super) fn key(spki_der: &[u8], _at: UtcTime) -> Result<(), Weakness> {
    match key_kind(spki_der) {
        Ok(kind @ (KeyKind::Brainpool { bits } | KeyKind::Ec { bits })) if bits < MIN_EC_BITS => {
            Err(Weakness(kind.to_string()))
        }
        Ok(kind @ KeyKind::Rsa { bits }) if bits < MIN_RSA_BITS => Err(Weakness(kind.to_string())),
        Ok(_) => Ok(()),
        Err(unknown) => Err(Weakness(unknown.to_string())),
    }
}

/// The scheme of a certificate's, list's or answer's signature, if one made at `at` may be relied on.
pub(super) fn scheme(
    identifier: &AlgorithmIdentifierOwned,
    _at: UtcTime,
) -> Result<SignatureScheme, Weakness> {
    match SignatureScheme::from_identifier(identifier, None) {
        Ok(scheme) => match scheme.weak_digest() {
            Some(digest) => Err(Weakness(digest.name().to_owned())),
            None => Ok(scheme),
        },
        Err(unknown) => Err(Weakness(unknown.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        asn1::{oid, write},
        base::DigestAlgorithm,
    };

    #[test]
    fn short_keys_and_old_digests_are_weak() {
        let rsa = |octets: usize| {
            let key = write::sequence([write::unsigned(&vec![0xC1; octets]), write::unsigned(&[1, 0, 1])]);
            let algorithm = write::algorithm(oid::RSA_ENCRYPTION, Some(&write::null()));
            write::sequence([algorithm, write::bit_string(&key)])
        };
        assert_eq!(key(&rsa(128), UtcTime::MIN), Err(Weakness("RSA-1024".to_owned())));
        assert_eq!(key(&rsa(255), UtcTime::MIN), Err(Weakness("RSA-2040".to_owned())));
        assert_eq!(key(&rsa(256), UtcTime::MIN), Ok(()));
        assert!(key(b"?", UtcTime::MIN).is_err());
        let named = |algorithm| AlgorithmIdentifierOwned { oid: algorithm, parameters: None };
        assert_eq!(scheme(&named(oid::ECDSA_WITH_SHA1), UtcTime::MIN), Err(Weakness("SHA-1".to_owned())));
        assert_eq!(
            scheme(&named(oid::ECDSA_WITH_SHA256), UtcTime::MIN),
            Ok(SignatureScheme::Ecdsa(DigestAlgorithm::Sha256))
        );
        let dsa = der::oid::ObjectIdentifier::new_unwrap("1.2.840.10040.4.3");
        assert_eq!(
            scheme(&named(dsa), UtcTime::MIN),
            Err(Weakness("algorithm 1.2.840.10040.4.3".to_owned()))
        );
    }
}
