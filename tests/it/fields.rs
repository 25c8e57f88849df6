//! What a signature binds and says: certifications, locks, seed values, statements; and the review before signing.

mod certify;
mod codes;
mod locks;
mod review;
mod seeds;
mod statements;

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::{Arc, OnceLock},
};

use kyso::{
    base::{Limits, MemorySource},
    pdf::{Document, Object},
    token::provision::NewKeyKind,
};
use serde_json::{Value, json};

use crate::{
    pen::{Desk, text},
    support::{PyHanko, run},
};

/// A desk that all tests of this module share, and a folder for one of them.
struct Bench {
    desk: &'static Desk,
    folder: tempfile::TempDir,
}

impl Bench {
    /// With a key on the built-in token.
    fn embedded(kind: NewKeyKind) -> Self {
        let (_, desk) = desks_of_all().iter().rfind(|(of, _)| *of == kind).expect("a key of this kind");
        Self::at(desk)
    }

    fn at(desk: &'static Desk) -> Self {
        Self { desk, folder: tempfile::tempdir().unwrap() }
    }
}

impl std::ops::Deref for Bench {
    type Target = Desk;

    fn deref(&self) -> &Desk {
        self.desk
    }
}

/// RSA and ECDSA on both software tokens, as far as they are here.
fn desks() -> impl Iterator<Item = Bench> {
    desks_of_all().iter().map(|(_, desk)| Bench::at(desk))
}

/// Made once: the built-in token opens all its files again for each new one, so none of them may go away meanwhile.
fn desks_of_all() -> &'static [(NewKeyKind, Desk)] {
    static DESKS: OnceLock<Vec<(NewKeyKind, Desk)>> = OnceLock::new();
    DESKS.get_or_init(|| {
        let both = |kind| {
            [Desk::softhsm(kind), Some(Desk::embedded(kind))].map(|desk| desk.map(|desk| (kind, desk)))
        };
        [NewKeyKind::Rsa2048, NewKeyKind::P256].into_iter().flat_map(both).flatten().collect()
    })
}

/// A document with two text fields, `a` and `group.b`, and two empty signature fields, `first` and `second`.
fn form(more: &str) -> Vec<u8> {
    pdf(&[
        (1, "<< /Type /Catalog /Pages 2 0 R /AcroForm 5 0 R >>".to_owned()),
        (2, "<< /Type /Pages /Kids [3 0 R] /Count 1 /MediaBox [0 0 595 842] >>".to_owned()),
        (
            3,
            "<< /Type /Page /Parent 2 0 R /Contents 4 0 R /Annots [6 0 R 8 0 R 9 0 R 10 0 R] /Resources << /Font << /F1 11 0 R >> >> >>"
                .to_owned(),
        ),
        (4, stream("BT /F1 18 Tf 72 760 Td (Quyet dinh) Tj ET")),
        (5, "<< /Fields [6 0 R 7 0 R 9 0 R 10 0 R] /DA (/F1 12 Tf 0 g) /DR << /Font << /F1 11 0 R >> >> >>".to_owned()),
        (6, "<< /Type /Annot /Subtype /Widget /FT /Tx /T (a) /F 4 /Rect [72 600 272 620] /P 3 0 R >>".to_owned()),
        (7, "<< /T (group) /Kids [8 0 R] >>".to_owned()),
        (
            8,
            "<< /Type /Annot /Subtype /Widget /FT /Tx /T (b) /Parent 7 0 R /F 4 /Rect [72 560 272 580] /P 3 0 R >>"
                .to_owned(),
        ),
        (
            9,
            format!("<< /Type /Annot /Subtype /Widget /FT /Sig /T (first) /F 4 /Rect [72 100 252 160] /P 3 0 R {more} >>"),
        ),
        (10, "<< /Type /Annot /Subtype /Widget /FT /Sig /T (second) /F 4 /Rect [300 100 480 160] /P 3 0 R >>".to_owned()),
        (11, "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>".to_owned()),
    ])
}

fn stream(content: &str) -> String {
    format!("<< /Length {} >>\nstream\n{content}\nendstream", content.len())
}

/// A file of one revision.
fn pdf(objects: &[(u32, String)]) -> Vec<u8> {
    let mut bytes = b"%PDF-1.7\n%\xE2\xE3\xCF\xD3\n".to_vec();
    write(&mut bytes, objects, "/Root 1 0 R /Size 100");
    bytes
}

/// A file with one more revision.
fn append(pdf: &[u8], objects: &[(u32, String)]) -> Vec<u8> {
    let mut bytes = pdf.to_vec();
    let document = Document::open(Arc::new(MemorySource(pdf.to_vec())), &Limits::default()).unwrap();
    let mut trailer = document.trailer().clone();
    trailer.set("Prev", Object::Integer(i64::try_from(previous(pdf)).unwrap()));
    let mut text = Vec::new();
    Object::Dictionary(trailer).write(&mut text);
    let text = String::from_utf8(text).unwrap();
    write(&mut bytes, objects, text.trim_start_matches("<<").trim_end_matches(">>"));
    bytes
}

/// The last `/Size`, for it may only grow.
fn size(pdf: &[u8]) -> usize {
    let text = String::from_utf8_lossy(pdf);
    let after = text.rsplit("/Size ").next().unwrap_or_default();
    after.split_whitespace().next().and_then(|number| number.parse().ok()).expect("a size")
}

/// What the last `startxref` says.
fn previous(pdf: &[u8]) -> u64 {
    let tail = String::from_utf8_lossy(&pdf[pdf.len() - 40..]).into_owned();
    let (_, after) = tail.split_once("startxref\n").expect("a startxref");
    after.lines().next().unwrap().parse().expect("a number")
}

/// Objects, a table and a trailer. A file of several revisions may name any object again.
fn write(bytes: &mut Vec<u8>, objects: &[(u32, String)], trailer: &str) {
    if !bytes.ends_with(b"\n") {
        bytes.push(b'\n');
    }
    let mut table = "xref\n".to_owned();
    if !trailer.contains("/Prev") {
        table.push_str("0 1\n0000000000 65535 f \n");
    }
    for (number, body) in objects {
        table.push_str(&format!("{number} 1\n{:010} 00000 n \n", bytes.len()));
        bytes.extend_from_slice(format!("{number} 0 obj\n{body}\nendobj\n").as_bytes());
    }
    let start = bytes.len();
    table.push_str(&format!("trailer\n<< {trailer} >>\nstartxref\n{start}\n%%EOF\n"));
    bytes.extend_from_slice(table.as_bytes());
}

/// Fills a text field of [`form`].
fn fill(pdf: &[u8], field: &str, value: &str) -> Vec<u8> {
    let object = match field {
        "a" => (
            6,
            format!(
                "<< /Type /Annot /Subtype /Widget /FT /Tx /T (a) /V ({value}) /F 4 /Rect [72 600 272 620] /P 3 0 R >>"
            ),
        ),
        "group.b" => (
            8,
            format!(
                "<< /Type /Annot /Subtype /Widget /FT /Tx /T (b) /Parent 7 0 R /V ({value}) /F 4 /Rect [72 560 272 580] /P 3 0 R >>"
            ),
        ),
        other => panic!("no field {other}"),
    };
    append(pdf, &[object])
}

/// Adds fields with pyHanko.
fn with_fields(input: &Path, output: &Path, spec: &Value) -> Option<()> {
    let file = output.with_extension("json");
    fs::write(&file, spec.to_string()).unwrap();
    run(PyHanko::find()?.script("fields_with_pyhanko.py").arg(input).arg(output).arg(file));
    Some(())
}

/// What pyHanko reads in the signatures' attributes.
fn attributes(pdf: &Path) -> Option<Value> {
    let told = run(PyHanko::find()?.script("attributes_with_pyhanko.py").arg(pdf));
    Some(serde_json::from_slice(&told.stdout).unwrap())
}

fn kyso(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_kyso")).args(arguments).output().unwrap()
}

fn lossy(path: &Path) -> String {
    path.display().to_string()
}

/// `kyso verify`: the overall answer, and the signatures.
fn verdict(desk: &Bench, pdf: &Path) -> (String, Vec<Value>) {
    let report = desk.verify(pdf);
    let document = &report["documents"][0];
    let signatures = document["signatures"].as_array().cloned().unwrap_or_default();
    (document["overall"].as_str().unwrap_or_default().to_owned(), signatures)
}

/// A file that was signed; panics with what kyso said if it was not.
fn signed(desk: &Bench, input: &Path, name: &str, more: &[&str]) -> PathBuf {
    let output = desk.folder.path().join(name);
    let told = desk.sign(input, &output, &[more, &["--overwrite"]].concat());
    assert!(told.status.success(), "{name} {more:?}: {}", text(&told.stderr));
    output
}

/// What kyso says against signing; it must be this status, and leave no file.
fn refused(desk: &Bench, input: &Path, more: &[&str], status: i32) -> String {
    let output = desk.folder.path().join("refused.pdf");
    let told = desk.sign(input, &output, more);
    let words = text(&told.stderr);
    assert_eq!(told.status.code(), Some(status), "{more:?}: {words}");
    assert!(!output.exists(), "{more:?} left a file");
    words
}

/// Fields are listed as they are, and added where no signature would break.
#[test]
fn fields_are_listed_and_added() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::write(at("form.pdf"), form("/Lock << /Type /SigFieldLock /Action /Include /Fields [(a)] /P 2 >>"))
        .unwrap();
    let list = |name: &str| -> Value {
        let told = kyso(&["fields", &lossy(&at(name)), "--json"]);
        assert!(told.status.success(), "{}", text(&told.stderr));
        serde_json::from_slice(&told.stdout).unwrap()
    };
    let added = |from: &str, to: &str, more: &[&str]| {
        let (from, to) = (lossy(&at(from)), lossy(&at(to)));
        kyso(&[&["fields", "add", &from, "-o", &to][..], more].concat())
    };
    let fields = list("form.pdf");
    assert_eq!(
        fields["fields"][0],
        json!({
            "name": "first", "signed": false, "page": 1, "rectangle": [72.0, 100.0, 252.0, 160.0],
            "lock": { "action": "include", "fields": ["a"], "level": 2 },
        })
    );
    assert_eq!(fields["fields"][1]["name"], "second");
    let told = kyso(&["fields", &lossy(&at("form.pdf"))]);
    let words = text(&told.stdout);
    for expected in ["\"first\"  empty", "page 1, at 72,100,252,160", "locks the fields \"a\""] {
        assert!(words.contains(expected), "{words}");
    }

    let told = added(
        "form.pdf",
        "more.pdf",
        &["--name", "Lãnh đạo", "--rect", "300,200,480,260.5", "--lock", "all", "--lock-level", "1"],
    );
    assert!(told.status.success(), "{}", text(&told.stderr));
    let field = &list("more.pdf")["fields"][2];
    assert_eq!(field["name"], "Lãnh đạo");
    assert_eq!(field["rectangle"], json!([300.0, 200.0, 480.0, 260.5]));
    assert_eq!(field["lock"], json!({ "action": "all", "level": 1 }));
    for (more, status) in [
        (&["--name", "first"][..], 65),
        (&["--name", "a.b"], 65),
        (&["--name", "x", "--page", "2"], 65),
        (&["--name", "x", "--rect", "1,2,3"], 64),
        (&["--name", "x", "--lock", "some"], 64),
    ] {
        let told = added("form.pdf", "none.pdf", more);
        assert_eq!(told.status.code(), Some(status), "{more:?}: {}", text(&told.stderr));
        assert!(!at("none.pdf").exists());
    }

    // What was added here is a field for pyHanko, too; and after a signature nothing is added any more.
    let desk = Bench::embedded(NewKeyKind::P256);
    let full = signed(&desk, &at("more.pdf"), "full.pdf", &["--field", "Lãnh đạo"]);
    desk.everybody_accepts(&full, 1);
    fs::copy(&full, at("full.pdf")).unwrap();
    assert_eq!(list("full.pdf")["fields"][2]["signed"], true);
    let told = added("full.pdf", "none.pdf", &["--name", "x"]);
    assert_eq!(told.status.code(), Some(65));
    assert!(text(&told.stderr).contains("would break"), "{}", text(&told.stderr));
}
