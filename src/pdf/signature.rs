//! Signature fields and dictionaries, and the byte rules (ISO 32000-2 sections 12.7.5.5 and 12.8).

use std::{
    collections::{HashMap, HashSet},
    ops::Range,
};

use super::{
    ByteRangeError, Document, PdfError,
    document::Located,
    lexer::{hex_pairs, is_space},
    object::{Dictionary, Object, ObjectId, decode_text},
    xref::{Place, window},
};
use crate::base::UtcTime;

/// A signature dictionary reached through a field of the form (or, for a broken file, without one).
#[derive(Clone, Debug)]
pub struct SignatureField {
    /// The fully qualified name, ISO 32000-2 section 12.7.4.2; empty when no field leads here.
    pub name: String,
    /// The field; when no field leads here, the dictionary itself.
    pub field: ObjectId,
    /// The indirect object that is, or directly holds, the signature dictionary.
    pub dictionary: ObjectId,
    /// Signature or document time-stamp.
    pub kind: SignatureKind,
    /// `/SubFilter`; empty when it is missing.
    pub sub_filter: String,
    /// As written, judged by [`Document::check_byte_range`]; empty when it is no array of whole numbers.
    pub byte_range: Vec<i64>,
    /// Decoded `/Contents` as reached through the cross-reference; with its padding.
    pub contents: Vec<u8>,
    /// Index into [`Document::revisions`] of the revision that holds the dictionary's bytes.
    pub revision: usize,
    /// `/M` as an instant, when it parses.
    pub claimed_time: Option<UtcTime>,
    /// `/Reason`.
    pub reason: Option<String>,
    /// `/Location`.
    pub location: Option<String>,
    /// `/Name`.
    pub signer_name: Option<String>,
    /// `/P` of a DocMDP transform, when this is a certification signature: 1 to 3 in an honest file.
    pub doc_mdp: Option<u8>,
    /// What it locks: its FieldMDP transforms, and the `/Lock` of its field (ISO 32000-2 section 12.8.2.4).
    pub locks: Vec<FieldLock>,
    /// The strictest `/P` that it and the signatures before it leave in force, from certifications and locks.
    pub level: Option<u8>,
    /// What is wrong with the way that leads here. A judge must not call such a signature valid.
    pub defects: Vec<FieldDefect>,
    /// The keys from the object `dictionary` to the signature dictionary: empty, or `V`.
    pub(super) inside: Option<&'static str>,
}

/// What the dictionary says it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SignatureKind {
    /// `/Type /DocTimeStamp`, ISO 32000-2 section 12.8.5.
    DocTimeStamp,
    /// `/Type /Sig`, or no type.
    #[default]
    Signature,
}

/// Fields that may not change after a signature (ISO 32000-2 tables 236 and 259).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldLock {
    /// Which they are.
    pub fields: LockedFields,
    /// `/P` of a `/Lock`: what the document permits from then on, as with DocMDP.
    pub level: Option<u8>,
}

/// Which fields are locked, by fully qualified name; a name stands for all fields below it too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LockedFields {
    /// `/All`; also what a lock means that cannot be read.
    All,
    /// `/Exclude`: all but these.
    AllBut(HashSet<String>),
    /// `/Include`: these.
    Only(HashSet<String>),
}

impl FieldLock {
    /// Whether it locks a field.
    pub fn holds(&self, field: &str) -> bool {
        let named = |names: &HashSet<String>| {
            let above = field.match_indices('.').filter_map(|(at, _)| field.get(..at));
            names.contains(field) || above.into_iter().any(|above| names.contains(above))
        };
        match &self.fields {
            LockedFields::All => true,
            LockedFields::AllBut(names) => !named(names),
            LockedFields::Only(names) => named(names),
        }
    }
}

/// What is wrong with the way from the form to a signature dictionary.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FieldDefect {
    /// Several fields lead to one signature dictionary.
    #[error("the fields {} share one signature", .fields.join(", "))]
    Shared {
        /// Their fully qualified names.
        fields: Vec<String>,
    },
    /// The field's value is an object, but no signature dictionary.
    #[error("the field {name:?} has a value that is no signature dictionary")]
    NoDictionary {
        /// Its fully qualified name.
        name: String,
    },
    /// An earlier revision holds the signature, but no field of the last revision leads to it.
    #[error("no field of the form leads to the signature {} {} R any more", .dictionary.0, .dictionary.1)]
    Unreachable {
        /// The signature dictionary.
        dictionary: ObjectId,
    },
}

/// How a signature's byte range stands: proven.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Coverage {
    /// The two ranges of bytes that are signed.
    pub ranges: [Range<u64>; 2],
    /// The hole: from `<` to `>` inclusive.
    pub hole: Range<u64>,
    /// The index of the revision whose end the second range meets.
    pub revision: usize,
    /// Whether that revision is the last and nothing but white space follows.
    pub whole_document: bool,
}

impl Document {
    /// All signatures and document time-stamps, oldest first.
    ///
    /// Those that the form of the last revision leads to, and those that an earlier revision held and that nothing
    /// leads to any more; the latter with a [`FieldDefect`].
    ///
    /// # Errors
    ///
    /// When the form cannot be read, or there are more than [`crate::base::Limits::signatures`].
    pub fn signatures(&self) -> Result<Vec<SignatureField>, PdfError> {
        let fields = self.fields_at(self.last())?;
        let mut found = Vec::new();
        let mut by_place: HashMap<(ObjectId, bool), usize> = HashMap::new();
        for field in fields.into_iter().filter(|field| field.kind.as_deref() == Some(b"Sig")) {
            let Some(value) = field.own_value(self)? else { continue };
            let key = (value.holder, value.inside.is_some());
            if let Some(first) = by_place.get(&key).and_then(|at| found.get_mut(*at)) {
                share(first, field.name);
                continue;
            }
            by_place.insert(key, found.len());
            found.push(self.signature(field.name, field.id, &value)?);
            if found.len() > self.limits.signatures {
                return Err(PdfError::limit("the number of signatures", self.limits.signatures));
            }
        }
        self.add_unreachable(&mut found)?;
        let place = |signature: &SignatureField| match self.find(self.last(), signature.dictionary.0) {
            Some((_, entry)) => match entry.place() {
                Place::At { offset, .. } => offset,
                _ => u64::MAX,
            },
            None => u64::MAX,
        };
        found.sort_by_cached_key(|signature| (signature.revision, place(signature), signature.dictionary));
        let mut strictest = None;
        for signature in &mut found {
            let own = signature.locks.iter().map(|lock| lock.level).chain([signature.doc_mdp]);
            strictest = own.flatten().chain(strictest).min();
            signature.level = strictest;
        }
        Ok(found)
    }

    /// Proves the byte rules of a signature.
    ///
    /// `/ByteRange` is two ranges in order, the first from byte 0, without overlap; the second meets the end of the
    /// revision that holds the signature; what lies between is exactly one hexadecimal string, which is the value of
    /// `/Contents` in the signature's own dictionary as the cross-reference reaches it, and means the same bytes.
    ///
    /// # Errors
    ///
    /// The first rule that is broken.
    pub fn check_byte_range(&self, signature: &SignatureField) -> Result<Coverage, ByteRangeError> {
        let ranges = self.two_ranges(&signature.byte_range)?;
        let hole = ranges[0].end..ranges[1].start;
        self.meets_revision_end(signature, ranges[1].end)?;
        let inside = self.hole_contents(&hole)?;
        let contents = self.contents_place(signature)?;
        if contents != hole {
            return Err(ByteRangeError::HoleElsewhere { hole, contents });
        }
        if inside != signature.contents {
            return Err(ByteRangeError::ContentsMismatch { hole });
        }
        let last = signature.revision == self.last();
        let whole_document = last && self.trailing_bytes().map_err(unreadable)?.is_none();
        Ok(Coverage { ranges, hole, revision: signature.revision, whole_document })
    }

    /// Bytes after the last revision other than white space: where the first one is.
    pub(super) fn trailing_bytes(&self) -> Result<Option<u64>, PdfError> {
        let end = self.revisions().last().map_or(0, |revision| revision.end);
        self.first_not_space(end..self.source.len())
    }

    pub(super) fn first_not_space(&self, range: Range<u64>) -> Result<Option<u64>, PdfError> {
        const PIECE: u64 = 64 * 1024;
        let mut at = range.start;
        while at < range.end {
            let piece = self.source.read(at..range.end.min(at + PIECE))?;
            if let Some(found) = piece.iter().position(|byte| !is_space(*byte)) {
                return Ok(Some(at + found as u64));
            }
            at += piece.len() as u64;
        }
        Ok(None)
    }

    fn two_ranges(&self, numbers: &[i64]) -> Result<[Range<u64>; 2], ByteRangeError> {
        let &[first, first_len, second, second_len] = numbers else {
            return Err(ByteRangeError::Shape { numbers: numbers.len() });
        };
        let whole = |value: i64| u64::try_from(value).map_err(|_| ByteRangeError::Negative { value });
        let (first, first_len) = (whole(first)?, whole(first_len)?);
        let (second, second_len) = (whole(second)?, whole(second_len)?);
        let len = self.source.len();
        let end = |start: u64, length: u64| match start.checked_add(length) {
            Some(end) if end <= len => Ok(end),
            end => Err(ByteRangeError::OutOfFile { end: end.unwrap_or(u64::MAX), len }),
        };
        let (first_end, second_end) = (end(first, first_len)?, end(second, second_len)?);
        if first != 0 {
            return Err(ByteRangeError::NotFromStart { start: first });
        }
        if second < first_end {
            return Err(ByteRangeError::Overlap { first_end, second });
        }
        Ok([0..first_end, second..second_end])
    }

    fn meets_revision_end(&self, signature: &SignatureField, end: u64) -> Result<(), ByteRangeError> {
        let Some(revision) = self.revisions().get(signature.revision) else {
            return Err(ByteRangeError::NotRevisionEnd { end, revision_end: 0 });
        };
        // White space may follow the end of line after %%EOF, or the end of line may be left out.
        let only_space = |range| self.first_not_space(range).map(|found| found.is_none()).map_err(unreadable);
        if end >= revision.marker_end
            && end - revision.marker_end <= MOST_SPACE
            && only_space(revision.marker_end..end)?
        {
            return Ok(());
        }
        Err(ByteRangeError::NotRevisionEnd { end, revision_end: revision.end })
    }

    /// The bytes that the hole means, when it is one hexadecimal string and nothing else.
    fn hole_contents(&self, hole: &Range<u64>) -> Result<Vec<u8>, ByteRangeError> {
        let most = (self.limits.object_bytes as u64).saturating_add(2);
        if hole.end - hole.start < 2 || hole.end - hole.start > most {
            return Err(ByteRangeError::HoleNotHex { offset: hole.start });
        }
        let bytes = self.source.read(hole.clone()).map_err(|error| unreadable(error.into()))?;
        let wrong = |at: usize| ByteRangeError::HoleNotHex { offset: hole.start + at as u64 };
        let [b'<', digits @ .., b'>'] = bytes.as_slice() else {
            return Err(wrong(if bytes.first() == Some(&b'<') { bytes.len() - 1 } else { 0 }));
        };
        hex_pairs(digits).ok_or_else(|| {
            let odd = digits.iter().position(|byte| !byte.is_ascii_hexdigit());
            wrong(odd.map_or(bytes.len() - 1, |at| at + 1))
        })
    }

    /// Where the value of `/Contents` stands in the file, as the cross-reference of the last revision reaches it.
    fn contents_place(&self, signature: &SignatureField) -> Result<Range<u64>, ByteRangeError> {
        let dictionary = signature.dictionary;
        let last = self.last();
        let offset = match self.find(last, dictionary.0).map(|(_, entry)| entry.place()) {
            Some(Place::At { offset, generation }) if generation == dictionary.1 => offset,
            _ => return Err(ByteRangeError::Compressed { dictionary }),
        };
        // Read as a whole first: a dictionary with a key twice is refused there.
        let located = self.located_at(last, dictionary).map_err(unreadable)?;
        let Some(Located { extent: Some(extent), .. }) = located else {
            return Err(ByteRangeError::Compressed { dictionary });
        };
        let path = signature.inside.into_iter().chain(["Contents"]);
        let place = window(&*self.source, &self.limits, offset..extent.end, &mut |lexer| {
            lexer.unsigned(u64::MAX)?;
            lexer.unsigned(u64::MAX)?;
            lexer.keyword("obj")?;
            for key in path.clone() {
                if !lexer.enter(key)? {
                    return Ok(None);
                }
            }
            let start = lexer.offset();
            let object = lexer.object()?;
            Ok(matches!(object, Object::String(_)).then(|| start..lexer.offset()))
        });
        place.map_err(unreadable)?.ok_or_else(|| ByteRangeError::Unreadable {
            what: "/Contents is not a string in the signature dictionary itself".to_owned(),
        })
    }

    /// The terminal fields of the form as of a revision, in the form's order.
    pub(super) fn fields_at(&self, revision: usize) -> Result<Vec<Field>, PdfError> {
        let (_, catalog) = self.catalog_at(revision)?;
        let Some(form) = catalog.get("AcroForm") else { return Ok(Vec::new()) };
        let (_, form) = self.resolve(revision, form)?;
        let Some(roots) = form.as_dictionary().and_then(|form| form.get("Fields")) else {
            return Ok(Vec::new());
        };
        let (_, roots) = self.resolve(revision, roots)?;
        let mut walk = FieldWalk { document: self, revision, seen: HashSet::new(), found: Vec::new() };
        for root in roots.as_array().unwrap_or_default() {
            walk.visit(root, &Inherited::default(), self.limits.depth)?;
        }
        Ok(walk.found)
    }

    fn signature(&self, name: String, field: ObjectId, value: &Value) -> Result<SignatureField, PdfError> {
        let none = Dictionary::new();
        let dictionary = value.object.as_dictionary().unwrap_or(&none);
        let item = |key: &str| -> Result<Object, PdfError> {
            match dictionary.get(key) {
                Some(object) => Ok(self.resolve(self.last(), object)?.1),
                None => Ok(Object::Null),
            }
        };
        let text = |key: &str| Ok::<_, PdfError>(item(key)?.as_string().map(decode_text));
        let mut defects = Vec::new();
        if value.object.as_dictionary().is_none() {
            defects.push(FieldDefect::NoDictionary { name: name.clone() });
        }
        let claimed = item("M")?;
        let revision = self.revision_holding(value.holder);
        Ok(SignatureField {
            kind: if dictionary.is_type("DocTimeStamp") {
                SignatureKind::DocTimeStamp
            } else {
                SignatureKind::Signature
            },
            sub_filter: String::from_utf8_lossy(item("SubFilter")?.as_name().unwrap_or_default())
                .into_owned(),
            // Direct, or not at all: what says which bytes are signed must stand in the dictionary itself.
            byte_range: whole_numbers(dictionary.get("ByteRange").unwrap_or(&Object::Null)),
            contents: item("Contents")?.as_string().unwrap_or_default().to_vec(),
            revision,
            claimed_time: claimed.as_string().and_then(|date| parse_date(&decode_text(date))),
            reason: text("Reason")?,
            location: text("Location")?,
            signer_name: text("Name")?,
            doc_mdp: self.doc_mdp(revision, dictionary)?,
            locks: self.locks(revision, dictionary, field)?,
            level: None,
            defects,
            inside: value.inside,
            dictionary: value.holder,
            name,
            field,
        })
    }

    /// `/P` of a DocMDP transform in a signature dictionary (ISO 32000-2 section 12.8.2.2), as of a revision.
    pub(super) fn doc_mdp(&self, revision: usize, signature: &Dictionary) -> Result<Option<u8>, PdfError> {
        let mut strictest = None;
        for (_, params) in self.transforms(revision, signature, b"DocMDP")? {
            let level = params.as_dictionary().and_then(|params| params.get("P")).unwrap_or(&Object::Null);
            let (_, level) = self.resolve(revision, level)?;
            // Without a number the standard means 2.
            let level = level.as_integer().map_or(2, |level| u8::try_from(level).unwrap_or(0));
            strictest = [Some(level), strictest].into_iter().flatten().min();
        }
        Ok(strictest)
    }

    /// The fields that a signature locks, by itself or by its field's `/Lock`, as of a revision.
    fn locks(
        &self,
        revision: usize,
        signature: &Dictionary,
        field: ObjectId,
    ) -> Result<Vec<FieldLock>, PdfError> {
        let mut locks = Vec::new();
        for (_, params) in self.transforms(revision, signature, b"FieldMDP")? {
            locks.push(FieldLock { fields: self.locked_fields(revision, &params)?, level: None });
        }
        let Object::Dictionary(field) = self.object_at(revision, field)? else { return Ok(locks) };
        let Some(lock) = field.get("Lock") else { return Ok(locks) };
        let (_, lock) = self.resolve(revision, lock)?;
        let level = match lock.as_dictionary().and_then(|lock| lock.get("P")) {
            None => None,
            Some(level) => {
                let (_, level) = self.resolve(revision, level)?;
                Some(level.as_integer().and_then(|level| u8::try_from(level).ok()).unwrap_or(0))
            }
        };
        locks.push(FieldLock { fields: self.locked_fields(revision, &lock)?, level });
        Ok(locks)
    }

    pub(super) fn locked_fields(&self, revision: usize, lock: &Object) -> Result<LockedFields, PdfError> {
        let item = |key: &str| {
            let value = lock.as_dictionary().and_then(|lock| lock.get(key)).unwrap_or(&Object::Null);
            Ok::<_, PdfError>(self.resolve(revision, value)?.1)
        };
        let names = item("Fields")?;
        let names = names.as_array().map(|names| {
            names
                .iter()
                .map(|name| Some(decode_text(self.resolve(revision, name).ok()?.1.as_string()?)))
                .collect()
        });
        Ok(match (item("Action")?.as_name(), names.flatten()) {
            (Some(b"Include"), Some(names)) => LockedFields::Only(names),
            (Some(b"Exclude"), Some(names)) => LockedFields::AllBut(names),
            _ => LockedFields::All,
        })
    }

    /// The parameters of a signature's transforms of one method (ISO 32000-2 table 256).
    fn transforms(
        &self,
        revision: usize,
        signature: &Dictionary,
        method: &[u8],
    ) -> Result<Vec<(Option<ObjectId>, Object)>, PdfError> {
        let Some(references) = signature.get("Reference") else { return Ok(Vec::new()) };
        let (_, references) = self.resolve(revision, references)?;
        let mut found = Vec::new();
        for reference in references.as_array().unwrap_or_default() {
            let (_, reference) = self.resolve(revision, reference)?;
            let Some(reference) = reference.as_dictionary() else { continue };
            let (_, of) =
                self.resolve(revision, reference.get("TransformMethod").unwrap_or(&Object::Null))?;
            if of.as_name() == Some(method) {
                found
                    .push(self.resolve(revision, reference.get("TransformParams").unwrap_or(&Object::Null))?);
            }
        }
        Ok(found)
    }

    /// The revision whose bytes hold an object as the last revision finds it.
    fn revision_holding(&self, id: ObjectId) -> usize {
        let Some((found, entry)) = self.find(self.last(), id.0) else { return self.last() };
        match entry.place() {
            Place::At { offset, .. } => self.revision_at(offset).min(self.last()),
            Place::Free | Place::In { .. } => found,
        }
    }

    /// Adds signature dictionaries of earlier revisions that the form no longer leads to.
    fn add_unreachable(&self, found: &mut Vec<SignatureField>) -> Result<(), PdfError> {
        if self.revisions().len() == 1 {
            return Ok(());
        }
        let mut known: HashSet<ObjectId> = found.iter().map(|signature| signature.dictionary).collect();
        let mut lost = Vec::new();
        for field in self.fields_at(0)?.into_iter().filter(|field| field.kind.as_deref() == Some(b"Sig")) {
            if let Some(value) = field.own_value(self)?
                && known.insert(value.holder)
            {
                lost.push((field.name, field.id, value));
            }
        }
        for index in 1..self.revisions().len() {
            for (id, object) in self.new_signatures(index) {
                if known.insert(id) {
                    let value = Value { holder: id, inside: None, object, revision: index };
                    lost.push((String::new(), id, value));
                }
            }
        }
        for (name, field, value) in lost {
            let mut signature = self.signature(name, field, &value)?;
            signature.revision = value.revision.min(self.last());
            signature.defects.push(FieldDefect::Unreachable { dictionary: value.holder });
            found.push(signature);
            if found.len() > self.limits.signatures {
                return Err(PdfError::limit("the number of signatures", self.limits.signatures));
            }
        }
        Ok(())
    }

    /// What looks like a signature dictionary among the objects whose bytes revision `index` brought.
    fn new_signatures(&self, index: usize) -> Vec<(ObjectId, Object)> {
        let Some(revision) = self.revisions().get(index) else { return Vec::new() };
        let mut objects = Vec::new();
        for entry in &revision.entries {
            let new = match entry.place() {
                Place::At { offset, .. } => offset >= revision.start,
                Place::In { .. } => true,
                Place::Free => false,
            };
            if new
                && let Ok(object) = self.object_at(index, entry.id())
                && object.as_dictionary().is_some_and(looks_like_signature)
            {
                objects.push((entry.id(), object));
            }
        }
        objects
    }
}

fn looks_like_signature(dictionary: &Dictionary) -> bool {
    dictionary.get("ByteRange").is_some() && dictionary.get("Contents").is_some()
}

fn share(first: &mut SignatureField, name: String) {
    let shared = first.defects.iter_mut().find_map(|defect| match defect {
        FieldDefect::Shared { fields } => Some(fields),
        _ => None,
    });
    match shared {
        Some(fields) => fields.push(name),
        None => first.defects.push(FieldDefect::Shared { fields: vec![first.name.clone(), name] }),
    }
}

fn whole_numbers(object: &Object) -> Vec<i64> {
    let items = object.as_array().unwrap_or_default();
    items.iter().map(Object::as_integer).collect::<Option<_>>().unwrap_or_default()
}

#[expect(clippy::needless_pass_by_value, reason = "a shape for map_err")]
fn unreadable(error: PdfError) -> ByteRangeError {
    ByteRangeError::Unreadable { what: error.to_string() }
}

/// A terminal field of the form.
#[derive(Clone, Debug)]
pub(super) struct Field {
    pub(super) name: String,
    pub(super) id: ObjectId,
    /// As of which revision it was read.
    revision: usize,
    /// `/FT`, its own or inherited.
    pub(super) kind: Option<Vec<u8>>,
    /// `/Ff`, its own or inherited.
    pub(super) flags: i64,
    /// `/V`, its own or inherited, not followed, and the object in which it stands.
    pub(super) value: Option<(ObjectId, Object)>,
    pub(super) dictionary: Dictionary,
    /// Widget annotations that are objects of their own.
    pub(super) widgets: Vec<ObjectId>,
}

/// A field's value, followed.
struct Value {
    holder: ObjectId,
    inside: Option<&'static str>,
    object: Object,
    revision: usize,
}

impl Field {
    /// What `/V` leads to; `None` for an empty field.
    fn own_value(&self, document: &Document) -> Result<Option<Value>, PdfError> {
        let Some((holder, value)) = &self.value else { return Ok(None) };
        let (id, object) = document.resolve(self.revision, value)?;
        if object == Object::Null {
            return Ok(None);
        }
        let inside = if id.is_some() { None } else { Some("V") };
        Ok(Some(Value { holder: id.unwrap_or(*holder), inside, object, revision: self.revision }))
    }
}

/// What a field hands down to its kids (ISO 32000-2 section 12.7.4.1).
#[derive(Clone, Default)]
struct Inherited {
    name: String,
    kind: Option<Vec<u8>>,
    flags: i64,
    value: Option<(ObjectId, Object)>,
}

struct FieldWalk<'a> {
    document: &'a Document,
    revision: usize,
    seen: HashSet<ObjectId>,
    found: Vec<Field>,
}

impl FieldWalk<'_> {
    fn visit(&mut self, node: &Object, above: &Inherited, depth: usize) -> Result<(), PdfError> {
        let Object::Reference(id) = node else { return Ok(()) };
        let Some(deeper) = depth.checked_sub(1) else {
            return Err(PdfError::limit("the depth of the form's fields", self.document.limits.depth));
        };
        if !self.seen.insert(*id) {
            return Err(PdfError::damaged(
                0,
                format!("the form leads to the field {} {} R twice", id.0, id.1),
            ));
        }
        let Object::Dictionary(dictionary) = self.document.object_at(self.revision, *id)? else {
            return Ok(());
        };
        let mut here = above.clone();
        if let Some(kind) = dictionary.get("FT") {
            let (_, kind) = self.document.resolve(self.revision, kind)?;
            here.kind = kind.as_name().map(<[u8]>::to_vec);
        }
        if let Some(flags) = dictionary.get("Ff") {
            here.flags = self.document.resolve(self.revision, flags)?.1.as_integer().unwrap_or(0);
        }
        if let Some(value) = dictionary.get("V") {
            here.value = Some((*id, value.clone()));
        }
        if let Some(name) = dictionary.get("T") {
            let (_, name) = self.document.resolve(self.revision, name)?;
            let name = decode_text(name.as_string().unwrap_or_default());
            here.name = if above.name.is_empty() { name } else { format!("{}.{name}", above.name) };
            if here.name.len() > LONGEST_NAME {
                return Err(PdfError::limit("the length of a field's name", LONGEST_NAME));
            }
        }
        let kids = match dictionary.get("Kids") {
            Some(kids) => self.document.resolve(self.revision, kids)?.1,
            None => Object::Null,
        };
        let mut widgets = Vec::new();
        let mut fields = Vec::new();
        for kid in kids.as_array().unwrap_or_default() {
            let Object::Reference(kid_id) = kid else { continue };
            let kid_object = self.document.object_at(self.revision, *kid_id)?;
            let is_field = kid_object.as_dictionary().is_some_and(|kid| {
                let own_kind = here.kind.is_none() && kid.get("FT").is_some();
                own_kind || ["T", "Kids", "V"].iter().any(|key| kid.get(key).is_some())
            });
            if is_field { fields.push(kid) } else { widgets.push(*kid_id) }
        }
        if fields.is_empty() {
            self.found.push(Field {
                name: here.name,
                id: *id,
                revision: self.revision,
                kind: here.kind,
                flags: here.flags,
                value: here.value,
                dictionary,
                widgets,
            });
            return Ok(());
        }
        for field in fields {
            self.visit(field, &here, deeper)?;
        }
        Ok(())
    }
}

/// A date as PDF has it (ISO 32000-2 section 7.9.4): `D:YYYYMMDDHHmmSSOHH'mm`, everything after the year optional.
/// Without an offset it is taken as UTC.
fn parse_date(text: &str) -> Option<UtcTime> {
    let mut rest = text.strip_prefix("D:").unwrap_or(text);
    let mut take = |digits: usize, default: i16| -> Option<i16> {
        if rest.is_empty() || !rest.starts_with(|first: char| first.is_ascii_digit()) {
            return Some(default);
        }
        let (head, tail) = rest.split_at_checked(digits)?;
        rest = tail;
        head.bytes().all(|byte| byte.is_ascii_digit()).then(|| head.parse().ok())?
    };
    let year = take(4, -1)?;
    let small = |value: i16| i8::try_from(value).ok();
    let (month, day) = (small(take(2, 1)?)?, small(take(2, 1)?)?);
    let (hour, minute, second) = (small(take(2, 0)?)?, small(take(2, 0)?)?, small(take(2, 0)?)?);
    let sign = match rest.chars().next() {
        None | Some('Z') => 0,
        Some('+') => 1,
        Some('-') => -1,
        Some(_) => return None,
    };
    let digits: String = rest.chars().filter(char::is_ascii_digit).collect();
    let two = |at: usize| digits.get(at..at + 2).map_or(Some(0), |pair| pair.parse::<i32>().ok());
    let (hours, minutes) = if sign == 0 { (0, 0) } else { (two(0)?, two(2)?) };
    if year < 0 || hours > 23 || minutes > 59 {
        return None;
    }
    let offset = jiff::tz::Offset::from_seconds(sign * (hours * 3600 + minutes * 60)).ok()?;
    let local = jiff::civil::DateTime::new(year, month, day, hour, minute, second, 0).ok()?;
    offset.to_timestamp(local).ok()
}

/// White space after `%%EOF` that a signature may cover: some programs write several ends of line.
const MOST_SPACE: u64 = 64;

/// No honest field name comes near; nesting would otherwise multiply names.
const LONGEST_NAME: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_as_the_standard_writes_them() {
        let read = |text: &str| parse_date(text).map(|moment| moment.to_string());
        assert_eq!(read("D:20240131120000+07'00'").as_deref(), Some("2024-01-31T05:00:00Z"));
        assert_eq!(read("D:20240131120000+07'00").as_deref(), Some("2024-01-31T05:00:00Z"));
        assert_eq!(read("D:20240131120000-0330").as_deref(), Some("2024-01-31T15:30:00Z"));
        assert_eq!(read("D:20240131120000Z").as_deref(), Some("2024-01-31T12:00:00Z"));
        assert_eq!(read("D:20240131120000Z00'00'").as_deref(), Some("2024-01-31T12:00:00Z"));
        assert_eq!(read("D:2024").as_deref(), Some("2024-01-01T00:00:00Z"));
        assert_eq!(read("20240131").as_deref(), Some("2024-01-31T00:00:00Z"));
        for wrong in ["", "D:", "D:20241301", "D:2024013", "D:20240131x", "D:20240131120000+99'00'", "D:năm"]
        {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
