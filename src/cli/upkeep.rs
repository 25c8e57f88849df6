//! `kyso upkeep`.

use std::{error::Error, path::PathBuf, process::ExitCode, sync::Arc};

use super::{
    extend_words::{self, Told},
    serve::{anchors, desk, fetcher, ledger_key},
    verify::{Lang, language},
    with_causes,
};
use crate::{
    config::Config,
    service::{
        Service, Setup,
        upkeep::{Kept, Outcome, Upkeeping},
    },
    validation::words::Language,
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
    /// The language of the answer; otherwise what LC_ALL, LC_MESSAGES or LANG says
    #[arg(long, value_enum, value_name = "LANGUAGE")]
    lang: Option<Lang>,
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
            tell(&all, args.json, language(args.lang));
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

fn tell(all: &[Kept], json: bool, language: Language) {
    if json {
        println!("{}", serde_json::json!(all));
        return;
    }
    if all.is_empty() {
        println!("{}", extend_words::nothing_due(language));
    }
    for kept in all {
        let next = kept.upkeep.due_at.map(|due| due.to_string());
        let told = match &kept.outcome {
            Outcome::Done { sha256 } => Told::Done { sha256 },
            Outcome::Failed { why } => Told::Failed { why },
            Outcome::Looked => Told::Looked,
            Outcome::Overtaken => Told::Overtaken,
        };
        let levels = (kept.upkeep.reached_level, kept.upkeep.asked_level);
        let what = extend_words::kept(&told, levels, next.as_deref(), language);
        println!("{}  {}  {what}", kept.document, extend_words::task(kept.task, language));
    }
}
