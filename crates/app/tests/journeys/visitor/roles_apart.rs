//! Roles apart: the log-in, the proxy and the gateway as three processes of the real binary, which know each other by
//! addresses and role clients alone. Whoever ends the test ends them too.

use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use tempfile::TempDir;
use tokio::runtime::Runtime;
use vestibule_demo::{services, shop};
use vestibule_domain::identity::Timestamp;
use vestibule_ports::clock::TestClock;
use vestibule_testkit::client;
use vestibule_testkit::patience::{PATIENCE, Patience};
use vestibule_testkit::port::Port;

use super::browser::{Ask, Browser, Tab};
use super::form::Form;
use super::house::{ALICE, BEGIN, FEED_BOUND, PASSWORD, eventually};
use super::registry;

/// How many addresses the three processes need; the files name them by number: 0 the shop, 1 the log-in, 2 its inside,
/// 3 its administration, 4 the gateway's inside, and from 5 on the metrics of log-in, proxy and gateway.
const PORTS: usize = 8;

const IDP: &str = include_str!("roles_apart/idp.toml");
const PROXY: &str = include_str!("roles_apart/proxy.toml");
const GATEWAY: &str = include_str!("roles_apart/gateway.toml");

/// One process of the binary.
struct Role(Child);

impl Drop for Role {
    fn drop(&mut self) {
        // Fails only when it has ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

struct Apart {
    ports: [Port; PORTS],
    dir: TempDir,
    idp: Option<Role>,
    proxy: Option<Role>,
    _gateway: Role,
    _apps: Runtime,
}

impl Apart {
    fn start() -> Self {
        let (ports, dir) = ([(); PORTS].map(|()| Port::free()), tempfile::tempdir().expect("a folder"));
        let apps = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let apps = apps.expect("a runtime for the apps");
        let gateway = format!("http://127.0.0.1:{}", ports[4]).parse().expect("an address");
        let shop = serve(&apps, shop::Shop::router(shop::Settings { gateway: Some(gateway) }));
        let services = serve(&apps, services::router(services::Settings::default()));
        let file = |name: &str, text: &str| {
            let mut text = text.replace("{dir}", &dir.path().display().to_string());
            text = text.replace("{shop}", &shop.to_string()).replace("{services}", &services.to_string());
            for (number, port) in ports.iter().enumerate() {
                text = text.replace(&format!("{{{number}}}"), &port.to_string());
            }
            let path = dir.path().join(name);
            std::fs::write(&path, text).expect("the folder takes files");
            path
        };
        file("proxy.secret", "proxy-secret-of-32-characters-or-so\n");
        file("gateway.secret", "gateway-secret-of-32-characters-or-so\n");
        let idp_file = file("idp.toml", &IDP.replace("{registry}", &registry::lines()));
        let idp = serve_apart(&idp_file, &ports[5]);
        add_alice(&idp_file);
        let proxy = serve_apart(&file("proxy.toml", PROXY), &ports[6]);
        let gateway = serve_apart(&file("gateway.toml", GATEWAY), &ports[7]);
        Self { ports, dir, idp: Some(idp), proxy: Some(proxy), _gateway: gateway, _apps: apps }
    }

    fn start_idp(&mut self) {
        self.idp = Some(serve_apart(&self.dir.path().join("idp.toml"), &self.ports[5]));
    }

    fn start_proxy(&mut self) {
        self.proxy = Some(serve_apart(&self.dir.path().join("proxy.toml"), &self.ports[6]));
    }

    /// Logs alice on by the form.
    fn log_in(&self, tab: &mut Tab) {
        let asked = tab.open(&self.shop("/account"));
        let page = tab.follow(asked).is(200);
        assert_eq!(page.url.port(), Some(self.ports[1].number()), "asks for credentials: {page:?}");
        let answered = Form::of(&page).submit(tab, &[("username", ALICE), ("password", PASSWORD)]).is(303);
        tab.follow(answered).is(200);
    }

    /// Whether a page that requires a log-on leads this browser to the form.
    fn asks_for_credentials(&self, browser: &Browser) -> bool {
        let mut tab = browser.copy().tab();
        let asked = tab.open(&self.shop("/account"));
        // The end may come between the code and its redemption: then nobody is logged on, and the next try is asked.
        tab.follow(asked).url.port() == Some(self.ports[1].number())
    }

    fn shop(&self, path: &str) -> String {
        format!("http://shop.localhost:{}{path}", self.ports[0])
    }

    /// What the gateway says to a web app that has this token.
    fn echo(&self, token: &str) -> u16 {
        let bearer = format!("Authorization: Bearer {token}");
        client::get(self.ports[4].address(), "localhost", "/echo", &[&bearer]).status
    }
}

/// Log on, call a service by an app, log out: each step needs all three, and the end reaches the gateway by the feed.
#[test]
fn three_processes_log_a_visitor_on_and_out() {
    let apart = Apart::start();
    let browser = Browser::new(Arc::new(TestClock::new(Timestamp::from_secs(BEGIN))));
    let mut tab = browser.tab();
    apart.log_in(&mut tab);
    let told = tab.open(&apart.shop("/whoami")).is(200).json();
    assert_eq!(told["headers"]["x-context-standing"], "logged-on");
    let token = told["headers"]["x-context-token"].as_str().expect("a JPT").to_owned();
    let echoed = tab.open(&apart.shop("/whoami/echo")).is(200).json();
    let bearer = echoed["headers"]["authorization"].as_str().expect("the service was shown a token");
    assert!(bearer.starts_with("Bearer ") && !bearer.contains(&token), "a JWT, not the app's own token");
    assert_eq!(apart.echo(&token), 200);
    let log_out = Ask::form(&apart.shop("/.vestibule/logout"), &apart.shop("/"), &[("scope", "this")]);
    tab.send(log_out).is(303);
    eventually(FEED_BOUND, "the gateway refuses the old token", || apart.echo(&token) == 401);
    let told = tab.open(&apart.shop("/whoami")).is(200).json();
    assert_eq!(told["headers"]["x-context-standing"], "anonymous");
}

/// The log-in is away, then the proxy dies: what it could not tell is not lost with it.
#[test]
fn a_log_out_that_the_log_in_could_not_confirm_is_told_after_the_proxy_has_died() {
    let mut apart = Apart::start();
    let browser = Browser::new(Arc::new(TestClock::new(Timestamp::from_secs(BEGIN))));
    let mut tab = browser.tab();
    apart.log_in(&mut tab);

    apart.idp = None;
    let log_out = Ask::form(&apart.shop("/.vestibule/logout"), &apart.shop("/"), &[("scope", "this")]);
    let told = tab.send(log_out).is(503);
    assert!(told.body.contains("logged out here"), "{told:?}");
    assert_eq!(told.sets(), ["-vst", "-vst-keep"]);
    apart.proxy = None;
    apart.start_idp();
    apart.start_proxy();

    eventually(PATIENCE, "the end of the sign-on session", || apart.asks_for_credentials(&browser));
}

/// Starts the binary and waits until it is ready.
fn serve_apart(config: &Path, metrics: &Port) -> Role {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vestibule"));
    command.arg("serve").arg("--config").arg(config).stdin(Stdio::null()).stdout(Stdio::null());
    let mut role = Role(command.spawn().expect("the binary was built for this test"));
    let (patience, address) = (Patience::new(PATIENCE), metrics.address());
    loop {
        if client::Raw::try_connect(address, patience.left()).is_ok()
            && client::get(address, "localhost", "/readyz", &[]).status == 200
        {
            return role;
        }
        let ended = role.0.try_wait().expect("it is a child of this process");
        assert!(ended.is_none(), "{} does not serve: {ended:?}", config.display());
        assert!(!patience.left().is_zero(), "{} is not ready", config.display());
        std::thread::yield_now();
    }
}

fn add_alice(config: &Path) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vestibule"));
    command.args(["user", "add", ALICE, "--name", "Alice Larsen", "--config"]).arg(config);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().expect("the binary was built");
    child.stdin.take().expect("a pipe").write_all(PASSWORD.as_bytes()).expect("it reads the password");
    assert!(child.wait().expect("it ends").success(), "alice cannot be made");
}

fn serve(runtime: &Runtime, router: axum::Router) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    runtime.spawn(vestibule_demo::serve(listener, router, std::future::pending()));
    address
}
