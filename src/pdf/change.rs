//! What later revisions changed.

use super::{Document, ObjectId, PdfError};

/// What a later revision did to the signed one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The revision that made it; one past the last for bytes that follow the last `%%EOF`.
    pub revision: usize,
    /// The objects concerned.
    pub objects: Vec<ObjectId>,
    /// Whether it is one of the kinds that leave the signed content as it was.
    pub kind: ChangeKind,
    /// In words, for the report.
    pub what: String,
}

/// The kinds of changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeKind {
    /// A document time-stamp, with what a signature brings along.
    DocTimeStamp,
    /// Anything else.
    Other,
    /// `/DSS` and what hangs from it.
    SecurityStore,
    /// A new signature: its field, widget and dictionary, and only what that brings along.
    Signature,
}

/// The changes of each revision against the one before.
pub(super) struct Analysis {}

impl Document {
    /// Everything that revisions after `revision` changed. Empty when it is the last one.
    ///
    /// # Errors
    ///
    /// When a revision cannot be read.
    pub fn changes_after(&self, revision: usize) -> Result<Vec<Change>, PdfError> {
        let later = revision + 1..self.revisions().len();
        let what = "a revision was added";
        let other = |revision| Change {
            revision,
            objects: Vec::new(),
            kind: ChangeKind::Other,
            what: what.to_owned(),
        };
        Ok(later.map(other).collect())
    }
}
