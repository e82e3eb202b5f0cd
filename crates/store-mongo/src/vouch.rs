//! Whether the primary we read from is still the primary. One that was cut off from the others does not know at once
//! that they have chosen another: it answers reads with what used to be true. A write that changed something
//! and that more than half of the members acknowledged proves that it was the primary when the write was sent.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use mongodb::options::ReadConcern;
use tokio::time::Instant;

/// How long such a proof is good for, counted from its sending: as long as a lease. A node beats three times meanwhile.
pub const VOUCHED_FOR: Duration = Duration::from_millis(1_500);

/// When the newest proof was sent.
#[derive(Debug, Default)]
pub(crate) struct Vouch(Mutex<Option<Instant>>);

impl Vouch {
    /// A majority has acknowledged what was sent then.
    pub(crate) fn renew(&self, sent: Instant) {
        let mut newest = self.newest();
        *newest = newest.max(Some(sent));
    }

    /// How to read now. Without a proof the primary has to get one for this read, at the price of a round among the
    /// members; an isolated one cannot.
    pub(crate) fn read_concern(&self) -> ReadConcern {
        match *self.newest() {
            Some(sent) if sent.elapsed() < VOUCHED_FOR => ReadConcern::majority(),
            _ => ReadConcern::linearizable(),
        }
    }

    fn newest(&self) -> MutexGuard<'_, Option<Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
