//! Hybrid files: a classic table, and a stream that it names with `/XRefStm` (ISO 32000-2 section 7.5.8.4).
//!
//! A program that knows no cross-reference streams does not see what only the stream lists. That is one document for
//! both as long as what is hidden is left aside by what shows and fills pages. Of all that a catalog leads to, this is
//! the structure tree alone, and it is what the programs that write such files hide.

use std::collections::HashSet;

use super::{
    Document, PdfError,
    object::{Dictionary, Object, ObjectId},
};

/// Refuses a file whose pages, form, or anything else but the structure tree, lead to one of the `hidden` objects.
pub(super) fn demand_one_document(document: &Document, hidden: &HashSet<u32>) -> Result<(), PdfError> {
    if hidden.is_empty() {
        return Ok(());
    }
    let (root, catalog) = document.catalog_at(document.last())?;
    let mut seen = HashSet::from([root]);
    let mut waiting = Vec::new();
    look(&Object::Dictionary(document.trailer().without(&["Encrypt"])), hidden, &mut waiting)?;
    look(&Object::Dictionary(catalog.without(&["StructTreeRoot"])), hidden, &mut waiting)?;
    // What the tree's root leads to is not followed, wherever else it is named.
    seen.extend(catalog.reference("StructTreeRoot"));
    while let Some(id) = waiting.pop() {
        if !seen.insert(id) {
            continue;
        }
        let object = document.object(id)?;
        if object.as_dictionary().is_some_and(is_structure) {
            continue;
        }
        look(&object, hidden, &mut waiting)?;
    }
    Ok(())
}

/// Notes where `object` leads; an error when that is hidden.
fn look(object: &Object, hidden: &HashSet<u32>, waiting: &mut Vec<ObjectId>) -> Result<(), PdfError> {
    let mut refused = false;
    object.for_each_reference(&mut |id| {
        refused |= hidden.contains(&id.0);
        waiting.push(id);
    });
    if refused { Err(PdfError::Hybrid) } else { Ok(()) }
}

/// An element of the structure tree, which an outline or a destination may name.
fn is_structure(dictionary: &Dictionary) -> bool {
    dictionary.is_type("StructElem") || dictionary.is_type("StructTreeRoot")
}
