//! `/kiem-tra` and `/verify`: anyone drops signed files and reads who signed them, when, and what happened
//! since.

use askama::Template;
use axum::{
    extract::{OriginalUri, Request, State},
    http::{HeaderMap, HeaderValue, header},
    response::{Html, IntoResponse, Response},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::{
    super::{App, Language, Problem, judge, upload},
    Frame, page,
};
use crate::{
    rendering::{
        paper,
        people::{self, Document, Tone},
    },
    validation::Report,
};

/// `GET /kiem-tra`, `GET /verify`
pub(in super::super) async fn verify_page(State(app): State<App>, OriginalUri(uri): OriginalUri) -> Response {
    let language = language_of(uri.path());
    page(&Verify::new(&app, language, None), language)
}

/// `POST /kiem-tra`, `POST /verify`: the form, and what the script sends.
pub(in super::super) async fn verify_files(
    State(app): State<App>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, Problem> {
    let language = language_of(uri.path());
    let allowance = app.allow_public(&request)?;
    let form = upload::receive(request, app.limits(), app.limits().upload_files).await?;
    let report = judge::judge_together(&app, form).await?;
    let results = Results::new(language, &report)?;
    let html = results.render().map_err(|error| Problem::new(&super::problem::INTERNAL).caused_by(&error))?;
    let mut response = if headers.contains_key(PART) {
        let mut response = Html(html).into_response();
        response.headers_mut().insert(header::CONTENT_LANGUAGE, HeaderValue::from_static(language.tag()));
        response
    } else {
        page(&Verify::new(&app, language, Some(html)), language)
    };
    allowance.write(response.headers_mut());
    Ok(response)
}

/// The address says the language: that is what people pass on to one another.
fn language_of(path: &str) -> Language {
    if path.starts_with("/verify") { Language::En } else { Language::Vi }
}

#[derive(Template)]
#[template(path = "verify.html")]
struct Verify {
    frame: Frame,
    hint: String,
    legend: [Line; 4],
    /// What the dialog offers.
    accept: &'static str,
    results: Option<String>,
}

struct Line {
    tone: &'static str,
    word: &'static str,
    meaning: &'static str,
}

impl Verify {
    fn new(app: &App, language: Language, results: Option<String>) -> Self {
        let limits = app.limits();
        let (megabytes, files) = (limits.upload_bytes / (1024 * 1024), limits.upload_files);
        let hint = match language {
            Language::Vi => format!(
                "PDF, chữ ký CAdES (.p7s, .p7m), XML, tệp ASiC (.asice, .asics, .bdoc, .edoc). Nhiều nhất {files} tệp \
                 một lần, tổng cộng {megabytes} MB."
            ),
            Language::En => format!(
                "PDF, CAdES signatures (.p7s, .p7m), XML, ASiC containers (.asice, .asics, .bdoc, .edoc). At most {files} \
                 files at a time, {megabytes} MB in all."
            ),
        };
        let legend = [Tone::Valid, Tone::Indeterminate, Tone::Invalid, Tone::Unsigned].map(|tone| Line {
            tone: tone.class(),
            word: tone.word(language.of_reports()),
            meaning: tone.meaning(language.of_reports()),
        });
        Self {
            frame: Frame::new(language, language.pick("/kiem-tra", "/verify")),
            hint,
            legend,
            accept: ACCEPT,
            results,
        }
    }
}

#[derive(Template)]
#[template(path = "results.html")]
struct Results {
    frame: Frame,
    documents: Vec<Document>,
    json: String,
    pdf: String,
}

impl Results {
    fn new(language: Language, report: &Report) -> Result<Self, Problem> {
        let documents = people::tell(report, language.of_reports());
        let paper = paper::pdf(&documents, language.of_reports());
        let paper = paper.map_err(|error| Problem::new(&super::problem::INTERNAL).caused_by(&error))?;
        let json = serde_json::to_vec_pretty(report).unwrap_or_default();
        // Links, so that nothing has to be kept here for a reader who may come back for it.
        let link = |kind: &str, bytes: Vec<u8>| format!("data:{kind};base64,{}", STANDARD.encode(bytes));
        Ok(Self {
            frame: Frame::new(language, language.pick("/kiem-tra", "/verify")),
            documents,
            json: link("application/json", json),
            pdf: link("application/pdf", paper),
        })
    }
}

/// What the dialog for files offers: media types, and endings for those that systems know none for.
const ACCEPT: &str = "application/pdf,.pdf,.p7s,.p7m,.sig,.xml,.edxml,.asice,.sce,.asics,.scs,.bdoc,.edoc,\
                      application/pkcs7-signature,application/pkcs7-mime,application/xml,text/xml,\
                      application/vnd.etsi.asic-e+zip,application/vnd.etsi.asic-s+zip";

/// The header by which our script asks for the results alone.
const PART: &str = "x-kyso-part";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::validation::{Message, Unreadable};

    #[test]
    fn a_name_from_outside_stays_text() {
        let error = Message { key: "file.damaged".to_owned(), message: "<i>A</i>".to_owned() };
        let file = Unreadable { name: "<script>x</script>.pdf".to_owned(), error };
        let report = Report { documents: Vec::new(), unreadable: vec![file] };
        let html = Results::new(Language::Vi, &report).unwrap().render().unwrap();
        assert!(!html.contains("<script>") && !html.contains("<i>"), "{html}");
    }
}
