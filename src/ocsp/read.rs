//! OCSP messages as received.

use der::{Decode, oid::ObjectIdentifier};
use spki::AlgorithmIdentifierOwned;

use super::{CertId, CertStatus, OcspError, Request, ResponderId, Response, SingleResponse};
use crate::{
    asn1::{Reader, Tag, Tlv, oid},
    base::{DigestAlgorithm, UtcTime},
    x509::{Certificate, Name, algorithm::digest_from_oid},
};

impl Request {
    /// Reads an OCSPRequest. A signature on it is not looked at.
    ///
    /// ```text
    /// OCSPRequest ::= SEQUENCE {
    ///     tbsRequest         TBSRequest,
    ///     optionalSignature  [0] EXPLICIT Signature OPTIONAL }
    /// TBSRequest ::= SEQUENCE {
    ///     version            [0] EXPLICIT Version DEFAULT v1,
    ///     requestorName      [1] EXPLICIT GeneralName OPTIONAL,
    ///     requestList        SEQUENCE OF Request,
    ///     requestExtensions  [2] EXPLICIT Extensions OPTIONAL }
    /// Request ::= SEQUENCE {
    ///     reqCert                  CertID,
    ///     singleRequestExtensions  [0] EXPLICIT Extensions OPTIONAL }
    /// ```
    ///
    /// # Errors
    ///
    /// When it is none, asks about nothing or about more than 100 certificates, or has an unknown critical extension.
    pub fn parse(der: &[u8]) -> Result<Self, OcspError> {
        let mut outer = Reader::only(der)?.expect(Tag::SEQUENCE)?.reader();
        let mut tbs = outer.take(Tag::SEQUENCE)?.reader();
        outer.optional(Tag::context(0))?;
        outer.finish()?;
        version(&mut tbs)?;
        tbs.optional(Tag::context(1))?;
        let mut list = tbs.take(Tag::SEQUENCE)?.reader();
        let nonce = match tbs.optional(Tag::context(2))? {
            Some(extensions) => nonce(&extensions)?,
            None => None,
        };
        tbs.finish()?;
        let mut cert_ids = Vec::new();
        while !list.is_empty() {
            bounded(cert_ids.len(), MAX_REQUESTS, "requests")?;
            let mut request = list.take(Tag::SEQUENCE)?.reader();
            cert_ids.push(cert_id(&request.take(Tag::SEQUENCE)?)?);
            if let Some(extensions) = request.optional(Tag::context(0))? {
                nonce_free(&extensions)?;
            }
            request.finish()?;
        }
        if cert_ids.is_empty() {
            return Err(malformed("a request about no certificate"));
        }
        Ok(Self { cert_ids, nonce })
    }
}

impl Response {
    /// Reads an OCSPResponse with the basic response inside.
    ///
    /// ```text
    /// OCSPResponse ::= SEQUENCE {
    ///     responseStatus  OCSPResponseStatus,
    ///     responseBytes   [0] EXPLICIT ResponseBytes OPTIONAL }
    /// ResponseBytes ::= SEQUENCE { responseType OBJECT IDENTIFIER, response OCTET STRING }
    /// ```
    ///
    /// Certificates that cannot be read are left out; a signature by one of them then finds no key.
    ///
    /// # Errors
    ///
    /// When it is none, of another type than id-pkix-ocsp-basic, has an unknown critical extension, holds no answer,
    /// over 1,000 answers or over 32 certificates; and with its status when that is not `successful`.
    pub fn parse(der: &[u8]) -> Result<Self, OcspError> {
        let mut outer = Reader::only(der)?.expect(Tag::SEQUENCE)?.reader();
        successful(&outer.take(Tag::ENUMERATED)?)?;
        let wrapped = outer.take(Tag::context(0))?;
        outer.finish()?;
        let mut bytes = Reader::only(wrapped.value)?.expect(Tag::SEQUENCE)?.reader();
        let kind = bytes.take(Tag::OID)?.oid()?;
        if kind != oid::OCSP_BASIC {
            return Err(malformed(format!("a response of type {kind}, which is not the basic one")));
        }
        let basic = bytes.take(Tag::OCTET_STRING)?;
        bytes.finish()?;

        let mut basic = Reader::only(basic.value)?.expect(Tag::SEQUENCE)?.reader();
        let tbs = basic.take(Tag::SEQUENCE)?;
        let algorithm = basic.take(Tag::SEQUENCE)?;
        let signature = basic.take(Tag::BIT_STRING)?.bit_string()?.to_vec();
        let certificates = match basic.optional(Tag::context(0))? {
            Some(wrapped) => certificates(&wrapped)?,
            None => Vec::new(),
        };
        basic.finish()?;

        let mut data = tbs.reader();
        version(&mut data)?;
        let responder_id = responder_id(&data.any()?)?;
        let produced_at = data.take(Tag::GENERALIZED_TIME)?.time()?;
        let singles = singles(&data.take(Tag::SEQUENCE)?)?;
        let nonce = match data.optional(Tag::context(1))? {
            Some(extensions) => nonce(&extensions)?,
            None => None,
        };
        data.finish()?;
        Ok(Self {
            tbs_der: tbs.raw.to_vec(),
            responder_id,
            produced_at,
            singles,
            nonce,
            signature_algorithm: AlgorithmIdentifierOwned::from_der(algorithm.raw)
                .map_err(|error| malformed(format!("the signature algorithm: {error}")))?,
            signature,
            certificates,
            der: der.to_vec(),
        })
    }
}

fn successful(status: &Tlv<'_>) -> Result<(), OcspError> {
    let status = match status.value {
        [0] => return Ok(()),
        [1] => "malformedRequest",
        [2] => "internalError",
        [3] => "tryLater",
        [5] => "sigRequired",
        [6] => "unauthorized",
        _ => return Err(malformed("a status that RFC 6960 does not know")),
    };
    Err(OcspError::Status { status })
}

/// `[0] EXPLICIT Version DEFAULT v1`; there is no other version.
fn version(reader: &mut Reader<'_>) -> Result<(), OcspError> {
    match reader.optional(Tag::context(0))? {
        Some(wrapped) if Reader::only(wrapped.value)?.unsigned()? != 0 => {
            Err(malformed("another version than 1"))
        }
        _ => Ok(()),
    }
}

fn responder_id(choice: &Tlv<'_>) -> Result<ResponderId, OcspError> {
    match choice.tag {
        tag if tag == Tag::context(1) => match Name::from_der(choice.value) {
            Ok(name) => Ok(ResponderId::ByName(name)),
            Err(error) => Err(malformed(format!("the responder's name: {error}"))),
        },
        tag if tag == Tag::context(2) => {
            let hash = Reader::only(choice.value)?;
            Ok(ResponderId::ByKey(hash.expect(Tag::OCTET_STRING)?.value.to_vec()))
        }
        tag => Err(malformed(format!("tag {:#04x} in place of the responder's name or key", tag.0))),
    }
}

fn singles(list: &Tlv<'_>) -> Result<Vec<SingleResponse>, OcspError> {
    let mut list = list.reader();
    let mut singles = Vec::new();
    while !list.is_empty() {
        bounded(singles.len(), MAX_SINGLES, "answers")?;
        let mut single = list.take(Tag::SEQUENCE)?.reader();
        let cert_id = cert_id(&single.take(Tag::SEQUENCE)?)?;
        let status = cert_status(&single.any()?)?;
        let this_update = single.take(Tag::GENERALIZED_TIME)?.time()?;
        let next_update = match single.optional(Tag::context(0))? {
            Some(wrapped) => Some(Reader::only(wrapped.value)?.expect(Tag::GENERALIZED_TIME)?.time()?),
            None => None,
        };
        let archive_cutoff = match single.optional(Tag::context(1))? {
            Some(wrapped) => archive_cutoff(&wrapped)?,
            None => None,
        };
        single.finish()?;
        singles.push(SingleResponse { cert_id, status, this_update, next_update, archive_cutoff });
    }
    if singles.is_empty() {
        return Err(malformed("a response without an answer"));
    }
    Ok(singles)
}

/// ```text
/// CertStatus ::= CHOICE {
///     good     [0] IMPLICIT NULL,
///     revoked  [1] IMPLICIT SEQUENCE {
///         revocationTime    GeneralizedTime,
///         revocationReason  [0] EXPLICIT CRLReason OPTIONAL },
///     unknown  [2] IMPLICIT NULL }
/// ```
fn cert_status(choice: &Tlv<'_>) -> Result<CertStatus, OcspError> {
    let empty =
        |status| if choice.value.is_empty() { Ok(status) } else { Err(malformed("a status with content")) };
    match choice.tag {
        tag if tag == Tag::context_primitive(0) => empty(CertStatus::Good),
        tag if tag == Tag::context_primitive(2) => empty(CertStatus::Unknown),
        tag if tag == Tag::context(1) => {
            let mut info = choice.reader();
            let at = info.take(Tag::GENERALIZED_TIME)?.time()?;
            let reason = match info.optional(Tag::context(0))? {
                Some(wrapped) => match Reader::only(wrapped.value)?.expect(Tag::ENUMERATED)?.value {
                    [reason] => Some(*reason),
                    _ => return Err(malformed("a revocation reason of several octets")),
                },
                None => None,
            };
            info.finish()?;
            Ok(CertStatus::Revoked { at, reason })
        }
        tag => Err(malformed(format!("tag {:#04x} in place of a status", tag.0))),
    }
}

fn cert_id(sequence: &Tlv<'_>) -> Result<CertId, OcspError> {
    let mut reader = sequence.reader();
    let algorithm = reader.take(Tag::SEQUENCE)?.reader().take(Tag::OID)?.oid()?;
    let digest =
        digest_from_oid(algorithm).map_err(|error| malformed(format!("a certificate's name: {error}")))?;
    if digest == DigestAlgorithm::Md5 {
        return Err(malformed("a certificate named by MD5"));
    }
    let issuer_name_hash = reader.take(Tag::OCTET_STRING)?.value.to_vec();
    let issuer_key_hash = reader.take(Tag::OCTET_STRING)?.value.to_vec();
    let serial = reader.take(Tag::INTEGER)?.value.to_vec();
    reader.finish()?;
    if issuer_name_hash.len() != digest.len() || issuer_key_hash.len() != digest.len() || serial.is_empty() {
        return Err(malformed("a certificate's name whose parts have wrong lengths"));
    }
    Ok(CertId { digest, issuer_name_hash, issuer_key_hash, serial })
}

fn certificates(wrapped: &Tlv<'_>) -> Result<Vec<Certificate>, OcspError> {
    let mut list = Reader::only(wrapped.value)?.expect(Tag::SEQUENCE)?.reader();
    let mut seen = 0;
    let mut certificates = Vec::new();
    while !list.is_empty() {
        bounded(seen, MAX_CERTIFICATES, "certificates")?;
        seen += 1;
        certificates.extend(Certificate::from_der(list.any()?.raw));
    }
    Ok(certificates)
}

/// The nonce among `EXPLICIT Extensions` (RFC 6960 section 4.4.1).
///
/// Its value is an OCTET STRING inside the extension's own; old software leaves the inner one out.
fn nonce(wrapped: &Tlv<'_>) -> Result<Option<Vec<u8>>, OcspError> {
    let mut nonce = None;
    known_extensions(wrapped, |kind, value| {
        if kind != oid::OCSP_NONCE {
            return Ok(false);
        }
        let inner = Reader::only(value).ok().filter(|inner| inner.tag == Tag::OCTET_STRING);
        let value = inner.map_or(value, |inner| inner.value);
        match nonce.replace(value.to_vec()) {
            None => Ok(true),
            Some(_) => Err(malformed("two nonces")),
        }
    })?;
    Ok(nonce)
}

/// `ArchiveCutoff ::= GeneralizedTime` among the extensions of one answer (RFC 6960 section 4.4.4).
fn archive_cutoff(wrapped: &Tlv<'_>) -> Result<Option<UtcTime>, OcspError> {
    let mut cutoff = None;
    known_extensions(wrapped, |kind, value| match kind {
        oid::OCSP_ARCHIVE_CUTOFF => {
            let time = Reader::only(value)?.expect(Tag::GENERALIZED_TIME)?.time()?;
            match cutoff.replace(time) {
                None => Ok(true),
                Some(_) => Err(malformed("two archive cutoffs")),
            }
        }
        oid::OCSP_NONCE => Err(malformed("a nonce on a single certificate")),
        _ => Ok(false),
    })?;
    Ok(cutoff)
}

/// Extensions of a single request, where no nonce belongs.
fn nonce_free(wrapped: &Tlv<'_>) -> Result<(), OcspError> {
    match nonce(wrapped)? {
        None => Ok(()),
        Some(_) => Err(malformed("a nonce on a single certificate")),
    }
}

/// Goes through `EXPLICIT Extensions`. `take` says whether it knows an extension; a critical one must be known.
fn known_extensions(
    wrapped: &Tlv<'_>,
    mut take: impl FnMut(ObjectIdentifier, &[u8]) -> Result<bool, OcspError>,
) -> Result<(), OcspError> {
    let mut list = Reader::only(wrapped.value)?.expect(Tag::SEQUENCE)?.reader();
    while !list.is_empty() {
        let mut extension = list.take(Tag::SEQUENCE)?.reader();
        let kind = extension.take(Tag::OID)?.oid()?;
        let critical = extension.optional(Tag::BOOLEAN)?.is_some_and(|flag| flag.value != [0]);
        let value = extension.take(Tag::OCTET_STRING)?.value;
        extension.finish()?;
        if !take(kind, value)? && critical {
            return Err(OcspError::CriticalExtension { oid: kind });
        }
    }
    Ok(())
}

fn bounded(count: usize, most: usize, what: &str) -> Result<(), OcspError> {
    if count < most { Ok(()) } else { Err(malformed(format!("more than {most} {what}"))) }
}

fn malformed(reason: impl Into<String>) -> OcspError {
    OcspError::Malformed { reason: reason.into() }
}

/// Nobody has been seen to ask about more than a chain at once.
const MAX_REQUESTS: usize = 100;

/// Responders that answer from a store put a handful into one response.
const MAX_SINGLES: usize = 1_000;

/// A responder's certificate and the chain above it.
const MAX_CERTIFICATES: usize = 32;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{ResponseData, ResponseStatus, error_response, successful_response};
    use super::*;
    use crate::{asn1::write, base::DigestAlgorithm, x509::algorithm::SignatureScheme};

    fn at(text: &str) -> UtcTime {
        text.parse().unwrap()
    }

    fn cert_id(digest: DigestAlgorithm, serial: &[u8]) -> CertId {
        CertId {
            digest,
            issuer_name_hash: digest.digest(b"name").bytes,
            issuer_key_hash: digest.digest(b"key").bytes,
            serial: serial.to_vec(),
        }
    }

    fn singles() -> Vec<SingleResponse> {
        let (this_update, next_update) = (at("2026-03-01T00:00:00Z"), Some(at("2026-03-02T00:00:00Z")));
        let revoked_at = at("2026-02-01T00:00:00Z");
        [
            (CertStatus::Good, next_update),
            (CertStatus::Revoked { at: revoked_at, reason: Some(1) }, None),
            (CertStatus::Revoked { at: revoked_at, reason: None }, next_update),
            (CertStatus::Unknown, None),
        ]
        .into_iter()
        .enumerate()
        .map(|(number, (status, next_update))| {
            let digest = if number % 2 == 0 { DigestAlgorithm::Sha1 } else { DigestAlgorithm::Sha256 };
            let cert_id = cert_id(digest, &[number as u8 + 1]);
            let archive_cutoff = (number == 1).then_some(revoked_at);
            SingleResponse { cert_id, status, this_update, next_update, archive_cutoff }
        })
        .collect()
    }

    fn algorithm() -> Vec<u8> {
        SignatureScheme::Ecdsa(DigestAlgorithm::Sha256).to_identifier()
    }

    fn response() -> Vec<u8> {
        let data = ResponseData {
            responder_id: ResponderId::ByKey(vec![7; 20]),
            produced_at: at("2026-03-01T00:00:01Z"),
            singles: &singles(),
            nonce: Some(b"nonce"),
        };
        successful_response(&data.to_der(), &algorithm(), b"signature", &[])
    }

    /// A response around other response data.
    fn around(data: &[Vec<u8>]) -> Vec<u8> {
        successful_response(&write::sequence(data), &algorithm(), b"signature", &[])
    }

    #[test]
    fn a_response_is_read_as_it_was_built() {
        let der = response();
        let read = Response::parse(&der).unwrap();
        assert_eq!(read.singles, singles());
        assert_eq!(read.nonce.as_deref(), Some(&b"nonce"[..]));
        assert_eq!(read.produced_at, at("2026-03-01T00:00:01Z"));
        assert_eq!(read.signature, b"signature");
        assert_eq!(read.signature_algorithm.oid, oid::ECDSA_WITH_SHA256);
        assert!(matches!(&read.responder_id, ResponderId::ByKey(hash) if *hash == [7; 20]));
        assert_eq!(read.der, der);
        // What was signed is what was received.
        assert!(der.windows(read.tbs_der.len()).any(|window| window == read.tbs_der));
        assert!(read.tbs_der.starts_with(&[0x30]));
    }

    #[test]
    fn an_honest_refusal_is_named() {
        for (status, name) in [
            (ResponseStatus::MalformedRequest, "malformedRequest"),
            (ResponseStatus::InternalError, "internalError"),
            (ResponseStatus::TryLater, "tryLater"),
            (ResponseStatus::SigRequired, "sigRequired"),
            (ResponseStatus::Unauthorized, "unauthorized"),
        ] {
            let error = Response::parse(&error_response(status)).unwrap_err();
            assert_eq!(error, OcspError::Status { status: name });
        }
    }

    #[test]
    fn broken_responses_are_refused() {
        let data = |singles: &[SingleResponse]| {
            let responder_id = ResponderId::ByKey(vec![7; 20]);
            let produced_at = at("2026-03-01T00:00:01Z");
            ResponseData { responder_id, produced_at, singles, nonce: None }.to_der()
        };
        let parts = |change: &dyn Fn(&mut Vec<Vec<u8>>)| {
            let good = data(&singles());
            let mut reader = Reader::only(&good).unwrap().reader();
            let mut parts: Vec<Vec<u8>> = (0..3).map(|_| reader.any().unwrap().raw.to_vec()).collect();
            change(&mut parts);
            around(&parts)
        };
        let extensions = |list: &[Vec<u8>]| write::value(Tag::context(1), &write::sequence(list));
        let nonce = write::sequence([write::oid(oid::OCSP_NONCE), write::octet_string(b"raw")]);
        let critical = write::sequence([
            write::oid(oid::OCSP_NOCHECK),
            write::value(Tag::BOOLEAN, &[0xFF]),
            write::octet_string(&write::null()),
        ]);
        assert!(Response::parse(&parts(&|_| ())).is_ok());
        let raw =
            Response::parse(&parts(&|parts| parts.push(extensions(std::slice::from_ref(&nonce))))).unwrap();
        assert_eq!(raw.nonce.as_deref(), Some(&b"raw"[..]), "a nonce without its inner OCTET STRING");

        let single = |fields: &[Vec<u8>]| write::sequence([write::sequence(fields)]);
        let id = cert_id(DigestAlgorithm::Sha1, &[1]).to_der();
        let now = write::generalized_time(at("2026-03-01T00:00:00Z"));
        let good = write::value(Tag::context_primitive(0), &[]);
        let short = CertId { issuer_key_hash: vec![1; 19], ..cert_id(DigestAlgorithm::Sha1, &[1]) }.to_der();
        assert!(
            Response::parse(&parts(&|p| p[2] = single(&[id.clone(), good.clone(), now.clone()]))).is_ok()
        );
        for (what, broken) in [
            ("no singles", around(&[])),
            ("an empty list", successful_response(&data(&[]), &algorithm(), b"s", &[])),
            ("no name of the responder", parts(&|p| drop(p.remove(0)))),
            ("a responder by tag 3", parts(&|p| p[0][0] = 0xA3)),
            ("a local time", parts(&|p| p[1] = write::value(Tag::GENERALIZED_TIME, b"20260301000000"))),
            ("two nonces", parts(&|p| p.push(extensions(&[nonce.clone(), nonce.clone()])))),
            ("a critical extension", parts(&|p| p.push(extensions(std::slice::from_ref(&critical))))),
            ("something behind", parts(&|p| p.extend([extensions(&[]), write::null()]))),
            ("version 2", parts(&|p| p.insert(0, write::value(Tag::context(0), &write::unsigned(&[1]))))),
            (
                "a status with content",
                parts(&|p| {
                    p[2] = single(&[id.clone(), write::value(Tag::context_primitive(0), &[0]), now.clone()]);
                }),
            ),
            (
                "status 3",
                parts(&|p| {
                    p[2] = single(&[id.clone(), write::value(Tag::context_primitive(3), &[]), now.clone()]);
                }),
            ),
            (
                "revoked without a moment",
                parts(&|p| {
                    p[2] = single(&[id.clone(), write::value(Tag::context(1), &[]), now.clone()]);
                }),
            ),
            ("a short hash", parts(&|p| p[2] = single(&[short.clone(), good.clone(), now.clone()]))),
            ("no status", parts(&|p| p[2] = single(&[id.clone(), now.clone()]))),
            ("no response bytes", write::sequence([write::value(Tag::ENUMERATED, &[0])])),
            ("status 4", write::sequence([write::value(Tag::ENUMERATED, &[4])])),
            ("a status of two octets", write::sequence([write::value(Tag::ENUMERATED, &[0, 0])])),
            ("an empty file", Vec::new()),
            ("a page of HTML", b"<html>".to_vec()),
        ] {
            assert!(Response::parse(&broken).is_err(), "{what}");
        }
        let der = response();
        for cut in 0..der.len() {
            assert!(Response::parse(&der[..cut]).is_err(), "cut at {cut}");
        }
        assert!(Response::parse(&[&der[..], &[0]].concat()).is_err());
    }

    #[test]
    fn too_much_is_refused() {
        let one = singles().remove(0);
        let many = vec![one; MAX_SINGLES + 1];
        let responder_id = ResponderId::ByKey(vec![7; 20]);
        let produced_at = at("2026-03-01T00:00:01Z");
        let data = ResponseData { responder_id, produced_at, singles: &many, nonce: None }.to_der();
        let error = Response::parse(&successful_response(&data, &algorithm(), b"s", &[])).unwrap_err();
        assert!(error.to_string().contains("more than 1000 answers"), "{error}");

        let cert_ids = vec![cert_id(DigestAlgorithm::Sha1, &[1]); MAX_REQUESTS + 1];
        assert!(Request::parse(&Request { cert_ids, nonce: None }.to_der()).is_err());
        assert!(Request::parse(&Request { cert_ids: Vec::new(), nonce: None }.to_der()).is_err());
    }

    fn any_cert_id() -> impl Strategy<Value = CertId> {
        let digest = prop_oneof![Just(DigestAlgorithm::Sha1), Just(DigestAlgorithm::Sha256)];
        (digest, prop::collection::vec(any::<u8>(), 1..21))
            .prop_map(|(digest, serial)| cert_id(digest, &serial))
    }

    proptest! {
        #[test]
        fn requests_are_read_as_they_were_built(
            cert_ids in prop::collection::vec(any_cert_id(), 1..5),
            nonce in prop::option::of(prop::collection::vec(any::<u8>(), 1..33)),
        ) {
            let request = Request { cert_ids, nonce };
            prop_assert_eq!(Request::parse(&request.to_der()), Ok(request));
        }

        #[test]
        fn changed_messages_never_panic(at in any::<prop::sample::Index>(), octet in any::<u8>()) {
            let mut der = response();
            let at = at.index(der.len());
            der[at] = octet;
            let _ = Response::parse(&der);
            let mut der = Request::new(cert_id(DigestAlgorithm::Sha1, &[1]), Some(vec![1; 8])).to_der();
            let at = at % der.len();
            der[at] = octet;
            let _ = Request::parse(&der);
        }

        #[test]
        fn noise_never_panics(noise in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = Response::parse(&noise);
            let _ = Request::parse(&noise);
        }
    }
}
