//! Rules of `end`: final, once, whatever races with it.

use tokio::task::JoinSet;
use vestibule_ports::session_store::{Created, Ended, Slot, Updated};

use super::{NOW, Nodes, Store, Stores, handle, live, record, tombstone};

pub(super) async fn run(stores: &dyn Stores) {
    rules!(
        stores,
        an_end_leaves_a_tombstone_that_stays,
        an_end_that_expects_another_version_ends_nothing,
        nothing_to_end_leaves_nothing
    );
    rules_of_two!(stores, one_end_wins_and_no_update_follows_it);
}

async fn an_end_leaves_a_tombstone_that_stays(store: &Store) {
    store.create(handle(1), record("1")).await.unwrap();
    store.update(handle(1), 1, record("2"), NOW).await.unwrap();
    assert_eq!(store.end(handle(1), None, tombstone("log-out"), NOW).await, Ok(Ended::Ended));
    assert_eq!(store.end(handle(1), None, tombstone("again"), NOW).await, Ok(Ended::Already));
    for version in 0..4 {
        assert_eq!(store.update(handle(1), version, record("back"), NOW).await, Ok(Updated::Gone));
    }
    assert_eq!(store.create(handle(1), record("back")).await, Ok(Created::Exists));
    assert_eq!(store.get(handle(1), NOW).await, Ok(Slot::Ended(tombstone("log-out"))));
}

async fn an_end_that_expects_another_version_ends_nothing(store: &Store) {
    store.create(handle(1), record("1")).await.unwrap();
    store.update(handle(1), 1, record("2"), NOW).await.unwrap();
    for version in [0, 1, 3] {
        assert_eq!(store.end(handle(1), Some(version), tombstone("old"), NOW).await, Ok(Ended::Conflict));
    }
    assert_eq!(live(store, handle(1)).await.version, 2);
    assert_eq!(store.end(handle(1), Some(2), tombstone("over"), NOW).await, Ok(Ended::Ended));
    assert_eq!(store.end(handle(1), Some(2), tombstone("again"), NOW).await, Ok(Ended::Already));
    assert_eq!(store.end(handle(2), Some(1), tombstone("none"), NOW).await, Ok(Ended::Absent));
    assert_eq!(store.get(handle(1), NOW).await, Ok(Slot::Ended(tombstone("over"))));
}

async fn nothing_to_end_leaves_nothing(store: &Store) {
    assert_eq!(store.end(handle(1), None, tombstone("none"), NOW).await, Ok(Ended::Absent));
    assert_eq!(store.get(handle(1), NOW).await, Ok(Slot::Absent));
}

const RACERS: usize = 32;

async fn one_end_wins_and_no_update_follows_it(nodes: &Nodes) {
    let store = nodes.first();
    store.create(handle(1), record("1")).await.unwrap();
    let mut writers = JoinSet::new();
    let mut enders = JoinSet::new();
    for racer in 0..RACERS {
        let writer = nodes.of(racer);
        writers.spawn(async move {
            // It runs until it is told that the session is gone: an update that goes on afterwards would not stop.
            while let Slot::Live(stored) = writer.get(handle(1), NOW).await.unwrap() {
                if writer.update(handle(1), stored.version, record("w"), NOW).await.unwrap() == Updated::Gone
                {
                    break;
                }
            }
        });
        // By the pair: both nodes write, and both end.
        let ender = nodes.of(racer / 2);
        enders.spawn(async move {
            let answer = ender.end(handle(1), None, tombstone("over"), NOW).await.unwrap();
            let after = ender.get(handle(1), NOW).await.unwrap();
            assert_eq!(after, Slot::Ended(tombstone("over")), "an acknowledged end is seen at once");
            answer
        });
    }
    let answers = enders.join_all().await;
    writers.join_all().await;
    assert_eq!(answers.iter().filter(|answer| **answer == Ended::Ended).count(), 1);
    assert!(answers.iter().all(|answer| *answer != Ended::Absent));
    assert_eq!(store.get(handle(1), NOW).await, Ok(Slot::Ended(tombstone("over"))));
    store.create(handle(2), record("2")).await.unwrap();
    assert_eq!(live(store, handle(2)).await.record, record("2"));
}
