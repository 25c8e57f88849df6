//! Containers made here, accepted by what was not written here.

use std::{fs, path::Path, process::Command, sync::Arc};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use kyso::{
    asic::{DataObject, Kind, Manifest},
    base::{Clock, DigestAlgorithm, MemorySource},
    cms::Statements,
    service::sign::container::{ContainerError, ContainerWishes, Dossier, Form},
    token::provision::NewKeyKind,
    validation::{Indication, Level, Overall, TimeSource},
};
use serde_json::Value;

use super::parts::{Office, dossier, file, pack, unpack};
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
    assert_eq!(answer["signature"]["scopes"].as_array().map(Vec::len), Some(2), "{answer:#}");
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

    // For good: the archive time-stamp over all files, in the same command.
    let lasting = folder.join("lasting.asice");
    let (root, host) = (desk.root.display().to_string(), desk.pki.host());
    let trusting = ["--level", "lta", "--trust", &root, "--allow-host", &host, "--no-cache", "--tsa"];
    let told = desk.sign(&twice, &lasting, &[&trusting[..], &[&tsa]].concat());
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    let signatures = valid(desk, &lasting, 4);
    let formats: Vec<_> = signatures.iter().map(|one| one["signatureFormat"].as_str().unwrap()).collect();
    assert_eq!(formats, [["CAdES-BASELINE-LTA"; 3].as_slice(), &["DOC-TIME-STAMP"]].concat());
    others_accept(desk, &lasting, "ASiCManifest003.xml", "signature003.p7s");
    let lost = folder.join("lost.asice");
    let told = desk.sign(&once, &lost, &[&trusting[..], &["http://127.0.0.1:9/"]].concat());
    assert_eq!(told.status.code(), Some(69), "{}", String::from_utf8_lossy(&told.stderr));
    assert!(!lost.exists());

    let simple = folder.join("one.asics");
    let told = desk.sign(&pdf, &simple, &["--container", "asics", "--digest", "sha384"]);
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    let signatures = valid(desk, &simple, 1);
    assert_eq!(signatures[0]["scopes"][0]["digestAlgorithm"], "SHA-384");
    others_accept(desk, &simple, "../Quyết định.pdf", "signature.p7s");

    let (once, twice) = (folder.join("once.sce"), folder.join("twice.sce"));
    let arguments = [sheet_name, "--container", "asice", "--with", "xades", "--tsa", &tsa];
    let told = desk.sign(&pdf, &once, &arguments);
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    let told = desk.sign(&once, &twice, &[]);
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    let signatures = valid(desk, &twice, 2);
    let formats = [&signatures[0]["signatureFormat"], &signatures[1]["signatureFormat"]];
    assert_eq!(formats, ["XAdES-BASELINE-T", "XAdES-BASELINE-B"]);
    assert_eq!(signatures[1]["field"], "META-INF/signatures002.xml");
    assert_eq!(signatures[1]["scopes"], signatures[0]["scopes"]);
    xmlsec_accepts(desk, &twice, "signatures001.xml");
    xmlsec_accepts(desk, &twice, "signatures002.xml");
    let one = folder.join("one.scs");
    let says = ["--role", "Chủ tịch", "--commitment", "proof-of-approval", "--location", "Cần Thơ"];
    let told = desk.sign(&pdf, &one, &[&["--container", "asics", "--with", "xades"][..], &says].concat());
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    let signature = valid(desk, &one, 1).remove(0);
    assert_eq!(signature["field"], "META-INF/signatures.xml");
    assert_eq!(signature["signerRoles"][0], "Chủ tịch");
    assert_eq!(signature["commitmentTypes"][0], "proof-of-approval");
    assert_eq!(signature["location"], "Cần Thơ");
    xmlsec_accepts(desk, &one, "signatures.xml");
    // The agency signs behind the person, in the same file.
    let two = folder.join("two.scs");
    let told = desk.sign(&one, &two, &[]);
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    valid(desk, &two, 2);
    xmlsec_accepts(desk, &two, "signatures.xml");
    let refused =
        desk.command(&simple, &folder.join("x.asics"), &[]).env_remove("KYSO_PIN").output().unwrap();
    let words = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(65), "{words}");
    assert!(words.contains("4.3.3.2 item 4 b"), "{words}");

    let refused = desk.sign(&sheet, &folder.join("x.xlsx"), &[]);
    let words = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(64), "{words}");
    assert!(words.contains("Office document") && words.contains("--container asice"), "{words}");
    for (arguments, said) in [
        (vec![sheet_name], "--container"),
        (vec![sheet_name, "--container", "asics"], "one document"),
        (vec!["--container", "asice", "--reason", "x"], "for PDF"),
        (vec!["--container", "asice", "--location", "Cần Thơ"], "--with xades"),
        (vec!["--container", "asice", "--certify", "1"], "for PDF"),
        (vec!["--with", "cades"], "--container"),
    ] {
        let refused = desk.command(&pdf, &folder.join("x.asice"), &arguments).env_remove("KYSO_PIN").output();
        let refused = refused.unwrap();
        let words = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!([Some(64), Some(65)].contains(&refused.status.code()), "{arguments:?}: {words}");
        assert!(words.contains(said), "{arguments:?}: {words}");
        assert!(!folder.join("x.asice").exists());
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
        assert!(manifest.contains(&STANDARD.encode(digest)), "{name}: {manifest}");
    }
}

/// xmlsec1 verifies the signature and the digests of the documents, which it finds by their names.
fn xmlsec_accepts(desk: &Desk, container: &Path, signature: &str) {
    let (Some(unzip), Some(xmlsec)) = (tool("unzip"), tool("xmlsec1")) else { return };
    let folder = tempfile::tempdir().unwrap();
    run(Command::new(unzip).arg("-q").arg(container).arg("-d").arg(folder.path()).env("LC_ALL", "C.UTF-8"));
    // References are relative to the container, not to META-INF.
    let beside = folder.path().join(signature);
    fs::rename(folder.path().join("META-INF").join(signature), &beside).unwrap();
    let verify = |nth: usize| {
        let mut command = Command::new(&xmlsec);
        command.args([
            "--verify",
            "--enabled-reference-uris",
            "empty,same-doc,local,remote",
            "--trusted-pem",
        ]);
        command.arg(&desk.root).args(["--untrusted-pem"]).arg(desk.folder.path().join("chain.pem"));
        command.arg("--id-attr:Id").arg("http://uri.etsi.org/01903/v1.3.2#:SignedProperties");
        command.arg("--node-xpath").arg(format!("(//*[local-name()='Signature'])[{nth}]"));
        command.arg(signature).current_dir(folder.path());
        command
    };
    let count = fs::read_to_string(&beside).unwrap().matches("<ds:Signature ").count();
    for nth in 1..=count {
        run(&mut verify(nth));
    }
    // The harness itself: a changed document is noticed.
    fs::write(folder.path().join("Quyết định.pdf"), b"khac").unwrap();
    for nth in 1..=count {
        assert!(!verify(nth).output().unwrap().status.success());
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
        office.release(&dossier, Some(Form::Cades), moment, Level::B).unwrap().1
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
        let refused = office.release(&dossier, form, Clock::System, Level::B);
        let refused = matches!(refused, Err(ContainerError::Refused { .. } | ContainerError::Asic(_)));
        assert!(refused, "{what}");
        assert!(!office.path("out.asice").exists(), "{what} left an output");
    }
    for (what, kind, files) in [
        ("none", Kind::Extended, vec![]),
        ("two in ASiC-S", Kind::Simple, vec![DECISION, ANNEX]),
        ("twice the same name", Kind::Extended, vec![DECISION, DECISION]),
        ("a reserved name", Kind::Extended, vec![("META-INF/x.txt", &b"x"[..])]),
        ("mimetype", Kind::Extended, vec![("mimetype", &b"x"[..])]),
    ] {
        let refused = office.release(&dossier(kind, &files), None, Clock::System, Level::B);
        assert!(matches!(refused, Err(ContainerError::Asic(_))), "{what}: {refused:?}");
    }
}

/// EN 319 162-1 clause 4.3.3.2 item 4: one file of signatures, which holds one or more in XML, and a CMS of one signer here.
#[test]
fn a_simple_container_takes_further_signatures_in_xml() {
    let office = Office::new();
    let once = office.sign(Kind::Simple, Form::Xades, &[DECISION]);
    let twice = office.sign_again(&once);
    let thrice = office.sign_again(&twice);
    let name = "META-INF/signatures.xml";
    for (before, after, count) in [(&once, &twice, 2), (&twice, &thrice, 3)] {
        let report = office.judge(after).unwrap();
        assert_eq!((report.overall, report.signatures.len()), (Overall::Valid, count), "{report:#?}");
        let (mut before, mut after) = (unpack(before), unpack(after));
        assert_eq!(before.len(), after.len(), "one file of signatures");
        let names =
            |files: &[(String, Vec<u8>)]| files.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
        assert_eq!(names(&before), names(&after));
        let (one, other) = (file(&mut before, name).clone(), file(&mut after, name).clone());
        let end = one.windows(9).position(|nine| nine == b"</asic:XA").unwrap();
        assert!(other.starts_with(&one[..end]) && other.ends_with(&one[end..]), "nothing was written anew");
        assert_eq!(*file(&mut before, DECISION.0), *file(&mut after, DECISION.0));
    }
    let (released, _) = office
        .release(&Dossier::Existing(Arc::new(MemorySource(once.clone()))), None, Clock::System, Level::Lt)
        .unwrap();
    assert_eq!(released.signature().unwrap().signature_format, "XAdES-BASELINE-LT");

    let mut alone = unpack(&once);
    let text = String::from_utf8(file(&mut alone, name).clone()).unwrap();
    let from = text.find("<ds:Signature ").unwrap();
    let to = text.find("</ds:Signature>").unwrap() + 15;
    *file(&mut alone, name) = text.as_bytes()[from..to].to_vec();
    let mut stamped = vec![
        ("mimetype".to_owned(), kyso::asic::ASIC_S.into()),
        (DECISION.0.to_owned(), DECISION.1.to_vec()),
    ];
    stamped.push(("META-INF/timestamp.tst".to_owned(), office.stamp(DECISION.1)));
    let cades = office.sign(Kind::Simple, Form::Cades, &[DECISION]);
    for (what, container, said) in [
        ("CAdES", cades, "4.3.3.2 item 4 b"),
        ("a time-stamp", pack(&stamped), "4.3.3.2 item 4"),
        ("a signature without its frame", pack(&alone), "XAdESSignatures"),
    ] {
        let dossier = Dossier::Existing(Arc::new(MemorySource(container)));
        let refused = office.release(&dossier, None, Clock::System, Level::B);
        let told = refused.map(|_| ()).unwrap_err().to_string();
        assert!(told.contains(said), "{what}: {told}");
    }
}

/// What a signer says is said in both forms; a place of signing in XML only.
#[test]
fn signers_say_the_same_in_both_forms() {
    let office = Office::new();
    let statements = Statements {
        policy: None,
        commitment: Some("proof-of-approval".parse().unwrap()),
        roles: vec!["Chủ tịch".to_owned()],
    };
    for (form, location) in [(Form::Cades, None), (Form::Xades, Some("Cần Thơ".to_owned()))] {
        let wishes = ContainerWishes {
            form: Some(form),
            statements: statements.clone(),
            location: location.clone(),
            ..ContainerWishes::default()
        };
        let (released, _) = office
            .release_with(&dossier(Kind::Extended, &[DECISION, ANNEX]), &wishes, Clock::System)
            .unwrap();
        let signature = released.signature().unwrap();
        assert_eq!(signature.indication, Indication::TotalPassed, "{signature:#?}");
        assert_eq!(signature.statements.commitment_types, ["proof-of-approval"]);
        assert_eq!(signature.statements.signer_roles, ["Chủ tịch"]);
        assert_eq!(signature.location, location);
    }
    let wishes = ContainerWishes { location: Some("Cần Thơ".to_owned()), ..ContainerWishes::default() };
    let refused = office.release_with(&dossier(Kind::Extended, &[DECISION]), &wishes, Clock::System);
    assert!(matches!(refused, Err(ContainerError::Refused { .. })), "{refused:?}");
    let wishes = ContainerWishes {
        statements: Statements { roles: vec![String::new()], ..Statements::default() },
        ..ContainerWishes::default()
    };
    let refused = office.release_with(&dossier(Kind::Extended, &[DECISION]), &wishes, Clock::System);
    assert!(matches!(refused, Err(ContainerError::Sign(_))), "{refused:?}");
}

/// A name that no container can hold is found at the latest by the judge: nothing is released.
#[test]
fn what_the_judge_would_not_read_is_not_released() {
    let office = Office::new();
    for name in ["../x.txt", "/x.txt", "a\\b.txt", "C:x.txt", "a//b", "x\n"] {
        let refused =
            office.release(&dossier(Kind::Extended, &[(name, b"x")]), None, Clock::System, Level::B);
        assert!(refused.is_err(), "{name:?}");
        assert!(!office.path("out.asice").exists(), "{name:?} left an output");
    }
}

#[test]
fn a_time_stamped_signature_proves_its_time() {
    let office = Office::new();
    let dossier = dossier(Kind::Simple, &[DECISION]);
    let (released, _) = office.release(&dossier, None, Clock::System, Level::T).unwrap();
    let signature = released.signature().unwrap();
    assert_eq!(signature.indication, Indication::TotalPassed, "{signature:#?}");
    assert_eq!(signature.signature_format, "CAdES-BASELINE-T");
    assert_eq!(signature.time_stamps.len(), 1);
}

#[test]
fn signatures_in_containers_reach_their_levels() {
    let office = Office::new();
    for (form, levels) in [
        (Form::Cades, &[Level::B, Level::T, Level::Lt, Level::Lta][..]),
        (Form::Xades, &[Level::B, Level::T, Level::Lt, Level::Lta]),
    ] {
        for (kind, files) in [(Kind::Extended, &[DECISION, ANNEX][..]), (Kind::Simple, &[DECISION])] {
            for level in levels {
                let dossier = dossier(kind, files);
                let (released, _) = office.release(&dossier, Some(form), Clock::System, *level).unwrap();
                let signature = released.signature().unwrap();
                assert_eq!(signature.indication, Indication::TotalPassed, "{signature:#?}");
                let format = signature.signature_format.replace("XAdES", "CAdES");
                assert_eq!(format, format!("CAdES-BASELINE-{}", level.as_str()), "{signature:#?}");
            }
        }
    }
}

/// Time-stamps of the container itself (sections 4.3.3.3 and 4.4.3.3, annex A.7).
#[test]
fn time_stamps_of_a_container_prove_what_they_cover() {
    let office = Office::new();
    let simple = |bytes: &[u8]| {
        pack(&[
            ("mimetype".to_owned(), kyso::asic::ASIC_S.into()),
            ("a.txt".to_owned(), bytes.to_vec()),
            ("META-INF/timestamp.tst".to_owned(), office.stamp(b"xin chao")),
        ])
    };
    let report = office.judge(&simple(b"xin chao")).unwrap();
    let [stamp] = report.signatures.as_slice() else { panic!("{report:#?}") };
    assert_eq!(
        (report.overall, stamp.indication),
        (Overall::Unsigned, Indication::TotalPassed),
        "{stamp:#?}"
    );
    assert_eq!(stamp.signature_format, "DOC-TIME-STAMP");
    assert_eq!(office.judge(&simple(b"xin chao!")).unwrap().overall, Overall::Invalid);

    let signed = unpack(&office.sign(Kind::Extended, Form::Cades, &[DECISION, ANNEX]));
    let archived = |files: &[(String, Vec<u8>)], names: &dyn Fn(&str) -> bool| {
        let object = |(name, bytes): &(String, Vec<u8>)| DataObject {
            name: name.clone(),
            media_type: None,
            rootfile: false,
            digest: DigestAlgorithm::Sha256.digest(bytes),
        };
        let count = files.iter().filter(|(name, _)| name.contains("timestamp")).count() + 1;
        let manifest = Manifest {
            signature: format!("META-INF/timestamp{count:03}.tst"),
            signature_type: Some("application/vnd.etsi.timestamp-token".to_owned()),
            objects: files.iter().filter(|(name, _)| names(name)).map(object).collect(),
        };
        let mut files = files.to_vec();
        files.push((manifest.signature.clone(), office.stamp(&manifest.to_xml())));
        files.push((format!("META-INF/ASiCArchiveManifest{count:03}.xml"), manifest.to_xml()));
        files
    };
    let everything = |name: &str| name != "mimetype";
    let once = archived(&signed, &everything);
    let twice = archived(&once, &everything);
    for (files, stamps) in [(&once, 1), (&twice, 2)] {
        let report = office.judge(&pack(files)).unwrap();
        assert_eq!((report.overall, report.signatures.len()), (Overall::Valid, 1 + stamps), "{report:#?}");
        let signature = report.signatures.iter().find(|one| !one.is_time_stamp()).unwrap();
        assert_eq!(signature.best_signature_time_source, Some(TimeSource::TimeStamp), "{signature:#?}");
    }
    let unproven = [
        ("all but the signature", archived(&signed, &|name| !name.contains(".p7s") && name != "mimetype")),
        (
            "all but its manifest",
            archived(&signed, &|name| !name.contains("ASiCManifest") && name != "mimetype"),
        ),
    ];
    for (what, files) in unproven {
        let report = office.judge(&pack(&files)).unwrap();
        let signature = report.signatures.iter().find(|one| !one.is_time_stamp()).unwrap();
        assert_eq!(signature.indication, Indication::TotalPassed, "{what}: {signature:#?}");
        assert_eq!(signature.best_signature_time_source, Some(TimeSource::ValidationTime), "{what}");
    }
    let documents_left_out = archived(&signed, &|name| name.starts_with("META-INF/"));
    assert_eq!(office.judge(&pack(&documents_left_out)).unwrap().overall, Overall::Invalid);
    let mut exchanged = twice.clone();
    let first = super::parts::file(&mut exchanged, "META-INF/timestamp001.tst").clone();
    *super::parts::file(&mut exchanged, "META-INF/timestamp002.tst") = first;
    assert_eq!(office.judge(&pack(&exchanged)).unwrap().overall, Overall::Invalid);
}

/// A manifest that names its documents by SHA-1 holds nothing, whoever signed it.
#[test]
fn weak_digests_in_a_manifest_are_not_relied_on() {
    let office = Office::new();
    for (algorithm, expected) in [
        (DigestAlgorithm::Sha1, Overall::Indeterminate),
        (DigestAlgorithm::Md5, Overall::Indeterminate),
        (DigestAlgorithm::Sha3_256, Overall::Valid),
        (DigestAlgorithm::Sha512, Overall::Valid),
    ] {
        let manifest = Manifest {
            signature: "META-INF/signature.p7s".to_owned(),
            signature_type: None,
            objects: vec![DataObject {
                name: "a.txt".to_owned(),
                media_type: None,
                rootfile: false,
                digest: algorithm.digest(b"xin chao"),
            }],
        };
        let xml = manifest.to_xml();
        let cms = office.cms(&xml);
        let container = pack(&[
            ("mimetype".to_owned(), kyso::asic::ASIC_E.into()),
            ("a.txt".to_owned(), b"xin chao".to_vec()),
            ("META-INF/ASiCManifest.xml".to_owned(), xml),
            (manifest.signature, cms),
        ]);
        let report = office.judge(&container).unwrap();
        assert_eq!(report.overall, expected, "{algorithm}: {report:#?}");
        let weak = report.signatures[0].errors.iter().any(|error| error.key == "algorithm.weak");
        assert_eq!(weak, expected != Overall::Valid, "{algorithm}");
    }
}
