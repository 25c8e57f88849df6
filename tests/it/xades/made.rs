//! What is made here, judged by kyso and by xmlsec.

use std::{fs, process::Command};

use kyso::{
    base::{DigestAlgorithm, MemorySource},
    cms::{SignedPolicy, Statements},
    demo::pki::{KeyAlgorithm, SigningKey},
    service::{
        extend::Extension,
        sign::{SignError, XadesWishes, XmlSubject},
    },
    signing::{SigningError, xades::XmlForm},
    validation::{CoverageLevel, Indication, Level, Overall, StatementsReport, TimeStampKind},
    x509::algorithm::SignatureScheme,
    xml::{Canonicalization, Document, Subset, XmlLimits},
};

use super::desk::{Desk, level, only};
use crate::support::{run, tool};

pub(super) const LETTER: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!-- thư -->\n<thu xmlns=\"urn:vn:thu\" \
                                 xmlns:x=\"urn:x\" xml:lang=\"vi\"><so x:nam=\"2026\">05/QĐ-UBND</so>\n  <noidung \
                                 xml:space=\"preserve\"> Khen thưởng&#13;\r\n <x:ai>Ông Nguyễn Văn An</x:ai>&amp; bà \
                                 </noidung></thu>\n";

#[test]
fn an_enveloped_signature_of_each_level_is_accepted() {
    let desk = Desk::new(KeyAlgorithm::Rsa2048);
    for (wanted, name) in [(Level::B, "B"), (Level::T, "T"), (Level::Lt, "LT"), (Level::Lta, "LTA")] {
        for form in [XmlForm::Exclusive, XmlForm::Inclusive] {
            let wishes = XadesWishes { form, ..level(wanted) };
            let signed = desk.enveloped(LETTER, &wishes).unwrap_or_else(|error| panic!("{name}: {error}"));
            let report = desk.judge(&signed, &[]).unwrap();
            let signature = only(&report);
            assert_eq!(signature.indication, Indication::TotalPassed, "{report:#?}");
            assert_eq!(signature.signature_format, format!("XAdES-BASELINE-{name}"), "{report:#?}");
            fs::write(desk.path("signed.xml"), &signed).unwrap();
            if let Some(told) = desk.xmlsec(&desk.path("signed.xml")) {
                assert_eq!(told, Ok(()), "{name} {form:?}\n{}", String::from_utf8_lossy(&signed));
            }
        }
    }
}

#[test]
fn each_scheme_is_accepted_enveloped_and_detached() {
    let digests = [DigestAlgorithm::Sha256, DigestAlgorithm::Sha384, DigestAlgorithm::Sha512];
    let mut made = 0;
    for algorithm in [KeyAlgorithm::Rsa2048, KeyAlgorithm::EcP256, KeyAlgorithm::EcP384] {
        let desk = Desk::new(algorithm);
        fs::write(desk.path("tep.bin"), b"\x00\xFF any bytes").unwrap();
        let file = fs::read(desk.path("tep.bin")).unwrap();
        let mut schemes: Vec<SignatureScheme> = Vec::new();
        for digest in digests {
            match algorithm {
                KeyAlgorithm::EcP256 | KeyAlgorithm::EcP384 => schemes.push(SignatureScheme::Ecdsa(digest)),
                _ => {
                    schemes.push(SignatureScheme::RsaPkcs1(digest));
                    schemes.push(SignatureScheme::RsaPss { digest, salt_len: digest.len() });
                }
            }
        }
        // A key in memory may not know every digest; the tokens are asked for theirs elsewhere.
        schemes.retain(|scheme| desk.key.sign_as(*scheme, b"?").is_ok());
        assert!(!schemes.is_empty());
        for scheme in schemes {
            for apart in [false, true] {
                let output = desk.path("signed.xml");
                let letter = MemorySource(LETTER.as_bytes().to_vec());
                let files = super::desk::apart(&[("tep.bin", &file)]);
                let subject =
                    if apart { XmlSubject::Detached(&files) } else { XmlSubject::Enveloped(&letter) };
                desk.sign(&subject, &output, scheme, &XadesWishes::default()).unwrap();
                let signed = fs::read(&output).unwrap();
                let files: &[(&str, &[u8])] = if apart { &[("tep.bin", &file)] } else { &[] };
                let report = desk.judge(&signed, files).unwrap();
                assert_eq!(only(&report).indication, Indication::TotalPassed, "{scheme:?}: {report:#?}");
                assert_eq!(only(&report).signature_format, "XAdES-BASELINE-B");
                // xmlsec 1.2 knows no RSASSA-PSS for XML.
                let known = !matches!(scheme, SignatureScheme::RsaPss { .. });
                if let Some(told) = desk.xmlsec(&output).filter(|_| known) {
                    assert_eq!(told, Ok(()), "{scheme:?}\n{}", String::from_utf8_lossy(&signed));
                }
                made += 1;
            }
        }
    }
    eprintln!("{made} signatures");
}

/// Documents whose octets are easily got wrong.
const DOCUMENTS: &[&str] = &[
    "<a/>",
    "<a></a>",
    "\u{FEFF}<?xml version=\"1.0\" encoding=\"utf-8\" standalone=\"yes\"?><a />",
    "<p:a xmlns:p=\"urn:p\" xmlns:q=\"urn:q\" xmlns=\"urn:d\"><b/><q:c p:x=\"1\" q:x=\"2\" x=\"3\"/><d xmlns=\"\"/></p:a>",
    "<a z=\"1\" b=\"2\" é=\"3\" A=\"4\" xmlns:y=\"urn:1\" y:a=\"5\" xmlns:x=\"urn:2\" x:a=\"6\"><b/></a>",
    "<cơ_quan tên=\"Ủy ban nhân dân\"><số>05/QĐ-UBND &#x1EBF; \u{1F600}</số></cơ_quan>",
    "<a><nfc>Thắng Nguyễn</nfc><nfd>Tha\u{306}\u{301}ng Nguye\u{302}\u{303}n</nfd></a>",
    "<a>\r\n<b>\r\n một\r hai &#13;&#10; ba</b>\r\n</a>\r\n",
    "<a t='\t\n&#9;&#10;&#13; \"'><b>&lt;&gt;&amp;&quot;&apos;]]&gt;</b></a>",
    "<a xml:space=\"preserve\" xml:lang=\"vi\" xml:base=\"http://x/\"><b xml:space=\"default\">  x  </b></a>",
    "<?xml version=\"1.0\"?>\n<?xml-stylesheet href=\"a.xsl\"?>\n<!-- đầu -->\n<a><!-- giữa --><b/></a>\n<!-- cuối -->\n<?i j?>",
    "<a><b><![CDATA[<&>]]></b><c><![CDATA[]]>x</c></a>",
    "<a xmlns:x=\"urn:x\" xmlns:i=\"http://www.w3.org/2001/XMLSchema-instance\"><b i:type=\"x:t\"/></a>",
    "<a xmlns:xml=\"http://www.w3.org/XML/1998/namespace\" xml:id=\"i\"><b/></a>",
];

#[test]
fn documents_of_every_kind_are_signed_over_the_octets_that_libxml2_makes() {
    let desk = Desk::new(KeyAlgorithm::EcP256);
    let mut compared = 0;
    for document in DOCUMENTS {
        for (form, option) in [(XmlForm::Exclusive, "--c14n"), (XmlForm::Inclusive, "--c14n11")] {
            let wishes = XadesWishes { form, ..XadesWishes::default() };
            let signed =
                desk.enveloped(document, &wishes).unwrap_or_else(|error| panic!("{error}: {document}"));
            let report = desk.judge(&signed, &[]).unwrap();
            assert_eq!(only(&report).indication, Indication::TotalPassed, "{document}: {report:#?}");
            assert_eq!(only(&report).coverage, CoverageLevel::Document);
            // Nothing was written anew.
            let text = String::from_utf8(signed.clone()).unwrap();
            let signature = text.find("<ds:Signature ").unwrap()..text.find("</ds:Signature>").unwrap() + 15;
            let rest = format!("{}{}", &text[..signature.start], &text[signature.end..]);
            let closed = rest == *document || rest.replace("></a>", "/>") == *document;
            assert!(closed, "{rest} instead of {document}");
            fs::write(desk.path("signed.xml"), &signed).unwrap();
            if let Some(told) = desk.xmlsec(&desk.path("signed.xml")) {
                assert_eq!(told, Ok(()), "{document}");
            }
            // With all prefixes listed the exclusive form of a whole document is that of Canonical XML; xmllint cannot be
            // given a list. It keeps comments, which such a reference leaves out.
            let Some(xmllint) = tool("xmllint").filter(|_| !document.contains("<!--")) else { continue };
            fs::write(desk.path("plain.xml"), document).unwrap();
            let made = run(Command::new(xmllint).arg(option).arg(desk.path("plain.xml")));
            let digest = super::forge::digest(&made.stdout);
            assert!(
                text.contains(&format!("<ds:DigestValue>{digest}</ds:DigestValue>")),
                "{option}: {document}"
            );
            compared += 1;
        }
    }
    eprintln!("{compared} canonical forms as xmllint makes them");
}

/// Whatever is put in the place of whatever character of the document: it is not valid, or the same document.
#[test]
fn a_changed_character_is_never_valid() {
    let desk = Desk::new(KeyAlgorithm::EcP256);
    // All that its verdict rests on is in it, so nothing has to be fetched for each of thousands of verdicts.
    let signed = String::from_utf8(desk.enveloped(LETTER, &level(Level::Lt)).unwrap()).unwrap();
    assert_eq!(desk.judge_alone(signed.as_bytes()).unwrap().overall, Overall::Valid);
    let signature = signed.find("<ds:Signature ").unwrap()..signed.find("</ds:Signature>").unwrap() + 15;
    let limits = XmlLimits::default();
    let canonical = |text: &str| {
        let document = Document::parse(text.as_bytes(), &limits).ok()?;
        let form = Canonicalization::by_uri(super::forge::EXCLUSIVE)?;
        let own = document.elements().find(|element| element.local_name() == "Signature")?;
        document.canonicalize(Subset::WHOLE.without(own), &form, &limits).ok()
    };
    let honest = canonical(&signed).unwrap();
    let (mut refused, mut same) = (0, 0);
    for (at, c) in signed.char_indices().filter(|(at, _)| !signature.contains(at)) {
        for to in ["", "A", " ", "é", "<", "&lt;", "<!---->", "<?x?>"] {
            let mut changed = signed.clone();
            changed.replace_range(at..at + c.len_utf8(), to);
            if changed == signed {
                continue;
            }
            let valid =
                desk.judge_alone(changed.as_bytes()).is_ok_and(|report| report.overall == Overall::Valid);
            if valid {
                // A comment outside of the text, white space in a tag.
                assert_eq!(canonical(&changed).unwrap(), honest, "{changed}");
                same += 1;
            } else {
                refused += 1;
            }
        }
    }
    assert!(refused > 10 * same, "{refused} refused, {same} the same");
    eprintln!("{refused} changes refused, {same} that leave the canonical form as it is");
}

#[test]
fn a_detached_signature_is_about_its_files() {
    let desk = Desk::new(KeyAlgorithm::Rsa2048);
    let files: [(&str, &[u8]); 3] =
        [("Quyết định số 5.pdf", b"%PDF-1.7"), ("a+b&c.txt", b""), ("phụ lục/1.xml", b"<a>\r\n</a>")];
    for wanted in [Level::B, Level::T, Level::Lt, Level::Lta] {
        let signed = desk.detached(&files, &level(wanted));
        let report = desk.judge(&signed, &files).unwrap();
        let name = format!("XAdES-BASELINE-{}", wanted.as_str());
        assert_eq!(
            (only(&report).indication, only(&report).signature_format.as_str(), only(&report).coverage),
            (Indication::TotalPassed, name.as_str(), CoverageLevel::Document),
            "{report:#?}"
        );
        assert_eq!(report.signed_files.len(), 3);
        let fewer = desk.judge(&signed, &files[..2]).unwrap();
        assert_eq!(
            (only(&fewer).indication, only(&fewer).sub_indication.as_deref(), only(&fewer).coverage),
            (Indication::Indeterminate, Some("SIGNED_DATA_NOT_FOUND"), CoverageLevel::Digest)
        );
        let mut changed = files;
        changed[1].1 = b"!";
        assert_eq!(only(&desk.judge(&signed, &changed).unwrap()).indication, Indication::TotalFailed);
    }
    // A renamed file is the same file, if it is the only one.
    let signed = desk.detached(&[("a.txt", b"A")], &XadesWishes::default());
    assert_eq!(desk.judge(&signed, &[("b.txt", b"A")]).unwrap().overall, Overall::Valid);
}

#[test]
fn an_edxml_message_is_signed_in_its_header() {
    let desk = Desk::new(KeyAlgorithm::Rsa2048);
    let message = "<edXML xmlns=\"http://www.mic.gov.vn/TBT/QCVN_102_2016\">\n<edXMLEnvelope><edXMLHeader>\
                   <MessageHeader><Code><CodeNumber>05</CodeNumber></Code></MessageHeader>\n</edXMLHeader>\
                   <edXMLBody/></edXMLEnvelope><AttachmentEncoded>QQ==</AttachmentEncoded></edXML>";
    let signed = String::from_utf8(desk.enveloped(message, &level(Level::T)).unwrap()).unwrap();
    assert!(
        signed.contains("</MessageHeader>\n<Signature xmlns=\"http://www.w3.org/2000/09/xmldsig#\" "),
        "{signed}"
    );
    assert!(signed.contains("</Signature></edXMLHeader><edXMLBody/>"), "{signed}");
    let report = desk.judge(signed.as_bytes(), &[]).unwrap();
    assert_eq!(only(&report).indication, Indication::TotalPassed, "{report:#?}");
    fs::write(desk.path("edxml.xml"), &signed).unwrap();
    if let Some(told) = desk.xmlsec(&desk.path("edxml.xml")) {
        assert_eq!(told, Ok(()));
    }
    let changed = signed.replace("QQ==", "Qg==");
    assert_eq!(only(&desk.judge(changed.as_bytes(), &[]).unwrap()).indication, Indication::TotalFailed);
}

#[test]
fn a_signature_is_raised_without_a_key() {
    let desk = Desk::new(KeyAlgorithm::EcP256);
    let files: [(&str, &[u8]); 1] = [("a.txt", b"A")];
    let apart = super::desk::apart(&files);
    let enveloped = desk.enveloped(LETTER, &XadesWishes::default()).unwrap();
    let detached = desk.detached(&files, &XadesWishes::default());
    for (signed, beside, given) in [(enveloped, &apart[..0], &files[..0]), (detached, &apart[..], &files[..])]
    {
        let mut before = signed;
        for (to, name) in
            [(Level::T, "T"), (Level::Lt, "LT"), (Level::Lt, "LT"), (Level::Lta, "LTA"), (Level::Lta, "LTA")]
        {
            let output = desk.path("raised.xml");
            let input = MemorySource(before.clone());
            desk.signing()
                .extend_file(&input, &output, &Extension::to(to), beside.first().cloned())
                .unwrap_or_else(|error| panic!("{name}: {error}"));
            let after = fs::read(&output).unwrap();
            let report = desk.judge(&after, given).unwrap();
            assert_eq!(only(&report).signature_format, format!("XAdES-BASELINE-{name}"), "{report:#?}");
            assert_eq!(only(&report).indication, Indication::TotalPassed);
            // All that was there still is, in its order.
            let mut rest = after.iter();
            assert!(before.iter().all(|byte| rest.any(|other| other == byte)));
            fs::write(desk.path("a.txt"), b"A").unwrap();
            if let Some(told) = desk.xmlsec(&output) {
                assert_eq!(told, Ok(()), "{name}");
            }
            before = after;
        }
    }
}

/// Renewed: each archive time-stamp is over the ones before, and over the evidence on them.
#[test]
fn an_archive_time_stamp_is_renewed() {
    let desk = Desk::new(KeyAlgorithm::EcP256);
    let files: [(&str, &[u8]); 2] = [("Quyết định.pdf", b"%PDF-1.7"), ("phụ lục/1.xml", b"<a>\r\n</a>")];
    let mut before = desk.detached(&files, &level(Level::Lta));
    for count in 2..=3 {
        let output = desk.path("renewed.xml");
        let beside = super::desk::apart(&files);
        let input = MemorySource(before.clone());
        desk.signing().extend_with(&input, &output, &Extension::renewal(), &beside).unwrap();
        before = fs::read(&output).unwrap();
        let report = desk.judge(&before, &files).unwrap();
        let signature = only(&report);
        assert_eq!(signature.signature_format, "XAdES-BASELINE-LTA", "{report:#?}");
        assert_eq!(signature.indication, Indication::TotalPassed, "{report:#?}");
        let archives = signature.time_stamps.iter().filter(|stamp| stamp.kind == TimeStampKind::Archive);
        assert_eq!(archives.count(), count);
    }
    // Without its files it cannot be renewed.
    let input = MemorySource(before);
    let alone = desk.signing().extend_with(&input, &desk.path("no.xml"), &Extension::renewal(), &[]);
    assert!(alone.is_err());
    assert!(!desk.path("no.xml").exists());
}

#[test]
fn what_the_signer_says_is_told_as_in_other_formats() {
    let desk = Desk::new(KeyAlgorithm::EcP256);
    let digest = DigestAlgorithm::Sha384.digest(b"policy");
    let policy = SignedPolicy {
        id: "2.16.704.1.1".parse().unwrap(),
        digest: digest.clone(),
        uri: Some("https://example.vn/cs?a=1&b=2".to_owned()),
    };
    let roles = vec!["Chủ tịch".to_owned(), "KT. <Chủ tịch> & \"ai\"".to_owned()];
    let commitment = Some("proof-of-approval".parse().unwrap());
    let said = Statements { policy: Some(policy), commitment, roles: roles.clone() };
    let wishes = |statements: &Statements| XadesWishes {
        statements: statements.clone(),
        location: Some("Cần Thơ".to_owned()),
        ..level(Level::T)
    };
    let files: [(&str, &[u8]); 1] = [("a.txt", b"A")];
    fs::write(desk.path("a.txt"), b"A").unwrap();
    for (signed, beside) in [
        (desk.enveloped(LETTER, &wishes(&said)).unwrap(), &files[..0]),
        (desk.detached(&files, &wishes(&said)), &files[..]),
    ] {
        let report = desk.judge(&signed, beside).unwrap();
        let StatementsReport { signature_policy, commitment_types, signer_roles } = &only(&report).statements;
        let policy = signature_policy.as_ref().unwrap();
        assert_eq!(policy.identifier, "2.16.704.1.1");
        assert_eq!(policy.digest.as_deref(), Some(format!("{digest:?}").as_str()));
        assert_eq!(policy.uri.as_deref(), Some("https://example.vn/cs?a=1&b=2"));
        assert_eq!(commitment_types, &["proof-of-approval"]);
        assert_eq!(signer_roles, &roles);
        assert_eq!(only(&report).location.as_deref(), Some("Cần Thơ"));
        // Nobody here has the rules of that policy; everything else holds.
        let errors: Vec<_> = only(&report).errors.iter().map(|error| error.key.as_str()).collect();
        assert_eq!(errors, ["signature-policy.unknown"], "{report:#?}");
        fs::write(desk.path("said.xml"), &signed).unwrap();
        if let Some(told) = desk.xmlsec(&desk.path("said.xml")) {
            assert_eq!(told, Ok(()));
        }
    }
    let without = Statements { policy: None, commitment: Some("1.2.3.4".parse().unwrap()), ..said.clone() };
    let report = desk.judge(&desk.enveloped(LETTER, &wishes(&without)).unwrap(), &[]).unwrap();
    assert_eq!(report.overall, Overall::Valid, "{report:#?}");
    assert_eq!(only(&report).statements.commitment_types, ["1.2.3.4"]);

    let refused = |statements: Statements, location: &str| {
        let wishes = XadesWishes { location: Some(location.to_owned()), ..wishes(&statements) };
        let refused = desk.enveloped(LETTER, &wishes);
        assert!(matches!(refused, Err(SignError::Signing(SigningError::Wish { .. }))), "{refused:?}");
    };
    refused(Statements { roles: vec![" ".to_owned()], ..without.clone() }, "Cần Thơ");
    refused(without.clone(), " ");
    let mut unicode = said.clone();
    unicode.policy.as_mut().unwrap().uri = Some("https://ví-dụ.vn/".to_owned());
    refused(unicode, "Cần Thơ");
    let mut weak = said;
    weak.policy.as_mut().unwrap().digest = DigestAlgorithm::Sha1.digest(b"policy");
    refused(weak, "Cần Thơ");
}

#[test]
fn what_would_prove_less_than_it_seems_to_is_not_signed() {
    let desk = Desk::new(KeyAlgorithm::EcP256);
    let twice = String::from_utf8(desk.enveloped("<a/>", &XadesWishes::default()).unwrap()).unwrap();
    let output = desk.path("none.xml");
    for (document, said) in [
        (twice.as_str(), "signature already"),
        ("<a>text</a>", "holds text"),
        ("<a><b>10<!-- -->00</b></a>", "cut in two"),
        ("<a><b>10<![CDATA[00]]></b></a>", "cut in two"),
        ("<!DOCTYPE a><a/>", "document type"),
        ("<a>", "not closed"),
        ("<a xmlns=\"relative\"/>", "not absolute"),
        ("<edXML xmlns=\"http://www.mic.gov.vn/TBT/QCVN_102_2016\"/>", "edXMLHeader"),
        ("%PDF-1.7", "cannot be signed as XML"),
    ] {
        let input = MemorySource(document.as_bytes().to_vec());
        let subject = XmlSubject::Enveloped(&input);
        let refused = desk.signing().sign_xades(
            &subject,
            &output,
            desk.identity(desk.key.scheme()),
            &XadesWishes::default(),
            |_, _| panic!("the key was asked for {document}"),
        );
        let error = refused.expect_err(document).to_string();
        assert!(error.contains(said), "{document}: {error}");
        assert!(!output.exists());
    }
    // Another key's value, and an authority that is not there.
    let other = SigningKey::generate(KeyAlgorithm::EcP256).unwrap();
    let input = MemorySource(b"<a/>".to_vec());
    let forged = desk.signing().sign_xades(
        &XmlSubject::Enveloped(&input),
        &output,
        desk.identity(desk.key.scheme()),
        &XadesWishes::default(),
        |scheme, message| Ok(other.sign_as(scheme, message).unwrap()),
    );
    assert!(matches!(forged, Err(SignError::Signing(SigningError::Value(_)))));
    let mut desk_without = desk.signing();
    desk_without.time_stamping = None;
    let unstamped = desk_without.sign_xades(
        &XmlSubject::Enveloped(&input),
        &output,
        desk.identity(desk.key.scheme()),
        &level(Level::T),
        |_, _| panic!("the key was asked"),
    );
    assert!(matches!(unstamped, Err(SignError::Level { level: "T", .. })));
    assert!(!output.exists());
}
