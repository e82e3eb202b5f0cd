//! Touches: coalesced, saved in batches, bounded, and never a resurrection.

use futures_util::FutureExt as _;
use vestibule_ports::clock::Clock as _;
use vestibule_ports::memory::Fault;
use vestibule_ports::session_store::{SessionStore as _, Slot};

use super::*;
use crate::rig::{HANDLE, Rig, now, record_of, session};
use crate::sessions::Found;

const SECOND: Duration = Duration::from_secs(1);

async fn saved(rig: &Rig, handle: Handle) -> Option<Timestamp> {
    match rig.store.get(handle, rig.clock.wall()).await.unwrap() {
        Slot::Live(stored) => stored.last_seen,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn many_touches_are_one_and_the_newest_counts() {
    let rig = Rig::new().await;
    rig.get().await;
    let known = rig.cached().unwrap();
    assert_eq!(known.last_seen(), None);
    for second in [1, 9, 5] {
        rig.sessions.touch(&known, now() + SECOND * second);
    }
    assert_eq!(known.last_seen(), Some(now() + SECOND * 9), "this node knows at once");
    assert_eq!(rig.sessions.touches.pending().len(), 1);
    assert_eq!(saved(&rig, HANDLE).await, None);
    rig.sessions.flush_touches().await.unwrap();
    assert_eq!(saved(&rig, HANDLE).await, Some(now() + SECOND * 9));
    assert_eq!(rig.sessions.touches.pending().len(), 0);
    rig.sessions.touch(&known, now() + SECOND * 20);
    rig.sessions.flush_touches().await.unwrap();
    assert_eq!(saved(&rig, HANDLE).await, Some(now() + SECOND * 20), "queued again after a batch");
}

#[tokio::test]
async fn a_touch_evicts_nothing() {
    let mut rig = Rig::new().await;
    rig.get().await;
    rig.sessions.touch(&rig.cached().unwrap(), now());
    rig.sessions.flush_touches().await.unwrap();
    rig.beat().await;
    assert_eq!(rig.get().await, (Some(1), 0));
}

#[tokio::test]
async fn a_new_version_knows_the_touches_of_the_old_one() {
    let mut rig = Rig::new().await;
    rig.get().await;
    rig.sessions.touch(&rig.cached().unwrap(), now() + SECOND);
    rig.clock.advance(SECOND * 11);
    rig.beat().await;
    rig.store.mute(true);
    rig.commit_elsewhere(1, 2).await;
    assert_eq!(rig.get().await, (Some(2), 1), "read anew because of its age");
    assert_eq!(rig.cached().unwrap().last_seen(), Some(now() + SECOND));
}

#[tokio::test]
async fn a_read_brings_the_touches_of_other_nodes() {
    let rig = Rig::new().await;
    rig.get().await;
    rig.store.touch(&[(HANDLE, now() + SECOND)]).await.unwrap();
    rig.sessions.get_fresh(HANDLE).await.unwrap();
    assert_eq!(rig.cached().unwrap().last_seen(), Some(now() + SECOND));
}

#[tokio::test]
async fn touches_wait_while_the_store_cannot_be_reached() {
    let rig = Rig::new().await;
    rig.get().await;
    rig.sessions.touch(&rig.cached().unwrap(), now() + SECOND);
    rig.store.set_fault(Fault::Unreachable);
    for _ in 0..2 {
        assert!(rig.sessions.flush_touches().await.is_err());
    }
    rig.store.set_fault(Fault::None);
    rig.sessions.flush_touches().await.unwrap();
    assert_eq!(saved(&rig, HANDLE).await, Some(now() + SECOND));
}

#[tokio::test]
async fn a_touch_of_what_has_ended_brings_nothing_back() {
    let mut rig = Rig::new().await;
    rig.get().await;
    rig.sessions.touch(&rig.cached().unwrap(), now());
    rig.end_elsewhere().await;
    rig.sessions.flush_touches().await.unwrap();
    rig.hear();
    assert_eq!(rig.get().await.0, None);
}

#[tokio::test]
async fn enough_for_a_batch_wakes_the_one_who_saves() {
    let rig = Rig::new().await;
    for number in 0..=TOUCHES_MAX as u128 {
        let handle = Handle::from_bytes(number.to_be_bytes());
        rig.store.create(handle, record_of(&session(1))).await.unwrap();
        let Ok(Found::Live(known, _)) = rig.sessions.get(handle).await else { panic!("{handle} not found") };
        let woken = rig.sessions.touches.full.notified().now_or_never().is_some();
        assert!(!woken, "after {number} of {TOUCHES_MAX}");
        rig.sessions.touch(&known, now());
        if number + 1 == TOUCHES_MAX as u128 {
            assert!(rig.sessions.touches.full.notified().now_or_never().is_some());
        }
    }
    rig.sessions.flush_touches().await.unwrap();
    for number in [0, TOUCHES_MAX as u128] {
        assert_eq!(saved(&rig, Handle::from_bytes(number.to_be_bytes())).await, Some(now()));
    }
}

#[test]
fn touches_that_wait_are_bounded() {
    let touches = Touches::default();
    for number in 0..=TOUCHES_PENDING_MAX as u128 {
        touches.note(Handle::from_bytes(number.to_be_bytes()), &Arc::default(), now());
    }
    assert_eq!(touches.pending().len(), TOUCHES_PENDING_MAX);
}
