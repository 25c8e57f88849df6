//! Agencies, members, positions, permissions.
//!
//! An agency acts through its members; a member acts through an API key. What a key may do is the overlap of the
//! scopes it was given and the scopes that the member's roles allow.

mod agency;
mod member;

pub use agency::{Agency, AgencyCode, AgencyCodeError};
pub use member::{ApiKey, Caller, Member, Role, Scope, Scopes, UnknownWord};
