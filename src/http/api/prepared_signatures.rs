//! Signing with a key that the server does not hold, in two steps.

use std::{sync::Arc, time::Duration, time::Instant};

use axum::{
    extract::{Path, State},
    http::StatusCode,
    response::Response,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};

use super::{
    super::{
        App, Problem,
        auth::Known,
        extract::{self, Json, PasswordText},
        idempotency::{self, IdempotencyKey, Reply},
        problem::{self, ProblemBody},
    },
    documents::file_response,
    prepare_request::{Prepare, PrepareForm, PrepareRequest, decoded},
    signatures::{Rebuilt, Signed},
};
use crate::{
    appearance::Placement,
    dispatch::Role,
    service::{PreparedLimits, PreparedSignature},
    telemetry,
};

/// Prepare a signature
///
/// For a key that the server does not hold: on the signer's own token, behind an agent, at a remote service. The answer
/// says what is to be signed, and with which handle the value comes back. Nothing is recorded until then. The prepared
/// file can be downloaded first, so that whoever holds the key can check that it is the document and nothing else.
///
/// With an `appearance` the signature can be seen, as one with a key of the server. Its picture comes in the request, as
/// Base64 or in the part `picture` of a form whose part `request` is the JSON. All of it is in the prepared file;
/// `placement` says where.
///
/// A certificate that is expired, not yet valid, revoked or not meant for signing is refused now (`signer.certificate`).
///
/// Scope `approve` for a person's signature, `seal` for the agency's.
#[utoipa::path(post, path = "/api/v1/documents/{id}/prepared-signatures", tag = "Documents",
    operation_id = "prepareSignature", security(("api_key" = ["approve"]), ("api_key" = ["seal"])),
    params(("id" = String, Path, description = "The document's id"),
        ("Idempotency-Key" = String, Header, description = "A fresh UUID; the same one when trying again")),
    request_body(content((PrepareRequest = "application/json"), (PrepareForm = "multipart/form-data"))),
    responses((status = 201, description = "What is to be signed", body = Prepared),
        (status = 403, description = "The key lacks the scope", body = ProblemBody),
        (status = 404, description = "None that the caller can see", body = ProblemBody),
        (status = 409, description = "Not this signature's turn, or no number yet", body = ProblemBody),
        (status = 422, description = "A certificate or a file that cannot be used", body = ProblemBody),
        (status = 429, description = "Too many prepared signatures of this member wait", body = ProblemBody),
        (status = 503, description = "The time-stamp authority is not available", body = ProblemBody)))]
pub(in super::super) async fn prepare(
    State(app): State<App>,
    known: Known,
    key: IdempotencyKey,
    Path(id): Path<String>,
    request: Prepare,
) -> Result<Reply, Problem> {
    let id = extract::id(&id, &problem::DOCUMENT_NOT_FOUND)?;
    let fingerprint = request.fingerprint;
    // A picture takes its time and its room to read.
    let reading = app.turn().await?;
    let wish = app.blocking(move || request.wish()).await??;
    drop(reading);
    let (this, caller) = (app.clone(), known.0.clone());
    idempotency::once(&app, &known.0, &key, fingerprint, async move {
        let limits = PreparedLimits {
            life: Duration::from_secs(this.limits().prepared_seconds),
            waiting: this.limits().prepared_signatures,
        };
        let _turn = this.turn().await?;
        let desk = Arc::clone(this.desk());
        let prepared = this.service().prepare_signature(&caller, id, desk, wish, limits).await;
        let prepared = prepared.map_err(|error| {
            let words = error.to_string();
            let told = Problem::from(error);
            let code = problem::SIGNER_CERTIFICATE.code;
            if told.entry().code == code { told.at("/certificate", code, words) } else { told }
        })?;
        let location = format!("/api/v1/documents/{id}/prepared-signatures/{}", prepared.handle);
        Reply::created(location, &Prepared::of(prepared))
    })
    .await
}

/// Read a prepared signature
///
/// As it was answered when it was prepared; only while it can be completed.
#[utoipa::path(get, path = "/api/v1/documents/{id}/prepared-signatures/{handle}", tag = "Documents",
    operation_id = "readPreparedSignature", security(("api_key" = ["approve"]), ("api_key" = ["seal"])),
    params(("id" = String, Path, description = "The document's id"),
        ("handle" = String, Path, description = "From the answer to preparing")),
    responses((status = 200, description = "What is to be signed", body = Prepared),
        (status = 404, description = "No such handle for this member and document", body = ProblemBody),
        (status = 409, description = "Used or spent, or the document changed", body = ProblemBody),
        (status = 410, description = "Expired", body = ProblemBody)))]
pub(in super::super) async fn read(
    State(app): State<App>,
    known: Known,
    Path((id, handle)): Path<(String, String)>,
) -> Result<axum::Json<Prepared>, Problem> {
    let id = extract::id(&id, &problem::DOCUMENT_NOT_FOUND)?;
    let (prepared, _) = app.service().open_prepared(&known.0, id, &handle, app.desk()).await?;
    Ok(axum::Json(Prepared::of(prepared)))
}

/// Download a prepared file
///
/// The document with the revision that is to be signed behind it; the place of the signature holds zeros. It begins
/// with all the bytes of the document that was reviewed.
#[utoipa::path(get, path = "/api/v1/documents/{id}/prepared-signatures/{handle}/content", tag = "Documents",
    operation_id = "downloadPreparedFile", security(("api_key" = ["approve"]), ("api_key" = ["seal"])),
    params(("id" = String, Path, description = "The document's id"),
        ("handle" = String, Path, description = "From the answer to preparing")),
    responses((status = 200, description = "The PDF", body = Vec<u8>, content_type = "application/pdf"),
        (status = 404, description = "No such handle for this member and document", body = ProblemBody),
        (status = 409, description = "Used or spent, or the document changed", body = ProblemBody),
        (status = 410, description = "Expired", body = ProblemBody)))]
pub(in super::super) async fn content(
    State(app): State<App>,
    known: Known,
    Path((id, handle)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let id = extract::id(&id, &problem::DOCUMENT_NOT_FOUND)?;
    let (prepared, revision) = app.service().open_prepared(&known.0, id, &handle, app.desk()).await?;
    Ok(file_response(revision, prepared.prepared_sha256, &format!("{id}.pdf")))
}

/// Complete a prepared signature
///
/// Takes the signature value. It has to fit the certificate and what was to be signed; the signed file is then
/// stamped, verified and recorded. A handle is good once: of several who complete it at the same time one succeeds. A
/// value that does not fit is refused; the fifth one uses the handle up.
#[utoipa::path(post, path = "/api/v1/documents/{id}/prepared-signatures/{handle}/complete", tag = "Documents",
    operation_id = "completeSignature", security(("api_key" = ["approve"]), ("api_key" = ["seal"])),
    params(("id" = String, Path, description = "The document's id"),
        ("handle" = String, Path, description = "From the answer to preparing"),
        ("Idempotency-Key" = String, Header, description = "A fresh UUID; the same one when trying again")),
    request_body = CompleteRequest,
    responses((status = 201, description = "Signed, verified and recorded", body = Signed),
        (status = 403, description = "The key lacks the scope", body = ProblemBody),
        (status = 404, description = "No such handle for this member and document", body = ProblemBody),
        (status = 409, description = "Used or spent, or the document changed", body = ProblemBody),
        (status = 410, description = "Expired", body = ProblemBody),
        (status = 422, description = "The value does not fit, or the result does not verify", body = ProblemBody),
        (status = 503, description = "The time-stamp authority is not available", body = ProblemBody)))]
pub(in super::super) async fn complete(
    State(app): State<App>,
    known: Known,
    key: IdempotencyKey,
    Path((id, handle)): Path<(String, String)>,
    Json { value, fingerprint }: Json<CompleteRequest>,
) -> Result<Reply, Problem> {
    let id = extract::id(&id, &problem::DOCUMENT_NOT_FOUND)?;
    let password = value.password.map(PasswordText::into_inner);
    let value = decoded(&value.signature, "/signature")?;
    let (this, caller) = (app.clone(), known.0.clone());
    idempotency::once(&app, &known.0, &key, fingerprint, async move {
        let started = Instant::now();
        let _turn = this.turn().await?;
        let desk = Arc::clone(this.desk());
        let signed = this.service().complete_signature(&caller, id, &handle, desk, (value, password)).await;
        let signed = signed.map_err(Problem::from);
        let outcome = signed.as_ref().map_or_else(|problem| problem.entry().code, |_| "made");
        telemetry::signature_made(outcome, started.elapsed());
        Reply::created(format!("/api/v1/documents/{id}"), &Signed::of(signed?))
    })
    .await
}

/// Give a prepared signature up
///
/// Nobody can complete it any more.
#[utoipa::path(delete, path = "/api/v1/documents/{id}/prepared-signatures/{handle}", tag = "Documents",
    operation_id = "giveUpPreparedSignature", security(("api_key" = ["approve"]), ("api_key" = ["seal"])),
    params(("id" = String, Path, description = "The document's id"),
        ("handle" = String, Path, description = "From the answer to preparing")),
    responses((status = 204, description = "It is forgotten"),
        (status = 404, description = "No such handle for this member and document", body = ProblemBody),
        (status = 409, description = "It is completed", body = ProblemBody)))]
pub(in super::super) async fn give_up(
    State(app): State<App>,
    known: Known,
    Path((id, handle)): Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    let id = extract::id(&id, &problem::DOCUMENT_NOT_FOUND)?;
    app.service().forget_prepared(&known.0, id, &handle).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The value that the key made.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in super::super) struct CompleteRequest {
    /// The signature value in Base64; of ECDSA, `Ecdsa-Sig-Value` in DER.
    signature: String,
    /// Opens an encrypted document, as when the signature was prepared.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = Password, write_only)]
    password: Option<PasswordText>,
}

/// A signature that waits for its value.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PreparedSignature)]
pub(in super::super) struct Prepared {
    /// With this the value comes back. Good once, for this member and this document.
    handle: String,
    /// Until when.
    expires_at: String,
    /// The document's id.
    document: String,
    /// What the signature is for.
    role: Role,
    /// The signature field.
    field: String,
    /// SHA-256 of the document that is reviewed, 64 hexadecimal characters; where it was rebuilt, of the rebuilt one.
    document_sha256: String,
    /// Its length in bytes: so many bytes at the beginning of the prepared file are the document.
    document_size: u64,
    /// SHA-256 of the prepared file, whose place for the signature holds zeros.
    prepared_sha256: String,
    /// Length of the prepared file, in bytes.
    prepared_size: u64,
    /// What the key signs: Base64 of the DER of the signed attributes (RFC 5652 section 5.4).
    to_be_signed: String,
    /// The digest of `toBeSigned`, for keys that take digests.
    digest: PreparedDigest,
    /// How the key signs.
    algorithm: PreparedAlgorithm,
    /// Where the signature will be seen, for one that is not invisible.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    placement: Option<Placement>,
    /// What was found and done when the document was rebuilt before; absent when it was not.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    repair: Vec<Rebuilt>,
}

/// A digest and its algorithm.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct PreparedDigest {
    /// Such as `SHA-256`.
    #[schema(example = "SHA-256")]
    algorithm: &'static str,
    /// Base64.
    value: String,
}

/// A signature algorithm.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct PreparedAlgorithm {
    /// For people.
    #[schema(example = "SHA256withRSA")]
    name: String,
    /// Base64 of the DER of its AlgorithmIdentifier.
    identifier: String,
}

impl Prepared {
    fn of(prepared: PreparedSignature) -> Self {
        let digest = prepared.scheme.digest().digest(&prepared.to_be_signed);
        Self {
            handle: prepared.handle,
            expires_at: prepared.expires_at.to_string(),
            document: prepared.document.to_string(),
            role: prepared.role,
            field: prepared.field,
            document_sha256: prepared.document_sha256.to_hex(),
            document_size: prepared.document_size,
            placement: prepared.placement,
            repair: prepared.repair.into_iter().map(Rebuilt::of).collect(),
            prepared_sha256: prepared.prepared_sha256.to_hex(),
            prepared_size: prepared.prepared_size,
            to_be_signed: STANDARD.encode(&prepared.to_be_signed),
            digest: PreparedDigest {
                algorithm: digest.algorithm.name(),
                value: STANDARD.encode(&digest.bytes),
            },
            algorithm: PreparedAlgorithm {
                name: prepared.scheme.name(),
                identifier: STANDARD.encode(prepared.scheme.to_identifier()),
            },
        }
    }
}
