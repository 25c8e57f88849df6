//! What the rules of the file leave to whoever draws in it: PDF/A-1 to -4 (ISO 19005).

use crate::pdf::{Dictionary, Document, Object, PdfError};

/// What may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rules {
    /// The part of ISO 19005 that the file claims to keep.
    pub(super) part: Option<u8>,
    /// Whether half transparency (`/SMask`) may be used.
    pub(super) soft: bool,
}

impl Rules {
    pub(super) fn of(document: &Document) -> Result<Self, PdfError> {
        let catalog = document.catalog()?;
        let part = claimed_part(document, &catalog)?;
        let soft = match part {
            // Transparency came with PDF 1.4 (section 11 of ISO 32000-2).
            None => document.version() >= "1.4",
            // ISO 19005-1 section 6.4.
            Some(1) => false,
            // ISO 19005-2 section 6.2.10: without an output intent the page would have to say its blending space.
            Some(_) => has_intent(document, &catalog)?,
        };
        Ok(Self { part, soft })
    }

    /// Whether colours have to say what they look like: in PDF/A without asking which output the file intends.
    pub(super) fn calibrated(self) -> bool {
        self.part.is_some()
    }

    /// ISO 19005-1 section 6.3.5; later parts do not ask for it.
    pub(super) fn cid_set(self) -> bool {
        self.part == Some(1)
    }

    /// A colour space of red, green and blue.
    pub(super) fn colours(self) -> Object {
        if !self.calibrated() {
            return Object::name("DeviceRGB");
        }
        let mut space = white_point();
        space.set("Gamma", numbers(&[2.2, 2.2, 2.2]));
        // Primaries of IEC 61966-2-1 (sRGB), adapted to nothing: D65.
        space.set(
            "Matrix",
            numbers(&[0.4124, 0.2126, 0.0193, 0.3576, 0.7152, 0.1192, 0.1805, 0.0722, 0.9505]),
        );
        Object::Array(vec![Object::name("CalRGB"), Object::Dictionary(space)])
    }

    /// A colour space of grey.
    pub(super) fn greys(self) -> Object {
        if !self.calibrated() {
            return Object::name("DeviceGray");
        }
        let mut space = white_point();
        space.set("Gamma", Object::number(2.2));
        Object::Array(vec![Object::name("CalGray"), Object::Dictionary(space)])
    }
}

fn white_point() -> Dictionary {
    let mut space = Dictionary::new();
    space.set("WhitePoint", numbers(&[0.9505, 1.0, 1.089]));
    space
}

fn numbers(values: &[f64]) -> Object {
    Object::Array(values.iter().copied().map(Object::number).collect())
}

/// What `pdfaid:part` in the document's XMP says (ISO 19005-1 section 6.7.11).
fn claimed_part(document: &Document, catalog: &Dictionary) -> Result<Option<u8>, PdfError> {
    let Some(Object::Reference(id)) = catalog.get("Metadata") else { return Ok(None) };
    let Object::Stream(stream) = document.object(*id)? else { return Ok(None) };
    // A file whose metadata cannot be read keeps no rules that we could break.
    Ok(document.decode(&stream, LONGEST_METADATA).ok().and_then(|bytes| part_in(&bytes)))
}

fn part_in(metadata: &[u8]) -> Option<u8> {
    const MARK: &[u8] = b"pdfaid:part";
    let at = metadata.windows(MARK.len()).position(|window| window == MARK)?;
    let rest = metadata.get(at + MARK.len()..)?;
    let digit = rest.iter().take(8).find(|byte| !b" \t\r\n=>'\"".contains(byte))?;
    char::from(*digit).to_digit(10).and_then(|part| u8::try_from(part).ok()).filter(|part| *part > 0)
}

fn has_intent(document: &Document, catalog: &Dictionary) -> Result<bool, PdfError> {
    let resolve = |object: &Object| match object {
        Object::Reference(id) => document.object(*id),
        other => Ok(other.clone()),
    };
    let Some(intents) = catalog.get("OutputIntents") else { return Ok(false) };
    for intent in resolve(intents)?.as_array().unwrap_or_default() {
        if resolve(intent)?.as_dictionary().is_some_and(|intent| intent.get("DestOutputProfile").is_some()) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// In bytes.
const LONGEST_METADATA: usize = 4 * 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_claim_is_found_as_element_and_as_attribute() {
        assert_eq!(part_in(b"<pdfaid:part>2</pdfaid:part>"), Some(2));
        assert_eq!(part_in(b"<rdf:Description pdfaid:part = \"1\" pdfaid:conformance='B'/>"), Some(1));
        assert_eq!(part_in(b"<pdfaid:part/>"), None);
        assert_eq!(part_in(b""), None);
    }

    #[test]
    fn pdf_a_gets_colours_that_say_what_they_look_like() {
        let plain = Rules { part: None, soft: true };
        assert_eq!(plain.colours(), Object::name("DeviceRGB"));
        let first = Rules { part: Some(1), soft: false };
        assert!(matches!(&first.colours(), Object::Array(space) if space[0] == Object::name("CalRGB")));
        assert!(matches!(&first.greys(), Object::Array(space) if space[0] == Object::name("CalGray")));
        assert!(first.cid_set() && !Rules { part: Some(2), soft: true }.cid_set());
    }
}
