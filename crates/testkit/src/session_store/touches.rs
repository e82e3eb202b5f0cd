//! Rules of `touch`: beside the record, forward only, never a resurrection.

use std::iter;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;
use vestibule_ports::session_store::{Ended, Event, FIRST_VERSION, Slot, Updated};

use super::events::heard;
use super::{NOW, Nodes, Store, Stores, handle, live, record, tombstone};

pub(super) async fn run(stores: &dyn Stores) {
    rules!(
        stores,
        a_touch_moves_last_seen_forward_only,
        a_touch_is_no_version,
        a_touch_makes_no_event,
        a_touch_brings_nothing_back
    );
    rules_of_two!(stores, touches_that_race_with_an_end_bring_nothing_back);
}

async fn a_touch_moves_last_seen_forward_only(store: &Store) {
    let (early, late) = (NOW + Duration::from_secs(5), NOW + Duration::from_secs(9));
    for number in 1..=3 {
        store.create(handle(number), record("x")).await.unwrap();
    }
    store
        .touch(&[(handle(1), late), (handle(2), early), (handle(2), late), (handle(2), early)])
        .await
        .unwrap();
    store.touch(&[(handle(1), early)]).await.unwrap();
    assert_eq!(live(store, handle(1)).await.last_seen, Some(late));
    assert_eq!(live(store, handle(2)).await.last_seen, Some(late));
    assert_eq!(live(store, handle(3)).await.last_seen, None);
    store.touch(&[]).await.unwrap();
}

async fn a_touch_is_no_version(store: &Store) {
    store.create(handle(1), record("1")).await.unwrap();
    store.touch(&[(handle(1), NOW)]).await.unwrap();
    let stored = live(store, handle(1)).await;
    assert_eq!((stored.version, stored.record), (FIRST_VERSION, record("1")));
    assert_eq!(store.update(handle(1), FIRST_VERSION, record("2"), NOW).await, Ok(Updated::Updated(2)));
    assert_eq!(live(store, handle(1)).await.last_seen, Some(NOW), "an update keeps what was seen");
}

async fn a_touch_makes_no_event(store: &Store) {
    store.create(handle(1), record("1")).await.unwrap();
    let mut watch = store.watch().await.unwrap();
    store.touch(&[(handle(1), NOW)]).await.unwrap();
    assert_eq!(heard(store, &mut watch).await, Vec::<Event>::new());
}

async fn a_touch_brings_nothing_back(store: &Store) {
    store.create(handle(1), record("1")).await.unwrap();
    store.end(handle(1), None, tombstone("over"), NOW).await.unwrap();
    store.touch(&[(handle(1), NOW), (handle(2), NOW)]).await.unwrap();
    assert_eq!(store.get(handle(1), NOW).await, Ok(Slot::Ended(tombstone("over"))));
    assert_eq!(store.get(handle(2), NOW).await, Ok(Slot::Absent));
    // A touch of what was not there must not stick to what comes there later.
    store.create(handle(2), record("2")).await.unwrap();
    assert_eq!(live(store, handle(2)).await.last_seen, None);
}

const ROUNDS: u64 = 6;
const SESSIONS: u64 = 8;
const TOUCHERS: usize = 16;

/// A touch that reads and then writes what it has read finds the session alive, and puts it back over its tombstone.
async fn touches_that_race_with_an_end_bring_nothing_back(nodes: &Nodes) {
    for round in 0..ROUNDS {
        let sessions: Vec<_> = (0..SESSIONS).map(|number| handle(round * SESSIONS + number)).collect();
        for session in &sessions {
            nodes.first().create(*session, record("1")).await.unwrap();
        }
        let (ended, is_ended) = watch::channel(false);
        let mut touchers = JoinSet::new();
        for toucher in 0..TOUCHERS {
            let (store, is_ended, sessions) = (nodes.of(toucher), is_ended.clone(), sessions.clone());
            touchers.spawn(async move {
                // Each touch moves something; the last one is sent when all have ended.
                for at in (toucher as u64..).step_by(TOUCHERS) {
                    let was_last = *is_ended.borrow();
                    let at = NOW + Duration::from_millis(at);
                    let seen: Vec<_> = sessions.iter().copied().zip(iter::repeat(at)).collect();
                    store.touch(&seen).await.unwrap();
                    if was_last {
                        return;
                    }
                }
            });
        }
        for (number, session) in sessions.iter().enumerate() {
            let store = nodes.of(number);
            // They are at it.
            while live(&store, *session).await.last_seen.is_none() {}
            assert_eq!(store.end(*session, None, tombstone("over"), NOW).await, Ok(Ended::Ended));
            assert_eq!(store.get(*session, NOW).await, Ok(Slot::Ended(tombstone("over"))));
        }
        ended.send_replace(true);
        touchers.join_all().await;
        for session in &sessions {
            assert_eq!(nodes.first().get(*session, NOW).await, Ok(Slot::Ended(tombstone("over"))));
        }
    }
}
