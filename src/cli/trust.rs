//! Whom to trust and where to fetch from, as several verbs ask it.

use std::path::PathBuf;

use super::{verify, with_causes};
use crate::{
    base::UtcTime,
    fetch::{Fetcher, PrivateHost},
    service::trust::TrustWish,
    trust::Anchors,
    validation::words::Language,
};

/// Anchors, and the network behind its guard.
#[derive(Debug, clap::Args)]
pub(super) struct TrustArgs {
    /// Trust these certificates: a PEM or DER file, a folder of such files, or a trusted list (XML, ETSI TS 119 612);
    /// may be given several times
    #[arg(long, value_name = "PATH", help_heading = "Trust")]
    pub(super) trust: Vec<PathBuf>,
    /// A certificate of the trusted list's scheme operator, PEM or DER; may be given several times
    #[arg(long, value_name = "CERT", help_heading = "Trust")]
    trust_operator: Vec<PathBuf>,
    /// Trust the sets of this profile (docs/trust.md), named or the default one
    #[arg(long, value_name = "FILE[:NAME]", help_heading = "Trust")]
    trust_profile: Option<String>,
    /// Use only what is in the file: ask no OCSP responder, fetch no revocation list
    #[arg(long, help_heading = "Trust")]
    pub(super) offline: bool,
    /// Also fetch from this host or network of your own (HOST, HOST:PORT or 10.20.0.0/16); may be given several times
    #[arg(long, value_name = "HOST", help_heading = "Trust")]
    allow_host: Vec<PrivateHost>,
    /// Keep what is fetched in this folder; otherwise in kyso of $XDG_CACHE_HOME or ~/.cache
    #[arg(long, value_name = "DIR", help_heading = "Trust")]
    cache: Option<PathBuf>,
    /// Keep nothing on disk of what is fetched, and use nothing that was kept
    #[arg(long, conflicts_with = "cache", help_heading = "Trust")]
    no_cache: bool,
}

impl TrustArgs {
    /// The anchors at `moment`; warnings go to standard error.
    ///
    /// # Errors
    ///
    /// In words for people.
    pub(super) fn anchors(&self, moment: UtcTime) -> Result<Anchors, String> {
        let wish = TrustWish {
            sources: self.trust.clone(),
            operators: self.trust_operator.clone(),
            profile: self.trust_profile.clone(),
        };
        let language = verify::language(None);
        let loaded = wish.load(moment).map_err(|error| error.tell(language))?;
        for warning in loaded.tell_warnings(Language::English) {
            eprintln!("warning: {warning}");
        }
        Ok(loaded.anchors)
    }

    /// The network door with its folder.
    ///
    /// # Errors
    ///
    /// In words for people, when the folder that was named cannot be used.
    pub(super) fn fetcher(&self) -> Result<Fetcher, String> {
        verify::fetcher(&self.allow_host, self.cache.clone(), self.no_cache)
            .map_err(|error| with_causes(&error))
    }
}
