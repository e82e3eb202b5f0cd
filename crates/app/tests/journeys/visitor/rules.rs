//! A rule of the proxy ends a log-on before its limits: its cookie has turned up in another browser. Nobody is locked out
//! and nothing that survives a log-on is lost.

use std::time::Duration;

use serde_json::json;

use super::browser::Tab;
use super::form::Form;
use super::house::{ALICE, House, LOGIN, MINUTE, OUTLET, PASSWORD, SHOP};
use super::jar::OURS;

/// How long a secret from before a rise still shows what stood before it.
const GRACE: Duration = Duration::from_secs(5);
const RULE: &str = "step_down_when = [\"browser-changes\"]";
const FOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:142.0) Gecko/20100101 Firefox/142.0";
const FOX_RENEWED: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0";
const OWL: &str = "curl/8.9.1";

/// Logged on in shop and outlet, with something in the shop's session.
fn logged_on(house: &House) -> Tab {
    let mut tab = house.browser().called(FOX).tab();
    tab.log_in(&house.shop("/account"));
    house.patch(&mut tab, r#"{"basket":["kept"]}"#).is(200);
    let asked = tab.open(&house.outlet("/account"));
    assert_eq!(tab.follow(asked).is(200).url.host_str(), Some(OUTLET), "the sign-on session answers");
    tab
}

#[test]
fn a_cookie_in_another_browser_steps_down_everywhere_in_this_one_and_the_next_log_on_asks() {
    let house = House::with(RULE);
    let mut tab = logged_on(&house);
    let user = house.whoami(&mut tab).context("user").map(str::to_owned);
    let mut thief = tab.browser.copy().called(OWL).tab();

    let told = house.whoami(&mut thief);
    assert_eq!((told.standing(), told.context("user")), ("returning", None));

    let told = house.whoami(&mut tab);
    assert_eq!(told.standing(), "returning", "whose it is cannot be told apart");
    assert_eq!(told.context("remembered-user"), user.as_deref());
    assert_eq!(told.attributes(), json!({"basket": ["kept"]}));
    assert!(told.claims()["sub"].as_str().is_some_and(|sub| sub.starts_with("v:")));
    assert_eq!(house.whoami_in_outlet(&mut tab).standing(), "returning");
    assert!(tab.browser.cookies(SHOP).iter().any(|(name, _)| name == &format!("{OURS}-keep")));

    let asked = tab.open(&house.outlet("/account"));
    let form = tab.follow(asked).is(200);
    assert_eq!(form.url.host_str(), Some(LOGIN));
    let answered = Form::of(&form).submit(&mut tab, &[("username", ALICE), ("password", PASSWORD)]);
    tab.follow(answered).is(200);
    assert_eq!(house.whoami_in_outlet(&mut tab).standing(), "logged-on");
    let asked = tab.open(&house.shop("/account"));
    assert_eq!(tab.follow(asked).is(200).url.host_str(), Some(SHOP), "asked once, not once a site");
    assert_eq!(house.whoami(&mut tab).attributes(), json!({"basket": ["kept"]}));
    house.advance(GRACE);
    assert_eq!(house.whoami(&mut thief).standing(), "anonymous", "the log-on has changed the secrets");
}

#[test]
fn a_page_that_needs_a_log_on_is_refused_to_the_other_browser_at_once() {
    let house = House::with(RULE);
    let tab = logged_on(&house);
    let mut thief = tab.browser.copy().called(OWL).tab();
    let asked = thief.open(&house.shop("/account"));
    assert!(asked.is_redirect(), "{asked:?}");
    let form = thief.follow(asked).is(200);
    assert_eq!(form.url.host_str(), Some(LOGIN), "the sign-on session has ended with it");
}

#[test]
fn a_browser_that_renews_itself_is_the_same_one() {
    let house = House::with(RULE);
    let tab = logged_on(&house);
    house.advance(20 * MINUTE);
    let mut renewed = tab.browser.called(FOX_RENEWED).tab();
    assert_eq!(house.whoami(&mut renewed).standing(), "logged-on");
}

#[test]
fn without_a_rule_a_log_on_is_as_good_in_every_browser() {
    let house = House::open();
    let tab = logged_on(&house);
    let mut other = tab.browser.copy().called(OWL).tab();
    assert_eq!(house.whoami(&mut other).standing(), "logged-on");
}
