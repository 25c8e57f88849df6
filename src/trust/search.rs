//! Chains of signatures from a certificate up to an anchor.

use super::checks::{Budget, Checks};
use crate::x509::{Certificate, algorithm::SignatureScheme};

/// The longest chain tried while building a path, in certificates, anchor excluded.
///
/// The national hierarchy is three deep; the margin is for cross-signed renewals.
pub const MAX_CHAIN: usize = 6;

/// How many whole chains are looked at for one certificate.
///
/// Cross-signed hierarchies give two or three; more only helps whoever wants to keep us busy.
pub const MAX_PATHS: usize = 16;

/// A chain whose every link's signature holds: end certificate first, anchor last.
pub(super) type Chain<'a> = Vec<&'a Certificate>;

/// What a search for chains gave.
pub(super) struct Found<'a> {
    pub(super) chains: Vec<Chain<'a>>,
    /// The budget ran out.
    pub(super) exhausted: bool,
    /// Certificates whose issuer is not at hand.
    pub(super) orphans: Vec<&'a Certificate>,
    /// A certificate on the way whose signature is of an algorithm that nobody here checks, and its place.
    pub(super) unsupported: Option<(usize, &'a Certificate)>,
    /// A certificate on the way that a namesake of its issuer is at hand for, whose key did not sign it.
    pub(super) misfit: Option<&'a Certificate>,
}

/// Every chain from `end` to an anchor, likeliest first, within the bounds.
pub(super) fn chains<'a>(
    end: &'a Certificate,
    anchors: &'a [Certificate],
    pool: &'a [Certificate],
    checks: &Checks,
    budget: &mut Budget,
) -> Found<'a> {
    let found =
        Found { chains: Vec::new(), exhausted: false, orphans: Vec::new(), unsupported: None, misfit: None };
    let mut search = Search { anchors, pool, checks, budget, found };
    search.extend(&mut vec![end]);
    search.found
}

struct Search<'a, 'b> {
    anchors: &'a [Certificate],
    pool: &'a [Certificate],
    checks: &'b Checks,
    budget: &'b mut Budget,
    found: Found<'a>,
}

impl<'a> Search<'a, '_> {
    /// Depth first; the depth is bounded by [`MAX_CHAIN`], the breadth by the budget.
    fn extend(&mut self, chain: &mut Chain<'a>) {
        let Some(&child) = chain.last() else { return };
        let (mut issuer_known, mut misfit) = (false, false);
        for anchor in likeliest_first(child, self.anchors) {
            match self.link(chain.len() - 1, child, anchor) {
                None => return,
                Some(false) => misfit = true,
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
        for issuer in likeliest_first(child, self.pool) {
            if self.found.chains.len() >= MAX_PATHS || self.found.exhausted {
                return;
            }
            let anchored = self.anchors.iter().any(|anchor| anchor.der() == issuer.der());
            if anchored || chain.iter().any(|earlier| same_authority(earlier, issuer)) {
                continue;
            }
            match self.link(chain.len() - 1, child, issuer) {
                None => return,
                Some(false) => misfit = true,
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
            if misfit {
                self.found.misfit.get_or_insert(child);
            }
        }
    }

    fn link(&mut self, place: usize, child: &'a Certificate, issuer: &Certificate) -> Option<bool> {
        if SignatureScheme::from_identifier(child.signature_algorithm(), None).is_err() {
            self.found.unsupported.get_or_insert((place, child));
        }
        let answer = self.budget.step().and_then(|()| self.checks.issued(child, issuer, self.budget));
        self.found.exhausted |= answer.is_none();
        answer
    }
}

/// The same name and the same key: going through it twice is a loop.
fn same_authority(one: &Certificate, other: &Certificate) -> bool {
    one.spki_der() == other.spki_der() && one.subject().matches(other.subject())
}

/// Issuers whose key identifier is the one that `child` asks for come first; the name must match in any case.
fn likeliest_first<'a>(child: &Certificate, candidates: &'a [Certificate]) -> Vec<&'a Certificate> {
    let wanted = child.authority_key_identifier();
    let mut issuers: Vec<_> =
        candidates.iter().filter(|candidate| child.issuer().matches(candidate.subject())).collect();
    issuers.sort_by_key(|candidate| wanted.is_none() || candidate.subject_key_identifier() != wanted);
    issuers
}
