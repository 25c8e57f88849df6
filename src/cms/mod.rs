//! Cryptographic Message Syntax: SignedData read and built (RFC 5652, RFC 5035, ETSI EN 319 122-1).

mod build;
mod read;

pub use build::{SignedAttributes, SignedDataParts};
pub use read::{CmsError, EssCertId, SignedData, SignerId, SignerInfo};
