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
    // own, user, known device, seconds after the last failure, wait
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
    for (own, user, known_device, later, wait) in cases {
        let outcome = throttle.check(&Counted { own, user, network: None, known_device }, seconds(later));
        let expected = wait.map_or(Ok(()), |wait| Err(Throttled { wait: Duration::from_secs(wait) }));
        assert_eq!(outcome, expected, "{own:?} {user:?} {known_device} {later}");
    }
}

#[test]
fn failures_add_up_and_are_forgotten_after_a_day() {
    let throttle = Throttle::default();
    let first = throttle.failed(None, NOW);
    assert_eq!(throttle.failed(Some(first), seconds(1)), Failures { count: 2, last: seconds(1) });
    let day = after(Duration::from_hours(24));
    assert_eq!(throttle.failed(Some(first), day).count, 1);
    let many = Counted { own: Some(failures(50)), user: None, network: None, known_device: false };
    assert_eq!(throttle.check(&many, day), Ok(()));
}

#[test]
fn a_network_that_guesses_at_many_names_is_slowed_down() {
    let throttle = Throttle::default();
    let minutes_10 = 600;
    // failures, known device, seconds after the last one, wait
    let cases = [
        (99, false, 0, None),
        (100, false, 0, Some(1)),
        (5_000, false, 0, Some(1)),
        (5_000, false, 1, None),
        (5_000, true, 0, None),
    ];
    for (count, known_device, later, wait) in cases {
        let counted = Counted { own: None, user: None, network: Some(failures(count)), known_device };
        let expected = wait.map_or(Ok(()), |wait| Err(Throttled { wait: Duration::from_secs(wait) }));
        assert_eq!(throttle.check(&counted, seconds(later)), expected, "{count} {known_device} {later}");
    }
    assert_eq!(throttle.network_failed(Some(failures(100)), seconds(minutes_10 - 1)).count, 101);
    assert_eq!(throttle.network_failed(Some(failures(100)), seconds(minutes_10)).count, 1);
}

#[test]
fn nobody_keeps_a_network_slow_for_ever_by_trying_at_the_slow_pace() {
    let throttle = Throttle::default();
    let (mut network, mut slow) = (None, 0);
    for second in 0..2_000 {
        let after = throttle.network_failed(network, seconds(second));
        if throttle.is_paced(after) {
            slow += 1;
        } else if slow > 0 {
            break;
        }
        network = Some(after);
    }
    assert_eq!(slow, 600, "ten minutes, one a second");
    assert!(!throttle.is_paced(failures(100)));
    assert!(throttle.is_paced(failures(101)));
}

#[test]
fn an_address_of_a_house_s_own_counts_for_itself_only_where_load_balancers_are_listed() {
    let in_house = [
        "127.0.0.1",
        "::1",
        "::ffff:127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "172.31.255.255",
        "192.168.0.1",
        "::ffff:10.0.0.1",
        "100.64.0.1",
        "100.127.255.255",
        "fc00::1",
        "fdff::1",
    ];
    let outside = [
        "192.0.2.1",
        "172.15.0.1",
        "172.32.0.1",
        "100.63.255.255",
        "100.128.0.1",
        "11.0.0.1",
        "2001:db8::1",
        "fe00::1",
        "fbff::1",
    ];
    let counts = |peer: &str, listed| network_counts(peer.parse().unwrap(), listed);
    for peer in in_house {
        assert_eq!((counts(peer, false), counts(peer, true)), (false, true), "{peer}");
    }
    for peer in outside {
        assert_eq!((counts(peer, false), counts(peer, true)), (true, true), "{peer}");
    }
}

#[test]
fn a_try_that_was_none_of_the_failures_is_taken_back_and_the_others_stay() {
    assert_eq!(failures(100).without_one(), Some(failures(99)));
    assert_eq!(failures(1).without_one(), None);
}

#[test]
fn the_trail_is_told_when_the_free_failures_are_used_up_and_each_time_they_have_doubled() {
    let throttle = Throttle::default();
    let told = |known_device, every_user: fn(u32) -> u32| -> Vec<String> {
        let alarm = |count| throttle.alarm(failures(count), failures(every_user(count)), known_device);
        (1..=1_000).filter_map(alarm).map(|alarm| alarm.to_string()).collect()
    };
    let of_network =
        ["10", "20", "40", "80", "160", "320", "640"].map(|n| format!("{n} tries in a row from one network"));
    assert_eq!(told(false, |_| 1), of_network);
    let of_device = ["100", "200", "400", "800"].map(|n| format!("{n} tries in a row in one known browser"));
    assert_eq!(told(true, |_| 1), of_device);
    let of_all =
        ["100", "200", "400", "800"].map(|n| format!("{n} tries in a row from all networks together"));
    assert_eq!(told(true, |count| count), of_all, "one line for one failure");
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
    let [one, other] = [[1; 32], [2; 32]];
    assert_ne!(device_key("alice", &one), device_key("alice", &other));
    assert_ne!(device_key("alice", &one), device_key("bob", &one));
    let network = |peer: &str| network_key(peer.parse().unwrap());
    assert_eq!(network("192.0.2.1"), network("::ffff:192.0.2.77"));
    assert_ne!(network("192.0.2.1"), network("192.0.3.1"));
    assert_ne!(network("192.0.2.1"), key("", "192.0.2.1"));
}
