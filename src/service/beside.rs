//! Which file a signature that lies apart is about, where several files are at hand: in a folder, or in one upload.
//!
//! A CMS signature does not tell what its document is called; people and programs write the name of the document and
//! `.p7s` behind it. An XML signature names its files. Names only say where to look: whether it is the file that was
//! signed, its digest says.

use std::{io, sync::Arc};

use crate::{
    base::{Limits, Source},
    validation::{Detached, FileKind, Inspection, Lacks},
};

/// The files that lie apart from the signatures that are about them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// All of these.
    All(Vec<String>),
    /// None: the file holds everything, or cannot be read.
    Nothing,
    /// One, under the first of these names that there is.
    One(Vec<String>),
}

impl Wanted {
    /// What the signatures in `source` are about and it does not hold. `name`: what it is called itself.
    ///
    /// # Errors
    ///
    /// Whatever the medium reports.
    pub fn of(name: &str, source: &Arc<dyn Source>, limits: &Limits) -> io::Result<Self> {
        match FileKind::of(&**source)? {
            FileKind::Cms | FileKind::Xml => {}
            _ => return Ok(Self::Nothing),
        }
        let Ok(inspection) = Inspection::open_any(Arc::clone(source), &[], limits) else {
            return Ok(Self::Nothing);
        };
        let custom = document_of(name).map(str::to_owned);
        Ok(match inspection.lacks() {
            Lacks::Nothing => Self::Nothing,
            Lacks::Unnamed => Self::One(custom.into_iter().collect()),
            // Of one alone the name does not matter to the judge: it may have been renamed together with its signature.
            Lacks::Named(names) if names.len() == 1 => Self::One(names.into_iter().chain(custom).collect()),
            Lacks::Named(names) => Self::All(names),
        })
    }

    /// Those of the files that `find` finds by their names.
    pub fn gather(&self, mut find: impl FnMut(&str) -> Option<Arc<dyn Source>>) -> Vec<Detached> {
        let mut found = |name: &String| Some(Detached { name: name.clone(), source: find(name)? });
        match self {
            Self::All(names) => names.iter().filter_map(found).collect(),
            Self::Nothing => Vec::new(),
            Self::One(names) => names.iter().find_map(&mut found).into_iter().collect(),
        }
    }
}

/// The name of the document that a signature file of this name is about, by the custom of putting an ending behind it.
pub fn document_of(signature: &str) -> Option<&str> {
    let (document, ending) = signature.rsplit_once('.')?;
    let known = ["p7s", "sig", "xml"].iter().any(|known| ending.eq_ignore_ascii_case(known));
    Some(document).filter(|document| known && !document.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_called_as_its_signature_without_the_ending() {
        for (signature, document) in [
            ("Quyết định.pdf.p7s", Some("Quyết định.pdf")),
            ("a.docx.P7S", Some("a.docx")),
            ("a.docx.xml", Some("a.docx")),
            ("a.p7s", Some("a")),
            (".p7s", None),
            ("a.pdf", None),
            ("p7s", None),
        ] {
            assert_eq!(document_of(signature), document, "{signature}");
        }
    }
}
