//! Servers and stores of the tests, and how they wait.

use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt as _;
use mongodb::{Client, Database};
use tokio::time::timeout;
use vestibule_domain::identity::{Handle, Timestamp};
use vestibule_ports::clock::Mono;
use vestibule_ports::session_store::{Beat, Event, Record, SessionStore as _, Tombstone, Watch};
use vestibule_store_mongo::{Config, MongoStore};
use vestibule_testkit::patience::Patience;
use vestibule_testkit::server::mongo::{Manner, ROOT, ROOT_PASSWORD, ReplicaSet};

pub(crate) const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

/// After an outage everything works again within this.
pub(crate) const HEALED: Duration = Duration::from_secs(2);

/// How long a request waits for the store.
pub(crate) const DEADLINE: Duration = Duration::from_millis(300);

static SHARED: LazyLock<Mutex<ReplicaSet>> = LazyLock::new(|| Mutex::new(ReplicaSet::of_one()));

/// The URL of a database on the shared server. Nobody may harm that one.
pub(crate) fn url(database: &str) -> String {
    SHARED.lock().unwrap().url(database)
}

pub(crate) async fn open(url: &str) -> Arc<MongoStore> {
    Arc::new(MongoStore::open(Config::parse(url).unwrap()).await.unwrap())
}

/// A set with users and TLS, for all tests that want one.
pub(crate) static GUARDED: LazyLock<ReplicaSet> =
    LazyLock::new(|| ReplicaSet::start(1, Manner { users: true, tls: true, ..Manner::default() }));

/// The URL of a database there for this user, with its password.
pub(crate) fn guarded_url(user: &str, database: &str) -> String {
    let url = GUARDED.url(database).replace("mongodb://", &format!("mongodb://{user}@"));
    format!("{url}&authSource=admin")
}

/// The database that has the users of the guarded set, for the one who may do everything.
pub(crate) async fn users_of_guarded() -> Database {
    let root = format!("{ROOT}:{}", ROOT_PASSWORD.replace(' ', "%20"));
    Client::with_uri_str(guarded_url(&root, "admin")).await.unwrap().database("admin")
}

pub(crate) fn handle(number: u8) -> Handle {
    Handle::from_bytes([number; 16])
}

pub(crate) fn record(body: &'static str) -> Record {
    Record {
        body: Bytes::from_static(body.as_bytes()),
        user: None,
        expires_at: NOW + Duration::from_hours(1),
    }
}

pub(crate) fn tombstone() -> Tombstone {
    Tombstone { body: Bytes::from_static(b"over"), expires_at: NOW + Duration::from_hours(1) }
}

/// Asks until the answer is the wanted one, and says how long that took.
pub(crate) async fn until<T: std::fmt::Debug>(
    what: &str,
    limit: Duration,
    mut ask: impl AsyncFnMut() -> T,
    is_wanted: impl Fn(&T) -> bool,
) -> Duration {
    let patience = Patience::new(limit);
    loop {
        let answer = ask().await;
        if is_wanted(&answer) {
            return patience.waited();
        }
        assert!(!patience.left().is_zero(), "{what} took longer than {limit:?}: {answer:?}");
    }
}

/// The next event that is no beat of somebody else's; `None` if the watch has ended.
pub(crate) async fn next(watch: &mut Watch) -> Option<Event> {
    timeout(Duration::from_secs(10), watch.next()).await.expect("an event in time")
}

/// Everything up to a beat that is sent now.
pub(crate) async fn heard(store: &MongoStore, watch: &mut Watch) -> Vec<Event> {
    let own = Beat { watcher: 4_711, sent: Mono::from_start(Duration::from_secs(1)) };
    store.beat(own).await.unwrap();
    let mut heard = Vec::new();
    loop {
        match next(watch).await.expect("the watch goes on") {
            Event::Alive(beat) if beat == own => return heard,
            Event::Alive(_) => {}
            event => heard.push(event),
        }
    }
}
