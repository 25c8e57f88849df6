//! XML signatures: those that xmlsec makes verify; changed ones and wrapped ones do not.

use std::{fs, path::PathBuf, process::Command};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use kyso::{
    crypto,
    demo::pki::{KeyAlgorithm, SigningKey},
    x509::{Certificate, algorithm::SignatureScheme, certificates_from_pem},
    xml::{
        Canonicalization, Document, Element, Signature, SignatureError, Subset, XmlLimits,
        signature::NAMESPACE,
    },
};

use proptest::{
    prelude::*,
    test_runner::{Config, TestCaseError, TestRunner},
};

use super::canonical::Author;
use crate::support::{run, tool};

/// Whether an error is the expected one.
type Told = fn(&SignatureError) -> bool;

const C14N10: &str = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315";
const C14N11: &str = "http://www.w3.org/2006/12/xml-c14n11";
const EXCLUSIVE: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";
const ENVELOPED: &str = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";
const SHA256: &str = "http://www.w3.org/2001/04/xmlenc#sha256";
const RSA_SHA256: &str = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";

/// A folder with a key of OpenSSL's and its certificate.
struct Desk {
    xmlsec: PathBuf,
    folder: tempfile::TempDir,
    certificate: Certificate,
}

impl Desk {
    fn new(key: &[&str]) -> Option<Self> {
        let (xmlsec, openssl) = (tool("xmlsec1")?, tool("openssl")?);
        let folder = tempfile::tempdir().unwrap();
        run(Command::new(openssl)
            .args(["req", "-x509", "-nodes", "-days", "2", "-subj", "/CN=xmlsec", "-newkey"])
            .args(key)
            .args(["-keyout", "key.pem", "-out", "cert.pem"])
            .current_dir(folder.path()));
        let pem = fs::read(folder.path().join("cert.pem")).unwrap();
        let certificate = certificates_from_pem(&pem).unwrap().remove(0);
        Some(Self { xmlsec, folder, certificate })
    }

    /// Fills in the template's signature; also what xmlsec hashed for each reference.
    fn sign(&self, template: &str) -> (String, Vec<String>) {
        let [input, output] = ["template.xml", "signed.xml"].map(|name| self.folder.path().join(name));
        fs::write(&input, template).unwrap();
        let names = ["part", "r", "s", "tên"].map(|name| ["--id-attr:Id", name]);
        let told = run(Command::new(&self.xmlsec)
            .args(["sign", "--privkey-pem", "key.pem,cert.pem", "--store-references"])
            .args(names.as_flattened())
            .arg("--output")
            .args([&output, &input])
            .current_dir(self.folder.path()));
        let told = String::from_utf8(told.stdout).unwrap();
        let hashed = told
            .split("== PreDigest data - start buffer:\n")
            .skip(1)
            .filter_map(|rest| rest.split_once("\n== PreDigest data - end buffer"))
            .map(|(hashed, _)| hashed.to_owned())
            .collect();
        (fs::read_to_string(&output).unwrap(), hashed)
    }

    fn verify(&self, signed: &str) -> Result<Vec<Vec<u8>>, SignatureError> {
        verify(signed, self.certificate.spki_der())
    }
}

fn verify(signed: &str, spki: &[u8]) -> Result<Vec<Vec<u8>>, SignatureError> {
    let limits = XmlLimits::default();
    let document = Document::parse(signed.as_bytes(), &limits)?;
    let element = document.elements().find(|element| element.is(NAMESPACE, "Signature")).unwrap();
    let signed = Signature::read(element)?.verify(spki, crypto::verify, &limits)?;
    Ok(signed.parts().iter().map(|part| part.bytes.clone()).collect())
}

fn transform(uri: &str) -> String {
    format!("<Transform Algorithm=\"{uri}\"/>")
}

fn reference(uri: &str, transforms: &str, digest: &str) -> String {
    format!(
        "<Reference URI=\"{uri}\"><Transforms>{transforms}</Transforms><DigestMethod Algorithm=\"{digest}\"/>\
         <DigestValue/></Reference>"
    )
}

fn signature(form: &str, method: &str, references: &str) -> String {
    format!(
        "<Signature xmlns=\"{NAMESPACE}\"><SignedInfo>\n<CanonicalizationMethod Algorithm=\"{form}\"/>\
         <SignatureMethod Algorithm=\"{method}\"/>{references}</SignedInfo><SignatureValue/>\
         <KeyInfo><X509Data><X509Certificate/></X509Data></KeyInfo></Signature>"
    )
}

const BODY: &str = "<!-- kept or not --><p:part xmlns:p=\"urn:p\" xmlns:z=\"urn:z\" Id=\"one\" xml:base=\"../b/\" \
                    z:k=\"&lt;&#13;\">Quyết định&#13;\r\n<?i j?><!-- inside --><q xmlns=\"\"><![CDATA[<&>]]></q>\
                    <a:s xmlns:a=\"urn:a2\"/></p:part>";

fn letter(signature: &str) -> String {
    format!(
        "<?xml version=\"1.0\"?>\n<?beside root?><r xmlns=\"urn:r\" xmlns:a=\"urn:a\" xml:lang=\"vi\" \
         xml:base=\"http://x/a/y\" xml:id=\"i\"><m xml:space=\"default\">{BODY}</m>{signature}</r>\n<!-- end -->"
    )
}

/// Every form, on the whole document and on one element: what xmlsec hashed is what we hash.
#[test]
fn what_xmlsec_signs_verifies() {
    let Some(desk) = Desk::new(&["rsa:2048"]) else { return };
    let listed = format!(
        "<Transform Algorithm=\"{EXCLUSIVE}\"><InclusiveNamespaces xmlns=\"{EXCLUSIVE}\" \
         PrefixList=\"a #default none\"/></Transform>"
    );
    let mut forms: Vec<String> = [C14N10, C14N11, EXCLUSIVE].iter().map(|form| transform(form)).collect();
    for form in [C14N10, C14N11] {
        forms.push(transform(&format!("{form}#WithComments")));
    }
    forms.extend([transform(&format!("{EXCLUSIVE}WithComments")), listed, String::new()]);
    let mut checked = 0;
    for form in [C14N10, C14N11, EXCLUSIVE] {
        for transforms in &forms {
            let whole = reference("", &(transform(ENVELOPED) + transforms), SHA256);
            let part = reference("#one", transforms, SHA256);
            let (signed, hashed) = desk.sign(&letter(&signature(form, RSA_SHA256, &(whole + &part))));
            let parts =
                desk.verify(&signed).unwrap_or_else(|error| panic!("{error:?}\n{signed}\n{hashed:#?}"));
            assert_eq!((parts.len(), hashed.len()), (2, 2));
            for (mine, theirs) in parts.iter().zip(&hashed) {
                assert_eq!(std::str::from_utf8(mine).unwrap(), theirs, "{transforms}");
                checked += 1;
            }
        }
    }
    eprintln!("{checked} canonical forms equal those of xmlsec");
}

/// The same on elements of generated documents, whose ancestors are left out.
#[test]
fn parts_of_generated_documents_come_out_as_from_xmlsec() {
    let Some(desk) = Desk::new(&["rsa:2048"]) else { return };
    let listed = format!(
        "<Transform Algorithm=\"{EXCLUSIVE}\"><InclusiveNamespaces xmlns=\"{EXCLUSIVE}\" PrefixList=\"b #default\"/>\
         </Transform>"
    );
    let transforms = [transform(C14N10), transform(C14N11), transform(EXCLUSIVE), listed];
    let references: String =
        transforms.iter().map(|transform| reference("#one", transform, SHA256)).collect();
    let config =
        Config { cases: Config::default().cases / 4, failure_persistence: None, ..Config::default() };
    let cases = config.cases;
    let seeds = prop::collection::vec(any::<u8>(), 0..120);
    TestRunner::new(config)
        .run(&seeds, |seeds| {
            let part = Author::new(&seeds).part(&[("", "urn:3"), ("a", "urn:1"), ("b", "urn:2")]);
            let text = format!(
                "<w xmlns:a=\"urn:1\" xml:base=\"http://h/a/b/\" xml:lang=\"vi\" xmlns:b=\"urn:9\"><v xmlns=\"urn:3\" \
                 xml:base=\"../c/d\" xml:space=\"preserve\" xmlns:b=\"urn:2\">{part}</v>{}</w>",
                signature(EXCLUSIVE, RSA_SHA256, &references)
            );
            let (signed, hashed) = desk.sign(&text);
            let parts = desk.verify(&signed).map_err(|error| {
                TestCaseError::fail(format!("{error:?}\n{signed}\n{hashed:#?}"))
            })?;
            prop_assert_eq!(parts.len(), hashed.len());
            for (mine, theirs) in parts.iter().zip(&hashed) {
                prop_assert_eq!(std::str::from_utf8(mine).unwrap(), theirs);
            }
            Ok(())
        })
        .unwrap_or_else(|error| panic!("{error}"));
    eprintln!("{cases} generated parts, four forms each");
}

#[test]
fn every_algorithm_of_xmlsec_verifies() {
    let more = "http://www.w3.org/2001/04/xmldsig-more#";
    let sha =
        [SHA256.to_owned(), format!("{more}sha384"), "http://www.w3.org/2001/04/xmlenc#sha512".to_owned()];
    let keys: [(&[&str], &str); 4] = [
        (&["rsa:3072"], "rsa"),
        (&["ec", "-pkeyopt", "ec_paramgen_curve:P-256"], "ecdsa"),
        (&["ec", "-pkeyopt", "ec_paramgen_curve:P-384"], "ecdsa"),
        (&["ec", "-pkeyopt", "ec_paramgen_curve:P-521"], "ecdsa"),
    ];
    for (key, family) in keys {
        let Some(desk) = Desk::new(key) else { return };
        for (digest, bits) in sha.iter().zip(["sha256", "sha384", "sha512"]) {
            let method = format!("{more}{family}-{bits}");
            let reference = reference("", &transform(ENVELOPED), digest);
            let (signed, _) = desk.sign(&letter(&signature(EXCLUSIVE, &method, &reference)));
            desk.verify(&signed).unwrap_or_else(|error| panic!("{method}: {error:?}"));
            let limits = XmlLimits::default();
            let document = Document::parse(signed.as_bytes(), &limits).unwrap();
            let element = document.elements().find(|element| element.is(NAMESPACE, "Signature")).unwrap();
            let read = Signature::read(element).unwrap();
            assert_eq!(read.certificates(), std::slice::from_ref(&desk.certificate));
            let other = SigningKey::generate(KeyAlgorithm::EcP256).unwrap();
            assert!(read.verify(other.spki_der(), crypto::verify, &limits).is_err());
        }
    }
}

/// One octet changed anywhere that is signed, and in the signature itself.
#[test]
fn a_changed_document_does_not_verify() {
    let Some(desk) = Desk::new(&["rsa:2048"]) else { return };
    let reference = reference("", &(transform(ENVELOPED) + &transform(EXCLUSIVE)), SHA256);
    let (signed, _) = desk.sign(&letter(&signature(C14N10, RSA_SHA256, &reference)));
    desk.verify(&signed).unwrap();
    let key_info = signed.find("<KeyInfo>").unwrap()..signed.find("</KeyInfo>").unwrap() + "</KeyInfo>".len();
    let (mut refused, mut same) = (0, 0);
    for (at, _) in signed.char_indices().filter(|(at, _)| !key_info.contains(at)) {
        for to in ['A', ' '] {
            let mut changed = signed.clone();
            let end = at + signed[at..].chars().next().unwrap().len_utf8();
            changed.replace_range(at..end, to.encode_utf8(&mut [0; 4]));
            let limits = XmlLimits::default();
            let Ok(document) = Document::parse(changed.as_bytes(), &limits) else {
                refused += 1;
                continue;
            };
            if document.elements().all(|element| !element.is(NAMESPACE, "Signature")) {
                refused += 1;
                continue;
            }
            match desk.verify(&changed) {
                Err(_) => refused += 1,
                // White space for white space in a tag, a comment, the prolog: the canonical octets are the same.
                Ok(parts) => {
                    same += 1;
                    assert_eq!(parts, desk.verify(&signed).unwrap(), "{changed}");
                }
            }
        }
    }
    assert!(refused > 20 * same, "{refused} refused, {same} the same");
    eprintln!("{refused} changes refused, {same} that change no signed octet");
}

/// A signer of our own, for what xmlsec would not write: `parts` are what the references lead to, in their order.
fn sign_ourselves(document: &str, key: &SigningKey) -> String {
    let limits = XmlLimits::default();
    let mut text = document.to_owned();
    // Digests first, innermost text last: each `{digest:ID}` is the digest of the element with this identifier, or of
    // the document without its signature.
    while let Some(at) = text.find("{digest:") {
        let end = at + text[at..].find('}').unwrap();
        let id = text[at + "{digest:".len()..end].to_owned();
        let parsed = Document::parse(text.as_bytes(), &limits).unwrap();
        let signature = parsed.elements().find(|element| element.is(NAMESPACE, "Signature")).unwrap();
        let subset =
            if id.is_empty() { Subset::WHOLE } else { Subset::of(parsed.identified(&id).next().unwrap()) };
        let form = Canonicalization::by_uri(EXCLUSIVE).unwrap();
        let bytes = parsed.canonicalize(subset.without(signature), &form, &limits).unwrap();
        let digest = STANDARD.encode(kyso::base::Sha256::of(&bytes).0);
        text.replace_range(at..=end, &digest);
    }
    let parsed = Document::parse(text.as_bytes(), &limits).unwrap();
    let signed_info: Vec<Element<'_>> =
        parsed.elements().filter(|element| element.is(NAMESPACE, "SignedInfo")).collect();
    let form = Canonicalization::by_uri(EXCLUSIVE).unwrap();
    let bytes = parsed.canonicalize(Subset::of(signed_info[0]), &form, &limits).unwrap();
    let value = key.sign_as(scheme(&text, key), &bytes).unwrap();
    text.replace("{value}", &STANDARD.encode(value))
}

fn scheme(text: &str, key: &SigningKey) -> SignatureScheme {
    use kyso::base::DigestAlgorithm::Sha256;
    if text.contains("rsa-MGF1") || text.contains("#rsa-pss") {
        SignatureScheme::RsaPss { digest: Sha256, salt_len: 32 }
    } else {
        key.scheme()
    }
}

fn own_signature(method: &str, references: &str) -> String {
    format!(
        "<Signature xmlns=\"{NAMESPACE}\"><SignedInfo><CanonicalizationMethod Algorithm=\"{EXCLUSIVE}\"/>\
         <SignatureMethod Algorithm=\"{method}\"/>{references}</SignedInfo><SignatureValue>{{value}}</SignatureValue>\
         </Signature>"
    )
}

fn own_reference(uri: &str, transforms: &str) -> String {
    let id = uri.trim_start_matches('#');
    reference(uri, transforms, SHA256)
        .replace("<DigestValue/>", &format!("<DigestValue>{{digest:{id}}}</DigestValue>"))
}

#[test]
fn pss_signatures_verify_with_and_without_parameters() {
    let key = SigningKey::generate(KeyAlgorithm::Rsa2048).unwrap();
    let enveloped = own_reference("", &(transform(ENVELOPED) + &transform(EXCLUSIVE)));
    let pss = "http://www.w3.org/2007/05/xmldsig-more#rsa-pss";
    let parameters = |inside: &str| {
        own_signature(pss, &enveloped).replace(
            "#rsa-pss\"/>",
            &format!(
                "#rsa-pss\"><p:RSAPSSParams xmlns:p=\"http://www.w3.org/2007/05/xmldsig-more#\">{inside}\
                 </p:RSAPSSParams></SignatureMethod>"
            ),
        )
    };
    let mask = |digest: &str| {
        format!(
            "<p:MaskGenerationFunction Algorithm=\"http://www.w3.org/2007/05/xmldsig-more#MGF1\">\
             <DigestMethod Algorithm=\"{digest}\"/></p:MaskGenerationFunction>"
        )
    };
    let sha256 = format!("<DigestMethod Algorithm=\"{SHA256}\"/>");
    for signature in [
        own_signature("http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1", &enveloped),
        own_signature(pss, &enveloped),
        parameters(""),
        parameters(&format!(
            "{sha256}{}<p:SaltLength>32</p:SaltLength><p:TrailerField>1</p:TrailerField>",
            mask(SHA256)
        )),
    ] {
        let signed = sign_ourselves(&format!("<r>{signature}</r>"), &key);
        verify(&signed, key.spki_der()).unwrap_or_else(|error| panic!("{error:?}: {signed}"));
    }
    for inside in [
        "<p:SaltLength>31</p:SaltLength>".to_owned(),
        "<p:SaltLength>-1</p:SaltLength>".to_owned(),
        "<p:TrailerField>2</p:TrailerField>".to_owned(),
        mask("http://www.w3.org/2001/04/xmlenc#sha512"),
        "<p:Other/>".to_owned(),
    ] {
        let signed = sign_ourselves(&format!("<r>{}</r>", parameters(&inside)), &key);
        assert!(verify(&signed, key.spki_der()).is_err(), "{inside}");
    }
}

/// Real signature values over structures that must not count, by the name of the error each one gets.
#[test]
fn what_is_outside_of_the_profile_is_refused() {
    let key = SigningKey::generate(KeyAlgorithm::EcP256).unwrap();
    let ecdsa = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256";
    let good = own_signature(ecdsa, &own_reference("", &(transform(ENVELOPED) + &transform(EXCLUSIVE))));
    let sign = |signature: &str| {
        let text = sign_ourselves(&format!("<r>{signature}</r>"), &key);
        // What the key makes is DER; XML has the two numbers side by side.
        raw_ecdsa(&text)
    };
    verify(&sign(&good), key.spki_der()).unwrap();
    let value = "<SignatureValue>{value}</SignatureValue>";
    let digest = "<DigestValue>{digest:}</DigestValue>";
    let malformed: Told = |error| matches!(error, SignatureError::Malformed { .. });
    let transform_refused: Told = |error| matches!(error, SignatureError::Transform { .. });
    let external: Told = |error| matches!(error, SignatureError::External { .. });
    let weak: Told = |error| matches!(error, SignatureError::Weak { .. });
    let algorithm: Told = |error| matches!(error, SignatureError::Algorithm { .. });
    let xpath = "<Transform Algorithm=\"http://www.w3.org/TR/1999/REC-xpath-19991116\"><XPath>not(self::x)</XPath>\
                 </Transform>";
    let cases: Vec<(&str, String, Told)> = vec![
        ("xpath", good.replace(&transform(ENVELOPED), xpath), transform_refused),
        (
            "xslt",
            good.replace(EXCLUSIVE, "http://www.w3.org/TR/1999/REC-xslt-19991116").replacen(
                "http://www.w3.org/TR/1999/REC-xslt-19991116",
                EXCLUSIVE,
                1,
            ),
            transform_refused,
        ),
        ("base64", good.replace(ENVELOPED, "http://www.w3.org/2000/09/xmldsig#base64"), transform_refused),
        (
            "enveloped twice",
            good.replace(&transform(ENVELOPED), &transform(ENVELOPED).repeat(2)),
            transform_refused,
        ),
        (
            "enveloped last",
            own_signature(ecdsa, &own_reference("", &(transform(EXCLUSIVE) + &transform(ENVELOPED)))),
            transform_refused,
        ),
        ("two forms", good.replace(&transform(ENVELOPED), &transform(EXCLUSIVE)), transform_refused),
        ("file", good.replace("URI=\"\"", "URI=\"file:///etc/passwd\""), external),
        ("http", good.replace("URI=\"\"", "URI=\"http://example.vn/\""), external),
        ("xpointer", good.replace("URI=\"\"", "URI=\"#xpointer(/)\""), external),
        ("empty fragment", good.replace("URI=\"\"", "URI=\"#\""), external),
        ("no URI", good.replace(" URI=\"\"", ""), external),
        ("no such id", good.replace("URI=\"\"", "URI=\"#nobody\""), |error| {
            matches!(error, SignatureError::UnknownId { .. })
        }),
        ("sha-1 digest", good.replace(SHA256, "http://www.w3.org/2000/09/xmldsig#sha1"), weak),
        ("rsa-sha1", good.replace(ecdsa, "http://www.w3.org/2000/09/xmldsig#rsa-sha1"), weak),
        ("hmac", good.replace(ecdsa, "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256"), algorithm),
        ("unknown form", good.replacen(EXCLUSIVE, "urn:x", 1), algorithm),
        ("no references", own_signature(ecdsa, ""), malformed),
        (
            "many references",
            own_signature(
                ecdsa,
                &own_reference("", &(transform(ENVELOPED) + &transform(EXCLUSIVE))).repeat(65),
            ),
            malformed,
        ),
        ("two values", good.replace(value, &value.repeat(2)), malformed),
        ("no value", good.replace(value, ""), malformed),
        ("two digests", good.replace(digest, &digest.repeat(2)), malformed),
        ("comment in the digest", good.replace("{digest:}", "{digest:}<!-- x -->"), malformed),
        ("short digest", good.replace("{digest:}", "AAAA"), malformed),
        ("text in between", good.replace("<SignedInfo>", "<SignedInfo>x"), malformed),
        ("instruction in between", good.replace("<SignedInfo>", "<SignedInfo><?x?>"), malformed),
        ("other element", good.replace(value, &format!("{value}<Other/>")), malformed),
        ("rsa for an ecdsa key", good.replace(ecdsa, RSA_SHA256), |error| {
            matches!(error, SignatureError::Value { .. })
        }),
        ("other digest", good.replace("{digest:}", &STANDARD.encode([7; 32])), |error| {
            matches!(error, SignatureError::Digest { .. })
        }),
        ("short value", good.replace(value, "<SignatureValue>AAAA</SignatureValue>"), |error| {
            matches!(error, SignatureError::Key { .. })
        }),
    ];
    for (name, signature, expected) in cases {
        let error = verify(&sign(&signature), key.spki_der()).expect_err(name);
        assert!(expected(&error), "{name}: {error:?}");
    }
}

/// The signed element moved aside and another one put where readers look: by XML signature wrapping.
#[test]
fn wrapped_signatures_cover_what_they_covered() {
    let key = SigningKey::generate(KeyAlgorithm::Rsa2048).unwrap();
    let signature =
        own_signature(RSA_SHA256, &own_reference("#a", &(transform(ENVELOPED) + &transform(EXCLUSIVE))));
    let signed = sign_ourselves(&format!("<list Id=\"a\"><pay to=\"A\"/>{signature}</list>"), &key);
    let covered = verify(&signed, key.spki_der()).unwrap();
    let start = signed.find("<Signature").unwrap();
    let signature = &signed[start..signed.rfind("</list>").unwrap()];
    let honest = "<list Id=\"a\"><pay to=\"A\"/></list>";
    let evil = "<pay to=\"E\"/>";
    let nested = format!("<list Id=\"a\"><pay to=\"A\"/>{signature}</list>");
    let object =
        |inside: &str| signature.replace("</Signature>", &format!("<Object>{inside}</Object></Signature>"));
    let cases = [
        // Two elements of one identifier.
        ("twin before", format!("<x><list Id=\"a\">{evil}</list>{nested}</x>")),
        ("twin after", format!("<x>{nested}<list Id=\"a\">{evil}</list></x>")),
        ("twin by another attribute", format!("<x><list ID=\"a\">{evil}</list>{nested}</x>")),
        ("twin by xml:id", format!("<x><list xml:id=\"a\">{evil}</list>{nested}</x>")),
        ("the same id twice on the way", format!("<list Id=\"a\">{evil}<old>{nested}</old></list>")),
        // The signed element inside of the signature, the signature in another.
        ("in an object", format!("<list Id=\"b\">{evil}{}</list>", object(honest))),
        ("beside", format!("<list Id=\"b\">{evil}{signature}<old>{honest}</old></list>")),
        ("object with the id of the root", format!("<list Id=\"a\">{evil}{}</list>", object(honest))),
        ("the root without its id", format!("<list>{evil}{signature}{honest}</list>")),
    ];
    for (name, wrapped) in cases {
        assert!(verify(&wrapped, key.spki_der()).is_err(), "{name}");
    }
    // Moved whole, it still holds; but what it covers is the old element, not the root.
    let moved = format!("<list Id=\"b\">{evil}<old>{nested}</old></list>");
    let limits = XmlLimits::default();
    let document = Document::parse(moved.as_bytes(), &limits).unwrap();
    let element = document.elements().find(|element| element.is(NAMESPACE, "Signature")).unwrap();
    let proven = Signature::read(element).unwrap().verify(key.spki_der(), crypto::verify, &limits).unwrap();
    assert!(proven.root().is_none());
    assert_eq!(proven.parts()[0].bytes, covered[0]);
    assert_eq!(proven.parts()[0].element.attribute("Id"), Some("a"));
}

/// `Ecdsa-Sig-Value` inside of `SignatureValue` turned into r and s side by side.
pub(crate) fn raw_ecdsa(text: &str) -> String {
    let Some(start) = text.find("<SignatureValue>") else { return text.to_owned() };
    let start = start + "<SignatureValue>".len();
    let Some(end) = text[start..].find('<').map(|length| start + length) else { return text.to_owned() };
    let Ok(der) = STANDARD.decode(&text[start..end]) else { return text.to_owned() };
    let Ok(outer) = kyso::asn1::Reader::only(&der) else { return text.to_owned() };
    let mut numbers = outer.reader();
    let mut raw = Vec::new();
    for _ in 0..2 {
        let number = numbers.any().unwrap().value;
        let number = &number[number.len().saturating_sub(32)..];
        raw.extend(std::iter::repeat_n(0, 32 - number.len()));
        raw.extend_from_slice(number);
    }
    [&text[..start], &STANDARD.encode(raw), &text[end..]].concat()
}
