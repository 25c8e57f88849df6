//! Building chains to an anchor, and the rules of RFC 5280 section 6 on one chain.

use std::{cell::RefCell, collections::HashMap};

use der::oid::ObjectIdentifier;

use super::{Anchors, ChainFault, Distrust, Purpose};
use crate::{
    asn1::oid,
    base::{Sha256, UtcTime},
    crypto,
    x509::{
        Certificate,
        algorithm::{KeyKind, SignatureScheme, key_kind},
    },
};

/// The longest chain tried while building a path, in certificates, anchor excluded.
///
/// The national hierarchy is three deep; the margin is for cross-signed renewals.
pub const MAX_CHAIN: usize = 6;

/// How many whole chains are looked at for one certificate.
///
/// Cross-signed hierarchies give two or three; more only helps whoever wants to keep us busy.
pub const MAX_PATHS: usize = 16;

/// The shortest RSA key relied on, in bits (TT 15/2025/TT-BKHCN Annex I).
pub const MIN_RSA_BITS: usize = 2048;

/// The shortest elliptic-curve key relied on, in bits (the same).
const MIN_EC_BITS: usize = 256;

/// A chain whose every link's signature holds: end certificate first, anchor last.
pub(super) type Chain<'a> = Vec<&'a Certificate>;

/// What a search for chains gave.
pub(super) struct Found<'a> {
    pub(super) chains: Vec<Chain<'a>>,
    /// The signature checks ran out.
    pub(super) exhausted: bool,
    /// Certificates whose issuer is not at hand.
    pub(super) orphans: Vec<&'a Certificate>,
}

/// Signature checks already done, by what was checked and the key.
#[derive(Default)]
pub struct Checks {
    done: RefCell<HashMap<(Sha256, Sha256), bool>>,
}

/// A count that runs down.
pub(super) struct Budget {
    left: usize,
}

impl Budget {
    pub(super) fn new(left: usize) -> Self {
        Self { left }
    }

    /// Spends one, if there is one.
    fn spend(&mut self) -> Option<()> {
        self.left = self.left.checked_sub(1)?;
        Some(())
    }
}

impl Checks {
    /// Whether `signature` over `message` holds under the key. `None` when the budget is spent.
    pub(super) fn holds(
        &self,
        spki: &[u8],
        scheme: SignatureScheme,
        message: &[u8],
        signature: &[u8],
        budget: &mut Budget,
    ) -> Option<bool> {
        let mut what = Vec::with_capacity(signature.len() + 96);
        what.extend_from_slice(&Sha256::of(message).0);
        what.extend_from_slice(format!("{scheme:?}").as_bytes());
        what.extend_from_slice(signature);
        let key = (Sha256::of(&what), Sha256::of(spki));
        if let Some(known) = self.done.borrow().get(&key) {
            return Some(*known);
        }
        budget.spend()?;
        let holds = crypto::verify(spki, scheme, message, signature).is_ok();
        self.done.borrow_mut().insert(key, holds);
        Some(holds)
    }

    /// Whether `issuer` issued `child`: names chain, and the signature holds.
    pub(super) fn issued(
        &self,
        child: &Certificate,
        issuer: &Certificate,
        budget: &mut Budget,
    ) -> Option<bool> {
        if !child.issuer().matches(issuer.subject()) {
            return Some(false);
        }
        let Ok(scheme) = SignatureScheme::from_identifier(child.signature_algorithm(), None) else {
            return Some(false);
        };
        self.holds(issuer.spki_der(), scheme, child.tbs_der(), child.signature(), budget)
    }
}

/// Every chain from `end` to an anchor, likeliest first, within the bounds.
pub(super) fn chains<'a>(
    end: &'a Certificate,
    anchors: &'a Anchors,
    pool: &'a [Certificate],
    checks: &Checks,
    budget: &mut Budget,
) -> Found<'a> {
    let mut search = Search {
        anchors,
        pool,
        checks,
        budget,
        found: Found { chains: Vec::new(), exhausted: false, orphans: Vec::new() },
    };
    search.extend(&mut vec![end]);
    search.found
}

struct Search<'a, 'b> {
    anchors: &'a Anchors,
    pool: &'a [Certificate],
    checks: &'b Checks,
    budget: &'b mut Budget,
    found: Found<'a>,
}

impl<'a> Search<'a, '_> {
    /// Depth first; the depth is bounded by [`MAX_CHAIN`].
    fn extend(&mut self, chain: &mut Chain<'a>) {
        let Some(&child) = chain.last() else { return };
        let mut issuer_known = false;
        for anchor in likeliest_first(child, self.anchors.certificates.iter()) {
            match self.link(child, anchor) {
                None => return,
                Some(false) => {}
                Some(true) => {
                    issuer_known = true;
                    if self.found.chains.len() < MAX_PATHS {
                        let mut whole = chain.clone();
                        whole.push(anchor);
                        self.found.chains.push(whole);
                    }
                }
            }
        }
        if chain.len() >= MAX_CHAIN {
            return;
        }
        for issuer in likeliest_first(child, self.pool.iter()) {
            if self.found.chains.len() >= MAX_PATHS {
                return;
            }
            if self.anchors.contains(issuer) || chain.iter().any(|earlier| same_authority(earlier, issuer)) {
                continue;
            }
            match self.link(child, issuer) {
                None => return,
                Some(false) => {}
                Some(true) => {
                    issuer_known = true;
                    chain.push(issuer);
                    self.extend(chain);
                    chain.pop();
                }
            }
        }
        if !issuer_known && !self.found.orphans.iter().any(|orphan| orphan.der() == child.der()) {
            self.found.orphans.push(child);
        }
    }

    fn link(&mut self, child: &Certificate, issuer: &Certificate) -> Option<bool> {
        let answer = self.checks.issued(child, issuer, self.budget);
        self.found.exhausted |= answer.is_none();
        answer
    }
}

/// The rules of RFC 5280 section 6.1 on one chain at a moment, and those of the purpose on its end.
///
/// Structure is looked at before strength, strength before time, so that what is reported is what matters most.
pub(super) fn validate(chain: &[&Certificate], purpose: Purpose, at: UtcTime) -> Result<(), Distrust> {
    for certificate in chain {
        understood(certificate)?;
    }
    let Some((end, authorities)) = chain.split_first() else {
        return Err(Distrust::NoPath { subject: String::new(), issuer: String::new() });
    };
    for (depth, authority) in authorities.iter().enumerate() {
        let below = authorities.iter().take(depth);
        // RFC 5280 section 4.2.1.9: self-issued certificates do not count.
        let counted = below.filter(|certificate| !certificate.is_self_issued()).count();
        may_issue(authority, counted, purpose).map_err(|fault| at_fault(authority, fault))?;
    }
    may_serve(end, purpose).map_err(|fault| at_fault(end, fault))?;
    for (depth, certificate) in chain.iter().enumerate() {
        strong_key(certificate)?;
        // The anchor's own signature proves nothing and is not looked at.
        if depth + 1 < chain.len() {
            strong_signature(certificate)?;
        }
    }
    for certificate in chain {
        in_validity(certificate, at)?;
    }
    Ok(())
}

/// Both readers agree, and nothing critical goes unprocessed.
pub(super) fn understood(certificate: &Certificate) -> Result<(), Distrust> {
    if let Some(what) = certificate.disagreement() {
        let subject = certificate.subject().to_string();
        return Err(Distrust::Disagreement { subject, what: what.to_owned() });
    }
    for extension in RESTRICTING {
        if certificate.has_extension(extension) {
            return Err(at_fault(certificate, ChainFault::NotSupported(extension)));
        }
    }
    match certificate.unknown_critical().first() {
        Some(extension) => Err(at_fault(certificate, ChainFault::UnknownCritical(*extension))),
        None => Ok(()),
    }
}

/// The key is long enough.
pub(super) fn strong_key(certificate: &Certificate) -> Result<(), Distrust> {
    let weak = |what| Err(Distrust::Weak { subject: certificate.subject().to_string(), what });
    match key_kind(certificate.spki_der()) {
        Ok(kind) => match weak_key(kind) {
            Some(what) => weak(what),
            None => Ok(()),
        },
        Err(unknown) => weak(unknown.to_string()),
    }
}

/// What makes a key too weak, if anything.
pub(super) fn weak_key(kind: KeyKind) -> Option<String> {
    match kind {
        KeyKind::Brainpool { bits } | KeyKind::Ec { bits } if bits < MIN_EC_BITS => Some(kind.to_string()),
        KeyKind::Rsa { bits } if bits < MIN_RSA_BITS => Some(kind.to_string()),
        KeyKind::Brainpool { .. } | KeyKind::Ec { .. } | KeyKind::Ed25519 | KeyKind::Rsa { .. } => None,
    }
}

/// The issuer signed it over a digest that still resists collisions.
pub(super) fn strong_signature(certificate: &Certificate) -> Result<(), Distrust> {
    let weak = |what| Err(Distrust::Weak { subject: certificate.subject().to_string(), what });
    match SignatureScheme::from_identifier(certificate.signature_algorithm(), None) {
        Ok(scheme) => scheme.weak_digest().map_or(Ok(()), |digest| weak(digest.name().to_owned())),
        Err(unknown) => weak(unknown.to_string()),
    }
}

/// `at` lies in the validity period, ends included (RFC 5280 section 4.1.2.5).
pub(super) fn in_validity(certificate: &Certificate, at: UtcTime) -> Result<(), Distrust> {
    let (not_before, not_after) = (certificate.not_before(), certificate.not_after());
    let subject = || certificate.subject().to_string();
    if at < not_before {
        Err(Distrust::NotYetValid { subject: subject(), not_before, at })
    } else if at > not_after {
        Err(Distrust::Expired { subject: subject(), not_after, at })
    } else {
        Ok(())
    }
}

fn may_issue(authority: &Certificate, below: usize, purpose: Purpose) -> Result<(), ChainFault> {
    let Some((true, path_len)) = authority.basic_constraints() else {
        return Err(ChainFault::NotAuthority);
    };
    if path_len.is_some_and(|most| below as u64 > u64::from(most)) {
        return Err(ChainFault::PathLength);
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
    if end.key_usage().is_some_and(|usage| !usage.digital_signature && !usage.non_repudiation) {
        return Err(ChainFault::KeyUsage);
    }
    let allowed = match (purpose, end.extended_key_usage()) {
        // TT 15/2025 Annex II: extKeyUsage is optional for signers.
        (Purpose::Signing, None) => true,
        (Purpose::Signing, Some((_, uses))) => purpose.allowed_by(&uses),
        // RFC 3161 section 2.3: critical, and nothing else in it.
        (Purpose::TimeStamping, uses) => uses == Some((true, vec![oid::KP_TIME_STAMPING])),
    };
    if allowed { Ok(()) } else { Err(ChainFault::ExtendedKeyUsage) }
}

impl Purpose {
    /// Whether a list of extended key usages has one that fits.
    fn allowed_by(self, uses: &[ObjectIdentifier]) -> bool {
        match self {
            // People's and agencies' certificates carry all sorts; those made only for something else are out.
            Self::Signing => uses.iter().any(|usage| !OTHER_TRADES.contains(usage)),
            Self::TimeStamping => uses.contains(&oid::KP_TIME_STAMPING),
        }
    }
}

fn at_fault(certificate: &Certificate, fault: ChainFault) -> Distrust {
    Distrust::Chain { subject: certificate.subject().to_string(), fault }
}

/// The same name and the same key: going through it twice is a loop.
fn same_authority(one: &Certificate, other: &Certificate) -> bool {
    one.spki_der() == other.spki_der() && one.subject().matches(other.subject())
}

/// Issuers whose key identifier is the one that `child` asks for come first; the name must match in any case.
fn likeliest_first<'a>(
    child: &Certificate,
    candidates: impl Iterator<Item = &'a Certificate>,
) -> Vec<&'a Certificate> {
    let wanted = child.authority_key_identifier();
    let mut issuers: Vec<_> =
        candidates.filter(|candidate| child.issuer().matches(candidate.subject())).collect();
    issuers.sort_by_key(|candidate| wanted.is_none() || candidate.subject_key_identifier() != wanted);
    issuers
}

/// nameConstraints, policyMappings, policyConstraints, inhibitAnyPolicy: RFC 5280 sections 4.2.1.5, .10, .11, .14.
const RESTRICTING: [ObjectIdentifier; 4] = [
    ObjectIdentifier::new_unwrap("2.5.29.30"),
    ObjectIdentifier::new_unwrap("2.5.29.33"),
    ObjectIdentifier::new_unwrap("2.5.29.36"),
    ObjectIdentifier::new_unwrap("2.5.29.54"),
];

/// anyExtendedKeyUsage, RFC 5280 section 4.2.1.12.
const ANY_USE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.37.0");

/// serverAuth, codeSigning, timeStamping, OCSPSigning: a certificate for nothing but these signs no documents.
const OTHER_TRADES: [ObjectIdentifier; 4] = [
    ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.1"),
    ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.3"),
    oid::KP_TIME_STAMPING,
    oid::KP_OCSP_SIGNING,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_keys_are_weak() {
        for (kind, weak) in [
            (KeyKind::Rsa { bits: 1024 }, Some("RSA-1024")),
            (KeyKind::Rsa { bits: 2047 }, Some("RSA-2047")),
            (KeyKind::Rsa { bits: 2048 }, None),
            (KeyKind::Ec { bits: 224 }, Some("EC-224")),
            (KeyKind::Ec { bits: 256 }, None),
        ] {
            assert_eq!(weak_key(kind).as_deref(), weak, "{kind:?}");
        }
    }

    #[test]
    fn a_budget_runs_out() {
        let mut budget = Budget::new(2);
        assert_eq!([budget.spend(), budget.spend(), budget.spend()], [Some(()), Some(()), None]);
    }
}
