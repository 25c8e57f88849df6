//! Who refers to the objects that later revisions touch.

use std::collections::{HashMap, HashSet};

use super::{
    super::{
        Document, PdfError,
        object::{Object, ObjectId, Stream},
        xref::Place,
    },
    form::FormIndex,
};

/// Who refers to the objects that later revisions touch, and under which key.
///
/// Built once for the revision that the first signature covers, then grown by each later revision: what referred
/// to an object once counts for ever.
pub(super) struct Uses {
    /// The numbers that some later revision defines, and those of the form's fields.
    watched: HashSet<u32>,
    by_target: HashMap<u32, HashMap<Vec<u8>, Holder>>,
    count: usize,
    limit: usize,
}

/// The indirect object in which a reference stands; a trailer has number 0.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Holder {
    Many,
    One(u32),
}

impl Uses {
    /// The uses as of the revision before `from`.
    pub(super) fn before(document: &Document, from: usize, form: &FormIndex) -> Result<Self, PdfError> {
        let last_before = from.saturating_sub(1);
        let mut watched: HashSet<u32> = form.numbers().collect();
        for revision in document.revisions().get(from..).unwrap_or_default() {
            for entry in &revision.entries {
                let before = document.find(last_before, entry.number).map(|(_, entry)| entry.place());
                let same = matches!((before, entry.place()), (Some(before @ Place::At { .. }), now) if before == now);
                if !same {
                    watched.insert(entry.number);
                }
            }
        }
        let mut uses = Self { watched, by_target: HashMap::new(), count: 0, limit: document.limits.objects };
        for (index, revision) in document.revisions().iter().enumerate().take(from) {
            for entry in &revision.entries {
                let current = document.find(last_before, entry.number).is_some_and(|(at, _)| at == index);
                if current && entry.place() != Place::Free {
                    uses.add(&document.object_at(last_before, entry.id())?, b"", entry.number)?;
                }
            }
            uses.add(&Object::Dictionary(revision.trailer.clone()), b"", 0)?;
        }
        Ok(uses)
    }

    pub(super) fn add_revision(&mut self, document: &Document, revision: usize) -> Result<(), PdfError> {
        let Some(added) = document.revisions().get(revision) else { return Ok(()) };
        for entry in &added.entries {
            if entry.place() != Place::Free {
                self.add(&document.object_at(revision, entry.id())?, b"", entry.number)?;
            }
        }
        self.add(&Object::Dictionary(added.trailer.clone()), b"", 0)
    }

    /// `key`: the innermost dictionary key that leads to `object`. Depth is bounded, for a lexer read it.
    fn add(&mut self, object: &Object, key: &[u8], holder: u32) -> Result<(), PdfError> {
        match object {
            Object::Reference((number, _)) if self.watched.contains(number) => {
                let keys = self.by_target.entry(*number).or_default();
                if let Some(known) = keys.get_mut(key) {
                    if *known != Holder::One(holder) {
                        *known = Holder::Many;
                    }
                    return Ok(());
                }
                keys.insert(key.to_vec(), Holder::One(holder));
                self.count += 1;
                if self.count > self.limit {
                    return Err(PdfError::limit("the number of references to changed objects", self.limit));
                }
                Ok(())
            }
            Object::Array(items) => items.iter().try_for_each(|item| self.add(item, key, holder)),
            Object::Dictionary(dictionary) | Object::Stream(Stream { dictionary, .. }) => {
                dictionary.iter().try_for_each(|(key, value)| self.add(value, key, holder))
            }
            _ => Ok(()),
        }
    }

    /// A key under which `number` is referred to and that is not one of `allowed`.
    pub(super) fn other_than(&self, number: u32, allowed: &dyn Fn(&[u8]) -> bool) -> Option<String> {
        let keys = self.by_target.get(&number)?;
        keys.keys().find(|key| !allowed(key)).map(|key| String::from_utf8_lossy(key).into_owned())
    }

    /// Whether `number` is referred to from the object `holder` alone, and there under `key` alone.
    pub(super) fn only_from(&self, number: u32, key: &str, holder: u32) -> bool {
        self.by_target
            .get(&number)
            .is_some_and(|keys| keys.len() == 1 && keys.get(key.as_bytes()) == Some(&Holder::One(holder)))
    }

    /// The one object in which `number` is referred to under `key`.
    pub(super) fn holder(&self, number: u32, key: &str) -> Option<ObjectId> {
        match self.by_target.get(&number)?.get(key.as_bytes())? {
            Holder::One(holder) => Some((*holder, 0)),
            Holder::Many => None,
        }
    }

    /// Whether `number` is referred to under `key`.
    pub(super) fn is_used_as(&self, number: u32, key: &str) -> bool {
        self.by_target.get(&number).is_some_and(|keys| keys.contains_key(key.as_bytes()))
    }
}
