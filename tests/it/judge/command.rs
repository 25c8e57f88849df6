//! `kyso verify`: exit statuses, JSON, words.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use kyso::validation::{Evidence, Overall, Report};

use super::world::*;

struct Desk {
    folder: tempfile::TempDir,
}

impl Desk {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn put(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        path
    }

    fn verify<A: AsRef<std::ffi::OsStr>>(&self, arguments: &[A]) -> (Option<i32>, String, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kyso"));
        command.arg("verify").args(arguments).current_dir(self.folder.path());
        command.env_remove("LC_ALL").env_remove("LC_MESSAGES").env("LANG", "C.UTF-8");
        let Output { status, stdout, stderr } = command.output().unwrap();
        (status.code(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
    }
}

/// Files of every kind, with all that the valid ones need inside.
fn files(desk: &Desk) {
    let world = &*WORLD;
    desk.put("root.pem", world.root.certificate.to_pem().as_bytes());
    let evidence: Vec<Evidence> = vec![world.root_list(day("05-20")), world.ca_list(day("05-30"))];
    let signed = world.sign(&plain_pdf(), &world.person);
    let valid = append_store(&world.sign_stamped(&signed, &world.agency, day("05-31")), &evidence);
    let mut changed = valid.clone();
    let at = changed.windows(8).position(|window| window == b"Xin chao").unwrap();
    changed[at] = b'Y';
    desk.put("valid.pdf", &valid);
    desk.put("changed.pdf", &changed);
    desk.put("unknown.pdf", &signed);
    desk.put("plain.pdf", &plain_pdf());
    desk.put("broken.pdf", b"%PDF-1.7\nnothing else");
    let mut encrypted = plain_pdf();
    let at = encrypted.windows(9).position(|window| window == b"/Root 1 0").unwrap();
    encrypted.splice(at..at, *b"/Encrypt << /Filter /Standard >> ");
    desk.put("encrypted.pdf", &encrypted);
}

#[test]
fn exit_statuses_are_the_contract() {
    let desk = Desk::new();
    files(&desk);
    let base = ["--trust", "root.pem", "--offline", "--at", "2026-06-01T07:00:00+07:00"];
    for (files, expected) in [
        (&["valid.pdf"][..], 0),
        (&["changed.pdf"], 1),
        (&["unknown.pdf"], 2),
        (&["plain.pdf"], 3),
        (&["broken.pdf"], 65),
        (&["encrypted.pdf"], 65),
        (&["absent.pdf"], 65),
        (&["valid.pdf", "plain.pdf"], 3),
        (&["plain.pdf", "unknown.pdf", "valid.pdf"], 2),
        (&["changed.pdf", "unknown.pdf"], 1),
        (&["changed.pdf", "broken.pdf", "valid.pdf"], 65),
    ] {
        for json in [false, true] {
            let mut arguments = [files, &base].concat();
            if json {
                arguments.push("--json");
            }
            let (status, out, err) = desk.verify(&arguments);
            assert_eq!(status, Some(expected), "{files:?}\n{out}\n{err}");
            if json {
                let report: Report = serde_json::from_str(&out).unwrap();
                assert_eq!(report.documents.len() + report.unreadable.len(), files.len());
            }
        }
    }
    for (arguments, expected) in [
        (&["--help"][..], 0),
        (&[], 64),
        (&["--no-such-thing", "valid.pdf"], 64),
        (&["valid.pdf", "--at", "yesterday"], 64),
        (&["valid.pdf", "--trust", "absent.pem"], 64),
        (&["valid.pdf", "--trust", "valid.pdf"], 64),
        (&["valid.pdf", "--offline", "--at", "2026-06-01T00:00:00Z"], 2),
    ] {
        assert_eq!(desk.verify(arguments).0, Some(expected), "{arguments:?}");
    }
}

#[test]
fn the_json_fits_its_schema() {
    let desk = Desk::new();
    files(&desk);
    let names = ["valid.pdf", "changed.pdf", "unknown.pdf", "plain.pdf", "broken.pdf", "encrypted.pdf"];
    let at = ["--trust", "root.pem", "--offline", "--json", "--at", "2026-06-01T00:00:00Z"];
    let (_, out, _) = desk.verify(&[&names[..], &at].concat());
    let report: Report = serde_json::from_str(&out).unwrap();
    let overall: Vec<_> = report.documents.iter().map(|document| document.overall).collect();
    assert_eq!(overall, [Overall::Valid, Overall::Invalid, Overall::Indeterminate, Overall::Unsigned]);
    assert_eq!(report.documents[0].sha256, sha256(&desk.folder.path().join("valid.pdf")));

    let schema: serde_json::Value =
        serde_json::from_str(include_str!("../../../docs/verify.schema.json")).unwrap();
    let value: serde_json::Value = serde_json::from_str(&out).unwrap();
    let faults = super::schema::faults(&schema, &schema, &value, "$");
    assert!(faults.is_empty(), "{faults:#?}\n{out}");
    // The schema catches what it should: a valid document may not hold a failed signature, nor an unknown field.
    for (pointer, wrong) in [
        ("/documents/1/overall", serde_json::json!("valid")),
        ("/documents/0/signatures/0/digestMatches", serde_json::json!(false)),
        ("/documents/0/signatures/0/errors", serde_json::json!([{"key": "no.such.key", "message": "x"}])),
        ("/documents/0/sha256", serde_json::json!("00")),
        ("/documents/0/signatures/0", serde_json::json!({"id": "S-1"})),
    ] {
        let mut changed = value.clone();
        *changed.pointer_mut(pointer).unwrap() = wrong;
        assert!(!super::schema::faults(&schema, &schema, &changed, "$").is_empty(), "{pointer}");
    }
}

#[test]
fn people_are_told_in_their_language() {
    let desk = Desk::new();
    files(&desk);
    let at = ["--trust", "root.pem", "--offline", "--at", "2026-06-01T00:00:00Z"];
    let (_, english, _) =
        desk.verify(&[&["valid.pdf", "changed.pdf", "unknown.pdf", "plain.pdf"][..], &at].concat());
    for words in [
        "✔ valid.pdf: The signatures are valid",
        "✖ changed.pdf: Not valid",
        "⚠ unknown.pdf: No conclusion is possible yet",
        "○ plain.pdf: The document has no digital signature",
        "Nguyễn Văn A, UBND phường An Hội",
        "2026-05-31T00:00:00Z (proven by a time-stamp)",
        "The content was changed after signing.",
        "[status.unknown]",
        "→ Run it again without --offline, or ask the sender.",
    ] {
        assert!(english.contains(words), "{words}\n{english}");
    }
    let (_, vietnamese, _) = desk.verify(&[&["changed.pdf", "valid.pdf", "--lang", "vi"][..], &at].concat());
    for words in
        ["✖ changed.pdf: Không hợp lệ", "Nội dung đã bị thay đổi sau khi ký.", "31/05/2026 07:00:00 +07:00"]
    {
        assert!(vietnamese.contains(words), "{words}\n{vietnamese}");
    }
    assert_eq!(desk.verify(&[&["valid.pdf", "--password", "x"][..], &at].concat()).0, Some(0));
    let (_, encrypted, _) = desk.verify(&[&["encrypted.pdf"][..], &at].concat());
    assert!(encrypted.contains("[file.encryption]"), "{encrypted}");
}

/// A folder with all of it, in two levels.
fn folder(desk: &Desk) {
    files(desk);
    let at = |name: &str| desk.folder.path().join(name);
    fs::create_dir_all(at("in/b")).unwrap();
    for (from, to) in [
        ("valid.pdf", "in/1.pdf"),
        ("changed.pdf", "in/b/2.PDF"),
        ("plain.pdf", "in/c.pdf"),
        ("broken.pdf", "in/d.pdf"),
        ("unknown.pdf", "in/e.pdf"),
    ] {
        fs::copy(at(from), at(to)).unwrap();
    }
    fs::write(at("in/notes.txt"), "no PDF").unwrap();
    std::os::unix::fs::symlink(at("in"), at("in/b/loop")).unwrap();
}

const OFFLINE: [&str; 5] = ["--trust", "root.pem", "--offline", "--at", "2026-06-01T00:00:00Z"];
const INSIDE: [&str; 5] = ["in/1.pdf", "in/b/2.PDF", "in/c.pdf", "in/d.pdf", "in/e.pdf"];

#[test]
fn a_folder_is_judged_whole_and_in_order() {
    let desk = Desk::new();
    folder(&desk);
    let (status, out, err) = desk.verify(&[&["in", "--format", "jsonl"][..], &OFFLINE].concat());
    assert_eq!(status, Some(65), "{err}");
    let lines: Vec<serde_json::Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let told: Vec<_> = lines
        .iter()
        .map(|line| {
            let overall = line["overall"].as_str().or(line["error"]["key"].as_str());
            (line["name"].as_str().unwrap(), overall.unwrap())
        })
        .collect();
    let words = ["valid", "invalid", "unsigned", "file.damaged", "indeterminate"];
    assert_eq!(told, INSIDE.into_iter().zip(words).collect::<Vec<_>>());
    let left_out = [
        "left out: in/b/loop: a link to a folder, which is not followed\n",
        "left out: in/notes.txt: not of a format that holds signatures, and no signature beside it is about it\n",
    ];
    assert_eq!(err, left_out.concat(), "what is no terminal is told no progress");

    // A line is what the one document of --json holds.
    let (_, json, _) = desk.verify(&[&["in", "--json"][..], &OFFLINE].concat());
    let report: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(report["documents"][0], lines[0]);
    assert_eq!(report["unreadable"][0], lines[3]);

    for format in ["text", "json", "jsonl", "etsi"] {
        let with = |jobs| desk.verify(&[&["in", "--format", format, "--jobs", jobs][..], &OFFLINE].concat());
        let one = with("1");
        assert_eq!(one.0, Some(65), "{format}");
        assert_eq!(one, with("8"), "{format}: the answer does not depend on the number of threads");
    }
    let without = |arguments: &[&str]| desk.verify(&[arguments, &OFFLINE].concat()).0;
    assert_eq!(without(&["in/1.pdf", "--json", "--format", "json"]), Some(64));
    assert_eq!(without(&["in/1.pdf", "--jobs", "0"]), Some(64));
    assert_eq!(without(&["in/1.pdf", "in/c.pdf"]), Some(3));
}

#[test]
fn a_folder_without_documents_is_not_all_well() {
    let desk = Desk::new();
    files(&desk);
    fs::create_dir(desk.folder.path().join("empty")).unwrap();
    let (status, out, _) = desk.verify(&[&["empty", "valid.pdf"][..], &OFFLINE].concat());
    assert_eq!(status, Some(65));
    assert!(
        out.contains("✖ empty") && out.contains("There is no file in this folder that may hold signatures."),
        "{out}"
    );
    assert!(out.contains("✔ valid.pdf"), "{out}");
}

#[test]
fn the_etsi_report_tells_every_file() {
    let desk = Desk::new();
    folder(&desk);
    let (status, xml, _) = desk.verify(&[&["in", "--format", "etsi"][..], &OFFLINE].concat());
    assert_eq!(status, Some(65));
    assert!(xml.starts_with("<?xml version=\"1.0\" encoding=\"UTF-8\"?>"), "{xml}");
    let count = |what: &str| xml.matches(what).count();
    assert_eq!(
        count("<SignatureValidationReport>"),
        7,
        "two signatures, two, one, and two files without\n{xml}"
    );
    for (indication, files) in [("total-passed", 2), ("total-failed", 2), ("indeterminate", 2)] {
        let uri = format!("<MainIndication>urn:etsi:019102:mainindication:{indication}</MainIndication>");
        assert_eq!(count(&uri), files, "{indication}\n{xml}");
    }
    assert_eq!(count("noSignatureFound"), 1);
    assert_eq!(count("urn:kyso:validation:error:digest.mismatch"), 2);
    assert_eq!(count("urn:kyso:validation:error:file.damaged"), 1);
    let Some(lint) = crate::support::tool("xmllint") else { return };
    let path = desk.put("report.xml", xml.as_bytes());
    crate::support::run(Command::new(lint).arg("--noout").arg("--nonet").arg(path));
}

#[test]
fn progress_is_shown_on_a_terminal() {
    let desk = Desk::new();
    folder(&desk);
    let Some(script) = crate::support::tool("script") else { return };
    let run = format!(
        "'{}' verify in --format jsonl --trust root.pem --offline --at 2026-06-01T00:00:00Z > out.jsonl",
        env!("CARGO_BIN_EXE_kyso")
    );
    let mut command = Command::new(script);
    command.args(["-q", "-e", "-c", &run, "typescript"]).current_dir(desk.folder.path()).env("TERM", "xterm");
    let Output { status, stdout, .. } = command.output().unwrap();
    assert_eq!(status.code(), Some(65));
    let shown = String::from_utf8_lossy(&stdout);
    assert!(shown.contains("/5 "), "{shown:?}");
    let out = fs::read_to_string(desk.folder.path().join("out.jsonl")).unwrap();
    assert_eq!(out.lines().count(), 5, "the answer itself has no trace of it");
}

fn sha256(path: &Path) -> String {
    kyso::base::Sha256::of(&fs::read(path).unwrap()).to_hex()
}
