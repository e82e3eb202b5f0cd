//! Rules of `list_user`.

use vestibule_domain::identity::Handle;
use vestibule_ports::session_store::Record;

use super::{LIFE, NOW, Store, Stores, handle, record, record_of, tombstone};

pub(super) async fn run(stores: &dyn Stores) {
    rules!(
        stores,
        sessions_are_found_by_the_exact_user,
        the_list_follows_the_record,
        the_list_keeps_to_its_limit
    );
}

async fn sorted(store: &Store, user: &str) -> Vec<Handle> {
    let mut found = store.list_user(user, 100, NOW).await.unwrap();
    found.sort_unstable();
    found
}

async fn sessions_are_found_by_the_exact_user(store: &Store) {
    let users = ["u1", "u10", "u1\0", "U1", "ü1", "u", "u1:", "{u1}", "*", "u1"];
    for (number, user) in (0..).zip(users) {
        store.create(handle(number), record_of(user)).await.unwrap();
    }
    store.create(handle(99), record("of nobody")).await.unwrap();
    assert_eq!(sorted(store, "u1").await, [handle(0), handle(9)]);
    for (number, user) in (1..9).zip(&users[1..9]) {
        assert_eq!(sorted(store, user).await, [handle(number)], "{user:?}");
    }
    for nobody in ["", "u2", "%"] {
        assert_eq!(sorted(store, nobody).await, [], "{nobody:?}");
    }
}

async fn the_list_follows_the_record(store: &Store) {
    for number in 1..=4 {
        store.create(handle(number), record_of("alice")).await.unwrap();
    }
    store.create(handle(5), record("later alice's")).await.unwrap();
    store.update(handle(1), 1, record_of("bob"), NOW).await.unwrap();
    store.update(handle(2), 1, record("nobody's"), NOW).await.unwrap();
    store.end(handle(3), None, tombstone("over"), NOW).await.unwrap();
    store.update(handle(5), 1, record_of("alice"), NOW).await.unwrap();
    assert_eq!(sorted(store, "alice").await, [handle(4), handle(5)]);
    assert_eq!(sorted(store, "bob").await, [handle(1)]);
    let found = store.list_user("alice", 100, NOW + LIFE).await;
    assert_eq!(found, Ok(vec![]), "expired sessions are not live");
}

async fn the_list_keeps_to_its_limit(store: &Store) {
    let expired = Record { expires_at: NOW, ..record_of("alice") };
    for number in 0..4 {
        store.create(handle(number), expired.clone()).await.unwrap();
        store.create(handle(10 + number), record_of("alice")).await.unwrap();
    }
    let found = store.list_user("alice", 3, NOW).await.unwrap();
    assert_eq!(found.len(), 3, "expired ones do not use the limit up");
    assert!(found.iter().all(|found| (10..14).any(|number| *found == handle(number))));
}
