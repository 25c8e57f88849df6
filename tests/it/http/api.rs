//! The API: what portals call.

use std::{collections::BTreeSet, time::Duration};

use insta::assert_snapshot;
use kyso::{
    config::LimitSettings,
    demo::{AGENCY_KEY, LEADER_KEY},
    http::Settings,
    ledger::Proof,
    people::{Role, Scope},
};
use serde_json::{Value, json};

use super::town::{fresh_key, sample, town};

#[test]
fn a_decision_goes_from_upload_to_a_proof() {
    let Some(town) = town() else { return };
    let (clerk, recipient) = (town.clerk(), town.recipient(0));
    let id = town.issued();

    let sent = clerk.send(&id, &[town.recipient_code(0)]);
    assert_snapshot!(sent.status(), @"201 Created");
    let dispatch = sent.text("id");
    assert_eq!(sent.header("location"), format!("/api/v1/dispatches/{dispatch}"));

    let delivery = recipient.delivery_of(&id);
    assert_eq!(recipient.act(&delivery, "arrive", &json!({})).text("state"), "arrived");
    let accepted = recipient.act(&delivery, "accept", &json!({}));
    assert_eq!(accepted.text("state"), "accepted");
    let sent_bytes = recipient.get(&format!("/api/v1/deliveries/{delivery}/document"));
    assert_eq!(sent_bytes.bytes, clerk.get(&format!("/api/v1/documents/{id}/content")).bytes);

    let followed = clerk.get(&format!("/api/v1/dispatches/{dispatch}")).json();
    let events = followed["deliveries"][0]["events"].as_array().unwrap().clone();
    let codes: Vec<_> = events.iter().map(|event| event["code"].as_str().unwrap()).collect();
    assert_eq!(codes.last(), Some(&"03"), "{codes:?}");
    for event in &events {
        let proof = recipient.get(&format!("/api/v1/events/{}/proof", event["id"].as_str().unwrap()));
        let proof = Proof::parse(&proof.body()).unwrap();
        proof.check(town.town().service.ledger_key()).unwrap();
    }
    assert_snapshot!(recipient.act(&delivery, "refuse", &json!({ "reason": "Muộn" })).code(), @"delivery.state");
}

#[test]
fn a_refusal_needs_a_reason() {
    let Some(town) = town() else { return };
    let id = town.issued();
    assert_eq!(town.clerk().send(&id, &[town.recipient_code(1)]).status(), "201 Created");
    let recipient = town.recipient(1);
    let delivery = recipient.delivery_of(&id);

    let silent = recipient.act(&delivery, "refuse", &json!({}));
    assert_snapshot!(silent.status(), @"422 Unprocessable Entity");
    assert_snapshot!(silent.code(), @"request.invalid");
    assert_eq!(
        recipient.act(&delivery, "refuse", &json!({ "reason": " " })).status(),
        "422 Unprocessable Entity"
    );
    assert_eq!(
        recipient.act(&delivery, "refuse", &json!({ "reason": "Sai nơi nhận" })).text("state"),
        "refused"
    );
    assert_snapshot!(recipient.act(&delivery, "accept", &json!({})).code(), @"delivery.final");
}

#[test]
fn each_step_waits_for_the_one_before() {
    let Some(town) = town() else { return };
    let (clerk, leader) = (town.clerk(), town.leader());
    let id = clerk.upload(&sample()).text("id");

    assert_snapshot!(clerk.sign(&id, AGENCY_KEY).code(), @"signature.order");
    assert_snapshot!(clerk.send(&id, &[town.recipient_code(0)]).code(), @"dispatch.not-issued");
    assert_eq!(leader.sign(&id, LEADER_KEY).status(), "201 Created");
    assert_snapshot!(clerk.sign(&id, AGENCY_KEY).code(), @"document.unnumbered");
    assert_snapshot!(leader.sign(&id, LEADER_KEY).code(), @"signature.order");
    assert_eq!(clerk.number(&id).status(), "200 OK");
    let signed = clerk.sign(&id, AGENCY_KEY);
    assert_eq!(signed.json()["signature"]["indication"], "TOTAL-PASSED");
    assert_eq!(signed.json()["document"]["state"], "issued");
}

#[test]
fn a_signature_says_and_binds_what_the_request_asks() {
    let Some(town) = town() else { return };
    let (clerk, leader) = (town.clerk(), town.leader());
    let id = clerk.upload(&sample()).text("id");
    let path = format!("/api/v1/documents/{id}/signatures");
    for (wrong, at) in [
        (json!({ "certify": "everything" }), "/certify"),
        (json!({ "lock": "some" }), "/lock"),
        (json!({ "lockLevel": "annotate" }), "/lockLevel"),
        (json!({ "commitment": "approval" }), "/commitment"),
        (json!({ "policy": { "identifier": "x", "digest": "SHA-256:00" } }), "/policy/identifier"),
        (json!({ "policy": { "identifier": "1.2.3", "digest": "SHA-256:00" } }), "/policy/digest"),
    ] {
        let mut request = json!({ "signer": LEADER_KEY });
        request.as_object_mut().unwrap().extend(wrong.as_object().unwrap().clone());
        let refused = leader.post(&path, &request);
        assert_eq!(refused.code(), "request.invalid", "{wrong}: {}", refused.body());
        assert_eq!(refused.json()["errors"][0]["pointer"], at);
    }
    let both = json!({ "signer": LEADER_KEY, "reason": "Duyệt", "commitment": "proof-of-approval" });
    assert_eq!(leader.post(&path, &both).code(), "document.refused");

    let request = json!({
        "signer": LEADER_KEY, "certify": "fill-and-sign", "commitment": "proof-of-approval",
        "roles": ["Chủ tịch"], "contact": "chu-tich@songlam.example", "field": "Lanh dao",
    });
    let signed = leader.post(&path, &request);
    assert_eq!(signed.status(), "201 Created", "{}", signed.body());
    let signature = &signed.json()["signature"];
    assert_eq!(signature["field"], "Lanh dao");
    assert_eq!(signature["certificationLevel"], 2);
    assert_eq!(signature["commitmentTypes"], json!(["proof-of-approval"]));
    assert_eq!(signature["signerRoles"], json!(["Chủ tịch"]));

    assert_eq!(clerk.number(&id).status(), "200 OK");
    let certified = clerk.post(&path, &json!({ "signer": AGENCY_KEY, "certify": "annotate" }));
    assert_eq!(certified.code(), "document.refused", "only a first signature certifies");
    let issued = clerk.sign(&id, AGENCY_KEY);
    assert_eq!(issued.status(), "201 Created", "{}", issued.body());
    let pdf = clerk.get(&format!("/api/v1/documents/{id}/content")).bytes;
    let report = clerk.verify(&pdf).json();
    assert_eq!(report["documents"][0]["signatures"][0]["modificationLevel"], "permitted", "{report:#}");
}

#[test]
fn a_key_is_needed_and_has_to_be_a_good_one() {
    let Some(town) = town() else { return };
    let anon = town.anon();
    let missing = anon.get("/api/v1/documents");
    assert_snapshot!(missing.status(), @"401 Unauthorized");
    assert_snapshot!(missing.code(), @"key.missing");
    assert_snapshot!(missing.header("www-authenticate"), @r#"Bearer realm="kyso""#);

    let mut wrong = town.town().office.clerk.clone();
    let last = if wrong.ends_with('0') { "1" } else { "0" };
    wrong.replace_range(wrong.len() - 1.., last);
    for key in ["kyso_test_x", &wrong, "a b"] {
        assert_eq!(anon.with_key(key).get("/api/v1/documents").code(), "key.invalid");
    }
    let basic = anon.get_with("/api/v1/documents", &[("Authorization", "Basic a3lzbzpreXNv")]);
    assert_snapshot!(basic.code(), @"key.invalid");
    // Open doors stay shut for a key that is no good.
    assert_eq!(anon.with_key(&wrong).verify(&sample()).code(), "key.invalid");
}

#[test]
fn a_key_does_no_more_than_its_scopes() {
    let Some(town) = town() else { return };
    let (reader, _) = town.member(Role::Clerk, &[Scope::Read]);
    assert_eq!(reader.get("/api/v1/documents").status(), "200 OK");
    let refused = reader.upload(&sample());
    assert_snapshot!(refused.status(), @"403 Forbidden");
    assert_snapshot!(refused.code(), @"key.scope");
    assert!(refused.text("detail").contains("`upload`"), "{}", refused.text("detail"));

    let id = town.clerk().upload(&sample()).text("id");
    assert_eq!(reader.number(&id).code(), "key.scope");
    assert_eq!(
        town.clerk().sign(&id, LEADER_KEY).code(),
        "key.scope",
        "a clerk does not sign for the leader"
    );
    assert_eq!(reader.send(&id, &[town.recipient_code(0)]).code(), "key.scope");
}

#[test]
fn what_is_not_yours_is_not_there() {
    let Some(town) = town() else { return };
    let id = town.clerk().upload(&sample()).text("id");
    let stranger = town.recipient(2);
    for path in [format!("/api/v1/documents/{id}"), format!("/api/v1/documents/{id}/content")] {
        assert_eq!(stranger.get(&path).code(), "document.not-found");
    }
    assert_eq!(stranger.sign(&id, LEADER_KEY).code(), "signer.unknown");
    assert_eq!(stranger.get("/api/v1/documents/not-an-id").code(), "document.not-found");
    assert_eq!(stranger.get(&format!("/api/v1/deliveries/{}", fresh_key())).code(), "delivery.not-found");
    assert_eq!(stranger.get(&format!("/api/v1/dispatches/{}", fresh_key())).code(), "dispatch.not-found");
    assert_eq!(stranger.get(&format!("/api/v1/events/{}/proof", fresh_key())).code(), "event.not-found");
}

#[test]
fn the_same_request_again_is_the_same_answer() {
    let Some(town) = town() else { return };
    let clerk = town.clerk();
    let once = fresh_key();
    let first = clerk.upload_again(&sample(), &once);
    assert_snapshot!(first.status(), @"201 Created");
    let again = clerk.upload_again(&sample(), &once);
    assert_eq!((again.status(), again.body()), (first.status(), first.body()));
    assert_eq!(again.header("location"), first.header("location"));

    let mut other = sample();
    other.extend_from_slice(b"% another\n");
    let conflict = clerk.upload_again(&other, &once);
    assert_snapshot!(conflict.status(), @"422 Unprocessable Entity");
    assert_snapshot!(conflict.code(), @"idempotency.conflict");

    let id = town.issued();
    let (once, request) = (fresh_key(), json!({ "document": id, "recipients": [town.recipient_code(0)] }));
    let first = clerk.post_again("/api/v1/dispatches", &request, &once);
    let again = clerk.post_again("/api/v1/dispatches", &request, &once);
    assert_eq!(again.text("id"), first.text("id"));
    // Quoted, as the structured-field string that the draft asks for.
    assert_eq!(
        clerk.post_again("/api/v1/dispatches", &request, &format!("\"{once}\"")).text("id"),
        first.text("id")
    );
    // And after a restart: another server with an empty memory.
    let other_server = town.limited(LimitSettings::default());
    assert_eq!(
        other_server.clerk().post_again("/api/v1/dispatches", &request, &once).text("id"),
        first.text("id")
    );
    let changed = json!({ "document": id, "recipients": [town.recipient_code(1)] });
    assert_eq!(
        other_server.clerk().post_again("/api/v1/dispatches", &changed, &once).code(),
        "idempotency.conflict"
    );
}

#[test]
fn two_at_once_with_one_key_make_one() {
    let Some(town) = town() else { return };
    let (id, once) = (town.issued(), fresh_key());
    let request = json!({ "document": id, "recipients": [town.recipient_code(0), town.recipient_code(1)] });
    let answers: Vec<_> = std::thread::scope(|scope| {
        let ask = || scope.spawn(|| town.clerk().post_again("/api/v1/dispatches", &request, &once));
        let asked: Vec<_> = (0..8).map(|_| ask()).collect();
        asked.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let mut made = BTreeSet::new();
    for answer in answers {
        match answer.status().as_str() {
            "201 Created" => {
                made.insert(answer.text("id"));
            }
            _ => assert_eq!(answer.code(), "idempotency.in-progress"),
        }
    }
    assert_eq!(made.len(), 1);
    let dispatches = town.clerk().get("/api/v1/dispatches?limit=200").json();
    let of_this =
        dispatches["items"].as_array().unwrap().iter().filter(|sent| sent["document"] == id.as_str());
    assert_eq!(of_this.count(), 1);
}

#[test]
fn an_idempotency_key_has_to_be_there_and_a_uuid() {
    let Some(town) = town() else { return };
    let kind = ("Content-Type", "application/pdf");
    let missing = town.clerk().post_with("/api/v1/documents", &[kind], &sample());
    assert_snapshot!(missing.status(), @"400 Bad Request");
    assert_snapshot!(missing.code(), @"idempotency.missing");
    let key = ("Idempotency-Key", "again");
    assert_eq!(
        town.clerk().post_with("/api/v1/documents", &[kind, key], &sample()).code(),
        "idempotency.missing"
    );
}

#[test]
fn a_file_over_the_limit_is_refused_announced_or_not() {
    let Some(town) = town() else { return };
    let server = town.limited(LimitSettings { upload_bytes: 10_000, ..LimitSettings::default() });
    let refused = server.clerk().upload(&sample());
    assert_snapshot!(refused.status(), @"413 Payload Too Large");
    assert_snapshot!(refused.code(), @"request.too-large");
    assert!(refused.text("detail").contains("10000 bytes"), "{}", refused.text("detail"));
    let in_a_form = server.anon().send_form("/api/v1/verifications", &[], &[("a.pdf", &sample())]);
    assert_eq!(in_a_form.code(), "request.too-large");
    // Without Content-Length the bytes are counted as they come.
    let chunked = super::operations::raw(
        server.address(),
        &format!(
            "POST /api/v1/verifications HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/pdf\r\nTransfer-Encoding: chunked\r\n\r\n4e20\r\n{}\r\n0\r\n\r\n",
            "x".repeat(20_000)
        ),
    );
    assert!(chunked.starts_with("HTTP/1.1 413"), "{chunked}");
    let many = server.anon().send_form("/api/v1/verifications", &[], &[("a.pdf", b"x".as_slice()); 21]);
    assert_eq!(many.code(), "request.too-large");
}

#[test]
fn what_is_no_file_is_refused() {
    let Some(town) = town() else { return };
    let once = fresh_key();
    let key = ("Idempotency-Key", once.as_str());
    let text = town.clerk().post_with("/api/v1/documents", &[("Content-Type", "text/plain"), key], b"x");
    assert_snapshot!(text.status(), @"415 Unsupported Media Type");
    assert_snapshot!(text.code(), @"request.unsupported-media-type");
    let form = "multipart/form-data; boundary=b";
    let broken = town.clerk().post_with("/api/v1/documents", &[("Content-Type", form), key], b"no boundary");
    assert_snapshot!(broken.code(), @"request.malformed");
    let empty = town.clerk().send_form("/api/v1/documents", &[key], &[]);
    assert_snapshot!(empty.code(), @"request.malformed");
    let two =
        town.clerk().send_form("/api/v1/documents", &[key], &[("a.pdf", &sample()), ("b.pdf", &sample())]);
    assert_snapshot!(two.code(), @"request.too-large");
}

#[test]
fn json_that_does_not_fit_is_told_where() {
    let Some(town) = town() else { return };
    let clerk = town.clerk();
    let once = fresh_key();
    let headers = [("Content-Type", "application/json"), ("Idempotency-Key", once.as_str())];
    assert_eq!(clerk.post_with("/api/v1/dispatches", &headers, b"{").code(), "request.malformed");
    let unfit = clerk.post("/api/v1/dispatches", &json!({ "document": "x", "recipients": [] }));
    assert_snapshot!(unfit.code(), @"request.invalid");
    assert!(!unfit.json()["errors"][0]["detail"].as_str().unwrap().is_empty());
    let unknown = clerk.send(&town.issued(), &["H01"]);
    assert_snapshot!(unknown.status(), @"422 Unprocessable Entity");
    assert_snapshot!(unknown.code(), @"dispatch.unknown-agency");
    assert_eq!(unknown.json()["errors"][0]["pointer"], "/recipients");
}

#[test]
fn a_digest_is_compared_on_the_way_in_and_told_on_the_way_out() {
    let Some(town) = town() else { return };
    let clerk = town.clerk();
    let once = fresh_key();
    let other = "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:"; // of nothing
    let headers =
        [("Content-Type", "application/pdf"), ("Idempotency-Key", once.as_str()), ("Content-Digest", other)];
    let refused = clerk.post_with("/api/v1/documents", &headers, &sample());
    assert_snapshot!(refused.status(), @"400 Bad Request");
    assert_snapshot!(refused.code(), @"request.digest-mismatch");

    let uploaded = clerk.upload(&sample());
    let content = clerk.get(&format!("{}/content", uploaded.header("location")));
    assert_eq!(content.bytes, sample());
    assert_eq!(content.header("content-digest"), uploaded.text("contentDigest"));
    assert_eq!(content.header("etag"), format!("\"{}\"", uploaded.text("sha256")));
    assert_eq!(content.header("content-type"), "application/pdf");
    assert!(content.header("content-disposition").starts_with("attachment;"));
    let headers = [
        ("Content-Type", "application/pdf"),
        ("Idempotency-Key", once.as_str()),
        ("Content-Digest", content.header("content-digest")),
    ];
    assert_eq!(clerk.post_with("/api/v1/documents", &headers, &sample()).status(), "201 Created");
}

#[test]
fn a_list_comes_in_pages() {
    let Some(town) = town() else { return };
    let clerk = town.clerk();
    for _ in 0..3 {
        clerk.upload(&sample());
    }
    let mut seen = BTreeSet::new();
    let mut path = "/api/v1/documents?limit=2".to_owned();
    let mut pages = 0;
    loop {
        let page = clerk.get(&path);
        let items = page.json()["items"].as_array().unwrap().clone();
        assert!(items.len() <= 2);
        for item in items {
            assert!(seen.insert(item["id"].as_str().unwrap().to_owned()), "a document came twice");
        }
        pages += 1;
        let link = page.header("link");
        let Some(next) = link.strip_prefix('<').and_then(|link| link.strip_suffix(">; rel=\"next\"")) else {
            assert_eq!(link, "");
            break;
        };
        path = next.to_owned();
    }
    assert!(pages >= 2 && seen.len() >= 3, "{pages} pages, {} documents", seen.len());
    for bad in ["limit=0", "limit=201", "limit=many", "cursor=%21%21"] {
        assert_eq!(clerk.get(&format!("/api/v1/documents?{bad}")).code(), "request.invalid", "{bad}");
    }
}

#[test]
fn anyone_may_verify_a_file_of_any_kind() {
    let Some(town) = town() else { return };
    let anon = town.anon();
    let overall = |answer: &super::town::Answer| answer.json()["documents"][0]["overall"].clone();
    let signed = town.signed_pdf();

    let valid = anon.verify(signed);
    assert_snapshot!(valid.status(), @"200 OK");
    assert_eq!(overall(&valid), "valid");
    assert_eq!(valid.json()["documents"][0]["signatures"].as_array().unwrap().len(), 2);
    assert_eq!(overall(&anon.verify(&sample())), "unsigned");
    let mut changed = signed.to_vec();
    let middle = changed.len() / 3;
    changed[middle] ^= 1;
    let changed = anon.verify(&changed);
    assert!(
        overall(&changed) == "invalid" || !changed.json()["unreadable"].as_array().unwrap().is_empty(),
        "{}",
        changed.body()
    );
    let broken = anon.verify(b"%PDF-1.7 and no more").json();
    assert_eq!(broken["unreadable"][0]["error"]["key"], "file.damaged");

    let files: [(&str, &[u8]); 3] =
        [("ký.pdf", signed), ("chưa ký.pdf", &sample()), ("ảnh.jpg", b"\xff\xd8\xff")];
    let several = anon.send_form("/api/v1/verifications", &[], &files).json();
    let words: Vec<_> =
        several["documents"].as_array().unwrap().iter().map(|one| (&one["name"], &one["overall"])).collect();
    assert_eq!(words, [(&json!("ký.pdf"), &json!("valid")), (&json!("chưa ký.pdf"), &json!("unsigned"))]);
    assert_eq!(several["unreadable"][0]["name"], "ảnh.jpg");
}

#[test]
fn strangers_verify_so_often_and_no_more() {
    let Some(town) = town() else { return };
    let limits = LimitSettings { public_verifications_per_minute: 2, ..LimitSettings::default() };
    let server = town.limited(limits.clone());
    let first = server.anon().verify(&sample());
    assert_eq!(first.header("ratelimit-policy"), "\"public\";q=2;w=60");
    assert_eq!(first.header("ratelimit"), "\"public\";r=1;t=0");
    assert_eq!(server.anon().verify(&sample()).status(), "200 OK");
    let refused = server.anon().verify(&sample());
    assert_snapshot!(refused.status(), @"429 Too Many Requests");
    assert_snapshot!(refused.code(), @"request.rate-limited");
    assert_eq!(refused.json()["retryable"], true);
    assert!((1..=30).contains(&refused.header("retry-after").parse::<u32>().unwrap()));
    assert_eq!(server.clerk().verify(&sample()).status(), "200 OK", "a key is not counted by address");

    let behind = town.server(Settings { limits, behind_proxy: true, over_tls: true, helper: None });
    for client in ["192.0.2.1", "192.0.2.2", "192.0.2.3"] {
        let headers = [("Content-Type", "application/pdf"), ("X-Forwarded-For", client)];
        assert_eq!(behind.anon().post_with("/api/v1/verifications", &headers, &sample()).status(), "200 OK");
    }
}

#[test]
fn an_administrator_makes_keys_for_the_own_agency_only() {
    let Some(town) = town() else { return };
    let (admin, _) = town.member(Role::Administrator, &[Scope::Admin]);
    let (_, clerk) = town.member(Role::Clerk, &[Scope::Read]);
    let made = admin
        .post("/api/v1/api-keys", &json!({ "member": clerk, "scopes": ["read", "upload"], "test": true }));
    assert_snapshot!(made.status(), @"201 Created");
    let key = made.text("text");
    assert!(key.starts_with("kyso_test_"));
    assert_eq!(town.anon().with_key(&key).upload(&sample()).status(), "201 Created");
    let wider = json!({ "member": clerk, "scopes": ["approve"] });
    assert_snapshot!(admin.post("/api/v1/api-keys", &wider).code(), @"request.invalid");
    let nobody = json!({ "member": fresh_key(), "scopes": ["read"] });
    assert_snapshot!(admin.post("/api/v1/api-keys", &nobody).code(), @"member.not-found");
    let request = json!({ "member": clerk, "scopes": ["read"] });
    assert_eq!(town.clerk().post("/api/v1/api-keys", &request).code(), "key.scope");
}

#[test]
fn the_ledger_is_open_to_all() {
    let Some(town) = town() else { return };
    town.clerk().send(&town.issued(), &[town.recipient_code(0)]);
    let anon = town.anon();
    let note = anon.get("/checkpoint").body();
    let checkpoint = town.town().service.ledger_key().open(note.as_bytes()).unwrap();
    assert!(checkpoint.size() > 0);
    let as_json = anon.get("/api/v1/ledger/checkpoint").json();
    assert!(as_json["size"].as_u64().unwrap() >= checkpoint.size());
    assert_eq!(as_json["verifierKey"], town.town().service.ledger_key().to_string());
    let width = checkpoint.size() % 256;
    let tile = anon.get(&format!("/tile/0/000.p/{width}"));
    assert_eq!(tile.status(), "200 OK");
    assert_eq!(tile.bytes.len() as u64, width * 32);
    for none in ["/tile/0/999", "/tile/0/0", "/tile/x", "/tile/entries/../0/000"] {
        assert_eq!(anon.get(none).status(), "404 Not Found", "{none}");
    }
}

#[test]
fn a_problem_says_it_in_the_readers_language() {
    let Some(town) = town() else { return };
    let ask = |language: &str| {
        let headers = [("Accept-Language", language), ("X-Request-Id", "my-request-1")];
        town.anon().get_with("/api/v1/documents", &headers)
    };
    let english = ask("en");
    assert_snapshot!(english.header("content-language"), @"en");
    assert_snapshot!(english.header("x-request-id"), @"my-request-1");
    insta::assert_json_snapshot!(english.json(), @r#"
    {
      "code": "key.missing",
      "detail": "Send the header Authorization: Bearer kyso_….",
      "instance": "/api/v1/documents",
      "request_id": "my-request-1",
      "retryable": false,
      "status": 401,
      "title": "An API key is needed",
      "type": "/problems/key.missing"
    }
    "#);
    assert_snapshot!(ask("vi-VN, en;q=0.5").text("title"), @"Thiếu khóa API");
}

#[test]
fn every_path_is_described_and_every_description_is_whole() {
    let Some(town) = town() else { return };
    let api = town.anon().get("/openapi.json").json();
    assert_eq!(api["openapi"], "3.1.0");
    let mut ids = BTreeSet::new();
    for (path, item) in api["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let id = operation["operationId"].as_str().expect("an operationId");
            assert!(ids.insert(id.to_owned()), "{id} is there twice");
            assert!(operation["summary"].as_str().is_some_and(|words| !words.is_empty()), "{id}");
            assert!(operation["tags"].as_array().is_some_and(|tags| tags.len() == 1), "{id}");
            assert!(operation["responses"].as_object().is_some_and(|answers| !answers.is_empty()), "{id}");
            for name in path.split('{').skip(1).filter_map(|rest| rest.split('}').next()) {
                let parameters = operation["parameters"].as_array().expect("parameters");
                assert!(
                    parameters.iter().any(|one| one["name"] == name && one["in"] == "path"),
                    "{id}: {name}"
                );
            }
            // The route is really there: whatever is answered, it is not that nothing is at this address.
            let real = path.replace("{path}", "0/000").replace("{id}", &fresh_key());
            let answer = match method.as_str() {
                "get" => town.anon().get(&real),
                "post" => town.anon().post(&real, &Value::Null),
                "delete" => town.anon().delete(&real),
                other => panic!("{other} is not used"),
            };
            assert_ne!(answer.status(), "405 Method Not Allowed", "{id}");
            assert!(!answer.body().contains("route.not-found"), "{id}");
        }
    }
    check_references(&api, &api);
    let routes = include_str!("../../../src/http/routes.rs");
    let by_hand = routes.split(".route(\"").skip(1).filter_map(|rest| rest.split('"').next());
    for path in by_hand {
        assert!(!path.starts_with("/api/"), "{path} is routed without being described");
    }
    assert!(ids.len() >= 24, "{ids:?}");
}

fn check_references(api: &Value, part: &Value) {
    match part {
        Value::Object(members) => {
            if let Some(reference) = members.get("$ref").and_then(Value::as_str) {
                let pointer = reference.strip_prefix('#').expect("a reference into the document");
                assert!(api.pointer(pointer).is_some(), "{reference} leads nowhere");
            }
            members.values().for_each(|member| check_references(api, member));
        }
        Value::Array(items) => items.iter().for_each(|item| check_references(api, item)),
        _ => {}
    }
}

#[test]
fn a_client_that_goes_away_does_not_stop_what_it_began() {
    let Some(town) = town() else { return };
    let (id, once) = (town.issued(), fresh_key());
    let body = json!({ "document": id, "recipients": [town.recipient_code(0)] }).to_string();
    let request = format!(
        "POST /api/v1/dispatches HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nIdempotency-Key: {once}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        town.town().office.clerk,
        body.len()
    );
    super::operations::send_and_leave(town.url("").trim_start_matches("http://"), &request);
    let request: Value = serde_json::from_str(&body).unwrap();
    for _ in 0..100 {
        let answer = town.clerk().post_again("/api/v1/dispatches", &request, &once);
        if answer.status() == "201 Created" {
            let dispatches = town.clerk().get("/api/v1/dispatches?limit=200").json();
            let of_this = dispatches["items"].as_array().unwrap().iter();
            assert_eq!(of_this.filter(|sent| sent["document"] == id.as_str()).count(), 1);
            return;
        }
        assert_eq!(answer.code(), "idempotency.in-progress");
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("the dispatch was never made");
}
