//! A Chromium with a fresh profile, driven through chromedriver (W3C WebDriver). What a visitor does and sees, each with
//! a limit on how long it may take. Must not know Vestibule.

use std::net::{Ipv4Addr, SocketAddr};
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use vestibule_testkit::client::Raw;
use vestibule_testkit::patience::Patience;

use super::program::Program;

/// How long a program may take to start, and a browser to do one thing. Ample, for machines that do more besides.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);
/// How long an element may take to appear, in milliseconds.
const ELEMENT_MS: u64 = 5_000;

const ADVICE: &str =
    "these tests need a browser: install Debian's chromium and chromium-driver, or run cargo xtask test";

/// WebDriver 12.1: the name under which an element's reference stands.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// Nothing that talks to the world, nothing that needs a screen. Containers have no user namespaces for the sandbox.
const SWITCHES: [&str; 8] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
];

/// Whether pages may run scripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scripts {
    On,
    Off,
}

/// A tab of a browser.
pub(super) struct Tab(Value);

/// A running browser.
pub(super) struct Browser {
    client: Raw,
    /// Path of the session.
    session: String,
    /// Of the browser itself, which is a grandchild of the test.
    pid: Value,
    _driver: Program,
    _profile: TempDir,
}

impl Browser {
    pub(super) fn start(scripts: Scripts) -> Self {
        let driver = Program::start(Command::new("chromedriver").arg("--port=0"))
            .unwrap_or_else(|error| panic!("chromedriver: {error}; {ADVICE}"));
        let line = driver.line_with("started successfully on port");
        let port = line.trim_end_matches('.').rsplit(' ').next().and_then(|port| port.parse().ok());
        let port: u16 = port.unwrap_or_else(|| panic!("no port in {line:?}"));
        let mut client = Raw::connect_with(SocketAddr::from((Ipv4Addr::LOCALHOST, port)), PATIENCE);
        let profile = tempfile::tempdir().expect("the machine has room for a profile");
        let begun = call(&mut client, "POST", "/session", &capabilities(&profile, scripts));
        let begun = begun.unwrap_or_else(|error| panic!("{error}; {ADVICE}"));
        let id = begun["sessionId"].as_str().expect("a new session has an id");
        let pid = begun["capabilities"]["goog:processID"].clone();
        Self { client, session: format!("/session/{id}"), pid, _driver: driver, _profile: profile }
    }

    /// Goes to an address and waits until the page is there.
    #[track_caller]
    pub(super) fn open(&mut self, url: &str) {
        self.post("/url", &json!({ "url": url }));
    }

    /// The address that is shown.
    #[track_caller]
    pub(super) fn url(&mut self) -> String {
        text_of(&self.get("/url"))
    }

    /// The title of the page shown.
    #[track_caller]
    pub(super) fn title(&mut self) -> String {
        text_of(&self.get("/title"))
    }

    /// Clicks on the first such element; what it leads to is waited for.
    #[track_caller]
    pub(super) fn click(&mut self, css: &str) {
        let element = self.element(css);
        self.post(&format!("{element}/click"), &json!({}));
    }

    /// Types into a field that may hold something.
    #[track_caller]
    pub(super) fn fill(&mut self, css: &str, text: &str) {
        let element = self.element(css);
        self.post(&format!("{element}/clear"), &json!({}));
        self.post(&format!("{element}/value"), &json!({ "text": text }));
    }

    /// Fills a log-in form in and sends it.
    #[track_caller]
    pub(super) fn log_in(&mut self, user: &str, password: &str) {
        self.fill("input[name=username]", user);
        self.fill("input[name=password]", password);
        self.click("button[type=submit]");
    }

    /// What the first such element shows.
    #[track_caller]
    pub(super) fn text(&mut self, css: &str) -> String {
        self.shown(css).unwrap_or_else(|error| panic!("{error}"))
    }

    /// Waits until an element shows this text, among other.
    #[track_caller]
    pub(super) fn sees(&mut self, css: &str, text: &str) {
        let patience = Patience::new(PATIENCE);
        loop {
            // A page that is being replaced refuses; the next look sees the new one.
            let shown = self.shown(css);
            if shown.as_ref().is_ok_and(|shown| shown.contains(text)) {
                return;
            }
            let url = self.url();
            assert!(!patience.left().is_zero(), "{css} on {url} should say {text:?}, it is {shown:?}");
        }
    }

    /// Waits for an address.
    #[track_caller]
    pub(super) fn arrives(&mut self, wanted: &str) {
        let patience = Patience::new(PATIENCE);
        loop {
            let url = self.url();
            if url == wanted {
                return;
            }
            assert!(!patience.left().is_zero(), "should arrive at {wanted}, is at {url}");
        }
    }

    /// Names of the cookies that would be sent to the page shown.
    #[track_caller]
    pub(super) fn cookies(&mut self) -> Vec<String> {
        let cookies = self.get("/cookie");
        cookies.as_array().into_iter().flatten().map(|cookie| text_of(&cookie["name"])).collect()
    }

    /// What the console got since it was last asked: errors, failed loads, violated policies.
    #[track_caller]
    pub(super) fn console(&mut self) -> Vec<String> {
        let lines = self.post("/se/log", &json!({ "type": "browser" }));
        let said = |line: &Value| format!("{} {}", text_of(&line["level"]), text_of(&line["message"]));
        lines.as_array().into_iter().flatten().map(said).collect()
    }

    /// The tab that is driven.
    #[track_caller]
    pub(super) fn tab(&mut self) -> Tab {
        Tab(self.get("/window"))
    }

    /// Opens one more tab and drives that.
    #[track_caller]
    pub(super) fn open_tab(&mut self) -> Tab {
        let tab = Tab(self.post("/window/new", &json!({ "type": "tab" }))["handle"].take());
        self.switch(&tab);
        tab
    }

    /// Drives another tab.
    #[track_caller]
    pub(super) fn switch(&mut self, to: &Tab) {
        self.post("/window", &json!({ "handle": to.0 }));
    }

    /// Runs the body of a function in the page, past its content policy, and waits for a promise that it returns.
    #[track_caller]
    pub(super) fn run(&mut self, script: &str) -> Value {
        self.post("/execute/sync", &json!({ "script": script, "args": [] }))
    }

    /// Tells the browser something that WebDriver has no word for (Chrome DevTools Protocol).
    #[track_caller]
    pub(super) fn devtools(&mut self, command: &str, parameters: &Value) {
        self.post("/goog/cdp/execute", &json!({ "cmd": command, "params": parameters }));
    }

    /// Path of the first such element.
    #[track_caller]
    fn element(&mut self, css: &str) -> String {
        self.try_element(css).unwrap_or_else(|error| panic!("{error}; at {}", self.url()))
    }

    fn try_element(&mut self, css: &str) -> Result<String, String> {
        let wanted = json!({ "using": "css selector", "value": css });
        let found = self.try_call("POST", "/element", &wanted)?;
        Ok(format!("/element/{}", text_of(&found[ELEMENT])))
    }

    fn shown(&mut self, css: &str) -> Result<String, String> {
        let element = self.try_element(css)?;
        let text = self.try_call("GET", &format!("{element}/text"), &Value::Null)?;
        Ok(text_of(&text))
    }

    #[track_caller]
    fn get(&mut self, path: &str) -> Value {
        self.try_call("GET", path, &Value::Null).unwrap_or_else(|error| panic!("{error}"))
    }

    #[track_caller]
    fn post(&mut self, path: &str, body: &Value) -> Value {
        self.try_call("POST", path, body).unwrap_or_else(|error| panic!("{error}"))
    }

    fn try_call(&mut self, method: &str, path: &str, body: &Value) -> Result<Value, String> {
        call(&mut self.client, method, &format!("{}{path}", self.session), body)
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // A driver that hangs cannot end its browser; without a driver the browser would stay.
        if self.try_call("DELETE", "", &Value::Null).is_err() {
            let _ = Command::new("kill").arg("-KILL").arg(self.pid.to_string()).status();
        }
    }
}

fn capabilities(profile: &TempDir, scripts: Scripts) -> Value {
    let mut switches: Vec<String> = SWITCHES.map(str::to_owned).to_vec();
    switches.push(format!("--user-data-dir={}", profile.path().display()));
    let scripts = if scripts == Scripts::On { 1 } else { 2 };
    json!({ "capabilities": { "alwaysMatch": {
        "timeouts": { "implicit": ELEMENT_MS, "pageLoad": PATIENCE.as_millis(), "script": PATIENCE.as_millis() },
        "goog:loggingPrefs": { "browser": "ALL" },
        "goog:chromeOptions": {
            "args": switches,
            "prefs": { "profile.managed_default_content_settings.javascript": scripts },
        },
    } } })
}

/// One WebDriver command: what it gives, or what the driver said instead.
fn call(client: &mut Raw, method: &str, path: &str, body: &Value) -> Result<Value, String> {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let length = body.len();
    let head = format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n");
    client.try_send(head + &body).map_err(|error| format!("chromedriver: {error}"))?;
    let response = client.try_response_to(method).map_err(|ended| format!("chromedriver: {ended:?}"))?;
    let mut answer: Value =
        serde_json::from_slice(&response.body).map_err(|error| format!("{path}: {error}"))?;
    let value = answer["value"].take();
    if response.status == 200 {
        Ok(value)
    } else {
        Err(format!("{method} {path}: {}", text_of(&value["message"])))
    }
}

fn text_of(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
