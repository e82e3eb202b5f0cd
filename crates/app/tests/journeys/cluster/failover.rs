//! The server that takes writes is lost, or hands over, and another takes its place: an outage that ends without us, and
//! nothing that was acknowledged before is undone by it.

use std::time::Duration;

use serde_json::json;
use vestibule_testkit::patience::Patience;

use super::nodes::{At, Cluster, EVERYWHERE};
use super::outage::{PAST_LEASE, goes_on};
use super::refusals::Refusals;
use super::set::Set;
use super::store::{Kind, on_every_store};

/// A set has another that takes writes by then, and the others follow it.
const SWITCHED_WITHIN: Duration = Duration::from_secs(30);

/// A copy serves at least so long without the store.
const STALE: Duration = Duration::from_secs(9);

on_every_store! {
    between_a_primary_that_is_lost_and_the_next_nobody_is_logged_out_and_nobody_comes_back,
    a_switch_to_another_primary_is_followed_while_visitors_go_on,
}

fn between_a_primary_that_is_lost_and_the_next_nobody_is_logged_out_and_nobody_comes_back(kind: Kind) {
    let mut set = Set::start(kind);
    let cluster = Cluster::open(&set.place());
    let mut gone = cluster.logged_on(At::A);
    cluster.be_known(&mut gone);
    // A browser that has not noticed: its requests still carry the cookies from before.
    let mut late = gone.browser.copy().tab();

    goes_on(&cluster, kind, || {
        // The last thing that the lost server has acknowledged.
        cluster.log_out(At::A, &mut gone, "this").is(303);
        set.lose();
        || set.succeed()
    });

    for at in EVERYWHERE {
        assert_eq!(cluster.whoami(at, &mut late).standing(), "anonymous", "at {at:?}");
    }
}

/// Redis that shares sessions out among several masters: without one of them none serves, and where the log-out was is only
/// a replica.
#[test]
fn between_a_master_of_a_redis_cluster_that_is_lost_and_the_next_nobody_is_logged_out_and_nobody_comes_back()
{
    let mut set = Set::redis_cluster();
    let cluster = Cluster::open(&set.place());
    let mut gone = cluster.logged_on(At::A);
    cluster.be_known(&mut gone);
    let handle = cluster.whoami(At::A, &mut gone).context("session").expect("a session").to_owned();
    let mut late = gone.browser.copy().tab();

    goes_on(&cluster, Kind::Redis, || {
        cluster.log_out(At::A, &mut gone, "this").is(303);
        set.lose_master_of(&handle);
        || set.succeed()
    });

    for at in EVERYWHERE {
        assert_eq!(cluster.whoami(at, &mut late).standing(), "anonymous", "at {at:?}");
    }
}

fn a_switch_to_another_primary_is_followed_while_visitors_go_on(kind: Kind) {
    let mut set = Set::start(kind);
    let cluster = Cluster::open(&set.place());
    let (mut tab, mut unknown) = (cluster.logged_on(At::A), cluster.logged_on(At::A));
    let mut gone = cluster.logged_on(At::A);
    cluster.patch(At::A, &mut tab, r#"{"basket":["kept"]}"#).is(200);
    cluster.be_known(&mut gone);
    let mut late = gone.browser.copy().tab();
    cluster.be_known(&mut tab);
    // The cookie that names the writer of a patch has the store asked, as long as it lasts.
    cluster.advance(PAST_LEASE);
    cluster.be_known(&mut tab);
    let mut answers = Refusals::of(&cluster);

    cluster.log_out(At::A, &mut gone, "this").is(303);
    set.switch();

    let switched = Patience::new(SWITCHED_WITHIN);
    let mut saved = false;
    while !(saved && set.has_switched()) {
        assert!(!switched.left().is_zero(), "{kind:?} does not save again: {answers}");
        for at in EVERYWHERE {
            let known = answers.time(|| cluster.look(at, &mut tab).1).sets_nothing();
            assert!(known.status == 200 || switched.waited() > STALE, "{known:?}");
            let other = answers.time(|| cluster.look(at, &mut unknown).1).sets_nothing();
            assert!(
                other.status == 200 || other.status == 503 && other.fields.has("retry-after"),
                "{other:?}"
            );
        }
        saved = EVERYWHERE.into_iter().all(|at| {
            let basket = r#"{"basket":["new"]}"#;
            answers.time(|| cluster.patch(at, &mut cluster.tab(), basket)).status == 200
        });
    }

    println!("{kind:?}: {answers}; saved again {:?} after the switch", switched.waited());
    for at in EVERYWHERE {
        let told = cluster.whoami(at, &mut tab);
        assert_eq!((told.standing(), told.attributes()), ("logged-on", json!({"basket": ["kept"]})));
        assert_eq!(cluster.whoami(at, &mut unknown).standing(), "logged-on");
        assert_eq!(cluster.whoami(at, &mut late).standing(), "anonymous", "at {at:?}");
    }
    cluster.log_out(At::B, &mut tab, "this").is(303);
    assert_eq!(cluster.whoami(At::A, &mut tab).standing(), "anonymous");
}
