//! Both doors of a gateway, a recording upstream behind them, an identity provider beside them, and a clock that only the
//! test moves. Under a lease from the start.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Duration;

use tokio::runtime::Runtime;
use vestibule_domain::identity::Timestamp;
use vestibule_feed::{Feed, Life, Stamp, Traces};
use vestibule_gateway::{Config, Door, Gateway, Services};
use vestibule_oauth::token::{AccessToken, Jpt};
use vestibule_ports::clock::TestClock;
use vestibule_ports::issuer::Presented;
use vestibule_testkit::client::Raw;
use vestibule_testkit::log::Log;
use vestibule_testkit::patience::{PATIENCE, Patience};
use vestibule_testkit::strict::{Request, Response, lines};
use vestibule_testkit::upstream::Upstream;
use vestibule_wire::{Limits, Listener, Monitor, Server, Settings};

use super::issuer::Desk;

pub(crate) const HOST: &str = "api.test";
/// More than any of these tests opens at one door.
const CONNECTIONS_MAX: usize = 200;
/// An access token that may read orders and echo, and a JPT of the same; both live for an hour.
pub(crate) const ACCESS: &str = "access-token-that-reads";
pub(crate) const JPT: &str = "jpt.that.reads";
/// The life of both.
pub(crate) const HOUR: Duration = Duration::from_hours(1);

pub(crate) struct Gate {
    pub(crate) outside: SocketAddr,
    pub(crate) inside: SocketAddr,
    pub(crate) upstream: Upstream,
    pub(crate) desk: Arc<Desk>,
    pub(crate) clock: Arc<TestClock>,
    pub(crate) feed: Arc<Feed>,
    server: Server,
    runtime: Runtime,
    log: Log,
}

fn config(upstream: &Upstream) -> Config {
    let service = |text: &str| {
        let text = format!("host = '{HOST}'\nupstream = '{}'\n{text}", upstream.url());
        toml::from_str(&text).unwrap()
    };
    Config {
        services: vec![
            service("path = '/echo'\nscopes = ['echo:read']"),
            service(
                "path = '/orders'\nscopes = { GET = ['orders:read'], POST = ['orders:read', 'orders:write'] }",
            ),
        ],
        ..Config::default()
    }
}

impl Gate {
    pub(crate) fn start() -> Self {
        let upstream = Upstream::start();
        let config = config(&upstream);
        Self::start_with(upstream, &config)
    }

    /// With networks of trusted peers.
    pub(crate) fn trusting(nets: &[&str]) -> Self {
        let upstream = Upstream::start();
        let trusted_peers = nets.iter().map(|net| net.parse().unwrap()).collect();
        let config = Config { trusted_peers, ..config(&upstream) };
        Self::start_with(upstream, &config)
    }

    fn start_with(upstream: Upstream, config: &Config) -> Self {
        let clock = Arc::new(TestClock::new(Timestamp::from_secs(1_800_000_000)));
        let desk = Arc::new(Desk::new(clock.clone()));
        let feed = Arc::new(Feed::new(clock.clone()));
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let (following, issuer) = (Arc::clone(&feed), Arc::clone(&desk));
        runtime.spawn(async move { following.run(&*issuer).await });
        let log = Log::default();
        let mut addresses = Vec::new();
        let listeners = [Door::Outside, Door::Inside].map(|door| {
            let services = Services { issuer: desk.clone(), feed: Arc::clone(&feed), clock: clock.clone() };
            let gateway = Gateway::new(config, door, services).unwrap();
            let socket = vestibule_wire::bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
            addresses.push(socket.local_addr().unwrap());
            Listener { socket, face: Arc::new(gateway), connections_max: CONNECTIONS_MAX }
        });
        let settings = Settings {
            cores: 2,
            wall: Arc::new(|| 1_800_000_000_000),
            seed: 7,
            limits: Limits::default(),
            access_log: Some(Box::new(log.clone())),
            monitor: Monitor::default(),
        };
        let server = Server::start(settings, listeners.into()).unwrap();
        let (tug, mut news) = (server.tug(), feed.news());
        runtime.spawn(async move {
            while news.changed().await.is_ok() {
                tug.pull();
            }
        });
        let gate = Self {
            outside: addresses[0],
            inside: addresses[1],
            upstream,
            desk,
            clock,
            feed,
            server,
            runtime,
            log,
        };
        gate.admit(Door::Outside, ACCESS, "echo:read orders:read", HOUR);
        gate.admit(Door::Inside, JPT, "echo:read orders:read", HOUR);
        gate.await_lease();
        gate
    }

    /// Makes this text a token of a door.
    pub(crate) fn admit(&self, door: Door, token: &str, scopes: &str, lives: Duration) {
        self.desk.admit(&presented(door, token), scopes, lives);
    }

    /// Sends a heartbeat and waits until it is heard.
    pub(crate) fn renew_lease(&self) {
        self.desk.beat();
        self.await_lease();
    }

    fn await_lease(&self) {
        wait_until("the lease", || self.feed.check(&Traces::default(), self.feed.stamp()) == Life::Alive);
    }

    /// Lets time pass under a lease.
    pub(crate) fn pass(&self, time: Duration) {
        self.clock.advance(time);
        self.renew_lease();
    }

    /// Ends a token and waits until the feed has told it.
    pub(crate) fn end(&self, door: Door, token: &str) {
        let before: Stamp = self.feed.stamp();
        self.runtime.block_on(self.desk.end_token(&presented(door, token)));
        wait_until("the end", || self.feed.stamp() != before);
    }

    pub(crate) fn address(&self, door: Door) -> SocketAddr {
        match door {
            Door::Outside => self.outside,
            Door::Inside => self.inside,
        }
    }

    /// One GET with this token at this door.
    pub(crate) fn get(&self, door: Door, target: &str, token: &str) -> Response {
        self.send(door, "GET", target, &[&format!("Authorization: Bearer {token}")])
    }

    /// The status of one GET for `/echo`.
    pub(crate) fn status(&self, door: Door, token: &str) -> u16 {
        self.get(door, "/echo", token).status
    }

    /// One request without a body on a connection of its own; each of `fields` is a line.
    pub(crate) fn send(&self, door: Door, method: &str, target: &str, fields: &[&str]) -> Response {
        let mut client = Raw::connect(self.address(door));
        client.send(request(method, target, &[fields, &["Connection: close"]].concat()));
        client.response_to(method)
    }

    /// The only request that the upstream has seen since it was last asked.
    pub(crate) fn relayed(&self) -> Request {
        let seen = self.upstream.take();
        assert!(seen.faults().is_empty(), "{:?}", seen.faults());
        let [request] = seen.requests.try_into().expect("exactly one request");
        request
    }

    /// Ends everything; the access lines.
    pub(crate) fn stop(self) -> String {
        let (hurried, hurry) = channel();
        drop(hurried);
        self.server.drain(Duration::ZERO, PATIENCE, &hurry);
        self.log.text()
    }
}

fn presented(door: Door, token: &str) -> Presented {
    match door {
        Door::Outside => Presented::Outside(AccessToken::parse(token).unwrap()),
        Door::Inside => Presented::Inside(Jpt::parse(token).unwrap()),
    }
}

pub(crate) fn request(method: &str, target: &str, fields: &[&str]) -> String {
    format!("{method} {target} HTTP/1.1\r\nHost: {HOST}\r\n{}\r\n", lines(fields))
}

#[track_caller]
pub(crate) fn wait_until(what: &str, holds: impl Fn() -> bool) {
    let patience = Patience::new(PATIENCE);
    while !holds() {
        assert!(!patience.left().is_zero(), "{what} never came");
        std::thread::yield_now();
    }
}

/// The challenge of an answer.
pub(crate) fn challenge(response: &Response) -> Option<&str> {
    response.fields.only("www-authenticate")
}
