//! A server with a face of the tests' own: hosting a router, reading bodies, dying, and what an idle connection costs.

use std::net::SocketAddr;
use std::sync::mpsc::channel;

use axum::routing::{get, post};
use testkit::client::{self, Raw};
use testkit::log::Log;
use testkit::patience::Patience;
use testkit::strict::Fault;
use testkit::upstream::{Step, Upstream};
use vestibule_message::field::KnownSet;
use vestibule_message::host::Host;
use vestibule_message::lines::Lines as FieldLines;
use vestibule_message::status::Status;
use vestibule_message::target::Target;
use vestibule_routes::{Held, Route, Table};
use vestibule_testkit as testkit;

use super::*;
use crate::buffer::BUFFER_BYTES;
use crate::{Answer, BodyFault, Edit, Exchange, Line, Served, Strip};

/// Connections open at once.
const CONNECTIONS_MAX: usize = 100;

static NOTHING: Strip = Strip { names: KnownSet::of(&[]), prefixes: &[], cookies: None };

mod ends;

struct Stage {
    router: axum::Router,
    table: Table<u8>,
}

impl Stage {
    fn new(upstream: &str) -> Self {
        let router = axum::Router::new()
            .route("/hosted/echo", post(|body: String| async move { ([("x-seen", "1")], body) }))
            .route(
                "/hosted/path/{name}",
                get(|axum::extract::Path(name): axum::extract::Path<String>| async { name }),
            );
        let route = Route {
            number: 0,
            host: Host::parse(b"a").unwrap(),
            prefix: Target::parse(b"/").unwrap(),
            upstream: Arc::new(vestibule_routes::Upstream::parse(upstream).unwrap()),
            requires: 0,
            conduct: Arc::default(),
        };
        Self { router, table: Table::new([route]).unwrap() }
    }
}

fn answer(code: u16, body: impl Into<Vec<u8>>) -> Answer {
    Answer::new(Status::new(code).unwrap()).body("text/plain", body)
}

impl Face for Stage {
    type Note = ();

    async fn serve<'c>(&'c self, mut x: Exchange<'c, ()>) -> Served {
        let target = x.head().target().clone();
        match target.path() {
            "/panic" => panic!("a bug, planted"),
            "/body" => match x.body(10).await {
                Ok(body) => x.answer(answer(200, body)).await,
                Err(BodyFault::TooLarge(_)) => x.answer(answer(413, "")).await,
                Err(_) => x.answer(answer(400, "")).await,
            },
            path if path.starts_with("/hosted/") => match x.host(self.router.clone(), |_| {}).await {
                Ok(answer) => x.answer(answer).await,
                Err(fault) => x.answer(answer(500, fault.to_string())).await,
            },
            path => {
                let host = x.head().host().clone();
                let permit = self.table.find(&host, &target).unwrap().admit(Held { standing: 0 }).unwrap();
                let edit = || Edit { strip: &NOTHING, lines: FieldLines::default() };
                match x.relay(permit, crate::Leash::NONE, edit()).await {
                    Ok(relayed) if path == "/replaced" => relayed.replace(answer(503, "replaced")).await,
                    Ok(_) if path == "/late-panic" => panic!("a bug after the head, planted"),
                    Ok(relayed) => relayed.send(edit()).await,
                    Err(refused) => refused.into_exchange().answer(answer(502, "")).await,
                }
            }
        }
    }

    fn log(&self, (): &(), _served: &Served, _line: &mut Line<'_>) {}
}

fn start(upstream: &str) -> (Server, SocketAddr, Monitor) {
    start_with(upstream, Limits::default(), None)
}

fn start_with(
    upstream: &str,
    limits: Limits,
    access_log: Option<Box<dyn Write + Send>>,
) -> (Server, SocketAddr, Monitor) {
    let socket = crate::bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    let address = socket.local_addr().unwrap();
    let settings = settings(limits, access_log);
    let monitor = settings.monitor.clone();
    let face = Arc::new(Stage::new(upstream));
    (
        Server::start(settings, vec![Listener { socket, face, connections_max: CONNECTIONS_MAX }]).unwrap(),
        address,
        monitor,
    )
}

fn settings(limits: Limits, access_log: Option<Box<dyn Write + Send>>) -> Settings {
    Settings { cores: 1, wall: Arc::new(|| 0), seed: 7, limits, access_log, monitor: Monitor::default() }
}

fn stop(server: Server) {
    let (hurried, hurry) = channel();
    drop(hurried);
    server.drain(Duration::ZERO, Duration::ZERO, &hurry);
}

#[test]
fn a_router_is_hosted() {
    let (server, at, _) = start("http://127.0.0.1:1");
    let mut client = Raw::connect(at);
    client.send(
        "POST /hosted/echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    );
    let response = client.response();
    assert_eq!(
        (response.status, response.text().as_str(), response.fields.only("x-seen")),
        (200, "abc", Some("1"))
    );
    assert_eq!(response.fields.only("date"), Some("Thu, 01 Jan 1970 00:00:00 GMT"));
    client.send("GET /hosted/path/%C3%BC HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(client.response().text(), "\u{fc}");
    client
        .send(format!("POST /hosted/echo HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n", 64 * 1024 + 1));
    assert_eq!(client.response().status, 500);
    client.expect_close_within(Duration::from_secs(2));
    stop(server);
}

#[test]
fn a_body_is_read_up_to_its_limit() {
    let (server, at, _) = start("http://127.0.0.1:1");
    let mut client = Raw::connect(at);
    client.send("POST /body HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 10\r\n\r\n");
    assert_eq!(client.head().status, 100);
    client.send("0123456789");
    assert_eq!(client.response().text(), "0123456789");
    client.send(
        "POST /body HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nb\r\n01234567890\r\n0\r\n\r\n",
    );
    assert_eq!(client.response().status, 413);
    stop(server);
}

#[test]
fn a_panic_ends_one_request_and_no_more() {
    let upstream = Upstream::start();
    let (server, at, monitor) = start(&upstream.url());
    let mut other = Raw::connect(at);
    for path in ["/panic", "/late-panic"] {
        let mut client = Raw::connect(at);
        client.send(format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n"));
        assert_eq!(client.response().status, 500, "{path}");
        client.expect_close_within(Duration::from_secs(2));
        other.send("GET /other HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_eq!(other.response().status, 200);
    }
    assert!(monitor.render().contains("vestibule_panics_total 2\n"));
    assert_eq!(client::get(at, "a", "/other", &[]).status, 200);
    stop(server);
}

#[test]
fn an_answer_can_be_replaced_before_it_leaves() {
    let upstream = Upstream::start();
    let (server, at, _) = start(&upstream.url());
    let mut client = Raw::connect(at);
    for _ in 0..2 {
        client.send("GET /replaced HTTP/1.1\r\nHost: a\r\n\r\n");
        let response = client.response();
        assert_eq!((response.status, response.text().as_str()), (503, "replaced"));
    }
    stop(server);
}

#[test]
fn what_the_end_of_the_server_cuts_has_its_one_line_too() {
    let (upstream, log) = (Upstream::start(), Log::default());
    upstream.on("/waits", [Step::Hold("for ever")]);
    let head = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nbegun";
    upstream.on("/streams", [Step::send(head), Step::Hold("for ever")]);
    let (server, at, monitor) = start_with(&upstream.url(), Limits::default(), Some(Box::new(log.clone())));
    let mut clients = Vec::new();
    for path in ["/whole", "/waits", "/streams"] {
        let mut client = Raw::connect(at);
        client.send(format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n"));
        upstream.wait_until(path, |seen| seen.heads.iter().any(|head| head.target == path));
        if path != "/waits" {
            assert_eq!(client.head().status, 200);
        }
        clients.push(client);
    }
    assert_eq!(clients[2].bytes(5).unwrap(), b"begun");
    stop(server);
    // Neither looks whole.
    for client in &mut clients[1..] {
        let (rest, end) = client.until_end(Duration::from_secs(2));
        assert_eq!((rest, end), (Vec::new(), Fault::Reset));
    }
    let log = log.text();
    for (path, status, is_cut) in [("/whole", 200, false), ("/waits", 0, true), ("/streams", 200, true)] {
        let lines: Vec<_> =
            log.lines().filter(|line| line.contains(&format!(r#""path":"{path}""#))).collect();
        let [line] = lines[..] else { panic!("{path}: {lines:?}") };
        assert!(line.contains(&format!(r#""status":{status},"#)), "{line}");
        assert_eq!(line.contains(r#""aborted":1,"fault":"the server has stopped""#), is_cut, "{line}");
    }
    let metrics = monitor.render();
    assert!(metrics.contains("vestibule_requests_total 3\n"), "{metrics}");
    assert!(metrics.contains("vestibule_aborted_total 2\n"), "{metrics}");
}

/// The one line of a path in an access log.
fn line_of(log: &Log, path: &str) -> String {
    let log = log.text();
    let lines: Vec<_> = log.lines().filter(|line| line.contains(&format!(r#""path":"{path}""#))).collect();
    let [line] = lines[..] else { panic!("{path}: {lines:?}") };
    line.to_owned()
}

#[test]
fn a_body_that_is_broken_from_its_start_is_a_bad_gateway() {
    let (upstream, log) = (Upstream::start(), Log::default());
    let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    let (server, at, _) = start_with(&upstream.url(), Limits::default(), Some(Box::new(log.clone())));
    for (path, first) in [("/at-once", "zz\r\n"), ("/second", "3\r\nabc\r\nzz\r\n")] {
        upstream.on(path, [Step::send(format!("{head}{first}")), Step::Hold("for ever")]);
        let mut client = Raw::connect(at);
        client.send(format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n"));
        assert_eq!(client.response().status, 502, "{path}");
    }
    // Once the head has left there is no other answer: the client sees that the body is not whole.
    upstream
        .on("/later", [Step::send(format!("{head}3\r\nabc\r\n")), Step::Hold("bad"), Step::send("zz\r\n")]);
    let mut client = Raw::connect(at);
    client.send("GET /later HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(client.head().status, 200);
    assert_eq!(client.bytes(8).unwrap(), b"3\r\nabc\r\n");
    upstream.release("bad");
    let (rest, end) = client.until_end(Duration::from_secs(2));
    assert_eq!((rest, end), (Vec::new(), Fault::Reset));
    stop(server);
    for (path, status, aborted) in [("/at-once", 502, false), ("/second", 502, false), ("/later", 200, true)]
    {
        let line = line_of(&log, path);
        assert!(line.contains(&format!(r#""status":{status},"#)), "{line}");
        assert_eq!(line.contains(r#""aborted":1"#), aborted, "{line}");
    }
}

#[test]
fn an_access_line_counts_what_left() {
    let (upstream, log) = (Upstream::start(), Log::default());
    upstream.on(
        "/chunks",
        [Step::send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n")],
    );
    let (server, at, _) = start_with(&upstream.url(), Limits::default(), Some(Box::new(log.clone())));
    let mut client = Raw::connect(at);
    client.send("GET /chunks HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    let (said, _) = client.until_end(Duration::from_secs(2));
    assert!(said.ends_with(b"3\r\nabc\r\n0\r\n\r\n"));
    stop(server);
    let line = line_of(&log, "/chunks");
    assert!(line.contains(&format!(r#""bytes_out":{},"#, said.len())), "{line}");
}

#[test]
fn a_browser_whose_cookies_are_too_large_is_shown_a_page() {
    let (server, at, _) = start("http://127.0.0.1:1");
    let bomb = format!("Cookie: bomb={}\r\n", "x".repeat(20_000));
    for (fields, kind) in [
        (format!("Accept: text/html\r\n{bomb}"), "text/html; charset=utf-8"),
        (format!("{bomb}Sec-Fetch-Dest: document\r\n"), "text/html; charset=utf-8"),
        // Larger than a whole head may be: what comes after that is not read.
        (format!("Accept: text/html\r\n{}", bomb.repeat(4)), "text/html; charset=utf-8"),
        (format!("{}Accept: text/html\r\n", bomb.repeat(20)), "application/problem+json"),
        (format!("Accept: */*\r\n{bomb}"), "application/problem+json"),
    ] {
        let mut client = Raw::connect(at);
        let _ = client.try_send(format!("GET / HTTP/1.1\r\nHost: a\r\n{fields}\r\n"));
        let response = client.response();
        assert_eq!((response.status, response.fields.only("content-type")), (431, Some(kind)));
        assert_eq!(
            response.text().contains("<li>bomb (21 KB)</li>"),
            kind.starts_with("text/html"),
            "{response:?}"
        );
        assert!(!response.fields.has("set-cookie") && !response.fields.has("clear-site-data"));
    }
    stop(server);
}

/// An access log that takes nothing until its reader is dropped.
struct Stuck(std::sync::mpsc::Receiver<()>);

impl Write for Stuck {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // Ends only when the test lets go.
        let _released = self.0.recv();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_log_that_nobody_reads_does_not_hold_up_the_end() {
    let upstream = Upstream::start();
    let (reader, stuck) = channel::<()>();
    let (server, at, _) = start_with(&upstream.url(), Limits::default(), Some(Box::new(Stuck(stuck))));
    assert_eq!(client::get(at, "a", "/", &[]).status, 200);
    let (ended, end) = channel();
    std::thread::spawn(move || {
        stop(server);
        ended.send(()).unwrap();
    });
    assert!(end.recv_timeout(10 * LOG_MAX).is_ok(), "the end waits for the log");
    drop(reader);
}

#[test]
fn a_message_gives_up_a_log_that_nobody_reads() {
    let upstream = Upstream::start();
    let (reader, stuck) = channel::<()>();
    let (server, at, _) = start_with(&upstream.url(), Limits::default(), Some(Box::new(Stuck(stuck))));
    assert_eq!(client::get(at, "a", "/", &[]).status, 200);
    let (hurried, hurry) = channel();
    // One is enough, though it has cut the connections already.
    hurried.send(()).unwrap();
    let begun = tick::now();
    server.drain(Duration::ZERO, Duration::ZERO, &hurry);
    assert!(begun.elapsed() < LOG_MAX);
    drop(reader);
}

#[test]
fn a_full_listener_makes_room_for_clients_that_have_something_to_say() {
    let upstream = Upstream::start();
    upstream.on("/waits", [Step::Hold("for long")]);
    let (server, at, _) = start(&upstream.url());
    let mut busy = Raw::connect(at);
    busy.send("GET /waits HTTP/1.1\r\nHost: a\r\n\r\n");
    upstream.wait_until("/waits", |seen| seen.heads.iter().any(|head| head.target == "/waits"));
    let mut used = Raw::connect(at);
    used.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(used.response().status, 200);
    let mut silent: Vec<_> = (2..CONNECTIONS_MAX).map(|_| Raw::connect(at)).collect();
    silent.push(used);
    // One more than there is room for, and long before a silent one has been silent for too long.
    let begun = tick::now();
    assert_eq!(client::get(at, "a", "/other", &[]).status, 200);
    assert!(begun.elapsed() < Limits::default().head_timeout / 2, "{:?}", begun.elapsed());
    // Which one is not said.
    let has_gone = |client: &mut Raw| !client.is_quiet_for(Duration::from_millis(1));
    assert!(silent.iter_mut().any(has_gone), "nobody went");
    assert!(busy.is_quiet_for(Duration::from_millis(100)), "a request under way is left alone");
    stop(server);
}

#[test]
fn a_full_listener_makes_room_among_its_own_only() {
    let upstream = Upstream::start();
    upstream.on("/waits", [Step::Hold("for long")]);
    let sockets = [(); 2].map(|()| crate::bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap());
    let [wide, narrow] = sockets.each_ref().map(|socket| socket.local_addr().unwrap());
    let face = Arc::new(Stage::new(&upstream.url()));
    let listeners = sockets.into_iter().zip([CONNECTIONS_MAX, 2]);
    let listeners = listeners
        .map(|(socket, connections_max)| Listener { socket, face: Arc::clone(&face), connections_max })
        .collect();
    let server = Server::start(settings(Limits::default(), None), listeners).unwrap();
    // It waits for longer than anybody on the listener that is full.
    let mut elsewhere = Raw::connect(wide);
    elsewhere.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(elsewhere.response().status, 200);
    let mut busy = Raw::connect(narrow);
    busy.send("GET /waits HTTP/1.1\r\nHost: a\r\n\r\n");
    upstream.wait_until("/waits", |seen| seen.heads.iter().any(|head| head.target == "/waits"));
    let mut silent = Raw::connect(narrow);
    assert_eq!(client::get(narrow, "a", "/other", &[]).status, 200);
    silent.expect_close_within(Duration::from_secs(2));
    elsewhere.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(elsewhere.response().status, 200);
    stop(server);
}

#[test]
fn heads_in_pieces_share_the_memory_they_may_hold() {
    let upstream = Upstream::start();
    let limits = Limits { head_bytes_in_flight_max: 2 * BUFFER_BYTES, ..Limits::default() };
    let (server, at, monitor) = start_with(&upstream.url(), limits, None);
    let large = format!("GET / HTTP/1.1\r\n{}Host: ", format!("X: {}\r\n", "x".repeat(10_000)).repeat(2));
    let begin = || {
        let mut client = Raw::connect(at);
        client.send(&large);
        client
    };
    let (mut first, mut second) = (begin(), begin());
    let quiet = Duration::from_millis(100);
    assert!(first.is_quiet_for(quiet) && second.is_quiet_for(quiet));
    // One too many, and each further one.
    for _ in 0..3 {
        let mut third = begin();
        let response = third.response();
        assert!(response.status == 503 && response.says_close(), "{response:?}");
        assert_eq!(response.fields.only("retry-after"), Some("1"));
    }
    assert!(monitor.render().contains("vestibule_heads_crowded_out_total 3\n"));
    // Whoever comes in one piece needs no room.
    assert_eq!(client::get(at, "a", "/other", &[]).status, 200);
    // Who gets done makes room, and so does who leaves.
    for finish in [true, false] {
        if finish {
            first.send("a\r\n\r\n");
            assert_eq!(first.response().status, 200);
        } else {
            second.finish();
        }
        let patience = Patience::new(Duration::from_secs(5));
        let mut next = begin();
        while !next.is_quiet_for(quiet) {
            assert!(!patience.left().is_zero(), "no room was made");
            next = begin();
        }
        next.send("a\r\n\r\n");
        assert_eq!(next.response().status, 200);
    }
    stop(server);
}

#[test]
fn a_small_head_in_pieces_needs_no_room_and_an_empty_line_holds_none() {
    let upstream = Upstream::start();
    let limits = Limits { head_bytes_in_flight_max: 1, ..Limits::default() };
    let (server, at, monitor) = start_with(&upstream.url(), limits, None);
    let mut clients = Vec::new();
    for begun in ["\r", "\r\n", "G", "GET / HTTP/1.1\r\nHost: "].repeat(5) {
        let mut client = Raw::connect(at);
        client.send(begun);
        clients.push((client, begun));
    }
    for (client, begun) in &mut clients {
        assert!(client.is_quiet_for(Duration::from_millis(20)), "{begun:?}");
        let rest = if *begun == "\r" {
            "\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"
        } else {
            "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
        };
        client.send(rest.strip_prefix(*begun).unwrap_or(rest));
        assert_eq!(client.response().status, 200, "{begun:?}");
    }
    assert!(monitor.render().contains("vestibule_heads_crowded_out_total 0\n"));
    stop(server);
}

#[test]
fn a_head_counts_for_the_memory_it_has_grown_to() {
    let upstream = Upstream::start();
    let limits = Limits { head_bytes_in_flight_max: 2 * BUFFER_BYTES, ..Limits::default() };
    let (server, at, _) = start_with(&upstream.url(), limits, None);
    let mut client = Raw::connect(at);
    let field = format!("X: {}\r\n", "x".repeat(15_000));
    client.send(format!("GET / HTTP/1.1\r\nHost: a\r\n{}", field.repeat(3)));
    assert_eq!(client.response().status, 503);
    stop(server);
}

#[test]
fn an_idle_connection_is_small() {
    let shared = Arc::new(Shared {
        limits: Limits::default(),
        ticker: Ticker::start().unwrap(),
        open: vec![AtomicUsize::new(0)],
        head_bytes: AtomicUsize::new(0),
        draining: AtomicBool::new(false),
    });
    let runtime = runtime().unwrap();
    let _inside = runtime.enter();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let stream = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    stream.set_nonblocking(true).unwrap();
    let peer = stream.peer_addr().unwrap();
    let io = Io::plain(tokio::net::TcpStream::from_std(stream).unwrap());
    let future = connection::serve(
        Link::new(io, peer, Arc::clone(&shared), Arc::default()),
        Arc::new(Stage::new("http://a")),
    );
    let size = size_of_val(&future);
    shared.ticker.stop();
    assert!(size <= 4096, "an idle connection's future has {size} bytes");
}
