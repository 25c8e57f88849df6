//! A stamp that comes together with the first signature of a file: a code for the check page (ISO 32000-2 section
//! 12.5.6.12).
//!
//! No judge lets one pass: behind a signature it would be a change of the page. Before the first one it is part of what is
//! signed, and whoever holds the key may have agreed to it. What it shows, and what it covers, only they can tell; here it
//! is one annotation with one appearance, which does nothing.

use super::{
    super::{
        Document, PdfError,
        area::Area,
        object::{Object, ObjectId},
        write::PRINT_AND_LOCKED,
    },
    step::{Delta, Part, Step, only_keys},
};

/// A stamp that the last revision adds beside a signature.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AddedStamp {
    /// The page object.
    pub page: ObjectId,
    /// `/Rect`, in the page's user coordinates.
    pub area: Area,
    /// Its one appearance: a stream that came with the same revision. See [`Document::is_drawn`].
    pub form: ObjectId,
}

impl Step<'_> {
    /// A new stamp on this page, where one may come.
    pub(super) fn stamp(&mut self, id: ObjectId, page: ObjectId) -> bool {
        if !self.admits_stamp || self.carried.rules.signed {
            return false;
        }
        let Some(Delta { before: None, after: Object::Dictionary(stamp), .. }) = self.delta(id) else {
            return false;
        };
        let stamp = stamp.clone();
        let looks = stamp.get("AP").and_then(Object::as_dictionary);
        let form = looks.filter(|looks| only_keys(looks, &[&["N"]])).and_then(|looks| looks.reference("N"));
        let (Some(form), Some(area)) = (form, Area::of_annotation(&stamp)) else { return false };
        let plain = stamp.is_type("Annot")
            && stamp.name("Subtype") == Some(b"Stamp")
            && stamp.reference("P") == Some(page)
            && stamp.integer("F") == Some(PRINT_AND_LOCKED)
            && only_keys(&stamp, &[&STAMP_KEYS]);
        if !plain || !area.is_visible() || !self.added(form) {
            return false;
        }
        self.explain(id, Part::Signature, &|_| false);
        self.explain_added_below(&stamp, &["P"], Part::Signature);
        self.stamps.push(AddedStamp { page, area, form });
        true
    }
}

impl Document {
    /// What the last revision changed, where stamps may come with a first signature; and these.
    pub(super) fn changes_with_stamps(&self) -> Result<(Vec<super::Change>, Vec<AddedStamp>), PdfError> {
        let last = self.last();
        let before = last.saturating_sub(1);
        let first = self.signatures()?.iter().all(|signature| signature.revision == last);
        let changes = self.changes_after(before)?;
        if !first || before < self.settled || changes.iter().all(|change| change.proven) {
            return Ok((changes, Vec::new()));
        }
        // Bytes behind the end are told by the other look.
        if changes.iter().any(|change| change.revision != last) {
            return Ok((changes, Vec::new()));
        }
        let analysis = self.analyse(last, true)?;
        Ok((analysis.steps.into_iter().next().unwrap_or(changes), analysis.stamps))
    }
}

/// Keys of a stamp that shows its appearance and nothing else: no words, no action, no layer, no name.
const STAMP_KEYS: [&str; 6] = ["AP", "F", "P", "Rect", "Subtype", "Type"];
