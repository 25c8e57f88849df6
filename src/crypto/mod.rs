//! Verifying a signature value: one trait, a native and a portable back end.

use crate::x509::algorithm::SignatureScheme;

/// Something that checks signature values.
pub trait Verifier: Send + Sync {
    /// Checks `signature` over `message` under the key of a SubjectPublicKeyInfo.
    fn verify(
        &self,
        spki_der: &[u8],
        scheme: SignatureScheme,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), CryptoError>;
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CryptoError {
    /// The value does not fit key and message.
    #[error("the signature value is wrong")]
    BadSignature,
    /// The key is malformed, too short or too long to use, or of another kind than the scheme.
    #[error("the public key cannot be used: {reason}")]
    Key { reason: String },
    #[error("the scheme is not supported")]
    Unsupported,
}

/// The verifier that kyso uses: `aws-lc-rs`, and the portable one where that has no answer.
pub fn verify(
    spki_der: &[u8],
    scheme: SignatureScheme,
    message: &[u8],
    signature: &[u8],
) -> Result<(), CryptoError> {
    let _ = (spki_der, scheme, message, signature);
    todo!()
}
