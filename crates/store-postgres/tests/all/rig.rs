//! One PostgreSQL for all tests that leave it alone, with a database for each of them; and what tests do with a store.

use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt as _;
use tokio::time::timeout;
use vestibule_domain::identity::{Handle, Timestamp};
use vestibule_ports::clock::Mono;
use vestibule_ports::session_store::{
    Beat, Event, Record, SessionStore as _, Slot, StoreError, Stored, Tombstone, Watch,
};
use vestibule_store_postgres::{Config, PostgresStore};
use vestibule_testkit::patience::{PATIENCE, Patience};
use vestibule_testkit::server::postgres::{Postgres, SUPERUSER};

pub(crate) const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);
pub(crate) const LIFE: Duration = Duration::from_hours(1);

/// Within this time everything works again after an outage.
pub(crate) const HEALED_WITHIN: Duration = Duration::from_secs(2);

/// What a request waits for a call: `sessions` drops it then.
pub(crate) const DEADLINE: Duration = Duration::from_millis(300);

/// The shared server. Tests that freeze, kill or fill one start their own.
pub(crate) fn server() -> &'static Postgres {
    static SERVER: OnceLock<Postgres> = OnceLock::new();
    SERVER.get_or_init(|| Postgres::start_with(&["max_connections=300"]))
}

/// A database of this name on the shared server, made when it is first asked for.
pub(crate) fn database(name: &str) -> Config {
    static MADE: Mutex<Vec<String>> = Mutex::new(Vec::new());
    let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
    if !made.iter().any(|it| it == name) {
        server().database(name);
        made.push(name.to_owned());
    }
    config(server(), name)
}

pub(crate) fn config(server: &Postgres, database: &str) -> Config {
    Config::parse(&format!("{}?connections_max=8", server.url(SUPERUSER, database))).expect("a good URL")
}

/// A store in a database of its own on the shared server.
pub(crate) async fn store(name: &str) -> PostgresStore {
    PostgresStore::open(database(name)).await.expect("the server is there")
}

/// A store on a server of its own.
pub(crate) async fn store_on(server: &Postgres) -> PostgresStore {
    PostgresStore::open(config(server, "postgres")).await.expect("the server is there")
}

pub(crate) fn handle(number: u64) -> Handle {
    let mut bytes = [0x5a; 16];
    bytes[..8].copy_from_slice(&number.to_be_bytes());
    Handle::from_bytes(bytes)
}

pub(crate) fn record(body: &'static str) -> Record {
    Record { body: Bytes::from_static(body.as_bytes()), user: None, expires_at: NOW + LIFE }
}

pub(crate) fn record_of(user: &str) -> Record {
    Record { user: Some(user.to_owned()), ..record("of a user") }
}

pub(crate) fn tombstone() -> Tombstone {
    Tombstone { body: Bytes::from_static(b"over"), expires_at: NOW + LIFE }
}

pub(crate) fn beat(number: u64) -> Beat {
    Beat { watcher: number, sent: Mono::from_start(Duration::from_millis(number)) }
}

pub(crate) async fn live(store: &PostgresStore, number: u64) -> Stored {
    match store.get(handle(number), NOW).await.expect("a read") {
        Slot::Live(stored) => stored,
        other => panic!("{number} should be live and is {other:?}"),
    }
}

/// As a request calls: with a deadline, after which nobody waits any more.
pub(crate) async fn in_time<T>(call: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
    timeout(DEADLINE, call).await.unwrap_or(Err(StoreError::Deadline))
}

/// Calls until one succeeds, and returns how long that took.
pub(crate) async fn healed<T, F>(mut call: impl FnMut() -> F) -> (T, Duration)
where
    F: Future<Output = Result<T, StoreError>>,
{
    let patience = Patience::new(PATIENCE);
    loop {
        match in_time(call()).await {
            Ok(answer) => return (answer, patience.waited()),
            Err(e) => assert!(!patience.left().is_zero(), "never healed: {e}"),
        }
        tokio::task::yield_now().await;
    }
}

/// All events up to a beat of our own.
pub(crate) async fn heard(store: &PostgresStore, watch: &mut Watch, number: u64) -> Vec<Event> {
    store.beat(beat(number)).await.expect("a beat");
    let mut heard = Vec::new();
    loop {
        match timeout(PATIENCE, watch.next()).await.expect("in time").expect("the channel is there") {
            Event::Alive(own) if own == beat(number) => return heard,
            Event::Alive(_) => {}
            event => heard.push(event),
        }
    }
}
