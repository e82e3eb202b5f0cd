//! Free failures, pauses, and what counts as one network.

use super::*;
use crate::fixture::*;

fn failures(count: u32) -> Failures {
    Failures { count, last: NOW }
}

#[test]
fn after_the_free_failures_there_is_one_try_a_minute() {
    let throttle = Throttle::default();
    let none = None;
    // pair, user, known device, seconds after the last failure, wait
    let cases = [
        (none, none, false, 0, None),
        (Some(failures(9)), Some(failures(9)), false, 0, None),
        (Some(failures(10)), Some(failures(10)), false, 0, Some(60)),
        (Some(failures(10)), Some(failures(10)), false, 59, Some(1)),
        (Some(failures(10)), Some(failures(10)), false, 60, None),
        (Some(failures(5_000)), Some(failures(5_000)), false, 60, None),
        // A device that is known has a hundred of its own, and others' failures are not held against it.
        (Some(failures(99)), Some(failures(99)), true, 0, None),
        (Some(failures(100)), Some(failures(100)), true, 0, Some(60)),
        (none, Some(failures(5_000)), true, 0, None),
        // Guesses from many networks add up.
        (none, Some(failures(99)), false, 0, None),
        (none, Some(failures(100)), false, 0, Some(60)),
    ];
    for (pair, user, known_device, later, wait) in cases {
        let outcome = throttle.check(&Counted { pair, user, known_device }, seconds(later));
        let expected = wait.map_or(Ok(()), |wait| Err(Throttled { wait: Duration::from_secs(wait) }));
        assert_eq!(outcome, expected, "{pair:?} {user:?} {known_device} {later}");
    }
}

#[test]
fn failures_add_up_and_are_forgotten_after_a_day() {
    let throttle = Throttle::default();
    let first = throttle.failed(None, NOW);
    assert_eq!(throttle.failed(Some(first), seconds(1)), Failures { count: 2, last: seconds(1) });
    let day = after(Duration::from_hours(24));
    assert_eq!(throttle.failed(Some(first), day).count, 1);
    let many = Counted { pair: Some(failures(50)), user: None, known_device: false };
    assert_eq!(throttle.check(&many, day), Ok(()));
}

#[test]
fn one_party_commands_a_whole_network() {
    let key = |user: &str, peer: &str| pair_key(user, peer.parse().unwrap());
    let same = [
        ("192.0.2.1", "192.0.2.254"),
        ("::ffff:192.0.2.1", "192.0.2.9"),
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9"),
    ];
    for (left, right) in same {
        assert_eq!(key("alice", left), key("alice", right), "{left} {right}");
    }
    let different = [("192.0.2.1", "192.0.3.1"), ("2001:db8:1:2::1", "2001:db8:1:3::1"), ("::1", "0.0.0.1")];
    for (left, right) in different {
        assert_ne!(key("alice", left), key("alice", right), "{left} {right}");
    }
    assert_ne!(key("alice", "192.0.2.1"), key("bob", "192.0.2.1"));
    assert_ne!(user_key("alice"), user_key("bob"));
    assert_ne!(user_key("alice"), key("alice", "192.0.2.1"));
}
