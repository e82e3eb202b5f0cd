//! The feed as pages that are asked for one after the other: the provider holds a request back until something ends or
//! the time for a heartbeat has come, and each answer is a round trip that a lease may be counted from.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use vestibule_ports::issuer::{Feed, FeedItem, IssuerError};

use crate::documents::{FeedPage, Told, path};
use crate::link::Link;

/// How long the provider may hold a request back: the time between two heartbeats.
const WAIT: Duration = Duration::from_millis(500);
/// For the way there and back, beside that.
const ROUND_TRIP_LIMIT: Duration = Duration::from_secs(1);

struct Follower {
    link: Arc<Link>,
    after: u64,
    /// Read and not yet delivered: one page.
    waiting: VecDeque<FeedItem>,
    lost: bool,
}

/// Asks for the first page, which comes at once, and goes on from there.
pub(crate) async fn follow(link: Arc<Link>, after: u64) -> Result<Feed, IssuerError> {
    let mut follower = Follower { link, after, waiting: VecDeque::new(), lost: false };
    follower.turn(Duration::ZERO).await?;
    let items = stream::unfold(follower, |mut follower| async move {
        let item = follower.next().await?;
        Some((item, follower))
    });
    Ok(items.boxed())
}

impl Follower {
    async fn next(&mut self) -> Option<Result<FeedItem, IssuerError>> {
        while !self.lost {
            if let Some(item) = self.waiting.pop_front() {
                return Some(Ok(item));
            }
            if let Err(error) = self.turn(WAIT).await {
                self.lost = true;
                return Some(Err(error));
            }
        }
        None
    }

    /// Reads the next page.
    async fn turn(&mut self, wait: Duration) -> Result<(), IssuerError> {
        let target = format!("{}?after={}&wait_ms={}", path::FEED, self.after, wait.as_millis());
        // The provider looks after this moment, so every end acknowledged by now is in what it sees.
        let sent = self.link.clock.mono();
        let page: FeedPage = self.link.get(&target, wait + ROUND_TRIP_LIMIT).await?;
        if page == FeedPage::default() {
            // Asked again at once, it might say the same for ever.
            return Err(IssuerError::Bug("a page of the feed says nothing".to_owned()));
        }
        let last = page.ends.last().map(|told| told.seq);
        self.after = last.or(page.gap).unwrap_or(self.after);
        let gap = page.gap.map(|seq| FeedItem::Gap { seq });
        let ended = |Told { seq, ended, cause }| FeedItem::Ended { seq, ended, cause };
        self.waiting.extend(gap);
        self.waiting.extend(page.ends.into_iter().map(ended));
        self.waiting.extend(page.heartbeat.map(|seq| FeedItem::Heartbeat { seq, sent }));
        Ok(())
    }
}
