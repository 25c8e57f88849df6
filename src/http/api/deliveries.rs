//! The recipient's side: the inbox, and arrive, accept, refuse.

use axum::{
    extract::{Path, State},
    response::Response,
};
use serde::Deserialize;

use super::{
    super::{
        App, Problem,
        auth::Known,
        extract::{self, Json, List, MaybeJson, NoBody, PasswordRequest, PasswordText, WantedPage},
        idempotency::{self, IdempotencyKey, Reply},
        judge,
        problem::{self, ProblemBody},
    },
    documents::file_response,
};
use crate::{base::Id, dispatch::Delivery, people::Scope, service::Report, telemetry};

/// List deliveries
///
/// What was sent to the caller's agency, newest first.
#[utoipa::path(get, path = "/api/v1/deliveries", tag = "Deliveries", operation_id = "listDeliveries",
    security(("api_key" = ["read"])),
    params(("cursor" = Option<String>, Query, description = "`next` of the page before"),
        ("limit" = Option<u32>, Query, description = "1 to 200, 50 when absent")),
    responses((status = 200, description = "A page; `Link: …; rel=\"next\"` when there are more", body = List<Delivery>),
        (status = 422, description = "A cursor or limit that cannot be used", body = ProblemBody)))]
pub(in super::super) async fn list(
    State(app): State<App>,
    known: Known,
    wanted: WantedPage,
) -> Result<Response, Problem> {
    Ok(wanted.answer(app.service().inbox(&known.0, &wanted.page).await?))
}

/// Read a delivery
#[utoipa::path(get, path = "/api/v1/deliveries/{id}", tag = "Deliveries", operation_id = "readDelivery",
    security(("api_key" = ["read"])), params(("id" = String, Path, description = "The delivery's id")),
    responses((status = 200, description = "The delivery with its events", body = Delivery),
        (status = 404, description = "None that the caller can see", body = ProblemBody)))]
pub(in super::super) async fn read(
    State(app): State<App>,
    known: Known,
    Path(id): Path<String>,
) -> Result<axum::Json<Delivery>, Problem> {
    Ok(axum::Json(app.service().delivery(&known.0, delivery_id(&id)?).await?))
}

/// Download what was delivered
///
/// The very bytes that were sent, with `Content-Digest` (RFC 9530).
#[utoipa::path(get, path = "/api/v1/deliveries/{id}/document", tag = "Deliveries", operation_id = "downloadDelivery",
    security(("api_key" = ["read"])), params(("id" = String, Path, description = "The delivery's id")),
    responses((status = 200, description = "The PDF", body = Vec<u8>, content_type = "application/pdf"),
        (status = 404, description = "None that the caller can see", body = ProblemBody)))]
pub(in super::super) async fn document(
    State(app): State<App>,
    known: Known,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let (delivery, source) = app.service().open_delivery(&known.0, delivery_id(&id)?).await?;
    Ok(file_response(source, delivery.sha256, &format!("{}.pdf", delivery.document)))
}

/// Report the arrival (01)
///
/// The Idempotency-Key becomes the event's id: reporting twice is reporting once.
#[utoipa::path(post, path = "/api/v1/deliveries/{id}/arrive", tag = "Deliveries", operation_id = "arriveDelivery",
    security(("api_key" = ["receive"])),
    params(("id" = String, Path, description = "The delivery's id"),
        ("Idempotency-Key" = String, Header, description = "A fresh UUID; the same one when trying again")),
    responses((status = 200, description = "Recorded", body = Delivery),
        (status = 404, description = "None that the caller can see", body = ProblemBody),
        (status = 409, description = "The state does not allow it", body = ProblemBody)))]
pub(in super::super) async fn arrive(
    State(app): State<App>,
    known: Known,
    key: IdempotencyKey,
    Path(id): Path<String>,
    NoBody { fingerprint }: NoBody,
) -> Result<Reply, Problem> {
    let id = delivery_id(&id)?;
    let (service, caller, report) = (app.service().clone(), known.0.clone(), Report { event: key.id() });
    idempotency::once(&app, &known.0, &key, fingerprint, async move {
        let delivery = service.arrive(&caller, id, report).await?;
        telemetry::dispatch_event("arrived", 1);
        Reply::done(&delivery)
    })
    .await
}

/// Accept (03)
///
/// kyso first verifies the very bytes that were sent; what does not verify cannot be accepted. An encrypted document
/// needs its password.
#[utoipa::path(post, path = "/api/v1/deliveries/{id}/accept", tag = "Deliveries", operation_id = "acceptDelivery",
    security(("api_key" = ["receive"])),
    params(("id" = String, Path, description = "The delivery's id"),
        ("Idempotency-Key" = String, Header, description = "A fresh UUID; the same one when trying again")),
    request_body = Option<PasswordRequest>,
    responses((status = 200, description = "Recorded", body = Delivery),
        (status = 404, description = "None that the caller can see", body = ProblemBody),
        (status = 409, description = "It does not verify, or the state does not allow it", body = ProblemBody),
        (status = 422, description = "It is encrypted, and the right password did not come", body = ProblemBody)))]
pub(in super::super) async fn accept(
    State(app): State<App>,
    known: Known,
    key: IdempotencyKey,
    Path(id): Path<String>,
    MaybeJson { value, fingerprint }: MaybeJson<PasswordRequest>,
) -> Result<Reply, Problem> {
    known.need(Scope::Receive)?;
    let id = delivery_id(&id)?;
    let (this, caller, report) = (app.clone(), known.0.clone(), Report { event: key.id() });
    idempotency::once(&app, &known.0, &key, fingerprint, async move {
        let (delivery, source) = this.service().open_delivery(&caller, id).await?;
        let password = value.password.map(PasswordText::into_inner);
        let name = format!("{}.pdf", delivery.document);
        let verdict = judge::judge_stored(&this, source, password, name).await?;
        let delivery = this.service().accept(&caller, id, &verdict, report).await?;
        telemetry::dispatch_event("accepted", 1);
        Reply::done(&delivery)
    })
    .await
}

/// Refuse (02)
#[utoipa::path(post, path = "/api/v1/deliveries/{id}/refuse", tag = "Deliveries", operation_id = "refuseDelivery",
    security(("api_key" = ["receive"])),
    params(("id" = String, Path, description = "The delivery's id"),
        ("Idempotency-Key" = String, Header, description = "A fresh UUID; the same one when trying again")),
    request_body = Refusal,
    responses((status = 200, description = "Recorded", body = Delivery),
        (status = 404, description = "None that the caller can see", body = ProblemBody),
        (status = 409, description = "The state does not allow it", body = ProblemBody),
        (status = 422, description = "No reason, or one that is too long", body = ProblemBody)))]
pub(in super::super) async fn refuse(
    State(app): State<App>,
    known: Known,
    key: IdempotencyKey,
    Path(id): Path<String>,
    Json { value, fingerprint }: Json<Refusal>,
) -> Result<Reply, Problem> {
    let id = delivery_id(&id)?;
    let (service, caller, report) = (app.service().clone(), known.0.clone(), Report { event: key.id() });
    idempotency::once(&app, &known.0, &key, fingerprint, async move {
        let delivery = service.refuse(&caller, id, &value.reason, report).await?;
        telemetry::dispatch_event("refused", 1);
        Reply::done(&delivery)
    })
    .await
}

/// Why a delivery is refused.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct Refusal {
    /// 1 to 2000 characters.
    #[schema(example = "Sai nơi nhận")]
    reason: String,
}

fn delivery_id(text: &str) -> Result<Id<Delivery>, Problem> {
    extract::id(text, &problem::DELIVERY_NOT_FOUND)
}
