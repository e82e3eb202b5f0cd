//! Answers at the redirect URI, as the server writes and the client reads them.

use super::*;

const ISSUER: &str = "https://login.example";

fn callback(redirect_uri: &str) -> Callback {
    let registered = [RedirectUri::register(redirect_uri).unwrap()];
    Callback::find(&registered, Some(redirect_uri)).unwrap()
}

fn form(query: &str) -> Form {
    Form::parse(query.as_bytes()).unwrap()
}

#[test]
fn answers_carry_state_and_issuer() {
    let callback = callback("https://client.example/cb?tenant=1").with_state("a&b c").unwrap();
    assert_eq!(
        callback.granted_url(&Code::parse("xyz").unwrap(), ISSUER),
        "https://client.example/cb?tenant=1&code=xyz&state=a%26b+c&iss=https%3A%2F%2Flogin.example"
    );
    let error = AuthorizeError::new(AuthorizeErrorCode::AccessDenied, "the user said no");
    assert_eq!(
        callback.refused_url(&error, ISSUER),
        "https://client.example/cb?tenant=1&error=access_denied&error_description=the+user+said+no\
         &state=a%26b+c&iss=https%3A%2F%2Flogin.example"
    );
}

#[test]
fn without_state_there_is_none() {
    let url = callback("https://client.example/cb").granted_url(&Code::parse("xyz").unwrap(), ISSUER);
    assert_eq!(url, "https://client.example/cb?code=xyz&iss=https%3A%2F%2Flogin.example");
}

#[test]
fn answers_read_back() {
    let callback = callback("http://127.0.0.1/cb").with_state("s").unwrap();
    let code = Code::from_random(&[1; 32]);
    let parse = |url: String| AuthorizeResponse::parse(&form(url.split_once('?').unwrap().1), ISSUER);
    let granted = AuthorizeResponse { state: "s".to_owned(), outcome: Outcome::Granted(code.clone()) };
    assert_eq!(parse(callback.granted_url(&code, ISSUER)), Ok(granted));
    for code in AuthorizeErrorCode::ALL {
        let refused = AuthorizeResponse { state: "s".to_owned(), outcome: Outcome::Refused(*code) };
        assert_eq!(parse(callback.refused_url(&AuthorizeError::new(*code, "why"), ISSUER)), Ok(refused));
    }
}

#[test]
fn foreign_and_broken_answers_are_refused() {
    use ResponseRefused::{Issuer, Malformed, StateMissing};
    for (query, expected) in [
        ("", Issuer),
        ("code=a&state=s", Issuer),
        ("code=a&state=s&iss=", Issuer),
        ("code=a&state=s&iss=https://login.example/", Issuer),
        ("code=a&state=s&iss=https://LOGIN.example", Issuer),
        ("code=a&state=s&iss=https://evil.example", Issuer),
        ("error=access_denied&state=s", Issuer),
        ("code=a&state=s&iss=https://login.example&iss=https://login.example", Malformed),
        ("code=a&iss=https://login.example", StateMissing),
        ("code=a&state=&iss=https://login.example", StateMissing),
        ("code=a&state=s&state=s&iss=https://login.example", Malformed),
        ("code=a&code=a&state=s&iss=https://login.example", Malformed),
        ("state=s&iss=https://login.example", Malformed),
        ("code=a&error=access_denied&state=s&iss=https://login.example", Malformed),
        ("code=a+b&state=s&iss=https://login.example", Malformed),
        ("error=other&state=s&iss=https://login.example", Malformed),
    ] {
        assert_eq!(AuthorizeResponse::parse(&form(query), ISSUER), Err(expected), "{query}");
    }
}
