//! One set of SQL texts for both databases; the few differences are here.

/// The database.
#[derive(Clone)]
pub struct Store {
    _private: (),
}

/// The database failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// What sqlx reports.
    #[error("{doing}")]
    Sql {
        /// What was being done.
        doing: &'static str,
        /// What sqlx reports.
        source: sqlx::Error,
    },
}
