//! Error codes and documents, against the tables of the RFCs.

use super::*;

#[test]
fn every_code_is_its_rfc_text_and_unique() {
    for code in AuthorizeErrorCode::ALL {
        assert_eq!(AuthorizeErrorCode::parse(code.as_str()), Some(*code));
        assert!(code.as_str().bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'));
    }
    assert_eq!(AuthorizeErrorCode::parse("Invalid_request"), None);
    assert_eq!(TokenErrorCode::ALL.len(), 6);
    assert_eq!(BearerErrorCode::ALL.len(), 3);
}

/// RFC 6749 5.2.
#[test]
fn token_errors_become_documents() {
    let error = TokenError::new(TokenErrorCode::InvalidGrant, "used code");
    assert_eq!(
        serde_json::to_string(&error).unwrap(),
        r#"{"error":"invalid_grant","error_description":"used code"}"#
    );
    assert_eq!(error.to_string(), "invalid_grant: used code");
}

#[test]
fn refusals_of_parts_have_their_codes() {
    assert_eq!(TokenError::from(Repeated).code, TokenErrorCode::InvalidRequest);
    assert_eq!(TokenError::from(FormRefused::Encoding).code, TokenErrorCode::InvalidRequest);
    assert_eq!(TokenError::from(ScopeRefused::Repeated).code, TokenErrorCode::InvalidScope);
    assert_eq!(AuthorizeError::from(Repeated).code, AuthorizeErrorCode::InvalidRequest);
    assert_eq!(AuthorizeError::from(ScopeRefused::Malformed).code, AuthorizeErrorCode::InvalidScope);
}
