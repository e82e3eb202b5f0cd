//! A server with a face of the tests' own: hosting a router, reading bodies, dying, and what an idle connection costs.

use std::net::SocketAddr;
use std::sync::mpsc::channel;

use axum::routing::{get, post};
use testkit::client::{self, Raw};
use testkit::upstream::Upstream;
use vestibule_message::field::KnownSet;
use vestibule_message::host::Host;
use vestibule_message::lines::Lines as FieldLines;
use vestibule_message::status::Status;
use vestibule_message::target::Target;
use vestibule_routes::{Held, Route, Table};
use vestibule_testkit as testkit;

use super::*;
use crate::{Answer, BodyFault, Edit, Exchange, Line, Served, Strip};

static NOTHING: Strip = Strip { names: KnownSet::of(&[]), prefixes: &[], cookies: None };

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
                match x.relay(permit, edit()).await {
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
    let socket = crate::bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    let address = socket.local_addr().unwrap();
    let monitor = Monitor::default();
    let settings = Settings {
        cores: 1,
        wall: Arc::new(|| 0),
        seed: 7,
        limits: Limits::default(),
        access_log: None,
        monitor: monitor.clone(),
    };
    let face = Arc::new(Stage::new(upstream));
    (
        Server::start(settings, vec![Listener { socket, face, connections_max: 100 }]).unwrap(),
        address,
        monitor,
    )
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
fn an_idle_connection_is_small() {
    let shared = Arc::new(Shared {
        limits: Limits::default(),
        ticker: Ticker::start().unwrap(),
        open: vec![AtomicUsize::new(0)],
        draining: AtomicBool::new(false),
    });
    let runtime = runtime().unwrap();
    let _inside = runtime.enter();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let stream = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    stream.set_nonblocking(true).unwrap();
    let peer = stream.peer_addr().unwrap();
    let io = Io::plain(tokio::net::TcpStream::from_std(stream).unwrap());
    let future =
        connection::serve(Link::new(io, peer, Arc::clone(&shared)), Arc::new(Stage::new("http://a")));
    let size = size_of_val(&future);
    shared.ticker.stop();
    assert!(size <= 4096, "an idle connection's future has {size} bytes");
}
