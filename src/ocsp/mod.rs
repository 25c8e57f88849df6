//! The Online Certificate Status Protocol (RFC 6960): requests and responses, read and built.
//!
//! Nothing here opens a connection or checks a signature: `fetch` brings the bytes, `trust` judges them.

mod build;
mod read;

use der::oid::ObjectIdentifier;
use spki::AlgorithmIdentifierOwned;

use crate::{
    asn1::{Asn1Error, Reader, Tag},
    base::{DigestAlgorithm, UtcTime},
    x509::{Certificate, Name},
};

pub use build::{ResponseData, ResponseStatus, error_response, successful_response};

/// Which certificate is asked about (RFC 6960 section 4.1.1).
///
/// ```text
/// CertID ::= SEQUENCE {
///     hashAlgorithm   AlgorithmIdentifier,
///     issuerNameHash  OCTET STRING, -- of the issuer's name
///     issuerKeyHash   OCTET STRING, -- of the issuer's public key, without tag, length and unused bits
///     serialNumber    CertificateSerialNumber }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertId {
    /// What made the two hashes.
    pub digest: DigestAlgorithm,
    /// Of the issuer's name.
    pub issuer_name_hash: Vec<u8>,
    /// Of the issuer's public key.
    pub issuer_key_hash: Vec<u8>,
    /// Content octets of the serial number.
    pub serial: Vec<u8>,
}

impl CertId {
    /// The name of `certificate`, which `issuer` issued.
    ///
    /// RFC 5019 asks for SHA-1, which every responder knows; SHA-256 is known by newer ones.
    pub fn new(certificate: &Certificate, issuer: &Certificate, digest: DigestAlgorithm) -> Self {
        Self {
            digest,
            issuer_name_hash: digest.digest(certificate.issuer().der()).bytes,
            issuer_key_hash: key_hash(issuer.spki_der(), digest).unwrap_or_default(),
            serial: certificate.serial().to_vec(),
        }
    }

    /// Whether it names this certificate of this issuer, recomputed with its own digest.
    ///
    /// The name may be hashed as the certificate or as the issuer writes it: the two may differ in string types.
    pub fn names(&self, certificate: &Certificate, issuer: &Certificate) -> bool {
        let name_hash = |name: &Name| self.digest.digest(name.der()).bytes;
        self.serial == certificate.serial()
            && key_hash(issuer.spki_der(), self.digest).is_some_and(|hash| self.issuer_key_hash == hash)
            && (self.issuer_name_hash == name_hash(certificate.issuer())
                || self.issuer_name_hash == name_hash(issuer.subject()))
    }

    /// Whether it names some certificate of this issuer.
    pub fn names_issuer(&self, issuer: &Certificate) -> bool {
        key_hash(issuer.spki_der(), self.digest).is_some_and(|hash| self.issuer_key_hash == hash)
            && self.issuer_name_hash == self.digest.digest(issuer.subject().der()).bytes
    }
}

/// An OCSPRequest for one or more certificates (RFC 6960 section 4.1.1), unsigned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// In the order of the request.
    pub cert_ids: Vec<CertId>,
    /// Between 1 and 128 bytes (RFC 9654 section 2.1). Many responders answer from a store and leave it out.
    pub nonce: Option<Vec<u8>>,
}

impl Request {
    /// Asks about one certificate.
    pub fn new(cert_id: CertId, nonce: Option<Vec<u8>>) -> Self {
        Self { cert_ids: vec![cert_id], nonce }
    }
}

/// What a responder says of a certificate (RFC 6960 section 4.2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CertStatus {
    /// Not revoked as far as the responder knows.
    Good,
    /// Revoked, for good or on hold.
    Revoked {
        /// From when on.
        at: UtcTime,
        /// CRLReason code, RFC 5280 section 5.3.1; `None` when the responder does not say.
        reason: Option<u8>,
    },
    /// The responder does not know the certificate.
    Unknown,
}

/// The answer on one certificate (RFC 6960 section 4.2.1).
///
/// ```text
/// SingleResponse ::= SEQUENCE {
///     certID            CertID,
///     certStatus        CertStatus,
///     thisUpdate        GeneralizedTime,
///     nextUpdate        [0] EXPLICIT GeneralizedTime OPTIONAL,
///     singleExtensions  [1] EXPLICIT Extensions OPTIONAL }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SingleResponse {
    /// Whose status it is.
    pub cert_id: CertId,
    /// The status.
    pub status: CertStatus,
    /// When it was known to be so.
    pub this_update: UtcTime,
    /// When newer word will be there at the latest; `None` means that it is always there.
    pub next_update: Option<UtcTime>,
    /// archiveCutoff (section 4.4.4): certificates that expired at this time or later are still known.
    pub archive_cutoff: Option<UtcTime>,
}

/// Who signed a response (RFC 6960 section 4.2.1).
#[derive(Clone, Debug)]
pub enum ResponderId {
    /// `[1]`, the subject of the responder's certificate.
    ByName(Name),
    /// `[2]`, the SHA-1 of the responder's public key.
    ByKey(Vec<u8>),
}

impl ResponderId {
    /// The short form: the hash of the responder's key.
    pub fn of_key(responder: &Certificate) -> Self {
        Self::ByKey(key_hash(responder.spki_der(), DigestAlgorithm::Sha1).unwrap_or_default())
    }

    /// Whether it names this certificate.
    pub fn names(&self, responder: &Certificate) -> bool {
        match self {
            Self::ByName(name) => name.matches(responder.subject()),
            Self::ByKey(hash) => {
                key_hash(responder.spki_der(), DigestAlgorithm::Sha1).is_some_and(|of_key| *hash == of_key)
            }
        }
    }
}

/// The BasicOCSPResponse inside a successful OCSPResponse (RFC 6960 section 4.2.1).
///
/// ```text
/// BasicOCSPResponse ::= SEQUENCE {
///     tbsResponseData     ResponseData,
///     signatureAlgorithm  AlgorithmIdentifier,
///     signature           BIT STRING,
///     certs               [0] EXPLICIT SEQUENCE OF Certificate OPTIONAL }
///
/// ResponseData ::= SEQUENCE {
///     version             [0] EXPLICIT Version DEFAULT v1,
///     responderID         ResponderID,
///     producedAt          GeneralizedTime,
///     responses           SEQUENCE OF SingleResponse,
///     responseExtensions  [1] EXPLICIT Extensions OPTIONAL }
/// ```
#[derive(Clone, Debug)]
pub struct Response {
    /// What the signature covers, as received.
    pub tbs_der: Vec<u8>,
    /// Who signed.
    pub responder_id: ResponderId,
    /// When.
    pub produced_at: UtcTime,
    /// The answers, at least one.
    pub singles: Vec<SingleResponse>,
    /// The nonce of the request, when the responder repeats it.
    pub nonce: Option<Vec<u8>>,
    /// How the signature was made.
    pub signature_algorithm: AlgorithmIdentifierOwned,
    /// Its octets.
    pub signature: Vec<u8>,
    /// Certificates that came along and could be read.
    pub certificates: Vec<Certificate>,
    /// The whole OCSPResponse.
    pub der: Vec<u8>,
}

impl Response {
    /// The answer on `certificate`, which `issuer` issued.
    ///
    /// Where there are several, the newest; of those, one that is not good.
    pub fn single(&self, certificate: &Certificate, issuer: &Certificate) -> Option<&SingleResponse> {
        self.singles
            .iter()
            .filter(|single| single.cert_id.names(certificate, issuer))
            .max_by_key(|single| (single.this_update, single.status != CertStatus::Good))
    }
}

/// Why there is no response to read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OcspError {
    /// An extension marked critical that kyso does not know: the message may mean something else than it seems to.
    #[error("the OCSP message has a critical extension {oid} that kyso does not know")]
    CriticalExtension {
        /// Which one.
        oid: ObjectIdentifier,
    },
    /// Not such a message.
    #[error("not an OCSP message: {reason}")]
    Malformed {
        /// What the reader met.
        reason: String,
    },
    /// An honest answer without a status.
    #[error("the responder answered {status}")]
    Status {
        /// OCSPResponseStatus, by its name in the standard.
        status: &'static str,
    },
}

impl From<Asn1Error> for OcspError {
    fn from(error: Asn1Error) -> Self {
        Self::Malformed { reason: error.to_string() }
    }
}

/// The hash of a public key as OCSP has it: of the BIT STRING's octets alone.
fn key_hash(spki_der: &[u8], digest: DigestAlgorithm) -> Option<Vec<u8>> {
    let mut spki = Reader::only(spki_der).ok()?.reader();
    spki.take(Tag::SEQUENCE).ok()?;
    let key = spki.take(Tag::BIT_STRING).ok()?;
    Some(digest.digest(key.bit_string().ok()?).bytes)
}
