//! Verifications that go on after their request was answered: a few, for a while, in this process.
//!
//! A job belongs to the API key that sent it; one without a key belongs to whoever knows its identifier, which is 128
//! random bits. Nothing is written down: a restart forgets all jobs, and so does each other node.

use std::{
    collections::HashMap,
    future::Future,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::{sync::watch, task::AbortHandle};

use super::problem::{self, Problem};
use crate::validation::Report;

/// The jobs of this process.
pub(super) struct Jobs {
    held: Arc<Mutex<HashMap<String, Held>>>,
    /// Bytes of files that may wait for their verdict at the same time.
    most_bytes: u64,
}

/// A job as its owner sees it. Cheap to clone.
#[derive(Clone)]
pub(super) struct Job {
    /// 32 hexadecimal characters.
    pub(super) id: String,
    /// How many files there are.
    pub(super) total: usize,
    done: Arc<AtomicUsize>,
    end: watch::Receiver<End>,
}

/// How a job stands.
#[derive(Clone, Debug, Default)]
pub(super) enum End {
    /// Not ended yet.
    #[default]
    Running,
    /// All files have their verdict.
    Done(Arc<Report>),
    /// Something of ours went wrong.
    Failed(Problem),
}

struct Held {
    job: Job,
    owner: Option<String>,
    /// Bytes of files before the end, of the report after it.
    bytes: u64,
    ended: Option<Instant>,
    work: AbortHandle,
}

impl Jobs {
    /// Lets files wait whose bytes come to four of the largest requests.
    pub(super) fn new(upload_bytes: u64) -> Self {
        Self { held: Arc::default(), most_bytes: upload_bytes.saturating_mul(4) }
    }

    /// Begins the work that `judge` makes of a counter, under this identifier.
    ///
    /// `bytes` is how much its files take until it ends.
    ///
    /// # Errors
    ///
    /// `verification.busy` when the caller, or everybody together, has too much under way.
    pub(super) fn begin<W>(
        &self,
        id: String,
        owner: Option<String>,
        (total, bytes): (usize, u64),
        judge: impl FnOnce(Arc<AtomicUsize>) -> W,
    ) -> Result<Job, Problem>
    where
        W: Future<Output = Result<Report, Problem>> + Send + 'static,
    {
        let mut held = self.held();
        forget_old(&mut held, Instant::now());
        let waiting = || held.values().filter(|one| one.ended.is_none());
        // Strangers share what one key may do several times over.
        let most = if owner.is_some() { MOST_OF_A_KEY } else { MOST_OF_STRANGERS };
        let too_many =
            waiting().filter(|one| one.owner == owner).count() >= most || waiting().count() >= MOST;
        if too_many || waiting().map(|one| one.bytes).sum::<u64>().saturating_add(bytes) > self.most_bytes {
            return Err(Problem::new(&problem::VERIFICATION_BUSY).retry_after(RETRY));
        }
        let done = Arc::new(AtomicUsize::new(0));
        let (tell, end) = watch::channel(End::Running);
        let work = judge(Arc::clone(&done));
        let (all, own) = (Arc::clone(&self.held), id.clone());
        let task = tokio::spawn(async move {
            let end = match work.await {
                Ok(report) => End::Done(Arc::new(report)),
                Err(problem) => {
                    tracing::error!(
                        code = problem.entry().code,
                        cause = problem.cause(),
                        "a verification failed"
                    );
                    End::Failed(problem)
                }
            };
            let bytes = match &end {
                End::Done(report) => serde_json::to_vec(&**report).map_or(0, |json| json.len() as u64),
                _ => 0,
            };
            let mut held = lock(&all);
            if let Some(one) = held.get_mut(&own) {
                (one.bytes, one.ended) = (bytes, Some(Instant::now()));
            }
            make_room(&mut held, &own);
            drop(held);
            tell.send_replace(end);
        });
        let job = Job { id: id.clone(), total, done, end };
        let work = task.abort_handle();
        held.insert(id, Held { job: job.clone(), owner, bytes, ended: None, work });
        Ok(job)
    }

    /// The job of this identifier, if it is this owner's.
    pub(super) fn find(&self, id: &str, owner: Option<&str>) -> Option<Job> {
        let mut held = self.held();
        forget_old(&mut held, Instant::now());
        held.get(id).filter(|one| one.owner.as_deref() == owner).map(|one| one.job.clone())
    }

    /// Stops the job of this identifier and forgets it, if it is this owner's; whether it was there.
    pub(super) fn cancel(&self, id: &str, owner: Option<&str>) -> bool {
        let mut held = self.held();
        if held.get(id).is_none_or(|one| one.owner.as_deref() != owner) {
            return false;
        }
        if let Some(one) = held.remove(id) {
            one.work.abort();
        }
        true
    }

    fn held(&self) -> MutexGuard<'_, HashMap<String, Held>> {
        lock(&self.held)
    }
}

impl Job {
    /// How many files have their verdict.
    pub(super) fn done(&self) -> usize {
        self.done.load(Ordering::Relaxed)
    }

    /// How it stands now.
    pub(super) fn end(&self) -> End {
        self.end.borrow().clone()
    }

    /// How it stands when it has ended, or after `patience`.
    pub(super) async fn wait(&mut self, patience: Duration) -> End {
        let ended = self.end.wait_for(|end| !matches!(end, End::Running));
        // Neither a timeout nor a job that was cancelled meanwhile changes what is told: it has not ended.
        let _ = tokio::time::timeout(patience, ended).await.map(|result| result.map(drop));
        self.end()
    }
}

fn lock(held: &Mutex<HashMap<String, Held>>) -> MutexGuard<'_, HashMap<String, Held>> {
    held.lock().unwrap_or_else(PoisonError::into_inner)
}

fn forget_old(held: &mut HashMap<String, Held>, now: Instant) {
    held.retain(|_, one| one.ended.is_none_or(|at| now.saturating_duration_since(at) < LIFE));
}

/// Forgets the oldest answers, but the newest one, until the rest is few and small enough.
fn make_room(held: &mut HashMap<String, Held>, newest: &str) {
    loop {
        let ended = || held.iter().filter(|(_, one)| one.ended.is_some());
        let fits = ended().count() <= MOST_ANSWERS
            && ended().map(|(_, one)| one.bytes).sum::<u64>() <= MOST_ANSWER_BYTES;
        let oldest = ended().filter(|(id, _)| *id != newest).min_by_key(|(_, one)| one.ended);
        match oldest.map(|(id, _)| id.clone()) {
            Some(id) if !fits => held.remove(&id),
            _ => return,
        };
    }
}

/// What `Retry-After` says while work is under way, in seconds.
pub(super) const RETRY: u64 = 2;

/// How long an answer is kept.
const LIFE: Duration = Duration::from_hours(1);
/// Jobs under way: of one key, of all without a key, of all.
const MOST_OF_A_KEY: usize = 4;
const MOST_OF_STRANGERS: usize = 16;
const MOST: usize = 64;
/// Answers kept, and their bytes as JSON.
const MOST_ANSWERS: usize = 256;
const MOST_ANSWER_BYTES: u64 = 64 * 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn none(_: Arc<AtomicUsize>) -> impl Future<Output = Result<Report, Problem>> + Send + 'static {
        std::future::ready(Ok(Report::default()))
    }

    fn never(_: Arc<AtomicUsize>) -> impl Future<Output = Result<Report, Problem>> + Send + 'static {
        std::future::pending()
    }

    #[tokio::test]
    async fn a_job_belongs_to_its_owner() {
        let jobs = Jobs::new(1_000);
        let mut job = jobs.begin("a".to_owned(), Some("key".to_owned()), (1, 10), none).unwrap();
        assert!(matches!(job.wait(Duration::from_secs(5)).await, End::Done(_)));
        assert!(jobs.find("a", Some("key")).is_some());
        assert!(jobs.find("a", Some("other")).is_none() && jobs.find("a", None).is_none());
        assert!(!jobs.cancel("a", None) && jobs.cancel("a", Some("key")) && !jobs.cancel("a", Some("key")));
        jobs.begin("b".to_owned(), None, (1, 10), none).unwrap();
        assert!(jobs.find("b", None).is_some() && jobs.find("b", Some("key")).is_none());
    }

    #[tokio::test]
    async fn jobs_are_bounded_in_number_and_bytes() {
        let jobs = Jobs::new(100);
        let begin = |id: usize, owner: Option<&str>, bytes| {
            jobs.begin(id.to_string(), owner.map(str::to_owned), (1, bytes), never)
        };
        for id in 0..MOST_OF_A_KEY {
            begin(id, Some("key"), 1).unwrap();
        }
        let refused = begin(90, Some("key"), 1).map(drop).unwrap_err();
        assert_eq!((refused.entry().code, refused.retry_seconds()), ("verification.busy", Some(RETRY)));
        assert!(begin(91, Some("another"), 400).is_err(), "too many bytes with those that wait");
        begin(92, Some("another"), 396).unwrap();
        assert!(jobs.cancel("92", Some("another")));
        begin(93, Some("another"), 396).unwrap();
        assert!(jobs.cancel("93", Some("another")));
        for id in 100..100 + MOST_OF_STRANGERS {
            begin(id, None, 1).unwrap();
        }
        assert!(begin(200, None, 1).is_err());
    }

    #[tokio::test]
    async fn answers_are_forgotten_oldest_first_and_after_a_while() {
        let jobs = Jobs::new(1_000);
        for id in 0..=MOST_ANSWERS {
            let mut job = jobs.begin(id.to_string(), None, (1, 1), none).unwrap();
            job.wait(Duration::from_secs(5)).await;
        }
        assert!(jobs.find("0", None).is_none() && jobs.find("1", None).is_some());
        let mut held = jobs.held();
        forget_old(&mut held, Instant::now() + LIFE);
        assert!(held.is_empty());
    }

    #[tokio::test]
    async fn a_cancelled_job_is_no_answer() {
        let jobs = Jobs::new(1_000);
        let mut job = jobs.begin("a".to_owned(), None, (1, 1), never).unwrap();
        assert!(jobs.cancel("a", None));
        assert!(matches!(job.wait(Duration::from_secs(5)).await, End::Running));
    }
}
