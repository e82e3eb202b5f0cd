//! Rules of `watch` and `beat`: in order, and never a loss without a `Gap`.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::StreamExt as _;
use tokio::time::timeout;
use vestibule_ports::clock::Mono;
use vestibule_ports::session_store::{Beat, Event, WATCH_EVENTS_MAX, Watch};

use super::{NOW, Store, Stores, handle, record, tombstone};

pub(super) async fn run(stores: &dyn Stores) {
    rules!(
        stores,
        changes_and_ends_arrive_in_order,
        refused_writes_make_no_event,
        every_watcher_hears_from_its_subscription_on
    );
}

pub(super) async fn flood(stores: &dyn Stores) {
    rules!(stores, a_slow_watcher_loses_nothing_without_a_gap);
}

/// Only ends a test whose store is broken.
const PATIENCE: Duration = Duration::from_secs(10);

pub(super) async fn next(watch: &mut Watch) -> Event {
    let event = timeout(PATIENCE, watch.next()).await.expect("an event in time");
    event.expect("a watch ends only when the channel is lost")
}

/// All events up to here, found by a beat that is sent behind them. Beats of others are left out.
pub(super) async fn heard(store: &Store, watch: &mut Watch) -> Vec<Event> {
    let own = beat();
    store.beat(own).await.unwrap();
    let mut heard = Vec::new();
    loop {
        match next(watch).await {
            Event::Alive(beat) if beat == own => return heard,
            Event::Alive(_) => {}
            event => heard.push(event),
        }
    }
}

fn beat() -> Beat {
    static WATCHERS: AtomicU64 = AtomicU64::new(0);
    let watcher = WATCHERS.fetch_add(1, Ordering::Relaxed);
    Beat { watcher, sent: Mono::from_start(Duration::from_millis(watcher)) }
}

/// A store may leave out a version that a later one has overtaken; the last one it may not.
async fn changes_and_ends_arrive_in_order(store: &Store) {
    let mut watch = store.watch().await.unwrap();
    store.create(handle(1), record("1")).await.unwrap();
    store.create(handle(2), record("1")).await.unwrap();
    for version in 1..5 {
        store.update(handle(1), version, record("x"), NOW).await.unwrap();
    }
    let before = heard(store, &mut watch).await;
    store.end(handle(1), None, tombstone("over"), NOW).await.unwrap();
    assert_eq!(heard(store, &mut watch).await, [Event::Ended { handle: handle(1) }]);
    let versions = |of| {
        let version = move |event: &Event| match *event {
            Event::Changed { handle, version } if handle == of => Some(version),
            _ => None,
        };
        before.iter().filter_map(version).collect::<Vec<_>>()
    };
    assert_eq!(versions(handle(2)), [1]);
    assert!(versions(handle(1)).is_sorted());
    assert_eq!(versions(handle(1)).last(), Some(&5));
    assert_eq!(versions(handle(1)).len() + 1, before.len(), "nothing else happened: {before:?}");
}

async fn refused_writes_make_no_event(store: &Store) {
    store.create(handle(1), record("1")).await.unwrap();
    store.create(handle(2), record("1")).await.unwrap();
    store.end(handle(2), None, tombstone("over"), NOW).await.unwrap();
    let mut watch = store.watch().await.unwrap();
    store.create(handle(1), record("2")).await.unwrap();
    store.update(handle(1), 7, record("2"), NOW).await.unwrap();
    store.update(handle(2), 1, record("2"), NOW).await.unwrap();
    store.update(handle(3), 1, record("2"), NOW).await.unwrap();
    store.end(handle(2), None, tombstone("again"), NOW).await.unwrap();
    store.end(handle(3), None, tombstone("none"), NOW).await.unwrap();
    assert_eq!(heard(store, &mut watch).await, []);
}

async fn every_watcher_hears_from_its_subscription_on(store: &Store) {
    store.create(handle(1), record("1")).await.unwrap();
    let mut first = store.watch().await.unwrap();
    store.end(handle(1), None, tombstone("over"), NOW).await.unwrap();
    let mut second = store.watch().await.unwrap();
    store.create(handle(2), record("1")).await.unwrap();
    let (end, create) =
        (Event::Ended { handle: handle(1) }, Event::Changed { handle: handle(2), version: 1 });
    assert_eq!(heard(store, &mut first).await, [end, create]);
    assert_eq!(heard(store, &mut second).await, [create]);
}

async fn a_slow_watcher_loses_nothing_without_a_gap(store: &Store) {
    let mut watch = store.watch().await.unwrap();
    store.create(handle(1), record("1")).await.unwrap();
    for _ in 0..WATCH_EVENTS_MAX {
        store.beat(beat()).await.unwrap();
    }
    let last = beat();
    store.beat(last).await.unwrap();
    let mut told = false;
    loop {
        match next(&mut watch).await {
            Event::Gap | Event::Changed { .. } => told = true,
            Event::Alive(beat) => {
                assert!(told, "the first event was lost silently");
                if beat == last {
                    return;
                }
            }
            Event::Ended { .. } => panic!("nothing has ended"),
        }
    }
}
