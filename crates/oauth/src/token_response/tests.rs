//! Token answers: what stands in them, and that nothing else does.

use super::*;

#[test]
fn an_access_token_with_all_that_comes_along() {
    let response = TokenResponse {
        issued: Issued::AccessToken(AccessToken::parse("at").unwrap()),
        expires_in: 7200,
        scope: ScopeSet::parse("openid orders:read").unwrap(),
        refresh_token: Some(RefreshToken::parse("rt").unwrap()),
        id_token: Some(IdToken::parse("a.b.c").unwrap()),
    };
    assert_eq!(
        response.to_json(),
        r#"{"access_token":"at","token_type":"Bearer","expires_in":7200,"scope":"openid orders:read","refresh_token":"rt","id_token":"a.b.c"}"#
    );
    let debug = format!("{response:?}");
    assert!(!debug.contains("\"at\"") && !debug.contains("a.b.c"), "{debug}");
}

#[test]
fn an_exchange_says_what_it_issued() {
    for (issued, urn) in
        [(Issued::Jwt(Jwt::parse("t").unwrap()), URN_JWT), (Issued::Jpt(Jpt::parse("t").unwrap()), URN_JPT)]
    {
        let response = TokenResponse {
            issued,
            expires_in: 600,
            scope: ScopeSet::default(),
            refresh_token: None,
            id_token: None,
        };
        let expected = format!(
            r#"{{"access_token":"t","token_type":"Bearer","expires_in":600,"scope":"","issued_token_type":"{urn}"}}"#
        );
        assert_eq!(response.to_json(), expected);
    }
}
