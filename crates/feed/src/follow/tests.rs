//! `run` as a whole, on tokio's paused time beside the test's own clock.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use futures_util::stream;
use vestibule_domain::identity::{Epoch, Handle, Timestamp};
use vestibule_ports::clock::{Clock as _, TestClock};
use vestibule_ports::issuer::{
    Cause, End, Ended, FeedItem, IssuerError, LogOn, Mint, Minted, Presented, Redeem, Swapped,
};
use vestibule_ports::memory::MemoryIssuer;

use super::*;
use crate::ends::Traces;
use crate::feed::{LEASE, Life, Stamp};

const SID: Handle = Handle::from_bytes([1; 16]);
const BEAT_EVERY: Duration = Duration::from_millis(500);
const STEP: Duration = Duration::from_millis(50);

fn traces() -> Traces<'static> {
    Traces { session: Some((SID, Epoch::FIRST)), ..Traces::default() }
}

/// Lets time pass on both clocks, in steps that are finer than any interval of `run`.
async fn pass(clock: &TestClock, time: Duration) {
    for _ in 0..time.as_millis().div_ceil(STEP.as_millis()) {
        clock.advance(STEP);
        tokio::time::advance(STEP).await;
        // The follower gets its turns before the next step.
        for _ in 0..8 {
            tokio::task::yield_now().await;
        }
    }
}

fn spawn(feed: &Arc<Feed>, issuer: Arc<dyn Issuer>) {
    let feed = Arc::clone(feed);
    tokio::spawn(async move { feed.run(&*issuer).await });
}

struct Node {
    clock: Arc<TestClock>,
    issuer: Arc<MemoryIssuer>,
    feed: Arc<Feed>,
}

impl Node {
    /// A node that follows a provider, under a lease.
    async fn running() -> Self {
        let clock = Arc::new(TestClock::new(Timestamp::from_secs(1_800_000_000)));
        let issuer = Arc::new(MemoryIssuer::new(clock.clone()));
        let feed = Arc::new(Feed::new(clock.clone()));
        spawn(&feed, issuer.clone());
        let node = Self { clock, issuer, feed };
        node.pass(STEP).await;
        node.beat().await;
        node
    }

    async fn pass(&self, time: Duration) {
        pass(&self.clock, time).await;
    }

    async fn beat(&self) {
        self.issuer.beat();
        self.pass(STEP).await;
    }

    async fn end(&self) {
        let end = End::Session { sid: SID, ep: Epoch::FIRST };
        self.issuer.end(end, Cause::LogOut).await.unwrap();
        self.pass(STEP).await;
    }

    fn life(&self, since: Stamp) -> Life {
        self.feed.check(&traces(), since)
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_provider_ends_has_ended_here() {
    let node = Node::running().await;
    let since = node.feed.stamp();
    assert_eq!(node.life(since), Life::Alive);
    node.end().await;
    assert_eq!(node.life(since), Life::Ended(Cause::LogOut));
}

#[tokio::test(start_paused = true)]
async fn heartbeats_keep_what_is_cached_alive() {
    let node = Node::running().await;
    let since = node.feed.stamp();
    for _ in 0..20 {
        node.pass(BEAT_EVERY).await;
        node.beat().await;
        assert_eq!(node.life(since), Life::Alive);
    }
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_falls_silent_leaves_nothing_sure_after_a_lease() {
    let node = Node::running().await;
    let since = node.feed.stamp();
    node.issuer.set_unreachable(true);
    node.pass(LEASE).await;
    assert_eq!(node.life(since), Life::Unsure);
    node.issuer.set_unreachable(false);
    node.beat().await;
    assert_eq!(node.life(since), Life::Alive, "it was silent for less than makes a feed lost");
}

#[tokio::test(start_paused = true)]
async fn a_lost_feed_is_asked_for_again_and_nothing_older_is_believed() {
    let node = Node::running().await;
    let since = node.feed.stamp();
    node.issuer.set_unreachable(true);
    node.pass(SILENCE_MAX + RECONNECT_EVERY * 3).await;
    node.issuer.set_unreachable(false);
    node.pass(RECONNECT_EVERY * 2).await;
    node.beat().await;
    assert_eq!(node.life(since), Life::Unsure);
    let since = node.feed.stamp();
    assert_eq!(node.life(since), Life::Alive);
    node.end().await;
    assert_eq!(node.life(since), Life::Ended(Cause::LogOut));
}

/// A provider with one script a connection; it tells nothing but its feed.
struct Scripted {
    /// What each connection brings before it is lost. The last one stays open.
    scripts: Mutex<VecDeque<Vec<FeedItem>>>,
    /// After which number each connection asked.
    asked: Mutex<Vec<u64>>,
}

#[async_trait]
impl Issuer for Scripted {
    async fn redeem(&self, _: Redeem) -> Result<LogOn, IssuerError> {
        Err(IssuerError::Deadline)
    }

    async fn mint(&self, _: Mint, _: Option<Timestamp>) -> Result<Minted, IssuerError> {
        Err(IssuerError::Deadline)
    }

    async fn swap(&self, _: Presented) -> Result<Swapped, IssuerError> {
        Err(IssuerError::Deadline)
    }

    async fn end(&self, _: End, _: Cause) -> Result<(), IssuerError> {
        Err(IssuerError::Deadline)
    }

    async fn feed(&self, after: u64) -> Result<Items, IssuerError> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).push(after);
        let mut scripts = self.scripts.lock().unwrap_or_else(PoisonError::into_inner);
        let script = scripts.pop_front().ok_or(IssuerError::Deadline)?;
        let items = stream::iter(script.into_iter().map(Ok));
        let end = if scripts.is_empty() { stream::pending().boxed() } else { stream::empty().boxed() };
        Ok(items.chain(end).boxed())
    }
}

#[tokio::test(start_paused = true)]
async fn each_connection_goes_on_after_the_last_number() {
    let clock = Arc::new(TestClock::new(Timestamp::from_secs(1_800_000_000)));
    let ended = |seq| FeedItem::Ended { seq, ended: Ended::Client("c".to_owned()), cause: Cause::Revoked };
    let scripts = [vec![ended(1), ended(2)], vec![], vec![FeedItem::Gap { seq: 40 }], vec![ended(41)]];
    let issuer = Arc::new(Scripted { scripts: Mutex::new(scripts.into()), asked: Mutex::default() });
    let feed = Arc::new(Feed::new(clock.clone()));
    spawn(&feed, issuer.clone());
    pass(&clock, RECONNECT_EVERY * 5).await;
    assert_eq!(*issuer.asked.lock().unwrap(), [0, 2, 2, 40]);
    pass(&clock, SILENCE_MAX + RECONNECT_EVERY).await;
    assert_eq!(issuer.asked.lock().unwrap().last(), Some(&41), "a silent connection is given up");
}

/// Follows a provider that plays these connections, on a clock that the test moves; what is known when the first has
/// been played.
async fn played(scripts: impl IntoIterator<Item = Vec<FeedItem>>) -> (Arc<TestClock>, Arc<Feed>, Stamp) {
    let clock = Arc::new(TestClock::new(Timestamp::from_secs(1_800_000_000)));
    let scripts = Mutex::new(scripts.into_iter().collect());
    let feed = Arc::new(Feed::new(clock.clone()));
    spawn(&feed, Arc::new(Scripted { scripts, asked: Mutex::default() }));
    pass(&clock, STEP).await;
    let since = feed.stamp();
    (clock, feed, since)
}

/// A heartbeat of the time at which [`played`] begins.
fn beat(seq: u64) -> FeedItem {
    let sent = TestClock::new(Timestamp::from_secs(1_800_000_000)).mono();
    FeedItem::Heartbeat { seq, sent }
}

/// As one in this process does whose registry is away.
#[tokio::test(start_paused = true)]
async fn a_feed_that_opens_again_and_again_and_says_nothing_makes_nothing_younger() {
    let mut scripts = vec![vec![beat(0)]];
    scripts.resize(100, Vec::new());
    let (clock, feed, since) = played(scripts).await;
    assert_eq!(feed.check(&traces(), since), Life::Alive);
    let time = Duration::from_secs(15);
    pass(&clock, time).await;
    // A lease from the beginning, which was a step earlier.
    assert_eq!(feed.unsure_for(since), (time + STEP).saturating_sub(LEASE));
    assert!(!feed.has_broken(since), "nothing was heard that could be missed");
}

#[tokio::test(start_paused = true)]
async fn the_first_end_of_a_new_connection_counts_for_what_is_older() {
    let ended = |seq| {
        let ended = Ended::Session { sid: SID, ep: Epoch::FIRST };
        FeedItem::Ended { seq, ended, cause: Cause::Revoked }
    };
    let (clock, feed, since) = played([vec![beat(0)], vec![ended(1)], vec![]]).await;
    pass(&clock, RECONNECT_EVERY * 2).await;
    assert_eq!(feed.check(&traces(), since), Life::Ended(Cause::Revoked));
    assert!(feed.has_broken(since));
}
