//! Signing with a key that the server holds.

use std::{sync::Arc, time::Instant};

use axum::extract::{Path, State};
use serde::{Deserialize, Serialize};

use super::super::{
    App, Problem,
    auth::Known,
    extract::{self, Json},
    idempotency::{self, IdempotencyKey, Reply},
    problem::{self, ProblemBody},
};
use crate::{
    base::Id,
    dispatch::{Document, Role},
    people::Caller,
    service::{HeldKey, SignedDocument},
    signing::Wishes,
    telemetry,
    validation::SignatureReport,
};

/// Sign a document
///
/// With a key on a token of the server: the person's first, then the agency's. The signed file is verified before it
/// is recorded. Scope `approve` for a person's key, `seal` for the agency's.
#[utoipa::path(post, path = "/api/v1/documents/{id}/signatures", tag = "Documents", operation_id = "signDocument",
    security(("api_key" = ["approve"]), ("api_key" = ["seal"])),
    params(("id" = String, Path, description = "The document's id"),
        ("Idempotency-Key" = String, Header, description = "A fresh UUID; the same one when trying again")),
    request_body = SignRequest,
    responses((status = 201, description = "Signed, verified and recorded", body = Signed),
        (status = 403, description = "The key lacks the scope", body = ProblemBody),
        (status = 404, description = "None that the caller can see", body = ProblemBody),
        (status = 409, description = "Not this signature's turn, or no number yet", body = ProblemBody),
        (status = 422, description = "No such key for the agency, or a file that cannot be signed", body = ProblemBody),
        (status = 503, description = "The token or the time-stamp authority is not available", body = ProblemBody)))]
pub(in super::super) async fn sign(
    State(app): State<App>,
    known: Known,
    key: IdempotencyKey,
    Path(id): Path<String>,
    Json { value, fingerprint }: Json<SignRequest>,
) -> Result<Reply, Problem> {
    let id = extract::id(&id, &problem::DOCUMENT_NOT_FOUND)?;
    let (this, caller) = (app.clone(), known.0.clone());
    idempotency::once(&app, &known.0, &key, fingerprint, async move {
        let started = Instant::now();
        let signed = sign_document(&this, &caller, id, value).await;
        let outcome = signed.as_ref().map_or_else(|problem| problem.entry().code, |_| "made");
        telemetry::signature_made(outcome, started.elapsed());
        let SignedDocument { document, signature } = signed?;
        Reply::created(format!("/api/v1/documents/{id}"), &Signed { document, signature })
    })
    .await
}

async fn sign_document(
    app: &App,
    caller: &Caller,
    id: Id<Document>,
    request: SignRequest,
) -> Result<SignedDocument, Problem> {
    let key = held_key(app, caller, request.signer).await?;
    if request.role.is_some_and(|role| role != key.role) {
        let detail = format!("this key is for the role {}", key.role.as_str());
        return Err(Problem::new(&problem::INVALID).at("/role", "signer.role", detail));
    }
    let wishes = Wishes { reason: request.reason, location: request.location, ..Wishes::default() };
    let _turn = app.turn().await?;
    Ok(app.service().sign_document(caller, id, Arc::clone(app.desk()), &key, wishes).await?)
}

/// The key of this name, when it is one of the caller's agency.
async fn held_key(app: &App, caller: &Caller, name: String) -> Result<HeldKey, Problem> {
    let unknown = || Problem::new(&problem::SIGNER_UNKNOWN).at("/signer", "signer.unknown", "no such key");
    if !app.signers().has(&name, caller.agency()) {
        return Err(unknown());
    }
    let signers = Arc::clone(app.signers());
    let opened = app.blocking(move || signers.open(&name)).await?;
    opened.ok_or_else(unknown)?.map_err(Problem::from)
}

/// A signature that is wanted.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in super::super) struct SignRequest {
    /// The key, by its name in the server's configuration.
    #[schema(example = "chu-tich")]
    signer: String,
    /// What the signature is for. The key decides; a role that is not the key's is refused.
    #[serde(default)]
    role: Option<Role>,
    /// Why, as the signature says it.
    #[serde(default)]
    reason: Option<String>,
    /// Where, as the signature says it.
    #[serde(default)]
    location: Option<String>,
}

/// A document and the signature just put on it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(in super::super) struct Signed {
    /// The document as it stands now.
    document: Document,
    /// The verdict on the new signature.
    signature: SignatureReport,
}
