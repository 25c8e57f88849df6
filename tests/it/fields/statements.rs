//! What is said under protection (ETSI EN 319 122-1 section 5.2), and where it is told again.

use std::process::Command;

use kyso::token::provision::NewKeyKind;
use serde_json::{Value, json};

use super::{Bench, attributes, desks, kyso, refused, signed, verdict};
use crate::{
    pen::{sample, text},
    support::{self, PyHanko},
};

const ROLES: [&str; 4] = ["--role", "Chủ tịch", "--role", "KT. Trưởng ban"];

/// Commitment and roles on every token: read by pyHanko as they were said, valid for everybody.
#[test]
fn commitment_and_roles_are_read_by_others() {
    let mut tokens = 0;
    for desk in desks() {
        tokens += 1;
        let tsa = desk.pki.tsa_url();
        let more = [&["--commitment", "proof-of-approval", "--tsa", &tsa][..], &ROLES].concat();
        let output = signed(&desk, &sample(), "said.pdf", &more);
        desk.everybody_accepts(&output, 1);
        let (_, signatures) = verdict(&desk, &output);
        assert_eq!(signatures[0]["commitmentTypes"], json!(["proof-of-approval"]));
        assert_eq!(signatures[0]["signerRoles"], json!(["Chủ tịch", "KT. Trưởng ban"]));
        if let Some(told) = attributes(&output) {
            assert_eq!(told[0]["commitment"], "1.2.840.113549.1.9.16.6.5");
            assert_eq!(told[0]["roles"], json!(["Chủ tịch", "KT. Trưởng ban"]));
            assert_eq!(told[0]["policy"], Value::Null);
        }
    }
    println!("said on {tokens} tokens and keys");
}

/// A signature policy: pyHanko reads it and takes the signature; what kyso makes of policies is as before.
#[test]
fn a_signature_policy_is_named_with_its_digest() {
    let desk = Bench::embedded(NewKeyKind::Rsa2048);
    let digest = "5a".repeat(48);
    let spoken = format!("SHA-384:{digest}");
    let uri = "https://example.vn/chinh-sach.pdf";
    let more = [
        "--policy-oid",
        "2.16.704.1.1",
        "--policy-digest",
        &spoken,
        "--policy-uri",
        uri,
        "--commitment",
        "1.2.3.4",
    ];
    let output = signed(&desk, &sample(), "policy.pdf", &more);
    let (overall, signatures) = verdict(&desk, &output);
    assert_eq!(
        signatures[0]["signaturePolicy"],
        json!({ "identifier": "2.16.704.1.1", "digest": spoken, "uri": uri })
    );
    assert_eq!(signatures[0]["commitmentTypes"], json!(["1.2.3.4"]));
    // The strict policy has no rules for anybody's signature policy.
    assert_eq!(overall, "indeterminate");
    assert_eq!(signatures[0]["subIndication"], "SIGNATURE_POLICY_NOT_AVAILABLE");
    if let Some(told) = attributes(&output) {
        let expected =
            json!({ "id": "2.16.704.1.1", "digest_algorithm": "sha384", "digest": digest, "uri": uri });
        assert_eq!(told[0]["policy"], expected);
        assert_eq!(told[0]["commitment"], "1.2.3.4");
    }
    if let Some(pyhanko) = PyHanko::find() {
        let [judged] = pyhanko.verify(&output, &[&desk.root]).try_into().unwrap();
        assert!(judged.accepted(), "{judged:?}");
    }
    if let Some([judged]) = support::pdfsig(&output).as_deref() {
        assert!(judged.accepted(), "{judged:?}");
    }
}

#[test]
fn what_excludes_each_other_is_refused_before_the_pin() {
    let desk = Bench::embedded(NewKeyKind::P256);
    let digest = format!("SHA-256:{}", "00".repeat(32));
    for (more, status) in [
        (&["--commitment", "proof-of-origin", "--reason", "x"][..], 64),
        (&["--policy-oid", "1.2.3", "--policy-digest", &digest, "--reason", "x"], 64),
        (&["--role", "  "], 64),
        (&["--policy-oid", "1.2.3", "--policy-digest", &digest, "--policy-uri", "đường dẫn"], 64),
        (&["--policy-oid", "1.2.3"], 64),
        (&["--policy-oid", "x", "--policy-digest", &digest], 64),
        (&["--policy-oid", "1.2.3", "--policy-digest", "SHA-1:0000000000000000000000000000000000000000"], 64),
        (&["--commitment", "approval"], 64),
        (&["--lock-level", "1"], 64),
    ] {
        refused(&desk, &sample(), more, status);
    }
    // A wrong PIN is not tried when the wish itself cannot be: nothing is lost.
    let output = desk.folder.path().join("none.pdf");
    let told = desk
        .command(&sample(), &output, &["--commitment", "proof-of-origin", "--reason", "x"])
        .env("KYSO_PIN", "99999999")
        .output()
        .unwrap();
    assert_eq!(told.status.code(), Some(64), "{}", text(&told.stderr));
    signed(&desk, &sample(), "still.pdf", &[]);
}

/// The report in its other shapes.
#[test]
fn every_shape_of_the_report_tells_what_was_said() {
    let desk = Bench::embedded(NewKeyKind::P256);
    let digest = format!("SHA-256:{}", "07".repeat(32));
    let more = [
        &["--policy-oid", "1.2.3.4", "--policy-digest", &digest, "--commitment", "proof-of-sender"][..],
        &ROLES,
    ]
    .concat();
    let output = signed(&desk, &sample(), "said.pdf", &more);
    let told = kyso(&["verify", &output.display().to_string(), "--format", "etsi", "--offline"]);
    let xml = text(&told.stdout);
    for expected in [
        "<CommitmentTypeIdentifier>urn:oid:1.2.840.113549.1.9.16.6.4</CommitmentTypeIdentifier>",
        "<SigPolicyId>urn:oid:1.2.3.4</SigPolicyId>",
        "<Role>Chủ tịch</Role>",
        "<EndorsementType>claimed</EndorsementType>",
    ] {
        assert!(xml.contains(expected), "{expected}: {xml}");
    }
    let report = desk.verify(&output);
    let report: kyso::validation::Report = serde_json::from_value(report).unwrap();
    let siva = kyso::rendering::siva::simple_report(&report.documents[0], None);
    let siva = serde_json::to_value(siva).unwrap();
    let roles = siva.pointer("/validationReport/validationConclusion/signatures/0/info/signerRole");
    assert_eq!(
        roles,
        Some(&json!([{ "claimedRole": "Chủ tịch" }, { "claimedRole": "KT. Trưởng ban" }])),
        "{siva:#}"
    );
    let people = kyso::rendering::people::tell(&report, kyso::validation::words::Language::Vietnamese);
    let words = format!("{people:?}");
    for expected in ["Chủ tịch, KT. Trưởng ban", "là người gửi", "1.2.3.4"] {
        assert!(words.contains(expected), "{expected}: {words}");
    }
}

/// The CMS with all that can be said is as long as its room, to the last digit.
#[test]
fn the_room_is_exact_with_everything_said() {
    let desk = Bench::embedded(NewKeyKind::Rsa2048);
    let digest = format!("SHA-512:{}", "07".repeat(64));
    let long = "Trưởng ban ".repeat(20);
    let more = ["--policy-oid", "1.2.3.4", "--policy-digest", &digest, "--role", &long];
    let output = signed(&desk, &sample(), "exact.pdf", &more);
    let bytes = std::fs::read(&output).unwrap();
    let at = text(&bytes)
        .rfind("/Contents <")
        .map(|_| ())
        .and_then(|()| bytes.windows(11).rposition(|window| window == b"/Contents <"));
    let start = at.unwrap() + 11;
    let end = start + bytes[start..].iter().position(|byte| *byte == b'>').unwrap();
    assert!(!bytes[start..end].ends_with(b"00000000"), "the hole is padded: {} digits", end - start);
    // OpenSSL reads the structure as well.
    if let Some(openssl) = support::tool("openssl") {
        let der = desk.folder.path().join("cms.der");
        std::fs::write(&der, hex::decode(&bytes[start..end]).unwrap()).unwrap();
        let mut print = Command::new(openssl);
        let told = support::run(print.args(["cms", "-cmsout", "-print", "-inform", "DER", "-in"]).arg(&der));
        assert!(text(&told.stdout).contains("id-smime-aa-ets-sigPolicyId"), "{}", text(&told.stdout));
    }
}
