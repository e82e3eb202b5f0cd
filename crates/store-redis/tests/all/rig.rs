//! What the tests of outages and races share: stores, entries, and waiting until something is so.

use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt as _;
use tokio::time::{interval, timeout};
use vestibule_domain::identity::{Handle, Timestamp};
use vestibule_ports::clock::Mono;
use vestibule_ports::session_store::{
    Beat, Event, Record, SessionStore as _, Slot, StoreError, Tombstone, Watch,
};
use vestibule_store_redis::{Config, RedisStore, open};
use vestibule_testkit::patience::Patience;

pub(crate) const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

/// How long a store may need after its servers are back.
pub(crate) const HEALED_MAX: Duration = Duration::from_secs(2);

/// As long as a request waits for one call.
const DEADLINE: Duration = Duration::from_millis(300);

pub(crate) fn handle(number: u64) -> Handle {
    let mut bytes = [0x5a; 16];
    bytes[..8].copy_from_slice(&number.to_be_bytes());
    Handle::from_bytes(bytes)
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

pub(crate) async fn store(url: &str) -> RedisStore {
    open(Config::parse(url).unwrap()).await.unwrap()
}

/// A call with the deadline that requests have; whatever it was about is dropped then.
pub(crate) async fn hurried<T>(call: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
    timeout(DEADLINE, call).await.unwrap_or(Err(StoreError::Deadline))
}

/// Makes a call again and again until its answer is what a test waits for, and fails when that takes too long.
pub(crate) async fn until<T: std::fmt::Debug>(
    limit: Duration,
    call: impl AsyncFn() -> T,
    wanted: impl Fn(&T) -> bool,
) -> T {
    let patience = Patience::new(limit);
    // Other processes come back in real time, and nobody tells when.
    let mut again = interval(Duration::from_millis(10));
    loop {
        again.tick().await;
        let answer = call().await;
        if wanted(&answer) {
            return answer;
        }
        assert!(!patience.left().is_zero(), "not within {limit:?}: {answer:?}");
    }
}

/// Waits until the store answers again.
pub(crate) async fn healed(store: &RedisStore, limit: Duration) {
    until(limit, async || hurried(store.get(handle(999), NOW)).await, |answer| *answer == Ok(Slot::Absent))
        .await
        .unwrap();
    until(limit, async || hurried(store.touch(&[(handle(999), NOW)])).await, Result::is_ok).await.unwrap();
}

/// A watch, as soon as there can be one.
pub(crate) async fn watched(store: &RedisStore, limit: Duration) -> Watch {
    until(limit, async || store.watch().await.map(drop), Result::is_ok).await.unwrap();
    store.watch().await.unwrap()
}

pub(crate) fn beat(number: u64) -> Beat {
    Beat { watcher: number, sent: Mono::from_start(Duration::from_millis(number)) }
}

/// The next event, if there is one in time; the outer `None` is silence, the inner the end.
pub(crate) async fn next(watch: &mut Watch, limit: Duration) -> Option<Option<Event>> {
    timeout(limit, watch.next()).await.ok()
}

/// Waits for the end of a watch, whatever comes before.
pub(crate) async fn ended(watch: &mut Watch, limit: Duration) {
    let patience = Patience::new(limit);
    loop {
        match next(watch, patience.left()).await {
            None => panic!("the watch goes on after {limit:?}"),
            Some(None) => return,
            Some(Some(_)) => {}
        }
    }
}

/// Waits until a beat has come through.
pub(crate) async fn alive(store: &RedisStore, watch: &mut Watch, number: u64) {
    hurried(store.beat(beat(number))).await.unwrap();
    loop {
        match next(watch, Duration::from_secs(5)).await {
            Some(Some(Event::Alive(heard))) if heard == beat(number) => return,
            Some(Some(_)) => {}
            other => panic!("beat {number} does not come through: {other:?}"),
        }
    }
}
