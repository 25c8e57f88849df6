//! A last revision that adds one empty signature and nothing else: what whoever holds a key asks before signing.
//!
//! The judge lets pass what does no harm to earlier signatures. Here the question is another one: nothing may come
//! into the document that its signer did not look at. So dates, versions and metadata are foreign, too; and of an
//! appearance one has to see all.

use std::collections::HashSet;

use super::{
    super::{
        ByteRangeError, Coverage, Document, PdfError, SignatureField, SignatureKind, SignatureSlot,
        document::show,
        object::{Dictionary, Object, ObjectId, decode_text},
        write::NOT_CARRIED_OVER,
        xref::Place,
    },
    AddedStamp, Change, ChangeKind,
    step::{MOST_SHOWN, differing_keys, only_keys},
};

/// The one signature that the last revision adds, its `/Contents` still empty.
#[derive(Clone, Debug)]
pub struct AddedSignature {
    /// As the file has it.
    pub signature: SignatureField,
    /// The field that it stands in.
    pub slot: SignatureSlot,
    /// Whether the field is new, too.
    pub new_field: bool,
    /// Whether there is a picture in the field.
    pub has_appearance: bool,
    /// The signed bytes.
    pub coverage: Coverage,
    /// `/ContactInfo`.
    pub contact: Option<String>,
    /// Whether the catalog names it as the one that certifies (`/Perms`).
    pub in_permissions: bool,
}

/// Why the last revision is not just a new signature.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NotAlone {
    /// The signed bytes are not in order.
    #[error("the signed bytes are not in order: {0}")]
    ByteRange(#[from] ByteRangeError),
    /// Something stands where the signature will stand.
    #[error("there is something in the place that is kept for the signature")]
    Contents,
    /// An earlier signature forbids it.
    #[error("an earlier signature forbids it: {what}")]
    Forbidden {
        /// What it locked or permits.
        what: String,
    },
    /// The revision does something else as well.
    #[error("it does more than add a signature: it {}", .what.join("; it "))]
    Foreign {
        /// What, in words.
        what: Vec<String>,
    },
    /// There is no new signature.
    #[error("its last revision adds no signature")]
    None,
    /// The file cannot be read.
    #[error(transparent)]
    Pdf(#[from] PdfError),
}

impl Document {
    /// The signature that the last revision adds, if it adds that and nothing else.
    ///
    /// That is: a signature field with its widget, or an empty field that was there; its appearance; its dictionary
    /// with the entries that such dictionaries have and an empty `/Contents`; `/SigFlags` and `/Fields` of the form;
    /// `/Annots` of the page; `/Perms` when it is the first and certifies.
    ///
    /// # Errors
    ///
    /// [`NotAlone`], which names what else there is.
    pub fn added_signature(&self) -> Result<AddedSignature, NotAlone> {
        match self.added_signature_and_stamp()? {
            (added, None) => Ok(added),
            (_, Some(_)) => Err(foreign("adds a stamp to a page")),
        }
    }

    /// As [`Document::added_signature`], where the first signature of a file may bring a stamp with it. Of that it is known
    /// only that it is one annotation of one appearance: what it shows and covers is for the caller to look at.
    ///
    /// # Errors
    ///
    /// As [`Document::added_signature`].
    pub fn added_signature_and_stamp(&self) -> Result<(AddedSignature, Option<AddedStamp>), NotAlone> {
        let last = self.last();
        let before = last.checked_sub(1).ok_or(NotAlone::None)?;
        let (changes, stamps) = self.changes_with_stamps()?;
        let stamp = match stamps.as_slice() {
            [] => None,
            [only] => Some(*only),
            _ => return Err(foreign("adds several stamps")),
        };
        let mut more: Vec<String> = changes
            .iter()
            .filter(|change| !(change.proven && change.kind == ChangeKind::Signature))
            .map(|change| change.what.to_string())
            .collect();
        more.extend(self.more_than_a_signature(before, last)?);
        refuse(more)?;
        let [change] = changes.as_slice() else {
            return Err(if changes.is_empty() { NotAlone::None } else { foreign("adds several signatures") });
        };
        is_permitted(change)?;

        let mut found = self.signatures()?.into_iter().filter(|one| one.revision == last);
        let (Some(signature), None) = (found.next(), found.next()) else { return Err(NotAlone::None) };
        if let Some(defect) = signature.defects.first() {
            return Err(foreign(format!("breaks the form: {defect}")));
        }
        if signature.kind != SignatureKind::Signature {
            return Err(NotAlone::None);
        }
        let coverage = self.check_byte_range(&signature)?;
        if !coverage.whole_document {
            return Err(foreign("leaves bytes at its end unsigned"));
        }
        if signature.contents.iter().any(|byte| *byte != 0) {
            return Err(NotAlone::Contents);
        }
        let dictionary = match self.object(signature.dictionary)? {
            Object::Dictionary(dictionary) if signature.inside.is_none() => dictionary,
            _ => return Err(foreign("hides the signature in its field")),
        };
        refuse(odd_entries(&dictionary))?;
        refuse(odd_references(&dictionary, self.catalog_at(last)?.0))?;
        let slots = self.signature_slots()?;
        let slot = slots.into_iter().find(|slot| slot.field == signature.field).ok_or(NotAlone::None)?;
        let has_appearance = self.check_field(signature.field, before)?;
        let (_, catalog) = self.catalog_at(last)?;
        let permissions = catalog.get("Perms").map(|all| self.resolve(last, all)).transpose()?;
        let certifying =
            permissions.and_then(|(_, permissions)| permissions.as_dictionary()?.reference("DocMDP"));
        let contact = dictionary.get("ContactInfo").and_then(Object::as_string);
        let added = AddedSignature {
            new_field: self.is_new(before, signature.field),
            in_permissions: certifying == Some(signature.dictionary),
            contact: contact.map(decode_text),
            has_appearance,
            coverage,
            slot,
            signature,
        };
        Ok((added, stamp))
    }

    /// Whether no earlier revision has an object of this number; one that was freed counts as none.
    fn is_new(&self, before: usize, id: ObjectId) -> bool {
        self.find(before, id.0).is_none_or(|(_, entry)| entry.place() == Place::Free)
    }

    /// What the judge lets pass beside a signature, and a signer need not.
    fn more_than_a_signature(&self, before: usize, last: usize) -> Result<Vec<String>, PdfError> {
        let mut foreign = Vec::new();
        let (Some(old), Some(new)) = (self.revisions().get(before), self.revisions().get(last)) else {
            return Ok(foreign);
        };
        let kept = |trailer: &Dictionary| trailer.without(&NOT_CARRIED_OVER).without(&["ID"]);
        let differing = differing_keys(&kept(&old.trailer), &kept(&new.trailer), &[]);
        if !differing.is_empty() {
            foreign.push(format!("changes {} in the trailer", differing.join(", ")));
        }
        let (catalog, information) = (new.trailer.reference("Root"), new.trailer.reference("Info"));
        for entry in new.entries.iter().filter(|entry| entry.place() != Place::Free) {
            let id = entry.id();
            let was = self.object_at(before, id)?;
            let is = self.object_at(last, id)?;
            if was == Object::Null || self.same_value(&was, &is)? {
                continue;
            }
            if Some(id) == information {
                foreign.push("changes the document information".to_owned());
            }
            let (Some(was), Some(is)) = (was.as_dictionary(), is.as_dictionary()) else { continue };
            let (what, allowed): (_, &[&str]) = if Some(id) == catalog {
                ("the catalog".to_owned(), &["AcroForm", "Perms"])
            } else if was.is_type("Page") {
                (format!("the page {}", show(id)), &["Annots"])
            } else {
                continue;
            };
            let differing = differing_keys(was, is, allowed);
            if !differing.is_empty() {
                foreign.push(format!("changes {} in {what}", differing.join(", ")));
            }
        }
        Ok(foreign)
    }

    /// Whether the field has an appearance, and shows nothing but that one.
    fn check_field(&self, field: ObjectId, before: usize) -> Result<bool, NotAlone> {
        let last = self.last();
        let fields = self.fields_at(last)?;
        let field = fields.iter().find(|known| known.id == field).ok_or(NotAlone::None)?;
        let is_new = self.is_new(before, field.id);
        if is_new && field.widgets.len() > 1 {
            return Err(foreign("shows the signature in several places"));
        }
        let mut has_appearance = false;
        let own = [field.id];
        let widgets = if field.widgets.is_empty() { &own[..] } else { &field.widgets };
        for widget in widgets {
            let Object::Dictionary(widget) = self.object_at(last, *widget)? else { continue };
            let Some(appearance) = widget.get("AP") else { continue };
            let (_, appearance) = self.resolve(last, appearance)?;
            let normal = appearance.as_dictionary().and_then(|appearance| appearance.get("N"));
            let (_, normal) = self.resolve(last, normal.unwrap_or(&Object::Null))?;
            let one = appearance.as_dictionary().is_some_and(|appearance| only_keys(appearance, &[&["N"]]));
            if !one || !matches!(normal, Object::Stream(_)) {
                return Err(foreign("gives the signature more than one appearance"));
            }
            refuse(self.unseen_below(&appearance, before)?)?;
            has_appearance = true;
        }
        Ok(has_appearance)
    }

    /// What a person who looks at an appearance does not see: layers, actions, files, anything that the last revision
    /// brings below it.
    fn unseen_below(&self, appearance: &Object, before: usize) -> Result<Vec<String>, PdfError> {
        let mut unseen = Vec::new();
        let mut seen = HashSet::new();
        let mut waiting = vec![appearance.clone()];
        while let Some(object) = waiting.pop() {
            unseen_entries(&object, &mut unseen);
            object.for_each_reference(&mut |id| {
                if self.is_new(before, id) && seen.insert(id) {
                    waiting.push(Object::Reference(id));
                }
            });
            if let Object::Reference(id) = object {
                let object = self.object(id)?;
                waiting.extend((!matches!(object, Object::Reference(_))).then_some(object));
            }
        }
        unseen.truncate(MOST_SHOWN);
        Ok(unseen)
    }
}

fn refuse(what: Vec<String>) -> Result<(), NotAlone> {
    if what.is_empty() { Ok(()) } else { Err(NotAlone::Foreign { what }) }
}

fn foreign(what: impl Into<String>) -> NotAlone {
    NotAlone::Foreign { what: vec![what.into()] }
}

fn is_permitted(change: &Change) -> Result<(), NotAlone> {
    if let Some(field) = change.locked.first() {
        return Err(NotAlone::Forbidden { what: format!("it locked the field {field:?}") });
    }
    match change.level {
        None | Some(2 | 3) => Ok(()),
        Some(level) => Err(NotAlone::Forbidden { what: format!("it permits no change (/P {level})") }),
    }
}

/// Entries of a signature dictionary that nobody asked for, and values that stand elsewhere.
fn odd_entries(dictionary: &Dictionary) -> Vec<String> {
    let mut odd = Vec::new();
    for (key, value) in dictionary.iter() {
        let key = String::from_utf8_lossy(key);
        if !SIGNATURE_KEYS.contains(&&*key) {
            odd.push(format!("puts /{key} into the signature dictionary"));
        }
        let mut elsewhere = false;
        value.for_each_reference(&mut |_| elsewhere = true);
        if elsewhere && key != "Reference" {
            odd.push(format!("puts /{key} of the signature dictionary elsewhere"));
        }
    }
    odd.truncate(MOST_SHOWN);
    odd
}

/// References to anything but the two ways of binding what comes later (ISO 32000-2 tables 256, 257 and 259).
fn odd_references(signature: &Dictionary, catalog: ObjectId) -> Vec<String> {
    let references = signature.get("Reference").map_or(Some(&[][..]), Object::as_array);
    let plain = |reference: &Object| {
        let Object::Dictionary(reference) = reference else { return false };
        let parameters = reference.get("TransformParams").and_then(Object::as_dictionary);
        let known = match reference.name("TransformMethod") {
            Some(b"DocMDP") => parameters.is_some_and(|all| only_keys(all, &[&["P", "Type", "V"]])),
            Some(b"FieldMDP") => {
                parameters.is_some_and(|all| only_keys(all, &[&["Action", "Fields", "P", "Type", "V"]]))
            }
            _ => false,
        };
        let keys = ["Data", "DigestMethod", "TransformMethod", "TransformParams", "Type"];
        let data = reference.get("Data").is_none_or(|data| *data == Object::Reference(catalog));
        let mut elsewhere = false;
        Object::Dictionary(reference.without(&["Data"])).for_each_reference(&mut |_| elsewhere = true);
        known && data && !elsewhere && only_keys(reference, &[&keys])
    };
    if references.is_some_and(|references| references.iter().all(plain)) {
        return Vec::new();
    }
    vec!["binds the document by a /Reference that is neither DocMDP nor FieldMDP".to_owned()]
}

fn unseen_entries(object: &Object, unseen: &mut Vec<String>) {
    match object {
        Object::Array(items) => items.iter().for_each(|item| unseen_entries(item, unseen)),
        Object::Dictionary(dictionary) => unseen_in(dictionary, unseen),
        Object::Stream(stream) => unseen_in(&stream.dictionary, unseen),
        _ => {}
    }
}

fn unseen_in(dictionary: &Dictionary, unseen: &mut Vec<String>) {
    for (key, value) in dictionary.iter() {
        if UNSEEN.iter().any(|name| name.as_bytes() == key) {
            unseen.push(format!("gives the appearance a /{}", String::from_utf8_lossy(key)));
        }
        unseen_entries(value, unseen);
    }
}

/// ISO 32000-2 table 255, without what only other kinds of signatures have and what nobody looks at.
const SIGNATURE_KEYS: [&str; 11] = [
    "ByteRange",
    "ContactInfo",
    "Contents",
    "Filter",
    "Location",
    "M",
    "Name",
    "Reason",
    "Reference",
    "SubFilter",
    "Type",
];

/// Entries that make an object show something else at another time, or bring along what is not shown.
const UNSEEN: [&str; 11] =
    ["AA", "AF", "Alternates", "EF", "JS", "Metadata", "OC", "OPI", "PS", "PieceInfo", "Ref"];
