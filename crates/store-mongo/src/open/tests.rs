//! Which servers are taken, by what they say.

use super::*;

#[test]
fn a_server_is_old_by_the_protocol_that_it_speaks() {
    // 3.6, 4.0, 4.2, 4.4, and what came between 4.4 and 5.0.
    for wire_version in [6, 7, 8, 9, 12] {
        assert!(is_too_old(&doc! { "maxWireVersion": wire_version }), "{wire_version}");
    }
    // 5.0, 6.0, 7.0, 8.0.
    for wire_version in [13, 17, 21, 25] {
        assert!(!is_too_old(&doc! { "maxWireVersion": wire_version }), "{wire_version}");
    }
    assert!(is_too_old(&doc! { "ok": 1 }), "who says nothing is older than the question");
}

#[test]
fn a_server_is_a_primary_of_a_set_or_a_mongos() {
    let config = Config::parse("mongodb://h/shop").unwrap();
    let judged = |hello| judge(&hello, &config);
    assert_eq!(judged(doc! { "setName": "rs0", "isWritablePrimary": true }), Ok(()));
    assert_eq!(judged(doc! { "msg": "isdbgrid", "isWritablePrimary": true }), Ok(()));
    let alone = judged(doc! { "isWritablePrimary": true });
    assert!(matches!(alone, Err(OpenError::Standalone { .. })), "{alone:?}");
    let secondary = judged(doc! { "setName": "rs0", "isWritablePrimary": false, "secondary": true });
    assert!(matches!(secondary, Err(OpenError::ReadOnly { .. })), "{secondary:?}");
}

#[test]
fn an_old_server_is_told_what_is_needed() {
    let told = OpenError::TooOld { version: "4.4.29".to_owned() }.to_string();
    assert_eq!(told, "MongoDB 4.4.29 is too old: 5.0 is needed");
}
