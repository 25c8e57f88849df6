//! What OCSP answers say (RFC 6960).

use super::{
    Control, Court, EvidenceKind, Revocation, StatusFault, StatusItem, StatusStatement, Word,
    checks::Budget,
    path::understood,
    status::{Case, Doubt, Heard, Kind, Status, Trail, weigh},
    strength::Weakness,
};
use crate::{
    asn1::oid,
    base::UtcTime,
    crypto::policy::Use,
    ocsp::{CertStatus, Response},
    x509::{Certificate, Reasons},
};

/// How many certificates of one OCSP answer are tried as its responder's.
const MAX_RESPONDERS: usize = 8;

impl Court<'_> {
    /// Every OCSP answer of the court, about one certificate.
    pub(super) fn hear_answers(&self, case: &Case<'_>, heard: &mut Heard, budget: &mut Budget) {
        let Some(&issuer) = case.above.first() else { return };
        for (index, item) in self.statuses.iter().enumerate() {
            let Kind::Ocsp(response) = item.kind else { continue };
            if budget.step().is_none() {
                heard.doubts.push(Doubt::Weighty(StatusFault::Budget));
                break;
            }
            let mut about = response
                .singles
                .iter()
                .filter(|single| single.cert_id.names(case.certificate, issuer))
                .peekable();
            if about.peek().is_none() {
                continue;
            }
            let (signer, signer_until) = match self.responder(response, item, issuer, case, budget) {
                Ok(signer) => signer,
                Err(doubt) => {
                    heard.doubts.push(doubt);
                    continue;
                }
            };
            if !self.asked_with(item, response) {
                heard.doubts.push(Doubt::Fault(StatusFault::Nonce));
                continue;
            }
            // An answer that also says that it does not know is no good word.
            let singles: Vec<_> = about.collect();
            let unknown = singles.iter().any(|single| single.status == CertStatus::Unknown);
            if unknown {
                heard.doubts.push(Doubt::Fault(StatusFault::Unknown));
            }
            for single in singles {
                let word = match single.status {
                    CertStatus::Good if !unknown => Word::Good,
                    CertStatus::Revoked { at, reason } => Word::Revoked { at, reason },
                    CertStatus::Good | CertStatus::Unknown => continue,
                };
                heard.statements.push(StatusStatement {
                    item: index,
                    delta: None,
                    kind: EvidenceKind::Ocsp,
                    word,
                    reasons: Reasons::ALL,
                    this_update: single.this_update,
                    next_update: single.next_update,
                    produced_at: response.produced_at,
                    existed_by: item.existed_by,
                    knows_expired_since: single.archive_cutoff,
                    signer: signer.clone(),
                    signer_until,
                });
            }
        }
    }

    /// Whether the answer is the one to our question (RFC 6960 section 4.4.1).
    fn asked_with(&self, item: &StatusItem<'_>, response: &Response) -> bool {
        match (item.nonce, &response.nonce) {
            (None, _) => true,
            (Some(asked), Some(repeated)) => asked == repeated,
            (Some(_), None) => !self.rules.nonce_required,
        }
    }

    /// Who signed the answer, the issuer or a responder that the issuer itself authorised (RFC 6960 section 4.2.2.2);
    /// and when the first certificate that this rests on expires.
    fn responder(
        &self,
        response: &Response,
        item: &StatusItem<'_>,
        issuer: &Certificate,
        case: &Case<'_>,
        budget: &mut Budget,
    ) -> Result<(Certificate, UtcTime), Doubt> {
        let question = self.strength(Use::Revocation, item.existed_by);
        let weak = |weakness: Weakness| Doubt::Fault(StatusFault::Weak { what: weakness.what });
        let scheme = question.scheme(&response.signature_algorithm).map_err(weak)?;
        let signed_by = |key: &Certificate, budget: &mut Budget| {
            self.checks
                .holds(key.spki_der(), scheme, &response.tbs_der, None, &response.signature, budget)
                .ok_or(Doubt::Weighty(StatusFault::Budget))
        };
        if response.responder_id.names(issuer) && signed_by(issuer, budget)? {
            question.signed(scheme, issuer).map_err(weak)?;
            return Ok((issuer.clone(), issuer.not_after()));
        }
        if !case.trail.delegates {
            return Err(Doubt::Fault(StatusFault::NotAuthorized));
        }
        let mut best = Doubt::Fault(StatusFault::NotAuthorized);
        let brought = response.certificates.iter().chain(self.pool);
        let named = brought.filter(|candidate| response.responder_id.names(candidate));
        for candidate in named.take(MAX_RESPONDERS) {
            let authorized =
                candidate.extended_key_usage().is_some_and(|(_, uses)| uses.contains(&oid::KP_OCSP_SIGNING));
            let usable =
                candidate.key_usage().is_none_or(|usage| usage.digital_signature || usage.non_repudiation);
            if !authorized || !usable || understood(candidate, 0).is_err() {
                continue;
            }
            match self.checks.issued(candidate, issuer, budget) {
                None => return Err(Doubt::Weighty(StatusFault::Budget)),
                Some(false) => continue,
                Some(true) => {}
            }
            if !signed_by(candidate, budget)? {
                best = Doubt::Fault(StatusFault::Signature);
                continue;
            }
            question.signed(scheme, candidate).map_err(weak)?;
            match self.delegate_holds(candidate, response.produced_at, item, case, budget) {
                Ok(()) => return Ok((candidate.clone(), issuer.not_after().min(candidate.not_after()))),
                Err(doubt) => best = doubt,
            }
        }
        Err(best)
    }

    /// Strength, validity and status of a responder's own certificate.
    fn delegate_holds(
        &self,
        delegate: &Certificate,
        produced_at: UtcTime,
        item: &StatusItem<'_>,
        case: &Case<'_>,
        budget: &mut Budget,
    ) -> Result<(), Doubt> {
        self.bears(delegate, case.above.first().copied(), produced_at, item)?;
        if delegate.has_extension(oid::OCSP_NOCHECK) {
            return Ok(());
        }
        let trail = Trail { asked: Some((case.certificate, &case.trail)), delegates: false };
        let own = Case { certificate: delegate, above: case.above, moment: case.moment, trail };
        let control = Control { at: produced_at, proven: false, moment: case.moment };
        match weigh(self.hear(&own, budget), delegate, control, &self.rules.freshness) {
            Status::Good(_) => Ok(()),
            Status::Unknown(faults)
                if faults.is_empty() && self.rules.revocation == Revocation::IfPresent =>
            {
                Ok(())
            }
            Status::Revoked { .. } | Status::Unknown(_) | Status::Unproven => {
                Err(Doubt::Fault(StatusFault::ResponderStatus))
            }
        }
    }
}
