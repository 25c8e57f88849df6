//! Subject public keys (RFC 5280 section 4.1.2.7, RFC 3279, RFC 5480), taken apart but not trusted.

use std::fmt;

use der::{Decode, oid::ObjectIdentifier};
use spki::AlgorithmIdentifierOwned;

use super::algorithm::{SignatureScheme, UnknownAlgorithm};
use crate::asn1::{Asn1Error, Reader, Tag, oid};

/// A public key as policy sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyKind {
    /// An elliptic-curve key on a Brainpool curve (RFC 5639).
    Brainpool {
        /// The size of the field: 256, 384 or 512.
        bits: usize,
    },
    /// An elliptic-curve key on a curve of NIST (SP 800-186).
    Ec {
        /// The size of the field: 256, 384 or 521.
        bits: usize,
    },
    /// A key of edwards25519.
    Ed25519,
    /// An RSA key.
    Rsa {
        /// The length of the modulus.
        bits: usize,
    },
}

/// The kind of a SubjectPublicKeyInfo.
///
/// # Errors
///
/// When the algorithm or the curve is unknown, or the key is broken.
pub fn key_kind(spki_der: &[u8]) -> Result<KeyKind, UnknownAlgorithm> {
    PublicKey::from_spki(spki_der).map(|key| key.kind()).map_err(|error| UnknownAlgorithm {
        oid: match error {
            PublicKeyError::Unknown { oid } => oid,
            // A key too broken to name its algorithm is of no algorithm: `joint-iso-itu-t(2) 0`, assigned to nothing.
            PublicKeyError::Malformed { algorithm, .. } => {
                algorithm.unwrap_or(const { ObjectIdentifier::new_unwrap("2.0") })
            }
        },
    })
}

impl KeyKind {
    /// Its size, in bits: of the modulus, or of the field.
    pub const fn bits(self) -> usize {
        match self {
            Self::Brainpool { bits } | Self::Ec { bits } | Self::Rsa { bits } => bits,
            Self::Ed25519 => 255,
        }
    }
}

impl fmt::Display for KeyKind {
    /// `RSA-2048`, `EC-256`, `brainpool-384`, `Ed25519`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Brainpool { bits } => write!(f, "brainpool-{bits}"),
            Self::Ec { bits } => write!(f, "EC-{bits}"),
            Self::Ed25519 => f.write_str("Ed25519"),
            Self::Rsa { bits } => write!(f, "RSA-{bits}"),
        }
    }
}

/// A named curve (RFC 5480 section 2.1.1.1, RFC 5639 section 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Curve {
    /// brainpoolP256r1.
    BrainpoolP256r1,
    /// brainpoolP384r1.
    BrainpoolP384r1,
    /// brainpoolP512r1.
    BrainpoolP512r1,
    /// secp256r1.
    P256,
    /// secp384r1.
    P384,
    /// secp521r1.
    P521,
}

impl Curve {
    /// The size of the field, in bits.
    pub const fn bits(self) -> usize {
        match self {
            Self::BrainpoolP256r1 | Self::P256 => 256,
            Self::BrainpoolP384r1 | Self::P384 => 384,
            Self::BrainpoolP512r1 => 512,
            Self::P521 => 521,
        }
    }

    const fn is_brainpool(self) -> bool {
        matches!(self, Self::BrainpoolP256r1 | Self::BrainpoolP384r1 | Self::BrainpoolP512r1)
    }
}

/// The parts of a SubjectPublicKeyInfo.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PublicKey<'a> {
    /// An elliptic-curve point.
    Ec {
        /// Where it should lie; nobody has looked yet.
        curve: Curve,
        /// The point as received, SEC 1 section 2.3.3.
        point: &'a [u8],
    },
    /// A point of edwards25519 (RFC 8410 section 4).
    Ed25519 {
        /// As received; nobody has looked at its length yet.
        key: &'a [u8],
    },
    /// RSAPublicKey (RFC 8017 appendix A.1.1).
    Rsa {
        /// Big-endian, without leading zeros, not empty.
        modulus: &'a [u8],
        /// Big-endian, without leading zeros, not empty.
        exponent: &'a [u8],
        /// What the key may be used for: `Any`, or PSS alone (RFC 4055 section 1.2).
        usage: RsaUsage,
    },
}

/// What the AlgorithmIdentifier of an RSA key allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RsaUsage {
    /// rsaEncryption: any scheme.
    Any,
    /// id-RSASSA-PSS without parameters: PSS with any.
    AnyPss,
    /// id-RSASSA-PSS with parameters: PSS with this digest and a salt at least this long (RFC 4055 section 3.3).
    Pss(SignatureScheme),
}

/// Why a SubjectPublicKeyInfo was not read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PublicKeyError {
    /// Neither RSA nor Ed25519 nor a curve of [`Curve`].
    #[error("keys of {} are not supported here", UnknownAlgorithm { oid: *oid }.name().map_or_else(|| oid.to_string(), str::to_owned))]
    Unknown {
        /// The algorithm, or the curve.
        oid: ObjectIdentifier,
    },
    /// Broken.
    #[error("not a public key: {reason}")]
    Malformed {
        /// The algorithm, where the key got so far as to name one.
        algorithm: Option<ObjectIdentifier>,
        /// What the reader met.
        reason: String,
    },
}

impl<'a> PublicKey<'a> {
    /// Takes a SubjectPublicKeyInfo apart.
    ///
    /// ```text
    /// SubjectPublicKeyInfo ::= SEQUENCE { algorithm AlgorithmIdentifier, subjectPublicKey BIT STRING }
    /// ```
    ///
    /// # Errors
    ///
    /// When the algorithm or the curve is unknown, or the key is broken.
    pub fn from_spki(spki_der: &'a [u8]) -> Result<Self, PublicKeyError> {
        let (algorithm, key) = split(spki_der).map_err(|error| malformed(None, error.to_string()))?;
        let algorithm = AlgorithmIdentifierOwned::from_der(algorithm)
            .map_err(|error| malformed(None, error.to_string()))?;
        match algorithm.oid {
            oid::EC_PUBLIC_KEY => Ok(Self::Ec { curve: curve(&algorithm)?, point: key }),
            oid::ED25519 if algorithm.parameters.is_some() => {
                Err(malformed(Some(algorithm.oid), "an Ed25519 key with parameters".to_owned()))
            }
            oid::ED25519 => Ok(Self::Ed25519 { key }),
            oid::RSA_ENCRYPTION => rsa(&algorithm, key, RsaUsage::Any),
            oid::RSASSA_PSS => {
                let usage = match &algorithm.parameters {
                    None => RsaUsage::AnyPss,
                    Some(_) => SignatureScheme::from_identifier(&algorithm, None)
                        .map(RsaUsage::Pss)
                        .map_err(|UnknownAlgorithm { oid }| PublicKeyError::Unknown { oid })?,
                };
                rsa(&algorithm, key, usage)
            }
            oid => Err(PublicKeyError::Unknown { oid }),
        }
    }

    /// As policy sees it.
    pub fn kind(&self) -> KeyKind {
        match self {
            Self::Ec { curve, .. } if curve.is_brainpool() => KeyKind::Brainpool { bits: curve.bits() },
            Self::Ec { curve, .. } => KeyKind::Ec { bits: curve.bits() },
            Self::Ed25519 { .. } => KeyKind::Ed25519,
            Self::Rsa { modulus, .. } => KeyKind::Rsa { bits: bit_length(modulus) },
        }
    }
}

fn split(spki_der: &[u8]) -> Result<(&[u8], &[u8]), Asn1Error> {
    let mut reader = Reader::only(spki_der)?.expect(Tag::SEQUENCE)?.reader();
    let algorithm = reader.take(Tag::SEQUENCE)?.raw;
    let key = reader.take(Tag::BIT_STRING)?.bit_string()?;
    reader.finish()?;
    Ok((algorithm, key))
}

fn curve(algorithm: &AlgorithmIdentifierOwned) -> Result<Curve, PublicKeyError> {
    let named: Option<ObjectIdentifier> =
        algorithm.parameters.as_ref().and_then(|parameters| parameters.decode_as().ok());
    match named {
        Some(oid::BRAINPOOL_P256R1) => Ok(Curve::BrainpoolP256r1),
        Some(oid::BRAINPOOL_P384R1) => Ok(Curve::BrainpoolP384r1),
        Some(oid::BRAINPOOL_P512R1) => Ok(Curve::BrainpoolP512r1),
        Some(oid::SECP256R1) => Ok(Curve::P256),
        Some(oid::SECP384R1) => Ok(Curve::P384),
        Some(oid::SECP521R1) => Ok(Curve::P521),
        Some(oid) => Err(PublicKeyError::Unknown { oid }),
        None => Err(malformed(Some(algorithm.oid), "an elliptic-curve key that names no curve".to_owned())),
    }
}

fn rsa<'a>(
    algorithm: &AlgorithmIdentifierOwned,
    key: &'a [u8],
    usage: RsaUsage,
) -> Result<PublicKey<'a>, PublicKeyError> {
    let parts = || {
        let mut reader = Reader::only(key)?.expect(Tag::SEQUENCE)?.reader();
        let parts = (positive(&mut reader)?, positive(&mut reader)?);
        reader.finish()?;
        Ok(parts)
    };
    let (modulus, exponent) =
        parts().map_err(|error: Asn1Error| malformed(Some(algorithm.oid), error.to_string()))?;
    Ok(PublicKey::Rsa { modulus, exponent, usage })
}

/// A positive INTEGER without its sign octet.
fn positive<'a>(reader: &mut Reader<'a>) -> Result<&'a [u8], Asn1Error> {
    match reader.take(Tag::INTEGER)?.value {
        [0, digits @ ..] if digits.first().is_some_and(|first| *first >= 0x80) => Ok(digits),
        digits if digits.first().is_some_and(|first| (1..0x80).contains(first)) => Ok(digits),
        _ => Err(Asn1Error::Content { offset: 0 }),
    }
}

fn bit_length(digits: &[u8]) -> usize {
    let spare = digits.first().map_or(0, |first| first.leading_zeros() as usize);
    digits.len() * 8 - spare
}

fn malformed(algorithm: Option<ObjectIdentifier>, reason: String) -> PublicKeyError {
    PublicKeyError::Malformed { algorithm, reason }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::asn1::write;

    fn spki(algorithm: &[u8], key: &[u8]) -> Vec<u8> {
        write::sequence([algorithm, &write::bit_string(key)])
    }

    fn rsa_key(modulus: &[u8], exponent: &[u8]) -> Vec<u8> {
        let algorithm = write::algorithm(oid::RSA_ENCRYPTION, Some(&write::null()));
        spki(&algorithm, &write::sequence([write::unsigned(modulus), write::unsigned(exponent)]))
    }

    #[test]
    fn rsa_keys_are_measured_by_their_modulus() {
        let mut modulus = vec![0xFF; 256];
        assert_eq!(key_kind(&rsa_key(&modulus, &[1, 0, 1])), Ok(KeyKind::Rsa { bits: 2048 }));
        modulus[0] = 0x01;
        assert_eq!(key_kind(&rsa_key(&modulus, &[1, 0, 1])), Ok(KeyKind::Rsa { bits: 2041 }));
    }

    #[test]
    fn curves_are_read_by_name_only() {
        let ec = |curve| spki(&write::algorithm(oid::EC_PUBLIC_KEY, Some(&write::oid(curve))), &[4, 1, 2]);
        assert_eq!(key_kind(&ec(oid::SECP256R1)), Ok(KeyKind::Ec { bits: 256 }));
        assert_eq!(key_kind(&ec(oid::SECP384R1)), Ok(KeyKind::Ec { bits: 384 }));
        assert_eq!(key_kind(&ec(oid::SECP521R1)), Ok(KeyKind::Ec { bits: 521 }));
        assert_eq!(key_kind(&ec(oid::BRAINPOOL_P256R1)), Ok(KeyKind::Brainpool { bits: 256 }));
        assert_eq!(key_kind(&ec(oid::BRAINPOOL_P384R1)), Ok(KeyKind::Brainpool { bits: 384 }));
        assert_eq!(key_kind(&ec(oid::BRAINPOOL_P512R1)), Ok(KeyKind::Brainpool { bits: 512 }));
        let twisted = ObjectIdentifier::new_unwrap("1.3.36.3.3.2.8.1.1.8");
        assert_eq!(key_kind(&ec(twisted)), Err(UnknownAlgorithm { oid: twisted }));
        let told = PublicKey::from_spki(&ec(twisted)).unwrap_err().to_string();
        assert_eq!(told, "keys of ECDSA on brainpoolP256t1 are not supported here");
        for parameters in [None, Some(write::sequence([write::unsigned(&[1])])), Some(write::null())] {
            let key = spki(&write::algorithm(oid::EC_PUBLIC_KEY, parameters.as_deref()), &[4]);
            assert_eq!(key_kind(&key), Err(UnknownAlgorithm { oid: oid::EC_PUBLIC_KEY }));
        }
    }

    #[test]
    fn kinds_have_names_and_sizes() {
        for (kind, name, bits) in [
            (KeyKind::Brainpool { bits: 512 }, "brainpool-512", 512),
            (KeyKind::Ec { bits: 521 }, "EC-521", 521),
            (KeyKind::Ed25519, "Ed25519", 255),
            (KeyKind::Rsa { bits: 1023 }, "RSA-1023", 1023),
        ] {
            assert_eq!((kind.to_string().as_str(), kind.bits()), (name, bits));
        }
        assert_eq!(key_kind(&spki(&write::algorithm(oid::ED25519, None), &[7; 32])), Ok(KeyKind::Ed25519));
        let parameters = write::algorithm(oid::ED25519, Some(&write::null()));
        assert!(key_kind(&spki(&parameters, &[7; 32])).is_err());
        let dsa = ObjectIdentifier::new_unwrap("1.2.840.10040.4.1");
        assert_eq!(
            key_kind(&spki(&write::algorithm(dsa, None), &[2, 1, 5])),
            Err(UnknownAlgorithm { oid: dsa })
        );
    }

    #[test]
    fn a_pss_key_says_what_it_is_for() {
        let scheme = SignatureScheme::RsaPss { digest: crate::base::DigestAlgorithm::Sha256, salt_len: 32 };
        let key = write::sequence([write::unsigned(&[0xC1; 128]), write::unsigned(&[3])]);
        for (algorithm, expected) in [
            (scheme.to_identifier(), RsaUsage::Pss(scheme)),
            (write::algorithm(oid::RSASSA_PSS, None), RsaUsage::AnyPss),
        ] {
            let der = spki(&algorithm, &key);
            let Ok(PublicKey::Rsa { usage, .. }) = PublicKey::from_spki(&der) else { panic!() };
            assert_eq!(usage, expected);
        }
        let broken = write::algorithm(oid::RSASSA_PSS, Some(&write::null()));
        assert!(PublicKey::from_spki(&spki(&broken, &key)).is_err());
    }

    #[test]
    fn broken_keys_are_refused() {
        let algorithm = write::algorithm(oid::RSA_ENCRYPTION, Some(&write::null()));
        let whole = rsa_key(&[0xC1; 128], &[1, 0, 1]);
        for end in 0..whole.len() {
            assert!(key_kind(&whole[..end]).is_err(), "{end}");
        }
        assert!(key_kind(&[&whole[..], &[0]].concat()).is_err());
        for numbers in [
            vec![vec![0x02, 0x00], write::unsigned(&[3])],
            vec![vec![0x02, 0x01, 0x00], write::unsigned(&[3])],
            vec![vec![0x02, 0x01, 0xC1], write::unsigned(&[3])],
            vec![vec![0x02, 0x02, 0x00, 0x41], write::unsigned(&[3])],
            vec![write::unsigned(&[0xC1; 128])],
            vec![write::unsigned(&[0xC1; 128]), write::unsigned(&[3]), write::null()],
        ] {
            assert!(key_kind(&spki(&algorithm, &write::sequence(&numbers))).is_err(), "{numbers:02x?}");
        }
    }
}
