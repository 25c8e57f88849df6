//! PDF: whole files, and revisions behind a file that we signed.

use std::sync::{Arc, OnceLock};

use kyso::{
    base::{Limits, MemorySource},
    pdf::{Document, NewSignature, Object, SignatureKind, prepare_signature},
    validation::{Inspection, Overall, Policy},
};

use crate::{
    formats::{moment, nobody},
    world::{self, World},
};

/// A whole file: objects, signatures, changes, the verdict; and a signature of our own behind it.
pub(crate) fn pdf(data: &[u8]) {
    let Ok(document) = open(data) else { return };
    look_at_everything(&document);
    judge_by_nobody(data);
    add_a_signature(&document, data);
}

/// Objects (`NUMBER 0 obj … endobj`) appended as a revision to a file whose one signature holds.
pub(crate) fn revision(data: &[u8]) {
    static SIGNED: OnceLock<(World, Vec<u8>)> = OnceLock::new();
    let (world, signed) = SIGNED.get_or_init(|| {
        let world = World::new().expect("a demo PKI can be made");
        let signed = world.sign(form(), true).expect("the form can be signed");
        let signed = world.with_store(signed).expect("evidence can be added");
        let report = world.judge(signed.clone()).expect("the signed form can be read");
        assert_eq!(report.overall, Overall::Valid, "{report:#?}");
        (world, signed)
    });
    let document = open(signed).expect("the signed form can be read");
    let objects = objects(data);
    let Ok(changed) = world::append(&document, signed.clone(), &objects) else { return };
    let Ok(document) = open(&changed) else { return };
    look_at_everything(&document);
    let Ok(report) = world.judge(changed) else { return };
    if report.overall == Overall::Valid {
        let kept = open(signed).ok().and_then(|before| contents_of_page(&before));
        assert_eq!(contents_of_page(&document), kept, "valid, and the page shows something else");
    }
}

/// The content of the first page, decoded.
fn contents_of_page(document: &Document) -> Option<Vec<u8>> {
    let follow = |object: Object| match object {
        Object::Reference(id) => document.object(id).ok(),
        direct => Some(direct),
    };
    let pages = follow(document.catalog().ok()?.get("Pages")?.clone())?;
    let kids = follow(pages.as_dictionary()?.get("Kids")?.clone())?;
    let page = follow(kids.as_array()?.first()?.clone())?;
    match follow(page.as_dictionary()?.get("Contents")?.clone())? {
        Object::Stream(stream) => document.decode(&stream, 1 << 20).ok(),
        _ => None,
    }
}

fn open(data: &[u8]) -> Result<Document, kyso::pdf::PdfError> {
    Document::open(Arc::new(MemorySource(data.to_vec())), &limits())
}

/// Smaller than the defaults, so that what would take seconds takes a moment.
pub(crate) fn limits() -> Limits {
    Limits { decoded_bytes: 4 << 20, object_bytes: 1 << 20, ..Limits::default() }
}

pub(crate) fn look_at_everything(document: &Document) {
    let _ = (document.version(), document.catalog());
    for (index, revision) in document.revisions().iter().enumerate().take(20) {
        for id in revision.objects().take(300) {
            let Ok(object) = document.object_at(index, id) else { continue };
            let mut text = Vec::new();
            object.write(&mut text);
            if let Object::Stream(stream) = &object {
                let _ = document.decode(stream, 1 << 20);
            }
        }
        let _ = document.changes_after(index);
    }
    for signature in document.signatures().unwrap_or_default() {
        if let Ok(coverage) = document.check_byte_range(&signature) {
            assert!(coverage.revision < document.revisions().len());
        }
    }
}

fn judge_by_nobody(data: &[u8]) {
    let source = Arc::new(MemorySource(data.to_vec()));
    let Ok(inspection) = Inspection::open(source, &limits()) else { return };
    let _ = inspection.needs(&Policy::strict(), &nobody(), moment());
    let report = inspection.judge("fuzz.pdf", &Policy::strict(), &nobody(), moment());
    assert_ne!(report.overall, Overall::Valid, "valid with nobody trusted");
}

/// What we append can be read by ourselves, and holds one signature more.
pub(crate) fn add_a_signature(document: &Document, data: &[u8]) {
    let new = NewSignature {
        kind: SignatureKind::Signature,
        sub_filter: "ETSI.CAdES.detached",
        contents_len: 16,
        ..NewSignature::default()
    };
    let Ok(increment) = prepare_signature(document, &new) else { return };
    let Ok(before) = document.signatures() else { return };
    let written = open(&[data, &increment.tail].concat());
    let written = written.unwrap_or_else(|error| panic!("what we appended cannot be read: {error}"));
    let after = written.signatures().unwrap_or_else(|error| panic!("nor its signatures: {error}"));
    assert_eq!(after.len(), before.len() + 1, "the new signature is not there");
}

/// `NUMBER 0 obj` bodies, each up to the next `endobj`.
fn objects(data: &[u8]) -> Vec<(u32, Vec<u8>)> {
    let text = data.split(|byte| *byte == b'\n').collect::<Vec<_>>();
    let mut objects: Vec<(u32, Vec<u8>)> = Vec::new();
    let mut inside = false;
    for line in text {
        let number =
            line.strip_suffix(b" 0 obj").and_then(|number| std::str::from_utf8(number).ok()?.parse().ok());
        match number {
            Some(number) if objects.len() < 64 && number < 1 << 20 => {
                objects.push((number, Vec::new()));
                inside = true;
            }
            _ if line == b"endobj" => inside = false,
            _ => {
                if let Some((_, body)) = objects.last_mut().filter(|_| inside) {
                    body.extend_from_slice(line);
                    body.push(b'\n');
                }
            }
        }
    }
    // A table names each object once.
    objects.sort_by_key(|(number, _)| *number);
    objects.dedup_by_key(|(number, _)| *number);
    objects
}

/// One page with content, a text field, a comment and names: something for revisions to change.
pub(crate) fn form() -> Vec<u8> {
    let content = "BT /F1 18 Tf 72 760 Td (Xin chao) Tj ET";
    let objects = [
        "<</Type/Catalog/Pages 2 0 R/AcroForm 6 0 R/Names<</EmbeddedFiles<</Names[]>>>>>>".to_owned(),
        "<</Type/Pages/Kids[3 0 R]/Count 1>>".to_owned(),
        "<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Annots[7 0 R 8 0 R]\
         /Resources<</Font<</F1 5 0 R>>>>>>"
            .to_owned(),
        format!("<</Length {}>>\nstream\n{content}\nendstream", content.len()),
        "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>".to_owned(),
        "<</Fields[7 0 R]/DA(/F1 0 Tf 0 g)/DR<</Font<</F1 5 0 R>>>>>>".to_owned(),
        "<</Type/Annot/Subtype/Widget/FT/Tx/T(name)/V(An)/Rect[10 10 200 30]/P 3 0 R>>".to_owned(),
        "<</Type/Annot/Subtype/Text/Rect[10 40 30 60]/Contents(note)/P 3 0 R>>".to_owned(),
    ];
    let mut pdf = b"%PDF-1.7\n%\xE2\xE3\xCF\xD3\n".to_vec();
    let mut table = format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1);
    for (number, body) in (1..).zip(&objects) {
        table.push_str(&format!("{:010} 00000 n \n", pdf.len()));
        pdf.extend_from_slice(format!("{number} 0 obj\n{body}\nendobj\n").as_bytes());
    }
    let at = pdf.len();
    let size = objects.len() + 1;
    pdf.extend_from_slice(
        format!("{table}trailer\n<</Size {size}/Root 1 0 R>>\nstartxref\n{at}\n%%EOF\n").as_bytes(),
    );
    pdf
}
