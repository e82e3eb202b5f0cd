//! The time of a storm: tokio's, which stands still until something waits, and leaps of our own. All nodes have one
//! monotonic time; the time of day of each may be wrong, and is put right or wrong in a step, as NTP does.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::time::Instant;
use vestibule_domain::identity::Timestamp;
use vestibule_ports::clock::{Clock, Mono};

/// When every storm begins.
const BEGINNING: Timestamp = Timestamp::from_secs(1_800_000_000);

/// The true time, which the IDP and whoever watches the storm go by.
pub(super) struct StormClock {
    began: Instant,
    leapt: Mutex<Duration>,
    /// The fastest and the slowest that the clock of any node has ever been, in milliseconds.
    errors: Mutex<(i64, i64)>,
}

impl StormClock {
    pub(super) fn new() -> Self {
        Self { began: Instant::now(), leapt: Mutex::default(), errors: Mutex::default() }
    }

    pub(super) fn leap(&self, by: Duration) {
        *self.leapt.lock().unwrap() += by;
    }

    /// By how much the times of day of any two clocks have ever differed.
    pub(super) fn slack(&self) -> Duration {
        let (fastest, slowest) = *self.errors.lock().unwrap();
        Duration::from_millis(fastest.abs_diff(slowest))
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

/// The clock of one node's machine, which outlives the node.
pub(super) struct NodeClock {
    truth: Arc<StormClock>,
    /// Milliseconds that its time of day is ahead.
    error: AtomicI64,
    /// How often it was set.
    steps: AtomicI64,
    /// A bug: its monotonic time takes part in the steps.
    is_one: bool,
}

impl NodeClock {
    pub(super) fn new(truth: &Arc<StormClock>, is_one: bool) -> Self {
        let (error, steps) = (AtomicI64::new(0), AtomicI64::new(0));
        Self { truth: Arc::clone(truth), error, steps, is_one }
    }

    /// From here on its time of day is so many seconds ahead.
    pub(super) fn set(&self, seconds: i32) {
        let error = i64::from(seconds) * 1_000;
        self.error.store(error, Ordering::Relaxed);
        self.steps.fetch_add(1, Ordering::Relaxed);
        let mut errors = self.truth.errors.lock().unwrap();
        *errors = (errors.0.max(error), errors.1.min(error));
    }

    /// Changes with each step.
    pub(super) fn steps(&self) -> i64 {
        self.steps.load(Ordering::Relaxed)
    }

    fn error(&self) -> i64 {
        self.error.load(Ordering::Relaxed)
    }
}

impl Clock for NodeClock {
    fn wall(&self) -> Timestamp {
        Timestamp::from_millis(self.truth.wall().as_millis() + self.error())
    }

    fn mono(&self) -> Mono {
        let mono = self.truth.mono();
        if !self.is_one {
            return mono;
        }
        let millis = i64::try_from(mono.since_start().as_millis()).unwrap() + self.error();
        Mono::from_start(Duration::from_millis(millis.unsigned_abs()))
    }
}
