//! What is made here, judged by kyso and by xmlsec.

use std::fs;

use kyso::{
    base::{DigestAlgorithm, MemorySource},
    demo::pki::KeyAlgorithm,
    service::sign::{XadesWishes, XmlSubject},
    signing::xades::XmlForm,
    validation::{Indication, Level},
    x509::algorithm::SignatureScheme,
};

use super::desk::{Desk, level, only};

pub(super) const LETTER: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!-- thư -->\n<thu xmlns=\"urn:vn:thu\" \
                                 xmlns:x=\"urn:x\" xml:lang=\"vi\"><so x:nam=\"2026\">05/QĐ-UBND</so>\n  <noidung \
                                 xml:space=\"preserve\"> Khen thưởng&#13;\r\n <x:ai>Ông Nguyễn Văn An</x:ai>&amp; bà \
                                 </noidung></thu>\n";

#[test]
fn an_enveloped_signature_of_each_level_is_accepted() {
    let desk = Desk::new(KeyAlgorithm::Rsa2048);
    for (wanted, name) in [(Level::B, "B"), (Level::T, "T"), (Level::Lt, "LT")] {
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
