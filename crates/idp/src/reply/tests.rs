//! Answers: their status, what they show and what they keep.

use super::*;

#[test]
fn a_form_source_is_the_origin_or_else_the_scheme() {
    let cases = [
        ("https://shop.example/.vestibule/callback", "https://shop.example"),
        ("https://shop.example:8443/cb?x=1", "https://shop.example:8443"),
        ("http://127.0.0.1:4711/cb", "http://127.0.0.1:4711"),
        ("http://localhost:8080/cb", "http://localhost:8080"),
        ("http://[::1]:4711/cb", "http:"),
        ("com.example.app:/cb", "com.example.app:"),
        ("com.example.app://host/cb", "com.example.app:"),
    ];
    for (redirect_uri, expected) in cases {
        assert_eq!(form_source(redirect_uri).as_deref(), Some(expected), "{redirect_uri}");
    }
}

#[test]
fn the_client_errors_of_rfc_6749_have_their_statuses() {
    let of = |code| token_error(&TokenError::new(code, "")).status().as_u16();
    for code in TokenErrorCode::ALL {
        let expected = if *code == TokenErrorCode::InvalidClient { 401 } else { 400 };
        assert_eq!(of(*code), expected, "{code:?}");
    }
}
