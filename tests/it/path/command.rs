//! `kyso path`: exit statuses, JSON, words; and NIST's suite once more, through the command.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

use super::pkits::{Row, named, suite};
use crate::{judge::schema::faults, support};

struct Answer {
    status: Option<i32>,
    out: String,
    error: String,
}

impl Answer {
    fn json(&self) -> Value {
        let value: Value =
            serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {}", self.out));
        let schema: Value = serde_json::from_str(include_str!("../../../docs/path.schema.json")).unwrap();
        let wrong = faults(&schema, &schema, &value, "$");
        assert!(wrong.is_empty(), "{wrong:#?}\n{}", self.out);
        value
    }
}

fn kyso<A: AsRef<std::ffi::OsStr>>(folder: &Path, arguments: &[A]) -> Answer {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kyso"));
    command.arg("path").args(arguments).current_dir(folder);
    command.env_remove("LC_ALL").env_remove("LC_MESSAGES").env("LANG", "C.UTF-8");
    let output = command.output().unwrap();
    Answer {
        status: output.status.code(),
        out: String::from_utf8(output.stdout).unwrap(),
        error: String::from_utf8(output.stderr).unwrap(),
    }
}

/// The row as a command line.
fn arguments(row: &Row) -> Vec<OsString> {
    let settings = &row.settings;
    let mut arguments =
        vec![row.ee.clone(), "--trust".to_owned(), row.trust_anchor.clone(), "--json".to_owned()];
    arguments.extend(["--at".to_owned(), settings.validation_time.to_string()]);
    for (option, values) in [
        ("--intermediate", &row.intermediates),
        ("--crl", &row.crls),
        ("--policy", &settings.initial_policy_set),
    ] {
        arguments.extend(values.iter().flat_map(|value| [option.to_owned(), value.clone()]));
    }
    for (option, set) in [
        ("--explicit-policy", settings.initial_explicit_policy),
        ("--inhibit-mapping", settings.initial_policy_mapping_inhibit),
        ("--inhibit-any-policy", settings.initial_inhibit_any_policy),
    ] {
        arguments.extend(set.then(|| option.to_owned()));
    }
    arguments.into_iter().map(OsString::from).collect()
}

#[test]
fn the_suite_through_the_command() {
    let Some((folder, rows)) = suite() else { return };
    let mut statuses: BTreeMap<String, usize> = BTreeMap::new();
    let mut failures = Vec::new();
    for row in &rows {
        let answer = kyso(&folder, &arguments(row));
        let json = answer.json();
        let told = json["failure"]["key"].as_str().unwrap_or("valid");
        *statuses.entry(format!("{} {told}", answer.status.unwrap_or(-1))).or_default() += 1;
        let right = match answer.status {
            Some(0) => {
                let policies: Vec<_> = json["policies"].as_array().unwrap().iter().collect();
                let policies = policies.iter().map(|oid| oid.as_str().unwrap().parse().unwrap());
                row.valid() && named(&policies.collect::<Vec<_>>()) == row.expected_policies()
            }
            Some(1) => !row.valid() || row.is_dsa() && told == "weak",
            Some(2) => !row.valid(),
            _ => false,
        };
        if !right {
            failures.push(format!("{}: {:?} {told} {}", row.number, answer.status, answer.error));
        }
    }
    println!("PKITS through `kyso path`: {} rows: {statuses:#?}", rows.len());
    assert!(failures.is_empty(), "{} failures:\n{}", failures.len(), failures.join("\n"));
}

/// The certificates of `certs-test`, some months after they were made.
fn certs_test(arguments: &[&str]) -> Answer {
    let folder = support::root().join("certs-test");
    kyso(&folder, &[arguments, &["--trust", "root.crt.pem"][..]].concat())
}

const AT: [&str; 2] = ["--at", "2026-06-01T00:00:00Z"];
const EVIDENCE: [&str; 6] =
    ["--intermediate", "ca-rsa.crt.pem", "--crl", "root.crl.pem", "--crl", "ca-rsa.crl"];

#[test]
fn exit_statuses_are_the_contract() {
    let good = [&["person-rsa2048.crt.pem"][..], &AT, &EVIDENCE].concat();
    let with = |more: &[&'static str]| [&good[..], more].concat();
    let about = |name: &'static str| [&[name][..], &AT, &EVIDENCE].concat();
    for (what, arguments, expected) in [
        ("a good one", good.clone(), 0),
        ("for signing", with(&["--purpose", "signing"]), 0),
        ("for time-stamping", with(&["--purpose", "time-stamping"]), 1),
        ("a revoked one", about("person-revoked.crt.pem"), 1),
        ("an expired one", about("person-expired.crt.pem"), 1),
        ("one with an unknown critical extension", about("person-unknown-critical.crt.pem"), 1),
        ("one that the namesake of the root issued", about("person-under-impostor.crt.pem"), 1),
        ("one of another authority", about("person-p256.crt.pem"), 2),
        ("no lists", vec!["person-rsa2048.crt.pem", "--intermediate", "ca-rsa.crt.pem", AT[0], AT[1]], 2),
        (
            "no lists, none wanted",
            vec![
                "person-rsa2048.crt.pem",
                "--intermediate",
                "ca-rsa.crt.pem",
                AT[0],
                AT[1],
                "--revocation",
                "if-present",
            ],
            0,
        ),
        (
            "a revoked one, and nobody asks",
            [&about("person-revoked.crt.pem")[..], &["--revocation", "off"]].concat(),
            0,
        ),
        (
            "a revoked one, asked where present",
            [&about("person-revoked.crt.pem")[..], &["--revocation", "if-present"]].concat(),
            1,
        ),
        ("lists that are too old", with(&["--max-age", "24h"]), 2),
        ("a policy that nobody has", with(&["--explicit-policy", "--policy", "1.2.3.4"]), 1),
        ("a policy that is none", with(&["--policy", "policy"]), 64),
        ("a wrong option", with(&["--crls", "x"]), 64),
        ("no such list", with(&["--crl", "absent.crl"]), 65),
        ("no such certificate", vec!["absent.crt"], 65),
        ("no certificate in it", vec!["README.md"], 65),
        ("a list that is none", with(&["--crl", "README.md"]), 0),
    ] {
        let answer = certs_test(&arguments);
        assert_eq!(answer.status, Some(expected), "{what}: {}{}", answer.out, answer.error);
    }
    let folder = support::root().join("certs-test");
    assert_eq!(kyso(&folder, &["person-rsa2048.crt.pem"]).status, Some(64), "no anchor");
}

#[test]
fn the_json_tells_chain_evidence_and_failure() {
    let json = certs_test(&[&["person-rsa2048.crt.pem", "--json"][..], &AT, &EVIDENCE].concat()).json();
    let chain = json["chain"].as_array().unwrap();
    assert_eq!(chain.len(), 3);
    assert_eq!(json["trustAnchor"], chain[2]["subject"]);
    assert_eq!(chain[0]["revocation"][0]["file"], "ca-rsa.crl");
    assert_eq!(chain[0]["revocation"][0]["signer"], chain[1]["subject"]);
    assert_eq!(chain[1]["revocation"][0]["file"], "root.crl.pem");
    assert_eq!(chain[2].get("revocation"), None);

    let revoked = certs_test(&[&["person-revoked.crt.pem", "--json"][..], &AT, &EVIDENCE].concat()).json();
    let proof = &revoked["chain"][0]["revocation"][0];
    assert_eq!((&proof["status"], &proof["file"]), (&Value::from("revoked"), &Value::from("ca-rsa.crl")));
    assert_eq!(proof["revokedAt"], "2026-02-01T00:00:00Z");
    assert_eq!(revoked["chain"][1]["revocation"][0]["status"], "good");

    let deep = [
        &["person-too-deep.crt.pem", "--json", "--intermediate", "ca-too-deep.crt.pem"][..],
        &["--intermediate", "ca-end.crt.pem"],
        &AT,
        &EVIDENCE,
    ];
    let json = certs_test(&deep.concat()).json();
    assert_eq!(json["failure"]["key"], "path-length");
    assert_eq!(json["failure"]["index"], 1);
    assert_eq!(json["failure"]["section"], "RFC 5280 section 6.1.4 (l)");
    assert_eq!(json["chain"][1]["subject"], json["failure"]["subject"]);

    let left_out = [&["person-rsa2048.crt.pem", "--json", "--ocsp", "README.md"][..], &AT, &EVIDENCE];
    assert_eq!(certs_test(&left_out.concat()).json()["unreadable"][0]["name"], "README.md");

    let folder = tempfile::tempdir().unwrap();
    let root = support::root().join("certs-test/root.crt.pem");
    let malformed: PathBuf = folder.path().join("malformed.der");
    fs::write(&malformed, [0x30, 0x02, 0x05, 0x00]).unwrap();
    let answer =
        kyso(folder.path(), &[malformed.as_os_str(), "--json".as_ref(), "--trust".as_ref(), root.as_ref()]);
    assert_eq!((answer.status, &answer.json()["failure"]["key"]), (Some(1), &Value::from("malformed")));
}

#[test]
fn people_are_told_in_their_language() {
    let good = [&["person-rsa2048.crt.pem"][..], &AT, &EVIDENCE].concat();
    let revoked = [&["person-revoked.crt.pem"][..], &AT, &EVIDENCE].concat();
    for (arguments, words) in [
        (
            good.clone(),
            &["✔ person-rsa2048.crt.pem: The certificate can be relied on", "(trusted)", "Not revoked: CRL"]
                [..],
        ),
        (
            revoked.clone(),
            &[
                "✖ person-revoked.crt.pem",
                "A certificate was revoked.",
                "[revoked, RFC 5280 section 6.1.3 (a)(3)]",
            ],
        ),
        (
            [&good[..], &["--lang", "vi"]].concat(),
            &["Chứng thư có thể tin cậy", "01/06/2026 07:00:00 +07:00"],
        ),
        ([&revoked[..], &["--lang", "vi"]].concat(), &["Một chứng thư đã bị thu hồi."]),
    ] {
        let answer = certs_test(&arguments);
        for word in words {
            assert!(answer.out.contains(word), "{word}\n{}", answer.out);
        }
    }
}
