//! The near cache: what this node has read of sessions, and whether it may still be believed.
//! Never asks the store; says fresh, stale or nothing.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use quick_cache::sync::{Cache as Entries, DefaultLifecycle};
use quick_cache::{DefaultHashBuilder, OptionsBuilder, Weighter};
use vestibule_domain::identity::{Handle, Timestamp};
use vestibule_ports::clock::Mono;
use vestibule_ports::session_store::Version;

use crate::flight::{Flight, Lead, Seat};
use crate::known::Known;
use crate::lease::{Generation, Lease};

/// Nothing that was read longer ago is used.
pub const AGE_MAX: Duration = Duration::from_secs(10);

/// Parts of the cache that lock for themselves.
pub const SHARDS: usize = 64;

/// Most handles in each part that are remembered as gone.
pub const GONE_MAX: usize = 64;

/// Memory of an entry beside the bytes of its body, roughly.
const OVERHEAD_BYTES: u64 = 1_024;

/// When something was read, and under which subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    generation: Generation,
    /// When the read was begun.
    read_at: Mono,
}

/// A read that has begun. What becomes of its result depends on what happens until it is there.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ticket {
    stamp: Stamp,
    invalidations: u64,
}

struct Entry<X> {
    known: Arc<Known<X>>,
    stamp: Stamp,
}

impl<X> Clone for Entry<X> {
    fn clone(&self) -> Self {
        Self { known: Arc::clone(&self.known), stamp: self.stamp }
    }
}

/// What stands beside the entries of one part. Entries come and go under its lock only, so that an invalidation
/// falls either before a result is kept or after it. Hits do not take it.
struct Shard<X> {
    invalidations: u64,
    gone: VecDeque<(Handle, Stamp)>,
    flights: HashMap<Handle, (Ticket, Flight<X>)>,
}

#[derive(Clone)]
struct Weight;

impl<X> Weighter<Handle, Entry<X>> for Weight {
    fn weight(&self, _: &Handle, entry: &Entry<X>) -> u64 {
        // Once as it was stored and once decoded.
        OVERHEAD_BYTES + 2 * entry.known.body.len() as u64
    }
}

/// All entries of this node, in parts, with the lease that they are under.
pub(crate) struct Cache<X> {
    entries: Entries<Handle, Entry<X>, Weight>,
    shards: Vec<Mutex<Shard<X>>>,
    pub(crate) lease: Lease,
    pub(crate) unfresh_max: Duration,
}

impl<X> Cache<X> {
    pub(crate) fn new(bytes_max: u64, unfresh_max: Duration) -> Self {
        let entries = usize::try_from(bytes_max / OVERHEAD_BYTES).unwrap_or(usize::MAX).max(SHARDS * 32);
        let options = OptionsBuilder::new()
            .shards(SHARDS)
            .estimated_items_capacity(entries)
            .weight_capacity(bytes_max)
            .build()
            .expect("both capacities are given");
        let shard = || Shard { invalidations: 0, gone: VecDeque::new(), flights: HashMap::new() };
        Self {
            entries: Entries::with_options(
                options,
                Weight,
                DefaultHashBuilder::default(),
                DefaultLifecycle::default(),
            ),
            shards: std::iter::repeat_with(|| Mutex::new(shard())).take(SHARDS).collect(),
            lease: Lease::default(),
            unfresh_max,
        }
    }

    /// A live session that may be believed. The hot path: no allocation, one shared lock.
    pub(crate) fn fresh(&self, handle: Handle, now: Mono, wall: Timestamp) -> Option<Arc<Known<X>>> {
        if !self.lease.is_live(now) {
            return None;
        }
        let entry = self.entries.get(&handle)?;
        (self.is_fresh(entry.stamp, now) && entry.known.expires_at > wall).then_some(entry.known)
    }

    /// A live session that may stand in for a store that cannot be asked, and how long ago the lease was live.
    pub(crate) fn stale(
        &self,
        handle: Handle,
        now: Mono,
        wall: Timestamp,
    ) -> Option<(Arc<Known<X>>, Duration)> {
        let since_lease = self.lease.since_live(now)?;
        if self.unfresh_max.is_zero() || since_lease > self.unfresh_max {
            return None;
        }
        let entry = self.entries.get(&handle)?;
        let usable = now.since(entry.stamp.read_at) <= AGE_MAX && entry.known.expires_at > wall;
        usable.then_some((entry.known, since_lease))
    }

    /// What is in the cache, believable or not.
    pub(crate) fn peek(&self, handle: Handle) -> Option<Arc<Known<X>>> {
        self.entries.peek(&handle).map(|entry| entry.known)
    }

    /// Whether this handle was read to be gone, and that may be believed.
    pub(crate) fn is_gone(&self, handle: Handle, now: Mono) -> bool {
        let shard = self.shard(handle);
        let found = shard.gone.iter().find(|(gone, _)| *gone == handle);
        found.is_some_and(|(_, stamp)| self.lease.is_live(now) && self.is_fresh(*stamp, now))
    }

    /// To be taken before a read is begun.
    pub(crate) fn ticket(&self, handle: Handle, now: Mono) -> Ticket {
        self.ticket_of(&self.shard(handle), now)
    }

    /// A seat in a read of this handle: in one that is under way, if nothing has been invalidated since it began,
    /// else at the head of a new one.
    pub(crate) fn board(&self, handle: Handle, now: Mono) -> Seat<'_, X> {
        let mut shard = self.shard(handle);
        let ticket = self.ticket_of(&shard, now);
        if let Some((begun, flight)) = shard.flights.get(&handle)
            && begun.invalidations == ticket.invalidations
            && begun.stamp.generation == ticket.stamp.generation
        {
            return Seat::Passenger(flight.clone());
        }
        let (lead, flight) = Lead::new(self, handle, ticket);
        shard.flights.insert(handle, (ticket, flight));
        Seat::Lead(lead)
    }

    /// Takes a flight off the list, unless a newer one has taken its place.
    pub(crate) fn disembark(&self, handle: Handle, flight: &Flight<X>) {
        let mut shard = self.shard(handle);
        if shard.flights.get(&handle).is_some_and(|(_, listed)| listed.same_channel(flight)) {
            shard.flights.remove(&handle);
        }
    }

    /// Keeps what a read has found, if nothing has happened since it began that it may have missed.
    pub(crate) fn keep(&self, ticket: Ticket, known: &Arc<Known<X>>) {
        let handle = known.handle;
        let mut shard = self.shard(handle);
        shard.gone.retain(|(gone, _)| *gone != handle);
        // Of two reads at the same time the slower one may have seen less.
        let outdated = self.entries.peek(&handle).is_some_and(|entry| entry.known.version > known.version);
        if outdated {
            return;
        }
        if self.is_current(&shard, ticket) {
            self.entries.insert(handle, Entry { known: Arc::clone(known), stamp: ticket.stamp });
        } else {
            self.entries.remove_if(&handle, |entry| entry.known.version < known.version);
        }
    }

    /// Notes that a read has found nothing live.
    pub(crate) fn keep_gone(&self, ticket: Ticket, handle: Handle) {
        let mut shard = self.shard(handle);
        self.entries.remove(&handle);
        shard.gone.retain(|(gone, _)| *gone != handle);
        if self.is_current(&shard, ticket) {
            shard.gone.truncate(GONE_MAX - 1);
            shard.gone.push_front((handle, ticket.stamp));
        }
    }

    /// Something has happened to this session: what was read before is not kept, now or later.
    /// With a version, an entry that already is that version stays.
    pub(crate) fn invalidate(&self, handle: Handle, version: Option<Version>) {
        let mut shard = self.shard(handle);
        shard.invalidations += 1;
        shard.gone.retain(|(gone, _)| *gone != handle);
        self.entries.remove_if(&handle, |entry| version.is_none_or(|version| entry.known.version < version));
    }

    fn is_fresh(&self, stamp: Stamp, now: Mono) -> bool {
        stamp.generation == self.lease.generation() && now.since(stamp.read_at) <= AGE_MAX
    }

    fn is_current(&self, shard: &Shard<X>, ticket: Ticket) -> bool {
        let generation = ticket.stamp.generation;
        shard.invalidations == ticket.invalidations
            && generation.is_subscribed()
            && generation == self.lease.generation()
    }

    fn ticket_of(&self, shard: &Shard<X>, now: Mono) -> Ticket {
        let stamp = Stamp { generation: self.lease.generation(), read_at: now };
        Ticket { stamp, invalidations: shard.invalidations }
    }

    /// Handles are random, so their last byte spreads them evenly.
    fn shard(&self, handle: Handle) -> MutexGuard<'_, Shard<X>> {
        let [.., last] = *handle.as_bytes();
        self.shards[usize::from(last) % SHARDS].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
impl<X> Cache<X> {
    /// Reads under way.
    pub(crate) fn flights(&self) -> usize {
        self.shards.iter().map(|shard| shard.lock().unwrap().flights.len()).sum()
    }

    /// Handles that are remembered as gone.
    pub(crate) fn gone(&self) -> usize {
        self.shards.iter().map(|shard| shard.lock().unwrap().gone.len()).sum()
    }
}
