//! Verification in plain Rust: what runs everywhere, and what is checked only to be called weak.

use ecdsa::signature::hazmat::PrehashVerifier;
use rsa::{BoxedUint, Pkcs1v15Sign, Pss, traits::PublicKeyParts};

use super::{
    CryptoError, MAX_RSA_BITS, MIN_RSA_BITS, Verifier, bit_length, brainpool_p512::BrainpoolP512r1, pss,
    unusable, usable_key,
};
use crate::{
    asn1::write,
    base::DigestAlgorithm,
    x509::{
        algorithm::{SignatureScheme, digest_oid},
        public_key::{Curve, PublicKey},
    },
};

/// RSA of 512 to 8192 bits with any digest, any mask and any salt, ECDSA on every [`Curve`] with any digest, Ed25519.
#[derive(Clone, Copy, Debug)]
pub struct Portable;

impl Verifier for Portable {
    fn verify(
        &self,
        spki_der: &[u8],
        scheme: SignatureScheme,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), CryptoError> {
        match usable_key(spki_der, scheme)? {
            PublicKey::Ec { curve, point } => {
                let hash = scheme.digest().digest(message).bytes;
                ecdsa(curve, point, &hash, signature)
            }
            PublicKey::Ed25519 { key } => ed25519(key, message, signature),
            PublicKey::Rsa { modulus, exponent, .. } => {
                let key = rsa_key(modulus, exponent)?;
                let hash = scheme.digest().digest(message).bytes;
                rsa(&key, scheme, &hash, signature)
            }
        }
    }
}

/// Checks a value over `$number` by the curve's own types; all curves share the words, not the types.
macro_rules! ecdsa_on {
    ($curve:ty, $point:expr, $number:expr, $signature:expr) => {{
        let key = ecdsa::VerifyingKey::<$curve>::from_sec1_bytes($point)
            .map_err(|error| unusable(format!("it is no point of its curve ({error})")))?;
        let value =
            ecdsa::Signature::<$curve>::from_der($signature).map_err(|_| CryptoError::BadSignature)?;
        key.verify_prehash($number, &value).map_err(|_| CryptoError::BadSignature)
    }};
}

fn ecdsa(curve: Curve, point: &[u8], hash: &[u8], signature: &[u8]) -> Result<(), CryptoError> {
    // FIPS 186-5 section 6.4.2 takes a digest shorter than the curve as the number it is.
    let mut number = vec![0; curve.bits().div_ceil(8).saturating_sub(hash.len())];
    number.extend_from_slice(hash);
    match curve {
        Curve::BrainpoolP256r1 => ecdsa_on!(bp256::BrainpoolP256r1, point, &number, signature),
        Curve::BrainpoolP384r1 => ecdsa_on!(bp384::BrainpoolP384r1, point, &number, signature),
        Curve::BrainpoolP512r1 => ecdsa_on!(BrainpoolP512r1, point, &number, signature),
        Curve::P256 => ecdsa_on!(p256::NistP256, point, &number, signature),
        Curve::P384 => ecdsa_on!(p384::NistP384, point, &number, signature),
        Curve::P521 => ecdsa_on!(p521::NistP521, point, &number, signature),
    }
}

fn ed25519(key: &[u8], message: &[u8], signature: &[u8]) -> Result<(), CryptoError> {
    let key = super::ed25519_key(key)?;
    let value = ed25519_dalek::Signature::from_slice(signature).map_err(|_| CryptoError::BadSignature)?;
    key.verify_strict(message, &value).map_err(|_| CryptoError::BadSignature)
}

fn rsa_key(modulus: &[u8], exponent: &[u8]) -> Result<rsa::PublicKey, CryptoError> {
    let number = |digits: &[u8]| {
        let bits = u32::try_from(bit_length(digits)).unwrap_or(u32::MAX);
        BoxedUint::from_be_slice(digits, bits).map_err(|error| unusable(error.to_string()))
    };
    let (modulus, exponent) = (number(modulus)?, number(exponent)?);
    rsa::PublicKey::new_with_size_limits(modulus, exponent, MIN_RSA_BITS..=MAX_RSA_BITS)
        .map_err(|error| unusable(error.to_string()))
}

fn rsa(
    key: &rsa::PublicKey,
    scheme: SignatureScheme,
    hash: &[u8],
    signature: &[u8],
) -> Result<(), CryptoError> {
    use DigestAlgorithm::{Sha1, Sha256, Sha384, Sha512};

    let answer = match scheme {
        SignatureScheme::Ecdsa(_) | SignatureScheme::Ed25519 => return Err(CryptoError::Unsupported),
        SignatureScheme::RsaPkcs1(digest) => key.verify(pkcs1(digest), hash, signature),
        SignatureScheme::RsaPss { digest: Sha1, salt_len } => {
            key.verify(Pss::<sha1::Sha1>::new_with_salt(salt_len), hash, signature)
        }
        SignatureScheme::RsaPss { digest: Sha256, salt_len } => {
            key.verify(Pss::<sha2::Sha256>::new_with_salt(salt_len), hash, signature)
        }
        SignatureScheme::RsaPss { digest: Sha384, salt_len } => {
            key.verify(Pss::<sha2::Sha384>::new_with_salt(salt_len), hash, signature)
        }
        SignatureScheme::RsaPss { digest: Sha512, salt_len } => {
            key.verify(Pss::<sha2::Sha512>::new_with_salt(salt_len), hash, signature)
        }
        SignatureScheme::RsaPss { digest, salt_len } => {
            return other_pss(key, (digest, hash), digest, salt_len, signature);
        }
        SignatureScheme::RsaPssMixed { digest, mask, salt_len } => {
            return other_pss(key, (digest, hash), mask, salt_len, signature);
        }
    };
    answer.map_err(|_| CryptoError::BadSignature)
}

/// The DigestInfo of RFC 8017 section 9.2 up to the digest itself, with the NULL of appendix B.1.
fn pkcs1(digest: DigestAlgorithm) -> Pkcs1v15Sign {
    let algorithm = write::algorithm(digest_oid(digest), Some(&write::null()));
    let mut prefix = write::sequence([algorithm, write::octet_string(&vec![0; digest.len()])]);
    prefix.truncate(prefix.len().saturating_sub(digest.len()));
    Pkcs1v15Sign { hash_len: Some(digest.len()), prefix: prefix.into_boxed_slice() }
}

/// RSASSA-PSS-VERIFY (RFC 8017 section 8.1.2) where the `rsa` crate has no type for digest and mask.
fn other_pss(
    key: &rsa::PublicKey,
    hashed: (DigestAlgorithm, &[u8]),
    mask: DigestAlgorithm,
    salt_len: usize,
    signature: &[u8],
) -> Result<(), CryptoError> {
    let bad = CryptoError::BadSignature;
    if signature.len() != key.size() {
        return Err(bad);
    }
    let value = BoxedUint::from_be_slice(signature, key.n_bits_precision()).map_err(|_| bad.clone())?;
    if value >= *key.n().as_ref() {
        return Err(bad);
    }
    let message = rsa::hazmat::rsa_encrypt(key, &value).map_err(|_| bad.clone())?.to_be_bytes();
    let bits = bit_length(&key.n_bytes()).saturating_sub(1);
    let Some(spare) = message.len().checked_sub(bits.div_ceil(8)) else { return Err(bad) };
    let (above, encoded) = message.split_at(spare);
    let holds = above.iter().all(|octet| *octet == 0) && pss::fits(encoded, bits, hashed, mask, salt_len);
    if holds { Ok(()) } else { Err(bad) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::asn1::oid;

    #[test]
    fn our_own_pss_agrees_with_the_crate() {
        use aws_lc_rs::{
            rand::SystemRandom,
            rsa::{KeyPair, KeySize},
            signature::{KeyPair as _, RSA_PSS_SHA384},
        };

        let pair = KeyPair::generate(KeySize::Rsa2048).unwrap();
        let mut value = vec![0; pair.public_modulus_len()];
        pair.sign(&RSA_PSS_SHA384, &SystemRandom::new(), b"abc", &mut value).unwrap();
        let algorithm = write::algorithm(oid::RSA_ENCRYPTION, Some(&write::null()));
        let spki = write::sequence([algorithm, write::bit_string(pair.public_key().as_ref())]);
        let Ok(PublicKey::Rsa { modulus, exponent, .. }) = PublicKey::from_spki(&spki) else { panic!() };
        let key = rsa_key(modulus, exponent).unwrap();
        let digest = DigestAlgorithm::Sha384;
        let hash = digest.digest(b"abc").bytes;
        let both = |value: &[u8], salt_len: usize| {
            let scheme = SignatureScheme::RsaPss { digest, salt_len };
            let crates = rsa(&key, scheme, &hash, value);
            assert_eq!(other_pss(&key, (digest, &hash), digest, salt_len, value), crates, "{salt_len}");
            crates.is_ok()
        };
        assert!(both(&value, 48));
        for salt_len in [0, 47, 49, 400] {
            assert!(!both(&value, salt_len));
        }
        assert!(!both(&value[1..], 48) && !both(&[], 48));
        assert!(!both(modulus, 48), "not below the modulus");
        assert!(!both(&[0xFF; 256], 48) && !both(&[0; 256], 48));
        for at in 0..value.len() {
            let mut broken = value.clone();
            broken[at] ^= 1;
            assert!(!both(&broken, 48), "octet {at}");
        }
    }

    #[test]
    fn digest_infos_are_those_of_rfc_8017() {
        use DigestAlgorithm::{Md5, Sha1, Sha256, Sha384, Sha512, Sha512_256};
        for (digest, prefix) in [
            (Md5, "3020300c06082a864886f70d020505000410"),
            (Sha1, "3021300906052b0e03021a05000414"),
            (Sha256, "3031300d060960864801650304020105000420"),
            (Sha384, "3041300d060960864801650304020205000430"),
            (Sha512, "3051300d060960864801650304020305000440"),
            (Sha512_256, "3031300d060960864801650304020605000420"),
        ] {
            let made = pkcs1(digest);
            assert_eq!(hex::encode(&made.prefix), prefix, "{digest}");
            assert_eq!(made.hash_len, Some(digest.len()));
        }
    }
}
