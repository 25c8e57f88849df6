//! A desk for CMS signatures: a token with a key, a demo PKI on the network, and those who judge the result.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::Arc,
};

use kyso::{
    base::{Chance, Clock, Limits, MemorySource},
    demo::pki::{DemoServices, Holder, SigningKey},
    fetch::Fetcher,
    service::{
        extend::{ExtendError, Extended, Extension},
        sign::{CmsWishes, Identity, ReleasedCms, SignError, SigningDesk, TimeStamping},
    },
    token::provision::NewKeyKind,
    validation::{Detached, Level, Policy},
};
use serde_json::Value;

use crate::{
    soft_token::{LABEL, PIN, SoftToken},
    support::{PyHanko, run, tool},
};

pub(super) struct Desk {
    pub(super) folder: tempfile::TempDir,
    pub(super) pki: DemoServices,
    pub(super) root: PathBuf,
    certificate: PathBuf,
    chain: PathBuf,
    module: String,
    softhsm: Option<PathBuf>,
}

impl Desk {
    /// No token: for keys in memory.
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let pki = DemoServices::start(Clock::System, Chance::system()).unwrap();
        let at = |name: &str| folder.path().join(name);
        let (root, certificate, chain) = (at("root.pem"), at("signer.pem"), at("chain.pem"));
        fs::write(&root, pki.pki().root().certificate().to_pem()).unwrap();
        fs::write(&chain, pki.pki().ca().certificate().to_pem()).unwrap();
        Self { folder, pki, root, certificate, chain, module: String::new(), softhsm: None }
    }

    /// A key on a fresh token of the built-in module.
    pub(super) fn embedded(kind: NewKeyKind) -> Self {
        let desk = Self::new();
        let token = SoftToken::embedded(desk.folder.path(), kind);
        desk.holding(token)
    }

    /// A key on a fresh SoftHSM token, brought in by tools that are not ours.
    pub(super) fn softhsm(kind: NewKeyKind) -> Option<Self> {
        let desk = Self::new();
        let token = SoftToken::softhsm(desk.folder.path(), kind)?;
        Some(desk.holding(token))
    }

    fn holding(mut self, token: SoftToken) -> Self {
        self.certify(&token.spki);
        (self.module, self.softhsm) = (token.module, token.softhsm);
        self
    }

    fn certify(&self, spki: &[u8]) {
        let signer = Holder::new("Trần Văn Ký").with_email("tvky@songlam.example");
        fs::write(&self.certificate, self.pki.pki().issue_person(spki, &signer).unwrap().to_pem()).unwrap();
    }

    pub(super) fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// `kyso sign --format cades` with the PKI of this desk.
    pub(super) fn sign(&self, input: &Path, output: &Path, more: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kyso"));
        command.arg("sign").arg(input).arg("-o").arg(output).args(["--format", "cades"]);
        command.args(["--module", &self.module, "--token", LABEL, "--key", "hex:07", "--cert"]);
        command.arg(&self.certificate).arg("--chain").arg(&self.chain).arg("--trust").arg(&self.root);
        if !more.contains(&"--tsa") {
            command.args(["--tsa", &self.pki.tsa_url()]);
        }
        command.args(["--allow-host", &self.pki.host()]).args(more);
        if let Some(configuration) = &self.softhsm {
            command.env("SOFTHSM2_CONF", configuration);
        }
        command.env("KYSO_PIN", PIN).output().unwrap()
    }

    /// The desk of the service, for keys in memory.
    pub(super) fn signing(&self) -> SigningDesk {
        SigningDesk {
            clock: Clock::System,
            chance: Chance::system(),
            limits: Limits::default(),
            fetcher: Fetcher::allowing([self.pki.host()]).into(),
            time_stamping: Some(TimeStamping::new(self.pki.tsa_url())),
            anchors: self.pki.pki().anchors(),
            policy: Policy::strict(),
            online: true,
            known: Arc::default(),
        }
    }

    /// Signs with a fresh key in memory.
    pub(super) fn sign_in_process(
        &self,
        content: &[u8],
        output: &Path,
        enveloping: bool,
        level: Level,
    ) -> Result<ReleasedCms, SignError> {
        let key = SigningKey::generate(kyso::demo::pki::KeyAlgorithm::EcP256).unwrap();
        let certificate = self.pki.pki().issue_person(key.spki_der(), &Holder::new("Lê Thị Nhớ")).unwrap();
        let identity = Identity { certificate, chain: self.pki.pki().chain(), scheme: key.scheme() };
        let input = Arc::new(MemorySource(content.to_vec()));
        let wishes =
            CmsWishes { enveloping, level, statements: kyso::cms::Statements::default(), any_usage: false };
        self.signing().sign_cms_with(input, "noi-dung", output, identity, &wishes, |scheme, message| {
            Ok(key.sign_as(scheme, message).expect("a key in memory signs"))
        })
    }

    /// Raises a signature in process; `apart`: what it is about, where that lies apart.
    pub(super) fn extend(
        &self,
        desk: &SigningDesk,
        cms: &[u8],
        extension: &Extension,
        apart: Option<Detached>,
    ) -> Result<(Extended, Vec<u8>), ExtendError> {
        let output = self.at("extended");
        let extended = desk.extend_file(&MemorySource(cms.to_vec()), &output, extension, apart);
        assert_eq!(extended.is_ok(), output.exists(), "an output, or a reason why there is none");
        let extended = extended?;
        let bytes = fs::read(&output).unwrap();
        fs::remove_file(output).unwrap();
        Ok((extended, bytes))
    }

    /// The JSON of `kyso verify`, and its exit status.
    pub(super) fn verify(&self, file: &Path, detached: Option<&Path>, more: &[&str]) -> (Value, Option<i32>) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kyso"));
        command.arg("verify").arg(file).arg("--json").arg("--trust").arg(&self.root);
        command.args(["--allow-host", &self.pki.host(), "--no-cache"]).args(more);
        if let Some(detached) = detached {
            command.arg("--detached").arg(detached);
        }
        let told = command.output().unwrap();
        let json = serde_json::from_slice(&told.stdout);
        (json.unwrap_or_else(|_| panic!("{}", text(&told.stderr))), told.status.code())
    }

    /// kyso (as `format`), OpenSSL and pyHanko accept it.
    pub(super) fn everybody_accepts(&self, file: &Path, detached: Option<&Path>, format: &str) {
        let (report, status) = self.verify(file, detached, &[]);
        let signature = &report["documents"][0]["signatures"][0];
        assert_eq!((signature["indication"].as_str(), status), (Some("TOTAL-PASSED"), Some(0)), "{report:#}");
        assert_eq!(signature["signatureFormat"], format, "{report:#}");
        assert_eq!(
            (&signature["coverage"], &signature["modificationLevel"]),
            (&"document".into(), &"none".into())
        );
        fits_the_schema(&report);
        assert!(self.openssl_accepts(file, detached, true), "OpenSSL refuses {}", file.display());
        if let Some(pyhanko) = PyHanko::find() {
            let mut script = pyhanko.script("verify_cms_with_pyhanko.py");
            script.arg(file).arg(&self.root);
            if let Some(detached) = detached {
                script.arg("--detached").arg(detached);
            }
            let told = run(&mut script);
            let told: Value = serde_json::from_slice(&told.stdout).unwrap();
            for key in ["intact", "valid", "trusted", "bottomLine"] {
                assert_eq!(told[key], true, "{told:#}");
            }
            let stamped = !format.ends_with("-B");
            assert_eq!(told["timeStamp"], if stamped { Value::Bool(true) } else { Value::Null }, "{told:#}");
            let archived = u64::from(format.ends_with("-LTA"));
            assert!(told["archiveTimeStamps"].as_u64() >= Some(archived), "{told:#}");
            self.tokens_hold(&told);
        }
    }

    /// What pyHanko's reader and Python's digests say that each archive time-stamp was made over, OpenSSL finds in it.
    fn tokens_hold(&self, told: &Value) {
        let Some(openssl) = tool("openssl") else { return };
        for (nth, archive) in told["archives"].as_array().into_iter().flatten().enumerate() {
            assert_eq!(archive["unknownInIndex"], 0, "{told:#}");
            let token = self.at(&format!("token-{nth}.der"));
            fs::write(&token, hex::decode(archive["token"].as_str().unwrap()).unwrap()).unwrap();
            let digest = archive["imprint"].as_str().unwrap();
            let algorithm = archive["algorithm"].as_str().unwrap();
            let mut verify = Command::new(&openssl);
            verify.args(["ts", "-verify", "-token_in", "-digest", digest, &format!("-{algorithm}"), "-in"]);
            run(verify.arg(&token).arg("-CAfile").arg(&self.root).arg("-untrusted").arg(&self.chain));
        }
    }

    /// `openssl cms -verify`; `cades`: the signing-certificate attribute as well.
    pub(super) fn openssl_accepts(&self, file: &Path, detached: Option<&Path>, cades: bool) -> bool {
        let Some(openssl) = tool("openssl") else { return true };
        let mut command = Command::new(openssl);
        command.args(["cms", "-verify", "-binary", "-inform", "DER", "-in"]).arg(file);
        command.arg("-CAfile").arg(&self.root).args(["-purpose", "any", "-out", "/dev/null"]);
        if cades {
            command.arg("-cades");
        }
        if let Some(detached) = detached {
            command.arg("-content").arg(detached);
        }
        command.output().unwrap().status.success()
    }
}

/// The JSON is as `docs/verify.schema.json` has it.
pub(super) fn fits_the_schema(report: &Value) {
    let schema: Value = serde_json::from_str(include_str!("../../../docs/verify.schema.json")).unwrap();
    let faults = crate::judge::schema::faults(&schema, &schema, report, "$");
    assert!(faults.is_empty(), "{faults:#?}\n{report:#}");
}

pub(super) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
