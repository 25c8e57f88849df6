//! How many instructions parsing, path building, judging and signing without the key take, counted by `valgrind --tool=callgrind`: a figure that
//! a noisy machine does not change. `./dev bench` prints how far they are from `benches/instructions.toml`, and fails
//! when one has grown by more than the tolerance written there. `--keep` writes the file anew.
//!
//! Keys are new in each run, so lengths of numbers differ a little: the tolerance covers that.

#[allow(dead_code, reason = "the fuzz targets and the other bench use the rest of it")]
mod world;

use std::{
    collections::BTreeMap,
    env, fs,
    hint::black_box,
    process::{Command, ExitCode, Stdio},
    sync::Arc,
};

use kyso::{
    base::{Limits, MemorySource, UtcTime},
    cms::SignedData,
    pdf::Document,
    signing::Prepared,
    trust::{Anchors, Checks, Control, Court, Purpose, StatusItem},
    validation::{Evidence, Overall},
    x509::{Certificate, Crl},
};
use serde::{Deserialize, Serialize};
use world::{Failure, World};

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().collect();
    let outcome = match arguments.iter().position(|argument| argument == "--count") {
        Some(at) => count(arguments.get(at + 1).map_or("", String::as_str)),
        None => compare(arguments.iter().any(|argument| argument == "--keep")),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}

/// `benches/instructions.toml`
#[derive(Deserialize, Serialize)]
struct Kept {
    /// Of the processor and the system that the figures are good for.
    machine: String,
    /// By how much a figure may grow.
    tolerance_percent: f64,
    /// Thousands of instructions.
    thousands: BTreeMap<String, u64>,
}

const FILE: &str = "benches/instructions.toml";

/// What is counted: each of these functions is counted from its begin to its end, and nothing else.
const WHAT: [&str; 6] = ["parse", "path", "judge", "judge-51", "prepare", "finish"];

fn compare(keep: bool) -> Result<(), Failure> {
    if Command::new("valgrind").arg("--version").stdout(Stdio::null()).status().is_err() {
        println!("valgrind is not installed: instructions are not counted");
        return Ok(());
    }
    let mut counted = BTreeMap::new();
    for what in WHAT {
        counted.insert(what.to_owned(), by_callgrind(what)?);
    }
    let machine = format!("{}-{}", env::consts::ARCH, env::consts::OS);
    let kept = fs::read_to_string(FILE).ok().map(|text| toml::from_str::<Kept>(&text)).transpose()?;
    if keep || kept.is_none() {
        let kept = Kept { machine, tolerance_percent: 5.0, thousands: counted };
        let head = "# Written by `cargo bench --bench instructions -- --keep`: thousands of instructions (callgrind).\n";
        fs::write(FILE, format!("{head}{}", toml::to_string(&kept)?))?;
        println!("{FILE} is written");
        return Ok(());
    }
    let Some(kept) = kept else { return Ok(()) };
    if kept.machine != machine {
        println!("the kept figures are those of {}, this is {machine}", kept.machine);
    }
    println!("\nInstructions, in thousands\n{:<10} {:>10} {:>10} {:>9}", "", "kept", "now", "");
    let mut grown = Vec::new();
    for (what, now) in &counted {
        let Some(before) = kept.thousands.get(what) else { continue };
        let percent = (as_float(*now) / as_float(*before) - 1.0) * 100.0;
        println!("{what:<10} {before:>10} {now:>10} {percent:>+8.1}%");
        if percent > kept.tolerance_percent {
            grown.push(what.as_str());
        }
    }
    if grown.is_empty() { Ok(()) } else { Err(format!("more than before: {}", grown.join(", ")).into()) }
}

/// Thousands of instructions of one function, in a process of its own under callgrind.
fn by_callgrind(what: &str) -> Result<u64, Failure> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null", "--collect-atstart=no"])
        .arg(format!("--toggle-collect=*::counted_{}*", what.trim_end_matches("-51")))
        .arg(env::current_exe()?)
        .args(["--count", what])
        .stdout(Stdio::null())
        .output()?;
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    let collected = told.lines().find_map(|line| line.split("Collected :").nth(1));
    let collected: Option<u64> = collected.and_then(|number| number.trim().parse().ok());
    match collected {
        Some(number) if number > 0 && output.status.success() => Ok(number / 1000),
        _ => Err(format!("callgrind did not count {what}:\n{told}").into()),
    }
}

/// Runs one of [`WHAT`] once without counting, so that what is made once is there, and once with.
fn count(what: &str) -> Result<(), Failure> {
    let world = World::new()?;
    let sample = fs::read("samples/quyet-dinh.pdf")?;
    match what {
        "parse" => {
            let pdf = world.with_store(world.sign(sample, true)?)?;
            black_box(open(&pdf)?);
            black_box(counted_parse(&pdf)?);
        }
        "path" => {
            let case = PathCase::of(&world)?;
            case.judge()?;
            counted_path(&case)?;
        }
        "judge" => {
            let pdf = world.with_store(world.sign(sample, true)?)?;
            judge(&world, &pdf)?;
            counted_judge(&world, &pdf)?;
        }
        "judge-51" => {
            let mut pdf = sample;
            for _ in 0..51 {
                pdf = world.sign(pdf, false)?;
            }
            let pdf = world.with_store(pdf)?;
            judge(&world, &pdf)?;
            counted_judge(&world, &pdf)?;
        }
        "prepare" => {
            black_box(prepare(&world, &sample)?);
            black_box(counted_prepare(&world, &sample)?);
        }
        "finish" => {
            for counted in [false, true] {
                let prepared = prepare(&world, &sample)?;
                let value = world.value(&prepared)?;
                black_box(if counted { counted_finish(prepared, value)? } else { finish(prepared, value)? });
            }
        }
        _ => return Err(format!("there is nothing called {what}").into()),
    }
    Ok(())
}

/// Reading a document, its signatures and all that lies in them, without a verdict.
#[inline(never)]
fn counted_parse(pdf: &[u8]) -> Result<Document, Failure> {
    open(pdf)
}

/// One certificate under the anchor, with the lists of both authorities.
#[inline(never)]
fn counted_path(case: &PathCase) -> Result<(), Failure> {
    case.judge()
}

/// A document whose signatures have all their evidence.
#[inline(never)]
fn counted_judge(world: &World, pdf: &[u8]) -> Result<(), Failure> {
    judge(world, pdf)
}

/// Reading a document and building the revision that is to be signed.
#[inline(never)]
fn counted_prepare(world: &World, pdf: &[u8]) -> Result<Prepared, Failure> {
    prepare(world, pdf)
}

/// Checking the value and putting it into its place.
#[inline(never)]
fn counted_finish(prepared: Prepared, value: Vec<u8>) -> Result<Vec<u8>, Failure> {
    finish(prepared, value)
}

fn prepare(world: &World, pdf: &[u8]) -> Result<Prepared, Failure> {
    world.prepare(Arc::new(MemorySource(pdf.to_vec())), false)
}

fn finish(prepared: Prepared, value: Vec<u8>) -> Result<Vec<u8>, Failure> {
    Ok(prepared.finish(value)?.plain()?)
}

fn open(pdf: &[u8]) -> Result<Document, Failure> {
    let limits = Limits::default();
    let document = Document::open(Arc::new(MemorySource(pdf.to_vec())), &limits)?;
    for signature in document.signatures()? {
        black_box(SignedData::parse(&signature.contents, &limits).is_ok());
        black_box(document.changes_after(signature.revision)?);
    }
    Ok(document)
}

fn judge(world: &World, pdf: &[u8]) -> Result<(), Failure> {
    let report = world.judge(pdf.to_vec())?;
    if report.overall == Overall::Valid { Ok(()) } else { Err(format!("not valid: {report:#?}").into()) }
}

struct PathCase {
    person: Certificate,
    anchors: Anchors,
    chain: Vec<Certificate>,
    lists: Vec<Crl>,
    now: UtcTime,
}

impl PathCase {
    fn of(world: &World) -> Result<Self, Failure> {
        let mut lists = Vec::new();
        for one in world.evidence()? {
            if let Evidence::Crl(der) = one {
                lists.push(Crl::from_der(&der)?);
            }
        }
        let (person, anchors) = (world.person().clone(), world.anchors());
        Ok(Self { person, anchors, chain: world.chain(), lists, now: world.now() })
    }

    fn judge(&self) -> Result<(), Failure> {
        let (limits, checks) = (Limits::default(), Checks::default());
        let statuses: Vec<_> = self.lists.iter().map(|list| StatusItem::crl(list, self.now)).collect();
        let court = Court::new(&self.anchors, &self.chain, &statuses, &limits, &checks);
        let assessment = court.judge(&self.person, Purpose::Signing, Control::unproven(self.now));
        black_box(assessment.outcome)?;
        Ok(())
    }
}

fn as_float(count: u64) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}
