//! The first page and the description of the API.

use askama::Template;
use axum::{Json, extract::Query, http::HeaderMap, response::Response};

use super::{super::routes, Frame, LanguageChoice, page};

/// `GET /`
pub(in super::super) async fn home(Query(choice): Query<LanguageChoice>, headers: HeaderMap) -> Response {
    let language = choice.or_accepted(&headers);
    page(&Home { frame: Frame::new(language, "/") }, language)
}

/// `GET /docs`
pub(in super::super) async fn docs(Query(choice): Query<LanguageChoice>, headers: HeaderMap) -> Response {
    let language = choice.or_accepted(&headers);
    page(&Docs { frame: Frame::new(language, "/docs") }, language)
}

/// `GET /openapi.json`
pub(in super::super) async fn openapi_json() -> Json<utoipa::openapi::OpenApi> {
    Json(routes::openapi())
}

#[derive(Template)]
#[template(path = "home.html")]
struct Home {
    frame: Frame,
}

#[derive(Template)]
#[template(path = "docs.html")]
struct Docs {
    frame: Frame,
}
