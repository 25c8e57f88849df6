//! Certificates that may not sign: refused before a PIN is sent, before a batch is begun, before a signature is prepared.

use std::{fs, path::Path, sync::Arc};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use kyso::{
    base::{Chance, Clock, Limits, Pin},
    config::{self, LimitSettings, SignerKind},
    demo::pki::{CertificateRequest, DemoServices, Holder, KeyAlgorithm, Profile, SigningKey},
    dispatch::Role,
    fetch::Fetcher,
    http::Signers,
    service::{
        HeldKey,
        sign::{SchemeWish, SignError, Signer, SigningDesk},
    },
    signing::SigningError,
    token::{
        KeySelector, LastTry, Module, Token, TokenSelector,
        provision::{self, NewKey, NewKeyKind},
    },
    validation::Policy,
    x509::Certificate,
};
use serde_json::json;

use super::{
    offices::{LEADER, Offices},
    signature_batches::ended,
    town::Answer,
};
use crate::{databases, support};

const CODE: &str = "signer.certificate";

/// A certificate for this key, valid from so many days from now to so many.
fn issue(pki: &DemoServices, spki: &[u8], profile: Profile, days: [i64; 2]) -> Certificate {
    let now = Clock::System.now();
    let day = |days: i64| now + jiff::SignedDuration::from_hours(24 * days);
    let holder = Holder::new("Trần Văn Lô");
    let request = CertificateRequest {
        holder: &holder,
        spki_der: spki,
        profile,
        not_before: day(days[0]),
        not_after: day(days[1]),
    };
    pki.pki().ca().issue(&request).unwrap()
}

fn revoke(pki: &DemoServices, certificate: &Certificate) {
    let at = Clock::System.now() - jiff::SignedDuration::from_mins(30);
    pki.pki().revoke(certificate.serial(), at, Some(1)).unwrap();
}

/// What may not sign, and the words that say so.
fn bad(pki: &DemoServices, spki: &[u8]) -> Vec<(&'static str, Certificate, &'static str)> {
    let revoked = issue(pki, spki, Profile::Signer, [-20, 300]);
    revoke(pki, &revoked);
    vec![
        ("revoked", revoked, "It was revoked at"),
        ("expired", issue(pki, spki, Profile::Signer, [-20, -10]), "it expired on"),
        ("not yet valid", issue(pki, spki, Profile::Signer, [10, 20]), "it is not valid before"),
        ("no signing", issue(pki, spki, Profile::SignerWithoutSigning, [-1, 9]), "key usage allows neither"),
        ("for time-stamps", issue(pki, spki, Profile::TimeStamping, [-1, 9]), "extended key usage"),
    ]
}

fn refused(answer: &Answer, what: &str, words: &str) {
    assert_eq!(answer.status(), "422 Unprocessable Entity", "{what}: {}", answer.body());
    assert_eq!(answer.code(), CODE, "{what}");
    let detail = answer.text("detail").to_lowercase();
    assert!(detail.contains(&words.to_lowercase()), "{what}: {detail}");
}

/// Refused before anything is kept: the one place that the member has is still free afterwards.
#[test]
fn nothing_is_prepared_for_a_certificate_that_may_not_sign() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    for database in runtime.block_on(databases::databases()) {
        let mut offices =
            Offices::open(database, LimitSettings { prepared_signatures: 1, ..LimitSettings::default() });
        let (leader, document) = (offices.person(LEADER), offices.draft());
        let key = SigningKey::generate(KeyAlgorithm::EcP256).unwrap();
        let path = format!("/api/v1/documents/{document}/prepared-signatures");
        for (what, certificate, words) in bad(&offices.pki, key.spki_der()) {
            let wish = offices.wish(&certificate);
            let answer = leader.post(&path, &wish);
            refused(&answer, what, words);
            assert_eq!(answer.json()["errors"][0]["pointer"], "/certificate", "{what}");
            // What the law leaves open is set aside by asking for it, and nothing else is.
            let mut allowed = wish;
            allowed["allowKeyUsage"] = json!(true);
            let answer = leader.post(&path, &allowed);
            if words.contains("usage") {
                assert_eq!(answer.status(), "201 Created", "{what}: {}", answer.body());
                let place = format!("{path}/{}", answer.text("handle"));
                assert_eq!(leader.delete(&place).status(), "204 No Content");
            } else {
                refused(&answer, what, words);
            }
        }
        // What is revoked between the two steps is not recorded, once the server hears of it.
        let good = issue(&offices.pki, key.spki_der(), Profile::Signer, [-1, 9]);
        let answer = leader.post(&path, &offices.wish(&good));
        assert_eq!(answer.status(), "201 Created", "{}", answer.body());
        revoke(&offices.pki, &good);
        offices.start(Clock::System);
        let leader = offices.person(LEADER);
        let value = key.sign(&STANDARD.decode(answer.text("toBeSigned")).unwrap()).unwrap();
        let complete = format!("{path}/{}/complete", answer.text("handle"));
        let answer = leader.post(&complete, &json!({ "signature": STANDARD.encode(value) }));
        assert_ne!(answer.status(), "201 Created", "{}", answer.body());
        let state = leader.get(&format!("/api/v1/documents/{document}")).text("state");
        assert_eq!(state, "drafted");
    }
}

const SIGNER: &str = "chu-tich";
const TOKEN: &str = "chung thu";
const PIN: &str = "24681357";

/// A token in a folder that outlives it, its handle, and the key's public half.
fn token(folder: &Path) -> (Token, Vec<u8>) {
    let module = Module::Embedded(folder.into());
    let pin = |text: &str| Pin::new(text.as_bytes().to_vec());
    provision::init_token(&module, TOKEN, pin("98765432"), pin(PIN)).unwrap();
    let token = Token::open(&module, &TokenSelector::labelled(TOKEN)).unwrap();
    token.login_and_keep(pin(PIN), LastTry::Refuse).unwrap();
    let key =
        NewKey { label: "ky".to_owned(), id: vec![1], kind: NewKeyKind::P256, always_authenticate: false };
    let spki = token.generate_key(&key).unwrap();
    (token, spki)
}

/// One token for all these tests: the built-in driver goes on knowing a token's file for as long as the process lives.
fn shared() -> &'static (tempfile::TempDir, Token, Vec<u8>) {
    static SHARED: std::sync::OnceLock<(tempfile::TempDir, Token, Vec<u8>)> = std::sync::OnceLock::new();
    SHARED.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let (token, spki) = token(folder.path());
        (folder, token, spki)
    })
}

fn hold(offices: &Offices, certificate: Certificate) -> HeldKey {
    let (key, chain) = (KeySelector::Label("ky".to_owned()), offices.pki.pki().chain());
    let token = shared().1.clone();
    let signer = Signer::new(token, key, Some(certificate), chain, SchemeWish::default()).unwrap();
    HeldKey { agency: "H99".parse().unwrap(), role: Role::Approve, signer: Arc::new(signer), picture: None }
}

/// One signature and many, by a key of the server: the same refusal; of a batch before it is begun, or before it goes on.
#[test]
fn a_key_of_the_server_with_such_a_certificate_signs_nothing() {
    if cfg!(not(feature = "embedded-token")) {
        support::skip("the built-in token is not in this build");
        return;
    }
    let runtime = tokio::runtime::Runtime::new().unwrap();
    for database in runtime.block_on(databases::databases()) {
        let mut offices = Offices::open(database, LimitSettings::default());
        let spki = shared().2.clone();
        for (what, certificate, words) in bad(&offices.pki, &spki) {
            let held = hold(&offices, certificate);
            offices.held.insert(SIGNER.to_owned(), held);
            offices.start(Clock::System);
            let (leader, document) = (offices.person(LEADER), offices.draft());
            refused(&leader.sign(&document, SIGNER), what, words);
            let request = json!({ "signer": SIGNER, "documents": [document, offices.draft()] });
            let begun = leader.post("/api/v1/signature-batches", &request);
            refused(&begun, what, words);
            let mut allowed = request;
            allowed["allowKeyUsage"] = json!(true);
            let begun = leader.post("/api/v1/signature-batches", &allowed);
            if words.contains("usage") {
                // It is begun; the judge, who gives no usage away, has the last word on each document.
                assert_eq!(begun.status(), "202 Accepted", "{what}: {}", begun.body());
                ended(&leader, begun.header("location"));
            } else {
                refused(&begun, what, words);
                let state = leader.get(&format!("/api/v1/documents/{document}")).text("state");
                assert_eq!(state, "drafted", "{what}");
            }
        }

        // Good when it was begun, revoked before it goes on: nothing is signed any more.
        let good = issue(&offices.pki, &spki, Profile::Signer, [-1, 9]);
        let held = hold(&offices, good.clone());
        offices.held.insert(SIGNER.to_owned(), held);
        offices.start(Clock::System);
        let leader = offices.person(LEADER);
        let documents: Vec<String> = (0..12).map(|_| offices.draft()).collect();
        let begun =
            leader.post("/api/v1/signature-batches", &json!({ "signer": SIGNER, "documents": documents }));
        let place = begun.header("location").to_owned();
        assert_eq!(leader.post(&format!("{place}/stop"), &json!({})).status(), "200 OK");
        offices.pause();
        let before = leader.get(&place).json();
        assert_eq!(before["state"], "stopped", "it was too quick for this test: {before:#}");
        revoke(&offices.pki, &good);
        // Another start, so that nothing of what was known of the certificate is kept.
        offices.start(Clock::System);
        let leader = offices.person(LEADER);
        let resumed = leader.post(&format!("{place}/resume"), &json!({}));
        assert_eq!(resumed.status(), "202 Accepted", "{}", resumed.body());
        let batch = ended(&leader, &place);
        assert_eq!((&batch["state"], &batch["stoppedBy"]), (&json!("stopped"), &json!(CODE)), "{batch:#}");
        assert_eq!(batch["signed"], before["signed"], "{batch:#}");
        assert_eq!(batch["failed"], 0, "{batch:#}");
    }
}

/// There is no file with the PIN: who wants to send it is told so. A certificate that may not sign is told before.
#[test]
fn the_pin_of_a_configured_key_is_not_sent_for_such_a_certificate() {
    if cfg!(not(feature = "embedded-token")) {
        support::skip("the built-in token is not in this build");
        return;
    }
    let pki = DemoServices::start(Clock::System, Chance::system()).unwrap();
    let (folder, _, spki) = shared();
    let files = tempfile::tempdir().unwrap();
    let at = |name: &str| files.path().join(name);
    fs::write(at("chain.pem"), pki.pki().ca().certificate().to_pem()).unwrap();
    let desk = SigningDesk {
        clock: Clock::System,
        chance: Chance::system(),
        limits: Limits::default(),
        fetcher: Arc::new(Fetcher::allowing([pki.host()])),
        time_stamping: None,
        anchors: pki.pki().anchors(),
        policy: Policy::strict(),
        online: true,
        known: Arc::default(),
    };
    let open = |certificate: &Certificate, any_usage| {
        fs::write(at("this.pem"), certificate.to_pem()).unwrap();
        let settings = config::Signer {
            name: SIGNER.to_owned(),
            module: format!("embedded:{}", folder.path().display()),
            token: TOKEN.to_owned(),
            key: "ky".to_owned(),
            certificate: Some(at("this.pem")),
            chain: vec![at("chain.pem")],
            picture: None,
            pin_file: at("pin"),
            sessions: std::num::NonZero::<usize>::MIN,
            kind: SignerKind::Person,
            agency: "H99".to_owned(),
        };
        Signers::configured(vec![settings]).unwrap().open(SIGNER, &desk, any_usage).unwrap()
    };
    for (what, certificate, _) in bad(&pki, spki) {
        let told = open(&certificate, false).map(|_| what);
        assert!(
            matches!(
                told,
                Err(SignError::Signing(SigningError::Certificate { .. } | SigningError::Usage { .. }))
            ),
            "{what}: {told:?}"
        );
    }
    let other = SigningKey::generate(KeyAlgorithm::EcP256).unwrap();
    let strange = issue(&pki, other.spki_der(), Profile::Signer, [-1, 9]);
    let told = open(&strange, false).map(|_| ());
    assert!(matches!(told, Err(SignError::Signing(SigningError::Certificate { .. }))), "{told:?}");
    // A good one comes as far as the PIN; and so does what is let pass.
    for (certificate, any_usage) in [
        (issue(&pki, spki, Profile::Signer, [-1, 9]), false),
        (issue(&pki, spki, Profile::SignerWithoutSigning, [-1, 9]), true),
    ] {
        let told = open(&certificate, any_usage).map(|_| ());
        assert!(
            matches!(&told, Err(SignError::Token(error)) if error.to_string().contains("pin")),
            "{told:?}"
        );
    }
}
