//! Authorities, as a table.

use super::*;

#[test]
fn accepted() {
    for (text, name, port) in [
        ("shop.example", "shop.example", None),
        ("SHOP.Example:443", "shop.example", Some(443)),
        ("localhost:8080", "localhost", Some(8080)),
        ("127.0.0.1", "127.0.0.1", None),
        ("[::1]:80", "[::1]", Some(80)),
        ("[2001:DB8::1]", "[2001:db8::1]", None),
        ("my_app", "my_app", None),
    ] {
        let host = Host::parse(text.as_bytes()).unwrap();
        assert_eq!((host.name(), host.port()), (name, port), "{text}");
        assert_eq!(host.to_string(), text.to_lowercase());
    }
}

#[test]
fn refused() {
    for text in [
        "",
        ".",
        "a.",
        ".a",
        "a..b",
        "a, b",
        "u@a",
        "a/x",
        "a b",
        "a:",
        "a:x",
        "a:65536",
        "a:-1",
        "a:080",
        "a:0",
        "a:1:2",
        "[::1",
        "[::1]x",
        "[fe80::1%25eth0]",
        "[fe80::1%eth0]",
        "::1",
        "a:443@evil",
        "a\\b",
        "a?b",
        "a#b",
        "a%2eb",
        "b\u{fc}cher.example",
        "1.2.3",
        "1.2.3.4.5",
        "256.1.1.1",
        "0x7f.1",
        "2130706433",
        "a\0",
    ] {
        assert_eq!(Host::parse(text.as_bytes()), Err(HostFault), "{text:?}");
    }
    assert_eq!(Host::parse(b"\xff"), Err(HostFault));
}

#[test]
fn reading_again_forgets_what_was_read() {
    let mut host = Host::parse(b"a.example:1").unwrap();
    host.read(b"b").unwrap();
    assert_eq!((host.name(), host.port()), ("b", None));
    assert!(host.read(b"a b").is_err());
}
