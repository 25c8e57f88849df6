//! PDF: a lazy, revision-aware reader and an incremental writer (ISO 32000). `/Contents` stays opaque bytes.
//!
//! Objects are lopdf's; reading them is ours, because lopdf merges revisions and keeps no offsets.

use std::{ops::Range, sync::Arc};

pub use lopdf::{Dictionary, Object, ObjectId, Stream};

use crate::base::{Limits, Source};

/// A PDF file opened for reading by position. Holds cross-reference data, never the whole file.
pub struct Document {
    source: Arc<dyn Source>,
}

/// One revision: what one `startxref` … `%%EOF` closes.
#[derive(Clone, Debug)]
pub struct Revision {
    /// One past the last byte: after `%%EOF` and its end-of-line.
    pub end: u64,
    /// Where its cross-reference section begins.
    pub xref_offset: u64,
    /// Objects that this revision defines or frees.
    pub objects: Vec<ObjectId>,
}

/// A signature dictionary reached through a field of the form (or, for a broken file, without one).
#[derive(Clone, Debug)]
pub struct SignatureField {
    /// The fully qualified name, ISO 32000-1 section 12.7.3.2.
    pub name: String,
    pub field: ObjectId,
    pub dictionary: ObjectId,
    /// `/Type`: `Sig` or `DocTimeStamp`.
    pub kind: SignatureKind,
    pub sub_filter: String,
    /// As written; judged by [`check_byte_range`].
    pub byte_range: Vec<i64>,
    /// Decoded `/Contents` as reached through the cross-reference.
    pub contents: Vec<u8>,
    /// Index into [`Document::revisions`] of the revision that holds the dictionary.
    pub revision: usize,
    /// `/M` as instant when it parses.
    pub claimed_time: Option<crate::base::UtcTime>,
    pub reason: Option<String>,
    pub location: Option<String>,
    pub signer_name: Option<String>,
    /// `/P` of a DocMDP transform, when this is a certification signature.
    pub doc_mdp: Option<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignatureKind {
    Signature,
    DocTimeStamp,
}

/// How a signature's byte range stands: proven, or what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Coverage {
    /// The two ranges of bytes that are signed.
    pub ranges: [Range<u64>; 2],
    /// The hole: from `<` to `>` inclusive.
    pub hole: Range<u64>,
    /// The index of the revision whose end the second range meets.
    pub revision: usize,
    /// Whether that revision is the last and nothing follows.
    pub whole_document: bool,
}

/// What a later revision did to the signed one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    pub revision: usize,
    pub objects: Vec<ObjectId>,
    pub kind: ChangeKind,
    /// In words, for the report.
    pub what: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeKind {
    /// A new signature: its field, widget and dictionary, and only what that brings along.
    Signature,
    DocTimeStamp,
    /// `/DSS` and what hangs from it.
    SecurityStore,
    /// Anything else.
    Other,
}

impl Document {
    /// Opens: finds the header, all revisions, all cross-reference sections; refuses encrypted, hybrid and damaged files by name.
    pub fn open(source: Arc<dyn Source>, limits: &Limits) -> Result<Self, PdfError> {
        let _ = (source, limits);
        todo!()
    }
    pub fn source(&self) -> &Arc<dyn Source> {
        &self.source
    }
    /// Oldest first.
    pub fn revisions(&self) -> &[Revision] {
        todo!()
    }
    /// `1.7`, the later of header and catalog.
    pub fn version(&self) -> &str {
        todo!()
    }
    /// The object as the last revision has it; `Object::Null` when it does not exist.
    pub fn object(&self, id: ObjectId) -> Result<Object, PdfError> {
        let _ = id;
        todo!()
    }
    /// The object as it stood at the end of revision `revision`.
    pub fn object_at(&self, revision: usize, id: ObjectId) -> Result<Object, PdfError> {
        let _ = (revision, id);
        todo!()
    }
    pub fn trailer(&self) -> &Dictionary {
        todo!()
    }
    /// All signatures and document time-stamps, oldest first.
    pub fn signatures(&self) -> Result<Vec<SignatureField>, PdfError> {
        todo!()
    }
    /// The byte rules: two ranges, in order, from 0, no overlap; the hole is exactly one hex string token, byte-equal to the `/Contents` that the cross-reference reaches; the end meets the end of a revision.
    pub fn check_byte_range(&self, signature: &SignatureField) -> Result<Coverage, ByteRangeError> {
        let _ = signature;
        todo!()
    }
    /// Everything that revisions after `revision` changed. Empty when it is the last one.
    pub fn changes_after(&self, revision: usize) -> Result<Vec<Change>, PdfError> {
        let _ = revision;
        todo!()
    }
}

/// What a new signature's dictionary and field say.
#[derive(Clone, Debug)]
pub struct NewSignature {
    pub kind: SignatureKind,
    pub sub_filter: &'static str,
    /// A field name to create, or the name of an empty signature field to fill; `None`: the first free `Signature1`, `Signature2`…
    pub field: Option<String>,
    pub reason: Option<String>,
    pub location: Option<String>,
    pub contact: Option<String>,
    pub signer_name: Option<String>,
    pub claimed_time: Option<crate::base::UtcTime>,
    /// Bytes (not hex digits) reserved for the CMS.
    pub contents_len: usize,
}

/// A revision ready to be appended: everything but the CMS.
#[derive(Clone, Debug)]
pub struct Increment {
    /// Length of the file it goes behind.
    pub base_len: u64,
    /// The bytes to append. `/ByteRange` is final; the hole is zeros.
    pub tail: Vec<u8>,
    /// The two signed ranges of the whole file.
    pub ranges: [Range<u64>; 2],
    pub field: String,
}

impl Increment {
    /// Writes the CMS into the hole.
    pub fn fill(&mut self, cms: &[u8]) -> Result<(), PdfError> {
        let _ = cms;
        todo!()
    }
}

/// Writes the revision that adds a signature, in the file's own cross-reference kind.
pub fn prepare_signature(document: &Document, new: &NewSignature) -> Result<Increment, PdfError> {
    let _ = (document, new);
    todo!()
}

/// Why a file cannot be read or signed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PdfError {
    #[error("the file could not be read")]
    Io(#[from] std::io::Error),
    #[error("the file is encrypted")]
    Encrypted,
    #[error("the file has a hybrid cross-reference")]
    Hybrid,
    #[error("the file is damaged at byte {offset}: {what}")]
    Damaged { offset: u64, what: String },
    #[error("{what} is over the limit of {limit}")]
    Limit { what: &'static str, limit: usize },
}

/// Which byte rule a signature breaks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ByteRangeError {
    #[error("ByteRange is not two ranges of non-negative numbers")]
    Shape,
}
