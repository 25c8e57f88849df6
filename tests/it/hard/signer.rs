//! Certificates that may not sign: refused before anybody is asked for a PIN.

use std::{ffi::OsStr, fs};

use kyso::{
    base::{Chance, Clock, UtcTime},
    demo::pki::{CertificateRequest, DemoPki, Holder, KeyAlgorithm, Profile, SigningKey},
    token::provision::NewKeyKind,
    x509::Certificate,
};

use super::desk::{Desk, sample, text};

fn desks() -> Vec<Desk> {
    [Desk::softhsm(false), Desk::softhsm(true)]
        .into_iter()
        .flatten()
        .chain([Desk::embedded(NewKeyKind::Rsa2048), Desk::embedded(NewKeyKind::P256)])
        .collect()
}

fn issue(desk: &Desk, spki: &[u8], profile: Profile, days: [i64; 2]) -> Certificate {
    let now = Clock::System.now();
    let day = |days: i64| now + jiff::SignedDuration::from_hours(24 * days);
    let holder = Holder::new("Trần Văn Ký");
    let request = CertificateRequest {
        holder: &holder,
        spki_der: spki,
        profile,
        not_before: day(days[0]),
        not_after: day(days[1]),
    };
    desk.pki.pki().ca().issue(&request).unwrap()
}

/// No PIN is in the environment and there is no terminal: who is asked for it fails with other words.
#[test]
fn what_may_not_sign_is_refused_before_the_pin() {
    for desk in desks() {
        let own = desk.spki.clone();
        let kind = if own.len() > 200 { KeyAlgorithm::Rsa2048 } else { KeyAlgorithm::EcP256 };
        let other = SigningKey::generate(kind).unwrap();
        let revoked = issue(&desk, &own, Profile::Signer, [-20, 300]);
        let authority_at: UtcTime = Clock::System.now() - jiff::SignedDuration::from_hours(1);
        desk.pki.pki().revoke(revoked.serial(), authority_at, Some(1)).unwrap();
        for (what, certificate, more, words) in [
            ("expired", issue(&desk, &own, Profile::Signer, [-20, -10]), &[][..], "it expired on"),
            ("not yet valid", issue(&desk, &own, Profile::Signer, [10, 20]), &[], "it is not valid before"),
            ("revoked", revoked, &[], "it was revoked at"),
            (
                "no signing",
                issue(&desk, &own, Profile::SignerWithoutSigning, [-1, 9]),
                &[],
                "its key usage allows neither",
            ),
            (
                "for time-stamps",
                issue(&desk, &own, Profile::TimeStamping, [-1, 9]),
                &[],
                "its extended key usage",
            ),
            (
                "another key",
                issue(&desk, other.spki_der(), Profile::Signer, [-1, 9]),
                &[],
                "another key than hex:07",
            ),
            // What no option sets aside.
            (
                "expired, usage allowed",
                issue(&desk, &own, Profile::Signer, [-20, -10]),
                &["--allow-key-usage"],
                "it expired on",
            ),
            (
                "another key, offline",
                issue(&desk, other.spki_der(), Profile::Signer, [-1, 9]),
                &["--offline"],
                "another key than hex:07",
            ),
            (
                "status not asked",
                issue(&desk, &own, Profile::Signer, [-1, 9]),
                &["--offline", "--unknown-status", "refuse"],
                "could not be checked",
            ),
        ] {
            fs::write(desk.at("this.pem"), certificate.to_pem()).unwrap();
            let output = desk.at("refused.pdf");
            let more = [&["--cert", "this.pem"], more].concat();
            let told = desk.command(&sample(), &output, &more).env_remove("KYSO_PIN").output().unwrap();
            let why = text(&told.stderr);
            assert_eq!(told.status.code(), Some(77), "{what}: {why}");
            assert!(why.contains(words) && !why.contains("KYSO_PIN"), "{what}: {why}");
            assert!(!output.exists(), "{what}");
        }
    }
}

/// Many files, one question: the batch is refused as the single file is, before the PIN, and leaves nothing.
#[test]
fn a_batch_is_refused_before_the_pin() {
    for desk in desks() {
        let own = desk.spki.clone();
        let revoked = issue(&desk, &own, Profile::Signer, [-20, 300]);
        let at: UtcTime = Clock::System.now() - jiff::SignedDuration::from_hours(1);
        desk.pki.pki().revoke(revoked.serial(), at, Some(1)).unwrap();
        let drafts = desk.at("drafts");
        fs::create_dir(&drafts).unwrap();
        for name in ["mot.pdf", "hai.pdf", "ba.pdf"] {
            fs::copy(sample(), drafts.join(name)).unwrap();
        }
        let without = issue(&desk, &own, Profile::SignerWithoutSigning, [-1, 9]);
        let batch = [OsStr::new("--batch"), drafts.as_os_str()];
        for (what, certificate, more, words) in [
            ("revoked", revoked.clone(), &[][..], "it was revoked at"),
            ("revoked, usage allowed", revoked, &["--allow-key-usage"], "it was revoked at"),
            ("expired", issue(&desk, &own, Profile::Signer, [-20, -10]), &[], "it expired on"),
            ("not yet valid", issue(&desk, &own, Profile::Signer, [10, 20]), &[], "it is not valid before"),
            ("no signing", without.clone(), &[], "its key usage allows neither"),
            (
                "status not asked",
                issue(&desk, &own, Profile::Signer, [-1, 9]),
                &["--offline", "--unknown-status", "refuse"],
                "could not be checked",
            ),
        ] {
            fs::write(desk.at("this.pem"), certificate.to_pem()).unwrap();
            let output = desk.at("signed");
            let more = [&["--cert", "this.pem"], more].concat();
            let told = desk.command_for(&batch, &output, &more).env_remove("KYSO_PIN").output().unwrap();
            let why = text(&told.stderr);
            assert_eq!(told.status.code(), Some(77), "{what}: {why}");
            assert!(why.contains(words) && !why.contains("KYSO_PIN"), "{what}: {why}");
            let made = fs::read_dir(&output).map_or(0, |all| {
                all.filter(|entry| entry.as_ref().unwrap().path().extension() == Some(OsStr::new("pdf")))
                    .count()
            });
            assert_eq!(made, 0, "{what}");
        }
        // What the law leaves open is told once, and signed.
        fs::write(desk.at("this.pem"), without.to_pem()).unwrap();
        let more = ["--cert", "this.pem", "--allow-key-usage"];
        let told = desk.command_for(&batch, &desk.at("signed"), &more).output().unwrap();
        let why = text(&told.stderr);
        assert!(told.status.success(), "{why}");
        assert_eq!(why.matches("is not meant for signing").count(), 1, "{why}");
        assert!(why.contains("3 signed"), "{why}");
    }
}

/// `--allow-key-usage` means the same for every format; without it each refuses before the PIN.
#[test]
fn another_usage_is_let_pass_in_every_format() {
    let desk = Desk::embedded(NewKeyKind::P256);
    let without = issue(&desk, &desk.spki, Profile::SignerWithoutSigning, [-1, 9]);
    fs::write(desk.at("this.pem"), without.to_pem()).unwrap();
    let xml = desk.put("tin.xml", b"<?xml version=\"1.0\"?><tin><so>1</so></tin>");
    let letter = desk.put("cong-van.txt", "Kính gửi".as_bytes());
    for (what, input, more) in [
        ("CAdES", &letter, &["--format", "cades"][..]),
        ("CAdES around the file", &letter, &["--format", "cades", "--enveloping"]),
        ("XAdES", &xml, &["--format", "xades"]),
        ("XAdES beside the file", &letter, &["--format", "xades", "--detached"]),
        ("a container with CAdES", &letter, &["--container", "asice"]),
        ("a container with XAdES", &letter, &["--container", "asice", "--with", "xades"]),
    ] {
        let output = desk.at("signed");
        let more = [&["--cert", "this.pem"], more].concat();
        let told = desk.command(input, &output, &more).env_remove("KYSO_PIN").output().unwrap();
        let why = text(&told.stderr);
        assert_eq!(told.status.code(), Some(77), "{what}: {why}");
        assert!(why.contains("its key usage allows neither") && !output.exists(), "{what}: {why}");
        let told = desk.sign(input, &output, &[&more[..], &["--allow-key-usage", "--json"]].concat());
        let why = text(&told.stderr);
        assert!(told.status.success() && why.contains("is not meant for signing"), "{what}: {why}");
        let report: serde_json::Value = serde_json::from_slice(&told.stdout).unwrap();
        assert!(report["warnings"].to_string().contains("is not meant for signing"), "{what}: {report:#}");
        fs::remove_file(output).unwrap();
        // Not what it is about: an expired one is refused all the same.
        let expired = issue(&desk, &desk.spki, Profile::SignerWithoutSigning, [-20, -10]);
        fs::write(desk.at("expired.pem"), expired.to_pem()).unwrap();
        let late = [&["--cert", "expired.pem", "--allow-key-usage"][..], &more[2..]].concat();
        desk.must_refuse(input, &late, 77, "it expired on", what);
    }
}

/// A certificate of the token's key passes, and then the PIN is wanted: the checks above do not refuse everything.
#[test]
fn a_good_certificate_comes_as_far_as_the_pin() {
    for desk in desks() {
        let output = desk.at("refused.pdf");
        let told = desk.command(&sample(), &output, &[]).env_remove("KYSO_PIN").output().unwrap();
        let why = text(&told.stderr);
        assert!(why.contains("KYSO_PIN") && !why.contains("warning"), "{why}");
    }
}

/// TT 15/2025 annex II: usages are optional, and a status that cannot be checked is told to the signer.
#[test]
fn what_the_law_leaves_open_is_told_and_signed() {
    let desk = Desk::embedded(NewKeyKind::P256);
    let without = issue(&desk, &desk.spki, Profile::SignerWithoutSigning, [-1, 9]);
    fs::write(desk.at("this.pem"), without.to_pem()).unwrap();
    let stranger = DemoPki::new(Clock::System, Chance::system()).unwrap();
    let unknown = stranger.issue_person(&desk.spki, &Holder::new("Người Lạ")).unwrap();
    fs::write(desk.at("unknown.pem"), unknown.to_pem()).unwrap();
    for (what, more, warning) in [
        ("another usage", &["--cert", "this.pem", "--allow-key-usage"][..], Some("is not meant for signing")),
        ("offline", &["--offline"], Some("could not be checked")),
        ("nobody vouches", &["--cert", "unknown.pem"], Some("no path leads from")),
        ("good", &[], None),
    ] {
        let output = desk.at("signed.pdf");
        let told = desk.sign(&sample(), &output, &[more, &["--overwrite", "--json"]].concat());
        let why = text(&told.stderr);
        assert!(told.status.success(), "{what}: {why}");
        let report: serde_json::Value = serde_json::from_slice(&told.stdout).unwrap();
        let warnings = report["warnings"].to_string();
        match warning {
            Some(words) => {
                assert!(why.contains(words) && warnings.contains(words), "{what}: {why} {warnings}");
            }
            None => assert!(why.is_empty() && warnings == "[]", "{what}: {why} {warnings}"),
        }
    }
}

/// The revocation list alone tells it too, where no responder answers; and an issuer that nobody vouches for is believed
/// when it speaks against its own certificate.
#[test]
fn a_revocation_is_believed_without_an_anchor() {
    let desk = Desk::embedded(NewKeyKind::P256);
    let revoked = issue(&desk, &desk.spki, Profile::Signer, [-20, 300]);
    let at: UtcTime = Clock::System.now() - jiff::SignedDuration::from_hours(1);
    desk.pki.pki().revoke(revoked.serial(), at, Some(1)).unwrap();
    fs::write(desk.at("this.pem"), revoked.to_pem()).unwrap();
    // Another root than the one that the chain leads to.
    let stranger = DemoPki::new(Clock::System, Chance::system()).unwrap();
    fs::write(desk.at("root.pem"), stranger.root().certificate().to_pem()).unwrap();
    desk.must_refuse(&sample(), &["--cert", "this.pem"], 77, "it was revoked at", "another anchor");
}
