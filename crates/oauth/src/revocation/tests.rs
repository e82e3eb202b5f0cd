//! Revocation requests.

use super::*;
use crate::error::TokenErrorCode;

fn parse(body: &str) -> Result<RevocationRequest, TokenError> {
    RevocationRequest::parse(&Form::parse(body.as_bytes()).unwrap())
}

#[test]
fn reads_token_and_hint() {
    for (body, hint) in [
        ("token=t", None),
        ("token=t&token_type_hint=access_token", Some(TokenHint::AccessToken)),
        ("token=t&token_type_hint=refresh_token", Some(TokenHint::RefreshToken)),
        ("token=t&token_type_hint=other", None),
    ] {
        assert_eq!(parse(body), Ok(RevocationRequest { token: UnsortedToken::of("t"), hint }), "{body}");
    }
}

/// RFC 7009 2.2: an invalid token is no error.
#[test]
fn garbage_is_a_token_that_nobody_knows() {
    let request = parse("token=%20%C3%A4").unwrap();
    assert!(request.token.access_token().is_err());
    assert!(request.token.refresh_token().is_err());
    assert_eq!(format!("{:?}", request.token), "UnsortedToken(..)");
}

#[test]
fn missing_and_repeated_are_invalid_requests() {
    for body in ["", "token=", "token=a&token=a", "token=a&token_type_hint=x&token_type_hint=x"] {
        assert_eq!(parse(body).unwrap_err().code, TokenErrorCode::InvalidRequest, "{body}");
    }
}
