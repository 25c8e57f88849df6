//! The verify page with every kind of file that kyso judges.

use std::{fs, sync::Arc};

use kyso::{
    asic::Kind,
    base::MemorySource,
    cms::Statements,
    config::LimitSettings,
    demo::pki::{Holder, KeyAlgorithm, SigningKey},
    service::sign::{
        CmsWishes, Identity, XadesWishes, XmlSubject,
        container::{ContainerWishes, Dossier, Form},
    },
    validation::Level,
};

use super::town::{Server, TestTown, sample, town};
use crate::xades::desk::apart;

pub(super) const SHEET: &[u8] = b"as good as a workbook";

/// One file of each kind, signed by somebody whom the town's server trusts.
pub(super) struct Kinds {
    /// A signature of the sample, apart from it.
    pub(super) p7s: Vec<u8>,
    pub(super) p7m: Vec<u8>,
    pub(super) xml: Vec<u8>,
    /// A signature in XML of [`SHEET`], as `so-lieu.xlsx`.
    pub(super) detached_xml: Vec<u8>,
    pub(super) asice: Vec<u8>,
    pub(super) asics: Vec<u8>,
}

impl Kinds {
    pub(super) fn new(town: &TestTown) -> Self {
        let (desk, pki) = (&town.town().desk, town.town().pki.pki());
        let key = SigningKey::generate(KeyAlgorithm::EcP256).unwrap();
        let certificate = pki.issue_person(key.spki_der(), &Holder::new("Trần Văn Ký")).unwrap();
        let identity =
            || Identity { certificate: certificate.clone(), chain: pki.chain(), scheme: key.scheme() };
        let sign = |scheme, message: &[u8]| Ok(key.sign_as(scheme, message).unwrap());
        let folder = tempfile::tempdir().unwrap();
        let output = folder.path().join("out");
        let made = || fs::read(&output).unwrap();
        let cms = |content: &[u8], enveloping| {
            let wishes = CmsWishes {
                enveloping,
                level: Level::T,
                statements: Statements::default(),
                any_usage: false,
            };
            let source = Arc::new(MemorySource(content.to_vec()));
            desk.sign_cms_with(source, "x", &output, identity(), &wishes, sign).unwrap();
            made()
        };
        let letter = MemorySource(b"<thu><so>05/UBND</so></thu>".to_vec());
        let xml = |subject: &XmlSubject<'_>| {
            let wishes = XadesWishes { level: Level::T, ..XadesWishes::default() };
            desk.sign_xades(subject, &output, identity(), &wishes, sign).unwrap();
            made()
        };
        let container = |kind, form, files: &[(&str, &[u8])]| {
            let wishes = ContainerWishes { form: Some(form), level: Level::T, ..ContainerWishes::default() };
            desk.sign_container(&Dossier::New(kind, apart(files)), &output, identity(), &wishes, sign)
                .unwrap();
            made()
        };
        let pdf = sample();
        Self {
            p7s: cms(&pdf, false),
            p7m: cms(&pdf, true),
            xml: xml(&XmlSubject::Enveloped(&letter)),
            detached_xml: xml(&XmlSubject::Detached(&apart(&[("so-lieu.xlsx", SHEET)]))),
            asice: container(
                Kind::Extended,
                Form::Cades,
                &[("Quyết định.pdf", &pdf), ("phụ lục.xlsx", SHEET)],
            ),
            asics: container(Kind::Simple, Form::Xades, &[("Quyết định.pdf", &pdf)]),
        }
    }
}

/// A server that lets many ask in a minute, so that these tests leave the others their share of the usual one.
pub(super) fn patient(town: &TestTown) -> Server<'_> {
    town.limited(LimitSettings { public_verifications_per_minute: 1_000, ..LimitSettings::default() })
}

/// The answer on each card of a page, in its order, with the name of the file.
fn cards(html: &str) -> Vec<(String, String)> {
    let pieces = html.split("data-overall=\"").skip(1);
    pieces
        .map(|piece| {
            let answer = piece.split('"').next().unwrap().to_owned();
            let name =
                piece.split("<p class=\"file\">").nth(1).unwrap().split('<').next().unwrap().to_owned();
            (name, answer)
        })
        .collect()
}

#[test]
fn the_page_judges_every_kind_of_file() {
    let Some(town) = town() else { return };
    let (kinds, server) = (Kinds::new(town), patient(town));
    let pdf = sample();
    let send = |files: &[(&str, &[u8])]| server.anon().send_form("/kiem-tra", &[], files).body();
    for (name, bytes) in [
        ("a.p7m", &kinds.p7m),
        ("a.xml", &kinds.xml),
        ("a.asice", &kinds.asice),
        ("a.asics", &kinds.asics),
        ("a.bdoc", &kinds.asice),
        ("a.edoc", &kinds.asics),
    ] {
        let html = send(&[(name, bytes)]);
        assert_eq!(cards(&html), [(name.to_owned(), "valid".to_owned())], "{html}");
    }
    assert!(send(&[("a.asice", &kinds.asice)]).contains("Quyết định.pdf; phụ lục.xlsx"));

    // As raw bodies, for programs.
    for (kind, bytes) in [
        ("application/vnd.etsi.asic-e+zip", &kinds.asice),
        ("application/vnd.etsi.asic-s+zip", &kinds.asics),
        ("application/x-pkcs7-mime", &kinds.p7m),
        ("application/xml", &kinds.xml),
    ] {
        let answer = server.anon().post_with("/api/v1/verifications", &[("Content-Type", kind)], bytes);
        assert_eq!(answer.json()["documents"][0]["overall"], "valid", "{kind}: {}", answer.body());
    }

    let valid = |name: &str| vec![(name.to_owned(), "valid".to_owned())];
    // With its document, by the name, by what the signature names, or because there is no other.
    let html = send(&[("q.pdf", &pdf), ("q.pdf.p7s", &kinds.p7s)]);
    assert_eq!(cards(&html), valid("q.pdf.p7s"));
    assert!(html.contains("Văn bản được ký") && html.contains("q.pdf"), "{html}");
    assert_eq!(cards(&send(&[("khac.p7s", &kinds.p7s), ("q.pdf", &pdf)])), valid("khac.p7s"));
    assert_eq!(cards(&send(&[("x.xml", &kinds.detached_xml), ("so-lieu.xlsx", SHEET)])), valid("x.xml"));
    let both = send(&[
        ("so-lieu.xlsx", SHEET),
        ("q.pdf.p7s", &kinds.p7s),
        ("so-lieu.xlsx.xml", &kinds.detached_xml),
        ("q.pdf", &pdf),
        ("khac.pdf", &pdf),
    ]);
    let answers = [("q.pdf.p7s", "valid"), ("so-lieu.xlsx.xml", "valid"), ("khac.pdf", "unsigned")];
    assert_eq!(cards(&both), answers.map(|(name, answer)| (name.to_owned(), answer.to_owned())));
    // A document with signatures of its own is told by itself as well.
    let signed = cards(&send(&[("s.pdf", town.signed_pdf()), ("s.pdf.p7s", &kinds.p7s)]));
    let answers = [("s.pdf", "valid"), ("s.pdf.p7s", "invalid")];
    assert_eq!(signed, answers.map(|(name, answer)| (name.to_owned(), answer.to_owned())));

    // The document in a part of its own.
    let apart = |document: &[u8]| {
        let parts = [("file", "q.pdf.p7s", &kinds.p7s[..]), ("detached", "van-ban.pdf", document)];
        server.anon().send_parts("/verify", &[], &parts).body()
    };
    assert_eq!(cards(&apart(&pdf)), valid("q.pdf.p7s"));
    assert!(apart(&pdf).contains("van-ban.pdf"));
    assert_eq!(cards(&apart(SHEET)), [("q.pdf.p7s".to_owned(), "invalid".to_owned())]);

    // Alone it proves nothing, and the page says what to do.
    let alone = send(&[("q.pdf.p7s", &kinds.p7s)]);
    assert_eq!(cards(&alone), [("q.pdf.p7s".to_owned(), "indeterminate".to_owned())]);
    assert!(alone.contains("Hãy chọn cả văn bản và tệp chữ ký") && !alone.contains("--detached"), "{alone}");
    assert!(alone.contains("chưa kiểm tra được: thiếu văn bản") && !alone.contains("không còn như khi ký"));
    // What is not to be judged is told, not silently passed over.
    let junk = send(&[("a.docx", b"PK\x03\x04"), ("b.xml", b"<a>"), ("c.p7s", b"\x30\x80")]);
    assert_eq!(cards(&junk).iter().map(|(_, answer)| answer.as_str()).collect::<Vec<_>>(), ["unreadable"; 3]);
}
