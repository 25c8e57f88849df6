//! What handlers take from a request, with our own words when it is not there.

use std::{fmt, sync::Arc};

use axum::{
    body::Bytes,
    extract::{FromRequest, FromRequestParts, Query, Request},
    http::{HeaderMap, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{self, DeserializeOwned},
};

use super::{
    App,
    problem::{self, Problem},
    upload,
};
use crate::{
    base::{Id, Password, Sha256},
    service::{Page, PageRequest},
};

/// A JSON body, and the digest of method, path and body.
pub(super) struct Json<T> {
    pub(super) value: T,
    pub(super) fingerprint: Sha256,
}

impl<T: DeserializeOwned> FromRequest<App> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        if upload::media_type(request.headers()) != "application/json" {
            return Err(Problem::new(&problem::UNSUPPORTED_MEDIA_TYPE));
        }
        let (method, path) = (request.method().to_string(), request.uri().path().to_owned());
        let bytes = read_small(request, app).await?;
        let value = serde_json::from_slice(&bytes).map_err(|error| json_problem(&error))?;
        Ok(Self { value, fingerprint: fingerprint(&method, &path, &bytes) })
    }
}

/// A body that may be absent: nothing is sent with it but the fact.
pub(super) struct NoBody {
    pub(super) fingerprint: Sha256,
}

impl FromRequest<App> for NoBody {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        let (method, path) = (request.method().to_string(), request.uri().path().to_owned());
        let bytes = read_small(request, app).await?;
        Ok(Self { fingerprint: fingerprint(&method, &path, &bytes) })
    }
}

/// A JSON body that may be absent, and the digest of method, path and body.
pub(super) struct MaybeJson<T> {
    pub(super) value: T,
    pub(super) fingerprint: Sha256,
}

impl<T: DeserializeOwned + Default> FromRequest<App> for MaybeJson<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        let (method, path) = (request.method().to_string(), request.uri().path().to_owned());
        let bytes = read_small(request, app).await?;
        let value = if bytes.trim_ascii().is_empty() {
            T::default()
        } else {
            serde_json::from_slice(&bytes).map_err(|error| json_problem(&error))?
        };
        Ok(Self { value, fingerprint: fingerprint(&method, &path, &bytes) })
    }
}

/// A document's password in a request: at most [`LONGEST_PASSWORD`] bytes, wiped when dropped, and never shown.
#[derive(Debug)]
pub(super) struct PasswordText(Arc<Password>);

impl PasswordText {
    pub(super) fn into_inner(self) -> Arc<Password> {
        self.0
    }
}

impl<'de> Deserialize<'de> for PasswordText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl de::Visitor<'_> for Visitor {
            type Value = PasswordText;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a password of at most 1,024 bytes")
            }

            // Whatever is wrong with a password, it is not repeated.
            fn visit_bool<E: de::Error>(self, _: bool) -> Result<PasswordText, E> {
                Err(E::custom("a password is a string"))
            }

            fn visit_f64<E: de::Error>(self, _: f64) -> Result<PasswordText, E> {
                Err(E::custom("a password is a string"))
            }

            fn visit_i64<E: de::Error>(self, _: i64) -> Result<PasswordText, E> {
                Err(E::custom("a password is a string"))
            }

            fn visit_u64<E: de::Error>(self, _: u64) -> Result<PasswordText, E> {
                Err(E::custom("a password is a string"))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<PasswordText, E> {
                if text.len() > LONGEST_PASSWORD {
                    return Err(E::invalid_length(text.len(), &self));
                }
                Ok(PasswordText(Arc::new(Password::new(text.as_bytes().to_vec()))))
            }
        }

        // Not `deserialize_str`: that repeats a number which stands there instead.
        deserializer.deserialize_any(Visitor)
    }
}

/// The password of a document, where a request has nothing else to say.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PasswordRequest {
    /// Opens an encrypted document. It is used for this request and written nowhere.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = Password, write_only)]
    pub(super) password: Option<PasswordText>,
}

/// In bytes; the standard's own passwords end at 127.
pub(super) const LONGEST_PASSWORD: usize = 1024;

async fn read_small(request: Request, app: &App) -> Result<Bytes, Problem> {
    Bytes::from_request(request, app).await.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Problem::new(&problem::TOO_LARGE),
        _ => upload::body_problem(&rejection),
    })
}

/// Two requests with the same fingerprint ask for the same.
pub(super) fn fingerprint(method: &str, path: &str, body: &[u8]) -> Sha256 {
    let mut text = format!("{method} {path}\n").into_bytes();
    text.extend_from_slice(body);
    Sha256::of(&text)
}

pub(super) fn json_problem(error: &serde_json::Error) -> Problem {
    if error.is_data() {
        // serde's words name the field and what was expected; they hold nothing of ours.
        Problem::new(&problem::INVALID).at("", "json.shape", error.to_string())
    } else {
        Problem::new(&problem::MALFORMED)
            .because("Nội dung không phải là JSON đúng cú pháp.", "The body is not well-formed JSON.")
    }
}

/// Which page of a list is wanted.
pub(super) struct WantedPage {
    pub(super) page: PageRequest,
    path: String,
}

impl FromRequestParts<App> for WantedPage {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let Query(page) = Query::<PageRequest>::from_request_parts(parts, app).await.map_err(|error| {
            Problem::new(&problem::INVALID)
                .at("?limit", "page.limit", "a whole number from 1 to 200")
                .caused_by(&error)
        })?;
        if page.limit.is_some_and(|limit| !(1..=MAX_PAGE).contains(&limit)) {
            return Err(Problem::new(&problem::INVALID).at(
                "?limit",
                "page.limit",
                "a whole number from 1 to 200",
            ));
        }
        Ok(Self { page, path: parts.uri.path().to_owned() })
    }
}

impl WantedPage {
    /// The page as a body, with the address of the next one in `Link` (RFC 8288).
    pub(super) fn answer<T: Serialize>(&self, page: Page<T>) -> Response {
        let mut headers = HeaderMap::new();
        if let Some(cursor) = &page.next {
            let limit = self.page.limit.map(|limit| format!("&limit={limit}")).unwrap_or_default();
            let next = format!("<{}?cursor={}{limit}>; rel=\"next\"", self.path, percent(cursor));
            if let Ok(value) = next.parse() {
                headers.insert(header::LINK, value);
            }
        }
        (headers, axum::Json(List { items: page.items, next: page.next })).into_response()
    }
}

/// Part of a list, newest first.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct List<T> {
    /// Newest first.
    pub(super) items: Vec<T>,
    /// The cursor of the next page; absent on the last. `Link` has the whole address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) next: Option<String>,
}

/// An identifier in a path; one that is none names nothing.
pub(super) fn id<T>(text: &str, none: &'static problem::Entry) -> Result<Id<T>, Problem> {
    text.parse().map_err(|_| Problem::new(none))
}

/// Everything but unreserved characters (RFC 3986 section 2.3) as `%XX`.
pub(super) fn percent(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push_str(&hex::encode_upper([byte]));
        }
    }
    out
}

/// Domain lists are never longer, so a longer page is a mistake.
const MAX_PAGE: u32 = 200;
