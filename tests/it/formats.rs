//! CMS, X.509 and signature values against what others made.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use aws_lc_rs::{
    rand::SystemRandom,
    rsa,
    signature::{self, EcdsaKeyPair},
};
use kyso::{
    asn1::oid,
    base::{DigestAlgorithm, Limits},
    cms::{SignedAttributes, SignedData, SignedDataParts},
    crypto::{self, CryptoError},
    x509::{
        Certificate, Crl,
        algorithm::{KeyKind, SignatureScheme, key_kind},
        certificates_from_pem,
    },
};
use tempfile::TempDir;

use crate::support;

/// NIST's path validation suite: every certificate is read, and by both readers alike. The exceptions carry a
/// signature BIT STRING with an unused bit, which no signature algorithm makes: the suite damaged them on purpose.
#[test]
fn pkits_is_read_without_disagreement() {
    let Some(shared) = support::shared() else { return };
    let damaged = ["BadSignedCACert.crt", "InvalidDSASignatureTest6EE.crt"];
    let mut read = 0;
    for file in files(&shared.join("corpus/pkits/certs"), "crt") {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        let der = fs::read(&file).unwrap();
        match Certificate::from_der(&der) {
            Ok(certificate) => {
                assert_eq!(certificate.disagreement(), None, "{name}");
                assert_eq!(certificate.der(), der);
                read += 1;
            }
            Err(error) => assert!(damaged.contains(&name.as_str()), "{name}: {error}"),
        }
    }
    assert!(read > 240, "only {read} certificates were there");
}

/// The suite's lists, entry by entry as `x509-parser` sees them.
#[test]
fn pkits_lists_are_read_as_another_reader_does() {
    use x509_parser::prelude::{CertificateRevocationList, FromDer};

    let Some(shared) = support::shared() else { return };
    let (mut entries, mut limited, mut partial) = (0, 0, 0);
    for file in files(&shared.join("corpus/pkits/crls"), "crl") {
        let der = fs::read(&file).unwrap();
        let crl = match Crl::from_der(&der) {
            Ok(crl) => crl,
            Err(error) => {
                assert!(file.ends_with("BadCRLSignatureCACRL.crl"), "{}: {error}", file.display());
                continue;
            }
        };
        let (rest, other) = CertificateRevocationList::from_der(&der).unwrap();
        assert!(rest.is_empty());
        assert_eq!(crl.issuer().der(), other.issuer().as_raw());
        assert_eq!(crl.this_update().as_second(), other.last_update().timestamp());
        assert_eq!(
            crl.next_update().map(jiff::Timestamp::as_second),
            other.next_update().map(|next| next.timestamp())
        );
        assert_eq!(crl.len(), other.iter_revoked_certificates().count());
        for theirs in other.iter_revoked_certificates() {
            let ours = crl.entry(theirs.raw_serial()).unwrap();
            assert_eq!(ours.at.as_second(), theirs.revocation_date.timestamp());
            let reason = theirs.reason_code().map(|(_, code)| code.0).filter(|code| *code != 0);
            assert_eq!(ours.reason, reason);
            entries += 1;
        }
        limited += usize::from(crl.limited().is_some());
        partial += usize::from(crl.base().is_some() || crl.issuing_distribution_point().is_some());
    }
    assert!(entries >= 40, "only {entries} entries were there");
    assert!(
        partial > 20,
        "only {partial} lists were found to be delta lists or lists of a distribution point"
    );
    assert!((1..=5).contains(&limited), "{limited} lists have unknown critical extensions");
}

/// Every signature in the PDFs of others: read, its certificates agreed upon, and its value right wherever the file
/// was not damaged on purpose.
#[test]
fn signatures_of_other_programs_are_read_and_right() {
    let Some(shared) = support::shared() else { return };
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for file in fs::read_dir(shared.join("corpus")).unwrap().map(|entry| entry.unwrap().path()) {
        for pdf in if file.is_dir() { files(&file, "pdf") } else { Vec::new() } {
            for cms in hex_strings(&fs::read(&pdf).unwrap()) {
                *seen.entry(outcome(&pdf, &cms)).or_default() += 1;
            }
        }
    }
    println!("{seen:?}");
    assert!(seen.get("right").is_some_and(|count| *count > 40), "{seen:?}");
    assert_eq!(seen.get("wrong"), None, "{seen:?}");
}

fn outcome(pdf: &Path, cms: &[u8]) -> &'static str {
    let cms = SignedData::parse(cms, &Limits::default())
        .unwrap_or_else(|error| panic!("{}: {error}", pdf.display()));
    for certificate in &cms.certificates {
        assert_eq!(certificate.disagreement(), None, "{}: {certificate:?}", pdf.display());
    }
    let signer = cms.only_signer().unwrap();
    let certificate = cms.signer_certificate().unwrap().unwrap();
    assert_ne!(signer.attests(certificate), Some(false), "{}", pdf.display());
    // adbe.pkcs7.sha1 signs the content itself, which is the document's to give.
    let Some(signed) = signer.signed_attributes.as_deref().or(cms.content.as_deref()) else {
        return "no attributes";
    };
    match crypto::verify(certificate.spki_der(), signer.scheme().unwrap(), signed, &signer.signature) {
        Ok(()) => "right",
        Err(error) => {
            println!("{}: {error}", pdf.display());
            "wrong"
        }
    }
}

/// `openssl cms -sign` with every kind of key: read, named, and right; with one bit changed, wrong.
#[test]
fn what_openssl_signs_is_read_and_right() {
    let Some(workshop) = Workshop::open() else { return };
    let document = workshop.write("document", "Quyết định\n".as_bytes());
    for (key, options, scheme) in [
        ("rsa2048", &["-md", "sha256"][..], SignatureScheme::RsaPkcs1(DigestAlgorithm::Sha256)),
        ("rsa2048", &["-md", "sha384"], SignatureScheme::RsaPkcs1(DigestAlgorithm::Sha384)),
        ("rsa3072", &["-md", "sha512"], SignatureScheme::RsaPkcs1(DigestAlgorithm::Sha512)),
        ("rsa4096", &["-md", "sha256"], SignatureScheme::RsaPkcs1(DigestAlgorithm::Sha256)),
        ("rsa1024", &["-md", "sha256"], SignatureScheme::RsaPkcs1(DigestAlgorithm::Sha256)),
        ("rsa512", &["-md", "sha256"], SignatureScheme::RsaPkcs1(DigestAlgorithm::Sha256)),
        ("rsa768", &["-md", "md5"], SignatureScheme::RsaPkcs1(DigestAlgorithm::Md5)),
        ("rsa2048", &["-md", "md5"], SignatureScheme::RsaPkcs1(DigestAlgorithm::Md5)),
        ("rsa2048", &["-md", "sha224"], SignatureScheme::RsaPkcs1(DigestAlgorithm::Sha224)),
        ("rsa2048", &["-md", "sha512-256"], SignatureScheme::RsaPkcs1(DigestAlgorithm::Sha512_256)),
        ("rsa2048", &["-md", "sha3-256"], SignatureScheme::RsaPkcs1(DigestAlgorithm::Sha3_256)),
        (
            "rsa2048",
            &[
                "-md",
                "sha256",
                "-keyopt",
                "rsa_padding_mode:pss",
                "-keyopt",
                "rsa_mgf1_md:sha1",
                "-keyopt",
                "rsa_pss_saltlen:20",
            ],
            SignatureScheme::RsaPssMixed {
                digest: DigestAlgorithm::Sha256,
                mask: DigestAlgorithm::Sha1,
                salt_len: 20,
            },
        ),
        ("rsa2048", &["-md", "sha1"], SignatureScheme::RsaPkcs1(DigestAlgorithm::Sha1)),
        (
            "rsa2048",
            &["-md", "sha256", "-keyopt", "rsa_padding_mode:pss", "-keyopt", "rsa_pss_saltlen:32"],
            SignatureScheme::RsaPss { digest: DigestAlgorithm::Sha256, salt_len: 32 },
        ),
        (
            "rsa3072",
            &["-md", "sha512", "-keyopt", "rsa_padding_mode:pss", "-keyopt", "rsa_pss_saltlen:11"],
            SignatureScheme::RsaPss { digest: DigestAlgorithm::Sha512, salt_len: 11 },
        ),
        (
            "rsa1024",
            &["-md", "sha256", "-keyopt", "rsa_padding_mode:pss", "-keyopt", "rsa_pss_saltlen:0"],
            SignatureScheme::RsaPss { digest: DigestAlgorithm::Sha256, salt_len: 0 },
        ),
        ("p256", &["-md", "sha256"], SignatureScheme::Ecdsa(DigestAlgorithm::Sha256)),
        ("p256", &["-md", "sha512"], SignatureScheme::Ecdsa(DigestAlgorithm::Sha512)),
        ("p384", &["-md", "sha384"], SignatureScheme::Ecdsa(DigestAlgorithm::Sha384)),
        ("p384", &["-md", "sha256"], SignatureScheme::Ecdsa(DigestAlgorithm::Sha256)),
        ("p521", &["-md", "sha512"], SignatureScheme::Ecdsa(DigestAlgorithm::Sha512)),
        ("p256", &["-md", "sha1"], SignatureScheme::Ecdsa(DigestAlgorithm::Sha1)),
        ("brainpoolP256r1", &["-md", "sha256"], SignatureScheme::Ecdsa(DigestAlgorithm::Sha256)),
        ("brainpoolP384r1", &["-md", "sha384"], SignatureScheme::Ecdsa(DigestAlgorithm::Sha384)),
        ("brainpoolP512r1", &["-md", "sha512"], SignatureScheme::Ecdsa(DigestAlgorithm::Sha512)),
        ("brainpoolP512r1", &["-md", "sha256"], SignatureScheme::Ecdsa(DigestAlgorithm::Sha256)),
    ] {
        let what = format!("{key} {options:?}");
        let (private, certificate) = workshop.key(key);
        let signed = workshop.path("signed");
        support::run(
            workshop
                .openssl(&["cms", "-sign", "-binary", "-outform", "DER", "-cades", "-in"])
                .arg(&document)
                .arg("-out")
                .arg(&signed)
                .arg("-inkey")
                .arg(&private)
                .arg("-signer")
                .arg(&certificate)
                .args(options),
        );
        let cms = SignedData::parse(&fs::read(&signed).unwrap(), &Limits::default()).unwrap();
        let signer = cms.only_signer().unwrap();
        let found = cms.signer_certificate().unwrap().unwrap();
        assert_eq!(certificates_from_pem(&fs::read(&certificate).unwrap()).unwrap(), [found.clone()]);
        assert_eq!(found.disagreement(), None);
        assert_eq!(signer.scheme(), Ok(scheme), "{what}");
        assert_eq!(signer.attests(found), Some(true), "{what}");
        assert!(signer.signing_time.is_some());
        let digest = signer.digest_algorithm.digest(&fs::read(&document).unwrap());
        assert_eq!(signer.message_digest, Some(digest.bytes), "{what}");

        let mut signed = signer.signed_attributes.clone().unwrap();
        let check = |signed: &[u8]| crypto::verify(found.spki_der(), scheme, signed, &signer.signature);
        assert_eq!(check(&signed), Ok(()), "{what}");
        *signed.last_mut().unwrap() ^= 1;
        assert_eq!(check(&signed), Err(CryptoError::BadSignature), "{what}");
    }
}

/// `openssl cms -sign -stream` writes indefinite lengths, and the content in pieces: it says what the DER says.
#[test]
fn what_openssl_streams_is_read_as_well() {
    let Some(workshop) = Workshop::open() else { return };
    let content: Vec<u8> = (0..40_000_u32).flat_map(u32::to_be_bytes).collect();
    let document = workshop.write("document", &content);
    for key in ["rsa2048", "p256"] {
        for options in [&["-nodetach"][..], &["-nodetach", "-noattr"]] {
            let signed = workshop.path("signed");
            let (private, certificate) = workshop.key(key);
            support::run(
                workshop
                    .openssl(&["cms", "-sign", "-binary", "-indef", "-stream", "-outform", "DER", "-in"])
                    .arg(&document)
                    .arg("-out")
                    .arg(&signed)
                    .arg("-inkey")
                    .arg(&private)
                    .arg("-signer")
                    .arg(&certificate)
                    .args(options),
            );
            let ber = fs::read(&signed).unwrap();
            assert!(ber.starts_with(&[0x30, 0x80]), "{key} {options:?}: not streamed");
            let limits = Limits { cms_bytes: 1 << 20, ..Limits::default() };
            let cms = SignedData::parse(&ber, &limits).unwrap();
            let signer = cms.only_signer().unwrap();
            assert!(cms.content.as_deref() == Some(&content[..]), "{key} {options:?}");
            let signed = signer.signed_attributes.as_deref().unwrap_or(&content);
            assert_eq!(signer.signed_attributes.is_none(), options.contains(&"-noattr"));
            let certificate = cms.signer_certificate().unwrap().unwrap();
            let scheme = signer.scheme().unwrap();
            let check =
                |signed: &[u8]| crypto::verify(certificate.spki_der(), scheme, signed, &signer.signature);
            assert_eq!(check(signed), Ok(()), "{key} {options:?}");
            assert_eq!(check(&signed[1..]), Err(CryptoError::BadSignature));
        }
    }
}

/// pyHanko names the algorithms under protection as well (RFC 6211), and that agrees.
#[test]
fn what_pyhanko_signs_is_read_and_right() {
    let (Some(workshop), Some(pyhanko)) = (Workshop::open(), support::PyHanko::find()) else { return };
    let document = workshop.write("document", "Quyết định\n".as_bytes());
    let pss = |digest: DigestAlgorithm, salt_len| SignatureScheme::RsaPss { digest, salt_len };
    for (key, arguments, scheme) in [
        ("rsa2048", &["sha256"][..], SignatureScheme::RsaPkcs1(DigestAlgorithm::Sha256)),
        // pyHanko takes the longest salt that fits.
        ("rsa3072", &["sha384", "pss"], pss(DigestAlgorithm::Sha384, 334)),
        ("p256", &["sha256"], SignatureScheme::Ecdsa(DigestAlgorithm::Sha256)),
        ("p521", &["sha512"], SignatureScheme::Ecdsa(DigestAlgorithm::Sha512)),
        ("brainpoolP384r1", &["sha384"], SignatureScheme::Ecdsa(DigestAlgorithm::Sha384)),
        ("ed25519", &["sha512"], SignatureScheme::Ed25519),
    ] {
        let what = format!("{key} {arguments:?}");
        let (private, certificate) = workshop.key(key);
        let signed = workshop.path("signed");
        let mut script = pyhanko.script("cms_with_pyhanko.py");
        support::run(script.arg(private).arg(certificate).arg(&document).arg(&signed).args(arguments));
        let cms = SignedData::parse(&fs::read(&signed).unwrap(), &Limits::default()).unwrap();
        let signer = cms.only_signer().unwrap();
        let found = cms.signer_certificate().unwrap().unwrap();
        assert_eq!(signer.protects_algorithms, Some(true), "{what}");
        assert_eq!((signer.scheme(), signer.digest_algorithm), (Ok(scheme), scheme.digest()), "{what}");
        let digest = scheme.digest().digest(&fs::read(&document).unwrap());
        assert_eq!(signer.message_digest, Some(digest.bytes), "{what}");
        let attributes = signer.signed_attributes.as_deref().unwrap();
        let check = |signed: &[u8]| crypto::verify(found.spki_der(), scheme, signed, &signer.signature);
        assert_eq!(check(attributes), Ok(()), "{what}");
        assert_eq!(check(&attributes[1..]), Err(CryptoError::BadSignature), "{what}");
    }
}

/// DSA is known by name, and refused by it.
#[test]
fn dsa_is_refused_by_name() {
    let Some(workshop) = Workshop::open() else { return };
    support::run(&mut workshop.openssl(&[
        "genpkey",
        "-genparam",
        "-algorithm",
        "DSA",
        "-pkeyopt",
        "dsa_paramgen_bits:1024",
        "-out",
        "dsa.pem",
    ]));
    let (_, certificate) = workshop.issue("dsa", &["-newkey", "dsa:dsa.pem"], "/CN=DSA", &[]);
    let certificate = certificates_from_pem(&fs::read(certificate).unwrap()).unwrap().remove(0);
    let unknown = key_kind(certificate.spki_der()).unwrap_err();
    assert_eq!(unknown.to_string(), "DSA (1.2.840.10040.4.1) is not supported");
    let unknown = SignatureScheme::from_identifier(certificate.signature_algorithm(), None).unwrap_err();
    assert_eq!(unknown.name(), Some("DSA with SHA-256"));
    let scheme = SignatureScheme::RsaPkcs1(DigestAlgorithm::Sha256);
    let answer =
        crypto::verify(certificate.spki_der(), scheme, certificate.tbs_der(), certificate.signature());
    assert_eq!(answer, Err(CryptoError::Unsupported));
}

/// What kyso builds, `openssl cms -verify` takes, with and without the certificate of a chain; changed, it does not.
#[test]
fn what_is_built_is_right_for_openssl() {
    let Some(workshop) = Workshop::open() else { return };
    let content = "Công văn số 12/UBND-VP\n".as_bytes();
    let document = workshop.write("document", content);
    let other = workshop.write("other", b"another document\n");
    let chain = [workshop.certificate("p384")];
    for (key, scheme) in [
        ("rsa2048", SignatureScheme::RsaPkcs1(DigestAlgorithm::Sha256)),
        ("rsa3072", SignatureScheme::RsaPkcs1(DigestAlgorithm::Sha512)),
        ("rsa2048", SignatureScheme::RsaPss { digest: DigestAlgorithm::Sha256, salt_len: 32 }),
        ("rsa4096", SignatureScheme::RsaPss { digest: DigestAlgorithm::Sha384, salt_len: 48 }),
        ("p256", SignatureScheme::Ecdsa(DigestAlgorithm::Sha256)),
        ("p384", SignatureScheme::Ecdsa(DigestAlgorithm::Sha384)),
    ] {
        let signer = workshop.certificate(key);
        let signed_attributes = SignedAttributes {
            content_type: oid::DATA,
            message_digest: scheme.digest().digest(content),
            signer: signer.clone(),
            signing_time: None,
        }
        .to_der();
        let value = workshop.sign(key, scheme, &signed_attributes);
        assert_eq!(crypto::verify(signer.spki_der(), scheme, &signed_attributes, &value), Ok(()));
        let cms = SignedDataParts {
            content: None,
            content_type: oid::DATA,
            signed_attributes: &signed_attributes,
            scheme,
            signer: &signer,
            chain: &chain,
            signature: &value,
            time_stamp_token: None,
        };
        let built = workshop.write("built", &cms.to_der());
        let verify = |document: &Path| {
            workshop
                .openssl(&["cms", "-verify", "-binary", "-inform", "DER", "-cades", "-purpose", "any"])
                .arg("-in")
                .arg(&built)
                .arg("-content")
                .arg(document)
                .arg("-CAfile")
                .arg(workshop.key(key).1)
                .output()
                .unwrap()
        };
        let answer = verify(&document);
        assert!(
            answer.status.success() && answer.stdout == content,
            "{key} {}: {}",
            scheme.name(),
            String::from_utf8_lossy(&answer.stderr)
        );
        assert!(!verify(&other).status.success(), "{key}: another document");
    }
}

/// A certificate that `openssl` made, extension by extension, and a list with one entry.
#[test]
fn what_openssl_issues_is_read() {
    let Some(workshop) = Workshop::open() else { return };
    let (key, pem) = workshop.issue(
        "issued",
        &["-newkey", "rsa:2048"],
        "/C=VN/L=Tỉnh Thử/O=Ủy ban nhân dân/CN=Trần Thị B+serialNumber=CCCD:001",
        &[
            "basicConstraints=critical,CA:TRUE,pathlen:1",
            "keyUsage=critical,digitalSignature,nonRepudiation,cRLSign,keyCertSign",
            "extendedKeyUsage=clientAuth,emailProtection,2.16.704.1.1.1.1.1",
            "authorityInfoAccess=OCSP;URI:http://ocsp.example/,caIssuers;URI:http://ca.example/ca.cer",
            "crlDistributionPoints=URI:http://crl.example/1.crl",
            "subjectAltName=email:b@example.vn",
        ],
    );
    let [certificate] = certificates_from_pem(&fs::read(&pem).unwrap()).unwrap().try_into().unwrap();
    assert_eq!(certificate.disagreement(), None);
    assert_eq!(certificate.to_pem(), fs::read_to_string(&pem).unwrap());
    assert_eq!(certificate.subject().common_name().as_deref(), Some("Trần Thị B"));
    assert_eq!(
        certificate.subject().to_string(),
        "serialNumber=CCCD:001+CN=Trần Thị B,O=Ủy ban nhân dân,L=Tỉnh Thử,C=VN"
    );
    assert!(certificate.is_self_issued());
    assert_eq!(certificate.basic_constraints(), Some((true, Some(1))));
    let usage = certificate.key_usage().unwrap();
    assert!(usage.digital_signature && usage.non_repudiation && usage.key_cert_sign && usage.crl_sign);
    let (critical, purposes) = certificate.extended_key_usage().unwrap();
    assert_eq!((critical, purposes.len()), (false, 3));
    assert_eq!(certificate.ocsp_urls(), ["http://ocsp.example/"]);
    assert_eq!(certificate.issuer_urls(), ["http://ca.example/ca.cer"]);
    assert_eq!(certificate.crl_urls(), ["http://crl.example/1.crl"]);
    assert!(certificate.subject_key_identifier().is_some());
    assert_eq!(certificate.unknown_critical(), []);
    assert_eq!(key_kind(certificate.spki_der()), Ok(KeyKind::Rsa { bits: 2048 }));
    let scheme = SignatureScheme::from_identifier(certificate.signature_algorithm(), None).unwrap();
    let own = crypto::verify(certificate.spki_der(), scheme, certificate.tbs_der(), certificate.signature());
    assert_eq!(own, Ok(()));
    let serial = support::run(workshop.openssl(&["x509", "-noout", "-serial", "-in"]).arg(&pem)).stdout;
    let serial = String::from_utf8(serial).unwrap().trim().to_lowercase();
    assert_eq!(serial, format!("serial={}", certificate.serial_hex()));

    workshop.write("index.txt", b"R\t300101000000Z\t260601000000Z,keyCompromise\t9A01\tunknown\t/CN=x\n");
    let config = workshop.write(
        "ca.cnf",
        b"[ca]\ndefault_ca=own\n[own]\ndatabase=index.txt\ndefault_md=sha256\ndefault_crl_days=7\n",
    );
    let list = workshop.path("list.pem");
    support::run(
        workshop
            .openssl(&["ca", "-gencrl", "-config"])
            .arg(&config)
            .arg("-keyfile")
            .arg(&key)
            .arg("-cert")
            .arg(&pem)
            .arg("-out")
            .arg(&list),
    );
    let der = workshop.path("list.der");
    support::run(workshop.openssl(&["crl", "-outform", "DER", "-in"]).arg(&list).arg("-out").arg(&der));
    let crl = Crl::from_der(&fs::read(&der).unwrap()).unwrap();
    let entry = crl.entry(&[0x00, 0x9A, 0x01]).unwrap();
    assert_eq!((entry.at.to_string().as_str(), entry.reason), ("2026-06-01T00:00:00Z", Some(1)));
    assert_eq!((crl.len(), crl.limited()), (1, None));
    assert!(crl.issuer().matches(certificate.subject()));
    let scheme = SignatureScheme::from_identifier(crl.signature_algorithm(), None).unwrap();
    assert_eq!(crypto::verify(certificate.spki_der(), scheme, crl.tbs_der(), crl.signature()), Ok(()));
}

/// A folder with keys and certificates that `openssl` makes on demand.
struct Workshop {
    program: PathBuf,
    dir: TempDir,
}

impl Workshop {
    fn open() -> Option<Self> {
        Some(Self { program: support::tool("openssl")?, dir: tempfile::tempdir().unwrap() })
    }

    fn openssl(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(arguments).current_dir(self.dir.path());
        command
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, bytes).unwrap();
        path
    }

    /// The private key and the certificate of `rsa2048`, `p256` and so on, made when first asked for.
    fn key(&self, kind: &str) -> (PathBuf, PathBuf) {
        let (key, certificate) =
            (self.path(&format!("{kind}.key.pem")), self.path(&format!("{kind}.cert.pem")));
        if certificate.is_file() {
            return (key, certificate);
        }
        let rsa = kind.strip_prefix("rsa").map(|bits| format!("rsa:{bits}"));
        let curve = match kind.strip_prefix('p') {
            Some(bits) => Some(format!("ec_paramgen_curve:P-{bits}")),
            None => kind.starts_with("brainpool").then(|| format!("ec_paramgen_curve:{kind}")),
        };
        let options: Vec<&str> = match (&rsa, &curve) {
            (Some(rsa), _) => vec!["-newkey", rsa],
            (None, None) if kind == "ed25519" => vec!["-newkey", kind],
            (None, Some(curve)) => vec!["-newkey", "ec", "-pkeyopt", curve],
            (None, None) => panic!("no such kind of key: {kind}"),
        };
        self.issue(kind, &options, "/CN=Lê Văn Thử", &["keyUsage=critical,digitalSignature"])
    }

    fn certificate(&self, kind: &str) -> Certificate {
        let pem = fs::read(self.key(kind).1).unwrap();
        certificates_from_pem(&pem).unwrap().remove(0)
    }

    fn issue(&self, name: &str, options: &[&str], subject: &str, extensions: &[&str]) -> (PathBuf, PathBuf) {
        let (key, certificate) =
            (self.path(&format!("{name}.key.pem")), self.path(&format!("{name}.cert.pem")));
        let config = self.write(
            "req.cnf",
            b"[req]\ndistinguished_name=dn\nx509_extensions=ext\n[dn]\n[ext]\nsubjectKeyIdentifier=hash\n",
        );
        let mut command =
            self.openssl(&["req", "-x509", "-nodes", "-days", "30", "-utf8", "-multivalue-rdn", "-sha256"]);
        command.args(options).args(["-subj", subject]);
        for extension in extensions {
            command.args(["-addext", extension]);
        }
        command.arg("-config").arg(&config).arg("-keyout").arg(&key).arg("-out").arg(&certificate);
        support::run(&mut command);
        (key, certificate)
    }

    /// A value by `aws-lc-rs`, as a token would give it.
    fn sign(&self, kind: &str, scheme: SignatureScheme, message: &[u8]) -> Vec<u8> {
        let pkcs8 = self.path("pkcs8.der");
        support::run(
            self.openssl(&["pkcs8", "-topk8", "-nocrypt", "-outform", "DER", "-in"])
                .arg(self.key(kind).0)
                .arg("-out")
                .arg(&pkcs8),
        );
        let pkcs8 = fs::read(&pkcs8).unwrap();
        let random = SystemRandom::new();
        let encoding: &dyn signature::RsaEncoding = match scheme {
            SignatureScheme::Ecdsa(digest) => {
                let algorithm = match digest {
                    DigestAlgorithm::Sha256 => &signature::ECDSA_P256_SHA256_ASN1_SIGNING,
                    _ => &signature::ECDSA_P384_SHA384_ASN1_SIGNING,
                };
                let key = EcdsaKeyPair::from_pkcs8(algorithm, &pkcs8).unwrap();
                return key.sign(&random, message).unwrap().as_ref().to_vec();
            }
            SignatureScheme::RsaPkcs1(DigestAlgorithm::Sha256) => &signature::RSA_PKCS1_SHA256,
            SignatureScheme::RsaPkcs1(_) => &signature::RSA_PKCS1_SHA512,
            SignatureScheme::RsaPss { digest: DigestAlgorithm::Sha256, .. } => &signature::RSA_PSS_SHA256,
            SignatureScheme::RsaPss { .. } => &signature::RSA_PSS_SHA384,
            SignatureScheme::Ed25519 | SignatureScheme::RsaPssMixed { .. } => panic!("not made here"),
        };
        let key = rsa::KeyPair::from_pkcs8(&pkcs8).unwrap();
        let mut value = vec![0; key.public_modulus_len()];
        key.sign(encoding, &random, message, &mut value).unwrap();
        value
    }
}

fn files(dir: &Path, ending: &str) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == ending))
        .collect();
    files.sort();
    files
}

/// The hexadecimal strings of a PDF that begin like a ContentInfo, wherever they stand.
fn hex_strings(pdf: &[u8]) -> Vec<Vec<u8>> {
    let starts = pdf.windows(4).enumerate().filter(|(_, window)| window.eq_ignore_ascii_case(b"<308"));
    starts
        .filter_map(|(start, _)| {
            let rest = &pdf[start + 1..];
            let end = rest.iter().position(|byte| *byte == b'>')?;
            hex::decode(&rest[..end]).ok()
        })
        .collect()
}
