//! Rows and files: sqlx on SQLite and PostgreSQL, document bytes by content address.

mod blobs;
mod db;
mod dispatches;
mod documents;
mod fault;
mod file;
mod ledger;
mod people;

pub use blobs::{BlobError, Blobs, Stored};
pub(crate) use db::{Row, Tx};
pub use db::{Store, StoreError};
pub use dispatches::Anomaly;
pub use fault::Faults;
pub use file::FileSource;
pub(crate) use ledger::{CheckpointRow, LeafRow};
