//! The log-on: from a page that needs one, over the log-in's form, back to that page, with new secrets in the cookies.

use serde_json::json;

use super::form::Form;
use super::house::{ALICE, BEGIN, House, LOGIN, PASSWORD, SHOP};

#[test]
fn the_way_to_the_form_and_back_step_by_step() {
    let house = House::open();
    let mut tab = house.browser().tab();
    let path = house.app.new_path("/account");
    let account = house.shop(&format!("{path}?tab=2"));

    let to_login = tab.open(&account).is(303).sets_nothing();
    let to_idp = tab.step(&to_login).is(303);
    assert_eq!(to_idp.sets(), ["vst-try"]);
    assert_eq!(to_idp.set_cookie("__Host-vst-try").max_age, Some(15 * 60));
    assert!(to_idp.field("location").starts_with(&house.login("/authorize?")));
    let form = tab.follow(to_idp).is(200);
    assert_eq!(form.url.host_str(), Some(LOGIN));
    let hashes = house.counter("vestibule_password_hashes_total");
    let to_callback =
        Form::of(&form).submit(&mut tab, &[("username", ALICE), ("password", PASSWORD)]).is(303);
    assert_eq!(to_callback.sets(), ["vst-idp", "vst-known"]);
    assert_eq!(house.counter("vestibule_password_hashes_total"), hashes + 1);
    assert!(to_callback.field("location").starts_with(&house.shop("/.vestibule/callback?")));
    let to_account = tab.step(&to_callback).is(303);
    assert_eq!(to_account.sets(), ["-vst-try", "vst", "vst-at", "vst-keep"]);
    assert_eq!(to_account.location().as_str(), account);
    let page = tab.step(&to_account).is(200).sets_nothing();
    assert_eq!(page.field("cache-control"), "private, no-store");

    let told = house.app.told(&format!("{path}?tab=2"));
    assert_eq!(told.standing(), "logged-on");
    assert_eq!(told.context("user"), Some(house.alice().as_str()));
    assert_eq!(told.context("authenticated-at"), Some(BEGIN.to_string().as_str()));
    assert_eq!(told.context("level"), Some("1"));
    let claims: serde_json::Value =
        serde_json::from_str(told.context("claims").expect("claims")).expect("JSON");
    assert_eq!(claims, json!({"name": "Alice Larsen", "email": "alice@shop.example"}));
}

#[test]
fn the_token_is_of_the_user_the_visitor_and_the_session() {
    let house = House::open();
    let mut tab = house.logged_on();

    let told = house.whoami(&mut tab);
    let claims = told.claims();

    assert_eq!(claims["sub"], house.alice().as_str());
    assert_eq!(claims["sid"].as_str(), told.context("session"));
    assert_eq!(claims["visitor"].as_str(), told.context("visitor"));
    assert_eq!(claims["aud"], "gateway");
    assert_eq!(claims["iss"], house.login("/jpt"));
    assert!(!claims.to_string().contains(ALICE), "the log-in name is nobody's business: {claims}");
    assert_eq!(told.context("remembered-user"), None);
}

#[test]
fn a_returning_visitor_keeps_what_he_had_and_gets_new_secrets() {
    let house = House::open();
    let mut tab = house.browser().tab();
    house.patch(&mut tab, r#"{"basket":["doormat"]}"#).is(200);
    let before = house.whoami(&mut tab);
    let secrets = ["__Host-vst", "__Host-vst-keep"].map(|name| tab.browser.cookie(SHOP, name));

    tab.log_in(&house.shop("/account"));
    let after = house.whoami(&mut tab);

    assert_eq!(after.standing(), "logged-on");
    assert_eq!(after.context("session"), before.context("session"));
    assert_eq!(after.context("visitor"), before.context("visitor"));
    assert_eq!(after.attributes(), json!({"basket": ["doormat"]}));
    assert_eq!(after.claims()["ep"], before.claims()["ep"], "a rise leaves the lower token valid");
    for (name, before) in ["__Host-vst", "__Host-vst-keep"].iter().zip(secrets) {
        let after = tab.browser.cookie(SHOP, name);
        assert!(after.is_some() && after != before, "{name} has a new secret");
    }
}

#[test]
fn the_lasting_cookie_is_never_a_log_on() {
    let house = House::open();
    let mut tab = house.logged_on();
    house.patch_at(&mut tab, "/notes", r#"{"draft":"mine"}"#).is(200);
    let user = house.whoami(&mut tab).context("user").map(str::to_owned);
    assert_eq!(house.whoami(&mut tab).attribute("draft"), "mine");

    let thief = tab.browser.copy();
    thief.remove_cookie(SHOP, "__Host-vst");
    let told = house.whoami(&mut thief.tab());

    assert_eq!(told.standing(), "returning");
    assert_eq!(told.context("user"), None);
    assert_eq!(told.context("remembered-user"), user.as_deref());
    assert_eq!(told.attributes(), json!({}), "what belongs to the log-on is not shown");
    assert!(told.claims()["sub"].as_str().is_some_and(|sub| sub.starts_with("v:")));
    house.patch_at(&mut thief.tab(), "/notes", r#"{"draft":"stolen"}"#).is(200).sets_nothing();
    assert_eq!(house.whoami(&mut tab).attribute("draft"), "mine");
}

#[test]
fn logging_on_as_somebody_else_carries_nothing_over() {
    let house = House::open();
    house.add_user("bob", "a battery of another horse");
    let mut tab = house.logged_on();
    house.patch(&mut tab, r#"{"basket":["of alice"]}"#).is(200);
    let before = house.whoami(&mut tab);
    house.advance(super::house::HOUR * 5);

    tab.log_in_as(&house.shop("/account"), "bob", "a battery of another horse");
    let after = house.whoami(&mut tab);

    assert_eq!(after.standing(), "logged-on");
    assert_ne!(after.context("user"), before.context("user"));
    assert_ne!(after.context("session"), before.context("session"));
    assert_ne!(after.context("visitor"), before.context("visitor"));
    assert_eq!(after.attributes(), json!({}));
}

#[test]
fn a_wrong_password_shows_the_form_again_and_logs_nobody_on() {
    let house = House::open();
    let mut tab = house.browser().tab();
    let asked = tab.open(&house.shop("/account"));
    let form = tab.follow(asked).is(200);

    let again = Form::of(&form).submit(&mut tab, &[("username", ALICE), ("password", "wrong")]).is(403);
    assert_eq!(house.whoami(&mut tab.browser.tab()).standing(), "anonymous");
    let right = Form::of(&again).submit(&mut tab, &[("username", ALICE), ("password", PASSWORD)]).is(303);
    tab.follow(right).is(200);

    assert_eq!(house.whoami(&mut tab).standing(), "logged-on");
}

#[test]
fn who_am_i_tells_the_time_left_and_only_slides_when_it_may() {
    let house = House::open();
    let mut tab = house.logged_on();
    let ask = |tab: &mut super::browser::Tab, query: &str| {
        let reply = tab.fetch("GET", &format!("/.vestibule/session{query}")).is(200).sets_nothing();
        assert_eq!(reply.field("cache-control"), "no-store");
        reply.json()
    };

    let session = ask(&mut tab, "");
    assert_eq!(session["standing"], "logged-on");
    assert_eq!(session["user"], house.alice().as_str());
    assert_eq!(session["log_on_ends_at"], BEGIN + 4 * 3600);
    assert_eq!(session["seconds_left"], 30 * 60, "if nothing comes any more");

    house.advance(super::house::MINUTE * 20);
    assert_eq!(ask(&mut tab, "?slide=false")["seconds_left"], 10 * 60);
    house.advance(super::house::MINUTE * 20);
    let session = ask(&mut tab, "?slide=false");
    assert_eq!(session["standing"], "returning", "40 minutes without a request");
    assert_eq!(session["seconds_left"], 7 * 24 * 3600 - 40 * 60);
}
