//! The contract of `SessionStore`: one function a rule, run by every store against the real thing.
//! Must not know which store it runs against, beyond what `Capabilities` tells.
#![expect(clippy::unwrap_used, reason = "a contract is a test, though it is compiled as a library")]

/// Runs rules, each on a store that is named after it.
macro_rules! rules {
    ($stores:ident, $($rule:ident),+ $(,)?) => {
        $($rule(&$stores.open(stringify!($rule)).await).await;)+
    };
}

/// The same for rules about nodes that race: each runs on two of them, or on one where the store is no shared one.
macro_rules! rules_of_two {
    ($stores:ident, $($rule:ident),+ $(,)?) => {
        $($rule(&Nodes::open($stores, stringify!($rule)).await).await;)+
    };
}

mod attempts;
mod durability;
mod ends;
mod events;
mod expiry;
mod late;
mod records;
mod touches;
mod users;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use vestibule_domain::identity::{Handle, Timestamp};
use vestibule_ports::session_store::{Record, SessionStore, Slot, Stored, Tombstone};

pub use late::{Network, late_writes};

/// The time of day at which the suite runs.
const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

/// How long the suite's entries live.
const LIFE: Duration = Duration::from_hours(1);

/// Where the suite gets its stores from.
#[async_trait]
pub trait Stores: Send + Sync {
    /// The store of this name: without entries the first time, with what is left of it when the name comes again. While
    /// one is in use its name comes again only where the store is shared, and means another node then.
    async fn open(&self, name: &str) -> Arc<dyn SessionStore>;
}

type Store = Arc<dyn SessionStore>;

/// Two nodes of one store. What keeps their callers apart must be the store: a lock in one process would not.
struct Nodes([Store; 2]);

impl Nodes {
    async fn open(stores: &dyn Stores, name: &str) -> Self {
        let first = stores.open(name).await;
        let second = if first.capabilities().shared { stores.open(name).await } else { Arc::clone(&first) };
        Self([first, second])
    }

    fn first(&self) -> &Store {
        &self.0[0]
    }

    /// One of them, by turns.
    fn of(&self, caller: usize) -> Store {
        Arc::clone(&self.0[caller % self.0.len()])
    }
}

/// Runs every rule, each on a store of its own. Panics at the first one that is broken.
/// Wants a multi-thread runtime, or races have one outcome only.
pub async fn all(stores: &dyn Stores) {
    all_but_floods(stores).await;
    events::flood(stores).await;
}

/// The same without the rule that takes thousands of calls: for arrangements that differ from others in the way in only.
pub async fn all_but_floods(stores: &dyn Stores) {
    records::run(stores).await;
    touches::run(stores).await;
    ends::run(stores).await;
    expiry::run(stores).await;
    users::run(stores).await;
    attempts::run(stores).await;
    events::run(stores).await;
    durability::run(stores).await;
}

fn handle(number: u64) -> Handle {
    let mut bytes = [0xa5; 16];
    bytes[..8].copy_from_slice(&number.to_be_bytes());
    Handle::from_bytes(bytes)
}

fn record(body: impl AsRef<[u8]>) -> Record {
    Record { body: Bytes::copy_from_slice(body.as_ref()), user: None, expires_at: NOW + LIFE }
}

fn record_of(user: &str) -> Record {
    Record { user: Some(user.to_owned()), ..record("of a user") }
}

fn tombstone(body: &'static str) -> Tombstone {
    Tombstone { body: Bytes::from_static(body.as_bytes()), expires_at: NOW + LIFE }
}

async fn live(store: &Store, handle: Handle) -> Stored {
    match store.get(handle, NOW).await.unwrap() {
        Slot::Live(stored) => stored,
        other => panic!("{handle:?} should be live and is {other:?}"),
    }
}
