//! The form: new signature fields, and empty ones that are signed.

use std::collections::{HashMap, HashSet};

use super::{
    super::{
        Document, PdfError,
        document::show,
        object::{Dictionary, Object, ObjectId, decode_text},
    },
    ChangeKind,
    step::{Delta, Part, Signed, Step, describe_area, differing_keys, grown_by, only_keys, rectangle},
};

/// The form's terminal fields, found by object: read once, then kept up to date.
pub(super) struct FormIndex {
    fields: Vec<Known>,
    /// The fields' and widgets' object numbers.
    by_object: HashMap<u32, usize>,
    /// Names of the fields, up to the first full stop.
    names: HashSet<String>,
    stale: bool,
}

/// A field as it was before the revision that is looked at.
#[derive(Clone)]
pub(super) struct Known {
    pub(super) name: String,
    pub(super) id: ObjectId,
    pub(super) kind: Vec<u8>,
    /// `/Ff`.
    pub(super) flags: i64,
    /// Whether the value comes from a field above.
    inherits: bool,
    /// Widgets that are objects of their own.
    pub(super) widgets: Vec<ObjectId>,
}

impl FormIndex {
    /// The fields as of a revision.
    pub(super) fn read(document: &Document, revision: usize) -> Result<Self, PdfError> {
        let fields = document.fields_at(revision)?;
        let mut index = Self {
            fields: Vec::with_capacity(fields.len()),
            by_object: HashMap::new(),
            names: HashSet::new(),
            stale: false,
        };
        for field in fields {
            index.names.insert(root_name(&field.name));
            index.add(Known {
                inherits: field.value.as_ref().is_some_and(|(holder, _)| *holder != field.id),
                name: field.name,
                id: field.id,
                kind: field.kind.unwrap_or_default(),
                flags: field.flags,
                widgets: field.widgets,
            });
        }
        Ok(index)
    }

    /// How many objects were read for it.
    pub(super) fn len(&self) -> usize {
        self.by_object.len()
    }

    pub(super) fn numbers(&self) -> impl Iterator<Item = u32> {
        self.by_object.keys().copied()
    }

    /// Whether an object is a field or a widget of the form.
    pub(super) fn holds(&self, id: ObjectId) -> bool {
        self.by_object.contains_key(&id.0)
    }

    pub(super) fn is_stale(&self) -> bool {
        self.stale
    }

    pub(super) fn set_stale(&mut self) {
        self.stale = true;
    }

    fn add(&mut self, field: Known) {
        let at = self.fields.len();
        for id in field.widgets.iter().chain([&field.id]) {
            self.by_object.insert(id.0, at);
        }
        self.fields.push(field);
    }
}

impl Step<'_> {
    /// The form: grown by new signature fields, or with empty ones filled.
    pub(super) fn form(
        &mut self,
        catalog_before: &Dictionary,
        catalog_after: &Dictionary,
    ) -> Result<(), PdfError> {
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
                self.other(ChangeKind::CatalogEntry, objects, "removes or breaks the form".to_owned());
                return Ok(());
            }
        };
        let mut fine = true;
        let differing = differing_keys(&old, &new, &["Fields", "SigFlags"]);
        if !differing.is_empty() {
            let what = format!("changes {} in the form", differing.join(", "));
            self.other(ChangeKind::CatalogEntry, objects.clone(), what);
            fine = false;
        }
        let flags = |form: &Dictionary| form.get("SigFlags").map_or(Some(0), Object::as_integer);
        let (old_flags, new_flags) = (flags(&old).unwrap_or(0), flags(&new).unwrap_or(-1));
        if !(0..=3).contains(&new_flags) || old_flags & !new_flags != 0 {
            self.other(ChangeKind::CatalogEntry, objects.clone(), "changes /SigFlags in the form".to_owned());
            fine = false;
        }
        let (old_list_id, old_list) =
            self.document.resolve(self.before, old.get("Fields").unwrap_or(&null))?;
        let (new_list_id, new_list) =
            self.document.resolve(self.after, new.get("Fields").unwrap_or(&null))?;
        let Some(added) = grown_by(&old_list, &new_list) else {
            self.other(
                ChangeKind::CatalogEntry,
                objects,
                "removes or replaces fields of the form".to_owned(),
            );
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
        self.changed_fields()
    }

    /// A field that the form gained: a signature field with its signature, or nothing is explained.
    fn new_field(&mut self, id: ObjectId) -> Result<(), PdfError> {
        let Some(Delta { before: None, after: Object::Dictionary(field), .. }) = self.delta(id) else {
            let what = format!("adds the existing object {} to the form", show(id));
            self.other(ChangeKind::CatalogEntry, vec![id], what);
            return Ok(());
        };
        let field = field.clone();
        let name = field.get("T").and_then(Object::as_string).map(decode_text).unwrap_or_default();
        let of_signature = field.name("FT") == Some(b"Sig");
        if !of_signature || name.is_empty() || !only_keys(&field, &[&FIELD_KEYS, &WIDGET_KEYS, &["Kids"]]) {
            let what = format!("adds the form field {name:?}, which is more than a signature field");
            self.other(ChangeKind::CatalogEntry, vec![id], what);
            return Ok(());
        }
        if !self.carried.form.names.insert(root_name(&name)) {
            let what = format!("adds another form field of the name {name:?}");
            self.other(ChangeKind::CatalogEntry, vec![id], what);
            return Ok(());
        }
        let Some(kind) = self.new_signature(&field)? else {
            let what = format!("adds the form field {name:?} without a signature of its own");
            self.other(ChangeKind::CatalogEntry, vec![id], what);
            return Ok(());
        };
        let mut visible = Vec::new();
        let mut under = String::new();
        let widgets = match field.get("Kids") {
            None => vec![(id, field.clone())],
            Some(kids) => self.new_kids(id, kids)?,
        };
        for (widget_id, widget) in &widgets {
            let Some(rectangle) = rectangle(widget) else {
                let what = format!("gives the signature field {name:?} no /Rect");
                self.other(ChangeKind::Annotation, vec![*widget_id], what);
                return Ok(());
            };
            visible.extend(describe_area(rectangle));
            under.push_str(&self.words_under(widget));
            if !self.is_plain_widget(widget) {
                let what = format!("gives the signature field {name:?} a broken /AP or /F");
                self.other(ChangeKind::Annotation, vec![*widget_id], what);
                return Ok(());
            }
        }
        let kids = widgets.iter().map(|(widget, _)| *widget).filter(|widget| *widget != id).collect();
        // A widget has no other way into the document than the form and a page.
        for (widget_id, widget) in widgets {
            self.explain(widget_id, Part::Signature, &|_| false);
            self.explain_added_below(&widget, &["P", "Parent", "Kids"], Part::Signature);
            let seen = rectangle(&widget).filter(|seen| describe_area(*seen).is_some());
            self.widgets.insert(widget_id, seen);
        }
        self.explain(id, Part::Signature, &|_| false);
        self.explain_added_below(&field, &["P", "Parent", "Kids"], Part::Signature);
        if self.carried.rules.certified && !visible.is_empty() {
            // What is certified says where signatures may be seen: in fields that it has already.
            let what = format!("adds the visible signature field {name:?} to a certified document");
            self.other(ChangeKind::Annotation, vec![id], what);
        }
        let shown =
            if visible.is_empty() { under } else { format!(", visible {}{under}", visible.join(" and ")) };
        self.carried.form.add(Known {
            name: name.clone(),
            id,
            kind: b"Sig".to_vec(),
            flags: 0,
            inherits: false,
            widgets: kids,
        });
        let what = format!("adds {} in the new field {name:?}{shown}", noun(kind));
        self.signatures.push(Signed { kind, filled: None, what });
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
                _ => {
                    let what = "adds a signature field with strange kids".to_owned();
                    self.other(ChangeKind::Annotation, vec![field], what);
                }
            }
        }
        Ok(widgets)
    }

    /// Fields of the revision before that changed: signed, or filled.
    fn changed_fields(&mut self) -> Result<(), PdfError> {
        let index = &self.carried.form;
        let mut changed: Vec<usize> =
            self.deltas.keys().filter_map(|number| index.by_object.get(number).copied()).collect();
        changed.sort_unstable();
        changed.dedup();
        let fields: Vec<Known> =
            changed.into_iter().filter_map(|at| self.carried.form.fields.get(at).cloned()).collect();
        for field in fields {
            if field.kind == b"Sig" {
                self.sign_empty_field(&field)?;
            } else {
                self.fill_field(&field)?;
            }
        }
        Ok(())
    }

    /// An empty signature field that now holds a signature.
    fn sign_empty_field(&mut self, field: &Known) -> Result<(), PdfError> {
        let Some(Delta { before: Some(before), after: Object::Dictionary(after), .. }) = self.delta(field.id)
        else {
            return Ok(());
        };
        let Some(before) = before.as_dictionary().cloned() else { return Ok(()) };
        let after = after.clone();
        let value = before.get("V").map(|value| self.document.resolve(self.before, value)).transpose()?;
        let empty = !field.inherits && value.is_none_or(|(_, value)| value == Object::Null);
        let same = before.without(&["AP", "F", "M", "V"]) == after.without(&["AP", "F", "M", "V"]);
        if !empty || !same || !self.is_plain_widget(&after) {
            return Ok(());
        }
        let Some(kind) = self.new_signature(&after)? else { return Ok(()) };
        self.explain(field.id, Part::Signature, &is_field_use);
        let mut areas: Vec<String> = rectangle(&after).and_then(describe_area).into_iter().collect();
        let mut under = self.words_under(&after);
        self.explain_added_below(&after, &["P", "Parent", "Kids"], Part::Signature);
        for widget in &field.widgets {
            let Some(Delta { before: Some(before), after: Object::Dictionary(after), .. }) =
                self.delta(*widget)
            else {
                continue;
            };
            let after = after.clone();
            let same = before
                .as_dictionary()
                .is_some_and(|before| before.without(&["AP", "F", "M"]) == after.without(&["AP", "F", "M"]));
            if same && self.is_plain_widget(&after) {
                self.explain(*widget, Part::Signature, &is_field_use);
                self.explain_added_below(&after, &["P", "Parent", "Kids"], Part::Signature);
                areas.extend(rectangle(&after).and_then(describe_area));
                under.push_str(&self.words_under(&after));
            }
        }
        let shown =
            if areas.is_empty() { under } else { format!(", visible {}{under}", areas.join(" and ")) };
        self.signatures.push(Signed {
            kind,
            filled: Some(field.name.clone()),
            what: format!("puts {} into the empty field {:?}{shown}", noun(kind), field.name),
        });
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

    /// Whether an appearance (ISO 32000-2 section 12.5.5) and flags, if any, are nothing but that.
    pub(super) fn is_plain_widget(&self, widget: &Dictionary) -> bool {
        let flags = widget.get("F").map_or(Some(0), Object::as_integer);
        let plain = flags.is_some_and(|flags| flags & (NO_ZOOM | NO_ROTATE) == 0);
        let Some(appearance) = widget.get("AP") else { return plain };
        let resolved = self.document.resolve(self.after, appearance);
        plain
            && matches!(resolved, Ok((_, Object::Dictionary(appearance))) if only_keys(&appearance, &[&["N", "R", "D"]]))
    }
}

fn noun(kind: ChangeKind) -> &'static str {
    if kind == ChangeKind::DocTimeStamp { "a document time-stamp" } else { "a signature" }
}

/// The first part of a fully qualified field name.
fn root_name(name: &str) -> String {
    name.split('.').next().unwrap_or_default().to_owned()
}

/// Where a field or widget is referred to. Without a key it is an item of an array that is an object of its own,
/// and no kind of array gives `/V`, `/AP` or `/F` of a field another meaning; `CO` is the order of calculation.
pub(super) fn is_field_use(key: &[u8]) -> bool {
    [b"".as_slice(), b"Annots", b"CO", b"Fields", b"Kids", b"Obj", b"Parent"].contains(&key)
}

/// Keys of a signature field; none leads to an action (ISO 32000-2 tables 226 and 235).
const FIELD_KEYS: [&str; 10] = ["DA", "FT", "Ff", "Lock", "Q", "SV", "T", "TM", "TU", "V"];

/// Keys of a widget; none leads to an action or hides something else (ISO 32000-2 tables 166 and 191).
const WIDGET_KEYS: [&str; 15] = [
    "AP",
    "BS",
    "Border",
    "C",
    "F",
    "FT",
    "H",
    "M",
    "MK",
    "NM",
    "P",
    "Rect",
    "StructParent",
    "Subtype",
    "Type",
];

/// ISO 32000-2 table 167, bit 4: a widget that stays as large when the page is made smaller hides more of it.
const NO_ZOOM: i64 = 1 << 3;

/// ISO 32000-2 table 167, bit 5.
const NO_ROTATE: i64 = 1 << 4;
