//! What this process knows of ends, and how far that may be believed. Written by the one task that follows the
//! provider, read at each use of a cached token: one short lock, nothing allocated.

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};
use std::time::Duration;

use tokio::sync::watch;
use vestibule_domain::identity::UserId;
use vestibule_ports::clock::{Clock, Mono};
use vestibule_ports::issuer::{Cause, Ended, FeedItem};

use crate::ends::{Ends, KEPT, Mark, Traces};

/// How long the absence of an end means something after a heartbeat was sent.
pub const LEASE: Duration = Duration::from_millis(1_500);

/// Whether what was cached may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Life {
    /// It may.
    Alive,
    /// It has ended since the provider was asked, and this is why.
    Ended(Cause),
    /// Nothing follows: ask the provider again.
    Unsure,
}

/// How far the feed had been heard when the provider was asked for something. Take it before asking: then every end
/// up to here is in the answer, and only later ones can end what is cached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    generation: u64,
    seq: u64,
    at: Mono,
}

/// The ends that were heard.
pub struct Feed {
    clock: Arc<dyn Clock>,
    known: RwLock<Knowledge>,
    /// Told of each end, and of each break.
    news: watch::Sender<()>,
}

/// How far the feed was heard, and what it told.
#[derive(Debug, Default)]
struct Knowledge {
    /// Counts the breaks in what was heard. A stamp from before a break is worth nothing after it.
    generation: u64,
    /// The number of the newest end.
    seq: u64,
    lease_ends: Mono,
    ends: Ends,
}

impl Feed {
    /// A feed that has heard nothing yet.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, known: RwLock::default(), news: watch::Sender::new(()) }
    }

    /// Changes when something has ended that may be in use right now: whoever holds on to something checks it then.
    pub fn news(&self) -> watch::Receiver<()> {
        self.news.subscribe()
    }

    /// How far the feed has been heard.
    pub fn stamp(&self) -> Stamp {
        let at = self.clock.mono();
        let known = self.known();
        Stamp { generation: known.generation, seq: known.seq, at }
    }

    /// Whether a token may be used that the provider was asked for after `since`.
    pub fn check(&self, traces: &Traces<'_>, since: Stamp) -> Life {
        self.look(since, |ends| ends.of(traces, since.seq))
    }

    /// Whether the claims of a user may be used that the provider was asked for after `since`; `Ended` when they
    /// have changed.
    pub fn check_claims(&self, user: &UserId, since: Stamp) -> Life {
        self.look(since, |ends| ends.of_claims(user, since.seq))
    }

    fn look(&self, since: Stamp, why: impl FnOnce(&Ends) -> Option<Cause>) -> Life {
        let now = self.clock.mono();
        let known = self.known();
        // Past `KEPT` its end may be forgotten, whatever the wall clock says of its expiry.
        if since.generation != known.generation || now.since(since.at) >= KEPT {
            return Life::Unsure;
        }
        // Mostly nothing has ended since, and nothing is looked up.
        let ended = if since.seq < known.seq { why(&known.ends) } else { None };
        match ended {
            Some(cause) => Life::Ended(cause),
            None if now < known.lease_ends => Life::Alive,
            None => Life::Unsure,
        }
    }

    /// The number to go on after.
    pub(crate) fn seq(&self) -> u64 {
        self.known().seq
    }

    /// The feed was lost and is heard again, with all that came after the last number.
    pub(crate) fn resume(&self) {
        self.change(|known, _| known.begin(known.seq));
    }

    pub(crate) fn heed(&self, item: FeedItem) {
        let is_news = !matches!(item, FeedItem::Heartbeat { .. });
        self.change(|known, now| match item {
            FeedItem::Ended { seq, ended, cause } => known.end(ended, Mark { seq, cause }, now),
            FeedItem::Heartbeat { seq, sent } => known.beat(seq, sent),
            FeedItem::Gap { seq } => known.begin(seq),
        });
        if is_news {
            self.news.send_replace(());
        }
    }

    fn known(&self) -> RwLockReadGuard<'_, Knowledge> {
        self.known.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut Knowledge, Mono)) {
        let now = self.clock.mono();
        change(&mut self.known.write().unwrap_or_else(PoisonError::into_inner), now);
    }
}

impl Knowledge {
    /// A break: nothing that was asked for before it is believed. So no end from before it is needed either.
    fn begin(&mut self, seq: u64) {
        self.generation += 1;
        self.seq = seq;
        self.ends = Ends::default();
    }

    fn end(&mut self, ended: Ended, mark: Mark, now: Mono) {
        let seq = mark.seq;
        // A hole, or a provider that was restored from an older copy and counts anew.
        if self.seq.checked_add(1) != Some(seq) {
            self.begin(seq);
        }
        self.seq = seq;
        // A key may have signed what is cached or what it was cached for: ask for all of it again.
        let is_key = matches!(ended, Ended::Key(_));
        if is_key || !self.ends.insert(ended, mark, now) {
            self.begin(seq);
        }
    }

    fn beat(&mut self, seq: u64, sent: Mono) {
        if seq != self.seq {
            self.begin(seq);
        }
        // From its sending: what has ended since then may still be on its way.
        self.lease_ends = self.lease_ends.max(sent + LEASE);
    }
}

#[cfg(test)]
mod tests;
