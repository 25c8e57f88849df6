//! Numbers, deliveries, events: pure rules of circulation.
//!
//! A document gets a number from a gap-free series ([`Number`]), the person's signature, then the agency's; then it
//! may be sent. A [`Dispatch`] is one sending to one or more agencies, a [`Delivery`] its way to one of them. Each
//! step of a delivery is an [`Event`], judged by the table of [`TRANSITIONS`] and written to the ledger as its
//! [`Event::canonical`] bytes.

mod delivery;
mod document;
mod document_type;
mod event;
mod number;
mod upkeep;

pub use delivery::{
    BusinessType, Code, Delivery, Dispatch, Outcome, Side, State, TRANSITIONS, Target, Transition,
    TransitionError, UnknownState, step,
};
pub use document::{Capacity, Document, DocumentState, Role, Secrecy, Signature, Signer};
pub use document_type::{DOCUMENT_TYPES, DocumentType, UnknownDocumentType};
pub use event::{CANONICAL_MAX, Event, EventParseError, LeafFields};
pub use number::{Number, NumberError, NumberRequest, NumberVoid, Numbering, SeriesKind, Symbol};
pub use upkeep::{Extension, Upkeep, UpkeepTask};
