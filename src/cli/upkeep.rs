//! `kyso upkeep`.

use std::{error::Error, path::PathBuf, process::ExitCode, sync::Arc};

use super::{
    serve::{anchors, desk, fetcher, ledger_key},
    with_causes,
};
use crate::{
    config::Config,
    service::{
        Service, Setup,
        upkeep::{Kept, Outcome, Upkeeping},
    },
};

/// Raise signatures to the level asked for and renew archive time-stamps
///
/// Does once what `kyso serve` does every minute: works on the database that `kyso.toml` names, whether or not servers are
/// running, which share the work. No key is touched. What fails is told, and tried again later.
///
/// Exit status: 0 everything due was done; 1 something failed, and is tried again; 64 a configuration that cannot be
/// used; 70 our own fault.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The configuration
    #[arg(short, long, value_name = "FILE", default_value = "kyso.toml")]
    config: PathBuf,
    /// Do what is due and end
    #[arg(long, required = true)]
    once: bool,
    /// Print what was done as JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: Args) -> ExitCode {
    let config = match Config::load(&args.config) {
        Ok(config) => config,
        Err(error) => {
            eprintln!("kyso upkeep: {}", with_causes(&error));
            return ExitCode::from(super::USAGE);
        }
    };
    match round(&config) {
        Ok(all) => {
            tell(&all, args.json);
            let failed = all.iter().any(|kept| matches!(kept.outcome, Outcome::Failed { .. }));
            if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
        }
        Err(error) => {
            eprintln!("kyso upkeep: {}", with_causes(&*error));
            ExitCode::from(70)
        }
    }
}

fn round(config: &Config) -> Result<Vec<Kept>, Box<dyn Error>> {
    let (anchors, fetcher) = (anchors(&config.trust)?, fetcher(config)?);
    let key = ledger_key(&config.ledger)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let setup = Setup::new(config.store.database.reveal(), &config.store.blobs, key);
        let service = Service::open(setup).await?;
        let desk = desk(config, anchors, fetcher, &service)?;
        let all = service.upkeep_round(&Upkeeping::with(Arc::new(desk))).await;
        service.close().await;
        Ok(all?)
    })
}

fn tell(all: &[Kept], json: bool) {
    if json {
        println!("{}", serde_json::json!(all));
        return;
    }
    if all.is_empty() {
        println!("nothing is due");
    }
    for kept in all {
        let (level, asked) = (kept.upkeep.reached_level.as_str(), kept.upkeep.asked_level.as_str());
        let next = kept.upkeep.due_at.map_or_else(|| "nothing more".to_owned(), |due| due.to_string());
        let what = match &kept.outcome {
            Outcome::Done { sha256 } => {
                format!("done: level {level} of {asked}, sha256 {sha256}; next {next}")
            }
            Outcome::Failed { why } => format!("failed: {why}; again {next}"),
            Outcome::Looked => format!("nothing to do: level {level} of {asked}; next {next}"),
            Outcome::Overtaken => "overtaken: it changed meanwhile".to_owned(),
        };
        println!("{}  {}  {what}", kept.document, kept.task.as_str());
    }
}
