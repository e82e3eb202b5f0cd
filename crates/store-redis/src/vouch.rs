//! Whether a master is still one that may write. One that was cut off from its replicas does not know at once that a
//! replica has taken its place: it answers reads with what used to be true. With `min-replicas-to-write` it refuses
//! writes after a while, so a write that it took proves that it had its replicas then.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// How long such a proof is good for, counted from its sending: as long as a lease. A node beats three times meanwhile.
pub const VOUCHED_FOR: Duration = Duration::from_millis(1_500);

/// When the newest proof was sent.
#[derive(Debug, Default)]
pub(crate) struct Vouch(Mutex<Option<Instant>>);

impl Vouch {
    /// The master took a write that was sent then.
    pub(crate) fn renew(&self, sent: Instant) {
        let mut newest = self.newest();
        *newest = newest.max(Some(sent));
    }

    /// Whether reads may go on without another proof.
    pub(crate) fn holds(&self) -> bool {
        self.newest().is_some_and(|sent| sent.elapsed() < VOUCHED_FOR)
    }

    fn newest(&self) -> MutexGuard<'_, Option<Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
