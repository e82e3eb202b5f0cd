//! Scopes and sets of them: exact tokens, canonical order, limits (D20).

use super::*;

fn set(text: &str) -> ScopeSet {
    ScopeSet::parse(text).unwrap()
}

#[test]
fn prints_in_canonical_order() {
    assert_eq!(set("orders:read basket:write openid").to_string(), "basket:write openid orders:read");
    assert_eq!(set("a b"), set("b a"));
    assert_eq!(serde_json::to_string(&set("b a")).unwrap(), r#""a b""#);
    assert_eq!(ScopeSet::default().to_string(), "");
}

#[test]
fn tricks_are_refused() {
    for text in
        ["", " ", " a", "a ", "a  b", "a\tb", "a\nb", "a\u{a0}b", "ä", "a\"b", "a\\b", "a\0", "a\u{7f}"]
    {
        assert_eq!(ScopeSet::parse(text), Err(ScopeRefused::Malformed), "{text:?}");
    }
    assert_eq!(ScopeSet::parse("a b a"), Err(ScopeRefused::Repeated));
}

#[test]
fn limits_hold() {
    let many = |count: usize| (0..count).map(|index| format!("s{index}")).collect::<Vec<_>>().join(" ");
    assert_eq!(set(&many(SCOPES_MAX)).len(), SCOPES_MAX);
    assert_eq!(ScopeSet::parse(&many(SCOPES_MAX + 1)), Err(ScopeRefused::TooMany));
    assert_eq!(ScopeSet::parse(&many(10_000)), Err(ScopeRefused::TooMany));
    assert!(Scope::parse(&"a".repeat(SCOPE_BYTES_MAX)).is_ok());
    assert_eq!(Scope::parse(&"a".repeat(SCOPE_BYTES_MAX + 1)), Err(ScopeRefused::TooLong));
}

#[test]
fn tokens_match_whole_and_by_case() {
    let held = set("foo:admin bar");
    for other in ["foo", "foo:", "foo:admi", "foo:admin2", "FOO:admin", "Bar", "foo:admin bar", ""] {
        assert!(!held.contains(other), "{other:?}");
    }
    assert!(held.contains("foo:admin"));
    assert!(!set("foo").is_subset(&held));
}

#[test]
fn sets_compare_and_meet() {
    assert!(set("a b").is_subset(&set("a b c")));
    assert!(!set("a d").is_subset(&set("a b c")));
    assert_eq!(set("a b d").intersection(&set("b c d")), set("b d"));
    assert_eq!(set("a b").union(&set("b c")), set("a b c"));
    assert!(set("a").intersection(&set("b")).is_empty());
}
