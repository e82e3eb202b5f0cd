//! Token answers: what stands in them, and that nothing else does.

use super::*;

#[test]
fn an_access_token_with_all_that_comes_along() {
    let response = TokenResponse {
        access_token: AccessToken::parse("at").unwrap(),
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
