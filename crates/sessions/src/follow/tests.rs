//! `run` as a whole, on tokio's paused time beside the test's own clock.

use std::sync::Arc;

use vestibule_domain::identity::Handle;
use vestibule_domain::limits::Limits;
use vestibule_ports::clock::{Clock as _, TestClock};
use vestibule_ports::memory::{Fault, MemorySessionStore};
use vestibule_ports::session_store::{Record, SessionStore as _, Slot};

use super::*;
use crate::lease::LEASE;
use crate::rig::{HANDLE, Rig, now, record_of, session};
use crate::sessions::{Config, Found};

struct Node {
    store: Arc<MemorySessionStore>,
    clock: Arc<TestClock>,
    sessions: Arc<Sessions<()>>,
}

impl Node {
    async fn running() -> Self {
        let store = Arc::new(MemorySessionStore::new());
        store.create(HANDLE, record_of(&session(1))).await.unwrap();
        let clock = Arc::new(TestClock::new(now()));
        let sessions = Arc::new(Sessions::new(store.clone(), clock.clone(), 1, Config::default()));
        let node = Self { store, clock, sessions };
        tokio::spawn({
            let sessions = Arc::clone(&node.sessions);
            async move { sessions.run().await }
        });
        node
    }

    /// Lets time pass on both clocks, in steps that are finer than any interval of `run`.
    async fn pass(&self, time: Duration) {
        const STEP: Duration = Duration::from_millis(50);
        for _ in 0..time.as_millis() / STEP.as_millis() {
            self.clock.advance(STEP);
            time::advance(STEP).await;
            // Each task of `run` gets its turns before the next step.
            for _ in 0..8 {
                tokio::task::yield_now().await;
            }
        }
    }

    async fn is_cached(&self) -> bool {
        assert!(matches!(self.sessions.get(HANDLE).await, Ok(Found::Live(..))));
        self.sessions.cached(HANDLE, self.clock.mono(), self.clock.wall()).is_some()
    }
}

#[tokio::test(start_paused = true)]
async fn a_running_node_is_always_under_a_lease() {
    let node = Node::running().await;
    node.pass(BEAT_EVERY).await;
    for _ in 0..20 {
        node.pass(BEAT_EVERY).await;
        assert!(node.is_cached().await);
    }
}

#[tokio::test(start_paused = true)]
async fn a_lost_channel_is_opened_again() {
    let node = Node::running().await;
    node.pass(BEAT_EVERY).await;
    assert!(node.is_cached().await);
    node.store.drop_watchers();
    node.pass(BEAT_EVERY * 2).await;
    assert!(node.is_cached().await);
}

#[tokio::test(start_paused = true)]
async fn a_channel_that_fell_silent_is_opened_again() {
    let node = Node::running().await;
    node.pass(BEAT_EVERY).await;
    node.store.mute(true);
    node.pass(LEASE).await;
    assert!(!node.is_cached().await);
    let before = node.sessions.cache.lease.generation();
    node.pass(SILENCE_MAX + RECONNECT_EVERY * 2).await;
    assert_ne!(node.sessions.cache.lease.generation(), before);
    node.store.mute(false);
    node.pass(BEAT_EVERY * 2).await;
    assert!(node.is_cached().await);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_was_away_is_trusted_again_soon_after() {
    let node = Node::running().await;
    node.store.set_fault(Fault::Unreachable);
    node.store.drop_watchers();
    node.pass(Duration::from_secs(20)).await;
    node.store.set_fault(Fault::None);
    node.pass(Duration::from_secs(1)).await;
    assert!(node.is_cached().await);
}

#[tokio::test(start_paused = true)]
async fn touches_are_saved_without_being_asked_for() {
    let node = Node::running().await;
    let Ok(Found::Live(known, _)) = node.sessions.get(HANDLE).await else { panic!("not found") };
    node.sessions.touch(&known, now());
    node.pass(TOUCH_EVERY + BEAT_EVERY).await;
    let Ok(Slot::Live(stored)) = node.store.get(HANDLE, node.clock.wall()).await else { panic!("not found") };
    assert_eq!(stored.last_seen, Some(now()));
}

/// Touches one session after another at each step, lets the store stall, and says how long the slowest was unsaved.
async fn slowest_touch(stalls_at: Duration, stall: Duration) -> Duration {
    const STEP: Duration = Duration::from_millis(250);
    const STEPS: u32 = 40;
    let node = Node::running().await;
    let handle = |step: u32| Handle::from_bytes(u128::from(step).to_be_bytes());
    for step in 0..STEPS {
        node.store.create(handle(step), record_of(&session(1))).await.unwrap();
    }
    let (start, mut unsaved, mut slowest) = (time::Instant::now(), Vec::new(), Duration::ZERO);
    for step in 0.. {
        let is_stalled = (stalls_at..stalls_at + stall).contains(&start.elapsed());
        node.store.set_fault(if is_stalled { Fault::HoldCalls } else { Fault::None });
        if step < STEPS {
            node.sessions.touches.note(handle(step), &Arc::default(), node.clock.wall());
            unsaved.push((handle(step), start.elapsed()));
        }
        node.pass(STEP).await;
        while !is_stalled && let Some((handle, made)) = unsaved.first().copied() {
            let Ok(Slot::Live(stored)) = node.store.get(handle, node.clock.wall()).await else {
                panic!("not found")
            };
            if stored.last_seen.is_none() {
                break;
            }
            slowest = slowest.max(start.elapsed().saturating_sub(made));
            unsaved.remove(0);
        }
        if step >= STEPS && unsaved.is_empty() {
            break;
        }
    }
    slowest
}

#[tokio::test(start_paused = true)]
async fn touches_are_saved_within_the_idle_margin_though_the_store_stalls_for_three_seconds() {
    let margin = Limits::default().idle_margin;
    assert!(slowest_touch(Duration::ZERO, Duration::ZERO).await <= TOUCH_EVERY + BEAT_EVERY);
    for quarters in 1..=24 {
        let stalls_at = Duration::from_millis(250) * quarters;
        let slowest = slowest_touch(stalls_at, Duration::from_secs(3)).await;
        assert!(slowest < margin, "{slowest:?} with a stall at {stalls_at:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn expired_entries_are_swept_in_portions() {
    let node = Node::running().await;
    for number in 0..(SWEEP_ENTRIES * 3) as u128 {
        let record = Record { expires_at: now(), ..record_of(&session(1)) };
        node.store.create(Handle::from_bytes(number.to_be_bytes()), record).await.unwrap();
    }
    node.pass(SWEEP_EVERY + BEAT_EVERY).await;
    assert_eq!(node.store.entries(), 1);
}

#[tokio::test]
async fn ends_are_news_and_patches_are_not() {
    let mut rig = Rig::new().await;
    let mut news = rig.sessions.news();
    news.mark_unchanged();
    rig.commit_elsewhere(1, 2).await;
    rig.beat().await;
    assert!(!news.has_changed().unwrap());
    rig.end_elsewhere().await;
    rig.hear();
    assert!(news.has_changed().unwrap());
}
