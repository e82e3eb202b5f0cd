//! Looking a session up: from the cache where it may be believed, else from the store, and never guessing.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use vestibule_domain::identity::{Handle, Timestamp, UserId};
use vestibule_domain::judge::Source;
use vestibule_domain::limits::Limits;
use vestibule_domain::outage::UNFRESH_MAX;
use vestibule_ports::clock::{Clock, Mono};
use vestibule_ports::session_store::{SessionStore, Slot, StoreError, Stored};

use crate::cache::{Cache, Ticket};
use crate::deadline::{Deadline, STORE_DEADLINE};
use crate::flight::{Outcome, Seat};
use crate::known::{Known, Seen};
use crate::touches::Touches;
use crate::{commit, record};

/// How much a node caches, and how long its sessions last.
#[derive(Debug, Clone)]
pub struct Config {
    /// Memory for cached sessions, in bytes.
    pub cache_bytes: u64,
    /// How long a request waits for the store, in all.
    pub deadline: Duration,
    /// How long after the last live lease a copy may stand in for a store that cannot be asked, at most [`UNFRESH_MAX`].
    /// Zero: never.
    pub unfresh_max: Duration,
    /// What decides when a record expires.
    pub limits: Limits,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            cache_bytes: 256 * 1024 * 1024,
            deadline: STORE_DEADLINE,
            unfresh_max: UNFRESH_MAX,
            limits: Limits::default(),
        }
    }
}

/// What is known under a handle.
#[derive(Debug)]
pub enum Found<X> {
    /// A live session, and how far it can be trusted.
    Live(Arc<Known<X>>, Source),
    /// A session that was live a moment ago, while the store cannot be asked. Good enough to show a page;
    /// never for a patch, a step-up or an unsafe request to an app that writes.
    Stale {
        /// The session as it was.
        known: Arc<Known<X>>,
        /// How long ago the cache could be believed.
        since_lease: Duration,
    },
    /// Absent, expired or ended, as the store itself has said.
    Gone,
}

impl<X> Clone for Found<X> {
    fn clone(&self) -> Self {
        match self {
            Self::Live(known, source) => Self::Live(Arc::clone(known), *source),
            Self::Stale { known, since_lease } => {
                Self::Stale { known: Arc::clone(known), since_lease: *since_lease }
            }
            Self::Gone => Self::Gone,
        }
    }
}

/// The sessions as one node sees them. `X` is what a face keeps beside each cached version.
pub struct Sessions<X> {
    pub(crate) store: Arc<dyn SessionStore>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) cache: Cache<X>,
    pub(crate) touches: Touches,
    /// Commits of one session wait for each other here, so that they do not conflict in the store.
    pub(crate) turns: Box<[tokio::sync::Mutex<()>]>,
    pub(crate) limits: Limits,
    pub(crate) node: u64,
    deadline: Duration,
    /// Told of each end, and of each break.
    pub(crate) news: watch::Sender<()>,
}

impl<X: Default + Send + Sync> Sessions<X> {
    /// An empty cache in front of a store. `node` is random: it tells this process from the others.
    /// Nothing is believed before `run` is polled.
    pub fn new(store: Arc<dyn SessionStore>, clock: Arc<dyn Clock>, node: u64, config: Config) -> Self {
        let Config { cache_bytes, deadline, unfresh_max, limits } = config;
        Self {
            store,
            clock,
            cache: Cache::new(cache_bytes, unfresh_max.min(UNFRESH_MAX)),
            touches: Touches::default(),
            turns: commit::turns(),
            limits,
            node,
            deadline,
            news: watch::Sender::new(()),
        }
    }

    /// Changes when a session has ended that may be in use right now: whoever holds on to one looks for it then.
    pub fn news(&self) -> watch::Receiver<()> {
        self.news.subscribe()
    }

    /// The number that tells this process from the others: whoever reads it in a visitor's cookie and is another
    /// process uses `get_fresh`.
    pub fn node(&self) -> u64 {
        self.node
    }

    /// How long after the last live lease a copy may stand in for a store that cannot be asked. Zero: never.
    pub fn unfresh_max(&self) -> Duration {
        self.cache.unfresh_max
    }

    /// By when somebody who asks now has to have an answer. Each call begins one of its own, unless it is given one: so
    /// that several in a row take no longer than one.
    pub fn deadline(&self) -> Deadline {
        Deadline::within(self.deadline)
    }

    /// A live session from the cache, if it may be believed. It may grant; it never denies: `None`, or a secret
    /// that does not match, is for `get` and `get_fresh` to decide.
    pub fn cached(&self, handle: Handle, now: Mono, wall: Timestamp) -> Option<Arc<Known<X>>> {
        self.cache.fresh(handle, now, wall)
    }

    /// How far a hit of `cached` can be trusted: as far as the store, where only this process writes it.
    pub fn source_of_hits(&self) -> Source {
        if self.store.capabilities().shared { Source::Copy } else { Source::Own }
    }

    /// The session, from the cache or from a read that is shared with everyone who asks at the same time.
    /// An error says that nothing is known, never that the session is gone.
    pub async fn get(&self, handle: Handle) -> Result<Found<X>, StoreError> {
        self.get_by(handle, self.deadline()).await
    }

    /// `get` under a deadline that has begun.
    pub async fn get_by(&self, handle: Handle, deadline: Deadline) -> Result<Found<X>, StoreError> {
        loop {
            let (now, wall) = (self.clock.mono(), self.clock.wall());
            if let Some(known) = self.cache.fresh(handle, now, wall) {
                return Ok(Found::Live(known, self.source_of_hits()));
            }
            if self.cache.is_gone(handle, now) {
                return Ok(Found::Gone);
            }
            let outcome = match self.cache.board(handle, now) {
                Seat::Lead(lead) => {
                    let outcome = self.read(handle, lead.ticket, wall, deadline).await;
                    lead.land(outcome.clone());
                    outcome
                }
                Seat::Passenger(mut flight) => {
                    let landed = async {
                        Ok(flight.wait_for(Option::is_some).await.ok().and_then(|seen| seen.clone()))
                    };
                    match deadline.read(landed).await {
                        // The lead had begun earlier and has no more time. We have, unless we are as late.
                        Ok(Some(Err(StoreError::Deadline))) if !deadline.is_over() => continue,
                        Ok(Some(outcome)) => outcome,
                        // The lead's request was dropped: somebody else has to lead.
                        Ok(None) => continue,
                        Err(late) => Err(late),
                    }
                }
            };
            return outcome.or_else(|error| self.stand_in(handle, error));
        }
    }

    /// The session from a read that begins now, whatever the cache says. For a secret that does not match, for a
    /// visitor who has just written through another process, and before anything that must not be stale.
    pub async fn get_fresh(&self, handle: Handle) -> Result<Found<X>, StoreError> {
        self.get_fresh_by(handle, self.deadline()).await
    }

    /// `get_fresh` under a deadline that has begun.
    pub async fn get_fresh_by(&self, handle: Handle, deadline: Deadline) -> Result<Found<X>, StoreError> {
        let ticket = self.cache.ticket(handle, self.clock.mono());
        self.read(handle, ticket, self.clock.wall(), deadline).await
    }

    /// Sessions whose newest log-on was this user's, whether or not it still stands; at most `limit`, and best effort.
    pub async fn of_user(&self, user: &UserId, limit: usize) -> Result<Vec<Handle>, StoreError> {
        self.deadline().read(self.store.list_user(user.as_str(), limit, self.clock.wall())).await
    }

    /// Notes that a visitor was here. Saved with others in the next batch.
    pub fn touch(&self, known: &Known<X>, at: Timestamp) {
        self.touches.note(known.handle, &known.seen, at);
    }

    async fn read(&self, handle: Handle, ticket: Ticket, wall: Timestamp, deadline: Deadline) -> Outcome<X> {
        let slot = deadline.read(self.store.get(handle, wall)).await?;
        let Slot::Live(stored) = slot else {
            self.cache.keep_gone(ticket, handle);
            return Ok(Found::Gone);
        };
        let known = self.known(handle, &stored)?;
        self.cache.keep(ticket, &known);
        let source = if self.store.capabilities().shared { Source::Shared } else { Source::Own };
        Ok(Found::Live(known, source))
    }

    /// The entry in the cache if it is what was stored, so that what a face keeps beside it stays; else a new one.
    fn known(&self, handle: Handle, stored: &Stored) -> Result<Arc<Known<X>>, StoreError> {
        let cached = self.cache.peek(handle);
        let seen =
            cached.as_ref().map_or_else(|| Arc::new(Seen::default()), |cached| Arc::clone(&cached.seen));
        if let Some(at) = stored.last_seen {
            seen.advance(at);
        }
        if let Some(cached) = cached
            && cached.version == stored.version
            && cached.body == stored.record.body
        {
            return Ok(cached);
        }
        Ok(Arc::new(Known {
            handle,
            version: stored.version,
            session: record::session(handle, &stored.record)?,
            expires_at: stored.record.expires_at,
            beside: X::default(),
            seen,
            body: stored.record.body.clone(),
        }))
    }

    /// Only a store that cannot be asked is stood in for: what it did say is final.
    fn stand_in(&self, handle: Handle, error: StoreError) -> Outcome<X> {
        let stale = self.cache.stale(handle, self.clock.mono(), self.clock.wall());
        match stale {
            Some((known, since_lease)) if error.is_outage() => Ok(Found::Stale { known, since_lease }),
            _ => Err(error),
        }
    }
}

#[cfg(test)]
mod tests;
