//! Seats at the processors. The token's thread has one for itself as long as somebody waits for the token; the others
//! are for workers. More workers than seats would push a software token off its processor, and a batch is as fast as its
//! token.

use std::{
    num::NonZero,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    thread,
};

/// Who sits, and who is at the token.
#[derive(Debug, Default)]
struct Taken {
    working: usize,
    at_token: usize,
}

/// The seats of a machine.
#[derive(Debug)]
pub(super) struct Seats {
    all: usize,
    taken: Mutex<Taken>,
    risen: Condvar,
}

/// One seat, left when this goes.
pub(super) struct Seat<'a>(&'a Seats);

impl Seats {
    /// As many as there are processors.
    pub(super) fn of_this_machine() -> Self {
        Self::new(thread::available_parallelism().map_or(1, NonZero::get))
    }

    /// For workers who mostly wait for somebody else.
    pub(super) fn without_end() -> Self {
        Self::new(usize::MAX)
    }

    fn new(all: usize) -> Self {
        Self { all, taken: Mutex::default(), risen: Condvar::new() }
    }

    /// Waits for a seat.
    pub(super) fn take(&self) -> Seat<'_> {
        let full = |taken: &mut Taken| taken.working >= self.for_workers(taken);
        let mut taken = self.risen.wait_while(self.taken(), full).unwrap_or_else(PoisonError::into_inner);
        taken.working += 1;
        Seat(self)
    }

    /// There is always one, on a machine with one processor too.
    fn for_workers(&self, taken: &Taken) -> usize {
        self.all.saturating_sub(taken.at_token.min(1)).max(1)
    }

    fn change(&self, change: impl FnOnce(&mut Taken)) {
        change(&mut self.taken());
        self.risen.notify_one();
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<'a> Seat<'a> {
    /// Leaves the seat, does what the token does, and waits for a seat again.
    pub(super) fn at_token<T>(self, ask: impl FnOnce() -> T) -> (Self, T) {
        struct AtToken<'a>(&'a Seats);

        impl Drop for AtToken<'_> {
            fn drop(&mut self) {
                self.0.change(|taken| taken.at_token -= 1);
            }
        }

        let seats: &'a Seats = self.0;
        seats.taken().at_token += 1;
        let at_token = AtToken(seats);
        drop(self);
        let answer = ask();
        drop(at_token);
        (seats.take(), answer)
    }
}

impl Drop for Seat<'_> {
    fn drop(&mut self) {
        self.0.change(|taken| taken.working -= 1);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn one_seat_is_the_tokens_while_somebody_is_at_it() {
        let (seats, working, most) = (Seats::new(3), AtomicUsize::new(0), AtomicUsize::new(0));
        let token = Mutex::new(());
        let work = || {
            most.fetch_max(working.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            thread::yield_now();
            working.fetch_sub(1, Ordering::SeqCst);
        };
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..100 {
                        let seat = seats.take();
                        work();
                        let (_seat, ()) = seat.at_token(|| drop(token.lock()));
                        work();
                    }
                });
            }
        });
        assert!(most.into_inner() <= 3);
        assert_eq!(seats.for_workers(&Taken { working: 0, at_token: 5 }), 2);
        assert_eq!(seats.for_workers(&Taken::default()), 3);
        assert_eq!(Seats::new(1).for_workers(&Taken { working: 0, at_token: 1 }), 1);
        let taken = seats.taken();
        assert_eq!((taken.working, taken.at_token), (0, 0));
    }

    /// Whoever falls over leaves its seat and the token.
    #[test]
    fn a_seat_is_left_by_whoever_falls_over() {
        let seats = Seats::new(2);
        let fallen = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let _ = seats.take().at_token(|| panic!("the driver fell over"));
        }));
        assert!(fallen.is_err());
        let taken = seats.taken();
        assert_eq!((taken.working, taken.at_token), (0, 0));
    }
}
