//! Raising the signatures of a document to a level that lasts, and what is kept up.

use std::sync::Arc;

use axum::{
    extract::{Path, State},
    response::Response,
};
use serde::{Deserialize, Serialize};

use super::super::{
    App, Problem,
    auth::Known,
    extract::{self, Json, List, PasswordText, WantedPage},
    idempotency::{self, IdempotencyKey, Reply},
    problem::{self, ProblemBody},
};
use crate::{
    dispatch::Document,
    service::upkeep::{ExtendOrder, KeptDocument, Upkeeping},
    validation::Level,
};

/// Extend a document
///
/// Brings all its signatures to a level that lasts and keeps them there: `T` adds a time-stamp where there is none, `LT`
/// stores the certificates and the status evidence, `LTA` puts an archive time-stamp over them, which the server renews
/// by itself. No key is used; every earlier byte stays. Scope `approve` or `seal`.
///
/// A `password` opens an encrypted document. The server does not keep it, so it cannot renew by itself what lies in such
/// a document: `upkeep` says when that is due, and asking here again, with the password, does it.
///
/// 202 when it cannot be done now and the server is set to defer: `upkeep` of the document says when it is tried again.
#[utoipa::path(post, path = "/api/v1/documents/{id}/extensions", tag = "Documents", operation_id = "extendDocument",
    security(("api_key" = ["approve"]), ("api_key" = ["seal"])),
    params(("id" = String, Path, description = "The document's id"),
        ("Idempotency-Key" = String, Header, description = "A fresh UUID; the same one when trying again")),
    request_body = ExtendRequest,
    responses((status = 201, description = "Extended, verified and recorded; or it had the level", body = Extended),
        (status = 202, description = "To be done later; `Location` tells how it goes", body = Extended),
        (status = 403, description = "The key lacks the scope", body = ProblemBody),
        (status = 404, description = "None that the caller can see", body = ProblemBody),
        (status = 409, description = "Not signed yet, or being extended", body = ProblemBody),
        (status = 422, description = "Signatures that cannot be raised", body = ProblemBody),
        (status = 503, description = "No time-stamp or no evidence now", body = ProblemBody)))]
pub(in super::super) async fn extend(
    State(app): State<App>,
    known: Known,
    key: IdempotencyKey,
    Path(id): Path<String>,
    Json { value, fingerprint }: Json<ExtendRequest>,
) -> Result<Reply, Problem> {
    let id = extract::id(&id, &problem::DOCUMENT_NOT_FOUND)?;
    let refuse = |words: &str| Problem::new(&problem::INVALID).at("/to", "extension.to", words.to_owned());
    if value.to == Level::B {
        return Err(refuse("T, LT or LTA"));
    }
    if value.renew && value.to != Level::Lta {
        return Err(refuse("only an archive time-stamp (LTA) is renewed"));
    }
    let password = value.password.map(PasswordText::into_inner);
    let order = ExtendOrder { to: value.to, renew: value.renew, password };
    let (this, caller) = (app.clone(), known.0.clone());
    idempotency::once(&app, &known.0, &key, fingerprint, async move {
        let _turn = this.turn().await?;
        let upkeeping = Upkeeping::with(Arc::clone(this.desk()));
        let extended = this.service().extend_document(&caller, id, &upkeeping, order).await;
        let (document, later) = extended?;
        let location = format!("/api/v1/documents/{id}");
        match &later {
            None => Reply::created(location, &Extended { document, later }),
            Some(_) => Reply::accepted(location, &Extended { document, later }),
        }
    })
    .await
}

/// What is wanted of a document.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in super::super) struct ExtendRequest {
    /// The level to reach and keep: `T`, `LT` or `LTA`.
    to: Level,
    /// A fresh archive time-stamp although there is one.
    #[serde(default)]
    renew: bool,
    /// Opens an encrypted document. It is used for this request and written nowhere.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = Password, write_only)]
    password: Option<PasswordText>,
}

/// A document and what is still to come.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(in super::super) struct Extended {
    /// The document as it stands now.
    document: Document,
    /// Why it does not have the level yet; absent when it has.
    #[serde(skip_serializing_if = "Option::is_none")]
    later: Option<String>,
}

/// List what is kept up
///
/// The documents of the caller's agency for which a level beyond B was asked: which one, which one they have, what is due
/// when, and why the last try failed. Newest first.
#[utoipa::path(get, path = "/api/v1/extensions", tag = "Documents", operation_id = "listExtensions",
    security(("api_key" = ["read"])),
    params(("cursor" = Option<String>, Query, description = "`next` of the page before"),
        ("limit" = Option<u32>, Query, description = "1 to 200, 50 when absent")),
    responses((status = 200, description = "A page; `Link: …; rel=\"next\"` when there are more",
            body = List<KeptDocument>),
        (status = 401, description = "No key, or not a good one", body = ProblemBody),
        (status = 422, description = "A cursor or limit that cannot be used", body = ProblemBody)))]
pub(in super::super) async fn list(
    State(app): State<App>,
    known: Known,
    wanted: WantedPage,
) -> Result<Response, Problem> {
    Ok(wanted.answer(app.service().kept_documents(&known.0, &wanted.page).await?))
}
