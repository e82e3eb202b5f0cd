//! Touches: coalesced, saved in batches, bounded, and never a resurrection.

use futures_util::FutureExt as _;
use vestibule_ports::clock::Clock as _;
use vestibule_ports::memory::Fault;
use vestibule_ports::session_store::{SessionStore as _, Slot};

use super::*;
use crate::rig::{HANDLE, Rig, now, pass, record_of, session};
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

/// A node with so many touched sessions.
async fn touched(count: u128) -> Rig {
    let rig = Rig::new().await;
    for number in 0..count {
        let handle = Handle::from_bytes(number.to_be_bytes());
        rig.store.create(handle, record_of(&session(1))).await.unwrap();
        rig.sessions.touches.note(handle, &Arc::default(), now());
    }
    rig
}

async fn saved_of(rig: &Rig, count: u128) -> usize {
    let mut all = 0;
    for number in 0..count {
        all += usize::from(saved(rig, Handle::from_bytes(number.to_be_bytes())).await.is_some());
    }
    all
}

#[tokio::test]
async fn a_batch_that_failed_waits_for_the_next_time_and_stops_no_other() {
    const COUNT: u128 = 3 * TOUCHES_MAX as u128;
    let rig = touched(COUNT).await;
    rig.store.set_fault(Fault::UnreachableOnce);
    assert!(rig.sessions.flush_touches().await.is_err());
    assert_eq!(saved_of(&rig, COUNT).await, 2 * TOUCHES_MAX);
    assert_eq!(rig.sessions.touches.pending().len(), TOUCHES_MAX);
    rig.sessions.flush_touches().await.unwrap();
    assert_eq!(saved_of(&rig, COUNT).await, 3 * TOUCHES_MAX);
}

#[tokio::test(start_paused = true)]
async fn a_batch_that_ran_out_of_its_time_ends_the_flush() {
    const COUNT: u128 = 3 * TOUCHES_MAX as u128;
    let rig = touched(COUNT).await;
    rig.store.set_fault(Fault::HoldCalls);
    let start = Instant::now();
    assert!(rig.sessions.flush_touches().await.is_err());
    assert_eq!(start.elapsed(), deadline::CHORE_MAX);
    assert_eq!(rig.sessions.touches.pending().len(), 3 * TOUCHES_MAX, "nothing is lost");
    rig.store.set_fault(Fault::None);
    rig.sessions.flush_touches().await.unwrap();
    assert_eq!(saved_of(&rig, COUNT).await, 3 * TOUCHES_MAX);
}

#[tokio::test(start_paused = true)]
async fn a_batch_has_more_time_than_a_request() {
    let rig = touched(1).await;
    rig.store.set_fault(Fault::HoldAnswers);
    let sessions = Arc::clone(&rig.sessions);
    let flushing = tokio::spawn(async move { sessions.flush_touches().await });
    pass(deadline::STORE_DEADLINE * 3).await;
    rig.store.set_fault(Fault::None);
    assert_eq!(flushing.await.unwrap(), Ok(()));
}

#[tokio::test(start_paused = true)]
async fn a_store_that_is_away_keeps_no_process_from_ending() {
    for (fault, took) in [(Fault::Unreachable, Duration::ZERO), (Fault::HoldCalls, deadline::CHORE_MAX * 2)] {
        let rig = touched(10 * TOUCHES_MAX as u128).await;
        rig.store.set_fault(fault);
        let start = Instant::now();
        rig.sessions.close().await;
        assert_eq!(start.elapsed(), took, "{fault:?}");
    }
}

/// Lets one batch after the other through, each this long after it was sent.
async fn answer_after(rig: &Rig, time: Duration, batches: u32) {
    for _ in 0..batches {
        rig.store.set_fault(Fault::HoldAnswers);
        pass(time).await;
        rig.store.set_fault(Fault::HoldCalls);
        pass(Duration::ZERO).await;
    }
}

#[tokio::test(start_paused = true)]
async fn the_end_of_a_process_saves_all_that_a_slow_store_takes() {
    const BATCHES: u32 = 12;
    const COUNT: u128 = BATCHES as u128 * TOUCHES_MAX as u128;
    let rig = touched(COUNT).await;
    rig.store.set_fault(Fault::HoldCalls);
    let sessions = Arc::clone(&rig.sessions);
    let closing = tokio::spawn(async move { sessions.close().await });
    answer_after(&rig, SECOND * 3 / 2, BATCHES).await;
    assert!(closing.is_finished());
    rig.store.set_fault(Fault::None);
    assert_eq!(saved_of(&rig, COUNT).await, COUNT as usize);
}

#[tokio::test(start_paused = true)]
async fn the_end_of_a_process_has_a_limit() {
    let rig = touched(20 * TOUCHES_MAX as u128).await;
    rig.store.set_fault(Fault::HoldCalls);
    let sessions = Arc::clone(&rig.sessions);
    let start = Instant::now();
    let closing = tokio::spawn(async move {
        sessions.close().await;
        start.elapsed()
    });
    answer_after(&rig, SECOND * 3 / 2, 13).await;
    assert_eq!(closing.await.unwrap(), CLOSE_MAX);
}

#[tokio::test(start_paused = true)]
async fn a_flush_that_is_dropped_on_its_way_loses_nothing() {
    const COUNT: u128 = 2 * TOUCHES_MAX as u128;
    let rig = touched(COUNT).await;
    rig.store.set_fault(Fault::HoldCalls);
    let sessions = Arc::clone(&rig.sessions);
    let flushing = tokio::spawn(async move { sessions.flush_touches().await });
    tokio::task::yield_now().await;
    assert!(rig.sessions.touches.pending().len() < COUNT as usize);
    // As the process ends: the work is told to stop, and what is left is saved before it has.
    flushing.abort();
    rig.store.set_fault(Fault::None);
    rig.sessions.close().await;
    assert!(flushing.await.unwrap_err().is_cancelled());
    assert_eq!(saved_of(&rig, COUNT).await, COUNT as usize);
}

#[tokio::test(start_paused = true)]
async fn what_fails_once_at_the_end_is_saved_by_the_second_try() {
    let rig = touched(1).await;
    rig.store.set_fault(Fault::HoldCalls);
    let sessions = Arc::clone(&rig.sessions);
    let closing = tokio::spawn(async move { sessions.close().await });
    pass(deadline::CHORE_MAX + SECOND / 2).await;
    rig.store.set_fault(Fault::None);
    closing.await.unwrap();
    assert_eq!(saved_of(&rig, 1).await, 1);
}

#[test]
fn touches_that_wait_are_bounded() {
    let touches = Touches::default();
    for number in 0..=TOUCHES_PENDING_MAX as u128 {
        touches.note(Handle::from_bytes(number.to_be_bytes()), &Arc::default(), now());
    }
    assert_eq!(touches.pending().len(), TOUCHES_PENDING_MAX);
}
