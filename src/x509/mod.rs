//! Certificates, names, revocation lists and algorithm identifiers (RFC 5280).

pub mod algorithm;
mod certificate;
mod crl;
mod extension;
mod name;
pub mod public_key;

pub use certificate::{Certificate, KeyUsage, certificates_from_pem};
pub use crl::{Crl, Revoked};
pub use name::Name;

use crate::asn1::Asn1Error;

/// Why bytes are not a certificate, a name or a revocation list.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum X509Error {
    /// Not such a structure at all.
    #[error("not an X.509 structure: {reason}")]
    Malformed {
        /// What the reader met.
        reason: String,
    },
}

impl X509Error {
    fn because(reason: impl Into<String>) -> Self {
        Self::Malformed { reason: reason.into() }
    }
}

impl From<Asn1Error> for X509Error {
    fn from(error: Asn1Error) -> Self {
        Self::because(error.to_string())
    }
}

/// Adds to an error which part of the structure it was met in.
fn within<E: std::fmt::Display>(part: &'static str) -> impl Fn(E) -> X509Error {
    move |error| X509Error::because(format!("{part}: {error}"))
}
