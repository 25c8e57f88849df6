//! Proofs, checkpoints, tiles: what lets others check us.

use axum::{
    Json,
    extract::{Path, State},
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;

use super::super::{
    App, Problem,
    auth::Known,
    extract,
    problem::{self, ProblemBody},
};
use crate::ledger::TilePath;

/// Prove an event
///
/// A C2SP tlog-proof file: `kyso ledger check` verifies it without any server. For the agencies on either side.
#[utoipa::path(get, path = "/api/v1/events/{id}/proof", tag = "Ledger", operation_id = "proveEvent",
    security(("api_key" = ["read"])), params(("id" = String, Path, description = "The event's id")),
    responses((status = 200, description = "The proof", body = String, content_type = "text/plain"),
        (status = 404, description = "None that the caller can see", body = ProblemBody)))]
pub(in super::super) async fn proof(
    State(app): State<App>,
    known: Known,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let id = extract::id(&id, &problem::EVENT_NOT_FOUND)?;
    let proof = app.service().prove(&known.0, id).await?;
    Ok(text(proof.to_text()))
}

/// Read the checkpoint as JSON
///
/// Size, root and signed text of the latest checkpoint, and the key that verifies it. No key needed.
#[utoipa::path(get, path = "/api/v1/ledger/checkpoint", tag = "Ledger", operation_id = "readCheckpoint",
    responses((status = 200, description = "The latest checkpoint", body = LedgerCheckpoint)))]
pub(in super::super) async fn checkpoint_json(
    State(app): State<App>,
) -> Result<Json<LedgerCheckpoint>, Problem> {
    let checkpoint = app.service().checkpoint().await?;
    let key = app.service().ledger_key();
    Ok(Json(LedgerCheckpoint {
        origin: key.origin().to_owned(),
        size: checkpoint.size(),
        root: checkpoint.root().to_hex(),
        note: checkpoint.note().to_owned(),
        verifier_key: key.to_string(),
    }))
}

/// The latest checkpoint.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct LedgerCheckpoint {
    /// The log's name.
    origin: String,
    /// Entries in the tree.
    size: u64,
    /// The tree's root hash, 64 hexadecimal characters.
    root: String,
    /// The signed note (C2SP tlog-checkpoint).
    note: String,
    /// The public key, as signed-note verifiers take it.
    verifier_key: String,
}

/// Read the checkpoint
///
/// C2SP tlog-tiles: the signed note itself. No key needed.
#[utoipa::path(get, path = "/checkpoint", tag = "Ledger", operation_id = "readCheckpointNote",
    responses((status = 200, description = "The signed note", body = String, content_type = "text/plain")))]
pub(in super::super) async fn checkpoint(State(app): State<App>) -> Result<Response, Problem> {
    Ok(text(app.service().checkpoint().await?.note().to_owned()))
}

/// Read a tile
///
/// C2SP tlog-tiles: hashes under `<L>/<N>[.p/<W>]`, entries under `entries/<N>[.p/<W>]`. No key needed.
#[utoipa::path(get, path = "/tile/{path}", tag = "Ledger", operation_id = "readTile",
    params(("path" = String, Path, description = "Such as `0/000` or `entries/000.p/5`; it holds slashes")),
    responses((status = 200, description = "The tile", body = Vec<u8>, content_type = "application/octet-stream"),
        (status = 404, description = "No such tile, or not yet", body = ProblemBody)))]
pub(in super::super) async fn tile(
    State(app): State<App>,
    Path(path): Path<String>,
) -> Result<Response, Problem> {
    let none = || Problem::new(&problem::LEDGER_NOT_FOUND);
    let path: TilePath = format!("tile/{path}").parse().map_err(|_| none())?;
    let bytes = app.service().tile(path).await?.ok_or_else(none)?;
    // A tile once published never changes: a fuller one has another path.
    let headers = [
        (header::CONTENT_TYPE, "application/octet-stream"),
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
    ];
    Ok((headers, bytes).into_response())
}

fn text(text: String) -> Response {
    let mut response = text.into_response();
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}
