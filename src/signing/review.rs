//! Whoever holds the key checks what they sign.
//!
//! ```text
//! review(prepared, reviewed, wishes)   ->  Review      the prepared file is the reviewed document and one empty
//!                                                      signature that says what was agreed, and nothing else
//! Review::confirm(to_be_signed, …)     ->  Confirmed   the bytes to be signed are about this file, name this
//!                                                      certificate, and say what was agreed, and nothing else
//! ```
//!
//! Somebody else may have prepared both: a portal, a server. Only what is [`Confirmed`] should meet a key. All of it is
//! pure.

use std::{fmt, io, ops::Range, sync::Arc};

use der::oid::ObjectIdentifier;

use super::{SigningError, Wishes};
use crate::{
    appearance::{self, CodeFault},
    asn1::{Asn1Error, Reader, Tag, oid},
    base::{Digest, DigestAlgorithm, Limits, Password, Sha256, Source, UtcTime},
    cms::SignedAttributes,
    pdf::{AddedSignature, AddedStamp, Area, DocMdp, Document, FieldLock, NotAlone, PdfError, SignatureKind},
    x509::{Certificate, algorithm::SignatureScheme},
};

/// The document that a person looked at, by its length and digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReviewedDocument {
    /// In bytes.
    pub len: u64,
    /// Of the whole file.
    pub sha256: Sha256,
}

impl ReviewedDocument {
    /// The document in `source`.
    ///
    /// # Errors
    ///
    /// Whatever the medium reports.
    pub fn of(source: &dyn Source) -> io::Result<Self> {
        Ok(Self { len: source.len(), sha256: sha256_until(source, source.len())? })
    }
}

/// Checks that a prepared file is the reviewed document, every byte of it, and behind it one revision that adds one
/// signature, its `/Contents` empty, with what `wishes` say and no more.
///
/// Of [`Wishes::appearance`] the code for the check page counts, which the first signature of a file brings into the margin:
/// it has to be the one that was agreed, drawn as kyso draws it, in a place where it covers nothing. The signature's own
/// picture is what [`Summary::rectangle`] shows.
///
/// # Errors
///
/// [`ReviewError`], which names what else is in there.
pub fn review(
    prepared: &Arc<dyn Source>,
    reviewed: &ReviewedDocument,
    wishes: &Wishes,
    limits: &Limits,
) -> Result<Review, ReviewError> {
    wishes.check()?;
    if prepared.len() <= reviewed.len || sha256_until(&**prepared, reviewed.len)? != reviewed.sha256 {
        return Err(ReviewError::OtherDocument);
    }
    let document = Document::open(Arc::clone(prepared), limits)?;
    let before = continues(&document, prepared, reviewed.len, limits)?;
    let (added, stamp) = document.added_signature_and_stamp()?;
    says(&added, wishes)?;
    code((&before, &document), &added, stamp.as_ref(), wishes)?;
    let signature = &added.signature;
    let [first, second] = added.coverage.ranges.clone();
    Ok(Review {
        summary: Summary {
            field: signature.name.clone(),
            new_field: added.new_field,
            page: added.slot.page,
            rectangle: added.slot.rectangle.filter(|_| added.has_appearance),
            code: stamp.map(|stamp| [stamp.area.left, stamp.area.bottom, stamp.area.right, stamp.area.top]),
            claimed_time: signature.claimed_time,
            signer_name: signature.signer_name.clone(),
            certify: wishes.certify,
            lock: lock_of(&added),
            sha256: reviewed.sha256,
        },
        prepared: Arc::clone(prepared),
        ranges: [first, second],
        wishes: wishes.clone(),
    })
}

/// A prepared file that holds what was reviewed and what was agreed. Nothing else can make one.
pub struct Review {
    summary: Summary,
    prepared: Arc<dyn Source>,
    ranges: [Range<u64>; 2],
    wishes: Wishes,
}

impl fmt::Debug for Review {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Review").field(&self.summary).finish()
    }
}

/// What a signature would do, for a person to see before the PIN.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    /// The field.
    pub field: String,
    /// Whether the field is new, or one that waited for a signature.
    pub new_field: bool,
    /// The page that shows it, from 1.
    pub page: Option<usize>,
    /// Where its picture is seen, in points: left, bottom, right, top; `None` without a picture.
    pub rectangle: Option<[f64; 4]>,
    /// Where the code for the check page stands by itself on the same page, in the same order; `None` without one.
    pub code: Option<[f64; 4]>,
    /// `/M`.
    pub claimed_time: Option<UtcTime>,
    /// `/Name`.
    pub signer_name: Option<String>,
    /// What the document permits afterwards, if the signature certifies it.
    pub certify: Option<DocMdp>,
    /// What may not change afterwards.
    pub lock: Option<FieldLock>,
    /// Of the reviewed document.
    pub sha256: Sha256,
}

impl Review {
    /// What the signature would do.
    pub fn summary(&self) -> &Summary {
        &self.summary
    }

    /// The digest of the bytes that would be signed.
    ///
    /// # Errors
    ///
    /// When the file cannot be read any more.
    pub fn digest(&self, algorithm: DigestAlgorithm) -> Result<Digest, ReviewError> {
        Ok(self.prepared.digest(algorithm, &self.ranges)?)
    }

    /// Checks the bytes to be signed: signed attributes in DER that name the digest of this file and the certificate
    /// `signer`, say what was agreed, and nothing else.
    ///
    /// # Errors
    ///
    /// [`ReviewError`], which names the attribute.
    pub fn confirm(
        self,
        to_be_signed: &[u8],
        signer: &Certificate,
        scheme: SignatureScheme,
    ) -> Result<Confirmed, ReviewError> {
        if self.summary.signer_name.is_some() && self.summary.signer_name != signer.subject().common_name() {
            return Err(ReviewError::Says { what: "/Name", found: shown(self.summary.signer_name.as_ref()) });
        }
        let expected = SignedAttributes {
            content_type: oid::DATA,
            message_digest: self.digest(scheme.digest())?,
            signer: signer.clone(),
            signing_time: None,
        };
        let more = self.wishes.statements.attributes();
        let values: Vec<_> = expected.values().into_iter().chain(more.iter().cloned()).collect();
        compare(to_be_signed, &values)?;
        // All the same attributes, and yet other bytes: not the one encoding that DER has.
        if expected.to_der_with(&more) != to_be_signed {
            return Err(ReviewError::Encoding);
        }
        Ok(Confirmed { review: self, to_be_signed: to_be_signed.to_vec(), scheme })
    }
}

/// Bytes that may be signed: they are about a document that was reviewed, and say what was agreed. Nothing else can
/// make one.
#[derive(Debug)]
pub struct Confirmed {
    review: Review,
    to_be_signed: Vec<u8>,
    scheme: SignatureScheme,
}

impl Confirmed {
    /// The bytes to be signed.
    pub fn to_be_signed(&self) -> &[u8] {
        &self.to_be_signed
    }

    /// How.
    pub fn scheme(&self) -> SignatureScheme {
        self.scheme
    }

    /// What the signature does.
    pub fn summary(&self) -> &Summary {
        &self.review.summary
    }
}

/// Why nothing should be signed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReviewError {
    /// A signed attribute is not what it has to be.
    #[error("the bytes to be signed are not what was agreed: {what} ({oid})")]
    Attribute {
        /// Which one.
        oid: ObjectIdentifier,
        /// What is wrong with it.
        what: &'static str,
    },
    /// The signed attributes name another certificate.
    #[error("the bytes to be signed name another certificate than the one that was expected")]
    Certificate,
    /// There is a code for the check page that was not agreed, or another one than was.
    #[error("the code for the check page is not what was agreed: {0}")]
    Code(#[from] CodeFault),
    /// The signed attributes name another digest.
    #[error("the bytes to be signed are about another file: their digest is not that of the prepared one")]
    Digest,
    /// The signed attributes are no DER.
    #[error("the bytes to be signed are not in the one encoding that they may have (DER)")]
    Encoding,
    /// The medium failed.
    #[error("the file could not be read")]
    Io(#[from] io::Error),
    /// The bytes to be signed are no signed attributes.
    #[error("the bytes to be signed are no signed attributes: {0}")]
    NoAttributes(#[from] Asn1Error),
    /// The revision does more than add a signature, or is none.
    #[error("the prepared file is not the reviewed document with a signature: {0}")]
    NotAlone(#[from] NotAlone),
    /// The prepared file does not begin with the reviewed document.
    #[error("the prepared file does not begin with the document that was reviewed")]
    OtherDocument,
    /// The prepared file cannot be read.
    #[error("the prepared file cannot be read: {0}")]
    Pdf(#[from] PdfError),
    /// The new revision is not appended to the last one of the reviewed document.
    #[error("the prepared file does not go on from where the reviewed document ends")]
    Revision,
    /// The signature would say something that was not agreed.
    #[error("the signature would say what was not agreed: {what} is {found}")]
    Says {
        /// Which entry.
        what: &'static str,
        /// What stands there.
        found: String,
    },
    /// What was agreed contradicts itself.
    #[error(transparent)]
    Wish(#[from] SigningError),
}

/// The prepared file has the reviewed document's revisions, and one more. Gives the reviewed document.
fn continues(
    document: &Document,
    prepared: &Arc<dyn Source>,
    reviewed_len: u64,
    limits: &Limits,
) -> Result<Document, ReviewError> {
    let reviewed =
        Document::open(Arc::new(Beginning { of: Arc::clone(prepared), len: reviewed_len }), limits)?;
    let place = |document: &Document| -> Vec<(u64, u64)> {
        document.revisions().iter().map(|revision| (revision.start, revision.xref_offset)).collect()
    };
    let (before, after) = (place(&reviewed), place(document));
    match after.split_last() {
        Some((_, earlier)) if earlier == before => Ok(reviewed),
        _ => Err(ReviewError::Revision),
    }
}

/// Whether the signature dictionary says what was agreed.
fn says(added: &AddedSignature, wishes: &Wishes) -> Result<(), ReviewError> {
    let signature = &added.signature;
    let differ = |what, found: String| Err(ReviewError::Says { what, found });
    if signature.kind != SignatureKind::Signature || signature.sub_filter != "ETSI.CAdES.detached" {
        return differ("/SubFilter", signature.sub_filter.clone());
    }
    if wishes.field.as_ref().is_some_and(|field| *field != signature.name) {
        return differ("the field", format!("{:?}", signature.name));
    }
    for (what, found, agreed) in [
        ("/Reason", &signature.reason, &wishes.reason),
        ("/Location", &signature.location, &wishes.location),
        ("/ContactInfo", &added.contact, &wishes.contact),
    ] {
        if found != agreed {
            return differ(what, shown(found.as_ref()));
        }
    }
    let certified = wishes.certify.map(DocMdp::level);
    if signature.doc_mdp != certified || added.in_permissions != certified.is_some() {
        let found = signature.doc_mdp.map_or_else(|| "an approval".to_owned(), |level| format!("/P {level}"));
        return differ("the certification (DocMDP)", found);
    }
    // A field that was there may lock what its author said; if something was agreed, then that.
    let own = added.slot.lock.as_ref().filter(|_| !added.new_field);
    let agreed = wishes.lock.as_ref().or(own);
    let found = lock_of(added);
    let same_fields = |lock: &FieldLock| agreed.is_some_and(|agreed| agreed.fields == lock.fields);
    let all_agreed = signature.locks.iter().all(same_fields)
        && found.as_ref().and_then(|lock| lock.level) == agreed.and_then(|agreed| agreed.level)
        && found.is_some() == agreed.is_some();
    if !all_agreed {
        return differ("the lock of fields (FieldMDP)", format!("{:?}", signature.locks));
    }
    Ok(())
}

/// Whether the code for the check page, or none, is what was agreed.
fn code(
    (reviewed, prepared): (&Document, &Document),
    added: &AddedSignature,
    stamp: Option<&AddedStamp>,
    wishes: &Wishes,
) -> Result<(), ReviewError> {
    let agreed = wishes.appearance.as_ref();
    let Some(stamp) = stamp else {
        // With a later signature it stands in the signature's own picture, or nowhere.
        let expected = agreed.is_some_and(appearance::has_code) && reviewed.signatures()?.is_empty();
        return if expected { Err(CodeFault::Missing.into()) } else { Ok(()) };
    };
    let page = added.slot.page.map(|number| reviewed.page(number)).transpose()?.flatten();
    let same_page = page.is_some_and(|page| page.id == stamp.page);
    let seen = added.slot.rectangle.filter(|_| added.has_appearance && same_page);
    let seen = seen.and_then(|[x1, y1, x2, y2]| Area::around([(x1, y1), (x2, y2)]));
    Ok(appearance::confirm_code((reviewed, prepared), stamp, seen, agreed)?)
}

/// What the signature locks, from all places that say so.
fn lock_of(added: &AddedSignature) -> Option<FieldLock> {
    let locks = &added.signature.locks;
    let level = locks.iter().filter_map(|lock| lock.level).min();
    locks.first().map(|lock| FieldLock { fields: lock.fields.clone(), level })
}

/// Whether these attributes are there, each once and with this one value, and no others.
fn compare(to_be_signed: &[u8], expected: &[(ObjectIdentifier, Vec<u8>)]) -> Result<(), ReviewError> {
    let set = Reader::only(to_be_signed)?;
    let mut attributes = set.expect(Tag::SET)?.reader();
    let mut seen = Vec::new();
    while !attributes.is_empty() {
        let mut parts = attributes.take(Tag::SEQUENCE)?.reader();
        let kind = parts.any()?.oid()?;
        let values = parts.take(Tag::SET)?;
        parts.finish()?;
        let refuse = |what| Err(ReviewError::Attribute { oid: kind, what });
        let Some((_, value)) = expected.iter().find(|(known, _)| *known == kind) else {
            return refuse("there is an attribute that nobody agreed to");
        };
        if seen.contains(&kind) {
            return refuse("an attribute is there twice");
        }
        seen.push(kind);
        if values.value != value.as_slice() {
            return match kind {
                oid::MESSAGE_DIGEST => Err(ReviewError::Digest),
                oid::SIGNING_CERTIFICATE_V2 => Err(ReviewError::Certificate),
                _ => refuse("an attribute has another value"),
            };
        }
    }
    match expected.iter().find(|(kind, _)| !seen.contains(kind)) {
        Some((kind, _)) => Err(ReviewError::Attribute { oid: *kind, what: "an attribute is missing" }),
        None => Ok(()),
    }
}

fn shown(text: Option<&String>) -> String {
    text.map_or_else(|| "left out".to_owned(), |text| format!("{text:?}"))
}

fn sha256_until(source: &dyn Source, end: u64) -> io::Result<Sha256> {
    let digest = source.hasher(DigestAlgorithm::Sha256, end)?.finish();
    let bytes = <[u8; 32]>::try_from(digest.bytes.as_slice());
    bytes.map(Sha256).map_err(|_| io::Error::other("SHA-256 was not computed"))
}

/// The beginning of another source.
struct Beginning {
    of: Arc<dyn Source>,
    len: u64,
}

impl Source for Beginning {
    fn len(&self) -> u64 {
        self.len
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        let end = offset.checked_add(buffer.len() as u64);
        if end.is_none_or(|end| end > self.len) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.of.read_at(offset, buffer)
    }

    fn password(&self) -> Option<Arc<Password>> {
        self.of.password()
    }
}
