//! The catalogue of problems, and the page that a browser sees when something failed.

use askama::Template;
use axum::{
    extract::{Path, Query},
    http::HeaderMap,
    response::{IntoResponse, Response},
};

use super::{
    super::problem::{self, CATALOGUE, Entry, Problem, ProblemBody},
    Frame, Language, LanguageChoice, page,
};

/// `GET /problems`
pub(in super::super) async fn problems(Query(choice): Query<LanguageChoice>, headers: HeaderMap) -> Response {
    let language = choice.or_accepted(&headers);
    page(&Problems { frame: Frame::new(language, "/problems"), entries: CATALOGUE }, language)
}

/// `GET /problems/{code}`
pub(in super::super) async fn problem_kind(
    Path(code): Path<String>,
    Query(choice): Query<LanguageChoice>,
    headers: HeaderMap,
) -> Response {
    let Some(entry) = problem::entry(&code) else {
        return Problem::new(&problem::ROUTE_NOT_FOUND).into_response();
    };
    let language = choice.or_accepted(&headers);
    let frame = Frame::new(language, &format!("/problems/{code}"));
    page(&ProblemKind { frame, entry }, language)
}

/// The page in place of a problem's JSON.
pub(in super::super) fn problem_page(body: &ProblemBody, language: Language) -> String {
    // A page that cannot be rendered must not fail a second time: the words alone will do.
    let frame = Frame::new(language, "/");
    Failed { frame, body }.render().unwrap_or_else(|_| body.code.clone())
}

#[derive(Template)]
#[template(path = "problems.html")]
struct Problems {
    frame: Frame,
    entries: &'static [&'static Entry],
}

#[derive(Template)]
#[template(path = "problem.html")]
struct ProblemKind {
    frame: Frame,
    entry: &'static Entry,
}

#[derive(Template)]
#[template(path = "failed.html")]
struct Failed<'a> {
    frame: Frame,
    body: &'a ProblemBody,
}
