//! Verifying files.

use axum::{
    Json,
    extract::{Request, State},
    http::HeaderMap,
};

use super::super::{App, Problem, auth::MaybeKnown, judge, problem::ProblemBody, upload};
use crate::validation::Report;

/// Verify files
///
/// One PDF as the raw body, or several in a multipart form. The files are not kept. Open to everyone; without a key
/// the number of requests a minute is limited by address. A file that is not valid is an answer, not a problem.
#[utoipa::path(post, path = "/api/v1/verifications", tag = "Verification", operation_id = "verifyFiles",
    security((), ("api_key" = [])),
    request_body(content((Vec<u8> = "application/pdf"), (VerifyForm = "multipart/form-data"))),
    responses((status = 200, description = "The verdict on each file", body = Report),
        (status = 413, description = "Larger or more than the limits", body = ProblemBody),
        (status = 415, description = "Neither a PDF nor a form", body = ProblemBody),
        (status = 429, description = "Too many requests of this address", body = ProblemBody)))]
pub(in super::super) async fn verify(
    State(app): State<App>,
    MaybeKnown(known): MaybeKnown,
    request: Request,
) -> Result<(HeaderMap, Json<Report>), Problem> {
    let mut headers = HeaderMap::new();
    if known.is_none() {
        app.allow_public(&request)?.write(&mut headers);
    }
    let form = upload::receive(request, app.limits(), app.limits().upload_files).await?;
    Ok((headers, Json(judge::judge(&app, form.files).await?)))
}

/// The parts of a verification form.
#[derive(utoipa::ToSchema)]
#[expect(dead_code, reason = "describes the form; the parts are streamed, not read into this")]
pub(in super::super) struct VerifyForm {
    /// One or more PDFs.
    #[schema(value_type = Vec<String>, format = Binary)]
    file: Vec<Vec<u8>>,
}
