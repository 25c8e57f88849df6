//! Verifying files.

use std::{sync::atomic::Ordering, time::Duration};

use axum::{
    Json,
    extract::{FromRequest as _, Path, Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::Serialize;

use super::super::{
    App, Language, Problem,
    auth::{Known, MaybeKnown},
    extract,
    jobs::{End, Job, RETRY},
    judge,
    problem::{self, ProblemBody},
    upload,
};
use crate::{
    base::{Digest, DigestAlgorithm},
    rendering::{etsi, paper, people},
    service::verify::{Options, verify_digests},
    validation::Report,
};

/// Verify files
///
/// One PDF, XML document, CMS or ASiC container as the raw body, or several signed files in a multipart form: PDF, XML, CMS with its content
/// inside, ASiC containers. A detached signature comes alone in a part, and what it signs in another one named `detached`; a field `password`
/// opens encrypted files. The files are not kept. Open to everyone; without a key
/// the number of requests a minute is limited by address. A file that is not valid is an answer, not a problem.
///
/// The answer is JSON; with `Accept: application/xml` it is the validation report of ETSI TS 119 102-2, and with
/// `Accept: application/pdf` a report for people in the language of `Accept-Language`.
///
/// With `Prefer: respond-async` the answer may be 202 and a `Location` to ask at; `wait=N` beside it waits for up to N
/// seconds first. Ten times as many files may then come in one request.
#[utoipa::path(post, path = "/api/v1/verifications", tag = "Verification", operation_id = "verifyFiles",
    security((), ("api_key" = [])),
    params(("Prefer" = Option<String>, Header, description = "`respond-async` and `wait=N` (RFC 7240)")),
    request_body(content((Vec<u8> = "application/pdf"), (VerifyForm = "multipart/form-data"))),
    responses((status = 200, description = "The verdict on each file",
            content((Report = "application/json"), (String = "application/xml"), (Vec<u8> = "application/pdf"))),
        (status = 202, description = "Work goes on; ask at `Location`", body = Verification),
        (status = 413, description = "Larger or more than the limits", body = ProblemBody),
        (status = 415, description = "Neither a PDF nor a form", body = ProblemBody),
        (status = 429, description = "Too many requests of this address, or too much under way", body = ProblemBody)))]
pub(in super::super) async fn verify(
    State(app): State<App>,
    MaybeKnown(known): MaybeKnown,
    request: Request,
) -> Result<Response, Problem> {
    let mut headers = HeaderMap::new();
    if known.is_none() {
        app.allow_public(&request)?.write(&mut headers);
    }
    let (wish, shape) = (Wish::of(request.headers()), Shape::of(request.headers()));
    let files = app.limits().upload_files;
    let most = if wish.later { files.saturating_mul(MORE_LATER) } else { files };
    let form = upload::receive(request, app.limits(), most).await?;
    if !wish.later {
        let report = judge::judge_form(&app, form, || {}).await?;
        return Ok((headers, shape.answer(&report)?).into_response());
    }
    let bytes = form.files.iter().chain(&form.detached).map(|file| file.len).sum();
    let size = (form.files.len(), bytes);
    let id = hex::encode(app.chance().bytes::<16>());
    let this = app.clone();
    let mut job = app.jobs().begin(id, owner(known.as_ref()), size, move |done| async move {
        let judged = || {
            done.fetch_add(1, Ordering::Relaxed);
        };
        judge::judge_form(&this, form, judged).await
    })?;
    // Without `wait` the answer is 202 even when the work is done by now: a client need not handle both.
    let end = if wish.patience.is_zero() { End::Running } else { job.wait(wish.patience).await };
    match end {
        End::Done(report) => Ok((headers, shape.answer(&report)?).into_response()),
        End::Failed(problem) => Err(problem),
        End::Running => {
            let mut response = (StatusCode::ACCEPTED, headers, running(&job)).into_response();
            let place = HeaderValue::from_str(&format!("/api/v1/verifications/{}", job.id));
            let place = place.map_err(|error| Problem::new(&problem::INTERNAL).caused_by(&error))?;
            response.headers_mut().insert(header::LOCATION, place);
            response.headers_mut().insert("preference-applied", HeaderValue::from_static("respond-async"));
            Ok(response)
        }
    }
}

/// Verify a signature by the digest of what it signs
///
/// The document stays with the client, who sends the detached signature (CMS, RFC 5652) and the digest of the signed
/// bytes: of a PDF, those of the two ranges of `/ByteRange`, one after the other. Nothing can be said about what else is
/// in the document: `coverage` is `digest`.
#[utoipa::path(post, path = "/api/v1/verifications/hash", tag = "Verification", operation_id = "verifyHash",
    security((), ("api_key" = [])),
    request_body(content = HashRequest),
    responses((status = 200, description = "The verdict on the signature", body = Report),
        (status = 413, description = "More than 2 MB", body = ProblemBody),
        (status = 422, description = "A digest or the signature is not what it should be", body = ProblemBody),
        (status = 429, description = "Too many requests of this address", body = ProblemBody)))]
pub(in super::super) async fn verify_hash(
    State(app): State<App>,
    MaybeKnown(known): MaybeKnown,
    request: Request,
) -> Result<(HeaderMap, Json<Report>), Problem> {
    let mut headers = HeaderMap::new();
    if known.is_none() {
        app.allow_public(&request)?.write(&mut headers);
    }
    let HashRequest { cms, digests, name } = extract::Json::from_request(request, &app).await?.value;
    let cms = STANDARD.decode(cms).map_err(|_| {
        Problem::new(&problem::INVALID).at("/cms", "base64", "Base64 of a CMS SignedData in DER or BER")
    })?;
    if !(1..=MAX_DIGESTS).contains(&digests.len()) {
        return Err(Problem::new(&problem::INVALID).at("/digests", "digests.count", "one to eight digests"));
    }
    let read = |(index, digest): (usize, &HashDigest)| {
        read_digest(&digest.algorithm, &digest.value).ok_or_else(|| {
            let detail = "SHA-256, SHA-384 or SHA-512, and as many bytes in Base64 or hexadecimal";
            Problem::new(&problem::INVALID).at(format!("/digests/{index}"), "digest", detail)
        })
    };
    let digests = digests.iter().enumerate().map(read).collect::<Result<Vec<_>, _>>()?;
    let name = upload::clean_name(&name.unwrap_or_default());
    let mut report = Report::default();
    let verdict = move |name: &str, options: &Options<'_>| Ok(verify_digests(name, &cms, &digests, options));
    match judge::judge_apart(&app, name, verdict).await? {
        Ok(document) => report.documents.push(document),
        Err(unreadable) => report.unreadable.push(unreadable),
    }
    Ok((headers, Json(report)))
}

/// A signature apart from what it signs.
#[derive(serde::Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct HashRequest {
    /// Base64 of the detached SignedData.
    cms: String,
    /// Of the signed bytes, in the algorithm of the signature; of several the one that fits is taken.
    digests: Vec<HashDigest>,
    /// How the report calls it.
    name: Option<String>,
}

/// A digest.
#[derive(serde::Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct HashDigest {
    /// Such as `SHA-256` or `SHA256`.
    #[schema(example = "SHA-256")]
    algorithm: String,
    /// Base64 or hexadecimal.
    value: String,
}

/// The digest that these words mean; its length has to be that of the algorithm.
pub(in super::super) fn read_digest(algorithm: &str, value: &str) -> Option<Digest> {
    let name = algorithm.to_ascii_uppercase().replace('-', "");
    let known = [DigestAlgorithm::Sha256, DigestAlgorithm::Sha384, DigestAlgorithm::Sha512];
    let algorithm = known.into_iter().find(|one| one.name().to_ascii_uppercase().replace('-', "") == name)?;
    let len = algorithm.digest(b"").bytes.len();
    let bytes =
        if value.len() == 2 * len { hex::decode(value).ok()? } else { STANDARD.decode(value).ok()? };
    (bytes.len() == len).then_some(Digest { algorithm, bytes })
}

/// Read a verification
///
/// How far it is and, when it is done, the report. With `Prefer: wait=N` the answer comes when it is done or after N
/// seconds. Answers are kept for an hour. One that was sent with a key is there for that key only.
#[utoipa::path(get, path = "/api/v1/verifications/{id}", tag = "Verification", operation_id = "readVerification",
    security((), ("api_key" = [])),
    params(("id" = String, Path, description = "From `Location`"),
        ("Prefer" = Option<String>, Header, description = "`wait=N` (RFC 7240)")),
    responses((status = 200, description = "How it stands; with another `Accept` the report alone, once done",
            content((Verification = "application/json"), (String = "application/xml"), (Vec<u8> = "application/pdf"))),
        (status = 404, description = "Not there, not yours, or not any more", body = ProblemBody)))]
pub(in super::super) async fn read(
    State(app): State<App>,
    MaybeKnown(known): MaybeKnown,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let job = app.jobs().find(&id, owner(known.as_ref()).as_deref());
    let mut job = job.ok_or_else(|| Problem::new(&problem::VERIFICATION_NOT_FOUND))?;
    match (job.wait(Wish::of(&headers).patience).await, Shape::of(&headers)) {
        (End::Done(report), Shape::Json) => {
            let report = Some(Report::clone(&report));
            Ok(Json(Verification { state: Standing::Done, report, ..Verification::of(&job) }).into_response())
        }
        (End::Done(report), shape) => shape.answer(&report),
        (End::Failed(problem), _) => Err(problem),
        (End::Running, _) => Ok(running(&job)),
    }
}

/// Cancel a verification
///
/// Stops it and forgets it, or forgets its answer.
#[utoipa::path(delete, path = "/api/v1/verifications/{id}", tag = "Verification", operation_id = "cancelVerification",
    security((), ("api_key" = [])),
    params(("id" = String, Path, description = "From `Location`")),
    responses((status = 204, description = "It is forgotten"),
        (status = 404, description = "Not there, not yours, or not any more", body = ProblemBody)))]
pub(in super::super) async fn cancel(
    State(app): State<App>,
    MaybeKnown(known): MaybeKnown,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    if app.jobs().cancel(&id, owner(known.as_ref()).as_deref()) {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(Problem::new(&problem::VERIFICATION_NOT_FOUND))
    }
}

/// How a verification stands.
#[derive(Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct Verification {
    /// As in `Location`.
    id: String,
    /// `running` or `done`.
    state: Standing,
    /// Files that have their verdict.
    done: usize,
    /// Files that were sent.
    total: usize,
    /// The verdict on each file, when done.
    #[serde(skip_serializing_if = "Option::is_none")]
    report: Option<Report>,
}

/// Whether a verification has ended.
#[derive(Serialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = VerificationState)]
enum Standing {
    /// All files have their verdict.
    Done,
    /// Some have not.
    Running,
}

impl Verification {
    fn of(job: &Job) -> Self {
        Self {
            id: job.id.clone(),
            state: Standing::Running,
            done: job.done(),
            total: job.total,
            report: None,
        }
    }
}

/// The parts of a verification form; a field `password` opens those of the files that are encrypted.
#[derive(utoipa::ToSchema)]
#[expect(dead_code, reason = "describes the form; the parts are streamed, not read into this")]
pub(in super::super) struct VerifyForm {
    /// One or more signed files.
    #[schema(value_type = Vec<String>, format = Binary)]
    file: Vec<Vec<u8>>,
    /// What the one signature in `file` is about, where it lies apart from it.
    #[schema(value_type = Option<String>, format = Binary)]
    detached: Option<Vec<u8>>,
    /// Opens those of the files that are encrypted. It is used for this request and written nowhere.
    #[schema(format = Password, write_only)]
    password: Option<String>,
}

/// What `Prefer` asks for (RFC 7240): an answer later, and how long to wait for one now.
#[derive(Debug, PartialEq, Eq)]
struct Wish {
    later: bool,
    patience: Duration,
}

impl Wish {
    fn of(headers: &HeaderMap) -> Self {
        let mut wish = Self { later: false, patience: Duration::ZERO };
        let values = headers.get_all("prefer").iter().filter_map(|value| value.to_str().ok());
        for preference in values.flat_map(|value| value.split([',', ';'])).map(str::trim) {
            if preference.eq_ignore_ascii_case("respond-async") {
                wish.later = true;
            } else if let Some((name, seconds)) = preference.split_once('=')
                && name.trim().eq_ignore_ascii_case("wait")
                && let Ok(seconds) = seconds.trim().parse::<u64>()
            {
                wish.patience = Duration::from_secs(seconds.min(MOST_PATIENCE));
            }
        }
        wish
    }
}

fn owner(known: Option<&Known>) -> Option<String> {
    known.map(|Known(caller)| caller.key().to_owned())
}

fn running(job: &Job) -> Response {
    ([(header::RETRY_AFTER, RETRY)], Json(Verification::of(job))).into_response()
}

/// What `Accept` asks for: JSON, unless it names another shape and not JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    Json,
    Xml,
    Pdf(Language),
}

impl Shape {
    fn of(headers: &HeaderMap) -> Self {
        let accepted = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
        match accepted {
            some if some.contains("json") => Self::Json,
            some if some.contains("application/xml") => Self::Xml,
            some if some.contains("application/pdf") => {
                Self::Pdf(Language::accepted(headers).unwrap_or(Language::Vi))
            }
            _ => Self::Json,
        }
    }

    fn answer(self, report: &Report) -> Result<Response, Problem> {
        let failed =
            |error: &(dyn std::error::Error + 'static)| Problem::new(&problem::INTERNAL).caused_by(error);
        match self {
            Self::Json => Ok(Json(report).into_response()),
            Self::Xml => {
                let xml = etsi::validation_report(report).map_err(|error| failed(&error))?;
                Ok(([(header::CONTENT_TYPE, "application/xml")], xml).into_response())
            }
            Self::Pdf(language) => {
                let words = language.of_reports();
                let pdf = paper::pdf(&people::tell(report, words), words).map_err(|error| failed(&error))?;
                let tag = (header::CONTENT_LANGUAGE, language.tag());
                Ok(([(header::CONTENT_TYPE, "application/pdf"), tag], pdf).into_response())
            }
        }
    }
}

/// One digest is enough; several spare the client a look into the signature.
const MAX_DIGESTS: usize = 8;
/// A request that is answered later may bring so many times the files.
const MORE_LATER: usize = 10;
/// The longest that a request is held open, in seconds.
const MOST_PATIENCE: u64 = 60;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn preferences_are_read_in_all_their_spellings() {
        let wish = |values: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append("prefer", value.parse().unwrap());
            }
            let Wish { later, patience } = Wish::of(&headers);
            (later, patience.as_secs())
        };
        assert_eq!(wish(&[]), (false, 0));
        assert_eq!(wish(&["respond-async, wait=10"]), (true, 10));
        assert_eq!(wish(&["Respond-Async", "WAIT = 7"]), (true, 7));
        assert_eq!(wish(&["wait=100000; foo=bar"]), (false, MOST_PATIENCE));
        assert_eq!(wish(&["wait=-1, respond-asynchronously"]), (false, 0));
    }
}
