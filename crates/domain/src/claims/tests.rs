//! Which texts are claims, and which of them an app sees.

use super::*;

#[test]
fn an_app_sees_the_claims_of_its_list() {
    let claims = Claims::parse(r#"{"name":"Zo\u00eb","roles":["a","b"],"https://x/y":1}"#).unwrap();
    assert_eq!(claims.render(["roles", "name", "absent"]), r#"{"roles":["a","b"],"name":"Zo\u00eb"}"#);
    assert_eq!(claims.render(["https://x/y"]), r#"{"https://x/y":1}"#);
    assert_eq!(claims.render([]), "{}");
    assert_eq!(Claims::parse("{}"), Ok(Claims::default()));
}

#[test]
fn strange_texts_are_no_claims() {
    let large = format!(r#"{{"a":"{}"}}"#, "x".repeat(CLAIMS_BYTES_MAX));
    for text in
        ["", "[]", "null", r#"{"a":1,"a":2}"#, r#"{"a b":1}"#, r#"{"a\"b":1}"#, r#"{"\u00e9":1}"#, &large]
    {
        assert_eq!(Claims::parse(text), Err(MalformedClaims), "{text}");
    }
}
