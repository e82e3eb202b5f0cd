//! A panic inside is an error outside, with its words.

use super::*;

#[test]
fn a_panic_becomes_an_error_with_its_words() {
    assert_eq!(guard(|| 7), Ok(7));
    let damaged = guard(|| panic!("page {} makes no sense", 3)).unwrap_err();
    assert_eq!(damaged.to_string(), "the file is damaged: page 3 makes no sense");
    assert_eq!(guard(|| 8), Ok(8));
}

#[test]
fn guards_may_stand_within_guards() {
    let outer = guard(|| {
        let inner = guard(|| panic!("inner")).unwrap_err();
        assert!(GUARDED.get());
        inner
    });
    assert_eq!(outer, Ok(Damaged("inner".to_owned())));
    assert!(!GUARDED.get());
}
