//! Anchors, certification paths and revocation at a moment (RFC 5280 section 6, RFC 6960).
//!
//! Everything here is arithmetic on what was read before: no network, no clock. The one question asked from
//! above is [`Court::judge`]: may this certificate be relied on, for this purpose, at this moment? What it
//! answers is either a [`Trusted`] path, which nothing else can make, or the best [`Distrust`] found.
//!
//! The spine's court is narrow on purpose. Name constraints, policy constraints and policy mappings are not
//! processed, so a path that has them is refused; so are partitioned, delta and indirect revocation lists.

mod anchors;
mod court;
mod distrust;
mod path;
mod profile;
mod status;
mod trusted_list;

pub use anchors::{Anchors, Grant};
pub use court::{Assessment, Control, Court, Lack, Purpose, StatusItem, Trusted};
pub use distrust::{ChainFault, Distrust};
pub use path::{Checks, MAX_CHAIN, MAX_PATHS, MIN_RSA_BITS};
pub use profile::{
    AnchorSet, OutdatedWord, ProfileError, SetFiles, TrustFile, TrustProfile, TrustProfiles, TrustWarning,
    TrustWarningKind, Use,
};
pub use status::{MAX_AGE_WITHOUT_NEXT_UPDATE, SKEW, StatusFault};
pub use trusted_list::{
    MAX_SERVICES, Outdated, Service, ServiceKind, ServiceState, ServiceStatus, Skipped, TrustedList,
    TrustedListError,
};
