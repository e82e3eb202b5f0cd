//! Counters of failures: what was stored is what is decided on.

use vestibule_domain::throttle::Failures;
use vestibule_registry::Caps;
use vestibule_registry::sweep::Swept;

use super::fixture::*;

#[test]
fn counters_are_kept_apart_until_they_are_forgotten() {
    let registry = registry();
    let keys = [digest("pair"), digest("user")];
    let failure = |count, last| Some(Failures { count, last });
    let seen = registry
        .throttle(&keys, HOUR, START, |counters| {
            let before = *counters;
            *counters = [failure(1, START), failure(7, START)];
            before
        })
        .unwrap();
    assert_eq!(seen, [None, None]);
    let read = |at| registry.throttle(&keys, HOUR, at, |counters| *counters).unwrap();
    assert_eq!(read(START), [failure(1, START), failure(7, START)]);
    let later = START + MINUTE;
    registry.throttle(&keys, HOUR, later, |counters| *counters = [None, failure(8, later)]).unwrap();
    assert_eq!(read(later), [None, failure(8, later)]);
    assert_eq!(read(later + HOUR), [None, None]);
}

#[test]
fn many_names_tried_once_do_not_wash_out_the_one_tried_often() {
    let registry = with_caps(Caps { failure_counters: 3, ..Caps::default() });
    let count = |name: &str, count, at| {
        let failures = Some(Failures { count, last: at });
        registry.throttle(&[digest(name)], HOUR, at, |counter| *counter = [failures]).unwrap();
    };
    count("alice", 9, START);
    for index in 1..=5 {
        count(&index.to_string(), 1, START + MINUTE * index);
    }
    assert_eq!(registry.sweep(START, 100).unwrap(), Swept { rows: 3, more: false });
    let is_kept =
        |name| registry.throttle(&[digest(name)], HOUR, START, |[counter]| counter.is_some()).unwrap();
    assert_eq!(["alice", "1", "2", "3", "4", "5"].map(is_kept), [true, false, false, false, true, true]);
}
