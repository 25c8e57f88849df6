//! Until when which algorithm is trusted, and for what: data, not code (`docs/cryptographic-policy.md`).
//!
//! A policy only says what it knows: whatever no rule names is not trusted. Whether something that is weak now may
//! still be relied on, because it is proven to have existed while it was strong (ETSI EN 319 102-1 section 5.6.2.4), is
//! for the judge, who asks again with the proven time.

use std::fmt;

use jiff::{
    civil::{Date, Time},
    tz::TimeZone,
};

mod text;

pub use text::PolicyError;

use crate::{
    base::{DigestAlgorithm, UtcTime},
    x509::algorithm::{KeyKind, SignatureScheme},
};

/// Which algorithms are trusted until when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CryptographicPolicy {
    name: String,
    source: String,
    rules: Vec<Rule>,
}

/// What an algorithm is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Use {
    /// The signature on a document, and the digest of what it covers.
    Signature,
    /// The issuer's signature on a certificate, and the keys of a path.
    Certificate,
    /// The signature of a time-stamp token.
    TimeStamp,
    /// The signature on a revocation list or an OCSP answer.
    Revocation,
    /// The digest in a time-stamp token of the thing stamped.
    Imprint,
}

/// An algorithm that was not trusted for a use at the time asked about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Weakness {
    /// The algorithm, with the size of its key where one counts: `SHA-1`, `RSA-1024`.
    pub algorithm: String,
    /// The size of the key, in bits; `None` for a digest.
    pub bits: Option<usize>,
    /// What it was used for.
    pub purpose: Use,
    /// The last day (UTC) on which it was trusted; `None` when it never was.
    pub until: Option<Date>,
    /// The name of the policy that says so.
    pub policy: String,
}

impl CryptographicPolicy {
    /// The names of the policies that kyso comes with.
    pub const BUILT_IN: [&'static str; 3] = ["strict", "ts119312", "vn-tt15"];

    /// What kyso applies unless told otherwise.
    pub fn strict() -> Self {
        Self::built_in("strict").unwrap_or_else(|| Self {
            // The file is compiled in and tested; without it, nothing would be trusted.
            name: "strict".to_owned(),
            source: String::new(),
            rules: Vec::new(),
        })
    }

    /// One of [`CryptographicPolicy::BUILT_IN`].
    pub fn built_in(name: &str) -> Option<Self> {
        let text = match name {
            "strict" => include_str!("policies/strict.toml"),
            "ts119312" => include_str!("policies/ts119312.toml"),
            "vn-tt15" => include_str!("policies/vn-tt15.toml"),
            _ => return None,
        };
        Self::from_toml(text).ok()
    }

    /// As reports show it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where its dates come from.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Whether a signature made by `scheme` under a key of this kind is trusted for `purpose` at `at`: each of its
    /// digests, the scheme itself, and the key.
    ///
    /// # Errors
    ///
    /// What is not trusted; of several, the one that stopped being trusted first.
    pub fn permits(
        &self,
        purpose: Use,
        scheme: SignatureScheme,
        key: KeyKind,
        at: UtcTime,
    ) -> Result<(), Weakness> {
        let bits = Some(key.bits());
        let mask = match scheme {
            SignatureScheme::RsaPssMixed { mask, .. } => Some(Algorithm::Digest(mask)),
            _ => None,
        };
        let scheme_rule = Algorithm::of_scheme(scheme);
        let parts = [
            Some((Algorithm::Digest(scheme.digest()), None, scheme.digest().name().to_owned())),
            mask.map(|mask| (mask, None, format!("MGF1 with {}", mask.name()))),
            Some((scheme_rule, bits, format!("{} with {key}", scheme_rule.name()))),
            Some((Algorithm::of_key(key), bits, key.to_string())),
        ];
        let weak = parts
            .into_iter()
            .flatten()
            .filter_map(|(algorithm, bits, name)| self.judge(purpose, algorithm, bits, name, at).err());
        weak.min_by_key(|weakness| weakness.until).map_or(Ok(()), Err)
    }

    /// The same without knowing the key: a rule for keys of some size only is taken to be kept.
    ///
    /// # Errors
    ///
    /// As [`CryptographicPolicy::permits`].
    pub fn permits_scheme(&self, purpose: Use, scheme: SignatureScheme, at: UtcTime) -> Result<(), Weakness> {
        let mask = match scheme {
            SignatureScheme::RsaPssMixed { mask, .. } => Some(mask),
            _ => None,
        };
        let rule = Algorithm::of_scheme(scheme);
        let digests = [Some(scheme.digest()), mask].into_iter().flatten();
        let weak = digests.map(|digest| self.permits_digest(purpose, digest, at));
        let own = self.judge(purpose, rule, Some(usize::MAX), rule.name().to_owned(), at);
        weak.chain([own]).filter_map(Result::err).min_by_key(|weakness| weakness.until).map_or(Ok(()), Err)
    }

    /// Whether a digest by itself is trusted for `purpose` at `at`: the imprint of a time-stamp, the digest of a
    /// document's bytes.
    ///
    /// # Errors
    ///
    /// When it is not.
    pub fn permits_digest(&self, purpose: Use, digest: DigestAlgorithm, at: UtcTime) -> Result<(), Weakness> {
        self.judge(purpose, Algorithm::Digest(digest), None, digest.name().to_owned(), at)
    }

    /// Whether a key by itself is trusted for `purpose` at `at`.
    ///
    /// # Errors
    ///
    /// When it is not.
    pub fn permits_key(&self, purpose: Use, key: KeyKind, at: UtcTime) -> Result<(), Weakness> {
        self.judge(purpose, Algorithm::of_key(key), Some(key.bits()), key.to_string(), at)
    }

    fn judge(
        &self,
        purpose: Use,
        algorithm: Algorithm,
        bits: Option<usize>,
        name: String,
        at: UtcTime,
    ) -> Result<(), Weakness> {
        let rules = self.rules.iter().filter(|rule| {
            rule.algorithm == algorithm
                && bits.unwrap_or(0) >= rule.least_bits
                && (rule.uses.is_empty() || rule.uses.contains(&purpose))
        });
        let until = match rules.map(|rule| rule.until).max() {
            Some(Until::Forever) => return Ok(()),
            Some(Until::Day(day)) if end_of(day).is_none_or(|end| at < end) => return Ok(()),
            Some(Until::Day(day)) => Some(day),
            Some(Until::Never) | None => None,
        };
        Err(Weakness { algorithm: name, bits, purpose, until, policy: self.name.clone() })
    }
}

impl Use {
    /// All of them, as a policy names them.
    const NAMES: [(&'static str, Self); 5] = [
        ("signature", Self::Signature),
        ("certificate", Self::Certificate),
        ("time-stamp", Self::TimeStamp),
        ("revocation", Self::Revocation),
        ("imprint", Self::Imprint),
    ];

    fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(_, purpose)| *purpose == self).map_or("", |(name, _)| name)
    }
}

impl Weakness {
    /// The first moment at which it was no longer trusted; `None` when it never was.
    pub fn since(&self) -> Option<UtcTime> {
        self.until.and_then(end_of)
    }

    /// Whether it was still trusted at `at`: what is proven to have existed then may be relied on
    /// (`CRYPTO_CONSTRAINTS_FAILURE_NO_POE` otherwise).
    pub fn trusted_at(&self, at: UtcTime) -> bool {
        self.since().is_some_and(|since| at < since)
    }
}

impl fmt::Display for Weakness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { algorithm, purpose, policy, .. } = self;
        let purpose = match purpose {
            Use::Signature => "signatures",
            Use::Certificate => "certificates",
            Use::TimeStamp => "time-stamps",
            Use::Revocation => "revocation evidence",
            Use::Imprint => "imprints of time-stamps",
        };
        match self.until {
            Some(day) => {
                write!(f, "{algorithm} was trusted for {purpose} until {day} only (policy {policy})")
            }
            None => write!(f, "{algorithm} is not trusted for {purpose} (policy {policy})"),
        }
    }
}

impl std::error::Error for Weakness {}

/// One line of a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Rule {
    algorithm: Algorithm,
    /// Keys from this size on; 0 for a digest.
    least_bits: usize,
    until: Until,
    /// Empty for all; sorted, each once.
    uses: Vec<Use>,
}

/// What a rule speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Algorithm {
    Digest(DigestAlgorithm),
    Scheme(Scheme),
    Key(KeyFamily),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scheme {
    Ecdsa,
    Ed25519,
    RsaPkcs1,
    RsaPss,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum KeyFamily {
    Brainpool,
    Ec,
    Ed25519,
    Rsa,
}

/// How long something is trusted; later is greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Until {
    Never,
    /// To the end of this day, in UTC.
    Day(Date),
    Forever,
}

impl Algorithm {
    const SCHEMES: [(&'static str, Scheme); 4] = [
        ("ECDSA", Scheme::Ecdsa),
        ("Ed25519", Scheme::Ed25519),
        ("RSASSA-PKCS1-v1_5", Scheme::RsaPkcs1),
        ("RSASSA-PSS", Scheme::RsaPss),
    ];

    const KEYS: [(&'static str, KeyFamily); 4] = [
        ("brainpool", KeyFamily::Brainpool),
        ("EC", KeyFamily::Ec),
        ("Ed25519", KeyFamily::Ed25519),
        ("RSA", KeyFamily::Rsa),
    ];

    fn of_scheme(scheme: SignatureScheme) -> Self {
        Self::Scheme(match scheme {
            SignatureScheme::Ecdsa(_) => Scheme::Ecdsa,
            SignatureScheme::Ed25519 => Scheme::Ed25519,
            SignatureScheme::RsaPkcs1(_) => Scheme::RsaPkcs1,
            SignatureScheme::RsaPss { .. } | SignatureScheme::RsaPssMixed { .. } => Scheme::RsaPss,
        })
    }

    fn of_key(key: KeyKind) -> Self {
        Self::Key(match key {
            KeyKind::Brainpool { .. } => KeyFamily::Brainpool,
            KeyKind::Ec { .. } => KeyFamily::Ec,
            KeyKind::Ed25519 => KeyFamily::Ed25519,
            KeyKind::Rsa { .. } => KeyFamily::Rsa,
        })
    }

    /// As a policy names it.
    fn name(self) -> &'static str {
        match self {
            Self::Digest(digest) => digest.name(),
            Self::Scheme(scheme) => {
                Self::SCHEMES.iter().find(|(_, other)| *other == scheme).map_or("", |(name, _)| name)
            }
            Self::Key(key) => Self::KEYS.iter().find(|(_, other)| *other == key).map_or("", |(name, _)| name),
        }
    }
}

/// The first moment of the day after; `None` behind the end of the calendar.
fn end_of(day: Date) -> Option<UtcTime> {
    let next = day.tomorrow().ok()?;
    TimeZone::UTC.to_timestamp(next.to_datetime(Time::midnight())).ok()
}
