//! Fresh databases for a test: SQLite always, PostgreSQL where there is one.
//!
//! PostgreSQL is the server of `KYSO_TEST_POSTGRES` (a URL whose user may create databases), or one that this process
//! starts for itself from installed binaries: in a folder of its own, on a Unix socket only, as an unprivileged user,
//! ended when this process ends however it ends.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use sqlx::{Connection as _, Executor as _, PgConnection};

use crate::support;

/// An empty database and an empty folder for files. The folder goes with the value.
pub(crate) struct Database {
    pub(crate) url: String,
    pub(crate) folder: tempfile::TempDir,
}

impl Database {
    /// Whether it is a file, which damage can be done to without asking a server.
    pub(crate) fn is_sqlite(&self) -> bool {
        self.url.starts_with("sqlite:")
    }

    /// The folder for document bytes.
    pub(crate) fn blobs(&self) -> PathBuf {
        self.folder.path().join("blobs")
    }
}

/// One fresh database of each kind that there is here.
pub(crate) async fn databases() -> Vec<Database> {
    let mut all = vec![sqlite()];
    match server() {
        Some(admin) => all.push(postgres(admin).await),
        None => support::skip("no PostgreSQL: neither KYSO_TEST_POSTGRES nor /usr/lib/postgresql/*/bin"),
    }
    all
}

/// A fresh database of SQLite.
pub(crate) fn sqlite() -> Database {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("kyso.db").display());
    Database { url, folder }
}

async fn postgres(admin: &str) -> Database {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let name = format!("kyso_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    let mut connection = PgConnection::connect(admin).await.unwrap();
    connection.execute(sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"))).await.unwrap();
    connection.close().await.unwrap();
    let (before, query) = admin.split_once('?').unwrap_or((admin, ""));
    let (server, _) = before.rsplit_once('/').unwrap();
    Database { url: format!("{server}/{name}?{query}"), folder: tempfile::tempdir().unwrap() }
}

/// The URL of a server's database from which others can be created.
fn server() -> Option<&'static str> {
    static SERVER: OnceLock<Option<String>> = OnceLock::new();
    SERVER
        .get_or_init(|| {
            std::env::var("KYSO_TEST_POSTGRES").ok().or_else(|| installed().map(|bin| start(&bin)))
        })
        .as_deref()
}

fn installed() -> Option<PathBuf> {
    let mut versions: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .ok()?
        .flatten()
        .map(|entry| entry.path().join("bin"))
        .collect();
    versions.sort();
    versions.into_iter().rev().find(|bin| bin.join("initdb").is_file() && bin.join("postgres").is_file())
}

/// Starts a server that ends when its standard input does, that is, when this process is gone.
#[expect(clippy::zombie_processes, reason = "the server lives as long as the tests do")]
fn start(bin: &Path) -> String {
    let folder = tempfile::Builder::new().prefix("kyso-pg-").tempdir_in("/tmp").unwrap().keep();
    let mut command = if nix_user_is_root() {
        support::run(Command::new("chown").arg("postgres").arg(&folder));
        let mut command = Command::new("runuser");
        command.args(["-u", "postgres", "--"]);
        command
    } else {
        Command::new("env")
    };
    let mut server = command
        .args(["sh", "-c", SCRIPT, "sh"])
        .args([bin, &folder])
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut input = server.stdin.take().unwrap();
    input.flush().unwrap();
    // Held open for as long as this process lives, and closed by the system after it.
    std::mem::forget(input);
    let ready = || {
        let host = folder.to_str().unwrap();
        let asked = Command::new(bin.join("pg_isready")).args(["-q", "-h", host]).status();
        asked.is_ok_and(|status| status.success())
    };
    let patience = Instant::now() + Duration::from_mins(1);
    while !ready() {
        let log = || std::fs::read_to_string(folder.join("log")).unwrap_or_default();
        assert!(Instant::now() < patience, "PostgreSQL does not start\n{}", log());
        std::thread::sleep(Duration::from_millis(50));
    }
    format!("postgres://kyso@localhost/postgres?host={}", folder.display())
}

fn nix_user_is_root() -> bool {
    let output = support::run(Command::new("id").arg("-u"));
    output.stdout.trim_ascii() == b"0"
}

/// `$1` the binaries, `$2` the folder. Losing power is not what these tests are about: no fsync.
const SCRIPT: &str = r#"
{
  "$1/initdb" -D "$2/data" -A trust -U kyso -E UTF8 --locale=C.UTF-8 -N
  "$1/postgres" -D "$2/data" -k "$2" -c listen_addresses= -c fsync=off -c max_connections=300 &
  PG=$!
} >"$2/log" 2>&1
read -r _
kill -INT $PG
wait $PG
rm -rf "$2"
"#;
