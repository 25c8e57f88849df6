//! What revocation lists and OCSP answers say about one certificate (RFC 5280 section 6.3, RFC 6960).

use jiff::SignedDuration;

use super::{
    Control, Court, StatusItem,
    path::{Budget, in_validity, strong_key, strong_signature, understood},
};
use crate::{
    asn1::{Reader, Tag, oid},
    base::{DigestAlgorithm, UtcTime},
    ocsp::{CertStatus, ResponderId, Response},
    x509::{Certificate, Crl, algorithm::SignatureScheme},
};

/// How long an OCSP answer without nextUpdate is taken as the present state.
///
/// RFC 6960 section 4.2.2.1: such a responder always has something newer, so an hour is generous.
pub const MAX_AGE_WITHOUT_NEXT_UPDATE: SignedDuration = SignedDuration::from_hours(1);

/// How far another machine's clock may be ahead of ours.
pub const SKEW: SignedDuration = SignedDuration::from_mins(5);

/// How many certificates of one OCSP answer are tried as its responder's.
const MAX_RESPONDERS: usize = 8;

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
    /// Signed by neither the issuer nor a responder that the issuer authorised (RFC 6960 section 4.2.2.2).
    #[error("its signer is not authorised by the issuer")]
    NotAuthorized,
    /// The responder's certificate has no nocheck, and its own status is unknown or bad.
    #[error("the status of the responder's own certificate is not known to be good")]
    ResponderStatus,
    /// A delta, indirect or partitioned list.
    #[error("the revocation list is of a kind that is not supported yet: {what}")]
    Limited {
        /// Which kind.
        what: String,
    },
    /// A delta, indirect or partitioned list names the certificate, or one of the same number.
    #[error("a revocation list of a kind that is not supported yet names the certificate: {what}")]
    Named {
        /// Which kind.
        what: String,
    },
    /// OCSP status `unknown`.
    #[error("the responder does not know the certificate")]
    Unknown,
    /// Too many signature checks.
    #[error("there is too much evidence to look through")]
    Budget,
}

/// What all evidence together says.
pub(super) enum Status {
    Good,
    Revoked {
        at: UtcTime,
        reason: Option<u8>,
    },
    Unknown(Vec<StatusFault>),
    /// There is evidence, but its signer's certificate ended before it is proven to have existed.
    Unproven,
}

/// What one piece of evidence says.
enum Statement {
    /// Not to be relied on, but enough to outweigh a good word.
    Doubt(StatusFault),
    Good,
    Revoked {
        at: UtcTime,
        reason: Option<u8>,
    },
    Fault(StatusFault),
    NotAbout,
    Unproven,
}

/// A piece of evidence as received and read.
#[derive(Clone, Copy)]
pub(super) enum Kind<'a> {
    Crl(&'a Crl),
    Ocsp(&'a Response),
}

impl Court<'_> {
    /// The status of `certificate` by all evidence that `issuer` stands behind.
    ///
    /// One statement of revocation outweighs any number of good ones; so does the doubt that a partial list casts.
    pub(super) fn status(
        &self,
        certificate: &Certificate,
        issuer: &Certificate,
        control: Control,
        budget: &mut Budget,
    ) -> Status {
        self.gather(certificate, issuer, control, true, budget)
    }

    /// `delegates`: whether OCSP answers may be signed by a responder that the issuer authorised. Its own status
    /// is asked without, which bounds the recursion.
    fn gather(
        &self,
        certificate: &Certificate,
        issuer: &Certificate,
        control: Control,
        delegates: bool,
        budget: &mut Budget,
    ) -> Status {
        let mut faults = Vec::new();
        let (mut good, mut unproven, mut doubted) = (false, false, false);
        let mut revoked: Option<(UtcTime, Option<u8>)> = None;
        for item in self.statuses {
            let statement = match item.kind {
                Kind::Crl(crl) => self.crl_says(crl, item, certificate, issuer, control, budget),
                Kind::Ocsp(response) => {
                    self.ocsp_says(response, item, certificate, issuer, control, delegates, budget)
                }
            };
            match statement {
                Statement::Doubt(fault) => {
                    doubted = true;
                    faults.push(fault);
                }
                Statement::Good => good = true,
                Statement::Unproven => unproven = true,
                Statement::NotAbout => {}
                Statement::Fault(fault) if faults.contains(&fault) => {}
                Statement::Fault(fault) => faults.push(fault),
                Statement::Revoked { at, reason } => {
                    if revoked.is_none_or(|(earliest, _)| at < earliest) {
                        revoked = Some((at, reason));
                    }
                }
            }
        }
        match revoked {
            Some((at, reason)) => Status::Revoked { at, reason },
            None if doubted => Status::Unknown(faults),
            None if good => Status::Good,
            None if unproven => Status::Unproven,
            None => Status::Unknown(faults),
        }
    }

    fn crl_says(
        &self,
        crl: &Crl,
        item: &StatusItem<'_>,
        certificate: &Certificate,
        issuer: &Certificate,
        control: Control,
        budget: &mut Budget,
    ) -> Statement {
        if !crl.issuer().matches(issuer.subject()) {
            return Statement::NotAbout;
        }
        if issuer.key_usage().is_some_and(|usage| !usage.crl_sign) {
            return Statement::Fault(StatusFault::NotAuthorized);
        }
        let scheme = match strong_scheme(SignatureScheme::from_identifier(crl.signature_algorithm(), None)) {
            Ok(scheme) => scheme,
            Err(fault) => return Statement::Fault(fault),
        };
        match self.checks.holds(issuer.spki_der(), scheme, crl.tbs_der(), crl.signature(), budget) {
            None => return Statement::Fault(StatusFault::Budget),
            Some(false) => return Statement::Fault(StatusFault::Signature),
            Some(true) => {}
        }
        if let Some(what) = crl.limited() {
            let what = what.to_owned();
            // Such a list cannot clear anybody, but one that it names is not cleared by others either.
            return match crl.entry(certificate.serial()) {
                Some(_) => Statement::Doubt(StatusFault::Named { what }),
                None => Statement::Fault(StatusFault::Limited { what }),
            };
        }
        let times = Times {
            this_update: crl.this_update(),
            next_update: crl.next_update(),
            produced_at: crl.this_update(),
            may_lack_next: false,
        };
        let verdict = match crl.entry(certificate.serial()) {
            Some(entry) => Verdict::Revoked { at: entry.at, reason: entry.reason },
            None => Verdict::Good,
        };
        conclude(verdict, &times, item, certificate, issuer, control)
    }

    #[expect(clippy::too_many_arguments, reason = "one question with all that it rests on")]
    fn ocsp_says(
        &self,
        response: &Response,
        item: &StatusItem<'_>,
        certificate: &Certificate,
        issuer: &Certificate,
        control: Control,
        delegates: bool,
        budget: &mut Budget,
    ) -> Statement {
        let mut about =
            response.singles.iter().filter(|single| single.cert_id.names(certificate, issuer)).peekable();
        if about.peek().is_none() {
            return Statement::NotAbout;
        }
        match self.responder(response, item, issuer, control, delegates, budget) {
            Ok(()) => {}
            Err(statement) => return statement,
        }
        let mut said = Statement::NotAbout;
        for single in about {
            let times = Times {
                this_update: single.this_update,
                next_update: single.next_update,
                produced_at: response.produced_at,
                may_lack_next: true,
            };
            let verdict = match single.status {
                CertStatus::Good => Verdict::Good,
                CertStatus::Revoked { at, reason } => Verdict::Revoked { at, reason },
                CertStatus::Unknown => return Statement::Fault(StatusFault::Unknown),
            };
            let statement = conclude(verdict, &times, item, certificate, issuer, control);
            // One answer with several statements about one certificate: the worst of them counts.
            said = match (said, statement) {
                (Statement::NotAbout | Statement::Good, next) => next,
                (earlier @ Statement::Revoked { .. }, _) => earlier,
                (_, next @ Statement::Revoked { .. }) => next,
                (earlier, _) => earlier,
            };
        }
        said
    }

    /// Whether the answer is signed by the issuer, or by a responder that the issuer itself authorised
    /// (RFC 6960 section 4.2.2.2).
    fn responder(
        &self,
        response: &Response,
        item: &StatusItem<'_>,
        issuer: &Certificate,
        control: Control,
        delegates: bool,
        budget: &mut Budget,
    ) -> Result<(), Statement> {
        let scheme = strong_scheme(SignatureScheme::from_identifier(&response.signature_algorithm, None))
            .map_err(Statement::Fault)?;
        let signed_by = |key: &Certificate, budget: &mut Budget| {
            self.checks
                .holds(key.spki_der(), scheme, &response.tbs_der, &response.signature, budget)
                .ok_or(Statement::Fault(StatusFault::Budget))
        };
        if is_responder(&response.responder_id, issuer) && signed_by(issuer, budget)? {
            return Ok(());
        }
        if !delegates {
            return Err(Statement::Fault(StatusFault::NotAuthorized));
        }
        let mut best = Statement::Fault(StatusFault::NotAuthorized);
        let brought = response.certificates.iter().chain(self.pool);
        let named = brought.filter(|candidate| is_responder(&response.responder_id, candidate));
        for candidate in named.take(MAX_RESPONDERS) {
            let authorized =
                candidate.extended_key_usage().is_some_and(|(_, uses)| uses.contains(&oid::KP_OCSP_SIGNING));
            let usable =
                candidate.key_usage().is_none_or(|usage| usage.digital_signature || usage.non_repudiation);
            if !authorized || !usable || understood(candidate).is_err() {
                continue;
            }
            match self.checks.issued(candidate, issuer, budget) {
                None => return Err(Statement::Fault(StatusFault::Budget)),
                Some(false) => continue,
                Some(true) => {}
            }
            if !signed_by(candidate, budget)? {
                best = Statement::Fault(StatusFault::Signature);
                continue;
            }
            match self.delegate_holds(candidate, response.produced_at, item, issuer, control, budget) {
                Ok(()) => return Ok(()),
                Err(statement) => best = statement,
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
        issuer: &Certificate,
        control: Control,
        budget: &mut Budget,
    ) -> Result<(), Statement> {
        if let Err(weak) = strong_key(delegate).and_then(|()| strong_signature(delegate)) {
            return Err(Statement::Fault(StatusFault::Weak { what: weak.to_string() }));
        }
        if in_validity(delegate, produced_at).is_err() {
            return Err(Statement::Fault(StatusFault::NotAuthorized));
        }
        if item.existed_by > delegate.not_after() {
            return Err(Statement::Unproven);
        }
        if delegate.has_extension(oid::OCSP_NOCHECK) {
            return Ok(());
        }
        let then = Control { at: produced_at, ..control };
        match self.gather(delegate, issuer, then, false, budget) {
            Status::Good => Ok(()),
            Status::Revoked { .. } | Status::Unknown(_) | Status::Unproven => {
                Err(Statement::Fault(StatusFault::ResponderStatus))
            }
        }
    }
}

enum Verdict {
    Good,
    Revoked { at: UtcTime, reason: Option<u8> },
}

struct Times {
    this_update: UtcTime,
    next_update: Option<UtcTime>,
    produced_at: UtcTime,
    may_lack_next: bool,
}

/// What an authentic piece of evidence says for the control time.
///
/// A revocation counts however old the statement is. A good word counts if it was made at the control time or
/// later, or still held then; and only if it was made before the certificate expired, since authorities forget
/// what has expired.
fn conclude(
    verdict: Verdict,
    times: &Times,
    item: &StatusItem<'_>,
    certificate: &Certificate,
    issuer: &Certificate,
    control: Control,
) -> Statement {
    let latest = control.moment.saturating_add(SKEW).unwrap_or(control.moment);
    if let Some(time) = [times.this_update, times.produced_at].into_iter().find(|time| *time > latest) {
        return Statement::Fault(StatusFault::Future { time });
    }
    if let Verdict::Revoked { at, reason } = verdict {
        return Statement::Revoked { at, reason };
    }
    if item.existed_by > issuer.not_after() {
        return Statement::Unproven;
    }
    if times.next_update.is_some_and(|next| next < times.this_update) {
        return Statement::Fault(StatusFault::Times);
    }
    if times.this_update > certificate.not_after() {
        return Statement::Fault(StatusFault::AfterExpiry { time: times.this_update });
    }
    let until = match times.next_update {
        Some(next) => next,
        None if times.may_lack_next => {
            times.this_update.saturating_add(MAX_AGE_WITHOUT_NEXT_UPDATE).unwrap_or(times.this_update)
        }
        None => return Statement::Fault(StatusFault::NoNextUpdate),
    };
    if times.this_update >= control.at || until >= control.at {
        Statement::Good
    } else {
        Statement::Fault(StatusFault::Stale { until })
    }
}

/// The scheme, unless policy refuses it.
fn strong_scheme<E>(scheme: Result<SignatureScheme, E>) -> Result<SignatureScheme, StatusFault> {
    match scheme {
        Ok(scheme) => match scheme.weak_digest() {
            Some(digest) => Err(StatusFault::Weak { what: digest.name().to_owned() }),
            None => Ok(scheme),
        },
        Err(_) => Err(StatusFault::Weak { what: "an unknown algorithm".to_owned() }),
    }
}

/// Whether a responder id names this certificate: by subject, or by SHA-1 of the key's bits (RFC 6960 section 4.2.1).
fn is_responder(id: &ResponderId, certificate: &Certificate) -> bool {
    match id {
        ResponderId::ByName(name) => name.matches(certificate.subject()),
        ResponderId::ByKey(hash) => key_bits(certificate.spki_der())
            .is_some_and(|bits| DigestAlgorithm::Sha1.digest(bits).bytes == *hash),
    }
}

/// The BIT STRING of a SubjectPublicKeyInfo.
fn key_bits(spki: &[u8]) -> Option<&[u8]> {
    let mut parts = Reader::only(spki).ok()?.reader();
    parts.take(Tag::SEQUENCE).ok()?;
    parts.take(Tag::BIT_STRING).ok()?.bit_string().ok()
}
