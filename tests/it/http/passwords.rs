//! Encrypted documents, and documents that have to be rebuilt, over the API: over SQLite and PostgreSQL.

use std::{
    fs,
    path::Path,
    process::Command,
    sync::{Arc, OnceLock},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use kyso::{
    base::{Clock, Limits, MemorySource, Password, Pin, ProtectedSource, Sha256, Source},
    config::LimitSettings,
    demo::{
        AGENCY_KEY, LEADER_KEY,
        pki::{Holder, KeyAlgorithm},
    },
    dispatch::Role,
    service::{
        HeldKey,
        sign::{SchemeWish, Signer},
    },
    signing::{
        Wishes,
        review::{ReviewedDocument, review},
    },
    token::{
        KeySelector, LastTry, Module, Token, TokenSelector,
        provision::{self, NewKey, NewKeyKind},
    },
};
use serde_json::{Value, json};

use super::{
    offices::{CLERK, LEADER, Offices},
    signature_batches::ended,
    town::{Answer, Person, sample, town},
};
use crate::{
    databases::{self, Database},
    support::{self, PyHanko, tool},
};

const SIGNER: &str = "chu-tich";
pub(super) const SECRET: &str = "mat-khau-7f3a9c";

/// The offices over each kind of database, their server holding the leader's key.
fn everywhere(test: impl Fn(&mut Offices)) {
    if cfg!(not(feature = "embedded-token")) {
        support::skip("the built-in token is not in this build");
        return;
    }
    let runtime = tokio::runtime::Runtime::new().unwrap();
    for database in runtime.block_on(databases::databases()) {
        test(&mut with_key(database));
    }
}

fn with_key(database: Database) -> Offices {
    let mut offices = Offices::open(database, LimitSettings::default());
    let (_, token, spki) = shared();
    let certificate = offices.pki.pki().issue_person(spki, &Holder::new("Lê Văn Khoá")).unwrap();
    let key = KeySelector::Label("ky".to_owned());
    let chain = offices.pki.pki().chain();
    let signer = Signer::new(token.clone(), key, Some(certificate), chain, SchemeWish::default()).unwrap();
    let held = HeldKey {
        agency: "H99".parse().unwrap(),
        role: Role::Approve,
        signer: Arc::new(signer),
        picture: None,
    };
    offices.held.insert(SIGNER.to_owned(), held);
    offices.start(Clock::System);
    offices
}

/// One token for all these tests: the built-in driver goes on knowing a token's file for as long as the process lives.
fn shared() -> &'static (tempfile::TempDir, Token, Vec<u8>) {
    static SHARED: OnceLock<(tempfile::TempDir, Token, Vec<u8>)> = OnceLock::new();
    SHARED.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let pin = |text: &str| Pin::new(text.as_bytes().to_vec());
        let module = Module::Embedded(folder.path().into());
        provision::init_token(&module, "mat khau", pin("98765432"), pin("13572468")).unwrap();
        let token = Token::open(&module, &TokenSelector::labelled("mat khau")).unwrap();
        token.login_and_keep(pin("13572468"), LastTry::Refuse).unwrap();
        let kind = NewKeyKind::P256;
        let key = NewKey { label: "ky".to_owned(), id: vec![1], kind, always_authenticate: false };
        let spki = token.generate_key(&key).unwrap();
        (folder, token, spki)
    })
}

/// The sample, encrypted by qpdf so that it opens with [`SECRET`].
pub(super) fn encrypted(scheme: &[&str]) -> Option<Vec<u8>> {
    let folder = tempfile::tempdir().unwrap();
    let [plain, out] = ["plain.pdf", "encrypted.pdf"].map(|name| folder.path().join(name));
    fs::write(&plain, sample()).unwrap();
    support::encrypt((&plain, &out), [SECRET, "chu-so-huu"], scheme, &[])?;
    Some(fs::read(out).unwrap())
}

/// The sample with a `startxref` that leads nowhere.
fn broken() -> Vec<u8> {
    let sample = sample();
    let word = b"startxref\n";
    let at = sample.windows(word.len()).rposition(|window| window == word).unwrap() + word.len();
    [&sample[..at], b"1", &sample[at..]].concat()
}

fn draft(offices: &Offices, pdf: &[u8]) -> String {
    let uploaded = offices.person(CLERK).upload(pdf);
    assert_eq!(uploaded.status(), "201 Created", "{}", uploaded.body());
    uploaded.text("id")
}

fn sign(person: &Person, document: &str, more: &Value) -> Answer {
    let mut request = json!({ "signer": SIGNER, "reason": "Phê duyệt" });
    for (key, value) in more.as_object().unwrap() {
        request[key] = value.clone();
    }
    person.post(&format!("/api/v1/documents/{document}/signatures"), &request)
}

fn content(person: &Person, document: &str) -> Vec<u8> {
    person.get(&format!("/api/v1/documents/{document}/content")).bytes
}

fn refused(answer: &Answer, code: &str, what: &str) {
    assert_eq!(answer.status(), "422 Unprocessable Entity", "{what}: {}", answer.body());
    assert_eq!(answer.code(), code, "{what}: {}", answer.body());
    assert!(!answer.body().contains(SECRET), "{what}: {}", answer.body());
}

/// poppler and pyHanko accept the one signature, and so does kyso by its own form, with the password and not without.
fn everybody_accepts(offices: &Offices, pdf: &[u8], password: Option<&str>) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("signed.pdf");
    fs::write(&file, pdf).unwrap();
    if let Some(pdfsig) = tool("pdfsig") {
        let mut command = Command::new(pdfsig);
        command.arg("-nocert").env("LC_ALL", "C").args(password.iter().flat_map(|word| ["-upw", word]));
        let told = String::from_utf8_lossy(&command.arg(&file).output().unwrap().stdout).into_owned();
        assert_eq!(told.matches("Signature Validation: Signature is Valid.").count(), 1, "{told}");
    }
    if let Some(pyhanko) = PyHanko::find() {
        let root = folder.path().join("root.pem");
        fs::write(&root, offices.pki.pki().root().certificate().to_pem()).unwrap();
        let more: Vec<&str> = password.iter().flat_map(|word| ["--password", word]).collect();
        let verdicts = pyhanko.verify_with(&file, &[root.as_path()], &more);
        assert!(verdicts.len() == 1 && verdicts[0].accepted(), "{verdicts:?}");
    }
    let judged = verify(&offices.person(CLERK), pdf, password);
    assert_eq!(judged["documents"][0]["overall"], "valid", "{judged:#}");
    if password.is_some() {
        let judged = verify(&offices.person(CLERK), pdf, None);
        assert_eq!(judged["unreadable"][0]["error"]["key"], "file.encrypted", "{judged:#}");
        let judged = verify(&offices.person(CLERK), pdf, Some("sai"));
        assert_eq!(judged["unreadable"][0]["error"]["key"], "file.password", "{judged:#}");
    }
}

/// By a form, as the password's own part has it.
fn verify(person: &Person, pdf: &[u8], password: Option<&str>) -> Value {
    form(person, "/api/v1/verifications", pdf, password).json()
}

fn form(person: &Person, path: &str, pdf: &[u8], password: Option<&str>) -> Answer {
    let mut body = Vec::new();
    if let Some(password) = password {
        let part = "--ranh\r\nContent-Disposition: form-data; name=\"password\"\r\n\r\n";
        body.extend_from_slice(format!("{part}{password}\r\n").as_bytes());
    }
    let part = "--ranh\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.pdf\"\r\n\r\n";
    body.extend_from_slice(part.as_bytes());
    body.extend_from_slice(pdf);
    body.extend_from_slice(b"\r\n--ranh--\r\n");
    person.post_with(path, &[("Content-Type", "multipart/form-data; boundary=ranh")], &body)
}

#[test]
fn an_encrypted_document_is_signed_with_its_password() {
    everywhere(|offices| {
        for scheme in [&["128", "--use-aes=y"][..], &["256"]] {
            let Some(pdf) = encrypted(scheme) else { return };
            let (leader, document) = (offices.person(LEADER), draft(offices, &pdf));
            refused(&sign(&leader, &document, &json!({})), "document.password", "none");
            let wrong = sign(&leader, &document, &json!({ "password": "sai" }));
            refused(&wrong, "document.password", "wrong");
            assert_eq!(wrong.json()["errors"][0]["pointer"], "/password");
            for (value, what) in [
                (json!(7_391_264), "a number"),
                (json!(["x"]), "a list"),
                (json!("x".repeat(1_025)), "too long"),
            ] {
                let told = sign(&leader, &document, &json!({ "password": value }));
                refused(&told, "request.invalid", what);
                assert!(!told.body().contains("7391264"), "{}", told.body());
            }
            let previews = format!("/api/v1/documents/{document}/signature-previews");
            let looks = json!({ "role": "approve", "page": 1, "rectangle": [60, 40, 180, 60] });
            let wish = json!({ "signer": SIGNER, "appearance": looks });
            assert_eq!(leader.post(&previews, &wish).code(), "document.password");
            let signed = sign(&leader, &document, &json!({ "password": SECRET }));
            assert_eq!(signed.status(), "201 Created", "{}", signed.body());
            assert!(!signed.body().contains(SECRET) && signed.json().get("repair").is_none());
            let bytes = content(&leader, &document);
            assert!(bytes.starts_with(&pdf));
            everybody_accepts(offices, &bytes, Some(SECRET));
        }
    });
}

#[test]
fn an_encrypted_document_is_prepared_and_completed_with_its_password() {
    everywhere(|offices| {
        let Some(pdf) = encrypted(&["256"]) else { return };
        let (key, certificate) = offices.outside_key(KeyAlgorithm::EcP256);
        let (leader, document) = (offices.person(LEADER), draft(offices, &pdf));
        let path = format!("/api/v1/documents/{document}/prepared-signatures");
        let mut wish = offices.wish(&certificate);
        refused(&leader.post(&path, &wish), "document.password", "none");
        wish["password"] = json!("sai");
        refused(&leader.post(&path, &wish), "document.password", "wrong");
        wish["password"] = json!(SECRET);
        wish["appearance"] = json!({ "role": "approve", "page": 1, "rectangle": [60, 40, 180, 60] });
        let prepared = leader.post(&path, &wish);
        assert_eq!(prepared.status(), "201 Created", "{}", prepared.body());
        assert!(!prepared.body().contains(SECRET));

        // Nothing of it is kept: the next start asks for it again, and tells so before the value counts.
        offices.start(Clock::System);
        let leader = offices.person(LEADER);
        let place = prepared.header("location");
        assert_eq!(leader.get(place).json(), prepared.json());
        let message = STANDARD.decode(prepared.text("toBeSigned")).unwrap();
        let bytes = leader.get(&format!("{place}/content")).bytes;
        let password = Arc::new(Password::new(SECRET.as_bytes().to_vec()));
        let source: Arc<dyn Source> = Arc::new(ProtectedSource::new(MemorySource(bytes), Some(password)));
        let reviewed = ReviewedDocument::of(&MemorySource(pdf.clone())).unwrap();
        let wishes = Wishes { reason: Some("Phê duyệt".to_owned()), ..Wishes::default() };
        let scheme = SchemeWish::default().scheme_for(&certificate).unwrap();
        let looked_at = review(&source, &reviewed, &wishes, &Limits::default()).unwrap();
        let confirmed = looked_at.confirm(&message, &certificate, scheme).unwrap();
        let value = STANDARD.encode(key.sign(confirmed.to_be_signed()).unwrap());
        let complete = |more: &Value| {
            let mut request = json!({ "signature": value });
            for (key, value) in more.as_object().unwrap() {
                request[key] = value.clone();
            }
            leader.post(&format!("{place}/complete"), &request)
        };
        for _ in 0..6 {
            refused(&complete(&json!({})), "document.password", "none");
            refused(&complete(&json!({ "password": "sai" })), "document.password", "wrong");
        }
        let signed = complete(&json!({ "password": SECRET }));
        assert_eq!(signed.status(), "201 Created", "{}", signed.body());
        assert_eq!(complete(&json!({ "password": SECRET })).code(), "prepared.used");
        everybody_accepts(offices, &content(&leader, &document), Some(SECRET));
    });
}

/// One password for those that need it; it does not survive the server, and the batch says so.
#[test]
fn a_batch_has_a_password_that_no_restart_keeps() {
    everywhere(|offices| {
        let Some(pdf) = encrypted(&["256"]) else { return };
        let leader = offices.person(LEADER);
        let batches = "/api/v1/signature-batches";
        // Without one, what is encrypted fails by itself.
        let documents = [draft(offices, &sample()), draft(offices, &pdf)];
        let begun = leader.post(batches, &json!({ "signer": SIGNER, "documents": documents }));
        let batch = ended(&leader, begun.header("location"));
        assert_eq!((&batch["signed"], &batch["failed"]), (&json!(1), &json!(1)), "{batch:#}");
        assert_eq!(batch["items"][1]["code"], "document.password", "{batch:#}");

        let plain = sample();
        let of = |index: usize| if index.is_multiple_of(2) { &pdf } else { &plain };
        let documents: Vec<String> = (0..12).map(|index| draft(offices, of(index))).collect();
        let request = json!({ "signer": SIGNER, "documents": documents, "password": SECRET });
        let begun = leader.post(batches, &request);
        assert_eq!(begun.status(), "202 Accepted", "{}", begun.body());
        let place = begun.header("location").to_owned();
        assert!(!begun.body().contains(SECRET) && !leader.get(&place).body().contains(SECRET));
        offices.pause();
        let before = leader.get(&place).json();
        assert_eq!(before["state"], "running", "it was too quick for this test: {before:#}");
        offices.start(Clock::System);
        let leader = offices.person(LEADER);
        let batch = ended(&leader, &place);
        assert_eq!(
            (&batch["state"], &batch["stoppedBy"]),
            (&json!("stopped"), &json!("batch.password")),
            "{batch:#}"
        );
        assert_eq!((&batch["signed"], &batch["failed"]), (&before["signed"], &json!(0)), "{batch:#}");
        // Resumed without it, it stops again; with it, it ends.
        let resumed = leader.post(&format!("{place}/resume"), &json!({}));
        assert_eq!(resumed.status(), "202 Accepted", "{}", resumed.body());
        assert_eq!(ended(&leader, &place)["stoppedBy"], "batch.password");
        let resumed = leader.post(&format!("{place}/resume"), &json!({ "password": SECRET }));
        assert_eq!(resumed.status(), "202 Accepted", "{}", resumed.body());
        let batch = ended(&leader, &place);
        assert_eq!((&batch["state"], &batch["signed"]), (&json!("done"), &json!(12)), "{batch:#}");
        everybody_accepts(offices, &content(&leader, &documents[0]), Some(SECRET));
        everybody_accepts(offices, &content(&leader, &documents[1]), None);

        // What is rebuilt is signed by itself.
        let refused = json!({ "signer": SIGNER, "documents": [draft(offices, &broken())], "repair": true });
        assert_eq!(leader.post(batches, &refused).code(), "request.invalid");
    });
}

#[test]
fn a_broken_draft_is_rebuilt_when_it_is_asked_for_and_said_so() {
    everywhere(|offices| {
        let pdf = broken();
        let (leader, document) = (offices.person(LEADER), draft(offices, &pdf));
        let told = sign(&leader, &document, &json!({}));
        refused(&told, "document.refused", "broken");
        assert!(told.text("detail").contains("\"repair\": true"), "{}", told.body());
        let signed = sign(&leader, &document, &json!({ "repair": true }));
        assert_eq!(signed.status(), "201 Created", "{}", signed.body());
        let repair = &signed.json()["repair"];
        assert_eq!(repair[0]["key"], "cross-reference", "{}", signed.body());
        assert!(
            repair[0]["what"].is_string() && repair.as_array().is_some_and(|all| all.len() > 1),
            "{repair}"
        );
        let bytes = content(&leader, &document);
        assert!(!bytes.starts_with(&pdf));
        everybody_accepts(offices, &bytes, None);
        // Once signed it is never rebuilt: the agency's signature goes on from these bytes.
        let audit = offices.block_on(offices.service.as_ref().unwrap().audit()).unwrap();
        assert!(audit.findings.is_empty(), "{:?}", audit.findings);

        // A sound draft is left as it is, and nothing is said of it.
        let document = draft(offices, &sample());
        let signed = sign(&leader, &document, &json!({ "repair": true }));
        assert_eq!(signed.status(), "201 Created", "{}", signed.body());
        assert!(signed.json().get("repair").is_none());
        assert!(content(&leader, &document).starts_with(&sample()));
        // And what cannot be rebuilt is refused by name.
        let document = draft(offices, b"xin chao");
        let told = sign(&leader, &document, &json!({ "repair": true }));
        refused(&told, "document.refused", "no PDF");
        assert!(told.text("detail").contains("no catalog"), "{}", told.body());
    });
}

/// In two steps: whoever holds the key reviews the rebuilt document, with which the prepared file begins.
#[test]
fn a_broken_draft_is_prepared_as_it_was_rebuilt() {
    everywhere(|offices| {
        let pdf = broken();
        let (key, certificate) = offices.outside_key(KeyAlgorithm::EcP256);
        let (leader, document) = (offices.person(LEADER), draft(offices, &pdf));
        let path = format!("/api/v1/documents/{document}/prepared-signatures");
        let mut wish = offices.wish(&certificate);
        refused(&leader.post(&path, &wish), "document.refused", "broken");
        wish["repair"] = json!(true);
        let prepared = leader.post(&path, &wish);
        assert_eq!(prepared.status(), "201 Created", "{}", prepared.body());
        assert_eq!(prepared.json()["repair"][0]["key"], "cross-reference", "{}", prepared.body());
        offices.start(Clock::System);
        let leader = offices.person(LEADER);
        let place = prepared.header("location");
        assert_eq!(leader.get(place).json(), prepared.json());
        let bytes = leader.get(&format!("{place}/content")).bytes;
        let size = usize::try_from(prepared.json()["documentSize"].as_u64().unwrap()).unwrap();
        let rebuilt = bytes[..size].to_vec();
        assert_eq!(Sha256::of(&rebuilt).to_hex(), prepared.text("documentSha256"));
        assert_ne!(rebuilt, pdf);
        let source: Arc<dyn Source> = Arc::new(MemorySource(bytes));
        let reviewed = ReviewedDocument::of(&MemorySource(rebuilt)).unwrap();
        let wishes = Wishes { reason: Some("Phê duyệt".to_owned()), ..Wishes::default() };
        let scheme = SchemeWish::default().scheme_for(&certificate).unwrap();
        let looked_at = review(&source, &reviewed, &wishes, &Limits::default()).unwrap();
        let message = STANDARD.decode(prepared.text("toBeSigned")).unwrap();
        let confirmed = looked_at.confirm(&message, &certificate, scheme).unwrap();
        let value = STANDARD.encode(key.sign(confirmed.to_be_signed()).unwrap());
        let signed = leader.post(&format!("{place}/complete"), &json!({ "signature": value }));
        assert_eq!(signed.status(), "201 Created", "{}", signed.body());
        assert_eq!(signed.json()["repair"], prepared.json()["repair"]);
        everybody_accepts(offices, &content(&leader, &document), None);
    });
}

/// Issued, sent and accepted: each step that opens the document is given its password.
#[test]
fn a_recipient_accepts_an_encrypted_document_with_its_password() {
    let (Some(town), Some(pdf)) = (town(), encrypted(&["256"])) else { return };
    let (clerk, leader, recipient) = (town.clerk(), town.leader(), town.recipient(0));
    let id = clerk.upload(&pdf).text("id");
    assert_eq!(clerk.number(&id).status(), "200 OK");
    let signatures = format!("/api/v1/documents/{id}/signatures");
    for (who, key) in [(&leader, LEADER_KEY), (&clerk, AGENCY_KEY)] {
        assert_eq!(who.post(&signatures, &json!({ "signer": key })).code(), "document.password");
        let signed = who.post(&signatures, &json!({ "signer": key, "password": SECRET }));
        assert_eq!(signed.status(), "201 Created", "{}", signed.body());
    }
    assert_eq!(clerk.send(&id, &[town.recipient_code(0)]).status(), "201 Created");
    let delivery = recipient.delivery_of(&id);
    assert_eq!(recipient.act(&delivery, "arrive", &json!({})).status(), "200 OK");
    for password in [json!({}), json!({ "password": "sai" })] {
        refused(&recipient.act(&delivery, "accept", &password), "document.password", "accept");
    }
    assert_eq!(recipient.act(&delivery, "accept", &json!({ "pin": "1" })).code(), "request.invalid");
    let accepted = recipient.act(&delivery, "accept", &json!({ "password": SECRET }));
    assert_eq!(accepted.status(), "200 OK", "{}", accepted.body());
    assert!(!accepted.body().contains(SECRET));
}

/// Bad forms of a password are told.
#[test]
fn forms_with_a_password_have_limits() {
    everywhere(|offices| {
        let Some(pdf) = encrypted(&["256"]) else { return };
        let clerk = offices.person(CLERK);
        let long = form(&clerk, "/api/v1/verifications", &pdf, Some(&"x".repeat(1_025)));
        assert_eq!(long.code(), "request.too-large");
        // An empty one is none. (Where a body was not read to its end, the connection is closed.)
        let clerk = offices.person(CLERK);
        let judged = verify(&clerk, &pdf, Some(""));
        assert_eq!(judged["unreadable"][0]["error"]["key"], "file.encrypted", "{judged:#}");
        let part = "--ranh\r\nContent-Disposition: form-data; name=\"password\"\r\n\r\nx\r\n";
        let kind = [("Content-Type", "multipart/form-data; boundary=ranh")];
        let twice = [part, part, "--ranh--\r\n"].concat();
        let told = clerk.post_with("/api/v1/verifications", &kind, twice.as_bytes());
        assert_eq!(told.code(), "request.malformed", "{}", told.body());
        let clerk = offices.person(CLERK);
        // Of a file that needs none it is not asked.
        let judged = verify(&clerk, &sample(), Some(SECRET));
        assert_eq!(judged["documents"][0]["overall"], "unsigned", "{judged:#}");
        // The page for people takes the same form.
        let page = form(&clerk, "/kiem-tra", &pdf, Some(SECRET));
        assert_eq!(page.status(), "200 OK");
        assert!(!page.body().contains(SECRET));
    });
}

/// What the process that is looked into has to do.
const LOG: &str = "KYSO_TEST_PASSWORD_LOG";

/// No password is in the log, even at its most talkative, nor in the database, nor among the files.
#[test]
fn a_password_is_written_nowhere() {
    if cfg!(not(feature = "embedded-token")) || tool("qpdf").is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "http::passwords::log_child", "--ignored", "--nocapture"])
        .env(LOG, folder.path())
        .env("KYSO_LOG", "trace")
        .output()
        .unwrap();
    let shown = [&output.stdout[..], &output.stderr].concat();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&shown));
    assert!(!holds(&shown, SECRET), "printed");
    let mut looked_at = 0;
    let mut waiting = vec![folder.path().to_owned()];
    while let Some(folder) = waiting.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                waiting.push(path);
                continue;
            }
            let bytes = fs::read(&path).unwrap();
            assert!(!holds(&bytes, SECRET), "{}", path.display());
            looked_at += 1;
        }
    }
    let log = fs::read_to_string(folder.path().join("log")).unwrap();
    assert!(log.lines().count() > 50, "the log is there: {log}");
    assert!(fs::metadata(folder.path().join("kyso.db")).is_ok_and(|file| file.len() > 0));
    println!("{looked_at} files and {} lines of the log hold no password", log.lines().count());
}

fn holds(bytes: &[u8], word: &str) -> bool {
    let base64 = STANDARD.encode(word);
    [word.as_bytes(), base64.as_bytes(), hex::encode(word).as_bytes()]
        .iter()
        .any(|word| bytes.windows(word.len()).any(|window| window == *word))
}

#[test]
#[ignore = "a process of its own, whose log and files the test above looks into"]
fn log_child() {
    let folder = std::env::var(LOG).unwrap();
    let folder = Path::new(&folder);
    kyso::telemetry::start_log_in(&folder.join("log")).unwrap();
    let url = format!("sqlite:{}", folder.join("kyso.db").display());
    let kept = tempfile::Builder::new().prefix("files").tempdir_in(folder).unwrap();
    let mut offices = with_key(Database { url, folder: kept });
    let pdf = encrypted(&["256"]).unwrap();
    let leader = offices.person(LEADER);
    let document = draft(&offices, &pdf);
    for password in ["sai", SECRET] {
        sign(&leader, &document, &json!({ "password": password }));
    }
    let (key, certificate) = offices.outside_key(KeyAlgorithm::EcP256);
    let document = draft(&offices, &pdf);
    let mut wish = offices.wish(&certificate);
    wish["password"] = json!(SECRET);
    let prepared = leader.post(&format!("/api/v1/documents/{document}/prepared-signatures"), &wish);
    let value = key.sign(&STANDARD.decode(prepared.text("toBeSigned")).unwrap()).unwrap();
    let request = json!({ "signature": STANDARD.encode(value), "password": SECRET });
    let signed = leader.post(&format!("{}/complete", prepared.header("location")), &request);
    assert_eq!(signed.status(), "201 Created", "{}", signed.body());
    let documents = [draft(&offices, &pdf), draft(&offices, &pdf)];
    let request = json!({ "signer": SIGNER, "documents": documents, "password": SECRET });
    let begun = leader.post("/api/v1/signature-batches", &request);
    assert_eq!(ended(&leader, begun.header("location"))["signed"], 2);
    verify(&leader, &content(&leader, &documents[0]), Some(SECRET));
    // A request that cannot be read is told without its words.
    let headers = [("Content-Type", "application/json"), ("Idempotency-Key", &*super::town::fresh_key())];
    let path = format!("/api/v1/documents/{document}/signatures");
    leader.post_with(&path, &headers, format!("{{\"password\":\"{SECRET}\",").as_bytes());
    leader.post_with(&path, &headers, format!("{{\"password\":[\"{SECRET}\"]}}").as_bytes());
    offices.stop();
    // The files stay for whoever looks.
    let Database { folder, .. } = std::mem::replace(&mut offices.database, databases::sqlite());
    let _ = folder.keep();
}
