//! What the time-stamps beside those on a signature's value prove: archive time-stamps, that it and its evidence existed
//! by then; content time-stamps, that it did not exist before.

use super::{
    TimeStampKind,
    archive::MoreStamps,
    cms::Finding,
    inspect::{Body, Signature, Stamp},
    verdict::{Bench, Draft, earliest, latest},
    words::Key,
};
use crate::{
    base::{Sha256, UtcTime},
    trust::Distrust,
};

/// The time-stamps that a signature carries.
#[derive(Clone, Copy)]
pub(super) struct Carried<'a> {
    /// On its value.
    pub(super) stamps: &'a [Stamp],
    pub(super) more: &'a MoreStamps,
}

impl Carried<'_> {
    /// By which archive time-stamps know those on the value, in their order.
    pub(super) fn fingerprints(self, signature: &Signature) -> Vec<Sha256> {
        let data = match &signature.body {
            Body::Cms { data, .. } => data,
            Body::Xml(body) => return body.fingerprints.clone(),
            Body::TimeStamp(_) | Body::None => return Vec::new(),
        };
        let tokens = data.signer_infos.iter().take(1).flat_map(|signer| &signer.time_stamp_tokens);
        tokens.map(|token| Sha256::of(token)).collect()
    }
}

impl Bench<'_> {
    /// The earliest time at which the signature is proven to have existed by what lies around or over it: document
    /// time-stamps, and its own archive time-stamps (ETSI EN 319 102-1 section 5.6.3).
    ///
    /// Each archive time-stamp that holds proves what its index covers, older archive time-stamps among it, and so the
    /// newest comes first. What goes in no index is proven by none.
    pub(super) fn archived(
        &mut self,
        index: usize,
        signature: &Signature,
        more: &MoreStamps,
        draft: &mut Draft,
    ) -> Option<UtcTime> {
        if !more.unused.is_empty() {
            let what = format!("Not judged, and proving nothing: {}.", more.unused.join(", "));
            draft.warnings.push(Key::AttributeUnused.message(what));
        }
        let around = self.proven_after(signature.field.revision);
        let mut proven = Vec::new();
        for archive in &more.archive {
            let known = earliest(around, self.poe.get(&archive.fingerprint).copied());
            let heard = self.heard(&archive.stamp, TimeStampKind::Archive, known, index, draft);
            let Some((time, _)) = heard else { continue };
            if known.is_some_and(|known| time > latest(known)) {
                draft.out_of_order();
                continue;
            }
            for covered in &archive.covers {
                self.poe.entry(*covered).and_modify(|known| *known = time.min(*known)).or_insert(time);
            }
            proven.push((archive.fingerprint, time));
        }
        // One that says it is older may cover one that says it is younger: then one of them is wrong.
        let contradicted = |(fingerprint, time): &(Sha256, UtcTime)| {
            self.poe.get(fingerprint).is_some_and(|known| *time > latest(*known))
        };
        if proven.iter().any(contradicted) {
            draft.out_of_order();
        }
        earliest(around, proven.into_iter().map(|(_, time)| time).min())
    }

    /// The latest time before which the signature cannot have been made, by the time-stamps on its content.
    ///
    /// `best`: when it is proven to have existed, and they with it.
    pub(super) fn made_after(
        &mut self,
        index: usize,
        more: &MoreStamps,
        best: Option<UtcTime>,
        draft: &mut Draft,
    ) -> Option<UtcTime> {
        let mut since = None;
        for stamp in &more.content {
            let heard = self.heard(stamp, TimeStampKind::Content, best, index, draft);
            let Some((time, _)) = heard else { continue };
            if best.is_some_and(|best| time > latest(best)) {
                // ETSI EN 319 102-1 section 5.5.4: the content cannot be younger than the signature.
                draft.out_of_order();
                continue;
            }
            since = since.max(Some(time));
        }
        since
    }
}

impl Draft {
    /// Time-stamps contradict each other.
    pub(super) fn out_of_order(&mut self) {
        let finding = Finding::open("TIMESTAMP_ORDER_FAILURE", Key::TimeStampOrder.plain());
        self.findings.push(finding);
    }

    /// The signer's certificate had ended, or was revoked, before the signature can have been made: no proof can help any
    /// more (ETSI EN 319 102-1 section 5.3.4).
    pub(super) fn made_too_late(&mut self, distrust: &Distrust, since: Option<UtcTime>) {
        let Some(since) = since else { return };
        match distrust {
            Distrust::Expired { index: 0, subject, not_after, .. } if since > *not_after => {
                let message = Key::CertificateExpiredBefore.message(format!(
                    "The content was time-stamped at {since}, before it was signed; the certificate of {subject} had \
                     ended at {not_after}."
                ));
                self.findings.push(Finding::fatal("EXPIRED", message));
            }
            Distrust::Revoked { index: 0, subject, at, authority: false, .. } if since > *at => {
                let message = Key::CertificateRevoked.message(format!(
                    "The content was time-stamped at {since}, before it was signed; the certificate of {subject} had been \
                     revoked at {at}."
                ));
                self.findings.push(Finding::fatal("REVOKED", message));
            }
            _ => {}
        }
    }
}
