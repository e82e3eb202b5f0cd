//! How clients say who they are: one method, never in a URL.

use super::*;

fn parse(authorization: &[&str], query: Option<&str>, body: &str) -> Result<PresentedClient, TokenError> {
    let body = Form::parse(body.as_bytes()).unwrap();
    PresentedClient::parse(authorization.iter().map(|field| field.as_bytes()), query, &body)
}

fn basic(id_and_secret: &str) -> String {
    format!("Basic {}", STANDARD.encode(id_and_secret))
}

fn secret(text: &str) -> ClientSecret {
    ClientSecret::parse(text).unwrap()
}

#[test]
fn reads_each_way() {
    let client = |proof| PresentedClient { client_id: "till".to_owned(), proof };
    assert_eq!(parse(&[&basic("till:s3")], None, ""), Ok(client(Proof::Basic(secret("s3")))));
    assert_eq!(
        parse(&[&basic("till:s3")], Some(""), "client_id=till"),
        Ok(client(Proof::Basic(secret("s3"))))
    );
    assert_eq!(parse(&[], None, "client_id=till&client_secret=s3"), Ok(client(Proof::Post(secret("s3")))));
    assert_eq!(parse(&[], None, "client_id=till"), Ok(client(Proof::None)));
}

/// RFC 6749 2.3.1: both halves are form-encoded, so a secret may hold colons and escapes.
#[test]
fn halves_of_basic_are_form_decoded() {
    let client = parse(&[&basic("a%3Ab:s%2B%25:x")], None, "").unwrap();
    assert_eq!(client.client_id, "a:b");
    assert_eq!(client.proof, Proof::Basic(secret("s+%:x")));
    // RFC 6749 2.3.1, the example
    let client = parse(&["Basic czZCaGRSa3F0Mzo3RmpmcDBaQnIxS3REUmJuZlZkbUl3"], None, "").unwrap();
    assert_eq!(client.client_id, "s6BhdRkqt3");
    assert_eq!(client.proof, Proof::Basic(secret("7Fjfp0ZBr1KtDRbnfVdmIw")));
}

#[test]
fn two_ways_at_once_are_an_invalid_request() {
    let basic = basic("till:s3");
    for (authorization, body) in [
        (&[&*basic][..], "client_secret=s3"),
        (&[&*basic], "client_secret="),
        (&[&*basic], "client_assertion=a"),
        (&[&*basic, &*basic], ""),
        (&[&*basic], "client_id=other"),
        (&[], "client_id=till&client_secret=a&client_assertion=b"),
        (&[], "client_id=till&client_id=till"),
        (&[], "client_id=till&client_secret=a&client_secret=a"),
    ] {
        let error = parse(authorization, None, body).unwrap_err();
        assert_eq!(error.code, TokenErrorCode::InvalidRequest, "{body}");
    }
}

#[test]
fn a_query_is_an_invalid_request() {
    for query in ["client_secret=s3", "client_id=till", "x", "grant_type=client_credentials"] {
        let error = parse(&[], Some(query), "client_id=till&client_secret=s3").unwrap_err();
        assert_eq!(error.code, TokenErrorCode::InvalidRequest, "{query}");
    }
}

#[test]
fn failed_ways_are_an_invalid_client() {
    let long = "a".repeat(CLIENT_ID_BYTES_MAX + 1);
    let cases = [
        "Bearer abc".to_owned(),
        "Basic".to_owned(),
        "Basic ".to_owned(),
        "Basic !!!".to_owned(),
        "Basic  dGlsbDpzMw==".to_owned(),
        "Basic dGlsbDpzMw".to_owned(),
        "Basic dGlsbDpzMw== x".to_owned(),
        basic("no colon"),
        basic(":s3"),
        basic("till:"),
        basic("till:%zz"),
        basic("till:%ff"),
        basic("till:a b"),
        basic("till:a\nb"),
        basic(&format!("{long}:s3")),
    ];
    for field in cases {
        let error = parse(&[&field], None, "").unwrap_err();
        assert_eq!(error.code, TokenErrorCode::InvalidClient, "{field}");
    }
    for body in ["", "client_id=", "client_secret=s3", "client_id=till&client_secret=", "client_id=t%C3%A4"] {
        assert_eq!(parse(&[], None, body).unwrap_err().code, TokenErrorCode::InvalidClient, "{body}");
    }
    let assertion = "client_id=till&client_assertion=a&client_assertion_type=b";
    assert_eq!(parse(&[], None, assertion).unwrap_err().code, TokenErrorCode::InvalidClient);
}
