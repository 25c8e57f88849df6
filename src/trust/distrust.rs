//! Why a certificate cannot be relied on.

use der::oid::ObjectIdentifier;

use super::status::StatusFault;
use crate::base::UtcTime;

/// Why no path to an anchor could be relied on, for the path that came furthest.
///
/// `subject` is the distinguished name of the certificate at fault, `index` its place in the path: 0 for the end
/// certificate, counting up to the anchor.
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
    #[error("no path leads from {subject} (issued by {issuer}) to a trust anchor{}", unsigned(.misfit.as_deref()))]
    NoPath {
        /// The certificate to start from.
        subject: String,
        /// Who issued it.
        issuer: String,
        /// A certificate on the way bears the name of an issuer that is at hand, whose key did not sign it.
        misfit: Option<String>,
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
        /// Its place.
        index: usize,
        /// What differs.
        what: String,
    },
    /// A rule of RFC 5280 section 6, or one that the purpose adds, is broken.
    #[error("{fault}, at {subject}")]
    Chain {
        /// The certificate.
        subject: String,
        /// Its place.
        index: usize,
        /// Which rule.
        fault: ChainFault,
    },
    /// A key or digest that policy no longer accepts.
    #[error("{what} is too weak or not known, at {subject}")]
    Weak {
        /// The certificate.
        subject: String,
        /// Its place.
        index: usize,
        /// `SHA-1`, `RSA-1024`.
        what: String,
        /// The first moment at which it was no longer good enough; `None` when it never was.
        since: Option<UtcTime>,
    },
    /// The control time is before the validity period.
    #[error("{subject} is valid only from {not_before}, after {at}")]
    NotYetValid {
        /// The certificate.
        subject: String,
        /// Its place.
        index: usize,
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
        /// Its place.
        index: usize,
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
        /// Its place.
        index: usize,
        /// What is wrong with the evidence that there is.
        faults: Vec<StatusFault>,
    },
    /// There is evidence, but it comes from a key whose certificate ended before the evidence is proven to have existed.
    #[error("the status of {subject} comes from a certificate that has since expired")]
    StatusUnproven {
        /// The certificate.
        subject: String,
        /// Its place.
        index: usize,
    },
    /// It was revoked.
    #[error("{subject} was revoked at {at}{}", because(*.reason))]
    Revoked {
        /// The certificate.
        subject: String,
        /// Its place.
        index: usize,
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
    /// An extension restricts the path in a way that kyso does not process. Nothing leads here any more.
    #[error("the extension {0} restricts the path in a way that is not supported yet")]
    NotSupported(ObjectIdentifier),
    /// RFC 5280 section 6.1.3 b.
    #[error("an authority does not permit a name that it has")]
    NotPermittedName,
    /// RFC 5280 section 6.1.3 c.
    #[error("an authority excludes a name that it has")]
    ExcludedName,
    /// A name of a constrained form that cannot be compared (RFC 5280 section 4.2.1.10).
    #[error("it has a name of a form that an authority constrains, which cannot be compared")]
    NameUnreadable,
    /// More names and constraints than any honest path has.
    #[error("there are too many names to compare with too many constraints")]
    TooComplex,
    /// RFC 5280 sections 6.1.3 f and 6.1.5 g.
    #[error("a policy is required, and the path is valid for none that is acceptable")]
    NoPolicy,
    /// RFC 5280 section 6.1.4 a.
    #[error("the policy mappings map anyPolicy")]
    AnyPolicyMapped,
    /// A qualifier that is not known in critical certificatePolicies (RFC 5280 section 4.2.1.4).
    #[error("the critical certificate policies have a qualifier that is unknown")]
    PolicyQualifier,
    /// keyUsage does not allow the purpose.
    #[error("the key usage does not allow this")]
    KeyUsage,
    /// extKeyUsage does not allow the purpose.
    #[error("the extended key usage does not allow this")]
    ExtendedKeyUsage,
}

impl ChainFault {
    /// A stable name for programs, such as `name.excluded`.
    pub fn key(&self) -> &'static str {
        match self {
            Self::NotAuthority => "basic-constraints",
            Self::PathLength => "path-length",
            Self::KeyCertSign | Self::KeyUsage => "key-usage",
            Self::UnknownCritical(_) => "critical-extension",
            Self::NotSupported(_) => "not-supported",
            Self::NotPermittedName => "name.not-permitted",
            Self::ExcludedName => "name.excluded",
            Self::NameUnreadable => "name.unreadable",
            Self::TooComplex => "name.too-complex",
            Self::NoPolicy => "policy.none",
            Self::AnyPolicyMapped => "policy.any-mapped",
            Self::PolicyQualifier => "policy.qualifier",
            Self::ExtendedKeyUsage => "extended-key-usage",
        }
    }

    /// Where the rule is written.
    pub fn section(&self) -> &'static str {
        match self {
            Self::NotAuthority => "RFC 5280 section 6.1.4 (k)",
            Self::PathLength => "RFC 5280 section 6.1.4 (l)",
            Self::KeyCertSign => "RFC 5280 section 6.1.4 (n)",
            Self::UnknownCritical(_) => "RFC 5280 section 6.1.4 (o)",
            Self::NotSupported(_) => "RFC 5280 section 4.2",
            Self::NotPermittedName => "RFC 5280 section 6.1.3 (b)",
            Self::ExcludedName => "RFC 5280 section 6.1.3 (c)",
            Self::NameUnreadable | Self::TooComplex => "RFC 5280 section 4.2.1.10",
            Self::NoPolicy => "RFC 5280 section 6.1.3 (f)",
            Self::AnyPolicyMapped => "RFC 5280 section 6.1.4 (a)",
            Self::PolicyQualifier => "RFC 5280 section 4.2.1.4",
            Self::KeyUsage => "RFC 5280 section 4.2.1.3",
            Self::ExtendedKeyUsage => "RFC 5280 section 4.2.1.12",
        }
    }
}

impl Distrust {
    /// A stable name for programs, such as `expired`.
    pub fn key(&self) -> &'static str {
        match self {
            Self::NoPath { .. } => "no-path",
            Self::Budget { .. } => "budget",
            Self::IsAnchor { .. } => "is-anchor",
            Self::Disagreement { .. } => "ambiguous",
            Self::Chain { fault, .. } => fault.key(),
            Self::Weak { .. } => "weak",
            Self::NotYetValid { .. } => "not-yet-valid",
            Self::Expired { .. } => "expired",
            Self::StatusUnknown { .. } => "status.unknown",
            Self::StatusUnproven { .. } => "status.unproven",
            Self::Revoked { .. } => "revoked",
        }
    }

    /// Where the rule that is broken is written; `None` for rules of kyso's own.
    pub fn section(&self) -> Option<&'static str> {
        match self {
            Self::Budget { .. } | Self::IsAnchor { .. } | Self::Disagreement { .. } | Self::Weak { .. } => {
                None
            }
            Self::NoPath { .. } => Some("RFC 5280 section 6.1.3 (a)(1), (a)(4)"),
            Self::Chain { fault, .. } => Some(fault.section()),
            Self::NotYetValid { .. } | Self::Expired { .. } => Some("RFC 5280 section 6.1.3 (a)(2)"),
            Self::StatusUnknown { .. } | Self::StatusUnproven { .. } => Some("RFC 5280 section 6.3.3"),
            Self::Revoked { .. } => Some("RFC 5280 section 6.1.3 (a)(3)"),
        }
    }

    /// The place of the certificate at fault in the path: 0 for the end certificate, counting up to the anchor.
    pub fn index(&self) -> usize {
        match self {
            Self::NoPath { .. } | Self::Budget { .. } | Self::IsAnchor { .. } => 0,
            Self::Disagreement { index, .. }
            | Self::Chain { index, .. }
            | Self::Weak { index, .. }
            | Self::NotYetValid { index, .. }
            | Self::Expired { index, .. }
            | Self::StatusUnknown { index, .. }
            | Self::StatusUnproven { index, .. }
            | Self::Revoked { index, .. } => *index,
        }
    }

    /// The distinguished name of the certificate at fault.
    pub fn subject(&self) -> &str {
        match self {
            Self::NoPath { subject, .. }
            | Self::Budget { subject, .. }
            | Self::IsAnchor { subject }
            | Self::Disagreement { subject, .. }
            | Self::Chain { subject, .. }
            | Self::Weak { subject, .. }
            | Self::NotYetValid { subject, .. }
            | Self::Expired { subject, .. }
            | Self::StatusUnknown { subject, .. }
            | Self::StatusUnproven { subject, .. }
            | Self::Revoked { subject, .. } => subject,
        }
    }

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

fn unsigned(misfit: Option<&str>) -> String {
    let told = |subject| format!(": the key of its issuer did not sign the certificate of {subject}");
    misfit.map(told).unwrap_or_default()
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
