//! Each bomb ends with a plain answer. No test here looks at a clock: what would not end would not pass, and what is
//! counted is counted by the readers' own limits. Times and memory are in `docs/limits.md`, measured by the bench.

use std::sync::Arc;

use kyso::{
    asn1::{Asn1Error, Tag, ber, check_der_lengths, oid, write},
    base::{Limits, MemorySource},
    cms::SignedData,
    pdf::{Document, PdfError},
    validation::{Evidence, Inspection, Overall, Policy},
    x509::{Certificate, Crl},
    xml::{self, Algorithm, Canonicalization, Subset, XmlLimits},
};

use super::makers::{self, plain, zeros};
use crate::judge::world::{WORLD, judge, now, plain_pdf};

/// What is said about a document, and by whom: the reader's refusal, or the verdict.
fn answer(pdf: &[u8], limits: &Limits) -> String {
    let inspection = match Inspection::open(Arc::new(MemorySource(pdf.to_vec())), limits) {
        Ok(inspection) => inspection,
        Err(error) => return error.to_string(),
    };
    let report = inspection.judge("bomb.pdf", &Policy::strict(), &WORLD.anchors(), now());
    assert_ne!(report.overall, Overall::Valid, "{report:#?}");
    format!("{:?}", report.overall)
}

#[test]
fn each_bomb_ends_with_a_plain_answer() {
    let mut wrong = Vec::new();
    // The largest is for the bench; its smaller sister is below.
    for bomb in makers::all().into_iter().filter(|bomb| !bomb.name.starts_with("40 ")) {
        let pdf = (bomb.make)();
        let expected = ANSWERS.iter().find(|(name, _)| *name == bomb.name).map_or("?", |(_, answer)| answer);
        let told = answer(&pdf, &Limits::default());
        if !told.contains(expected) {
            wrong.push(format!("{} ({} bytes)\n  {told}\n  expected: {expected}", bomb.name, pdf.len()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

const ANSWERS: [(&str, &str); 19] = [
    ("cross-reference stream of 8 million free entries", "more entries than the file has bytes"),
    ("cross-reference table of 9,999,999,999 entries", "expected a number in the cross-reference table"),
    (
        "object stream that unpacks to 257 MiB",
        "the length of a decoded stream is over the limit of 268435456",
    ),
    ("object stream packed twice", "compressed in a way that kyso does not read"),
    ("object stream that holds its own length", "the object stream 5 0 R has a wrong /Length"),
    ("object stream that says it is in itself", "there is no object stream 5 0 R"),
    ("/Prev that leads to itself", "the chain of cross-reference sections runs in a circle"),
    ("/Prev that leads forward in a circle", "the chain of cross-reference sections runs in a circle"),
    ("2,000 empty revisions", "the number of revisions is over the limit of 1000"),
    ("arrays 200,000 deep", "the nesting of arrays and dictionaries is over the limit of 64"),
    ("dictionaries 200,000 deep", "the nesting of arrays and dictionaries is over the limit of 64"),
    ("an array of 3 million numbers", "the number of values in one object is over the limit of 1000000"),
    ("references in a circle", "lead nowhere"),
    ("a form whose fields are their own kids", "the form leads to the field 4 0 R twice"),
    ("a form tree of 2^40 paths", "the form leads to the field 50 0 R twice"),
    ("20,000 signature fields with one value", "Invalid"),
    ("20,000 signature fields with a value each", "the number of signatures is over the limit of 500"),
    ("a page tree of 2^40 paths", "Invalid"),
    ("10,000 evidence streams of 15 MB of zeros", "Unsigned"),
];

/// The budget of all objects together: many streams, none of them over its own limit.
#[test]
fn the_sum_of_many_streams_is_limited() {
    let limits = Limits { decoded_bytes: (1 << 20) + 4096, ..Limits::default() };
    // Sixteen times the limit of one is unpacked, and no more.
    assert_eq!(answer(&makers::many_unpacked(15, 1 << 20), &limits), "Unsigned");
    let told = answer(&makers::many_unpacked(20, 1 << 20), &limits);
    assert!(told.contains("the work that the file's objects make"), "{told}");
}

/// Evidence of `/DSS` is taken up to four times the longest piece, whatever the number of streams: what comes behind
/// that is not looked at, and the verdict stays open.
#[test]
fn evidence_in_the_file_is_limited_in_all() {
    let world = &*WORLD;
    let signed = world.sign(&plain_pdf(), &world.person);
    let store = |junk: usize| {
        let mut evidence = vec![Evidence::Crl(vec![0; 10_000]); junk];
        evidence.extend(world.all_good());
        crate::judge::world::append_store(&signed, &evidence)
    };
    let limits = Limits { cms_bytes: 10_000, ..Limits::default() };
    let overall = |pdf: Vec<u8>| {
        let inspection = Inspection::open(Arc::new(MemorySource(pdf)), &limits).unwrap();
        inspection.judge("store.pdf", &Policy::strict(), &world.anchors(), now()).overall
    };
    assert_eq!(overall(store(3)), Overall::Valid);
    assert_eq!(overall(store(4)), Overall::Indeterminate);
}

/// What an object stream unpacks to is bounded by the limit, whatever its dictionary says.
#[test]
fn unpacking_stops_at_the_limit() {
    let pdf = plain("/X 4 0 R").stream(4, "/Filter/FlateDecode", &zeros(b"", 32 << 20)).end("");
    let document = Document::open(Arc::new(MemorySource(pdf)), &Limits::default()).unwrap();
    let kyso::pdf::Object::Stream(stream) = document.object((4, 0)).unwrap() else { panic!("a stream") };
    for limit in [0, 1, 4096, (32 << 20) - 1] {
        let refused = document.decode(&stream, limit);
        assert!(matches!(refused, Err(PdfError::Limit { .. })), "{limit}: {refused:?}");
    }
    assert_eq!(document.decode(&stream, 32 << 20).unwrap().len(), 32 << 20);
}

/// The numbers of [`Limits`] are where reading stops: one less is read, one more is not.
#[test]
fn limits_of_a_document_are_kept_to_the_number() {
    let limits = |limits: Limits| limits;
    let revisions = makers::all().into_iter().find(|bomb| bomb.name == "2,000 empty revisions");
    let revisions = (revisions.unwrap().make)();
    let open = |limits: &Limits| Document::open(Arc::new(MemorySource(revisions.clone())), limits);
    let enough = limits(Limits { revisions: 2_001, ..Limits::default() });
    assert_eq!(open(&enough).unwrap().revisions().len(), 2_001);
    let few = limits(Limits { revisions: 1_999, ..Limits::default() });
    assert!(matches!(open(&few), Err(PdfError::Limit { what: "the number of revisions", limit: 1_999 })));

    let signed = WORLD.sign(&WORLD.sign(&plain_pdf(), &WORLD.person), &WORLD.agency);
    let open = |signatures| {
        let limits = Limits { signatures, ..Limits::default() };
        Inspection::open(Arc::new(MemorySource(signed.clone())), &limits).map(|found| found.signature_count())
    };
    assert_eq!(open(2).unwrap(), 2);
    assert!(matches!(open(1), Err(PdfError::Limit { what: "the number of signatures", limit: 1 })));
}

// --- ASN.1 and CMS ---------------------------------------------------------------------------------------------

#[test]
fn values_inside_values_end_at_the_depth() {
    let depth = Limits::default().depth;
    let nested = |depth: usize| (0..depth).fold(write::null(), |inner, _| write::sequence([inner]));
    assert_eq!(check_der_lengths(&nested(depth - 1), depth), Ok(()));
    assert!(matches!(check_der_lengths(&nested(10_000), depth), Err(Asn1Error::Depth { .. })));
    let indefinite = [[0x30, 0x80].repeat(1_000_000), vec![0; 2_000_000]].concat();
    assert!(matches!(ber::to_definite(&indefinite, depth), Err(Asn1Error::Depth { .. })));
    assert!(SignedData::parse(&indefinite, &Limits::default()).is_err());
    assert!(Certificate::from_der(&nested(10_000)).is_err());
    assert!(Crl::from_der(&nested(10_000)).is_err());
    assert!(kyso::ocsp::Response::parse(&nested(10_000)).is_err());
    assert!(kyso::tsp::Token::parse(&nested(10_000), &Limits::default()).is_err());
}

/// A length says more than there is, up to more than a machine has.
#[test]
fn lengths_that_lie_are_refused_and_nothing_is_reserved_for_them() {
    let cms = signature();
    for at in 0..60 {
        for lie in
            [&[0x84, 0x7F, 0xFF, 0xFF, 0xFF][..], &[0x88, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF]]
        {
            let mut broken = cms.clone();
            broken.splice(at..=at, lie.iter().copied());
            // Most are refused; what is read may not be another signature.
            if let Ok(read) = SignedData::parse(&broken, &Limits::default()) {
                assert!(read.only_signer().is_ok_and(|signer| !signer.signature.is_empty()));
            }
            let _ = Certificate::from_der(&broken);
        }
    }
}

#[test]
fn thousands_of_certificates_and_lists_in_a_signature_are_cut_off() {
    let world = &*WORLD;
    let limits = Limits::default();
    let certificate = world.ca.certificate.der();
    let Evidence::Crl(list) = world.ca_list(now()) else { panic!("a list") };
    for (certificates, lists) in [(5_000, 0), (0, 5_000), (5_000, 5_000)] {
        let bloated = bloat(&signature(), certificate, certificates, &list, lists);
        match SignedData::parse(&bloated, &limits) {
            Ok(read) => {
                assert!(read.certificates.len() <= limits.certificates, "{}", read.certificates.len());
                assert!(read.crls.len() <= limits.certificates, "{}", read.crls.len());
            }
            Err(error) => assert!(error.to_string().contains("more than"), "{error}"),
        }
    }
    let longer = Limits { cms_bytes: 1_000, ..limits };
    assert!(SignedData::parse(&signature(), &longer).is_err(), "longer than the limit");
}

/// Evidence without end, given by the caller: looked at as far as the budgets go. It may hide what is good among it,
/// and then the verdict stays open; it never makes a signature bad, and an end it has.
#[test]
fn thousands_of_lists_end_with_a_verdict() {
    let world = &*WORLD;
    let signed = world.sign(&plain_pdf(), &world.person);
    let mut evidence = world.all_good();
    assert_eq!(judge(&signed, &world.anchors(), &evidence, now()).overall, Overall::Valid);
    for minute in 0..1_000_i64 {
        let from =
            now() - jiff::SignedDuration::from_hours(24 * 300) + jiff::SignedDuration::from_mins(minute);
        evidence.push(if minute % 2 == 0 { world.ca_list(from) } else { world.root_list(from) });
    }
    let after = judge(&signed, &world.anchors(), &evidence, now());
    assert!(matches!(after.overall, Overall::Valid | Overall::Indeterminate), "{after:#?}");
}

/// A plain signature of the person.
fn signature() -> Vec<u8> {
    let world = &*WORLD;
    let digest = kyso::base::DigestAlgorithm::Sha256.digest(b"x");
    world.person.cms(digest, &world.person.certificate, &world.chain()).to_der(None)
}

/// The same SignedData with many more certificates and lists.
fn bloat(cms: &[u8], certificate: &[u8], certificates: usize, list: &[u8], lists: usize) -> Vec<u8> {
    let mut outer = kyso::asn1::Reader::only(cms).unwrap().reader();
    let content_type = outer.any().unwrap().raw.to_vec();
    let mut fields = outer.any().unwrap().reader().any().unwrap().reader();
    let mut parts = Vec::new();
    while !fields.is_empty() {
        let field = fields.any().unwrap();
        if field.tag == Tag::context(0) {
            let all = [field.value, &certificate.repeat(certificates)].concat();
            parts.push(write::value(Tag::context(0), &all));
            parts.push(write::value(Tag::context(1), &list.repeat(lists)));
        } else {
            parts.push(field.raw.to_vec());
        }
    }
    assert_eq!(content_type, write::oid(oid::SIGNED_DATA));
    write::sequence([content_type, write::value(Tag::context(0), &write::sequence(parts))])
}

// --- XML -------------------------------------------------------------------------------------------------------

fn parse(text: &str) -> Result<xml::Document, xml::XmlError> {
    xml::Document::parse(text.as_bytes(), &XmlLimits::default())
}

#[test]
fn xml_bombs_are_refused() {
    let laughs: String =
        (1..30).map(|at| format!("<!ENTITY l{at} \"&l{};&l{};\">", at - 1, at - 1)).collect();
    let attributes: String = (0..100_000).map(|at| format!(" a{at}=''")).collect();
    let declarations: String = (0..100_000).map(|at| format!(" xmlns:a{at}='u:{at}'")).collect();
    for (what, text) in [
        ("entities", format!("<!DOCTYPE a [<!ENTITY l0 \"lol\">{laughs}]><a>&l29;</a>")),
        (
            "an entity from outside",
            "<!DOCTYPE a [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><a>&e;</a>".to_owned(),
        ),
        ("depth", "<a>".repeat(500_000)),
        ("depth, closed", "<a>".repeat(100_000) + &"</a>".repeat(100_000)),
        ("attributes", format!("<a{attributes}/>")),
        ("declarations", format!("<a{declarations}/>")),
        ("a long name", format!("<{}/>", "a".repeat(1 << 20))),
        ("nodes", format!("<a>{}</a>", "<b/>".repeat(1_100_000))),
        ("bytes", format!("<a>{}</a>", " ".repeat(33 << 20))),
    ] {
        assert!(parse(&text).is_err(), "{what} was read");
    }
}

/// Exclusive canonicalization says a namespace again in each element that needs it: the form of a short document may
/// be very long, and is not written beyond the limit.
#[test]
fn a_canonical_form_ends_at_its_limit() {
    let names: String = (0..60).map(|at| format!(" xmlns:p{at}='urn:{}'", "x".repeat(1_900))).collect();
    let uses: String = (0..60).map(|at| format!(" p{at}:a=''")).collect();
    let distinct: String =
        (0..60).map(|at| format!(" xmlns:p{at}='urn:{at}{}'", "x".repeat(1_900))).collect();
    assert!(parse(&format!("<a{names}><b{uses}/></a>")).is_err(), "one attribute, twice");
    let text = format!("<a{distinct}>{}</a>", format!("<b{uses}/>").repeat(2_000));
    let document = parse(&text).unwrap();
    let form =
        Canonicalization { algorithm: Algorithm::Exclusive { inclusive: Vec::new() }, comments: false };
    let limits = XmlLimits::default();
    let refused = document.canonicalize(Subset::WHOLE, &form, &limits);
    assert!(refused.is_err(), "{} bytes became {}", text.len(), refused.map_or(0, |form| form.len()));
    let inclusive = Canonicalization { algorithm: Algorithm::Version10, comments: false };
    assert!(document.canonicalize(Subset::WHOLE, &inclusive, &limits).is_ok());
}
