//! Why an XML signature proves nothing.

use crate::xml::XmlError;

/// Why an XML signature proves nothing.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SignatureError {
    /// An algorithm that is not supported.
    #[error("the {role} {uri:?} is not supported")]
    Algorithm {
        /// What it is for: `digest algorithm`, `signature algorithm`, `canonicalization`.
        role: &'static str,
        /// Its identifier.
        uri: String,
    },
    /// Several elements have the identifier that is referred to: nobody can say which one was signed.
    #[error("several elements have the identifier {id:?}")]
    AmbiguousId {
        /// The identifier.
        id: String,
    },
    /// What is referred to was changed, or is something else.
    #[error("what the reference {uri:?} leads to was changed after it was signed")]
    Digest {
        /// Of the reference.
        uri: String,
    },
    /// The reference leads out of the document, or selects by an expression.
    #[error("the reference {uri:?} does not lead to this document or to one element of it")]
    External {
        /// Of the reference; absent where it has none.
        uri: Option<String>,
    },
    /// The key cannot have made such a value.
    #[error("the signature value does not go with the key: {reason}")]
    Key {
        /// Why.
        reason: String,
    },
    /// Not such a structure.
    #[error("the XML signature is malformed: {reason}")]
    Malformed {
        /// What the reader met.
        reason: String,
    },
    /// A transform that is not supported, or not in this place.
    #[error("the transform {uri:?} is refused: {reason}")]
    Transform {
        /// Its identifier.
        uri: String,
        /// Why.
        reason: &'static str,
    },
    /// No element has the identifier that is referred to.
    #[error("no element has the identifier {id:?}")]
    UnknownId {
        /// The identifier.
        id: String,
    },
    /// The value does not fit key and `SignedInfo`.
    #[error("the signature value does not fit the key and what was signed")]
    Value {
        /// What the check said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// An algorithm that is too weak to rely on, such as SHA-1.
    #[error("the {role} {uri:?} is too weak to rely on")]
    Weak {
        /// What it is for: `digest algorithm`, `signature algorithm`.
        role: &'static str,
        /// Its identifier.
        uri: String,
    },
    /// No canonical form.
    #[error("what was signed has no canonical form")]
    Xml(#[from] XmlError),
}

impl SignatureError {
    pub(super) fn malformed(reason: impl Into<String>) -> Self {
        Self::Malformed { reason: reason.into() }
    }
}
