//! SiVa's interface, as a client of SiVa uses it.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use insta::assert_snapshot;
use kyso::{base::DigestAlgorithm, config::LimitSettings};
use serde_json::{Value, json};

use super::{
    kinds::{Kinds, SHEET},
    town::{Answer, Person, sample, town},
};

const JSON: (&str, &str) = ("Content-Type", "application/json");

fn validate(who: &Person, body: &Value) -> Answer {
    who.post_with("/validate", &[JSON], body.to_string().as_bytes())
}

fn conclusion(answer: &Answer) -> Value {
    assert_eq!(answer.status(), "200 OK", "{}", answer.body());
    answer.json()["validationReport"]["validationConclusion"].take()
}

#[test]
fn a_document_is_validated_as_siva_does() {
    let Some(town) = town() else { return };
    let body = json!({
        "filename": "quyết định.pdf",
        "document": STANDARD.encode(town.signed_pdf()),
        "signaturePolicy": "POLv4",
        "reportType": "Simple",
    });
    let report = conclusion(&validate(&town.anon(), &body));
    assert_eq!((&report["signaturesCount"], &report["validSignaturesCount"]), (&json!(2), &json!(2)));
    assert_eq!(report["policy"]["policyName"], "strict");
    assert_eq!(report["validatedDocument"]["filename"], "quyết định.pdf");
    let hash = STANDARD.encode(kyso::base::Sha256::of(town.signed_pdf()).0);
    assert_eq!(report["validatedDocument"]["fileHash"], hash);
    assert!(report["validationTime"].as_str().unwrap().ends_with('Z'));
    let signature = &report["signatures"][0];
    assert_eq!(signature["indication"], "TOTAL-PASSED");
    assert!(signature["signatureFormat"].as_str().unwrap().starts_with("PAdES_BASELINE_"), "{signature}");
    assert!(signature["signatureMethod"].as_str().unwrap().starts_with("http://www.w3.org/"), "{signature}");
    assert_eq!(signature["signedBy"], "Đặng Thuỳ Hương Giang");
    assert_eq!(signature["subjectDistinguishedName"]["commonName"], "Đặng Thuỳ Hương Giang");
    assert!(signature["info"]["bestSignatureTime"].is_string(), "{signature}");
    assert_eq!(signature["signatureScopes"][0]["scope"], "PARTIAL", "the second signature came later");
    assert_eq!(report["signatures"][1]["signatureScopes"][0]["scope"], "PARTIAL", "its evidence came later");
    let warned = report["validationWarnings"][0]["content"].as_str().unwrap();
    assert!(warned.contains("POLv4"), "{warned}");

    let mut changed = town.signed_pdf().to_vec();
    let at = changed.windows(6).position(|window| window == b"stream").unwrap() + 30;
    changed[at] ^= 1;
    let body = json!({ "filename": "a.pdf", "document": STANDARD.encode(changed), "reportType": "Detailed" });
    let report = conclusion(&validate(&town.anon(), &body));
    assert_eq!((&report["signaturesCount"], &report["validSignaturesCount"]), (&json!(2), &json!(0)));
    assert_eq!(report["signatures"][0]["indication"], "TOTAL-FAILED");
    assert!(!report["signatures"][0]["errors"][0]["content"].as_str().unwrap().is_empty());

    let body = json!({ "document": STANDARD.encode(sample()), "filename": "a.pdf" });
    let report = conclusion(&validate(&town.anon(), &body));
    assert_eq!(report["signaturesCount"], 0);
    assert!(report.get("signatures").is_none());
}

#[test]
fn what_is_wrong_is_told_as_siva_does() {
    let Some(town) = town() else { return };
    let pdf = STANDARD.encode(sample());
    for (body, keys) in [
        (json!({}), &["document", "filename"][..]),
        (json!({ "document": "", "filename": "a.pdf" }), &["document"]),
        (json!({ "document": "no base64!", "filename": "a.pdf" }), &["document"]),
        (json!({ "document": STANDARD.encode("no PDF"), "filename": "a.pdf" }), &["document"]),
        (json!({ "document": pdf, "filename": "" }), &["filename"]),
        (json!({ "document": pdf, "filename": "đ".repeat(256) }), &["filename"]),
        (json!({ "document": pdf, "filename": "a.pdf", "reportType": "Long" }), &["reportType"]),
        (json!({ "document": pdf, "filename": "a.pdf", "signaturePolicy": "a b" }), &["signaturePolicy"]),
        (json!({ "document": pdf, "filename": 7, "reportType": 7 }), &["filename", "reportType"]),
        (json!("a"), &["request"]),
    ] {
        let refused = validate(&town.anon(), &body);
        assert_eq!(refused.status(), "400 Bad Request", "{keys:?}");
        assert_eq!(refused.header("content-type"), "application/json");
        let answer = refused.json();
        let errors = answer["requestErrors"].as_array().unwrap();
        let found: Vec<_> = errors.iter().map(|error| error["key"].as_str().unwrap()).collect();
        assert_eq!(found, keys, "{answer}");
        assert!(errors.iter().all(|error| !error["message"].as_str().unwrap().is_empty()));
    }
    let broken =
        validate(&town.anon(), &json!({ "document": STANDARD.encode("x"), "filename": "a.pdf" })).json();
    let message = broken["requestErrors"][0]["message"].as_str().unwrap().to_owned();
    assert!(message.starts_with("Document malformed or not matching documentType"), "{message}");
    let form = town.anon().post_with("/validate", &[("Content-Type", "text/plain")], b"x");
    assert_snapshot!(form.status(), @"400 Bad Request");
    assert_eq!(form.json()["requestErrors"][0]["key"], "request");
    let cut = town.anon().post_with("/validate", &[JSON], br#"{"filename":"a.pdf","document":"JVBERi0x"#);
    assert_snapshot!(cut.status(), @"400 Bad Request");
}

#[test]
fn a_document_over_the_limit_is_refused_before_it_is_read() {
    let Some(town) = town() else { return };
    let limits = LimitSettings {
        upload_bytes: 10_000,
        public_verifications_per_minute: 3,
        ..LimitSettings::default()
    };
    let server = town.limited(limits);
    let body = |bytes: usize| json!({ "filename": "a.pdf", "document": STANDARD.encode(vec![b'%'; bytes]) });
    let announced = super::operations::raw(
        server.address(),
        "POST /validate HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: 200000\r\n\r\n",
    );
    assert!(
        announced.starts_with("HTTP/1.1 400") && announced.contains("\"key\":\"document\""),
        "{announced}"
    );
    let decoded = validate(&server.anon(), &body(10_001));
    assert!(
        decoded.json()["requestErrors"][0]["message"].as_str().unwrap().contains("10000"),
        "{}",
        decoded.body()
    );
    let fits = validate(&server.anon(), &body(10_000));
    assert!(fits.body().contains("malformed"), "it is judged, and is no PDF: {}", fits.body());
    let often = validate(&server.anon(), &body(1));
    assert_snapshot!(often.status(), @"429 Too Many Requests");
    assert!(often.json()["requestErrors"][0]["key"] == "request" && !often.header("retry-after").is_empty());
    assert_eq!(
        validate(&server.clerk(), &body(1)).status(),
        "400 Bad Request",
        "a key is not counted by address"
    );
}

#[test]
fn monitoring_answers_as_siva_does() {
    let Some(town) = town() else { return };
    let health = town.anon().get("/monitoring/health").json();
    assert_eq!(health["status"], "UP");
    let details = &health["components"]["health"]["details"];
    assert_eq!(
        (&details["webappName"], &details["version"]),
        (&json!("kyso"), &json!(env!("CARGO_PKG_VERSION")))
    );
    assert!(details["startTime"].as_str().unwrap() <= details["currentTime"].as_str().unwrap());
    assert_eq!(town.anon().get("/monitoring/heartbeat").json(), json!({ "status": "UP" }));
    assert_eq!(
        town.anon().get("/monitoring/version").json(),
        json!({ "version": env!("CARGO_PKG_VERSION") })
    );
}

#[test]
fn a_detached_signature_is_validated_by_the_digest_of_its_file() {
    let Some(town) = town() else { return };
    let (cms, signed) = super::verifications::last_signature(town.signed_pdf());
    let hash = STANDARD.encode(kyso::base::Sha256::of(&signed).0);
    let ask = |body: &Value| town.anon().post_with("/validateHashcode", &[JSON], body.to_string().as_bytes());
    let file = |hash: &str| json!({ "filename": "a.pdf", "hashAlgo": "SHA256", "hash": hash });
    let signature = |hash: &str| json!({ "signature": STANDARD.encode(&cms), "datafiles": [file(hash)] });
    let other = STANDARD.encode([7; 32]);
    let report = conclusion(&ask(&json!({ "signatureFiles": [signature(&hash), signature(&other)] })));
    assert_eq!((&report["signaturesCount"], &report["validSignaturesCount"]), (&json!(2), &json!(1)));
    assert!(report.get("validatedDocument").is_none());
    let signatures = report["signatures"].as_array().unwrap();
    let told: Vec<_> = signatures.iter().map(|one| (&one["id"], &one["indication"])).collect();
    assert_eq!(
        told,
        [(&json!("S-1"), &json!("TOTAL-PASSED")), (&json!("S-2"), &json!("TOTAL-FAILED"))],
        "{report}"
    );
    let scope = &signatures[0]["signatureScopes"][0];
    assert_eq!(
        (&scope["name"], &scope["hashAlgo"], &scope["hash"]),
        (&json!("a.pdf"), &json!("SHA256"), &json!(hash))
    );

    let xades = STANDARD.encode("<?xml version=\"1.0\"?><Signature/>");
    for (body, key) in [
        (json!({}), "signatureFiles"),
        (json!({ "signatureFiles": [] }), "signatureFiles"),
        (json!({ "signatureFiles": [{ "signature": "?" }] }), "signatureFiles.signature"),
        (
            json!({ "signatureFiles": [{ "signature": xades, "datafiles": [file(&hash)] }] }),
            "signatureFiles.signature",
        ),
        (json!({ "signatureFiles": [{ "signature": STANDARD.encode(&cms) }] }), "signatureFiles.datafiles"),
        (json!({ "signatureFiles": [signature("aaaa")] }), "signatureFiles.datafiles.hash"),
        (json!({ "signatureFiles": [signature(&hash)], "reportType": "Long" }), "reportType"),
        (json!({ "signatureFiles": [signature(&hash)], "signaturePolicy": "" }), "signaturePolicy"),
        (json!({ "signatureFiles": 7 }), "request"),
    ] {
        let refused = ask(&body);
        assert_eq!(refused.status(), "400 Bad Request", "{body}");
        assert_eq!(refused.json()["requestErrors"][0]["key"], key, "{}", refused.body());
    }
}

#[test]
fn an_xml_signature_is_validated_by_the_digests_of_its_files() {
    let Some(town) = town() else { return };
    let xml = Kinds::new(town).detached_xml;
    let file = |name: &str, algorithm: DigestAlgorithm, content: &[u8]| {
        let (hash, algorithm) = (algorithm.digest(content).bytes, algorithm.to_string().replace('-', ""));
        json!({ "filename": name, "hashAlgo": algorithm, "hash": STANDARD.encode(hash) })
    };
    let ask = |files: &[Value]| {
        let body = json!({ "signatureFiles": [{ "signature": STANDARD.encode(&xml), "datafiles": files }] });
        let answer = town.anon().post_with("/validateHashcode", &[JSON], body.to_string().as_bytes());
        conclusion(&answer)["signatures"][0].clone()
    };
    let (sha256, sha512) = (DigestAlgorithm::Sha256, DigestAlgorithm::Sha512);
    let good = file("so-lieu.xlsx", sha256, SHEET);
    let signature = ask(std::slice::from_ref(&good));
    assert_eq!(signature["indication"], "TOTAL-PASSED", "{signature:#}");
    assert_eq!(signature["signatureFormat"], "XAdES_BASELINE_T");
    let scopes = signature["signatureScopes"].as_array().unwrap();
    assert_eq!((scopes.len(), &scopes[0]["name"], &scopes[0]["hash"]), (1, &good["filename"], &good["hash"]));

    let beside = file("khac.xlsx", sha256, SHEET);
    for (files, indication, sub_indication) in [
        (vec![file("so-lieu.xlsx", sha256, b"another workbook")], "TOTAL-FAILED", "HASH_FAILURE"),
        (vec![good.clone(), beside.clone()], "TOTAL-FAILED", "FORMAT_FAILURE"),
        (vec![beside], "TOTAL-FAILED", "FORMAT_FAILURE"),
        (vec![file("so-lieu.xlsx", sha512, SHEET)], "INDETERMINATE", "SIGNED_DATA_NOT_FOUND"),
    ] {
        let signature = ask(&files);
        assert_eq!(
            (&signature["indication"], &signature["subIndication"]),
            (&json!(indication), &json!(sub_indication)),
            "{files:?}: {signature:#}"
        );
    }
    let twice =
        json!({ "signatureFiles": [{ "signature": STANDARD.encode(&xml), "datafiles": [good, good] }] });
    let refused = town.anon().post_with("/validateHashcode", &[JSON], twice.to_string().as_bytes());
    assert_eq!(refused.json()["requestErrors"][0]["key"], "signatureFiles.datafiles.filename");
}
