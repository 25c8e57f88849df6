//! `/DSS`, the document security store (ISO 32000-2 section 12.8.4.3).

use std::collections::{BTreeMap, HashMap};

use super::{
    super::{
        Document, PdfError,
        object::{Dictionary, Object, ObjectId},
    },
    ChangeKind,
    step::{Part, Step, only_keys},
};

impl Step<'_> {
    /// `/DSS`: certificates, CRLs, OCSP responses, `/VRI`, and nothing else.
    pub(super) fn security_store(
        &mut self,
        catalog_before: &Dictionary,
        catalog_after: &Dictionary,
    ) -> Result<(), PdfError> {
        let known = std::mem::take(&mut self.carried.store);
        let new = Store::read(self.document, self.after, catalog_after.get("DSS"), &known, &|id| {
            self.deltas.contains_key(&id.0)
        })?;
        let Some(new) = new else {
            if catalog_before.get("DSS").is_some() || catalog_after.get("DSS").is_some() {
                let what = "removes or breaks the document security store".to_owned();
                self.other(ChangeKind::SecurityStore, Vec::new(), what);
            }
            return Ok(());
        };
        if catalog_before.get("DSS") != catalog_after.get("DSS") {
            self.store_changed = true;
        }
        for (id, role) in &new.objects {
            let Some(delta) = self.deltas.get(&id.0) else { continue };
            let grown = delta.before.is_some() && *role != Role::Data && known.get(id) == Some(role);
            if delta.before.is_none() || grown {
                self.store_changed = true;
                self.explain(*id, Part::Store, &|key| role.is_key(key));
            }
        }
        self.carried.store = known;
        self.carried.store.extend(new.objects);
        Ok(())
    }
}

/// What is known of the store of the revision before: what has not changed since need not be read again.
pub(super) type StoreIndex = HashMap<ObjectId, Role>;

/// The store of a revision.
pub(super) fn store_index(document: &Document, revision: usize) -> Result<StoreIndex, PdfError> {
    let (_, catalog) = document.catalog_at(revision)?;
    let store = Store::read(document, revision, catalog.get("DSS"), &HashMap::new(), &|_| true)?;
    Ok(store.unwrap_or_default().objects.into_iter().collect())
}

/// The objects of a document security store, each with its part in it.
#[derive(Default)]
struct Store {
    objects: BTreeMap<ObjectId, Role>,
}

/// What an object of the store is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Store,
    Data,
    Entry,
    List,
    PerSignature,
}

impl Role {
    /// Whether an object of this part may be referred to under `key`.
    fn is_key(self, key: &[u8]) -> bool {
        match self {
            Self::Store => key == b"DSS",
            Self::PerSignature => key == b"VRI",
            Self::Entry => key.len() == 40 && key.iter().all(u8::is_ascii_hexdigit),
            Self::Data | Self::List => DSS_LISTS.iter().chain(&VRI_LISTS).any(|list| list.as_bytes() == key),
        }
    }
}

/// A store being read.
struct Reading<'a> {
    document: &'a Document,
    revision: usize,
    known: &'a StoreIndex,
    changed: &'a dyn Fn(ObjectId) -> bool,
    store: Store,
}

impl Store {
    /// `None` when there is none, or it is more than a store. What is `known` and not `changed` is not read again
    /// and not in the answer.
    fn read(
        document: &Document,
        revision: usize,
        store: Option<&Object>,
        known: &StoreIndex,
        changed: &dyn Fn(ObjectId) -> bool,
    ) -> Result<Option<Self>, PdfError> {
        let Some(store) = store else { return Ok(None) };
        let mut reading = Reading { document, revision, known, changed, store: Self::default() };
        Ok(reading.root(store)?.then_some(reading.store))
    }
}

impl Reading<'_> {
    fn root(&mut self, store: &Object) -> Result<bool, PdfError> {
        if self.is_known(store, Role::Store) {
            // Its lists and entries may have grown though it did not.
            let (_, root) = self.document.resolve(self.revision, store)?;
            return match root {
                Object::Dictionary(root) => self.below_root(&root),
                _ => Ok(false),
            };
        }
        match self.dictionary(store, Role::Store)? {
            Some(root) => self.below_root(&root),
            None => Ok(false),
        }
    }

    fn below_root(&mut self, root: &Dictionary) -> Result<bool, PdfError> {
        if !only_keys(root, &[&["Type", "VRI"], &DSS_LISTS]) || !self.lists(root, &DSS_LISTS)? {
            return Ok(false);
        }
        let Some(per_signature) = root.get("VRI") else { return Ok(true) };
        let Some(entries) = self.dictionary(per_signature, Role::PerSignature)? else { return Ok(false) };
        for (key, entry) in entries.iter().filter(|(key, _)| *key != b"Type") {
            if self.is_known(entry, Role::Entry) && Role::Entry.is_key(key) {
                continue;
            }
            let entry = self.dictionary(entry, Role::Entry)?;
            let Some(entry) = entry.filter(|_| Role::Entry.is_key(key)) else { return Ok(false) };
            let known = only_keys(&entry, &[&["Type", "TU", "TS"], &VRI_LISTS]);
            if !known || !self.lists(&entry, &VRI_LISTS)? {
                return Ok(false);
            }
            if let Some(stamp) = entry.get("TS")
                && !self.data(stamp)?
            {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn dictionary(&mut self, object: &Object, role: Role) -> Result<Option<Dictionary>, PdfError> {
        let (id, object) = self.document.resolve(self.revision, object)?;
        let Object::Dictionary(dictionary) = object else { return Ok(None) };
        Ok(self.note(id, role).then_some(dictionary))
    }

    fn lists(&mut self, of: &Dictionary, keys: &[&str]) -> Result<bool, PdfError> {
        for list in keys.iter().filter_map(|key| of.get(key)) {
            if self.is_known(list, Role::List) {
                continue;
            }
            let (id, list) = self.document.resolve(self.revision, list)?;
            let Object::Array(items) = list else { return Ok(false) };
            if !self.note(id, Role::List) {
                return Ok(false);
            }
            for item in &items {
                if !self.data(item)? {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    fn data(&mut self, object: &Object) -> Result<bool, PdfError> {
        let Object::Reference(id) = object else { return Ok(false) };
        if self.store.objects.get(id) == Some(&Role::Data) || self.is_known(object, Role::Data) {
            return Ok(true);
        }
        let (id, object) = self.document.resolve(self.revision, object)?;
        Ok(matches!(object, Object::Stream(_)) && self.note(id, Role::Data))
    }

    fn is_known(&self, object: &Object, role: Role) -> bool {
        object.as_reference().is_some_and(|id| self.known.get(&id) == Some(&role) && !(self.changed)(id))
    }

    /// One object has one part.
    fn note(&mut self, id: Option<ObjectId>, role: Role) -> bool {
        id.is_none_or(|id| {
            let known = self.known.get(&id).is_none_or(|known| *known == role);
            known && *self.store.objects.entry(id).or_insert(role) == role
        })
    }
}

/// ISO 32000-2 table 261.
const DSS_LISTS: [&str; 3] = ["CRLs", "Certs", "OCSPs"];

/// ISO 32000-2 table 262.
const VRI_LISTS: [&str; 3] = ["CRL", "Cert", "OCSP"];
