//! The demo: a CA with its OCSP responder, CRL and time-stamp authority, a town, and the story.
//!
//! Everything in it is the real thing at a small size: the tokens are PKCS#11, the database is SQLite, the
//! story goes through the HTTP API. Only the persons are invented, and the PINs are printed.

pub mod pki;
mod story;
mod town;

use crate::{
    people::AgencyCodeError,
    service::{ServiceError, sign::SignError},
    token::TokenError,
};

pub use story::Story;
pub use town::{AGENCY_KEY, AGENCY_TOKEN, LEADER_KEY, LEADER_TOKEN, Office, Town};

/// Why the demo stopped.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DemoError {
    /// A code of the town is wrong.
    #[error(transparent)]
    AgencyCode(#[from] AgencyCodeError),
    /// A thread ended early.
    #[error("a thread of the demo ended early")]
    Interrupted,
    /// A file.
    #[error("a file of the demo could not be read or written")]
    Io(#[from] std::io::Error),
    /// An answer is not JSON.
    #[error("the server's answer is not JSON")]
    Json(#[from] serde_json::Error),
    /// The ledger's key.
    #[error(transparent)]
    LedgerKey(#[from] crate::ledger::KeyError),
    /// A picture of the demo.
    #[error(transparent)]
    Picture(#[from] crate::appearance::PictureError),
    /// The demo CA.
    #[error(transparent)]
    Pki(#[from] pki::PkiError),
    /// Its servers.
    #[error(transparent)]
    PkiServices(#[from] pki::ServiceError),
    /// A task.
    #[error(transparent)]
    Service(#[from] ServiceError),
    /// Signing.
    #[error(transparent)]
    Sign(#[from] SignError),
    /// A step did not hold.
    #[error("step {number} did not hold ({words})")]
    Step {
        /// Counted from 1.
        number: usize,
        /// What it was to show.
        words: String,
        /// What was seen instead.
        source: Box<DemoError>,
    },
    /// A token.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// Something else than the story says.
    #[error("{what}")]
    Unexpected {
        /// What was seen.
        what: String,
    },
}
