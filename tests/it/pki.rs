//! OCSP, time-stamps, the test PKI, each against OpenSSL.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use kyso::{
    asn1::{Tag, write},
    base::{Chance, Clock, DigestAlgorithm, Limits, UtcTime},
    crypto,
    demo::pki::{DemoPki, DemoServices, Holder, KeyAlgorithm, SigningKey},
    fetch::{FetchError, Fetcher},
    ocsp::{self, CertId, CertStatus, OcspError},
    tsp::{self, TspError},
    x509::{Certificate, Crl, algorithm::SignatureScheme, certificates_from_pem},
};

use crate::support::{root, run, tool};

/// A running PKI, one signer, and a folder with what OpenSSL needs.
struct Town {
    openssl: PathBuf,
    services: DemoServices,
    person: Certificate,
    folder: tempfile::TempDir,
}

impl Town {
    /// `None` where OpenSSL is not installed. The clock is the system's, which OpenSSL looks at as well.
    fn new() -> Option<Self> {
        let openssl = tool("openssl")?;
        let services = DemoServices::start(Clock::System, Chance::system()).unwrap();
        let person = person(services.pki());
        let folder = tempfile::tempdir().unwrap();
        let town = Self { openssl, services, person, folder };
        town.put("root.pem", town.pki().root().certificate().to_pem());
        town.put("ca.pem", town.pki().ca().certificate().to_pem());
        town.put("person.pem", town.person.to_pem());
        Some(town)
    }

    fn pki(&self) -> &DemoPki {
        self.services.pki()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn put(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::write(self.path(name), content).unwrap();
    }

    fn get(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap()
    }

    /// OpenSSL inside the folder, with words split at spaces.
    fn openssl(&self, arguments: &str) -> Command {
        let mut command = Command::new(&self.openssl);
        command.args(arguments.split(' ')).current_dir(self.folder.path());
        command
    }

    fn fetcher(&self) -> Fetcher {
        Fetcher::allowing([self.services.host()])
    }

    /// What `openssl ocsp` makes of our responder.
    fn ocsp(&self, more: &str) -> String {
        let url = self.services.ocsp_url();
        let command = format!("ocsp -issuer ca.pem -cert person.pem -CAfile root.pem -url {url} {more}");
        let output = run(&mut self.openssl(command.trim_end()));
        text(&output)
    }
}

fn text(output: &Output) -> String {
    [String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr)].concat()
}

fn person(pki: &DemoPki) -> Certificate {
    let key = SigningKey::generate(KeyAlgorithm::EcP256).unwrap();
    let holder = Holder::new("Nguyễn Văn An").in_unit("Sở Nội vụ").with_email("an@cantho.example");
    pki.issue_person(key.spki_der(), &holder).unwrap()
}

fn at(text: &str) -> UtcTime {
    text.parse().unwrap()
}

#[test]
fn openssl_accepts_the_chain_and_the_lists() {
    let Some(town) = Town::new() else { return };
    let agency_key = SigningKey::generate(KeyAlgorithm::Rsa2048).unwrap();
    let agency = town.pki().issue_agency(agency_key.spki_der(), &Holder::new("Sở Nội vụ")).unwrap();
    town.put("agency.pem", agency.to_pem());
    town.put("tsa.pem", town.pki().tsa().certificate().to_pem());
    for name in ["person.pem", "agency.pem", "tsa.pem"] {
        run(&mut town.openssl(&format!("verify -x509_strict -CAfile root.pem -untrusted ca.pem {name}")));
    }

    town.pki().revoke(agency.serial(), town.person.not_before(), Some(1)).unwrap();
    for slug in ["root", "ca"] {
        let crl = town.pki().crl(slug).unwrap().unwrap();
        town.put(&format!("{slug}.crl"), &crl);
        let crl = Crl::from_der(&crl).unwrap();
        assert!(crl.limited().is_none());
        assert_eq!(crl.entry(agency.serial()).is_some(), slug == "ca");
        assert!(crl.entry(town.person.serial()).is_none());
        run(&mut town.openssl(&format!("crl -inform DER -in {slug}.crl -out {slug}.crl.pem")));
        let output = run(&mut town.openssl(&format!("crl -in {slug}.crl.pem -CAfile {slug}.pem -noout")));
        assert!(text(&output).contains("verify OK"));
    }
    town.put("crls.pem", [town.get("root.crl.pem"), town.get("ca.crl.pem")].concat());
    let checked = "verify -crl_check_all -CRLfile crls.pem -CAfile root.pem -untrusted ca.pem";
    run(&mut town.openssl(&format!("{checked} person.pem")));
    let output = town.openssl(&format!("{checked} agency.pem")).output().unwrap();
    assert!(!output.status.success() && text(&output).contains("certificate revoked"), "{}", text(&output));
}

#[test]
fn revocations_of_later_are_not_on_a_list_of_earlier() {
    let pki = DemoPki::new(Clock::Fixed(at("2026-03-01T00:00:00Z")), Chance::system()).unwrap();
    let person = person(&pki);
    pki.revoke(person.serial(), at("2026-04-01T00:00:00Z"), None).unwrap();
    for (now, listed) in [("2026-03-31T23:59:59Z", false), ("2026-04-01T00:00:00Z", true)] {
        let crl = Crl::from_der(&pki.ca().crl(at(now), at("2027-01-01T00:00:00Z")).unwrap()).unwrap();
        let entry = crl.entry(person.serial());
        assert_eq!(
            entry.map(|revoked| (revoked.at, revoked.reason)),
            listed.then(|| (at("2026-04-01T00:00:00Z"), None))
        );
    }
    assert!(pki.revoke(&[1, 2, 3], at("2026-04-01T00:00:00Z"), None).is_err());
    assert!(person.ocsp_urls().is_empty() && person.crl_urls().is_empty());
    assert_eq!(person.not_after(), at("2029-02-28T23:00:00Z"));
}

#[test]
fn openssl_accepts_our_ocsp_answers() {
    let Some(town) = Town::new() else { return };
    for more in ["", "-no_nonce", "-sha256"] {
        // `-sha256` says how names are hashed and must stand before the certificate.
        let answer = match more {
            "-sha256" => {
                let url = town.services.ocsp_url();
                let command =
                    format!("ocsp -sha256 -issuer ca.pem -cert person.pem -CAfile root.pem -url {url}");
                text(&run(&mut town.openssl(&command)))
            }
            _ => town.ocsp(more),
        };
        assert!(answer.contains("Response verify OK") && answer.contains("person.pem: good"), "{answer}");
        assert!(!answer.contains("WARNING: no nonce") || more == "-no_nonce", "{answer}");
    }

    town.pki().revoke(town.person.serial(), town.person.not_before(), Some(4)).unwrap();
    let answer = town.ocsp("");
    assert!(answer.contains("person.pem: revoked") && answer.contains("Reason: superseded"), "{answer}");

    let url = town.services.ocsp_url();
    let unknown = format!("ocsp -issuer ca.pem -serial 0x1234 -CAfile root.pem -url {url}");
    assert!(text(&run(&mut town.openssl(&unknown))).contains("0x1234: unknown"));
    let stranger = format!("ocsp -issuer person.pem -serial 1 -CAfile root.pem -url {url}");
    assert!(text(&town.openssl(&stranger).output().unwrap()).contains("unauthorized"));
    let of_ca = format!("ocsp -issuer root.pem -cert ca.pem -CAfile root.pem -url {url}");
    let answer = text(&run(&mut town.openssl(&of_ca)));
    assert!(answer.contains("Response verify OK") && answer.contains("ca.pem: good"), "{answer}");
}

#[test]
fn what_the_certificates_name_is_there_and_fits() {
    let Some(town) = Town::new() else { return };
    let (fetcher, ca, person) = (town.fetcher(), town.pki().ca().certificate(), &town.person);
    let [ocsp_url] = person.ocsp_urls().try_into().unwrap();
    let [crl_url] = person.crl_urls().try_into().unwrap();
    let [issuer_url] = person.issuer_urls().try_into().unwrap();

    assert_eq!(certificates_from_pem(&fetcher.get_certificate(&issuer_url).unwrap()).unwrap(), [ca.clone()]);
    let crl = Crl::from_der(&fetcher.get_crl(&crl_url).unwrap()).unwrap();
    assert!(crl.issuer().matches(person.issuer()));
    let scheme = SignatureScheme::from_identifier(crl.signature_algorithm(), None).unwrap();
    assert_eq!(crypto::verify(ca.spki_der(), scheme, crl.tbs_der(), crl.signature()), Ok(()));

    for digest in [DigestAlgorithm::Sha1, DigestAlgorithm::Sha256] {
        let cert_id = CertId::new(person, ca, digest);
        assert!(cert_id.names(person, ca) && cert_id.names_issuer(ca));
        assert!(!cert_id.names(ca, ca) && !cert_id.names(person, person) && !cert_id.names_issuer(person));
        let request = ocsp::Request::new(cert_id, Some(b"0123456789abcdef".to_vec())).to_der();
        let response = ocsp::Response::parse(&fetcher.post_ocsp(&ocsp_url, &request).unwrap()).unwrap();
        let single = response.single(person, ca).unwrap();
        assert_eq!(single.status, CertStatus::Good);
        assert!(response.single(ca, ca).is_none());
        assert_eq!(response.nonce.as_deref(), Some(&b"0123456789abcdef"[..]));
        let [responder] = &response.certificates[..] else { panic!("one certificate") };
        assert!(response.responder_id.names(responder) && !response.responder_id.names(ca));
        assert!(responder.has_extension(kyso::asn1::oid::OCSP_NOCHECK));
        let scheme = SignatureScheme::from_identifier(&response.signature_algorithm, None).unwrap();
        let verify =
            |by: &Certificate| crypto::verify(by.spki_der(), scheme, &response.tbs_der, &response.signature);
        assert_eq!(verify(responder), Ok(()));
        assert!(verify(person).is_err());

        // The same by GET (RFC 6960 appendix A.1), with `/`, `+` and `=` escaped.
        let path = STANDARD.encode(&request).replace('/', "%2F").replace('+', "%2B").replace('=', "%3D");
        let answer = http_get(&town, &format!("/ocsp/{path}"));
        assert_eq!(
            ocsp::Response::parse(&answer).unwrap().single(person, ca).unwrap().status,
            CertStatus::Good
        );
    }

    let refused = |request: &[u8]| ocsp::Response::parse(&town.pki().ocsp(request)).unwrap_err();
    assert_eq!(refused(b"?"), OcspError::Status { status: "malformedRequest" });
    let elsewhere = CertId::new(person, person, DigestAlgorithm::Sha1);
    let request = ocsp::Request::new(elsewhere, None).to_der();
    assert_eq!(refused(&request), OcspError::Status { status: "unauthorized" });

    let missing = fetcher.get_crl(&crl_url.replace("ca.crl", "nobody.crl"));
    assert!(matches!(missing, Err(FetchError::Status { status: 404, .. })), "{missing:?}");
    let status = http_get(&town, "/");
    assert!(String::from_utf8_lossy(&status).contains("/crl/ca.crl"));
}

fn http_get(town: &Town, path: &str) -> Vec<u8> {
    let mut stream = TcpStream::connect(town.services.host()).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer));
    let body = answer.windows(4).position(|window| window == b"\r\n\r\n").unwrap() + 4;
    answer.split_off(body)
}

#[test]
fn we_read_what_openssl_answers() {
    let Some(town) = Town::new() else { return };
    let (ca, person) = (town.pki().ca().certificate(), &town.person);
    let (responder_key, responder) = town.pki().ca().responder();
    town.put("responder.pem", responder.to_pem());
    town.put("responder.key", responder_key.to_pem().as_bytes());
    let serial = person.serial_hex().to_uppercase();
    let request = ocsp::Request::new(CertId::new(person, ca, DigestAlgorithm::Sha1), Some(vec![5; 32]));
    town.put("request.der", request.to_der());
    for (line, expected) in [
        (format!("V\t460101000000Z\t\t{serial}\tunknown\t/CN=An\n"), CertStatus::Good),
        (
            format!("R\t460101000000Z\t260201000000Z,keyCompromise\t{serial}\tunknown\t/CN=An\n"),
            CertStatus::Revoked { at: at("2026-02-01T00:00:00Z"), reason: Some(1) },
        ),
        (
            format!("R\t460101000000Z\t260201000000Z\t{serial}\tunknown\t/CN=An\n"),
            CertStatus::Revoked { at: at("2026-02-01T00:00:00Z"), reason: None },
        ),
        ("V\t460101000000Z\t\t01\tunknown\t/CN=Other\n".to_owned(), CertStatus::Unknown),
    ] {
        town.put("index.txt", line);
        for by in ["", " -resp_key_id"] {
            run(&mut town.openssl(&format!(
                "ocsp -index index.txt -CA ca.pem -rsigner responder.pem -rkey responder.key -ndays 1 \
                 -reqin request.der -respout response.der{by}"
            )));
            let response = ocsp::Response::parse(&town.get("response.der")).unwrap();
            assert_eq!(response.single(person, ca).unwrap().status, expected);
            assert_eq!(response.nonce, request.nonce);
            assert!(response.responder_id.names(responder));
            assert_eq!(response.certificates, [responder.clone()]);
            assert!(response.singles[0].next_update > Some(response.produced_at));
        }
    }
    run(&mut town.openssl("ocsp -issuer ca.pem -cert person.pem -reqout request.der"));
    let by_openssl = ocsp::Request::parse(&town.get("request.der")).unwrap();
    assert!(by_openssl.cert_ids[0].names(person, ca));
    assert!(by_openssl.nonce.is_some_and(|nonce| nonce.len() >= 16));
}

#[test]
fn openssl_accepts_our_time_stamps() {
    let Some(town) = Town::new() else { return };
    let (fetcher, url) = (town.fetcher(), town.services.tsa_url());
    town.put("data", "một quyết định");
    for (digest, certificate) in
        [("-sha256", " -cert"), ("-sha384", " -cert"), ("-sha512", ""), ("-sha256", " -no_nonce")]
    {
        run(&mut town.openssl(&format!("ts -query -data data {digest}{certificate} -out query.tsq")));
        town.put("reply.tsr", fetcher.post_timestamp(&url, &town.get("query.tsq")).unwrap());
        town.put("tsa.pem", town.pki().tsa().certificate().to_pem());
        let verify = "ts -verify -in reply.tsr -CAfile root.pem -untrusted";
        // A token without certificates is verified with those that the verifier has.
        let untrusted = if certificate == " -cert" { "ca.pem" } else { "both.pem" };
        town.put("both.pem", [town.get("tsa.pem"), town.get("ca.pem")].concat());
        run(&mut town.openssl(&format!("{verify} {untrusted} -queryfile query.tsq")));
        run(&mut town.openssl(&format!("{verify} {untrusted} -data data")));
        town.put("other", "một quyết định khác");
        assert!(
            !town.openssl(&format!("{verify} {untrusted} -data other")).output().unwrap().status.success()
        );

        let request = tsp::Request::parse(&town.get("query.tsq")).unwrap();
        let token = tsp::token_from_response(&town.get("reply.tsr"), &request).unwrap();
        let token = tsp::Token::parse(&token, &Limits::default()).unwrap();
        assert_eq!(token.signed_data.certificates.is_empty(), certificate != " -cert");
    }
    // An authority that refuses says why.
    run(&mut town.openssl("ts -query -data data -sha1 -out query.tsq"));
    let reply = fetcher.post_timestamp(&url, &town.get("query.tsq")).unwrap();
    let request = tsp::Request::parse(&town.get("query.tsq")).unwrap();
    let refused = tsp::token_from_response(&reply, &request);
    assert!(
        matches!(&refused, Err(TspError::Refused { status }) if status.contains("badAlg")),
        "{refused:?}"
    );
    let reply = fetcher.post_timestamp(&url, b"?").unwrap();
    let refused = tsp::token_from_response(&reply, &request);
    assert!(
        matches!(&refused, Err(TspError::Refused { status }) if status.contains("badDataFormat")),
        "{refused:?}"
    );
}

#[test]
fn we_read_what_openssl_time_stamps() {
    let Some(town) = Town::new() else { return };
    let tsa = town.pki().tsa();
    town.put("tsa.pem", tsa.certificate().to_pem());
    town.put("tsa.key", tsa.key().to_pem().as_bytes());
    town.put("serial", "01\n");
    town.put("ts.cnf", OPENSSL_TSA);
    let imprint = DigestAlgorithm::Sha384.digest(b"document");
    let request = tsp::Request::new(imprint.clone(), &Chance::system());
    town.put("query.tsq", request.to_der());
    run(&mut town.openssl(
        "ts -reply -config ts.cnf -queryfile query.tsq -inkey tsa.key -signer tsa.pem -out reply.tsr",
    ));

    let token_der = tsp::token_from_response(&town.get("reply.tsr"), &request).unwrap();
    let token = tsp::Token::parse(&token_der, &Limits::default()).unwrap();
    assert_eq!(token.info.imprint, imprint);
    assert!((token.info.gen_time - Clock::System.now()).abs().as_hours() == 0);
    assert!(token.signed_data.certificates.contains(tsa.certificate()));

    let another = tsp::Request::new(imprint.clone(), &Chance::system());
    let mismatch =
        |request: &tsp::Request| tsp::token_from_response(&town.get("reply.tsr"), request).unwrap_err();
    assert_eq!(mismatch(&another), TspError::Mismatch { what: "the nonce" });
    assert_eq!(
        mismatch(&tsp::Request { nonce: None, ..request.clone() }),
        TspError::Mismatch { what: "the nonce" }
    );
    let other_imprint = tsp::Request { imprint: DigestAlgorithm::Sha384.digest(b"other"), ..request.clone() };
    assert_eq!(mismatch(&other_imprint), TspError::Mismatch { what: "the imprint" });
    // The same digest under another name is another imprint.
    let renamed = tsp::Request { imprint: DigestAlgorithm::Sha512.digest(b"document"), ..request.clone() };
    assert_eq!(mismatch(&renamed), TspError::Mismatch { what: "the imprint" });

    // Bytes cut off or changed never panic, and no cut passes. Every seventh: each is read with two certificates inside.
    let reply = town.get("reply.tsr");
    for cut in (0..reply.len()).step_by(7) {
        assert!(tsp::token_from_response(&reply[..cut], &request).is_err(), "cut at {cut}");
    }
    for at in (0..reply.len()).step_by(7) {
        let mut changed = reply.clone();
        changed[at] ^= 0x10;
        let _ = tsp::token_from_response(&changed, &request);
    }
}

#[test]
fn https_is_followed_with_certificates_that_lead_to_a_root() {
    let Some(openssl) = tool("openssl") else { return };
    let folder = tempfile::tempdir().unwrap();
    let made = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=here \
                -addext subjectAltName=IP:127.0.0.1 -addext basicConstraints=critical,CA:FALSE -keyout key.pem -out cert.pem";
    run(Command::new(&openssl).args(made.split_whitespace()).current_dir(&folder));
    let list = DemoPki::new(Clock::System, Chance::system()).unwrap().crl("root").unwrap().unwrap();
    fs::write(folder.path().join("a.crl"), [&b"HTTP/1.0 200 OK\r\n\r\n"[..], &list].concat()).unwrap();
    let served = "s_server -accept 127.0.0.1:0 -cert cert.pem -key key.pem -HTTP";
    let mut server = Command::new(&openssl)
        .args(served.split_whitespace())
        .current_dir(&folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(server.stdout.take().unwrap()).lines();
    let host = said.find_map(|line| line.unwrap().strip_prefix("ACCEPT ").map(str::to_owned)).unwrap();

    let url = format!("https://{host}/a.crl");
    let stranger = Fetcher::allowing([&host]);
    let unknown = stranger.get_crl(&url);
    let known =
        stranger.clone().with_tls_roots(&fs::read(folder.path().join("cert.pem")).unwrap()).get_crl(&url);
    let guarded = Fetcher::new().get_crl(&url);
    server.kill().unwrap();
    server.wait().unwrap();
    assert!(matches!(unknown, Err(FetchError::Connection { .. })), "{unknown:?}");
    assert_eq!(known.unwrap(), list);
    assert!(matches!(guarded, Err(FetchError::Forbidden { .. })), "{guarded:?}");
}

/// The default TSA of `openssl ts -reply`.
const OPENSSL_TSA: &str = "\
[tsa]
default_tsa = demo
[demo]
serial = serial
default_policy = 1.3.6.1.4.1.32473.1
digests = sha256, sha384, sha512
signer_digest = sha256
accuracy = secs:1, millisecs:500, microsecs:100
clock_precision_digits = 3
ordering = yes
tsa_name = yes
ess_cert_id_chain = no
ess_cert_id_alg = sha256
";

#[test]
fn a_token_of_other_content_is_no_time_stamp() {
    let pki = DemoPki::new(Clock::Fixed(at("2026-03-01T00:00:00Z")), Chance::system()).unwrap();
    let request = tsp::Request::new(DigestAlgorithm::Sha256.digest(b"document"), &Chance::system());
    let token = pki.tsa().token(&request, at("2026-03-01T00:00:00.25Z")).unwrap();
    let parsed = tsp::Token::parse(&token, &Limits::default()).unwrap();
    assert_eq!(parsed.info.gen_time, at("2026-03-01T00:00:00.25Z"));
    assert_eq!(parsed.info.nonce, request.nonce);

    // The last arc of the content type, changed.
    let tst_info = write::oid(kyso::asn1::oid::TST_INFO);
    let place = token.windows(tst_info.len()).position(|window| window == tst_info).unwrap();
    let mut renamed = token.clone();
    renamed[place + tst_info.len() - 1] ^= 1;
    let error = tsp::Token::parse(&renamed, &Limits::default()).unwrap_err();
    assert!(error.to_string().contains("not a TSTInfo"), "{error}");
}

#[test]
fn names_and_keys_that_no_certificate_can_hold_are_refused() {
    let pki = DemoPki::new(Clock::Fixed(at("2026-03-01T00:00:00Z")), Chance::system()).unwrap();
    let key = SigningKey::generate(KeyAlgorithm::EcP384).unwrap();
    let holder = Holder::new("An");
    assert!(pki.issue_person(b"not a key", &holder).is_err());
    assert!(pki.issue_person(&write::value(Tag::SEQUENCE, &[]), &holder).is_err());
    assert!(pki.issue_person(key.spki_der(), &holder.clone().with_email("ân@cantho.example")).is_err());
    assert!(pki.issue_person(key.spki_der(), &holder).is_ok());
    assert_eq!(format!("{key:?}"), "SigningKey(SHA384withECDSA)");
}

#[test]
fn keys_sign_by_every_scheme_they_claim() {
    use DigestAlgorithm::{Sha1, Sha256, Sha384, Sha512};

    let pss = |digest: DigestAlgorithm| SignatureScheme::RsaPss { digest, salt_len: digest.len() };
    for (algorithm, schemes) in [
        (KeyAlgorithm::EcP256, vec![SignatureScheme::Ecdsa(Sha256)]),
        (KeyAlgorithm::EcP384, vec![SignatureScheme::Ecdsa(Sha384)]),
        (
            KeyAlgorithm::Rsa2048,
            [Sha256, Sha384, Sha512]
                .into_iter()
                .flat_map(|d| [SignatureScheme::RsaPkcs1(d), pss(d)])
                .collect(),
        ),
    ] {
        let key = SigningKey::generate(algorithm).unwrap();
        let key = SigningKey::from_pem(&key.to_pem()).unwrap();
        assert_eq!(key.scheme(), schemes[0]);
        for scheme in schemes {
            let signature = key.sign_as(scheme, b"message").unwrap();
            assert_eq!(
                crypto::verify(key.spki_der(), scheme, b"message", &signature),
                Ok(()),
                "{}",
                scheme.name()
            );
            assert!(crypto::verify(key.spki_der(), scheme, b"massage", &signature).is_err());
        }
        assert!(key.sign_as(SignatureScheme::Ecdsa(Sha1), b"message").is_err());
        assert!(key.sign_as(SignatureScheme::RsaPkcs1(Sha1), b"message").is_err());
    }
    assert!(SigningKey::from_pem("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n").is_err());
    assert!(SigningKey::from_pkcs8(b"").is_err());
}

#[test]
fn the_services_end_and_free_their_port() {
    let services = DemoServices::start(Clock::System, Chance::system()).unwrap();
    let host = services.host();
    assert!(TcpStream::connect(&host).is_ok());
    services.stop();
    assert!(TcpStream::connect(&host).is_err());
}

#[test]
fn the_committed_certificates_are_what_their_index_says() {
    let Some(openssl) = tool("openssl") else { return };
    let folder = root().join("certs-test");
    let index: serde_json::Value =
        serde_json::from_slice(&fs::read(folder.join("index.json")).unwrap()).unwrap();
    let listed = at(index["at"].as_str().unwrap()) + jiff::SignedDuration::from_hours(60 * 24);
    let readme = fs::read_to_string(folder.join("README.md")).unwrap();
    let entries = index["certificates"].as_array().unwrap();
    assert!(entries.len() >= 25);
    let scratch = tempfile::tempdir().unwrap();
    let crls = scratch.path().join("crls.pem");
    let lists = ["root", "ca-rsa", "ca-ec"].map(|ca| fs::read(folder.join(format!("{ca}.crl.pem"))).unwrap());
    fs::write(&crls, lists.concat()).unwrap();

    let issuer_of =
        |name: &str| entries.iter().find(|entry| entry["name"] == name).unwrap()["issuer"].as_str().unwrap();
    for entry in entries {
        let field = |name: &str| entry[name].as_str().unwrap();
        let (name, state) = (field("name"), field("state"));
        assert!(readme.contains(&format!("| `{name}` | `{}` | {state} |", field("issuer"))), "{name}");
        let certificate = committed(&folder, field("certificate"));
        let key = fs::read_to_string(folder.join(field("key"))).unwrap();
        assert_eq!(SigningKey::from_pem(&key).unwrap().spki_der(), certificate.spki_der(), "{name}");
        assert_eq!(certificate.sha256().to_hex(), field("sha256"));
        assert_eq!(certificate.serial_hex(), field("serial"));
        assert!(certificate.disagreement().is_none(), "{name}: {:?}", certificate.disagreement());

        let mut verify = Command::new(&openssl);
        verify.args(["verify", "-x509_strict", "-attime", &listed.as_second().to_string()]);
        let mut issuer = field("issuer");
        while issuer_of(issuer) != issuer {
            verify.arg("-untrusted").arg(folder.join(format!("{issuer}.crt.pem")));
            issuer = issuer_of(issuer);
        }
        // The lists are those of the three CAs that matter.
        if ["root", "ca-rsa", "ca-ec"].contains(&field("issuer")) && name != "root" {
            verify.arg("-crl_check").arg("-CRLfile").arg(&crls);
        }
        verify.arg("-CAfile").arg(folder.join("root.crt.pem"));
        let purpose = match name {
            _ if name.starts_with("tsa") => Some("timestampsign"),
            _ if name.starts_with("person") || name.starts_with("agency") => Some("smimesign"),
            _ => None,
        };
        verify.args(purpose.iter().flat_map(|purpose| ["-purpose", purpose]));
        let output = verify.arg(folder.join(field("certificate"))).output().unwrap();
        // A CA too deep is bad only when something stands below it.
        let expected = state == "good" || name == "ca-too-deep";
        assert_eq!(output.status.success(), expected, "{name} is {state}: {}", text(&output));
    }
}

fn committed(folder: &Path, name: &str) -> Certificate {
    let [certificate] =
        certificates_from_pem(&fs::read(folder.join(name)).unwrap()).unwrap().try_into().unwrap();
    certificate
}

#[test]
fn the_command_writes_a_whole_set_with_keys_for_the_owner_only() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("made/here");
    let kyso = env!("CARGO_BIN_EXE_kyso");
    let output = run(Command::new(kyso).args(["pki", "--at", "2030-01-01T00:00:00Z", "--out"]).arg(&out));
    assert!(text(&output).contains("certificates"));
    // Twice, so that what is there is replaced.
    let old = fs::read(out.join("person-p256.key.pem")).unwrap();
    run(Command::new(kyso).args(["pki", "--at", "2030-01-01T00:00:00Z", "--out"]).arg(&out));
    assert_ne!(fs::read(out.join("person-p256.key.pem")).unwrap(), old);

    let names = |folder: &Path| {
        let mut names: Vec<String> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    };
    assert_eq!(
        names(&out),
        names(&root().join("certs-test")),
        "./dev certs brings the committed set up to date"
    );
    for name in names(&out) {
        let mode = fs::metadata(out.join(&name)).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode == 0o600, name.ends_with(".key.pem"), "{name} has mode {mode:o}");
    }
    let person = committed(&out, "person-rsa3072.crt.pem");
    assert_eq!(person.not_before(), at("2030-01-01T00:00:00Z"));
    assert_eq!(person.not_after(), at("2050-01-01T00:00:00Z"));

    let refused = Command::new(kyso).args(["pki", "--out", "/dev/null/x"]).output().unwrap();
    assert!(!refused.status.success() && text(&refused).contains("/dev/null/x"), "{}", text(&refused));
}
