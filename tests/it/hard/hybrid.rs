//! Hybrid cross-reference files (ISO 32000-2 section 7.5.8.4).

use std::fmt::Write as _;

use kyso::token::provision::NewKeyKind;

use super::desk::{Desk, Others};

/// Where a hidden object is named, and what then happens.
const CASES: [(&str, &str, &str, bool); 7] = [
    // What the programs that write such files hide.
    ("the structure tree", "/StructTreeRoot 5 0 R", "", true),
    ("nothing", "", "", true),
    // What one reader shows and another does not.
    ("a page's content", "", "/Contents 5 0 R", false),
    ("a page's resources", "", "/Resources << /Font << /F 5 0 R >> >>", false),
    ("an annotation", "", "/Annots [5 0 R]", false),
    ("the form", "/AcroForm 5 0 R", "", false),
    ("an action", "/OpenAction 5 0 R", "", false),
];

/// A page; object 5 is listed only by the stream that the table names.
fn hybrid(catalog: &str, page: &str) -> Vec<u8> {
    let mut text = "%PDF-1.5\n".to_owned();
    let mut offsets = Vec::new();
    for (number, object) in [
        (1, format!("<< /Type /Catalog /Pages 2 0 R {catalog} >>")),
        (2, "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_owned()),
        (3, format!("<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] {page} >>")),
        (5, "<< /Type /StructTreeRoot >>".to_owned()),
    ] {
        offsets.push((number, text.len()));
        write!(text, "{number} 0 obj\n{object}\nendobj\n").unwrap();
    }
    let stream = text.len();
    let mut file = text.into_bytes();
    let [high, low] = u16::try_from(offsets[3].1).unwrap().to_be_bytes();
    file.extend_from_slice(b"4 0 obj\n<< /Type /XRef /Size 6 /W [1 2 1] /Index [5 1] /Length 4 >>\nstream\n");
    file.extend_from_slice(&[1, high, low, 0]);
    file.extend_from_slice(b"\nendstream\nendobj\n");
    let start = file.len();
    let mut table = "xref\n0 6\n0000000004 65535 f\r\n".to_owned();
    for (_, offset) in &offsets[..3] {
        write!(table, "{offset:010} 00000 n\r\n").unwrap();
    }
    table.push_str("0000000005 00000 f\r\n0000000000 00000 f\r\n");
    write!(table, "trailer\n<< /Size 6 /Root 1 0 R /XRefStm {stream} >>\nstartxref\n{start}\n%%EOF\n")
        .unwrap();
    file.extend_from_slice(table.as_bytes());
    file
}

#[test]
fn a_hybrid_file_is_signed_when_it_shows_one_document() {
    let desk = Desk::embedded(NewKeyKind::P256);
    for (what, catalog, page, one) in CASES {
        let file = desk.put("hybrid.pdf", &hybrid(catalog, page));
        if one {
            let signed = desk.must_sign(&file, &[], what);
            let tail = std::fs::read(&signed).unwrap().split_off(std::fs::read(&file).unwrap().len());
            let tail = super::desk::text(&tail);
            assert!(tail.contains("\nxref\n") && !tail.contains("XRefStm"), "{what}: {tail}");
            let others = Others { lenient: true, ..Others::PLAIN };
            desk.everybody_accepts(&signed, 1, &others, what);
        } else {
            desk.must_refuse(&file, &[], 65, "hybrid cross-reference", what);
            let (status, report) = desk.verify(&file, None);
            assert_eq!(status, Some(65), "{what}: {report:#}");
            assert_eq!(report["unreadable"][0]["error"]["key"], "file.hybrid", "{what}: {report:#}");
        }
    }
}

/// A revision behind a signature that hides objects from old programs: what it brings is no document for all.
#[test]
fn a_hybrid_revision_behind_a_signature_is_never_valid() {
    let desk = Desk::embedded(NewKeyKind::P256);
    let base = desk.put("base.pdf", &hybrid("", ""));
    let signed = std::fs::read(desk.must_sign(&base, &[], "base")).unwrap();
    let document = kyso::pdf::Document::open(
        std::sync::Arc::new(kyso::base::MemorySource(signed.clone())),
        &kyso::base::Limits::default(),
    )
    .unwrap();
    let (prev, size) =
        (document.revisions().last().unwrap().xref_offset, document.trailer().integer("Size").unwrap());
    for page in ["", "/Contents 90 0 R"] {
        let mut file = signed.clone();
        let page_at = file.len();
        let page =
            format!("3 0 obj\n<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] {page} >>\nendobj\n");
        file.extend_from_slice(page.as_bytes());
        let hidden_at = u32::try_from(file.len()).unwrap();
        file.extend_from_slice(b"90 0 obj\n<< /Length 1 >>\nstream\nn\nendstream\nendobj\n");
        let stream = file.len();
        let [_, a, b, c] = hidden_at.to_be_bytes();
        file.extend_from_slice(
            b"91 0 obj\n<< /Type /XRef /Size 92 /W [1 3 1] /Index [90 1] /Length 5 >>\nstream\n",
        );
        file.extend_from_slice(&[1, a, b, c, 0]);
        file.extend_from_slice(b"\nendstream\nendobj\n");
        let start = file.len();
        let size = size.max(92);
        file.extend_from_slice(
            format!("xref\n3 1\n{page_at:010} 00000 n\r\ntrailer\n<< /Size {size} /Root 1 0 R /Prev {prev} /XRefStm {stream} >>\nstartxref\n{start}\n%%EOF\n")
                .as_bytes(),
        );
        let (status, report) = desk.verify(&desk.put("changed.pdf", &file), None);
        assert!(matches!(status, Some(1 | 2 | 65)), "{page}: {report:#}");
        assert_ne!(report["documents"][0]["overall"], "valid", "{page}: {report:#}");
    }
}
