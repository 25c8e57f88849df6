//! How often an authority may be asked.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use crate::base::UtcTime;

/// How many time-stamps an authority gives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quota {
    /// In an hour of the clock (UTC); `None` for any number.
    pub per_hour: Option<u32>,
    /// In this hour and the 23 before it; `None` for any number.
    pub per_day: Option<u32>,
}

impl Quota {
    /// Whether there is none.
    pub fn is_none(self) -> bool {
        self.per_hour.is_none() && self.per_day.is_none()
    }

    /// Whether one more may be asked for after `this_hour` in this hour and `day` in the day, this hour included.
    pub fn allows(self, this_hour: u32, day: u32) -> bool {
        self.per_hour.is_none_or(|most| this_hour < most) && self.per_day.is_none_or(|most| day < most)
    }
}

/// The number of the hour, counted from 1970-01-01T00:00:00Z.
pub fn hour_of(moment: UtcTime) -> i64 {
    moment.as_second().div_euclid(3_600)
}

/// Hours that count for [`Quota::per_day`].
pub const HOURS: i64 = 24;

/// Counts a time-stamp that is about to be asked for, if the quota allows it: authority, quota, moment. Blocks.
pub type Keeper = Arc<dyn Fn(&str, Quota, UtcTime) -> Result<bool, String> + Send + Sync>;

/// What was asked of each authority.
#[derive(Default)]
pub(super) struct Usage {
    /// Where all nodes count together and a restart forgets nothing; otherwise this process counts for itself.
    keeper: Option<Keeper>,
    counted: Mutex<BTreeMap<(String, i64), u32>>,
}

impl Usage {
    pub(super) fn kept_by(keeper: Keeper) -> Self {
        Self { keeper: Some(keeper), counted: Mutex::default() }
    }

    /// Whether one more may be asked for; if so it is counted.
    pub(super) fn take(&self, authority: &str, quota: Quota, now: UtcTime) -> Result<bool, String> {
        if quota.is_none() {
            return Ok(true);
        }
        if let Some(keeper) = &self.keeper {
            return keeper(authority, quota, now);
        }
        let hour = hour_of(now);
        let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        counted.retain(|(_, counted), _| *counted > hour - HOURS);
        let of = |(name, _): &(String, i64)| name == authority;
        let day = counted.iter().filter(|(key, _)| of(key)).map(|(_, count)| count).sum();
        let this_hour = counted.entry((authority.to_owned(), hour)).or_default();
        let allowed = quota.allows(*this_hour, day);
        *this_hour += u32::from(allowed);
        Ok(allowed)
    }
}

impl fmt::Debug for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Usage").field("kept", &self.keeper.is_some()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hour_and_the_day_are_counted() {
        let usage = Usage::default();
        let quota = Quota { per_hour: Some(2), per_day: Some(3) };
        let at = |hour: i64| UtcTime::from_second(1_800_000_000 + hour * 3_600).unwrap();
        let take = |name: &str, hour| usage.take(name, quota, at(hour)).unwrap();
        assert_eq!([take("a", 0), take("a", 0), take("a", 0)], [true, true, false]);
        assert!(take("b", 0), "each by itself");
        assert_eq!([take("a", 1), take("a", 1)], [true, false], "the day is full");
        assert_eq!([take("a", 23), take("a", 24), take("a", 24), take("a", 24)], [false, true, true, false]);
    }
}
