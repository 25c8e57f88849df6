//! Files that a careless judge would take for signed. None is valid, and each falls for its own reason.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use kyso::{
    demo::pki::{Holder, KeyAlgorithm, SigningKey},
    service::sign::XadesWishes,
    validation::{Indication, Level, Overall},
    xml::signature::NAMESPACE,
};

use super::{
    desk::{Desk, Judged, level, only},
    forge::{
        ECDSA, EXCLUSIVE, Forge, PROPERTIES, SHA256, XADES, digest, reference, to_file, to_properties,
        transform, whole,
    },
    made::LETTER,
};

/// A file, the files given beside it, and the key of the message that is expected first among the errors; or the words
/// of the reason why it cannot be read.
struct Case {
    name: &'static str,
    bytes: Vec<u8>,
    files: Vec<(&'static str, &'static [u8])>,
    falls: &'static str,
}

fn case(name: &'static str, text: impl Into<Vec<u8>>, falls: &'static str) -> Case {
    Case { name, bytes: text.into(), files: Vec::new(), falls }
}

fn with(files: &[(&'static str, &'static [u8])], case: Case) -> Case {
    Case { files: files.to_vec(), ..case }
}

/// What is said of a file: key of the first error, or the reason why there is no verdict.
fn said(judged: &Judged) -> String {
    match judged {
        Err(reason) => reason.clone(),
        Ok(report) if report.overall == Overall::Unsigned => "unsigned".to_owned(),
        Ok(report) => {
            let bad = report.signatures.iter().find(|one| one.indication != Indication::TotalPassed);
            bad.and_then(|bad| bad.reason_against()).map(|reason| reason.key.clone()).unwrap_or_default()
        }
    }
}

fn none_is_valid(desk: &Desk, cases: &[Case]) {
    let mut otherwise = Vec::new();
    for Case { name, bytes, files, falls } in cases {
        let judged = desk.judge(bytes, files);
        if let Ok(report) = &judged {
            let text = String::from_utf8_lossy(bytes);
            assert_ne!(report.overall, Overall::Valid, "{name}\n{text}");
        }
        let said = said(&judged);
        let falls_so = if judged.is_ok() { said == *falls } else { said.contains(falls) };
        if !falls_so {
            otherwise.push(format!("{name}: {said} instead of {falls}"));
        }
    }
    assert!(otherwise.is_empty(), "{otherwise:#?}");
}

/// `text` with the one place of `from` changed.
fn change(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "{from} is not in\n{text}");
    text.replacen(from, to, 1)
}

/// The piece of `text` from the first `from` to the end of the next `to`.
fn piece<'t>(text: &'t str, from: &str, to: &str) -> &'t str {
    let start = text.find(from).unwrap_or_else(|| panic!("{from} is not in\n{text}"));
    let end = start + text[start..].find(to).unwrap_or_else(|| panic!("{to} is not in\n{text}")) + to.len();
    &text[start..end]
}

#[test]
fn changed_files_are_never_valid() {
    let desk = Desk::new(KeyAlgorithm::EcP256);
    let wishes = XadesWishes { location: Some("Cần Thơ".to_owned()), ..XadesWishes::default() };
    let signed = String::from_utf8(desk.enveloped(LETTER, &wishes).unwrap()).unwrap();
    let report = desk.judge(signed.as_bytes(), &[]).unwrap();
    assert_eq!(report.overall, Overall::Valid, "{report:#?}");
    let stamped = String::from_utf8(desk.enveloped(LETTER, &level(Level::T)).unwrap()).unwrap();

    let signature = piece(&signed, "<ds:Signature ", "</ds:Signature>");
    let without = signed.replace(signature, "");
    let properties = piece(&signed, "<ds:Object>", "</ds:Object>");
    let signed_properties = piece(&signed, "<xades:SignedProperties ", "</xades:SignedProperties>");
    let id = signature.split('"').nth(3).unwrap();
    let (first, rest) = signature.split_once("<ds:Reference ").unwrap();
    let first_reference = piece(signature, "<ds:Reference ", "</ds:Reference>");
    let second_reference = piece(&rest[1..], "<ds:Reference ", "</ds:Reference>");
    let digest_value = piece(first_reference, "<ds:DigestValue>", "</ds:DigestValue>");
    let value = piece(signature, "<ds:SignatureValue ", "</ds:SignatureValue>");
    let key_info = piece(signature, "<ds:KeyInfo>", "</ds:KeyInfo>");
    let other = SigningKey::generate(KeyAlgorithm::EcP256).unwrap();
    let other = desk.services.pki().issue_person(other.spki_der(), &Holder::new("Kẻ Khác")).unwrap();
    let others_certificate =
        format!("<ds:X509Certificate>{}</ds:X509Certificate>", STANDARD.encode(other.der()));
    let own_certificate = piece(key_info, "<ds:X509Certificate>", "</ds:X509Certificate>");
    let time = piece(signed_properties, "<xades:SigningTime>", "</xades:SigningTime>");
    let token = piece(&stamped, "<xades:UnsignedProperties ", "</xades:UnsignedProperties>");
    let reused =
        change(&signed, "</xades:QualifyingProperties>", &format!("{token}</xades:QualifyingProperties>"));
    let point = "<k:ECKeyValue xmlns:k=\"http://www.w3.org/2009/xmldsig11#\"><k:NamedCurve \
                 URI=\"urn:oid:1.2.840.10045.3.1.7\"/><k:PublicKey>BAAA</k:PublicKey></k:ECKeyValue>";
    let in_key_info = |more: &str| change(&signed, "<ds:KeyInfo>", &format!("<ds:KeyInfo>{more}"));

    let cases = [
        case("a letter of the text", change(&signed, "Khen", "Kher"), "digest.mismatch"),
        case("an attribute", change(&signed, "x:nam=\"2026\"", "x:nam=\"2025\""), "digest.mismatch"),
        case("an attribute more", change(&signed, "<so ", "<so y=\"\" "), "digest.mismatch"),
        case("another language", change(&signed, "xml:lang=\"vi\"", "xml:lang=\"en\""), "digest.mismatch"),
        case("white space that is kept", change(&signed, "&amp; bà", "&amp;  bà"), "digest.mismatch"),
        case("a carriage return", change(&signed, "&#13;", ""), "digest.mismatch"),
        case("a decomposed letter", change(&signed, "Ông", "O\u{302}ng"), "digest.mismatch"),
        case("another root", signed.replace("<thu ", "<tho ").replace("</thu>", "</tho>"), "digest.mismatch"),
        case("another namespace", change(&signed, "urn:vn:thu", "urn:vn:tho"), "digest.mismatch"),
        case("an element more", change(&signed, "<so ", "<so>1</so><so "), "digest.mismatch"),
        case("an element less", change(&signed, "<x:ai>Ông Nguyễn Văn An</x:ai>", ""), "digest.mismatch"),
        case("an instruction in the text", change(&signed, "05/QĐ", "05/<?x?>QĐ"), "digest.mismatch"),
        case(
            "a style sheet beside",
            change(&signed, "<thu ", "<?xml-stylesheet href=\"e\"?><thu "),
            "digest.mismatch",
        ),
        case("a comment in the text", change(&signed, "05/QĐ", "05<!-- -->/QĐ"), "format.xml.ambiguous"),
        case(
            "a CDATA section in the text",
            change(&signed, "05/QĐ", "05<![CDATA[/QĐ]]>"),
            "format.xml.ambiguous",
        ),
        case(
            "the signature in another element",
            change(&without, "</noidung>", &format!("{signature}</noidung>")),
            "format.xml.ambiguous",
        ),
        case(
            "the signature in the number",
            change(&without, "05/QĐ", &format!("05{signature}/QĐ")),
            "format.xml.ambiguous",
        ),
        case(
            "all of it wrapped",
            format!(
                "<thu xmlns=\"urn:vn:thu\"><so>9</so>{}</thu>",
                signed.replace("<?xml version=\"1.0\" encoding=\"UTF-8\"?>", "")
            ),
            "format.xml.ambiguous",
        ),
        case(
            "all of it in an object",
            change(
                &without,
                "</thu>",
                &format!(
                    "{}</thu>",
                    change(signature, "</ds:Signature>", "<ds:Object><so>9</so></ds:Object></ds:Signature>")
                ),
            ),
            "format.xml.coverage",
        ),
        case(
            "the time of signing",
            change(&signed, time, "<xades:SigningTime>2020-01-01T00:00:00Z</xades:SigningTime>"),
            "digest.mismatch",
        ),
        case("the place of signing", change(&signed, "Cần Thơ", "Cần Thọ"), "digest.mismatch"),
        case(
            "a policy",
            change(
                &signed,
                "</xades:SigningCertificateV2>",
                "</xades:SigningCertificateV2><xades:SignaturePolicyIdentifier><xades:SignaturePolicyImplied/></xades:SignaturePolicyIdentifier>",
            ),
            "digest.mismatch",
        ),
        case("no signed properties", change(&signed, signed_properties, ""), "format.xml"),
        case(
            "signed properties elsewhere",
            change(
                &change(&signed, signed_properties, ""),
                "<so ",
                &format!(
                    "{}<so ",
                    signed_properties.replace(
                        "<xades:SignedProperties ",
                        &format!("<xades:SignedProperties xmlns:xades=\"{XADES}\" xmlns:ds=\"{NAMESPACE}\" ")
                    )
                ),
            ),
            "format.xml",
        ),
        case(
            "signed properties twice",
            change(&signed, signed_properties, &signed_properties.repeat(2)),
            "format.xml.ambiguous",
        ),
        case(
            "other signed properties beside",
            change(
                &signed,
                signed_properties,
                &format!("{}{signed_properties}", signed_properties.replace("-properties", "-other")),
            ),
            "format.xml",
        ),
        case(
            "qualifying properties twice",
            change(
                &signed,
                properties,
                &format!("{properties}{}", properties.replace("-properties", "-other")),
            ),
            "format.xml",
        ),
        case(
            "properties of another signature",
            change(&signed, &format!("Target=\"#{id}\""), "Target=\"#other\""),
            "format.xml",
        ),
        case("properties of nobody", change(&signed, &format!("Target=\"#{id}\""), ""), "format.xml"),
        case(
            "properties that lie elsewhere",
            change(
                &signed,
                properties,
                "<ds:Object><xades:QualifyingPropertiesReference xmlns:xades=\"http://uri.etsi.org/01903/v1.3.2#\" URI=\"http://example.vn/\"/></ds:Object>",
            ),
            "format.xml",
        ),
        case(
            "something beside the properties",
            change(&signed, "</xades:QualifyingProperties>", "</xades:QualifyingProperties><so>9</so>"),
            "format.xml",
        ),
        case(
            "an object more",
            change(&signed, properties, &format!("{properties}<ds:Object>9</ds:Object>")),
            "format.xml.coverage",
        ),
        case(
            "another's certificate",
            change(&signed, own_certificate, &others_certificate),
            "signing-certificate.not-found",
        ),
        case(
            "another's key value",
            in_key_info(&format!("<ds:KeyValue>{point}</ds:KeyValue>")),
            "format.xml",
        ),
        case(
            "another's serial number",
            change(
                &signed,
                "<ds:X509Data>",
                "<ds:X509Data><ds:X509IssuerSerial><ds:X509IssuerName>CN=x</ds:X509IssuerName><ds:X509SerialNumber>7</ds:X509SerialNumber></ds:X509IssuerSerial>",
            ),
            "format.xml",
        ),
        case(
            "another's key identifier",
            change(&signed, "<ds:X509Data>", "<ds:X509Data><ds:X509SKI>AAAA</ds:X509SKI>"),
            "format.xml",
        ),
        case(
            "a key that lies elsewhere",
            in_key_info("<ds:RetrievalMethod URI=\"http://example.vn/\"/>"),
            "format.xml",
        ),
        case("no certificate", change(&signed, key_info, ""), "signing-certificate.not-found"),
        case(
            "another value",
            change(
                &signed,
                value,
                &value.replace(
                    value.split('>').nth(1).unwrap(),
                    &format!("{}</ds:SignatureValue", STANDARD.encode([7; 64])),
                ),
            ),
            "signature.mismatch",
        ),
        case(
            "a short value",
            change(&signed, value, "<ds:SignatureValue>AAAA</ds:SignatureValue>"),
            "signature.mismatch",
        ),
        case(
            "a comment in the value",
            change(&signed, "</ds:SignatureValue>", "<!-- --></ds:SignatureValue>"),
            "format.xml.ambiguous",
        ),
        case(
            "another digest",
            change(&signed, digest_value, &format!("<ds:DigestValue>{}</ds:DigestValue>", digest(b"9"))),
            "digest.mismatch",
        ),
        case("no digest", change(&signed, digest_value, ""), "format.xml"),
        case(
            "no digest method",
            change(&signed, piece(first_reference, "<ds:DigestMethod", "/>"), ""),
            "format.xml",
        ),
        case(
            "a comment in the digest",
            change(&signed, digest_value, &digest_value.replace("=<", "=<!-- --><")),
            "format.xml.ambiguous",
        ),
        case("a reference less", change(&signed, first_reference, ""), "format.xml"),
        case("properties not referred to", change(&signed, second_reference, ""), "format.xml"),
        case("a reference twice", change(&signed, first_reference, &first_reference.repeat(2)), "format.xml"),
        case(
            "another method",
            change(&signed, ECDSA, "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"),
            "algorithm.unsupported",
        ),
        case(
            "a keyed hash",
            change(&signed, ECDSA, "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256"),
            "algorithm.unsupported",
        ),
        case(
            "another canonical form",
            change(
                &signed,
                &format!("<ds:CanonicalizationMethod Algorithm=\"{EXCLUSIVE}\"/>"),
                "<ds:CanonicalizationMethod Algorithm=\"urn:x\"/>",
            ),
            "algorithm.unsupported",
        ),
        case(
            "a transform that selects",
            change(
                &signed,
                "<ds:Transforms>",
                "<ds:Transforms><ds:Transform Algorithm=\"http://www.w3.org/2002/06/xmldsig-filter2\"/>",
            ),
            "format.xml.transform",
        ),
        case("the signature twice", change(&signed, signature, &signature.repeat(2)), "format.xml.ambiguous"),
        case(
            "the identifier of the signature twice",
            change(&signed, "<so ", &format!("<so ID=\"{id}\" ")),
            "format.xml.ambiguous",
        ),
        case(
            "the identifier of the properties twice",
            change(&signed, "<so ", &format!("<so xml:id=\"{id}-properties\" ")),
            "format.xml.ambiguous",
        ),
        case("another's time-stamp", reused, "time-stamp.invalid"),
        case(
            "a token that is none",
            change(&stamped, piece(token, "EncapsulatedTimeStamp>", "<"), "EncapsulatedTimeStamp>AAAA<"),
            "time-stamp.invalid",
        ),
        case("a signature no more", signed.replace(NAMESPACE, "urn:dsig"), "unsigned"),
        case("a document type", change(&signed, "<!-- thư -->", "<!DOCTYPE thu>"), "document type"),
        case("an entity", change(&signed, "05/QĐ", "&so;"), "refused"),
        case("another encoding", change(&signed, "encoding=\"UTF-8\"", "encoding=\"ISO-8859-1\""), "UTF-8"),
        case("cut short", &signed.as_bytes()[..signed.len() - 9], "closed"),
        case("something behind", format!("{signed}<so/>"), "root"),
        case("UTF-16", signed.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>(), "file"),
        case("nothing before the value", first.replace("<ds:SignedInfo>", ""), "closed"),
    ];
    eprintln!("{} changed files", cases.len());
    none_is_valid(&desk, &cases);
}

/// Signed by a key that is trusted, in a structure that must not count.
#[test]
fn unsound_structures_are_never_valid() {
    let desk = Desk::new(KeyAlgorithm::EcP256);
    let forge = Forge::new(&desk);
    let good = forge.signature(&whole(), "");
    let letter = |signature: &str| {
        forge.fill(&format!("<thu xml:id=\"r\"><so Id=\"a\">05</so><b Id=\"b\">x</b>{signature}</thu>"))
    };
    let alone = |signature: &str| forge.fill(signature);
    for fine in [
        letter(&good),
        letter(&forge.signature(
            &reference("#r", &transform("http://www.w3.org/2000/09/xmldsig#enveloped-signature")),
            "",
        )),
        letter(&forge.bare(&whole(), "")),
        alone(&forge.signature(&reference("#o", ""), "<Object Id=\"o\"><so>05</so></Object>")),
        alone(&forge.signature(&reference("#a", ""), "<Object><so Id=\"a\">05</so></Object>")),
    ] {
        let report = desk.judge(fine.as_bytes(), &[]).unwrap();
        assert_eq!(report.overall, Overall::Valid, "{report:#?}\n{fine}");
    }
    let detached = alone(&forge.signature(&to_file("a.txt", b"A"), ""));
    let report = desk.judge(detached.as_bytes(), &[("a.txt", b"A")]).unwrap();
    assert_eq!(report.overall, Overall::Valid, "{report:#?}");

    let mut stranger = Forge::new(&desk);
    let other = SigningKey::generate(KeyAlgorithm::EcP256).unwrap();
    stranger.named = desk.services.pki().issue_person(other.spki_der(), &Holder::new("Kẻ Khác")).unwrap();
    let sha1 = |signature: &str| {
        let uri = "http://www.w3.org/2000/09/xmldsig#sha1";
        change(signature, &format!("Algorithm=\"{SHA256}\""), &format!("Algorithm=\"{uri}\"")).replacen(
            "{d:}",
            "qUqP5cyxm6YcTAhz05Hph5gvu9M=",
            1,
        )
    };
    let manifest = format!("<Object><Manifest Id=\"m\">{}</Manifest></Object>", reference("#a", ""));
    let xpath = "<Transform Algorithm=\"http://www.w3.org/TR/1999/REC-xpath-19991116\"><XPath>true()</XPath></Transform>";
    let xslt = transform("http://www.w3.org/TR/1999/REC-xslt-19991116");
    let base64 = transform("http://www.w3.org/2000/09/xmldsig#base64");
    let edxml = |references: &str| {
        forge.fill(&format!(
            "<edXML xmlns=\"http://www.mic.gov.vn/TBT/QCVN_102_2016\"><edXMLEnvelope Id=\"e\"><edXMLHeader>{}\
             </edXMLHeader></edXMLEnvelope><AttachmentEncoded>QQ==</AttachmentEncoded></edXML>",
            forge.signature(references, "")
        ))
    };
    let enveloped = transform("http://www.w3.org/2000/09/xmldsig#enveloped-signature");
    let whole_edxml = edxml(&whole());
    assert_eq!(desk.judge(whole_edxml.as_bytes(), &[]).unwrap().overall, Overall::Valid);
    let file: (&str, &[u8]) = ("a.txt", b"A");
    let copied = forge.properties("s", "p2", "").replace("<Object>", "").replace("</Object>", "");

    let namespaces = "xmlns:i=\"http://www.w3.org/2001/XMLSchema-instance\" xmlns:x=\"urn:1\"";
    let typed = |body: &str| forge.fill(&format!("<thu {namespaces}>{body}{good}</thu>"));
    let own = format!("<thu {namespaces}><b i:type=\"x:t\"/></thu>");
    let own = String::from_utf8(desk.enveloped(&own, &XadesWishes::default()).unwrap()).unwrap();
    assert_eq!(desk.judge(own.as_bytes(), &[]).unwrap().overall, Overall::Valid);
    let meanings =
        [
            case("a prefix in a value", typed("<b i:type=\"x:t\"/>"), "format.xml.namespaces"),
            case("a prefix in a text", typed("<b>x:t</b>"), "format.xml.namespaces"),
            case(
                "a prefix in an object",
                alone(&forge.signature(
                    &reference("#o", ""),
                    "<Object Id=\"o\"><b xmlns:x=\"urn:1\">x:t</b></Object>",
                )),
                "format.xml.namespaces",
            ),
            case(
                "a prefix in a value, declared anew",
                change(&typed("<x:b><c k=\"x:t\"/></x:b>"), "<c ", "<c xmlns:x=\"urn:2\" "),
                "format.xml.namespaces",
            ),
            case(
                "a type without a prefix",
                change(&typed("<x:b i:type=\"t\"/>"), "<x:b ", "<x:b xmlns=\"urn:2\" "),
                "format.xml.namespaces",
            ),
            case(
                "our own, the prefix changed",
                change(&own, "xmlns:x=\"urn:1\"", "xmlns:x=\"urn:2\""),
                "digest.mismatch",
            ),
            case(
                "our own, the prefix declared anew",
                change(&own, "<b ", "<b xmlns:x=\"urn:2\" "),
                "digest.mismatch",
            ),
        ];
    let cases = vec![
        case("one element only", letter(&forge.signature(&reference("#a", ""), "")), "format.xml.coverage"),
        case("every child but not the root", letter(&forge.signature(&(reference("#a", "") + &reference("#b", "")), "")), "format.xml.coverage"),
        case("its properties only", letter(&forge.signature("", "")), "format.xml.coverage"),
        case("the root, with an instruction beside it", format!("<?xml-stylesheet href=\"e\"?>{}", letter(&forge.signature(&reference("#r", &enveloped), ""))), "format.xml.coverage"),
        case("edXMLEnvelope only", edxml(&reference("#e", &enveloped)), "format.xml.coverage"),
        case("the same twice", letter(&forge.signature(&(whole() + &reference("#a", "") + &reference("#a", "")), "")), "format.xml"),
        case("the whole and the root", letter(&forge.signature(&(whole() + &reference("#r", &enveloped)), "")), "format.xml"),
        case("a manifest", letter(&forge.signature(&(whole() + &reference("#m", "")), &manifest)), "format.xml"),
        case("a reference of the type Manifest", letter(&forge.signature(&(whole() + &reference("#a", "").replacen("<Reference", "<Reference Type=\"http://www.w3.org/2000/09/xmldsig#Manifest\"", 1)), "")), "format.xml"),
        case("XPath", letter(&forge.signature(&reference("", &format!("{enveloped}{xpath}")), "")), "format.xml.transform"),
        case("XSLT", letter(&forge.signature(&reference("", &format!("{enveloped}{xslt}")), "")), "format.xml.transform"),
        case("Base64", letter(&forge.signature(&reference("", &format!("{enveloped}{base64}")), "")), "format.xml.transform"),
        case("an XPointer", letter(&forge.signature(&reference("#xpointer(/)", &enveloped), "")), "format.xml"),
        case("an identifier that is none", letter(&forge.signature(&(whole() + &reference("#c", "")), "")).replace("<b ", "<b xmlns:w=\"urn:wsu\" w:Id=\"c\" "), "format.xml"),
        case("an identifier of two", letter(&forge.signature(&(whole() + &reference("#a", "")), "")).replace("<b Id=\"b\"", "<b id=\"a\""), "format.xml.ambiguous"),
        case("properties signed as something else", letter(&forge.signature(&whole(), "")).replace(&format!("Type=\"{PROPERTIES}\" "), ""), "format.xml"),
        case("properties signed as something else, by the signer", letter(&forge.bare(&(whole() + &reference("#p", "")), &forge.properties("s", "p", ""))), "format.xml"),
        case("properties signed twice", letter(&forge.bare(&(whole() + &to_properties("p") + &to_properties("a")), &forge.properties("s", "p", ""))), "format.xml"),
        case("other properties signed", letter(&forge.bare(&(whole() + &to_properties("p2")), &format!("{}<Object>{copied}</Object>", forge.properties("s", "p", "")))), "format.xml"),
        case("properties of the document signed", letter(&forge.bare(&(whole() + &to_properties("a")), "")), "format.xml"),
        case("an object left out", alone(&forge.signature(&reference("#o", ""), "<Object Id=\"o\">05</Object><Object>06</Object>")), "format.xml.coverage"),
        case("text beside what an object holds", alone(&forge.signature(&reference("#a", ""), "<Object>9<so Id=\"a\">05</so></Object>")), "format.xml.coverage"),
        case("an object that says what it is", alone(&forge.signature(&reference("#a", ""), "<Object MimeType=\"text/html\"><so Id=\"a\">05</so></Object>")), "format.xml.coverage"),
        case("an instruction beside an enveloping signature", format!("<?xml-stylesheet href=\"e\"?>{}", alone(&forge.signature(&reference("#o", ""), "<Object Id=\"o\">05</Object>"))), "format.xml.coverage"),
        case("nothing", alone(&forge.signature("", "")), "format.xml.coverage"),
        case("SHA-1", letter(&sha1(&forge.signature(&whole(), ""))), "digest.mismatch"),
        case("a certificate of another", letter(&stranger.signature(&whole(), "")), "signing-certificate.mismatch"),
        case("a named certificate that cannot be read, beside another of the key", letter(&forge.signature(&whole(), "").replace(&digest(forge.named.der()), &digest(b"no certificate")).replace("<X509Data>", &format!("<X509Data><X509Certificate>{}</X509Certificate>", STANDARD.encode(b"no certificate")))), "signing-certificate.not-found"),
        case("a format of nothing", letter(&forge.bare(&(whole() + &to_properties("p")), &forge.properties("s", "p", "<x:SignedDataObjectProperties><x:DataObjectFormat ObjectReference=\"#none\"><x:MimeType>text/xml</x:MimeType></x:DataObjectFormat></x:SignedDataObjectProperties>"))), "format.xml"),
        case("a policy that nobody knows", letter(&forge.signature(&whole(), "").replace("</x:SigningCertificateV2>", "</x:SigningCertificateV2><x:SignaturePolicyIdentifier><x:SignaturePolicyId><x:SigPolicyId><x:Identifier>urn:p</x:Identifier></x:SigPolicyId></x:SignaturePolicyId></x:SignaturePolicyIdentifier>")), "signature-policy.unknown"),
        case("a file that was not given", detached.clone(), "document.apart"),
        case("a file of the network", alone(&forge.signature(&to_file("http://127.0.0.1:9/a.txt", b"A"), "")), "document.apart"),
        case("a file of this machine", alone(&forge.signature(&to_file("file:///etc/passwd", b"A"), "")), "document.apart"),
        case("a part of a file", alone(&forge.signature(&to_file("a.xml#b", b"A"), "")), "format.xml"),
        with(&[("a.txt", b"B")], case("another file", detached.clone(), "digest.mismatch")),
        with(&[file, ("b.txt", b"B")], case("a file more", detached.clone(), "format.xml.coverage")),
        with(&[("b.txt", b"A"), ("c.txt", b"C")], case("files of other names", detached.clone(), "format.xml.coverage")),
        with(&[file, file], case("a file twice", detached.clone(), "format.xml.coverage")),
        with(&[file], case("a file beside an enveloped signature", letter(&good), "format.xml.coverage")),
        with(&[("a.xml", b"<a b='1'/>")], case("a canonical form of a file", alone(&forge.signature(&reference("a.xml", "").replace("{d:a.xml}", &digest(b"<a b=\"1\"></a>")), "")), "format.xml.coverage")),
        with(&[file], case("a file under two spellings", alone(&forge.signature(&(to_file("a.txt", b"A") + &to_file("%61.txt", b"A")), "")), "format.xml")),
        case("a signature in a signature", letter(&good.replace("</Signature>", &format!("<Object>{}</Object></Signature>", good.replace("\"s\"", "\"t\"").replace("{d:}", "AAAA").replace("{d:p}", "AAAA").replace("{v}", "AAAA").replace("\"p\"", "\"q\"")))), "format.xml.coverage"),
    ];
    eprintln!("{} unsound structures", cases.len() + meanings.len());
    none_is_valid(&desk, &meanings);
    none_is_valid(&desk, &cases);
    let opened = desk.judge(letter(&good).as_bytes(), &[]).unwrap();
    assert_eq!(only(&opened).signature_format, "XAdES-BASELINE-B");
}
