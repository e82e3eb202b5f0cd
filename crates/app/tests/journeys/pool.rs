//! Idle connections to upstreams: how many a process keeps, for how long, and what may be sent on one that has been idle.

use std::time::Duration;

use vestibule_testkit::client::Raw;
use vestibule_testkit::patience::{PATIENCE, Patience};
use vestibule_testkit::upstream::Step;

use super::front::{Front, HOST, Shape};

/// Where one request follows another, they meet on one core.
const ONE_CORE: &str = "[runtime]\ncores = 1";
const TWO_CORES: &str = "[runtime]\ncores = 2";
/// No story here takes this long.
const FOR_LONG: &str = "app_idle_ms = 600_000";

fn front(cores: &str, limits: &str) -> Front {
    Front::with(&Shape { limits, sites: cores, ..Shape::default() })
}

fn ask(front: &Front, method: &str, target: &str) -> Raw {
    let mut client = Raw::connect(front.proxy);
    let length = if method == "GET" { "" } else { "Content-Length: 0\r\n" };
    client.send(format!("{method} {target} HTTP/1.1\r\nHost: {HOST}\r\n{length}\r\n"));
    client
}

/// So many requests that are all under way before the first is answered.
#[track_caller]
fn at_once(front: &Front, count: usize, name: &'static str) {
    let target = format!("/{name}");
    front.upstream.on(&target, [Step::Hold(name), Step::Echo]);
    let clients: Vec<_> = (0..count).map(|_| ask(front, "GET", &target)).collect();
    front
        .upstream
        .wait_until(name, |seen| seen.heads.iter().filter(|head| head.target == target).count() == count);
    front.upstream.release(name);
    for mut client in clients {
        assert_eq!(client.response().status, 200);
    }
}

/// Connections that the upstream has taken, and those of them that are open.
fn connections(front: &Front) -> (usize, usize) {
    let all = front.upstream.seen().connections;
    (all.len(), all.iter().filter(|connection| !connection.ended).count())
}

#[track_caller]
fn stay_open(front: &Front, count: usize) {
    front.upstream.wait_until(&format!("{count} connections that stay"), |seen| {
        seen.connections.iter().filter(|connection| !connection.ended).count() == count
    });
}

#[test]
fn a_core_keeps_so_many_to_one_app() {
    for (limit, kept) in [(0, 0), (2, 2), (64, 5)] {
        let front = front(ONE_CORE, &format!("{FOR_LONG}\napp_idle_max = {limit}"));
        at_once(&front, 5, "burst");
        stay_open(&front, kept);
        assert_eq!(ask(&front, "GET", "/next").response().status, 200);
        // One that is kept carries the next request.
        assert_eq!(connections(&front).0, 5 + usize::from(kept == 0), "{limit}");
        stay_open(&front, kept);
    }
}

#[test]
fn all_cores_together_keep_so_many_and_every_place_is_free_again() {
    let front = front(TWO_CORES, &format!("{FOR_LONG}\napp_idle_total_max = 3"));
    for name in ["first", "second", "third", "fourth"] {
        at_once(&front, 8, name);
        stay_open(&front, 3);
        // However they end, by a request that takes one or by the upstream, others may be kept.
        front.upstream.drop_connections();
    }
    let none = self::front(TWO_CORES, "app_idle_total_max = 0");
    at_once(&none, 4, "none");
    stay_open(&none, 0);
}

#[test]
fn one_that_is_idle_for_too_long_is_closed() {
    let (short, long) = (front(ONE_CORE, "app_idle_ms = 500"), front(ONE_CORE, FOR_LONG));
    for front in [&long, &short] {
        assert_eq!(ask(front, "GET", "/").response().status, 200);
    }
    let waited = Patience::new(PATIENCE);
    stay_open(&short, 0);
    let waited = waited.waited();
    assert!(waited >= Duration::from_millis(300) && waited < Duration::from_secs(3), "{waited:?}");
    assert_eq!(connections(&long), (1, 1));
}

#[test]
fn what_must_not_be_sent_twice_goes_on_a_connection_that_was_idle_for_a_moment_only() {
    for (unsafe_ms, opened) in [(0, 2), (600_000, 1)] {
        let front = front(ONE_CORE, &format!("{FOR_LONG}\napp_unsafe_idle_ms = {unsafe_ms}"));
        for method in ["GET", "GET"] {
            assert_eq!(ask(&front, method, "/").response().status, 200);
        }
        assert_eq!(connections(&front), (1, 1), "a GET may go again");
        for (method, number) in [("POST", opened), ("PATCH", 2 * opened - 1)] {
            assert_eq!(ask(&front, method, "/").response().status, 200);
            // Nor is the one closed that it did not take.
            assert_eq!(connections(&front), (number, number), "{method} {unsafe_ms}");
        }
        assert_eq!(ask(&front, "DELETE", "/").response().status, 200);
        assert_eq!(connections(&front).0, 2 * opened - 1, "a DELETE may go again too");
    }
}

#[test]
fn what_must_not_be_sent_twice_is_not_lost_to_a_dead_connection() {
    let front = front(ONE_CORE, &format!("{FOR_LONG}\napp_unsafe_idle_ms = 0"));
    for round in 0..20 {
        assert_eq!(ask(&front, "GET", "/warm").response().status, 200);
        front.upstream.drop_connections();
        let target = format!("/once-{round}");
        assert_eq!(ask(&front, "POST", &target).response().status, 200, "{round}");
        assert_eq!(front.upstream.take().of_target(&target).len(), 1, "{round}");
    }
}
