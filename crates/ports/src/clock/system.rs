//! The machine's clocks: the only place of this crate that reads them.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use vestibule_domain::identity::Timestamp;

use super::{Clock, Mono};

/// The time of the machine.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock {
    start: Instant,
}

impl SystemClock {
    /// A clock whose monotonic time starts now. Only moments of one clock can be compared: make one a process.
    #[expect(clippy::disallowed_methods, reason = "this is the file that reads the real clock")]
    pub fn new() -> Self {
        Self { start: Instant::now() }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the file that reads the real clock")]
    fn wall(&self) -> Timestamp {
        // A machine whose clock stands before 1970 lives in 1970.
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_since_epoch(since_epoch)
    }

    fn mono(&self) -> Mono {
        Mono::from_start(self.start.elapsed())
    }
}
