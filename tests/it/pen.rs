//! Signing, checked by what was not written here.

use std::{
    fs,
    ops::Range,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use kyso::{
    base::{Chance, Clock, Limits, MemorySource},
    demo::pki::{
        CertificateRequest, DemoServices, Holder, KeyAlgorithm, Profile, SigningKey, TimeStampAuthority,
    },
    fetch::Fetcher,
    service::sign::{Identity, SignError, SigningDesk, TimeStamping},
    signing::Wishes,
    token::provision::NewKeyKind,
    validation::{DocumentReport, Indication, Overall, Policy, SignatureReport},
    x509::Certificate,
};
use serde_json::Value;

use crate::{
    soft_token::{LABEL, PIN, SoftToken},
    support::{self, PyHanko, PyHankoVerdict, shared},
};

/// Every document that LibreOffice made, and the project's own, signed with an RSA key on SoftHSM with a
/// time-stamp: the earlier bytes stay, poppler and pyHanko accept it, kyso finds it valid.
#[test]
fn each_kind_of_file_signed_on_softhsm_is_accepted_by_others() {
    let Some(desk) = Desk::softhsm(NewKeyKind::Rsa2048) else { return };
    each_kind_of_file(&desk);
}

#[test]
fn each_kind_of_file_signed_on_the_built_in_token_is_accepted_by_others() {
    each_kind_of_file(&Desk::embedded(NewKeyKind::Rsa2048));
}

fn each_kind_of_file(desk: &Desk) {
    let mut files =
        vec![support::root().join("samples/quyet-dinh.pdf"), support::root().join("samples/phu-luc.pdf")];
    if let Some(shared) = shared() {
        let names = [
            "quyet-dinh-khen-thuong",
            "phu-luc-danh-sach",
            "cong-van",
            "quyet-dinh-pdfa2",
            "qd-classic-1.4",
            "qd-xref-stream",
            "qd-linearized",
            "qd-rotated",
        ];
        files.extend(names.map(|name| shared.join(format!("data/{name}.pdf"))));
    }
    for file in files {
        let signed = desk.folder.path().join("signed.pdf");
        let told = desk.sign(&file, &signed, &["--tsa", &desk.pki.tsa_url(), "--reason", "Phê duyệt"]);
        assert!(told.status.success(), "{}: {}", file.display(), text(&told.stderr));
        let (before, after) = (fs::read(&file).unwrap(), fs::read(&signed).unwrap());
        assert_eq!(after[..before.len()], before, "{}: an earlier byte changed", file.display());
        desk.everybody_accepts(&signed, 1);
        fs::remove_file(signed).unwrap();
    }
}

/// The other keys and schemes, on the project's own decision.
#[test]
fn other_keys_and_digests_are_accepted_by_others() {
    for (kind, more) in [
        (NewKeyKind::P256, &["--digest", "sha256"][..]),
        (NewKeyKind::P384, &["--digest", "sha384"]),
        (NewKeyKind::Rsa3072, &["--digest", "sha512"]),
        (NewKeyKind::Rsa2048, &["--pss"]),
    ] {
        for desk in [Desk::softhsm(kind), Some(Desk::embedded(kind))].into_iter().flatten() {
            let signed = desk.folder.path().join("signed.pdf");
            let told = desk.sign(&sample(), &signed, more);
            assert!(told.status.success(), "{kind:?}: {}", text(&told.stderr));
            desk.everybody_accepts(&signed, 1);
        }
    }
}

/// The person signs, then the agency: both stay valid, for everybody.
#[test]
fn the_second_signature_keeps_the_first_one_valid() {
    let leader = Desk::embedded(NewKeyKind::Rsa2048);
    let (once, twice) = (leader.folder.path().join("once.pdf"), leader.folder.path().join("twice.pdf"));
    let data = shared().map(|shared| shared.join("data"));
    let files = data.map_or(vec![sample()], |data| {
        vec![
            sample(),
            data.join("qd-xref-stream.pdf"),
            data.join("qd-linearized.pdf"),
            data.join("qd-classic-1.4.pdf"),
        ]
    });
    for file in files {
        let tsa = leader.pki.tsa_url();
        assert!(leader.sign(&file, &once, &["--tsa", &tsa, "--overwrite"]).status.success());
        let told = leader.sign(&once, &twice, &["--tsa", &tsa, "--overwrite", "--reason", "Phát hành"]);
        assert!(told.status.success(), "{}", text(&told.stderr));
        assert!(fs::read(&twice).unwrap().starts_with(&fs::read(&once).unwrap()));
        leader.everybody_accepts(&twice, 2);
    }
}

#[test]
fn what_pyhanko_signs_verifies_here() {
    let Some(pyhanko) = PyHanko::find() else { return };
    let desk = Desk::soft();
    let folder = desk.folder.path();
    let (key, certificate, chain) = (folder.join("key.pem"), folder.join("cert.pem"), folder.join("ca.pem"));
    for algorithm in [KeyAlgorithm::Rsa2048, KeyAlgorithm::EcP256] {
        let signing_key = SigningKey::generate(algorithm).unwrap();
        let person = desk.pki.pki().issue_person(signing_key.spki_der(), &Holder::new("Lê Thị Mẫu")).unwrap();
        fs::write(&key, signing_key.to_pem().as_bytes()).unwrap();
        fs::write(&certificate, person.to_pem()).unwrap();
        fs::write(&chain, desk.pki.pki().ca().certificate().to_pem()).unwrap();
        for more in
            [vec![], vec!["--tsa".to_owned(), desk.pki.tsa_url()], vec!["--digest".into(), "sha512".into()]]
        {
            let signed = folder.join("pyhanko.pdf");
            let mut arguments = vec!["--key".to_owned(), path(&key), "--cert".into(), path(&certificate)];
            arguments.extend(["--chain".to_owned(), path(&chain)]);
            arguments.extend(more.clone());
            pyhanko.sign(&sample(), &signed, &arguments);
            let report = desk.verify(&signed);
            assert_eq!(report["documents"][0]["overall"], "valid", "{algorithm:?} {more:?}: {report:#}");
        }
    }
}

#[test]
fn what_cannot_be_signed_is_refused_and_leaves_nothing() {
    let desk = Desk::embedded(NewKeyKind::P256);
    let folder = desk.folder.path();
    let output = folder.join("out.pdf");
    let whole = fs::read(sample()).unwrap();
    let broken = folder.join("broken.pdf");
    let cases = vec![
        ("cut short", whole[..whole.len() / 2].to_vec(), 65),
        ("no PDF", b"xin chao".to_vec(), 65),
        ("empty", Vec::new(), 65),
    ];
    for (what, bytes, status) in cases {
        fs::write(&broken, &bytes).unwrap();
        let told = desk.sign(&broken, &output, &[]);
        assert_eq!(told.status.code(), Some(status), "{what}: {}", text(&told.stderr));
        assert!(!output.exists(), "{what} left an output");
        assert_eq!(fs::read(&broken).unwrap(), bytes, "{what}: the input was touched");
    }

    let told = desk.sign(&sample(), &output, &["--tsa", "http://127.0.0.1:9/"]);
    assert_eq!(told.status.code(), Some(69), "{}", text(&told.stderr));
    assert!(!output.exists(), "a dead time-stamp authority left an output");

    fs::write(&output, b"mine").unwrap();
    let told = desk.sign(&sample(), &output, &[]);
    assert_eq!(told.status.code(), Some(64), "{}", text(&told.stderr));
    assert_eq!(fs::read(&output).unwrap(), b"mine", "an existing file was written over");
}

#[test]
fn a_wrong_pin_costs_one_try_and_names_the_function() {
    let desk = Desk::embedded(NewKeyKind::P256);
    let output = desk.folder.path().join("out.pdf");
    let told = desk.command(&sample(), &output, &[]).env("KYSO_PIN", "99999999").output().unwrap();
    assert_eq!(told.status.code(), Some(77));
    assert!(text(&told.stderr).contains("CKR_PIN_INCORRECT"), "{}", text(&told.stderr));
    assert!(!output.exists());
}

/// An expired certificate is refused before anybody is asked for the PIN: there is none in the environment.
#[test]
fn an_expired_certificate_is_refused_before_the_pin() {
    let desk = Desk::embedded(NewKeyKind::P256);
    let expired = desk.folder.path().join("expired.pem");
    let past = Clock::Fixed("2019-01-01T00:00:00Z".parse().unwrap());
    let old = kyso::demo::pki::DemoPki::new(past, Chance::system()).unwrap();
    fs::write(&expired, old.issue_person(&desk.spki, &Holder::new("Người cũ")).unwrap().to_pem()).unwrap();
    let output = desk.folder.path().join("out.pdf");
    let told = desk
        .command(&sample(), &output, &["--cert", &path(&expired)])
        .env_remove("KYSO_PIN")
        .output()
        .unwrap();
    assert_eq!(told.status.code(), Some(77));
    assert!(text(&told.stderr).contains("expired"), "{}", text(&told.stderr));
}

/// The reserved room is exact: the CMS of an RSA signature fills it to the last byte.
#[test]
fn the_room_for_the_cms_is_computed() {
    let desk = Desk::soft();
    let key = SigningKey::generate(KeyAlgorithm::Rsa2048).unwrap();
    let certificate = desk.pki.pki().issue_person(key.spki_der(), &Holder::new("Vừa Khít")).unwrap();
    let output = desk.folder.path().join("exact.pdf");
    desk.sign_in_process(&key, &certificate, &output, None).unwrap();
    let bytes = fs::read(&output).unwrap();
    let digits = &bytes[hole(&bytes)];
    assert!(!digits.ends_with(b"00000000>"), "the hole is padded: {} digits", digits.len() - 2);
}

/// An authority whose token outgrows the room measured for it: a document time-stamp takes its place, and the
/// key signs once.
#[test]
fn a_token_that_outgrows_its_room_becomes_a_document_time_stamp() {
    let desk = Desk::soft();
    let key = SigningKey::generate(KeyAlgorithm::Rsa2048).unwrap();
    let certificate = desk.pki.pki().issue_person(key.spki_der(), &Holder::new("Kiên Nhẫn")).unwrap();
    let output = desk.folder.path().join("grown.pdf");
    let authority = GrowingAuthority::start(&desk.pki);
    let released = desk.sign_in_process(&key, &certificate, &output, Some(authority.url())).unwrap();
    assert_eq!(released.report().signatures.len(), 2, "{:#?}", released.report());
    assert_eq!(released.report().overall, Overall::Valid, "{:#?}", released.report());
    desk.everybody_accepts_count(&output, 2, 1);
}

/// A value made by another key never reaches a file.
#[test]
fn a_value_of_another_key_is_refused() {
    let desk = Desk::soft();
    let (key, other) = (
        SigningKey::generate(KeyAlgorithm::Rsa2048).unwrap(),
        SigningKey::generate(KeyAlgorithm::Rsa2048).unwrap(),
    );
    let certificate = desk.pki.pki().issue_person(key.spki_der(), &Holder::new("Người Thật")).unwrap();
    let output = desk.folder.path().join("forged.pdf");
    let refused = desk.sign_in_process(&other, &certificate, &output, None).unwrap_err();
    assert!(matches!(refused, SignError::Signing(kyso::signing::SigningError::Value(_))), "{refused}");
    assert!(!output.exists());
}

#[test]
fn one_changed_byte_in_a_signed_file_is_never_valid() {
    let desk = Desk::soft();
    let key = SigningKey::generate(KeyAlgorithm::EcP256).unwrap();
    let certificate = desk.pki.pki().issue_person(key.spki_der(), &Holder::new("Một Bit")).unwrap();
    let output = desk.folder.path().join("signed.pdf");
    let released = desk.sign_in_process(&key, &certificate, &output, Some(desk.pki.tsa_url())).unwrap();
    assert_eq!(released.report().overall, Overall::Valid);
    assert_eq!(released.signature().unwrap().indication, Indication::TotalPassed);
    let bytes = fs::read(&output).unwrap();
    let hole = hole(&bytes);
    let step = (bytes.len() / 97).max(1);
    for at in (0..bytes.len()).step_by(step) {
        let mut changed = bytes.clone();
        changed[at] ^= 0x01;
        let Some(report) = desk.judge(changed) else { continue };
        if hole.contains(&at) {
            // A signature does not cover its unsigned attributes and the certificates that come along: a changed
            // one may go unneeded, or its time-stamp unbelieved. Nobody else may have signed by it, nor earlier.
            let (now, before) = (&report.signatures[0], released.signature().unwrap());
            let same = who_and_when(now) == who_and_when(before)
                && now.best_signature_time >= before.best_signature_time;
            assert!(same || report.overall != Overall::Valid, "byte {at} of the hole changed: {report:#?}");
        } else {
            assert_ne!(report.overall, Overall::Valid, "byte {at} changed, and still valid");
        }
    }
}

// --- a desk: a token, its key, a demo PKI ---------------------------------------------------------------------

pub(crate) struct Desk {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) pki: DemoServices,
    pub(crate) root: PathBuf,
    pub(crate) certificate: PathBuf,
    pub(crate) chain: PathBuf,
    pub(crate) spki: Vec<u8>,
    pub(crate) module: String,
    pub(crate) softhsm: Option<PathBuf>,
}

impl Desk {
    /// A key on a fresh token of the built-in module.
    pub(crate) fn embedded(kind: NewKeyKind) -> Self {
        let desk = Self::soft();
        let token = SoftToken::embedded(desk.folder.path(), kind);
        desk.holding(token)
    }

    /// A key on a fresh SoftHSM token, made by tools that are not ours.
    pub(crate) fn softhsm(kind: NewKeyKind) -> Option<Self> {
        let desk = Self::soft();
        let token = SoftToken::softhsm(desk.folder.path(), kind)?;
        Some(desk.holding(token))
    }

    fn holding(mut self, token: SoftToken) -> Self {
        self.certify(token.spki);
        (self.module, self.softhsm) = (token.module, token.softhsm);
        self
    }

    /// No token: for keys in memory.
    pub(crate) fn soft() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let pki = DemoServices::start(Clock::System, Chance::system()).unwrap();
        let at = |name: &str| folder.path().join(name);
        let (root, certificate, chain) = (at("root.pem"), at("signer.pem"), at("chain.pem"));
        fs::write(&root, pki.pki().root().certificate().to_pem()).unwrap();
        fs::write(&chain, pki.pki().ca().certificate().to_pem()).unwrap();
        Self { folder, pki, root, certificate, chain, spki: Vec::new(), module: String::new(), softhsm: None }
    }

    fn certify(&mut self, spki: Vec<u8>) {
        let signer = Holder::new("Trần Văn Ký").with_email("tvky@songlam.example");
        let certificate = self.pki.pki().issue_person(&spki, &signer).unwrap();
        fs::write(&self.certificate, certificate.to_pem()).unwrap();
        self.spki = spki;
    }

    pub(crate) fn command(&self, input: &Path, output: &Path, more: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kyso"));
        command.arg("sign").arg(input).arg("-o").arg(output);
        command.args(["--module", &self.module, "--token", LABEL, "--key", "hex:07"]);
        if !more.contains(&"--cert") {
            command.arg("--cert").arg(&self.certificate);
        }
        command.arg("--chain").arg(&self.chain).args(more);
        if let Some(configuration) = &self.softhsm {
            command.env("SOFTHSM2_CONF", configuration);
        }
        command.env("KYSO_PIN", PIN);
        command
    }

    pub(crate) fn sign(&self, input: &Path, output: &Path, more: &[&str]) -> Output {
        self.command(input, output, more).output().unwrap()
    }

    fn sign_in_process(
        &self,
        key: &SigningKey,
        certificate: &Certificate,
        output: &Path,
        tsa: Option<String>,
    ) -> Result<kyso::service::sign::Released, SignError> {
        let desk = SigningDesk {
            clock: Clock::System,
            chance: Chance::system(),
            limits: Limits::default(),
            fetcher: Fetcher::allowing([self.pki.host()]).into(),
            time_stamping: tsa.map(TimeStamping::new),
            anchors: self.pki.pki().anchors(),
            policy: Policy::strict(),
            online: true,
            known: Arc::default(),
        };
        let input = MemorySource(fs::read(sample()).unwrap());
        let chain = self.pki.pki().chain();
        let identity = Identity { certificate: certificate.clone(), chain, scheme: key.scheme() };
        desk.sign_with(&input, output, identity, &Wishes::default(), |scheme, message| {
            Ok(key.sign_as(scheme, message).expect("a key in memory signs"))
        })
    }

    pub(crate) fn judge(&self, bytes: Vec<u8>) -> Option<DocumentReport> {
        let (anchors, policy, limits) = (self.pki.pki().anchors(), Policy::strict(), Limits::default());
        let fetcher = Fetcher::allowing([self.pki.host()]);
        let options = kyso::service::verify::Options {
            anchors: &anchors,
            policy: &policy,
            moment: Clock::System.now(),
            fetcher: Some(&fetcher),
            limits: &limits,
        };
        let source = Arc::new(MemorySource(bytes));
        kyso::service::verify::verify_source("changed.pdf", source, &options).ok()
    }

    pub(crate) fn verify(&self, pdf: &Path) -> Value {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kyso"));
        command.arg("verify").arg(pdf).arg("--json").arg("--trust").arg(&self.root);
        command.args(["--allow-host", &self.pki.host(), "--no-cache"]);
        let told = command.output().unwrap();
        serde_json::from_slice(&told.stdout).unwrap_or_else(|_| panic!("{}", text(&told.stderr)))
    }

    /// kyso, poppler and pyHanko accept every one of `count` signatures.
    pub(crate) fn everybody_accepts(&self, pdf: &Path, count: usize) {
        self.everybody_accepts_count(pdf, count, count);
    }

    /// As above, where poppler does not count document time-stamps.
    pub(crate) fn everybody_accepts_count(&self, pdf: &Path, count: usize, for_poppler: usize) {
        let report = self.verify(pdf);
        assert_eq!(report["documents"][0]["overall"], "valid", "{report:#}");
        assert_eq!(report["documents"][0]["signatures"].as_array().map(Vec::len), Some(count), "{report:#}");
        if let Some(verdicts) = support::pdfsig(pdf) {
            let accepted = verdicts.iter().filter(|verdict| verdict.accepted()).count();
            assert!(accepted >= for_poppler, "{}: {verdicts:#?}", pdf.display());
        }
        if let Some(pyhanko) = PyHanko::find() {
            let verdicts = pyhanko.verify(pdf, &[&self.root]);
            assert_eq!(verdicts.len(), count, "{verdicts:#?}");
            let accepted = verdicts.iter().all(PyHankoVerdict::accepted);
            assert!(accepted, "{}: {verdicts:#?}", pdf.display());
        }
    }
}

/// An authority whose second and later tokens carry far more certificates than its first.
struct GrowingAuthority {
    address: std::net::SocketAddr,
    _runtime: tokio::runtime::Runtime,
}

impl GrowingAuthority {
    fn start(services: &DemoServices) -> Self {
        let pki = services.pki();
        let ca = pki.ca().certificate().clone();
        let others = (0..5).map(|nth| {
            let key = SigningKey::generate(KeyAlgorithm::EcP256).unwrap();
            pki.issue_person(key.spki_der(), &Holder::new(&format!("Người thứ {nth}"))).unwrap()
        });
        let short = Self::authority(services, vec![ca.clone()]);
        let long = Self::authority(services, std::iter::once(ca.clone()).chain(others).collect());

        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let asked = AtomicUsize::new(0);
        let answer = move |body: axum::body::Bytes| {
            let first = asked.fetch_add(1, Ordering::SeqCst) == 0;
            let response = if first { short.answer(&body) } else { long.answer(&body) };
            async move { ([("content-type", "application/timestamp-reply")], response) }
        };
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let answer = Arc::new(answer);
        let router = axum::Router::new().route("/", axum::routing::post(move |body| answer(body)));
        runtime.spawn(async move { axum::serve(listener, router).await });
        Self { address, _runtime: runtime }
    }

    fn authority(services: &DemoServices, chain: Vec<Certificate>) -> TimeStampAuthority {
        let key = SigningKey::generate(KeyAlgorithm::EcP256).unwrap();
        let now = Clock::System.now();
        let request = CertificateRequest {
            holder: &Holder::new("Dấu thời gian lớn dần"),
            spki_der: key.spki_der(),
            profile: Profile::TimeStamping,
            not_before: now - Duration::from_hours(1),
            not_after: now + Duration::from_hours(24),
        };
        let certificate = services.pki().ca().issue(&request).unwrap();
        TimeStampAuthority::new(key, certificate, chain, Clock::System, Chance::system())
    }

    fn url(&self) -> String {
        format!("http://{}/", self.address)
    }
}

pub(crate) fn sample() -> PathBuf {
    support::root().join("samples/quyet-dinh.pdf")
}

pub(crate) fn path(path: &Path) -> String {
    path.display().to_string()
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Who signed, by which path, and when by their own clock.
fn who_and_when(signature: &SignatureReport) -> [Option<String>; 4] {
    let path = signature.certificates.iter().map(|certificate| certificate.sha256.as_str());
    let (serial, claimed) = (signature.serial.clone(), signature.claimed_signing_time.clone());
    [signature.signed_by.clone(), serial, claimed, Some(path.collect())]
}

/// Where the hexadecimal string of the first signature's `/Contents` lies, brackets included.
fn hole(bytes: &[u8]) -> Range<usize> {
    let at = find(bytes, b"/Contents <").or_else(|| find(bytes, b"/Contents<")).expect("a signature");
    let from = at + find(&bytes[at..], b"<").unwrap();
    from..from + find(&bytes[from..], b">").unwrap() + 1
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}
