//! Cookies: exact names, untouched neighbours.

use super::*;

fn names(value: &[u8]) -> Vec<&[u8]> {
    pairs(value).map(|(name, _)| name).collect()
}

#[test]
fn names_are_exact() {
    assert_eq!(names(b"a=1; b=2;c=3"), [b"a", b"b", b"c"]);
    for alike in [
        &b"  sid=x"[..],
        b"sid =x",
        b"\"sid\"=x",
        b"=sid=x",
        b"SID=x",
        b"\tsid=x",
        "\u{2000}sid=x".as_bytes(),
    ] {
        assert!(!names(alike).contains(&&b"sid"[..]), "{alike:?}");
    }
    assert_eq!(
        pairs(b"$Version=1; a=\"x; sid=1; b=y\"").map(|(n, _)| n).collect::<Vec<_>>(),
        [&b"$Version"[..], b"a", b"sid", b"b"]
    );
    assert_eq!(pairs(b"a=b=c").next(), Some((&b"a"[..], &b"b=c"[..])));
}

#[test]
fn ours_go_and_the_rest_stays_as_it_was() {
    for (value, left) in [
        ("a=1; b=2", None),
        ("__Host-vst=x.y", Some("")),
        ("a=1; __Host-vst=x; b= \"2 \";c=3", Some("a=1; b= \"2 \";c=3")),
        ("__Host-vst=x; a=1", Some("a=1")),
        ("a=1; __host-VST-keep=x", Some("a=1")),
        ("a=1;   __Host-vst-try=x;;b", Some("a=1;;b")),
        ("=__Host-vst=x; a=1", Some("a=1")),
        ("__Host-vst", Some("")),
        ("__Host-vst=x; ;", Some("")),
        ("; a=1;__Host-vst=x;", Some("a=1;")),
    ] {
        assert_eq!(has(value.as_bytes(), "__Host-vst"), left.is_some(), "{value}");
        let kept = without(value.as_bytes(), "__Host-vst").flatten().collect::<Vec<_>>().concat();
        assert_eq!(kept, left.unwrap_or(value).as_bytes(), "{value}");
    }
}

#[test]
fn setting_ours_is_seen_in_any_spelling() {
    for value in
        ["__Host-vst=x", "  __Host-vst=x; Path=/", "__HOST-VST-idp=", "=__Host-vst=x", "\t__Host-vst"]
    {
        assert!(sets(value.as_bytes(), "__Host-vst"), "{value}");
    }
    assert!(!sets(b"a=__Host-vst", "__Host-vst"));
}
