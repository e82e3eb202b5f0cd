//! What the app believes, and what it does not.

use serde_json::json;

use super::*;

fn read(pairs: &[(&'static str, &str)]) -> Context {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        headers.append(*name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
    }
    Context::read(&headers)
}

#[test]
fn a_standing_that_is_not_clear_is_anonymous() {
    for (pairs, standing) in [
        (&[][..], Standing::Anonymous),
        (&[("x-context-standing", "anonymous")], Standing::Anonymous),
        (&[("x-context-standing", "returning")], Standing::Returning),
        (&[("x-context-standing", "logged-on")], Standing::LoggedOn),
        (&[("x-context-standing", "Logged-On")], Standing::Anonymous),
        (&[("x-context-standing", "administrator")], Standing::Anonymous),
        (&[("x-context-standing", "logged-on"), ("x-context-standing", "logged-on")], Standing::Anonymous),
    ] {
        assert_eq!(read(pairs).standing, standing, "{pairs:?}");
    }
}

#[test]
fn only_who_is_logged_on_has_a_name() {
    let claims = ("x-context-claims", r#"{"name":"Alice Archer"}"#);
    let user = ("x-context-user", "u-17");
    let logged_on = ("x-context-standing", "logged-on");
    for (pairs, name) in [
        (&[logged_on, user, claims][..], Some("Alice Archer")),
        (&[logged_on, user], Some("u-17")),
        (&[logged_on], Some("somebody")),
        (&[("x-context-standing", "returning"), user, claims], None),
    ] {
        assert_eq!(read(pairs).name.as_deref(), name, "{pairs:?}");
    }
}

#[test]
fn json_that_is_not_one_object_is_none() {
    for (pairs, attributes) in [
        (&[("x-context-attributes", r#"{"a":1}"#)][..], json!({ "a": 1 })),
        (&[("x-context-attributes", "[1]")], json!({})),
        (&[("x-context-attributes", "{")], json!({})),
        (&[("x-context-attributes", r#"{"a":1}"#), ("x-context-attributes", r#"{"b":1}"#)], json!({})),
        (&[], json!({})),
    ] {
        assert_eq!(Value::Object(read(pairs).attributes), attributes, "{pairs:?}");
    }
}

#[test]
fn debug_output_hides_the_token() {
    let context = read(&[("x-context-token", "eyJsecret")]);
    assert_eq!(context.onward.token.as_ref().unwrap().as_bearer().unwrap(), "Bearer eyJsecret");
    assert!(!format!("{context:?}").contains("eyJsecret"));
    assert!(!format!("{:?}", context.onward.token.unwrap().as_bearer()).contains("eyJsecret"));
}
