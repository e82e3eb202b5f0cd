//! Methods and their scopes, as a table.

use super::*;

fn set(text: &str) -> ScopeSet {
    ScopeSet::parse(text).unwrap()
}

#[test]
fn one_list_is_for_every_method() {
    let needs = Needs::for_all(&set("a:read"));
    for method in METHODS {
        assert_eq!(needs.of(method), Some(&set("a:read")), "{method:?}");
    }
    for method in [Method::Trace, Method::Connect] {
        assert_eq!(needs.of(method), None, "{method:?}");
    }
}

#[test]
fn a_method_that_is_not_listed_is_not_served() {
    let listed = [(Method::Get, set("a:read")), (Method::Post, set("a:write"))];
    let needs = Needs::by_method(listed.into());
    assert_eq!(needs.of(Method::Post), Some(&set("a:write")));
    assert_eq!(needs.of(Method::Head), Some(&set("a:read")), "as GET");
    for method in [Method::Put, Method::Delete, Method::Patch, Method::Options] {
        assert_eq!(needs.of(method), None, "{method:?}");
    }
    assert_eq!(needs.allow(), "GET, HEAD, POST");
}

#[test]
fn head_may_need_something_of_its_own_and_is_nothing_without_get() {
    let listed = [(Method::Get, set("a:read")), (Method::Head, set("a:list"))];
    assert_eq!(Needs::by_method(listed.into()).of(Method::Head), Some(&set("a:list")));
    assert_eq!(Needs::by_method([(Method::Put, set("a:write"))].into()).of(Method::Head), None);
}
