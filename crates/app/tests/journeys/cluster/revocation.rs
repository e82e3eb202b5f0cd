//! An end that one node has acknowledged is true at every node and at every gateway a quarter of a second later.

use std::sync::Barrier;
use std::thread;

use vestibule_ports::authority::Authority as _;
use vestibule_ports::issuer::End;
use vestibule_testkit::patience::{PATIENCE, Patience};

use super::super::visitor::browser::Tab;
use super::super::visitor::form::Form;
use super::super::visitor::house::{ALICE, FEED_BOUND, PASSWORD, eventually};
use super::nodes::{At, Cluster, EVERYWHERE, login, shop};
use super::store::{Kind, on_every_store};

const NEW: &str = "another battery of horses";

/// The password of another user.
const BOB: &str = "a battery of another horse";

/// Browsers in which a user may be logged in, and log-ons that he may have in them: a setting of the log-in.
const BROWSERS_MAX: usize = 20;

on_every_store! {
    a_log_out_on_one_node_is_true_on_every_other,
    a_log_out_everywhere_ends_every_browser_on_every_node,
    a_changed_password_ends_every_browser_on_every_node,
    a_disabled_user_is_out_on_every_node,
    an_administrators_revoke_is_true_on_every_node,
    the_oldest_of_too_many_browsers_is_out_on_every_node,
    of_sixty_four_log_ons_at_once_as_many_stay_as_the_cap_allows,
}

fn a_log_out_on_one_node_is_true_on_every_other(kind: Kind) {
    let cluster = Cluster::open(&kind.place());
    for at in [At::A, At::B] {
        let (mut tab, mut bystander) = (cluster.logged_on(at), cluster.logged_on(at));
        let tokens = cluster.be_known(&mut tab);
        cluster.be_known(&mut bystander);
        // A browser that has not noticed: its requests still carry the cookies from before.
        let mut late = tab.browser.copy().tab();

        assert_eq!(cluster.log_out(at, &mut tab, "this").is(303).sets(), ["-vst", "-vst-keep"]);

        cluster.is_over(&mut late, &tokens, Patience::new(FEED_BOUND));
        for at in [At::A, At::B] {
            assert_eq!(cluster.whoami(at, &mut late).standing(), "anonymous");
        }
        cluster.be_known(&mut bystander);
    }
}

fn a_log_out_everywhere_ends_every_browser_on_every_node(kind: Kind) {
    let cluster = Cluster::open(&kind.place());
    let (mut tab, mut elsewhere) = (cluster.logged_on(At::A), cluster.logged_on(At::B));
    cluster.be_known(&mut tab);
    let tokens = cluster.be_known(&mut elsewhere);

    cluster.log_out(At::A, &mut tab, "everywhere").is(303);

    cluster.is_over(&mut elsewhere, &tokens, Patience::new(FEED_BOUND));
}

fn a_changed_password_ends_every_browser_on_every_node(kind: Kind) {
    ended_by(kind, |_, tab| {
        let page = tab.open(&login("/password")).is(200);
        let filled =
            [("username", ALICE), ("password", PASSWORD), ("new_password", NEW), ("repeat_password", NEW)];
        Form::of(&page).submit(tab, &filled).is(200);
    });
}

fn a_disabled_user_is_out_on_every_node(kind: Kind) {
    ended_by(kind, |cluster, _| {
        let alice = cluster.alice();
        cluster
            .administer(async |idp| idp.set_disabled(&alice, true, "test").await)
            .expect("a disabled user");
    });
}

fn an_administrators_revoke_is_true_on_every_node(kind: Kind) {
    ended_by(kind, |cluster, _| {
        let alice = cluster.alice();
        cluster
            .administer(async |idp| idp.revoke(End::User { id: alice, by: None }, "test").await)
            .expect("an end");
    });
}

fn the_oldest_of_too_many_browsers_is_out_on_every_node(kind: Kind) {
    let cluster = Cluster::open(&kind.place());
    let mut oldest = cluster.logged_on(At::A);
    let mut others: Vec<Tab> = (1..BROWSERS_MAX).map(|_| cluster.logged_on(At::B)).collect();
    let tokens = cluster.be_known(&mut oldest);

    let mut newest = cluster.logged_on(At::B);

    cluster.is_over(&mut oldest, &tokens, Patience::new(FEED_BOUND));
    for tab in others.iter_mut().take(1).chain([&mut newest]) {
        cluster.be_known(tab);
    }
}

/// All of one log-in, half of them through each node. Those that are too many are told so on their way back, or find it out
/// with their next page.
fn of_sixty_four_log_ons_at_once_as_many_stay_as_the_cap_allows(kind: Kind) {
    let cluster = Cluster::open(&kind.place());
    let mut first = cluster.tab();
    cluster.until_callback(At::A, &mut first);
    let mut tabs: Vec<_> = (0..64).map(|_| first.browser.copy().tab()).collect();
    let all_are_ready = Barrier::new(tabs.len());
    thread::scope(|scope| {
        for (tab, at) in tabs.iter_mut().zip(EVERYWHERE.into_iter().cycle()) {
            cluster.turn(tab, at);
            scope.spawn(|| {
                all_are_ready.wait();
                let asked = tab.open(&shop("/account"));
                tab.follow(asked);
            });
        }
    });
    for at in EVERYWHERE {
        eventually(PATIENCE, "as many log-ons as the cap allows", || {
            let stays = |tab: &mut Tab| cluster.whoami(at, tab).standing() == "logged-on";
            tabs.iter_mut().map(stays).filter(|stays| *stays).count() == BROWSERS_MAX
        });
    }
}

/// Ends alice's log-ons while bob is logged on too.
fn ended_by(kind: Kind, end: impl Fn(&Cluster, &mut Tab)) {
    let cluster = Cluster::open(&kind.place());
    cluster.add_user("bob", BOB);
    let (mut tab, mut elsewhere, mut bob) =
        (cluster.logged_on(At::A), cluster.logged_on(At::B), cluster.logged_on_as(At::A, "bob", BOB));
    cluster.be_known(&mut bob);
    let tokens = [cluster.be_known(&mut tab), cluster.be_known(&mut elsewhere)].concat();

    end(&cluster, &mut tab);

    let acknowledged = Patience::new(FEED_BOUND);
    cluster.is_over(&mut tab, &tokens, acknowledged);
    cluster.is_over(&mut elsewhere, &Vec::new(), acknowledged);
    cluster.be_known(&mut bob);
}
