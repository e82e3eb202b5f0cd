//! What a fair request may count on: the same outcome however its bytes arrive, order, both HTTP versions, bodies of all
//! kinds in both directions at once. RFC 9110, RFC 9112.

use std::io::Write as _;
use std::time::Duration;

use vestibule_testkit::client::{Raw, get};
use vestibule_testkit::patience::PATIENCE;
use vestibule_testkit::strict::{Fault, Framing, Request};
use vestibule_testkit::upstream::{Step, answer};

use super::front::{Front, HOST, Shape, Victims};

const CLOSE_WAIT: Duration = Duration::from_secs(1);
/// Long enough for a server that is awake to have read what was sent before.
const PAUSE: Duration = Duration::from_millis(2);
const LARGE: usize = 3 * 1024 * 1024;
const SMUGGLED: &str = "GET /smuggled HTTP/1.1\r\nHost: shop.test\r\n\r\n";

fn request(method: &str, target: &str, fields: &str, body: &str) -> String {
    format!("{method} {target} HTTP/1.1\r\nHost: {HOST}\r\n{fields}\r\n{body}")
}

/// A request as the upstream saw it, without what differs each time.
fn essence(request: &Request) -> (String, String, Vec<(String, String)>, Vec<u8>) {
    let differs = |name: &str| ["x-request-id", "traceparent"].contains(&name.to_ascii_lowercase().as_str());
    let fields = request.fields.iter().filter(|(name, _)| !differs(name));
    let fields = fields.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    (request.method.clone(), request.target.clone(), fields, request.body.clone())
}

#[test]
fn the_same_request_comes_of_any_split() {
    let front = Front::start();
    let chunked = "Transfer-Encoding: chunked\r\nX-Nonce: n\r\nCookie: a=b; c=d\r\n";
    let body = "5\r\nhello\r\n6;ext=\"x\"\r\n world\r\n0\r\nTrailer: x\r\n\r\n";
    let whole = request("POST", "/a/%7eb?c=%2f", chunked, body);
    let mut client = Raw::connect(front.proxy);
    client.send(&whole);
    assert_eq!(client.response().text(), "n");
    let expected = essence(&front.upstream.take().requests[0]);
    assert_eq!((expected.1.as_str(), expected.3.as_slice()), ("/a/~b?c=%2f", &b"hello world"[..]));
    for at in 1..whole.len() {
        client.send(&whole[..at]);
        assert!(client.is_quiet_for(PAUSE), "an answer after {at} bytes");
        client.send(&whole[at..]);
        assert_eq!(client.response().text(), "n", "split at {at}");
        let seen = front.upstream.take();
        assert_eq!(essence(&seen.requests[0]), expected, "split at {at}");
        assert!(seen.faults().is_empty(), "split at {at}: {:?}", seen.faults());
    }
    assert!(client.try_dribble(whole.as_bytes()).is_ok());
    assert_eq!(client.response().text(), "n");
    assert_eq!(essence(&front.upstream.take().requests[0]), expected);
}

#[test]
fn two_requests_in_a_row_stay_two_at_any_split() {
    let front = Front::start();
    let mut client = Raw::connect(front.proxy);
    for (fields, body) in
        [("Content-Length: 5\r\n", "hello"), ("Transfer-Encoding: chunked\r\n", "5\r\nhello\r\n0\r\n\r\n")]
    {
        let first = request("POST", "/one", &format!("X-Nonce: 1\r\n{fields}"), body);
        let both = format!("{first}{}", request("GET", "/two", "X-Nonce: 2\r\n", ""));
        // Earlier splits leave the first request alone, which is another test.
        for at in first.len() - body.len()..=both.len() {
            client.send(&both[..at]);
            let _ = client.is_quiet_for(PAUSE);
            client.send(&both[at..]);
            assert_eq!(
                (client.response().text(), client.response().text()),
                ("1".to_owned(), "2".to_owned()),
                "at {at}"
            );
            let seen = front.upstream.take();
            assert_eq!(seen.requests.len(), 2, "at {at}");
            assert_eq!(
                (seen.requests[0].body.as_slice(), seen.requests[1].body.as_slice()),
                (&b"hello"[..], &b""[..])
            );
        }
    }
}

#[test]
fn pipelined_answers_keep_their_order() {
    let front = Front::start();
    front.upstream.on("/slow", [Step::Trickle(answer(200, &[], "slow"), Duration::from_millis(1))]);
    let mut client = Raw::connect(front.proxy);
    let mut bytes = String::new();
    for n in 0..50 {
        let target = if n % 10 == 3 { "/slow" } else { "/fast" };
        bytes.push_str(&request("GET", target, &format!("X-Nonce: {n}\r\n"), ""));
    }
    client.send(bytes);
    for n in 0..50 {
        let expected = if n % 10 == 3 { "slow".to_owned() } else { n.to_string() };
        assert_eq!(client.response().text(), expected);
    }
    let targets = front.upstream.requests().len();
    assert_eq!(targets, 50);
}

#[test]
fn nothing_is_read_after_close_or_an_error() {
    let front = Front::start();
    let next = request("GET", "/after", "", "");
    for first in [
        request("GET", "/first", "Connection: close\r\n", ""),
        request("GET", "/first", "Connection: x-any, CLOSE\r\n", ""),
        request("POST", "/first", "Connection: close\r\nContent-Length: 2\r\n", "hi"),
        format!("GET /first HTTP/1.0\r\nHost: {HOST}\r\n\r\n"),
        request("GET", "/first%00", "", ""),
        request("TRACE", "/first", "", ""),
    ] {
        let mut client = Raw::connect(front.proxy);
        client.send(format!("{first}{next}"));
        assert!(client.response().says_close(), "{first:?}");
        client.expect_close_within(CLOSE_WAIT);
        let after = front.upstream.take().heads.iter().filter(|head| head.target == "/after").count();
        assert_eq!(after, 0, "{first:?}");
    }
}

#[test]
fn old_clients_get_one_answer_and_keep_alive_if_they_ask() {
    let front = Front::start();
    let chunks = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n";
    front.upstream.on("/chunks", [Step::send(chunks)]);
    // A11: without a length there is no body; what follows is not one either.
    let mut client = Raw::connect(front.proxy);
    client.send(format!("POST /old HTTP/1.0\r\nHost: {HOST}\r\nX-Nonce: n\r\n\r\n{SMUGGLED}"));
    assert_eq!(client.response().text(), "n");
    client.expect_close_within(CLOSE_WAIT);
    let seen = front.upstream.take();
    assert_eq!((seen.requests.len(), seen.requests[0].body.len()), (1, 0));

    let mut client = Raw::connect(front.proxy);
    let kept = |target: &str| {
        format!("GET {target} HTTP/1.0\r\nHost: {HOST}\r\nConnection: keep-alive\r\nX-Nonce: k\r\n\r\n")
    };
    for _ in 0..3 {
        client.send(kept("/kept"));
        let response = client.response();
        assert_eq!(response.text(), "k");
        assert!(
            response.fields.all("connection").iter().any(|value| value.eq_ignore_ascii_case("keep-alive"))
        );
    }
    // Old clients know no chunks: the end of the body is the end of the connection.
    client.send(kept("/chunks"));
    let response = client.response();
    assert_eq!((response.framing, response.text().as_str()), (Framing::Close, "abcdef"));
    assert!(!response.fields.has("transfer-encoding") && response.says_close());
}

#[test]
fn answers_without_a_body_leave_the_connection_in_step() {
    let front = Front::start();
    front.upstream.on("/head", [Step::send("HTTP/1.1 200 OK\r\nContent-Length: 1234\r\nX-H: y\r\n\r\n")]);
    front.upstream.on("/head-chunked", [Step::send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")]);
    front.upstream.on("/204", [Step::send("HTTP/1.1 204 No Content\r\nX-H: y\r\n\r\n")]);
    front
        .upstream
        .on("/304", [Step::send("HTTP/1.1 304 Not Modified\r\nContent-Length: 1234\r\nEtag: \"a\"\r\n\r\n")]);
    front.upstream.on("/103", [Step::send("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"), Step::Echo]);
    let mut client = Raw::connect(front.proxy);
    for round in 0..3 {
        for (method, target, status, length) in [
            ("HEAD", "/head", 200, Some("1234")),
            ("HEAD", "/head-chunked", 200, None),
            ("HEAD", "/plain", 200, Some("0")),
            ("GET", "/204", 204, None),
            ("DELETE", "/204", 204, None),
            ("GET", "/304", 304, Some("1234")),
            ("GET", "/103", 200, Some("1")),
        ] {
            client.send(request(method, target, &format!("X-Nonce: {round}\r\n"), ""));
            let response = client.response_to(method);
            assert_eq!(
                (response.status, response.fields.only("content-length")),
                (status, length),
                "{method} {target}"
            );
            client.send(request("GET", "/between", &format!("X-Nonce: {target}\r\n"), ""));
            assert_eq!(client.response().text(), target, "after {method} {target}");
        }
    }
}

#[test]
fn bodies_of_any_method_are_delivered_and_end_where_they_end() {
    let front = Front::start();
    let mut client = Raw::connect(front.proxy);
    // A24, A25: the bytes after a body are the next request, and a body is never one.
    for method in ["GET", "HEAD", "OPTIONS", "DELETE", "POST", "PUT", "PATCH"] {
        let inside = format!("Content-Length: {}\r\nX-Nonce: a\r\n", SMUGGLED.len());
        let chunked = format!("{:x}\r\n{SMUGGLED}\r\n0\r\n\r\n", SMUGGLED.len());
        for (fields, body, read) in [
            ("Content-Length: 0\r\nX-Nonce: a\r\n", "", ""),
            (&inside[..], SMUGGLED, SMUGGLED),
            ("Transfer-Encoding: chunked\r\nX-Nonce: a\r\n", &chunked, SMUGGLED),
        ] {
            let next = request("GET", "/next", "X-Nonce: b\r\n", "");
            client.send(request(method, "/body", fields, body) + &next);
            assert_eq!(client.response_to(method).status, 200, "{method} {fields:?}");
            assert_eq!(client.response().text(), "b", "{method} {fields:?}");
            let seen = front.upstream.take();
            let targets: Vec<&str> = seen.requests.iter().map(|r| r.target.as_str()).collect();
            assert_eq!(targets, ["/body", "/next"], "{method} {fields:?}");
            assert_eq!(seen.requests[0].body, read.as_bytes(), "{method} {fields:?}");
            assert!(seen.faults().is_empty(), "{method} {fields:?}: {:?}", seen.faults());
        }
    }
}

#[test]
fn chunks_are_made_anew_and_their_ornaments_dropped() {
    let front = Front::start();
    let bare = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n";
    front.upstream.on(
        "/ornate",
        [
            Step::ReadBody,
            Step::send(format!("{bare}3;ext=1\r\nabc\r\n0;last\r\nX-Sum: 1\r\nSet-Cookie: a=b\r\n\r\n")),
        ],
    );
    let mut client = Raw::connect(front.proxy);
    let body = "1;a=b\r\nx\r\n2;c=\"d\"\r\nyz\r\n0;e\r\nX-Context-User: admin\r\nContent-Length: 7\r\nHost: evil.test\r\n\r\n";
    client.send(request(
        "POST",
        "/ornate",
        "Transfer-Encoding: chunked\r\nTrailer: X-Context-User\r\n",
        body,
    ));
    let response = client.response();
    assert_eq!((response.framing, response.text().as_str()), (Framing::Chunked, "abc"));
    assert!(
        !response.fields.has("x-sum")
            && !response.fields.has("set-cookie")
            && !response.fields.has("trailer")
    );
    let seen = front.upstream.take();
    // The strict reader takes neither extensions nor trailers.
    assert!(seen.faults().is_empty(), "{:?}", seen.faults());
    let arrived = &seen.requests[0];
    assert_eq!((arrived.framing, arrived.body.as_slice()), (Framing::Chunked, &b"xyz"[..]));
    assert!(!arrived.fields.has("x-context-user") && arrived.fields.only("host") == Some(HOST));
    assert!(!arrived.fields.has("trailer"));
}

#[test]
fn a_million_tiny_chunks_are_only_slow() {
    let front = Front::start();
    let mut client = Raw::connect_with(front.proxy, 6 * PATIENCE);
    client.send(request("POST", "/tiny", "Transfer-Encoding: chunked\r\nX-Nonce: n\r\n", ""));
    let mut sender = client.sender();
    let sending = std::thread::spawn(move || {
        let thousand = "1\r\nx\r\n".repeat(1000);
        (0..1000)
            .try_for_each(|_| sender.write_all(thousand.as_bytes()))
            .and_then(|()| sender.write_all(b"0\r\n\r\n"))
    });
    assert_eq!(client.response().text(), "n");
    assert!(sending.join().unwrap().is_ok());
    assert_eq!(front.upstream.requests()[0].body.len(), 1_000_000);
}

#[test]
fn expect_is_answered_once_and_the_body_follows() {
    let front = Front::start();
    let mut client = Raw::connect(front.proxy);
    for (fields, body) in
        [("Content-Length: 5\r\n", "hello"), ("Transfer-Encoding: chunked\r\n", "5\r\nhello\r\n0\r\n\r\n")]
    {
        for spelling in ["100-continue", "100-Continue"] {
            // The client waits for the word.
            client.send(request(
                "POST",
                "/expect",
                &format!("Expect: {spelling}\r\nX-Nonce: n\r\n{fields}"),
                "",
            ));
            assert_eq!(client.head().status, 100);
            client.send(body);
            let response = client.response();
            assert_eq!((response.text().as_str(), response.interim.len()), ("n", 0));
            // It does not wait.
            client.send(request(
                "POST",
                "/expect",
                &format!("Expect: {spelling}\r\nX-Nonce: n\r\n{fields}"),
                body,
            ));
            let response = client.response();
            assert_eq!(response.text(), "n");
            assert!(
                response.interim.iter().all(|interim| interim.status == 100) && response.interim.len() <= 1
            );
        }
    }
    assert!(front.upstream.take().requests.iter().all(|request| request.body == b"hello"));
    // Without a body there is nothing to wait for, and HTTP/1.0 knows no such word.
    client.send(request("GET", "/expect", "Expect: 100-continue\r\nX-Nonce: n\r\n", ""));
    let response = client.response();
    assert_eq!((response.text().as_str(), response.interim.len()), ("n", 0));
    let fields = "Expect: 100-continue\r\nX-Nonce: n\r\nContent-Length: 5\r\n";
    client.send(format!("POST /expect HTTP/1.0\r\nHost: {HOST}\r\n{fields}\r\nhello"));
    let response = client.response();
    assert_eq!((response.text().as_str(), response.interim.len()), ("n", 0));
}

#[test]
fn a_refusal_before_the_body_is_passed_on_and_the_body_never_read() {
    let front = Front::start();
    let mut victims = Victims::new(&front);
    front.upstream.on("/refused", [Step::Send(answer(403, &[], "no")), Step::Close]);
    for expect in ["Expect: 100-continue\r\n", ""] {
        let fields = format!("{expect}Content-Length: {}\r\n", SMUGGLED.len());
        let mut client = Raw::connect(front.proxy);
        client.send(request("POST", "/refused", &fields, ""));
        let response = client.response();
        assert_eq!((response.status, response.text().as_str(), response.interim.len()), (403, "no", 0));
        // The body, if it comes at all, is no request.
        let _ = client.try_send(SMUGGLED);
        client.expect_close_within(Duration::from_secs(2));
        assert_eq!(victims.visit(5), Ok(()));
        assert!(front.upstream.take().of_target("/smuggled").is_empty());
    }
}

#[test]
fn an_early_answer_does_not_lend_its_upstream_connection_to_others() {
    let front = Front::start();
    let mut victims = Victims::new(&front);
    // A27: the upstream answers and waits for a body that only the next client would send.
    front.upstream.on("/early", [Step::Send(answer(200, &[], "early"))]);
    for _ in 0..5 {
        let mut client = Raw::connect(front.proxy);
        client.send(request("POST", "/early", "Content-Length: 4000\r\n", "only the beginning"));
        let response = client.response();
        assert_eq!((response.status, response.text().as_str()), (200, "early"));
        assert_eq!(victims.visit(4), Ok(()));
    }
    assert_eq!(front.upstream.take().faults(), Vec::<&str>::new());
}

#[test]
fn large_bodies_flow_both_ways_at_once() {
    let front = Front::start();
    let page = vec![b'p'; LARGE];
    let upload = vec![b'u'; LARGE];
    let (begin, end) = (answer(200, &[], &page), vec![b'p'; LARGE / 2]);
    let begin = &begin[..begin.len() - end.len()];
    front.upstream.on("/answers-first", [Step::send(begin), Step::ReadBody, Step::send(end)]);
    front.upstream.on("/reads-first", [Step::ReadBody, Step::Send(answer(200, &[], &page))]);
    let mut chunked = Vec::new();
    for part in upload.chunks(70_000) {
        chunked.extend_from_slice(format!("{:x}\r\n", part.len()).as_bytes());
        chunked.extend_from_slice(part);
        chunked.extend_from_slice(b"\r\n");
    }
    chunked.extend_from_slice(b"0\r\n\r\n");
    for target in ["/reads-first", "/answers-first"] {
        for (fields, body) in [
            (format!("Content-Length: {LARGE}\r\n"), &upload),
            ("Transfer-Encoding: chunked\r\n".to_owned(), &chunked),
        ] {
            let mut client = Raw::connect(front.proxy);
            let mut sender = client.sender();
            let bytes = [request("POST", target, &fields, "").as_bytes(), body].concat();
            let sending = std::thread::spawn(move || sender.write_all(&bytes).is_ok());
            let response = client.response();
            assert!(response.status == 200 && response.body == page, "{target}");
            assert!(sending.join().unwrap(), "{target}");
            assert!(front.upstream.take().requests[0].body == upload, "{target}");
        }
    }
}

#[test]
fn an_answer_that_ends_before_the_upload_is_read_whole() {
    let front = Front::start();
    front.upstream.on("/early", [Step::Send(answer(200, &[], vec![b'p'; 10_000])), Step::ReadBody]);
    for _ in 0..5 {
        let mut client = Raw::connect(front.proxy);
        // Less than what is still read and thrown away; more would be cut off.
        let mut sender = client.sender();
        let bytes = request("POST", "/early", "Content-Length: 900000\r\n", &"u".repeat(900_000));
        let sending = std::thread::spawn(move || sender.write_all(bytes.as_bytes()).is_ok());
        assert!(sending.join().unwrap());
        let response = client.response();
        assert_eq!((response.status, response.body.len()), (200, 10_000));
    }
}

#[test]
fn a_slow_reader_holds_back_the_upstream() {
    let front = Front::start();
    front.upstream.on("/endless", [Step::Send(answer(200, &[], vec![b'x'; 64 * 1024 * 1024])), Step::Close]);
    let mut client = Raw::connect(front.proxy);
    client.send(request("GET", "/endless", "", ""));
    assert_eq!(client.head().status, 200);
    // The sockets' own buffers hold a few MiB; a proxy that reads ahead without bound would take all of it.
    let upstream_done = || front.upstream.seen().connections.iter().any(|connection| connection.ended);
    let _ = client.bytes(1024).unwrap();
    let mut pause = Raw::connect(front.proxy);
    assert!(pause.is_quiet_for(Duration::from_millis(300)));
    assert!(!upstream_done());
    client.reset();
    front.upstream.wait_until("the client's going", |seen| seen.connections.iter().any(|c| c.ended));
}

#[test]
fn a_refused_upload_can_read_its_answer() {
    let front = Front::with(&Shape { route: "body_bytes_max = 1000", ..Shape::default() });
    for (target, host, status) in [("/any", "elsewhere.test", 421), ("/any", HOST, 413)] {
        let mut client = Raw::connect(front.proxy);
        let head = format!("POST {target} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 900000\r\n\r\n");
        let body = SMUGGLED.as_bytes().repeat(900_000 / SMUGGLED.len() + 1);
        client.send([head.as_bytes(), &body[..300_000]].concat());
        let response = client.response();
        assert_eq!(response.status, status);
        assert!(response.says_close());
        // A close with unread bytes would be a reset, and a reset may eat the answer: the rest is still taken.
        client.send(&body[300_000..900_000]);
        client.finish();
        let (rest, end) = client.until_end(Duration::from_secs(2));
        assert!(rest.is_empty() && end == Fault::Closed, "{end:?}");
        assert!(front.upstream.take().raw().is_empty());
    }
    // Chunked: too large only when it is there.
    for size in ["400", "ffffffffffffffff"] {
        let mut client = Raw::connect(front.proxy);
        client.send(request(
            "POST",
            "/any",
            "Transfer-Encoding: chunked\r\n",
            &format!("{size}\r\n{}\r\n0\r\n\r\n", "x".repeat(1024)),
        ));
        let response = client.response();
        assert!(response.status == 413 && response.says_close());
        assert!(front.upstream.take().of_target("/any").is_empty());
    }
}

#[test]
fn an_early_refusal_of_ours_never_reads_the_body_as_a_request() {
    let front = Front::with(&Shape { more: &[("api.test", "/only")], ..Shape::default() });
    let mut victims = Victims::new(&front);
    for (host, status) in [("api.test", 404), ("elsewhere.test", 421)] {
        for (fields, body) in [
            (format!("Content-Length: {}\r\n", SMUGGLED.len()), SMUGGLED.to_owned()),
            (
                "Transfer-Encoding: chunked\r\n".to_owned(),
                format!("{:x}\r\n{SMUGGLED}\r\n0\r\n\r\n", SMUGGLED.len()),
            ),
        ] {
            let head = format!("POST /other HTTP/1.1\r\nHost: {host}\r\n{fields}\r\n");
            for split in [false, true] {
                let mut client = Raw::connect(front.proxy);
                if split {
                    client.send(&head);
                    assert_eq!(client.response().status, status);
                    let _ = client.try_send(&body);
                } else {
                    client.send(format!("{head}{body}"));
                    assert_eq!(client.response().status, status);
                }
                client.finish();
                client.expect_close_within(Duration::from_secs(2));
            }
        }
    }
    assert_eq!(victims.visit(20), Ok(()));
    let seen = front.upstream.take();
    assert!(seen.requests.iter().all(|request| request.target == "/victim"));
}

#[test]
fn upgrades_nobody_allowed_are_no_tunnels() {
    let front = Front::start();
    for (fields, extra) in [
        (
            "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n",
            "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        ),
        (
            "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
            "\u{1}\u{2}tunnel\r\n\r\n",
        ),
        ("Upgrade: websocket\r\nSec-WebSocket-Version: 99\r\n", "\u{1}\u{2}tunnel\r\n\r\n"),
    ] {
        for method in ["GET", "POST"] {
            let mut client = Raw::connect(front.proxy);
            client.send(request(method, "/up", &format!("X-Nonce: n\r\n{fields}"), extra));
            let response = client.response();
            assert_eq!((response.status, response.text().as_str()), (200, "n"), "{method} {fields:?}");
            // A48: what was meant for a tunnel is read as a request of its own, and is none.
            let next = client.response();
            assert!([400, 501, 505].contains(&next.status), "{next:?}");
            client.expect_close_within(CLOSE_WAIT);
            let seen = front.upstream.take();
            assert_eq!(seen.requests.len(), 1);
            let fields = &seen.requests[0].fields;
            assert!(!fields.has("upgrade") && !fields.has("http2-settings") && !fields.has("connection"));
        }
    }
}

#[test]
fn thousands_of_mixed_requests_never_swap_their_answers() {
    const CLIENTS: usize = 8;
    const ROUNDS: usize = 300;
    let front = Front::start();
    front.upstream.on("/204", [Step::ReadBody, Step::send("HTTP/1.1 204 No Content\r\n\r\n")]);
    front
        .upstream
        .on("/304", [Step::ReadBody, Step::send("HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n")]);
    let proxy = front.proxy;
    let clients = (0..CLIENTS).map(|number| {
        std::thread::spawn(move || {
            let mut client = Raw::connect(proxy);
            for round in 0..ROUNDS {
                let nonce = format!("{number}-{round}");
                let bytes = |method: &str, target: &str, body: &str| {
                    request(
                        method,
                        target,
                        &format!("X-Nonce: {nonce}\r\nContent-Length: {}\r\n", body.len()),
                        body,
                    )
                };
                match round % 6 {
                    0 => client.send(bytes("HEAD", "/head", "")),
                    1 => client.send(bytes("GET", "/304", "")),
                    2 => client.send(bytes("DELETE", "/204", "")),
                    3 => client.send(bytes("POST", "/post", SMUGGLED)),
                    4 => client = Raw::connect(proxy),
                    _ => {}
                }
                match round % 6 {
                    0 => assert_eq!(client.response_to("HEAD").fields.only("x-nonce"), Some(&nonce[..])),
                    1 => assert_eq!(client.response().status, 304),
                    2 => assert_eq!(client.response().status, 204),
                    3 => assert_eq!(client.response().text(), nonce),
                    _ => {}
                }
                client.send(bytes("GET", "/echo", ""));
                assert_eq!(client.response().text(), nonce);
            }
        })
    });
    for client in clients.collect::<Vec<_>>() {
        client.join().unwrap();
    }
    assert_eq!(get(proxy, HOST, "/end", &["X-Nonce: end"]).text(), "end");
    assert_eq!(front.upstream.take().faults(), Vec::<&str>::new());
}
