//! The code for the check page in the margin: confirmed when it is the one that was agreed, and refused otherwise.

use std::{fs, sync::Arc};

use kyso::{
    appearance::{Appearance, Place, Role},
    base::{Limits, MemorySource, Source},
    pdf::{Area, Document},
    signing::{
        self, Request, Wishes,
        review::{ReviewError, ReviewedDocument, Summary, review},
    },
};

use super::{form, kyso, lossy, pdf, stream};
use crate::{
    judge::world::{SCHEME, WORLD, now},
    look::picture,
    pen::{sample, text},
    support::{self, shared},
};

const CHECK_PAGE: &str = "https://songlam.example/kiem-tra/AB12";
const SHORT: &str = "AB12-CD34";

/// A signature with a picture at the foot of the page, and this code.
fn coded(qr: Option<&str>, short_code: Option<&str>) -> Wishes {
    let appearance = Appearance {
        picture: Some(picture("chu-ky.png")),
        place: Some(Place::At { page: 1, area: Area::new(300.0, 100.0, 120.0, 60.0) }),
        qr: qr.map(str::to_owned),
        short_code: short_code.map(str::to_owned),
        ..Appearance::new(Role::Approve)
    };
    Wishes { appearance: Some(appearance), ..Wishes::default() }
}

fn open(bytes: &[u8]) -> Document {
    Document::open(Arc::new(MemorySource(bytes.to_vec())), &Limits::default()).unwrap()
}

fn prepare(document: &[u8], wishes: &Wishes) -> Vec<u8> {
    let request = Request {
        signer: WORLD.person.certificate.clone(),
        chain: WORLD.chain(),
        scheme: SCHEME,
        time_stamp: None,
        wishes: wishes.clone(),
    };
    let prepared = signing::prepare(&open(document), request, now()).unwrap();
    [document, prepared.tail()].concat()
}

fn check(document: &[u8], prepared: &[u8], agreed: &Wishes) -> Result<Summary, ReviewError> {
    let reviewed = ReviewedDocument::of(&MemorySource(document.to_vec())).unwrap();
    let prepared: Arc<dyn Source> = Arc::new(MemorySource(prepared.to_vec()));
    review(&prepared, &reviewed, agreed, &Limits::default()).map(|review| review.summary().clone())
}

/// What an honest signer prepares is confirmed, by the one who agreed to it and by nobody else.
#[test]
fn the_code_that_was_agreed_is_confirmed() {
    let mut files = vec![("sample".to_owned(), fs::read(sample()).unwrap()), ("form".to_owned(), form(""))];
    for turns in [90, 180, 270] {
        files.push((format!("turned by {turns}"), page(&format!("/Rotate {turns}"))));
    }
    files.push(("crop box".to_owned(), page("/CropBox [20 30 560 800]")));
    files.push(("user unit".to_owned(), page("/UserUnit 1.5")));
    if let Some(shared) = shared() {
        for name in ["quyet-dinh-pdfa2", "qd-classic-1.4", "qd-xref-stream", "qd-linearized", "qd-rotated"] {
            let file = fs::read(shared.join(format!("data/{name}.pdf"))).unwrap();
            files.push((name.to_owned(), file));
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("encrypted.pdf");
    if support::encrypt((&sample(), &out), ["", "chu"], &["256"], &[]).is_some() {
        files.push(("encrypted, with an empty password".to_owned(), fs::read(out).unwrap()));
    }
    let mut confirmed = 0;
    for (what, document) in &files {
        for (qr, short) in [(Some(CHECK_PAGE), None), (Some(CHECK_PAGE), Some(SHORT)), (None, Some(SHORT))] {
            let wishes = coded(qr, short);
            let prepared = prepare(document, &wishes);
            let summary = check(document, &prepared, &wishes).unwrap_or_else(|e| panic!("{what}: {e}"));
            assert!(summary.code.is_some(), "{what}");
            confirmed += 1;
            for (other, words) in [
                (coded(Some("https://songlam.example/kiem-tra/AB13"), short), "not the code that was agreed"),
                (coded(qr, Some("AB12-CD35")), "not the code that was agreed"),
                (coded(None, None), "nobody agreed"),
                (Wishes::default(), "nobody agreed"),
            ] {
                let error = check(document, &prepared, &other).expect_err(what).to_string();
                assert!(error.contains(words), "{what}: {error}");
            }
        }
        // Agreed, and left out.
        let bare = prepare(document, &coded(None, None));
        let error = check(document, &bare, &coded(Some(CHECK_PAGE), None)).expect_err(what).to_string();
        assert!(error.contains("left out"), "{what}: {error}");
        check(document, &bare, &coded(None, None)).unwrap();
    }
    println!("{confirmed} honest codes confirmed in {} kinds of files", files.len());
}

/// A page with a little text.
fn page(more: &str) -> Vec<u8> {
    pdf(&[
        (1, "<< /Type /Catalog /Pages 2 0 R >>".to_owned()),
        (2, "<< /Type /Pages /Kids [3 0 R] /Count 1 /MediaBox [0 0 595 842] >>".to_owned()),
        (
            3,
            format!(
                "<< /Type /Page /Parent 2 0 R /Contents 4 0 R {more} /Resources << /Font << /F1 5 0 R >> >> >>"
            ),
        ),
        (4, stream("BT /F1 18 Tf 72 700 Td (Quyet dinh) Tj ET")),
        (5, "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>".to_owned()),
    ])
}

/// A page that is one picture: nobody can tell what a code would cover.
#[test]
fn on_a_page_that_is_one_picture_no_code_is_confirmed() {
    let image = "<< /Type /XObject /Subtype /Image /Width 1 /Height 1 /BitsPerComponent 8 /ColorSpace /DeviceGray \
                 /Length 1 >>\nstream\nx\nendstream";
    let scan = pdf(&[
        (1, "<< /Type /Catalog /Pages 2 0 R >>".to_owned()),
        (2, "<< /Type /Pages /Kids [3 0 R] /Count 1 /MediaBox [0 0 595 842] >>".to_owned()),
        (
            3,
            "<< /Type /Page /Parent 2 0 R /Contents 4 0 R /Resources << /XObject << /Im 5 0 R >> >> >>"
                .to_owned(),
        ),
        (4, stream("q 595 0 0 842 0 0 cm /Im Do Q")),
        (5, image.to_owned()),
    ]);
    let wishes = coded(Some(CHECK_PAGE), None);
    let error = check(&scan, &prepare(&scan, &wishes), &wishes).unwrap_err().to_string();
    assert!(error.contains("one picture"), "{error}");
}

/// The objects of an appended revision, changed and written anew, so that nothing but the change is wrong.
struct Tail {
    objects: Vec<(u32, Vec<u8>)>,
    trailer: Vec<u8>,
}

impl Tail {
    /// Of a file whose last cross-reference is a table.
    fn of(document: &[u8], prepared: &[u8]) -> Self {
        let find = |word: &str| {
            prepared.windows(word.len()).rposition(|window| window == word.as_bytes()).expect(word)
        };
        let (xref, trailer) = (find("\nxref\n") + 1, find("trailer"));
        let end = find("startxref");
        let table = String::from_utf8(prepared[xref..trailer].to_vec()).unwrap();
        let mut places = Vec::new();
        let mut lines = table.lines().skip(1);
        while let Some(head) = lines.next() {
            let (first, count) = head.split_once(' ').unwrap();
            let (first, count): (u32, u32) = (first.parse().unwrap(), count.trim().parse().unwrap());
            for number in first..first + count {
                let line = lines.next().unwrap();
                let offset: usize = line[..10].parse().unwrap();
                if line.trim_end().ends_with('n') {
                    assert!(offset >= document.len());
                    places.push((offset, number));
                }
            }
        }
        places.sort_unstable();
        let ends = places.iter().skip(1).map(|(offset, _)| *offset).chain([xref]);
        let objects = places.iter().zip(ends).map(|((from, number), to)| {
            let whole = &prepared[*from..to];
            let head = format!("{number} 0 obj\n");
            let body = whole.strip_prefix(head.as_bytes()).expect("an object");
            let end = body.windows(6).rposition(|window| window == b"endobj").unwrap();
            (*number, body[..end].trim_ascii_end().to_vec())
        });
        Self { objects: objects.collect(), trailer: prepared[trailer..end].to_vec() }
    }

    /// The object that holds these bytes.
    fn holding(&mut self, word: &str) -> &mut Vec<u8> {
        let found = self.objects.iter_mut().find(|(_, body)| has(body, word));
        &mut found.unwrap_or_else(|| panic!("no object has {word}")).1
    }

    fn stamp(&mut self) -> &mut Vec<u8> {
        self.holding("/Stamp")
    }

    fn number_of(&self, word: &str) -> u32 {
        self.objects.iter().find(|(_, body)| has(body, word)).expect(word).0
    }

    fn replace(&mut self, holder: &str, from: &str, to: &str) {
        let body = self.holding(holder);
        let at = body.windows(from.len()).position(|window| window == from.as_bytes());
        let at = at.unwrap_or_else(|| panic!("{} has no {from}", String::from_utf8_lossy(body)));
        body.splice(at..at + from.len(), to.bytes());
    }

    /// One more object, of a number that none has.
    fn add(&mut self, body: &str) -> u32 {
        let number = self.objects.iter().map(|(number, _)| *number).max().unwrap() + 1;
        self.objects.push((number, body.as_bytes().to_vec()));
        let (old, new) = (format!("/Size {number}"), format!("/Size {}", number + 1));
        let trailer = String::from_utf8(self.trailer.clone()).unwrap();
        assert!(trailer.contains(&old), "{trailer}");
        self.trailer = trailer.replace(&old, &new).into_bytes();
        number
    }

    /// Gives the stamp another appearance.
    fn redraw(&mut self, change: impl FnOnce(&mut String, &mut Vec<u8>)) {
        let stamp = String::from_utf8(self.stamp().clone()).unwrap();
        let (_, after) = stamp.split_once("/N ").unwrap();
        let number: u32 = after.split(' ').next().unwrap().parse().unwrap();
        let (_, form) = self.objects.iter_mut().find(|(known, _)| *known == number).unwrap();
        let at = form.windows(7).position(|window| window == b"stream\n").unwrap();
        let mut dictionary = String::from_utf8(form[..at].to_vec()).unwrap();
        let length = format!("/Length {}", data_length(&dictionary));
        let mut data = form[at + 7..at + 7 + data_length(&dictionary)].to_vec();
        change(&mut dictionary, &mut data);
        let dictionary = dictionary.replace(&length, &format!("/Length {}", data.len()));
        *form = [dictionary.as_bytes(), b"stream\n", &data, b"\nendstream"].concat();
    }

    fn write(&self, document: &[u8]) -> Vec<u8> {
        let mut bytes = document.to_vec();
        if !bytes.ends_with(b"\n") {
            bytes.push(b'\n');
        }
        let mut table = "xref\n".to_owned();
        let mut signature = 0;
        for (number, body) in &self.objects {
            table.push_str(&format!("{number} 1\n{:010} 00000 n \n", bytes.len()));
            if has(body, "/ByteRange") {
                signature = bytes.len();
            }
            bytes.extend_from_slice(format!("{number} 0 obj\n").as_bytes());
            bytes.extend_from_slice(body);
            bytes.extend_from_slice(b"\nendobj\n");
        }
        let xref = bytes.len();
        bytes.extend_from_slice(table.as_bytes());
        bytes.extend_from_slice(&self.trailer);
        bytes.extend_from_slice(format!("startxref\n{xref}\n%%EOF\n").as_bytes());
        let from = |bytes: &[u8], word: &str, from: usize| {
            from + bytes[from..].windows(word.len()).position(|window| window == word.as_bytes()).expect(word)
        };
        let range = from(&bytes, "/ByteRange", signature);
        let (open, close) = (from(&bytes, "[", range) + 1, from(&bytes, "]", range));
        let contents = from(&bytes, "/Contents", signature);
        let (start, end) = (from(&bytes, "<", contents), from(&bytes, ">", contents) + 1);
        let numbers = format!("0 {start} {end} {}", bytes.len() - end);
        let width = close - open;
        assert!(numbers.len() <= width);
        bytes[open..close].copy_from_slice(format!("{numbers:width$}").as_bytes());
        bytes
    }
}

fn data_length(dictionary: &str) -> usize {
    let (_, after) = dictionary.split_once("/Length ").unwrap();
    let digits = after.chars().take_while(char::is_ascii_digit).collect::<String>();
    digits.parse().unwrap()
}

fn has(body: &[u8], word: &str) -> bool {
    body.windows(word.len()).any(|window| window == word.as_bytes())
}

/// A change to what an honest signer prepared.
type Tamper = fn(&mut Tail);

/// Sides of the stamp's `/Rect`, as written.
fn sides(tail: &mut Tail) -> (String, [f64; 4]) {
    let stamp = String::from_utf8(tail.stamp().clone()).unwrap();
    let (_, after) = stamp.split_once("/Rect [").unwrap();
    let (inner, _) = after.split_once(']').unwrap();
    let numbers: Vec<f64> = inner.split_whitespace().map(|side| side.parse().unwrap()).collect();
    (format!("/Rect [{inner}]"), numbers.try_into().unwrap())
}

fn move_to(tail: &mut Tail, change: impl FnOnce([f64; 4]) -> [f64; 4]) {
    let (written, numbers) = sides(tail);
    let moved = change(numbers).map(|side| format!("{side:.4}")).join(" ");
    tail.replace("/Stamp", &written, &format!("/Rect [{moved}]"));
}

/// A code that was tampered with, or something beside it, is refused, and the reason names it.
#[test]
fn what_is_not_the_agreed_code_is_refused_by_name() {
    let document = form("");
    let wishes = coded(Some(CHECK_PAGE), Some(SHORT));
    let prepared = prepare(&document, &wishes);
    let again = Tail::of(&document, &prepared).write(&document);
    check(&document, &again, &wishes).expect("writing it anew changes nothing");

    let cases: &[(&str, &str, Tamper)] = &[
        ("over the text", "covers what the page shows", |t| {
            move_to(t, |[l, b, r, top]| [72.0, 750.0, 72.0 + r - l, 750.0 + top - b]);
        }),
        ("over a field", "covers what the page shows", |t| {
            move_to(t, |[l, b, r, top]| [80.0, 590.0, 80.0 + r - l, 590.0 + top - b]);
        }),
        ("over the signature", "covers what the page shows", |t| {
            move_to(t, |[l, b, r, top]| [340.0, 120.0, 340.0 + r - l, 120.0 + top - b]);
        }),
        ("beyond the margins", "leaves the margins", |t| {
            move_to(t, |[l, b, r, top]| [1.0, 1.0, 1.0 + r - l, 1.0 + top - b]);
        }),
        ("off the page", "leaves the margins", |t| {
            move_to(t, |[l, b, r, top]| [590.0, 20.0, 590.0 + r - l, 20.0 + top - b]);
        }),
        ("larger", "not the code that was agreed", |t| {
            move_to(t, |[l, b, r, top]| [l, b, l + 2.0 * (r - l), b + 2.0 * (top - b)]);
        }),
        ("no size at all", "annotations of the page", |t| move_to(t, |[l, b, ..]| [l, b, l, b])),
        ("hidden", "annotations of the page", |t| t.replace("/Stamp", "/F 132", "/F 134")),
        ("not printed", "annotations of the page", |t| t.replace("/Stamp", "/F 132", "/F 128")),
        ("not locked", "annotations of the page", |t| t.replace("/Stamp", "/F 132", "/F 4")),
        ("another kind", "annotations of the page", |t| t.replace("/Stamp", "/Stamp", "/FreeText")),
        ("a link", "annotations of the page", |t| t.replace("/Stamp", "/Stamp", "/Link")),
        ("no type", "annotations of the page", |t| t.replace("/Stamp", "/Type /Annot", "")),
        ("an action", "annotations of the page", |t| {
            t.replace("/Stamp", "/F 132", "/F 132 /A << /S /URI /URI (https://x.example) >>");
        }),
        ("words", "annotations of the page", |t| t.replace("/Stamp", "/F 132", "/F 132 /Contents (x)")),
        ("a name", "annotations of the page", |t| t.replace("/Stamp", "/F 132", "/F 132 /Name /Approved")),
        ("a layer", "annotations of the page", |t| t.replace("/Stamp", "/F 132", "/F 132 /OC 4 0 R")),
        ("a second look", "annotations of the page", |t| {
            let number =
                t.add("<< /Type /XObject /Subtype /Form /BBox [0 0 9 9] /Length 0 >>\nstream\n\nendstream");
            t.replace("/Stamp", "/AP << ", &format!("/AP << /D {number} 0 R "));
        }),
        ("a look with states", "annotations of the page", |t| {
            let stamp = String::from_utf8(t.stamp().clone()).unwrap();
            let (_, after) = stamp.split_once("/N ").unwrap();
            let number = after.split(' ').next().unwrap().to_owned();
            t.replace("/Stamp", &format!("/N {number} 0 R"), &format!("/N << /On {number} 0 R >>"));
        }),
        ("a look that was there", "annotations of the page", |t| {
            let stamp = String::from_utf8(t.stamp().clone()).unwrap();
            let (_, after) = stamp.split_once("/N ").unwrap();
            let number = after.split(' ').next().unwrap().to_owned();
            t.replace("/Stamp", &format!("/N {number} 0 R"), "/N 4 0 R");
        }),
        ("another page", "annotations of the page", |t| t.replace("/Stamp", "/P 3 0 R", "/P 2 0 R")),
        ("one more mark", "not the code that was agreed", |t| {
            t.redraw(|dictionary, data| {
                let mut plain = inflated(data);
                plain.extend_from_slice(b"0 0 4 4 re\nf\n");
                *data = plain;
                *dictionary = dictionary.replace("/Filter /FlateDecode", "");
            });
        }),
        ("the same, stored otherwise", "not the code that was agreed", |t| {
            t.redraw(|dictionary, data| {
                *data = inflated(data);
                *dictionary = dictionary.replace("/Filter /FlateDecode", "");
            });
        }),
        ("something behind what is read", "not the code that was agreed", |t| {
            t.redraw(|_, data| data.extend_from_slice(b"0 0 4 4 re f"));
        }),
        ("turned round", "not the code that was agreed", |t| {
            t.redraw(|dictionary, _| {
                *dictionary = replaced(dictionary, "/Matrix [1 0 0 1", "/Matrix [1 1 0 1");
            });
        }),
        ("a smaller window", "not the code that was agreed", |t| {
            t.redraw(|dictionary, _| *dictionary = replaced(dictionary, "/BBox [0 0", "/BBox [0 9"));
        }),
        ("a group", "not the code that was agreed", |t| {
            t.redraw(|dictionary, _| {
                *dictionary =
                    replaced(dictionary, "/FormType 1", "/FormType 1 /Group << /S /Transparency >>");
            });
        }),
        ("a layer in the look", "not the code that was agreed", |t| {
            t.redraw(|dictionary, _| {
                *dictionary =
                    replaced(dictionary, "/FormType 1", "/FormType 1 /OC << /Type /OCG /Name (x) >>");
            });
        }),
        ("metadata in the look", "not the code that was agreed", |t| {
            let number = t.add("<< /Type /Metadata /Subtype /XML /Length 4 >>\nstream\n<x/>\nendstream");
            t.redraw(|dictionary, _| {
                let more = format!("/FormType 1 /Metadata {number} 0 R");
                *dictionary = replaced(dictionary, "/FormType 1", &more);
            });
        }),
        ("another font's letters", "not the code that was agreed", |t| {
            t.replace("/ToUnicode", "/Identity-H", "/Identity-V");
        }),
        ("a second code", "several stamps", |t| {
            let stamp = String::from_utf8(t.stamp().clone()).unwrap();
            let (first, number) = (t.number_of("/Stamp"), t.add(&stamp));
            t.replace(" /Annots", &format!("{first} 0 R"), &format!("{first} 0 R {number} 0 R"));
        }),
        ("a code that no page has", "more than add a signature", |t| {
            let first = t.number_of("/Stamp");
            t.replace(" /Annots", &format!(" {first} 0 R"), "");
        }),
        ("a note beside it", "adds comments", |t| {
            let number =
                t.add("<< /Type /Annot /Subtype /Text /Rect [20 20 40 40] /P 3 0 R /Contents (x) >>");
            let first = t.number_of("/Stamp");
            t.replace(" /Annots", &format!("{first} 0 R"), &format!("{first} 0 R {number} 0 R"));
        }),
    ];
    for (name, expected, tamper) in cases {
        let mut tail = Tail::of(&document, &prepared);
        tamper(&mut tail);
        let answer = check(&document, &tail.write(&document), &wishes);
        let error = answer.err().unwrap_or_else(|| panic!("{name}: confirmed"));
        assert!(error.to_string().contains(expected), "{name}: expected {expected:?} in {error}");
    }
    println!("{} tampered codes refused", cases.len());

    // No bit of the stamp and of all that it is drawn with may be another.
    let tail = Tail::of(&document, &prepared);
    let first = tail.number_of("/Stamp");
    let mut flips = 0;
    for (number, body) in tail.objects.iter().filter(|(number, _)| *number >= first) {
        let head = format!("{number} 0 obj\n");
        let start = prepared[document.len()..].windows(head.len()).position(|at| at == head.as_bytes());
        let start = document.len() + start.unwrap() + head.len();
        for at in (start..start + body.len()).step_by(3) {
            let mut flipped = prepared.clone();
            flipped[at] ^= 1;
            assert!(check(&document, &flipped, &wishes).is_err(), "object {number}, byte {at}");
            flips += 1;
        }
    }
    assert!(flips > 500, "{flips}");
    println!("{flips} flipped bits refused");
}

fn inflated(data: &[u8]) -> Vec<u8> {
    use std::io::Read as _;
    let mut plain = Vec::new();
    flate2::read::ZlibDecoder::new(data).read_to_end(&mut plain).unwrap();
    plain
}

fn replaced(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "{text} has no {from}");
    text.replace(from, to)
}

/// Behind a signature a stamp is a change of the page, whoever agreed to it.
#[test]
fn behind_a_signature_no_stamp_is_confirmed() {
    let document = form("");
    let wishes = coded(Some(CHECK_PAGE), None);
    let request = |wishes: Wishes| Request {
        signer: WORLD.person.certificate.clone(),
        chain: WORLD.chain(),
        scheme: SCHEME,
        time_stamp: None,
        wishes,
    };
    let once = signing::prepare(&open(&document), request(Wishes::default()), now()).unwrap();
    let value = WORLD.person.key.sign(once.to_be_signed());
    let signed = [document, once.finish(value).unwrap().plain().unwrap()].concat();
    // kyso itself does not prepare it.
    assert!(signing::prepare(&open(&signed), request(wishes.clone()), now()).is_err());
    // Somebody else takes an honest second signature, and draws a stamp beside it.
    let mut tail = Tail::of(&signed, &prepare(&signed, &coded(None, None)));
    let form =
        tail.add("<< /Type /XObject /Subtype /Form /BBox [0 0 9 9] /Length 1 >>\nstream\nf\nendstream");
    let stamp = format!(
        "<< /Type /Annot /Subtype /Stamp /F 132 /Rect [20 20 40 40] /P 3 0 R /AP << /N {form} 0 R >> >>"
    );
    let number = tail.add(&stamp);
    let page = tail.holding(" /Annots");
    let at = page.windows(8).position(|window| window == b" /Annots").unwrap();
    let close = at + page[at..].iter().position(|byte| *byte == b']').unwrap();
    page.splice(close..close, format!(" {number} 0 R").bytes());
    let error = check(&signed, &tail.write(&signed), &wishes).unwrap_err().to_string();
    assert!(error.contains("annotations of the page"), "{error}");
}

/// By the command line: the code is named, or the file is refused.
#[test]
fn the_command_line_wants_the_code_named() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let document = fs::read(sample()).unwrap();
    fs::write(at("reviewed.pdf"), &document).unwrap();
    fs::write(at("prepared.pdf"), prepare(&document, &coded(Some(CHECK_PAGE), Some(SHORT)))).unwrap();
    let run = |more: &[&str]| {
        let (prepared, reviewed) = (lossy(&at("prepared.pdf")), lossy(&at("reviewed.pdf")));
        kyso(&[&["review", &prepared, "--reviewed", &reviewed][..], more].concat())
    };
    let told = run(&["--qr", CHECK_PAGE, "--short-code", SHORT, "--json"]);
    let answer: serde_json::Value = serde_json::from_slice(&told.stdout).unwrap();
    assert_eq!((told.status.code(), &answer["sound"]), (Some(0), &true.into()), "{answer:#}");
    assert_eq!(answer["code"].as_array().map(Vec::len), Some(4), "{answer:#}");
    let told = run(&["--qr", CHECK_PAGE, "--short-code", SHORT]);
    assert!(text(&told.stdout).contains("the one that was agreed"), "{}", text(&told.stdout));
    for more in
        [&[][..], &["--qr", CHECK_PAGE], &["--short-code", SHORT], &["--qr", "x", "--short-code", SHORT]]
    {
        let told = run(more);
        assert_eq!(told.status.code(), Some(1), "{more:?}: {}", text(&told.stdout));
        assert!(text(&told.stdout).contains("the code for the check page"), "{}", text(&told.stdout));
    }
}
