//! Why a certificate cannot be relied on.

use der::oid::ObjectIdentifier;

use super::status::StatusFault;
use crate::base::UtcTime;

/// Why no path to an anchor could be relied on, for the path that came furthest.
///
/// `subject` is the distinguished name of the certificate at fault.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Distrust {
    /// The budget of signature checks ran out first.
    #[error("building a path for {subject} took more than {limit} signature checks")]
    Budget {
        /// The certificate to start from.
        subject: String,
        /// See [`crate::base::Limits::path_checks`].
        limit: usize,
    },
    /// No chain of signatures leads to an anchor.
    #[error("no path leads from {subject} (issued by {issuer}) to a trust anchor")]
    NoPath {
        /// The certificate to start from.
        subject: String,
        /// Who issued it.
        issuer: String,
    },
    /// The end certificate is itself in the anchor set, so nobody can vouch for its status.
    #[error("{subject} is itself among the trust anchors: no authority vouches for it")]
    IsAnchor {
        /// The certificate.
        subject: String,
    },
    /// Two readers understand the certificate differently.
    #[error("two readers understand the certificate of {subject} differently: {what}")]
    Disagreement {
        /// The certificate.
        subject: String,
        /// What differs.
        what: String,
    },
    /// A rule of RFC 5280 section 6, or one that the purpose adds, is broken.
    #[error("{fault}, at {subject}")]
    Chain {
        /// The certificate.
        subject: String,
        /// Which rule.
        fault: ChainFault,
    },
    /// A key or digest that policy no longer accepts.
    #[error("{what} is too weak, at {subject}")]
    Weak {
        /// The certificate.
        subject: String,
        /// `SHA-1`, `RSA-1024`.
        what: String,
    },
    /// The control time is before the validity period.
    #[error("{subject} is valid only from {not_before}, after {at}")]
    NotYetValid {
        /// The certificate.
        subject: String,
        /// When it begins.
        not_before: UtcTime,
        /// The control time.
        at: UtcTime,
    },
    /// The control time is after the validity period.
    #[error("{subject} was valid until {not_after}, before {at}")]
    Expired {
        /// The certificate.
        subject: String,
        /// When it ended.
        not_after: UtcTime,
        /// The control time.
        at: UtcTime,
    },
    /// Nothing that can be relied on says whether it was revoked.
    #[error("nothing says whether {subject} was revoked{}", why(.faults))]
    StatusUnknown {
        /// The certificate.
        subject: String,
        /// What is wrong with the evidence that there is.
        faults: Vec<StatusFault>,
    },
    /// There is evidence, but it comes from a key whose certificate ended before the evidence is proven to have existed.
    #[error("the status of {subject} comes from a certificate that has since expired")]
    StatusUnproven {
        /// The certificate.
        subject: String,
    },
    /// It was revoked.
    #[error("{subject} was revoked at {at}{}", because(*.reason))]
    Revoked {
        /// The certificate.
        subject: String,
        /// When.
        at: UtcTime,
        /// CRLReason, RFC 5280 section 5.3.1.
        reason: Option<u8>,
        /// Whether an authority of the path is meant, rather than the end certificate.
        authority: bool,
    },
}

/// A rule about certificates that a path breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ChainFault {
    /// basicConstraints absent, or `cA` not set (RFC 5280 section 6.1.4 k).
    #[error("the issuer is not a certification authority")]
    NotAuthority,
    /// RFC 5280 section 6.1.4 m.
    #[error("the path is longer than its authority allows")]
    PathLength,
    /// keyUsage without keyCertSign (RFC 5280 section 6.1.4 n).
    #[error("the issuer's key may not sign certificates")]
    KeyCertSign,
    /// RFC 5280 section 4.2.
    #[error("the critical extension {0} is unknown")]
    UnknownCritical(ObjectIdentifier),
    /// Name constraints, policy constraints, policy mappings, inhibitAnyPolicy.
    #[error("the extension {0} restricts the path in a way that is not supported yet")]
    NotSupported(ObjectIdentifier),
    /// keyUsage does not allow the purpose.
    #[error("the key usage does not allow this")]
    KeyUsage,
    /// extKeyUsage does not allow the purpose.
    #[error("the extended key usage does not allow this")]
    ExtendedKeyUsage,
}

impl Distrust {
    /// How far the path came; the failure of the furthest one is reported.
    pub(super) fn rank(&self) -> u8 {
        match self {
            Self::NoPath { .. } => 0,
            Self::Budget { .. } => 1,
            Self::IsAnchor { .. } => 2,
            Self::Disagreement { .. } => 3,
            Self::Chain { .. } => 4,
            Self::Weak { .. } => 5,
            Self::NotYetValid { .. } => 6,
            Self::Expired { .. } => 7,
            Self::StatusUnknown { .. } => 8,
            Self::StatusUnproven { .. } => 9,
            Self::Revoked { .. } => 10,
        }
    }
}

fn why(faults: &[StatusFault]) -> String {
    let mut words = String::new();
    for fault in faults {
        words.push_str(if words.is_empty() { " (" } else { "; " });
        words.push_str(&fault.to_string());
    }
    if !words.is_empty() {
        words.push(')');
    }
    words
}

fn because(reason: Option<u8>) -> String {
    let reason = match reason {
        Some(1) => "its key was compromised",
        Some(2) => "its authority was compromised",
        Some(3) => "its holder changed affiliation",
        Some(4) => "it was superseded",
        Some(5) => "its holder ceased operation",
        Some(6) => "it is on hold",
        Some(9) => "a privilege was withdrawn",
        _ => return String::new(),
    };
    format!(" ({reason})")
}
