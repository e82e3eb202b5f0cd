//! `SessionStore` on the embedded file: reads on the caller's thread, writes through the one writer.

use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Weak};

use async_trait::async_trait;
use bytes::Bytes;
use redb::{Database, ReadableDatabase as _};
use vestibule_domain::identity::{Handle, Timestamp};
use vestibule_ports::session_store::{
    Attempt, AttemptKey, Beat, Capabilities, Created, Ended, Event, Record, SessionStore, Slot, StoreError,
    Stored, Swept, Tombstone, Updated, Version, Watch,
};

use crate::commit_point::{CommitPoint, Hook};
use crate::file::{FileVolume, OpenError, Volume};
use crate::guard::guard;
use crate::row::Row;
use crate::shared::Shared;
use crate::tables::{Failure, SEEN, SESSIONS, USERS, corrupt};
use crate::writer::{Orders, SWEEP_MAX};

/// Where the file is and how much of it stays in memory.
#[derive(Debug, Clone)]
pub struct Config {
    /// The file. Its directory must exist.
    pub path: PathBuf,
    /// Memory for pages of the file, in bytes.
    pub cache_bytes: usize,
}

impl Config {
    /// The defaults for a file: 64 MiB of page cache.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), cache_bytes: 64 * 1024 * 1024 }
    }
}

/// The session store of a single process. Dropping it waits until every accepted write is durable.
pub struct EmbeddedStore {
    orders: Orders,
    shared: Arc<Shared>,
}

impl EmbeddedStore {
    /// Opens the file, or creates it. All of it is read and checked: about 1.5 s for each GiB, and two after a crash.
    pub fn open(config: &Config) -> Result<Self, OpenError> {
        Self::open_with_hook(config, |_| {})
    }

    /// As `open`, with a call at each point on the way of a write: for crash tests.
    pub fn open_with_hook(
        config: &Config,
        hook: impl Fn(CommitPoint) + Send + 'static,
    ) -> Result<Self, OpenError> {
        let Config { path, cache_bytes } = config.clone();
        Self::start(Box::new(FileVolume { path, cache_bytes }), Box::new(hook))
    }

    fn start(volume: Box<dyn Volume>, hook: Hook) -> Result<Self, OpenError> {
        let shared = Arc::new(Shared::new(volume)?);
        let orders = Orders::start(Arc::clone(&shared), hook).map_err(OpenError::Thread)?;
        Ok(Self { orders, shared })
    }

    /// Reads on the caller's thread: a look-up takes microseconds, less than handing it to another thread.
    fn read<T>(&self, work: impl FnOnce(&Database) -> Result<T, Failure>) -> Result<T, StoreError> {
        self.shared.with(|database| match guard(|| work(database)) {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(Failure::Entry(error))) => Err(error),
            Ok(Err(Failure::Storage(error))) => Err(self.failed(&error)),
            Err(damaged) => Err(self.failed(&damaged)),
        })
    }

    /// The file has failed a reader.
    fn failed(&self, why: &dyn ToString) -> StoreError {
        if self.shared.set_failed() {
            self.orders.nudge();
        }
        StoreError::Unreachable(why.to_string())
    }

    /// Says at any time whether the file is open, also once the store is gone.
    pub fn condition(&self) -> Condition {
        Condition(Arc::downgrade(&self.shared))
    }
}

/// Whether a store's file is open.
#[derive(Clone)]
pub struct Condition(Weak<Shared>);

impl Condition {
    /// Whether it can be read. It cannot from a failure of the disk on until it has been opened again.
    pub fn is_open(&self) -> bool {
        self.0.upgrade().is_some_and(|shared| !shared.has_failed())
    }
}

impl fmt::Debug for EmbeddedStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EmbeddedStore").finish_non_exhaustive()
    }
}

#[async_trait]
impl SessionStore for EmbeddedStore {
    async fn get(&self, handle: Handle, now: Timestamp) -> Result<Slot, StoreError> {
        self.read(|database| {
            let transaction = database.begin_read()?;
            let Some(found) = transaction.open_table(SESSIONS)?.get(handle.as_bytes())? else {
                return Ok(Slot::Absent);
            };
            match Row::decode(found.value()).map_err(|why| corrupt(handle, why))? {
                row if row.expires_at() <= now => Ok(Slot::Absent),
                Row::Ended(tombstone) => Ok(Slot::Ended(tombstone)),
                Row::Live { version, record } => {
                    let seen = transaction.open_table(SEEN)?.get(handle.as_bytes())?;
                    let last_seen = seen.map(|seen| Timestamp::from_millis(seen.value()));
                    Ok(Slot::Live(Stored { version, record, last_seen }))
                }
            }
        })
    }

    async fn create(&self, handle: Handle, record: Record) -> Result<Created, StoreError> {
        self.orders.write(move |tables| tables.create(handle, record)).await
    }

    async fn update(
        &self,
        handle: Handle,
        expect: Version,
        record: Record,
        now: Timestamp,
    ) -> Result<Updated, StoreError> {
        self.orders.write(move |tables| tables.update(handle, expect, record, now)).await
    }

    async fn touch(&self, seen: &[(Handle, Timestamp)]) -> Result<(), StoreError> {
        let seen = seen.to_vec();
        self.orders.write(move |tables| tables.touch(&seen)).await
    }

    async fn end(
        &self,
        handle: Handle,
        expect: Option<Version>,
        tombstone: Tombstone,
        now: Timestamp,
    ) -> Result<Ended, StoreError> {
        self.orders.write(move |tables| tables.end(handle, expect, tombstone, now)).await
    }

    async fn list_user(&self, user: &str, limit: usize, now: Timestamp) -> Result<Vec<Handle>, StoreError> {
        self.read(|database| {
            let transaction = database.begin_read()?;
            let sessions = transaction.open_table(SESSIONS)?;
            let mut handles = Vec::new();
            for entry in transaction.open_table(USERS)?.range((user, &[0; 16])..=(user, &[0xff; 16]))? {
                let (key, _) = entry?;
                let (_, id) = key.value();
                let row = sessions.get(id)?.map(|found| Row::decode(found.value()));
                if matches!(row, Some(Ok(row)) if row.expires_at() > now) {
                    handles.push(Handle::from_bytes(*id));
                }
                if handles.len() >= limit {
                    break;
                }
            }
            Ok(handles)
        })
    }

    async fn attempt_put(&self, key: AttemptKey, attempt: Attempt) -> Result<(), StoreError> {
        self.orders.write(move |tables| tables.attempt_put(&key, &attempt)).await
    }

    async fn attempt_take(&self, key: AttemptKey, now: Timestamp) -> Result<Option<Bytes>, StoreError> {
        let body = self.orders.write(move |tables| tables.attempt_take(&key, now)).await?;
        Ok(body.map(Bytes::from))
    }

    async fn sweep(&self, now: Timestamp, limit: usize) -> Result<Swept, StoreError> {
        self.orders.write(move |tables| tables.sweep(now, limit.min(SWEEP_MAX))).await
    }

    async fn watch(&self) -> Result<Watch, StoreError> {
        Ok(self.shared.events.watch())
    }

    /// Events are sent before their commit is acknowledged, so a beat may go straight into the channel; and only
    /// this process writes the file, so there is no majority to ask. A file that has failed is tried as often as it beats.
    async fn beat(&self, beat: Beat) -> Result<(), StoreError> {
        if self.shared.has_failed() {
            self.orders.nudge();
        }
        self.shared.events.send(Event::Alive(beat));
        Ok(())
    }

    fn capabilities(&self) -> Capabilities {
        // A reader sees what has been committed, and a commit is on the disk before anybody sees it.
        Capabilities { shared: false, durable: true, sweeps: true, reading_proves: true }
    }
}

#[cfg(test)]
mod tests;
