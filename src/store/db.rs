//! One set of SQL texts for both databases; the few differences are here.
//!
//! Texts use `$1` placeholders, which SQLite and PostgreSQL both read. What differs: how a transaction begins, how the
//! one writer is chosen, and the drivers' types of rows.
//!
//! # Writing
//!
//! There is one writer at a time, over all nodes: on SQLite `BEGIN IMMEDIATE`, on PostgreSQL a transaction-scoped
//! advisory lock taken by the first statement. PostgreSQL runs it at READ COMMITTED on purpose: each later statement
//! then sees all that earlier writers committed, where a stricter level would keep the snapshot from before the lock.
//! A writer's transaction is durable when `commit` returns: `synchronous=FULL` in WAL mode, `synchronous_commit=on`.

use std::{borrow::Cow, str::FromStr as _, sync::Arc, time::Duration};

use sqlx::{
    AssertSqlSafe, Column as _, Row as _, SqlSafeStr,
    migrate::{Migration, MigrationType, Migrator},
    postgres::{PgConnectOptions, PgPool, PgPoolOptions, PgRow, Postgres},
    sqlite::{
        Sqlite, SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteRow,
        SqliteSynchronous,
    },
};
use tokio::sync::{Mutex, OwnedMutexGuard};

use super::Faults;
use crate::base::{Sha256, UtcTime};

/// The database. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    pool: Pool,
    /// Writers of this process queue here, in order, rather than in the database.
    gate: Arc<Mutex<()>>,
    faults: Faults,
}

/// What to do when there is no database at the URL. Only a file of SQLite can be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Absent {
    /// Fail.
    Fail,
    /// Make it.
    Make,
}

#[derive(Clone)]
enum Pool {
    Postgres(PgPool),
    Sqlite(SqlitePool),
}

impl Store {
    /// Opens the database and brings its tables up to date.
    ///
    /// # Errors
    ///
    /// When the URL is neither `sqlite:` nor `postgres:`, or the database cannot be reached or brought up to date.
    pub async fn open(url: &str, absent: Absent, faults: Faults) -> Result<Self, StoreError> {
        let (scheme, _) = url.split_once(':').unwrap_or_default();
        let pool = match scheme {
            "sqlite" => Pool::Sqlite(open_sqlite(url, absent).await?),
            "postgres" | "postgresql" => Pool::Postgres(open_postgres(url).await?),
            _ => return Err(StoreError::Scheme),
        };
        let store = Self { pool, gate: Arc::default(), faults };
        store.migrate().await?;
        Ok(store)
    }

    /// Begins a transaction that sees one state of the database and changes nothing.
    pub(crate) async fn read(&self) -> Result<Tx, StoreError> {
        let inner = match &self.pool {
            Pool::Postgres(pool) => {
                let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
                Inner::Postgres(pool.begin_with(begin).await.map_err(StoreError::sql("beginning to read"))?)
            }
            Pool::Sqlite(pool) => {
                Inner::Sqlite(pool.begin_with("BEGIN").await.map_err(StoreError::sql("beginning to read"))?)
            }
        };
        Ok(Tx { inner, gate: None })
    }

    /// Begins a transaction as the one writer; dropping it without [`Tx::commit`] leaves no trace.
    pub(crate) async fn write(&self) -> Result<Tx, StoreError> {
        let gate = Some(Arc::clone(&self.gate).lock_owned().await);
        let inner = match &self.pool {
            Pool::Postgres(pool) => {
                let begin = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE";
                Inner::Postgres(pool.begin_with(begin).await.map_err(StoreError::sql("beginning to write"))?)
            }
            Pool::Sqlite(pool) => Inner::Sqlite(
                pool.begin_with("BEGIN IMMEDIATE").await.map_err(StoreError::sql("beginning to write"))?,
            ),
        };
        let mut tx = Tx { inner, gate };
        if matches!(tx.inner, Inner::Postgres(_)) {
            tx.run("taking the writer's lock", "SELECT pg_advisory_xact_lock($1)", vec![WRITER.into()])
                .await?;
        }
        Ok(tx)
    }

    /// Dies here, if the crash test says so.
    pub(crate) fn fault(&self, point: &str) {
        self.faults.point(point);
    }

    /// Closes all connections. SQLite then folds its write-ahead log into the file.
    pub async fn close(&self) {
        match &self.pool {
            Pool::Postgres(pool) => pool.close().await,
            Pool::Sqlite(pool) => pool.close().await,
        }
    }

    async fn migrate(&self) -> Result<(), StoreError> {
        let done = match &self.pool {
            Pool::Postgres(pool) => migrator(POSTGRES).run(pool).await,
            Pool::Sqlite(pool) => migrator(SQLITE).run(pool).await,
        };
        done.map_err(|source| StoreError::Migrate { source })
    }
}

/// A transaction.
pub(crate) struct Tx {
    inner: Inner,
    /// Let go after the transaction, whose fields are dropped in order.
    gate: Option<OwnedMutexGuard<()>>,
}

enum Inner {
    Postgres(sqlx::Transaction<'static, Postgres>),
    Sqlite(sqlx::Transaction<'static, Sqlite>),
}

impl Tx {
    /// Runs a statement; gives the number of rows it changed.
    pub(crate) async fn run(
        &mut self,
        doing: &'static str,
        sql: impl SqlSafeStr,
        args: Vec<Arg>,
    ) -> Result<u64, StoreError> {
        let done = match &mut self.inner {
            Inner::Postgres(tx) => bind_all!(sqlx::query::<Postgres>(sql), args)
                .execute(&mut **tx)
                .await
                .map(|done| done.rows_affected()),
            Inner::Sqlite(tx) => bind_all!(sqlx::query::<Sqlite>(sql), args)
                .execute(&mut **tx)
                .await
                .map(|done| done.rows_affected()),
        };
        done.map_err(StoreError::sql(doing))
    }

    /// Adds rows, hundreds in one statement. `into` is the statement up to its `VALUES`.
    pub(crate) async fn insert_all(
        &mut self,
        doing: &'static str,
        into: &'static str,
        rows: Vec<Vec<Arg>>,
    ) -> Result<(), StoreError> {
        let mut rows = rows.into_iter().peekable();
        while let Some(first) = rows.peek() {
            let columns = first.len();
            let some: Vec<_> = rows.by_ref().take(MOST_AT_ONCE / columns.max(1)).collect();
            let places = (0..some.len()).map(|row| placeholders(row * columns + 1, columns));
            let sql = format!("{into} VALUES {}", places.collect::<Vec<_>>().join(", "));
            self.run(doing, AssertSqlSafe(sql), some.into_iter().flatten().collect()).await?;
        }
        Ok(())
    }

    /// Every row of a query.
    pub(crate) async fn all(
        &mut self,
        doing: &'static str,
        sql: impl SqlSafeStr,
        args: Vec<Arg>,
    ) -> Result<Vec<Row>, StoreError> {
        match &mut self.inner {
            Inner::Postgres(tx) => {
                let rows = bind_all!(sqlx::query::<Postgres>(sql), args).fetch_all(&mut **tx).await;
                Ok(rows.map_err(StoreError::sql(doing))?.into_iter().map(Row::Postgres).collect())
            }
            Inner::Sqlite(tx) => {
                let rows = bind_all!(sqlx::query::<Sqlite>(sql), args).fetch_all(&mut **tx).await;
                Ok(rows.map_err(StoreError::sql(doing))?.into_iter().map(Row::Sqlite).collect())
            }
        }
    }

    /// The one row of a query, if it has one.
    pub(crate) async fn one(
        &mut self,
        doing: &'static str,
        sql: &'static str,
        args: Vec<Arg>,
    ) -> Result<Option<Row>, StoreError> {
        Ok(self.all(doing, sql, args).await?.into_iter().next())
    }

    /// Makes it so, durably.
    pub(crate) async fn commit(self) -> Result<(), StoreError> {
        let Self { inner, gate } = self;
        let done = match inner {
            Inner::Postgres(tx) => tx.commit().await,
            Inner::Sqlite(tx) => tx.commit().await,
        };
        drop(gate);
        done.map_err(StoreError::sql("committing"))
    }
}

/// A value given to a statement.
pub(crate) enum Arg {
    Bytes(Vec<u8>),
    Int(i64),
    MaybeBytes(Option<Vec<u8>>),
    MaybeInt(Option<i64>),
    MaybeText(Option<String>),
    Text(String),
}

macro_rules! bind_all {
    ($query:expr, $args:expr) => {{
        let mut query = $query;
        for arg in $args {
            query = match arg {
                Arg::Bytes(value) => query.bind(value),
                Arg::Int(value) => query.bind(value),
                Arg::MaybeBytes(value) => query.bind(value),
                Arg::MaybeInt(value) => query.bind(value),
                Arg::MaybeText(value) => query.bind(value),
                Arg::Text(value) => query.bind(value),
            };
        }
        query
    }};
}
use bind_all;

/// Values for a statement, in order.
macro_rules! args {
    ($($value:expr),* $(,)?) => { vec![$($crate::store::db::Arg::from($value)),*] };
}
pub(super) use args;

impl From<i64> for Arg {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<bool> for Arg {
    fn from(value: bool) -> Self {
        Self::Int(value.into())
    }
}

impl From<UtcTime> for Arg {
    fn from(value: UtcTime) -> Self {
        Self::Int(value.as_second())
    }
}

impl From<Option<UtcTime>> for Arg {
    fn from(value: Option<UtcTime>) -> Self {
        Self::MaybeInt(value.map(UtcTime::as_second))
    }
}

impl From<Sha256> for Arg {
    fn from(value: Sha256) -> Self {
        Self::Bytes(value.0.to_vec())
    }
}

impl From<Option<Sha256>> for Arg {
    fn from(value: Option<Sha256>) -> Self {
        Self::MaybeBytes(value.map(|value| value.0.to_vec()))
    }
}

impl From<Vec<u8>> for Arg {
    fn from(value: Vec<u8>) -> Self {
        Self::Bytes(value)
    }
}

impl From<Option<Vec<u8>>> for Arg {
    fn from(value: Option<Vec<u8>>) -> Self {
        Self::MaybeBytes(value)
    }
}

impl From<&str> for Arg {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<String> for Arg {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}

impl From<Option<String>> for Arg {
    fn from(value: Option<String>) -> Self {
        Self::MaybeText(value)
    }
}

impl<T: ?Sized> From<crate::base::Id<T>> for Arg {
    fn from(value: crate::base::Id<T>) -> Self {
        Self::Text(value.to_string())
    }
}

impl From<&crate::people::AgencyCode> for Arg {
    fn from(value: &crate::people::AgencyCode) -> Self {
        Self::Text(value.to_string())
    }
}

/// A row of an answer. Its methods name the column and fail with its name.
pub(crate) enum Row {
    Postgres(PgRow),
    Sqlite(SqliteRow),
}

macro_rules! column {
    ($row:expr, $column:expr, $kind:ty) => {
        match $row {
            Row::Postgres(row) => row.try_get::<$kind, _>($column),
            Row::Sqlite(row) => row.try_get::<$kind, _>($column),
        }
        .map_err(StoreError::sql("reading a column"))
    };
}

impl Row {
    pub(crate) fn int(&self, column: &str) -> Result<i64, StoreError> {
        column!(self, column, i64)
    }

    pub(crate) fn maybe_int(&self, column: &str) -> Result<Option<i64>, StoreError> {
        column!(self, column, Option<i64>)
    }

    pub(crate) fn text(&self, column: &str) -> Result<String, StoreError> {
        column!(self, column, String)
    }

    pub(crate) fn maybe_text(&self, column: &str) -> Result<Option<String>, StoreError> {
        column!(self, column, Option<String>)
    }

    pub(crate) fn bytes(&self, column: &str) -> Result<Vec<u8>, StoreError> {
        column!(self, column, Vec<u8>)
    }

    pub(crate) fn maybe_bytes(&self, column: &str) -> Result<Option<Vec<u8>>, StoreError> {
        column!(self, column, Option<Vec<u8>>)
    }

    pub(crate) fn flag(&self, column: &str) -> Result<bool, StoreError> {
        Ok(self.int(column)? != 0)
    }

    pub(crate) fn sha256(&self, column: &str) -> Result<Sha256, StoreError> {
        let bytes = self.bytes(column)?;
        bytes.try_into().map(Sha256).map_err(|_| self.bad(column))
    }

    pub(crate) fn maybe_sha256(&self, column: &str) -> Result<Option<Sha256>, StoreError> {
        let bytes = column!(self, column, Option<Vec<u8>>)?;
        bytes.map(|bytes| bytes.try_into().map(Sha256).map_err(|_| self.bad(column))).transpose()
    }

    pub(crate) fn time(&self, column: &str) -> Result<UtcTime, StoreError> {
        UtcTime::from_second(self.int(column)?).map_err(|_| self.bad(column))
    }

    pub(crate) fn maybe_time(&self, column: &str) -> Result<Option<UtcTime>, StoreError> {
        let seconds = self.maybe_int(column)?;
        seconds.map(|seconds| UtcTime::from_second(seconds).map_err(|_| self.bad(column))).transpose()
    }

    /// A text column read as a domain value.
    pub(crate) fn parsed<T: std::str::FromStr>(&self, column: &str) -> Result<T, StoreError> {
        self.text(column)?.parse().map_err(|_| self.bad(column))
    }

    /// A text column read as a domain value, if there is one.
    pub(crate) fn maybe_parsed<T: std::str::FromStr>(&self, column: &str) -> Result<Option<T>, StoreError> {
        self.maybe_text(column)?.map(|text| text.parse().map_err(|_| self.bad(column))).transpose()
    }

    /// An integer column read as a narrower or unsigned number.
    pub(crate) fn number<T: TryFrom<i64>>(&self, column: &str) -> Result<T, StoreError> {
        T::try_from(self.int(column)?).map_err(|_| self.bad(column))
    }

    /// The value of this column is not one that kyso writes.
    pub(crate) fn bad(&self, column: &str) -> StoreError {
        let first = match self {
            Self::Postgres(row) => row.columns().first().map(|column| column.name().to_owned()),
            Self::Sqlite(row) => row.columns().first().map(|column| column.name().to_owned()),
        };
        let row = first.and_then(|first| self.text(&first).ok()).unwrap_or_default();
        StoreError::Value { column: column.to_owned(), row }
    }
}

/// `($5, $6, $7)`: so many, from this one on.
pub(super) fn placeholders(from: usize, count: usize) -> String {
    let places: Vec<_> = (from..from + count).map(|place| format!("${place}")).collect();
    format!("({})", places.join(", "))
}

/// Values of one statement at the most. Both databases take thousands.
pub(super) const MOST_AT_ONCE: usize = 1_000;

/// The database failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The tables cannot be brought up to date.
    #[error("the tables cannot be brought up to date")]
    Migrate {
        /// What sqlx reports.
        source: sqlx::migrate::MigrateError,
    },
    /// Neither of the two databases.
    #[error("a database URL begins with sqlite: or postgres:")]
    Scheme,
    /// What sqlx reports.
    #[error("the database failed while {doing}")]
    Sql {
        /// What was being done.
        doing: &'static str,
        /// What sqlx reports.
        source: sqlx::Error,
    },
    /// A stored value is not one that kyso writes.
    #[error("the stored value of column {column} is not one that kyso writes (row {row})")]
    Value {
        /// The column.
        column: String,
        /// The first column of the row, which is its key in most tables.
        row: String,
    },
}

impl StoreError {
    fn sql(doing: &'static str) -> impl Fn(sqlx::Error) -> Self {
        move |source| Self::Sql { doing, source }
    }
}

/// The advisory lock of the one writer: `kyso` in ASCII.
const WRITER: i64 = 0x6b79_736f;
/// Connections of one process. Readers do not wait for the writer.
const CONNECTIONS: u32 = 8;
/// How long a writer waits for its turn before it gives up.
const PATIENCE: Duration = Duration::from_secs(30);

const SQLITE: &[(i64, &str, &str)] = &[
    (1, "spine", include_str!("../../migrations/sqlite/0001_spine.sql")),
    (2, "upkeep", include_str!("../../migrations/sqlite/0002_upkeep.sql")),
    (3, "signing", include_str!("../../migrations/sqlite/0003_signing.sql")),
];
const POSTGRES: &[(i64, &str, &str)] = &[
    (1, "spine", include_str!("../../migrations/postgres/0001_spine.sql")),
    (2, "upkeep", include_str!("../../migrations/postgres/0002_upkeep.sql")),
    (3, "signing", include_str!("../../migrations/postgres/0003_signing.sql")),
];

fn migrator(files: &[(i64, &'static str, &'static str)]) -> Migrator {
    let migrations = files.iter().map(|(version, name, sql)| {
        Migration::new(*version, Cow::Borrowed(name), MigrationType::Simple, sql.into_sql_str(), false)
    });
    Migrator::with_migrations(migrations.collect())
}

async fn open_sqlite(url: &str, absent: Absent) -> Result<SqlitePool, StoreError> {
    let options = SqliteConnectOptions::from_str(url)
        .map_err(StoreError::sql("reading the database URL"))?
        .create_if_missing(absent == Absent::Make)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(PATIENCE);
    SqlitePoolOptions::new()
        .max_connections(CONNECTIONS)
        .connect_with(options)
        .await
        .map_err(StoreError::sql("opening the database"))
}

async fn open_postgres(url: &str) -> Result<PgPool, StoreError> {
    let patience = PATIENCE.as_millis().to_string();
    let options = PgConnectOptions::from_str(url)
        .map_err(StoreError::sql("reading the database URL"))?
        .options([("synchronous_commit", "on"), ("lock_timeout", patience.as_str())]);
    PgPoolOptions::new()
        .max_connections(CONNECTIONS)
        .connect_with(options)
        .await
        .map_err(StoreError::sql("opening the database"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The two texts of a migration differ in the words for types, in how texts compare, and in nothing else.
    #[test]
    fn the_tables_are_the_same_on_both() {
        assert_eq!(SQLITE.len(), POSTGRES.len());
        for ((version, name, sqlite), (other_version, other_name, postgres)) in SQLITE.iter().zip(POSTGRES) {
            assert_eq!((version, name), (other_version, other_name));
            let statements = |text: &str| {
                let lines = text.lines().filter(|line| !line.trim_start().starts_with("--"));
                lines.collect::<Vec<_>>().join("\n")
            };
            let translated = statements(sqlite)
                .replace(") STRICT;", ");")
                .replace(" BLOB", " BYTEA")
                .replace(" INTEGER", " BIGINT")
                .replace(" TEXT", " TEXT COLLATE \"C\"");
            assert_eq!(translated, statements(postgres));
        }
    }

    #[tokio::test]
    async fn a_url_of_another_kind_is_refused() {
        for url in ["", "kyso.db", "mysql://localhost/kyso", "/var/lib/kyso.db"] {
            let opened = Store::open(url, Absent::Make, Faults::none()).await;
            assert!(matches!(opened, Err(StoreError::Scheme)), "{url}");
        }
    }
}
