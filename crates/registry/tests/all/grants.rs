//! Grants: found while they live, capped for each user.

use vestibule_domain::identity::Timestamp;
use vestibule_ports::issuer::Ended;
use vestibule_registry::Caps;
use vestibule_registry::user::Profile;

use super::database::Place;
use super::fixture::*;

#[test]
fn a_grant_is_found_by_token_and_by_name_until_its_end() {
    let registry = registry();
    sign_on(&registry, "alice", "browser", START);
    grant(&registry, "grant", "browser", START);
    let ends_at = START + 4 * HOUR;
    let just_before = Timestamp::from_millis(ends_at.as_millis() - 1);
    let log_on = registry.log_on(&digest("grant"), just_before).unwrap().unwrap();
    assert_eq!(Some(log_on), registry.log_on_named("grant", just_before).unwrap());
    assert!(!has_grant(&registry, "grant", ends_at));
    assert_eq!(registry.log_on(&digest("another"), START), Ok(None));
}

#[test]
fn a_grant_tells_of_its_user_as_of_now() {
    let registry = registry();
    sign_on(&registry, "alice", "browser", START);
    grant(&registry, "grant", "browser", START);
    let profile = Profile { name: Some("Alice Larsen".to_owned()), ..Profile::default() };
    registry.change_profile(&user("alice"), &act(START), |_| profile.clone()).unwrap();
    let log_on = registry.log_on(&digest("grant"), START).unwrap().unwrap();
    assert_eq!(log_on.user.profile, profile);
}

#[test]
fn a_grant_that_no_session_has_got_ends_alone_and_once() {
    let registry = registry();
    sign_on(&registry, "alice", "browser", START);
    grant(&registry, "kept", "browser", START);
    grant(&registry, "forsaken", "browser", START);
    for _ in 0..2 {
        registry.end_grant(&digest("forsaken"), &act(START)).unwrap();
    }
    let alive = ["kept", "forsaken"].map(|name| has_grant(&registry, name, START));
    assert_eq!(alive, [true, false]);
    assert_eq!(told(&registry), [Ended::Grant("forsaken".to_owned())]);
}

#[test]
fn with_one_grant_too_many_the_oldest_ends_and_the_feed_says_so() {
    let registry = with_caps(Caps { grants_per_user: 2, ..Caps::default() });
    for name in ["alice", "bob"] {
        sign_on(&registry, name, name, START);
    }
    grant(&registry, "bobs", "bob", START);
    grant(&registry, "first", "alice", START);
    grant(&registry, "second", "alice", START + MINUTE);
    assert_eq!(told(&registry), []);
    grant(&registry, "third", "alice", START + 2 * MINUTE);
    let now = START + 3 * MINUTE;
    let alive = ["bobs", "first", "second", "third"].map(|name| has_grant(&registry, name, now));
    assert_eq!(alive, [true, false, true, true]);
    assert_eq!(told(&registry), [Ended::Grant("first".to_owned())]);
}

#[test]
fn a_grant_that_has_expired_by_itself_takes_no_place() {
    let registry = with_caps(Caps { grants_per_user: 1, ..Caps::default() });
    sign_on(&registry, "alice", "before", START);
    grant(&registry, "before", "before", START);
    let later = START + 4 * HOUR;
    sign_on(&registry, "alice", "after", later);
    grant(&registry, "after", "after", later);
    assert_eq!(told(&registry), []);
    assert!(has_grant(&registry, "after", later));
}

#[test]
fn a_lowered_cap_is_reached_with_the_next_log_on() {
    let place = Place::new();
    let open = |grants_per_user| place.open(Caps { grants_per_user, ..Caps::default() });
    let registry = furnish(open(10));
    sign_on(&registry, "alice", "browser", START);
    for index in 0..5 {
        grant(&registry, &index.to_string(), "browser", START + MINUTE * index);
    }
    drop(registry);
    let registry = open(2);
    let now = START + HOUR;
    grant(&registry, "new", "browser", now);
    let alive = ["0", "1", "2", "3", "4", "new"].map(|name| has_grant(&registry, name, now));
    assert_eq!(alive, [false, false, false, false, true, true]);
}
