//! `kyso pki`.

use std::{path::PathBuf, process::ExitCode};

use crate::{
    base::{Chance, UtcTime},
    demo::pki::test_set::TestSet,
};

/// See `kyso pki --help`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The folder to write to; made when it is not there, files of the same names are replaced
    #[arg(long, value_name = "DIR")]
    out: PathBuf,

    /// From when on the good certificates are valid, for twenty years
    #[arg(long, value_name = "RFC3339", default_value = "2026-01-01T00:00:00Z")]
    at: UtcTime,
}

pub(super) fn run(args: Args) -> ExitCode {
    let written = TestSet::generate(args.at, &Chance::system()).and_then(|set| {
        set.write(&args.out)?;
        Ok(set.len())
    });
    match written {
        Ok(count) => {
            println!("{count} certificates with their keys written to {}", args.out.display());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("kyso pki: {error}");
            let mut cause = std::error::Error::source(&error);
            while let Some(error) = cause {
                eprintln!("  because: {error}");
                cause = error.source();
            }
            ExitCode::FAILURE
        }
    }
}
