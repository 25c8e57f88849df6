//! What every request passes on its way in and out: its id, the log, the metrics, the safety headers, and the
//! rendering of problems. A panic below becomes a problem like any other failure.

use std::{
    net::{IpAddr, SocketAddr},
    panic::AssertUnwindSafe,
    time::Instant,
};

use axum::{
    extract::{ConnectInfo, MatchedPath, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use futures_util::FutureExt as _;
use tracing::Instrument as _;

use super::{
    App,
    problem::{self, Asked, Problem},
};
use crate::{base::Id, telemetry};

/// The id of a request, in the log, in `X-Request-Id` and in problems.
#[derive(Clone, Debug)]
pub(super) struct RequestId;

/// Wraps all routes.
pub(super) async fn observe(State(app): State<App>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let request_id = given_id(request.headers()).unwrap_or_else(|| fresh_id(&app));
    let asked = Asked::of(&request, request_id.clone());
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().map_or("(none)", MatchedPath::as_str).to_owned();
    let trace_id = trace_id(request.headers());
    let span =
        tracing::info_span!("request", request_id, trace_id, %method, route, key = tracing::field::Empty);

    let answered = AssertUnwindSafe(next.run(request)).catch_unwind().instrument(span.clone()).await;
    let response = answered.unwrap_or_else(|_panic| {
        // The panic hook has already written message and place to the log.
        Problem::new(&problem::INTERNAL).into_response()
    });

    let mut response = problem::render(response, &asked);
    let took = started.elapsed();
    let status = response.status().as_u16();
    telemetry::request_answered(method.as_str(), &route, status, took);
    span.in_scope(|| log_answer(&asked.path, &response, took.as_secs_f64()));
    add_headers(&app, response.headers_mut(), &request_id);
    response
}

fn log_answer(path: &str, response: &Response, seconds: f64) {
    let status = response.status().as_u16();
    match response.extensions().get::<Problem>() {
        Some(problem) if status >= 500 => {
            tracing::error!(
                path,
                status,
                seconds,
                code = problem.entry().code,
                cause = problem.cause(),
                "failed"
            );
        }
        Some(problem) => {
            tracing::info!(
                path,
                status,
                seconds,
                code = problem.entry().code,
                cause = problem.cause(),
                "refused"
            );
        }
        None => tracing::info!(path, status, seconds, "answered"),
    }
}

/// `X-Request-Id` as the client gave it, when it is short and plain.
fn given_id(headers: &HeaderMap) -> Option<String> {
    let given = headers.get(REQUEST_ID)?.to_str().ok()?;
    let plain = given.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'));
    (plain && (1..=64).contains(&given.len())).then(|| given.to_owned())
}

fn fresh_id(app: &App) -> String {
    Id::<RequestId>::new(app.clock().now(), app.chance()).to_string()
}

/// The trace id of `traceparent` (W3C Trace Context section 3.2), when it is well formed.
fn trace_id(headers: &HeaderMap) -> Option<String> {
    let mut parts = headers.get("traceparent")?.to_str().ok()?.split('-');
    let (version, trace, parent, _flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let hex = |text: &str, len: usize| {
        text.len() == len && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    let usable = hex(version, 2) && version != "ff" && hex(trace, 32) && hex(parent, 16);
    (usable && trace.bytes().any(|byte| byte != b'0')).then(|| trace.to_owned())
}

/// The address of the client: the peer, or what the proxy in front says of it.
pub(super) fn client_address(request: &Request, behind_proxy: bool) -> IpAddr {
    let forwarded = request.headers().get_all("x-forwarded-for").iter().next_back();
    let last = forwarded.and_then(|value| value.to_str().ok()?.rsplit(',').next()?.trim().parse().ok());
    if let (true, Some(address)) = (behind_proxy, last) {
        return address;
    }
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    peer.map_or(IpAddr::from([0, 0, 0, 0]), |ConnectInfo(peer)| peer.ip())
}

fn add_headers(app: &App, headers: &mut HeaderMap, request_id: &str) {
    for (name, value) in SAFETY {
        headers.insert(name.clone(), HeaderValue::from_static(value));
    }
    if app.over_tls() {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
    }
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    if let Ok(value) = HeaderValue::from_str(request_id) {
        headers.insert(REQUEST_ID, value);
    }
}

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Nothing from outside, nothing inside a frame, no guessing of types, no address passed on.
///
/// `data:` for nothing but a downloaded report, which is a link and so needs no permission here.
const SAFETY: [(HeaderName, &str); 6] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
         form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: &'static str, value: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(name, value.parse().unwrap());
        headers
    }

    #[test]
    fn a_request_id_is_taken_over_when_it_is_plain() {
        assert_eq!(given_id(&headers("x-request-id", "abc-1.2_3")).as_deref(), Some("abc-1.2_3"));
        assert_eq!(given_id(&headers("x-request-id", "a b")), None);
        assert_eq!(given_id(&headers("x-request-id", "\"}{")), None);
        assert_eq!(given_id(&headers("x-request-id", &"a".repeat(65))), None);
    }

    #[test]
    fn a_trace_id_is_taken_over_when_it_is_well_formed() {
        let good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        assert_eq!(
            trace_id(&headers("traceparent", good)).as_deref(),
            Some("4bf92f3577b34da6a3ce929d0e0e4736")
        );
        for bad in ["", "00-4bf9-00f0-01", &good.replace("00-", "ff-"), &good.to_uppercase()] {
            assert_eq!(trace_id(&headers("traceparent", bad)), None, "{bad}");
        }
    }

    #[test]
    fn the_proxys_word_counts_only_where_a_proxy_is_configured() {
        let mut request = Request::new(axum::body::Body::empty());
        request.extensions_mut().insert(ConnectInfo(SocketAddr::from(([10, 0, 0, 1], 1))));
        request.headers_mut().insert("x-forwarded-for", "1.1.1.1, 2.2.2.2".parse().unwrap());
        assert_eq!(client_address(&request, false), IpAddr::from([10, 0, 0, 1]));
        assert_eq!(client_address(&request, true), IpAddr::from([2, 2, 2, 2]));
    }
}
