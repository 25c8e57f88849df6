//! A desk: a token with a key, certificates of a demo PKI, and the judges.

use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use kyso::{
    base::{Chance, Clock, Pin},
    demo::pki::{DemoServices, Holder},
    token::{
        LastTry, Module, Token, TokenSelector,
        provision::{self, NewKey, NewKeyKind},
    },
};
use serde_json::Value;

use crate::support::{self, PyHanko, run, tool};

pub(crate) const PIN: &str = "81726354";
const LABEL: &str = "ban ky";

pub(crate) struct Desk {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) pki: DemoServices,
    pub(crate) spki: Vec<u8>,
    module: String,
    softhsm: Option<PathBuf>,
}

impl Desk {
    /// A key on a fresh token of the built-in module.
    pub(crate) fn embedded(kind: NewKeyKind) -> Self {
        let mut desk = Self::without_token();
        let tokens = desk.at("tokens");
        fs::create_dir(&tokens).unwrap();
        let module = Module::Embedded(tokens.clone());
        let pin = |text: &str| Pin::new(text.as_bytes().to_vec());
        provision::init_token(&module, LABEL, pin("12345678"), pin(PIN)).unwrap();
        let token = Token::open(&module, &TokenSelector::labelled(LABEL)).unwrap();
        token.login(pin(PIN), LastTry::Refuse).unwrap();
        let key = NewKey { label: "khoa".to_owned(), id: vec![7], kind, always_authenticate: false };
        desk.spki = token.generate_key(&key).unwrap();
        desk.module = format!("embedded:{}", tokens.display());
        desk.certify();
        desk
    }

    /// A P-256 or RSA-2048 key on a fresh SoftHSM token, made and brought in by tools that are not ours.
    pub(crate) fn softhsm(ec: bool) -> Option<Self> {
        let (util, openssl) = (tool("softhsm2-util")?, tool("openssl")?);
        let mut desk = Self::without_token();
        let folder = desk.folder.path().to_owned();
        let softhsm = kyso::token::softhsm::SoftHsm::prepare(&folder).unwrap()?;
        let (name, value) = softhsm.variable();
        let Module::Path(library) = softhsm.module() else { return None };
        let init = ["--init-token", "--free", "--label", LABEL, "--so-pin", "12345678", "--pin", PIN];
        run(Command::new(&util).args(init).env(name, value));
        let algorithm = if ec { ["EC", "ec_paramgen_curve:P-256"] } else { ["RSA", "rsa_keygen_bits:2048"] };
        let private = desk.at("private.pem");
        run(Command::new(&openssl)
            .args(["genpkey", "-algorithm", algorithm[0], "-pkeyopt", algorithm[1], "-out"])
            .arg(&private));
        desk.spki =
            run(Command::new(&openssl).args(["pkey", "-pubout", "-outform", "DER", "-in"]).arg(&private))
                .stdout;
        run(Command::new(&util)
            .args(["--token", LABEL, "--pin", PIN, "--label", "khoa", "--id", "07", "--import"])
            .arg(&private)
            .env(name, value));
        desk.module = library.display().to_string();
        desk.softhsm = Some(PathBuf::from(value));
        desk.certify();
        Some(desk)
    }

    fn without_token() -> Self {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let pki = DemoServices::start(Clock::System, Chance::system()).unwrap();
        fs::write(folder.path().join("root.pem"), pki.pki().root().certificate().to_pem()).unwrap();
        fs::write(folder.path().join("chain.pem"), pki.pki().ca().certificate().to_pem()).unwrap();
        Self { folder, pki, spki: Vec::new(), module: String::new(), softhsm: None }
    }

    fn certify(&self) {
        let signer = Holder::new("Trần Văn Ký").with_email("tvky@songlam.example");
        let certificate = self.pki.pki().issue_person(&self.spki, &signer).unwrap();
        fs::write(self.at("signer.pem"), certificate.to_pem()).unwrap();
    }

    pub(crate) fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn put(&self, name: &str, bytes: &[u8]) -> PathBuf {
        fs::write(self.at(name), bytes).unwrap();
        self.at(name)
    }

    /// `kyso sign`, the PIN in the environment; the signer's own certificate unless `more` names one.
    pub(crate) fn command(&self, input: &Path, output: &Path, more: &[&str]) -> Command {
        self.command_for(&[input.as_os_str()], output, more)
    }

    /// The same with `--batch` or other words instead of an input.
    pub(crate) fn command_for(&self, inputs: &[&OsStr], output: &Path, more: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kyso"));
        command.current_dir(self.folder.path());
        command.arg("sign").args(inputs).arg("-o").arg(output);
        command.args(["--module", &self.module, "--token", LABEL, "--key", "hex:07"]);
        if !more.contains(&"--cert") {
            command.args(["--cert", "signer.pem"]);
        }
        command.args(["--chain", "chain.pem", "--trust", "root.pem", "--allow-host", &self.pki.host()]);
        command.args(more).env("KYSO_PIN", PIN).env("LC_ALL", "C").env_remove("KYSO_PDF_PASSWORD");
        if let Some(configuration) = &self.softhsm {
            command.env("SOFTHSM2_CONF", configuration);
        }
        command
    }

    pub(crate) fn sign(&self, input: &Path, output: &Path, more: &[&str]) -> Output {
        self.command(input, output, more).output().unwrap()
    }

    /// Signs, and asserts that it was done, that the input was not touched, and that it is the output's beginning.
    pub(crate) fn must_sign(&self, input: &Path, more: &[&str], what: &str) -> PathBuf {
        let (before, output) = (fs::read(input).unwrap(), self.at("signed.pdf"));
        let _ = fs::remove_file(&output);
        let told = self.sign(input, &output, more);
        assert!(told.status.success(), "{what}: {}", text(&told.stderr));
        assert_eq!(fs::read(input).unwrap(), before, "{what}: the input was touched");
        assert!(fs::read(&output).unwrap().starts_with(&before), "{what}: an earlier byte changed");
        output
    }

    /// Asserts that nothing is signed, why, and that nothing is left behind.
    pub(crate) fn must_refuse(&self, input: &Path, more: &[&str], status: i32, words: &str, what: &str) {
        let (before, output) = (fs::read(input).unwrap(), self.at("refused.pdf"));
        let told = self.sign(input, &output, more);
        let why = text(&told.stderr);
        assert_eq!(told.status.code(), Some(status), "{what}: {why}");
        assert!(why.contains(words), "{what}: {why}");
        assert!(!output.exists(), "{what} left an output");
        assert_eq!(fs::read(input).unwrap(), before, "{what}: the input was touched");
        let left: Vec<_> = fs::read_dir(self.folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
            .filter(|name| name.starts_with(".tmp"))
            .collect();
        assert!(left.is_empty(), "{what} left {left:?}");
    }

    /// The report of `kyso verify`, and its exit status.
    pub(crate) fn verify(&self, pdf: &Path, password: Option<&str>) -> (Option<i32>, Value) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kyso"));
        command.arg("verify").arg(pdf).args(["--json", "--no-cache", "--trust"]).arg(self.at("root.pem"));
        command.args(["--allow-host", &self.pki.host()]).env_remove("KYSO_PDF_PASSWORD");
        if let Some(password) = password {
            command.env("KYSO_PDF_PASSWORD", password);
        }
        let told = command.output().unwrap();
        let report =
            serde_json::from_slice(&told.stdout).unwrap_or_else(|_| panic!("{}", text(&told.stderr)));
        (told.status.code(), report)
    }

    /// kyso, poppler and pyHanko accept all of `count` signatures.
    pub(crate) fn everybody_accepts(&self, pdf: &Path, count: usize, others: &Others, what: &str) {
        let (_, report) = self.verify(pdf, others.password);
        assert_eq!(report["documents"][0]["overall"], "valid", "{what}: {report:#}");
        let signatures = report["documents"][0]["signatures"].as_array().map(Vec::len);
        assert_eq!(signatures, Some(count), "{what}: {report:#}");
        if let Some(pdfsig) = tool("pdfsig") {
            let mut command = Command::new(pdfsig);
            command.arg("-nocert").env("LC_ALL", "C");
            if let Some(password) = others.password {
                command.args([if others.owner { "-opw" } else { "-upw" }, password]);
            }
            let told = text(&command.arg(pdf).output().unwrap().stdout);
            let valid = told.matches("Signature Validation: Signature is Valid.").count();
            assert_eq!(valid, count, "{what}: {told}");
        }
        if let Some(pyhanko) = PyHanko::find().filter(|_| others.pyhanko) {
            let root = self.at("root.pem");
            let verdicts = pyhanko.verify_with(pdf, &[root.as_path()], &others.for_pyhanko());
            assert_eq!(verdicts.len(), count, "{what}: {verdicts:#?}");
            assert!(verdicts.iter().all(support::PyHankoVerdict::accepted), "{what}: {verdicts:#?}");
        }
        if let Some(qpdf) = tool("qpdf").filter(|_| others.qpdf) {
            let mut command = Command::new(qpdf);
            command.arg("--check");
            if let Some(password) = others.password {
                command.arg(format!("--password={password}"));
            }
            run(command.arg(pdf));
        }
    }
}

/// How the other judges are asked.
#[derive(Clone, Copy)]
pub(crate) struct Others {
    pub(crate) password: Option<&'static str>,
    /// Whether it is the owner's.
    pub(crate) owner: bool,
    /// pyHanko refuses hybrid files, and what stands before a header, unless it is told to be lenient.
    pub(crate) lenient: bool,
    pub(crate) qpdf: bool,
    pub(crate) pyhanko: bool,
}

impl Others {
    pub(crate) const PLAIN: Self =
        Self { password: None, owner: false, lenient: false, qpdf: true, pyhanko: true };

    fn for_pyhanko(&self) -> Vec<&'static str> {
        let password = self.password.map(|password| ["--password", password]);
        let lenient = self.lenient.then_some("--lenient");
        password.into_iter().flatten().chain(lenient).collect()
    }
}

pub(crate) fn sample() -> PathBuf {
    support::root().join("samples/quyet-dinh.pdf")
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
