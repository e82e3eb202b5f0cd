//! Revoked while cached: the feed ends what it names, and where the feed is not heard nothing cached is believed.

use std::time::Duration;

use vestibule_feed::LEASE;
use vestibule_gateway::Door;

use super::gate::{ACCESS, Gate, HOUR, JPT};
use super::issuer::Mood;

#[test]
fn d21_what_ends_while_it_is_cached_is_refused_at_both_doors() {
    let gate = Gate::start();
    gate.admit(Door::Outside, "other", "echo:read", HOUR);
    for (door, token) in [(Door::Outside, ACCESS), (Door::Inside, JPT)] {
        assert_eq!((gate.status(door, token), gate.status(door, token)), (200, 200));
        gate.end(door, token);
        for _ in 0..3 {
            assert_eq!(gate.status(door, token), 401, "{token}");
        }
    }
    assert_eq!(gate.status(Door::Outside, "other"), 200);
}

#[test]
fn what_the_feed_has_ended_is_refused_even_when_the_provider_cannot_be_asked() {
    let gate = Gate::start();
    assert_eq!(gate.status(Door::Outside, ACCESS), 200);
    gate.end(Door::Outside, ACCESS);
    gate.desk.set_mood(Mood::Unreachable);
    assert_eq!(gate.status(Door::Outside, ACCESS), 401);
    gate.clock.advance(LEASE);
    assert_eq!(gate.status(Door::Outside, ACCESS), 401);
}

#[test]
fn an_end_that_the_provider_does_not_confirm_is_no_denial() {
    let gate = Gate::start();
    assert_eq!(gate.status(Door::Outside, ACCESS), 200);
    gate.end(Door::Outside, ACCESS);
    gate.admit(Door::Outside, ACCESS, "echo:read", HOUR);
    assert_eq!(gate.status(Door::Outside, ACCESS), 200);
    assert_eq!(gate.status(Door::Outside, ACCESS), 200);
    assert_eq!(gate.desk.asked(), 2, "asked for once more, and cached from then on");
}

#[test]
fn without_a_lease_each_use_is_asked_for() {
    let gate = Gate::start();
    assert_eq!((gate.status(Door::Outside, ACCESS), gate.status(Door::Outside, ACCESS)), (200, 200));
    assert_eq!(gate.desk.asked(), 1);
    gate.clock.advance(LEASE);
    assert_eq!((gate.status(Door::Outside, ACCESS), gate.status(Door::Outside, ACCESS)), (200, 200));
    assert_eq!(gate.desk.asked(), 3);
    gate.renew_lease();
    assert_eq!(gate.status(Door::Outside, ACCESS), 200);
    assert_eq!(gate.desk.asked(), 3, "the last answer is believed again");
}

#[test]
fn nothing_cached_outlives_eleven_minutes() {
    let gate = Gate::start();
    assert_eq!(gate.status(Door::Outside, ACCESS), 200);
    gate.clock.step_wall(vestibule_domain::identity::Timestamp::from_secs(1_700_000_000));
    gate.pass(Duration::from_mins(11));
    assert_eq!(gate.status(Door::Outside, ACCESS), 200);
    assert_eq!(gate.desk.asked(), 2);
}
