//! What reading one document may cost in all.

use std::{
    ops::Deref,
    sync::atomic::{AtomicU64, Ordering},
};

use super::PdfError;
use crate::base::Limits;

/// The limits of each single thing, and a budget for their sum.
///
/// Objects that overlap, or many small bombs, would otherwise make a short file cost without end.
#[derive(Debug)]
pub(super) struct Guard {
    limits: Limits,
    left: AtomicU64,
}

impl Guard {
    pub(super) fn new(limits: &Limits) -> Self {
        Self { limits: limits.clone(), left: AtomicU64::new(Self::budget(limits)) }
    }

    /// Takes `bytes` read in large pieces, or decoded, from the budget.
    pub(super) fn spend(&self, bytes: usize) -> Result<(), PdfError> {
        let left = self
            .left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(bytes as u64));
        left.map(drop).map_err(|_| PdfError::Limit {
            what: "the work that the file's objects make",
            limit: Self::budget(&self.limits),
        })
    }

    fn budget(limits: &Limits) -> u64 {
        (limits.decoded_bytes as u64).saturating_mul(ROUNDS)
    }
}

impl Deref for Guard {
    type Target = Limits;

    fn deref(&self) -> &Limits {
        &self.limits
    }
}

/// How often [`Limits::decoded_bytes`] may be spent in all: 4 GiB by default, some seconds of work.
const ROUNDS: u64 = 16;
