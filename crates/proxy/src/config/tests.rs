//! Origins and routes: what is accepted, and what a bad one is told.

use super::*;

fn route(host: &str, path: &str, app: &str) -> RouteConfig {
    RouteConfig {
        host: host.to_owned(),
        path: path.to_owned(),
        app: app.to_owned(),
        requires: Standing::Anonymous,
        body_bytes_max: None,
        connect_timeout_ms: None,
        answer_timeout_ms: None,
        stall_timeout_ms: None,
    }
}

#[test]
fn origins() {
    let origin = Origin::parse("https://shop.example:8443").unwrap();
    assert_eq!((origin.scheme, origin.host.to_string().as_str()), ("https", "shop.example:8443"));
    for bad in [
        "shop.example",
        "https://shop.example/",
        "https://Shop.example",
        "https://shop.example:443",
        "ftp://a",
        "https://a/b",
        "http://u@a",
        "",
    ] {
        assert!(Origin::parse(bad).is_err(), "{bad}");
    }
}

#[test]
fn all_problems_are_told_at_once() {
    let mut problems = Vec::new();
    let mut slow = route("b", "/", "http://127.0.0.1:1");
    slow.answer_timeout_ms = Some(0);
    let routes = [route("a b", "/", "http://127.0.0.1:1"), route("a", "x", "127.0.0.1"), slow];
    assert!(table(&routes, &mut problems).is_none());
    let said: Vec<_> = problems.iter().map(ToString::to_string).collect();
    assert_eq!(
        said,
        [
            "route[0].host: 'a b' is not a host name or address such as shop.example",
            "route[1].path: 'x' cannot be a context root: the target is neither a path nor an http URL",
            "route[1].app: '127.0.0.1' is not http://HOST:PORT without a path",
            "route[2].answer_timeout_ms: must be at least 1 (milliseconds)",
        ]
    );
}
