//! Redirect URIs: what may be registered, and what exactly matches (D30, D31).

use super::*;

#[test]
fn registration_takes_what_a_browser_would_send() {
    for text in [
        "https://client.example/cb",
        "https://client.example/cb?tenant=1",
        "https://client.example/cb?codes=1&State=2",
        "https://client.example/",
        "https://client.example:8443/cb",
        "http://localhost:9999/callback",
        "http://127.0.0.1/cb",
        "http://127.0.0.1:8000/cb",
        "http://[::1]/cb",
        "com.example.app:/cb",
        "com.example.app://cb/done",
    ] {
        assert_eq!(RedirectUri::register(text).unwrap().as_str(), text);
    }
}

/// What each refused registration is refused for.
#[test]
fn registration_refuses() {
    use RegistrationRefused::{
        AnswerName, Fragment, NotCanonical, PlainHttp, Scheme, UserInformation, Wildcard,
    };
    for (text, expected) in [
        ("javascript:alert(1)", Scheme),
        ("JavaScript:alert(1)", Scheme),
        ("java\nscript:alert(1)", Scheme),
        ("data:text/html,x", Scheme),
        ("vbscript:x", Scheme),
        ("file:///etc/passwd", Scheme),
        ("blob:https://client.example/x", Scheme),
        ("myapp:/cb", Scheme),
        ("com.example.app:cb", Scheme),
        ("http://client.example/cb", PlainHttp),
        ("http://127.0.0.1.client.example/cb", PlainHttp),
        ("http://localhost.client.example/cb", PlainHttp),
        ("http://0.0.0.0/cb", PlainHttp),
        ("https://client.example/cb#x", Fragment),
        ("https://client.example/cb#", Fragment),
        ("https://user@client.example/cb", UserInformation),
        ("https://:password@client.example/cb", UserInformation),
        ("https://*.client.example/cb", Wildcard),
        ("https://client.example/*", Wildcard),
        ("https://client.example/cb?code=evil&state=x", AnswerName),
        ("https://client.example/cb?tenant=1&st%61te=x", AnswerName),
        ("https://client.example/cb?iss", AnswerName),
        ("https://client.example/cb?error_description=x", AnswerName),
        ("com.example.app:/cb?error=x", AnswerName),
        ("https://client.example/a/../cb", NotCanonical),
        ("https://client.example/a/%2e%2e/cb", NotCanonical),
        ("https://client.example:443/cb", NotCanonical),
        ("https://CLIENT.example/cb", NotCanonical),
        ("https://client.example", NotCanonical),
        ("https:\\\\client.example\\cb", NotCanonical),
        ("https://client.example/c b", NotCanonical),
        (" https://client.example/cb", NotCanonical),
        ("https://@client.example/cb", NotCanonical),
        ("https:client.example/cb", NotCanonical),
        ("http://2130706433/cb", NotCanonical),
        ("/cb", NotCanonical),
        ("", NotCanonical),
    ] {
        assert_eq!(RedirectUri::register(text), Err(expected), "{text:?}");
    }
    let long = format!("https://client.example/{}", "a".repeat(REDIRECT_URI_BYTES_MAX));
    assert_eq!(RedirectUri::register(&long), Err(RegistrationRefused::TooLong));
}

#[test]
fn only_the_exact_text_matches() {
    let registered = RedirectUri::register("https://client.example/cb").unwrap();
    assert!(registered.matches("https://client.example/cb"));
    for named in [
        "",
        "https://client.example/cb/",
        "https://client.example/cb/extra",
        "https://client.example/cb/..",
        "https://client.example/cb/%2e%2e",
        "https://client.example/x/../cb",
        "https://client.example/c%62",
        "https://client.example//cb",
        "https://client.example/cb?x=1",
        "https://client.example/cb?",
        "https://client.example/cb#x",
        "https://client.example/cb#",
        "https://client.example/CB",
        "https://CLIENT.example/cb",
        "HTTPS://client.example/cb",
        "http://client.example/cb",
        "https://client.example:443/cb",
        "https://client.example:8443/cb",
        "https://client.example./cb",
        "https://user@client.example/cb",
        "https://client.example@evil.example/cb",
        "https://evil.example/https://client.example/cb",
        "https://client.example.evil.example/cb",
        "https://client.example\\@evil.example/cb",
        "https://client.example/*",
        "*",
        " https://client.example/cb",
        "https://client.example/cb\n",
        "//client.example/cb",
    ] {
        assert!(!registered.matches(named), "{named:?}");
    }
}

#[test]
fn loopback_address_without_a_port_matches_every_port() {
    for origin in ["http://127.0.0.1", "http://[::1]"] {
        let registered = RedirectUri::register(&format!("{origin}/cb")).unwrap();
        assert!(registered.is_any_port());
        for named in [":1/cb", ":8080/cb", ":65535/cb", "/cb"] {
            assert!(registered.matches(&format!("{origin}{named}")), "{origin}{named}");
        }
        for named in [
            ":/cb",
            ":0/cb",
            ":65536/cb",
            ":080/cb",
            ":+80/cb",
            ":80/cb/",
            ":80/cb?x",
            ":80/x/cb",
            ":80@evil.example/cb",
            ":80.evil.example/cb",
            ":80/evil/cb",
            ":8080/CB",
            ":80#/cb",
        ] {
            assert!(!registered.matches(&format!("{origin}{named}")), "{origin}{named}");
        }
    }
    let registered = RedirectUri::register("http://127.0.0.1/cb").unwrap();
    for named in
        ["http://localhost:80/cb", "http://[::1]:80/cb", "http://127.0.0.2:80/cb", "https://127.0.0.1:80/cb"]
    {
        assert!(!registered.matches(named), "{named}");
    }
}

#[test]
fn no_other_uri_is_free_in_its_port() {
    for text in
        ["http://localhost/cb", "http://127.0.0.1:8000/cb", "https://127.0.0.1/cb", "http://127.0.0.2/cb"]
    {
        let registered = RedirectUri::register(text).unwrap();
        assert!(!registered.is_any_port(), "{text}");
        let (origin, _) = text.rsplit_once('/').unwrap();
        assert!(!registered.matches(&format!("{origin}:9000/cb")), "{text}");
    }
    let registered = RedirectUri::register("http://127.0.0.1:8000/cb").unwrap();
    assert!(!registered.matches("http://127.0.0.1:8001/cb"));
}
