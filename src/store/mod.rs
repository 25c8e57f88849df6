//! Rows and files: sqlx on SQLite and PostgreSQL, document bytes by content address.

mod blobs;
mod db;
mod fault;
mod file;

pub use blobs::{BlobError, Blobs};
pub use db::{Store, StoreError};
pub use fault::Faults;
pub use file::FileSource;
