//! What is known of the status of one certificate, and what it amounts to (RFC 5280 section 6.3, RFC 6960).
//!
//! First everything that speaks of the certificate is heard and authenticated, whatever its time: [`StatusStatement`].
//! Then it is weighed for a control time. One statement of revocation outweighs any number of good ones, and a doubt is
//! never good.

use jiff::SignedDuration;

use super::{
    Control, Court, Freshness, StatusItem,
    checks::Budget,
    path::{in_validity, strong},
    strength::Question,
};
use crate::{
    base::UtcTime,
    crypto::policy::Use,
    ocsp::Response,
    x509::{Certificate, Crl, Reasons},
};

/// How far another machine's clock may be ahead of ours.
pub const SKEW: SignedDuration = SignedDuration::from_mins(5);

/// Why a piece of evidence about a certificate does not count.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StatusFault {
    /// Its nextUpdate, or the age that stands in for it, is before the control time.
    #[error("what there is was good only until {until}")]
    Stale {
        /// The end of its use.
        until: UtcTime,
    },
    /// thisUpdate or producedAt is after the moment of validation.
    #[error("it bears a time in the future, {time}")]
    Future {
        /// That time.
        time: UtcTime,
    },
    /// It was made after the certificate expired; authorities forget expired certificates.
    #[error("it was made on {time}, after the certificate had expired")]
    AfterExpiry {
        /// thisUpdate.
        time: UtcTime,
    },
    /// A revocation list must say when the next one comes (RFC 5280 section 5.1.2.5).
    #[error("the revocation list does not say until when it holds")]
    NoNextUpdate,
    /// nextUpdate is before thisUpdate.
    #[error("its times contradict each other")]
    Times,
    /// SHA-1 or a short key.
    #[error("it is signed with {what}, which is too weak")]
    Weak {
        /// Such as `SHA-1`.
        what: String,
    },
    /// The signature does not fit.
    #[error("its signature is wrong")]
    Signature,
    /// Signed by neither the issuer nor somebody that the issuer authorised (RFC 6960 section 4.2.2.2; RFC 5280
    /// section 6.3.3 f).
    #[error("its signer is not authorised by the issuer")]
    NotAuthorized,
    /// The responder's certificate has no nocheck, and its own status is unknown or bad.
    #[error("the status of the responder's own certificate is not known to be good")]
    ResponderStatus,
    /// No path leads from the signer of a revocation list to the anchor of the certificate, or one that does not hold.
    #[error("the signer of the revocation list cannot be relied on: {why}")]
    ListSigner {
        /// What is wrong with its path or status.
        why: String,
    },
    /// The revocation list is of other certificates: of authorities only, of another distribution point.
    #[error("the revocation list does not cover the certificate")]
    OutOfScope,
    /// The revocation lists together leave some reasons out (RFC 5280 section 6.3.3).
    #[error("the revocation lists do not cover all reasons for a revocation")]
    SomeReasons,
    /// A delta list without the complete list that it continues.
    #[error("a delta revocation list is there without the list that it continues")]
    NoBase,
    /// The revocation list must not be used: unknown critical extensions, or a contradiction in itself.
    #[error("the revocation list cannot be used: {what}")]
    Limited {
        /// What stands against it.
        what: String,
    },
    /// A list that must not be used, or that does not cover the certificate, names it all the same.
    #[error("a revocation list that does not count names the certificate: {what}")]
    Named {
        /// Why it does not count.
        what: String,
    },
    /// The answer repeats another nonce than the one it was asked with, or none where one is required.
    #[error("the answer does not repeat the nonce of the question")]
    Nonce,
    /// OCSP status `unknown`.
    #[error("the responder does not know the certificate")]
    Unknown,
    /// Too many signature checks. What was not looked at might say that the certificate was revoked.
    #[error("there is too much evidence to look through")]
    Budget,
}

/// What kind of evidence a statement comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EvidenceKind {
    /// A revocation list, perhaps with a delta list.
    Crl,
    /// An OCSP answer.
    Ocsp,
}

/// What a statement says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    /// Not revoked, as far as the statement's reasons go.
    Good,
    /// Revoked.
    Revoked {
        /// From when on.
        at: UtcTime,
        /// CRLReason, RFC 5280 section 5.3.1.
        reason: Option<u8>,
    },
}

/// One authentic statement about one certificate, not yet weighed for any time.
#[derive(Clone, Debug)]
pub struct StatusStatement {
    /// Which of the court's evidence it comes from.
    pub item: usize,
    /// Which of the court's evidence is the delta list that continues it.
    pub delta: Option<usize>,
    /// List or answer.
    pub kind: EvidenceKind,
    /// What it says.
    pub word: Word,
    /// The reasons for which it would say if the certificate were revoked.
    pub reasons: Reasons,
    /// When it was known to be so. With a delta list, that one's.
    pub this_update: UtcTime,
    /// When newer word will be there at the latest.
    pub next_update: Option<UtcTime>,
    /// When it was signed; for a list, thisUpdate.
    pub produced_at: UtcTime,
    /// It is proven to have existed at this time.
    pub existed_by: UtcTime,
    /// Certificates that expired at this time or later are still known to its maker (archiveCutoff, expiredCertsOnCRL).
    pub knows_expired_since: Option<UtcTime>,
    /// Whose key signed it.
    pub signer: Certificate,
    /// When the first certificate that its signature rests on expires.
    pub signer_until: UtcTime,
}

impl StatusStatement {
    /// Until when it stands for the present, by its own word or by the policy on freshness. `None` where a list does
    /// not say.
    pub fn holds_until(&self, freshness: &Freshness) -> Option<UtcTime> {
        let add = |time: UtcTime, span| time.saturating_add(span).unwrap_or(UtcTime::MAX);
        let own = match (self.next_update, self.kind) {
            (Some(next), _) => next,
            (None, EvidenceKind::Ocsp) => add(self.this_update, freshness.without_next_update),
            (None, EvidenceKind::Crl) => return None,
        };
        let aged = freshness.max_age.map(|age| add(self.this_update, age));
        Some(aged.map_or(own, |aged| aged.min(own)))
    }

    /// Whether its maker still knew the certificate, which it may forget once that has expired.
    pub fn knows(&self, certificate: &Certificate) -> bool {
        self.this_update <= certificate.not_after()
            || self.knows_expired_since.is_some_and(|since| since <= certificate.not_after())
    }

    /// Whether it counts for the control time.
    ///
    /// A revocation counts however old the statement is. A good word counts if it was made at the control time or
    /// later, or still held then; if its maker still knew the certificate; and if it is proven to be older than the
    /// end of its signer's certificate.
    fn counts(
        &self,
        certificate: &Certificate,
        control: Control,
        freshness: &Freshness,
    ) -> Result<(), Doubt> {
        let latest = control.moment.saturating_add(SKEW).unwrap_or(control.moment);
        if let Some(time) = [self.this_update, self.produced_at].into_iter().find(|time| *time > latest) {
            return Err(Doubt::Fault(StatusFault::Future { time }));
        }
        if matches!(self.word, Word::Revoked { .. }) {
            return Ok(());
        }
        if self.existed_by > self.signer_until {
            return Err(Doubt::Unproven);
        }
        if self.next_update.is_some_and(|next| next < self.this_update) {
            return Err(Doubt::Fault(StatusFault::Times));
        }
        if !self.knows(certificate) {
            return Err(Doubt::Fault(StatusFault::AfterExpiry { time: self.this_update }));
        }
        let Some(until) = self.holds_until(freshness) else {
            return Err(Doubt::Fault(StatusFault::NoNextUpdate));
        };
        if self.this_update >= control.at || until >= control.at {
            Ok(())
        } else {
            Err(Doubt::Fault(StatusFault::Stale { until }))
        }
    }
}

/// Why a statement does not count, or evidence makes none.
#[derive(Clone, Debug)]
pub(super) enum Doubt {
    Fault(StatusFault),
    /// Its signer's certificate ended before it is proven to have existed.
    Unproven,
    /// Not to be relied on, but enough to outweigh a good word.
    Weighty(StatusFault),
}

/// What all evidence together says.
pub(super) enum Status {
    /// With the statements that show it.
    Good(Vec<StatusStatement>),
    Revoked {
        at: UtcTime,
        reason: Option<u8>,
        by: StatusStatement,
    },
    /// Without any fault: nothing speaks of the certificate.
    Unknown(Vec<StatusFault>),
    /// There is evidence, but its signer's certificate ended before it is proven to have existed.
    Unproven,
}

/// Everything that speaks of one certificate.
#[derive(Default)]
pub(super) struct Heard {
    pub(super) statements: Vec<StatusStatement>,
    pub(super) doubts: Vec<Doubt>,
    /// Pairs of a complete list and a delta list that takes its hold back.
    pub(super) lifted: Vec<(usize, usize)>,
}

/// A piece of evidence as received and read.
#[derive(Clone, Copy)]
pub(super) enum Kind<'a> {
    Crl(&'a Crl),
    Ocsp(&'a Response),
}

/// A certificate whose status is asked for.
#[derive(Clone, Copy)]
pub(super) struct Case<'c> {
    pub(super) certificate: &'c Certificate,
    /// Those above it, the issuer first, the anchor last.
    pub(super) above: &'c [&'c Certificate],
    pub(super) moment: UtcTime,
    /// What led to the question.
    pub(super) trail: Trail<'c>,
}

/// Whose status is being asked for, to get whose status, and so on.
#[derive(Clone, Copy)]
pub(super) struct Trail<'c> {
    pub(super) asked: Option<(&'c Certificate, &'c Trail<'c>)>,
    /// Whether OCSP answers may be signed by a responder that the issuer authorised.
    pub(super) delegates: bool,
}

impl Trail<'_> {
    /// Nothing led to it.
    pub(super) const START: Trail<'static> = Trail { asked: None, delegates: true };

    pub(super) fn contains(&self, certificate: &Certificate) -> bool {
        self.asked
            .is_some_and(|(asked, before)| asked.der() == certificate.der() || before.contains(certificate))
    }

    pub(super) fn len(&self) -> usize {
        self.asked.map_or(0, |(_, before)| 1 + before.len())
    }
}

impl<'c> Case<'c> {
    /// The certificate at `index` of a chain; `None` for the anchor.
    pub(super) fn of(chain: &'c [&'c Certificate], index: usize, moment: UtcTime) -> Option<Self> {
        let certificate = *chain.get(index)?;
        let above = chain.get(index + 1..)?;
        (!above.is_empty()).then_some(Self { certificate, above, moment, trail: Trail::START })
    }
}

impl Court<'_> {
    /// The status of a certificate by all evidence that its issuer stands behind.
    pub(super) fn status(&self, case: &Case<'_>, control: Control, budget: &mut Budget) -> Status {
        let heard = self.hear(case, budget);
        weigh(heard, case.certificate, control, &self.rules.freshness)
    }

    /// Everything authentic about a certificate.
    pub(super) fn hear(&self, case: &Case<'_>, budget: &mut Budget) -> Heard {
        let mut heard = Heard::default();
        self.hear_lists(case, &mut heard, budget);
        self.hear_answers(case, &mut heard, budget);
        heard
    }

    /// A question about algorithms, for evidence proven to have existed at `at`.
    pub(super) fn strength(&self, purpose: Use, at: UtcTime) -> Question<'_> {
        Question { rules: self.rules, purpose, at }
    }

    /// Strength, validity and proof of existence of a certificate that evidence rests on, which is not on the path.
    pub(super) fn bears(
        &self,
        certificate: &Certificate,
        issuer: Option<&Certificate>,
        signed_at: UtcTime,
        item: &StatusItem<'_>,
    ) -> Result<(), Doubt> {
        let index = 0;
        let question = self.strength(Use::Certificate, item.existed_by);
        if let Err(weak) = strong(certificate, issuer, index, question) {
            return Err(Doubt::Fault(StatusFault::Weak { what: weak.to_string() }));
        }
        if in_validity(certificate, index, signed_at).is_err() {
            return Err(Doubt::Fault(StatusFault::NotAuthorized));
        }
        if item.existed_by > certificate.not_after() { Err(Doubt::Unproven) } else { Ok(()) }
    }
}

/// What everything heard amounts to at the control time.
pub(super) fn weigh(
    heard: Heard,
    certificate: &Certificate,
    control: Control,
    freshness: &Freshness,
) -> Status {
    let mut faults: Vec<StatusFault> = Vec::new();
    let (mut unproven, mut doubted) = (false, false);
    let mut note = |doubt: Doubt| match doubt {
        Doubt::Unproven => unproven = true,
        Doubt::Fault(fault) | Doubt::Weighty(fault) if faults.contains(&fault) => {}
        Doubt::Fault(fault) => faults.push(fault),
        Doubt::Weighty(fault) => {
            doubted = true;
            faults.push(fault);
        }
    };
    heard.doubts.into_iter().for_each(&mut note);
    let (mut good, mut revoked) = (Vec::new(), Vec::new());
    for statement in heard.statements {
        match (statement.counts(certificate, control, freshness), statement.word) {
            (Err(doubt), _) => note(doubt),
            (Ok(()), Word::Good) => good.push(statement),
            (Ok(()), Word::Revoked { at, reason }) => revoked.push((at, reason, statement)),
        }
    }
    // A hold that a delta list takes back, if that one counts by itself.
    let lifted = |base: usize| {
        let by = heard.lifted.iter().filter(|(complete, _)| *complete == base).map(|(_, delta)| *delta);
        by.into_iter().any(|delta| good.iter().any(|one| one.item == base && one.delta == Some(delta)))
    };
    let revoked = revoked.into_iter().filter(|(_, _, by)| by.delta.is_some() || !lifted(by.item));
    if let Some((at, reason, by)) = revoked.min_by_key(|(at, ..)| *at) {
        return Status::Revoked { at, reason, by };
    }
    if doubted {
        return Status::Unknown(faults);
    }
    // The newest word that covers everything, else all that cover it together.
    let whole = good.iter().filter(|one| one.reasons.is_all()).max_by_key(|one| one.this_update).cloned();
    if let Some(whole) = whole {
        return Status::Good(vec![whole]);
    }
    if good.iter().fold(Reasons::NONE, |sum, one| sum | one.reasons).is_all() {
        return Status::Good(good);
    }
    if !good.is_empty() {
        faults.push(StatusFault::SomeReasons);
        return Status::Unknown(faults);
    }
    if unproven { Status::Unproven } else { Status::Unknown(faults) }
}
