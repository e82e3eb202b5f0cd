//! How long a call that streams may go on: by what has ended, not by what has expired.

use std::sync::Arc;

use vestibule_domain::identity::Timestamp;
use vestibule_feed::{Feed, Traces};
use vestibule_oauth::token::AccessToken;
use vestibule_ports::clock::TestClock;

use super::*;
use crate::Services;
use crate::issuer::{Desk, Mood};

/// The life of the token.
const LIVES: Duration = Duration::from_mins(30);
/// Turns that other tasks get before a test gives up waiting for them.
const TURNS_MAX: usize = 1_000;

struct Rig {
    desk: Arc<Desk>,
    clock: Arc<TestClock>,
    feed: Arc<Feed>,
    anchor: Arc<dyn Anchor>,
}

fn token() -> Presented {
    Presented::Outside(AccessToken::parse("token").unwrap())
}

impl Rig {
    /// A call that streams, under a lease.
    async fn new() -> Self {
        let clock = Arc::new(TestClock::new(Timestamp::from_secs(1_800_000_000)));
        let desk = Arc::new(Desk::new(clock.clone()));
        desk.admit(&token(), "echo:read", LIVES);
        let feed = Arc::new(Feed::new(clock.clone()));
        let (following, provider) = (Arc::clone(&feed), Arc::clone(&desk));
        tokio::spawn(async move { following.run(&*provider).await });
        let services = Services { issuer: desk.clone(), feed: Arc::clone(&feed), clock: clock.clone() };
        let swaps = Swaps::new(services);
        hears(&feed).await;
        let swap = swaps.swap(&token()).await.unwrap_or_else(|why| panic!("{why:?}"));
        let anchor = Caller::anchor(&swaps, &token(), &swap);
        Self { desk, clock, feed, anchor }
    }

    /// Lets time pass under a lease.
    async fn pass(&self, time: Duration) {
        self.clock.advance(time);
        self.desk.beat();
        hears(&self.feed).await;
    }

    async fn look(&self) -> Grip {
        Arc::clone(&self.anchor).look().await
    }
}

async fn hears(feed: &Feed) {
    until(|| feed.check(&Traces::default(), feed.stamp()) == Life::Alive).await;
}

async fn until(holds: impl Fn() -> bool) {
    for _ in 0..TURNS_MAX {
        if holds() {
            return;
        }
        tokio::task::yield_now().await;
    }
    panic!("it never came");
}

#[tokio::test]
async fn an_end_that_was_heard_cuts_and_says_why() {
    let rig = Rig::new().await;
    assert_eq!(rig.anchor.glance(), Grip::Holds);
    let before = rig.feed.stamp();
    rig.desk.end_token(&token()).await;
    until(|| rig.feed.stamp() != before).await;
    assert_eq!(rig.anchor.glance(), Grip::Slipped(Slip::Ended("An administrator ended the session.")));
}

#[tokio::test]
async fn a_token_that_expires_cuts_nothing_and_costs_nothing() {
    let rig = Rig::new().await;
    for _ in 0..20 {
        rig.pass(Duration::from_mins(10)).await;
        assert_eq!(rig.anchor.glance(), Grip::Holds);
    }
    assert_eq!(rig.desk.asked(), 1);
    // It is still heard of.
    let before = rig.feed.stamp();
    rig.desk.end_token(&token()).await;
    until(|| rig.feed.stamp() != before).await;
    assert!(matches!(rig.anchor.glance(), Grip::Slipped(_)));
}

#[tokio::test]
async fn where_the_feed_was_not_heard_the_provider_is_asked() {
    let rig = Rig::new().await;
    rig.clock.advance(vestibule_feed::LEASE);
    assert_eq!(rig.anchor.glance(), Grip::Unsure);
    assert_eq!((rig.look().await, rig.desk.asked()), (Grip::Holds, 2));
    // What is still not heard is asked for again.
    assert_eq!(rig.anchor.glance(), Grip::Unsure);
    rig.desk.end_token(&token()).await;
    assert_eq!(rig.look().await, Grip::Slipped(REFUSED));
}

#[tokio::test]
async fn a_provider_that_is_away_is_waited_for_and_not_for_ever() {
    let rig = Rig::new().await;
    rig.desk.set_mood(Mood::Unreachable);
    for (seconds, grip) in [(2, Grip::Unsure), (8, Grip::Unsure), (1, Grip::Slipped(UNKNOWN))] {
        rig.clock.advance(Duration::from_secs(seconds));
        assert_eq!((rig.anchor.glance(), rig.look().await), (Grip::Unsure, grip), "after {seconds} s more");
    }
    // Back in time.
    rig.desk.set_mood(Mood::Answers);
    assert_eq!(rig.look().await, Grip::Holds);
}
