//! What a path must keep to, as data (RFC 5280 section 6.1.1, and freshness).

use std::sync::Arc;

use jiff::SignedDuration;

use crate::{
    crypto::policy::CryptographicPolicy,
    x509::{NameConstraints, PolicyId},
};

/// Settings of a judgement. [`Rules::USUAL`] asks for revocation and for no policy.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "three of them are settings of RFC 5280 section 6.1.1")]
pub struct Rules {
    /// user-initial-policy-set (6.1.1 c); empty means any policy.
    pub policies: Vec<PolicyId>,
    /// initial-explicit-policy (6.1.1 f): the path must be valid for one of `policies`.
    pub explicit_policy: bool,
    /// initial-policy-mapping-inhibit (6.1.1 e): policies are not mapped.
    pub inhibit_mapping: bool,
    /// initial-any-policy-inhibit (6.1.1 g): anyPolicy in a certificate means nothing.
    pub inhibit_any_policy: bool,
    /// initial-permitted-subtrees and initial-excluded-subtrees (6.1.1 h and i).
    pub names: NameConstraints,
    /// Whether the status of certificates matters.
    pub revocation: Revocation,
    /// How old the word on a status may be.
    pub freshness: Freshness,
    /// Which algorithms and keys are good enough until when; `None` stands for `strict`.
    pub cryptography: Option<Arc<CryptographicPolicy>>,
    /// An OCSP answer that was asked for with a nonce must repeat it. Many responders answer from a store and leave it
    /// out; one that repeats another nonce is refused in any case.
    pub nonce_required: bool,
}

/// Whether the status of certificates matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Revocation {
    /// Every certificate but the anchor must be known not to be revoked.
    Require,
    /// What evidence there is must be good; a certificate that nothing speaks of passes.
    IfPresent,
    /// Nobody asks.
    Off,
}

/// How old the word on a status may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Freshness {
    /// thisUpdate must be no further than this before the control time. `None`: as long as nextUpdate says.
    pub max_age: Option<SignedDuration>,
    /// What stands in for nextUpdate where an OCSP answer has none.
    pub without_next_update: SignedDuration,
}

/// How long an OCSP answer without nextUpdate is taken as the present state.
///
/// RFC 6960 section 4.2.2.1: such a responder always has something newer, so an hour is generous.
pub const MAX_AGE_WITHOUT_NEXT_UPDATE: SignedDuration = SignedDuration::from_hours(1);

impl Rules {
    /// Revocation is required, any policy will do.
    pub const USUAL: Self = Self {
        policies: Vec::new(),
        explicit_policy: false,
        inhibit_mapping: false,
        inhibit_any_policy: false,
        names: NameConstraints { permitted: Vec::new(), excluded: Vec::new() },
        revocation: Revocation::Require,
        freshness: Freshness { max_age: None, without_next_update: MAX_AGE_WITHOUT_NEXT_UPDATE },
        cryptography: None,
        nonce_required: false,
    };
}

impl Default for Rules {
    fn default() -> Self {
        Self::USUAL
    }
}
