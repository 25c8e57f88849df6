//! The tasks: sign, verify, issue, send, receive, prove, upkeep. Holds the clock.
//!
//! A file a task. Each takes the [`Caller`] who asks, checks what they may do, and leaves the
//! store as it found it or wholly changed.

mod audit;
pub mod beside;
mod error;
pub mod extend;
mod issue;
mod people;
mod prepared_signature;
mod prove;
mod receive;
mod record;
mod send;

pub mod policy;
pub mod repair;
pub mod sign;
pub mod signer_check;
mod sign_document;
mod signature_batch;
pub mod time_stamping;
pub mod trust;
pub mod upkeep;
pub mod verify;

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use serde::{Deserialize, Serialize};

pub use audit::{Audit, Finding};
pub use error::ServiceError;
pub use issue::{NewDocument, SignedFile};
pub use people::{NewApiKey, NewMember, ShownKey};
pub use prepared_signature::{
    MOST_WRONG_VALUES, OpenedPrepared, PreparedLimits, PreparedSignature, SignatureWish,
};
pub use receive::Report;
pub use send::{Send, Sent};
pub use sign_document::{
    HeldKey, HeldKeys, KeptSignature, SignDocumentError, SignedDocument, SigningOrder, StagedSignature,
};
pub use signature_batch::{
    BatchItem, BatchOutcome, BatchState, CLAIM, ClaimedBatch, NewBatch, SignatureBatch,
};

use crate::{
    base::{Chance, Clock, Id, Limits, UtcTime},
    ledger::{LedgerKey, VerifierKey},
    people::{Caller, Scope},
    store::{Absent, Blobs, Faults, Store},
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
    /// None when opened for looking only.
    ledger_key: Option<LedgerKey>,
    verifier_key: VerifierKey,
    /// Milliseconds in the latest identifier.
    last_id: AtomicI64,
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

impl Service {
    /// Opens the database (bringing its tables up to date) and the files, and signs what a crash left unsigned.
    ///
    /// # Errors
    ///
    /// When either cannot be opened, the key is not that of the ledger, or the ledger does not fit its last checkpoint.
    pub async fn open(setup: Setup) -> Result<Self, ServiceError> {
        let store = Store::open(&setup.database_url, Absent::Make, setup.faults).await?;
        let blobs = Blobs::open(setup.blobs)?;
        let given = setup.ledger_key.verifier().clone();
        let mut tx = store.write().await?;
        match tx.verifier_key().await? {
            Some(kept) if kept == given.to_string() => drop(tx),
            Some(expected) => return Err(ServiceError::LedgerKey { expected, given: given.to_string() }),
            None => {
                tx.set_verifier_key(&given.to_string()).await?;
                tx.commit().await?;
            }
        }
        let inner = Inner {
            clock: setup.clock,
            chance: setup.chance,
            limits: setup.limits,
            store,
            blobs,
            ledger_key: Some(setup.ledger_key),
            verifier_key: given,
            last_id: AtomicI64::new(0),
        };
        let service = Self { inner: Arc::new(inner) };
        service.publish(None).await?;
        Ok(service)
    }

    /// Opens an existing database and its files for looking only: proofs of what is published, and the audit.
    ///
    /// # Errors
    ///
    /// When the database is not there, or was never used by a [`Service::open`].
    pub async fn open_to_read(
        database_url: &str,
        blobs: PathBuf,
        clock: Clock,
    ) -> Result<Self, ServiceError> {
        let store = Store::open(database_url, Absent::Fail, Faults::none()).await?;
        let blobs = Blobs::open_to_read(blobs);
        let kept = store.read().await?.verifier_key().await?.ok_or(ServiceError::NoLedger)?;
        let inner = Inner {
            clock,
            chance: Chance::system(),
            limits: Limits::default(),
            store,
            blobs,
            ledger_key: None,
            verifier_key: VerifierKey::parse(&kept)?,
            last_id: AtomicI64::new(0),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Whether database and files answer.
    ///
    /// # Errors
    ///
    /// When one of them does not.
    pub async fn ready(&self) -> Result<(), ServiceError> {
        self.inner.store.read().await?.verifier_key().await?;
        self.inner.blobs.ready().await?;
        Ok(())
    }

    /// Ends all work with the database. Other clones of this service fail from then on.
    pub async fn close(&self) {
        self.inner.store.close().await;
    }

    /// The present moment, in whole seconds.
    pub fn now(&self) -> UtcTime {
        let now = self.inner.clock.now();
        UtcTime::from_second(now.as_second()).unwrap_or(now)
    }

    /// How much of a hostile file is read.
    pub fn limits(&self) -> &Limits {
        &self.inner.limits
    }

    fn id<T: ?Sized>(&self) -> Id<T> {
        // The clock gives whole seconds. Counting on from them keeps identifiers in the order of their making, which
        // lists are shown in; another node's may come in between.
        let now = self.inner.clock.now().as_millisecond();
        let later = |last: i64| Some(now.max(last.saturating_add(1)));
        let last =
            self.inner.last_id.fetch_update(Ordering::Relaxed, Ordering::Relaxed, later).unwrap_or(now);
        let moment = UtcTime::from_millisecond(now.max(last.saturating_add(1)));
        Id::new(moment.unwrap_or(UtcTime::MAX), &self.inner.chance)
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

impl PageRequest {
    /// The identifier before which the page begins, and how many items are wanted.
    fn read(&self) -> Result<(String, u32), ServiceError> {
        let limit = self.limit.unwrap_or(USUAL_PAGE).clamp(1, LONGEST_PAGE);
        let Some(cursor) = &self.cursor else { return Ok((AFTER_ALL.to_owned(), limit)) };
        let id = BASE64_URL_SAFE_NO_PAD.decode(cursor).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        let id = id.and_then(|text| text.parse::<Id<()>>().ok());
        let bad = || ServiceError::invalid("cursor", "it is not the `next` of an earlier page");
        Ok((id.ok_or_else(bad)?.to_string(), limit))
    }
}

impl<T> Page<T> {
    /// Cuts off the one item more than asked for, which only tells that there are more.
    fn of(mut items: Vec<T>, limit: u32, id: impl Fn(&T) -> String) -> Self {
        let limit = limit as usize;
        let more = items.len() > limit;
        items.truncate(limit);
        let next = items.last().filter(|_| more).map(|last| BASE64_URL_SAFE_NO_PAD.encode(id(last)));
        Self { items, next }
    }
}

const USUAL_PAGE: u32 = 50;
const LONGEST_PAGE: u32 = 200;
/// Sorts after every identifier, which begins with a hexadecimal digit.
const AFTER_ALL: &str = "~";

fn require(caller: &Caller, scope: Scope) -> Result<(), ServiceError> {
    if caller.may(scope) { Ok(()) } else { Err(ServiceError::Forbidden { scope }) }
}

/// `text` trimmed, 1 to `most` characters, none of them a control character.
fn bounded(field: &'static str, text: &str, most: usize) -> Result<String, ServiceError> {
    let text = text.trim();
    let fits = !text.is_empty() && text.chars().take(most + 1).count() <= most;
    if !fits {
        return Err(ServiceError::invalid(field, format!("1 to {most} characters are allowed")));
    }
    if text.chars().any(|c| c.is_control() && c != '\n') {
        return Err(ServiceError::invalid(field, "control characters are not allowed"));
    }
    Ok(text.to_owned())
}
