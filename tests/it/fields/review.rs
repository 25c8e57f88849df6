//! Whoever holds the key checks what they sign: prepared files that somebody tampered with.

use std::{collections::BTreeMap, fs, sync::Arc};

use kyso::{
    appearance::{Appearance, Place, Role},
    asn1::{Reader, Tag, oid, write},
    base::{DigestAlgorithm, Limits, MemorySource, Source},
    cms::{SignedAttributes, Statements},
    pdf::{Area, DocMdp, Document, FieldLock, LockedFields},
    signing::{
        self, Request, Wishes,
        review::{Confirmed, ReviewError, ReviewedDocument, review},
    },
    x509::Certificate,
};

use super::{append, form, kyso, lossy, previous, stream};
use crate::{
    judge::world::{SCHEME, WORLD, now},
    look::picture,
    pen::{sample, text},
};

/// What is prepared here passes, in every kind of file and with everything that may be agreed.
#[test]
fn what_is_prepared_honestly_is_confirmed() {
    let waiting = form("/Lock << /Type /SigFieldLock /Action /All >>");
    let wishes = Wishes::default;
    let lock = |fields, level| Some(FieldLock { fields, level });
    let mut confirmed = 0;
    for (what, document, agreed) in [
        ("plain", fs::read(sample()).unwrap(), wishes()),
        ("form", form(""), wishes()),
        (
            "words",
            form(""),
            Wishes {
                reason: Some("Phê duyệt".into()),
                location: Some("Cần Thơ".into()),
                contact: Some("x".into()),
                ..wishes()
            },
        ),
        ("certified", form(""), Wishes { certify: Some(DocMdp::FillAndSign), ..wishes() }),
        (
            "certified, no form",
            fs::read(sample()).unwrap(),
            Wishes { certify: Some(DocMdp::NoChanges), ..wishes() },
        ),
        ("locked", form(""), Wishes { lock: lock(LockedFields::All, Some(2)), ..wishes() }),
        (
            "a picture",
            fs::read(sample()).unwrap(),
            Wishes {
                appearance: Some(Appearance {
                    picture: Some(picture("chu-ky.png")),
                    place: Some(Place::At { page: 1, area: Area::new(300.0, 100.0, 120.0, 60.0) }),
                    ..Appearance::new(Role::Approve)
                }),
                ..wishes()
            },
        ),
        (
            "lines of text",
            fs::read(sample()).unwrap(),
            Wishes {
                appearance: Some(Appearance { number: Some("7".into()), ..Appearance::new(Role::Income) }),
                ..wishes()
            },
        ),
        ("an old field", form(""), Wishes { field: Some("second".into()), ..wishes() }),
        ("an old field with a lock", waiting, Wishes { field: Some("first".into()), ..wishes() }),
        (
            "an old field and a lock",
            form(""),
            Wishes {
                field: Some("first".into()),
                lock: lock("include:a".parse().unwrap(), None),
                ..wishes()
            },
        ),
        (
            "statements",
            form(""),
            Wishes {
                statements: Statements {
                    commitment: "proof-of-approval".parse().ok(),
                    roles: vec!["Chủ tịch".into()],
                    ..Statements::default()
                },
                ..wishes()
            },
        ),
    ] {
        let (prepared, to_be_signed) = prepare(&document, &agreed);
        let answer = check(&document, &prepared, &to_be_signed, &agreed);
        let told = answer.unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!(told.to_be_signed(), to_be_signed, "{what}");
        confirmed += 1;
        // And nothing else than what was agreed.
        for other in [
            Wishes { reason: Some("khác".into()), ..wishes() },
            Wishes { certify: Some(DocMdp::Annotate), ..wishes() },
            Wishes { lock: lock("include:zzz".parse().unwrap(), None), ..wishes() },
            Wishes { field: Some("zzz".into()), ..wishes() },
            Wishes {
                statements: Statements { roles: vec!["Ai khác".into()], ..Statements::default() },
                ..wishes()
            },
        ] {
            assert!(check(&document, &prepared, &to_be_signed, &other).is_err(), "{what}: {other:?}");
        }
    }
    println!("{confirmed} honest files confirmed");
}

/// Each prepared file that does more, or something else, is refused, and the reason names it.
#[test]
fn what_was_tampered_with_is_refused_by_name() {
    let document = base();
    let honest = Revision::honest();
    let sound = check(&document, &honest.write(&document), &honest.attributes(&document), &Wishes::default());
    assert!(sound.is_ok(), "{:?}", sound.err());

    let cases = tampered();
    assert!(cases.len() >= 40, "{}", cases.len());
    for (name, expected, tamper) in &cases {
        let mut revision = Revision::honest();
        tamper(&mut revision);
        let prepared = revision.write(&document);
        let answer = check(&document, &prepared, &revision.attributes(&document), &Wishes::default());
        let error = answer.err().unwrap_or_else(|| panic!("{name}: confirmed"));
        let words = words(&error);
        assert!(words.contains(expected), "{name}: expected {expected:?} in {words:?}");
    }
    println!("{} tampered files refused", cases.len());
}

/// Bytes to be signed that are about something else, or say more.
#[test]
fn what_is_to_be_signed_says_what_was_agreed_and_no_more() {
    let document = base();
    let honest = Revision::honest();
    let prepared = honest.write(&document);
    let digest = honest.digest(&document);
    let signer = &WORLD.person.certificate;
    let attributes = |digest: &kyso::base::Digest, signer: &Certificate, signing_time| SignedAttributes {
        content_type: oid::DATA,
        message_digest: digest.clone(),
        signer: signer.clone(),
        signing_time,
    };
    let plain = attributes(&digest, signer, None);
    let other = DigestAlgorithm::Sha256.digest(b"another file");
    let policy = Statements {
        policy: Some(kyso::cms::SignedPolicy {
            id: "1.2.3.4".parse().unwrap(),
            digest: other.clone(),
            uri: None,
        }),
        ..Statements::default()
    };
    let commitment = Statements { commitment: "proof-of-approval".parse().ok(), ..Statements::default() };
    let roles = Statements { roles: vec!["Chủ tịch".into()], ..Statements::default() };
    let set = |parts: &[Vec<u8>]| write::constructed(Tag::SET, parts);
    let parts: Vec<Vec<u8>> = {
        let der = plain.to_der();
        let mut reader = Reader::only(&der).unwrap().reader();
        let mut parts = Vec::new();
        while !reader.is_empty() {
            parts.push(reader.any().unwrap().raw.to_vec());
        }
        parts
    };
    let reversed: Vec<Vec<u8>> = parts.iter().rev().cloned().collect();
    let twice: Vec<Vec<u8>> = parts.iter().chain(&parts[..1]).cloned().collect();
    let cases: Vec<(&str, Vec<u8>, &str)> = vec![
        ("another digest", attributes(&other, signer, None).to_der(), "about another file"),
        (
            "another certificate",
            attributes(&digest, &WORLD.agency.certificate, None).to_der(),
            "another certificate",
        ),
        (
            "another content type",
            SignedAttributes { content_type: oid::TST_INFO, ..plain.clone() }.to_der(),
            "1.2.840.113549.1.9.3",
        ),
        ("a signing time", attributes(&digest, signer, Some(now())).to_der(), "1.2.840.113549.1.9.5"),
        ("a policy that binds", plain.to_der_with(&policy.attributes()), "1.2.840.113549.1.9.16.2.15"),
        ("a commitment", plain.to_der_with(&commitment.attributes()), "1.2.840.113549.1.9.16.2.16"),
        ("a role", plain.to_der_with(&roles.attributes()), "0.4.0.19122.1.1"),
        (
            "an unknown attribute",
            plain.to_der_with(&[("1.2.3.4".parse().unwrap(), write::null())]),
            "nobody agreed",
        ),
        ("an attribute twice", set(&twice), "twice"),
        ("a missing attribute", set(&parts[1..]), "missing"),
        ("another order", set(&reversed), "DER"),
        ("no attributes", write::sequence(&parts), "no signed attributes"),
        ("nothing", Vec::new(), "no signed attributes"),
        ("the document itself", document.clone(), "no signed attributes"),
    ];
    for (name, to_be_signed, expected) in &cases {
        let error = check(&document, &prepared, to_be_signed, &Wishes::default()).err();
        let words = words(&error.unwrap_or_else(|| panic!("{name}: confirmed")));
        assert!(words.contains(expected), "{name}: expected {expected:?} in {words:?}");
    }
    assert!(check(&document, &prepared, &plain.to_der(), &Wishes::default()).is_ok());
    println!("{} other things to be signed refused", cases.len());
}

/// No bit of the appended revision may be another, nor of the document before it.
#[test]
fn no_flipped_bit_is_confirmed() {
    let document = base();
    let honest = Revision::honest();
    let prepared = honest.write(&document);
    let to_be_signed = honest.attributes(&document);
    let mut flips = 0;
    for at in (0..prepared.len()).step_by(7).chain(document.len()..prepared.len()) {
        let mut flipped = prepared.clone();
        flipped[at] ^= 1;
        assert!(check(&document, &flipped, &to_be_signed, &Wishes::default()).is_err(), "byte {at}");
        flips += 1;
    }
    println!("{flips} flipped bits refused");
}

#[test]
fn what_earlier_signatures_forbid_is_not_signed() {
    let once = |lock: &str| {
        let wishes = Wishes {
            field: Some("first".into()),
            lock: Some(FieldLock { fields: lock.parse().unwrap(), level: None }),
            ..Wishes::default()
        };
        complete(&form(""), &wishes)
    };
    // Prepared by somebody who does not care: the second field filled, though it is locked.
    for (lock, permitted) in [("include:a", true), ("include:second", false), ("all", false)] {
        let document = once(lock);
        let mut revision = Revision::honest();
        revision.objects.remove(&20);
        revision.objects.insert(10, "<< /Type /Annot /Subtype /Widget /FT /Sig /T (second) /V 21 0 R /F 4 /Rect [300 100 480 160] /P 3 0 R >>".into());
        revision.objects.remove(&3);
        revision.objects.remove(&5);
        revision.shift(60);
        let prepared = revision.write(&document);
        let answer = check(&document, &prepared, &revision.attributes(&document), &Wishes::default());
        assert_eq!(answer.is_ok(), permitted, "{lock}: {:?}", answer.err());
    }
    let certified = complete(&form(""), &Wishes { certify: Some(DocMdp::NoChanges), ..Wishes::default() });
    let limits = Limits::default();
    let opened = Document::open(Arc::new(MemorySource(certified)), &limits).unwrap();
    assert!(signing::prepare(&opened, request(&Wishes::default()), now()).is_err());
}

/// An object under a number that an earlier revision set free is as new as any other: nothing hides in it.
#[test]
fn a_freed_number_hides_nothing() {
    let whole = form("");
    let (table, freed) =
        ("0 1\n0000000000 65535 f \n", "0 1\n0000000030 65535 f \n30 1\n0000000000 00000 f \n");
    let at = whole.windows(table.len()).position(|window| window == table.as_bytes()).unwrap();
    let document = [&whole[..at], freed.as_bytes(), &whole[at + table.len()..]].concat();
    for (look, expected) in [
        (LOOK.to_owned(), None),
        (LOOK.replace("/BBox", "/OC << /Type /OCG /Name (x) >> /BBox"), Some("/OC")),
        (LOOK.replace("/BBox", "/Metadata 4 0 R /BBox"), Some("/Metadata")),
    ] {
        let mut revision = Revision::honest();
        revision.replace(20, "[0 0 0 0]", "[10 10 110 60] /AP << /N 30 0 R >>");
        revision.set(30, &look);
        let prepared = revision.write(&document);
        let answer = check(&document, &prepared, &revision.attributes(&document), &Wishes::default());
        match (answer, expected) {
            (Ok(_), None) => {}
            (Err(error), Some(expected)) => assert!(words(&error).contains(expected), "{error}"),
            (answer, expected) => panic!("{expected:?}: {:?}", answer.map(drop)),
        }
    }
}

/// The same by the command line.
#[test]
fn the_command_line_tells_sound_files_from_others() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let document = base();
    let honest = Revision::honest();
    fs::write(at("reviewed.pdf"), &document).unwrap();
    fs::write(at("prepared.pdf"), honest.write(&document)).unwrap();
    fs::write(at("to-sign.der"), honest.attributes(&document)).unwrap();
    fs::write(at("signer.pem"), WORLD.person.certificate.to_pem()).unwrap();
    let mut other = Revision::honest();
    other.objects.insert(4, stream("BT (tay trai) Tj ET"));
    fs::write(at("tampered.pdf"), other.write(&document)).unwrap();
    let run = |prepared: &str, more: &[&str]| {
        let (prepared, reviewed) = (lossy(&at(prepared)), lossy(&at("reviewed.pdf")));
        kyso(&[&["review", &prepared, "--reviewed", &reviewed][..], more].concat())
    };
    let (attributes, signer) = (lossy(&at("to-sign.der")), lossy(&at("signer.pem")));
    let told = run("prepared.pdf", &["--attributes", &attributes, "--cert", &signer, "--json"]);
    assert_eq!(told.status.code(), Some(0), "{}", text(&told.stderr));
    let answer: serde_json::Value = serde_json::from_slice(&told.stdout).unwrap();
    assert_eq!((&answer["sound"], &answer["attributesChecked"]), (&true.into(), &true.into()), "{answer:#}");
    assert_eq!((&answer["field"], &answer["newField"]), (&"Signature1".into(), &true.into()));
    let told = run("prepared.pdf", &[]);
    assert!(told.status.success() && text(&told.stdout).contains("nothing else"), "{}", text(&told.stdout));
    let told = run("tampered.pdf", &["--json"]);
    assert_eq!(told.status.code(), Some(1));
    let answer: serde_json::Value = serde_json::from_slice(&told.stdout).unwrap();
    assert_eq!(answer["sound"], false);
    assert!(answer["reason"].as_str().unwrap().contains("4 0 R"), "{answer:#}");
    let told = run("prepared.pdf", &["--reason", "Phê duyệt"]);
    assert_eq!(told.status.code(), Some(1), "{}", text(&told.stdout));
    assert_eq!(run("none.pdf", &[]).status.code(), Some(65));
    assert_eq!(run("prepared.pdf", &["--attributes", &attributes]).status.code(), Some(64));
}

// --- honest files, by kyso itself -------------------------------------------------------------------------------

fn request(wishes: &Wishes) -> Request {
    Request {
        signer: WORLD.person.certificate.clone(),
        chain: WORLD.chain(),
        scheme: SCHEME,
        time_stamp: None,
        wishes: wishes.clone(),
    }
}

/// The prepared file, and what is to be signed.
fn prepare(document: &[u8], wishes: &Wishes) -> (Vec<u8>, Vec<u8>) {
    let opened = Document::open(Arc::new(MemorySource(document.to_vec())), &Limits::default()).unwrap();
    let prepared = signing::prepare(&opened, request(wishes), now()).unwrap();
    ([document, prepared.tail()].concat(), prepared.to_be_signed().to_vec())
}

fn complete(document: &[u8], wishes: &Wishes) -> Vec<u8> {
    let opened = Document::open(Arc::new(MemorySource(document.to_vec())), &Limits::default()).unwrap();
    let prepared = signing::prepare(&opened, request(wishes), now()).unwrap();
    let value = WORLD.person.key.sign(prepared.to_be_signed());
    let tail = prepared.finish(value).unwrap().plain().unwrap();
    [document, &tail].concat()
}

fn check(
    document: &[u8],
    prepared: &[u8],
    to_be_signed: &[u8],
    wishes: &Wishes,
) -> Result<Confirmed, ReviewError> {
    let reviewed = ReviewedDocument::of(&MemorySource(document.to_vec())).unwrap();
    let prepared: Arc<dyn Source> = Arc::new(MemorySource(prepared.to_vec()));
    review(&prepared, &reviewed, wishes, &Limits::default())?.confirm(
        to_be_signed,
        &WORLD.person.certificate,
        SCHEME,
    )
}

fn words(error: &ReviewError) -> String {
    use std::error::Error as _;
    let cause = error.source().map(|cause| format!(": {cause}")).unwrap_or_default();
    format!("{error}{cause}")
}

// --- files made by hand ------------------------------------------------------------------------------------------

/// [`form`] with two revisions, information and metadata, so that there is something to tamper with.
fn base() -> Vec<u8> {
    let catalog = "<< /Type /Catalog /Pages 2 0 R /AcroForm 5 0 R /Metadata 14 0 R >>".to_owned();
    append(
        &form(""),
        &[
            (1, catalog),
            (12, stream("BT (an) Tj ET")),
            (14, "<< /Type /Metadata /Subtype /XML /Length 4 >>\nstream\n<x/>\nendstream".into()),
        ],
    )
}

/// The revision behind [`base`] that adds a signature.
struct Revision {
    objects: BTreeMap<u32, String>,
    /// Entries of the signature dictionary beside `/ByteRange` and `/Contents`.
    signature: String,
    contents: String,
    /// Numbers that are written though no object is: hidden ones are written without an entry.
    hidden: Vec<String>,
    trailer: String,
    /// The numbers of `/ByteRange`, changed.
    range: fn([usize; 4]) -> Vec<isize>,
    prev: Option<fn(&[u8]) -> u64>,
    after: Vec<u8>,
    document: fn(&mut Vec<u8>),
    number: u32,
}

impl Revision {
    fn honest() -> Self {
        let objects = [
            (
                3,
                "<< /Type /Page /Parent 2 0 R /Contents 4 0 R /Annots [6 0 R 8 0 R 9 0 R 10 0 R 20 0 R] /Resources << /Font << /F1 11 0 R >> >> >>",
            ),
            (
                5,
                "<< /Fields [6 0 R 7 0 R 9 0 R 10 0 R 20 0 R] /SigFlags 3 /DA (/F1 12 Tf 0 g) /DR << /Font << /F1 11 0 R >> >> >>",
            ),
            (20, FIELD),
        ];
        Self {
            objects: objects.map(|(number, body)| (number, body.to_owned())).into(),
            signature: "/Type /Sig /Filter /Adobe.PPKLite /SubFilter /ETSI.CAdES.detached /M (D:20260601070000+07'00')".to_owned(),
            contents: "0".repeat(64),
            hidden: Vec::new(),
            trailer: "/Root 1 0 R".to_owned(),
            range: |range| range.map(|number| isize::try_from(number).unwrap()).to_vec(),
            prev: None,
            after: Vec::new(),
            document: |_| {},
            number: 21,
        }
    }

    /// Gives the signature dictionary another number, for files where it is taken.
    fn shift(&mut self, number: u32) {
        for body in self.objects.values_mut() {
            *body = body.replace("21 0 R", &format!("{number} 0 R"));
        }
        self.number = number;
    }

    fn set(&mut self, number: u32, body: &str) {
        self.objects.insert(number, body.to_owned());
    }

    fn replace(&mut self, number: u32, from: &str, to: &str) {
        let body = self.objects.get_mut(&number).unwrap();
        assert!(body.contains(from), "{body} has no {from}");
        *body = body.replace(from, to);
    }

    /// The prepared file.
    fn write(&self, document: &[u8]) -> Vec<u8> {
        let mut bytes = document.to_vec();
        (self.document)(&mut bytes);
        let before = bytes.clone();
        let mut table = "xref\n".to_owned();
        let entry = |table: &mut String, number: u32, at: usize| {
            table.push_str(&format!("{number} 1\n{at:010} 00000 n \n"));
        };
        for (number, body) in &self.objects {
            entry(&mut table, *number, bytes.len());
            bytes.extend_from_slice(format!("{number} 0 obj\n{body}\nendobj\n").as_bytes());
        }
        for hidden in &self.hidden {
            bytes.extend_from_slice(hidden.as_bytes());
        }
        entry(&mut table, self.number, bytes.len());
        bytes.extend_from_slice(
            format!("{} 0 obj\n<< {} /ByteRange [", self.number, self.signature).as_bytes(),
        );
        let numbers = bytes.len();
        bytes.extend_from_slice(&b" ".repeat(60));
        bytes.extend_from_slice(b"] /Contents ");
        let start = bytes.len();
        bytes.extend_from_slice(format!("<{}>", self.contents).as_bytes());
        let end = bytes.len();
        bytes.extend_from_slice(b" >>\nendobj\n");
        let xref = bytes.len();
        let previous = self.prev.map_or_else(|| previous(document), |prev| prev(&before));
        bytes.extend_from_slice(
            format!(
                "{table}trailer\n<< /Size {} {} /Prev {previous} >>\nstartxref\n{xref}\n%%EOF\n",
                super::size(document),
                self.trailer
            )
            .as_bytes(),
        );
        let range: Vec<String> =
            (self.range)([0, start, end, bytes.len() - end]).iter().map(isize::to_string).collect();
        let range = range.join(" ");
        bytes[numbers..numbers + range.len()].copy_from_slice(range.as_bytes());
        bytes.extend_from_slice(&self.after);
        bytes
    }

    /// Of what the honest range covers.
    fn digest(&self, document: &[u8]) -> kyso::base::Digest {
        let bytes = self.write(document);
        let from = document.len();
        let marker = b"] /Contents <";
        let at = bytes[from..].windows(marker.len()).position(|window| window == marker);
        let start = at.map_or(from, |at| from + at + marker.len() - 1);
        let end = start + self.contents.len() + 2;
        let source = MemorySource(bytes.clone());
        let ranges = [0..start as u64, end as u64..bytes.len() as u64];
        source.digest(DigestAlgorithm::Sha256, &ranges).unwrap()
    }

    /// What is to be signed, honest about the file as it is.
    fn attributes(&self, document: &[u8]) -> Vec<u8> {
        let attributes = SignedAttributes {
            content_type: oid::DATA,
            message_digest: self.digest(document),
            signer: WORLD.person.certificate.clone(),
            signing_time: None,
        };
        attributes.to_der()
    }
}

const FIELD: &str =
    "<< /Type /Annot /Subtype /Widget /FT /Sig /T (Signature1) /V 21 0 R /F 132 /Rect [0 0 0 0] /P 3 0 R >>";

const LOOK: &str =
    "<< /Type /XObject /Subtype /Form /BBox [0 0 100 50] /Length 8 >>\nstream\n0 0 m  S\nendstream";

/// Puts a revision of its own behind the document.
fn between(bytes: &mut Vec<u8>) {
    *bytes = append(bytes, &[(4, stream("BT (khac) Tj ET"))]);
}

type Tamper = (&'static str, &'static str, fn(&mut Revision));

/// What was done, words of the refusal, how.
fn tampered() -> Vec<Tamper> {
    vec![
        ("other page content", "4 0 R", |r| r.set(4, &stream("BT (khac) Tj ET"))),
        ("the page leads to other content", "/Contents of the page", |r| r.replace(3, "4 0 R", "12 0 R")),
        ("the page gains content", "/Contents of the page", |r| {
            r.replace(3, "/Contents 4 0 R", "/Contents [4 0 R 12 0 R]");
        }),
        ("a turned page", "/Rotate", |r| r.replace(3, "/Type /Page ", "/Type /Page /Rotate 180 ")),
        ("a cropped page", "/CropBox", |r| r.replace(3, "/Type /Page ", "/Type /Page /CropBox [0 0 10 10] ")),
        ("another order of tabs", "/Tabs", |r| r.replace(3, "/Type /Page ", "/Type /Page /Tabs /R ")),
        ("another font", "11 0 R", |r| r.set(11, "<< /Type /Font /Subtype /Type1 /BaseFont /Symbol >>")),
        ("another page", "/Pages object", |r| {
            r.set(2, "<< /Type /Pages /Kids [3 0 R 30 0 R] /Count 2 /MediaBox [0 0 595 842] >>");
            r.set(30, "<< /Type /Page /Parent 2 0 R >>");
        }),
        ("another annotation", "annotations of the page", |r| {
            r.replace(3, "20 0 R]", "20 0 R 30 0 R]");
            r.set(30, "<< /Type /Annot /Subtype /FreeText /Rect [72 700 200 720] /Contents (x) >>");
        }),
        ("a note", "adds comments", |r| {
            r.replace(3, "20 0 R]", "20 0 R 30 0 R]");
            r.set(30, "<< /Type /Annot /Subtype /Text /Rect [72 700 90 718] /Contents (x) /P 3 0 R >>");
        }),
        ("an annotation less", "annotations of the page", |r| r.replace(3, "[6 0 R ", "[")),
        ("another text field", "\"c\"", |r| {
            r.replace(5, "20 0 R]", "20 0 R 30 0 R]");
            r.set(30, "<< /Type /Annot /Subtype /Widget /FT /Tx /T (c) /Rect [0 0 0 0] /P 3 0 R >>");
        }),
        ("a filled field", "fills the form field \"a\"", |r| {
            r.set(6, "<< /Type /Annot /Subtype /Widget /FT /Tx /T (a) /V (100) /F 4 /Rect [72 600 272 620] /P 3 0 R >>");
        }),
        ("a field with a calculation", "\"a\"", |r| {
            r.set(6, "<< /Type /Annot /Subtype /Widget /FT /Tx /T (a) /V (1) /AA << /C << /S /JavaScript /JS (x) >> >> /F 4 /Rect [72 600 272 620] /P 3 0 R >>");
        }),
        ("another appearance of fields", "/DA", |r| r.replace(5, "12 Tf", "1 Tf")),
        ("appearances left to the reader", "/NeedAppearances", |r| {
            r.replace(5, "<< ", "<< /NeedAppearances true ");
        }),
        ("an XFA form", "/XFA", |r| r.replace(5, "<< ", "<< /XFA (x) ")),
        ("an action in the field", "more than a signature field", |r| {
            r.replace(20, "/FT /Sig", "/FT /Sig /A << /S /URI /URI (http://x) >>");
        }),
        ("an action when the field is shown", "more than a signature field", |r| {
            r.replace(20, "/FT /Sig", "/FT /Sig /AA << /PO << /S /JavaScript /JS (x) >> >>");
        }),
        ("an action of the document", "/OpenAction", |r| {
            r.set(1, "<< /Type /Catalog /Pages 2 0 R /AcroForm 5 0 R /Metadata 14 0 R /OpenAction << /S /JavaScript /JS (x) >> >>");
        }),
        ("a script of the document", "/Names", |r| {
            r.set(1, "<< /Type /Catalog /Pages 2 0 R /AcroForm 5 0 R /Metadata 14 0 R /Names << /JavaScript << /Names [(x) << /S /JavaScript /JS (x) >>] >> >> >>");
        }),
        ("an embedded file", "/AF", |r| {
            r.set(1, "<< /Type /Catalog /Pages 2 0 R /AcroForm 5 0 R /Metadata 14 0 R /AF [30 0 R] >>");
            r.set(30, "<< /Type /Filespec /F (x) >>");
        }),
        ("a newer version", "/Version", |r| {
            r.set(1, "<< /Type /Catalog /Pages 2 0 R /AcroForm 5 0 R /Metadata 14 0 R /Version /2.0 >>");
        }),
        ("an extension", "/Extensions", |r| {
            r.set(1, "<< /Type /Catalog /Pages 2 0 R /AcroForm 5 0 R /Metadata 14 0 R /Extensions << /X << /BaseVersion /1.7 /ExtensionLevel 1 >> >> >>");
        }),
        ("a security store", "security store", |r| {
            r.set(1, "<< /Type /Catalog /Pages 2 0 R /AcroForm 5 0 R /Metadata 14 0 R /DSS << /Certs [30 0 R] >> >>");
            r.set(30, "<< /Length 1 >>\nstream\nx\nendstream");
        }),
        ("other metadata", "metadata", |r| {
            r.set(14, "<< /Type /Metadata /Subtype /XML /Length 4 >>\nstream\n<y/>\nendstream");
        }),
        ("document information", "/Info", |r| {
            r.trailer.push_str(" /Info 30 0 R");
            r.set(30, "<< /ModDate (D:20260601000000Z) >>");
        }),
        ("a catalog of its own", "another object the catalog", |r| {
            "/Root 30 0 R".clone_into(&mut r.trailer);
            r.set(30, "<< /Type /Catalog /Pages 2 0 R /AcroForm 5 0 R >>");
        }),
        ("an object that hangs from nothing", "30 0 R", |r| r.set(30, "<< /S /JavaScript /JS (x) >>")),
        ("an object outside of the cross-reference", "belong to no object", |r| {
            r.hidden.push("4 0 obj\n<< /Length 0 >>\nstream\n\nendstream\nendobj\n".to_owned());
        }),
        ("bytes at the end", "follow the last %%EOF", |r| r.after = b"4 0 obj\n<<>>\nendobj\n".to_vec()),
        ("two signatures", "several signatures", |r| {
            r.replace(3, "20 0 R]", "20 0 R 30 0 R]");
            r.replace(5, "20 0 R]", "20 0 R 30 0 R]");
            r.set(30, &FIELD.replace("Signature1", "Signature2").replace("21 0 R", "31 0 R"));
            r.set(31, "<< /Type /Sig /Filter /Adobe.PPKLite /SubFilter /ETSI.CAdES.detached /ByteRange [0 1 2 3] /Contents <00> >>");
        }),
        ("no signature", "without a signature", |r| r.replace(20, "/V 21 0 R ", "")),
        ("a time-stamp instead", "document time-stamp", |r| {
            "/Type /DocTimeStamp /Filter /Adobe.PPKLite /SubFilter /ETSI.RFC3161"
                .clone_into(&mut r.signature);
        }),
        ("a field that is seen all over the page", "quarter of the page", |r| {
            r.replace(20, "[0 0 0 0]", "[0 0 595 842]");
        }),
        ("an appearance with a layer", "/OC", |r| {
            r.replace(20, "[0 0 0 0]", "[10 10 110 60] /AP << /N 30 0 R >>");
            r.set(30, &LOOK.replace("/BBox", "/OC << /Type /OCG /Name (x) >> /BBox"));
        }),
        ("an appearance when the mouse is over it", "more than one appearance", |r| {
            r.replace(20, "[0 0 0 0]", "[10 10 110 60] /AP << /N 30 0 R /R 31 0 R >>");
            r.set(30, LOOK);
            r.set(31, LOOK);
        }),
        ("a signature seen in two places", "several places", |r| {
            r.set(20, "<< /FT /Sig /T (Signature1) /V 21 0 R /Kids [30 0 R 31 0 R] >>");
            for number in [30, 31] {
                r.set(
                    number,
                    "<< /Type /Annot /Subtype /Widget /F 132 /Rect [10 10 110 60] /P 3 0 R /Parent 20 0 R >>",
                );
            }
            r.replace(3, "20 0 R]", "30 0 R 31 0 R]");
        }),
        ("a certification", "certification", |r| {
            r.signature.push_str(" /Reference [<< /Type /SigRef /TransformMethod /DocMDP /TransformParams << /Type /TransformParams /P 1 /V /1.2 >> >>]");
            r.set(1, "<< /Type /Catalog /Pages 2 0 R /AcroForm 5 0 R /Metadata 14 0 R /Perms << /DocMDP 21 0 R >> >>");
        }),
        ("a certification that the catalog does not know", "certification", |r| {
            r.signature.push_str(" /Reference [<< /Type /SigRef /TransformMethod /DocMDP /TransformParams << /Type /TransformParams /P 1 /V /1.2 >> >>]");
        }),
        ("usage rights", "/Perms", |r| {
            r.set(
                1,
                "<< /Type /Catalog /Pages 2 0 R /AcroForm 5 0 R /Metadata 14 0 R /Perms << /UR3 21 0 R >> >>",
            );
        }),
        ("a lock", "lock of fields", |r| {
            r.signature.push_str(" /Reference [<< /Type /SigRef /TransformMethod /FieldMDP /Data 1 0 R /TransformParams << /Type /TransformParams /Action /All /V /1.2 >> >>]");
        }),
        ("a lock in the field", "lock of fields", |r| {
            r.replace(20, "/FT /Sig", "/FT /Sig /Lock << /Type /SigFieldLock /Action /All /P 1 >>");
        }),
        ("another transform", "neither DocMDP nor FieldMDP", |r| {
            r.signature.push_str(" /Reference [<< /Type /SigRef /TransformMethod /UR3 >>]");
        }),
        ("a reason", "/Reason is \"toi dong y\"", |r| r.signature.push_str(" /Reason (toi dong y)")),
        ("a place", "/Location is \"x\"", |r| r.signature.push_str(" /Location (x)")),
        ("a contact", "/ContactInfo is \"x\"", |r| r.signature.push_str(" /ContactInfo (x)")),
        ("another name", "/Name is \"Ai khac\"", |r| r.signature.push_str(" /Name (Ai khac)")),
        ("an entry that nobody knows", "/Prop_Build", |r| {
            r.signature.push_str(" /Prop_Build << /App << /Name /X >> >>");
        }),
        ("a certificate in the dictionary", "/Cert", |r| r.signature.push_str(" /Cert <00>")),
        ("an entry that stands elsewhere", "/Reason", |r| {
            r.signature.push_str(" /Reason 30 0 R");
            r.set(30, "(x)");
        }),
        ("another encoding", "/SubFilter", |r| {
            r.signature = r.signature.replace("ETSI.CAdES.detached", "adbe.pkcs7.detached");
        }),
        ("something in the hole", "kept for the signature", |r| {
            r.contents = format!("3082{}", "0".repeat(60));
        }),
        ("a range that leaves out a byte", "signed bytes are not in order", |r| {
            r.range =
                |[first, start, end, len]| [first, start - 1, end, len].map(usize::cast_signed).to_vec();
        }),
        ("a range that begins later", "signed bytes are not in order", |r| {
            r.range = |[_, start, end, len]| [1, start - 1, end, len].map(usize::cast_signed).to_vec();
        }),
        ("a range that ends sooner", "signed bytes are not in order", |r| {
            r.range =
                |[first, start, end, len]| [first, start, end, len - 60].map(usize::cast_signed).to_vec();
        }),
        ("a range of three pieces", "signed bytes are not in order", |r| {
            r.range = |[first, start, end, len]| {
                [first, 10, 10, start - 10, end, len].map(usize::cast_signed).to_vec()
            };
        }),
        ("a range with a wider hole", "signed bytes are not in order", |r| {
            r.range = |[first, start, end, len]| {
                [first, start - 12, end + 3, len - 3].map(usize::cast_signed).to_vec()
            };
        }),
        ("another document", "does not begin with", |r| r.document = |bytes| bytes[20] ^= 1),
        ("a shorter document", "does not begin with", |r| {
            r.document = |bytes| bytes.truncate(bytes.len() - 1);
        }),
        ("a revision in between", "go on from", |r| {
            r.document = between;
            r.prev = Some(previous);
        }),
        ("a revision in between that nothing leads to", "belong to no object", |r| r.document = between),
        ("a revision that passes over the last one", "go on from", |r| {
            r.prev = Some(|document| {
                let text = String::from_utf8_lossy(document).into_owned();
                let (_, after) = text.split_once("startxref\n").unwrap();
                after.lines().next().unwrap().parse().unwrap()
            });
        }),
        ("no signature at all", "12 0 R", |r| {
            r.objects = BTreeMap::new();
            "/Type /Other".clone_into(&mut r.signature);
            r.number = 12;
        }),
    ]
}
