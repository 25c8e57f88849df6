//! The upkeep of a document's signatures: the level that they shall reach, and when something is due.

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use super::document::sha256_text;
use crate::{
    base::{Id, Sha256, UtcTime},
    people::Member,
    validation::Level,
};

/// How far the signatures of a document have come, and what is due.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Upkeep {
    /// The level that they shall reach.
    pub asked_level: Level,
    /// The level that all of them have.
    pub reached_level: Level,
    /// When something is tried next: raising to the level, or renewing the archive time-stamp.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub due_at: Option<UtcTime>,
    /// Until when the archive time-stamp can be relied on by what is known now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub good_until: Option<UtcTime>,
    /// Failed tries since something went well.
    pub tries: u32,
    /// Why the last try failed; absent when none did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
    /// When it was last written.
    #[schema(value_type = String)]
    pub changed_at: UtcTime,
}

/// What upkeep does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum UpkeepTask {
    /// To the level asked for.
    Raise,
    /// A fresh archive time-stamp.
    Renew,
}

impl UpkeepTask {
    /// The word in the database and the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Raise => "raise",
            Self::Renew => "renew",
        }
    }
}

/// A file that upkeep made: the bytes before, with evidence and time-stamps behind them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Extension {
    /// What was done.
    pub task: UpkeepTask,
    /// SHA-256 of the file that it continues.
    #[schema(value_type = String)]
    #[serde(with = "sha256_text")]
    pub from_sha256: Sha256,
    /// SHA-256 of the file.
    #[schema(value_type = String)]
    #[serde(with = "sha256_text")]
    pub sha256: Sha256,
    /// SHA-256 of the stored verification report, JSON.
    #[schema(value_type = String)]
    #[serde(with = "sha256_text")]
    pub report_sha256: Sha256,
    /// The level that all signatures have in it.
    pub level: Level,
    /// Who asked for it; absent when the server did it by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub recorded_by: Option<Id<Member>>,
    /// When.
    #[schema(value_type = String)]
    pub recorded_at: UtcTime,
}

impl Upkeep {
    /// What there is to do, once it is due.
    pub fn task(&self) -> UpkeepTask {
        if self.reached_level < self.asked_level { UpkeepTask::Raise } else { UpkeepTask::Renew }
    }

    /// After the signatures were brought to `reached_level`: nothing is wrong, and the next thing is the renewal, if
    /// there is an archive time-stamp to renew.
    pub fn settled(
        asked_level: Level,
        reached_level: Level,
        good_until: Option<UtcTime>,
        now: UtcTime,
        renew_before: SignedDuration,
    ) -> Self {
        let archived = asked_level == Level::Lta && reached_level == Level::Lta;
        let due_at = if reached_level < asked_level {
            Some(now)
        } else {
            good_until.filter(|_| archived).map(|until| renewal_at(until, now, renew_before))
        };
        Self { asked_level, reached_level, due_at, good_until, tries: 0, last_error: None, changed_at: now }
    }

    /// After a try that failed: not again before `not_before`, and the later the more often it failed.
    pub fn failed(self, why: String, now: UtcTime, not_before: Option<UtcTime>) -> Self {
        let tries = self.tries.saturating_add(1);
        let again = now.saturating_add(retry_after(tries)).unwrap_or(UtcTime::MAX);
        Self {
            due_at: Some(again.max(not_before.unwrap_or(again))),
            tries,
            last_error: Some(why),
            changed_at: now,
            ..self
        }
    }
}

/// When an archive time-stamp that is good until then is renewed: `before` its end, but not before half of what is left
/// to it has passed, since a fresh one may end as soon.
fn renewal_at(good_until: UtcTime, now: UtcTime, before: SignedDuration) -> UtcTime {
    let wanted = good_until.saturating_sub(before).unwrap_or(UtcTime::MIN);
    let left = good_until.duration_since(now).max(SignedDuration::ZERO);
    let half = now.saturating_add(left / 2).unwrap_or(UtcTime::MAX);
    let soonest = now.saturating_add(SOONEST).unwrap_or(UtcTime::MAX);
    wanted.max(half).max(soonest)
}

/// A minute after the first failure, twice as long after each further one.
fn retry_after(tries: u32) -> SignedDuration {
    let doubled = SignedDuration::from_mins(1).checked_mul(1 << tries.saturating_sub(1).min(20));
    doubled.unwrap_or(LONGEST_RETRY).min(LONGEST_RETRY)
}

/// However little is left: time-stamps that end within the hour are not renewed without end.
const SOONEST: SignedDuration = SignedDuration::from_hours(1);

/// Authorities come back within some hours; people look at what failed in the morning.
const LONGEST_RETRY: SignedDuration = SignedDuration::from_hours(6);

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: SignedDuration = SignedDuration::from_hours(24);

    fn day(number: i64) -> UtcTime {
        UtcTime::from_second(1_800_000_000 + number * 86_400).unwrap()
    }

    fn settled(asked: Level, reached: Level, until: Option<i64>) -> Option<UtcTime> {
        Upkeep::settled(asked, reached, until.map(day), day(0), DAY * 90).due_at
    }

    #[test]
    fn what_is_due_follows_from_the_level() {
        assert_eq!(settled(Level::T, Level::T, None), None);
        assert_eq!(settled(Level::Lt, Level::Lt, None), None);
        assert_eq!(settled(Level::Lt, Level::Lta, Some(1_000)), None, "nobody asked for an archive");
        assert_eq!(settled(Level::Lt, Level::B, None), Some(day(0)));
        assert_eq!(settled(Level::Lta, Level::Lta, Some(1_000)), Some(day(910)));
    }

    #[test]
    fn a_short_life_is_used_by_half() {
        assert_eq!(settled(Level::Lta, Level::Lta, Some(100)), Some(day(50)));
        assert_eq!(settled(Level::Lta, Level::Lta, Some(-5)), Some(day(0) + SOONEST));
    }

    #[test]
    fn failures_are_further_and_further_apart() {
        let mut upkeep = Upkeep::settled(Level::Lt, Level::B, None, day(0), DAY);
        let mut pauses = Vec::new();
        for _ in 0..12 {
            upkeep = upkeep.failed("no".to_owned(), day(0), None);
            pauses.push(upkeep.due_at.unwrap().duration_since(day(0)).as_mins());
        }
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 64, 128, 256, 360, 360, 360]);
        assert_eq!(upkeep.clone().failed("no".to_owned(), day(0), Some(day(3))).due_at, Some(day(3)));
        assert_eq!((upkeep.tries, upkeep.task()), (12, UpkeepTask::Raise));
    }
}
