//! Two sites, joined by one log-on: the second one asks nobody for credentials, and shares nothing else with the first.

use serde_json::json;

use super::browser::Ask;
use super::house::{BEGIN, House, LOGIN, OUTLET, SHOP};

#[test]
fn the_second_site_logs_on_without_asking() {
    let house = House::open();
    let mut tab = house.logged_on();
    house.advance(super::house::MINUTE);

    let mut reply = tab.open(&house.outlet("/account/new")).is(303);
    let mut hosts = vec![reply.url.host_str().map(str::to_owned)];
    while reply.is_redirect() {
        reply = tab.step(&reply);
        hosts.push(reply.url.host_str().map(str::to_owned));
    }

    assert_eq!(reply.status, 200);
    let hosts: Vec<_> = hosts.iter().flatten().map(String::as_str).collect();
    assert_eq!(hosts, [OUTLET, OUTLET, LOGIN, OUTLET, OUTLET], "no form in between");
    let told = house.app.told("/account/new");
    assert_eq!(told.standing(), "logged-on");
    assert_eq!(told.context("user"), Some(house.alice().as_str()));
    assert_eq!(
        told.context("authenticated-at"),
        Some(BEGIN.to_string().as_str()),
        "when she gave the credentials"
    );
}

#[test]
fn each_site_has_a_session_and_a_visitor_of_its_own() {
    let house = House::open();
    let mut tab = house.browser().tab();
    house.patch(&mut tab, r#"{"basket":["of the shop"]}"#).is(200);
    tab.log_in(&house.shop("/account"));
    let asked = tab.open(&house.outlet("/account"));
    tab.follow(asked).is(200);

    let (shop, outlet) = (house.whoami(&mut tab), house.whoami_in_outlet(&mut tab));

    assert_eq!(shop.context("user"), outlet.context("user"));
    assert_ne!(shop.context("session"), outlet.context("session"));
    assert_ne!(shop.context("visitor"), outlet.context("visitor"));
    assert_eq!(outlet.attributes(), json!({}));
    assert_ne!(shop.claims()["sid"], outlet.claims()["sid"]);
}

#[test]
fn a_session_cookie_of_one_site_is_nothing_at_the_other() {
    let house = House::open();
    let mut tab = house.logged_on();
    let carrier = house.browser();
    for (name, value) in tab.browser.cookies(SHOP) {
        carrier.put_cookie(OUTLET, &name, &value);
    }

    assert_eq!(house.whoami_in_outlet(&mut carrier.tab()).standing(), "anonymous");
    assert_eq!(house.whoami(&mut tab).standing(), "logged-on");
}

#[test]
fn a_link_from_one_site_to_the_other_carries_the_session_there() {
    let house = House::open();
    let mut tab = house.logged_on();
    let asked = tab.open(&house.outlet("/account"));
    tab.follow(asked).is(200);

    let path = house.app.new_path("/whoami");
    tab.send(Ask::link(&house.shop(&path), &house.outlet("/"))).is(200).sets_nothing();
    assert_eq!(house.app.told(&path).standing(), "logged-on");

    let path = house.app.new_path("/whoami");
    tab.send(Ask::picture(&house.shop(&path), &house.outlet("/"))).is(200).sets_nothing();
    assert_eq!(house.app.told(&path).standing(), "anonymous", "its cookies do not travel on a picture");
}

#[test]
fn the_log_in_of_one_site_cannot_be_finished_at_the_other() {
    let house = House::open();
    let mut tab = house.browser().tab();
    let asked = tab.open(&house.shop("/account"));
    let form = super::form::Form::of(&tab.follow(asked).is(200));
    let answered =
        form.submit(&mut tab, &[("username", "alice"), ("password", super::house::PASSWORD)]).is(303);
    for (name, value) in tab.browser.cookies(SHOP) {
        tab.browser.put_cookie(OUTLET, &name, &value);
    }
    let callback = answered.location().to_string().replace(SHOP, OUTLET);

    tab.open(&callback).is(400).sets_nothing();

    assert_eq!(house.whoami_in_outlet(&mut tab).standing(), "anonymous");
    assert_eq!(house.whoami(&mut tab).standing(), "anonymous");
}
