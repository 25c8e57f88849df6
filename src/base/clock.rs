//! The moment as an argument.
//!
//! Pure code takes `now: UtcTime`; `service` and the faces hold a [`Clock`].

/// An instant on the UTC time line.
pub type UtcTime = jiff::Timestamp;

/// Where the present moment comes from.
#[derive(Clone, Copy, Debug)]
pub enum Clock {
    /// Always the same moment: for tests, and for replaying a verdict.
    Fixed(UtcTime),
    /// The machine's clock.
    System,
}

impl Clock {
    /// The present moment, cut to whole seconds, as every format that kyso writes has it.
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the wall clock")]
    pub fn now(&self) -> UtcTime {
        match self {
            Self::Fixed(moment) => *moment,
            Self::System => {
                let now = UtcTime::now();
                UtcTime::from_second(now.as_second()).unwrap_or(now)
            }
        }
    }
}
