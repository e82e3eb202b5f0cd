//! Token requests: the closed set of grant types.

use super::*;

fn parse(body: &str) -> Result<TokenRequest, TokenError> {
    let form = Form::parse(body.as_bytes()).unwrap();
    TokenRequest::parse(GrantType::parse(&form)?, &form)
}

fn refused(body: &str) -> TokenErrorCode {
    parse(body).expect_err(body).code
}

const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

#[test]
fn reads_a_code() {
    let body =
        format!("grant_type=authorization_code&code=abc&redirect_uri=https://a/cb&code_verifier={VERIFIER}");
    let Ok(TokenRequest::AuthorizationCode { code, redirect_uri, verifier }) = parse(&body) else { panic!() };
    assert_eq!(code.expose(), "abc");
    assert_eq!(redirect_uri.as_deref(), Some("https://a/cb"));
    assert_eq!(verifier.unwrap().expose(), VERIFIER);
}

#[test]
fn without_a_verifier_there_is_nothing_to_prove_with() {
    for body in
        ["grant_type=authorization_code&code=abc", "grant_type=authorization_code&code=abc&code_verifier="]
    {
        let Ok(TokenRequest::AuthorizationCode { verifier, .. }) = parse(body) else { panic!("{body}") };
        assert!(verifier.is_none());
    }
}

#[test]
fn reads_refresh_and_client_credentials() {
    let Ok(TokenRequest::RefreshToken { refresh_token, scope }) =
        parse("grant_type=refresh_token&refresh_token=r")
    else {
        panic!()
    };
    assert_eq!((refresh_token.expose(), scope), ("r", None));
    let Ok(TokenRequest::ClientCredentials { scope }) = parse("grant_type=client_credentials&scope=b+a")
    else {
        panic!()
    };
    assert_eq!(scope.unwrap().to_string(), "a b");
}

#[test]
fn other_grant_types_are_unsupported() {
    for grant_type in [
        "password",
        "implicit",
        "Authorization_code",
        "urn:ietf:params:oauth:grant-type:jwt-bearer",
        "urn:ietf:params:oauth:grant-type:device_code",
        // Never half read: not even its own parameters are missed.
        "urn:ietf:params:oauth:grant-type:token-exchange",
    ] {
        let body = format!("grant_type={grant_type}&username=a&password=b");
        assert_eq!(refused(&body), TokenErrorCode::UnsupportedGrantType, "{grant_type}");
    }
}

#[test]
fn each_refusal_has_its_code() {
    use TokenErrorCode::{InvalidGrant, InvalidRequest, InvalidScope};
    let long = "a".repeat(crate::token::OPAQUE_BYTES_MAX + 1);
    for (body, expected) in [
        ("", InvalidRequest),
        ("grant_type=", InvalidRequest),
        ("grant_type=refresh_token&grant_type=refresh_token&refresh_token=r", InvalidRequest),
        ("grant_type=authorization_code", InvalidRequest),
        ("grant_type=authorization_code&code=a&code=a", InvalidRequest),
        ("grant_type=authorization_code&code=a&redirect_uri=x&redirect_uri=x", InvalidRequest),
        ("grant_type=authorization_code&code=a&code_verifier=x&code_verifier=x", InvalidRequest),
        ("grant_type=authorization_code&code=a&scope=x&scope=y", InvalidRequest),
        ("grant_type=client_credentials&code=x&code=y", InvalidRequest),
        ("grant_type=authorization_code&code=a+b", InvalidGrant),
        (&format!("grant_type=authorization_code&code={long}"), InvalidGrant),
        ("grant_type=authorization_code&code=a&code_verifier=short", InvalidGrant),
        ("grant_type=refresh_token", InvalidRequest),
        ("grant_type=refresh_token&refresh_token=%20", InvalidGrant),
        ("grant_type=refresh_token&refresh_token=r&scope=a++b", InvalidScope),
        ("grant_type=refresh_token&refresh_token=r&refresh_token=r", InvalidRequest),
        ("grant_type=client_credentials&scope=a+a", InvalidScope),
        ("grant_type=client_credentials&scope=a%0ab", InvalidScope),
        ("grant_type=refresh_token&refresh_token=r&scope=%00", InvalidScope),
        ("grant_type=client_credentials&scope=a&scope=a", InvalidRequest),
    ] {
        assert_eq!(refused(body), expected, "{body}");
    }
}

#[test]
fn debug_shows_no_credential() {
    let body = format!("grant_type=authorization_code&code=canary&code_verifier={VERIFIER}");
    let text = format!("{:?}", parse(&body).unwrap());
    assert!(!text.contains("canary") && !text.contains(VERIFIER), "{text}");
}
