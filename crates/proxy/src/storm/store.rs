//! The store that all nodes share, as one node reaches it: through links that fail, and with a bug where one is
//! planted. What is true is asked of it without any of that.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::FutureExt as _;
use tokio::sync::oneshot;
use vestibule_domain::audit::Cause;
use vestibule_domain::identity::{Handle, Timestamp};
use vestibule_domain::session::Session;
use vestibule_ports::memory::MemorySessionStore;
use vestibule_ports::session_store::{
    Attempt, AttemptKey, Beat, Capabilities, Created, Ended, Event, Record, SessionStore, Slot, StoreError,
    Stored, Swept, Tombstone, Updated, Version, Watch,
};

use super::links::{Copies, Fortune, Link, Links};

/// A bug that a storm has to find.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(super) enum Planted {
    #[default]
    Nothing,
    /// A touch of an ended session brings it back.
    TouchResurrects,
    /// A hole in the events changes no generation: what was cached before it is believed after it.
    GapUnheard,
    /// An update is answered before it is committed.
    AnswersEarly,
    /// An update does not look at the version.
    LosesUpdates,
    /// A read that failed has found nothing.
    ErrorIsAbsent,
    /// An end is acknowledged and forgotten.
    EndForgotten,
    /// An end makes no event, and no gap either.
    EndUntold,
    /// A fall by a rule is acknowledged and not saved.
    FallForgotten,
    /// Tokens do not say from which log-on they are, so the feed's end of one is not understood.
    GrantUnnamed,
    /// A node's monotonic time takes part in the steps of its time of day.
    OneClock,
    /// A store that is copied says that what is read from it is safe.
    ReadingBelieved,
}

/// What all nodes share.
pub(super) struct Truth {
    store: MemorySessionStore,
    pub(super) planted: Planted,
    /// Every record that was live, for a touch that resurrects.
    lived: Mutex<BTreeMap<Handle, Stored>>,
    risen: Mutex<BTreeMap<Handle, Stored>>,
    /// The newest time in each batch of touches that is not known to be saved.
    unsaved: Mutex<Vec<Timestamp>>,
    copies: Mutex<Copies>,
    /// What the copies have in place of what has been written and may yet be lost.
    behind: Mutex<BTreeMap<Handle, Slot>>,
}

impl Truth {
    pub(super) fn new(planted: Planted) -> Arc<Self> {
        Arc::new(Self {
            store: MemorySessionStore::new(),
            planted,
            lived: Mutex::default(),
            risen: Mutex::default(),
            unsaved: Mutex::default(),
            copies: Mutex::new(Copies::None),
            behind: Mutex::default(),
        })
    }

    pub(super) fn set_copies(&self, copies: Copies) {
        *self.copies.lock().unwrap() = copies;
    }

    /// The copies have everything, and are in time from here on.
    pub(super) fn heal(&self) {
        let mut copies = self.copies.lock().unwrap();
        *copies = if *copies == Copies::None { Copies::None } else { Copies::Kept };
        self.behind.lock().unwrap().clear();
    }

    fn copies(&self) -> Copies {
        *self.copies.lock().unwrap()
    }

    /// What is under a handle when the server is lost that took the writes.
    pub(super) fn safe_slot(&self, handle: Handle, now: Timestamp) -> Slot {
        let behind = self.behind.lock().unwrap().get(&handle).cloned();
        behind.unwrap_or_else(|| self.slot(handle, now))
    }

    /// Before a write: what the copies keep that do not get it.
    fn note_behind(&self, handle: Handle, now: Timestamp) {
        if matches!(self.copies(), Copies::Late | Copies::Stuck) {
            let slot = self.slot(handle, now);
            self.behind.lock().unwrap().entry(handle).or_insert(slot);
        }
    }

    /// The answer to a write that was carried out. What the copies have got they have got in its order: with it all
    /// that was written before.
    async fn answer<T>(&self, done: T) -> Result<T, StoreError> {
        match self.copies() {
            Copies::Late => Err(StoreError::Unsafe("the storm".to_owned())),
            Copies::Stuck => std::future::pending().await,
            Copies::None | Copies::Kept => {
                self.behind.lock().unwrap().clear();
                Ok(done)
            }
        }
    }

    async fn create(&self, handle: Handle, record: Record) -> Result<Created, StoreError> {
        // It was not there, so no time matters.
        self.note_behind(handle, Timestamp::from_millis(0));
        self.store.create(handle, record).await
    }

    /// What is under a handle, whatever fails.
    pub(super) fn slot(&self, handle: Handle, now: Timestamp) -> Slot {
        // Nothing holds its calls, so it answers at once; what it would yield to is not asked.
        let read = tokio::task::unconstrained(self.read(handle, now)).now_or_never();
        read.expect("a store in memory answers at once").expect("a store without faults answers")
    }

    /// Up to when touches may be lost.
    pub(super) fn touches_in_doubt_until(&self) -> Option<Timestamp> {
        self.unsaved.lock().unwrap().iter().copied().max()
    }

    /// A node died, and with it the touches that it had not saved.
    pub(super) fn lose_touches_until(&self, now: Timestamp) {
        self.unsaved.lock().unwrap().push(now);
    }

    async fn read(&self, handle: Handle, now: Timestamp) -> Result<Slot, StoreError> {
        let risen = self.risen.lock().unwrap().get(&handle).cloned();
        match risen {
            Some(stored) => Ok(Slot::Live(stored)),
            None => self.store.get(handle, now).await,
        }
    }

    async fn update(
        &self,
        handle: Handle,
        expect: Version,
        record: Record,
        now: Timestamp,
    ) -> Result<Updated, StoreError> {
        self.note_behind(handle, now);
        if self.planted == Planted::FallForgotten && has_fallen_by_rule(&record) {
            return Ok(Updated::Updated(expect + 1));
        }
        let expect = match self.store.get(handle, now).await? {
            Slot::Live(stored) if self.planted == Planted::LosesUpdates => stored.version,
            _ => expect,
        };
        self.store.update(handle, expect, record, now).await
    }

    async fn touch(&self, seen: &[(Handle, Timestamp)]) -> Result<(), StoreError> {
        if self.planted == Planted::TouchResurrects {
            for (handle, at) in seen {
                let slot = self.store.get(*handle, *at).await?;
                match slot {
                    Slot::Live(stored) => drop(self.lived.lock().unwrap().insert(*handle, stored)),
                    Slot::Ended(_) => {
                        let lived = self.lived.lock().unwrap().get(handle).cloned();
                        lived.map(|stored| self.risen.lock().unwrap().insert(*handle, stored));
                    }
                    Slot::Absent => {}
                }
            }
        }
        self.store.touch(seen).await
    }

    async fn end(
        &self,
        handle: Handle,
        expect: Option<Version>,
        tombstone: Tombstone,
        now: Timestamp,
    ) -> Result<Ended, StoreError> {
        self.note_behind(handle, now);
        match self.planted {
            Planted::EndForgotten => Ok(Ended::Ended),
            Planted::EndUntold => {
                self.store.mute(true);
                let ended = self.store.end(handle, expect, tombstone, now).await;
                self.store.mute(false);
                ended
            }
            _ => self.store.end(handle, expect, tombstone, now).await,
        }
    }
}

fn has_fallen_by_rule(record: &Record) -> bool {
    let session = Session::decode(&record.body);
    session.is_ok_and(|session| session.life().logged_out().is_some_and(|(_, cause)| cause == Cause::Rule))
}

/// The store as one node reaches it.
pub(super) struct StormStore {
    pub(super) truth: Arc<Truth>,
    pub(super) links: Arc<Links>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Call {
    Read,
    Write,
}

impl StormStore {
    /// Carries a call out, or not, and answers it, or not. A write that is on its way gets there, whether or not
    /// somebody still waits for its answer.
    async fn call<T, W, F>(&self, call: Call, work: W) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, StoreError>> + Send + 'static,
        W: FnOnce(Arc<Truth>) -> F + Send + 'static,
    {
        let (truth, fate) = (Arc::clone(&self.truth), Fortune::of_next_call(true));
        let link = *self.links.store.lock().unwrap();
        if link == Link::Refusing || fate.refused {
            return Err(StoreError::Unreachable("the storm".to_owned()));
        }
        if link == Link::Silent {
            return std::future::pending().await;
        }
        let work = async move {
            let done = work(Arc::clone(&truth)).await?;
            if call == Call::Write { truth.answer(done).await } else { Ok(done) }
        };
        if fate.is_plain() && link == Link::Up {
            return work.await;
        }
        let (answer, answered) = oneshot::channel();
        tokio::spawn(async move {
            tokio::time::sleep(fate.before).await;
            let done = work.await;
            tokio::time::sleep(fate.after).await;
            if link == Link::Deaf {
                return std::future::pending().await;
            }
            let lost = fate.lost && call == Call::Write;
            let done = if lost { Err(StoreError::Unknown("the storm".to_owned())) } else { done };
            // Whoever gave up does not wait for it.
            let _given_up = answer.send(done);
        });
        answered.await.expect("the call outlives whoever waits for it")
    }
}

#[async_trait]
impl SessionStore for StormStore {
    async fn get(&self, handle: Handle, now: Timestamp) -> Result<Slot, StoreError> {
        let read = self.call(Call::Read, move |truth| async move { truth.read(handle, now).await });
        if self.truth.planted != Planted::ErrorIsAbsent {
            return read.await;
        }
        let read = tokio::time::timeout(Duration::from_millis(250), read).await;
        Ok(read.map_or(Slot::Absent, |read| read.unwrap_or(Slot::Absent)))
    }

    async fn create(&self, handle: Handle, record: Record) -> Result<Created, StoreError> {
        self.call(Call::Write, move |truth| async move { truth.create(handle, record).await }).await
    }

    async fn update(
        &self,
        handle: Handle,
        expect: Version,
        record: Record,
        now: Timestamp,
    ) -> Result<Updated, StoreError> {
        let update = move |truth: Arc<Truth>| async move { truth.update(handle, expect, record, now).await };
        if self.truth.planted != Planted::AnswersEarly {
            return self.call(Call::Write, update).await;
        }
        let truth = Arc::clone(&self.truth);
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(30)).await;
            update(truth).await
        });
        Ok(Updated::Updated(expect + 1))
    }

    async fn touch(&self, seen: &[(Handle, Timestamp)]) -> Result<(), StoreError> {
        let Some(newest) = seen.iter().map(|(_, at)| *at).max() else { return Ok(()) };
        // Until it is known to be saved.
        self.truth.unsaved.lock().unwrap().push(newest);
        let seen = seen.to_vec();
        self.call(Call::Write, move |truth| async move { truth.touch(&seen).await }).await?;
        let mut unsaved = self.truth.unsaved.lock().unwrap();
        let saved = unsaved.iter().position(|at| *at == newest);
        saved.map(|at| unsaved.swap_remove(at));
        Ok(())
    }

    async fn end(
        &self,
        handle: Handle,
        expect: Option<Version>,
        tombstone: Tombstone,
        now: Timestamp,
    ) -> Result<Ended, StoreError> {
        let end = move |truth: Arc<Truth>| async move { truth.end(handle, expect, tombstone, now).await };
        self.call(Call::Write, end).await
    }

    async fn list_user(&self, user: &str, limit: usize, now: Timestamp) -> Result<Vec<Handle>, StoreError> {
        let user = user.to_owned();
        let list = move |truth: Arc<Truth>| async move {
            let mut found = truth.store.list_user(&user, limit, now).await?;
            // Their order is no part of the contract, and would differ from play to play.
            found.sort();
            Ok(found)
        };
        self.call(Call::Read, list).await
    }

    async fn attempt_put(&self, key: AttemptKey, attempt: Attempt) -> Result<(), StoreError> {
        self.call(Call::Write, move |truth| async move { truth.store.attempt_put(key, attempt).await }).await
    }

    async fn attempt_take(&self, key: AttemptKey, now: Timestamp) -> Result<Option<Bytes>, StoreError> {
        self.call(Call::Write, move |truth| async move { truth.store.attempt_take(key, now).await }).await
    }

    async fn sweep(&self, now: Timestamp, limit: usize) -> Result<Swept, StoreError> {
        self.call(Call::Write, move |truth| async move { truth.store.sweep(now, limit).await }).await
    }

    async fn watch(&self) -> Result<Watch, StoreError> {
        if self.links.events.is_cut() {
            return Err(StoreError::Unreachable("the storm".to_owned()));
        }
        let watch = self.call(Call::Read, move |truth| async move { truth.store.watch().await }).await?;
        let gap = (self.truth.planted != Planted::GapUnheard).then_some((|| Event::Gap) as fn() -> Event);
        Ok(self.links.events.carry(watch, gap))
    }

    async fn beat(&self, beat: Beat) -> Result<(), StoreError> {
        self.call(Call::Write, move |truth| async move { truth.store.beat(beat).await }).await
    }

    fn capabilities(&self) -> Capabilities {
        let reading_proves =
            self.truth.copies() == Copies::None || self.truth.planted == Planted::ReadingBelieved;
        Capabilities { shared: true, durable: true, sweeps: true, reading_proves }
    }
}
