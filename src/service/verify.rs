//! Verify: ask the judge what it needs, bring what can be brought, let it judge.

use std::{
    collections::HashMap,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use crate::{
    asic::AsicError,
    base::{Digest, Limits, Source, UtcTime},
    fetch::{Errand, Fetcher, Wanted, certificates},
    pdf::PdfError,
    trust::{Anchors, Known},
    validation::{
        Detached, DigestedFile, DocumentReport, Evidence, Inspection, Message, Need, OpenError, Policy,
        Record, words::UNREADABLE,
    },
    xml::XmlError,
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

/// The verdict on a signed file that holds what was signed. Blocks on the file and, with a fetcher, on the network: run
/// it on a blocking thread.
///
/// # Errors
///
/// When it is nothing that can be read. A bad signature is a verdict, not an error.
pub fn verify_source(
    name: &str,
    source: Arc<dyn Source>,
    options: &Options<'_>,
) -> Result<DocumentReport, VerifyError> {
    verify_signed(name, source, &[], options)
}

/// The verdict on a signed file of any kind, with the files that it is about if they lie apart from it. Blocks as
/// [`verify_source`] does.
///
/// # Errors
///
/// As [`verify_source`]; and when `detached` does not go with the file.
pub fn verify_signed(
    name: &str,
    source: Arc<dyn Source>,
    detached: &[Detached],
    options: &Options<'_>,
) -> Result<DocumentReport, VerifyError> {
    Ok(inspect_signed(name, source, detached, options)?.1)
}

/// As [`verify_signed`], with the inspection that the verdict came from and all that was brought for it.
///
/// # Errors
///
/// As [`verify_signed`].
pub fn inspect_signed(
    name: &str,
    source: Arc<dyn Source>,
    detached: &[Detached],
    options: &Options<'_>,
) -> Result<(Inspection, DocumentReport), VerifyError> {
    let mut inspection = Inspection::open_any(source, detached, options.limits)?;
    let report = judged(&mut inspection, name, options);
    Ok((inspection, report))
}

/// As [`verify_source`], for one of many files whose certificates have the same issuers.
///
/// # Errors
///
/// As [`verify_source`].
pub fn verify_one_of_many(
    name: &str,
    source: Arc<dyn Source>,
    options: &Options<'_>,
    known: &Arc<Known>,
) -> Result<DocumentReport, VerifyError> {
    let mut inspection = Inspection::open_any(source, &[], options.limits)?.knowing(known);
    Ok(judged(&mut inspection, name, options))
}

/// The verdict on a detached SignedData whose content the caller digested. Blocks on the network as
/// [`verify_source`] does.
pub fn verify_digests(name: &str, cms: &[u8], digests: &[Digest], options: &Options<'_>) -> DocumentReport {
    judged(&mut Inspection::of_digests(cms, digests, options.limits), name, options)
}

/// The verdict on XML signatures about files that stayed with the caller, by their digests. Blocks on the network as
/// [`verify_source`] does.
///
/// # Errors
///
/// When it is no XML that can be read.
pub fn verify_xml_digests(
    name: &str,
    xml: &[u8],
    files: &[DigestedFile],
    options: &Options<'_>,
) -> Result<DocumentReport, VerifyError> {
    Ok(judged(&mut Inspection::of_xml_digests(xml, files, options.limits)?, name, options))
}

fn judged(inspection: &mut Inspection, name: &str, options: &Options<'_>) -> DocumentReport {
    let last = options.fetcher.and_then(|fetcher| bring_for(name, inspection, fetcher, options, Age::Kept));
    last.unwrap_or_else(|| inspection.judge(name, options.policy, options.anchors, options.moment))
}

/// The same verdict, with all that it rests on.
///
/// # Errors
///
/// As [`verify_signed`].
pub fn verify_and_record(
    name: &str,
    source: Arc<dyn Source>,
    detached: &[Detached],
    options: &Options<'_>,
) -> Result<Record, VerifyError> {
    let mut inspection = Inspection::open_any(source, detached, options.limits)?;
    if let Some(fetcher) = options.fetcher {
        bring(&mut inspection, fetcher, options, Age::Kept);
    }
    Ok(inspection.record(name, options.policy, options.anchors, options.moment))
}

/// Why there is no verdict.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// The file cannot be read.
    #[error(transparent)]
    Open(#[from] OpenError),
}

impl From<PdfError> for VerifyError {
    fn from(error: PdfError) -> Self {
        Self::Open(error.into())
    }
}

impl VerifyError {
    /// The key and the words that reports show.
    pub fn message(&self) -> Message {
        let Self::Open(error) = self;
        let key = match error {
            OpenError::Asic(AsicError::Encrypted { .. }) => "file.encrypted",
            OpenError::Asic(AsicError::Io(_)) => "file.io",
            OpenError::Limit { .. }
            | OpenError::Asic(AsicError::Limit { .. })
            | OpenError::Pdf(PdfError::Limit { .. })
            | OpenError::Xml(XmlError::Limit { .. }) => "file.limit",
            OpenError::NotApart { .. } | OpenError::SeveralDetached { .. } => "file.detached",
            OpenError::Pdf(PdfError::Encrypted) => "file.encrypted",
            OpenError::Pdf(PdfError::Hybrid) => "file.hybrid",
            OpenError::Pdf(PdfError::UnsupportedEncryption { .. }) => "file.encryption",
            OpenError::Pdf(PdfError::WrongPassword) => "file.password",
            OpenError::Pdf(PdfError::Io(_)) | OpenError::Read(_) => "file.io",
            _ => "file.damaged",
        };
        debug_assert!(UNREADABLE.iter().any(|(known, ..)| *known == key), "{key} has no words");
        let message = match error {
            OpenError::Pdf(PdfError::Io(cause))
            | OpenError::Read(cause)
            | OpenError::Asic(AsicError::Io(cause)) => format!("{error}: {cause}"),
            other => other.to_string(),
        };
        Message { key: key.to_owned(), message }
    }
}

/// Rounds of asking and bringing. Lists are asked for only where OCSP did not settle it; what had been kept and does
/// not settle it is asked of the network, once; or at once, as `age` says.
pub(super) fn bring(inspection: &mut Inspection, fetcher: &Fetcher, options: &Options<'_>, age: Age) {
    let _ = bring_for("", inspection, fetcher, options, age);
}

/// What is taken for evidence before the network is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Age {
    /// What was kept, while it is fresh.
    Kept,
    /// What came within the last minute.
    New,
    /// What came since this moment.
    Since(UtcTime),
}

/// As [`bring`]; gives the verdict of the last round, if nothing more came after it.
fn bring_for(
    name: &str,
    inspection: &mut Inspection,
    fetcher: &Fetcher,
    options: &Options<'_>,
    age: Age,
) -> Option<DocumentReport> {
    let end = Instant::now() + PATIENCE;
    let mut asked: HashMap<Need, Asked> = HashMap::new();
    let (mut calls, mut bytes) = (0, 0);
    for _ in 0..MAX_ROUNDS {
        if Instant::now() >= end {
            return None;
        }
        let (report, mut needs) =
            inspection.judge_and_ask(name, options.policy, options.anchors, options.moment);
        needs.retain(|need| asked.get(need) != Some(&Asked::Network));
        let quick = needs.iter().any(|need| !matches!(need, Need::Crl { .. }));
        needs.retain(|need| !quick || !matches!(need, Need::Crl { .. }));
        if needs.is_empty() {
            return Some(report);
        }
        if calls >= MAX_FETCHES || bytes >= MAX_BYTES {
            tracing::info!(calls, bytes, "stopped bringing evidence: there is too much of it");
            return Some(report);
        }
        // Those left out now are asked for in the next round, if they are still of use.
        needs.truncate(AT_ONCE.min(MAX_FETCHES - calls));
        calls += needs.len();
        let errands = needs.into_iter().map(|need| {
            let anew = age != Age::Kept || asked.get(&need) == Some(&Asked::Cache);
            let after = match age {
                Age::Since(moment) => Some(moment),
                Age::Kept | Age::New => None,
            };
            (need, Errand { until: Some(end), moment: Some(options.moment), anew, after })
        });
        for (need, errand, brought) in side_by_side(fetcher, errands.collect()) {
            let kept = match brought {
                Ok(brought) => {
                    bytes += brought.bytes.len();
                    for one in evidence(&need, brought.bytes) {
                        inspection.supply(one);
                    }
                    brought.kept && !errand.anew
                }
                Err(error) => {
                    tracing::info!(%error, "evidence could not be brought");
                    false
                }
            };
            asked.insert(need, if kept { Asked::Cache } else { Asked::Network });
        }
    }
    None
}

/// Runs errands at the same time; what they brought comes in their order, however long each took.
fn side_by_side(fetcher: &Fetcher, errands: Vec<(Need, Errand)>) -> Vec<(Need, Errand, Answer)> {
    // What is kept needs no thread.
    let kept = errands.iter().map(|(need, errand)| fetcher.bring_kept(&wanted(need), errand).map(Ok));
    let mut brought: Vec<Option<Answer>> = kept.collect();
    let run = |(need, errand): &(Need, Errand)| fetcher.bring(&wanted(need), errand);
    thread::scope(|scope| {
        let mut missing = errands.iter().zip(&mut brought).filter(|(_, brought)| brought.is_none());
        // The first of them needs no thread of its own either.
        let Some((first, place)) = missing.next() else { return };
        let others: Vec<_> = missing
            .map(|(errand, place)| {
                let thread = thread::Builder::new().name("kyso-bring".to_owned());
                (errand, place, thread.spawn_scoped(scope, move || run(errand)).ok())
            })
            .collect();
        *place = Some(run(first));
        // Without a thread, or when one fell over, here.
        for (errand, place, thread) in others {
            *place = thread.and_then(|thread| thread.join().ok()).or_else(|| Some(run(errand)));
        }
    });
    let brought = errands.into_iter().zip(brought);
    brought.filter_map(|((need, errand), brought)| Some((need, errand, brought?))).collect()
}

type Answer = Result<crate::fetch::Brought, crate::fetch::FetchError>;

/// Who answered last.
#[derive(PartialEq, Eq)]
enum Asked {
    /// What had been kept; the network may know more.
    Cache,
    /// The network, or nobody.
    Network,
}

fn wanted(need: &Need) -> Wanted {
    match need {
        Need::Crl { url } => Wanted::Crl { url: url.clone() },
        Need::Issuer { url } => Wanted::Issuer { url: url.clone() },
        Need::Ocsp { url, request } => Wanted::Ocsp { url: url.clone(), request: request.clone() },
    }
}

fn evidence(need: &Need, bytes: Vec<u8>) -> Vec<Evidence> {
    match need {
        Need::Crl { .. } => vec![Evidence::Crl(bytes)],
        Need::Issuer { .. } => {
            let found = certificates(&bytes).into_iter().take(MAX_CERTIFICATES);
            found.map(|certificate| Evidence::Certificate(certificate.der().to_vec())).collect()
        }
        Need::Ocsp { .. } => vec![Evidence::Ocsp(bytes)],
    }
}

/// A path of six certificates settles in eight rounds, its issuers being found one a round; more where everything that
/// had been kept is asked for anew, and where there is too much for one round.
const MAX_ROUNDS: usize = 24;

/// Addresses come from strangers: how many answers are taken for one document, kept ones included.
const MAX_FETCHES: usize = 32;

/// Once so many bytes were brought for one document, nothing more is: they stay in memory until it is judged. Some of
/// the largest national lists.
const MAX_BYTES: usize = 48 * 1024 * 1024;

/// Most documents need less at a time, each of another host.
const AT_ONCE: usize = 4;

/// How long is spent on bringing evidence for one document.
const PATIENCE: Duration = Duration::from_mins(1);

/// How many certificates of one address are taken: the issuer, rekeyed and cross-signed, and what comes with it.
const MAX_CERTIFICATES: usize = 8;
