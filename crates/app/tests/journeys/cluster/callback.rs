//! A browser comes back from the log-in while the store is in trouble of one kind or another: it is told to come again and
//! keeps its cookies, nobody is half logged on, and after the trouble the same log-in leads to the page that was wanted.

use std::time::Duration;

use serde_json::json;
use vestibule_testkit::fault::FaultProxy;

use super::super::visitor::browser::Tab;
use super::super::visitor::house::{LOGIN, SHOP};
use super::nodes::{At, Cluster};
use super::outage::{RECOVERED_WITHIN, Refusals};
use super::own_server::{OwnServer, Trouble};
use super::store::{Kind, on_every_store};

/// Whether an attempt that was not answered may be used up all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Attempt {
    Stays,
    InDoubt,
}

on_every_store! {
    a_black_hole_under_the_callback_is_no_half_log_on,
    an_answer_just_after_the_deadline_is_no_half_log_on,
    an_answer_long_after_the_deadline_is_no_half_log_on,
    a_narrow_network_under_the_callback_is_no_half_log_on,
    a_server_that_takes_no_writes_is_no_half_log_on,
}

fn a_black_hole_under_the_callback_is_no_half_log_on(kind: Kind) {
    by_network(kind, FaultProxy::black_hole);
}

fn an_answer_just_after_the_deadline_is_no_half_log_on(kind: Kind) {
    by_network(kind, |network| network.slow(Duration::from_millis(250)));
}

fn an_answer_long_after_the_deadline_is_no_half_log_on(kind: Kind) {
    by_network(kind, |network| network.slow(Duration::from_secs(1)));
}

fn a_narrow_network_under_the_callback_is_no_half_log_on(kind: Kind) {
    by_network(kind, |network| network.throttle(20));
}

/// As a server says it whose disk is protected, or who has to follow another.
fn a_server_that_takes_no_writes_is_no_half_log_on(kind: Kind) {
    let mut server = OwnServer::start(kind);
    let place = server.place();
    let cluster = Cluster::open(&place);
    let trouble = if kind == Kind::Mongo { Trouble::Leaderless } else { Trouble::ReadOnly };
    comes_back(&cluster, Attempt::Stays, || server.suffer(trouble, &place, &cluster));
}

fn by_network(kind: Kind, fault: impl Fn(&FaultProxy)) {
    let cluster = Cluster::open(&kind.place());
    comes_back(&cluster, Attempt::InDoubt, || {
        cluster.networks(&fault);
        || cluster.networks(FaultProxy::heal)
    });
}

/// Breaks the store while the person is at the log-in; what that returns mends it.
fn comes_back<M: FnOnce()>(cluster: &Cluster, attempt: Attempt, fault: impl FnOnce() -> M) {
    let mut tab = cluster.tab();
    cluster.keep(At::A, &mut tab, r#"{"basket":["kept"]}"#);
    let back = cluster.until_callback(At::A, &mut tab);
    let cookies = tab.browser.cookies(SHOP);
    let (mut refusals, pace) = (Refusals::default(), cluster.pace());

    let mend = fault();
    refusals.expect(|| tab.step(&back));
    assert_eq!(known(&tab), of_session(cookies));

    mend();
    cluster.recovers(RECOVERED_WITHIN, &mut cluster.tab(), pace);
    for at in [At::A, At::B] {
        assert_eq!(cluster.whoami(at, &mut tab).standing(), "returning", "nothing has risen unseen");
    }
    cluster.turn(&tab, At::A);
    let mut page = tab.step(&back);
    if page.is_redirect() {
        page = tab.follow(page);
    }
    if attempt == Attempt::InDoubt && page.url.path() != "/account" {
        // Used up: the person is told so, or is at the start. Who asks again is asked for nothing.
        assert!([200, 400].contains(&page.status) && page.url.host_str() != Some(LOGIN), "{page:?}");
        let asked = cluster.open_at(At::A, &mut tab, "/account");
        page = tab.follow(asked);
    }
    assert_eq!(page.is(200).url.path(), "/account");
    for at in [At::A, At::B] {
        let told = cluster.whoami(at, &mut tab);
        assert_eq!((told.standing(), told.attribute("basket")), ("logged-on", json!(["kept"])), "at {at:?}");
    }
    println!("{attempt:?}: {refusals}");
}

fn known(tab: &Tab) -> Vec<(String, String)> {
    of_session(tab.browser.cookies(SHOP))
}

fn of_session(mut cookies: Vec<(String, String)>) -> Vec<(String, String)> {
    cookies.retain(|(name, _)| ["__Host-vst", "__Host-vst-keep"].contains(&name.as_str()));
    cookies
}
