//! A browser comes back from the log-in while the store is in trouble of one kind or another: it is told to come again and
//! keeps its cookies, nobody is half logged on, and after the trouble the same log-in leads to the page that was wanted.

use std::time::Duration;

use serde_json::json;
use vestibule_sessions::STORE_DEADLINE;
use vestibule_testkit::fault::FaultProxy;

use super::super::visitor::browser::{Reply, Tab};
use super::super::visitor::house::{LOGIN, SHOP};
use super::nodes::{At, Cluster, EVERYWHERE};
use super::outage::RECOVERED_WITHIN;
use super::own_server::{OwnServer, Trouble};
use super::refusals::Refusals;
use super::set::Set;
use super::store::{Kind, on_every_store};

/// Longer than the secrets from before a rise are in grace.
const PAST_GRACE: Duration = Duration::from_secs(6);

/// Whether an attempt that was not answered may be used up all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Attempt {
    Stays,
    InDoubt,
}

on_every_store! {
    a_store_that_is_gone_under_the_callback_is_no_half_log_on,
    a_black_hole_under_the_callback_is_no_half_log_on,
    an_answer_just_after_the_deadline_is_no_half_log_on,
    an_answer_long_after_the_deadline_is_no_half_log_on,
    an_attempt_that_is_taken_in_time_and_a_log_on_that_is_not_saved_in_time_are_no_half_log_on,
    a_narrow_network_under_the_callback_is_no_half_log_on,
    connections_that_are_half_closed_under_the_callback_are_no_half_log_on,
    a_server_that_takes_no_writes_is_no_half_log_on,
    a_server_that_is_killed_under_the_callback_is_no_half_log_on,
    a_primary_that_is_lost_under_the_callback_is_no_half_log_on,
    a_server_without_a_free_connection_is_no_half_log_on,
    a_server_without_room_for_its_log_is_no_half_log_on,
    an_account_that_may_look_only_is_no_half_log_on,
}

fn a_store_that_is_gone_under_the_callback_is_no_half_log_on(kind: Kind) {
    by_network(kind, Attempt::Stays, FaultProxy::cut);
}

fn a_black_hole_under_the_callback_is_no_half_log_on(kind: Kind) {
    by_network(kind, Attempt::InDoubt, FaultProxy::black_hole);
}

fn an_answer_just_after_the_deadline_is_no_half_log_on(kind: Kind) {
    by_network(kind, Attempt::InDoubt, |network| network.slow(Duration::from_millis(250)));
}

fn an_answer_long_after_the_deadline_is_no_half_log_on(kind: Kind) {
    by_network(kind, Attempt::InDoubt, |network| network.slow(Duration::from_secs(1)));
}

/// There and back takes half of the deadline, which is one for both steps: the second is given up, and may be done.
fn an_attempt_that_is_taken_in_time_and_a_log_on_that_is_not_saved_in_time_are_no_half_log_on(kind: Kind) {
    by_network(kind, Attempt::InDoubt, |network| network.slow(STORE_DEADLINE / 4));
}

fn a_narrow_network_under_the_callback_is_no_half_log_on(kind: Kind) {
    by_network(kind, Attempt::InDoubt, |network| network.throttle(20));
}

/// As a server says it whose disk is protected, or who has to follow another.
fn a_server_that_takes_no_writes_is_no_half_log_on(kind: Kind) {
    by_server(kind, if kind == Kind::Mongo { Trouble::Leaderless } else { Trouble::ReadOnly });
}

fn a_server_that_is_killed_under_the_callback_is_no_half_log_on(kind: Kind) {
    let mut server = OwnServer::start(kind);
    let cluster = Cluster::open(&server.place());
    comes_back(&cluster, Attempt::Stays, || {
        server.kill();
        || server.restart()
    });
}

fn a_primary_that_is_lost_under_the_callback_is_no_half_log_on(kind: Kind) {
    let mut set = Set::start(kind);
    let cluster = Cluster::open(&set.place());
    comes_back(&cluster, Attempt::InDoubt, || {
        set.lose();
        || set.succeed()
    });
}

fn a_server_without_a_free_connection_is_no_half_log_on(kind: Kind) {
    by_server(kind, Trouble::Crowded);
}

/// It ends itself.
fn a_server_without_room_for_its_log_is_no_half_log_on(kind: Kind) {
    by_server(kind, Trouble::LogFull);
}

fn an_account_that_may_look_only_is_no_half_log_on(kind: Kind) {
    by_server(kind, Trouble::LookOnly);
}

/// What is deleted needs no room: the attempt is taken.
#[test]
fn a_postgres_whose_disk_is_full_is_no_half_log_on() {
    by_server_that(Kind::Postgres, Trouble::DiskFull, Attempt::InDoubt);
}

#[test]
fn a_redis_whose_disk_is_full_is_no_half_log_on() {
    by_server(Kind::Redis, Trouble::DiskFull);
}

#[test]
fn a_redis_without_memory_left_is_no_half_log_on() {
    by_server_that(Kind::Redis, Trouble::MemoryFull, Attempt::InDoubt);
}

fn by_network(kind: Kind, attempt: Attempt, fault: impl Fn(&FaultProxy)) {
    let cluster = Cluster::open(&kind.place());
    comes_back(&cluster, attempt, || {
        cluster.networks(&fault);
        || cluster.networks(FaultProxy::heal)
    });
}

fn by_server(kind: Kind, trouble: Trouble) {
    by_server_that(kind, trouble, Attempt::Stays);
}

fn by_server_that(kind: Kind, trouble: Trouble, attempt: Attempt) {
    let mut server = OwnServer::to_suffer(kind, trouble);
    let place = server.place();
    let cluster = Cluster::open(&place);
    comes_back(&cluster, attempt, || server.suffer(trouble, &place, &cluster));
}

/// Breaks the store while the person is at the log-in; what that returns mends it.
fn comes_back<M: FnOnce()>(cluster: &Cluster, attempt: Attempt, fault: impl FnOnce() -> M) {
    let (mut tab, back) = at_the_log_in(cluster);
    let cookies = tab.browser.cookies(SHOP);
    let (mut refusals, pace) = (Refusals::of(cluster), cluster.pace());

    let mend = fault();
    refusals.expect(|| tab.step(&back));
    assert_eq!(known(&tab), of_session(cookies));

    mend();
    cluster.recovers(RECOVERED_WITHIN, &mut cluster.tab(), pace);
    for at in EVERYWHERE {
        assert_eq!(cluster.whoami(at, &mut tab).standing(), "returning", "nothing has risen unseen");
    }
    cluster.turn(&tab, At::A);
    let again = tab.step(&back);
    is_logged_on(cluster, attempt, &mut tab, again);
    println!("{attempt:?}: {}", refusals.were_in_time());
}

/// New connections are made as soon as it is noticed, so the log-on may go through.
fn connections_that_are_half_closed_under_the_callback_are_no_half_log_on(kind: Kind) {
    let cluster = Cluster::open(&kind.place());
    let (mut tab, back) = at_the_log_in(&cluster);
    let cookies = tab.browser.cookies(SHOP);
    let (mut refusals, pace) = (Refusals::of(&cluster), cluster.pace());

    cluster.networks(FaultProxy::half_close);
    let mut answer = refusals.time(|| tab.step(&back));
    if answer.status == 503 {
        assert!(answer.fields.has("retry-after"), "{answer:?}");
        answer = answer.sets_nothing();
        assert_eq!(known(&tab), of_session(cookies));
    }
    cluster.recovers(RECOVERED_WITHIN, &mut cluster.tab(), pace);
    if answer.status == 503 {
        cluster.turn(&tab, At::A);
        answer = tab.step(&back);
    }

    is_logged_on(&cluster, Attempt::InDoubt, &mut tab, answer);
}

/// Somebody who has a basket and has just given credentials, and the answer that leads back to the shop.
#[track_caller]
fn at_the_log_in(cluster: &Cluster) -> (Tab, Reply) {
    let mut tab = cluster.tab();
    cluster.keep(At::A, &mut tab, r#"{"basket":["kept"]}"#);
    let back = cluster.until_callback(At::A, &mut tab);
    (tab, back)
}

/// The way from this answer of the callback leads to the account, and every node knows who that is.
#[track_caller]
fn is_logged_on(cluster: &Cluster, attempt: Attempt, tab: &mut Tab, answer: Reply) {
    let mut page = tab.follow(answer);
    if attempt == Attempt::InDoubt && page.url.path() != "/account" {
        // Used up: the person is told so, or is at the start. Who asks again is asked for nothing. A log-on may have been
        // saved of which nobody has the cookies; another one on top of it waits for its grace to be over.
        assert!([200, 400].contains(&page.status) && page.url.host_str() != Some(LOGIN), "{page:?}");
        cluster.advance(PAST_GRACE);
        let asked = cluster.open_at(At::A, tab, "/account");
        page = tab.follow(asked);
    }
    assert_eq!(page.is(200).url.path(), "/account");
    for at in EVERYWHERE {
        let told = cluster.whoami(at, tab);
        assert_eq!((told.standing(), told.attribute("basket")), ("logged-on", json!(["kept"])), "at {at:?}");
    }
}

fn known(tab: &Tab) -> Vec<(String, String)> {
    of_session(tab.browser.cookies(SHOP))
}

fn of_session(mut cookies: Vec<(String, String)>) -> Vec<(String, String)> {
    cookies.retain(|(name, _)| ["__Host-vst", "__Host-vst-keep"].contains(&name.as_str()));
    cookies
}
