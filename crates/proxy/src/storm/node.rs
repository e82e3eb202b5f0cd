//! One node: the proxy with all its phases, its sessions and its feed, over what the storm lets through.

use std::sync::{Arc, Mutex};

use tokio::task::JoinHandle;
use vestibule_domain::rule::Rules;
use vestibule_domain::standing::Standing;
use vestibule_feed::Feed;
use vestibule_ports::entropy::{Entropy as _, SeededEntropy};
use vestibule_ports::issuer::Issuer;
use vestibule_ports::memory::MemoryIssuer;
use vestibule_sessions::Sessions;

use super::book::Book;
use super::issuer::StormIssuer;
use super::links::Links;
use super::step::BROWSERS;
use super::store::{StormStore, Truth};
use crate::{AttributeConfig, Config, Proxy, RouteConfig, Services, SiteConfig, Visitors, config};

/// The IDP's name.
pub(super) const IDP: &str = "http://login.localhost";
/// Sites, by name and host. All browsers are at the first, but the last one.
const SITES: [(&str, &str); 2] = [("shop", "shop.localhost"), ("outlet", "outlet.localhost")];
/// Memory for cached sessions: no storm has more.
const CACHE_BYTES: u64 = 256 * 1024;

/// The name and the host of the site that a browser is at.
pub(super) fn site_of(browser: usize) -> (&'static str, &'static str) {
    SITES[usize::from(browser + 1 == usize::from(BROWSERS))]
}

/// What all nodes have in common.
#[derive(Clone)]
pub(super) struct World {
    pub(super) truth: Arc<Truth>,
    pub(super) idp: Arc<MemoryIssuer>,
    pub(super) book: Arc<Mutex<Book>>,
    pub(super) rules: Rules,
}

/// See the head of this file.
pub(super) struct Node {
    pub(super) number: usize,
    pub(super) proxy: Arc<Proxy>,
    standing_work: Vec<JoinHandle<()>>,
}

impl Node {
    /// A node that begins with nothing in memory.
    pub(super) fn start(world: &World, number: usize, links: &Arc<Links>, seed: u64) -> Arc<Self> {
        let entropy = Arc::new(SeededEntropy::new(seed));
        let clock = Arc::clone(&world.book.lock().unwrap().clocks[number]);
        let store = Arc::new(StormStore { truth: Arc::clone(&world.truth), links: Arc::clone(links) });
        let feed = Arc::new(Feed::new(clock.clone()));
        let issuer: Arc<dyn Issuer> = Arc::new(StormIssuer {
            idp: Arc::clone(&world.idp),
            links: Arc::clone(links),
            book: Arc::clone(&world.book),
            node: number,
            heard: Arc::clone(&feed),
            shared_since: Mutex::default(),
            planted: world.truth.planted,
        });
        let mut name = [0; 8];
        entropy.fill(&mut name);
        let settings = vestibule_sessions::Config { cache_bytes: CACHE_BYTES, ..Default::default() };
        let sessions = Arc::new(Sessions::new(store, clock.clone(), u64::from_le_bytes(name), settings));
        let (follows, told, asks) = (Arc::clone(&sessions), Arc::clone(&feed), Arc::clone(&issuer));
        let services = Services { sessions, issuer, feed, clock, entropy };
        let proxy = Proxy::new(&config(world.rules), Some(services))
            .unwrap_or_else(|problems| panic!("{problems:?}"));
        let proxy = Arc::new(proxy);
        let works = Arc::clone(&proxy);
        let standing_work = vec![
            tokio::spawn(async move {
                follows.run().await;
            }),
            tokio::spawn(async move {
                told.run(&*asks).await;
            }),
            tokio::spawn(async move { works.run().await }),
        ];
        Arc::new(Self { number, proxy, standing_work })
    }

    pub(super) fn visitors(&self) -> &Visitors {
        self.proxy.visitors.as_ref().expect("a storm has visitors")
    }

    /// It dies; what it was doing stays undone.
    pub(super) fn kill(&self) {
        self.standing_work.iter().for_each(JoinHandle::abort);
    }
}

/// Sites with apps for all that a storm does.
fn config(rules: Rules) -> Config {
    let attribute =
        |name: &str, survives| AttributeConfig { name: name.to_owned(), survives, max_bytes: 4096 };
    Config {
        sites: SITES.map(|(name, host)| site(name, host)).into(),
        attributes: vec![attribute("basket", true), attribute("count", true), attribute("draft", false)],
        routes: SITES.iter().flat_map(|(_, host)| routes(host)).collect(),
        issuer: Some(IDP.to_owned()),
        rules,
        ..Config::default()
    }
}

fn site(name: &str, host: &str) -> SiteConfig {
    SiteConfig {
        name: name.to_owned(),
        origin: format!("http://{host}"),
        aliases: Vec::new(),
        log_on_client: Some(name.to_owned()),
        hsts_seconds: None,
    }
}

fn routes(host: &str) -> [RouteConfig; 3] {
    let route = |path: &str, requires, writes: &[&str]| {
        let text = format!("host = '{host}'\npath = '{path}'\napp = 'http://127.0.0.1:1'");
        let route: RouteConfig = toml::from_str(&text).expect("a route");
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let reads = names(&["basket", "count", "draft"]);
        RouteConfig { requires, reads, writes: names(writes), claims: names(&["name"]), ..route }
    };
    let front =
        RouteConfig { when_unknown: config::WhenUnknown::Anonymous, ..route("/", Standing::Anonymous, &[]) };
    [
        front,
        route("/shop", Standing::Anonymous, &["basket", "count"]),
        route("/account", Standing::LoggedOn, &["draft"]),
    ]
}
