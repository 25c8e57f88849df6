//! Signature fields of the form, signed or waiting (ISO 32000-2 section 12.7.5.5).

use std::collections::HashMap;

use super::{
    Document, PdfError, Use,
    mdp::Standing,
    object::{Dictionary, Object, ObjectId},
    seed::SeedValue,
    signable::demand_signable,
    signature::{Field, FieldLock},
    write::{Update, check_new_name},
};

/// A place for a signature: a signature field of the form.
#[derive(Clone, Debug, PartialEq)]
pub struct SignatureSlot {
    /// The fully qualified name.
    pub name: String,
    /// The field.
    pub field: ObjectId,
    /// Whether there is a signature in it.
    pub signed: bool,
    /// Its `/Lock`: what a signature in it locks.
    pub lock: Option<FieldLock>,
    /// Its `/SV`: what its author asks of a signature in it.
    pub seed: Option<SeedValue>,
    /// Where it is seen, from 1; `None` when no page shows it.
    pub page: Option<usize>,
    /// `/Rect` of its first widget, in points: left, bottom, right, top as written.
    pub rectangle: Option<[f64; 4]>,
}

/// An empty signature field to be added.
#[derive(Clone, Debug, Default)]
pub struct NewField {
    /// Its name, which no other field has: 1 to 127 bytes without a full stop.
    pub name: String,
    /// The page that shows it, from 1.
    pub page: usize,
    /// Where, in points from the lower left corner of the page's own coordinates: left, bottom, right, top. All zeros
    /// for an invisible field.
    pub rectangle: [f64; 4],
    /// What a signature in it locks.
    pub lock: Option<FieldLock>,
}

impl Document {
    /// The signature fields of the last revision, in the form's order.
    ///
    /// # Errors
    ///
    /// When the form or the page tree cannot be read.
    pub fn signature_slots(&self) -> Result<Vec<SignatureSlot>, PdfError> {
        let fields = self.fields_at(self.last())?;
        let fields: Vec<Field> =
            fields.into_iter().filter(|field| field.kind.as_deref() == Some(b"Sig")).collect();
        if fields.is_empty() {
            return Ok(Vec::new());
        }
        let shown = self.shown()?;
        fields.iter().map(|field| self.slot(field, &shown)).collect()
    }

    /// On which pages each annotation is, in order.
    fn shown(&self) -> Result<HashMap<ObjectId, Vec<Shown>>, PdfError> {
        let mut shown: HashMap<ObjectId, Vec<Shown>> = HashMap::new();
        let mut left = self.limits.objects;
        for (index, page) in self.pages()?.into_iter().enumerate() {
            let annotations = page.dictionary.get("Annots").unwrap_or(&Object::Null);
            let (_, list) = self.resolve(self.last(), annotations)?;
            let list = list.as_array().unwrap_or_default();
            // Many pages may share one long list.
            let rest = left.checked_sub(list.len());
            left = rest.ok_or(PdfError::limit("the number of annotations", self.limits.objects))?;
            for id in list.iter().filter_map(Object::as_reference) {
                shown.entry(id).or_default().push((page.id, index + 1));
            }
        }
        Ok(shown)
    }

    fn slot(&self, field: &Field, shown: &HashMap<ObjectId, Vec<Shown>>) -> Result<SignatureSlot, PdfError> {
        let revision = self.last();
        let value = field.value.as_ref().map(|(_, value)| self.resolve(revision, value)).transpose()?;
        let (widget_id, widget) = match field.widgets.first() {
            Some(id) => match self.object_at(revision, *id)? {
                Object::Dictionary(widget) => (*id, widget),
                _ => (*id, Dictionary::new()),
            },
            None => (field.id, field.dictionary.clone()),
        };
        let (on, named) =
            (shown.get(&widget_id).map(Vec::as_slice).unwrap_or_default(), widget.reference("P"));
        // The page that the widget names, if that shows it; otherwise the first one that does.
        let page = on.iter().find(|(page, _)| Some(*page) == named).or(on.first());
        let rectangle = widget.get("Rect").map(|sides| self.resolve(revision, sides)).transpose()?;
        let rectangle = rectangle.and_then(|(_, sides)| {
            let sides: Option<Vec<f64>> = sides.as_array()?.iter().map(Object::as_number).collect();
            sides?.try_into().ok()
        });
        Ok(SignatureSlot {
            name: field.name.clone(),
            field: field.id,
            signed: value.is_some_and(|(_, value)| value != Object::Null),
            lock: self.field_lock(&field.name, &field.dictionary)?,
            seed: self.seed_value_of(&field.dictionary)?,
            page: page.map(|(_, number)| *number),
            rectangle,
        })
    }
}

/// A page and its number, from 1.
type Shown = (ObjectId, usize);

/// Writes the revision that adds an empty signature field: the bytes to append.
///
/// # Errors
///
/// [`PdfError::Signed`] when there is a signature already, which a new field would break; [`PdfError::Field`] when the
/// name is taken or cannot be one; [`PdfError::NoPage`] when there is no such page; [`PdfError::Damaged`] as with
/// [`super::prepare_signature`].
pub fn add_signature_field(document: &Document, new: &NewField) -> Result<Vec<u8>, PdfError> {
    demand_signable(document, Use::AddSignatureField)?;
    let standing = Standing::of(document)?;
    if standing.signatures > 0 {
        return Err(PdfError::Signed { signatures: standing.signatures });
    }
    check_new_name(&document.fields_at(document.last())?, &new.name)?;
    let pages = document.pages()?;
    let page = new.page.checked_sub(1).and_then(|index| pages.get(index));
    let page = page.map(|page| (page.id, page.dictionary.clone()));
    let page = page.ok_or(PdfError::NoPage { page: new.page, pages: pages.len() })?;
    let mut update = Update::new(document)?;
    update.add_empty_field(new, page)?;
    update.finish_plain()
}
