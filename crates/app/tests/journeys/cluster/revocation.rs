//! An end that one node has acknowledged is true at every node and at every gateway a quarter of a second later.

use vestibule_ports::authority::Authority as _;
use vestibule_ports::issuer::End;
use vestibule_testkit::patience::Patience;

use super::super::visitor::browser::Tab;
use super::super::visitor::form::Form;
use super::super::visitor::house::{ALICE, FEED_BOUND, PASSWORD};
use super::nodes::{At, Cluster, login};
use super::store::{Kind, on_every_store};

const NEW: &str = "another battery of horses";

/// The password of another user.
const BOB: &str = "a battery of another horse";

/// Browsers in which a user may be logged in.
const BROWSERS_MAX: usize = 20;

on_every_store! {
    a_log_out_on_one_node_is_true_on_every_other,
    a_log_out_everywhere_ends_every_browser_on_every_node,
    a_changed_password_ends_every_browser_on_every_node,
    a_disabled_user_is_out_on_every_node,
    an_administrators_revoke_is_true_on_every_node,
    the_oldest_of_too_many_browsers_is_out_on_every_node,
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
        cluster.administer(async |idp| idp.revoke(End::User(alice), "test").await).expect("an end");
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
