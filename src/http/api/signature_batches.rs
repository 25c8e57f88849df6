//! Signing many documents with one key of the server.

use axum::{
    extract::{Path, State},
    http::header,
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{
    super::{
        App, Problem,
        auth::Known,
        batches::Words,
        extract::{self, Json, MaybeJson, NoBody, PasswordRequest, PasswordText},
        idempotency::{self, IdempotencyKey, Reply},
        jobs::RETRY,
        language::Language,
        problem::{self, ProblemBody},
    },
    signatures::{Pictures, held_key, wishes_of},
};
use crate::{
    base::Id,
    dispatch::{Document, Role},
    service::{self, BatchOutcome, BatchState, NewBatch},
};

/// Sign many documents
///
/// With one key of the server, one after the other, in the order given. The answer comes at once; ask at `Location` how
/// far it is. What is wrong with one document does not stop the others; what is wrong with the token or the time-stamp
/// authority stops the batch, which can then be resumed. A restart of the server goes on with it. Nothing is signed
/// twice. Whether the certificate may sign is asked once for all documents, before any is signed.
///
/// A `password` opens those of the documents that are encrypted. It lies in the memory of the server that took the
/// request, and nowhere else: after a restart the batch stops with `batch.password`, and is resumed with it.
///
/// Scope `approve` for a person's key, `seal` for the agency's.
#[utoipa::path(post, path = "/api/v1/signature-batches", tag = "Documents", operation_id = "signDocuments",
    security(("api_key" = ["approve"]), ("api_key" = ["seal"])),
    params(("Idempotency-Key" = String, Header, description = "A fresh UUID; the same one when trying again")),
    request_body = BatchRequest,
    responses((status = 202, description = "Begun; ask at `Location`", body = SignatureBatch),
        (status = 403, description = "The key lacks the scope", body = ProblemBody),
        (status = 422, description = "No such key or document of the agency, one named twice, or a certificate that may not sign",
            body = ProblemBody)))]
pub(in super::super) async fn begin(
    State(app): State<App>,
    known: Known,
    key: IdempotencyKey,
    Json { value, fingerprint }: Json<BatchRequest>,
) -> Result<Reply, Problem> {
    let documents = value.documents.iter().enumerate().map(|(index, text)| {
        let none = "there is no such document";
        text.parse::<Id<Document>>()
            .map_err(|_| Problem::new(&problem::INVALID).at(format!("/documents/{index}"), "document", none))
    });
    let new = NewBatch {
        id: app.service().batch_id(),
        signer: value.signer.clone(),
        documents: documents.collect::<Result<_, _>>()?,
        words: Words { wishes: value.wishes.clone(), has_password: value.password.is_some() }.write(),
        idempotency_key: key.as_str().to_owned(),
    };
    let (this, caller) = (app.clone(), known.0.clone());
    idempotency::once(&app, &known.0, &key, fingerprint, async move {
        let any_usage = value.wishes.get("allowKeyUsage") == Some(&Value::Bool(true));
        let held = held_key(&this, &caller, value.signer, any_usage).await?;
        // What cannot be said, and who may not sign, is refused now, not once for each document.
        let wishes = wishes_of(&value.wishes, Pictures::Kept(&held))?;
        let cleared = this.clear(&held, wishes.any_usage).await?;
        let most = this.limits().batch_documents;
        // Kept before anybody can find the batch and miss it.
        let fresh = new.id;
        this.batches().keep_password(fresh, value.password.map(PasswordText::into_inner));
        let begun = this.service().begin_batch(&caller, (&held, &cleared), new, most).await;
        if begun.as_ref().map_or(true, |batch| batch.id != fresh) {
            this.batches().forget_password(fresh);
        }
        let batch = begun?;
        this.work_on_batch(batch.id);
        Reply::accepted(place(batch.id), &SignatureBatch::of(batch, Language::En))
    })
    .await
}

/// Read a batch
///
/// How far it is, and what became of each document.
#[utoipa::path(get, path = "/api/v1/signature-batches/{id}", tag = "Documents", operation_id = "readSignatureBatch",
    security(("api_key" = ["approve"]), ("api_key" = ["seal"])),
    params(("id" = String, Path, description = "From `Location`")),
    responses((status = 200, description = "How it stands", body = SignatureBatch),
        (status = 404, description = "None of this member", body = ProblemBody)))]
pub(in super::super) async fn read(
    State(app): State<App>,
    known: Known,
    Path(id): Path<String>,
    headers: axum::http::HeaderMap,
) -> Result<Response, Problem> {
    let id = extract::id(&id, &problem::BATCH_NOT_FOUND)?;
    let batch = app.service().batch(&known.0, id).await?;
    let runs = batch.state == BatchState::Running;
    let language = Language::accepted(&headers).unwrap_or(Language::En);
    let mut response = axum::Json(SignatureBatch::of(batch, language)).into_response();
    if runs {
        response.headers_mut().insert(header::RETRY_AFTER, RETRY.into());
    }
    Ok(response)
}

/// Stop a batch
///
/// What is under way ends; the rest waits until the batch is resumed.
#[utoipa::path(post, path = "/api/v1/signature-batches/{id}/stop", tag = "Documents",
    operation_id = "stopSignatureBatch", security(("api_key" = ["approve"]), ("api_key" = ["seal"])),
    params(("id" = String, Path, description = "From `Location`"),
        ("Idempotency-Key" = String, Header, description = "A fresh UUID; the same one when trying again")),
    responses((status = 200, description = "How it stands", body = SignatureBatch),
        (status = 404, description = "None of this member", body = ProblemBody)))]
pub(in super::super) async fn stop(
    State(app): State<App>,
    known: Known,
    key: IdempotencyKey,
    Path(id): Path<String>,
    NoBody { fingerprint }: NoBody,
) -> Result<Reply, Problem> {
    let id = extract::id(&id, &problem::BATCH_NOT_FOUND)?;
    let (this, caller) = (app.clone(), known.0.clone());
    idempotency::once(&app, &known.0, &key, fingerprint, async move {
        let batch = this.service().stop_batch(&caller, id).await?;
        this.batches().forget_password(id);
        Reply::done(&SignatureBatch::of(batch, Language::En))
    })
    .await
}

/// Resume a batch
///
/// One that was stopped goes on with what waits. One with a password needs that again.
#[utoipa::path(post, path = "/api/v1/signature-batches/{id}/resume", tag = "Documents",
    operation_id = "resumeSignatureBatch", security(("api_key" = ["approve"]), ("api_key" = ["seal"])),
    params(("id" = String, Path, description = "From `Location`"),
        ("Idempotency-Key" = String, Header, description = "A fresh UUID; the same one when trying again")),
    request_body = Option<PasswordRequest>,
    responses((status = 202, description = "It goes on", body = SignatureBatch),
        (status = 404, description = "None of this member", body = ProblemBody)))]
pub(in super::super) async fn resume(
    State(app): State<App>,
    known: Known,
    key: IdempotencyKey,
    Path(id): Path<String>,
    MaybeJson { value, fingerprint }: MaybeJson<PasswordRequest>,
) -> Result<Reply, Problem> {
    let id = extract::id(&id, &problem::BATCH_NOT_FOUND)?;
    let (this, caller) = (app.clone(), known.0.clone());
    idempotency::once(&app, &known.0, &key, fingerprint, async move {
        // Whose it is comes first: nobody else's password is taken.
        this.service().batch(&caller, id).await?;
        this.batches().keep_password(id, value.password.map(PasswordText::into_inner));
        let resumed = this.service().resume_batch(&caller, id).await;
        if resumed.as_ref().map_or(true, |batch| batch.state != BatchState::Running) {
            this.batches().forget_password(id);
        }
        let batch = resumed?;
        this.work_on_batch(id);
        Reply::accepted(place(id), &SignatureBatch::of(batch, Language::En))
    })
    .await
}

fn place(id: Id<service::SignatureBatch>) -> String {
    format!("/api/v1/signature-batches/{id}")
}

/// Documents to be signed with one key.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct BatchRequest {
    /// The key, by its name in the server's configuration.
    #[schema(example = "chu-tich")]
    signer: String,
    /// The ids of documents of the caller's agency, each once, in the order of their signing.
    documents: Vec<String>,
    /// Opens those of the documents that are encrypted. It is written nowhere.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = Password, write_only)]
    password: Option<PasswordText>,
    /// What each signature says and binds: `reason`, `field`, `appearance` and all else that a request to sign says
    /// (signDocument), but for `repair`: what needs it is signed by itself.
    #[serde(flatten)]
    #[schema(value_type = Object)]
    wishes: Map<String, Value>,
}

/// A batch as it stands.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct SignatureBatch {
    /// As in `Location`.
    id: String,
    /// The key.
    signer: String,
    /// What the signatures are for.
    role: Role,
    /// `running`, `done`, or `stopped`.
    state: BatchState,
    /// The code of what stopped it, as `/problems` explains it.
    #[serde(skip_serializing_if = "Option::is_none")]
    stopped_by: Option<String>,
    /// When it was begun.
    created_at: String,
    /// When it was done or stopped.
    #[serde(skip_serializing_if = "Option::is_none")]
    ended_at: Option<String>,
    /// Documents in it.
    total: usize,
    /// Documents that are signed.
    signed: usize,
    /// Documents that could not be signed.
    failed: usize,
    /// Documents whose turn has not come.
    waiting: usize,
    /// The documents, in order.
    items: Vec<SignatureBatchItem>,
}

/// A document of a batch.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
struct SignatureBatchItem {
    /// Its id.
    document: String,
    /// `waiting`, `signed` or `failed`.
    outcome: BatchOutcome,
    /// The code of why it failed, as `/problems` explains it.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    /// The same in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<&'static str>,
}

impl SignatureBatch {
    fn of(batch: service::SignatureBatch, language: Language) -> Self {
        let count = |outcome| batch.items.iter().filter(|item| item.outcome == outcome).count();
        let (signed, failed, waiting) =
            (count(BatchOutcome::Signed), count(BatchOutcome::Failed), count(BatchOutcome::Waiting));
        let items = batch.items.into_iter().map(|item| {
            let entry = item.code.as_deref().and_then(problem::entry);
            SignatureBatchItem {
                document: item.document.to_string(),
                outcome: item.outcome,
                title: entry.map(|entry| language.pick(entry.title.0, entry.title.1)),
                code: item.code,
            }
        });
        let items: Vec<_> = items.collect();
        Self {
            id: batch.id.to_string(),
            signer: batch.signer,
            role: batch.role,
            state: batch.state,
            stopped_by: batch.stopped_by,
            created_at: batch.created_at.to_string(),
            ended_at: batch.ended_at.map(|at| at.to_string()),
            total: items.len(),
            signed,
            failed,
            waiting,
            items,
        }
    }
}
