//! What is made here is accepted by those who did not make it; what they make is judged here.

use std::{fs, path::Path, process::Command, sync::Arc};

use kyso::{
    base::{MemorySource, Source},
    service::{
        extend::{ExtendError, Extension},
        sign::SignError,
    },
    token::provision::NewKeyKind,
    validation::{Detached, Level},
};

use super::desk::{Desk, fits_the_schema, text};
use crate::support::{root, run, tool};

/// What is signed: no PDF, and not text either.
const CONTENT: &[u8] = b"PK\x03\x04 mot tep .docx\r\n\x00\xFF dong hai\n";

const LEVELS: [(&str, &str); 4] = [("b", "B"), ("t", "T"), ("lt", "LT"), ("lta", "LTA")];

/// Every level, apart and inside, with this key.
fn each_level(desk: &Desk, more: &[&str]) {
    let file = desk.at("cong-van.docx");
    fs::write(&file, CONTENT).unwrap();
    for (level, name) in LEVELS {
        for (inside, output) in [(false, desk.at("out.p7s")), (true, desk.at("out.p7m"))] {
            let mut arguments = vec!["--level", level];
            arguments.extend(inside.then_some("--enveloping"));
            arguments.extend(more);
            let told = desk.sign(&file, &output, &arguments);
            assert!(told.status.success(), "{level}: {}", text(&told.stderr));
            let detached = (!inside).then_some(file.as_path());
            desk.everybody_accepts(&output, detached, &format!("CAdES-BASELINE-{name}"));
            fs::remove_file(&output).unwrap();
        }
    }
    assert_eq!(fs::read(&file).unwrap(), CONTENT, "the input was touched");
}

#[test]
fn every_level_is_made_with_rsa_on_softhsm() {
    let Some(desk) = Desk::softhsm(NewKeyKind::Rsa2048) else { return };
    each_level(&desk, &[]);
}

#[test]
fn every_level_is_made_with_ecdsa_on_softhsm() {
    let Some(desk) = Desk::softhsm(NewKeyKind::P384) else { return };
    each_level(&desk, &["--digest", "sha384"]);
}

#[test]
fn every_level_is_made_with_rsa_on_the_built_in_token() {
    each_level(&Desk::embedded(NewKeyKind::Rsa2048), &["--pss", "--digest", "sha512"]);
}

#[test]
fn every_level_is_made_with_ecdsa_on_the_built_in_token() {
    each_level(&Desk::embedded(NewKeyKind::P256), &[]);
}

/// What the level needs is missing, or the file is of another kind: refused, and no output.
#[test]
fn what_cannot_be_made_is_refused_and_leaves_nothing() {
    let desk = Desk::embedded(NewKeyKind::P256);
    let (file, output) = (desk.at("in.bin"), desk.at("out.p7s"));
    fs::write(&file, CONTENT).unwrap();
    for (more, status, word) in [
        (&["--level", "lta", "--tsa", "http://127.0.0.1:9/"][..], 69, "time-stamp"),
        (&["--reason", "Phê duyệt"], 64, "--reason"),
        (&["--format", "pades", "--enveloping"], 64, "--format"),
    ] {
        let told = desk.sign(&file, &output, more);
        let words = text(&told.stderr);
        assert!(told.status.code() == Some(status) && words.contains(word), "{more:?}: {words}");
        assert!(!output.exists(), "{more:?} left an output");
    }
    // Without anchors and without an authority there is nothing to gather evidence for.
    let mut service = desk.signing();
    service.anchors = kyso::trust::Anchors::default();
    let source: Arc<dyn Source> = Arc::new(MemorySource(CONTENT.to_vec()));
    let cms = desk.sign_in_process(CONTENT, &output, false, Level::B).unwrap();
    let bytes = fs::read(cms.path()).unwrap();
    let apart = || Some(Detached { name: "in.bin".to_owned(), source: Arc::clone(&source) });
    let to = Extension::to;
    let refused = desk.extend(&service, &bytes, &to(Level::Lt), apart()).unwrap_err();
    assert!(matches!(refused, ExtendError::Sign(SignError::NoAnchors { level: Level::Lt })), "{refused}");
    service = desk.signing();
    service.time_stamping = None;
    for level in [Level::T, Level::Lta] {
        let refused = desk.extend(&service, &bytes, &to(level), apart()).unwrap_err();
        let wanted =
            matches!(refused, ExtendError::Sign(SignError::NoAuthority { level: named }) if named == level);
        assert!(wanted, "{refused}");
    }
    let refused = desk.extend(&desk.signing(), &bytes, &to(Level::T), None).unwrap_err();
    assert!(matches!(refused, ExtendError::NotValid { indication: "INDETERMINATE", .. }), "{refused}");
    // Another content: the signature is not raised, whatever else holds.
    let other: Arc<dyn Source> = Arc::new(MemorySource(b"khac".to_vec()));
    let other = Some(Detached { name: "in.bin".to_owned(), source: other });
    let refused = desk.extend(&desk.signing(), &bytes, &to(Level::T), other).unwrap_err();
    assert!(matches!(refused, ExtendError::NotValid { indication: "TOTAL-FAILED", .. }), "{refused}");
}

/// What the signer says under protection stands in the signature, and others read it.
#[test]
fn commitment_and_roles_are_signed() {
    let desk = Desk::embedded(NewKeyKind::P256);
    let (file, output) = (desk.at("in.bin"), desk.at("out.p7s"));
    fs::write(&file, CONTENT).unwrap();
    let told = desk.sign(&file, &output, &["--commitment", "proof-of-approval", "--role", "Chủ tịch"]);
    assert!(told.status.success(), "{}", text(&told.stderr));
    desk.everybody_accepts(&output, Some(&file), "CAdES-BASELINE-T");
    let bytes = fs::read(&output).unwrap();
    let data = kyso::cms::SignedData::parse(&bytes, &kyso::base::Limits::default()).unwrap();
    let cades = &data.only_signer().unwrap().cades;
    let approval = der::oid::ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.6.5");
    assert_eq!(cades.commitment_types, [approval]);
    let role = "Chủ tịch".as_bytes();
    assert!(bytes.windows(role.len()).any(|window| window == role));
    let told = desk.sign(&file, &output, &["--certify", "1", "--overwrite"]);
    assert!(told.status.code() == Some(64) && text(&told.stderr).contains("--certify"));
}

/// A revoked signer gets no long-term signature: nothing of it could be relied on.
#[test]
fn a_signature_that_cannot_be_relied_on_is_not_raised() {
    let desk = Desk::new();
    let output = desk.at("out.p7m");
    desk.sign_in_process(CONTENT, &output, true, Level::B).unwrap();
    let bytes = fs::read(&output).unwrap();
    let data = kyso::cms::SignedData::parse(&bytes, &kyso::base::Limits::default()).unwrap();
    let serial = data.signer_certificate().unwrap().unwrap().serial().to_vec();
    let hour_ago = kyso::base::Clock::System.now() - jiff::SignedDuration::from_hours(1);
    desk.pki.pki().revoke(&serial, hour_ago, Some(1)).unwrap();
    let refused = desk.extend(&desk.signing(), &bytes, &Extension::to(Level::Lta), None).unwrap_err();
    assert!(refused.to_string().contains("revoked"), "{refused}");
}

/// From level to level, in any steps; what was there stays, and each result is accepted.
#[test]
fn signatures_are_raised_step_by_step() {
    let desk = Desk::new();
    let file = desk.at("in.bin");
    fs::write(&file, CONTENT).unwrap();
    for enveloping in [false, true] {
        let output = desk.at("raised");
        let mut bytes = {
            let released = desk.sign_in_process(CONTENT, &output, enveloping, Level::B).unwrap();
            fs::read(released.path()).unwrap()
        };
        let source: Arc<dyn Source> = Arc::new(MemorySource(CONTENT.to_vec()));
        let apart =
            || (!enveloping).then(|| Detached { name: "in.bin".to_owned(), source: Arc::clone(&source) });
        let mut lengths = vec![bytes.len()];
        let [t, lt, lta] = [Level::T, Level::Lt, Level::Lta].map(Extension::to);
        for (extension, name) in [(&t, "T"), (&lt, "LT"), (&lta, "LTA"), (&Extension::renewal(), "LTA")] {
            let (extended, raised) = desk.extend(&desk.signing(), &bytes, extension, apart()).unwrap();
            assert!(!extended.raised().added.is_empty());
            bytes = raised;
            lengths.push(bytes.len());
            fs::write(&output, &bytes).unwrap();
            desk.everybody_accepts(
                &output,
                (!enveloping).then_some(file.as_path()),
                &format!("CAdES-BASELINE-{name}"),
            );
            // What is there already is left alone.
            let (lower, same) = desk.extend(&desk.signing(), &bytes, &t, apart()).unwrap();
            assert!(lower.raised().added.is_empty() && same == bytes);
        }
        assert!(lengths.is_sorted_by(|one, other| one < other), "{lengths:?}");
    }
}

/// What OpenSSL signs is judged here: CAdES and plain CMS, apart and inside, DER and PEM, definite lengths and not; and
/// raised to the last level, with OpenSSL still content.
#[test]
fn what_openssl_signs_is_judged_and_raised() {
    let Some(openssl) = tool("openssl") else { return };
    let desk = Desk::new();
    let (file, key, certificate) = (desk.at("in.bin"), desk.at("key.pem"), desk.at("cert.pem"));
    fs::write(&file, CONTENT).unwrap();
    for algorithm in [kyso::demo::pki::KeyAlgorithm::Rsa2048, kyso::demo::pki::KeyAlgorithm::EcP256] {
        let signing = kyso::demo::pki::SigningKey::generate(algorithm).unwrap();
        let holder = kyso::demo::pki::Holder::new("OpenSSL");
        let person = desk.pki.pki().issue_person(signing.spki_der(), &holder).unwrap();
        fs::write(&key, signing.to_pem().as_bytes()).unwrap();
        fs::write(&certificate, person.to_pem()).unwrap();
        let issuer = desk.at("ca.pem");
        fs::write(&issuer, desk.pki.pki().ca().certificate().to_pem()).unwrap();
        for (options, inside, format) in [
            (&["-cades", "-outform", "DER"][..], false, "CAdES-BASELINE-B"),
            (&["-cades", "-outform", "DER", "-nodetach"], true, "CAdES-BASELINE-B"),
            (&["-cades", "-outform", "PEM", "-md", "sha512"], false, "CAdES-BASELINE-B"),
            (&["-cades", "-outform", "PEM", "-nodetach", "-stream"], true, "CAdES-BASELINE-B"),
            (&["-cades", "-outform", "DER", "-nodetach", "-stream"], true, "CAdES-BASELINE-B"),
            (&["-outform", "DER"], false, "PKCS7-B"),
            (&["-outform", "DER", "-noattr"], false, "PKCS7-B"),
            (&["-outform", "DER", "-noattr", "-nodetach"], true, "PKCS7-B"),
        ] {
            let output = desk.at("openssl.p7");
            let mut sign = Command::new(&openssl);
            sign.args(["cms", "-sign", "-binary", "-in"]).arg(&file).arg("-out").arg(&output);
            sign.arg("-signer").arg(&certificate).arg("-inkey").arg(&key).arg("-certfile").arg(&issuer);
            run(sign.args(options));
            let detached = (!inside).then_some(file.as_path());
            let (report, status) = desk.verify(&output, detached, &[]);
            fits_the_schema(&report);
            let signature = &report["documents"][0]["signatures"][0];
            assert_eq!(
                (status, &signature["signatureFormat"]),
                (Some(0), &format.into()),
                "{options:?} {report:#}"
            );
            assert_eq!(signature["coverage"], "document");
            if format.starts_with("PKCS7") {
                continue;
            }
            let source: Arc<dyn Source> = Arc::new(MemorySource(CONTENT.to_vec()));
            let apart = (!inside).then(|| Detached { name: "in.bin".to_owned(), source });
            let lasting = Extension::to(Level::Lta);
            let extended = desk.extend(&desk.signing(), &fs::read(&output).unwrap(), &lasting, apart);
            fs::write(&output, extended.unwrap().1).unwrap();
            desk.everybody_accepts(&output, detached, "CAdES-BASELINE-LTA");
        }
    }
}

/// What pyHanko signs, with time-stamps on content and value: judged here, and raised to the last level.
#[test]
fn what_pyhanko_signs_is_judged_and_raised() {
    let Some(pyhanko) = crate::support::PyHanko::find() else { return };
    let desk = Desk::new();
    let (file, key, certificate) = (desk.at("in.bin"), desk.at("key.pem"), desk.at("cert.pem"));
    let (chain, output) = (desk.at("chain.pem"), desk.at("pyhanko.p7"));
    fs::write(&file, CONTENT).unwrap();
    let signing = kyso::demo::pki::SigningKey::generate(kyso::demo::pki::KeyAlgorithm::EcP256).unwrap();
    let holder = kyso::demo::pki::Holder::new("pyHanko");
    let person = desk.pki.pki().issue_person(signing.spki_der(), &holder).unwrap();
    fs::write(&key, signing.to_pem().as_bytes()).unwrap();
    fs::write(&certificate, person.to_pem()).unwrap();
    for (digest, place) in [("sha256", "apart"), ("sha512", "inside")] {
        let mut sign = pyhanko.script("cades_with_pyhanko.py");
        sign.arg(&key).arg(&certificate).arg(&chain).arg(&file).arg(&output);
        run(sign.args([digest, &desk.pki.tsa_url(), place]));
        let detached = (place == "apart").then_some(file.as_path());
        let (report, status) = desk.verify(&output, detached, &[]);
        fits_the_schema(&report);
        let signature = &report["documents"][0]["signatures"][0];
        assert_eq!(
            (status, &signature["signatureFormat"]),
            (Some(0), &"CAdES-BASELINE-T".into()),
            "{report:#}"
        );
        let stamps = signature["timeStamps"].as_array().unwrap();
        let kinds: Vec<_> = stamps.iter().map(|stamp| (&stamp["kind"], &stamp["indication"])).collect();
        let passed = &"TOTAL-PASSED".into();
        assert_eq!(kinds, [(&"signature".into(), passed), (&"content".into(), passed)], "{report:#}");
        let source: Arc<dyn Source> = Arc::new(MemorySource(CONTENT.to_vec()));
        let apart = detached.map(|_| Detached { name: "in.bin".to_owned(), source });
        let lasting = Extension::to(Level::Lta);
        let extended = desk.extend(&desk.signing(), &fs::read(&output).unwrap(), &lasting, apart);
        fs::write(&output, extended.unwrap().1).unwrap();
        desk.everybody_accepts(&output, detached, "CAdES-BASELINE-LTA");
    }
}

/// What a signature of several signers, or none, is: refused, whoever made it.
#[test]
fn several_signers_are_refused() {
    let Some(openssl) = tool("openssl") else { return };
    let desk = Desk::new();
    let (file, output) = (desk.at("in.bin"), desk.at("two.p7s"));
    fs::write(&file, CONTENT).unwrap();
    let mut sign = Command::new(openssl);
    sign.args(["cms", "-sign", "-binary", "-cades", "-outform", "DER", "-in"])
        .arg(&file)
        .arg("-out")
        .arg(&output);
    for name in ["a", "b"] {
        let key = kyso::demo::pki::SigningKey::generate(kyso::demo::pki::KeyAlgorithm::EcP256).unwrap();
        let holder = kyso::demo::pki::Holder::new(name);
        let person = desk.pki.pki().issue_person(key.spki_der(), &holder).unwrap();
        let (key_file, certificate) = (desk.at(&format!("{name}.key")), desk.at(&format!("{name}.pem")));
        fs::write(&key_file, key.to_pem().as_bytes()).unwrap();
        fs::write(&certificate, person.to_pem()).unwrap();
        sign.arg("-signer").arg(&certificate).arg("-inkey").arg(&key_file);
    }
    run(&mut sign);
    let (report, status) = desk.verify(&output, Some(&file), &[]);
    let signature = &report["documents"][0]["signatures"][0];
    assert_eq!((status, &signature["errors"][0]["key"]), (Some(1), &"format.signers".into()), "{report:#}");
}

/// The command line: what goes with what, what is said without the file, and a record replayed.
#[test]
fn the_detached_file_is_asked_for_named_and_replayed() {
    let desk = Desk::new();
    let (file, output) = (desk.at("công văn.bin"), desk.at("out.p7s"));
    fs::write(&file, CONTENT).unwrap();
    desk.sign_in_process(CONTENT, &output, false, Level::T).unwrap();
    let (report, status) = desk.verify(&output, None, &[]);
    let document = &report["documents"][0];
    assert_eq!(status, Some(2), "{report:#}");
    assert_eq!(document["signatures"][0]["errors"][0]["key"], "document.apart");
    assert_eq!(document["signatures"][0]["subIndication"], "SIGNED_DATA_NOT_FOUND");
    assert!(document["signedFiles"].is_null());
    fits_the_schema(&report);

    let record = desk.at("record.json");
    let (report, status) = desk.verify(&output, Some(&file), &["--record", record.to_str().unwrap()]);
    assert_eq!(status, Some(0), "{report:#}");
    let signed = &report["documents"][0]["signedFiles"][0];
    assert_eq!(signed["name"], "công văn.bin");
    assert_eq!(signed["sha256"], kyso::base::Sha256::of(CONTENT).to_hex());
    let replayed = Command::new(env!("CARGO_BIN_EXE_kyso"))
        .arg("verify")
        .arg(&output)
        .arg("--detached")
        .arg(&file)
        .args(["--json", "--replay"])
        .arg(&record)
        .output()
        .unwrap();
    assert!(replayed.status.success() && replayed.stderr.is_empty(), "{}", text(&replayed.stderr));
    let again: serde_json::Value = serde_json::from_slice(&replayed.stdout).unwrap();
    assert_eq!(again["documents"], report["documents"]);

    // A PDF holds what was signed, and so does a .p7m; two files are too many.
    let inside = desk.at("out.p7m");
    desk.sign_in_process(CONTENT, &inside, true, Level::B).unwrap();
    for file_with_content in [inside, root().join("samples/quyet-dinh.pdf")] {
        let (report, status) = desk.verify(&file_with_content, Some(&file), &[]);
        assert_eq!(status, Some(65), "{report:#}");
        assert_eq!(report["unreadable"][0]["error"]["key"], "file.detached");
    }
    let (report, status) = desk.verify(&output, Some(&file), &["--detached", file.to_str().unwrap()]);
    assert_eq!((status, &report["unreadable"][0]["error"]["key"]), (Some(65), &"file.detached".into()));
}

/// A detached signature over a large file reads it by pieces: it need not fit into memory, and is not copied.
#[test]
fn a_large_file_is_signed_apart_and_refused_inside() {
    let desk = Desk::new();
    let output = desk.at("out.p7s");
    let length = usize::try_from(kyso::cms::MAX_CONTENT).unwrap() + 1;
    let refused = desk.sign_in_process(&vec![7; length], &output, true, Level::B).unwrap_err();
    assert!(matches!(refused, SignError::Enveloping { .. }) && !output.exists(), "{refused}");
    let released = desk.sign_in_process(&vec![7; length], &output, false, Level::T).unwrap();
    let signature = released.signature().unwrap();
    assert_eq!(signature.signature_format, "CAdES-BASELINE-T");
    assert!(fs::metadata(Path::new(&output)).unwrap().len() < 64 * 1024);
}
