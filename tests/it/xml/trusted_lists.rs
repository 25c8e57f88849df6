//! Trusted lists of our own making, signed by xmlsec: what they make trusted, and what they do not.

use std::{fs, path::PathBuf, process::Command};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use kyso::{
    base::{Chance, Clock, Limits, UtcTime},
    demo::pki::{DemoPki, Holder, KeyAlgorithm, SigningKey},
    trust::{
        Anchors, Checks, Control, Court, Outdated, Purpose, ServiceKind, ServiceStatus, TrustedList,
        TrustedListError,
    },
    x509::{Certificate, certificates_from_pem},
    xml::XmlLimits,
};

use crate::support::{root, run, tool};

/// Whether an error is the expected one.
type Told = fn(&TrustedListError) -> bool;

const NOW: &str = "2026-06-01T00:00:00Z";
const GRANTED: &str = "http://uri.etsi.org/TrstSvc/TrustedList/Svcstatus/granted";
const WITHDRAWN: &str = "http://uri.etsi.org/TrstSvc/TrustedList/Svcstatus/withdrawn";
const SUPERVISED: &str = "http://uri.etsi.org/TrstSvc/TrustedList/Svcstatus/undersupervision";
const CA_QC: &str = "http://uri.etsi.org/TrstSvc/Svctype/CA/QC";
const QTST: &str = "http://uri.etsi.org/TrstSvc/Svctype/TSA/QTST";
const SHA256: &str = "http://www.w3.org/2001/04/xmlenc#sha256";
const EXCLUSIVE: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";

/// A scheme operator with a key, and a PKI whose services are listed.
struct Scheme {
    xmlsec: PathBuf,
    folder: tempfile::TempDir,
    operator: Certificate,
    pki: DemoPki,
}

fn at(text: &str) -> UtcTime {
    text.parse().unwrap()
}

impl Scheme {
    fn new() -> Option<Self> {
        let (xmlsec, openssl) = (tool("xmlsec1")?, tool("openssl")?);
        let folder = tempfile::tempdir().unwrap();
        let scheme = |key: &str, cert: &str, size: &str| {
            run(Command::new(&openssl)
                .args(["req", "-x509", "-nodes", "-days", "3650", "-subj", "/C=VN/O=Scheme operator"])
                .args(["-newkey", size, "-keyout", key, "-out", cert])
                .current_dir(folder.path()));
            let pem = fs::read(folder.path().join(cert)).unwrap();
            certificates_from_pem(&pem).unwrap().remove(0)
        };
        let operator = scheme("key.pem", "operator.pem", "rsa:3072");
        // Lists are judged at moments within the operator's certificate: it begins today.
        let pki = DemoPki::new(Clock::Fixed(at(NOW)), Chance::system()).unwrap();
        Some(Self { xmlsec, folder, operator, pki })
    }

    /// Fills in the signature of a list.
    fn sign(&self, list: &str) -> Vec<u8> {
        let [input, output] = ["list.xml", "signed.xml"].map(|name| self.folder.path().join(name));
        fs::write(&input, list).unwrap();
        run(Command::new(&self.xmlsec)
            .args(["sign", "--privkey-pem", "key.pem,operator.pem"])
            .args(["--id-attr:Id", "TrustServiceStatusList", "--output"])
            .args([&output, &input])
            .current_dir(self.folder.path()));
        fs::read(output).unwrap()
    }

    fn verify(&self, signed: &[u8]) -> Result<TrustedList, TrustedListError> {
        TrustedList::verify(signed, std::slice::from_ref(&self.operator), &XmlLimits::default())
    }

    /// A moment at which the operator's certificate is valid.
    fn moment(&self) -> UtcTime {
        self.operator.not_before()
    }
}

fn signature(uri: &str) -> String {
    format!(
        "<ds:Signature xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"><ds:SignedInfo><ds:CanonicalizationMethod \
         Algorithm=\"{EXCLUSIVE}\"/><ds:SignatureMethod \
         Algorithm=\"http://www.w3.org/2001/04/xmldsig-more#rsa-sha256\"/><ds:Reference URI=\"{uri}\"><ds:Transforms>\
         <ds:Transform Algorithm=\"http://www.w3.org/2000/09/xmldsig#enveloped-signature\"/>\
         <ds:Transform Algorithm=\"{EXCLUSIVE}\"/></ds:Transforms><ds:DigestMethod Algorithm=\"{SHA256}\"/>\
         <ds:DigestValue/></ds:Reference></ds:SignedInfo><ds:SignatureValue/><ds:KeyInfo><ds:X509Data>\
         <ds:X509Certificate/></ds:X509Data></ds:KeyInfo></ds:Signature>"
    )
}

/// A whole list with these services.
fn list(services: &str) -> String {
    list_with(services, &signature("#tl"))
}

fn list_with(services: &str, signature: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<TrustServiceStatusList xmlns=\"http://uri.etsi.org/02231/v2#\" \
         Id=\"tl\" TSLTag=\"http://uri.etsi.org/19612/TSLTag\"><SchemeInformation>\
         <TSLVersionIdentifier>5</TSLVersionIdentifier><TSLSequenceNumber>7</TSLSequenceNumber>\
         <TSLType>http://uri.etsi.org/TrstSvc/TrustedList/TSLType/VNlist</TSLType><SchemeOperatorName>\
         <Name xml:lang=\"vi\">Cơ quan thử nghiệm</Name><Name xml:lang=\"en\">Test operator</Name></SchemeOperatorName>\
         <SchemeTerritory>VN</SchemeTerritory><ListIssueDateTime>2026-01-01T00:00:00Z</ListIssueDateTime>\
         <NextUpdate><dateTime>2099-01-01T00:00:00Z</dateTime></NextUpdate></SchemeInformation>\
         <TrustServiceProviderList><TrustServiceProvider><TSPInformation><TSPName><Name xml:lang=\"en\">Provider</Name>\
         </TSPName></TSPInformation><TSPServices>{services}</TSPServices></TrustServiceProvider>\
         </TrustServiceProviderList>{signature}</TrustServiceStatusList>"
    )
}

fn state(kind: &str, certificate: &Certificate, status: &str, from: &str, more: &str) -> String {
    format!(
        "<ServiceTypeIdentifier>{kind}</ServiceTypeIdentifier><ServiceName><Name xml:lang=\"en\">Service</Name>\
         </ServiceName><ServiceDigitalIdentity><DigitalId><X509Certificate>{}</X509Certificate></DigitalId>\
         </ServiceDigitalIdentity><ServiceStatus>{status}</ServiceStatus><StatusStartingTime>{from}</StatusStartingTime>\
         {more}",
        STANDARD.encode(certificate.der())
    )
}

fn service(kind: &str, certificate: &Certificate, states: &[(&str, &str)], more: &str) -> String {
    let mut states = states.iter().map(|(status, from)| state(kind, certificate, status, from, more));
    let now = states.next().unwrap();
    let history: Vec<String> =
        states.map(|state| format!("<ServiceHistoryInstance>{state}</ServiceHistoryInstance>")).collect();
    let history = history.concat();
    format!(
        "<TSPService><ServiceInformation>{now}</ServiceInformation><ServiceHistory>{history}</ServiceHistory>\
         </TSPService>"
    )
}

fn extension(critical: bool, content: &str) -> String {
    format!(
        "<ServiceInformationExtensions><Extension Critical=\"{critical}\">{content}</Extension>\
         </ServiceInformationExtensions>"
    )
}

fn additional(uri: &str) -> String {
    format!("<AdditionalServiceInformation><URI xml:lang=\"en\">{uri}</URI></AdditionalServiceInformation>")
}

#[test]
fn a_signed_list_gives_anchors_with_purposes_and_times() {
    let Some(scheme) = Scheme::new() else { return };
    let (ca, tsa) = (scheme.pki.ca().certificate(), scheme.pki.tsa().certificate());
    let services = [
        service(
            CA_QC,
            ca,
            &[
                (WITHDRAWN, "2026-03-01T00:00:00Z"),
                (GRANTED, "2020-01-01T00:00:00Z"),
                (SUPERVISED, "2010-01-01T00:00:00Z"),
                (WITHDRAWN, "2008-01-01T00:00:00Z"),
            ],
            "",
        ),
        service(QTST, tsa, &[(GRANTED, "2020-01-01T00:00:00Z")], ""),
    ];
    for uri in ["", "#tl"] {
        let signed = scheme.sign(&list_with(&services.concat(), &signature(uri)));
        let list = scheme.verify(&signed).unwrap();
        assert_eq!((list.operator.as_str(), list.territory.as_str()), ("Test operator", "VN"));
        assert_eq!((list.sequence_number, list.issued), (7, at("2026-01-01T00:00:00Z")));
        assert_eq!(list.next_update, Some(at("2099-01-01T00:00:00Z")));
        assert_eq!(list.signed_by, scheme.operator);
        let [authority, stamps] = list.services.as_slice() else { panic!("{list:?}") };
        assert_eq!((authority.provider.as_str(), authority.name.as_str()), ("Provider", "Service"));
        assert_eq!(authority.states[0].kind, ServiceKind::Authority);
        assert_eq!(authority.states[0].status, ServiceStatus::NotGranted);
        assert_eq!(
            authority.granted(),
            [(Purpose::Signing, at("2010-01-01T00:00:00Z"), Some(at("2026-03-01T00:00:00Z")))]
        );
        assert_eq!(stamps.granted(), [(Purpose::TimeStamping, at("2020-01-01T00:00:00Z"), None)]);

        let (anchors, warning) = list.anchors("vn", scheme.moment(), Outdated::Refuse).unwrap();
        assert!(warning.is_none() && anchors.certificates.is_empty());
        let trusts = |purpose, time: &str, anchor| {
            anchors.narrowed(purpose, at(time), scheme.moment()).contains(anchor)
        };
        assert!(trusts(Purpose::Signing, "2026-02-28T23:59:59Z", ca));
        assert!(!trusts(Purpose::Signing, "2026-03-01T00:00:00Z", ca));
        assert!(!trusts(Purpose::Signing, "2009-12-31T23:59:59Z", ca));
        assert!(!trusts(Purpose::TimeStamping, "2026-01-01T00:00:00Z", ca));
        assert!(trusts(Purpose::TimeStamping, "2026-05-01T00:00:00Z", tsa));
        assert!(!trusts(Purpose::Signing, "2026-05-01T00:00:00Z", tsa));
        assert_eq!(anchors.set_of(ca), Some("vn"));
    }
}

/// The same path, before and after its service was withdrawn.
#[test]
fn a_path_does_not_end_in_a_withdrawn_service() {
    let Some(scheme) = Scheme::new() else { return };
    let key = SigningKey::generate(KeyAlgorithm::EcP256).unwrap();
    let person = scheme.pki.issue_person(key.spki_der(), &Holder::new("Nguyễn Văn A")).unwrap();
    let judged = |from: &str| {
        let states = [(WITHDRAWN, from), (GRANTED, "2020-01-01T00:00:00Z")];
        let signed = scheme.sign(&list(&service(CA_QC, scheme.pki.ca().certificate(), &states, "")));
        let list = scheme.verify(&signed).unwrap();
        let (anchors, _) = list.anchors("vn", scheme.moment(), Outdated::Refuse).unwrap();
        let control = Control::proven(at(NOW), scheme.moment().max(at(NOW)));
        let narrowed = anchors.narrowed(Purpose::Signing, control.at, control.moment.min(scheme.moment()));
        let (checks, limits) = (Checks::default(), Limits::default());
        let told = |anchors: &Anchors| {
            let court = Court::new(anchors, &[], &[], &limits, &checks);
            format!("{:?}", court.judge(&person, Purpose::Signing, control).outcome)
        };
        // Nobody who forgets to narrow gets an anchor.
        assert!(told(&anchors).contains("NoPath"), "{}", told(&anchors));
        told(&narrowed)
    };
    let before = judged("2026-06-02T00:00:00Z");
    assert!(before.contains("StatusUnknown"), "a path, whose status nobody told: {before}");
    let after = judged("2026-05-31T00:00:00Z");
    assert!(after.contains("NoPath"), "{after}");
}

#[test]
fn a_list_is_not_believed_on_its_own_word() {
    let Some(scheme) = Scheme::new() else { return };
    let services = service(CA_QC, scheme.pki.ca().certificate(), &[(GRANTED, "2020-01-01T00:00:00Z")], "");
    let good = String::from_utf8(scheme.sign(&list(&services))).unwrap();
    scheme.verify(good.as_bytes()).unwrap();
    let limits = XmlLimits::default();

    assert!(matches!(TrustedList::verify(good.as_bytes(), &[], &limits), Err(TrustedListError::NoOperator)));
    let other = [scheme.pki.root().certificate().clone(), scheme.pki.ca().certificate().clone()];
    assert!(matches!(TrustedList::verify(good.as_bytes(), &other, &limits), Err(TrustedListError::Stranger)));
    let among = [other[0].clone(), scheme.operator.clone()];
    assert!(TrustedList::verify(good.as_bytes(), &among, &limits).is_ok());

    let changed: Told = |error| matches!(error, TrustedListError::Signature(_));
    let counted: Told = |error| matches!(error, TrustedListError::SignatureCount { .. });
    let start = good.find("<ds:Signature").unwrap();
    let end = good.find("</ds:Signature>").unwrap() + "</ds:Signature>".len();
    let signature = &good[start..end];
    let unsigned = good.replace(signature, "");
    let evil = unsigned.replace(">Provider<", ">Evil<");
    let inner = good.strip_prefix("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n").unwrap();
    let wrap = |inside: &str| {
        evil.replace("</TrustServiceStatusList>", &format!("{inside}</TrustServiceStatusList>"))
    };
    let cases: Vec<(&str, String, Told)> = vec![
        ("unsigned", unsigned.clone(), counted),
        ("twice", good.replace(signature, &signature.repeat(2)), counted),
        ("another provider", good.replace(">Provider<", ">Evil<"), changed),
        ("a later end", good.replace("2099-", "2100-"), changed),
        ("a service more", good.replace("</TSPServices>", &format!("{services}</TSPServices>")), changed),
        ("another digest", good.replace("<ds:DigestValue>", "<ds:DigestValue>AA"), changed),
        ("the list inside of another", wrap(inner), counted),
        (
            "the list inside of another of another id",
            wrap(inner).replacen("Id=\"tl\"", "Id=\"x\"", 1),
            counted,
        ),
        ("the signature on another", wrap(signature), changed),
        (
            "the signed list in an object",
            wrap(&signature.replace(
                "</ds:Signature>",
                &format!("<ds:Object>{}</ds:Object></ds:Signature>", inner.replace(signature, "")),
            ))
            .replacen("Id=\"tl\"", "Id=\"x\"", 1),
            changed,
        ),
        ("not a list", "<a/>".to_owned(), |error| matches!(error, TrustedListError::Malformed { .. })),
        ("a DTD", good.replacen("\n<", "\n<!DOCTYPE a><", 1), |error| {
            matches!(error, TrustedListError::Xml(_))
        }),
    ];
    for (name, text, expected) in cases {
        let error = scheme.verify(text.as_bytes()).expect_err(name);
        assert!(expected(&error), "{name}: {error:?}");
    }

    // Signed, but not as a whole.
    let part = list_with(&services, &self::signature("#part"))
        .replace("<SchemeInformation>", "<SchemeInformation Id=\"part\">")
        .replace("<ds:Transform Algorithm=\"http://www.w3.org/2000/09/xmldsig#enveloped-signature\"/>", "");
    fs::write(scheme.folder.path().join("part.xml"), &part).unwrap();
    run(Command::new(&scheme.xmlsec)
        .args(["sign", "--privkey-pem", "key.pem", "--id-attr:Id", "SchemeInformation"])
        .args(["--output", "part-signed.xml", "part.xml"])
        .current_dir(scheme.folder.path()));
    let part = fs::read(scheme.folder.path().join("part-signed.xml")).unwrap();
    assert!(matches!(scheme.verify(&part), Err(TrustedListError::SignatureScope)));
}

#[test]
fn what_is_doubtful_is_trusted_for_nothing() {
    let Some(scheme) = Scheme::new() else { return };
    let ca = scheme.pki.ca().certificate();
    let granted = [(GRANTED, "2020-01-01T00:00:00Z")];
    let extension_uri = "http://uri.etsi.org/TrstSvc/TrustedList/SvcInfoExt";
    let web = additional(&format!("{extension_uri}/ForWebSiteAuthentication"));
    let signatures = additional(&format!("{extension_uri}/ForeSignatures"));
    let qualified = "<q:Qualifications xmlns:q=\"http://uri.etsi.org/TrstSvc/SvcInfoExt/eSigDir-1999-93-EC-TrustedList/#\"/>";
    let both = extension(true, &web).replace("</ServiceInformationExtensions>", "")
        + &extension(true, &signatures).replace("<ServiceInformationExtensions>", "");
    let wrong_order = [(GRANTED, "2020-01-01T00:00:00Z"), (WITHDRAWN, "2022-01-01T00:00:00Z")];
    let broken = service(CA_QC, ca, &granted, "").replace("<X509Certificate>MII", "<X509Certificate>AAA");
    let two_keys = service(CA_QC, ca, &granted, "").replace(
        "</DigitalId>",
        &format!(
            "</DigitalId><DigitalId><X509Certificate>{}</X509Certificate></DigitalId>",
            STANDARD.encode(scheme.pki.root().certificate().der())
        ),
    );
    let cases = [
        ("plain", service(CA_QC, ca, &granted, ""), true),
        (
            "public key infrastructure",
            service("http://uri.etsi.org/TrstSvc/Svctype/CA/PKC", ca, &granted, ""),
            true,
        ),
        (
            "another type",
            service("http://uri.etsi.org/TrstSvc/Svctype/Certstatus/OCSP/QC", ca, &granted, ""),
            false,
        ),
        ("withdrawn", service(CA_QC, ca, &[(WITHDRAWN, "2020-01-01T00:00:00Z")], ""), false),
        ("no known status", service(CA_QC, ca, &[("urn:granted", "2020-01-01T00:00:00Z")], ""), false),
        ("qualifications", service(CA_QC, ca, &granted, &extension(true, qualified)), true),
        ("for web sites", service(CA_QC, ca, &granted, &extension(true, &web)), false),
        ("for web sites and signatures", service(CA_QC, ca, &granted, &both), true),
        ("unknown, critical", service(CA_QC, ca, &granted, &extension(true, "<x xmlns=\"urn:x\"/>")), false),
        ("unknown", service(CA_QC, ca, &granted, &extension(false, "<x xmlns=\"urn:x\"/>")), true),
        ("states out of order", service(CA_QC, ca, &wrong_order, ""), false),
        ("no zone", service(CA_QC, ca, &[(GRANTED, "2020-01-01T00:00:00")], ""), false),
        ("certificate broken", broken, false),
        ("two keys", two_keys, false),
        (
            "status twice",
            service(CA_QC, ca, &granted, &format!("<ServiceStatus>{GRANTED}</ServiceStatus>")),
            false,
        ),
    ];
    for (name, service, trusted) in cases {
        let list =
            scheme.verify(&scheme.sign(&list(&service))).unwrap_or_else(|error| panic!("{name}: {error}"));
        let (anchors, _) = list.anchors("vn", scheme.moment(), Outdated::Refuse).unwrap();
        let narrowed = anchors.narrowed(Purpose::Signing, at(NOW), scheme.moment());
        assert_eq!(narrowed.contains(ca), trusted, "{name}: {list:?}");
    }
}

#[test]
fn an_outdated_list_is_refused_or_warned_of() {
    let Some(scheme) = Scheme::new() else { return };
    let services = service(CA_QC, scheme.pki.ca().certificate(), &[(GRANTED, "2020-01-01T00:00:00Z")], "");
    let due = "2026-02-01T00:00:00Z";
    let signed = scheme.sign(&list(&services).replace("2099-01-01T00:00:00Z", due));
    let list = scheme.verify(&signed).unwrap();
    let moment = scheme.moment().max(at("2026-02-01T00:00:01Z"));
    let refused = list.anchors("vn", moment, Outdated::Refuse).unwrap_err();
    assert!(
        matches!(refused, TrustedListError::Outdated { next_update } if next_update == at(due)),
        "{refused:?}"
    );
    let (anchors, warning) = list.anchors("vn", moment, Outdated::Warn).unwrap();
    assert!(matches!(warning, Some(TrustedListError::Outdated { .. })));
    assert!(!anchors.narrowed(Purpose::Signing, at(NOW), moment).is_empty());

    let long_ago = at("2000-01-01T00:00:00Z");
    let early = list.anchors("vn", long_ago, Outdated::Refuse).unwrap_err();
    assert!(matches!(early, TrustedListError::OperatorPeriod { .. }), "{early:?}");

    // A list that becomes outdated while a server runs: its anchors go with it.
    let signed = scheme.sign(&self::list(&services));
    let (anchors, _) =
        scheme.verify(&signed).unwrap().anchors("vn", scheme.moment(), Outdated::Refuse).unwrap();
    assert!(
        !anchors
            .narrowed(Purpose::Signing, at(NOW), at("2099-01-01T00:00:00Z").min(scheme.operator.not_after()))
            .is_empty()
    );
    assert!(anchors.narrowed(Purpose::Signing, at(NOW), at("2100-01-01T00:00:00Z")).is_empty());
}

#[test]
fn lists_of_lists_and_other_versions_are_refused() {
    let Some(scheme) = Scheme::new() else { return };
    let refused = |from: &str, to: &str| {
        let changed = list("").replace(from, to);
        assert_ne!(changed, list(""));
        scheme.verify(&scheme.sign(&changed)).unwrap_err()
    };
    assert!(matches!(refused("/VNlist", "/EUlistofthelists"), TrustedListError::ListOfLists));
    for (from, to) in [
        (">5</TSLVersion", ">4</TSLVersion"),
        ("http://uri.etsi.org/19612/TSLTag", "urn:x"),
        ("<SchemeTerritory>VN</SchemeTerritory>", ""),
        (">7</TSLSequence", ">-7</TSLSequence"),
        ("2026-01-01T00:00:00Z", "yesterday"),
    ] {
        let error = refused(from, to);
        assert!(matches!(error, TrustedListError::Malformed { .. }), "{to}: {error:?}");
    }
    assert!(scheme.verify(&scheme.sign(&list(""))).unwrap().services.is_empty());
}

/// Profiles and the command line, with files on disk.
#[test]
fn the_command_line_loads_trust_or_says_what_is_wrong() {
    let Some(scheme) = Scheme::new() else { return };
    let folder = scheme.folder.path();
    let anchor = scheme.pki.root().certificate();
    fs::write(folder.join("root.pem"), anchor.to_pem()).unwrap();
    fs::write(folder.join("root.der"), anchor.der()).unwrap();
    fs::create_dir(folder.join("many")).unwrap();
    fs::write(folder.join("many/root.crt"), anchor.to_pem()).unwrap();
    fs::write(folder.join("many/README"), "not a certificate").unwrap();
    fs::create_dir(folder.join("none")).unwrap();
    fs::write(folder.join("junk.pem"), "junk").unwrap();
    let services = service(CA_QC, scheme.pki.ca().certificate(), &[(GRANTED, "2020-01-01T00:00:00Z")], "");
    fs::write(folder.join("vn.xml"), scheme.sign(&list(&services))).unwrap();
    let pin = anchor.sha256().to_hex();
    let profile = |pin: &str| {
        format!(
            "default = 'state'\n[[profile.state.set]]\nname = 'root'\nfiles = ['root.pem']\nsha256 = ['{pin}']\n\
             [[profile.list.set]]\nname = 'vn'\ntrusted-list = 'vn.xml'\noperators = ['operator.pem']\n"
        )
    };
    fs::write(folder.join("trust.toml"), profile(&pin)).unwrap();
    fs::write(folder.join("pinned.toml"), profile(&"0".repeat(64))).unwrap();
    fs::write(folder.join("wrong.toml"), "[[profile.state.set]]\nname = 'x'\nfils = []\n").unwrap();
    let file = root().join("samples/cong-van.pdf");
    let kyso = |lang: &str, arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_kyso"))
            .args(["verify", "--offline", "--lang", lang])
            .args(arguments)
            .arg(&file)
            .current_dir(folder)
            .output()
            .unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        (output.status.code(), told)
    };
    for good in [
        &["--trust", "root.pem"][..],
        &["--trust", "root.der"],
        &["--trust", "many"],
        &["--trust", "vn.xml", "--trust-operator", "operator.pem"],
        &["--trust-profile", "trust.toml"],
        &["--trust-profile", "trust.toml:list", "--trust", "many"],
    ] {
        // 3: the sample is not signed; so far did it come.
        assert_eq!(kyso("en", good), (Some(3), String::new()), "{good:?}");
    }
    for (bad, english, vietnamese) in [
        (&["--trust", "absent.pem"][..], "absent.pem cannot be read", "Không đọc được absent.pem"),
        (&["--trust", "none"], "no .pem", "Thư mục none"),
        (&["--trust", "junk.pem"], "junk.pem", "không có chứng thư dùng được"),
        (&["--trust", "vn.xml"], "--trust-operator", "--trust-operator"),
        (&["--trust", "vn.xml", "--trust-operator", "root.pem"], "not signed with any", "thuộc cùng đơn vị"),
        (
            &["--trust", "root.pem", "--trust-operator", "operator.pem"],
            "no trusted list",
            "không có danh sách nào",
        ),
        (&["--trust-profile", "trust.toml:nobody"], "list, state", "list, state"),
        (&["--trust-profile", "pinned.toml"], &pin, &pin),
        (&["--trust-profile", "wrong.toml"], "line 3", "fils"),
    ] {
        for (lang, expected) in [("en", english), ("vi", vietnamese)] {
            let (status, told) = kyso(lang, bad);
            assert_eq!(status, Some(64), "{bad:?}: {told}");
            assert!(told.contains(expected), "{bad:?} in {lang}: {told}");
            eprint!("{told}");
        }
    }
}
