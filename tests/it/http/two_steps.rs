//! Signing with a key that the server does not hold, in two steps: over SQLite and PostgreSQL.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use kyso::{
    base::{Clock, Limits, MemorySource, Sha256, Source},
    config::LimitSettings,
    demo::pki::{DemoPki, DemoServices, Holder, KeyAlgorithm, SigningKey},
    ledger::LedgerKey,
    service::{MOST_WRONG_VALUES, Service, Setup, sign::SchemeWish},
    signing::{
        Wishes,
        review::{ReviewedDocument, review},
    },
    store::Faults,
    token::softhsm::SoftHsm,
    trust::Anchors,
    x509::{self, Certificate},
};
use serde_json::{Value, json};

use super::{
    offices::{CLERK, LEADER, Offices, SECOND_LEADER, STRANGER, desk, later},
    town::{Answer, Person, fresh_key, sample},
};
use crate::{
    databases,
    support::{self, PyHanko, run, tool},
};

/// The offices over each kind of database that there is here.
fn everywhere(limits: &LimitSettings, test: impl Fn(&mut Offices)) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    for database in runtime.block_on(databases::databases()) {
        test(&mut Offices::open(database, limits.clone()));
    }
}

fn prepare(person: &Person, document: &str, wish: &Value) -> Answer {
    person.post(&format!("/api/v1/documents/{document}/prepared-signatures"), wish)
}

/// Where a prepared signature is.
fn place(document: &str, handle: &str) -> String {
    format!("/api/v1/documents/{document}/prepared-signatures/{handle}")
}

fn complete(person: &Person, document: &str, handle: &str, value: &[u8]) -> Answer {
    let body = json!({ "signature": STANDARD.encode(value) });
    person.post(&format!("{}/complete", place(document, handle)), &body)
}

fn to_be_signed(prepared: &Answer) -> Vec<u8> {
    STANDARD.decode(prepared.text("toBeSigned")).unwrap()
}

/// A document prepared by the leader for a key in memory: its id, the handle, and the value that completes it.
fn prepared(offices: &Offices) -> (String, String, Vec<u8>) {
    let (key, certificate) = offices.outside_key(KeyAlgorithm::EcP256);
    let document = offices.draft();
    let answer = prepare(&offices.person(LEADER), &document, &offices.wish(&certificate));
    assert_eq!(answer.status(), "201 Created", "{}", answer.body());
    let value = key.sign(&to_be_signed(&answer)).unwrap();
    (document, answer.text("handle"), value)
}

#[test]
fn a_key_on_softhsm_signs_what_the_server_prepared() {
    let (Some(_), Some(_)) = (tool("softhsm2-util"), tool("pkcs11-tool")) else { return };
    everywhere(&LimitSettings::default(), |offices| {
        for algorithm in [KeyAlgorithm::Rsa2048, KeyAlgorithm::EcP256] {
            let Some(outside) = OutsideToken::new(&offices.pki, algorithm) else { return };
            let (leader, document) = (offices.person(LEADER), offices.draft());
            let answer = prepare(&leader, &document, &offices.wish(&outside.certificate));
            assert_eq!(answer.status(), "201 Created", "{}", answer.body());
            let handle = answer.text("handle");
            assert_eq!(answer.header("location"), place(&document, &handle));
            let told = answer.json();
            assert_eq!(told["documentSha256"], Sha256::of(&sample()).to_hex());
            let message = to_be_signed(&answer);
            assert_eq!(told["digest"]["value"], STANDARD.encode(Sha256::of(&message).0));

            // What is signed can be looked at first: the document, and something behind it.
            assert_eq!(leader.get(&place(&document, &handle)).json(), told);
            let content = leader.get(&format!("{}/content", place(&document, &handle))).bytes;
            assert_eq!(told["preparedSha256"], Sha256::of(&content).to_hex());
            assert_eq!(told["preparedSize"], content.len());
            assert!(content.starts_with(&sample()) && content.len() > sample().len());

            // Whoever holds the key proves that it is so, before the key is touched.
            let source: Arc<dyn Source> = Arc::new(MemorySource(content.clone()));
            let reviewed = ReviewedDocument::of(&MemorySource(sample())).unwrap();
            let wishes = Wishes { reason: Some("Phê duyệt".to_owned()), ..Wishes::default() };
            let review = review(&source, &reviewed, &wishes, &Limits::default()).unwrap();
            let scheme = SchemeWish::default().scheme_for(&outside.certificate).unwrap();
            let confirmed = review.confirm(&message, &outside.certificate, scheme).unwrap();
            assert_eq!(told["algorithm"]["name"], confirmed.scheme().name());

            let signed = complete(&leader, &document, &handle, &outside.sign(confirmed.to_be_signed()));
            assert_eq!(signed.status(), "201 Created", "{}", signed.body());
            assert_eq!(signed.json()["document"]["state"], "approved");
            assert_eq!(signed.json()["signature"]["indication"], "TOTAL-PASSED");
            let file = outside.folder.path().join("signed.pdf");
            let bytes = leader.get(&format!("/api/v1/documents/{document}/content")).bytes;
            assert_eq!(bytes.len(), content.len(), "the value went into the place that was kept for it");
            fs::write(&file, bytes).unwrap();
            if let Some(verdicts) = support::pdfsig(&file) {
                assert!(verdicts.len() == 1 && verdicts[0].accepted(), "{verdicts:?}");
            }
            if let Some(pyhanko) = PyHanko::find() {
                let root = outside.folder.path().join("root.pem");
                fs::write(&root, offices.pki.pki().root().certificate().to_pem()).unwrap();
                let verdicts = pyhanko.verify(&file, &[&root]);
                assert!(verdicts.len() == 1 && verdicts[0].accepted(), "{verdicts:?}");
            }
        }
    });
}

#[test]
fn a_prepared_signature_survives_a_restart() {
    everywhere(&LimitSettings::default(), |offices| {
        let (document, handle, value) = prepared(offices);
        offices.start(Clock::System);
        let signed = complete(&offices.person(LEADER), &document, &handle, &value);
        assert_eq!(signed.status(), "201 Created", "{}", signed.body());
        // And so does that it is used.
        offices.start(Clock::System);
        assert_eq!(complete(&offices.person(LEADER), &document, &handle, &value).code(), "prepared.used");
    });
}

#[test]
fn a_prepared_signature_expires_and_is_swept() {
    everywhere(&LimitSettings { prepared_seconds: 600, ..LimitSettings::default() }, |offices| {
        let (document, handle, value) = prepared(offices);
        offices.start(later(Duration::from_mins(9)));
        assert_eq!(offices.person(LEADER).get(&place(&document, &handle)).status(), "200 OK");
        offices.start(later(Duration::from_mins(11)));
        let late = complete(&offices.person(LEADER), &document, &handle, &value);
        assert_eq!((late.status().as_str(), late.code().as_str()), ("410 Gone", "prepared.expired"));
        let sweep = |offices: &Offices| offices.block_on(offices.service.as_ref().unwrap().sweep_prepared());
        assert_eq!(sweep(offices).unwrap(), 1);
        assert_eq!(sweep(offices).unwrap(), 0);
        assert_eq!(offices.person(LEADER).get(&place(&document, &handle)).code(), "prepared.expired");
        offices.start(later(Duration::from_hours(25)));
        assert_eq!(sweep(offices).unwrap(), 1);
        let code = complete(&offices.person(LEADER), &document, &handle, &value).code();
        assert_eq!(code, "prepared.not-found");
    });
}

#[test]
fn a_handle_is_good_once() {
    everywhere(&LimitSettings::default(), |offices| {
        let (document, handle, value) = prepared(offices);
        let leader = offices.person(LEADER);
        let (path, once) = (format!("{}/complete", place(&document, &handle)), fresh_key());
        let body = json!({ "signature": STANDARD.encode(&value) });
        let first = leader.post_again(&path, &body, &once);
        assert_eq!(first.status(), "201 Created", "{}", first.body());
        // The same request again is the same answer; another request is a replay.
        assert_eq!(leader.post_again(&path, &body, &once).body(), first.body());
        let replayed = complete(&leader, &document, &handle, &value);
        assert_eq!((replayed.status().as_str(), replayed.code().as_str()), ("409 Conflict", "prepared.used"));
        assert_eq!(leader.get(&place(&document, &handle)).code(), "prepared.used");
        assert_eq!(leader.delete(&place(&document, &handle)).code(), "prepared.used");
    });
}

#[test]
fn of_twenty_at_once_one_completes() {
    everywhere(&LimitSettings { parallel_work: 20, ..LimitSettings::default() }, |offices| {
        let (document, handle, value) = prepared(offices);
        let leader = offices.person(LEADER);
        let answers: Vec<Answer> = std::thread::scope(|scope| {
            let ask = || scope.spawn(|| complete(&leader, &document, &handle, &value));
            let asked: Vec<_> = (0..20).map(|_| ask()).collect();
            asked.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        let won = answers.iter().filter(|answer| answer.status() == "201 Created").count();
        let codes: Vec<String> =
            answers.iter().filter(|answer| answer.status() != "201 Created").map(Answer::code).collect();
        assert_eq!(won, 1, "{codes:?}");
        assert!(
            codes.iter().all(|code| ["prepared.used", "prepared.changed"].contains(&code.as_str())),
            "{codes:?}"
        );
        let document = leader.get(&format!("/api/v1/documents/{document}")).json();
        assert_eq!(document["signatures"].as_array().map(Vec::len), Some(1));
    });
}

#[test]
fn a_handle_is_good_for_its_member_and_its_document_only() {
    everywhere(&LimitSettings::default(), |offices| {
        let (document, handle, value) = prepared(offices);
        for index in [SECOND_LEADER, CLERK, STRANGER] {
            let other = offices.person(index);
            for answer in [
                complete(&other, &document, &handle, &value),
                other.get(&place(&document, &handle)),
                other.get(&format!("{}/content", place(&document, &handle))),
                other.delete(&place(&document, &handle)),
            ] {
                assert_eq!(answer.code(), "prepared.not-found");
                assert!(!answer.body().contains(&format!("of {handle}")));
            }
        }
        let (leader, another) = (offices.person(LEADER), offices.draft());
        assert_eq!(complete(&leader, &another, &handle, &value).code(), "prepared.not-found");
        assert_eq!(complete(&leader, &document, "nothing", &value).code(), "prepared.not-found");
        assert_eq!(complete(&leader, "nothing", &handle, &value).code(), "document.not-found");
        assert_eq!(complete(&leader, &document, &handle, &value).status(), "201 Created");
    });
}

#[test]
fn a_document_that_moved_on_is_not_signed() {
    everywhere(&LimitSettings::default(), |offices| {
        let (key, certificate) = offices.outside_key(KeyAlgorithm::EcP256);
        let (leader, document) = (offices.person(LEADER), offices.draft());
        let wish = offices.wish(&certificate);
        let [first, second] = [prepare(&leader, &document, &wish), prepare(&leader, &document, &wish)];
        let value = |answer: &Answer| key.sign(&to_be_signed(answer)).unwrap();
        let signed = complete(&leader, &document, &first.text("handle"), &value(&first));
        assert_eq!(signed.status(), "201 Created", "{}", signed.body());
        let late = complete(&leader, &document, &second.text("handle"), &value(&second));
        assert_eq!((late.status().as_str(), late.code().as_str()), ("409 Conflict", "prepared.changed"));
        assert_eq!(prepare(&leader, &document, &wish).code(), "signature.order");
    });
}

#[test]
fn wrong_values_are_counted() {
    everywhere(&LimitSettings::default(), |offices| {
        let (document, handle, value) = prepared(offices);
        let leader = offices.person(LEADER);
        let (stranger, _) = offices.outside_key(KeyAlgorithm::EcP256);
        let wrong = stranger.sign(b"something else").unwrap();
        let mut cut = value.clone();
        cut.pop();
        for value in [&wrong[..], b"", &cut, &[0xFF; 5_000]].into_iter().take(MOST_WRONG_VALUES as usize - 1)
        {
            let refused = complete(&leader, &document, &handle, value);
            assert_eq!(refused.status(), "422 Unprocessable Entity");
            assert_eq!(refused.code(), "signature.value");
        }
        let state = leader.get(&format!("/api/v1/documents/{document}")).text("state");
        assert_eq!(state, "drafted");
        assert_eq!(complete(&leader, &document, &handle, &value).status(), "201 Created");

        let (document, handle, value) = prepared(offices);
        for _ in 0..MOST_WRONG_VALUES {
            assert_eq!(complete(&leader, &document, &handle, &wrong).code(), "signature.value");
        }
        assert_eq!(complete(&leader, &document, &handle, &value).code(), "prepared.spent");
    });
}

#[test]
fn what_cannot_be_prepared_or_completed_is_told() {
    everywhere(&LimitSettings { prepared_signatures: 2, ..LimitSettings::default() }, |offices| {
        let (_, certificate) = offices.outside_key(KeyAlgorithm::EcP256);
        let (leader, document, wish) = (offices.person(LEADER), offices.draft(), offices.wish(&certificate));
        let with = |name: &str, value: Value| {
            let mut wish = wish.clone();
            wish[name] = value;
            prepare(&leader, &document, &wish)
        };
        let past = Clock::Fixed("2019-01-01T00:00:00Z".parse().unwrap());
        let old = DemoPki::new(past, kyso::base::Chance::system()).unwrap();
        let spki = SigningKey::generate(KeyAlgorithm::EcP256).unwrap();
        let expired = old.issue_person(spki.spki_der(), &Holder::new("Người cũ")).unwrap();
        for (name, value) in [
            ("certificate", json!("!")),
            ("certificate", json!(STANDARD.encode(b"no certificate"))),
            ("chain", json!(["AAAA"])),
            ("chain", json!(vec![""; 9])),
            ("digest", json!("SHA-1")),
            ("role", json!("boss")),
            ("pin", json!("123456")),
            ("signer", json!("chu-tich")),
        ] {
            let refused = with(name, value);
            assert_eq!(refused.status(), "422 Unprocessable Entity", "{name}");
            assert_eq!(refused.code(), "request.invalid", "{name}: {}", refused.body());
        }
        let code = with("certificate", json!(STANDARD.encode(expired.der()))).code();
        assert_eq!(code, "signer.certificate");
        assert_eq!(with("role", json!("issue")).code(), "key.scope");
        // Beside a reason there is no commitment (ETSI EN 319 142-1 section 6.3).
        assert_eq!(with("commitment", json!("proof-of-approval")).code(), "document.refused");
        assert_eq!(prepare(&offices.person(STRANGER), &document, &wish).code(), "document.not-found");
        assert_eq!(prepare(&offices.person(CLERK), &document, &wish).code(), "key.scope");

        let answer = prepare(&leader, &document, &wish);
        let path = format!("{}/complete", place(&document, &answer.text("handle")));
        assert_eq!(leader.post(&path, &json!({ "signature": "not Base64!" })).code(), "request.invalid");
        assert_eq!(leader.post(&path, &json!({})).code(), "request.invalid");
        let headers = [("Content-Type", "application/json")];
        assert_eq!(leader.post_with(&path, &headers, b"{}").code(), "idempotency.missing");

        // As many wait as may; one that is given up makes room.
        assert_eq!(prepare(&leader, &document, &wish).status(), "201 Created");
        let refused = prepare(&leader, &document, &wish);
        assert_eq!(
            (refused.status().as_str(), refused.code().as_str()),
            ("429 Too Many Requests", "prepared.too-many")
        );
        assert_eq!(leader.delete(&place(&document, &answer.text("handle"))).status(), "204 No Content");
        assert_eq!(leader.get(&place(&document, &answer.text("handle"))).code(), "prepared.not-found");
        assert_eq!(prepare(&leader, &document, &wish).status(), "201 Created");
    });
}

#[test]
fn a_crash_while_completing_leaves_the_handle_good_or_the_document_signed() {
    everywhere(&LimitSettings::default(), |offices| {
        for (point, recorded) in [("approve.blob", false), ("approve.row", false), ("approve.commit", true)] {
            let (document, handle, value) = prepared(offices);
            let job = json!({
                "url": offices.database.url, "blobs": offices.database.blobs(), "ledgerKey": offices.ledger_key,
                "key": offices.keys[LEADER], "document": document, "handle": handle, "value": STANDARD.encode(&value),
                "host": offices.pki.host(), "tsa": offices.pki.tsa_url(), "point": point,
                "root": offices.pki.pki().root().certificate().to_pem(),
            });
            let output = Command::new(std::env::current_exe().unwrap())
                .args(["--exact", "http::two_steps::crash_child", "--ignored", "--nocapture"])
                .env(CRASH, job.to_string())
                .output()
                .unwrap();
            let signal = std::os::unix::process::ExitStatusExt::signal(&output.status);
            assert_eq!(signal, Some(9), "{point}: {}", String::from_utf8_lossy(&output.stdout));
            offices.start(Clock::System);
            let answer = complete(&offices.person(LEADER), &document, &handle, &value);
            if recorded {
                assert_eq!(answer.code(), "prepared.used", "{point}");
            } else {
                assert_eq!(answer.status(), "201 Created", "{point}: {}", answer.body());
            }
            let document = offices.person(LEADER).get(&format!("/api/v1/documents/{document}")).json();
            assert_eq!(document["signatures"].as_array().map(Vec::len), Some(1), "{point}");
        }
    });
}

/// What the process that is to die has to do, as JSON.
const CRASH: &str = "KYSO_TEST_TWO_STEPS";

#[tokio::test]
#[ignore = "dies; run by the test above in a process of its own"]
async fn crash_child() {
    let job: Value = serde_json::from_str(&std::env::var(CRASH).unwrap()).unwrap();
    let text = |name: &str| job[name].as_str().unwrap().to_owned();
    let setup = Setup {
        faults: Faults::kill_at(&text("point")),
        ..Setup::new(text("url"), text("blobs"), LedgerKey::parse(&text("ledgerKey")).unwrap())
    };
    let service = Service::open(setup).await.unwrap();
    let caller = service.authenticate(&text("key")).await.unwrap();
    let anchors = Anchors::new("test", x509::certificates_from_pem(text("root").as_bytes()).unwrap());
    let desk = Arc::new(desk(Clock::System, text("host"), text("tsa"), anchors));
    let value = STANDARD.decode(text("value")).unwrap();
    let id = text("document").parse().unwrap();
    let survived = service.complete_signature(&caller, id, &text("handle"), desk, (value, None)).await;
    panic!("it lived: {:?}", survived.map(|signed| signed.document.state));
}

/// A token that only programs which are not ours ever touch.
struct OutsideToken {
    folder: tempfile::TempDir,
    library: PathBuf,
    configuration: (String, PathBuf),
    mechanism: &'static str,
    certificate: Certificate,
}

const PIN: &str = "55667788";

impl OutsideToken {
    fn new(pki: &DemoServices, algorithm: KeyAlgorithm) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let softhsm = SoftHsm::prepare(folder.path()).unwrap()?;
        let (name, value) = softhsm.variable();
        let kyso::token::Module::Path(library) = softhsm.module() else { return None };
        let util = tool("softhsm2-util")?;
        let init = ["--init-token", "--free", "--label", "ngoai", "--so-pin", "12345678", "--pin", PIN];
        run(Command::new(&util).args(init).env(name, value));
        let key = SigningKey::generate(algorithm).unwrap();
        let private = folder.path().join("private.pem");
        fs::write(&private, key.to_pem().as_bytes()).unwrap();
        let mut bring = Command::new(&util);
        bring.arg("--import").arg(&private).args(["--token", "ngoai", "--label", "khoa", "--id", "07"]);
        run(bring.args(["--pin", PIN]).env(name, value));
        fs::remove_file(private).unwrap();
        let certificate = pki.pki().issue_person(key.spki_der(), &Holder::new("Trần Thị Ngoài")).unwrap();
        let mechanism = match algorithm {
            KeyAlgorithm::Rsa2048 => "SHA256-RSA-PKCS",
            _ => "ECDSA",
        };
        Some(Self {
            library: library.clone(),
            configuration: (name.to_owned(), Path::new(value).to_owned()),
            folder,
            mechanism,
            certificate,
        })
    }

    /// The value by `pkcs11-tool`.
    fn sign(&self, message: &[u8]) -> Vec<u8> {
        let [input, output] = ["message", "value"].map(|name| self.folder.path().join(name));
        // A bare ECDSA mechanism takes the digest.
        let bytes = if self.mechanism == "ECDSA" { Sha256::of(message).0.to_vec() } else { message.to_vec() };
        fs::write(&input, bytes).unwrap();
        let mut sign = Command::new(tool("pkcs11-tool").unwrap());
        sign.arg("--module").arg(&self.library).args(["--token-label", "ngoai", "--login", "--pin", PIN]);
        sign.args(["--sign", "--id", "07", "--mechanism", self.mechanism, "--signature-format", "openssl"]);
        sign.arg("--input-file").arg(input).arg("--output-file").arg(&output);
        run(sign.env(&self.configuration.0, &self.configuration.1));
        fs::read(output).unwrap()
    }
}
