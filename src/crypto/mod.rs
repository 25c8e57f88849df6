//! Verifying a signature value: one trait, a native and a portable back end.
//!
//! Whether an algorithm or a key length is still good enough is for policy to say: MD5, SHA-1 and RSA-512 are checked
//! here, so that a verdict can tell a weak signature from a wrong one.

mod brainpool_p512;
mod native;
pub mod policy;
mod portable;
mod pss;

pub use native::Native;
pub use portable::Portable;

use crate::x509::{
    algorithm::SignatureScheme,
    public_key::{Curve, PublicKey, PublicKeyError, RsaUsage},
};

/// Something that checks signature values.
pub trait Verifier: Send + Sync {
    /// Checks `signature` over `message` under the key of a SubjectPublicKeyInfo.
    ///
    /// # Errors
    ///
    /// [`CryptoError::BadSignature`] when it does not fit, [`CryptoError::Key`] when the key cannot be used with the
    /// scheme by anyone, [`CryptoError::Unsupported`] when this back end has no answer.
    fn verify(
        &self,
        spki_der: &[u8],
        scheme: SignatureScheme,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), CryptoError>;
}

/// Why a signature value was not confirmed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CryptoError {
    /// The value does not fit key and message.
    #[error("the signature value is wrong")]
    BadSignature,
    /// The key is malformed, too short or too long to use, or of another kind than the scheme.
    #[error("the public key cannot be used: {reason}")]
    Key {
        /// What is wrong with it.
        reason: String,
    },
    /// The back end does not know the algorithm.
    #[error("the scheme is not supported")]
    Unsupported,
}

/// The verifier that kyso uses: `aws-lc-rs`, and the portable one where that has no answer.
///
/// # Errors
///
/// As [`Verifier::verify`].
pub fn verify(
    spki_der: &[u8],
    scheme: SignatureScheme,
    message: &[u8],
    signature: &[u8],
) -> Result<(), CryptoError> {
    match Native.verify(spki_der, scheme, message, signature) {
        Err(CryptoError::Unsupported) => Portable.verify(spki_der, scheme, message, signature),
        answer => answer,
    }
}

/// Reads a key and makes sure that it may be used with `scheme`, before any back end computes with it.
fn usable_key(spki_der: &[u8], scheme: SignatureScheme) -> Result<PublicKey<'_>, CryptoError> {
    let key = PublicKey::from_spki(spki_der).map_err(|error| match error {
        PublicKeyError::Unknown { .. } => CryptoError::Unsupported,
        broken @ PublicKeyError::Malformed { .. } => unusable(broken.to_string()),
    })?;
    match (key, scheme) {
        (PublicKey::Ec { curve, point }, SignatureScheme::Ecdsa(_)) => sound_point(curve, point)?,
        (PublicKey::Ed25519 { key }, SignatureScheme::Ed25519) => {
            ed25519_key(key)?;
        }
        (PublicKey::Rsa { modulus, exponent, usage }, SignatureScheme::RsaPkcs1(_)) => {
            sound_rsa(modulus, exponent)?;
            if usage != RsaUsage::Any {
                return Err(unusable("it is for RSASSA-PSS only"));
            }
        }
        (
            PublicKey::Rsa { modulus, exponent, usage },
            SignatureScheme::RsaPss { .. } | SignatureScheme::RsaPssMixed { .. },
        ) => {
            sound_rsa(modulus, exponent)?;
            if let RsaUsage::Pss(only) = usage
                && !within_pss(scheme, only)
            {
                return Err(unusable("it is for RSASSA-PSS with another digest or a longer salt"));
            }
        }
        (key, _) => {
            return Err(unusable(format!("it is of {}, which {} does not use", key.kind(), scheme.name())));
        }
    }
    Ok(key)
}

/// RFC 4055 section 3.3: the digests of the key's own parameters, and a salt no shorter than they say.
fn within_pss(scheme: SignatureScheme, key: SignatureScheme) -> bool {
    use SignatureScheme::{RsaPss, RsaPssMixed};

    match (scheme, key) {
        (RsaPss { digest, salt_len }, RsaPss { digest: only, salt_len: least }) => {
            digest == only && salt_len >= least
        }
        (
            RsaPssMixed { digest, mask, salt_len },
            RsaPssMixed { digest: only, mask: only_mask, salt_len: least },
        ) => digest == only && mask == only_mask && salt_len >= least,
        _ => false,
    }
}

/// RFC 8032 section 5.1.3: 32 octets that decode to a point in the one way of writing it, and not to one of the eight
/// points of small order, under which a value fits any message.
fn ed25519_key(key: &[u8]) -> Result<ed25519_dalek::VerifyingKey, CryptoError> {
    let octets: &[u8; 32] =
        key.try_into().map_err(|_| unusable(format!("it has {} octets, not 32", key.len())))?;
    // y must be below 2^255 - 19; the top bit is the sign of x.
    let [low, middle @ .., high] = octets;
    if *low >= 0xED && middle.iter().all(|octet| *octet == 0xFF) && high & 0x7F == 0x7F {
        return Err(unusable("its coordinate is not below the order of the field"));
    }
    let key = ed25519_dalek::VerifyingKey::from_bytes(octets)
        .map_err(|error| unusable(format!("it is no point of its curve ({error})")))?;
    if key.is_weak() { Err(unusable("it is a point of small order")) } else { Ok(key) }
}

/// SEC 1 section 2.3.4: a plain or a compressed point. Hybrid ones are forbidden by RFC 5480 section 2.2, and the back
/// ends differ over them; the point at infinity is no key.
fn sound_point(curve: Curve, point: &[u8]) -> Result<(), CryptoError> {
    let coordinate = curve.bits().div_ceil(8);
    match point.first() {
        Some(4) if point.len() == 1 + 2 * coordinate => Ok(()),
        Some(2 | 3) if point.len() == 1 + coordinate => Ok(()),
        _ => Err(unusable("its point is not in a form of its curve")),
    }
}

/// Bounds before arithmetic: no modulus or exponent that costs without end, none under which anything verifies.
fn sound_rsa(modulus: &[u8], exponent: &[u8]) -> Result<(), CryptoError> {
    let odd = |number: &[u8]| number.last().is_some_and(|last| last & 1 == 1);
    let bits = bit_length(modulus);
    if !(MIN_RSA_BITS..=MAX_RSA_BITS).contains(&bits) {
        return Err(unusable(format!(
            "its modulus has {bits} bits; {MIN_RSA_BITS} to {MAX_RSA_BITS} can be used"
        )));
    }
    if !odd(modulus) {
        return Err(unusable("its modulus is even"));
    }
    if !odd(exponent) || exponent == [1] || bit_length(exponent) > MAX_EXPONENT_BITS {
        return Err(unusable("its public exponent is 1, even or huge"));
    }
    Ok(())
}

/// The length of a number without leading zeros.
fn bit_length(digits: &[u8]) -> usize {
    let spare = digits.first().map_or(0, |first| first.leading_zeros() as usize);
    digits.len() * 8 - spare
}

fn unusable(reason: impl Into<String>) -> CryptoError {
    CryptoError::Key { reason: reason.into() }
}

/// Nobody made signatures with less; what is above is checked so that policy can call it short.
const MIN_RSA_BITS: usize = 512;

/// Above this one check costs too much; nobody uses more.
const MAX_RSA_BITS: usize = 8192;

/// Both back ends stop here; nearly all keys have 65537.
const MAX_EXPONENT_BITS: usize = 33;

#[cfg(test)]
mod tests {
    use aws_lc_rs::{
        rand::SystemRandom,
        rsa::{KeyPair as RsaKeyPair, KeySize},
        signature::{self, EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair as _, RsaEncoding},
    };
    use proptest::prelude::*;

    use super::*;
    use crate::{
        asn1::{oid, write},
        base::DigestAlgorithm::{self, Sha1, Sha256, Sha384, Sha512},
    };

    const MESSAGE: &[u8] = "Quyết định số 15/QĐ-UBND".as_bytes();

    /// A key, its SubjectPublicKeyInfo, and a value made with it.
    struct Signed {
        spki: Vec<u8>,
        scheme: SignatureScheme,
        signature: Vec<u8>,
    }

    fn rsa_spki(algorithm: &[u8], key: &RsaKeyPair) -> Vec<u8> {
        write::sequence([algorithm, &write::bit_string(key.public_key().as_ref())])
    }

    fn rsa_encryption() -> Vec<u8> {
        write::algorithm(oid::RSA_ENCRYPTION, Some(&write::null()))
    }

    fn rsa_signed(key: &RsaKeyPair, encoding: &'static dyn RsaEncoding, scheme: SignatureScheme) -> Signed {
        let mut signature = vec![0; key.public_modulus_len()];
        key.sign(encoding, &SystemRandom::new(), MESSAGE, &mut signature).unwrap();
        Signed { spki: rsa_spki(&rsa_encryption(), key), scheme, signature }
    }

    fn rsa_all(size: KeySize) -> Vec<Signed> {
        let key = RsaKeyPair::generate(size).unwrap();
        let pss = |digest: DigestAlgorithm| SignatureScheme::RsaPss { digest, salt_len: digest.len() };
        vec![
            rsa_signed(&key, &signature::RSA_PKCS1_SHA256, SignatureScheme::RsaPkcs1(Sha256)),
            rsa_signed(&key, &signature::RSA_PKCS1_SHA384, SignatureScheme::RsaPkcs1(Sha384)),
            rsa_signed(&key, &signature::RSA_PKCS1_SHA512, SignatureScheme::RsaPkcs1(Sha512)),
            rsa_signed(&key, &signature::RSA_PSS_SHA256, pss(Sha256)),
            rsa_signed(&key, &signature::RSA_PSS_SHA384, pss(Sha384)),
            rsa_signed(&key, &signature::RSA_PSS_SHA512, pss(Sha512)),
        ]
    }

    fn ec_spki(curve: der::oid::ObjectIdentifier, point: &[u8]) -> Vec<u8> {
        let algorithm = write::algorithm(oid::EC_PUBLIC_KEY, Some(&write::oid(curve)));
        write::sequence([algorithm, write::bit_string(point)])
    }

    /// Any digest under any curve: signing takes the digest that the algorithm hashes with, or one made before.
    fn ec_all(algorithm: &'static EcdsaSigningAlgorithm, curve: der::oid::ObjectIdentifier) -> Vec<Signed> {
        let key = EcdsaKeyPair::generate(algorithm).unwrap();
        [Sha256, Sha384, Sha512]
            .into_iter()
            .map(|digest| {
                let value = sign_prehashed(&key, digest);
                let spki = ec_spki(curve, key.public_key().as_ref());
                Signed { spki, scheme: SignatureScheme::Ecdsa(digest), signature: value }
            })
            .collect()
    }

    /// ECDSA over a digest that the curve is not usually paired with, by the RustCrypto signer.
    fn sign_prehashed(key: &EcdsaKeyPair, digest: DigestAlgorithm) -> Vec<u8> {
        use aws_lc_rs::encoding::{AsBigEndian, EcPrivateKeyBin};
        use p256::ecdsa::signature::hazmat::PrehashSigner;

        let scalar: EcPrivateKeyBin<'_> = key.private_key().as_be_bytes().unwrap();
        let hash = digest.digest(MESSAGE).bytes;
        let scalar = scalar.as_ref();
        if scalar.len() == 32 {
            let signer = p256::ecdsa::SigningKey::from_slice(scalar).unwrap();
            let value: p256::ecdsa::Signature = signer.sign_prehash(&hash).unwrap();
            value.to_der().as_bytes().to_vec()
        } else {
            let signer = p384::ecdsa::SigningKey::from_slice(scalar).unwrap();
            let value: p384::ecdsa::Signature = signer.sign_prehash(&hash).unwrap();
            value.to_der().as_bytes().to_vec()
        }
    }

    fn everything() -> Vec<Signed> {
        let mut all = rsa_all(KeySize::Rsa2048);
        all.extend(rsa_all(KeySize::Rsa3072));
        all.extend(ec_all(&signature::ECDSA_P256_SHA256_ASN1_SIGNING, oid::SECP256R1));
        all.extend(ec_all(&signature::ECDSA_P384_SHA384_ASN1_SIGNING, oid::SECP384R1));
        all
    }

    fn agreed(signed: &Signed, message: &[u8], value: &[u8]) -> Result<(), CryptoError> {
        let native = Native.verify(&signed.spki, signed.scheme, message, value);
        let portable = Portable.verify(&signed.spki, signed.scheme, message, value);
        assert_eq!(native, portable, "{:?} over {message:02x?}: {value:02x?}", signed.scheme);
        assert_eq!(verify(&signed.spki, signed.scheme, message, value), native);
        native
    }

    #[test]
    fn both_back_ends_accept_what_was_signed() {
        for signed in everything() {
            assert_eq!(agreed(&signed, MESSAGE, &signed.signature), Ok(()));
        }
    }

    #[test]
    fn both_back_ends_refuse_what_was_not() {
        let bad = Err(CryptoError::BadSignature);
        for signed in everything() {
            assert_eq!(agreed(&signed, b"another message", &signed.signature), bad);
            assert_eq!(agreed(&signed, MESSAGE, &[]), bad);
            assert_eq!(agreed(&signed, MESSAGE, &vec![0; signed.signature.len()]), bad);
            assert_eq!(agreed(&signed, MESSAGE, &vec![0xFF; signed.signature.len()]), bad);
            assert_eq!(agreed(&signed, MESSAGE, &[&signed.signature[..], &[0]].concat()), bad);
            assert_eq!(agreed(&signed, MESSAGE, &[&[0][..], &signed.signature].concat()), bad);
            let short = &signed.signature[..signed.signature.len() - 1];
            assert_eq!(agreed(&signed, MESSAGE, short), bad);
            for at in (0..signed.signature.len()).step_by(13) {
                let mut value = signed.signature.clone();
                value[at] ^= 1 << (at % 8);
                assert_eq!(agreed(&signed, MESSAGE, &value), bad, "octet {at}");
            }
        }
    }

    #[test]
    fn both_back_ends_refuse_another_scheme() {
        for signed in everything() {
            let others = [Sha256, Sha384, Sha512].into_iter().flat_map(|digest| match signed.scheme {
                SignatureScheme::Ecdsa(_) => vec![SignatureScheme::Ecdsa(digest)],
                _ => vec![
                    SignatureScheme::RsaPkcs1(digest),
                    SignatureScheme::RsaPss { digest, salt_len: digest.len() },
                ],
            });
            for scheme in others.filter(|scheme| *scheme != signed.scheme) {
                let other = Signed { scheme, spki: signed.spki.clone(), signature: Vec::new() };
                assert_eq!(
                    agreed(&other, MESSAGE, &signed.signature),
                    Err(CryptoError::BadSignature),
                    "{scheme:?}"
                );
            }
        }
    }

    #[test]
    fn ecdsa_values_are_der_and_nothing_else() {
        for signed in ec_all(&signature::ECDSA_P256_SHA256_ASN1_SIGNING, oid::SECP256R1) {
            let mut numbers = crate::asn1::Reader::only(&signed.signature).unwrap().reader();
            let (r, s) = (numbers.any().unwrap().raw, numbers.any().unwrap().raw);
            let zero: &[u8] = &write::unsigned(&[0]);
            let padded = |number: &[u8]| {
                crate::asn1::write::value(crate::asn1::Tag::INTEGER, &[&[0], &number[2..]].concat())
            };
            for value in [
                write::sequence([r, zero]),
                write::sequence([zero, s]),
                write::sequence([r]),
                write::sequence([r, s, zero]),
                write::sequence([&padded(r), s]),
                [&[0x30, 0x81][..], &signed.signature[1..]].concat(),
            ] {
                assert_eq!(agreed(&signed, MESSAGE, &value), Err(CryptoError::BadSignature));
            }
        }
    }

    #[test]
    fn a_salt_of_another_length_is_checked_as_named() {
        let key = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
        let scheme = |salt_len| SignatureScheme::RsaPss { digest: Sha256, salt_len };
        let signed = rsa_signed(&key, &signature::RSA_PSS_SHA256, scheme(32));
        assert_eq!(verify(&signed.spki, scheme(32), MESSAGE, &signed.signature), Ok(()));
        for salt_len in [0, 20, 31, 33, 222, 223, 1024] {
            assert_eq!(
                verify(&signed.spki, scheme(salt_len), MESSAGE, &signed.signature),
                Err(CryptoError::BadSignature),
                "{salt_len}"
            );
        }
    }

    #[test]
    fn p521_and_ed25519_are_checked_by_both() {
        let key = EcdsaKeyPair::generate(&signature::ECDSA_P521_SHA512_ASN1_SIGNING).unwrap();
        let ecdsa = Signed {
            spki: ec_spki(oid::SECP521R1, key.public_key().as_ref()),
            scheme: SignatureScheme::Ecdsa(Sha512),
            signature: key.sign(&SystemRandom::new(), MESSAGE).unwrap().as_ref().to_vec(),
        };
        let key = Ed25519KeyPair::generate().unwrap();
        let eddsa = Signed {
            spki: ed25519_spki(key.public_key().as_ref()),
            scheme: SignatureScheme::Ed25519,
            signature: key.sign(MESSAGE).as_ref().to_vec(),
        };
        for signed in [ecdsa, eddsa] {
            assert_eq!(agreed(&signed, MESSAGE, &signed.signature), Ok(()));
            assert_eq!(agreed(&signed, b"other", &signed.signature), Err(CryptoError::BadSignature));
            for at in 0..signed.signature.len() {
                let mut value = signed.signature.clone();
                value[at] ^= 0x10;
                assert_eq!(agreed(&signed, MESSAGE, &value), Err(CryptoError::BadSignature), "octet {at}");
                let cut = &signed.signature[..at];
                assert_eq!(agreed(&signed, MESSAGE, cut), Err(CryptoError::BadSignature), "{at}");
            }
        }
    }

    #[test]
    fn ed25519_keys_under_which_anything_fits_are_refused() {
        let number = |low: u8, middle: u8, high: u8| [&[low][..], &[middle; 30], &[high]].concat();
        for (what, key) in [
            ("the neutral point", number(1, 0, 0)),
            ("the neutral point with a sign", number(1, 0, 0x80)),
            ("order 2", number(0xEC, 0xFF, 0x7F)),
            ("order 4", number(0, 0, 0)),
            ("not below the field", number(0xED, 0xFF, 0x7F)),
            ("not below the field, with a sign", number(0xEE, 0xFF, 0xFF)),
            ("no point", number(2, 0, 0)),
            ("too short", vec![9; 31]),
            ("too long", vec![9; 33]),
            ("empty", Vec::new()),
        ] {
            for verifier in [&Native as &dyn Verifier, &Portable] {
                let value = [&number(1, 0, 0)[..], &[0; 32]].concat();
                let answer = verifier.verify(&ed25519_spki(&key), SignatureScheme::Ed25519, MESSAGE, &value);
                assert!(matches!(answer, Err(CryptoError::Key { .. })), "{what}: {answer:?}");
            }
        }
    }

    fn ed25519_spki(key: &[u8]) -> Vec<u8> {
        write::sequence([write::algorithm(oid::ED25519, None), write::bit_string(key)])
    }

    #[test]
    fn a_pss_key_binds_mixed_schemes_as_well() {
        let key = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
        let mixed = |mask, salt_len| SignatureScheme::RsaPssMixed { digest: Sha256, mask, salt_len };
        let plain = SignatureScheme::RsaPss { digest: Sha256, salt_len: 20 };
        for (own, scheme, usable) in [
            (mixed(Sha1, 20), mixed(Sha1, 20), true),
            (mixed(Sha1, 20), mixed(Sha1, 32), true),
            (mixed(Sha1, 20), mixed(Sha1, 19), false),
            (mixed(Sha1, 20), mixed(Sha384, 20), false),
            (mixed(Sha1, 20), plain, false),
            (plain, mixed(Sha1, 20), false),
        ] {
            let spki = rsa_spki(&own.to_identifier(), &key);
            let answer = verify(&spki, scheme, MESSAGE, &[1; 256]);
            assert_eq!(
                matches!(answer, Err(CryptoError::BadSignature)),
                usable,
                "{own:?} {scheme:?}: {answer:?}"
            );
        }
    }

    #[test]
    fn a_key_that_cannot_be_used_is_named() {
        let key = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
        let pkcs1 = SignatureScheme::RsaPkcs1(Sha256);
        let signed = rsa_signed(&key, &signature::RSA_PKCS1_SHA256, pkcs1);
        let Ok(PublicKey::Rsa { modulus, .. }) = PublicKey::from_spki(&signed.spki) else { panic!() };
        let even = [&modulus[..modulus.len() - 1], &[0x10]].concat();
        let rsa = |modulus: &[u8], exponent: &[u8]| {
            let key = write::sequence([write::unsigned(modulus), write::unsigned(exponent)]);
            write::sequence([rsa_encryption(), write::bit_string(&key)])
        };
        let point = EcdsaKeyPair::generate(&signature::ECDSA_P256_SHA256_ASN1_SIGNING).unwrap();
        let point = point.public_key().as_ref().to_vec();
        let mut off_curve = point.clone();
        off_curve[64] ^= 1;
        let ecdsa = SignatureScheme::Ecdsa(Sha256);
        let sha384_pss = SignatureScheme::RsaPss { digest: Sha384, salt_len: 48 };
        for (what, spki, scheme) in [
            ("exponent 1", rsa(modulus, &[1]), pkcs1),
            ("even exponent", rsa(modulus, &[2]), pkcs1),
            ("huge exponent", rsa(modulus, &[0x7F; 5]), pkcs1),
            ("exponent as long as the modulus", rsa(modulus, modulus), pkcs1),
            ("even modulus", rsa(&even, &[1, 0, 1]), pkcs1),
            ("short modulus", rsa(&[0xC1; 63], &[1, 0, 1]), pkcs1),
            ("huge modulus", rsa(&[0xC1; 1025], &[1, 0, 1]), pkcs1),
            ("no key", rsa_encryption(), pkcs1),
            ("nothing", Vec::new(), pkcs1),
            ("RSA key for ECDSA", signed.spki.clone(), ecdsa),
            ("EC key for RSA", ec_spki(oid::SECP256R1, &point), pkcs1),
            ("EC key for Ed25519", ec_spki(oid::SECP256R1, &point), SignatureScheme::Ed25519),
            ("Ed25519 key for ECDSA", ed25519_spki(&[9; 32]), ecdsa),
            ("off the curve", ec_spki(oid::SECP256R1, &off_curve), ecdsa),
            ("point of another curve", ec_spki(oid::SECP384R1, &point), ecdsa),
            ("point at infinity", ec_spki(oid::SECP256R1, &[0]), ecdsa),
            ("point cut short", ec_spki(oid::SECP256R1, &point[..64]), ecdsa),
            ("hybrid point", ec_spki(oid::SECP256R1, &[&[6], &point[1..]].concat()), ecdsa),
            ("empty point", ec_spki(oid::SECP256R1, &[]), ecdsa),
            ("PSS key for PKCS1", rsa_spki(&write::algorithm(oid::RSASSA_PSS, None), &key), pkcs1),
            (
                "PSS key with another digest",
                rsa_spki(&sha384_pss.to_identifier(), &key),
                SignatureScheme::RsaPss { digest: Sha256, salt_len: 48 },
            ),
        ] {
            for (verifier, name) in [(&Native as &dyn Verifier, "native"), (&Portable, "portable")] {
                let answer = verifier.verify(&spki, scheme, MESSAGE, &signed.signature);
                assert!(matches!(answer, Err(CryptoError::Key { .. })), "{what}, {name}: {answer:?}");
            }
        }
        let ed448 = write::sequence([write::algorithm(oid::ED448, None), write::bit_string(&[7; 57])]);
        assert_eq!(verify(&ed448, ecdsa, MESSAGE, &[0; 114]), Err(CryptoError::Unsupported));
    }

    #[test]
    fn compressed_points_are_read_by_both_or_by_none() {
        use p256::elliptic_curve::sec1::ToSec1Point;
        for signed in ec_all(&signature::ECDSA_P256_SHA256_ASN1_SIGNING, oid::SECP256R1) {
            let PublicKey::Ec { point, .. } = PublicKey::from_spki(&signed.spki).unwrap() else { panic!() };
            let key = p256::PublicKey::from_sec1_bytes(point).unwrap();
            let spki = ec_spki(oid::SECP256R1, key.to_sec1_point(true).as_bytes());
            let compressed = Signed { spki, scheme: signed.scheme, signature: Vec::new() };
            assert_eq!(agreed(&compressed, MESSAGE, &signed.signature), Ok(()));
        }
    }

    #[test]
    fn sha1_is_checked_so_that_policy_can_name_it() {
        let key = EcdsaKeyPair::generate(&signature::ECDSA_P384_SHA384_ASN1_SIGNING).unwrap();
        let spki = ec_spki(oid::SECP384R1, key.public_key().as_ref());
        let value = {
            use aws_lc_rs::encoding::{AsBigEndian, EcPrivateKeyBin};
            use p384::ecdsa::signature::hazmat::PrehashSigner;
            let scalar: EcPrivateKeyBin<'_> = key.private_key().as_be_bytes().unwrap();
            let signer = p384::ecdsa::SigningKey::from_slice(scalar.as_ref()).unwrap();
            let mut hash = vec![0; 28];
            hash.extend(Sha1.digest(MESSAGE).bytes);
            let value: p384::ecdsa::Signature = signer.sign_prehash(&hash).unwrap();
            value.to_der().as_bytes().to_vec()
        };
        let scheme = SignatureScheme::Ecdsa(Sha1);
        assert_eq!(verify(&spki, scheme, MESSAGE, &value), Ok(()));
        assert_eq!(verify(&spki, scheme, b"other", &value), Err(CryptoError::BadSignature));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        #[test]
        fn any_bytes_are_answered(spki: Vec<u8>, value: Vec<u8>, message: Vec<u8>) {
            for scheme in [
                SignatureScheme::Ecdsa(Sha256),
                SignatureScheme::RsaPkcs1(Sha1),
                SignatureScheme::RsaPss { digest: Sha512, salt_len: 9 },
                SignatureScheme::RsaPssMixed { digest: Sha512, mask: Sha1, salt_len: 9 },
                SignatureScheme::Ed25519,
            ] {
                prop_assert!(verify(&spki, scheme, &message, &value).is_err());
            }
        }
    }
}
