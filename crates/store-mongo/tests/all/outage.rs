//! Servers that die, freeze and come back: answers inside the deadline, nothing wedged, everything well within 2 s.

use std::sync::Arc;
use std::time::Duration;

use mongodb::Client;
use mongodb::bson::doc;
use tokio::task::JoinSet;
use tokio::time::timeout;
use vestibule_ports::session_store::{Event, SessionStore as _, Slot, StoreError, Updated};
use vestibule_store_mongo::MongoStore;
use vestibule_testkit::patience::Patience;
use vestibule_testkit::server::mongo::ReplicaSet;

use crate::server::{DEADLINE, HEALED, NOW, handle, heard, next, open, record, tombstone, until, url};

async fn is_live(store: &MongoStore) -> bool {
    matches!(timeout(DEADLINE, store.get(handle(1), NOW)).await, Ok(Ok(Slot::Live(_))))
}

async fn heals(store: &MongoStore) {
    until("healing", HEALED, async || is_live(store).await, |live| *live).await;
    let version = match store.get(handle(1), NOW).await {
        Ok(Slot::Live(stored)) => stored.version,
        other => panic!("it was live a moment ago: {other:?}"),
    };
    let updated = timeout(DEADLINE, store.update(handle(1), version, record("healed"), NOW)).await;
    assert_eq!(updated.expect("in time"), Ok(Updated::Updated(version + 1)), "writes are well too");
    let mut watch = until_watched(store).await;
    store.end(handle(2), None, tombstone(), NOW).await.unwrap();
    heard(store, &mut watch).await;
}

async fn until_watched(store: &MongoStore) -> vestibule_ports::session_store::Watch {
    let patience = Patience::new(HEALED);
    loop {
        match timeout(DEADLINE, store.watch()).await {
            Ok(Ok(watch)) => return watch,
            other => assert!(!patience.left().is_zero(), "no watch: {:?}", other.map(|it| it.map(drop))),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_server_is_told_at_once_and_forgotten_when_it_is_back() {
    let mut set = ReplicaSet::of_one();
    let store = open(&set.url("shop")).await;
    store.create(handle(1), record("1")).await.unwrap();
    let mut watch = store.watch().await.unwrap();
    set.member(0).kill();
    while next(&mut watch).await.is_some() {}
    for _ in 0..3 {
        let read = timeout(DEADLINE, store.get(handle(1), NOW)).await.expect("inside the deadline");
        assert!(matches!(read, Err(StoreError::Unreachable(_))), "{read:?}");
        let write = timeout(DEADLINE, store.update(handle(1), 1, record("2"), NOW)).await;
        let write = write.expect("inside the deadline");
        assert!(matches!(write, Err(StoreError::Unreachable(_))), "nothing was sent: {write:?}");
    }
    set.member(0).restart();
    set.primary();
    heals(&store).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_server_wedges_nothing() {
    let set = ReplicaSet::of_one();
    let store = open(&set.url("shop")).await;
    store.create(handle(1), record("1")).await.unwrap();
    set.members()[0].freeze();
    // More calls than there are connections, and all of their callers go away.
    let mut calls = JoinSet::new();
    for number in 0..200 {
        let store = Arc::clone(&store);
        calls.spawn(async move {
            let read = timeout(DEADLINE, store.get(handle(number), NOW)).await;
            assert!(!matches!(read, Ok(Ok(_))), "{read:?}");
            let write = timeout(DEADLINE, store.create(handle(number), record("late"))).await;
            assert!(!matches!(write, Ok(Ok(_))), "{write:?}");
        });
    }
    calls.join_all().await;
    // Its heartbeat is missed: from here on calls are refused before they are sent.
    let is_refused = |answer: &Result<_, _>| matches!(answer, Ok(Err(StoreError::Unreachable(_))));
    let ask = async || timeout(DEADLINE, store.create(handle(201), record("never"))).await;
    until("noticing", Duration::from_secs(3), ask, is_refused).await;
    set.members()[0].thaw();
    heals(&store).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_stream_that_is_killed_ends_the_watch_and_the_next_one_hears() {
    let database = url("killed");
    let store = open(&database).await;
    store.create(handle(1), record("1")).await.unwrap();
    let mut watch = store.watch().await.unwrap();
    let admin = Client::with_uri_str(&database).await.unwrap().database("admin");
    let mine = doc! { "$currentOp": { "allUsers": true, "idleCursors": true, "localOps": true } };
    let ours =
        doc! { "$match": { "ns": { "$regex": "^killed[.]" }, "cursor.cursorId": { "$exists": true } } };
    let mut found = admin.aggregate([mine, ours]).await.unwrap();
    let mut killed = 0;
    while found.advance().await.unwrap() {
        let cursor = found.current().get_document("cursor").unwrap().get_i64("cursorId").unwrap();
        let kill = doc! { "killCursors": "$cmd.aggregate", "cursors": [cursor] };
        admin.client().database("killed").run_command(kill).await.unwrap();
        killed += 1;
    }
    assert!(killed > 0, "there was a stream to kill");
    while next(&mut watch).await.is_some() {}
    let mut watch = store.watch().await.unwrap();
    store.end(handle(1), None, tombstone(), NOW).await.unwrap();
    assert_eq!(heard(&store, &mut watch).await, [Event::Ended { handle: handle(1) }]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_collection_is_a_gap() {
    let database = url("dropped");
    let store = open(&database).await;
    store.create(handle(1), record("1")).await.unwrap();
    let mut watch = store.watch().await.unwrap();
    let client = Client::with_uri_str(&database).await.unwrap();
    client.database("dropped").collection::<mongodb::bson::Document>("sessions").drop().await.unwrap();
    assert_eq!(next(&mut watch).await, Some(Event::Gap));
}
