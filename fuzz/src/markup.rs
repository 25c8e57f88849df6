//! XML: documents, canonical forms, signatures, trusted lists.

use std::{convert::Infallible, sync::OnceLock};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use kyso::{
    base::{Chance, Clock, DigestAlgorithm, Sha256},
    demo::pki::{DemoPki, Holder, KeyAlgorithm, SigningKey},
    trust::{Outdated, TrustedList},
    x509::Certificate,
    xml::{Algorithm, Canonicalization, Document, Signature, Subset, XmlLimits, signature},
};

use crate::formats::moment;

/// A document, and its canonical forms, which are canonical.
pub(crate) fn xml(data: &[u8]) {
    let limits = XmlLimits::default();
    let Ok(document) = Document::parse(data, &limits) else { return };
    for element in document.elements().take(50) {
        let _ = (element.text(), element.attributes(), element.has_only_elements());
        let _ = element.identifiers().count();
    }
    for form in forms() {
        let Ok(first) = document.canonicalize(Subset::WHOLE, &form, &limits) else { continue };
        let again = Document::parse(&first, &limits);
        let again = again.unwrap_or_else(|error| panic!("{form:?} is not a document: {error}"));
        assert_eq!(again.canonicalize(Subset::WHOLE, &form, &limits).as_ref(), Ok(&first), "{form:?}");
        if let Some(element) = document.root().elements().next() {
            let _ = document.canonicalize(Subset::of(element), &form, &limits);
            let _ = document.canonicalize(Subset::WHOLE.without(element), &form, &limits);
        }
    }
}

fn forms() -> [Canonicalization; 4] {
    let exclusive = Algorithm::Exclusive { inclusive: vec!["a".into()] };
    [
        Canonicalization { algorithm: Algorithm::Version10, comments: false },
        Canonicalization { algorithm: Algorithm::Version10, comments: true },
        Canonicalization { algorithm: Algorithm::Version11, comments: false },
        Canonicalization { algorithm: exclusive, comments: false },
    ]
}

/// Every signature of a document, whose value holds as if by magic.
pub(crate) fn xml_signature(data: &[u8]) {
    let limits = XmlLimits::default();
    let Ok(document) = Document::parse(data, &limits) else { return };
    for element in document.elements().filter(|element| element.is(signature::NAMESPACE, "Signature")).take(4)
    {
        let Ok(signature) = Signature::read(element) else { continue };
        let spki = signature.certificates().first().map(Certificate::spki_der).unwrap_or_default();
        let verified = signature.verify(spki, |_, _, _, _| Ok::<(), Infallible>(()), &limits);
        if let Ok(signed) = verified {
            assert_eq!(signed.parts().len(), signature.references().len());
            let _ = signed.root();
        }
    }
}

/// A document that is signed as a trusted list has to be before it is read as one.
pub(crate) fn trusted_list(data: &[u8]) {
    static OPERATOR: OnceLock<(SigningKey, Certificate)> = OnceLock::new();
    let (key, certificate) = OPERATOR.get_or_init(|| {
        let pki = DemoPki::new(Clock::Fixed(moment()), Chance::system()).expect("a demo PKI can be made");
        let key = SigningKey::generate(KeyAlgorithm::EcP256).expect("a key can be made");
        let certificate = pki.issue_agency(key.spki_der(), &Holder::new("operator")).expect("a certificate");
        (key, certificate)
    });
    let operators = std::slice::from_ref(certificate);
    let limits = XmlLimits::default();
    let _ = TrustedList::verify(data, operators, &limits);
    let Some(signed) = sign(data, key, &limits) else { return };
    if let Ok(list) = TrustedList::verify(&signed, operators, &limits) {
        let _ = list.anchors("fuzz", moment(), Outdated::Refuse);
        for service in &list.services {
            for state in service.states.iter() {
                let _ = format!("{state:?}");
            }
            let _ = service.granted();
        }
    }
}

/// An enveloped signature over the whole document, by ECDSA P-256, behind the last child of the root element.
fn sign(data: &[u8], key: &SigningKey, limits: &XmlLimits) -> Option<Vec<u8>> {
    let form =
        Canonicalization { algorithm: Algorithm::Exclusive { inclusive: Vec::new() }, comments: false };
    let document = Document::parse(data, limits).ok()?;
    let canonical = document.canonicalize(Subset::of(document.root()), &form, limits).ok()?;
    let digest = STANDARD.encode(Sha256::of(&canonical).0);
    let exclusive = "http://www.w3.org/2001/10/xml-exc-c14n#";
    let dsig = signature::NAMESPACE;
    let more = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256";
    // In exclusive canonical form already.
    let info = format!(
        "<SignedInfo xmlns=\"{dsig}\"><CanonicalizationMethod Algorithm=\"{exclusive}\"></CanonicalizationMethod>\
         <SignatureMethod Algorithm=\"{more}\"></SignatureMethod><Reference URI=\"\"><Transforms>\
         <Transform Algorithm=\"{dsig}enveloped-signature\"></Transform>\
         <Transform Algorithm=\"{exclusive}\"></Transform></Transforms>\
         <DigestMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#sha256\"></DigestMethod>\
         <DigestValue>{digest}</DigestValue></Reference></SignedInfo>"
    );
    let value = raw(&key.sign(info.as_bytes()).ok()?)?;
    let signature = format!(
        "<Signature xmlns=\"{dsig}\">{info}<SignatureValue>{}</SignatureValue></Signature>",
        STANDARD.encode(value)
    );
    let end = canonical.windows(2).rposition(|two| two == b"</")?;
    Some([&canonical[..end], signature.as_bytes(), &canonical[end..]].concat())
}

/// An Ecdsa-Sig-Value of P-256 as two numbers of 32 octets.
fn raw(der: &[u8]) -> Option<Vec<u8>> {
    let mut parts = kyso::asn1::Reader::only(der).ok()?.reader();
    let mut out = Vec::with_capacity(64);
    for _ in 0..2 {
        let number = parts.any().ok()?.value;
        let number = number.strip_prefix(&[0]).unwrap_or(number);
        out.extend(std::iter::repeat_n(0, 32_usize.checked_sub(number.len())?));
        out.extend_from_slice(number);
    }
    Some(out)
}

/// The digest of nothing, so that seeds can name one.
pub(crate) fn empty_digest() -> String {
    STANDARD.encode(DigestAlgorithm::Sha256.digest(b"").bytes)
}
