//! Where in a file's bytes something can be written without touching anything else.

use quick_xml::{Reader, events::Event};

use super::{Document, Element, XmlError};

/// The places in a file where its elements end.
#[derive(Clone, Debug)]
pub struct Places {
    /// For each element, in document order.
    ends: Vec<End>,
}

#[derive(Clone, Debug)]
enum End {
    /// Where `</` begins, in bytes.
    Tag(usize),
    /// `<name …/>`: where `/>` begins, and the name as written.
    Empty { at: usize, name: String },
}

impl Places {
    /// Of the file that `document` was read from. `None` when it is another one.
    ///
    /// # Errors
    ///
    /// When the file cannot be cut into pieces, which [`Document::parse`] has excluded.
    pub fn of(bytes: &[u8], document: &Document) -> Result<Option<Self>, XmlError> {
        let malformed = |reason: String| XmlError::Malformed { line: 1, reason };
        let body = bytes.strip_prefix(BOM).unwrap_or(bytes);
        let shift = bytes.len() - body.len();
        let mut reader = Reader::from_reader(body);
        let config = reader.config_mut();
        config.check_end_names = false;
        config.allow_unmatched_ends = true;
        config.check_comments = false;
        config.expand_empty_elements = false;
        let mut ends: Vec<Option<End>> = Vec::new();
        let mut open: Vec<usize> = Vec::new();
        loop {
            let from = position(&reader);
            let event = reader.read_event().map_err(|error| malformed(error.to_string()))?;
            match event {
                Event::Start(_) => {
                    open.push(ends.len());
                    ends.push(None);
                }
                Event::Empty(tag) => {
                    let name = AsRef::<str>::as_ref(&tag.name()).to_owned();
                    ends.push(Some(End::Empty { at: shift + position(&reader).saturating_sub(2), name }));
                }
                Event::End(_) => {
                    if let Some(end) = open.pop().and_then(|at| ends.get_mut(at)) {
                        *end = Some(End::Tag(shift + from));
                    }
                }
                Event::Eof => break,
                _ => {}
            }
        }
        let ends: Option<Vec<End>> = ends.into_iter().collect();
        Ok(ends.filter(|ends| ends.len() == document.elements().count()).map(|ends| Self { ends }))
    }

    /// The file with `text` as the last thing inside `element`.
    pub fn append(&self, bytes: &[u8], element: Element<'_>, text: &str) -> Option<Vec<u8>> {
        let ordinal = element.document().elements().position(|other| other == element)?;
        let mut out = Vec::with_capacity(bytes.len() + text.len() + 64);
        match self.ends.get(ordinal)? {
            End::Tag(at) => {
                let (before, after) = bytes.split_at_checked(*at)?;
                out.extend_from_slice(before);
                out.extend_from_slice(text.as_bytes());
                out.extend_from_slice(after);
            }
            End::Empty { at, name } => {
                let (before, after) = bytes.split_at_checked(*at)?;
                out.extend_from_slice(before);
                out.extend_from_slice(b">");
                out.extend_from_slice(text.as_bytes());
                out.extend_from_slice(format!("</{name}>").as_bytes());
                out.extend_from_slice(after.get(2..)?);
            }
        }
        Some(out)
    }
}

fn position(reader: &Reader<&[u8]>) -> usize {
    usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX)
}

const BOM: &[u8] = "\u{FEFF}".as_bytes();

#[cfg(test)]
mod tests {
    use super::*;
    use crate::xml::XmlLimits;

    fn appended(text: &str, id: &str) -> String {
        let document = Document::parse(text.as_bytes(), &XmlLimits::default()).unwrap();
        let places = Places::of(text.as_bytes(), &document).unwrap().unwrap();
        let element = document.identified(id).next().unwrap();
        String::from_utf8(places.append(text.as_bytes(), element, "<new/>").unwrap()).unwrap()
    }

    #[test]
    fn text_is_put_last_into_an_element_and_nothing_else_changes() {
        for (before, after) in [
            ("<a Id='x'/>", "<a Id='x'><new/></a>"),
            ("<a Id='x' />", "<a Id='x' ><new/></a>"),
            ("<a Id='x'></a >", "<a Id='x'><new/></a >"),
            (
                "\u{FEFF}<?xml version='1.0'?>\r\n<a Id='x'>ế\r\n</a>",
                "\u{FEFF}<?xml version='1.0'?>\r\n<a Id='x'>ế\r\n<new/></a>",
            ),
            (
                "<a Id='x'><b/>t<!-- </a> --></a>\n<!-- </a> -->",
                "<a Id='x'><b/>t<!-- </a> --><new/></a>\n<!-- </a> -->",
            ),
            (
                "<a><b><c/></b><p:b xmlns:p='urn:p' Id='x'/><b/></a>",
                "<a><b><c/></b><p:b xmlns:p='urn:p' Id='x'><new/></p:b><b/></a>",
            ),
            ("<a><b Id='x'>&lt;<![CDATA[</b>]]></b></a>", "<a><b Id='x'>&lt;<![CDATA[</b>]]><new/></b></a>"),
        ] {
            assert_eq!(appended(before, "x"), after);
        }
    }
}
