//! Logs and metrics.
//!
//! Logs are JSON lines on standard error, filtered by `KYSO_LOG` (the directives of `tracing_subscriber`'s
//! `EnvFilter`, `info` when unset). No line holds a PIN, an API key or a document's content: nothing that logs
//! is given one.

use std::{
    fs::File,
    io,
    path::Path,
    sync::{Arc, OnceLock},
    time::Duration,
};

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::EnvFilter;

use crate::{
    fetch::FETCHES,
    service::{
        time_stamping::TIME_STAMPS,
        upkeep::{UPKEEP_SECONDS, UPKEEPS},
    },
};

/// Starts the log of a long-running program on standard error. A second call changes nothing.
pub fn start_log() {
    start(std::io::stderr);
}

/// Starts the log in a file, for a program that shows people something else on the terminal.
///
/// # Errors
///
/// When the file cannot be made.
pub fn start_log_in(path: &Path) -> io::Result<()> {
    let file = File::options().create(true).append(true).open(path)?;
    start(Arc::new(file));
    Ok(())
}

fn start<W>(writer: W)
where
    W: for<'w> tracing_subscriber::fmt::MakeWriter<'w> + Send + Sync + 'static,
{
    let filter = std::env::var("KYSO_LOG").ok().and_then(|text| EnvFilter::try_new(text).ok());
    let _already_started = tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(true)
        .with_span_list(false)
        .with_writer(writer)
        .with_env_filter(filter.unwrap_or_else(|| EnvFilter::new(DEFAULT_FILTER)))
        .try_init();
}

/// The process's metrics, started by the first call.
///
/// When another recorder was installed before, the handle renders nothing; kyso itself installs no other.
pub fn metrics() -> &'static PrometheusHandle {
    static METRICS: OnceLock<PrometheusHandle> = OnceLock::new();
    METRICS.get_or_init(|| {
        let recorder = recorder();
        let handle = recorder.handle();
        if metrics::set_global_recorder(recorder).is_ok() {
            describe();
        }
        handle
    })
}

/// One HTTP request answered. `route` is the pattern, never the path, so that ids make no new series.
pub fn request_answered(method: &str, route: &str, status: u16, took: Duration) {
    let labels = [("method", method.to_owned()), ("route", route.to_owned()), ("status", status.to_string())];
    metrics::counter!(REQUESTS, &labels).increment(1);
    metrics::histogram!(REQUEST_SECONDS, &labels[..2]).record(took);
}

/// One document judged; `overall` is `valid`, `invalid`, `indeterminate`, `unsigned` or `unreadable`.
pub fn document_judged(overall: &'static str, took: Duration) {
    metrics::counter!(VERDICTS, "overall" => overall).increment(1);
    metrics::histogram!(VERIFY_SECONDS).record(took);
}

/// One signature made, or not: `outcome` is `made` or a problem's code.
pub fn signature_made(outcome: &'static str, took: Duration) {
    metrics::counter!(SIGNATURES, "outcome" => outcome).increment(1);
    metrics::histogram!(SIGN_SECONDS).record(took);
}

/// Deliveries moved by one dispatch event; `event` is `sent`, `arrived`, `accepted` or `refused`.
pub fn dispatch_event(event: &'static str, deliveries: u64) {
    metrics::counter!(DISPATCH_EVENTS, "event" => event).increment(deliveries);
}

fn recorder() -> metrics_exporter_prometheus::PrometheusRecorder {
    let builder = PrometheusBuilder::new();
    let seconds = Matcher::Suffix("_seconds".to_owned());
    match builder.set_buckets_for_metric(seconds, BUCKETS) {
        Ok(builder) => builder.build_recorder(),
        // The list of bounds below is not empty, which is the only thing that the builder refuses.
        Err(_) => PrometheusBuilder::new().build_recorder(),
    }
}

fn describe() {
    metrics::describe_counter!(REQUESTS, "HTTP requests answered");
    metrics::describe_histogram!(REQUEST_SECONDS, "Time to answer an HTTP request, in seconds");
    metrics::describe_counter!(VERDICTS, "Documents judged, by overall verdict");
    metrics::describe_histogram!(VERIFY_SECONDS, "Time to judge a document, in seconds");
    metrics::describe_counter!(SIGNATURES, "Signatures asked of server-held tokens, by outcome");
    metrics::describe_histogram!(SIGN_SECONDS, "Time to sign a document, in seconds");
    metrics::describe_counter!(FETCHES, "Evidence and time-stamps asked for, by kind and outcome");
    metrics::describe_counter!(TIME_STAMPS, "Time-stamps asked for, by authority and outcome");
    metrics::describe_counter!(
        UPKEEPS,
        "Signatures raised and archive time-stamps renewed, by task and outcome"
    );
    metrics::describe_histogram!(UPKEEP_SECONDS, "Time to raise or renew one document, in seconds");
    metrics::describe_counter!(DISPATCH_EVENTS, "Dispatch events recorded, one a delivery");
}

/// Everything at `info`, but the database driver's and the protocol's chatter.
const DEFAULT_FILTER: &str = "info,sqlx=warn,hyper=warn,rustls=warn";
/// Upper bounds in seconds: from a health check to a slow token with a time-stamp.
const BUCKETS: &[f64] = &[0.001, 0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

const REQUESTS: &str = "kyso_http_requests_total";
const REQUEST_SECONDS: &str = "kyso_http_request_duration_seconds";
const VERDICTS: &str = "kyso_verdicts_total";
const VERIFY_SECONDS: &str = "kyso_verify_duration_seconds";
const SIGNATURES: &str = "kyso_signatures_total";
const SIGN_SECONDS: &str = "kyso_sign_duration_seconds";
const DISPATCH_EVENTS: &str = "kyso_dispatch_events_total";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_counted_is_rendered() {
        let recorder = recorder();
        let handle = recorder.handle();
        metrics::with_local_recorder(&recorder, || {
            describe();
            request_answered("GET", "/healthz", 200, Duration::from_millis(3));
            document_judged("valid", Duration::from_millis(30));
            signature_made("made", Duration::from_millis(300));
            dispatch_event("sent", 3);
            let nowhere = crate::fetch::Fetcher::new().get_crl("nowhere");
            assert!(nowhere.is_err());
        });
        let text = handle.render();
        for line in [
            "kyso_http_requests_total{method=\"GET\",route=\"/healthz\",status=\"200\"} 1",
            "kyso_http_request_duration_seconds_bucket{method=\"GET\",route=\"/healthz\",le=\"0.005\"} 1",
            "kyso_verdicts_total{overall=\"valid\"} 1",
            "kyso_signatures_total{outcome=\"made\"} 1",
            "kyso_dispatch_events_total{event=\"sent\"} 3",
            "kyso_fetches_total{kind=\"crl\",outcome=\"failed\"} 1",
        ] {
            assert!(text.contains(line), "{line} is not in\n{text}");
        }
    }
}
