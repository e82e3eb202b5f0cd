//! Time as a parameter: wall time for records and tokens, monotonic time for leases and caches.
//! The real clock is in `clock/system.rs`, the only file here that asks the machine.

mod system;

use std::ops::Add;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use vestibule_domain::identity::Timestamp;

pub use system::SystemClock;

/// Where every decision gets its time from.
pub trait Clock: Send + Sync + 'static {
    /// The time of day. May step in either direction; never compare it with another machine's.
    fn wall(&self) -> Timestamp;
    /// Time that only goes forward, for leases, ages and deadlines within this process.
    fn mono(&self) -> Mono;
}

/// A moment on a process's monotonic clock, counted from an arbitrary start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Mono(Duration);

impl Mono {
    /// The moment this long after the clock's start.
    pub const fn from_start(since_start: Duration) -> Self {
        Self(since_start)
    }

    /// How long after the clock's start this moment is.
    pub const fn since_start(self) -> Duration {
        self.0
    }

    /// How long after `earlier` this moment is; zero if it is not.
    pub const fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

impl Add<Duration> for Mono {
    type Output = Self;

    fn add(self, by: Duration) -> Self {
        Self(self.0.saturating_add(by))
    }
}

/// A clock that stands still until a test moves it.
#[derive(Debug)]
pub struct TestClock(Mutex<(Timestamp, Mono)>);

impl TestClock {
    /// A clock that shows this time of day, an hour after its monotonic start.
    pub fn new(wall: Timestamp) -> Self {
        Self(Mutex::new((wall, Mono::from_start(Duration::from_hours(1)))))
    }

    /// Moves both times forward.
    pub fn advance(&self, by: Duration) {
        let mut now = self.now();
        *now = (now.0 + by, now.1 + by);
    }

    /// Steps the time of day, as an operator or NTP may; monotonic time does not notice.
    pub fn step_wall(&self, to: Timestamp) {
        self.now().0 = to;
    }

    fn now(&self) -> MutexGuard<'_, (Timestamp, Mono)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for TestClock {
    fn wall(&self) -> Timestamp {
        self.now().0
    }

    fn mono(&self) -> Mono {
        self.now().1
    }
}

#[cfg(test)]
mod tests;
