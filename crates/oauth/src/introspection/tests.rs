//! Introspection requests and answers.

use super::*;

#[test]
fn reads_token_and_hint() {
    let form = Form::parse(b"token=t&token_type_hint=refresh_token").unwrap();
    let expected =
        IntrospectionRequest { token: UnsortedToken::of("t"), hint: Some(TokenHint::RefreshToken) };
    assert_eq!(IntrospectionRequest::parse(&form), Ok(expected));
    assert!(IntrospectionRequest::parse(&Form::default()).is_err());
}

#[test]
fn nothing_is_told_about_a_dead_token() {
    assert_eq!(IntrospectionResponse::Inactive.to_json(), r#"{"active":false}"#);
}

#[test]
fn a_good_token_is_described() {
    let token = ActiveToken {
        iss: "https://login.example".to_owned(),
        sub: "u1".to_owned(),
        client_id: "mobile-app".to_owned(),
        scope: ScopeSet::parse("b a").unwrap(),
        token_type: Some("Bearer"),
        iat: 1,
        exp: 2,
    };
    assert_eq!(
        IntrospectionResponse::Active(token).to_json(),
        r#"{"active":true,"iss":"https://login.example","sub":"u1","client_id":"mobile-app","scope":"a b","token_type":"Bearer","iat":1,"exp":2}"#
    );
}
