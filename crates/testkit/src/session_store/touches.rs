//! Rules of `touch`: beside the record, forward only, never a resurrection.

use std::time::Duration;

use vestibule_ports::session_store::{Event, FIRST_VERSION, Slot, Updated};

use super::events::heard;
use super::{NOW, Store, Stores, handle, live, record, tombstone};

pub(super) async fn run(stores: &dyn Stores) {
    rules!(
        stores,
        a_touch_moves_last_seen_forward_only,
        a_touch_is_no_version,
        a_touch_makes_no_event,
        a_touch_brings_nothing_back
    );
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
