//! One HTTP call: no redirects, no proxy, no cookies, no compression; bounded in bytes and in time.

use std::{
    io::Read as _,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use ureq::{
    Agent,
    http::{HeaderMap, StatusCode, Uri, header::CACHE_CONTROL},
    tls::{Certificate, PemItem, RootCerts, TlsConfig, TlsProvider},
    unversioned::transport::DefaultConnector,
};

use super::{FetchError, guard::Door};

/// What came, and how long HTTP says it may be kept.
pub(super) struct Answer {
    pub(super) bytes: Vec<u8>,
    pub(super) max_age: Option<Duration>,
}

pub(super) fn agent(door: Door, roots: &[Certificate<'static>]) -> Agent {
    let tls = TlsConfig::builder()
        .provider(TlsProvider::Rustls)
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .root_certs(RootCerts::new_with_certs(roots))
        .build();
    let config = Agent::config_builder()
        .proxy(None)
        .max_redirects(0)
        .http_status_as_error(false)
        // A kept connection would pass by the guard.
        .max_idle_connections(0)
        .max_response_header_size(16 * 1024)
        .timeout_connect(Some(CONNECT_DEADLINE))
        .user_agent(concat!("kyso/", env!("CARGO_PKG_VERSION")))
        .tls_config(tls)
        .build();
    Agent::with_parts(config, DefaultConnector::default(), door)
}

/// The certificates that this machine trusts for https: `SSL_CERT_FILE`, else where Linux systems keep them.
///
/// With none found, https addresses fail and http ones work: what they bring is signed in itself.
pub(super) fn system_roots() -> Vec<Certificate<'static>> {
    let named = std::env::var_os("SSL_CERT_FILE").map(PathBuf::from);
    named
        .into_iter()
        .chain(ROOT_BUNDLES.map(PathBuf::from))
        .filter_map(|path| std::fs::read(path).ok())
        .map(|pem| certificates(&pem))
        .find(|found| !found.is_empty())
        .unwrap_or_default()
}

pub(super) fn certificates(pem: &[u8]) -> Vec<Certificate<'static>> {
    let found = ureq::tls::parse_pem(pem).filter_map(|item| match item {
        Ok(PemItem::Certificate(certificate)) => Some(certificate),
        _ => None,
    });
    found.collect()
}

pub(super) fn get(
    agent: &Agent,
    url: &str,
    accept: &str,
    most: u64,
    deadline: Instant,
) -> Result<Answer, FetchError> {
    let call = agent.get(url).header("accept", accept);
    let call = call.config().timeout_global(Some(left(url, deadline)?)).build();
    answer(url, most, call.call())
}

pub(super) fn post(
    agent: &Agent,
    url: &str,
    request: &[u8],
    (sent, wanted): (&str, &str),
    most: u64,
    deadline: Instant,
) -> Result<Answer, FetchError> {
    let call = agent.post(url).header("content-type", sent).header("accept", wanted);
    let call = call.config().timeout_global(Some(left(url, deadline)?)).build();
    answer(url, most, call.send(request))
}

fn left(url: &str, deadline: Instant) -> Result<Duration, FetchError> {
    match deadline.saturating_duration_since(Instant::now()) {
        Duration::ZERO => Err(FetchError::timeout(url)),
        left => Ok(left),
    }
}

fn answer(
    url: &str,
    most: u64,
    answer: Result<ureq::http::Response<ureq::Body>, ureq::Error>,
) -> Result<Answer, FetchError> {
    let mut answer = answer.map_err(|error| FetchError::from_ureq(url, most, error))?;
    if answer.status() != StatusCode::OK {
        return Err(FetchError::Status { url: url.to_owned(), status: answer.status().as_u16() });
    }
    let max_age = max_age(answer.headers());
    let mut bytes = Vec::new();
    let mut reader = answer.body_mut().with_config().limit(most).reader();
    match reader.read_to_end(&mut bytes) {
        Ok(_) => Ok(Answer { bytes, max_age }),
        Err(error) => Err(FetchError::from_ureq(url, most, error.into())),
    }
}

/// How long an answer may be kept by RFC 9111 section 5.2.2; `None` when the server does not say.
fn max_age(headers: &HeaderMap) -> Option<Duration> {
    let lines = headers.get_all(CACHE_CONTROL).into_iter().filter_map(|line| line.to_str().ok());
    let ages = lines.flat_map(|line| line.split(',')).filter_map(|directive| {
        let directive = directive.trim().to_ascii_lowercase();
        match directive.split_once('=') {
            Some(("max-age", seconds)) => seconds.trim_matches('"').parse().ok().map(Duration::from_secs),
            Some(_) => None,
            None => matches!(directive.as_str(), "no-store" | "no-cache").then_some(Duration::ZERO),
        }
    });
    ages.min()
}

/// What can be seen before the name is resolved; the guard proper stands in the resolver.
pub(super) fn check_url(url: &str) -> Result<Uri, FetchError> {
    let refuse = |reason| Err(FetchError::Address { url: url.chars().take(200).collect(), reason });
    if url.len() > MAX_URL {
        return refuse("it is too long");
    }
    let Ok(parsed) = url.parse::<Uri>() else {
        return refuse("it is not a URL");
    };
    if !matches!(parsed.scheme_str(), Some("http" | "https")) {
        return refuse("only http and https are followed");
    }
    match parsed.authority() {
        None => refuse("it names no host"),
        Some(authority) if authority.as_str().contains('@') => refuse("it holds a user name"),
        Some(authority) if authority.host().is_empty() => refuse("it names no host"),
        Some(_) => Ok(parsed),
    }
}

/// A host that does not answer the first packet by then is not there.
const CONNECT_DEADLINE: Duration = Duration::from_secs(5);

/// In bytes. No honest certificate comes near.
pub(super) const MAX_URL: usize = 2_000;

/// Debian and Ubuntu, Fedora and its kin, openSUSE.
const ROOT_BUNDLES: [&str; 3] =
    ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shortest_age_counts() {
        for (lines, expected) in [
            (&[][..], None),
            (&["public"], None),
            (&["public, max-age=60"], Some(60)),
            (&["Max-Age=\"60\""], Some(60)),
            (&["max-age=60, max-age=7"], Some(7)),
            (&["max-age=60", "no-store"], Some(0)),
            (&["no-cache"], Some(0)),
            (&["no-cache=\"set-cookie\", max-age=60"], Some(60)),
            (&["max-age=-1"], None),
            (&["max-age=99999999999999999999999"], None),
            (&["max-age=18446744073709551615"], Some(u64::MAX)),
        ] {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(CACHE_CONTROL, line.parse().unwrap());
            }
            assert_eq!(max_age(&headers), expected.map(Duration::from_secs), "{lines:?}");
        }
    }
}
