//! One line when the store is lost and one when it is back, whatever the traffic.

use super::*;

fn at(millis: u64) -> Mono {
    Mono::from_start(Duration::from_millis(millis))
}

/// The lines that these calls make: when, and whether they failed.
fn told(kind: Kind, calls: impl IntoIterator<Item = (u64, bool)>) -> Vec<(u64, String)> {
    let mut spell = Spell::default();
    let hear = |(millis, fails): (u64, bool)| {
        spell.hear(kind, fails.then_some("refused"), at(millis)).map(|line| (millis, line))
    };
    calls.into_iter().filter_map(hear).collect()
}

#[test]
fn an_outage_is_told_at_its_beginning_and_its_end() {
    let outage = (0..200).map(|call| (call * 100, call < 150));
    let lost = (1_000, "the session store cannot be read: refused".to_owned());
    let back = (15_000, "the session store can be read again, after 15 seconds".to_owned());
    assert_eq!(told(Kind::Read, outage), [lost, back]);
}

#[test]
fn what_passes_at_once_is_not_told() {
    let blips = (0..1_000).map(|call| (call * 100, call % 9 != 0));
    assert_eq!(told(Kind::Write, blips), []);
}

#[test]
fn what_comes_and_goes_is_told_once_a_minute() {
    let flapping = (0..1_300).map(|call| (call * 100, call / 20 % 2 == 0));
    let lost = told(Kind::Write, flapping).into_iter().filter(|(_, line)| line.contains("cannot be written"));
    assert_eq!(lost.map(|(at, _)| at).collect::<Vec<_>>(), [1_000, 61_000, 121_000]);
}

#[test]
fn a_long_outage_that_could_not_be_told_at_first_is_told_later() {
    let calls = (0..900).map(|call| (call * 100, call != 20));
    let lines: Vec<_> = told(Kind::Read, calls).into_iter().map(|(at, _)| at).collect();
    assert_eq!(lines, [1_000, 2_000, 61_000]);
}

/// The lines that a write each 0.1 s and a beat each 0.5 s make.
fn told_beside_beats(until: u64, fails: impl Fn(Kind, u64) -> bool) -> Vec<(u64, String)> {
    let mut spell = Spell::default();
    let mut told = Vec::new();
    for millis in (0..until).step_by(100) {
        let beat = (millis % 500 == 0).then_some(Kind::Chore);
        for kind in [Some(Kind::Write), beat].into_iter().flatten() {
            let line = spell.hear(kind, fails(kind, millis).then_some("refused"), at(millis));
            told.extend(line.map(|line| (millis, line)));
        }
    }
    told
}

#[test]
fn beats_that_work_do_not_hide_that_nothing_can_be_saved() {
    let lost = (1_000, "the session store cannot be written: refused".to_owned());
    let back = (7_000, "the session store can be written again, after 7 seconds".to_owned());
    let full = told_beside_beats(10_000, |kind, millis| kind == Kind::Write && millis < 7_000);
    assert_eq!(full, [lost.clone(), back.clone()]);
    let cut = told_beside_beats(10_000, |_, millis| millis < 7_000);
    assert_eq!(cut, [lost, back]);
}

#[test]
fn without_visitors_beats_alone_tell_that_the_store_is_lost_and_back() {
    let beats = (0..20).map(|beat| (beat * 500, (4..10).contains(&beat)));
    let lost = (3_000, "the session store cannot be written: refused".to_owned());
    let back = (5_000, "the session store can be written again, after 3 seconds".to_owned());
    assert_eq!(told(Kind::Chore, beats), [lost, back]);
}

#[test]
fn a_write_and_a_beat_that_failed_long_after_each_other_are_no_outage() {
    let mut spell = Spell::default();
    let heard = [(Kind::Write, true, 0), (Kind::Chore, false, 500), (Kind::Chore, true, 90_000)];
    for (kind, fails, millis) in heard {
        assert_eq!(spell.hear(kind, fails.then_some("refused"), at(millis)), None);
    }
}
