//! What pages gain: widgets of new signatures, and comments where a certification allows them.

use std::{
    collections::{BTreeSet, HashSet},
    rc::Rc,
};

use super::{
    super::{
        PdfError,
        document::show,
        object::{Dictionary, Object, ObjectId},
    },
    ChangeKind,
    name::page_kind,
    step::{Delta, Part, Step, area, differing_keys, grown_by, only_keys, rectangle},
};

/// What of a page matters for what is put on it.
pub(super) struct PageFacts {
    /// In square points.
    pub(super) area: f64,
    pub(super) annotations: HashSet<ObjectId>,
}

impl Step<'_> {
    /// Pages whose `/Annots` grew by widgets of new signatures or by comments, and by nothing else.
    pub(super) fn pages(&mut self) -> Result<(), PdfError> {
        let mut pages: BTreeSet<ObjectId> = self
            .deltas
            .values()
            .filter(|delta| {
                let before = delta.before.as_ref().and_then(Object::as_dictionary);
                before.is_some_and(|old| old.is_type("Page"))
            })
            .map(|delta| delta.id)
            .collect();
        let new = self.widgets.keys().chain(self.new_annotations().iter()).copied().collect::<Vec<_>>();
        for widget in new {
            let page = self.delta(widget).and_then(|delta| delta.after.as_dictionary()?.reference("P"));
            pages.extend(page);
        }
        let mut placed = BTreeSet::new();
        let mut lists = BTreeSet::new();
        for page in pages {
            self.page(page, &mut placed, &mut lists)?;
        }
        Ok(())
    }

    /// New annotations that are no widgets.
    fn new_annotations(&self) -> Vec<ObjectId> {
        let new = self.deltas.values().filter(|delta| {
            let subtype = delta.after.as_dictionary().and_then(|dictionary| dictionary.name("Subtype"));
            delta.before.is_none() && subtype.is_some_and(|subtype| COMMENTS.contains(&subtype))
        });
        new.map(|delta| delta.id).collect()
    }

    fn page(
        &mut self,
        page: ObjectId,
        placed: &mut BTreeSet<ObjectId>,
        lists: &mut BTreeSet<ObjectId>,
    ) -> Result<(), PdfError> {
        let (before, after) =
            (self.document.object_at(self.before, page)?, self.document.object_at(self.after, page)?);
        let (Object::Dictionary(before), Object::Dictionary(after)) = (before, after) else { return Ok(()) };
        if !before.is_type("Page") {
            return Ok(());
        }
        let differing = differing_keys(&before, &after, &["Annots", "Tabs"]);
        if !differing.is_empty() {
            for key in &differing {
                self.other(page_kind(key), vec![page], format!("changes {key} of the page {}", show(page)));
            }
            return Ok(());
        }
        let null = Object::Null;
        let (old_id, old) = self.document.resolve(self.before, before.get("Annots").unwrap_or(&null))?;
        let (new_id, new) = self.document.resolve(self.after, after.get("Annots").unwrap_or(&null))?;
        let once = new_id.is_none_or(|list| lists.insert(list));
        let added = grown_by(&old, &new);
        let mut fine = added.is_some();
        for id in added.iter().flatten() {
            fine &= !once || placed.insert(*id);
            fine &= self.widgets.contains_key(id) || self.comment(*id) || self.stamp(*id, page);
        }
        if !fine {
            let what = format!("adds, removes or replaces annotations of the page {}", show(page));
            self.other(ChangeKind::Annotation, vec![page], what);
            return Ok(());
        }
        let seen = added.iter().flatten().filter_map(|id| self.widgets.get(id).copied().flatten());
        let seen: f64 = seen.map(area).sum();
        if seen > 0.0 && self.page_facts(page)?.is_none_or(|facts| seen > facts.area * MOST_OF_A_PAGE) {
            let what = format!("covers more than a quarter of the page {} with signatures", show(page));
            self.other(ChangeKind::Annotation, vec![page], what);
        }
        if let Some(list) = new_id
            && (self.added(list) || old_id == Some(list))
        {
            self.explain(list, Part::Signature, &|key| key == b"Annots");
        }
        if self.deltas.contains_key(&page.0) {
            self.explained.insert(page.0, Part::Signature);
        }
        Ok(())
    }

    /// A new annotation that cannot pass for what the page says.
    ///
    /// Notes, and marks on text, drawn by the reader's own program: without an appearance of their own, without
    /// an action, small or see-through. Whatever brings an appearance could show any text or cover any
    /// (the "evil annotation" attack), so a free text, a stamp, a line or a redaction is never let pass.
    fn comment(&mut self, id: ObjectId) -> bool {
        let Some(Delta { before: None, after: Object::Dictionary(comment), .. }) = self.delta(id) else {
            return false;
        };
        let comment = comment.clone();
        let known =
            COMMENTS.iter().zip(COMMENT_NAMES).find(|(name, _)| comment.name("Subtype") == Some(name));
        let Some((subtype, name)) = known else { return false };
        let closed = comment.get("Open").is_none_or(|open| *open == Object::Boolean(false));
        let flags = comment.get("F").map_or(Some(0), Object::as_integer).is_some();
        if !only_keys(&comment, &[&COMMENT_KEYS]) || !closed || !flags || !harmless(subtype, &comment) {
            return false;
        }
        self.comments.insert(id, name);
        self.explain(id, Part::Comment, &|_| false);
        true
    }

    /// What a page was before this revision; `None` when it is no page.
    pub(super) fn page_facts(&self, id: ObjectId) -> Result<Option<Rc<PageFacts>>, PdfError> {
        if let Some(known) = self.pages_seen.borrow().get(&id) {
            return Ok(known.clone());
        }
        let facts = self.read_page(id)?.map(Rc::new);
        self.pages_seen.borrow_mut().insert(id, facts.clone());
        Ok(facts)
    }

    fn read_page(&self, id: ObjectId) -> Result<Option<PageFacts>, PdfError> {
        let Object::Dictionary(page) = self.document.object_at(self.before, id)? else { return Ok(None) };
        if !page.is_type("Page") {
            return Ok(None);
        }
        let (_, annotations) =
            self.document.resolve(self.before, page.get("Annots").unwrap_or(&Object::Null))?;
        let annotations = annotations.as_array().unwrap_or_default().iter().filter_map(Object::as_reference);
        let annotations = annotations.collect();
        let boxes = [self.page_box(&page, "MediaBox")?, self.page_box(&page, "CropBox")?];
        let smallest = boxes.into_iter().flatten().map(area).fold(f64::INFINITY, f64::min);
        Ok(Some(PageFacts { area: if smallest.is_finite() { smallest } else { LETTER }, annotations }))
    }

    /// A page's own or inherited box.
    fn page_box(&self, page: &Dictionary, key: &str) -> Result<Option<[f64; 4]>, PdfError> {
        let mut node = page.clone();
        for _ in 0..self.document.limits.depth {
            if let Some(sides) = node.get(key) {
                let (_, sides) = self.document.resolve(self.before, sides)?;
                let mut one = Dictionary::new();
                one.set("Rect", sides);
                return Ok(rectangle(&one));
            }
            let Some(parent) = node.reference("Parent") else { break };
            let Object::Dictionary(parent) = self.document.object_at(self.before, parent)? else { break };
            node = parent;
        }
        Ok(None)
    }
}

/// Whether a comment of this kind hides nothing.
fn harmless(subtype: &[u8], comment: &Dictionary) -> bool {
    let numbers = |key: &str| -> Option<Vec<f64>> {
        comment.get(key)?.as_array()?.iter().map(Object::as_number).collect()
    };
    match subtype {
        b"Popup" => true,
        b"Text" => rectangle(comment).is_some_and(|[left, bottom, right, top]| {
            (right - left).abs() <= ICON && (top - bottom).abs() <= ICON
        }),
        b"Highlight" => numbers("C").is_some_and(|colour| match colour.as_slice() {
            [red, green, blue] => 0.299 * red + 0.587 * green + 0.114 * blue >= LIGHT,
            _ => false,
        }),
        // Lines grow with the height of what they mark.
        _ => numbers("QuadPoints").is_some_and(|points| {
            let (quads, left) = points.as_chunks::<8>();
            left.is_empty()
                && quads.iter().all(|quad| {
                    let heights = quad.iter().skip(1).step_by(2);
                    let highest = heights.clone().copied().fold(f64::MIN, f64::max);
                    highest - heights.copied().fold(f64::MAX, f64::min) <= ICON
                })
        }),
    }
}

/// Kinds of annotations that a certification of level 3 may let in, ISO 32000-2 table 171.
const COMMENTS: [&[u8]; 6] = [b"Highlight", b"Popup", b"Squiggly", b"StrikeOut", b"Text", b"Underline"];

const COMMENT_NAMES: [&str; 6] = ["highlight", "pop-up", "squiggly line", "strike-out", "note", "underline"];

/// Keys of a comment; none brings an appearance, an action or a layer (ISO 32000-2 tables 166, 172, 175, 182, 186).
const COMMENT_KEYS: [&str; 24] = [
    "C",
    "CA",
    "Contents",
    "CreationDate",
    "F",
    "IRT",
    "M",
    "NM",
    "Name",
    "Open",
    "P",
    "Parent",
    "Popup",
    "QuadPoints",
    "RT",
    "Rect",
    "State",
    "StateModel",
    "StructParent",
    "Subj",
    "Subtype",
    "T",
    "Type",
    "Lang",
];

/// The longest side of a note's icon and the height of marked text, in points.
const ICON: f64 = 40.0;

/// The least luminance of a highlight, from 0 (black) to 1: text below stays readable.
const LIGHT: f64 = 0.5;

/// How much of a page new signatures may cover; a signature's picture takes a twentieth.
const MOST_OF_A_PAGE: f64 = 0.25;

/// What readers take for a page without a box, in square points.
const LETTER: f64 = 612.0 * 792.0;
