//! The one question: may this certificate be relied on?

use super::{
    Anchors, Distrust, MAX_CHAIN, PolicySet, Revocation, Rules, StatusFault, StatusStatement, Step, Word,
    checks::{Budget, Checks},
    path::{validate, validate_listed},
    search::chains,
    slide,
    status::{Case, Doubt, Kind, Status},
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
    /// Anything: RFC 5280 section 6.1 and nothing on top of it.
    Any,
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
    /// What the question had, if it was ours and had one.
    pub(super) nonce: Option<&'a [u8]>,
}

impl<'a> StatusItem<'a> {
    /// A revocation list that existed at `existed_by` at the latest.
    pub fn crl(crl: &'a Crl, existed_by: UtcTime) -> Self {
        Self { kind: Kind::Crl(crl), existed_by, nonce: None }
    }

    /// An OCSP answer that existed at `existed_by` at the latest.
    pub fn ocsp(response: &'a Response, existed_by: UtcTime) -> Self {
        Self { kind: Kind::Ocsp(response), existed_by, nonce: None }
    }

    /// The answer to a question of our own, which had this nonce.
    pub fn asked_with(self, nonce: &'a [u8]) -> Self {
        Self { nonce: Some(nonce), ..self }
    }
}

/// All that a judgement on certificates rests on.
pub struct Court<'a> {
    pub(super) anchors: &'a Anchors,
    pub(super) pool: &'a [Certificate],
    pub(super) statuses: &'a [StatusItem<'a>],
    pub(super) limits: &'a Limits,
    pub(super) checks: &'a Checks,
    pub(super) rules: &'a Rules,
}

/// An answer, and what might change it.
#[derive(Clone, Debug)]
pub struct Assessment {
    /// The path relied on, or why there is none.
    pub outcome: Result<Trusted, Distrust>,
    /// The chain that the outcome is about, end certificate first; empty when none was found.
    pub chain: Vec<Certificate>,
    /// For each certificate of the chain but the anchor, as far as it was asked for: the statements that its status
    /// rests on, good or revoked; none where nothing counts.
    pub statuses: Vec<Vec<StatusStatement>>,
    /// What was missing; empty when the outcome is good.
    pub lacks: Vec<Lack>,
}

/// A certificate with its path: every check held. Only [`Court::judge`] makes one.
#[derive(Clone, Debug)]
pub struct Trusted {
    path: Vec<Certificate>,
    policies: PolicySet,
    statuses: Vec<Vec<StatusStatement>>,
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

    /// user-constrained-policy-set (RFC 5280 section 6.1.6).
    pub fn policies(&self) -> &PolicySet {
        &self.policies
    }

    /// For each certificate of the path but the anchor, the statements that its status rests on: one, or several that
    /// cover all reasons together; none where the rules did not ask or nothing was there.
    pub fn statuses(&self) -> &[Vec<StatusStatement>] {
        &self.statuses
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
    /// The certificate of whoever signed an indirect list is not at hand.
    ListSigner {
        /// Where the list says that it lies (RFC 5280 section 5.2.7).
        urls: Vec<String>,
    },
}

impl<'a> Court<'a> {
    /// `pool` holds certificates that may lie between; `statuses` what is known of revocations; `checks` remembers
    /// signatures that were checked before. The rules are [`Rules::USUAL`].
    pub fn new(
        anchors: &'a Anchors,
        pool: &'a [Certificate],
        statuses: &'a [StatusItem<'a>],
        limits: &'a Limits,
        checks: &'a Checks,
    ) -> Self {
        Self { anchors, pool, statuses, limits, checks, rules: &USUAL }
    }

    /// The same court under other rules.
    pub fn with_rules(self, rules: &'a Rules) -> Self {
        Self { rules, ..self }
    }

    /// Whether `end` may be relied on for `purpose` at the control time.
    pub fn judge(&self, end: &Certificate, purpose: Purpose, control: Control) -> Assessment {
        let mut budget = Budget::new(self.limits.path_checks);
        let found = chains(end, &self.anchors.certificates, self.pool, self.checks, &mut budget);
        let mut verdicts = Verdicts::default();
        for chain in &found.chains {
            let verdict = self.judge_chain(chain, purpose, control);
            verdicts.take(verdict.map_err(|failed| failed.on(chain)));
        }
        if found.chains.is_empty() {
            let issuer = end.issuer().to_string();
            let subject = end.subject().to_string();
            let orphans = found.orphans.into_iter().take(MAX_CHAIN);
            let lacks: Vec<Lack> = orphans.map(|orphan| Lack::Issuer { of: orphan.clone() }).collect();
            if purpose == Purpose::TimeStamping && self.anchors.lists_unit(end) {
                let policies = validate_listed(end, purpose, control.at, self.rules);
                let trusted = |policies| {
                    let path = vec![end.clone()];
                    Trusted { path, policies, statuses: Vec::new(), revoked_later: None }
                };
                verdicts.take(policies.map(trusted).map_err(|distrust| Failed::new(distrust, lacks)));
                return verdicts.settle();
            }
            verdicts.take(Err(if self.anchors.contains(end) {
                Failed::new(Distrust::IsAnchor { subject }, Vec::new())
            } else if found.exhausted {
                Failed::new(Distrust::Budget { subject, limit: self.limits.path_checks }, Vec::new())
            } else if let Some((index, unsupported)) = found.unsupported {
                let what = format!("algorithm {}", unsupported.signature_algorithm().oid);
                let subject = unsupported.subject().to_string();
                Failed::new(Distrust::Weak { subject, index, what, since: None }, lacks)
            } else {
                let misfit = found.misfit.map(|misfit| misfit.subject().to_string());
                Failed::new(Distrust::NoPath { subject, issuer, misfit }, lacks)
            }));
        }
        verdicts.settle()
    }

    /// Every chain of signatures from `end` to an anchor, likeliest first, whether or not it holds at any time: what a
    /// validation of the past begins with (ETSI EN 319 102-1 section 5.6.2.1).
    pub fn candidates(&self, end: &Certificate) -> Vec<Vec<Certificate>> {
        let mut budget = Budget::new(self.limits.path_checks);
        let found = chains(end, &self.anchors.certificates, self.pool, self.checks, &mut budget);
        found.chains.iter().map(|chain| chain.iter().map(|&link| link.clone()).collect()).collect()
    }

    /// Past certificate validation (ETSI EN 319 102-1 section 5.6.2.1): whether `end` could be relied on at a time at
    /// which what it signed is proven to have existed, though an authority above it was revoked since.
    ///
    /// `existed_by`: when a certificate is proven to have existed. An authority whose key was compromised is out: what
    /// bears an earlier date may have been made with it later, and nobody knows since when.
    pub fn judge_past(
        &self,
        end: &Certificate,
        purpose: Purpose,
        control: Control,
        existed_by: impl Fn(&Certificate) -> UtcTime,
    ) -> Option<Trusted> {
        if !control.proven || self.rules.revocation != Revocation::Require {
            return None;
        }
        self.candidates(end).into_iter().find_map(|chain| {
            let policies = self.holds(&chain, purpose, Some(control.at), control.at).ok()?;
            let mut statuses = Vec::new();
            for index in 0..chain.len().checked_sub(1)? {
                let (statements, faults) = self.statements(&chain, index, control.moment);
                let compromised = statements.iter().any(|one| {
                    matches!(one.word, Word::Revoked { reason: Some(KEY_COMPROMISE | CA_COMPROMISE), .. })
                });
                if compromised || !faults.is_empty() {
                    return None;
                }
                statuses.push(statements);
            }
            let steps = chain.iter().zip(&statuses).rev().map(|(certificate, statements)| Step {
                certificate,
                existed_by: existed_by(certificate),
                statements,
                // Whether the algorithms were good enough at the proven time, `holds` has said.
                strong_until: None,
            });
            let until = slide(&steps.collect::<Vec<_>>(), control.moment, &self.rules.freshness).ok()?;
            let revoked_later = statuses.first().and_then(|words| earliest_revocation(words));
            (control.at <= until).then_some(Trusted { path: chain, policies, statuses, revoked_later })
        })
    }

    /// The rules of RFC 5280 section 6.1 on one of the [`Court::candidates`], without asking for revocation.
    ///
    /// `at`: where the validity periods must hold; `None` leaves them out. `strong_at`: when keys and digests must have
    /// been good enough.
    ///
    /// # Errors
    ///
    /// With the rule that is broken.
    pub fn holds(
        &self,
        chain: &[Certificate],
        purpose: Purpose,
        at: Option<UtcTime>,
        strong_at: UtcTime,
    ) -> Result<PolicySet, Distrust> {
        validate(&chain.iter().collect::<Vec<_>>(), purpose, at, strong_at, self.rules)
    }

    /// Every authentic statement about the certificate at `index` of one of the [`Court::candidates`], with its times,
    /// weighed for none; and what was wrong with other evidence. Nothing for the anchor.
    pub fn statements(
        &self,
        chain: &[Certificate],
        index: usize,
        moment: UtcTime,
    ) -> (Vec<StatusStatement>, Vec<StatusFault>) {
        let chain: Vec<&Certificate> = chain.iter().collect();
        let Some(case) = Case::of(&chain, index, moment) else { return (Vec::new(), Vec::new()) };
        let heard = self.hear(&case, &mut Budget::new(self.limits.path_checks));
        let faults = heard.doubts.into_iter().filter_map(|doubt| match doubt {
            Doubt::Fault(fault) | Doubt::Weighty(fault) => Some(fault),
            Doubt::Unproven => None,
        });
        (heard.statements, faults.collect())
    }

    fn judge_chain(
        &self,
        chain: &[&Certificate],
        purpose: Purpose,
        control: Control,
    ) -> Result<Trusted, Box<Failed>> {
        let policies = validate(chain, purpose, Some(control.at), control.at, self.rules)
            .map_err(|distrust| Failed::new(distrust, Vec::new()))?;
        let mut statuses = Vec::new();
        let mut revoked_later = None;
        let mut worst: Option<Distrust> = None;
        let mut lacks = Vec::new();
        let asked = if self.rules.revocation == Revocation::Off { 0 } else { chain.len() };
        for (index, pair) in chain.windows(2).take(asked).enumerate() {
            let &[certificate, issuer] = pair else { continue };
            let Some(case) = Case::of(chain, index, control.moment) else { continue };
            let mut budget = Budget::new(self.limits.path_checks);
            let subject = || certificate.subject().to_string();
            let distrust = match self.status(&case, control, &mut budget) {
                Status::Good(by) => {
                    statuses.push(by);
                    continue;
                }
                Status::Revoked { at, reason, by } if index == 0 && control.proven && at > control.at => {
                    revoked_later = Some((at, reason));
                    statuses.push(vec![by]);
                    continue;
                }
                Status::Unknown(faults)
                    if faults.is_empty() && self.rules.revocation == Revocation::IfPresent =>
                {
                    statuses.push(Vec::new());
                    continue;
                }
                Status::Revoked { at, reason, by } => {
                    statuses.push(vec![by]);
                    Distrust::Revoked { subject: subject(), index, at, reason, authority: index > 0 }
                }
                Status::Unknown(faults) => Distrust::StatusUnknown { subject: subject(), index, faults },
                Status::Unproven => Distrust::StatusUnproven { subject: subject(), index },
            };
            if !matches!(distrust, Distrust::Revoked { .. }) {
                statuses.push(Vec::new());
                lacks.push(Lack::Status { of: certificate.clone(), issuer: issuer.clone() });
                lacks.extend(self.missing_list_signers(&case));
            }
            if worst.as_ref().is_none_or(|earlier| distrust.rank() > earlier.rank()) {
                worst = Some(distrust);
            }
        }
        if let Some(distrust) = worst {
            let mut failed = Failed::new(distrust, lacks);
            failed.statuses = statuses;
            return Err(failed);
        }
        let path = chain.iter().map(|&link| link.clone()).collect();
        Ok(Trusted { path, policies, statuses, revoked_later })
    }
}

fn earliest_revocation(statements: &[StatusStatement]) -> Option<(UtcTime, Option<u8>)> {
    let revoked = statements.iter().filter_map(|one| match one.word {
        Word::Revoked { at, reason } => Some((at, reason)),
        Word::Good => None,
    });
    revoked.min_by_key(|(at, _)| *at)
}

/// CRLReason, RFC 5280 section 5.3.1.
const KEY_COMPROMISE: u8 = 1;
const CA_COMPROMISE: u8 = 2;

/// The rules of a court that was given none.
static USUAL: Rules = Rules::USUAL;

/// A chain that does not hold.
struct Failed {
    distrust: Distrust,
    lacks: Vec<Lack>,
    chain: Vec<Certificate>,
    statuses: Vec<Vec<StatusStatement>>,
}

impl Failed {
    fn new(distrust: Distrust, lacks: Vec<Lack>) -> Box<Self> {
        Box::new(Self { distrust, lacks, chain: Vec::new(), statuses: Vec::new() })
    }

    fn on(mut self: Box<Self>, chain: &[&Certificate]) -> Box<Self> {
        self.chain = chain.iter().map(|&link| link.clone()).collect();
        self
    }
}

/// The verdicts on several chains, settled into one.
#[derive(Default)]
struct Verdicts {
    trusted: Option<Trusted>,
    best: Option<Box<Failed>>,
    lacks: Vec<Lack>,
    revoked: bool,
}

impl Verdicts {
    fn take(&mut self, verdict: Result<Trusted, Box<Failed>>) {
        match verdict {
            Ok(trusted) => {
                self.trusted.get_or_insert(trusted);
            }
            Err(mut failed) => {
                self.revoked |= matches!(failed.distrust, Distrust::Revoked { authority: false, .. });
                self.lacks.append(&mut failed.lacks);
                if self.best.as_ref().is_none_or(|best| failed.distrust.rank() > best.distrust.rank()) {
                    self.best = Some(failed);
                }
            }
        }
    }

    /// One good chain suffices, unless another one shows that the end certificate was revoked.
    fn settle(self) -> Assessment {
        match (self.trusted, self.best) {
            (Some(trusted), _) if !self.revoked => Assessment {
                chain: trusted.path.clone(),
                statuses: trusted.statuses.clone(),
                outcome: Ok(trusted),
                lacks: Vec::new(),
            },
            (_, Some(failed)) => {
                let Failed { distrust, chain, statuses, .. } = *failed;
                Assessment { outcome: Err(distrust), chain, statuses, lacks: self.lacks }
            }
            // `judge` always takes at least one verdict, and a trusted one alone is settled above.
            (_, None) => Assessment {
                outcome: Err(Distrust::NoPath {
                    subject: String::new(),
                    issuer: String::new(),
                    misfit: None,
                }),
                chain: Vec::new(),
                statuses: Vec::new(),
                lacks: self.lacks,
            },
        }
    }
}
