//! Attacks by way of the form: more than a fill, and fills of what is locked.

use super::{
    Case,
    base::{
        AGREE, AMOUNT, AMOUNT_LOOK, ANNOTS, Base, CHOICE, EMPTY, FORM, FREE, LAYOUTS, LOCKED, Making,
        OVERLAY, PAGE, READ_ONLY, SIGNATURE_FIELD, look, signed, stream,
    },
    benign::{filled, packet, sign_empty},
};
use crate::judge::world::WORLD;

const MORE: &str = "more than a fill";
const LOCK: &str = "field lock bypass";

pub(super) fn cases(base: &Base, cases: &mut Vec<Case>) {
    let mut push = |name: &str, objects| cases.push(Case::new(MORE, name, base, base.append(objects)));
    let fill = |from: &str, to: &str| {
        let mut objects = filled(base);
        let text = String::from_utf8(objects[0].1.clone()).expect("text");
        assert!(text.contains(from), "{text}");
        objects[0].1 = text.replacen(from, to, 1).into_bytes();
        objects
    };
    let shown = |body: Vec<u8>| {
        let mut objects = filled(base);
        objects[1].1 = body;
        objects
    };
    push("the widget moved", fill("[72 600 272 620]", "[72 750 272 780]"));
    push("the widget hidden", fill("/F 4", "/F 6"));
    push("the widget made another kind", fill("/FT /Tx", "/FT /Btn"));
    push("the field renamed", fill("(amount)", "(other)"));
    push("the field's look changed", fill("12 Tf", "40 Tf"));
    push("the field's text hidden", fill("<<", "<< /Ff 8192"));
    push("the widget's background", fill("<<", "<< /MK << /BG [1] >>"));
    push("the widget's border", fill("<<", "<< /BS << /W 9 >>"));
    push("the widget in a layer", fill("<<", "<< /OC 22 0 R"));
    push("the field given a parent", fill("<<", "<< /Parent 6 0 R"));
    push("the field given kids", fill("<<", "<< /Kids [9 0 R]"));
    push("two appearances", fill("/AP <<", &format!("/AP << /D {FREE} 0 R")));
    push("an appearance of another object", fill(&format!("/N {FREE} 0 R"), &format!("/N {OVERLAY} 0 R")));
    push("an appearance of another field", fill(&format!("/N {FREE} 0 R"), "/N 10 0 R"));
    push("a value that is a page", fill("(250)", &format!("{PAGE} 0 R")));
    push("a value that is a number", fill("(250)", "250"));
    push("a value that is a dictionary", fill("(250)", "<< /A 1 >>"));
    let form = "/Type /XObject /Subtype /Form /BBox [0 0 200 20]";
    push(
        "an appearance with a picture",
        shown(stream(&format!("{form} /Resources << /XObject << /X 22 0 R >> >>"), "/X Do")),
    );
    push(
        "an appearance with an inline picture",
        shown(stream(form, "q 200 0 0 20 0 0 cm BI /W 1 /H 1 /BPC 8 /CS /G ID x EI Q")),
    );
    push(
        "an appearance with a shading",
        shown(stream(&format!("{form} /Resources << /Shading << /S 22 0 R >> >>"), "/S sh")),
    );
    push(
        "an appearance from another file",
        shown(stream(&format!("{form} /Ref << /F (a.pdf) /Page 0 >>"), "q Q")),
    );
    push("an appearance in a layer", shown(stream(&format!("{form} /OC 22 0 R"), "q Q")));
    push("an appearance for printing elsewhere", shown(stream(&format!("{form} /OPI << >>"), "q Q")));
    push(
        "an appearance that is an image",
        shown(stream(
            "/Type /XObject /Subtype /Image /Width 1 /Height 1 /BitsPerComponent 8 /ColorSpace /DeviceGray",
            "x",
        )),
    );
    push("an appearance that is no stream", shown(b"<< >>".to_vec()));
    push(
        "an appearance that cannot be read",
        shown(stream(&format!("{form} /Filter /FlateDecode"), "no deflate")),
    );
    push("a field that may only be read", vec![base.swap(READ_ONLY, "(100)", "(900)")]);
    push("a tick without a value", vec![base.swap(AGREE, "/AS /Off", "/AS /Yes")]);
    push(
        "a tick with a new look",
        vec![{
            let (number, text) = base.swap(AGREE, "/V /Off", "/V /Yes");
            (
                number,
                String::from_utf8(text).expect("text").replace("/Yes 10 0 R", "/Yes 22 0 R").into_bytes(),
            )
        }],
    );
    push(
        "a tick whose look is rewritten",
        vec![
            base.swap(AGREE, "/V /Off", "/V /Yes"),
            (10, stream("/Type /XObject /Subtype /Form /BBox [0 0 12 12]", "0 0 12 12 re f")),
        ],
    );
    push(
        "a state that the box does not have",
        vec![{
            let (number, text) = base.swap(AGREE, "/V /Off", "/V /Maybe");
            (number, String::from_utf8(text).expect("text").replace("/AS /Off", "/AS /Maybe").into_bytes())
        }],
    );
    push("other options of a choice", vec![base.swap(CHOICE, "[(A) (B)]", "[(A) (C)]")]);
    push("a new text field", vec![
        base.swap(FORM, "/Fields [", &format!("/Fields [{FREE} 0 R ")),
        base.swap(ANNOTS, "]", &format!(" {FREE} 0 R]")),
        (FREE, b"<< /Type /Annot /Subtype /Widget /FT /Tx /T (new) /V (900) /Rect [72 750 272 780] /F 4 /P 3 0 R >>".to_vec()),
    ]);
    push("a field taken away", vec![base.swap(FORM, "7 0 R ", "")]);
    push("the signed field emptied", vec![base.swap(SIGNATURE_FIELD, "/V 31 0 R", "")]);
    push("a fill, and the title", {
        let mut objects = filled(base);
        objects.push(base.swap(super::base::INFO, "Quyet dinh", "Quyet dinh khac"));
        objects
    });
    push("a fill, and the title in XMP", {
        let mut objects = filled(base);
        let text = String::from_utf8(packet("2026-06-01")).expect("text").replace("Quyet dinh", "Quyet Dinh");
        objects.push((super::base::XMP, text.into_bytes()));
        objects
    });
    push("dates alone", vec![base.swap(super::base::INFO, "20260101", "20260601")]);
    push("a fill, and an alternative text in the structure tree", {
        let mut objects = filled(base);
        objects.push(base.with(super::base::ELEMENT, "/ActualText (900)"));
        objects
    });
    push("a fill, and an element for the page's text", {
        let mut objects = filled(base);
        objects.push(base.swap(super::base::ELEMENT, "/K [0]", &format!("/K [0 {} 0 R]", FREE + 4)));
        objects.push((
            FREE + 4,
            b"<< /Type /StructElem /S /P /P 16 0 R /Pg 3 0 R /K [0] /ActualText (900) >>".to_vec(),
        ));
        objects
    });
    push("a fill, and the structure tree's roles", {
        let mut objects = filled(base);
        objects.push(base.with(super::base::TREE, "/RoleMap << /P /Artifact >>"));
        objects
    });
}

/// Fields that the first signature locks.
pub(super) fn locked(cases: &mut Vec<Case>) {
    let makings = [
        ("all, by lock", Making { lock: "/Action /All", ..Making::default() }),
        ("all, by FieldMDP", Making { field_mdp: "/Action /All", ..Making::default() }),
        (
            "the field, by lock",
            Making { lock: "/Action /Include /Fields [(grade) (amount)]", ..Making::default() },
        ),
        (
            "the field, by FieldMDP",
            Making { field_mdp: "/Action /Include /Fields [(amount) (second)]", ..Making::default() },
        ),
        (
            "the others than grade, by lock",
            Making { lock: "/Action /Exclude /Fields [(grade)]", ..Making::default() },
        ),
        (
            "the others than grade, by FieldMDP",
            Making { field_mdp: "/Action /Exclude /Fields [(grade)]", ..Making::default() },
        ),
        ("by an unknown action", Making { lock: "/Action /Some /Fields [(grade)]", ..Making::default() }),
        ("by a lock without fields", Making { lock: "/Action /Include", ..Making::default() }),
        (
            "by level 1 of a lock",
            Making { lock: "/Action /Include /Fields [(grade)] /P 1", ..Making::default() },
        ),
        (
            "by a wrong level of a lock",
            Making { lock: "/Action /Include /Fields [(grade)] /P 9.5", ..Making::default() },
        ),
        (
            "the field, in a certified file",
            Making { level: Some(2), lock: "/Action /Include /Fields [(amount)]", ..Making::default() },
        ),
    ];
    for layout in LAYOUTS {
        for (name, making) in makings {
            let base = Base {
                name: format!("{layout:?}/lock"),
                pdf: signed(layout, making),
                layout,
                level: making.level,
            };
            cases.push(Case::new(LOCK, format!("a fill of {name}"), &base, base.append(filled(&base))));
            cases.push(Case::new(
                LOCK,
                format!("a fill in place of {name}"),
                &base,
                base.append(vec![base.swap(AMOUNT, "(100)", "(250)"), (AMOUNT_LOOK, look("250"))]),
            ));
            if !name.contains("certified") && making.lock != "/Action /Include /Fields [(grade) (amount)]" {
                cases.push(Case::new(
                    LOCK,
                    format!("a signature in the empty field, locked {name}"),
                    &base,
                    match making.field_mdp {
                        "" if making.lock.contains("/Include")
                            && !making.lock.contains("/P")
                            && making.lock.contains("Fields") =>
                        {
                            base.append(vec![
                                base.swap(LOCKED, "(old)", "(new)"),
                                base.with(EMPTY, "/V 31 0 R"),
                            ])
                        }
                        _ => sign_empty(&base, &[]),
                    },
                ));
            }
            if making.field_mdp.is_empty() && making.level.is_none() {
                let mut opened = filled(&base);
                opened.push((
                    SIGNATURE_FIELD,
                    base.text(SIGNATURE_FIELD).replace("/Lock", "/Lxck").into_bytes(),
                ));
                cases.push(Case::new(
                    LOCK,
                    format!("a fill, and the lock taken away, of {name}"),
                    &base,
                    base.append(opened),
                ));
            }
            // Another signature in between changes nothing.
            if !making.lock.contains("/P 1") && !making.lock.contains("9.5") {
                let again = Base {
                    name: base.name.clone(),
                    pdf: WORLD.sign(&base.pdf, &WORLD.agency),
                    layout,
                    level: base.level,
                };
                cases.push(Case::new(
                    LOCK,
                    format!("a fill after a second signature, of {name}"),
                    &base,
                    again.append(filled(&again)),
                ));
            }
        }
        let making = Making { lock: "/Action /Include /Fields [(group)]", ..Making::default() };
        let base =
            Base { name: format!("{layout:?}/lock"), pdf: signed(layout, making), layout, level: None };
        let pdf = base.append(vec![base.swap(LOCKED, "(old)", "(new)")]);
        cases.push(Case::new(LOCK, "a field below a locked group", &base, pdf));
    }
}
