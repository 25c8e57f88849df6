//! The structure tree (ISO 32000-2 section 14.7): elements that new form fields bring.

use std::collections::HashSet;

use super::{
    super::{
        PdfError,
        object::{Dictionary, Object, ObjectId},
    },
    ChangeKind,
    step::{Delta, Part, Step, differing_keys, only_keys},
};

impl Step<'_> {
    /// Explains growth of the tree by elements for form fields, and of the parent tree by their entries.
    ///
    /// Nothing of it is seen or printed. What a program reads aloud may not change either, so a new element holds
    /// widgets of the form and no content of a page, and what is there keeps everything but the list of its kids.
    pub(super) fn structure_tree(&mut self, catalog: &Dictionary) -> Result<(), PdfError> {
        let Some(root) = catalog.reference("StructTreeRoot") else { return Ok(()) };
        let touched: Vec<ObjectId> = self
            .deltas
            .values()
            .filter(|delta| !self.explained.contains_key(&delta.id.0) && concerns_tree(delta, root))
            .map(|delta| delta.id)
            .collect();
        if touched.is_empty() {
            return Ok(());
        }
        let elements: HashSet<ObjectId> =
            touched.iter().copied().filter(|id| self.added(*id) && self.is_element(*id)).collect();
        let trees = self.parent_trees(root)?;
        for id in touched {
            let fine = if elements.contains(&id) {
                true
            } else if trees.contains(&id) {
                self.tree_grew(id, &elements)
            } else {
                self.kids_grew(id, root, &elements)
            };
            if fine {
                self.tree_changed = true;
                self.explain(id, Part::Tree, &is_tree_use);
            } else {
                self.other(ChangeKind::StructureTree, vec![id], "changes the structure tree".to_owned());
            }
        }
        Ok(())
    }

    /// A new element with widgets of the form, and with nothing that says something else than the page.
    fn is_element(&self, id: ObjectId) -> bool {
        let Some(Delta { before: None, after: Object::Dictionary(element), .. }) = self.delta(id) else {
            return false;
        };
        let kids = match element.get("K") {
            None => Vec::new(),
            Some(Object::Array(kids)) => kids.clone(),
            Some(kid) => vec![kid.clone()],
        };
        element.name("S").is_some()
            && only_keys(element, &[&["Alt", "ID", "K", "Lang", "P", "Pg", "S", "T", "Type"]])
            && kids.iter().all(|kid| {
                self.is_widget_kid(kid) || kid.as_reference().is_some_and(|kid| kid != id && self.added(kid))
            })
    }

    /// `<< /Type /OBJR /Obj … >>` for a new widget.
    fn is_widget_kid(&self, kid: &Object) -> bool {
        let Object::Dictionary(kid) = kid else { return false };
        let widget = kid.reference("Obj");
        kid.is_type("OBJR")
            && only_keys(kid, &[&["Obj", "Pg", "Type"]])
            && widget.is_some_and(|id| self.widgets.contains_key(&id) || self.carried.form.holds(id))
    }

    /// The parent tree's root and the nodes right below it, as they were.
    fn parent_trees(&self, root: ObjectId) -> Result<HashSet<ObjectId>, PdfError> {
        let mut trees = HashSet::new();
        let Object::Dictionary(root) = self.document.object_at(self.before, root)? else { return Ok(trees) };
        let Some(tree) = root.get("ParentTree") else { return Ok(trees) };
        let (id, tree) = self.document.resolve(self.before, tree)?;
        trees.extend(id);
        let kids = tree.as_dictionary().and_then(|tree| tree.get("Kids")).unwrap_or(&Object::Null);
        let (_, kids) = self.document.resolve(self.before, kids)?;
        trees.extend(kids.as_array().unwrap_or_default().iter().filter_map(Object::as_reference));
        Ok(trees)
    }

    /// Whether a node of the parent tree only gained entries for new elements.
    fn tree_grew(&self, id: ObjectId, elements: &HashSet<ObjectId>) -> bool {
        let Some(Delta { before: Some(before), after, .. }) = self.delta(id) else { return false };
        let (Some(before), Some(after)) = (before.as_dictionary(), after.as_dictionary()) else {
            return false;
        };
        let pairs = |node: &Dictionary| node.get("Nums").and_then(Object::as_array).map(<[Object]>::to_vec);
        let (Some(old), Some(new)) = (pairs(before), pairs(after)) else { return false };
        if !differing_keys(before, after, &["Limits", "Nums"]).is_empty() {
            return false;
        }
        let ((old, odd), (new, more)) = (old.as_chunks::<2>(), new.as_chunks::<2>());
        let keys: HashSet<i64> = old.iter().filter_map(|[key, _]| key.as_integer()).collect();
        let mut kept = old.iter().peekable();
        let grown = new.iter().all(|pair| {
            let [key, value] = pair;
            kept.next_if(|kept| *kept == pair).is_some()
                || (key.as_integer().is_some_and(|key| !keys.contains(&key))
                    && value.as_reference().is_some_and(|value| elements.contains(&value)))
        });
        grown && kept.peek().is_none() && odd.is_empty() && more.is_empty()
    }

    /// Whether an element, the root or a list of kids only gained new elements.
    fn kids_grew(&self, id: ObjectId, root: ObjectId, elements: &HashSet<ObjectId>) -> bool {
        let Some(Delta { before: Some(before), after, .. }) = self.delta(id) else { return false };
        if let (Object::Array(_), Object::Array(_)) = (before, after) {
            return self.list_grew(Some(before), Some(after), elements);
        }
        let (Object::Dictionary(before), Object::Dictionary(after)) = (before, after) else {
            return false;
        };
        let own: &[&str] = if id == root { &["K", "ParentTree", "ParentTreeNextKey"] } else { &["K"] };
        if !differing_keys(before, after, own).is_empty() {
            return false;
        }
        // A parent tree that stands in the root itself grows there.
        let tree = |of: &Dictionary| of.get("ParentTree").cloned();
        if tree(before) != tree(after) {
            return false;
        }
        before.get("K") == after.get("K") || self.list_grew(before.get("K"), after.get("K"), elements)
    }

    fn list_grew(
        &self,
        before: Option<&Object>,
        after: Option<&Object>,
        elements: &HashSet<ObjectId>,
    ) -> bool {
        let items = |object: Option<&Object>| match object {
            None => Vec::new(),
            Some(Object::Array(items)) => items.clone(),
            Some(item) => vec![item.clone()],
        };
        let (before, after) = (items(before), items(after));
        let mut kept = before.iter().peekable();
        let grown = after.iter().all(|item| {
            kept.next_if(|kept| *kept == item).is_some()
                || item.as_reference().is_some_and(|item| elements.contains(&item))
                || self.is_widget_kid(item)
        });
        grown && kept.peek().is_none()
    }
}

/// Whether a change may be one of the structure tree.
fn concerns_tree(delta: &Delta, root: ObjectId) -> bool {
    let value = delta.before.as_ref().unwrap_or(&delta.after);
    match value {
        Object::Dictionary(value) => {
            delta.id == root
                || value.is_type("StructElem")
                || (value.get("S").is_some() && value.get("P").is_some())
                || value.get("Nums").is_some()
        }
        _ => false,
    }
}

/// Where elements, their lists and the parent tree are referred to.
fn is_tree_use(key: &[u8]) -> bool {
    [
        b"".as_slice(),
        b"IDTree",
        b"K",
        b"Kids",
        b"Names",
        b"Nums",
        b"P",
        b"ParentTree",
        b"Ref",
        b"StructTreeRoot",
    ]
    .contains(&key)
}
