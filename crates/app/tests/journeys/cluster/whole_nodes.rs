//! Two machines, each with all of Vestibule in one process: proxy, gateway and log-in, over one PostgreSQL that has the
//! sessions and the registry. Nothing else connects them. To visitors they are one, and either goes on alone.

use std::fs;
use std::process::Stdio;
use std::sync::Arc;
use std::thread;

use serde_json::{Value, json};
use tempfile::TempDir;
use vestibule_ports::clock::SystemClock;
use vestibule_testkit::client;
use vestibule_testkit::patience::{PATIENCE, Patience};
use vestibule_testkit::port::Port;

use super::super::visitor::apart::{Role, serve_saying};
use super::super::visitor::app::{App, Told};
use super::super::visitor::browser::{Ask, Browser, Reply, Tab};
use super::super::visitor::form::Form;
use super::super::visitor::house::{ALICE, FEED_BOUND, LOGIN, PASSWORD, eventually, new_dir};
use super::nodes::{At, EVERYWHERE, ISSUER_PORT, SITE_PORT, shop, within};
use super::own_server::OwnServer;
use super::store::{Kind, Place};

const WHOLE: &str = include_str!("whole.toml");

const BOB: &str = "bob";

/// Where a node listens; its file names it by its number.
#[derive(Clone, Copy)]
enum Door {
    Shop = 0,
    Login = 1,
    Gateway = 2,
    Admin = 3,
}

#[test]
fn what_one_node_has_done_is_done_at_the_other_and_either_goes_on_alone() {
    let mut house = WholeNodes::start();
    let alice = house.add_user(At::A, ALICE);
    house.add_user(At::B, BOB);

    let (mut tab, mut bystander) = (house.logged_on(At::A, ALICE), house.logged_on(At::A, BOB));
    // The balancer may take the browser to one node for the shop, and to the other for the log-in.
    let mut mixed = WholeNodes::tab();
    house.turn(&mixed, At::A, At::B);
    WholeNodes::log_in(&mut mixed, ALICE);
    house.patch(At::A, &mut bystander, r#"{"basket":["kept"]}"#);
    let tokens = [&mut tab, &mut bystander, &mut mixed].map(|tab| house.is_known(tab));

    let mut late = tab.browser.copy().tab();
    house.log_out(At::B, &mut tab);
    let acknowledged = Patience::new(FEED_BOUND);
    house.is_out(At::A, &mut late, &tokens[0], acknowledged);
    house.is_out(At::B, &mut late, &tokens[0], acknowledged);
    house.is_known(&mut mixed);

    // What ends at the log-in alone.
    house.administer(At::A, &format!("users/{alice}/disable"), "");
    let acknowledged = Patience::new(FEED_BOUND);
    house.is_out(At::B, &mut mixed, &tokens[2], acknowledged);
    house.administer(At::B, &format!("users/{alice}/enable"), "");
    house.is_known(&mut bystander);

    house.nodes[At::A as usize] = None;
    house.is_known_at(At::B, &mut bystander);
    assert_eq!(house.orders(At::B, &tokens[1]), 200, "a token of the node that has died");
    let mut new = house.logged_on(At::B, ALICE);
    house.is_known_at(At::B, &mut new);

    house.serve(At::A);
    house.is_known(&mut new);
    house.is_known(&mut bystander);
    assert_eq!(house.whoami(At::A, &mut bystander).attributes(), json!({"basket": ["kept"]}));
    house.log_out(At::A, &mut new);
    assert_eq!(house.whoami(At::B, &mut new).standing(), "anonymous");
}

/// Both nodes, and what stands around them.
struct WholeNodes {
    app: App,
    ports: [[Port; 4]; 2],
    nodes: [Option<Role>; 2],
    dir: TempDir,
    place: Place,
    _server: OwnServer,
}

impl WholeNodes {
    /// Both begin at once, with a database in which nothing is.
    #[track_caller]
    fn start() -> Self {
        let server = OwnServer::start(Kind::Postgres);
        let ports = [(); 2].map(|()| [(); 4].map(|()| Port::free()));
        let (app, dir, place) = (App::start(), new_dir(), server.place());
        let mut house = Self { app, ports, nodes: [None, None], dir, place, _server: server };
        house.nodes = thread::scope(|scope| {
            let begun = EVERYWHERE.map(|at| {
                let house = &house;
                scope.spawn(move || house.begin(at))
            });
            begun.map(|node| Some(node.join().expect("a node that starts")))
        });
        house
    }

    #[track_caller]
    fn serve(&mut self, at: At) {
        self.nodes[at as usize] = Some(self.begin(at));
    }

    #[track_caller]
    fn begin(&self, at: At) -> Role {
        let (node, dir) = (name(at), self.dir.path());
        let mut text = WHOLE.replace("{node}", node).replace("{dir}", &dir.display().to_string());
        text = text.replace("{app}", &self.app.url());
        text = text.replace("{database}", &self.place.url(self.place.address()));
        text = text.replace("{site}", &SITE_PORT.to_string()).replace("{issuer}", &ISSUER_PORT.to_string());
        for (number, port) in self.ports[at as usize].iter().enumerate() {
            text = text.replace(&format!("{{{number}}}"), &port.to_string());
        }
        let file = dir.join(format!("{node}.toml"));
        fs::write(&file, text).expect("the directory takes files");
        serve_saying(&file, self.port(at, Door::Admin), Stdio::null(), Stdio::inherit())
    }

    fn port(&self, at: At, door: Door) -> &Port {
        &self.ports[at as usize][door as usize]
    }

    /// Gives an order to a node's administration.
    #[track_caller]
    fn administer(&self, at: At, order: &str, json: &str) -> String {
        let token = fs::read_to_string(self.dir.path().join(name(at)).join("admin.token"));
        let token = token.expect("made at the first start");
        let mut raw = client::Raw::connect(self.port(at, Door::Admin).address());
        raw.send(format!(
            "POST /admin/{order} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{json}",
            token.trim_end(),
            json.len()
        ));
        let answer = raw.response();
        assert!([201, 204].contains(&answer.status), "{order}: {answer:?}");
        answer.text()
    }

    /// Makes a user; his identifier.
    #[track_caller]
    fn add_user(&self, at: At, login: &str) -> String {
        let made = self.administer(at, "users", &json!({"login": login, "password": PASSWORD}).to_string());
        let made: Value = serde_json::from_str(&made).expect("JSON");
        made["id"].as_str().expect("a new user has an identifier").to_owned()
    }

    fn tab() -> Tab {
        Browser::new(Arc::new(SystemClock::new())).tab()
    }

    /// From now on one node serves the browser in the shop, and one at the log-in.
    fn turn(&self, tab: &Tab, in_shop: At, at_login: At) {
        tab.browser.take_to(SITE_PORT, self.port(in_shop, Door::Shop).address());
        tab.browser.take_to(ISSUER_PORT, self.port(at_login, Door::Login).address());
    }

    /// A tab of a new browser, logged on through this node.
    #[track_caller]
    fn logged_on(&self, at: At, login: &str) -> Tab {
        let mut tab = Self::tab();
        self.turn(&tab, at, at);
        Self::log_in(&mut tab, login);
        tab
    }

    /// Goes to the account, by the form of the log-in.
    #[track_caller]
    fn log_in(tab: &mut Tab, login: &str) {
        let asked = tab.open(&shop("/account"));
        let page = tab.follow(asked).is(200);
        assert_eq!(page.url.host_str(), Some(LOGIN), "{page:?}");
        let answered = Form::of(&page).submit(tab, &[("username", login), ("password", PASSWORD)]).is(303);
        assert_eq!(tab.follow(answered).is(200).url.path(), "/account");
    }

    #[track_caller]
    fn look(&self, at: At, tab: &mut Tab) -> (String, Reply) {
        self.turn(tab, at, at);
        let path = self.app.new_path("/whoami");
        let reply = tab.open(&shop(&path));
        (path, reply)
    }

    /// What an app is told of this tab's visitor by a node.
    #[track_caller]
    fn whoami(&self, at: At, tab: &mut Tab) -> Told {
        let (path, reply) = self.look(at, tab);
        reply.is(200).sets_nothing();
        self.app.told(&path)
    }

    #[track_caller]
    fn patch(&self, at: At, tab: &mut Tab, patch: &str) {
        self.turn(tab, at, at);
        let path = self.app.patching("/basket", patch);
        tab.send(Ask::form(&shop(&path), &shop("/"), &[("item", "doormat")])).is(200);
    }

    #[track_caller]
    fn log_out(&self, at: At, tab: &mut Tab) {
        self.turn(tab, at, at);
        let form = Ask::form(&shop("/.vestibule/logout"), &shop("/"), &[("scope", "this")]);
        assert_eq!(tab.send(form).is(303).sets(), ["-vst", "-vst-keep"]);
    }

    /// What a gateway says to a web app that has this token.
    #[track_caller]
    fn orders(&self, at: At, token: &str) -> u16 {
        let bearer = format!("Authorization: Bearer {token}");
        client::get(self.port(at, Door::Gateway).address(), "localhost", "/orders", &[&bearer]).status
    }

    /// Logged on at this node, whose token every gateway takes that runs. Returns the token.
    #[track_caller]
    fn is_known_at(&self, at: At, tab: &mut Tab) -> String {
        let told = self.whoami(at, tab);
        assert_eq!(told.standing(), "logged-on", "at {at:?}");
        let token = told.context("token").expect("a JPT").to_owned();
        for (other, _) in EVERYWHERE.into_iter().zip(&self.nodes).filter(|(_, node)| node.is_some()) {
            eventually(PATIENCE, "a gateway that is not busy", || self.orders(other, &token) != 503);
            assert_eq!(self.orders(other, &token), 200, "a token of {at:?} at {other:?}");
        }
        token
    }

    /// The same at both nodes.
    #[track_caller]
    fn is_known(&self, tab: &mut Tab) -> String {
        self.is_known_at(At::A, tab);
        self.is_known_at(At::B, tab)
    }

    /// Not logged on any more, and the token is refused.
    #[track_caller]
    fn is_out(&self, at: At, tab: &mut Tab, token: &str, acknowledged: Patience) {
        within(acknowledged, &format!("the end at the proxy {at:?}"), || {
            let (path, page) = self.look(at, tab);
            page.status == 200 && self.app.told(&path).standing() != "logged-on"
        });
        within(acknowledged, &format!("the end at the gateway {at:?}"), || self.orders(at, token) == 401);
    }
}

fn name(at: At) -> &'static str {
    match at {
        At::A => "a",
        At::B => "b",
    }
}
