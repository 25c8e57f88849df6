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
    base::{Limits, Password, ProtectedSource, Source},
    service::beside::Wanted,
    service::verify::{Options, VerifyError, verify_signed},
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

/// The verdict on what people choose together: as [`judge_form`]; but a signature that lies apart is judged with the file
/// among them that it is about, by its name, or because there is no other.
pub(super) async fn judge_together(app: &App, form: Form) -> Result<Report, Problem> {
    if !form.detached.is_empty() || form.files.len() < 2 {
        return judge_form(app, form, || {}).await;
    }
    let files: Arc<[Upload]> = form.files.into();
    let (this, all) = (Arc::clone(&files), app.desk().limits.clone());
    let turn = app.turn().await?;
    let pairs = app.blocking(move || pairs(&this, &all)).await??;
    drop(turn);
    let mut work = Vec::new();
    for (file, about) in files.iter().zip(&pairs) {
        let detached =
            about.iter().map(|(name, at)| Ok(Detached { name: name.clone(), source: opened(&files, *at)? }));
        let source = (open(file)?, form.password.clone());
        work.push((source, file.name.clone(), detached.collect::<Result<Vec<_>, Problem>>()?));
    }
    let mut report = Report::default();
    let verdicts =
        stream::iter(work).map(|(source, name, detached)| judge_source(app, source, name, detached));
    let mut verdicts = pin!(verdicts.buffered(app.limits().parallel_work.max(1)));
    let mut at = 0;
    while let Some(verdict) = verdicts.next().await {
        let is_about = pairs.iter().flatten().any(|(_, other)| *other == at);
        at += 1;
        match verdict? {
            // It was judged with the signature that is about it, and has none of its own.
            Ok(document) if is_about && document.overall == Overall::Unsigned => {}
            Err(_) if is_about => {}
            Ok(document) => report.documents.push(document),
            Err(unreadable) => report.unreadable.push(unreadable),
        }
    }
    // The files go now.
    drop(files);
    Ok(report)
}

/// For each file the others that its signatures are about: what they call it, and its place.
fn pairs(files: &[Upload], limits: &Limits) -> Result<Vec<Vec<(String, usize)>>, Problem> {
    let mut wanted = Vec::new();
    for file in files {
        let source: Arc<dyn Source> = Arc::new(open(file)?);
        let wish = Wanted::of(&file.name, &source, limits);
        wanted.push(wish.map_err(|error| Problem::new(&problem::INTERNAL).caused_by(&error))?);
    }
    let named = |own: usize, name: &str| {
        // What an XML signature names may have a folder in front, which no browser tells.
        let last = name.rsplit('/').next().unwrap_or(name);
        files.iter().enumerate().position(|(at, file)| at != own && (file.name == name || file.name == last))
    };
    let is_signature = |at: &usize| wanted.get(*at).is_some_and(|wish| *wish != Wanted::Nothing);
    let plain: Vec<usize> = (0..files.len()).filter(|at| !is_signature(at)).collect();
    let pair = |(own, wish): (usize, &Wanted)| {
        let names = match wish {
            Wanted::All(names) | Wanted::One(names) => names.as_slice(),
            Wanted::Nothing => return Vec::new(),
        };
        let found = names.iter().filter_map(|name| Some((name.clone(), named(own, name)?)));
        let mut found: Vec<_> = match wish {
            Wanted::One(_) => found.take(1).collect(),
            _ => found.collect(),
        };
        if let (true, Wanted::One(_), [only], 2) = (found.is_empty(), wish, &plain[..], files.len()) {
            let name = files.get(*only).map(|file| file.name.clone()).unwrap_or_default();
            found.push((name, *only));
        }
        found
    };
    Ok(wanted.iter().enumerate().map(pair).collect())
}

fn open(file: &Upload) -> Result<FileSource, Problem> {
    FileSource::open(file.file.path()).map_err(|error| Problem::new(&problem::INTERNAL).caused_by(&error))
}

fn opened(files: &[Upload], at: usize) -> Result<Arc<dyn Source>, Problem> {
    let file = files.get(at).ok_or_else(|| Problem::new(&problem::INTERNAL))?;
    Ok(Arc::new(open(file)?))
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

/// What `judge` says of signatures about files that stayed with the caller.
pub(super) async fn judge_apart(
    app: &App,
    name: String,
    judge: impl FnOnce(&str, &Options<'_>) -> Result<DocumentReport, VerifyError> + Send + 'static,
) -> Result<Result<DocumentReport, Unreadable>, Problem> {
    let _turn = app.turn().await?;
    let this = app.clone();
    app.blocking(move || caught(&this, &name, |options| judge(&name, options))).await
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
