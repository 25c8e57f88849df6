//! The command line: a file a verb.

mod demo;
mod draw_page;
mod extend;
mod extend_words;
mod fields;
mod ledger;
mod level;
mod looks;
mod path;
mod path_words;
mod password;
mod people;
mod pin;
mod pki;
mod review;
mod says;
mod serve;
mod sign;
mod sign_batch;
mod sign_input;
mod token;
mod trust;
mod upkeep;
mod verify;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Digital signatures and document circulation for public administration.
#[derive(Debug, Parser)]
#[command(name = "kyso", version, arg_required_else_help = true, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Run the whole story on this machine: sign, verify, dispatch, record; then keep serving
    Demo(demo::Args),
    /// Draw a page, for kyso itself
    #[command(hide = true)]
    DrawPage(draw_page::Args),
    /// Raise signatures to a level that lasts
    Extend(extend::Args),
    /// List the signature fields of a PDF, or add one
    Fields(fields::Args),
    /// Prove, check and audit the dispatch ledger
    Ledger(ledger::Args),
    /// Ask whether a certificate can be relied on
    Path(path::Args),
    /// Add agencies, members and API keys
    People(people::Args),
    /// Make the test certificates of `certs-test/`
    Pki(pki::Args),
    /// Check that a prepared file is the reviewed document with an empty signature, and nothing else
    Review(review::Args),
    /// Serve the API and the pages
    Serve(serve::Args),
    /// Sign a PDF, or a dossier in a container, with a token
    Sign(sign::Args),
    /// Look at PKCS#11 tokens
    Token(token::Args),
    /// Raise signatures to the level asked for and renew archive time-stamps
    Upkeep(upkeep::Args),
    /// Judge signed files
    Verify(verify::Args),
}

/// Runs the program with the arguments of the process.
pub fn main() -> ExitCode {
    // First of all, while there is one thread only.
    crate::token::pin_source::take_from_environment();
    if std::env::var_os("KYSO_LOG").is_some() {
        crate::telemetry::start_log();
    }
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version that were asked for are no errors; everything else is EX_USAGE of sysexits.h.
            let status = if error.use_stderr() { ExitCode::from(USAGE) } else { ExitCode::SUCCESS };
            let _ = error.print();
            return status;
        }
    };
    match cli.verb {
        Verb::Demo(args) => demo::run(args),
        Verb::DrawPage(args) => draw_page::run(args),
        Verb::Extend(args) => extend::run(args),
        Verb::Fields(args) => fields::run(args),
        Verb::Ledger(args) => ledger::run(args),
        Verb::Path(args) => path::run(&args),
        Verb::People(args) => people::run(args),
        Verb::Pki(args) => pki::run(args),
        Verb::Review(args) => review::run(args),
        Verb::Serve(args) => serve::run(args),
        Verb::Sign(args) => sign::run(args),
        Verb::Token(args) => token::run(args),
        Verb::Upkeep(args) => upkeep::run(args),
        Verb::Verify(args) => verify::run(args),
    }
}

/// Exit status for a command line that cannot be understood.
const USAGE: u8 = 64;

/// An error and what lies under it, in one line.
fn with_causes(error: &dyn std::error::Error) -> String {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(under) = cause {
        let more = under.to_string();
        if !words.contains(&more) {
            words = format!("{words}: {more}");
        }
        cause = under.source();
    }
    words
}
