//! What goes wrong inside a server and no network shows: it takes no writes, has no connection left, has no room, steps
//! down, or was killed and is started again. Each story has a server to itself.

use std::time::Duration;

use serde_json::json;
use vestibule_testkit::patience::Patience;

use super::super::visitor::house::eventually;
use super::nodes::{At, Cluster, EVERYWHERE};
use super::outage::{PAST_LEASE, RECOVERED_WITHIN, cannot_change, goes_on, nobodys_pages_go_on};
use super::own_server::{OwnServer, Trouble};
use super::refusals::Refusals;
use super::store::{Kind, on_every_store};

/// How long an end may stay unnoticed at a node whose channel was lost: a lease.
const LEASE_BOUND: Duration = Duration::from_millis(1_500);

on_every_store! {
    a_server_that_was_killed_and_started_again_has_lost_nobody_and_tells_ends_again,
}

/// It may be the standby of another primary by now, so that what it says may be old: it is not asked at all.
#[test]
fn a_postgres_that_takes_no_writes_is_no_log_out() {
    nothing_goes(Kind::Postgres, Trouble::ReadOnly);
}

#[test]
fn a_postgres_without_a_free_connection_is_no_log_out() {
    nothing_goes(Kind::Postgres, Trouble::Crowded);
}

#[test]
fn a_postgres_whose_disk_is_full_is_no_log_out() {
    reads_go_on(Kind::Postgres, Trouble::DiskFull);
}

/// It ends itself.
#[test]
fn a_postgres_without_room_for_its_log_is_no_log_out() {
    nothing_goes(Kind::Postgres, Trouble::LogFull);
}

#[test]
fn a_postgres_that_lets_our_account_look_only_is_no_log_out() {
    reads_go_on(Kind::Postgres, Trouble::LookOnly);
}

/// Neither is a replica, as soon as it is known to be one.
#[test]
fn a_redis_that_takes_no_writes_is_no_log_out() {
    nothing_goes(Kind::Redis, Trouble::ReadOnly);
}

#[test]
fn a_redis_without_memory_left_is_no_log_out() {
    reads_go_on(Kind::Redis, Trouble::MemoryFull);
}

/// With `appendfsync always` it ends itself.
#[test]
fn a_redis_without_room_for_its_log_is_no_log_out() {
    nothing_goes(Kind::Redis, Trouble::LogFull);
}

/// With `everysec` it takes no writes until its file takes what it has.
#[test]
fn a_redis_whose_disk_is_full_is_no_log_out() {
    reads_go_on(Kind::Redis, Trouble::DiskFull);
}

#[test]
fn a_redis_that_lets_our_user_look_only_is_no_log_out() {
    reads_go_on(Kind::Redis, Trouble::LookOnly);
}

#[test]
fn a_redis_without_a_free_connection_is_no_log_out() {
    nothing_goes(Kind::Redis, Trouble::Crowded);
}

#[test]
fn a_mongo_without_a_primary_is_no_log_out() {
    nothing_goes(Kind::Mongo, Trouble::Leaderless);
}

#[test]
fn a_mongo_without_a_free_connection_is_no_log_out() {
    nothing_goes(Kind::Mongo, Trouble::Crowded);
}

/// Its journal comes first, and without that it ends itself.
#[test]
fn a_mongo_whose_disk_is_full_is_no_log_out() {
    nothing_goes(Kind::Mongo, Trouble::LogFull);
}

#[test]
fn a_mongo_that_lets_our_user_look_only_is_no_log_out() {
    reads_go_on(Kind::Mongo, Trouble::LookOnly);
}

/// To the nodes it is as if the store were not there.
fn nothing_goes(kind: Kind, trouble: Trouble) {
    let mut server = OwnServer::to_suffer(kind, trouble);
    let place = server.place();
    let cluster = Cluster::open(&place);
    goes_on(&cluster, kind, || server.suffer(trouble, &place, &cluster));
}

/// Everybody is still known, cached or not, and nothing can be changed.
fn reads_go_on(kind: Kind, trouble: Trouble) {
    let mut server = OwnServer::to_suffer(kind, trouble);
    let place = server.place();
    let cluster = Cluster::open(&place);
    let (mut tab, mut unknown) = (cluster.logged_on(At::A), cluster.logged_on(At::A));
    cluster.keep(At::A, &mut tab, r#"{"basket":["kept"]}"#);
    cluster.be_known(&mut tab);
    let (mut refusals, pace) = (Refusals::of(&cluster), cluster.pace());

    let mend = server.suffer(trouble, &place, &cluster);
    cluster.advance(PAST_LEASE);

    for at in EVERYWHERE {
        // Some connections may have to be made anew.
        eventually(RECOVERED_WITHIN, "somebody who was not cached", || cluster.is_whole(at, &mut unknown));
        eventually(RECOVERED_WITHIN, "somebody who was", || cluster.is_whole(at, &mut tab));
        assert_eq!(cluster.whoami(at, &mut unknown).standing(), "logged-on");
        cannot_change(&cluster, at, &mut tab, &mut refusals);
        assert_eq!(cluster.whoami(at, &mut tab).standing(), "logged-on");
    }
    nobodys_pages_go_on(&cluster, &mut refusals);

    mend();
    let took = cluster.recovers(RECOVERED_WITHIN, &mut tab, pace);

    let refused = refusals.were_in_time();
    println!("{kind:?}, {trouble:?}: {refused}; everything worked again {took:?} after the end of it");
    let told = cluster.whoami(At::B, &mut tab);
    assert_eq!((told.standing(), told.attributes()), ("logged-on", json!({"basket": ["kept"]})));
    cluster.log_out(At::B, &mut tab, "this").is(303);
    assert_eq!(cluster.whoami(At::A, &mut tab).standing(), "anonymous");
}

fn a_server_that_was_killed_and_started_again_has_lost_nobody_and_tells_ends_again(kind: Kind) {
    let mut server = OwnServer::start(kind);
    let cluster = Cluster::open(&server.place());
    let (mut tab, mut bystander) = (cluster.logged_on(At::A), cluster.logged_on(At::A));
    cluster.keep(At::A, &mut tab, r#"{"basket":["kept"]}"#);
    let tokens = cluster.be_known(&mut tab);
    cluster.advance(PAST_LEASE);
    cluster.is_cached(&mut tab);
    let mut gone = cluster.logged_on(At::A);
    cluster.be_known(&mut gone);
    let mut ended = gone.browser.copy().tab();
    let pace = cluster.pace();

    // The last thing that it has acknowledged.
    cluster.log_out(At::A, &mut gone, "this").is(303);
    server.kill();
    cluster.advance(PAST_LEASE);
    let (path, page) = cluster.look(At::B, &mut tab);
    page.is(200).sets_nothing();
    assert_eq!(cluster.app.told(&path).context("degraded"), Some("1"));
    server.restart();
    let took = cluster.recovers(RECOVERED_WITHIN, &mut tab, pace);

    println!("{kind:?}: everything worked again {took:?} after the restart");
    for at in EVERYWHERE {
        let told = cluster.whoami(at, &mut tab);
        assert_eq!((told.standing(), told.attributes()), ("logged-on", json!({"basket": ["kept"]})));
    }
    for at in EVERYWHERE {
        assert_eq!(cluster.whoami(at, &mut ended).standing(), "anonymous", "at {at:?}");
    }
    let mut late = tab.browser.copy().tab();
    cluster.log_out(At::A, &mut tab, "this").is(303);
    cluster.is_over(&mut late, &tokens, Patience::new(LEASE_BOUND));
    cluster.be_known(&mut bystander);
}
