//! The moment as an argument.
//!
//! Pure code takes `now: UtcTime`; `service` and the faces hold a [`Clock`].

use std::sync::atomic::{AtomicI64, Ordering};

/// An instant on the UTC time line.
pub type UtcTime = jiff::Timestamp;

/// Where the present moment comes from.
#[derive(Clone, Copy, Debug)]
pub enum Clock {
    /// Always the same moment: for tests, and for replaying a verdict.
    Fixed(UtcTime),
    /// What a [`ClockHand`] shows: for tests that let years pass.
    Moved(ClockHand),
    /// The machine's clock.
    System,
}

/// The hand of a clock that somebody moves; copies show the same. A process makes few of them: their place is never
/// given back.
#[derive(Clone, Copy, Debug)]
pub struct ClockHand(&'static AtomicI64);

impl ClockHand {
    /// A hand that shows `moment`, in whole seconds.
    pub fn at(moment: UtcTime) -> Self {
        Self(Box::leak(Box::new(AtomicI64::new(moment.as_second()))))
    }

    /// Shows another moment from now on, in whole seconds.
    pub fn set(self, moment: UtcTime) {
        self.0.store(moment.as_second(), Ordering::SeqCst);
    }

    fn shows(self) -> UtcTime {
        UtcTime::from_second(self.0.load(Ordering::SeqCst)).unwrap_or(UtcTime::MAX)
    }
}

impl Clock {
    /// The present moment, cut to whole seconds, as every format that kyso writes has it.
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the wall clock")]
    pub fn now(&self) -> UtcTime {
        match self {
            Self::Fixed(moment) => *moment,
            Self::Moved(hand) => hand.shows(),
            Self::System => {
                let now = UtcTime::now();
                UtcTime::from_second(now.as_second()).unwrap_or(now)
            }
        }
    }
}
