//! The outside door: a till and the mobile app call services with their access tokens. A service is told by our JWT who
//! calls, sees nothing of the caller's token, and is called no more a moment after the token has ended.

use serde_json::json;
use vestibule_oauth::jwk::KeySet;
use vestibule_oauth::jwt::Verifier;
use vestibule_oauth::token::Jwt;
use vestibule_ports::authority::{Authority as _, Password};
use vestibule_ports::issuer::End;
use vestibule_testkit::strict::latin1;

use super::app::{Told, claims};
use super::browser::{Ask, Tab};
use super::client::Mobile;
use super::door::{INVALID, OUTSIDE, bearer, call, challenge, mobile_token, send, status, till_token};
use super::form::Form;
use super::house::{ALICE, BEGIN, FEED_BOUND, House, PASSWORD, eventually};

const NEW: &str = "another battery of horses";

#[test]
fn a_service_is_told_by_our_jwt_that_a_till_calls() {
    let house = House::with_services();
    let token = till_token(&house);

    let said = claims(&jwt(&house, &called(&house, "/products", &token), &token));

    assert_eq!((&said["sub"], &said["client_id"]), (&json!("till"), &json!("till")));
    assert_eq!((said.get("standing"), said.get("sid"), said.get("visitor")), (None, None, None));
    assert_eq!(said["scope"], "orders:write products:read");
}

#[test]
fn a_service_is_told_by_our_jwt_for_whom_the_app_calls() {
    let house = House::with_services();
    let token = mobile_token(&house, "openid orders:read products:read");

    let said = claims(&jwt(&house, &called(&house, "/orders", &token), &token));

    assert_eq!((&said["sub"], &said["client_id"]), (&json!(house.alice().as_str()), &json!("mobile-app")));
    assert_eq!((&said["standing"], &said["auth_time"]), (&json!("logged-on"), &json!(BEGIN)));
}

/// Whatever a caller says of itself, and wherever else it puts its token.
#[test]
fn a_service_hears_nothing_that_a_caller_says_of_itself() {
    let house = House::with_services();
    let token = till_token(&house);
    let clean = names(&called(&house, "/products", &token));
    let path = house.app.new_path("/products");
    let lines = [
        bearer(&token),
        format!("Cookie: token={token}; __Host-vst=x.y"),
        format!("X-Context-Token: {token}"),
        format!("x_context_user: {}", house.alice()),
        format!("X-Forwarded-Access-Token: {token}"),
        "X-Forwarded-For: 192.0.2.1".to_owned(),
        "Connection: close, authorization".to_owned(),
    ];
    let lines: Vec<_> = lines.iter().map(String::as_str).collect();

    assert_eq!(send(&house, OUTSIDE, "GET", &path, &lines).status, 200);

    let told = house.app.told(&path);
    jwt(&house, &told, &token);
    assert_eq!(names(&told), clean);
    assert_eq!(told.0.only("x-forwarded-for"), Some("127.0.0.1"));
}

/// How something ends a user's tokens.
type Ending = fn(&House, &mut Tab);

#[test]
fn what_ends_everything_of_a_user_ends_the_apps_calls_at_once() {
    let endings: [(&str, Ending); 4] = [
        ("log-out everywhere", |house, tab| log_out(house, tab, "everywhere")),
        ("an administrator", |house, _| {
            let idp = house.running().idp().expect("a log-in");
            house
                .running()
                .wait(idp.revoke(End::User { id: house.alice(), by: None }, "test"))
                .expect("an end");
        }),
        ("a new password", |house, tab| {
            let page = tab.open(&house.login("/password")).is(200);
            let filled = [
                ("username", ALICE),
                ("password", PASSWORD),
                ("new_password", NEW),
                ("repeat_password", NEW),
            ];
            Form::of(&page).submit(tab, &filled).is(200);
        }),
        ("being disabled", |house, _| {
            let idp = house.running().idp().expect("a log-in");
            house.running().wait(idp.set_disabled(&house.alice(), true, "test")).expect("a disabled user");
        }),
    ];
    let house = House::with_services();
    let till = till_token(&house);
    for (what, end) in endings {
        let mut tab = house.logged_on();
        let offline = Mobile::new(&house);
        let tokens = offline.redeem(&offline.code("openid offline_access orders:read")).is(200);
        let held = [tokens.text("access_token"), mobile_token(&house, "openid orders:read")];
        for token in &held {
            assert_eq!(status(&house, OUTSIDE, "/orders", token), 200, "before {what}");
        }

        end(&house, &mut tab);

        is_refused(&house, what, &held);
        assert_eq!(offline.refresh(&tokens.text("refresh_token")).is(400).text("error"), "invalid_grant");
        assert_eq!(status(&house, OUTSIDE, "/products", &till), 200, "a till is nobody's, after {what}");
        // For the next log-on; the last of them has none.
        let idp = house.running().idp().expect("a log-in");
        house
            .running()
            .wait(idp.set_password(&house.alice(), Password::new(PASSWORD), "test"))
            .expect("known");
    }
}

/// Where the log-in and the gateway are one process, nobody has to wait for the feed after the acknowledgement.
#[test]
fn the_very_next_call_after_an_acknowledged_end_is_refused() {
    let house = House::with_services();
    for round in 0..10 {
        let mobile = Mobile::new(&house);
        let tokens = mobile.redeem(&mobile.code("openid offline_access orders:read")).is(200);
        let used = tokens.text("refresh_token");
        let held = mobile.refresh(&used).is(200).text("access_token");
        assert_eq!(status(&house, OUTSIDE, "/orders", &held), 200);
        assert_eq!(mobile.refresh(&used).is(400).text("error"), "invalid_grant");
        assert_eq!(status(&house, OUTSIDE, "/orders", &held), 401, "after the reuse of round {round}");
    }
}

#[test]
fn a_log_out_in_the_browser_ends_what_came_from_it_but_for_what_may_come_back() {
    let house = House::with_services();
    let mut tab = house.logged_on();
    let mobile = Mobile::new(&house);
    let mut redeem = |scope: &str| {
        let code = mobile.authorize(&mut tab, scope).parameter("code").expect("a code");
        mobile.redeem(&code).is(200).text("access_token")
    };
    let (passing, staying) = (redeem("openid orders:read"), redeem("openid offline_access orders:read"));
    for token in [&passing, &staying] {
        assert_eq!(status(&house, OUTSIDE, "/orders", token), 200);
    }

    log_out(&house, &mut tab, "this");

    is_refused(&house, "log-out", &[passing]);
    assert_eq!(status(&house, OUTSIDE, "/orders", &staying), 200);
}

#[test]
fn a_token_that_is_given_back_is_refused_at_once() {
    let house = House::with_services();
    let mobile = Mobile::new(&house);
    let tokens = mobile.redeem(&mobile.code("openid offline_access orders:read")).is(200);
    let held = tokens.text("access_token");
    assert_eq!(status(&house, OUTSIDE, "/orders", &held), 200);

    let url = house.login("/revoke");
    let fields = [("client_id", "mobile-app"), ("token", &*tokens.text("refresh_token"))];
    house.browser().tab().send(Ask::form(&url, &url, &fields).silent()).is(200);

    is_refused(&house, "giving it back", &[held]);
}

/// Of this visitor, here or everywhere.
#[track_caller]
fn log_out(house: &House, tab: &mut Tab, scope: &str) {
    tab.send(Ask::form(&house.shop("/.vestibule/logout"), &house.shop("/"), &[("scope", scope)])).is(303);
}

/// Each of these tokens, before a quarter of a second has passed.
#[track_caller]
fn is_refused(house: &House, what: &str, tokens: &[String]) {
    eventually(FEED_BOUND, &format!("refused after {what}"), || {
        tokens.iter().all(|token| status(house, OUTSIDE, "/orders", token) == 401)
    });
    for token in tokens {
        let orders = house.app.new_path("/orders");
        let response = call(house, OUTSIDE, "GET", &orders, token);
        assert_eq!((response.status, challenge(&response)), (401, Some(INVALID)), "after {what}");
        assert_eq!(house.app.calls(&orders), 0, "after {what}");
    }
}

/// What a service was told by a call that it has answered.
#[track_caller]
fn called(house: &House, root: &str, token: &str) -> Told {
    let path = house.app.new_path(root);
    let response = call(house, OUTSIDE, "GET", &path, token);
    assert_eq!(response.status, 200, "{response:?}");
    house.app.told(&path)
}

/// The one token that a service was shown: ours, by the keys that services know. The caller's is nowhere.
#[track_caller]
fn jwt(house: &House, told: &Told, presented: &str) -> String {
    assert!(!latin1(&house.app.raw()).contains(presented), "the caller's token has reached a service");
    let lines = told.0.spellings_of("authorization");
    let [(_, value)] = lines[..] else { panic!("not one token: {lines:?}") };
    let jwt = value.strip_prefix("Bearer ").expect("a bearer token").to_owned();
    let keys = house.browser().tab().open(&house.login("/jwks/services")).is(200).body;
    let keys = KeySet::parse(keys.as_bytes()).expect("keys");
    let verifier: Verifier<Jwt> = Verifier::new(house.login("/services"), "services".to_owned(), keys);
    let parsed = Jwt::parse(&jwt).expect("a JWT");
    assert!(verifier.verify(&parsed, BEGIN.unsigned_abs(), 30).is_ok(), "{jwt}");
    jwt
}

/// Names of all fields, in order of the names.
fn names(told: &Told) -> Vec<String> {
    let mut names: Vec<_> = told.0.iter().map(|(name, _)| name.to_ascii_lowercase()).collect();
    names.sort();
    names
}
