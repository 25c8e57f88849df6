//! A town that is built once, its server, and its people, whose methods are what they do.

use std::{
    net::SocketAddr,
    path::Path,
    sync::{Arc, OnceLock},
    time::Duration,
};

use kyso::{
    base::Chance,
    config::LimitSettings,
    demo::{AGENCY_KEY, LEADER_KEY, Town},
    http::{App, Listen, Parts, Running, Settings, Signers},
    people::{Role, Scope, Scopes},
    service::{NewApiKey, NewMember},
    token::Module,
};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::support;

/// The demo's town behind a server, shared by the tests of this process.
pub(super) struct TestTown {
    town: Town,
    address: SocketAddr,
    runtime: Runtime,
    folder: tempfile::TempDir,
}

/// The town; `None`, after saying so, without the built-in token.
pub(super) fn town() -> Option<&'static TestTown> {
    static TOWN: OnceLock<TestTown> = OnceLock::new();
    if cfg!(not(feature = "embedded-token")) {
        support::skip("the built-in token is not in this build");
        return None;
    }
    Some(TOWN.get_or_init(TestTown::build))
}

impl TestTown {
    fn build() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let tokens = folder.path().join("tokens");
        std::fs::create_dir(&tokens).unwrap();
        let town = runtime.block_on(Town::build(folder.path(), &Module::Embedded(tokens))).unwrap();
        let app = app(&town, Settings::default());
        let running = runtime.block_on(kyso::http::serve(app, &loopback())).unwrap();
        Self { town, address: running.address, runtime, folder }
    }

    /// Another server over the same town, with other settings.
    pub(super) fn server(&self, settings: Settings) -> Server<'_> {
        let running =
            self.runtime.block_on(kyso::http::serve(app(&self.town, settings), &loopback())).unwrap();
        Server { town: self, running }
    }

    /// Another server over the same town, with other limits.
    pub(super) fn limited(&self, limits: LimitSettings) -> Server<'_> {
        self.server(Settings { limits, ..Settings::default() })
    }

    /// The address of the usual server.
    pub(super) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Where the town keeps its files.
    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(super) fn town(&self) -> &Town {
        &self.town
    }

    /// Somebody without a key.
    pub(super) fn anon(&self) -> Person {
        Person::new(self.address, None)
    }

    /// The office's records clerk.
    pub(super) fn clerk(&self) -> Person {
        Person::new(self.address, Some(self.town.office.clerk.clone()))
    }

    /// The office's leader.
    pub(super) fn leader(&self) -> Person {
        Person::new(self.address, self.town.office.leader.clone())
    }

    /// The clerk of a recipient.
    pub(super) fn recipient(&self, index: usize) -> Person {
        Person::new(self.address, Some(self.town.recipients[index].clerk.clone()))
    }

    /// The code of a recipient.
    pub(super) fn recipient_code(&self, index: usize) -> &str {
        self.town.recipients[index].agency.code.as_str()
    }

    /// A fresh member of the office, with a key of these scopes; and the member's id.
    pub(super) fn member(&self, role: Role, scopes: &[Scope]) -> (Person, String) {
        let service = &self.town.service;
        let member = NewMember {
            agency: self.town.office.agency.code.clone(),
            name: "Lê Thị Mẫu".to_owned(),
            position: "Chuyên viên".to_owned(),
            roles: [role].into(),
        };
        let (id, key) = self.runtime.block_on(async {
            let member = service.add_member(member).await.unwrap();
            let scopes: Scopes = scopes.iter().copied().collect();
            let new = NewApiKey { member: member.id, scopes, expires_at: None, test: true };
            (member.id, service.create_api_key(new).await.unwrap().text)
        });
        (Person::new(self.address, Some(key)), id.to_string())
    }

    /// A document with number and both signatures, ready to be sent; its id.
    pub(super) fn issued(&self) -> String {
        let (clerk, leader) = (self.clerk(), self.leader());
        let id = clerk.upload(&sample()).text("id");
        assert_eq!(clerk.number(&id).status(), "200 OK");
        for (who, key) in [(&leader, LEADER_KEY), (&clerk, AGENCY_KEY)] {
            let signed = who.sign(&id, key);
            assert_eq!(signed.status(), "201 Created", "{}", signed.body());
        }
        id
    }

    /// The bytes of a signed document.
    pub(super) fn signed_pdf(&self) -> &'static [u8] {
        static SIGNED: OnceLock<Vec<u8>> = OnceLock::new();
        SIGNED.get_or_init(|| {
            let id = self.issued();
            self.clerk().get(&format!("/api/v1/documents/{id}/content")).bytes
        })
    }
}

/// A server of its own, for one test.
pub(super) struct Server<'a> {
    town: &'a TestTown,
    running: Running,
}

impl Server<'_> {
    pub(super) fn address(&self) -> SocketAddr {
        self.running.address
    }

    /// Somebody without a key, at this server.
    pub(super) fn anon(&self) -> Person {
        Person::new(self.running.address, None)
    }

    /// The office's clerk, at this server.
    pub(super) fn clerk(&self) -> Person {
        Person::new(self.running.address, Some(self.town.town.office.clerk.clone()))
    }

    /// Stops it as a signal would.
    pub(super) fn stop(self, grace: Duration) {
        self.town.runtime.block_on(self.running.stop(grace)).unwrap();
    }
}

fn app(town: &Town, settings: Settings) -> App {
    App::new(Parts {
        service: town.service.clone(),
        desk: Arc::clone(&town.desk),
        signers: Signers::held(town.keys.clone()),
        settings,
    })
}

fn loopback() -> Listen {
    Listen { address: SocketAddr::from(([127, 0, 0, 1], 0)), tls: None }
}

/// A decision without signatures.
pub(super) fn sample() -> Vec<u8> {
    std::fs::read(support::root().join("samples/quyet-dinh.pdf")).unwrap()
}

/// A fresh Idempotency-Key.
pub(super) fn fresh_key() -> String {
    let bytes: [u8; 16] = Chance::system().bytes();
    uuid::Builder::from_random_bytes(bytes).into_uuid().to_string()
}

/// Somebody at a keyboard, with an API key or without.
#[derive(Clone)]
pub(super) struct Person {
    agent: ureq::Agent,
    address: SocketAddr,
    key: Option<String>,
}

impl Person {
    pub(super) fn new(address: SocketAddr, key: Option<String>) -> Self {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .proxy(None)
            .timeout_global(Some(Duration::from_mins(1)))
            .build();
        Self { agent: config.into(), address, key }
    }

    /// The same person with another key.
    pub(super) fn with_key(&self, key: &str) -> Self {
        Self { key: Some(key.to_owned()), ..self.clone() }
    }

    pub(super) fn get(&self, path: &str) -> Answer {
        self.get_with(path, &[])
    }

    pub(super) fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        let mut request = self.agent.get(format!("http://{}{path}", self.address));
        for (name, value) in self.headers(headers) {
            request = request.header(name, value);
        }
        Answer::of(request.call().unwrap())
    }

    pub(super) fn delete(&self, path: &str) -> Answer {
        let mut request = self.agent.delete(format!("http://{}{path}", self.address));
        for (name, value) in self.headers(&[]) {
            request = request.header(name, value);
        }
        Answer::of(request.call().unwrap())
    }

    /// A POST with exactly these headers beside the API key.
    pub(super) fn post_with(&self, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let mut request = self.agent.post(format!("http://{}{path}", self.address));
        for (name, value) in self.headers(headers) {
            request = request.header(name, value);
        }
        Answer::of(request.send(body).unwrap())
    }

    fn headers(&self, more: &[(&str, &str)]) -> Vec<(String, String)> {
        let key = self.key.iter().map(|key| ("Authorization".to_owned(), format!("Bearer {key}")));
        let more = more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        key.chain(more).collect()
    }

    /// JSON with a fresh Idempotency-Key.
    pub(super) fn post(&self, path: &str, body: &Value) -> Answer {
        self.post_again(path, body, &fresh_key())
    }

    /// JSON with this Idempotency-Key.
    pub(super) fn post_again(&self, path: &str, body: &Value, once: &str) -> Answer {
        let headers = [("Content-Type", "application/json"), ("Idempotency-Key", once)];
        self.post_with(path, &headers, body.to_string().as_bytes())
    }

    pub(super) fn upload(&self, pdf: &[u8]) -> Answer {
        self.upload_again(pdf, &fresh_key())
    }

    pub(super) fn upload_again(&self, pdf: &[u8], once: &str) -> Answer {
        let headers = [
            ("Content-Type", "application/pdf"),
            ("Content-Disposition", "attachment; filename=\"quyet-dinh.pdf\""),
            ("Idempotency-Key", once),
        ];
        self.post_with("/api/v1/documents", &headers, pdf)
    }

    pub(super) fn number(&self, document: &str) -> Answer {
        let request = json!({
            "documentType": "quyet-dinh",
            "issuer": "UBND",
            "date": "2026-01-05",
            "subject": "Về việc thử nghiệm",
            "signer": { "capacity": "TM.", "name": "Đặng Thuỳ Hương Giang", "position": "Chủ tịch" },
        });
        self.post(&format!("/api/v1/documents/{document}/number"), &request)
    }

    pub(super) fn sign(&self, document: &str, signer: &str) -> Answer {
        let path = format!("/api/v1/documents/{document}/signatures");
        self.post(&path, &json!({ "signer": signer, "reason": "Thử" }))
    }

    pub(super) fn send(&self, document: &str, recipients: &[&str]) -> Answer {
        self.post("/api/v1/dispatches", &json!({ "document": document, "recipients": recipients }))
    }

    /// The delivery of this document in the inbox.
    pub(super) fn delivery_of(&self, document: &str) -> String {
        let inbox = self.get("/api/v1/deliveries?limit=200").json();
        let items = inbox["items"].as_array().unwrap();
        let found = items.iter().find(|delivery| delivery["document"] == document);
        found.expect("the document is in the inbox")["id"].as_str().unwrap().to_owned()
    }

    pub(super) fn act(&self, delivery: &str, verb: &str, body: &Value) -> Answer {
        self.post(&format!("/api/v1/deliveries/{delivery}/{verb}"), body)
    }

    pub(super) fn verify(&self, pdf: &[u8]) -> Answer {
        self.post_with("/api/v1/verifications", &[("Content-Type", "application/pdf")], pdf)
    }

    /// Files under the field `file` of a multipart form.
    pub(super) fn send_form(&self, path: &str, headers: &[(&str, &str)], files: &[(&str, &[u8])]) -> Answer {
        let parts: Vec<_> = files.iter().map(|(name, bytes)| ("file", *name, *bytes)).collect();
        self.send_parts(path, headers, &parts)
    }

    /// Files in parts of a multipart form: the field, the name, the bytes.
    pub(super) fn send_parts(
        &self,
        path: &str,
        headers: &[(&str, &str)],
        parts: &[(&str, &str, &[u8])],
    ) -> Answer {
        let mut body = Vec::new();
        for (field, name, bytes) in parts {
            let head = format!(
                "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{field}\"; filename=\"{name}\"\r\nContent-Type: application/pdf\r\n\r\n"
            );
            body.extend_from_slice(head.as_bytes());
            body.extend_from_slice(bytes);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(format!("--{BOUNDARY}--\r\n").as_bytes());
        let kind = format!("multipart/form-data; boundary={BOUNDARY}");
        let mut all = vec![("Content-Type", kind.as_str())];
        all.extend_from_slice(headers);
        self.post_with(path, &all, &body)
    }
}

const BOUNDARY: &str = "----kyso-test-boundary";

/// What the server answered.
pub(super) struct Answer {
    status: ureq::http::StatusCode,
    headers: ureq::http::HeaderMap,
    pub(super) bytes: Vec<u8>,
}

impl Answer {
    fn of(mut response: ureq::http::Response<ureq::Body>) -> Self {
        let bytes = response.body_mut().with_config().limit(64 << 20).read_to_vec().unwrap();
        Self { status: response.status(), headers: response.headers().clone(), bytes }
    }

    /// `404 Not Found`.
    pub(super) fn status(&self) -> String {
        self.status.to_string()
    }

    /// The code of a problem.
    pub(super) fn code(&self) -> String {
        assert_eq!(self.header("content-type"), "application/problem+json", "{}", self.body());
        self.text("code")
    }

    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or_else(|error| panic!("{error}: {}", self.body()))
    }

    pub(super) fn body(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    /// A string of the JSON body.
    pub(super) fn text(&self, key: &str) -> String {
        let json = self.json();
        json[key].as_str().unwrap_or_else(|| panic!("no {key} in {json}")).to_owned()
    }
}
