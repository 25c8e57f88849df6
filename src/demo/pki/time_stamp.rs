//! A time-stamp authority in memory (RFC 3161).

use der::oid::ObjectIdentifier;

use super::{PkiError, SigningKey};
use crate::{
    asn1::{Reader, Tag, oid, write},
    base::{Chance, Clock, UtcTime},
    cms::{SignedAttributes, SignedDataParts},
    tsp::{self, FailureInfo, TspError, TstInfo},
    x509::Certificate,
};

/// Answers time-stamp requests with the moment of its clock.
#[derive(Debug)]
pub struct TimeStampAuthority {
    key: SigningKey,
    certificate: Certificate,
    chain: Vec<Certificate>,
    clock: Clock,
    chance: Chance,
}

impl TimeStampAuthority {
    /// An authority with this key and certificate; `chain` goes into its tokens as well.
    pub fn new(
        key: SigningKey,
        certificate: Certificate,
        chain: Vec<Certificate>,
        clock: Clock,
        chance: Chance,
    ) -> Self {
        Self { key, certificate, chain, clock, chance }
    }

    /// The certificate that signs its tokens.
    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// The key that signs its tokens.
    pub fn key(&self) -> &SigningKey {
        &self.key
    }

    /// A TimeStampResp to a TimeStampReq, whatever came in.
    pub fn answer(&self, request: &[u8]) -> Vec<u8> {
        let request = match tsp::Request::parse(request) {
            Ok(request) => request,
            Err(TspError::Unknown { oid }) => {
                return tsp::rejected_response(FailureInfo::BadAlg, &format!("{oid} is not supported"));
            }
            Err(error) => return tsp::rejected_response(FailureInfo::BadDataFormat, &error.to_string()),
        };
        if request.imprint.algorithm.is_weak() {
            return tsp::rejected_response(FailureInfo::BadAlg, "SHA-1 is not time-stamped any more");
        }
        match self.token(&request, self.clock.now()) {
            Ok(token) => tsp::granted_response(&token),
            Err(error) => tsp::rejected_response(FailureInfo::SystemFailure, &error.to_string()),
        }
    }

    /// A token for `request` at `gen_time`, a ContentInfo encoding.
    ///
    /// # Errors
    ///
    /// When the signature cannot be made.
    pub fn token(&self, request: &tsp::Request, gen_time: UtcTime) -> Result<Vec<u8>, PkiError> {
        let mut serial = self.chance.bytes::<16>();
        serial[0] = serial[0] & 0x7F | 0x40;
        let info = TstInfo {
            policy: POLICY,
            imprint: request.imprint.clone(),
            serial: serial.to_vec(),
            gen_time,
            nonce: request.nonce.clone(),
        }
        .to_der();
        let scheme = self.key.scheme();
        let attributes = SignedAttributes {
            content_type: oid::TST_INFO,
            message_digest: scheme.digest().digest(&info),
            signer: self.certificate.clone(),
            signing_time: None,
        }
        .to_der();
        let signature = self.key.sign(&attributes)?;
        let token = SignedDataParts {
            content: Some(&info),
            content_type: oid::TST_INFO,
            signed_attributes: &attributes,
            scheme,
            signer: &self.certificate,
            chain: &self.chain,
            signature: &signature,
            time_stamp_token: None,
        }
        .to_der();
        if request.cert_req { Ok(token) } else { without_certificates(&token) }
    }
}

/// The token without its certificates, which must be absent when nobody asked for them (RFC 3161 section 2.4.1).
fn without_certificates(token: &[u8]) -> Result<Vec<u8>, PkiError> {
    let broken = |_| PkiError::Key { reason: "the token could not be written without certificates" };
    let mut content_info = Reader::only(token).map_err(broken)?.reader();
    let content_type = content_info.take(Tag::OID).map_err(broken)?;
    let signed_data = content_info.take(Tag::context(0)).map_err(broken)?;
    let mut fields = Reader::only(signed_data.value).map_err(broken)?.reader();
    let mut kept = Vec::new();
    while !fields.is_empty() {
        let field = fields.any().map_err(broken)?;
        if field.tag != Tag::context(0) {
            kept.push(field.raw);
        }
    }
    let signed_data = write::value(Tag::context(0), &write::sequence(kept));
    Ok(write::sequence([content_type.raw, &signed_data]))
}

/// An arc kept for examples (RFC 5612).
const POLICY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.32473.1.3161");
