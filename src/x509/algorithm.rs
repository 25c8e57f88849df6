//! Algorithm identifiers and what they mean.

use der::oid::ObjectIdentifier;
use spki::AlgorithmIdentifierOwned;

use crate::base::DigestAlgorithm;

/// How a signature value was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignatureScheme {
    /// ECDSA, value as DER `Ecdsa-Sig-Value` (RFC 5480); the curve comes from the key.
    Ecdsa(DigestAlgorithm),
    /// RSASSA-PKCS1-v1_5 (RFC 8017).
    RsaPkcs1(DigestAlgorithm),
    /// RSASSA-PSS with MGF1 over the same digest (RFC 8017).
    RsaPss {
        /// The digest of message and mask.
        digest: DigestAlgorithm,
        /// In bytes.
        salt_len: usize,
    },
}

impl SignatureScheme {
    pub fn digest(self) -> DigestAlgorithm {
        todo!()
    }
    /// From a certificate's, CRL's, OCSP's or SignerInfo's AlgorithmIdentifier.
    /// `digest` is the SignerInfo's digestAlgorithm, for `rsaEncryption`, which names none itself.
    pub fn from_identifier(
        identifier: &AlgorithmIdentifierOwned,
        digest: Option<DigestAlgorithm>,
    ) -> Result<Self, UnknownAlgorithm> {
        let _ = (identifier, digest);
        todo!()
    }
    /// The AlgorithmIdentifier encoding for a SignerInfo or certificate.
    pub fn to_identifier(self) -> Vec<u8> {
        todo!()
    }
    /// `SHA256withRSA`-like name for reports.
    pub fn name(self) -> String {
        todo!()
    }
}

/// An algorithm identifier that kyso does not know or whose parameters do not fit.
#[derive(Clone, Debug, thiserror::Error)]
#[error("algorithm {oid} is not supported here")]
pub struct UnknownAlgorithm {
    pub oid: ObjectIdentifier,
}

/// The digest of an AlgorithmIdentifier.
pub fn digest_from_oid(oid: ObjectIdentifier) -> Result<DigestAlgorithm, UnknownAlgorithm> {
    let _ = oid;
    todo!()
}
pub fn digest_oid(digest: DigestAlgorithm) -> ObjectIdentifier {
    let _ = digest;
    todo!()
}

/// A public key as policy sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyKind {
    Ec { bits: usize },
    Rsa { bits: usize },
}

/// The kind of a SubjectPublicKeyInfo.
pub fn key_kind(spki_der: &[u8]) -> Result<KeyKind, UnknownAlgorithm> {
    let _ = spki_der;
    todo!()
}
