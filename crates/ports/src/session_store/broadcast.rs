//! Events within one process, for stores that live inside it. A slow watcher loses events and is told so.

use futures_util::StreamExt as _;
use futures_util::stream;
use tokio::sync::broadcast::{self, error::RecvError};

use super::{Event, Watch};

/// Most events that wait for the slowest watcher before it gets a `Gap` instead.
pub const WATCH_EVENTS_MAX: usize = 4_096;

/// Hands each event to all watchers. The caller's order of `send` is the order of delivery.
#[derive(Debug)]
pub struct Broadcast(broadcast::Sender<Event>);

impl Broadcast {
    /// A channel without watchers.
    pub fn new() -> Self {
        Self(broadcast::Sender::new(WATCH_EVENTS_MAX))
    }

    /// Delivers to everyone who watches now; nobody watching is fine.
    pub fn send(&self, event: Event) {
        // The error only says that there is no watcher.
        let _unwatched = self.0.send(event);
    }

    /// Everything that is sent from here on. The stream ends when the `Broadcast` is dropped.
    pub fn watch(&self) -> Watch {
        stream::unfold(self.0.subscribe(), async |mut events| match events.recv().await {
            Ok(event) => Some((event, events)),
            Err(RecvError::Lagged(_)) => Some((Event::Gap, events)),
            Err(RecvError::Closed) => None,
        })
        .boxed()
    }
}

impl Default for Broadcast {
    fn default() -> Self {
        Self::new()
    }
}
