//! How fast the nodes serve: pages and patches of one visitor, at both nodes in turn, and whether they believe their copies.
//! After a fault has healed all is as before it.

use std::time::Duration;

use vestibule_testkit::patience::{PATIENCE, Patience};

use super::super::visitor::browser::Tab;
use super::super::visitor::house::eventually;
use super::nodes::{At, Cluster, EVERYWHERE};

/// Turns of one measurement: each is a patch and a page at each node.
const TURNS: usize = 8;

/// After healing three of four requests of a kind take at most so many times as long as one in the middle did before the
/// fault. The fourth belongs to the machine, which is busy with other tests; so does the rest of this.
const SLOWER_MAX: u32 = 3;

/// And this. Whatever does not work again costs a request more: a wait for a connection that is lost, a way round.
const SLACK: Duration = Duration::from_millis(3);

/// How long requests of one kind took while all was well, the one in the middle.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    patch: Duration,
    page: Duration,
}

/// How long each request took.
struct Measured {
    patches: Vec<Duration>,
    pages: Vec<Duration>,
}

impl Measured {
    /// Of each kind, the one before which so many in a hundred come.
    fn at(mut self, share: usize) -> Pace {
        let of = |times: &mut Vec<Duration>| {
            times.sort();
            times[(times.len() - 1) * share / 100]
        };
        Pace { patch: of(&mut self.patches), page: of(&mut self.pages) }
    }
}

impl Pace {
    fn slower(self, other: Self) -> Self {
        Self { patch: self.patch.max(other.patch), page: self.page.max(other.page) }
    }

    /// Whether this is as fast as it was before.
    fn is_as_fast_as(self, before: Self) -> bool {
        let limit = |before: Duration| before * SLOWER_MAX + SLACK;
        self.patch <= limit(before.patch) && self.page <= limit(before.page)
    }
}

impl Cluster {
    /// Measures the pace before a fault, twice.
    #[track_caller]
    pub(super) fn pace(&self) -> Pace {
        let mut paces = [None; 2];
        for pace in &mut paces {
            eventually(PATIENCE, "a cluster that is well", || {
                *pace = self.measure().map(|measured| measured.at(50));
                pace.is_some()
            });
        }
        let [Some(one), Some(other)] = paces else { panic!("both were waited for") };
        one.slower(other)
    }

    /// Waits until everything works again at every node, for logged-on and new visitors, as before: the pace, and that
    /// pages are made from copies. How long after healing that began; it begins in time, or this fails.
    #[track_caller]
    pub(super) fn recovers(&self, within: Duration, tab: &mut Tab, before: Pace) -> Duration {
        let healed = Patience::new(within);
        for at in EVERYWHERE {
            eventually(healed.left(), &format!("{at:?} knows its visitors"), || self.is_whole(at, tab));
            eventually(healed.left(), &format!("{at:?} saves"), || {
                self.patch(at, &mut self.tab(), r#"{"basket":["new"]}"#).status == 200
            });
        }
        let mut tried = Vec::new();
        loop {
            let began = healed.waited();
            let copied = EVERYWHERE.map(|at| self.is_from_the_copy(at, tab));
            let pace = self.measure().map(|measured| measured.at(75));
            if copied == [true; 2] && pace.is_some_and(|pace| pace.is_as_fast_as(before)) {
                return began;
            }
            tried.push((began, copied, pace));
            assert!(!healed.left().is_zero(), "not within {within:?}: {before:?}, and then {tried:?}");
        }
    }

    /// Whether a node serves pages of this visitor by itself: it asks the store less often than once for each. Sets of
    /// servers are reached past the network, which then sees nothing.
    fn is_from_the_copy(&self, at: At, tab: &mut Tab) -> bool {
        let before = self.network(at).said();
        (0..TURNS).all(|_| self.is_whole(at, tab)) && self.network(at).said() - before < TURNS
    }

    /// How long patches and pages take; `None` as soon as one of them is not served, or by an old copy.
    fn measure(&self) -> Option<Measured> {
        let mut tab = self.tab();
        let mut measured = Measured { patches: Vec::new(), pages: Vec::new() };
        for at in [EVERYWHERE; TURNS].into_iter().flatten() {
            let began = Patience::new(PATIENCE);
            let saved = self.patch(at, &mut tab, r#"{"basket":["paced"]}"#).status == 200;
            let patched = began.waited();
            if !saved || !self.is_whole(at, &mut tab) {
                return None;
            }
            measured.patches.push(patched);
            measured.pages.push(began.waited().saturating_sub(patched));
        }
        Some(measured)
    }
}
