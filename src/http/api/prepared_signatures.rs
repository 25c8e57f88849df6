//! Signing with a key that the server does not hold, in two steps.

use std::{sync::Arc, time::Duration, time::Instant};

use axum::{
    extract::{Path, State},
    http::StatusCode,
    response::Response,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{
    super::{
        App, Problem,
        auth::Known,
        extract::{self, Json},
        idempotency::{self, IdempotencyKey, Reply},
        problem::{self, ProblemBody},
    },
    documents::file_response,
    signatures::{Signed, wishes_of},
};
use crate::{
    base::DigestAlgorithm,
    dispatch::Role,
    service::{PreparedLimits, PreparedSignature, SignatureWish, SignedDocument, sign::SchemeWish},
    telemetry,
    x509::Certificate,
};

/// Prepare a signature
///
/// For a key that the server does not hold: on the signer's own token, behind an agent, at a remote service. The answer
/// says what is to be signed, and with which handle the value comes back. Nothing is recorded until then. The prepared
/// file can be downloaded first, so that whoever holds the key can check that it is the document and nothing else.
///
/// Scope `approve` for a person's signature, `seal` for the agency's.
#[utoipa::path(post, path = "/api/v1/documents/{id}/prepared-signatures", tag = "Documents",
    operation_id = "prepareSignature", security(("api_key" = ["approve"]), ("api_key" = ["seal"])),
    params(("id" = String, Path, description = "The document's id"),
        ("Idempotency-Key" = String, Header, description = "A fresh UUID; the same one when trying again")),
    request_body = PrepareRequest,
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
    Json { value, fingerprint }: Json<PrepareRequest>,
) -> Result<Reply, Problem> {
    let id = extract::id(&id, &problem::DOCUMENT_NOT_FOUND)?;
    let wish = value.wish()?;
    let (this, caller) = (app.clone(), known.0.clone());
    idempotency::once(&app, &known.0, &key, fingerprint, async move {
        let limits = PreparedLimits {
            life: Duration::from_secs(this.limits().prepared_seconds),
            waiting: this.limits().prepared_signatures,
        };
        let _turn = this.turn().await?;
        let desk = Arc::clone(this.desk());
        let prepared = this.service().prepare_signature(&caller, id, desk, wish, limits).await?;
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
    let value = decoded(&value.signature, "/signature")?;
    let (this, caller) = (app.clone(), known.0.clone());
    idempotency::once(&app, &known.0, &key, fingerprint, async move {
        let started = Instant::now();
        let _turn = this.turn().await?;
        let desk = Arc::clone(this.desk());
        let signed = this.service().complete_signature(&caller, id, &handle, desk, value).await;
        let signed = signed.map_err(Problem::from);
        let outcome = signed.as_ref().map_or_else(|problem| problem.entry().code, |_| "made");
        telemetry::signature_made(outcome, started.elapsed());
        let SignedDocument { document, signature, placement } = signed?;
        Reply::created(format!("/api/v1/documents/{id}"), &Signed { document, signature, placement })
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

/// A signature that somebody wants to make with a key of their own.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct PrepareRequest {
    /// What the signature is for.
    role: Role,
    /// The certificate of the key: Base64 of DER.
    certificate: String,
    /// Its issuers, which travel with the signature: Base64 of DER, at most 8.
    #[serde(default)]
    chain: Vec<String>,
    /// `SHA-256`, `SHA-384` or `SHA-512`; SHA-256 when absent.
    #[serde(default)]
    digest: Option<String>,
    /// RSASSA-PSS rather than PKCS#1 v1.5, for RSA keys.
    #[serde(default)]
    pss: bool,
    /// What the signature says and binds: `reason`, `field` and all else that a request to sign says (signDocument),
    /// but for `appearance`.
    #[serde(flatten)]
    #[schema(value_type = Object)]
    wishes: Map<String, Value>,
}

impl PrepareRequest {
    fn wish(self) -> Result<SignatureWish, Problem> {
        if self.chain.len() > MOST_ISSUERS {
            return Err(Problem::new(&problem::INVALID).at("/chain", "chain.count", "at most 8 issuers"));
        }
        let digest = match self.digest.as_deref() {
            None => DigestAlgorithm::Sha256,
            Some(name) => {
                let known = [DigestAlgorithm::Sha256, DigestAlgorithm::Sha384, DigestAlgorithm::Sha512];
                known.into_iter().find(|one| one.name() == name).ok_or_else(|| {
                    Problem::new(&problem::INVALID).at("/digest", "digest", "SHA-256, SHA-384 or SHA-512")
                })?
            }
        };
        let issuers = self.chain.iter().enumerate();
        let chain = issuers.map(|(index, text)| certificate(text, &format!("/chain/{index}")));
        Ok(SignatureWish {
            role: self.role,
            certificate: certificate(&self.certificate, "/certificate")?,
            chain: chain.collect::<Result<_, _>>()?,
            scheme: SchemeWish { digest, pss: self.pss },
            wishes: wishes_of(&self.wishes, None)?,
        })
    }
}

/// The value that the key made.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in super::super) struct CompleteRequest {
    /// The signature value in Base64; of ECDSA, `Ecdsa-Sig-Value` in DER.
    signature: String,
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
    /// SHA-256 of the document that was reviewed, 64 hexadecimal characters.
    document_sha256: String,
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

/// The national hierarchy is three deep.
const MOST_ISSUERS: usize = 8;

fn decoded(text: &str, pointer: &str) -> Result<Vec<u8>, Problem> {
    STANDARD.decode(text).map_err(|_| Problem::new(&problem::INVALID).at(pointer, "base64", "Base64"))
}

fn certificate(text: &str, pointer: &str) -> Result<Certificate, Problem> {
    Certificate::from_der(&decoded(text, pointer)?).map_err(|error| {
        let detail = "Base64 of a certificate in DER";
        Problem::new(&problem::INVALID).at(pointer, "certificate", detail).caused_by(&error)
    })
}
