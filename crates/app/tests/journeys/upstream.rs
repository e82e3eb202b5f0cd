//! Upstreams that misbehave: malformed answers, answers to nobody, silence, resets. The visitor gets a clear error or a
//! clear abort, never somebody else's bytes, and a request is never sent twice unless that cannot matter.

use std::time::Duration;

use vestibule_testkit::client::{Raw, get};
use vestibule_testkit::full::Full;
use vestibule_testkit::patience::Patience;
use vestibule_testkit::port::Port;
use vestibule_testkit::strict::{Fault, Response};
use vestibule_testkit::upstream::{Step, answer};

use super::front::{Front, HOST, Shape, Victims, address, serve_before};

/// Refusing to speak for this long is a hang here.
const QUICK: &str = "answer_timeout_ms = 300\nstall_timeout_ms = 300\nconnect_timeout_ms = 300";
const POISON: &str = "HTTP/1.1 200 OK\r\nX-Nonce: poison\r\nContent-Length: 6\r\n\r\npoison";

fn ask(front: &Front, method: &str, target: &str) -> Raw {
    let mut client = Raw::connect(front.proxy);
    let length = if method == "POST" { "Content-Length: 0\r\n" } else { "" };
    client.send(format!("{method} {target} HTTP/1.1\r\nHost: {HOST}\r\nX-Nonce: n\r\n{length}\r\n"));
    client
}

/// Each of these answers becomes a 502, its connection ends, and nobody else notices.
fn all_are_bad_gateways(answers: impl IntoIterator<Item = (String, Vec<u8>)>) {
    let front = Front::with(&Shape { route: QUICK, ..Shape::default() });
    let mut victims = Victims::new(&front);
    let mut failures = Vec::new();
    for (what, bytes) in answers {
        front.upstream.on("/bad", [Step::ReadBody, Step::Send(bytes), Step::Hang]);
        let outcome = match ask(&front, "GET", "/bad").try_response_to("GET") {
            Ok(response) if response.status == 502 => victims.visit(2),
            other => Err(format!("{other:?}")),
        };
        if let Err(outcome) = outcome {
            failures.push(format!("{what}: {outcome}"));
            victims = Victims::new(&front);
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert_eq!(victims.visit(20), Ok(()));
    front.upstream.drop_connections();
}

#[test]
fn answers_with_unclear_length_are_bad_gateways() {
    let mut answers = Vec::new();
    let mut add = |what: &str, fields: &str, body: &str| {
        answers.push((what.to_owned(), format!("HTTP/1.1 200 OK\r\n{fields}\r\n{body}").into_bytes()));
    };
    for (one, two) in [("5", "6"), ("5", "5"), ("0", "5"), ("5", "x"), ("5", "")] {
        add(
            &format!("A52 lengths {one:?} and {two:?}"),
            &format!("Content-Length: {one}\r\nContent-Length: {two}\r\n"),
            "hello",
        );
        add(&format!("A52 list {one:?}, {two:?}"), &format!("Content-Length: {one}, {two}\r\n"), "hello");
    }
    for value in
        ["+5", "-5", "0x5", "1_0", "1 0", "5a", "", "5.0", "05", "99999999999999999999999", "\u{ff15}"]
    {
        add(&format!("A52 length {value:?}"), &format!("Content-Length: {value}\r\n"), "hello");
    }
    for value in [
        "gzip",
        "identity",
        "",
        "chunked, chunked",
        "chunked, gzip",
        "gzip, chunked",
        "xchunked",
        "chunked;q=1",
    ] {
        add(
            &format!("A52 coding {value:?}"),
            &format!("Transfer-Encoding: {value}\r\n"),
            "5\r\nhello\r\n0\r\n\r\n",
        );
    }
    for (one, two) in [
        ("Content-Length: 5", "Transfer-Encoding: chunked"),
        ("Transfer-Encoding: chunked", "Content-Length: 5"),
        ("Transfer-Encoding: chunked", "Transfer-Encoding: chunked"),
        ("Transfer_Encoding: chunked", "X: y"),
        ("Content_Length: 5", "X: y"),
    ] {
        add(&format!("A52 {one}, {two}"), &format!("{one}\r\n{two}\r\n"), "5\r\nhello\r\n0\r\n\r\n");
    }
    all_are_bad_gateways(answers);
}

#[test]
fn malformed_heads_are_bad_gateways() {
    let mut answers = Vec::new();
    let mut add = |what: String, bytes: Vec<u8>| answers.push((what, bytes));
    for line in [
        "X: a\nY: b",
        "X: a\rY: b",
        "X: a\r\n b",
        "X: a\r\n\tb",
        "NoColon",
        ": y",
        "X : y",
        " X: y",
        "a b: c",
        "X: \0",
        "X: \x7f",
        "X: \x01",
        "(: y",
    ] {
        add(
            format!("A54 {line:?}"),
            format!("HTTP/1.1 200 OK\r\n{line}\r\nContent-Length: 2\r\n\r\nok").into_bytes(),
        );
    }
    for line in [
        "HTTP/1.1 200 OK\n",
        "HTTP/1.1 20 OK\r\n",
        "HTTP/1.1 2000 OK\r\n",
        "HTTP/1.1 099 OK\r\n",
        "HTTP/1.1 x00 OK\r\n",
        "HTTP/2 200 OK\r\n",
        "HTTP/1.2 200 OK\r\n",
        "http/1.1 200 OK\r\n",
        "HTTP/1.1  200 OK\r\n",
        "ICY 200 OK\r\n",
        "200 OK\r\n",
        "HTTP/1.1 200 O\0K\r\n",
        "HTTP/1.1 200 O\rK\r\n",
        "\r\nHTTP/1.1 200 OK\r\n",
        "<html>\r\n",
        "HTTP/1.1 600 What\r\n",
    ] {
        add(format!("A54 {line:?}"), format!("{line}Content-Length: 2\r\n\r\nok").into_bytes());
    }
    add("A54 all bare LF".to_owned(), b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok".to_vec());
    add(
        "A54 one huge field".to_owned(),
        format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n", "x".repeat(10 * 1024 * 1024)).into_bytes(),
    );
    add(
        "A54 a head without end".to_owned(),
        format!("HTTP/1.1 200 OK\r\n{}", "X: y\r\n".repeat(500_000)).into_bytes(),
    );
    add("A54 a line without end".to_owned(), "H".repeat(5 * 1024 * 1024).into_bytes());
    add(
        "A55 1,000 interim answers".to_owned(),
        ("HTTP/1.1 103 Early Hints\r\nX: y\r\n\r\n".repeat(1000) + POISON).into_bytes(),
    );
    add(
        "A49 101 unasked".to_owned(),
        b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\ntunnel"
            .to_vec(),
    );
    add("A49 101 unasked, bare".to_owned(), b"HTTP/1.1 101 Switching Protocols\r\n\r\n".to_vec());
    all_are_bad_gateways(answers);
}

#[test]
fn interim_answers_are_limited_and_say_nothing() {
    let front = Front::start();
    let interim = "HTTP/1.1 103 Early Hints\r\nSet-Cookie: __Host-vst=x\r\nX-Context-Update: {}\r\n\r\n";
    front.upstream.on("/hints", [Step::send(interim.repeat(3)), Step::Echo]);
    let response = ask(&front, "GET", "/hints").response();
    assert_eq!(response.text(), "n");
    for head in response.interim.iter().chain([&response]) {
        assert!(head.fields.spellings_of("x-context-update").is_empty() && !head.fields.has("set-cookie"));
    }
}

#[test]
fn bodies_that_should_not_be_there_reach_nobody() {
    let front = Front::start();
    let mut victims = Victims::new(&front);
    let heads = [
        ("HEAD", "200 OK", "Content-Length: 6\r\n"),
        ("HEAD", "200 OK", "Transfer-Encoding: chunked\r\n"),
        ("HEAD", "200 OK", ""),
        ("GET", "204 No Content", ""),
        ("GET", "204 No Content", "Content-Length: 6\r\n"),
        ("GET", "204 No Content", "Transfer-Encoding: chunked\r\n"),
        ("GET", "304 Not Modified", ""),
        ("GET", "304 Not Modified", "Content-Length: 6\r\n"),
        ("GET", "200 OK", "Content-Length: 0\r\n"),
    ];
    for (method, line, fields) in heads {
        let head = format!("HTTP/1.1 {line}\r\n{fields}\r\n");
        // Such a body that looks like an answer would be the next visitor's, if its connection were used again.
        front.upstream.on("/odd", [Step::send(format!("{head}{POISON}")), Step::ReadBody]);
        front.upstream.on("/odd-later", [Step::send(&head), Step::send(POISON), Step::ReadBody]);
        for target in ["/odd", "/odd-later"] {
            for _ in 0..5 {
                let mut client = ask(&front, method, target);
                let response = client.try_response_to(method);
                let status: u16 = line[..3].parse().unwrap();
                let fine = response
                    .as_ref()
                    .is_ok_and(|r| (r.status == status && r.body.is_empty()) || r.status == 502);
                assert!(fine, "A53 {method} {line} {fields:?}: {response:?}");
                assert!(
                    !String::from_utf8_lossy(&client.until_end(Duration::from_millis(5)).0)
                        .contains("poison")
                );
                assert_eq!(victims.visit(2), Ok(()), "A53 {method} {line} {fields:?} {target}");
            }
        }
    }
    assert_eq!(victims.visit(20), Ok(()));
}

#[test]
fn heads_beyond_the_limit_are_bad_gateways() {
    // Each field, and their number, is within its own limit.
    let fields = format!("X-Large: {}\r\n", "x".repeat(1000)).repeat(98);
    let mut answers = Vec::new();
    for (line, rest) in [
        ("200 OK", "Content-Length: 2\r\n\r\nhi"),
        ("204 No Content", "\r\n"),
        ("103 Early Hints", "\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"),
        ("200 OK", ""),
    ] {
        let bytes = format!("HTTP/1.1 {line}\r\n{fields}{rest}").into_bytes();
        answers.push((format!("A44 {line} {rest:?}"), bytes));
    }
    all_are_bad_gateways(answers);
}

#[test]
fn a_declared_body_that_comes_late_reaches_nobody() {
    // The same, when the body comes only after the next visitor's request went up.
    for (method, line, fields, go) in [
        ("HEAD", "200 OK", "Content-Length: 6\r\n", "late-1"),
        ("HEAD", "200 OK", "", "late-2"),
        ("GET", "204 No Content", "Content-Length: 6\r\n", "late-3"),
        ("GET", "204 No Content", "Transfer-Encoding: chunked\r\n", "late-4"),
    ] {
        let front = Front::start();
        let mut victims = Victims::new(&front);
        front.upstream.on(
            "/late",
            [Step::send(format!("HTTP/1.1 {line}\r\n{fields}\r\n")), Step::Hold(go), Step::send(POISON)],
        );
        let response = ask(&front, method, "/late").response_to(method);
        assert!(response.body.is_empty());
        // On several connections, so that one is served where the upstream's was kept.
        let mut next: Vec<Raw> = (0..8).map(|_| ask(&front, "GET", "/next")).collect();
        for client in &mut next {
            let _ = client.is_quiet_for(Duration::from_millis(10));
        }
        front.upstream.release(go);
        for client in &mut next {
            assert_eq!(client.response().text(), "n", "A53 {method} {line} {fields:?}");
        }
        assert_eq!(victims.visit(3), Ok(()), "A53 {method} {line} {fields:?}");
    }
}

#[test]
fn bytes_after_an_answer_are_no_answer() {
    let front = Front::start();
    let mut victims = Victims::new(&front);
    for extra in [POISON, "garbage", "\r\n", "HTTP/1.1 200 OK\r\n"] {
        front.upstream.on("/extra", [Step::Send([&answer(200, &[], "fine")[..], extra.as_bytes()].concat())]);
        front.upstream.on(
            "/extra-chunked",
            [Step::send(format!(
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nfine\r\n0\r\n\r\n{extra}"
            ))],
        );
        for target in ["/extra", "/extra-chunked"] {
            for _ in 0..5 {
                assert_eq!(ask(&front, "GET", target).response().text(), "fine");
                assert_eq!(victims.visit(2), Ok(()), "A53 {extra:?} after {target}");
            }
        }
    }
    assert_eq!(victims.visit(20), Ok(()));
}

#[test]
fn half_an_answer_after_an_answer_is_not_the_next_ones_beginning() {
    for (what, first) in [
        ("a length", answer(200, &[], "fine")),
        ("chunks", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nfine\r\n0\r\n\r\n".to_vec()),
        ("no body", b"HTTP/1.1 204 No Content\r\n\r\n".to_vec()),
    ] {
        let front = Front::start();
        let (half, rest) = POISON.split_at(POISON.len() / 2);
        let bytes = [&first, half.as_bytes()].concat();
        front.upstream.on("/half", [Step::Send(bytes), Step::Hold("rest"), Step::send(rest)]);
        assert!(ask(&front, "GET", "/half").response().status < 300);
        let mut next: Vec<Raw> = (0..8).map(|_| ask(&front, "GET", "/next")).collect();
        for client in &mut next {
            let _ = client.is_quiet_for(Duration::from_millis(10));
        }
        front.upstream.release("rest");
        for client in &mut next {
            assert_eq!(client.response().text(), "n", "A53 after {what}");
        }
    }
}

#[test]
fn a_cut_body_is_never_whole() {
    let front = Front::with(&Shape { route: QUICK, ..Shape::default() });
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    for (what, bytes) in [
        ("short of its length", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello".to_owned()),
        ("no last chunk", format!("{chunked}5\r\nhello\r\n")),
        ("cut in a chunk", format!("{chunked}9\r\nhello")),
        ("cut in a size", format!("{chunked}5\r\nhello\r\n1")),
        ("cut in the last chunk", format!("{chunked}5\r\nhello\r\n0\r\n")),
        ("bad size", format!("{chunked}5\r\nhello\r\nx\r\n")),
        ("spill", format!("{chunked}5\r\nhello!\r\n0\r\n\r\n")),
        ("bare LF", format!("{chunked}5\r\nhello\n0\r\n\r\n")),
        ("bad trailer", format!("{chunked}5\r\nhello\r\n0\r\nbad\r\n\r\n")),
    ] {
        for end in [Step::Close, Step::Reset, Step::Hang] {
            for version in ["1.1", "1.0"] {
                front.upstream.on("/cut", [Step::ReadBody, Step::send(&bytes), end.clone()]);
                let mut client = Raw::connect(front.proxy);
                client.send(format!("GET /cut HTTP/{version}\r\nHost: {HOST}\r\nConnection: close\r\n\r\n"));
                match client.try_response_to("GET") {
                    // Before anything was sent it may still become an error.
                    Ok(response) => {
                        assert_eq!(response.status, 502, "A56 {what}, {end:?}, HTTP/{version}: {response:?}");
                    }
                    Err(ended) => {
                        let aborted = matches!(ended.fault, Fault::Cut | Fault::Reset);
                        assert!(aborted, "A56 {what}, {end:?}, HTTP/{version}: {ended:?}");
                    }
                }
            }
        }
    }
    // A body that ends with its connection is whole when that closes, and cut when it is reset.
    let endless = "HTTP/1.1 200 OK\r\n\r\nhello";
    front.upstream.on("/close", [Step::ReadBody, Step::send(endless), Step::Close]);
    assert_eq!(get(front.proxy, HOST, "/close", &[]).text(), "hello");
    front.upstream.on("/close", [Step::ReadBody, Step::send(endless), Step::Hold("endless"), Step::Reset]);
    let mut client = ask(&front, "GET", "/close");
    assert_eq!(client.head().status, 200);
    front.upstream.release("endless");
    let (rest, _) = client.until_end(Duration::from_secs(2));
    assert!(!String::from_utf8_lossy(&rest).contains("0\r\n\r\n"), "a reset became a clean end: {rest:?}");
}

#[test]
fn a_request_is_sent_again_only_when_that_cannot_matter() {
    let front = Front::start();
    for end in [Step::Close, Step::Reset] {
        for method in ["GET", "POST", "PUT", "DELETE"] {
            // A57: it was read, so it is not sent again, whatever its method.
            front.upstream.on("/gone", [Step::ReadBody, end.clone()]);
            let _ = get(front.proxy, HOST, "/warm", &[]);
            assert_eq!(ask(&front, method, "/gone").response().status, 502, "{method} {end:?}");
            assert_eq!(front.upstream.take().of_target("/gone").len(), 1, "{method} {end:?}");
        }
    }
}

#[test]
fn a_pooled_connection_that_has_died_costs_no_safe_request() {
    let front = Front::start();
    for round in 0..20 {
        // What must not be sent twice is told in `pool`.
        for method in ["GET", "HEAD"] {
            assert_eq!(get(front.proxy, HOST, "/warm", &["X-Nonce: w"]).text(), "w");
            front.upstream.drop_connections();
            let nonce = format!("{method}-{round}");
            let mut client = Raw::connect(front.proxy);
            client.send(format!("{method} /once HTTP/1.1\r\nHost: {HOST}\r\nX-Nonce: {nonce}\r\n\r\n"));
            let response = client.response_to(method);
            assert_eq!(response.status, 200, "{nonce}: {response:?}");
            assert_eq!(front.upstream.take().of_target("/once").len(), 1, "{nonce}");
        }
    }
}

#[test]
fn silence_ends_at_its_time() {
    let front = Front::with(&Shape { route: QUICK, ..Shape::default() });
    front.upstream.on("/hang", [Step::ReadBody, Step::Hang]);
    front.upstream.on("/half-head", [Step::ReadBody, Step::send("HTTP/1.1 200 OK\r\nConte"), Step::Hang]);
    for target in ["/hang", "/half-head"] {
        let waited = Patience::new(Duration::from_secs(5));
        assert_eq!(ask(&front, "GET", target).response().status, 504, "{target}");
        let waited = waited.waited();
        assert!(
            waited >= Duration::from_millis(300) && waited < Duration::from_secs(2),
            "{target}: {waited:?}"
        );
    }
    // Stalled in the body, an abort is all that can still be said.
    front.upstream.on(
        "/stall",
        [Step::ReadBody, Step::send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello"), Step::Hang],
    );
    let ended = ask(&front, "GET", "/stall").try_response_to("GET").unwrap_err();
    assert!(matches!(ended.fault, Fault::Cut | Fault::Reset), "{ended:?}");
    assert_eq!(Victims::new(&front).visit(3), Ok(()));
}

#[test]
fn a_hung_app_stalls_nobody_else() {
    let front = Front::start();
    front.upstream.on("/hang", [Step::Hold("all"), Step::Echo]);
    let hung: Vec<Raw> = (0..100).map(|_| ask(&front, "GET", "/hang")).collect();
    front.upstream.wait_until("100 requests that hang", |seen| {
        seen.heads.iter().filter(|head| head.target == "/hang").count() == 100
    });
    // E23
    let waited = Patience::new(Duration::from_secs(5));
    assert_eq!(Victims::new(&front).visit(20), Ok(()));
    assert!(waited.waited() < Duration::from_secs(2));
    front.upstream.release("all");
    for mut client in hung {
        assert_eq!(client.response().text(), "n");
    }
}

#[test]
fn slow_is_not_silent() {
    let front = Front::with(&Shape { route: QUICK, ..Shape::default() });
    // Longer than the limit as a whole, but never still.
    let step = Step::Trickle(b"0123456789".to_vec(), Duration::from_millis(60));
    front
        .upstream
        .on("/slow", [Step::ReadBody, Step::send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n"), step]);
    assert_eq!(ask(&front, "GET", "/slow").response().text(), "0123456789");
}

#[test]
fn unreachable_upstreams_are_bad_gateways() {
    let closed = Port::free();
    // A resolver that is away says nothing of a name in time, which is another answer.
    for (app, statuses) in [
        (format!("http://{}", closed.address()), &[502][..]),
        ("http://no-such-host.invalid:80".to_owned(), &[502, 504]),
    ] {
        let running = serve_before(&app, &Shape { route: QUICK, ..Shape::default() });
        let response = get(address(&running, "proxy"), HOST, "/", &[]);
        assert!(statuses.contains(&response.status), "{app}: {response:?}");
        says_nothing_of_it(&response);
        running.stop();
    }
}

#[test]
fn an_upstream_that_takes_no_connection_is_given_up_at_its_time() {
    let full = Full::start();
    // The other times keep their minute.
    let running = serve_before(&full.url(), &Shape { route: "connect_timeout_ms = 300", ..Shape::default() });
    for method in ["GET", "POST"] {
        let mut client = Raw::connect(address(&running, "proxy"));
        let waited = Patience::new(Duration::from_secs(5));
        client.send(format!("{method} / HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 0\r\n\r\n"));
        let response = client.response();
        let waited = waited.waited();
        assert_eq!(response.status, 504, "{method}: {response:?}");
        assert!(waited >= Duration::from_millis(300) && waited < Duration::from_secs(2), "{waited:?}");
        says_nothing_of_it(&response);
    }
    running.stop();
}

#[track_caller]
fn says_nothing_of_it(response: &Response) {
    assert!(response.fields.has("cache-control"));
    let said = response.text().to_ascii_lowercase();
    assert!(!said.contains("127.0.0.1") && !said.contains("invalid") && !said.contains("refused"), "{said}");
}
