//! Signatures that can be seen, asked for by a portal.

use insta::assert_snapshot;
use kyso::{
    demo::{AGENCY_KEY, LEADER_KEY},
    http::Settings,
};
use serde_json::json;

use super::town::{Person, sample, town};

const NOT_SHOWN: (&str, &str) = ("422 Unprocessable Entity", "signature.appearance");

#[test]
fn a_portal_previews_signs_and_seals() {
    let Some(town) = town() else { return };
    let settings = Settings { helper: Some(env!("CARGO_BIN_EXE_kyso").into()), ..Settings::default() };
    let server = town.server(settings);
    let clerk = server.clerk();
    let leader = Person::new(server.address(), town.town().office.leader.clone());
    let id = clerk.upload(&sample()).text("id");
    assert_eq!(clerk.number(&id).status(), "200 OK");
    let (signatures, previews) =
        (format!("/api/v1/documents/{id}/signatures"), format!("/api/v1/documents/{id}/signature-previews"));

    let approve = json!({ "signer": LEADER_KEY, "appearance": { "role": "approve", "anchor": "CHỦ TỊCH" } });
    let preview = leader.post(&previews, &approve);
    assert_eq!(preview.status(), "200 OK", "{}", preview.body());
    assert_eq!(preview.header("content-type"), "image/png");
    assert!(preview.bytes.starts_with(b"\x89PNG"));
    // Nothing was recorded.
    assert_eq!(clerk.get(&format!("/api/v1/documents/{id}/content")).bytes, sample());

    let nowhere = json!({ "signer": LEADER_KEY, "appearance": { "role": "approve", "anchor": "GIÁM ĐỐC" } });
    for path in [&previews, &signatures] {
        let refused = leader.post(path, &nowhere);
        assert_eq!((refused.status().as_str(), refused.code().as_str()), NOT_SHOWN);
        assert!(refused.text("detail").contains("GIÁM ĐỐC"), "{}", refused.body());
    }
    let both = json!({
        "signer": LEADER_KEY,
        "appearance": { "role": "approve", "anchor": "CHỦ TỊCH", "rectangle": [1, 1, 1, 1] },
    });
    assert_snapshot!(leader.post(&signatures, &both).code(), @"request.invalid");
    assert_eq!(clerk.post(&previews, &approve).status(), "403 Forbidden");

    let signed = leader.post(&signatures, &approve);
    assert_eq!(signed.status(), "201 Created", "{}", signed.body());
    let person = signed.json()["placement"]["area"].clone();
    let sealed = clerk.post(&signatures, &json!({ "signer": AGENCY_KEY, "appearance": { "role": "issue" } }));
    assert_eq!(sealed.status(), "201 Created", "{}", sealed.body());
    let seal = sealed.json()["placement"]["area"].clone();
    let side = |area: &serde_json::Value, name: &str| area[name].as_f64().unwrap();
    let overlap = side(&seal, "right") - side(&person, "left");
    let third = (side(&person, "right") - side(&person, "left")) / 3.0;
    assert!((overlap - third).abs() < 1.0, "{overlap} is not a third of the picture, {third}");
    let report = clerk.verify(&clerk.get(&format!("/api/v1/documents/{id}/content")).bytes).json();
    assert_eq!(report["documents"][0]["overall"], "valid", "{report:#}");
}
