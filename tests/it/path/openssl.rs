//! `openssl verify` as a second opinion, on NIST's suite and on `certs-test`.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use kyso::{
    base::{Limits, UtcTime},
    trust::{Anchors, Checks, Control, Court, Purpose, Rules, StatusItem},
    x509::{Certificate, Crl, certificates_from_pem},
};

use super::pkits::{Row, judge, suite};
use crate::support;

/// Rows of the suite where OpenSSL answers otherwise than NIST expects and kyso does, and why.
const DIFFERENCES: [(&str, &str); 2] = [
    ("4.1.4", "it knows DSA, which kyso's policy on algorithms does not"),
    (
        "4.14.30",
        "the signer of the indirect list is spoken of by nobody but itself, as its certificate says; OpenSSL gives up, \
         NIST and kyso take its word",
    ),
];

/// One path for `openssl verify`.
struct Question {
    folder: tempfile::TempDir,
    command: Command,
}

impl Question {
    fn new(openssl: &Path, at: UtcTime) -> Self {
        let mut command = Command::new(openssl);
        command.args([
            "verify",
            "-no-CApath",
            "-no-CAstore",
            "-check_ss_sig",
            "-crl_check_all",
            "-extended_crl",
        ]);
        command.args(["-use_deltas", "-attime", &at.as_second().to_string()]);
        Self { folder: tempfile::tempdir().unwrap(), command }
    }

    fn give(&mut self, option: &str, kind: &str, ders: &[Vec<u8>]) {
        if ders.is_empty() {
            return;
        }
        let blocks = ders.iter().map(|der| {
            let base64 = STANDARD.encode(der);
            let lines: Vec<_> = base64.as_bytes().chunks(64).map(String::from_utf8_lossy).collect();
            format!("-----BEGIN {kind}-----\n{}\n-----END {kind}-----\n", lines.join("\n"))
        });
        let file: PathBuf = self.folder.path().join(option.trim_start_matches('-'));
        fs::write(&file, blocks.collect::<String>()).unwrap();
        self.command.arg(option).arg(file);
    }

    /// Whether OpenSSL takes it, and what it says.
    fn ask(mut self, end: &Path) -> (bool, String) {
        let output = self.command.arg(end).output().unwrap();
        let text = [output.stdout, output.stderr].concat();
        (
            output.status.success(),
            String::from_utf8_lossy(&text).lines().take(3).collect::<Vec<_>>().join(" | "),
        )
    }
}

fn ask_about(openssl: &Path, folder: &Path, row: &Row) -> (bool, String) {
    let read = |paths: &[String]| -> Vec<Vec<u8>> {
        paths.iter().map(|path| fs::read(folder.join(path)).unwrap()).collect()
    };
    let mut question = Question::new(openssl, row.settings.validation_time);
    question.give("-CAfile", "CERTIFICATE", &read(std::slice::from_ref(&row.trust_anchor)));
    question.give("-untrusted", "CERTIFICATE", &read(&row.intermediates));
    question.give("-CRLfile", "X509 CRL", &read(&row.crls));
    question.command.arg("-policy_check");
    for (option, set) in [
        ("-explicit_policy", row.settings.initial_explicit_policy),
        ("-inhibit_map", row.settings.initial_policy_mapping_inhibit),
        ("-inhibit_any", row.settings.initial_inhibit_any_policy),
    ] {
        if set {
            question.command.arg(option);
        }
    }
    for policy in &row.settings.initial_policy_set {
        question.command.args(["-policy", policy]);
    }
    question.ask(&folder.join(&row.ee))
}

#[test]
fn openssl_agrees_on_the_suite() {
    let (Some((folder, rows)), Some(openssl)) = (suite(), support::tool("openssl")) else { return };
    let (mut same, mut explained, mut unexplained) = (0, Vec::new(), Vec::new());
    for row in &rows {
        let ours = judge(&folder, row).is_some_and(|verdict| verdict.is_ok());
        let (theirs, told) = ask_about(&openssl, &folder, row);
        let known = DIFFERENCES.iter().find(|(number, _)| *number == row.number);
        match (ours == theirs, known) {
            (true, _) => same += 1,
            (false, Some((number, why))) => explained.push(format!("{number}: OpenSSL says {theirs}: {why}")),
            (false, None) => {
                unexplained.push(format!("{}: kyso {ours}, OpenSSL {theirs}: {told}", row.number));
            }
        }
    }
    println!("OpenSSL on PKITS: {same} of {} the same, {} explained", rows.len(), explained.len());
    for line in &explained {
        println!("  {line}");
    }
    assert_eq!(explained.len(), DIFFERENCES.len(), "an explanation is no longer needed");
    assert!(unexplained.is_empty(), "{} differ:\n{}", unexplained.len(), unexplained.join("\n"));
}

#[derive(serde::Deserialize)]
struct Index {
    certificates: Vec<Entry>,
}

#[derive(serde::Deserialize)]
struct Entry {
    name: String,
    certificate: String,
    state: String,
}

#[test]
fn openssl_agrees_on_the_test_certificates() {
    let Some(openssl) = support::tool("openssl") else { return };
    let folder = support::root().join("certs-test");
    let index: Index = serde_json::from_slice(&fs::read(folder.join("index.json")).unwrap()).unwrap();
    let one = |name: &str| certificates_from_pem(&fs::read(folder.join(name)).unwrap()).unwrap().remove(0);
    let pool: Vec<Certificate> = ["ca-rsa", "ca-ec", "ca-end", "ca-too-deep", "ca-unmarked", "impostor-root"]
        .iter()
        .map(|name| one(&format!("{name}.crt.pem")))
        .collect();
    let lists: Vec<Crl> = ["root.crl", "ca-rsa.crl", "ca-ec.crl"]
        .iter()
        .map(|name| Crl::from_der(&fs::read(folder.join(name)).unwrap()).unwrap())
        .collect();
    let anchors = Anchors::new("test", vec![one("root.crt.pem")]);
    let at: UtcTime = "2026-06-01T00:00:00Z".parse().unwrap();
    let statuses: Vec<_> = lists.iter().map(|list| StatusItem::crl(list, at)).collect();
    let (limits, checks, rules) = (Limits::default(), Checks::default(), Rules::USUAL);
    let court = Court::new(&anchors, &pool, &statuses, &limits, &checks).with_rules(&rules);
    let (mut asked, mut good) = (0, 0);
    for entry in index.certificates.iter().filter(|entry| entry.name != "root") {
        let end = one(&entry.certificate);
        let ours = court.judge(&end, Purpose::Any, Control::unproven(at)).outcome;
        let mut question = Question::new(&openssl, at);
        question.give("-CAfile", "CERTIFICATE", &[anchors.certificates[0].der().to_vec()]);
        question.give(
            "-untrusted",
            "CERTIFICATE",
            &pool.iter().map(|one| one.der().to_vec()).collect::<Vec<_>>(),
        );
        question.give(
            "-CRLfile",
            "X509 CRL",
            &lists.iter().map(|one| one.der().to_vec()).collect::<Vec<_>>(),
        );
        let (theirs, told) = question.ask(&folder.join(&entry.certificate));
        let why = ours.as_ref().err().map(ToString::to_string).unwrap_or_default();
        assert_eq!(ours.is_ok(), theirs, "{} ({}): {why}; OpenSSL: {told}", entry.name, entry.state);
        asked += 1;
        good += usize::from(theirs);
    }
    println!("OpenSSL on certs-test: {asked} the same, {good} of them good");
    assert!(asked > 25 && good > 10);
}
