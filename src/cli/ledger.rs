//! `kyso ledger`.

use std::process::ExitCode;

/// See `kyso ledger --help`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {}

pub(super) fn run(_args: Args) -> ExitCode {
    todo!()
}
