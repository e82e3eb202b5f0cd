//! Last-seen times on their way to the store: one entry a session however often it is touched, saved in batches.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, timeout};
use vestibule_domain::identity::{Handle, Timestamp};
use vestibule_ports::session_store::{StoreError, TOUCHES_MAX};

use crate::deadline;
use crate::known::Seen;
use crate::sessions::Sessions;

/// How long a touch waits to be saved, unless `TOUCHES_MAX` of them wait sooner.
pub const TOUCH_EVERY: Duration = Duration::from_secs(5);

/// How long touches wait that could not be saved.
///
/// Whoever reads a session waits 10 s for its touches before an idle fall (`Limits::idle_margin`). A store that stalls for
/// 3 s leaves them within that: a touch is due after 5 s (`TOUCH_EVERY`), the batch that meets the stall is given up after
/// 2 s (`CHORE_MAX`) and the flush with it, and after 1 s all that waits is tried again. That makes 8 s; the stall is over
/// by then, and 2 s are left for that flush.
pub const TOUCH_AGAIN: Duration = Duration::from_secs(1);

/// Most sessions whose touch waits while the store cannot be reached; later ones are not saved.
pub const TOUCHES_PENDING_MAX: usize = 100_000;

/// How long the end of a process saves touches while the store takes them: as many as can wait, at 0.2 s a batch. It comes
/// after the drain, which takes 35 s at most unless the configuration says otherwise; service managers often kill after 90 s.
pub const CLOSE_MAX: Duration = Duration::from_secs(20);

/// Flushes that save nothing before the end of a process gives up.
const FRUITLESS_MAX: usize = 2;

/// Batches in a row that fail before the rest is left for the next time.
const FAILURES_MAX: usize = 3;

/// A batch that failed after so long has run out of its time, here or in the store: the next one would do so too, and the
/// touches behind it would wait for nothing.
const STALLED: Duration = Duration::from_secs(1);

#[derive(Debug, Default)]
pub(crate) struct Touches {
    pending: Mutex<VecDeque<(Handle, Arc<Seen>)>>,
    /// Whoever saves.
    turn: tokio::sync::Mutex<()>,
    /// Enough wait for a batch.
    pub(crate) full: Notify,
}

impl Touches {
    /// Takes the lock once for each session and batch, not once for each touch.
    pub(crate) fn note(&self, handle: Handle, seen: &Arc<Seen>, at: Timestamp) {
        seen.advance(at);
        if !seen.enqueue() {
            return;
        }
        let mut pending = self.pending();
        if pending.len() < TOUCHES_PENDING_MAX {
            pending.push_back((handle, Arc::clone(seen)));
        } else {
            seen.dequeue();
        }
        if pending.len() == TOUCHES_MAX {
            self.full.notify_one();
        }
    }

    fn pending(&self) -> MutexGuard<'_, VecDeque<(Handle, Arc<Seen>)>> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A batch on its way to the store. What is not known to be saved when this is dropped waits for the next time.
struct Batch<'t> {
    touches: &'t Touches,
    taken: Vec<(Handle, Arc<Seen>)>,
    seen: Vec<(Handle, Timestamp)>,
}

impl<'t> Batch<'t> {
    fn take(touches: &'t Touches, most: usize) -> Self {
        let taken: Vec<_> = {
            let mut pending = touches.pending();
            let most = most.min(pending.len());
            pending.drain(..most).collect()
        };
        let seen = taken.iter().map(|(handle, seen)| (*handle, seen.dequeue())).collect();
        Self { touches, taken, seen }
    }

    /// Returns how many they were.
    fn saved(mut self) -> usize {
        self.taken.drain(..).len()
    }
}

impl Drop for Batch<'_> {
    fn drop(&mut self) {
        for ((handle, pending), (_, at)) in self.taken.iter().zip(&self.seen) {
            self.touches.note(*handle, pending, *at);
        }
    }
}

/// What has become of what waited.
struct Flushed {
    saved: usize,
    outcome: Result<(), StoreError>,
}

impl<X: Default + Send + Sync> Sessions<X> {
    /// Saves all touches that wait. What could not be saved waits for the next time. One batch that failed does not stop
    /// the others; several in a row, or one that has waited in vain, have shown that it is of no use to go on.
    pub async fn flush_touches(&self) -> Result<(), StoreError> {
        self.flush().await.outcome
    }

    async fn flush(&self) -> Flushed {
        // One at a time: what a flush gives back when it is dropped, the next one finds.
        let _turn = self.touches.turn.lock().await;
        let mut flushed = Flushed { saved: 0, outcome: Ok(()) };
        let mut failed_in_a_row = 0;
        // What fails waits behind the rest, so it is met again only by the next flush.
        let mut left = self.touches.pending().len();
        while left > 0 && failed_in_a_row < FAILURES_MAX {
            let batch = Batch::take(&self.touches, left.min(TOUCHES_MAX));
            left = left.saturating_sub(TOUCHES_MAX);
            let begun = Instant::now();
            match deadline::chore(self.store.touch(&batch.seen)).await {
                Ok(()) => {
                    flushed.saved += batch.saved();
                    failed_in_a_row = 0;
                }
                Err(why) => {
                    flushed.outcome = Err(why);
                    failed_in_a_row += 1;
                    if begun.elapsed() >= STALLED {
                        break;
                    }
                }
            }
        }
        flushed
    }

    /// Saves what waits before the process ends, after `run` has been dropped: all that the store takes, for `CLOSE_MAX` at
    /// most. A flush that saved nothing is tried once more.
    pub async fn close(&self) {
        let save_all = async {
            let mut fruitless = 0;
            while fruitless < FRUITLESS_MAX {
                let flushed = self.flush().await;
                if flushed.outcome.is_ok() {
                    return;
                }
                fruitless += usize::from(flushed.saved == 0);
            }
            // They are the only writes that an end may forget.
        };
        let _late = timeout(CLOSE_MAX, save_all).await;
    }
}

#[cfg(test)]
mod tests;
