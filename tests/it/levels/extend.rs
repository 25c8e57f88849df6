//! Extending what was signed before, by us or by others; and what is refused.

use std::{fs, path::Path, process::Command};

use kyso::{
    service::extend::{AddedRevision, ExtendError, Extension},
    validation::Level,
};

use super::world::{Store, World, archive_stamps, decision, extend, kyso_extend, pyhanko_lasting, told};
use crate::{
    pen::text,
    support::{PyHanko, pdfsig, run},
};

fn passed(level: &str) -> String {
    format!("TOTAL-PASSED PAdES-BASELINE-{level}")
}

/// From each level to each higher one, with the earlier bytes as they were and no key used.
#[test]
fn each_level_is_reached_from_each_lower_one() {
    let world = World::new();
    let person = world.person("Phạm Thị Bền");
    for (from, name) in [(Level::B, "B"), (Level::T, "T"), (Level::Lt, "LT"), (Level::Lta, "LTA")] {
        let signed = world.path(&format!("{name}.pdf"));
        person.sign(&world.usual_desk(Level::T), &decision(), &signed, Some(from)).unwrap();
        assert_eq!(world.told(&signed, true), [passed(name)]);
    }
    let used = person.uses();
    let desk = world.usual_desk(Level::B);
    for (from, to, added) in [
        ("B", Level::T, &[AddedRevision::TimeStamp][..]),
        ("B", Level::Lt, &[AddedRevision::TimeStamp, AddedRevision::Evidence]),
        ("B", Level::Lta, &[AddedRevision::TimeStamp, AddedRevision::Evidence, AddedRevision::TimeStamp]),
        ("T", Level::T, &[]),
        ("T", Level::Lt, &[AddedRevision::Evidence]),
        ("T", Level::Lta, &[AddedRevision::Evidence, AddedRevision::TimeStamp]),
        ("LT", Level::T, &[]),
        ("LT", Level::Lt, &[]),
        ("LT", Level::Lta, &[AddedRevision::TimeStamp]),
        ("LTA", Level::Lt, &[]),
        ("LTA", Level::Lta, &[]),
    ] {
        let (signed, raised) = (world.path(&format!("{from}.pdf")), world.path("raised.pdf"));
        let extended = extend(&desk, &signed, &raised, &Extension::to(to)).unwrap();
        assert_eq!(extended.raised().added, added, "{from} to {to:?}");
        let (before, after) = (fs::read(&signed).unwrap(), fs::read(&raised).unwrap());
        assert!(after.starts_with(&before), "an earlier byte changed");
        assert_eq!(after.len() == before.len(), added.is_empty());
        let level = from.parse::<Level>().unwrap().max(to).as_str();
        assert_eq!(world.told(&raised, to < Level::Lt), [passed(level)], "{from} to {to:?}");
        assert_eq!(extended.raised().reached.as_str(), level);
        if let Some(store) = Store::of(&raised) {
            store.is_tidy();
        }
        if to >= Level::Lt
            && let Some(verdicts) = pyhanko_lasting(&raised, &world.root)
        {
            // pyHanko asks for a time-stamp on the signature itself; a document time-stamp does not do.
            let known = if from == "B" { "SIG_CONSTRAINTS_FAILURE" } else { "OK" };
            assert!(
                verdicts.iter().all(|verdict| verdict.0.starts_with(known)),
                "{from} to {to:?}: {verdicts:?}"
            );
        }
        if let Some(verdicts) = pdfsig(&raised) {
            assert!(verdicts[0].accepted(), "{verdicts:?}");
        }
    }
    assert_eq!(person.uses(), used, "extending used the key");
}

/// A renewal adds what the last time-stamp needs, and nothing that is there.
#[test]
fn a_renewal_stores_nothing_twice() {
    let world = World::new();
    let person = world.person("Phạm Thị Bền");
    let (signed, renewed) = (world.path("lta.pdf"), world.path("renewed.pdf"));
    let desk = world.usual_desk(Level::Lta);
    person.sign(&desk, &decision(), &signed, None).unwrap();
    let before = Store::of(&signed).unwrap();
    extend(&desk, &signed, &renewed, &Extension::renewal()).unwrap();
    let after = Store::of(&renewed).unwrap();
    after.is_tidy();
    // The archive time-stamp is of the authority whose evidence is there.
    assert_eq!(after.count(), before.count());
    assert_eq!(archive_stamps(&world.judge(&renewed, false)), 2);
    assert_eq!(world.told(&renewed, false), [passed("LTA")]);
}

/// pyHanko's files extended by us.
#[test]
fn what_pyhanko_signed_is_extended_here() {
    let Some(pyhanko) = PyHanko::find() else { return };
    let world = World::new();
    let person = world.person("Lê Thị Mẫu");
    let (key, certificate, chain) = (world.path("key.pem"), world.path("cert.pem"), world.path("ca.pem"));
    fs::write(&key, person.key.to_pem().as_bytes()).unwrap();
    fs::write(&certificate, person.certificate.to_pem()).unwrap();
    fs::write(&chain, world.pki.pki().ca().certificate().to_pem()).unwrap();
    let path = |path: &Path| path.display().to_string();
    let usual =
        ["--key".to_owned(), path(&key), "--cert".into(), path(&certificate), "--chain".into(), path(&chain)];
    let tsa = ["--tsa".to_owned(), world.pki.tsa_url()];
    let lta = ["--lta".to_owned(), "--trust".into(), path(&world.root)];
    let host = world.pki.host();
    let root = path(&world.root);
    for (what, more, from) in [
        ("B-B", vec![], "B"),
        ("B-T", tsa.to_vec(), "T"),
        ("B-LTA", [&tsa[..], &lta].concat(), "LTA"),
        ("adbe.pkcs7.detached", [&tsa[..], &["--pkcs7".to_owned()]].concat(), "T"),
        ("certified, no changes", [&tsa[..], &["--certify".to_owned(), "1".into()]].concat(), "T"),
    ] {
        let (signed, raised, renewed) =
            (world.path("in.pdf"), world.path("out.pdf"), world.path("again.pdf"));
        pyhanko.sign(&decision(), &signed, &[&usual[..], &more].concat());
        let format = if what.starts_with("adbe") { "PKCS7" } else { "PAdES-BASELINE" };
        assert_eq!(world.told(&signed, true), [format!("TOTAL-PASSED {format}-{from}")], "{what}");
        let tsa_url = world.pki.tsa_url();
        let trusting = ["--trust", &root, "--allow-host", &host, "--tsa", &tsa_url, "--overwrite"];
        let done = kyso_extend(&signed, &raised, &[&["--to", "lta"][..], &trusting].concat());
        assert!(done.status.success(), "{what}: {}", text(&done.stderr));
        assert!(fs::read(&raised).unwrap().starts_with(&fs::read(&signed).unwrap()));
        let done = kyso_extend(&raised, &renewed, &[&["--to", "lta", "--renew"][..], &trusting].concat());
        assert!(done.status.success(), "{what}: {}", text(&done.stderr));
        for file in [&raised, &renewed] {
            assert_eq!(world.told(file, false), [format!("TOTAL-PASSED {format}-LTA")], "{what}");
            Store::of(file).unwrap().is_tidy();
            let verdicts = pyhanko.verify(file, &[&world.root]);
            assert!(
                verdicts.iter().all(super::super::support::PyHankoVerdict::accepted),
                "{what}: {verdicts:#?}"
            );
            let lasting = pyhanko_lasting(file, &world.root).unwrap();
            let known = if from == "B" { "SIG_CONSTRAINTS_FAILURE" } else { "OK" };
            assert!(lasting.iter().all(|one| one.0.starts_with(known) && one.2), "{what}: {lasting:?}");
        }
    }
}

/// Our files with evidence stored and renewed by pyHanko.
#[test]
fn what_pyhanko_extended_is_judged_here() {
    let Some(pyhanko) = PyHanko::find() else { return };
    let world = World::new();
    let person = world.person("Lê Thị Mẫu");
    let (signed, fixed, updated) = (world.path("t.pdf"), world.path("fixed.pdf"), world.path("updated.pdf"));
    person.sign(&world.usual_desk(Level::T), &decision(), &signed, None).unwrap();
    run(pyhanko
        .script("last_with_pyhanko.py")
        .arg("fix")
        .args([&signed, &fixed])
        .arg("--trust")
        .arg(&world.root));
    assert_eq!(world.told(&fixed, false), [passed("LT")]);
    let mut update = pyhanko.script("last_with_pyhanko.py");
    update.arg("update").args([&fixed, &updated]).arg("--trust").arg(&world.root);
    run(update.args(["--tsa", &world.pki.tsa_url()]));
    assert_eq!(world.told(&updated, false), [passed("LTA")]);

    // And on from there by us, into the store that pyHanko began.
    let again = world.path("again.pdf");
    extend(&world.usual_desk(Level::Lta), &updated, &again, &Extension::renewal()).unwrap();
    assert_eq!(world.told(&again, false), [passed("LTA")]);
    assert_eq!(archive_stamps(&world.judge(&again, false)), 2);
    // pyHanko's keys of /VRI are digests of the hexadecimal digits; ours, like most, of what they stand for.
    Store::of(&again).unwrap().holds_nothing_twice();
    let lasting = pyhanko_lasting(&again, &world.root).unwrap();
    assert_eq!(lasting, [("OK".to_owned(), "OK".to_owned(), true)]);
    // Ours, renewed by pyHanko.
    let ours = world.path("ours.pdf");
    person.sign(&world.usual_desk(Level::Lta), &decision(), &ours, None).unwrap();
    let mut update = pyhanko.script("last_with_pyhanko.py");
    update.arg("update").args([&ours, &updated]).arg("--trust").arg(&world.root);
    run(update.args(["--tsa", &world.pki.tsa_url()]));
    assert_eq!(world.told(&updated, false), [passed("LTA")]);
}

#[test]
fn what_cannot_be_extended_is_refused_and_leaves_nothing() {
    let world = World::new();
    let person = world.person("Phạm Thị Bền");
    let (signed, output) = (world.path("t.pdf"), world.path("out.pdf"));
    person.sign(&world.usual_desk(Level::T), &decision(), &signed, None).unwrap();
    let (root, host, tsa) = (world.root.display().to_string(), world.pki.host(), world.pki.tsa_url());
    let trusting = ["--trust", &root, "--allow-host", &host, "--tsa", &tsa];
    let whole = fs::read(&signed).unwrap();
    let mut changed = whole.clone();
    let at = changed.windows(9).position(|window| window == b"/Contents").unwrap() / 2;
    changed[at] ^= 1;
    let mut appended = whole.clone();
    appended.extend_from_slice(b"\n% more\n");
    let file = world.path("in");
    for (what, bytes, more, status, words) in [
        ("a changed byte", changed.clone(), &trusting[..], 65, "TOTAL-FAILED"),
        ("bytes behind the end", appended, &trusting, 65, ""),
        ("no signature", fs::read(decision()).unwrap(), &trusting, 65, "no signature"),
        ("no PDF", b"xin chao".to_vec(), &trusting, 65, "PDF"),
        ("no CMS", b"\x30\x82\x01\x01xin chao".to_vec(), &trusting, 65, ""),
        ("a container", b"PK\x03\x04....".to_vec(), &trusting, 65, "container"),
        ("cut short", whole[..whole.len() - 100].to_vec(), &trusting, 65, ""),
        ("nobody trusted", whole.clone(), &["--tsa", &tsa], 64, "--trust"),
        ("no authority", whole.clone(), &["--trust", &root, "--allow-host", &host], 64, "--tsa"),
        (
            "a dead authority",
            whole.clone(),
            &["--trust", &root, "--allow-host", &host, "--tsa", "http://127.0.0.1:9/"],
            69,
            "127.0.0.1:9",
        ),
        ("no evidence to be had", whole.clone(), &["--trust", &root, "--tsa", &tsa], 69, "try again later"),
    ] {
        fs::write(&file, &bytes).unwrap();
        let told = kyso_extend(&file, &output, &[&["--to", "lta"][..], more].concat());
        assert_eq!(told.status.code(), Some(status), "{what}: {}", text(&told.stderr));
        assert!(text(&told.stderr).contains(words), "{what}: {}", text(&told.stderr));
        assert!(!output.exists(), "{what} left an output");
        assert_eq!(fs::read(&file).unwrap(), bytes, "{what}: the input was touched");
    }
    // Told to, it extends what is not valid; that does not make it so.
    fs::write(&file, &changed).unwrap();
    let forced = [&["--to", "lta", "--even-if-not-valid"][..], &trusting].concat();
    let told = kyso_extend(&file, &output, &forced);
    assert!(told.status.success(), "{}", text(&told.stderr));
    assert!(world.told(&output, true)[0].starts_with("TOTAL-FAILED"));
    let told = kyso_extend(&file, &output, &[&["--to", "b"][..], &trusting].concat());
    assert_eq!(told.status.code(), Some(64));
}

/// The same in Vietnamese, by an option or by what the terminal is set to.
#[test]
fn what_was_done_is_told_in_vietnamese_too() {
    let world = World::new();
    let person = world.person("Phạm Thị Bền");
    let (signed, output) = (world.path("t.pdf"), world.path("out.pdf"));
    person.sign(&world.usual_desk(Level::T), &decision(), &signed, None).unwrap();
    let (root, host, tsa) = (world.root.display().to_string(), world.pki.host(), world.pki.tsa_url());
    let trusting = ["--to", "lta", "--trust", &root, "--allow-host", &host, "--tsa", &tsa];
    let told = kyso_extend(&signed, &output, &[&trusting[..], &["--lang", "vi"]].concat());
    assert!(told.status.success(), "{}", text(&told.stderr));
    let words = text(&told.stdout);
    for expected in ["đã gia hạn", "T -> LTA", "bằng chứng, dấu thời gian của tài liệu", "gia hạn trước"]
    {
        assert!(words.contains(expected), "{words}");
    }
    let told = kyso_extend(&signed, &output, &[&trusting[..], &["--lang", "vi"]].concat());
    assert!(text(&told.stderr).contains("đã có; hãy chọn tên khác"), "{}", text(&told.stderr));
    let told =
        kyso_extend(&decision(), &world.path("none.pdf"), &[&trusting[..], &["--lang", "vi"]].concat());
    assert_eq!(told.status.code(), Some(65));
    assert!(text(&told.stderr).contains("tài liệu không có chữ ký"), "{}", text(&told.stderr));
    let told =
        kyso_extend(&decision(), &world.path("none.pdf"), &[&trusting[..], &["--lang", "en"]].concat());
    assert!(text(&told.stderr).contains("no signature"), "{}", text(&told.stderr));
}

/// A signature whose certificate was revoked before it was made is not extended.
#[test]
fn a_revoked_signature_is_not_extended() {
    let world = World::new();
    let person = world.person("Người Bị Thu Hồi");
    let (signed, output) = (world.path("t.pdf"), world.path("out.pdf"));
    let now = world.clock.now();
    person.sign(&world.usual_desk(Level::T), &decision(), &signed, None).unwrap();
    world.pki.pki().revoke(person.certificate.serial(), now - super::world::DAY, Some(1)).unwrap();
    let refused =
        extend(&world.usual_desk(Level::T), &signed, &output, &Extension::to(Level::Lt)).unwrap_err();
    assert!(matches!(refused, ExtendError::NotValid { may_pass: false, .. }), "{refused}");
    assert!(!output.exists());
}

/// One flipped bit anywhere in an extended file is never valid, or changes nothing that counts.
#[test]
fn one_changed_byte_in_an_extended_file_is_never_valid() {
    let world = World::new();
    let person = world.person("Một Bit");
    let signed = world.path("lta.pdf");
    person.sign(&world.usual_desk(Level::Lta), &decision(), &signed, None).unwrap();
    let bytes = fs::read(&signed).unwrap();
    let policy = kyso::validation::Policy::strict();
    let before = world.judge_with(bytes.clone(), false, &policy);
    let last_hole = bytes.windows(9).rposition(|window| window == b"/Contents").unwrap();
    let last_hole = last_hole..last_hole + bytes[last_hole..].iter().position(|&byte| byte == b'>').unwrap();
    let first_hole = bytes.windows(9).position(|window| window == b"/Contents").unwrap();
    let first_hole =
        first_hole..first_hole + bytes[first_hole..].iter().position(|&byte| byte == b'>').unwrap();
    for at in (0..bytes.len()).step_by(bytes.len() / 211) {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        let (anchors, limits) = (world.anchors(), kyso::base::Limits::default());
        let source = std::sync::Arc::new(kyso::base::MemorySource(changed));
        let Ok(inspection) = kyso::validation::Inspection::open(source, &limits) else { continue };
        let report = inspection.judge("a.pdf", &policy, &anchors, world.clock.now());
        if last_hole.contains(&at) || first_hole.contains(&at) {
            // Unsigned parts of the archive time-stamp; a changed one may go unneeded. Nobody else may have signed.
            let same = report.signatures[0].signed_by == before.signatures[0].signed_by;
            assert!(same || report.overall != kyso::validation::Overall::Valid, "byte {at}");
        } else {
            assert_ne!(report.overall, kyso::validation::Overall::Valid, "byte {at}: {:?}", told(&report));
        }
    }
}

/// `--help` names what there is.
#[test]
fn help_tells_the_levels() {
    let told = Command::new(env!("CARGO_BIN_EXE_kyso")).args(["extend", "--help"]).output().unwrap();
    let help = text(&told.stdout);
    for word in
        ["--to", "--renew", "--even-if-not-valid", "--after-signature", "--tsa", "--trust", "--allow-host"]
    {
        assert!(help.contains(word), "{word} is not in\n{help}");
    }
}
