//! What a broken or unfinished head tells of who sent it.

use super::*;

const PEER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

fn of(head: &str) -> Audience {
    Audience::of(PEER, head.as_bytes())
}

#[test]
fn a_navigation_is_known_by_a_whole_line_that_says_so() {
    for (fields, is_person) in [
        ("Accept: text/html,application/xhtml+xml;q=0.9\r\n", true),
        ("ACCEPT:application/xml, Text/HTML\r\n", true),
        ("Sec-Fetch-Dest: document\r\n", true),
        ("Cookie: a\r\nsec-fetch-dest:document\r\n\r\n", true),
        ("", false),
        ("Accept: */*\r\n", false),
        ("Sec-Fetch-Dest: empty\r\n", false),
        ("X-Accept: text/html\r\n", false),
        ("Cookie: text/html\r\n", false),
        // Its end has not come, or it is no field of this head.
        ("Accept: text/html", false),
        ("Accept: text/html\n", false),
        ("\r\nAccept: text/html\r\n", false),
    ] {
        assert_eq!(of(&format!("GET / HTTP/1.1\r\n{fields}")).is_person, is_person, "{fields:?}");
    }
    assert!(!of("Accept: text/html\r\n").is_person, "the first line is no field");
    assert!(!of("").is_person);
}

#[test]
fn a_host_said_twice_is_said_by_nobody_and_of_schemes_the_last_counts() {
    let said = |fields: &str| {
        let audience = of(&format!("GET / HTTP/1.1\r\n{fields}\r\n"));
        (audience.host.map(|host| host.to_string()), audience.says_https)
    };
    assert_eq!(
        said("Host: Shop.test:1\r\nX-Forwarded-Proto: https\r\n"),
        (Some("shop.test:1".to_owned()), true)
    );
    assert_eq!(said("Host: a\r\nHost: b\r\nX-Forwarded-Proto: http\r\n"), (None, false));
    assert_eq!(said("Host: a b\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Proto: http\r\n"), (None, false));
    for (protos, is_https) in [
        ("X-Forwarded-Proto: http\r\nX-Forwarded-Proto: https\r\n", true),
        ("X-Forwarded-Proto: http, HTTPS\r\n", true),
        ("X-Forwarded-Proto: https, http\r\n", false),
        ("", false),
    ] {
        assert_eq!(said(protos), (None, is_https), "{protos:?}");
    }
}

#[test]
fn the_largest_cookies_are_named_where_cookies_are_most_of_a_head() {
    let cookies = |rest: &str| of(&format!("GET / HTTP/1.1\r\nHost: a\r\n{rest}")).cookies;
    let large = format!("small=1; big={}; <b>={}; odd", "x".repeat(2000), "x".repeat(3000));
    let named = Some(vec![("big".to_owned(), 2003), ("small".to_owned(), 6)]);
    assert_eq!(cookies(&format!("Cookie: {large}\r\n\r\n")), named);
    // A line without an end counts as far as it has come.
    assert_eq!(cookies(&format!("Accept: */*\r\ncookie: {large}")), named);
    assert_eq!(cookies(&format!("Cookie: a=b\r\nX: {}\r\n\r\n", "x".repeat(2000))), None);
    assert_eq!(cookies("\r\n"), None);
    let many = (0..10).map(|n| format!("c{n}={n}; ")).collect::<Vec<_>>().concat();
    let named: Vec<_> = cookies(&format!("Cookie: {many}\r\n\r\n")).unwrap();
    assert_eq!(
        named.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(),
        ["c0", "c1", "c2", "c3", "c4"]
    );
}
