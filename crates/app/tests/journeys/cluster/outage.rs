//! The store cannot be reached, or not in time: what is cached goes on for a while, everything else is told to come back,
//! nobody loses a cookie, and nothing is said to be done that is not.

use std::fmt;
use std::time::Duration;

use serde_json::json;
use vestibule_sessions::STORE_DEADLINE;
use vestibule_testkit::fault::FaultProxy;
use vestibule_testkit::patience::Patience;

use super::super::visitor::browser::{Reply, Tab};
use super::super::visitor::house::{SHOP, eventually};
use super::nodes::{At, Cluster, EVERYWHERE, NOTICED};
use super::store::{Kind, on_every_store};

/// An answer that says "not now" comes within the store's deadline, whatever is asked of the store on the way; the rest is
/// for the way there and back on a machine that is busy with other tests.
const REFUSED_WITHIN: Duration = STORE_DEADLINE.saturating_add(MARGIN);

const MARGIN: Duration = Duration::from_millis(300);

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
    a_log_in_under_way_survives_an_outage,
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
    let mut tab = cluster.logged_on(At::A);
    cluster.keep(At::A, &mut tab, r#"{"basket":["kept"]}"#);
    cluster.advance(PAST_LEASE);
    cluster.is_cached(&mut tab);
    let cookies = session_cookies(&tab);
    let (mut refusals, pace) = (Refusals::default(), cluster.pace());

    cluster.networks(|network| network.slow(Duration::from_millis(250)));

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
    println!("{kind:?}: {refusals}; everything worked again {took:?} after healing");
    assert_eq!(session_cookies(&tab), cookies);
    for at in EVERYWHERE {
        let told = cluster.whoami(at, &mut tab);
        assert_eq!(told.standing(), "logged-on");
        let basket = told.attribute("basket");
        assert!(basket == json!(["kept"]) || basket == json!(["late"]), "{basket}");
    }
    cluster.log_out(At::B, &mut tab, "this").is(303);
}

/// One answer comes in time, and what takes several has no more time for each of them than for one.
fn a_store_that_needs_most_of_the_deadline_for_one_answer_is_given_up_at_its_end(kind: Kind) {
    let cluster = Cluster::open(&kind.place());
    let mut tab = cluster.logged_on(At::A);
    cluster.keep(At::A, &mut tab, r#"{"basket":["kept"]}"#);
    cluster.advance(PAST_LEASE);
    cluster.is_cached(&mut tab);
    let cookies = session_cookies(&tab);
    let (mut refusals, pace) = (Refusals::default(), cluster.pace());

    cluster.networks(|network| network.slow(STORE_DEADLINE * 2 / 5));

    // Each another one: what is found to be there already needs no write.
    for (at, patch) in [(At::A, r#"{"basket":["late"]}"#), (At::B, r#"{"basket":["later"]}"#)] {
        // Once before the app is called, to find out who it is, and once after it has answered.
        let twice = STORE_DEADLINE * 2 + MARGIN;
        refusals.expect_unsaved_within(twice, &cluster, at, &mut tab, patch);
        for scope in ["this", "everywhere"] {
            refusals.expect(|| cluster.log_out(at, &mut tab, scope));
        }
    }

    cluster.networks(FaultProxy::heal);
    let took = cluster.recovers(RECOVERED_WITHIN, &mut tab, pace);
    println!("{kind:?}: {refusals}; everything worked again {took:?} after healing");
    assert_eq!(session_cookies(&tab), cookies);
    for at in EVERYWHERE {
        assert_eq!(cluster.whoami(at, &mut tab).standing(), "logged-on");
    }
    cluster.log_out(At::B, &mut tab, "this").is(303);
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
    let (mut refusals, pace) = (Refusals::default(), cluster.pace());

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

    println!("{kind:?}: {refusals}; everything worked again {took:?} after healing");
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

fn a_log_in_under_way_survives_an_outage(kind: Kind) {
    let cluster = Cluster::open(&kind.place());
    let mut tab = cluster.tab();
    cluster.keep(At::A, &mut tab, r#"{"basket":["kept"]}"#);
    let (mut refusals, pace) = (Refusals::default(), cluster.pace());
    let back = cluster.until_callback(At::A, &mut tab);
    let cookies = session_cookies(&tab);

    cluster.networks(FaultProxy::cut);
    refusals.expect(|| tab.step(&back));

    assert_eq!(session_cookies(&tab), cookies);
    cluster.networks(FaultProxy::heal);
    cluster.recovers(RECOVERED_WITHIN, &mut cluster.tab(), pace);
    let tried_again = tab.step(&back);
    assert_eq!(tab.follow(tried_again).is(200).url.path(), "/account");
    let told = cluster.whoami(At::B, &mut tab);
    assert_eq!((told.standing(), told.attribute("basket")), ("logged-on", json!(["kept"])));
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

/// Answers that say "not now", and how long they took.
#[derive(Default)]
pub(super) struct Refusals(Vec<Duration>);

impl Refusals {
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
        self.expect_unsaved_within(REFUSED_WITHIN, cluster, at, tab, patch)
    }

    #[track_caller]
    fn expect_unsaved_within(
        &mut self,
        limit: Duration,
        cluster: &Cluster,
        at: At,
        tab: &mut Tab,
        patch: &str,
    ) -> Reply {
        let mut path = String::new();
        let ask = || {
            let (asked, reply) = cluster.try_patch(at, tab, patch);
            path = asked;
            reply
        };
        let reply = self.within(limit, ask).is(503).sets_nothing();
        let had_it = cluster.app.calls(&path) > 0;
        assert_eq!(reply.fields.has("retry-after"), !had_it, "{reply:?}");
        reply
    }

    /// One that comes in time.
    #[track_caller]
    pub(super) fn time(&mut self, ask: impl FnOnce() -> Reply) -> Reply {
        self.within(REFUSED_WITHIN, ask)
    }

    #[track_caller]
    fn within(&mut self, limit: Duration, ask: impl FnOnce() -> Reply) -> Reply {
        let patience = Patience::new(limit);
        let reply = ask();
        assert!(!patience.left().is_zero(), "after {:?}: {reply:?}", patience.waited());
        self.0.push(patience.waited());
        reply
    }
}

impl fmt::Display for Refusals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut sorted = self.0.clone();
        sorted.sort();
        let at = |share: usize| sorted.get(sorted.len() * share / 100).copied().unwrap_or_default();
        let last = sorted.last().copied().unwrap_or_default();
        write!(f, "{} refusals, median {:?}, longest {last:?}", sorted.len(), at(50))
    }
}
