//! The platform as two processes of the real binary: the log-in, which can be killed, and a node that is proxy and gateway
//! in one. What lies between them can be broken, and what both say is kept.

use std::fs::{self, OpenOptions};
use std::process::Stdio;
use std::sync::Arc;

use serde_json::Value;
use tempfile::TempDir;
use vestibule_domain::identity::Timestamp;
use vestibule_ports::clock::TestClock;
use vestibule_testkit::client::Raw;
use vestibule_testkit::fault::FaultProxy;
use vestibule_testkit::patience::PATIENCE;
use vestibule_testkit::port::Port;
use vestibule_testkit::server::disk::limit_files;
use vestibule_testkit::strict::{Response, lines};

use super::apart::{self, Role, serve_saying};
use super::app::{App, claims};
use super::browser::{Browser, Tab};
use super::client::Mobile;
use super::form::Form;
use super::house::{ALICE, BEGIN, LOGIN, PASSWORD, SHOP, eventually, new_dir};
use super::registry::{self, Sight};

const CLIENTS: &str = include_str!("split/clients.toml");
const NODE: &str = include_str!("split/node.toml");

/// The secret of the node's role client.
pub(super) const SECRET: &str = "a-secret-of-32-characters-or-so-for-a-node";

/// Where the two listen; the files name it by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum At {
    Shop = 0,
    Login = 1,
    LoginInside = 2,
    Admin = 3,
    Gateway = 4,
    LoginMetrics = 5,
    GatewayInside = 6,
    NodeMetrics = 7,
}

const PORTS: usize = 8;

/// Both processes, and what stands around them.
pub(super) struct Split {
    ports: [Port; PORTS],
    dir: TempDir,
    registry: String,
    pub(super) app: App,
    login: Option<Role>,
    node: Option<Role>,
    road: FaultProxy,
}

impl Split {
    #[track_caller]
    pub(super) fn start() -> Self {
        let (ports, dir, app) = ([(); PORTS].map(|()| Port::free()), new_dir(), App::start());
        let registry = registry::lines();
        let road = FaultProxy::start(ports[At::LoginInside as usize].address());
        let mut split = Self { ports, dir, registry, app, login: None, node: None, road };
        for name in ["proxy", "gateway", "node"] {
            split.file(&format!("{name}.secret"), &format!("{SECRET}\n"));
        }
        let login = (apart::IDP.to_owned() + CLIENTS).replace("{registry}", &split.registry);
        split.file("login.toml", &login.replace("access = \"off\"", "access = \"stdout\""));
        split.file("node.toml", NODE);
        split.start_login();
        let alice = format!(r#"{{"login":"{ALICE}","password":"{PASSWORD}"}}"#);
        assert_eq!(split.administer("users", &alice).response().status, 201);
        split.node = Some(split.serve("node", At::NodeMetrics));
        split
    }

    fn file(&self, name: &str, text: &str) {
        let mut text = text.replace("{dir}", &self.dir.path().display().to_string());
        text = text.replace("{app}", &self.app.url()).replace("{road}", &self.road.address().to_string());
        for (number, port) in self.ports.iter().enumerate() {
            text = text.replace(&format!("{{{number}}}"), &port.to_string());
        }
        fs::write(self.dir.path().join(name), text).expect("the folder takes files");
    }

    #[track_caller]
    fn serve(&self, name: &str, metrics: At) -> Role {
        let said = |to: &str| {
            let path = self.dir.path().join(format!("{name}.{to}"));
            let file = OpenOptions::new().create(true).append(true).open(path);
            Stdio::from(file.expect("the folder takes files"))
        };
        let config = self.dir.path().join(format!("{name}.toml"));
        serve_saying(&config, &self.ports[metrics as usize], said("out"), said("errors"))
    }

    /// Everything that both processes have said so far, on both ways.
    pub(super) fn said(&self) -> Vec<u8> {
        let said = ["login.out", "login.errors", "node.out", "node.errors"];
        let said = said.map(|name| fs::read(self.dir.path().join(name)).expect("it is there from the start"));
        said.concat()
    }

    /// The files of both processes that hold what they know, with their names.
    pub(super) fn files(&self) -> Vec<(String, Vec<u8>)> {
        let listed = ["idp", "node"].map(|role| fs::read_dir(self.dir.path().join(role)).expect("a folder"));
        let files = listed.into_iter().flatten().flatten().filter(|file| file.file_name() != "admin.token");
        files
            .map(|file| (file.path().display().to_string(), fs::read(file.path()).expect("a file")))
            .chain(self.sight().kept())
            .collect()
    }

    /// kill -9.
    pub(super) fn kill(&mut self) {
        self.login = None;
    }

    /// Starts the log-in over the same files. Ready when this returns.
    #[track_caller]
    pub(super) fn start_login(&mut self) {
        self.login = Some(self.serve("login", At::LoginMetrics));
    }

    /// Whether the files of the node take anything.
    pub(super) fn node_has_room(&self, room: bool) {
        let node = self.node.as_ref().expect("it runs until this ends");
        limit_files(node.pid(), if room { None } else { Some(0) });
    }

    /// What lies between the node and the log-in.
    pub(super) fn road(&self) -> &FaultProxy {
        &self.road
    }

    /// The log-in's registry.
    pub(super) fn sight(&self) -> Sight {
        Sight::of(&self.dir.path().join("idp"), &self.registry)
    }

    pub(super) fn admin_token(&self) -> String {
        let file = self.dir.path().join("idp/admin.token");
        fs::read_to_string(file).expect("made at the first start").trim().to_owned()
    }

    /// Gives an order to the log-in's administration.
    #[track_caller]
    pub(super) fn administer(&self, order: &str, json: &str) -> Raw {
        let bearer = format!("Authorization: Bearer {}", self.admin_token());
        let fields = ["Host: localhost", &bearer, "Content-Type: application/json"];
        self.begin(At::Admin, "POST", &format!("/admin/{order}"), &fields, json)
    }

    /// Sends a request with these lines, the host among them.
    #[track_caller]
    pub(super) fn begin(&self, at: At, method: &str, target: &str, fields: &[&str], body: &str) -> Raw {
        let mut raw = Raw::connect(self.ports[at as usize].address());
        let (fields, length) = (lines(fields), body.len());
        raw.send(format!("{method} {target} HTTP/1.1\r\n{fields}Content-Length: {length}\r\n\r\n{body}"));
        raw
    }

    /// Calls the service with a token.
    #[track_caller]
    pub(super) fn call(&self, door: At, path: &str, token: &str) -> Response {
        let bearer = format!("Authorization: Bearer {token}");
        self.begin(door, "GET", path, &["Host: localhost", &bearer], "").response()
    }

    pub(super) fn login(&self, path: &str) -> String {
        format!("http://{LOGIN}:{}{path}", self.ports[At::Login as usize])
    }

    pub(super) fn shop(&self, path: &str) -> String {
        format!("http://{SHOP}:{}{path}", self.ports[At::Shop as usize])
    }

    pub(super) fn browser() -> Browser {
        Browser::new(Arc::new(TestClock::new(Timestamp::from_secs(BEGIN))))
    }

    /// Logs alice on at the shop and in the mobile app.
    #[track_caller]
    pub(super) fn log_on(&self, password: &str) -> Held {
        let mut tab = Self::browser().tab();
        let account = self.shop("/account");
        let asked = tab.open(&account);
        let page = tab.follow(asked).is(200);
        let answered =
            Form::of(&page).submit(&mut tab, &[("username", ALICE), ("password", password)]).is(303);
        let mut page = tab.follow(answered);
        // Who is told to come back later, because this machine is busy with other tests, does.
        eventually(PATIENCE, "a log-on", || {
            if page.status == 503 {
                let asked = tab.open(&account);
                page = tab.follow(asked);
            }
            page.status == 200 && page.url.host_str() == Some(SHOP)
        });
        let mobile = Mobile::at(self.login(""), tab.browser.clone());
        let tokens = mobile.redeem(&mobile.code("openid offline_access echo:read")).is(200).json();
        let mut held = Held { tab, jpt: String::new(), tokens, mobile };
        eventually(PATIENCE, "a JPT", || {
            held.jpt = held.told(self).1.unwrap_or_default();
            !held.jpt.is_empty()
        });
        held
    }

    /// The log-in does not take this password.
    #[track_caller]
    pub(super) fn cannot_log_in(&self, password: &str) {
        let mut tab = Self::browser().tab();
        let asked = tab.open(&self.shop("/account"));
        let page = tab.follow(asked).is(200);
        Form::of(&page).submit(&mut tab, &[("username", ALICE), ("password", password)]).is(403);
    }
}

/// What alice has from one log-on: a session, and tokens of a web app and of the mobile app.
pub(super) struct Held {
    pub(super) tab: Tab,
    pub(super) jpt: String,
    tokens: Value,
    mobile: Mobile,
}

impl Held {
    /// Her identifier.
    pub(super) fn user(&self) -> String {
        claims(&self.jpt)["sub"].as_str().expect("it is about a user").to_owned()
    }

    /// A token of the mobile app.
    pub(super) fn token(&self, kind: &str) -> &str {
        self.tokens[kind].as_str().expect("the app was given it")
    }

    /// The standing that an app is told, and the token if it gets one.
    #[track_caller]
    fn told(&mut self, split: &Split) -> (String, Option<String>) {
        let mut path = String::new();
        eventually(PATIENCE, "a page", || {
            path = split.app.new_path("/whoami");
            let page = self.tab.open(&split.shop(&path)).sets_nothing();
            page.status != 503 && page.is(200).status == 200
        });
        let told = split.app.told(&path);
        (told.standing().to_owned(), told.context("token").map(str::to_owned))
    }

    /// What both doors say to their tokens.
    pub(super) fn calls(&self, split: &Split) -> [u16; 2] {
        let outside = split.call(At::Gateway, "/echo", self.token("access_token"));
        [outside.status, split.call(At::GatewayInside, "/echo", &self.jpt).status]
    }

    /// All of it is good, as soon as the log-in can be asked. Nobody is told otherwise before.
    #[track_caller]
    pub(super) fn lives(&mut self, split: &Split) {
        eventually(PATIENCE, "calls that pass", || {
            assert_eq!(self.told(split).0, "logged-on");
            let said = self.calls(split);
            assert!(said.iter().all(|status| [200, 503].contains(status)), "{said:?}");
            said == [200, 200]
        });
    }

    /// All of it is dead as soon as the log-in can be asked, and stays so.
    #[track_caller]
    pub(super) fn is_over(&mut self, split: &Split) {
        eventually(PATIENCE, "the end", || {
            self.calls(split) == [401, 401] && self.told(split).0 != "logged-on"
        });
        for _ in 0..10 {
            let said = self.calls(split);
            assert!(said.iter().all(|status| [401, 503].contains(status)), "{said:?}");
            assert_ne!(self.told(split).0, "logged-on");
        }
        assert_eq!(self.mobile.refresh(self.token("refresh_token")).is(400).text("error"), "invalid_grant");
    }
}
