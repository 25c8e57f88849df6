//! The level that a signature reaches (ETSI EN 319 142-1 section 6): what the file itself holds decides, not what was
//! brought to judge it.

use super::{
    Level,
    inspect::Signature,
    verdict::{Bench, Draft, earliest},
    words::Key,
};
use crate::{
    base::{Sha256, UtcTime},
    trust::{Control, StatusStatement, Trusted, Word},
    x509::Certificate,
};

/// A piece of evidence that the file holds.
#[derive(Clone, Copy)]
struct Held {
    /// Whatever covers this revision covers it.
    from: usize,
    fingerprint: Sha256,
}

impl Bench<'_> {
    /// The level that the signature reaches, and why no higher one.
    ///
    /// `stamps`: its time-stamps, with the times that they prove.
    pub(super) fn level(
        &self,
        draft: &mut Draft,
        signature: &Signature,
        trusted: &Trusted,
        stamps: &[(UtcTime, Box<Trusted>)],
        control: Control,
    ) -> Level {
        let mut missing = |key: Key, what: String| draft.report.level_reasons.push(key.message(what));
        let paths = stamps.iter().map(|(time, trusted)| (&**trusted, *time));
        let evidence: Result<Vec<Vec<Held>>, String> = std::iter::once((trusted, control.at))
            .chain(paths)
            .map(|(trusted, at)| self.evidence_of(trusted, at))
            .collect();
        // An archive time-stamp from before the signature protects nothing of it, even where it covers all evidence.
        let covered = self.proven_after(signature.field.revision).is_some() || !self.poe.is_empty();
        let archived = covered
            && evidence.as_ref().is_ok_and(|evidence| {
                evidence.iter().flatten().all(|held| self.proven_since(*held).is_some())
            });
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

    /// All that a path needs at the time of what it signed, the anchor excluded, as the file holds it; or the subject of
    /// the certificate for which it does not.
    ///
    /// The verdict may rest on newer evidence that was brought, or that the file holds and no time-stamp covers. What
    /// counts here is whether it could have done without.
    fn evidence_of(&self, trusted: &Trusted, at: UtcTime) -> Result<Vec<Held>, String> {
        let mut pieces = Vec::new();
        let count = trusted.path().len().saturating_sub(1);
        let steps = trusted.path().iter().take(count).zip(trusted.statuses());
        for (index, (certificate, statements)) in steps.enumerate() {
            let lacking = || certificate.subject().to_string();
            let from = self.inspection.held_from(certificate).ok_or_else(lacking)?;
            pieces.push(Held { from, fingerprint: certificate.sha256() });
            let chosen = self.held(statements);
            let proven = |held: &Vec<Held>| held.iter().all(|one| self.proven_since(*one).is_some());
            let best = match chosen {
                // Without any proof, none is better proven.
                Some(chosen) if proven(&chosen) || (self.poe.is_empty() && !self.is_archived()) => chosen,
                chosen => {
                    let others = self.others(trusted, index, certificate, at);
                    let archived = others.iter().find(|held| proven(held)).cloned();
                    archived.or(chosen).or_else(|| others.into_iter().next()).ok_or_else(lacking)?
                }
            };
            pieces.extend(best);
        }
        Ok(pieces)
    }

    /// Where the file holds the evidence of these statements; `None` when it does not hold all of it.
    fn held(&self, statements: &[StatusStatement]) -> Option<Vec<Held>> {
        let items = statements.iter().flat_map(|one| [Some(one.item), one.delta]).flatten();
        let held = items.map(|item| {
            let held = self.inspection.statuses.get(item)?;
            Some(Held { from: held.covered_from?, fingerprint: held.fingerprint })
        });
        held.collect()
    }

    /// Other evidence in the file that says of a certificate of the path that it was good at that time.
    fn others(
        &self,
        trusted: &Trusted,
        index: usize,
        certificate: &Certificate,
        at: UtcTime,
    ) -> Vec<Vec<Held>> {
        let statuses = self.statuses(None);
        let court = self.court(self.anchors, &statuses);
        let (statements, _) = court.statements(trusted.path(), index, self.moment);
        let good = statements.iter().filter(|one| {
            let until = one.holds_until(&self.rules.freshness).unwrap_or(one.this_update);
            one.word == Word::Good
                && one.reasons.is_all()
                && one.knows(certificate)
                && one.existed_by <= one.signer_until
                && one.this_update.max(until) >= at
        });
        good.filter_map(|one| self.held(std::slice::from_ref(one))).collect()
    }

    /// Whether any document time-stamp proves anything.
    fn is_archived(&self) -> bool {
        self.proven_from(0).is_some()
    }

    /// Since when a piece of evidence in the file is proven to have existed.
    fn proven_since(&self, held: Held) -> Option<UtcTime> {
        earliest(self.proven_from(held.from), self.poe.get(&held.fingerprint).copied())
    }
}
