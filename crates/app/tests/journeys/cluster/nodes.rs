//! The cluster: two nodes and a log-in in this process, their apps, one user, and what a story asks of them.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use vestibule::config::Config;
use vestibule::platform::Nature;
use vestibule::serve::{self, Running};
use vestibule_domain::identity::UserId;
use vestibule_idp::Idp;
use vestibule_oauth::scope::ScopeSet;
use vestibule_ports::authority::{Authority as _, NewUser, Password, Profile};
use vestibule_ports::entropy::SystemEntropy;
use vestibule_testkit::client;
use vestibule_testkit::fault::FaultProxy;
use vestibule_testkit::patience::{PATIENCE, Patience};

use super::super::visitor::app::{App, Told};
use super::super::visitor::browser::{Ask, Browser, Reply, Tab};
use super::super::visitor::form::Form;
use super::super::visitor::house::{ALICE, LOGIN, PASSWORD, SHOP, eventually, new_dir};
use super::clock::LiveClock;
use super::store::Place;

/// The ports that browsers know; what stands before the nodes takes requests on from there.
pub(super) const SITE_PORT: u16 = 4_080;
pub(super) const ISSUER_PORT: u16 = 4_090;

const IDP: &str = include_str!("idp.toml");
const NODE: &str = include_str!("node.toml");

/// One of the nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum At {
    A,
    B,
}

/// Both nodes.
pub(super) const EVERYWHERE: [At; 2] = [At::A, At::B];

/// Two nodes and a log-in.
pub(super) struct Cluster {
    pub(super) app: App,
    pub(super) clock: Arc<LiveClock>,
    idp: Option<Running>,
    nodes: Vec<Node>,
    dir: TempDir,
}

struct Node {
    running: Option<Running>,
    network: FaultProxy,
    road: FaultProxy,
}

/// The tokens that apps behind each node were given for one visitor.
pub(super) type Tokens = Vec<String>;

impl Cluster {
    /// Over this store.
    #[track_caller]
    pub(super) fn open(place: &Place) -> Self {
        let (app, clock, dir) = (App::start(), Arc::new(LiveClock::new()), new_dir());
        std::fs::write(dir.path().join("node.secret"), "node-secret-of-32-characters-or-so\n")
            .expect("the directory takes files");
        let start = |name: &str, text: &str, more: &[(&str, &str)]| {
            let url = app.url();
            let dir_text = dir.path().display().to_string();
            let (site, issuer) = (SITE_PORT.to_string(), ISSUER_PORT.to_string());
            let fixed = [("{dir}", &*dir_text), ("{app}", &*url), ("{site}", &*site), ("{issuer}", &*issuer)];
            let values = fixed.iter().chain(more);
            let text = values.fold(text.to_owned(), |text, (name, value)| text.replace(name, value));
            start(dir.path(), name, &text, &clock)
        };
        let idp = start("idp", IDP, &[]);
        let inside = address(&idp, "idp-inside");
        let node = |name: &str| {
            let network = FaultProxy::marking(place.address(), place.marks());
            let store = place.url(network.address());
            let road = FaultProxy::marking(inside, &[b"/inside/feed"]);
            let inside = road.address().to_string();
            let more = [("{node}", name), ("{inside}", &*inside), ("{store}", &*store)];
            Node { running: Some(start(name, NODE, &more)), network, road }
        };
        let nodes = vec![node("a"), node("b")];
        let cluster = Self { app, clock, idp: Some(idp), nodes, dir };
        cluster.add_user(ALICE, PASSWORD);
        cluster
    }

    fn node(&self, at: At) -> &Node {
        &self.nodes[at as usize]
    }

    fn running(&self, at: At) -> &Running {
        self.node(at).running.as_ref().expect("it runs until the cluster ends")
    }

    /// What lies between a node and the store.
    pub(super) fn network(&self, at: At) -> &FaultProxy {
        &self.node(at).network
    }

    /// What lies between a node and the log-in; it can tell the connections that carry the feed.
    pub(super) fn road(&self, at: At) -> &FaultProxy {
        &self.node(at).road
    }

    /// Breaks or mends the network of both nodes.
    pub(super) fn networks(&self, change: impl Fn(&FaultProxy)) {
        for node in &self.nodes {
            change(&node.network);
        }
    }

    pub(super) fn advance(&self, by: Duration) {
        self.clock.advance(by);
    }

    /// Runs a call of the log-in's administration.
    #[track_caller]
    pub(super) fn administer<T>(&self, call: impl AsyncFnOnce(&Idp) -> T) -> T {
        let running = self.idp.as_ref().expect("it runs until the cluster ends");
        running.wait(call(running.idp().expect("it is the log-in")))
    }

    #[track_caller]
    pub(super) fn add_user(&self, login: &str, password: &str) -> UserId {
        let user = NewUser {
            login: login.to_owned(),
            password: Password::new(password),
            profile: Profile::default(),
            scopes: ScopeSet::default(),
        };
        let added = self.administer(async |idp| idp.create_user(user, "test").await);
        added.unwrap_or_else(|e| panic!("no user {login}: {e}"))
    }

    /// Alice's identifier.
    #[track_caller]
    pub(super) fn alice(&self) -> UserId {
        let found = self.administer(async |idp| idp.find_user(ALICE).await);
        found.ok().flatten().expect("the cluster has a user").id
    }

    /// A tab of a browser without cookies, which node A serves until told otherwise.
    pub(super) fn tab(&self) -> Tab {
        let browser = Browser::new(Arc::clone(&self.clock));
        let idp = self.idp.as_ref().expect("it runs until the cluster ends");
        browser.take_to(ISSUER_PORT, address(idp, "idp"));
        let tab = browser.tab();
        self.turn(&tab, At::A);
        tab
    }

    /// From now on this node serves the browser.
    pub(super) fn turn(&self, tab: &Tab, at: At) {
        tab.browser.take_to(SITE_PORT, address(self.running(at), "proxy"));
    }

    /// Types an address of the shop; this node serves it.
    #[track_caller]
    pub(super) fn open_at(&self, at: At, tab: &mut Tab, path: &str) -> Reply {
        self.turn(tab, at);
        tab.open(&shop(path))
    }

    /// A tab of a new browser, logged on as alice through this node.
    #[track_caller]
    pub(super) fn logged_on(&self, at: At) -> Tab {
        self.logged_on_as(at, ALICE, PASSWORD)
    }

    #[track_caller]
    pub(super) fn logged_on_as(&self, at: At, login: &str, password: &str) -> Tab {
        let mut tab = self.tab();
        once_not_busy("a log-on", || {
            let asked = self.open_at(at, &mut tab, "/account");
            let page = tab.follow(asked);
            if page.status != 200 || page.url.host_str() != Some(LOGIN) {
                return page;
            }
            let answered = Form::of(&page).submit(&mut tab, &[("username", login), ("password", password)]);
            tab.follow(answered)
        });
        tab
    }

    /// Goes to the account and on to the log-in's form, which is filled in. The answer leads back to the shop.
    #[track_caller]
    pub(super) fn until_callback(&self, at: At, tab: &mut Tab) -> Reply {
        let asked = self.open_at(at, tab, "/account");
        let form = tab.follow(asked).is(200);
        let mut reply = Form::of(&form).submit(tab, &[("username", ALICE), ("password", PASSWORD)]);
        while !reply.location().path().ends_with("/callback") {
            reply = tab.step(&reply);
        }
        reply
    }

    /// What an app that reads everything is told of this tab's visitor by a node.
    #[track_caller]
    pub(super) fn whoami(&self, at: At, tab: &mut Tab) -> Told {
        let (path, reply) = self.look(at, tab);
        reply.is(200).sets_nothing();
        self.app.told(&path)
    }

    /// Asks for a page that reads everything and writes nothing; its path, and the answer whatever it is.
    #[track_caller]
    pub(super) fn look(&self, at: At, tab: &mut Tab) -> (String, Reply) {
        let path = self.app.new_path("/whoami");
        let reply = self.open_at(at, tab, &path);
        (path, reply)
    }

    /// Sends a form to the basket, whose app asks for this change.
    #[track_caller]
    pub(super) fn patch(&self, at: At, tab: &mut Tab, patch: &str) -> Reply {
        self.try_patch(at, tab, patch).1
    }

    /// The same; its path, and the answer whatever it is.
    #[track_caller]
    pub(super) fn try_patch(&self, at: At, tab: &mut Tab, patch: &str) -> (String, Reply) {
        self.turn(tab, at);
        let path = self.app.patching("/basket", patch);
        let reply = tab.send(Ask::form(&shop(&path), &shop("/"), &[("item", "doormat")]));
        (path, reply)
    }

    /// A patch that a story begins with: it is saved.
    #[track_caller]
    pub(super) fn keep(&self, at: At, tab: &mut Tab, patch: &str) {
        once_not_busy("a patch", || self.patch(at, tab, patch));
    }

    /// Sends the form that logs out, whatever the answer.
    #[track_caller]
    pub(super) fn log_out(&self, at: At, tab: &mut Tab, scope: &str) -> Reply {
        self.turn(tab, at);
        let url = shop("/.vestibule/logout");
        tab.send(Ask::form(&url, &shop("/"), &[("scope", scope)]))
    }

    /// Looks at every node, so that all have cached the session, and at every gateway with the tokens they gave.
    #[track_caller]
    pub(super) fn be_known(&self, tab: &mut Tab) -> Tokens {
        let tokens: Tokens = EVERYWHERE
            .into_iter()
            .map(|at| {
                let mut path = String::new();
                once_not_busy("a page", || {
                    let (asked, reply) = self.look(at, tab);
                    path = asked;
                    reply
                });
                let told = self.app.told(&path);
                assert_eq!(told.standing(), "logged-on", "at {at:?}");
                told.context("token").expect("a JPT").to_owned()
            })
            .collect();
        for (at, token) in pairs(&tokens) {
            eventually(NOTICED, "a gateway that is not busy", || self.orders(at, token) != 503);
            assert_eq!(self.orders(at, token), 200, "a living token at the gateway {at:?}");
        }
        tokens
    }

    /// What a gateway says to a web app that has this token.
    #[track_caller]
    pub(super) fn orders(&self, at: At, token: &str) -> u16 {
        self.orders_by(at, "gateway-inside", token)
    }

    /// What a gateway says to a caller outside who has this access token.
    #[track_caller]
    pub(super) fn outside_orders(&self, at: At, token: &str) -> u16 {
        self.orders_by(at, "gateway", token)
    }

    #[track_caller]
    fn orders_by(&self, at: At, door: &str, token: &str) -> u16 {
        let gateway = address(self.running(at), door);
        client::get(gateway, "localhost", "/orders", &[&format!("Authorization: Bearer {token}")]).status
    }

    /// Why this session is what it is, as a node's administration tells it.
    #[track_caller]
    pub(super) fn audit(&self, at: At, handle: &str) -> Value {
        let name = if at == At::A { "a" } else { "b" };
        let file = self.dir.path().join(name).join("admin.token");
        let token = std::fs::read_to_string(file).expect("a node that serves admin has a token");
        let bearer = format!("Authorization: Bearer {}", token.trim_end());
        let path = format!("/admin/sessions/{handle}/audit");
        let answer = client::get(address(self.running(at), "admin"), "localhost", &path, &[&bearer]);
        assert_eq!(answer.status, 200, "{}", answer.text());
        serde_json::from_str(&answer.text()).expect("JSON")
    }

    /// What a node has said of each request so far.
    pub(super) fn access_log(&self, at: At) -> String {
        let name = if at == At::A { "a" } else { "b" };
        // Made with the first line.
        std::fs::read_to_string(self.dir.path().join(format!("{name}.log"))).unwrap_or_default()
    }

    /// No node takes this visitor for logged on any more, and no gateway takes the tokens, all of that within a time
    /// that has begun with the acknowledgement.
    #[track_caller]
    pub(super) fn is_over(&self, tab: &mut Tab, tokens: &Tokens, acknowledged: Patience) {
        for at in EVERYWHERE {
            within(acknowledged, &format!("the end at the proxy {at:?}"), || {
                let (path, page) = self.look(at, tab);
                page.status == 200 && self.app.told(&path).standing() != "logged-on"
            });
        }
        for (at, token) in pairs(tokens) {
            within(acknowledged, &format!("the end at the gateway {at:?}"), || self.orders(at, token) == 401);
        }
    }

    /// Waits until every node believes its copy of this visitor's session: the store is not asked any more.
    #[track_caller]
    pub(super) fn is_cached(&self, tab: &mut Tab) {
        for at in EVERYWHERE {
            let network = self.network(at);
            eventually(NOTICED, &format!("a copy that {at:?} believes"), || {
                network.black_hole();
                let whole = self.is_whole(at, tab);
                network.heal();
                // Once more with the store, or there would be nothing to be cached.
                if !whole {
                    self.is_whole(at, tab);
                }
                whole
            });
        }
    }

    /// The visitor is known at a node, by a copy that is believed.
    #[track_caller]
    pub(super) fn is_whole(&self, at: At, tab: &mut Tab) -> bool {
        let (path, reply) = self.look(at, tab);
        reply.status == 200 && self.app.told(&path).context("degraded").is_none()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // A node that is to save its touches first should not wait for a network that a story has broken.
        self.networks(FaultProxy::cut);
        for node in &mut self.nodes {
            node.running.take().into_iter().for_each(Running::stop);
        }
        self.idp.take().into_iter().for_each(Running::stop);
    }
}

/// A page of the shop.
pub(super) fn shop(path: &str) -> String {
    format!("http://{SHOP}:{SITE_PORT}{path}")
}

/// A page of the log-in.
pub(super) fn login(path: &str) -> String {
    format!("http://{LOGIN}:{ISSUER_PORT}{path}")
}

/// What a story begins with should not fail because the machine is busy with other tests: who is told to come back
/// later does.
#[track_caller]
fn once_not_busy(what: &str, mut ask: impl FnMut() -> Reply) -> Reply {
    let mut reply = ask();
    if reply.status == 503 {
        eventually(NOTICED, what, || {
            reply = ask();
            reply.status != 503
        });
    }
    reply.is(200)
}

/// Every token at every gateway.
fn pairs(tokens: &Tokens) -> impl Iterator<Item = (At, &str)> {
    EVERYWHERE.into_iter().flat_map(|at| tokens.iter().map(move |token| (at, token.as_str())))
}

/// Waits until it holds, for what is left of a wait that has begun with an acknowledgement or with healing.
#[track_caller]
pub(super) fn within(patience: Patience, what: &str, mut holds: impl FnMut() -> bool) {
    while !holds() {
        assert!(!patience.left().is_zero(), "not within {:?}: {what}", patience.waited());
    }
}

#[track_caller]
fn start(dir: &Path, name: &str, text: &str, clock: &Arc<LiveClock>) -> Running {
    let file = dir.join(format!("{name}.toml"));
    std::fs::write(&file, text).expect("the directory takes files");
    let config = Config::read(&file).unwrap_or_else(|e| panic!("{e}"));
    let nature = Nature { clock: Arc::clone(clock) as _, entropy: Arc::new(SystemEntropy) };
    serve::start_in(config, nature).unwrap_or_else(|e| panic!("{name} cannot start: {e:#}"))
}

#[track_caller]
fn address(running: &Running, face: &str) -> SocketAddr {
    running.address(face).unwrap_or_else(|| panic!("nobody serves {face}"))
}

/// The patience of a story that waits for a node to notice something.
pub(super) const NOTICED: Duration = PATIENCE;
