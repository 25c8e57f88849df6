//! Locks of fields (ISO 32000-2 section 12.8.2.4).

use std::fs;

use kyso::token::provision::NewKeyKind;
use serde_json::json;

use super::{Bench, attributes, desks, fill, form, refused, signed, verdict, with_fields};
use crate::support::PyHanko;

/// A signature in a field whose `/Lock` the author wrote: the lock goes into the signature, and both judges keep it.
#[test]
fn a_fields_own_lock_goes_into_the_signature_and_binds() {
    let mut tokens = 0;
    for desk in desks() {
        tokens += 1;
        let (plain, input) = (desk.folder.path().join("plain.pdf"), desk.folder.path().join("form.pdf"));
        fs::write(&plain, form("")).unwrap();
        let lock = json!([{ "name": "khoa", "lock": { "action": "Include", "fields": ["a"] } }]);
        if with_fields(&plain, &input, &lock).is_none() {
            return;
        }
        let once = signed(&desk, &input, "once.pdf", &["--field", "khoa"]);
        desk.everybody_accepts(&once, 1);
        let told = attributes(&once).unwrap();
        assert_eq!(told[0]["fieldmdp"], json!({ "action": "/Include", "fields": ["a"] }));
        judged(&desk, &once, "a", false);
        judged(&desk, &once, "group.b", true);
        let twice = signed(&desk, &once, "twice.pdf", &["--field", "second"]);
        desk.everybody_accepts(&twice, 2);
    }
    println!("locked on {tokens} tokens and keys");
}

/// Whether filling a field after the signature is taken, by kyso and by pyHanko.
fn judged(desk: &Bench, signed: &std::path::Path, field: &str, taken: bool) {
    let filled = desk.folder.path().join("filled.pdf");
    fs::write(&filled, fill(&fs::read(signed).unwrap(), field, "100")).unwrap();
    let (overall, signatures) = verdict(desk, &filled);
    assert_eq!(overall, if taken { "valid" } else { "invalid" }, "{field}: {signatures:#?}");
    if let Some(pyhanko) = PyHanko::find() {
        let verdicts = pyhanko.verify(&filled, &[&desk.root]);
        let accepted = verdicts.iter().all(crate::support::PyHankoVerdict::accepted);
        assert_eq!(accepted, taken, "{field}: {verdicts:#?}");
    }
}

#[test]
fn locks_that_are_asked_for_bind() {
    let desk = Bench::embedded(NewKeyKind::P256);
    let input = desk.folder.path().join("form.pdf");
    fs::write(&input, form("")).unwrap();
    for (lock, a, b) in [
        ("all", false, false),
        ("include:a", false, true),
        ("include:group", true, false),
        ("exclude:a", true, false),
        ("exclude:group.b", false, true),
    ] {
        // In a field of its own, and in one that was there.
        for field in ["moi", "first"] {
            let once = signed(&desk, &input, "once.pdf", &["--field", field, "--lock", lock]);
            desk.everybody_accepts(&once, 1);
            judged(&desk, &once, "a", a);
            judged(&desk, &once, "group.b", b);
        }
    }
}

/// A new field says what it locks for those who look at fields, with the level of PDF 2.0.
#[test]
fn a_new_field_tells_its_lock_and_its_level_binds() {
    let desk = Bench::embedded(NewKeyKind::P256);
    let input = desk.folder.path().join("form.pdf");
    fs::write(&input, form("")).unwrap();
    let open =
        signed(&desk, &input, "open.pdf", &["--field", "moi", "--lock", "include:a", "--lock-level", "2"]);
    desk.everybody_accepts(&open, 1);
    let told = attributes(&open);
    if let Some(told) = told {
        assert_eq!(told[0]["docmdp"], 2, "{told}");
        assert_eq!(told[0]["certifies"], false);
    }
    let listed = super::kyso(&["fields", &open.display().to_string(), "--json"]);
    let listed: serde_json::Value = serde_json::from_slice(&listed.stdout).unwrap();
    assert_eq!(listed["fields"][2]["lock"], json!({ "action": "include", "fields": ["a"], "level": 2 }));
    let closed = signed(&desk, &open, "closed.pdf", &["--lock", "all", "--lock-level", "no-changes"]);
    desk.everybody_accepts(&closed, 2);
    judged(&desk, &closed, "group.b", false);
    assert!(refused(&desk, &closed, &[], 65).contains("permits no further change"));
    assert!(refused(&desk, &closed, &["--field", "second"], 65).contains("permits no further change"));
    // A time-stamp of the whole document may follow even then.
    if let Some(pyhanko) = PyHanko::find() {
        let stamped = desk.folder.path().join("stamped.pdf");
        let (tsa, root) = (desk.pki.tsa_url(), desk.root.display().to_string());
        pyhanko.sign(
            &closed,
            &stamped,
            &["--timestamp-only", "--tsa", &tsa, "--trust", &root, "--field", "Dau"],
        );
        assert_eq!(verdict(&desk, &stamped).0, "valid");
    }
}

#[test]
fn what_an_earlier_signature_locked_is_not_signed() {
    let desk = Bench::embedded(NewKeyKind::P256);
    let input = desk.folder.path().join("form.pdf");
    fs::write(&input, form("")).unwrap();
    for lock in ["include:second", "all", "exclude:a,group"] {
        let once = signed(&desk, &input, "once.pdf", &["--field", "first", "--lock", lock]);
        assert!(refused(&desk, &once, &["--field", "second"], 65).contains("locked"), "{lock}");
        if lock.starts_with("include") {
            let twice = signed(&desk, &once, "twice.pdf", &[]);
            desk.everybody_accepts(&twice, 2);
        } else {
            // What locks all fields locks those that come later, as pyHanko sees it too.
            assert!(refused(&desk, &once, &[], 65).contains("locked"), "{lock}");
            assert!(refused(&desk, &once, &["--field", "moi"], 65).contains("locked"), "{lock}");
        }
    }
}

#[test]
fn a_lock_of_the_author_is_not_replaced_and_a_broken_one_not_signed() {
    let desk = Bench::embedded(NewKeyKind::P256);
    let input = desk.folder.path().join("form.pdf");
    let lock = |what: &str| form(&format!("/Lock << /Type /SigFieldLock {what} >>"));
    fs::write(&input, lock("/Action /Include /Fields [(a)]")).unwrap();
    let same = signed(&desk, &input, "same.pdf", &["--field", "first", "--lock", "include:a"]);
    desk.everybody_accepts(&same, 1);
    assert!(refused(&desk, &input, &["--field", "first", "--lock", "all"], 65).contains("/Lock"));
    for broken in [
        "/Action /Some",
        "",
        "/Action /Include",
        "/Action /Exclude /Fields [1]",
        "/Action /All /P 4",
        "/Action /All /P /x",
    ] {
        fs::write(&input, lock(broken)).unwrap();
        assert!(refused(&desk, &input, &["--field", "first"], 65).contains("/Lock"), "{broken}");
    }
    // Without a lock of its own, an old field cannot say what the document permits.
    fs::write(&input, form("")).unwrap();
    let told = refused(&desk, &input, &["--field", "first", "--lock", "all", "--lock-level", "1"], 65);
    assert!(told.contains("only a new field"), "{told}");
}
