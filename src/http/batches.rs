//! The work on signature batches: this server's share of them.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use futures_util::{StreamExt as _, stream};
use serde_json::{Map, Value};
use tokio::sync::{
    Notify, Semaphore,
    mpsc::{self, Receiver, Sender},
};

use super::{
    App, Problem,
    api::signatures::{Pictures, held_key, wishes_of},
    problem::{self, Entry},
};
use crate::{
    base::{Id, Password},
    dispatch::Document,
    service::{
        BatchItem, BatchOutcome, BatchState, CLAIM, ClaimedBatch, HeldKey, ServiceError, SignatureBatch,
        SigningOrder, StagedSignature,
        signer_check::{self, Cleared},
    },
    signing::Wishes,
};

/// The batches that this server works on.
pub(super) struct Batches {
    /// For the documents of all of them that are signed at the same time.
    places: Semaphore,
    /// No other document is begun.
    pausing: AtomicBool,
    at_work: AtomicUsize,
    ended: Notify,
    /// Passwords of the documents of batches that run. They are written nowhere: another server, or the next start of
    /// this one, does not know them.
    passwords: Mutex<HashMap<Id<SignatureBatch>, Arc<Password>>>,
}

impl Batches {
    /// Beside so many documents of requests.
    pub(super) fn new(parallel_work: usize) -> Self {
        // Places of their own: a request does not wait for a batch. Twice as many, since most of their documents wait for
        // the token or for a time-stamp.
        let places = Semaphore::new(parallel_work.saturating_mul(2).clamp(1, Semaphore::MAX_PERMITS));
        let (pausing, at_work, ended, passwords) = Default::default();
        Self { places, pausing, at_work, ended, passwords }
    }

    fn passwords(&self) -> MutexGuard<'_, HashMap<Id<SignatureBatch>, Arc<Password>>> {
        self.passwords.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps a password for as long as the batch runs.
    pub(super) fn keep_password(&self, id: Id<SignatureBatch>, password: Option<Arc<Password>>) {
        if let Some(password) = password {
            self.passwords().insert(id, password);
        }
    }

    /// The batch does not run any more, or is about to stop.
    pub(super) fn forget_password(&self, id: Id<SignatureBatch>) {
        self.passwords().remove(&id);
    }
}

/// What a batch's signatures say, as it is written down: without the password, but with whether there is one.
pub(super) struct Words {
    pub(super) wishes: Map<String, Value>,
    pub(super) has_password: bool,
}

impl Words {
    pub(super) fn write(&self) -> String {
        let mut words = self.wishes.clone();
        if self.has_password {
            words.insert(HAS_PASSWORD.to_owned(), Value::Bool(true));
        }
        Value::Object(words).to_string()
    }

    fn read(text: &str) -> Result<Self, Problem> {
        let words = serde_json::from_str::<Map<String, Value>>(text);
        let mut wishes = words.map_err(|error| Problem::new(&problem::INTERNAL).caused_by(&error))?;
        let has_password = wishes.remove(HAS_PASSWORD).is_some();
        Ok(Self { wishes, has_password })
    }
}

/// No name of a wish.
const HAS_PASSWORD: &str = "hasPassword";

/// Work on a batch, as long as this is kept.
struct AtWork(App);

impl Drop for AtWork {
    fn drop(&mut self) {
        self.0.batches().at_work.fetch_sub(1, Ordering::AcqRel);
        self.0.batches().ended.notify_waiters();
    }
}

impl App {
    /// Begins no other document of a batch, and waits until those under way have ended, or for `patience`. Another
    /// server, or the next start of this one, goes on.
    pub async fn pause_batches(&self, patience: Duration) {
        let batches = self.batches();
        batches.pausing.store(true, Ordering::Release);
        let all = async {
            loop {
                let ended = batches.ended.notified();
                if batches.at_work.load(Ordering::Acquire) == 0 {
                    return;
                }
                ended.await;
            }
        };
        if tokio::time::timeout(patience, all).await.is_err() {
            tracing::warn!("batches are cut off in the middle of a document");
        }
    }

    /// Goes on with batches that no server works on: those of a server that died, now and from time to time. Call it
    /// inside the runtime, once.
    pub fn resume_batches(&self) {
        let app = self.clone();
        tokio::spawn(async move {
            loop {
                match app.service().unclaimed_batches().await {
                    Ok(batches) => batches.into_iter().for_each(|id| app.work_on_batch(id)),
                    // Closed, or down: a server without its database has other worries.
                    Err(error) => tracing::warn!(%error, "unfinished batches could not be looked for"),
                }
                tokio::time::sleep(LOOK).await;
            }
        });
    }

    /// Asks about the certificate of a key of the server, once for all that it is to sign.
    pub(super) async fn clear(&self, key: &HeldKey, any_usage: bool) -> Result<Cleared, Problem> {
        let (desk, identity) = (Arc::clone(self.desk()), key.signer.identity());
        Ok(self.blocking(move || signer_check::demand(&desk, &identity, any_usage)).await??)
    }

    /// Works on a batch in the background, unless another server does.
    pub(super) fn work_on_batch(&self, id: Id<SignatureBatch>) {
        if self.batches().pausing.load(Ordering::Acquire) {
            return;
        }
        let app = self.clone();
        app.batches().at_work.fetch_add(1, Ordering::AcqRel);
        let at_work = AtWork(app.clone());
        tokio::spawn(async move {
            let _at_work = at_work;
            let worker = hex::encode(app.chance().bytes::<8>());
            match app.service().claim_batch(id, &worker).await {
                Ok(Some(claimed)) => {
                    if let Err(error) = Box::pin(work(&app, claimed, &worker)).await {
                        tracing::error!(batch = %id, %error, "work on a batch broke off; it is taken up again");
                        return;
                    }
                    if app.service().leave_batch(id, &worker).await.unwrap_or(false) {
                        app.work_on_batch(id);
                    }
                }
                Ok(None) => {}
                Err(error) => tracing::warn!(batch = %id, %error, "a batch could not be claimed"),
            }
        });
    }
}

async fn work(app: &App, claimed: ClaimedBatch, worker: &str) -> Result<(), ServiceError> {
    let id = claimed.batch.id;
    let (key, order) = match ready(app, &claimed).await {
        Ok(ready) => ready,
        Err(problem) => {
            tracing::warn!(batch = %id, code = problem.entry().code, cause = problem.cause(), "a batch stops");
            return end(app, id, BatchState::Stopped, Some(problem.entry())).await;
        }
    };
    let waiting: Vec<BatchItem> =
        claimed.batch.items.iter().filter(|item| item.outcome == BatchOutcome::Waiting).cloned().collect();
    let (stop, looked) = (AtomicBool::new(false), Mutex::new(None));
    let line = Arc::new(Line { app: app.clone(), claimed, key, order, stop, looked });
    let shared = Arc::clone(&line);
    let all = async move {
        let (give, take) = mpsc::channel(WINDOW);
        let recording = in_task(Arc::clone(&shared).record_all(take));
        let (signing, recording) = tokio::join!(shared.sign_all(waiting, give), recording);
        Ok::<_, ServiceError>(signing?.or(recording?))
    };
    tokio::pin!(all);
    let stopped_by = tokio::select! {
        stopped_by = &mut all => stopped_by?,
        // The claim is lost: another server thought that this one is dead. What is under way ends.
        () = keep(app, id, worker) => {
            line.stop.store(true, Ordering::Release);
            all.await?
        }
    };
    match stopped_by {
        None if line.stop.load(Ordering::Acquire) => Ok(()),
        None => end(app, id, BatchState::Done, None).await,
        Some(entry) => end(app, id, BatchState::Stopped, Some(entry)).await,
    }
}

/// Ends a batch, or stops it. Its password goes first: whoever resumes it brings another, which has to stay.
async fn end(
    app: &App,
    id: Id<SignatureBatch>,
    state: BatchState,
    by: Option<&'static Entry>,
) -> Result<(), ServiceError> {
    app.batches().forget_password(id);
    app.service().end_batch(id, state, by.map(|entry| entry.code)).await
}

/// The key of a batch, and how it signs each document: its certificate is asked about once for all of them.
async fn ready(app: &App, claimed: &ClaimedBatch) -> Result<(HeldKey, SigningOrder), Problem> {
    let words = Words::read(&claimed.words)?;
    let password = app.batches().passwords().get(&claimed.batch.id).cloned();
    if words.has_password && password.is_none() {
        return Err(Problem::new(&problem::BATCH_PASSWORD));
    }
    let any_usage = words.wishes.get("allowKeyUsage") == Some(&Value::Bool(true));
    let key = key_of(app, claimed, any_usage).await?;
    // As it was looked at when the batch was begun.
    let wishes: Wishes = wishes_of(&words.wishes, Pictures::Kept(&key))?;
    let cleared = Some(app.clear(&key, wishes.any_usage).await?);
    Ok((key, SigningOrder { wishes, password, repair: false, cleared }))
}

/// Renews the claim until it is lost.
async fn keep(app: &App, id: Id<SignatureBatch>, worker: &str) {
    loop {
        tokio::time::sleep(CLAIM / 4).await;
        match app.service().keep_batch(id, worker).await {
            Ok(true) => {}
            Ok(false) => return,
            Err(error) => {
                tracing::warn!(batch = %id, %error, "the claim on a batch could not be renewed");
                return;
            }
        }
    }
}

/// What the documents of a batch share.
struct Line {
    app: App,
    claimed: ClaimedBatch,
    key: HeldKey,
    order: SigningOrder,
    /// No other document is begun.
    stop: AtomicBool,
    /// When it was last seen that the batch is to go on.
    looked: Mutex<Option<Instant>>,
}

/// A document that was signed, by its place in the batch.
type Signed = (i64, StagedSignature);

/// A document that was signed and not recorded, by its place in the batch.
type Failure = (i64, Id<Document>, ServiceError);

/// What stops a whole batch.
type Stopper = Option<&'static Entry>;

impl Line {
    /// Signs documents, a few at a time, and hands them on as they come.
    async fn sign_all(
        self: Arc<Self>,
        items: Vec<BatchItem>,
        give: Sender<Signed>,
    ) -> Result<Stopper, ServiceError> {
        let at_once = SIGNING + self.key.signer.token.sessions() - 1;
        let sign = |item| in_task(Arc::clone(&self).sign(item));
        let mut signing = stream::iter(items).map(sign).buffer_unordered(at_once);
        let mut stopper = None;
        while let Some(result) = signing.next().await {
            // Nothing more is begun by those that are still under way.
            match result.inspect_err(|_| self.stop.store(true, Ordering::Release))? {
                Step::Over => {}
                Step::Stop(entry) => stopper = stopper.or(Some(entry)),
                Step::Go(signed) => {
                    // Nobody takes it any more: recording failed, and says so. Nothing more is signed in vain.
                    if give.send(signed).await.is_err() {
                        self.stop.store(true, Ordering::Release);
                    }
                }
            }
        }
        Ok(stopper)
    }

    /// Signs a document, or notes why it cannot be signed.
    async fn sign(self: Arc<Self>, item: BatchItem) -> Result<Step<Signed>, ServiceError> {
        if self.stop.load(Ordering::Acquire) {
            return Ok(Step::Over);
        }
        let Ok(_place) = self.app.batches().places.acquire().await else {
            return Ok(Step::Stop(&problem::INTERNAL));
        };
        // Whoever stopped the batch while this one waited means this one, too.
        if !self.goes_on().await? {
            self.stop.store(true, Ordering::Release);
            return Ok(Step::Over);
        }
        let (caller, desk) = (&self.claimed.caller, Arc::clone(self.app.desk()));
        let service = self.app.service();
        match service.stage_signature(caller, item.document, desk, &self.key, self.order.clone()).await {
            Ok(staged) => Ok(Step::Go((item.position, staged))),
            Err(error) => self.note(item.position, item.document, Problem::from(error)).await,
        }
    }

    /// Keeps and records what was signed: all that has come together, so that the disk is waited for once and not for
    /// each. Meanwhile the token goes on, and more comes together.
    async fn record_all(self: Arc<Self>, mut take: Receiver<Signed>) -> Result<Stopper, ServiceError> {
        let mut stopper = None;
        loop {
            let window = window(&mut take).await;
            if window.is_empty() {
                return Ok(stopper);
            }
            match self.record(window).await {
                Ok(failed) => {
                    for (position, document, error) in failed {
                        let noted = self.note::<()>(position, document, Problem::from(error)).await?;
                        if let Step::Stop(entry) = noted {
                            stopper = stopper.or(Some(entry));
                        }
                    }
                }
                // Not to be signed again and again by whoever takes the batch up: somebody has to look.
                Err(error) => {
                    let batch = self.claimed.batch.id;
                    tracing::error!(%batch, %error, "signed documents of a batch were not recorded");
                    self.stop.store(true, Ordering::Release);
                    stopper = stopper.or(Some(&problem::INTERNAL));
                }
            }
        }
    }

    /// Keeps the bytes of signed documents, then writes their rows. Gives those that were not recorded, and why.
    async fn record(&self, window: Vec<Signed>) -> Result<Vec<Failure>, ServiceError> {
        let service = self.app.service();
        let (places, staged): (Vec<_>, Vec<_>) = window.into_iter().unzip();
        let documents: HashMap<i64, _> =
            places.iter().copied().zip(staged.iter().map(StagedSignature::document)).collect();
        let (mut kept, mut results) = (Vec::new(), Vec::new());
        for (place, result) in places.into_iter().zip(service.keep_staged(staged).await?) {
            match result {
                Ok(one) => kept.push((place, one)),
                Err(error) => results.push((place, Err(error))),
            }
        }
        results.extend(service.record_of_batch(&self.claimed.caller, self.claimed.batch.id, &kept).await?);
        let failure = |(place, result): (i64, Result<(), ServiceError>)| {
            Some((place, *documents.get(&place)?, result.err()?))
        };
        Ok(results.into_iter().filter_map(failure).collect())
    }

    /// Notes that a document was not signed, unless that stops the whole batch.
    async fn note<T>(
        &self,
        position: i64,
        document: Id<Document>,
        problem: Problem,
    ) -> Result<Step<T>, ServiceError> {
        let (service, id, entry) = (self.app.service(), self.claimed.batch.id, problem.entry());
        tracing::warn!(batch = %id, %document, code = entry.code, cause = problem.cause(),
            "a document of a batch was not signed");
        if STOPPING.contains(&entry.code) {
            self.stop.store(true, Ordering::Release);
            return Ok(Step::Stop(entry));
        }
        // It may bear the signature already, recorded by a server that died before it noted it, or that seemed dead and was
        // quicker than this one: then it has not failed.
        let (outcome, code) = if service.is_signed_by_batch(id, document).await? {
            (BatchOutcome::Signed, None)
        } else {
            (BatchOutcome::Failed, Some(entry.code))
        };
        service.note_batch_item(id, position, outcome, code).await?;
        Ok(Step::Over)
    }

    async fn goes_on(&self) -> Result<bool, ServiceError> {
        if self.app.batches().pausing.load(Ordering::Acquire) || self.stop.load(Ordering::Acquire) {
            return Ok(false);
        }
        // A quick token would have the database asked more often than anybody can press a button.
        let now = Instant::now();
        let lately = |looked: Instant| now.saturating_duration_since(looked) < LOOKED_LATELY;
        if self.looked().is_some_and(lately) {
            return Ok(true);
        }
        let wanted = self.app.service().batch_runs(self.claimed.batch.id).await?;
        if wanted {
            *self.looked() = Some(now);
        }
        Ok(wanted)
    }

    fn looked(&self) -> MutexGuard<'_, Option<Instant>> {
        self.looked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs `work` as a task of its own: one document does not wait while another is prepared, or is recorded.
async fn in_task<T: Send + 'static>(
    work: impl Future<Output = Result<T, ServiceError>> + Send + 'static,
) -> Result<T, ServiceError> {
    tokio::spawn(work).await.map_err(|stopped| ServiceError::Io(std::io::Error::other(stopped)))?
}

/// How it goes on with a document.
enum Step<T> {
    /// To the next station.
    Go(T),
    /// There is nothing more to do about it.
    Over,
    /// No other document would fare better.
    Stop(&'static Entry),
}

/// What is recorded together: one at least, and what comes soon after it. Empty at the end.
async fn window(take: &mut Receiver<Signed>) -> Vec<Signed> {
    let mut window = Vec::new();
    take.recv_many(&mut window, WINDOW).await;
    let end = tokio::time::Instant::now() + GATHERING;
    while !window.is_empty() && window.len() < WINDOW {
        let room = WINDOW - window.len();
        let Ok(1..) = tokio::time::timeout_at(end, take.recv_many(&mut window, room)).await else { break };
    }
    window
}

/// The server's key of the batch; it has to be the one that the batch was begun with.
async fn key_of(app: &App, claimed: &ClaimedBatch, any_usage: bool) -> Result<HeldKey, Problem> {
    let key = held_key(app, &claimed.caller, claimed.batch.signer.clone(), any_usage).await?;
    let same =
        key.role == claimed.batch.role && key.signer.certificate.sha256() == claimed.batch.certificate_sha256;
    if same { Ok(key) } else { Err(Problem::new(&problem::SIGNER_UNKNOWN)) }
}

/// Codes after which no other document would fare better: the document waits, and the batch is stopped.
const STOPPING: [&str; 6] = [
    "service.internal",
    "signer.certificate",
    "signer.failed",
    "signer.locked",
    "signer.unavailable",
    "timestamp.unavailable",
];

/// Documents of one batch being signed: one with the token, the others being prepared or finished, or waiting for a
/// time-stamp. For each further session of the token there is one more.
const SIGNING: usize = 6;

/// Signed copies of one batch that are kept and recorded together at the most. What a crash loses of them, and of those
/// that wait for it, is signed again.
const WINDOW: usize = 64;

/// How long is waited for more to be recorded together.
const GATHERING: Duration = Duration::from_millis(50);

/// For so long it is not looked again whether the owner has stopped the batch.
const LOOKED_LATELY: Duration = Duration::from_millis(50);

/// How often a server looks for batches that another one left.
const LOOK: Duration = Duration::from_secs(15);
