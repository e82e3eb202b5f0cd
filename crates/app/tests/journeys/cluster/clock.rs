//! A clock that runs, as leases on real servers need it, and that a story can put forward, as limits of hours need it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use vestibule_domain::identity::Timestamp;
use vestibule_ports::clock::{Clock, Mono, SystemClock};

/// The machine's clock, and how far a story has put it forward.
#[derive(Debug)]
pub(super) struct LiveClock {
    machine: SystemClock,
    ahead_ms: AtomicU64,
}

impl LiveClock {
    pub(super) fn new() -> Self {
        Self { machine: SystemClock::new(), ahead_ms: AtomicU64::new(0) }
    }

    /// Puts both times forward, on all nodes at once.
    pub(super) fn advance(&self, by: Duration) {
        let by = u64::try_from(by.as_millis()).expect("no story lasts so long");
        self.ahead_ms.fetch_add(by, Ordering::SeqCst);
    }

    fn ahead(&self) -> Duration {
        Duration::from_millis(self.ahead_ms.load(Ordering::SeqCst))
    }
}

impl Clock for LiveClock {
    fn wall(&self) -> Timestamp {
        self.machine.wall() + self.ahead()
    }

    fn mono(&self) -> Mono {
        self.machine.mono() + self.ahead()
    }
}
