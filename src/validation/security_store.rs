//! The document security store (ISO 32000-2 section 12.8.4.3): certificates and status evidence in the file.

use std::collections::{BTreeSet, HashSet};

use super::{Evidence, inspect::Signature};
use crate::{
    base::Limits,
    pdf::{Dictionary, Document, Object, PdfError},
};

/// Hands over what `/DSS` holds, its `/VRI` included, with the earliest revision looked at that holds it.
///
/// Looked at are the revisions of document time-stamps, because those prove when their content existed, and the
/// last one. What cannot be read is of no use to anyone and is passed over. A stream that several lists or revisions
/// name is read once.
pub(super) fn read(
    document: &Document,
    signatures: &[Signature],
    limits: &Limits,
    mut keep: impl FnMut(Evidence, usize),
) {
    let stamps = signatures.iter().filter(|signature| signature.is_time_stamp());
    let mut revisions: BTreeSet<usize> = stamps.filter_map(Signature::covers).collect();
    revisions.insert(document.revisions().len().saturating_sub(1));
    let bytes = limits.cms_bytes.saturating_mul(ROUNDS);
    let mut reading = Reading {
        document,
        longest: limits.cms_bytes,
        items: MAX_ITEMS,
        pieces: limits.certificates,
        bytes,
        seen: HashSet::new(),
    };
    for revision in revisions {
        let Some(store) = store_at(document, revision) else { continue };
        for (key, per_signature, wrap) in KINDS {
            for der in reading.streams(revision, &store, key) {
                keep(wrap(der), revision);
            }
            for entry in reading.per_signature(revision, &store) {
                for der in reading.streams(revision, &entry, per_signature) {
                    keep(wrap(der), revision);
                }
            }
        }
    }
}

/// What was read, and how much may still be.
struct Reading<'a> {
    document: &'a Document,
    /// Of one piece, in bytes.
    longest: usize,
    /// References followed: many may lead to one stream.
    items: usize,
    pieces: usize,
    /// Unpacked, all pieces together: many small streams may unpack to the longest that one may have.
    bytes: usize,
    /// Where the streams lie that were read.
    seen: HashSet<u64>,
}

impl Reading<'_> {
    /// The entries of `/VRI`.
    fn per_signature(&mut self, revision: usize, store: &Dictionary) -> Vec<Dictionary> {
        let all = store.get("VRI").cloned().and_then(|all| follow(self.document, revision, all));
        let all = all.as_ref().and_then(Object::as_dictionary);
        let mut entries = Vec::new();
        for (_, entry) in all.into_iter().flat_map(Dictionary::iter) {
            let Some(fewer) = self.items.checked_sub(1) else { break };
            self.items = fewer;
            if let Some(Object::Dictionary(entry)) = follow(self.document, revision, entry.clone()) {
                entries.push(entry);
            }
        }
        entries
    }

    /// The decoded streams of an array, as far as there is room.
    fn streams(&mut self, revision: usize, holder: &Dictionary, key: &str) -> Vec<Vec<u8>> {
        let array = holder.get(key).cloned().and_then(|array| follow(self.document, revision, array));
        let mut found = Vec::new();
        for item in array.as_ref().and_then(Object::as_array).unwrap_or_default() {
            let Some(fewer) = self.items.checked_sub(1) else { break };
            self.items = fewer;
            let Some(Object::Stream(stream)) = follow(self.document, revision, item.clone()) else {
                continue;
            };
            if !self.seen.insert(stream.data.start) {
                continue;
            }
            let Some(fewer) = self.pieces.checked_sub(1) else { break };
            self.pieces = fewer;
            let most = self.longest.min(self.bytes);
            match self.document.decode(&stream, most) {
                Ok(der) => {
                    self.bytes = self.bytes.saturating_sub(der.len());
                    found.push(der);
                }
                // It was unpacked that far, which is work too.
                Err(PdfError::Limit { .. }) => self.bytes = self.bytes.saturating_sub(most),
                Err(_) => {}
            }
        }
        found
    }
}

/// How often [`Limits::cms_bytes`] may be taken in all: 64 MiB by default, a few of the largest lists.
const ROUNDS: usize = 4;

/// References followed in all stores of a file. An honest one has some for each signature.
const MAX_ITEMS: usize = 50_000;

fn store_at(document: &Document, revision: usize) -> Option<Dictionary> {
    let root = document.revisions().get(revision)?.trailer().reference("Root")?;
    let catalog = document.object_at(revision, root).ok()?;
    let store = catalog.as_dictionary()?.get("DSS")?.clone();
    follow(document, revision, store)?.as_dictionary().cloned()
}

/// One reference deep, as the standard has it.
fn follow(document: &Document, revision: usize, object: Object) -> Option<Object> {
    match object.as_reference() {
        Some(id) => document.object_at(revision, id).ok(),
        None => Some(object),
    }
}

/// The arrays of the store and of an entry of `/VRI` (ISO 32000-2 tables 261 and 262), and what is in them.
const KINDS: [(&str, &str, fn(Vec<u8>) -> Evidence); 3] = [
    ("Certs", "Cert", Evidence::Certificate),
    ("CRLs", "CRL", Evidence::Crl),
    ("OCSPs", "OCSP", Evidence::Ocsp),
];
