//! The rules of RFC 5280 section 6.1 on one chain.

use der::oid::ObjectIdentifier;

use super::{
    ChainFault, Distrust, PolicySet, Purpose, Rules,
    names::Subtrees,
    policy::Graph,
    strength::{Question, Weakness},
};
use crate::{
    asn1::oid,
    base::UtcTime,
    crypto::policy::Use,
    x509::{Certificate, PolicyId},
};

/// The rules of RFC 5280 section 6.1 on one chain (end certificate first, anchor last), and those of the purpose.
///
/// Signatures and the chaining of names were checked when the chain was found; revocation is asked for apart.
/// `at`: the control time; `None` leaves the validity periods out. Structure is looked at before strength, strength
/// before time, so that what is reported is what matters most.
pub(super) fn validate(
    chain: &[&Certificate],
    purpose: Purpose,
    at: Option<UtcTime>,
    strong_at: UtcTime,
    rules: &Rules,
) -> Result<PolicySet, Distrust> {
    for (index, certificate) in chain.iter().enumerate() {
        understood(certificate, index)?;
    }
    let policies = walk(chain, purpose, rules)?;
    if let Some(end) = chain.first() {
        may_serve(end, purpose).map_err(|fault| at_fault(end, 0, fault))?;
    }
    for (index, certificate) in chain.iter().enumerate() {
        let question = Question { rules, purpose: Use::Certificate, at: strong_at };
        // The anchor's own signature proves nothing and is not looked at.
        strong(certificate, chain.get(index + 1).copied(), index, question)?;
    }
    if let Some(at) = at {
        for (index, certificate) in chain.iter().enumerate() {
            in_validity(certificate, index, at)?;
        }
    }
    Ok(policies)
}

/// The rules on a certificate that a list vouches for by itself: there is no authority above it, and all else holds as
/// for the end of a path.
pub(super) fn validate_listed(
    unit: &Certificate,
    purpose: Purpose,
    at: UtcTime,
    rules: &Rules,
) -> Result<PolicySet, Distrust> {
    understood(unit, 0)?;
    may_serve(unit, purpose).map_err(|fault| at_fault(unit, 0, fault))?;
    let policies = unit.policies().map(|policies| policies.oids.clone()).unwrap_or_default();
    if rules.explicit_policy && policies.is_empty() {
        return Err(at_fault(unit, 0, ChainFault::NoPolicy));
    }
    strong(unit, None, 0, Question { rules, purpose: Use::Certificate, at })?;
    in_validity(unit, 0, at)?;
    Ok(PolicySet { policies })
}

/// What RFC 5280 keeps between one certificate and the next (section 6.1.2), from the anchor down.
struct State<'a> {
    subtrees: Subtrees<'a>,
    graph: Graph,
    /// How many more certificates until each begins to hold; `0` when it does.
    explicit_policy: usize,
    inhibit_any_policy: usize,
    policy_mapping: usize,
    max_path_length: usize,
}

/// Sections 6.1.2 to 6.1.5 but for signatures, times, names chaining and revocation.
fn walk(chain: &[&Certificate], purpose: Purpose, rules: &Rules) -> Result<PolicySet, Distrust> {
    let Some((anchor, path)) = chain.split_last() else {
        return Err(Distrust::NoPath { subject: String::new(), issuer: String::new(), misfit: None });
    };
    let count = path.len();
    let unless = |now: bool| if now { 0 } else { count + 1 };
    let mut state = State {
        subtrees: Subtrees::new(&rules.names),
        graph: Graph::new(),
        explicit_policy: unless(rules.explicit_policy),
        inhibit_any_policy: unless(rules.inhibit_any_policy),
        policy_mapping: unless(rules.inhibit_mapping),
        max_path_length: count,
    };
    state.take_anchor(anchor, purpose).map_err(|fault| at_fault(anchor, count, fault))?;
    for (index, certificate) in path.iter().enumerate().rev() {
        let fault = |fault| at_fault(certificate, index, fault);
        let last = index == 0;
        if last || !certificate.is_self_issued() {
            state.subtrees.admit(certificate).map_err(fault)?;
        }
        state.take_policies(certificate, last).map_err(fault)?;
        if !last {
            state.prepare(certificate, purpose).map_err(fault)?;
        }
    }
    let end = path.first().unwrap_or(anchor);
    state.wrap_up(end, user_policies(anchor, rules).as_deref()).map_err(|fault| at_fault(end, 0, fault))
}

impl<'a> State<'a> {
    /// The anchor is given as a certificate, and what it says of its own reach is kept to (RFC 5937 section 3): a
    /// certificate that limits itself is not trusted for more.
    fn take_anchor(&mut self, anchor: &'a Certificate, purpose: Purpose) -> Result<(), ChainFault> {
        may_issue(anchor, purpose)?;
        if let Some(names) = anchor.name_constraints() {
            self.subtrees.narrow(names);
        }
        self.take_constraints(anchor);
        self.take_path_length(anchor);
        Ok(())
    }

    /// 6.1.3 (d) to (f).
    fn take_policies(&mut self, certificate: &Certificate, last: bool) -> Result<(), ChainFault> {
        let any_policy = self.inhibit_any_policy > 0 || !last && certificate.is_self_issued();
        let policies = certificate.policies();
        if policies.is_some_and(|policies| policies.unknown_qualifier) {
            return Err(ChainFault::PolicyQualifier);
        }
        self.graph.certificate(policies.map(|policies| &policies.oids[..]), any_policy);
        if self.explicit_policy == 0 && self.graph.is_null() {
            return Err(ChainFault::NoPolicy);
        }
        Ok(())
    }

    /// 6.1.4: an authority, before the certificate below it is looked at.
    fn prepare(&mut self, authority: &'a Certificate, purpose: Purpose) -> Result<(), ChainFault> {
        let mappings = authority.policy_mappings();
        if mappings.iter().any(|(issuer, subject)| [*issuer, *subject].contains(&PolicyId::ANY)) {
            return Err(ChainFault::AnyPolicyMapped);
        }
        self.graph.map(mappings, self.policy_mapping > 0);
        if let Some(names) = authority.name_constraints() {
            self.subtrees.narrow(names);
        }
        if !authority.is_self_issued() {
            self.explicit_policy = self.explicit_policy.saturating_sub(1);
            self.policy_mapping = self.policy_mapping.saturating_sub(1);
            self.inhibit_any_policy = self.inhibit_any_policy.saturating_sub(1);
        }
        self.take_constraints(authority);
        may_issue(authority, purpose)?;
        if !authority.is_self_issued() {
            self.max_path_length = self.max_path_length.checked_sub(1).ok_or(ChainFault::PathLength)?;
        }
        self.take_path_length(authority);
        Ok(())
    }

    /// 6.1.4 (i) and (j).
    fn take_constraints(&mut self, authority: &Certificate) {
        let sooner = |state: &mut usize, skip: Option<u32>| {
            if let Some(skip) = skip {
                *state = (*state).min(usize::try_from(skip).unwrap_or(usize::MAX));
            }
        };
        if let Some(constraints) = authority.policy_constraints() {
            sooner(&mut self.explicit_policy, constraints.require_explicit);
            sooner(&mut self.policy_mapping, constraints.inhibit_mapping);
        }
        sooner(&mut self.inhibit_any_policy, authority.inhibit_any_policy());
    }

    /// 6.1.4 (m).
    fn take_path_length(&mut self, authority: &Certificate) {
        if let Some((_, Some(most))) = authority.basic_constraints() {
            self.max_path_length = self.max_path_length.min(usize::try_from(most).unwrap_or(usize::MAX));
        }
    }

    /// 6.1.5 (a), (b) and (g).
    fn wrap_up(mut self, end: &Certificate, policies: Option<&[PolicyId]>) -> Result<PolicySet, ChainFault> {
        self.explicit_policy = self.explicit_policy.saturating_sub(1);
        if end.policy_constraints().is_some_and(|constraints| constraints.require_explicit == Some(0)) {
            self.explicit_policy = 0;
        }
        let constrained = self.graph.user_constrained(policies);
        if self.explicit_policy == 0 && constrained.policies.is_empty() {
            return Err(ChainFault::NoPolicy);
        }
        Ok(constrained)
    }
}

/// user-initial-policy-set, no wider than the policies of the anchor (RFC 5937 section 3). `None`: any policy.
fn user_policies(anchor: &Certificate, rules: &Rules) -> Option<Vec<PolicyId>> {
    let wanted = &rules.policies;
    let any = wanted.is_empty() || wanted.contains(&PolicyId::ANY);
    match anchor.policies() {
        Some(own) if !own.oids.contains(&PolicyId::ANY) => {
            let common = own.oids.iter().copied().filter(|policy| any || wanted.contains(policy));
            Some(common.collect())
        }
        _ if any => None,
        _ => Some(wanted.clone()),
    }
}

/// Both readers agree, and nothing critical goes unprocessed (6.1.4 o, 6.1.5 f).
pub(super) fn understood(certificate: &Certificate, index: usize) -> Result<(), Distrust> {
    if let Some(what) = certificate.disagreement() {
        let subject = certificate.subject().to_string();
        return Err(Distrust::Disagreement { subject, index, what: what.to_owned() });
    }
    match certificate.unknown_critical().first() {
        Some(extension) => Err(at_fault(certificate, index, ChainFault::UnknownCritical(*extension))),
        None => Ok(()),
    }
}

/// The key is long enough, and the issuer signed it over a digest that still resists collisions.
pub(super) fn strong(
    certificate: &Certificate,
    issuer: Option<&Certificate>,
    index: usize,
    question: Question<'_>,
) -> Result<(), Distrust> {
    let weak = |weakness: Weakness| weak(certificate, index, weakness);
    question.key(certificate.spki_der()).map_err(weak)?;
    let Some(issuer) = issuer else { return Ok(()) };
    let scheme = question.scheme(certificate.signature_algorithm()).map_err(weak)?;
    // A weak key of the issuer is told where the issuer stands in the chain.
    if question.key(issuer.spki_der()).is_ok() {
        question.signed(scheme, issuer).map_err(weak)
    } else {
        Ok(())
    }
}

/// `at` lies in the validity period, ends included (RFC 5280 sections 4.1.2.5 and 6.1.3 a 2).
pub(super) fn in_validity(certificate: &Certificate, index: usize, at: UtcTime) -> Result<(), Distrust> {
    let (not_before, not_after) = (certificate.not_before(), certificate.not_after());
    let subject = || certificate.subject().to_string();
    if at < not_before {
        Err(Distrust::NotYetValid { subject: subject(), index, not_before, at })
    } else if at > not_after {
        Err(Distrust::Expired { subject: subject(), index, not_after, at })
    } else {
        Ok(())
    }
}

/// 6.1.4 (k) and (n).
fn may_issue(authority: &Certificate, purpose: Purpose) -> Result<(), ChainFault> {
    if !matches!(authority.basic_constraints(), Some((true, _))) {
        return Err(ChainFault::NotAuthority);
    }
    if authority.key_usage().is_some_and(|usage| !usage.key_cert_sign) {
        return Err(ChainFault::KeyCertSign);
    }
    // RFC 5280 gives extKeyUsage of an authority no meaning for those below. One that is critical was meant
    // to have some, so it must name what the end is used for.
    match authority.extended_key_usage() {
        Some((true, uses)) if !uses.contains(&ANY_USE) && !purpose.allowed_by(&uses) => {
            Err(ChainFault::ExtendedKeyUsage)
        }
        _ => Ok(()),
    }
}

fn may_serve(end: &Certificate, purpose: Purpose) -> Result<(), ChainFault> {
    if purpose == Purpose::Any {
        return Ok(());
    }
    if end.key_usage().is_some_and(|usage| !usage.digital_signature && !usage.non_repudiation) {
        return Err(ChainFault::KeyUsage);
    }
    let allowed = match (purpose, end.extended_key_usage()) {
        // TT 15/2025 Annex II: extKeyUsage is optional for signers.
        (Purpose::Any, _) | (Purpose::Signing, None) => true,
        (Purpose::Signing, Some((_, uses))) => purpose.allowed_by(&uses),
        // RFC 3161 section 2.3: critical, and nothing else in it.
        (Purpose::TimeStamping, uses) => uses == Some((true, vec![oid::KP_TIME_STAMPING])),
    };
    if allowed { Ok(()) } else { Err(ChainFault::ExtendedKeyUsage) }
}

impl Purpose {
    /// Whether a list of extended key usages has one that fits.
    pub fn allowed_by(self, uses: &[ObjectIdentifier]) -> bool {
        match self {
            Self::Any => true,
            // People's and agencies' certificates carry all sorts; those made only for something else are out.
            Self::Signing => uses.iter().any(|usage| !OTHER_TRADES.contains(usage)),
            Self::TimeStamping => uses.contains(&oid::KP_TIME_STAMPING),
        }
    }
}

fn at_fault(certificate: &Certificate, index: usize, fault: ChainFault) -> Distrust {
    Distrust::Chain { subject: certificate.subject().to_string(), index, fault }
}

fn weak(certificate: &Certificate, index: usize, weakness: Weakness) -> Distrust {
    let Weakness { what, since } = weakness;
    Distrust::Weak { subject: certificate.subject().to_string(), index, what, since }
}

/// anyExtendedKeyUsage, RFC 5280 section 4.2.1.12.
const ANY_USE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.37.0");

/// serverAuth, codeSigning, timeStamping, OCSPSigning: a certificate for nothing but these signs no documents.
const OTHER_TRADES: [ObjectIdentifier; 4] = [
    ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.1"),
    ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.3"),
    oid::KP_TIME_STAMPING,
    oid::KP_OCSP_SIGNING,
];
