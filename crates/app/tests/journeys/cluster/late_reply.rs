//! An app takes its time, and the visitor logs out through another node meanwhile. The patch in the late answer is dropped:
//! it brings nothing back, at either node, and sets no cookie.

use std::thread;
use std::time::Duration;

use vestibule_testkit::fault::{FaultProxy, Which};
use vestibule_testkit::patience::Patience;
use vestibule_testkit::upstream::{Step, answer};

use super::super::visitor::house::FEED_BOUND;
use super::nodes::{At, Cluster, EVERYWHERE, shop};
use super::store::{Kind, on_every_store};

/// How long an end may stay unnoticed at a node whose channel is frozen: a lease.
const LEASE_BOUND: Duration = Duration::from_millis(1_500);

on_every_store! {
    a_patch_in_a_late_answer_is_dropped_after_a_log_out_through_another_node,
    a_node_that_has_not_heard_of_the_log_out_drops_the_patch_all_the_same,
}

fn a_patch_in_a_late_answer_is_dropped_after_a_log_out_through_another_node(kind: Kind) {
    ends_and_stays_ended(&Cluster::open(&kind.place()), kind, FEED_BOUND, |_| ());
}

/// It believes its copy of the session when the answer comes, so that only the store itself can tell.
fn a_node_that_has_not_heard_of_the_log_out_drops_the_patch_all_the_same(kind: Kind) {
    let cluster = Cluster::open(&kind.place());
    assert_ne!(cluster.network(At::A).marked(), 0, "there is a channel to freeze");
    ends_and_stays_ended(&cluster, kind, LEASE_BOUND, |network| network.freeze(Which::Marked));
}

/// The request is at the app behind node A when something happens to that node's network, and then the log-out.
fn ends_and_stays_ended(cluster: &Cluster, kind: Kind, bound: Duration, fault: impl FnOnce(&FaultProxy)) {
    let mut tab = cluster.logged_on(At::A);
    cluster.keep(At::A, &mut tab, r#"{"basket":["old"]}"#);
    let tokens = cluster.be_known(&mut tab);
    let session = cluster.whoami(At::A, &mut tab).context("session").expect("a session").to_owned();
    let dead = tab.browser.copy();
    let held = answer(200, &[r#"x-context-update: {"basket":["ghost"]}"#], "a page");
    let path = cluster.app.playing("/basket", vec![Step::ReadBody, Step::Hold("late"), Step::Send(held)]);

    let late = thread::scope(|scope| {
        // Another browser with these cookies, or node B would serve this request too.
        let mut late = dead.copy().tab();
        cluster.turn(&late, At::A);
        let url = shop(&path);
        let asked = scope.spawn(move || late.open(&url));
        cluster.app.wait_for(&path);
        fault(cluster.network(At::A));
        cluster.log_out(At::B, &mut tab, "this").is(303);
        cluster.app.release("late");
        asked.join().expect("an answer")
    });

    let late = late.sets_nothing();
    if !(kind == Kind::Mongo && late.status == 503) {
        // MongoDB's driver may ask on a connection that is half open, and then nobody can tell.
        assert_eq!(late.is(200).body, "a page");
    }
    cluster.is_over(&mut dead.tab(), &tokens, Patience::new(bound));
    for at in EVERYWHERE {
        for mut tab in [dead.tab(), tab.clone()] {
            assert_eq!(cluster.whoami(at, &mut tab).standing(), "anonymous", "at {at:?}");
        }
        let audit = cluster.audit(at, &session);
        assert_eq!(audit["logged_out"]["why"], "The visitor logged out in this browser.", "{at:?}: {audit}");
    }
}
