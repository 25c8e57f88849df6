//! The command line, with keys on tokens.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use kyso::{
    demo::pki::{Holder, KeyAlgorithm},
    token::provision::NewKeyKind,
};
use serde_json::Value;

use super::{desk::Desk, made::LETTER};
use crate::soft_token::{LABEL, PIN, SoftToken};

/// A desk whose key lies on a token.
struct Office {
    desk: Desk,
    token: SoftToken,
}

impl Office {
    fn embedded(kind: NewKeyKind) -> Self {
        let desk = Desk::new(KeyAlgorithm::EcP256);
        let token = SoftToken::embedded(desk.folder.path(), kind);
        certify(&desk, &token.spki);
        Self { desk, token }
    }

    fn softhsm(kind: NewKeyKind) -> Option<Self> {
        let desk = Desk::new(KeyAlgorithm::EcP256);
        let token = SoftToken::softhsm(desk.folder.path(), kind)?;
        certify(&desk, &token.spki);
        Some(Self { desk, token })
    }

    fn sign(&self, input: &Path, output: &Path, more: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kyso"));
        command.arg("sign").arg(input).arg("-o").arg(output).args(["--format", "xades"]);
        command.args(["--module", &self.token.module, "--token", LABEL, "--key", "hex:07"]);
        command.arg("--cert").arg(self.desk.path("signer.pem")).arg("--chain").arg(self.desk.path("ca.pem"));
        command.arg("--trust").arg(self.desk.path("root.pem")).args(more);
        command.args(["--allow-host", &self.desk.services.host()]);
        if let Some(configuration) = &self.token.softhsm {
            command.env("SOFTHSM2_CONF", configuration);
        }
        command.env("KYSO_PIN", PIN).output().unwrap()
    }

    fn verify(&self, file: &Path, more: &[&str]) -> (Option<i32>, Value) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kyso"));
        command.arg("verify").arg(file).args(["--json", "--no-cache", "--trust"]);
        command.arg(self.desk.path("root.pem")).args(["--allow-host", &self.desk.services.host()]).args(more);
        let told = command.output().unwrap();
        let report = serde_json::from_slice(&told.stdout)
            .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&told.stderr)));
        (told.status.code(), report)
    }
}

fn certify(desk: &Desk, spki: &[u8]) {
    let certificate = desk.services.pki().issue_person(spki, &Holder::new("Trần Văn Ký")).unwrap();
    fs::write(desk.path("signer.pem"), certificate.to_pem()).unwrap();
}

#[test]
fn what_a_token_signs_is_accepted() {
    let mut made = 0;
    for kind in [NewKeyKind::Rsa2048, NewKeyKind::P256] {
        for office in [Some(Office::embedded(kind)), Office::softhsm(kind)].into_iter().flatten() {
            let (letter, output) = (office.desk.path("thu.xml"), office.desk.path("signed.xml"));
            fs::write(&letter, LETTER).unwrap();
            let tsa = office.desk.services.tsa_url();
            let sha512: &[&str] = if kind == NewKeyKind::P256 { &[] } else { &["--digest", "sha512"] };
            let pss: &[&str] = if kind == NewKeyKind::P256 { &[] } else { &["--pss"] };
            for (more, detached, name) in [
                (vec![], false, "B"),
                (vec!["--enveloped", "--canonicalization", "inclusive", "--level", "b"], false, "B"),
                (vec!["--tsa", &tsa, "--role", "Chủ tịch", "--location", "Cần Thơ"], false, "T"),
                (vec!["--tsa", &tsa, "--level", "lt"], false, "LT"),
                (vec!["--tsa", &tsa, "--level", "lta", "--commitment", "proof-of-approval"], false, "LTA"),
                (vec!["--detached", "--role", "Chủ tịch", "--role", "Bí thư"], true, "B"),
                (vec!["--detached", "--tsa", &tsa, "--level", "lt"], true, "LT"),
                ([sha512, &["--overwrite"]].concat(), false, "B"),
                ([pss, &["--detached", "--overwrite"]].concat(), true, "B"),
            ] {
                let _ = fs::remove_file(&output);
                let told = office.sign(&letter, &output, &more);
                let stderr = String::from_utf8_lossy(&told.stderr).into_owned();
                assert!(told.status.success(), "{kind:?} {more:?}: {stderr}");
                let path = letter.display().to_string();
                let beside: &[&str] = if detached { &["--detached", &path] } else { &[] };
                let (status, report) = office.verify(&output, beside);
                assert_eq!(status, Some(0), "{kind:?} {more:?}: {report:#}");
                let signature = &report["documents"][0]["signatures"][0];
                assert_eq!(signature["signatureFormat"], format!("XAdES-BASELINE-{name}"), "{report:#}");
                assert_eq!(signature["coverage"], "document");
                // xmlsec 1.2 knows no RSASSA-PSS for XML.
                if let Some(told) = office.desk.xmlsec(&output).filter(|_| !more.contains(&"--pss")) {
                    assert_eq!(told, Ok(()), "{kind:?} {more:?}");
                }
                made += 1;
            }
        }
    }
    eprintln!("{made} signatures on tokens");
}

#[test]
fn wrong_usage_is_told_before_the_pin() {
    let office = Office::embedded(NewKeyKind::P256);
    let (letter, output) = (office.desk.path("thu.xml"), office.desk.path("out.xml"));
    fs::write(&letter, LETTER).unwrap();
    let text = office.desk.path("text.xml");
    fs::write(&text, "<a>b</a>").unwrap();
    for (input, more, status, said) in [
        (&letter, vec!["--level", "t"], 64, "--tsa"),
        (&letter, vec!["--level", "lta"], 64, "level"),
        (&letter, vec!["--reason", "x"], 64, "--role"),
        (&letter, vec!["--enveloped", "--detached"], 2, "cannot be used"),
        (&text, vec![], 65, "holds text"),
    ] {
        let told = office.sign(input, &output, &more);
        let stderr = String::from_utf8_lossy(&told.stderr).into_owned();
        assert!(stderr.contains(said), "{more:?}: {stderr}");
        assert!(told.status.code() == Some(status) || status == 2, "{more:?}: {:?} {stderr}", told.status);
        assert!(!output.exists());
    }
}

#[test]
fn the_command_line_says_what_a_signature_does_not_cover() {
    let office = Office::embedded(NewKeyKind::P256);
    let (letter, output) = (office.desk.path("thu.xml"), office.desk.path("signed.xml"));
    fs::write(&letter, LETTER).unwrap();
    assert!(office.sign(&letter, &output, &["--detached"]).status.success());
    let (status, report) = office.verify(&output, &[]);
    assert_eq!((status, &report["documents"][0]["overall"]), (Some(2), &Value::from("indeterminate")));
    assert_eq!(report["documents"][0]["signatures"][0]["errors"][0]["key"], "document.apart");
    let other = office.desk.path("khac.xml");
    fs::write(&other, LETTER.replace("05/QĐ", "06/QĐ")).unwrap();
    let (status, report) = office.verify(&output, &["--detached", &other.display().to_string()]);
    assert_eq!(
        (status, &report["documents"][0]["overall"]),
        (Some(1), &Value::from("invalid")),
        "{report:#}"
    );
}
