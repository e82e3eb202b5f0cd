//! The process ends and starts again over the same files: what was acknowledged is there, what had ended stays ended.

use serde_json::json;

use super::browser::Ask;
use super::house::{House, LOGIN, MINUTE, SHOP};

#[test]
fn sessions_and_log_ons_go_on() {
    let mut house = House::open();
    let (mut tab, mut other) = (house.browser().tab(), house.browser().tab());
    tab.log_in(&house.shop("/account"));
    house.patch_at(&mut tab, "/notes", r#"{"draft":"mine"}"#).is(200);
    house.patch(&mut other, r#"{"basket":["kept"]}"#).is(200);
    let (before, other_before) = (house.whoami(&mut tab), house.whoami(&mut other));
    let cookies = tab.browser.cookies(SHOP);

    house.restart();
    let (after, other_after) = (house.whoami(&mut tab), house.whoami(&mut other));

    assert_eq!(after.standing(), "logged-on");
    for name in ["session", "visitor", "user", "authenticated-at", "attributes", "claims"] {
        assert_eq!(after.context(name), before.context(name), "{name}");
    }
    assert_eq!(
        (other_after.standing(), other_after.attributes()),
        ("returning", json!({"basket": ["kept"]}))
    );
    assert_eq!(other_after.context("visitor"), other_before.context("visitor"));
    assert_eq!(tab.browser.cookies(SHOP), cookies);
}

#[test]
fn a_dead_session_stays_dead() {
    let mut house = House::open();
    let mut tab = house.logged_on();
    let dead = tab.browser.copy();
    tab.send(Ask::form(&house.shop("/.vestibule/logout"), &house.shop("/"), &[])).is(303);

    house.restart();

    assert_eq!(house.whoami(&mut dead.tab()).standing(), "anonymous");
    let asked = dead.tab().open(&house.shop("/account"));
    assert_eq!(
        dead.tab().follow(asked).is(200).url.host_str(),
        Some(LOGIN),
        "the sign-on session is over too"
    );
}

#[test]
fn what_was_seen_before_the_end_counts_after_it() {
    let mut house = House::open();
    let mut tab = house.logged_on();
    house.advance(29 * MINUTE);
    house.whoami(&mut tab);

    house.restart();
    house.advance(29 * MINUTE);

    assert_eq!(house.whoami(&mut tab).standing(), "logged-on", "touches are saved when the process ends");
}

#[test]
fn a_log_in_that_was_under_way_is_finished_after_it() {
    let mut house = House::open();
    let mut tab = house.browser().tab();
    let asked = tab.open(&house.shop("/account"));
    let form = super::form::Form::of(&tab.follow(asked).is(200));

    house.restart();
    let answered =
        form.submit(&mut tab, &[("username", "alice"), ("password", super::house::PASSWORD)]).is(303);
    tab.follow(answered).is(200);

    assert_eq!(house.whoami(&mut tab).standing(), "logged-on");
}

#[test]
fn tokens_from_before_are_still_verified_by_the_same_keys() {
    let mut house = House::open();
    let mut tab = house.browser().tab();
    let before = tab.open(&house.login("/jwks/jpt")).is(200).body;

    house.restart();

    assert_eq!(tab.open(&house.login("/jwks/jpt")).is(200).body, before);
}
