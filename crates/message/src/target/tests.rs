//! Targets: one canonical form for each path, a fault for what could be read as two.

use proptest::prelude::*;

use super::TargetFault::*;
use super::*;

#[test]
fn canonical_forms() {
    for (raw, path, query) in [
        ("/", "/", None),
        ("/a/b", "/a/b", None),
        ("/a/", "/a/", None),
        ("/%61dmin", "/admin", None),
        ("/a%7eb%2D", "/a~b-", None),
        ("/caf%c3%a9", "/caf%C3%A9", None),
        ("/a%20b", "/a%20b", None),
        ("/a...b/...", "/a...b/...", None),
        ("/.well-known/x", "/.well-known/x", None),
        ("/100%25", "/100%25", None),
        ("/a?", "/a", Some("")),
        ("/a?x=/../;%0d%0a&y=%zz?{}|^`", "/a", Some("x=/../;%0d%0a&y=%zz?{}|^`")),
        ("/?next=http://b/", "/", Some("next=http://b/")),
        ("/?text=one%0D%0Atwo%0a%c0%af%e9", "/", Some("text=one%0D%0Atwo%0a%c0%af%e9")),
        ("/a?q=c:\\d\\..\\e", "/a", Some("q=c:\\d\\..\\e")),
    ] {
        let target = Target::parse(raw.as_bytes()).unwrap();
        assert_eq!((target.path(), target.query()), (path, query), "{raw}");
    }
}

#[test]
fn absolute_form_names_its_authority() {
    let mut target = Target::default();
    for (raw, authority, text) in [
        ("http://a.example/b?c", "a.example", "/b?c"),
        ("HTTPS://A:1", "A:1", "/"),
        ("http://a?b", "a", "/?b"),
        ("http://u@a/", "u@a", "/"),
    ] {
        assert_eq!(target.read(raw.as_bytes()), Ok(Some(authority.as_bytes())), "{raw}");
        assert_eq!(target.as_str(), text);
    }
    assert_eq!(Target::parse(b"http://a/"), Err(Form));
}

#[test]
fn refused() {
    for (raw, fault) in [
        ("", Form),
        ("*", Form),
        ("a", Form),
        ("ftp://a/", Form),
        ("http:", Form),
        ("//", Segment),
        ("//evil.example/", Segment),
        ("/a//b", Segment),
        ("/.", Segment),
        ("/./a", Segment),
        ("/a/..", Segment),
        ("/a/../b", Segment),
        ("/a/%2e%2e/b", Segment),
        ("/a/%2E.", Segment),
        ("/a/..;/b", Parameter),
        ("/a;x=y", Parameter),
        ("/a%3bx", EncodedDelimiter),
        ("/a%2fb", EncodedDelimiter),
        ("/a%5Cb", EncodedDelimiter),
        ("/a%252fb", EncodedDelimiter),
        ("/a%25%32%66b", EncodedDelimiter),
        ("/a%252%66b", EncodedDelimiter),
        ("/a%25%32fb", EncodedDelimiter),
        ("/a%00", EncodedNul),
        ("/a%0d%0ab", EncodedDelimiter),
        ("/a%7f", EncodedDelimiter),
        ("/%ef%bc%8fa", EncodedDelimiter),
        ("/%ef%bd%81dmin", EncodedDelimiter),
        ("/%c0%af", NotUtf8),
        ("/%ff", NotUtf8),
        ("/caf%e9", NotUtf8),
        ("/%zz", Encoding),
        ("/%4", Encoding),
        ("/?%00", EncodedNul),
        ("/a#b", Byte),
        ("/?a#b", Byte),
        ("/a\\b", Byte),
        ("\\?a", Form),
        ("/a\\?b", Byte),
        ("/?\"", Byte),
        ("/?a b", Byte),
        ("/a b", Byte),
        ("/a\"b", Byte),
        ("/<", Byte),
        ("/?>", Byte),
        ("/\u{e9}", Byte),
        ("/?\u{e9}", Byte),
        ("/a\x7f", Byte),
        ("http://a\\b/", Byte),
        ("http://a\\b?c", Byte),
        ("http://a#b/", Byte),
    ] {
        assert_eq!(Target::parse(raw.as_bytes()), Err(fault), "{raw:?}");
    }
}

proptest! {
    #[test]
    fn canonical_is_a_fixed_point(raw in "/([a-z./?~]|%(25|2f|32|36|66|2e|41|c3%a9|20)){0,12}") {
        if let Ok(target) = Target::parse(raw.as_bytes()) {
            prop_assert_eq!(Target::parse(target.as_str().as_bytes()), Ok(target));
        }
    }

    #[test]
    fn no_bytes_make_it_panic(raw in prop::collection::vec(any::<u8>(), 0..60)) {
        if let Ok(target) = Target::parse(&raw) {
            prop_assert!(target.as_str().starts_with('/') && !target.as_str().contains(['\r', '\n', ' ', '#']));
            prop_assert!(!target.path().contains(['\\', '?']));
        }
    }
}
