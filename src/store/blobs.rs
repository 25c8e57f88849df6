//! Document bytes, by SHA-256.

/// A folder of files named by their SHA-256.
#[derive(Clone, Debug)]
pub struct Blobs {
    _private: (),
}

/// The files failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BlobError {
    /// What the medium reports.
    #[error("{doing}")]
    Io {
        /// What was being done.
        doing: String,
        /// What the medium reports.
        source: std::io::Error,
    },
}
