//! Signing without the key: prepare, then finish.
//!
//! ```text
//! prepare(document, request, now)  ->  Prepared    the revision to append, and the bytes to be signed
//!         a key signs them                          the only step that sees a key: a token, an agent, a CSC service
//! Prepared::finish(value)          ->  Signed      the value fits the certificate, or nothing comes out
//! Signed::stamp(token) / plain()   ->  tail        PAdES B-T or B-B (ETSI EN 319 142-1 section 6)
//! ```
//!
//! Other files than PDF are signed as CAdES: [`prepare_cms`] and [`CmsFile`].
//!
//! All of it is pure. The space for the CMS is computed from the very structure that will go into it; only
//! the time-stamp token comes from outside, and its length is measured before (see [`TokenRoom`]).

mod cms_file;
mod document_stamp;
mod room;
pub mod xades;

use std::sync::Arc;

use crate::{
    asn1::oid,
    base::{AppendedSource, Digest, DigestAlgorithm, Limits, UtcTime},
    cms::{CmsError, SignedAttributes, SignedDataParts},
    crypto::{self, CryptoError},
    pdf::{self, Document, Increment, NewSignature, PdfError, SignatureKind},
    tsp,
    x509::{
        Certificate,
        algorithm::{self, KeyKind, SignatureScheme},
    },
};

pub use cms_file::{ArchiveRequest, CmsFile, CmsRequest, PreparedCms, prepare_cms};
pub use document_stamp::{PreparedStamp, prepare_document_stamp};
pub use room::TokenRoom;

/// What a signature says, and with which certificate.
#[derive(Clone, Debug)]
pub struct Request {
    /// The certificate of the key that will sign.
    pub signer: Certificate,
    /// Its issuers, as far as they should travel with the signature. Order does not matter.
    pub chain: Vec<Certificate>,
    /// How the key will sign. Must fit the certificate's key.
    pub scheme: SignatureScheme,
    /// Room for a signature time-stamp (PAdES B-T), or none (B-B).
    pub time_stamp: Option<TokenRoom>,
    /// What the signer says with it.
    pub wishes: Wishes,
}

/// What a person says with a signature.
#[derive(Clone, Debug, Default)]
pub struct Wishes {
    /// The signature field to create or, where it exists and is empty, to fill. Named by kyso when absent.
    pub field: Option<String>,
    /// `/Reason`.
    pub reason: Option<String>,
    /// `/Location`.
    pub location: Option<String>,
    /// `/ContactInfo`.
    pub contact: Option<String>,
}

/// Checks that `signer` may sign at `now` with `scheme`, before anyone is asked for a PIN.
///
/// # Errors
///
/// [`SigningError::Certificate`] when it is outside its validity period or not meant for signing,
/// [`SigningError::Scheme`] when its key is of another kind.
pub fn check_signer(signer: &Certificate, scheme: SignatureScheme, now: UtcTime) -> Result<(), SigningError> {
    if let Some(what) = signer.disagreement() {
        return Err(SigningError::Certificate {
            reason: format!("two readers understand it differently: {what}"),
        });
    }
    if now < signer.not_before() {
        let reason = format!("it is not valid before {}", signer.not_before());
        return Err(SigningError::Certificate { reason });
    }
    if now > signer.not_after() {
        return Err(SigningError::Certificate { reason: format!("it expired on {}", signer.not_after()) });
    }
    let may_sign = |usage: crate::x509::KeyUsage| usage.digital_signature || usage.non_repudiation;
    if !signer.key_usage().is_none_or(may_sign) {
        let reason = "its key usage allows neither digitalSignature nor nonRepudiation".to_owned();
        return Err(SigningError::Certificate { reason });
    }
    if let Some(weak) = scheme.weak_digest() {
        return Err(SigningError::Scheme { reason: format!("{weak} is never used for a new signature") });
    }
    let key = key_kind(signer)?;
    match (key, scheme) {
        (KeyKind::Rsa { bits }, SignatureScheme::RsaPkcs1(_) | SignatureScheme::RsaPss { .. })
            if bits >= 2048 =>
        {
            Ok(())
        }
        (KeyKind::Brainpool { bits } | KeyKind::Ec { bits }, SignatureScheme::Ecdsa(_)) if bits >= 256 => {
            Ok(())
        }
        _ => {
            let reason = format!("{} does not fit the certificate's key, {key:?}", scheme.name());
            Err(SigningError::Scheme { reason })
        }
    }
}

/// Builds the revision that will carry the signature, and what is to be signed.
///
/// The document is read once from its beginning for the digest; nothing is written.
///
/// # Errors
///
/// As [`check_signer`]; [`SigningError::Pdf`] when the file cannot take a signature.
pub fn prepare(document: &Document, request: Request, now: UtcTime) -> Result<Prepared, SigningError> {
    check_signer(&request.signer, request.scheme, now)?;
    let room = request.time_stamp.map_or(0, TokenRoom::reserved);
    let contents_len = longest_cms(&request, room)?;
    let new = NewSignature {
        kind: SignatureKind::Signature,
        sub_filter: "ETSI.CAdES.detached",
        field: request.wishes.field.clone(),
        reason: request.wishes.reason.clone(),
        location: request.wishes.location.clone(),
        contact: request.wishes.contact.clone(),
        signer_name: request.signer.subject().common_name(),
        claimed_time: Some(now),
        contents_len,
    };
    let increment = pdf::prepare_signature(document, &new)?;
    let message_digest = increment_digest(document, &increment, request.scheme.digest())?;
    let attributes = SignedAttributes {
        content_type: oid::DATA,
        message_digest,
        signer: request.signer.clone(),
        // PAdES keeps the claimed time in /M alone (ETSI EN 319 142-1 section 6.3, requirement on signing-time).
        signing_time: None,
    };
    let to_be_signed = attributes.to_der();
    Ok(Prepared { request, increment, to_be_signed, contents_len })
}

/// A revision that waits for its signature value.
#[derive(Debug)]
pub struct Prepared {
    request: Request,
    increment: Increment,
    to_be_signed: Vec<u8>,
    contents_len: usize,
}

impl Prepared {
    /// The DER of the signed attributes: what the key signs, by [`Request::scheme`].
    pub fn to_be_signed(&self) -> &[u8] {
        &self.to_be_signed
    }

    /// How the key signs.
    pub fn scheme(&self) -> SignatureScheme {
        self.request.scheme
    }

    /// The name of the field that will hold the signature.
    pub fn field(&self) -> &str {
        &self.increment.field
    }

    /// Takes the signature value, which must fit the certificate.
    ///
    /// ECDSA values are DER `Ecdsa-Sig-Value` (RFC 5480).
    ///
    /// # Errors
    ///
    /// [`SigningError::Value`] when it does not fit: another key signed, or something else was signed.
    pub fn finish(self, value: Vec<u8>) -> Result<Signed, SigningError> {
        let spki = self.request.signer.spki_der();
        crypto::verify(spki, self.request.scheme, &self.to_be_signed, &value).map_err(SigningError::Value)?;
        Ok(Signed { prepared: self, value })
    }
}

/// A signature that fits, not yet in its place.
#[derive(Debug)]
pub struct Signed {
    prepared: Prepared,
    value: Vec<u8>,
}

impl Signed {
    /// The request for a signature time-stamp over the value (RFC 3161, ETSI EN 319 122-1 section 5.3).
    pub fn time_stamp_request(&self, nonce: [u8; 8]) -> tsp::Request {
        stamp_request(self.prepared.request.scheme.digest().digest(&self.value), nonce)
    }

    /// The bytes to append, without a time-stamp: PAdES B-B.
    ///
    /// # Errors
    ///
    /// [`SigningError::Pdf`] when the CMS does not fit, which the computed space excludes.
    pub fn plain(self) -> Result<Vec<u8>, SigningError> {
        let cms = self.cms(None);
        self.fill(&cms)
    }

    /// The bytes to append, with a signature time-stamp: PAdES B-T.
    ///
    /// A token that is longer than the room measured for it comes back as [`Stamped::TooLong`], together
    /// with the signature: a document time-stamp behind it gives the same level, and no key is touched again.
    ///
    /// # Errors
    ///
    /// [`SigningError::TimeStamp`] when the token is not one over this signature.
    pub fn stamp(self, token: &[u8], limits: &Limits) -> Result<Stamped, SigningError> {
        let parsed = tsp::Token::parse(token, limits)?;
        if parsed.info.imprint != self.prepared.request.scheme.digest().digest(&self.value) {
            return Err(tsp::TspError::Mismatch { what: "messageImprint" }.into());
        }
        let cms = self.cms(Some(token));
        if cms.len() > self.prepared.contents_len {
            return Ok(Stamped::TooLong(self.plain()?));
        }
        self.fill(&cms).map(Stamped::Whole)
    }

    fn cms(&self, token: Option<&[u8]>) -> Vec<u8> {
        let request = &self.prepared.request;
        signed_data(request, &self.prepared.to_be_signed, &self.value, token)
    }

    fn fill(mut self, cms: &[u8]) -> Result<Vec<u8>, SigningError> {
        self.prepared.increment.fill(cms)?;
        Ok(self.prepared.increment.tail)
    }
}

/// What became of a time-stamp token.
#[derive(Debug)]
pub enum Stamped {
    /// The bytes to append: signature without the token, which found no room.
    TooLong(Vec<u8>),
    /// The bytes to append: signature and token.
    Whole(Vec<u8>),
}

/// Why nothing was signed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SigningError {
    /// The certificate may not sign now.
    #[error("this certificate cannot sign: {reason}")]
    Certificate {
        /// What stands against it.
        reason: String,
    },
    /// The signature that is there cannot be read.
    #[error("the signature cannot be read: {0}")]
    Cms(#[from] CmsError),
    /// The file cannot take a signature.
    #[error("the file cannot be signed: {0}")]
    Pdf(#[from] PdfError),
    /// The digest could not be computed.
    #[error("the file could not be read to its end")]
    Read(#[from] std::io::Error),
    /// Key and scheme do not go together.
    #[error("this way of signing is not possible: {reason}")]
    Scheme {
        /// What does not fit.
        reason: String,
    },
    /// The time-stamp authority gave something else.
    #[error("the time-stamp cannot be used: {0}")]
    TimeStamp(#[from] tsp::TspError),
    /// The XML cannot be read.
    #[error("the file cannot be signed as XML: {0}")]
    Xml(#[from] crate::xml::XmlError),
    /// An XML signature in the file cannot be read.
    #[error("the XML signature cannot be used: {0}")]
    XmlSignature(#[from] crate::xml::SignatureError),
    /// The XML can be read, but not be signed in this way.
    #[error("the XML cannot be signed in this way: {reason}")]
    XmlUnsuited {
        /// What stands against it.
        reason: String,
    },
    /// The value does not fit the certificate.
    #[error("the signature value does not fit the certificate: is it the certificate of this key?")]
    Value(#[source] CryptoError),
}

/// The exact length of the CMS with the longest signature value that the key can give and a token of
/// `token_len` bytes (0: none).
fn longest_cms(request: &Request, token_len: usize) -> Result<usize, SigningError> {
    let digest = request.scheme.digest();
    let attributes = SignedAttributes {
        content_type: oid::DATA,
        message_digest: Digest { algorithm: digest, bytes: vec![0; digest.len()] },
        signer: request.signer.clone(),
        signing_time: None,
    };
    let value = vec![0; longest_value(key_kind(&request.signer)?)];
    let token = vec![0; token_len];
    let token = (token_len > 0).then_some(&token[..]);
    Ok(signed_data(request, &attributes.to_der(), &value, token).len())
}

fn signed_data(request: &Request, attributes: &[u8], value: &[u8], token: Option<&[u8]>) -> Vec<u8> {
    SignedDataParts {
        content: None,
        content_type: oid::DATA,
        signed_attributes: attributes,
        scheme: request.scheme,
        signer: &request.signer,
        chain: &request.chain,
        signature: value,
        time_stamp_token: token,
    }
    .to_der()
}

fn key_kind(signer: &Certificate) -> Result<KeyKind, SigningError> {
    algorithm::key_kind(signer.spki_der())
        .map_err(|unknown| SigningError::Certificate { reason: format!("its key cannot be used: {unknown}") })
}

/// The longest signature value of a key, in bytes.
///
/// RSA: the modulus (RFC 8017). ECDSA: a SEQUENCE of two INTEGERs, each a sign octet longer than the field. Ed25519: a
/// point and a number (RFC 8032 section 5.1.6).
fn longest_value(key: KeyKind) -> usize {
    match key {
        KeyKind::Brainpool { bits } | KeyKind::Ec { bits } => 2 * (bits.div_ceil(8) + 1 + 2) + 3,
        KeyKind::Ed25519 => 64,
        KeyKind::Rsa { bits } => bits.div_ceil(8),
    }
}

fn increment_digest(
    document: &Document,
    increment: &Increment,
    algorithm: DigestAlgorithm,
) -> Result<Digest, SigningError> {
    use crate::base::Source;
    let whole = AppendedSource::new(Arc::clone(document.source()), increment.tail.clone());
    Ok(whole.digest(algorithm, &increment.ranges)?)
}

fn stamp_request(imprint: Digest, nonce: [u8; 8]) -> tsp::Request {
    tsp::Request { imprint, nonce: Some(nonce.to_vec()), cert_req: true }
}
