//! The document security store, written: a revision of its own that adds evidence to `/DSS`
//! (ISO 32000-2 section 12.8.4.3, ETSI EN 319 142-1 section 5.4).
//!
//! What is there stays as it is, ours or another's: lists grow, nothing is taken out, no piece is stored twice, and an
//! entry of `/VRI` that exists is left alone, because readers take a changed one for an attack.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use super::{
    Document, PdfError,
    object::{Dictionary, Object, ObjectId, Stream},
    signable::demand_known_end,
    write::Update,
};
use crate::base::{DigestAlgorithm, Sha256};

/// Evidence for one signature or document time-stamp.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoreEntry {
    /// Its decoded `/Contents`, padding included, as [`super::SignatureField::contents`] has it.
    pub contents: Vec<u8>,
    /// Certificates of its paths; DER.
    pub certificates: Vec<Vec<u8>>,
    /// CertificateLists; DER.
    pub crls: Vec<Vec<u8>>,
    /// OCSPResponses; DER.
    pub ocsps: Vec<Vec<u8>>,
}

impl StoreEntry {
    /// Whether there is nothing to store.
    pub fn is_empty(&self) -> bool {
        self.certificates.is_empty() && self.crls.is_empty() && self.ocsps.is_empty()
    }

    /// The key in `/VRI`: SHA-1 of the contents in upper-case hexadecimal (ISO 32000-2 table 261).
    pub fn key(&self) -> String {
        hex::encode_upper(DigestAlgorithm::Sha1.digest(&self.contents).bytes)
    }

    fn list(&self, list: List) -> &[Vec<u8>] {
        match list {
            List::Certificates => &self.certificates,
            List::Crls => &self.crls,
            List::Ocsps => &self.ocsps,
        }
    }
}

/// The bytes of a revision that adds `entries` to the store; `None` when all of it is there.
///
/// # Errors
///
/// [`PdfError::Damaged`] when bytes that may be PDF follow the last `%%EOF` or the present store cannot be read,
/// [`PdfError::Limit`] when it is too large to be gone through.
pub fn prepare_store(document: &Document, entries: &[StoreEntry]) -> Result<Option<Vec<u8>>, PdfError> {
    demand_known_end(document)?;
    let mut store = Growing::new(document)?;
    for list in List::ALL {
        let known = store.held(list)?;
        store.grow(list, known, entries)?;
    }
    store.grow_per_signature(entries)?;
    store.finish()
}

/// A list of the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum List {
    Certificates,
    Crls,
    Ocsps,
}

impl List {
    const ALL: [Self; 3] = [Self::Certificates, Self::Crls, Self::Ocsps];

    /// ISO 32000-2 table 261.
    const fn key(self) -> &'static str {
        match self {
            Self::Certificates => "Certs",
            Self::Crls => "CRLs",
            Self::Ocsps => "OCSPs",
        }
    }

    /// ISO 32000-2 table 262.
    const fn key_per_signature(self) -> &'static str {
        match self {
            Self::Certificates => "Cert",
            Self::Crls => "CRL",
            Self::Ocsps => "OCSP",
        }
    }
}

/// The store of the last revision, growing.
struct Growing<'a> {
    document: &'a Document,
    update: Update<'a>,
    /// Where the dictionary stands by itself; `None` when it is written inside the catalog.
    id: Option<ObjectId>,
    dictionary: Dictionary,
    before: Dictionary,
    /// Where each piece is, old or new.
    places: HashMap<(List, Sha256), ObjectId>,
    /// Bytes of present pieces that may still be read.
    left: usize,
    changed: bool,
}

impl<'a> Growing<'a> {
    fn new(document: &'a Document) -> Result<Self, PdfError> {
        let mut update = Update::new(document)?;
        let catalog = document.catalog()?;
        let (id, dictionary) = match catalog.get("DSS") {
            None => (Some(update.allocate()?), Dictionary::new()),
            Some(store) => match update.resolve(store)? {
                (id, Object::Dictionary(dictionary)) => (id, dictionary),
                _ => return Err(PdfError::damaged(0, "the catalog's /DSS is no dictionary")),
            },
        };
        let left = document.limits.cms_bytes.saturating_mul(ROUNDS);
        Ok(Self {
            document,
            update,
            id,
            before: dictionary.clone(),
            dictionary,
            places: HashMap::new(),
            left,
            changed: false,
        })
    }

    /// The items of a list as it is, each of them looked at; and the object that the list is, if it is one.
    fn held(&mut self, list: List) -> Result<(Option<ObjectId>, Vec<Object>), PdfError> {
        let Some(value) = self.before.get(list.key()) else { return Ok((None, Vec::new())) };
        let (id, value) = self.update.resolve(value)?;
        let Object::Array(items) = value else {
            return Err(PdfError::damaged(0, format!("/{} of the store is no array", list.key())));
        };
        for item in &items {
            if let (Some(at), Object::Stream(stream)) = self.update.resolve(item)?
                && let Some(der) = self.read(&stream)?
            {
                self.places.entry((list, Sha256::of(&der))).or_insert(at);
            }
        }
        Ok((id, items))
    }

    /// A present piece; `None` for one that cannot be read, which is then not known and may come in again.
    fn read(&mut self, stream: &Stream) -> Result<Option<Vec<u8>>, PdfError> {
        match self.document.decode(stream, self.document.limits.cms_bytes.min(self.left)) {
            Ok(der) => {
                self.left = self.left.saturating_sub(der.len());
                Ok(Some(der))
            }
            Err(PdfError::Damaged { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn grow(
        &mut self,
        list: List,
        (id, mut items): (Option<ObjectId>, Vec<Object>),
        entries: &[StoreEntry],
    ) -> Result<(), PdfError> {
        let before = items.len();
        for der in entries.iter().flat_map(|entry| entry.list(list)) {
            let key = (list, Sha256::of(der));
            if !self.places.contains_key(&key) {
                let at = self.update.allocate()?;
                // Stored as it is: certificates and answers hardly get shorter by compression.
                let mut dictionary = Dictionary::new();
                let len = i64::try_from(der.len()).unwrap_or(i64::MAX);
                dictionary.set("Length", Object::Integer(len));
                self.update.put(at, Object::Dictionary(dictionary));
                self.update.streams.insert(at.0, der.clone());
                self.places.insert(key, at);
                items.push(Object::Reference(at));
            }
        }
        if items.len() == before {
            return Ok(());
        }
        self.changed = true;
        match id {
            Some(id) => self.update.put(id, Object::Array(items)),
            None => self.dictionary.set(list.key(), Object::Array(items)),
        }
        Ok(())
    }

    fn grow_per_signature(&mut self, entries: &[StoreEntry]) -> Result<(), PdfError> {
        let present = self.before.get("VRI").cloned().unwrap_or_default();
        let (id, mut all) = match self.update.resolve(&present)? {
            (id, Object::Dictionary(all)) => (id, all),
            (_, Object::Null) => (None, Dictionary::new()),
            _ => return Err(PdfError::damaged(0, "/VRI of the store is no dictionary")),
        };
        let mut grown = false;
        for entry in entries.iter().filter(|entry| !entry.is_empty()) {
            let key = entry.key();
            if all.get(&key).is_some() {
                continue;
            }
            let mut dictionary = Dictionary::new();
            for list in List::ALL {
                let mut seen = HashSet::new();
                let places = entry.list(list).iter().filter_map(|der| {
                    let at = self.places.get(&(list, Sha256::of(der))).copied()?;
                    seen.insert(at).then_some(Object::Reference(at))
                });
                let places: Vec<Object> = places.collect();
                if !places.is_empty() {
                    dictionary.set(list.key_per_signature(), Object::Array(places));
                }
            }
            let at = self.update.allocate()?;
            self.update.put(at, Object::Dictionary(dictionary));
            all.set(&key, Object::Reference(at));
            grown = true;
        }
        if grown {
            self.changed = true;
            match id {
                Some(id) => self.update.put(id, Object::Dictionary(all)),
                None => self.dictionary.set("VRI", Object::Dictionary(all)),
            }
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Option<Vec<u8>>, PdfError> {
        if !self.changed {
            return Ok(None);
        }
        let (root, catalog) = self.document.catalog_at(self.document.last())?;
        let mut catalog = Arc::unwrap_or_clone(catalog);
        let fresh = catalog.get("DSS").is_none();
        match self.id {
            Some(id) if self.dictionary != self.before || fresh => {
                self.update.put(id, Object::Dictionary(self.dictionary));
                if fresh {
                    catalog.set("DSS", Object::Reference(id));
                    self.update.put(root, Object::Dictionary(catalog));
                }
            }
            None if self.dictionary != self.before => {
                catalog.set("DSS", Object::Dictionary(self.dictionary));
                self.update.put(root, Object::Dictionary(catalog));
            }
            // Only objects below it grew.
            Some(_) | None => {}
        }
        self.update.finish_plain().map(Some)
    }
}

/// How often [`crate::base::Limits::cms_bytes`] may be read of a present store: as much as the judge reads.
const ROUNDS: usize = 4;
