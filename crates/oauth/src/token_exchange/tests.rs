//! Token exchange: which token for which, by their URNs.

use super::*;

fn parse(pairs: &[(&str, &str)]) -> Result<TokenExchange, TokenError> {
    let query = crate::form::append("?", pairs.iter().copied());
    TokenExchange::parse(&Form::parse(&query.as_bytes()[1..]).unwrap())
}

#[test]
fn reads_each_subject() {
    for (urn, subject) in [
        (URN_ACCESS_TOKEN, SubjectToken::AccessToken(AccessToken::parse("t").unwrap())),
        (URN_JPT, SubjectToken::Jpt(Jpt::parse("t").unwrap())),
        (URN_GRANT, SubjectToken::Grant(GrantToken::parse("t").unwrap())),
    ] {
        let exchange = parse(&[("subject_token", "t"), ("subject_token_type", urn)]).unwrap();
        let expected = TokenExchange { subject, requested: RequestedToken::Jwt, audience: None, scope: None };
        assert_eq!(exchange, expected);
    }
}

#[test]
fn reads_what_is_wanted() {
    let subject = [("subject_token", "t"), ("subject_token_type", URN_GRANT)];
    let wanted = [("requested_token_type", URN_JPT), ("audience", "gateway"), ("scope", "b a")];
    let exchange = parse(&[&subject[..], &wanted[..]].concat()).unwrap();
    assert_eq!(exchange.requested, RequestedToken::Jpt);
    assert_eq!(exchange.audience.as_deref(), Some("gateway"));
    assert_eq!(exchange.scope.unwrap().to_string(), "a b");
}

#[test]
fn each_refusal_has_its_code() {
    use TokenErrorCode::{InvalidRequest, InvalidScope, InvalidTarget};
    let long = "a".repeat(AUDIENCE_BYTES_MAX + 1);
    let good = [("subject_token", "t"), ("subject_token_type", URN_JPT)];
    for (added, expected) in [
        (("actor_token", "t"), InvalidRequest),
        (("actor_token_type", URN_JPT), InvalidRequest),
        (("resource", "https://a"), InvalidTarget),
        (("audience", &*long), InvalidTarget),
        (("requested_token_type", URN_ACCESS_TOKEN), InvalidRequest),
        (("requested_token_type", "urn:ietf:params:oauth:token-type:refresh_token"), InvalidRequest),
        (("scope", "a  b"), InvalidScope),
        (("subject_token", "t"), InvalidRequest),
        (("subject_token_type", URN_JPT), InvalidRequest),
    ] {
        assert_eq!(parse(&[&good[..], &[added]].concat()).unwrap_err().code, expected, "{added:?}");
    }
    for pairs in [
        &[("subject_token", "t")][..],
        &[("subject_token_type", URN_JPT)],
        &[("subject_token", "t"), ("subject_token_type", "urn:ietf:params:oauth:token-type:id_token")],
        &[("subject_token", "t"), ("subject_token_type", URN_JWT)],
        &[("subject_token", "a b"), ("subject_token_type", URN_ACCESS_TOKEN)],
        &[("subject_token", "a~b"), ("subject_token_type", URN_JPT)],
    ] {
        assert_eq!(parse(pairs).unwrap_err().code, InvalidRequest, "{pairs:?}");
    }
}
