//! Large files, old habits, and forms of all ages.

use std::{
    fmt::Write as _,
    fs::{self, File},
    io::{Seek as _, SeekFrom, Write as _},
    path::Path,
    process::Command,
    sync::Arc,
    time::Instant,
};

use kyso::{
    base::{Clock, Limits, MemorySource},
    demo::pki::{Holder, KeyAlgorithm, SigningKey},
    pdf::Document,
    signing::{self, Request, Wishes},
    token::provision::NewKeyKind,
};

use super::desk::{Desk, Others, sample};
use crate::support::{PyHanko, run, tool};

/// What stands behind the last `%%EOF` of real files, and what kyso, poppler and pyHanko make of it.
#[test]
fn bytes_behind_the_end_are_signed_over_when_nobody_can_take_them_for_pdf() {
    let desk = Desk::embedded(NewKeyKind::P256);
    let whole = fs::read(sample()).unwrap();
    let html = "<script>ga('send');</script>\n".repeat(40);
    for (what, tail) in [
        ("ends of line", "\r\n\r\n\n".to_owned()),
        ("zeros of a mainframe", "\0".repeat(1_024)),
        ("a web server's HTML", format!("\n<html><body>{html}</body></html>\n")),
        ("a mail gateway's line", "\n-- \nScanned by gateway 7, no virus found.\n".to_owned()),
        ("control characters", "\x1a\x1a\x1a".to_owned()),
        ("bytes of another file", "PK\x05\x06 end of archive".to_owned()),
    ] {
        let file = desk.put("tail.pdf", &[whole.as_slice(), tail.as_bytes()].concat());
        let once = desk.must_sign(&file, &[], what);
        desk.everybody_accepts(&once, 1, &Others { qpdf: false, ..Others::PLAIN }, what);
        // And the agency's signature behind it.
        let once = desk.put("once.pdf", &fs::read(&once).unwrap());
        let twice = desk.must_sign(&once, &[], what);
        desk.everybody_accepts(&twice, 2, &Others { qpdf: false, ..Others::PLAIN }, what);
    }
}

#[test]
fn bytes_behind_the_end_that_could_be_pdf_are_refused() {
    let desk = Desk::embedded(NewKeyKind::P256);
    let whole = fs::read(sample()).unwrap();
    let signed = fs::read(desk.must_sign(&sample(), &[], "base")).unwrap();
    for (what, base, tail, words) in [
        ("an object", &whole, "\n9 0 obj << /Type /Catalog >> endobj\n".to_owned(), "could pass for PDF"),
        ("a trailer", &whole, "\ntrailer << /Root 9 0 R >>\n".to_owned(), "could pass for PDF"),
        ("a table", &whole, "\nXref\n0 1\n".to_owned(), "could pass for PDF"),
        ("another file", &whole, "\n%PDF-1.4\n".to_owned(), "could pass for PDF"),
        ("another end", &whole, "\nx\n%%EOF\n".to_owned(), "could pass for PDF"),
        ("too much", &whole, "x".repeat(70_000), "does not end in startxref"),
        ("behind a signature", &signed, "\n<html></html>\n".to_owned(), "behind a signature"),
    ] {
        let file = desk.put("tail.pdf", &[base.as_slice(), tail.as_bytes()].concat());
        desk.must_refuse(&file, &[], 65, words, what);
    }
    // The judge does not forgive any of it behind a signature.
    let file = desk.put("tail.pdf", &[signed.as_slice(), b"\n<html></html>\n"].concat());
    assert_eq!(desk.verify(&file, None).0, Some(1));
}

/// Offsets may count from the file's beginning or from the header: who reads one way does not see what the other shows.
#[test]
fn bytes_before_the_header_are_refused_and_repaired_on_demand() {
    let desk = Desk::embedded(NewKeyKind::P256);
    let whole = fs::read(sample()).unwrap();
    let file = desk.put("front.pdf", &[b"HTTP/1.1 200 OK\r\n\r\n", whole.as_slice()].concat());
    desk.must_refuse(&file, &[], 65, "19 other bytes before the header", "offsets from the header");
    assert_eq!(desk.verify(&file, None).1["unreadable"][0]["error"]["key"], "file.damaged");
    let signed = desk.at("repaired.pdf");
    let told = desk.sign(&file, &signed, &["--repair"]);
    assert!(told.status.success(), "{}", super::desk::text(&told.stderr));
    desk.everybody_accepts(&signed, 1, &Others::PLAIN, "offsets from the header");
}

#[test]
fn a_linearized_file_is_signed() {
    let (Some(qpdf), desk) = (tool("qpdf"), Desk::embedded(NewKeyKind::P256)) else { return };
    for streams in ["disable", "generate"] {
        let file = desk.at("linearized.pdf");
        let mut command = Command::new(&qpdf);
        command.args(["--linearize", &format!("--object-streams={streams}")]);
        run(command.arg(sample()).arg(&file));
        let signed = desk.must_sign(&file, &[], streams);
        // qpdf calls the linearization of an extended file wrong, as it is.
        desk.everybody_accepts(&signed, 1, &Others { qpdf: false, ..Others::PLAIN }, streams);
    }
}

/// XFA and portfolios: what there is to see must be in the file, and one thing for everybody.
#[test]
fn forms_in_xfa_and_portfolios() {
    let desk = Desk::embedded(NewKeyKind::P256);
    let file = |catalog: &str, form: &str| {
        build(
            "1.7",
            &[
                &format!(
                    "<< /Type /Catalog /Pages 2 0 R /AcroForm << /Fields [4 0 R] {form} >> {catalog} >>"
                ),
                "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
                "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Annots [4 0 R] >>",
                "<< /Type /Annot /Subtype /Widget /FT /Sig /T (Ky) /F 132 /Rect [50 50 150 90] /P 3 0 R >>",
                "<< /Length 32 >> stream\n<xdp:xdp xmlns:xdp='x'></xdp:xdp\nendstream",
                "<< /Type /Filespec /F (a.txt) /UF (a.txt) /EF << /F 7 0 R >> >>",
                "<< /Type /EmbeddedFile /Length 4 >> stream\nabcd\nendstream",
            ],
        )
    };
    let collection = "/Collection << /Type /Collection /View /D >> /Names << /EmbeddedFiles << /Names [(a.txt) 6 0 R] >> >>";
    for (what, catalog, form, field, outcome) in [
        ("static XFA, its own field", "", "/XFA 5 0 R", Some("Ky"), Ok(())),
        ("static XFA, a new field", "", "/XFA 5 0 R", None, Err("does not know a new field")),
        ("static XFA, said so", "/NeedsRendering false", "/XFA 5 0 R", Some("Ky"), Ok(())),
        ("dynamic XFA", "/NeedsRendering true", "/XFA 5 0 R", Some("Ky"), Err("dynamic XFA")),
        ("a portfolio", collection, "", None, Ok(())),
        ("a portfolio, a field of its cover", collection, "", Some("Ky"), Ok(())),
    ] {
        let pdf = desk.put("form.pdf", &file(catalog, form));
        let more: Vec<&str> = field.into_iter().flat_map(|field| ["--field", field]).collect();
        match outcome {
            Ok(()) => {
                let signed = desk.must_sign(&pdf, &more, what);
                desk.everybody_accepts(&signed, 1, &Others::PLAIN, what);
            }
            Err(words) => desk.must_refuse(&pdf, &more, 65, words, what),
        }
    }
}

#[test]
fn a_thousand_pages_and_a_hundred_thousand_objects_are_signed() {
    let desk = Desk::embedded(NewKeyKind::P256);
    let kids: String = (0..1_000).map(|page| format!("{} 0 R ", page + 3)).collect();
    let mut objects = vec!["<< /Type /Catalog /Pages 2 0 R >>".to_owned()];
    objects.push(format!("<< /Type /Pages /Kids [{kids}] /Count 1000 >>"));
    objects.extend((0..1_000).map(|_| "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] >>".to_owned()));
    objects.extend((0..99_000).map(|number| format!("<< /Number {number} >>")));
    let objects: Vec<&str> = objects.iter().map(String::as_str).collect();
    let file = desk.put("many.pdf", &build("1.7", &objects));
    let start = Instant::now();
    let signed = desk.must_sign(&file, &[], "100,002 objects");
    println!("signed 100,002 objects in {:?}", start.elapsed());
    desk.everybody_accepts(&signed, 1, &Others::PLAIN, "100,002 objects");
}

/// The 201st signature: every one before it stays as good as it was.
#[test]
fn the_two_hundred_and_first_signature_is_added() {
    let desk = Desk::embedded(NewKeyKind::P256);
    let key = SigningKey::generate(KeyAlgorithm::EcP256).unwrap();
    let signer = desk.pki.pki().issue_person(key.spki_der(), &Holder::new("Người Ký Nhiều")).unwrap();
    let mut file = blank();
    for _ in 0..200 {
        let document = Document::open(Arc::new(MemorySource(file.clone())), &Limits::default()).unwrap();
        let request = Request {
            signer: signer.clone(),
            chain: desk.pki.pki().chain(),
            scheme: key.scheme(),
            time_stamp: None,
            wishes: Wishes::default(),
        };
        let prepared = signing::prepare(&document, request, Clock::System.now()).unwrap();
        let value = key.sign_as(key.scheme(), prepared.to_be_signed()).unwrap();
        file.extend(prepared.finish(value).unwrap().plain().unwrap());
    }
    let file = desk.put("200.pdf", &file);
    let start = Instant::now();
    let signed = desk.must_sign(&file, &[], "200 signatures");
    println!("the 201st signature took {:?}", start.elapsed());
    let (status, report) = desk.verify(&signed, None);
    assert_eq!(status, Some(0), "{}", report["documents"][0]["overall"]);
    assert_eq!(report["documents"][0]["signatures"].as_array().map(Vec::len), Some(201));
    if let Some(verdicts) = crate::support::pdfsig(&signed) {
        assert_eq!(verdicts.iter().filter(|verdict| verdict.accepted()).count(), 201);
    }
    if let Some(pyhanko) = PyHanko::find() {
        // Its comparison of revisions costs the square of their number: the values alone.
        let root = desk.at("root.pem");
        let verdicts = pyhanko.verify_with(&signed, &[root.as_path()], &["--no-diff"]);
        assert_eq!(verdicts.iter().filter(|one| one.intact && one.valid && one.trusted).count(), 201);
    }
}

/// Objects behind 4 GiB: ten digits in a table, five bytes in a cross-reference stream.
#[test]
fn files_over_four_gibibytes_are_signed() {
    let desk = Desk::embedded(NewKeyKind::P256);
    for stream in [false, true] {
        let file = desk.at("huge.pdf");
        write_huge(&file, stream);
        let (output, what) = (desk.at("huge-signed.pdf"), if stream { "stream" } else { "table" });
        let start = Instant::now();
        let told = desk.sign(&file, &output, &[]);
        assert!(told.status.success(), "{what}: {}", super::desk::text(&told.stderr));
        println!("{what}: 4 GiB signed in {:?}", start.elapsed());
        desk.everybody_accepts(&output, 1, &Others { qpdf: false, ..Others::PLAIN }, what);
        fs::remove_file(output).unwrap();
    }
}

/// A stream of 4 GiB that the file system keeps no blocks for, and everything else behind it.
fn write_huge(path: &Path, stream: bool) {
    const LEN: u64 = (1 << 32) + 4_096;
    let mut file = File::create(path).unwrap();
    let head = format!("%PDF-1.7\n%\u{e2}\u{e3}\n4 0 obj\n<< /Length {LEN} >>\nstream\n");
    file.write_all(head.as_bytes()).unwrap();
    let mut at = head.len() as u64 + LEN;
    file.set_len(at).unwrap();
    file.seek(SeekFrom::End(0)).unwrap();
    let mut tail = "\nendstream\nendobj\n".to_owned();
    let mut offsets = [(0, 0); 5];
    offsets[4] = (4, head.find("4 0 obj").unwrap() as u64);
    for (number, object) in [
        (1, "<< /Type /Catalog /Pages 2 0 R >>"),
        (2, "<< /Type /Pages /Kids [3 0 R] /Count 1 >>"),
        (3, "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Kept 4 0 R >>"),
    ] {
        offsets[number] = (number, at + tail.len() as u64);
        write!(tail, "{number} 0 obj\n{object}\nendobj\n").unwrap();
    }
    let start = at + tail.len() as u64;
    file.write_all(tail.as_bytes()).unwrap();
    at = start;
    let mut end = Vec::new();
    if stream {
        let mut rows = vec![0_u8; 8];
        for (_, offset) in &offsets[1..] {
            rows.push(1);
            rows.extend_from_slice(&offset.to_be_bytes()[3..]);
            rows.extend_from_slice(&[0, 0]);
        }
        rows.push(1);
        rows.extend_from_slice(&at.to_be_bytes()[3..]);
        rows.extend_from_slice(&[0, 0]);
        let head = format!(
            "5 0 obj\n<< /Type /XRef /Root 1 0 R /Size 6 /W [1 5 2] /Length {} >>\nstream\n",
            rows.len()
        );
        end.extend_from_slice(head.as_bytes());
        end.extend_from_slice(&rows);
        end.extend_from_slice(b"\nendstream\nendobj\n");
    } else {
        end.extend_from_slice(b"xref\n0 5\n0000000000 65535 f\r\n");
        for (_, offset) in &offsets[1..] {
            end.extend_from_slice(format!("{offset:010} 00000 n\r\n").as_bytes());
        }
        end.extend_from_slice(b"trailer\n<< /Root 1 0 R /Size 5 >>\n");
    }
    end.extend_from_slice(format!("startxref\n{start}\n%%EOF\n").as_bytes());
    file.write_all(&end).unwrap();
}

/// One page with nothing on it.
pub(crate) fn blank() -> Vec<u8> {
    build(
        "1.7",
        &[
            "<< /Type /Catalog /Pages 2 0 R >>",
            "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] >>",
        ],
    )
}

/// A file with a classic table; object 1 is the catalog.
pub(crate) fn build(version: &str, objects: &[&str]) -> Vec<u8> {
    let mut text = format!("%PDF-{version}\n");
    let mut table = format!("xref\n0 {}\n0000000000 65535 f\r\n", objects.len() + 1);
    for (number, object) in (1..).zip(objects) {
        write!(table, "{:010} 00000 n\r\n", text.len()).unwrap();
        write!(text, "{number} 0 obj\n{object}\nendobj\n").unwrap();
    }
    let start = text.len();
    let size = objects.len() + 1;
    write!(text, "{table}trailer\n<< /Root 1 0 R /Size {size} >>\nstartxref\n{start}\n%%EOF\n").unwrap();
    text.into_bytes()
}
