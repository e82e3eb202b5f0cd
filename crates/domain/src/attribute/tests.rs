//! Names, declarations and sizes.

use super::*;
use crate::fixture::{app, catalogue, name};

#[test]
fn names_have_one_form_and_are_not_reserved() {
    let long = "x".repeat(NAME_BYTES_MAX);
    let longer = "x".repeat(NAME_BYTES_MAX + 1);
    for text in ["a", "basket", "basket_count", "shop.theme-2", &long] {
        assert!(AttributeName::parse(text).is_ok(), "{text}");
    }
    for text in ["", "1a", "_a", "A", "aB", "a b", "a\"", "a:", "\u{e9}", &longer] {
        assert_eq!(AttributeName::parse(text), Err(NameRefused::Malformed), "{text}");
    }
    for text in RESERVED {
        assert_eq!(AttributeName::parse(text), Err(NameRefused::Reserved), "{text}");
    }
    assert!(RESERVED.is_sorted());
}

#[test]
fn lists_everything_that_is_wrong_with_declarations() {
    let declared = |bytes_max| Declared { survives: true, bytes_max };
    let attributes = BTreeMap::from([
        (name("empty"), declared(0)),
        (name("fine"), declared(SESSION_BYTES_MAX)),
        (name("huge"), declared(SESSION_BYTES_MAX + 1)),
    ]);
    let rights = Rights { reads: BTreeSet::from([name("fine"), name("other")]), ..Rights::default() };
    let faults = Catalogue::new(attributes, BTreeMap::from([(app("shop"), rights)])).unwrap_err();
    let expected = [
        CatalogueFault::Size(name("empty")),
        CatalogueFault::Size(name("huge")),
        CatalogueFault::Undeclared(app("shop"), name("other")),
    ];
    assert_eq!(faults, expected);
}

#[test]
fn an_app_that_was_not_declared_may_do_nothing() {
    assert_eq!(catalogue().rights(&app("stranger")), None);
    assert_eq!(catalogue().rights(&app("wall")).map(|rights| rights.writes.len()), Some(0));
}
