//! The interface of SiVa 3, for clients that were written for it: same requests, same answers, same failures.
//!
//! What is judged, and how, is kyso's own: a client's wish for one of SiVa's policies is taken and answered with a
//! warning. Failures are SiVa's `requestErrors`, not problems of RFC 9457.

mod body;

use std::collections::HashSet;

use axum::{
    Json,
    extract::{FromRequest as _, FromRequestParts as _, Request, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::Serialize;

use self::body::Asked;
use super::{
    App, Problem,
    api::{operations::is_ready, verifications::read_digest},
    auth::MaybeKnown,
    judge, problem,
};
use crate::{
    base::Digest,
    rendering::siva,
    service::verify::{Options, verify_digests, verify_xml_digests},
    validation::DigestedFile,
};

/// Validate a document as SiVa does
///
/// The document comes as Base64 in JSON and is decoded as it streams in. Open to everyone; without a key the number of
/// requests a minute is limited by address. `Detailed` and `Diagnostic` are answered with the simple report: the
/// blocks that they add are those of SiVa's own engine.
#[utoipa::path(post, path = "/validate", tag = "SiVa", operation_id = "sivaValidate",
    security((), ("api_key" = [])),
    request_body(content = ValidationRequest),
    responses((status = 200, description = "The report", body = siva::Answer),
        (status = 400, description = "Something is wrong with the request or the document", body = RequestErrors),
        (status = 429, description = "Too many requests of this address", body = RequestErrors)))]
pub(super) async fn validate(State(app): State<App>, request: Request) -> Result<Response, Refusal> {
    let (headers, request) = admit(&app, request).await?;
    let Asked { document, policy } = body::receive(request, app.limits()).await?;
    let mut report = judge::judge(&app, vec![document], None, || {}).await?;
    match (report.documents.pop(), report.unreadable.pop()) {
        (Some(document), _) => {
            Ok((headers, Json(siva::simple_report(&document, policy.as_deref()))).into_response())
        }
        (None, unreadable) => {
            let reason = unreadable.map(|file| file.error.message).unwrap_or_default();
            Err(Refusal::of("document", format!("{MALFORMED}. {reason}").trim_end().to_owned()))
        }
    }
}

/// Validate detached signatures by the digests of what they sign, as SiVa does
///
/// For XAdES signatures with the digests of the files that they sign, by the names that they give them, as SiVa takes them;
/// and for detached CMS (CAdES) signatures with the digest of the one file that each signs.
#[utoipa::path(post, path = "/validateHashcode", tag = "SiVa", operation_id = "sivaValidateHashcode",
    security((), ("api_key" = [])),
    request_body(content = HashcodeRequest),
    responses((status = 200, description = "The report", body = siva::Answer),
        (status = 400, description = "Something is wrong with the request", body = RequestErrors),
        (status = 429, description = "Too many requests of this address", body = RequestErrors)))]
pub(super) async fn validate_hashcode(State(app): State<App>, request: Request) -> Result<Response, Refusal> {
    let (headers, request) = admit(&app, request).await?;
    let asked: HashcodeRequest = super::extract::Json::from_request(request, &app).await?.value;
    let policy = body::read_policy(asked.signature_policy.as_deref())?;
    body::check_report_type(asked.report_type.as_deref())?;
    if !(1..=MAX_SIGNATURE_FILES).contains(&asked.signature_files.len()) {
        return Err(Refusal::of("signatureFiles", "must hold 1 to 20 signatures"));
    }
    // All are read before one is judged: a request is right or wrong as a whole.
    let files = asked.signature_files.into_iter().map(SignatureFile::read).collect::<Result<Vec<_>, _>>()?;
    let mut reports = Vec::new();
    for (signature, files) in files {
        let name = files.first().map(|file| file.filename.clone()).unwrap_or_default();
        let verdict = move |name: &str, options: &Options<'_>| match signature {
            Detached::Cms { der, digest } => Ok(verify_digests(name, &der, &[digest], options)),
            Detached::Xml { text, files } => verify_xml_digests(name, &text, &files, options),
        };
        match judge::judge_apart(&app, name, verdict).await? {
            Ok(report) if report.signatures.is_empty() => {
                return Err(Refusal::of("signatureFiles.signature", "The file holds no signature"));
            }
            Ok(report) => reports.push((report, files)),
            Err(unreadable) => return Err(Refusal::of("signatureFiles.signature", unreadable.error.message)),
        }
    }
    let answer = siva::hashcode_report(&reports, policy).ok_or_else(|| Problem::new(&problem::INTERNAL))?;
    Ok((headers, Json(answer)).into_response())
}

/// Lets a request in: with a key, or within what its address may ask a minute. The headers tell how much is left.
async fn admit(app: &App, request: Request) -> Result<(HeaderMap, Request), Refusal> {
    let (mut parts, body) = request.into_parts();
    let MaybeKnown(known) = MaybeKnown::from_request_parts(&mut parts, app).await?;
    let request = Request::from_parts(parts, body);
    let mut headers = HeaderMap::new();
    if known.is_none() {
        app.allow_public(&request)?.write(&mut headers);
    }
    Ok((headers, request))
}

/// Which signatures are to be validated.
#[derive(serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = siva::HashcodeRequest)]
pub(super) struct HashcodeRequest {
    /// At most 20.
    #[serde(default)]
    signature_files: Vec<SignatureFile>,
    /// `POLv3`, `POLv4` or the name of kyso's own policy; kyso's own is applied.
    signature_policy: Option<String>,
    /// `Simple`, `Detailed` or `Diagnostic`.
    report_type: Option<String>,
}

/// A signature that lies apart from what it signs, with digests of that.
enum Detached {
    Cms { der: Vec<u8>, digest: Digest },
    Xml { text: Vec<u8>, files: Vec<DigestedFile> },
}

/// A detached signature and what it signs.
#[derive(serde::Deserialize, utoipa::ToSchema)]
#[schema(as = siva::SignatureFile)]
pub(super) struct SignatureFile {
    /// Base64 of an XML file of XAdES signatures, or of a CMS SignedData.
    #[serde(default)]
    signature: String,
    /// All that an XAdES signature is about, at most 1,000; exactly one for a CMS.
    #[serde(default)]
    datafiles: Vec<siva::DataFile>,
}

impl SignatureFile {
    fn read(self) -> Result<(Detached, Vec<siva::DataFile>), Refusal> {
        let Self { signature, datafiles } = self;
        let bytes = STANDARD.decode(&signature).ok().filter(|bytes| !bytes.is_empty());
        let bytes = bytes.ok_or_else(|| {
            Refusal::of("signatureFiles.signature", "Signature file is not encoded in a valid base64 string")
        })?;
        if !(1..=MAX_DATA_FILES).contains(&datafiles.len()) {
            return Err(Refusal::of("signatureFiles.datafiles", "must hold 1 to 1000 files"));
        }
        let mut digests = datafiles.iter().map(digest_of).collect::<Result<Vec<_>, _>>()?;
        if bytes.trim_ascii_start().starts_with(b"<") || bytes.starts_with(b"\xef\xbb\xbf<") {
            let mut names = HashSet::new();
            if let Some(twice) = datafiles.iter().find(|file| !names.insert(&file.filename)) {
                let message = format!("names {:?} twice", twice.filename);
                return Err(Refusal::of("signatureFiles.datafiles.filename", message));
            }
            let file = |(file, digest): (&siva::DataFile, Digest)| DigestedFile {
                name: file.filename.clone(),
                digests: vec![digest],
            };
            let files = datafiles.iter().zip(digests).map(file).collect();
            return Ok((Detached::Xml { text: bytes, files }, datafiles));
        }
        match (digests.pop(), digests.is_empty()) {
            (Some(digest), true) => Ok((Detached::Cms { der: bytes, digest }, datafiles)),
            _ => {
                let message = "must hold exactly one file: a detached CMS signs one";
                Err(Refusal::of("signatureFiles.datafiles", message))
            }
        }
    }
}

fn digest_of(file: &siva::DataFile) -> Result<Digest, Refusal> {
    if file.filename.is_empty() || file.filename.chars().count() > body::MAX_FILENAME {
        return Err(Refusal::of("signatureFiles.datafiles.filename", "size must be between 1 and 255"));
    }
    read_digest(&file.hash_algo, &file.hash).ok_or_else(|| {
        let message = "Invalid hash: SHA256, SHA384 or SHA512, and as many bytes in base64";
        Refusal::of("signatureFiles.datafiles.hash", message)
    })
}

/// Health, as SiVa tells it
#[utoipa::path(get, path = "/monitoring/health", tag = "SiVa", operation_id = "sivaHealth",
    responses((status = 200, description = "How the service stands", body = SivaHealth)))]
pub(super) async fn health(State(app): State<App>) -> Json<SivaHealth> {
    let details = HealthDetails {
        webapp_name: "kyso",
        version: env!("CARGO_PKG_VERSION"),
        start_time: app.started().to_string(),
        current_time: app.clock().now().to_string(),
    };
    let health = HealthComponent { status: "UP", details };
    Json(SivaHealth { status: status(&app).await, components: HealthComponents { health } })
}

/// Health in one word, as SiVa tells it
#[utoipa::path(get, path = "/monitoring/heartbeat", tag = "SiVa", operation_id = "sivaHeartbeat",
    responses((status = 200, description = "`UP`, or `DOWN` when something that the work needs is missing",
        body = Heartbeat)))]
pub(super) async fn heartbeat(State(app): State<App>) -> Json<Heartbeat> {
    Json(Heartbeat { status: status(&app).await })
}

/// Version, as SiVa tells it
#[utoipa::path(get, path = "/monitoring/version", tag = "SiVa", operation_id = "sivaVersion",
    responses((status = 200, description = "The program's version", body = Version)))]
pub(super) async fn version() -> Json<Version> {
    Json(Version { version: env!("CARGO_PKG_VERSION") })
}

async fn status(app: &App) -> &'static str {
    if is_ready(app).await { "UP" } else { "DOWN" }
}

/// What is to be validated.
#[derive(utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = siva::ValidationRequest)]
#[expect(dead_code, reason = "describes the body; the document is streamed, not read into this")]
pub(super) struct ValidationRequest {
    /// Base64 of the document.
    document: String,
    /// At most 255 characters.
    filename: String,
    /// `POLv3`, `POLv4` or the name of kyso's own policy; kyso's own is applied.
    signature_policy: Option<String>,
    /// `Simple`, `Detailed` or `Diagnostic`.
    report_type: Option<String>,
}

/// `GET /monitoring/health`
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = siva::Health)]
pub(super) struct SivaHealth {
    /// `UP` or `DOWN`.
    status: &'static str,
    components: HealthComponents,
}

#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = siva::HealthComponents)]
struct HealthComponents {
    health: HealthComponent,
}

#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = siva::HealthComponent)]
struct HealthComponent {
    /// Always `UP`.
    status: &'static str,
    details: HealthDetails,
}

#[derive(Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = siva::HealthDetails)]
struct HealthDetails {
    webapp_name: &'static str,
    version: &'static str,
    start_time: String,
    current_time: String,
}

/// `GET /monitoring/heartbeat`
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = siva::Heartbeat)]
pub(super) struct Heartbeat {
    /// `UP` or `DOWN`.
    status: &'static str,
}

/// `GET /monitoring/version`
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = siva::Version)]
pub(super) struct Version {
    version: &'static str,
}

/// A request that got no report.
#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    retry_after: Option<u64>,
    body: RequestErrors,
}

/// The body of a refusal.
#[derive(Debug, Default, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = siva::RequestErrors)]
pub(super) struct RequestErrors {
    request_errors: Vec<RequestError>,
}

/// One thing that is wrong.
#[derive(Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = siva::RequestError)]
pub(super) struct RequestError {
    /// The parameter that is wrong, such as `document`.
    key: &'static str,
    /// What is wrong with it.
    message: String,
}

impl Refusal {
    /// One parameter that is wrong.
    fn of(key: &'static str, message: impl Into<String>) -> Self {
        Self::all(vec![RequestError { key, message: message.into() }])
    }

    /// Several.
    fn all(request_errors: Vec<RequestError>) -> Self {
        Self {
            status: Problem::new(&problem::MALFORMED).status(),
            retry_after: None,
            body: RequestErrors { request_errors },
        }
    }
}

impl From<Problem> for Refusal {
    /// SiVa answers 400 to whatever is wrong with a request. What is wrong with the caller or with us keeps its status.
    fn from(problem: Problem) -> Self {
        let (entry, language) = (problem.entry(), super::Language::En);
        if entry.status >= 500 {
            tracing::error!(code = entry.code, cause = problem.cause(), "failed");
        }
        let key = if entry.code == problem::TOO_LARGE.code { "document" } else { "request" };
        let message = format!("{}. {}", problem.title(language), problem.detail(language));
        let mut refusal = Self::of(key, message);
        if matches!(entry.status, 401 | 403 | 408 | 429 | 500..) {
            refusal.status = problem.status();
        }
        refusal.retry_after = problem.retry_seconds();
        refusal
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(self.body)).into_response();
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}

/// Each may ask the network for evidence.
const MAX_SIGNATURE_FILES: usize = 20;
const MAX_DATA_FILES: usize = 1_000;
/// SiVa's words for a document that it cannot read.
const MALFORMED: &str = "Document malformed or not matching documentType";
