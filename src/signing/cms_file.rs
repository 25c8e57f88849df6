//! CAdES signatures of any file (ETSI EN 319 122-1), level by level, without key, network and clock.
//!
//! ```text
//! prepare_cms(request, now)      ->  PreparedCms    the bytes to be signed
//!         a key signs them
//! PreparedCms::finish(value)     ->  CmsFile        CAdES B-B; also CmsFile::open, for a signature that is there
//! CmsFile::stamp(token)          ->                 B-T: a time-stamp on the value
//! CmsFile::embed(evidence)       ->                 B-LT: certificates and status evidence travel along
//! CmsFile::archive_request(…)    ->  ArchiveRequest
//! CmsFile::archive(request, …)   ->                 B-LTA: an archive time-stamp over all of it; again before it weakens
//! ```

use crate::{
    asn1::oid,
    base::{Digest, DigestAlgorithm, Limits, UtcTime},
    cms::{HashIndex, Parts, SignedAttributes, SignedData, SignedDataParts, Statements},
    crypto, tsp,
    validation::Evidence,
    x509::{Certificate, algorithm::SignatureScheme},
};

use super::{SigningError, Wishes, check_signer, check_usage, stamp_request};

/// What is to be signed, and by whom.
#[derive(Clone, Debug)]
pub struct CmsRequest {
    /// The certificate of the key that will sign.
    pub signer: Certificate,
    /// Its issuers, as far as they should travel with the signature. Order does not matter.
    pub chain: Vec<Certificate>,
    /// How the key will sign. Must fit the certificate's key.
    pub scheme: SignatureScheme,
    /// Of the content, under the digest of [`CmsRequest::scheme`].
    pub digest: Digest,
    /// The content itself, to lie inside (`.p7m`); `None` for a signature apart from it (`.p7s`).
    pub enveloped: Option<Vec<u8>>,
    /// As [`Wishes::any_usage`].
    pub any_usage: bool,
}

/// Builds what is to be signed. The signing-time attribute is `now` (ETSI EN 319 122-1 section 6.3 wants one).
///
/// # Errors
///
/// As [`check_signer`] and [`check_usage`]; [`SigningError::Scheme`] when the digest is of another algorithm, or not that of the content.
pub fn prepare_cms(request: CmsRequest, now: UtcTime) -> Result<PreparedCms, SigningError> {
    prepare_cms_saying(request, &Statements::default(), now)
}

/// As [`prepare_cms`], with what the signer says under protection.
///
/// # Errors
///
/// As [`prepare_cms`]; [`SigningError::Wish`] when it cannot be said.
pub fn prepare_cms_saying(
    request: CmsRequest,
    statements: &Statements,
    now: UtcTime,
) -> Result<PreparedCms, SigningError> {
    check_signer(&request.signer, request.scheme, now)?;
    if !request.any_usage {
        check_usage(&request.signer)?;
    }
    Wishes { statements: statements.clone(), ..Wishes::default() }.check()?;
    let algorithm = request.scheme.digest();
    let fits = request.enveloped.as_ref().is_none_or(|content| algorithm.digest(content) == request.digest);
    if request.digest.algorithm != algorithm || !fits {
        let reason = format!("the digest given is not the {algorithm} digest of the content");
        return Err(SigningError::Scheme { reason });
    }
    let attributes = SignedAttributes {
        content_type: oid::DATA,
        message_digest: request.digest.clone(),
        signer: request.signer.clone(),
        signing_time: Some(now),
    };
    Ok(PreparedCms { to_be_signed: attributes.to_der_with(&statements.attributes()), request })
}

/// A signature that waits for its value.
#[derive(Debug)]
pub struct PreparedCms {
    request: CmsRequest,
    to_be_signed: Vec<u8>,
}

impl PreparedCms {
    /// The DER of the signed attributes: what the key signs, by [`PreparedCms::scheme`].
    pub fn to_be_signed(&self) -> &[u8] {
        &self.to_be_signed
    }

    /// How the key signs.
    pub fn scheme(&self) -> SignatureScheme {
        self.request.scheme
    }

    /// Takes the signature value, which must fit the certificate: CAdES B-B.
    ///
    /// ECDSA values are DER `Ecdsa-Sig-Value` (RFC 5480).
    ///
    /// # Errors
    ///
    /// [`SigningError::Value`] when it does not fit: another key signed, or something else was signed.
    pub fn finish(self, value: &[u8], limits: &Limits) -> Result<CmsFile, SigningError> {
        let Self { request, to_be_signed } = self;
        crypto::verify(request.signer.spki_der(), request.scheme, &to_be_signed, value)
            .map_err(SigningError::Value)?;
        let cms = SignedDataParts {
            content: request.enveloped.as_deref(),
            content_type: oid::DATA,
            signed_attributes: &to_be_signed,
            scheme: request.scheme,
            signer: &request.signer,
            chain: &request.chain,
            signature: value,
            time_stamp_token: None,
        };
        // Content that was taken in may be written down.
        let room = request.enveloped.as_ref().map_or(0, Vec::len);
        CmsFile::open(&cms.to_der(), &limits_with(limits, room))
    }
}

/// A CMS signature with one signer, ours or another's, to be raised to a higher level.
#[derive(Clone, Debug)]
pub struct CmsFile {
    parts: Parts,
    signature: Vec<u8>,
    digest: DigestAlgorithm,
    content: Option<Vec<u8>>,
}

impl CmsFile {
    /// Takes a signature apart: DER, or BER.
    ///
    /// # Errors
    ///
    /// [`SigningError::Cms`] when it is no SignedData with one signer.
    pub fn open(cms: &[u8], limits: &Limits) -> Result<Self, SigningError> {
        let parts = Parts::parse(cms, limits)?;
        let data = SignedData::parse(cms, limits)?;
        let signer = data.only_signer()?;
        let (signature, digest) = (signer.signature.clone(), signer.digest_algorithm);
        Ok(Self { parts, signature, digest, content: data.content })
    }

    /// The digest algorithm of the signature.
    pub fn digest(&self) -> DigestAlgorithm {
        self.digest
    }

    /// eContent; `None` where the content lies apart.
    pub fn content(&self) -> Option<&[u8]> {
        self.content.as_deref()
    }

    /// The request for a time-stamp on the signature value (ETSI EN 319 122-1 section 5.3).
    pub fn time_stamp_request(&self, algorithm: DigestAlgorithm, nonce: [u8; 8]) -> tsp::Request {
        stamp_request(algorithm.digest(&self.signature), nonce)
    }

    /// Adds a time-stamp on the signature value.
    ///
    /// # Errors
    ///
    /// [`SigningError::TimeStamp`] when the token is not one over this signature.
    pub fn stamp(&mut self, token: &[u8], limits: &Limits) -> Result<(), SigningError> {
        let parsed = tsp::Token::parse(token, limits)?;
        if parsed.info.imprint != parsed.info.imprint.algorithm.digest(&self.signature) {
            return Err(tsp::TspError::Mismatch { what: "messageImprint" }.into());
        }
        self.parts.add_unsigned_attribute(oid::TIME_STAMP_TOKEN, token);
        Ok(())
    }

    /// Adds certificates and status evidence to SignedData.certificates and SignedData.crls (ETSI EN 319 122-1 sections
    /// 5.4.1 and 5.4.2; RFC 5940 for OCSP). What is there is not added again.
    pub fn embed(&mut self, evidence: &[Evidence]) {
        for one in evidence {
            match one {
                Evidence::Certificate(der) => self.parts.add_certificate(der),
                Evidence::Crl(der) => self.parts.add_crl(der),
                Evidence::Ocsp(der) => self.parts.add_ocsp(der),
            }
        }
    }

    /// What an archive-time-stamp-v3 over all that is there now has to be made for (section 5.5.3).
    ///
    /// `content`: the digest of the content, in the algorithm of the time-stamp.
    pub fn archive_request(&self, content: &Digest, nonce: [u8; 8]) -> ArchiveRequest {
        let index = HashIndex::over(&self.parts, content.algorithm);
        let imprint = self.parts.archive_imprint(content, index.der());
        ArchiveRequest { index, request: stamp_request(imprint, nonce) }
    }

    /// Adds an archive-time-stamp-v3, its index in the token's own unsigned attributes.
    ///
    /// # Errors
    ///
    /// [`SigningError::TimeStamp`] when the token is not one for this request.
    pub fn archive(
        &mut self,
        request: &ArchiveRequest,
        token: &[u8],
        limits: &Limits,
    ) -> Result<(), SigningError> {
        if tsp::Token::parse(token, limits)?.info.imprint != request.request.imprint {
            return Err(tsp::TspError::Mismatch { what: "messageImprint" }.into());
        }
        let mut token = Parts::parse(token, limits)?;
        token.add_unsigned_attribute(oid::ATS_HASH_INDEX_V3, request.index.der());
        self.parts.add_unsigned_attribute(oid::ARCHIVE_TIME_STAMP_V3, &token.to_der());
        Ok(())
    }

    /// The file.
    pub fn to_der(&self) -> Vec<u8> {
        self.parts.to_der()
    }
}

/// An archive time-stamp that is still to be had.
#[derive(Clone, Debug)]
pub struct ArchiveRequest {
    index: HashIndex,
    /// The request for its token.
    pub request: tsp::Request,
}

/// The bound on a CMS is for what comes beside the content.
fn limits_with(limits: &Limits, content: usize) -> Limits {
    Limits { cms_bytes: limits.cms_bytes.saturating_add(content), ..limits.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        asn1::write,
        base::{Chance, Clock},
        demo::pki::{DemoPki, Holder, KeyAlgorithm, SigningKey},
    };

    struct Office {
        pki: DemoPki,
        key: SigningKey,
        certificate: Certificate,
    }

    impl Office {
        fn new() -> Self {
            let pki = DemoPki::new(Clock::System, Chance::system()).unwrap();
            let key = SigningKey::generate(KeyAlgorithm::EcP256).unwrap();
            let certificate = pki.issue_person(key.spki_der(), &Holder::new("Văn thư")).unwrap();
            Self { pki, key, certificate }
        }

        fn request(&self, content: &[u8], inside: bool) -> CmsRequest {
            let scheme = self.key.scheme();
            CmsRequest {
                signer: self.certificate.clone(),
                chain: self.pki.chain(),
                scheme,
                digest: scheme.digest().digest(content),
                enveloped: inside.then(|| content.to_vec()),
                any_usage: false,
            }
        }

        fn sign(&self, content: &[u8], inside: bool) -> CmsFile {
            let prepared = prepare_cms(self.request(content, inside), Clock::System.now()).unwrap();
            let value = self.key.sign(prepared.to_be_signed()).unwrap();
            prepared.finish(&value, &Limits::default()).unwrap()
        }

        fn token(&self, request: &tsp::Request) -> Vec<u8> {
            self.pki.tsa().token(request, Clock::System.now()).unwrap()
        }
    }

    #[test]
    fn a_value_of_another_key_or_a_wrong_digest_is_refused() {
        let office = Office::new();
        let now = Clock::System.now();
        let prepared = prepare_cms(office.request(b"x", false), now).unwrap();
        let other = SigningKey::generate(KeyAlgorithm::EcP256).unwrap();
        let value = other.sign(prepared.to_be_signed()).unwrap();
        let refused = prepared.finish(&value, &Limits::default()).unwrap_err();
        assert!(matches!(refused, SigningError::Value(_)), "{refused}");
        let wrong = CmsRequest { enveloped: Some(b"y".to_vec()), ..office.request(b"x", true) };
        assert!(matches!(prepare_cms(wrong, now), Err(SigningError::Scheme { .. })));
        let digest = DigestAlgorithm::Sha512.digest(b"x");
        let wrong = CmsRequest { digest, ..office.request(b"x", false) };
        assert!(matches!(prepare_cms(wrong, now), Err(SigningError::Scheme { .. })));
    }

    #[test]
    fn tokens_for_something_else_are_refused() {
        let office = Office::new();
        let limits = Limits::default();
        let (mut one, other) = (office.sign(b"x", false), office.sign(b"x", false));
        let token = office.token(&other.time_stamp_request(DigestAlgorithm::Sha256, [7; 8]));
        assert!(matches!(one.stamp(&token, &limits), Err(SigningError::TimeStamp(_))));
        let content = DigestAlgorithm::Sha256.digest(b"x");
        let request = one.archive_request(&content, [7; 8]);
        let token = office.token(&other.archive_request(&content, [7; 8]).request);
        assert!(matches!(one.archive(&request, &token, &limits), Err(SigningError::TimeStamp(_))));
        assert!(one.parts.unsigned_attributes().is_empty(), "nothing was added");
    }

    #[test]
    fn each_level_keeps_what_was_there() {
        let office = Office::new();
        let limits = Limits::default();
        for inside in [false, true] {
            let mut file = office.sign("Quyết định".as_bytes(), inside);
            assert_eq!(file.content().is_some(), inside);
            let signed = file.signature.clone();
            let token = office.token(&file.time_stamp_request(DigestAlgorithm::Sha256, [1; 8]));
            file.stamp(&token, &limits).unwrap();
            let crl = office.pki.crl("ca").unwrap().unwrap();
            file.embed(&[Evidence::Crl(crl), Evidence::Certificate(office.certificate.der().to_vec())]);
            for round in 1..=2 {
                let content = DigestAlgorithm::Sha512.digest("Quyết định".as_bytes());
                let request = file.archive_request(&content, [round; 8]);
                let token = office.token(&request.request);
                file.archive(&request, &token, &limits).unwrap();
            }
            let read = CmsFile::open(&file.to_der(), &limits).unwrap();
            assert_eq!((&read.signature, &read.parts), (&signed, &file.parts));
            let data = SignedData::parse(&file.to_der(), &limits).unwrap();
            let signer = data.only_signer().unwrap();
            assert_eq!(signer.time_stamp_tokens, [token]);
            assert_eq!((signer.cades.archive_time_stamps.len(), data.crls.len()), (2, 1));
            assert!(signer.signing_time.is_some());
        }
    }

    #[test]
    fn what_is_no_signature_is_refused() {
        for broken in [&b""[..], b"%PDF-1.7", &write::sequence([write::null()])] {
            assert!(matches!(CmsFile::open(broken, &Limits::default()), Err(SigningError::Cms(_))));
        }
    }
}
