//! What ends by the log-in's feed alone (a user is disabled, gets a new password, has too many browsers), with the link
//! between one node and the log-in in trouble. The lease bounds how long that node's gateway believes anything, nobody is
//! logged out by the trouble itself, and the other node notices none of it.

use std::iter;
use std::time::Duration;

use vestibule_ports::authority::{Authority as _, Password};
use vestibule_testkit::fault::{FaultProxy, Which};
use vestibule_testkit::patience::Patience;

use super::super::visitor::browser::Tab;
use super::super::visitor::client::Mobile;
use super::super::visitor::house::{ALICE, FEED_BOUND, PASSWORD, eventually};
use super::nodes::{At, Cluster, EVERYWHERE, NOTICED, Tokens, login, within};
use super::outage::RECOVERED_WITHIN;
use super::store::Kind;

/// The password of everybody but alice.
const THEIRS: &str = "a battery of another horse";
const NEW: &str = "another battery of horses";

/// Browsers in which a user may be logged in.
const BROWSERS_MAX: usize = 20;

/// How long an end may stay unnoticed at a node whose link is in trouble: a lease.
const LEASE_BOUND: Duration = Duration::from_millis(1_500);

/// Whether the log-in can still be asked by the node that is in trouble.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asking {
    /// On connections of its own.
    Goes,
    /// Nothing comes back, or too late.
    Fails,
}

#[test]
fn a_link_that_is_cut_delays_ends_no_longer_than_a_lease() {
    ends_in_time(FaultProxy::cut, Asking::Fails);
}

#[test]
fn a_link_that_swallows_everything_delays_ends_no_longer_than_a_lease() {
    ends_in_time(FaultProxy::black_hole, Asking::Fails);
}

#[test]
fn a_link_that_is_half_open_delays_ends_no_longer_than_a_lease() {
    ends_in_time(|road| road.freeze(Which::All), Asking::Goes);
}

#[test]
fn a_feed_that_is_half_open_delays_ends_no_longer_than_a_lease() {
    ends_in_time(|road| road.freeze(Which::Marked), Asking::Goes);
}

#[test]
fn a_feed_that_is_broken_off_delays_ends_no_longer_than_a_lease() {
    ends_in_time(|road| road.reset(Which::Marked), Asking::Goes);
}

#[test]
fn a_slow_link_delays_ends_no_longer_than_a_lease() {
    ends_in_time(|road| road.slow(Duration::from_millis(80)), Asking::Goes);
}

/// So slow that no heartbeat comes back within a lease.
#[test]
fn a_link_that_is_slower_than_a_lease_delays_ends_no_longer_than_one() {
    ends_in_time(|road| road.slow(Duration::from_millis(900)), Asking::Fails);
}

/// Somebody who is logged on, and what apps hold for him.
struct Known {
    tab: Tab,
    jpts: Tokens,
    access: String,
}

impl Known {
    #[track_caller]
    fn log_on(cluster: &Cluster, name: &str, password: &str) -> Self {
        let mut tab = cluster.logged_on_as(At::A, name, password);
        let jpts = cluster.be_known(&mut tab);
        let mobile = Mobile::at(login(""), tab.browser.copy());
        let access = mobile.redeem(&mobile.code("openid orders:read")).is(200).text("access_token");
        let known = Self { tab, jpts, access };
        for at in EVERYWHERE {
            eventually(NOTICED, "a gateway that is not busy", || known.calls_pass(cluster, at));
        }
        known
    }

    /// What a node's gateway says to each of the tokens, at the door of its kind.
    fn calls(&self, cluster: &Cluster, at: At) -> impl Iterator<Item = u16> {
        let inside = self.jpts.iter().map(move |jpt| cluster.orders(at, jpt));
        inside.chain(iter::once_with(move || cluster.outside_orders(at, &self.access)))
    }

    fn calls_pass(&self, cluster: &Cluster, at: At) -> bool {
        self.calls(cluster, at).all(|status| status == 200)
    }

    fn calls_are_refused(&self, cluster: &Cluster, at: At) -> bool {
        self.calls(cluster, at).all(|status| status == 401)
    }

    /// A page of a node takes him for logged on.
    #[track_caller]
    fn is_logged_on(&mut self, cluster: &Cluster, at: At) -> bool {
        cluster.whoami(at, &mut self.tab).standing() == "logged-on"
    }
}

fn ends_in_time(fault: impl Fn(&FaultProxy), asking: Asking) {
    let cluster = Cluster::open(&Kind::Redis.place());
    let [bob, _, _] = ["bob", "carol", "dave"].map(|name| cluster.add_user(name, THEIRS));
    let alice = cluster.alice();
    let mut ended = [("carol", THEIRS), ("bob", THEIRS), (ALICE, PASSWORD)]
        .map(|(name, password)| Known::log_on(&cluster, name, password));
    for _ in 1..BROWSERS_MAX {
        cluster.logged_on_as(At::A, "carol", THEIRS);
    }
    let mut dave = Known::log_on(&cluster, "dave", THEIRS);

    assert_ne!(cluster.road(At::B).marked(), 0, "there is a feed to break");
    fault(cluster.road(At::B));
    cluster.administer(async |idp| idp.set_disabled(&alice, true, "test").await).expect("a disabled user");
    cluster
        .administer(async |idp| idp.set_password(&bob, Password::new(NEW), "test").await)
        .expect("a new password");
    cluster.logged_on_as(At::A, "carol", THEIRS);

    let acknowledged = Patience::new(LEASE_BOUND);
    for known in &ended {
        within(Patience::new(FEED_BOUND), "refused at A", || known.calls_are_refused(&cluster, At::A));
    }
    let last = last_pass(&cluster, &ended, acknowledged);
    println!("{asking:?}: the last call passed {last:?} after the acknowledgement");
    goes_on(&cluster, &mut dave, asking);
    // What the other node has ended, and told by the store, is over here too: this needs no log-in.
    for known in &mut ended {
        within(Patience::new(FEED_BOUND), "out at A", || !known.is_logged_on(&cluster, At::A));
        eventually(LEASE_BOUND, "out at B", || !known.is_logged_on(&cluster, At::B));
    }

    cluster.road(At::B).heal();
    let healed = Patience::new(RECOVERED_WITHIN);
    within(healed, "refused for good", || ended.iter().all(|known| known.calls_are_refused(&cluster, At::B)));
    within(healed, "calls of others", || dave.calls_pass(&cluster, At::B));
    println!("{asking:?}: all was well {:?} after healing", healed.waited());
    cluster.logged_on_as(At::B, "bob", NEW);
    assert!(dave.is_logged_on(&cluster, At::B) && dave.is_logged_on(&cluster, At::A));
}

/// Calls until none passes any more: when the last one began that did, which is within a lease. Whether a call passes is
/// decided when it begins; an answer that says "not now" may take longer.
#[track_caller]
fn last_pass(cluster: &Cluster, ended: &[Known], acknowledged: Patience) -> Duration {
    let mut last = Duration::ZERO;
    loop {
        let mut passed = false;
        for known in ended {
            let mut begins = acknowledged.waited();
            for status in known.calls(cluster, At::B) {
                if status == 200 {
                    assert!(begins < LEASE_BOUND, "a call passed {begins:?} after the acknowledgement");
                    (last, passed) = (begins, true);
                }
                begins = acknowledged.waited();
            }
        }
        if !passed {
            return last;
        }
    }
}

/// Pages of somebody whom nobody has ended go on, and calls as far as the log-in can be asked. None is told that the
/// token is bad.
#[track_caller]
fn goes_on(cluster: &Cluster, dave: &mut Known, asking: Asking) {
    for at in EVERYWHERE {
        assert!(dave.is_logged_on(cluster, at), "logged out at {at:?} by the trouble");
    }
    assert!(dave.calls_pass(cluster, At::A));
    let mut said = Vec::new();
    let mut ask = || {
        said = dave.calls(cluster, At::B).collect();
        assert!(said.iter().all(|status| [200, 503].contains(status)), "{said:?}");
        said.iter().all(|status| *status == 200)
    };
    match asking {
        Asking::Goes => eventually(NOTICED, "calls of others", ask),
        Asking::Fails => assert!(!ask(), "without a lease nothing is believed"),
    }
}
