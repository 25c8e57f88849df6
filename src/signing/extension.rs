//! Extending: what a signed document still needs for a level, and what goes into its security store
//! (ETSI EN 319 142-1 sections 5.4 and 6).
//!
//! Evidence counts for the time of the signature if it was made then or later, or still held then. One that was made
//! before may miss a revocation that was on its way, so [`too_old`] tells what a grace period has to wait for
//! (ETSI EN 319 102-1 section 5.2.5 leaves its length to the policy).

use crate::{
    base::UtcTime,
    pdf::{Document, PdfError, StoreEntry},
    validation::{DocumentReport, Evidence, Level, Reliance, SignatureReport},
};

/// The level of a signature by its report; `None` for a document time-stamp.
pub fn level_of(signature: &SignatureReport) -> Option<Level> {
    if is_document_stamp(signature) {
        return None;
    }
    let known = [Level::T, Level::Lt, Level::Lta];
    let ending = signature.signature_format.rsplit('-').next().unwrap_or_default();
    // Formats without a level are at the lowest.
    Some(known.into_iter().find(|level| level.as_str() == ending).unwrap_or(Level::B))
}

/// Whether a signature of the report is a document time-stamp.
pub fn is_document_stamp(signature: &SignatureReport) -> bool {
    signature.signature_format == DOCUMENT_STAMP
}

/// The lowest level among the signatures of a document; `None` when it has none.
pub fn reached(report: &DocumentReport) -> Option<Level> {
    report.signatures.iter().filter_map(level_of).min()
}

/// Until when the newest archive time-stamps can be relied on by what is known now; `None` without any.
///
/// That is a document time-stamp, or one of a container, over all that came before it; and for a signature that has a
/// newer one inside, that one. Of several signatures the first that would be lost decides.
pub fn good_until(reliances: &[Reliance]) -> Option<UtcTime> {
    let (stamps, signatures): (Vec<&Reliance>, Vec<&Reliance>) =
        reliances.iter().partition(|reliance| reliance.document_time_stamp);
    // The stamps of a container lie in it in any order.
    let newest = stamps.into_iter().max_by_key(|stamp| (stamp.proven_at, stamp.index));
    let (around, since) = newest.map_or((None, None), |stamp| (stamp.good_until, stamp.proven_at));
    let inside = |one: &&Reliance| one.archived_at.is_some() && one.archived_at > since;
    let ends = signatures.into_iter().map(|one| if inside(&one) { one.good_until } else { around });
    ends.flatten().min().or(around)
}

/// Status evidence about a signer or a time-stamp authority that was made before the time that it shall prove.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TooOld {
    /// Whose status, RFC 4514.
    pub of: String,
    /// When it was made.
    pub this_update: UtcTime,
    /// The proven time of the signature.
    pub proven_at: UtcTime,
    /// When newer evidence will be there at the latest, if it says.
    pub next_update: Option<UtcTime>,
}

/// The first evidence of a signer or a time-stamp authority that is older than the signature; authorities above them
/// are asked for no more than their lists give.
pub fn too_old(reliances: &[Reliance]) -> Option<TooOld> {
    reliances.iter().find_map(|reliance| {
        let proven_at = reliance.proven_at?;
        let ends = reliance.pieces.iter().filter_map(|piece| piece.status.as_ref());
        let mut old = ends.filter(|status| status.end && status.this_update < proven_at);
        old.next().map(|status| TooOld {
            of: status.of.clone(),
            this_update: status.this_update,
            proven_at,
            next_update: status.next_update,
        })
    })
}

/// How much goes into the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice<'a> {
    /// What the verdicts rest on and the file does not hold, anchors included: a later reader without our anchors can
    /// then see what they were.
    Least,
    /// All that was brought besides. For paths where evidence rests on further evidence.
    All(&'a [Evidence]),
}

/// The entries to store, one for each signature and document time-stamp that needs something.
///
/// # Errors
///
/// When the signatures of the document cannot be read.
pub fn entries_to_store(
    document: &Document,
    reliances: &[Reliance],
    choice: Choice<'_>,
) -> Result<Vec<StoreEntry>, PdfError> {
    let fields = document.signatures()?;
    let mut entries = Vec::new();
    for reliance in reliances {
        let Some(field) = fields.get(reliance.index) else { continue };
        let mut entry = StoreEntry { contents: field.contents.clone(), ..StoreEntry::default() };
        let missing = reliance.pieces.iter().any(|piece| !piece.stored && !piece.anchor);
        if missing {
            for piece in reliance.pieces.iter().filter(|piece| !piece.stored) {
                put(&mut entry, &piece.evidence);
            }
        }
        if let Choice::All(brought) = choice {
            for evidence in brought {
                put(&mut entry, evidence);
            }
        }
        if !entry.is_empty() {
            entries.push(entry);
        }
    }
    Ok(entries)
}

fn put(entry: &mut StoreEntry, evidence: &Evidence) {
    let (list, der) = match evidence {
        Evidence::Certificate(der) => (&mut entry.certificates, der),
        Evidence::Crl(der) => (&mut entry.crls, der),
        Evidence::Ocsp(der) => (&mut entry.ocsps, der),
    };
    if !list.contains(der) {
        list.push(der.clone());
    }
}

/// What reports call a document time-stamp.
const DOCUMENT_STAMP: &str = "DOC-TIME-STAMP";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::validation::{Piece, PieceStatus};

    fn at(day: i64) -> UtcTime {
        UtcTime::from_second(1_800_000_000 + day * 86_400).unwrap()
    }

    fn reliance(end: bool, made: i64) -> Reliance {
        let status = PieceStatus {
            of: "CN=A".to_owned(),
            end,
            this_update: at(made),
            next_update: Some(at(made + 7)),
        };
        let evidence = Evidence::Crl(vec![1]);
        let piece = Piece { evidence, stored: false, anchor: false, status: Some(status) };
        Reliance { proven_at: Some(at(10)), pieces: vec![piece], ..Reliance::default() }
    }

    #[test]
    fn evidence_from_before_the_signature_is_told() {
        assert_eq!(too_old(&[reliance(true, 10), reliance(true, 11)]), None);
        assert_eq!(too_old(&[reliance(false, 9)]), None, "an authority's own list");
        let old = too_old(&[reliance(true, 10), reliance(true, 9)]).unwrap();
        assert_eq!((old.this_update, old.proven_at, old.next_update), (at(9), at(10), Some(at(16))));
    }

    #[test]
    fn the_newest_document_time_stamp_decides_until_when() {
        let stamp = |index, until| Reliance {
            index,
            document_time_stamp: true,
            good_until: Some(at(until)),
            ..Reliance::default()
        };
        assert_eq!(good_until(&[]), None);
        assert_eq!(good_until(&[stamp(1, 50), stamp(2, 20), Reliance::default()]), Some(at(20)));
        // Those of a container lie in it in any order.
        let dated = |index, made, until| Reliance { proven_at: Some(at(made)), ..stamp(index, until) };
        assert_eq!(good_until(&[dated(1, 9, 50), dated(2, 3, 20)]), Some(at(50)));
    }

    #[test]
    fn an_archive_time_stamp_inside_decides_where_it_is_the_newest() {
        let inside = |made, until: Option<i64>| Reliance {
            archived_at: Some(at(made)),
            good_until: until.map(at),
            ..Reliance::default()
        };
        let around = |made, until| Reliance {
            document_time_stamp: true,
            proven_at: Some(at(made)),
            good_until: Some(at(until)),
            ..Reliance::default()
        };
        assert_eq!(good_until(&[inside(1, Some(50))]), Some(at(50)));
        assert_eq!(good_until(&[inside(1, Some(50)), inside(2, Some(20))]), Some(at(20)), "the first to go");
        assert_eq!(
            good_until(&[inside(1, Some(50)), Reliance::default()]),
            Some(at(50)),
            "the other has none"
        );
        assert_eq!(good_until(&[inside(1, None)]), None, "nothing of it ends");
        assert_eq!(good_until(&[inside(1, Some(50)), around(2, 90)]), Some(at(90)), "covered by a newer one");
        assert_eq!(good_until(&[inside(3, Some(50)), around(2, 90)]), Some(at(50)));
        assert_eq!(good_until(&[inside(3, Some(50)), Reliance::default(), around(2, 40)]), Some(at(40)));
    }
}
