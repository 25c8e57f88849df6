//! Why a file cannot be read, and which byte rule a signature breaks.

use std::ops::Range;

use super::ObjectId;

/// Why a file cannot be read or signed. The file itself is never touched.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PdfError {
    /// A certification signature permits no further change (ISO 32000-2 section 12.8.2.2, `/P 1`).
    #[error(
        "an earlier signature permits no further change (a certification, or a lock of the whole document), so no signature can be added; sign the document before that one"
    )]
    Certified,
    /// Something is not as ISO 32000 has it. kyso does not guess at what was meant.
    #[error("the file is damaged at byte {offset}: {what}; write it out anew with the program that made it")]
    Damaged {
        /// In bytes from the start of the file; for something inside an object stream, the stream's own place.
        offset: u64,
        /// What was met and what was expected.
        what: String,
    },
    /// The file is encrypted, and the empty password does not open it (ISO 32000-2 section 7.6).
    #[error("the file is encrypted: give the password that opens it")]
    Encrypted,
    /// The signature field that was asked for cannot be used.
    #[error("the field {name:?} cannot be signed: {what}")]
    Field {
        /// The fully qualified name that was asked for.
        name: String,
        /// Why not.
        what: &'static str,
    },
    /// The form is of a kind that a signature cannot go into.
    #[error("the document's form cannot take the signature: {what}")]
    Form {
        /// What stands against it, and what to do.
        what: &'static str,
    },
    /// A classic table that names a cross-reference stream (ISO 32000-2 section 7.5.8.4) which contradicts it, which
    /// cannot be read, or which alone lists what a page or the form needs.
    #[error(
        "the file has a hybrid cross-reference, where two programs may see two documents; write it out anew, for instance with qpdf"
    )]
    Hybrid,
    /// The medium failed.
    #[error("the file could not be read")]
    Io(#[from] std::io::Error),
    /// The file is larger or deeper than a reader's limits.
    #[error("{what} is over the limit of {limit}")]
    Limit {
        /// What is too many or too large.
        what: &'static str,
        /// The bound that was met, from [`crate::base::Limits`] or a constant of this room.
        limit: u64,
    },
    /// The encrypted file does not let its reader do this (ISO 32000-2 table 22).
    #[error(
        "the file's permissions do not let {what}: {bits} of /P would have to be set; the owner's password lifts this"
    )]
    Permission {
        /// What was wanted.
        what: &'static str,
        /// Which bits would permit it, counted from 1.
        bits: &'static str,
    },
    /// The file cannot be rebuilt ([`super::rebuild`]).
    #[error("the file cannot be rebuilt: {what}")]
    Repair {
        /// What stands against it.
        what: String,
    },
    /// There is no such page.
    #[error("there is no page {page}: the document has {pages}")]
    NoPage {
        /// From 1.
        page: usize,
        /// How many there are.
        pages: usize,
    },
    /// A certification signature is the first one of a file (ISO 32000-2 section 12.8.1).
    #[error(
        "a certification has to be the first signature of a document, and this one has {signatures} already; sign it without certifying"
    )]
    NotFirst {
        /// How many, document time-stamps included.
        signatures: usize,
    },
    /// What is asked for would break the signatures of the file.
    #[error(
        "the document has {signatures} signatures, which a new field would break; add fields before it is signed"
    )]
    Signed {
        /// How many, document time-stamps included.
        signatures: usize,
    },
    /// The CMS does not fit the space that [`super::prepare_signature`] reserved.
    #[error("the signature is {needed} bytes long, but only {reserved} bytes were reserved for it")]
    Space {
        /// The length of the CMS, in bytes.
        needed: usize,
        /// [`super::NewSignature::contents_len`], in bytes.
        reserved: usize,
    },
    /// Encrypted in a way that kyso does not read: for certificates, by a handler that is not the standard one, by an
    /// algorithm that it does not know.
    #[error("the file is encrypted in a way that kyso does not read: {what}")]
    UnsupportedEncryption {
        /// What was met.
        what: String,
    },
    /// A password was given, and it is neither the user's nor the owner's.
    #[error("the password does not open the file")]
    WrongPassword,
}

impl PdfError {
    /// Shorthand for [`PdfError::Damaged`].
    pub(super) fn damaged(offset: u64, what: impl Into<String>) -> Self {
        Self::Damaged { offset, what: what.into() }
    }

    /// Shorthand for [`PdfError::Limit`].
    pub(super) fn limit(what: &'static str, limit: usize) -> Self {
        Self::Limit { what, limit: limit as u64 }
    }
}

/// Which byte rule a signature breaks. Offsets and lengths are in bytes from the start of the file.
///
/// The rules close the known ways around `/ByteRange` (ISO 32000-2 section 12.8.1): universal forgery, signature
/// wrapping, overlapping and out-of-range ranges.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ByteRangeError {
    /// The signature dictionary lies in an object stream, so its `/Contents` has no place of its own in the file.
    #[error("the signature dictionary {} {} R lies inside an object stream", .dictionary.0, .dictionary.1)]
    Compressed {
        /// The signature dictionary.
        dictionary: ObjectId,
    },
    /// The bytes in the hole are not those that a reader finds as `/Contents`.
    #[error("the bytes in the hole at {hole:?} differ from the /Contents that the cross-reference reaches")]
    ContentsMismatch {
        /// The hole.
        hole: Range<u64>,
    },
    /// The second range begins before the first one ends.
    #[error("the second range begins at byte {second}, before the first one ends at {first_end}")]
    Overlap {
        /// One past the first range.
        first_end: u64,
        /// Where the second range begins.
        second: u64,
    },
    /// The hole is not one `<hex>` token and nothing else.
    #[error("byte {offset} in the gap between the two ranges is not part of one hexadecimal string")]
    HoleNotHex {
        /// The first byte that does not belong.
        offset: u64,
    },
    /// The hole lies elsewhere than at the value of `/Contents` in the signature's own dictionary.
    #[error(
        "the gap at {hole:?} is not the /Contents of the signature's own dictionary, which is at {contents:?}"
    )]
    HoleElsewhere {
        /// The hole.
        hole: Range<u64>,
        /// Where `/Contents` is, from `<` to `>` inclusive.
        contents: Range<u64>,
    },
    /// A negative offset or length.
    #[error("/ByteRange holds the negative number {value}")]
    Negative {
        /// As written.
        value: i64,
    },
    /// The first range does not begin at the first byte.
    #[error("the first {start} bytes of the file are not signed")]
    NotFromStart {
        /// Where the first range begins.
        start: u64,
    },
    /// The second range does not end where the revision that holds the signature ends.
    #[error(
        "the signed bytes end at {end}, but the revision that holds the signature ends at {revision_end}"
    )]
    NotRevisionEnd {
        /// Where the second range ends.
        end: u64,
        /// After `%%EOF` and its end-of-line.
        revision_end: u64,
    },
    /// A range reaches past the end of the file.
    #[error("a range reaches byte {end} of a file of {len} bytes")]
    OutOfFile {
        /// One past the range; saturated when it does not fit 64 bits.
        end: u64,
        /// The length of the file.
        len: u64,
    },
    /// Not exactly two pairs of whole numbers.
    #[error("/ByteRange is not two pairs of whole numbers ({numbers} numbers)")]
    Shape {
        /// How many numbers there are; 0 when it is missing or no array of whole numbers.
        numbers: usize,
    },
    /// The place in the file could not be read again.
    #[error("the signature's place in the file cannot be read: {what}")]
    Unreadable {
        /// The reader's own words.
        what: String,
    },
}
