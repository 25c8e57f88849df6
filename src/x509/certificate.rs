//! Certificates: read twice, by two readers, and kept as received.

use std::sync::Arc;

use spki::AlgorithmIdentifierOwned;

use super::Name;
use crate::base::{Sha256, UtcTime};

/// A certificate (RFC 5280 section 4.1), kept as received.
///
/// Equality is equality of the encoding.
#[derive(Clone)]
pub struct Certificate {
    der: Arc<[u8]>,
}

impl std::fmt::Debug for Certificate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Certificate({} bytes)", self.der.len())
    }
}

/// keyUsage bits (RFC 5280 section 4.2.1.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyUsage {
    /// Bit 0.
    pub digital_signature: bool,
    /// Bit 1, nonRepudiation or contentCommitment.
    pub non_repudiation: bool,
    /// Bit 5.
    pub key_cert_sign: bool,
    /// Bit 6.
    pub crl_sign: bool,
}

/// Why bytes are not a certificate or a revocation list.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum X509Error {
    /// Not a certificate at all.
    #[error("not an X.509 structure: {reason}")]
    Malformed {
        /// What the reader met.
        reason: String,
    },
}

impl Certificate {
    /// Reads one DER certificate, with nothing behind it.
    pub fn from_der(der: &[u8]) -> Result<Self, X509Error> {
        let _ = der;
        todo!()
    }
    /// The encoding.
    pub fn der(&self) -> &[u8] {
        &self.der
    }
    /// The signed part, as received.
    pub fn tbs_der(&self) -> &[u8] {
        todo!()
    }
    pub fn subject(&self) -> &Name {
        todo!()
    }
    pub fn issuer(&self) -> &Name {
        todo!()
    }
    /// Content octets of the serial number.
    pub fn serial(&self) -> &[u8] {
        todo!()
    }
    /// Lower-case hex without leading zero octets.
    pub fn serial_hex(&self) -> String {
        todo!()
    }
    pub fn not_before(&self) -> UtcTime {
        todo!()
    }
    pub fn not_after(&self) -> UtcTime {
        todo!()
    }
    /// The whole SubjectPublicKeyInfo encoding.
    pub fn spki_der(&self) -> &[u8] {
        todo!()
    }
    /// The algorithm the issuer signed with, and the signature octets.
    pub fn signature_algorithm(&self) -> &AlgorithmIdentifierOwned {
        todo!()
    }
    pub fn signature(&self) -> &[u8] {
        todo!()
    }
    /// basicConstraints: `None` when absent, else `cA` and the path length.
    pub fn basic_constraints(&self) -> Option<(bool, Option<u32>)> {
        todo!()
    }
    pub fn key_usage(&self) -> Option<KeyUsage> {
        todo!()
    }
    /// extKeyUsage OIDs and whether the extension is critical; `None` when absent.
    pub fn extended_key_usage(&self) -> Option<(bool, Vec<der::oid::ObjectIdentifier>)> {
        todo!()
    }
    /// Critical extensions that no room of kyso processes.
    pub fn unknown_critical(&self) -> Vec<der::oid::ObjectIdentifier> {
        todo!()
    }
    pub fn has_extension(&self, oid: der::oid::ObjectIdentifier) -> bool {
        let _ = oid;
        todo!()
    }
    pub fn subject_key_identifier(&self) -> Option<&[u8]> {
        todo!()
    }
    pub fn authority_key_identifier(&self) -> Option<&[u8]> {
        todo!()
    }
    /// AIA OCSP addresses, AIA caIssuers addresses, CRL distribution point addresses (URIs only).
    pub fn ocsp_urls(&self) -> Vec<String> {
        todo!()
    }
    pub fn issuer_urls(&self) -> Vec<String> {
        todo!()
    }
    pub fn crl_urls(&self) -> Vec<String> {
        todo!()
    }
    pub fn sha256(&self) -> Sha256 {
        Sha256::of(&self.der)
    }
    /// What the second reader (`x509-parser`) sees differently, if anything: then no verdict can rest on it.
    pub fn disagreement(&self) -> Option<&str> {
        todo!()
    }
    /// Subject equals issuer, byte for byte.
    pub fn is_self_issued(&self) -> bool {
        todo!()
    }
    /// PEM text with line breaks.
    pub fn to_pem(&self) -> String {
        todo!()
    }
}

/// Every CERTIFICATE block of a PEM file; a file that is DER is taken as one certificate.
pub fn certificates_from_pem(bytes: &[u8]) -> Result<Vec<Certificate>, X509Error> {
    let _ = bytes;
    todo!()
}
