//! Files with a broken cross-reference: rebuilt when it is asked for, and said so.

use std::{fs, process::Command};

use kyso::token::provision::NewKeyKind;
use serde_json::Value;

use super::desk::{Desk, Others, sample, text};
use crate::support::{self, run, tool};

/// The text of a whole file with classic table and plain objects.
fn plain(desk: &Desk, streams: &str) -> Option<Vec<u8>> {
    let out = desk.at("plain.pdf");
    let mut command = Command::new(tool("qpdf")?);
    command.arg(format!("--object-streams={streams}"));
    run(command.arg(sample()).arg(&out));
    Some(fs::read(out).unwrap())
}

fn replaced(file: &[u8], from: &str, to: &str) -> Vec<u8> {
    let at = file.windows(from.len()).rposition(|window| window == from.as_bytes()).expect(from);
    [&file[..at], to.as_bytes(), &file[at + from.len()..]].concat()
}

#[test]
fn broken_cross_references_are_rebuilt_only_on_demand() {
    let desk = Desk::embedded(NewKeyKind::P256);
    let (Some(table), Some(stream)) = (plain(&desk, "disable"), plain(&desk, "generate")) else { return };
    let cut = |file: &[u8], word: &str| {
        let at = file.windows(word.len()).rposition(|window| window == word.as_bytes()).expect(word);
        file[..at].to_vec()
    };
    for (what, file, keys) in [
        (
            "startxref elsewhere",
            replaced(&table, "startxref\n", "startxref\n1"),
            &["cross-reference", "objects"][..],
        ),
        ("cut before the table", cut(&table, "xref\n0 "), &["trailer"]),
        ("cut before the end", cut(&table, "startxref"), &["objects"]),
        ("a stream's table cut off", cut(&stream, "startxref"), &["objects"]),
        ("bytes put in front", [b"\n\n\n".as_slice(), &table].concat(), &["header"]),
        ("an older object again", appended(&table), &["twice"]),
        ("a wrong length", wrong_length(&table), &["length"]),
    ] {
        let pdf = desk.put("broken.pdf", &file);
        let (status, _) = desk.verify(&pdf, None);
        if what != "a wrong length" {
            desk.must_refuse(&pdf, &[], 65, "--repair", what);
            assert_eq!(status, Some(65), "{what}: the judge repairs nothing");
        }
        let signed = desk.at("repaired.pdf");
        let told = desk.sign(&pdf, &signed, &["--repair", "--json"]);
        assert!(told.status.success(), "{what}: {}", text(&told.stderr));
        assert_eq!(fs::read(&pdf).unwrap(), file, "{what}: the input was touched");
        let told: Value = serde_json::from_slice(&told.stdout).unwrap();
        let found: Vec<&str> =
            told["repair"].as_array().unwrap().iter().filter_map(|one| one["key"].as_str()).collect();
        for key in keys {
            assert!(found.contains(key), "{what}: {told:#}");
        }
        desk.everybody_accepts(&signed, 1, &Others::PLAIN, what);
        looks_the_same(&signed, what);
        fs::remove_file(signed).unwrap();
    }
}

/// The same text, and the same picture.
fn looks_the_same(signed: &std::path::Path, what: &str) {
    if let Some(pdftotext) = tool("pdftotext") {
        let read = |file: &std::path::Path| run(Command::new(&pdftotext).arg(file).arg("-")).stdout;
        assert_eq!(read(signed), read(&sample()), "{what}");
    }
    if let Some(pdftoppm) = tool("pdftoppm") {
        let picture =
            |file: &std::path::Path| run(Command::new(&pdftoppm).args(["-r", "40"]).arg(file)).stdout;
        assert_eq!(picture(signed), picture(&sample()), "{what}");
    }
}

/// The catalog once more at the end, without a table that says so, and the table broken.
fn appended(table: &[u8]) -> Vec<u8> {
    let broken = replaced(table, "startxref\n", "startxref\n1");
    let document = kyso::pdf::Document::open(
        std::sync::Arc::new(kyso::base::MemorySource(table.to_vec())),
        &kyso::base::Limits::default(),
    )
    .unwrap();
    let Some(kyso::pdf::Object::Reference(root)) = document.trailer().get("Root").cloned() else { panic!() };
    let mut catalog = Vec::new();
    document.object(root).unwrap().write(&mut catalog);
    let object = format!("\n{} {} obj\n{}\nendobj\n", root.0, root.1, text(&catalog));
    [broken, object.into_bytes()].concat()
}

/// A stream that says to be shorter than it is.
fn wrong_length(table: &[u8]) -> Vec<u8> {
    let at = table.windows(8).position(|window| window == b"/Length ").unwrap() + 8;
    let digits = table[at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let number: u64 = text(&table[at..at + digits]).parse().unwrap();
    let wrong = format!("{:0width$}", number - 3, width = digits);
    [&table[..at], wrong.as_bytes(), &table[at + digits..]].concat()
}

#[test]
fn what_cannot_be_rebuilt_is_refused() {
    let desk = Desk::embedded(NewKeyKind::P256);
    let Some(table) = plain(&desk, "disable") else { return };
    let signed = fs::read(desk.must_sign(&sample(), &[], "base")).unwrap();
    let encrypted = desk.at("encrypted.pdf");
    support::encrypt((&sample(), &encrypted), ["", "o"], &["256"], &[]).unwrap();
    let encrypted = fs::read(encrypted).unwrap();
    let root = table.windows(8).rposition(|window| window == b"/Catalog").unwrap();
    let mut no_catalog = replaced(&table, "trailer", "tr4iler");
    no_catalog[root + 1] = b'X';
    let no_catalog = replaced(&no_catalog, "startxref\n", "startxref\n1");
    // Found by fuzzing: the field has a value, of which nothing tells that it is a signature.
    let field = b"\n99 0 obj\n<</FT/Sig/T(a)/V 1 0 R>>\nendobj\n";
    let field = [&replaced(&table, "startxref\n", "startxref\n1")[..], field].concat();
    for (what, file, words) in [
        ("a field with a value", field, "it holds a signature"),
        ("a signature", replaced(&signed, "startxref\n", "startxref\n1"), "it holds a signature"),
        ("encrypted", replaced(&encrypted, "startxref\n", "startxref\n1"), "it is encrypted"),
        ("no catalog", no_catalog, "no catalog was found"),
        ("no PDF", b"xin chao".to_vec(), "no catalog was found"),
        ("empty", Vec::new(), "no catalog was found"),
    ] {
        desk.must_refuse(&desk.put("broken.pdf", &file), &["--repair"], 65, words, what);
    }
}

/// A sound file is left as it is.
#[test]
fn a_sound_file_is_not_rebuilt() {
    let desk = Desk::embedded(NewKeyKind::P256);
    let signed = desk.must_sign(&sample(), &["--repair"], "sound");
    desk.everybody_accepts(&signed, 1, &Others::PLAIN, "sound");
    // Also one that holds a signature already.
    let once = desk.put("once.pdf", &fs::read(signed).unwrap());
    let twice = desk.must_sign(&once, &["--repair"], "signed and sound");
    desk.everybody_accepts(&twice, 2, &Others::PLAIN, "signed and sound");
}

/// Every cut and many flipped bytes: rebuilt into a sound file or refused, never a panic.
#[test]
fn nothing_that_is_broken_makes_a_rebuild_fail_badly() {
    let desk = Desk::embedded(NewKeyKind::P256);
    for streams in ["disable", "generate"] {
        let Some(whole) = plain(&desk, streams) else { return };
        let limits = kyso::base::Limits::default();
        let fault = || kyso::pdf::PdfError::Damaged { offset: 0, what: "a test".to_owned() };
        let (mut sound, mut refused) = (0, 0);
        for at in (0..whole.len()).step_by(whole.len() / 150) {
            let mut flipped = whole.clone();
            flipped[at] ^= 0x11;
            for broken in [whole[..at].to_vec(), flipped] {
                let source: std::sync::Arc<dyn kyso::base::Source> =
                    std::sync::Arc::new(kyso::base::MemorySource(broken));
                let mut out = Vec::new();
                match kyso::pdf::rebuild(&source, &limits, &fault(), &mut out) {
                    Ok(findings) => {
                        assert!(!findings.is_empty());
                        let rebuilt = std::sync::Arc::new(kyso::base::MemorySource(out));
                        match kyso::pdf::Document::open(rebuilt, &limits) {
                            Ok(document) => {
                                assert_eq!(document.revisions().len(), 1);
                                sound += 1;
                            }
                            Err(_) => refused += 1,
                        }
                    }
                    Err(_) => refused += 1,
                }
            }
        }
        println!("{streams}: {sound} rebuilt, {refused} refused");
        assert!(sound > 100, "{streams}: only {sound} were rebuilt");
    }
}
