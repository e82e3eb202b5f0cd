//! The clauses of the lease and the near cache, one test each.

use std::time::Duration;

use vestibule_domain::audit::{Cause, Tombstone};
use vestibule_domain::identity::Handle;
use vestibule_domain::outage::UNFRESH_MAX;
use vestibule_ports::clock::Clock as _;
use vestibule_ports::memory::Fault;
use vestibule_ports::session_store::{Beat, Event, Record, SessionStore as _, Slot, StoreError};

use crate::cache::{AGE_MAX, GONE_MAX, SHARDS};
use crate::deadline::STORE_DEADLINE;
use crate::lease::LEASE;
use crate::rig::{HANDLE, Rig, record_of, session, tombstone, unreadable};
use crate::sessions::{Config, Found};

const MILLI: Duration = Duration::from_millis(1);

#[tokio::test]
async fn a_hit_reads_nothing_and_is_the_same_value() {
    let rig = Rig::new().await;
    assert_eq!(rig.get().await, (Some(1), 1));
    assert_eq!(rig.get().await, (Some(1), 0));
    let (first, second) = (rig.cached().unwrap(), rig.cached().unwrap());
    assert!(std::sync::Arc::ptr_eq(&first, &second));
    assert_eq!(first.session, session(1));
}

#[tokio::test]
async fn a_hit_allocates_nothing() {
    let rig = Rig::new().await;
    rig.get().await;
    let (now, wall) = (rig.clock.mono(), rig.clock.wall());
    // The first touch since the last batch queues the session; the next thousands find it there.
    rig.sessions.touch(&rig.cached().unwrap(), wall);
    let allocations = allocation_counter::measure(|| {
        let known = rig.sessions.cached(HANDLE, now, wall).unwrap();
        rig.sessions.touch(&known, wall);
    });
    assert_eq!(allocations.count_total, 0);
}

#[tokio::test]
async fn nothing_is_believed_before_the_first_beat() {
    let mut rig = Rig::unleased().await;
    rig.store.create(HANDLE, record_of(&session(1))).await.unwrap();
    for _ in 0..2 {
        assert_eq!(rig.get().await, (Some(1), 1));
    }
    assert!(rig.cached().is_none());
    rig.beat().await;
    assert!(rig.cached().is_some(), "it was read while the node listened, so the first beat makes it fresh");
}

#[tokio::test]
async fn a_lease_counts_from_the_sending_of_the_beat() {
    let mut rig = Rig::new().await;
    rig.get().await;
    rig.sessions.beat().await.unwrap();
    rig.clock.advance(LEASE.saturating_sub(MILLI));
    rig.hear();
    assert!(rig.cached().is_some());
    rig.clock.advance(MILLI);
    assert!(rig.cached().is_none(), "it was delivered late, which does not make it last longer");
    assert_eq!(rig.get().await, (Some(1), 1), "unfresh is not absent: read through");
    rig.beat().await;
    assert!(rig.cached().is_some());
}

#[tokio::test]
async fn the_beat_of_another_node_renews_nothing() {
    let mut rig = Rig::new().await;
    rig.get().await;
    rig.clock.advance(LEASE);
    rig.store.beat(Beat { watcher: 99, sent: rig.clock.mono() }).await.unwrap();
    rig.hear();
    assert!(rig.cached().is_none());
}

#[tokio::test]
async fn what_happens_elsewhere_is_seen_with_the_event() {
    let mut rig = Rig::new().await;
    rig.get().await;
    rig.commit_elsewhere(1, 2).await;
    rig.hear();
    assert_eq!(rig.get().await, (Some(2), 1));
    rig.end_elsewhere().await;
    rig.hear();
    assert!(rig.cached().is_none());
    assert_eq!(rig.get().await, (None, 1));
}

#[tokio::test]
async fn a_mute_channel_is_believed_for_one_lease_and_no_longer() {
    let mut rig = Rig::new().await;
    rig.get().await;
    rig.store.mute(true);
    rig.end_elsewhere().await;
    rig.clock.advance(LEASE.saturating_sub(MILLI));
    rig.beat().await;
    assert!(rig.cached().is_some());
    rig.clock.advance(MILLI);
    assert_eq!(rig.get().await, (None, 1));
}

#[tokio::test]
async fn no_entry_is_used_past_its_age() {
    let mut rig = Rig::new().await;
    rig.get().await;
    for _ in 0..10 {
        rig.clock.advance(AGE_MAX / 10);
        rig.beat().await;
    }
    assert!(rig.cached().is_some());
    rig.clock.advance(MILLI);
    assert_eq!(rig.get().await, (Some(1), 1));
    assert_eq!(rig.get().await, (Some(1), 0));
}

#[tokio::test]
async fn expiry_is_computed_on_every_hit() {
    let mut rig = Rig::new().await;
    rig.get().await;
    rig.clock.step_wall(record_of(&session(1)).expires_at);
    rig.beat().await;
    assert!(rig.cached().is_none());
    assert_eq!(rig.get().await, (None, 1));
}

#[tokio::test]
async fn after_a_reconnect_nothing_read_before_is_believed() {
    let mut rig = Rig::new().await;
    rig.get().await;
    rig.reconnect().await;
    rig.beat().await;
    assert!(rig.cached().is_none());
    assert_eq!(rig.get().await, (Some(1), 1));
    assert_eq!(rig.get().await, (Some(1), 0));
}

#[tokio::test]
async fn a_gap_is_a_new_generation() {
    let mut rig = Rig::new().await;
    rig.get().await;
    rig.sessions.heed(Event::Gap);
    rig.beat().await;
    assert_eq!(rig.get().await, (Some(1), 1));
    assert_eq!(rig.get().await, (Some(1), 0));
}

#[tokio::test]
async fn a_read_that_began_before_the_reconnect_is_not_kept() {
    let mut rig = Rig::new().await;
    rig.store.set_fault(Fault::HoldAnswers);
    let get = rig.start_get().await;
    rig.store.set_fault(Fault::None);
    rig.reconnect().await;
    rig.beat().await;
    assert_eq!(get.await.unwrap(), Some(1), "its own request may have it");
    assert!(rig.cached().is_none());
    rig.store.set_fault(Fault::Unreachable);
    assert!(rig.sessions.get(HANDLE).await.is_err(), "not even to stand in");
}

#[tokio::test]
async fn nobody_joins_a_read_that_began_before_the_reconnect() {
    let rig = Rig::new().await;
    rig.store.set_fault(Fault::HoldAnswers);
    let before = rig.start_get().await;
    rig.store.mute(true);
    rig.end_elsewhere_while_held().await;
    rig.sessions.heed(Event::Gap);
    let after = rig.start_get().await;
    rig.store.set_fault(Fault::None);
    assert_eq!(before.await.unwrap(), Some(1));
    assert_eq!(after.await.unwrap(), None);
}

#[tokio::test]
async fn a_read_without_a_subscription_is_not_kept() {
    let mut rig = Rig::new().await;
    rig.sessions.cache.lease.unsubscribe();
    for _ in 0..2 {
        assert_eq!(rig.get().await, (Some(1), 1), "however much is left of the lease");
    }
    rig.reconnect().await;
    rig.beat().await;
    assert!(rig.cached().is_none());
}

#[tokio::test]
async fn a_read_that_an_end_has_overtaken_is_not_kept() {
    let mut rig = Rig::new().await;
    rig.store.set_fault(Fault::HoldAnswers);
    let get = rig.start_get().await;
    rig.sessions.heed(Event::Ended { handle: HANDLE });
    rig.store.set_fault(Fault::None);
    assert_eq!(get.await.unwrap(), Some(1), "it was asked before the end");
    rig.beat().await;
    assert!(rig.cached().is_none());
}

#[tokio::test]
async fn requests_that_miss_together_share_one_read() {
    let rig = Rig::new().await;
    rig.store.set_fault(Fault::HoldAnswers);
    let before = rig.store.reads();
    let mut gets = Vec::new();
    for _ in 0..100 {
        gets.push(rig.start_get().await);
    }
    rig.store.set_fault(Fault::None);
    for get in gets {
        assert_eq!(get.await.unwrap(), Some(1));
    }
    assert_eq!(rig.store.reads() - before, 1);
    assert_eq!(rig.sessions.cache.flights(), 0);
}

#[tokio::test]
async fn nobody_joins_a_read_that_began_before_an_invalidation() {
    let rig = Rig::new().await;
    rig.store.set_fault(Fault::HoldAnswers);
    let before = rig.start_get().await;
    rig.end_elsewhere_while_held().await;
    rig.sessions.heed(Event::Ended { handle: HANDLE });
    let after = rig.start_get().await;
    rig.store.set_fault(Fault::None);
    assert_eq!(before.await.unwrap(), Some(1));
    assert_eq!(after.await.unwrap(), None, "an acknowledged end is seen by every later request");
}

#[tokio::test]
async fn a_dropped_lead_is_replaced() {
    let rig = Rig::new().await;
    rig.store.set_fault(Fault::HoldCalls);
    let lead = rig.start_get().await;
    let passenger = rig.start_get().await;
    lead.abort();
    assert!(lead.await.unwrap_err().is_cancelled());
    rig.store.set_fault(Fault::None);
    assert_eq!(passenger.await.unwrap(), Some(1));
    assert_eq!(rig.sessions.cache.flights(), 0);
}

#[tokio::test(start_paused = true)]
async fn an_unfresh_entry_stands_in_for_an_unreachable_store_and_only_for_that() {
    let rig = Rig::new().await;
    rig.get().await;
    rig.clock.advance(LEASE);
    for fault in [Fault::Unreachable, Fault::HoldCalls] {
        rig.store.set_fault(fault);
        assert!(
            matches!(rig.sessions.get(HANDLE).await, Ok(Found::Stale { known, .. }) if known.version == 1),
            "{fault:?}"
        );
        assert!(rig.cached().is_none(), "stale is never passed off as fresh");
        let fresh = rig.sessions.get_fresh(HANDLE).await;
        assert!(fresh.is_err_and(|error| error.is_outage()), "{fault:?}");
    }
    rig.store.set_fault(Fault::None);
    rig.store.update(HANDLE, 1, unreadable(), rig.clock.wall()).await.unwrap();
    assert!(matches!(rig.sessions.get(HANDLE).await, Err(StoreError::Corrupt(_))));
}

#[tokio::test]
async fn a_damaged_record_is_told_apart_from_one_of_a_newer_release_and_can_be_ended() {
    let rig = Rig::new().await;
    let newer = Record { body: vec![2, 0xff].into(), ..unreadable() };
    rig.store.update(HANDLE, 1, newer, rig.clock.wall()).await.unwrap();
    assert!(matches!(rig.sessions.get(HANDLE).await, Err(StoreError::Newer(_))));
    rig.store.update(HANDLE, 2, unreadable(), rig.clock.wall()).await.unwrap();
    for _ in 0..2 {
        assert!(matches!(rig.sessions.get(HANDLE).await, Err(StoreError::Corrupt(_))));
    }
    rig.sessions.end_unreadable(HANDLE, rig.sessions.deadline()).await.unwrap();
    assert!(matches!(rig.sessions.get(HANDLE).await, Ok(Found::Gone)));
    let Slot::Ended(tombstone) = rig.store.get(HANDLE, rig.clock.wall()).await.unwrap() else {
        panic!("it has ended");
    };
    let tombstone = Tombstone::decode(&tombstone.body).unwrap();
    assert_eq!((tombstone.cause, tombstone.ended_at), (Cause::Unreadable, rig.clock.wall()));
}

#[tokio::test]
async fn nothing_stands_in_for_what_was_never_read() {
    let rig = Rig::new().await;
    rig.store.set_fault(Fault::Unreachable);
    assert!(matches!(rig.sessions.get(HANDLE).await, Err(StoreError::Unreachable(_))));
}

#[tokio::test]
async fn an_unfresh_entry_stands_in_for_ten_seconds_at_most() {
    let rig = Rig::new().await;
    rig.get().await;
    rig.store.set_fault(Fault::Unreachable);
    rig.clock.advance(AGE_MAX);
    assert!(matches!(rig.sessions.get(HANDLE).await, Ok(Found::Stale { .. })));
    rig.clock.advance(MILLI);
    assert!(rig.sessions.get(HANDLE).await.is_err());
}

#[tokio::test]
async fn however_young_it_is_nothing_stands_in_long_after_the_last_lease() {
    let rig = Rig::new().await;
    rig.clock.advance(LEASE + UNFRESH_MAX);
    rig.get().await;
    rig.store.set_fault(Fault::Unreachable);
    let stale = rig.sessions.get(HANDLE).await;
    assert!(matches!(stale, Ok(Found::Stale { since_lease: UNFRESH_MAX, .. })), "{stale:?}");
    rig.clock.advance(MILLI);
    assert!(rig.sessions.get(HANDLE).await.is_err());
}

#[tokio::test]
async fn how_long_a_copy_stands_in_is_a_setting_and_zero_is_never() {
    for (seconds, stands_in) in [(10, true), (3, true), (2, false), (0, false)] {
        let unfresh_max = Duration::from_secs(seconds);
        let mut rig = Rig::with(Config { unfresh_max, ..Config::default() }).await;
        rig.beat().await;
        rig.get().await;
        rig.store.set_fault(Fault::Unreachable);
        rig.clock.advance(LEASE + Duration::from_secs(3));
        let found = rig.sessions.get(HANDLE).await;
        assert_eq!(matches!(found, Ok(Found::Stale { .. })), stands_in, "{seconds} s: {found:?}");
    }
    let longer = Rig::with(Config { unfresh_max: Duration::from_mins(1), ..Config::default() }).await;
    assert_eq!(longer.sessions.unfresh_max(), UNFRESH_MAX, "never for longer than that");
}

#[tokio::test]
async fn an_end_that_the_store_has_told_is_not_stood_in_for() {
    let rig = Rig::new().await;
    rig.get().await;
    rig.clock.advance(LEASE);
    rig.end_elsewhere().await;
    assert_eq!(rig.get().await, (None, 1));
    rig.store.set_fault(Fault::Unreachable);
    assert!(rig.sessions.get(HANDLE).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_store_that_does_not_answer_is_given_up_at_the_deadline() {
    let rig = Rig::new().await;
    rig.store.set_fault(Fault::HoldCalls);
    let start = tokio::time::Instant::now();
    let (lead, passenger) = tokio::join!(rig.sessions.get(HANDLE), rig.sessions.get(HANDLE));
    assert!(matches!(lead, Err(StoreError::Deadline)) && matches!(passenger, Err(StoreError::Deadline)));
    assert_eq!(start.elapsed(), STORE_DEADLINE);
}

#[tokio::test]
async fn get_fresh_reads_however_good_the_cache_is() {
    let mut rig = Rig::new().await;
    rig.get().await;
    rig.store.mute(true);
    rig.commit_elsewhere(1, 2).await;
    rig.store.mute(false);
    rig.beat().await;
    assert_eq!(rig.get().await, (Some(1), 0));
    assert!(matches!(rig.sessions.get_fresh(HANDLE).await, Ok(Found::Live(known, _)) if known.version == 2));
    assert_eq!(rig.get().await, (Some(2), 0));
}

#[tokio::test]
async fn an_older_version_never_replaces_a_newer_one() {
    let mut rig = Rig::new().await;
    rig.store.set_fault(Fault::HoldAnswers);
    let slow = rig.start_get().await;
    rig.store.set_fault(Fault::None);
    rig.store.mute(true);
    rig.commit_elsewhere(1, 2).await;
    rig.store.mute(false);
    rig.sessions.get_fresh(HANDLE).await.unwrap();
    assert_eq!(slow.await.unwrap(), Some(1));
    rig.beat().await;
    assert_eq!(rig.cached().unwrap().version, 2);
}

#[tokio::test]
async fn a_version_is_another_even_if_it_says_the_same() {
    let rig = Rig::new().await;
    rig.get().await;
    rig.commit_elsewhere(1, 1).await;
    assert!(matches!(rig.sessions.get_fresh(HANDLE).await, Ok(Found::Live(known, _)) if known.version == 2));
}

#[tokio::test]
async fn what_is_gone_is_remembered_until_something_happens_to_it() {
    let mut rig = Rig::new().await;
    rig.end_elsewhere().await;
    rig.hear();
    assert_eq!(rig.get().await, (None, 1));
    assert_eq!(rig.get().await, (None, 0));
    rig.clock.advance(LEASE);
    assert_eq!(rig.get().await, (None, 1), "only under a lease");
    rig.beat().await;
    assert_eq!(rig.get().await, (None, 0));
    rig.sessions.heed(Event::Changed { handle: HANDLE, version: 1 });
    assert_eq!(rig.get().await, (None, 1));
    assert!(matches!(rig.sessions.get_fresh(HANDLE).await, Ok(Found::Gone)), "never the last word");
}

#[tokio::test]
async fn handles_that_somebody_made_up_fill_nothing() {
    let rig = Rig::new().await;
    rig.get().await;
    for number in 0..(2 * GONE_MAX * SHARDS) as u128 {
        rig.sessions.get(Handle::from_bytes(number.to_be_bytes())).await.unwrap();
    }
    assert_eq!(rig.sessions.cache.gone(), GONE_MAX * SHARDS);
    assert!(rig.cached().is_some());
}

#[tokio::test]
async fn what_a_face_keeps_beside_a_version_outlives_a_reading_of_the_same_version() {
    let mut rig = Rig::new().await;
    rig.get().await;
    let first = rig.cached().unwrap();
    rig.reconnect().await;
    rig.beat().await;
    assert_eq!(rig.get().await, (Some(1), 1));
    assert!(std::sync::Arc::ptr_eq(&first, &rig.cached().unwrap()));
    rig.commit_elsewhere(1, 2).await;
    rig.hear();
    rig.get().await;
    assert!(!std::sync::Arc::ptr_eq(&first, &rig.cached().unwrap()));
}

#[tokio::test]
async fn the_node_evicts_itself_before_it_acknowledges() {
    let rig = Rig::new().await;
    rig.get().await;
    rig.store.mute(true);
    rig.sessions.commit(HANDLE, |_, _| Ok(session(2))).await.unwrap();
    assert_eq!(rig.get().await, (Some(2), 1));
    rig.sessions.end(HANDLE, |_| Some(tombstone())).await.unwrap();
    assert!(rig.cached().is_none());
    assert_eq!(rig.get().await, (None, 1));
}
