//! Rows and files: sqlx on SQLite and PostgreSQL, document bytes by content address.

mod audit;
mod batches;
mod blobs;
mod db;
mod dispatches;
mod documents;
mod fault;
mod file;
mod ledger;
mod people;
mod prepared;
mod upkeep;

pub(crate) use batches::BatchRow;
pub use blobs::{BlobError, Blobs, Stored};
pub(crate) use db::Tx;
pub use db::{Absent, Store, StoreError};
pub use dispatches::Anomaly;
pub use fault::Faults;
pub use file::FileSource;
pub(crate) use ledger::{CheckpointRow, LeafRow};
pub(crate) use prepared::{PreparedRow, PreparedState};
pub(crate) use upkeep::Claimed;
