//! Work on several threads whose results come out in the order of the work.

use std::{
    collections::BTreeMap,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    thread,
};

/// Does `work` on each of `items`, on `jobs` threads, and gives the results to `take` on this one, first item first.
///
/// No more than [`AHEAD`] results a thread wait for a slow item before them: memory does not grow with the items.
/// A panic of `work` is raised here, after the threads have ended.
pub(super) fn in_order<T: Sync, R: Send>(
    items: &[T],
    jobs: usize,
    work: impl Fn(&T) -> R + Sync,
    mut take: impl FnMut(&T, R),
) {
    let jobs = jobs.clamp(1, items.len().max(1));
    if jobs == 1 {
        for item in items {
            take(item, work(item));
        }
        return;
    }
    let desk = Desk::default();
    thread::scope(|scope| {
        for _ in 0..jobs {
            scope.spawn(|| {
                while let Some(index) = desk.next(items.len(), jobs * AHEAD) {
                    let result = items.get(index).map(|item| catch_unwind(AssertUnwindSafe(|| work(item))));
                    let Some(result) = result else { return };
                    desk.put(index, result);
                }
            });
        }
        for (index, item) in items.iter().enumerate() {
            match desk.take(index) {
                Ok(result) => take(item, result),
                Err(panic) => {
                    desk.close();
                    resume_unwind(panic);
                }
            }
        }
    });
}

/// Where the threads meet.
struct Desk<R> {
    state: Mutex<State<R>>,
    changed: Condvar,
}

struct State<R> {
    /// The item that nobody has begun.
    next: usize,
    /// How many results were taken.
    taken: usize,
    done: BTreeMap<usize, thread::Result<R>>,
    closed: bool,
}

impl<R> Default for Desk<R> {
    fn default() -> Self {
        let state = State { next: 0, taken: 0, done: BTreeMap::new(), closed: false };
        Self { state: Mutex::new(state), changed: Condvar::new() }
    }
}

impl<R> Desk<R> {
    /// The next item to begin, after waiting until few enough are ahead; `None` when there is none.
    fn next(&self, items: usize, ahead: usize) -> Option<usize> {
        let mut state = self.lock();
        loop {
            if state.closed || state.next >= items {
                return None;
            }
            if state.next < state.taken + ahead {
                let index = state.next;
                state.next += 1;
                return Some(index);
            }
            state = self.wait(state);
        }
    }

    fn put(&self, index: usize, result: thread::Result<R>) {
        self.lock().done.insert(index, result);
        self.changed.notify_all();
    }

    fn take(&self, index: usize) -> thread::Result<R> {
        let mut state = self.lock();
        loop {
            if let Some(result) = state.done.remove(&index) {
                state.taken += 1;
                self.changed.notify_all();
                return result;
            }
            state = self.wait(state);
        }
    }

    fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State<R>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State<R>>) -> MutexGuard<'a, State<R>> {
        self.changed.wait(state).unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reports of some 10 kB each; a file that waits for a network does so for a minute at most.
const AHEAD: usize = 64;

#[cfg(test)]
mod tests {
    use std::{
        sync::atomic::{AtomicUsize, Ordering},
        time::Duration,
    };

    use super::*;

    #[test]
    fn results_come_in_the_order_of_the_items_however_long_each_takes() {
        let items: Vec<u64> = (0..300).collect();
        for jobs in [0, 1, 2, 7, 1_000] {
            let mut seen = Vec::new();
            let work = |item: &u64| {
                thread::sleep(Duration::from_micros((item * 7919) % 400));
                item * 2
            };
            in_order(&items, jobs, work, |item, result| seen.push((*item, result)));
            assert!(
                seen.iter()
                    .enumerate()
                    .all(|(at, &(item, result))| { item == at as u64 && result == item * 2 })
            );
            assert_eq!(seen.len(), items.len());
        }
        in_order(&[] as &[u64], 4, |item| *item, |_, _| panic!("there is nothing to take"));
    }

    #[test]
    fn a_slow_first_item_does_not_let_the_others_pile_up() {
        let items: Vec<usize> = (0..2_000).collect();
        let begun = AtomicUsize::new(0);
        let mut begun_before_the_first_came = 0;
        let work = |item: &usize| {
            begun.fetch_add(1, Ordering::SeqCst);
            if *item == 0 {
                thread::sleep(Duration::from_millis(50));
            }
        };
        in_order(&items, 2, work, |item, ()| {
            if *item == 0 {
                begun_before_the_first_came = begun.load(Ordering::SeqCst);
            }
        });
        assert_eq!(begun.load(Ordering::SeqCst), items.len());
        assert!(begun_before_the_first_came <= 3 * AHEAD, "{begun_before_the_first_came}");
    }

    #[test]
    fn a_panic_of_the_work_does_not_hang() {
        let items: Vec<usize> = (0..500).collect();
        let raised = catch_unwind(AssertUnwindSafe(|| {
            in_order(&items, 3, |item| assert_ne!(*item, 5), |_, ()| {});
        }));
        assert!(raised.is_err());
    }
}
