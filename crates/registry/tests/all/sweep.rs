//! Sweeping: everything that lives goes on, everything else leaves no row.

use std::time::Duration;

use vestibule_domain::identity::{Epoch, Handle};
use vestibule_domain::throttle::Failures;
use vestibule_ports::issuer::Cause;
use vestibule_registry::Registry;
use vestibule_registry::device::Device;
use vestibule_registry::sign_on::LogIn;

use super::fixture::*;

const DAYS_500: Duration = Duration::from_hours(500 * 24);

/// One row at least in every table that grows.
fn lived_in() -> Registry {
    let registry = registry();
    sign_on(&registry, "alice", "browser", START);
    grant(&registry, "grant", "browser", START);
    family(&registry, "family", "browser", true, START);
    assert!(code(&registry, "code", "shop", "browser", START));
    registry.end_session(Handle::from_bytes([1; 16]), Epoch::FIRST, Cause::LogOut, &act(START)).unwrap();
    let failure = Some(Failures { count: 1, last: START });
    registry.throttle(&[digest("key")], HOUR, START, |counters| *counters = [failure]).unwrap();
    let (user, id, secret, device) = (user("bob"), sign_on_id("bobs"), digest("bobs"), digest("device"));
    let log_in = LogIn {
        user: &user,
        epoch: Epoch::FIRST,
        id: &id,
        secret: &secret,
        former: None,
        level: 1,
        ends_at: START + HOUR,
        device: Some(Device { digest: &device, expires_at: START + HOUR }),
        forgive: &[],
        take_back: None,
    };
    registry.log_in(&log_in, &act(START)).unwrap();
    registry
}

#[test]
fn nothing_that_lives_is_swept() {
    let registry = lived_in();
    assert_eq!(registry.sweep(START, 100).unwrap().rows, 0);
    assert!(has_grant(&registry, "grant", START));
    assert!(has_family(&registry, "family", START));
    assert!(registry.is_known_device(&user("bob"), &digest("device"), START).unwrap());
}

#[test]
fn nothing_that_is_over_stays() {
    let registry = lived_in();
    let swept = registry.sweep(START + DAYS_500, 100).unwrap();
    // Code, access token, family, grant, two sign-on sessions, device, counter, ended session, outbox row; and
    // audit records: two users, three clients, two log-ins, grant, tokens, the session's end.
    assert_eq!((swept.rows, swept.more), (10 + 10, false));
    assert_eq!(registry.sweep(START + DAYS_500, 100).unwrap().rows, 0);
    assert_eq!(registry.users(None).unwrap().len(), 2);
    assert_eq!(registry.clients().unwrap().len(), 3);
}

#[test]
fn a_sweep_takes_no_more_than_it_is_told_and_says_when_more_is_waiting() {
    let registry = registry();
    for number in 0..5_u8 {
        let sid = Handle::from_bytes([number; 16]);
        registry.end_session(sid, Epoch::FIRST, Cause::LogOut, &act(START)).unwrap();
    }
    let now = START + Duration::from_hours(48);
    // Two ended sessions and two outbox rows each time.
    let rounds = [(); 4].map(|()| {
        let swept = registry.sweep(now, 2).unwrap();
        (swept.rows, swept.more)
    });
    assert_eq!(rounds, [(4, true), (4, true), (2, false), (0, false)]);
}
