//! What people may do after a signature, and what must stay valid.

use super::{
    Case,
    base::{
        AGREE, AMOUNT, AMOUNT_LOOK, ANNOTS, Base, CHOICE, ELEMENT, EMPTY, FREE, INFO, LAYOUTS, Layout,
        Making, PARENTS, TREE, XMP, bases, look, signed, stream,
    },
};
use crate::judge::world::{WORLD, append_store, day, plain_pdf};

const FILL: &str = "form fill";
const SIGN: &str = "further signature";
const EVIDENCE: &str = "evidence";
const BROUGHT: &str = "brought along";
const COMMENT: &str = "comment";

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for base in &bases() {
        evidence(base, &mut cases);
        if base.level != Some(1) {
            fills(base, &mut cases);
            signatures(base, &mut cases);
        }
        if base.level == Some(3) {
            comments(base, &mut cases);
        }
    }
    for layout in LAYOUTS {
        unlocked(layout, &mut cases);
    }
    cases
}

/// The text field filled, its appearance new.
pub(super) fn filled(base: &Base) -> Vec<(u32, Vec<u8>)> {
    let mut field = base.swap(AMOUNT, "(100)", "(250)");
    let text = String::from_utf8(field.1).expect("text");
    field.1 = text.replace(&format!("/N {AMOUNT_LOOK} 0 R"), &format!("/N {FREE} 0 R")).into_bytes();
    vec![field, (FREE, look("250"))]
}

fn fills(base: &Base, cases: &mut Vec<Case>) {
    let mut push = |name: &str, objects| cases.push(Case::new(FILL, name, base, base.append(objects)));
    push("text, with a new appearance", filled(base));
    push(
        "text, its appearance rewritten in place",
        vec![base.swap(AMOUNT, "(100)", "(250)"), (AMOUNT_LOOK, look("250"))],
    );
    push("text, without an appearance", vec![base.swap(AMOUNT, "(100)", "(250)")]);
    push("text emptied", vec![base.swap(AMOUNT, "(100)", "()"), (AMOUNT_LOOK, look(""))]);
    let with_font = stream(
        &format!(
            "/Type /XObject /Subtype /Form /BBox [0 0 200 20] /Resources << /Font << /F9 {} 0 R >> >>",
            FREE + 1
        ),
        "0.9 g 0 0 200 20 re f /Tx BMC q BT /F9 12 Tf (250) Tj ET Q EMC",
    );
    let mut font = filled(base);
    font[1].1 = with_font;
    font.push((FREE + 1, b"<< /Type /Font /Subtype /Type1 /BaseFont /Times-Roman >>".to_vec()));
    push("text, with a font of its own", font);
    let ticked = |state: &str| {
        let (number, text) = base.swap(AGREE, "/V /Off", &format!("/V /{state}"));
        (
            number,
            String::from_utf8(text).expect("text").replace("/AS /Off", &format!("/AS /{state}")).into_bytes(),
        )
    };
    push("a box ticked", vec![ticked("Yes")]);
    push("a choice made", vec![base.swap(CHOICE, "/V (A)", "/V (B)")]);
    push(
        "three fields at once",
        [filled(base), vec![ticked("Yes"), base.swap(CHOICE, "/V (A)", "/V (B)")]].concat(),
    );
    let mut dated = filled(base);
    dated.push(base.swap(INFO, "20260101", "20260601"));
    dated.push((XMP, packet("2026-06-01")));
    push("text, with dates in information and XMP", dated);
    let once = base.append(filled(base));
    let again = Base { name: base.name.clone(), pdf: once, layout: base.layout, level: base.level };
    let mut second = vec![again.swap(AMOUNT, "(250)", "(300)")];
    second.push((FREE, look("300")));
    cases.push(Case::new(FILL, "text, twice", base, again.append(second)));
    cases.push(Case::new(FILL, "text, then a signature", base, WORLD.sign(&again.pdf, &WORLD.agency)));
    cases.push(Case::new(FILL, "text, then a time-stamp", base, WORLD.stamp(&again.pdf, day("06-01"))));
}

/// The XMP packet of the base with another date.
pub(super) fn packet(date: &str) -> Vec<u8> {
    let packet = format!(
        "<?xpacket begin='' id='x'?><x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'><rdf:Description rdf:about='' xmlns:dc='http://purl.org/dc/elements/1.1/' xmlns:xmp='http://ns.adobe.com/xap/1.0/'><dc:title>Quyet dinh</dc:title><xmp:ModifyDate>{date}T00:00:00Z</xmp:ModifyDate></rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end='w'?>"
    );
    stream("/Type /Metadata /Subtype /XML", &packet)
}

fn signatures(base: &Base, cases: &mut Vec<Case>) {
    let twice = WORLD.sign(&base.pdf, &WORLD.agency);
    cases.push(Case::new(SIGN, "in a new field", base, twice.clone()));
    cases.push(Case::new(SIGN, "two in new fields", base, WORLD.sign(&twice, &WORLD.person)));
    cases.push(Case::new(SIGN, "in the empty field, seen", base, sign_empty(base, &[])));
    let element =
        "<< /Type /StructElem /S /Form /P 16 0 R /Pg 3 0 R /K << /Type /OBJR /Obj 13 0 R /Pg 3 0 R >> >>";
    let tree = vec![
        (FREE + 5, element.as_bytes().to_vec()),
        base.swap(ELEMENT, "/K [0]", &format!("/K [0 {} 0 R]", FREE + 5)),
        base.swap(PARENTS, "[16 0 R]", &format!("[16 0 R] 1 {} 0 R", FREE + 5)),
        base.swap(TREE, "/ParentTreeNextKey 1", "/ParentTreeNextKey 2"),
    ];
    cases.push(Case::new(BROUGHT, "a signature with its structure element", base, sign_empty(base, &tree)));
    let dates = vec![base.swap(INFO, "20260101", "20260601"), (XMP, packet("2026-06-02"))];
    cases.push(Case::new(BROUGHT, "a signature with dates", base, sign_empty(base, &dates)));
    let extensions =
        base.with(1, "/Extensions << /ESIC << /BaseVersion /1.7 /ExtensionLevel 1 >> >> /Version /1.7");
    cases.push(Case::new(BROUGHT, "a signature with extensions", base, sign_empty(base, &[extensions])));
}

/// The empty field signed, visibly, with more objects in the same revision.
pub(super) fn sign_empty(base: &Base, more: &[(u32, Vec<u8>)]) -> Vec<u8> {
    let picture = stream(
        "/Type /XObject /Subtype /Form /BBox [0 0 180 60] /Resources << /Font << /F1 5 0 R >> >>",
        "BT /F1 12 Tf 2 5 Td (Da ky) Tj ET",
    );
    let mut objects =
        vec![base.with(EMPTY, &format!("/V {} 0 R /AP << /N {} 0 R >>", FREE + 1, FREE)), (FREE, picture)];
    objects.extend_from_slice(more);
    let dictionary = format!(
        "<< /Type /Sig /Filter /Adobe.PPKLite /SubFilter /ETSI.CAdES.detached /M (D:20260530000000Z)\n/ByteRange [0 1111111111 2222222222 3333333333]\n/Contents <{}> >>",
        "0".repeat(8192)
    );
    objects.push((FREE + 1, dictionary.into_bytes()));
    let mut signed = base.append(objects);
    super::base::complete(&mut signed, base.pdf.len(), |digest| {
        WORLD
            .agency
            .cms(digest(kyso::base::DigestAlgorithm::Sha256), &WORLD.agency.certificate, &WORLD.chain())
            .to_der(None)
    });
    signed
}

fn evidence(base: &Base, cases: &mut Vec<Case>) {
    let stamped = WORLD.stamp(&base.pdf, day("06-01"));
    cases.push(Case::new(EVIDENCE, "a document time-stamp", base, stamped.clone()));
    let catalog = base.with(1, &format!("/DSS << /Certs [{FREE} 0 R] >>"));
    let certificate = hex::encode(WORLD.ca.certificate.der());
    let data = stream("/Filter /ASCIIHexDecode", &format!("{certificate}>"));
    let store = base.append(vec![catalog, (FREE, data)]);
    cases.push(Case::new(EVIDENCE, "a security store", base, store.clone()));
    cases.push(Case::new(
        EVIDENCE,
        "a security store, then a time-stamp",
        base,
        WORLD.stamp(&store, day("06-01")),
    ));
    if base.layout == Layout::Table && base.level.is_none() {
        let pieces = [WORLD.root_list(day("05-20")), WORLD.good(&WORLD.person, day("05-30"))];
        // That pen writes no `/Info`: a file that never had one is wanted.
        let stored = append_store(&WORLD.sign(&plain_pdf(), &WORLD.person), &pieces);
        cases.push(Case::new(EVIDENCE, "lists and answers", base, stored));
    }
}

fn comments(base: &Base, cases: &mut Vec<Case>) {
    let listed = |numbers: &str| base.swap(ANNOTS, "]", &format!(" {numbers}]"));
    let note = b"<< /Type /Annot /Subtype /Text /Rect [10 10 30 30] /Contents (Xem lai) /P 3 0 R /F 4 /C [1 1 0] /T (A) >>";
    let mark = b"<< /Type /Annot /Subtype /Highlight /Rect [72 755 200 775] /QuadPoints [72 775 200 775 72 755 200 755] /C [1 1 0] /P 3 0 R >>";
    let line = b"<< /Type /Annot /Subtype /Underline /Rect [72 755 200 775] /QuadPoints [72 775 200 775 72 755 200 755] /C [1 0 0] /P 3 0 R >>";
    let mut push = |name: &str, objects| cases.push(Case::new(COMMENT, name, base, base.append(objects)));
    push("a note", vec![listed(&format!("{FREE} 0 R")), (FREE, note.to_vec())]);
    push("a highlight", vec![listed(&format!("{FREE} 0 R")), (FREE, mark.to_vec())]);
    push("an underline", vec![listed(&format!("{FREE} 0 R")), (FREE, line.to_vec())]);
    let with_popup = String::from_utf8(note.to_vec())
        .expect("text")
        .replace("/T (A)", &format!("/T (A) /Popup {} 0 R", FREE + 1));
    let popup =
        format!("<< /Type /Annot /Subtype /Popup /Rect [40 10 200 100] /Parent {FREE} 0 R /P 3 0 R >>");
    push(
        "a note with its pop-up",
        vec![
            listed(&format!("{FREE} 0 R {} 0 R", FREE + 1)),
            (FREE, with_popup.into_bytes()),
            (FREE + 1, popup.into_bytes()),
        ],
    );
}

fn unlocked(layout: Layout, cases: &mut Vec<Case>) {
    for (name, making) in [
        (
            "another field than the locked one",
            Making { lock: "/Action /Include /Fields [(group.locked)]", ..Making::default() },
        ),
        (
            "a field that the lock leaves out",
            Making { lock: "/Action /Exclude /Fields [(amount)]", ..Making::default() },
        ),
        (
            "another field than FieldMDP names",
            Making { field_mdp: "/Action /Include /Fields [(group) (grade)]", ..Making::default() },
        ),
        (
            "a lock of level 2",
            Making { lock: "/Action /Include /Fields [(grade)] /P 2", ..Making::default() },
        ),
    ] {
        let base =
            Base { name: format!("{layout:?}/lock"), pdf: signed(layout, making), layout, level: None };
        cases.push(Case::new(FILL, name, &base, base.append(filled(&base))));
        let signed = WORLD.sign(&base.pdf, &WORLD.agency);
        cases.push(Case::new(SIGN, format!("in a new field, {name}"), &base, signed));
    }
}
