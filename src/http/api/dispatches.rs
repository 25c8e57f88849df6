//! Sending, and following what was sent.

use axum::{
    extract::{Path, State},
    response::Response,
};

use super::super::{
    App, Problem,
    auth::Known,
    extract::{self, Json, List, WantedPage},
    idempotency::{self, IdempotencyKey, Reply},
    problem::{self, ProblemBody},
};
use crate::{dispatch::Dispatch, service::Send, telemetry};

/// Send a document
///
/// An issued document, to one or more agencies. The answer comes when every event stands in a signed checkpoint.
#[utoipa::path(post, path = "/api/v1/dispatches", tag = "Dispatches", operation_id = "sendDocument",
    security(("api_key" = ["send"])),
    params(("Idempotency-Key" = String, Header, description = "A fresh UUID; the same one when trying again")),
    request_body = Send,
    responses((status = 201, description = "Sent and recorded", body = Dispatch),
        (status = 403, description = "The key lacks the scope", body = ProblemBody),
        (status = 409, description = "Not issued, secret, or the same request is running", body = ProblemBody),
        (status = 422, description = "A recipient that is not known, or the key used for another request", body = ProblemBody)))]
pub(in super::super) async fn send(
    State(app): State<App>,
    known: Known,
    key: IdempotencyKey,
    Json { value, fingerprint }: Json<Send>,
) -> Result<Reply, Problem> {
    let (service, caller, row_key) = (app.service().clone(), known.0.clone(), key.clone());
    idempotency::once(&app, &known.0, &key, fingerprint, async move {
        let sent = service.send(&caller, &value, row_key.as_str()).await?;
        if !sent.replayed {
            telemetry::dispatch_event("sent", sent.dispatch.deliveries.len() as u64);
        }
        Reply::created(format!("/api/v1/dispatches/{}", sent.dispatch.id), &sent.dispatch)
    })
    .await
}

/// List dispatches
///
/// What the caller's agency sent, newest first.
#[utoipa::path(get, path = "/api/v1/dispatches", tag = "Dispatches", operation_id = "listDispatches",
    security(("api_key" = ["read"])),
    params(("cursor" = Option<String>, Query, description = "`next` of the page before"),
        ("limit" = Option<u32>, Query, description = "1 to 200, 50 when absent")),
    responses((status = 200, description = "A page; `Link: …; rel=\"next\"` when there are more", body = List<Dispatch>),
        (status = 422, description = "A cursor or limit that cannot be used", body = ProblemBody)))]
pub(in super::super) async fn list(
    State(app): State<App>,
    known: Known,
    wanted: WantedPage,
) -> Result<Response, Problem> {
    Ok(wanted.answer(app.service().outbox(&known.0, &wanted.page).await?))
}

/// Follow a dispatch
///
/// Each delivery with its state and events. A recipient sees its own delivery only.
#[utoipa::path(get, path = "/api/v1/dispatches/{id}", tag = "Dispatches", operation_id = "readDispatch",
    security(("api_key" = ["read"])), params(("id" = String, Path, description = "The dispatch's id")),
    responses((status = 200, description = "The dispatch", body = Dispatch),
        (status = 404, description = "None that the caller can see", body = ProblemBody)))]
pub(in super::super) async fn read(
    State(app): State<App>,
    known: Known,
    Path(id): Path<String>,
) -> Result<axum::Json<Dispatch>, Problem> {
    let id = extract::id(&id, &problem::DISPATCH_NOT_FOUND)?;
    Ok(axum::Json(app.service().dispatch(&known.0, id).await?))
}
