//! Keys in memory. For the demo and the tests only: a leader's key lives on a token.

use std::fmt;

use aws_lc_rs::{
    encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der},
    rand::SystemRandom,
    rsa::{KeyPair as RsaKeyPair, KeySize},
    signature::{
        ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm,
        KeyPair as _, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256, RSA_PSS_SHA384,
        RSA_PSS_SHA512, RsaSignatureEncoding,
    },
};
use zeroize::Zeroizing;

use super::PkiError;
use crate::{base::DigestAlgorithm, x509::algorithm::SignatureScheme};

/// What a key is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyAlgorithm {
    /// ECDSA on secp256r1; signs with SHA-256.
    EcP256,
    /// ECDSA on secp384r1; signs with SHA-384.
    EcP384,
    /// RSA, 2048 bits.
    Rsa2048,
    /// RSA, 3072 bits.
    Rsa3072,
}

/// A private key in memory.
pub struct SigningKey {
    pair: Pair,
    spki: Vec<u8>,
    pkcs8: Zeroizing<Vec<u8>>,
}

enum Pair {
    Ec(EcdsaKeyPair, DigestAlgorithm),
    Rsa(RsaKeyPair),
}

impl SigningKey {
    /// A fresh key.
    ///
    /// # Errors
    ///
    /// When the library fails to make one.
    pub fn generate(algorithm: KeyAlgorithm) -> Result<Self, PkiError> {
        let ec = |algorithm| EcdsaKeyPair::generate(algorithm).and_then(|pair| pair.to_pkcs8v1());
        let rsa = |size| {
            let pair = RsaKeyPair::generate(size)?;
            let pkcs8: Pkcs8V1Der<'static> = pair.as_der()?;
            Ok(pkcs8)
        };
        let failed = |_: aws_lc_rs::error::Unspecified| PkiError::Key { reason: "no key could be made" };
        match algorithm {
            KeyAlgorithm::EcP256 => {
                Self::from_pkcs8(ec(&ECDSA_P256_SHA256_ASN1_SIGNING).map_err(failed)?.as_ref())
            }
            KeyAlgorithm::EcP384 => {
                Self::from_pkcs8(ec(&ECDSA_P384_SHA384_ASN1_SIGNING).map_err(failed)?.as_ref())
            }
            KeyAlgorithm::Rsa2048 => Self::from_pkcs8(rsa(KeySize::Rsa2048).map_err(failed)?.as_ref()),
            KeyAlgorithm::Rsa3072 => Self::from_pkcs8(rsa(KeySize::Rsa3072).map_err(failed)?.as_ref()),
        }
    }

    /// Reads an unencrypted PKCS#8 key (RFC 5208): RSA, P-256 or P-384.
    ///
    /// # Errors
    ///
    /// When it is none of these.
    pub fn from_pkcs8(pkcs8: &[u8]) -> Result<Self, PkiError> {
        let ec = |algorithm: &'static EcdsaSigningAlgorithm| EcdsaKeyPair::from_pkcs8(algorithm, pkcs8);
        let (pair, spki) = if let Ok(pair) = RsaKeyPair::from_pkcs8(pkcs8) {
            let spki: Result<PublicKeyX509Der<'static>, _> = pair.public_key().as_der();
            (Pair::Rsa(pair), spki)
        } else if let Ok(pair) = ec(&ECDSA_P256_SHA256_ASN1_SIGNING) {
            let spki = pair.public_key().as_der();
            (Pair::Ec(pair, DigestAlgorithm::Sha256), spki)
        } else if let Ok(pair) = ec(&ECDSA_P384_SHA384_ASN1_SIGNING) {
            let spki = pair.public_key().as_der();
            (Pair::Ec(pair, DigestAlgorithm::Sha384), spki)
        } else {
            return Err(PkiError::Key { reason: "not an unencrypted PKCS#8 key of RSA, P-256 or P-384" });
        };
        let spki = spki.map_err(|_| PkiError::Key { reason: "its public half could not be written" })?;
        Ok(Self { pair, spki: spki.as_ref().to_vec(), pkcs8: Zeroizing::new(pkcs8.to_vec()) })
    }

    /// Reads a `PRIVATE KEY` block.
    ///
    /// # Errors
    ///
    /// As [`SigningKey::from_pkcs8`].
    pub fn from_pem(pem: &str) -> Result<Self, PkiError> {
        match der::pem::decode_vec(pem.as_bytes()) {
            Ok(("PRIVATE KEY", pkcs8)) => Self::from_pkcs8(&Zeroizing::new(pkcs8)),
            _ => Err(PkiError::Key { reason: "not a PEM block of a PRIVATE KEY" }),
        }
    }

    /// The key as a `PRIVATE KEY` block.
    pub fn to_pem(&self) -> Zeroizing<String> {
        Zeroizing::new(pem("PRIVATE KEY", &self.pkcs8))
    }

    /// The key as PKCS#8.
    pub fn pkcs8_der(&self) -> &[u8] {
        &self.pkcs8
    }

    /// Its public half, a SubjectPublicKeyInfo.
    pub fn spki_der(&self) -> &[u8] {
        &self.spki
    }

    /// How it signs by default: PKCS#1 v1.5 with SHA-256, or ECDSA with the digest of its curve's size.
    pub fn scheme(&self) -> SignatureScheme {
        match self.pair {
            Pair::Ec(_, digest) => SignatureScheme::Ecdsa(digest),
            Pair::Rsa(_) => SignatureScheme::RsaPkcs1(DigestAlgorithm::Sha256),
        }
    }

    /// Signs `message` by [`SigningKey::scheme`].
    ///
    /// # Errors
    ///
    /// When the library fails.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, PkiError> {
        self.sign_as(self.scheme(), message)
    }

    /// Signs `message` by another scheme of the same key: PKCS#1 v1.5 or PSS (salt as long as the digest) with
    /// SHA-256, SHA-384 or SHA-512.
    ///
    /// # Errors
    ///
    /// When the key cannot sign so, or the library fails.
    pub fn sign_as(&self, scheme: SignatureScheme, message: &[u8]) -> Result<Vec<u8>, PkiError> {
        let random = SystemRandom::new();
        let failed = |_| PkiError::Key { reason: "the signature could not be made" };
        match &self.pair {
            Pair::Ec(pair, digest) if scheme == SignatureScheme::Ecdsa(*digest) => {
                Ok(pair.sign(&random, message).map_err(failed)?.as_ref().to_vec())
            }
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(rsa_encoding(scheme)?, &random, message, &mut signature).map_err(failed)?;
                Ok(signature)
            }
            Pair::Ec(..) => Err(CANNOT),
        }
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.scheme().name())
    }
}

/// A PEM block (RFC 7468).
pub(super) fn pem(label: &str, der: &[u8]) -> String {
    use base64::{Engine as _, engine::general_purpose::STANDARD};

    let text = Zeroizing::new(STANDARD.encode(der));
    let mut block = format!("-----BEGIN {label}-----\n");
    for line in text.as_bytes().chunks(64) {
        block.extend(line.iter().map(|byte| char::from(*byte)));
        block.push('\n');
    }
    block.push_str(&format!("-----END {label}-----\n"));
    block
}

fn rsa_encoding(scheme: SignatureScheme) -> Result<&'static RsaSignatureEncoding, PkiError> {
    use DigestAlgorithm::{Sha256, Sha384, Sha512};

    match scheme {
        SignatureScheme::RsaPkcs1(Sha256) => Ok(&RSA_PKCS1_SHA256),
        SignatureScheme::RsaPkcs1(Sha384) => Ok(&RSA_PKCS1_SHA384),
        SignatureScheme::RsaPkcs1(Sha512) => Ok(&RSA_PKCS1_SHA512),
        SignatureScheme::RsaPss { digest: Sha256, salt_len: 32 } => Ok(&RSA_PSS_SHA256),
        SignatureScheme::RsaPss { digest: Sha384, salt_len: 48 } => Ok(&RSA_PSS_SHA384),
        SignatureScheme::RsaPss { digest: Sha512, salt_len: 64 } => Ok(&RSA_PSS_SHA512),
        _ => Err(CANNOT),
    }
}

const CANNOT: PkiError = PkiError::Key { reason: "this key cannot sign by that scheme" };
