//! The Online Certificate Status Protocol (RFC 6960).

use crate::{
    base::{DigestAlgorithm, UtcTime},
    x509::{Certificate, Name},
};
use spki::AlgorithmIdentifierOwned;

/// CertID (RFC 6960 section 4.1.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertId {
    pub digest: DigestAlgorithm,
    pub issuer_name_hash: Vec<u8>,
    pub issuer_key_hash: Vec<u8>,
    pub serial: Vec<u8>,
}

impl CertId {
    pub fn new(certificate: &Certificate, issuer: &Certificate, digest: DigestAlgorithm) -> Self {
        let _ = (certificate, issuer, digest);
        todo!()
    }
    /// Whether it names this certificate of this issuer (recomputed with its own digest).
    pub fn names(&self, certificate: &Certificate, issuer: &Certificate) -> bool {
        let _ = (certificate, issuer);
        todo!()
    }
}

/// An OCSPRequest for one or more certificates.
pub struct Request {
    pub cert_ids: Vec<CertId>,
    pub nonce: Option<Vec<u8>>,
}
impl Request {
    pub fn to_der(&self) -> Vec<u8> {
        todo!()
    }
    pub fn parse(der: &[u8]) -> Result<Self, OcspError> {
        let _ = der;
        todo!()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CertStatus {
    Good,
    Revoked { at: UtcTime, reason: Option<u8> },
    Unknown,
}

#[derive(Clone, Debug)]
pub struct SingleResponse {
    pub cert_id: CertId,
    pub status: CertStatus,
    pub this_update: UtcTime,
    pub next_update: Option<UtcTime>,
}

pub enum ResponderId {
    ByName(Name),
    ByKey(Vec<u8>),
}

/// A BasicOCSPResponse inside a successful OCSPResponse.
pub struct Response {
    pub tbs_der: Vec<u8>,
    pub responder_id: ResponderId,
    pub produced_at: UtcTime,
    pub singles: Vec<SingleResponse>,
    pub nonce: Option<Vec<u8>>,
    pub signature_algorithm: AlgorithmIdentifierOwned,
    pub signature: Vec<u8>,
    pub certificates: Vec<Certificate>,
    /// The whole OCSPResponse.
    pub der: Vec<u8>,
}
impl Response {
    pub fn parse(der: &[u8]) -> Result<Self, OcspError> {
        let _ = der;
        todo!()
    }
}

#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OcspError {
    #[error("not an OCSP message: {reason}")]
    Malformed { reason: String },
    #[error("the responder answered {status}")]
    Status { status: &'static str },
}
