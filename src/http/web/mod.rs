//! Pages for people, in Vietnamese and English, without anything from outside.

mod assets;
mod catalogue;
mod home;
mod verify;

use askama::Template;
use axum::{
    http::{HeaderValue, header},
    response::{Html, IntoResponse, Response},
};

pub(super) use self::{
    assets::{asset, favicon},
    catalogue::{problem_kind, problem_page, problems},
    home::{docs, home, openapi_json},
    verify::{verify_files, verify_page},
};
use super::{
    Language,
    problem::{self, Problem},
};

/// What the frame of every page needs.
struct Frame {
    language: Language,
    /// This page in the other language.
    other: String,
    /// The address of the verify page in this language.
    verify: &'static str,
}

impl Frame {
    /// `path` is the page's own; the other language is asked of it by `?lang=`.
    fn new(language: Language, path: &str) -> Self {
        let other = format!("{path}?lang={}", language.pick(Language::En, Language::Vi).tag());
        Self { language, other, verify: language.pick("/kiem-tra", "/verify") }
    }

    /// One of two texts.
    fn t<'a>(&self, vi: &'a str, en: &'a str) -> &'a str {
        self.language.pick(vi, en)
    }

    fn lang(&self) -> &'static str {
        self.language.tag()
    }

    fn version(&self) -> &'static str {
        env!("CARGO_PKG_VERSION")
    }

    fn asset(&self, name: &str) -> String {
        assets::address(name)
    }
}

/// `?lang=vi` or `?lang=en`.
#[derive(Debug, Default, serde::Deserialize)]
pub(super) struct LanguageChoice {
    lang: Option<String>,
}

impl LanguageChoice {
    /// The choice, else what the browser prefers, else Vietnamese.
    fn or_accepted(&self, headers: &axum::http::HeaderMap) -> Language {
        match self.lang.as_deref() {
            Some("en") => Language::En,
            Some("vi") => Language::Vi,
            _ => Language::accepted(headers).unwrap_or(Language::Vi),
        }
    }
}

/// A page as a response.
fn page(template: &impl Template, language: Language) -> Response {
    match template.render() {
        Ok(html) => {
            let mut response = Html(html).into_response();
            let headers = response.headers_mut();
            headers.insert(header::CONTENT_LANGUAGE, HeaderValue::from_static(language.tag()));
            headers.insert(header::VARY, HeaderValue::from_static("Accept-Language"));
            response
        }
        Err(error) => Problem::new(&problem::INTERNAL).caused_by(&error).into_response(),
    }
}
