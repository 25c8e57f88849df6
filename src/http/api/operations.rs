//! Health, readiness, metrics: for those who run the service.

use std::time::{Duration, Instant};

use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;

use super::super::App;
use crate::{
    service::{
        sign::SignError,
        time_stamping::{AuthorityStatus, BreakerState},
    },
    signing::SigningError,
    telemetry,
};

/// Is the process alive?
#[utoipa::path(get, path = "/healthz", tag = "Operations", operation_id = "readHealth",
    responses((status = 200, description = "It is", body = Health)))]
pub(in super::super) async fn healthz(State(app): State<App>) -> Json<Health> {
    let now = app.clock().now();
    let stamping = app.desk().time_stamping.as_ref();
    let time_stamping = stamping.map(|stamping| stamping.status(now)).unwrap_or_default();
    Json(Health { status: "ok", version: env!("CARGO_PKG_VERSION"), time_stamping })
}

/// A process that answers.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct Health {
    /// `ok`.
    status: &'static str,
    /// The program's version.
    version: &'static str,
    /// The time-stamp authorities, in the order in which they are asked; absent without any.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    time_stamping: Vec<AuthorityStatus>,
}

/// Can it do its work?
///
/// Database and files answer, trust anchors are loaded, each token is there, and whether a time-stamp authority is
/// configured. 503 when something that the work needs is missing.
#[utoipa::path(get, path = "/readyz", tag = "Operations", operation_id = "readReadiness",
    responses((status = 200, description = "It can", body = Readiness),
        (status = 503, description = "It cannot; see which check", body = Readiness)))]
pub(in super::super) async fn readyz(State(app): State<App>) -> Response {
    let checks = app.readiness().checks(&app).await;
    let ready = checks.iter().all(|check| check.ok || !check.needed);
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(Readiness { status: if ready { "ready" } else { "not-ready" }, checks })).into_response()
}

/// Whether everything that the work needs is there.
pub(in super::super) async fn is_ready(app: &App) -> bool {
    app.readiness().checks(app).await.iter().all(|check| check.ok || !check.needed)
}

/// The last look, so that whoever asks without a key cannot keep the tokens busy.
#[derive(Default)]
pub(in super::super) struct LastLook(tokio::sync::Mutex<Option<(Instant, Vec<Check>)>>);

impl LastLook {
    async fn checks(&self, app: &App) -> Vec<Check> {
        let mut last = self.0.lock().await;
        match &*last {
            Some((at, checks)) if at.elapsed() < FRESH => checks.clone(),
            _ => last.insert((Instant::now(), look(app).await)).1.clone(),
        }
    }
}

/// How long a look is good for.
const FRESH: Duration = Duration::from_secs(2);

async fn look(app: &App) -> Vec<Check> {
    let check = |name: &str, needed, ok, good: &str, bad: &str| Check {
        name: name.to_owned(),
        ok,
        needed,
        detail: if ok { good } else { bad }.to_owned(),
    };
    let desk = app.desk();
    let authorities = desk.time_stamping.as_ref().map(|stamping| stamping.status(desk.clock.now()));
    let answering = authorities
        .as_ref()
        .is_some_and(|all| all.iter().any(|authority| authority.state != BreakerState::Open));
    let mut checks = vec![
        check("store", true, app.service().ready().await.is_ok(), "database and files answer", "no answer"),
        check(
            "ledger",
            true,
            app.service().checkpoint().await.is_ok(),
            "has a checkpoint",
            "has no checkpoint",
        ),
        check("anchors", true, !desk.anchors.is_empty(), "loaded", "none: nothing can be valid"),
        check(
            "time-stamp",
            false,
            answering,
            "configured",
            if authorities.is_some() {
                "no authority answers; see /healthz"
            } else {
                "none: signatures are of level B-B"
            },
        ),
    ];
    let signers = std::sync::Arc::clone(app.signers());
    let desk = std::sync::Arc::clone(desk);
    let tokens = app.blocking(move || {
        let stands = |name: &str| (name.to_owned(), signers.check(name, &desk));
        signers.names().map(stands).collect::<Vec<_>>()
    });
    for (name, stands) in tokens.await.unwrap_or_default() {
        let ok = matches!(stands, Some(Ok(())));
        // The token answers, and others may sign all the same.
        let certificate = matches!(
            stands,
            Some(Err(SignError::Signing(SigningError::Certificate { .. } | SigningError::Usage { .. })))
        );
        if let Some(Err(error)) = stands {
            tracing::warn!(name, %error, "a signing token is not available");
        }
        checks.push(check(
            &format!("signer:{name}"),
            !certificate,
            ok,
            "its token answers",
            if certificate { "its certificate may not sign now" } else { "its token is not available" },
        ));
    }
    checks
}

/// What the work needs, and how it stands.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(in super::super) struct Readiness {
    /// `ready` or `not-ready`.
    status: &'static str,
    /// One line each.
    checks: Vec<Check>,
}

/// One thing that was looked at.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub(in super::super) struct Check {
    /// `store`, `anchors`, `time-stamp`, `ledger`, `signer:NAME`.
    name: String,
    /// Whether it stands well.
    ok: bool,
    /// Whether the service is of no use without it.
    needed: bool,
    /// In words.
    detail: String,
}

/// Metrics
///
/// In the text format of Prometheus.
#[utoipa::path(get, path = "/metrics", tag = "Operations", operation_id = "readMetrics",
    responses((status = 200, description = "All series", body = String, content_type = "text/plain")))]
pub(in super::super) async fn metrics() -> Response {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], telemetry::metrics().render())
        .into_response()
}
