//! Which request finds which route: by host and by whole path segments, in one spelling only, and what was matched is
//! what the app receives.

use vestibule_testkit::client::{Raw, get};
use vestibule_testkit::strict::Response;

use super::front::{Front, HOST, Shape};

/// Routes of a second host, so that a path may find none.
const ROUTES: &[(&str, &str)] = &[
    ("api.test", "/shop"),
    ("api.test", "/shop/deep"),
    ("api.test", "/a"),
    ("api.test", "/x/y"),
    ("ports.test:8080", "/"),
    ("127.0.0.1", "/"),
    ("[::1]", "/"),
];

fn front() -> Front {
    Front::with(&Shape { more: ROUTES, ..Shape::default() })
}

fn ask(front: &Front, host: &str, target: &str) -> Response {
    get(front.proxy, host, target, &[])
}

#[test]
fn an_unknown_host_is_misdirected_and_an_unknown_path_not_found() {
    let front = front();
    for (host, target, status) in [
        ("unknown.test", "/", 421),
        ("test", "/", 421),
        ("sub.shop.test", "/", 421),
        ("shop.test.evil", "/", 421),
        ("ports.test", "/", 421),
        ("ports.test:80", "/", 421),
        ("127.0.0.2", "/", 421),
        ("localhost", "/", 421),
        ("api.test", "/", 404),
        ("api.test", "/other", 404),
        ("api.test", "/x", 404),
        ("api.test", "/x/yy", 404),
    ] {
        let response = ask(&front, host, target);
        assert_eq!(response.status, status, "{host}{target}");
        assert!(front.upstream.take().raw().is_empty());
    }
    for (host, target) in [
        ("ports.test:8080", "/"),
        ("127.0.0.1", "/"),
        ("[::1]", "/"),
        ("[::1]:80", "/"),
        (HOST, "/any/thing"),
    ] {
        assert_eq!(ask(&front, host, target).status, 200, "{host}{target}");
    }
}

#[test]
fn a_prefix_ends_at_a_segment() {
    let front = front();
    for (target, status) in [
        ("/shop", 200),
        ("/shop/", 200),
        ("/shop/x", 200),
        ("/shop?q=/x", 200),
        ("/shop/deep/er", 200),
        ("/shop/deeper", 200),
        ("/shopping", 404),
        ("/shop-x", 404),
        ("/shop.html", 404),
        ("/sho", 404),
        ("/x/y", 200),
        ("/x/y/z", 200),
        ("/x/yz", 404),
        ("/a?/shop", 200),
        ("/b?x=/shop", 404),
        ("/b?/../shop", 404),
    ] {
        assert_eq!(ask(&front, "api.test", target).status, status, "{target}");
    }
}

#[test]
fn every_spelling_of_a_host_is_that_host_or_refused() {
    let front = front();
    for host in ["SHOP.TEST", "Shop.Test", "shop.test:80", "shop.test:8080", "sHoP.tEsT:1"] {
        let response = ask(&front, host, "/");
        assert_eq!(response.status, 200, "B44 {host}");
        let seen = front.upstream.take();
        assert_eq!(seen.requests[0].fields.only("host"), Some(&host.to_ascii_lowercase()[..]), "B44 {host}");
        assert_eq!(
            seen.requests[0].fields.only("x-forwarded-host"),
            Some(&host.to_ascii_lowercase()[..]),
            "B44 {host}"
        );
    }
    for host in [
        "shop.test.",
        "shop.test.:80",
        "shop.test:443@evil.test",
        "evil.test@shop.test",
        "sh\u{f6}p.test",
        "shop\u{3002}test",
        "%73hop.test",
        "shop.test%2eevil",
        "shop.test/x",
    ] {
        let mut client = Raw::connect(front.proxy);
        client.send(format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n"));
        assert_eq!(client.response().status, 400, "B44 {host}");
    }
    assert_eq!(ask(&front, "xn--shp-sna.test", "/").status, 421);
    assert!(front.upstream.take().raw().is_empty());
}

#[test]
fn ambiguous_paths_are_refused() {
    let front = front();
    // B40: forms in which one server sees /a and another sees something else, before, inside and after the segment.
    let forms = [
        "//a",
        "///a",
        "/./a",
        "/../a",
        "/x/../a",
        "/x/y/../../a",
        "/a/.",
        "/a/..",
        "/a//",
        "/a//b",
        "/a/./b",
        "/a/../a",
        "/.",
        "/..",
        "/a/b/..",
        "/%2e/a",
        "/%2e%2e/a",
        "/%2E%2E/a",
        "/x/%2e%2e/a",
        "/x/.%2e/a",
        "/x/%2e./a",
        "/x/%2E./a",
        "/%2e%2e%2fa",
        "/..%2fa",
        "/x/..;/a",
        "/a;x=y",
        "/;/a",
        "/a;",
        "/;a",
        "/a/;jsessionid=1",
        "/x/..%3b/a",
        "/a%3bx",
        "/a%3Bx=y",
        "/%2fa",
        "/%2Fa",
        "/x%2f..%2fa",
        "/a%2f",
        "/a%2fb",
        "/%5ca",
        "/%5Ca",
        "/a%5c..%5cb",
        "/a%5c",
        "/%252fa",
        "/%252e%252e/a",
        "/x/%252e%252e/a",
        "/a%252f",
        "/%25%32%66a",
        "/a%25%32%66b",
        "/x/%25%32%65%25%32%65/a",
        "/a%25%35%63",
        "/a%255c",
        "/a%00",
        "/%00/a",
        "/a%00.html",
        "/a%0a",
        "/a%0d",
        "/a%0d%0ab",
        "/a%09",
        "/a%01",
        "/a%7f",
        "/%c0%afa",
        "/a%c0%af",
        "/%c0%ae%c0%ae/a",
        "/%e0%80%ae%e0%80%ae/a",
        "/%f0%80%80%af",
        "/a%ff",
        "/a%80",
        "/a%c3",
        "/%ef%bc%8fa",
        "/x/%ef%bc%8e%ef%bc%8e/a",
        "/%ef%bd%81",
        "/a%ef%bc%9bx",
        "/a%e2%80%a4",
        "/a%e2%88%95b",
        "/a%e2%81%84b",
        "/%",
        "/a%",
        "/a%6",
        "/a%zz",
        "/a%u0061",
        "/%u002e%u002e/a",
        "/a%2",
        "/a%g0",
    ];
    for form in forms {
        let response = ask(&front, "api.test", form);
        assert_eq!(response.status, 400, "B40 {form}");
        // The same below a route that takes everything.
        assert_eq!(ask(&front, HOST, form).status, 400, "B40 {form}");
    }
    for (form, what) in [
        ("/a\\", "\\"),
        ("/\\a", "\\"),
        ("/x\\..\\a", "\\"),
        ("/a#", "#"),
        ("/a#/../b", "#"),
        ("/private#/../a", "#"),
    ] {
        let mut client = Raw::connect(front.proxy);
        client.send(format!("GET {form} HTTP/1.1\r\nHost: api.test\r\n\r\n"));
        assert_eq!(client.response().status, 400, "B42 {form} with {what}");
    }
    assert!(front.upstream.take().raw().is_empty());
}

#[test]
fn what_some_servers_fold_finds_no_other_route() {
    // Below /a lies everything; /a/secret is another route. Who writes /a/SECRET must not pass by the former.
    let front =
        Front::with(&Shape { more: &[("api.test", "/a"), ("api.test", "/a/secret")], ..Shape::default() });
    for form in [
        "/A",
        "/a/SECRET",
        "/a/Secret",
        "/a/secret.",
        "/a/secret..",
        "/a/secret%20",
        "/a/secret%20.",
        "/a/SECRET/x",
        "/a./secret",
        "/A/secret",
        "/a%20/secret",
    ] {
        assert_eq!(ask(&front, "api.test", form).status, 404, "B40 {form}");
    }
    assert!(front.upstream.take().raw().is_empty());
}

#[test]
fn what_is_matched_is_what_is_sent() {
    let front = front();
    for (sent, arrives) in [
        ("/%61", "/a"),
        ("/%61/b", "/a/b"),
        ("/a/%7euser", "/a/~user"),
        ("/a/%7Euser", "/a/~user"),
        ("/a/b%2ec", "/a/b.c"),
        ("/a/%e2%82%ac", "/a/%E2%82%AC"),
        ("/a/%c3%bc", "/a/%C3%BC"),
        ("/a/b%20c", "/a/b%20c"),
        ("/a/%3f", "/a/%3F"),
        ("/a/%23", "/a/%23"),
        ("/a/%3a%40", "/a/%3A%40"),
        ("/a/100%25", "/a/100%25"),
        ("/a/b,c=d&e+f!$'()*:@", "/a/b,c=d&e+f!$'()*:@"),
        ("/a?x=%2f..%2f&y=;//", "/a?x=%2f..%2f&y=;//"),
        ("/a?", "/a?"),
        ("/a??", "/a??"),
        ("/a?%zz", "/a?%zz"),
        ("/a?q=c:\\d\\..\\e", "/a?q=c:\\d\\..\\e"),
        ("/a/...", "/a/..."),
        ("/a/.well-known", "/a/.well-known"),
        ("/a/b.", "/a/b."),
    ] {
        assert_eq!(ask(&front, "api.test", sent).status, 200, "{sent}");
        let seen = front.upstream.take();
        assert_eq!(seen.requests[0].target, arrives, "{sent}");
    }
    // An absolute target loses its authority.
    let mut client = Raw::connect(front.proxy);
    for target in ["http://api.test/a?b", "HTTP://API.TEST/a?b"] {
        client.send(format!("GET {target} HTTP/1.1\r\nHost: api.test\r\n\r\n"));
        assert_eq!(client.response().status, 200, "{target}");
        let seen = front.upstream.take();
        assert_eq!(
            (seen.requests[0].target.as_str(), seen.requests[0].fields.only("host")),
            ("/a?b", Some("api.test"))
        );
    }
}

#[test]
fn foreign_targets_are_never_dialled() {
    let front = front();
    for (target, host, status) in [
        ("http://169.254.169.254/latest/meta-data", "169.254.169.254", 421),
        ("http://evil.test/", "evil.test", 421),
        ("http://127.0.0.2:1/", "127.0.0.2:1", 421),
        ("http://api.test/nowhere", "api.test", 404),
    ] {
        let mut client = Raw::connect(front.proxy);
        client.send(format!("GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n"));
        assert_eq!(client.response().status, status, "A33 {target}");
    }
    assert!(front.upstream.take().raw().is_empty());
}

#[test]
fn methods_pass_by_their_exact_names() {
    let front = front();
    let mut client = Raw::connect(front.proxy);
    for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] {
        client.send(format!("{method} / HTTP/1.1\r\nHost: {HOST}\r\n\r\n"));
        assert_eq!(client.response_to(method).status, 200, "{method}");
        assert_eq!(front.upstream.take().requests[0].method, method);
    }
    // A36, A34: refused by name, wherever they go.
    for target in ["/", "http://shop.test/"] {
        let mut client = Raw::connect(front.proxy);
        client.send(format!("TRACE {target} HTTP/1.1\r\nHost: {HOST}\r\n\r\n"));
        let response = client.response();
        assert_eq!(response.status, 405, "A36 {target}");
        assert!(
            response
                .fields
                .only("allow")
                .is_some_and(|allow| allow.contains("GET") && !allow.contains("TRACE"))
        );
    }
    assert!(front.upstream.take().raw().is_empty());
}

#[test]
fn our_health_pages_are_not_on_the_public_listener() {
    let front = front();
    for target in ["/healthz", "/readyz", "/metrics"] {
        assert_eq!(ask(&front, "api.test", target).status, 404, "{target}");
        assert_eq!(ask(&front, HOST, target).status, 200, "{target} is the app's");
        assert_eq!(front.upstream.take().requests.len(), 1);
        assert_eq!(get(front.metrics, "anything.test", target, &[]).status, 200);
        assert_eq!(get(front.metrics, HOST, "/", &[]).status, 404);
    }
}
