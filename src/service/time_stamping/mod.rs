//! Time-stamp authorities: in order, each with its quota, its deadline and its circuit breaker.
//!
//! A time-stamp is asked of the first authority that may be asked; whatever goes wrong there, the next one is asked.
//! An answer counts only if it is for our request (nonce and imprint), its signature holds, and its time is near ours.

mod breaker;
mod quota;

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use jiff::SignedDuration;

use self::{breaker::Breaker, quota::Usage};
pub use self::{
    breaker::BreakerState,
    quota::{HOURS, Keeper, Quota, hour_of},
};
use crate::{
    base::{DigestAlgorithm, Limits, UtcTime},
    fetch::{FetchError, Fetcher},
    signing::TokenRoom,
    trust::SKEW,
    tsp::{self, TspError},
    validation::{Level, time_stamp_holds},
};

/// How signatures get their time, and how long they shall last.
#[derive(Debug)]
pub struct TimeStamping {
    authorities: Vec<Authority>,
    level: Level,
    unreached: Unreached,
    grace: Duration,
    renew_before: SignedDuration,
    usage: Usage,
}

/// What becomes of a signature whose level cannot be reached now, because no authority answers or evidence is missing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unreached {
    /// It is released at the level that it reached, to be raised later.
    Defer,
    /// It is not released; where that can be known before the key is asked, the key is not.
    #[default]
    Refuse,
}

/// A time-stamp authority as the operator names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthoritySettings {
    /// Where RFC 3161 requests go; the operator vouches for it.
    pub url: String,
    /// How often it may be asked.
    pub quota: Quota,
    /// How long an answer may take, all tries together.
    pub timeout: Duration,
    /// The weakest digest that it takes, SHA-256 at least.
    pub least_digest: DigestAlgorithm,
}

impl AuthoritySettings {
    /// Without a quota, with the time that slow authorities take, for SHA-256 and up.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            quota: Quota::default(),
            timeout: USUAL_TIMEOUT,
            least_digest: DigestAlgorithm::Sha256,
        }
    }

    /// The digest for an imprint: that of the signature, or what the authority asks for where that is stronger.
    fn digest(&self, wanted: DigestAlgorithm) -> DigestAlgorithm {
        let least = if self.least_digest.is_weak() { DigestAlgorithm::Sha256 } else { self.least_digest };
        if wanted.is_weak() || wanted.len() < least.len() { least } else { wanted }
    }
}

/// How an authority stands, for those who run the service.
#[derive(Clone, Debug, serde::Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuthorityStatus {
    /// Its address.
    pub url: String,
    /// Whether it is asked.
    pub state: BreakerState,
    /// Until when it is left alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub until: Option<UtcTime>,
    /// Why the last try failed; absent since it went well.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
}

/// One authority at work.
#[derive(Debug)]
pub(super) struct Authority {
    settings: AuthoritySettings,
    /// How often it is tried for one time-stamp: where there is another one, that one is tried instead.
    tries: u32,
    breaker: Mutex<Breaker>,
    /// The room of its tokens, once one was measured.
    room: Mutex<Option<TokenRoom>>,
}

impl Authority {
    fn new(settings: AuthoritySettings, tries: u32) -> Self {
        Self { settings, tries, breaker: Mutex::default(), room: Mutex::default() }
    }

    pub(super) fn room(&self) -> Option<TokenRoom> {
        *self.room.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Remembers the room for tokens of `measured` bytes, unless there was one longer.
    pub(super) fn measured(&self, measured: usize) -> TokenRoom {
        let mut room = self.room.lock().unwrap_or_else(PoisonError::into_inner);
        let longer = TokenRoom::after(measured);
        let kept = room.filter(|known| known.reserved() >= longer.reserved()).unwrap_or(longer);
        *room = Some(kept);
        kept
    }

    pub(super) fn digest(&self, wanted: DigestAlgorithm) -> DigestAlgorithm {
        self.settings.digest(wanted)
    }

    fn breaker(&self) -> MutexGuard<'_, Breaker> {
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What asking needs beside the authority.
#[derive(Clone, Copy)]
pub(super) struct Asking<'a> {
    pub(super) stamping: &'a TimeStamping,
    pub(super) fetcher: &'a Fetcher,
    pub(super) limits: &'a Limits,
    pub(super) now: UtcTime,
}

impl Asking<'_> {
    /// The token for `request`, checked as far as it can be without trust.
    pub(super) fn ask(&self, authority: &Authority, request: &tsp::Request) -> Result<Vec<u8>, StampError> {
        let AuthoritySettings { url, timeout, quota, .. } = &authority.settings;
        match self.stamping.usage.take(url, *quota, self.now) {
            Ok(true) => {}
            Ok(false) => return Err(StampError::OverQuota),
            Err(why) => return Err(StampError::QuotaUnknown(why)),
        }
        let answer = self.fetcher.post_timestamp_within(url, &request.to_der(), *timeout, authority.tries)?;
        let token = tsp::token_from_response(&answer, request)?;
        let time = time_stamp_holds(&token, &request.imprint, self.limits).map_err(StampError::Broken)?;
        // Our moment was read before the authority was asked.
        let took = SignedDuration::try_from(*timeout).unwrap_or(SKEW);
        let ahead = time.duration_since(self.now);
        if ahead > SKEW.saturating_add(took) || ahead < -SKEW {
            return Err(StampError::Clock { theirs: time, ours: self.now });
        }
        Ok(token)
    }
}

/// Why an authority gave nothing of use.
#[derive(Debug, thiserror::Error)]
pub(super) enum StampError {
    #[error("{0}")]
    Answer(#[from] TspError),
    #[error("its time-stamp is broken: {0}")]
    Broken(String),
    #[error("its clock says {theirs}, ours {ours}; check this machine's clock too")]
    Clock { theirs: UtcTime, ours: UtcTime },
    #[error("{0}")]
    Network(#[from] FetchError),
    #[error("has given what its quota allows")]
    OverQuota,
    #[error("was not asked, because what it has given is not known: {0}")]
    QuotaUnknown(String),
    #[error("its time-stamps are of ever other lengths")]
    Unsteady,
    /// Not its fault: what was to be stamped.
    #[error(transparent)]
    Own(#[from] Box<super::sign::SignError>),
}

impl StampError {
    /// As metrics name it.
    fn outcome(&self) -> &'static str {
        match self {
            Self::Answer(_) | Self::Broken(_) | Self::Clock { .. } | Self::Unsteady => "useless",
            Self::Network(_) => "no-answer",
            Self::OverQuota => "over-quota",
            Self::Own(_) => "own-fault",
            Self::QuotaUnknown(_) => "quota-unknown",
        }
    }
}

impl From<super::sign::SignError> for StampError {
    fn from(error: super::sign::SignError) -> Self {
        Self::Own(Box::new(error))
    }
}

/// No authority gave a time-stamp: what each of them did, in order.
#[derive(Debug, thiserror::Error)]
#[error("no time-stamp authority gave a time-stamp: {}", .tried.join("; "))]
pub struct NoTimeStamp {
    /// One text for each authority.
    pub tried: Vec<String>,
}

/// Why nothing was stamped.
pub(super) enum Failed {
    None(NoTimeStamp),
    Own(super::sign::SignError),
}

impl TimeStamping {
    /// The one authority at `url`, which the operator vouches for; signatures are of level T.
    pub fn new(url: impl Into<String>) -> Self {
        Self::of(vec![AuthoritySettings::new(url)])
    }

    /// These authorities, the first one first; signatures are of level T.
    pub fn of(authorities: Vec<AuthoritySettings>) -> Self {
        let tries = if authorities.len() > 1 { 1 } else { ALONE_TRIES };
        Self {
            authorities: authorities.into_iter().map(|one| Authority::new(one, tries)).collect(),
            level: Level::T,
            unreached: Unreached::Refuse,
            grace: Duration::ZERO,
            renew_before: RENEW_BEFORE,
            usage: Usage::default(),
        }
    }

    /// The same, for signatures that reach this level unless another one is asked for.
    pub fn reaching(self, level: Level) -> Self {
        Self { level, ..self }
    }

    /// The same with another answer to a level that cannot be reached.
    pub fn when_unreached(self, unreached: Unreached) -> Self {
        Self { unreached, ..self }
    }

    /// The same, waiting so long after a signature before its evidence is gathered, which must then be younger than the
    /// signature (ETSI EN 319 102-1 calls it the grace period): a revocation that was on its way is not missed.
    pub fn with_grace(self, grace: Duration) -> Self {
        Self { grace, ..self }
    }

    /// The same, renewing archive time-stamps so long before their end; 90 days unless said.
    pub fn with_renewal(self, renew_before: SignedDuration) -> Self {
        Self { renew_before, ..self }
    }

    /// The same, counting quotas elsewhere.
    pub fn kept_by(self, keeper: Keeper) -> Self {
        Self { usage: Usage::kept_by(keeper), ..self }
    }

    /// Whether there is nobody to ask.
    pub fn is_empty(&self) -> bool {
        self.authorities.is_empty()
    }

    /// The level that signatures reach unless another one is asked for.
    pub fn level(&self) -> Level {
        self.level
    }

    /// What becomes of a signature whose level cannot be reached.
    pub fn unreached(&self) -> Unreached {
        self.unreached
    }

    /// See [`TimeStamping::with_grace`].
    pub fn grace(&self) -> Duration {
        self.grace
    }

    /// See [`TimeStamping::with_renewal`].
    pub fn renew_before(&self) -> SignedDuration {
        self.renew_before
    }

    /// How each authority stands at `now`, in order.
    pub fn status(&self, now: UtcTime) -> Vec<AuthorityStatus> {
        let status = |authority: &Authority| {
            let breaker = authority.breaker();
            AuthorityStatus {
                url: authority.settings.url.clone(),
                state: breaker.state(now),
                until: breaker.open_until(now),
                last_error: breaker.last_error().map(str::to_owned),
            }
        };
        self.authorities.iter().map(status).collect()
    }

    /// The most room that a token may need, as far as it is known.
    pub(super) fn widest_room(&self) -> Option<TokenRoom> {
        self.authorities.iter().filter_map(Authority::room).max_by_key(|room| room.reserved())
    }

    /// What `attempt` gives at the first authority where it goes well.
    pub(super) fn first<T>(
        &self,
        now: UtcTime,
        mut attempt: impl FnMut(&Authority) -> Result<T, StampError>,
    ) -> Result<T, Failed> {
        let mut tried = Vec::new();
        for authority in &self.authorities {
            let url = &authority.settings.url;
            if !authority.breaker().enter(now) {
                let until = authority.breaker().open_until(now);
                let until = until.map_or_else(|| "it is being tried".to_owned(), |until| until.to_string());
                tried.push(format!("{url} failed several times and is left alone until {until}"));
                count(url, "left-alone");
                continue;
            }
            match attempt(authority) {
                Ok(made) => {
                    authority.breaker().succeeded();
                    count(url, "made");
                    return Ok(made);
                }
                Err(StampError::Own(error)) => {
                    authority.breaker().leave();
                    return Err(Failed::Own(*error));
                }
                Err(error @ (StampError::OverQuota | StampError::QuotaUnknown(_))) => {
                    authority.breaker().leave();
                    count(url, error.outcome());
                    tried.push(format!("{url} {error}"));
                }
                Err(error) => {
                    count(url, error.outcome());
                    let why = error.to_string();
                    tracing::warn!(authority = url, error = why, "a time-stamp authority gave no time-stamp");
                    tried.push(if why.contains(url.as_str()) {
                        why.clone()
                    } else {
                        format!("{url}: {why}")
                    });
                    authority.breaker().failed(now, why);
                }
            }
        }
        Err(Failed::None(NoTimeStamp { tried }))
    }
}

fn count(authority: &str, outcome: &'static str) {
    let labels = [("authority", authority.to_owned()), ("outcome", outcome.to_owned())];
    metrics::counter!(TIME_STAMPS, &labels).increment(1);
}

/// The counter of what authorities were asked for, by authority and outcome.
pub const TIME_STAMPS: &str = "kyso_time_stamps_total";

/// How long before its end an archive time-stamp is renewed, unless said otherwise: a quarter, so that an outage of weeks
/// or a new contract with an authority fits in.
pub const RENEW_BEFORE: SignedDuration = SignedDuration::from_hours(24 * 90);

/// For connections that fail and servers that are busy.
const ALONE_TRIES: u32 = 3;

/// Authorities have been seen to take from 2 to 131 s.
const USUAL_TIMEOUT: Duration = Duration::from_secs(150);
