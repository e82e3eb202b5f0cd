//! Log-ins under way: each belongs to one browser, counts once, and at most five at a time.

use super::browser::{Reply, Tab};
use super::form::Form;
use super::house::{ALICE, House, LOGIN, MINUTE, PASSWORD, SHOP};

const TRY: &str = "__Host-vst-try";

#[test]
fn a_code_is_taken_once() {
    let house = House::open();
    let mut tab = house.browser().tab();
    let callback = to_callback(&house, &mut tab, "/account");
    let spare = tab.browser.copy();

    tab.open(&callback).is(303);
    assert_eq!(house.whoami(&mut tab).standing(), "logged-on");

    // The same browser again, and the same browser as it was before.
    tab.open(&callback).is(400).sets_nothing();
    spare.tab().open(&callback).is(400).sets_nothing();
    assert_eq!(house.whoami(&mut spare.tab()).standing(), "anonymous");
    assert_eq!(
        house.whoami(&mut tab).standing(),
        "logged-on",
        "who repeats his own callback is not logged out"
    );
}

#[test]
fn a_callback_in_a_browser_that_did_not_begin_it_redeems_nothing_and_begins_anew_once() {
    let house = House::open();
    let mut attacker = house.browser().tab();
    let callback = to_callback(&house, &mut attacker, "/account/gift?x=1");
    let mut victim = house.browser().tab();

    let restarted = victim.open(&callback).is(303);
    assert_eq!(restarted.location().host_str(), Some(LOGIN));
    assert_eq!(restarted.sets(), ["vst-try"]);
    assert_eq!(house.whoami(&mut victim.browser.tab()).standing(), "anonymous");
    let form = victim.follow(restarted).is(200);
    let answered =
        Form::of(&form).submit(&mut victim, &[("username", ALICE), ("password", PASSWORD)]).is(303);
    let arrived = victim.follow(answered).is(200);
    assert_eq!(
        arrived.url.as_str(),
        house.shop("/account/gift?x=1"),
        "the target of the log-in that was begun"
    );
    // The one who began it has lost it.
    attacker.open(&callback).is(400).sets_nothing();
}

#[test]
fn a_second_restart_would_be_a_loop() {
    let house = House::open();
    let first = to_callback(&house, &mut house.browser().tab(), "/account");
    let mut tab = house.browser().tab();
    let restarted = tab.open(&first).is(303);
    let form = tab.follow(restarted).is(200);
    let answered = Form::of(&form).submit(&mut tab, &[("username", ALICE), ("password", PASSWORD)]).is(303);
    tab.browser.remove_cookie(SHOP, TRY);

    tab.step(&answered).is(400).sets_nothing();
    assert_eq!(house.whoami(&mut tab).standing(), "anonymous");
}

#[test]
fn a_state_that_nobody_began_is_refused() {
    let house = House::open();
    let mut tab = house.browser().tab();
    let callback = to_callback(&house, &mut tab, "/account");
    let (before, after) = callback.split_once("state=").expect("a state");
    let rest = &after[after.find('&').unwrap_or(after.len())..];

    for state in ["A".repeat(43), "short".to_owned(), String::new()] {
        tab.open(&format!("{before}state={state}{rest}")).is(400).sets_nothing();
    }
    tab.open(&house.shop("/.vestibule/callback")).is(400).sets_nothing();
    // RFC 9207: a code of another issuer is none of ours
    let other = callback.replace("iss=http", "iss=https");
    assert_ne!(other, callback);
    tab.open(&other).is(400).sets_nothing();
    tab.open(&callback).is(303);
}

#[test]
fn five_log_ins_at_a_time_and_the_sixth_takes_the_place_of_the_oldest() {
    let house = House::open();
    let browser = house.browser();
    let mut forms = Vec::new();
    for n in 0..6 {
        let mut tab = browser.tab();
        let asked = tab.open(&house.shop(&format!("/account/tab{n}")));
        forms.push((Form::of(&tab.follow(asked).is(200)), tab));
    }
    assert_eq!(browser.cookie(SHOP, TRY).map(|value| value.split('.').count()), Some(5));

    let (newest, mut tab) = forms.pop().expect("six forms");
    let answered = newest.submit(&mut tab, &[("username", ALICE), ("password", PASSWORD)]).is(303);
    assert_eq!(tab.follow(answered).is(200).url.path(), "/account/tab5");
    assert_eq!(browser.cookie(SHOP, TRY).map(|value| value.split('.').count()), Some(4));

    // The other tabs get where they were going; the oldest by beginning anew.
    for (n, (form, mut tab)) in forms.into_iter().enumerate().rev() {
        let again = tab.open(&form.action);
        assert_eq!(tab.follow(again).is(200).url.path(), format!("/account/tab{n}"));
    }
    assert_eq!(house.whoami(&mut browser.tab()).standing(), "logged-on");
}

#[test]
fn an_attempt_lasts_a_quarter_of_an_hour() {
    let house = House::open();
    let mut tab = house.browser().tab();
    let asked = tab.open(&house.shop("/account"));
    let form = Form::of(&tab.follow(asked).is(200));
    house.advance(16 * MINUTE);
    assert_eq!(tab.browser.cookie(SHOP, TRY), None);

    let answered = form.submit(&mut tab, &[("username", ALICE), ("password", PASSWORD)]).is(303);
    tab.step(&answered).is(400).sets_nothing();

    assert_eq!(house.whoami(&mut tab).standing(), "anonymous");
}

#[test]
fn a_log_in_returns_within_the_site_only() {
    let house = House::open();
    for (to, lands) in [
        ("/account/a?b=c", "/account/a?b=c"),
        ("//evil.example/", "/"),
        ("https://evil.example/", "/"),
        ("/\\evil.example", "/"),
        ("\\\\evil.example", "/"),
        ("/%09/evil.example", "/"),
        ("javascript:alert(1)", "/"),
        ("account", "/"),
        ("", "/"),
    ] {
        let mut tab = house.browser().tab();
        let encoded: String = url::form_urlencoded::byte_serialize(to.as_bytes()).collect();
        let asked = tab.open(&house.shop(&format!("/.vestibule/login?to={encoded}"))).is(303);
        let form = Form::of(&tab.follow(asked).is(200));
        let answered = form.submit(&mut tab, &[("username", ALICE), ("password", PASSWORD)]).is(303);
        let reply = tab.step(&answered).is(303);
        let expected = if to.contains("%09") { to } else { lands };
        assert!(
            reply.location().as_str() == house.shop(lands)
                || reply.location().as_str() == house.shop(expected),
            "{to}: {reply:?}"
        );
        assert_eq!(reply.location().host_str(), Some(SHOP), "{to}");
    }
}

#[test]
fn one_address_begins_sixty_log_ins_a_minute() {
    let house = House::open();
    let mut tab = house.browser().tab();
    for _ in 0..60 {
        tab.open(&house.shop("/.vestibule/login?to=%2F")).is(303);
    }

    let refused = tab.open(&house.shop("/.vestibule/login?to=%2F")).is(429).sets_nothing();
    assert_eq!(refused.field("retry-after"), "60");
    house.advance(MINUTE);
    tab.open(&house.shop("/.vestibule/login?to=%2F")).is(303);
}

/// The address with a code that the log-in sends the browser back to.
#[track_caller]
fn to_callback(house: &House, tab: &mut Tab, path: &str) -> String {
    let asked = tab.open(&house.shop(path));
    let form: Reply = tab.follow(asked).is(200);
    let answered = Form::of(&form).submit(tab, &[("username", ALICE), ("password", PASSWORD)]).is(303);
    answered.location().into()
}
