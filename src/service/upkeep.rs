//! The task of upkeep: raising signatures to the level that was asked for once that is possible, and renewing archive
//! time-stamps before they weaken. No key is touched, nobody has to ask.
//!
//! What is due is claimed for a while with one statement, so that several nodes share the work. The work is done on a
//! copy; the result is recorded in one transaction, and only while the claim is held and the document is what was worked
//! on. So a crash at any point leaves the document as it was, with a claim that runs out, or as it should be:
//!
//! | a crash after | leaves | what follows |
//! |---|---|---|
//! | the signature was recorded | a row that is due | the next round raises it |
//! | the claim | a claim that runs out | another round claims it again |
//! | the work, and the file stored | a file that no row names, time-stamps that nobody needs | the same |
//! | the rows were written | nothing: the transaction is undone | the same |
//! | the commit | the new file, and no claim | nothing is due |

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use jiff::SignedDuration;
use serde::Serialize;

use super::{
    Page, PageRequest, Service, ServiceError, SignDocumentError,
    extend::{ExtendError, Extension, Raised},
    issue::{own_document, verified},
    require,
    sign::{Released, SigningDesk},
    time_stamping::{HOURS, Keeper, RENEW_BEFORE, TimeStamping, hour_of},
};
use crate::{
    base::{Id, Password, ProtectedSource, Sha256, UtcTime},
    dispatch::{self, Document, Upkeep, UpkeepTask},
    people::{Caller, Member, Scope},
    signing,
    store::{Claimed, FileSource, Tx},
    validation::{DocumentReport, Level},
};

/// What a signature just made asks of upkeep.
#[derive(Clone, Debug)]
pub struct Lasting {
    /// The level that it shall reach.
    pub asked: Level,
    /// Until when its archive time-stamp can be relied on.
    pub good_until: Option<UtcTime>,
    /// Why the level was not reached at once.
    pub why: Option<String>,
    /// How long after the signature it is raised.
    pub after: Duration,
    /// How long before its end the archive time-stamp is renewed.
    pub renew_before: SignedDuration,
    /// Under which policy on algorithms `good_until` was found.
    pub policy: String,
}

impl Lasting {
    /// What a signature of this desk asks for.
    pub fn of(released: &Released, desk: &SigningDesk) -> Self {
        Self {
            asked: released.asked(),
            good_until: released.good_until(),
            why: released.deferred().map(str::to_owned),
            after: desk.time_stamping.as_ref().map(TimeStamping::grace).unwrap_or_default(),
            renew_before: renew_before(desk),
            policy: policy_mark(desk),
        }
    }
}

/// Writes what a new signature asks for, in the transaction that records it.
pub(super) async fn begin(
    tx: &mut Tx,
    document: Id<Document>,
    report: &DocumentReport,
    lasting: Option<&Lasting>,
    now: UtcTime,
) -> Result<(), ServiceError> {
    let before = tx.upkeep(document).await?;
    let asked = lasting.map(|lasting| lasting.asked).max(before.map(|before| before.asked_level));
    let Some(asked) = asked.filter(|asked| *asked > Level::B) else { return Ok(()) };
    let reached = signing::reached(report).unwrap_or(Level::B);
    let good_until = lasting.and_then(|lasting| lasting.good_until);
    let renew_before = lasting.map_or(RENEW_BEFORE, |lasting| lasting.renew_before);
    let mut upkeep = Upkeep::settled(asked, reached, good_until, now, renew_before);
    if let Some(lasting) = lasting.filter(|_| reached < asked) {
        let after = SignedDuration::try_from(lasting.after).unwrap_or(SignedDuration::MAX);
        upkeep.due_at = Some(now.saturating_add(after).unwrap_or(UtcTime::MAX));
        upkeep.last_error = lasting.why.clone();
    }
    let policy = lasting.map_or("", |lasting| lasting.policy.as_str());
    Ok(tx.set_upkeep(document, &upkeep, policy).await?)
}

/// What is wanted of a document now.
#[derive(Clone, Debug)]
pub struct ExtendOrder {
    /// The level to reach, and to keep from now on.
    pub to: Level,
    /// A fresh archive time-stamp although there is one.
    pub renew: bool,
    /// Opens an encrypted document. It is kept nowhere: what falls due in such a document later has to be asked for
    /// again, with its password.
    pub password: Option<Arc<Password>>,
}

impl ExtendOrder {
    /// All signatures to this level.
    pub fn to(to: Level) -> Self {
        Self { to, renew: false, password: None }
    }
}

/// How upkeep works.
#[derive(Clone)]
pub struct Upkeeping {
    /// Signs nothing: its authorities, anchors, policy and network door are used.
    pub desk: Arc<SigningDesk>,
    /// How long one document may take before another node may try it.
    pub claim: Duration,
}

impl Upkeeping {
    /// The usual time for one document.
    pub fn with(desk: Arc<SigningDesk>) -> Self {
        Self { desk, claim: CLAIM }
    }
}

/// What was done for one document.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Kept {
    /// The document.
    pub document: Id<Document>,
    /// What was to be done.
    pub task: UpkeepTask,
    /// What became of it.
    pub outcome: Outcome,
    /// How the document stands now.
    pub upkeep: Upkeep,
}

/// What became of a piece of upkeep.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// A file was made and recorded.
    Done {
        /// SHA-256 of the file, in hexadecimal.
        sha256: String,
    },
    /// It did not go well; `upkeep` says when it is tried again.
    Failed {
        /// Why.
        why: String,
    },
    /// There was nothing to do after all: the dates were looked at again.
    Looked,
    /// The document changed meanwhile, or another node took over. Nothing was recorded.
    Overtaken,
}

/// A document and its upkeep, for lists.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct KeptDocument {
    /// The document.
    #[schema(value_type = String)]
    pub document: Id<Document>,
    /// What the file is called.
    pub file_name: String,
    /// How its signatures stand.
    #[serde(flatten)]
    pub upkeep: Upkeep,
}

impl Service {
    /// Does everything that is due, one document after the other, the most urgent first.
    ///
    /// # Errors
    ///
    /// When the database or the files fail; what was done before is done. That a document cannot be extended is no
    /// error here: it is told, recorded, and tried again.
    pub async fn upkeep_round(&self, upkeeping: &Upkeeping) -> Result<Vec<Kept>, ServiceError> {
        let mut all = Vec::new();
        while all.len() < MOST_A_ROUND
            && let Some(kept) = self.upkeep_next(upkeeping).await?
        {
            all.push(kept);
        }
        Ok(all)
    }

    /// Does what is due first; `None` when nothing is.
    ///
    /// # Errors
    ///
    /// As [`Service::upkeep_round`].
    pub async fn upkeep_next(&self, upkeeping: &Upkeeping) -> Result<Option<Kept>, ServiceError> {
        let (claim, now) = (self.new_claim(), self.now());
        let policy = policy_mark(&upkeeping.desk);
        let mut tx = self.inner.store.write().await?;
        let claimed = tx.claim_upkeep(&claim, &policy, now, ends(now, upkeeping.claim)).await?;
        tx.commit().await?;
        let Some(claimed) = claimed else { return Ok(None) };
        self.fault("upkeep", "claim");
        let job = Job { claim, claimed, by: None, renew: None, password: None };
        self.keep(upkeeping, job).await.map(|(kept, _)| Some(kept))
    }

    /// Brings the signatures of a document to a level now, or adds a fresh archive time-stamp. Scope `approve` or `seal`:
    /// whoever may sign for the agency. The level is asked for from now on, and kept up.
    ///
    /// Gives the document as it stands, and why it does not have the level yet, where that may come later and signing is
    /// set to defer: the queue tries again.
    ///
    /// # Errors
    ///
    /// When scope or document are missing, the document has no signature, somebody extends it at this moment, or it cannot
    /// be extended.
    pub async fn extend_document(
        &self,
        caller: &Caller,
        id: Id<Document>,
        upkeeping: &Upkeeping,
        order: ExtendOrder,
    ) -> Result<(Document, Option<String>), SignDocumentError> {
        let ExtendOrder { to, renew, password } = order;
        if !caller.may(Scope::Approve) {
            require(caller, Scope::Seal)?;
        }
        let (claim, now) = (self.new_claim(), self.now());
        let mut tx = self.inner.store.write().await.map_err(ServiceError::from)?;
        let document = own_document(&mut tx, caller, id).await?;
        if document.signatures.is_empty() {
            return Err(ServiceError::Unsigned.into());
        }
        let policy = policy_mark(&upkeeping.desk);
        let queued = match document.upkeep.clone() {
            Some(upkeep) if upkeep.asked_level >= to => None,
            Some(upkeep) => Some(Upkeep { asked_level: to, changed_at: now, ..upkeep }),
            // What it has reached is not known here; the work finds out.
            None => Some(Upkeep::settled(to, Level::B, None, now, renew_before(&upkeeping.desk))),
        };
        let ends = ends(now, upkeeping.claim);
        let mut claimed = None;
        if document.upkeep.is_some() {
            claimed = tx.claim_upkeep_of(id, &claim, now, ends).await.map_err(ServiceError::from)?;
            if claimed.is_none() {
                return Err(ServiceError::BeingExtended { id: id.to_string() }.into());
            }
        }
        if let Some(upkeep) = &queued {
            tx.set_upkeep(id, upkeep, &policy).await.map_err(ServiceError::from)?;
            claimed = tx.claim_upkeep_of(id, &claim, now, ends).await.map_err(ServiceError::from)?;
        }
        tx.commit().await.map_err(ServiceError::from)?;
        let Some(mut claimed) = claimed else {
            return Err(ServiceError::BeingExtended { id: id.to_string() }.into());
        };
        claimed.upkeep.asked_level = claimed.upkeep.asked_level.max(to);
        self.fault("extend", "claim");
        let job = Job { claim, claimed, by: Some(caller.member().id), renew: Some(renew), password };
        let (kept, error) = self.keep(upkeeping, job).await?;
        if let Some(error) = error {
            let deferred = error.may_pass() && upkeeping.desk.defers();
            if !deferred {
                // What was refused is not tried again behind the caller's back.
                let mut tx = self.inner.store.write().await.map_err(ServiceError::from)?;
                match &document.upkeep {
                    Some(before) => tx.set_upkeep(id, before, &policy).await,
                    None => tx.drop_upkeep(id).await,
                }
                .map_err(ServiceError::from)?;
                tx.commit().await.map_err(ServiceError::from)?;
                return Err(SignDocumentError::Extend(error));
            }
        }
        let mut tx = self.inner.store.read().await.map_err(ServiceError::from)?;
        let document = own_document(&mut tx, caller, id).await?;
        match kept.outcome {
            Outcome::Overtaken => Err(ServiceError::BeingExtended { id: id.to_string() }.into()),
            Outcome::Failed { why } => Ok((document, Some(why))),
            Outcome::Done { .. } | Outcome::Looked => Ok((document, None)),
        }
    }

    /// The documents of the caller's agency that are kept up, newest first. Scope `read`.
    ///
    /// # Errors
    ///
    /// When the scope is missing or the cursor is none.
    pub async fn kept_documents(
        &self,
        caller: &Caller,
        page: &PageRequest,
    ) -> Result<Page<KeptDocument>, ServiceError> {
        require(caller, Scope::Read)?;
        let (before, limit) = page.read()?;
        let mut tx = self.inner.store.read().await?;
        let rows = tx.upkeeps(caller.agency(), &before, i64::from(limit) + 1).await?;
        let kept = rows.into_iter().map(|(document, file_name, upkeep)| KeptDocument {
            document,
            file_name,
            upkeep,
        });
        Ok(Page::of(kept.collect(), limit, |kept| kept.document.to_string()))
    }

    /// Counts time-stamps in the database: for all nodes, and over restarts. Call it where the runtime is.
    pub fn time_stamp_keeper(&self, runtime: tokio::runtime::Handle) -> Keeper {
        let service = self.clone();
        Arc::new(move |authority, quota, now| {
            let count = async {
                let (hour, since) = (hour_of(now), hour_of(now) - HOURS);
                let mut tx = service.inner.store.write().await?;
                let (this_hour, day) = tx.time_stamps_used(authority, hour, since).await?;
                let allowed = quota.allows(this_hour, day);
                if allowed {
                    tx.count_time_stamp(authority, hour, since).await?;
                    tx.commit().await?;
                }
                Ok::<_, ServiceError>(allowed)
            };
            runtime.block_on(count).map_err(|error| error.to_string())
        })
    }

    /// Works on what was claimed, and records what came of it.
    async fn keep(
        &self,
        upkeeping: &Upkeeping,
        job: Job,
    ) -> Result<(Kept, Option<ExtendError>), ServiceError> {
        let started = Instant::now();
        let id = job.claimed.document;
        let document = self.inner.store.read().await?.document(id).await?;
        let document = document.ok_or_else(|| ServiceError::not_found("document", id))?;
        let task = job.task();
        let source = match self.inner.blobs.get(document.sha256) {
            Ok(source) => source,
            Err(error) => {
                let kept = self.put_off(upkeeping, &job, task, error.to_string(), None).await?;
                tell(&kept, started);
                return Ok((kept, None));
            }
        };
        let folder = tempfile::tempdir()?;
        let staged = folder.path().join("extended.pdf");
        let (desk, output) = (Arc::clone(&upkeeping.desk), staged.clone());
        let extension = job.extension(&desk, self.now());
        let source = ProtectedSource::new(source, job.password.clone());
        let work = move || desk.extend_file(&source, &output, &extension, None);
        let worked = tokio::task::spawn_blocking(work).await.map_err(std::io::Error::other)?;
        self.fault("upkeep", "work");
        let (kept, error) = match worked {
            Ok(extended) => {
                let work = Work { task, document: &document, raised: extended.raised(), staged: &staged };
                match self.record_raised(upkeeping, &job, &work).await {
                    Err(error) if is_refusal(&error) => {
                        (self.put_off(upkeeping, &job, task, error.to_string(), None).await?, None)
                    }
                    recorded => (recorded?, None),
                }
            }
            Err(error) => {
                let not_before = match &error {
                    ExtendError::TooOld(old) => old.next_update,
                    _ => None,
                };
                let why = super::sign::with_causes(&error);
                (self.put_off(upkeeping, &job, task, why, not_before).await?, Some(error))
            }
        };
        tell(&kept, started);
        Ok((kept, error))
    }

    /// Records an extended file and how the document stands with it.
    async fn record_raised(
        &self,
        upkeeping: &Upkeeping,
        job: &Job,
        &Work { task, document, raised, staged }: &Work<'_>,
    ) -> Result<Kept, ServiceError> {
        let id = document.id;
        let asked = job.claimed.upkeep.asked_level;
        let reached = signing::reached(&raised.report).unwrap_or(Level::B);
        let mut report = raised.report.clone();
        report.name.clone_from(&document.file_name);
        let stored = if raised.added.is_empty() {
            None
        } else {
            let stored = self.inner.blobs.put(FileSource::open(staged)?).await?;
            verified(&report, stored.sha256(), document.signatures.len())?;
            self.continues(document.sha256, stored).await?;
            self.fault("upkeep", "blob");
            Some(stored)
        };

        let mut tx = self.inner.store.write().await?;
        let present = tx.document(id).await?.map(|document| document.sha256);
        let overtaken = !tx.holds_claim(id, &job.claim).await? || present != Some(document.sha256);
        if overtaken {
            return self.overtaken(tx, job, task).await;
        }
        let now = self.now();
        let upkeep = Upkeep::settled(asked, reached, raised.good_until, now, renew_before(&upkeeping.desk));
        let outcome = match stored {
            None => Outcome::Looked,
            Some(stored) => {
                tx.insert_blob(stored, now).await?;
                let extension = dispatch::Extension {
                    task,
                    from_sha256: document.sha256,
                    sha256: stored.sha256(),
                    report_sha256: tx.insert_report(&serde_json::to_string(&report)?).await?,
                    level: reached,
                    recorded_by: job.by,
                    recorded_at: now,
                };
                let position = i64::try_from(document.extensions.len()).unwrap_or(i64::MAX);
                tx.insert_extension(id, &extension, position).await?;
                Outcome::Done { sha256: stored.sha256().to_hex() }
            }
        };
        tx.set_upkeep(id, &upkeep, &policy_mark(&upkeeping.desk)).await?;
        self.fault("upkeep", "row");
        tx.commit().await?;
        self.fault("upkeep", "commit");
        Ok(Kept { document: id, task, outcome, upkeep })
    }

    /// Records why it did not go well, and when it is tried again.
    async fn put_off(
        &self,
        upkeeping: &Upkeeping,
        job: &Job,
        task: UpkeepTask,
        why: String,
        not_before: Option<UtcTime>,
    ) -> Result<Kept, ServiceError> {
        let id = job.claimed.document;
        let mut tx = self.inner.store.write().await?;
        if !tx.holds_claim(id, &job.claim).await? {
            return self.overtaken(tx, job, task).await;
        }
        let upkeep = job.claimed.upkeep.clone().failed(why.clone(), self.now(), not_before);
        tx.set_upkeep(id, &upkeep, &policy_mark(&upkeeping.desk)).await?;
        tx.commit().await?;
        Ok(Kept { document: id, task, outcome: Outcome::Failed { why }, upkeep })
    }

    /// Lets go of a document that is not what was worked on any more.
    async fn overtaken(&self, mut tx: Tx, job: &Job, task: UpkeepTask) -> Result<Kept, ServiceError> {
        let id = job.claimed.document;
        let upkeep = tx.upkeep(id).await?.unwrap_or_else(|| job.claimed.upkeep.clone());
        if tx.holds_claim(id, &job.claim).await? {
            tx.set_upkeep(id, &upkeep, "").await?;
            tx.commit().await?;
        }
        Ok(Kept { document: id, task, outcome: Outcome::Overtaken, upkeep })
    }

    fn new_claim(&self) -> String {
        hex::encode(self.inner.chance.bytes::<16>())
    }
}

/// A claim and what is to be done under it.
struct Job {
    claim: String,
    claimed: Claimed,
    /// Who asked; `None` when it was due.
    by: Option<Id<Member>>,
    /// Whether a fresh archive time-stamp is asked for; `None` when the dates decide.
    renew: Option<bool>,
    password: Option<Arc<Password>>,
}

/// What was worked out for a document.
struct Work<'a> {
    task: UpkeepTask,
    document: &'a Document,
    raised: &'a Raised,
    /// Where the file lies, if there is a new one.
    staged: &'a std::path::Path,
}

impl Job {
    fn task(&self) -> UpkeepTask {
        match self.renew {
            Some(true) => UpkeepTask::Renew,
            Some(false) => UpkeepTask::Raise,
            None => self.claimed.upkeep.task(),
        }
    }

    fn extension(&self, desk: &SigningDesk, now: UtcTime) -> Extension {
        let upkeep = &self.claimed.upkeep;
        // What was claimed only because the policy is another one is looked at first.
        let due = upkeep.due_at.is_some_and(|due| due <= now);
        let renew = self.renew.unwrap_or(due && upkeep.task() == UpkeepTask::Renew);
        let grace = desk.time_stamping.as_ref().map(TimeStamping::grace).unwrap_or_default();
        Extension {
            renew,
            after_signature: !grace.is_zero(),
            ..Extension::to(upkeep.asked_level.max(Level::T))
        }
    }
}

/// Whether a result was refused, rather than that it could not be written.
fn is_refusal(error: &ServiceError) -> bool {
    matches!(
        error,
        ServiceError::NotContinued
            | ServiceError::NotVerified { .. }
            | ServiceError::ReportMismatch { .. }
            | ServiceError::SignatureCount { .. }
    )
}

fn ends(now: UtcTime, claim: Duration) -> UtcTime {
    let claim = SignedDuration::try_from(claim).unwrap_or(SignedDuration::MAX);
    now.saturating_add(claim).unwrap_or(UtcTime::MAX)
}

/// The policy on algorithms by which dates are found, in a few letters.
fn policy_mark(desk: &SigningDesk) -> String {
    let text = desk.policy.cryptography.to_toml();
    Sha256::of(text.as_bytes()).to_hex().chars().take(16).collect()
}

fn renew_before(desk: &SigningDesk) -> SignedDuration {
    desk.time_stamping.as_ref().map_or(RENEW_BEFORE, TimeStamping::renew_before)
}

/// Runs rounds until told to stop; a round that fails is told and tried again.
pub async fn keep_up(
    service: Service,
    upkeeping: Upkeeping,
    every: Duration,
    mut stop: tokio::sync::watch::Receiver<bool>,
) {
    loop {
        if let Err(error) = service.upkeep_round(&upkeeping).await {
            tracing::error!(error = super::sign::with_causes(&error), "a round of upkeep failed");
        }
        tokio::select! {
            () = tokio::time::sleep(every) => {}
            _ = stop.changed() => return,
        }
    }
}

fn tell(kept: &Kept, started: Instant) {
    let Kept { document, task, outcome, upkeep } = kept;
    let (task, due) = (task.as_str(), upkeep.due_at.map(|due| due.to_string()));
    let word = match outcome {
        Outcome::Done { sha256 } => {
            let reached = upkeep.reached_level.as_str();
            tracing::info!(%document, task, reached, sha256, next = due, "upkeep done");
            "done"
        }
        Outcome::Failed { why } => {
            tracing::warn!(%document, task, why, tries = upkeep.tries, again = due, "upkeep failed");
            "failed"
        }
        Outcome::Looked => {
            tracing::info!(%document, task, next = due, "nothing to do in upkeep");
            "looked"
        }
        Outcome::Overtaken => {
            tracing::info!(%document, task, "upkeep was overtaken");
            "overtaken"
        }
    };
    metrics::counter!(UPKEEPS, "task" => task, "outcome" => word).increment(1);
    metrics::histogram!(UPKEEP_SECONDS).record(started.elapsed());
}

/// The counter of what upkeep did, by task and outcome.
pub const UPKEEPS: &str = "kyso_upkeep_total";
/// How long each piece took, in seconds.
pub const UPKEEP_SECONDS: &str = "kyso_upkeep_duration_seconds";

/// Slow authorities take minutes, and two time-stamps may be needed.
const CLAIM: Duration = Duration::from_mins(15);

/// Documents of one round; the next round goes on.
const MOST_A_ROUND: usize = 1_000;
