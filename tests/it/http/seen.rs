//! Prepared signatures that can be seen: what a portal needs whose leaders sign with a token of their own.

use std::{fs, process::Command, sync::Arc};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use kyso::{
    appearance::{Appearance, Role},
    base::{Clock, Limits, MemorySource, Source},
    config::LimitSettings,
    demo::pki::{KeyAlgorithm, SigningKey},
    pdf::Area,
    service::sign::SchemeWish,
    signing::{
        Wishes,
        review::{ReviewedDocument, review},
    },
    x509::Certificate,
};
use serde_json::{Value, json};

use super::{
    offices::{CLERK, LEADER, Offices},
    town::{Answer, Person, fresh_key, sample},
};
use crate::{
    databases,
    support::{self, PyHanko},
};

const CHECK_PAGE: &str = "https://songlam.example/kiem-tra/AB12";

fn everywhere(test: impl Fn(&mut Offices)) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    for database in runtime.block_on(databases::databases()) {
        test(&mut Offices::open(database, LimitSettings::default()));
    }
}

fn picture(name: &str) -> Vec<u8> {
    fs::read(support::root().join("samples").join(name)).unwrap()
}

fn prepared_at(document: &str) -> String {
    format!("/api/v1/documents/{document}/prepared-signatures")
}

/// JSON and a picture as two parts of a form.
fn post_form(person: &Person, path: &str, request: &Value, picture: Option<&[u8]>, once: &str) -> Answer {
    let mut body = Vec::new();
    let mut part = |head: &str, bytes: &[u8]| {
        body.extend_from_slice(
            format!("--ranh\r\nContent-Disposition: form-data; {head}\r\n\r\n").as_bytes(),
        );
        body.extend_from_slice(bytes);
        body.extend_from_slice(b"\r\n");
    };
    part("name=\"request\"", request.to_string().as_bytes());
    if let Some(picture) = picture {
        part("name=\"picture\"; filename=\"hinh.png\"", picture);
    }
    body.extend_from_slice(b"--ranh--\r\n");
    let headers = [("Content-Type", "multipart/form-data; boundary=ranh"), ("Idempotency-Key", once)];
    person.post_with(path, &headers, &body)
}

/// What the signature was agreed to say and show.
fn agreed(reason: &str, qr: Option<&str>) -> Wishes {
    let appearance = Appearance { qr: qr.map(str::to_owned), ..Appearance::new(Role::Approve) };
    Wishes { reason: Some(reason.to_owned()), appearance: Some(appearance), ..Wishes::default() }
}

/// Looks at what was prepared as whoever holds the key does, signs, and completes; gives the answer.
fn review_and_complete(
    person: &Person,
    prepared: &Answer,
    reviewed: &[u8],
    (key, certificate): &(SigningKey, Certificate),
    wishes: &Wishes,
) -> Answer {
    let place = prepared.header("location");
    let content = person.get(&format!("{place}/content")).bytes;
    assert!(content.starts_with(reviewed));
    let message = STANDARD.decode(prepared.text("toBeSigned")).unwrap();
    let source: Arc<dyn Source> = Arc::new(MemorySource(content.clone()));
    let document = ReviewedDocument::of(&MemorySource(reviewed.to_vec())).unwrap();
    let looked_at = review(&source, &document, wishes, &Limits::default()).unwrap();
    let page = looked_at.summary().page.and_then(|page| u64::try_from(page).ok());
    assert_eq!(page, prepared.json()["placement"]["page"].as_u64());
    let scheme = SchemeWish::default().scheme_for(certificate).unwrap();
    let confirmed = looked_at.confirm(&message, certificate, scheme).unwrap();

    // The same by the command line, on the machine of whoever holds the key.
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::write(at("reviewed.pdf"), reviewed).unwrap();
    fs::write(at("prepared.pdf"), &content).unwrap();
    fs::write(at("to-sign.der"), &message).unwrap();
    fs::write(at("signer.pem"), certificate.to_pem()).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_kyso"));
    command.current_dir(folder.path()).args([
        "review",
        "prepared.pdf",
        "--reviewed",
        "reviewed.pdf",
        "--json",
    ]);
    command.args(["--attributes", "to-sign.der", "--cert", "signer.pem"]);
    command.args(["--reason", wishes.reason.as_deref().unwrap()]);
    if let Some(qr) = wishes.appearance.as_ref().and_then(|appearance| appearance.qr.as_deref()) {
        command.args(["--qr", qr]);
    }
    let told = command.output().unwrap();
    let answer: Value = serde_json::from_slice(&told.stdout).unwrap_or_else(|_| panic!("{told:?}"));
    assert_eq!((told.status.code(), &answer["sound"]), (Some(0), &json!(true)), "{answer:#}");
    assert!(answer["rectangle"].is_array(), "{answer:#}");

    let value = key.sign(confirmed.to_be_signed()).unwrap();
    person.post(&format!("{place}/complete"), &json!({ "signature": STANDARD.encode(value) }))
}

/// The leader approves, the agency issues, each with a key that the server does not hold; the leader's comes as JSON, the
/// seal in a form. Everybody accepts the result, and the seal covers a third of the picture.
#[test]
fn the_leader_approves_and_the_agency_seals_with_keys_of_their_own() {
    everywhere(|offices| {
        let keys =
            [KeyAlgorithm::Rsa2048, KeyAlgorithm::EcP256].map(|algorithm| offices.outside_key(algorithm));
        let document = offices.draft();
        assert_eq!(offices.person(CLERK).number(&document).status(), "200 OK");

        let mut wish = offices.wish(&keys[0].1);
        wish["appearance"] = json!({
            "role": "approve", "anchor": "CHỦ TỊCH", "picture": STANDARD.encode(picture("chu-ky.png")),
            "qr": CHECK_PAGE,
        });
        let leader = offices.person(LEADER);
        let approve = leader.post(&prepared_at(&document), &wish);
        assert_eq!(approve.status(), "201 Created", "{}", approve.body());
        let person = approve.json()["placement"]["area"].clone();
        assert!(approve.json()["placement"]["code"].is_object(), "{}", approve.body());
        // All of it is in the database: a restart makes no difference.
        offices.start(Clock::System);
        let leader = offices.person(LEADER);
        assert_eq!(leader.get(approve.header("location")).json(), approve.json());
        let wishes = agreed("Phê duyệt", Some(CHECK_PAGE));
        let signed = review_and_complete(&leader, &approve, &sample(), &keys[0], &wishes);
        assert_eq!(signed.status(), "201 Created", "{}", signed.body());
        assert_eq!(signed.json()["placement"], approve.json()["placement"]);
        let again = leader.post(
            &format!("{}/complete", approve.header("location")),
            &json!({ "signature": STANDARD.encode(b"x") }),
        );
        assert_eq!(again.code(), "prepared.used");

        let clerk = offices.person(CLERK);
        let approved = clerk.get(&format!("/api/v1/documents/{document}/content")).bytes;
        let mut wish = offices.wish(&keys[1].1);
        wish["role"] = json!("issue");
        wish["appearance"] = json!({ "role": "issue", "pictureMm": 36 });
        let once = fresh_key();
        let seal = picture("con-dau.png");
        let issue = post_form(&clerk, &prepared_at(&document), &wish, Some(&seal), &once);
        assert_eq!(issue.status(), "201 Created", "{}", issue.body());
        // The same form again is the same answer; another picture is another request.
        let repeated = post_form(&clerk, &prepared_at(&document), &wish, Some(&seal), &once);
        assert_eq!(repeated.body(), issue.body());
        let other = post_form(&clerk, &prepared_at(&document), &wish, Some(&picture("chu-ky.png")), &once);
        assert_eq!(other.code(), "idempotency.conflict");
        let wishes = agreed("Phê duyệt", None);
        let sealed = review_and_complete(&clerk, &issue, &approved, &keys[1], &wishes);
        assert_eq!(sealed.status(), "201 Created", "{}", sealed.body());
        assert_eq!(sealed.json()["signature"]["indication"], "TOTAL-PASSED");
        assert_eq!(sealed.json()["document"]["state"], "issued");

        let area = |value: &Value| -> Area { serde_json::from_value(value.clone()).unwrap() };
        let (person, seal) = (area(&person), area(&issue.json()["placement"]["area"]));
        let overlap = seal.right - person.left;
        assert!((overlap - person.width() / 3.0).abs() < 1.0, "{overlap} of {}", person.width());
        assert!((seal.width() - 36.0 * 72.0 / 25.4).abs() < 0.1, "{seal:?}");

        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("issued.pdf");
        fs::write(&file, clerk.get(&format!("/api/v1/documents/{document}/content")).bytes).unwrap();
        let report = clerk.verify(&fs::read(&file).unwrap()).json();
        assert_eq!(report["documents"][0]["overall"], "valid", "{report:#}");
        if let Some(verdicts) = support::pdfsig(&file) {
            assert_eq!(verdicts.len(), 2, "{verdicts:?}");
            assert!(verdicts.iter().all(support::PdfSigVerdict::accepted), "{verdicts:?}");
        }
        if let Some(pyhanko) = PyHanko::find() {
            let root = folder.path().join("root.pem");
            fs::write(&root, offices.pki.pki().root().certificate().to_pem()).unwrap();
            let verdicts = pyhanko.verify(&file, &[&root]);
            assert_eq!(verdicts.len(), 2, "{verdicts:?}");
            assert!(verdicts.iter().all(support::PyHankoVerdict::accepted), "{verdicts:?}");
        }
        println!("approved and issued by keys of their own, accepted by all");
    });
}

/// By a rectangle, and in a field that waits: the roles of words need no picture.
#[test]
fn other_places_and_roles() {
    everywhere(|offices| {
        let outside = offices.outside_key(KeyAlgorithm::EcP256);
        let leader = offices.person(LEADER);
        for (what, looks) in [
            ("a rectangle", json!({ "role": "approve", "page": 1, "rectangle": [60, 40, 180, 60] })),
            ("a comment", json!({ "role": "comment", "text": "Đồng ý.", "anchor": "CHỦ TỊCH" })),
            ("a copy", json!({ "role": "copy", "copyKind": "trichSao", "full": true })),
        ] {
            let document = offices.draft();
            let mut wish = offices.wish(&outside.1);
            wish["appearance"] = looks.clone();
            let prepared = leader.post(&prepared_at(&document), &wish);
            assert_eq!(prepared.status(), "201 Created", "{what}: {}", prepared.body());
            if let Some(rectangle) = looks["rectangle"].as_array() {
                let side = |index: usize| rectangle[index].as_f64().unwrap();
                let area: Area =
                    serde_json::from_value(prepared.json()["placement"]["area"].clone()).unwrap();
                assert_eq!(area, Area::new(side(0), side(1), side(2), side(3)), "{what}");
            }
            let signed =
                review_and_complete(&leader, &prepared, &sample(), &outside, &agreed("Phê duyệt", None));
            assert_eq!(signed.status(), "201 Created", "{what}: {}", signed.body());
        }
    });
}

/// What a request to prepare must not bring, each told by name; nothing of it is kept.
#[test]
fn bad_looks_are_told() {
    everywhere(|offices| {
        let (_, certificate) = offices.outside_key(KeyAlgorithm::EcP256);
        let (leader, document) = (offices.person(LEADER), offices.draft());
        let path = prepared_at(&document);
        let ask = |looks: &Value| {
            let mut wish = offices.wish(&certificate);
            wish["appearance"] = looks.clone();
            leader.post(&path, &wish)
        };
        let signature = STANDARD.encode(picture("chu-ky.png"));
        let approve = |more: &Value| {
            let mut looks = json!({ "role": "approve", "anchor": "CHỦ TỊCH" });
            for (key, value) in more.as_object().unwrap() {
                looks[key] = value.clone();
            }
            looks
        };
        let large = STANDARD.encode(vec![0_u8; 1024 * 1024 + 1]);
        for (looks, code) in [
            (json!({ "role": "boss" }), "request.invalid"),
            (json!("approve"), "request.invalid"),
            (approve(&json!({ "picture": "not Base64!" })), "request.invalid"),
            (approve(&json!({ "picture": STANDARD.encode(b"no picture") })), "request.invalid"),
            (
                approve(&json!({ "picture": STANDARD.encode(&picture("chu-ky.png")[..400]) })),
                "request.invalid",
            ),
            (approve(&json!({ "picture": large })), "request.invalid"),
            (approve(&json!({ "picture": signature, "pictureMm": 0 })), "request.invalid"),
            (approve(&json!({ "picture": signature, "pictureMm": -3 })), "request.invalid"),
            (approve(&json!({ "pictureMm": 40 })), "request.invalid"),
            (approve(&json!({ "picture": signature, "pictureMm": 900 })), "signature.appearance"),
            (approve(&json!({ "rectangle": [1, 1, 1, 1] })), "request.invalid"),
            (approve(&json!({ "qr": "x".repeat(2_001) })), "request.invalid"),
            (approve(&json!({ "qr": "x".repeat(301) })), "signature.appearance"),
            (approve(&json!({ "anchor": "GIÁM ĐỐC" })), "signature.appearance"),
            (approve(&json!({ "font": "x" })), "request.invalid"),
            (json!({ "role": "approve", "page": 1, "rectangle": [1, 1, 0, 5] }), "request.invalid"),
            (json!({ "role": "approve", "page": 9, "rectangle": [1, 1, 90, 50] }), "signature.appearance"),
            (json!({ "role": "approve", "page": 1, "rectangle": [900, 1, 90, 50] }), "signature.appearance"),
            (json!({ "role": "issue", "picture": signature }), "signature.appearance"),
            (json!({ "role": "issue" }), "signature.appearance"),
        ] {
            let shown = looks.to_string().chars().take(100).collect::<String>();
            let refused = ask(&looks);
            assert_eq!(refused.code(), code, "{shown}: {}", refused.body());
        }
        let wish = offices.wish(&certificate);
        let form = |request: &Value, picture: Option<&[u8]>| {
            post_form(&leader, &path, request, picture, &fresh_key())
        };
        let handwriting = picture("chu-ky.png");
        assert_eq!(form(&wish, Some(&handwriting)).code(), "request.invalid", "a picture without looks");
        let mut twice = wish.clone();
        twice["appearance"] = approve(&json!({ "picture": signature }));
        assert_eq!(form(&twice, Some(&handwriting)).code(), "request.invalid", "two pictures");
        assert_eq!(form(&twice, None).status(), "201 Created");
        assert_eq!(form(&json!({ "role": "approve" }), None).code(), "request.invalid");
        let mut seen = wish.clone();
        seen["appearance"] = approve(&json!({}));
        assert_eq!(form(&seen, Some(&vec![0; 1024 * 1024 + 1])).code(), "request.too-large");
        assert_eq!(form(&seen, Some(b"")).code(), "request.invalid", "an empty picture");
        let once = fresh_key();
        let headers = [("Content-Type", "multipart/form-data; boundary=ranh"), ("Idempotency-Key", &*once)];
        for (body, code) in [
            (&b"--ranh--\r\n"[..], "request.invalid"),
            (b"nothing", "request.malformed"),
            (
                b"--ranh\r\nContent-Disposition: form-data; name=\"request\"\r\n\r\n{\r\n--ranh--\r\n",
                "request.malformed",
            ),
            (
                b"--ranh\r\nContent-Disposition: form-data; name=\"pin\"\r\n\r\n123456\r\n--ranh--\r\n",
                "request.invalid",
            ),
        ] {
            let refused = leader.post_with(&path, &headers, body);
            assert_eq!(refused.code(), code, "{}", refused.body());
        }
        // The server's own keys keep their own pictures.
        let place = json!({ "signer": "x", "appearance": approve(&json!({ "picture": signature })) });
        let refused = leader.post(&format!("/api/v1/documents/{document}/signatures"), &place);
        assert_eq!(refused.code(), "signer.unknown");
    });
}

/// The description says what may be sent, and that a password is never read back.
#[test]
fn the_description_tells_of_looks_passwords_and_repair() {
    let described = serde_json::to_value(kyso::http::openapi()).unwrap();
    let schemas = &described["components"]["schemas"];
    let prepare = &schemas["PrepareRequest"].to_string();
    for word in ["LooksRequest", "password", "repair", "writeOnly"] {
        assert!(prepare.contains(word), "{word}: {prepare}");
    }
    let looks = &schemas["LooksRequest"]["properties"];
    for name in ["role", "anchor", "page", "rectangle", "picture", "pictureMm", "qr", "shortCode"] {
        assert!(looks[name].is_object(), "{name}: {looks:#}");
    }
    for request in ["SignRequest", "BatchRequest", "CompleteRequest", "PasswordRequest"] {
        // What says other things beside is described in two parts.
        let schema = schemas[request].to_string();
        assert!(schema.contains("\"format\":\"password\""), "{request}: {schema}");
        assert!(schema.contains("\"writeOnly\":true"), "{request}: {schema}");
    }
    let paths = &described["paths"];
    let prepare = &paths["/api/v1/documents/{id}/prepared-signatures"]["post"]["requestBody"]["content"];
    assert!(
        prepare["application/json"].is_object() && prepare["multipart/form-data"].is_object(),
        "{prepare:#}"
    );
}
