//! What several tests share: where things are, and the programs that judge what kyso makes.
//!
//! An outside program that is not installed makes its tests print why they were skipped; `./dev test` installs all
//! of them and sets `KYSO_NO_SKIP`, which turns every such skip into a failure, save for the programs that
//! `KYSO_MAY_SKIP` names.

use std::{
    env,
    ffi::OsStr,
    path::{Path, PathBuf},
    process::{Command, Output},
};

/// The root of the checkout.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The folder of documents that lies beside the project, if it is there.
pub(crate) fn shared() -> Option<PathBuf> {
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
pub(crate) fn tool(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let beside = [PathBuf::from("/usr/sbin"), PathBuf::from("/sbin")];
    let found = env::split_paths(&path).chain(beside).map(|dir| dir.join(name)).find(|file| file.is_file());
    if found.is_none() {
        let excused = env::var("KYSO_MAY_SKIP").unwrap_or_default();
        if excused.split_whitespace().any(|program| program == name) {
            eprintln!("skipped: {name} cannot be had here");
        } else {
            skip(&format!("{name} is not installed"));
        }
    }
    found
}

/// Serves on a thread of its own, so that it may be started and dropped in async tests; it ends with the answer.
///
/// The listener does not block.
pub(crate) fn serve(
    listener: std::net::TcpListener,
    router: axum::Router,
) -> tokio::sync::oneshot::Sender<()> {
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            let served = axum::serve(listener, router);
            tokio::select! {
                _ = async { served.await } => {}
                _ = stopped => {}
            }
        });
    });
    stop
}

/// Says why a test does nothing.
///
/// # Panics
///
/// When `KYSO_NO_SKIP` is set: then nothing may be skipped.
pub(crate) fn skip(why: &str) {
    assert!(env::var_os("KYSO_NO_SKIP").is_none(), "{why}, and KYSO_NO_SKIP is set");
    eprintln!("skipped: {why}");
}

/// Runs a program and returns what it printed.
///
/// # Panics
///
/// When it cannot be started or ends with a status other than 0; its standard error is in the message.
pub(crate) fn run(command: &mut Command) -> Output {
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

/// Encrypts a PDF by qpdf with the passwords of its user and its owner: `scheme` is the bits of the key and what follows
/// them there, `more` stands behind. `None` when qpdf is absent.
pub(crate) fn encrypt(
    (pdf, out): (&Path, &Path),
    [user, owner]: [&str; 2],
    scheme: &[&str],
    more: &[&str],
) -> Option<()> {
    let mut command = Command::new(tool("qpdf")?);
    command.args(["--allow-weak-crypto", "--encrypt", user, owner]).args(scheme).arg("--").args(more);
    run(command.arg(pdf).arg(out));
    Some(())
}

/// pyHanko in a virtual environment of the tests' own: `KYSO_VENV`, else `.kyso/venv` in the checkout.
pub(crate) struct PyHanko {
    python: PathBuf,
}

impl PyHanko {
    /// `None`, after saying so, where the environment was not made yet.
    pub(crate) fn find() -> Option<Self> {
        let venv = env::var_os("KYSO_VENV").map_or_else(|| root().join(".kyso/venv"), PathBuf::from);
        let python = venv.join("bin/python");
        if python.is_file() {
            return Some(Self { python });
        }
        skip("pyHanko is not there (./dev test makes its virtual environment)");
        None
    }

    /// What pyHanko thinks of each signature of `pdf`, in the order of the file.
    pub(crate) fn verify(&self, pdf: &Path, trust: &[&Path]) -> Vec<PyHankoVerdict> {
        self.verify_with::<&str>(pdf, trust, &[])
    }

    /// As [`PyHanko::verify`], with more arguments for `tests/interop/verify_with_pyhanko.py`.
    pub(crate) fn verify_with<A: AsRef<OsStr>>(
        &self,
        pdf: &Path,
        trust: &[&Path],
        more: &[A],
    ) -> Vec<PyHankoVerdict> {
        let mut command = self.script("verify_with_pyhanko.py");
        command.arg(pdf).args(more);
        for anchor in trust {
            command.arg("--trust").arg(anchor);
        }
        let output = run(&mut command);
        let answer: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
        serde_json::from_value(answer["signatures"].clone()).expect("a list of verdicts")
    }

    /// Signs `input` with pyHanko; `arguments` as `tests/interop/sign_with_pyhanko.py` describes them.
    pub(crate) fn sign<A: AsRef<OsStr>>(&self, input: &Path, output: &Path, arguments: &[A]) {
        run(self.script("sign_with_pyhanko.py").arg(input).arg(output).args(arguments));
    }

    /// A script of `tests/interop`, ready for its arguments.
    pub(crate) fn script(&self, name: &str) -> Command {
        let mut command = Command::new(&self.python);
        command.arg(root().join("tests/interop").join(name));
        command
    }
}

/// One signature as pyHanko sees it.
#[derive(Clone, Debug, serde::Deserialize)]
pub(crate) struct PyHankoVerdict {
    pub(crate) field: String,
    /// `signature` or `timestamp`.
    pub(crate) kind: String,
    pub(crate) subfilter: String,
    /// The bytes are those that were signed.
    pub(crate) intact: bool,
    /// The signature value fits the key.
    pub(crate) valid: bool,
    /// The certificate leads to an anchor.
    pub(crate) trusted: bool,
    /// Everything that pyHanko asks for, the later changes included.
    pub(crate) bottom_line: bool,
    /// `ENTIRE_FILE`, `ENTIRE_REVISION`, `CONTIGUOUS_BLOCK_FROM_START`, `UNCLEAR`.
    #[serde(default)]
    pub(crate) coverage: Option<String>,
    /// `NONE`, `LTA_UPDATES`, `FORM_FILLING`, `ANNOTATIONS`, `OTHER`.
    #[serde(default)]
    pub(crate) modification_level: Option<String>,
    /// Why pyHanko does not take what came later.
    #[serde(default)]
    #[expect(dead_code, reason = "for whoever reads the message of a failed test")]
    pub(crate) suspicion: Option<String>,
    #[serde(default)]
    pub(crate) md_algorithm: Option<String>,
    #[serde(default)]
    pub(crate) timestamp: Option<PyHankoTimestamp>,
    /// Why pyHanko could not judge.
    pub(crate) error: Option<String>,
}

impl PyHankoVerdict {
    /// Whether pyHanko accepts the signature without reserve.
    pub(crate) fn accepted(&self) -> bool {
        let stamp = self.timestamp.as_ref();
        let stamped = stamp.is_none_or(|stamp| stamp.intact && stamp.valid && stamp.trusted);
        self.bottom_line && self.intact && self.valid && self.trusted && stamped && self.error.is_none()
    }
}

/// The time-stamp of a signature as pyHanko sees it.
#[derive(Clone, Debug, serde::Deserialize)]
pub(crate) struct PyHankoTimestamp {
    pub(crate) intact: bool,
    pub(crate) valid: bool,
    pub(crate) trusted: bool,
}

/// One signature as poppler's `pdfsig` sees it (certificates are not judged: `-nocert`).
#[derive(Clone, Debug, Default)]
pub(crate) struct PdfSigVerdict {
    pub(crate) field: String,
    /// `Signature is Valid.`, or poppler's complaint.
    pub(crate) validation: String,
    pub(crate) subfilter: String,
    pub(crate) hash: String,
    /// `Total document signed`, as opposed to a part of it.
    pub(crate) whole_document: bool,
}

impl PdfSigVerdict {
    /// Whether poppler accepts the signature.
    pub(crate) fn accepted(&self) -> bool {
        self.validation == "Signature is Valid."
    }
}

/// What veraPDF says of files that claim to be PDF/A, by path: the profile that each was checked by, and whether it
/// passed. `None`, after saying so, where veraPDF is not there (`KYSO_VERAPDF` is the class path that `./dev test` makes).
pub(crate) fn verapdf(files: &[PathBuf]) -> Option<Vec<(PathBuf, String, bool)>> {
    let Some(class_path) = env::var_os("KYSO_VERAPDF") else {
        eprintln!("skipped: veraPDF is not there (./dev test brings it where java and mvn are installed)");
        return None;
    };
    let mut command = Command::new(tool("java")?);
    command.arg("-cp").arg(class_path).arg("org.verapdf.apps.GreenfieldCliWrapper");
    command.args(["--format", "text", "-v"]).args(files);
    // It ends with 1 when a file fails: the text tells which.
    let output = command.output().expect("java runs");
    let text = String::from_utf8_lossy(&output.stdout);
    let mut verdicts = Vec::new();
    for line in text.lines() {
        let (passed, rest) = match line.split_once(' ') {
            Some(("PASS", rest)) => (true, rest),
            Some(("FAIL", rest)) => (false, rest),
            _ => {
                eprintln!("veraPDF: {line}");
                continue;
            }
        };
        let (path, profile) = rest.rsplit_once(' ').expect("a path and a profile");
        verdicts.push((PathBuf::from(path), profile.to_owned(), passed));
    }
    assert_eq!(verdicts.len(), files.len(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    Some(verdicts)
}

/// What `pdfsig` says of each signature; `None` where it is not installed.
pub(crate) fn pdfsig(pdf: &Path) -> Option<Vec<PdfSigVerdict>> {
    let mut command = Command::new(tool("pdfsig")?);
    command.arg("-nocert").arg(pdf).env("LC_ALL", "C");
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

/// The harness itself, before anybody leans on it: a file that pyHanko signs, whole and with one byte changed.
#[test]
fn both_judges_tell_a_whole_file_from_a_changed_one() {
    let (Some(pyhanko), Some(openssl)) = (PyHanko::find(), tool("openssl")) else { return };
    let dir = tempfile::tempdir().expect("a temporary folder");
    let [key, cert, pdf, signed] =
        ["key.pem", "cert.pem", "in.pdf", "out.pdf"].map(|name| dir.path().join(name));
    run(Command::new(openssl)
        .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=Lê Thị Thử"])
        .args(["-utf8", "-addext", "keyUsage=critical,digitalSignature,nonRepudiation"])
        .args(["-addext", "basicConstraints=critical,CA:false"])
        .args([OsStr::new("-keyout"), key.as_os_str(), OsStr::new("-out"), cert.as_os_str()]));
    std::fs::write(&pdf, BLANK_PDF).expect("a written file");

    pyhanko.sign(
        &pdf,
        &signed,
        &[OsStr::new("--key"), key.as_os_str(), OsStr::new("--cert"), cert.as_os_str()],
    );

    let [whole] = pyhanko.verify(&signed, &[&cert]).try_into().expect("one signature");
    assert!(whole.accepted(), "{whole:?}");
    assert_eq!((whole.field.as_str(), whole.kind.as_str()), ("Signature1", "signature"));
    assert_eq!(
        (whole.subfilter.as_str(), whole.md_algorithm.as_deref()),
        ("/ETSI.CAdES.detached", Some("sha256"))
    );
    assert_eq!(
        (whole.coverage.as_deref(), whole.modification_level.as_deref()),
        (Some("ENTIRE_FILE"), Some("NONE"))
    );
    assert!(whole.timestamp.is_none());
    let [unknown] = pyhanko.verify(&signed, &[]).try_into().expect("one signature");
    assert!(unknown.intact && unknown.valid && !unknown.trusted && !unknown.accepted());
    let by_poppler = pdfsig(&signed);
    if let Some([verdict]) = by_poppler.as_deref() {
        assert!(verdict.accepted() && verdict.whole_document, "{verdict:?}");
        assert_eq!((verdict.field.as_str(), verdict.hash.as_str()), ("Signature1", "SHA-256"));
        assert_eq!(verdict.subfilter, "ETSI.CAdES.detached");
    } else {
        assert!(by_poppler.is_none(), "{by_poppler:?}");
    }

    let mut bytes = std::fs::read(&signed).expect("a readable file");
    let at = BLANK_PDF.find("595").expect("a page width");
    bytes[at] = b'6';
    std::fs::write(&signed, bytes).expect("a written file");
    let [changed] = pyhanko.verify(&signed, &[&cert]).try_into().expect("one signature");
    assert!(!changed.intact && !changed.accepted(), "{changed:?}");
    assert!(pdfsig(&signed).is_none_or(|verdicts| verdicts.len() == 1 && !verdicts[0].accepted()));
}

/// The smallest file that everybody reads: one empty page.
pub(crate) const BLANK_PDF: &str = "%PDF-1.7
1 0 obj
<</Type/Catalog/Pages 2 0 R>>
endobj
2 0 obj
<</Type/Pages/Kids[3 0 R]/Count 1>>
endobj
3 0 obj
<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]>>
endobj
xref
0 4
0000000000 65535 f 
0000000009 00000 n 
0000000054 00000 n 
0000000105 00000 n 
trailer
<</Size 4/Root 1 0 R>>
startxref
170
%%EOF
";

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
