//! Beginnings are counted by network and minute.

use super::*;

#[test]
fn a_network_has_its_minute() {
    let limiter = Limiter::new();
    let at = |secs| Timestamp::from_secs(secs);
    for _ in 0..BEGINNINGS_MAX {
        assert!(limiter.admits("2001:db8::1".parse().unwrap(), at(60)));
    }
    assert!(!limiter.admits("2001:db8::2".parse().unwrap(), at(119)), "the same network, the same minute");
    assert!(limiter.admits("2001:db8:0:1::1".parse().unwrap(), at(119)), "another network");
    assert!(limiter.admits("2001:db8::1".parse().unwrap(), at(120)), "another minute");
}
