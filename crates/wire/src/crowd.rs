//! Room for clients that have something to say: while a listener may open no more connections, some of its own close that
//! wait for a request, a few at a time: first any that have waited for half of the time they may, then for half of that,
//! and so on. Never one with a request under way, or with one that has come.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

/// Connections that close in one round.
const ROUND: usize = 64;
/// Nobody is crowded out who has waited for less.
const WAITED_MIN: Duration = Duration::from_secs(1);

/// What the round before has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Round {
    /// Somebody went, or somebody else may be asked.
    Good,
    /// Everybody who may go was asked, and nobody went.
    Vain,
}

/// Who has to make room now, of those that came by one listener.
#[derive(Debug, Default)]
pub(crate) struct Crowd {
    /// How many may still close in this round; zero while there is room.
    round: AtomicUsize,
    /// How long they must have waited, in milliseconds.
    waited_ms: AtomicU64,
}

impl Crowd {
    /// Begins a round of a listener that is full, and tells of the one before. The first, number zero, takes some that
    /// have waited for half of the longest time, whoever is found first; each further one is content with half of that.
    pub(crate) fn begin_round(&self, number: u32, longest: Duration) -> Round {
        let waited = longest.checked_div(2u32.saturating_pow(number.saturating_add(1)));
        let waited = waited.unwrap_or_default().max(WAITED_MIN);
        let before = self.waited_ms.swap(waited.as_millis() as u64, Ordering::Relaxed);
        let untouched = self.round.swap(ROUND, Ordering::Relaxed) == ROUND;
        let is_vain = untouched && u128::from(before) <= WAITED_MIN.as_millis();
        if is_vain { Round::Vain } else { Round::Good }
    }

    /// There is room again.
    pub(crate) fn disperse(&self) {
        self.round.store(0, Ordering::Relaxed);
    }

    /// Whether anybody has to make room.
    pub(crate) fn is_dense(&self) -> bool {
        self.round.load(Ordering::Relaxed) > 0
    }

    /// Whether a connection that has waited for so long is one of those that close now. It counts as closed then.
    pub(crate) fn takes(&self, waited: Duration) -> bool {
        waited.as_millis() as u64 >= self.waited_ms.load(Ordering::Relaxed)
            && self
                .round
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1))
                .is_ok()
    }
}

#[cfg(test)]
mod tests;
