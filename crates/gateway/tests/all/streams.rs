//! Calls that stream: what lets them in ends, and they end with it, at both doors and before a quarter of a second.

use std::time::Duration;

use vestibule_gateway::Door;
use vestibule_testkit::client::Raw;
use vestibule_testkit::patience::{PATIENCE, Patience};
use vestibule_testkit::strict::Fault;
use vestibule_testkit::upstream::Step;

use super::gate::{ACCESS, Gate, HOUR, JPT, request};
use super::issuer::Mood;

/// By when a stream has ended after an end that was acknowledged.
const BOUND: Duration = Duration::from_millis(250);
const BEGUN: &str = "HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\nx";

/// A call whose answer comes byte by byte, for seconds; its first byte is there.
fn stream(gate: &Gate, door: Door, token: &str) -> Raw {
    let drops = Step::Trickle(vec![b'x'; 1000], Duration::from_millis(5));
    gate.upstream.on("/echo", [Step::send(BEGUN), drops]);
    let mut client = Raw::connect(gate.address(door));
    client.send(request("GET", "/echo", &[&format!("Authorization: Bearer {token}")]));
    assert_eq!(client.head().status, 200);
    assert_eq!(client.bytes(1).unwrap(), b"x");
    client
}

/// It ends within the bound, and not as if it were whole.
#[track_caller]
fn is_cut(client: &mut Raw) {
    let patience = Patience::new(PATIENCE);
    let (rest, end) = client.until_end(PATIENCE);
    let took = patience.waited();
    assert!(end == Fault::Reset && rest.iter().all(|byte| *byte == b'x'), "{end:?} {rest:?}");
    assert!(took < BOUND, "{took:?}");
}

#[test]
fn c08_an_end_cuts_the_calls_that_stream_at_both_doors() {
    let gate = Gate::start();
    gate.admit(Door::Outside, "other", "echo:read", HOUR);
    let mut other = stream(&gate, Door::Outside, "other");
    for (door, token) in [(Door::Outside, ACCESS), (Door::Inside, JPT)] {
        let mut streams = [(); 3].map(|()| stream(&gate, door, token));
        gate.end(door, token);
        for client in &mut streams {
            is_cut(client);
        }
    }
    // The others' go on.
    assert_eq!(other.bytes(20).unwrap(), [b'x'; 20]);
    drop(other);
    let log = gate.stop();
    assert_eq!(log.matches(r#""cut":"An administrator ended the session.""#).count(), 6, "{log}");
}

#[test]
fn a_body_that_is_still_being_sent_is_refused_at_the_end_of_its_token() {
    let gate = Gate::start();
    let mut client = Raw::connect(gate.address(Door::Outside));
    let fields = [&*format!("Authorization: Bearer {ACCESS}"), "Content-Length: 1000"];
    client.send(request("PUT", "/echo", &fields) + "begun");
    gate.upstream.wait_until("the head", |seen| !seen.heads.is_empty());
    gate.end(Door::Outside, ACCESS);
    let response = client.response();
    assert!(response.status == 401 && response.says_close(), "{response:?}");
    assert!(gate.upstream.take().requests.is_empty());
}

#[test]
fn a_provider_that_cannot_be_asked_cuts_nothing_at_once() {
    let gate = Gate::start();
    let mut client = stream(&gate, Door::Outside, ACCESS);
    gate.desk.set_mood(Mood::Unreachable);
    gate.clock.advance(vestibule_feed::LEASE);
    // Two rounds at least.
    assert_eq!(client.bytes(200).unwrap(), [b'x'; 200]);
    gate.clock.advance(Duration::from_secs(11));
    let (rest, end) = client.until_end(PATIENCE);
    assert!(end == Fault::Reset && rest.len() < 800, "{end:?} after {}", rest.len());
    drop(client);
    assert!(gate.stop().contains(r#""cut":"it could not be found out whether"#));
}
