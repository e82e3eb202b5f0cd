//! The node's standing work: following the store's events, beating, saving touches, sweeping.

use std::convert::Infallible;
use std::time::Duration;

use futures_util::{StreamExt as _, future};
use tokio::time::{self, MissedTickBehavior, interval, timeout};
use vestibule_ports::session_store::{Beat, Event, StoreError, Watch};

use crate::deadline;
use crate::sessions::Sessions;
use crate::touches::{TOUCH_AGAIN, TOUCH_EVERY};

/// How often a beat is sent: three fit into a lease.
pub const BEAT_EVERY: Duration = Duration::from_millis(500);

/// A channel that was silent for so long is taken for dead. Beats should have come through it.
pub const SILENCE_MAX: Duration = Duration::from_secs(3);

/// How long to wait before a lost channel is opened again.
pub const RECONNECT_EVERY: Duration = Duration::from_millis(250);

/// How long opening a channel may take: a connection of its own, with a handshake and a log-in.
pub(crate) const WATCH_MAX: Duration = Duration::from_secs(2);

/// How often expired entries are looked for.
pub const SWEEP_EVERY: Duration = Duration::from_secs(10);

/// Entries removed in one call.
pub const SWEEP_ENTRIES: usize = 200;

/// Calls in a row, so that a flood of expiries is spread over time.
pub const SWEEP_ROUNDS_MAX: usize = 100;

impl<X: Default + Send + Sync> Sessions<X> {
    /// Does the node's standing work for ever. Drop it to stop, then call `close`.
    pub async fn run(&self) -> Infallible {
        future::join4(self.follow(), self.beat_on(), self.flush_on(), self.sweep_on()).await.0
    }

    /// Listens, and while it does the cache may be believed.
    async fn follow(&self) -> Infallible {
        loop {
            if let Ok(Ok(watch)) = timeout(WATCH_MAX, self.store.watch()).await {
                self.cache.lease.subscribe();
                // At once, not up to half a second later: until the first beat is back everybody reads the store.
                let (_unsent, ()) = future::join(self.beat(), self.heed_all(watch)).await;
                self.cache.lease.unsubscribe();
            }
            time::sleep(RECONNECT_EVERY).await;
        }
    }

    /// Events and beats in their order, by this one task, until the channel ends or falls silent.
    async fn heed_all(&self, mut watch: Watch) {
        while let Ok(Some(event)) = timeout(SILENCE_MAX, watch.next()).await {
            self.heed(event);
        }
    }

    pub(crate) fn heed(&self, event: Event) {
        match event {
            Event::Alive(beat) if beat.watcher == self.node => self.cache.lease.renew(beat.sent),
            Event::Alive(_) => {}
            Event::Changed { handle, version } => self.cache.invalidate(handle, Some(version)),
            Event::Ended { handle } => {
                self.cache.invalidate(handle, None);
                self.news.send_replace(());
            }
            Event::Gap => {
                self.cache.lease.subscribe();
                self.news.send_replace(());
            }
        }
    }

    async fn beat_on(&self) -> Infallible {
        let mut beats = interval(BEAT_EVERY);
        beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            beats.tick().await;
            // A beat that is not sent is noticed by the lease.
            let _unsent = self.beat().await;
        }
    }

    pub(crate) async fn beat(&self) -> Result<(), StoreError> {
        let beat = Beat { watcher: self.node, sent: self.clock.mono() };
        // The next one is due then.
        deadline::within(BEAT_EVERY, self.store.beat(beat)).await
    }

    async fn flush_on(&self) -> Infallible {
        loop {
            if self.flush_touches().await.is_ok() {
                // Either is a reason: time, or enough for a batch.
                let _reason = timeout(TOUCH_EVERY, self.touches.full.notified()).await;
            } else {
                // Not earlier, though enough for a batch may wait: what was given back is enough already.
                time::sleep(TOUCH_AGAIN).await;
            }
        }
    }

    async fn sweep_on(&self) -> Infallible {
        loop {
            time::sleep(SWEEP_EVERY).await;
            for _ in 0..SWEEP_ROUNDS_MAX {
                match deadline::chore(self.store.sweep(self.clock.wall(), SWEEP_ENTRIES)).await {
                    Ok(swept) if swept.more => {}
                    _ => break,
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
