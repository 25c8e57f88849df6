//! The demo PKI on the network, on this machine only.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    sync::Arc,
    thread,
};

use axum::{
    Json, Router,
    body::Bytes,
    extract::{DefaultBodyLimit, Path, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use tokio::sync::oneshot;

use super::{DemoPki, PkiError};
use crate::base::{Chance, Clock};

/// A running OCSP responder, publisher of revocation lists, and time-stamp authority.
///
/// It runs on a thread of its own, so that blocking code and async code may start it alike, and ends with the value.
#[derive(Debug)]
pub struct DemoServices {
    pki: Arc<DemoPki>,
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl DemoServices {
    /// Makes a PKI that names a free port of 127.0.0.1 and serves it there.
    ///
    /// # Errors
    ///
    /// When no port is free or no keys can be made.
    pub fn start(clock: Clock, chance: Chance) -> Result<Self, ServiceError> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(ServiceError::Network)?;
        let address = listener.local_addr().map_err(ServiceError::Network)?;
        let pki = DemoPki::published_at(&format!("http://{address}"), clock, chance)?;
        Self::serve(Arc::new(pki), listener)
    }

    /// Serves an existing PKI. Its certificates should name the listener's address.
    ///
    /// # Errors
    ///
    /// When the listener cannot be used.
    pub fn serve(pki: Arc<DemoPki>, listener: TcpListener) -> Result<Self, ServiceError> {
        let address = listener.local_addr().map_err(ServiceError::Network)?;
        listener.set_nonblocking(true).map_err(ServiceError::Network)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(ServiceError::Network)?;
        let (stop, stopped) = oneshot::channel::<()>();
        let router = router(pki.clone());
        let thread = thread::Builder::new().name("demo-pki".to_owned()).spawn(move || {
            runtime.block_on(async move {
                let Ok(listener) = tokio::net::TcpListener::from_std(listener) else {
                    return;
                };
                // Ends at the word, and also when nobody is left to give it.
                let stopped = async { stopped.await.unwrap_or_default() };
                if let Err(error) = axum::serve(listener, router).with_graceful_shutdown(stopped).await {
                    tracing::error!(%error, "the demo PKI stopped serving");
                }
            });
        });
        let thread = thread.map_err(ServiceError::Network)?;
        Ok(Self { pki, address, stop: Some(stop), thread: Some(thread) })
    }

    /// The PKI that is served.
    pub fn pki(&self) -> &Arc<DemoPki> {
        &self.pki
    }

    /// `127.0.0.1:PORT`, for a fetcher's list of allowed hosts.
    pub fn host(&self) -> String {
        self.address.to_string()
    }

    /// `http://127.0.0.1:PORT`.
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where time-stamps are made.
    pub fn tsa_url(&self) -> String {
        format!("http://{}/tsa", self.address)
    }

    /// Where OCSP is answered.
    pub fn ocsp_url(&self) -> String {
        format!("http://{}/ocsp", self.address)
    }

    /// Answers what it is answering, then ends.
    pub fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for DemoServices {
    fn drop(&mut self) {
        self.end();
    }
}

/// Why the services did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServiceError {
    /// No port, no thread.
    #[error("the demo PKI could not be put on the network")]
    Network(#[source] io::Error),
    /// No keys, no certificates.
    #[error("the demo PKI could not be made")]
    Pki(#[from] PkiError),
}

/// The routes of the services.
fn router(pki: Arc<DemoPki>) -> Router {
    Router::new()
        .route("/", get(status))
        .route("/ca/{file}", get(certificate))
        .route("/crl/{file}", get(crl))
        .route("/ocsp", post(ocsp))
        .route("/ocsp/{*request}", get(ocsp_get))
        .route("/tsa", post(time_stamp))
        .layer(DefaultBodyLimit::max(MAX_REQUEST))
        .with_state(pki)
}

async fn status(State(pki): State<Arc<DemoPki>>) -> Json<serde_json::Value> {
    let authority = |authority: &super::CertificateAuthority| {
        let certificate = authority.certificate();
        serde_json::json!({
            "name": authority.slug(),
            "subject": certificate.subject().to_string(),
            "sha256": certificate.sha256().to_hex(),
            "certificate": format!("/ca/{}.cer", authority.slug()),
            "crl": format!("/crl/{}.crl", authority.slug()),
        })
    };
    Json(serde_json::json!({
        "authorities": [authority(pki.root()), authority(pki.ca())],
        "ocsp": "/ocsp",
        "timeStamp": "/tsa",
    }))
}

async fn certificate(State(pki): State<Arc<DemoPki>>, Path(file): Path<String>) -> Response {
    match file.strip_suffix(".cer").and_then(|slug| pki.authority(slug)) {
        Some(authority) => typed("application/pkix-cert", authority.certificate().der().to_vec()),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn crl(State(pki): State<Arc<DemoPki>>, Path(file): Path<String>) -> Response {
    match file.strip_suffix(".crl").and_then(|slug| pki.crl(slug)) {
        Some(Ok(crl)) => typed("application/pkix-crl", crl),
        Some(Err(_)) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn ocsp(State(pki): State<Arc<DemoPki>>, request: Bytes) -> Response {
    typed("application/ocsp-response", pki.ocsp(&request))
}

/// The request in base64 at the end of the path (RFC 6960 appendix A.1).
async fn ocsp_get(State(pki): State<Arc<DemoPki>>, Path(request): Path<String>) -> Response {
    let request = STANDARD.decode(request).unwrap_or_default();
    typed("application/ocsp-response", pki.ocsp(&request))
}

async fn time_stamp(State(pki): State<Arc<DemoPki>>, request: Bytes) -> Response {
    typed("application/timestamp-reply", pki.time_stamp(&request))
}

fn typed(content_type: &'static str, bytes: Vec<u8>) -> Response {
    ([(header::CONTENT_TYPE, content_type)], bytes).into_response()
}

/// Requests are of some hundred bytes.
const MAX_REQUEST: usize = 64 * 1024;
