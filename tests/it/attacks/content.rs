//! Attacks on what is seen: shadows, annotations, sneaky signatures, objects used again, actions, embedded files.

use super::{
    Case,
    base::{
        AGREE, AMOUNT, AMOUNT_LOOK, ANNOTS, Base, CATALOG, CONTENT, ELEMENT, EMPTY, FONT, FORM, FREE, INFO,
        LINK, Layout, OTHER_CONTENT, OTHER_PAGE, OVERLAY, PAGE, PAGES, PARAMETERS, PARENTS, SIGNATURE,
        SIGNATURE_FIELD, TREE, XMP, look, stream,
    },
    benign::{filled, sign_empty},
};
use crate::judge::world::WORLD;

const HIDE: &str = "shadow hide";
const REPLACE: &str = "shadow replace";
const BOTH: &str = "shadow hide and replace";
const EVIL: &str = "evil annotation";
const SNEAKY: &str = "sneaky signature";
const REUSE: &str = "object reuse";
const CERTIFICATION: &str = "certification tampering";
const ACTION: &str = "action or script";
const EMBEDDED: &str = "embedded file";

pub(super) fn cases(base: &Base, cases: &mut Vec<Case>) {
    shadows(base, cases);
    annotations(base, cases);
    sneaky(base, cases);
    reuse(base, cases);
    certification(base, cases);
    actions(base, cases);
    embedded(base, cases);
}

fn shadows(base: &Base, cases: &mut Vec<Case>) {
    let mut push =
        |family, name: &str, objects| cases.push(Case::new(family, name, base, base.append(objects)));
    let nothing = || stream("/Type /XObject /Subtype /Form /BBox [0 0 595 842]", "");
    push(HIDE, "the covering picture made empty", vec![(OVERLAY, nothing())]);
    push(
        HIDE,
        "the covering picture made small",
        vec![(OVERLAY, stream("/Type /XObject /Subtype /Form /BBox [0 0 1 1]", "1 g 72 700 200 20 re f"))],
    );
    push(HIDE, "the covering picture of another kind", vec![(OVERLAY, b"<< /Type /XObject >>".to_vec())]);
    push(
        HIDE,
        "the covering picture taken out of the resources",
        vec![base.swap(PAGE, "/XObject << /X1 22 0 R >>", "")],
    );
    push(HIDE, "the covering annotation hidden", vec![base.with(LINK, "/F 2")]);
    push(HIDE, "the covering field hidden", vec![base.swap(AMOUNT, "/F 4", "/F 2")]);
    push(HIDE, "the covering field moved", vec![base.swap(AMOUNT, "[72 600 272 620]", "[0 0 1 1]")]);
    push(HIDE, "the covering annotation removed", vec![base.swap(ANNOTS, &format!("{LINK} 0 R "), "")]);
    push(
        HIDE,
        "a layer that covers switched off",
        vec![base.with(CATALOG, "/OCProperties << /OCGs [] /D << >> >>")],
    );
    push(REPLACE, "the font", vec![base.swap(FONT, "Helvetica", "Symbol")]);
    push(REPLACE, "the font's encoding", vec![base.with(FONT, "/Encoding << /Differences [49 /nine] >>")]);
    push(REPLACE, "a field's appearance without its value", vec![(AMOUNT_LOOK, look("900"))]);
    push(
        REPLACE,
        "a field's appearance by a new one, without its value",
        vec![
            base.swap(AMOUNT, &format!("/N {AMOUNT_LOOK} 0 R"), &format!("/N {FREE} 0 R")),
            (FREE, look("900")),
        ],
    );
    push(
        REPLACE,
        "a picture by another",
        vec![(
            OVERLAY,
            stream("/Type /XObject /Subtype /Form /BBox [0 0 595 842]", "0 g 72 700 200 20 re f"),
        )],
    );
    push(REPLACE, "the form's default look", vec![base.swap(FORM, "/F1 12 Tf", "/F1 40 Tf")]);
    push(REPLACE, "the form's fonts", vec![base.swap(FORM, "/F1 5 0 R", "/F1 11 0 R")]);
    push(REPLACE, "appearances to be made anew", vec![base.with(FORM, "/NeedAppearances true")]);
    push(
        BOTH,
        "the page by one that waited",
        vec![base.swap(PAGES, "/Kids [3 0 R]", &format!("/Kids [{OTHER_PAGE} 0 R]"))],
    );
    push(
        BOTH,
        "the content by one that waited",
        vec![base.swap(PAGE, "/Contents 4 0 R", &format!("/Contents {OTHER_CONTENT} 0 R"))],
    );
    push(
        BOTH,
        "the catalog's pages by others",
        vec![
            base.swap(CATALOG, "/Pages 2 0 R", &format!("/Pages {FREE} 0 R")),
            (FREE, format!("<< /Type /Pages /Kids [{OTHER_PAGE} 0 R] /Count 1 >>").into_bytes()),
        ],
    );
    push(
        BOTH,
        "the content's bytes",
        vec![(CONTENT, stream("", "BT /F1 18 Tf 72 760 Td (Trang khac) Tj ET"))],
    );
    // The cross-reference alone is changed: no new bytes for the object at all.
    let document = super::base::open(&base.pdf).expect("opens");
    let prev = document.revisions().last().expect("one").xref_offset;
    let at = |number: u32| {
        let word = format!("\n{number} 0 obj\n");
        base.pdf.windows(word.len()).position(|window| window == word.as_bytes()).map(|at| at + 1)
    };
    let len = base.pdf.len();
    for (name, table) in [
        ("the content freed", format!("4 1\n{:010} 00001 f \n", 0)),
        ("the content led to other bytes", format!("4 1\n{:010} 00000 n \n", at(OTHER_CONTENT).unwrap_or(9))),
        ("the content of another generation", format!("4 1\n{:010} 00001 n \n", at(CONTENT).unwrap_or(9))),
        ("the overlay freed", format!("{OVERLAY} 1\n{:010} 00001 f \n", 0)),
        ("the signature freed", format!("{SIGNATURE} 1\n{:010} 00001 f \n", 0)),
        ("the signature field freed", format!("{SIGNATURE_FIELD} 1\n{:010} 00001 f \n", 0)),
    ] {
        let tail = format!(
            "xref\n{table}trailer\n<< /Size 300 /Root 1 0 R /Info {INFO} 0 R /ID [<01> <02>] /Prev {prev} >>\nstartxref\n{len}\n%%EOF\n"
        );
        cases.push(Case::new(BOTH, name, base, [base.pdf.as_slice(), tail.as_bytes()].concat()));
    }
}

fn annotations(base: &Base, cases: &mut Vec<Case>) {
    let listed = base.swap(ANNOTS, "]", &format!(" {FREE} 0 R]"));
    let mut push = |name: &str, text: &str| {
        let text = format!("<< /Type /Annot /P 3 0 R /F 4 {text} >>").into_bytes();
        let picture = stream("/Type /XObject /Subtype /Form /BBox [0 0 200 20]", "1 g 0 0 200 20 re f");
        cases.push(Case::new(
            EVIL,
            name,
            base,
            base.append(vec![listed.clone(), (FREE, text), (FREE + 1, picture)]),
        ));
    };
    let area = "/Rect [72 750 272 780]";
    let look = format!("/AP << /N {} 0 R >>", FREE + 1);
    for subtype in [
        "FreeText",
        "Stamp",
        "Redact",
        "Line",
        "Square",
        "Circle",
        "Ink",
        "Polygon",
        "PolyLine",
        "Caret",
        "Watermark",
        "Highlight",
        "Underline",
        "StrikeOut",
        "Squiggly",
        "Text",
        "Popup",
        "Screen",
        "Movie",
        "Sound",
        "RichMedia",
        "3D",
        "PrinterMark",
        "TrapNet",
        "Widget",
        "Projection",
        "Unknown",
    ] {
        push(&format!("{subtype} with a look"), &format!("/Subtype /{subtype} {area} {look}"));
    }
    push("FreeText without a look", &format!("/Subtype /FreeText {area} /DA (/F1 18 Tf) /Contents (900)"));
    push(
        "a dark highlight",
        &format!("/Subtype /Highlight {area} /C [0 0 0] /QuadPoints [72 780 272 780 72 750 272 750]"),
    );
    push(
        "a highlight of no colour",
        &format!("/Subtype /Highlight {area} /QuadPoints [72 780 272 780 72 750 272 750]"),
    );
    push(
        "a thick strike-out",
        &format!("/Subtype /StrikeOut {area} /C [1 1 1] /QuadPoints [0 842 595 842 0 0 595 0]"),
    );
    push("a large note", "/Subtype /Text /Rect [0 0 595 842] /Contents (x)");
    push("an open note", "/Subtype /Text /Rect [0 0 20 20] /Open true /Contents (x)");
    push("an open pop-up", &format!("/Subtype /Popup {area} /Open true"));
    push("a note with an action", "/Subtype /Text /Rect [0 0 20 20] /A << /S /URI /URI (http://x) >>");
    push("a note in a layer", "/Subtype /Text /Rect [0 0 20 20] /OC 22 0 R");
    let mut push = |name: &str, objects| cases.push(Case::new(EVIL, name, base, base.append(objects)));
    push("an annotation moved", vec![base.swap(LINK, "[72 480 272 500]", "[0 0 595 842]")]);
    push(
        "an annotation with a look of its own",
        vec![base.with(LINK, &format!("/AP << /N {OVERLAY} 0 R >>"))],
    );
    push("an annotation removed", vec![base.swap(ANNOTS, &format!("{LINK} 0 R"), "")]);
    push("annotations in another order", vec![base.swap(ANNOTS, "[7 0 R 9 0 R", "[9 0 R 7 0 R")]);
    push("an old object made an annotation", vec![base.swap(ANNOTS, "]", &format!(" {OVERLAY} 0 R]"))]);
}

fn sneaky(base: &Base, cases: &mut Vec<Case>) {
    let form = base.swap(FORM, "/Fields [", &format!("/Fields [{FREE} 0 R "));
    let listed = base.swap(ANNOTS, "]", &format!(" {FREE} 0 R]"));
    let picture =
        (FREE + 1, stream("/Type /XObject /Subtype /Form /BBox [0 0 200 20]", "1 g 0 0 200 20 re f"));
    let field = |more: &str| {
        (
            FREE,
            format!("<< /Type /Annot /Subtype /Widget /FT /Sig /T (sneaky) /F 4 /P 3 0 R {more} >>")
                .into_bytes(),
        )
    };
    let area = format!("/Rect [72 750 272 780] /AP << /N {} 0 R >>", FREE + 1);
    let mut push = |name: &str, objects| cases.push(Case::new(SNEAKY, name, base, base.append(objects)));
    push("a field without a signature", vec![form.clone(), listed.clone(), field(&area), picture.clone()]);
    push(
        "a field without a signature or a look",
        vec![form.clone(), listed.clone(), field("/Rect [0 0 0 0]")],
    );
    push(
        "a field with an empty signature",
        vec![form.clone(), listed.clone(), field(&format!("{area} /V << /Type /Sig >>")), picture.clone()],
    );
    let forged = (
        FREE + 2,
        b"<< /Type /Sig /SubFilter /ETSI.CAdES.detached /ByteRange [0 1 2 3] /Contents <00> >>".to_vec(),
    );
    push(
        "a field with a forged signature",
        vec![
            form.clone(),
            listed.clone(),
            field(&format!("{area} /V {} 0 R", FREE + 2)),
            picture.clone(),
            forged.clone(),
        ],
    );
    push(
        "a look for the signed field",
        vec![base.with(SIGNATURE_FIELD, &format!("/AP << /N {} 0 R >>", FREE + 1)), picture.clone()],
    );
    push(
        "the signed field made large",
        vec![base.swap(SIGNATURE_FIELD, "/Rect [0 0 0 0]", "/Rect [0 0 595 842]")],
    );
    push(
        "a look for the empty field",
        vec![base.with(EMPTY, &format!("/AP << /N {} 0 R >>", FREE + 1)), picture.clone()],
    );
    push(
        "a forged signature in the empty field",
        vec![
            base.with(EMPTY, &format!("/V {} 0 R /AP << /N {} 0 R >>", FREE + 2, FREE + 1)),
            picture.clone(),
            forged,
        ],
    );
    // With a real signature, by somebody who is trusted.
    let sign = |more: &[(u32, Vec<u8>)]| sign_empty(base, more);
    let mut push =
        |name: &str, more: &[(u32, Vec<u8>)]| cases.push(Case::new(SNEAKY, name, base, sign(more)));
    push(
        "a true signature, and the page's content",
        &[(CONTENT, stream("", "BT /F1 18 Tf 72 760 Td (Khac) Tj ET"))],
    );
    push(
        "a true signature, and a second field",
        &[form.clone(), listed.clone(), field(&area), picture.clone()]
            .map(|(number, body)| (if number == FREE { 300 } else { number }, body)),
    );
    push("a true signature, and a font", &[base.swap(FONT, "Helvetica", "Symbol")]);
    push(
        "a true signature, and a free text",
        &[
            base.swap(ANNOTS, "]", " 300 0 R]"),
            (300, b"<< /Type /Annot /Subtype /FreeText /Rect [72 750 272 780] /Contents (900) >>".to_vec()),
        ],
    );
    for (name, field, entries) in [
        ("a true signature that covers the page", "[0 0 595 842]", ""),
        ("a true signature that keeps its size", "[72 750 272 780]", "/F 12"),
        ("a true signature with an action", "[72 750 272 780]", "/AA << >>"),
    ] {
        let pdf = new_visible(base, field, entries);
        cases.push(Case::new(SNEAKY, name, base, pdf));
    }
    if base.level.is_some() {
        cases.push(Case::new(
            SNEAKY,
            "a true signature where none is foreseen",
            base,
            new_visible(base, "[72 750 272 780]", ""),
        ));
    }
}

/// A true signature in a new visible field.
fn new_visible(base: &Base, rectangle: &str, entries: &str) -> Vec<u8> {
    let flags = if entries.contains("/F ") { "" } else { "/F 4" };
    let field = format!(
        "<< /Type /Annot /Subtype /Widget /FT /Sig /T (seen) /V 301 0 R {flags} /P 3 0 R /Rect {rectangle} /AP << /N 302 0 R >> {entries} >>"
    );
    let dictionary = format!(
        "<< /Type /Sig /Filter /Adobe.PPKLite /SubFilter /ETSI.CAdES.detached /M (D:20260530000000Z)\n/ByteRange [0 1111111111 2222222222 3333333333]\n/Contents <{}> >>",
        "0".repeat(8192)
    );
    let objects = vec![
        base.swap(FORM, "/Fields [", "/Fields [300 0 R "),
        base.swap(ANNOTS, "]", " 300 0 R]"),
        (300, field.into_bytes()),
        (301, dictionary.into_bytes()),
        (302, stream("/Type /XObject /Subtype /Form /BBox [0 0 200 20]", "1 g 0 0 200 20 re f")),
    ];
    let mut signed = base.append(objects);
    super::base::complete(&mut signed, base.pdf.len(), |digest| {
        WORLD
            .agency
            .cms(digest(kyso::base::DigestAlgorithm::Sha256), &WORLD.agency.certificate, &WORLD.chain())
            .to_der(None)
    });
    signed
}

fn reuse(base: &Base, cases: &mut Vec<Case>) {
    for number in [
        CATALOG,
        PAGES,
        PAGE,
        CONTENT,
        FONT,
        FORM,
        AMOUNT,
        AMOUNT_LOOK,
        AGREE,
        10,
        11,
        EMPTY,
        ANNOTS,
        TREE,
        ELEMENT,
        PARENTS,
        XMP,
        OTHER_PAGE,
        OTHER_CONTENT,
        OVERLAY,
        LINK,
        SIGNATURE_FIELD,
        SIGNATURE,
    ] {
        for (name, body) in [
            ("null", "null"),
            ("a number", "7"),
            ("a dictionary", "<< /Type /Page >>"),
            ("a list", "[3 0 R]"),
        ] {
            let name = format!("object {number} becomes {name}");
            cases.push(Case::new(REUSE, name, base, base.append(vec![(number, body.as_bytes().to_vec())])));
        }
    }
    let mut push = |name: &str, objects| cases.push(Case::new(REUSE, name, base, base.append(objects)));
    push("an object that nothing needs", vec![(FREE, b"<< /Type /Page >>".to_vec())]);
    push("a stream that nothing needs", vec![(FREE, stream("", "q Q"))]);
    let mut more = filled(base);
    more.push((FREE + 9, stream("", "q Q")));
    push("a fill, and a stream that nothing needs", more);
    let mut more = filled(base);
    more.push((OVERLAY, stream("/Type /XObject /Subtype /Form /BBox [0 0 1 1]", "")));
    push("a fill, and the covering picture", more);
    let mut more = filled(base);
    more.push(base.swap(AMOUNT, "(100)", "(250)"));
    push("a fill, written twice", more);
}

fn certification(base: &Base, cases: &mut Vec<Case>) {
    let mut push =
        |name: &str, objects| cases.push(Case::new(CERTIFICATION, name, base, base.append(objects)));
    if let Some(level) = base.level {
        push("the permissions taken away", vec![base.swap(CATALOG, "/DocMDP 31 0 R", "")]);
        push(
            "the permissions led elsewhere",
            vec![
                base.swap(CATALOG, "/DocMDP 31 0 R", &format!("/DocMDP {FREE} 0 R")),
                (FREE, b"<< /Type /Sig >>".to_vec()),
            ],
        );
        push("the level raised", vec![base.swap(PARAMETERS, &format!("/P {level}"), "/P 4")]);
        push("the level lowered to one", vec![base.swap(PARAMETERS, &format!("/P {level}"), "/P 1.0")]);
        push("the parameters emptied", vec![(PARAMETERS, b"<< >>".to_vec())]);
        push(
            "the signature no longer certifies",
            vec![(SIGNATURE, base.text(SIGNATURE).replace("/Reference", "/Refxrence").into_bytes())],
        );
        push(
            "the field taken out of the form",
            vec![base.swap(FORM, &format!(" {SIGNATURE_FIELD} 0 R"), "")],
        );
        let mut raised = filled(base);
        raised.push(base.swap(PARAMETERS, &format!("/P {level}"), "/P 2 /Raised true"));
        push("a fill, and the level raised", raised);
    } else {
        push(
            "permissions that were not there",
            vec![base.with(CATALOG, &format!("/Perms << /DocMDP {SIGNATURE} 0 R >>"))],
        );
        push("a usage right", vec![base.with(CATALOG, &format!("/Perms << /UR3 {SIGNATURE} 0 R >>"))]);
    }
    if base.level == Some(1) {
        push("a fill at level 1", filled(base));
        cases.push(Case::new(CERTIFICATION, "a signature at level 1", base, sign_empty(base, &[])));
        cases.push(Case::new(CERTIFICATION, "a time-stamp, then a fill, at level 1", base, {
            let stamped = WORLD.stamp(&base.pdf, crate::judge::world::day("06-01"));
            let stamped =
                Base { name: base.name.clone(), pdf: stamped, layout: base.layout, level: base.level };
            stamped.append(filled(&stamped))
        }));
    }
    if base.level != Some(3) {
        let note =
            b"<< /Type /Annot /Subtype /Text /Rect [10 10 30 30] /Contents (x) /P 3 0 R /F 4 >>".to_vec();
        let pdf = base.append(vec![base.swap(ANNOTS, "]", &format!(" {FREE} 0 R]")), (FREE, note)]);
        cases.push(Case::new(CERTIFICATION, "a note below level 3", base, pdf));
    }
}

fn actions(base: &Base, cases: &mut Vec<Case>) {
    let script = "<< /S /JavaScript /JS (app.alert\\(1\\)) >>";
    let mut push = |name: &str, objects| cases.push(Case::new(ACTION, name, base, base.append(objects)));
    push("on opening", vec![base.with(CATALOG, &format!("/OpenAction {script}"))]);
    push(
        "on opening, by reference",
        vec![base.with(CATALOG, &format!("/OpenAction {FREE} 0 R")), (FREE, script.as_bytes().to_vec())],
    );
    push("a destination on opening", vec![base.with(CATALOG, "/OpenAction [3 0 R /Fit]")]);
    push("on closing", vec![base.with(CATALOG, &format!("/AA << /WC {script} >>"))]);
    push(
        "a named script",
        vec![base.with(CATALOG, &format!("/Names << /JavaScript << /Names [(a) {script}] >> >>"))],
    );
    push("on showing the page", vec![base.with(PAGE, &format!("/AA << /O {script} >>"))]);
    push("of a link", vec![base.with(LINK, "/A << /S /URI /URI (http://x) >>")]);
    push("of a link to another place", vec![base.swap(LINK, "/Dest [3 0 R /Fit]", "/Dest [19 0 R /Fit]")]);
    push("of a field", vec![base.with(AMOUNT, &format!("/AA << /K {script} >>"))]);
    push(
        "of a field that is filled",
        vec![{
            let (number, text) = base.swap(AMOUNT, "(100)", "(250)");
            (
                number,
                String::from_utf8(text)
                    .expect("text")
                    .replacen("<<", &format!("<< /A {script}"), 1)
                    .into_bytes(),
            )
        }],
    );
    push("of a launch", vec![base.with(LINK, "/A << /S /Launch /F (cmd.exe) >>")]);
    push("of a submission", vec![base.with(AGREE, "/A << /S /SubmitForm /F (http://x) >>")]);
    push("calculation order", vec![base.with(FORM, &format!("/CO [{AMOUNT} 0 R]"))]);
    push("XFA", vec![base.with(FORM, "/XFA (x)")]);
}

fn embedded(base: &Base, cases: &mut Vec<Case>) {
    let file = (FREE, stream("/Type /EmbeddedFile", "x"));
    let specification =
        (FREE + 1, format!("<< /Type /Filespec /F (a.txt) /EF << /F {FREE} 0 R >> >>").into_bytes());
    let both = |more: (u32, Vec<u8>)| vec![file.clone(), specification.clone(), more];
    let mut push = |name: &str, objects| cases.push(Case::new(EMBEDDED, name, base, base.append(objects)));
    push(
        "by name",
        both(base.with(CATALOG, &format!("/Names << /EmbeddedFiles << /Names [(a) {} 0 R] >> >>", FREE + 1))),
    );
    push("associated with the document", both(base.with(CATALOG, &format!("/AF [{} 0 R]", FREE + 1))));
    push("associated with the page", both(base.with(PAGE, &format!("/AF [{} 0 R]", FREE + 1))));
    push("as an annotation", {
        let mut all = both(base.swap(ANNOTS, "]", &format!(" {} 0 R]", FREE + 2)));
        all.push((
            FREE + 2,
            format!("<< /Type /Annot /Subtype /FileAttachment /Rect [0 0 20 20] /FS {} 0 R >>", FREE + 1)
                .into_bytes(),
        ));
        all
    });
    push("as a collection", both(base.with(CATALOG, "/Collection << /View /D >>")));
    push("hanging from a field that is filled", {
        let mut all = filled(base);
        let text = String::from_utf8(all[0].1.clone()).expect("text");
        all[0].1 = text.replacen("<<", &format!("<< /AF [{} 0 R]", FREE + 3), 1).into_bytes();
        all.push((FREE + 3, b"<< /Type /Filespec /F (a.txt) >>".to_vec()));
        all
    });
    push("hanging from an appearance", {
        let mut all = filled(base);
        all[1].1 = stream(
            &format!("/Type /XObject /Subtype /Form /BBox [0 0 200 20] /AF [{} 0 R]", FREE + 3),
            "q Q",
        );
        all.push((FREE + 3, b"<< /Type /Filespec /F (a.txt) >>".to_vec()));
        all
    });
    if base.layout == Layout::Table {
        push("with nothing that leads there", vec![file.clone(), specification.clone()]);
    }
}
