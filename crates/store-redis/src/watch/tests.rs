//! Beats from several masters.

use std::time::Duration;

use vestibule_ports::clock::Mono;

use super::*;

fn beat(number: u64) -> Beat {
    Beat { watcher: number, sent: Mono::from_start(Duration::from_millis(number)) }
}

#[test]
fn a_beat_counts_when_every_master_has_passed_it_on() {
    let (mut beats, now) = (Beats::of(3), Instant::now());
    assert!(!beats.came(beat(1), 0, now));
    assert!(!beats.came(beat(1), 0, now), "twice from one is not from two");
    assert!(!beats.came(beat(2), 1, now));
    assert!(!beats.came(beat(1), 2, now));
    assert!(beats.came(beat(1), 1, now));
    assert_eq!(beats.under_way.len(), 1, "what is complete is forgotten");
}

#[test]
fn beats_that_never_become_complete_are_forgotten() {
    let (mut beats, now) = (Beats::of(2), Instant::now());
    for number in 0..2 * BEATS_MAX as u64 {
        assert!(!beats.came(beat(number), 0, now));
    }
    assert_eq!(beats.under_way.len(), BEATS_MAX);
}

#[test]
fn a_master_that_falls_silent_while_others_beat_is_missed() {
    let (mut beats, start) = (Beats::of(2), Instant::now());
    let at = |millis: u64| start + Duration::from_millis(millis);
    let last = SILENCE_MAX.as_millis() as u64;
    for sent in (0..=last).step_by(500) {
        beats.came(beat(sent), 0, at(sent));
        beats.came(beat(sent), 1, at(sent + 1));
        assert!(!beats.are_missed(at(sent + 1)));
    }
    assert!(!beats.are_missed(at(10 * last)), "when nobody beats, nobody is missed");
    beats.came(beat(10 * last), 1, at(10 * last));
    for sent in (10 * last..11 * last).step_by(500) {
        beats.came(beat(sent), 1, at(sent));
        assert!(!beats.are_missed(at(sent)), "{sent}");
    }
    assert!(beats.are_missed(at(11 * last)));
    beats.came(beat(1), 0, at(11 * last));
    assert!(!beats.are_missed(at(11 * last)), "it is heard again, if late");
}
