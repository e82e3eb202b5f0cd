//! Permission to trust the cache: a lease renewed by beats, and the generation of the subscription behind it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use vestibule_ports::clock::Mono;

/// How long the cache may be trusted after a beat was sent.
pub const LEASE: Duration = Duration::from_millis(1_500);

/// Which subscription a read belongs to. What one has missed is unknown, so entries never outlive theirs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Generation(u64);

impl Generation {
    /// Whether events are being listened to. Odd while they are: each change of the subscription counts one up.
    pub(crate) fn is_subscribed(self) -> bool {
        self.0 % 2 == 1
    }
}

/// Written by the one task that follows the store, read by everyone.
#[derive(Debug, Default)]
pub(crate) struct Lease {
    /// Nanoseconds after the clock's start; 0 before the first beat.
    ends: AtomicU64,
    generation: AtomicU64,
}

impl Lease {
    pub(crate) fn generation(&self) -> Generation {
        Generation(self.generation.load(Ordering::Acquire))
    }

    pub(crate) fn is_live(&self, now: Mono) -> bool {
        now.since_start() < self.ends()
    }

    /// How long ago the lease was live; `None` if it never was.
    pub(crate) fn since_live(&self, now: Mono) -> Option<Duration> {
        let ends = self.ends();
        (!ends.is_zero()).then(|| now.since_start().saturating_sub(ends))
    }

    /// A beat has come back. It counts from its sending: what happened since then may still be on its way.
    pub(crate) fn renew(&self, sent: Mono) {
        let ends = (sent + LEASE).since_start().as_nanos();
        self.ends.fetch_max(u64::try_from(ends).unwrap_or(u64::MAX), Ordering::AcqRel);
    }

    /// Events are delivered from here on.
    pub(crate) fn subscribe(&self) {
        let step = if self.generation().is_subscribed() { 2 } else { 1 };
        self.generation.fetch_add(step, Ordering::AcqRel);
    }

    /// Events are no longer delivered.
    pub(crate) fn unsubscribe(&self) {
        let step = u64::from(self.generation().is_subscribed());
        self.generation.fetch_add(step, Ordering::AcqRel);
    }

    fn ends(&self) -> Duration {
        Duration::from_nanos(self.ends.load(Ordering::Acquire))
    }
}
