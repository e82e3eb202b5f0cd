//! Parameters: named once, within limits, or refused.

use super::*;

fn parse(text: &str) -> Result<Form, FormRefused> {
    Form::parse(text.as_bytes())
}

#[test]
fn reads_decoded_values() {
    let form = parse("a=1&b=x+y%2Bz&c=%C3%A4&d&e=&&f==").unwrap();
    assert_eq!(form.get("a"), Ok(Some("1")));
    assert_eq!(form.get("b"), Ok(Some("x y+z")));
    assert_eq!(form.get("c"), Ok(Some("ä")));
    // RFC 6749 3.1: without a value as if omitted
    assert_eq!(form.get("d"), Ok(None));
    assert_eq!(form.get("e"), Ok(None));
    assert!(form.has("d") && form.has("e") && !form.has("g"));
    assert_eq!(form.get("f"), Ok(Some("=")));
}

#[test]
fn repeated_parameters_are_refused_when_read() {
    for text in ["a=1&a=1", "a=1&a=", "a&a", "a=1&%61=2"] {
        let form = parse(&format!("{text}&b=2")).unwrap();
        assert_eq!(form.get("a"), Err(Repeated), "{text}");
        assert_eq!(form.get("b"), Ok(Some("2")), "{text}");
    }
}

#[test]
fn broken_encodings_are_refused() {
    for text in [
        "a=%", "a=%4", "a=%zz", "a=%+4", "%ff=1", "a=%ff", "a=%C3", "a=%00", "a=%0d%0a", "a=\n", "a=%7f",
        "a=%c2%85",
    ] {
        assert_eq!(parse(text), Err(FormRefused::Encoding), "{text:?}");
    }
    assert_eq!(Form::parse(b"a=\xff"), Err(FormRefused::Encoding));
}

/// A scope's own reader refuses them, with the error that is for that.
#[test]
fn control_characters_in_a_scope_are_left_to_its_grammar() {
    for text in ["scope=a%0ab", "scope=a%00", "scope=%09", "scope=a%c2%85b"] {
        let form = parse(text).unwrap();
        let scope = form.get("scope").unwrap().unwrap();
        assert_eq!(
            crate::scope::ScopeSet::parse(scope),
            Err(crate::scope::ScopeRefused::Malformed),
            "{text}"
        );
    }
    assert_eq!(parse("scope=%ff"), Err(FormRefused::Encoding));
    assert_eq!(parse("sc%0aope=a"), Err(FormRefused::Encoding));
}

#[test]
fn limits_hold() {
    let parameters = |count: usize| vec!["a=1"; count].join("&");
    assert!(parse(&parameters(PARAMETERS_MAX)).is_ok());
    assert_eq!(parse(&parameters(PARAMETERS_MAX + 1)), Err(FormRefused::TooMany));
    let bytes = |count: usize| format!("a={}", "x".repeat(count - 2));
    assert!(parse(&bytes(FORM_BYTES_MAX)).is_ok());
    assert_eq!(parse(&bytes(FORM_BYTES_MAX + 1)), Err(FormRefused::TooLong));
}

#[test]
fn a_body_must_say_that_it_is_a_form() {
    for media_type in
        ["application/x-www-form-urlencoded", "Application/X-WWW-Form-Urlencoded ; charset=utf-8"]
    {
        assert!(Form::from_body(Some(media_type), b"a=1").is_ok(), "{media_type}");
    }
    for media_type in [
        None,
        Some(""),
        Some("application/json"),
        Some("multipart/form-data"),
        Some("text/plain, application/x-www-form-urlencoded"),
        Some("application/x-www-form-urlencoded2"),
    ] {
        assert_eq!(Form::from_body(media_type, b"{}"), Err(FormRefused::MediaType), "{media_type:?}");
    }
}

#[test]
fn debug_shows_no_value() {
    assert_eq!(format!("{:?}", parse("password=secret&b=1").unwrap()), "Form(2 parameters)");
}

#[test]
fn append_continues_a_query() {
    let pairs = [("a", "x y"), ("b", "&=")];
    assert_eq!(append("https://h/p", pairs), "https://h/p?a=x+y&b=%26%3D");
    assert_eq!(append("https://h/p?q=1", pairs), "https://h/p?q=1&a=x+y&b=%26%3D");
    assert_eq!(append("https://h/p?", pairs), "https://h/p?a=x+y&b=%26%3D");
}
