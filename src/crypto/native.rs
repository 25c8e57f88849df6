//! Verification by `aws-lc-rs`: the algorithms of today at full speed.

use aws_lc_rs::{
    rsa::PublicKeyComponents,
    signature::{
        ECDSA_P256_SHA1_ASN1, ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA384_ASN1, ECDSA_P256_SHA512_ASN1,
        ECDSA_P384_SHA3_384_ASN1, ECDSA_P384_SHA256_ASN1, ECDSA_P384_SHA384_ASN1, ECDSA_P384_SHA512_ASN1,
        ECDSA_P521_SHA1_ASN1, ECDSA_P521_SHA3_512_ASN1, ECDSA_P521_SHA224_ASN1, ECDSA_P521_SHA256_ASN1,
        ECDSA_P521_SHA384_ASN1, ECDSA_P521_SHA512_ASN1, ED25519, ParsedPublicKey,
        RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY, RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY,
        RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY, RSA_PKCS1_2048_8192_SHA384, RSA_PSS_2048_8192_SHA256,
        RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512, RsaParameters, VerificationAlgorithm,
    },
};

use super::{CryptoError, Verifier, bit_length, unusable, usable_key};
use crate::{
    base::DigestAlgorithm,
    x509::{
        algorithm::SignatureScheme,
        public_key::{Curve, PublicKey},
    },
};

/// RSA PKCS#1 v1.5 of 1024 to 8192 bits with SHA-1, 256 and 512, of 2048 bits and more with SHA-384; PSS of 2048 to
/// 8192 bits with SHA-256, 384 and 512 and a salt as long; ECDSA on P-256, P-384 and P-521 with the digests that are
/// usual there; Ed25519.
#[derive(Clone, Copy, Debug)]
pub struct Native;

impl Verifier for Native {
    fn verify(
        &self,
        spki_der: &[u8],
        scheme: SignatureScheme,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), CryptoError> {
        match usable_key(spki_der, scheme)? {
            PublicKey::Ec { curve, point } => {
                let algorithm = ecdsa(curve, scheme.digest()).ok_or(CryptoError::Unsupported)?;
                let key = ParsedPublicKey::new(algorithm, point)
                    .map_err(|error| unusable(format!("it is no point of its curve ({error})")))?;
                key.verify_sig(message, signature).map_err(|_| CryptoError::BadSignature)
            }
            PublicKey::Ed25519 { key } => {
                let key = ParsedPublicKey::new(&ED25519, key)
                    .map_err(|error| unusable(format!("it is no point of its curve ({error})")))?;
                key.verify_sig(message, signature).map_err(|_| CryptoError::BadSignature)
            }
            PublicKey::Rsa { modulus, exponent, .. } => {
                let parameters = rsa(scheme).ok_or(CryptoError::Unsupported)?;
                if bit_length(modulus) < parameters.min_modulus_len() as usize {
                    return Err(CryptoError::Unsupported);
                }
                let key = PublicKeyComponents { n: modulus, e: exponent };
                key.verify(parameters, message, signature).map_err(|_| CryptoError::BadSignature)
            }
        }
    }
}

fn ecdsa(curve: Curve, digest: DigestAlgorithm) -> Option<&'static dyn VerificationAlgorithm> {
    use DigestAlgorithm::{Sha1, Sha3_384, Sha3_512, Sha224, Sha256, Sha384, Sha512};

    Some(match (curve, digest) {
        (Curve::P256, Sha1) => &ECDSA_P256_SHA1_ASN1,
        (Curve::P256, Sha256) => &ECDSA_P256_SHA256_ASN1,
        (Curve::P256, Sha384) => &ECDSA_P256_SHA384_ASN1,
        (Curve::P256, Sha512) => &ECDSA_P256_SHA512_ASN1,
        (Curve::P384, Sha256) => &ECDSA_P384_SHA256_ASN1,
        (Curve::P384, Sha384) => &ECDSA_P384_SHA384_ASN1,
        (Curve::P384, Sha512) => &ECDSA_P384_SHA512_ASN1,
        (Curve::P384, Sha3_384) => &ECDSA_P384_SHA3_384_ASN1,
        (Curve::P521, Sha1) => &ECDSA_P521_SHA1_ASN1,
        (Curve::P521, Sha224) => &ECDSA_P521_SHA224_ASN1,
        (Curve::P521, Sha256) => &ECDSA_P521_SHA256_ASN1,
        (Curve::P521, Sha384) => &ECDSA_P521_SHA384_ASN1,
        (Curve::P521, Sha512) => &ECDSA_P521_SHA512_ASN1,
        (Curve::P521, Sha3_512) => &ECDSA_P521_SHA3_512_ASN1,
        _ => return None,
    })
}

fn rsa(scheme: SignatureScheme) -> Option<&'static RsaParameters> {
    use DigestAlgorithm::{Sha1, Sha256, Sha384, Sha512};

    match scheme {
        SignatureScheme::RsaPkcs1(Sha1) => Some(&RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY),
        SignatureScheme::RsaPkcs1(Sha256) => Some(&RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY),
        SignatureScheme::RsaPkcs1(Sha384) => Some(&RSA_PKCS1_2048_8192_SHA384),
        SignatureScheme::RsaPkcs1(Sha512) => Some(&RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY),
        SignatureScheme::RsaPss { digest, salt_len } if salt_len == digest.len() => match digest {
            Sha256 => Some(&RSA_PSS_2048_8192_SHA256),
            Sha384 => Some(&RSA_PSS_2048_8192_SHA384),
            Sha512 => Some(&RSA_PSS_2048_8192_SHA512),
            _ => None,
        },
        _ => None,
    }
}
