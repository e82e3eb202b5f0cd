//! A door to one site with one app behind it, its sessions in memory, and a clock that only the test moves.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Duration;

use tokio::runtime::Runtime;
use vestibule_domain::claims::Claims;
use vestibule_domain::cookie::SessionValue;
use vestibule_domain::identity::{Handle, SessionSecret, SignOnId, SiteId, Timestamp, UserId, VisitorId};
use vestibule_domain::key::Secrets;
use vestibule_domain::limits::Limits;
use vestibule_domain::rise::{self, Fresh, Proof, Risen};
use vestibule_feed::Feed;
use vestibule_oauth::pkce::Verifier;
use vestibule_oauth::token::{Code, GrantToken};
use vestibule_ports::clock::{Clock as _, TestClock};
use vestibule_ports::entropy::SeededEntropy;
use vestibule_ports::issuer::{Issuer as _, LogOn, Redeem};
use vestibule_ports::memory::{MemoryIssuer, MemorySessionStore};
use vestibule_ports::session_store::{Record, SessionStore as _, Slot, Updated, Version};
use vestibule_proxy::{AttributeConfig, Config, Proxy, Services, SiteConfig};
use vestibule_sessions::Sessions;
use vestibule_testkit::client::Raw;
use vestibule_testkit::log::Log;
use vestibule_testkit::patience::{PATIENCE, Patience};
use vestibule_testkit::strict::{Response, lines};
use vestibule_testkit::upstream::Upstream;
use vestibule_wire::{Listener, Monitor, Server, Settings};

const HOST: &str = "shop.localhost";
/// Alice's session.
const HANDLE: Handle = Handle::from_bytes([7; 16]);
const BEGIN: Timestamp = Timestamp::from_secs(1_800_000_000);

pub(crate) struct Door {
    pub(crate) upstream: Upstream,
    pub(crate) store: Arc<MemorySessionStore>,
    pub(crate) sessions: Arc<Sessions<()>>,
    pub(crate) clock: Arc<TestClock>,
    at: SocketAddr,
    server: Server,
    runtime: Runtime,
    log: Log,
    monitor: Monitor,
}

fn config(upstream: &Upstream, routes: &[&str]) -> Config {
    let route = |rest: &&str| {
        let text = format!("host = '{HOST}'\napp = '{}'\nwrites = ['basket']\n{rest}", upstream.url());
        toml::from_str(&text).unwrap()
    };
    Config {
        sites: vec![SiteConfig {
            name: "shop".to_owned(),
            origin: format!("http://{HOST}"),
            aliases: Vec::new(),
            log_on_client: Some("shop".to_owned()),
            hsts_seconds: None,
        }],
        attributes: vec![AttributeConfig { name: "basket".to_owned(), survives: true, max_bytes: 1_000 }],
        routes: routes.iter().map(route).collect(),
        issuer: Some("http://login.localhost".to_owned()),
        ..Config::default()
    }
}

fn proof() -> Proof {
    Proof {
        user: UserId::parse("alice").unwrap(),
        grant: GrantToken::from_random(&[1; 32]),
        auth_time: BEGIN,
        level: 1,
        ends_at: BEGIN + Limits::default().log_on,
        sign_on: SignOnId::parse("sign-on").unwrap(),
        claims: Claims::default(),
        asked: false,
        footing: None,
    }
}

fn secret() -> SessionSecret {
    SessionSecret::from_bytes([1; 16])
}

impl Door {
    /// With these routes, each as the rest of its configuration.
    pub(crate) fn open(routes: &[&str]) -> Self {
        let clock = Arc::new(TestClock::new(BEGIN));
        let (store, issuer) =
            (Arc::new(MemorySessionStore::new()), Arc::new(MemoryIssuer::new(clock.clone())));
        let settings = vestibule_sessions::Config::default();
        let sessions = Arc::new(Sessions::new(store.clone(), clock.clone(), 1, settings));
        let services = Services {
            sessions: Arc::clone(&sessions),
            issuer: issuer.clone(),
            feed: Arc::new(Feed::new(clock.clone())),
            clock: clock.clone(),
            entropy: Arc::new(SeededEntropy::new(1)),
        };
        let upstream = Upstream::start();
        let face = Arc::new(Proxy::new(&config(&upstream, routes), Some(services)).unwrap());
        let socket = vestibule_wire::bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
        let (at, log, monitor) = (socket.local_addr().unwrap(), Log::default(), Monitor::default());
        let settings = Settings {
            cores: 1,
            wall: Arc::new(|| 1_800_000_000_000),
            seed: 7,
            limits: vestibule_wire::Limits::default(),
            access_log: Some(Box::new(log.clone())),
            monitor: monitor.clone(),
        };
        let server = Server::start(settings, vec![Listener { socket, face, connections_max: 100 }]).unwrap();
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let door = Self { upstream, store, sessions, clock, at, server, runtime, log, monitor };
        door.runtime.block_on(door.log_alice_on(&issuer));
        door
    }

    async fn log_alice_on(&self, issuer: &MemoryIssuer) {
        let Proof { user: sub, grant, auth_time, level, ends_at, sign_on, .. } = proof();
        let (code, verifier) = (Code::from_random(&[1; 32]), Verifier::from_random(&[1; 32]));
        let log_on = LogOn { grant, sub, auth_time, level, ends_at, sign_on, claims: "{}".to_owned() };
        issuer.log_in(&code, verifier.challenge(), log_on);
        let (site, nonce, redirect_uri) = (SiteId::parse("shop").unwrap(), String::new(), String::new());
        issuer.redeem(Redeem { site: site.clone(), code, verifier, nonce, redirect_uri }).await.unwrap();
        let secrets = Secrets { vst: secret().digest(), keep: SessionSecret::from_bytes([2; 16]).digest() };
        let fresh = Fresh { visitor: VisitorId::from_bytes([1; 16]), secrets };
        let risen = rise::log_on(None, site, proof(), fresh, BEGIN, &Limits::default());
        let Ok(Risen::New { session, .. }) = risen else { panic!("{risen:?}") };
        self.sessions.create(HANDLE, &session, self.sessions.deadline()).await.unwrap();
    }

    /// Does the standing work of the sessions from here on, until what was read may be believed.
    pub(crate) fn begin_to_cache(&self) {
        let working = Arc::clone(&self.sessions);
        self.runtime.spawn(async move { working.run().await });
        let patience = Patience::new(PATIENCE);
        while !self.is_cached() {
            assert!(!patience.left().is_zero(), "nothing is ever cached");
            let _read = self.runtime.block_on(self.sessions.get_fresh(HANDLE));
        }
    }

    /// Whether alice's session is cached and the cache may be believed.
    pub(crate) fn is_cached(&self) -> bool {
        self.sessions.cached(HANDLE, self.clock.mono(), self.clock.wall()).is_some()
    }

    /// The version that alice's session has in the store.
    pub(crate) fn version(&self) -> Version {
        match self.slot() {
            Slot::Live(stored) => stored.version,
            other => panic!("{other:?}"),
        }
    }

    /// Alice's session as the store has it.
    pub(crate) fn slot(&self) -> Slot {
        self.runtime.block_on(self.store.get(HANDLE, self.clock.wall())).unwrap()
    }

    /// Puts other bytes in the place of alice's session.
    pub(crate) fn overwrite(&self, body: &[u8]) {
        let Slot::Live(stored) = self.slot() else { panic!("alice has no session") };
        let record = Record { body: body.to_vec().into(), ..stored.record };
        let updated = self.store.update(HANDLE, stored.version, record, self.clock.wall());
        assert!(matches!(self.runtime.block_on(updated), Ok(Updated::Updated(_))));
    }

    /// A GET of alice's, sent and not waited for.
    pub(crate) fn ask(&self, target: &str) -> Raw {
        self.send("GET", target, &["Sec-Fetch-Site: none"])
    }

    /// A form that alice sends.
    pub(crate) fn post(&self, target: &str, accept: &str) -> Response {
        let accept = format!("Accept: {accept}");
        self.send("POST", target, &["Sec-Fetch-Site: same-origin", "Content-Length: 0", &accept]).response()
    }

    fn send(&self, method: &str, target: &str, more: &[&str]) -> Raw {
        let mut client = Raw::connect(self.at);
        let cookie = SessionValue { handle: HANDLE, secret: secret() }.expose();
        let (host, cookie) = (format!("Host: {HOST}"), format!("Cookie: __Host-vst={cookie}"));
        let mut fields = vec![
            &*host,
            &*cookie,
            "Sec-Fetch-Dest: document",
            "Sec-Fetch-Mode: navigate",
            "Connection: close",
        ];
        fields.extend(more);
        client.send(format!("{method} {target} HTTP/1.1\r\n{}\r\n", lines(&fields)));
        client
    }

    /// A page for alice.
    pub(crate) fn get(&self, target: &str) -> Response {
        self.ask(target).response()
    }

    /// What a counter has come to.
    pub(crate) fn counted(&self, counter: &str) -> u64 {
        let metrics = self.monitor.render();
        let value = metrics.lines().find_map(|line| line.strip_prefix(counter)?.strip_prefix(' '));
        value.unwrap_or_else(|| panic!("no {counter} in {metrics}")).parse().unwrap()
    }

    /// Ends everything; the access lines.
    pub(crate) fn shut(self) -> String {
        let (hurried, hurry) = channel();
        drop(hurried);
        self.server.drain(Duration::ZERO, PATIENCE, &hurry);
        self.log.text()
    }
}
