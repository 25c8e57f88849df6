//! What later revisions changed, and whether that leaves the signed content as it was.
//!
//! Each revision is compared with the one before it, object by object and by value. A change is permitted only
//! when it is explained by one of a few forms: a new signature, a document time-stamp, a `/DSS`. What no form
//! explains is [`ChangeKind::Other`], whatever it may be: the list is of what is allowed, never of what is
//! forbidden.
//!
//! Three ways around such a list are closed here. An object that an earlier revision already refers to, though it
//! does not exist, may not appear later (it would change the meaning of what was signed). A list that grows may
//! have no second use, such as a `/Fields` array that is also the page tree's `/Kids`. And bytes that no
//! cross-reference lists may not lie between the objects, for a program that repairs files would find them.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    ops::Range,
    sync::{Arc, PoisonError},
};

use super::{
    Document, PdfError,
    document::{is_version, show},
    object::{Dictionary, Object, ObjectId, Stream, decode_text},
    stream,
    xref::Place,
};

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
pub(super) struct Analysis {
    /// The first revision that was looked at.
    from: usize,
    /// From revision `from` on.
    steps: Vec<Vec<Change>>,
}

impl Document {
    /// Everything that revisions after `revision` changed. Empty when it is the last one and nothing follows it.
    ///
    /// # Errors
    ///
    /// When an object of the file, whether changed or not, cannot be read: nobody can say then what refers to what.
    pub fn changes_after(&self, revision: usize) -> Result<Vec<Change>, PdfError> {
        let mut changes = Vec::new();
        if revision < self.last() {
            let analysis = self.analysis(revision + 1)?;
            let known = analysis.steps.get(revision + 1 - analysis.from..).unwrap_or_default();
            changes.extend(known.iter().flatten().cloned());
        }
        if let Some(offset) = self.trailing_bytes()? {
            changes.push(Change {
                revision: self.revisions().len(),
                objects: Vec::new(),
                kind: ChangeKind::Other,
                what: format!("bytes follow the last %%EOF, from byte {offset} on"),
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
        let mut uses = Uses::before(self, from)?;
        let mut names: HashSet<String> =
            self.fields_at(from.saturating_sub(1))?.iter().map(|field| root_name(&field.name)).collect();
        let mut steps = Vec::new();
        for revision in from..self.revisions().len() {
            steps.push(Step::new(self, revision, &uses, &mut names)?.classify()?);
            uses.add_revision(self, revision)?;
        }
        let analysis = Arc::new(Analysis { from, steps });
        *kept = Some(Arc::clone(&analysis));
        Ok(analysis)
    }

    /// Whether two objects mean the same. Of streams the stored bytes are compared, and not `/Length`.
    fn same_value(&self, one: &Object, two: &Object) -> Result<bool, PdfError> {
        match (one, two) {
            (Object::Stream(one), Object::Stream(two)) => {
                let same = one.dictionary.without(&["Length"]) == two.dictionary.without(&["Length"]);
                Ok(same && stream::same_bytes(&*self.source, &one.data, &two.data)?)
            }
            _ => Ok(one == two),
        }
    }
}

/// Who refers to the objects that later revisions touch, and under which key.
struct Uses {
    /// The numbers that some later revision defines.
    touched: HashSet<u32>,
    by_target: HashMap<u32, HashSet<Vec<u8>>>,
    count: usize,
    limit: usize,
}

impl Uses {
    /// The uses as of the revision before `from`.
    fn before(document: &Document, from: usize) -> Result<Self, PdfError> {
        let last_before = from.saturating_sub(1);
        let mut touched = HashSet::new();
        for revision in document.revisions().get(from..).unwrap_or_default() {
            for entry in &revision.entries {
                let before = document.find(last_before, entry.number).map(|(_, entry)| entry.place());
                let same = matches!((before, entry.place()), (Some(before @ Place::At { .. }), now) if before == now);
                if !same {
                    touched.insert(entry.number);
                }
            }
        }
        let mut uses = Self { touched, by_target: HashMap::new(), count: 0, limit: document.limits.objects };
        for (index, revision) in document.revisions().iter().enumerate().take(from) {
            for entry in &revision.entries {
                let current = document.find(last_before, entry.number).is_some_and(|(at, _)| at == index);
                if current && entry.place() != Place::Free {
                    uses.add_object(&document.object_at(last_before, entry.id())?)?;
                }
            }
            uses.add(&Object::Dictionary(revision.trailer.clone()), b"")?;
        }
        Ok(uses)
    }

    fn add_revision(&mut self, document: &Document, revision: usize) -> Result<(), PdfError> {
        let Some(added) = document.revisions().get(revision) else { return Ok(()) };
        for entry in &added.entries {
            if entry.place() != Place::Free {
                self.add_object(&document.object_at(revision, entry.id())?)?;
            }
        }
        self.add(&Object::Dictionary(added.trailer.clone()), b"")
    }

    fn add_object(&mut self, object: &Object) -> Result<(), PdfError> {
        self.add(object, b"")
    }

    /// `key`: the innermost dictionary key that leads to `object`. Depth is bounded, for a lexer read it.
    fn add(&mut self, object: &Object, key: &[u8]) -> Result<(), PdfError> {
        match object {
            Object::Reference((number, _)) => {
                if self.touched.contains(number)
                    && self.by_target.entry(*number).or_default().insert(key.to_vec())
                {
                    self.count += 1;
                    if self.count > self.limit {
                        return Err(PdfError::limit(
                            "the number of references to changed objects",
                            self.limit,
                        ));
                    }
                }
                Ok(())
            }
            Object::Array(items) => items.iter().try_for_each(|item| self.add(item, key)),
            Object::Dictionary(dictionary) | Object::Stream(Stream { dictionary, .. }) => {
                dictionary.iter().try_for_each(|(key, value)| self.add(value, key))
            }
            _ => Ok(()),
        }
    }

    /// A key under which `number` is referred to and that is not one of `allowed`.
    fn other_than(&self, number: u32, allowed: &dyn Fn(&[u8]) -> bool) -> Option<String> {
        let keys = self.by_target.get(&number)?;
        keys.iter().find(|key| !allowed(key)).map(|key| String::from_utf8_lossy(key).into_owned())
    }
}

/// An object that a revision defines with another value than the revision before.
struct Delta {
    id: ObjectId,
    /// `None`: there was none.
    before: Option<Object>,
    after: Object,
}

/// One revision against the one before it.
struct Step<'a> {
    document: &'a Document,
    uses: &'a Uses,
    /// Names of the form's fields, up to the first full stop.
    names: &'a mut HashSet<String>,
    before: usize,
    after: usize,
    deltas: BTreeMap<u32, Delta>,
    /// Explained so far, by what.
    explained: BTreeMap<u32, Part>,
    /// Widgets of new signatures.
    widgets: BTreeSet<ObjectId>,
    signatures: Vec<(ChangeKind, String)>,
    store_changed: bool,
    asides: Vec<&'static str>,
    others: Vec<(Vec<ObjectId>, String)>,
    more_others: Vec<ObjectId>,
}

/// What an explained object belongs to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    /// Cross-reference and object streams.
    Frame,
    Signature,
    Store,
}

impl<'a> Step<'a> {
    fn new(
        document: &'a Document,
        after: usize,
        uses: &'a Uses,
        names: &'a mut HashSet<String>,
    ) -> Result<Self, PdfError> {
        let mut step = Self {
            document,
            uses,
            names,
            before: after.saturating_sub(1),
            after,
            deltas: BTreeMap::new(),
            explained: BTreeMap::new(),
            widgets: BTreeSet::new(),
            signatures: Vec::new(),
            store_changed: false,
            asides: Vec::new(),
            others: Vec::new(),
            more_others: Vec::new(),
        };
        step.compare_objects()?;
        Ok(step)
    }

    fn classify(mut self) -> Result<Vec<Change>, PdfError> {
        self.frame()?;
        self.hidden_bytes()?;
        if self.trailer()? {
            self.catalog()?;
        }
        Ok(self.report())
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
                    self.other(vec![old.id()], format!("deletes object {}", show(old.id())));
                }
                continue;
            };
            if let Some(old) = old
                && old.id() != id
            {
                self.other(vec![id], format!("replaces object {} by {}", show(old.id()), show(id)));
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
                self.other(vec![id], what);
                continue;
            }
            if before.is_none() && self.uses.other_than(id.0, &|_| false).is_some() {
                let what = format!("adds object {}, which earlier revisions already refer to", show(id));
                self.other(vec![id], what);
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
                let place = revision.entry(*member).map(super::xref::Entry::place);
                let here = u32::try_from(*index).map(|index| Place::In { stream: number, index });
                here.map_or(true, |here| place != Some(here))
            });
            match unlisted {
                Some((_, (member, _))) => {
                    let what = format!("hides object {} in an object stream", show((*member, 0)));
                    self.other(vec![(number, 0)], what);
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
                self.other(Vec::new(), what);
            } else if let Some(hidden) = document.first_hidden(at..extent.start)? {
                let what = format!("bytes at {hidden} belong to no object that the cross-reference lists");
                self.other(Vec::new(), what);
            }
            at = at.max(extent.end);
        }
        Ok(())
    }

    /// Whether the trailer still leads to the same catalog.
    fn trailer(&mut self) -> Result<bool, PdfError> {
        let document = self.document;
        let pair = [self.before, self.after]
            .map(|at| document.revisions().get(at).map(|revision| &revision.trailer));
        let [Some(before), Some(after)] = pair else { return Ok(false) };
        if before.get("Root") != after.get("Root") {
            self.other(Vec::new(), "makes another object the catalog".to_owned());
            return Ok(false);
        }
        let first_id = |trailer: &Dictionary| {
            trailer.get("ID").and_then(Object::as_array).and_then(|id| id.first().cloned())
        };
        if let Some(id) = first_id(before)
            && first_id(after) != Some(id)
        {
            self.other(Vec::new(), "changes the permanent identifier in the trailer's /ID".to_owned());
        }
        self.information(before, after)?;
        Ok(true)
    }

    /// The information dictionary may change its date and its producer, no more.
    fn information(&mut self, before: &Dictionary, after: &Dictionary) -> Result<(), PdfError> {
        let nothing = Object::Null;
        let (_, old) = self.document.resolve(self.before, before.get("Info").unwrap_or(&nothing))?;
        let (id, new) = self.document.resolve(self.after, after.get("Info").unwrap_or(&nothing))?;
        if old == new && before.get("Info") == after.get("Info") {
            return Ok(());
        }
        let empty = Dictionary::new();
        let old = old.as_dictionary().unwrap_or(&empty);
        let keys = ["ModDate", "Producer"];
        let same_place = before.get("Info") == after.get("Info") || id.is_none_or(|id| self.added(id));
        let Object::Dictionary(new) = new else {
            self.other(Vec::new(), "removes the document information".to_owned());
            return Ok(());
        };
        let texts = keys.iter().all(|key| new.get(key).is_none_or(|value| value.as_string().is_some()));
        if same_place && texts && old.without(&keys) == new.without(&keys) {
            if let Some(id) = id {
                self.explain(id, Part::Signature, &|key| key == b"Info");
            }
            self.asides.push("the date of the last change");
        } else {
            let objects = id.into_iter().collect();
            self.other(objects, "changes the document information".to_owned());
        }
        Ok(())
    }

    fn catalog(&mut self) -> Result<(), PdfError> {
        let (id, before) = self.document.catalog_at(self.before)?;
        let (_, after) = self.document.catalog_at(self.after)?;
        let differing = differing_keys(&before, &after, &["AcroForm", "DSS", "Extensions", "Version"]);
        if !differing.is_empty() {
            self.other(vec![id], format!("changes {} in the catalog", differing.join(", ")));
        }
        if before.get("Version") != after.get("Version") {
            let version = |catalog: &Dictionary| {
                let name = catalog.name("Version").and_then(|name| std::str::from_utf8(name).ok());
                name.filter(|name| is_version(name)).map(str::to_owned)
            };
            if version(&after).is_some_and(|after| version(&before).is_none_or(|before| before <= after)) {
                self.asides.push("the PDF version");
            } else {
                self.other(vec![id], "lowers the PDF version".to_owned());
            }
        }
        if before.get("Extensions") != after.get("Extensions") {
            if after.get("Extensions").is_some_and(is_developer_extensions) {
                self.asides.push("a declared extension level");
            } else {
                self.other(vec![id], "changes /Extensions in the catalog".to_owned());
            }
        }
        self.form(&before, &after)?;
        self.pages()?;
        self.security_store(&before, &after)?;
        // The catalog's own differences are all accounted for above.
        if differing.is_empty() && self.deltas.contains_key(&id.0) {
            let part =
                if before.get("AcroForm") == after.get("AcroForm") { Part::Store } else { Part::Signature };
            self.explained.insert(id.0, part);
        }
        Ok(())
    }

    /// The form: grown by new signature fields, or with empty ones filled.
    fn form(&mut self, catalog_before: &Dictionary, catalog_after: &Dictionary) -> Result<(), PdfError> {
        let null = Object::Null;
        let (old_id, old) =
            self.document.resolve(self.before, catalog_before.get("AcroForm").unwrap_or(&null))?;
        let (new_id, new) =
            self.document.resolve(self.after, catalog_after.get("AcroForm").unwrap_or(&null))?;
        let objects: Vec<ObjectId> = new_id.or(old_id).into_iter().collect();
        let (old, new) = match (old, new) {
            (Object::Null, Object::Null) => return Ok(()),
            (Object::Null, Object::Dictionary(new)) => (Dictionary::new(), new),
            (Object::Dictionary(old), Object::Dictionary(new)) => (old, new),
            _ => {
                self.other(objects, "removes or breaks the form".to_owned());
                return Ok(());
            }
        };
        let mut fine = true;
        let differing = differing_keys(&old, &new, &["Fields", "SigFlags"]);
        if !differing.is_empty() {
            self.other(objects.clone(), format!("changes {} in the form", differing.join(", ")));
            fine = false;
        }
        let flags = |form: &Dictionary| form.get("SigFlags").map_or(Some(0), Object::as_integer);
        let (old_flags, new_flags) = (flags(&old).unwrap_or(0), flags(&new).unwrap_or(-1));
        if !(0..=3).contains(&new_flags) || old_flags & !new_flags != 0 {
            self.other(objects.clone(), "changes /SigFlags in the form".to_owned());
            fine = false;
        }
        let (old_list_id, old_list) =
            self.document.resolve(self.before, old.get("Fields").unwrap_or(&null))?;
        let (new_list_id, new_list) =
            self.document.resolve(self.after, new.get("Fields").unwrap_or(&null))?;
        let Some(added) = grown_by(&old_list, &new_list) else {
            self.other(objects, "removes or replaces fields of the form".to_owned());
            return Ok(());
        };
        if let Some(id) = new_list_id
            && (self.added(id) || old_list_id == Some(id))
        {
            self.explain(id, Part::Signature, &|key| key == b"Fields");
        }
        if let Some(id) = new_id
            && fine
            && (self.added(id) || old_id == Some(id))
        {
            self.explain(id, Part::Signature, &|key| key == b"AcroForm");
        }
        for field in added {
            self.new_field(field)?;
        }
        self.filled_fields()
    }

    /// A field that the form gained: a signature field with its signature, or nothing is explained.
    fn new_field(&mut self, id: ObjectId) -> Result<(), PdfError> {
        let field = match self.delta(id) {
            Some(Delta { before: None, after: Object::Dictionary(field), .. }) => field.clone(),
            _ => {
                self.other(vec![id], format!("adds the existing object {} to the form", show(id)));
                return Ok(());
            }
        };
        let name = field.get("T").and_then(Object::as_string).map(decode_text).unwrap_or_default();
        let of_signature = field.name("FT") == Some(b"Sig");
        if !of_signature || name.is_empty() || !only_keys(&field, &[&FIELD_KEYS, &WIDGET_KEYS, &["Kids"]]) {
            self.other(
                vec![id],
                format!("adds the form field {name:?}, which is more than a signature field"),
            );
            return Ok(());
        }
        if !self.names.insert(root_name(&name)) {
            self.other(vec![id], format!("adds another form field of the name {name:?}"));
            return Ok(());
        }
        let Some(kind) = self.new_signature(&field)? else {
            self.other(vec![id], format!("adds the form field {name:?} without a signature of its own"));
            return Ok(());
        };
        let mut visible = Vec::new();
        let widgets = match field.get("Kids") {
            None => vec![(id, field.clone())],
            Some(kids) => self.new_kids(id, kids)?,
        };
        for (widget_id, widget) in &widgets {
            match rectangle(widget) {
                Some(rectangle) => visible.extend(describe_area(rectangle)),
                None => {
                    self.other(vec![*widget_id], format!("gives the signature field {name:?} no /Rect"));
                    return Ok(());
                }
            }
            if widget.get("AP").is_some_and(|appearance| !self.is_appearance(appearance)) {
                self.other(vec![*widget_id], format!("gives the signature field {name:?} a broken /AP"));
                return Ok(());
            }
        }
        // A widget has no other way into the document than the form and a page.
        for (widget_id, widget) in widgets {
            self.explain(widget_id, Part::Signature, &|_| false);
            self.explain_added_below(&widget, &["P", "Parent", "Kids"], Part::Signature);
            self.widgets.insert(widget_id);
        }
        self.explain(id, Part::Signature, &|_| false);
        self.explain_added_below(&field, &["P", "Parent", "Kids"], Part::Signature);
        let noun = match kind {
            ChangeKind::DocTimeStamp => "a document time-stamp",
            _ => "a signature",
        };
        let shown =
            if visible.is_empty() { String::new() } else { format!(", visible {}", visible.join(" and ")) };
        self.signatures.push((kind, format!("adds {noun} in the new field {name:?}{shown}")));
        Ok(())
    }

    /// The kids of a new field, when they are new widgets and no more.
    fn new_kids(&mut self, field: ObjectId, kids: &Object) -> Result<Vec<(ObjectId, Dictionary)>, PdfError> {
        let (list, kids) = self.document.resolve(self.after, kids)?;
        if let Some(list) = list
            && self.added(list)
        {
            self.explain(list, Part::Signature, &|_| false);
        }
        let mut widgets = Vec::new();
        for kid in kids.as_array().unwrap_or_default() {
            let widget = kid.as_reference().and_then(|id| self.delta(id));
            match widget {
                Some(Delta { id, before: None, after: Object::Dictionary(widget) })
                    if only_keys(widget, &[&WIDGET_KEYS, &["Parent"]])
                        && widget.reference("Parent").is_none_or(|parent| parent == field) =>
                {
                    widgets.push((*id, widget.clone()));
                }
                _ => self.other(vec![field], "adds a signature field with strange kids".to_owned()),
            }
        }
        Ok(widgets)
    }

    /// Empty signature fields of the revision before that now hold a signature.
    fn filled_fields(&mut self) -> Result<(), PdfError> {
        let has_value =
            |object: &Object| object.as_dictionary().is_some_and(|dictionary| dictionary.get("V").is_some());
        let mut filled =
            self.deltas.values().filter_map(|delta| Some((delta.before.as_ref()?, &delta.after)));
        if !filled.any(|(before, after)| has_value(after) && !has_value(before)) {
            return Ok(());
        }
        for old in self.document.fields_at(self.before)? {
            let Some(Delta { before: Some(before), after: Object::Dictionary(after), .. }) =
                self.delta(old.id)
            else {
                continue;
            };
            let empty = before.as_dictionary().is_some_and(|before| before.get("V").is_none())
                && match &old.value {
                    Some((_, value)) => self.document.resolve(self.before, value)?.1 == Object::Null,
                    None => true,
                };
            let filled = ["V", "AP", "F"];
            let after = after.clone();
            let same = before
                .as_dictionary()
                .is_some_and(|before| before.without(&filled) == after.without(&filled));
            let appearance = after.get("AP").is_none_or(|appearance| self.is_appearance(appearance));
            if old.kind.as_deref() != Some(b"Sig") || !empty || !same || !appearance {
                continue;
            }
            let Some(kind) = self.new_signature(&after)? else { continue };
            self.explain(old.id, Part::Signature, &is_field_use);
            let mut areas: Vec<String> = rectangle(&after).and_then(describe_area).into_iter().collect();
            self.explain_added_below(&after, &["P", "Parent", "Kids"], Part::Signature);
            for widget in &old.widgets {
                let Some(Delta { before: Some(before), after: Object::Dictionary(after), .. }) =
                    self.delta(*widget)
                else {
                    continue;
                };
                let changed = ["AP", "F"];
                let after = after.clone();
                let same = before
                    .as_dictionary()
                    .is_some_and(|before| before.without(&changed) == after.without(&changed));
                if same && after.get("AP").is_none_or(|appearance| self.is_appearance(appearance)) {
                    self.explain(*widget, Part::Signature, &is_field_use);
                    self.explain_added_below(&after, &["P", "Parent", "Kids"], Part::Signature);
                    areas.extend(rectangle(&after).and_then(describe_area));
                }
            }
            let noun = if kind == ChangeKind::DocTimeStamp { "a document time-stamp" } else { "a signature" };
            let shown =
                if areas.is_empty() { String::new() } else { format!(", visible {}", areas.join(" and ")) };
            self.signatures.push((kind, format!("puts {noun} into the empty field {:?}{shown}", old.name)));
        }
        Ok(())
    }

    /// What kind of signature `/V` of a field holds; `None` when it is not a new one.
    fn new_signature(&mut self, field: &Dictionary) -> Result<Option<ChangeKind>, PdfError> {
        let Some(value) = field.get("V") else { return Ok(None) };
        let (id, value) = self.document.resolve(self.after, value)?;
        if id.is_some_and(|id| !self.added(id)) {
            return Ok(None);
        }
        let Object::Dictionary(signature) = value else { return Ok(None) };
        let signed = signature.get("ByteRange").is_some_and(|range| range.as_array().is_some())
            && signature.get("Contents").is_some_and(|contents| contents.as_string().is_some());
        let kind = match (signature.name("Type"), signature.name("SubFilter")) {
            (Some(b"DocTimeStamp"), Some(b"ETSI.RFC3161")) => ChangeKind::DocTimeStamp,
            (Some(b"Sig") | None, Some(_)) => ChangeKind::Signature,
            _ => return Ok(None),
        };
        if !signed {
            return Ok(None);
        }
        if let Some(id) = id {
            self.explain(id, Part::Signature, &|_| false);
        }
        // `/Data` of a signature reference leads back to the catalog.
        self.explain_added_below(&signature, &["Data"], Part::Signature);
        Ok(Some(kind))
    }

    /// Pages whose `/Annots` grew by widgets of new signatures, and by nothing else.
    fn pages(&mut self) -> Result<(), PdfError> {
        let mut pages: BTreeSet<ObjectId> = self
            .deltas
            .values()
            .filter(|delta| {
                delta.before.as_ref().and_then(Object::as_dictionary).is_some_and(|old| old.is_type("Page"))
            })
            .map(|delta| delta.id)
            .collect();
        for widget in &self.widgets {
            let page = self.delta(*widget).and_then(|delta| delta.after.as_dictionary()?.reference("P"));
            pages.extend(page);
        }
        let mut placed = BTreeSet::new();
        let mut lists = BTreeSet::new();
        for page in pages {
            let (before, after) =
                (self.document.object_at(self.before, page)?, self.document.object_at(self.after, page)?);
            let (Object::Dictionary(before), Object::Dictionary(after)) = (before, after) else { continue };
            if !before.is_type("Page") {
                continue;
            }
            let differing = differing_keys(&before, &after, &["Annots"]);
            if !differing.is_empty() {
                self.other(
                    vec![page],
                    format!("changes {} of the page {}", differing.join(", "), show(page)),
                );
                continue;
            }
            let null = Object::Null;
            let (old_id, old) = self.document.resolve(self.before, before.get("Annots").unwrap_or(&null))?;
            let (new_id, new) = self.document.resolve(self.after, after.get("Annots").unwrap_or(&null))?;
            let once = new_id.is_none_or(|list| lists.insert(list));
            let added = grown_by(&old, &new);
            let only_widgets = added.as_ref().is_some_and(|added| {
                added.iter().all(|id| self.widgets.contains(id) && (!once || placed.insert(*id)))
            });
            if !only_widgets {
                let what = format!("adds, removes or replaces annotations of the page {}", show(page));
                self.other(vec![page], what);
                continue;
            }
            if let Some(list) = new_id
                && (self.added(list) || old_id == Some(list))
            {
                self.explain(list, Part::Signature, &|key| key == b"Annots");
            }
            if self.deltas.contains_key(&page.0) {
                self.explained.insert(page.0, Part::Signature);
            }
        }
        Ok(())
    }

    /// `/DSS`: certificates, CRLs, OCSP responses, `/VRI`, and nothing else (ISO 32000-2 section 12.8.4.3).
    fn security_store(
        &mut self,
        catalog_before: &Dictionary,
        catalog_after: &Dictionary,
    ) -> Result<(), PdfError> {
        let old = Store::read(self.document, self.before, catalog_before.get("DSS"))?;
        let new = Store::read(self.document, self.after, catalog_after.get("DSS"))?;
        let Some(new) = new else {
            if catalog_before.get("DSS").is_some() || catalog_after.get("DSS").is_some() {
                self.other(Vec::new(), "removes or breaks the document security store".to_owned());
            }
            return Ok(());
        };
        if catalog_before.get("DSS") != catalog_after.get("DSS") {
            self.store_changed = true;
        }
        let old = old.unwrap_or_default();
        for (id, role) in &new.objects {
            let Some(delta) = self.deltas.get(&id.0) else { continue };
            let grown = delta.before.is_some() && *role != Role::Data && old.objects.get(id) == Some(role);
            if delta.before.is_none() || grown {
                self.store_changed = true;
                self.explain(*id, Part::Store, &|key| role.is_key(key));
            }
        }
        Ok(())
    }

    /// Notes something that no form explains.
    fn other(&mut self, objects: Vec<ObjectId>, what: String) {
        if self.others.len() < MOST_OTHERS {
            self.others.push((objects, what));
        } else {
            self.more_others.extend(objects);
        }
    }

    fn delta(&self, id: ObjectId) -> Option<&Delta> {
        self.deltas.get(&id.0).filter(|delta| delta.id == id)
    }

    fn added(&self, id: ObjectId) -> bool {
        self.delta(id).is_some_and(|delta| delta.before.is_none())
    }

    /// Takes a changed object off the list of what is unexplained, unless earlier revisions refer to it under
    /// another key than its part in this change allows.
    fn explain(&mut self, id: ObjectId, part: Part, allowed: &dyn Fn(&[u8]) -> bool) {
        if self.delta(id).is_none() {
            return;
        }
        match self.uses.other_than(id.0, allowed) {
            Some(key) => {
                let what = format!("changes object {}, which is also used as /{key}", show(id));
                self.other(vec![id], what);
            }
            None => {
                self.explained.entry(id.0).or_insert(part);
            }
        }
    }

    /// Explains all new objects that hang from `dictionary`, `skipped` keys of it aside.
    fn explain_added_below(&mut self, dictionary: &Dictionary, skipped: &[&str], part: Part) {
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

    /// An appearance dictionary (ISO 32000-2 section 12.5.5): nothing that could be taken for anything else.
    fn is_appearance(&self, appearance: &Object) -> bool {
        let resolved = self.document.resolve(self.after, appearance);
        matches!(resolved, Ok((_, Object::Dictionary(appearance))) if only_keys(&appearance, &[&["N", "R", "D"]]))
    }

    fn report(mut self) -> Vec<Change> {
        let told: HashSet<ObjectId> =
            self.others.iter().flat_map(|(objects, _)| objects).chain(&self.more_others).copied().collect();
        let unexplained: Vec<ObjectId> = self
            .deltas
            .values()
            .filter(|delta| !self.explained.contains_key(&delta.id.0))
            .filter(|delta| !told.contains(&delta.id))
            .map(|delta| delta.id)
            .collect();
        if !unexplained.is_empty() {
            let shown = unexplained.iter().take(MOST_SHOWN).filter_map(|id| self.delta(*id)).map(describe);
            let shown: Vec<String> = shown.collect();
            let more = unexplained.len().saturating_sub(MOST_SHOWN);
            let more = if more > 0 { format!(" and {more} more objects") } else { String::new() };
            self.other(unexplained, format!("{}{more}", shown.join(", ")));
        }
        if !self.more_others.is_empty() {
            let more = std::mem::take(&mut self.more_others);
            self.others.push((more, "changes many more objects".to_owned()));
        }
        let of = |part: Part, explained: &BTreeMap<u32, Part>| -> Vec<ObjectId> {
            let numbers = explained.iter().filter(|(_, explained)| **explained == part);
            numbers.filter_map(|(number, _)| self.deltas.get(number)).map(|delta| delta.id).collect()
        };
        let mut signature_objects = of(Part::Signature, &self.explained);
        let store_objects = of(Part::Store, &self.explained);
        if self.signatures.is_empty()
            && !self.store_changed
            && !(signature_objects.is_empty() && self.asides.is_empty())
        {
            let what = "changes the form or the catalog without adding a signature".to_owned();
            self.other(std::mem::take(&mut signature_objects), what);
        }
        let aside = if self.asides.is_empty() {
            String::new()
        } else {
            format!("; also sets {}", self.asides.join(", "))
        };
        let mut changes = Vec::new();
        let mut push =
            |objects, kind, what| changes.push(Change { revision: self.after, objects, kind, what });
        for (kind, what) in self.signatures {
            push(std::mem::take(&mut signature_objects), kind, format!("{what}{aside}"));
        }
        if self.store_changed {
            let objects = signature_objects.into_iter().chain(store_objects).collect();
            let what = "adds certificates and revocation data to the document security store";
            push(objects, ChangeKind::SecurityStore, format!("{what}{aside}"));
        }
        for (objects, what) in self.others {
            push(objects, ChangeKind::Other, what);
        }
        changes
    }
}

/// The objects of a document security store, each with its part in it.
#[derive(Default)]
struct Store {
    objects: BTreeMap<ObjectId, Role>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Store,
    Data,
    Entry,
    List,
    PerSignature,
}

impl Role {
    /// Whether an object of this part may be referred to under `key`.
    fn is_key(self, key: &[u8]) -> bool {
        match self {
            Self::Store => key == b"DSS",
            Self::PerSignature => key == b"VRI",
            Self::Entry => key.len() == 40 && key.iter().all(u8::is_ascii_hexdigit),
            Self::Data | Self::List => DSS_LISTS.iter().chain(&VRI_LISTS).any(|list| list.as_bytes() == key),
        }
    }
}

impl Store {
    /// `None` when there is none, or it is more than a store.
    fn read(document: &Document, revision: usize, store: Option<&Object>) -> Result<Option<Self>, PdfError> {
        let Some(store) = store else { return Ok(None) };
        let mut read = Self::default();
        let Some(root) = read.dictionary(document, revision, store, Role::Store)? else { return Ok(None) };
        if !only_keys(&root, &[&["Type", "VRI"], &DSS_LISTS])
            || !read.lists(document, revision, &root, &DSS_LISTS)?
        {
            return Ok(None);
        }
        let Some(per_signature) = root.get("VRI") else { return Ok(Some(read)) };
        let Some(entries) = read.dictionary(document, revision, per_signature, Role::PerSignature)? else {
            return Ok(None);
        };
        for (key, entry) in entries.iter().filter(|(key, _)| *key != b"Type") {
            let entry = read.dictionary(document, revision, entry, Role::Entry)?;
            let Some(entry) = entry.filter(|_| Role::Entry.is_key(key)) else { return Ok(None) };
            let known = only_keys(&entry, &[&["Type", "TU", "TS"], &VRI_LISTS]);
            if !known || !read.lists(document, revision, &entry, &VRI_LISTS)? {
                return Ok(None);
            }
            if let Some(stamp) = entry.get("TS")
                && !read.data(document, revision, stamp)?
            {
                return Ok(None);
            }
        }
        Ok(Some(read))
    }

    fn dictionary(
        &mut self,
        document: &Document,
        revision: usize,
        object: &Object,
        role: Role,
    ) -> Result<Option<Dictionary>, PdfError> {
        let (id, object) = document.resolve(revision, object)?;
        let Object::Dictionary(dictionary) = object else { return Ok(None) };
        Ok(self.note(id, role).then_some(dictionary))
    }

    fn lists(
        &mut self,
        document: &Document,
        revision: usize,
        of: &Dictionary,
        keys: &[&str],
    ) -> Result<bool, PdfError> {
        for list in keys.iter().filter_map(|key| of.get(key)) {
            let (id, list) = document.resolve(revision, list)?;
            let Object::Array(items) = list else { return Ok(false) };
            if !self.note(id, Role::List) {
                return Ok(false);
            }
            for item in &items {
                if !self.data(document, revision, item)? {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    fn data(&mut self, document: &Document, revision: usize, object: &Object) -> Result<bool, PdfError> {
        let Object::Reference(known) = object else { return Ok(false) };
        if self.objects.get(known) == Some(&Role::Data) {
            return Ok(true);
        }
        let (id, object) = document.resolve(revision, object)?;
        Ok(matches!(object, Object::Stream(_)) && self.note(id, Role::Data))
    }

    /// One object has one part.
    fn note(&mut self, id: Option<ObjectId>, role: Role) -> bool {
        id.is_none_or(|id| *self.objects.entry(id).or_insert(role) == role)
    }
}

impl Document {
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
fn grown_by(before: &Object, after: &Object) -> Option<Vec<ObjectId>> {
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
fn differing_keys(before: &Dictionary, after: &Dictionary, allowed: &[&str]) -> Vec<String> {
    let (before, after) = (before.without(allowed), after.without(allowed));
    let keys: BTreeSet<&[u8]> = before.iter().chain(after.iter()).map(|(key, _)| key).collect();
    let differ = keys.into_iter().filter(|key| before.written(key) != after.written(key)).take(MOST_SHOWN);
    differ.map(|key| format!("/{}", String::from_utf8_lossy(key))).collect()
}

fn only_keys(dictionary: &Dictionary, allowed: &[&[&str]]) -> bool {
    dictionary
        .iter()
        .all(|(key, _)| allowed.iter().any(|keys| keys.iter().any(|allowed| allowed.as_bytes() == key)))
}

/// ISO 32000-2 section 7.12: names and numbers only.
fn is_developer_extensions(extensions: &Object) -> bool {
    let plain = |extension: &Object| {
        let keys = ["Type", "BaseVersion", "ExtensionLevel", "ExtensionRevision", "URL"];
        extension.as_dictionary().is_some_and(|extension| {
            only_keys(extension, &[&keys])
                && extension.iter().all(|(_, value)| {
                    matches!(value, Object::Name(_) | Object::Integer(_) | Object::String(_))
                })
        })
    };
    let Object::Dictionary(extensions) = extensions else { return false };
    extensions.iter().all(|(key, value)| match value {
        Object::Array(levels) => levels.iter().all(plain),
        Object::Name(_) => key == b"Type",
        value => plain(value),
    })
}

fn rectangle(widget: &Dictionary) -> Option<[f64; 4]> {
    let sides: Vec<f64> =
        widget.get("Rect")?.as_array()?.iter().map(Object::as_number).collect::<Option<_>>()?;
    sides.try_into().ok()
}

/// Where a visible widget is; `None` for an invisible one.
fn describe_area([left, bottom, right, top]: [f64; 4]) -> Option<String> {
    let (width, height) = ((right - left).abs(), (top - bottom).abs());
    (width > 0.0 && height > 0.0).then(|| {
        format!("on {width:.0} by {height:.0} points at ({:.0}, {:.0})", left.min(right), bottom.min(top))
    })
}

/// The first part of a fully qualified field name.
fn root_name(name: &str) -> String {
    name.split('.').next().unwrap_or_default().to_owned()
}

/// Where a field or widget is referred to. Without a key it is an item of an array that is an object of its own,
/// and no kind of array gives `/V`, `/AP` or `/F` of a field another meaning.
fn is_field_use(key: &[u8]) -> bool {
    [b"".as_slice(), b"Fields", b"Kids", b"Annots", b"Parent", b"Obj"].contains(&key)
}

/// An unexplained change in words.
fn describe(delta: &Delta) -> String {
    let kind = |object: &Object| {
        let of_type = object.as_dictionary().and_then(|dictionary| dictionary.name("Type"));
        match (object, of_type) {
            (_, Some(name)) => format!("/{} object", String::from_utf8_lossy(name)),
            (Object::Stream(_), None) => "stream".to_owned(),
            (Object::Dictionary(_), None) => "dictionary".to_owned(),
            (Object::Array(_), None) => "array".to_owned(),
            _ => "object".to_owned(),
        }
    };
    match &delta.before {
        None => format!("adds the {} {}", kind(&delta.after), show(delta.id)),
        Some(before) => format!("changes the {} {}", kind(before), show(delta.id)),
    }
}

/// Keys of a signature field; none leads to an action (ISO 32000-2 tables 226 and 235).
const FIELD_KEYS: [&str; 10] = ["DA", "FT", "Ff", "Lock", "Q", "SV", "T", "TM", "TU", "V"];

/// Keys of a widget; none leads to an action or hides something else (ISO 32000-2 tables 166 and 191).
const WIDGET_KEYS: [&str; 14] =
    ["AP", "BS", "Border", "C", "F", "FT", "H", "M", "MK", "NM", "P", "Rect", "Subtype", "Type"];

/// ISO 32000-2 table 261.
const DSS_LISTS: [&str; 3] = ["CRLs", "Certs", "OCSPs"];

/// ISO 32000-2 table 262.
const VRI_LISTS: [&str; 3] = ["CRL", "Cert", "OCSP"];

/// Unexplained changes told one by one.
const MOST_OTHERS: usize = 100;

/// Objects named one by one in the words for a change.
const MOST_SHOWN: usize = 5;

/// Comment lines between two objects.
const MOST_COMMENTS: usize = 100;

/// A comment line longer than this is no comment.
const LONGEST_COMMENT: u64 = 512;
