//! The signed files that the mutator starts from, and the pen that appends to them.

use std::{collections::BTreeMap, io::Write as _, sync::Arc};

use kyso::{
    base::{Digest, DigestAlgorithm, Limits, MemorySource, Source as _},
    pdf::{Document, Object},
};

use crate::judge::world::{Entity, WORLD};

/// How a file's cross-reference is written, and where its dictionaries are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layout {
    ObjectStreams,
    Streams,
    Table,
}

pub(super) const LAYOUTS: [Layout; 3] = [Layout::Table, Layout::Streams, Layout::ObjectStreams];

/// A signed file.
pub(super) struct Base {
    pub(super) name: String,
    pub(super) pdf: Vec<u8>,
    pub(super) layout: Layout,
    /// `/P` of the certification.
    pub(super) level: Option<u8>,
}

/// Objects by number, as text or bytes.
pub(crate) type Objects = Vec<(u32, Vec<u8>)>;

/// Objects of every signed file, which mutations name.
pub(super) const CATALOG: u32 = 1;
pub(super) const PAGES: u32 = 2;
pub(super) const PAGE: u32 = 3;
pub(super) const CONTENT: u32 = 4;
pub(super) const FONT: u32 = 5;
pub(super) const FORM: u32 = 6;
pub(super) const AMOUNT: u32 = 7;
pub(super) const AMOUNT_LOOK: u32 = 8;
pub(super) const AGREE: u32 = 9;
pub(super) const INFO: u32 = 12;
pub(super) const EMPTY: u32 = 13;
pub(super) const ANNOTS: u32 = 14;
pub(super) const TREE: u32 = 15;
pub(super) const ELEMENT: u32 = 16;
pub(super) const PARENTS: u32 = 17;
pub(super) const XMP: u32 = 18;
pub(super) const OTHER_PAGE: u32 = 19;
pub(super) const OTHER_CONTENT: u32 = 20;
pub(super) const READ_ONLY: u32 = 21;
pub(super) const OVERLAY: u32 = 22;
pub(super) const LINK: u32 = 23;
pub(super) const CHOICE: u32 = 24;
pub(super) const LOCKED: u32 = 25;
pub(super) const GROUP: u32 = 26;
pub(super) const SIGNATURE_FIELD: u32 = 30;
pub(super) const SIGNATURE: u32 = 31;
pub(super) const PARAMETERS: u32 = 32;
/// The first number that no base uses.
pub(super) const FREE: u32 = 200;

/// Two pages, a form with fields of every kind, an annotation, a structure tree, metadata.
fn plain() -> Objects {
    let text = |objects: &[(u32, &str)]| -> Objects {
        objects.iter().map(|(number, body)| (*number, body.as_bytes().to_vec())).collect()
    };
    let mut objects = text(&[
        (
            CATALOG,
            "<< /Type /Catalog /Pages 2 0 R /AcroForm 6 0 R /StructTreeRoot 15 0 R /MarkInfo << /Marked true >> /Metadata 18 0 R /Lang (vi) >>",
        ),
        (PAGES, "<< /Type /Pages /Kids [3 0 R] /Count 1 /MediaBox [0 0 595 842] >>"),
        (
            PAGE,
            "<< /Type /Page /Parent 2 0 R /Contents 4 0 R /Annots 14 0 R /StructParents 0 /Resources << /Font << /F1 5 0 R >> /XObject << /X1 22 0 R >> >> >>",
        ),
        (FONT, "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"),
        (
            FORM,
            "<< /Fields [7 0 R 9 0 R 13 0 R 21 0 R 24 0 R 26 0 R] /DA (/F1 12 Tf 0 g) /DR << /Font << /F1 5 0 R >> >> >>",
        ),
        (
            AMOUNT,
            "<< /Type /Annot /Subtype /Widget /FT /Tx /T (amount) /V (100) /DA (/F1 12 Tf 0 g) /F 4 /Rect [72 600 272 620] /P 3 0 R /AP << /N 8 0 R >> >>",
        ),
        (
            AGREE,
            "<< /Type /Annot /Subtype /Widget /FT /Btn /T (agree) /V /Off /AS /Off /F 4 /Rect [72 560 84 572] /P 3 0 R /AP << /N << /Yes 10 0 R /Off 11 0 R >> >> >>",
        ),
        (INFO, "<< /Title (Quyet dinh) /Producer (base) /ModDate (D:20260101000000Z) >>"),
        (
            EMPTY,
            "<< /Type /Annot /Subtype /Widget /FT /Sig /T (second) /F 4 /Rect [300 100 480 160] /P 3 0 R >>",
        ),
        (ANNOTS, "[7 0 R 9 0 R 13 0 R 21 0 R 23 0 R 24 0 R 25 0 R]"),
        (TREE, "<< /Type /StructTreeRoot /K 16 0 R /ParentTree 17 0 R /ParentTreeNextKey 1 >>"),
        (ELEMENT, "<< /Type /StructElem /S /Document /P 15 0 R /Pg 3 0 R /K [0] >>"),
        (PARENTS, "<< /Nums [0 [16 0 R]] >>"),
        (
            OTHER_PAGE,
            "<< /Type /Page /Parent 2 0 R /Contents 20 0 R /Resources << /Font << /F1 5 0 R >> >> >>",
        ),
        (
            READ_ONLY,
            "<< /Type /Annot /Subtype /Widget /FT /Tx /T (total) /Ff 1 /V (100) /F 4 /Rect [72 520 272 540] /P 3 0 R >>",
        ),
        (LINK, "<< /Type /Annot /Subtype /Link /Rect [72 480 272 500] /Dest [3 0 R /Fit] >>"),
        (
            CHOICE,
            "<< /Type /Annot /Subtype /Widget /FT /Ch /T (grade) /Opt [(A) (B)] /V (A) /F 4 /Rect [72 440 272 460] /P 3 0 R >>",
        ),
        (GROUP, "<< /T (group) /Kids [25 0 R] >>"),
        (
            LOCKED,
            "<< /Type /Annot /Subtype /Widget /FT /Tx /T (locked) /Parent 26 0 R /V (old) /F 4 /Rect [72 400 272 420] /P 3 0 R >>",
        ),
    ]);
    objects.push((CONTENT, stream("", "/X1 Do BT /F1 18 Tf 72 760 Td (Xin chao) Tj ET")));
    objects.push((AMOUNT_LOOK, look("100")));
    for number in [10, 11] {
        objects.push((number, stream("/Type /XObject /Subtype /Form /BBox [0 0 12 12]", "0 0 12 12 re S")));
    }
    let packet = "<?xpacket begin='' id='x'?><x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'><rdf:Description rdf:about='' xmlns:dc='http://purl.org/dc/elements/1.1/' xmlns:xmp='http://ns.adobe.com/xap/1.0/'><dc:title>Quyet dinh</dc:title><xmp:ModifyDate>2026-01-01T00:00:00Z</xmp:ModifyDate></rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end='w'?>";
    objects.push((XMP, stream("/Type /Metadata /Subtype /XML", packet)));
    objects.push((OTHER_CONTENT, stream("", "BT /F1 18 Tf 72 760 Td (Trang khac) Tj ET")));
    objects.push((
        OVERLAY,
        stream("/Type /XObject /Subtype /Form /BBox [0 0 595 842]", "1 g 72 700 200 20 re f"),
    ));
    objects.sort();
    objects
}

pub(super) fn stream(dictionary: &str, data: &str) -> Vec<u8> {
    format!("<< {dictionary} /Length {} >>\nstream\n{data}\nendstream", data.len()).into_bytes()
}

/// The appearance of a text field.
pub(super) fn look(text: &str) -> Vec<u8> {
    stream(
        "/Type /XObject /Subtype /Form /BBox [0 0 200 20] /Resources << /Font << /F1 5 0 R >> >>",
        &format!("/Tx BMC q BT /F1 12 Tf 2 5 Td ({text}) Tj ET Q EMC"),
    )
}

/// How the first signature of a file is made.
#[derive(Clone, Copy, Default)]
pub(super) struct Making {
    pub(super) level: Option<u8>,
    /// `/Lock` of the signature field.
    pub(super) lock: &'static str,
    /// `/TransformParams` of a FieldMDP transform.
    pub(super) field_mdp: &'static str,
}

/// All signed files: each layout with one and two signatures, certified at each level, and with locks.
pub(super) fn bases() -> Vec<Base> {
    let mut bases = Vec::new();
    for layout in LAYOUTS {
        let mut push = |name: &str, pdf: Vec<u8>, level: Option<u8>| {
            bases.push(Base { name: format!("{layout:?}/{name}"), pdf, layout, level });
        };
        let once = signed(layout, Making::default());
        push("two", WORLD.sign(&once, &WORLD.agency), None);
        push("one", once, None);
        for level in 1..=3 {
            push(
                &format!("P{level}"),
                signed(layout, Making { level: Some(level), ..Making::default() }),
                Some(level),
            );
        }
    }
    bases
}

/// A signed file of one layout.
pub(super) fn signed(layout: Layout, making: Making) -> Vec<u8> {
    let mut pdf = b"%PDF-1.7\n%\xE2\xE3\xCF\xD3\n".to_vec();
    write_revision(&mut pdf, plain(), layout, &format!("/Root 1 0 R /Info {INFO} 0 R /ID [<01> <01>]"), None);
    let document = open(&pdf).expect("a base opens");
    let mut objects = Vec::new();
    let mut form = document.object((FORM, 0)).expect("read").as_dictionary().expect("a form").clone();
    let mut fields = form.get("Fields").and_then(Object::as_array).expect("fields").to_vec();
    fields.push(Object::Reference((SIGNATURE_FIELD, 0)));
    form.set("Fields", Object::Array(fields));
    form.set("SigFlags", Object::Integer(3));
    objects.push((FORM, text_of(&Object::Dictionary(form))));
    let mut annots = document.object((ANNOTS, 0)).expect("read").as_array().expect("annotations").to_vec();
    annots.push(Object::Reference((SIGNATURE_FIELD, 0)));
    objects.push((ANNOTS, text_of(&Object::Array(annots))));
    let lock = if making.lock.is_empty() {
        String::new()
    } else {
        format!("/Lock << /Type /SigFieldLock {} >>", making.lock)
    };
    objects.push((
        SIGNATURE_FIELD,
        format!("<< /Type /Annot /Subtype /Widget /FT /Sig /T (first) /V 31 0 R /F 132 /Rect [0 0 0 0] /P 3 0 R {lock} >>").into_bytes(),
    ));
    let mut references = String::new();
    if let Some(level) = making.level {
        references.push_str("<< /Type /SigRef /TransformMethod /DocMDP /TransformParams 32 0 R >>");
        objects.push((PARAMETERS, format!("<< /Type /TransformParams /V /1.2 /P {level} >>").into_bytes()));
        let mut catalog = document.catalog().expect("a catalog");
        let mut permissions = kyso::pdf::Dictionary::new();
        permissions.set("DocMDP", Object::Reference((SIGNATURE, 0)));
        catalog.set("Perms", Object::Dictionary(permissions));
        objects.push((CATALOG, text_of(&Object::Dictionary(catalog))));
    }
    if !making.field_mdp.is_empty() {
        references.push_str(&format!(
            "<< /Type /SigRef /TransformMethod /FieldMDP /Data 1 0 R /TransformParams << /Type /TransformParams /V /1.2 {} >> >>",
            making.field_mdp
        ));
    }
    let reference = if references.is_empty() { String::new() } else { format!("/Reference [{references}]") };
    sign_raw(&pdf, objects, &reference, &WORLD.person, layout, |signer, digest| {
        signer.cms(digest(DigestAlgorithm::Sha256), &signer.certificate, &WORLD.chain()).to_der(None)
    })
}

/// Appends a revision with these objects and the signature dictionary [`SIGNATURE`], and signs it.
pub(super) fn sign_raw(
    pdf: &[u8],
    mut objects: Objects,
    more: &str,
    signer: &Entity,
    layout: Layout,
    cms: impl FnOnce(&Entity, &dyn Fn(DigestAlgorithm) -> Digest) -> Vec<u8>,
) -> Vec<u8> {
    objects.push((
        SIGNATURE,
        format!(
            "<< /Type /Sig /Filter /Adobe.PPKLite /SubFilter /ETSI.CAdES.detached /M (D:20260530000000Z) {more}\n/ByteRange [0 1111111111 2222222222 3333333333]\n/Contents <{}> >>",
            "0".repeat(8192)
        )
        .into_bytes(),
    ));
    let mut signed = append(pdf, objects, layout);
    complete(&mut signed, pdf.len(), |digest| cms(signer, digest));
    signed
}

/// Writes range and signature into a dictionary that has room for both.
pub(super) fn complete(
    signed: &mut [u8],
    from: usize,
    cms: impl FnOnce(&dyn Fn(DigestAlgorithm) -> Digest) -> Vec<u8>,
) {
    let find = |signed: &[u8], word: &[u8]| {
        from + signed[from..].windows(word.len()).position(|window| window == word).expect("a signature")
    };
    let start = find(signed, b"/Contents <000") + b"/Contents ".len();
    let end = start + 8194;
    let len = signed.len();
    let numbers = find(signed, b"1111111111");
    let text = format!("{start:<10} {end:<10} {:<10}", len - end);
    signed[numbers..numbers + text.len()].copy_from_slice(text.as_bytes());
    let at = |place: usize| place as u64;
    let ranges = [0..at(start), at(end)..at(len)];
    let source = MemorySource(signed.to_vec());
    let value = hex::encode(cms(&|algorithm| source.digest(algorithm, &ranges).expect("a digest")));
    signed[start + 1..start + 1 + value.len()].copy_from_slice(value.as_bytes());
}

/// Appends a revision in a file's own layout.
pub(crate) fn append(pdf: &[u8], objects: Objects, layout: Layout) -> Vec<u8> {
    let mut out = pdf.to_vec();
    let document = open(pdf).expect("a base opens");
    let previous = document.revisions().last().expect("a revision").xref_offset;
    let size = u32::try_from(document.trailer().integer("Size").expect("a size")).expect("small");
    let trailer = format!("/Root 1 0 R /Info {INFO} 0 R /ID [<01> <02>] /Prev {previous}");
    write_revision(&mut out, objects, layout, &trailer, Some(size));
    out
}

fn write_revision(pdf: &mut Vec<u8>, objects: Objects, layout: Layout, trailer: &str, size: Option<u32>) {
    let highest = objects.iter().map(|(number, _)| *number + 1).max().unwrap_or(1);
    let mut next = highest.max(size.unwrap_or(1)).max(50);
    let mut places: BTreeMap<u32, (u8, u64, u32)> = BTreeMap::new();
    let mut compressed = Vec::new();
    for (number, body) in objects {
        let has = |word: &[u8]| body.windows(word.len()).any(|window| window == word);
        if layout == Layout::ObjectStreams && !has(b"stream") && !has(b"/ByteRange") {
            compressed.push((number, body));
            continue;
        }
        places.insert(number, (1, pdf.len() as u64, 0));
        write_object(pdf, number, &body);
    }
    if !compressed.is_empty() {
        let mut head = String::new();
        let mut data = Vec::new();
        for (index, (number, body)) in compressed.iter().enumerate() {
            head.push_str(&format!("{number} {} ", data.len()));
            data.extend_from_slice(body);
            data.push(b'\n');
            places.insert(*number, (2, u64::from(next), u32::try_from(index).expect("few")));
        }
        let whole = deflate(&[head.as_bytes(), &data].concat());
        let mut body = format!(
            "<< /Type /ObjStm /N {} /First {} /Filter /FlateDecode /Length {} >>\nstream\n",
            compressed.len(),
            head.len(),
            whole.len()
        )
        .into_bytes();
        body.extend_from_slice(&whole);
        body.extend_from_slice(b"\nendstream");
        places.insert(next, (1, pdf.len() as u64, 0));
        write_object(pdf, next, &body);
        next += 1;
    }
    let start = pdf.len();
    if layout == Layout::Table {
        let mut table = "xref\n".to_owned();
        if size.is_none() {
            table.push_str("0 1\n0000000000 65535 f \n");
        }
        for (number, (_, offset, _)) in &places {
            table.push_str(&format!("{number} 1\n{offset:010} 00000 n \n"));
        }
        pdf.extend_from_slice(format!("{table}trailer\n<< /Size {next} {trailer} >>\n").as_bytes());
    } else {
        places.insert(next, (1, start as u64, 0));
        let mut rows = Vec::new();
        let mut index = String::new();
        for (number, (kind, first, second)) in &places {
            index.push_str(&format!("{number} 1 "));
            rows.push(*kind);
            rows.extend_from_slice(&first.to_be_bytes()[4..]);
            rows.extend_from_slice(&second.to_be_bytes()[2..]);
        }
        let head = format!(
            "{next} 0 obj\n<< /Type /XRef /Size {} /W [1 4 2] /Index [{index}] /Length {} {trailer} >>\nstream\n",
            next + 1,
            rows.len()
        );
        pdf.extend_from_slice(head.as_bytes());
        pdf.extend_from_slice(&rows);
        pdf.extend_from_slice(b"\nendstream\nendobj\n");
    }
    pdf.extend_from_slice(format!("startxref\n{start}\n%%EOF\n").as_bytes());
}

fn write_object(pdf: &mut Vec<u8>, number: u32, body: &[u8]) {
    pdf.extend_from_slice(format!("{number} 0 obj\n").as_bytes());
    pdf.extend_from_slice(body);
    pdf.extend_from_slice(b"\nendobj\n");
}

pub(super) fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).expect("writes to memory");
    encoder.finish().expect("writes to memory")
}

pub(super) fn open(pdf: &[u8]) -> Option<Document> {
    Document::open(Arc::new(MemorySource(pdf.to_vec())), &Limits::default()).ok()
}

pub(super) fn text_of(object: &Object) -> Vec<u8> {
    let mut text = Vec::new();
    object.write(&mut text);
    text
}

impl Base {
    /// An object of the last revision as text; a stream's dictionary is not enough to write it again.
    pub(super) fn text(&self, number: u32) -> String {
        let object = open(&self.pdf).expect("a base opens").object((number, 0)).expect("read");
        assert!(!matches!(object, Object::Stream(_)), "{number} is a stream");
        String::from_utf8(text_of(&object)).expect("text")
    }

    /// The object with entries put in behind its `<<`.
    pub(super) fn with(&self, number: u32, entries: &str) -> (u32, Vec<u8>) {
        (number, self.text(number).replacen("<<", &format!("<< {entries}"), 1).into_bytes())
    }

    /// The object with one piece of text in place of another, which must be there.
    pub(super) fn swap(&self, number: u32, from: &str, to: &str) -> (u32, Vec<u8>) {
        let text = self.text(number);
        assert!(text.contains(from), "{}: {from} is not in {text}", self.name);
        (number, text.replacen(from, to, 1).into_bytes())
    }

    /// A revision with these objects appended.
    pub(super) fn append(&self, objects: Objects) -> Vec<u8> {
        append(&self.pdf, objects, self.layout)
    }
}
