//! Signing many with one login, on tokens that are counted, pulled out and lied to (`batch_module.c`).

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use kyso::{
    base::{Chance, Clock, Pin},
    demo::pki::{DemoServices, Holder, KeyAlgorithm, SigningKey},
    token::{
        LastTry, Module, Token, TokenSelector,
        provision::{self, NewKey, NewKeyKind},
        softhsm::SoftHsm,
    },
};
use serde_json::Value;

use crate::support::{self, run, tool};

#[test]
fn a_folder_is_signed_with_one_login_and_each_file_once() {
    let Some(desk) = Desk::counted(Key::Plain) else { return };
    let names = desk.drafts(9);
    for (name, bytes) in [("2-broken.pdf", &b"%PDF-1.7\nbroken"[..]), ("7-text.pdf", b"xin chao")] {
        fs::write(desk.drafts.join(name), bytes).unwrap();
    }
    fs::write(desk.drafts.join("notes.txt"), b"no PDF by its name").unwrap();

    let told =
        desk.batch(&["--json", "--tsa", &desk.pki.tsa_url(), "--reason", "Phê duyệt"]).output().unwrap();
    assert_eq!(told.status.code(), Some(65), "{}", text(&told.stderr));
    let lines = lines(&told);
    let order: Vec<_> = lines.iter().map(|line| file_name(&line["input"])).collect();
    let mut sorted = order.clone();
    sorted.sort();
    assert_eq!((order.len(), &order), (11, &sorted), "not in the order of the names");
    for line in &lines {
        let is_draft = names.contains(&file_name(&line["input"]));
        assert_eq!(line["outcome"], if is_draft { "signed" } else { "failed" }, "{line}");
        assert_eq!(Path::new(line["output"].as_str().unwrap()).exists(), is_draft, "{line}");
    }
    assert_eq!((desk.count("logins"), desk.count("signs")), (1, 9));
    desk.everybody_accepts(&names, true);

    // Once more: nobody asks for the PIN or the token, but for the two that could not be signed.
    let before = desk.outputs();
    let told = desk.batch(&["--tsa", &desk.pki.tsa_url(), "--reason", "Phê duyệt"]).output().unwrap();
    assert_eq!(told.status.code(), Some(65), "{}", text(&told.stderr));
    assert!(text(&told.stderr).contains("0 signed, 9 signed earlier, 2 failed"), "{}", text(&told.stderr));
    assert_eq!(desk.count("signs"), 9);
    fs::remove_file(desk.drafts.join("7-text.pdf")).unwrap();
    fs::copy(sample(), desk.drafts.join("2-broken.pdf")).unwrap();
    let told = desk.batch(&["--tsa", &desk.pki.tsa_url(), "--reason", "Phê duyệt"]).output().unwrap();
    assert_eq!(told.status.code(), Some(0), "{}", text(&told.stderr));
    assert_eq!(desk.count("signs"), 10);
    let mut after = desk.outputs();
    after.remove("2-broken.pdf").unwrap();
    assert_eq!(after, before, "what was signed was touched again");
    // All is signed: no login, and no PIN is needed.
    let logins = desk.count("logins");
    let mut again = desk.batch(&["--tsa", &desk.pki.tsa_url(), "--reason", "Phê duyệt"]);
    assert_eq!(again.env_remove("KYSO_PIN").stdin(Stdio::null()).output().unwrap().status.code(), Some(0));
    assert_eq!(desk.count("logins"), logins);
    // Other words are another batch.
    let other = desk.batch(&["--reason", "Khác"]).output().unwrap();
    assert_eq!(other.status.code(), Some(64));
    assert!(text(&other.stderr).contains("another certificate or other words"), "{}", text(&other.stderr));
    assert_eq!((desk.count("logins"), desk.count("signs")), (logins, 10));
}

#[test]
fn a_list_is_signed_in_its_order() {
    let Some(desk) = Desk::counted(Key::Plain) else { return };
    let names = desk.drafts(3);
    let list = desk.drafts.join("list.txt");
    let text_of_list =
        format!("# a list\n\n{}\r\n{}\n./{}\n", names[2], desk.drafts.join(&names[0]).display(), names[1]);
    fs::write(&list, text_of_list).unwrap();
    let told = desk.batch_of(&list, &["--json"]).output().unwrap();
    assert_eq!(told.status.code(), Some(0), "{}", text(&told.stderr));
    let order: Vec<_> = lines(&told).iter().map(|line| file_name(&line["input"])).collect();
    assert_eq!(order, [names[2].clone(), names[0].clone(), names[1].clone()]);
}

#[test]
fn names_that_collide_are_refused_before_anything_is_signed() {
    let Some(desk) = Desk::counted(Key::Plain) else { return };
    let names = desk.drafts(3);
    let refused = |command: &mut Command, status, words: &str| {
        let told = command.env_remove("KYSO_PIN").stdin(Stdio::null()).output().unwrap();
        assert_eq!(told.status.code(), Some(status), "{}", text(&told.stderr));
        assert!(text(&told.stderr).contains(words), "{words}: {}", text(&told.stderr));
        assert_eq!((desk.count("logins"), desk.count("signs")), (0, 0));
    };
    let other = desk.folder.path().join("other");
    fs::create_dir(&other).unwrap();
    fs::copy(sample(), other.join(&names[1])).unwrap();
    let list = desk.folder.path().join("list.txt");
    fs::write(&list, format!("drafts/{}\ndrafts/{}\nother/{}\n", names[0], names[1], names[1])).unwrap();
    refused(&mut desk.batch_of(&list, &[]), 64, "would both be signed into one file");
    fs::write(&list, "drafts/nobody.pdf\n").unwrap();
    refused(&mut desk.batch_of(&list, &[]), 65, "nobody.pdf cannot be read");
    fs::write(&list, "# nothing\n").unwrap();
    refused(&mut desk.batch_of(&list, &[]), 64, "names no PDF");
    fs::create_dir_all(&desk.signed).unwrap();
    fs::write(desk.signed.join(&names[2]), b"somebody's").unwrap();
    refused(&mut desk.batch(&[]), 64, "exists and is not this batch's output");
    assert_eq!(fs::read(desk.signed.join(&names[2])).unwrap(), b"somebody's");
    // Into the folder of the drafts themselves.
    let mut onto_itself = desk.batch_into(&desk.drafts, &desk.drafts, &[]);
    refused(&mut onto_itself, 64, "exists and is not this batch's output");
}

#[test]
fn a_token_that_is_pulled_out_stops_the_batch_and_nothing_is_signed_twice() {
    let Some(desk) = Desk::counted(Key::Plain) else { return };
    let names = desk.drafts(20);
    let told = desk.batch(&[]).env("KYSO_TEST_SIGNS", "7").output().unwrap();
    assert_eq!(told.status.code(), Some(77), "{}", text(&told.stderr));
    assert!(text(&told.stderr).contains("give the same command again"), "{}", text(&told.stderr));
    let before = desk.outputs();
    assert_eq!((desk.count("signs"), before.len()), (7, 7), "what the token had signed is released");

    let told = desk.batch(&[]).output().unwrap();
    assert_eq!(told.status.code(), Some(0), "{}", text(&told.stderr));
    assert!(text(&told.stderr).contains("13 signed, 7 signed earlier"), "{}", text(&told.stderr));
    assert_eq!(desk.count("signs"), 20);
    let after = desk.outputs();
    assert!(before.iter().all(|(name, bytes)| after[name] == *bytes));
    desk.everybody_accepts(&names, false);
}

#[test]
fn several_sessions_sign_a_batch_and_lose_nothing_when_the_token_goes() {
    let Some(desk) = Desk::counted(Key::Plain) else { return };
    let names = desk.drafts(30);
    let told = desk.batch(&["--sessions", "3"]).env("KYSO_TEST_SIGNS", "7").output().unwrap();
    assert_eq!(told.status.code(), Some(77), "{}", text(&told.stderr));
    let before = desk.outputs();
    // Two more may have been inside the driver when the seventh was made.
    assert!((7..=9).contains(&desk.count("signs")), "{}", desk.count("signs"));
    assert_eq!(before.len(), desk.count("signs"), "what the token had signed is released");

    let told = desk.batch(&["--sessions", "3"]).output().unwrap();
    assert_eq!(told.status.code(), Some(0), "{}", text(&told.stderr));
    assert_eq!((desk.count("logins"), desk.count("signs")), (2, 30));
    let after = desk.outputs();
    assert!(before.iter().all(|(name, bytes)| after[name] == *bytes));
    desk.everybody_accepts(&names, false);

    let refused = desk.batch(&["--sessions", "0"]).output().unwrap();
    assert_eq!(refused.status.code(), Some(64), "{}", text(&refused.stderr));
    let mut one = Command::new(env!("CARGO_BIN_EXE_kyso"));
    one.args(["sign", "--module", "embedded", "--key", "ky", "--sessions", "2", "-o"]);
    let refused = one.arg(desk.signed.join("one.pdf")).arg(sample()).output().unwrap();
    assert_eq!(refused.status.code(), Some(64), "{}", text(&refused.stderr));
    assert!(text(&refused.stderr).contains("--batch"), "{}", text(&refused.stderr));
}

#[test]
fn a_batch_that_is_killed_goes_on_where_it_was() {
    let Some(desk) = Desk::counted(Key::Plain) else { return };
    let names = desk.drafts(60);
    let mut kills = 0;
    for share in [1, 20, 40] {
        let mut child = desk.batch(&[]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        while child.try_wait().unwrap().is_none() {
            if desk.outputs().len() >= share {
                child.kill().unwrap();
                kills += usize::from(!child.wait().unwrap().success());
                break;
            }
        }
        let before = desk.outputs();
        let told = desk.batch(&[]).env("KYSO_TEST_SIGNS", "5").output().unwrap();
        let after = desk.outputs();
        assert!(
            before.iter().all(|(name, bytes)| after[name] == *bytes),
            "what was signed was touched again"
        );
        let left = fs::read_dir(desk.signed.join(".kyso-batch")).unwrap().count();
        assert_eq!(left, 1, "a killed run left something: {}", text(&told.stderr));
    }
    assert!(kills > 0, "no run lived long enough to be killed");
    let told = desk.batch(&[]).output().unwrap();
    assert_eq!(told.status.code(), Some(0), "{}", text(&told.stderr));
    assert_eq!(desk.outputs().len(), 60);
    // A value that was made and not released dies with its process: at most what one run holds.
    let signs = desk.count("signs");
    assert!((60..=60 + kills * 80).contains(&signs), "{signs} signatures for 60 files and {kills} kills");
    desk.everybody_accepts(&names, false);
}

#[test]
fn a_key_that_wants_its_pin_each_time_gets_it_and_one_wrong_answer_ends_the_batch() {
    let Some(desk) = Desk::counted(Key::AlwaysAuthenticate) else { return };
    let names = desk.drafts(12);
    let told = desk.batch(&[]).env("KYSO_TEST_ANSWERS", "5").output().unwrap();
    assert_eq!(told.status.code(), Some(77), "{}", text(&told.stderr));
    assert!(text(&told.stdout).contains("CKR_PIN_INCORRECT"), "{}", text(&told.stdout));
    // Five right ones and one wrong: not one more, though others waited for the token.
    assert_eq!((desk.count("logins"), desk.count("answers"), desk.count("signs")), (1, 6, 5));
    assert_eq!(desk.outputs().len(), 5);

    let told = desk.batch(&[]).output().unwrap();
    assert_eq!(told.status.code(), Some(0), "{}", text(&told.stderr));
    assert_eq!((desk.count("logins"), desk.count("signs")), (2, 12));
    desk.everybody_accepts(&names, false);
}

#[test]
fn a_batch_on_the_built_in_token() {
    let Some(desk) = Desk::embedded() else { return };
    let names = desk.drafts(8);
    let told = desk.batch(&[]).output().unwrap();
    assert_eq!(told.status.code(), Some(0), "{}\n{}", text(&told.stdout), text(&told.stderr));
    assert_eq!(desk.outputs().len(), 8);
    desk.everybody_accepts(&names, false);
}

// --- a desk: a token behind a driver that counts, drafts, a place for what is signed -----------------------------

struct Desk {
    folder: tempfile::TempDir,
    pki: DemoServices,
    drafts: PathBuf,
    signed: PathBuf,
    module: String,
    variables: Vec<(&'static str, PathBuf)>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Key {
    AlwaysAuthenticate,
    Plain,
}

const PIN: &str = "81726354";
const LABEL: &str = "ban ky lo";

impl Desk {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let pki = DemoServices::start(Clock::System, Chance::system()).unwrap();
        fs::write(folder.path().join("root.pem"), pki.pki().root().certificate().to_pem()).unwrap();
        fs::write(folder.path().join("chain.pem"), pki.pki().ca().certificate().to_pem()).unwrap();
        let (drafts, signed) = (folder.path().join("drafts"), folder.path().join("signed"));
        fs::create_dir(&drafts).unwrap();
        Self { folder, pki, drafts, signed, module: String::new(), variables: Vec::new() }
    }

    /// A key on SoftHSM, behind the driver that counts.
    fn counted(key: Key) -> Option<Self> {
        let (util, compiler) = (tool("softhsm2-util")?, tool("cc")?);
        let mut desk = Self::new();
        let folder = desk.folder.path().to_owned();
        let softhsm = SoftHsm::prepare(&folder).unwrap()?;
        let (name, value) = softhsm.variable();
        let Module::Path(library) = softhsm.module() else { return None };
        let init = ["--init-token", "--free", "--label", LABEL, "--so-pin", "12345678", "--pin", PIN];
        run(Command::new(&util).args(init).env(name, value));
        let (private, public) = (folder.join("private.pem"), folder.join("public.der"));
        let spki = match key {
            Key::Plain => {
                let key = SigningKey::generate(KeyAlgorithm::Rsa2048).unwrap();
                fs::write(&private, key.to_pem().as_bytes()).unwrap();
                let mut bring = Command::new(&util);
                bring.arg("--import").arg(&private).args(["--token", LABEL, "--label", "khoa", "--id", "07"]);
                run(bring.args(["--pin", PIN]).env(name, value));
                fs::remove_file(private).unwrap();
                key.spki_der().to_vec()
            }
            Key::AlwaysAuthenticate => {
                let pkcs11 = |arguments: &[&str]| {
                    let mut command = Command::new(tool("pkcs11-tool").expect("opensc beside softhsm2"));
                    command.arg("--module").arg(&library).args([
                        "--token-label",
                        LABEL,
                        "--login",
                        "--pin",
                        PIN,
                    ]);
                    run(command.args(arguments).env(name, value));
                };
                pkcs11(&[
                    "--keypairgen",
                    "--key-type",
                    "rsa:2048",
                    "--always-auth",
                    "--label",
                    "khoa",
                    "--id",
                    "07",
                ]);
                pkcs11(&[
                    "--read-object",
                    "--type",
                    "pubkey",
                    "--id",
                    "07",
                    "--output-file",
                    public.to_str().unwrap(),
                ]);
                fs::read(public).unwrap()
            }
        };
        desk.certify(&spki);
        let module = folder.join("counting.so");
        let mut compile = Command::new(compiler);
        compile.args(["-shared", "-fPIC", "-O1", "-o"]).arg(&module);
        run(compile.arg(support::root().join("tests/it/batch_module.c")).arg("-ldl"));
        desk.module = module.display().to_string();
        desk.variables = vec![
            ("SOFTHSM2_CONF", value.to_owned()),
            ("KYSO_TEST_BEHIND", library),
            ("KYSO_TEST_MODULE", folder),
        ];
        Some(desk)
    }

    /// A key of the built-in token that wants its PIN for each signature.
    fn embedded() -> Option<Self> {
        if cfg!(not(feature = "embedded-token")) {
            support::skip("the built-in token is not in this build");
            return None;
        }
        let mut desk = Self::new();
        let tokens = desk.folder.path().join("tokens");
        fs::create_dir(&tokens).unwrap();
        let module = Module::Embedded(tokens.clone());
        let pin = |text: &str| Pin::new(text.as_bytes().to_vec());
        provision::init_token(&module, LABEL, pin("12345678"), pin(PIN)).unwrap();
        let token = Token::open(&module, &TokenSelector::labelled(LABEL)).unwrap();
        token.login(pin(PIN), LastTry::Refuse).unwrap();
        let kind = NewKeyKind::P256;
        let key = NewKey { label: "khoa".to_owned(), id: vec![7], kind, always_authenticate: true };
        let spki = token.generate_key(&key).unwrap();
        desk.certify(&spki);
        desk.module = format!("embedded:{}", tokens.display());
        Some(desk)
    }

    fn certify(&self, spki: &[u8]) {
        let certificate = self.pki.pki().issue_person(spki, &Holder::new("Trần Văn Lô")).unwrap();
        fs::write(self.folder.path().join("signer.pem"), certificate.to_pem()).unwrap();
    }

    /// Writes so many drafts; their names, in order.
    fn drafts(&self, count: usize) -> Vec<String> {
        let names: Vec<_> = (0..count).map(|number| format!("{number:03}.pdf")).collect();
        let bytes = fs::read(sample()).unwrap();
        for name in &names {
            fs::write(self.drafts.join(name), &bytes).unwrap();
        }
        names
    }

    fn batch(&self, more: &[&str]) -> Command {
        self.batch_of(&self.drafts, more)
    }

    fn batch_of(&self, source: &Path, more: &[&str]) -> Command {
        self.batch_into(source, &self.signed, more)
    }

    fn batch_into(&self, source: &Path, output: &Path, more: &[&str]) -> Command {
        let at = |name: &str| self.folder.path().join(name);
        let mut command = Command::new(env!("CARGO_BIN_EXE_kyso"));
        command.arg("sign").arg("--batch").arg(source).arg("-o").arg(output);
        command.args(["--module", &self.module, "--token", LABEL, "--key", "hex:07"]);
        command.arg("--cert").arg(at("signer.pem")).arg("--chain").arg(at("chain.pem")).args(more);
        command.envs(self.variables.iter().map(|(name, value)| (name, value))).env("KYSO_PIN", PIN);
        command
    }

    /// How often the driver was called.
    fn count(&self, what: &str) -> usize {
        fs::read(self.folder.path().join(what)).map_or(0, |calls| calls.len())
    }

    /// The signed files by their names.
    fn outputs(&self) -> BTreeMap<String, Vec<u8>> {
        let Ok(entries) = fs::read_dir(&self.signed) else { return BTreeMap::new() };
        let files = entries.map(|entry| entry.unwrap().path()).filter(|path| path.is_file());
        files
            .map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), fs::read(path).unwrap()))
            .collect()
    }

    /// Each output is its draft and one signature behind it, which kyso finds valid and poppler accepts.
    fn everybody_accepts(&self, names: &[String], stamped: bool) {
        let mut verify = Command::new(env!("CARGO_BIN_EXE_kyso"));
        verify
            .arg("verify")
            .args(names.iter().map(|name| self.signed.join(name)))
            .arg("--json")
            .arg("--trust");
        verify.arg(self.folder.path().join("root.pem")).args([
            "--allow-host",
            &self.pki.host(),
            "--no-cache",
        ]);
        let report: Value = serde_json::from_slice(&verify.output().unwrap().stdout).unwrap();
        let documents = report["documents"].as_array().unwrap();
        assert_eq!(documents.len(), names.len());
        for document in documents {
            assert_eq!(document["overall"], "valid", "{document:#}");
            let signatures = document["signatures"].as_array().unwrap();
            assert_eq!(signatures.len(), 1, "{document:#}");
            let format = if stamped { "PAdES-BASELINE-T" } else { "PAdES-BASELINE-B" };
            assert_eq!(signatures[0]["signatureFormat"], format, "{document:#}");
        }
        for name in names {
            let draft = fs::read(self.drafts.join(name)).unwrap();
            assert!(fs::read(self.signed.join(name)).unwrap().starts_with(&draft), "{name}");
        }
        for name in names.iter().take(3) {
            if let Some(verdicts) = support::pdfsig(&self.signed.join(name)) {
                assert!(verdicts.len() == 1 && verdicts[0].accepted(), "{name}: {verdicts:?}");
            }
        }
    }
}

fn lines(told: &Output) -> Vec<Value> {
    text(&told.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn file_name(path: &Value) -> String {
    Path::new(path.as_str().unwrap()).file_name().unwrap().to_str().unwrap().to_owned()
}

fn sample() -> PathBuf {
    support::root().join("samples/quyet-dinh.pdf")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
