//! The document security store (ISO 32000-2 section 12.8.4.3): certificates and status evidence in the file.

use std::collections::BTreeSet;

use super::{Evidence, inspect::Signature};
use crate::{
    base::Limits,
    pdf::{Dictionary, Document, Object, PdfError},
};

/// Hands over what `/DSS` holds, with the earliest revision looked at that holds it.
///
/// Looked at are the revisions of document time-stamps, because those prove when their content existed, and the
/// last one. What cannot be read is of no use to anyone and is passed over.
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
    let mut left = Left { pieces: limits.certificates, bytes };
    for revision in revisions {
        let Some(store) = store_at(document, revision) else { continue };
        for (key, wrap) in KINDS {
            for der in streams(document, revision, &store, key, limits, &mut left) {
                keep(wrap(der), revision);
            }
        }
    }
}

/// How much evidence is still taken.
struct Left {
    pieces: usize,
    /// Unpacked, all pieces together: many small streams may unpack to the longest that one may have.
    bytes: usize,
}

/// How often [`Limits::cms_bytes`] may be taken in all: 64 MiB by default, a few of the largest lists.
const ROUNDS: usize = 4;

fn store_at(document: &Document, revision: usize) -> Option<Dictionary> {
    let root = document.revisions().get(revision)?.trailer().reference("Root")?;
    let catalog = document.object_at(revision, root).ok()?;
    let store = catalog.as_dictionary()?.get("DSS")?.clone();
    follow(document, revision, store)?.as_dictionary().cloned()
}

/// The decoded streams of an array of the store, as far as `left` goes.
fn streams(
    document: &Document,
    revision: usize,
    store: &Dictionary,
    key: &str,
    limits: &Limits,
    left: &mut Left,
) -> Vec<Vec<u8>> {
    let array = store.get(key).cloned().and_then(|array| follow(document, revision, array));
    let mut found = Vec::new();
    for item in array.as_ref().and_then(Object::as_array).unwrap_or_default() {
        let Some(fewer) = left.pieces.checked_sub(1) else { break };
        left.pieces = fewer;
        let Some(Object::Stream(stream)) = follow(document, revision, item.clone()) else { continue };
        let most = limits.cms_bytes.min(left.bytes);
        match document.decode(&stream, most) {
            Ok(der) => {
                left.bytes = left.bytes.saturating_sub(der.len());
                found.push(der);
            }
            // It was unpacked that far, which is work too.
            Err(PdfError::Limit { .. }) => left.bytes = left.bytes.saturating_sub(most),
            Err(_) => {}
        }
    }
    found
}

/// One reference deep, as the standard has it.
fn follow(document: &Document, revision: usize, object: Object) -> Option<Object> {
    match object.as_reference() {
        Some(id) => document.object_at(revision, id).ok(),
        None => Some(object),
    }
}

/// The arrays of the store, and what is in them.
const KINDS: [(&str, fn(Vec<u8>) -> Evidence); 3] =
    [("Certs", Evidence::Certificate), ("CRLs", Evidence::Crl), ("OCSPs", Evidence::Ocsp)];
