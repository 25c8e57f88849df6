//! Certification signatures (ISO 32000-2 section 12.8.2.2).

use std::fs;

use kyso::token::provision::NewKeyKind;

use super::{Bench, attributes, desks, fill, form, refused, signed, verdict};
use crate::{
    pen::{sample, text},
    support::{self, PyHanko},
};

/// A certified first signature, then the agency's: valid for everybody on every token; what is not permitted is not.
#[test]
fn a_certified_document_takes_the_agencys_signature_and_no_more_than_it_permits() {
    let mut tokens = 0;
    for desk in desks() {
        tokens += 1;
        let tsa = desk.pki.tsa_url();
        for (word, level) in [("2", 2), ("fill-and-sign", 2), ("annotate", 3)] {
            let leader = signed(&desk, &sample(), "leader.pdf", &["--certify", word, "--tsa", &tsa]);
            desk.everybody_accepts(&leader, 1);
            let (_, signatures) = verdict(&desk, &leader);
            assert_eq!(signatures[0]["certificationLevel"], level);
            if let Some(told) = attributes(&leader) {
                assert_eq!(
                    (&told[0]["docmdp"], &told[0]["certifies"]),
                    (&level.into(), &true.into()),
                    "{told}"
                );
            }
            let agency = signed(&desk, &leader, "agency.pdf", &["--tsa", &tsa, "--reason", "Phát hành"]);
            desk.everybody_accepts(&agency, 2);
            let (_, signatures) = verdict(&desk, &agency);
            assert_eq!(signatures[0]["modificationLevel"], "permitted");
            assert!(signatures[1].get("certificationLevel").is_none());
        }
        let last = signed(&desk, &sample(), "last.pdf", &["--certify", "no-changes"]);
        desk.everybody_accepts(&last, 1);
        assert!(refused(&desk, &last, &[], 65).contains("permits no further change"));
    }
    assert!(tokens >= 2, "{tokens} tokens");
    println!("certified on {tokens} tokens and keys, three levels each");
}

/// Where it stands in the file does not matter: every cross-reference kind, with and without a form.
#[test]
fn every_kind_of_file_is_certified() {
    let desk = Bench::embedded(NewKeyKind::P256);
    let mut files = vec![sample(), desk.folder.path().join("form.pdf")];
    fs::write(&files[1], form("")).unwrap();
    if let Some(shared) = support::shared() {
        let names = ["qd-classic-1.4", "qd-xref-stream", "qd-linearized", "quyet-dinh-pdfa2", "qd-rotated"];
        files.extend(names.map(|name| shared.join(format!("data/{name}.pdf"))));
    }
    for file in &files {
        let certified = signed(&desk, file, "certified.pdf", &["--certify", "2"]);
        desk.everybody_accepts(&certified, 1);
        let twice = signed(&desk, &certified, "twice.pdf", &[]);
        desk.everybody_accepts(&twice, 2);
    }
    println!("{} kinds of files certified and signed again", files.len());
}

#[test]
fn only_a_first_signature_certifies_and_none_does_unasked() {
    let desk = Bench::embedded(NewKeyKind::P256);
    let plain = signed(&desk, &sample(), "plain.pdf", &[]);
    let bytes = fs::read(&plain).unwrap();
    for word in ["/Perms", "/DocMDP", "/Reference"] {
        assert!(!text(&bytes).contains(word), "an approval signature with {word}");
    }
    assert!(refused(&desk, &plain, &["--certify", "2"], 65).contains("first signature"));
    let certified = signed(&desk, &sample(), "certified.pdf", &["--certify", "2"]);
    assert!(refused(&desk, &certified, &["--certify", "2"], 65).contains("first signature"));
    for wrong in ["0", "4", "all"] {
        refused(&desk, &sample(), &["--certify", wrong], 64);
    }
    // A document time-stamp is a signature of the file as well.
    let Some(pyhanko) = PyHanko::find() else { return };
    let stamped = desk.folder.path().join("stamped.pdf");
    let tsa = desk.pki.tsa_url();
    pyhanko.sign(
        &sample(),
        &stamped,
        &["--timestamp-only", "--tsa", &tsa, "--trust", &desk.root.display().to_string()],
    );
    assert!(refused(&desk, &stamped, &["--certify", "2"], 65).contains("first signature"));
}

/// Filling in is permitted at level 2, and at level 1 it is not: for both judges.
#[test]
fn both_judges_see_what_a_certification_permits() {
    let desk = Bench::embedded(NewKeyKind::Rsa2048);
    let input = desk.folder.path().join("form.pdf");
    fs::write(&input, form("")).unwrap();
    for (level, permitted) in [("1", false), ("2", true), ("3", true)] {
        let certified = signed(&desk, &input, "certified.pdf", &["--certify", level, "--field", "first"]);
        let filled = desk.folder.path().join("filled.pdf");
        fs::write(&filled, fill(&fs::read(certified).unwrap(), "a", "100")).unwrap();
        let (overall, _) = verdict(&desk, &filled);
        assert_eq!(overall, if permitted { "valid" } else { "invalid" }, "level {level}");
        if let Some(pyhanko) = PyHanko::find() {
            let [judged] = pyhanko.verify(&filled, &[&desk.root]).try_into().unwrap();
            assert_eq!(judged.accepted(), permitted, "level {level}: {judged:?}");
        }
    }
}
