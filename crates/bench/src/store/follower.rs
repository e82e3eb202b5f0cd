//! What a node does beside its visitors' requests: it hears what others change, and beats twice a second. Some stores are
//! asked in another way where no beat comes through, so nothing is measured without.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{interval, timeout};
use vestibule_ports::clock::{Clock, SystemClock};
use vestibule_ports::session_store::{Beat, Event, SessionStore, StoreError, Watch};
use vestibule_sessions::BEAT_EVERY;

/// How long the first beat may take to come back.
const FIRST_BEAT_MAX: Duration = Duration::from_secs(5);
/// By this it knows its own beats. Nobody else beats in the place of a benchmark.
const NODE: u64 = 1;

/// Follows one store until it is dropped.
pub(super) struct Follower {
    hearing: JoinHandle<()>,
    beating: JoinHandle<()>,
}

impl Follower {
    /// Begins, and returns when the first beat has come back.
    pub(super) async fn start(store: &Arc<dyn SessionStore>) -> Result<Self, StoreError> {
        let watch = store.watch().await?;
        let (heard, first) = oneshot::channel();
        let follower = Self {
            hearing: tokio::spawn(hear(Arc::clone(store), watch, heard)),
            beating: tokio::spawn(beat(Arc::clone(store))),
        };
        match timeout(FIRST_BEAT_MAX, first).await {
            Ok(Ok(())) => Ok(follower),
            _ => Err(StoreError::Unreachable("no beat has come back".to_owned())),
        }
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.hearing.abort();
        self.beating.abort();
    }
}

async fn hear(store: Arc<dyn SessionStore>, mut watch: Watch, heard: oneshot::Sender<()>) {
    let mut heard = Some(heard);
    loop {
        match watch.next().await {
            Some(Event::Alive(Beat { watcher: NODE, .. })) => {
                // Only the first one is waited for.
                let _told = heard.take().map(|heard| heard.send(()));
            }
            Some(_) => {}
            // The channel was lost, as it may be under load: a node opens it again.
            None => match store.watch().await {
                Ok(again) => watch = again,
                Err(_) => tokio::time::sleep(BEAT_EVERY).await,
            },
        }
    }
}

async fn beat(store: Arc<dyn SessionStore>) {
    let clock = SystemClock::new();
    let mut beats = interval(BEAT_EVERY);
    loop {
        beats.tick().await;
        // The next one may come through.
        let _unsent = store.beat(Beat { watcher: NODE, sent: clock.mono() }).await;
    }
}
