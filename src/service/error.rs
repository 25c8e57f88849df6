//! Why a task was not done.

use crate::{
    base::{Sha256, UtcTime},
    dispatch::{NumberError, Role, State, TransitionError},
    ledger::{CheckpointError, KeyError, TreeError},
    people::{AgencyCode, Scope},
    store::{BlobError, StoreError},
};

/// Why a task was not done. [`ServiceError::code`] is stable; the words are for people.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServiceError {
    /// The key presented is unknown, expired or revoked. It is not said which.
    #[error("the API key is not valid; ask your agency's administrator for a new one")]
    Unauthenticated,
    /// The key does not give this scope.
    #[error("this needs the scope `{scope}`, which the API key or its member's roles do not give")]
    Forbidden {
        /// The scope missing.
        scope: Scope,
    },
    /// There is no such thing, or it is not the caller's to see. It is not said which.
    #[error("there is no {what} {id}, or it is not yours to see")]
    NotFound {
        /// `document`, `dispatch`, `delivery`, `event`, …
        what: &'static str,
        /// As asked for.
        id: String,
    },
    /// A value given is not acceptable.
    #[error("{field}: {message}")]
    Invalid {
        /// Which value.
        field: &'static str,
        /// Why, and what would be.
        message: String,
    },
    /// A number, symbol or text of a document is not acceptable.
    #[error(transparent)]
    Number(#[from] NumberError),
    /// There is one already.
    #[error("there is already a {what} {id}")]
    Exists {
        /// `agency`, …
        what: &'static str,
        /// Its identifier.
        id: String,
    },
    /// The document has its number already, and another was asked for.
    #[error("the document already has the number {number}")]
    Numbered {
        /// The number.
        number: String,
    },
    /// A number is needed before the agency may sign.
    #[error("the document has no number yet; allot one before the agency signs")]
    Unnumbered,
    /// The document is past the point where this can be done.
    #[error("the document is already {state}; {hint}")]
    DocumentState {
        /// `approved` or `issued`.
        state: &'static str,
        /// What is possible instead.
        hint: &'static str,
    },
    /// The signatures come in another order: the person's, then the agency's.
    #[error("the {} signature cannot be recorded now: the person signs first, then the agency, once each", .role.as_str())]
    SignatureOrder {
        /// What was to be recorded.
        role: Role,
    },
    /// The signed file does not begin with the bytes of the document.
    #[error(
        "the signed file does not begin with the bytes of the document as it stands; sign the present file"
    )]
    NotContinued,
    /// The verdict is not of these bytes.
    #[error("the verification report is of other bytes: it says {reported}, the file is {actual}")]
    ReportMismatch {
        /// What the report says.
        reported: String,
        /// What the file is.
        actual: Sha256,
    },
    /// The verdict is not that the document is valid.
    #[error("the document does not verify: its verdict is {overall}")]
    NotVerified {
        /// `invalid`, `indeterminate` or `unsigned`.
        overall: &'static str,
    },
    /// Fewer signatures than the document has to have.
    #[error("the verified file has {found} signatures; {needed} are needed")]
    SignatureCount {
        /// Signatures in the report.
        found: usize,
        /// Signatures needed.
        needed: usize,
    },
    /// Not issued: both signatures have to be there.
    #[error("the document is not issued: the person's and then the agency's signature have to be on it")]
    NotIssued,
    /// Secret documents are outside the axis.
    #[error("the document is secret; secret documents are never sent through kyso")]
    Secret,
    /// Not an agency known here.
    #[error("there is no agency {agency}")]
    UnknownAgency {
        /// Its code.
        agency: AgencyCode,
    },
    /// The state machine does not have it. Kept as an anomaly.
    #[error(transparent)]
    Transition(#[from] TransitionError),
    /// An event identifier is used twice for different events.
    #[error("the event {id} is already recorded and says something else")]
    EventReused {
        /// The identifier.
        id: String,
    },
    /// An idempotency key is used twice for different requests.
    #[error("the idempotency key was used for another request; use a new key for a new request")]
    IdempotencyConflict,
    /// The document is not what it was when the signature was prepared.
    #[error("the document changed since this signature was prepared; prepare it anew")]
    PreparedChanged,
    /// The handle came too late.
    #[error("this prepared signature expired at {at}; prepare it anew")]
    PreparedExpired {
        /// When.
        at: UtcTime,
    },
    /// Too many wrong values came for the handle.
    #[error("too many wrong values came for this prepared signature; prepare it anew")]
    PreparedSpent,
    /// As many handles wait as a member may hold.
    #[error("{most} prepared signatures wait for their value already; complete or give up some of them")]
    PreparedTooMany {
        /// How many may wait.
        most: u64,
    },
    /// The handle was completed: it is good once.
    #[error("this prepared signature is completed already")]
    PreparedUsed,
    /// The value of a prepared signature was made by another key, or over other bytes.
    #[error(
        "the signature value does not fit the certificate and what was to be signed; this handle bears {left} more"
    )]
    WrongValue {
        /// How many wrong values it bears still.
        left: u32,
    },
    /// The ledger does not fit its signed checkpoint. Nothing is signed until somebody has looked.
    #[error("the ledger does not agree with its last checkpoint of {size} entries; run `kyso ledger audit`")]
    LedgerBroken {
        /// Entries of the last checkpoint.
        size: u64,
    },
    /// Somebody extends it at this moment.
    #[error("document {id} is being extended; try again in a moment")]
    BeingExtended {
        /// The document.
        id: String,
    },
    /// There is no signature to extend.
    #[error("the document has no signature yet")]
    Unsigned,
    /// Opened for looking only, so nothing can be signed.
    #[error("{missing} entries of the ledger are not signed yet; start kyso with the ledger's key")]
    NotPublished {
        /// Entries without a checkpoint.
        missing: u64,
    },
    /// No ledger was ever begun in this database.
    #[error("this database has no ledger; check the URL")]
    NoLedger,
    /// The key does not fit the database.
    #[error("the ledger of this database is kept with the key {expected}, not {given}")]
    LedgerKey {
        /// The verifier key stored.
        expected: String,
        /// The verifier key of the key given.
        given: String,
    },
    /// The tree cannot be computed.
    #[error(transparent)]
    Tree(#[from] TreeError),
    /// A checkpoint cannot be made or read.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// A key cannot be read.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The database failed.
    #[error("the database failed")]
    Store(#[from] StoreError),
    /// The files failed.
    #[error("the file store failed")]
    Blob(#[from] BlobError),
    /// A file given could not be read.
    #[error("the file given could not be read")]
    Io(#[from] std::io::Error),
    /// A stored value could not be read.
    #[error("a stored value could not be read")]
    Json(#[from] serde_json::Error),
}

impl ServiceError {
    pub(super) fn invalid(field: &'static str, message: impl Into<String>) -> Self {
        Self::Invalid { field, message: message.into() }
    }

    pub(super) fn not_found(what: &'static str, id: impl std::fmt::Display) -> Self {
        Self::NotFound { what, id: id.to_string() }
    }

    /// A stable code for programs, such as `dispatch.secret`.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unauthenticated => "key.invalid",
            Self::Forbidden { .. } => "key.scope",
            Self::NotFound { .. } => "not-found",
            Self::Invalid { .. } | Self::Number(_) => "request.invalid",
            Self::Exists { .. } => "request.exists",
            Self::Numbered { .. } => "document.numbered",
            Self::Unnumbered => "document.unnumbered",
            Self::BeingExtended { .. } => "document.being-extended",
            Self::Unsigned => "document.unsigned",
            Self::DocumentState { .. } => "document.state",
            Self::SignatureOrder { .. } => "signature.order",
            Self::NotContinued => "signature.not-continued",
            Self::ReportMismatch { .. } => "report.mismatch",
            Self::NotVerified { .. } => "report.not-valid",
            Self::SignatureCount { .. } => "report.signatures",
            Self::NotIssued => "dispatch.not-issued",
            Self::Secret => "dispatch.secret",
            Self::UnknownAgency { .. } => "dispatch.unknown-agency",
            Self::Transition(TransitionError::NotNow {
                state: State::Refused | State::Recalled | State::Updated,
                ..
            }) => "delivery.final",
            Self::Transition(TransitionError::ReasonMissing { .. }) => "delivery.reason",
            Self::Transition(_) => "delivery.state",
            Self::EventReused { .. } => "event.reused",
            Self::IdempotencyConflict => "idempotency.conflict",
            Self::PreparedChanged => "prepared.changed",
            Self::PreparedExpired { .. } => "prepared.expired",
            Self::PreparedSpent => "prepared.spent",
            Self::PreparedTooMany { .. } => "prepared.too-many",
            Self::PreparedUsed => "prepared.used",
            Self::WrongValue { .. } => "signature.value",
            Self::LedgerBroken { .. } => "ledger.broken",
            Self::LedgerKey { .. } => "ledger.key",
            Self::NotPublished { .. } => "ledger.not-published",
            Self::NoLedger => "ledger.none",
            Self::Tree(_)
            | Self::Checkpoint(_)
            | Self::Key(_)
            | Self::Store(_)
            | Self::Blob(_)
            | Self::Io(_)
            | Self::Json(_) => INTERNAL,
        }
    }

    /// Whether kyso or what it stands on failed, rather than that something was refused.
    pub fn is_internal(&self) -> bool {
        self.code() == INTERNAL
    }
}

/// The code of what is not the caller's doing.
const INTERNAL: &str = "internal";
