//! What a verdict costs: `./dev bench`, or `./dev bench --quick`.
//!
//! One signature with everything that it needs; many signatures, revisions and objects, as curves; a large file
//! beside `openssl dgst -sha256`; the memory of a very large one; a folder on one core and on two. Beside kyso, in the
//! same run on the same files: pyHanko in a warm loop inside one process, and poppler's `pdfsig -nocert` as a whole
//! process. What is absent is left out, and said.
//!
//! Every figure is the median of several runs after one that does not count. Keys and files are new in each run.
//! `cargo bench --bench judging -- signatures large` runs these stories only.

mod bombs;
#[allow(dead_code, reason = "the tests use the rest of it")]
mod large;
#[allow(dead_code, reason = "the fuzz targets use the rest of it")]
mod world;

use std::{
    env, fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, ExitCode, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use kyso::{store::FileSource, validation::Overall};
use large::{Filling, pdf_with_one_stream};
use world::{Failure, World};

fn main() -> ExitCode {
    let quick = env::args().any(|argument| argument == "--quick");
    match Bench::new(quick).and_then(|bench| bench.run()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}

struct Bench {
    world: World,
    folder: PathBuf,
    root: PathBuf,
    sample: Vec<u8>,
    /// The interpreter of an environment with pyHanko.
    python: Option<PathBuf>,
    quick: bool,
}

impl Bench {
    fn new(quick: bool) -> Result<Self, Failure> {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("judging");
        fs::create_dir_all(&folder)?;
        let (world, root) = (World::new()?, folder.join("root.pem"));
        fs::write(&root, world.root().to_pem())?;
        let venv = env::var_os("KYSO_VENV").map_or_else(|| PathBuf::from(".kyso/venv"), PathBuf::from);
        let python = Some(venv.join("bin/python")).filter(|python| python.is_file());
        Ok(Self { world, folder, root, sample: fs::read("samples/quyet-dinh.pdf")?, python, quick })
    }

    fn run(&self) -> Result<(), Failure> {
        let stories: [(&str, fn(&Self) -> Result<(), Failure>); 8] = [
            ("one", Self::one),
            ("signatures", Self::signatures),
            ("revisions", Self::revisions),
            ("objects", Self::objects),
            ("large", Self::large),
            ("folder", Self::folder),
            ("memory", Self::memory),
            ("bombs", Self::bombs),
        ];
        let wanted: Vec<String> = env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
        for (name, story) in stories {
            if wanted.is_empty() || wanted.iter().any(|word| word == name) {
                story(self)?;
            }
        }
        Ok(())
    }

    /// One signature with time-stamp, lists and OCSP answer in the file.
    fn one(&self) -> Result<(), Failure> {
        let pdf = self.world.with_store(self.world.sign(self.sample.clone(), true)?)?;
        let report = self.world.judge(pdf.clone())?;
        if report.overall != Overall::Valid {
            return Err(format!("not valid: {report:#?}").into());
        }
        let runs = if self.quick { 20 } else { 300 };
        let time = timed(runs, || self.valid(&pdf))?;
        println!(
            "One signature (RSA-2048) with time-stamp, two lists and an OCSP answer, {} kB, in process\n  {} \
             (the target is 2 ms)",
            pdf.len() / 1000,
            millis(time)
        );
        Ok(())
    }

    /// The curve over signatures.
    fn signatures(&self) -> Result<(), Failure> {
        println!("\nSignatures in one file, each a revision; evidence in the last. All are valid.");
        println!(
            "{:>10} {:>9} {:>12} {:>12} {:>14} {:>16} {:>14}",
            "signatures", "kB", "kyso", "a signature", "pyHanko", "pdfsig (process)", "adding one"
        );
        let counts: &[usize] = if self.quick { &[1, 10, 25] } else { &[1, 10, 25, 51, 100, 200] };
        let (mut signed, mut have, mut curve) = (self.sample.clone(), 0, Curve::default());
        for &count in counts {
            while have < count {
                signed = self.world.sign(signed, false)?;
                have += 1;
            }
            let pdf = self.world.with_store(signed.clone())?;
            let file = self.folder.join("many.pdf");
            fs::write(&file, &pdf)?;
            let time = timed(self.runs(count), || self.valid(&pdf))?;
            // Beyond that, minutes.
            let theirs = if count > 51 { None } else { self.pyhanko(&file, if count > 10 { 1 } else { 5 })? };
            let poppler = Self::pdfsig(&file, count)?;
            let more = timed(self.runs(count), || self.world.sign(pdf.clone(), false).map(drop))?;
            println!(
                "{count:>10} {:>9} {:>12} {:>12} {:>14} {:>16} {:>14}",
                pdf.len() / 1000,
                millis(time),
                millis(each(time, count)),
                theirs.map_or("-".to_owned(), millis),
                poppler.map_or("-".to_owned(), millis),
                millis(more)
            );
            curve.add(count, time);
        }
        curve.print();
        Ok(())
    }

    /// The curve over revisions behind one signature.
    fn revisions(&self) -> Result<(), Failure> {
        println!("\nRevisions with evidence behind one signature");
        let counts: &[usize] = if self.quick { &[1, 10] } else { &[1, 10, 50, 200] };
        let (mut pdf, mut have, mut curve) =
            (self.world.sign(self.sample.clone(), true)?, 0, Curve::default());
        for &count in counts {
            while have < count {
                pdf = self.world.with_store(pdf)?;
                have += 1;
            }
            curve.tell(count, "revisions", timed(self.runs(count), || self.valid(&pdf))?, pdf.len());
        }
        curve.print();
        Ok(())
    }

    /// The curve over objects of one signed document.
    fn objects(&self) -> Result<(), Failure> {
        println!("\nObjects of a document with one signature");
        let counts: &[usize] = if self.quick { &[100, 1_000] } else { &[1_000, 10_000, 100_000, 300_000] };
        let mut curve = Curve::default();
        for &count in counts {
            let pdf = with_objects(count);
            let pdf = self.world.with_store(self.world.sign(pdf, true)?)?;
            curve.tell(count, "objects", timed(self.runs(count / 1000), || self.valid(&pdf))?, pdf.len());
        }
        curve.print();
        Ok(())
    }

    /// A large file beside the hash of its bytes.
    fn large(&self) -> Result<(), Failure> {
        let file = self.folder.join("large.pdf");
        let len = if self.quick { 10 << 20 } else { 100 << 20 };
        self.signed_file(&file, len, Filling::Noise)?;
        let runs = if self.quick { 3 } else { 9 };
        let hash = process(runs, &[0], || {
            let mut command = Command::new("openssl");
            command.args(["dgst", "-sha256"]).arg(&file);
            command
        })?;
        // The verdict is "indeterminate" without evidence: the work is the same.
        let inside = timed(runs, || self.world.judge_source(Arc::new(FileSource::open(&file)?)).map(drop))?;
        let whole = process(runs, &[0, 2], || self.kyso(&[&file], &[]))?;
        println!("\nA signed file of {} MiB", len >> 20);
        println!("  openssl dgst -sha256, whole process {}", millis(hash));
        println!(
            "  kyso in process {}, whole process {}: {:.2} and {:.2} of openssl's speed (the target is 0.8)",
            millis(inside),
            millis(whole),
            ratio(hash, inside),
            ratio(hash, whole)
        );
        fs::remove_file(file)?;
        Ok(())
    }

    /// A folder of files, on one core and on two.
    fn folder(&self) -> Result<(), Failure> {
        let folder = self.folder.join("files");
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder)?;
        let pdf = self.world.with_store(self.world.sign(self.sample.clone(), true)?)?;
        let count = if self.quick { 50 } else { 1_000 };
        for number in 0..count {
            fs::write(folder.join(format!("{number:04}.pdf")), &pdf)?;
        }
        let by = |jobs: &str| process(5, &[0], || self.kyso(&[&folder], &["--jobs", jobs]));
        let (one, two) = (by("1")?, by("2")?);
        println!(
            "\nA folder of {count} files, whole process\n  1 job {} ({:.0} files a second), 2 jobs {} ({:.0}): {:.2} \
             times as fast",
            millis(one),
            f64::from(count) / one.as_secs_f64(),
            millis(two),
            f64::from(count) / two.as_secs_f64(),
            ratio(one, two)
        );
        fs::remove_dir_all(folder)?;
        Ok(())
    }

    /// The peak of resident memory for a very large file.
    fn memory(&self) -> Result<(), Failure> {
        let file = self.folder.join("huge.pdf");
        let len = if self.quick { 256 << 20 } else { 2560 << 20 };
        self.signed_file(&file, len, Filling::Holes)?;
        let (status, peak) = large::peak_of(&mut self.kyso(&[&file], &[]))?;
        fs::remove_file(file)?;
        println!(
            "\nPeak resident memory of kyso verify, a signed file of {} MiB\n  {peak:.0} MiB (the limit is 100)",
            len >> 20
        );
        if !matches!(status.code(), Some(0 | 2)) {
            return Err(format!("kyso verify: {status}").into());
        }
        if peak > 100.0 { Err("memory is over the limit".into()) } else { Ok(()) }
    }

    /// Files made to cost much: what they cost.
    fn bombs(&self) -> Result<(), Failure> {
        println!("\nFiles made to cost much, kyso verify as a whole process");
        println!("{:<50} {:>10} {:>12} {:>9}", "", "file kB", "time", "peak MiB");
        let file = self.folder.join("bomb.pdf");
        for bomb in bombs::all() {
            let pdf = (bomb.make)();
            fs::write(&file, &pdf)?;
            let start = Instant::now();
            let (status, peak) = large::peak_of(self.kyso(&[&file], &[]).stderr(Stdio::null()))?;
            let time = start.elapsed();
            // Each has an answer: a verdict (1, 2), "unsigned" (3) or "this file cannot be read" (65).
            if !matches!(status.code(), Some(1 | 2 | 3 | 65)) {
                return Err(format!("{}: {status}", bomb.name).into());
            }
            println!(
                "{:<50} {:>10.1} {:>12} {peak:>9.0}",
                bomb.name,
                count_of(pdf.len()) / 1e3,
                millis(time)
            );
        }
        Ok(())
    }

    fn signed_file(&self, file: &Path, len: u64, filling: Filling) -> Result<(), Failure> {
        pdf_with_one_stream(file, len, filling)?;
        let tail = self.world.signature(Arc::new(FileSource::open(file)?), true)?;
        Ok(fs::OpenOptions::new().append(true).open(file)?.write_all(&tail)?)
    }

    fn valid(&self, pdf: &[u8]) -> Result<(), Failure> {
        let report = self.world.judge(pdf.to_vec())?;
        if report.overall == Overall::Valid { Ok(()) } else { Err("it is not valid".into()) }
    }

    fn kyso(&self, files: &[&Path], more: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kyso"));
        command.args(["verify", "--offline", "--format", "jsonl", "--trust"]).arg(&self.root);
        command.args(more).args(files);
        command
    }

    fn pyhanko(&self, file: &Path, runs: usize) -> Result<Option<Duration>, Failure> {
        let Some(python) = &self.python else { return Ok(None) };
        let mut command = Command::new(python);
        command.arg("benches/pyhanko_bench.py").arg("--trust").arg(&self.root).arg("--scratch");
        command.arg(&self.folder).arg(format!("verify:{runs}:{}", file.display()));
        let output = command.output()?;
        if !output.status.success() {
            eprintln!("{}", String::from_utf8_lossy(&output.stderr));
            return Ok(None);
        }
        let [seconds]: [Vec<f64>; 1] = serde_json::from_slice(&output.stdout)?;
        Ok(Some(median(seconds.into_iter().map(Duration::from_secs_f64).collect())))
    }

    fn pdfsig(file: &Path, count: usize) -> Result<Option<Duration>, Failure> {
        let command = || {
            let mut command = Command::new("pdfsig");
            command.arg("-nocert").arg(file);
            command
        };
        let Ok(first) = command().output() else { return Ok(None) };
        let valid = String::from_utf8_lossy(&first.stdout).matches("Signature is Valid").count();
        if valid != count {
            return Err(format!("pdfsig finds {valid} of {count} signatures valid").into());
        }
        process(3, &[0], command).map(Some)
    }

    fn runs(&self, cost: usize) -> usize {
        if self.quick { 3 } else { (400 / cost.max(1)).clamp(5, 50) }
    }
}

/// How time grows with a number.
#[derive(Default)]
struct Curve(Vec<(usize, Duration)>);

impl Curve {
    fn add(&mut self, count: usize, time: Duration) {
        self.0.push((count, time));
    }

    fn tell(&mut self, count: usize, of: &str, time: Duration, len: usize) {
        println!("{count:>10} {of} {:>8} kB {:>12}", len / 1000, millis(time));
        self.add(count, time);
    }

    /// The exponent between the last point and one about eight times smaller: 1 is linear, 2 is quadratic.
    fn print(&self) {
        let Some((last, time)) = self.0.last() else { return };
        let Some((first, less)) = self.0.iter().rfind(|(count, _)| count * 7 < *last) else { return };
        let exponent = ratio(*time, *less).ln() / (count_of(*last) / count_of(*first)).ln();
        println!("  from {first} to {last}, time grows as the power {exponent:.2} (1 is linear)");
    }
}

/// A page, and as many more objects that it refers to.
fn with_objects(count: usize) -> Vec<u8> {
    let mut pdf = b"%PDF-1.7\n%\xE2\xE3\xCF\xD3\n".to_vec();
    let mut table = format!("xref\n0 {}\n0000000000 65535 f \n", count + 4);
    let mut add = |pdf: &mut Vec<u8>, number: usize, body: &str| {
        table.push_str(&format!("{:010} 00000 n \n", pdf.len()));
        pdf.extend_from_slice(format!("{number} 0 obj\n{body}\nendobj\n").as_bytes());
    };
    add(&mut pdf, 1, "<</Type/Catalog/Pages 2 0 R>>");
    add(&mut pdf, 2, "<</Type/Pages/Kids[3 0 R]/Count 1>>");
    let all: String = (4..count + 4).map(|number| format!("{number} 0 R ")).collect();
    add(
        &mut pdf,
        3,
        &format!("<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/PieceInfo<</K<</Private[{all}]>>>>>>"),
    );
    for number in 4..count + 4 {
        add(&mut pdf, number, &format!("<</A/B/C[1 2.5 (text)]/D {number}>>"));
    }
    let at = pdf.len();
    let size = count + 4;
    let end = format!("{table}trailer\n<</Size {size}/Root 1 0 R>>\nstartxref\n{at}\n%%EOF\n");
    pdf.extend_from_slice(end.as_bytes());
    pdf
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

/// The same for whole processes that end with one of these statuses.
fn process(runs: usize, good: &[i32], command: impl Fn() -> Command) -> Result<Duration, Failure> {
    timed(runs, || {
        let mut command = command();
        let output = command.stdin(Stdio::null()).output()?;
        if output.status.code().is_some_and(|code| good.contains(&code)) {
            return Ok(());
        }
        Err(format!("{command:?}: {}\n{}", output.status, String::from_utf8_lossy(&output.stderr)).into())
    })
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

fn each(time: Duration, count: usize) -> Duration {
    time / u32::try_from(count.max(1)).unwrap_or(u32::MAX)
}

fn count_of(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

fn ratio(of: Duration, to: Duration) -> f64 {
    of.as_secs_f64() / to.as_secs_f64()
}

fn millis(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1e3)
}
