//! What the time-stamps beside those on a signature's value prove: archive time-stamps, that it and its evidence existed
//! by then; content time-stamps, that it did not exist before.

use super::{
    Level, TimeStampKind,
    archive::MoreStamps,
    cms::Finding,
    inspect::{Body, Signature, Stamp},
    verdict::{Bench, Draft, earliest, latest},
    words::Key,
};
use crate::{
    base::{Sha256, UtcTime},
    trust::{Control, Distrust, Purpose, StatusItem, Trusted},
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

/// A question that was put to the court.
#[derive(Clone, Copy)]
pub(super) struct Asked {
    purpose: Purpose,
    control: Control,
    /// See [`Bench::statuses`].
    known_by: Option<(usize, UtcTime)>,
}

impl Asked {
    pub(super) fn signing(control: Control, known_by: Option<(usize, UtcTime)>) -> Self {
        Self { purpose: Purpose::Signing, control, known_by }
    }

    pub(super) fn time_stamping(control: Control, known_by: Option<(usize, UtcTime)>) -> Self {
        Self { purpose: Purpose::TimeStamping, control, known_by }
    }
}

/// A piece of evidence that the file holds.
pub(super) struct Piece {
    /// Whatever covers this revision covers it.
    from: usize,
    fingerprint: Sha256,
}

impl Bench<'_> {
    /// The level that the signature reaches, and why no higher one (ETSI EN 319 142-1 section 6).
    pub(super) fn level(
        &self,
        draft: &mut Draft,
        signature: &Signature,
        paths: &[(Asked, &Trusted)],
        control: Control,
    ) -> Level {
        let mut missing = |key: Key, what: String| draft.report.level_reasons.push(key.message(what));
        let each = |fits: &dyn Fn(&Piece) -> bool| {
            paths.iter().try_for_each(|(asked, trusted)| self.rests_on(*asked, trusted, fits))
        };
        // An archive time-stamp from before the signature protects nothing of it, even where it covers all evidence.
        let covered = self.proven_after(signature.field.revision).is_some() || !self.poe.is_empty();
        let archived = covered && each(&|piece| self.proven_since(piece).is_some()).is_ok();
        let evidence = if archived { Ok(()) } else { each(&|_| true) };
        if !control.proven {
            missing(Key::LevelT, "No time-stamp proves when the signature existed.".to_owned());
        }
        if let Err(subject) = &evidence {
            missing(
                Key::LevelLt,
                format!("The file does not hold the certificates and status evidence of {subject}."),
            );
        }
        if !archived {
            missing(
                Key::LevelLta,
                "No document or archive time-stamp covers the certificates and status evidence.".to_owned(),
            );
        }
        match (control.proven, evidence.is_ok(), archived) {
            (false, ..) => Level::B,
            (true, false, _) => Level::T,
            (true, true, false) => Level::Lt,
            (true, true, true) => Level::Lta,
        }
    }

    /// Whether a path can rest on pieces of the file that fit, and on nothing else; or the subject of the certificate for
    /// which it cannot.
    ///
    /// The verdict took the best evidence there is, and what was brought may be newer than what the file holds: then it
    /// is asked again what the file alone would have given.
    pub(super) fn rests_on(
        &self,
        asked: Asked,
        trusted: &Trusted,
        fits: &dyn Fn(&Piece) -> bool,
    ) -> Result<(), String> {
        let lacking = match self.evidence_of(trusted, None) {
            Ok(pieces) if pieces.iter().all(fits) => return Ok(()),
            Ok(_) => trusted.path().first().map(|end| end.subject().to_string()).unwrap_or_default(),
            Err(subject) => subject,
        };
        let Some(end) = trusted.path().first() else { return Err(lacking) };
        let all = self.statuses(asked.known_by).into_iter().enumerate();
        let (places, statuses): (Vec<usize>, Vec<StatusItem<'_>>) =
            all.filter(|(at, _)| self.piece(*at).is_some_and(|piece| fits(&piece))).unzip();
        // The same evidence gives the same answer, and none gives none.
        if statuses.is_empty() || statuses.len() == self.inspection.statuses.len() {
            return Err(lacking);
        }
        let anchors = self.anchors.narrowed(asked.purpose, asked.control.at, self.moment);
        let again = self.court(&anchors, &statuses).judge(end, asked.purpose, asked.control).outcome;
        let Ok(again) = again else { return Err(lacking) };
        // Where the rules ask for evidence only if there is some, it does not go away by leaving it out.
        let fewer = trusted.statuses().iter().zip(again.statuses());
        let fewer = fewer.into_iter().any(|(before, now)| now.is_empty() && !before.is_empty());
        match self.evidence_of(&again, Some(&places)) {
            Ok(pieces) if !fewer && pieces.iter().all(fits) => Ok(()),
            Ok(_) | Err(_) => Err(lacking),
        }
    }

    /// All that a path rests on, the anchor excluded, as the file holds it; or the subject of the certificate for which
    /// it does not. `places`: which of the inspection's evidence the items of the statements are, where not all were
    /// heard.
    fn evidence_of(&self, trusted: &Trusted, places: Option<&[usize]>) -> Result<Vec<Piece>, String> {
        let mut pieces = Vec::new();
        let count = trusted.path().len().saturating_sub(1);
        for (certificate, statements) in trusted.path().iter().take(count).zip(trusted.statuses()) {
            let lacking = || certificate.subject().to_string();
            let from = self.inspection.held_from(certificate).ok_or_else(lacking)?;
            pieces.push(Piece { from, fingerprint: certificate.sha256() });
            let items = statements.iter().flat_map(|one| [Some(one.item), one.delta]).flatten();
            for item in items {
                let place = places.map_or(Some(item), |places| places.get(item).copied());
                pieces.push(place.and_then(|place| self.piece(place)).ok_or_else(lacking)?);
            }
        }
        Ok(pieces)
    }

    /// A piece of status evidence, if the file holds it.
    fn piece(&self, place: usize) -> Option<Piece> {
        let held = self.inspection.statuses.get(place)?;
        Some(Piece { from: held.covered_from?, fingerprint: held.fingerprint })
    }

    /// Since when a piece of evidence in the file is proven to have existed.
    pub(super) fn proven_since(&self, piece: &Piece) -> Option<UtcTime> {
        earliest(self.proven_from(piece.from), self.poe.get(&piece.fingerprint).copied())
    }

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
            let Some((time, trusted)) = heard else { continue };
            if known.is_some_and(|known| time > latest(known)) {
                draft.out_of_order();
                continue;
            }
            if let Stamp::Token(token) = &archive.stamp {
                self.rely_on_archive(index, token, &trusted, time);
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
