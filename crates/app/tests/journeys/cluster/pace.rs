//! How fast the nodes serve: pages and patches of one visitor, at both nodes in turn. After a fault has healed they are as
//! fast as before it.

use std::time::Duration;

use vestibule_testkit::patience::{PATIENCE, Patience};

use super::super::visitor::browser::Tab;
use super::super::visitor::house::eventually;
use super::nodes::{Cluster, EVERYWHERE};

/// Turns of one measurement: each is a patch and a page at each node.
const TURNS: usize = 8;

/// After healing a measurement may take so many times as long as the slower one of two before the fault. The machine is busy
/// with other tests, so no two are alike; one wait for a connection that is lost costs more than that.
const SLOWER_MAX: u32 = 3;

/// Shorter measurements say little: another test that begins meanwhile takes both cores for a moment. Whatever does not
/// work again makes each of the requests slower by more than its share of this.
const PACE_MIN: Duration = Duration::from_millis(250);

/// How long a measurement took while all was well.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace(Duration);

impl Cluster {
    /// Measures the pace before a fault.
    #[track_caller]
    pub(super) fn pace(&self) -> Pace {
        let mut slower = PACE_MIN;
        for _ in 0..2 {
            eventually(PATIENCE, "a cluster that is well", || {
                let took = self.measure(PATIENCE);
                slower = slower.max(took.unwrap_or_default());
                took.is_some()
            });
        }
        Pace(slower)
    }

    /// Waits until everything works again at every node, for logged-on and new visitors, as fast as before: when the
    /// measurement began that was as fast. It begins in time, or this fails.
    #[track_caller]
    pub(super) fn recovers(&self, within: Duration, tab: &mut Tab, before: Pace) -> Duration {
        let healed = Patience::new(within);
        for at in EVERYWHERE {
            eventually(healed.left(), &format!("{at:?} knows its visitors"), || self.is_whole(at, tab));
            eventually(healed.left(), &format!("{at:?} saves"), || {
                self.patch(at, &mut self.tab(), r#"{"basket":["new"]}"#).status == 200
            });
        }
        let (most, mut measured) = (before.0 * SLOWER_MAX, Vec::new());
        loop {
            let began = healed.waited();
            let took = self.measure(most);
            if took.is_some() {
                return began;
            }
            measured.push(healed.waited().saturating_sub(began));
            assert!(!healed.left().is_zero(), "not within {within:?}: {before:?}, and then {measured:?}");
        }
    }

    /// How long a number of patches and pages takes; `None` as soon as one of them is not served, or by an old copy, or it
    /// has taken longer than that.
    fn measure(&self, most: Duration) -> Option<Duration> {
        let (mut tab, began) = (self.tab(), Patience::new(most));
        for _ in 0..TURNS {
            for at in EVERYWHERE {
                let saved = self.patch(at, &mut tab, r#"{"basket":["paced"]}"#).status == 200;
                if !saved || !self.is_whole(at, &mut tab) || began.left().is_zero() {
                    return None;
                }
            }
        }
        Some(began.waited())
    }
}
