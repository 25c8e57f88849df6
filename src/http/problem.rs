//! Problems (RFC 9457): what a client reads when a request did not do what was asked.
//!
//! [`CATALOGUE`] is the one table of codes, and this file alone knows status codes of failures. A handler
//! answers `Err(Problem)`; the outermost layer ([`render`]) adds the language, the path and the request id.
//! What went wrong inside goes to the log through [`Problem::caused_by`], never to the client.

use std::{borrow::Cow, sync::Arc};

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};

use super::language::Language;

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
    /// An empty response that carries the problem; [`render`] gives it a body.
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

/// The line of a code, if there is one.
pub fn entry(code: &str) -> Option<&'static Entry> {
    CATALOGUE.iter().copied().find(|entry| entry.code == code)
}

/// No such agency.
pub static AGENCY_NOT_FOUND: Entry = Entry {
    code: "agency.not-found",
    status: 404,
    retryable: false,
    title: ("Không có cơ quan này", "No such agency"),
    help: ("Xem các mã định danh tại GET /api/v1/agencies.", "See the agency codes at GET /api/v1/agencies."),
};

/// The API key is not valid.
pub static AUTH_INVALID: Entry = Entry {
    code: "auth.invalid",
    status: 401,
    retryable: false,
    title: ("Khóa API không đúng", "The API key is not valid"),
    help: (
        "Kiểm tra khóa trong tiêu đề Authorization; khóa có thể đã hết hạn hoặc bị thu hồi.",
        "Check the key in the Authorization header; it may have expired or been revoked.",
    ),
};

/// An API key is needed.
pub static AUTH_MISSING: Entry = Entry {
    code: "auth.missing",
    status: 401,
    retryable: false,
    title: ("Thiếu khóa API", "An API key is needed"),
    help: ("Gửi tiêu đề Authorization: Bearer kyso_….", "Send the header Authorization: Bearer kyso_…."),
};

/// The API key does not allow this.
pub static AUTH_SCOPE: Entry = Entry {
    code: "auth.scope",
    status: 403,
    retryable: false,
    title: ("Khóa API không có quyền này", "The API key does not allow this"),
    help: (
        "Xin quản trị viên cấp khóa có quyền cần thiết.",
        "Ask the administrator for a key with the scope that is needed.",
    ),
};

/// No such delivery.
pub static DELIVERY_NOT_FOUND: Entry = Entry {
    code: "delivery.not-found",
    status: 404,
    retryable: false,
    title: ("Không có lượt gửi này", "No such delivery"),
    help: (
        "Kiểm tra mã lượt gửi; cơ quan chỉ xem được lượt gửi của mình.",
        "Check the id; an agency sees only its own deliveries.",
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

/// A document that does not verify cannot be accepted.
pub static DELIVERY_UNVERIFIED: Entry = Entry {
    code: "delivery.unverified",
    status: 409,
    retryable: false,
    title: (
        "Văn bản không xác thực được nên không thể tiếp nhận",
        "A document that does not verify cannot be accepted",
    ),
    help: ("Từ chối kèm lý do, hoặc hỏi cơ quan gửi.", "Refuse it with a reason, or ask the sender."),
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

/// No such dispatch.
pub static DISPATCH_NOT_FOUND: Entry = Entry {
    code: "dispatch.not-found",
    status: 404,
    retryable: false,
    title: ("Không có lần phát hành này", "No such dispatch"),
    help: (
        "Kiểm tra mã; cơ quan chỉ xem được văn bản mình gửi.",
        "Check the id; an agency sees only what it sent.",
    ),
};

/// No such document.
pub static DOCUMENT_NOT_FOUND: Entry = Entry {
    code: "document.not-found",
    status: 404,
    retryable: false,
    title: ("Không có văn bản này", "No such document"),
    help: ("Kiểm tra mã văn bản.", "Check the document's id."),
};

/// The file is not a readable PDF.
pub static DOCUMENT_NOT_PDF: Entry = Entry {
    code: "document.not-a-pdf",
    status: 422,
    retryable: false,
    title: ("Tệp không phải là PDF đọc được", "The file is not a readable PDF"),
    help: (
        "Chọn lại tệp PDF gốc; tệp mã hóa hoặc bị hỏng không đọc được.",
        "Choose the original PDF; an encrypted or damaged file cannot be read.",
    ),
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

/// No such event.
pub static EVENT_NOT_FOUND: Entry = Entry {
    code: "event.not-found",
    status: 404,
    retryable: false,
    title: ("Không có sự kiện này", "No such event"),
    help: ("Kiểm tra mã sự kiện.", "Check the event's id."),
};

/// A request with this key is still running.
pub static IDEMPOTENCY_IN_PROGRESS: Entry = Entry {
    code: "idempotency.in-progress",
    status: 409,
    retryable: true,
    title: ("Yêu cầu cùng khóa đang được xử lý", "A request with this key is still running"),
    help: ("Chờ một lát rồi gửi lại đúng yêu cầu này.", "Wait a moment and send the same request again."),
};

/// The Idempotency-Key was used for another request.
pub static IDEMPOTENCY_MISMATCH: Entry = Entry {
    code: "idempotency.mismatch",
    status: 422,
    retryable: false,
    title: (
        "Khóa Idempotency-Key đã dùng cho nội dung khác",
        "The Idempotency-Key was used for another request",
    ),
    help: ("Dùng một khóa mới cho yêu cầu mới.", "Use a fresh key for a new request."),
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

/// Part of the request is not valid.
pub static INVALID: Entry = Entry {
    code: "request.invalid",
    status: 422,
    retryable: false,
    title: ("Yêu cầu có phần không hợp lệ", "Part of the request is not valid"),
    help: ("Sửa các phần nêu trong errors.", "Correct the parts named in errors."),
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

/// This file cannot be signed.
pub static NOT_ACCEPTED_FILE: Entry = Entry {
    code: "document.refused",
    status: 422,
    retryable: false,
    title: ("Không ký được tệp này", "This file cannot be signed"),
    help: ("Tệp gốc được giữ nguyên; xem chi tiết.", "The original file is untouched; see the detail."),
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

/// There is nothing at this address.
pub static ROUTE_NOT_FOUND: Entry = Entry {
    code: "route.not-found",
    status: 404,
    retryable: false,
    title: ("Không có trang này", "There is nothing at this address"),
    help: ("Các địa chỉ được liệt kê tại /docs.", "All addresses are listed at /docs."),
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

/// The server has no such signer.
pub static SIGNER_UNKNOWN: Entry = Entry {
    code: "signer.unknown",
    status: 422,
    retryable: false,
    title: ("Máy chủ không có người ký này", "The server has no such signer"),
    help: ("Xem các mục [[signer]] trong kyso.toml.", "See the [[signer]] entries in kyso.toml."),
};

/// The time-stamp service does not answer.
pub static TIMESTAMP_UNAVAILABLE: Entry = Entry {
    code: "timestamp.unavailable",
    status: 503,
    retryable: true,
    title: ("Dịch vụ dấu thời gian không trả lời", "The time-stamp service does not answer"),
    help: ("Thử lại sau; không có chữ ký nào được ghi.", "Try again later; no signature was recorded."),
};

/// The file is too large.
pub static TOO_LARGE: Entry = Entry {
    code: "request.too-large",
    status: 413,
    retryable: false,
    title: ("Tệp quá lớn", "The file is too large"),
    help: ("Giới hạn được đặt trong kyso.toml, mục limits.", "The limit is set in kyso.toml under limits."),
};

/// The service is not available just now.
pub static UNAVAILABLE: Entry = Entry {
    code: "service.unavailable",
    status: 503,
    retryable: true,
    title: ("Máy chủ tạm thời chưa phục vụ được", "The service is not available just now"),
    help: ("Thử lại sau ít giây.", "Try again in a few seconds."),
};

/// This content type is not supported.
pub static UNSUPPORTED_MEDIA_TYPE: Entry = Entry {
    code: "request.unsupported-media-type",
    status: 415,
    retryable: false,
    title: ("Kiểu nội dung không được hỗ trợ", "This content type is not supported"),
    help: (
        "Gửi application/pdf, multipart/form-data, hoặc application/json theo mô tả tại /docs.",
        "Send application/pdf, multipart/form-data or application/json as /docs describes.",
    ),
};

/// Every problem that kyso answers with, by name. `/problems` shows it to people.
pub static CATALOGUE: &[&Entry] = &[
    &AGENCY_NOT_FOUND,
    &AUTH_INVALID,
    &AUTH_MISSING,
    &AUTH_SCOPE,
    &DELIVERY_NOT_FOUND,
    &DELIVERY_STATE,
    &DELIVERY_UNVERIFIED,
    &DIGEST_MISMATCH,
    &DISPATCH_NOT_FOUND,
    &DOCUMENT_NOT_FOUND,
    &DOCUMENT_NOT_PDF,
    &DOCUMENT_STATE,
    &EVENT_NOT_FOUND,
    &IDEMPOTENCY_IN_PROGRESS,
    &IDEMPOTENCY_MISMATCH,
    &IDEMPOTENCY_MISSING,
    &INTERNAL,
    &INVALID,
    &LEDGER_NOT_FOUND,
    &MALFORMED,
    &METHOD_NOT_ALLOWED,
    &NOT_ACCEPTED_FILE,
    &RATE_LIMITED,
    &REQUEST_TIMEOUT,
    &ROUTE_NOT_FOUND,
    &SIGNER_UNAVAILABLE,
    &SIGNER_UNKNOWN,
    &TIMESTAMP_UNAVAILABLE,
    &TOO_LARGE,
    &UNAVAILABLE,
    &UNSUPPORTED_MEDIA_TYPE,
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
