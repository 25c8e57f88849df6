//! Levels over the API: asked for with the signature, raised on request, listed.

use kyso::demo::{AGENCY_KEY, LEADER_KEY};
use serde_json::json;

use super::town::{sample, town};

#[test]
fn a_signature_is_made_at_the_level_that_was_asked_for() {
    let Some(town) = town() else { return };
    let (clerk, leader) = (town.clerk(), town.leader());
    let id = clerk.upload(&sample()).text("id");
    let path = format!("/api/v1/documents/{id}");
    let signed = leader.post(&format!("{path}/signatures"), &json!({ "signer": LEADER_KEY, "level": "LTA" }));
    assert_eq!(signed.status(), "201 Created", "{}", signed.body());
    let body = signed.json();
    assert_eq!(body["signature"]["signatureFormat"], "PAdES-BASELINE-LTA");
    let upkeep = &body["document"]["upkeep"];
    assert_eq!((&upkeep["askedLevel"], &upkeep["reachedLevel"]), (&json!("LTA"), &json!("LTA")));
    assert!(upkeep["dueAt"].is_string() && upkeep["goodUntil"].is_string(), "{body:#}");
    // The agency's signature follows; what was asked for holds for the document.
    assert_eq!(clerk.number(&id).status(), "200 OK");
    let signed = clerk.post(&format!("{path}/signatures"), &json!({ "signer": AGENCY_KEY, "level": "T" }));
    assert_eq!(signed.status(), "201 Created", "{}", signed.body());
    let upkeep = &signed.json()["document"]["upkeep"];
    assert_eq!((&upkeep["askedLevel"], &upkeep["reachedLevel"]), (&json!("LTA"), &json!("T")));

    let extended = clerk.post(&format!("{path}/extensions"), &json!({ "to": "LTA" }));
    assert_eq!(extended.status(), "201 Created", "{}", extended.body());
    let document = &extended.json()["document"];
    assert_eq!(document["upkeep"]["reachedLevel"], "LTA");
    assert_eq!(document["extensions"][0]["task"], "raise");
    assert_eq!(document["extensions"][0]["sha256"], document["sha256"]);

    let listed = clerk.get("/api/v1/extensions?limit=200").json();
    let found = listed["items"].as_array().unwrap().iter().find(|item| item["document"] == id.as_str());
    assert_eq!(found.unwrap()["reachedLevel"], "LTA", "{listed:#}");

    // What was extended can be sent and accepted like any original.
    let sent = clerk.send(&id, &[town.recipient_code(0)]);
    assert_eq!(sent.status(), "201 Created", "{}", sent.body());
    let delivery = town.recipient(0).delivery_of(&id);
    assert_eq!(town.recipient(0).act(&delivery, "arrive", &json!({})).status(), "200 OK");
    let accepted = town.recipient(0).act(&delivery, "accept", &json!({}));
    assert_eq!(accepted.status(), "200 OK", "{}", accepted.body());
}

#[test]
fn what_cannot_be_extended_is_a_problem() {
    let Some(town) = town() else { return };
    let (clerk, other) = (town.clerk(), town.recipient(0));
    let id = clerk.upload(&sample()).text("id");
    let path = format!("/api/v1/documents/{id}/extensions");
    let refused = |answer: super::town::Answer, status: &str, code: &str| {
        assert_eq!(
            (answer.status(), answer.text("code")),
            (status.to_owned(), code.to_owned()),
            "{}",
            answer.body()
        );
    };
    refused(clerk.post(&path, &json!({ "to": "LT" })), "409 Conflict", "document.unsigned");
    refused(clerk.post(&path, &json!({ "to": "B" })), "422 Unprocessable Entity", "request.invalid");
    refused(
        clerk.post(&path, &json!({ "to": "LT", "renew": true })),
        "422 Unprocessable Entity",
        "request.invalid",
    );
    refused(clerk.post(&path, &json!({ "to": "X" })), "422 Unprocessable Entity", "request.invalid");
    refused(other.post(&path, &json!({ "to": "LT" })), "404 Not Found", "document.not-found");
    let (reader, _) = town.member(kyso::people::Role::Clerk, &[kyso::people::Scope::Read]);
    refused(reader.post(&path, &json!({ "to": "LT" })), "403 Forbidden", "key.scope");
}

/// Whoever runs the server sees how the authorities stand.
#[test]
fn health_and_metrics_tell_of_the_authorities() {
    let Some(town) = town() else { return };
    town.issued();
    let health = town.anon().get("/healthz").json();
    let authority = &health["timeStamping"][0];
    assert_eq!(
        (&authority["url"], &authority["state"]),
        (&json!(town.town().pki.tsa_url()), &json!("closed"))
    );
    let metrics = town.anon().get("/metrics").body();
    assert!(metrics.contains("kyso_time_stamps_total{authority="), "{metrics}");
}
