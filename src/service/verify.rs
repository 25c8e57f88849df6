//! Verify: ask the judge what it needs, bring what can be brought, let it judge.

use std::{
    collections::HashSet,
    sync::Arc,
    time::{Duration, Instant},
};

use crate::{
    base::{Digest, Limits, Source, UtcTime},
    fetch::{FetchError, Fetcher},
    pdf::PdfError,
    trust::Anchors,
    validation::{DocumentReport, Evidence, Inspection, Message, Need, Policy, Record, words::UNREADABLE},
    x509::certificates_from_pem,
};

/// What a verdict rests on, besides the document.
#[derive(Clone, Copy, Debug)]
pub struct Options<'a> {
    /// Whom to trust.
    pub anchors: &'a Anchors,
    /// What must hold.
    pub policy: &'a Policy,
    /// The moment for which the answer is given: the present, or an earlier one to replay.
    pub moment: UtcTime,
    /// Brings missing certificates and status evidence; `None` to stay offline.
    pub fetcher: Option<&'a Fetcher>,
    /// How much of a hostile file is read.
    pub limits: &'a Limits,
}

/// The verdict on a document. Blocks on the file and, with a fetcher, on the network: run it on a blocking thread.
///
/// # Errors
///
/// When it is not a PDF that can be read. A bad signature is a verdict, not an error.
pub fn verify_source(
    name: &str,
    source: Arc<dyn Source>,
    options: &Options<'_>,
) -> Result<DocumentReport, VerifyError> {
    Ok(judged(Inspection::open(source, options.limits)?, name, options))
}

/// The verdict on a detached SignedData whose content the caller digested. Blocks on the network as
/// [`verify_source`] does.
pub fn verify_digests(name: &str, cms: &[u8], digests: &[Digest], options: &Options<'_>) -> DocumentReport {
    judged(Inspection::of_digests(cms, digests, options.limits), name, options)
}

fn judged(mut inspection: Inspection, name: &str, options: &Options<'_>) -> DocumentReport {
    if let Some(fetcher) = options.fetcher {
        bring(&mut inspection, fetcher, options);
    }
    inspection.judge(name, options.policy, options.anchors, options.moment)
}

/// The same verdict, with all that it rests on.
///
/// # Errors
///
/// As [`verify_source`].
pub fn verify_and_record(
    name: &str,
    source: Arc<dyn Source>,
    options: &Options<'_>,
) -> Result<Record, VerifyError> {
    let mut inspection = Inspection::open(source, options.limits)?;
    if let Some(fetcher) = options.fetcher {
        bring(&mut inspection, fetcher, options);
    }
    Ok(inspection.record(name, options.policy, options.anchors, options.moment))
}

/// Why there is no verdict.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// The file cannot be read as a PDF.
    #[error(transparent)]
    Pdf(#[from] PdfError),
}

impl VerifyError {
    /// The key and the words that reports show.
    pub fn message(&self) -> Message {
        let Self::Pdf(error) = self;
        let key = match error {
            PdfError::Encrypted => "file.encrypted",
            PdfError::Hybrid => "file.hybrid",
            PdfError::Io(_) => "file.io",
            PdfError::Limit { .. } => "file.limit",
            _ => "file.damaged",
        };
        debug_assert!(UNREADABLE.iter().any(|(known, ..)| *known == key), "{key} has no words");
        let message = match error {
            PdfError::Io(cause) => format!("{error}: {cause}"),
            other => other.to_string(),
        };
        Message { key: key.to_owned(), message }
    }
}

/// Rounds of asking and bringing. Lists are asked for only where OCSP did not settle it.
fn bring(inspection: &mut Inspection, fetcher: &Fetcher, options: &Options<'_>) {
    let end = Instant::now() + PATIENCE;
    let mut asked: HashSet<Need> = HashSet::new();
    for _ in 0..MAX_ROUNDS {
        if Instant::now() >= end {
            return;
        }
        let mut needs = inspection.needs(options.policy, options.anchors, options.moment);
        needs.retain(|need| !asked.contains(need));
        let quick = needs.iter().any(|need| !matches!(need, Need::Crl { .. }));
        needs.retain(|need| !quick || !matches!(need, Need::Crl { .. }));
        if needs.is_empty() {
            return;
        }
        for need in needs {
            if asked.len() >= MAX_FETCHES || Instant::now() >= end {
                tracing::info!(asked = asked.len(), "stopped bringing evidence: there is too much of it");
                return;
            }
            match fetch(fetcher, &need) {
                Ok(evidence) => evidence.into_iter().for_each(|one| inspection.supply(one)),
                Err(error) => tracing::info!(%error, "evidence could not be brought"),
            }
            asked.insert(need);
        }
    }
}

fn fetch(fetcher: &Fetcher, need: &Need) -> Result<Vec<Evidence>, FetchError> {
    Ok(match need {
        Need::Crl { url } => vec![Evidence::Crl(fetcher.get_crl(url)?)],
        Need::Issuer { url } => {
            // RFC 5280 section 4.2.2.1 wants DER, but PEM is served as well.
            let bytes = fetcher.get_certificate(url)?;
            let certificates = certificates_from_pem(&bytes).unwrap_or_default();
            let certificates = certificates.into_iter().take(MAX_CERTIFICATES);
            certificates.map(|certificate| Evidence::Certificate(certificate.der().to_vec())).collect()
        }
        Need::Ocsp { url, request } => vec![Evidence::Ocsp(fetcher.post_ocsp(url, request)?)],
    })
}

/// A path of six certificates settles in so many rounds, its issuers being found one a round.
const MAX_ROUNDS: usize = 8;

/// Addresses come from strangers: how many are gone to for one document.
const MAX_FETCHES: usize = 32;

/// How long is spent on bringing evidence for one document.
const PATIENCE: Duration = Duration::from_mins(1);

/// How many certificates of one address are taken.
const MAX_CERTIFICATES: usize = 4;
