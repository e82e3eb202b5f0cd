//! Idle connections to upstreams: a core keeps its own, and all cores of a process share one number of places for them.
//! The youngest goes first; what has been idle for too long, or has something to say, is closed.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use vestibule_routes::Upstream;

use crate::UpstreamLimits;
use crate::upstream::UpstreamLink;

/// The idle connections of one core.
pub(crate) struct Pool {
    idle: HashMap<Arc<Upstream>, Vec<Idle>>,
    limits: UpstreamLimits,
    /// How many places are taken by all cores.
    kept: Arc<AtomicUsize>,
}

struct Idle {
    link: UpstreamLink,
    since: Instant,
}

/// One of the process's places. A connection has it from the first time that it is kept until it is closed, also while
/// it is lent: so cores do not write to the one number at each request.
#[derive(Debug)]
pub(crate) struct Place(Arc<AtomicUsize>);

impl Place {
    fn take(kept: &Arc<AtomicUsize>, max: usize) -> Option<Self> {
        // Counted before it is looked at, so that two cores cannot both take the last one.
        let (before, place) = (kept.fetch_add(1, Ordering::Relaxed), Self(Arc::clone(kept)));
        (before < max).then_some(place)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Pool {
    /// An empty one, of a process whose cores keep so many.
    pub(crate) fn new(limits: UpstreamLimits, kept: Arc<AtomicUsize>) -> Self {
        Self { idle: HashMap::new(), limits, kept }
    }

    /// The youngest connection to this upstream that is still quiet.
    pub(crate) fn take(
        &mut self,
        to: &Arc<Upstream>,
        fresh_only: bool,
        now: Instant,
    ) -> Option<UpstreamLink> {
        let idle_max = if fresh_only { self.limits.unsafe_idle_max } else { self.limits.idle_max };
        let links = self.idle.get_mut(to)?;
        while let Some(youngest) = links.last() {
            if now.duration_since(youngest.since) > idle_max {
                // So are the others. They may still do for a request that could be sent twice.
                if !fresh_only {
                    links.clear();
                }
                return None;
            }
            match links.pop() {
                Some(idle) if idle.link.is_quiet() => return Some(idle.link),
                _ => {}
            }
        }
        None
    }

    /// Keeps a connection for the next request, if there is a place for it.
    pub(crate) fn keep(&mut self, to: &Arc<Upstream>, mut link: UpstreamLink, now: Instant) {
        let links = match self.idle.get_mut(to) {
            Some(links) => links,
            None => self.idle.entry(Arc::clone(to)).or_default(),
        };
        if links.len() >= self.limits.idle_per_upstream_max {
            return;
        }
        link.place = link.place.or_else(|| Place::take(&self.kept, self.limits.idle_total_max));
        if link.place.is_some() {
            links.push(Idle { link, since: now });
        }
    }

    /// Closes what has been idle for too long.
    pub(crate) fn tidy_up(&mut self, now: Instant) {
        let idle_max = self.limits.idle_max;
        self.idle.retain(|_, links| {
            links.retain(|idle| now.duration_since(idle.since) <= idle_max && idle.link.is_quiet());
            !links.is_empty()
        });
    }
}
