//! Certificate revocation lists (RFC 5280 section 5).

use spki::AlgorithmIdentifierOwned;

use super::{Name, X509Error};
use crate::base::UtcTime;

/// A CRL, kept as received.
#[derive(Clone)]
pub struct Crl {
    der: Vec<u8>,
}

/// One entry of a CRL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Revoked {
    pub at: UtcTime,
    /// CRLReason code, RFC 5280 section 5.3.1; `None` when unspecified.
    pub reason: Option<u8>,
}

impl Crl {
    pub fn from_der(der: &[u8]) -> Result<Self, X509Error> {
        let _ = der;
        todo!()
    }
    pub fn der(&self) -> &[u8] {
        &self.der
    }
    pub fn tbs_der(&self) -> &[u8] {
        todo!()
    }
    pub fn issuer(&self) -> &Name {
        todo!()
    }
    pub fn this_update(&self) -> UtcTime {
        todo!()
    }
    pub fn next_update(&self) -> Option<UtcTime> {
        todo!()
    }
    pub fn signature_algorithm(&self) -> &AlgorithmIdentifierOwned {
        todo!()
    }
    pub fn signature(&self) -> &[u8] {
        todo!()
    }
    /// The entry of a serial number (content octets).
    pub fn entry(&self, serial: &[u8]) -> Option<Revoked> {
        let _ = serial;
        todo!()
    }
    /// Indirect, delta, partitioned by reason or kind, or with unknown critical extensions: not for the spine's judge. Names what.
    pub fn limited(&self) -> Option<&str> {
        todo!()
    }
}
