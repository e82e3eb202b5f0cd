//! The back runtime: where stores and the identity provider run, so that a core never waits inside a driver. Cores reach
//! it for a miss or a commit only; who cannot get a place at once is refused, and nothing queues without a bound.

use std::future::Future;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use tokio::runtime::Handle as RuntimeHandle;
use tokio::sync::Semaphore;
use vestibule_domain::identity::{Handle, Timestamp};
use vestibule_ports::issuer::{
    Cause, End, Feed, Issuer, IssuerError, LogOn, Mint, Minted, Presented, Redeem, Swapped,
};
use vestibule_ports::session_store::{
    Attempt, AttemptKey, Beat, Capabilities, Created, Ended, Record, SessionStore, Slot, StoreError, Swept,
    Tombstone, Updated, Version, Watch,
};

use crate::store_news::{Kind, StoreNews};

/// Calls under way at once, of all cores.
const CALLS_MAX: usize = 4096;

/// Runs calls on the back runtime.
#[derive(Clone)]
pub(crate) struct Back {
    runtime: RuntimeHandle,
    places: Arc<Semaphore>,
}

/// A call was not carried out, or nobody knows how far.
enum Failed {
    Full,
    /// The call died of a panic, or the process is ending.
    Died,
}

impl Back {
    pub(crate) fn new(runtime: RuntimeHandle) -> Self {
        Self { runtime, places: Arc::new(Semaphore::new(CALLS_MAX)) }
    }

    /// Runs a call to its end, also when the caller goes away meanwhile.
    async fn run<T: Send + 'static>(
        &self,
        call: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, Failed> {
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| Failed::Full)?;
        let done = self.runtime.spawn(async move {
            let answer = call.await;
            drop(place);
            answer
        });
        done.await.map_err(|_| Failed::Died)
    }
}

/// A session store on the back runtime. The node's standing work (beats, touches, sweeps) needs no place: there is one of
/// each, and without them nothing could be believed any more.
pub(crate) struct StoreOnBack {
    pub(crate) store: Arc<dyn SessionStore>,
    pub(crate) back: Back,
    pub(crate) news: Arc<StoreNews>,
}

impl StoreOnBack {
    async fn call<T, F>(
        &self,
        kind: Kind,
        call: impl FnOnce(Arc<dyn SessionStore>) -> F,
    ) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, StoreError>> + Send + 'static,
    {
        let listening = self.news.listen(kind);
        let answer = match self.back.run(call(Arc::clone(&self.store))).await {
            Ok(answer) => answer,
            Err(Failed::Full) => Err(StoreError::Unreachable("too many calls are under way".to_owned())),
            Err(Failed::Died) => Err(StoreError::Unknown("the call was lost".to_owned())),
        };
        listening.end(&answer);
        answer
    }

    /// A call of the standing work.
    async fn chore<T>(
        &self,
        kind: Kind,
        call: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let listening = self.news.listen(kind);
        let answer = call.await;
        listening.end(&answer);
        answer
    }
}

#[async_trait]
impl SessionStore for StoreOnBack {
    async fn get(&self, handle: Handle, now: Timestamp) -> Result<Slot, StoreError> {
        self.call(Kind::Read, move |store| async move { store.get(handle, now).await }).await
    }

    async fn create(&self, handle: Handle, record: Record) -> Result<Created, StoreError> {
        self.call(Kind::Write, move |store| async move { store.create(handle, record).await }).await
    }

    async fn update(
        &self,
        handle: Handle,
        expect: Version,
        record: Record,
        now: Timestamp,
    ) -> Result<Updated, StoreError> {
        self.call(Kind::Write, move |store| async move { store.update(handle, expect, record, now).await })
            .await
    }

    async fn touch(&self, seen: &[(Handle, Timestamp)]) -> Result<(), StoreError> {
        self.chore(Kind::Write, self.store.touch(seen)).await
    }

    async fn end(
        &self,
        handle: Handle,
        expect: Option<Version>,
        tombstone: Tombstone,
        now: Timestamp,
    ) -> Result<Ended, StoreError> {
        self.call(Kind::Write, move |store| async move { store.end(handle, expect, tombstone, now).await })
            .await
    }

    async fn list_user(&self, user: &str, limit: usize, now: Timestamp) -> Result<Vec<Handle>, StoreError> {
        let user = user.to_owned();
        self.call(Kind::Read, move |store| async move { store.list_user(&user, limit, now).await }).await
    }

    async fn attempt_put(&self, key: AttemptKey, attempt: Attempt) -> Result<(), StoreError> {
        self.call(Kind::Write, move |store| async move { store.attempt_put(key, attempt).await }).await
    }

    async fn attempt_take(&self, key: AttemptKey, now: Timestamp) -> Result<Option<Bytes>, StoreError> {
        self.call(Kind::Write, move |store| async move { store.attempt_take(key, now).await }).await
    }

    async fn sweep(&self, now: Timestamp, limit: usize) -> Result<Swept, StoreError> {
        self.chore(Kind::Chore, self.store.sweep(now, limit)).await
    }

    async fn watch(&self) -> Result<Watch, StoreError> {
        self.store.watch().await
    }

    async fn beat(&self, beat: Beat) -> Result<(), StoreError> {
        if !self.store.capabilities().shared {
            // Within one process it says nothing of the disk.
            return self.store.beat(beat).await;
        }
        self.chore(Kind::Chore, self.store.beat(beat)).await
    }

    fn capabilities(&self) -> Capabilities {
        self.store.capabilities()
    }
}

/// The identity provider on the back runtime.
pub(crate) struct IssuerOnBack {
    pub(crate) issuer: Arc<dyn Issuer>,
    pub(crate) back: Back,
}

impl IssuerOnBack {
    async fn call<T, F>(&self, call: impl FnOnce(Arc<dyn Issuer>) -> F) -> Result<T, IssuerError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, IssuerError>> + Send + 'static,
    {
        match self.back.run(call(Arc::clone(&self.issuer))).await {
            Ok(answer) => answer,
            Err(Failed::Full) => Err(IssuerError::Unreachable("too many calls are under way".to_owned())),
            Err(Failed::Died) => Err(IssuerError::Bug("the call was lost".to_owned())),
        }
    }
}

#[async_trait]
impl Issuer for IssuerOnBack {
    async fn redeem(&self, redeem: Redeem) -> Result<LogOn, IssuerError> {
        self.call(move |issuer| async move { issuer.redeem(redeem).await }).await
    }

    async fn mint(&self, mint: Mint, seen: Option<Timestamp>) -> Result<Minted, IssuerError> {
        self.call(move |issuer| async move { issuer.mint(mint, seen).await }).await
    }

    async fn swap(&self, presented: Presented) -> Result<Swapped, IssuerError> {
        self.call(move |issuer| async move { issuer.swap(presented).await }).await
    }

    async fn end(&self, end: End, cause: Cause) -> Result<(), IssuerError> {
        self.call(move |issuer| async move { issuer.end(end, cause).await }).await
    }

    async fn feed(&self, after: u64) -> Result<Feed, IssuerError> {
        self.call(move |issuer| async move { issuer.feed(after).await }).await
    }
}
