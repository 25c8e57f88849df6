//! Problems (RFC 9457): what a client reads when a request did not do what was asked.
//!
//! [`CATALOGUE`] is the one table of codes, and this file alone knows status codes of failures. A handler
//! answers `Err(Problem)`; the outermost layer (`render`) adds the language, the path and the request id.
//! What went wrong inside goes to the log through [`Problem::caused_by`], never to the client.

use std::{borrow::Cow, sync::Arc};

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};

mod levels;
mod signers;

pub use levels::{
    DOCUMENT_BEING_EXTENDED, DOCUMENT_UNSIGNED, EXTENSION_LATER, EXTENSION_REFUSED, LEVEL_UNAVAILABLE,
};

pub use signers::{BATCH_PASSWORD, DOCUMENT_PASSWORD, SIGNER_CERTIFICATE};

use super::language::Language;
use crate::{
    pdf::PdfError,
    people::Scope,
    service::{ServiceError, SignDocumentError, extend::ExtendError, sign::SignError},
    signing::SigningError,
    token::TokenError,
};

/// A line of the catalogue.
#[derive(Debug, PartialEq, Eq)]
pub struct Entry {
    /// The stable code, such as `document.not-found`.
    pub code: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// Whether the same request may succeed later, unchanged.
    pub retryable: bool,
    /// What happened, in Vietnamese and in English.
    pub title: (&'static str, &'static str),
    /// What to do next, in Vietnamese and in English.
    pub help: (&'static str, &'static str),
}

/// A failure on its way to the client.
#[derive(Clone, Debug)]
pub struct Problem {
    entry: &'static Entry,
    detail: Option<(Cow<'static, str>, Cow<'static, str>)>,
    errors: Vec<FieldError>,
    retry_after: Option<u64>,
    cause: Option<Arc<str>>,
}

/// One thing that is wrong with one part of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct FieldError {
    /// Where, as a JSON pointer (RFC 6901) into the body, or `?name` for a query parameter.
    #[schema(example = "/recipients/0")]
    pub pointer: String,
    /// A stable code of what is wrong there.
    #[schema(example = "agency.unknown")]
    pub code: String,
    /// In words, for people.
    pub detail: String,
}

/// The body of a problem (RFC 9457 section 3).
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ProblemBody {
    /// Where this kind of problem is explained; the page needs no network beyond this server.
    #[serde(rename = "type")]
    #[schema(example = "/problems/document.not-found")]
    pub kind: String,
    /// What happened, the same words for every occurrence.
    pub title: String,
    /// The HTTP status.
    #[schema(example = 404)]
    pub status: u16,
    /// What happened this time and what to do, in Vietnamese or English by `Accept-Language`.
    pub detail: String,
    /// The path that was asked.
    pub instance: String,
    /// The stable code to program against.
    #[schema(example = "document.not-found")]
    pub code: String,
    /// Quote this when asking for help: the server's log carries it too.
    pub request_id: String,
    /// The parts of the request that are wrong, where that can be told.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
    /// Whether the same request may succeed later, unchanged.
    pub retryable: bool,
}

impl Problem {
    /// A problem of this kind, with no more to say than the catalogue does.
    pub fn new(entry: &'static Entry) -> Self {
        Self { entry, detail: None, errors: Vec::new(), retry_after: None, cause: None }
    }

    /// Says what happened this time, in Vietnamese and in English.
    #[must_use]
    pub fn because(mut self, vi: impl Into<Cow<'static, str>>, en: impl Into<Cow<'static, str>>) -> Self {
        self.detail = Some((vi.into(), en.into()));
        self
    }

    /// Points at a part of the request.
    #[must_use]
    pub fn at(mut self, pointer: impl Into<String>, code: &str, detail: impl Into<String>) -> Self {
        self.errors.push(FieldError {
            pointer: pointer.into(),
            code: code.to_owned(),
            detail: detail.into(),
        });
        self
    }

    /// When trying again makes sense, in seconds from now.
    #[must_use]
    pub fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// The cause, with all its causes, for the log only.
    #[must_use]
    pub fn caused_by(mut self, error: &(dyn std::error::Error + 'static)) -> Self {
        let mut text = error.to_string();
        let mut source = error.source();
        while let Some(inner) = source {
            text.push_str(": ");
            text.push_str(&inner.to_string());
            source = inner.source();
        }
        self.cause = Some(text.into());
        self
    }

    /// When trying again makes sense, in seconds from now, if that was said.
    pub fn retry_seconds(&self) -> Option<u64> {
        self.retry_after
    }

    /// The catalogue's line.
    pub fn entry(&self) -> &'static Entry {
        self.entry
    }

    /// What the log keeps of the cause.
    pub fn cause(&self) -> Option<&str> {
        self.cause.as_deref()
    }

    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.entry.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// The title in one language.
    pub fn title(&self, language: Language) -> &'static str {
        language.pick(self.entry.title.0, self.entry.title.1)
    }

    /// What happened and what to do, in one language.
    pub fn detail(&self, language: Language) -> String {
        let help = language.pick(self.entry.help.0, self.entry.help.1);
        match &self.detail {
            Some((vi, en)) => format!("{} {help}", language.pick(vi, en)),
            None => help.to_owned(),
        }
    }

    fn body(&self, language: Language, instance: &str, request_id: &str) -> ProblemBody {
        ProblemBody {
            kind: format!("/problems/{}", self.entry.code),
            title: self.title(language).to_owned(),
            status: self.entry.status,
            detail: self.detail(language),
            instance: instance.to_owned(),
            code: self.entry.code.to_owned(),
            request_id: request_id.to_owned(),
            errors: self.errors.clone(),
            retryable: self.entry.retryable,
        }
    }
}

impl IntoResponse for Problem {
    /// An empty response that carries the problem; `render` gives it a body.
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// Gives a response that carries a [`Problem`] its body, or returns it as it is.
///
/// A bare failure of a library below (a path that is not UTF-8, an unknown method) becomes a problem too.
/// A browser that asks for a page reads a page.
pub(super) fn render(response: Response, asked: &Asked) -> Response {
    let problem = match response.extensions().get::<Problem>() {
        Some(problem) => problem.clone(),
        None => match bare_failure(&response) {
            Some(entry) => Problem::new(entry),
            None => return response,
        },
    };
    let language = asked.language.unwrap_or(Language::En);
    let (mut parts, _) = response.into_parts();
    parts.headers.remove(header::CONTENT_LENGTH);
    let body = problem.body(language, &asked.path, &asked.request_id);
    let (kind, bytes) = if asked.wants_page {
        ("text/html; charset=utf-8", super::web::problem_page(&body, language).into_bytes())
    } else {
        ("application/problem+json", serde_json::to_vec(&body).unwrap_or_default())
    };
    parts.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    parts.headers.insert(header::CONTENT_LANGUAGE, HeaderValue::from_static(language.tag()));
    parts.headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Some(seconds) = problem.retry_after {
        parts.headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    if problem.status() == StatusCode::UNAUTHORIZED {
        // RFC 6750 section 3.
        parts.headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"kyso\""));
    }
    parts.extensions.insert(problem);
    Response::from_parts(parts, bytes.into())
}

/// What [`render`] has to know of the request.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    /// The path, without the query.
    pub(super) path: String,
    /// The id in the log and in `X-Request-Id`.
    pub(super) request_id: String,
    /// What `Accept-Language` prefers.
    pub(super) language: Option<Language>,
    /// A person's browser, outside of the API.
    pub(super) wants_page: bool,
}

impl Asked {
    /// Reads it off a request.
    pub(super) fn of<B>(request: &axum::http::Request<B>, request_id: String) -> Self {
        let path = request.uri().path().to_owned();
        let page = request.headers().get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
        let wants_page =
            !path.starts_with("/api/") && page.is_some_and(|accept| accept.contains("text/html"));
        let language = match path.as_str() {
            "/kiem-tra" => Some(Language::Vi),
            "/verify" => Some(Language::En),
            _ => Language::accepted(request.headers()),
        };
        Self { path, request_id, language, wants_page }
    }
}

/// The catalogue's line for a failure that a library below answered by itself.
fn bare_failure(response: &Response) -> Option<&'static Entry> {
    let status = response.status();
    if !(status.is_client_error() || status.is_server_error()) {
        return None;
    }
    let kind = response.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    if kind.is_some_and(|kind| !kind.starts_with("text/plain")) {
        return None;
    }
    Some(match status {
        StatusCode::NOT_FOUND => &ROUTE_NOT_FOUND,
        StatusCode::METHOD_NOT_ALLOWED => &METHOD_NOT_ALLOWED,
        StatusCode::REQUEST_TIMEOUT => &REQUEST_TIMEOUT,
        StatusCode::PAYLOAD_TOO_LARGE => &TOO_LARGE,
        StatusCode::UNSUPPORTED_MEDIA_TYPE => &UNSUPPORTED_MEDIA_TYPE,
        _ if status.is_client_error() => &MALFORMED,
        _ => &INTERNAL,
    })
}

impl From<ServiceError> for Problem {
    /// The catalogue's line of the error's own code. What is the server's own affair stays in the log.
    fn from(error: ServiceError) -> Self {
        if let ServiceError::NotFound { what, .. } = &error {
            return Self::new(not_found(what));
        }
        match entry(error.code()) {
            Some(entry) if entry.status < 500 => {
                let problem = Self::new(entry).because(format!("{}.", entry.title.0), sentence(&error));
                match &error {
                    ServiceError::Invalid { field, message } => {
                        problem.at(format!("/{field}"), entry.code, message.clone())
                    }
                    ServiceError::UnknownAgency { agency } => {
                        problem.at("/recipients", entry.code, agency.to_string())
                    }
                    _ => problem,
                }
            }
            Some(entry) => Self::new(entry).caused_by(&error),
            None => Self::new(&INTERNAL).caused_by(&error),
        }
    }
}

impl From<SignDocumentError> for Problem {
    fn from(error: SignDocumentError) -> Self {
        match error {
            SignDocumentError::Service(error) => error.into(),
            SignDocumentError::Sign(error) => error.into(),
            SignDocumentError::Extend(error) => error.into(),
            SignDocumentError::NotYourKey => Self::new(&SIGNER_UNKNOWN),
            SignDocumentError::Interrupted => Self::new(&INTERNAL).caused_by(&error),
        }
    }
}

impl From<ExtendError> for Problem {
    fn from(error: ExtendError) -> Self {
        match error {
            ExtendError::Sign(error) => error.into(),
            error if error.may_pass() => {
                Self::new(&EXTENSION_LATER).because(format!("{}.", EXTENSION_LATER.title.0), sentence(&error))
            }
            error => Self::new(&EXTENSION_REFUSED)
                .because(format!("{}.", EXTENSION_REFUSED.title.0), sentence(&error)),
        }
    }
}

impl From<SignError> for Problem {
    /// What the token said names functions and drivers: for the log. The client learns what to do.
    fn from(error: SignError) -> Self {
        let refused = |error: &dyn std::fmt::Display| {
            let entry = &DOCUMENT_REFUSED;
            Self::new(entry).because(format!("{}.", entry.title.0), sentence(error))
        };
        let told = |entry: &'static Entry, error: &dyn std::fmt::Display| {
            Self::new(entry).because(format!("{}.", entry.title.0), sentence(error))
        };
        let entry = match &error {
            SignError::Pdf(pdf) | SignError::Signing(SigningError::Pdf(pdf)) => {
                return match pdf {
                    PdfError::Encrypted | PdfError::WrongPassword => {
                        told(&DOCUMENT_PASSWORD, pdf).at("/password", DOCUMENT_PASSWORD.code, pdf.to_string())
                    }
                    PdfError::Damaged { .. } => Self::new(&DOCUMENT_REFUSED).because(
                        format!(
                            "{}. Thêm \"repair\": true để kyso dựng lại tệp rồi ký.",
                            DOCUMENT_REFUSED.title.0
                        ),
                        format!("{} With \"repair\": true kyso rebuilds it and signs that.", sentence(pdf)),
                    ),
                    pdf => refused(pdf),
                };
            }
            SignError::Signing(SigningError::Certificate { .. } | SigningError::Usage { .. }) => {
                return told(&SIGNER_CERTIFICATE, &error);
            }
            SignError::Signing(SigningError::Appearance(why)) => {
                return Self::new(&SIGNATURE_APPEARANCE).because(why.vietnamese(), sentence(why));
            }
            SignError::Preview { .. } => {
                let vietnamese = "Không vẽ được trang này.".to_owned();
                return Self::new(&SIGNATURE_APPEARANCE).because(vietnamese, sentence(&error));
            }
            SignError::Signing(wish @ (SigningError::Seed { .. } | SigningError::Wish { .. })) => {
                return refused(wish);
            }
            SignError::NoAnchors { .. } | SignError::NoAuthority { .. } => &LEVEL_UNAVAILABLE,
            SignError::NoTimeStamp(_)
            | SignError::NotRaised { .. }
            | SignError::Signing(SigningError::TimeStamp(_)) => &TIMESTAMP_UNAVAILABLE,
            SignError::Token(
                TokenError::FinalTry
                | TokenError::KnownWrongPin
                | TokenError::Locked
                | TokenError::WrongPin { .. },
            ) => &SIGNER_LOCKED,
            SignError::Token(
                TokenError::Absent { .. }
                | TokenError::Crashed { .. }
                | TokenError::LoginAgain
                | TokenError::Module { .. }
                | TokenError::NotLoggedIn
                | TokenError::PinNeeded
                | TokenError::Removed { .. }
                | TokenError::Stuck { .. }
                | TokenError::Timeout { .. }
                | TokenError::Unusable { .. },
            ) => &SIGNER_UNAVAILABLE,
            SignError::Token(_) | SignError::NoCertificate { .. } | SignError::Signing(_) => &SIGNER_FAILED,
            _ => &INTERNAL,
        };
        Self::new(entry).caused_by(&error)
    }
}

/// A key without this scope.
pub(super) fn scope_missing(scope: Scope) -> Problem {
    ServiceError::Forbidden { scope }.into()
}

/// `what` as the tasks name it.
fn not_found(what: &str) -> &'static Entry {
    match what {
        "delivery" => &DELIVERY_NOT_FOUND,
        "dispatch" => &DISPATCH_NOT_FOUND,
        "document" => &DOCUMENT_NOT_FOUND,
        "event" => &EVENT_NOT_FOUND,
        "member" => &ACTOR_UNKNOWN,
        "prepared signature" => &PREPARED_NOT_FOUND,
        "signature batch" => &BATCH_NOT_FOUND,
        _ => &ROUTE_NOT_FOUND,
    }
}

/// An error's words as a sentence.
fn sentence(error: &dyn std::fmt::Display) -> String {
    let text = error.to_string();
    let mut letters = text.chars();
    let Some(first) = letters.next() else { return text };
    let mut sentence: String = first.to_uppercase().chain(letters).collect();
    if !sentence.ends_with(['.', '?', '!']) {
        sentence.push('.');
    }
    sentence
}

/// The line of a code, if there is one.
pub fn entry(code: &str) -> Option<&'static Entry> {
    CATALOGUE.iter().copied().find(|entry| entry.code == code)
}

/// The delivery has come to its end.
pub static DELIVERY_FINAL: Entry = Entry {
    code: "delivery.final",
    status: 409,
    retryable: false,
    title: ("Lượt gửi đã kết thúc", "The delivery has come to its end"),
    help: ("Muốn gửi lại thì phát hành lượt mới.", "Sending again takes a new dispatch."),
};

/// No such delivery.
pub static DELIVERY_NOT_FOUND: Entry = Entry {
    code: "delivery.not-found",
    status: 404,
    retryable: false,
    title: ("Không có lượt gửi này", "No such delivery"),
    help: (
        "Kiểm tra mã; cơ quan chỉ xem được lượt gửi của mình.",
        "Check the id; an agency sees only its own deliveries.",
    ),
};

/// A reason is needed.
pub static DELIVERY_REASON: Entry = Entry {
    code: "delivery.reason",
    status: 422,
    retryable: false,
    title: ("Cần nêu lý do", "A reason is needed"),
    help: (
        "Ghi lý do từ 1 đến 2000 ký tự vào trường reason.",
        "Give a reason of 1 to 2000 characters in the field reason.",
    ),
};

/// The delivery's state does not allow this.
pub static DELIVERY_STATE: Entry = Entry {
    code: "delivery.state",
    status: 409,
    retryable: false,
    title: ("Trạng thái không cho phép bước này", "The delivery's state does not allow this"),
    help: ("Đọc lại lượt gửi để biết trạng thái hiện tại.", "Read the delivery again for its present state."),
};

/// No such dispatch.
pub static DISPATCH_NOT_FOUND: Entry = Entry {
    code: "dispatch.not-found",
    status: 404,
    retryable: false,
    title: ("Không có lần phát hành này", "No such dispatch"),
    help: (
        "Kiểm tra mã; cơ quan chỉ xem được văn bản mình gửi hoặc nhận.",
        "Check the id; an agency sees only what it sent or was sent.",
    ),
};

/// The document is not issued.
pub static DISPATCH_NOT_ISSUED: Entry = Entry {
    code: "dispatch.not-issued",
    status: 409,
    retryable: false,
    title: ("Văn bản chưa được ban hành", "The document is not issued"),
    help: (
        "Cần chữ ký của người có thẩm quyền rồi đến chữ ký của cơ quan.",
        "It needs the person's and then the agency's signature.",
    ),
};

/// Secret documents are never sent through kyso.
pub static DISPATCH_SECRET: Entry = Entry {
    code: "dispatch.secret",
    status: 409,
    retryable: false,
    title: ("Văn bản mật không được gửi qua kyso", "Secret documents are never sent through kyso"),
    help: (
        "Gửi theo quy định về bảo vệ bí mật nhà nước.",
        "Send it by the ways that the law on state secrets gives.",
    ),
};

/// A recipient is not known here.
pub static DISPATCH_UNKNOWN_AGENCY: Entry = Entry {
    code: "dispatch.unknown-agency",
    status: 422,
    retryable: false,
    title: ("Có nơi nhận không tồn tại", "A recipient is not known here"),
    help: ("Xem các mã định danh tại GET /api/v1/agencies.", "See the agency codes at GET /api/v1/agencies."),
};

/// No such document.
pub static DOCUMENT_NOT_FOUND: Entry = Entry {
    code: "document.not-found",
    status: 404,
    retryable: false,
    title: ("Không có văn bản này", "No such document"),
    help: ("Kiểm tra mã văn bản.", "Check the document's id."),
};

/// The document already has its number.
pub static DOCUMENT_NUMBERED: Entry = Entry {
    code: "document.numbered",
    status: 409,
    retryable: false,
    title: ("Văn bản đã có số", "The document already has its number"),
    help: ("Số đã cấp không thay đổi được.", "A number once allotted does not change."),
};

/// This file cannot be signed.
pub static DOCUMENT_REFUSED: Entry = Entry {
    code: "document.refused",
    status: 422,
    retryable: false,
    title: ("Không ký được tệp này", "This file cannot be signed"),
    help: ("Tệp gốc được giữ nguyên.", "The original file is untouched."),
};

/// The document's state does not allow this.
pub static DOCUMENT_STATE: Entry = Entry {
    code: "document.state",
    status: 409,
    retryable: false,
    title: ("Trạng thái văn bản không cho phép bước này", "The document's state does not allow this"),
    help: (
        "Trình tự là: tải lên, lấy số, người có thẩm quyền ký, cơ quan ký, phát hành.",
        "The order is: upload, number, the person's signature, the agency's signature, dispatch.",
    ),
};

/// The document has no number yet.
pub static DOCUMENT_UNNUMBERED: Entry = Entry {
    code: "document.unnumbered",
    status: 409,
    retryable: false,
    title: ("Văn bản chưa có số", "The document has no number yet"),
    help: ("Lấy số trước khi cơ quan ký.", "Allot a number before the agency signs."),
};

/// No such event.
pub static EVENT_NOT_FOUND: Entry = Entry {
    code: "event.not-found",
    status: 404,
    retryable: false,
    title: ("Không có sự kiện này", "No such event"),
    help: ("Kiểm tra mã sự kiện.", "Check the event's id."),
};

/// The event's id was used for something else.
pub static EVENT_REUSED: Entry = Entry {
    code: "event.reused",
    status: 422,
    retryable: false,
    title: ("Mã sự kiện đã dùng cho việc khác", "The event's id was used for something else"),
    help: (
        "Dùng một Idempotency-Key mới cho thao tác mới.",
        "Use a fresh Idempotency-Key for a new operation.",
    ),
};

/// The Idempotency-Key was used for another request.
pub static IDEMPOTENCY_CONFLICT: Entry = Entry {
    code: "idempotency.conflict",
    status: 422,
    retryable: false,
    title: (
        "Khóa Idempotency-Key đã dùng cho yêu cầu khác",
        "The Idempotency-Key was used for another request",
    ),
    help: ("Dùng một khóa mới cho yêu cầu mới.", "Use a fresh key for a new request."),
};

/// A request with this key is still running.
pub static IDEMPOTENCY_IN_PROGRESS: Entry = Entry {
    code: "idempotency.in-progress",
    status: 409,
    retryable: true,
    title: ("Yêu cầu cùng khóa đang được xử lý", "A request with this key is still running"),
    help: ("Chờ một lát rồi gửi lại đúng yêu cầu này.", "Wait a moment and send the same request again."),
};

/// The header Idempotency-Key is needed.
pub static IDEMPOTENCY_MISSING: Entry = Entry {
    code: "idempotency.missing",
    status: 400,
    retryable: false,
    title: ("Thiếu tiêu đề Idempotency-Key", "The header Idempotency-Key is needed"),
    help: (
        "Gửi một UUID mới cho mỗi thao tác, và giữ nguyên UUID đó khi thử lại.",
        "Send a fresh UUID for each operation, and the same one when trying again.",
    ),
};

/// The API key is not valid.
pub static KEY_INVALID: Entry = Entry {
    code: "key.invalid",
    status: 401,
    retryable: false,
    title: ("Khóa API không đúng", "The API key is not valid"),
    help: (
        "Kiểm tra khóa trong tiêu đề Authorization; khóa có thể đã hết hạn hoặc bị thu hồi.",
        "Check the key in the Authorization header; it may have expired or been revoked.",
    ),
};

/// An API key is needed.
pub static KEY_MISSING: Entry = Entry {
    code: "key.missing",
    status: 401,
    retryable: false,
    title: ("Thiếu khóa API", "An API key is needed"),
    help: ("Gửi tiêu đề Authorization: Bearer kyso_….", "Send the header Authorization: Bearer kyso_…."),
};

/// The API key does not allow this.
pub static KEY_SCOPE: Entry = Entry {
    code: "key.scope",
    status: 403,
    retryable: false,
    title: ("Khóa API không có quyền này", "The API key does not allow this"),
    help: (
        "Xin quản trị viên cấp khóa có quyền cần thiết.",
        "Ask the administrator for a key with the scope that is needed.",
    ),
};

/// The ledger does not agree with its checkpoint.
pub static LEDGER_BROKEN: Entry = Entry {
    code: "ledger.broken",
    status: 503,
    retryable: false,
    title: ("Sổ phát hành không khớp với điểm chốt", "The ledger does not agree with its checkpoint"),
    help: (
        "Không có gì được ghi thêm; quản trị viên cần chạy kyso ledger audit.",
        "Nothing more is recorded; the administrator has to run kyso ledger audit.",
    ),
};

/// The ledger does not hold this part yet.
pub static LEDGER_NOT_FOUND: Entry = Entry {
    code: "ledger.not-found",
    status: 404,
    retryable: false,
    title: ("Sổ chưa có phần này", "The ledger does not hold this part yet"),
    help: (
        "Đọc /checkpoint để biết kích thước hiện tại của sổ.",
        "Read /checkpoint for the ledger's present size.",
    ),
};

/// This server has no ledger.
pub static LEDGER_NONE: Entry = Entry {
    code: "ledger.none",
    status: 503,
    retryable: false,
    title: ("Cơ sở dữ liệu này chưa có sổ", "This database has no ledger"),
    help: (
        "Quản trị viên cần kiểm tra địa chỉ cơ sở dữ liệu trong cấu hình.",
        "The administrator has to check the database URL in the configuration.",
    ),
};

/// Entries of the ledger are not signed yet.
pub static LEDGER_NOT_PUBLISHED: Entry = Entry {
    code: "ledger.not-published",
    status: 503,
    retryable: true,
    title: ("Sổ chưa có điểm chốt cho phần này", "The ledger has no checkpoint for this part yet"),
    help: (
        "Dữ liệu đã được ghi; quản trị viên cần chạy kyso với khóa của sổ.",
        "What was recorded is kept; the administrator has to run kyso with the ledger's key.",
    ),
};

/// No such member in your agency.
pub static ACTOR_UNKNOWN: Entry = Entry {
    code: "member.not-found",
    status: 404,
    retryable: false,
    title: ("Không có người này trong cơ quan", "No such member in your agency"),
    help: ("Kiểm tra mã người dùng.", "Check the member's id."),
};

/// The verification report is of other bytes.
pub static REPORT_MISMATCH: Entry = Entry {
    code: "report.mismatch",
    status: 422,
    retryable: false,
    title: ("Kết quả kiểm tra không phải của tệp này", "The verification report is of other bytes"),
    help: ("Kiểm tra lại đúng tệp này.", "Verify these very bytes."),
};

/// The document does not verify.
pub static REPORT_NOT_VALID: Entry = Entry {
    code: "report.not-valid",
    status: 409,
    retryable: false,
    title: ("Văn bản không xác thực được", "The document does not verify"),
    help: ("Từ chối kèm lý do, hoặc hỏi cơ quan gửi.", "Refuse it with a reason, or ask the sender."),
};

/// The document bears too few signatures.
pub static REPORT_SIGNATURES: Entry = Entry {
    code: "report.signatures",
    status: 409,
    retryable: false,
    title: ("Văn bản chưa đủ chữ ký", "The document bears too few signatures"),
    help: (
        "Cần chữ ký của người có thẩm quyền và của cơ quan.",
        "It needs the person's and the agency's signature.",
    ),
};

/// The content received does not match Content-Digest.
pub static DIGEST_MISMATCH: Entry = Entry {
    code: "request.digest-mismatch",
    status: 400,
    retryable: false,
    title: (
        "Nội dung nhận được khác với Content-Digest",
        "The content received does not match Content-Digest",
    ),
    help: (
        "Gửi lại; tệp đã bị hỏng trên đường truyền hoặc giá trị băm không đúng.",
        "Send it again; the file was damaged on the way, or the digest is wrong.",
    ),
};

/// It exists already.
pub static REQUEST_EXISTS: Entry = Entry {
    code: "request.exists",
    status: 409,
    retryable: false,
    title: ("Đã có rồi", "It exists already"),
    help: ("Dùng cái đã có, hoặc chọn mã khác.", "Use the existing one, or choose another code."),
};

/// Part of the request is not valid.
pub static INVALID: Entry = Entry {
    code: "request.invalid",
    status: 422,
    retryable: false,
    title: ("Yêu cầu có phần không hợp lệ", "Part of the request is not valid"),
    help: ("Sửa các phần nêu trong errors.", "Correct the parts named in errors."),
};

/// The request cannot be read.
pub static MALFORMED: Entry = Entry {
    code: "request.malformed",
    status: 400,
    retryable: false,
    title: ("Không đọc được yêu cầu", "The request cannot be read"),
    help: ("So với mô tả tại /docs.", "Compare it with the description at /docs."),
};

/// This address does not take that method.
pub static METHOD_NOT_ALLOWED: Entry = Entry {
    code: "request.method-not-allowed",
    status: 405,
    retryable: false,
    title: ("Địa chỉ này không nhận phương thức đó", "This address does not take that method"),
    help: ("Xem tiêu đề Allow.", "See the header Allow."),
};

/// Too many requests.
pub static RATE_LIMITED: Entry = Entry {
    code: "request.rate-limited",
    status: 429,
    retryable: true,
    title: ("Quá nhiều yêu cầu", "Too many requests"),
    help: ("Chờ theo số giây trong Retry-After.", "Wait for the seconds given in Retry-After."),
};

/// The request came in too slowly.
pub static REQUEST_TIMEOUT: Entry = Entry {
    code: "request.timeout",
    status: 408,
    retryable: true,
    title: ("Yêu cầu gửi đến quá chậm", "The request came in too slowly"),
    help: ("Gửi lại khi đường truyền tốt hơn.", "Send it again over a better line."),
};

/// The file is too large.
pub static TOO_LARGE: Entry = Entry {
    code: "request.too-large",
    status: 413,
    retryable: false,
    title: ("Tệp quá lớn", "The file is too large"),
    help: ("Giới hạn được đặt trong kyso.toml, mục limits.", "The limit is set in kyso.toml under limits."),
};

/// This content type is not supported.
pub static UNSUPPORTED_MEDIA_TYPE: Entry = Entry {
    code: "request.unsupported-media-type",
    status: 415,
    retryable: false,
    title: ("Kiểu nội dung không được hỗ trợ", "This content type is not supported"),
    help: (
        "Gửi application/pdf, multipart/form-data hoặc application/json theo mô tả tại /docs.",
        "Send application/pdf, multipart/form-data or application/json as /docs describes.",
    ),
};

/// There is nothing at this address.
pub static ROUTE_NOT_FOUND: Entry = Entry {
    code: "route.not-found",
    status: 404,
    retryable: false,
    title: ("Không có gì ở địa chỉ này", "There is nothing at this address"),
    help: ("Các địa chỉ được liệt kê tại /docs.", "All addresses are listed at /docs."),
};

/// The server failed.
pub static INTERNAL: Entry = Entry {
    code: "service.internal",
    status: 500,
    retryable: true,
    title: ("Lỗi của máy chủ", "The server failed"),
    help: (
        "Thử lại sau; nếu còn lỗi, báo quản trị viên kèm request_id.",
        "Try again later; if it persists, give the administrator the request_id.",
    ),
};

/// The signature cannot be shown as it was asked for.
pub static SIGNATURE_APPEARANCE: Entry = Entry {
    code: "signature.appearance",
    status: 422,
    retryable: false,
    title: ("Không hiển thị được chữ ký như yêu cầu", "The signature cannot be shown as asked for"),
    help: (
        "Xem chi tiết; chưa có gì được ký.",
        "See the detail: it says what to change. Nothing was signed.",
    ),
};

/// The signed file does not continue the present document.
pub static SIGNATURE_NOT_CONTINUED: Entry = Entry {
    code: "signature.not-continued",
    status: 422,
    retryable: false,
    title: (
        "Tệp đã ký không nối tiếp văn bản hiện có",
        "The signed file does not continue the present document",
    ),
    help: ("Ký đúng tệp hiện có của văn bản.", "Sign the document's present file."),
};

/// The signatures come in another order.
pub static SIGNATURE_ORDER: Entry = Entry {
    code: "signature.order",
    status: 409,
    retryable: false,
    title: ("Sai thứ tự ký", "The signatures come in another order"),
    help: (
        "Người có thẩm quyền ký trước, rồi đến cơ quan, mỗi bên một lần.",
        "The person signs first, then the agency, once each.",
    ),
};

/// The token did not sign.
pub static SIGNER_FAILED: Entry = Entry {
    code: "signer.failed",
    status: 502,
    retryable: true,
    title: ("Thiết bị ký không ký được", "The token did not sign"),
    help: ("Xem chi tiết; không có gì được ghi lại.", "See the detail; nothing was recorded."),
};

/// The token does not take the PIN.
pub static SIGNER_LOCKED: Entry = Entry {
    code: "signer.locked",
    status: 503,
    retryable: false,
    title: ("Thiết bị ký không nhận mã PIN", "The token does not take the PIN"),
    help: (
        "Máy chủ không thử lại để tránh khóa thiết bị; người quản lý thiết bị cần kiểm tra mã PIN.",
        "The server does not try again, lest the token lock itself; its keeper has to look after the PIN.",
    ),
};

/// The signing token is not available.
pub static SIGNER_UNAVAILABLE: Entry = Entry {
    code: "signer.unavailable",
    status: 503,
    retryable: true,
    title: ("Thiết bị ký chưa sẵn sàng", "The signing token is not available"),
    help: (
        "Kiểm tra thiết bị đã cắm và mã PIN; xem /readyz.",
        "Check that the token is plugged in and its PIN; see /readyz.",
    ),
};

/// The server holds no such key for your agency.
pub static SIGNER_UNKNOWN: Entry = Entry {
    code: "signer.unknown",
    status: 422,
    retryable: false,
    title: ("Cơ quan không có khóa ký này trên máy chủ", "The server holds no such key for your agency"),
    help: ("Xem các mục [[signer]] trong kyso.toml.", "See the [[signer]] entries in kyso.toml."),
};

/// The time-stamp service gave no usable answer.
pub static TIMESTAMP_UNAVAILABLE: Entry = Entry {
    code: "timestamp.unavailable",
    status: 503,
    retryable: true,
    title: ("Dịch vụ dấu thời gian không trả lời đúng", "The time-stamp service gave no usable answer"),
    help: ("Thử lại sau; không có chữ ký nào được ghi.", "Try again later; no signature was recorded."),
};

/// There are as many verifications under way as are allowed.
pub static VERIFICATION_BUSY: Entry = Entry {
    code: "verification.busy",
    status: 429,
    retryable: true,
    title: ("Đang có quá nhiều lượt kiểm tra chạy nền", "Too many verifications are under way"),
    help: (
        "Chờ lượt trước xong hoặc hủy bằng DELETE, rồi gửi lại sau số giây trong Retry-After.",
        "Wait for an earlier one or cancel it with DELETE, then send again after the seconds in Retry-After.",
    ),
};

/// There is no such verification, or not for this caller, or not any more.
pub static VERIFICATION_NOT_FOUND: Entry = Entry {
    code: "verification.not-found",
    status: 404,
    retryable: false,
    title: ("Không có lượt kiểm tra này", "There is no such verification"),
    help: (
        "Kết quả chạy nền chỉ được giữ một giờ, trên máy chủ đã nhận tệp, cho chính khóa API đã gửi. Hãy gửi lại tệp.",
        "Answers of background work are kept for an hour, by the server that took the files, for the key that sent \
         them. Send the files again.",
    ),
};

/// There is no such batch, or it is not the caller's.
pub static BATCH_NOT_FOUND: Entry = Entry {
    code: "batch.not-found",
    status: 404,
    retryable: false,
    title: ("Không có lô ký này", "There is no such batch"),
    help: (
        "Kiểm tra mã; chỉ người đã gửi lô ký xem được lô đó.",
        "Check the id; a batch is shown only to the member who began it.",
    ),
};

/// The batch does not go on because its owner said so.
pub static BATCH_STOPPED: Entry = Entry {
    code: "batch.stopped",
    status: 409,
    retryable: false,
    title: ("Lô ký đã được người gửi dừng lại", "The batch was stopped by its owner"),
    help: (
        "Gửi POST tới địa chỉ resume của lô để ký tiếp các văn bản còn lại.",
        "POST to the batch's resume address to go on with the documents that wait.",
    ),
};

/// The document moved on since the signature was prepared.
pub static PREPARED_CHANGED: Entry = Entry {
    code: "prepared.changed",
    status: 409,
    retryable: false,
    title: (
        "Văn bản đã thay đổi sau khi chuẩn bị ký",
        "The document changed since the signature was prepared",
    ),
    help: ("Chuẩn bị ký lại từ đầu.", "Prepare the signature anew."),
};

/// The handle came too late.
pub static PREPARED_EXPIRED: Entry = Entry {
    code: "prepared.expired",
    status: 410,
    retryable: false,
    title: ("Lượt chuẩn bị ký đã hết hạn", "The prepared signature has expired"),
    help: ("Chuẩn bị ký lại từ đầu.", "Prepare the signature anew."),
};

/// No such handle for this member and document.
pub static PREPARED_NOT_FOUND: Entry = Entry {
    code: "prepared.not-found",
    status: 404,
    retryable: false,
    title: ("Không có lượt chuẩn bị ký này", "There is no such prepared signature"),
    help: (
        "Mã chỉ dùng được bởi chính người đã chuẩn bị, cho chính văn bản đó.",
        "A handle is good for the member who prepared it, and for that document.",
    ),
};

/// Too many wrong values.
pub static PREPARED_SPENT: Entry = Entry {
    code: "prepared.spent",
    status: 409,
    retryable: false,
    title: (
        "Đã gửi sai giá trị chữ ký quá nhiều lần",
        "Too many wrong values came for the prepared signature",
    ),
    help: (
        "Kiểm tra khóa và chứng thư có khớp nhau không, rồi chuẩn bị ký lại từ đầu.",
        "Check that key and certificate belong together, then prepare the signature anew.",
    ),
};

/// Too many handles wait.
pub static PREPARED_TOO_MANY: Entry = Entry {
    code: "prepared.too-many",
    status: 429,
    retryable: true,
    title: ("Có quá nhiều lượt chuẩn bị ký đang chờ", "Too many prepared signatures wait"),
    help: (
        "Hoàn tất hoặc hủy bằng DELETE các lượt đang chờ, hoặc đợi chúng hết hạn.",
        "Complete those that wait, give them up with DELETE, or let them expire.",
    ),
};

/// The handle is used.
pub static PREPARED_USED: Entry = Entry {
    code: "prepared.used",
    status: 409,
    retryable: false,
    title: ("Lượt chuẩn bị ký đã được dùng", "The prepared signature is used already"),
    help: (
        "Mỗi mã chỉ dùng được một lần. Xem trạng thái của văn bản.",
        "A handle is good once. See the state of the document.",
    ),
};

/// The signature value does not fit.
pub static SIGNATURE_VALUE: Entry = Entry {
    code: "signature.value",
    status: 422,
    retryable: false,
    title: ("Giá trị chữ ký không khớp với chứng thư", "The signature value does not fit the certificate"),
    help: (
        "Ký đúng các byte trong toBeSigned bằng khóa của chứng thư; ECDSA gửi dạng DER.",
        "Sign the bytes of toBeSigned with the certificate's key; send ECDSA as DER.",
    ),
};

/// Every problem that kyso answers with, by code. `/problems` shows it to people.
pub static CATALOGUE: &[&Entry] = &[
    &BATCH_NOT_FOUND,
    &BATCH_PASSWORD,
    &BATCH_STOPPED,
    &DELIVERY_FINAL,
    &DELIVERY_NOT_FOUND,
    &DELIVERY_REASON,
    &DELIVERY_STATE,
    &DISPATCH_NOT_FOUND,
    &DISPATCH_NOT_ISSUED,
    &DISPATCH_SECRET,
    &DISPATCH_UNKNOWN_AGENCY,
    &DOCUMENT_BEING_EXTENDED,
    &DOCUMENT_NOT_FOUND,
    &DOCUMENT_NUMBERED,
    &DOCUMENT_PASSWORD,
    &DOCUMENT_REFUSED,
    &DOCUMENT_STATE,
    &DOCUMENT_UNNUMBERED,
    &DOCUMENT_UNSIGNED,
    &EVENT_NOT_FOUND,
    &EVENT_REUSED,
    &EXTENSION_LATER,
    &EXTENSION_REFUSED,
    &IDEMPOTENCY_CONFLICT,
    &IDEMPOTENCY_IN_PROGRESS,
    &IDEMPOTENCY_MISSING,
    &KEY_INVALID,
    &KEY_MISSING,
    &KEY_SCOPE,
    &LEDGER_BROKEN,
    &LEDGER_NONE,
    &LEDGER_NOT_FOUND,
    &LEDGER_NOT_PUBLISHED,
    &LEVEL_UNAVAILABLE,
    &ACTOR_UNKNOWN,
    &PREPARED_CHANGED,
    &PREPARED_EXPIRED,
    &PREPARED_NOT_FOUND,
    &PREPARED_SPENT,
    &PREPARED_TOO_MANY,
    &PREPARED_USED,
    &REPORT_MISMATCH,
    &REPORT_NOT_VALID,
    &REPORT_SIGNATURES,
    &DIGEST_MISMATCH,
    &REQUEST_EXISTS,
    &INVALID,
    &MALFORMED,
    &METHOD_NOT_ALLOWED,
    &RATE_LIMITED,
    &REQUEST_TIMEOUT,
    &TOO_LARGE,
    &UNSUPPORTED_MEDIA_TYPE,
    &ROUTE_NOT_FOUND,
    &INTERNAL,
    &SIGNATURE_APPEARANCE,
    &SIGNATURE_NOT_CONTINUED,
    &SIGNATURE_ORDER,
    &SIGNATURE_VALUE,
    &SIGNER_CERTIFICATE,
    &SIGNER_FAILED,
    &SIGNER_LOCKED,
    &SIGNER_UNAVAILABLE,
    &SIGNER_UNKNOWN,
    &TIMESTAMP_UNAVAILABLE,
    &VERIFICATION_BUSY,
    &VERIFICATION_NOT_FOUND,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_stand_in_an_address_as_they_are() {
        let mut seen = std::collections::BTreeSet::new();
        for entry in CATALOGUE {
            assert!(seen.insert(entry.code), "{} is there twice", entry.code);
            assert!(
                entry.code.bytes().all(|b| b.is_ascii_lowercase() || b == b'-' || b == b'.'),
                "{}",
                entry.code
            );
            assert!((400..600).contains(&entry.status), "{}", entry.code);
        }
    }

    #[test]
    fn every_code_of_the_tasks_is_in_the_catalogue() {
        let source = include_str!("../service/error.rs");
        let (_, codes) = source.split_once("pub fn code(&self)").unwrap();
        let mut seen = 0;
        for code in codes.split("=> \"").skip(1).filter_map(|rest| rest.split('"').next()) {
            let server_side = ["internal", "ledger.key"].contains(&code);
            assert!(
                server_side || code == "not-found" || entry(code).is_some(),
                "{code} is not in the catalogue"
            );
            seen += 1;
        }
        assert!(seen > 15, "the codes were not found in the source");
    }

    #[test]
    fn a_failure_of_the_database_says_nothing_of_it() {
        let failed = ServiceError::Io(std::io::Error::other("disk /dev/sdb1"));
        let problem = Problem::from(failed);
        assert_eq!(problem.entry().code, "service.internal");
        assert!(!problem.detail(Language::En).contains("sdb1"));
        assert!(problem.cause().unwrap().contains("sdb1"));
    }

    #[test]
    fn every_text_is_there_in_both_languages() {
        for entry in CATALOGUE {
            for text in [entry.title.0, entry.title.1, entry.help.0, entry.help.1] {
                assert!(!text.is_empty(), "{}", entry.code);
            }
            assert_ne!(entry.title.0, entry.title.1);
        }
    }

    #[test]
    fn the_cause_goes_to_the_log_and_not_into_the_body() {
        let cause = std::io::Error::other("the secret path /var/lib/kyso");
        let problem = Problem::new(&INTERNAL).caused_by(&cause);
        assert_eq!(problem.cause(), Some("the secret path /var/lib/kyso"));
        let body = serde_json::to_string(&problem.body(Language::En, "/x", "id")).unwrap();
        assert!(!body.contains("secret"), "{body}");
    }
}
