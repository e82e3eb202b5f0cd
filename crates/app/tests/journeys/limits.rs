//! Limits: how large, how slow, how many. Whoever passes one hears so and is closed; everybody else goes on.

use std::time::Duration;

use vestibule_testkit::client::{Raw, get};
use vestibule_testkit::patience::Patience;
use vestibule_testkit::strict::Fault;
use vestibule_testkit::upstream::{Step, answer};

use super::front::{Front, HOST, Shape, Victims};

const CLOSE_WAIT: Duration = Duration::from_secs(1);
/// Deadlines short enough for a test; the clock behind them ticks every 100 ms.
const SHORT: &str =
    "head_timeout_ms = 300\nidle_timeout_ms = 400\nbody_timeout_ms = 300\nwrite_timeout_ms = 400";
/// Pieces of a body that comes for two seconds.
const TRICKLES: usize = 40;
/// The latest a limit of 300 or 400 ms may show.
const LATE: Duration = Duration::from_millis(1500);

fn status_of(front: &Front, bytes: &str) -> u16 {
    let mut client = Raw::connect(front.proxy);
    let _ = client.try_send(bytes);
    let response = client.response();
    if response.status != 200 {
        assert!(response.says_close());
        client.expect_close_within(CLOSE_WAIT);
    }
    response.status
}

fn get_with(fields: &str) -> String {
    format!("GET / HTTP/1.1\r\nHost: {HOST}\r\n{fields}\r\n")
}

#[test]
fn heads_have_their_published_sizes() {
    let front = Front::start();
    let mut failures = Vec::new();
    let mut check = |what: &str, status: u16, bytes: &str| {
        let got = status_of(&front, bytes);
        let reached = !front.upstream.take().heads.is_empty();
        if got != status || reached != (status == 200) {
            failures.push(format!("A44 {what}: {got}, not {status}; upstream reached: {reached}"));
        }
    };
    // With Host, 100 fields.
    check("100 fields", 200, &get_with(&"X: y\r\n".repeat(99)));
    check("101 fields", 431, &get_with(&"X: y\r\n".repeat(100)));
    check("300 fields", 431, &get_with(&"X: y\r\n".repeat(300)));
    check("5,000 fields", 431, &get_with(&"X: y\r\n".repeat(5000)));
    let field = |bytes: usize| get_with(&format!("X-Any: {}\r\n", "x".repeat(bytes - "X-Any".len())));
    check("a field of 16 KiB", 200, &field(16 * 1024));
    check("a field of 16 KiB and one byte", 431, &field(16 * 1024 + 1));
    check("a cookie of 17 KiB", 431, &get_with(&format!("Cookie: a={}\r\n", "x".repeat(17 * 1024))));
    check(
        "1,000 cookies in 100 lines",
        431,
        &get_with(&format!("Cookie: {}\r\n", "a=b; ".repeat(10)).repeat(100)),
    );
    check("a name of 17 KiB", 431, &get_with(&format!("{}: y\r\n", "x".repeat(17 * 1024))));
    let head = |bytes: usize| {
        let plain = get_with("").len();
        let four = format!("X-4: {}\r\n", "x".repeat(15_000)).repeat(4);
        get_with(&format!("{four}X-4: {}\r\n", "x".repeat(bytes - plain - four.len() - "X-4: \r\n".len())))
    };
    check("a head of 64 KiB", 200, &head(64 * 1024));
    check("a head of 64 KiB and one byte", 431, &head(64 * 1024 + 1));
    check("a head of 1 MiB", 431, &get_with(&format!("X: {}\r\n", "x".repeat(1024)).repeat(1024)));
    let target = |bytes: usize| format!("GET /{} HTTP/1.1\r\nHost: {HOST}\r\n\r\n", "x".repeat(bytes - 1));
    check("a target of 8 KiB", 200, &target(8 * 1024));
    check("a target of 8 KiB and one byte", 414, &target(8 * 1024 + 1));
    check("a target of 1 MiB", 414, &target(1024 * 1024));
    check(
        "a query of 9 KiB",
        414,
        &format!("GET /?{} HTTP/1.1\r\nHost: {HOST}\r\n\r\n", "x".repeat(9 * 1024)),
    );
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn configured_sizes_count() {
    let limits = "head_bytes_max = 1000\nfields_max = 5\nfield_bytes_max = 200\ntarget_bytes_max = 100";
    let front = Front::with(&Shape { limits, ..Shape::default() });
    assert_eq!(status_of(&front, &get_with(&"X: y\r\n".repeat(4))), 200);
    assert_eq!(status_of(&front, &get_with(&"X: y\r\n".repeat(5))), 431);
    assert_eq!(status_of(&front, &get_with(&format!("X: {}\r\n", "x".repeat(200)))), 431);
    assert_eq!(status_of(&front, &get_with(&format!("X: {}\r\n", "x".repeat(190)).repeat(4))), 200);
    assert_eq!(status_of(&front, &get_with(&format!("X: {}\r\n", "x".repeat(300)).repeat(4))), 431);
    assert_eq!(status_of(&front, &format!("GET /{} HTTP/1.1\r\nHost: {HOST}\r\n\r\n", "x".repeat(100))), 414);
}

#[test]
fn trailers_and_extensions_have_sizes_too() {
    let front = Front::start();
    let post = |body: &str| {
        format!("POST /sized HTTP/1.1\r\nHost: {HOST}\r\nTransfer-Encoding: chunked\r\n\r\n{body}")
    };
    for (what, body, statuses) in [
        ("A22 1,000 trailer fields", format!("0\r\n{}\r\n", "X: y\r\n".repeat(1000)), [400, 431]),
        ("A22 a trailer of 64 KiB", format!("0\r\nX: {}\r\n\r\n", "y".repeat(64 * 1024)), [400, 431]),
        (
            "A19 an extension of 17 KiB",
            format!("1;a={}\r\nx\r\n0\r\n\r\n", "b".repeat(17 * 1024)),
            [400, 400],
        ),
        ("A19 many extensions", format!("1;a={}\r\nx\r\n", "b".repeat(100)).repeat(400), [400, 400]),
    ] {
        let status = status_of(&front, &post(&body));
        assert!(statuses.contains(&status), "{what}: {status}");
        assert!(front.upstream.take().of_target("/sized").is_empty(), "{what}");
    }
    assert_eq!(Victims::new(&front).visit(3), Ok(()));
}

#[test]
fn a_body_beyond_its_limit_is_refused_by_its_length() {
    let front = Front::start();
    let mut client = Raw::connect(front.proxy);
    client.send(format!("POST / HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 999999999\r\n\r\n"));
    let response = client.response();
    assert!(response.status == 413 && response.says_close());
    client.expect_close_within(CLOSE_WAIT);
    assert!(front.upstream.take().raw().is_empty());
}

/// The server's word on a stop after these bytes: the status, and that it came neither early nor late.
fn stopped_after(front: &Front, bytes: &str) -> u16 {
    let waited = Patience::new(LATE);
    let mut client = Raw::connect(front.proxy);
    client.send(bytes);
    let response = client.response();
    let took = waited.waited();
    assert!(took >= Duration::from_millis(300) && took < LATE, "{bytes:?}: {took:?}");
    assert!(response.says_close());
    // A29: the rest comes too late and is not read.
    let _ = client.try_send("\r\nGET /after HTTP/1.1\r\nHost: shop.test\r\n\r\n");
    client.expect_close_within(CLOSE_WAIT);
    response.status
}

#[test]
fn who_stops_half_way_is_told_and_closed() {
    let front = Front::with(&Shape { limits: SHORT, ..Shape::default() });
    let mut victims = Victims::new(&front);
    let head = format!("POST /slow HTTP/1.1\r\nHost: {HOST}\r\n");
    for bytes in [
        "G".to_owned(),
        "GET / HTTP/1.1\r\nHost: sh".to_owned(),
        head.clone(),
        format!("{head}Content-Length: 10\r\n\r\n"),
        format!("{head}Content-Length: 10\r\n\r\nhello"),
        format!("{head}Transfer-Encoding: chunked\r\n\r\n"),
        format!("{head}Transfer-Encoding: chunked\r\n\r\n5\r\nhel"),
        format!("{head}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX: y"),
    ] {
        assert_eq!(stopped_after(&front, &bytes), 408, "{bytes:?}");
        victims = victims.renewed(&front);
        assert_eq!(victims.visit(2), Ok(()), "{bytes:?}");
    }
    let seen = front.upstream.take();
    assert!(seen.of_target("/slow").is_empty() && seen.of_target("/after").is_empty());
    // A23: what was half sent is no connection to be used again.
    front.upstream.wait_until("the end of each half request", |seen| {
        seen.connections.iter().all(|connection| {
            connection.ended || connection.raw.is_empty() || !connection.raw.ends_with(b"hel")
        })
    });
}

#[test]
fn drop_by_drop_does_not_hold_a_head_open() {
    let front = Front::with(&Shape { limits: SHORT, ..Shape::default() });
    let waited = Patience::new(Duration::from_secs(5));
    let mut client = Raw::connect(front.proxy);
    // A45: each byte is in time, the head as a whole is not.
    for byte in get_with(&"X: y\r\n".repeat(20)).as_bytes() {
        if client.try_send([*byte]).is_err() || !client.is_quiet_for(Duration::from_millis(50)) {
            break;
        }
    }
    assert!(waited.waited() < LATE, "{:?}", waited.waited());
    assert_eq!(client.response().status, 408);
    client.expect_close_within(CLOSE_WAIT);
}

#[test]
fn a_body_that_only_trickles_is_given_up() {
    // A45: each piece is in time; what counts after that is how fast they come on the whole.
    for (least, bytes, status) in [(1_000, 1, 408), (1_000, 400, 200), (0, 1, 200)] {
        let limits = format!("body_timeout_ms = 300\nbody_bytes_per_second_min = {least}");
        let front = Front::with(&Shape { limits: &limits, ..Shape::default() });
        let waited = Patience::new(Duration::from_secs(5));
        let mut client = Raw::connect(front.proxy);
        let length = TRICKLES * bytes;
        client.send(format!("POST /slow HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: {length}\r\n\r\n"));
        for _ in 0..TRICKLES {
            if client.try_send("x".repeat(bytes)).is_err() || !client.is_quiet_for(Duration::from_millis(50))
            {
                break;
            }
        }
        let response = client.response();
        assert_eq!(response.status, status, "{bytes} bytes at a time, {least} a second: {response:?}");
        // The first whole second that counts begins when the body may no longer stand still.
        assert!(waited.waited() >= Duration::from_millis(1_300), "{:?}", waited.waited());
        assert_eq!(front.upstream.take().of_target("/slow").len(), usize::from(status == 200));
        if status != 200 {
            assert!(response.says_close());
            client.expect_close_within(CLOSE_WAIT);
        }
    }
}

#[test]
fn idle_connections_end_without_a_word() {
    let front = Front::with(&Shape { limits: SHORT, ..Shape::default() });
    // Nothing sent at all.
    let (said, end) = Raw::connect(front.proxy).until_end(LATE);
    assert_eq!(end, Fault::Closed);
    assert!(said.is_empty() || said.starts_with(b"HTTP/1.1 408 "), "{:?}", String::from_utf8_lossy(&said));
    // Nothing after an answer.
    let mut client = Raw::connect(front.proxy);
    client.send(get_with(""));
    assert_eq!(client.response().status, 200);
    let (said, end) = client.until_end(LATE);
    assert_eq!((said, end), (Vec::new(), Fault::Closed));
}

#[test]
fn connections_are_capped_and_the_next_one_waits() {
    let front = Front::with(&Shape { limits: "connections_max = 4", ..Shape::default() });
    let mut open: Vec<Raw> = (0..4).map(|_| Raw::connect(front.proxy)).collect();
    for client in &mut open {
        client.send(get_with(""));
        assert_eq!(client.response().status, 200);
    }
    // E33: the fifth waits in the kernel's queue, those inside go on, and when one leaves it is served.
    let mut waiting = Raw::connect(front.proxy);
    waiting.send(get_with("X-Nonce: waited\r\n"));
    assert!(waiting.is_quiet_for(Duration::from_millis(200)));
    for client in &mut open {
        client.send(get_with(""));
        assert_eq!(client.response().status, 200);
    }
    drop(open.pop());
    assert_eq!(waiting.response().text(), "waited");
    assert_eq!(get(front.metrics, HOST, "/healthz", &[]).status, 200);
}

#[test]
fn heads_in_pieces_are_refused_when_they_hold_too_much_memory() {
    // Each of them has grown by 16 KiB beyond the buffer that every connection may have.
    let large = format!("GET / HTTP/1.1\r\n{}Host: ", format!("X: {}\r\n", "x".repeat(10_000)).repeat(2));
    let front = Front::with(&Shape { limits: "head_bytes_in_flight_max = 40_000", ..Shape::default() });
    let mut begun: Vec<Raw> = (0..2).map(|_| Raw::connect(front.proxy)).collect();
    for client in &mut begun {
        client.send(&large);
        assert!(client.is_quiet_for(Duration::from_millis(100)));
    }
    // One too many is told to come back, who comes in one piece or needs no more room is served, and those inside go on.
    assert_eq!(status_of(&front, &large), 503);
    assert_eq!(Victims::new(&front).visit(3), Ok(()));
    let mut small = Raw::connect(front.proxy);
    small.send("GET / HTTP/1.1\r\nHost: ");
    assert!(small.is_quiet_for(Duration::from_millis(100)));
    begun.push(small);
    for client in &mut begun {
        client.send(format!("{HOST}\r\n\r\n"));
        assert_eq!(client.response().status, 200);
    }
}

#[test]
fn a_crowd_of_slow_clients_hurts_nobody_else() {
    let front = Front::with(&Shape { limits: SHORT, ..Shape::default() });
    let mut slow: Vec<Raw> = (0..200).map(|_| Raw::connect(front.proxy)).collect();
    for client in &mut slow {
        client.send("GET / HTTP/1.1\r\nHost: ");
    }
    assert_eq!(Victims::new(&front).visit(10), Ok(()));
    for client in &mut slow {
        assert_eq!(client.response().status, 408);
    }
    assert_eq!(Victims::new(&front).visit(3), Ok(()));
}

#[test]
fn who_reads_nothing_is_cut() {
    let front = Front::with(&Shape { route: "stall_timeout_ms = 300", ..Shape::default() });
    front.upstream.on("/large", [Step::Send(answer(200, &[], vec![b'x'; 64 * 1024 * 1024]))]);
    let mut deaf = Raw::connect(front.proxy);
    deaf.send(format!("GET /large HTTP/1.1\r\nHost: {HOST}\r\n\r\n"));
    // A45: the sockets' buffers fill, then nothing moves.
    front.upstream.wait_until("the end of the relay", |seen| seen.connections.iter().any(|c| c.ended));
    let (read, end) = deaf.until_end(LATE);
    assert!(end == Fault::Reset || read.len() < 64 * 1024 * 1024, "{end:?} after {} bytes", read.len());
}

#[test]
fn who_reads_no_answer_of_ours_is_cut() {
    let front = Front::with(&Shape { limits: "write_timeout_ms = 300", ..Shape::default() });
    let mut deaf = Raw::connect(front.metrics);
    let ask = "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n";
    deaf.send(ask);
    assert_eq!(deaf.response().status, 200);
    let waited = Patience::new(Duration::from_secs(5));
    // Far more than the sockets' buffers take.
    deaf.send(ask.repeat(2_000));
    while front.running.open_connections() > 0 {
        assert!(!waited.left().is_zero(), "it is still open");
        std::thread::yield_now();
    }
    assert!(waited.waited() >= Duration::from_millis(300), "{:?}", waited.waited());
    assert_eq!(deaf.until_end(Duration::from_secs(5)).1, Fault::Reset);
    // Who reads is served as before.
    let mut client = Raw::connect(front.metrics);
    for _ in 0..3 {
        client.send(ask);
        assert_eq!(client.response().status, 200);
    }
}

#[test]
fn garbage_is_survived() {
    let front = Front::with(&Shape { limits: SHORT, ..Shape::default() });
    // A fixed sequence that looks random; what it is does not matter.
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut byte = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    };
    for round in 0..200 {
        let noise: Vec<u8> = (0..=round * 7).map(|_| byte()).collect();
        let mut client = Raw::connect(front.proxy);
        let _ = client.try_send([&noise[..], b"\r\n\r\n"].concat());
        client.finish();
        if let Ok(response) = client.try_response_to("GET") {
            assert!((400..600).contains(&response.status), "{response:?}");
        }
    }
    // O10: alive, and nothing of it went on.
    assert_eq!(get(front.metrics, HOST, "/healthz", &[]).status, 200);
    assert!(front.upstream.take().raw().is_empty());
    assert_eq!(Victims::new(&front).visit(3), Ok(()));
}

#[test]
fn clients_that_leave_at_any_point_leave_nothing_behind() {
    let front = Front::start();
    let bytes = format!("POST /left HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 5\r\n\r\nhello");
    for at in 0..bytes.len() {
        for reset in [false, true] {
            let mut client = Raw::connect(front.proxy);
            client.send(&bytes[..at]);
            if reset {
                client.reset();
            }
        }
    }
    let seen = front.upstream.take();
    assert!(seen.of_target("/left").is_empty() && seen.faults().is_empty());
    assert_eq!(Victims::new(&front).visit(5), Ok(()));
    // O7: every one of them is forgotten; what is open is the victims', and theirs has gone too.
    let waited = Patience::new(Duration::from_secs(3));
    while front.running.open_connections() > 0 && !waited.left().is_zero() {
        let _ = get(front.metrics, HOST, "/healthz", &[]);
    }
    assert!(front.running.open_connections() <= 1, "{} still open", front.running.open_connections());
}
