//! kyso beside others, in one run, on one machine, as ratios: `./dev bench`, or `./dev bench --quick`.
//!
//! Beside pyHanko, signing and verifying a small and a large file on the same SoftHSM token, once in warm loops
//! inside one process and once as whole processes; beside the bare `C_Sign` rate of that token; beside
//! `openssl dgst -sha256` and `cp` on the same bytes. And the memory that a very large file takes.
//!
//! Every figure is the median of several runs. All files lie in one scratch folder under `target/` and are read
//! before the clock starts, so that nobody pays for a cold cache.

mod large;

use std::{
    env, fs, io,
    path::{Path, PathBuf},
    process::{Command, ExitCode, Stdio},
    time::{Duration, Instant},
};

use cryptoki::{
    context::{CInitializeArgs, CInitializeFlags, Pkcs11},
    mechanism::Mechanism,
    object::{Attribute, ObjectClass},
    session::UserType,
    types::AuthPin,
};
use kyso::token::softhsm::SoftHsm;
use large::{Filling, pdf_with_one_stream};

fn main() -> ExitCode {
    let outcome = Place::find().and_then(|place| match place {
        None => in_a_place_of_its_own(),
        Some(place) => {
            let quick = env::args().any(|argument| argument == "--quick");
            measure(&place, if quick { &Plan::QUICK } else { &Plan::FULL }).map(|()| ExitCode::SUCCESS)
        }
    });
    match outcome {
        Ok(status) => status,
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Makes token and certificates, then starts this program again with the settings that lead the token's driver there.
fn in_a_place_of_its_own() -> Result<ExitCode, Failure> {
    let place = Place::set_up()?;
    let mut again = Command::new(env::current_exe()?);
    let status = again.args(env::args_os().skip(1)).on_this_token(&place).status()?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// How much is measured.
struct Plan {
    /// Bytes of the large file.
    large: u64,
    /// Bytes of the file that only memory is measured with.
    huge: u64,
    warm_small: usize,
    warm_large: usize,
    process_small: usize,
    process_large: usize,
    bare: Duration,
}

impl Plan {
    const FULL: Plan = Plan {
        large: 100 << 20,
        huge: 1 << 30,
        warm_small: 50,
        warm_large: 5,
        process_small: 10,
        process_large: 5,
        bare: Duration::from_secs(2),
    };
    /// For those who work on the bench itself.
    const QUICK: Plan = Plan {
        large: 10 << 20,
        huge: 100 << 20,
        warm_small: 5,
        warm_large: 3,
        process_small: 3,
        process_large: 3,
        bare: Duration::from_millis(300),
    };
}

fn measure(place: &Place, plan: &Plan) -> Result<(), Failure> {
    // First, while nobody else holds the driver.
    let bare = place.bare_signatures_per_second(plan.bare)?;
    let small = place.dir.join("small.pdf");
    fs::copy("samples/quyet-dinh.pdf", &small)?;
    let large = place.dir.join("large.pdf");
    pdf_with_one_stream(&large, plan.large, Filling::Noise)?;
    let sizes = [
        (&small, size(&small)?, plan.warm_small, plan.process_small),
        (&large, size(&large)?, plan.warm_large, plan.process_large),
    ];

    println!(
        "Signing is PAdES B-B, RSA-2048 with SHA-256, on one SoftHSM token; results are written and fsynced."
    );
    println!("kyso checks each signature before it releases the file; pyHanko does not.\n");
    println!("{:<38} {:>12} {:>12} {:>8}", "", "kyso", "pyHanko", "ratio");
    let mut bases = Vec::new();
    for (file, bytes, warm, processes) in sizes {
        let signed = file.with_extension("signed.pdf");
        place.kyso_sign(file, &signed).output()?;
        let ours = kyso_side::warm(place, file, &signed, warm)?;
        let theirs = place.pyhanko_warm(file, &signed, warm.min(20))?;
        row(&format!("sign   {}, warm", human(bytes)), ours.sign, theirs.sign);
        row(&format!("verify {}, warm", human(bytes)), ours.verify, theirs.verify);
        let out = place.dir.join("out.pdf");
        let by_process = Pair {
            sign: median_of(processes, || place.kyso_sign(file, &out).output())?,
            verify: median_of(processes, || place.kyso_verify(&signed).output())?,
        };
        let process_of_theirs = Pair {
            sign: median_of(processes.min(5), || place.pyhanko_sign(file, &out).output())?,
            verify: median_of(processes.min(5), || place.pyhanko_verify(&signed).output())?,
        };
        row(&format!("sign   {}, whole process", human(bytes)), by_process.sign, process_of_theirs.sign);
        row(&format!("verify {}, whole process", human(bytes)), by_process.verify, process_of_theirs.verify);
        bases.push((file, ours, by_process));
    }

    let (_, small_warm, _) = &bases[0];
    let ours = 1.0 / small_warm.sign.as_secs_f64();
    println!("\nSignatures a second, one thread, same token and key");
    println!(
        "  bare C_Sign {bare:.0}, kyso signing a 60 kB file {ours:.0}: {:.2} of the bare rate",
        ours / bare
    );

    let (file, warm, process) = &bases[1];
    let copy = place.dir.join("copy.pdf");
    let hash = median_of(plan.process_large, || {
        Command::new("openssl").args(["dgst", "-sha256"]).arg(file).output()
    })?;
    let copied = median_of(plan.process_large, || {
        Command::new("cp").arg(file).arg(&copy).output()?;
        fs::File::open(&copy)?.sync_all()?;
        Command::new("true").output()
    })?;
    println!("\n{} of bytes, whole processes", human(size(file)?));
    println!("  openssl dgst -sha256 {}, cp and fsync {}", millis(hash), millis(copied));
    println!("  kyso verify is {:.2} of the hash", ratio(process.verify, hash));
    println!("  kyso sign is {:.2} of hash and copy together", ratio(process.sign, hash + copied));
    println!(
        "  inside a process: verify {:.2}, sign {:.2}",
        ratio(warm.verify, hash),
        ratio(warm.sign, hash + copied)
    );

    memory(place, plan)
}

/// The peak of resident memory while a huge file is signed and verified.
fn memory(place: &Place, plan: &Plan) -> Result<(), Failure> {
    let huge = place.dir.join("huge.pdf");
    let signed = place.dir.join("huge.signed.pdf");
    pdf_with_one_stream(&huge, plan.huge, Filling::Holes)?;
    println!("\nPeak resident memory, a PDF of {} with few objects", human(size(&huge)?));
    let sign = peak_of(&mut place.kyso_sign(&huge, &signed))?;
    let verify = peak_of(&mut place.kyso_verify(&signed))?;
    println!("  kyso sign {sign:.0} MiB, kyso verify {verify:.0} MiB (the limit is 100)");
    for file in [huge, signed] {
        fs::remove_file(file)?;
    }
    if sign.max(verify) > 100.0 {
        return Err("memory is over the limit".into());
    }
    Ok(())
}

/// The library's own loops, without the start of a process.
mod kyso_side {
    use std::sync::Arc;

    use kyso::{
        base::{Chance, Clock, DigestAlgorithm, Limits, Pin},
        fetch::Fetcher,
        service::sign::{SchemeWish, Signer, SigningDesk},
        signing::Wishes,
        store::FileSource,
        token::{KeySelector, LastTry, Module, Token, TokenSelector},
        trust::Anchors,
        validation::{Inspection, Policy},
        x509,
    };

    use super::{Duration, Failure, Instant, KEY, PIN, Pair, Path, Place, TOKEN, fs, median};

    pub(super) fn warm(place: &Place, file: &Path, signed: &Path, runs: usize) -> Result<Pair, Failure> {
        let label = TokenSelector { label: Some(TOKEN.to_owned()), ..TokenSelector::default() };
        let token = Token::open(&Module::Path(place.softhsm.clone()), &label)?;
        token.login(Pin::new(PIN.into()), LastTry::Refuse)?;
        let certificate = x509::certificates_from_pem(&fs::read(place.dir.join("leader.pem"))?)?.pop();
        let wish = SchemeWish { digest: DigestAlgorithm::Sha256, pss: false };
        let signer = Signer::new(token, KeySelector::Label(KEY.to_owned()), certificate, Vec::new(), wish)?;
        let roots = x509::certificates_from_pem(&fs::read(place.dir.join("ca.pem"))?)?;
        let anchors = Anchors::new("bench", roots);
        let (clock, limits, policy) = (Clock::System, Limits::default(), Policy::strict());
        let desk = SigningDesk {
            clock,
            chance: Chance::system(),
            limits: limits.clone(),
            fetcher: Arc::new(Fetcher::new()),
            time_stamping: None,
            anchors: anchors.clone(),
            policy: policy.clone(),
            online: false,
            known: Arc::default(),
        };
        let out = place.dir.join("kyso.pdf");
        let sign = || -> Result<(), Failure> {
            let input = FileSource::open(file)?;
            desk.sign_file(&input, &out, &signer, &Wishes::default())?;
            Ok(())
        };
        let verify = || -> Result<(), Failure> {
            let source = Arc::new(FileSource::open(signed)?);
            let report = Inspection::open(source, &limits)?.judge("bench", &policy, &anchors, clock.now());
            let [signature] = &report.signatures[..] else { return Err("not one signature".into()) };
            if signature.digest_matches && signature.signature_matches {
                return Ok(());
            }
            Err(format!("kyso does not accept what it is timed with: {signature:?}").into())
        };
        Ok(Pair { sign: timed(runs, sign)?, verify: timed(runs, verify)? })
    }

    /// The median time of several runs, after one that does not count.
    fn timed(runs: usize, run: impl Fn() -> Result<(), Failure>) -> Result<Duration, Failure> {
        run()?;
        let mut times = Vec::new();
        for _ in 0..runs {
            let start = Instant::now();
            run()?;
            times.push(start.elapsed());
        }
        Ok(median(times))
    }
}

struct Pair {
    sign: Duration,
    verify: Duration,
}

/// Token, certificates, files: everything that is measured lies here.
struct Place {
    dir: PathBuf,
    softhsm: PathBuf,
    python: PathBuf,
}

const PIN: &str = "273849";
const TOKEN: &str = "bench";
const KEY: &str = "leader";

impl Place {
    /// The place that this process was started in.
    fn find() -> Result<Option<Self>, Failure> {
        let place = Self::new()?;
        let here = env::var_os("SOFTHSM2_CONF").is_some_and(|path| path == place.token_settings());
        Ok(here.then_some(place))
    }

    fn set_up() -> Result<Self, Failure> {
        let place = Self::new()?;
        if place.dir.exists() {
            fs::remove_dir_all(&place.dir)?;
        }
        fs::create_dir_all(place.dir.join("tokens"))?;
        place.make_certificates()?;
        place.make_token()?;
        Ok(place)
    }

    fn new() -> Result<Self, Failure> {
        let softhsm = SoftHsm::library().ok_or("SoftHSM is not installed (./dev bench installs it)")?;
        let venv = env::var_os("KYSO_VENV").map_or_else(|| PathBuf::from(".kyso/venv"), PathBuf::from);
        let python = venv.join("bin/python");
        if !python.is_file() {
            return Err("pyHanko is not there (./dev bench makes its environment)".into());
        }
        Ok(Self { dir: Path::new(env!("CARGO_TARGET_TMPDIR")).join("bench"), softhsm, python })
    }

    fn token_settings(&self) -> PathBuf {
        self.dir.join("softhsm2.conf")
    }

    fn make_certificates(&self) -> Result<(), Failure> {
        fs::write(self.dir.join("leader.cnf"), "keyUsage=critical,digitalSignature,nonRepudiation\n")?;
        let script = "
            openssl req -x509 -newkey rsa:3072 -nodes -days 30 -subj '/CN=Bench CA' -keyout ca.key -out ca.pem \
                -addext 'keyUsage=critical,keyCertSign,cRLSign'
            openssl req -newkey rsa:2048 -nodes -subj '/CN=Bench Leader' -keyout leader.key -out leader.csr
            openssl x509 -req -in leader.csr -CA ca.pem -CAkey ca.key -days 20 -out leader.pem -extfile leader.cnf
            openssl pkcs8 -topk8 -nocrypt -in leader.key -out leader.p8";
        self.shell(script)
    }

    fn make_token(&self) -> Result<(), Failure> {
        let config = format!(
            "directories.tokendir = {}\nobjectstore.backend = file\nlog.level = ERROR\n",
            self.dir.join("tokens").display()
        );
        fs::write(self.token_settings(), config)?;
        self.shell(&format!(
            "softhsm2-util --init-token --free --label {TOKEN} --so-pin 12345678 --pin {PIN}
             softhsm2-util --import leader.p8 --token {TOKEN} --label {KEY} --id 01 --pin {PIN}"
        ))
    }

    fn shell(&self, script: &str) -> Result<(), Failure> {
        Command::new("bash").args(["-euc", script]).current_dir(&self.dir).on_this_token(self).checked()
    }

    fn kyso_sign(&self, input: &Path, output: &Path) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kyso"));
        command.arg("sign").arg(input).arg("-o").arg(output).arg("--overwrite");
        command.arg("--module").arg(&self.softhsm).args(["--token", TOKEN, "--key", KEY]);
        command.arg("--cert").arg(self.dir.join("leader.pem")).env("KYSO_PIN", PIN).on_this_token(self);
        command
    }

    /// Without revocation evidence the verdict is "indeterminate": the work is the same.
    fn kyso_verify(&self, signed: &Path) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kyso"));
        command.args(["verify", "--offline", "--json", "--trust"]).arg(self.dir.join("ca.pem")).arg(signed);
        command
    }

    fn pyhanko_sign(&self, input: &Path, output: &Path) -> Command {
        let mut command = Command::new(&self.python);
        command.arg("tests/interop/sign_with_pyhanko.py").arg(input).arg(output).arg("--module");
        command.arg(&self.softhsm).args(["--token", TOKEN, "--key-label", KEY, "--cert"]);
        command.arg(self.dir.join("leader.pem")).on_this_token(self);
        command
    }

    fn pyhanko_verify(&self, signed: &Path) -> Command {
        let mut command = Command::new(&self.python);
        command.arg("tests/interop/verify_with_pyhanko.py").arg(signed).arg("--trust");
        command.arg(self.dir.join("ca.pem"));
        command
    }

    fn pyhanko_warm(&self, file: &Path, signed: &Path, runs: usize) -> Result<Pair, Failure> {
        let mut command = Command::new(&self.python);
        command.arg("benches/pyhanko_bench.py").arg("--module").arg(&self.softhsm);
        command.args(["--token", TOKEN, "--key", KEY, "--cert"]).arg(self.dir.join("leader.pem"));
        command.arg("--trust").arg(self.dir.join("ca.pem")).arg("--scratch").arg(&self.dir);
        command.arg(format!("sign:{runs}:{}", file.display()));
        command.arg(format!("verify:{runs}:{}", signed.display()));
        let output = command.on_this_token(self).output()?;
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
        }
        let seconds: [Vec<f64>; 2] = serde_json::from_slice(&output.stdout)?;
        let [sign, verify] =
            seconds.map(|runs| median(runs.into_iter().map(Duration::from_secs_f64).collect()));
        Ok(Pair { sign, verify })
    }

    /// `C_SignInit` and `C_Sign` with `CKM_RSA_PKCS` on a `DigestInfo`, and nothing else.
    fn bare_signatures_per_second(&self, time: Duration) -> Result<f64, Failure> {
        let module = Pkcs11::new(&self.softhsm)?;
        module.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK))?;
        let slot = *module.get_slots_with_initialized_token()?.first().ok_or("no token")?;
        let session = module.open_ro_session(slot)?;
        match session.login(UserType::User, Some(&AuthPin::new(PIN.into()))) {
            Ok(())
            | Err(cryptoki::error::Error::Pkcs11(cryptoki::error::RvError::UserAlreadyLoggedIn, _)) => {}
            Err(error) => return Err(error.into()),
        }
        let wanted = [Attribute::Class(ObjectClass::PRIVATE_KEY), Attribute::Label(KEY.into())];
        let key = *session.find_objects(&wanted)?.first().ok_or("no key")?;
        let digest_info = [0x30_u8; 51];
        let mut signatures = 0_u32;
        let start = Instant::now();
        while start.elapsed() < time {
            session.sign(&Mechanism::RsaPkcs, key, &digest_info)?;
            signatures += 1;
        }
        Ok(f64::from(signatures) / start.elapsed().as_secs_f64())
    }
}

trait Run {
    fn on_this_token(&mut self, place: &Place) -> &mut Self;
    fn checked(&mut self) -> Result<(), Failure>;
}

impl Run for Command {
    fn on_this_token(&mut self, place: &Place) -> &mut Self {
        self.env("SOFTHSM2_CONF", place.token_settings()).env("INTEROP_SECRET", PIN)
    }

    /// Runs to the end. "Indeterminate" (2) is an answer too.
    fn checked(&mut self) -> Result<(), Failure> {
        let output = self.stdin(Stdio::null()).output()?;
        if matches!(output.status.code(), Some(0 | 2)) {
            return Ok(());
        }
        Err(format!("{self:?}: {}\n{}", output.status, String::from_utf8_lossy(&output.stderr)).into())
    }
}

/// The median time of several runs, after one that does not count.
fn median_of(
    runs: usize,
    mut run: impl FnMut() -> io::Result<std::process::Output>,
) -> Result<Duration, Failure> {
    let mut times = Vec::new();
    for round in 0..=runs {
        let start = Instant::now();
        let output = run()?;
        let time = start.elapsed();
        if !matches!(output.status.code(), Some(0 | 2)) {
            return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
        }
        if round > 0 {
            times.push(time);
        }
    }
    Ok(median(times))
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

/// The peak of resident memory of a command, in MiB.
fn peak_of(command: &mut Command) -> Result<f64, Failure> {
    let (status, mib) = large::peak_of(command)?;
    if matches!(status.code(), Some(0 | 2)) { Ok(mib) } else { Err(format!("{command:?}: {status}").into()) }
}

fn row(what: &str, ours: Duration, theirs: Duration) {
    println!("{what:<38} {:>12} {:>12} {:>7.1}x", millis(ours), millis(theirs), ratio(theirs, ours));
}

fn ratio(of: Duration, to: Duration) -> f64 {
    of.as_secs_f64() / to.as_secs_f64()
}

fn millis(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1e3)
}

fn human(bytes: u64) -> String {
    if bytes < 1 << 20 { format!("{} kB", bytes / 1_000) } else { format!("{} MiB", bytes >> 20) }
}

fn size(path: &Path) -> io::Result<u64> {
    Ok(fs::metadata(path)?.len())
}

type Failure = Box<dyn std::error::Error>;
