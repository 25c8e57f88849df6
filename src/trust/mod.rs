//! Anchors, certification paths and revocation at a moment (RFC 5280 section 6, RFC 6960).
//! Owned by the JUDGE helper: internal shape is free.

use crate::x509::Certificate;

/// A set of trust anchors with a name that the report shows.
#[derive(Clone, Debug, Default)]
pub struct Anchors {
    pub name: String,
    pub certificates: Vec<Certificate>,
}
