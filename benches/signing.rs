//! What signing costs beside the token: `./dev bench`, or `./dev bench --quick`.
//!
//! Batches, of the command and of a server, beside the bare `C_Sign` rate of the same key on the same token, for each software token that is here; the
//! steps of one signature on a small file and on one of 50,000 objects, beside pyHanko; a large file from disk to disk,
//! as whole processes, beside `cp` and `openssl dgst -sha256` on the same bytes.
//!
//! A batch writes real files: each is copied, signed, judged, flushed and renamed. Bare rates are taken right before and
//! right after it, in several rounds, so that a machine that is busy with something else slows both down: the figures are
//! medians. Keys are new in each run.
//! `cargo bench --bench signing -- batches api steps large` runs these stories only; `-- batches RSA-3072` these keys only.

#[allow(dead_code, reason = "the other benches use the rest of it")]
mod large;
mod server;

use std::{
    env, fs,
    hint::black_box,
    io::Write as _,
    num::NonZero,
    path::{Path, PathBuf},
    process::{Command, ExitCode, Output, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use kyso::{
    base::{Chance, Clock, Limits, Pin, Sha256},
    demo::pki::{DemoPki, DemoServices, Holder},
    fetch::Fetcher,
    service::{
        sign::{
            SchemeWish, Signer, SigningDesk,
            batch::{Outcome, Plan},
        },
        signer_check,
    },
    signing::Wishes,
    store::FileSource,
    token::{
        KeySelector, LastTry, Module, Token, TokenSelector,
        provision::{self, NewKey, NewKeyKind},
        softhsm::SoftHsm,
    },
    validation::Policy,
};
use large::{Filling, pdf_with_one_stream};
use server::{Server, ServersKey};

fn main() -> ExitCode {
    match Bench::new().and_then(|bench| bench.run()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}

struct Bench {
    folder: PathBuf,
    pki: DemoPki,
    tokens: Vec<(&'static str, Module)>,
    softhsm: PathBuf,
    quick: bool,
    stories: Vec<String>,
    /// Parts of names of keys and tokens, where not all are wanted.
    narrowed: Vec<String>,
}

type Story = fn(&Bench) -> Result<(), Failure>;
const STORIES: [(&str, Story); 4] =
    [("batches", Bench::batches), ("api", Bench::api), ("steps", Bench::steps), ("large", Bench::large)];

const LABEL: &str = "bench";
const PIN: &str = "273849";
const KEYS: [(&str, NewKeyKind); 3] =
    [("RSA-3072", NewKeyKind::Rsa3072), ("RSA-2048", NewKeyKind::Rsa2048), ("P-256", NewKeyKind::P256)];

/// Milliseconds that a signature takes there.
const DEVICES: [u32; 3] = [1, 3, 10];

impl Bench {
    fn new() -> Result<Self, Failure> {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("signing");
        let softhsm =
            SoftHsm::prepare(&folder)?.ok_or("SoftHSM is not installed (./dev bench installs it)")?;
        if !softhsm.is_entered() {
            fs::remove_dir_all(&folder)?;
            let softhsm = SoftHsm::prepare(&folder)?.ok_or("SoftHSM is gone")?;
            softhsm.enter()?;
        }
        let mut tokens = vec![("SoftHSM", softhsm.module())];
        if cfg!(feature = "embedded-token") {
            let own = folder.join("built-in");
            fs::create_dir_all(&own)?;
            tokens.push(("built-in", Module::Embedded(own)));
        }
        let pki = DemoPki::new(Clock::System, Chance::system())?;
        fs::write(folder.join("root.pem"), pki.root().certificate().to_pem())?;
        for (_, module) in &tokens {
            provision::init_token(module, LABEL, pin("12345678"), pin(PIN))?;
        }
        let Module::Path(softhsm) = softhsm.module() else { return Err("SoftHSM has no file".into()) };
        let given = env::args().skip(1).filter(|argument| !argument.starts_with("--"));
        let (stories, narrowed) =
            given.partition(|argument| STORIES.iter().any(|(name, _)| name == argument));
        let quick = env::args().any(|argument| argument == "--quick");
        Ok(Self { folder, pki, tokens, softhsm, quick, stories, narrowed })
    }

    fn run(&self) -> Result<(), Failure> {
        for (name, story) in STORIES {
            if self.stories.is_empty() || self.stories.iter().any(|wanted| wanted == name) {
                story(self)?;
            }
        }
        Ok(fs::remove_dir_all(&self.folder)?)
    }

    /// Batches beside the bare rate.
    fn batches(&self) -> Result<(), Failure> {
        let sample = fs::read("samples/quyet-dinh.pdf")?;
        let processors = std::thread::available_parallelism()?;
        println!(
            "\nSignatures a second, files of {} kB from disk to disk, {processors} processors",
            sample.len() / 1000
        );
        println!(
            "{:<22} {:>8} {:>8} {:>8} {:>7} {:>11} {:>9} {:>8}",
            "", "C_Sign", "beside", "batch", "ratio", "token busy", "ms/file", "singly"
        );
        for (token_name, module) in &self.tokens {
            for (key_name, kind) in KEYS {
                for sessions in sessions_for(kind) {
                    let name = format!("{token_name}, {key_name}{}", beyond_one(*sessions));
                    if self.wants(&name) {
                        let signer = self.signer(module, LABEL, &name, kind)?;
                        self.row(&name, &signer, *sessions, &sample)?;
                    }
                }
            }
        }
        for milliseconds in DEVICES {
            let name = format!("a device, {milliseconds} ms");
            if self.wants(&name) {
                let (module, token) = self.device(milliseconds)?;
                self.row(&name, &self.signer(&module, &token, "P-256", NewKeyKind::P256)?, 1, &sample)?;
            }
        }
        println!(
            "(C_Sign: in one session. beside: C_Sign while every other processor hashes; for several sessions, C_Sign in all"
        );
        println!(
            " of them at the same time. token busy: its threads' processor seconds in the batch's. ms/file: processor"
        );
        println!(" time of the batch beside the token's, kernel included)");
        Ok(())
    }

    fn wants(&self, name: &str) -> bool {
        self.narrowed.is_empty() || self.narrowed.iter().any(|wanted| name.contains(wanted))
    }

    fn row(&self, name: &str, signer: &Signer, sessions: usize, sample: &[u8]) -> Result<(), Failure> {
        signer.token.sign_in_sessions(NonZero::new(sessions).ok_or("no session")?);
        let time = Duration::from_millis(if self.quick { 300 } else { 800 });
        let rate = || -> Result<f64, Failure> {
            Ok(signer.token.bare_sign_rate(&signer.key, signer.scheme, time)?.per_second())
        };
        let mut before = rate()?;
        let count = whole(before * time.as_secs_f64() * 1.5).clamp(50, 2_000);
        let (mut rounds, mut beside) = (Vec::new(), Vec::new());
        for _ in 0..if self.quick { 1 } else { 5 } {
            let batch = self.batch(sample, count, signer)?;
            let after = rate()?;
            rounds.push((f64::midpoint(before, after), batch));
            before = after;
            beside.push(if sessions > 1 {
                at_once(signer, sessions, time)?
            } else {
                while_others_are_busy(rate)?
            });
        }
        let single = self.one_at_a_time(count.min(300), signer)?;
        let middle = |of: &dyn Fn(&(f64, Batch)) -> f64| median(rounds.iter().map(of).collect());
        println!(
            "{name:<22} {:>8.0} {:>8.0} {:>8.0} {:>7.2} {:>10.0}% {:>9.2} {single:>8.0}",
            middle(&|(bare, _)| *bare),
            median(beside),
            middle(&|(_, batch)| batch.per_second),
            middle(&|(bare, batch)| batch.per_second / bare),
            middle(&|(_, batch)| batch.token_busy) * 100.0,
            middle(&|(_, batch)| batch.processor) * 1e3,
        );
        Ok(())
    }

    /// SoftHSM behind a driver whose `C_Sign` waits: what a USB token or an HSM on the network is to this machine, a token
    /// with a processor of its own.
    fn device(&self, milliseconds: u32) -> Result<(Module, String), Failure> {
        let driver = self.folder.join(format!("device-{milliseconds}.so"));
        let (module, token) = (Module::Path(driver.clone()), format!("{LABEL} {milliseconds}"));
        if driver.exists() {
            return Ok((module, token));
        }
        let mut compile = Command::new("cc");
        compile.args(["-shared", "-fPIC", "-O1", "-o"]).arg(&driver);
        compile.arg(format!("-DBEHIND=\"{}\"", self.softhsm.display()));
        compile.arg(format!("-DMICROSECONDS={}", milliseconds * 1_000));
        checked(compile.args(["benches/device.c", "-ldl"]))?;
        provision::init_token(&module, &token, pin("12345678"), pin(PIN))?;
        Ok((module, token))
    }

    fn batch(&self, sample: &[u8], count: usize, signer: &Signer) -> Result<Batch, Failure> {
        let run = self.fresh_folder()?;
        let [drafts, signed] = ["drafts", "signed"].map(|name| run.join(name));
        fs::create_dir(&drafts)?;
        for number in 0..count {
            fs::write(drafts.join(format!("{number:06}.pdf")), sample)?;
        }
        settle()?;
        let plan = Plan::make(Plan::inputs(&drafts)?, &signed)?;
        let mut wrong = None;
        let desk = self.desk();
        let cleared = signer_check::demand(&desk, &signer.identity(), false)?;
        let (token, all) = (token_seconds()?, process_seconds()?);
        let start = Instant::now();
        let summary = plan.run(&desk, (signer, &cleared), &Wishes::default(), |_, _, outcome| {
            if let Outcome::Failed(error) = outcome {
                wrong = Some(error.to_string());
            }
        })?;
        let time = start.elapsed().as_secs_f64();
        let (token, all) = (token_seconds()? - token, process_seconds()? - all);
        if summary.signed != count {
            return Err(format!("{summary:?}: {}", wrong.unwrap_or_default()).into());
        }
        let count = as_float(count);
        Ok(Batch { per_second: count / time, token_busy: token / time, processor: (all - token) / count })
    }

    /// Batches of a server, over its API, beside the bare rate.
    fn api(&self) -> Result<(), Failure> {
        let count = if self.quick { 50 } else { 400 };
        let time = Duration::from_millis(if self.quick { 300 } else { 800 });
        println!("\nSignatures a second, batches of {count} documents of 60 kB over the API, SQLite");
        println!("{:<22} {:>8} {:>8} {:>7} {:>12}", "", "C_Sign", "batch", "ratio", "ms/document");
        let sample = fs::read("samples/quyet-dinh.pdf")?;
        // A server records what it can judge valid: it asks whether the certificate was revoked.
        let services = DemoServices::start(Clock::System, Chance::system())?;
        let (host, root) = (services.host(), self.folder.join("served root.pem"));
        fs::write(&root, services.pki().root().certificate().to_pem())?;
        let served = |name: &str, module: &Module, token: &str, kind, sessions| -> Result<(), Failure> {
            let signer = signer(services.pki(), module, token, &format!("api {name}"), kind)?;
            let rate = || -> Result<f64, Failure> {
                Ok(signer.token.bare_sign_rate(&signer.key, signer.scheme, time)?.per_second())
            };
            let module = module_text(module);
            let key =
                ServersKey { module, token, pin: PIN, signer: &signer, sessions, root: &root, host: &host };
            let mut server = Server::start(&self.folder.join(format!("server {name}")), &key)?;
            let mut rounds = Vec::new();
            for _ in 0..if self.quick { 1 } else { 3 } {
                let documents = server.upload(&sample, count)?;
                settle()?;
                let before = rate()?;
                let processor = server.processor()?;
                let soonest = Duration::from_secs_f64(as_float(count) / before * 0.9);
                let batch = as_float(count) / server.sign(&documents, soonest)?.as_secs_f64();
                let processor = (server.processor()? - processor) * 1e3 / as_float(count);
                rounds.push((f64::midpoint(before, rate()?), batch, processor));
            }
            let middle = |of: &dyn Fn(&(f64, f64, f64)) -> f64| median(rounds.iter().map(of).collect());
            println!(
                "{name:<22} {:>8.0} {:>8.0} {:>7.2} {:>12.2}",
                middle(&|(bare, ..)| *bare),
                middle(&|(_, batch, _)| *batch),
                middle(&|(bare, batch, _)| batch / bare),
                middle(&|(.., processor)| *processor),
            );
            Ok(())
        };
        for (token_name, module) in &self.tokens {
            for (key_name, kind) in KEYS {
                for sessions in sessions_for(kind) {
                    let name = format!("{token_name}, {key_name}{}", beyond_one(*sessions));
                    if self.wants(&name) {
                        served(&name, module, LABEL, kind, *sessions)?;
                    }
                }
            }
        }
        for milliseconds in DEVICES {
            let name = format!("a device, {milliseconds} ms");
            if self.wants(&name) {
                let (module, token) = self.device(milliseconds)?;
                served(&name, &module, &token, NewKeyKind::P256, 1)?;
            }
        }
        Ok(())
    }

    /// The same work without the pipeline, each file flushed by itself.
    fn one_at_a_time(&self, count: usize, signer: &Signer) -> Result<f64, Failure> {
        let (desk, outputs) = (self.desk(), self.fresh_folder()?);
        let start = Instant::now();
        for number in 0..count {
            let input = FileSource::open(Path::new("samples/quyet-dinh.pdf"))?;
            let output = outputs.join(format!("{number:06}.pdf"));
            desk.sign_file(&input, &output, signer, &Wishes::default())?;
        }
        Ok(as_float(count) / start.elapsed().as_secs_f64())
    }

    /// One signature without its token and its flush, beside pyHanko's whole signature.
    fn steps(&self) -> Result<(), Failure> {
        let signer = self.signer(&Module::Path(self.softhsm.clone()), LABEL, "steps", NewKeyKind::Rsa2048)?;
        let certificate = self.folder.join("steps.pem");
        fs::write(&certificate, signer.certificate.to_pem())?;
        let many = self.folder.join("many.pdf");
        fs::write(&many, pdf_with_objects(if self.quick { 5_000 } else { 50_000 }))?;
        let desk = self.desk();
        println!("\nOne signature on SoftHSM, RSA-2048: milliseconds, median");
        println!(
            "{:<24} {:>9} {:>9} {:>9} {:>9} {:>12} {:>9}",
            "", "token", "prepare", "finish", "flush", "beside token", "pyHanko"
        );
        for (name, file, runs, theirs) in [
            ("60 kB", PathBuf::from("samples/quyet-dinh.pdf"), 200, 20),
            (if self.quick { "5,000 objects" } else { "50,000 objects" }, many, 9, 3),
        ] {
            let (mut rows, outputs) = (Vec::new(), self.fresh_folder()?);
            for number in 0..=runs {
                let input = FileSource::open(&file)?;
                let start = Instant::now();
                let output = outputs.join(format!("{number}.pdf"));
                let released = desk.sign_file(&input, &output, &signer, &Wishes::default())?;
                let all = start.elapsed().as_secs_f64() * 1e3;
                let took = *released.took();
                let prepare = took.copy + took.prepare;
                rows.push([took.sign, prepare, all - took.sign - took.release - prepare, took.release]);
            }
            // The first does not count.
            let [token, prepare, finish, flush] =
                [0, 1, 2, 3].map(|column| median(rows.iter().skip(1).map(|row| row[column]).collect()));
            let pyhanko = self.pyhanko(&file, &certificate, theirs)?;
            let theirs =
                pyhanko.map_or_else(|| "absent".to_owned(), |milliseconds| format!("{milliseconds:.1}"));
            println!(
                "{name:<24} {token:>9.2} {prepare:>9.2} {finish:>9.2} {flush:>9.2} {:>12.2} {theirs:>9}",
                prepare + finish
            );
        }
        println!("(wanted: 60 kB under 1 ms, 50,000 objects under 100 ms beside the token)");
        Ok(())
    }

    /// A large file, as whole processes.
    fn large(&self) -> Result<(), Failure> {
        let bytes: u64 = if self.quick { 50 << 20 } else { 500 << 20 };
        let [file, copy, signed] =
            ["large.pdf", "copy.pdf", "large.signed.pdf"].map(|name| self.folder.join(name));
        pdf_with_one_stream(&file, bytes, Filling::Noise)?;
        self.signer(&Module::Path(self.softhsm.clone()), LABEL, "large", NewKeyKind::Rsa2048)
            .and_then(|signer| Ok(fs::write(self.folder.join("large.pem"), signer.certificate.to_pem())?))?;
        let runs = if self.quick { 3 } else { 5 };
        // In turns, so that a disk that grows slower does so for all.
        let (mut copies, mut hashes, mut signs) = (Vec::new(), Vec::new(), Vec::new());
        for round in 0..=runs {
            settle()?;
            let copied = timed(|| {
                checked(Command::new("cp").arg(&file).arg(&copy))?;
                Ok(fs::File::open(&copy)?.sync_all()?)
            })?;
            fs::remove_file(&copy)?;
            let hashed =
                timed(|| checked(Command::new("openssl").args(["dgst", "-sha256"]).arg(&file)).map(drop))?;
            settle()?;
            let mut sign = Command::new(env!("CARGO_BIN_EXE_kyso"));
            sign.arg("sign").arg(&file).arg("-o").arg(&signed).arg("--module").arg(&self.softhsm);
            sign.args(["--token", LABEL, "--key", "large", "--cert"]).arg(self.folder.join("large.pem"));
            sign.env("KYSO_PIN", PIN);
            let took = timed(|| checked(&mut sign).map(drop))?;
            fs::remove_file(&signed)?;
            if round > 0 {
                copies.push(copied);
                hashes.push(hashed);
                signs.push(took);
            }
        }
        let [copied, hashed, took] = [copies, hashes, signs].map(median);
        println!("\n{} MiB from disk to disk, whole processes, milliseconds, median", bytes >> 20);
        println!(
            "cp and fsync {copied:.0}, openssl dgst -sha256 {hashed:.0}, kyso sign {took:.0}: {:.2} of both together (wanted: under 1.5)",
            took / (copied + hashed)
        );
        fs::remove_file(file)?;
        Ok(())
    }

    /// A folder that stays until the end. Making a file beside a thousand that were removed a minute ago is slow on
    /// ext4, and whoever signs has removed none.
    fn fresh_folder(&self) -> Result<PathBuf, Failure> {
        Ok(tempfile::Builder::new().prefix("run").tempdir_in(&self.folder)?.keep())
    }

    fn signer(&self, module: &Module, token: &str, label: &str, kind: NewKeyKind) -> Result<Signer, Failure> {
        signer(&self.pki, module, token, label, kind)
    }

    fn desk(&self) -> SigningDesk {
        SigningDesk {
            clock: Clock::System,
            chance: Chance::system(),
            limits: Limits::default(),
            fetcher: Arc::new(Fetcher::new()),
            time_stamping: None,
            anchors: self.pki.anchors(),
            policy: Policy::strict(),
            online: false,
            known: Arc::default(),
        }
    }

    /// pyHanko's milliseconds in a warm loop on the same key; `None` where it is absent.
    fn pyhanko(&self, file: &Path, certificate: &Path, runs: usize) -> Result<Option<f64>, Failure> {
        let venv = env::var_os("KYSO_VENV").map_or_else(|| PathBuf::from(".kyso/venv"), PathBuf::from);
        let python = venv.join("bin/python");
        if !python.is_file() {
            return Ok(None);
        }
        let mut command = Command::new(python);
        command.arg("benches/pyhanko_bench.py").arg("--module").arg(&self.softhsm);
        command.args(["--token", LABEL, "--key", "steps", "--cert"]).arg(certificate);
        command.arg("--trust").arg(self.folder.join("root.pem")).arg("--scratch").arg(&self.folder);
        command.arg(format!("sign:{runs}:{}", file.display())).env("INTEROP_SECRET", PIN);
        let [seconds]: [Vec<f64>; 1] = serde_json::from_slice(&checked(&mut command)?.stdout)?;
        Ok(Some(median(seconds) * 1e3))
    }
}

/// A fresh key and its certificate.
fn signer(
    pki: &DemoPki,
    module: &Module,
    token: &str,
    label: &str,
    kind: NewKeyKind,
) -> Result<Signer, Failure> {
    let token = Token::open(module, &TokenSelector::labelled(token))?;
    token.login(pin(PIN), LastTry::Refuse)?;
    let id = label.as_bytes().to_vec();
    let key = NewKey { label: label.to_owned(), id, kind, always_authenticate: false };
    let spki = token.generate_key(&key)?;
    let certificate = pki.issue_person(&spki, &Holder::new("Bench"))?;
    let key = KeySelector::Label(label.to_owned());
    Ok(Signer::new(token, key, Some(certificate), pki.chain(), SchemeWish::default())?)
}

/// As `--module` and the configuration have it.
fn module_text(module: &Module) -> String {
    match module {
        Module::Path(driver) => driver.display().to_string(),
        Module::Embedded(folder) => format!("embedded:{}", folder.display()),
    }
}

/// One page, and so many small objects that hang on the catalog in lists.
fn pdf_with_objects(count: usize) -> Vec<u8> {
    const LIST: usize = 1_000;
    let lists = count.div_ceil(LIST);
    let mut pdf = b"%PDF-1.7\n".to_vec();
    let mut offsets = Vec::with_capacity(count + lists + 3);
    let mut add = |pdf: &mut Vec<u8>, body: &str| {
        offsets.push(pdf.len());
        let number = offsets.len();
        pdf.extend_from_slice(format!("{number} 0 obj\n{body}\nendobj\n").as_bytes());
    };
    let references = |from: usize, to: usize| (from..to).map(|n| format!("{n} 0 R ")).collect::<String>();
    add(&mut pdf, &format!("<</Type/Catalog/Pages 2 0 R/KysoLists[{}]>>", references(4, 4 + lists)));
    add(&mut pdf, "<</Type/Pages/Kids[3 0 R]/Count 1>>");
    add(&mut pdf, "<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]>>");
    for list in 0..lists {
        let from = 4 + lists + list * LIST;
        add(&mut pdf, &format!("[{}]", references(from, from + LIST.min(count - list * LIST))));
    }
    for number in 0..count {
        add(&mut pdf, &format!("<</N {number}/T(object {number})>>"));
    }
    let xref = pdf.len();
    let _ = write!(pdf, "xref\n0 {}\n0000000000 65535 f \n", offsets.len() + 1);
    for offset in &offsets {
        let _ = writeln!(pdf, "{offset:010} 00000 n ");
    }
    let _ = write!(pdf, "trailer\n<</Size {}/Root 1 0 R>>\nstartxref\n{xref}\n%%EOF\n", offsets.len() + 1);
    pdf
}

/// How a batch went.
struct Batch {
    per_second: f64,
    /// Of the batch's time, what the token's thread spent on a processor.
    token_busy: f64,
    /// Seconds of processor a file, beside the token's thread.
    processor: f64,
}

/// Runs `rate` while all processors but one hash.
fn while_others_are_busy(rate: impl Fn() -> Result<f64, Failure>) -> Result<f64, Failure> {
    let over = AtomicBool::new(false);
    let others = std::thread::available_parallelism()?.get() - 1;
    std::thread::scope(|scope| {
        for _ in 0..others {
            scope.spawn(|| {
                let bytes = vec![0x6b; 64 << 10];
                while !over.load(Ordering::Relaxed) {
                    black_box(Sha256::of(&bytes));
                }
            });
        }
        let rate = rate();
        over.store(true, Ordering::Relaxed);
        rate
    })
}

/// Signatures a second in several sessions at the same time, with nothing else to do.
fn at_once(signer: &Signer, sessions: usize, time: Duration) -> Result<f64, Failure> {
    let begin = Instant::now();
    let made: Result<Vec<f64>, String> = std::thread::scope(|scope| {
        let sign = || {
            let mut made = 0.0;
            while begin.elapsed() < time {
                signer.token.sign(&signer.key, signer.scheme, b"kyso").map_err(|error| error.to_string())?;
                made += 1.0;
            }
            Ok(made)
        };
        let all: Vec<_> = (0..sessions).map(|_| scope.spawn(sign)).collect();
        all.into_iter().map(|one| one.join().unwrap_or_else(|_| Err("it fell over".into()))).collect()
    });
    Ok(made?.iter().sum::<f64>() / begin.elapsed().as_secs_f64())
}

/// Software makes RSA signatures faster in two sessions, and others not.
fn sessions_for(kind: NewKeyKind) -> &'static [usize] {
    if kind == NewKeyKind::P256 { &[1] } else { &[1, 2] }
}

fn beyond_one(sessions: usize) -> String {
    if sessions > 1 { format!(" x{sessions}") } else { String::new() }
}

/// Seconds that the threads of tokens spent on a processor so far.
fn token_seconds() -> Result<f64, Failure> {
    let mut all = 0.0;
    for task in fs::read_dir("/proc/self/task")? {
        let task = task?.path();
        // Threads of a batch that has just ended may be gone by now.
        let Ok(name) = fs::read_to_string(task.join("comm")) else { continue };
        if name.starts_with("token ") {
            let times = fs::read_to_string(task.join("schedstat"))?;
            all += times.split(' ').next().unwrap_or_default().parse::<f64>()? / 1e9;
        }
    }
    Ok(all)
}

/// Seconds that this process spent on processors so far, kernel included.
fn process_seconds() -> Result<f64, Failure> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap_or_default().split(' ').collect();
    let ticks = |at: usize| -> Result<f64, Failure> { Ok(fields.get(at).ok_or("no times")?.parse()?) };
    Ok((ticks(11)? + ticks(12)?) / TICKS)
}

/// What `/proc` counts a second in, on every Linux that kyso runs on.
const TICKS: f64 = 100.0;

/// What others wrote is on the disk before the clock starts.
fn settle() -> Result<(), Failure> {
    checked(&mut Command::new("sync")).map(drop)
}

fn checked(command: &mut Command) -> Result<Output, Failure> {
    let output = command.stdin(Stdio::null()).output()?;
    if output.status.success() {
        return Ok(output);
    }
    Err(format!("{command:?}: {}\n{}", output.status, String::from_utf8_lossy(&output.stderr)).into())
}

/// Milliseconds.
fn timed(run: impl FnOnce() -> Result<(), Failure>) -> Result<f64, Failure> {
    let start = Instant::now();
    run()?;
    Ok(start.elapsed().as_secs_f64() * 1e3)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

fn pin(text: &str) -> Pin {
    Pin::new(text.as_bytes().to_vec())
}

fn as_float(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

#[expect(clippy::cast_sign_loss, reason = "rates are positive")]
fn whole(count: f64) -> usize {
    count as usize
}

type Failure = Box<dyn std::error::Error>;
