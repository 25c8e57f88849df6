//! One revision against the one before it.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    ops::Range,
    rc::Rc,
};

use super::{
    super::{
        Document, PdfError,
        document::show,
        object::{Dictionary, Object, ObjectId},
        stream,
        xref::Place,
    },
    Change, ChangeKind, Rules,
    form::FormIndex,
    page::PageFacts,
    stamp::AddedStamp,
    store::StoreIndex,
    uses::Uses,
};

/// What goes from step to step.
pub(super) struct Carried {
    pub(super) form: FormIndex,
    pub(super) store: StoreIndex,
    pub(super) rules: Rules,
}

/// An object that a revision defines with another value than the revision before.
pub(super) struct Delta {
    pub(super) id: ObjectId,
    /// `None`: there was none.
    pub(super) before: Option<Object>,
    pub(super) after: Object,
}

/// One revision against the one before it.
pub(super) struct Step<'a> {
    pub(super) document: &'a Document,
    pub(super) uses: &'a Uses,
    pub(super) carried: &'a mut Carried,
    pub(super) before: usize,
    pub(super) after: usize,
    pub(super) deltas: BTreeMap<u32, Delta>,
    /// Explained so far, by what.
    pub(super) explained: BTreeMap<u32, Part>,
    /// Widgets of new signatures, and where each is seen.
    pub(super) widgets: BTreeMap<ObjectId, Option<[f64; 4]>>,
    pub(super) signatures: Vec<Signed>,
    /// Names of filled fields.
    pub(super) filled: BTreeSet<String>,
    /// New comments, and the page of each.
    pub(super) comments: BTreeMap<ObjectId, &'static str>,
    /// Whether a stamp may come with the first signature.
    pub(super) admits_stamp: bool,
    /// New stamps that were let pass.
    pub(super) stamps: Vec<AddedStamp>,
    pub(super) store_changed: bool,
    pub(super) tree_changed: bool,
    pub(super) metadata_changed: bool,
    pub(super) asides: Vec<&'static str>,
    pub(super) pages_seen: RefCell<HashMap<ObjectId, Option<Rc<PageFacts>>>>,
    others: BTreeMap<ChangeKind, Others>,
}

/// A new signature.
pub(super) struct Signed {
    pub(super) kind: ChangeKind,
    /// The field that it stands in, when that was there before.
    pub(super) filled: Option<String>,
    pub(super) what: String,
}

/// What no rule explains, of one kind.
#[derive(Default)]
struct Others {
    objects: BTreeSet<ObjectId>,
    what: Vec<String>,
    more: bool,
}

/// What an explained object belongs to.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Part {
    Comment,
    Fill,
    /// Cross-reference and object streams.
    Frame,
    Metadata,
    Signature,
    Store,
    Tree,
}

impl<'a> Step<'a> {
    pub(super) fn new(
        document: &'a Document,
        after: usize,
        uses: &'a Uses,
        carried: &'a mut Carried,
    ) -> Result<Self, PdfError> {
        let mut step = Self {
            document,
            uses,
            carried,
            before: after.saturating_sub(1),
            after,
            deltas: BTreeMap::new(),
            explained: BTreeMap::new(),
            widgets: BTreeMap::new(),
            signatures: Vec::new(),
            filled: BTreeSet::new(),
            comments: BTreeMap::new(),
            admits_stamp: false,
            stamps: Vec::new(),
            store_changed: false,
            tree_changed: false,
            metadata_changed: false,
            asides: Vec::new(),
            pages_seen: RefCell::default(),
            others: BTreeMap::new(),
        };
        step.compare_objects()?;
        Ok(step)
    }

    pub(super) fn classify(mut self) -> Result<(Vec<Change>, Vec<AddedStamp>), PdfError> {
        self.frame()?;
        self.hidden_bytes()?;
        if self.trailer()? {
            self.catalog()?;
        }
        self.name_the_rest();
        let stamps = std::mem::take(&mut self.stamps);
        Ok((self.report(), stamps))
    }

    /// Fills `deltas`; what cannot be a delta is reported at once.
    fn compare_objects(&mut self) -> Result<(), PdfError> {
        let document = self.document;
        let Some(revision) = document.revisions().get(self.after) else { return Ok(()) };
        for entry in revision.entries.iter().filter(|entry| entry.number != 0) {
            let id = entry.id();
            let old = document.find(self.before, entry.number).map(|(_, entry)| *entry);
            let old = old.filter(|old| old.place() != Place::Free);
            let (Some(new_bytes), place) = (self.new_bytes(entry.place()), entry.place()) else {
                if let Some(old) = old {
                    self.other(
                        ChangeKind::Unexplained,
                        vec![old.id()],
                        format!("deletes object {}", show(old.id())),
                    );
                }
                continue;
            };
            if let Some(old) = old
                && old.id() != id
            {
                self.other(
                    ChangeKind::Unexplained,
                    vec![id],
                    format!("replaces object {} by {}", show(old.id()), show(id)),
                );
                continue;
            }
            if old.is_some_and(|old| old.place() == place && matches!(place, Place::At { .. })) {
                continue;
            }
            let after = document.object_at(self.after, id)?;
            let before = match old {
                Some(_) => Some(document.object_at(self.before, id)?),
                None => None,
            };
            if let Some(before) = &before
                && document.same_value(before, &after)?
            {
                continue;
            }
            if !new_bytes {
                let what = format!("gives bytes of an earlier revision a new meaning as object {}", show(id));
                self.other(ChangeKind::Unexplained, vec![id], what);
                continue;
            }
            if before.is_none() && self.uses.other_than(id.0, &|_| false).is_some() {
                let what = format!("adds object {}, which earlier revisions already refer to", show(id));
                self.other(ChangeKind::Unexplained, vec![id], what);
                continue;
            }
            self.deltas.insert(id.0, Delta { id, before, after });
        }
        Ok(())
    }

    /// Whether an object's bytes came with this revision; `None` for a free entry.
    fn new_bytes(&self, place: Place) -> Option<bool> {
        let revision = self.document.revisions().get(self.after)?;
        match place {
            Place::Free => None,
            Place::At { offset, .. } => Some(offset >= revision.start),
            Place::In { stream, .. } => Some(revision.entry(stream).is_some_and(
                |entry| matches!(entry.place(), Place::At { offset, .. } if offset >= revision.start),
            )),
        }
    }

    /// Cross-reference streams, and object streams all of whose members are listed.
    fn frame(&mut self) -> Result<(), PdfError> {
        let document = self.document;
        let Some(revision) = document.revisions().get(self.after) else { return Ok(()) };
        for own in &revision.own {
            let stood_alone = self.deltas.get(&own.0).is_some_and(|delta| {
                delta.before.as_ref().is_none_or(|before| {
                    before.as_dictionary().is_some_and(|dictionary| dictionary.is_type("XRef"))
                })
            });
            if stood_alone {
                self.explain(*own, Part::Frame, &|_| false);
            }
        }
        let streams: BTreeSet<u32> = revision
            .entries
            .iter()
            .filter_map(|entry| match entry.place() {
                Place::In { stream, .. } => Some(stream),
                _ => None,
            })
            .collect();
        for number in streams {
            if !self.added((number, 0)) {
                continue;
            }
            let container = document.container(self.after, number)?;
            let unlisted = container.members.iter().enumerate().find(|(index, (member, _))| {
                let place = revision.entry(*member).map(super::super::xref::Entry::place);
                let here = u32::try_from(*index).map(|index| Place::In { stream: number, index });
                here.map_or(true, |here| place != Some(here))
            });
            match unlisted {
                Some((_, (member, _))) => {
                    let what = format!("hides object {} in an object stream", show((*member, 0)));
                    self.other(ChangeKind::Unexplained, vec![(number, 0)], what);
                }
                None => self.explain((number, 0), Part::Frame, &|_| false),
            }
        }
        Ok(())
    }

    /// Bytes of this revision that belong to no listed object, and objects that overlap.
    fn hidden_bytes(&mut self) -> Result<(), PdfError> {
        let document = self.document;
        let Some(revision) = document.revisions().get(self.after) else { return Ok(()) };
        let mut extents: Vec<Range<u64>> = revision.sections.clone();
        for entry in &revision.entries {
            if let Place::At { offset, .. } = entry.place()
                && offset >= revision.start
                && !revision.own.contains(&entry.id())
                && let Some(located) = document.located_at(self.after, entry.id())?
            {
                extents.extend(located.extent);
            }
        }
        extents.sort_unstable_by_key(|extent| (extent.start, extent.end));
        let mut at = revision.start;
        for extent in extents {
            if extent.start < at {
                let what = format!("two objects share the bytes at {}", extent.start);
                self.other(ChangeKind::Unexplained, Vec::new(), what);
            } else if let Some(hidden) = document.first_hidden(at..extent.start)? {
                let what = format!("bytes at {hidden} belong to no object that the cross-reference lists");
                self.other(ChangeKind::Unexplained, Vec::new(), what);
            }
            at = at.max(extent.end);
        }
        Ok(())
    }

    /// Notes something that no rule explains.
    pub(super) fn other(&mut self, kind: ChangeKind, objects: Vec<ObjectId>, what: String) {
        let others = self.others.entry(kind).or_default();
        others.objects.extend(objects);
        if others.what.len() < MOST_SHOWN {
            others.what.push(what);
        } else {
            others.more = true;
        }
    }

    pub(super) fn delta(&self, id: ObjectId) -> Option<&Delta> {
        self.deltas.get(&id.0).filter(|delta| delta.id == id)
    }

    pub(super) fn added(&self, id: ObjectId) -> bool {
        self.delta(id).is_some_and(|delta| delta.before.is_none())
    }

    /// Whether something was told about an object that no rule explains.
    pub(super) fn is_told(&self, id: ObjectId) -> bool {
        self.others.values().any(|others| others.objects.contains(&id))
    }

    /// Takes a changed object off the list of what is unexplained, unless earlier revisions refer to it under
    /// another key than its part in this change allows.
    pub(super) fn explain(&mut self, id: ObjectId, part: Part, allowed: &dyn Fn(&[u8]) -> bool) {
        if self.delta(id).is_none() {
            return;
        }
        match self.uses.other_than(id.0, allowed) {
            Some(key) => {
                let what = format!("changes object {}, which is also used as /{key}", show(id));
                self.other(ChangeKind::Unexplained, vec![id], what);
            }
            None => {
                self.explained.entry(id.0).or_insert(part);
            }
        }
    }

    /// Explains all new objects that hang from `dictionary`, `skipped` keys of it aside.
    pub(super) fn explain_added_below(&mut self, dictionary: &Dictionary, skipped: &[&str], part: Part) {
        let mut waiting = Vec::new();
        Object::Dictionary(dictionary.without(skipped)).for_each_reference(&mut |id| waiting.push(id));
        while let Some(id) = waiting.pop() {
            if !self.added(id) || self.explained.contains_key(&id.0) {
                continue;
            }
            self.explain(id, part, &|_| false);
            // Explained or refused: either way it is not visited again.
            self.explained.entry(id.0).or_insert(part);
            if let Some(delta) = self.deltas.get(&id.0) {
                delta.after.for_each_reference(&mut |id| waiting.push(id));
            }
        }
    }

    fn report(mut self) -> Vec<Change> {
        let mut objects: HashMap<Part, Vec<ObjectId>> = HashMap::new();
        for (number, part) in &self.explained {
            if let Some(delta) = self.deltas.get(number) {
                objects.entry(*part).or_default().push(delta.id);
            }
        }
        let mut of = |part: Part| objects.remove(&part).unwrap_or_default();
        let signature_objects = of(Part::Signature);
        let brought = !self.signatures.is_empty() || self.store_changed || !self.filled.is_empty();
        let (tree, metadata) = (of(Part::Tree), of(Part::Metadata));
        if !brought {
            // Such things are let pass for what they accompany, and here there is nothing.
            let alone = !signature_objects.is_empty() || !self.asides.is_empty();
            if alone && self.comments.is_empty() {
                let what = "changes the form or the catalog without adding a signature".to_owned();
                self.other(ChangeKind::CatalogEntry, signature_objects.clone(), what);
            }
            if self.tree_changed {
                let what = "changes the structure tree by itself".to_owned();
                self.other(ChangeKind::StructureTree, tree.clone(), what);
            }
            if self.metadata_changed {
                let what = "changes the metadata by itself".to_owned();
                self.other(ChangeKind::Metadata, metadata.clone(), what);
            }
        }
        let aside = if self.asides.is_empty() {
            String::new()
        } else {
            format!("; also sets {}", self.asides.join(", "))
        };
        let rules = &self.carried.rules;
        let (revision, level) = (self.after, rules.level);
        let mut changes = Vec::new();
        let mut push = |kind, objects: Vec<ObjectId>, locked: Vec<String>, what: String| {
            let (objects, locked, what) = (objects.into(), locked.into(), what.into());
            changes.push(Change { revision, objects, kind, proven: true, level, locked, what });
        };
        let mut signature_objects = signature_objects;
        for signed in &self.signatures {
            let locked = signed.filled.iter().filter(|name| rules.is_locked(name)).cloned().collect();
            push(
                signed.kind,
                std::mem::take(&mut signature_objects),
                locked,
                format!("{}{aside}", signed.what),
            );
        }
        if self.store_changed {
            let objects = signature_objects.drain(..).chain(of(Part::Store)).collect();
            let what = "adds certificates and revocation data to the document security store";
            push(ChangeKind::SecurityStore, objects, Vec::new(), format!("{what}{aside}"));
        }
        if !self.filled.is_empty() {
            let locked = self.filled.iter().filter(|name| rules.is_locked(name)).cloned().collect();
            let objects = signature_objects.drain(..).chain(of(Part::Fill)).collect();
            push(ChangeKind::FormFill, objects, locked, format!("{}{aside}", filled_words(&self.filled)));
        }
        if !self.comments.is_empty() {
            let kinds: BTreeSet<&str> = self.comments.values().copied().collect();
            let kinds: Vec<&str> = kinds.into_iter().collect();
            let what = format!("adds comments ({})", kinds.join(", "));
            let objects = signature_objects.drain(..).chain(of(Part::Comment)).collect();
            push(ChangeKind::Annotation, objects, Vec::new(), what);
        }
        if brought && self.tree_changed {
            let what = "adds elements for form fields to the structure tree".to_owned();
            push(ChangeKind::StructureTree, tree, Vec::new(), what);
        }
        if brought && self.metadata_changed {
            let what = "sets dates and the producer's name in the metadata".to_owned();
            push(ChangeKind::Metadata, metadata, Vec::new(), what);
        }
        for (kind, others) in std::mem::take(&mut self.others) {
            let more = if others.more { "; and more of the kind" } else { "" };
            changes.push(Change {
                revision,
                objects: others.objects.into_iter().collect(),
                kind,
                proven: false,
                level,
                locked: std::sync::Arc::default(),
                what: format!("{}{more}", others.what.join("; ")).into(),
            });
        }
        changes
    }
}

fn filled_words(names: &BTreeSet<String>) -> String {
    let shown: Vec<String> = names.iter().take(MOST_SHOWN).map(|name| format!("{name:?}")).collect();
    let more = names.len().saturating_sub(MOST_SHOWN);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let noun = if names.len() == 1 { "the form field" } else { "the form fields" };
    format!("fills {noun} {}{more}", shown.join(", "))
}

impl Document {
    /// Whether two objects mean the same. Of streams the stored bytes are compared, and not `/Length`.
    pub(super) fn same_value(&self, one: &Object, two: &Object) -> Result<bool, PdfError> {
        match (one, two) {
            (Object::Stream(one), Object::Stream(two)) => {
                let same = one.dictionary.without(&["Length"]) == two.dictionary.without(&["Length"]);
                Ok(same && stream::same_bytes(&*self.source, &one.data, &two.data)?)
            }
            _ => Ok(one == two),
        }
    }

    /// The first byte of `range` that is neither white space nor in a harmless comment.
    fn first_hidden(&self, range: Range<u64>) -> Result<Option<u64>, PdfError> {
        let mut at = range.start;
        let mut comments = 0;
        while let Some(found) = self.first_not_space(at..range.end)? {
            comments += 1;
            let head = self.source.read(found..range.end.min(found + LONGEST_COMMENT))?;
            let end = head.iter().position(|byte| matches!(byte, b'\r' | b'\n'));
            let harmless = |line: &[u8]| {
                line.starts_with(b"%")
                    && !["obj", "xref", "trailer"].iter().any(|word| contains(line, word.as_bytes()))
            };
            match end.and_then(|end| head.get(..end)) {
                Some(line) if harmless(line) && comments <= MOST_COMMENTS => at = found + line.len() as u64,
                _ => return Ok(Some(found)),
            }
        }
        Ok(None)
    }
}

fn contains(bytes: &[u8], word: &[u8]) -> bool {
    bytes.windows(word.len()).any(|window| window == word)
}

/// What was added to a list of references that otherwise stayed as it was, in order; `None` when it did not.
pub(super) fn grown_by(before: &Object, after: &Object) -> Option<Vec<ObjectId>> {
    let items = |object: &Object| match object {
        Object::Null => Some(Vec::new()),
        Object::Array(items) => Some(items.clone()),
        _ => None,
    };
    let (before, after) = (items(before)?, items(after)?);
    let mut kept = before.iter().peekable();
    let mut added = Vec::new();
    for item in &after {
        if kept.next_if(|kept| *kept == item).is_none() {
            added.push(item.as_reference()?);
        }
    }
    let distinct = added.iter().collect::<HashSet<_>>().len() == added.len();
    (kept.next().is_none() && distinct).then_some(added)
}

/// The keys, shown, under which two dictionaries differ, `allowed` ones aside.
pub(super) fn differing_keys(before: &Dictionary, after: &Dictionary, allowed: &[&str]) -> Vec<String> {
    let (before, after) = (before.without(allowed), after.without(allowed));
    let keys: BTreeSet<&[u8]> = before.iter().chain(after.iter()).map(|(key, _)| key).collect();
    let differ = keys.into_iter().filter(|key| before.written(key) != after.written(key)).take(MOST_SHOWN);
    differ.map(|key| format!("/{}", String::from_utf8_lossy(key))).collect()
}

pub(super) fn only_keys(dictionary: &Dictionary, allowed: &[&[&str]]) -> bool {
    dictionary
        .iter()
        .all(|(key, _)| allowed.iter().any(|keys| keys.iter().any(|allowed| allowed.as_bytes() == key)))
}

pub(super) fn rectangle(widget: &Dictionary) -> Option<[f64; 4]> {
    let sides: Vec<f64> =
        widget.get("Rect")?.as_array()?.iter().map(Object::as_number).collect::<Option<_>>()?;
    sides.try_into().ok()
}

/// In square points.
pub(super) fn area([left, bottom, right, top]: [f64; 4]) -> f64 {
    ((right - left) * (top - bottom)).abs()
}

/// Where a visible widget is; `None` for an invisible one.
pub(super) fn describe_area([left, bottom, right, top]: [f64; 4]) -> Option<String> {
    let (width, height) = ((right - left).abs(), (top - bottom).abs());
    (width > 0.0 && height > 0.0).then(|| {
        format!("on {width:.0} by {height:.0} points at ({:.0}, {:.0})", left.min(right), bottom.min(top))
    })
}

/// Objects and reasons told one by one in the words for a change.
pub(super) const MOST_SHOWN: usize = 5;

/// Comment lines between two objects.
const MOST_COMMENTS: usize = 100;

/// A comment line longer than this is no comment.
const LONGEST_COMMENT: u64 = 512;
