//! The feed of ends: what the registry has committed, in order, with heartbeats in between.
//! Must not know who follows. `tokio`'s timer only paces it; times in it are the `Clock`'s.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use tokio::sync::watch;
use tokio::time;
use vestibule_ports::clock::Clock;
use vestibule_ports::issuer::{Feed, FeedItem, IssuerError};
use vestibule_registry::outbox::{FeedPage, Told};

use crate::hearers::Hearer;
use crate::ledger::Ledger;

/// Between two heartbeats when nothing ends.
const HEARTBEAT: Duration = Duration::from_millis(500);

/// One follower.
struct Follower {
    ledger: Ledger,
    clock: Arc<dyn Clock>,
    announced: watch::Receiver<u64>,
    after: u64,
    /// Read and not yet delivered: one page of the registry and a heartbeat.
    waiting: VecDeque<FeedItem>,
    /// Whether everything there was at the last look has been delivered.
    caught_up: bool,
    lost: bool,
    /// Told how far has been heard, where somebody wants to know.
    hearer: Option<Hearer>,
}

/// Follows all ends after a number, in this process.
pub(super) fn follow(ledger: Ledger, clock: Arc<dyn Clock>, after: u64) -> Feed {
    let hearer = ledger.hear(after);
    let follower = Follower { hearer: Some(hearer), ..Follower::new(ledger, clock, after) };
    stream::unfold(follower, |mut follower| async move {
        let item = follower.next().await?;
        Some((item, follower))
    })
    .boxed()
}

/// Everything after a number that one page holds. While there is only a heartbeat, looks again once when something
/// ends or `wait` is over, so it is never empty.
pub(super) async fn page(
    ledger: Ledger,
    clock: Arc<dyn Clock>,
    after: u64,
    wait: Duration,
) -> Result<VecDeque<FeedItem>, IssuerError> {
    let mut follower = Follower::new(ledger, clock, after);
    follower.look().await?;
    let is_quiet = matches!(follower.waiting.front(), Some(FeedItem::Heartbeat { .. }));
    if is_quiet && !wait.is_zero() {
        let _woken_or_not = time::timeout(wait.min(HEARTBEAT), follower.announced.changed()).await;
        follower.waiting.clear();
        follower.look().await?;
    }
    Ok(follower.waiting)
}

impl Follower {
    fn new(ledger: Ledger, clock: Arc<dyn Clock>, after: u64) -> Self {
        let announced = ledger.announced();
        Self {
            ledger,
            clock,
            announced,
            after,
            waiting: VecDeque::new(),
            caught_up: false,
            lost: false,
            hearer: None,
        }
    }

    async fn next(&mut self) -> Option<Result<FeedItem, IssuerError>> {
        while !self.lost {
            if let Some(item) = self.waiting.pop_front() {
                return Some(Ok(item));
            }
            // Who asks for more has dealt with all there was.
            if let Some(hearer) = &self.hearer {
                hearer.has_heard(self.after);
            }
            if self.caught_up {
                // A wake-up or the time for a heartbeat: both mean to look again.
                let _woken_or_not = time::timeout(HEARTBEAT, self.announced.changed()).await;
            }
            if let Err(error) = self.look().await {
                self.lost = true;
                return Some(Err(error));
            }
        }
        None
    }

    async fn look(&mut self) -> Result<(), IssuerError> {
        self.announced.mark_unchanged();
        // Before the look, so that every end acknowledged by then is in what is seen.
        let sent = self.clock.mono();
        let after = self.after;
        match self.ledger.call(move |registry| registry.feed_after(after)).await? {
            FeedPage::Gap { newest } => {
                self.after = newest;
                self.caught_up = false;
                self.waiting.push_back(FeedItem::Gap { seq: newest });
            }
            FeedPage::Rows { rows, newest } => {
                self.after = rows.last().map_or(after, |row| row.seq);
                self.caught_up = self.after == newest;
                let told = |Told { seq, ended, cause }| FeedItem::Ended { seq, ended, cause };
                self.waiting.extend(rows.into_iter().map(told));
                if self.caught_up {
                    self.waiting.push_back(FeedItem::Heartbeat { seq: newest, sent });
                }
            }
        }
        Ok(())
    }
}
