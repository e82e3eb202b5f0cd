//! Last-seen times on their way to the store: one entry a session however often it is touched, saved in batches.

use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use vestibule_domain::identity::{Handle, Timestamp};
use vestibule_ports::session_store::{StoreError, TOUCHES_MAX};

use crate::deadline;
use crate::known::Seen;
use crate::sessions::Sessions;

/// How long a touch waits to be saved, unless `TOUCHES_MAX` of them wait sooner.
pub const TOUCH_EVERY: Duration = Duration::from_secs(5);

/// Most sessions whose touch waits while the store cannot be reached; later ones are not saved.
pub const TOUCHES_PENDING_MAX: usize = 100_000;

#[derive(Debug, Default)]
pub(crate) struct Touches {
    pending: Mutex<Vec<(Handle, Arc<Seen>)>>,
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
            pending.push((handle, Arc::clone(seen)));
        } else {
            seen.dequeue();
        }
        if pending.len() == TOUCHES_MAX {
            self.full.notify_one();
        }
    }

    fn pending(&self) -> MutexGuard<'_, Vec<(Handle, Arc<Seen>)>> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<X: Default + Send + Sync> Sessions<X> {
    /// Saves all touches that wait. What could not be saved waits for the next time.
    pub async fn flush_touches(&self) -> Result<(), StoreError> {
        let pending = mem::take(&mut *self.touches.pending());
        let mut outcome = Ok(());
        for batch in pending.chunks(TOUCHES_MAX) {
            let seen: Vec<_> = batch.iter().map(|(handle, seen)| (*handle, seen.dequeue())).collect();
            // One batch that failed has shown that it is of no use to go on.
            if outcome.is_ok() {
                outcome = deadline::write(self.store.touch(&seen)).await;
            }
            if outcome.is_err() {
                for ((handle, pending), (_, at)) in batch.iter().zip(seen) {
                    self.touches.note(*handle, pending, at);
                }
            }
        }
        outcome
    }
}

#[cfg(test)]
mod tests;
