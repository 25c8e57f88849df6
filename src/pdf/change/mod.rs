//! What later revisions changed, and whether that leaves the signed content as it was.
//!
//! Each revision is compared with the one before it, object by object and by value. Each change gets a kind, and
//! the answer whether it is *proven* to be of that kind and nothing more: the list is of what is proven, never of
//! what is forbidden. What no rule explains is named as well as can be ([`ChangeKind`]) and never proven.
//!
//! Four ways around such a list are closed here. An object that an earlier revision already refers to, though it
//! does not exist, may not appear later (it would change the meaning of what was signed). A list that grows may
//! have no second use, such as a `/Fields` array that is also the page tree's `/Kids`. An appearance that is
//! rewritten in place may hang from its own widget only. And bytes that no cross-reference lists may not lie
//! between the objects, for a program that repairs files would find them.
//!
//! Each file of this room is one rule: [`store`] for `/DSS`, [`form`] for new signatures, [`fill`] for filled
//! fields, [`page`] for the pages' annotations, [`alone`] for whoever has to know that nothing else was added, [`stamp`]
//! for a code that they agreed to,
//! [`catalog`] for trailer, catalog and metadata, [`tree`] for the structure tree, [`name`] for what is left;
//! [`under`] says what a new widget covers.

mod alone;
mod appearance;
mod catalog;
mod fill;
mod form;
mod name;
mod page;
mod stamp;
mod step;
mod store;
mod tree;
mod under;
mod uses;

use std::sync::{Arc, PoisonError};

pub use self::{
    alone::{AddedSignature, NotAlone},
    stamp::AddedStamp,
};
use self::{
    form::FormIndex,
    step::{Carried, Step},
    uses::Uses,
};
use super::{Document, PdfError, object::ObjectId, signature::FieldLock};

/// What a later revision did to the signed one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The revision that made it; one past the last for bytes that follow the last `%%EOF`.
    pub revision: usize,
    /// The objects concerned.
    pub objects: Arc<[ObjectId]>,
    /// What it is, as far as can be told.
    pub kind: ChangeKind,
    /// Whether it is proven to be of that kind and nothing more. If it is not, nobody may permit it.
    pub proven: bool,
    /// The strictest `/P` that signatures of earlier revisions left in force (DocMDP, or a field's lock), if any.
    pub level: Option<u8>,
    /// Fully qualified names of the fields that it changes though an earlier signature locked them.
    pub locked: Arc<[String]>,
    /// In words, for the report.
    pub what: Arc<str>,
}

/// The kinds of changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ChangeKind {
    /// An action, a script, or what starts one. Never proven harmless.
    Action,
    /// An annotation. Proven only for plain comments that cannot pass for content.
    Annotation,
    /// Another entry of the catalog, the trailer or the form. Never proven harmless.
    CatalogEntry,
    /// A document time-stamp, with what a signature brings along.
    DocTimeStamp,
    /// A file inside the file. Never proven harmless.
    EmbeddedFile,
    /// The value of a form field that was there before, and its appearance.
    FormFill,
    /// Document information or XMP. Proven when only dates and the producer's name differ, beside another change.
    Metadata,
    /// What a page shows. Never proven harmless.
    PageContent,
    /// Pages added, removed or put in another order. Never proven harmless.
    PageSet,
    /// `/DSS` and what hangs from it.
    SecurityStore,
    /// A new signature: its field, widget and dictionary, and only what that brings along.
    Signature,
    /// The structure tree. Proven when it only grows by elements for form fields, beside another change.
    StructureTree,
    /// Anything else. Never proven harmless.
    Unexplained,
}

/// The changes of each revision against the one before.
pub(super) struct Analysis {
    /// The first revision that was looked at.
    from: usize,
    /// From revision `from` on.
    steps: Vec<Vec<Change>>,
    /// Stamps that were let pass; none where none may be.
    stamps: Vec<AddedStamp>,
}

impl Document {
    /// Everything that revisions after `revision` changed. Empty when it is the last one and nothing follows it.
    ///
    /// # Errors
    ///
    /// When an object of the file, whether changed or not, cannot be read: nobody can say then what refers to what.
    pub fn changes_after(&self, revision: usize) -> Result<Vec<Change>, PdfError> {
        let mut changes = Vec::new();
        if revision < self.settled {
            // Under another key every string and stream is another one: there is nothing to compare.
            changes.push(Change {
                revision: self.settled,
                objects: Arc::default(),
                kind: ChangeKind::CatalogEntry,
                proven: false,
                level: None,
                locked: Arc::default(),
                what: "changes how the file is encrypted (/Encrypt or /ID)".into(),
            });
        } else if revision < self.last() {
            let analysis = self.analysis(revision + 1)?;
            let known = analysis.steps.get(revision + 1 - analysis.from..).unwrap_or_default();
            changes.extend(known.iter().flatten().cloned());
        }
        if let Some(offset) = self.trailing_bytes()? {
            changes.push(Change {
                revision: self.revisions().len(),
                objects: Arc::default(),
                kind: ChangeKind::Unexplained,
                proven: false,
                level: None,
                locked: Arc::default(),
                what: format!("bytes follow the last %%EOF, from byte {offset} on").into(),
            });
        }
        Ok(changes)
    }

    /// The analysis from revision `from` on or earlier; kept, for every signature of a file asks.
    fn analysis(&self, from: usize) -> Result<Arc<Analysis>, PdfError> {
        let mut kept = self.analysis.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(analysis) = kept.as_ref().filter(|analysis| analysis.from <= from) {
            return Ok(Arc::clone(analysis));
        }
        let analysis = Arc::new(self.analyse(from, false)?);
        *kept = Some(Arc::clone(&analysis));
        Ok(analysis)
    }

    /// `admits_stamp`: a stamp may come with the first signature.
    fn analyse(&self, from: usize, admits_stamp: bool) -> Result<Analysis, PdfError> {
        let before = from.saturating_sub(1);
        let form = FormIndex::read(self, before)?;
        let mut uses = Uses::before(self, from, &form)?;
        let mut rules = self.rules()?.into_iter().peekable();
        let mut carried = Carried { form, store: store::store_index(self, before)?, rules: Rules::default() };
        carried.rules.tighten(self.certified_level(before)?, true);
        let (mut steps, mut stamps) = (Vec::new(), Vec::new());
        for revision in from..self.revisions().len() {
            while let Some((_, rule)) = rules.next_if(|(at, _)| *at < revision) {
                carried.rules.add(rule);
            }
            if carried.form.is_stale() {
                carried.form = FormIndex::read(self, revision.saturating_sub(1))?;
                carried.store = store::store_index(self, revision.saturating_sub(1))?;
                // Many forbidden revisions of a large form would otherwise cost their product.
                self.limits.spend((carried.form.len() + carried.store.len()).saturating_mul(READ_AGAIN))?;
            }
            let mut step = Step::new(self, revision, &uses, &mut carried)?;
            step.admits_stamp = admits_stamp;
            let (changes, stamped) = step.classify()?;
            stamps.extend(stamped);
            if changes.iter().any(|change| !change.proven) {
                // What is known of form and store was true before it only.
                carried.form.set_stale();
            }
            steps.push(changes);
            uses.add_revision(self, revision)?;
        }
        Ok(Analysis { from, steps, stamps })
    }

    /// What each signature forbids to later revisions, with the revision that holds it, oldest first.
    fn rules(&self) -> Result<Vec<(usize, Rules)>, PdfError> {
        let rules = self.signatures()?.into_iter().map(|signature| {
            let mut rules = Rules { signed: true, locks: signature.locks, ..Rules::default() };
            rules.tighten(signature.doc_mdp, true);
            let strictest = rules.locks.iter().filter_map(|lock| lock.level).min();
            rules.tighten(strictest, false);
            (signature.revision, rules)
        });
        Ok(rules.collect())
    }
}

/// What earlier signatures forbid (ISO 32000-2 section 12.8.2).
#[derive(Default)]
struct Rules {
    /// Whether there is a signature at all.
    signed: bool,
    /// The strictest `/P`.
    level: Option<u8>,
    /// Whether a certification is among them.
    certified: bool,
    locks: Vec<FieldLock>,
}

impl Rules {
    fn add(&mut self, other: Self) {
        self.signed |= other.signed;
        self.tighten(other.level, other.certified);
        self.locks.extend(other.locks);
    }

    fn tighten(&mut self, level: Option<u8>, certifies: bool) {
        self.certified |= certifies && level.is_some();
        self.level = self.level.into_iter().chain(level).min();
    }

    fn is_locked(&self, field: &str) -> bool {
        self.locks.iter().any(|lock| lock.holds(field))
    }
}

/// What reading an object anew counts for, in bytes: one window of the file.
const READ_AGAIN: usize = 4096;
