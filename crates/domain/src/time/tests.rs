//! Arithmetic of moments, at its ends too.

use super::*;

#[test]
fn counts_in_milliseconds() {
    let at = Timestamp::from_secs(1_800_000_000);
    assert_eq!(at.as_millis(), 1_800_000_000_000);
    assert_eq!((at + Duration::from_millis(1_500)).as_secs(), 1_800_000_001);
    assert_eq!(Timestamp::from_since_epoch(Duration::from_millis(7)).as_millis(), 7);
    assert_eq!(Timestamp::from_millis(-1).as_secs(), -1);
}

#[test]
fn a_moment_is_no_time_after_a_later_one() {
    let early = Timestamp::from_secs(10);
    let late = early.plus(Duration::from_secs(5));
    assert_eq!(late.since(early), Duration::from_secs(5));
    assert_eq!(early.since(late), Duration::ZERO);
    assert_eq!(late.minus(Duration::from_secs(5)), early);
}

#[test]
fn stops_at_the_ends() {
    let last = Timestamp::from_millis(i64::MAX);
    assert_eq!(last + Duration::MAX, last);
    assert_eq!(Timestamp::from_secs(i64::MAX), last);
    assert_eq!(last.since(Timestamp::from_millis(i64::MIN)), Duration::from_millis(i64::MAX as u64));
}
