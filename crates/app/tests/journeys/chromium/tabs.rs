//! Two tabs of one browser share one session: what happens in one is true in the other at its next click.

use super::demo::Demo;
use super::driver::{Browser, Scripts};

#[test]
fn two_tabs_are_one_visitor() {
    let demo = Demo::start();
    let mut browser = Browser::start(Scripts::On);
    let shop = format!("{}/shop", demo.web);
    let left = browser.tab();
    browser.open(&shop);
    browser.sees(".badge", "Anonymous");
    let right = browser.open_tab();
    browser.open(&shop);
    browser.sees(".badge", "Anonymous");

    // Both pages are from before the log-on.
    browser.switch(&left);
    browser.click(".actions a");
    browser.log_in("alice", &demo.password);
    browser.arrives(&shop);
    browser.sees(".badge", "Logged on");
    browser.switch(&right);
    browser.click("nav a[href='/shop']");
    browser.sees(".badge", "Logged on: Alice Larsen");

    // Neither page knows of the other's item when its own is sent.
    browser.switch(&left);
    browser.click(".card:nth-child(1) button");
    browser.switch(&right);
    browser.click(".card:nth-child(2) button");
    browser.sees("nav .count", "2");
    browser.sees(".lines li:nth-child(2)", "1 ×");
    browser.switch(&left);
    browser.click("nav a[href='/basket']");
    browser.sees(".lines li:nth-child(2)", "1 ×");

    browser.click(".actions form:first-child button");
    browser.sees(".badge", "Anonymous");
    browser.switch(&right);
    browser.click("nav a[href='/orders']");
    browser.sees("h1", "Log in");
    assert_eq!(browser.console(), [""; 0]);
}
