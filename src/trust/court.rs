//! The one question: may this certificate be relied on?

use super::{
    Anchors, Distrust, MAX_CHAIN,
    path::{Budget, Checks, chains, validate},
    status::{Kind, Status},
};
use crate::{
    base::{Limits, UtcTime},
    ocsp::Response,
    x509::{Certificate, Crl},
};

/// What a certificate is relied on for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Signing a document.
    Signing,
    /// Issuing time-stamps (RFC 3161 section 2.3).
    TimeStamping,
}

/// The time for which the question is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Control {
    /// What was signed is known to have existed at this time: path and status must hold here.
    pub at: UtcTime,
    /// Whether a time-stamp proves it; otherwise `at` is `moment`.
    pub proven: bool,
    /// The moment of validation: nothing younger is believed.
    pub moment: UtcTime,
}

impl Control {
    /// Nothing proves an earlier time.
    pub fn unproven(moment: UtcTime) -> Self {
        Self { at: moment, proven: false, moment }
    }

    /// A time-stamp proves that the thing existed at `at`, if that is no later than the moment of validation.
    pub fn proven(at: UtcTime, moment: UtcTime) -> Self {
        if at <= moment { Self { at, proven: true, moment } } else { Self::unproven(moment) }
    }
}

/// A piece of evidence about the status of certificates.
#[derive(Clone, Copy)]
pub struct StatusItem<'a> {
    pub(super) kind: Kind<'a>,
    /// The evidence is proven to have existed at this time.
    pub(super) existed_by: UtcTime,
}

impl<'a> StatusItem<'a> {
    /// A revocation list that existed at `existed_by` at the latest.
    pub fn crl(crl: &'a Crl, existed_by: UtcTime) -> Self {
        Self { kind: Kind::Crl(crl), existed_by }
    }

    /// An OCSP answer that existed at `existed_by` at the latest.
    pub fn ocsp(response: &'a Response, existed_by: UtcTime) -> Self {
        Self { kind: Kind::Ocsp(response), existed_by }
    }
}

/// All that a judgement on certificates rests on.
pub struct Court<'a> {
    pub(super) anchors: &'a Anchors,
    pub(super) pool: &'a [Certificate],
    pub(super) statuses: &'a [StatusItem<'a>],
    pub(super) limits: &'a Limits,
    pub(super) checks: &'a Checks,
}

/// An answer, and what might change it.
#[derive(Clone, Debug)]
pub struct Assessment {
    /// The path relied on, or why there is none.
    pub outcome: Result<Trusted, Distrust>,
    /// What was missing; empty when the outcome is good.
    pub lacks: Vec<Lack>,
}

/// A certificate with its path: every check held. Only [`Court::judge`] makes one.
#[derive(Clone, Debug)]
pub struct Trusted {
    path: Vec<Certificate>,
    revoked_later: Option<(UtcTime, Option<u8>)>,
}

impl Trusted {
    /// The end certificate first, the anchor last.
    pub fn path(&self) -> &[Certificate] {
        &self.path
    }

    /// The anchor that the path ends in.
    pub fn anchor(&self) -> Option<&Certificate> {
        self.path.last()
    }

    /// When and why the end certificate was revoked after the control time, if it was.
    pub fn revoked_later(&self) -> Option<(UtcTime, Option<u8>)> {
        self.revoked_later
    }
}

/// Something that would have helped.
#[derive(Clone, Debug)]
pub enum Lack {
    /// The issuer's certificate is not at hand.
    Issuer {
        /// Of this certificate.
        of: Certificate,
    },
    /// Nothing usable says whether it was revoked.
    Status {
        /// This certificate.
        of: Certificate,
        /// The one that issued it.
        issuer: Certificate,
    },
}

impl<'a> Court<'a> {
    /// `pool` holds certificates that may lie between; `statuses` what is known of revocations; `checks` remembers
    /// signatures that were checked before.
    pub fn new(
        anchors: &'a Anchors,
        pool: &'a [Certificate],
        statuses: &'a [StatusItem<'a>],
        limits: &'a Limits,
        checks: &'a Checks,
    ) -> Self {
        Self { anchors, pool, statuses, limits, checks }
    }

    /// Whether `end` may be relied on for `purpose` at the control time.
    pub fn judge(&self, end: &Certificate, purpose: Purpose, control: Control) -> Assessment {
        let mut budget = Budget::new(self.limits.path_checks);
        let found = chains(end, self.anchors, self.pool, self.checks, &mut budget);
        let mut verdicts = Verdicts::default();
        for chain in &found.chains {
            verdicts.take(self.judge_chain(chain, purpose, control));
        }
        if found.chains.is_empty() {
            let issuer = end.issuer().to_string();
            let subject = end.subject().to_string();
            verdicts.take(Err(if self.anchors.contains(end) {
                (Distrust::IsAnchor { subject }, Vec::new())
            } else if found.exhausted {
                (Distrust::Budget { subject, limit: self.limits.path_checks }, Vec::new())
            } else {
                let lacks = found.orphans.into_iter().take(MAX_CHAIN);
                let lacks = lacks.map(|orphan| Lack::Issuer { of: orphan.clone() }).collect();
                (Distrust::NoPath { subject, issuer }, lacks)
            }));
        }
        verdicts.settle()
    }

    fn judge_chain(
        &self,
        chain: &[&Certificate],
        purpose: Purpose,
        control: Control,
    ) -> Result<Trusted, (Distrust, Vec<Lack>)> {
        validate(chain, purpose, control.at).map_err(|distrust| (distrust, Vec::new()))?;
        let mut revoked_later = None;
        let mut worst: Option<Distrust> = None;
        let mut lacks = Vec::new();
        for (depth, pair) in chain.windows(2).enumerate() {
            let &[certificate, issuer] = pair else { continue };
            let mut budget = Budget::new(self.limits.path_checks);
            let subject = || certificate.subject().to_string();
            let distrust = match self.status(certificate, issuer, control, &mut budget) {
                Status::Good => continue,
                Status::Revoked { at, reason } if depth == 0 && control.proven && at > control.at => {
                    revoked_later = Some((at, reason));
                    continue;
                }
                Status::Revoked { at, reason } => {
                    Distrust::Revoked { subject: subject(), at, reason, authority: depth > 0 }
                }
                Status::Unknown(faults) => Distrust::StatusUnknown { subject: subject(), faults },
                Status::Unproven => Distrust::StatusUnproven { subject: subject() },
            };
            if !matches!(distrust, Distrust::Revoked { .. }) {
                lacks.push(Lack::Status { of: certificate.clone(), issuer: issuer.clone() });
            }
            if worst.as_ref().is_none_or(|earlier| distrust.rank() > earlier.rank()) {
                worst = Some(distrust);
            }
        }
        match worst {
            Some(distrust) => Err((distrust, lacks)),
            None => Ok(Trusted { path: chain.iter().map(|&link| link.clone()).collect(), revoked_later }),
        }
    }
}

/// The verdicts on several chains, settled into one.
#[derive(Default)]
struct Verdicts {
    trusted: Option<Trusted>,
    best: Option<Distrust>,
    lacks: Vec<Lack>,
    revoked: bool,
}

impl Verdicts {
    fn take(&mut self, verdict: Result<Trusted, (Distrust, Vec<Lack>)>) {
        match verdict {
            Ok(trusted) => {
                self.trusted.get_or_insert(trusted);
            }
            Err((distrust, lacks)) => {
                self.revoked |= matches!(distrust, Distrust::Revoked { authority: false, .. });
                if self.best.as_ref().is_none_or(|best| distrust.rank() > best.rank()) {
                    self.best = Some(distrust);
                }
                self.lacks.extend(lacks);
            }
        }
    }

    /// One good chain suffices, unless another one shows that the end certificate was revoked.
    fn settle(self) -> Assessment {
        match (self.trusted, self.best) {
            (Some(trusted), _) if !self.revoked => Assessment { outcome: Ok(trusted), lacks: Vec::new() },
            (_, Some(distrust)) => Assessment { outcome: Err(distrust), lacks: self.lacks },
            // `judge` always takes at least one verdict, and a trusted one alone is settled above.
            (_, None) => Assessment {
                outcome: Err(Distrust::NoPath { subject: String::new(), issuer: String::new() }),
                lacks: self.lacks,
            },
        }
    }
}
