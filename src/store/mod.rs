//! Rows and files: sqlx on SQLite and PostgreSQL, document bytes by content address.

mod file;

pub use file::FileSource;
