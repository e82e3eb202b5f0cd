//! Ends, cached tokens, and whom a token is about.

use super::*;
use crate::fixture::*;
use crate::key::Key;

#[test]
fn no_token_outlives_its_cause_or_ten_minutes() {
    let ten_minutes = seconds(600);
    assert_eq!(jpt_expires_at(NOW, None), ten_minutes);
    for (end, expected) in
        [(seconds(60), seconds(60)), (seconds(600), ten_minutes), (seconds(7_200), ten_minutes)]
    {
        assert_eq!(jpt_expires_at(NOW, Some(end)), expected);
        assert_eq!(jwt_expires_at(NOW, end), expected);
    }
}

#[test]
fn a_jwt_is_handed_out_with_enough_left_unless_its_cause_ends_as_soon() {
    let cases = [
        // JWT ends, cause ends, now
        (600, 7_200, 570, true),
        (600, 7_200, 571, false),
        (600, 600, 599, true),
        (600, 600, 600, false),
        (600, 7_200, 0, true),
    ];
    for (expires, cause, now, may) in cases {
        assert_eq!(
            may_hand_out_jwt(seconds(expires), seconds(cause), seconds(now)),
            may,
            "{expires} {cause} {now}"
        );
    }
}

#[test]
fn a_jpt_is_renewed_from_half_of_its_life_and_waited_for_in_the_last_fifth() {
    let cases = [
        // life, age
        (600, 0, Cached::Use),
        (600, 299, Cached::Use),
        (600, 300, Cached::UseAndRenew),
        (600, 480, Cached::UseAndRenew),
        (600, 481, Cached::WaitOrUse),
        (600, 570, Cached::WaitOrUse),
        (600, 571, Cached::Wait),
        (600, 600, Cached::Wait),
        (600, 9_000, Cached::Wait),
        // Near the end of a log-on tokens are short, and waiting brings no longer one.
        (20, 5, Cached::Use),
        (20, 12, Cached::UseAndRenew),
        (0, 0, Cached::Wait),
    ];
    for (life, age, expected) in cases {
        assert_eq!(cached_jpt(NOW, seconds(life), seconds(age)), expected, "{life} {age}");
    }
}

#[test]
fn a_route_that_requires_somebody_needs_a_token() {
    assert_eq!(Standing::ALL.map(Need::of_route), [Need::Wanted, Need::Required, Need::Required]);
}

fn kind(bearer: &Bearer<'_>) -> &'static str {
    match bearer {
        Bearer::Anonymous => "anonymous",
        Bearer::Returning(_) => "returning",
        Bearer::LoggedOn(..) => "logged-on",
    }
}

#[test]
fn only_a_standing_log_on_puts_a_user_into_a_token() {
    let session = risen(&logged_on(), Key::Vst, "alice", NOW, 3);
    assert_eq!(kind(&Bearer::of(None)), "anonymous");
    for (key, expected) in [
        (Key::Vst, "logged-on"),
        (Key::Keep, "returning"),
        (Key::OldVst, "returning"),
        (Key::OldKeep, "returning"),
    ] {
        assert_eq!(kind(&Bearer::of(Some(&view(&session, key, NOW)))), expected, "{key:?}");
    }
    let end = NOW + limits().log_on;
    assert_eq!(kind(&Bearer::of(Some(&view(&session, Key::Vst, end)))), "returning");
}

#[test]
fn subjects_cannot_be_taken_for_each_other() {
    let visitor = VisitorId::from_bytes([0; 16]);
    let alice = user("alice");
    let subjects = [
        (Subject::Anonymous { client: "shop-anonymous" }, "shop-anonymous"),
        (Subject::Returning(visitor), "v:AAAAAAAAAAAAAAAAAAAAAA"),
        (Subject::LoggedOn(&alice), "alice"),
    ];
    for (subject, sub) in subjects {
        assert_eq!(subject.sub(), sub);
    }
}
