//! The log-on ends by its limits and the visitor is remembered: no cookie changes, nothing of the log-on stays visible.

use std::time::Duration;

use serde_json::json;

use super::browser::{Browser, Tab};
use super::form::Form;
use super::house::{ALICE, BEGIN, DAY, HOUR, House, LOGIN, MINUTE, PASSWORD, SHOP};

#[test]
fn four_hours_after_the_credentials_the_log_on_is_over_however_busy() {
    let house = House::open();
    let mut tab = logged_on(&house);
    let user = house.whoami(&mut tab).context("user").map(str::to_owned);
    let cookies = cookies(&tab.browser);

    for _ in 0..11 {
        house.advance(20 * MINUTE);
        assert_eq!(house.whoami(&mut tab).standing(), "logged-on");
    }
    house.advance(20 * MINUTE);
    let told = house.whoami(&mut tab);

    assert_eq!(told.standing(), "returning");
    assert_eq!((told.context("user"), told.context("claims"), told.context("level")), (None, None, None));
    assert_eq!(told.context("remembered-user"), user.as_deref());
    assert_eq!(told.attributes(), json!({"basket": ["kept"]}), "what does not survive is gone");
    assert!(told.claims()["sub"].as_str().is_some_and(|sub| sub.starts_with("v:")));
    assert_eq!(self::cookies(&tab.browser), cookies, "a fall sets and clears no cookie");
    let asked = tab.open(&house.shop("/account"));
    assert_eq!(tab.follow(asked).is(200).url.host_str(), Some(LOGIN), "the sign-on session is as old");
}

#[test]
fn the_four_hours_count_from_the_credentials_and_not_from_the_callback() {
    let house = House::open();
    let mut tab = house.browser().tab();
    let asked = tab.open(&house.shop("/account"));
    let form = tab.follow(asked).is(200);
    // The outlet's log-on rests on credentials that were given three hours before.
    let answered = Form::of(&form).submit(&mut tab, &[("username", ALICE), ("password", PASSWORD)]);
    tab.follow(answered).is(200);
    for _ in 0..9 {
        house.advance(20 * MINUTE);
        house.whoami(&mut tab);
    }

    let asked = tab.open(&house.outlet("/account/late"));
    tab.follow(asked).is(200);
    let told = house.app.told("/account/late");
    assert_eq!(told.context("authenticated-at"), Some(BEGIN.to_string().as_str()));
    let claims = house.whoami_in_outlet(&mut tab).claims();
    assert!(claims["exp"].as_i64().is_some_and(|exp| exp <= BEGIN + 4 * 3600), "{claims}");

    for _ in 0..2 {
        house.advance(20 * MINUTE);
        assert_eq!(house.whoami_in_outlet(&mut tab).standing(), "logged-on");
    }
    house.advance(20 * MINUTE);
    assert_eq!(house.whoami_in_outlet(&mut tab).standing(), "returning");
}

#[test]
fn a_token_never_outlives_the_log_on() {
    let house = House::open();
    let mut tab = logged_on(&house);
    for _ in 0..11 {
        house.advance(20 * MINUTE);
        house.whoami(&mut tab);
    }

    house.advance(15 * MINUTE);
    let claims = house.whoami(&mut tab).claims();

    assert_eq!(claims["exp"], BEGIN + 4 * 3600);
}

#[test]
fn half_an_hour_without_a_request_ends_the_log_on_to_the_second() {
    let house = House::open();
    let mut tab = logged_on(&house);
    house.advance(Duration::from_secs(30 * 60 - 1));
    assert_eq!(house.whoami(&mut tab).standing(), "logged-on");

    house.advance(30 * MINUTE);
    let told = house.whoami(&mut tab);

    assert_eq!(told.standing(), "returning");
    assert_eq!(told.attributes(), json!({"basket": ["kept"]}));
    // The visit that found the fall does not take it back.
    assert_eq!(house.whoami(&mut tab).standing(), "returning");
}

#[test]
fn after_an_idle_fall_the_next_log_on_asks_for_credentials() {
    let house = House::open();
    let mut tab = logged_on(&house);
    house.advance(31 * MINUTE);
    let before = house.whoami(&mut tab);
    assert_eq!(before.standing(), "returning");

    let asked = tab.open(&house.shop("/account"));
    let form = tab.follow(asked).is(200);
    assert_eq!(form.url.host_str(), Some(LOGIN));
    let answered = Form::of(&form).submit(&mut tab, &[("username", ALICE), ("password", PASSWORD)]);
    tab.follow(answered).is(200);

    let after = house.whoami(&mut tab);
    assert_eq!(after.standing(), "logged-on");
    assert_eq!(after.context("session"), before.context("session"), "the same user goes on with his session");
    assert_eq!(after.attributes(), json!({"basket": ["kept"]}));
}

#[test]
fn what_was_written_before_the_log_on_survives_it_and_what_belongs_to_it_does_not() {
    let house = House::open();
    let mut tab = house.browser().tab();
    house.patch_at(&mut tab, "/notes", r#"{"draft":"from before"}"#).is(200);
    tab.log_in(&house.shop("/account"));
    assert_eq!(house.whoami(&mut tab).attributes(), json!({"draft": "from before"}));

    house.advance(31 * MINUTE);
    assert_eq!(house.whoami(&mut tab).attributes(), json!({"draft": "from before"}));

    tab.log_in(&house.shop("/account"));
    house.patch_at(&mut tab, "/notes", r#"{"draft":"from within"}"#).is(200);
    house.advance(31 * MINUTE);
    assert_eq!(house.whoami(&mut tab).attributes(), json!({}));
}

#[test]
fn a_page_that_was_opened_logged_on_and_answers_after_the_fall_writes_nothing_private() {
    use vestibule_testkit::upstream::{Step, answer};
    let house = House::open();
    let tab = logged_on(&house);
    let held = answer(200, &[r#"x-context-update: {"draft":"late"}"#], "a page");
    let path = house.app.playing("/account", vec![Step::ReadBody, Step::Hold("late"), Step::Send(held)]);

    std::thread::scope(|scope| {
        let (mut late, url) = (tab.clone(), house.shop(&path));
        let asked = scope.spawn(move || late.open(&url));
        house.app.wait_for(&path);
        house.advance(4 * HOUR);
        house.app.release("late");
        asked.join().expect("an answer").is(200).sets_nothing();
    });

    assert_eq!(house.whoami(&mut tab.clone()).attributes(), json!({"basket": ["kept"]}));
}

#[test]
fn a_log_on_begins_the_ninety_days_anew() {
    let house = House::open();
    let mut tab = house.browser().tab();
    house.patch(&mut tab, r#"{"basket":["kept"]}"#).is(200);
    for _ in 0..14 {
        house.whoami(&mut tab);
        house.advance(6 * DAY);
    }
    tab.log_in(&house.shop("/account"));

    for _ in 0..14 {
        house.advance(6 * DAY);
        assert_eq!(house.whoami(&mut tab).standing(), "returning");
    }
    house.advance(6 * DAY);

    assert_eq!(house.whoami(&mut tab).standing(), "anonymous");
}

#[test]
fn configured_limits_are_the_ones_that_count() {
    let house = House::with(
        "log_on_seconds = 600\nidle_seconds = 60\nreturning_seconds = 1200\nceiling_seconds = 1800",
    );
    let mut tab = house.browser().tab();
    let page = house.patch(&mut tab, r#"{"basket":["kept"]}"#).is(200);
    assert_eq!(page.set_cookie("__Host-vst-keep").max_age, Some(1800));
    tab.log_in(&house.shop("/account"));

    house.advance(MINUTE);
    assert_eq!(house.whoami(&mut tab).standing(), "returning");
    house.advance(20 * MINUTE);
    assert_eq!(house.whoami(&mut tab).standing(), "anonymous");
}

/// A tab that is logged on, with one attribute that survives and one that does not.
#[track_caller]
fn logged_on(house: &House) -> Tab {
    let mut tab = house.logged_on();
    house.patch(&mut tab, r#"{"basket":["kept"]}"#).is(200);
    house.patch_at(&mut tab, "/notes", r#"{"draft":"private"}"#).is(200);
    assert_eq!(house.whoami(&mut tab).attributes(), json!({"basket": ["kept"], "draft": "private"}));
    tab
}

fn cookies(browser: &Browser) -> Vec<(String, String)> {
    let mut cookies = browser.cookies(SHOP);
    cookies.retain(|(name, _)| name != "__Host-vst-at");
    cookies
}
