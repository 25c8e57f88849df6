//! What was fetched lately.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use crate::base::Sha256;

/// Answers by the digest of address and request, each with its end. Bounded in number and in bytes.
#[derive(Default)]
pub(super) struct Cache {
    answers: BTreeMap<Sha256, Kept>,
    bytes: usize,
}

struct Kept {
    until: Instant,
    bytes: Vec<u8>,
}

impl Cache {
    pub(super) fn get(&self, key: &Sha256, now: Instant) -> Option<Vec<u8>> {
        self.answers.get(key).filter(|kept| now < kept.until).map(|kept| kept.bytes.clone())
    }

    pub(super) fn put(&mut self, key: Sha256, bytes: Vec<u8>, now: Instant, life: Duration) {
        if bytes.len() > MAX_BYTES {
            return;
        }
        self.remove(&key);
        let ended: Vec<Sha256> =
            self.answers.iter().filter(|(_, kept)| kept.until <= now).map(|(key, _)| *key).collect();
        for key in ended {
            self.remove(&key);
        }
        while self.answers.len() >= MAX_ANSWERS || self.bytes + bytes.len() > MAX_BYTES {
            let Some(first) = self.answers.iter().min_by_key(|(_, kept)| kept.until).map(|(key, _)| *key)
            else {
                break;
            };
            self.remove(&first);
        }
        self.bytes += bytes.len();
        self.answers.insert(key, Kept { until: now + life, bytes });
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    fn remove(&mut self, key: &Sha256) {
        if let Some(kept) = self.answers.remove(key) {
            self.bytes -= kept.bytes.len();
        }
    }
}

/// Some days of one office's signers.
const MAX_ANSWERS: usize = 1_000;

/// A few large CRLs.
const MAX_BYTES: usize = 64 * 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    const LIFE: Duration = Duration::from_mins(1);

    #[test]
    fn answers_end() {
        let (mut cache, now, key) = (Cache::default(), Instant::now(), Sha256([1; 32]));
        cache.put(key, vec![7], now, LIFE);
        assert_eq!(cache.get(&key, now + LIFE / 2), Some(vec![7]));
        assert_eq!(cache.get(&key, now + LIFE), None);
        assert_eq!(cache.get(&Sha256([2; 32]), now), None);
    }

    #[test]
    fn it_stays_within_its_bounds() {
        let (mut cache, now) = (Cache::default(), Instant::now());
        for number in 0..3 * MAX_ANSWERS as u64 {
            cache.put(Sha256::of(&number.to_be_bytes()), vec![0; 10], now, LIFE);
        }
        assert_eq!((cache.answers.len(), cache.bytes), (MAX_ANSWERS, 10 * MAX_ANSWERS));
        for number in 0..10_u64 {
            cache.put(Sha256::of(&number.to_be_bytes()), vec![0; MAX_BYTES / 3], now, LIFE);
        }
        assert!(cache.bytes <= MAX_BYTES);
        assert_eq!(cache.bytes, cache.answers.values().map(|kept| kept.bytes.len()).sum::<usize>());
        cache.put(Sha256([0; 32]), vec![0; MAX_BYTES + 1], now, LIFE);
        assert_eq!(cache.get(&Sha256([0; 32]), now), None);
    }
}
