//! Anchors, certification paths and revocation at a moment (RFC 5280 section 6, RFC 6960).
//!
//! Everything here is arithmetic on what was read before: no network, no clock. The one question asked from
//! above is [`Court::judge`]: may this certificate be relied on, for this purpose, at this moment? What it
//! answers is either a [`Trusted`] path, which nothing else can make, or the best [`Distrust`] found.
//!
//! The walk of a question:
//!
//! 1. `search` finds chains of signatures from the certificate to an anchor, within a budget of signature checks;
//! 2. `path` goes down each chain by RFC 5280 section 6.1, with `names` (name constraints) and `policy` (the policy
//!    graph of RFC 9618) beside it, and `strength` for keys and digests;
//! 3. `status` asks for each certificate what `lists` (RFC 5280 section 6.3) and `answers` (RFC 6960) say of it, and
//!    weighs that for the control time;
//! 4. one chain that holds suffices, unless another shows that the end certificate was revoked; of several that fail,
//!    the one that came furthest is told.
//!
//! [`Rules`] are the settings. Anchors are certificates, and what an anchor says of its own reach is kept to (RFC 5937):
//! its validity, basicConstraints, keyUsage, nameConstraints, policyConstraints, inhibitAnyPolicy and
//! certificatePolicies; its policyMappings are not looked at.
//!
//! For a validation of the past, [`Court::candidates`], [`Court::holds`] and [`Court::statements`] give the parts, and
//! [`slide()`] moves a control time down a chain (ETSI EN 319 102-1 section 5.6.2.2).

mod anchors;
mod answers;
mod checks;
mod court;
mod distrust;
mod lists;
mod names;
mod path;
mod policy;
mod profile;
mod rules;
mod search;
mod slide;
mod status;
mod strength;
mod trusted_list;

pub use anchors::{Anchors, Grant};
pub use checks::{Checks, Known};
pub use court::{Assessment, Control, Court, Lack, Purpose, StatusItem, Trusted};
pub use distrust::{ChainFault, Distrust};
pub use policy::PolicySet;
pub use profile::{
    AnchorSet, OutdatedWord, ProfileError, SetFiles, TrustFile, TrustProfile, TrustProfiles, TrustWarning,
    TrustWarningKind, Use,
};
pub use rules::{Freshness, MAX_AGE_WITHOUT_NEXT_UPDATE, Revocation, Rules};
pub use search::{MAX_CHAIN, MAX_PATHS};
pub use slide::{NoProof, Step, slide};
pub use status::{EvidenceKind, SKEW, StatusFault, StatusStatement, Word};
pub use trusted_list::{
    MAX_SERVICES, Outdated, Service, ServiceKind, ServiceState, ServiceStatus, Skipped, TrustedList,
    TrustedListError,
};
