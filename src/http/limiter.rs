//! A bucket of requests to an address, for doors that need no key.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::Mutex,
    time::{Duration, Instant},
};

/// Lets `per_minute` requests of one address through in a minute, and as many at once.
#[derive(Debug)]
pub(super) struct Limiter {
    per_minute: u32,
    buckets: Mutex<HashMap<IpAddr, Bucket>>,
}

/// What the limiter said to one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Allowance {
    /// Whether the request may go on.
    pub(super) allowed: bool,
    /// Requests in a full bucket.
    pub(super) limit: u32,
    /// Requests left now.
    pub(super) remaining: u32,
    /// Whole seconds until there is one more.
    pub(super) reset_seconds: u64,
}

#[derive(Clone, Copy, Debug)]
struct Bucket {
    tokens: f64,
    filled_at: Instant,
}

impl Limiter {
    /// 0 lets any number through.
    pub(super) fn new(per_minute: u32) -> Self {
        Self { per_minute, buckets: Mutex::default() }
    }

    /// Counts one request of `address` at `now`; `None` when there is no limit.
    pub(super) fn take(&self, address: IpAddr, now: Instant) -> Option<Allowance> {
        if self.per_minute == 0 {
            return None;
        }
        let mut buckets = self.buckets.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if buckets.len() >= MAX_ADDRESSES {
            // A bucket that has had a minute is full again, which is what a new one is.
            buckets.retain(|_, bucket| now.saturating_duration_since(bucket.filled_at) < MINUTE);
        }
        if buckets.len() >= MAX_ADDRESSES && !buckets.contains_key(&network(address)) {
            // More addresses than we keep count of: they share what one may do.
            return Some(self.draw(buckets.entry(IpAddr::from([0, 0, 0, 0])).or_insert(self.full(now)), now));
        }
        Some(self.draw(buckets.entry(network(address)).or_insert(self.full(now)), now))
    }

    fn full(&self, now: Instant) -> Bucket {
        Bucket { tokens: f64::from(self.per_minute), filled_at: now }
    }

    fn draw(&self, bucket: &mut Bucket, now: Instant) -> Allowance {
        let limit = f64::from(self.per_minute);
        let per_second = limit / 60.0;
        let since = now.saturating_duration_since(bucket.filled_at).as_secs_f64();
        bucket.tokens = (bucket.tokens + since * per_second).min(limit);
        bucket.filled_at = now;
        let allowed = bucket.tokens >= 1.0;
        if allowed {
            bucket.tokens -= 1.0;
        }
        let wait = ((1.0 - bucket.tokens).max(0.0) / per_second).ceil();
        #[expect(clippy::cast_sign_loss, reason = "both lie between 0 and the limit of a minute")]
        let (remaining, reset_seconds) = (bucket.tokens as u32, wait as u64);
        Allowance { allowed, limit: self.per_minute, remaining, reset_seconds }
    }
}

/// An IPv6 host has a whole /64 to itself, so that is what is counted.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => {
            let mut octets = v6.octets();
            octets[8..].fill(0);
            IpAddr::from(octets)
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}

const MINUTE: Duration = Duration::from_mins(1);
/// Some 5 MB of buckets.
const MAX_ADDRESSES: usize = 50_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_bucket_refuses_and_fills_with_time() {
        let limiter = Limiter::new(6);
        let start = Instant::now();
        let me = IpAddr::from([192, 0, 2, 1]);
        for left in (0..6).rev() {
            let allowance = limiter.take(me, start).unwrap();
            assert_eq!((allowance.allowed, allowance.remaining), (true, left));
        }
        let refused = limiter.take(me, start).unwrap();
        assert_eq!((refused.allowed, refused.reset_seconds), (false, 10));
        assert!(limiter.take(IpAddr::from([192, 0, 2, 2]), start).unwrap().allowed);
        assert!(limiter.take(me, start + Duration::from_secs(10)).unwrap().allowed);
        assert!(!limiter.take(me, start + Duration::from_secs(11)).unwrap().allowed);
    }

    #[test]
    fn one_ipv6_network_is_one_address() {
        let limiter = Limiter::new(1);
        let now = Instant::now();
        assert!(limiter.take("2001:db8::1".parse().unwrap(), now).unwrap().allowed);
        assert!(!limiter.take("2001:db8::2".parse().unwrap(), now).unwrap().allowed);
        assert!(limiter.take("2001:db8:0:1::1".parse().unwrap(), now).unwrap().allowed);
        assert_eq!(Limiter::new(0).take("::1".parse().unwrap(), now), None);
    }
}
