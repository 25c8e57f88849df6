//! XML as it has to be read where signatures hang on it: documents, canonical forms, signatures.
//!
//! - [`Document::parse`] reads a document strictly (XML 1.0 and Namespaces in XML 1.0, UTF-8, no DTD) into a tree;
//! - [`Document::canonicalize`] writes it, or a part of it, as Canonical XML 1.0, 1.1 or Exclusive XML
//!   Canonicalization, octet for octet as the standards say;
//! - [`Signature`] reads an XML signature and says which octets of which element it covers;
//! - [`xades::Properties`] reads what XAdES adds to it;
//! - [`insert::Places`] says where in a file's bytes an element ends, so that a signature can be written into it.
//!
//! Nothing outside of the document is ever looked at: document type declarations, entities beyond the five that XML
//! itself has, external references, XPath and XSLT are refused, not skipped.

mod base_uri;
mod canonical;
mod characters;
mod document;
pub mod insert;
mod read;
pub mod signature;
mod tags;
pub mod xades;

pub use canonical::{Algorithm, Canonicalization, Subset};
pub use document::{Attribute, Document, Element, Node, NodeId};
pub use signature::{Signature, SignatureError, Signed, SignedPart};

/// The namespace that the prefix `xml` always stands for (Namespaces in XML 1.0 section 3).
pub const XML_NAMESPACE: &str = "http://www.w3.org/XML/1998/namespace";

/// The namespace of namespace declarations, which no prefix but `xmlns` may stand for (the same).
pub const XMLNS_NAMESPACE: &str = "http://www.w3.org/2000/xmlns/";

/// How much of a hostile document is taken in.
#[derive(Clone, Debug)]
pub struct XmlLimits {
    /// Bytes of the document. The largest national trusted lists have about 10 MB.
    pub bytes: usize,
    /// Bytes of one canonical form: references may spell characters longer, and exclusive canonicalization repeats
    /// namespaces.
    pub canonical_bytes: usize,
    /// Elements inside one another. Trusted lists and XAdES stay below 30.
    pub depth: usize,
    /// Elements, texts, comments and processing instructions together: at most some 300 MB of memory. The largest
    /// national trusted lists have about 300,000.
    pub nodes: usize,
    /// Attributes of one element, namespace declarations apart.
    pub attributes: usize,
    /// Namespace declarations of one element.
    pub declarations: usize,
    /// Bytes of one name, prefix, or namespace name.
    pub name_bytes: usize,
}

impl Default for XmlLimits {
    fn default() -> Self {
        Self {
            bytes: 32 * 1024 * 1024,
            canonical_bytes: 64 * 1024 * 1024,
            depth: 100,
            nodes: 1_000_000,
            attributes: 256,
            declarations: 64,
            name_bytes: 2048,
        }
    }
}

/// Why bytes are not a document that kyso reads, or have no canonical form.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum XmlError {
    /// Not well-formed (XML 1.0), or not namespace-well-formed.
    #[error("line {line}: {reason}")]
    Malformed {
        /// Counted from 1.
        line: usize,
        /// What the reader met.
        reason: String,
    },
    /// A document type declaration, or an entity that only such a declaration could explain.
    #[error("line {line}: {what} is refused; write the document without it")]
    Refused {
        /// Counted from 1.
        line: usize,
        /// What was met.
        what: String,
    },
    /// Not UTF-8 in XML version 1.0.
    #[error("only XML 1.0 in UTF-8 is read: {reason}")]
    Encoding {
        /// What the document is in.
        reason: String,
    },
    /// A bound of [`XmlLimits`].
    #[error("the document has more {what} than the {limit} that are allowed")]
    Limit {
        /// Which one.
        what: &'static str,
        /// Its value.
        limit: usize,
    },
    /// Canonical XML has no form for documents with relative namespace names (Canonical XML 1.0 section 1.3).
    #[error("the namespace name {namespace:?} is not absolute, so there is no canonical form")]
    RelativeNamespace {
        /// The name.
        namespace: String,
    },
}
