//! Refreshes under way in this process, by the token they present. Two requests of one client may overlap; the later
//! one is no thief, if it came in before the answer to the one that used the token up. Bounded by the requests there
//! are: what is not under way is not remembered.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

type Digest = [u8; 32];

/// All refreshes under way.
#[derive(Debug, Clone, Default)]
pub(crate) struct Flights(Arc<Mutex<HashMap<Digest, Together>>>);

/// Those that present one token, while one of them is always under way.
#[derive(Debug, Default)]
struct Together {
    under_way: usize,
    /// One of them has used the token up.
    rotated: bool,
    /// And its answer has left.
    answered: bool,
}

/// One refresh under way.
pub(super) struct Flight {
    flights: Flights,
    token: Digest,
    /// Came in before any of those together was answered.
    early: bool,
}

impl Flights {
    /// A request has come in.
    pub(super) fn begin(&self, token: Digest) -> Flight {
        let mut all = self.all();
        let together = all.entry(token).or_default();
        together.under_way += 1;
        let early = !together.answered;
        drop(all);
        Flight { flights: self.clone(), token, early }
    }

    fn all(&self) -> MutexGuard<'_, HashMap<Digest, Together>> {
        // Counters that a panic leaves behind are still counters.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Flight {
    /// This request uses the token up.
    pub(super) fn rotates(&self) {
        self.change(|together| together.rotated = true);
    }

    /// The answer is about to leave: who comes in from now on is late.
    pub(super) fn answers(&self) {
        self.change(|together| together.answered = together.rotated);
    }

    /// Whether a request that was under way together with this one has used the token up. Of two that both come
    /// with a token used up long ago neither has, so thieves do not help each other.
    pub(super) fn has_twin(&self) -> bool {
        self.early && self.flights.all().get(&self.token).is_some_and(|together| together.rotated)
    }

    fn change(&self, change: impl FnOnce(&mut Together)) {
        if let Some(together) = self.flights.all().get_mut(&self.token) {
            change(together);
        }
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        if let Entry::Occupied(mut together) = self.flights.all().entry(self.token) {
            together.get_mut().under_way -= 1;
            if together.get().under_way == 0 {
                together.remove();
            }
        }
    }
}

#[cfg(test)]
mod tests;
