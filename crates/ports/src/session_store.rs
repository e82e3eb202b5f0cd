//! The narrow store of sessions and log-in attempts: keys and opaque bodies, guarded by versions.
//! Knows no standing, no cookie and no user; what a body means is the domain's business.

mod broadcast;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::BoxStream;
use vestibule_domain::identity::{Handle, Timestamp};

use crate::clock::Mono;

pub use broadcast::{Broadcast, WATCH_EVENTS_MAX};

/// Counts the commits of one record: 1 at its creation, one more at each update.
pub type Version = u64;

/// The version of a record that has just been created.
pub const FIRST_VERSION: Version = 1;

/// Most entries a caller hands to one `touch`.
pub const TOUCHES_MAX: usize = 1_000;

/// What the store keeps under a handle, as one unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The session as the domain encoded it. The store returns exactly these bytes.
    pub body: Bytes,
    /// Key of `list_user`, where the session has a user.
    pub user: Option<String>,
    /// From here on the record is absent to every reader, swept or not.
    pub expires_at: Timestamp,
}

/// What stays of an ended session: it can be read and never be written again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tombstone {
    /// The last events, as the domain encoded them.
    pub body: Bytes,
    /// From here on the tombstone is absent to every reader.
    pub expires_at: Timestamp,
}

/// A log-in under way. Opaque like a session, and read only once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// The attempt as the domain encoded it.
    pub body: Bytes,
    /// From here on it cannot be taken.
    pub expires_at: Timestamp,
}

/// SHA-256 of an attempt's `state`.
pub type AttemptKey = [u8; 32];

/// What is found under a handle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Slot {
    /// Never there, expired or forgotten.
    Absent,
    /// A session.
    Live(Stored),
    /// Ended; the handle is used up.
    Ended(Tombstone),
}

/// A record with what the store itself knows of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// The expectation to give to the next `update`.
    pub version: Version,
    /// The newest committed record.
    pub record: Record,
    /// The newest touch. Kept beside the record: moving it is no new version.
    pub last_seen: Option<Timestamp>,
}

/// The answer to `create`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Created {
    /// Committed as `FIRST_VERSION`.
    Created,
    /// The handle is taken, by a session or a tombstone. Nothing was written.
    Exists,
}

/// The answer to `update`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Updated {
    /// Committed under this version, one above the expected one.
    Updated(Version),
    /// The record has another version. Nothing was written.
    Conflict,
    /// Absent, expired or ended. Nothing was written.
    Gone,
}

/// The answer to `end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// The session has ended by this call.
    Ended,
    /// It had ended before; the first tombstone stays. As durable as if it had ended by this call.
    Already,
    /// There was nothing to end, and no tombstone was written.
    Absent,
    /// The session has another version than the expected one. Nothing was written.
    Conflict,
}

/// The answer to `sweep`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Swept {
    /// How many records, tombstones and attempts were removed.
    pub removed: usize,
    /// Whether the limit stopped the sweep before it had seen everything.
    pub more: bool,
}

/// A sign of life that a watcher sends to itself through the channel of the events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Beat {
    /// Random, so that a watcher knows its own among those of others.
    pub watcher: u64,
    /// When it was sent, on the watcher's clock.
    pub sent: Mono,
}

/// What a watcher hears, in the order of the commits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// Everything committed before this beat was sent has been delivered.
    Alive(Beat),
    /// A record was created or updated.
    Changed {
        /// Which one.
        handle: Handle,
        /// The version that was committed, or a later one.
        version: Version,
    },
    /// A session has ended.
    Ended {
        /// Which one.
        handle: Handle,
    },
    /// Events were lost, at most up to here: trust nothing read before.
    Gap,
}

/// The events of a store. It ends when the channel is lost; watch again.
pub type Watch = BoxStream<'static, Event>;

/// What callers may rely on beyond the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capabilities {
    /// Other processes write to the same store, so touches of theirs may still be on their way.
    pub shared: bool,
    /// Acknowledged writes survive the end of the process.
    pub durable: bool,
    /// `sweep` is what removes expired entries. Otherwise the store does so by itself, and `sweep` finds nothing.
    pub sweeps: bool,
    /// What `get` finds is as durable as if it had been acknowledged. Otherwise a write without an answer may be there to
    /// be read and still be lost with its server, so finding it proves nothing. `end` is its own proof on every store: an
    /// end that is there already is acknowledged as `Already` only when it is durable.
    pub reading_proves: bool,
}

/// Why a call has no answer. None of these says that a session is gone.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The store did not take the call: a write has not happened.
    #[error("session store unreachable: {0}")]
    Unreachable(String),
    /// A read had no answer in time.
    #[error("session store did not answer in time")]
    Deadline,
    /// A write was sent and its outcome is not known: it may have been committed, or may yet be.
    #[error("outcome of a write to the session store unknown: {0}")]
    Unknown(String),
    /// A write has been carried out, and is not yet where it has to be to survive: a failover now may undo it. It is
    /// not acknowledged, and reading it back proves nothing.
    #[error("written to the session store, and not yet safe there: {0}")]
    Unsafe(String),
    /// What is stored under this key is damaged, and nobody can read it ever again. Other keys are not affected.
    #[error("session store holds an unreadable entry: {0}")]
    Corrupt(String),
    /// What is stored under this key was written by a newer release, which may know what it says. Here nothing is known.
    #[error("session store holds an entry of a newer release: {0}")]
    Newer(String),
    /// The store or its adapter broke its own rules.
    #[error("session store misbehaved: {0}")]
    Bug(String),
}

impl StoreError {
    /// Whether a reader may go on with what it has cached: only when the store could not be asked.
    pub fn is_outage(&self) -> bool {
        matches!(self, Self::Unreachable(_) | Self::Deadline)
    }
}

/// The store of sessions. Every write is durable, as far as the store can be, before it is acknowledged.
///
/// `now` is the caller's wall time: expiry is computed from the entry on every call.
#[async_trait]
pub trait SessionStore: Send + Sync + 'static {
    /// Reads the newest committed state.
    async fn get(&self, handle: Handle, now: Timestamp) -> Result<Slot, StoreError>;

    /// Commits a new record under an unused handle.
    async fn create(&self, handle: Handle, record: Record) -> Result<Created, StoreError>;

    /// Replaces the record if it still has the version `expect`.
    async fn update(
        &self,
        handle: Handle,
        expect: Version,
        record: Record,
        now: Timestamp,
    ) -> Result<Updated, StoreError>;

    /// Moves last-seen times forward, never back, at most `TOUCHES_MAX` in one call. Makes no version and no
    /// event, and brings nothing back: what is not live is skipped. The only write that a crash may forget.
    async fn touch(&self, seen: &[(Handle, Timestamp)]) -> Result<(), StoreError>;

    /// Replaces a session by a tombstone, if it still has the version `expect`; without one, whatever its version.
    async fn end(
        &self,
        handle: Handle,
        expect: Option<Version>,
        tombstone: Tombstone,
        now: Timestamp,
    ) -> Result<Ended, StoreError>;

    /// Handles of live sessions of a user, at most `limit`, in no order. Best effort: a session that commits
    /// at the same time may be missing.
    async fn list_user(&self, user: &str, limit: usize, now: Timestamp) -> Result<Vec<Handle>, StoreError>;

    /// Keeps a log-in attempt under a key that was never used.
    async fn attempt_put(&self, key: AttemptKey, attempt: Attempt) -> Result<(), StoreError>;

    /// Removes the attempt and returns its body; of any number of callers at most one gets it.
    async fn attempt_take(&self, key: AttemptKey, now: Timestamp) -> Result<Option<Bytes>, StoreError>;

    /// Removes entries that have expired by `now`, at most `limit`. Expiry is silent: there is no event.
    async fn sweep(&self, now: Timestamp, limit: usize) -> Result<Swept, StoreError>;

    /// Subscribes. Every commit acknowledged after this returns is delivered, or a `Gap` in its place.
    async fn watch(&self) -> Result<Watch, StoreError>;

    /// Sends a beat to all watchers behind the events of every commit acknowledged so far. It is a write that
    /// the store's majority accepted, so that a cut-off node cannot keep itself alive.
    async fn beat(&self, beat: Beat) -> Result<(), StoreError>;

    /// What this store can do beyond the contract.
    fn capabilities(&self) -> Capabilities;
}
