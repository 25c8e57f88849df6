//! `kyso demo`.

use std::process::ExitCode;

/// See `kyso demo --help`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {}

pub(super) fn run(_args: Args) -> ExitCode {
    todo!()
}
