//! The test clock moves when told, the system's by itself, and neither goes back.

use super::*;

const NOON: Timestamp = Timestamp::from_secs(1_800_000_000);

#[test]
fn the_test_clock_moves_both_times_and_only_when_told() {
    let clock = TestClock::new(NOON);
    let before = clock.mono();
    assert_eq!((clock.wall(), clock.mono()), (NOON, before));
    clock.advance(Duration::from_secs(5));
    assert_eq!(clock.wall(), NOON + Duration::from_secs(5));
    assert_eq!(clock.mono().since(before), Duration::from_secs(5));
}

#[test]
fn a_step_of_the_wall_clock_leaves_monotonic_time_alone() {
    let clock = TestClock::new(NOON);
    let before = clock.mono();
    clock.step_wall(Timestamp::from_secs(1_700_000_000));
    assert_eq!(clock.wall(), Timestamp::from_secs(1_700_000_000));
    assert_eq!(clock.mono(), before);
}

#[test]
fn time_since_a_later_moment_is_zero() {
    let early = Mono::from_start(Duration::from_secs(1));
    assert_eq!(early.since(early + Duration::from_secs(1)), Duration::ZERO);
}

#[test]
fn the_system_clock_is_past_the_day_this_was_written_and_never_goes_back() {
    let clock = SystemClock::new();
    assert!(clock.wall() > Timestamp::from_secs(1_795_000_000));
    let before = clock.mono();
    assert!(clock.mono() >= before);
}
