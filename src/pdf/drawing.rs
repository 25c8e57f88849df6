//! Something new to be seen on a page: the place, and the objects that draw it.

use super::{
    Document, PdfError,
    area::Area,
    object::{Dictionary, Object, ObjectId},
};

/// An annotation's place on a page and its appearance stream (ISO 32000-2 section 12.5.5).
#[derive(Clone, Debug, Default)]
pub struct Drawing {
    /// The page object.
    pub page: ObjectId,
    /// `/Rect`, in the page's user coordinates.
    pub area: Area,
    /// The appearance stream (a form XObject), then what it refers to. A reference `n 0 R` in them means part `n` of
    /// this list, from 0 on; nothing in them refers to an object of the file.
    pub parts: Vec<Part>,
}

/// One new object.
#[derive(Clone, Debug)]
pub struct Part {
    /// The object; of a stream, its dictionary without `/Length`.
    pub object: Object,
    /// The data of a stream, as stored.
    pub data: Option<Vec<u8>>,
}

impl Part {
    /// A stream, as stored.
    pub fn stream(dictionary: Dictionary, data: Vec<u8>) -> Self {
        Self { object: Object::Dictionary(dictionary), data: Some(data) }
    }
}

impl Drawing {
    /// The parts under the numbers `ids`, one for each; references beyond the list become `null`'s.
    pub(super) fn numbered(&self, ids: &[ObjectId]) -> Vec<(ObjectId, Part)> {
        let change = |local: ObjectId| {
            usize::try_from(local.0).ok().and_then(|at| ids.get(at)).copied().unwrap_or(NOTHING)
        };
        let number = |(id, part): (&ObjectId, &Part)| {
            let mut object = part.object.with_references(&change);
            if let (Object::Dictionary(dictionary), Some(data)) = (&mut object, &part.data) {
                dictionary.set("Length", Object::Integer(i64::try_from(data.len()).unwrap_or(i64::MAX)));
            }
            (*id, Part { object, data: part.data.clone() })
        };
        ids.iter().zip(&self.parts).map(number).collect()
    }

    /// The page's dictionary; an error when it is no page.
    pub(super) fn page_dictionary(&self, document: &Document) -> Result<Dictionary, PdfError> {
        match document.object(self.page)? {
            Object::Dictionary(page) if page.is_type("Page") => Ok(page),
            _ => Err(PdfError::damaged(0, "the page to be drawn on is no page")),
        }
    }
}

/// Object 0 is never in use (ISO 32000-2 section 7.5.4).
const NOTHING: ObjectId = (0, 0);
