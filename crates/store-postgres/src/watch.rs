//! Listening: a connection of its own for each watch, so that it ends when the watch does.

use std::future::poll_fn;
use std::time::Duration;

use futures_util::StreamExt as _;
use tokio::task::AbortHandle;
use tokio::time::timeout;
use tokio_postgres::{AsyncMessage, Client};
use vestibule_ports::session_store::{Broadcast, StoreError, Watch};

use crate::dial::{Dialer, Link};
use crate::event;
use crate::failure::{Failure, Intent};

/// How long a subscription may take.
const WATCH_MAX: Duration = Duration::from_secs(2);

/// What must live as long as the watch: the driver ends with its client, and the task with this.
struct Listener {
    _client: Client,
    _hear: Hear,
}

struct Hear(AbortHandle);

impl Drop for Hear {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Subscribes, and returns when the server has confirmed it.
pub(crate) async fn watch(dialer: &Dialer, channel: &str) -> Result<Watch, StoreError> {
    let unreachable = |why: String| StoreError::Unreachable(why);
    let (client, link) = dialer.dial(WATCH_MAX).await.map_err(|e| unreachable(e.to_string()))?;
    let events = Broadcast::new();
    let watch = events.watch();
    let hear = Hear(tokio::spawn(hear(link, events)).abort_handle());
    match timeout(WATCH_MAX, client.batch_execute(&format!("LISTEN \"{channel}\""))).await {
        Ok(Ok(())) => {}
        Ok(Err(e)) => return Err(Failure::from(e).into_store_error(Intent::Read)),
        Err(_) => return Err(StoreError::Deadline),
    }
    let listener = Listener { _client: client, _hear: hear };
    let watch = watch.map(move |event| {
        let _lives_as_long_as_the_stream = &listener;
        event
    });
    Ok(watch.boxed())
}

/// Reads as fast as the server tells: a listener that is slow to read fills the queue of all. What its watcher does not
/// take in time becomes a `Gap`.
async fn hear(mut link: Link, events: Broadcast) {
    while let Some(Ok(message)) = poll_fn(|cx| link.poll_message(cx)).await {
        if let AsyncMessage::Notification(told) = message {
            for event in event::read(told.payload()) {
                events.send(event);
            }
        }
    }
}
