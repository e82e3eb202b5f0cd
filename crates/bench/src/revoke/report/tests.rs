//! What a table says, and when it is good enough.

use std::time::Duration;

use super::{BEGIN, END, Report, percentile};
use crate::machine::Machine;
use crate::revoke::trial::{Cause, Times, Trial};

fn report(milliseconds: impl IntoIterator<Item = u64>) -> Report {
    let ms = Duration::from_millis;
    let trial = |time| Trial { proxies: ms(time), gateways: ms(1) };
    let times = Times::from([(Cause::LogOut, milliseconds.into_iter().map(trial).collect())]);
    Report { machine: Machine::look(Vec::new()), stores: vec![("postgres", times)], gated: true }
}

#[test]
fn a_percentile_is_a_time_that_was_measured() {
    let times: Vec<_> = (1..=200).rev().map(Duration::from_millis).collect();
    let at = |share| percentile(&times, share).as_millis();
    assert_eq!((at(50), at(99), at(100)), (100, 198, 200));
    assert_eq!(percentile(&[], 99), Duration::ZERO);
}

#[test]
fn one_slow_revocation_in_a_hundred_is_within_the_bound_and_two_are_not() {
    assert!(report((0..99).map(|_| 2).chain([900])).passes());
    assert!(!report((0..98).map(|_| 2).chain([900, 900])).passes());
}

#[test]
fn the_table_goes_between_its_marks() {
    let folder = tempfile::tempdir().unwrap();
    let page = folder.path().join("stores.md");
    std::fs::write(&page, format!("before\n{BEGIN}\nold\n{END}\nafter\n")).unwrap();

    report([2, 3, 7]).write(&page).unwrap();

    let text = std::fs::read_to_string(&page).unwrap();
    assert!(text.starts_with("before\n") && text.ends_with("after\n") && !text.contains("old"), "{text}");
    assert!(text.contains("| postgres | log-out | 3 | 3.0 / 7.0 / 7.0 | 1.0 / 1.0 / 1.0 |"), "{text}");
    assert!(text.contains("| user disabled | 0 | - |"), "{text}");
    assert!(text.contains("| too many browsers | 0 | - |"), "{text}");
}
