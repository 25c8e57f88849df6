//! `kyso serve`.

use std::{
    error::Error,
    fs, io,
    io::Write as _,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

use jiff::SignedDuration;
use tokio::signal::unix::{SignalKind, signal};

use super::with_causes;
use crate::{
    base::{Chance, Clock},
    config::{self, Config},
    fetch::Fetcher,
    http::{App, Listen, Parts, Settings, Signers, tls},
    ledger::LedgerKey,
    service::{
        Service, Setup,
        policy::read_policy,
        sign::{SigningDesk, TimeStamping},
        time_stamping::{AuthoritySettings, Quota, Unreached},
        trust::TrustWish,
        upkeep::{Upkeeping, keep_up},
    },
    telemetry,
    trust::Anchors,
    validation::{Level, words::Language},
};

/// Serve the API and the pages
///
/// Listens as `kyso.toml` says, and ends on SIGTERM or Ctrl-C after the open requests have ended. Logs go to
/// standard error as JSON lines; KYSO_LOG chooses what is logged. `docs/kyso.toml` of the project shows every
/// setting.
///
/// Exit status: 0 stopped by a signal; 64 a configuration that cannot be used; 70 our own fault.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The configuration
    #[arg(short, long, value_name = "FILE", default_value = "kyso.toml")]
    config: PathBuf,
    /// Read the configuration, say whether it can be used, and end
    #[arg(long)]
    check: bool,
}

pub(super) fn run(args: Args) -> ExitCode {
    match serve(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure { status, error }) => {
            eprintln!("kyso serve: {}", with_causes(&*error));
            ExitCode::from(status)
        }
    }
}

/// What went wrong, and the exit status for it.
struct Failure {
    status: u8,
    error: Box<dyn Error>,
}

fn serve(args: &Args) -> Result<(), Failure> {
    let unusable = |error: Box<dyn Error>| Failure { status: 64, error };
    let broken = |error: Box<dyn Error>| Failure { status: 70, error };
    let config = Config::load(&args.config).map_err(|error| unusable(error.into()))?;
    let listen = listen(&config.http).map_err(unusable)?;
    let anchors = anchors(&config.trust).map_err(unusable)?;
    let fetcher = fetcher(&config).map_err(unusable)?;
    let signers = Signers::configured(config.signers.clone()).map_err(|error| unusable(error.into()))?;
    if args.check {
        println!("{} can be used", args.config.display());
        return Ok(());
    }

    telemetry::start_log();
    tls::install_provider();
    let ledger_key = ledger_key(&config.ledger).map_err(unusable)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| broken(error.into()))?;
    let parts = (anchors, signers, ledger_key, fetcher);
    runtime.block_on(run_until_signal(config, listen, parts)).map_err(broken)
}

async fn run_until_signal(
    config: Config,
    listen: Listen,
    (anchors, signers, ledger_key, fetcher): (Anchors, Signers, LedgerKey, Fetcher),
) -> Result<(), Box<dyn Error>> {
    let url = config.store.database.reveal();
    let service = Service::open(Setup::new(url, &config.store.blobs, ledger_key)).await?;
    let desk = Arc::new(desk(&config, anchors, fetcher, &service)?);
    let settings = Settings {
        limits: config.limits.clone(),
        behind_proxy: config.http.behind_proxy,
        over_tls: listen.tls.is_some() || config.http.behind_proxy,
        helper: None,
    };
    let (stop_upkeep, stopped) = tokio::sync::watch::channel(false);
    let upkeep = (config.upkeep.every_seconds > 0).then(|| {
        let every = Duration::from_secs(config.upkeep.every_seconds);
        tokio::spawn(keep_up(service.clone(), Upkeeping::with(Arc::clone(&desk)), every, stopped))
    });
    let app = App::new(Parts { service: service.clone(), desk, signers, settings });
    app.resume_batches();
    let sweeper = tokio::spawn(sweep(service));

    let mut running = crate::http::serve(app.clone(), &listen).await?;
    let scheme = if listen.tls.is_some() { "https" } else { "http" };
    tracing::info!(address = %running.address, scheme, "serving");
    eprintln!("kyso serves {scheme}://{}", running.address);
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    tokio::select! {
        ended = running.ended() => return Ok(ended?),
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tracing::info!("stopping");
    sweeper.abort();
    let _ = stop_upkeep.send(true);
    let grace = Duration::from_secs(config.http.shutdown_seconds);
    let (stopped, ()) = tokio::join!(running.stop(grace), app.pause_batches(grace));
    stopped?;
    if let Some(upkeep) = upkeep {
        // What it is doing is done, or forgotten: nothing is recorded by halves.
        let _ = tokio::time::timeout(grace, upkeep).await;
    }
    tracing::info!("stopped");
    Ok(())
}

/// Drops what nobody completed in time.
async fn sweep(service: Service) {
    loop {
        if let Err(error) = service.sweep_prepared().await {
            tracing::warn!(%error, "expired prepared signatures could not be swept");
        }
        tokio::time::sleep(SWEEP).await;
    }
}

const SWEEP: Duration = Duration::from_mins(10);

/// What signs and extends, as configured.
pub(super) fn desk(
    config: &Config,
    anchors: Anchors,
    fetcher: Fetcher,
    service: &Service,
) -> Result<SigningDesk, Box<dyn Error>> {
    let keeper = service.time_stamp_keeper(tokio::runtime::Handle::current());
    Ok(SigningDesk {
        clock: Clock::System,
        chance: Chance::system(),
        limits: config.limits.readers(),
        fetcher: Arc::new(fetcher),
        time_stamping: time_stamping(config).map(|stamping| stamping.kept_by(keeper)),
        anchors,
        policy: read_policy(config.trust.policy.as_deref().unwrap_or("strict"))?,
        online: !config.trust.offline,
        known: Arc::default(),
    })
}

fn time_stamping(config: &Config) -> Option<TimeStamping> {
    let authorities = config.tsa.iter().map(|tsa| {
        let usual = AuthoritySettings::new(&tsa.url);
        AuthoritySettings {
            quota: Quota { per_hour: tsa.per_hour, per_day: tsa.per_day },
            timeout: tsa.timeout_seconds.map_or(usual.timeout, Duration::from_secs),
            least_digest: tsa.least_digest.into(),
            ..usual
        }
    });
    let authorities: Vec<_> = authorities.collect();
    let signing = &config.signing;
    let unreached = match signing.if_no_tsa {
        config::IfNoTsa::Defer => Unreached::Defer,
        config::IfNoTsa::Refuse => Unreached::Refuse,
    };
    (!authorities.is_empty()).then(|| {
        TimeStamping::of(authorities)
            .reaching(signing.level.map_or(Level::T, Level::from))
            .when_unreached(unreached)
            .with_grace(Duration::from_secs(signing.grace_seconds))
            .with_renewal(SignedDuration::from_hours(24 * i64::from(config.upkeep.renew_before_days)))
    })
}

/// The folder for what is fetched is made now, so that a wrong one is told at the start.
pub(super) fn fetcher(config: &Config) -> Result<Fetcher, Box<dyn Error>> {
    let fetcher = Fetcher::allowing(&config.trust.private_hosts);
    let Some(folder) = config.fetch.cache.as_deref().filter(|_| !config.trust.offline) else {
        return Ok(fetcher);
    };
    let fetcher = fetcher.with_cache(folder, config.fetch.cache_megabytes.saturating_mul(1024 * 1024));
    fetcher.prepare_cache()?;
    Ok(fetcher)
}

fn listen(http: &config::Http) -> Result<Listen, Box<dyn Error>> {
    let tls = match (&http.tls_certificate, &http.tls_key) {
        (Some(chain), Some(key)) => Some(tls::server_config(chain, key)?),
        _ => None,
    };
    Ok(Listen { address: http.listen, tls })
}

/// Trusted lists are judged by the moment of the start, and again whenever an anchor of theirs is asked for.
pub(super) fn anchors(trust: &config::Trust) -> Result<Anchors, Box<dyn Error>> {
    let wish = TrustWish {
        sources: trust.anchors.clone(),
        operators: trust.operators.clone(),
        profile: trust.profile.clone(),
    };
    let loaded = wish.load(Clock::System.now()).map_err(|error| error.tell(Language::English))?;
    for warning in loaded.tell_warnings(Language::English) {
        eprintln!("warning: {warning}");
    }
    Ok(loaded.anchors)
}

/// The key of the file; a fresh one, written for this user only, when there is no such file.
pub(super) fn ledger_key(ledger: &config::Ledger) -> Result<LedgerKey, Box<dyn Error>> {
    match fs::read_to_string(&ledger.key) {
        Ok(text) => {
            let key = LedgerKey::parse(&text).map_err(|error| about(&ledger.key, &error))?;
            let named = key.verifier().origin();
            if named == ledger.origin {
                Ok(key)
            } else {
                Err(format!("{} is the key of {named}, not of {}", ledger.key.display(), ledger.origin)
                    .into())
            }
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let key = LedgerKey::generate(&ledger.origin, &Chance::system())?;
            write_key(&ledger.key, key.reveal()).map_err(|error| about(&ledger.key, &error))?;
            Ok(key)
        }
        Err(error) => Err(about(&ledger.key, &error)),
    }
}

fn write_key(path: &Path, text: &str) -> io::Result<()> {
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    writeln!(file, "{text}")?;
    file.sync_all()
}

fn about(path: &Path, error: &dyn Error) -> Box<dyn Error> {
    format!("{}: {}", path.display(), with_causes(error)).into()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn the_ledger_key_is_made_once_and_for_this_user_only() {
        let folder = tempfile::tempdir().unwrap();
        let settings = config::Ledger { origin: "example.vn/log".to_owned(), key: folder.path().join("key") };
        let made = ledger_key(&settings).unwrap().verifier().to_string();
        assert_eq!(fs::metadata(&settings.key).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(ledger_key(&settings).unwrap().verifier().to_string(), made);
        let renamed = config::Ledger { origin: "example.vn/other".to_owned(), ..settings };
        assert!(ledger_key(&renamed).err().unwrap().to_string().contains("example.vn/log"));
    }
}
