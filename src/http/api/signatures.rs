//! Signing with a key that the server holds.

use std::{fmt::Display, str::FromStr, sync::Arc, time::Instant};

use axum::{
    extract::{Path, State},
    http::header,
    response::{IntoResponse as _, Response},
};
use der::oid::ObjectIdentifier;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::super::{
    App, Problem,
    auth::Known,
    extract::{self, Json, PasswordText},
    idempotency::{self, IdempotencyKey, Reply},
    problem::{self, ProblemBody},
};
use super::looks::LooksRequest;
pub(in super::super) use super::looks::Pictures;
use crate::{
    appearance::Placement,
    base::Id,
    cms::{Commitment, SignedPolicy, Statements},
    dispatch::{Document, Role},
    pdf::{DocMdp, FieldLock, Finding, LockedFields},
    people::Caller,
    service::{HeldKey, SignedDocument, SigningOrder},
    signing::Wishes,
    telemetry,
    validation::{Level, SignatureReport},
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
        Reply::created(format!("/api/v1/documents/{id}"), &Signed::of(signed?))
    })
    .await
}

/// Preview a signature
///
/// The page as it would look, with a box around what the signature would add. Nothing is signed or recorded. Takes what
/// signing takes, with an `appearance`.
#[utoipa::path(post, path = "/api/v1/documents/{id}/signature-previews", tag = "Documents", operation_id = "previewSignature",
    security(("api_key" = ["approve"]), ("api_key" = ["seal"])),
    params(("id" = String, Path, description = "The document's id")),
    request_body = SignRequest,
    responses((status = 200, description = "The page", content_type = "image/png", body = [u8]),
        (status = 403, description = "The key lacks the scope", body = ProblemBody),
        (status = 404, description = "None that the caller can see", body = ProblemBody),
        (status = 409, description = "Not this signature's turn, or no number yet", body = ProblemBody),
        (status = 422, description = "No such key, or an appearance that finds no place", body = ProblemBody)))]
pub(in super::super) async fn preview(
    State(app): State<App>,
    known: Known,
    Path(id): Path<String>,
    Json { value, .. }: Json<SignRequest>,
) -> Result<Response, Problem> {
    let id = extract::id(&id, &problem::DOCUMENT_NOT_FOUND)?;
    let (key, order) = wanted(&app, &known.0, value).await?;
    let _turn = app.turn().await?;
    let (desk, helper) = (Arc::clone(app.desk()), app.helper()?);
    let preview = app.service().preview_signature(&known.0, id, desk, &key, order, helper).await?;
    Ok(([(header::CONTENT_TYPE, "image/png")], preview.png).into_response())
}

async fn sign_document(
    app: &App,
    caller: &Caller,
    id: Id<Document>,
    request: SignRequest,
) -> Result<SignedDocument, Problem> {
    let (key, order) = wanted(app, caller, request).await?;
    let _turn = app.turn().await?;
    Ok(app.service().sign_document(caller, id, Arc::clone(app.desk()), &key, order).await?)
}

/// The key that is asked for, and what is to be said with it.
async fn wanted(
    app: &App,
    caller: &Caller,
    mut request: SignRequest,
) -> Result<(HeldKey, SigningOrder), Problem> {
    let key = held_key(app, caller, request.signer.clone(), request.allow_key_usage).await?;
    if request.role.is_some_and(|role| role != key.role) {
        let detail = format!("this key is for the role {}", key.role.as_str());
        return Err(Problem::new(&problem::INVALID).at("/role", "signer.role", detail));
    }
    let looks = request.appearance.take();
    let appearance = looks.map(|looks| looks.appearance(Pictures::Kept(&key))).transpose()?;
    let (password, repair) = (request.password.take().map(PasswordText::into_inner), request.repair);
    let wishes = Wishes { appearance, ..request.wishes()? };
    Ok((key, SigningOrder { wishes, password, repair, cleared: None }))
}

/// The key of this name, when it is one of the caller's agency. As [`crate::http::Signers::open`] has it, `any_usage`
/// lets a certificate pass that names no usage which fits.
pub(in super::super) async fn held_key(
    app: &App,
    caller: &Caller,
    name: String,
    any_usage: bool,
) -> Result<HeldKey, Problem> {
    let unknown = || Problem::new(&problem::SIGNER_UNKNOWN).at("/signer", "signer.unknown", "no such key");
    if !app.signers().has(&name, caller.agency()) {
        return Err(unknown());
    }
    let (signers, desk) = (Arc::clone(app.signers()), Arc::clone(app.desk()));
    let opened = app.blocking(move || signers.open(&name, &desk, any_usage)).await?;
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
    /// The level to reach: `B`, `T`, `LT` or `LTA`; what the server is set to when absent. Where it cannot be reached now
    /// and the server is set to defer, `upkeep` of the document says so.
    #[serde(default)]
    level: Option<Level>,
    /// What it looks like; invisible when absent.
    #[serde(default)]
    appearance: Option<LooksRequest>,
    /// How to reach the signer, as the signature says it.
    #[serde(default)]
    contact: Option<String>,
    /// The signature field to create or, where it exists and is empty, to fill. Named by kyso when absent.
    #[serde(default)]
    field: Option<String>,
    /// Certify the document, as its first signature, and permit so much afterwards: `no-changes`, `fill-and-sign` or
    /// `annotate`.
    #[serde(default)]
    #[schema(example = "fill-and-sign")]
    certify: Option<String>,
    /// Fields that may not change afterwards: `all`, `include:A,B` or `exclude:A,B`.
    #[serde(default)]
    lock: Option<String>,
    /// What the lock leaves to the whole document, in the words of `certify`.
    #[serde(default)]
    lock_level: Option<String>,
    /// The signature policy that it is made under; not together with `reason`.
    #[serde(default)]
    policy: Option<PolicyRequest>,
    /// What is meant by signing: `proof-of-approval` and the like, or an object identifier; not together with
    /// `reason`.
    #[serde(default)]
    #[schema(example = "proof-of-approval")]
    commitment: Option<String>,
    /// Roles that the signer claims.
    #[serde(default)]
    roles: Vec<String>,
    /// Sign although the certificate's key usage or extended key usage is for something else (TT 15/2025 annex II).
    /// Nothing sets aside that it is expired, not yet valid, or revoked.
    #[serde(default)]
    allow_key_usage: bool,
    /// Opens an encrypted document. It is used for this request and written nowhere.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = Password, write_only)]
    password: Option<PasswordText>,
    /// Rebuild a draft whose cross-reference is broken, and sign the rebuilt one; `repair` of the answer says what was
    /// done. A file that holds a signature is never rebuilt.
    #[serde(default)]
    repair: bool,
}

/// A signature policy.
#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in super::super) struct PolicyRequest {
    /// Its object identifier.
    #[schema(example = "2.16.704.1.1")]
    identifier: String,
    /// The digest of its text, as `SHA-256:` and hexadecimal digits.
    digest: String,
    /// Where its text is.
    #[serde(default)]
    uri: Option<String>,
}

impl SignRequest {
    /// What the signature says and binds.
    fn wishes(self) -> Result<Wishes, Problem> {
        let level = |text: &Option<String>, at: &'static str| read::<DocMdp>(text.as_deref(), at);
        let lock = read::<LockedFields>(self.lock.as_deref(), "/lock")?;
        let lock_level = level(&self.lock_level, "/lockLevel")?;
        if lock.is_none() && lock_level.is_some() {
            return Err(invalid("/lockLevel", "it goes with a lock"));
        }
        Ok(Wishes {
            field: self.field,
            reason: self.reason,
            location: self.location,
            contact: self.contact,
            level: self.level,
            any_usage: self.allow_key_usage,
            certify: level(&self.certify, "/certify")?,
            lock: lock.map(|fields| FieldLock { fields, level: lock_level.map(DocMdp::level) }),
            statements: Statements {
                policy: self.policy.map(PolicyRequest::policy).transpose()?,
                commitment: read::<Commitment>(self.commitment.as_deref(), "/commitment")?,
                roles: self.roles,
            },
            ..Wishes::default()
        })
    }
}

impl PolicyRequest {
    fn policy(self) -> Result<SignedPolicy, Problem> {
        let id = ObjectIdentifier::new(&self.identifier)
            .map_err(|_| invalid("/policy/identifier", "an object identifier is expected"))?;
        let digest =
            SignedPolicy::parse_digest(&self.digest).map_err(|reason| invalid("/policy/digest", &reason))?;
        Ok(SignedPolicy { id, digest, uri: self.uri })
    }
}

fn read<T: FromStr<Err: Display>>(text: Option<&str>, at: &'static str) -> Result<Option<T>, Problem> {
    text.map(|text| text.parse().map_err(|error: T::Err| invalid(at, &error.to_string()))).transpose()
}

fn invalid(at: &'static str, detail: &str) -> Problem {
    Problem::new(&problem::INVALID).at(at, "signature.wish", detail.to_owned())
}

/// What a signature says, binds and looks like, by a request that says other things beside: `rest` is what was left of
/// it.
pub(in super::super) fn wishes_of(
    rest: &Map<String, Value>,
    pictures: Pictures<'_>,
) -> Result<Wishes, Problem> {
    let mut rest = rest.clone();
    // A password among them would have been written down by now.
    for other in ["role", "signer", "password", "repair"] {
        if rest.contains_key(other) {
            return Err(invalid("", &format!("unknown field `{other}`")));
        }
    }
    // The key is named elsewhere, or is not the server's.
    rest.insert("signer".to_owned(), Value::String(String::new()));
    let mut request: SignRequest = serde_json::from_value(Value::Object(rest))
        .map_err(|error| Problem::new(&problem::INVALID).at("", "json.shape", error.to_string()))?;
    let appearance = match (request.appearance.take(), pictures) {
        (None, Pictures::Sent(Some(_))) => return Err(invalid("/appearance", "a picture goes with it")),
        (None, _) => None,
        (Some(looks), pictures) => Some(looks.appearance(pictures)?),
    };
    Ok(Wishes { appearance, ..request.wishes()? })
}

/// A document and the signature just put on it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(in super::super) struct Signed {
    /// The document as it stands now.
    document: Document,
    /// The verdict on the new signature.
    signature: SignatureReport,
    /// Where it can be seen, for one that is not invisible.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    placement: Option<Placement>,
    /// What was found and done when the document was rebuilt before; absent when it was not.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    repair: Vec<Rebuilt>,
}

impl Signed {
    pub(super) fn of(signed: SignedDocument) -> Self {
        let SignedDocument { document, signature, placement, repair } = signed;
        Self { document, signature, placement, repair: repair.into_iter().map(Rebuilt::of).collect() }
    }
}

/// One thing that was found or done when a document was rebuilt.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(in super::super) struct Rebuilt {
    /// A stable name: `cross-reference`, `header`, `trailer`, `objects`, `twice`, `length`, `unreadable`, `missing`,
    /// `left-out`.
    #[schema(example = "cross-reference")]
    key: &'static str,
    /// Where in the file as it was, in bytes, if at one place.
    #[serde(skip_serializing_if = "Option::is_none")]
    offset: Option<u64>,
    /// In words.
    what: String,
}

impl Rebuilt {
    pub(super) fn of(Finding { key, offset, what }: Finding) -> Self {
        Self { key, offset, what }
    }
}
