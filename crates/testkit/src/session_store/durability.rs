//! What must be left after the end of the process, for stores that promise it.

use std::time::Duration;

use vestibule_ports::session_store::{Attempt, Slot, Stored, Swept, Updated};

use super::{LIFE, NOW, Store, Stores, handle, record, record_of, tombstone};

pub(super) async fn run(stores: &dyn Stores) {
    let store = stores.open("durability").await;
    if store.capabilities().durable {
        write(&store).await;
        drop(store);
        let reopened = stores.open("durability").await;
        acknowledged_writes_are_there(&reopened).await;
        the_indexes_are_there_too(&reopened).await;
    }
}

async fn write(store: &Store) {
    store.create(handle(1), record("1")).await.unwrap();
    store.update(handle(1), 1, record_of("alice"), NOW).await.unwrap();
    store.touch(&[(handle(1), NOW)]).await.unwrap();
    store.create(handle(2), record("2")).await.unwrap();
    store.end(handle(2), None, tombstone("over"), NOW).await.unwrap();
    for key in [[1; 32], [2; 32]] {
        let attempt = Attempt { body: "attempt".into(), expires_at: NOW + LIFE };
        store.attempt_put(key, attempt).await.unwrap();
    }
    store.attempt_take([1; 32], NOW).await.unwrap();
}

async fn acknowledged_writes_are_there(store: &Store) {
    let stored = Stored { version: 2, record: record_of("alice"), last_seen: Some(NOW) };
    assert_eq!(store.get(handle(1), NOW).await, Ok(Slot::Live(stored)));
    assert_eq!(store.get(handle(2), NOW).await, Ok(Slot::Ended(tombstone("over"))));
    assert_eq!(store.attempt_take([1; 32], NOW).await, Ok(None), "taken stays taken");
    assert_eq!(store.attempt_take([2; 32], NOW).await, Ok(Some("attempt".into())));
    assert_eq!(store.update(handle(1), 2, record_of("alice"), NOW).await, Ok(Updated::Updated(3)));
}

async fn the_indexes_are_there_too(store: &Store) {
    assert_eq!(store.list_user("alice", 10, NOW).await, Ok(vec![handle(1)]));
    let after = NOW + LIFE + Duration::from_secs(1);
    // Swept is absent at all times; what nobody sweeps is so from its expiry on.
    let (removed, absent) = if store.capabilities().sweeps { (2, NOW) } else { (0, after) };
    assert_eq!(store.sweep(after, 10).await, Ok(Swept { removed, more: false }));
    assert_eq!(store.get(handle(1), absent).await, Ok(Slot::Absent));
}
