//! The till: a machine with a secret and no person behind it.

use super::client::token;
use super::house::{House, TILL_SECRET};

const GRANT: (&str, &str) = ("grant_type", "client_credentials");

#[test]
fn a_till_gets_its_own_scopes_and_nothing_to_come_back_with() {
    let house = House::open();
    for basic in [Some(("till", TILL_SECRET)), None] {
        let mut fields = vec![GRANT];
        if basic.is_none() {
            fields.extend([("client_id", "till"), ("client_secret", TILL_SECRET)]);
        }
        let reply = token(&house, &fields, basic).is(200);
        assert_eq!(reply.field("cache-control"), "no-store");
        let tokens = reply.json();
        assert_eq!(tokens["expires_in"], 7200);
        assert!(tokens.get("refresh_token").is_none() && tokens.get("id_token").is_none(), "{tokens}");
        let mut scopes: Vec<_> = tokens["scope"].as_str().expect("scopes").split(' ').collect();
        scopes.sort_unstable();
        assert_eq!(scopes, ["orders:write", "products:read"]);
    }
}

#[test]
fn it_may_ask_for_less_and_not_for_more() {
    let house = House::open();
    let ask = |scope: &str| token(&house, &[GRANT, ("scope", scope)], Some(("till", TILL_SECRET)));

    assert_eq!(ask("products:read").is(200).text("scope"), "products:read");
    for scope in ["orders:read", "openid", "offline_access", "products:read\"", "Products:Read"] {
        assert_eq!(ask(scope).is(400).text("error"), "invalid_scope", "{scope}");
    }
}

#[test]
fn who_cannot_prove_to_be_the_till_is_told_nothing_more() {
    let house = House::open();
    let mut bodies = Vec::new();
    for basic in [
        Some(("till", "wrong-secret-of-32-characters-or-so")),
        Some(("nobody", TILL_SECRET)),
        Some(("till", "")),
    ] {
        let refused = token(&house, &[GRANT], basic).is(401);
        assert!(refused.field("www-authenticate").starts_with("Basic"), "{refused:?}");
        assert_eq!(refused.text("error"), "invalid_client");
        bodies.push(refused.body);
    }
    assert_eq!(bodies[0], bodies[1], "an unknown client and a wrong secret look the same");
    assert_eq!(token(&house, &[GRANT, ("client_id", "till")], None).is(401).text("error"), "invalid_client");
}

#[test]
fn clients_that_stand_for_persons_and_sites_get_no_such_token() {
    let house = House::open();
    for client in ["mobile-app", "shop", "shop-anonymous"] {
        let refused = token(&house, &[GRANT, ("client_id", client)], None).is(400);
        assert_eq!(refused.text("error"), "unauthorized_client", "{client}");
    }
    let refused = token(&house, &[("grant_type", "password")], Some(("till", TILL_SECRET))).is(400);
    assert_eq!(refused.text("error"), "unsupported_grant_type");
}
