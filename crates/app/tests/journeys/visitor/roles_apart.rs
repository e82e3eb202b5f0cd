//! Roles apart: the log-in, the proxy and the gateway as three processes of the real binary.

use vestibule_testkit::patience::PATIENCE;

use super::apart::Apart;
use super::browser::Ask;
use super::house::{FEED_BOUND, eventually};

/// Log on, call a service by an app, log out: each step needs all three, and the end reaches the gateway by the feed.
#[test]
fn three_processes_log_a_visitor_on_and_out() {
    let apart = Apart::start();
    let browser = Apart::browser();
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
    let browser = Apart::browser();
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
