//! Why bytes are no container that kyso reads.

use std::io;

/// Why bytes are no container that kyso reads or writes.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AsicError {
    /// Two programs could see two things in it.
    #[error("two programs may see two different things in the container: {reason}")]
    Ambiguous {
        /// What is told twice, and differently.
        reason: String,
    },
    /// An entry needs a password.
    #[error("the entry {name:?} of the container is encrypted")]
    Encrypted {
        /// The entry.
        name: String,
    },
    /// The medium failed.
    #[error("the container could not be read")]
    Io(#[from] io::Error),
    /// A bound of [`super::ContainerLimits`].
    #[error("the container has more {what} than the {limit} that are allowed")]
    Limit {
        /// Which one.
        what: &'static str,
        /// Its value.
        limit: u64,
    },
    /// Not such a structure.
    #[error("the container is damaged: {reason}")]
    Malformed {
        /// What the reader met.
        reason: String,
    },
    /// A ZIP archive of another kind.
    #[error("the file is a ZIP archive but no ASiC container: {reason}")]
    NotAsic {
        /// What it is instead, or what is missing.
        reason: String,
    },
    /// A part of ZIP that kyso leaves alone.
    #[error("the container cannot be read: {reason}")]
    NotSupported {
        /// Which one.
        reason: String,
    },
}

impl AsicError {
    pub(super) fn malformed(reason: impl Into<String>) -> Self {
        Self::Malformed { reason: reason.into() }
    }

    pub(super) fn ambiguous(reason: impl Into<String>) -> Self {
        Self::Ambiguous { reason: reason.into() }
    }

    pub(super) fn not_supported(reason: impl Into<String>) -> Self {
        Self::NotSupported { reason: reason.into() }
    }
}
