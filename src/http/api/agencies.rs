//! Agencies.

use axum::{Json, extract::State};

use super::super::{App, Problem, auth::Known, problem::ProblemBody};
use crate::people::Agency;

/// List the agencies
///
/// Every agency known here, by code: who can be sent to.
#[utoipa::path(get, path = "/api/v1/agencies", tag = "Agencies", operation_id = "listAgencies", security(("api_key" = [])),
    responses((status = 200, description = "All agencies", body = [Agency]),
        (status = 401, description = "No key, or not a good one", body = ProblemBody)))]
pub(in super::super) async fn list(
    State(app): State<App>,
    _known: Known,
) -> Result<Json<Vec<Agency>>, Problem> {
    Ok(Json(app.service().agencies().await?))
}
