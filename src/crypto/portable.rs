//! Verification in plain Rust: what runs everywhere, and what is checked only to be called weak.

use p256::ecdsa::signature::hazmat::PrehashVerifier;
use rsa::{BoxedUint, Pkcs1v15Sign, Pss};

use super::{CryptoError, Verifier, bit_length, unusable, usable_key};
use crate::{
    base::DigestAlgorithm,
    x509::{
        algorithm::SignatureScheme,
        public_key::{Curve, PublicKey},
    },
};

/// RSA of 1024 to 8192 bits with any digest and any salt, and ECDSA on P-256 and P-384. No P-521.
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
            PublicKey::Ec { curve: Curve::P521, .. } => Err(CryptoError::Unsupported),
            PublicKey::Ec { curve, point } => {
                let hash = scheme.digest().digest(message).bytes;
                ecdsa(curve, point, &hash, signature)
            }
            PublicKey::Rsa { modulus, exponent, .. } => {
                let key = rsa_key(modulus, exponent)?;
                let hash = scheme.digest().digest(message).bytes;
                rsa(&key, scheme, &hash, signature)
            }
        }
    }
}

fn ecdsa(curve: Curve, point: &[u8], hash: &[u8], signature: &[u8]) -> Result<(), CryptoError> {
    let no_point = |error| unusable(format!("it is no point of its curve ({error})"));
    let bad = |_| CryptoError::BadSignature;
    // FIPS 186-5 section 6.4.2 takes a digest shorter than the curve as the number it is.
    let mut number = vec![0; (curve.bits() / 8).saturating_sub(hash.len())];
    number.extend_from_slice(hash);
    if curve == Curve::P256 {
        let key = p256::ecdsa::VerifyingKey::from_sec1_bytes(point).map_err(no_point)?;
        let value = p256::ecdsa::Signature::from_der(signature).map_err(bad)?;
        key.verify_prehash(&number, &value).map_err(bad)
    } else {
        let key = p384::ecdsa::VerifyingKey::from_sec1_bytes(point).map_err(no_point)?;
        let value = p384::ecdsa::Signature::from_der(signature).map_err(bad)?;
        key.verify_prehash(&number, &value).map_err(bad)
    }
}

fn rsa_key(modulus: &[u8], exponent: &[u8]) -> Result<rsa::PublicKey, CryptoError> {
    let number = |digits: &[u8]| {
        let bits = u32::try_from(bit_length(digits)).unwrap_or(u32::MAX);
        BoxedUint::from_be_slice(digits, bits).map_err(|error| unusable(error.to_string()))
    };
    rsa::PublicKey::new(number(modulus)?, number(exponent)?).map_err(|error| unusable(error.to_string()))
}

fn rsa(
    key: &rsa::PublicKey,
    scheme: SignatureScheme,
    hash: &[u8],
    signature: &[u8],
) -> Result<(), CryptoError> {
    use DigestAlgorithm::{Sha1, Sha256, Sha384, Sha512};

    let answer = match scheme {
        SignatureScheme::Ecdsa(_) => return Err(CryptoError::Unsupported),
        SignatureScheme::RsaPkcs1(Sha1) => key.verify(Pkcs1v15Sign::new::<sha1::Sha1>(), hash, signature),
        SignatureScheme::RsaPkcs1(Sha256) => key.verify(Pkcs1v15Sign::new::<sha2::Sha256>(), hash, signature),
        SignatureScheme::RsaPkcs1(Sha384) => key.verify(Pkcs1v15Sign::new::<sha2::Sha384>(), hash, signature),
        SignatureScheme::RsaPkcs1(Sha512) => key.verify(Pkcs1v15Sign::new::<sha2::Sha512>(), hash, signature),
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
    };
    answer.map_err(|_| CryptoError::BadSignature)
}
