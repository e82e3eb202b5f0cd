//! The time of a storm: tokio's, which stands still until something waits, and leaps of our own.

use std::sync::Mutex;
use std::time::Duration;

use tokio::time::Instant;
use vestibule_domain::identity::Timestamp;
use vestibule_ports::clock::{Clock, Mono};

/// When every storm begins.
const BEGINNING: Timestamp = Timestamp::from_secs(1_800_000_000);

/// One clock for all nodes; both of its times move together.
pub(super) struct StormClock {
    began: Instant,
    leapt: Mutex<Duration>,
}

impl StormClock {
    pub(super) fn new() -> Self {
        Self { began: Instant::now(), leapt: Mutex::default() }
    }

    pub(super) fn leap(&self, by: Duration) {
        *self.leapt.lock().unwrap() += by;
    }

    fn since_start(&self) -> Duration {
        self.began.elapsed() + *self.leapt.lock().unwrap()
    }
}

impl Clock for StormClock {
    fn wall(&self) -> Timestamp {
        BEGINNING + self.since_start()
    }

    fn mono(&self) -> Mono {
        Mono::from_start(Duration::from_hours(1) + self.since_start())
    }
}
