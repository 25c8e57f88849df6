//! A thread that calls a module, and how others wait for it: one owns the module's logins, lanes sign beside it.

use std::{
    collections::HashSet,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
        mpsc::{self, RecvTimeoutError, Sender},
    },
    thread,
    time::Duration,
};

use super::error::TokenError;

/// The callers' side of the thread, which keeps an `S`.
pub(super) struct Worker<S> {
    jobs: Sender<Job<S>>,
    next: AtomicU64,
    progress: Arc<Progress>,
}

/// What such a thread keeps.
pub(super) trait Served: 'static {
    /// After a crash inside a call: whatever the sessions were doing, they are not to be used again.
    fn after_crash(&mut self);
}

struct Job<S> {
    id: u64,
    run: Box<dyn FnOnce(&mut S) + Send>,
}

/// What the thread is doing, so that a caller who gives up can say where it hangs.
#[derive(Default)]
pub(super) struct Progress(Mutex<State>);

#[derive(Default)]
struct State {
    /// The request being served.
    running: Option<u64>,
    /// The PKCS#11 function being called, for the person who waits.
    function: &'static str,
    /// The request being served has outlived its caller's patience.
    late: bool,
    /// Requests whose callers left before they began: never to be begun, above all no login.
    abandoned: HashSet<u64>,
}

impl Progress {
    /// Notes which PKCS#11 function is about to be called.
    pub(super) fn at(&self, function: &'static str) {
        tracing::trace!(function, "calling the token driver");
        self.lock().function = function;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the request may begin.
    fn begin(&self, id: u64) -> bool {
        let mut state = self.lock();
        if state.abandoned.remove(&id) {
            return false;
        }
        state.running = Some(id);
        true
    }

    fn end(&self) {
        let mut state = self.lock();
        state.running = None;
        state.late = false;
        state.function = "";
    }
}

impl<S: Served> Worker<S> {
    /// Starts the thread. `make` builds on it what it keeps.
    pub(super) fn start(
        name: &str,
        make: impl FnOnce(Arc<Progress>) -> S + Send + 'static,
    ) -> Result<Arc<Self>, TokenError> {
        let (jobs, queue) = mpsc::channel::<Job<S>>();
        let progress = Arc::new(Progress::default());
        let noted = Arc::clone(&progress);
        thread::Builder::new()
            .name(format!("token {name}"))
            .spawn(move || {
                let mut kept = make(Arc::clone(&noted));
                for job in queue {
                    if !noted.begin(job.id) {
                        continue;
                    }
                    let run = job.run;
                    if catch_unwind(AssertUnwindSafe(|| run(&mut kept))).is_err() {
                        kept.after_crash();
                    }
                    noted.end();
                }
            })
            .map_err(|error| TokenError::Unusable {
                what: "the token's thread could not be started".into(),
                reason: error.to_string(),
            })?;
        Ok(Arc::new(Self { jobs, next: AtomicU64::new(0), progress }))
    }

    /// Runs `request` on the thread and waits at most `deadline` for the answer.
    ///
    /// A request that has not begun when its caller gives up is never begun. One that hangs inside the driver makes
    /// later requests fail at once, until the driver comes back.
    pub(super) fn call<T: Send + 'static>(
        &self,
        deadline: Duration,
        request: impl FnOnce(&mut S) -> Result<T, TokenError> + Send + 'static,
    ) -> Result<T, TokenError> {
        {
            let state = self.progress.lock();
            if state.late {
                return Err(TokenError::Stuck { function: named(state.function) });
            }
        }
        let (answer, reply) = mpsc::sync_channel(1);
        let id = self.send(move |kept| {
            // Nobody may be waiting any more; then the answer is dropped.
            let _ = answer.send(request(kept));
        })?;
        match reply.recv_timeout(deadline) {
            Ok(result) => result,
            Err(RecvTimeoutError::Disconnected) => Err(self.crashed()),
            Err(RecvTimeoutError::Timeout) => {
                let mut state = self.progress.lock();
                if let Ok(result) = reply.try_recv() {
                    return result;
                }
                if state.running == Some(id) {
                    state.late = true;
                } else {
                    state.abandoned.insert(id);
                }
                Err(TokenError::Timeout { function: named(state.function), seconds: deadline.as_secs() })
            }
        }
    }

    /// Whether the thread hangs in a request that its caller does not wait for any more.
    pub(super) fn is_late(&self) -> bool {
        self.progress.lock().late
    }

    /// Runs `request` on the thread in any case, and waits for it no longer than `patience`.
    pub(super) fn post(&self, patience: Duration, request: impl FnOnce(&mut S) + Send + 'static) {
        let (done, reply) = mpsc::sync_channel(1);
        let sent = self.send(move |kept| {
            request(kept);
            let _ = done.send(());
        });
        if sent.is_ok() && !self.progress.lock().late {
            let _ = reply.recv_timeout(patience);
        }
    }

    fn send(&self, request: impl FnOnce(&mut S) + Send + 'static) -> Result<u64, TokenError> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        self.jobs.send(Job { id, run: Box::new(request) }).map_err(|_| self.crashed())?;
        Ok(id)
    }

    fn crashed(&self) -> TokenError {
        TokenError::Crashed { function: named(self.progress.lock().function) }
    }
}

fn named(function: &str) -> String {
    if function.is_empty() { "the driver".into() } else { function.into() }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;
    use crate::token::{Module, driver::Driver};

    fn worker() -> Arc<Worker<Driver>> {
        Worker::start("test", |progress| Driver::new(Module::Path("/nowhere".into()), progress)).unwrap()
    }

    #[test]
    fn a_hanging_driver_costs_a_typed_error_and_comes_back() {
        let worker = worker();
        let (release, gate) = mpsc::channel::<()>();
        // The thread runs, so that the deadline below is spent in the call and not in starting.
        worker.call(Duration::from_mins(1), |_| Ok(())).unwrap();
        let hung = worker.call(Duration::from_secs(2), move |driver| {
            driver.note("C_Sign");
            let _ = gate.recv();
            Ok(())
        });
        assert!(
            matches!(hung, Err(TokenError::Timeout { ref function, .. }) if function == "C_Sign"),
            "{hung:?}"
        );
        let next = worker.call(Duration::from_secs(5), |_| Ok(()));
        assert!(matches!(next, Err(TokenError::Stuck { ref function }) if function == "C_Sign"), "{next:?}");
        release.send(()).unwrap();
        let mut answer = Err(TokenError::NotLoggedIn);
        for _ in 0..1000 {
            answer = worker.call(Duration::from_secs(5), |_| Ok(7));
            if answer.is_ok() {
                break;
            }
            thread::sleep(Duration::from_millis(10));
        }
        assert_eq!(answer.unwrap(), 7);
    }

    #[test]
    fn a_request_whose_caller_left_is_never_begun() {
        let worker = worker();
        let begun = Arc::new(AtomicUsize::new(0));
        let (release, gate) = mpsc::channel::<()>();
        let (started, running) = mpsc::channel::<()>();
        worker.post(Duration::ZERO, move |_| {
            started.send(()).unwrap();
            let _ = gate.recv();
        });
        running.recv().unwrap();
        let counted = Arc::clone(&begun);
        let left = worker.call(Duration::from_millis(30), move |_| {
            counted.fetch_add(1, Ordering::SeqCst);
            Ok(())
        });
        assert!(matches!(left, Err(TokenError::Timeout { .. })), "{left:?}");
        release.send(()).unwrap();
        worker.call(Duration::from_secs(5), |_| Ok(())).unwrap();
        assert_eq!(begun.load(Ordering::SeqCst), 0);
    }

    #[test]
    fn a_panic_inside_a_call_is_an_error_and_the_thread_lives() {
        let worker = worker();
        let crashed = worker.call::<()>(Duration::from_secs(5), |_| panic!("as a broken driver would"));
        assert!(matches!(crashed, Err(TokenError::Crashed { .. })), "{crashed:?}");
        assert_eq!(worker.call(Duration::from_secs(5), |_| Ok(1)).unwrap(), 1);
    }
}
