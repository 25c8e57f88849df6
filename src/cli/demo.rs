//! `kyso demo`.

use std::{
    fs, io,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
    time::{Duration, Instant},
};

use crate::{
    demo::{self, DemoError, Story, Town},
    http::{self, App, Listen, Parts, Settings, Signers},
    telemetry,
    token::{Module, softhsm::SoftHsm},
};

/// Run the whole story on this machine: sign, verify, dispatch, record; then keep serving.
///
/// Everything is made afresh in a folder: a demo CA with OCSP responder, revocation lists and time-stamp
/// authority, two software tokens, a database, four agencies. Nothing leaves this machine. PINs and API keys
/// are printed because they are good for this run only.
///
/// Exit status: 0 when every step held, 1 when one did not, 69 when there is no software token.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// End after the story instead of serving on
    #[arg(long)]
    once: bool,
    /// Where the demo keeps its files; what an earlier demo left there is removed
    #[arg(long, value_name = "FOLDER", default_value = ".kyso/demo")]
    folder: PathBuf,
    /// Where to serve
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Which software token: SoftHSM where it is installed, else the one built into this program
    #[arg(long, value_enum, default_value_t = Which::Auto)]
    token: Which,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Which {
    Auto,
    Softhsm,
    Embedded,
}

pub(super) fn run(args: Args) -> ExitCode {
    match start(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("kyso demo: {}", super::with_causes(&failure));
            ExitCode::from(failure.status())
        }
    }
}

#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("{} cannot be used", folder.display())]
    Folder { folder: PathBuf, source: io::Error },
    #[error(
        "there is no software token: install SoftHSM (apt-get install softhsm2), or build with `cargo build --features embedded-token`"
    )]
    NoToken,
    #[error("{} holds something else than a demo; choose another folder with --folder", folder.display())]
    NotOurs { folder: PathBuf },
    #[error("{address} cannot be served; choose another address with --listen")]
    Serve { address: SocketAddr, source: io::Error },
    #[error(transparent)]
    Demo(#[from] DemoError),
}

impl Failure {
    fn status(&self) -> u8 {
        match self {
            Self::NoToken => 69,
            Self::NotOurs { .. } => 64,
            Self::Serve { .. } | Self::Folder { .. } => 71,
            Self::Demo(_) => 1,
        }
    }
}

fn start(args: &Args) -> Result<(), Failure> {
    let folder = &args.folder;
    let unusable = |source| Failure::Folder { folder: folder.clone(), source };
    let module = prepare(folder, args.token)?;
    let folder = &fs::canonicalize(folder).map_err(unusable)?;
    telemetry::start_log_in(&folder.join("kyso.log")).map_err(unusable)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(unusable)?;
    runtime.block_on(tell(args, folder, &module))
}

async fn tell(args: &Args, folder: &Path, module: &Module) -> Result<(), Failure> {
    println!("kyso demo: one decision, from draft to a proof that stands alone\n");
    let began = stopwatch();
    let town = Town::build(folder, module).await?;
    let took = began.elapsed().as_millis();
    println!("  made a CA, a time-stamp authority, two tokens ({module}), four agencies  ({took} ms)\n");

    let settings = Settings::default();
    let app = App::new(Parts {
        service: town.service.clone(),
        desk: Arc::clone(&town.desk),
        signers: Signers::held(town.keys.clone()),
        settings,
    });
    let listen = Listen { address: args.listen, tls: None };
    let unserved = |source| Failure::Serve { address: args.listen, source };
    let running = match http::serve(app.clone(), &listen).await {
        // Somebody else has the usual port: any other will do for a demo.
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
            let free = SocketAddr::new(args.listen.ip(), 0);
            http::serve(app, &Listen { address: free, tls: None }).await.map_err(unserved)?
        }
        other => other.map_err(unserved)?,
    };

    let base_url = format!("http://{}", running.address);
    let outcome = {
        let (folder, town, base_url) = (folder.to_owned(), Arc::new(town), base_url.clone());
        let told = Arc::clone(&town);
        let story = tokio::task::spawn_blocking(move || Story::new(&told, &base_url, folder).tell()).await;
        (town, story.unwrap_or(Err(DemoError::Interrupted)))
    };
    let (town, told) = outcome;
    match told {
        Ok(took) => println!("\n  every step held; the story took {} ms\n", took.as_millis()),
        Err(error) => {
            let _ = running.stop(GRACE).await;
            return Err(error.into());
        }
    }
    introduce(&town, &base_url, folder)
        .map_err(|source| Failure::Folder { folder: folder.to_owned(), source })?;
    if !args.once {
        println!("\nServing. Ctrl-C stops it.");
        if tokio::signal::ctrl_c().await.is_err() {
            eprintln!("kyso demo: Ctrl-C cannot be waited for here");
        }
        println!("\nStopping.");
    }
    running.stop(GRACE).await.map_err(unserved)
}

/// An empty folder of the demo's own, and the token module to use.
fn prepare(folder: &Path, which: Which) -> Result<Module, Failure> {
    let unusable = |source| Failure::Folder { folder: folder.to_owned(), source };
    let softhsm = which != Which::Embedded && SoftHsm::library().is_some();
    if softhsm {
        // SoftHSM reads where its tokens are from the environment only: the program starts over once with it set.
        let configured =
            folder.is_dir().then(|| SoftHsm::prepare(folder)).transpose().map_err(unusable)?.flatten();
        if let Some(softhsm) = configured.filter(SoftHsm::is_entered) {
            return Ok(softhsm.module());
        }
        clear(folder)?;
        if let Some(softhsm) = SoftHsm::prepare(folder).map_err(unusable)? {
            softhsm.enter().map_err(unusable)?;
        }
        return Err(Failure::NoToken);
    }
    if which == Which::Softhsm || !cfg!(feature = "embedded-token") {
        return Err(Failure::NoToken);
    }
    clear(folder)?;
    let tokens = folder.join("tokens");
    fs::create_dir_all(&tokens).map_err(unusable)?;
    Ok(Module::Embedded(tokens))
}

/// Removes what an earlier demo left, and nothing else.
fn clear(folder: &Path) -> Result<(), Failure> {
    let unusable = |source| Failure::Folder { folder: folder.to_owned(), source };
    let mark = folder.join(MARK);
    if folder.exists() {
        let empty = fs::read_dir(folder).map_err(unusable)?.next().is_none();
        if !empty && !mark.is_file() {
            return Err(Failure::NotOurs { folder: folder.to_owned() });
        }
        fs::remove_dir_all(folder).map_err(unusable)?;
    }
    fs::create_dir_all(folder).map_err(unusable)?;
    fs::write(mark, "This folder is made by `kyso demo` and removed by the next one.\n").map_err(unusable)
}

/// Prints what a person needs to go on, and writes it where a shell can read it.
fn introduce(town: &Town, base_url: &str, folder: &Path) -> io::Result<()> {
    let environment = folder.join("demo.env");
    fs::write(&environment, shell_variables(town, base_url, folder))?;
    println!("  check a document   {base_url}/kiem-tra   (English: {base_url}/verify)");
    println!("  API                {base_url}/docs");
    println!("  ledger             {base_url}/checkpoint");
    println!("  ledger key         {}", town.service.ledger_key());
    println!("  trust anchor       {}", folder.join("root.pem").display());
    println!("  signed decision    {}", folder.join("quyet-dinh.ky-2.pdf").display());
    for (what, (label, pin)) in
        [("leader's token", demo::LEADER_TOKEN), ("agency's token", demo::AGENCY_TOKEN)]
    {
        println!("  {what}     “{label}”, PIN {pin}");
    }
    println!("  API keys, good for this run only; `. {}` sets them in a shell:", environment.display());
    for (name, whose, key) in api_keys(town) {
        println!("    {name:<8} {whose:<18} {key}");
    }
    Ok(())
}

/// Variable, whose, key.
fn api_keys(town: &Town) -> Vec<(&'static str, String, &str)> {
    let mut keys = Vec::new();
    if let Some(leader) = &town.office.leader {
        keys.push(("LEADER", format!("leader of {}", town.office.agency.code), leader.as_str()));
    }
    keys.push(("CLERK", format!("clerk of {}", town.office.agency.code), town.office.clerk.as_str()));
    for (name, office) in ["FIRST", "SECOND", "THIRD"].into_iter().zip(&town.recipients) {
        keys.push((name, format!("clerk of {}", office.agency.code), office.clerk.as_str()));
    }
    keys
}

fn shell_variables(town: &Town, base_url: &str, folder: &Path) -> String {
    let mut text = format!("KYSO={base_url}\nDEMO='{}'\n", folder.display());
    text += &format!("LEDGER_KEY='{}'\nPKI={}\n", town.service.ledger_key(), town.pki.host());
    for (name, _, key) in api_keys(town) {
        text += &format!("{name}={key}\n");
    }
    text
}

fn stopwatch() -> Instant {
    Instant::now()
}

/// How long requests may take to finish after Ctrl-C.
const GRACE: Duration = Duration::from_secs(5);

/// The file by which a demo knows its own folder.
const MARK: &str = "demo-folder.txt";
