//! What is acknowledged is on the replicas that were asked for, and a master without them is not believed for long.

use std::time::Duration;

use vestibule_ports::session_store::{
    Attempt, AttemptKey, Created, Ended, Record, SessionStore as _, Slot, StoreError, Updated,
};
use vestibule_store_redis::{RedisStore, VOUCHED_FOR};
use vestibule_testkit::patience::PATIENCE;
use vestibule_testkit::server::redis::Redis;

use crate::rig::{NOW, beat, handle, record, store, tombstone, until};

const ATTEMPT: AttemptKey = [7; 32];

/// A master and the replica that it waits for.
async fn pair(wait_ms: u32) -> (Redis, Redis, RedisStore) {
    let master = Redis::start(&["repl-diskless-sync-delay 0"]);
    let replica = Redis::start(&[&format!("replicaof 127.0.0.1 {}", master.server.port())]);
    master.until(&["INFO", "replication"], "state=online");
    let store = store(&format!("redis://{}?wait_replicas=1&wait_ms={wait_ms}", master.place())).await;
    let safe = async || store.create(handle(0), record("0")).await;
    until(PATIENCE, safe, |answer| matches!(answer, Ok(Created::Created | Created::Exists))).await.unwrap();
    (master, replica, store)
}

fn is_unsafe<T>(answer: &Result<T, StoreError>) -> bool {
    matches!(answer, Err(StoreError::Unsafe(_)))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_machine_has_is_not_acknowledged_however_often_it_is_asked_for() {
    let (_master, replica, store) = pair(100).await;
    assert!(!store.capabilities().reading_proves, "what a read finds may be on one machine");
    until(PATIENCE, async || store.create(handle(1), record("1")).await, Result::is_ok).await.unwrap();
    let attempt = Attempt { body: "a".into(), expires_at: NOW + Duration::from_hours(1) };
    store.attempt_put(ATTEMPT, attempt).await.unwrap();
    replica.server.freeze();
    assert!(is_unsafe(&store.update(handle(1), 1, record("2"), NOW).await));
    assert!(is_unsafe(&store.create(handle(2), record("1")).await));
    assert!(is_unsafe(&store.attempt_take(ATTEMPT, NOW).await));
    assert_eq!(store.attempt_take(ATTEMPT, NOW).await, Ok(None), "it is taken all the same");
    for _ in 0..2 {
        assert!(is_unsafe(&store.end(handle(1), None, tombstone(), NOW).await));
        assert_eq!(store.get(handle(1), NOW).await, Ok(Slot::Ended(tombstone())));
    }
    assert_eq!(store.update(handle(1), 2, record("3"), NOW).await, Ok(Updated::Gone));
    replica.server.thaw();
    let ended = async || store.end(handle(1), None, tombstone(), NOW).await;
    assert_eq!(until(PATIENCE, ended, Result::is_ok).await, Ok(Ended::Already));
    replica.command(&["REPLICAOF", "NO", "ONE"]);
    let promoted = crate::rig::store(&format!("redis://{}", replica.place())).await;
    assert!(promoted.capabilities().reading_proves, "it waits for nobody");
    assert_eq!(promoted.get(handle(1), NOW).await, Ok(Slot::Ended(tombstone())));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_end_that_is_confirmed_again_keeps_its_tombstone_and_its_expiry() {
    let (master, _replica, store) = pair(1_000).await;
    store.create(handle(1), record("1")).await.unwrap();
    store.end(handle(1), None, tombstone(), NOW).await.unwrap();
    let key = format!("vst:s:{}", handle(1));
    let expires = master.command(&["PEXPIRETIME", &key]);
    let mut later = tombstone();
    later.body = "later".into();
    assert_eq!(store.end(handle(1), None, later, NOW).await, Ok(Ended::Already));
    assert_eq!(store.get(handle(1), NOW).await, Ok(Slot::Ended(tombstone())));
    assert_eq!(master.command(&["PEXPIRETIME", &key]), expires);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_error_to_the_wait_is_none_of_the_write() {
    let (master, _replica, store) = pair(1_000).await;
    master.command(&["ACL", "SETUSER", "default", "-wait"]);
    let created = store.create(handle(1), record("1")).await;
    let Err(StoreError::Unsafe(why)) = created else { panic!("{created:?}") };
    assert!(why.contains("WAIT was refused"), "{why}");
    assert!(matches!(store.get(handle(1), NOW).await, Ok(Slot::Live(_))));
    assert!(is_unsafe(&store.end(handle(1), None, tombstone(), NOW).await));
    master.command(&["ACL", "SETUSER", "default", "+wait"]);
    assert_eq!(store.end(handle(1), None, tombstone(), NOW).await, Ok(Ended::Already));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_entry_without_its_note_in_the_users_list_is_not_acknowledged() {
    let redis = Redis::start(&[]);
    let store = store(&format!("redis://{}", redis.place())).await;
    redis.command(&["SET", "vst:u:alice", "somebody else's"]);
    let alices = Record { user: Some("alice".to_owned()), ..record("1") };
    let created = store.create(handle(1), alices).await;
    let Err(StoreError::Unsafe(why)) = created else { panic!("{created:?}") };
    assert!(why.contains("missing in its user's list"), "{why}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_note_of_a_new_entry_is_waited_for_as_well() {
    let (master, replica, store) = pair(1_000).await;
    let alices = Record { user: Some("alice".to_owned()), ..record("1") };
    assert_eq!(store.create(handle(1), alices).await, Ok(Created::Created));
    for server in [&master, &replica] {
        assert_eq!(server.command(&["ZCARD", "vst:u:alice"]), "1");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_master_that_has_lost_its_replicas_is_not_believed_for_longer_than_a_lease() {
    let redis = Redis::start(&[]);
    let store = store(&format!("redis://{}", redis.place())).await;
    store.create(handle(1), record("1")).await.unwrap();
    store.beat(beat(1)).await.unwrap();
    redis.command(&["CONFIG", "SET", "min-replicas-to-write", "1"]);
    assert!(matches!(store.beat(beat(2)).await, Err(StoreError::Unreachable(_))));
    let limit = VOUCHED_FOR + Duration::from_millis(500);
    let doubted = until(limit, async || store.get(handle(1), NOW).await, Result::is_err).await;
    let Err(StoreError::Unreachable(why)) = doubted else { panic!("{doubted:?}") };
    assert!(why.contains("min-replicas-to-write"), "{why}");
    redis.command(&["CONFIG", "SET", "min-replicas-to-write", "0"]);
    assert!(
        matches!(store.get(handle(1), NOW).await, Ok(Slot::Live(_))),
        "it may write again, so it is believed"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_memory_does_not_keep_anybody_from_reading() {
    let redis = Redis::start(&[]);
    let store = store(&format!("redis://{}", redis.place())).await;
    store.create(handle(1), record("1")).await.unwrap();
    redis.command(&["CONFIG", "SET", "maxmemory", "1"]);
    // Past what the last write vouches for, too.
    let patience = vestibule_testkit::patience::Patience::new(VOUCHED_FOR * 2);
    until(
        PATIENCE,
        async || store.get(handle(1), NOW).await,
        |found| {
            assert!(matches!(found, Ok(Slot::Live(_))), "{found:?}");
            patience.left().is_zero()
        },
    )
    .await
    .unwrap();
}
