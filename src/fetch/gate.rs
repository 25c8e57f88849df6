//! So many at once to the same host, the others wait.

use std::{
    collections::BTreeMap,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

/// Lets a number of callers through at a time, counted for each host.
pub(super) struct Gate {
    places: usize,
    /// Hosts with somebody inside, and how many.
    inside: Mutex<BTreeMap<String, usize>>,
    freed: Condvar,
}

/// A place behind the gate, given back when dropped.
pub(super) struct Pass<'a> {
    gate: &'a Gate,
    host: String,
}

impl Gate {
    pub(super) fn new(places: usize) -> Self {
        Self { places, inside: Mutex::default(), freed: Condvar::new() }
    }

    /// Waits for a place at `host`; `None` when there is none by `deadline`.
    pub(super) fn enter(&self, host: &str, deadline: Instant) -> Option<Pass<'_>> {
        let left = deadline.saturating_duration_since(Instant::now());
        let full = |inside: &mut BTreeMap<String, usize>| {
            inside.get(host).is_some_and(|count| *count >= self.places)
        };
        let waited = self.freed.wait_timeout_while(self.inside(), left, full);
        let (mut inside, _) = waited.unwrap_or_else(PoisonError::into_inner);
        if full(&mut inside) {
            return None;
        }
        *inside.entry(host.to_owned()).or_default() += 1;
        Some(Pass { gate: self, host: host.to_owned() })
    }

    fn inside(&self) -> MutexGuard<'_, BTreeMap<String, usize>> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        let mut inside = self.gate.inside();
        match inside.get_mut(&self.host) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(inside.remove(&self.host)),
        }
        // All of them: whoever is woken may be waiting for another host.
        self.gate.freed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::{thread, time::Duration};

    use super::*;

    #[test]
    fn who_finds_no_place_waits_until_one_is_free_or_time_is_up() {
        let gate = Gate::new(2);
        let soon = || Instant::now() + Duration::from_millis(50);
        let (first, second) = (gate.enter("a", soon()), gate.enter("a", soon()));
        assert!(first.is_some() && second.is_some());
        assert!(gate.enter("a", soon()).is_none());
        let elsewhere = gate.enter("b", soon());
        assert!(elsewhere.is_some(), "hosts do not wait for each other");
        thread::scope(|scope| {
            let waiting = scope.spawn(|| gate.enter("a", Instant::now() + Duration::from_mins(1)).is_some());
            drop(second);
            assert!(waiting.join().unwrap());
        });
        drop((first, elsewhere));
        assert!(gate.enter("a", soon()).is_some());
        assert!(gate.inside().is_empty(), "no host is remembered when nobody is there");
    }
}
