//! Rules of expiry: computed on every call, and `sweep` only cleans up behind it.

use std::time::Duration;

use vestibule_domain::identity::Timestamp;
use vestibule_ports::session_store::{
    Attempt, Created, Ended, Event, FIRST_VERSION, Record, Slot, Swept, Tombstone, Updated,
};

use super::events::heard;
use super::{LIFE, NOW, Store, Stores, handle, live, record, record_of, tombstone};

const SECOND: Duration = Duration::from_secs(1);

pub(super) async fn run(stores: &dyn Stores) {
    rules!(stores, expired_is_absent_before_any_sweep, sweep_takes_nothing_that_lives);
    if !stores.open("sweeps").await.capabilities().sweeps {
        return;
    }
    rules!(
        stores,
        sweep_keeps_to_its_limit_and_to_what_has_expired,
        sweep_follows_an_expiry_that_moved,
        sweep_is_silent_and_leaves_no_trace
    );
}

fn until(expires_at: Timestamp) -> Record {
    Record { expires_at, ..record("short") }
}

async fn expired_is_absent_before_any_sweep(store: &Store) {
    let end = NOW + SECOND;
    store.create(handle(1), until(end)).await.unwrap();
    store.create(handle(2), until(end)).await.unwrap();
    store.end(handle(2), None, Tombstone { expires_at: end, ..tombstone("over") }, NOW).await.unwrap();
    assert!(matches!(store.get(handle(1), NOW).await, Ok(Slot::Live(_))));
    assert!(matches!(store.get(handle(2), NOW).await, Ok(Slot::Ended(_))));
    for number in [1, 2] {
        assert_eq!(store.get(handle(number), end).await, Ok(Slot::Absent));
        assert_eq!(store.update(handle(number), FIRST_VERSION, record("late"), end).await, Ok(Updated::Gone));
        assert_eq!(store.end(handle(number), None, tombstone("late"), end).await, Ok(Ended::Absent));
    }
    assert!(matches!(store.get(handle(1), NOW).await, Ok(Slot::Live(_))), "refused calls wrote something");
}

async fn sweep_takes_nothing_that_lives(store: &Store) {
    store.create(handle(1), record("1")).await.unwrap();
    store.create(handle(2), record("2")).await.unwrap();
    store.end(handle(2), None, tombstone("over"), NOW).await.unwrap();
    store.attempt_put([1; 32], Attempt { body: "a".into(), expires_at: NOW + LIFE }).await.unwrap();
    assert_eq!(store.sweep(NOW, 100).await, Ok(Swept { removed: 0, more: false }));
    assert_eq!(live(store, handle(1)).await.record, record("1"));
    assert_eq!(store.get(handle(2), NOW).await, Ok(Slot::Ended(tombstone("over"))));
    assert_eq!(store.attempt_take([1; 32], NOW).await, Ok(Some("a".into())));
}

async fn sweep_keeps_to_its_limit_and_to_what_has_expired(store: &Store) {
    let end = NOW + SECOND;
    let attempt = |expires_at| Attempt { body: "a".into(), expires_at };
    for number in 0..10 {
        store.create(handle(number), until(end)).await.unwrap();
    }
    store.end(handle(9), None, Tombstone { expires_at: end, ..tombstone("over") }, NOW).await.unwrap();
    store.attempt_put([1; 32], attempt(end)).await.unwrap();
    store.attempt_put([2; 32], attempt(end + SECOND)).await.unwrap();
    store.create(handle(100), until(end + SECOND)).await.unwrap();
    assert_eq!(store.sweep(NOW, 100).await, Ok(Swept { removed: 0, more: false }));
    for _ in 0..3 {
        assert_eq!(store.sweep(end, 3).await, Ok(Swept { removed: 3, more: true }));
    }
    assert_eq!(store.sweep(end, 3).await, Ok(Swept { removed: 2, more: false }));
    assert_eq!(store.get(handle(0), NOW).await, Ok(Slot::Absent), "swept, so absent even for a slow clock");
    assert_eq!(store.attempt_take([1; 32], NOW).await, Ok(None));
    assert!(matches!(store.get(handle(100), end).await, Ok(Slot::Live(_))));
    assert_eq!(store.attempt_take([2; 32], end).await, Ok(Some("a".into())));
}

async fn sweep_follows_an_expiry_that_moved(store: &Store) {
    let (soon, late) = (NOW + SECOND, NOW + LIFE);
    store.create(handle(1), until(soon)).await.unwrap();
    store.update(handle(1), 1, until(late), NOW).await.unwrap();
    store.create(handle(2), until(late)).await.unwrap();
    store.update(handle(2), 1, until(soon), NOW).await.unwrap();
    store.create(handle(3), until(soon)).await.unwrap();
    store.end(handle(3), None, tombstone("kept for the audit"), NOW).await.unwrap();
    assert_eq!(store.sweep(soon, 100).await, Ok(Swept { removed: 1, more: false }));
    assert_eq!(live(store, handle(1)).await.record, until(late));
    assert_eq!(store.get(handle(2), NOW).await, Ok(Slot::Absent));
    assert_eq!(store.get(handle(3), soon).await, Ok(Slot::Ended(tombstone("kept for the audit"))));
}

async fn sweep_is_silent_and_leaves_no_trace(store: &Store) {
    let end = NOW + SECOND;
    store.create(handle(1), Record { expires_at: end, ..record_of("alice") }).await.unwrap();
    store.touch(&[(handle(1), NOW)]).await.unwrap();
    let mut watch = store.watch().await.unwrap();
    store.sweep(end, 100).await.unwrap();
    assert_eq!(heard(store, &mut watch).await, Vec::<Event>::new());
    assert_eq!(store.list_user("alice", 10, NOW).await, Ok(vec![]));
    assert_eq!(store.create(handle(1), record("anew")).await, Ok(Created::Created));
    let stored = live(store, handle(1)).await;
    assert_eq!((stored.version, stored.last_seen), (FIRST_VERSION, None));
}
