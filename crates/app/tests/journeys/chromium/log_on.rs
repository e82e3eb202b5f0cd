//! From the first visit to the log-out, as everybody's first minutes with a shop go. Without scripts too.

use super::demo::Demo;
use super::driver::{Browser, Scripts};

/// A page whose title tells whether scripts run.
const PROBE: &str = "data:text/html,<title>off</title><p>probe</p><script>document.title = 'on'</script>";

#[test]
fn a_first_visit_leads_to_a_log_on_and_ends_with_a_log_out() {
    first_visit(Scripts::On);
}

#[test]
fn no_page_needs_a_script() {
    first_visit(Scripts::Off);
}

fn first_visit(scripts: Scripts) {
    let demo = Demo::start();
    let mut browser = Browser::start(scripts);
    browser.open(PROBE);
    assert_eq!(browser.title(), if scripts == Scripts::On { "on" } else { "off" });

    browser.open(&demo.web);
    browser.sees(".badge", "Anonymous");
    assert!(browser.cookies().is_empty(), "{:?}", browser.cookies());
    add_first_item(&mut browser);
    assert!(keeps_session(&mut browser));
    log_on(&mut browser, &demo);
    // What was put in before the log-on is still there.
    browser.sees("nav .count", "1");
    assert_eq!(browser.console(), [""; 0]);

    browser.click(".actions form:first-child button");
    browser.sees(".badge", "Anonymous");
    browser.arrives(&format!("{}/", demo.web));
    // B32: a real browser takes the deletions as deletions.
    assert!(!keeps_session(&mut browser), "{:?}", browser.cookies());
    browser.click("nav a[href='/basket']");
    browser.sees("main", "It is empty");
    // The sign-on session ended too, so the next log-on asks again.
    browser.click("nav a[href='/account']");
    browser.sees("h1", "Log in");
    assert_eq!(browser.console(), [""; 0]);
}

fn add_first_item(browser: &mut Browser) {
    browser.click(".card button");
    browser.sees("h1", "Your basket");
    browser.sees(".badge", "Returning");
    browser.sees(".lines li", "1 ×");
    browser.sees("nav .count", "1");
}

/// A page that needs a log-on, a wrong password, the right one, the page.
fn log_on(browser: &mut Browser, demo: &Demo) {
    browser.click("nav a[href='/account']");
    browser.sees("h1", "Log in");
    assert!(browser.url().starts_with(&format!("{}/login?", demo.issuer)), "{}", browser.url());
    assert_eq!(browser.console(), [""; 0]);
    browser.log_in("alice", "not her password");
    browser.sees(".problem", "Check your user name and your password.");
    // The answer's own status is all that the console may hold against it.
    let console = browser.console();
    assert!(console.len() == 1 && console[0].contains("status of 403"), "{console:?}");
    browser.log_in("alice", &demo.password);
    browser.arrives(&format!("{}/account", demo.web));
    browser.sees(".badge", "Logged on: Alice Larsen");
    browser.sees("h1", "Hello, Alice Larsen");
}

fn keeps_session(browser: &mut Browser) -> bool {
    browser.cookies().iter().any(|name| name == "__Host-vst" || name == "__Host-vst-keep")
}
