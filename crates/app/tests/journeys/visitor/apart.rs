//! The log-in, the proxy and the gateway as three processes of the real binary, which know each other by addresses and
//! role clients alone. Whoever ends the test ends them too.

use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;

use tempfile::TempDir;
use tokio::runtime::Runtime;
use vestibule_demo::{services, shop};
use vestibule_domain::identity::Timestamp;
use vestibule_ports::clock::TestClock;
use vestibule_testkit::client;
use vestibule_testkit::patience::{PATIENCE, Patience};
use vestibule_testkit::port::Port;
use vestibule_testkit::server::disk::hearing_errors;

use super::browser::{Browser, Tab};
use super::form::Form;
use super::house::{ALICE, BEGIN, PASSWORD};
use super::registry;

/// How many addresses the three processes need; the files name them by number: 0 the shop, 1 the log-in, 2 its inside,
/// 3 its administration, 4 the gateway's inside, from 5 on the metrics of log-in, proxy and gateway, 8 the proxy's
/// administration.
const PORTS: usize = 9;

pub(super) const IDP: &str = include_str!("apart/idp.toml");
const PROXY: &str = include_str!("apart/proxy.toml");
const GATEWAY: &str = include_str!("apart/gateway.toml");

/// One process of the binary.
pub(in crate::journeys) struct Role(Child);

impl Role {
    pub(in crate::journeys) fn pid(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Role {
    fn drop(&mut self) {
        // Fails only when it has ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The three of them, and what stands around them.
pub(super) struct Apart {
    ports: [Port; PORTS],
    dir: TempDir,
    pub(super) idp: Option<Role>,
    pub(super) proxy: Option<Role>,
    _gateway: Role,
    _apps: Runtime,
}

impl Apart {
    pub(super) fn start() -> Self {
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
        let proxy = serve_apart(&file("proxy.toml", PROXY), &ports[6]);
        let gateway = serve_apart(&file("gateway.toml", GATEWAY), &ports[7]);
        let apart = Self { ports, dir, idp: Some(idp), proxy: Some(proxy), _gateway: gateway, _apps: apps };
        apart.run("idp", &["user", "add", ALICE, "--name", "Alice Larsen"], PASSWORD).expect("alice is made");
        apart
    }

    pub(super) fn start_idp(&mut self) {
        self.idp = Some(serve_apart(&self.dir.path().join("idp.toml"), &self.ports[5]));
    }

    pub(super) fn start_proxy(&mut self) {
        self.proxy = Some(serve_apart(&self.dir.path().join("proxy.toml"), &self.ports[6]));
    }

    /// Where a process keeps what it keeps.
    pub(super) fn dir(&self, role: &str) -> PathBuf {
        self.dir.path().join(role)
    }

    /// What a command says that is given the configuration of this process, and this to read: on its standard output,
    /// or on the other one when it fails.
    pub(super) fn run(&self, role: &str, words: &[&str], input: &str) -> Result<String, String> {
        let mut command = Command::new(env!("CARGO_BIN_EXE_vestibule"));
        command.args(words).arg("--config").arg(self.dir.path().join(format!("{role}.toml")));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the binary was built for this test");
        // What reads nothing may have ended already.
        let _unread = child.stdin.take().expect("a pipe").write_all(input.as_bytes());
        let Output { status, stdout, stderr } = child.wait_with_output().expect("it ends");
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        if status.success() { Ok(text(stdout)) } else { Err(text(stderr)) }
    }

    /// Logs alice on by the form.
    pub(super) fn log_in(&self, tab: &mut Tab) {
        self.log_in_with(tab, PASSWORD);
    }

    /// Logs alice on by the form, with this password.
    pub(super) fn log_in_with(&self, tab: &mut Tab, password: &str) {
        let asked = tab.open(&self.shop("/account"));
        let page = tab.follow(asked).is(200);
        assert_eq!(page.url.port(), Some(self.ports[1].number()), "asks for credentials: {page:?}");
        let answered = Form::of(&page).submit(tab, &[("username", ALICE), ("password", password)]).is(303);
        tab.follow(answered).is(200);
    }

    /// Whether a page that requires a log-on leads this browser to the form.
    pub(super) fn asks_for_credentials(&self, browser: &Browser) -> bool {
        let mut tab = browser.copy().tab();
        let asked = tab.open(&self.shop("/account"));
        // The end may come between the code and its redemption: then nobody is logged on, and the next try is asked.
        tab.follow(asked).url.port() == Some(self.ports[1].number())
    }

    pub(super) fn shop(&self, path: &str) -> String {
        format!("http://shop.localhost:{}{path}", self.ports[0])
    }

    /// What browsers know the log-in by.
    pub(super) fn log_in_origin(&self) -> String {
        format!("http://login.localhost:{}", self.ports[1])
    }

    /// A browser without cookies. What time it has is of no consequence.
    pub(super) fn browser() -> Browser {
        Browser::new(Arc::new(TestClock::new(Timestamp::from_secs(BEGIN))))
    }

    /// What an app is told of this tab's visitor: the header of this name.
    pub(super) fn told(&self, tab: &mut Tab, name: &str) -> Option<String> {
        let told = tab.open(&self.shop("/whoami")).is(200).json();
        told["headers"][format!("x-context-{name}")].as_str().map(str::to_owned)
    }

    /// What the gateway says to a web app that has this token.
    pub(super) fn echo(&self, token: &str) -> u16 {
        let bearer = format!("Authorization: Bearer {token}");
        client::get(self.ports[4].address(), "localhost", "/echo", &[&bearer]).status
    }
}

/// Starts the binary and waits until it is ready.
fn serve_apart(config: &Path, metrics: &Port) -> Role {
    serve_saying(config, metrics, Stdio::null(), Stdio::inherit())
}

/// The same, and what it says goes there.
pub(in crate::journeys) fn serve_saying(config: &Path, metrics: &Port, out: Stdio, errors: Stdio) -> Role {
    let mut command = hearing_errors(Path::new(env!("CARGO_BIN_EXE_vestibule")));
    command.arg("serve").arg("--config").arg(config).stdin(Stdio::null()).stdout(out).stderr(errors);
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

fn serve(runtime: &Runtime, router: axum::Router) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    runtime.spawn(vestibule_demo::serve(listener, router, std::future::pending()));
    address
}
