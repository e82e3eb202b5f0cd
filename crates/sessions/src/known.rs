//! A session as the cache holds it: decoded once, shared by all requests that hit it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use bytes::Bytes;
use vestibule_domain::identity::{Handle, Timestamp};
use vestibule_domain::session::Session;
use vestibule_ports::session_store::Version;

/// One committed version of a session. `X` is what a face keeps beside it, for as long as it is this version.
#[derive(Debug)]
pub struct Known<X> {
    /// Where it is stored.
    pub handle: Handle,
    /// Counts its commits.
    pub version: Version,
    /// What was committed.
    pub session: Session,
    /// From here on the store calls it absent.
    pub expires_at: Timestamp,
    /// For what a face has made of this version, empty at first.
    pub beside: X,
    pub(crate) seen: Arc<Seen>,
    /// The bytes that `session` was decoded from.
    pub(crate) body: Bytes,
}

impl<X> Known<X> {
    /// The newest touch that this node knows of, its own unsaved ones included.
    pub fn last_seen(&self) -> Option<Timestamp> {
        self.seen.at()
    }
}

/// When a session was last seen. Outlives the versions of its session on this node.
#[derive(Debug)]
pub(crate) struct Seen {
    /// Milliseconds since 1970; `NEVER` without any touch.
    at: AtomicI64,
    /// Waits to be saved.
    queued: AtomicBool,
}

const NEVER: i64 = i64::MIN;

impl Default for Seen {
    fn default() -> Self {
        Self { at: AtomicI64::new(NEVER), queued: AtomicBool::new(false) }
    }
}

impl Seen {
    pub(crate) fn at(&self) -> Option<Timestamp> {
        let at = self.at.load(Ordering::Acquire);
        (at != NEVER).then(|| Timestamp::from_millis(at))
    }

    pub(crate) fn advance(&self, at: Timestamp) {
        self.at.fetch_max(at.as_millis(), Ordering::SeqCst);
    }

    /// Marks it as waiting to be saved and returns whether it was not.
    pub(crate) fn enqueue(&self) -> bool {
        // Mostly it waits already, and a load does not take the cache line from other cores. Sequentially consistent
        // like the rest: either this sees `dequeue`, or `dequeue` sees the time stored before this.
        !self.queued.load(Ordering::SeqCst) && !self.queued.swap(true, Ordering::SeqCst)
    }

    /// Marks it as taken out of the queue and returns what to save. A touch from here on queues it again.
    pub(crate) fn dequeue(&self) -> Timestamp {
        self.queued.store(false, Ordering::SeqCst);
        Timestamp::from_millis(self.at.load(Ordering::SeqCst))
    }
}
