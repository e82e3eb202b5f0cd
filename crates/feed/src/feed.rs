//! What this process knows of ends, and how far that may be believed. Written by the one task that follows the
//! provider, read at each use of a cached token: one short lock, nothing allocated.

use std::collections::VecDeque;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};
use std::time::Duration;

use tokio::sync::{broadcast, watch};
use vestibule_domain::identity::{Timestamp, UserId};
use vestibule_ports::clock::{Clock, Mono};
use vestibule_ports::issuer::{Cause, Ended, FeedItem};

use crate::ends::{Ends, KEPT, Mark, Traces};

/// How long the absence of an end means something after a heartbeat was sent.
pub const LEASE: Duration = Duration::from_millis(1_500);

/// Breaks whose time is remembered. A feed that is lost again and again breaks four times a second at most, and who asks
/// wants to know of the last ten.
const BREAKS_MAX: usize = 128;

/// Users whose ends may wait for who cleans up after them.
const USERS_MAX: usize = 1_024;

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

/// Everything of a user has ended.
#[derive(Clone, Debug)]
pub struct UserEnded {
    /// Whose.
    pub user: UserId,
    /// Why.
    pub cause: Cause,
    /// When this process heard of it, by its own clock.
    pub heard_at: Timestamp,
}

/// The ends that were heard.
pub struct Feed {
    clock: Arc<dyn Clock>,
    known: RwLock<Knowledge>,
    /// Told of each end and of each break.
    news: watch::Sender<()>,
    /// Told of each user of whom everything has ended.
    users: broadcast::Sender<UserEnded>,
}

/// How far the feed was heard, and what it told.
#[derive(Debug, Default)]
struct Knowledge {
    /// Counts the breaks in what was heard. After a break no stamp from before it shows that something lives.
    generation: u64,
    /// Until when it was known what lives, in each of the last generations before this one; the newest at the back.
    sure_until: VecDeque<Mono>,
    /// The first generation whose numbers can be compared with the newest one.
    counts_since: u64,
    /// The number of the newest end.
    seq: u64,
    lease_ends: Mono,
    ends: Ends,
}

impl Feed {
    /// A feed that has heard nothing yet.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        let users = broadcast::Sender::new(USERS_MAX);
        Self { clock, known: RwLock::default(), news: watch::Sender::new(()), users }
    }

    /// The users of whom everything ends from here on, as it is heard under a lease, and why: for what is cleaned up after
    /// that, by who may be late and may miss some.
    pub fn users_ended(&self) -> broadcast::Receiver<UserEnded> {
        self.users.subscribe()
    }

    /// Changes when something has ended that may be in use right now, and when what was heard has broken off: whoever
    /// holds on to something checks it then.
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
        self.look(since, |ends, broken| {
            // The one name that may be given again: across a break it is not known whose tokens are meant.
            let client = traces.client.filter(|_| !broken);
            ends.of(&Traces { client, ..*traces }, since.seq)
        })
    }

    /// Whether the claims of a user may be used that the provider was asked for after `since`; `Ended` when they
    /// have changed.
    pub fn check_claims(&self, user: &UserId, since: Stamp) -> Life {
        self.look(since, |ends, _| ends.of_claims(user, since.seq))
    }

    /// Why one of these has ended, as far as it is remembered: for who is refused something and not told why.
    pub fn cause_of(&self, traces: &Traces<'_>) -> Option<Cause> {
        self.known().ends.of(traces, 0)
    }

    fn look(&self, since: Stamp, why: impl FnOnce(&Ends, bool) -> Option<Cause>) -> Life {
        let now = self.clock.mono();
        let known = self.known();
        // Past `KEPT` its end may be forgotten, whatever the wall clock says of its expiry.
        if now.since(since.at) >= KEPT {
            return Life::Unsure;
        }
        // An end that was heard counts across a break too, as long as the provider went on counting: it came later than
        // what bears its name. After a gap, a hole or a provider that counts anew, a higher number need not be later.
        // Mostly nothing has ended since, and nothing is looked up.
        let broken = since.generation != known.generation;
        let comparable = since.generation >= known.counts_since;
        let ended = if comparable && since.seq < known.seq { why(&known.ends, broken) } else { None };
        match ended {
            Some(cause) => Life::Ended(cause),
            None if !broken && now < known.lease_ends => Life::Alive,
            None => Life::Unsure,
        }
    }

    /// Whether what was heard has broken off after `since`: what was asked for before is not believed again.
    pub fn has_broken(&self, since: Stamp) -> bool {
        since.generation != self.known().generation
    }

    /// For how long it has not been known of what was asked for after `since` whether it lives. Breaks that come later
    /// make it no younger.
    pub fn unsure_for(&self, since: Stamp) -> Duration {
        let now = self.clock.mono();
        // Whatever was heard: when it was asked for it lived.
        now.since(self.known().sure_until(since.generation).max(since.at))
    }

    /// The number to go on after.
    pub(crate) fn seq(&self) -> u64 {
        self.known().seq
    }

    /// The feed was lost and is heard again, with all that came after the last number.
    pub(crate) fn resume(&self) {
        self.change(Knowledge::begin);
    }

    pub(crate) fn heed(&self, item: FeedItem) {
        let user = match &item {
            FeedItem::Ended { ended: Ended::User { user, .. }, cause, .. } => {
                Some(UserEnded { user: user.clone(), cause: *cause, heard_at: self.clock.wall() })
            }
            _ => None,
        };
        // What is heard after a break, or by a process that has just begun, may have ended long ago.
        let is_followed = self.clock.mono() < self.known().lease_ends;
        self.change(|known, now| match item {
            FeedItem::Ended { seq, ended, cause } => known.end(ended, Mark { seq, cause }, now),
            FeedItem::Heartbeat { seq, sent } => known.beat(seq, sent, now),
            FeedItem::Gap { seq } => known.begin_anew(seq, now),
        });
        if let Some(user) = user.filter(|_| is_followed) {
            // Nobody has to listen.
            let _ = self.users.send(user);
        }
    }

    fn known(&self) -> RwLockReadGuard<'_, Knowledge> {
        self.known.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut Knowledge, Mono)) {
        let now = self.clock.mono();
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        let before = (known.generation, known.seq);
        change(&mut known, now);
        let is_news = (known.generation, known.seq) != before;
        drop(known);
        if is_news {
            self.news.send_replace(());
        }
    }
}

impl Knowledge {
    /// A break: nothing that was asked for before it is believed to live. The numbers go on.
    fn begin(&mut self, now: Mono) {
        if self.sure_until.len() == BREAKS_MAX {
            self.sure_until.pop_front();
        }
        self.sure_until.push_back(now.min(self.lease_ends));
        self.generation += 1;
    }

    /// A break after which numbers say nothing about what is older. So no end from before it is needed either.
    fn begin_anew(&mut self, seq: u64, now: Mono) {
        self.begin(now);
        self.counts_since = self.generation;
        self.seq = seq;
        self.ends = Ends::default();
    }

    /// Until when it was known in a generation what lives; of one that is forgotten, never.
    fn sure_until(&self, generation: u64) -> Mono {
        let Some(later) = self.generation.checked_sub(generation + 1) else { return self.lease_ends };
        let nth = usize::try_from(later).unwrap_or(usize::MAX);
        self.sure_until.iter().rev().nth(nth).copied().unwrap_or_default()
    }

    fn end(&mut self, ended: Ended, mark: Mark, now: Mono) {
        let seq = mark.seq;
        // A hole, or a provider that was restored from an older copy and counts anew.
        if self.seq.checked_add(1) != Some(seq) {
            self.begin_anew(seq, now);
        }
        self.seq = seq;
        if matches!(ended, Ended::Key(_)) {
            // It may have signed what is cached or what it was cached for: ask for all of it again.
            self.begin(now);
        } else if !self.ends.insert(ended, mark, now) {
            self.begin_anew(seq, now);
        }
    }

    fn beat(&mut self, seq: u64, sent: Mono, now: Mono) {
        if seq != self.seq {
            self.begin_anew(seq, now);
        }
        // From its sending: what has ended since then may still be on its way.
        self.lease_ends = self.lease_ends.max(sent + LEASE);
    }
}

#[cfg(test)]
mod tests;
