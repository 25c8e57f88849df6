//! At most one request at a time for the same thing: whoever wants what is under way waits for it.

use std::{
    collections::HashMap,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::Instant,
};

use crate::base::Sha256;

/// What is under way, by the digest of what was asked for.
///
/// A request runs on a thread of its own, to its own end: a caller who can wait no longer goes away without taking
/// the answer from those who can.
pub(super) struct Flights<T> {
    under_way: Mutex<HashMap<Sha256, Arc<Flight<T>>>>,
}

struct Flight<T> {
    state: Mutex<State<T>>,
    ended: Condvar,
}

enum State<T> {
    UnderWay,
    Landed(T),
    Lost,
}

impl<T> Default for Flights<T> {
    fn default() -> Self {
        Self { under_way: Mutex::default() }
    }
}

impl<T: Clone + Send + 'static> Flights<T> {
    /// What `fly` brings, or what another caller's did that is under way under the same key. `None` when that takes
    /// longer than until `deadline`, or there is no thread for it.
    ///
    /// When `fly` returns, what it brought is to be found elsewhere: it looks there first, since another flight may
    /// have landed between the caller's own look and this call.
    pub(super) fn share(
        self: &Arc<Self>,
        key: Sha256,
        deadline: Instant,
        fly: impl FnOnce() -> T + Send + 'static,
    ) -> Option<T> {
        let (flight, first) = {
            let mut under_way = self.under_way();
            match under_way.get(&key) {
                Some(flight) => (Arc::clone(flight), false),
                None => {
                    let flight =
                        Arc::new(Flight { state: Mutex::new(State::UnderWay), ended: Condvar::new() });
                    under_way.insert(key, Arc::clone(&flight));
                    (flight, true)
                }
            }
        };
        if first {
            // Ends the flight however this goes: with the thread, or with the closure when there is no thread.
            let end = End { flights: Arc::clone(self), flight: Arc::clone(&flight), key };
            let thread = thread::Builder::new().name("kyso-fetch".to_owned());
            let spawned = thread.spawn(move || {
                let brought = fly();
                *end.flight.state() = State::Landed(brought);
                drop(end);
            });
            if let Err(error) = spawned {
                tracing::warn!(%error, "no thread to fetch on");
            }
        }
        flight.wait(deadline)
    }

    fn under_way(&self) -> MutexGuard<'_, HashMap<Sha256, Arc<Flight<T>>>> {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: Clone> Flight<T> {
    fn wait(&self, deadline: Instant) -> Option<T> {
        let left = deadline.saturating_duration_since(Instant::now());
        let waited =
            self.ended.wait_timeout_while(self.state(), left, |state| matches!(state, State::UnderWay));
        let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        match &*state {
            State::Landed(brought) => Some(brought.clone()),
            State::UnderWay | State::Lost => None,
        }
    }
}

impl<T> Flight<T> {
    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes the flight off the list and wakes who waits, also when it panicked.
struct End<T: Clone + Send + 'static> {
    flights: Arc<Flights<T>>,
    flight: Arc<Flight<T>>,
    key: Sha256,
}

impl<T: Clone + Send + 'static> Drop for End<T> {
    fn drop(&mut self) {
        self.flights.under_way().remove(&self.key);
        let mut state = self.flight.state();
        if matches!(*state, State::UnderWay) {
            *state = State::Lost;
        }
        drop(state);
        self.flight.ended.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::{
            atomic::{AtomicUsize, Ordering},
            mpsc,
        },
        time::Duration,
    };

    use super::*;

    const KEY: Sha256 = Sha256([1; 32]);

    fn in_a_minute() -> Instant {
        Instant::now() + Duration::from_mins(1)
    }

    #[test]
    fn all_share_what_one_brings() {
        let (flights, flown) = (Arc::new(Flights::default()), Arc::new(AtomicUsize::new(0)));
        let (release, held) = mpsc::channel::<()>();
        let held = Arc::new(Mutex::new(held));
        thread::scope(|scope| {
            let callers: Vec<_> = (0..20)
                .map(|_| {
                    let (flights, flown, held) = (&flights, Arc::clone(&flown), Arc::clone(&held));
                    scope.spawn(move || {
                        flights.share(KEY, in_a_minute(), move || {
                            let _ = held.lock().unwrap().recv();
                            flown.fetch_add(1, Ordering::SeqCst)
                        })
                    })
                })
                .collect();
            thread::sleep(Duration::from_millis(200));
            let other = flights.share(Sha256([2; 32]), in_a_minute(), || 77);
            assert_eq!(other, Some(77), "other things do not wait");
            drop(release);
            assert!(callers.into_iter().all(|caller| caller.join().unwrap() == Some(0)));
        });
        assert_eq!(flown.load(Ordering::SeqCst), 1);
        assert!(flights.under_way().is_empty());
    }

    #[test]
    fn each_caller_keeps_to_its_own_deadline_and_takes_nothing_from_others() {
        let flights = Arc::new(Flights::default());
        let (release, held) = mpsc::channel::<()>();
        let hasty = flights.share(KEY, Instant::now() + Duration::from_millis(30), move || {
            let _ = held.recv();
            5
        });
        assert_eq!(hasty, None);
        thread::scope(|scope| {
            let patient = scope.spawn(|| flights.share(KEY, in_a_minute(), || 6));
            thread::sleep(Duration::from_millis(50));
            drop(release);
            assert_eq!(patient.join().unwrap(), Some(5), "the flight of the hasty one");
        });
        assert_eq!(flights.share(KEY, in_a_minute(), || 7), Some(7));
    }

    #[test]
    fn a_flight_that_panics_lets_go() {
        let flights: Arc<Flights<u8>> = Arc::default();
        let start = Instant::now();
        assert_eq!(flights.share(KEY, in_a_minute(), || panic!("lost on purpose")), None);
        assert!(start.elapsed() < Duration::from_secs(30));
        assert_eq!(flights.share(KEY, in_a_minute(), || 8), Some(8));
    }
}
