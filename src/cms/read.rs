//! SignedData as received.

use der::oid::ObjectIdentifier;
use spki::AlgorithmIdentifierOwned;

use crate::{
    base::{Digest, DigestAlgorithm, Limits, UtcTime},
    x509::{Certificate, Crl, Name},
};

/// A SignedData (RFC 5652 section 5.1). Trailing zero padding, as in a PDF's /Contents, is cut off before parsing by the caller or here.
pub struct SignedData {
    pub content_type: ObjectIdentifier,
    /// eContent, when the signature is not detached.
    pub content: Option<Vec<u8>>,
    /// Those that could be read, as received.
    pub certificates: Vec<Certificate>,
    pub crls: Vec<Crl>,
    pub signer_infos: Vec<SignerInfo>,
}

pub enum SignerId {
    IssuerAndSerial { issuer: Name, serial: Vec<u8> },
    SubjectKeyIdentifier(Vec<u8>),
}

/// ESSCertID or ESSCertIDv2.
pub struct EssCertId {
    pub digest: Digest,
    pub issuer_serial: Option<(Name, Vec<u8>)>,
}

pub struct SignerInfo {
    pub sid: SignerId,
    pub digest_algorithm: DigestAlgorithm,
    pub signature_algorithm: AlgorithmIdentifierOwned,
    /// The signed attributes as they are hashed: as received, tag 0xA0 replaced by 0x31. `None` without signed attributes.
    pub signed_attributes: Option<Vec<u8>>,
    pub content_type: Option<ObjectIdentifier>,
    pub message_digest: Option<Vec<u8>>,
    pub signing_time: Option<UtcTime>,
    /// signing-certificate (v1) or -v2: the list, empty when absent.
    pub signing_certificate: Vec<EssCertId>,
    pub signature: Vec<u8>,
    /// signature-time-stamp tokens (whole ContentInfo encodings).
    pub time_stamp_tokens: Vec<Vec<u8>>,
    /// adbe-revocationInfoArchival: CRLs and OCSPResponses found there.
    pub revocation_crls: Vec<Vec<u8>>,
    pub revocation_ocsps: Vec<Vec<u8>>,
}

#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CmsError {
    #[error("not a CMS SignedData: {reason}")]
    Malformed { reason: String },
}

impl SignedData {
    /// Reads a ContentInfo with SignedData. Zero octets behind it are ignored; anything else there is an error.
    pub fn parse(bytes: &[u8], limits: &Limits) -> Result<Self, CmsError> {
        let _ = (bytes, limits);
        todo!()
    }
    /// The one signer; none or several is an error.
    pub fn only_signer(&self) -> Result<&SignerInfo, CmsError> {
        todo!()
    }
    /// The certificate among `certificates` that the signer id names.
    pub fn signer_certificate(&self) -> Result<Option<&Certificate>, CmsError> {
        todo!()
    }
}
