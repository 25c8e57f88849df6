//! Names for what no rule explains, so that a reader learns what was done.

use super::{
    super::{
        document::show,
        object::{Dictionary, Object, ObjectId},
    },
    ChangeKind,
    step::{Delta, MOST_SHOWN, Step},
};

impl Step<'_> {
    /// Tells every changed object that no rule explained, by kind.
    pub(super) fn name_the_rest(&mut self) {
        let rest: Vec<(ChangeKind, ObjectId)> = self
            .deltas
            .values()
            .filter(|delta| !self.explained.contains_key(&delta.id.0) && !self.is_told(delta.id))
            .map(|delta| (self.kind_of(delta), delta.id))
            .collect();
        let mut told = std::collections::BTreeMap::new();
        for (kind, id) in rest {
            let count: &mut usize = told.entry(kind).or_default();
            *count += 1;
            // Words for the first few, numbers for all.
            let words = self.delta(id).filter(|_| *count <= MOST_SHOWN).map(describe);
            self.other(kind, vec![id], words.unwrap_or_default());
        }
    }

    fn kind_of(&self, delta: &Delta) -> ChangeKind {
        let mut kinds = [Some(&delta.after), delta.before.as_ref()].into_iter().flatten();
        if let Some(kind) = kinds.find_map(kind_by_value) {
            return kind;
        }
        let used_as = |keys: &[&str]| keys.iter().any(|key| self.uses.is_used_as(delta.id.0, key));
        if used_as(&["A", "AA", "JavaScript", "JS", "Next", "OpenAction", "URI"]) {
            ChangeKind::Action
        } else if used_as(&["AF", "EF", "EmbeddedFiles", "F", "UF"]) {
            ChangeKind::EmbeddedFile
        } else if used_as(&["Kids"]) && self.uses.is_used_as(delta.id.0, "Pages") {
            ChangeKind::PageSet
        } else if used_as(&[
            "Contents",
            "ExtGState",
            "Font",
            "FontDescriptor",
            "Resources",
            "SMask",
            "XObject",
        ]) {
            ChangeKind::PageContent
        } else if used_as(&["Annots", "AP"]) {
            ChangeKind::Annotation
        } else if used_as(&["Fields", "Parent"]) {
            ChangeKind::FormFill
        } else if used_as(&["ParentTree", "StructTreeRoot"]) {
            ChangeKind::StructureTree
        } else if used_as(&["Metadata", "Info"]) {
            ChangeKind::Metadata
        } else if used_as(&[
            "AcroForm",
            "Dests",
            "Names",
            "OCProperties",
            "Outlines",
            "PageLabels",
            "ViewerPreferences",
        ]) {
            ChangeKind::CatalogEntry
        } else {
            ChangeKind::Unexplained
        }
    }
}

fn kind_by_value(object: &Object) -> Option<ChangeKind> {
    let dictionary = object.as_dictionary()?;
    let has = |key: &str| dictionary.get(key).is_some();
    if has("JS") || dictionary.name("S").is_some_and(|name| ACTIONS.contains(&name)) {
        return Some(ChangeKind::Action);
    }
    match (dictionary.name("Type"), dictionary.name("Subtype")) {
        (Some(b"Action"), _) => Some(ChangeKind::Action),
        (Some(b"EmbeddedFile" | b"Filespec" | b"F"), _) => Some(ChangeKind::EmbeddedFile),
        (Some(b"Catalog"), _) => Some(ChangeKind::CatalogEntry),
        (Some(b"Pages"), _) => Some(ChangeKind::PageSet),
        (Some(b"Page" | b"Font" | b"FontDescriptor" | b"XObject" | b"ExtGState" | b"OCG"), _) => {
            Some(ChangeKind::PageContent)
        }
        (Some(b"Metadata"), _) => Some(ChangeKind::Metadata),
        (Some(b"StructElem" | b"StructTreeRoot"), _) => Some(ChangeKind::StructureTree),
        (Some(b"Sig" | b"DocTimeStamp"), _) => Some(ChangeKind::Signature),
        (_, Some(b"Widget")) => Some(ChangeKind::FormFill),
        (Some(b"Annot"), _) => Some(ChangeKind::Annotation),
        (_, Some(b"Form" | b"Image")) => Some(ChangeKind::PageContent),
        _ if has("FT") => Some(ChangeKind::FormFill),
        _ if has("Rect") && has("Subtype") => Some(ChangeKind::Annotation),
        _ if has("EF") => Some(ChangeKind::EmbeddedFile),
        _ => None,
    }
}

/// The kind of a changed entry of the catalog. `key` as shown, with its solidus.
pub(super) fn catalog_kind(
    step: &Step<'_>,
    key: &str,
    before: &Dictionary,
    after: &Dictionary,
) -> ChangeKind {
    match key {
        "/AA" | "/OpenAction" => ChangeKind::Action,
        "/AF" | "/Collection" => ChangeKind::EmbeddedFile,
        "/MarkInfo" | "/StructTreeRoot" => ChangeKind::StructureTree,
        "/OCProperties" => ChangeKind::PageContent,
        "/Pages" => ChangeKind::PageSet,
        "/Names" => {
            let names = |catalog: &Dictionary, revision| {
                let names = step.document.resolve(revision, catalog.get("Names")?).ok()?.1;
                names.as_dictionary().cloned()
            };
            let (before, after) = (names(before, step.before), names(after, step.after));
            let differs = |key: &str| {
                let value =
                    |names: &Option<Dictionary>| names.as_ref().and_then(|names| names.get(key).cloned());
                value(&before) != value(&after)
            };
            if differs("JavaScript") {
                ChangeKind::Action
            } else if differs("EmbeddedFiles") {
                ChangeKind::EmbeddedFile
            } else {
                ChangeKind::CatalogEntry
            }
        }
        _ => ChangeKind::CatalogEntry,
    }
}

/// The kind of a changed entry of a page.
pub(super) fn page_kind(key: &str) -> ChangeKind {
    match key {
        "/AA" => ChangeKind::Action,
        "/AF" => ChangeKind::EmbeddedFile,
        "/Metadata" | "/PieceInfo" => ChangeKind::Metadata,
        "/Parent" | "/Type" => ChangeKind::PageSet,
        "/StructParents" => ChangeKind::StructureTree,
        _ => ChangeKind::PageContent,
    }
}

/// An unexplained change in words.
fn describe(delta: &Delta) -> String {
    let kind = |object: &Object| {
        let of_type = object.as_dictionary().and_then(|dictionary| dictionary.name("Type"));
        match (object, of_type) {
            (_, Some(name)) => format!("/{} object", String::from_utf8_lossy(name)),
            (Object::Stream(_), None) => "stream".to_owned(),
            (Object::Dictionary(_), None) => "dictionary".to_owned(),
            (Object::Array(_), None) => "array".to_owned(),
            _ => "object".to_owned(),
        }
    };
    match &delta.before {
        None => format!("adds the {} {}", kind(&delta.after), show(delta.id)),
        Some(before) => format!("changes the {} {}", kind(before), show(delta.id)),
    }
}

/// `/S` of actions that do something (ISO 32000-2 table 201); some names have other uses and are left out.
const ACTIONS: [&[u8]; 14] = [
    b"GoTo3DView",
    b"GoToE",
    b"GoToR",
    b"Hide",
    b"ImportData",
    b"JavaScript",
    b"Launch",
    b"Named",
    b"Rendition",
    b"ResetForm",
    b"RichMediaExecute",
    b"SetOCGState",
    b"SubmitForm",
    b"URI",
];
