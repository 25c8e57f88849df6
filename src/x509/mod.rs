//! Certificates, names, revocation lists and algorithm identifiers (RFC 5280).

pub mod algorithm;
mod certificate;
mod crl;
mod name;

pub use certificate::{Certificate, KeyUsage, X509Error, certificates_from_pem};
pub use crl::{Crl, Revoked};
pub use name::Name;
