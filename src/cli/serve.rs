//! `kyso serve`.

use std::process::ExitCode;

/// See `kyso serve --help`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {}

pub(super) fn run(_args: Args) -> ExitCode {
    todo!()
}
