//! Rules of `attempt_put` and `attempt_take`: at most once.

use std::time::Duration;

use bytes::Bytes;
use tokio::task::JoinSet;
use vestibule_ports::session_store::Attempt;

use super::{NOW, Nodes, Store, Stores};

pub(super) async fn run(stores: &dyn Stores) {
    rules!(stores, an_attempt_is_taken_once, an_expired_attempt_is_gone);
    rules_of_two!(stores, one_of_100_racing_takers_gets_it);
}

const LIFE: Duration = Duration::from_mins(15);

fn attempt(body: &'static [u8]) -> Attempt {
    Attempt { body: Bytes::from_static(body), expires_at: NOW + LIFE }
}

async fn an_attempt_is_taken_once(store: &Store) {
    store.attempt_put([1; 32], attempt(b"one\0\xff")).await.unwrap();
    store.attempt_put([2; 32], attempt(b"two")).await.unwrap();
    assert_eq!(store.attempt_take([3; 32], NOW).await, Ok(None));
    assert_eq!(store.attempt_take([1; 32], NOW).await, Ok(Some(Bytes::from_static(b"one\0\xff"))));
    assert_eq!(store.attempt_take([1; 32], NOW).await, Ok(None));
    assert_eq!(store.attempt_take([2; 32], NOW).await, Ok(Some(Bytes::from_static(b"two"))));
}

async fn an_expired_attempt_is_gone(store: &Store) {
    store.attempt_put([1; 32], attempt(b"one")).await.unwrap();
    assert_eq!(store.attempt_take([1; 32], NOW + LIFE).await, Ok(None));
    assert_eq!(store.attempt_take([1; 32], NOW).await, Ok(None), "a late try uses it up");
}

async fn one_of_100_racing_takers_gets_it(nodes: &Nodes) {
    for round in 0..8 {
        nodes.first().attempt_put([round; 32], attempt(b"once")).await.unwrap();
        let mut takers = JoinSet::new();
        for taker in 0..100 {
            let store = nodes.of(taker);
            takers.spawn(async move { store.attempt_take([round; 32], NOW).await.unwrap() });
        }
        let taken: Vec<Bytes> = takers.join_all().await.into_iter().flatten().collect();
        assert_eq!(taken, [Bytes::from_static(b"once")]);
    }
}
