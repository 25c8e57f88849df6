//! What several tests share: where things are, and the programs that judge what kyso makes.
//!
//! An outside program that is not installed makes its tests print why they were skipped; `./dev test` installs all
//! of them and sets `KYSO_NO_SKIP`, which turns every such skip into a failure.

use std::{
    env,
    ffi::OsStr,
    path::{Path, PathBuf},
    process::{Command, Output},
};

/// The root of the checkout.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The folder of documents that lies beside the project, if it is there.
pub fn shared() -> Option<PathBuf> {
    let given = env::var_os("KYSO_SHARED").map(PathBuf::from);
    let near = ["../shared", "../../shared"].map(|path| root().join(path));
    let found = given.into_iter().chain(near).find(|path| path.join("data").is_dir());
    if found.is_none() {
        eprintln!("skipped: no ../shared/data beside this checkout");
    }
    found
}

/// The path of an installed program, or `None` after saying what is skipped.
///
/// # Panics
///
/// When the program is absent and `KYSO_NO_SKIP` is set.
pub fn tool(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let beside = [PathBuf::from("/usr/sbin"), PathBuf::from("/sbin")];
    let found = env::split_paths(&path).chain(beside).map(|dir| dir.join(name)).find(|file| file.is_file());
    if found.is_none() {
        skip(&format!("{name} is not installed"));
    }
    found
}

/// Says why a test does nothing.
///
/// # Panics
///
/// When `KYSO_NO_SKIP` is set: then nothing may be skipped.
pub fn skip(why: &str) {
    assert!(env::var_os("KYSO_NO_SKIP").is_none(), "{why}, and KYSO_NO_SKIP is set");
    eprintln!("skipped: {why}");
}

/// Runs a program and returns what it printed.
///
/// # Panics
///
/// When it cannot be started or ends with a status other than 0; its standard error is in the message.
pub fn run(command: &mut Command) -> Output {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(
        output.status.success(),
        "{command:?} ended with {}\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    output
}

/// pyHanko in a virtual environment of the tests' own: `KYSO_VENV`, else `.kyso/venv` in the checkout.
pub struct PyHanko {
    python: PathBuf,
}

impl PyHanko {
    /// `None`, after saying so, where the environment was not made yet.
    pub fn find() -> Option<Self> {
        let venv = env::var_os("KYSO_VENV").map_or_else(|| root().join(".kyso/venv"), PathBuf::from);
        let python = venv.join("bin/python");
        if python.is_file() {
            return Some(Self { python });
        }
        skip("pyHanko is not there (./dev test makes its virtual environment)");
        None
    }

    /// What pyHanko thinks of each signature of `pdf`, in the order of the file.
    pub fn verify(&self, pdf: &Path, trust: &[&Path]) -> Vec<PyHankoVerdict> {
        let mut command = self.script("verify_with_pyhanko.py");
        command.arg(pdf);
        for anchor in trust {
            command.arg("--trust").arg(anchor);
        }
        let output = run(&mut command);
        let answer: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
        serde_json::from_value(answer["signatures"].clone()).expect("a list of verdicts")
    }

    /// Signs `input` with pyHanko; `arguments` as `tests/interop/sign_with_pyhanko.py` describes them.
    pub fn sign<A: AsRef<OsStr>>(&self, input: &Path, output: &Path, arguments: &[A]) {
        run(self.script("sign_with_pyhanko.py").arg(input).arg(output).args(arguments));
    }

    /// A script of `tests/interop`, ready for its arguments.
    pub fn script(&self, name: &str) -> Command {
        let mut command = Command::new(&self.python);
        command.arg(root().join("tests/interop").join(name));
        command
    }
}

/// One signature as pyHanko sees it.
#[derive(Clone, Debug, serde::Deserialize)]
pub struct PyHankoVerdict {
    pub field: String,
    /// `signature` or `timestamp`.
    pub kind: String,
    pub subfilter: String,
    /// The bytes are those that were signed.
    pub intact: bool,
    /// The signature value fits the key.
    pub valid: bool,
    /// The certificate leads to an anchor.
    pub trusted: bool,
    /// Everything that pyHanko asks for, the later changes included.
    pub bottom_line: bool,
    /// `ENTIRE_FILE`, `ENTIRE_REVISION`, `CONTIGUOUS_BLOCK_FROM_START`, `UNCLEAR`.
    #[serde(default)]
    pub coverage: Option<String>,
    /// `NONE`, `LTA_UPDATES`, `FORM_FILLING`, `ANNOTATIONS`, `OTHER`.
    #[serde(default)]
    pub modification_level: Option<String>,
    #[serde(default)]
    pub md_algorithm: Option<String>,
    #[serde(default)]
    pub timestamp: Option<PyHankoTimestamp>,
    /// Why pyHanko could not judge.
    pub error: Option<String>,
}

impl PyHankoVerdict {
    /// Whether pyHanko accepts the signature without reserve.
    pub fn accepted(&self) -> bool {
        self.bottom_line && self.intact && self.valid && self.trusted && self.error.is_none()
    }
}

/// The time-stamp of a signature as pyHanko sees it.
#[derive(Clone, Debug, serde::Deserialize)]
pub struct PyHankoTimestamp {
    pub time: String,
    pub intact: bool,
    pub valid: bool,
    pub trusted: bool,
}

/// One signature as poppler's `pdfsig` sees it (certificates are not judged: `-nocert`).
#[derive(Clone, Debug, Default)]
pub struct PdfSigVerdict {
    pub field: String,
    /// `Signature is Valid.`, or poppler's complaint.
    pub validation: String,
    pub subfilter: String,
    pub hash: String,
    /// `Total document signed`, as opposed to a part of it.
    pub whole_document: bool,
}

impl PdfSigVerdict {
    /// Whether poppler accepts the signature.
    pub fn accepted(&self) -> bool {
        self.validation == "Signature is Valid."
    }
}

/// What `pdfsig` says of each signature; `None` where it is not installed.
pub fn pdfsig(pdf: &Path) -> Option<Vec<PdfSigVerdict>> {
    // An empty NSS folder of our own, so that no person's certificates have a say.
    let nss = tempfile::tempdir().expect("a temporary folder");
    let mut command = Command::new(tool("pdfsig")?);
    command.arg("-nocert").arg("-nssdir").arg(nss.path()).arg(pdf).env("LC_ALL", "C");
    // pdfsig ends with 2 when there is no signature and with 1 when one is bad: the text tells more.
    let output = command.output().expect("pdfsig runs");
    Some(parse_pdfsig(&String::from_utf8_lossy(&output.stdout)))
}

fn parse_pdfsig(text: &str) -> Vec<PdfSigVerdict> {
    let mut verdicts: Vec<PdfSigVerdict> = Vec::new();
    for line in text.lines() {
        if line.starts_with("Signature #") {
            verdicts.push(PdfSigVerdict::default());
            continue;
        }
        let Some((verdict, item)) = verdicts.last_mut().zip(line.trim_start().strip_prefix("- ")) else {
            continue;
        };
        match item.split_once(": ") {
            Some(("Signature Field Name", value)) => value.clone_into(&mut verdict.field),
            Some(("Signature Validation", value)) => value.clone_into(&mut verdict.validation),
            Some(("Signature Type", value)) => value.clone_into(&mut verdict.subfilter),
            Some(("Signing Hash Algorithm", value)) => value.clone_into(&mut verdict.hash),
            _ => verdict.whole_document |= item == "Total document signed",
        }
    }
    verdicts
}

#[test]
fn pdfsig_text_is_read() {
    let text = "Digital Signature Info of: a.pdf
Signature #1:
  - Signature Field Name: Leader
  - Signing Hash Algorithm: SHA-256
  - Signature Type: ETSI.CAdES.detached
  - Signed Ranges: [0 - 10], [20 - 30]
  - Not total document signed
  - Signature Validation: Signature is Valid.
Signature #2:
  - Signature Field Name: Agency
  - Total document signed
  - Signature Validation: Digest Mismatch.
";
    let [leader, agency] = parse_pdfsig(text).try_into().unwrap();
    assert!(leader.accepted() && !leader.whole_document);
    assert_eq!(leader.subfilter, "ETSI.CAdES.detached");
    assert!(!agency.accepted() && agency.whole_document);
    assert_eq!(agency.field, "Agency");
}
