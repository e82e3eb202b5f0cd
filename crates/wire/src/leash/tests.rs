//! Streams on real sockets that are cut when their anchor slips, and only then.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use vestibule_message::field::KnownSet;
use vestibule_message::host::Host;
use vestibule_message::lines::Lines;
use vestibule_message::status::Status;
use vestibule_message::target::Target;
use vestibule_routes::{Held, Route, Table, Upstream};
use vestibule_testkit::client::Raw;
use vestibule_testkit::log::Log;
use vestibule_testkit::patience::{PATIENCE, Patience};
use vestibule_testkit::strict::Fault;
use vestibule_testkit::upstream::{self, Step, answer};

use super::*;
use crate::{
    Answer, Edit, Exchange, Face, Limits, Line, Listener, Monitor, RelayFault, Served, Server, Settings,
    Strip,
};

static NOTHING: Strip = Strip { names: KnownSet::of(&[]), prefixes: &[], cookies: None };
const ENDED: Slip = Slip::Ended("it has ended");
const CHUNKED: &[u8] = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\none \r\n";

/// An anchor that the test holds.
struct Hook {
    glance: Mutex<Grip>,
    look: Mutex<Grip>,
    made: AtomicUsize,
    looked: AtomicUsize,
    /// Heads of answers that came.
    heads: AtomicUsize,
}

impl Hook {
    fn new() -> Arc<Self> {
        let holds = || Mutex::new(Grip::Holds);
        let none = AtomicUsize::default;
        Arc::new(Self { glance: holds(), look: holds(), made: none(), looked: none(), heads: none() })
    }

    fn set(grip: &Mutex<Grip>, to: Grip) {
        *grip.lock().unwrap_or_else(PoisonError::into_inner) = to;
    }
}

impl Anchor for Hook {
    fn glance(&self) -> Grip {
        *self.glance.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn look(self: Arc<Self>) -> Pin<Box<dyn Future<Output = Grip> + Send>> {
        self.looked.fetch_add(1, Ordering::SeqCst);
        Box::pin(async move { *self.look.lock().unwrap_or_else(PoisonError::into_inner) })
    }
}

/// Relays everything, on the hook.
struct Stage {
    table: Table<u8>,
    hook: Arc<Hook>,
}

impl Face for Stage {
    type Note = ();

    async fn serve<'c>(&'c self, x: Exchange<'c, ()>) -> Served {
        let (host, target) = (x.head().host().clone(), x.head().target().clone());
        let permit = self.table.find(&host, &target).unwrap().admit(Held { standing: 0 }).unwrap();
        let edit = || Edit { strip: &NOTHING, lines: Lines::default() };
        let anchor = || {
            self.hook.made.fetch_add(1, Ordering::SeqCst);
            Arc::clone(&self.hook) as Arc<dyn Anchor>
        };
        match x.relay(permit, Leash::new(&anchor), edit()).await {
            Ok(relayed) => {
                self.hook.heads.fetch_add(1, Ordering::SeqCst);
                relayed.send(edit()).await
            }
            Err(refused) => {
                let code = if matches!(refused.fault(), RelayFault::Cut(_)) { 401 } else { 502 };
                refused.into_exchange().answer(Answer::new(Status::new(code).unwrap())).await
            }
        }
    }

    fn log(&self, (): &(), _served: &Served, _line: &mut Line<'_>) {}
}

struct Bench {
    upstream: upstream::Upstream,
    hook: Arc<Hook>,
    server: Server,
    at: SocketAddr,
    monitor: Monitor,
    log: Log,
}

impl Bench {
    fn new() -> Self {
        let (upstream, hook) = (upstream::Upstream::start(), Hook::new());
        let socket = crate::bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
        let at = socket.local_addr().unwrap();
        let route = Route {
            number: 0,
            host: Host::parse(b"a").unwrap(),
            prefix: Target::parse(b"/").unwrap(),
            upstream: Arc::new(Upstream::parse(&upstream.url()).unwrap()),
            requires: 0,
            conduct: Arc::default(),
        };
        let (monitor, log) = (Monitor::default(), Log::default());
        let settings = Settings {
            cores: 2,
            wall: Arc::new(|| 0),
            seed: 7,
            limits: Limits::default(),
            access_log: Some(Box::new(log.clone())),
            monitor: monitor.clone(),
        };
        let face = Arc::new(Stage { table: Table::new([route]).unwrap(), hook: Arc::clone(&hook) });
        let server = Server::start(settings, vec![Listener { socket, face, connections_max: 1000 }]).unwrap();
        Self { upstream, hook, server, at, monitor, log }
    }

    fn ask(&self, path: &str) -> Raw {
        let mut client = Raw::connect(self.at);
        client.send(format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n"));
        client
    }

    /// A client in the middle of an answer that comes in chunks.
    fn streaming(&self) -> Raw {
        self.upstream
            .on("/stream", [Step::send(CHUNKED), Step::Hold("more"), Step::send("4\r\ntwo \r\n0\r\n\r\n")]);
        let mut client = self.ask("/stream");
        assert_eq!(client.head().status, 200);
        assert_eq!(client.bytes(9).unwrap(), b"4\r\none \r\n");
        self.wait_for("vestibule_leashed", 1);
        client
    }

    #[track_caller]
    fn wait_for(&self, name: &str, value: usize) {
        let (patience, line) = (Patience::new(PATIENCE), format!("\n{name} {value}\n"));
        while !self.monitor.render().contains(&line) {
            assert!(!patience.left().is_zero(), "never{line}{}", self.monitor.render());
            std::thread::yield_now();
        }
    }

    fn slip(&self) {
        Hook::set(&self.hook.glance, Grip::Slipped(ENDED));
        self.server.tug().pull();
    }

    /// Stops, and gives the access lines.
    fn stop(self) -> String {
        let (hurried, hurry) = channel();
        drop(hurried);
        self.server.drain(Duration::ZERO, Duration::ZERO, &hurry);
        self.log.text()
    }
}

/// Nothing more came, least of all the end of the body.
#[track_caller]
fn is_cut(client: &mut Raw) {
    let (rest, end) = client.until_end(PATIENCE);
    assert_eq!((String::from_utf8_lossy(&rest).as_ref(), end), ("", Fault::Reset));
}

#[test]
fn a_stream_is_cut_without_an_end_when_its_anchor_slips() {
    let bench = Bench::new();
    let mut client = bench.streaming();
    let patience = Patience::new(PATIENCE);
    bench.slip();
    is_cut(&mut client);
    assert!(patience.waited() < Duration::from_millis(250), "{:?}", patience.waited());
    // The rest of it comes from nowhere: that connection is gone too.
    bench.upstream.release("more");
    bench
        .upstream
        .wait_until("the end of the upstream's side", |seen| seen.connections.iter().all(|c| c.ended));
    bench.wait_for("vestibule_cut_total", 1);
    bench.wait_for("vestibule_leashed", 0);
    let log = bench.stop();
    assert!(log.contains(r#""cut":"it has ended""#) && log.contains(r#""aborted":1"#), "{log}");
}

#[test]
fn a_long_download_is_cut_short_of_its_length() {
    let bench = Bench::new();
    let head = "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nbegun";
    bench.upstream.on("/file", [Step::send(head), Step::Hold("rest"), Step::Send(vec![b'x'; 995])]);
    let mut client = bench.ask("/file");
    assert_eq!((client.head().status, client.bytes(5).unwrap().as_slice()), (200, &b"begun"[..]));
    bench.wait_for("vestibule_leashed", 1);
    bench.slip();
    is_cut(&mut client);
    bench.stop();
}

#[test]
fn an_upload_is_cut_and_told_so() {
    let bench = Bench::new();
    let mut client = Raw::connect(bench.at);
    client.send("POST /up HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nbegun");
    bench.wait_for("vestibule_leashed", 1);
    bench.slip();
    let response = client.response();
    assert!(response.status == 401 && response.says_close(), "{response:?}");
    assert!(bench.upstream.take().requests.is_empty());
    let log = bench.stop();
    assert!(log.contains(r#""cut":"it has ended""#), "{log}");
}

#[test]
fn an_answer_that_was_asked_for_in_time_is_delivered() {
    let bench = Bench::new();
    bench.upstream.on("/slow", [Step::Hold("answer"), Step::Send(answer(200, &[], "a page"))]);
    let mut client = bench.ask("/slow");
    bench.upstream.wait_until("the request", |seen| !seen.heads.is_empty());
    bench.slip();
    bench.upstream.release("answer");
    assert_eq!(client.response().text(), "a page");
    bench.stop();
}

#[test]
fn the_answer_to_a_whole_request_is_awaited_although_its_client_has_gone() {
    let bench = Bench::new();
    bench.upstream.on("/slow", [Step::Hold("answer"), Step::Send(answer(200, &[], "a page"))]);
    let (gone, mut stays) = (bench.ask("/slow"), bench.ask("/slow"));
    bench.upstream.wait_until("both requests", |seen| seen.heads.len() == 2);
    gone.reset();
    // Longer than from one look at a client to the next.
    assert!(stays.is_quiet_for(Duration::from_millis(2500)));
    bench.upstream.release("answer");
    assert_eq!(stays.response().text(), "a page");
    bench.wait_for("vestibule_aborted_total", 1);
    assert_eq!(bench.hook.heads.load(Ordering::SeqCst), 2);
    let log = bench.stop();
    assert!(log.contains(r#""aborted":1,"fault":"the client has gone""#), "{log}");
}

#[test]
fn what_holds_streams_on_and_leaves_nothing() {
    let bench = Bench::new();
    let mut client = bench.streaming();
    for _ in 0..100 {
        bench.server.tug().pull();
    }
    bench.upstream.release("more");
    assert_eq!(client.bytes(14).unwrap(), b"4\r\ntwo \r\n0\r\n\r\n");
    bench.wait_for("vestibule_leashed", 0);
    bench.wait_for("vestibule_cut_total", 0);
    // Whole, so both connections go on.
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(client.response().status, 200);
    assert_eq!(bench.upstream.take().connections.len(), 1);
    bench.stop();
}

#[test]
fn who_leaves_in_the_middle_leaves_nothing() {
    let bench = Bench::new();
    bench.streaming().reset();
    bench.upstream.release("more");
    bench.wait_for("vestibule_leashed", 0);
    bench.stop();
}

#[test]
fn what_a_glance_cannot_tell_is_looked_up() {
    let bench = Bench::new();
    let mut client = bench.streaming();
    Hook::set(&bench.hook.glance, Grip::Unsure);
    bench.server.tug().pull();
    let patience = Patience::new(PATIENCE);
    while bench.hook.looked.load(Ordering::SeqCst) < 2 {
        assert!(!patience.left().is_zero());
        std::thread::yield_now();
    }
    // It held until now, and the next round asks again by itself.
    Hook::set(&bench.hook.look, Grip::Slipped(Slip::Unknown("for too long")));
    is_cut(&mut client);
    let log = bench.stop();
    assert!(log.contains(r#""cut":"for too long""#), "{log}");
}

#[test]
fn rounds_that_take_long_come_less_often_but_in_time() {
    for (took, gap) in [(0, 25), (5, 25), (10, 40), (30, 120), (40, 150), (1000, 150)] {
        assert_eq!(
            round::gap_after(Duration::from_millis(took)),
            Duration::from_millis(gap),
            "after {took} ms"
        );
    }
}

#[test]
fn an_answer_in_one_piece_has_no_anchor() {
    let bench = Bench::new();
    let mut client = Raw::connect(bench.at);
    for _ in 0..100 {
        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_eq!(client.response().status, 200);
    }
    assert_eq!(bench.hook.made.load(Ordering::SeqCst), 0);
    bench.stop();
}

#[test]
fn a_hundred_thousand_exchanges_leave_no_place_taken() {
    let mut leashes = Leashes::default();
    let waker = Waker::noop();
    let mut seats = Vec::new();
    for n in 0..100_000 {
        seats.push(leashes.enter(Hook::new(), waker.clone()));
        if n % 3 != 0 {
            leashes.leave(seats.swap_remove(n % seats.len()));
        }
    }
    let taken = |leashes: &Leashes| leashes.places.iter().flatten().count();
    assert_eq!(taken(&leashes), seats.len());
    // Places are used again.
    assert!(leashes.places.len() <= seats.len() + 1);
    for seat in &seats {
        leashes.leave(*seat);
        leashes.leave(*seat);
    }
    assert_eq!((taken(&leashes), leashes.places.len(), leashes.free.len()), (0, 0, 0));
    // A seat of somebody who has left moves nobody.
    let seat = leashes.enter(Hook::new(), waker.clone());
    leashes.slip(Seat { at: seat.at, serial: 1 }, ENDED);
    assert_eq!(leashes.place(seat).unwrap().slip, None);
}
