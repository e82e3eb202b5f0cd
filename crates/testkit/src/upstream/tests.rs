//! The tools test each other: the raw client against the recording upstream, nothing in between.

use std::time::Duration;

use super::{Step, Upstream, answer};
use crate::client::{Raw, get};
use crate::port::Port;
use crate::strict::Fault;

#[test]
fn echoes_the_nonce_and_keeps_every_byte() {
    let upstream = Upstream::start();
    let mut client = Raw::connect(upstream.address());
    let bytes = "POST /a HTTP/1.1\r\nHost: a\r\nX-Nonce: n1\r\nContent-Length: 2\r\n\r\nhi";
    client.send(bytes);
    let response = client.response();
    assert_eq!((response.status, response.text().as_str()), (200, "n1"));
    assert!(client.try_dribble(b"GET /b HTTP/1.1\r\nHost: a\r\nX-Nonce: n2\r\n\r\n").is_ok());
    assert_eq!(client.response().text(), "n2");
    let seen = upstream.take();
    assert_eq!(seen.connections.len(), 1);
    assert!(seen.raw().starts_with(bytes.as_bytes()));
    assert_eq!(seen.of_target("/a")[0].body, b"hi");
    assert!(upstream.take().raw().is_empty());
}

#[test]
fn faults_are_recorded_and_end_the_connection() {
    let upstream = Upstream::start();
    let mut client = Raw::connect(upstream.address());
    client.send("GET / HTTP/1.1\r\nHost: a\nX: y\r\n\r\n");
    client.expect_close_within(Duration::from_secs(1));
    upstream.wait_until("the end", |seen| seen.connections.iter().all(|c| c.ended));
    assert_eq!(upstream.seen().faults().len(), 1);
}

#[test]
fn plays_its_scripts() {
    let upstream = Upstream::start();
    upstream.on("/held", [Step::Hold("go"), Step::ReadBody, Step::Echo]);
    upstream.on("/cut", [Step::send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab"), Step::Close]);
    upstream.on("/reset", [Step::Reset]);
    upstream.on("/early", [Step::Send(answer(403, &["X-A: b"], "no")), Step::ReadBody]);
    let mut client = Raw::connect(upstream.address());
    client.send("GET /held HTTP/1.1\r\nHost: a\r\n\r\n");
    assert!(client.is_quiet_for(Duration::from_millis(20)));
    upstream.release("go");
    assert_eq!(client.response().status, 200);
    client.send("POST /early HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n");
    let early = client.response();
    assert_eq!((early.status, early.fields.only("x-a")), (403, Some("b")));
    client.send("okGET /cut HTTP/1.1\r\nHost: a\r\n\r\n");
    let ended = client.try_response_to("GET").unwrap_err();
    assert_eq!((ended.fault, ended.partial.unwrap().body), (Fault::Cut, b"ab".to_vec()));
    let mut client = Raw::connect(upstream.address());
    client.send("GET /reset HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(client.try_response_to("GET").unwrap_err().fault, Fault::Reset);
}

#[test]
fn a_client_is_never_late_without_saying_so() {
    let upstream = Upstream::start();
    upstream.on("/hang", [Step::Hang]);
    let mut client = Raw::connect_with(upstream.address(), Duration::from_millis(50));
    client.send("GET /hang HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(client.try_response_to("GET").unwrap_err().fault, Fault::Late);
    client.reset();
    upstream.wait_until("the reset", |seen| seen.connections[0].ended);
    assert_eq!(get(upstream.address(), "a", "/", &["X-Nonce: n"]).text(), "n");
    assert!(Raw::try_connect(Port::free().address(), Duration::from_millis(200)).is_err());
}
