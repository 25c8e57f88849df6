//! What those who run the service see: health, metrics, TLS, stopping, logs.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use kyso::{config::LimitSettings, http::Settings};

use super::town::{Person, sample, town};
use crate::support::{run, tool};

#[test]
fn health_readiness_and_metrics() {
    let Some(town) = town() else { return };
    let anon = town.anon();
    assert_eq!(anon.get("/healthz").text("status"), "ok");
    let ready = anon.get("/readyz");
    assert_eq!(ready.status(), "200 OK");
    let names: Vec<_> = ready.json()["checks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|check| (check["name"].as_str().unwrap().to_owned(), check["ok"] == true))
        .collect();
    let expected = ["store", "ledger", "anchors", "time-stamp", "signer:chu-tich", "signer:con-dau"];
    assert_eq!(names, expected.map(|name| (name.to_owned(), true)));

    anon.verify(town.signed_pdf());
    let metrics = anon.get("/metrics").body();
    for series in [
        "kyso_http_requests_total{method=\"GET\",route=\"/healthz\",status=\"200\"}",
        "kyso_http_request_duration_seconds_bucket{method=\"POST\",route=\"/api/v1/documents/{id}/signatures\"",
        "kyso_verdicts_total{overall=\"valid\"}",
        "kyso_signatures_total{outcome=\"made\"}",
    ] {
        assert!(metrics.contains(series), "{series} is not in\n{metrics}");
    }
}

#[test]
fn every_answer_carries_the_safety_headers() {
    let Some(town) = town() else { return };
    for path in ["/", "/kiem-tra", "/api/v1/documents", "/nowhere", "/assets/kyso.css", "/healthz"] {
        let answer = town.anon().get(path);
        let policy = answer.header("content-security-policy");
        assert!(
            policy.starts_with("default-src 'none'") && policy.contains("frame-ancestors 'none'"),
            "{path}"
        );
        assert!(!policy.contains("unsafe"), "{path}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("referrer-policy"), "no-referrer", "{path}");
        assert_eq!(answer.header("x-request-id").len(), 36, "{path}");
        assert_eq!(answer.header("strict-transport-security"), "", "{path} over plain HTTP");
    }
    let over_tls = town.server(Settings { over_tls: true, ..Settings::default() });
    assert_eq!(over_tls.anon().get("/").header("strict-transport-security"), "max-age=31536000");
}

#[test]
fn a_body_that_stands_still_is_given_up() {
    let Some(town) = town() else { return };
    let server = town.limited(LimitSettings { idle_seconds: 1, ..LimitSettings::default() });
    let answer = raw(
        server.address(),
        "POST /api/v1/verifications HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/pdf\r\nContent-Length: 1000\r\n\r\nhalf of it",
    );
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    assert!(answer.contains("\"code\":\"request.timeout\""), "{answer}");
}

#[test]
fn stopping_lets_an_open_request_end() {
    let Some(town) = town() else { return };
    let server = town.limited(LimitSettings::default());
    let pdf = sample();
    let mut stream = half_sent(server.address(), pdf.len());
    stream.write_all(&pdf[..1000]).unwrap();
    let address = server.address();
    std::thread::scope(|scope| {
        let stopping = scope.spawn(|| server.stop(Duration::from_secs(20)));
        // A stopping server takes no new connection.
        while TcpStream::connect(address).is_ok() {
            assert!(!stopping.is_finished(), "it stopped without the open request");
            std::thread::yield_now();
        }
        assert!(!stopping.is_finished(), "it did not wait for the open request");
        stream.write_all(&pdf[1000..]).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        stopping.join().unwrap();
    });
}

#[test]
fn stopping_does_not_wait_for_ever() {
    let Some(town) = town() else { return };
    let server = town.limited(LimitSettings::default());
    let _stream = half_sent(server.address(), 9);
    server.stop(Duration::from_millis(500));
}

#[test]
fn kyso_serve_speaks_tls_and_ends_on_a_signal() {
    let Some(openssl) = tool("openssl") else { return };
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    run(Command::new(&openssl)
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-days",
            "2",
        ])
        .args(["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"])
        .arg("-keyout")
        .arg(at("key.pem"))
        .arg("-out")
        .arg(at("cert.pem")));
    write_config(folder.path(), "tls_certificate = 'cert.pem'\ntls_key = 'key.pem'\n");
    let mut serving = Serving::start(folder.path(), "info");
    assert_eq!(serving.scheme, "https");

    for (version, spoken) in [("-tls1_3", "TLSv1.3"), ("-tls1_2", "TLSv1.2")] {
        let talk = s_client(&openssl, &at("cert.pem"), serving.address, version);
        assert!(talk.contains(spoken) && talk.contains("Verify return code: 0 (ok)"), "{talk}");
        assert!(talk.contains("HTTP/1.1 200 OK") && talk.contains("strict-transport-security"), "{talk}");
    }
    assert!(!s_client(&openssl, &at("cert.pem"), serving.address, "-tls1_1").contains("HTTP/1.1"));

    let (status, log) = serving.terminate();
    assert_eq!(status, Some(0), "{log}");
    assert!(log.contains("\"message\":\"stopped\""), "{log}");
    assert!(at("ledger.key").is_file() && at("kyso.db").is_file());
}

#[test]
fn no_log_line_holds_a_key_or_a_file_and_each_is_json() {
    let folder = tempfile::tempdir().unwrap();
    write_config(folder.path(), "");
    let mut serving = Serving::start(folder.path(), "trace");
    let key = format!("kyso_live_{}_{}", "0a".repeat(8), "5e".repeat(32));
    let person = Person::new(serving.address, Some(key.clone()));
    assert_eq!(person.get_with("/api/v1/documents", &[("X-Request-Id", "log-test-1")]).code(), "key.invalid");
    assert_eq!(Person::new(serving.address, None).verify(&sample()).status(), "200 OK");
    let (status, log) = serving.terminate();
    assert_eq!(status, Some(0));
    assert!(!log.contains(&"5e".repeat(32)), "the key's secret is in the log");
    assert!(!log.contains("%PDF"), "the file is in the log");
    let mut seen = false;
    for line in log.lines() {
        let line: serde_json::Value =
            serde_json::from_str(line).unwrap_or_else(|_| panic!("not JSON: {line}"));
        seen |= line["span"]["request_id"] == "log-test-1" && line["code"] == "key.invalid";
    }
    assert!(seen, "{log}");
}

#[test]
fn a_configuration_that_cannot_be_used_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let check = |more: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kyso"));
        command.args(["serve", "--config"]).arg(folder.path().join("kyso.toml")).args(more);
        let output = command.output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let (status, words) = check(&[]);
    assert_eq!(status, Some(64));
    assert!(words.contains("docs/kyso.toml"), "{words}");
    write_config(folder.path(), "lisen = '127.0.0.1:1'\n");
    let (status, words) = check(&["--check"]);
    assert_eq!(status, Some(64));
    assert!(words.contains("lisen"), "{words}");
    write_config(folder.path(), "");
    assert_eq!(check(&["--check"]).0, Some(0));
    assert!(!folder.path().join("ledger.key").exists(), "a check makes nothing");
}

#[test]
fn a_fresh_server_is_set_up_from_the_command_line() {
    let folder = tempfile::tempdir().unwrap();
    write_config(folder.path(), "");
    let people = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kyso"));
        command.arg("people").args(arguments).arg("--config").arg(folder.path().join("kyso.toml"));
        let output = command.output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap().trim().to_owned();
        (output.status.code(), text(output.stdout), text(output.stderr))
    };
    let done = |arguments: &[&str]| {
        let (status, out, err) = people(arguments);
        assert_eq!(status, Some(0), "{arguments:?}: {err}");
        out
    };
    done(&["agency", "H13.12", "--name", "Sở Nội vụ", "--place", "Cần Thơ"]);
    assert_eq!(done(&["agencies"]), "H13.12\tSở Nội vụ");
    let member =
        done(&["member", "H13.12", "--name", "Lê Văn Mẫu", "--position", "Văn thư", "--role", "clerk"]);
    let key = done(&["key", &member, "--for-role", "clerk"]);
    let (status, _, words) = people(&["key", &member, "--scope", "admin"]);
    assert_eq!(status, Some(1));
    assert!(words.contains("no role of the member allows `admin`"), "{words}");

    let mut serving = Serving::start(folder.path(), "info");
    let clerk = Person::new(serving.address, Some(key.clone()));
    assert_eq!(clerk.upload(&sample()).status(), "201 Created");
    let key_id = key.split('_').nth(2).unwrap();
    done(&["revoke", key_id]);
    assert_eq!(clerk.get("/api/v1/documents").code(), "key.invalid");
    assert_eq!(serving.terminate().0, Some(0));
}

/// `kyso serve` in a process of its own.
struct Serving {
    child: Child,
    log: Option<std::thread::JoinHandle<String>>,
    scheme: String,
    address: SocketAddr,
}

impl Serving {
    fn start(folder: &Path, filter: &str) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_kyso"))
            .args(["serve", "--config"])
            .arg(folder.join("kyso.toml"))
            .env("KYSO_LOG", filter)
            .env_remove("KYSO_PIN")
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap());
        let mut log = String::new();
        let (scheme, address) = loop {
            let mut line = String::new();
            assert!(lines.read_line(&mut line).unwrap() > 0, "it ended:\n{log}");
            if let Some((scheme, address)) =
                line.strip_prefix("kyso serves ").and_then(|rest| rest.trim().split_once("://"))
            {
                break (scheme.to_owned(), address.parse().unwrap());
            }
            log.push_str(&line);
        };
        let log = std::thread::spawn(move || {
            lines.read_to_string(&mut log).unwrap();
            log
        });
        Self { child, log: Some(log), scheme, address }
    }

    /// SIGTERM; the exit status and everything that it logged.
    fn terminate(&mut self) -> (Option<i32>, String) {
        run(Command::new("kill").args(["-TERM", &self.child.id().to_string()]));
        let status = self.child.wait().unwrap().code();
        (status, self.log.take().unwrap().join().unwrap())
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ended_already = self.child.kill();
        let _ended_already = self.child.wait();
    }
}

fn write_config(folder: &Path, http: &str) {
    let text = format!(
        "[http]\nlisten = '127.0.0.1:0'\n{http}[store]\ndatabase = 'sqlite:kyso.db'\nblobs = 'blobs'\n[ledger]\norigin = 'test.example/log'\nkey = 'ledger.key'\n"
    );
    std::fs::write(folder.join("kyso.toml"), text).unwrap();
}

fn s_client(openssl: &Path, root: &Path, address: SocketAddr, version: &str) -> String {
    let mut child = Command::new(openssl)
        .args(["s_client", "-connect", &address.to_string(), "-servername", "localhost", version, "-CAfile"])
        .arg(root)
        .args(["-ign_eof"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // A refused handshake closes the pipe: that is what the caller looks at.
    let _refused = child
        .stdin
        .take()
        .unwrap()
        .write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    String::from_utf8_lossy(&child.wait_with_output().unwrap().stdout).into_owned()
}

/// Sends the head of a request, and waits until the server asks for its body.
fn half_sent(address: SocketAddr, length: usize) -> TcpStream {
    let mut stream = TcpStream::connect(address).unwrap();
    let head = format!(
        "POST /api/v1/verifications HTTP/1.1\r\nHost: x\r\nContent-Type: application/pdf\r\nContent-Length: {length}\r\nExpect: 100-continue\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        answer.extend(byte);
    }
    assert!(answer.starts_with(b"HTTP/1.1 100 "), "{}", String::from_utf8_lossy(&answer));
    stream
}

/// Sends bytes as they are and reads until the server closes.
pub(super) fn raw(address: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    // The server may have answered and closed before it read everything.
    let _cut_short = stream.write_all(request.as_bytes());
    let mut answer = Vec::new();
    let _cut_short = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

/// Sends a request and closes the connection without waiting for the answer.
pub(super) fn send_and_leave(address: &str, request: &str) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    stream.flush().unwrap();
    std::thread::sleep(Duration::from_millis(5));
    stream.shutdown(std::net::Shutdown::Both).unwrap();
}
