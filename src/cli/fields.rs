//! `kyso fields`: the signature fields of a PDF.

use std::{
    fs::File,
    io::{self, Write as _},
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use clap::Subcommand;
use serde_json::{Value, json};

use super::password::PasswordArgs;
use crate::{
    base::{Limits, ProtectedSource, Source as _},
    pdf::{
        self, CertificateSeed, DocMdp, Document, FieldLock, LockedFields, NewField, PdfError, SeedValue,
        SignatureSlot,
    },
    store::FileSource,
};

/// List the signature fields of a PDF, or add one
///
/// For each field: whether it is signed, where it is seen, what a signature in it locks (/Lock), and what its author
/// asks of a signature in it (/SV).
///
/// Exit status: 0 done; 64 wrong usage; 65 the document cannot be read or gets no field; 73 the output cannot be
/// written.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(super) struct Args {
    /// The PDF
    #[arg(value_name = "FILE", required = true)]
    file: Option<PathBuf>,
    /// Print the list as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    password: PasswordArgs,
    #[command(subcommand)]
    verb: Option<Verb>,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Add an empty signature field to a document without signatures
    Add(AddArgs),
}

#[derive(Debug, clap::Args)]
struct AddArgs {
    /// The PDF
    #[arg(value_name = "IN.pdf")]
    input: PathBuf,
    /// Where the PDF with the field goes
    #[arg(short, long, value_name = "OUT.pdf")]
    output: PathBuf,
    /// Write over an output that exists
    #[arg(long)]
    overwrite: bool,
    /// The name of the field, without a full stop
    #[arg(long)]
    name: String,
    /// The page that shows it, from 1
    #[arg(long, default_value_t = 1)]
    page: usize,
    /// Where, in points from the page's lower left corner: left,bottom,right,top; an invisible field without it
    #[arg(long, value_name = "L,B,R,T", value_parser = rectangle)]
    rect: Option<[f64; 4]>,
    /// Fields that may not change after a signature in it: all, include:A,B or exclude:A,B
    #[arg(long, value_name = "FIELDS")]
    lock: Option<LockedFields>,
    /// What such a signature leaves to the whole document: 1 or no-changes, 2 or fill-and-sign, 3 or annotate
    #[arg(long, value_name = "LEVEL", requires = "lock")]
    lock_level: Option<DocMdp>,
    #[command(flatten)]
    password: PasswordArgs,
}

pub(super) fn run(args: Args) -> ExitCode {
    let done = match (args.verb, args.file) {
        (Some(Verb::Add(add)), _) => self::add(add),
        (None, Some(file)) => list(&file, &args.password, args.json),
        (None, None) => Err(Failure::Usage("name a PDF".to_owned())),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("kyso fields: {failure}");
            ExitCode::from(failure.status())
        }
    }
}

#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("{0}")]
    Usage(String),
    #[error("{} could not be read: {source}", path.display())]
    Input { path: PathBuf, source: io::Error },
    #[error("{} could not be written: {source}", path.display())]
    Output { path: PathBuf, source: io::Error },
    #[error("{0}")]
    Pdf(#[from] PdfError),
}

impl Failure {
    /// After `sysexits.h`.
    fn status(&self) -> u8 {
        match self {
            Self::Usage(_) => 64,
            Self::Input { .. } | Self::Pdf(_) => 65,
            Self::Output { .. } => 73,
        }
    }
}

fn open(path: &Path, password: &PasswordArgs) -> Result<Document, Failure> {
    let source = FileSource::open(path).map_err(|source| Failure::Input { path: path.to_owned(), source })?;
    let password = password.read_for(path).map_err(Failure::Usage)?;
    Ok(Document::open(Arc::new(ProtectedSource::new(source, password)), &Limits::default())?)
}

fn list(path: &Path, password: &PasswordArgs, json: bool) -> Result<(), Failure> {
    let slots = open(path, password)?.signature_slots()?;
    if json {
        let fields: Vec<Value> = slots.iter().map(slot_json).collect();
        println!("{:#}", json!({ "fields": fields }));
        return Ok(());
    }
    if slots.is_empty() {
        println!("no signature fields");
    }
    for slot in &slots {
        println!("{:?}  {}", slot.name, if slot.signed { "signed" } else { "empty" });
        if let Some(page) = slot.page {
            let place = slot.rectangle.filter(|[left, bottom, right, top]| {
                (right - left).abs() > 0.0 && (top - bottom).abs() > 0.0
            });
            let place = place.map_or_else(
                || "not seen".to_owned(),
                |sides| format!("at {}", sides.map(|side| side.to_string()).join(",")),
            );
            println!("    page {page}, {place}");
        }
        if let Some(lock) = &slot.lock {
            println!("    locks {}", lock_words(lock));
        }
        for line in slot.seed.iter().flat_map(seed_words) {
            println!("    asks for {line}");
        }
    }
    Ok(())
}

fn add(args: AddArgs) -> Result<(), Failure> {
    if args.output.exists() && !args.overwrite {
        let output = args.output.display();
        return Err(Failure::Usage(format!("{output} exists; choose another name or add --overwrite")));
    }
    let document = open(&args.input, &args.password)?;
    let new = NewField {
        name: args.name,
        page: args.page,
        rectangle: args.rect.unwrap_or_default(),
        lock: args.lock.map(|fields| FieldLock { fields, level: args.lock_level.map(DocMdp::level) }),
    };
    let tail = pdf::add_signature_field(&document, &new)?;
    write(&document, &tail, &args.output)
        .map_err(|source| Failure::Output { path: args.output.clone(), source })?;
    println!("added {:?} on page {}: {}", new.name, new.page, args.output.display());
    Ok(())
}

/// Whole, or not at all.
fn write(document: &Document, tail: &[u8], output: &Path) -> io::Result<()> {
    let folder = output.parent().filter(|folder| !folder.as_os_str().is_empty());
    let mut file = tempfile::NamedTempFile::new_in(folder.unwrap_or(Path::new(".")))?;
    let source = document.source();
    let mut at = 0;
    while at < source.len() {
        let piece = source.read(at..source.len().min(at + PIECE))?;
        file.write_all(&piece)?;
        at += piece.len() as u64;
    }
    file.write_all(tail)?;
    file.as_file().set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644))?;
    file.as_file().sync_all()?;
    file.persist(output).map_err(|error| error.error)?;
    File::open(folder.unwrap_or(Path::new("."))).and_then(|folder| folder.sync_all())
}

fn rectangle(text: &str) -> Result<[f64; 4], String> {
    let sides: Option<Vec<f64>> = text.split(',').map(|side| side.trim().parse().ok()).collect();
    let sides: Option<[f64; 4]> = sides.and_then(|sides| sides.try_into().ok());
    let sides = sides.filter(|sides| sides.iter().all(|side| side.abs() <= FARTHEST));
    let [left, bottom, right, top] = sides.ok_or("expected four numbers: left,bottom,right,top")?;
    if right <= left || top <= bottom {
        return Err("the right side lies right of the left one, and the top above the bottom".to_owned());
    }
    Ok([left, bottom, right, top])
}

pub(super) fn lock_words(lock: &FieldLock) -> String {
    let names = |names: &std::collections::HashSet<String>| {
        let mut names: Vec<String> = names.iter().map(|name| format!("{name:?}")).collect();
        names.sort();
        names.join(", ")
    };
    let fields = match &lock.fields {
        LockedFields::All => "all fields".to_owned(),
        LockedFields::AllBut(but) => format!("all fields but {}", names(but)),
        LockedFields::Only(only) => format!("the fields {}", names(only)),
    };
    let level = lock.level.map(|level| format!(", and leaves level {level} to the document"));
    format!("{fields}{}", level.unwrap_or_default())
}

pub(super) fn lock_json(lock: &FieldLock) -> Value {
    let (action, names) = match &lock.fields {
        LockedFields::All => ("all", None),
        LockedFields::AllBut(names) => ("exclude", Some(names)),
        LockedFields::Only(names) => ("include", Some(names)),
    };
    let mut lock = without_nulls(json!({ "action": action, "level": lock.level }));
    if let Some(names) = names {
        let mut names: Vec<&String> = names.iter().collect();
        names.sort();
        lock["fields"] = json!(names);
    }
    lock
}

fn slot_json(slot: &SignatureSlot) -> Value {
    without_nulls(json!({
        "name": slot.name,
        "signed": slot.signed,
        "page": slot.page,
        "rectangle": slot.rectangle,
        "lock": slot.lock.as_ref().map(lock_json),
        "seedValues": slot.seed.as_ref().map(seed_json),
    }))
}

fn seed_json(seed: &SeedValue) -> Value {
    let stamp = seed.time_stamp.as_ref();
    without_nulls(json!({
        "required": seed.required(),
        "filter": seed.filter,
        "subFilter": seed.sub_filters,
        "digestMethod": seed.digest_methods,
        "version": seed.version,
        "certificate": seed.certificate.as_ref().map(certificate_json),
        "reasons": seed.reasons,
        "mdp": seed.mdp,
        "timeStamp": stamp.map(|stamp| without_nulls(json!({ "url": stamp.url, "required": stamp.required }))),
        "legalAttestation": seed.legal_attestations,
        "addRevInfo": seed.add_rev_info,
        "lockDocument": seed.lock_document,
        "appearanceFilter": seed.appearance_filter,
        "unreadable": Some(&seed.faults).filter(|faults| !faults.is_empty()),
    }))
}

fn certificate_json(seed: &CertificateSeed) -> Value {
    let base64 = |list: &Option<Vec<Vec<u8>>>| {
        list.as_ref().map(|list| list.iter().map(|der| STANDARD.encode(der)).collect::<Vec<_>>())
    };
    let subject = seed.subject.as_ref().map(|names| {
        names.iter().map(|(key, value)| json!({ "attribute": key, "value": value })).collect::<Vec<_>>()
    });
    without_nulls(json!({
        "required": seed.required(),
        "subject": base64(&seed.subjects),
        "issuer": base64(&seed.issuers),
        "policies": seed.policies,
        "subjectDN": subject,
        "keyUsage": seed.key_usages,
        "url": seed.url,
        "urlType": seed.url_type,
        "signaturePolicy": seed.signature_policy,
        "signaturePolicyDigest": seed.signature_policy_digest.as_ref().map(hex::encode),
        "signaturePolicyAlgorithm": seed.signature_policy_algorithm,
        "commitmentTypes": seed.commitments,
    }))
}

/// Absent means omitted.
fn without_nulls(mut value: Value) -> Value {
    if let Value::Object(entries) = &mut value {
        entries.retain(|_, value| !value.is_null());
    }
    value
}

/// What the author asks for, a line each; what binds is marked.
fn seed_words(seed: &SeedValue) -> Vec<String> {
    let required = seed.required();
    let mut lines = Vec::new();
    if let Value::Object(entries) = seed_json(seed) {
        for (key, value) in entries.iter().filter(|(key, _)| *key != "required") {
            let must = required.iter().any(|name| name.eq_ignore_ascii_case(key));
            let always = ["mdp", "unreadable"].contains(&key.as_str());
            let mark = if must || always { " (required)" } else { "" };
            lines.push(format!("{key}{mark}: {value}"));
        }
    }
    if required.contains(&"Reasons") && seed.reasons.is_none() {
        lines.push("reasons (required): none".to_owned());
    }
    lines
}

/// Bytes copied at a time.
const PIECE: u64 = 1024 * 1024;

/// The longest side of a page, in points (ISO 32000-2 annex C).
const FARTHEST: f64 = 14_400.0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rectangles_are_four_sides_in_order() {
        assert_eq!(rectangle("10, 20,110.5,70"), Ok([10.0, 20.0, 110.5, 70.0]));
        for wrong in
            ["", "1,2,3", "1,2,3,4,5", "a,b,c,d", "10,20,5,70", "10,20,30,20", "0,0,1e9,1", "0,0,NaN,1"]
        {
            assert!(rectangle(wrong).is_err(), "{wrong}");
        }
    }
}
