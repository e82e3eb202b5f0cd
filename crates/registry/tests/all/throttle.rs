//! Counters of failures: what was stored is what is decided on.

use vestibule_domain::identity::UserId;
use vestibule_domain::throttle::{Alarm, Failures, Whence};
use vestibule_registry::Caps;
use vestibule_registry::audit::{Act, Event, NOBODY, Subject};
use vestibule_registry::sweep::Swept;
use vestibule_registry::throttle::Guess;

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

#[test]
fn an_alarm_is_in_the_user_s_trail_with_the_count_and_nobody_s_is_gone_with_the_next_sweep() {
    let registry = registry();
    let (alice, nobody) = (user("alice"), UserId::parse(NOBODY).unwrap());
    let alarm = Alarm { tries: 10, whence: Whence::Network };
    let from = Some([192, 0, 2, 1].into());
    let guess = |user, key| {
        let guess = Guess { user, keys: &[digest(key)], kept: HOUR };
        let act = Act { by: "unknown", from, ..act(START) };
        let failure = Failures { count: 10, last: START };
        let count = |[counter]: &mut [Option<Failures>; 1]| (counter.replace(failure), Some(alarm));
        registry.count_guess(&guess, &act, count).unwrap()
    };
    assert_eq!(guess(Some(&alice), "alice"), None);
    assert_eq!(guess(None, "a name of nobody's"), None);
    let trail = |user| registry.audit(Subject::User(user), None).unwrap();
    for user in [&alice, &nobody] {
        let told = trail(user).remove(0);
        assert_eq!((told.event, told.by.as_str(), told.from), (Event::TriesSlowed, "unknown", from));
        assert_eq!(told.note.as_deref(), Some("10 tries in a row from one network"));
    }
    registry.sweep(START, 100).unwrap();
    assert_eq!(trail(&nobody), []);
    assert_eq!(trail(&alice)[0].event, Event::TriesSlowed);
    let [counted] = registry.throttle(&[digest("alice")], HOUR, START, |counters| *counters).unwrap();
    assert_eq!(counted, Some(Failures { count: 10, last: START }));
}
