//! Signing without the key: prepare, then finish.
//!
//! ```text
//! prepare(document, request, now)  ->  Prepared    the revision to append, and the bytes to be signed
//!         a key signs them                          the only step that sees a key: a token, an agent, a CSC service
//! Prepared::finish(value)          ->  Signed      the value fits the certificate, or nothing comes out
//! Signed::stamp(token) / plain()   ->  tail        PAdES B-T or B-B (ETSI EN 319 142-1 section 6)
//! entries_to_store(reliances)      ->  entries     what B-LT needs in `/DSS`; a document time-stamp over it is B-LTA
//! ```
//!
//! Other files than PDF are signed as CAdES: [`prepare_cms`] and [`CmsFile`].
//!
//! All of it is pure. The space for the CMS is computed from the very structure that will go into it; only
//! the time-stamp token comes from outside, and its length is measured before (see [`TokenRoom`]).

mod cms_file;
mod document_stamp;
mod extension;
mod kept;
pub mod review;
mod room;
pub mod seed;
pub mod xades;

use std::sync::Arc;

use crate::{
    appearance::{self, Appearance, AppearanceError, Facts, Placement},
    asn1::oid,
    base::{AppendedSource, Digest, DigestAlgorithm, Limits, UtcTime},
    cms::{CmsError, SignedAttributes, SignedDataParts, Statements},
    crypto::{self, CryptoError},
    pdf::{self, DocMdp, Document, FieldLock, Increment, NewSignature, PdfError, SignatureKind},
    trust::Purpose,
    tsp,
    validation::Level,
    x509::{
        Certificate,
        algorithm::{self, KeyKind, SignatureScheme},
    },
};

pub use cms_file::{ArchiveRequest, CmsFile, CmsRequest, PreparedCms, prepare_cms, prepare_cms_saying};
pub use document_stamp::{PreparedStamp, prepare_document_stamp};
pub use extension::{
    Choice, TooOld, entries_to_store, good_until, is_document_stamp, level_of, reached, too_old,
};
pub use kept::Kept;
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
    /// The level to reach; the desk's own when absent. The revision that is signed does not depend on it.
    pub level: Option<Level>,
    /// What the signature looks like; invisible when absent.
    pub appearance: Option<Appearance>,
    /// Sign although the certificate names no usage that fits: TT 15/2025 annex II leaves keyUsage and extKeyUsage
    /// open. Its validity, its status and its key are never set aside.
    pub any_usage: bool,
    /// Certifies the document, which permits so much afterwards; `None`, and never without being asked for, an
    /// approval signature.
    pub certify: Option<DocMdp>,
    /// The fields that may not change afterwards, and what the document permits.
    pub lock: Option<FieldLock>,
    /// What is said under protection: policy, commitment, roles.
    pub statements: Statements,
}

impl Wishes {
    /// Whether all of this may be said together.
    ///
    /// ETSI EN 319 142-1 section 6.3, requirements on commitment-type-indication and on `/Reason`, and ISO 32000-2
    /// section 12.8.3.4.4: a reason in words, or a commitment or policy by identifier, never both.
    ///
    /// # Errors
    ///
    /// [`SigningError::Wish`].
    pub fn check(&self) -> Result<(), SigningError> {
        let refuse = |reason: &str| Err(SigningError::Wish { reason: reason.to_owned() });
        let Statements { policy, commitment, roles } = &self.statements;
        if self.reason.is_some() && commitment.is_some() {
            return refuse("a commitment and a reason exclude each other in PAdES; leave one of them out");
        }
        if self.reason.is_some() && policy.is_some() {
            return refuse(
                "a signature policy and a reason exclude each other in PAdES; leave one of them out",
            );
        }
        if roles.iter().any(|role| role.trim().is_empty() || role.len() > LONGEST_TEXT) {
            return refuse("a role has from 1 to 1000 bytes");
        }
        let uri = policy.as_ref().and_then(|policy| policy.uri.as_ref());
        if uri.is_some_and(|uri| uri.is_empty() || uri.len() > LONGEST_TEXT || !uri.is_ascii()) {
            return refuse("the address of a signature policy has from 1 to 1000 ASCII characters");
        }
        let weak = |policy: &crate::cms::SignedPolicy| policy.digest.algorithm.is_weak();
        if policy.as_ref().is_some_and(weak) {
            return refuse("the digest of a signature policy is at least SHA-256");
        }
        Ok(())
    }
}

/// Checks that `signer` may sign at `now` with `scheme`, before anyone is asked for a PIN.
///
/// # Errors
///
/// [`SigningError::Certificate`] when it is outside its validity period, [`SigningError::Scheme`] when its key is of
/// another kind. What it is meant for is [`check_usage`]'s question.
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

/// Checks that `signer` is meant for signing documents: keyUsage and extKeyUsage, where it has them.
///
/// # Errors
///
/// [`SigningError::Usage`], which [`Wishes::any_usage`] sets aside.
pub fn check_usage(signer: &Certificate) -> Result<(), SigningError> {
    let may_sign = |usage: crate::x509::KeyUsage| usage.digital_signature || usage.non_repudiation;
    if !signer.key_usage().is_none_or(may_sign) {
        let reason = "its key usage allows neither digitalSignature nor nonRepudiation".to_owned();
        return Err(SigningError::Usage { reason });
    }
    if let Some((_, uses)) = signer.extended_key_usage()
        && !Purpose::Signing.allowed_by(&uses)
    {
        let reason = "its extended key usage is for something else than signing documents".to_owned();
        return Err(SigningError::Usage { reason });
    }
    Ok(())
}

/// Builds the revision that will carry the signature, and what is to be signed.
///
/// The document is read once from its beginning for the digest; nothing is written.
///
/// # Errors
///
/// As [`check_signer`] and [`Wishes::check`]; [`SigningError::Seed`] when the field's author asks for something else;
/// [`SigningError::Pdf`] when the file cannot take a signature.
pub fn prepare(document: &Document, mut request: Request, now: UtcTime) -> Result<Prepared, SigningError> {
    let Revision { increment, contents_len, placement } = revision(document, &mut request, now)?;
    let message_digest = increment_digest(document, &increment, request.scheme.digest())?;
    let to_be_signed = signed_attributes(&request, message_digest);
    Ok(Prepared { request, increment, to_be_signed, contents_len, placement })
}

/// Refuses what [`prepare`] would refuse, without reading the document to its end: before anyone is asked for a PIN.
///
/// # Errors
///
/// As [`prepare`].
pub fn check(document: &Document, request: &Request, now: UtcTime) -> Result<(), SigningError> {
    revision(document, &mut request.clone(), now).map(drop)
}

/// The revision to append.
fn revision(document: &Document, request: &mut Request, now: UtcTime) -> Result<Revision, SigningError> {
    check_signer(&request.signer, request.scheme, now)?;
    if !request.wishes.any_usage {
        check_usage(&request.signer)?;
    }
    seed::settle(document, request)?;
    request.wishes.check()?;
    let room = request.time_stamp.map_or(0, TokenRoom::reserved);
    let contents_len = longest_cms(request, room)?;
    let composed = match &request.wishes.appearance {
        Some(wanted) => {
            let facts = facts(&request.signer, request.wishes.field.clone(), now);
            Some(appearance::compose(document, wanted, &facts)?)
        }
        None => None,
    };
    let (looks, stamp, placement) = match composed {
        Some(composed) => (Some(composed.drawing), composed.stamp, Some(composed.placement)),
        None => (None, None, None),
    };
    let new = NewSignature {
        kind: SignatureKind::Signature,
        sub_filter: "ETSI.CAdES.detached",
        appearance: looks,
        stamp,
        field: request.wishes.field.clone(),
        reason: request.wishes.reason.clone(),
        location: request.wishes.location.clone(),
        contact: request.wishes.contact.clone(),
        signer_name: request.signer.subject().common_name(),
        claimed_time: Some(now),
        certify: request.wishes.certify,
        lock: request.wishes.lock.clone(),
        digest: Some(request.scheme.digest()),
        contents_len,
    };
    let increment = pdf::prepare_signature(document, &new)?;
    if document.is_field_locked(&increment.field)? {
        // A lock of all fields, or of all but some, names those that come later as well: to some judges a signature in
        // a new field is a breach of it.
        let what = "an earlier signature locked all fields of this name, new ones as well";
        return Err(PdfError::Field { name: increment.field, what }.into());
    }
    Ok(Revision { increment, contents_len, placement })
}

/// A revision before it is known what of it is signed.
struct Revision {
    increment: Increment,
    /// The room for the CMS, in bytes.
    contents_len: usize,
    placement: Option<Placement>,
}

/// What the certificate and the moment say for the appearance.
fn facts(signer: &Certificate, field: Option<String>, now: UtcTime) -> Facts {
    let subject = signer.subject();
    Facts {
        signer: subject.common_name(),
        organisation: subject.attribute(oid::ORGANIZATION_NAME),
        now,
        field,
    }
}

/// A revision that waits for its signature value.
#[derive(Debug)]
pub struct Prepared {
    request: Request,
    increment: Increment,
    to_be_signed: Vec<u8>,
    contents_len: usize,
    placement: Option<Placement>,
}

impl Prepared {
    /// Where the appearance came to be, for a signature that can be seen.
    pub fn placement(&self) -> Option<&Placement> {
        self.placement.as_ref()
    }

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

    /// The bytes to append, the place of the signature still empty: behind the document they make the prepared file,
    /// for whoever holds the key to look at ([`review::review`]).
    pub fn tail(&self) -> &[u8] {
        &self.increment.tail
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
    pub fn time_stamp_request(&self, algorithm: DigestAlgorithm, nonce: [u8; 8]) -> tsp::Request {
        stamp_request(algorithm.digest(&self.value), nonce)
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
        let algorithm = parsed.info.imprint.algorithm;
        if algorithm.is_weak() || parsed.info.imprint != algorithm.digest(&self.value) {
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
    /// The signature cannot be shown as it was asked for.
    #[error("the signature cannot be shown: {0}")]
    Appearance(#[from] AppearanceError),
    /// The certificate may not sign now.
    #[error("this certificate cannot sign: {reason}")]
    Certificate {
        /// What stands against it.
        reason: String,
    },
    /// What was put away cannot be taken up again.
    #[error("the prepared signature cannot be used any more: {reason}; prepare it anew")]
    Kept {
        /// What does not fit.
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
    /// The author of the field asks for another signature (ISO 32000-2 section 12.7.5.5).
    #[error("the author of the field {field:?} asks for what this signature would not have: {what}")]
    Seed {
        /// Its fully qualified name.
        field: String,
        /// Which seed value is not met, and what would meet it.
        what: String,
    },
    /// The time-stamp authority gave something else.
    #[error("the time-stamp cannot be used: {0}")]
    TimeStamp(#[from] tsp::TspError),
    /// The certificate is meant for something else; whoever signs may insist.
    #[error("this certificate is not meant for signing: {reason}")]
    Usage {
        /// What it says.
        reason: String,
    },
    /// The value does not fit the certificate.
    #[error("the signature value does not fit the certificate: is it the certificate of this key?")]
    Value(#[source] CryptoError),
    /// What the signer wants to say cannot be said so.
    #[error("this cannot be said with a signature: {reason}")]
    Wish {
        /// Why, and what to do.
        reason: String,
    },
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
}

/// Of a role or an address, in bytes.
const LONGEST_TEXT: usize = 1000;

/// The exact length of the CMS with the longest signature value that the key can give and a token of
/// `token_len` bytes (0: none).
fn longest_cms(request: &Request, token_len: usize) -> Result<usize, SigningError> {
    let digest = request.scheme.digest();
    let attributes = signed_attributes(request, Digest { algorithm: digest, bytes: vec![0; digest.len()] });
    let value = vec![0; longest_value(key_kind(&request.signer)?)];
    let token = vec![0; token_len];
    let token = (token_len > 0).then_some(&token[..]);
    Ok(signed_data(request, &attributes, &value, token).len())
}

/// What the key signs.
fn signed_attributes(request: &Request, message_digest: Digest) -> Vec<u8> {
    let attributes = SignedAttributes {
        content_type: oid::DATA,
        message_digest,
        signer: request.signer.clone(),
        // PAdES keeps the claimed time in /M alone (ETSI EN 319 142-1 section 6.3, requirement on signing-time).
        signing_time: None,
    };
    attributes.to_der_with(&request.wishes.statements.attributes())
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
