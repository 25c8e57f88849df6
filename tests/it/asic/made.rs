//! Containers made here, accepted by what was not written here.

use std::{fs, path::Path, process::Command, sync::Arc};

use kyso::{
    asic::Kind,
    base::{Clock, MemorySource},
    service::sign::container::{ContainerError, Dossier, Form},
    token::provision::NewKeyKind,
    validation::{Indication, Overall},
};
use serde_json::Value;

use super::parts::{Office, dossier, pack, unpack};
use crate::{
    pen::Desk,
    support::{run, tool},
};

const DECISION: (&str, &[u8]) = ("Quyết định 15.pdf", b"%PDF-1.7 quyet dinh");
const ANNEX: (&str, &[u8]) = ("phụ lục/bảng + số 1.txt", "Phụ lục kèm theo\n".as_bytes());

#[test]
fn dossiers_signed_on_softhsm_are_accepted_by_others() {
    for kind in [NewKeyKind::Rsa2048, NewKeyKind::P256] {
        let Some(desk) = Desk::softhsm(kind) else { return };
        dossiers(&desk);
    }
}

#[test]
fn dossiers_signed_on_the_built_in_token_are_accepted_by_others() {
    for kind in [NewKeyKind::Rsa2048, NewKeyKind::P256] {
        dossiers(&Desk::embedded(kind));
    }
}

/// Each kind of container, the agency's signature after the person's where there may be two.
fn dossiers(desk: &Desk) {
    let folder = desk.folder.path();
    let (pdf, sheet) = (folder.join("Quyết định.pdf"), folder.join("số liệu.xlsx"));
    fs::copy(crate::support::root().join("samples/quyet-dinh.pdf"), &pdf).unwrap();
    fs::write(&sheet, office_file()).unwrap();
    let (once, twice) = (folder.join("once.asice"), folder.join("twice.asice"));
    let (tsa, sheet_name) = (desk.pki.tsa_url(), sheet.to_str().unwrap());
    let told = desk.sign(&pdf, &once, &[sheet_name, "--container", "asice", "--tsa", &tsa, "--json"]);
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    let answer: Value = serde_json::from_slice(&told.stdout).unwrap();
    assert_eq!(answer["signedFiles"].as_array().map(Vec::len), Some(2), "{answer:#}");
    let signatures = valid(desk, &once, 1);
    assert_eq!(signatures[0]["signatureFormat"], "CAdES-BASELINE-T");
    assert_eq!(signatures[0]["field"], "META-INF/signature001.p7s");
    assert_eq!(signatures[0]["scopes"][1]["name"], "số liệu.xlsx");
    assert_eq!(signatures[0]["scopes"][1]["digestAlgorithm"], "SHA-256");

    let told = desk.sign(&once, &twice, &["--tsa", &tsa]);
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    valid(desk, &twice, 2);
    let (before, after) = (unpack(&fs::read(&once).unwrap()), unpack(&fs::read(&twice).unwrap()));
    assert_eq!(after[..before.len()], before, "an earlier file changed");
    others_accept(desk, &twice, "ASiCManifest001.xml", "signature001.p7s");
    others_accept(desk, &twice, "ASiCManifest002.xml", "signature002.p7s");

    let simple = folder.join("one.asics");
    let told = desk.sign(&pdf, &simple, &["--container", "asics", "--digest", "sha384"]);
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    let signatures = valid(desk, &simple, 1);
    assert_eq!(signatures[0]["scopes"][0]["digestAlgorithm"], "SHA-384");
    others_accept(desk, &simple, "../Quyết định.pdf", "signature.p7s");

    let refused = desk.sign(&sheet, &folder.join("x.xlsx"), &[]);
    let words = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(64), "{words}");
    assert!(words.contains("Office document") && words.contains("--container asice"), "{words}");
    for (arguments, said) in [
        (vec![sheet_name], "--container"),
        (vec![sheet_name, "--container", "asics"], "one document"),
        (vec!["--container", "asice", "--reason", "x"], "--reason"),
        (vec!["--with", "cades"], "--container"),
    ] {
        let refused = desk.command(&pdf, &folder.join("x.asice"), &arguments).env_remove("KYSO_PIN").output();
        let refused = refused.unwrap();
        let words = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!([Some(64), Some(65)].contains(&refused.status.code()), "{arguments:?}: {words}");
        assert!(words.contains(said), "{arguments:?}: {words}");
        assert!(!folder.join("x.asice").exists());
    }
    for leftover in [once, twice, simple] {
        fs::remove_file(leftover).unwrap();
    }
}

/// What `kyso verify` says of each signature, all of them valid.
fn valid(desk: &Desk, container: &Path, count: usize) -> Vec<Value> {
    let report = desk.verify(container);
    assert_eq!(report["documents"][0]["overall"], "valid", "{report:#}");
    let schema: Value = serde_json::from_str(include_str!("../../../docs/verify.schema.json")).unwrap();
    assert_eq!(crate::judge::schema::faults(&schema, &schema, &report, ""), Vec::<String>::new());
    let signatures = report["documents"][0]["signatures"].as_array().unwrap().clone();
    assert_eq!(signatures.len(), count, "{report:#}");
    signatures
}

/// Info-ZIP unpacks it, OpenSSL verifies the signature over the manifest, and the manifest's digests are those of
/// `openssl dgst`.
fn others_accept(desk: &Desk, container: &Path, content: &str, signature: &str) {
    let (Some(unzip), Some(openssl)) = (tool("unzip"), tool("openssl")) else { return };
    let folder = tempfile::tempdir().unwrap();
    run(Command::new(unzip).arg("-q").arg(container).arg("-d").arg(folder.path()).env("LC_ALL", "C.UTF-8"));
    let inside = folder.path().join("META-INF");
    let mut verify = Command::new(&openssl);
    verify.args(["cms", "-verify", "-binary", "-inform", "DER", "-purpose", "any", "-in"]);
    verify.arg(inside.join(signature)).arg("-content").arg(inside.join(content));
    run(verify.arg("-CAfile").arg(&desk.root).args(["-out", "/dev/null"]));
    // The harness itself: over anything else it fails.
    let mut other = Command::new(&openssl);
    other.args(["cms", "-verify", "-binary", "-inform", "DER", "-purpose", "any", "-in"]);
    other.arg(inside.join(signature)).arg("-content").arg(folder.path().join("mimetype"));
    let other = other.arg("-CAfile").arg(&desk.root).args(["-out", "/dev/null"]).output().unwrap();
    assert!(!other.status.success());
    if !content.contains("ASiCManifest") {
        return;
    }
    let manifest = fs::read_to_string(inside.join(content)).unwrap();
    for name in ["Quyết định.pdf", "số liệu.xlsx"] {
        let mut digest = Command::new(&openssl);
        digest.args(["dgst", "-sha256", "-binary"]).arg(folder.path().join(name));
        let digest = run(&mut digest).stdout;
        use base64::{Engine as _, engine::general_purpose::STANDARD};
        assert!(manifest.contains(&STANDARD.encode(digest)), "{name}: {manifest}");
    }
}

/// As much of a workbook as makes it one by its names.
fn office_file() -> Vec<u8> {
    pack(&[
        ("[Content_Types].xml".to_owned(), b"<Types/>".to_vec()),
        ("xl/workbook.xml".to_owned(), b"<x/>".to_vec()),
    ])
}

#[test]
fn the_same_documents_make_the_same_container() {
    let office = Office::new();
    let moment = Clock::Fixed(Clock::System.now());
    let make = || {
        let dossier = dossier(Kind::Extended, &[DECISION, ANNEX]);
        office.release(&dossier, Some(Form::Cades), moment.clone(), false).unwrap().1
    };
    let first = make();
    assert_eq!(first, make());
    assert!(first.starts_with(b"PK\x03\x04"));
    assert_eq!(
        &first[30..38 + 31],
        b"mimetypeapplication/vnd.etsi.asic-e+zip",
        "annex A.1: found by its first bytes"
    );
    assert_eq!(first[28..30], [0, 0], "no extra field");
}

#[test]
fn a_container_in_a_container_is_a_file_like_any_other() {
    let office = Office::new();
    let mut inner = office.sign(Kind::Extended, Form::Cades, &[DECISION]);
    let at = inner.len() / 2;
    inner[at] ^= 1;
    let outer = office.sign(Kind::Extended, Form::Cades, &[("hồ sơ.asice", &inner), ANNEX]);
    let report = office.judge(&outer).unwrap();
    assert_eq!(report.overall, Overall::Valid, "{report:#?}");
    assert_eq!(report.signed_files.len(), 2);
}

#[test]
fn signatures_are_added_to_whole_containers_only() {
    let office = Office::new();
    let once = office.sign(Kind::Extended, Form::Cades, &[DECISION, ANNEX]);
    let twice = office.sign_again(&once);
    let thrice = office.sign_again(&twice);
    let report = office.judge(&thrice).unwrap();
    assert_eq!((report.overall, report.signatures.len()), (Overall::Valid, 3), "{report:#?}");
    let fields: Vec<_> = report.signatures.iter().map(|one| one.field.as_str()).collect();
    let expected = ["META-INF/signature001.p7s", "META-INF/signature002.p7s", "META-INF/signature003.p7s"];
    assert_eq!(fields, expected);

    let mut broken = unpack(&once);
    broken.push(("thêm.txt".to_owned(), b"x".to_vec()));
    let simple = office.sign(Kind::Simple, Form::Cades, &[DECISION]);
    for (what, container, form) in [
        ("a broken one", pack(&broken), None),
        ("the other form", once, Some(Form::Xades)),
        ("ASiC-S with a signature", simple, None),
        ("no container", b"PK\x03\x04".to_vec(), None),
    ] {
        let dossier = Dossier::Existing(Arc::new(MemorySource(container)));
        let refused = office.release(&dossier, form, Clock::System, false);
        assert!(matches!(refused, Err(ContainerError::Refused { .. })), "{what}: {refused:?}");
        assert!(!office.path("out.asice").exists(), "{what} left an output");
    }
    for (what, kind, files) in [
        ("none", Kind::Extended, vec![]),
        ("two in ASiC-S", Kind::Simple, vec![DECISION, ANNEX]),
        ("twice the same name", Kind::Extended, vec![DECISION, DECISION]),
        ("a reserved name", Kind::Extended, vec![("META-INF/x.txt", &b"x"[..])]),
        ("mimetype", Kind::Extended, vec![("mimetype", &b"x"[..])]),
    ] {
        let refused = office.release(&dossier(kind, &files), None, Clock::System, false);
        assert!(matches!(refused, Err(ContainerError::Asic(_))), "{what}: {refused:?}");
    }
}

/// A name that no container can hold is found at the latest by the judge: nothing is released.
#[test]
fn what_the_judge_would_not_read_is_not_released() {
    let office = Office::new();
    for name in ["../x.txt", "/x.txt", "a\\b.txt", "C:x.txt", "a//b", "x\n"] {
        let refused = office.release(&dossier(Kind::Extended, &[(name, b"x")]), None, Clock::System, false);
        assert!(refused.is_err(), "{name:?}");
        assert!(!office.path("out.asice").exists(), "{name:?} left an output");
    }
}

#[test]
fn a_time_stamped_signature_proves_its_time() {
    let office = Office::new();
    let dossier = dossier(Kind::Simple, &[DECISION]);
    let (released, _) = office.release(&dossier, None, Clock::System, true).unwrap();
    let signature = released.signature().unwrap();
    assert_eq!(signature.indication, Indication::TotalPassed, "{signature:#?}");
    assert_eq!(signature.signature_format, "CAdES-BASELINE-T");
    assert_eq!(signature.time_stamps.len(), 1);
}
