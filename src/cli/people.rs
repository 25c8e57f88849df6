//! `kyso people`: the operator's door to agencies, members and API keys.

use std::{error::Error, path::PathBuf, process::ExitCode};

use clap::Subcommand;

use super::{serve::ledger_key, with_causes};
use crate::{
    base::{Id, UtcTime},
    config::Config,
    dispatch::Numbering,
    people::{Agency, AgencyCode, Member, Role, Scope},
    service::{NewApiKey, NewMember, Service, Setup},
};

/// Add agencies, members and API keys
///
/// For whoever runs the server: it works on the database that `kyso.toml` names, whether or not the server is
/// running. An agency comes first, then its members, then their keys:
///
///   kyso people agency H13.12 --name "Sở Nội vụ" --place "Cần Thơ"
///   kyso people member H13.12 --name "Lê Văn Mẫu" --position "Văn thư" --role clerk
///   kyso people key MEMBER --scope read --scope upload
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Args {
    /// The configuration
    #[arg(short, long, value_name = "FILE", default_value = "kyso.toml", global = true)]
    config: PathBuf,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List the agencies
    Agencies,
    /// Add an agency
    Agency {
        /// Its code, such as H13.12
        code: AgencyCode,
        /// Its name as on its documents
        #[arg(long)]
        name: String,
        /// Where its documents are issued, such as "Cần Thơ"
        #[arg(long)]
        place: String,
        /// One number series for all types, rather than one a type
        #[arg(long)]
        common_series: bool,
    },
    /// Make an API key; it is printed this once
    Key {
        /// The member it acts for
        #[arg(value_name = "MEMBER")]
        member: Id<Member>,
        /// What it may be used for: admin, approve, audit, number, read, receive, seal, send, upload
        #[arg(long = "scope", value_name = "SCOPE")]
        scopes: Vec<Scope>,
        /// Every scope that this role allows
        #[arg(
            long = "for-role",
            value_name = "ROLE",
            conflicts_with = "scopes",
            required_unless_present = "scopes"
        )]
        role: Option<Role>,
        /// From when on it is refused, such as 2027-01-01T00:00:00Z
        #[arg(long, value_name = "RFC3339")]
        expires: Option<UtcTime>,
        /// A key for trying things out: `kyso_test_…`
        #[arg(long)]
        test: bool,
    },
    /// Add a member of an agency; its id is printed
    Member {
        /// The agency's code
        agency: AgencyCode,
        /// The member's name
        #[arg(long)]
        name: String,
        /// The member's position
        #[arg(long)]
        position: String,
        /// administrator, clerk or leader; may be given several times
        #[arg(long = "role", value_name = "ROLE", required = true)]
        roles: Vec<Role>,
    },
    /// Withdraw an API key
    Revoke {
        /// The 16 characters between the key's second and third `_`
        #[arg(value_name = "KEY-ID")]
        key: String,
    },
}

pub(super) fn run(args: Args) -> ExitCode {
    let config = match Config::load(&args.config) {
        Ok(config) => config,
        Err(error) => {
            eprintln!("kyso people: {}", with_causes(&error));
            return ExitCode::from(super::USAGE);
        }
    };
    match act(&config, args.verb) {
        Ok(words) => {
            println!("{words}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("kyso people: {}", with_causes(&*error));
            ExitCode::FAILURE
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn act(config: &Config, verb: Verb) -> Result<String, Box<dyn Error>> {
    let key = ledger_key(&config.ledger)?;
    let service = Service::open(Setup::new(config.store.database.reveal(), &config.store.blobs, key)).await?;
    Ok(match verb {
        Verb::Agencies => {
            let agencies = service.agencies().await?;
            let lines = agencies.iter().map(|agency| format!("{}\t{}", agency.code, agency.name));
            lines.collect::<Vec<_>>().join("\n")
        }
        Verb::Agency { code, name, place, common_series } => {
            let numbering = if common_series { Numbering::Common } else { Numbering::PerType };
            let added = code.to_string();
            service.add_agency(Agency { code, name, place }, numbering).await?;
            added
        }
        Verb::Key { member, scopes, role, expires, test } => {
            let allowed = role.map(Role::permits).unwrap_or_default();
            let scopes = scopes.into_iter().chain(allowed.iter().copied()).collect();
            let new = NewApiKey { member, scopes, expires_at: expires, test };
            service.create_api_key(new).await?.text
        }
        Verb::Member { agency, name, position, roles } => {
            let new = NewMember { agency, name, position, roles: roles.into_iter().collect() };
            service.add_member(new).await?.id.to_string()
        }
        Verb::Revoke { key } => {
            service.revoke_api_key(&key).await?;
            format!("{key} is withdrawn")
        }
    })
}
