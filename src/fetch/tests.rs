//! The door against small servers of our own.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::atomic::{AtomicUsize, Ordering},
};

use super::*;

/// A server that answers each connection by `answer(number, head, body)`.
struct Server {
    port: u16,
    calls: Arc<AtomicUsize>,
}

impl Server {
    fn start(answer: impl Fn(usize, &str, &[u8]) -> Vec<u8> + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let calls = Arc::new(AtomicUsize::new(0));
        let counted = calls.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let number = counted.fetch_add(1, Ordering::SeqCst);
                let _ = converse(stream, |head, body| answer(number, head, body));
            }
        });
        Self { port, calls }
    }

    fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }

    fn fetcher(&self) -> Fetcher {
        Fetcher::allowing([format!("127.0.0.1:{}", self.port)])
    }
}

fn converse(mut stream: TcpStream, answer: impl Fn(&str, &[u8]) -> Vec<u8>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head)? == 0 {
            return Ok(());
        }
    }
    let head = head.to_ascii_lowercase();
    let len =
        head.lines().find_map(|line| line.strip_prefix("content-length: ")).map_or(0, |n| n.parse().unwrap());
    let mut body = vec![0; len];
    reader.read_exact(&mut body)?;
    stream.write_all(&answer(&head, &body))
}

fn ok(body: &[u8]) -> Vec<u8> {
    [
        format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len()).as_bytes(),
        body,
    ]
    .concat()
}

fn status(line: &str) -> Vec<u8> {
    format!("HTTP/1.1 {line}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").into_bytes()
}

#[test]
fn addresses_inside_are_refused_however_they_are_written() {
    let server = Server::start(|_, _, _| ok(b"secret"));
    let port = server.port;
    let fetcher = Fetcher::allowing(["ocsp.intranet.example", "127.0.0.1:1"]);
    for host in [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "localhost",
        "0.0.0.0",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.0.1",
        "169.254.169.254",
        "100.64.0.1",
        "[fc00::1]",
        "[fe80::1]",
        "224.0.0.1",
    ] {
        let url = format!("http://{host}:{port}/");
        let error = fetcher.get_crl(&url).unwrap_err();
        // A system's resolver may refuse the odd spellings outright; none may connect.
        let odd = ["127.1", "2130706433", "0x7f000001", "0177.0.0.1", "localhost"].contains(&host);
        assert!(
            matches!(error, FetchError::Forbidden { .. })
                || odd && matches!(error, FetchError::HostNotFound { .. } | FetchError::Connection { .. }),
            "{url}: {error:?}"
        );
    }
    for host in ["127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "169.254.169.254"] {
        let url = format!("http://{host}:{port}/");
        assert!(matches!(fetcher.post_ocsp(&url, b"?"), Err(FetchError::Forbidden { .. })), "{url}");
        assert!(matches!(fetcher.get_certificate(&url), Err(FetchError::Forbidden { .. })), "{url}");
    }
    assert_eq!(server.calls(), 0);
}

#[test]
fn an_allowed_host_is_reached_and_its_neighbour_is_not() {
    let (server, neighbour) = (Server::start(|_, _, _| ok(b"crl")), Server::start(|_, _, _| ok(b"no")));
    let fetcher = server.fetcher();
    assert_eq!(fetcher.get_crl(&server.url("/a.crl")).unwrap(), b"crl");
    assert!(matches!(fetcher.get_crl(&neighbour.url("/a.crl")), Err(FetchError::Forbidden { .. })));
    assert_eq!(neighbour.calls(), 0);
}

#[test]
fn what_is_no_address_is_refused_by_name() {
    let fetcher = Fetcher::new();
    for url in [
        "",
        "ocsp.example",
        "/ca.crl",
        "file:///etc/passwd",
        "ftp://example.com/x",
        "ldap://example.com/cn=CA",
        "http://",
        "http:///x",
        "http://user@example.com/",
        "http://user:pass@127.0.0.1/",
        "http://exa mple.com/",
        &format!("http://example.com/{}", "a".repeat(MAX_URL)),
    ] {
        let error = fetcher.get_crl(url).unwrap_err();
        assert!(matches!(error, FetchError::Address { .. }), "{url}: {error:?}");
        assert!(error.to_string().len() < 300);
        assert!(matches!(fetcher.post_timestamp(url, b"?"), Err(FetchError::Address { .. })), "{url}");
    }
}

#[test]
fn redirects_are_not_followed() {
    let inside = Server::start(|_, _, _| ok(b"secret"));
    let target = inside.url("/");
    let server = Server::start(move |_, _, _| {
        format!("HTTP/1.1 302 Found\r\nlocation: {target}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
            .into()
    });
    let error = server.fetcher().get_crl(&server.url("/")).unwrap_err();
    assert!(matches!(error, FetchError::Status { status: 302, .. }), "{error:?}");
    assert_eq!(inside.calls(), 0);
}

#[test]
fn long_answers_are_cut_off() {
    let server = Server::start(|number, _, _| {
        let endless = vec![0; SMALL_BYTES as usize + 1];
        match number {
            0 => ok(&endless),
            // Without a length, so that only counting helps.
            _ => [&b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n"[..], &endless].concat(),
        }
    });
    for path in ["/known", "/unknown"] {
        let error = server.fetcher().get_certificate(&server.url(path)).unwrap_err();
        assert!(matches!(error, FetchError::TooLong { limit: SMALL_BYTES, .. }), "{error:?}");
    }
}

#[test]
fn answers_are_kept_by_address_and_request() {
    let server = Server::start(|number, _, _| ok(&[number as u8]));
    let fetcher = server.fetcher();
    let ask = |request: &[u8]| fetcher.post_ocsp(&server.url("/ocsp"), request).unwrap();
    assert_eq!((ask(b"one"), ask(b"two"), ask(b"one")), (vec![0], vec![1], vec![0]));
    fetcher.forget();
    assert_eq!(ask(b"one"), [2]);
}

#[test]
fn failures_are_not_kept() {
    let server = Server::start(|number, _, _| if number == 0 { status("404 Not Found") } else { ok(b"crl") });
    let fetcher = server.fetcher();
    assert!(matches!(fetcher.get_crl(&server.url("/")), Err(FetchError::Status { status: 404, .. })));
    assert_eq!(fetcher.get_crl(&server.url("/")).unwrap(), b"crl");
}

#[test]
fn a_time_stamp_authority_is_trusted_asked_again_and_told_what_comes() {
    let server = Server::start(|number, head, body| {
        assert!(head.contains("content-type: application/timestamp-query"), "{head}");
        assert!(head.contains("accept: application/timestamp-reply"), "{head}");
        assert_eq!(body, b"query");
        if number < 2 { status("503 Service Unavailable") } else { ok(b"reply") }
    });
    assert_eq!(Fetcher::new().post_timestamp(&server.url("/tsa"), b"query").unwrap(), b"reply");
    assert_eq!(server.calls(), 3);

    let refusing = Server::start(|_, _, _| status("403 Forbidden"));
    let error = Fetcher::new().post_timestamp(&refusing.url("/"), b"query").unwrap_err();
    assert!(matches!(error, FetchError::Status { status: 403, .. }), "{error:?}");
    assert_eq!(refusing.calls(), 1);
}

#[test]
fn a_dripping_authority_ends_in_time() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n");
        while stream.write_all(b".").is_ok() {
            thread::sleep(Duration::from_millis(20));
        }
    });
    let fetcher = Fetcher::new().with_time_stamp_deadline(Duration::from_millis(400));
    let error = fetcher.post_timestamp(&url, b"query").unwrap_err();
    assert!(matches!(error, FetchError::Timeout { .. }), "{error:?}");
}

#[test]
fn a_silent_authority_ends_in_time() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let fetcher = Fetcher::new().with_time_stamp_deadline(Duration::from_millis(300));
    let start = Instant::now();
    let error = fetcher.post_timestamp(&url, b"query").unwrap_err();
    assert!(matches!(error, FetchError::Timeout { .. }), "{error:?}");
    assert!(start.elapsed() < Duration::from_secs(5));
}
