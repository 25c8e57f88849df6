//! The HTTP face: API, pages, problems.
//!
//! `routes` lists every address. A handler extracts, calls a task of [`crate::service`], and renders; what
//! fails becomes a [`Problem`], which alone knows status codes. [`serve`] answers over TLS, or plainly on
//! loopback and behind a proxy.

mod api;
mod auth;
mod batches;
mod extract;
mod idempotency;
mod jobs;
mod judge;
mod language;
mod limiter;
mod observe;
pub mod problem;
mod routes;
mod signers;
mod siva;
pub mod tls;
mod upload;
mod web;

use std::{io, net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use axum::http::HeaderMap;
use axum_server::{Handle, tls_rustls::RustlsConfig};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    task::JoinHandle,
};

use self::{
    api::operations::LastLook,
    batches::Batches,
    idempotency::Answers,
    jobs::Jobs,
    limiter::{Allowance, Limiter},
};
pub use self::{
    language::Language,
    problem::{Problem, ProblemBody},
    routes::{openapi, router},
    signers::{SignerError, Signers},
};
use crate::{
    base::{Chance, Clock, UtcTime},
    config::LimitSettings,
    service::{Service, sign::SigningDesk},
    telemetry,
};

/// What the handlers share. Cheap to clone.
#[derive(Clone)]
pub struct App(Arc<Shared>);

struct Shared {
    service: Service,
    desk: Arc<SigningDesk>,
    signers: Arc<Signers>,
    settings: Settings,
    answers: Answers,
    readiness: LastLook,
    limiter: Limiter,
    work: Arc<Semaphore>,
    jobs: Jobs,
    batches: Batches,
    started: UtcTime,
}

/// What a face is made of.
pub struct Parts {
    /// The tasks.
    pub service: Service,
    /// Clock, anchors, network door and time-stamp authority, for signing and verifying alike.
    pub desk: Arc<SigningDesk>,
    /// The keys that the server signs with.
    pub signers: Signers,
    /// The rest.
    pub settings: Settings,
}

/// What the face is told, apart from the tasks that it calls.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// How much is taken in.
    pub limits: LimitSettings,
    /// A proxy in front ends TLS and says who the client is.
    pub behind_proxy: bool,
    /// Whether clients come over TLS, here or at the proxy.
    pub over_tls: bool,
    /// The `kyso` program, which draws pages in processes of their own; the running program when absent.
    pub helper: Option<PathBuf>,
}

impl App {
    /// The face of these tasks.
    pub fn new(parts: Parts) -> Self {
        let Parts { service, desk, signers, settings } = parts;
        let limiter = Limiter::new(settings.limits.public_verifications_per_minute);
        let work = Arc::new(Semaphore::new(settings.limits.parallel_work.max(1)));
        let batches = Batches::new(settings.limits.parallel_work);
        let answers = Answers::default();
        telemetry::metrics();
        let signers = Arc::new(signers);
        let readiness = LastLook::default();
        let jobs = Jobs::new(settings.limits.upload_bytes);
        let started = desk.clock.now();
        Self(Arc::new(Shared {
            service,
            desk,
            signers,
            settings,
            answers,
            readiness,
            limiter,
            work,
            jobs,
            batches,
            started,
        }))
    }

    fn service(&self) -> &Service {
        &self.0.service
    }

    fn readiness(&self) -> &LastLook {
        &self.0.readiness
    }

    fn jobs(&self) -> &Jobs {
        &self.0.jobs
    }

    fn batches(&self) -> &Batches {
        &self.0.batches
    }

    /// Since when this process answers.
    fn started(&self) -> UtcTime {
        self.0.started
    }

    fn answers(&self) -> &Answers {
        &self.0.answers
    }

    fn desk(&self) -> &Arc<SigningDesk> {
        &self.0.desk
    }

    fn signers(&self) -> &Arc<Signers> {
        &self.0.signers
    }

    fn clock(&self) -> Clock {
        self.desk().clock
    }

    fn chance(&self) -> &Chance {
        &self.desk().chance
    }

    fn limits(&self) -> &LimitSettings {
        &self.0.settings.limits
    }

    fn helper(&self) -> Result<PathBuf, Problem> {
        match &self.0.settings.helper {
            Some(helper) => Ok(helper.clone()),
            None => {
                std::env::current_exe().map_err(|error| Problem::new(&problem::INTERNAL).caused_by(&error))
            }
        }
    }

    fn over_tls(&self) -> bool {
        self.0.settings.over_tls
    }

    /// Counts a request of a client without a key.
    fn allow_public(&self, request: &axum::extract::Request) -> Result<Allowed, Problem> {
        let address = observe::client_address(request, self.0.settings.behind_proxy);
        match self.0.limiter.take(address, std::time::Instant::now()) {
            Some(allowance) if !allowance.allowed => {
                Err(Problem::new(&problem::RATE_LIMITED).retry_after(allowance.reset_seconds))
            }
            allowance => Ok(Allowed(allowance)),
        }
    }

    /// Waits for one of the places of heavy work, and holds it.
    async fn turn(&self) -> Result<OwnedSemaphorePermit, Problem> {
        let turn = Arc::clone(&self.0.work).acquire_owned().await;
        turn.map_err(|error| Problem::new(&problem::INTERNAL).caused_by(&error))
    }

    /// Runs `work`, which hashes, waits for a token or a disk, on a thread of its own.
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Problem> {
        let span = tracing::Span::current();
        let done = tokio::task::spawn_blocking(move || span.in_scope(work)).await;
        done.map_err(|error| Problem::new(&problem::INTERNAL).caused_by(&error))
    }
}

/// A public request that may go on, and how many more may.
#[derive(Clone, Copy, Debug)]
struct Allowed(Option<Allowance>);

impl Allowed {
    /// `RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers).
    fn write(self, headers: &mut HeaderMap) {
        let Some(Allowance { limit, remaining, reset_seconds, .. }) = self.0 else { return };
        let policy = format!("\"public\";q={limit};w=60");
        let left = format!("\"public\";r={remaining};t={reset_seconds}");
        for (name, value) in [("ratelimit-policy", policy), ("ratelimit", left)] {
            if let Ok(value) = value.parse() {
                headers.insert(name, value);
            }
        }
    }
}

/// Where to listen.
#[derive(Clone, Debug)]
pub struct Listen {
    /// Address and port; port 0 lets the system choose.
    pub address: SocketAddr,
    /// TLS settings; `None` for plain HTTP.
    pub tls: Option<Arc<rustls::ServerConfig>>,
}

/// A server that answers. Dropping it does not stop it; [`Running::stop`] does.
#[derive(Debug)]
pub struct Running {
    /// Where it listens.
    pub address: SocketAddr,
    handle: Handle<SocketAddr>,
    task: JoinHandle<io::Result<()>>,
}

impl Running {
    /// Takes no new connection, lets open requests end within `grace`, then cuts them off.
    ///
    /// # Errors
    ///
    /// When the server had failed before.
    pub async fn stop(self, grace: Duration) -> io::Result<()> {
        self.handle.graceful_shutdown(Some(grace));
        self.task.await.map_err(io::Error::other)?
    }

    /// Waits until the server ends by itself, which it does only when it fails.
    ///
    /// # Errors
    ///
    /// Why it ended.
    pub async fn ended(&mut self) -> io::Result<()> {
        (&mut self.task).await.map_err(io::Error::other)?
    }
}

/// Listens and answers until told to stop.
///
/// # Errors
///
/// When the address cannot be had.
#[expect(clippy::unused_async, reason = "it needs the runtime that its caller awaits it in")]
pub async fn serve(app: App, listen: &Listen) -> io::Result<Running> {
    let listener = std::net::TcpListener::bind(listen.address)?;
    let address = listener.local_addr()?;
    let handle = Handle::new();
    let service = router(app).into_make_service_with_connect_info::<SocketAddr>();
    let task = if let Some(tls) = &listen.tls {
        let tls = RustlsConfig::from_config(Arc::clone(tls));
        let server = axum_server::from_tcp_rustls(listener, tls)?;
        let server = server.handle(handle.clone()).first_request_timeout(FIRST_REQUEST);
        tokio::spawn(server.serve(service))
    } else {
        let server = axum_server::from_tcp(listener)?;
        let server = server.handle(handle.clone()).first_request_timeout(FIRST_REQUEST);
        tokio::spawn(server.serve(service))
    };
    Ok(Running { address, handle, task })
}

/// How long a new connection may take to send its first request line and headers.
const FIRST_REQUEST: Duration = Duration::from_secs(15);
