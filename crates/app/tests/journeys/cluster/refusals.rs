//! Answers that say "not now", and how long they took: as the visitor saw it, and by the access log of the node.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde_json::Value;
use vestibule_sessions::STORE_DEADLINE;
use vestibule_testkit::patience::{PATIENCE, Patience};

use super::super::visitor::browser::{Reply, Tab};
use super::super::visitor::house::eventually;
use super::nodes::{At, Cluster, EVERYWHERE};

/// Beside the deadline there is the way to the visitor and back, on a machine that is busy with other tests.
const MARGIN: Duration = Duration::from_millis(300);

/// How much longer than the deadline the quickest one of a kind takes at its node: what is slow in the program is slow
/// each time, and what is slow by the machine is not.
const QUICKEST_SLACK: Duration = Duration::from_millis(25);

/// The answers of one story.
pub(super) struct Refusals<'c> {
    cluster: &'c Cluster,
    /// How long the access logs of the nodes were before.
    began: [usize; 2],
    took: Vec<Duration>,
    /// How many of them were 503.
    count: usize,
}

/// The quickest at any node, by kinds: a method and the beginning of a path.
pub(super) struct Quickest {
    by_kind: BTreeMap<String, Duration>,
    as_seen: String,
}

impl<'c> Refusals<'c> {
    pub(super) fn of(cluster: &'c Cluster) -> Self {
        let began = EVERYWHERE.map(|at| cluster.access_log(at).len());
        Self { cluster, began, took: Vec::new(), count: 0 }
    }

    /// One that is to come back later. It sets and clears no cookie.
    #[track_caller]
    pub(super) fn expect(&mut self, ask: impl FnOnce() -> Reply) -> Reply {
        let reply = self.time(ask).is(503).sets_nothing();
        assert!(reply.fields.has("retry-after"), "{reply:?}");
        reply
    }

    /// One to a form whose change is not saved. Who is told to come back sends it once more, so that is said exactly when
    /// no app has had it: there is no second order.
    #[track_caller]
    pub(super) fn expect_unsaved(&mut self, cluster: &Cluster, at: At, tab: &mut Tab, patch: &str) -> Reply {
        let mut path = String::new();
        let ask = || {
            let (asked, reply) = cluster.try_patch(at, tab, patch);
            path = asked;
            reply
        };
        // Once before the app is called, to find out who it is, and once after it has answered.
        let reply = self.within(STORE_DEADLINE * 2 + MARGIN, ask).is(503).sets_nothing();
        let had_it = cluster.app.calls(&path) > 0;
        assert_eq!(reply.fields.has("retry-after"), !had_it, "{reply:?}");
        reply
    }

    /// One that comes in time.
    #[track_caller]
    pub(super) fn time(&mut self, ask: impl FnOnce() -> Reply) -> Reply {
        self.within(STORE_DEADLINE + MARGIN, ask)
    }

    #[track_caller]
    fn within(&mut self, limit: Duration, ask: impl FnOnce() -> Reply) -> Reply {
        let patience = Patience::new(limit);
        let reply = ask();
        assert!(!patience.left().is_zero(), "after {:?}: {reply:?}", patience.waited());
        self.took.push(patience.waited());
        self.count += usize::from(reply.status == 503);
        reply
    }

    /// Reads in the access logs that of each kind the quickest one took no longer than the store's deadline. Where an app
    /// was called in between it is one before, and one after.
    #[track_caller]
    pub(super) fn were_in_time(&self) -> Quickest {
        let mut refused = Vec::new();
        // Lines are written once a second.
        eventually(PATIENCE, "the access lines of the refusals", || {
            refused.clear();
            for (at, began) in EVERYWHERE.into_iter().zip(self.began) {
                let log = self.cluster.access_log(at);
                let (whole, _) = log[began..].rsplit_once('\n').unwrap_or_default();
                let lines =
                    whole.lines().map(|line| serde_json::from_str(line).expect("access lines are JSON"));
                refused.extend(lines.filter(|line: &Value| line["status"] == 503));
            }
            refused.len() >= self.count
        });
        let mut by_kind = BTreeMap::new();
        for line in &refused {
            let took = Duration::from_micros(line["us"].as_u64().expect("each line says how long it took"));
            let quickest = by_kind.entry(kind(line)).or_insert(took);
            *quickest = took.min(*quickest);
        }
        for (kind, took) in &by_kind {
            // Once for the attempt, and once for the session when the log-in has answered.
            let twice = kind.ends_with("by its app") || kind.ends_with("/callback");
            let deadlines = if twice { 2 } else { 1 };
            assert!(
                *took <= STORE_DEADLINE * deadlines + QUICKEST_SLACK,
                "{kind}: none quicker than {took:?}"
            );
        }
        Quickest { by_kind, as_seen: self.to_string() }
    }
}

/// The method, the beginning of the path, and whether an app was asked.
fn kind(line: &Value) -> String {
    let path = line["path"].as_str().expect("who is refused has asked for something");
    let root = path.trim_end_matches(|c: char| c.is_ascii_digit()).trim_end_matches('/');
    let by_app = if line["upstream"].is_null() { "" } else { " by its app" };
    format!("{} {root}{by_app}", line["method"].as_str().unwrap_or_default())
}

impl fmt::Display for Refusals<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut sorted = self.took.clone();
        sorted.sort();
        let at = |share: usize| sorted.get(sorted.len() * share / 100).copied().unwrap_or_default();
        let last = sorted.last().copied().unwrap_or_default();
        write!(f, "{} refusals, median {:?}, longest {last:?}", sorted.len(), at(50))
    }
}

impl fmt::Display for Quickest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; the quickest at a node {:?}", self.as_seen, self.by_kind)
    }
}
