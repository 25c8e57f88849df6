//! Seed values that pyHanko wrote, kept here and judged by pyHanko again (ISO 32000-2 section 12.7.5.5).

use std::fs;

use kyso::token::provision::NewKeyKind;
use serde_json::{Value, json};

use super::{Bench, desks, form, refused, signed, with_fields};
use crate::{pen::sample, support::PyHanko};

/// What is asked, how it is signed, and the words of the refusal where it is refused.
type Case = (Value, Vec<String>, Option<&'static str>);

fn cases(desk: &Bench) -> Vec<Case> {
    let tsa = desk.pki.tsa_url();
    let signer = desk.certificate.display().to_string();
    let authority = desk.chain.display().to_string();
    let root = desk.root.display().to_string();
    let words = |more: &[&str]| more.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let cert = |cert: Value| json!({ "cert": cert });
    vec![
        (json!({ "flags": ["SUBFILTER"], "subfilters": ["ETSI.CAdES.detached"] }), words(&[]), None),
        (
            json!({ "flags": ["SUBFILTER"], "subfilters": ["adbe.pkcs7.detached"] }),
            words(&[]),
            Some("/SubFilter"),
        ),
        (json!({ "subfilters": ["adbe.pkcs7.detached"] }), words(&[]), None),
        (json!({ "flags": ["REASONS"], "reasons": ["Phê duyệt", "Ban hành"] }), words(&[]), Some("/Reasons")),
        (
            json!({ "flags": ["REASONS"], "reasons": ["Phê duyệt", "Ban hành"] }),
            words(&["--reason", "Ban hành"]),
            None,
        ),
        (
            json!({ "flags": ["REASONS"], "reasons": ["Phê duyệt", "Ban hành"] }),
            words(&["--reason", "Khác"]),
            Some("/Reasons"),
        ),
        (json!({ "flags": ["REASONS"], "reasons": ["Phê duyệt"] }), words(&[]), None),
        (json!({ "flags": ["REASONS"] }), words(&[]), None),
        (json!({ "flags": ["REASONS"] }), words(&["--reason", "Khác"]), Some("/Reasons")),
        (json!({ "reasons": ["Phê duyệt"] }), words(&["--reason", "Khác"]), None),
        (json!({ "flags": ["DIGEST_METHOD"], "digests": ["sha512"] }), words(&[]), None),
        (
            json!({ "flags": ["DIGEST_METHOD"], "digests": ["sha512"] }),
            words(&["--digest", "sha256"]),
            Some("/DigestMethod"),
        ),
        (json!({ "digests": ["sha384"] }), words(&["--digest", "sha256"]), None),
        (json!({ "tsa": "http://tsa.example/", "tsa_required": true }), words(&[]), Some("/TimeStamp")),
        (json!({ "tsa": "http://tsa.example/", "tsa_required": true }), words(&["--tsa", &tsa]), None),
        (json!({ "tsa": "http://tsa.example/" }), words(&[]), None),
        (json!({ "mdp": 0 }), words(&[]), None),
        (json!({ "mdp": 0 }), words(&["--certify", "2"]), Some("/MDP")),
        (json!({ "mdp": 2 }), words(&[]), Some("/MDP")),
        (json!({ "mdp": 2 }), words(&["--certify", "1"]), Some("/MDP")),
        (json!({ "mdp": 2 }), words(&["--certify", "2"]), None),
        (json!({ "flags": ["ADD_REV_INFO"], "add_rev_info": true }), words(&[]), Some("/AddRevInfo")),
        (json!({ "flags": ["ADD_REV_INFO"], "add_rev_info": false }), words(&[]), None),
        (json!({ "add_rev_info": true }), words(&[]), None),
        (
            json!({ "flags": ["LEGAL_ATTESTATION"], "attestations": ["x"] }),
            words(&[]),
            Some("/LegalAttestation"),
        ),
        (json!({ "flags": ["LOCK_DOCUMENT"], "lock_document": "true" }), words(&[]), Some("/LockDocument")),
        (json!({ "flags": ["LOCK_DOCUMENT"], "lock_document": "true" }), words(&["--certify", "1"]), None),
        (json!({ "flags": ["LOCK_DOCUMENT"], "lock_document": "false" }), words(&[]), None),
        (
            json!({ "flags": ["LOCK_DOCUMENT"], "lock_document": "false" }),
            words(&["--certify", "1"]),
            Some("/LockDocument"),
        ),
        (json!({ "lock_document": "auto" }), words(&[]), None),
        (
            json!({ "flags": ["APPEARANCE_FILTER"], "appearance": "Dấu" }),
            words(&[]),
            Some("/AppearanceFilter"),
        ),
        (cert(json!({ "flags": ["SUBJECT"], "subjects": [&signer] })), words(&[]), None),
        (cert(json!({ "flags": ["SUBJECT"], "subjects": [&authority] })), words(&[]), Some("/Cert/Subject")),
        (cert(json!({ "subjects": [&authority] })), words(&[]), None),
        (cert(json!({ "flags": ["ISSUER"], "issuers": [&authority] })), words(&[]), None),
        (cert(json!({ "flags": ["ISSUER"], "issuers": [&root] })), words(&[]), None),
        (cert(json!({ "flags": ["ISSUER"], "issuers": [&signer] })), words(&[]), Some("/Cert/Issuer")),
        (
            cert(json!({ "flags": ["SUBJECT_DN"], "subject_dn": { "common_name": "Trần Văn Ký" } })),
            words(&[]),
            None,
        ),
        (
            cert(
                json!({ "flags": ["SUBJECT_DN"], "subject_dn": { "common_name": "Ai khác" }, "url": "https://ca.example/" }),
            ),
            words(&[]),
            Some("https://ca.example/"),
        ),
        (cert(json!({ "flags": ["KEY_USAGE"], "key_usage": ["X1"] })), words(&[]), None),
        (
            cert(json!({ "flags": ["KEY_USAGE"], "key_usage": ["XXXXX1"] })),
            words(&[]),
            Some("/Cert/KeyUsage"),
        ),
    ]
}

/// What pyHanko asks of a field: kept so that pyHanko agrees, or refused with the entry that is not met.
#[test]
fn what_a_fields_author_asks_is_kept_or_refused() {
    let desk = Bench::embedded(NewKeyKind::Rsa2048);
    let Some(pyhanko) = PyHanko::find() else { return };
    let input = desk.folder.path().join("asks.pdf");
    let (mut kept, mut refusals) = (0, 0);
    for (seed, more, refusal) in cases(&desk) {
        let spec = json!([{ "name": "o ky", "seed": seed }]);
        with_fields(&sample(), &input, &spec).unwrap();
        let more: Vec<&str> = more.iter().map(String::as_str).chain(["--field", "o ky"]).collect();
        match refusal {
            Some(words) => {
                let told = refused(&desk, &input, &more, 65);
                assert!(told.contains(words) && told.contains("o ky"), "{seed}: {told}");
                refusals += 1;
            }
            None => {
                let output = signed(&desk, &input, "kept.pdf", &more);
                let [judged] = pyhanko.verify(&output, &[&desk.root]).try_into().unwrap();
                assert!(judged.accepted(), "{seed} {more:?}: {judged:?}");
                assert_eq!(super::verdict(&desk, &output).0, "valid", "{seed}");
                kept += 1;
            }
        }
    }
    println!("{kept} fields signed as asked, {refusals} refused");
}

/// On every token and key: the digest, the reason and the certificate that the author wants, all at once.
#[test]
fn seed_values_are_kept_on_every_token() {
    for desk in desks() {
        let Some(pyhanko) = PyHanko::find() else { return };
        let input = desk.folder.path().join("asks.pdf");
        let signer = desk.certificate.display().to_string();
        let seed = json!({
            "flags": ["DIGEST_METHOD", "REASONS", "SUBFILTER"], "digests": ["sha384"], "reasons": ["Phê duyệt"],
            "subfilters": ["ETSI.CAdES.detached"], "cert": { "flags": ["SUBJECT"], "subjects": [signer] },
        });
        let lock = json!({ "action": "All", "level": 2 });
        with_fields(&sample(), &input, &json!([{ "name": "o ky", "seed": seed, "lock": lock }])).unwrap();
        let output = signed(&desk, &input, "kept.pdf", &["--field", "o ky"]);
        let (overall, signatures) = super::verdict(&desk, &output);
        assert_eq!(overall, "valid");
        assert_eq!(signatures[0]["reason"], "Phê duyệt");
        assert!(signatures[0]["signatureAlgorithm"].as_str().unwrap().contains("384"), "{:?}", signatures[0]);
        let [judged] = pyhanko.verify(&output, &[&desk.root]).try_into().unwrap();
        assert!(judged.accepted() && judged.md_algorithm.as_deref() == Some("sha384"), "{judged:?}");
    }
}

/// Entries that pyHanko does not write: a handler, a version, certificate policies, a signature policy, unknown bits.
#[test]
fn other_seed_values_are_kept_or_refused() {
    let desk = Bench::embedded(NewKeyKind::P256);
    let input = desk.folder.path().join("asks.pdf");
    let digest = "ab".repeat(32);
    let policy = format!(
        "/Cert << /SignaturePolicyOID (1.2.3.4) /SignaturePolicyHashValue <{digest}> /SignaturePolicyHashAlgorithm /SHA256 >>"
    );
    let spoken = format!("SHA-256:{digest}");
    let told = ["--policy-oid", "1.2.3.4", "--policy-digest", &spoken];
    for (seed, more, refusal) in [
        ("/Ff 1 /Filter /Adobe.PPKLite", &[][..], None),
        ("/Ff 1 /Filter /Entrust.PPKEF", &[], Some("/Filter")),
        ("/Filter /Entrust.PPKEF", &[], None),
        ("/Ff 4 /V 3", &[], None),
        ("/Ff 4 /V 4.0", &[], Some("/V")),
        ("/V 4", &[], None),
        ("/Ff 512", &[], Some("/Ff")),
        ("/Ff (x)", &[], Some("/Ff")),
        ("/Ff 8 /Reasons (x)", &[], Some("/Reasons")),
        ("/Ff 2 /SubFilter [/ETSI.CAdES.detached 7]", &[], Some("/SubFilter")),
        ("/MDP << /P 7 >>", &[], Some("MDP/P")),
        ("/MDP 2", &[], Some("/MDP")),
        ("/TimeStamp << /Ff 2 >>", &[], Some("TimeStamp/Ff")),
        ("/Cert << /Ff 4 /OID [(1.2.3)] >>", &[], Some("/Cert/OID")),
        ("/Cert << /Ff 16 >>", &[], Some("Cert/Ff")),
        ("/Cert << /Ff 64 /URL (http://x) >>", &[], None),
        (&policy, &[], Some("/Cert/SignaturePolicyOID")),
        (&policy, &told, None),
        (&policy.replace("abab", "abac"), &told, Some("/Cert/SignaturePolicyHashValue")),
    ] {
        fs::write(&input, form(&format!("/SV << /Type /SV {seed} >>"))).unwrap();
        let more = [more, &["--field", "first"]].concat();
        match refusal {
            Some(words) => {
                let told = refused(&desk, &input, &more, 65);
                assert!(told.contains(words), "{seed}: {told}");
            }
            None => {
                signed(&desk, &input, "kept.pdf", &more);
            }
        }
    }
    fs::write(&input, form("/SV 7")).unwrap();
    assert!(refused(&desk, &input, &["--field", "first"], 65).contains("/SV"));
    // Another field's author asks nothing of this one.
    signed(&desk, &input, "other.pdf", &["--field", "second"]);
}
