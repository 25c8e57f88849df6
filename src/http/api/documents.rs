//! Documents of the caller's agency: upload, number, sign, read.

use axum::{
    body::{Body, Bytes},
    extract::{Path, Request, State},
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use futures_util::stream;
use serde::Serialize;

use super::super::{
    App, Problem,
    auth::Known,
    extract::{self, Json, List, WantedPage, percent},
    idempotency::{self, IdempotencyKey, Reply},
    problem::{self, ProblemBody},
    upload::{self, content_digest},
};
use crate::{
    base::{Sha256, Source},
    dispatch::{Document, Number, NumberRequest, Secrecy},
    service::NewDocument,
};

/// Upload a document
///
/// A PDF as the raw body, or as the file of a multipart form; the form may also say `secrecy` (`open` or `secret`).
/// Its bytes are safe on disk before the answer. With `Content-Digest` (RFC 9530) they are compared on arrival.
#[utoipa::path(post, path = "/api/v1/documents", tag = "Documents", operation_id = "uploadDocument",
    security(("api_key" = ["upload"])),
    params(("Idempotency-Key" = String, Header, description = "A fresh UUID; the same one when trying again"),
        ("Content-Digest" = Option<String>, Header, description = "`sha-256=:…:` of the raw body")),
    request_body(content((Vec<u8> = "application/pdf"), (UploadForm = "multipart/form-data"))),
    responses((status = 201, description = "Stored", body = Uploaded),
        (status = 400, description = "No Idempotency-Key, or another digest", body = ProblemBody),
        (status = 403, description = "The key lacks the scope", body = ProblemBody),
        (status = 409, description = "The same request is still running", body = ProblemBody),
        (status = 413, description = "Larger than the limit", body = ProblemBody),
        (status = 415, description = "Neither a PDF nor a form", body = ProblemBody),
        (status = 422, description = "The Idempotency-Key was used for another request", body = ProblemBody)))]
pub(in super::super) async fn upload(
    State(app): State<App>,
    known: Known,
    key: IdempotencyKey,
    request: Request,
) -> Result<Reply, Problem> {
    known.need(crate::people::Scope::Upload)?;
    let form = upload::receive(request, app.limits(), 1).await?;
    let secrecy = match form.field("secrecy") {
        None | Some("open") => Secrecy::Open,
        Some("secret") => Secrecy::Secret,
        Some(_) => return Err(Problem::new(&problem::INVALID).at("/secrecy", "secrecy", "open or secret")),
    };
    let file = form.only_file()?;
    let asked = format!("{}\n{}\n{secrecy:?}", file.sha256, file.name);
    let fingerprint = extract::fingerprint("POST", "/api/v1/documents", asked.as_bytes());
    let (service, caller) = (app.service().clone(), known.0.clone());
    let new = NewDocument { file_name: file.name, secrecy, idempotency_key: Some(key.as_str().to_owned()) };
    let staged = file.file;
    idempotency::once(&app, &known.0, &key, fingerprint, async move {
        let document = service.upload(&caller, new, staged.path()).await?;
        let location = format!("/api/v1/documents/{}", document.id);
        let content_digest = content_digest(document.sha256);
        Reply::created(location, &Uploaded { document, content_digest })
    })
    .await
}

/// The parts of an upload form.
#[derive(utoipa::ToSchema)]
#[expect(dead_code, reason = "describes the form; the parts are streamed, not read into this")]
pub(in super::super) struct UploadForm {
    /// The PDF.
    #[schema(value_type = String, format = Binary)]
    file: Vec<u8>,
    /// `open` or `secret`; open when absent.
    secrecy: Option<String>,
}

/// A document that was brought in.
#[derive(Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct Uploaded {
    /// The document.
    #[serde(flatten)]
    document: Document,
    /// The digest of its bytes as Content-Digest writes it: `sha-256=:…:`.
    content_digest: String,
}

/// List documents
///
/// The documents of the caller's agency, newest first.
#[utoipa::path(get, path = "/api/v1/documents", tag = "Documents", operation_id = "listDocuments",
    security(("api_key" = ["read"])),
    params(("cursor" = Option<String>, Query, description = "`next` of the page before"),
        ("limit" = Option<u32>, Query, description = "1 to 200, 50 when absent")),
    responses((status = 200, description = "A page; `Link: …; rel=\"next\"` when there are more", body = List<Document>),
        (status = 401, description = "No key, or not a good one", body = ProblemBody),
        (status = 422, description = "A cursor or limit that cannot be used", body = ProblemBody)))]
pub(in super::super) async fn list(
    State(app): State<App>,
    known: Known,
    wanted: WantedPage,
) -> Result<Response, Problem> {
    Ok(wanted.answer(app.service().documents(&known.0, &wanted.page).await?))
}

/// Read a document
///
/// Its state, number and signatures; not its bytes.
#[utoipa::path(get, path = "/api/v1/documents/{id}", tag = "Documents", operation_id = "readDocument",
    security(("api_key" = ["read"])), params(("id" = String, Path, description = "The document's id")),
    responses((status = 200, description = "The document", body = Document),
        (status = 404, description = "None that the caller can see", body = ProblemBody)))]
pub(in super::super) async fn read(
    State(app): State<App>,
    known: Known,
    Path(id): Path<String>,
) -> Result<axum::Json<Document>, Problem> {
    let id = extract::id(&id, &problem::DOCUMENT_NOT_FOUND)?;
    Ok(axum::Json(app.service().document(&known.0, id).await?))
}

/// Download a document
///
/// The present bytes, with `Content-Digest` (RFC 9530).
#[utoipa::path(get, path = "/api/v1/documents/{id}/content", tag = "Documents", operation_id = "downloadDocument",
    security(("api_key" = ["read"])), params(("id" = String, Path, description = "The document's id")),
    responses((status = 200, description = "The PDF", body = Vec<u8>, content_type = "application/pdf"),
        (status = 404, description = "None that the caller can see", body = ProblemBody)))]
pub(in super::super) async fn content(
    State(app): State<App>,
    known: Known,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let id = extract::id(&id, &problem::DOCUMENT_NOT_FOUND)?;
    let (document, source) = app.service().open_document(&known.0, id).await?;
    Ok(file_response(source, document.sha256, &document.file_name))
}

/// Number a document
///
/// Allots the next number of the series, without gaps. Asking again for the same gives the same number.
#[utoipa::path(post, path = "/api/v1/documents/{id}/number", tag = "Documents", operation_id = "numberDocument",
    security(("api_key" = ["number"])),
    params(("id" = String, Path, description = "The document's id"),
        ("Idempotency-Key" = String, Header, description = "A fresh UUID; the same one when trying again")),
    request_body = NumberRequest,
    responses((status = 200, description = "The number", body = Number),
        (status = 404, description = "None that the caller can see", body = ProblemBody),
        (status = 409, description = "Numbered otherwise, or past numbering", body = ProblemBody),
        (status = 422, description = "A part that is not acceptable", body = ProblemBody)))]
pub(in super::super) async fn number(
    State(app): State<App>,
    known: Known,
    key: IdempotencyKey,
    Path(id): Path<String>,
    Json { value, fingerprint }: Json<NumberRequest>,
) -> Result<Reply, Problem> {
    let id = extract::id(&id, &problem::DOCUMENT_NOT_FOUND)?;
    let (service, caller) = (app.service().clone(), known.0.clone());
    idempotency::once(&app, &known.0, &key, fingerprint, async move {
        Reply::done(&service.number(&caller, id, &value).await?)
    })
    .await
}

/// A stored file as a body, read a piece at a time.
pub(super) fn file_response(source: impl Source + 'static, sha256: Sha256, name: &str) -> Response {
    let len = source.len();
    let source = std::sync::Arc::new(source);
    let pieces = stream::try_unfold(0_u64, move |at| {
        let source = std::sync::Arc::clone(&source);
        async move {
            let end = len.min(at + PIECE);
            if at == end {
                return Ok(None);
            }
            let piece = tokio::task::spawn_blocking(move || source.read(at..end));
            let piece = piece.await.map_err(std::io::Error::other)??;
            Ok::<_, std::io::Error>(Some((Bytes::from(piece), end)))
        }
    });
    let mut response = Body::from_stream(pieces).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/pdf"));
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(len));
    let texts = [
        ("content-digest", content_digest(sha256)),
        ("etag", format!("\"{sha256}\"")),
        // RFC 6266: an ASCII name for old clients, the true one in UTF-8.
        (
            "content-disposition",
            format!("attachment; filename=\"document.pdf\"; filename*=UTF-8''{}", percent(name)),
        ),
    ];
    for (name, text) in texts {
        if let Ok(value) = text.parse() {
            headers.insert(name, value);
        }
    }
    response
}

/// Bytes read from disk at a time.
const PIECE: u64 = 256 * 1024;
