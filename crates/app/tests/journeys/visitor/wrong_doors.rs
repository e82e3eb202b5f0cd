//! Wrong doors: of all tokens that we give out, each opens its own door and no other, whoever holds it.

use std::time::Duration;

use vestibule_ports::clock::{Clock as _, SystemClock};
use vestibule_testkit::client;

use super::client::Mobile;
use super::door::{INSIDE, INVALID, OUTSIDE, bearer, call, challenge, mobile_token, send, status};
use super::house::House;
use super::plain_service::PlainService;

#[test]
fn each_token_opens_its_own_door_and_no_other() {
    let house = House::with_services();
    let tokens = one_of_each(&house);

    for (kind, token) in &tokens {
        for (door, right) in [(OUTSIDE, "access token"), (INSIDE, "JPT")] {
            let orders = house.app.new_path("/orders");
            let response = call(&house, door, "GET", &orders, token);
            let opens = *kind == right;
            assert_eq!(response.status, if opens { 200 } else { 401 }, "{kind} at {door}");
            assert_eq!(challenge(&response), (!opens).then_some(INVALID), "{kind} at {door}");
            assert_eq!(house.app.calls(&orders), usize::from(opens), "{kind} at {door}");
            assert!(!response.text().contains(token.as_str()), "{kind} at {door}");
        }
    }
}

#[test]
fn what_a_browser_or_an_app_has_beside_tokens_opens_neither() {
    let house = House::with_services();
    let mut tab = house.logged_on();
    let jpt = house.whoami(&mut tab).context("token").expect("a JPT").to_owned();
    let cookies: Vec<_> = tab.browser.cookies(super::house::SHOP);
    let cookies: Vec<_> = cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let before = house.app.raw().len();

    for door in [OUTSIDE, INSIDE] {
        for line in [
            format!("Cookie: {}", cookies.join("; ")),
            format!("X-Context-Token: {jpt}"),
            format!("Proxy-Authorization: Bearer {jpt}"),
            format!("X-Context-User: {}", house.alice()),
        ] {
            let response = send(&house, door, "GET", "/orders", &[&line]);
            assert_eq!(
                (response.status, challenge(&response)),
                (401, Some("Bearer realm=\"services\"")),
                "{door} {line}"
            );
        }
    }
    assert_eq!(house.app.raw().len(), before, "no service was asked");
}

/// A token does not become one of the other door by what is opened with it, nor by having been refused there.
#[test]
fn a_door_keeps_nothing_that_the_other_has_seen() {
    let house = House::with_services();
    let tokens = one_of_each(&house);
    let of = |kind: &str| &tokens.iter().find(|(known, _)| *known == kind).expect("one of each").1;

    for _ in 0..3 {
        assert_eq!(status(&house, OUTSIDE, "/orders", of("access token")), 200);
        assert_eq!(status(&house, INSIDE, "/orders", of("access token")), 401);
        assert_eq!(status(&house, OUTSIDE, "/orders", of("JPT")), 401);
        assert_eq!(status(&house, INSIDE, "/orders", of("JPT")), 200);
    }
}

/// A service needs no knowledge of ours: with an ordinary JWT library and the address of its keys it takes what comes through
/// the gateway, and not what a web app has in its hands, even where that app passes the gateway by.
#[test]
fn a_service_with_a_plain_jwt_library_takes_the_jwt_and_refuses_the_jpt() {
    let service = PlainService::start();
    let house = House::with_service("/stock", service.address());
    // The library reads the machine's time.
    let machine = SystemClock::new().wall().as_millis() - house.clock.wall().as_millis();
    house.advance(Duration::from_millis(u64::try_from(machine).unwrap_or(0)));
    service.fetch_keys(&house.login("/jwks/services"));
    let jpt = house.whoami(&mut house.logged_on()).context("token").expect("a JPT").to_owned();
    let access_token = mobile_token(&house, "products:read");

    for (door, token) in [(INSIDE, &jpt), (OUTSIDE, &access_token)] {
        let response = call(&house, door, "GET", "/stock", token);
        assert_eq!((response.status, response.text()), (200, house.alice().to_string()), "{door}");
    }
    for token in [&jpt, &access_token] {
        let response = client::get(service.address(), "stock.localhost", "/stock", &[&bearer(token)]);
        assert_eq!(response.status, 401, "past the gateway");
    }
}

/// Everything that the house gives to anybody in place of a password.
#[track_caller]
fn one_of_each(house: &House) -> Vec<(&'static str, String)> {
    let mobile = Mobile::new(house);
    let unused = mobile.code("openid orders:read");
    let reply = mobile.redeem(&mobile.code("openid offline_access orders:read")).is(200);
    let jpt = house.whoami(&mut house.logged_on()).context("token").expect("a JPT").to_owned();
    let orders = house.app.new_path("/orders");
    assert_eq!(status(house, INSIDE, &orders, &jpt), 200);
    let told = house.app.told(&orders);
    let jwt = told.0.only("authorization").and_then(|it| it.strip_prefix("Bearer ")).expect("one JWT");
    vec![
        ("access token", reply.text("access_token")),
        ("refresh token", reply.text("refresh_token")),
        ("ID token", reply.text("id_token")),
        ("code", unused),
        ("JPT", jpt),
        ("JWT", jwt.to_owned()),
    ]
}
