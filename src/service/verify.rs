//! The task of judging a document: inspect, fetch what the judge needs, judge.

use std::{collections::HashSet, sync::Arc};

use crate::{
    base::{Limits, Source, UtcTime},
    fetch::Fetcher,
    pdf::PdfError,
    trust::Anchors,
    validation::{DocumentReport, Evidence, Inspection, Need, Policy},
};

/// By what and with what a document is judged.
#[derive(Clone, Copy)]
pub struct Options<'a> {
    /// What a path may end in.
    pub anchors: &'a Anchors,
    /// What must hold.
    pub policy: &'a Policy,
    /// The moment of the judgement.
    pub moment: UtcTime,
    /// The network door; none: nothing is fetched.
    pub fetcher: Option<&'a Fetcher>,
    /// Bounds for reading.
    pub limits: &'a Limits,
}

/// Why a document could not be judged at all. A bad signature is a verdict, not an error.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// Not a PDF that kyso can read.
    #[error(transparent)]
    Pdf(#[from] PdfError),
}

/// Judges one document. `name` is what the report calls it.
///
/// # Errors
///
/// [`VerifyError::Pdf`] when the file cannot be read as a PDF. What could not be fetched is no error: the
/// verdict says what was missing.
pub fn verify_source(
    name: &str,
    source: Arc<dyn Source>,
    options: &Options<'_>,
) -> Result<DocumentReport, VerifyError> {
    let mut inspection = Inspection::open(source, options.limits)?;
    if let Some(fetcher) = options.fetcher {
        bring(&mut inspection, fetcher, options);
    }
    Ok(inspection.judge(name, options.policy, options.anchors, options.moment))
}

/// Fetches what the judge needs, round by round: what came may show what else is needed.
fn bring(inspection: &mut Inspection, fetcher: &Fetcher, options: &Options<'_>) {
    let mut asked = HashSet::new();
    for _ in 0..ROUNDS {
        let needs: Vec<Need> = inspection
            .needs(options.anchors, options.moment)
            .into_iter()
            .filter(|need| asked.insert(need.clone()))
            .collect();
        if needs.is_empty() {
            return;
        }
        for need in needs {
            match fetch(fetcher, &need) {
                Ok(evidence) => inspection.supply(evidence),
                Err(error) => tracing::info!(%error, ?need, "evidence could not be fetched"),
            }
        }
    }
}

fn fetch(fetcher: &Fetcher, need: &Need) -> Result<Evidence, crate::fetch::FetchError> {
    match need {
        Need::Crl { url } => fetcher.get_crl(url).map(Evidence::Crl),
        Need::Issuer { url } => fetcher.get_certificate(url).map(Evidence::Certificate),
        Need::Ocsp { url, request } => fetcher.post_ocsp(url, request).map(Evidence::Ocsp),
    }
}

/// Rounds of fetching: a chain of three certificates needs at most one for each issuer and one for their status.
const ROUNDS: usize = 6;
