//! A `SessionStore` in a hash map. The reference for what the contract means.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::watch;
use vestibule_domain::identity::{Handle, Timestamp};

use crate::session_store::{
    Attempt, AttemptKey, Beat, Broadcast, Capabilities, Created, Ended, Event, FIRST_VERSION, Record,
    SessionStore, Slot, StoreError, Stored, Swept, Tombstone, Updated, Version, Watch,
};

/// What is wrong with the store, until it is set otherwise. Calls that are held go on when it changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Fault {
    /// All is well.
    #[default]
    None,
    /// No call gets through.
    Unreachable,
    /// The next call does not get through. After it all is well.
    UnreachableOnce,
    /// Calls wait before they are carried out.
    HoldCalls,
    /// Calls are carried out and their answers wait.
    HoldAnswers,
    /// Writes are carried out and their answers are lost. Reads are well.
    LoseAnswers,
    /// Writes are carried out and a failover may undo them. Reads are well.
    Unsafe,
}

/// Sessions and attempts in this process.
#[derive(Debug, Default)]
pub struct MemorySessionStore {
    state: Mutex<State>,
    fault: watch::Sender<Fault>,
    reads: AtomicU64,
    reading_proves_nothing: AtomicBool,
}

#[derive(Debug, Default)]
struct State {
    slots: HashMap<Handle, Kept>,
    attempts: HashMap<AttemptKey, Attempt>,
    events: Broadcast,
    mute: bool,
}

#[derive(Debug)]
enum Kept {
    Live(Stored),
    Ended(Tombstone),
}

enum Call {
    Read,
    Write,
}

impl Kept {
    fn expires_at(&self) -> Timestamp {
        match self {
            Self::Live(stored) => stored.record.expires_at,
            Self::Ended(tombstone) => tombstone.expires_at,
        }
    }
}

impl State {
    fn find(&mut self, handle: Handle, now: Timestamp) -> Option<&mut Kept> {
        self.slots.get_mut(&handle).filter(|kept| kept.expires_at() > now)
    }

    fn send(&self, event: Event) {
        if !self.mute {
            self.events.send(event);
        }
    }
}

impl MemorySessionStore {
    /// An empty store without faults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Breaks the store, or heals it.
    pub fn set_fault(&self, fault: Fault) {
        self.fault.send_replace(fault);
    }

    /// Loses all events from here on, as a channel does that nobody has noticed to be dead.
    pub fn mute(&self, mute: bool) {
        self.state().mute = mute;
    }

    /// Ends every `Watch`, as a connection does that has been closed.
    pub fn drop_watchers(&self) {
        self.state().events = Broadcast::new();
    }

    /// From here on it says of itself that what is read may yet be lost, like a store that others copy.
    pub fn let_reading_prove_nothing(&self) {
        self.reading_proves_nothing.store(true, Ordering::Relaxed);
    }

    /// How many `get`s were carried out.
    pub fn reads(&self) -> u64 {
        self.reads.load(Ordering::Relaxed)
    }

    /// How many records, tombstones and attempts there are, expired ones too.
    pub fn entries(&self) -> usize {
        let state = self.state();
        state.slots.len() + state.attempts.len()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn call<T>(&self, call: Call, work: impl FnOnce(&mut State) -> T + Send) -> Result<T, StoreError>
    where
        T: Send,
    {
        let fault = self.unless(Fault::HoldCalls).await;
        if fault == Fault::UnreachableOnce {
            self.set_fault(Fault::None);
        }
        if matches!(fault, Fault::Unreachable | Fault::UnreachableOnce) {
            return Err(StoreError::Unreachable("switched off".to_owned()));
        }
        let answer = work(&mut self.state());
        match (self.unless(Fault::HoldAnswers).await, call) {
            (Fault::LoseAnswers, Call::Write) => Err(StoreError::Unknown("answer lost".to_owned())),
            (Fault::Unsafe, Call::Write) => Err(StoreError::Unsafe("no replica has it".to_owned())),
            _ => Ok(answer),
        }
    }

    /// Waits until the fault is another than `held`, and returns it.
    async fn unless(&self, held: Fault) -> Fault {
        let mut fault = self.fault.subscribe();
        // The sender is a field of `self`, so the channel cannot close while this waits.
        fault.wait_for(|now| *now != held).await.map_or(Fault::None, |now| *now)
    }
}

#[async_trait]
impl SessionStore for MemorySessionStore {
    async fn get(&self, handle: Handle, now: Timestamp) -> Result<Slot, StoreError> {
        self.call(Call::Read, |state| {
            self.reads.fetch_add(1, Ordering::Relaxed);
            match state.find(handle, now) {
                None => Slot::Absent,
                Some(Kept::Live(stored)) => Slot::Live(stored.clone()),
                Some(Kept::Ended(tombstone)) => Slot::Ended(tombstone.clone()),
            }
        })
        .await
    }

    async fn create(&self, handle: Handle, record: Record) -> Result<Created, StoreError> {
        self.call(Call::Write, |state| {
            let Entry::Vacant(slot) = state.slots.entry(handle) else { return Created::Exists };
            slot.insert(Kept::Live(Stored { version: FIRST_VERSION, record, last_seen: None }));
            state.send(Event::Changed { handle, version: FIRST_VERSION });
            Created::Created
        })
        .await
    }

    async fn update(
        &self,
        handle: Handle,
        expect: Version,
        record: Record,
        now: Timestamp,
    ) -> Result<Updated, StoreError> {
        self.call(Call::Write, |state| {
            let Some(Kept::Live(stored)) = state.find(handle, now) else { return Updated::Gone };
            if stored.version != expect {
                return Updated::Conflict;
            }
            let version = expect + 1;
            stored.version = version;
            stored.record = record;
            state.send(Event::Changed { handle, version });
            Updated::Updated(version)
        })
        .await
    }

    async fn touch(&self, seen: &[(Handle, Timestamp)]) -> Result<(), StoreError> {
        self.call(Call::Write, |state| {
            for (handle, at) in seen {
                if let Some(Kept::Live(stored)) = state.slots.get_mut(handle) {
                    stored.last_seen = stored.last_seen.max(Some(*at));
                }
            }
        })
        .await
    }

    async fn end(
        &self,
        handle: Handle,
        expect: Option<Version>,
        tombstone: Tombstone,
        now: Timestamp,
    ) -> Result<Ended, StoreError> {
        self.call(Call::Write, |state| match state.find(handle, now) {
            None => Ended::Absent,
            Some(Kept::Ended(_)) => Ended::Already,
            Some(Kept::Live(stored)) if expect.is_some_and(|expect| expect != stored.version) => {
                Ended::Conflict
            }
            Some(kept) => {
                *kept = Kept::Ended(tombstone);
                state.send(Event::Ended { handle });
                Ended::Ended
            }
        })
        .await
    }

    async fn list_user(&self, user: &str, limit: usize, now: Timestamp) -> Result<Vec<Handle>, StoreError> {
        self.call(Call::Read, |state| {
            let of_user = |kept: &Kept| {
                matches!(kept, Kept::Live(stored)
                    if stored.record.user.as_deref() == Some(user) && stored.record.expires_at > now)
            };
            let found = state.slots.iter().filter(|(_, kept)| of_user(kept));
            found.map(|(handle, _)| *handle).take(limit).collect()
        })
        .await
    }

    async fn attempt_put(&self, key: AttemptKey, attempt: Attempt) -> Result<(), StoreError> {
        self.call(Call::Write, |state| {
            state.attempts.insert(key, attempt);
        })
        .await
    }

    async fn attempt_take(&self, key: AttemptKey, now: Timestamp) -> Result<Option<Bytes>, StoreError> {
        self.call(Call::Write, |state| {
            let attempt = state.attempts.remove(&key)?;
            (attempt.expires_at > now).then_some(attempt.body)
        })
        .await
    }

    async fn sweep(&self, now: Timestamp, limit: usize) -> Result<Swept, StoreError> {
        self.call(Call::Write, |state| {
            let slots = state.slots.extract_if(|_, kept| kept.expires_at() <= now);
            let mut removed = slots.take(limit).count();
            let attempts = state.attempts.extract_if(|_, attempt| attempt.expires_at <= now);
            removed += attempts.take(limit - removed).count();
            Swept { removed, more: removed == limit }
        })
        .await
    }

    async fn watch(&self) -> Result<Watch, StoreError> {
        self.call(Call::Read, |state| state.events.watch()).await
    }

    async fn beat(&self, beat: Beat) -> Result<(), StoreError> {
        self.call(Call::Write, |state| state.send(Event::Alive(beat))).await
    }

    fn capabilities(&self) -> Capabilities {
        let reading_proves = !self.reading_proves_nothing.load(Ordering::Relaxed);
        Capabilities { shared: false, durable: false, sweeps: true, reading_proves }
    }
}
