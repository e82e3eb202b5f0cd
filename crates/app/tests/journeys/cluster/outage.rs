//! The store cannot be reached, or not in time: what is cached goes on for a while, everything else is told to come back,
//! nobody loses a cookie, and nothing is said to be done that is not.

use std::time::Duration;

use serde_json::json;
use vestibule_sessions::STORE_DEADLINE;
use vestibule_testkit::fault::FaultProxy;

use super::super::visitor::browser::Tab;
use super::super::visitor::house::{LOGIN, SHOP, eventually};
use super::nodes::{At, Cluster, EVERYWHERE, NOTICED};
use super::refusals::Refusals;
use super::store::{Kind, on_every_store};

/// After healing everything works again by then.
pub(super) const RECOVERED_WITHIN: Duration = Duration::from_secs(2);

/// Longer than a lease.
pub(super) const PAST_LEASE: Duration = Duration::from_secs(2);

/// Longer than a stale copy may serve.
const PAST_STALE: Duration = Duration::from_secs(12);

on_every_store! {
    a_store_that_is_down_is_no_log_out,
    a_store_that_answers_long_after_the_deadline_is_no_log_out,
    a_store_that_answers_just_after_the_deadline_is_no_log_out_and_no_lie,
    a_store_that_needs_most_of_the_deadline_for_one_answer_is_given_up_at_its_end,
    a_black_hole_is_no_log_out,
    a_narrow_network_is_no_log_out,
    connections_that_the_server_has_half_closed_are_made_anew,
}

fn a_store_that_is_down_is_no_log_out(kind: Kind) {
    no_log_out(kind, FaultProxy::cut);
}

/// So late that no beat comes back within a lease either.
fn a_store_that_answers_long_after_the_deadline_is_no_log_out(kind: Kind) {
    no_log_out(kind, |network| network.slow(Duration::from_secs(1)));
}

/// Beats come back in time and answers do not, so copies are believed, and writes that nobody waited for may be done.
fn a_store_that_answers_just_after_the_deadline_is_no_log_out_and_no_lie(kind: Kind) {
    let cluster = Cluster::open(&kind.place());
    let (mut tab, mut unknown) = (cluster.logged_on(At::A), cluster.logged_on(At::A));
    cluster.keep(At::A, &mut tab, r#"{"basket":["kept"]}"#);
    cluster.advance(PAST_LEASE);
    cluster.is_cached(&mut tab);
    let cookies = session_cookies(&tab);
    let (mut refusals, pace) = (Refusals::of(&cluster), cluster.pace());

    cluster.networks(|network| network.slow(Duration::from_millis(250)));

    // Not cached at this node.
    refusals.expect(|| cluster.look(At::B, &mut unknown).1);
    for at in EVERYWHERE {
        let page = refusals.time(|| cluster.look(at, &mut tab).1).sets_nothing();
        assert!(page.status == 200 || page.status == 503, "{page:?}");
        refusals.expect_unsaved(&cluster, at, &mut tab, r#"{"basket":["late"]}"#);
        for scope in ["this", "everywhere"] {
            refusals.expect(|| cluster.log_out(at, &mut tab, scope));
        }
    }
    nobodys_pages_go_on(&cluster, &mut refusals);

    cluster.networks(FaultProxy::heal);
    let took = cluster.recovers(RECOVERED_WITHIN, &mut tab, pace);
    println!("{kind:?}: {}; everything worked again {took:?} after healing", refusals.were_in_time());
    assert_eq!(session_cookies(&tab), cookies);
    for at in EVERYWHERE {
        let told = cluster.whoami(at, &mut tab);
        assert_eq!(told.standing(), "logged-on");
        let basket = told.attribute("basket");
        assert!(basket == json!(["kept"]) || basket == json!(["late"]), "{basket}");
        assert_eq!(cluster.whoami(at, &mut unknown).standing(), "logged-on");
    }
    cluster.log_out(At::B, &mut tab, "this").is(303);
}

/// One answer comes in time, and what takes several has no more time for each of them than for one.
fn a_store_that_needs_most_of_the_deadline_for_one_answer_is_given_up_at_its_end(kind: Kind) {
    let cluster = Cluster::open(&kind.place());
    let (mut tab, mut unknown) = (cluster.logged_on(At::A), cluster.logged_on(At::A));
    cluster.keep(At::A, &mut tab, r#"{"basket":["kept"]}"#);
    cluster.advance(PAST_LEASE);
    cluster.is_cached(&mut tab);
    let cookies = session_cookies(&tab);
    let (mut refusals, pace) = (Refusals::of(&cluster), cluster.pace());

    cluster.networks(|network| network.slow(STORE_DEADLINE * 2 / 5));

    for at in EVERYWHERE {
        // Somebody whose copy is believed, somebody who has none, and somebody who wants to log on.
        let (path, page) = cluster.look(at, &mut tab);
        page.is(200).sets_nothing();
        assert_eq!(cluster.app.told(&path).context("degraded"), None);
        may_be_known(&cluster, at, &mut unknown, &mut refusals);
        may_begin_to_log_on(&cluster, at, &mut refusals);
    }
    // Each another one: what is found to be there already needs no write.
    for (at, patch) in [(At::A, r#"{"basket":["late"]}"#), (At::B, r#"{"basket":["later"]}"#)] {
        refusals.expect_unsaved(&cluster, at, &mut tab, patch);
        for scope in ["this", "everywhere"] {
            refusals.expect(|| cluster.log_out(at, &mut tab, scope));
        }
    }

    cluster.networks(FaultProxy::heal);
    let took = cluster.recovers(RECOVERED_WITHIN, &mut tab, pace);
    println!("{kind:?}: {}; everything worked again {took:?} after healing", refusals.were_in_time());
    assert_eq!(session_cookies(&tab), cookies);
    for at in EVERYWHERE {
        assert_eq!(cluster.whoami(at, &mut tab).standing(), "logged-on");
    }
    cluster.log_out(At::B, &mut tab, "this").is(303);
}

/// One read comes in time if nothing else delays it, and is refused in time if not.
#[track_caller]
fn may_be_known(cluster: &Cluster, at: At, tab: &mut Tab, refusals: &mut Refusals) {
    let mut path = String::new();
    let page = refusals.time(|| {
        let (asked, page) = cluster.look(at, tab);
        path = asked;
        page
    });
    let page = page.sets_nothing();
    match page.status {
        200 => assert_eq!(cluster.app.told(&path).standing(), "logged-on"),
        _ => assert!(page.status == 503 && page.fields.has("retry-after"), "{page:?}"),
    }
}

/// So does one write, as far as a log-in needs it.
#[track_caller]
fn may_begin_to_log_on(cluster: &Cluster, at: At, refusals: &mut Refusals) {
    let mut nobody = cluster.tab();
    let asked = cluster.open_at(at, &mut nobody, "/account").is(303).sets_nothing();
    let begun = refusals.time(|| nobody.step(&asked));
    match begun.status {
        303 => assert_eq!(
            (begun.location().host_str(), begun.sets().as_slice()),
            (Some(LOGIN), &["vst-try".to_owned()][..])
        ),
        _ => assert!(
            begun.status == 503 && begun.fields.has("retry-after") && begun.sets().is_empty(),
            "{begun:?}"
        ),
    }
}

fn a_black_hole_is_no_log_out(kind: Kind) {
    no_log_out(kind, FaultProxy::black_hole);
}

/// So narrow that no record comes through in time.
fn a_narrow_network_is_no_log_out(kind: Kind) {
    no_log_out(kind, |network| network.throttle(20));
}

/// The whole policy, step by step, where the store neither reads nor writes.
fn no_log_out(kind: Kind, fault: impl Fn(&FaultProxy)) {
    let cluster = Cluster::open(&kind.place());
    goes_on(&cluster, kind, || {
        cluster.networks(&fault);
        || cluster.networks(FaultProxy::heal)
    });
}

/// The same for whatever breaks the store of this cluster; what that returns mends it.
pub(super) fn goes_on<M: FnOnce()>(cluster: &Cluster, kind: Kind, fault: impl FnOnce() -> M) {
    let (mut tab, mut unknown) = (cluster.logged_on(At::A), cluster.logged_on(At::A));
    cluster.keep(At::A, &mut tab, r#"{"basket":["kept"]}"#);
    // The cookie that names the writer of a patch has the store asked, as long as it lasts.
    cluster.advance(PAST_LEASE);
    cluster.is_cached(&mut tab);
    let cookies = session_cookies(&tab);
    let (mut refusals, pace) = (Refusals::of(cluster), cluster.pace());

    let mend = fault();
    cluster.advance(PAST_LEASE);
    for at in EVERYWHERE {
        // Some stores still answer who reads for as long as a lease.
        eventually(NOTICED, "the outage", || {
            let (path, page) = cluster.look(at, &mut tab);
            page.is(200);
            cluster.app.told(&path).context("degraded").is_some()
        });
    }

    for at in EVERYWHERE {
        is_shown_and_not_changed(cluster, at, &mut tab, &mut refusals);
    }
    // Not cached at this node: unknown, which is not anonymous.
    refusals.expect(|| cluster.look(At::B, &mut unknown).1);
    nobodys_pages_go_on(cluster, &mut refusals);
    cluster.advance(PAST_STALE);
    for at in EVERYWHERE {
        refusals.expect(|| cluster.look(at, &mut tab).1);
        refusals.expect(|| cluster.log_out(at, &mut tab, "this"));
    }

    mend();
    let took = cluster.recovers(RECOVERED_WITHIN, &mut tab, pace);

    println!("{kind:?}: {}; everything worked again {took:?} after healing", refusals.were_in_time());
    assert_eq!(session_cookies(&tab), cookies);
    for at in EVERYWHERE {
        assert_eq!(cluster.whoami(at, &mut unknown).standing(), "logged-on");
        let told = cluster.whoami(at, &mut tab);
        assert_eq!((told.standing(), told.attributes()), ("logged-on", json!({"basket": ["kept"]})));
    }
    assert_eq!(cluster.log_out(At::B, &mut tab, "this").is(303).sets(), ["-vst", "-vst-keep"]);
    assert_eq!(cluster.whoami(At::A, &mut tab).standing(), "anonymous");
}

/// A cached session serves pages by its last copy. Nothing is patched, and it cannot be logged out.
fn is_shown_and_not_changed(cluster: &Cluster, at: At, tab: &mut Tab, refusals: &mut Refusals) {
    let (path, page) = cluster.look(at, tab);
    page.is(200).sets_nothing();
    let told = cluster.app.told(&path);
    assert_eq!((told.standing(), told.context("degraded")), ("logged-on", Some("1")));
    assert_eq!(told.attributes(), json!({"basket": ["kept"]}));
    cannot_change(cluster, at, tab, refusals);
}

/// Neither a patch nor a log-out is saved, and the answers say so.
pub(super) fn cannot_change(cluster: &Cluster, at: At, tab: &mut Tab, refusals: &mut Refusals) {
    let refused = refusals.expect_unsaved(cluster, at, tab, r#"{"basket":["lost"]}"#);
    assert!(refused.body.contains("could not be saved"), "{refused:?}");
    let path = cluster.app.patching("/basket", r#"{"basket":["lost"]}"#);
    let refused = refusals.expect(|| cluster.open_at(at, tab, &path));
    assert!(refused.body.contains("context-not-saved"), "{refused:?}");
    for scope in ["this", "everywhere"] {
        let refused = refusals.expect(|| cluster.log_out(at, tab, scope));
        assert!(refused.body.contains("still logged on"), "{refused:?}");
    }
}

/// Visitors of whom nothing is known notice nothing until they want to be known.
pub(super) fn nobodys_pages_go_on(cluster: &Cluster, refusals: &mut Refusals) {
    for at in EVERYWHERE {
        let mut nobody = cluster.tab();
        assert_eq!(cluster.whoami(at, &mut nobody).standing(), "anonymous");
        cannot_log_on(cluster, at, &mut nobody, refusals);
        let refused = refusals.expect_unsaved(cluster, at, &mut nobody, r#"{"basket":["lost"]}"#);
        assert!(refused.body.contains("context-not-saved"), "{refused:?}");
        assert_eq!(nobody.browser.cookies(SHOP), []);
    }
}

fn cannot_log_on(cluster: &Cluster, at: At, nobody: &mut Tab, refusals: &mut Refusals) {
    let asked = cluster.open_at(at, nobody, "/account").is(303).sets_nothing();
    refusals.expect(|| nobody.step(&asked));
}

fn connections_that_the_server_has_half_closed_are_made_anew(kind: Kind) {
    let cluster = Cluster::open(&kind.place());
    let mut tab = cluster.logged_on(At::A);
    cluster.is_cached(&mut tab);
    let (cookies, pace) = (session_cookies(&tab), cluster.pace());

    cluster.networks(FaultProxy::half_close);
    cluster.recovers(RECOVERED_WITHIN, &mut tab, pace);

    assert_eq!(session_cookies(&tab), cookies);
    cluster.be_known(&mut tab);
    cluster.log_out(At::B, &mut tab, "this").is(303);
}

fn session_cookies(tab: &Tab) -> Vec<(String, String)> {
    let mut cookies = tab.browser.cookies(SHOP);
    cookies.retain(|(name, _)| ["__Host-vst", "__Host-vst-keep"].contains(&name.as_str()));
    cookies
}
