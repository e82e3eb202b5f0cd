//! `WWW-Authenticate` values: quoting, and which error is told to whom.

use super::*;

#[test]
fn without_a_token_no_error_is_told() {
    assert_eq!(BearerChallenge::default().field_value(), "Bearer");
    let challenge = BearerChallenge { realm: Some("shop"), ..BearerChallenge::default() };
    assert_eq!(challenge.field_value(), r#"Bearer realm="shop""#);
}

/// RFC 6750 3.
#[test]
fn missing_scopes_are_named() {
    let scope = ScopeSet::parse("orders:write orders:read").unwrap();
    let challenge = BearerChallenge {
        realm: Some("shop"),
        error: Some(BearerErrorCode::InsufficientScope),
        description: Some("a scope is missing"),
        scope: Some(&scope),
    };
    assert_eq!(
        challenge.field_value(),
        r#"Bearer realm="shop", error="insufficient_scope", error_description="a scope is missing", scope="orders:read orders:write""#
    );
}

#[test]
fn an_empty_scope_is_left_out() {
    let scope = ScopeSet::default();
    let challenge = BearerChallenge { scope: Some(&scope), ..BearerChallenge::default() };
    assert_eq!(challenge.field_value(), "Bearer");
}

#[test]
fn nothing_ends_a_quoted_string_early() {
    let challenge = BearerChallenge { realm: Some("a\"b\\c\r\nX: y\u{e4}"), ..BearerChallenge::default() };
    assert_eq!(challenge.field_value(), r#"Bearer realm="a\"b\\c??X: y?""#);
    assert_eq!(basic_field_value("a\""), r#"Basic realm="a\"""#);
}
