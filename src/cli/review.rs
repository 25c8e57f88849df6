//! `kyso review`.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use serde_json::json;

use super::{
    fields::{lock_json, lock_words},
    looks,
    password::PasswordArgs,
    says::SaysArgs,
    sign::DigestName,
};
use crate::{
    appearance::{Appearance, Role},
    base::{Limits, ProtectedSource, Source},
    service::sign::SchemeWish,
    signing::{
        Wishes,
        review::{ReviewError, ReviewedDocument, Summary, review},
    },
    store::FileSource,
    x509::{self, Certificate},
};

/// Check that a prepared file is the reviewed document with an empty signature, and nothing else
///
/// For whoever holds the key and did not prepare the file. What the signature may say and bind is what the options
/// name, as with kyso sign; anything more is refused. A code for the check page in the margin is one of these things: it
/// has to be the one of --qr and --short-code, drawn as kyso draws it, and cover nothing. With --attributes and --cert the bytes to be signed are checked
/// as well: they have to be about this file, name this certificate, and say no more.
///
/// Exit status: 0 it is so; 1 it is not; 64 wrong usage; 65 a file cannot be read.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The file that somebody prepared for signing
    #[arg(value_name = "PREPARED")]
    prepared: PathBuf,
    /// The document that was reviewed
    #[arg(long, value_name = "FILE")]
    reviewed: PathBuf,
    /// The bytes to be signed: signed attributes in DER
    #[arg(long, value_name = "FILE", requires = "cert")]
    attributes: Option<PathBuf>,
    /// The certificate of the key that will sign (PEM or DER)
    #[arg(long, value_name = "FILE", requires = "attributes")]
    cert: Option<PathBuf>,
    /// The digest
    #[arg(long, value_enum, default_value_t = DigestName::Sha256)]
    digest: DigestName,
    /// The field; any one without it
    #[arg(long, value_name = "NAME", help_heading = "What it says")]
    field: Option<String>,
    /// The reason that was agreed
    #[arg(long, value_name = "TEXT", help_heading = "What it says")]
    reason: Option<String>,
    /// The place that was agreed
    #[arg(long, value_name = "TEXT", help_heading = "What it says")]
    location: Option<String>,
    /// The contact that was agreed
    #[arg(long, value_name = "TEXT", help_heading = "What it says")]
    contact: Option<String>,
    #[command(flatten)]
    says: SaysArgs,
    /// What the QR code in the margin says, that was agreed
    #[arg(long, value_name = "URL", help_heading = "What it says")]
    qr: Option<String>,
    /// The short code beside it that was agreed
    #[arg(long, value_name = "CODE", help_heading = "What it says")]
    short_code: Option<String>,
    /// The font of the short code (TTF or OTF), if it is not the one in the program
    #[arg(long, value_name = "FILE", requires = "short_code", help_heading = "What it says")]
    font: Option<PathBuf>,
    /// Print the answer as JSON
    #[arg(long)]
    json: bool,
    // Last: its heading would hold for all that follow.
    #[command(flatten)]
    password: PasswordArgs,
}

pub(super) fn run(args: Args) -> ExitCode {
    let json = args.json;
    match check(args) {
        Ok((summary, attributes)) => {
            tell(&summary, attributes, json);
            ExitCode::SUCCESS
        }
        Err(Failure::Refused(error)) => {
            let reason = super::with_causes(&error);
            if json {
                println!("{:#}", json!({ "sound": false, "reason": reason }));
            } else {
                println!("do not sign: {reason}");
            }
            ExitCode::from(1)
        }
        Err(failure) => {
            eprintln!("kyso review: {failure}");
            ExitCode::from(if matches!(failure, Failure::Usage(_)) { 64 } else { 65 })
        }
    }
}

#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("{0}")]
    Usage(String),
    #[error("{} could not be read: {source}", path.display())]
    Input { path: PathBuf, source: std::io::Error },
    #[error(transparent)]
    Refused(#[from] ReviewError),
}

/// What the signature does, and whether the bytes to be signed were looked at.
fn check(args: Args) -> Result<(Summary, bool), Failure> {
    let unread = |path: &Path| {
        let path = path.to_owned();
        move |source| Failure::Input { path, source }
    };
    let reviewed = FileSource::open(&args.reviewed).map_err(unread(&args.reviewed))?;
    let reviewed = ReviewedDocument::of(&reviewed).map_err(unread(&args.reviewed))?;
    let prepared = FileSource::open(&args.prepared).map_err(unread(&args.prepared))?;
    let password = args.password.read_for(&args.prepared).map_err(Failure::Usage)?;
    let prepared: Arc<dyn Source> = Arc::new(ProtectedSource::new(prepared, password));
    let font = args.font.as_deref().map(looks::read).transpose().map_err(Failure::Usage)?;
    let coded = args.qr.is_some() || args.short_code.is_some();
    // Of the signature's own picture nothing is agreed here: where it is seen is told.
    let appearance = coded.then(|| Appearance {
        qr: args.qr,
        short_code: args.short_code,
        font: font.map(Arc::from),
        ..Appearance::new(Role::Approve)
    });
    let wishes = Wishes {
        appearance,
        field: args.field,
        reason: args.reason,
        location: args.location,
        contact: args.contact,
        ..args.says.wishes()
    };
    let looked_at = review(&prepared, &reviewed, &wishes, &Limits::default())?;
    let (Some(attributes), Some(cert)) = (args.attributes, args.cert) else {
        return Ok((looked_at.summary().clone(), false));
    };
    let certificate = certificate(&cert)?;
    let wish = SchemeWish { digest: args.digest.into(), pss: false };
    let scheme = wish.scheme_for(&certificate).map_err(|error| Failure::Usage(error.to_string()))?;
    let attributes = std::fs::read(&attributes).map_err(unread(&attributes))?;
    let confirmed = looked_at.confirm(&attributes, &certificate, scheme)?;
    Ok((confirmed.summary().clone(), true))
}

fn certificate(file: &Path) -> Result<Certificate, Failure> {
    let bytes = std::fs::read(file).map_err(|source| Failure::Input { path: file.to_owned(), source })?;
    let found = x509::certificates_from_pem(&bytes).ok().and_then(|found| found.into_iter().next());
    found.ok_or_else(|| Failure::Usage(format!("{} holds no certificate that can be read", file.display())))
}

fn tell(summary: &Summary, attributes: bool, json: bool) {
    if json {
        let mut answer = json!({
            "sound": true,
            "reviewed": summary.sha256.to_hex(),
            "field": summary.field,
            "newField": summary.new_field,
            "attributesChecked": attributes,
        });
        for (key, value) in [
            ("page", summary.page.map(|page| json!(page))),
            ("rectangle", summary.rectangle.map(|sides| json!(sides))),
            ("code", summary.code.map(|sides| json!(sides))),
            ("claimedTime", summary.claimed_time.map(|time| json!(time.to_string()))),
            ("signerName", summary.signer_name.as_ref().map(|name| json!(name))),
            ("certificationLevel", summary.certify.map(|level| json!(level.level()))),
            ("lock", summary.lock.as_ref().map(lock_json)),
        ] {
            if let Some(value) = value {
                answer[key] = value;
            }
        }
        println!("{answer:#}");
        return;
    }
    println!("sound     the reviewed document and one empty signature, and nothing else");
    println!("reviewed  {}", summary.sha256);
    println!("field     {} ({})", summary.field, if summary.new_field { "new" } else { "was there" });
    if let (Some(page), Some(sides)) = (summary.page, summary.rectangle) {
        println!("seen      on page {page} at {}", sides.map(|side| side.to_string()).join(","));
    }
    if let Some(sides) = summary.code {
        println!("code      at {}, the one that was agreed", sides.map(|side| side.to_string()).join(","));
    }
    if let Some(level) = summary.certify {
        println!("certifies {}", level.name());
    }
    if let Some(lock) = &summary.lock {
        println!("locks     {}", lock_words(lock));
    }
    println!(
        "to sign   {}",
        if attributes { "about this file, by this certificate" } else { "not looked at (--attributes)" }
    );
}
