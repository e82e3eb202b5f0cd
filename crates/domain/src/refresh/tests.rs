//! Each kind of family through its life, and reuse.

use super::*;
use crate::fixture::*;

fn family(party: Party) -> Family {
    Family { party, born_at: NOW, auth_time: NOW, rotated_at: NOW, ended: false }
}

fn hours(count: u64) -> Timestamp {
    after(Duration::from_hours(count))
}

fn current(family: &Family, now: Timestamp) -> Result<Refreshed, RefreshRefused> {
    refresh(family, Generation::Current, Arrival::AfterUse, now, &limits())
}

#[test]
fn a_first_party_steps_down_like_a_session() {
    let logged_on = Ok(Refreshed::Rotated { standing: Standing::LoggedOn });
    let returning = Ok(Refreshed::Rotated { standing: Standing::Returning });
    let over = Err(RefreshRefused::Over);
    let cases = [
        // returns, rotated at hour, refreshed at hour
        (true, 0, 3, logged_on),
        (true, 3, 4, returning),
        (false, 3, 4, over),
        (true, 3, 3 + 167, returning),
        (true, 3, 3 + 168, over),
        (true, 89 * 24, 90 * 24 - 1, returning),
        (true, 89 * 24, 90 * 24, over),
    ];
    for (returns, rotated, now, expected) in cases {
        let family = Family { rotated_at: hours(rotated), ..family(Party::First { returns }) };
        assert_eq!(current(&family, hours(now)), expected, "{returns} {rotated} {now}");
    }
}

#[test]
fn a_third_party_is_over_at_a_fixed_time() {
    let party = Party::Third { life: THIRD_PARTY_LIFE };
    for (rotated, now, alive) in [(0, 719, true), (719, 719, true), (719, 720, false)] {
        let family = Family { rotated_at: hours(rotated), ..family(party) };
        assert_eq!(current(&family, hours(now)).is_ok(), alive);
    }
}

#[test]
fn a_used_token_ends_the_family_unless_both_requests_were_under_way() {
    let family = Family { rotated_at: seconds(10), ..family(Party::First { returns: true }) };
    let cases = [
        (Generation::Previous, Arrival::BeforeUse, Ok(Refreshed::Repeated { standing: Standing::LoggedOn })),
        (Generation::Previous, Arrival::AfterUse, Err(RefreshRefused::Reused)),
        (Generation::Older, Arrival::BeforeUse, Err(RefreshRefused::Reused)),
        (Generation::Older, Arrival::AfterUse, Err(RefreshRefused::Reused)),
    ];
    // No clock has a say: decided in the millisecond of the rotation, later, or by a machine whose clock is behind.
    for now in [9, 10, 12].map(seconds) {
        for (presented, arrival, expected) in cases {
            let outcome = refresh(&family, presented, arrival, now, &limits());
            assert_eq!(outcome, expected, "{presented:?} {arrival:?} {now:?}");
        }
    }
    let ended = Family { ended: true, ..family };
    for presented in [Generation::Current, Generation::Previous, Generation::Older] {
        let outcome = refresh(&ended, presented, Arrival::BeforeUse, seconds(12), &limits());
        assert_eq!(outcome, Err(RefreshRefused::Ended));
    }
}
