//! API keys of the caller's agency.

use axum::extract::State;
use serde::{Deserialize, Serialize};

use super::super::{
    App, Problem,
    auth::Known,
    extract::Json,
    idempotency::{self, IdempotencyKey, Reply},
    problem::ProblemBody,
};
use crate::{
    base::{Id, UtcTime},
    people::{ApiKey, Member, Scope, Scopes},
    service::NewApiKey,
};

/// Make an API key
///
/// For a member of the caller's agency. The whole key is in the answer and nowhere else: kyso keeps its hash.
#[utoipa::path(post, path = "/api/v1/api-keys", tag = "Keys", operation_id = "createApiKey",
    security(("api_key" = ["admin"])),
    params(("Idempotency-Key" = String, Header, description = "A fresh UUID; the same one when trying again")),
    request_body = KeyRequest,
    responses((status = 201, description = "Made", body = MadeKey),
        (status = 403, description = "The key lacks the scope", body = ProblemBody),
        (status = 404, description = "No such member in the agency", body = ProblemBody),
        (status = 422, description = "A scope that the member's roles do not allow", body = ProblemBody)))]
pub(in super::super) async fn create(
    State(app): State<App>,
    known: Known,
    key: IdempotencyKey,
    Json { value, fingerprint }: Json<KeyRequest>,
) -> Result<Reply, Problem> {
    let (service, caller) = (app.service().clone(), known.0.clone());
    idempotency::once(&app, &known.0, &key, fingerprint, async move {
        let KeyRequest { member, scopes, expires_at, test } = value;
        let made = service.grant_api_key(&caller, NewApiKey { member, scopes, expires_at, test }).await?;
        Reply::created(None, &MadeKey { key: made.key, text: made.text })
    })
    .await
}

/// An API key that is wanted.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in super::super) struct KeyRequest {
    /// In whose name it acts.
    #[schema(value_type = String)]
    member: Id<Member>,
    /// What it may be used for; each has to be allowed by a role of the member.
    #[schema(value_type = Vec<Scope>)]
    scopes: Scopes,
    /// From when on it is refused; never, when absent.
    #[schema(value_type = Option<String>, example = "2027-01-01T00:00:00Z")]
    #[serde(default)]
    expires_at: Option<UtcTime>,
    /// `kyso_test_…` rather than `kyso_live_…`.
    #[serde(default)]
    test: bool,
}

/// A key that was made.
#[derive(Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct MadeKey {
    /// What is kept of it.
    key: ApiKey,
    /// The whole key, shown this once.
    #[schema(example = "kyso_live_0a0a0a0a0a0a0a0a_…")]
    text: String,
}
