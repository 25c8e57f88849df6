//! OCSP messages written as DER.

use super::{CertId, CertStatus, Request, ResponderId, SingleResponse};
use crate::{
    asn1::{Tag, oid, write},
    base::UtcTime,
    x509::{Certificate, algorithm::digest_oid},
};

impl Request {
    /// The encoding of the request.
    pub fn to_der(&self) -> Vec<u8> {
        let list = write::sequence(self.cert_ids.iter().map(|cert_id| write::sequence([cert_id.to_der()])));
        let extensions = self.nonce.as_deref().map(|nonce| nonce_extensions(2, nonce));
        write::sequence([write::sequence([list, extensions.unwrap_or_default()])])
    }
}

impl CertId {
    /// The encoding of the name.
    pub fn to_der(&self) -> Vec<u8> {
        write::sequence([
            // With NULL parameters, as other software writes them: some responders compare octets.
            write::algorithm(digest_oid(self.digest), Some(&write::null())),
            write::octet_string(&self.issuer_name_hash),
            write::octet_string(&self.issuer_key_hash),
            write::value(Tag::INTEGER, &self.serial),
        ])
    }
}

/// What a responder says, before it is signed (RFC 6960 section 4.2.1).
#[derive(Clone, Debug)]
pub struct ResponseData<'a> {
    /// Who says it.
    pub responder_id: ResponderId,
    /// When.
    pub produced_at: UtcTime,
    /// The answers.
    pub singles: &'a [SingleResponse],
    /// The nonce of the request.
    pub nonce: Option<&'a [u8]>,
}

impl ResponseData<'_> {
    /// The bytes to be signed.
    pub fn to_der(&self) -> Vec<u8> {
        let responder = match &self.responder_id {
            ResponderId::ByName(name) => write::value(Tag::context(1), name.der()),
            ResponderId::ByKey(hash) => write::value(Tag::context(2), &write::octet_string(hash)),
        };
        write::sequence([
            responder,
            write::generalized_time(self.produced_at),
            write::sequence(self.singles.iter().map(SingleResponse::to_der)),
            self.nonce.map(|nonce| nonce_extensions(1, nonce)).unwrap_or_default(),
        ])
    }
}

impl SingleResponse {
    fn to_der(&self) -> Vec<u8> {
        let status = match self.status {
            CertStatus::Good => write::value(Tag::context_primitive(0), &[]),
            CertStatus::Revoked { at, reason } => {
                let reason =
                    reason.map(|code| write::value(Tag::context(0), &write::value(Tag::ENUMERATED, &[code])));
                write::constructed(Tag::context(1), [write::generalized_time(at), reason.unwrap_or_default()])
            }
            CertStatus::Unknown => write::value(Tag::context_primitive(2), &[]),
        };
        let next_update =
            self.next_update.map(|next| write::value(Tag::context(0), &write::generalized_time(next)));
        write::sequence([
            self.cert_id.to_der(),
            status,
            write::generalized_time(self.this_update),
            next_update.unwrap_or_default(),
            self.archive_cutoff.map(archive_cutoff).unwrap_or_default(),
        ])
    }
}

/// An OCSPResponse around signed [`ResponseData`]: `algorithm` is a whole AlgorithmIdentifier.
pub fn successful_response(
    data: &[u8],
    algorithm: &[u8],
    signature: &[u8],
    certificates: &[Certificate],
) -> Vec<u8> {
    let certificates = match certificates {
        [] => Vec::new(),
        some => write::value(Tag::context(0), &write::sequence(some.iter().map(Certificate::der))),
    };
    let basic = write::sequence([data, algorithm, &write::bit_string(signature), &certificates]);
    let bytes = write::sequence([write::oid(oid::OCSP_BASIC), write::octet_string(&basic)]);
    write::sequence([write::value(Tag::ENUMERATED, &[0]), write::value(Tag::context(0), &bytes)])
}

/// An answer without a status (RFC 6960 section 4.2.1, OCSPResponseStatus).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum ResponseStatus {
    /// The request could not be read.
    MalformedRequest = 1,
    /// The responder cannot answer now, through a fault of its own.
    InternalError = 2,
    /// The responder cannot answer for some time.
    TryLater = 3,
    /// The responder answers signed requests only.
    SigRequired = 5,
    /// The responder does not answer for this issuer, or not to this client.
    Unauthorized = 6,
}

/// An OCSPResponse without an answer.
pub fn error_response(status: ResponseStatus) -> Vec<u8> {
    write::sequence([write::value(Tag::ENUMERATED, &[status as u8])])
}

/// `singleExtensions [1] EXPLICIT Extensions` with archiveCutoff alone.
fn archive_cutoff(since: UtcTime) -> Vec<u8> {
    let value = write::octet_string(&write::generalized_time(since));
    let extension = write::sequence([write::oid(oid::OCSP_ARCHIVE_CUTOFF), value]);
    write::value(Tag::context(1), &write::sequence([extension]))
}

/// `[tag] EXPLICIT Extensions` with the nonce alone.
fn nonce_extensions(tag: u8, nonce: &[u8]) -> Vec<u8> {
    let value = write::octet_string(&write::octet_string(nonce));
    let extension = write::sequence([write::oid(oid::OCSP_NONCE), value]);
    write::value(Tag::context(tag), &write::sequence([extension]))
}
