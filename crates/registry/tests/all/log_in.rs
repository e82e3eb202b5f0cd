//! Log-ins: the sign-on session of a browser, its end, its cap, and what is remembered beside it.

use std::time::Duration;

use vestibule_domain::identity::Timestamp;
use vestibule_domain::throttle::Failures;
use vestibule_ports::issuer::Ended;
use vestibule_registry::device::Device;
use vestibule_registry::sign_on::{LogIn, LoggedIn, SEEN_STEP};
use vestibule_registry::{Caps, Registry};

use super::fixture::*;

/// A log-in in a browser whose cookie was `former`.
fn again(registry: &Registry, name: &str, former: &str, browser: &str, at: Timestamp) -> LoggedIn {
    let (user, id, secret, former) = (user(name), sign_on_id(browser), digest(browser), digest(former));
    let log_in = LogIn {
        user: &user,
        epoch: epoch(registry, name),
        id: &id,
        secret: &secret,
        former: Some(&former),
        level: 2,
        ends_at: at + 4 * HOUR,
        device: None,
        forgive: &[],
        take_back: None,
    };
    registry.log_in(&log_in, &act(at)).unwrap()
}

#[test]
fn the_same_user_in_the_same_browser_keeps_what_other_sites_hold() {
    let registry = registry();
    let before = sign_on(&registry, "alice", "browser", START);
    grant(&registry, "grant", "browser", START);
    let later = START + HOUR;
    let LoggedIn::SignedOn(after) = again(&registry, "alice", "browser", "renewed", later) else { panic!() };
    assert_eq!(after.id, before.id);
    assert_eq!((after.auth_time, after.level, after.ends_at), (later, 2, later + 4 * HOUR));
    assert!(has_grant(&registry, "grant", later));
    // The cookie from before the log-in finds nothing any more.
    assert_eq!(registry.sign_on(&digest("browser"), later), Ok(None));
    assert_eq!(registry.sign_on(&digest("renewed"), later), Ok(Some(after)));
    assert_eq!(told(&registry), []);
}

#[test]
fn another_user_in_the_same_browser_ends_what_the_first_one_had_there() {
    let registry = registry();
    sign_on(&registry, "alice", "browser", START);
    sign_on(&registry, "alice", "elsewhere", START);
    grant(&registry, "grant", "browser", START);
    grant(&registry, "other", "elsewhere", START);
    let LoggedIn::SignedOn(bob) = again(&registry, "bob", "browser", "bobs", START) else { panic!() };
    assert_eq!((bob.user, bob.id), (user("bob"), sign_on_id("bobs")));
    assert_eq!(registry.sign_on(&digest("browser"), START), Ok(None));
    assert!(!has_grant(&registry, "grant", START));
    assert!(has_grant(&registry, "other", START));
    assert_eq!(told(&registry), [Ended::SignOn(sign_on_id("browser"))]);
}

#[test]
fn a_log_in_that_compared_an_overtaken_password_does_not_count() {
    let registry = registry();
    let overtaken = epoch(&registry, "alice");
    registry.end_user(&user("alice"), None, vestibule_ports::issuer::Cause::Revoked, &act(START)).unwrap();
    let (user, id, secret) = (user("alice"), sign_on_id("browser"), digest("browser"));
    let log_in = LogIn {
        user: &user,
        epoch: overtaken,
        id: &id,
        secret: &secret,
        former: None,
        level: 1,
        ends_at: START + HOUR,
        device: None,
        forgive: &[],
        take_back: None,
    };
    assert_eq!(registry.log_in(&log_in, &act(START)), Ok(LoggedIn::Moved));
    assert_eq!(registry.sign_on(&secret, START), Ok(None));
}

#[test]
fn a_sign_on_session_is_over_at_its_end_swept_or_not() {
    let registry = registry();
    let ends_at = sign_on(&registry, "alice", "browser", START).ends_at;
    let just_before = Timestamp::from_millis(ends_at.as_millis() - 1);
    assert!(registry.sign_on(&digest("browser"), just_before).unwrap().is_some());
    assert_eq!(registry.sign_on(&digest("browser"), ends_at), Ok(None));
    assert!(!code(&registry, "code", "shop", "browser", ends_at));
}

#[test]
fn with_one_browser_too_many_the_oldest_goes_with_all_that_came_from_it() {
    let registry = with_caps(Caps { sign_ons_per_user: 2, ..Caps::default() });
    sign_on(&registry, "alice", "first", START);
    grant(&registry, "grant", "first", START);
    sign_on(&registry, "alice", "second", START + MINUTE);
    sign_on(&registry, "bob", "bobs", START + MINUTE);
    assert_eq!(told(&registry), []);
    sign_on(&registry, "alice", "third", START + 2 * MINUTE);
    let now = START + 3 * MINUTE;
    assert_eq!(registry.sign_on(&digest("first"), now), Ok(None));
    assert!(!has_grant(&registry, "grant", now));
    for browser in ["second", "third", "bobs"] {
        assert!(registry.sign_on(&digest(browser), now).unwrap().is_some(), "{browser}");
    }
    assert_eq!(told(&registry), [Ended::SignOn(sign_on_id("first"))]);
}

#[test]
fn the_newest_use_wins_and_a_use_soon_after_is_not_written() {
    let registry = registry();
    sign_on(&registry, "alice", "browser", START);
    let touch = |at| {
        registry.touch_sign_ons(&[(sign_on_id("unknown"), at), (sign_on_id("browser"), at)]).unwrap();
        registry.sign_on(&digest("browser"), START).unwrap().unwrap().seen_at
    };
    let soon = Timestamp::from_millis((START + SEEN_STEP).as_millis() - 1);
    assert_eq!(touch(soon), START);
    assert_eq!(touch(START + SEEN_STEP), START + SEEN_STEP);
    assert_eq!(touch(START + MINUTE), START + MINUTE);
    assert_eq!(touch(START + SEEN_STEP), START + MINUTE);
}

#[test]
fn a_browser_is_known_to_its_user_until_it_has_not_logged_in_for_long() {
    let registry = with_caps(Caps { devices_per_user: 2, ..Caps::default() });
    let until = START + Duration::from_hours(24);
    for (index, browser) in ["first", "second", "third"].into_iter().enumerate() {
        let (user, id, secret) = (user("alice"), sign_on_id(browser), digest(browser));
        let device = digest(&format!("device {browser}"));
        let log_in = LogIn {
            user: &user,
            epoch: epoch(&registry, "alice"),
            id: &id,
            secret: &secret,
            former: None,
            level: 1,
            ends_at: START + HOUR,
            device: Some(Device { digest: &device, expires_at: until }),
            forgive: &[],
            take_back: None,
        };
        let at = START + MINUTE * u32::try_from(index).unwrap();
        assert!(matches!(registry.log_in(&log_in, &act(at)), Ok(LoggedIn::SignedOn(_))));
    }
    let knows = |name: &str, browser: &str, at| {
        registry.is_known_device(&user(name), &digest(&format!("device {browser}")), at).unwrap()
    };
    // Two are remembered; the one seen longest ago is not.
    assert_eq!(
        ["first", "second", "third"].map(|browser| knows("alice", browser, START)),
        [false, true, true]
    );
    assert!(!knows("bob", "third", START));
    assert!(!knows("alice", "third", until));
}

#[test]
fn a_log_in_forgives_the_failures_that_it_names_and_takes_itself_back_among_others() {
    let registry = registry();
    let keys = [digest("pair"), digest("user"), digest("network")];
    let failures = |count| Some(Failures { count, last: START });
    registry.throttle(&keys, HOUR, START, |counters| *counters = [failures(3); 3]).unwrap();
    let (user, id, secret) = (user("alice"), sign_on_id("browser"), digest("browser"));
    let log_in = LogIn {
        user: &user,
        epoch: epoch(&registry, "alice"),
        id: &id,
        secret: &secret,
        former: None,
        level: 1,
        ends_at: START + HOUR,
        device: None,
        forgive: &keys[..1],
        take_back: Some(&keys[2]),
    };
    registry.log_in(&log_in, &act(START)).unwrap();
    assert_eq!(
        registry.throttle(&keys, HOUR, START, |counters| *counters),
        Ok([None, failures(3), failures(2)])
    );
}
