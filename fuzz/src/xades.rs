//! XML as a signed file, and as one that is signed.

use std::sync::{Arc, OnceLock};

use kyso::{
    base::{Chance, Clock, Limits, MemorySource},
    demo::pki::{DemoPki, Holder, KeyAlgorithm, SigningKey},
    signing::xades::{XadesFile, XadesRequest, XmlForm, prepare_enveloped},
    validation::{
        CoverageLevel, Detached, DocumentReport, Evidence, Inspection, Overall, Policy, SignatureReport,
    },
    x509::Certificate,
    xml::{Canonicalization, Document, Subset, XmlLimits, signature},
};

use crate::formats::{moment, nobody};

const LETTER: &str =
    "<thu xmlns=\"urn:thu\" xml:lang=\"vi\"><so>SO</so><noidung x=\"1\">Kh\u{1EBF}</noidung></thu>";

/// Whatever `data` is: with nobody trusted nothing is valid; what can be signed holds once it is; and in the place of a
/// text that is signed, it holds only if it says the same.
pub(crate) fn xades(data: &[u8]) {
    if let Some(report) = judged(data.to_vec()) {
        assert_ne!(report.overall, Overall::Valid, "{report:#?}");
    }
    if let Some(file) = signed(data, XmlForm::Inclusive) {
        let report = judged(file.bytes().to_vec()).expect("what we signed can be read");
        let [own] = &report.signatures[..] else { panic!("one signature: {report:#?}") };
        assert!(holds(own), "{report:#?}");
        let (_, certificate) = office();
        let kept =
            file.keep(&[Evidence::Certificate(certificate.der().to_vec())]).expect("evidence can be added");
        let report = judged(kept.into_bytes()).expect("what we added to can be read");
        assert!(report.signatures.iter().all(holds), "{report:#?}");
    }
    if let Ok(ids) = XadesFile::ids(data) {
        for id in ids.iter().take(2) {
            let Ok(file) = XadesFile::read(data.to_vec(), Some(id)) else { continue };
            let _ = (file.is_stamped(), file.held());
            let _ = file.keep(&[Evidence::Ocsp(vec![5, 0])]);
        }
    }
    in_a_letter(data);
}

/// Seeds: a signed letter, and one with values.
pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let Some(file) = signed(LETTER.as_bytes(), XmlForm::Exclusive) else { return Vec::new() };
    let (_, certificate) = office();
    let kept = file.clone().keep(&[Evidence::Certificate(certificate.der().to_vec())]);
    let kept = kept.map(XadesFile::into_bytes).ok();
    [Some(file.into_bytes()), kept].into_iter().flatten().collect()
}

fn in_a_letter(data: &[u8]) {
    static SIGNED: OnceLock<(Vec<u8>, Vec<u8>)> = OnceLock::new();
    let (letter, honest) = SIGNED.get_or_init(|| {
        let file = signed(LETTER.as_bytes(), XmlForm::Exclusive).expect("the letter can be signed");
        let honest = content(file.bytes()).expect("it has a canonical form");
        (file.into_bytes(), honest)
    });
    let at = letter.windows(2).position(|two| two == b"SO").expect("the text");
    let changed = [&letter[..at], data, &letter[at + 2..]].concat();
    let Some(report) = judged(changed.clone()) else { return };
    if !report.signatures.is_empty() && report.signatures.iter().all(holds) {
        assert_eq!(content(&changed).as_ref(), Some(honest), "it holds, and says something else");
    }
}

/// The document without its first signature.
fn content(bytes: &[u8]) -> Option<Vec<u8>> {
    let limits = XmlLimits::default();
    let document = Document::parse(bytes, &limits).ok()?;
    let own = document.elements().find(|element| element.is(signature::NAMESPACE, "Signature"))?;
    let form = Canonicalization { comments: true, ..Canonicalization::fallback() };
    document.canonicalize(Subset::WHOLE.without(own), &form, &limits).ok()
}

/// Everything but trust.
fn holds(signature: &SignatureReport) -> bool {
    let unsound = |key: &str| key.starts_with("format.") || key.starts_with("document.");
    signature.digest_matches
        && signature.signature_matches
        && signature.coverage == CoverageLevel::Document
        && !signature.errors.iter().any(|error| unsound(&error.key))
}

fn judged(bytes: Vec<u8>) -> Option<DocumentReport> {
    let beside = [Detached { name: "a.txt".to_owned(), source: Arc::new(MemorySource(b"A".to_vec())) }];
    let beside = if bytes.ends_with(b"\n") { &beside[..] } else { &[] };
    let source = Arc::new(MemorySource(bytes));
    let inspection = Inspection::open_any(source, beside, &Limits::default()).ok()?;
    Some(inspection.judge("fuzz", &Policy::strict(), &nobody(), moment()))
}

fn signed(data: &[u8], form: XmlForm) -> Option<XadesFile> {
    let (key, certificate) = office();
    let request = XadesRequest {
        signer: certificate.clone(),
        chain: Vec::new(),
        scheme: key.scheme(),
        form,
        location: Some("C\u{1EA7}n Th\u{1A1}".to_owned()),
        statements: kyso::cms::Statements::default(),
        seed: [7; 16],
        any_usage: false,
    };
    // A line end behind it would be taken for a file beside it.
    let prepared = prepare_enveloped(data.trim_ascii_end().to_vec(), request, moment()).ok()?;
    let value = key.sign_as(prepared.scheme(), prepared.to_be_signed()).expect("a key in memory signs");
    Some(prepared.finish(&value).expect("the value fits"))
}

fn office() -> &'static (SigningKey, Certificate) {
    static OFFICE: OnceLock<(SigningKey, Certificate)> = OnceLock::new();
    OFFICE.get_or_init(|| {
        let pki = DemoPki::new(Clock::Fixed(moment()), Chance::system()).expect("a demo PKI can be made");
        let key = SigningKey::generate(KeyAlgorithm::EcP256).expect("a key can be made");
        let certificate = pki.issue_person(key.spki_der(), &Holder::new("fuzz")).expect("a certificate");
        (key, certificate)
    })
}
