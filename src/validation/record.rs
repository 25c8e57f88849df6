//! A verdict with all that it rests on, to be given again later: the diagnostic data of a validation.
//!
//! The document itself is not in it, only its digest: whoever replays brings it. Everything else is: policy, moment,
//! anchors, limits, and the evidence that was brought, in the order in which it came.

use std::{collections::HashMap, sync::Arc};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};

use super::{Detached, DocumentReport, Evidence, Inspection, OpenError, Policy, PolicyFileError};
use crate::{
    base::{Limits, Sha256, Source, UtcTime},
    crypto::policy::CryptographicPolicy,
    trust::{Anchors, Grant, Purpose},
    x509::Certificate,
};

/// A verdict and what it rests on (`docs/validation-policy.md`, "Giving a verdict again").
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Record {
    /// [`FORMAT`].
    pub format: String,
    /// The version of kyso that judged. Another one may judge otherwise, and [`Record::replay`] then says so.
    pub kyso: String,
    /// The moment of validation.
    pub moment: UtcTime,
    /// The validation policy, as its file would have it.
    pub policy: String,
    /// The cryptographic policy, as its file would have it.
    pub cryptographic_policy: String,
    /// How much was read of a hostile file.
    pub limits: Limits,
    /// Whom the caller trusted.
    pub anchors: RecordedAnchors,
    /// What was brought from outside the document, in the order in which it came.
    pub evidence: Vec<RecordedEvidence>,
    /// What was said.
    pub report: DocumentReport,
}

/// The anchors of a verdict.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RecordedAnchors {
    /// The names of all sets.
    pub name: String,
    /// Trusted for everything.
    pub certificates: Vec<RecordedAnchor>,
    /// Trusted for one purpose, or for a time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub grants: Vec<RecordedGrant>,
}

/// An anchor and the set that it belongs to.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RecordedAnchor {
    /// The name of its set.
    pub set: String,
    /// Base64 of the DER.
    pub certificate: String,
}

/// An anchor with a condition.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RecordedGrant {
    /// The anchor.
    #[serde(flatten)]
    pub anchor: RecordedAnchor,
    /// `any`, `signing` or `time-stamping`.
    pub purpose: String,
    /// See [`Grant::from`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<UtcTime>,
    /// See [`Grant::until`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<UtcTime>,
    /// See [`Grant::listed_until`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub listed_until: Option<UtcTime>,
}

/// A piece of evidence: base64 of the DER, by its kind.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum RecordedEvidence {
    /// A certificate that may lie on a path.
    Certificate(String),
    /// A CertificateList.
    Crl(String),
    /// An OCSPResponse.
    Ocsp(String),
}

/// A verdict given again.
#[derive(Clone, Debug)]
pub struct Replayed {
    /// What is said now.
    pub report: DocumentReport,
    /// Whether its JSON is that of the record, byte for byte.
    pub same: bool,
}

/// The format that this version writes and reads.
pub const FORMAT: &str = "kyso-record/1";

impl Inspection {
    /// [`Inspection::judge`], with all that the verdict rests on.
    pub fn record(&self, name: &str, policy: &Policy, anchors: &Anchors, moment: UtcTime) -> Record {
        Record {
            format: FORMAT.to_owned(),
            kyso: env!("CARGO_PKG_VERSION").to_owned(),
            moment,
            policy: policy.to_toml(),
            cryptographic_policy: policy.cryptography.to_toml(),
            limits: self.limits.clone(),
            anchors: RecordedAnchors::of(anchors),
            evidence: self.supplied.iter().map(RecordedEvidence::of).collect(),
            report: self.judge(name, policy, anchors, moment),
        }
    }
}

impl Record {
    /// Judges `source` again, with the evidence, policy, anchors and moment of the record.
    ///
    /// # Errors
    ///
    /// When it is another document, or the record cannot be read.
    pub fn replay(&self, source: Arc<dyn Source>) -> Result<Replayed, ReplayError> {
        self.replay_with(source, &[])
    }

    /// As [`Record::replay`], with the files that the document is about where they lie apart from it.
    ///
    /// # Errors
    ///
    /// As [`Record::replay`]; and when `detached` does not go with the document.
    pub fn replay_with(
        &self,
        source: Arc<dyn Source>,
        detached: &[Detached],
    ) -> Result<Replayed, ReplayError> {
        if self.format != FORMAT {
            return Err(ReplayError::Format { format: self.format.clone() });
        }
        let cryptography = CryptographicPolicy::from_toml(&self.cryptographic_policy)
            .map_err(|error| ReplayError::Part { what: "cryptographicPolicy", reason: error.to_string() })?;
        let policy = Policy::from_toml(&self.policy, |_| Ok(cryptography))?;
        let anchors = self.anchors.read()?;
        let mut inspection = Inspection::open_any(source, detached, &self.limits)?;
        if inspection.sha256().to_hex() != self.report.sha256 {
            return Err(ReplayError::OtherDocument {
                expected: self.report.sha256.clone(),
                given: inspection.sha256(),
            });
        }
        for evidence in &self.evidence {
            inspection.supply(evidence.read()?);
        }
        let report = inspection.judge(&self.report.name, &policy, &anchors, self.moment);
        let same = serde_json::to_vec(&report).ok() == serde_json::to_vec(&self.report).ok();
        Ok(Replayed { report, same })
    }
}

impl RecordedAnchors {
    fn of(anchors: &Anchors) -> Self {
        let anchor = |certificate: &Certificate| RecordedAnchor {
            set: anchors.set_of(certificate).unwrap_or_default().to_owned(),
            certificate: STANDARD.encode(certificate.der()),
        };
        let grants = anchors.grants.iter().map(|grant| RecordedGrant {
            anchor: anchor(&grant.anchor),
            purpose: purpose_name(grant.purpose).to_owned(),
            from: grant.from,
            until: grant.until,
            listed_until: grant.listed_until,
        });
        Self {
            name: anchors.name.clone(),
            certificates: anchors.certificates.iter().map(anchor).collect(),
            grants: grants.collect(),
        }
    }

    fn read(&self) -> Result<Anchors, ReplayError> {
        let mut sets = HashMap::new();
        let mut certificate = |anchor: &RecordedAnchor| {
            let der = decode("anchors", &anchor.certificate)?;
            let certificate = Certificate::from_der(&der)
                .map_err(|error| ReplayError::Part { what: "anchors", reason: error.to_string() })?;
            sets.insert(certificate.sha256(), anchor.set.clone());
            Ok::<_, ReplayError>(certificate)
        };
        let certificates = self.certificates.iter().map(&mut certificate).collect::<Result<_, _>>()?;
        let grants = self.grants.iter().map(|grant| {
            let purpose = PURPOSES.iter().find(|(_, name)| *name == grant.purpose).ok_or_else(|| {
                ReplayError::Part { what: "anchors", reason: format!("no purpose is {:?}", grant.purpose) }
            })?;
            Ok(Grant {
                anchor: certificate(&grant.anchor)?,
                purpose: purpose.0,
                from: grant.from,
                until: grant.until,
                listed_until: grant.listed_until,
            })
        });
        let grants = grants.collect::<Result<_, ReplayError>>()?;
        Ok(Anchors { name: self.name.clone(), certificates, grants, sets: Arc::new(sets) })
    }
}

impl RecordedEvidence {
    fn of(evidence: &Evidence) -> Self {
        match evidence {
            Evidence::Certificate(der) => Self::Certificate(STANDARD.encode(der)),
            Evidence::Crl(der) => Self::Crl(STANDARD.encode(der)),
            Evidence::Ocsp(der) => Self::Ocsp(STANDARD.encode(der)),
        }
    }

    fn read(&self) -> Result<Evidence, ReplayError> {
        Ok(match self {
            Self::Certificate(text) => Evidence::Certificate(decode("evidence", text)?),
            Self::Crl(text) => Evidence::Crl(decode("evidence", text)?),
            Self::Ocsp(text) => Evidence::Ocsp(decode("evidence", text)?),
        })
    }
}

fn decode(what: &'static str, text: &str) -> Result<Vec<u8>, ReplayError> {
    STANDARD.decode(text).map_err(|error| ReplayError::Part { what, reason: error.to_string() })
}

fn purpose_name(purpose: Purpose) -> &'static str {
    PURPOSES.iter().find(|(one, _)| *one == purpose).map_or("any", |(_, name)| name)
}

const PURPOSES: [(Purpose, &str); 3] =
    [(Purpose::Any, "any"), (Purpose::Signing, "signing"), (Purpose::TimeStamping, "time-stamping")];

/// Why a verdict could not be given again.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReplayError {
    /// Another kind of file, or one of a later version.
    #[error("the record is of the format {format:?}; this version reads {FORMAT:?}")]
    Format {
        /// What it says.
        format: String,
    },
    /// The document is not the one that was judged.
    #[error("the record is of the document with SHA-256 {expected}, and this one has {given:?}")]
    OtherDocument {
        /// Of the record.
        expected: String,
        /// Of the file.
        given: Sha256,
    },
    /// A part of the record cannot be read.
    #[error("{what} of the record cannot be read: {reason}")]
    Part {
        /// The field.
        what: &'static str,
        /// What was wrong.
        reason: String,
    },
    /// The document cannot be read.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The policy cannot be read.
    #[error("the policy of the record cannot be read: {0}")]
    Policy(#[from] PolicyFileError),
}
