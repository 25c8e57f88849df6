//! Judging files that came in, a few at a time, each on a thread of its own.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    sync::Arc,
    time::Instant,
};

use futures_util::{StreamExt as _, stream};

use super::{
    App, Problem, problem,
    upload::{Form, Upload},
};
use crate::{
    base::{Digest, Password, ProtectedSource},
    service::verify::{Options, VerifyError, verify_digests, verify_signed},
    store::FileSource,
    telemetry,
    validation::{Detached, DocumentReport, Message, Overall, Report, Unreadable},
};

/// The verdict on each file, in the order given, those being opened that `password` opens; `judged` is called after each.
pub(super) async fn judge(
    app: &App,
    files: Vec<Upload>,
    password: Option<Arc<Password>>,
    judged: impl Fn(),
) -> Result<Report, Problem> {
    let mut report = Report::default();
    // Everybody's files wait for the same places: one request may ask for all of them, and gets its share.
    let verdicts = stream::iter(files).map(|file| judge_upload(app, file, password.clone()));
    let mut verdicts = pin!(verdicts.buffered(app.limits().parallel_work.max(1)));
    while let Some(verdict) = verdicts.next().await {
        match verdict? {
            Ok(document) => report.documents.push(document),
            Err(unreadable) => report.unreadable.push(unreadable),
        }
        judged();
    }
    Ok(report)
}

/// The verdict on a form: as [`judge`]; or on one signature and the files that it is about.
pub(super) async fn judge_form(app: &App, form: Form, judged: impl Fn()) -> Result<Report, Problem> {
    if form.detached.is_empty() {
        return judge(app, form.files, form.password, judged).await;
    }
    let detached = form.detached.iter().map(|upload| {
        let source = FileSource::open(upload.file.path());
        let source = source.map_err(|error| Problem::new(&problem::INTERNAL).caused_by(&error))?;
        let source = ProtectedSource::new(source, form.password.clone());
        Ok(Detached { name: upload.name.clone(), source: Arc::new(source) })
    });
    let detached = detached.collect::<Result<Vec<_>, Problem>>()?;
    let [Upload { file, name, .. }] = <[Upload; 1]>::try_from(form.files).map_err(|files| {
        Problem::new(&problem::MALFORMED).because(
            format!("Với phần detached cần đúng một tệp chữ ký, yêu cầu có {}.", files.len()),
            format!(
                "With a part named detached exactly one signature file is needed, the request has {}.",
                files.len()
            ),
        )
    })?;
    let source = FileSource::open(file.path());
    let source = source.map_err(|error| Problem::new(&problem::INTERNAL).caused_by(&error))?;
    let mut report = Report::default();
    match judge_source(app, (source, form.password), name, detached).await? {
        Ok(document) => report.documents.push(document),
        Err(unreadable) => report.unreadable.push(unreadable),
    }
    judged();
    // The files go now.
    drop(form.detached);
    Ok(report)
}

async fn judge_upload(
    app: &App,
    upload: Upload,
    password: Option<Arc<Password>>,
) -> Result<Result<DocumentReport, Unreadable>, Problem> {
    // The file goes when this ends.
    let Upload { file, name, .. } = upload;
    let source = FileSource::open(file.path());
    let source = source.map_err(|error| Problem::new(&problem::INTERNAL).caused_by(&error))?;
    judge_source(app, (source, password), name, Vec::new()).await
}

/// The verdict on a stored file, which `password` may open.
pub(super) async fn judge_stored(
    app: &App,
    source: FileSource,
    password: Option<Arc<Password>>,
    name: String,
) -> Result<DocumentReport, Problem> {
    judge_source(app, (source, password), name, Vec::new()).await?.map_err(|unreadable| {
        if ["file.encrypted", "file.password"].contains(&unreadable.error.key.as_str()) {
            return Problem::new(&problem::DOCUMENT_PASSWORD).at(
                "/password",
                &unreadable.error.key,
                unreadable.error.message,
            );
        }
        Problem::new(&problem::REPORT_NOT_VALID)
            .because("Không đọc được tệp đã gửi.", "The file that was sent cannot be read.")
            .at("", &unreadable.error.key, unreadable.error.message)
    })
}

async fn judge_source(
    app: &App,
    (source, password): (FileSource, Option<Arc<Password>>),
    name: String,
    detached: Vec<Detached>,
) -> Result<Result<DocumentReport, Unreadable>, Problem> {
    let _turn = app.turn().await?;
    let (this, started) = (app.clone(), Instant::now());
    let source = ProtectedSource::new(source, password);
    let judged = app.blocking(move || judge_file(&this, source, &name, &detached)).await?;
    let overall = judged.as_ref().map_or("unreadable", |document| overall_word(document.overall));
    telemetry::document_judged(overall, started.elapsed());
    Ok(judged)
}

/// The verdict on a detached signature over bytes that the client digested.
pub(super) async fn judge_digests(
    app: &App,
    name: String,
    cms: Vec<u8>,
    digests: Vec<Digest>,
) -> Result<Result<DocumentReport, Unreadable>, Problem> {
    let _turn = app.turn().await?;
    let this = app.clone();
    app.blocking(move || caught(&this, &name, |options| Ok(verify_digests(&name, &cms, &digests, options))))
        .await
}

fn judge_file(
    app: &App,
    source: ProtectedSource<FileSource>,
    name: &str,
    detached: &[Detached],
) -> Result<DocumentReport, Unreadable> {
    caught(app, name, |options| verify_signed(name, Arc::new(source), detached, options))
}

/// What `judge` says, under the settings of this server.
fn caught(
    app: &App,
    name: &str,
    judge: impl FnOnce(&Options<'_>) -> Result<DocumentReport, VerifyError>,
) -> Result<DocumentReport, Unreadable> {
    let desk = app.desk();
    let options = Options {
        anchors: &desk.anchors,
        policy: &desk.policy,
        moment: desk.clock.now(),
        fetcher: desk.online.then_some(&*desk.fetcher),
        limits: &desk.limits,
    };
    let judged = catch_unwind(AssertUnwindSafe(|| judge(&options)));
    let error = match judged {
        Ok(Ok(document)) => return Ok(document),
        Ok(Err(error)) => error.message(),
        // One file on which we fail is no reason to leave the others unjudged.
        Err(_panic) => {
            let message = "kyso failed on this file; please report it, with the file if you may.".to_owned();
            Message { key: "internal".to_owned(), message }
        }
    };
    Err(Unreadable { name: name.to_owned(), error })
}

/// The word of the JSON report.
fn overall_word(overall: Overall) -> &'static str {
    match overall {
        Overall::Valid => "valid",
        Overall::Invalid => "invalid",
        Overall::Indeterminate => "indeterminate",
        Overall::Unsigned => "unsigned",
    }
}
