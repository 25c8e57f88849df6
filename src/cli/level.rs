//! Levels and time-stamp authorities, as several verbs ask for them.

use std::time::Duration;

use crate::{
    service::time_stamping::{AuthoritySettings, TimeStamping, Unreached},
    validation::Level,
};

/// A baseline level (ETSI EN 319 142-1 section 6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum LevelName {
    /// The signature alone
    B,
    /// With a time-stamp
    T,
    /// With all certificates and status evidence in the file
    Lt,
    /// With an archive time-stamp over that evidence
    Lta,
}

impl From<LevelName> for Level {
    fn from(name: LevelName) -> Self {
        match name {
            LevelName::B => Self::B,
            LevelName::T => Self::T,
            LevelName::Lt => Self::Lt,
            LevelName::Lta => Self::Lta,
        }
    }
}

/// What is done when no time-stamp authority answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum IfNoTsa {
    /// Nothing is signed
    Refuse,
    /// Sign at the level that can be reached; `kyso extend` raises it later
    Defer,
}

impl From<IfNoTsa> for Unreached {
    fn from(name: IfNoTsa) -> Self {
        match name {
            IfNoTsa::Defer => Self::Defer,
            IfNoTsa::Refuse => Self::Refuse,
        }
    }
}

/// Time-stamp authorities.
#[derive(Debug, clap::Args)]
pub(super) struct TsaArgs {
    /// A time-stamp authority; may be given several times: the next one is asked when one gives nothing
    #[arg(long, value_name = "URL", help_heading = "Level")]
    pub(super) tsa: Vec<String>,
    /// How long one authority may take, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 150, help_heading = "Level",
        value_parser = clap::value_parser!(u64).range(1..=3_600))]
    tsa_timeout: u64,
}

impl TsaArgs {
    /// The authorities; `None` without any.
    pub(super) fn time_stamping(&self) -> Option<TimeStamping> {
        let timeout = Duration::from_secs(self.tsa_timeout);
        let authorities =
            self.tsa.iter().map(|url| AuthoritySettings { timeout, ..AuthoritySettings::new(url) });
        let authorities: Vec<_> = authorities.collect();
        (!authorities.is_empty()).then(|| TimeStamping::of(authorities))
    }
}
