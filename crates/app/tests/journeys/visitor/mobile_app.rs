//! The mobile app: a public client with PKCE. Its tokens live as long as its log-on, or longer when it may come back
//! without the person.

use serde_json::json;

use super::app::claims;
use super::client::{CALLBACK, Mobile, token};
use super::house::{BEGIN, DAY, HOUR, House, LOGIN};

const OFFLINE: &str = "openid offline_access orders:read products:read";

#[test]
fn a_code_with_its_verifier_becomes_tokens() {
    let house = House::open();
    let mobile = Mobile::new(&house);
    let mut tab = house.browser().tab();

    let back = mobile.authorize(&mut tab, OFFLINE);
    assert_eq!(back.parameter("state").as_deref(), Some("a-state"));
    assert_eq!(back.parameter("iss"), Some(house.login("")));
    let reply = mobile.redeem(&back.parameter("code").expect("a code")).is(200);

    assert_eq!(reply.field("cache-control"), "no-store");
    let tokens = reply.json();
    assert_eq!((&tokens["token_type"], &tokens["expires_in"]), (&json!("Bearer"), &json!(7200)));
    assert_eq!(scopes(&reply.text("scope")), ["offline_access", "openid", "orders:read", "products:read"]);
    let id = claims(&reply.text("id_token"));
    assert_eq!(
        (&id["aud"], &id["iss"], &id["nonce"]),
        (&json!("mobile-app"), &json!(house.login("")), &json!("a-nonce"))
    );
    assert_eq!((&id["sub"], &id["auth_time"]), (&json!(house.alice().as_str()), &json!(BEGIN)));
    assert_eq!(reply.text("access_token").matches('.').count(), 0, "opaque");
}

#[test]
fn the_code_alone_is_worth_nothing() {
    let house = House::open();
    let mobile = Mobile::new(&house);
    let code = mobile.code(OFFLINE);

    for (what, fields) in [
        ("no verifier", vec![("client_id", "mobile-app"), ("redirect_uri", CALLBACK)]),
        (
            "another verifier",
            vec![
                ("client_id", "mobile-app"),
                ("redirect_uri", CALLBACK),
                ("code_verifier", "another-verifier-of-at-least-43-characters-long"),
            ],
        ),
        (
            "another port",
            vec![
                ("client_id", "mobile-app"),
                ("redirect_uri", "http://127.0.0.1:4712/cb"),
                ("code_verifier", mobile.verifier.expose()),
            ],
        ),
        (
            "another client",
            vec![
                ("client_id", "shop"),
                ("redirect_uri", CALLBACK),
                ("code_verifier", mobile.verifier.expose()),
            ],
        ),
    ] {
        let mut fields = fields;
        fields.extend([("grant_type", "authorization_code"), ("code", code.as_str())]);
        let refused = token(&house, &fields, None);
        assert!((400..=401).contains(&refused.status), "{what}: {refused:?}");
        assert!(!refused.body.contains("access_token"), "{what}: {refused:?}");
    }
}

#[test]
fn a_request_without_pkce_or_with_another_address_gets_no_code() {
    let house = House::open();
    let mobile = Mobile::new(&house);
    let url = mobile.url(OFFLINE);
    let mut tab = house.browser().tab();

    let without = url.replace("&code_challenge_method=S256", "").replace("&code_challenge=", "&x=");
    assert_eq!(tab.open(&without).is(303).parameter("error").as_deref(), Some("invalid_request"));
    let plain = url.replace("method=S256", "method=plain");
    assert_eq!(tab.open(&plain).is(303).parameter("error").as_deref(), Some("invalid_request"));
    for address in [
        "http%3A%2F%2F127.0.0.1%3A4711%2Fother",
        "http%3A%2F%2Fevil.example%2Fcb",
        "http%3A%2F%2Flocalhost%3A4711%2Fcb",
    ] {
        let elsewhere = url.replace("http%3A%2F%2F127.0.0.1%3A4711%2Fcb", address);
        assert_ne!(elsewhere, url);
        let page = tab.open(&elsewhere).is(400);
        assert!(!page.fields.has("location"), "never sent to an address that is not registered: {page:?}");
    }
}

#[test]
fn one_log_in_covers_browser_and_app() {
    let house = House::open();
    let mut tab = house.logged_on();

    let back = Mobile::new(&house).authorize(&mut tab, OFFLINE);

    assert_eq!(back.url.host_str(), Some(LOGIN));
    assert!(back.url.path() == "/authorize" || back.url.path() == "/login");
    assert_eq!(back.status, 303, "no form in between");
    assert!(back.parameter("code").is_some());
}

#[test]
fn it_comes_back_logged_on_for_four_hours_and_then_as_somebody_remembered() {
    let house = House::open();
    let mobile = Mobile::new(&house);
    let mut refresh = mobile.redeem(&mobile.code(OFFLINE)).is(200).text("refresh_token");

    for _ in 0..3 {
        house.advance(HOUR);
        let reply = mobile.refresh(&refresh).is(200);
        assert!(scopes(&reply.text("scope")).contains(&"orders:read".to_owned()));
        refresh = reply.text("refresh_token");
    }
    assert!(
        mobile.refresh(&refresh).is(200).json()["expires_in"].as_u64() <= Some(3600),
        "not past the log-on's end"
    );
    let mut refresh = mobile.redeem(&mobile.code(OFFLINE)).is(200).text("refresh_token");
    house.advance(4 * HOUR);
    for _ in 0..2 {
        let reply = mobile.refresh(&refresh).is(200);
        assert_eq!(scopes(&reply.text("scope")), ["products:read"], "what a remembered visitor may");
        refresh = reply.text("refresh_token");
        house.advance(6 * DAY);
    }
    house.advance(DAY);
    assert_eq!(mobile.refresh(&refresh).is(400).text("error"), "invalid_grant");
}

#[test]
fn without_offline_access_there_is_no_way_back() {
    let house = House::open();
    let mobile = Mobile::new(&house);

    let tokens = mobile.redeem(&mobile.code("openid orders:read")).is(200).json();

    assert!(tokens.get("refresh_token").is_none(), "{tokens}");
}

fn scopes(text: &str) -> Vec<String> {
    let mut scopes: Vec<_> = text.split(' ').map(str::to_owned).collect();
    scopes.sort();
    scopes
}
