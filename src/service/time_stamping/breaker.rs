//! A circuit breaker: an authority that fails is left alone for a while, then tried once.

use jiff::SignedDuration;

use crate::base::UtcTime;

/// Whether an authority is asked.
///
/// ```text
/// closed --FAILURES in a row--> open --pause over--> half-open --one try: good--> closed
///                                 ^--------------------- bad, pause doubled ---------'
/// ```
#[derive(Debug, Default)]
pub(super) struct Breaker {
    /// In a row.
    failures: u32,
    /// The last pause.
    pause: SignedDuration,
    /// The end of the pause.
    open_until: Option<UtcTime>,
    /// When the one try of a half-open breaker began.
    trial: Option<UtcTime>,
    /// Why the last try failed; none since it went well.
    last_error: Option<String>,
}

/// How a breaker stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum BreakerState {
    /// The authority is asked.
    Closed,
    /// It is asked once, and then again if that goes well.
    HalfOpen,
    /// It is left alone.
    Open,
}

impl Breaker {
    pub(super) fn state(&self, now: UtcTime) -> BreakerState {
        match self.open_until {
            None => BreakerState::Closed,
            Some(until) if now < until => BreakerState::Open,
            Some(_) => BreakerState::HalfOpen,
        }
    }

    /// Until when the authority is left alone.
    pub(super) fn open_until(&self, now: UtcTime) -> Option<UtcTime> {
        self.open_until.filter(|until| now < *until)
    }

    pub(super) fn last_error(&self) -> Option<&str> {
        self.last_error.as_deref()
    }

    /// Whether the authority may be asked now. Who gets a yes says how it went.
    pub(super) fn enter(&mut self, now: UtcTime) -> bool {
        match self.state(now) {
            BreakerState::Closed => true,
            BreakerState::Open => false,
            BreakerState::HalfOpen => {
                // One at a time; a try of which nobody told how it went is forgotten after as long a pause.
                let under_way = self.trial.is_some_and(|since| now.duration_since(since) < self.pause);
                if !under_way {
                    self.trial = Some(now);
                }
                !under_way
            }
        }
    }

    /// Nobody was asked after all.
    pub(super) fn leave(&mut self) {
        self.trial = None;
    }

    pub(super) fn succeeded(&mut self) {
        *self = Self::default();
    }

    pub(super) fn failed(&mut self, now: UtcTime, why: String) {
        self.failures = self.failures.saturating_add(1);
        self.trial = None;
        self.last_error = Some(why);
        if self.failures >= FAILURES {
            self.pause = if self.pause.is_zero() { FIRST_PAUSE } else { (self.pause * 2).min(LONGEST_PAUSE) };
            self.open_until = Some(now.saturating_add(self.pause).unwrap_or(UtcTime::MAX));
        }
    }
}

/// Failures in a row that open it.
pub(super) const FAILURES: u32 = 3;

/// The first pause; each further one is twice as long.
pub(super) const FIRST_PAUSE: SignedDuration = SignedDuration::from_secs(30);

const LONGEST_PAUSE: SignedDuration = SignedDuration::from_mins(15);

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> UtcTime {
        UtcTime::from_second(1_800_000_000 + seconds).unwrap()
    }

    #[test]
    fn it_opens_tries_once_and_closes() {
        let mut breaker = Breaker::default();
        for _ in 1..FAILURES {
            breaker.failed(at(0), "no".to_owned());
            assert_eq!(breaker.state(at(0)), BreakerState::Closed);
        }
        breaker.failed(at(0), "no".to_owned());
        assert_eq!(breaker.state(at(29)), BreakerState::Open);
        assert!(!breaker.enter(at(29)));
        assert_eq!(breaker.state(at(30)), BreakerState::HalfOpen);
        assert!(breaker.enter(at(30)) && !breaker.enter(at(30)), "one try only");
        breaker.failed(at(31), "still no".to_owned());
        assert_eq!((breaker.open_until(at(31)), breaker.last_error()), (Some(at(91)), Some("still no")));
        assert!(breaker.enter(at(91)));
        breaker.succeeded();
        assert_eq!((breaker.state(at(91)), breaker.last_error()), (BreakerState::Closed, None));
    }

    #[test]
    fn a_try_of_which_nothing_was_heard_does_not_close_it_for_good() {
        let mut breaker = Breaker::default();
        (0..FAILURES).for_each(|_| breaker.failed(at(0), String::new()));
        assert!(breaker.enter(at(40)) && !breaker.enter(at(69)) && breaker.enter(at(70)));
        breaker.leave();
        assert!(breaker.enter(at(70)));
    }

    #[test]
    fn the_pause_grows_to_a_quarter_of_an_hour() {
        let mut breaker = Breaker::default();
        (0..40).for_each(|_| breaker.failed(at(0), String::new()));
        assert_eq!(breaker.open_until(at(0)), Some(at(15 * 60)));
    }
}
