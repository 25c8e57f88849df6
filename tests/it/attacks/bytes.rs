//! Attacks on the bytes: forged ranges and contents, moved ranges, unlisted updates, forged CMS.

use std::ops::Range;

use der::oid::ObjectIdentifier;
use kyso::{
    asn1::{Tag, oid, write},
    base::{Digest, DigestAlgorithm},
    cms::SignedAttributes,
};

use super::{
    Case,
    base::{
        ANNOTS, Base, CONTENT, FORM, FREE, LAYOUTS, Layout, Making, OTHER_PAGE, PAGES, SIGNATURE,
        SIGNATURE_FIELD, sign_raw, signed, stream,
    },
};
use crate::judge::world::{Entity, SCHEME, WORLD};

const FORGERY: &str = "universal signature forgery";
const SAVING: &str = "incremental saving";
const WRAPPING: &str = "signature wrapping";
const HYBRID: &str = "hybrid cross-reference";
const RANGES: &str = "byte ranges out of file, overlapping, odd";
const SIGNERS: &str = "signer infos";
const SHARED: &str = "one signature in several fields";
const DIGESTS: &str = "weak digests";

/// Where `word` stands first.
fn find(pdf: &[u8], word: &[u8]) -> usize {
    pdf.windows(word.len()).position(|window| window == word).expect("it is there")
}

/// The first signature's range text, from `[` to `]`, and its hole, from `<` to `>`.
pub(super) fn places(pdf: &[u8]) -> (Range<usize>, Range<usize>) {
    let range = find(pdf, b"/ByteRange [") + b"/ByteRange ".len();
    let range_end = range + find(&pdf[range..], b"]") + 1;
    let hole = find(pdf, b"/Contents <3") + b"/Contents ".len();
    let hole_end = hole + find(&pdf[hole..], b">") + 1;
    (range..range_end, hole..hole_end)
}

/// A copy with other bytes in a place, filled up with spaces.
fn patched(pdf: &[u8], place: Range<usize>, text: &str) -> Vec<u8> {
    let mut out = pdf.to_vec();
    assert!(text.len() <= place.len(), "{text}");
    let padded = format!("{text:<width$}", width = place.len());
    out[place].copy_from_slice(padded.as_bytes());
    out
}

pub(super) fn cases(base: &Base, cases: &mut Vec<Case>) {
    forgery(base, cases);
    ranges(base, cases);
    saving(base, cases);
    wrapping(base, cases);
    shared(base, cases);
    hybrid(base, cases);
}

fn forgery(base: &Base, cases: &mut Vec<Case>) {
    let pdf = &base.pdf;
    let (range, hole) = places(pdf);
    let mut push = |name: String, pdf| cases.push(Case::new(FORGERY, name, base, pdf));
    for value in [
        "null",
        "[]",
        "[0]",
        "[null null null null]",
        "[0 0 0 0]",
        "(0 1 2 3)",
        "<00>",
        "<< >>",
        "0",
        "/None",
        "true",
        "31 0 R",
    ] {
        push(format!("ByteRange {value}"), patched(pdf, range.clone(), value));
    }
    let key = range.start - "/ByteRange ".len()..range.start;
    push("no ByteRange".to_owned(), patched(pdf, key, "/ByteRangX "));
    for value in
        ["null", "<>", "()", "<00>", "[]", "0", "true", "/None", "<3082", "<308>", "<30zz>", "<< >>", "4 0 R"]
    {
        push(format!("Contents {value}"), patched(pdf, hole.clone(), value));
    }
    let key = hole.start - "/Contents ".len()..hole.start;
    push("no Contents".to_owned(), patched(pdf, key, "/ContentZ "));
    push(
        "Contents all zero".to_owned(),
        patched(pdf, hole.clone(), &format!("<{}>", "0".repeat(hole.len() - 2))),
    );
    // The same digits, with something between them.
    for (name, odd) in
        [("a space", b' '), ("a line end", b'\n'), ("another sign", b'g'), ("a closing sign", b'>')]
    {
        let mut out = pdf.clone();
        out[hole.end - 100] = odd;
        push(format!("Contents with {name} inside"), out);
    }
    let text = pdf[hole.clone()].to_vec();
    let mut literal = text;
    let end = literal.len() - 1;
    (literal[0], literal[end]) = (b'(', b')');
    let mut out = pdf.clone();
    out[hole].copy_from_slice(&literal);
    push("Contents as a literal string".to_owned(), out);
}

fn ranges(base: &Base, cases: &mut Vec<Case>) {
    let pdf = &base.pdf;
    let (range, hole) = places(pdf);
    let (start, end) = (hole.start, hole.end);
    let document = super::base::open(pdf).expect("opens");
    let len =
        usize::try_from(document.revisions().get(1).expect("a signed revision").end).expect("small") - end;
    let mut push = |name: &str, text: String| {
        cases.push(Case::new(RANGES, name, base, patched(pdf, range.clone(), &text)));
    };
    push("past the end", format!("[0 {start} {end} {}]", len + 100_000));
    push("far past the end", format!("[0 1 2 {}]", i64::MAX));
    push("past 64 bits", "[0 1 2 99999999999999999999]".to_owned());
    push("negative length", format!("[0 -{start} {end} {len}]"));
    push("negative start", format!("[-1 {start} {end} {len}]"));
    push("not from the start", format!("[9 {} {end} {len}]", start - 9));
    push("overlapping", format!("[0 {} {end} {len}]", end + 10));
    push("the second before the first", format!("[{end} {len} 0 {start}]"));
    push("three ranges", format!("[0 {start} {end} 9 {} 9]", end + 9));
    push("one range", format!("[0 {start}]"));
    push("a wider hole", format!("[0 {} {end} {len}]", start - 20));
    push("a hole that ends later", format!("[0 {start} {} {}]", end + 20, len - 20));
    push("a narrower hole", format!("[0 {} {end} {len}]", start + 2));
    push("no hole", format!("[0 {start} {start} {}]", len + hole.len()));
    push("an end before the revision's", format!("[0 {start} {end} {}]", len - 7));
    push("fractions", format!("[0 {start}.0 {end} {len}]"));
    push("nested", format!("[[0 {start} {end}] 1]"));
    push("by reference", format!("[0 {start} 5 0 R]"));
}

fn saving(base: &Base, cases: &mut Vec<Case>) {
    let pdf = &base.pdf;
    let len = pdf.len();
    let document = super::base::open(pdf).expect("opens");
    let prev = document.revisions().last().expect("one").xref_offset;
    let body = format!("4 0 obj\n{}\nendobj\n", String::from_utf8(evil_content()).expect("text"));
    let with = |text: String| [pdf.as_slice(), text.as_bytes()].concat();
    let xref = format!("xref\n4 1\n{len:010} 00000 n \n");
    let trailer = format!("trailer\n<< /Size 400 /Root 1 0 R /Prev {prev} >>\n");
    let at = len + body.len();
    let mut push = |name: &str, pdf| cases.push(Case::new(SAVING, name, base, pdf));
    push("a whole update", base.append(vec![(CONTENT, evil_content())]));
    push("an update by a classic table", with(format!("{body}{xref}{trailer}startxref\n{at}\n%%EOF\n")));
    push("no table", with(format!("{body}{trailer}startxref\n{at}\n%%EOF\n")));
    push("no trailer", with(format!("{body}{xref}startxref\n{at}\n%%EOF\n")));
    push("no startxref", with(format!("{body}{xref}{trailer}%%EOF\n")));
    push("no end", with(format!("{body}{xref}{trailer}")));
    push("objects only", with(body.clone()));
    push("objects and an end", with(format!("{body}%%EOF\n")));
    push("objects and the old startxref", with(format!("{body}startxref\n{prev}\n%%EOF\n")));
    push("an end only", with("%%EOF\n".to_owned()));
    push("a comment only", with("% nothing\n".to_owned()));
    push("a trailer only", with(format!("{trailer}startxref\n{prev}\n%%EOF\n")));
    push("startxref 0", with(format!("{body}{xref}{trailer}startxref\n0\n%%EOF\n")));
    push("a table of nothing", with(format!("{body}xref\n0 0\n{trailer}startxref\n{at}\n%%EOF\n")));
    push(
        "an update without Prev",
        with(format!("{body}{xref}trailer\n<< /Size 400 /Root 1 0 R >>\nstartxref\n{at}\n%%EOF\n")),
    );
    push("an update that skips the signed revision", {
        let first = document.revisions()[0].xref_offset;
        with(format!(
            "{body}{xref}trailer\n<< /Size 400 /Root 1 0 R /Prev {first} >>\nstartxref\n{at}\n%%EOF\n"
        ))
    });
    push(
        "another catalog",
        with(format!(
            "300 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\nxref\n300 1\n{len:010} 00000 n \ntrailer\n<< /Size 400 /Root 300 0 R /Prev {prev} >>\nstartxref\n{}\n%%EOF\n",
            len + "300 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n".len()
        )),
    );
    push(
        "a new page",
        base.append(vec![base.swap(PAGES, "/Kids [3 0 R]", &format!("/Kids [3 0 R {OTHER_PAGE} 0 R]"))]),
    );
    push("an unlisted object", with(format!("{body}xref\n0 0\n{trailer}startxref\n{at}\n%%EOF\n")));
    push("an object written again", base.append(vec![(PAGES, base.text(PAGES).into_bytes())]));
    push("an update twice", {
        let once = base.append(vec![(CONTENT, evil_content())]);
        super::base::append(
            &once,
            vec![(CONTENT, stream("", "/X1 Do BT /F1 18 Tf 72 760 Td (Xin chao) Tj ET"))],
            base.layout,
        )
    });
}

/// A classic table that names a stream with other entries: old and new programs would see two documents.
fn hybrid(base: &Base, cases: &mut Vec<Case>) {
    let document = super::base::open(&base.pdf).expect("opens");
    let prev = document.revisions().last().expect("one").xref_offset;
    let evil = String::from_utf8(evil_content()).expect("text");
    for (name, number, table) in [
        ("a stream that redefines the content", CONTENT, "0 0\n"),
        ("a stream that redefines what the table frees", CONTENT, "4 1\n0000000000 00001 f \n"),
        ("a stream that redefines what the table lists", CONTENT, "4 1\n0000000009 00000 n \n"),
        ("a stream with an object of its own", FREE, "0 0\n"),
    ] {
        let at = base.pdf.len();
        let body = format!("{number} 0 obj\n{evil}\nendobj\n");
        let stream_at = at + body.len();
        let mut row = vec![1];
        row.extend_from_slice(&u32::try_from(at).expect("small").to_be_bytes());
        row.extend_from_slice(&[0, 0]);
        let mut out = [base.pdf.as_slice(), body.as_bytes()].concat();
        out.extend_from_slice(
            format!(
                "390 0 obj\n<< /Type /XRef /Size 400 /W [1 4 2] /Index [{number} 1] /Length 7 /Root 1 0 R >>\nstream\n"
            )
            .as_bytes(),
        );
        out.extend_from_slice(&row);
        out.extend_from_slice(b"\nendstream\nendobj\n");
        let start = out.len();
        out.extend_from_slice(
            format!(
                "xref\n{table}trailer\n<< /Size 400 /Root 1 0 R /Prev {prev} /XRefStm {stream_at} >>\nstartxref\n{start}\n%%EOF\n"
            )
            .as_bytes(),
        );
        cases.push(Case::new(HYBRID, name, base, out));
    }
}

fn evil_content() -> Vec<u8> {
    stream("", "BT /F1 18 Tf 72 760 Td (Noi dung khac) Tj ET")
}

fn wrapping(base: &Base, cases: &mut Vec<Case>) {
    let pdf = &base.pdf;
    let (range, hole) = places(pdf);
    let behind = &pdf[hole.end..];
    let mut push = |name: &str, pdf| cases.push(Case::new(WRAPPING, name, base, pdf));
    // The signed second part moved back, something else put where it was.
    for (name, between) in [
        ("the second part moved behind white space", " ".repeat(200)),
        ("the second part moved behind an object", " >>\nendobj\n300 0 obj\n<< >>\nendobj\n".to_owned()),
        (
            "the second part moved behind another table",
            " >>\nendobj\nxref\n0 0\ntrailer\n<< /Size 9 /Root 1 0 R >>\nstartxref\n9\n%%EOF\n".to_owned(),
        ),
        (
            "the second part moved behind a copy of the hole",
            format!(" /Other {}", String::from_utf8_lossy(&pdf[hole.clone()])),
        ),
        ("the second part moved behind zeros", "0".repeat(64)),
    ] {
        let mut out = [&pdf[..hole.end], between.as_bytes(), behind].concat();
        let second = hole.end + between.len();
        let text = format!("[0 {} {second} {}]", hole.start, behind.len());
        let padded = format!("{text:<width$}", width = range.len());
        out.splice(range.clone(), padded.bytes().take(range.len()));
        // The moved cross-reference is found where it is now.
        let start = find(&out, b"startxref\n");
        let _ = start;
        push(name, move_startxref(out, between.len(), base));
    }
    let copied = [pdf.as_slice(), pdf.as_slice()].concat();
    push("the file twice", copied);
    let (first, second) = pdf.split_at(hole.end);
    push("something before the second part", [first, b"%%EOF\n".as_slice(), second].concat());
    push("something before everything", [b"%PDF-1.7\n".as_slice(), pdf].concat());
}

/// Adds to the number behind the last `startxref`.
fn move_startxref(mut pdf: Vec<u8>, by: usize, base: &Base) -> Vec<u8> {
    let document = super::base::open(&base.pdf).expect("opens");
    let old = document.revisions().last().expect("one").xref_offset;
    let at = pdf.windows(9).rposition(|window| window == b"startxref").expect("a startxref");
    pdf.truncate(at);
    pdf.extend_from_slice(format!("startxref\n{}\n%%EOF\n", old + by as u64).as_bytes());
    pdf
}

fn shared(base: &Base, cases: &mut Vec<Case>) {
    let again = format!(
        "<< /Type /Annot /Subtype /Widget /FT /Sig /T (again) /V {SIGNATURE} 0 R /F 4 /Rect [0 0 0 0] /P 3 0 R >>"
    );
    let form = base.swap(FORM, "/Fields [", &format!("/Fields [{FREE} 0 R "));
    let mut push = |name: &str, objects| cases.push(Case::new(SHARED, name, base, base.append(objects)));
    push(
        "by a new field",
        vec![
            form.clone(),
            (FREE, again.clone().into_bytes()),
            base.swap(ANNOTS, "[", &format!("[{FREE} 0 R ")),
        ],
    );
    push("by the empty field", vec![base.with(super::base::EMPTY, &format!("/V {SIGNATURE} 0 R"))]);
    push(
        "by a kid of the field",
        vec![
            base.with(SIGNATURE_FIELD, &format!("/Kids [{FREE} 0 R]")),
            (
                FREE,
                format!("<< /T (kid) /Parent {SIGNATURE_FIELD} 0 R /V {SIGNATURE} 0 R /FT /Sig >>")
                    .into_bytes(),
            ),
        ],
    );
    push("by a text field", vec![base.swap(super::base::AMOUNT, "/V (100)", &format!("/V {SIGNATURE} 0 R"))]);
    push(
        "taken over by another field",
        vec![
            form,
            (FREE, again.into_bytes()),
            base.swap(SIGNATURE_FIELD, &format!("/V {SIGNATURE} 0 R"), ""),
        ],
    );
}

/// What is made wrong before signing.
pub(super) fn made(cases: &mut Vec<Case>) {
    for layout in LAYOUTS {
        let base = Base {
            name: format!("{layout:?}/made"),
            pdf: signed(layout, Making::default()),
            layout,
            level: None,
        };
        let mut push = |family, name: &str, how: &How<'_>| {
            cases.push(Case::new(family, name, &base, made_with(layout, how)));
        };
        let right = |digest: &dyn Fn(DigestAlgorithm) -> Digest| digest(DigestAlgorithm::Sha256);
        push(SIGNERS, "two", &|signer, digest| {
            cms(&[info(signer, &right(digest)), info(&WORLD.agency, &right(digest))])
        });
        push(SIGNERS, "the same twice", &|signer, digest| cms(&[0; 2].map(|_| info(signer, &right(digest)))));
        push(SIGNERS, "none", &|_, _| cms(&[]));
        push(SIGNERS, "a stranger's beside the right one", &|signer, digest| {
            let other = DigestAlgorithm::Sha256.digest(b"something else");
            cms(&[info(&WORLD.agency, &other), info(signer, &right(digest))])
        });
        push(SIGNERS, "four", &|signer, digest| cms(&[0; 4].map(|_| info(signer, &right(digest)))));
        push(DIGESTS, "SHA-1", &|signer, digest| {
            cms(&[info_with(signer, &digest(DigestAlgorithm::Sha1), &oid("1.3.14.3.2.26"))])
        });
        // No reader of MD5 is needed to know that it proves nothing: its name decides, whatever the value.
        for (name, number) in [("MD5", "1.2.840.113549.2.5"), ("MD2", "1.2.840.113549.2.2")] {
            push(DIGESTS, name, &|signer, digest| {
                let sha1 = digest(DigestAlgorithm::Sha1);
                let short = Digest { algorithm: sha1.algorithm, bytes: sha1.bytes[..16].to_vec() };
                cms(&[info_with(signer, &short, &oid(number))])
            });
        }
        push(DIGESTS, "SHA-256 said to be SHA-1", &|signer, digest| {
            cms(&[info_with(signer, &right(digest), &oid("1.3.14.3.2.26"))])
        });
    }
}

/// Makes a CMS from the digest of what is signed, under any algorithm.
type How<'a> = dyn Fn(&Entity, &dyn Fn(DigestAlgorithm) -> Digest) -> Vec<u8> + 'a;

fn made_with(layout: Layout, how: &How<'_>) -> Vec<u8> {
    // The first revision of a signed file, signed again in another way.
    let honest = signed(layout, Making::default());
    let document = super::base::open(&honest).expect("opens");
    let first = usize::try_from(document.revisions()[0].end).expect("small");
    let read = |number| document.object((number, 0)).expect("read");
    let objects = [FORM, ANNOTS, SIGNATURE_FIELD].map(|number| (number, super::base::text_of(&read(number))));
    sign_raw(&honest[..first], objects.to_vec(), "", &WORLD.person, layout, |signer, digest| {
        how(signer, digest)
    })
}

fn oid(text: &str) -> Vec<u8> {
    write::algorithm(ObjectIdentifier::new_unwrap(text), None)
}

fn info(signer: &Entity, digest: &Digest) -> Vec<u8> {
    info_with(signer, digest, &write::algorithm(oid::SHA256, None))
}

fn info_with(signer: &Entity, digest: &Digest, algorithm: &[u8]) -> Vec<u8> {
    let attributes = SignedAttributes {
        content_type: oid::DATA,
        message_digest: digest.clone(),
        signer: signer.certificate.clone(),
        signing_time: None,
    };
    let attributes = attributes.to_der();
    let mut tagged = attributes.clone();
    tagged[0] = 0xA0;
    write::sequence([
        write::unsigned(&[1]),
        write::sequence([
            signer.certificate.issuer().der().to_vec(),
            write::value(Tag::INTEGER, signer.certificate.serial()),
        ]),
        algorithm.to_vec(),
        tagged,
        SCHEME.to_identifier(),
        write::octet_string(&signer.key.sign(&attributes)),
    ])
}

fn cms(infos: &[Vec<u8>]) -> Vec<u8> {
    let certificates = [&WORLD.person, &WORLD.agency, &WORLD.ca].map(|one| one.certificate.der().to_vec());
    let data = write::sequence([
        write::unsigned(&[1]),
        write::set_of(vec![write::algorithm(oid::SHA256, None)]),
        write::sequence([write::oid(oid::DATA)]),
        write::constructed(Tag::context(0), certificates),
        write::set_of(infos.to_vec()),
    ]);
    write::sequence([write::oid(oid::SIGNED_DATA), write::value(Tag::context(0), &data)])
}
