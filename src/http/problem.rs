//! Problems (RFC 9457): what a client reads when a request did not do what was asked.
//!
//! [`CATALOGUE`] is the one table of codes, and nothing outside it knows status codes of failures. A handler
//! answers `Err(Problem)`; the outermost layer (`render`) adds the language, the path and the request id.
//! What went wrong inside goes to the log through [`Problem::caused_by`], never to the client.

use std::{borrow::Cow, sync::Arc};

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};

mod circulation;
mod documents;
mod levels;
mod requests;
mod signatures;
mod signers;

pub use circulation::{
    ACTOR_UNKNOWN, DELIVERY_FINAL, DELIVERY_NOT_FOUND, DELIVERY_REASON, DELIVERY_STATE, DISPATCH_NOT_FOUND,
    DISPATCH_NOT_ISSUED, DISPATCH_SECRET, DISPATCH_UNKNOWN_AGENCY, EVENT_NOT_FOUND, EVENT_REUSED,
    LEDGER_BROKEN, LEDGER_NONE, LEDGER_NOT_FOUND, LEDGER_NOT_PUBLISHED, REPORT_MISMATCH, REPORT_NOT_VALID,
    REPORT_SIGNATURES,
};
pub use documents::{
    DOCUMENT_NOT_FOUND, DOCUMENT_NUMBERED, DOCUMENT_PASSWORD, DOCUMENT_REFUSED, DOCUMENT_STATE,
    DOCUMENT_UNNUMBERED,
};
pub use levels::{
    DOCUMENT_BEING_EXTENDED, DOCUMENT_UNSIGNED, EXTENSION_LATER, EXTENSION_REFUSED, LEVEL_UNAVAILABLE,
};
pub use requests::{
    DIGEST_MISMATCH, IDEMPOTENCY_CONFLICT, IDEMPOTENCY_IN_PROGRESS, IDEMPOTENCY_MISSING, INTERNAL, INVALID,
    KEY_INVALID, KEY_MISSING, KEY_SCOPE, MALFORMED, METHOD_NOT_ALLOWED, RATE_LIMITED, REQUEST_EXISTS,
    REQUEST_TIMEOUT, ROUTE_NOT_FOUND, TOO_LARGE, UNSUPPORTED_MEDIA_TYPE, VERIFICATION_BUSY,
    VERIFICATION_NOT_FOUND,
};
pub use signatures::{
    BATCH_NOT_FOUND, BATCH_PASSWORD, BATCH_STOPPED, PREPARED_CHANGED, PREPARED_EXPIRED, PREPARED_NOT_FOUND,
    PREPARED_SPENT, PREPARED_TOO_MANY, PREPARED_USED, SIGNATURE_APPEARANCE, SIGNATURE_NOT_CONTINUED,
    SIGNATURE_ORDER, SIGNATURE_VALUE,
};
pub use signers::{
    SIGNER_CERTIFICATE, SIGNER_FAILED, SIGNER_LOCKED, SIGNER_UNAVAILABLE, SIGNER_UNKNOWN,
    TIMESTAMP_UNAVAILABLE,
};

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
