//! The end of a process: not ready first, then no new connections, then none; whoever was being served is served.

use std::sync::mpsc::channel;
use std::time::Duration;

use vestibule_testkit::client::{Raw, get};
use vestibule_testkit::patience::{PATIENCE, Patience};
use vestibule_testkit::strict::Fault;
use vestibule_testkit::upstream::Step;

use super::front::{Front, HOST, Shape};

fn request(nonce: &str) -> String {
    format!("GET /{nonce} HTTP/1.1\r\nHost: {HOST}\r\nX-Nonce: {nonce}\r\n\r\n")
}

#[test]
fn a_drain_loses_no_request() {
    let front = Front::with(&Shape { drain: "delay_ms = 600\nlimit_ms = 3000", ..Shape::default() });
    let Front { proxy, metrics, upstream, running } = front;
    upstream.on("/inflight", [Step::ReadBody, Step::Hold("finish"), Step::Echo]);
    assert_eq!(get(metrics, HOST, "/readyz", &[]).status, 200);
    let mut kept = Raw::connect(proxy);
    kept.send(request("kept"));
    assert!(!kept.response().says_close());
    let mut inflight = Raw::connect(proxy);
    inflight.send(request("inflight"));
    upstream.wait_until("the request that is under way", |seen| {
        seen.heads.iter().any(|head| head.target == "/inflight")
    });

    let (_calm, hurry) = channel();
    let draining = std::thread::spawn(move || running.drain(&hurry));
    // E17: told before anything is closed, while liveness stays.
    let waited = Patience::new(PATIENCE);
    while get(metrics, HOST, "/readyz", &[]).status != 503 {
        assert!(!waited.left().is_zero(), "still ready");
    }
    assert_eq!(get(metrics, HOST, "/healthz", &[]).status, 200);
    // New connections are still taken; every answer says that it was the last.
    let mut late = Raw::connect(proxy);
    late.send(request("late"));
    let response = late.response();
    assert!(response.text() == "late" && response.says_close());
    late.expect_close_within(Duration::from_secs(1));
    kept.send(request("kept"));
    let response = kept.response();
    assert!(response.text() == "kept" && response.says_close());
    kept.expect_close_within(Duration::from_secs(1));
    // The listener goes, the request under way stays.
    let waited = Patience::new(PATIENCE);
    while Raw::try_connect(proxy, Duration::from_millis(200)).is_ok() {
        assert!(!waited.left().is_zero(), "still listening");
    }
    upstream.release("finish");
    let response = inflight.response();
    assert!(response.text() == "inflight" && response.says_close());
    drop(inflight);
    assert_eq!(draining.join().unwrap().cut, 0);
}

#[test]
fn who_waits_to_be_let_in_as_the_listener_closes_is_served() {
    let front = Front::with(&Shape {
        limits: "connections_max = 1",
        drain: "delay_ms = 0\nlimit_ms = 4000",
        ..Shape::default()
    });
    let Front { proxy, upstream, running, .. } = front;
    upstream.on("/inflight", [Step::ReadBody, Step::Hold("finish"), Step::Echo]);
    let mut inflight = Raw::connect(proxy);
    inflight.send(request("inflight"));
    upstream.wait_until("the request that is under way", |seen| !seen.heads.is_empty());
    // There is no room for these: the kernel has taken them, and nobody else has.
    let mut waiting: Vec<Raw> = (0..20).map(|_| Raw::connect(proxy)).collect();
    for (n, client) in waiting.iter_mut().enumerate() {
        client.send(request(&format!("waiting-{n}")));
    }
    let (_calm, hurry) = channel();
    let draining = std::thread::spawn(move || running.drain(&hurry));
    for (n, client) in waiting.iter_mut().enumerate() {
        let response = client.response();
        assert!(response.text() == format!("waiting-{n}") && response.says_close(), "{response:?}");
    }
    drop(waiting);
    upstream.release("finish");
    assert_eq!(inflight.response().text(), "inflight");
    drop(inflight);
    assert_eq!(draining.join().unwrap().cut, 0);
}

#[test]
fn what_does_not_end_is_cut_at_the_limit() {
    let front = Front::with(&Shape { drain: "delay_ms = 0\nlimit_ms = 300", ..Shape::default() });
    let Front { proxy, upstream, running, .. } = front;
    upstream.on("/hung", [Step::ReadBody, Step::Hang]);
    let mut hung = Raw::connect(proxy);
    hung.send(request("hung"));
    upstream.wait_until("the request that hangs", |seen| !seen.heads.is_empty());
    let waited = Patience::new(PATIENCE);
    let (_calm, hurry) = channel();
    let drained = running.drain(&hurry);
    assert_eq!(drained.cut, 1);
    assert!(waited.waited() >= Duration::from_millis(300) && waited.waited() < Duration::from_secs(2));
    let (said, end) = hung.until_end(Duration::from_secs(1));
    assert!(said.is_empty() && matches!(end, Fault::Closed | Fault::Reset), "{end:?}");
}

#[test]
fn a_second_word_cuts_at_once() {
    let front = Front::with(&Shape { drain: "delay_ms = 60000\nlimit_ms = 60000", ..Shape::default() });
    let Front { proxy, upstream, running, .. } = front;
    upstream.on("/hung", [Step::ReadBody, Step::Hang]);
    let mut hung = Raw::connect(proxy);
    hung.send(request("hung"));
    upstream.wait_until("the request that hangs", |seen| !seen.heads.is_empty());
    let waited = Patience::new(PATIENCE);
    let (again, hurry) = channel();
    let draining = std::thread::spawn(move || running.drain(&hurry));
    again.send(()).unwrap();
    draining.join().unwrap();
    assert!(waited.waited() < Duration::from_secs(2), "{:?}", waited.waited());
    assert!(matches!(hung.until_end(Duration::from_secs(1)).1, Fault::Closed | Fault::Reset));
}

#[test]
fn idle_connections_do_not_hold_a_drain_up() {
    let front = Front::with(&Shape {
        limits: "idle_timeout_ms = 500",
        drain: "delay_ms = 0\nlimit_ms = 5000",
        ..Shape::default()
    });
    let Front { proxy, running, .. } = front;
    let mut idle = Raw::connect(proxy);
    idle.send(request("idle"));
    assert_eq!(idle.response().status, 200);
    let waited = Patience::new(PATIENCE);
    let (_calm, hurry) = channel();
    assert_eq!(running.drain(&hurry).cut, 0);
    assert!(waited.waited() < Duration::from_secs(3), "{:?}", waited.waited());
    assert_eq!(idle.until_end(Duration::from_secs(1)).1, Fault::Closed);
}
