//! No call to the store outlasts the deadline. What that means differs for reads and writes.

use std::time::Duration;

use tokio::time::timeout;
use vestibule_ports::session_store::StoreError;

/// How long a request waits for one call to the store.
pub const STORE_DEADLINE: Duration = Duration::from_millis(300);

/// A read without an answer in time has told nothing.
pub(crate) async fn read<T>(call: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
    timeout(STORE_DEADLINE, call).await.unwrap_or(Err(StoreError::Deadline))
}

/// A write without an answer in time may have been committed, or may yet be.
pub(crate) async fn write<T>(call: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
    let unknown = |_| Err(StoreError::Unknown("no answer in time".to_owned()));
    timeout(STORE_DEADLINE, call).await.unwrap_or_else(unknown)
}
