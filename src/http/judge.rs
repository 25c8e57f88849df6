//! Judging files that came in, a few at a time, each on a thread of its own.

use std::{sync::Arc, time::Instant};

use super::{App, Problem, upload::Upload};
use crate::{
    store::FileSource,
    telemetry,
    trust::Anchors,
    validation::{DocumentReport, Inspection, Message, Overall, Policy, Report, Unreadable},
};

/// The verdict on each file, in the order given.
pub(super) async fn judge(app: &App, files: Vec<Upload>) -> Result<Report, Problem> {
    let mut report = Report::default();
    for file in files {
        let (app, started) = (app.clone(), Instant::now());
        let judged = app.clone().blocking(move || judge_file(&app, file)).await?;
        let overall = judged.as_ref().map_or("unreadable", |document| overall_word(document.overall));
        telemetry::document_judged(overall, started.elapsed());
        match judged {
            Ok(document) => report.documents.push(document),
            Err(unreadable) => report.unreadable.push(unreadable),
        }
    }
    Ok(report)
}

fn judge_file(app: &App, file: Upload) -> Result<DocumentReport, Unreadable> {
    let name = file.name;
    let unreadable = |error: &dyn std::error::Error| Unreadable {
        name: name.clone(),
        error: Message { key: "file.unreadable".to_owned(), message: error.to_string() },
    };
    let source = FileSource::of(file.file).map_err(|error| unreadable(&error))?;
    let inspection =
        Inspection::open(Arc::new(source), &app.limits().readers()).map_err(|error| unreadable(&error))?;
    Ok(inspection.judge(&name, &Policy::strict(), &Anchors::default(), app.clock().now()))
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
