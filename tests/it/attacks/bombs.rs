//! Files made to keep a reader busy. Each ends within the time that `super::run` allows.

use std::fmt::Write as _;

use super::{
    Case,
    base::{Base, CATALOG, FORM, FREE, Layout, append, deflate, stream},
};

const BOMB: &str = "denial of service";

pub(super) fn cases(base: &Base, cases: &mut Vec<Case>) {
    assert_eq!(base.layout, Layout::Table);
    let pdf = &base.pdf;
    let document = super::base::open(pdf).expect("opens");
    let prev = document.revisions().last().expect("one").xref_offset;
    let len = pdf.len();
    let with = |text: &str| [pdf.as_slice(), text.as_bytes()].concat();
    let table = |entries: &str, trailer: &str| {
        with(&format!(
            "xref\n{entries}trailer\n<< /Size 400 /Root 1 0 R {trailer} >>\nstartxref\n{len}\n%%EOF\n"
        ))
    };
    let mut push = |name: &str, pdf: Vec<u8>| cases.push(Case::new(BOMB, name, base, pdf));
    push("a section that leads to itself", table("0 0\n", &format!("/Prev {len}")));
    let there = len
        + format!(
            "xref\n0 0\ntrailer\n<< /Size 400 /Root 1 0 R /Prev {} >>\nstartxref\n{len}\n%%EOF\n",
            len + 100
        )
        .len();
    push("two sections that lead to each other", {
        let mut out = table("0 0\n", &format!("/Prev {there}"));
        out.extend_from_slice(
            format!(
                "xref\n0 0\ntrailer\n<< /Size 400 /Root 1 0 R /Prev {len} >>\nstartxref\n{there}\n%%EOF\n"
            )
            .as_bytes(),
        );
        out
    });
    push("a giant count", table("0 4000000000\n", &format!("/Prev {prev}")));
    push(
        "a giant size",
        with(&format!(
            "xref\n0 0\ntrailer\n<< /Size 4000000000 /Root 1 0 R /Prev {prev} >>\nstartxref\n{len}\n%%EOF\n"
        )),
    );
    push("sections without end", {
        let mut out = pdf.clone();
        let mut previous = prev;
        for _ in 0..1_100 {
            let at = out.len();
            out.extend_from_slice(format!("xref\n0 0\ntrailer\n<< /Size 400 /Root 1 0 R /Prev {previous} >>\nstartxref\n{at}\n%%EOF\n").as_bytes());
            previous = at as u64;
        }
        out
    });
    let nested = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    push("deep nesting of lists", base.append(vec![(FREE, nested.into_bytes())]));
    let nested = format!("{}{}", "<</A".repeat(50_000), ">>".repeat(50_000));
    push("deep nesting of dictionaries", base.append(vec![(FREE, nested.into_bytes())]));
    push(
        "a list of a million and more",
        base.append(vec![(FREE, format!("[{}]", "0 ".repeat(1_200_000)).into_bytes())]),
    );
    push("a million names", base.append(vec![(FREE, format!("[{}]", "/A ".repeat(900_000)).into_bytes())]));
    push("a string without end", base.append(vec![(FREE, b"(x".to_vec())]));
    push("open parentheses", base.append(vec![(FREE, "(".repeat(500_000).into_bytes())]));
    let chain = |count: u32, last: &str| {
        let mut objects: Vec<(u32, Vec<u8>)> =
            (0..count).map(|at| (FREE + at, format!("{} 0 R", FREE + at + 1).into_bytes())).collect();
        objects.push((FREE + count, last.as_bytes().to_vec()));
        objects.push(base.swap(CATALOG, "/AcroForm 6 0 R", &format!("/AcroForm {FREE} 0 R")));
        base.append(objects)
    };
    push("a chain of references", chain(5_000, "6 0 R"));
    push("a circle of references", chain(3, &format!("{FREE} 0 R")));
    push(
        "a field that is its own kid",
        base.append(vec![
            base.swap(FORM, "/Fields [", &format!("/Fields [{FREE} 0 R ")),
            (FREE, format!("<< /T (a) /Kids [{FREE} 0 R] >>").into_bytes()),
        ]),
    );
    let mut deep = vec![base.swap(FORM, "/Fields [", &format!("/Fields [{FREE} 0 R "))];
    deep.extend(
        (0..3_000).map(|at| (FREE + at, format!("<< /T (a) /Kids [{} 0 R] >>", FREE + at + 1).into_bytes())),
    );
    push("fields below fields", base.append(deep));
    let kids: String = (0..20_000).map(|at| format!("{} 0 R ", FREE + 1 + at)).collect();
    let mut wide = vec![
        base.swap(FORM, "/Fields [", &format!("/Fields [{FREE} 0 R ")),
        (FREE, format!("<< /T (a) /Kids [{kids}] >>").into_bytes()),
    ];
    wide.extend((0..20_000).map(|at| (FREE + 1 + at, format!("<< /T (f{at}) /FT /Tx >>").into_bytes())));
    push("fields without number", base.append(wide));
    for (name, bytes) in [("zeros", vec![0_u8; 50_000_000]), ("numbers", b"1 0 ".repeat(10_000_000))] {
        let data = deflate(&bytes);
        let mut body = format!(
            "<< /Type /ObjStm /N 10 /First 40 /Filter /FlateDecode /Length {} >>\nstream\n",
            data.len()
        )
        .into_bytes();
        body.extend_from_slice(&data);
        body.extend_from_slice(b"\nendstream");
        let mut out = pdf.clone();
        let at = out.len();
        out.extend_from_slice(b"300 0 obj\n");
        out.extend_from_slice(&body);
        out.extend_from_slice(b"\nendobj\n");
        let start = out.len();
        let mut rows = Vec::new();
        rows.extend_from_slice(&[1]);
        rows.extend_from_slice(&u32::try_from(at).expect("small").to_be_bytes());
        rows.extend_from_slice(&[0, 0]);
        for index in 0..10_u16 {
            rows.extend_from_slice(&[2, 0, 0, 1, 44]);
            rows.extend_from_slice(&index.to_be_bytes());
        }
        rows.extend_from_slice(&[1]);
        rows.extend_from_slice(&u32::try_from(start).expect("small").to_be_bytes());
        rows.extend_from_slice(&[0, 0]);
        out.extend_from_slice(format!("311 0 obj\n<< /Type /XRef /Size 312 /W [1 4 2] /Index [300 12] /Length {} /Root 1 0 R /Prev {prev} >>\nstream\n", rows.len()).as_bytes());
        out.extend_from_slice(&rows);
        out.extend_from_slice(format!("\nendstream\nendobj\nstartxref\n{start}\n%%EOF\n").as_bytes());
        push(&format!("an object stream of {name} that swells"), out);
    }
    push("a cross-reference stream that swells", {
        let data = deflate(&vec![0_u8; 100_000_000]);
        let mut out = pdf.clone();
        out.extend_from_slice(format!("300 0 obj\n<< /Type /XRef /Size 301 /W [1 4 2] /Index [0 8000000] /Filter /FlateDecode /Length {} /Root 1 0 R /Prev {prev} >>\nstream\n", data.len()).as_bytes());
        out.extend_from_slice(&data);
        out.extend_from_slice(format!("\nendstream\nendobj\nstartxref\n{len}\n%%EOF\n").as_bytes());
        out
    });
    let mut swelling = super::benign::filled(base);
    let data = deflate(&b"q Q ".repeat(10_000_000));
    let mut body = format!(
        "<< /Type /XObject /Subtype /Form /BBox [0 0 9 9] /Filter /FlateDecode /Length {} >>\nstream\n",
        data.len()
    )
    .into_bytes();
    body.extend_from_slice(&data);
    body.extend_from_slice(b"\nendstream");
    swelling[1].1 = body;
    push("a field's look that swells", base.append(swelling));
    let data = deflate(&b" ".repeat(50_000_000));
    let mut body =
        format!("<< /Type /Metadata /Subtype /XML /Filter /FlateDecode /Length {} >>\nstream\n", data.len())
            .into_bytes();
    body.extend_from_slice(&data);
    body.extend_from_slice(b"\nendstream");
    let mut swelling = super::benign::filled(base);
    swelling.push((super::base::XMP, body));
    push("metadata that swell", base.append(swelling));
    push("forged signatures without number", {
        let mut fields = String::new();
        let mut objects = Vec::new();
        for at in 0..600 {
            write!(fields, "{} 0 R ", FREE + at * 2).expect("writes to memory");
            objects.push((
                FREE + at * 2,
                format!("<< /FT /Sig /T (s{at}) /V {} 0 R >>", FREE + at * 2 + 1).into_bytes(),
            ));
            objects.push((
                FREE + at * 2 + 1,
                b"<< /Type /Sig /SubFilter /ETSI.CAdES.detached /ByteRange [0 1 2 3] /Contents <00> >>"
                    .to_vec(),
            ));
        }
        objects.push(base.swap(FORM, "/Fields [", &format!("/Fields [{fields}")));
        base.append(objects)
    });
    push("updates without number", {
        let mut out = pdf.clone();
        for at in 0..300_u32 {
            out = append(&out, vec![(FREE + at, stream("", "q Q"))], base.layout);
        }
        out
    });
}
