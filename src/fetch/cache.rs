//! What was fetched lately: in memory, behind that on disk; and what failed lately, in memory only.

use std::{
    collections::BTreeMap,
    io,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use super::{
    FetchError,
    disk::Disk,
    evidence::{Kept, Kind},
};
use crate::base::{Sha256, UtcTime};

/// Evidence by the digest of what was asked for.
#[derive(Default)]
pub(super) struct Cache {
    memory: Mutex<Memory>,
    failures: Mutex<BTreeMap<Sha256, Failure>>,
    disk: Option<Disk>,
}

#[derive(Default)]
struct Memory {
    answers: BTreeMap<Sha256, Held>,
    bytes: usize,
    /// Counts the uses, so that the least recently used is known.
    uses: u64,
}

struct Held {
    kept: Kept,
    used: u64,
}

struct Failure {
    until: Instant,
    error: FetchError,
}

impl Cache {
    pub(super) fn on(disk: Disk) -> Self {
        Self { disk: Some(disk), ..Self::default() }
    }

    /// Makes the folder, if there is to be one.
    pub(super) fn prepare(&self) -> io::Result<()> {
        self.disk.as_ref().map_or(Ok(()), Disk::prepare)
    }

    /// What is kept under a key, if it is `useful`. Where memory has nothing useful, another process may have written
    /// something to disk meanwhile.
    pub(super) fn find(
        &self,
        key: &Sha256,
        kind: Kind,
        now: UtcTime,
        useful: impl Fn(&Kept) -> bool,
    ) -> Option<Kept> {
        let useful = |kept: &Kept| kept.kind == kind && useful(kept);
        let held = self.memory().get(key).filter(useful);
        held.or_else(|| {
            let kept = self.disk.as_ref()?.get(key, now).filter(useful)?;
            self.memory().put(*key, kept.clone());
            Some(kept)
        })
    }

    pub(super) fn put(&self, key: Sha256, kept: &Kept, now: UtcTime) {
        self.memory().put(key, kept.clone());
        self.failures().remove(&key);
        if let Some(disk) = &self.disk {
            disk.put(&key, kept, now);
        }
    }

    /// How asking for it failed a short time ago.
    pub(super) fn failure(&self, key: &Sha256, now: Instant) -> Option<FetchError> {
        self.failures().get(key).filter(|failure| now < failure.until).map(|failure| failure.error.clone())
    }

    pub(super) fn failed(&self, key: Sha256, error: FetchError, now: Instant) {
        let mut failures = self.failures();
        failures.retain(|_, failure| now < failure.until);
        if failures.len() < MAX_FAILURES {
            failures.insert(key, Failure { until: now + FAILURE_LIFE, error });
        }
    }

    pub(super) fn forget_failures(&self) {
        self.failures().clear();
    }

    /// Forgets everything, here and on disk.
    pub(super) fn clear(&self) {
        *self.memory() = Memory::default();
        self.failures().clear();
        if let Some(disk) = &self.disk {
            disk.clear();
        }
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn failures(&self) -> MutexGuard<'_, BTreeMap<Sha256, Failure>> {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Memory {
    fn get(&mut self, key: &Sha256) -> Option<Kept> {
        let held = self.answers.get_mut(key)?;
        self.uses += 1;
        held.used = self.uses;
        Some(held.kept.clone())
    }

    fn put(&mut self, key: Sha256, kept: Kept) {
        self.remove(&key);
        if kept.bytes.len() > MAX_BYTES {
            return;
        }
        while self.answers.len() >= MAX_ANSWERS || self.bytes + kept.bytes.len() > MAX_BYTES {
            let oldest = self.answers.iter().min_by_key(|(_, held)| held.used).map(|(key, _)| *key);
            let Some(oldest) = oldest else { break };
            self.remove(&oldest);
        }
        self.bytes += kept.bytes.len();
        self.uses += 1;
        self.answers.insert(key, Held { kept, used: self.uses });
    }

    fn remove(&mut self, key: &Sha256) {
        if let Some(held) = self.answers.remove(key) {
            self.bytes -= held.kept.bytes.len();
        }
    }
}

/// Some days of one office's signers.
const MAX_ANSWERS: usize = 1_000;

/// Two of the largest CRLs.
const MAX_BYTES: usize = 32 * 1024 * 1024;

/// A host that is down is asked once for a folder of files, not once a file; and soon again.
const FAILURE_LIFE: Duration = Duration::from_secs(15);
const MAX_FAILURES: usize = 1_000;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fetch::tests::at;

    fn kept(len: usize) -> Kept {
        let time = at("2026-07-01T12:00:00Z");
        Kept {
            kind: Kind::Crl,
            bytes: vec![7; len].into(),
            fetched: time,
            fresh_until: time,
            since: time,
            holds_until: time,
        }
    }

    fn key(number: u64) -> Sha256 {
        Sha256::of(&number.to_be_bytes())
    }

    #[test]
    fn memory_stays_within_its_bounds_and_drops_what_was_not_used() {
        let mut memory = Memory::default();
        for number in 0..3 * MAX_ANSWERS as u64 {
            memory.put(key(number), kept(10));
            assert!(memory.get(&key(0)).is_some());
        }
        assert_eq!((memory.answers.len(), memory.bytes), (MAX_ANSWERS, 10 * MAX_ANSWERS));
        assert_eq!(memory.get(&key(1)), None);
        for number in 0..10_u64 {
            memory.put(key(number), kept(MAX_BYTES / 3));
        }
        assert!(memory.bytes <= MAX_BYTES);
        assert_eq!(memory.bytes, memory.answers.values().map(|held| held.kept.bytes.len()).sum::<usize>());
        memory.put(key(9), kept(MAX_BYTES + 1));
        assert_eq!(memory.get(&key(9)), None, "not the older one either");
    }

    #[test]
    fn failures_are_remembered_for_a_short_time() {
        let (cache, now) = (Cache::default(), Instant::now());
        let error = || FetchError::Timeout { url: "http://a.example/".to_owned() };
        cache.failed(key(1), error(), now);
        assert!(cache.failure(&key(1), now + FAILURE_LIFE / 2).is_some());
        assert!(cache.failure(&key(1), now + FAILURE_LIFE).is_none());
        assert!(cache.failure(&key(2), now).is_none());
        cache.put(key(1), &kept(1), at("2026-07-01T12:00:00Z"));
        assert!(cache.failure(&key(1), now).is_none());
        for number in 0..2 * MAX_FAILURES as u64 {
            cache.failed(key(number), error(), now);
        }
        assert_eq!(cache.failures().len(), MAX_FAILURES);
    }

    #[test]
    fn a_kind_never_answers_for_another() {
        let (cache, now) = (Cache::default(), at("2026-07-01T12:00:00Z"));
        cache.put(key(1), &kept(1), now);
        assert!(cache.find(&key(1), Kind::Crl, now, |_| true).is_some());
        assert!(cache.find(&key(1), Kind::Ocsp, now, |_| true).is_none());
    }

    #[test]
    fn what_another_process_wrote_is_found_where_memory_has_nothing_useful() {
        let (folder, now) = (tempfile::tempdir().unwrap(), at("2026-07-01T12:00:00Z"));
        let process = || Cache::on(Disk::new(folder.path(), 1 << 20));
        let (one, other) = (process(), process());
        one.put(key(1), &kept(1), now);
        other.put(key(1), &kept(2), now);
        let find = |cache: &Cache, len: usize| {
            cache.find(&key(1), Kind::Crl, now, |kept| kept.bytes.len() == len).is_some()
        };
        assert!(find(&one, 1));
        assert!(find(&one, 2) && find(&other, 2));
        assert!(!find(&other, 1));
    }
}
