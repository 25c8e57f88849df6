//! PDF files, honest and broken.

use std::{
    fmt::Write as _,
    io,
    ops::Range,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use kyso::{
    base::{Limits, MemorySource, Source},
    pdf::{
        ByteRangeError, Change, ChangeKind, Document, FieldDefect, Increment, NewSignature, Object, PdfError,
        SignatureField, SignatureKind, prepare_signature,
    },
};
use proptest::prelude::*;

use crate::support::{run, shared, tool};

// ---------------------------------------------------------------- honest files

#[test]
fn every_sample_document_takes_two_signatures_and_a_time_stamp() {
    let Some(shared) = shared() else { return };
    for name in [
        "cong-van.pdf",
        "phu-luc-danh-sach.pdf",
        "qd-classic-1.4.pdf",
        "qd-linearized.pdf",
        "qd-rotated.pdf",
        "qd-xref-stream.pdf",
        "quyet-dinh-khen-thuong.pdf",
        "quyet-dinh-pdfa2.pdf",
    ] {
        let original = std::fs::read(shared.join("data").join(name)).expect(name);
        let base = open(&original).expect(name).revisions().len() - 1;
        let once = sign(&original, &new_signature());
        let mut second = new_signature();
        second.reason = Some("Đóng dấu cơ quan".to_owned());
        let twice = sign(&once, &second);
        let stamped = sign(&twice, &time_stamp());
        assert!(
            stamped.starts_with(&twice) && twice.starts_with(&once) && once.starts_with(&original),
            "{name}"
        );

        let document = open(&stamped).expect(name);
        let signatures = document.signatures().expect(name);
        let fields: Vec<&str> = signatures.iter().map(|signature| signature.name.as_str()).collect();
        assert_eq!(fields, ["Signature1", "Signature2", "Signature3"], "{name}");
        for (index, signature) in signatures.iter().enumerate() {
            let coverage = document.check_byte_range(signature).expect(name);
            assert_eq!(coverage.revision, base + 1 + index, "{name}");
            assert_eq!(coverage.whole_document, index == 2, "{name}");
            assert!(signature.contents.starts_with(CMS) && signature.defects.is_empty(), "{name}");
        }
        assert_eq!(signatures[1].reason.as_deref(), Some("Đóng dấu cơ quan"), "{name}");
        assert_eq!(signatures[0].claimed_time, new_signature().claimed_time, "{name}");
        assert_eq!(signatures[2].kind, SignatureKind::DocTimeStamp, "{name}");
        let kinds: Vec<ChangeKind> =
            document.changes_after(base).expect(name).iter().map(|change| change.kind).collect();
        assert_eq!(kinds, [ChangeKind::Signature, ChangeKind::Signature, ChangeKind::DocTimeStamp], "{name}");
        judge_outside(&stamped, name);
    }
}

/// qpdf, poppler and lopdf read the file too.
fn judge_outside(bytes: &[u8], name: &str) {
    let theirs = lopdf::Document::load_mem(bytes).expect(name);
    let ours = open(bytes).expect(name);
    let catalog = theirs.catalog().expect(name);
    assert!(catalog.has(b"AcroForm") && ours.catalog().expect(name).get("AcroForm").is_some(), "{name}");
    let dir = tempfile::tempdir().expect("a temporary folder");
    let path = dir.path().join("signed.pdf");
    std::fs::write(&path, bytes).expect("a written file");
    if let Some(qpdf) = tool("qpdf") {
        run(Command::new(qpdf).arg("--check").arg(&path));
    }
    if let Some(pdfinfo) = tool("pdfinfo") {
        let output = run(Command::new(pdfinfo).arg(&path));
        assert!(output.stderr.is_empty(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn every_file_of_the_corpus_opens_or_is_refused_with_a_reason() {
    let Some(shared) = shared() else { return };
    let corpus = shared.join("corpus");
    let index = std::fs::read(corpus.join("index.json")).expect("an index");
    let index: serde_json::Value = serde_json::from_slice(&index).expect("JSON");
    let mut opened = 0;
    for entry in index.as_array().expect("a list").iter().filter(|entry| entry["kind"] == "pdf") {
        let file = entry["file"].as_str().expect("a name");
        let bytes = std::fs::read(corpus.join(file)).expect(file);
        let document = match open(&bytes) {
            Ok(document) => document,
            Err(error) => {
                assert!(matches!(error, PdfError::Hybrid), "{file}: {error}");
                continue;
            }
        };
        opened += 1;
        let signatures = document.signatures().expect(file);
        // One file holds an older signature in an object stream, where only a reader of the form finds it.
        let expected =
            if file.ends_with("CONVENIO_firmado_CF.pdf") { Some(2) } else { entry["n_signatures"].as_u64() };
        assert_eq!(Some(signatures.len() as u64), expected, "{file}");
        let mut worst = None;
        for signature in &signatures {
            let changes = document.changes_after(signature.revision).expect(file);
            if document.check_byte_range(signature).is_err() || changes.iter().any(is_other) {
                worst = Some(format!("{:?} {changes:?}", document.check_byte_range(signature)));
            }
        }
        match entry["expected"].as_str() {
            Some("attack") => assert!(worst.is_some(), "{file}"),
            Some("intact") if !file.ends_with("CONVENIO_firmado_CF.pdf") => assert_eq!(worst, None, "{file}"),
            _ => {}
        }
    }
    assert!(opened >= 50, "{opened} files opened");
}

#[test]
fn forms_of_every_build_are_extended() {
    let page = "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595.2755905511811 841.88976] >>";
    let with = |catalog: &str, page: &str, more: &[(u32, &str)]| {
        let mut objects = vec![
            (1, catalog.to_owned()),
            (2, "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_owned()),
            (3, page.to_owned()),
        ];
        objects.extend(more.iter().map(|(number, text)| (*number, (*text).to_owned())));
        build(&objects)
    };
    let plain = "<< /Type /Catalog /Pages 2 0 R >>";
    let text_field = (9, "<< /FT /Tx /T (Note) /V (x) >>");
    let builds = [
        with(plain, page, &[]),
        with("<< /Type /Catalog /Pages 2 0 R /AcroForm << /Fields [] >> >>", page, &[]),
        with(
            "<< /Type /Catalog /Pages 2 0 R /AcroForm << /Fields 4 0 R >> >>",
            page,
            &[(4, "[9 0 R]"), text_field],
        ),
        with(
            "<< /Type /Catalog /Pages 2 0 R /AcroForm 4 0 R >>",
            page,
            &[(4, "<< /Fields [9 0 R] >>"), text_field],
        ),
        with(
            "<< /Type /Catalog /Pages 2 0 R /AcroForm 4 0 R >>",
            page,
            &[(4, "<< /SigFlags 3 /Fields 5 0 R >>"), (5, "[]")],
        ),
        with(plain, "<< /Type /Page /Parent 2 0 R /Annots [] >>", &[]),
        with(plain, "<< /Type /Page /Parent 2 0 R /Annots 4 0 R >>", &[(4, "[]")]),
        with(plain, "<< /Type /Page /Parent 2 0 R /Annots 4 0 R >>", &[]),
    ];
    for original in &builds {
        let shown = String::from_utf8_lossy(original).into_owned();
        let signed = sign(&sign(original, &new_signature()), &new_signature());
        let document = open(&signed).expect(&shown);
        let signatures = document.signatures().expect(&shown);
        assert_eq!(signatures.len(), 2, "{shown}");
        for signature in &signatures {
            document.check_byte_range(signature).expect(&shown);
        }
        assert_eq!(
            document.changes_after(0).expect(&shown).iter().find(|change| is_other(change)),
            None,
            "{shown}"
        );
        let page = document.object((3, 0)).expect(&shown);
        assert_eq!(page.as_dictionary().expect(&shown).get("MediaBox").is_some(), shown.contains("MediaBox"));
        judge_outside(&signed, &shown);
    }
    // Every digit of a rewritten page stays.
    let signed = sign(&builds[0], &new_signature());
    let tail = String::from_utf8_lossy(&signed[builds[0].len()..]).into_owned();
    assert!(tail.contains("595.2755905511811 841.88976"), "{tail}");
    assert!(tail.contains("/F 132") && tail.contains("/M (D:20250102100405+07'00')"), "{tail}");
}

#[test]
fn an_empty_field_is_filled_by_name() {
    let original = build(&[
        (1, "<< /Type /Catalog /Pages 2 0 R /AcroForm << /Fields [4 0 R 6 0 R 7 0 R] >> >>".to_owned()),
        (2, "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_owned()),
        (3, "<< /Type /Page /Parent 2 0 R /Annots [5 0 R] >>".to_owned()),
        (4, "<< /T (Ky) /FT /Sig /Kids [5 0 R] >>".to_owned()),
        (
            5,
            "<< /T (Lanh dao) /Parent 4 0 R /Type /Annot /Subtype /Widget /Rect [10 10 110 60] >>".to_owned(),
        ),
        (6, "<< /T (Note) /FT /Tx >>".to_owned()),
        (7, "<< /T (Bound) /FT /Sig /Lock << /Type /SigFieldLock /Action /Some >> >>".to_owned()),
    ]);
    let named = |name: &str| NewSignature { field: Some(name.to_owned()), ..new_signature() };
    let signed = sign(&original, &named("Ky.Lanh dao"));
    let document = open(&signed).expect("opens");
    let [signature] = document.signatures().expect("read").try_into().expect("one signature");
    assert_eq!((signature.name.as_str(), signature.field), ("Ky.Lanh dao", (5, 0)));
    let [change] = document.changes_after(0).expect("read").try_into().expect("one change");
    assert_eq!(change.kind, ChangeKind::Signature);
    assert!(change.what.contains("visible on 100 by 50 points"), "{}", change.what);

    for (bytes, name) in [
        (&signed, "Ky.Lanh dao"),
        (&original, "Note"),
        (&original, "Ky"),
        (&original, "Bound"),
        (&original, "a.b"),
        (&original, ""),
    ] {
        let refused = prepare_signature(&open(bytes).expect("opens"), &named(name));
        assert!(matches!(refused, Err(PdfError::Field { .. })), "{name}: {refused:?}");
    }
    let fresh = sign(&signed, &named("Cơ quan"));
    let signatures = open(&fresh).expect("opens").signatures().expect("read");
    assert_eq!(signatures[1].name, "Cơ quan");
}

#[test]
fn the_file_ends_as_it_likes_and_keeps_its_identifier() {
    let mut original = simple();
    while original.last().is_some_and(u8::is_ascii_whitespace) {
        original.pop();
    }
    let with_id = String::from_utf8(original).expect("text").replace("/Root", "/ID [<01> <02>] /Foo 7 /Root");
    let signed = sign(with_id.as_bytes(), &new_signature());
    let document = open(&signed).expect("opens");
    let id = document.trailer().get("ID").and_then(Object::as_array).expect("an identifier").to_vec();
    assert_eq!(id[0], Object::String(vec![1]));
    assert_ne!(id[1], Object::String(vec![2]));
    assert_eq!(document.trailer().integer("Foo"), Some(7));
    assert_eq!(document.revisions().len(), 2);
}

#[test]
fn the_space_for_the_signature_is_kept() {
    let original = simple();
    let document = open(&original).expect("opens");
    let mut increment = prepare_signature(&document, &new_signature()).expect("prepared");
    let (reserved, tail) = (new_signature().contents_len, increment.tail.clone());
    let refused = increment.fill(&vec![1; reserved + 1]);
    assert!(
        matches!(refused, Err(PdfError::Space { needed, reserved: r }) if needed == reserved + 1 && r == reserved)
    );
    assert_eq!(increment.tail, tail);
    increment.fill(&vec![0xAB; reserved]).expect("fits");
    increment.fill(&[0xCD]).expect("fits");
    assert_eq!(increment.hole().end - increment.hole().start, reserved as u64 * 2 + 2);
    let signed = [original, increment.tail].concat();
    let hole = &signed[usize::try_from(increment.ranges[0].end).expect("small")..];
    assert!(hole.starts_with(b"<CD000000"));
}

#[test]
fn a_certified_document_that_permits_nothing_is_not_signed() {
    for (level, permitted) in [("/P 1", false), ("/P 2", true), ("", true), ("/P 9", false)] {
        let certified = build(&[
            (1, "<< /Type /Catalog /Pages 2 0 R /Perms << /DocMDP 4 0 R >> >>".to_owned()),
            (2, "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_owned()),
            (3, "<< /Type /Page /Parent 2 0 R >>".to_owned()),
            (
                4,
                format!(
                    "<< /Type /Sig /Reference [<< /TransformMethod /DocMDP /TransformParams << {level} >> >>] >>"
                ),
            ),
        ]);
        let document = open(&certified).expect("opens");
        let outcome = prepare_signature(&document, &new_signature());
        assert_eq!(outcome.is_ok(), permitted, "{level}");
        assert!(permitted || matches!(outcome, Err(PdfError::Certified)));
        assert!(prepare_signature(&document, &time_stamp()).is_ok(), "a time-stamp is no change");
    }
}

#[test]
fn a_gigabyte_is_not_read_to_be_signed() {
    let head = b"%PDF-1.7\n4 0 obj << /Length 1073741824 >> stream\n".to_vec();
    let data = 1_u64 << 30;
    let mut tail = b"\nendstream endobj\n".to_vec();
    let offset = |tail: &[u8]| head.len() as u64 + data + tail.len() as u64;
    let mut table = format!("xref\n4 1\n{:010} 00000 n \n1 3\n", 9);
    for object in [
        "1 0 obj << /Type /Catalog /Pages 2 0 R >> endobj\n",
        "2 0 obj << /Type /Pages /Kids [3 0 R] /Count 1 >> endobj\n",
        "3 0 obj << /Type /Page /Parent 2 0 R /Contents 4 0 R >> endobj\n",
    ] {
        writeln!(table, "{:010} 00000 n ", offset(&tail)).expect("writes to memory");
        tail.extend_from_slice(object.as_bytes());
    }
    let xref = offset(&tail);
    tail.extend_from_slice(
        format!("{table}trailer << /Size 5 /Root 1 0 R >>\nstartxref\n{xref}\n%%EOF\n").as_bytes(),
    );
    let source = |tail: &[u8]| {
        Arc::new(Hollow { head: head.clone(), data, tail: tail.to_vec(), read: AtomicU64::new(0) })
    };

    let plain = source(&tail);
    let document = Document::open(Arc::clone(&plain) as Arc<dyn Source>, &Limits::default()).expect("opens");
    let mut increment = prepare_signature(&document, &new_signature()).expect("prepared");
    increment.fill(CMS).expect("fits");
    assert!(plain.read.load(Ordering::Relaxed) < 1 << 20, "bytes read to sign");

    let signed = source(&[tail, increment.tail].concat());
    let document = Document::open(Arc::clone(&signed) as Arc<dyn Source>, &Limits::default()).expect("opens");
    let signatures = document.signatures().expect("read");
    assert!(document.check_byte_range(&signatures[0]).expect("proven").whole_document);
    assert_eq!(document.changes_after(0).expect("read").len(), 1);
    assert!(signed.read.load(Ordering::Relaxed) < 1 << 20, "bytes read to judge");
}

/// A file whose middle is zeros, and a count of what is read of it.
struct Hollow {
    head: Vec<u8>,
    data: u64,
    tail: Vec<u8>,
    read: AtomicU64,
}

impl Source for Hollow {
    fn len(&self) -> u64 {
        self.head.len() as u64 + self.data + self.tail.len() as u64
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.read.fetch_add(buffer.len() as u64, Ordering::Relaxed);
        for (at, byte) in (offset..).zip(buffer) {
            let place = usize::try_from(at).expect("64 bits");
            let behind =
                usize::try_from(at.saturating_sub(self.head.len() as u64 + self.data)).expect("64 bits");
            *byte = match self.head.get(place) {
                Some(byte) => *byte,
                None if at < self.head.len() as u64 + self.data => 0,
                None => *self.tail.get(behind).ok_or(io::ErrorKind::UnexpectedEof)?,
            };
        }
        Ok(())
    }
}

#[test]
fn a_hundred_thousand_objects_are_opened_by_their_table_alone() {
    let mut objects = vec![
        (1, "<< /Type /Catalog /Pages 2 0 R >>".to_owned()),
        (2, "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_owned()),
        (3, "<< /Type /Page /Parent 2 0 R >>".to_owned()),
    ];
    objects.extend((4..100_000).map(|number| (number, format!("<< /Number {number} >>"))));
    let source =
        Arc::new(Hollow { head: build(&objects), data: 0, tail: Vec::new(), read: AtomicU64::new(0) });
    let document = Document::open(Arc::clone(&source) as Arc<dyn Source>, &Limits::default()).expect("opens");
    assert!(source.read.load(Ordering::Relaxed) < 20 * 100_000 + (1 << 18), "no object was read");
    assert_eq!(document.revisions()[0].objects().count(), 100_000);
    let object = document.object((77_777, 0)).expect("read");
    assert_eq!(object.as_dictionary().and_then(|dictionary| dictionary.integer("Number")), Some(77_777));
    assert_eq!(document.object((77_777, 1)).expect("read"), Object::Null);
    assert!(matches!(
        Document::open(source, &Limits { objects: 50_000, ..Limits::default() }),
        Err(PdfError::Limit { .. })
    ));
}

// ---------------------------------------------------------------- broken files

/// Reading all changes after all signatures costs in proportion to their number.
#[test]
fn many_signatures_and_objects_cost_in_proportion() {
    let file = |signatures: usize, objects: u32| {
        let mut all = vec![
            (1, "<< /Type /Catalog /Pages 2 0 R >>".to_owned()),
            (2, "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_owned()),
            (3, "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] >>".to_owned()),
        ];
        all.extend((4..objects + 4).map(|number| (number, "<< /A 1 0 R >>".to_owned())));
        let mut bytes = build(&all);
        for _ in 0..signatures {
            bytes = sign(&bytes, &new_signature());
        }
        Arc::new(Hollow { data: 0, head: bytes, tail: Vec::new(), read: AtomicU64::new(0) })
    };
    let cost = |signatures: usize, objects: u32| {
        let file = file(signatures, objects);
        let document =
            Document::open(Arc::clone(&file) as Arc<dyn Source>, &Limits::default()).expect("opens");
        for signature in document.signatures().expect("read") {
            let changes = document.changes_after(signature.revision).expect("read");
            assert!(changes.iter().all(|change| change.proven));
        }
        // In how often the file is read: each revision repeats the lists of fields and annotations, so the file
        // itself grows faster than the number of signatures.
        file.read.load(Ordering::Relaxed) / file.len()
    };
    let (few, many) = (cost(25, 10), cost(200, 10));
    println!("the file is read {few} times for 25 signatures, {many} times for 200");
    assert!(many <= few * 3 / 2, "{few} times for 25 signatures, {many} times for 200");
    let (few, many) = (cost(2, 1_000), cost(2, 8_000));
    println!("the file is read {few} times for 1,000 objects, {many} times for 8,000");
    assert!(many <= few * 3 / 2, "{few} times for 1,000 objects, {many} times for 8,000");
}

#[test]
fn broken_files_are_refused_by_name() {
    let text = String::from_utf8(simple()).expect("text");
    let xref = text.rfind("xref\n0").expect("a table");
    let table = |from: &str, to: &str| text.replace(from, to).into_bytes();
    let deep = format!("{}{}", "[".repeat(100), "]".repeat(100));
    let catalog = |more: &str| build(&[(1, format!("<< /Type /Catalog /Pages 2 0 R {more} >>"))]);
    let self_loop = table("/Root 1 0 R", &format!("/Root 1 0 R /Prev {xref:>6}"));
    let cases: Vec<(&str, Vec<u8>, &str)> = vec![
        ("empty", Vec::new(), "no header"),
        ("no PDF", b"Hello, world".to_vec(), "no header"),
        ("junk in front", [b"junk\n", text.as_bytes()].concat(), "other bytes before the header"),
        ("cut in the table", text.as_bytes()[..xref + 30].to_vec(), "does not end in startxref"),
        ("cut before %%EOF", text.as_bytes()[..text.len() - 5].to_vec(), "not followed by %%EOF"),
        ("wrong startxref", table("startxref\n", "startxref\n9"), "points outside the file"),
        ("startxref on an object", replace_startxref(&text, 9), "expected a cross-reference table or stream"),
        ("self loop", self_loop, "runs in a circle"),
        ("/Prev outside", table("/Root 1 0 R", "/Root 1 0 R /Prev 99999999"), "points outside"),
        ("/Prev negative", table("/Root 1 0 R", "/Root 1 0 R /Prev -5"), "/Prev is no offset"),
        ("no /Root", table("/Root 1 0 R", ""), "/Root leads to no catalog"),
        ("/Root is a page", table("/Root 1 0 R", "/Root 7 0 R"), "/Root leads to no catalog"),
        ("hybrid", table("/Root 1 0 R", "/Root 1 0 R /XRefStm 9"), "hybrid"),
        ("encrypted", table("/Root 1 0 R", "/Root 1 0 R /Encrypt << >>"), "not the standard one"),
        (
            "giant /Size",
            table("/Size 4", "/Size 4000000000"),
            "/Size of the cross-reference is over the limit",
        ),
        ("giant count", table("xref\n0 4", "xref\n0 4000000000"), "expected a number"),
        ("object twice", table("xref\n0 4", "xref\n0 2"), "expected"),
        ("outside entry", table("0000000009 00000 n", "0000999999 00000 n"), "outside its revision"),
        ("wrong object", table("1 0 obj", "7 0 obj"), "expected object 1 0 R here and found 7 0 R"),
        ("key twice", catalog("/Pages 2 0 R"), "twice"),
        ("deep", catalog(&format!("/Deep {deep}")), "nesting"),
        ("unbalanced", catalog("]"), "expected a key"),
        ("an open string", catalog("/Open (x"), "a string has no end"),
        ("a wrong number", catalog("/Number 1-2"), "this is no number"),
        ("a wrong word", catalog("/Word nil"), "expected an object"),
        ("a wrong string", catalog("/Text <0g>"), "hexadecimal string"),
    ];
    for (name, bytes, words) in cases {
        let error = open(&bytes).map(|_| ()).expect_err(name).to_string();
        assert!(error.contains(words), "{name}: {error}");
    }
}

/// A classic table, and a stream that it names: objects that only the stream lists are there.
#[test]
fn a_hybrid_file_is_read_as_long_as_it_is_one_document() {
    let file = |table: &str, rows: &[[u8; 4]]| {
        let mut bytes = b"%PDF-1.7\n1 0 obj << /Type /Catalog /Pages 2 0 R >> endobj\n".to_vec();
        let at = bytes.len();
        bytes.extend_from_slice(b"2 0 obj << /Type /Pages /Kids [] >> endobj\n");
        let stream = bytes.len();
        let data = rows.concat();
        let index: String = rows.iter().map(|row| format!("{} 1 ", row[0])).collect();
        let data: Vec<u8> = data.chunks(4).flat_map(|row| row[1..].to_vec()).collect();
        bytes.extend_from_slice(
            format!(
                "3 0 obj << /Type /XRef /Size 4 /W [1 1 1] /Index [{index}] /Length {} >> stream\n",
                data.len()
            )
            .as_bytes(),
        );
        bytes.extend_from_slice(&data);
        bytes.extend_from_slice(b"\nendstream endobj\n");
        let start = bytes.len();
        let table = table.replace("AT", &format!("{at:010}"));
        bytes.extend_from_slice(
            format!("xref\n{table}trailer << /Size 4 /Root 1 0 R /XRefStm {stream} >>\nstartxref\n{start}\n%%EOF\n")
                .as_bytes(),
        );
        (bytes, u8::try_from(at).expect("small"))
    };
    let at = file("", &[]).1;
    let catalog = "1 1\n0000000009 00000 n \n";
    for table in [
        catalog.to_owned(),
        format!("{catalog}2 1\n0000000000 00000 f \n"),
        format!("{catalog}2 1\nAT 00000 n \n"),
    ] {
        let (bytes, _) = file(&table, &[[2, 1, at, 0]]);
        if table.contains(" n \n2 1\nAT") {
            let pages = open(&bytes).expect(&table).object((2, 0)).expect(&table);
            assert!(pages.as_dictionary().is_some_and(|pages| pages.is_type("Pages")), "{table}");
        } else {
            assert!(matches!(open(&bytes), Err(PdfError::Hybrid)), "an old program finds no pages: {table}");
        }
    }
    let (two, _) = file(&format!("{catalog}2 1\n0000000009 00000 n \n"), &[[2, 1, at, 0]]);
    assert!(matches!(open(&two), Err(PdfError::Hybrid)), "table and stream disagree");
    let (twice, _) = file(catalog, &[[2, 1, at, 0], [2, 1, 9, 0]]);
    assert!(matches!(open(&twice), Err(PdfError::Hybrid)), "the stream contradicts itself");
}

#[test]
fn broken_cross_reference_streams_are_refused_by_name() {
    let with = |dictionary: &str, rows: &[u8], filter: bool| {
        let mut bytes = b"%PDF-1.7\n1 0 obj << /Type /Catalog >> endobj\n".to_vec();
        let start = bytes.len();
        let data = if filter { deflate(rows) } else { rows.to_vec() };
        let filter = if filter { "/Filter /FlateDecode" } else { "" };
        let head = format!(
            "2 0 obj << /Type /XRef /Root 1 0 R {dictionary} {filter} /Length {} >> stream\n",
            data.len()
        );
        bytes.extend_from_slice(head.as_bytes());
        bytes.extend_from_slice(&data);
        bytes.extend_from_slice(format!("\nendstream endobj\nstartxref\n{start}\n%%EOF\n").as_bytes());
        bytes
    };
    let rows = [0, 0, 0, 1, 9, 0, 1, 45, 0];
    let whole = with("/Size 3 /W [1 1 1]", &rows, true);
    assert_eq!(open(&whole).expect("opens").revisions()[0].objects().count(), 3);
    let parts = with("/Size 3 /W [1 1 1] /Index [2 1 0 2]", &[1, 45, 0, 0, 0, 0, 1, 9, 0], true);
    assert!(open(&parts).is_ok());
    let no_kinds = with("/Size 3 /W [0 1 0] /Index [1 2]", &[9, 45], false);
    assert!(open(&no_kinds).is_ok());

    let bomb = vec![0_u8; 40_000_000];
    let cases = [
        (
            "giant /Size",
            with("/Size 8000000 /W [1 1 1]", &rows, true),
            "more entries than the file has bytes",
        ),
        (
            "over the limit",
            with("/Size 3 /Index [0 9000000] /W [1 1 1]", &rows, true),
            "number of cross-reference entries",
        ),
        ("bomb", with("/Size 3 /W [1 1 1]", &bomb, true), "over the limit of 9"),
        ("wide", with("/Size 3 /W [1 9 1]", &rows, true), "wrong /W"),
        ("no width", with("/Size 3 /W [0 0 0]", &rows, true), "wrong /W"),
        ("odd index", with("/Size 3 /W [1 1 1] /Index [1]", &rows, true), "wrong /Index"),
        ("negative index", with("/Size 3 /W [1 1 1] /Index [-1 3]", &rows, true), "wrong /Index"),
        ("other type", with("/Size 3 /W [1 1 1] /Foo /Bar", &rows, true), "another /Type"),
        ("huge object number", with("/Size 3 /W [1 1 1] /Index [4294967295 3]", &rows, true), "past 32 bits"),
        (
            "no container",
            with("/Size 3 /W [1 1 1]", &[0, 0, 0, 2, 7, 0, 1, 45, 0], true),
            "no object stream 7 0 R",
        ),
        (
            "predictor",
            with("/Size 3 /W [1 1 1] /DecodeParms << /Predictor 12 /Columns 7 >>", &rows, true),
            "predicted data",
        ),
    ];
    for (name, bytes, words) in cases {
        let bytes = if name == "other type" {
            String::from_utf8_lossy(&bytes).replace("/XRef", "/XRfe").into_bytes()
        } else {
            bytes
        };
        let error = open(&bytes).map(|_| ()).expect_err(name).to_string();
        assert!(error.contains(words), "{name}: {error}");
    }
}

#[test]
fn circles_below_the_catalog_come_to_an_end() {
    let with = |form: &str, pages: &str| {
        build(&[
            (1, "<< /Type /Catalog /Pages 2 0 R /AcroForm << /Fields [4 0 R] >> >>".to_owned()),
            (2, pages.to_owned()),
            (3, "<< /Type /Page >>".to_owned()),
            (4, form.to_owned()),
            (5, "5 0 R".to_owned()),
        ])
    };
    let pages = "<< /Type /Pages /Kids [3 0 R] >>";
    for form in ["<< /T (a) /Kids [4 0 R] >>", "<< /T (a) /Kids 5 0 R >>", "<< /T (a) /FT 5 0 R >>"] {
        let document = open(&with(form, pages)).expect("opens");
        assert!(matches!(document.signatures(), Err(PdfError::Damaged { .. })), "{form}");
    }
    for pages in [
        "<< /Type /Pages /Kids [2 0 R] >>",
        "<< /Type /Pages /Kids [] >>",
        "<< /Type /Pages /Kids 5 0 R >>",
        "7",
    ] {
        let document = open(&with("<< /T (a) >>", pages)).expect("opens");
        assert!(
            matches!(prepare_signature(&document, &new_signature()), Err(PdfError::Damaged { .. })),
            "{pages}"
        );
    }
}

#[test]
fn an_object_stream_answers_only_for_its_members() {
    let file = |members: &str, entry: [u8; 3]| {
        let mut bytes = b"%PDF-1.7\n1 0 obj << /Type /Catalog >> endobj\n".to_vec();
        let container = bytes.len();
        let data = deflate(members.as_bytes());
        let first = members.find('<').unwrap_or(0);
        let head = format!(
            "2 0 obj << /Type /ObjStm /N 2 /First {first} /Filter /FlateDecode /Length {} >> stream\n",
            data.len()
        );
        bytes.extend_from_slice(head.as_bytes());
        bytes.extend_from_slice(&data);
        bytes.extend_from_slice(b"\nendstream endobj\n");
        let start = bytes.len();
        let small = |place: usize| u8::try_from(place).expect("small");
        let rows = [[0, 0, 0], [1, 9, 0], [1, small(container), 0], [1, small(start), 0], entry].concat();
        bytes.extend_from_slice(
            b"3 0 obj << /Type /XRef /Root 1 0 R /Size 5 /W [1 1 1] /Length 15 >> stream\n",
        );
        bytes.extend_from_slice(&rows);
        bytes.extend_from_slice(format!("\nendstream endobj\nstartxref\n{start}\n%%EOF\n").as_bytes());
        open(&bytes).expect("opens").object((4, 0))
    };
    let good = "4 0 5 11 << /A 1 >> << >>";
    assert!(file(good, [2, 2, 0]).is_ok());
    for (name, members, entry) in [
        ("another member", good, [2, 2, 1]),
        ("no such member", good, [2, 2, 9]),
        ("cut short", "4 0 5 4 << /A 1 >> << >>", [2, 2, 0]),
        ("out of order", "4 9 5 0 << /A 1 >> << >>", [2, 2, 0]),
        ("outside", "4 900 5 0 << /A 1 >> << >>", [2, 2, 0]),
        ("the catalog is no stream", good, [2, 1, 0]),
        ("the stream is another", good, [2, 3, 0]),
        ("itself", good, [2, 4, 0]),
    ] {
        assert!(matches!(file(members, entry), Err(PdfError::Damaged { .. })), "{name}");
    }
}

#[test]
fn objects_inside_each_other_use_up_the_budget() {
    let mut text = "%PDF-1.7\n1 0 obj << /Type /Catalog >> endobj\n".to_owned();
    let mut table = "0 2\n0000000000 65535 f \n0000000009 00000 n \n2 2000\n".to_owned();
    for number in 2..2002 {
        writeln!(table, "{:010} 00000 n ", text.len()).expect("writes to memory");
        write!(text, "{number} 0 obj (").expect("writes to memory");
    }
    text.push_str(&")".repeat(2000));
    let start = text.len() + 8;
    write!(text, " endobj\nxref\n{table}trailer << /Size 2002 /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n")
        .expect("writes to memory");
    let limits = Limits { decoded_bytes: 64 * 1024, ..Limits::default() };
    let document = Document::open(Arc::new(MemorySource(text.into_bytes())), &limits).expect("opens");
    let stopped = |number| matches!(document.object((number, 0)), Err(PdfError::Limit { .. }));
    assert!((2..2002).any(stopped));
}

// ---------------------------------------------------------------- byte rules

#[test]
fn each_broken_byte_rule_has_its_name() {
    let signed = sign(&simple(), &new_signature());
    let document = open(&signed).expect("opens");
    let [honest] = document.signatures().expect("read").try_into().expect("one signature");
    let &[_, hole_start, hole_end, rest] = honest.byte_range.as_slice() else { panic!("four numbers") };
    let len = i64::try_from(signed.len()).expect("small");
    let check = |range: &[i64]| {
        let changed = with_range(&honest, range);
        document.check_byte_range(&changed).expect_err("a broken rule")
    };
    assert!(document.check_byte_range(&honest).is_ok());
    assert!(matches!(check(&[]), ByteRangeError::Shape { numbers: 0 }));
    assert!(matches!(check(&[0, 5]), ByteRangeError::Shape { numbers: 2 }));
    assert!(matches!(check(&[0, 1, 2, 3, 4, 5]), ByteRangeError::Shape { numbers: 6 }));
    assert!(matches!(check(&[0, -1, hole_end, rest]), ByteRangeError::Negative { value: -1 }));
    assert!(matches!(check(&[0, hole_start, hole_end, i64::MAX]), ByteRangeError::OutOfFile { .. }));
    assert!(matches!(check(&[0, hole_start, i64::MAX, i64::MAX]), ByteRangeError::OutOfFile { .. }));
    assert!(matches!(check(&[0, hole_start, hole_end, rest + 1]), ByteRangeError::OutOfFile { .. }));
    assert!(matches!(check(&[1, hole_start - 1, hole_end, rest]), ByteRangeError::NotFromStart { start: 1 }));
    assert!(matches!(check(&[0, hole_end + 1, hole_end, rest]), ByteRangeError::Overlap { .. }));
    assert!(matches!(check(&[0, hole_start, hole_end, rest - 9]), ByteRangeError::NotRevisionEnd { .. }));
    assert!(matches!(check(&[0, hole_start - 1, hole_end, rest]), ByteRangeError::HoleNotHex { .. }));
    assert!(matches!(check(&[0, hole_start + 1, hole_end, rest]), ByteRangeError::HoleNotHex { .. }));
    assert!(matches!(check(&[0, hole_start, hole_end + 1, rest - 1]), ByteRangeError::HoleNotHex { .. }));
    assert!(matches!(check(&[0, hole_start, hole_end - 1, rest + 1]), ByteRangeError::HoleNotHex { .. }));
    assert!(matches!(
        check(&[0, hole_start, hole_start, len - hole_start]),
        ByteRangeError::HoleNotHex { .. }
    ));
    let mut other_contents = honest.clone();
    other_contents.contents = vec![1];
    assert!(matches!(
        document.check_byte_range(&other_contents),
        Err(ByteRangeError::ContentsMismatch { .. })
    ));

    // Signature wrapping: a copy of the hole elsewhere, the signed bytes moved behind it.
    let hole = Range {
        start: usize::try_from(hole_start).expect("small"),
        end: usize::try_from(hole_end).expect("small"),
    };
    let wrapped = [&signed[..hole.start], &signed[hole.clone()], b" /Other ", &signed[hole.start..]].concat();
    let text = String::from_utf8_lossy(&wrapped).into_owned();
    let xref = text.rfind("\nxref\n").expect("a table") + 1;
    let wrapped = replace_startxref(&text, xref);
    let document = open(&wrapped).expect("opens");
    let [moved] = document.signatures().expect("read").try_into().expect("one signature");
    let rest = i64::try_from(wrapped.len()).expect("small") - hole_end - 8 - (hole_end - hole_start);
    let second = i64::try_from(wrapped.len()).expect("small") - rest;
    let copied = with_range(&moved, &[0, second - (hole_end - hole_start), second, rest]);
    let error = document.check_byte_range(&copied).expect_err("the hole is the value of /Other");
    assert!(matches!(error, ByteRangeError::HoleElsewhere { .. }), "{error}");
}

#[test]
fn signatures_that_fields_share_or_lose_are_told() {
    let signature = "<< /Type /Sig /SubFilter /X /ByteRange [0 1 2 3] /Contents <00> >>";
    let file = |fields: &str| {
        build(&[
            (1, format!("<< /Type /Catalog /Pages 2 0 R /AcroForm << /Fields [{fields}] >> >>")),
            (2, "<< /Type /Pages /Kids [3 0 R] >>".to_owned()),
            (3, "<< /Type /Page >>".to_owned()),
            (4, "<< /FT /Sig /T (a) /V 6 0 R >>".to_owned()),
            (5, "<< /FT /Sig /T (b) /V 6 0 R >>".to_owned()),
            (6, signature.to_owned()),
            (7, format!("<< /FT /Sig /T (c) /V {signature} >>")),
            (8, "<< /FT /Sig /T (d) /V (text) >>".to_owned()),
        ])
    };
    let read = |bytes: &[u8]| open(bytes).expect("opens").signatures().expect("read");
    let shared = read(&file("4 0 R 5 0 R"));
    assert_eq!(shared.len(), 1);
    assert_eq!(shared[0].defects, [FieldDefect::Shared { fields: vec!["a".to_owned(), "b".to_owned()] }]);
    let direct = read(&file("7 0 R 8 0 R"));
    assert_eq!((direct[0].dictionary, direct[0].contents.as_slice()), ((7, 0), [0].as_slice()));
    assert_eq!(direct[1].defects, [FieldDefect::NoDictionary { name: "d".to_owned() }]);

    let original = file("4 0 R");
    let hidden = append(&original, &[(1, "<< /Type /Catalog /Pages 2 0 R >>")], "");
    let lost = read(&hidden);
    assert_eq!(lost[0].defects, [FieldDefect::Unreachable { dictionary: (6, 0) }]);
    assert_eq!((lost[0].name.as_str(), lost[0].revision), ("a", 0));
    assert!(read(&append(&original, &[], ""))[0].defects.is_empty());
    let never = append(&file(""), &[(9, signature)], "");
    assert_eq!(read(&never)[0].defects, [FieldDefect::Unreachable { dictionary: (9, 0) }]);
}

// ---------------------------------------------------------------- changes after a signature

/// A signed file that an attacker prepared: it has dangling references and lists with a second use.
fn prepared_by_an_attacker() -> Vec<u8> {
    let original = build(&[
        (1, "<< /Type /Catalog /Pages 2 0 R /AcroForm << /Fields 5 0 R /DR << /Font 90 0 R >> >> /Names 91 0 R >>".to_owned()),
        (2, "<< /Type /Pages /Kids [3 0 R 10 0 R] /Count 2 >>".to_owned()),
        (3, "<< /Type /Page /Parent 2 0 R /Annots 7 0 R /Contents [4 0 R 99 0 R] >>".to_owned()),
        (4, "<< /Length 11 >> stream\n(paid 1.00)\nendstream".to_owned()),
        (5, "[6 0 R]".to_owned()),
        (6, "<< /FT /Sig /T (Empty) /Type /Annot /Subtype /Widget /Rect [0 0 9 9] /P 10 0 R >>".to_owned()),
        (7, "[]".to_owned()),
        (8, "[]".to_owned()),
        (9, "<< /Producer (x) /Title (y) >>".to_owned()),
        (10, "<< /Type /Page /Parent 2 0 R /Annots [6 0 R] /Contents 8 0 R >>".to_owned()),
        (11, "(not used)".to_owned()),
    ]);
    let original =
        String::from_utf8(original).expect("text").replace("/Root", "/Info 9 0 R /Root").into_bytes();
    sign(&original, &new_signature())
}

#[test]
fn what_a_later_revision_may_not_do() {
    let signed = prepared_by_an_attacker();
    let catalog = catalog_of(&signed);
    let (field, signature) = (
        "<< /FT /Sig /T (New) /Type /Annot /Subtype /Widget /Rect [0 0 300 300] /V 31 0 R /P 3 0 R /AP << /N 32 0 R >> >>",
        "<< /Type /Sig /SubFilter /X /ByteRange [0 1 2 3] /Contents <00> >>",
    );
    let (fields, annots) = ("[6 0 R 13 0 R 30 0 R]", "[13 0 R 30 0 R]");
    let picture = "<< /Type /XObject /Subtype /Form /BBox [0 0 1 1] /Length 1 >> stream\nq\nendstream";
    let honest: Vec<(u32, &str)> =
        vec![(30, field), (31, signature), (32, picture), (5, fields), (7, annots)];
    // The frame of the cases below: without their twist they are permitted.
    let change = |objects: &[(u32, &str)], trailer: &str| changes(&append(&signed, objects, trailer));
    let kept = change(&honest, "");
    assert_eq!(kept.len(), 1, "{kept:?}");
    assert!(
        kept[0].kind == ChangeKind::Signature && kept[0].what.contains("visible on 300 by 300"),
        "{kept:?}"
    );

    let and = |more: &[(u32, &'static str)]| -> Vec<(u32, String)> {
        let mut all: Vec<(u32, String)> =
            honest.iter().map(|(number, text)| (*number, (*text).to_owned())).collect();
        for (number, text) in more {
            all.retain(|(known, _)| known != number);
            all.push((*number, (*text).to_owned()));
        }
        all
    };
    let with_key = |key: &str| vec![(1, catalog.replace("/Type /Catalog", &format!("/Type /Catalog {key}")))];
    let cases: Vec<(&str, Vec<(u32, String)>)> = vec![
        ("a page's content", and(&[(4, "<< /Length 11 >> stream\n(paid 9.00)\nendstream")])),
        (
            "a page's other key",
            and(&[(3, "<< /Type /Page /Parent 2 0 R /Annots 7 0 R /Contents [4 0 R 99 0 R] /Rotate 90 >>")]),
        ),
        ("the page tree", and(&[(2, "<< /Type /Pages /Kids [10 0 R 3 0 R] /Count 2 >>")])),
        ("a dangling content stream", and(&[(99, "<< /Length 1 >> stream\nq\nendstream")])),
        ("a dangling font list", and(&[(90, "<< >>")])),
        ("a dangling name tree", and(&[(91, "<< /JavaScript << >> >>")])),
        ("an orphan", and(&[(40, "<< /Length 1 >> stream\nq\nendstream")])),
        ("an unused old object", and(&[(11, "(used)")])),
        ("a removed annotation", and(&[(7, "[30 0 R]")])),
        (
            "a foreign annotation",
            and(&[(7, "[13 0 R 30 0 R 41 0 R]"), (41, "<< /Type /Annot /Subtype /FreeText >>")]),
        ),
        ("a removed field", and(&[(5, "[6 0 R 30 0 R]")])),
        ("fields in another order", and(&[(5, "[13 0 R 6 0 R 30 0 R]")])),
        ("a text field", and(&[(30, "<< /FT /Tx /T (New) /V (x) >>")])),
        (
            "a field with an action",
            and(&[(30, "<< /FT /Sig /T (New) /Rect [0 0 0 0] /V 31 0 R /AA << >> >>")]),
        ),
        ("a field without signature", and(&[(30, "<< /FT /Sig /T (New) /Rect [0 0 0 0] >>")])),
        ("a field with the old signature", and(&[(30, "<< /FT /Sig /T (New) /Rect [0 0 0 0] /V 12 0 R >>")])),
        ("a field of the same name", and(&[(30, "<< /FT /Sig /T (Empty) /Rect [0 0 0 0] /V 31 0 R >>")])),
        (
            "a field that brings a page",
            and(&[
                (30, "<< /FT /Sig /T (New) /Rect [0 0 0 0] /V 31 0 R /P 42 0 R >>"),
                (42, "<< /Type /Page >>"),
            ]),
        ),
        ("the signed signature", and(&[(12, signature)])),
        ("the signed field", and(&[(13, "<< /FT /Sig /T (Signature1) /V 31 0 R >>")])),
        ("a list used twice", and(&[(8, "[32 0 R]")])),
        ("the document information", and(&[(9, "<< /Producer (x) /Title (z) >>")])),
        ("an open action", with_key("/OpenAction [3 0 R /Fit]")),
        ("a store with more in it", with_key("/DSS << /JavaScript 3 0 R >>")),
        ("a store with a page in it", with_key("/DSS << /Certs [3 0 R] >>")),
        (
            "a store that takes an old list",
            [
                with_key("/DSS << /Certs 8 0 R >>"),
                vec![(8, "[50 0 R]".to_owned()), (50, "<< /Length 1 >> stream\nq\nendstream".to_owned())],
            ]
            .concat(),
        ),
        ("appearances needed", vec![(1, catalog.replace("/DR", "/NeedAppearances true /DR"))]),
        ("other resources", vec![(1, catalog.replace("90 0 R", "8 0 R"))]),
        ("a form lost", vec![(1, "<< /Type /Catalog /Pages 2 0 R /Names 91 0 R >>".to_owned())]),
        ("a note in passing", vec![(9, "<< /Producer (z) /Title (y) >>".to_owned())]),
    ];
    for (name, objects) in cases {
        let objects: Vec<(u32, &str)> =
            objects.iter().map(|(number, text)| (*number, text.as_str())).collect();
        let found = change(&objects, "");
        assert!(found.iter().any(is_other), "{name}: {found:?}");
    }
    let root = change(&[(60, &catalog)], "/Root 60 0 R");
    assert!(root.iter().any(|change| is_other(change) && change.what.contains("the catalog")), "{root:?}");
    let stale = append_at(&signed, &[(61, 9)]);
    assert!(open(&stale).expect("opens").changes_after(1).is_err(), "bytes of object 1 are not object 61");

    // Rewritten without a change: nothing to tell.
    assert_eq!(change(&[(4, "<</Length 11>> stream\n(paid 1.00)\nendstream"), (7, "[ 13 0 R ]")], ""), []);
    // Deleted.
    let deleted = append_text(&signed, "", "4 1\n0000000000 00001 f \n", "");
    assert!(
        changes(&deleted)
            .iter()
            .any(|change| is_other(change) && change.what.contains("deletes object 4 0 R"))
    );
    // Hidden from the cross-reference, in the open, in a comment, behind the end.
    for hidden in ["4 0 obj (x) endobj\n", "% \n% 4 0 obj (x) endobj\n", "junk\n"] {
        let found = changes(&append_text(&signed, hidden, "0 0\n", ""));
        assert!(
            found.iter().any(|change| is_other(change) && change.what.contains("belong to no object")),
            "{hidden}: {found:?}"
        );
    }
    assert_eq!(changes(&append_text(&signed, "% made by hand\n\n", "0 0\n", "")), []);
    let behind = [signed.as_slice(), b"\n4 0 obj (x) endobj"].concat();
    let found = changes(&behind);
    assert!(
        found.iter().any(|change| is_other(change) && change.what.contains("follow the last %%EOF")),
        "{found:?}"
    );
    let document = open(&behind).expect("opens");
    let covered = document.check_byte_range(&document.signatures().expect("read")[0]).expect("proven");
    assert!(!covered.whole_document);
    assert!(prepare_signature(&document, &new_signature()).is_err());
}

#[test]
fn a_security_store_and_a_filled_field_are_permitted() {
    let signed = prepared_by_an_attacker();
    let catalog = catalog_of(&signed).replace(
        "/Type /Catalog",
        "/Type /Catalog /DSS 70 0 R /Extensions << /ESIC << /BaseVersion /1.7 /ExtensionLevel 1 >> >>",
    );
    let data = "<< /Length 4 >> stream\n0123\nendstream";
    let entry = "<< /Cert [72 0 R] /OCSP [73 0 R] /TU (D:2025) >>";
    let hash = "0123456789ABCDEF0123456789ABCDEF01234567";
    let store = format!("<< /Certs [72 0 R] /OCSPs 71 0 R /VRI << /{hash} 74 0 R >> >>");
    let first = append(
        &signed,
        &[(1, &catalog), (70, &store), (71, "[73 0 R]"), (72, data), (73, data), (74, entry)],
        "",
    );
    let found = changes(&first);
    assert_eq!(
        found.iter().map(|change| change.kind).collect::<Vec<_>>(),
        [ChangeKind::SecurityStore],
        "{found:?}"
    );
    let grown = store.replace("[72 0 R]", "[72 0 R 75 0 R]");
    let second = append(
        &first,
        &[(70, &grown), (75, data), (9, "<< /Producer (z) /Title (y) /ModDate (D:2025) >>")],
        "",
    );
    let found = changes(&second);
    assert_eq!(
        found.iter().map(|change| change.kind).collect::<Vec<_>>(),
        [ChangeKind::SecurityStore; 2],
        "{found:?}"
    );
    assert!(found[1].what.contains("the date of the last change"), "{found:?}");
    let rewritten = append(&second, &[(72, "<< /Length 4 >> stream\n9999\nendstream")], "");
    assert!(changes(&rewritten).iter().any(is_other), "evidence once given stays as it is");
    let dropped = append(&second, &[(1, &catalog.replace("/DSS 70 0 R", ""))], "");
    assert!(changes(&dropped).iter().any(is_other));

    let filled = sign(&second, &NewSignature { field: Some("Empty".to_owned()), ..new_signature() });
    let found = changes(&filled);
    assert!(
        !found.iter().any(is_other) && found[2].what.contains("into the empty field \"Empty\""),
        "{found:?}"
    );
    assert_eq!(open(&filled).expect("opens").changes_after(4).expect("read"), []);
}

// ---------------------------------------------------------------- hostile files

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn changed_files_never_panic(
        stream in any::<bool>(),
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0_u8..4), 1..12),
    ) {
        let mut bytes = if stream { signed_with_streams() } else { prepared_by_an_attacker() };
        for (place, byte, kind) in edits {
            let at = place.index(bytes.len());
            match kind {
                0 => bytes[at] = byte,
                1 => { bytes.remove(at); }
                2 => bytes.insert(at, byte),
                _ => { let piece = bytes[at..(at + 40).min(bytes.len())].to_vec(); bytes.splice(at..at, piece); }
            }
        }
        use_everything(&bytes);
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        use_everything(&[b"%PDF-1.7\n".as_slice(), &bytes].concat());
        use_everything(&[b"%PDF-1.7\nxref\n0 0\n".as_slice(), &bytes, b"\nstartxref\n9\n%%EOF"].concat());
    }
}

fn use_everything(bytes: &[u8]) {
    let Ok(document) = open(bytes) else { return };
    for revision in document.revisions() {
        for id in revision.objects() {
            let _ = document.object(id);
        }
    }
    for index in 0..document.revisions().len() {
        let _ = document.changes_after(index);
    }
    for signature in document.signatures().unwrap_or_default() {
        let _ = document.check_byte_range(&signature);
    }
    let _ = prepare_signature(&document, &new_signature());
}

// ---------------------------------------------------------------- helpers

/// Stands for a CMS.
const CMS: &[u8] = &[0x30, 0x82, 0x01, 0x02, 0x03];

fn open(bytes: &[u8]) -> Result<Document, PdfError> {
    Document::open(Arc::new(MemorySource(bytes.to_vec())), &Limits::default())
}

fn with_range(signature: &SignatureField, range: &[i64]) -> SignatureField {
    let mut changed = signature.clone();
    changed.byte_range = range.to_vec();
    changed
}

fn is_other(change: &Change) -> bool {
    !change.proven
}

/// What came after the first signed revision, which is the second of the file.
fn changes(bytes: &[u8]) -> Vec<Change> {
    open(bytes).expect("opens").changes_after(1).expect("read")
}

fn new_signature() -> NewSignature {
    NewSignature {
        kind: SignatureKind::Signature,
        sub_filter: "ETSI.CAdES.detached",
        reason: Some("Ký ban hành (bản chính)".to_owned()),
        location: Some("Ha Noi".to_owned()),
        signer_name: Some("Nguyễn Thị Hồng".to_owned()),
        claimed_time: Some("2025-01-02T03:04:05Z".parse().expect("an instant")),
        contents_len: 200,
        ..NewSignature::default()
    }
}

fn time_stamp() -> NewSignature {
    NewSignature { kind: SignatureKind::DocTimeStamp, sub_filter: "ETSI.RFC3161", ..new_signature() }
}

fn sign(bytes: &[u8], new: &NewSignature) -> Vec<u8> {
    let mut increment: Increment = prepare_signature(&open(bytes).expect("opens"), new).expect("prepared");
    increment.fill(CMS).expect("fits");
    assert_eq!(increment.base_len, bytes.len() as u64);
    [bytes, &increment.tail].concat()
}

fn simple() -> Vec<u8> {
    build(&[
        (1, "<< /Type /Catalog /Pages 2 0 R >>".to_owned()),
        (2, "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_owned()),
        (3, "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] >>".to_owned()),
    ])
}

/// A file with a classic table.
fn build(objects: &[(u32, String)]) -> Vec<u8> {
    let mut text = "%PDF-1.7\n".to_owned();
    let mut table = "0000000000 65535 f \n".to_owned();
    let highest = objects.iter().map(|(number, _)| *number).max().unwrap_or(0);
    let mut places = vec![None; highest as usize + 1];
    for (number, object) in objects {
        places[*number as usize] = Some(text.len());
        writeln!(text, "{number} 0 obj {object} endobj").expect("writes to memory");
    }
    for place in places.iter().skip(1) {
        match place {
            Some(place) => writeln!(table, "{place:010} 00000 n "),
            None => writeln!(table, "0000000000 00000 f "),
        }
        .expect("writes to memory");
    }
    let (start, size) = (text.len(), highest + 1);
    write!(
        text,
        "xref\n0 {size}\n{table}trailer << /Size {size} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n"
    )
    .expect("writes to memory");
    text.into_bytes()
}

/// Appends a revision, as anybody can.
fn append(base: &[u8], objects: &[(u32, &str)], trailer: &str) -> Vec<u8> {
    let mut body = String::new();
    let mut table = String::new();
    for (number, object) in objects {
        writeln!(table, "{number} 1\n{:010} 00000 n ", base.len() + body.len()).expect("writes to memory");
        writeln!(body, "{number} 0 obj {object} endobj").expect("writes to memory");
    }
    append_text(base, &body, &table, trailer)
}

/// Appends a revision whose entries point where they like.
fn append_at(base: &[u8], places: &[(u32, usize)]) -> Vec<u8> {
    let mut table = String::new();
    for (number, place) in places {
        writeln!(table, "{number} 1\n{place:010} 00000 n ").expect("writes to memory");
    }
    append_text(base, "", &table, "")
}

fn append_text(base: &[u8], body: &str, table: &str, trailer: &str) -> Vec<u8> {
    let document = open(base).expect("opens");
    let prev = document.revisions().last().expect("a revision").xref_offset;
    let start = base.len() + body.len();
    let root = if trailer.contains("/Root") { "" } else { "/Root 1 0 R" };
    let info = if document.trailer().get("Info").is_some() { "/Info 9 0 R" } else { "" };
    let text = format!(
        "{body}xref\n{table}trailer << /Size 100 /Prev {prev} {root} {info} {trailer} >>\nstartxref\n{start}\n%%EOF\n"
    );
    [base, text.as_bytes()].concat()
}

fn catalog_of(bytes: &[u8]) -> String {
    let mut text = Vec::new();
    Object::Dictionary(open(bytes).expect("opens").catalog().expect("a catalog")).write(&mut text);
    String::from_utf8(text).expect("text")
}

fn replace_startxref(text: &str, offset: usize) -> Vec<u8> {
    let at = text.rfind("startxref").expect("startxref");
    format!("{}startxref\n{offset}\n%%EOF\n", &text[..at]).into_bytes()
}

fn deflate(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write as _;
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).expect("writes to memory");
    encoder.finish().expect("writes to memory")
}

/// A file with object and cross-reference streams, signed.
fn signed_with_streams() -> Vec<u8> {
    let members = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        "<< /Type /Page /Parent 2 0 R >>",
    ];
    let mut head = String::new();
    let mut at = 0;
    for (number, member) in (1..).zip(&members) {
        write!(head, "{number} {at} ").expect("writes to memory");
        at += member.len() + 1;
    }
    let data = deflate(format!("{head}{}", members.join(" ")).as_bytes());
    let mut bytes = b"%PDF-1.7\n".to_vec();
    let (first, len) = (head.len(), data.len());
    bytes.extend_from_slice(
        format!(
            "4 0 obj << /Type /ObjStm /N 3 /First {first} /Filter /FlateDecode /Length {len} >> stream\n"
        )
        .as_bytes(),
    );
    bytes.extend_from_slice(&data);
    bytes.extend_from_slice(b"\nendstream endobj\n");
    let start = u8::try_from(bytes.len()).expect("small");
    let rows = [[0, 0, 0], [2, 4, 0], [2, 4, 1], [2, 4, 2], [1, 9, 0], [1, start, 0]].concat();
    bytes.extend_from_slice(b"5 0 obj << /Type /XRef /Root 1 0 R /Size 6 /W [1 1 1] /Length 18 >> stream\n");
    bytes.extend_from_slice(&rows);
    bytes.extend_from_slice(format!("\nendstream endobj\nstartxref\n{start}\n%%EOF\n").as_bytes());
    sign(&bytes, &new_signature())
}

#[test]
fn an_object_in_a_stream_is_rewritten_outside_it() {
    let signed = signed_with_streams();
    let document = open(&signed).expect("opens");
    let signatures = document.signatures().expect("read");
    assert!(document.check_byte_range(&signatures[0]).expect("proven").whole_document);
    assert!(!document.changes_after(0).expect("read").iter().any(is_other));
    judge_outside(&signed, "with streams");
}
