//! Very large files: what they cost in memory, and that they come out right.

#[path = "../../benches/large.rs"]
mod large;

use std::{fs, os::unix::fs::MetadataExt as _, path::Path, process::Command};

use kyso::token::softhsm::SoftHsm;
use large::{Filling, pdf_with_one_stream, peak_of};

use crate::support;

const GIB: u64 = 1 << 30;
const LIMIT_MIB: f64 = 100.0;

#[test]
fn a_gibibyte_is_signed_and_verified_in_a_hundred_mebibytes() {
    let (Some(openssl), Some(util)) = (support::tool("openssl"), support::tool("softhsm2-util")) else {
        return;
    };
    let Some(softhsm) = SoftHsm::library() else { return support::skip("SoftHSM is not installed") };
    // Beside the build, since many a /tmp lies in memory.
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a temporary folder");
    let file = |name: &str| dir.path().join(name);
    let settings = file("softhsm2.conf");
    fs::create_dir(file("tokens")).expect("a folder");
    fs::write(&settings, format!("directories.tokendir = {}\n", file("tokens").display()))
        .expect("a written file");
    support::run(
        Command::new(openssl)
            .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=Large"])
            .args(["-addext", "keyUsage=critical,digitalSignature,nonRepudiation"])
            .args(["-addext", "basicConstraints=critical,CA:false", "-keyout", "key.pem", "-out", "cert.pem"])
            .current_dir(dir.path()),
    );
    for arguments in [
        ["--init-token", "--free", "--label", "T", "--so-pin", "8642", "--pin", "1357"].as_slice(),
        &["--import", "key.pem", "--token", "T", "--label", "K", "--id", "01", "--pin", "1357"],
    ] {
        support::run(
            Command::new(&util).args(arguments).current_dir(dir.path()).env("SOFTHSM2_CONF", &settings),
        );
    }
    let (plain, signed) = (file("plain.pdf"), file("signed.pdf"));
    pdf_with_one_stream(&plain, GIB, Filling::Holes).expect("a written file");
    let before = prefix_and_len(&plain);

    let mut sign = Command::new(env!("CARGO_BIN_EXE_kyso"));
    sign.arg("sign").arg(&plain).arg("-o").arg(&signed).arg("--module").arg(softhsm);
    sign.args(["--token", "T", "--key", "K", "--cert"]).arg(file("cert.pem"));
    let (status, signing) =
        peak_of(sign.env("SOFTHSM2_CONF", &settings).env("KYSO_PIN", "1357")).expect("it runs");
    assert!(status.success(), "{sign:?}: {status}");

    let mut verify = Command::new(env!("CARGO_BIN_EXE_kyso"));
    verify.args(["verify", "--offline", "--json", "--trust"]).arg(file("cert.pem")).arg(&signed);
    let (status, verifying) = peak_of(&mut verify).expect("it runs");
    // Nothing tells whether the certificate was revoked, so the answer may stay open; it may not be "invalid".
    assert!(matches!(status.code(), Some(0 | 2)), "{verify:?}: {status}");
    let output = verify.stdout(std::process::Stdio::piped()).output().expect("it runs");
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let signature = &report["documents"][0]["signatures"][0];
    assert_eq!(
        (&signature["digestMatches"], &signature["coverage"]),
        (&true.into(), &"document".into()),
        "{report}"
    );

    eprintln!("peak resident memory for 1 GiB: signing {signing:.1} MiB, verifying {verifying:.1} MiB");
    assert!(signing > 1.0 && signing < LIMIT_MIB, "signing took {signing} MiB");
    assert!(verifying > 1.0 && verifying < LIMIT_MIB, "verifying took {verifying} MiB");
    assert_eq!(prefix_and_len(&plain), before, "the input was touched");
    let added = fs::metadata(&signed).expect("a file").size() - before.1;
    assert!(added < 64_000, "the signature added {added} bytes");
}

#[test]
fn generated_files_are_well_formed() {
    let Some(qpdf) = support::tool("qpdf") else { return };
    let dir = tempfile::tempdir().expect("a temporary folder");
    for (filling, len) in [(Filling::Holes, 100_000), (Filling::Noise, 100_003)] {
        let path = dir.path().join("generated.pdf");
        pdf_with_one_stream(&path, len, filling).expect("a written file");
        support::run(Command::new(&qpdf).arg("--check").arg(&path));
    }
}

/// The first bytes and the length of a file.
fn prefix_and_len(path: &Path) -> (Vec<u8>, u64) {
    use std::io::Read as _;
    let mut prefix = vec![0; 4_096];
    fs::File::open(path).and_then(|mut file| file.read_exact(&mut prefix)).expect("a readable file");
    (prefix, fs::metadata(path).expect("a file").size())
}
