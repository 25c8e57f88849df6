//! Verifications that are answered later, and in XML.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use insta::assert_snapshot;
use kyso::config::LimitSettings;
use serde_json::{Value, json};

use kyso::{service::sign::CmsWishes, validation::Level};

use super::town::{Answer, Person, sample, town};

const LATER: (&str, &str) = ("Prefer", "respond-async");

/// Asks until it is done.
fn done(who: &Person, location: &str) -> Value {
    for _ in 0..60 {
        let answer = who.get_with(location, &[("Prefer", "wait=5")]);
        assert_eq!(answer.status(), "200 OK", "{}", answer.body());
        let json = answer.json();
        if json["state"] == "done" {
            return json;
        }
        assert_eq!(json["state"], "running");
        assert!(json.get("report").is_none() && !answer.header("retry-after").is_empty());
    }
    panic!("{location} does not end");
}

fn begin(who: &Person, files: &[(&str, &[u8])]) -> Answer {
    let answer = who.send_form("/api/v1/verifications", &[LATER], files);
    assert_eq!(answer.status(), "202 Accepted", "{}", answer.body());
    answer
}

#[test]
fn a_large_set_is_answered_later() {
    let Some(town) = town() else { return };
    let (signed, plain) = (town.signed_pdf(), sample());
    let names: Vec<String> = (0..30).map(|index| format!("{index}.pdf")).collect();
    let file = |(index, name): (usize, &'_ String)| {
        let bytes: &[u8] = if index % 2 == 0 { signed } else { &plain };
        (name.clone(), bytes)
    };
    let files: Vec<(String, &[u8])> = names.iter().enumerate().map(file).collect();
    let files: Vec<(&str, &[u8])> = files.iter().map(|(name, bytes)| (name.as_str(), *bytes)).collect();
    let at_once = town.anon().send_form("/api/v1/verifications", &[], &files);
    assert_snapshot!(at_once.status(), @"413 Payload Too Large");

    let anon = town.anon();
    let begun = begin(&anon, &files);
    let location = begun.header("location").to_owned();
    assert_eq!(begun.header("preference-applied"), "respond-async");
    let id = begun.text("id");
    assert_eq!(location, format!("/api/v1/verifications/{id}"));
    assert_eq!((id.len(), &begun.json()["total"]), (32, &json!(30)));

    let end = done(&anon, &location);
    assert_eq!((&end["done"], &end["total"]), (&json!(30), &json!(30)));
    let documents = end["report"]["documents"].as_array().unwrap();
    let told: Vec<_> = documents.iter().map(|one| one["name"].as_str().unwrap()).collect();
    assert_eq!(told, names, "in the order sent");
    assert!(documents.iter().step_by(2).all(|one| one["overall"] == "valid"));
    assert!(documents.iter().skip(1).step_by(2).all(|one| one["overall"] == "unsigned"));
    let again = town.anon().get(&location).json();
    assert_eq!(again, end, "whoever knows the identifier may read it as often as wished");

    let xml = anon.get_with(&location, &[("Accept", "application/xml")]);
    assert_eq!(xml.header("content-type"), "application/xml");
    assert_eq!(xml.body().matches("mainindication:total-passed").count(), 30);

    assert_snapshot!(anon.delete(&location).status(), @"204 No Content");
    assert_snapshot!(anon.get(&location).code(), @"verification.not-found");
    assert_snapshot!(anon.delete(&location).code(), @"verification.not-found");
}

/// A detached signature in one part, what it signs in another named `detached`.
#[test]
fn a_detached_signature_comes_with_its_file() {
    let Some(town) = town() else { return };
    let content = b"PK\x03\x04 cong van.docx";
    let folder = tempfile::tempdir().unwrap();
    let signer = &town.town().keys.values().next().unwrap().signer;
    let sign = |enveloping, name: &str| {
        let output = folder.path().join(name);
        let input = std::sync::Arc::new(kyso::base::MemorySource(content.to_vec()));
        let wishes = CmsWishes {
            enveloping,
            level: Level::T,
            statements: kyso::cms::Statements::default(),
            any_usage: false,
        };
        town.town().desk.sign_cms(input, "a.docx", &output, signer, &wishes).unwrap();
        std::fs::read(output).unwrap()
    };
    let (apart, inside) = (sign(false, "a.p7s"), sign(true, "a.p7m"));
    let anon = town.anon();
    let send = |parts: &[(&str, &str, &[u8])]| anon.send_parts("/api/v1/verifications", &[], parts);

    let answer = send(&[("file", "a.p7s", &apart), ("detached", "a.docx", content)]);
    assert_eq!(answer.status(), "200 OK", "{}", answer.body());
    let document = &answer.json()["documents"][0];
    assert_eq!((&document["overall"], &document["name"]), (&json!("valid"), &json!("a.p7s")), "{document:#}");
    assert_eq!(document["signedFiles"][0]["name"], "a.docx");
    assert_eq!(document["signatures"][0]["signatureFormat"], "CAdES-BASELINE-T");
    let answer = send(&[("detached", "a.docx", b"khac"), ("file", "a.p7s", &apart)]);
    assert_eq!(answer.json()["documents"][0]["overall"], "invalid");
    // Beside others, without its file, and with its content inside.
    let answer = send(&[("file", "a.p7s", &apart), ("file", "a.p7m", &inside)]).json();
    let overall: Vec<_> = answer["documents"].as_array().unwrap().iter().map(|one| &one["overall"]).collect();
    assert_eq!(overall, ["indeterminate", "valid"]);
    // One signature to a file.
    let answer =
        send(&[("file", "a.p7s", &apart), ("file", "b.p7s", &apart), ("detached", "a.docx", content)]);
    assert_snapshot!(answer.code(), @"request.malformed");
    let answer = send(&[("file", "a.p7m", &inside), ("detached", "a.docx", content)]).json();
    assert_eq!(answer["unreadable"][0]["error"]["key"], "file.detached");
}

#[test]
fn a_verification_is_there_for_its_key_only() {
    let Some(town) = town() else { return };
    let clerk = town.clerk();
    let location = begin(&clerk, &[("a.pdf", &sample())]).header("location").to_owned();
    for other in [town.anon(), town.recipient(0)] {
        assert_eq!(other.get(&location).code(), "verification.not-found");
        assert_eq!(other.delete(&location).code(), "verification.not-found");
    }
    assert_eq!(done(&clerk, &location)["report"]["documents"][0]["overall"], "unsigned");
    for nothing in ["0", "..", "%00", &"0".repeat(32)] {
        let answer = town.anon().get(&format!("/api/v1/verifications/{nothing}"));
        assert_eq!(answer.status(), "404 Not Found", "{nothing}");
    }
}

#[test]
fn an_answer_that_comes_soon_comes_at_once() {
    let Some(town) = town() else { return };
    let headers = [("Content-Type", "application/pdf"), ("Prefer", "respond-async, wait=50")];
    let answer = town.anon().post_with("/api/v1/verifications", &headers, &sample());
    assert_snapshot!(answer.status(), @"200 OK");
    assert_eq!(answer.json()["documents"][0]["overall"], "unsigned");
}

#[test]
fn what_may_wait_is_bounded() {
    let Some(town) = town() else { return };
    // One place for work, which a document of this size holds for a while; four may be under way for one key.
    let limits = LimitSettings { parallel_work: 1, ..LimitSettings::default() };
    let server = town.limited(limits);
    let clerk = server.clerk();
    let copies: Vec<(String, &[u8])> =
        (0..100).map(|index| (format!("{index}.pdf"), town.signed_pdf())).collect();
    let files: Vec<(&str, &[u8])> = copies.iter().map(|(name, bytes)| (name.as_str(), *bytes)).collect();
    let mut begun = Vec::new();
    let refused = loop {
        let answer = clerk.send_form("/api/v1/verifications", &[LATER], &files);
        if answer.status() != "202 Accepted" {
            break answer;
        }
        begun.push(answer.header("location").to_owned());
        assert!(begun.len() < 50, "nothing bounds what one key may begin");
    };
    assert_snapshot!(refused.status(), @"429 Too Many Requests");
    assert_snapshot!(refused.code(), @"verification.busy");
    assert!(!refused.header("retry-after").is_empty());
    for location in begun {
        assert_eq!(clerk.delete(&location).status(), "204 No Content");
    }
    assert_eq!(begin(&clerk, &files[..1]).status(), "202 Accepted", "what was cancelled makes room");
}

#[test]
fn the_report_of_etsi_is_given_to_those_who_accept_it() {
    let Some(town) = town() else { return };
    let ask = |accept: &str| {
        let headers = [("Content-Type", "application/pdf"), ("Accept", accept)];
        town.anon().post_with("/api/v1/verifications", &headers, town.signed_pdf())
    };
    let xml = ask("application/xml");
    assert_eq!((xml.status().as_str(), xml.header("content-type")), ("200 OK", "application/xml"));
    let text = xml.body();
    assert!(text.contains("xmlns=\"http://uri.etsi.org/19102/v1.4.1#\""), "{text}");
    assert_eq!(text.matches("urn:etsi:019102:mainindication:total-passed").count(), 2);
    for json in ["*/*", "application/json", "application/json, application/xml;q=0.5"] {
        assert_eq!(ask(json).header("content-type"), "application/json", "{json}");
    }
}

#[test]
fn people_get_a_paper_in_their_language() {
    let Some(town) = town() else { return };
    let ask = |language: &str| {
        let headers = [
            ("Content-Type", "application/pdf"),
            ("Accept", "application/pdf"),
            ("Accept-Language", language),
        ];
        town.anon().post_with("/api/v1/verifications", &headers, town.signed_pdf())
    };
    let Some(reader) = crate::support::tool("pdftotext") else { return };
    let folder = tempfile::tempdir().unwrap();
    for (language, words) in [
        (
            "vi",
            [
                "Chữ ký hợp lệ",
                "Đặng Thuỳ Hương Giang – Hợp lệ",
                "Ủy ban nhân dân tỉnh Sông Lam",
                "Nơi cấp chứng thư",
                "Đơn vị quản lý",
                "giờ có xác nhận (dấu thời gian)",
                "còn nguyên vẹn; chỉ có bổ sung được phép",
                "Trạng thái chứng thư khi ký",
                "Hạn chứng thư",
                "Gốc tin cậy",
                "Chính sách kiểm tra",
                "Trang 1/",
            ],
        ),
        (
            "en",
            [
                "The signatures are valid",
                "Đặng Thuỳ Hương Giang – Valid",
                "Ủy ban nhân dân tỉnh Sông Lam",
                "Certificate issued by",
                "Managing unit",
                "confirmed by a time-stamp",
                "intact; permitted additions only",
                "Certificate status at signing",
                "Certificate period",
                "Trust anchor",
                "Validation policy",
                "Page 1/",
            ],
        ),
    ] {
        let paper = ask(language);
        assert_eq!(
            (paper.header("content-type"), paper.header("content-language")),
            ("application/pdf", language)
        );
        let path = folder.path().join(format!("{language}.pdf"));
        std::fs::write(&path, &paper.bytes).unwrap();
        if let Some(pictures) = std::env::var_os("KYSO_PICTURES") {
            std::fs::copy(&path, std::path::Path::new(&pictures).join(format!("paper-{language}.pdf")))
                .unwrap();
        }
        let text = std::process::Command::new(&reader).arg("-layout").arg(&path).arg("-").output().unwrap();
        let text = String::from_utf8(text.stdout).unwrap();
        for word in words {
            assert!(text.contains(word), "{word} is not in\n{text}");
        }
    }
}

/// The CMS of the last signature, and the bytes that it signs.
pub(super) fn last_signature(pdf: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let at = pdf.windows(11).rposition(|window| window == b"/ByteRange ").unwrap() + 11;
    let end = at + pdf[at..].iter().position(|byte| *byte == b']').unwrap();
    let text = std::str::from_utf8(&pdf[at..end]).unwrap().replace('[', " ");
    let range: Vec<usize> = text.split_whitespace().map(|number| number.parse().unwrap()).collect();
    let [from, len, second, rest] = range.try_into().unwrap();
    let signed = [&pdf[from..from + len], &pdf[second..second + rest]].concat();
    let hole = hex::decode(&pdf[len + 1..second - 1]).unwrap();
    // The DER says how long it is; what follows in the hole is padding.
    assert_eq!(hole[..2], [0x30, 0x82]);
    let cms = 4 + usize::from(u16::from_be_bytes([hole[2], hole[3]]));
    (hole[..cms].to_vec(), signed)
}

#[test]
fn a_signature_is_verified_by_the_digest_alone() {
    let Some(town) = town() else { return };
    let (cms, signed) = last_signature(town.signed_pdf());
    let ask = |body: &Value| {
        let headers = [("Content-Type", "application/json")];
        town.anon().post_with("/api/v1/verifications/hash", &headers, body.to_string().as_bytes())
    };
    let encode = |bytes: &[u8]| STANDARD.encode(bytes);
    let hash = kyso::base::Sha256::of(&signed);
    for (algorithm, value) in [("SHA-256", encode(&hash.0)), ("sha256", hash.to_hex())] {
        let digest = json!({ "algorithm": algorithm, "value": value });
        let answer = ask(&json!({ "cms": encode(&cms), "digests": [digest], "name": "a.pdf" }));
        assert_eq!(answer.status(), "200 OK", "{}", answer.body());
        let document = &answer.json()["documents"][0];
        assert_eq!(document["name"], "a.pdf");
        let signature = &document["signatures"][0];
        assert_eq!(signature["indication"], "TOTAL-PASSED", "{signature}");
        assert_eq!(signature["coverage"], "digest");
        assert_eq!(signature["signedBy"], "Ủy ban nhân dân tỉnh Sông Lam");
        assert!(
            !signature["warnings"].as_array().unwrap().is_empty(),
            "the document was not seen: {signature}"
        );
    }
    let other = kyso::base::Sha256::of(b"another document").to_hex();
    let answer =
        ask(&json!({ "cms": encode(&cms), "digests": [{ "algorithm": "SHA-256", "value": other }] }));
    let signature = &answer.json()["documents"][0]["signatures"][0];
    assert_eq!(
        (&signature["indication"], &signature["digestMatches"]),
        (&json!("TOTAL-FAILED"), &json!(false))
    );
    let broken =
        ask(&json!({ "cms": encode(b"no CMS"), "digests": [{ "algorithm": "SHA-256", "value": other }] }));
    assert_eq!(broken.json()["documents"][0]["overall"], "invalid", "{}", broken.body());

    let good = json!({ "algorithm": "SHA-256", "value": other });
    for (body, pointer) in [
        (json!({ "cms": "?", "digests": [good] }), "/cms"),
        (json!({ "cms": encode(&cms), "digests": [] }), "/digests"),
        (json!({ "cms": encode(&cms), "digests": vec![good.clone(); 9] }), "/digests"),
        (
            json!({ "cms": encode(&cms), "digests": [good, { "algorithm": "SHA-1", "value": other }] }),
            "/digests/1",
        ),
        (
            json!({ "cms": encode(&cms), "digests": [{ "algorithm": "SHA-512", "value": other }] }),
            "/digests/0",
        ),
        (json!({ "cms": encode(&cms) }), ""),
    ] {
        let refused = ask(&body);
        assert_eq!(
            (refused.status().as_str(), refused.code().as_str()),
            ("422 Unprocessable Entity", "request.invalid")
        );
        assert_eq!(refused.json()["errors"][0]["pointer"], pointer);
    }
}

/// XML as a raw body, and beside what it signs.
#[test]
fn xml_is_judged_as_well() {
    let Some(town) = town() else { return };
    let desk = crate::xades::desk::Desk::new(kyso::demo::pki::KeyAlgorithm::EcP256);
    let wishes = kyso::service::sign::XadesWishes::default();
    let signed = desk.enveloped("<thu><so>05</so></thu>", &wishes).unwrap();
    for kind in ["application/xml", "text/xml", "application/octet-stream"] {
        let answer = town.anon().post_with("/api/v1/verifications", &[("Content-Type", kind)], &signed);
        assert_eq!(answer.status(), "200 OK", "{}", answer.body());
        let signature = &answer.json()["documents"][0]["signatures"][0];
        assert_eq!(signature["signatureFormat"], "XAdES-BASELINE-B", "{signature:#}");
        assert_eq!((&signature["digestMatches"], &signature["coverage"]), (&json!(true), &json!("document")));
        // Somebody else's PKI.
        assert_eq!(signature["errors"][0]["key"], "chain.not-found");
    }
}
