//! `Expect: 100-continue` (RFC 9110 10.1.1): whoever gives the word, and if nobody does, the body reaches the upstream
//! when the client sends it. curl expects by itself before each large upload.

use std::io::Write as _;
use std::time::Duration;

use vestibule_testkit::client::Raw;
use vestibule_testkit::upstream::Step;

use super::front::{Front, HOST, Shape};

const CONTINUE: &str = "HTTP/1.1 100 Continue\r\n\r\n";
/// Longer than a client waits for the upstream's word before it gets ours.
const PAST_OUR_WORD: Duration = Duration::from_millis(1500);

fn head(target: &str, length: usize) -> String {
    format!(
        "POST {target} HTTP/1.1\r\nHost: {HOST}\r\nX-Nonce: n\r\nExpect: 100-continue\r\nContent-Length: {length}\r\n\r\n"
    )
}

fn wait_for_head(front: &Front, target: &str) {
    front.upstream.wait_until(target, |seen| seen.heads.iter().any(|head| head.target == target));
}

#[test]
fn the_upstreams_own_word_opens_the_upload() {
    let front = Front::start();
    front.upstream.on("/word", [Step::send(CONTINUE), Step::ReadBody, Step::Echo]);
    let mut client = Raw::connect(front.proxy);
    for length in [1, 5, 3 * 1024 * 1024] {
        client.send(head("/word", length));
        assert_eq!(client.head().status, 100);
        let body = vec![b'u'; length];
        let (mut sender, sent) = (client.sender(), body.clone());
        let sending = std::thread::spawn(move || sender.write_all(&sent).is_ok());
        let response = client.response();
        assert_eq!((response.status, response.text().as_str(), response.interim.len()), (200, "n", 0));
        assert!(sending.join().unwrap());
        assert!(front.upstream.take().requests[0].body == body, "{length}");
    }
}

#[test]
fn two_words_are_passed_on_as_one() {
    let front = Front::start();
    front.upstream.on("/twice", [Step::send(CONTINUE.repeat(2)), Step::ReadBody, Step::Echo]);
    let mut client = Raw::connect(front.proxy);
    client.send(head("/twice", 5));
    assert_eq!(client.head().status, 100);
    client.send("hello");
    let response = client.response();
    assert_eq!((response.text().as_str(), response.interim.len()), ("n", 0));
}

#[test]
fn a_body_that_does_not_wait_for_the_word_goes_up_at_once() {
    let front = Front::start();
    let mut client = Raw::connect(front.proxy);
    for target in ["/first", "/second"] {
        client.send(head(target, 5));
        wait_for_head(&front, target);
        client.send("hello");
        let response = client.response();
        // Nobody had to give a word; where this test was held up for a second, ours has come.
        assert!(response.text() == "n" && response.interim.len() <= 1, "{response:?}");
        assert_eq!(front.upstream.take().requests[0].body, b"hello");
    }
}

#[test]
fn a_body_that_pauses_after_its_beginning_is_waited_for() {
    let front = Front::start();
    let mut client = Raw::connect(front.proxy);
    client.send(format!("{}he", head("/pause", 5)));
    assert!(client.is_quiet_for(PAST_OUR_WORD));
    client.send("llo");
    assert_eq!(client.response().text(), "n");
    assert_eq!(front.upstream.take().requests[0].body, b"hello");
}

#[test]
fn an_upload_may_take_its_time_after_the_upstreams_word() {
    let front = Front::with(&Shape { limits: "body_timeout_ms = 1000", ..Shape::default() });
    front.upstream.on("/long", [Step::send(CONTINUE), Step::ReadBody, Step::Echo]);
    let (pieces, piece) = (15, [b'u'; 10_000]);
    let mut client = Raw::connect(front.proxy);
    client.send(head("/long", pieces * piece.len()));
    assert_eq!(client.head().status, 100);
    // Three times as long as a body may stand still, and it never does.
    for _ in 0..pieces {
        assert!(client.is_quiet_for(Duration::from_millis(200)));
        client.send(piece);
    }
    assert_eq!(client.response().text(), "n");
    assert_eq!(front.upstream.take().requests[0].body.len(), pieces * piece.len());
}

#[test]
fn a_body_is_read_while_an_answer_without_a_word_streams() {
    let front = Front::with(&Shape { route: "stall_timeout_ms = 4000", ..Shape::default() });
    let begun = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n";
    front.upstream.on("/answers-first", [Step::send(begun), Step::ReadBody, Step::send("reply")]);
    let mut client = Raw::connect(front.proxy);
    client.send(head("/answers-first", 5));
    assert_eq!(client.head().status, 200);
    client.send("hello");
    assert_eq!(client.bytes(5).unwrap(), b"reply");
    assert_eq!(front.upstream.take().requests[0].body, b"hello");
}
