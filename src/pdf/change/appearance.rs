//! Appearances that show text and nothing else.

use super::super::{
    Document, PdfError,
    lexer::Lexer,
    object::{Dictionary, Object, Stream},
};
use super::step::only_keys;

/// Whether a form XObject (ISO 32000-2 section 8.10) shows text, lines and plain areas only; if not, why.
///
/// Pictures, shadings, patterns and other XObjects are left out: what a person types into a field needs none.
pub(super) fn only_text(
    document: &Document,
    revision: usize,
    stream: &Stream,
) -> Result<Result<(), &'static str>, PdfError> {
    if !only_keys(&stream.dictionary, &[&FORM_KEYS]) {
        return Ok(Err("has more than an appearance needs"));
    }
    if stream.dictionary.name("Subtype").is_some_and(|subtype| subtype != b"Form") {
        return Ok(Err("is no form"));
    }
    let resources = stream.dictionary.get("Resources").unwrap_or(&Object::Null);
    let (_, resources) = document.resolve(revision, resources)?;
    let none = Dictionary::new();
    let resources = match &resources {
        Object::Null => &none,
        Object::Dictionary(resources) => resources,
        _ => return Ok(Err("has broken resources")),
    };
    for (key, value) in resources.iter().filter(|(key, _)| !matches!(*key, b"Font" | b"ProcSet")) {
        let (_, value) = document.resolve(revision, value)?;
        let empty = value.as_dictionary().is_some_and(|value| value.iter().next().is_none());
        if !empty && key != b"Encoding" {
            return Ok(Err("brings more than fonts"));
        }
    }
    let content = match document.decode(stream, LONGEST_CONTENT) {
        Ok(content) => content,
        Err(PdfError::Io(error)) => return Err(PdfError::Io(error)),
        Err(_) => return Ok(Err("cannot be read")),
    };
    document.limits.spend(content.len())?;
    let mut lexer = Lexer::new(&content, 0, true, document.limits.depth);
    loop {
        match lexer.operator() {
            Ok(None) => return Ok(Ok(())),
            Ok(Some(operator)) if OPERATORS.contains(&operator) => {}
            Ok(Some(_)) => return Ok(Err("draws more than text")),
            Err(_) => return Ok(Err("cannot be read")),
        }
    }
}

/// Keys of a form XObject; none leads to other files, layers or actions.
const FORM_KEYS: [&str; 13] = [
    "BBox",
    "DecodeParms",
    "Filter",
    "FormType",
    "LastModified",
    "Length",
    "Matrix",
    "Name",
    "Resources",
    "StructParent",
    "StructParents",
    "Subtype",
    "Type",
];

/// ISO 32000-2 annex A without XObjects, inline images, shadings, patterns, graphics states and colour spaces.
const OPERATORS: [&[u8]; 57] = [
    b"\"", b"'", b"B", b"B*", b"BDC", b"BMC", b"BT", b"BX", b"EMC", b"ET", b"EX", b"G", b"J", b"K", b"M",
    b"RG", b"S", b"T*", b"TD", b"TJ", b"TL", b"Tc", b"Td", b"Tf", b"Tj", b"Tm", b"Tr", b"Ts", b"Tw", b"Tz",
    b"W", b"W*", b"b", b"b*", b"c", b"cm", b"d", b"f", b"f*", b"g", b"h", b"i", b"j", b"k", b"l", b"m", b"n",
    b"q", b"Q", b"re", b"rg", b"ri", b"s", b"v", b"w", b"y", b"MP",
];

/// In bytes, decoded. A field's text is far shorter.
const LONGEST_CONTENT: usize = 1024 * 1024;
