//! What revocation lists say (RFC 5280 section 6.3.3).

use super::{
    Control, Court, EvidenceKind, Lack, Purpose, Revocation, Rules, StatusFault, StatusItem, StatusStatement,
    Word,
    checks::Budget,
    path::validate,
    search::chains,
    status::{Case, Doubt, Heard, Kind, Status, Trail, weigh},
};
use crate::{
    base::UtcTime,
    crypto::policy::Use,
    x509::{
        Certificate, Crl, DistributionPoint, GeneralName, IssuingDistributionPoint, PointName, Reasons,
        algorithm::SignatureScheme,
    },
};

/// How many certificates are tried as the signer of one list.
const MAX_SIGNERS: usize = 8;

/// How deep the status of one signer may hang on the status of another.
const MAX_TRAIL: usize = 3;

/// An authentic list.
struct Authentic<'a> {
    item: usize,
    crl: &'a Crl,
    existed_by: UtcTime,
    reasons: Reasons,
    signer: Signer,
}

struct Signer {
    certificate: Certificate,
    until: UtcTime,
}

/// What a list has to do with a certificate.
enum Reach {
    /// Nothing.
    None,
    /// It is by the certificate's issuer, but of other certificates.
    OutOfScope,
    /// It covers the certificate for these reasons.
    Covers(Reasons),
}

impl Court<'_> {
    /// Every list of the court, about one certificate.
    pub(super) fn hear_lists(&self, case: &Case<'_>, heard: &mut Heard, budget: &mut Budget) {
        let certificate = case.certificate;
        let (mut complete, mut deltas) = (Vec::new(), Vec::new());
        for (item, evidence) in self.statuses.iter().enumerate() {
            let Kind::Crl(crl) = evidence.kind else { continue };
            if budget.step().is_none() {
                heard.doubts.push(Doubt::Weighty(StatusFault::Budget));
                break;
            }
            let reach = reach(crl, certificate);
            if matches!(reach, Reach::None) {
                continue;
            }
            let signer = match self.list_signer(crl, evidence, case, budget) {
                Ok(signer) => signer,
                Err(doubt) => {
                    heard.doubts.push(doubt);
                    continue;
                }
            };
            let entry = crl.entry_of(certificate.issuer(), certificate.serial());
            let against = match (crl.limited(), &reach) {
                (Some(what), _) => Some(StatusFault::Limited { what: what.to_owned() }),
                (None, Reach::OutOfScope) => Some(StatusFault::OutOfScope),
                _ => None,
            };
            if let Some(fault) = against {
                // Such a list cannot clear anybody, but one that it names is not cleared by others either.
                let named = entry.is_some_and(|entry| !entry.is_removed());
                let what = fault.to_string();
                heard.doubts.push(if named {
                    Doubt::Weighty(StatusFault::Named { what })
                } else {
                    Doubt::Fault(fault)
                });
                continue;
            }
            let Reach::Covers(reasons) = reach else { continue };
            let list = Authentic { item, crl, existed_by: evidence.existed_by, reasons, signer };
            if crl.base().is_some() { deltas.push(list) } else { complete.push(list) }
        }
        for list in &complete {
            let entry = list.crl.entry_of(certificate.issuer(), certificate.serial());
            let word = entry.map_or(Word::Good, |entry| Word::Revoked { at: entry.at, reason: entry.reason });
            heard.statements.push(list.states(word, None));
        }
        for delta in &deltas {
            hear_delta(delta, &complete, certificate, heard);
        }
    }

    /// Whose key signed a list, if that one may (6.3.3 f, g).
    fn list_signer(
        &self,
        crl: &Crl,
        item: &StatusItem<'_>,
        case: &Case<'_>,
        budget: &mut Budget,
    ) -> Result<Signer, Doubt> {
        let question = self.strength(Use::Revocation, item.existed_by);
        let scheme = match question.scheme(crl.signature_algorithm()) {
            Ok(scheme) => scheme,
            Err(weakness) => return Err(self.weak_list(crl, weakness.what, case, budget)),
        };
        let mut best = Doubt::Fault(StatusFault::NotAuthorized);
        let mut tried: Vec<&[u8]> = Vec::new();
        for candidate in self.list_signers(crl, case) {
            if tried.len() == MAX_SIGNERS {
                break;
            }
            if candidate.key_usage().is_some_and(|usage| !usage.crl_sign) {
                continue;
            }
            tried.push(candidate.der());
            match self.signed(crl, candidate, scheme, budget) {
                None => return Err(Doubt::Weighty(StatusFault::Budget)),
                Some(false) => {
                    if !matches!(best, Doubt::Weighty(_)) {
                        best = Doubt::Fault(StatusFault::Signature);
                    }
                    continue;
                }
                Some(true) => {}
            }
            if let Err(weakness) = question.signed(scheme, candidate) {
                return Err(self.weak_list(crl, weakness.what, case, budget));
            }
            match self.signer_holds(candidate, crl, item, case, budget) {
                Ok(until) => return Ok(Signer { certificate: candidate.clone(), until }),
                // A weighty doubt stays, unless somebody else turns out to have signed.
                Err(_) if matches!(best, Doubt::Weighty(_)) => {}
                Err(doubt) => best = doubt,
            }
        }
        Err(best)
    }

    /// A list signed in a way that is no longer good enough clears nobody. But whom it names, by the issuer's own key, is
    /// not cleared by others either.
    fn weak_list(&self, crl: &Crl, what: String, case: &Case<'_>, budget: &mut Budget) -> Doubt {
        let named = crl.entry_of(case.certificate.issuer(), case.certificate.serial());
        let named = named.is_some_and(|entry| !entry.is_removed());
        let scheme = SignatureScheme::from_identifier(crl.signature_algorithm(), None).ok();
        let by_issuer = case.above.first().zip(scheme).filter(|_| named);
        let signed =
            by_issuer.is_some_and(|(issuer, scheme)| self.signed(crl, issuer, scheme, budget) != Some(false));
        let fault = StatusFault::Weak { what };
        if signed {
            Doubt::Weighty(StatusFault::Named { what: fault.to_string() })
        } else {
            Doubt::Fault(fault)
        }
    }

    /// Certificates whose subject is the list's issuer: those of the path first, then the one that the list asks for.
    fn list_signers<'x>(&'x self, crl: &Crl, case: &Case<'x>) -> Vec<&'x Certificate> {
        let named = |candidate: &&Certificate| candidate.subject().matches(crl.issuer());
        let mut candidates: Vec<&'x Certificate> = case.above.iter().copied().filter(named).collect();
        let mut others: Vec<&Certificate> = self.pool.iter().filter(named).collect();
        let wanted = crl.authority_key_identifier();
        others.sort_by_key(|candidate| wanted.is_none() || candidate.subject_key_identifier() != wanted);
        for other in others {
            if !candidates.iter().any(|known| known.der() == other.der()) {
                candidates.push(other);
            }
        }
        candidates
    }

    /// Where the signers of lists lie that the certificate names as its own and that nobody here can check.
    pub(super) fn missing_list_signers(&self, case: &Case<'_>) -> Vec<Lack> {
        let points = case.certificate.distribution_points();
        let lists = self.statuses.iter().filter_map(|item| match item.kind {
            Kind::Crl(crl) => Some(crl),
            Kind::Ocsp(_) => None,
        });
        let unsigned = lists.filter(|crl| {
            points.iter().any(|point| names_issuer(point, crl)) && self.list_signers(crl, case).is_empty()
        });
        unsigned.map(|crl| Lack::ListSigner { urls: crl.issuer_urls().to_vec() }).collect()
    }

    fn signed(
        &self,
        crl: &Crl,
        candidate: &Certificate,
        scheme: SignatureScheme,
        budget: &mut Budget,
    ) -> Option<bool> {
        let digest = Some(crl.tbs_sha256());
        self.checks.holds(candidate.spki_der(), scheme, crl.tbs_der(), digest, crl.signature(), budget)
    }

    /// Whether the signer of a list may be relied on; when the first certificate that it rests on expires.
    fn signer_holds(
        &self,
        signer: &Certificate,
        crl: &Crl,
        item: &StatusItem<'_>,
        case: &Case<'_>,
        budget: &mut Budget,
    ) -> Result<UtcTime, Doubt> {
        // Those of the path are judged with the path.
        if case.above.iter().any(|above| above.spki_der() == signer.spki_der() && above.der() == signer.der())
        {
            return Ok(signer.not_after());
        }
        let direct = crl.issuer().matches(case.certificate.issuer());
        if direct && !self.same_authority(signer, case, budget) {
            let entry = crl.entry_of(case.certificate.issuer(), case.certificate.serial());
            let named = entry.is_some_and(|entry| !entry.is_removed()) && case.trail.len() < MAX_TRAIL;
            // It cannot clear anybody. But whom it names is not cleared by others, if it comes from below the anchor.
            if named && self.signer_path(signer, crl.this_update(), item, case, budget).is_ok() {
                let what = "its signer bears the issuer's name, and nothing more".to_owned();
                return Err(Doubt::Weighty(StatusFault::Named { what }));
            }
            return Err(Doubt::Fault(StatusFault::NotAuthorized));
        }
        let asked = case.certificate.der() == signer.der() || case.trail.contains(signer);
        if asked {
            // It speaks about itself. That counts only if its own certificate says that nobody else does: its issuer
            // then relies on it as on a responder with nocheck.
            let itself = case.certificate.der() == signer.der();
            let appointed = signer.distribution_points().iter().any(|point| names_issuer(point, crl));
            let alone = signer.distribution_points().iter().all(|point| names_issuer(point, crl));
            return if itself && appointed && alone && !direct {
                Ok(signer.not_after())
            } else {
                Err(list_signer("its own status hangs on itself"))
            };
        }
        if case.trail.len() >= MAX_TRAIL {
            return Err(list_signer("its status hangs on too many others"));
        }
        self.signer_path(signer, crl.this_update(), item, case, budget)
    }

    /// 6.3.3 (f): a path of the signer's own, to the same anchor, at the time of the list.
    fn signer_path(
        &self,
        signer: &Certificate,
        signed_at: UtcTime,
        item: &StatusItem<'_>,
        case: &Case<'_>,
        budget: &mut Budget,
    ) -> Result<UtcTime, Doubt> {
        let Some(&anchor) = case.above.last() else { return Err(Doubt::Fault(StatusFault::NotAuthorized)) };
        let found = chains(signer, std::slice::from_ref(anchor), self.pool, self.checks, budget);
        let mut best = if found.exhausted {
            Doubt::Weighty(StatusFault::Budget)
        } else {
            list_signer("no path leads from it to the anchor")
        };
        let trail = Trail { asked: Some((case.certificate, &case.trail)), delegates: case.trail.delegates };
        for chain in &found.chains {
            match self.signer_chain(chain, signed_at, item, case, trail, budget) {
                Ok(until) => return Ok(until),
                Err(doubt) => best = doubt,
            }
        }
        Err(best)
    }

    fn signer_chain(
        &self,
        chain: &[&Certificate],
        signed_at: UtcTime,
        item: &StatusItem<'_>,
        case: &Case<'_>,
        trail: Trail<'_>,
        budget: &mut Budget,
    ) -> Result<UtcTime, Doubt> {
        // Policies and names are the asker's wish for the path, not for those who speak about it.
        let rules = Rules { cryptography: self.rules.cryptography.clone(), ..Rules::USUAL };
        validate(chain, Purpose::Any, Some(signed_at), item.existed_by, &rules)
            .map_err(|distrust| list_signer(&distrust.to_string()))?;
        let control = Control { at: signed_at, proven: false, moment: case.moment };
        let mut until = UtcTime::MAX;
        for (depth, certificate) in chain.iter().enumerate() {
            let Some(above) = chain.get(depth + 1..).filter(|above| !above.is_empty()) else { break };
            // Those of the path are judged with the path.
            if case.above.iter().any(|known| known.der() == certificate.der()) {
                continue;
            }
            until = until.min(certificate.not_after());
            let own = Case { certificate, above, moment: case.moment, trail };
            let heard = self.hear(&own, budget);
            match weigh(heard, certificate, control, &self.rules.freshness) {
                Status::Good(_) => {}
                Status::Unknown(faults)
                    if faults.is_empty() && self.rules.revocation == Revocation::IfPresent => {}
                Status::Revoked { at, .. } => return Err(list_signer(&format!("it was revoked at {at}"))),
                Status::Unproven => return Err(Doubt::Unproven),
                Status::Unknown(_) => return Err(list_signer("nothing says whether it was revoked")),
            }
        }
        if item.existed_by > until { Err(Doubt::Unproven) } else { Ok(until) }
    }

    /// Whether another key of the certificate's issuer is meant, rather than a namesake somewhere below the anchor.
    ///
    /// RFC 5280 asks for no more than the name and the anchor. Then any authority below could speak for its siblings by
    /// taking their name; so the key must be certified by the issuer itself (roll-over) or by who certified the issuer.
    fn same_authority(&self, signer: &Certificate, case: &Case<'_>, budget: &mut Budget) -> bool {
        let namesakes =
            case.above.iter().enumerate().filter(|(_, above)| above.subject().matches(signer.subject()));
        let mut kin = namesakes.flat_map(|(at, own)| [Some(own), case.above.get(at + 1)]).flatten();
        kin.any(|kin| self.checks.issued(signer, kin, budget) == Some(true))
    }
}

impl Authentic<'_> {
    fn states(&self, word: Word, delta: Option<&Self>) -> StatusStatement {
        let newest = delta.unwrap_or(self);
        StatusStatement {
            item: self.item,
            delta: delta.map(|delta| delta.item),
            kind: EvidenceKind::Crl,
            word,
            reasons: self.reasons & newest.reasons,
            this_update: newest.crl.this_update(),
            next_update: newest.crl.next_update(),
            produced_at: newest.crl.this_update(),
            existed_by: self.existed_by.max(newest.existed_by),
            knows_expired_since: newest.crl.knows_expired_since(),
            signer: newest.signer.certificate.clone(),
            signer_until: self.signer.until.min(newest.signer.until),
        }
    }
}

/// What a delta list says by itself, and with each complete list that it continues (5.2.4; 6.3.3 c, h to l).
fn hear_delta(
    delta: &Authentic<'_>,
    complete: &[Authentic<'_>],
    certificate: &Certificate,
    heard: &mut Heard,
) {
    let entry = delta.crl.entry_of(certificate.issuer(), certificate.serial());
    let mut based = false;
    for base in complete {
        let same_key = base.signer.certificate.spki_der() == delta.signer.certificate.spki_der();
        if !same_key || !delta.crl.continues(base.crl) {
            continue;
        }
        based = true;
        let before = base.crl.entry_of(certificate.issuer(), certificate.serial());
        let now = match (entry, before) {
            (Some(entry), Some(before)) if entry.is_removed() && before.is_hold() => {
                heard.lifted.push((base.item, delta.item));
                None
            }
            // What was revoked for good stays so, whatever a delta list says.
            (Some(entry), before) if entry.is_removed() => before,
            (Some(entry), _) => Some(entry),
            (None, before) => before,
        };
        let word = now.map_or(Word::Good, |entry| Word::Revoked { at: entry.at, reason: entry.reason });
        heard.statements.push(base.states(word, Some(delta)));
    }
    if based {
        return;
    }
    match entry.filter(|entry| !entry.is_removed()) {
        // Whether or not anything was revoked before: it is now.
        Some(entry) => {
            let word = Word::Revoked { at: entry.at, reason: entry.reason };
            heard.statements.push(delta.states(word, Some(delta)));
        }
        None => heard.doubts.push(Doubt::Fault(StatusFault::NoBase)),
    }
}

/// 6.3.3 (b), (d) and (e), for every distribution point of the certificate and for the one that section 6.3.3 adds:
/// the issuer's own name.
fn reach(crl: &Crl, certificate: &Certificate) -> Reach {
    let own = crl.issuer().matches(certificate.issuer());
    let implied = DistributionPoint {
        name: Some(PointName::Full(vec![GeneralName::Directory(certificate.issuer().clone())])),
        reasons: None,
        crl_issuer: Vec::new(),
    };
    let points = certificate.distribution_points().iter().chain([&implied]);
    let covered = points.filter_map(|point| covers(crl, certificate, point, own));
    let reasons = covered.fold(Reasons::NONE, |sum, reasons| sum | reasons);
    match (reasons.is_empty(), own) {
        (false, _) => Reach::Covers(reasons),
        (true, true) => Reach::OutOfScope,
        (true, false) => Reach::None,
    }
}

/// The reasons for which a list covers a certificate by one of its distribution points.
fn covers(crl: &Crl, certificate: &Certificate, point: &DistributionPoint, own: bool) -> Option<Reasons> {
    let scope = crl.issuing_distribution_point();
    if point.crl_issuer.is_empty() {
        own.then_some(())?;
    } else {
        scope.filter(|scope| scope.indirect && names_issuer(point, crl))?;
    }
    let Some(scope) = scope else { return Some(point.reasons.unwrap_or(Reasons::ALL)) };
    let authority = matches!(certificate.basic_constraints(), Some((true, _)));
    if scope.only_attribute || scope.only_user && authority || scope.only_authority && !authority {
        return None;
    }
    same_point(scope, crl, point, certificate).then_some(())?;
    Some(scope.reasons.unwrap_or(Reasons::ALL) & point.reasons.unwrap_or(Reasons::ALL))
}

/// 6.3.3 (b)(2)(i): one name of the list is a name of the distribution point, or of its cRLIssuer where it has none.
fn same_point(
    scope: &IssuingDistributionPoint,
    crl: &Crl,
    point: &DistributionPoint,
    certificate: &Certificate,
) -> bool {
    let Some(own) = &scope.name else { return true };
    let own = own.resolve(crl.issuer());
    let theirs = match &point.name {
        // A name relative to the issuer of the list, which is the certificate's unless the point names another.
        Some(name) if point.crl_issuer.is_empty() => name.resolve(certificate.issuer()),
        Some(name) => name.resolve(crl.issuer()),
        None => point.crl_issuer.clone(),
    };
    own.iter().any(|one| theirs.iter().any(|two| one.matches(two)))
}

/// Whether a distribution point says that lists come from the issuer of this one.
fn names_issuer(point: &DistributionPoint, crl: &Crl) -> bool {
    point.crl_issuer.iter().any(|name| match name {
        GeneralName::Directory(name) => name.matches(crl.issuer()),
        _ => false,
    })
}

fn list_signer(why: &str) -> Doubt {
    Doubt::Fault(StatusFault::ListSigner { why: why.to_owned() })
}
