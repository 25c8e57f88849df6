//! The door against small servers of our own.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::atomic::{AtomicUsize, Ordering},
};

use proptest::prelude::*;

use super::*;
use crate::{
    asn1::{Tag, write},
    base::DigestAlgorithm,
    ocsp::{CertId, CertStatus, Request, ResponderId, ResponseData, ResponseStatus, SingleResponse},
    x509::algorithm::SignatureScheme,
};

pub(super) fn at(text: &str) -> UtcTime {
    text.parse().unwrap()
}

const SCHEME: SignatureScheme = SignatureScheme::Ecdsa(DigestAlgorithm::Sha256);

/// A list that can be read, signed by nobody, with so many octets of filling.
pub(super) fn crl(this_update: &str, next_update: Option<&str>, filling: usize) -> Vec<u8> {
    let filler = write::sequence([
        write::oid(der::oid::ObjectIdentifier::new_unwrap("1.2.3.4")),
        write::octet_string(&vec![0x5A; filling]),
    ]);
    let tbs = write::sequence([
        write::unsigned(&[1]),
        SCHEME.to_identifier(),
        write::sequence([write::value(
            Tag::SET,
            &write::sequence([
                write::oid(der::oid::ObjectIdentifier::new_unwrap("2.5.4.3")),
                write::value(Tag(0x0C), b"CA"),
            ]),
        )]),
        write::time(at(this_update)),
        next_update.map(|next| write::time(at(next))).unwrap_or_default(),
        write::value(Tag::context(0), &write::sequence([filler])),
    ]);
    write::sequence([tbs, SCHEME.to_identifier(), write::bit_string(&[0x5A; 64])])
}

fn cert_id(serial: u8) -> CertId {
    CertId {
        digest: DigestAlgorithm::Sha1,
        issuer_name_hash: vec![1; 20],
        issuer_key_hash: vec![2; 20],
        serial: vec![serial],
    }
}

/// An answer that can be read, signed by nobody.
pub(super) fn ocsp_response(this_update: &str, next_update: Option<&str>, nonce: Option<&[u8]>) -> Vec<u8> {
    let single = SingleResponse {
        cert_id: cert_id(1),
        status: CertStatus::Good,
        this_update: at(this_update),
        next_update: next_update.map(at),
        archive_cutoff: None,
    };
    let data = ResponseData {
        responder_id: ResponderId::ByKey(vec![3; 20]),
        produced_at: at(this_update),
        singles: &[single],
        nonce,
    };
    ocsp::successful_response(&data.to_der(), &SCHEME.to_identifier(), &[0x5A; 64], &[])
}

/// A list of today, and different lists for different numbers.
fn list(number: usize) -> Vec<u8> {
    crl(&Clock::System.now().to_string(), Some("2099-01-01T00:00:00Z"), number)
}

/// A server that answers each connection by `answer(number, head, body)`.
struct Server {
    port: u16,
    calls: Arc<AtomicUsize>,
}

impl Server {
    fn start(answer: impl Fn(usize, &str, &[u8]) -> Vec<u8> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let calls = Arc::new(AtomicUsize::new(0));
        let (counted, answer) = (calls.clone(), Arc::new(answer));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (number, answer) = (counted.fetch_add(1, Ordering::SeqCst), Arc::clone(&answer));
                thread::spawn(move || converse(stream, |head, body| answer(number, head, body)));
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
    let list = list(0);
    let served = list.clone();
    let (server, neighbour) = (Server::start(move |_, _, _| ok(&served)), Server::start(|_, _, _| ok(b"no")));
    let fetcher = server.fetcher();
    assert_eq!(fetcher.get_crl(&server.url("/a.crl")).unwrap(), list);
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
        &format!("http://example.com/{}", "a".repeat(call::MAX_URL)),
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
    let server = Server::start(|_, _, body| {
        let nonce = Request::parse(body).unwrap().nonce;
        ok(&ocsp_response(&Clock::System.now().to_string(), None, nonce.as_deref()))
    });
    let fetcher = server.fetcher();
    let request = |serial| Request::new(cert_id(serial), None).to_der();
    let ask = |serial| fetcher.post_ocsp(&server.url("/ocsp"), &request(serial)).unwrap();
    let (one, two) = (ask(1), ask(2));
    assert_ne!(one, two, "their nonces differ");
    assert_eq!((ask(1), ask(2), server.calls()), (one.clone(), two, 2));
    fetcher.post_ocsp(&server.url("/other"), &request(1)).unwrap();
    assert_eq!(server.calls(), 3);
    fetcher.forget();
    assert_ne!(ask(1), one);
}

#[test]
fn a_failure_is_remembered_for_a_moment_and_not_on_disk() {
    let folder = tempfile::tempdir().unwrap();
    let server =
        Server::start(|number, _, _| if number == 0 { status("404 Not Found") } else { ok(&list(0)) });
    let fetcher = || server.fetcher().with_cache(folder.path(), 1 << 20);
    let first = fetcher();
    for _ in 0..3 {
        let error = first.get_crl(&server.url("/")).unwrap_err();
        assert!(matches!(error, FetchError::Status { status: 404, .. }), "{error:?}");
    }
    assert_eq!(server.calls(), 1);
    assert!(fetcher().get_crl(&server.url("/")).is_ok());
    first.forget();
    assert!(first.get_crl(&server.url("/")).is_ok());
}

#[test]
fn fifty_who_ask_the_same_at_once_make_one_request() {
    let server = Server::start(|_, _, _| {
        thread::sleep(Duration::from_millis(300));
        ok(&list(7))
    });
    let (fetcher, url) = (server.fetcher(), server.url("/a.crl"));
    let answers: Vec<Vec<u8>> = thread::scope(|scope| {
        // Half of them through clones, half of them late.
        let callers: Vec<_> = (0..50_u64)
            .map(|number| {
                let (fetcher, url) = (fetcher.clone(), url.as_str());
                scope.spawn(move || {
                    thread::sleep(Duration::from_millis(number * 9));
                    fetcher.get_crl(url).unwrap()
                })
            })
            .collect();
        callers.into_iter().map(|caller| caller.join().unwrap()).collect()
    });
    assert_eq!(server.calls(), 1);
    assert!(answers.windows(2).all(|pair| pair[0] == pair[1]));
}

#[test]
fn who_cannot_wait_goes_away_and_the_answer_is_there_later() {
    let server = Server::start(|_, _, _| {
        thread::sleep(Duration::from_millis(500));
        ok(&list(7))
    });
    let (fetcher, wanted) = (server.fetcher(), Wanted::Crl { url: server.url("/a.crl") });
    let start = Instant::now();
    let hasty = Errand { until: Some(start + Duration::from_millis(50)), ..Errand::default() };
    assert!(matches!(fetcher.bring(&wanted, &hasty), Err(FetchError::Timeout { .. })));
    assert!(start.elapsed() < Duration::from_millis(400), "{:?}", start.elapsed());
    assert!(fetcher.bring(&wanted, &Errand::default()).is_ok());
    assert_eq!(server.calls(), 1);
    let late = Errand { until: Some(start), ..Errand::default() };
    assert!(fetcher.bring(&wanted, &late).unwrap().kept);
    let other = Wanted::Crl { url: server.url("/b.crl") };
    assert!(matches!(fetcher.bring(&other, &late), Err(FetchError::Timeout { .. })));
    assert_eq!(server.calls(), 1, "whose time is up asks nobody");
}

#[test]
fn four_at_once_at_one_host_and_no_more() {
    let (inside, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (entered, seen) = (Arc::clone(&inside), Arc::clone(&most));
    let server = Server::start(move |_, _, _| {
        let now = entered.fetch_add(1, Ordering::SeqCst) + 1;
        seen.fetch_max(now, Ordering::SeqCst);
        thread::sleep(Duration::from_millis(100));
        entered.fetch_sub(1, Ordering::SeqCst);
        ok(&list(0))
    });
    let fetcher = server.fetcher();
    thread::scope(|scope| {
        for number in 0..12 {
            let (fetcher, url) = (&fetcher, server.url(&format!("/{number}.crl")));
            scope.spawn(move || fetcher.get_crl(&url).unwrap());
        }
    });
    assert_eq!((server.calls(), most.load(Ordering::SeqCst)), (12, AT_ONCE));
}

/// The fetcher of another process, or of this one after a restart, at a moment of its own.
fn restarted(server: &Server, folder: &Path, clock: &str) -> Fetcher {
    server.fetcher().with_cache(folder, 1 << 20).with_clock(Clock::Fixed(at(clock)))
}

#[test]
fn what_is_kept_survives_a_restart_until_it_is_to_be_asked_again() {
    let folder = tempfile::tempdir().unwrap();
    let server =
        Server::start(|number, _, _| ok(&crl("2026-07-01T00:00:00Z", Some("2026-07-08T00:00:00Z"), number)));
    let url = server.url("/a.crl");
    let get = |clock: &str| restarted(&server, folder.path(), clock).get_crl(&url).unwrap();
    let first = get("2026-07-01T12:00:00Z");
    assert_eq!(get("2026-07-01T12:59:59Z"), first);
    assert_eq!(server.calls(), 1);
    assert_ne!(get("2026-07-01T13:00:00Z"), first);
    assert_eq!(server.calls(), 2);
}

#[test]
fn a_damaged_entry_is_fetched_again() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(|_, _, _| ok(&crl("2026-07-01T00:00:00Z", Some("2026-07-08T00:00:00Z"), 0)));
    let url = server.url("/a.crl");
    let get = || restarted(&server, folder.path(), "2026-07-01T12:00:00Z").get_crl(&url).unwrap();
    let first = get();
    let entry = std::fs::read_dir(folder.path().join("fetched")).unwrap().map(|entry| entry.unwrap().path());
    let entry = entry.into_iter().find(|path| path.extension().is_some_and(|kind| kind == "kept")).unwrap();
    let mut bytes = std::fs::read(&entry).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&entry, bytes).unwrap();
    assert_eq!(get(), first);
    assert_eq!(server.calls(), 2);
    assert_eq!(get(), first);
    assert_eq!(server.calls(), 2);
}

#[test]
fn kept_evidence_stands_in_for_a_dead_network_as_long_as_it_says_itself() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(|number, _, _| match number {
        0 => ok(&crl("2026-07-01T00:00:00Z", Some("2026-07-08T00:00:00Z"), 0)),
        _ => status("503 Service Unavailable"),
    });
    let wanted = Wanted::Crl { url: server.url("/a.crl") };
    let bring =
        |clock: &str, errand: Errand| restarted(&server, folder.path(), clock).bring(&wanted, &errand);
    let now = Errand::default();
    assert!(!bring("2026-07-01T12:00:00Z", now).unwrap().kept);
    assert!(bring("2026-07-05T00:00:00Z", now).unwrap().kept);
    assert_eq!(server.calls(), 2, "it was asked for");
    let anew = Errand { anew: true, ..now };
    assert!(matches!(bring("2026-07-05T00:00:00Z", anew), Err(FetchError::Status { .. })));
    assert!(matches!(bring("2026-07-08T00:00:01Z", now), Err(FetchError::Status { .. })));
    let then = Errand { moment: Some(at("2026-07-03T00:00:00Z")), ..now };
    let calls = server.calls();
    assert!(bring("2027-01-01T00:00:00Z", then).unwrap().kept, "a list of then for a question about then");
    assert_eq!(server.calls(), calls, "without asking the network, which has only younger ones");
    let before = Errand { moment: Some(at("2026-06-03T00:00:00Z")), ..now };
    assert!(bring("2027-01-01T00:00:00Z", before).is_err());
}

#[test]
fn what_was_of_no_use_is_asked_for_anew_but_not_at_once() {
    let server = Server::start(|number, _, _| ok(&list(number)));
    let start = Clock::System.now();
    let fetcher = server.fetcher().with_clock(Clock::Fixed(start));
    let wanted = Wanted::Crl { url: server.url("/a.crl") };
    let anew = Errand { anew: true, ..Errand::default() };
    assert!(!fetcher.bring(&wanted, &Errand::default()).unwrap().kept);
    assert!(fetcher.bring(&wanted, &anew).unwrap().kept);
    let fetcher = fetcher.with_clock(Clock::Fixed(start + jiff::SignedDuration::from_secs(59)));
    assert!(fetcher.bring(&wanted, &anew).unwrap().kept);
    let soon = fetcher.with_clock(Clock::Fixed(start + jiff::SignedDuration::from_secs(60)));
    assert!(soon.bring(&wanted, &Errand::default()).unwrap().kept);
    assert!(!soon.bring(&wanted, &anew).unwrap().kept);
    assert_eq!(server.calls(), 2);
}

#[test]
fn what_came_before_a_moment_may_be_of_no_use_however_lately_that_was() {
    let server =
        Server::start(
            |number, _, _| if number < 2 { ok(&list(number)) } else { status("500 Internal Server Error") },
        );
    let start = Clock::System.now();
    let fetcher = server.fetcher().with_clock(Clock::Fixed(start));
    let wanted = Wanted::Crl { url: server.url("/a.crl") };
    let after = |moment| Errand { anew: true, after: Some(moment), ..Errand::default() };
    assert!(!fetcher.bring(&wanted, &Errand::default()).unwrap().kept);
    assert!(fetcher.bring(&wanted, &after(start)).unwrap().kept, "it came at that moment");
    let next = start + jiff::SignedDuration::from_secs(1);
    let fetcher = fetcher.with_clock(Clock::Fixed(next));
    assert!(!fetcher.bring(&wanted, &after(next)).unwrap().kept);
    assert!(fetcher.bring(&wanted, &after(next)).unwrap().kept);
    assert_eq!(server.calls(), 2);
    let later = next + jiff::SignedDuration::from_secs(1);
    let fetcher = fetcher.with_clock(Clock::Fixed(later));
    let old = Errand { anew: false, ..after(later) };
    assert!(fetcher.bring(&wanted, &old).is_err(), "nor does it stand in for the network");
    assert!(fetcher.bring(&wanted, &Errand::default()).unwrap().kept);
}

#[test]
fn http_shortens_how_long_an_answer_is_kept() {
    let server = Server::start(|_, _, _| {
        let list = list(0);
        let head = format!(
            "HTTP/1.1 200 OK\r\ncache-control: max-age=60\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
            list.len()
        );
        [head.as_bytes(), &list].concat()
    });
    let (start, url) = (Clock::System.now(), server.url("/a.crl"));
    let fetcher = server.fetcher();
    for (seconds, calls) in [(0, 1), (59, 1), (60, 2)] {
        let clock = Clock::Fixed(start + jiff::SignedDuration::from_secs(seconds));
        fetcher.clone().with_clock(clock).get_crl(&url).unwrap();
        assert_eq!(server.calls(), calls, "after {seconds} s");
    }
}

#[test]
fn an_answer_with_another_nonce_is_nobodys() {
    let now = Clock::System.now().to_string();
    let good = move |nonce: Option<&[u8]>| ocsp_response(&now, None, nonce);
    let nonce_of = |body: &[u8]| Request::parse(body).unwrap().nonce;
    let request = Request::new(cert_id(1), None).to_der();
    let ask = |server: &Server, request: &[u8]| server.fetcher().post_ocsp(&server.url("/"), request);

    let answer = good.clone();
    let honest = Server::start(move |_, _, body| {
        let nonce = nonce_of(body).expect("one was added");
        assert_eq!(nonce.len(), NONCE_BYTES);
        ok(&answer(Some(&nonce)))
    });
    assert!(ask(&honest, &request).is_ok());

    let answer = good.clone();
    let from_a_store = Server::start(move |_, _, _| ok(&answer(None)));
    assert!(ask(&from_a_store, &request).is_ok());

    let answer = good.clone();
    let replaying = Server::start(move |_, _, _| ok(&answer(Some(&[9; NONCE_BYTES]))));
    assert!(matches!(ask(&replaying, &request), Err(FetchError::Nonce { .. })));
    let own = Request::new(cert_id(1), Some(vec![8; 16])).to_der();
    assert!(matches!(ask(&replaying, &own), Err(FetchError::Nonce { .. })));
    assert_eq!(replaying.calls(), 2);

    for refusal in [ok(&ocsp::error_response(ResponseStatus::MalformedRequest)), status("400 Bad Request")] {
        let answer = good.clone();
        let refusing = Server::start(move |_, _, body| match nonce_of(body) {
            Some(_) => refusal.clone(),
            None => ok(&answer(None)),
        });
        assert!(ask(&refusing, &request).is_ok());
        assert_eq!(refusing.calls(), 2);
    }

    let later = Server::start(|_, _, _| ok(&ocsp::error_response(ResponseStatus::TryLater)));
    let error = ask(&later, &request).unwrap_err();
    assert!(matches!(&error, FetchError::Content { reason, .. } if reason.contains("tryLater")), "{error:?}");
    assert_eq!(later.calls(), 1);
}

#[test]
fn a_question_with_a_nonce_of_its_own_is_asked_each_time() {
    let server = Server::start(|_, _, body| {
        let nonce = Request::parse(body).unwrap().nonce;
        assert_eq!(nonce.as_deref(), Some(&[8; 16][..]));
        ok(&ocsp_response(&Clock::System.now().to_string(), None, nonce.as_deref()))
    });
    let (fetcher, request) = (server.fetcher(), Request::new(cert_id(1), Some(vec![8; 16])).to_der());
    for calls in 1..3 {
        fetcher.post_ocsp(&server.url("/"), &request).unwrap();
        assert_eq!(server.calls(), calls);
    }
}

#[test]
fn what_is_not_what_was_asked_for_is_not_taken() {
    let pages = [
        ok(b"<html>Please log in</html>"),
        ok(b""),
        ok(&list(0)[..40]),
        // Closed before the end, without a length that would tell.
        [&b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n"[..], &list(100)[..80]].concat(),
    ];
    for page in pages {
        let server = Server::start(move |_, _, _| page.clone());
        let error = server.fetcher().get_crl(&server.url("/")).unwrap_err();
        assert!(matches!(error, FetchError::Content { .. }), "{error:?}");
        let error = server.fetcher().get_certificate(&server.url("/")).unwrap_err();
        assert!(matches!(error, FetchError::Content { .. }), "{error:?}");
    }
    let cut = Server::start(|_, _, _| {
        let list = list(100);
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", list.len());
        [head.as_bytes(), &list[..80]].concat()
    });
    let error = cut.fetcher().get_crl(&cut.url("/")).unwrap_err();
    assert!(matches!(error, FetchError::Connection { .. }), "{error:?}");
    let babbling = Server::start(|_, _, _| b"SSH-2.0-OpenSSH_9\r\n".to_vec());
    let error = babbling.fetcher().get_crl(&babbling.url("/")).unwrap_err();
    assert!(matches!(error, FetchError::Connection { .. }), "{error:?}");
    let bombs = [format!("x: {}\r\n", "a".repeat(100_000)), "x: a\r\n".repeat(10_000)];
    for bomb in bombs {
        let server = Server::start(move |_, _, _| format!("HTTP/1.1 200 OK\r\n{bomb}\r\n").into_bytes());
        let error = server.fetcher().get_crl(&server.url("/")).unwrap_err();
        assert!(matches!(error, FetchError::Connection { .. }), "{error:?}");
    }
}

#[test]
fn a_connection_that_is_refused_or_reset_fails_at_once() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let fetcher = Fetcher::allowing([closed.to_string()]);
    let error = fetcher.get_crl(&format!("http://{closed}/")).unwrap_err();
    assert!(matches!(error, FetchError::Connection { .. }), "{error:?}");

    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // Unread bytes turn the closing into a reset.
            drop(stream);
        }
    });
    let fetcher = Fetcher::allowing([address.to_string()]);
    let error = fetcher.get_crl(&format!("http://{address}/")).unwrap_err();
    assert!(matches!(error, FetchError::Connection { .. }), "{error:?}");
}

#[test]
fn a_host_that_hangs_or_drips_ends_in_time() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let url = |path: &str| format!("http://{address}/{path}");
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            thread::spawn(move || {
                let mut head = [0; 1024];
                let read = stream.read(&mut head).unwrap_or(0);
                if head[..read].starts_with(b"GET /drip") {
                    let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n");
                    while stream.write_all(b".").is_ok() {
                        thread::sleep(Duration::from_millis(20));
                    }
                } else {
                    thread::sleep(Duration::from_mins(1));
                }
            });
        }
    });
    let fetcher = Fetcher::allowing([address.to_string()]);
    let start = Instant::now();
    thread::scope(|scope| {
        for path in ["hang", "drip"] {
            // By its own bound, then by the caller's.
            let (fetcher, url) = (&fetcher, url(path));
            scope.spawn(move || {
                let error = fetcher.get_certificate(&url).unwrap_err();
                assert!(matches!(error, FetchError::Timeout { .. }), "{error:?}");
            });
        }
        for path in ["hang?2", "drip?2"] {
            let until = Some(Instant::now() + Duration::from_millis(200));
            let wanted = Wanted::Crl { url: url(path) };
            let error = fetcher.bring(&wanted, &Errand { until, ..Errand::default() }).unwrap_err();
            assert!(matches!(error, FetchError::Timeout { .. }), "{error:?}");
            assert!(start.elapsed() < Duration::from_secs(5));
        }
    });
    assert!(start.elapsed() < Kind::Issuer.deadline() + Duration::from_secs(5), "{:?}", start.elapsed());
}

#[test]
fn ports_of_other_protocols_are_refused_unless_the_operator_named_the_host() {
    let fetcher = Fetcher::allowing(["127.0.0.1"]);
    for port in [22, 25, 6379, 11211] {
        let error = fetcher.get_crl(&format!("http://192.0.2.1:{port}/")).unwrap_err();
        assert!(matches!(error, FetchError::Port { .. }), "{error:?}");
        let named = fetcher.get_crl(&format!("http://127.0.0.1:{port}/x"));
        assert!(!matches!(named, Err(FetchError::Port { .. })), "{named:?}");
    }
}

#[test]
fn a_network_that_the_operator_allowed_is_reached_by_any_name() {
    let server = Server::start(|_, _, _| ok(&list(0)));
    let inside = Fetcher::allowing(["127.0.0.0/8", "::1/128"]);
    for host in ["127.0.0.1", "localhost"] {
        inside.get_crl(&format!("http://{host}:{}/{host}.crl", server.port)).unwrap();
    }
    let elsewhere = Fetcher::allowing(["10.0.0.0/8"]);
    let error = elsewhere.get_crl(&server.url("/")).unwrap_err();
    assert!(matches!(error, FetchError::Forbidden { .. }), "{error:?}");
    assert_eq!(server.calls(), 2);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Every way to write an address of this machine that the system's resolver may know.
    #[test]
    fn no_spelling_of_loopback_gets_through(b in any::<u8>(), c in any::<u8>(), d in any::<u8>()) {
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        server.set_nonblocking(true).unwrap();
        let port = server.local_addr().unwrap().port();
        let (number, low) = (u32::from_be_bytes([127, b, c, d]), u32::from_be_bytes([0, b, c, d]));
        let fetcher = Fetcher::allowing([format!("127.0.0.1:{}", port.wrapping_add(1))]);
        for host in [
            format!("127.{b}.{c}.{d}"),
            format!("{number}"),
            format!("{number:#x}"),
            format!("{number:#010X}").replace("0X", "0x"),
            format!("0{number:o}"),
            format!("127.{low}"),
            format!("0x7f.{low:#x}"),
            format!("0177.{b}.{}", u16::from_be_bytes([c, d])),
            format!("127.{b}.{c}.{d}."),
            format!("[::ffff:127.{b}.{c}.{d}]"),
            format!("[::127.{b}.{c}.{d}]"),
            format!("[64:ff9b::127.{b}.{c}.{d}]"),
        ] {
            let error = fetcher.get_certificate(&format!("http://{host}:{port}/")).unwrap_err();
            prop_assert!(
                matches!(error, FetchError::Forbidden { .. } | FetchError::HostNotFound { .. })
                    || !host.starts_with('[') && matches!(error, FetchError::Connection { .. }),
                "{}: {:?}", host, error
            );
        }
        prop_assert!(server.accept().is_err(), "somebody connected");
    }

    #[test]
    fn addresses_never_panic(url in ".{0,60}", rest in "[a-z0-9.:@/%\\[\\]-]{0,30}") {
        let fetcher = Fetcher::new();
        for url in [url, format!("ftp://{rest}")] {
            prop_assert!(check_url(&url).is_err() || url.starts_with("http"));
            let _ = check_url(&format!("http://{rest}"));
        }
        let wanted = Wanted::Crl { url: format!("file://{rest}") };
        prop_assert!(fetcher.bring(&wanted, &Errand::default()).is_err());
    }
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
