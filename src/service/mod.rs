//! The tasks: sign, verify, issue, send, receive, prove, upkeep. Holds the clock.
//!
//! A file a task. Each takes the [`Caller`](crate::people::Caller) who asks, checks what they may do, and leaves the
//! store as it found it or wholly changed.

mod audit;
mod error;
mod issue;
mod people;
mod prove;
mod receive;
mod send;
pub mod sign;
mod sign_document;
pub mod verify;

use std::{path::PathBuf, sync::Arc};

use serde::{Deserialize, Serialize};

pub use audit::Finding;
pub use error::ServiceError;
pub use issue::{NewDocument, SignedFile};
pub use people::{NewApiKey, NewMember, ShownKey};
pub use receive::Report;
pub use send::{Send, Sent};
pub use sign_document::{HeldKey, HeldKeys, SignDocumentError, SignedDocument};

use crate::{
    base::{Chance, Clock, Limits, UtcTime},
    ledger::LedgerKey,
    store::{Blobs, Faults, Store},
};

/// Everything that does tasks: the database, the files, the ledger's key, the clock. Cheap to clone.
#[derive(Clone)]
pub struct Service {
    inner: Arc<Inner>,
}

struct Inner {
    clock: Clock,
    chance: Chance,
    limits: Limits,
    store: Store,
    blobs: Blobs,
    ledger_key: LedgerKey,
}

/// What a [`Service`] is opened with.
#[derive(Debug)]
pub struct Setup {
    /// `sqlite:///var/lib/kyso/kyso.db` (made if absent) or `postgres://user@host/name`.
    pub database_url: String,
    /// The folder of document bytes; made if absent.
    pub blobs: PathBuf,
    /// The key that signs checkpoints. A database stays with the key that it was first opened with.
    pub ledger_key: LedgerKey,
    /// Where the present moment comes from.
    pub clock: Clock,
    /// Where identifiers and secrets come from.
    pub chance: Chance,
    /// How much of a hostile file is read.
    pub limits: Limits,
    /// Where the process kills itself: nowhere, but in the crash test.
    #[doc(hidden)]
    pub faults: Faults,
}

impl Setup {
    /// The system's clock and chance, the usual limits.
    pub fn new(database_url: impl Into<String>, blobs: impl Into<PathBuf>, ledger_key: LedgerKey) -> Self {
        Self {
            database_url: database_url.into(),
            blobs: blobs.into(),
            ledger_key,
            clock: Clock::System,
            chance: Chance::system(),
            limits: Limits::default(),
            faults: Faults::none(),
        }
    }
}

/// Which part of a list: newest first, at most 200 at a time.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct PageRequest {
    /// The `next` of the page before.
    #[serde(default)]
    pub cursor: Option<String>,
    /// How many, 1 to 200; 50 when none is said, 200 when more is said.
    #[serde(default)]
    pub limit: Option<u32>,
}

/// A part of a list.
#[derive(Clone, Debug, Serialize)]
pub struct Page<T> {
    /// Newest first.
    pub items: Vec<T>,
    /// What to ask with for the next page; none on the last.
    pub next: Option<String>,
}
