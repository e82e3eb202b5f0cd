//! Every page that people see: fit for assistive technology (axe-core finds nothing), for small screens, in light and
//! in dark; and none breaks its own content policy.

use std::fmt::Write as _;
use std::path::Path;

use serde_json::{Value, json};

use super::demo::Demo;
use super::driver::{Browser, Scripts};
use super::sites::{PASSWORD, Sites};

/// The narrowest phone that people still use, in CSS pixels.
const WIDTH: u64 = 360;

/// Where `npm ci` puts the checker.
const AXE: &str = "../../node_modules/axe-core/axe.min.js";

/// What axe refuses, and what it cannot decide. The latter too, or a picture behind a text would end the check of its
/// contrast unseen; the order desk's one gradient was measured by hand (white on its lighter end: 6.3 to 1).
const FIND: &str = "return axe.run({rules}).then(found => found.violations.concat(found.incomplete.filter(
    one => one.id !== 'color-contrast' || !document.body.matches('.legacy'))))";

/// Colour schemes, and what to look for in each: in the second only what depends on colours.
const SCHEMES: [(&str, &str); 2] = [("light", ""), ("dark", "{ runOnly: ['color-contrast'] }")];

/// Checks pages and gathers what is wrong with them.
struct Inspector {
    browser: Browser,
    axe: String,
    faults: String,
}

impl Inspector {
    fn start() -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(AXE);
        let axe = std::fs::read_to_string(&path).unwrap_or_else(|error| {
            panic!("{}: {error}; run npm ci --ignore-scripts, or cargo xtask test", path.display())
        });
        let mut browser = Browser::start(Scripts::On);
        let screen = json!({ "width": WIDTH, "height": 740, "deviceScaleFactor": 1, "mobile": false });
        browser.devtools("Emulation.setDeviceMetricsOverride", &screen);
        Self { browser, axe, faults: String::new() }
    }

    /// Opens a page and checks it.
    fn open(&mut self, url: &str) {
        self.browser.open(url);
        self.check(url);
    }

    /// Checks what is shown, with all that can be unfolded.
    fn check(&mut self, page: &str) {
        // A page of an error says its status; nothing that it refers to may fail, no policy may be broken.
        let own_status = format!("SEVERE {} - Failed to load resource", self.browser.url());
        for line in self.browser.console() {
            if !line.starts_with(&own_status) {
                let _ = writeln!(self.faults, "{page}: {line}");
            }
        }
        self.browser.run("document.querySelectorAll('details').forEach(one => one.open = true)");
        let width = self.browser.run("return document.scrollingElement.scrollWidth");
        if width.as_u64().is_none_or(|width| width > WIDTH) {
            let _ = writeln!(self.faults, "{page} is {width} pixels wide on a screen of {WIDTH}");
        }
        self.browser.run(&self.axe);
        for (scheme, rules) in SCHEMES {
            let feature = json!({ "name": "prefers-color-scheme", "value": scheme });
            self.browser.devtools("Emulation.setEmulatedMedia", &json!({ "features": [feature] }));
            let found = self.browser.run(&FIND.replace("{rules}", rules));
            for fault in found.as_array().expect("the script returns a list") {
                let _ = writeln!(self.faults, "{page} in {scheme}: {}", told(fault));
            }
        }
    }

    #[track_caller]
    fn assert_nothing_found(self) {
        assert!(self.faults.is_empty(), "\n{}", self.faults);
    }
}

/// A rule, and the elements that break it.
fn told(fault: &Value) -> String {
    let nodes = fault["nodes"].as_array().into_iter().flatten();
    let places: Vec<String> =
        nodes.map(|node| format!("{} {}", node["target"], node["failureSummary"])).collect();
    format!("{} {}", fault["id"], places.join(", "))
}

#[test]
fn the_pages_of_the_log_in_are_fit_for_everybody() {
    let demo = Demo::start();
    let mut inspector = Inspector::start();
    let at = |path: &str| format!("{}{path}", demo.issuer);
    inspector.open(&format!("{}/account", demo.web));
    inspector.browser.log_in("alice", "not her password");
    inspector.browser.sees(".problem", "Check your user name");
    inspector.check("the log-in page after a wrong password");
    inspector.open(&at("/authorize"));
    inspector.open(&at("/nowhere"));
    inspector.open(&at("/password"));
    for (field, text) in [("username", "alice"), ("password", &demo.password), ("new-password", "alicealice")]
    {
        inspector.browser.fill(&format!("#{field}"), text);
    }
    inspector.browser.fill("#repeat-password", "something else");
    inspector.browser.click("button");
    inspector.browser.sees(".problem", "twice");
    inspector.check("the password page after two different ones");
    inspector.open(&at("/logout"));
    inspector.browser.click("button");
    inspector.browser.sees("h1", "You are logged out");
    inspector.check("the page after a log-out");
    inspector.assert_nothing_found();
}

#[test]
fn the_pages_of_the_shop_are_fit_for_everybody() {
    let demo = Demo::start();
    let mut inspector = Inspector::start();
    let at = |path: &str| format!("{}{path}", demo.web);
    for path in ["/", "/basket", "/nowhere"] {
        inspector.open(&at(path));
    }
    inspector.browser.open(&at("/shop"));
    inspector.browser.click(".card button");
    inspector.browser.sees(".lines li", "1 ×");
    inspector.check("the basket with an item");
    inspector.browser.open(&at("/account"));
    inspector.browser.log_in("alice", &demo.password);
    inspector.browser.sees("h1", "Hello");
    for path in ["/account", "/orders", "/shop", "/legacy"] {
        inspector.open(&at(path));
    }
    inspector.assert_nothing_found();
}

#[test]
fn the_pages_that_say_what_went_wrong_are_fit_for_everybody() {
    let sites = Sites::start();
    let mut inspector = Inspector::start();
    inspector.open(&format!("{}/nowhere", sites.shop));
    inspector.open(&format!("{}/down", sites.shop));
    inspector.open(&format!("{}/.vestibule/callback", sites.shop));
    inspector.open(&sites.shop.replace("shop", "nobody"));
    inspector.assert_nothing_found();
}

#[test]
fn cookies_that_have_grown_too_large_are_removed_by_a_button_and_the_log_on_stays() {
    let sites = Sites::start();
    let mut inspector = Inspector::start();
    let account = format!("{}/account", sites.shop);
    inspector.browser.open(&account);
    inspector.browser.log_in("alice", PASSWORD);
    inspector.browser.sees("h1", "Hello");
    for (number, kind) in
        ["path=/", "path=/account", "path=/;secure", "path=/;domain=shop.localhost", "path=/account;secure"]
            .iter()
            .enumerate()
    {
        inspector.browser.run(&format!("document.cookie = 'big{number}=' + 'x'.repeat(4000) + ';{kind}'"));
    }
    inspector.open(&account);
    inspector.browser.sees("h1", "cookies have grown too large");
    inspector.browser.sees("li", "big0 (5 KB)");
    // Nothing happens by itself: the page stays until somebody decides.
    inspector.browser.click("button");
    inspector.browser.sees("h1", "Hello");
    let left = inspector.browser.run("return document.cookie");
    assert!(!left.as_str().expect("a text").contains("big"), "{left}");
    inspector.assert_nothing_found();
}
