//! The increment: a revision behind the file that adds a signature, every earlier byte untouched
//! (ISO 32000-2 section 7.5.6).

use std::{
    collections::{BTreeMap, HashSet},
    ops::Range,
    sync::Arc,
};

use super::{
    Document, NewField, PdfError, SignatureKind, Use,
    drawing::Drawing,
    mdp::{DocMdp, Standing, references},
    object::{Dictionary, Object, ObjectId, encode_text, write_hex},
    signable::demand_signable,
    signature::{Field, FieldLock},
    xref::XrefKind,
};
use crate::base::{DigestAlgorithm, Sha256, UtcTime};

/// What a new signature's dictionary and field say.
#[derive(Clone, Debug, Default)]
pub struct NewSignature {
    /// Signature or document time-stamp. A time-stamp says nothing but its `sub_filter`.
    pub kind: SignatureKind,
    /// `ETSI.CAdES.detached` or `ETSI.RFC3161`.
    pub sub_filter: &'static str,
    /// A field name to create, or the name of an empty signature field to fill; `None`: the first free
    /// `Signature1`, `Signature2`…
    pub field: Option<String>,
    /// `/Reason`.
    pub reason: Option<String>,
    /// `/Location`.
    pub location: Option<String>,
    /// `/ContactInfo`.
    pub contact: Option<String>,
    /// `/Name`.
    pub signer_name: Option<String>,
    /// `/M`, written in the time of Vietnam (UTC+7).
    pub claimed_time: Option<UtcTime>,
    /// What the signature looks like, and where. In a field that is there already only the looks count: it keeps its
    /// place, and one without a place takes none.
    pub appearance: Option<Drawing>,
    /// Something else to be seen, such as a code for the check page: a stamp (ISO 32000-2 section 12.5.6.12) that the
    /// signature covers. Only where nothing is signed yet, for to earlier signatures it would be a change.
    pub stamp: Option<Drawing>,
    /// Makes it a certification signature that permits so much; `None` for an approval signature.
    pub certify: Option<DocMdp>,
    /// What it locks. A new field says so in its `/Lock`; a field that has a `/Lock` keeps its own, and no other one
    /// may be asked for.
    pub lock: Option<FieldLock>,
    /// The digest of the signed bytes, as the references of a certification or a lock name it.
    pub digest: Option<DigestAlgorithm>,
    /// Bytes (not hex digits) reserved for the CMS; from 1 to [`crate::base::Limits::cms_bytes`].
    pub contents_len: usize,
}

/// A revision ready to be appended: everything but the CMS.
#[derive(Clone, Debug)]
pub struct Increment {
    /// Length of the file it goes behind, in bytes.
    pub base_len: u64,
    /// The bytes to append. `/ByteRange` is final; the hole is zeros until [`Increment::fill`].
    pub tail: Vec<u8>,
    /// The two signed ranges of the whole file.
    pub ranges: [Range<u64>; 2],
    /// The fully qualified name of the signature's field.
    pub field: String,
}

impl Increment {
    /// The hole: from `<` to `>` inclusive, in bytes from the start of the whole file.
    pub fn hole(&self) -> Range<u64> {
        self.ranges[0].end..self.ranges[1].start
    }

    /// Writes the CMS into the hole. What is left of the space stays zeros.
    ///
    /// # Errors
    ///
    /// [`PdfError::Space`] when it does not fit; nothing is written then.
    pub fn fill(&mut self, cms: &[u8]) -> Result<(), PdfError> {
        let within =
            |offset: u64| usize::try_from(offset.saturating_sub(self.base_len)).unwrap_or(usize::MAX);
        let hole = self.hole();
        let digits = within(hole.start).saturating_add(1)..within(hole.end).saturating_sub(1);
        let space = self.tail.get_mut(digits).unwrap_or_default();
        let reserved = space.len() / 2;
        let Some((head, rest)) = space.split_at_mut_checked(2 * cms.len()) else {
            return Err(PdfError::Space { needed: cms.len(), reserved });
        };
        write_hex(cms, head);
        rest.fill(b'0');
        Ok(())
    }
}

/// Writes the revision that adds a signature, in the file's own cross-reference kind.
///
/// Without an appearance the field is invisible and stands on the first page, unless an empty one of that name waits to
/// be filled. What its `/Lock` locks the signature locks; its `/SV` is for the caller to keep (see
/// [`Document::seed_value`]).
///
/// # Errors
///
/// [`PdfError::Certified`] when an earlier signature permits no change; [`PdfError::NotFirst`] when a certification is
/// asked for behind another signature; [`PdfError::Permission`] when an encrypted file's permissions do not let it be
/// signed; [`PdfError::Field`] when the field cannot be used; [`PdfError::Form`] when the form is one in XFA;
/// [`PdfError::Damaged`] when the form or the page tree is broken, or bytes that may be PDF follow the last `%%EOF`.
pub fn prepare_signature(document: &Document, new: &NewSignature) -> Result<Increment, PdfError> {
    let limit = document.limits.cms_bytes;
    if new.contents_len == 0 || new.contents_len > limit {
        return Err(PdfError::limit("the space for the signature", limit));
    }
    // A time-stamp may always follow.
    let standing = match new.kind {
        SignatureKind::DocTimeStamp => Standing::default(),
        SignatureKind::Signature => Standing::of(document)?,
    };
    standing.admits(new)?;
    let mut update = Update::new(document)?;
    for drawing in new.appearance.iter().chain(&new.stamp) {
        update.avoid(&Object::Dictionary(drawing.page_dictionary(document)?));
    }
    let signature = update.allocate()?;
    let chosen = choose_field(document, new, &standing)?;
    demand_signable(document, chosen.takes())?;
    let (field, lock) = match chosen {
        Chosen::Empty(field, lock) => {
            update.fill_field(&field, signature, new.appearance.as_ref())?;
            (field.name, lock)
        }
        Chosen::New(name) => {
            if standing.certified && new.appearance.is_some() {
                let what =
                    "the document is certified, and then a signature is seen only in a field that was there";
                return Err(PdfError::Field { name, what });
            }
            update.add_field(&name, signature, new)?;
            (name, new.lock.clone())
        }
    };
    if let Some(stamp) = &new.stamp {
        if !document.signatures()?.is_empty() {
            let what = "a stamp cannot be added to a page that is signed already";
            return Err(PdfError::Field { name: field, what });
        }
        update.add_stamp(stamp)?;
    }
    if new.certify.is_some() {
        update.certify(signature)?;
    }
    let references = references(new, lock.as_ref(), document.catalog_at(document.last())?.0);
    update.assemble(new, references, signature, field)
}

enum Chosen {
    /// With what a signature in it locks.
    Empty(Field, Option<FieldLock>),
    New(String),
}

impl Chosen {
    /// What has to be permitted for it.
    fn takes(&self) -> Use {
        match self {
            Self::Empty(..) => Use::FillSignatureField,
            Self::New(_) => Use::AddSignatureField,
        }
    }
}

fn choose_field(document: &Document, new: &NewSignature, standing: &Standing) -> Result<Chosen, PdfError> {
    let fields = document.fields_at(document.last())?;
    let Some(name) = &new.field else {
        let taken: HashSet<&str> =
            fields.iter().map(|field| field.name.split('.').next().unwrap_or_default()).collect();
        let mut free = (1..=fields.len() + 1).map(|number| format!("Signature{number}"));
        let name = free.find(|name| !taken.contains(name.as_str()));
        return Ok(Chosen::New(name.unwrap_or_else(|| "Signature".to_owned())));
    };
    let refuse = |what| Err(PdfError::Field { name: name.clone(), what });
    if let Some(field) = fields.iter().find(|field| field.name == *name) {
        if field.kind.as_deref() != Some(b"Sig") {
            return refuse("it is no signature field");
        }
        if let Some((_, value)) = &field.value
            && document.resolve(document.last(), value)?.1 != Object::Null
        {
            return refuse("it is signed already");
        }
        if standing.locks(name) {
            return refuse("an earlier signature locked it");
        }
        let own = document.field_lock(name, &field.dictionary)?;
        let lock = match (own, &new.lock) {
            (Some(own), Some(wanted)) if own != *wanted => {
                return refuse(
                    "its author fixed in it what a signature locks (/Lock), which is something else",
                );
            }
            // Only a field's own /Lock can say what the document permits afterwards.
            (None, Some(FieldLock { level: Some(_), .. })) => {
                return refuse("only a new field can say what the document permits after the signature");
            }
            (own, wanted) => own.or_else(|| wanted.clone()),
        };
        return Ok(Chosen::Empty(field.clone(), lock));
    }
    check_new_name(&fields, name)?;
    Ok(Chosen::New(name.clone()))
}

/// Whether a new field of the form may have this name.
pub(super) fn check_new_name(fields: &[Field], name: &str) -> Result<(), PdfError> {
    let refuse = |what| Err(PdfError::Field { name: name.to_owned(), what });
    if name.is_empty() || name.contains('.') || name.len() > 127 {
        return refuse("there is none of that name, and a new one has 1 to 127 bytes without a full stop");
    }
    if fields.iter().any(|field| field.name == name) {
        return refuse("there is one of that name");
    }
    let below = format!("{name}.");
    if fields.iter().any(|field| field.name.starts_with(&below)) {
        return refuse("it is a group of fields");
    }
    Ok(())
}

/// The objects of the new revision, by number.
pub(super) struct Update<'a> {
    pub(super) document: &'a Document,
    objects: BTreeMap<u32, (u16, Object)>,
    /// The data of those that are streams, as stored; their dictionaries have the `/Length`.
    pub(super) streams: BTreeMap<u32, Vec<u8>>,
    next: u32,
    /// Numbers that the catalog, the form or the page refer to, though there may be no such object.
    avoided: HashSet<u32>,
}

impl<'a> Update<'a> {
    pub(super) fn new(document: &'a Document) -> Result<Self, PdfError> {
        let size = document.trailer().integer("Size").and_then(|size| u32::try_from(size).ok()).unwrap_or(1);
        let highest = document.revisions().iter().filter_map(|revision| revision.entries.last());
        let highest = highest.map(|entry| entry.number.saturating_add(1)).max().unwrap_or(1);
        let next = size.max(highest).max(1);
        if next as usize > document.limits.objects {
            return Err(PdfError::limit("the number of objects", document.limits.objects));
        }
        let mut update = Self {
            document,
            objects: BTreeMap::new(),
            streams: BTreeMap::new(),
            next,
            avoided: HashSet::new(),
        };
        let catalog = document.catalog()?;
        let form = update.resolve(catalog.get("AcroForm").unwrap_or(&Object::Null))?.1;
        for object in [Object::Dictionary(first_page(document)?.1), Object::Dictionary(catalog), form] {
            update.avoid(&object);
        }
        Ok(update)
    }

    /// Takes no number that `object` refers to, though there may be no such object.
    fn avoid(&mut self, object: &Object) {
        object.for_each_reference(&mut |id| {
            self.avoided.insert(id.0);
        });
    }

    pub(super) fn allocate(&mut self) -> Result<ObjectId, PdfError> {
        loop {
            let number = self.next;
            self.next = number
                .checked_add(1)
                .ok_or(PdfError::Limit { what: "the object number", limit: u64::from(u32::MAX) })?;
            if !self.avoided.contains(&number) {
                return Ok((number, 0));
            }
        }
    }

    pub(super) fn put(&mut self, id: ObjectId, object: Object) {
        self.objects.insert(id.0, (id.1, object));
    }

    pub(super) fn resolve(&self, object: &Object) -> Result<(Option<ObjectId>, Object), PdfError> {
        self.document.resolve(self.document.last(), object)
    }

    fn fill_field(
        &mut self,
        field: &Field,
        signature: ObjectId,
        looks: Option<&Drawing>,
    ) -> Result<(), PdfError> {
        let mut dictionary = field.dictionary.clone();
        dictionary.set("V", Object::Reference(signature));
        if let Some(drawing) = looks {
            match field.widgets.as_slice() {
                [] => self.show(&mut dictionary, drawing)?,
                [widget] => {
                    let Object::Dictionary(mut shown) = self.document.object(*widget)? else {
                        return Err(PdfError::damaged(0, "a signature field's widget is no dictionary"));
                    };
                    self.show(&mut shown, drawing)?;
                    self.put(*widget, Object::Dictionary(shown));
                }
                _ => {
                    let what = "it has several places on the pages, and a signature has one";
                    return Err(PdfError::Field { name: field.name.clone(), what });
                }
            }
        }
        self.put(field.id, Object::Dictionary(dictionary));
        self.extend_form(None, SIGNATURES_EXIST | APPEND_ONLY)
    }

    /// Gives a widget that is there already its looks.
    fn show(&mut self, widget: &mut Dictionary, drawing: &Drawing) -> Result<(), PdfError> {
        let flags = widget.integer("F").unwrap_or(0);
        widget.set("F", Object::Integer((flags | PRINT) & !UNSEEN));
        let looks = self.draw(drawing)?;
        widget.set("AP", looks);
        Ok(())
    }

    /// Adds the parts of a drawing. Gives the `/AP` for it: the normal appearance alone, as PDF/A asks.
    fn draw(&mut self, drawing: &Drawing) -> Result<Object, PdfError> {
        let ids = drawing.parts.iter().map(|_| self.allocate()).collect::<Result<Vec<_>, _>>()?;
        for (id, part) in drawing.numbered(&ids) {
            self.put(id, part.object);
            if let Some(data) = part.data {
                self.streams.insert(id.0, data);
            }
        }
        let mut looks = Dictionary::new();
        if let Some(first) = ids.first() {
            looks.set("N", Object::Reference(*first));
        }
        Ok(Object::Dictionary(looks))
    }

    /// Adds a stamp to its page, which may have got the signature's widget just now.
    fn add_stamp(&mut self, drawing: &Drawing) -> Result<(), PdfError> {
        let id = self.allocate()?;
        let mut stamp = Dictionary::new();
        stamp.set("Type", Object::name("Annot"));
        stamp.set("Subtype", Object::name("Stamp"));
        stamp.set("F", Object::Integer(PRINT_AND_LOCKED));
        stamp.set("Rect", rectangle(drawing));
        stamp.set("P", Object::Reference(drawing.page));
        let looks = self.draw(drawing)?;
        stamp.set("AP", looks);
        self.put(id, Object::Dictionary(stamp));
        self.annotate(drawing.page, drawing.page_dictionary(self.document)?, id)
    }

    /// Adds a signature field with nothing in it.
    pub(super) fn add_empty_field(
        &mut self,
        new: &NewField,
        (page_id, page): (ObjectId, Dictionary),
    ) -> Result<(), PdfError> {
        Object::Dictionary(page.clone()).for_each_reference(&mut |id| {
            self.avoided.insert(id.0);
        });
        let field = self.allocate()?;
        let mut widget = Dictionary::new();
        widget.set("Type", Object::name("Annot"));
        widget.set("Subtype", Object::name("Widget"));
        widget.set("FT", Object::name("Sig"));
        widget.set("T", Object::String(encode_text(&new.name)));
        widget.set("F", Object::Integer(PRINT_AND_LOCKED));
        let sides = new.rectangle.iter().map(|side| Object::number(*side));
        widget.set("Rect", Object::Array(sides.collect()));
        widget.set("P", Object::Reference(page_id));
        if let Some(lock) = &new.lock {
            widget.set("Lock", Object::Dictionary(lock.to_dictionary()));
        }
        self.put(field, Object::Dictionary(widget));
        self.annotate(page_id, page, field)?;
        self.extend_form(Some(field), SIGNATURES_EXIST)
    }

    fn add_field(&mut self, name: &str, signature: ObjectId, new: &NewSignature) -> Result<(), PdfError> {
        let looks = new.appearance.as_ref();
        let (page_id, page) = match looks {
            Some(drawing) => (drawing.page, drawing.page_dictionary(self.document)?),
            None => first_page(self.document)?,
        };
        let field = self.allocate()?;
        let mut widget = Dictionary::new();
        widget.set("Type", Object::name("Annot"));
        widget.set("Subtype", Object::name("Widget"));
        widget.set("FT", Object::name("Sig"));
        widget.set("T", Object::String(encode_text(name)));
        widget.set("V", Object::Reference(signature));
        widget.set("F", Object::Integer(PRINT_AND_LOCKED));
        match looks {
            Some(drawing) => {
                widget.set("Rect", rectangle(drawing));
                let looks = self.draw(drawing)?;
                widget.set("AP", looks);
            }
            None => widget.set("Rect", Object::Array(vec![Object::Integer(0); 4])),
        }
        widget.set("P", Object::Reference(page_id));
        if let Some(lock) = &new.lock {
            widget.set("Lock", Object::Dictionary(lock.to_dictionary()));
        }
        self.put(field, Object::Dictionary(widget));

        self.annotate(page_id, page, field)?;
        self.extend_form(Some(field), SIGNATURES_EXIST | APPEND_ONLY)
    }

    /// Adds an annotation to a page, whose dictionary is `page` unless this revision has it anew.
    fn annotate(&mut self, page_id: ObjectId, page: Dictionary, new: ObjectId) -> Result<(), PdfError> {
        let mut page = match self.objects.get(&page_id.0) {
            Some((_, Object::Dictionary(changed))) => changed.clone(),
            _ => page,
        };
        let annotations = page.get("Annots").cloned().unwrap_or_default();
        let (id, mut list) = match self.resolve(&annotations)? {
            (Some(id), found) => match self.objects.get(&id.0).map_or(&found, |(_, changed)| changed) {
                Object::Array(list) => (Some(id), list.clone()),
                Object::Null => (None, Vec::new()),
                _ => return Err(PdfError::damaged(0, "a page's /Annots is no array")),
            },
            (None, Object::Array(list)) => (None, list),
            (None, Object::Null) => (None, Vec::new()),
            _ => return Err(PdfError::damaged(0, "a page's /Annots is no array")),
        };
        list.push(Object::Reference(new));
        if let Some(id) = id {
            self.put(id, Object::Array(list));
        } else {
            page.set("Annots", Object::Array(list));
            self.put(page_id, Object::Dictionary(page));
        }
        Ok(())
    }

    /// Names the signature in the catalog as the one that certifies (ISO 32000-2 section 12.8.6).
    fn certify(&mut self, signature: ObjectId) -> Result<(), PdfError> {
        let (root, mut catalog) = self.catalog()?;
        let entry = catalog.get("Perms").cloned().unwrap_or_default();
        let (id, mut permissions) = match self.resolve(&entry)? {
            (id, Object::Dictionary(permissions)) => (id, permissions),
            (_, Object::Null) => (None, Dictionary::new()),
            _ => return Err(PdfError::damaged(0, "the catalog's /Perms is no dictionary")),
        };
        permissions.set("DocMDP", Object::Reference(signature));
        match id {
            Some(id) => self.put(id, Object::Dictionary(permissions)),
            None => {
                catalog.set("Perms", Object::Dictionary(permissions));
                self.put(root, Object::Dictionary(catalog));
            }
        }
        Ok(())
    }

    /// The catalog as this revision has it so far.
    fn catalog(&self) -> Result<(ObjectId, Dictionary), PdfError> {
        let (root, catalog) = self.document.catalog_at(self.document.last())?;
        Ok(match self.objects.get(&root.0) {
            Some((_, Object::Dictionary(changed))) => (root, changed.clone()),
            _ => (root, Arc::unwrap_or_clone(catalog)),
        })
    }

    /// Adds `field` to the form, if given, and sets `/SigFlags`.
    fn extend_form(&mut self, field: Option<ObjectId>, flags: i64) -> Result<(), PdfError> {
        let (root, mut catalog) = self.catalog()?;
        let entry = catalog.get("AcroForm").cloned().unwrap_or_default();
        let (id, mut form) = match self.resolve(&entry)? {
            (id, Object::Dictionary(form)) => (id, form),
            (_, Object::Null) => {
                let id = self.allocate()?;
                catalog.set("AcroForm", Object::Reference(id));
                self.put(root, Object::Dictionary(catalog.clone()));
                (Some(id), Dictionary::new())
            }
            _ => return Err(PdfError::damaged(0, "the catalog's /AcroForm is no dictionary")),
        };
        let before = form.clone();
        form.set("SigFlags", Object::Integer(form.integer("SigFlags").unwrap_or(0) | flags));
        if let Some(field) = field {
            let fields = form.get("Fields").cloned().unwrap_or_default();
            match self.resolve(&fields)? {
                (Some(list_id), Object::Array(mut list)) => {
                    list.push(Object::Reference(field));
                    self.put(list_id, Object::Array(list));
                }
                (None, Object::Array(mut list)) => {
                    list.push(Object::Reference(field));
                    form.set("Fields", Object::Array(list));
                }
                (_, Object::Null) => form.set("Fields", Object::Array(vec![Object::Reference(field)])),
                _ => return Err(PdfError::damaged(0, "the form's /Fields is no array")),
            }
        }
        if form == before {
            return Ok(());
        }
        match id {
            Some(id) => self.put(id, Object::Dictionary(form)),
            None => {
                catalog.set("AcroForm", Object::Dictionary(form));
                self.put(root, Object::Dictionary(catalog));
            }
        }
        Ok(())
    }

    /// The revision without a signature: the bytes to append.
    pub(super) fn finish_plain(mut self) -> Result<Vec<u8>, PdfError> {
        let mut tail = self.written()?;
        self.cross_reference(&mut tail)?;
        Ok(tail.bytes)
    }

    /// The objects of the revision, which are the first of its bytes.
    fn written(&mut self) -> Result<Tail, PdfError> {
        let base_len = self.document.source.len();
        let mut tail = Tail { base_len, bytes: Vec::new(), entries: Vec::new() };
        if base_len > 0
            && !matches!(self.document.source.read(base_len - 1..base_len)?.as_slice(), b"\n" | b"\r")
        {
            tail.bytes.push(b'\n');
        }
        let objects = std::mem::take(&mut self.objects);
        for (number, (generation, object)) in objects {
            tail.open((number, generation));
            let data = self.streams.get(&number).map(Vec::as_slice);
            self.document.write_sealed((number, generation), object, data, &mut tail.bytes)?;
            tail.bytes.extend_from_slice(b"\nendobj\n");
        }
        Ok(tail)
    }

    fn assemble(
        mut self,
        new: &NewSignature,
        references: Option<Object>,
        signature: ObjectId,
        field: String,
    ) -> Result<Increment, PdfError> {
        self.objects.remove(&signature.0);
        let mut tail = self.written()?;
        let base_len = tail.base_len;
        // Wide enough for the length of the whole file, whatever follows.
        let width = (base_len.saturating_add(u64::from(u32::MAX))).to_string().len();
        tail.open(signature);
        let seal = |dictionary| self.document.sealed(signature, dictionary);
        let numbers = tail.signature_dictionary(new, references, width, &seal)?;
        let digits = tail.contents(new.contents_len);
        self.cross_reference(&mut tail)?;

        let end = base_len + tail.bytes.len() as u64;
        let at = |index: usize| base_len + index as u64;
        let ranges = [0..at(digits.start - 1), at(digits.end + 1)..end];
        let values = [ranges[0].end, ranges[1].start, end - ranges[1].start];
        let text: String = values.iter().map(|value| format!(" {value:<width$}")).collect();
        tail.bytes
            .get_mut(numbers..numbers + text.len())
            .ok_or(PdfError::Limit { what: "the length of the file", limit: u64::MAX })?
            .copy_from_slice(text.as_bytes());
        Ok(Increment { base_len, tail: tail.bytes, ranges, field })
    }

    fn cross_reference(&mut self, tail: &mut Tail) -> Result<(), PdfError> {
        let last = self.document.revisions().last();
        let (kind, prev) = last.map_or((XrefKind::Table, 0), |last| (last.kind, last.xref_offset));
        let mut trailer = self.document.trailer().without(&NOT_CARRIED_OVER);
        trailer.set("Prev", Object::Integer(i64::try_from(prev).unwrap_or(i64::MAX)));
        if let Some(Object::Array(id)) = trailer.get("ID").cloned()
            && let [first @ Object::String(_), Object::String(second)] = id.as_slice()
        {
            // Drawn from what the revision is, so that the same work gives the same bytes.
            let seed = [second.as_slice(), &tail.base_len.to_be_bytes(), &tail.bytes].concat();
            let changed = Sha256::of(&seed).0.get(..16).map(<[u8]>::to_vec).unwrap_or_default();
            trailer.set("ID", Object::Array(vec![first.clone(), Object::String(changed)]));
        }
        let start = tail.offset();
        match kind {
            XrefKind::Table => tail.table(trailer, self.next)?,
            XrefKind::Stream => {
                let own = self.allocate()?;
                tail.stream(trailer, own, self.next);
            }
        }
        tail.bytes.extend_from_slice(format!("startxref\n{start}\n%%EOF\n").as_bytes());
        Ok(())
    }
}

/// The bytes of the increment as they grow.
struct Tail {
    base_len: u64,
    bytes: Vec<u8>,
    entries: Vec<(ObjectId, u64)>,
}

impl Tail {
    fn offset(&self) -> u64 {
        self.base_len + self.bytes.len() as u64
    }

    fn open(&mut self, id: ObjectId) {
        self.entries.push((id, self.offset()));
        self.bytes.extend_from_slice(format!("{} {} obj\n", id.0, id.1).as_bytes());
    }

    /// All of the signature dictionary but `/Contents`. Gives the place of the numbers in `/ByteRange`.
    fn signature_dictionary(
        &mut self,
        new: &NewSignature,
        references: Option<Object>,
        width: usize,
        seal: &dyn Fn(Object) -> Result<Object, PdfError>,
    ) -> Result<usize, PdfError> {
        let mut dictionary = Dictionary::new();
        dictionary.set("Filter", Object::name("Adobe.PPKLite"));
        dictionary.set("SubFilter", Object::name(new.sub_filter));
        let kind = match new.kind {
            SignatureKind::DocTimeStamp => "DocTimeStamp",
            SignatureKind::Signature => "Sig",
        };
        dictionary.set("Type", Object::name(kind));
        if new.kind == SignatureKind::Signature {
            if let Some(references) = references {
                dictionary.set("Reference", references);
            }
            let texts = [
                ("ContactInfo", &new.contact),
                ("Location", &new.location),
                ("Name", &new.signer_name),
                ("Reason", &new.reason),
            ];
            for (key, text) in texts {
                if let Some(text) = text {
                    dictionary.set(key, Object::String(encode_text(text)));
                }
            }
            if let Some(moment) = new.claimed_time {
                dictionary.set("M", Object::String(format_date(moment).into_bytes()));
            }
        }
        seal(Object::Dictionary(dictionary))?.write(&mut self.bytes);
        // Open again: what follows needs a known place.
        self.bytes.truncate(self.bytes.len() - b">>".len());
        self.bytes.extend_from_slice(b"\n/ByteRange [0");
        let numbers = self.bytes.len();
        self.bytes.extend(std::iter::repeat_n(b' ', 3 * (width + 1)));
        self.bytes.push(b']');
        Ok(numbers)
    }

    /// `/Contents`, and the end of the signature dictionary. Gives the place of the digits.
    fn contents(&mut self, len: usize) -> Range<usize> {
        self.bytes.extend_from_slice(b"\n/Contents <");
        let start = self.bytes.len();
        self.bytes.extend(std::iter::repeat_n(b'0', len * 2));
        let end = self.bytes.len();
        self.bytes.extend_from_slice(b">\n>>\nendobj\n");
        start..end
    }

    /// ISO 32000-2 section 7.5.4.
    fn table(&mut self, mut trailer: Dictionary, size: u32) -> Result<(), PdfError> {
        self.bytes.extend_from_slice(b"xref\n");
        for run in self.runs() {
            let first = run.first().map_or(0, |((number, _), _)| *number);
            self.bytes.extend_from_slice(format!("{first} {}\n", run.len()).as_bytes());
            for ((_, generation), offset) in run {
                if offset > 9_999_999_999 {
                    return Err(PdfError::Limit {
                        what: "the length of a file with a cross-reference table",
                        limit: 9_999_999_999,
                    });
                }
                self.bytes.extend_from_slice(format!("{offset:010} {generation:05} n\r\n").as_bytes());
            }
        }
        trailer.set("Size", Object::Integer(i64::from(size)));
        self.bytes.extend_from_slice(b"trailer\n");
        Object::Dictionary(trailer).write(&mut self.bytes);
        self.bytes.push(b'\n');
        Ok(())
    }

    /// ISO 32000-2 section 7.5.8. Not compressed: a few entries are not worth it.
    fn stream(&mut self, mut trailer: Dictionary, own: ObjectId, size: u32) {
        self.entries.push((own, self.offset()));
        let widest = self.offset();
        let width = (1..8).find(|width| widest < 1 << (8 * width)).unwrap_or(8_usize);
        let mut rows = Vec::new();
        let mut index = Vec::new();
        for run in self.runs() {
            let first = run.first().map_or(0, |((number, _), _)| *number);
            index.push(Object::Integer(i64::from(first)));
            index.push(Object::Integer(i64::try_from(run.len()).unwrap_or(i64::MAX)));
            for ((_, generation), offset) in run {
                rows.push(1);
                rows.extend_from_slice(offset.to_be_bytes().get(8 - width..).unwrap_or_default());
                rows.extend_from_slice(&generation.to_be_bytes());
            }
        }
        let integer = |value: usize| Object::Integer(i64::try_from(value).unwrap_or(i64::MAX));
        trailer.set("Type", Object::name("XRef"));
        trailer.set("Size", Object::Integer(i64::from(size)));
        trailer.set("W", Object::Array(vec![integer(1), integer(width), integer(2)]));
        trailer.set("Index", Object::Array(index));
        trailer.set("Length", integer(rows.len()));
        self.bytes.extend_from_slice(format!("{} {} obj\n", own.0, own.1).as_bytes());
        Object::Dictionary(trailer).write(&mut self.bytes);
        self.bytes.extend_from_slice(b"\nstream\n");
        self.bytes.extend_from_slice(&rows);
        self.bytes.extend_from_slice(b"\nendstream\nendobj\n");
    }

    /// The entries in order, in runs of numbers without a gap.
    fn runs(&self) -> Vec<Vec<(ObjectId, u64)>> {
        let mut entries = self.entries.clone();
        entries.sort_unstable();
        entries.chunk_by(|((one, _), _), ((two, _), _)| one + 1 == *two).map(<[_]>::to_vec).collect()
    }
}

/// The first page: down the first kids of the page tree (ISO 32000-2 section 7.7.3).
fn first_page(document: &Document) -> Result<(ObjectId, Dictionary), PdfError> {
    let none = || PdfError::damaged(0, "the page tree leads to no page");
    let catalog = document.catalog()?;
    let mut seen = HashSet::new();
    // A stack rather than recursion; the next node to look at is on top.
    let mut waiting: Vec<Object> = catalog.get("Pages").cloned().into_iter().collect();
    while let Some(node) = waiting.pop() {
        let (Some(id), Object::Dictionary(dictionary)) = document.resolve(document.last(), &node)? else {
            return Err(none());
        };
        if !seen.insert(id) {
            return Err(PdfError::damaged(0, "the page tree runs in a circle"));
        }
        let Some(kids) = dictionary.get("Kids") else {
            return if dictionary.is_type("Page") { Ok((id, dictionary)) } else { Err(none()) };
        };
        let (_, kids) = document.resolve(document.last(), kids)?;
        waiting.extend(kids.as_array().unwrap_or_default().iter().rev().cloned());
    }
    Err(none())
}

fn rectangle(drawing: &Drawing) -> Object {
    let area = drawing.area;
    Object::Array([area.left, area.bottom, area.right, area.top].map(Object::number).to_vec())
}

/// `D:20240131120000+07'00'`.
fn format_date(moment: UtcTime) -> String {
    let local = jiff::tz::offset(7).to_datetime(moment);
    let (year, month, day) = (local.year(), local.month(), local.day());
    let (hour, minute, second) = (local.hour(), local.minute(), local.second());
    format!("D:{year:04}{month:02}{day:02}{hour:02}{minute:02}{second:02}+07'00'")
}

/// ISO 32000-2 table 167: bits 3 and 8.
pub(super) const PRINT_AND_LOCKED: i64 = 132;

/// ISO 32000-2 table 167: bit 3.
const PRINT: i64 = 4;

/// ISO 32000-2 table 167: invisible, hidden, not viewed.
const UNSEEN: i64 = 0b10_0011;

/// ISO 32000-2 table 225: there is a signature field.
const SIGNATURES_EXIST: i64 = 1;

/// ISO 32000-2 table 225: what is not appended breaks a signature.
const APPEND_ONLY: i64 = 1 << 1;

/// What belongs to one cross-reference section alone.
pub(super) const NOT_CARRIED_OVER: [&str; 9] =
    ["DecodeParms", "Filter", "Index", "Length", "Prev", "Size", "Type", "W", "XRefStm"];
