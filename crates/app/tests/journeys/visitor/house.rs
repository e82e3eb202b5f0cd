//! The whole platform in this process: two sites, their apps, the log-in, one user, and a clock that stands still.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use vestibule::config::Config;
use vestibule::platform::Nature;
use vestibule::serve::{self, Running};
use vestibule_domain::identity::{Timestamp, UserId};
use vestibule_oauth::scope::ScopeSet;
use vestibule_ports::authority::{Authority as _, NewUser, Password, Profile};
use vestibule_ports::clock::TestClock;
use vestibule_ports::entropy::SeededEntropy;
use vestibule_testkit::client;
use vestibule_testkit::patience::{PATIENCE, Patience};
use vestibule_testkit::port::Port;

use super::app::{App, Told};
use super::browser::{Ask, Browser, Reply, Tab};
use super::registry;

/// The user's log-in name.
pub(in crate::journeys) const ALICE: &str = "alice";
/// Her first password.
pub(in crate::journeys) const PASSWORD: &str = "correct horse battery";
/// The secret of the client `till`.
pub(super) const TILL_SECRET: &str = "till-secret-of-32-characters-or-so";
/// The shop's host.
pub(in crate::journeys) const SHOP: &str = "shop.localhost";
/// The outlet's host.
pub(super) const OUTLET: &str = "outlet.localhost";
/// The log-in's host.
pub(in crate::journeys) const LOGIN: &str = "login.localhost";
/// When each story begins.
pub(super) const BEGIN: i64 = 1_790_000_000;

/// By when an end that was acknowledged has reached every node, in real time.
pub(in crate::journeys) const FEED_BOUND: Duration = Duration::from_millis(250);

pub(super) const MINUTE: Duration = Duration::from_mins(1);
pub(super) const HOUR: Duration = Duration::from_hours(1);
pub(super) const DAY: Duration = Duration::from_hours(24);

const SETTINGS: &str = include_str!("house.toml");
const SERVICES: &str = include_str!("services.toml");

/// The platform, started, and what stands around it.
pub(super) struct House {
    pub(super) app: App,
    pub(super) clock: Arc<TestClock>,
    entropy: Arc<SeededEntropy>,
    dir: TempDir,
    ports: [Port; 3],
    sessions: String,
    idp: String,
    services: String,
    running: Option<Running>,
}

impl House {
    /// With default limits.
    #[track_caller]
    pub(super) fn open() -> Self {
        Self::with("")
    }

    /// With these lines of `[sessions]`.
    #[track_caller]
    pub(super) fn with(sessions: &str) -> Self {
        Self::with_lines(sessions, "", String::new())
    }

    /// With these lines of `[idp]`.
    #[track_caller]
    pub(super) fn with_idp(idp: &str) -> Self {
        Self::with_lines("", idp, String::new())
    }

    /// With services behind a gateway that has both doors.
    #[track_caller]
    pub(super) fn with_services() -> Self {
        Self::with_lines("", "", SERVICES.to_owned())
    }

    /// The same with one more service, under this path and with the scope `products:read`.
    #[track_caller]
    pub(super) fn with_service(path: &str, address: SocketAddr) -> Self {
        let service = format!(
            "[[service]]\npath = \"{path}\"\nupstream = \"http://{address}\"\nscopes = [\"products:read\"]\n"
        );
        Self::with_lines("", "", SERVICES.to_owned() + &service)
    }

    #[track_caller]
    fn with_lines(sessions: &str, idp: &str, services: String) -> Self {
        let mut house = Self {
            app: App::start(),
            clock: Arc::new(TestClock::new(Timestamp::from_secs(BEGIN))),
            entropy: Arc::new(SeededEntropy::new(7)),
            dir: new_dir(),
            ports: [(); 3].map(|()| Port::free()),
            sessions: sessions.to_owned(),
            idp: registry::lines() + idp,
            services,
            running: None,
        };
        std::fs::write(house.dir.path().join("till.secret"), TILL_SECRET).expect("the directory takes files");
        house.start();
        house.add_user(ALICE, PASSWORD);
        house
    }

    #[track_caller]
    fn start(&mut self) {
        let running = serve::start_in(self.config(), self.nature());
        self.running = Some(running.unwrap_or_else(|e| panic!("the house does not start: {e:#}")));
    }

    /// Ends the platform and starts it again over the same files.
    #[track_caller]
    pub(super) fn restart(&mut self) {
        self.stop();
        self.start();
    }

    /// Ends the platform.
    pub(super) fn stop(&mut self) {
        if let Some(running) = self.running.take() {
            running.stop();
        }
    }

    fn nature(&self) -> Nature {
        Nature { clock: Arc::clone(&self.clock) as _, entropy: Arc::clone(&self.entropy) as _ }
    }

    fn config(&self) -> Config {
        let [web, idp, metrics] = &self.ports;
        let mut text = (SETTINGS.to_owned() + &self.services)
            .replace("{web}", &web.to_string())
            .replace("{idp}", &idp.to_string())
            .replace("{metrics}", &metrics.to_string())
            .replace("{app}", &self.app.url())
            .replace("{dir}", &self.dir.path().display().to_string())
            .replace("{idp_lines}", &self.idp);
        let _ = writeln!(text, "[sessions]\n{}", self.sessions);
        let file = self.dir.path().join("house.toml");
        std::fs::write(&file, text).expect("the directory takes files");
        Config::read(&file).unwrap_or_else(|e| panic!("{e}"))
    }

    #[track_caller]
    pub(super) fn running(&self) -> &Running {
        self.running.as_ref().expect("the house is open")
    }

    /// A page of the shop.
    pub(super) fn shop(&self, path: &str) -> String {
        format!("http://{SHOP}:{}{path}", self.ports[0])
    }

    /// A page of the outlet.
    pub(super) fn outlet(&self, path: &str) -> String {
        format!("http://{OUTLET}:{}{path}", self.ports[0])
    }

    /// A page of the log-in.
    pub(super) fn login(&self, path: &str) -> String {
        format!("http://{LOGIN}:{}{path}", self.ports[1])
    }

    /// A browser without cookies.
    pub(super) fn browser(&self) -> Browser {
        Browser::new(Arc::clone(&self.clock))
    }

    /// Moves the clock, and waits until the standing work has noticed: time that passes by itself leaves it hours.
    #[track_caller]
    pub(super) fn advance(&self, by: Duration) {
        self.clock.advance(by);
        eventually(PATIENCE, "the tokens of anonymous visitors", || {
            std::thread::yield_now();
            self.running().is_warm()
        });
    }

    #[track_caller]
    pub(super) fn add_user(&self, login: &str, password: &str) -> UserId {
        let running = self.running();
        let user = NewUser {
            login: login.to_owned(),
            password: Password::new(password),
            profile: Profile {
                name: Some("Alice Larsen".to_owned()),
                email: Some("alice@shop.example".to_owned()),
                ..Profile::default()
            },
            scopes: ScopeSet::default(),
        };
        let idp = running.idp().expect("the house has a log-in");
        running.wait(idp.create_user(user, "test")).unwrap_or_else(|e| panic!("no user {login}: {e}"))
    }

    /// Alice's identifier.
    #[track_caller]
    pub(super) fn alice(&self) -> UserId {
        let (running, idp) = (self.running(), self.running().idp().expect("the house has a log-in"));
        running.wait(idp.find_user(ALICE)).ok().flatten().expect("the house has a user").id
    }

    /// A tab of a new browser, logged on at the shop as alice.
    #[track_caller]
    pub(super) fn logged_on(&self) -> Tab {
        let mut tab = self.browser().tab();
        tab.log_in(&self.shop("/account"));
        tab
    }

    /// Logs on at the shop in a browser that has a sign-on session, so that no form is shown.
    #[track_caller]
    pub(super) fn log_in_by_sign_on(&self, tab: &mut Tab) {
        let asked = tab.open(&self.shop("/account"));
        let page = tab.follow(asked).is(200);
        assert_eq!(page.url.host_str(), Some(SHOP), "asks for credentials: {page:?}");
    }

    /// What an app of the shop that reads everything is told of this tab's visitor. Sets no cookie.
    #[track_caller]
    pub(super) fn whoami(&self, tab: &mut Tab) -> Told {
        self.told(tab, &self.shop(""))
    }

    /// The same in the outlet.
    #[track_caller]
    pub(super) fn whoami_in_outlet(&self, tab: &mut Tab) -> Told {
        self.told(tab, &self.outlet(""))
    }

    #[track_caller]
    fn told(&self, tab: &mut Tab, origin: &str) -> Told {
        let path = self.app.new_path("/whoami");
        tab.open(&format!("{origin}{path}")).is(200).sets_nothing();
        self.app.told(&path)
    }

    /// Sends a form to the shop's basket, whose app asks for this change.
    #[track_caller]
    pub(super) fn patch(&self, tab: &mut Tab, patch: &str) -> Reply {
        self.patch_at(tab, "/basket", patch)
    }

    /// The same by another app.
    #[track_caller]
    pub(super) fn patch_at(&self, tab: &mut Tab, root: &str, patch: &str) -> Reply {
        let path = self.app.patching(root, patch);
        tab.send(Ask::form(&self.shop(&path), &self.shop("/"), &[("item", "doormat")]))
    }

    /// Where the platform keeps its files.
    pub(super) fn data_dir(&self) -> &Path {
        self.dir.path()
    }

    pub(super) fn access_log(&self) -> PathBuf {
        self.dir.path().join("access.log")
    }

    #[track_caller]
    pub(super) fn metrics(&self) -> String {
        let address = self.running().address("metrics").expect("the house serves metrics");
        client::get(address, "localhost", "/metrics", &[]).text()
    }

    /// Where a counter stands.
    #[track_caller]
    pub(super) fn counter(&self, name: &str) -> u64 {
        let metrics = self.metrics();
        let number = metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        number.and_then(|number| number.parse().ok()).unwrap_or_else(|| panic!("no {name}: {metrics}"))
    }

    /// The access line of the only request for this path. Lines are written once a second.
    #[track_caller]
    pub(super) fn access_line(&self, path: &str) -> Value {
        let (wanted, mut line) = (format!("\"path\":\"{path}\""), Value::Null);
        eventually(PATIENCE, &format!("the access line of {path}"), || {
            let log = std::fs::read_to_string(self.access_log()).unwrap_or_default();
            let mut found = log.lines().filter(|line| line.contains(&wanted) && line.ends_with('}'));
            let Some(first) = found.next() else { return false };
            assert_eq!(found.next(), None, "two access lines of {path}");
            line = serde_json::from_str(first).unwrap_or_else(|e| panic!("{e}: {first}"));
            true
        });
        line
    }

    /// Each of these requests' access lines says why its patch was refused, or nothing of one. No others were refused.
    #[track_caller]
    pub(super) fn has_refused(&self, patches: &[(String, Option<&str>)]) {
        for (path, why) in patches {
            assert_eq!(self.access_line(path)["patch_refused"].as_str(), *why, "{path}");
        }
        let count = patches.iter().filter(|(_, why)| why.is_some()).count();
        assert_eq!(self.counter("vestibule_patches_refused_total"), count as u64);
    }

    /// What has happened to a session as administrators are told it, oldest first.
    #[track_caller]
    pub(super) fn life(&self, session: &str) -> Vec<String> {
        let token = std::fs::read_to_string(self.dir.path().join("admin.token")).expect("a token");
        let address = self.running().address("admin").expect("the house is administered");
        let (target, bearer) =
            (format!("/admin/sessions/{session}/audit"), format!("Authorization: Bearer {token}"));
        let told = client::get(address, "localhost", &target, &[bearer.trim_end()]);
        assert_eq!(told.status, 200, "{told:?}");
        let audit: Value = serde_json::from_slice(&told.body).expect("JSON");
        let events = audit["events"].as_array().expect("a list").iter();
        events.map(|event| event["what"].as_str().expect("a sentence").to_owned()).collect()
    }
}

impl Drop for House {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Waits until it holds, for as long as `within`. What is asked has to take its time by itself, as a request does.
#[track_caller]
pub(in crate::journeys) fn eventually(within: Duration, what: &str, mut holds: impl FnMut() -> bool) {
    let patience = Patience::new(within);
    while !holds() {
        assert!(!patience.left().is_zero(), "not within {within:?}: {what}");
    }
}

/// In memory where there is such a place: dozens of houses that wait for one slow disk miss the store's deadlines.
pub(in crate::journeys) fn new_dir() -> TempDir {
    let in_memory = Path::new("/dev/shm");
    let dir = if in_memory.is_dir() { tempfile::tempdir_in(in_memory) } else { tempfile::tempdir() };
    dir.expect("a directory for the house")
}
