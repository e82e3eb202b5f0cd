//! Requests that end before their time: the client has gone, or its body goes bad while the answer streams. What the
//! upstream does for them ends too, and the access line tells how far they came.

use testkit::patience::PATIENCE;
use testkit::strict::latin1;

use super::*;

/// A server that keeps its access lines, and what stands behind it.
struct Ground {
    upstream: Upstream,
    server: Server,
    at: SocketAddr,
    monitor: Monitor,
    log: Log,
}

impl Ground {
    fn new() -> Self {
        let (upstream, log) = (Upstream::start(), Log::default());
        let (server, at, monitor) =
            start_with(&upstream.url(), Limits::default(), Some(Box::new(log.clone())));
        Self { upstream, server, at, monitor, log }
    }

    /// A client that has sent this, and whose request for the path has come to the upstream.
    fn client(&self, path: &str, sent: &str) -> Raw {
        let mut client = Raw::connect(self.at);
        client.send(sent);
        self.upstream.wait_until(path, |seen| seen.heads.iter().any(|head| head.target == path));
        client
    }

    fn wait_for_ends(&self, count: usize) {
        self.upstream.wait_until("the end of what nobody waits for", |seen| {
            seen.connections.iter().filter(|connection| connection.ended).count() == count
        });
    }

    /// Ends the server; the access lines for this path, and the counters.
    fn lines(self, path: &str) -> (Vec<String>, String) {
        stop(self.server);
        let log = self.log.text();
        let of_path = |line: &&str| line.contains(&format!(r#""path":"{path}""#));
        (log.lines().filter(of_path).map(str::to_owned).collect(), self.monitor.render())
    }
}

/// Longer than from one look at a client to the next.
const PAST_A_LOOK: Duration = Duration::from_millis(2500);
const BEGUN: &str = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nbegun";

#[test]
fn a_client_that_resets_ends_what_was_done_for_it() {
    let ground = Ground::new();
    ground.upstream.on("/hang", [Step::ReadBody, Step::Hang]);
    let get = "GET /hang HTTP/1.1\r\nHost: a\r\n\r\n";
    let sent = [
        get.to_owned(),
        // What was sent ahead hides a reset from who only peeks.
        get.repeat(2),
        "POST /hang HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello".to_owned(),
        "POST /hang HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhel".to_owned(),
    ];
    for (count, sent) in sent.iter().enumerate() {
        let mut client = ground.client("/hang", sent);
        if count == 1 {
            client.send(get);
        }
        client.reset();
        ground.wait_for_ends(count + 1);
        ground.upstream.wait_until("its own end", |seen| seen.heads.len() == count + 1);
    }
    let (lines, metrics) = ground.lines("/hang");
    assert_eq!(lines.len(), sent.len(), "{lines:?}");
    for line in &lines {
        let told = line.contains(r#""status":0,"#) && line.contains(r#""bytes_out":0,"#);
        assert!(told && line.contains(r#""aborted":1,"fault":"the client has gone""#), "{line}");
    }
    assert!(metrics.contains("vestibule_aborted_total 4\n"), "{metrics}");
    assert!(metrics.contains("vestibule_upstream_failures_total 0\n"), "{metrics}");
}

#[test]
fn a_client_that_resets_ends_an_answer_that_has_fallen_silent() {
    let ground = Ground::new();
    ground.upstream.on("/silent", [Step::ReadBody, Step::send(BEGUN), Step::Hang]);
    for (count, half_closed) in [false, true].into_iter().enumerate() {
        let mut client = ground.client("/silent", "GET /silent HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_eq!((client.head().status, &client.bytes(5).unwrap()[..]), (200, &b"begun"[..]));
        if half_closed {
            client.finish();
        }
        client.reset();
        ground.wait_for_ends(count + 1);
        ground.upstream.take();
    }
    let (lines, _) = ground.lines("/silent");
    assert_eq!(lines.len(), 2, "{lines:?}");
    for line in &lines {
        let told = line.contains(r#""status":200,"#);
        assert!(told && line.contains(r#""aborted":1,"fault":"the client has gone""#), "{line}");
    }
}

#[test]
fn a_client_that_only_sends_no_more_is_served() {
    let ground = Ground::new();
    ground.upstream.on("/slow", [Step::ReadBody, Step::Hold("go"), Step::send(BEGUN), Step::send("ended")]);
    let mut client = ground.client("/slow", "GET /slow HTTP/1.1\r\nHost: a\r\n\r\n");
    client.finish();
    assert!(client.is_quiet_for(PAST_A_LOOK));
    ground.upstream.release("go");
    assert_eq!(client.response().text(), "begunended");
    stop(ground.server);
}

#[test]
fn what_was_sent_ahead_outlives_a_long_wait() {
    let ground = Ground::new();
    ground.upstream.on("/slow", [Step::ReadBody, Step::Hold("go"), Step::Echo]);
    let slow = "GET /slow HTTP/1.1\r\nHost: a\r\n\r\n";
    let mut client = ground.client("/slow", slow);
    client.send("GET /next HTTP/1.1\r\nHost: a\r\nX-Nonce: next\r\n\r\n");
    assert!(client.is_quiet_for(PAST_A_LOOK));
    ground.upstream.release("go");
    assert_eq!(client.response().status, 200);
    assert_eq!(client.response().text(), "next");
    stop(ground.server);
}

#[test]
fn a_body_that_goes_bad_while_the_answer_streams_ends_both() {
    let ground = Ground::new();
    ground.upstream.on("/upload", [Step::send(BEGUN), Step::ReadBody, Step::Hang]);
    let head = "POST /upload HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n";
    let ways: [(&str, Option<&str>); 4] = [
        ("the body is malformed", Some("zz\r\n")),
        ("the body is larger than the route allows", Some("ffffffffffffffff\r\n")),
        ("the client has gone", Some("")),
        ("the client has gone", None),
    ];
    for (count, (what, more)) in ways.iter().enumerate() {
        let mut client = ground.client("/upload", head);
        assert_eq!((client.head().status, &client.bytes(5).unwrap()[..]), (200, &b"begun"[..]));
        match more {
            Some("") => client.finish(),
            Some(more) => client.send(more),
            None => {}
        }
        if more.is_some() {
            let (rest, end) = client.until_end(PATIENCE);
            assert_eq!((rest, end), (Vec::new(), Fault::Reset), "{what}");
        } else {
            client.reset();
        }
        ground.wait_for_ends(count + 1);
        let seen = ground.upstream.take();
        assert!(seen.requests.is_empty() && !latin1(&seen.raw()).contains("0\r\n\r\n"), "{what}");
    }
    let (lines, _) = ground.lines("/upload");
    assert_eq!(lines.len(), ways.len(), "{lines:?}");
    for (line, (what, _)) in lines.iter().zip(ways) {
        assert!(line.contains(&format!(r#""aborted":1,"fault":"{what}""#)), "{line}");
    }
}

#[test]
fn an_answer_that_is_whole_is_delivered_whatever_becomes_of_the_body() {
    let ground = Ground::new();
    ground.upstream.on("/early", [Step::send(BEGUN), Step::Hold("go"), Step::send("ended"), Step::Hang]);
    let head = "POST /early HTTP/1.1\r\nHost: a\r\nContent-Length: 50\r\n\r\n";
    let mut client = ground.client("/early", head);
    assert_eq!(client.head().status, 200);
    ground.upstream.release("go");
    assert_eq!(client.bytes(10).unwrap(), b"begunended");
    client.finish();
    client.expect_close_within(PATIENCE);
    stop(ground.server);
}

#[test]
fn what_was_good_of_a_bad_answer_is_delivered_and_counted() {
    let ground = Ground::new();
    let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n";
    ground.upstream.on(
        "/bad",
        [Step::ReadBody, Step::send(head), Step::Hold("go"), Step::send("3\r\ntwo\r\nzz\r\n"), Step::Hang],
    );
    let mut client = ground.client("/bad", "GET /bad HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(client.head().status, 200);
    assert_eq!(client.bytes(8).unwrap(), b"3\r\none\r\n");
    ground.upstream.release("go");
    assert_eq!(client.until_end(PATIENCE), (b"3\r\ntwo\r\n".to_vec(), Fault::Reset));
    let (lines, _) = ground.lines("/bad");
    let head = "HTTP/1.1 200 OK\r\ndate: Thu, 01 Jan 1970 00:00:00 GMT\r\ntransfer-encoding: chunked\r\n\r\n";
    let sent = format!(r#""status":200,"bytes_in":0,"bytes_out":{},"#, head.len() + 16);
    assert!(lines.len() == 1 && lines[0].contains(&sent) && lines[0].contains(r#""aborted":1"#), "{lines:?}");
}

#[test]
fn a_refusal_of_a_head_that_could_be_read_says_of_which_and_in_words() {
    let ground = Ground::new();
    let chunked = "POST /refused HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n";
    let cases = [
        ("TRACE /refused HTTP/1.1\r\nHost: a\r\n\r\n", 405, "TRACE", "the method is not allowed here"),
        (
            "HEAD /refused HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nExpect: tea\r\n\r\n",
            417,
            "HEAD",
            "Expect is not 100-continue",
        ),
        (chunked, 400, "POST", "a chunk size is not 1 to 16 hex digits"),
    ];
    for (sent, status, method, _) in cases {
        let mut client = Raw::connect(ground.at);
        client.send(sent);
        assert_eq!(client.response_to(method).status, status);
        // To HEAD not even a refusal has a body.
        client.expect_close_within(PATIENCE);
    }
    let (lines, _) = ground.lines("/refused");
    assert_eq!(lines.len(), cases.len(), "{lines:?}");
    for (line, (_, status, method, fault)) in lines.iter().zip(cases) {
        let told = format!(r#""method":"{method}","host":"a","path":"/refused","status":{status},"#);
        assert!(line.contains(&told) && line.contains(&format!(r#""fault":"{fault}""#)), "{line}");
    }
}
