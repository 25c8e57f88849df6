//! A policy as TOML: read, and written again.

use std::{fmt::Write as _, ops::Range};

use jiff::civil::Date;
use serde::Deserialize;
use toml::{Spanned, Value};

use super::{Algorithm, CryptographicPolicy, Rule, Until, Use};
use crate::base::DigestAlgorithm;

/// Why a text was not taken as a cryptographic policy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyError {
    /// It says something that is not understood.
    #[error("line {line} of the cryptographic policy: {field}: {reason}")]
    Field {
        /// Counted from 1.
        line: usize,
        /// As written: `until`.
        field: &'static str,
        /// What is wrong, and what would be right.
        reason: String,
    },
    /// It is no TOML, or has other fields than a policy has.
    #[error("line {line} of the cryptographic policy: {reason}")]
    Syntax {
        /// Counted from 1.
        line: usize,
        /// What the reader met.
        reason: String,
    },
    /// More text than any policy needs.
    #[error("the cryptographic policy is longer than {limit} bytes")]
    TooLong {
        /// How many are taken.
        limit: usize,
    },
}

impl CryptographicPolicy {
    /// Reads a policy.
    ///
    /// # Errors
    ///
    /// When it is too long, no TOML, or has a field, an algorithm or a date that is not understood, or two rules that
    /// speak of the same thing.
    pub fn from_toml(text: &str) -> Result<Self, PolicyError> {
        if text.len() > MAX_BYTES {
            return Err(PolicyError::TooLong { limit: MAX_BYTES });
        }
        let file: File = toml::from_str(text).map_err(|error| PolicyError::Syntax {
            line: line_of(text, error.span().as_ref()),
            reason: error.message().trim().to_owned(),
        })?;
        let named = |name: &str| !name.is_empty() && name.len() <= 64 && !name.chars().any(char::is_control);
        if !named(file.name.get_ref()) {
            let reason = "a name has 1 to 64 letters".to_owned();
            return Err(field(text, &file.name.span(), "name", reason));
        }
        let mut rules = Vec::new();
        for (lines, kind) in
            [(file.digest, Kind::Digest), (file.signature, Kind::Signature), (file.key, Kind::Key)]
        {
            for line in lines {
                let span = line.algorithm.span();
                let rule = line.rule(text, kind)?;
                if rules.iter().any(|other| clash(other, &rule)) {
                    let reason =
                        format!("{} is spoken of twice for the same use and size", rule.algorithm.name());
                    return Err(field(text, &span, "algorithm", reason));
                }
                rules.push(rule);
            }
        }
        Ok(Self { name: file.name.into_inner(), source: file.source, rules })
    }

    /// The policy as [`CryptographicPolicy::from_toml`] reads it, without comments.
    pub fn to_toml(&self) -> String {
        let mut out = String::new();
        let quoted = |text: &str| Value::from(text).to_string();
        // Writing to a string cannot fail.
        let _ = writeln!(out, "name = {}\nsource = {}", quoted(&self.name), quoted(&self.source));
        for rule in &self.rules {
            let table = match rule.algorithm {
                Algorithm::Digest(_) => "digest",
                Algorithm::Scheme(_) => "signature",
                Algorithm::Key(_) => "key",
            };
            let _ = writeln!(out, "\n[[{table}]]\nalgorithm = {}", quoted(rule.algorithm.name()));
            if rule.least_bits > 0 {
                let _ = writeln!(out, "least_bits = {}", rule.least_bits);
            }
            let _ = match rule.until {
                Until::Never => writeln!(out, "until = \"never\""),
                Until::Day(day) => writeln!(out, "until = {day}"),
                Until::Forever => writeln!(out, "until = \"forever\""),
            };
            if !rule.uses.is_empty() {
                let uses: Vec<String> = rule.uses.iter().map(|purpose| quoted(purpose.name())).collect();
                let _ = writeln!(out, "uses = [{}]", uses.join(", "));
            }
        }
        out
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: Spanned<String>,
    source: String,
    #[serde(default)]
    digest: Vec<Line>,
    #[serde(default)]
    signature: Vec<Line>,
    #[serde(default)]
    key: Vec<Line>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    algorithm: Spanned<String>,
    least_bits: Option<Spanned<u32>>,
    until: Spanned<Value>,
    uses: Option<Spanned<Vec<Spanned<String>>>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Digest,
    Signature,
    Key,
}

impl Line {
    fn rule(self, text: &str, kind: Kind) -> Result<Rule, PolicyError> {
        let algorithm = kind.algorithm(self.algorithm.get_ref()).ok_or_else(|| {
            let reason = format!("{:?} is none of {}", self.algorithm.get_ref(), kind.names().join(", "));
            field(text, &self.algorithm.span(), "algorithm", reason)
        })?;
        let least_bits = match &self.least_bits {
            Some(bits) if kind == Kind::Digest => {
                let reason = "a digest has no key".to_owned();
                return Err(field(text, &bits.span(), "least_bits", reason));
            }
            Some(bits) => usize::try_from(*bits.get_ref()).unwrap_or(usize::MAX),
            None => 0,
        };
        let until = until(self.until.get_ref()).ok_or_else(|| {
            let reason = "a day (2030-12-31, without quotes), \"forever\" or \"never\" is wanted".to_owned();
            field(text, &self.until.span(), "until", reason)
        })?;
        let mut uses = Vec::new();
        if let Some(written) = self.uses {
            let span = written.span();
            for one in written.into_inner() {
                let known = Use::NAMES.iter().find(|(name, _)| name == one.get_ref());
                let Some((_, purpose)) = known else {
                    let names = Use::NAMES.map(|(name, _)| name).join(", ");
                    let reason = format!("{:?} is none of {names}", one.get_ref());
                    return Err(field(text, &one.span(), "uses", reason));
                };
                uses.push(*purpose);
            }
            uses.sort_unstable();
            uses.dedup();
            if uses.is_empty() {
                let reason = "an empty list permits nothing; leave it out for all uses".to_owned();
                return Err(field(text, &span, "uses", reason));
            }
        }
        Ok(Rule { algorithm, least_bits, until, uses })
    }
}

impl Kind {
    fn algorithm(self, name: &str) -> Option<Algorithm> {
        match self {
            Self::Digest => DigestAlgorithm::from_name(name).map(Algorithm::Digest),
            Self::Signature => {
                let known = Algorithm::SCHEMES.iter().find(|(known, _)| *known == name);
                known.map(|(_, scheme)| Algorithm::Scheme(*scheme))
            }
            Self::Key => {
                let known = Algorithm::KEYS.iter().find(|(known, _)| *known == name);
                known.map(|(_, key)| Algorithm::Key(*key))
            }
        }
    }

    fn names(self) -> Vec<&'static str> {
        match self {
            Self::Digest => DigestAlgorithm::ALL.iter().map(|digest| digest.name()).collect(),
            Self::Signature => Algorithm::SCHEMES.iter().map(|(name, _)| *name).collect(),
            Self::Key => Algorithm::KEYS.iter().map(|(name, _)| *name).collect(),
        }
    }
}

fn until(value: &Value) -> Option<Until> {
    match value {
        Value::String(word) if word == "forever" => Some(Until::Forever),
        Value::String(word) if word == "never" => Some(Until::Never),
        Value::Datetime(moment) if moment.time.is_none() && moment.offset.is_none() => {
            let day = moment.date?;
            let number = |part: u8| i8::try_from(part).ok();
            let year = i16::try_from(day.year).ok()?;
            Date::new(year, number(day.month)?, number(day.day)?).ok().map(Until::Day)
        }
        _ => None,
    }
}

/// Whether two rules would answer the same question; which one then counts, nobody could tell by reading.
fn clash(one: &Rule, other: &Rule) -> bool {
    let shared = one.uses.is_empty()
        || other.uses.is_empty()
        || one.uses.iter().any(|purpose| other.uses.contains(purpose));
    one.algorithm == other.algorithm && one.least_bits == other.least_bits && shared
}

fn field(text: &str, span: &Range<usize>, field: &'static str, reason: String) -> PolicyError {
    PolicyError::Field { line: line_of(text, Some(span)), field, reason }
}

fn line_of(text: &str, span: Option<&Range<usize>>) -> usize {
    let before = span.and_then(|span| text.get(..span.start)).unwrap_or_default();
    1 + before.matches('\n').count()
}

/// The longest built-in policy has some 3 kB.
const MAX_BYTES: usize = 256 * 1024;
