//! How calls reach the driver. It wants its futures polled to their end (its README: a dropped one may leave it in
//! disorder), and our callers drop theirs at their deadline. So each call is a task of its own, of which there are
//! never more than there are connections: who waits for a place can still be dropped, and has sent nothing.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::timeout;
use vestibule_ports::session_store::StoreError;

/// How long a call waits for one of the connections. Together with `SELECT_MAX` below what the caller's deadline leaves to a
/// write, so that he learns that nothing was sent.
pub const PLACE_MAX: Duration = Duration::from_millis(60);

/// How long a task lasts at most, after its caller has long gone. Only a server that answers heartbeats and not calls
/// gets that far; then the driver's future is dropped after all, which closes its connection.
pub const CALL_MAX: Duration = Duration::from_secs(2);

/// Places for calls.
#[derive(Debug)]
pub(crate) struct Calls {
    places: Arc<Semaphore>,
}

/// What a call without an answer means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Read,
    Write,
}

impl Calls {
    pub(crate) fn new(max: u32) -> Self {
        Self { places: Arc::new(Semaphore::new(max as usize)) }
    }

    /// A call of a request: it takes a place.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        kind: Kind,
        call: impl Future<Output = Result<T, StoreError>> + Send + 'static,
    ) -> Result<T, StoreError> {
        let Ok(Ok(place)) = timeout(PLACE_MAX, Arc::clone(&self.places).acquire_owned()).await else {
            return Err(StoreError::Unreachable("all connections are busy".to_owned()));
        };
        standing(kind, async move {
            let answer = call.await;
            drop(place);
            answer
        })
        .await
    }
}

/// A call of the node's standing work. There is one of each, and it may not wait behind requests.
pub(crate) async fn standing<T: Send + 'static>(
    kind: Kind,
    call: impl Future<Output = Result<T, StoreError>> + Send + 'static,
) -> Result<T, StoreError> {
    let task = tokio::spawn(timeout(CALL_MAX, call));
    match (task.await, kind) {
        (Ok(Ok(answer)), _) => answer,
        (Ok(Err(_)), Kind::Read) => Err(StoreError::Deadline),
        (Ok(Err(_)), Kind::Write) => Err(StoreError::Unknown("no answer in time".to_owned())),
        (Err(_), Kind::Read) => Err(StoreError::Bug("the call was lost".to_owned())),
        (Err(_), Kind::Write) => Err(StoreError::Unknown("the call was lost".to_owned())),
    }
}

#[cfg(test)]
mod tests;
