//! Missing scope: a good token that does not allow the call. The caller is told which scope would do, at either door, and
//! the service is not called.

use vestibule_testkit::strict::Response;

use super::app::claims;
use super::client::Mobile;
use super::door::{INSIDE, OUTSIDE, call, challenge, mobile_token, status, till_token};
use super::house::{HOUR, House};

#[test]
fn a_till_may_send_orders_and_not_read_them() {
    let house = House::with_services();
    let token = till_token(&house);
    let orders = house.app.new_path("/orders");

    needs("orders:read", &call(&house, OUTSIDE, "GET", &orders, &token));
    assert_eq!(house.app.calls(&orders), 0);
    assert_eq!(call(&house, OUTSIDE, "POST", &orders, &token).status, 200);
    assert_eq!(house.app.calls(&orders), 1);
    assert_eq!(status(&house, OUTSIDE, "/products", &token), 200);
}

#[test]
fn an_app_may_no_more_than_it_has_asked_for() {
    let house = House::with_services();
    let token = mobile_token(&house, "openid products:read");
    let orders = house.app.new_path("/orders");

    needs("orders:read", &call(&house, OUTSIDE, "GET", &orders, &token));
    // Nor what nobody has given to its client.
    needs("orders:write", &call(&house, OUTSIDE, "POST", &orders, &token));
    assert_eq!(house.app.calls(&orders), 0);
    assert_eq!(status(&house, OUTSIDE, "/products", &token), 200);
}

#[test]
fn an_app_that_comes_back_after_the_log_on_has_ended_may_what_a_remembered_visitor_may() {
    let house = House::with_services();
    let mobile = Mobile::new(&house);
    let tokens =
        mobile.redeem(&mobile.code("openid offline_access orders:read products:read")).is(200).json();
    let text = |name: &str| tokens[name].as_str().expect("a token").to_owned();
    assert_eq!(status(&house, OUTSIDE, "/orders", &text("access_token")), 200);

    house.advance(4 * HOUR);

    assert_eq!(status(&house, OUTSIDE, "/orders", &text("access_token")), 401);
    let token = mobile.refresh(&text("refresh_token")).is(200).text("access_token");
    needs("orders:read", &call(&house, OUTSIDE, "GET", "/orders", &token));
    let products = house.app.new_path("/products");
    assert_eq!(status(&house, OUTSIDE, &products, &token), 200);
    let said = house.app.told(&products).0.only("authorization").map(claims).expect("one token");
    assert_eq!(said["standing"], "returning");
    assert!(said["sub"].as_str().is_some_and(|sub| sub.starts_with("v:")), "names no user: {said}");
}

#[test]
fn a_web_app_may_what_its_visitor_may() {
    let house = House::with_services();
    let mut tab = house.browser().tab();
    let token = house.whoami(&mut tab).context("token").expect("a JPT").to_owned();
    let orders = house.app.new_path("/orders");

    needs("orders:read", &call(&house, INSIDE, "GET", &orders, &token));
    assert_eq!(house.app.calls(&orders), 0);
    assert_eq!(status(&house, INSIDE, "/products", &token), 200);
    tab.log_in(&house.shop("/account"));
    let token = house.whoami(&mut tab).context("token").expect("a JPT").to_owned();
    assert_eq!(status(&house, INSIDE, &orders, &token), 200);
    needs("orders:write", &call(&house, INSIDE, "POST", &orders, &token));
    assert_eq!(house.app.calls(&orders), 1);
}

#[test]
fn what_no_service_has_is_nobodys_whatever_the_token() {
    let house = House::with_services();
    let token = till_token(&house);
    for door in [OUTSIDE, INSIDE] {
        for (method, target, expected) in
            [("GET", "/", 404), ("GET", "/ordersx", 404), ("DELETE", "/orders", 405), ("PUT", "/orders", 405)]
        {
            let response = call(&house, door, method, target, &token);
            assert_eq!((response.status, challenge(&response)), (expected, None), "{door} {method} {target}");
        }
    }
    assert!(house.app.raw().is_empty(), "no service was asked");
}

/// Refused, with the name of the scope. RFC 6750 3.1.
#[track_caller]
fn needs(scope: &str, response: &Response) {
    assert_eq!(response.status, 403, "{response:?}");
    let expected = format!("Bearer error=\"insufficient_scope\", scope=\"{scope}\"");
    assert_eq!(challenge(response), Some(expected.as_str()));
    assert!(response.text().contains("urn:vestibule:problem:insufficient-scope"), "{response:?}");
}
