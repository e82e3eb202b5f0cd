//! How long a test waits before it calls something late. The only file here that reads the machine's clock.

use std::time::{Duration, Instant};

/// What every wait of a test may take unless it says otherwise.
pub const PATIENCE: Duration = Duration::from_secs(5);

/// A wait that has begun.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    began: Instant,
    lasts: Duration,
}

impl Patience {
    /// Begins to wait.
    pub fn new(lasts: Duration) -> Self {
        Self { began: now(), lasts }
    }

    /// What is left of the wait; zero when it is over.
    pub fn left(&self) -> Duration {
        self.lasts.saturating_sub(self.waited())
    }

    /// How long it has taken so far.
    pub fn waited(&self) -> Duration {
        now().duration_since(self.began)
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "sockets are waited for in real time; this is the one place that reads it"
)]
fn now() -> Instant {
    Instant::now()
}
