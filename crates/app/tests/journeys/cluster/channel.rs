//! The channel by which a node hears of changes is lost: killed, half open, or with the whole store. The lease bounds how
//! long anything is believed, service goes on, and nobody is logged out for it.

use std::time::Duration;

use vestibule_testkit::fault::{FaultProxy, Which};
use vestibule_testkit::patience::Patience;

use super::super::visitor::house::eventually;
use super::nodes::{At, Cluster, NOTICED};
use super::outage::PAST_LEASE;
use super::store::{Kind, on_every_store};

/// How long an end may stay unnoticed at a node whose channel is broken: a lease.
const LEASE_BOUND: Duration = Duration::from_millis(1_500);

/// How long a node that is cut off from the store may go on.
const CUT_OFF_BOUND: Duration = Duration::from_secs(10);

/// How long changes are held back: beats are among them, and after those still many changes.
const BACKLOG: Duration = Duration::from_secs(1);

on_every_store! {
    a_killed_channel_delays_an_end_no_longer_than_a_lease,
    a_half_open_channel_delays_an_end_no_longer_than_a_lease,
    a_broken_channel_logs_nobody_out_and_is_opened_again,
    a_node_cut_off_from_the_store_goes_on_for_ten_seconds_and_not_longer,
    a_network_that_comes_back_brings_no_ended_session_back,
}

fn a_killed_channel_delays_an_end_no_longer_than_a_lease(kind: Kind) {
    ends_in_time(kind, |network| network.reset(Which::Marked));
}

fn a_half_open_channel_delays_an_end_no_longer_than_a_lease(kind: Kind) {
    ends_in_time(kind, |network| network.freeze(Which::Marked));
}

/// Breaks the channel of node B at the worst moment, just before an end on node A.
fn ends_in_time(kind: Kind, fault: impl Fn(&FaultProxy)) {
    let cluster = Cluster::open(&kind.place());
    let (mut tab, mut bystander) = (cluster.logged_on(At::A), cluster.logged_on(At::A));
    let tokens = cluster.be_known(&mut tab);
    cluster.is_cached(&mut bystander);
    cluster.is_cached(&mut tab);
    let mut late = tab.browser.copy().tab();

    assert_ne!(cluster.network(At::B).marked(), 0, "there is a channel to break");
    fault(cluster.network(At::B));
    cluster.log_out(At::A, &mut tab, "this").is(303);

    cluster.is_over(&mut late, &tokens, Patience::new(LEASE_BOUND));
    assert_eq!(cluster.whoami(At::B, &mut bystander).standing(), "logged-on");
}

fn a_broken_channel_logs_nobody_out_and_is_opened_again(kind: Kind) {
    let cluster = Cluster::open(&kind.place());
    let mut tab = cluster.logged_on(At::A);
    cluster.be_known(&mut tab);
    let network = cluster.network(At::B);
    for fault in [FaultProxy::reset, FaultProxy::freeze] {
        let before = network.marked();
        let mut served = 0;

        assert_ne!(before, 0, "there is a channel to break");
        fault(network, Which::Marked);

        // All the time, also while the lease is gone: the store is read instead. A read may miss its deadline on a busy
        // machine, and MongoDB's driver may send it over a connection that is half open.
        eventually(NOTICED, "a new channel", || {
            let (path, page) = cluster.look(At::B, &mut tab);
            let page = page.sets_nothing();
            if page.status == 503 {
                assert!(page.fields.has("retry-after"));
            } else {
                page.is(200);
                assert_eq!(cluster.app.told(&path).standing(), "logged-on");
                served += 1;
            }
            served > 0 && network.marked() > before
        });
        network.heal();
    }
    // The new channel brings ends as the old one did.
    let mut late = tab.browser.copy().tab();
    cluster.log_out(At::A, &mut tab, "this").is(303);
    cluster.is_over(&mut late, &Vec::new(), Patience::new(LEASE_BOUND));
}

fn a_node_cut_off_from_the_store_goes_on_for_ten_seconds_and_not_longer(kind: Kind) {
    let cluster = Cluster::open(&kind.place());
    let mut tab = cluster.logged_on(At::A);
    cluster.is_cached(&mut tab);
    cluster.network(At::B).black_hole();

    // Past the lease.
    cluster.advance(2 * LEASE_BOUND);
    let (path, page) = cluster.look(At::B, &mut tab);
    page.is(200).sets_nothing();
    let told = cluster.app.told(&path);
    assert_eq!((told.standing(), told.context("degraded")), ("logged-on", Some("1")));

    cluster.advance(CUT_OFF_BOUND);
    // Unknown is neither logged-on nor anonymous.
    let refused = cluster.look(At::B, &mut tab).1.is(503).sets_nothing();
    assert!(refused.fields.has("retry-after"));
    assert_eq!(cluster.whoami(At::A, &mut tab).standing(), "logged-on");
}

fn a_network_that_comes_back_brings_no_ended_session_back(kind: Kind) {
    let cluster = Cluster::open(&kind.place());
    let mut tab = cluster.logged_on(At::A);
    cluster.is_cached(&mut tab);
    let mut late = tab.browser.copy().tab();
    let network = cluster.network(At::B);

    network.black_hole();
    cluster.log_out(At::A, &mut tab, "this").is(303);
    cluster.advance(PAST_LEASE);
    network.heal();

    eventually(NOTICED, "the end after the thaw", || {
        let (path, page) = cluster.look(At::B, &mut late);
        page.status == 200 && cluster.app.told(&path).standing() == "anonymous"
    });
    for _ in 0..20 {
        assert_eq!(cluster.whoami(At::B, &mut late).standing(), "anonymous");
    }
}

/// MongoDB's driver has no connection for changes alone, so there it cannot be told.
#[test]
fn no_beat_of_a_thawed_backlog_of_postgres_is_a_lease() {
    no_beat_of_a_thawed_backlog_is_a_lease(Kind::Postgres, 2_000);
}

#[test]
fn no_beat_of_a_thawed_backlog_of_redis_is_a_lease() {
    no_beat_of_a_thawed_backlog_is_a_lease(Kind::Redis, 8_000);
}

/// Beats that were held arrive late, many changes before the end, while nothing else can be asked. A lease counts from when
/// a beat was sent, so none of them makes the old copy believed.
fn no_beat_of_a_thawed_backlog_is_a_lease(kind: Kind, bytes_per_second: u32) {
    let cluster = Cluster::open(&kind.place());
    let mut tab = cluster.logged_on(At::A);
    cluster.is_cached(&mut tab);
    let mut late = tab.browser.copy().tab();
    let (network, road) = (cluster.network(At::B), cluster.road(At::B));

    assert_ne!(network.marked(), 0, "there is a channel to freeze");
    // The log-in would tell of the end too.
    road.black_hole();
    network.freeze(Which::Marked);
    let backlog = Patience::new(BACKLOG);
    while !backlog.left().is_zero() {
        cluster.keep(At::A, &mut cluster.tab(), r#"{"basket":["of somebody else"]}"#);
    }
    cluster.log_out(At::A, &mut tab, "this").is(303);
    cluster.advance(PAST_LEASE);
    network.thaw_marked_only(bytes_per_second);

    // Pages by the old copy, until the node hears of the end and knows nothing. Who believed it would call the app.
    eventually(NOTICED, "the end after the thaw", || {
        let page = cluster.look(At::B, &mut late).1.sets_nothing();
        let (path, refused) = cluster.try_patch(At::B, &mut late, r#"{"basket":["lost"]}"#);
        assert_eq!(cluster.app.calls(&path), 0, "an old copy is believed");
        refused.is(503).sets_nothing();
        page.status == 503
    });
    network.heal();
    road.heal();
    eventually(NOTICED, "a node that can ask again", || cluster.look(At::B, &mut late).1.status == 200);
    for _ in 0..20 {
        assert_eq!(cluster.whoami(At::B, &mut late).standing(), "anonymous");
    }
}
