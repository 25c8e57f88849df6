//! OCSP, CRL, AIA and time-stamps over the network, behind an address guard.
//!
//! Addresses that come from inside a certificate are a stranger's wish: whoever made the certificate chose what this
//! machine shall connect to. So [`Fetcher`] goes to public addresses only, looked at after the name is resolved, and
//! to those hosts that the operator allowed by name. A time-stamp authority is named by the operator and trusted.
//!
//! No redirects, no proxy, no cookies; bounds on bytes and on time. Calls block: run them on a blocking thread.

mod cache;
mod gate;
mod guard;

use std::{
    collections::BTreeSet,
    fmt,
    io::Read as _,
    net::IpAddr,
    path::PathBuf,
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

use ureq::{
    Agent,
    http::{StatusCode, Uri},
    tls::{Certificate, PemItem, RootCerts, TlsConfig, TlsProvider},
    unversioned::transport::DefaultConnector,
};

use crate::base::Sha256;
use cache::Cache;
use gate::Gate;
use guard::{Door, Forbidden};

pub use guard::is_public;

/// Brings what is on the network, or says why not.
///
/// Cheap to clone; clones share the cache.
#[derive(Clone)]
pub struct Fetcher {
    guarded: Agent,
    trusted: Agent,
    allowed: Arc<BTreeSet<String>>,
    roots: Arc<[Certificate<'static>]>,
    cache: Arc<Mutex<Cache>>,
    time_stamps: Arc<Gate>,
    time_stamp_deadline: Duration,
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

    /// A fetcher that also goes to these hosts, wherever they are: `ocsp.intranet.example` for every port, or
    /// `127.0.0.1:8080`, `[::1]:8080` for one.
    pub fn allowing<H: AsRef<str>>(hosts: impl IntoIterator<Item = H>) -> Self {
        let allowed = hosts.into_iter().map(|host| host.as_ref().to_ascii_lowercase()).collect();
        Self::build(allowed, system_roots())
    }

    fn build(allowed: BTreeSet<String>, roots: Vec<Certificate<'static>>) -> Self {
        Self {
            guarded: agent(Door::Guarded { allowed: allowed.clone() }, &roots),
            trusted: agent(Door::Trusted, &roots),
            allowed: Arc::new(allowed),
            roots: roots.into(),
            cache: Arc::default(),
            time_stamps: Arc::new(Gate::new(TIME_STAMPS_AT_ONCE)),
            time_stamp_deadline: TIME_STAMP_DEADLINE,
        }
    }

    /// The same, trusting these certificates (PEM) for https beside those that this machine trusts: for servers of
    /// an office's own CA.
    pub fn with_tls_roots(self, pem: &[u8]) -> Self {
        let roots = self.roots.iter().cloned().chain(certificates(pem)).collect();
        Self::build((*self.allowed).clone(), roots).with_time_stamp_deadline(self.time_stamp_deadline)
    }

    /// The same with another bound on the time that a time-stamp may take, all tries together: up to an hour; 150 s
    /// otherwise.
    pub fn with_time_stamp_deadline(mut self, deadline: Duration) -> Self {
        self.time_stamp_deadline = deadline.min(Duration::from_hours(1));
        self
    }

    /// The CRL at an address out of a certificate, DER or whatever is there; kept for ten minutes.
    ///
    /// # Errors
    ///
    /// See [`FetchError`].
    pub fn get_crl(&self, url: &str) -> Result<Vec<u8>, FetchError> {
        self.cached(url, &[], CRL_LIFE, || self.get(url, "application/pkix-crl, */*", CRL_BYTES))
    }

    /// The certificate at an address out of another (AIA caIssuers), DER or PEM as it is there; kept for a day.
    ///
    /// # Errors
    ///
    /// See [`FetchError`].
    pub fn get_certificate(&self, url: &str) -> Result<Vec<u8>, FetchError> {
        self.cached(url, &[], CERTIFICATE_LIFE, || self.get(url, "application/pkix-cert, */*", SMALL_BYTES))
    }

    /// The answer of the OCSP responder at an address out of a certificate; kept for one minute, which saves asking
    /// again for each signature of a file. What is kept is no older than its own thisUpdate says; a request with a
    /// fresh nonce is never answered from it.
    ///
    /// # Errors
    ///
    /// See [`FetchError`].
    pub fn post_ocsp(&self, url: &str, request: &[u8]) -> Result<Vec<u8>, FetchError> {
        self.cached(url, request, OCSP_LIFE, || {
            let deadline = Instant::now() + DEADLINE;
            check_url(url)?;
            post(&self.guarded, url, request, OCSP_TYPES, deadline)
        })
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
        let deadline = Instant::now() + self.time_stamp_deadline;
        check_url(url)?;
        let Some(_pass) = self.time_stamps.enter(deadline) else {
            return Err(FetchError::Timeout { url: url.to_owned() });
        };
        let mut pause = FIRST_PAUSE;
        for _ in 1..TIME_STAMP_TRIES {
            match post(&self.trusted, url, request, TIME_STAMP_TYPES, deadline) {
                Err(error) if error.may_pass() && Instant::now() + pause < deadline => thread::sleep(pause),
                settled => return settled,
            }
            pause *= 2;
        }
        post(&self.trusted, url, request, TIME_STAMP_TYPES, deadline)
    }

    /// Forgets all that was kept.
    pub fn forget(&self) {
        self.kept().clear();
    }

    fn get(&self, url: &str, accept: &str, most: u64) -> Result<Vec<u8>, FetchError> {
        check_url(url)?;
        let request = self.guarded.get(url).header("accept", accept);
        let request = request.config().timeout_global(Some(DEADLINE)).build();
        body(url, most, request.call())
    }

    fn cached(
        &self,
        url: &str,
        request: &[u8],
        life: Duration,
        fetch: impl FnOnce() -> Result<Vec<u8>, FetchError>,
    ) -> Result<Vec<u8>, FetchError> {
        let key = Sha256::of(&[url.as_bytes(), &[0], request].concat());
        if let Some(bytes) = self.kept().get(&key, Instant::now()) {
            return Ok(bytes);
        }
        let bytes = fetch()?;
        self.kept().put(key, bytes.clone(), Instant::now(), life);
        Ok(bytes)
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Cache> {
        self.cache.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// Why nothing was brought.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// The address is not one that kyso follows: http and https, a host, no user name.
    #[error("{url} is not an address to fetch from: {reason}")]
    Address {
        /// The address.
        url: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The guard held it back.
    #[error(
        "{url} leads to {address}, which is not a public address; if it is a server of your own network, \
         put its host on the list of allowed hosts"
    )]
    Forbidden {
        /// The address.
        url: String,
        /// What its host resolved to.
        address: IpAddr,
    },
    /// The name has no address.
    #[error("the host of {url} was not found")]
    HostNotFound {
        /// The address.
        url: String,
    },
    /// The server answered, but not with what was asked for.
    #[error("{url} answered with HTTP status {status}")]
    Status {
        /// The address.
        url: String,
        /// The status code.
        status: u16,
    },
    /// More bytes than such an answer has.
    #[error("{url} answered with more than {limit} bytes")]
    TooLong {
        /// The address.
        url: String,
        /// The bound, in bytes.
        limit: u64,
    },
    /// No answer in time.
    #[error("{url} did not answer in time")]
    Timeout {
        /// The address.
        url: String,
    },
    /// The connection failed or broke.
    #[error("the connection to {url} failed")]
    Connection {
        /// The address.
        url: String,
        /// What the network said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl FetchError {
    /// Whether another try may go better.
    fn may_pass(&self) -> bool {
        match self {
            Self::Connection { .. } => true,
            Self::Status { status, .. } => matches!(status, 429 | 502 | 503 | 504),
            _ => false,
        }
    }

    fn from_ureq(url: &str, limit: u64, error: ureq::Error) -> Self {
        let url = url.to_owned();
        match error {
            ureq::Error::BodyExceedsLimit(_) => Self::TooLong { url, limit },
            ureq::Error::HostNotFound => Self::HostNotFound { url },
            ureq::Error::Timeout(_) => Self::Timeout { url },
            ureq::Error::Other(source) => match source.downcast::<Forbidden>() {
                Ok(forbidden) => Self::Forbidden { url, address: forbidden.0 },
                Err(source) => Self::Connection { url, source },
            },
            error => Self::Connection { url, source: error.into() },
        }
    }
}

fn agent(door: Door, roots: &[Certificate<'static>]) -> Agent {
    let tls = TlsConfig::builder()
        .provider(TlsProvider::Rustls)
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .root_certs(RootCerts::new_with_certs(roots))
        .build();
    let config = Agent::config_builder()
        .proxy(None)
        .max_redirects(0)
        .http_status_as_error(false)
        // A kept connection would pass by the guard.
        .max_idle_connections(0)
        .max_response_header_size(16 * 1024)
        .timeout_connect(Some(CONNECT_DEADLINE))
        .user_agent(concat!("kyso/", env!("CARGO_PKG_VERSION")))
        .tls_config(tls)
        .build();
    Agent::with_parts(config, DefaultConnector::default(), door)
}

/// The certificates that this machine trusts for https: `SSL_CERT_FILE`, else where Linux systems keep them.
///
/// With none found, https addresses fail and http ones work: what they bring is signed in itself.
fn system_roots() -> Vec<Certificate<'static>> {
    let named = std::env::var_os("SSL_CERT_FILE").map(PathBuf::from);
    named
        .into_iter()
        .chain(ROOT_BUNDLES.map(PathBuf::from))
        .filter_map(|path| std::fs::read(path).ok())
        .map(|pem| certificates(&pem))
        .find(|found| !found.is_empty())
        .unwrap_or_default()
}

fn certificates(pem: &[u8]) -> Vec<Certificate<'static>> {
    let found = ureq::tls::parse_pem(pem).filter_map(|item| match item {
        Ok(PemItem::Certificate(certificate)) => Some(certificate),
        _ => None,
    });
    found.collect()
}

fn post(
    agent: &Agent,
    url: &str,
    request: &[u8],
    (sent, wanted): (&str, &str),
    deadline: Instant,
) -> Result<Vec<u8>, FetchError> {
    let left = deadline.saturating_duration_since(Instant::now());
    let call = agent.post(url).header("content-type", sent).header("accept", wanted);
    let call = call.config().timeout_global(Some(left)).build();
    body(url, SMALL_BYTES, call.send(request))
}

fn body(
    url: &str,
    most: u64,
    answer: Result<ureq::http::Response<ureq::Body>, ureq::Error>,
) -> Result<Vec<u8>, FetchError> {
    let mut answer = answer.map_err(|error| FetchError::from_ureq(url, most, error))?;
    if answer.status() != StatusCode::OK {
        return Err(FetchError::Status { url: url.to_owned(), status: answer.status().as_u16() });
    }
    let mut bytes = Vec::new();
    let mut reader = answer.body_mut().with_config().limit(most).reader();
    match reader.read_to_end(&mut bytes) {
        Ok(_) => Ok(bytes),
        Err(error) => Err(FetchError::from_ureq(url, most, error.into())),
    }
}

/// What can be seen before the name is resolved; the guard proper stands in the resolver.
fn check_url(url: &str) -> Result<(), FetchError> {
    let refuse = |reason| Err(FetchError::Address { url: url.chars().take(200).collect(), reason });
    if url.len() > MAX_URL {
        return refuse("it is too long");
    }
    let Ok(parsed) = url.parse::<Uri>() else {
        return refuse("it is not a URL");
    };
    if !matches!(parsed.scheme_str(), Some("http" | "https")) {
        return refuse("only http and https are followed");
    }
    match parsed.authority() {
        None => refuse("it names no host"),
        Some(authority) if authority.as_str().contains('@') => refuse("it holds a user name"),
        Some(authority) if authority.host().is_empty() => refuse("it names no host"),
        Some(_) => Ok(()),
    }
}

/// For OCSP, CRL and AIA, from the first packet to the last byte.
const DEADLINE: Duration = Duration::from_secs(10);

/// For the connection alone.
const CONNECT_DEADLINE: Duration = Duration::from_secs(5);

/// 2-131 s have been measured.
const TIME_STAMP_DEADLINE: Duration = Duration::from_secs(150);
const TIME_STAMP_TRIES: u32 = 3;
/// What an authority in the field bears.
const TIME_STAMPS_AT_ONCE: usize = 4;
const FIRST_PAUSE: Duration = Duration::from_millis(500);

const CRL_LIFE: Duration = Duration::from_mins(10);
const CERTIFICATE_LIFE: Duration = Duration::from_hours(24);
const OCSP_LIFE: Duration = Duration::from_mins(1);

/// Large national CRLs have been seen at 10 MB.
const CRL_BYTES: u64 = 16 * 1024 * 1024;

/// OCSP answers, time-stamps and certificates are of a few kilobytes.
const SMALL_BYTES: u64 = 256 * 1024;

/// In bytes. No honest certificate comes near.
const MAX_URL: usize = 2_000;

const OCSP_TYPES: (&str, &str) = ("application/ocsp-request", "application/ocsp-response");
const TIME_STAMP_TYPES: (&str, &str) = ("application/timestamp-query", "application/timestamp-reply");

/// Debian and Ubuntu, Fedora and its kin, openSUSE.
const ROOT_BUNDLES: [&str; 3] =
    ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem"];

#[cfg(test)]
mod tests;
