//! The defaults, and contradictions.

use super::*;

#[test]
fn the_defaults_are_the_published_ones_and_fit_together() {
    let limits = Limits::default();
    assert_eq!(limits.faults(), []);
    assert_eq!(limits.log_on.as_secs(), 4 * 3_600);
    assert_eq!(limits.idle.as_secs(), 1_800);
    assert_eq!(limits.returning.as_secs(), 604_800);
    assert_eq!(limits.ceiling.as_secs(), 90 * 86_400);
    assert_eq!(limits.tombstone.as_secs(), 30 * 86_400);
}

#[test]
fn lists_every_contradiction_at_once() {
    let limits = Limits {
        idle: Duration::from_hours(5),
        ceiling: Duration::from_hours(3),
        unconfirmed: Duration::ZERO,
        grace: Duration::from_secs(6),
        ..Limits::default()
    };
    use LimitsFault::*;
    let all = [IdleOverLogOn, LogOnOverCeiling, ReturningOverCeiling, GraceTooLong, Zero];
    assert_eq!(limits.faults(), all);
}
