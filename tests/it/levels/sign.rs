//! Signing at each level, on every token, judged by everybody.

use std::fs;

use kyso::token::provision::NewKeyKind;
use serde_json::Value;

use super::world::{Store, pyhanko_lasting};
use crate::{
    pen::{Desk, sample, text},
    support,
};

#[test]
fn every_level_on_softhsm_is_accepted_by_all_judges() {
    for kind in [NewKeyKind::Rsa2048, NewKeyKind::P256] {
        let Some(desk) = Desk::softhsm(kind) else { return };
        every_level(&desk);
    }
}

#[test]
fn every_level_on_the_built_in_token_is_accepted_by_all_judges() {
    for kind in [NewKeyKind::Rsa2048, NewKeyKind::P256] {
        every_level(&Desk::embedded(kind));
    }
}

fn every_level(desk: &Desk) {
    let (tsa, host) = (desk.pki.tsa_url(), desk.pki.host());
    let root = desk.root.display().to_string();
    for (level, name, count) in [("b", "B", 1), ("t", "T", 1), ("lt", "LT", 1), ("lta", "LTA", 2)] {
        let signed = desk.folder.path().join(format!("{level}.pdf"));
        let more = ["--level", level, "--tsa", &tsa, "--trust", &root, "--allow-host", &host, "--no-cache"];
        let told = desk.sign(&sample(), &signed, &[&more[..], &["--json", "--overwrite"]].concat());
        assert!(told.status.success(), "{level}: {}", text(&told.stderr));
        let json: Value = serde_json::from_slice(&told.stdout).unwrap();
        assert_eq!((&json["askedLevel"], &json["reachedLevel"]), (&Value::from(name), &Value::from(name)));
        assert!(json["deferred"].is_null());
        assert_eq!(json["goodUntil"].is_string(), level == "lta", "{json:#}");
        assert!(fs::read(&signed).unwrap().starts_with(&fs::read(sample()).unwrap()));

        // Poppler does not count document time-stamps.
        desk.everybody_accepts_count(&signed, count, 1);
        let lasts = matches!(level, "lt" | "lta");
        let report = verify_offline(desk, &signed);
        let signature = &report["documents"][0]["signatures"][0];
        if lasts {
            // With nothing but the file and the root.
            assert_eq!(signature["indication"], "TOTAL-PASSED", "{level}: {report:#}");
            assert_eq!(report["documents"][0]["overall"], "valid", "{level}: {report:#}");
            assert_eq!(signature["signatureFormat"], format!("PAdES-BASELINE-{name}"), "{report:#}");
            for certificate in signature["certificates"].as_array().unwrap() {
                let origin = &certificate["status"]["origin"];
                assert!(origin == "document" || origin.is_null(), "{report:#}");
            }
            if let Some(verdicts) = pyhanko_lasting(&signed, &desk.root) {
                assert_eq!(verdicts, [("OK".to_owned(), "OK".to_owned(), level == "lta")], "{level}");
            }
            let store = Store::of(&signed).expect("a security store");
            store.is_tidy();
            assert!(store.per_signature.contains(&store.keys[0]), "the signature has its entry");
        } else {
            assert_ne!(signature["indication"], "TOTAL-PASSED", "{level}: nothing tells the status offline");
            assert!(Store::of(&signed).is_none());
        }
    }
}

fn verify_offline(desk: &Desk, pdf: &std::path::Path) -> Value {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_kyso"));
    command.arg("verify").arg(pdf).args(["--json", "--offline", "--trust"]).arg(&desk.root);
    let told = command.output().unwrap();
    serde_json::from_slice(&told.stdout).unwrap_or_else(|_| panic!("{}", text(&told.stderr)))
}

/// The person, then the agency, each at LTA: the first archive time-stamp keeps its worth, and the store grows once.
#[test]
fn two_signatures_at_the_highest_level_in_one_file() {
    let desk = Desk::embedded(NewKeyKind::P256);
    let (tsa, host, root) = (desk.pki.tsa_url(), desk.pki.host(), desk.root.display().to_string());
    let more = ["--level", "lta", "--tsa", &tsa, "--trust", &root, "--allow-host", &host, "--no-cache"];
    let files: Vec<_> = match support::shared() {
        Some(shared) => ["qd-classic-1.4", "qd-xref-stream", "qd-linearized", "quyet-dinh-pdfa2"]
            .map(|name| shared.join(format!("data/{name}.pdf")))
            .to_vec(),
        None => vec![sample()],
    };
    for file in files {
        let (once, twice) = (desk.folder.path().join("once.pdf"), desk.folder.path().join("twice.pdf"));
        for (input, output) in [(&file, &once), (&once, &twice)] {
            let told = desk.sign(input, output, &[&more[..], &["--overwrite"]].concat());
            assert!(told.status.success(), "{}: {}", file.display(), text(&told.stderr));
        }
        if let Some(verdicts) = support::pdfsig(&twice) {
            assert!(verdicts.iter().filter(|verdict| verdict.accepted()).count() >= 2, "{verdicts:#?}");
        }
        if let Some(pyhanko) = support::PyHanko::find() {
            let verdicts = pyhanko.verify(&twice, &[&desk.root]);
            let whole = |verdict: &support::PyHankoVerdict| match verdict.kind.as_str() {
                // A signature after an archive time-stamp counts as a change to it there, which harms nothing.
                "timestamp" => verdict.intact && verdict.valid && verdict.trusted,
                _ => verdict.accepted(),
            };
            assert!(verdicts.len() == 4 && verdicts.iter().all(whole), "{verdicts:#?}");
        }
        let report = verify_offline(&desk, &twice);
        let levels: Vec<_> = report["documents"][0]["signatures"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["signatureFormat"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!(
            levels,
            ["PAdES-BASELINE-LTA", "DOC-TIME-STAMP", "PAdES-BASELINE-LTA", "DOC-TIME-STAMP"],
            "{report:#}"
        );
        let store = Store::of(&twice).unwrap();
        store.is_tidy();
        if let Some(verdicts) = pyhanko_lasting(&twice, &desk.root) {
            assert!(
                verdicts.iter().all(|verdict| verdict == &("OK".into(), "OK".into(), true)),
                "{verdicts:?}"
            );
        }
    }
}

/// What cannot be reached is refused before anybody is asked for a PIN: there is none in the environment.
#[test]
fn a_level_that_cannot_be_reached_is_refused_before_the_pin() {
    let desk = Desk::embedded(NewKeyKind::P256);
    let output = desk.folder.path().join("out.pdf");
    let root = desk.root.display().to_string();
    let tsa = desk.pki.tsa_url();
    for (more, what) in [
        (&["--level", "lt", "--trust", &root][..], "give --tsa"),
        (&["--level", "lt", "--tsa", &tsa], "give --trust"),
        (&["--level", "t"], "give --tsa"),
    ] {
        let told = desk.command(&sample(), &output, more).env_remove("KYSO_PIN").output().unwrap();
        assert_eq!(told.status.code(), Some(64), "{more:?}: {}", text(&told.stderr));
        assert!(text(&told.stderr).contains(what), "{}", text(&told.stderr));
        assert!(!output.exists());
    }
    // No status can be had without the host: nothing is released, and the reason is told.
    let told =
        desk.sign(&sample(), &output, &["--level", "lt", "--tsa", &tsa, "--trust", &root, "--no-cache"]);
    assert_eq!(told.status.code(), Some(69), "{}", text(&told.stderr));
    assert!(text(&told.stderr).contains("does not reach level LT"), "{}", text(&told.stderr));
    assert!(!output.exists(), "a signature below its level left an output");
}

/// With `--if-no-tsa defer` a dead authority costs the level, not the signature; `kyso extend` makes up for it.
#[test]
fn a_level_can_be_left_for_later() {
    let desk = Desk::embedded(NewKeyKind::P256);
    let (signed, raised) = (desk.folder.path().join("b.pdf"), desk.folder.path().join("lta.pdf"));
    let (tsa, host, root) = (desk.pki.tsa_url(), desk.pki.host(), desk.root.display().to_string());
    let dead = ["--level", "lta", "--tsa", "http://127.0.0.1:9/", "--trust", &root, "--allow-host", &host];
    let told = desk.sign(&sample(), &signed, &[&dead[..], &["--no-cache", "--json"]].concat());
    assert_eq!(told.status.code(), Some(69), "refused unless said otherwise");
    assert!(!signed.exists());
    let defer = ["--no-cache", "--json", "--if-no-tsa", "defer"];
    let told = desk.sign(&sample(), &signed, &[&dead[..], &defer].concat());
    assert!(told.status.success(), "{}", text(&told.stderr));
    let json: Value = serde_json::from_slice(&told.stdout).unwrap();
    assert_eq!((json["askedLevel"].as_str(), json["reachedLevel"].as_str()), (Some("LTA"), Some("B")));
    assert!(json["deferred"].as_str().unwrap().contains("127.0.0.1:9"), "{json:#}");

    let more = ["--to", "lta", "--tsa", &tsa, "--trust", &root, "--allow-host", &host];
    let told = super::world::kyso_extend(&signed, &raised, &more);
    assert!(told.status.success(), "{}", text(&told.stderr));
    assert!(text(&told.stdout).contains("B -> LTA"), "{}", text(&told.stdout));
    desk.everybody_accepts_count(&raised, 3, 1);
    assert_eq!(
        verify_offline(&desk, &raised)["documents"][0]["signatures"][0]["signatureFormat"],
        "PAdES-BASELINE-LTA"
    );
}

/// What goes into an encrypted file is encrypted too, and the judge reads it back.
#[test]
fn an_encrypted_file_is_signed_to_last_and_renewed() {
    let Some(shared) = support::shared() else { return };
    let desk = Desk::embedded(NewKeyKind::P256);
    let (signed, renewed) = (desk.folder.path().join("lta.pdf"), desk.folder.path().join("renewed.pdf"));
    let word = desk.folder.path().join("word");
    fs::write(&word, "owner").unwrap();
    let (tsa, host, root) = (desk.pki.tsa_url(), desk.pki.host(), desk.root.display().to_string());
    let word = word.display().to_string();
    let more = ["--tsa", &tsa, "--trust", &root, "--allow-host", &host, "--password-file", &word];
    let lta = [&more[..], &["--level", "lta", "--no-cache"]].concat();
    let told = desk.sign(&shared.join("data/qd-encrypted-aes256.pdf"), &signed, &lta);
    assert!(told.status.success(), "{}", text(&told.stderr));
    let renew = [&more[..], &["--to", "lta", "--renew"]].concat();
    let told = super::world::kyso_extend(&signed, &renewed, &renew);
    assert!(told.status.success(), "{}", text(&told.stderr));
    for (file, stamps) in [(&signed, 1), (&renewed, 2)] {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_kyso"));
        command.arg("verify").arg(file).args(["--json", "--offline", "--password-file", &word]);
        let told = command.arg("--trust").arg(&desk.root).output().unwrap();
        let report: Value = serde_json::from_slice(&told.stdout).unwrap();
        let signatures = report["documents"][0]["signatures"].as_array().unwrap();
        assert_eq!(report["documents"][0]["overall"], "valid", "{report:#}");
        assert_eq!(signatures[0]["signatureFormat"], "PAdES-BASELINE-LTA", "{report:#}");
        assert_eq!(signatures.len(), 1 + stamps);
    }
}
