//! Something new to be seen on a page: the place, and the objects that draw it.

use super::{
    Document, PdfError,
    area::Area,
    object::{Dictionary, Object, ObjectId, Stream},
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

impl Document {
    /// Whether the object `first` and all that hangs from it are these parts, the first one of them and all others, byte
    /// by byte as they would be written here.
    ///
    /// # Errors
    ///
    /// When an object cannot be read.
    pub fn is_drawn(&self, first: ObjectId, parts: &[Part]) -> Result<bool, PdfError> {
        let mut pairs = Pairs { ids: vec![None; parts.len()], waiting: Vec::new() };
        if !pairs.bind((0, 0), first) {
            return Ok(false);
        }
        while let Some((at, id)) = pairs.waiting.pop() {
            let Some(part) = parts.get(at) else { return Ok(false) };
            let same = match (self.object(id)?, &part.data) {
                (Object::Stream(stream), Some(data)) => {
                    let dictionary = Object::Dictionary(stream.dictionary.without(&["Length"]));
                    // As stored, but for the file's own encryption.
                    let plain = Stream {
                        dictionary: stream.dictionary.without(&["DecodeParms", "Filter"]),
                        ..stream.clone()
                    };
                    pairs.same(&part.object, &dictionary)
                        && match self.decode(&plain, data.len()) {
                            Ok(stored) => stored == *data,
                            Err(PdfError::Limit { .. }) => false,
                            Err(error) => return Err(error),
                        }
                }
                (Object::Stream(_), None) | (_, Some(_)) => false,
                (object, None) => pairs.same(&part.object, &object),
            };
            if !same {
                return Ok(false);
            }
        }
        Ok(pairs.ids.iter().all(Option::is_some))
    }
}

/// Which part of a list is which object of the file, as far as that came out.
struct Pairs {
    ids: Vec<Option<ObjectId>>,
    /// Pairs whose content was not compared yet.
    waiting: Vec<(usize, ObjectId)>,
}

impl Pairs {
    /// Whether a part is this object, as far as is known; then it is no other.
    fn bind(&mut self, local: ObjectId, id: ObjectId) -> bool {
        let Some((at, known)) =
            usize::try_from(local.0).ok().and_then(|at| Some((at, self.ids.get_mut(at)?)))
        else {
            return false;
        };
        match known {
            Some(known) => *known == id,
            None => {
                *known = Some(id);
                self.waiting.push((at, id));
                true
            }
        }
    }

    /// Whether an object of the file is this one of a part. Parts are made here: none is deep.
    fn same(&mut self, part: &Object, object: &Object) -> bool {
        match (part, object) {
            (Object::Reference(local), Object::Reference(id)) => self.bind(*local, *id),
            (Object::Reference(_), _) | (_, Object::Reference(_)) => false,
            (Object::Array(part), Object::Array(object)) => {
                part.len() == object.len()
                    && part.iter().zip(object).all(|(part, object)| self.same(part, object))
            }
            (Object::Dictionary(part), Object::Dictionary(object)) => {
                part.iter().count() == object.iter().count()
                    && part
                        .iter()
                        .zip(object.iter())
                        .all(|((key, part), (other, object))| key == other && self.same(part, object))
            }
            (part, object) => part == object,
        }
    }
}

/// Object 0 is never in use (ISO 32000-2 section 7.5.4).
const NOTHING: ObjectId = (0, 0);
