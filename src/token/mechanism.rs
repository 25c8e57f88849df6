//! From a signature scheme to what a token is asked, and from its answer to what CMS wants.
//!
//! `cryptoki`'s own `Mechanism` is not `Send`, so this enum travels to the worker and the C structure is built there.

use cryptoki_sys as ck;

use super::{TokenKeyKind, error::TokenError};
use crate::{
    asn1::write,
    base::{Digest, DigestAlgorithm},
    x509::algorithm::{SignatureScheme, digest_info},
};

/// One signature to make: the mechanism and the digest of the message.
#[derive(Clone, Debug)]
pub(super) struct Operation {
    pub(super) mechanism: Mechanism,
    digest: Digest,
}

/// A mechanism that takes a digest.
///
/// The mechanisms that hash on the token are not used: many USB tokens have only these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mechanism {
    /// `CKM_ECDSA`.
    Ecdsa,
    /// `CKM_RSA_PKCS` over a DigestInfo.
    RsaPkcs,
    /// `CKM_RSA_PKCS_PSS`.
    RsaPss { digest: DigestAlgorithm, salt_len: usize },
}

impl Mechanism {
    /// The name of the standard.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Ecdsa => "CKM_ECDSA",
            Self::RsaPkcs => "CKM_RSA_PKCS",
            Self::RsaPss { .. } => "CKM_RSA_PKCS_PSS",
        }
    }

    /// `CK_MECHANISM_TYPE`.
    pub(super) fn number(self) -> ck::CK_MECHANISM_TYPE {
        match self {
            Self::Ecdsa => ck::CKM_ECDSA,
            Self::RsaPkcs => ck::CKM_RSA_PKCS,
            Self::RsaPss { .. } => ck::CKM_RSA_PKCS_PSS,
        }
    }

    /// `CK_RSA_PKCS_PSS_PARAMS` (PKCS#11 section 6.1.9), where the mechanism has parameters.
    pub(super) fn parameters(self) -> Option<ck::CK_RSA_PKCS_PSS_PARAMS> {
        let Self::RsaPss { digest, salt_len } = self else { return None };
        let (hash, mask) = match digest {
            DigestAlgorithm::Sha256 => (ck::CKM_SHA256, ck::CKG_MGF1_SHA256),
            DigestAlgorithm::Sha384 => (ck::CKM_SHA384, ck::CKG_MGF1_SHA384),
            DigestAlgorithm::Sha512 => (ck::CKM_SHA512, ck::CKG_MGF1_SHA512),
            // [`Operation::new`] lets no other through.
            _ => return None,
        };
        Some(ck::CK_RSA_PKCS_PSS_PARAMS { hashAlg: hash, mgf: mask, sLen: salt_len as ck::CK_ULONG })
    }
}

impl Operation {
    /// Hashes `message`.
    ///
    /// # Errors
    ///
    /// For digests and schemes that kyso reads but never signs with.
    pub(super) fn new(scheme: SignatureScheme, message: &[u8]) -> Result<Self, TokenError> {
        let (mechanism, digest) = match scheme {
            SignatureScheme::Ecdsa(digest) => (Mechanism::Ecdsa, digest),
            SignatureScheme::RsaPkcs1(digest) => (Mechanism::RsaPkcs, digest),
            SignatureScheme::RsaPss { digest, salt_len } => (Mechanism::RsaPss { digest, salt_len }, digest),
            SignatureScheme::Ed25519 | SignatureScheme::RsaPssMixed { .. } => {
                return Err(TokenError::Unusable {
                    what: format!("signing by {}", scheme.name()),
                    reason: "kyso verifies it but does not sign so; use RSA or ECDSA with SHA-256".into(),
                });
            }
        };
        if !matches!(digest, DigestAlgorithm::Sha256 | DigestAlgorithm::Sha384 | DigestAlgorithm::Sha512) {
            return Err(TokenError::Unusable {
                what: format!("signing with {digest}"),
                reason: "kyso signs with SHA-256, SHA-384 and SHA-512 only; use one of them".into(),
            });
        }
        Ok(Self { mechanism, digest: digest.digest(message) })
    }

    /// The octets to hand to `C_Sign` for a key of this kind.
    ///
    /// # Errors
    ///
    /// When the key is of another kind than the scheme.
    pub(super) fn input(&self, key: TokenKeyKind) -> Result<Vec<u8>, TokenError> {
        match (self.mechanism, key) {
            (Mechanism::RsaPkcs, TokenKeyKind::Rsa { .. }) => Ok(digest_info(&self.digest)),
            (Mechanism::RsaPss { .. }, TokenKeyKind::Rsa { .. }) => Ok(self.digest.bytes.clone()),
            (Mechanism::Ecdsa, TokenKeyKind::Ec { bits }) => {
                // FIPS 186-5 section 6.4.1 takes the leftmost bits. Tokens ought to, and some refuse instead.
                let longest = if bits == 0 { usize::MAX } else { bits.div_ceil(8) };
                Ok(self.digest.bytes.iter().copied().take(longest).collect())
            }
            (mechanism, kind) => Err(TokenError::Unusable {
                what: format!("the key is {kind}"),
                reason: format!(
                    "{} needs a key of another kind; choose another scheme or key",
                    mechanism.name()
                ),
            }),
        }
    }

    /// What `C_Sign` answered, as CMS and X.509 want it.
    ///
    /// # Errors
    ///
    /// When an ECDSA answer is not two numbers of the same length.
    pub(super) fn output(&self, answer: Vec<u8>) -> Result<Vec<u8>, TokenError> {
        if self.mechanism != Mechanism::Ecdsa {
            return Ok(answer);
        }
        if answer.is_empty() || !answer.len().is_multiple_of(2) {
            return Err(TokenError::Unusable {
                what: "the token's ECDSA signature".into(),
                reason: format!("{} bytes are not r and s of the same length", answer.len()),
            });
        }
        let (r, s) = answer.split_at(answer.len() / 2);
        Ok(write::sequence([write::unsigned(r), write::unsigned(s)]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ecdsa_answer_becomes_der() {
        let operation = Operation::new(SignatureScheme::Ecdsa(DigestAlgorithm::Sha256), b"abc").unwrap();
        let der = operation.output(vec![0x00, 0x01, 0x80, 0x00]).unwrap();
        assert_eq!(der, [0x30, 0x08, 0x02, 0x01, 0x01, 0x02, 0x03, 0x00, 0x80, 0x00]);
        assert!(operation.output(vec![1, 2, 3]).is_err());
        assert!(operation.output(Vec::new()).is_err());
    }

    #[test]
    fn a_long_digest_is_cut_to_the_curve() {
        let operation = Operation::new(SignatureScheme::Ecdsa(DigestAlgorithm::Sha512), b"abc").unwrap();
        assert_eq!(operation.input(TokenKeyKind::Ec { bits: 256 }).unwrap().len(), 32);
        assert_eq!(operation.input(TokenKeyKind::Ec { bits: 384 }).unwrap().len(), 48);
        assert!(operation.input(TokenKeyKind::Rsa { bits: 2048 }).is_err());
    }

    #[test]
    fn sha1_is_never_signed() {
        assert!(Operation::new(SignatureScheme::RsaPkcs1(DigestAlgorithm::Sha1), b"abc").is_err());
    }
}
