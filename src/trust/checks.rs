//! Signature checks: each done once, and counted.

use std::{
    cell::RefCell,
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, PoisonError},
};

use crate::{
    base::Sha256,
    crypto,
    x509::{Certificate, algorithm::SignatureScheme},
};

/// Signature checks already done, by what was checked and the key.
#[derive(Default)]
pub struct Checks {
    done: RefCell<HashMap<Checked, bool>>,
    known: Option<Arc<Known>>,
}

/// The digests of what was checked (scheme and value included) and of the key.
type Checked = (Sha256, Sha256);

/// Signatures that were found to hold, for judgements on many files whose certificates have the same issuers.
///
/// The arithmetic is spared, and nothing else: budgets are spent as if it were done, so that no verdict depends on what
/// was judged before.
#[derive(Debug, Default)]
pub struct Known {
    held: Mutex<HashSet<Checked>>,
}

impl Known {
    fn has(&self, checked: &Checked) -> bool {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).contains(checked)
    }

    fn add(&self, checked: Checked) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if held.len() < MOST_KNOWN {
            held.insert(checked);
        }
    }
}

/// Batches have a handful of issuers; files from outside must not fill the memory.
const MOST_KNOWN: usize = 4_096;

/// A count that runs down.
pub(super) struct Budget {
    /// Signature checks.
    left: usize,
    /// Cheap steps: looking at one candidate.
    steps: usize,
}

impl Budget {
    pub(super) fn new(checks: usize) -> Self {
        Self { left: checks, steps: checks.saturating_mul(STEPS_A_CHECK) }
    }

    /// Spends one check, if there is one.
    fn spend(&mut self) -> Option<()> {
        self.left = self.left.checked_sub(1)?;
        Some(())
    }

    /// Spends one step, if there is one.
    pub(super) fn step(&mut self) -> Option<()> {
        self.steps = self.steps.checked_sub(1)?;
        Some(())
    }
}

impl Checks {
    /// None done yet, those known already spared.
    pub fn knowing(known: Arc<Known>) -> Self {
        Self { done: RefCell::default(), known: Some(known) }
    }

    /// Whether `signature` over `message` holds under the key. `None` when the budget is spent.
    ///
    /// `digest`: the SHA-256 of the message, where somebody has it: long lists are asked about often.
    pub(super) fn holds(
        &self,
        spki: &[u8],
        scheme: SignatureScheme,
        message: &[u8],
        digest: Option<Sha256>,
        signature: &[u8],
        budget: &mut Budget,
    ) -> Option<bool> {
        budget.step()?;
        let mut what = Vec::with_capacity(signature.len() + 96);
        what.extend_from_slice(&digest.unwrap_or_else(|| Sha256::of(message)).0);
        what.extend_from_slice(format!("{scheme:?}").as_bytes());
        what.extend_from_slice(signature);
        let key = (Sha256::of(&what), Sha256::of(spki));
        if let Some(known) = self.done.borrow().get(&key) {
            return Some(*known);
        }
        budget.spend()?;
        let holds = match &self.known {
            Some(known) if known.has(&key) => true,
            known => {
                let holds = crypto::verify(spki, scheme, message, signature).is_ok();
                if let (true, Some(known)) = (holds, known) {
                    known.add(key);
                }
                holds
            }
        };
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
        self.holds(issuer.spki_der(), scheme, child.tbs_der(), None, child.signature(), budget)
    }
}

/// A cheap step hashes a certificate once; a hundred of them cost about as much as a signature check.
const STEPS_A_CHECK: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_runs_out() {
        let mut budget = Budget::new(2);
        assert_eq!([budget.spend(), budget.spend(), budget.spend()], [Some(()), Some(()), None]);
        let mut budget = Budget::new(1);
        assert_eq!((0..200).filter(|_| budget.step().is_some()).count(), STEPS_A_CHECK);
    }
}
