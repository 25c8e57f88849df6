//! Threads that make signed copies durable at the same time.

use std::{
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{self, Receiver, SendError, Sender},
    },
    thread::{self, Scope},
};

use super::super::{Finished, SignError};
use crate::base::background::give_way;

/// Many flushes at the same time let the disk empty its cache for many at once and not for each: one after the other they
/// take ten times as long. The threads stay for the whole batch: a thread for each window costs more than its flush.
pub(super) struct Flushers {
    work: Sender<(usize, Finished)>,
    done: Receiver<Flushed>,
}

/// A copy, by its number, and whether it is durable.
pub(super) type Flushed = (usize, Finished, Result<(), SignError>);

impl Flushers {
    /// For a batch of `most` files.
    pub(super) fn start<'scope>(scope: &'scope Scope<'scope, '_>, most: usize) -> Self {
        let (work, take) = mpsc::channel::<(usize, Finished)>();
        let (give, done) = mpsc::channel();
        let take = Arc::new(Mutex::new(take));
        for _ in 0..most.min(MOST) {
            let (take, give) = (Arc::clone(&take), give.clone());
            let flusher = move || {
                give_way();
                loop {
                    let next = take.lock().unwrap_or_else(PoisonError::into_inner).recv();
                    let Ok((at, finished)) = next else { return };
                    // A copy that did not come back would be waited for for ever.
                    let flushed = catch_unwind(AssertUnwindSafe(|| finished.sync()));
                    let flushed = flushed.unwrap_or_else(|_| Err(fell_over(&finished)));
                    if give.send((at, finished, flushed)).is_err() {
                        return;
                    }
                }
            };
            if thread::Builder::new().name("kyso-flush".to_owned()).spawn_scoped(scope, flusher).is_err() {
                break;
            }
        }
        Self { work, done }
    }

    /// Makes the bytes of a window durable; the copies come back in their order.
    pub(super) fn flush(&self, window: Vec<(usize, Finished)>) -> Vec<Flushed> {
        let here = |(at, finished): (usize, Finished)| {
            let flushed = finished.sync();
            (at, finished, flushed)
        };
        if window.len() == 1 {
            return window.into_iter().map(here).collect();
        }
        let (mut sent, mut flushed) = (0, Vec::with_capacity(window.len()));
        for copy in window {
            match self.work.send(copy) {
                Ok(()) => sent += 1,
                // No thread could be had.
                Err(SendError(copy)) => flushed.push(here(copy)),
            }
        }
        flushed.extend(self.done.iter().take(sent));
        flushed.sort_by_key(|(at, ..)| *at);
        flushed
    }
}

fn fell_over(finished: &Finished) -> SignError {
    let path = finished.released().path().to_owned();
    SignError::Output { path, source: io::Error::other("its flush broke off") }
}

/// Flushes under way at the same time. More than this gains nothing on the disks measured.
const MOST: usize = 16;
