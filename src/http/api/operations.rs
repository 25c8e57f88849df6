//! Health, readiness, metrics: for those who run the service.

use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;

use super::super::App;
use crate::telemetry;

/// Is the process alive?
#[utoipa::path(get, path = "/healthz", tag = "Operations", operation_id = "readHealth",
    responses((status = 200, description = "It is", body = Health)))]
pub(in super::super) async fn healthz() -> Json<Health> {
    Json(Health { status: "ok", version: env!("CARGO_PKG_VERSION") })
}

/// A process that answers.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(in super::super) struct Health {
    /// `ok`.
    status: &'static str,
    /// The program's version.
    version: &'static str,
}

/// Can it do its work?
///
/// Database and files answer, trust anchors are loaded, each token is there, and whether a time-stamp authority is
/// configured. 503 when something that the work needs is missing.
#[utoipa::path(get, path = "/readyz", tag = "Operations", operation_id = "readReadiness",
    responses((status = 200, description = "It can", body = Readiness),
        (status = 503, description = "It cannot; see which check", body = Readiness)))]
pub(in super::super) async fn readyz(State(app): State<App>) -> Response {
    let checks = app.checks().await;
    let ready = checks.iter().all(|check| check.ok || !check.needed);
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(Readiness { status: if ready { "ready" } else { "not-ready" }, checks })).into_response()
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
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(in super::super) struct Check {
    /// `store`, `anchors`, `time-stamp`, `ledger`, `signer:NAME`.
    pub(in super::super) name: String,
    /// Whether it stands well.
    pub(in super::super) ok: bool,
    /// Whether the service is of no use without it.
    pub(in super::super) needed: bool,
    /// In words.
    pub(in super::super) detail: String,
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
