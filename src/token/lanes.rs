//! Further sessions, for tokens that make several signatures at the same time: HSMs, and tokens that are software.
//!
//! A lane is a thread with a session of its own on a token that is open and logged in to; PKCS#11 has one login for all
//! sessions of a program (section 5.6). A lane signs with plain keys and does nothing else. Logins, keys that want the
//! PIN each time, and whatever goes wrong are left to the module's thread: a signature that fails in a lane is asked for
//! again there, where a token that is gone is looked for.

use std::{
    mem,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard, TryLockError,
    },
    thread,
    time::{Duration, Instant},
};

use cryptoki::{object::ObjectHandle, session::Session};

use super::{
    KeySelector, TokenKeyKind,
    error::{TokenError, means_gone},
    mechanism::Operation,
    raw::Raw,
    worker::{Progress, Served, Worker},
};

/// The lanes of a token's handle, started as they are needed.
pub(super) struct Lanes {
    /// How many there may be.
    most: usize,
    state: Mutex<State>,
    freed: Condvar,
}

#[derive(Default)]
struct State {
    started: usize,
    idle: Vec<Place>,
    /// Those that did not come back from the driver in time. Whoever does may be used again.
    late: Vec<Place>,
}

/// A lane, and the key that it holds a session for.
struct Place {
    lane: Arc<Worker<Lane>>,
    key: Option<KeySelector>,
}

impl Lanes {
    pub(super) fn new(most: usize) -> Self {
        Self { most, state: Mutex::default(), freed: Condvar::new() }
    }

    pub(super) fn most(&self) -> usize {
        self.most
    }

    /// One signature; `None` where the module's thread has to be asked. `lend` asks it for a session.
    ///
    /// # Errors
    ///
    /// When no lane was free, or the driver did not answer, before `deadline` was over.
    pub(super) fn sign(
        &self,
        key: &KeySelector,
        operation: &Operation,
        deadline: Duration,
        lend: impl FnOnce() -> Result<Option<Loan>, TokenError>,
    ) -> Result<Option<Vec<u8>>, TokenError> {
        let end = Instant::now() + deadline;
        let Some(mut place) = self.take(end, deadline)? else { return Ok(None) };
        let mut fresh = None;
        if place.key.as_ref() != Some(key) {
            match lend() {
                Ok(Some(loan)) => fresh = Some(loan),
                // What is wrong is said there, to the same caller.
                Ok(None) | Err(_) => {
                    self.give_back(place);
                    return Ok(None);
                }
            }
            place.key = Some(key.clone());
        }
        let (operation, left) = (operation.clone(), end.saturating_duration_since(Instant::now()));
        let answer = place.lane.call(left, move |lane| Ok(lane.sign(fresh, &operation)));
        if !matches!(answer, Ok(Some(_))) {
            place.key = None;
        }
        self.give_back(place);
        answer
    }

    /// Ends the sessions, waiting no longer than `patience` for each; not for those that hang.
    pub(super) fn end(&self, patience: Duration) {
        for place in mem::take(&mut self.lock().idle) {
            place.lane.post(patience, |lane| lane.loan = None);
        }
    }

    /// A free lane, or a new one; `None` when there is none and all hang in the driver.
    fn take(&self, end: Instant, deadline: Duration) -> Result<Option<Place>, TokenError> {
        let mut state = self.lock();
        loop {
            if let Some(place) = state.idle.pop() {
                return Ok(Some(place));
            }
            if let Some(back) = state.late.iter().position(|place| !place.lane.is_late()) {
                return Ok(Some(state.late.swap_remove(back)));
            }
            if state.started < self.most {
                let Ok(lane) = Worker::start("lane", Lane::new) else { return Ok(None) };
                state.started += 1;
                return Ok(Some(Place { lane, key: None }));
            }
            if state.late.len() == state.started {
                return Ok(None);
            }
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(TokenError::Timeout { function: "C_Sign".into(), seconds: deadline.as_secs() });
            }
            // Nobody is told when a late one comes back.
            let turn = if state.late.is_empty() { left } else { left.min(LOOK) };
            state = self.freed.wait_timeout(state, turn).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn give_back(&self, place: Place) {
        let mut state = self.lock();
        if place.lane.is_late() {
            state.late.push(place);
            // Whether any is left to wait for has to be seen by everybody who waits.
            self.freed.notify_all();
        } else {
            state.idle.push(place);
            self.freed.notify_one();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How often those who wait look whether a late lane is back.
const LOOK: Duration = Duration::from_millis(50);

/// What a lane's thread keeps.
pub(super) struct Lane {
    progress: Arc<Progress>,
    loan: Option<Loan>,
}

impl Lane {
    fn new(progress: Arc<Progress>) -> Self {
        Self { progress, loan: None }
    }

    /// A signature in the session that is lent, `fresh` or from before; `None` when the module's thread has to look.
    fn sign(&mut self, fresh: Option<Loan>, operation: &Operation) -> Option<Vec<u8>> {
        if fresh.is_some() {
            self.loan = fresh;
        }
        let signature = self.loan.as_mut()?.sign(operation, &self.progress);
        if signature.is_none() {
            self.loan = None;
        }
        signature
    }
}

impl Served for Lane {
    fn after_crash(&mut self) {
        if let Some(loan) = &mut self.loan {
            loan.leave();
        }
        self.loan = None;
    }
}

/// A session for one key, opened by the module's thread.
pub(super) struct Loan {
    /// `None` when it is not to be closed.
    session: Option<Session>,
    object: ObjectHandle,
    kind: TokenKeyKind,
    raw: Arc<Raw>,
    gate: Arc<Gate>,
    round: u64,
}

impl Loan {
    /// `session` was opened on the module of `raw` and `gate`, in its present round.
    pub(super) fn new(
        session: Session,
        (object, kind): (ObjectHandle, TokenKeyKind),
        raw: Arc<Raw>,
        gate: Arc<Gate>,
    ) -> Self {
        let round = gate.round();
        Self { session: Some(session), object, kind, raw, gate, round }
    }

    fn sign(&mut self, operation: &Operation, progress: &Progress) -> Option<Vec<u8>> {
        let open = self.gate.enter(self.round)?;
        let data = operation.input(self.kind).ok()?;
        let session = self.session.as_ref()?;
        let answer = self.raw.sign(session, self.object, operation.mechanism, &data, None, progress);
        drop(open);
        match answer {
            Ok(signature) => operation.output(signature).ok(),
            Err(failure) => {
                tracing::debug!(function = failure.function, code = ?failure.code, "a session is given up");
                if means_gone(failure.code) {
                    self.leave();
                }
                None
            }
        }
    }

    /// Gives the session up without closing it: its number may be another's by now, and closing that one could log
    /// everybody out.
    fn leave(&mut self) {
        mem::forget(self.session.take());
    }
}

impl Drop for Loan {
    fn drop(&mut self) {
        let gate = Arc::clone(&self.gate);
        let open = gate.enter(self.round);
        if open.is_none() {
            self.leave();
        }
        self.session = None;
    }
}

/// Keeps a fresh start of the driver, which ends all sessions, apart from what lanes do in theirs.
///
/// Holds the round: how often the driver was started afresh.
#[derive(Default)]
pub(super) struct Gate(RwLock<u64>);

impl Gate {
    /// While the answer is held, the driver is not started afresh. `None` when it was since `round`.
    fn enter(&self, round: u64) -> Option<RwLockReadGuard<'_, u64>> {
        Some(self.read()).filter(|now| **now == round)
    }

    fn round(&self) -> u64 {
        *self.read()
    }

    /// Begins the next round, with all lanes outside; `None` when one of them stays inside the driver.
    pub(super) fn next_round(&self, patience: Duration) -> Option<RwLockWriteGuard<'_, u64>> {
        let end = Instant::now() + patience;
        loop {
            let mut round = match self.0.try_write() {
                Ok(round) => round,
                Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
                Err(TryLockError::WouldBlock) if Instant::now() < end => {
                    thread::sleep(Duration::from_millis(5));
                    continue;
                }
                Err(TryLockError::WouldBlock) => return None,
            };
            *round += 1;
            return Some(round);
        }
    }

    fn read(&self) -> RwLockReadGuard<'_, u64> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_driver_is_not_started_afresh_while_a_lane_is_inside() {
        let gate = Gate::default();
        let round = gate.round();
        let inside = gate.enter(round).unwrap();
        assert!(gate.next_round(Duration::from_millis(20)).is_none());
        drop(inside);
        drop(gate.next_round(Duration::from_secs(5)).unwrap());
        assert!(gate.enter(round).is_none());
        assert!(gate.enter(gate.round()).is_some());
    }

    #[test]
    fn there_are_no_more_lanes_than_asked_for_and_a_caller_waits_no_longer_than_it_may() {
        let lanes = Lanes::new(2);
        let take = |deadline| lanes.take(Instant::now() + deadline, deadline);
        let first = take(Duration::ZERO).unwrap().unwrap();
        let second = take(Duration::ZERO).unwrap().unwrap();
        assert!(matches!(take(Duration::from_millis(20)), Err(TokenError::Timeout { .. })));
        lanes.give_back(first);
        let again = take(Duration::ZERO).unwrap().unwrap();
        thread::scope(|scope| {
            let waiting = scope.spawn(|| take(Duration::from_secs(30)));
            lanes.give_back(second);
            assert!(waiting.join().unwrap().unwrap().is_some());
        });
        lanes.give_back(again);
    }
}
