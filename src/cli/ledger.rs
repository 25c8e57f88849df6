//! `kyso ledger`: proofs of dispatch events, checked without any server, and the audit.

use std::{
    fs::File,
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
    process::ExitCode,
};

use super::USAGE;
use crate::{
    base::{Clock, Id},
    config::Config,
    dispatch::{CANONICAL_MAX, Code, Event, LeafFields},
    ledger::{Proof, ProofError, Proven, VerifierKey},
    service::{Audit, Service, ServiceError},
};

/// Prove, check and audit the dispatch ledger.
///
/// Exit status: 0 all is well, 1 the proof does not hold or the audit found something, 64 wrong usage, 65 a file or
/// database that cannot be read, 70 our own fault.
#[derive(Debug, clap::Args)]
#[command(arg_required_else_help = true)]
pub(super) struct Args {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, clap::Subcommand)]
enum Task {
    /// Re-read everything stored and say what is wrong, if anything
    ///
    /// Every file is hashed, every reference followed, every ledger entry made again from its event, the tree grown
    /// again, every checkpoint checked, every delivery moved again by the table of states. Nothing is changed.
    Audit {
        #[command(flatten)]
        place: Place,
        /// Write JSON for programs
        #[arg(long)]
        json: bool,
    },
    /// Check a proof with no server and no network
    Check(Check),
    /// Write the proof of an event as a file that anyone can check offline
    Prove {
        /// The event's identifier, as the API and the pages show it
        #[arg(value_name = "EVENT")]
        event: Id<Event>,
        /// Where to write the proof; it must not exist yet
        #[arg(short, long, value_name = "FILE")]
        output: PathBuf,
        #[command(flatten)]
        place: Place,
    },
}

#[derive(Debug, clap::Args)]
struct Check {
    /// The proof (c2sp.org/tlog-proof@v1)
    #[arg(value_name = "PROOF")]
    proof: PathBuf,
    /// The ledger's public key, `NAME+KEYID+BASE64`, from a source that you trust
    #[arg(long, value_name = "KEY", required_unless_present = "key_file", conflicts_with = "key_file")]
    key: Option<VerifierKey>,
    /// A file with the ledger's public key
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// The proof has to be of the entry in this file, byte for byte
    #[arg(long, value_name = "FILE")]
    event: Option<PathBuf>,
    /// The proof has to be of a dispatch of this PDF
    #[arg(long, value_name = "PDF")]
    document: Option<PathBuf>,
    /// Write JSON for programs
    #[arg(long)]
    json: bool,
}

/// Where the ledger is kept.
#[derive(Debug, clap::Args)]
struct Place {
    /// The configuration that `kyso serve` uses
    #[arg(long, value_name = "TOML", required_unless_present = "db", conflicts_with_all = ["db", "blobs"])]
    config: Option<PathBuf>,
    /// The database: sqlite:FILE or postgres://USER@HOST/NAME
    #[arg(long, value_name = "URL", env = "KYSO_DB", hide_env_values = true)]
    db: Option<String>,
    /// The folder of document bytes, which the audit reads
    #[arg(long, value_name = "DIR", requires = "db")]
    blobs: Option<PathBuf>,
}

pub(super) fn run(args: Args) -> ExitCode {
    let done = match args.task {
        Task::Audit { place, json } => audit(place, json),
        Task::Check(args) => check(&args),
        Task::Prove { event, output, place } => prove(event, &output, place),
    };
    match done {
        Ok(status) => ExitCode::from(status),
        Err(Failure { status, message }) => {
            let _ = writeln!(io::stderr(), "error: {message}");
            ExitCode::from(status)
        }
    }
}

fn audit(place: Place, json: bool) -> Result<u8, Failure> {
    if place.config.is_none() && place.blobs.is_none() {
        return Err(Failure::usage("the audit reads the documents too: give --blobs DIR beside --db URL"));
    }
    let audit = block_on(async {
        let service = open(place).await?;
        let audit = service.audit().await.map_err(Failure::service)?;
        service.close().await;
        Ok(audit)
    })?;
    let text = if json { to_json(&audit)? } else { describe(&audit) };
    print(&text)?;
    Ok(if audit.findings.is_empty() { HOLDS } else { DOES_NOT_HOLD })
}

fn describe(audit: &Audit) -> String {
    let mut text = String::new();
    for finding in &audit.findings {
        text.push_str(&format!("{}: {}\n", finding.kind, finding.message));
    }
    let Audit { files, documents, dispatches, events, checkpoints, anomalies, findings } = audit;
    text.push_str(&format!(
        "read {files} files, {documents} documents, {dispatches} dispatches, {events} events, {checkpoints} checkpoints; {anomalies} anomalies on record\n"
    ));
    text.push_str(&match findings.len() {
        0 => "all is well\n".to_owned(),
        1 => "1 thing is wrong\n".to_owned(),
        wrong => format!("{wrong} things are wrong\n"),
    });
    text
}

fn prove(event: Id<Event>, output: &Path, place: Place) -> Result<u8, Failure> {
    let (proof, key) = block_on(async {
        let service = open(place).await?;
        let proof = service.prove_any(event).await.map_err(Failure::service)?;
        let key = service.ledger_key().clone();
        service.close().await;
        Ok((proof, key))
    })?;
    // What is handed out has been checked the way its reader will check it.
    let text = proof.to_text();
    let checked = Proof::parse(&text).and_then(|proof| proof.check(&key));
    checked.map_err(|error| Failure {
        status: OWN_FAULT,
        message: format!("the proof made does not hold: {error}"),
    })?;
    let write = |path: &Path| -> io::Result<()> {
        let mut file = File::create_new(path)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()
    };
    write(output).map_err(|error| Failure::unreadable(output, "written", &error))?;
    let mut out = format!("wrote {}\n", output.display());
    out.push_str(&format!("check it with: kyso ledger check {} --key '{key}'\n", output.display()));
    print(&out)?;
    Ok(HOLDS)
}

fn check(args: &Check) -> Result<u8, Failure> {
    let key = match (&args.key, &args.key_file) {
        (Some(key), _) => key.clone(),
        (None, Some(file)) => {
            let text = String::from_utf8_lossy(&read(file, MAX_KEY_FILE)?).into_owned();
            let parsed = VerifierKey::parse(&text);
            parsed.map_err(|error| Failure::usage(format!("{}: {error}", file.display())))?
        }
        (None, None) => return Err(Failure::usage("give the ledger's public key by --key or --key-file")),
    };
    let bytes = read(&args.proof, MAX_PROOF)?;
    let wanted = args.event.as_deref().map(|file| read(file, CANONICAL_MAX as u64)).transpose()?;
    let document = args.document.as_deref().map(sha256_of).transpose()?;
    let text = String::from_utf8(bytes).map_err(|_| unreadable_proof(&args.proof, "it is not text"))?;
    let proof = match Proof::parse(&text) {
        Ok(proof) => proof,
        Err(error) => return Err(unreadable_proof(&args.proof, error)),
    };
    let proven = proof.check(&key).map_err(Broken::Proof).and_then(|proven| {
        let fields = LeafFields::parse(proven.entry()).map_err(|error| Broken::Entry(error.to_string()))?;
        if wanted.as_deref().is_some_and(|wanted| wanted != proven.entry()) {
            return Err(Broken::OtherEntry);
        }
        if document.as_ref().is_some_and(|document| *document != fields.document) {
            return Err(Broken::OtherDocument);
        }
        Ok((proven, fields))
    });
    match proven {
        Ok((proven, fields)) => {
            print(&if args.json { holds_json(&proven, &fields)? } else { holds(&proven, &fields, &key) })?;
            Ok(HOLDS)
        }
        Err(broken) => {
            if args.json {
                print(&to_json(&serde_json::json!({ "holds": false, "reason": broken.to_string() }))?)?;
            } else {
                print(&format!("DOES NOT HOLD: {broken}\n"))?;
            }
            Ok(DOES_NOT_HOLD)
        }
    }
}

/// Why a readable proof proves nothing, or not what was asked.
#[derive(Debug, thiserror::Error)]
enum Broken {
    #[error("the entry is in the ledger, but kyso cannot read it: {0}")]
    Entry(String),
    #[error("the proof is of a dispatch of another document")]
    OtherDocument,
    #[error("the proof is of another entry than the one given")]
    OtherEntry,
    #[error("{}", told(.0))]
    Proof(ProofError),
}

/// An error with its cause, in one line.
fn told(error: &ProofError) -> String {
    match std::error::Error::source(error) {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}

fn holds(proven: &Proven, fields: &LeafFields, key: &VerifierKey) -> String {
    let checkpoint = proven.checkpoint();
    let mut text = format!(
        "HOLDS: entry {} of {} in the ledger {}\n\n",
        proven.index(),
        checkpoint.size(),
        key.origin()
    );
    let mut line = |name: &str, value: &str| text.push_str(&format!("  {name:<9} {value}\n"));
    line("event", &format!("{} {}", fields.code, meaning(fields.code)));
    line("at", &fields.at.to_string());
    line("from", fields.from.as_str());
    line("to", fields.to.as_str());
    line("document", &format!("SHA-256 {}", fields.document));
    line("event id", &fields.event.to_string());
    line("delivery", &fields.delivery.to_string());
    line("dispatch", &fields.dispatch.to_string());
    line("actor", &fields.actor.to_string());
    if let Some(reason) = &fields.reason {
        line("reason", &format!("SHA-256 of salt and text {reason}"));
    }
    if let Some(report) = &fields.report {
        line("verdict", &format!("SHA-256 of the report {report}"));
    }
    text.push_str(
        "\nThis proves that the ledger's operator logged this event, and that it was not altered since.\n\
         It does not prove that somebody read the document, that the operator's clock was right, or that\n\
         everything that happened was logged.\n",
    );
    text
}

fn holds_json(proven: &Proven, fields: &LeafFields) -> Result<String, Failure> {
    to_json(&serde_json::json!({
        "holds": true,
        "index": proven.index(),
        "checkpoint": { "size": proven.checkpoint().size(), "rootSha256": proven.checkpoint().root().to_hex() },
        "entry": fields,
    }))
}

const fn meaning(code: Code) -> &'static str {
    match code {
        Code::Send => "(sent)",
        Code::Arrived => "(arrived)",
        Code::Refused => "(refused)",
        Code::Accepted => "(accepted)",
        Code::Assigned => "(assigned)",
        Code::Processing => "(in processing)",
        Code::Completed => "(completed)",
        Code::RecallAsked => "(recall asked for)",
        Code::RecallAgreed => "(recall agreed to)",
        Code::RecallRefused => "(recall refused)",
    }
}

async fn open(place: Place) -> Result<Service, Failure> {
    let (db, blobs) = match place.config {
        Some(file) => {
            let config = Config::load(&file).map_err(|error| Failure {
                status: USAGE,
                message: match std::error::Error::source(&error) {
                    Some(cause) => format!("{error}: {cause}"),
                    None => error.to_string(),
                },
            })?;
            (config.store.database.reveal().to_owned(), config.store.blobs)
        }
        None => (place.db.unwrap_or_default(), place.blobs.unwrap_or_default()),
    };
    Service::open_to_read(&db, blobs, Clock::System).await.map_err(Failure::service)
}

/// Why there is no answer.
struct Failure {
    status: u8,
    message: String,
}

impl Failure {
    fn usage(message: impl Into<String>) -> Self {
        Self { status: USAGE, message: message.into() }
    }

    fn unreadable(path: &Path, what: &str, error: &dyn std::fmt::Display) -> Self {
        Self { status: UNREADABLE, message: format!("{} cannot be {what}: {error}", path.display()) }
    }

    /// The whole chain of causes: the database's own words are the last.
    fn service(error: ServiceError) -> Self {
        let mut message = error.to_string();
        let mut cause = std::error::Error::source(&error);
        while let Some(error) = cause {
            message.push_str(&format!(": {error}"));
            cause = error.source();
        }
        let status = match error {
            ServiceError::NotFound { .. } | ServiceError::NotPublished { .. } => DOES_NOT_HOLD,
            _ => UNREADABLE,
        };
        Self { status, message }
    }
}

const HOLDS: u8 = 0;
const DOES_NOT_HOLD: u8 = 1;
/// EX_DATAERR of sysexits.h.
const UNREADABLE: u8 = 65;
/// EX_SOFTWARE of sysexits.h.
const OWN_FAULT: u8 = 70;
/// More than any proof has, so that a longer one is read as far as to be refused.
const MAX_PROOF: u64 = 256 * 1024;
const MAX_KEY_FILE: u64 = 4 * 1024;

fn unreadable_proof(path: &Path, why: impl std::fmt::Display) -> Failure {
    Failure { status: UNREADABLE, message: format!("{} is not a proof: {why}", path.display()) }
}

/// A file, but not more than one byte past `most`.
fn read(path: &Path, most: u64) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let done = File::open(path).and_then(|file| file.take(most + 1).read_to_end(&mut bytes));
    done.map_err(|error| Failure::unreadable(path, "read", &error))?;
    Ok(bytes)
}

/// The SHA-256 of a file, 64 hexadecimal characters.
fn sha256_of(path: &Path) -> Result<String, Failure> {
    use crate::{
        base::{DigestAlgorithm, Source as _},
        store::FileSource,
    };
    let digest = FileSource::open(path)
        .and_then(|file| file.digest(DigestAlgorithm::Sha256, &[0..file.len()]))
        .map_err(|error| Failure::unreadable(path, "read", &error))?;
    Ok(hex::encode(digest.bytes))
}

fn block_on<T>(task: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().worker_threads(2).build();
    let fault = |error: io::Error| Failure { status: OWN_FAULT, message: error.to_string() };
    runtime.map_err(fault)?.block_on(task)
}

fn to_json(value: &impl serde::Serialize) -> Result<String, Failure> {
    let text = serde_json::to_string_pretty(value);
    text.map(|text| text + "\n").map_err(|error| Failure { status: OWN_FAULT, message: error.to_string() })
}

fn print(text: &str) -> Result<(), Failure> {
    let done = io::stdout().write_all(text.as_bytes());
    done.map_err(|error| Failure {
        status: OWN_FAULT,
        message: format!("the answer cannot be written: {error}"),
    })
}
