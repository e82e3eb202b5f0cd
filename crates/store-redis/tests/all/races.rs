//! What the contract does not reach: native expiry, foreign values, late clean-up, answers that nobody waited for.

use std::time::{Duration, SystemTime};

use vestibule_domain::identity::Timestamp;
use vestibule_ports::session_store::{
    Attempt, Created, Record, SessionStore as _, Slot, StoreError, Updated,
};
use vestibule_store_redis::EXPIRY_SLACK;
use vestibule_testkit::patience::PATIENCE;
use vestibule_testkit::server::redis::Redis;

use crate::rig::{NOW, handle, record, store, tombstone, until};

#[expect(
    clippy::disallowed_methods,
    reason = "the server's clock is the machine's, and here it is what is tested"
)]
fn today() -> Timestamp {
    Timestamp::from_since_epoch(SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_itself_removes_what_expired_an_hour_ago() {
    let redis = Redis::start(&[]);
    let store = store(&format!("redis://{}", redis.place())).await;
    let over = Timestamp::from_millis(today().as_millis() - EXPIRY_SLACK.as_millis() as i64 + 500);
    let old = Record { expires_at: over, user: Some("alice".to_owned()), ..record("1") };
    store.create(handle(1), old.clone()).await.unwrap();
    store.create(handle(2), record("2")).await.unwrap();
    store.update(handle(2), 1, old, Timestamp::from_secs(0)).await.unwrap();
    store.attempt_put([1; 32], Attempt { body: "a".into(), expires_at: over }).await.unwrap();
    store.create(handle(3), record("stays")).await.unwrap();
    // The format, and what stays.
    until(PATIENCE, async || redis.command(&["DBSIZE"]), |size| size == "2").await;
    assert_eq!(store.get(handle(1), over).await, Ok(Slot::Absent));
    let left: i64 = redis.command(&["PTTL", &format!("vst:s:{}", handle(3))]).parse().unwrap();
    let due = (NOW + Duration::from_hours(1) + EXPIRY_SLACK).as_millis() - today().as_millis();
    assert!((due - 5_000..=due + 5_000).contains(&left), "{left} ms are left instead of {due}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_foreign_value_is_corrupt_for_its_key_alone() {
    let redis = Redis::start(&[]);
    let store = store(&format!("redis://{}", redis.place())).await;
    let key = |number| format!("vst:s:{}", handle(number));
    redis.command(&["SET", &key(1), "somebody else's"]);
    redis.command(&["HSET", &key(2), "a", "b"]);
    for number in [1, 2] {
        let corrupt = |error| matches!(error, StoreError::Corrupt(_));
        assert!(corrupt(store.get(handle(number), NOW).await.unwrap_err()));
        assert!(corrupt(store.update(handle(number), 1, record("x"), NOW).await.unwrap_err()));
        assert!(corrupt(store.end(handle(number), None, tombstone(), NOW).await.unwrap_err()));
        assert_eq!(store.create(handle(number), record("x")).await, Ok(Created::Exists));
    }
    assert_eq!(redis.command(&["GET", &key(1)]), "somebody else's");
    store.create(handle(3), record("fine")).await.unwrap();
    assert!(matches!(store.get(handle(3), NOW).await, Ok(Slot::Live(_))));
    let _partly = store.touch(&[(handle(1), NOW), (handle(3), NOW)]).await;
    assert!(matches!(store.get(handle(3), NOW).await, Ok(Slot::Live(stored)) if stored.last_seen.is_some()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_end_leaves_the_list_of_its_user() {
    let redis = Redis::start(&[]);
    let store = store(&format!("redis://{}", redis.place())).await;
    let of_alice = Record { user: Some("alice".to_owned()), ..record("1") };
    for number in 0..5 {
        store.create(handle(number), of_alice.clone()).await.unwrap();
        store.end(handle(number), None, tombstone(), NOW).await.unwrap();
    }
    assert_eq!(redis.command(&["ZCARD", "vst:u:alice"]), "0");
    // The note of an update that is refused is left behind, and the next list removes it.
    store.create(handle(9), of_alice.clone()).await.unwrap();
    assert_eq!(store.list_user("alice", 10, NOW).await, Ok(vec![handle(9)]));
    assert_eq!(store.update(handle(0), 1, of_alice, NOW).await, Ok(Updated::Gone));
    assert_eq!(
        store.list_user("alice", 10, NOW).await,
        Ok(vec![handle(9)]),
        "a refused update lists nothing"
    );
    assert_eq!(redis.command(&["ZCARD", "vst:u:alice"]), "1", "its note was removed on the way");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_that_are_dropped_leave_the_connection_in_order() {
    let redis = Redis::start(&[]);
    let store = store(&format!("redis://{}", redis.place())).await;
    for number in 0..50 {
        store
            .create(handle(number), Record { body: vec![b'x'; number as usize].into(), ..record("") })
            .await
            .unwrap();
    }
    for round in 0..200_u64 {
        let number = round % 50;
        let dropped =
            tokio::time::timeout(Duration::from_micros(round), store.get(handle(number), NOW)).await;
        drop(dropped);
        let next = (number + 1) % 50;
        let Slot::Live(stored) = store.get(handle(next), NOW).await.unwrap() else { panic!("{next}") };
        assert_eq!(stored.record.body.len() as u64, next, "an answer went to somebody else");
    }
}
