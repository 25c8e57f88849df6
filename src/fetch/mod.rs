//! OCSP, CRL, AIA and time-stamps over the network, behind an address guard.
//!
//! Addresses that come from inside a certificate are a stranger's wish: whoever made the certificate chose what this
//! machine shall connect to. So [`Fetcher`] goes to public addresses only, looked at after the name is resolved, on
//! ports where the web is at home, and to those hosts and networks that the operator allowed ([`PrivateHost`]). A
//! time-stamp authority is named by the operator and trusted.
//!
//! What comes is read before it is taken: an HTML page is no revocation list. It is kept in memory and, if there is
//! a folder for it ([`Fetcher::with_cache`]), on disk, so that a restart does not ask for everything again. At most one
//! request is under way for the same thing; whoever else wants it waits for that one. Nobody here verifies a
//! signature: `trust` does, of what was kept as of what just came.
//!
//! | | most bytes | all in all | asked again after | stands in when the network fails |
//! |---|---|---|---|---|
//! | CRL | 16 MiB | 30 s | an hour | until its nextUpdate |
//! | OCSP answer | 256 KiB | 10 s | 5 minutes | until its nextUpdate |
//! | issuer's certificate | 256 KiB | 10 s | a day | always |
//! | time-stamp | 256 KiB | 150 s, three tries | never kept | |
//!
//! "Asked again" comes earlier where nextUpdate or HTTP's max-age does, though not within ten seconds, and when the
//! caller has no use for what was kept, though not within a minute. A failure is remembered for 15 seconds. Connecting
//! takes 5 seconds at most; four requests at most are under way at one host. No redirects, no proxy, no cookies, no
//! compression. Calls block: run them on a blocking thread.

mod cache;
mod call;
mod disk;
mod error;
mod evidence;
mod flight;
mod gate;
mod guard;

use std::{
    fmt, io,
    path::{Path, PathBuf},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use ureq::{Agent, tls::Certificate};

use crate::{
    base::{Chance, Clock, Sha256, UtcTime},
    ocsp::{self, OcspError},
};
use cache::Cache;
use call::{Answer, agent, check_url};
use disk::Disk;
use evidence::{Kept, Kind, SKEW, SMALL_BYTES};
use flight::Flights;
use gate::Gate;
use guard::{Door, Intranet};

pub use error::FetchError;
pub use evidence::{Wanted, certificates};
pub use guard::{PrivateHost, PrivateHostError, is_public};

/// Brings what is on the network, or says why not.
///
/// Cheap to clone; clones share what is kept, what is under way, and the places at each host.
#[derive(Clone)]
pub struct Fetcher {
    guarded: Agent,
    trusted: Agent,
    allowed: Arc<Intranet>,
    roots: Arc<[Certificate<'static>]>,
    cache: Arc<Cache>,
    cache_folder: Option<Arc<Path>>,
    flights: Arc<Flights<Result<Found, FetchError>>>,
    evidence: Arc<Gate>,
    time_stamps: Arc<Gate>,
    time_stamp_deadline: Duration,
    clock: Clock,
    chance: Chance,
}

impl Default for Fetcher {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Fetcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fetcher").finish_non_exhaustive()
    }
}

impl Fetcher {
    /// A fetcher that goes to public addresses only.
    pub fn new() -> Self {
        Self::allowing::<&str>([])
    }

    /// A fetcher that also goes to these hosts and networks, as [`PrivateHost`] writes them. What is none opens
    /// nothing: parse it before, to tell the operator.
    pub fn allowing<H: AsRef<str>>(hosts: impl IntoIterator<Item = H>) -> Self {
        let mut allowed = Intranet::default();
        for host in hosts {
            match host.as_ref().parse() {
                Ok(host) => allowed.allow(host),
                Err(error) => tracing::warn!(%error, "an allowed host is left out"),
            }
        }
        let (allowed, roots) = (Arc::new(allowed), call::system_roots());
        Self {
            guarded: agent(Door::Guarded(Arc::clone(&allowed)), &roots),
            trusted: agent(Door::Trusted, &roots),
            allowed,
            roots: roots.into(),
            cache: Arc::default(),
            cache_folder: None,
            flights: Arc::default(),
            evidence: Arc::new(Gate::new(AT_ONCE)),
            time_stamps: Arc::new(Gate::new(AT_ONCE)),
            time_stamp_deadline: TIME_STAMP_DEADLINE,
            clock: Clock::System,
            chance: Chance::system(),
        }
    }

    /// The same, trusting these certificates (PEM) for https beside those that this machine trusts: for servers of
    /// an office's own CA.
    pub fn with_tls_roots(self, pem: &[u8]) -> Self {
        let roots: Vec<_> = self.roots.iter().cloned().chain(call::certificates(pem)).collect();
        // What failed without them may go well with them.
        self.cache.forget_failures();
        Self {
            guarded: agent(Door::Guarded(Arc::clone(&self.allowed)), &roots),
            trusted: agent(Door::Trusted, &roots),
            roots: roots.into(),
            ..self
        }
    }

    /// The same with another bound on the time that a time-stamp may take, all tries together: up to an hour; 150 s
    /// otherwise.
    pub fn with_time_stamp_deadline(mut self, deadline: Duration) -> Self {
        self.time_stamp_deadline = deadline.min(Duration::from_hours(1));
        self
    }

    /// The same, keeping evidence in `folder` too, of at most so many bytes and 4,096 entries; those that were not used
    /// for the longest time make room. The folder may be shared by processes; it is made with the first entry, for
    /// this user alone. What cannot be kept is done without.
    pub fn with_cache(self, folder: &Path, most_bytes: u64) -> Self {
        let cache = Cache::on(Disk::new(folder, most_bytes));
        Self { cache: Arc::new(cache), cache_folder: Some(folder.into()), ..self }
    }

    /// The same by another clock: what is kept grows old by it.
    pub fn with_clock(self, clock: Clock) -> Self {
        Self { clock, ..self }
    }

    /// Makes the folder of [`Fetcher::with_cache`] now.
    ///
    /// # Errors
    ///
    /// When it cannot be made or written, or belongs to another user.
    pub fn prepare_cache(&self) -> Result<(), CacheError> {
        let prepared = self.cache.prepare();
        prepared.map_err(|source| CacheError {
            folder: self.cache_folder.as_deref().map(Path::to_owned).unwrap_or_default(),
            source,
        })
    }

    /// What is wanted, kept or fetched.
    ///
    /// # Errors
    ///
    /// See [`FetchError`].
    pub fn bring(&self, wanted: &Wanted, errand: &Errand) -> Result<Brought, FetchError> {
        counted(wanted, self.settle(wanted, errand))
    }

    /// As [`Fetcher::bring`], where what is kept will do: nothing is waited for.
    pub fn bring_kept(&self, wanted: &Wanted, errand: &Errand) -> Option<Brought> {
        if wanted.has_nonce() || check_url(wanted.url()).is_err() {
            return None;
        }
        let found = self.at_hand(&self.question(wanted, errand))?.ok()?;
        counted(wanted, Ok(found)).ok()
    }

    /// The CRL at an address out of a certificate; DER.
    ///
    /// # Errors
    ///
    /// See [`FetchError`].
    pub fn get_crl(&self, url: &str) -> Result<Vec<u8>, FetchError> {
        self.bring_now(&Wanted::Crl { url: url.to_owned() })
    }

    /// The certificates at an address out of another (AIA caIssuers), as they are there; [`certificates`] reads them.
    ///
    /// # Errors
    ///
    /// See [`FetchError`].
    pub fn get_certificate(&self, url: &str) -> Result<Vec<u8>, FetchError> {
        self.bring_now(&Wanted::Issuer { url: url.to_owned() })
    }

    /// The answer of the OCSP responder at an address out of a certificate; see [`Wanted::Ocsp`] about nonces.
    ///
    /// # Errors
    ///
    /// See [`FetchError`].
    pub fn post_ocsp(&self, url: &str, request: &[u8]) -> Result<Vec<u8>, FetchError> {
        self.bring_now(&Wanted::Ocsp { url: url.to_owned(), request: request.to_vec() })
    }

    /// The answer of a time-stamp authority that the operator named. It may stand anywhere.
    ///
    /// Authorities have been seen to take from 2 to 131 s. Connections that fail and answers 429, 502, 503 and 504
    /// are tried three times in all, with the same request. Four requests at most are under way at once; others wait.
    ///
    /// # Errors
    ///
    /// See [`FetchError`].
    pub fn post_timestamp(&self, url: &str, request: &[u8]) -> Result<Vec<u8>, FetchError> {
        self.post_timestamp_within(url, request, self.time_stamp_deadline, TIME_STAMP_TRIES)
    }

    /// [`Fetcher::post_timestamp`] with other bounds: on the time that it may take, all tries together, and on the
    /// tries.
    ///
    /// # Errors
    ///
    /// See [`FetchError`].
    pub fn post_timestamp_within(
        &self,
        url: &str,
        request: &[u8],
        most: Duration,
        tries: u32,
    ) -> Result<Vec<u8>, FetchError> {
        let stamped = self.stamp(url, request, most.min(self.time_stamp_deadline), tries);
        let outcome = if stamped.is_ok() { How::Fetched.name() } else { "failed" };
        metrics::counter!(FETCHES, "kind" => "time-stamp", "outcome" => outcome).increment(1);
        stamped
    }

    /// Forgets all that was kept, on disk too.
    pub fn forget(&self) {
        self.cache.clear();
    }

    fn bring_now(&self, wanted: &Wanted) -> Result<Vec<u8>, FetchError> {
        self.bring(wanted, &Errand::default()).map(|brought| brought.bytes)
    }

    fn settle(&self, wanted: &Wanted, errand: &Errand) -> Result<Found, FetchError> {
        let (url, kind) = (wanted.url(), wanted.kind());
        check_url(url)?;
        let own_end = Instant::now() + kind.deadline();
        if wanted.has_nonce() {
            let deadline = errand.until.map_or(own_end, |until| until.min(own_end));
            return self.fetch(wanted, deadline).map(|kept| Found { kept, how: How::Fetched });
        }
        let question = self.question(wanted, errand);
        let settled = self.at_hand(&question).or_else(|| {
            let deadline = errand.until.unwrap_or(own_end + GRACE);
            if deadline <= Instant::now() {
                return None;
            }
            let (this, question) = (self.clone(), question.clone());
            self.flights.share(question.key, deadline, move || this.fly(&question))
        });
        let error = match settled {
            Some(Ok(found)) => return Ok(found),
            Some(Err(error)) => error,
            None => FetchError::timeout(url),
        };
        let now = self.clock.now();
        let may_stand_in =
            |kept: &Kept| !question.anew && question.takes(kept) && kept.may_stand_in(question.past, now);
        match self.cache.find(&question.key, kind, now, may_stand_in) {
            Some(kept) => {
                tracing::info!(%error, fetched = %kept.fetched, "kept evidence stands in for the network");
                Ok(Found { kept, how: How::StoodIn })
            }
            None => Err(error),
        }
    }

    fn question(&self, wanted: &Wanted, errand: &Errand) -> Question {
        let now = self.clock.now();
        let past = errand.moment.filter(|moment| now.duration_since(*moment) > SKEW);
        let Errand { anew, after, .. } = *errand;
        Question { wanted: wanted.clone(), key: wanted.key(), past, anew, after }
    }

    /// The answer that needs no network: kept evidence, or how it failed a moment ago.
    fn at_hand(&self, question: &Question) -> Option<Result<Found, FetchError>> {
        let now = self.clock.now();
        let young = |kept: &Kept| question.takes(kept) && (!question.anew || kept.is_new(now));
        let serves = |kept: &Kept| kept.serves(question.past, now) && young(kept);
        match self.cache.find(&question.key, question.wanted.kind(), now, serves) {
            Some(kept) => Some(Ok(Found { kept, how: How::Kept })),
            None => self.cache.failure(&question.key, Instant::now()).map(Err),
        }
    }

    /// One for all who ask the same at the same time.
    fn fly(&self, question: &Question) -> Result<Found, FetchError> {
        // Another flight may have landed just before this one took off.
        if let Some(settled) = self.at_hand(question) {
            return settled;
        }
        let fetched = self.fetch(&question.wanted, Instant::now() + question.wanted.kind().deadline());
        match &fetched {
            Ok(kept) => self.cache.put(question.key, kept, self.clock.now()),
            Err(error) => self.cache.failed(question.key, error.clone(), Instant::now()),
        }
        fetched.map(|kept| Found { kept, how: How::Fetched })
    }

    /// Goes to the network.
    fn fetch(&self, wanted: &Wanted, deadline: Instant) -> Result<Kept, FetchError> {
        let (url, kind) = (wanted.url(), wanted.kind());
        let _pass = enter(&self.evidence, url, deadline)?;
        let Answer { bytes, max_age } = match wanted {
            Wanted::Ocsp { request, .. } => self.ask(url, request, deadline)?,
            Wanted::Crl { .. } | Wanted::Issuer { .. } => {
                call::get(&self.guarded, url, kind.accept(), kind.most(), deadline)?
            }
        };
        let taken = Kept::take(kind, bytes, max_age, self.clock.now());
        taken.map_err(|reason| FetchError::Content { url: url.to_owned(), wanted: kind.words(), reason })
    }

    /// Asks an OCSP responder with a nonce of our own (RFC 9654), or with the one that the request has.
    ///
    /// Many responders answer from a store and repeat no nonce: that is taken, and the judge looks at its times. One
    /// that repeats another nonce answers somebody else. Some refuse requests with a nonce: they are asked without,
    /// which gives nothing away that leaving it out of the answer would not.
    fn ask(&self, url: &str, request: &[u8], deadline: Instant) -> Result<Answer, FetchError> {
        let (kind, types) = (Kind::Ocsp, (OCSP_REQUEST, Kind::Ocsp.accept()));
        let post = |request: &[u8]| call::post(&self.guarded, url, request, types, kind.most(), deadline);
        let Some(with_nonce) = with_nonce(request, &self.chance) else {
            let answer = post(request)?;
            let sent = ocsp::Request::parse(request).ok().and_then(|request| request.nonce);
            return if repeats(&answer, sent.as_deref()) { Ok(answer) } else { Err(nonce_error(url)) };
        };
        match post(&with_nonce.to_der()) {
            Ok(answer) if refuses(&answer) => post(request),
            Ok(answer) if repeats(&answer, with_nonce.nonce.as_deref()) => Ok(answer),
            Ok(_) => Err(nonce_error(url)),
            Err(FetchError::Status { status: 400..=403 | 405..=428 | 500, .. }) => post(request),
            Err(error) => Err(error),
        }
    }

    fn stamp(&self, url: &str, request: &[u8], most: Duration, tries: u32) -> Result<Vec<u8>, FetchError> {
        let deadline = Instant::now() + most;
        check_url(url)?;
        let _pass = enter(&self.time_stamps, url, deadline)?;
        let post = || call::post(&self.trusted, url, request, TIME_STAMP_TYPES, SMALL_BYTES, deadline);
        let mut pause = FIRST_PAUSE;
        for _ in 1..tries {
            match post() {
                Err(error) if error.may_pass() && Instant::now() + pause < deadline => thread::sleep(pause),
                settled => return settled.map(|answer| answer.bytes),
            }
            pause *= 2;
        }
        post().map(|answer| answer.bytes)
    }
}

/// How something is to be brought.
#[derive(Clone, Copy, Debug, Default)]
pub struct Errand {
    /// Until when the caller waits; `None` for as long as such a thing may take.
    pub until: Option<Instant>,
    /// The moment that the evidence shall speak about, if it is not the present: what was kept from then serves it.
    pub moment: Option<UtcTime>,
    /// What is kept was of no use: ask the network, unless it came within the last minute.
    pub anew: bool,
    /// What was fetched before this moment is of no use, however lately that was.
    pub after: Option<UtcTime>,
}

/// What was brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Brought {
    /// As received.
    pub bytes: Vec<u8>,
    /// Whether it had been kept: the network may have something newer.
    pub kept: bool,
}

fn counted(wanted: &Wanted, settled: Result<Found, FetchError>) -> Result<Brought, FetchError> {
    let outcome = settled.as_ref().map_or("failed", |found| found.how.name());
    metrics::counter!(FETCHES, "kind" => wanted.kind().name(), "outcome" => outcome).increment(1);
    settled.map(|found| Brought { bytes: found.kept.bytes.to_vec(), kept: found.how != How::Fetched })
}

/// The folder for what is kept cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("the cache folder {} cannot be used", folder.display())]
pub struct CacheError {
    folder: PathBuf,
    source: io::Error,
}

/// What is asked, once the caller's words are understood.
#[derive(Clone)]
struct Question {
    wanted: Wanted,
    key: Sha256,
    /// The moment, if it is not the present.
    past: Option<UtcTime>,
    anew: bool,
    after: Option<UtcTime>,
}

impl Question {
    /// Whether what is kept may be of use at all.
    fn takes(&self, kept: &Kept) -> bool {
        self.after.is_none_or(|after| kept.fetched >= after)
    }
}

/// Evidence and where it came from.
#[derive(Clone)]
struct Found {
    kept: Kept,
    how: How,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum How {
    Fetched,
    Kept,
    StoodIn,
}

impl How {
    /// As metrics name it.
    fn name(self) -> &'static str {
        match self {
            Self::Fetched => "fetched",
            Self::Kept => "kept",
            Self::StoodIn => "stood-in",
        }
    }
}

/// A place at the host of `url`.
fn enter<'a>(gate: &'a Gate, url: &str, deadline: Instant) -> Result<gate::Pass<'a>, FetchError> {
    let host = check_url(url)?.authority().map(|authority| authority.as_str().to_ascii_lowercase());
    gate.enter(&host.unwrap_or_default(), deadline).ok_or_else(|| FetchError::timeout(url))
}

/// The request with a fresh nonce; `None` when it has one, or holds something that this would lose.
fn with_nonce(request: &[u8], chance: &Chance) -> Option<ocsp::Request> {
    let parsed = ocsp::Request::parse(request).ok()?;
    let plain = parsed.nonce.is_none() && parsed.to_der() == request;
    plain.then(|| ocsp::Request { nonce: Some(chance.bytes::<NONCE_BYTES>().to_vec()), ..parsed })
}

/// Whether the responder answered honestly that it does not answer such a request.
fn refuses(answer: &Answer) -> bool {
    matches!(ocsp::Response::parse(&answer.bytes), Err(OcspError::Status { status }) if status != "tryLater")
}

/// Whether the answer may belong to a question with this nonce. What cannot be read says nothing.
fn repeats(answer: &Answer, nonce: Option<&[u8]>) -> bool {
    let repeated = ocsp::Response::parse(&answer.bytes).ok().and_then(|response| response.nonce);
    match (nonce, repeated) {
        (Some(nonce), Some(repeated)) => nonce == repeated,
        _ => true,
    }
}

fn nonce_error(url: &str) -> FetchError {
    FetchError::Nonce { url: url.to_owned() }
}

/// What an authority in the field bears. For evidence the same: the files of a folder come from few authorities.
const AT_ONCE: usize = 4;

/// For the answer to get from the one who fetched to those who wait.
const GRACE: Duration = Duration::from_secs(1);

/// 2-131 s have been measured.
const TIME_STAMP_DEADLINE: Duration = Duration::from_secs(150);
const TIME_STAMP_TRIES: u32 = 3;
const FIRST_PAUSE: Duration = Duration::from_millis(500);

/// RFC 9654 section 2.1 asks for 32 at least; responders of RFC 8954 take 32 at most.
const NONCE_BYTES: usize = 32;

const OCSP_REQUEST: &str = "application/ocsp-request";
const TIME_STAMP_TYPES: (&str, &str) = ("application/timestamp-query", "application/timestamp-reply");

/// The counter of what was brought, by kind and outcome.
pub const FETCHES: &str = "kyso_fetches_total";

#[cfg(test)]
mod tests;
