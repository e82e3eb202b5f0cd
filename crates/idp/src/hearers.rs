//! Who follows the feed in this process, and how far each has heard. An end is acknowledged when all of them know, so that
//! here the very next request is refused; other processes are told as fast as the network goes.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout;

/// How long an acknowledgement waits for a follower that has stalled. What it holds back then is bounded by the lease.
const HEARD_MAX: Duration = Duration::from_millis(200);

/// The followers in this process.
pub(crate) struct Hearers(watch::Sender<Heard>);

/// The newest number that each has dealt with.
#[derive(Default)]
struct Heard {
    by: BTreeMap<u64, u64>,
    joined: u64,
}

/// One follower. It is forgotten when this is dropped.
pub(crate) struct Hearer {
    all: Arc<Hearers>,
    id: u64,
}

impl Hearers {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self(watch::Sender::default()))
    }

    /// Somebody follows who has dealt with everything up to this number.
    pub(crate) fn join(self: &Arc<Self>, seq: u64) -> Hearer {
        let mut id = 0;
        self.0.send_modify(|heard| {
            heard.joined += 1;
            id = heard.joined;
            heard.by.insert(id, seq);
        });
        Hearer { all: Arc::clone(self), id }
    }

    /// Returns when all have dealt with this number, or have had time enough.
    pub(crate) async fn wait_for(&self, seq: u64) {
        let mut heard = self.0.subscribe();
        let all = heard.wait_for(|heard| heard.by.values().all(|newest| *newest >= seq));
        // Who is too slow is no reason not to acknowledge what has been committed.
        let _ = timeout(HEARD_MAX, all).await;
    }
}

impl Hearer {
    /// It has dealt with everything up to this number.
    pub(crate) fn has_heard(&self, seq: u64) {
        self.all.0.send_if_modified(|heard| heard.by.insert(self.id, seq) != Some(seq));
    }
}

impl Drop for Hearer {
    fn drop(&mut self) {
        self.all.0.send_modify(|heard| {
            heard.by.remove(&self.id);
        });
    }
}

#[cfg(test)]
mod tests;
