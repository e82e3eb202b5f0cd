//! No request waits for the store beyond its deadline, however many calls it takes: the time is one budget. A write gets
//! two thirds of what is left, and the rest is for looking whether one without an answer was done.
//! What a node does for itself has a limit of its own.

use std::time::Duration;

use tokio::time::{Instant, timeout, timeout_at};
use vestibule_ports::session_store::StoreError;

/// How long a request waits for the store, unless the configuration says otherwise.
pub const STORE_DEADLINE: Duration = Duration::from_millis(300);

/// The shortest deadline that can be asked for: there has to be time for two round trips.
pub const STORE_DEADLINE_MIN: Duration = Duration::from_millis(100);

/// The longest one. The stores' own limits for one statement lie above it.
pub const STORE_DEADLINE_MAX: Duration = Duration::from_secs(1);

/// How long one batch of a node's standing work may take: nobody waits for it, and a slow store may have it all.
pub const CHORE_MAX: Duration = Duration::from_secs(2);

/// A write is not begun with less than this left. It could hardly be answered, and would be in doubt for nothing.
const WRITE_MIN: Duration = Duration::from_millis(10);

/// When the caller has to have an answer. One deadline does for several calls in a row.
#[derive(Debug, Clone, Copy)]
pub struct Deadline(Instant);

impl Deadline {
    /// From now on.
    pub(crate) fn within(time: Duration) -> Self {
        Self(Instant::now() + time)
    }

    pub(crate) fn is_over(self) -> bool {
        self.0 <= Instant::now()
    }

    /// A read without an answer in time has told nothing.
    pub(crate) async fn read<T>(
        self,
        call: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        timeout_at(self.0, call).await.unwrap_or(Err(StoreError::Deadline))
    }

    /// A write that may be looked up. Without an answer in its share of the time it may have been committed, or may yet be.
    pub(crate) async fn write<T>(
        self,
        call: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let left = self.0.saturating_duration_since(Instant::now());
        if left < WRITE_MIN {
            return Err(StoreError::Unreachable("no time is left to write".to_owned()));
        }
        within(left * 2 / 3, call).await
    }

    /// A write that nobody looks up has all the time that is left.
    pub(crate) async fn last_write<T>(
        self,
        call: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        within(self.0.saturating_duration_since(Instant::now()), call).await
    }
}

/// One call of the standing work.
pub(crate) async fn chore<T>(call: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
    within(CHORE_MAX, call).await
}

pub(crate) async fn within<T>(
    time: Duration,
    call: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, StoreError> {
    let unknown = |_| Err(StoreError::Unknown("no answer in time".to_owned()));
    timeout(time, call).await.unwrap_or_else(unknown)
}

#[cfg(test)]
mod tests;
