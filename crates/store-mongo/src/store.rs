//! The store behind the port: each call a task, each task a few lines elsewhere.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use tempfile::NamedTempFile;
use vestibule_domain::identity::{Handle, Timestamp};
use vestibule_ports::session_store::{
    Attempt, AttemptKey, Beat, Capabilities, Created, Ended, Record, SessionStore, Slot, StoreError, Swept,
    Tombstone, Updated, Version, Watch,
};

use crate::calls::{Calls, Kind, standing};
use crate::collections::Collections;
use crate::{attempts, records, sweep, touches, warnings, watch};

/// Sessions in a MongoDB database.
pub struct MongoStore {
    collections: Collections,
    calls: Calls,
    beats: AtomicU64,
    /// The roots of trust, which the driver reads again when it meets another member.
    _roots: Option<NamedTempFile>,
}

impl MongoStore {
    pub(crate) fn new(collections: Collections, calls_max: u32, roots: Option<NamedTempFile>) -> Self {
        Self { collections, calls: Calls::new(calls_max), beats: AtomicU64::new(0), _roots: roots }
    }

    /// What the live server's settings may lose or delay. Empty where it cannot be asked.
    pub async fn warnings(&self) -> Vec<String> {
        let collections = self.collections.clone();
        let asked = standing(Kind::Read, async move { Ok(warnings::of(&collections).await) });
        asked.await.unwrap_or_default()
    }

    fn own(&self) -> Collections {
        self.collections.clone()
    }
}

impl fmt::Debug for MongoStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MongoStore")
            .field("database", &self.collections.database.name())
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl SessionStore for MongoStore {
    async fn get(&self, handle: Handle, now: Timestamp) -> Result<Slot, StoreError> {
        let own = self.own();
        self.calls.run(Kind::Read, async move { records::get(&own, handle, now).await }).await
    }

    async fn create(&self, handle: Handle, record: Record) -> Result<Created, StoreError> {
        let own = self.own();
        self.calls.run(Kind::Write, async move { records::create(&own, handle, record).await }).await
    }

    async fn update(
        &self,
        handle: Handle,
        expect: Version,
        record: Record,
        now: Timestamp,
    ) -> Result<Updated, StoreError> {
        let own = self.own();
        let call = async move { records::update(&own, handle, expect, record, now).await };
        self.calls.run(Kind::Write, call).await
    }

    async fn touch(&self, seen: &[(Handle, Timestamp)]) -> Result<(), StoreError> {
        let (own, seen) = (self.own(), seen.to_vec());
        standing(Kind::Write, async move { touches::touch(&own, seen).await }).await
    }

    async fn end(
        &self,
        handle: Handle,
        expect: Option<Version>,
        tombstone: Tombstone,
        now: Timestamp,
    ) -> Result<Ended, StoreError> {
        let own = self.own();
        let call = async move { records::end(&own, handle, expect, tombstone, now).await };
        self.calls.run(Kind::Write, call).await
    }

    async fn list_user(&self, user: &str, limit: usize, now: Timestamp) -> Result<Vec<Handle>, StoreError> {
        let (own, user) = (self.own(), user.to_owned());
        self.calls.run(Kind::Read, async move { records::list_user(&own, user, limit, now).await }).await
    }

    async fn attempt_put(&self, key: AttemptKey, attempt: Attempt) -> Result<(), StoreError> {
        let own = self.own();
        self.calls.run(Kind::Write, async move { attempts::put(&own, key, attempt).await }).await
    }

    async fn attempt_take(&self, key: AttemptKey, now: Timestamp) -> Result<Option<Bytes>, StoreError> {
        let own = self.own();
        self.calls.run(Kind::Write, async move { attempts::take(&own, key, now).await }).await
    }

    async fn sweep(&self, now: Timestamp, limit: usize) -> Result<Swept, StoreError> {
        let own = self.own();
        standing(Kind::Write, async move { sweep::sweep(&own, now, limit).await }).await
    }

    async fn watch(&self) -> Result<Watch, StoreError> {
        let own = self.own();
        standing(Kind::Read, async move { watch::watch(&own).await }).await
    }

    async fn beat(&self, beat: Beat) -> Result<(), StoreError> {
        let own = self.own();
        let count = self.beats.fetch_add(1, Ordering::Relaxed);
        standing(Kind::Write, async move { watch::beat(&own, beat, count).await }).await
    }

    fn capabilities(&self) -> Capabilities {
        let reading_proves = self.collections.reading_proves();
        Capabilities { shared: true, durable: true, sweeps: true, reading_proves }
    }
}
