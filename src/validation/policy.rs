//! Validation policy as data: what must hold and what only warns (`docs/validation-policy.md`).
//!
//! A policy cannot make valid what is broken. Byte rules, digest, signature value, forbidden changes, a path to an
//! anchor and the known status of every certificate on it are not in it, because no answer but one is right there.
//! What is in it are questions on which honest offices differ.

use std::sync::Arc;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use super::modifications::PermittedKinds;
use crate::{
    crypto::policy::CryptographicPolicy,
    trust::{Freshness, Rules},
};

/// The rules that a verdict is given by. Reports name it.
#[derive(Clone, Debug)]
pub struct Policy {
    /// As reports show it.
    pub name: String,
    /// Which algorithms and key sizes are trusted until when.
    pub cryptography: Arc<CryptographicPolicy>,
    /// The questions that a policy answers.
    pub demands: Demands,
}

/// The questions that a policy answers, as its file has them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Demands {
    /// A signature whose time no time-stamp proves.
    pub unproven_time: Demand,
    /// A signature that does not even state its time (`/M` or signing-time).
    pub unstated_time: Demand,
    /// `adbe.pkcs7.detached`, which is no PAdES signature.
    pub pkcs7: Demand,
    /// A `adbe.pkcs7.detached` signature that does not name its certificate under protection (RFC 5035). PAdES
    /// signatures always have to.
    pub unnamed_certificate: Demand,
    /// A signature policy identifier (ETSI EN 319 122-1 section 5.2.9): kyso has no rules for any.
    pub signature_policy: Demand,
    /// RSASSA-PKCS1-v1_5 in the signature itself.
    pub rsa_pkcs1_v1_5: Demand,
    /// How long before the time that counts status evidence may have been made, in hours, whatever its nextUpdate
    /// says; 0 leaves it to nextUpdate.
    pub freshness_hours: u32,
    /// The lowest level that will do.
    pub least_level: Level,
    /// Kinds of later changes that are permitted where the signature permits them; others are forbidden in any case.
    pub permitted_changes: Vec<String>,
}

/// What a policy makes of something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Demand {
    /// Nobody minds.
    Accept,
    /// The signature is INDETERMINATE by it.
    Refuse,
    /// The report tells it.
    Warn,
}

/// A baseline level (ETSI EN 319 142-1 section 6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
pub enum Level {
    /// The signature alone.
    B,
    /// With a time-stamp.
    T,
    /// With all certificates and status evidence in the file.
    #[serde(rename = "LT")]
    Lt,
    /// With a document time-stamp over that evidence.
    #[serde(rename = "LTA")]
    Lta,
}

impl Level {
    /// `B`, `T`, `LT`, `LTA`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::B => "B",
            Self::T => "T",
            Self::Lt => "LT",
            Self::Lta => "LTA",
        }
    }
}

impl std::str::FromStr for Level {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let all = [Self::B, Self::T, Self::Lt, Self::Lta];
        all.into_iter().find(|level| level.as_str().eq_ignore_ascii_case(text)).ok_or(())
    }
}

impl Policy {
    /// The names of the policies that kyso comes with.
    pub const BUILT_IN: [&'static str; 3] = ["strict", "etsi", "vn-public-duty"];

    /// Nothing passes without a trusted path, a known status and strong algorithms.
    pub fn strict() -> Self {
        Self {
            name: "strict".to_owned(),
            cryptography: Arc::new(CryptographicPolicy::strict()),
            demands: Demands {
                unproven_time: Demand::Accept,
                unstated_time: Demand::Warn,
                pkcs7: Demand::Accept,
                unnamed_certificate: Demand::Warn,
                signature_policy: Demand::Refuse,
                rsa_pkcs1_v1_5: Demand::Accept,
                freshness_hours: 0,
                least_level: Level::B,
                permitted_changes: PermittedKinds::sound().names(),
            },
        }
    }

    /// One of [`Policy::BUILT_IN`].
    pub fn built_in(name: &str) -> Option<Self> {
        let strict = Self::strict();
        let demands = match name {
            "strict" => return Some(strict),
            // ETSI EN 319 102-1 with the dates of TS 119 312.
            "etsi" => strict.demands,
            // Circular 15/2025 and Decree 68/2024: the list of algorithms of Annex I. Whether PKCS#1 v1.5 still does
            // is an open question of law (docs/validation-policy.md), so it is told.
            "vn-public-duty" => Demands {
                unproven_time: Demand::Warn,
                signature_policy: Demand::Warn,
                rsa_pkcs1_v1_5: Demand::Warn,
                ..strict.demands
            },
            _ => return None,
        };
        let cryptography = if name == "etsi" { "ts119312" } else { "vn-tt15" };
        let cryptography = Arc::new(CryptographicPolicy::built_in(cryptography)?);
        Some(Self { name: name.to_owned(), cryptography, demands })
    }

    /// Reads a policy of one's own: TOML, see `docs/validation-policy.md`.
    ///
    /// `cryptographic` finds the cryptographic policy that the file names, built in or not; reading files is not this
    /// room's work.
    ///
    /// # Errors
    ///
    /// When it is no such file; the error says where.
    pub fn from_toml(
        text: &str,
        cryptographic: impl FnOnce(&str) -> Result<CryptographicPolicy, String>,
    ) -> Result<Self, PolicyFileError> {
        let file: File = toml::from_str(text).map_err(|error| PolicyFileError::Toml(Box::new(error)))?;
        let base = Self::built_in(&file.extends)
            .ok_or_else(|| PolicyFileError::Extends { name: file.extends.clone() })?;
        let known = PermittedKinds::sound().names();
        let unknown = file.permitted_changes.iter().flatten().find(|kind| !known.contains(kind));
        if let Some(kind) = unknown {
            return Err(PolicyFileError::Change { kind: kind.clone(), known: known.join(", ") });
        }
        let cryptography = match file.cryptography {
            None => base.cryptography,
            Some(name) => {
                let found = cryptographic(&name);
                Arc::new(found.map_err(|reason| PolicyFileError::Cryptography { name, reason })?)
            }
        };
        let old = base.demands;
        let demands = Demands {
            unproven_time: file.unproven_time.unwrap_or(old.unproven_time),
            unstated_time: file.unstated_time.unwrap_or(old.unstated_time),
            pkcs7: file.pkcs7.unwrap_or(old.pkcs7),
            unnamed_certificate: file.unnamed_certificate.unwrap_or(old.unnamed_certificate),
            signature_policy: file.signature_policy.unwrap_or(old.signature_policy),
            rsa_pkcs1_v1_5: file.rsa_pkcs1_v1_5.unwrap_or(old.rsa_pkcs1_v1_5),
            freshness_hours: file.freshness_hours.unwrap_or(old.freshness_hours),
            least_level: file.least_level.unwrap_or(old.least_level),
            permitted_changes: file.permitted_changes.unwrap_or(old.permitted_changes),
        };
        Ok(Self { name: file.name, cryptography, demands })
    }

    /// The policy as a file that [`Policy::from_toml`] reads: every answer is in it, whatever it extends.
    pub fn to_toml(&self) -> String {
        let demands = toml::to_string(&self.demands).unwrap_or_default();
        let name = toml::Value::String(self.name.clone());
        let cryptography = toml::Value::String(self.cryptography.name().to_owned());
        format!("name = {name}\nextends = \"strict\"\ncryptography = {cryptography}\n{demands}")
    }

    /// What the paths of certificates are judged by.
    pub(super) fn rules(&self) -> Rules {
        let hours = self.demands.freshness_hours;
        let max_age = (hours > 0).then(|| SignedDuration::from_hours(i64::from(hours)));
        Rules {
            cryptography: Some(Arc::clone(&self.cryptography)),
            freshness: Freshness { max_age, ..Rules::USUAL.freshness },
            ..Rules::USUAL
        }
    }

    /// The kinds of changes that may be permitted.
    pub(super) fn permitted(&self) -> PermittedKinds {
        let names: Vec<&str> = self.demands.permitted_changes.iter().map(String::as_str).collect();
        PermittedKinds::sound().narrowed_to(&names)
    }
}

/// A policy file, where what is not said is taken from what it extends.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct File {
    name: String,
    #[serde(default = "strict")]
    extends: String,
    cryptography: Option<String>,
    unproven_time: Option<Demand>,
    unstated_time: Option<Demand>,
    pkcs7: Option<Demand>,
    unnamed_certificate: Option<Demand>,
    signature_policy: Option<Demand>,
    rsa_pkcs1_v1_5: Option<Demand>,
    freshness_hours: Option<u32>,
    least_level: Option<Level>,
    permitted_changes: Option<Vec<String>>,
}

fn strict() -> String {
    "strict".to_owned()
}

/// Why a policy file cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyFileError {
    /// Not TOML, or not the keys and values of a policy; says where.
    #[error("{0}")]
    Toml(Box<toml::de::Error>),
    /// It extends something that is not there.
    #[error("it extends {name:?}, which is none of {}", Policy::BUILT_IN.join(", "))]
    Extends {
        /// The name.
        name: String,
    },
    /// A kind of changes that can never be permitted, or that does not exist.
    #[error("{kind:?} is no kind of changes that a policy can permit: {known}")]
    Change {
        /// The kind.
        kind: String,
        /// Those that can be.
        known: String,
    },
    /// The cryptographic policy cannot be used.
    #[error("the cryptographic policy {name:?} cannot be used: {reason}")]
    Cryptography {
        /// Its name.
        name: String,
        /// What was wrong.
        reason: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Policy, PolicyFileError> {
        let find = |name: &str| CryptographicPolicy::built_in(name).ok_or(format!("there is no {name}"));
        Policy::from_toml(text, find)
    }

    #[test]
    fn a_policy_comes_back_from_its_text() {
        for name in Policy::BUILT_IN {
            let policy = Policy::built_in(name).unwrap();
            let again = read(&policy.to_toml()).unwrap();
            assert_eq!(again.name, policy.name);
            assert_eq!(again.demands, policy.demands, "{name}");
            assert_eq!(again.cryptography, policy.cryptography, "{name}");
        }
    }

    #[test]
    fn what_a_file_does_not_say_is_taken_from_what_it_extends() {
        let policy = read(
            "name = \"mine\"\nextends = \"vn-public-duty\"\nunproven-time = \"refuse\"\nleast-level = \"LT\"\n",
        )
        .unwrap();
        assert_eq!((policy.name.as_str(), policy.cryptography.name()), ("mine", "vn-tt15"));
        assert_eq!(policy.demands.unproven_time, Demand::Refuse);
        assert_eq!(policy.demands.rsa_pkcs1_v1_5, Demand::Warn);
        assert_eq!(policy.demands.least_level, Level::Lt);
    }

    #[test]
    fn what_is_wrong_in_a_file_is_said() {
        for (text, said) in [
            ("name = \"x\"\nextends = \"lax\"", "none of strict, etsi, vn-public-duty"),
            ("name = \"x\"\npermitted-changes = [\"page-content\"]", "no kind of changes"),
            ("name = \"x\"\ncryptography = \"mine.toml\"", "there is no mine.toml"),
            ("name = \"x\"\ntrust-everything = true", "trust-everything"),
            ("name = \"x\"\npkcs7 = \"perhaps\"", "perhaps"),
            ("extends = \"strict\"", "name"),
        ] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains(said), "{text}: {error}");
        }
    }
}
