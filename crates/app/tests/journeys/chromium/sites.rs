//! Two sites and one log-in, each a site of its own to the browser: who has logged on at one is known at the other
//! without being asked, and whoever logs out of one is out of both.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use tempfile::TempDir;
use tokio::runtime::Runtime;
use vestibule::config::Config;
use vestibule::serve::{self, Running};
use vestibule_demo::shop::{Settings, Shop};
use vestibule_oauth::scope::ScopeSet;
use vestibule_ports::authority::{Authority as _, NewUser, Password, Profile};
use vestibule_testkit::patience::Patience;
use vestibule_testkit::port::Port;

use super::driver::{Browser, PATIENCE, Scripts};

pub(super) const PASSWORD: &str = "correct horse battery";

/// The platform with two sites, and the sample shop behind both.
pub(super) struct Sites {
    pub(super) shop: String,
    pub(super) outlet: String,
    pub(super) login: String,
    running: Option<Running>,
    _apps: Runtime,
    _folder: TempDir,
    _ports: [Port; 2],
}

impl Sites {
    pub(super) fn start() -> Self {
        let (web, idp) = (Port::free(), Port::free());
        let (apps, app) = start_apps();
        let folder = tempfile::tempdir().expect("the machine has room for a folder");
        let text = include_str!("sites.toml")
            .replace("{web}", &web.to_string())
            .replace("{idp}", &idp.to_string())
            .replace("{app}", &app.to_string())
            .replace("{dir}", &folder.path().display().to_string());
        let config = Config::parse(&text, "sites.toml").expect("the tests' configuration is valid");
        let running = serve::start(config).expect("the ports were free");
        let alice = NewUser {
            login: "alice".to_owned(),
            password: Password::new(PASSWORD),
            profile: Profile { name: Some("Alice Larsen".to_owned()), ..Profile::default() },
            scopes: ScopeSet::default(),
        };
        let made = running.wait(running.idp().expect("it has an [idp]").create_user(alice, "test"));
        made.expect("nobody else has her name");
        Self {
            shop: format!("http://shop.localhost:{web}"),
            outlet: format!("http://outlet.localhost:{web}"),
            login: format!("http://login.localhost:{idp}"),
            running: Some(running),
            _apps: apps,
            _folder: folder,
            _ports: [web, idp],
        }
    }
}

impl Drop for Sites {
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
            running.stop();
        }
    }
}

fn start_apps() -> (Runtime, SocketAddr) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("the loopback address has free ports");
    let address = listener.local_addr().expect("it is bound");
    let runtime = Runtime::new().expect("the machine has threads");
    runtime.spawn(vestibule_demo::serve(listener, Shop::router(Settings::default()), std::future::pending()));
    (runtime, address)
}

#[test]
fn one_log_on_and_one_log_out_hold_for_both_sites() {
    let sites = Sites::start();
    let mut browser = Browser::start(Scripts::On);
    let (shop, outlet) = (format!("{}/account", sites.shop), format!("{}/account", sites.outlet));

    browser.open(&shop);
    browser.sees(".lead", "The shop");
    assert!(browser.url().starts_with(&sites.login), "{}", browser.url());
    browser.log_in("alice", PASSWORD);
    browser.arrives(&shop);
    browser.sees(".badge", "Logged on: Alice Larsen");

    browser.open(&format!("{}/shop", sites.outlet));
    browser.sees(".badge", "Anonymous");
    browser.open(&outlet);
    browser.arrives(&outlet);
    browser.sees(".badge", "Logged on: Alice Larsen");

    browser.open(&shop);
    browser.click(".actions form:first-child button");
    browser.sees("small", "404"); // this shop has no start page
    ends_at(&mut browser, &sites.outlet);
    browser.open(&outlet);
    browser.sees("h1", "Log in");
    browser.sees(".lead", "The outlet");
}

/// The end reaches the other site's session on a way of its own, so it may take a moment.
#[track_caller]
fn ends_at(browser: &mut Browser, site: &str) {
    let patience = Patience::new(PATIENCE);
    loop {
        browser.open(&format!("{site}/shop"));
        let standing = browser.text(".badge");
        if standing == "Anonymous" {
            return;
        }
        assert!(!patience.left().is_zero(), "{standing:?} at {site}");
    }
}
