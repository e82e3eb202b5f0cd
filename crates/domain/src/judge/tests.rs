//! Limits to the second, keys, sources, and what a request owes.

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::fixture::*;

const SECOND: Duration = Duration::from_secs(1);

/// The outcome in short: `Err` when over, else the standing and the fall.
fn outcome(
    session: &Session,
    key: Key,
    reading: Reading,
    now: Timestamp,
) -> Result<(Standing, Option<Fall>), Cause> {
    match judge(session, key, reading, now, &limits()) {
        Verdict::Lives(view) => Ok((view.standing(), view.fall())),
        Verdict::Over(end) => Err(end.cause),
        Verdict::ReadAgain => panic!("only copies are read again"),
    }
}

fn fall(cause: Cause, at: Timestamp) -> Fall {
    Fall { cause, at }
}

#[test]
fn an_absolute_limit_counts_from_the_credentials_and_is_never_extended() {
    let auth_time = NOW;
    let callback = after(Duration::from_hours(1));
    let session = returning();
    let view = view(&session, Key::Vst, callback);
    let risen =
        crate::rise::log_on(Some(&view), site(), proof("alice", auth_time), fresh(2), callback, &limits());
    let Ok(crate::rise::Risen::Same(session)) = risen else { panic!() };
    let end = auth_time + limits().log_on;
    for (now, expected) in [
        (callback, (Standing::LoggedOn, None)),
        (Timestamp::from_millis(end.as_millis() - 1), (Standing::LoggedOn, None)),
        (end, (Standing::Returning, Some(fall(Cause::LogOnLimit, end)))),
        (end + Duration::from_hours(48), (Standing::Returning, Some(fall(Cause::LogOnLimit, end)))),
    ] {
        assert_eq!(outcome(&session, Key::Vst, own(now), now), Ok(expected));
    }
}

#[test]
fn the_idps_own_end_counts_when_it_is_earlier() {
    let mut proof = proof("alice", NOW);
    proof.ends_at = after(Duration::from_mins(5));
    let session = returning();
    let view = view(&session, Key::Vst, NOW);
    let risen = crate::rise::log_on(Some(&view), site(), proof, fresh(2), NOW, &limits());
    let Ok(crate::rise::Risen::Same(session)) = risen else { panic!() };
    let end = after(Duration::from_mins(5));
    let fallen = (Standing::Returning, Some(fall(Cause::LogOnLimit, end)));
    assert_eq!(outcome(&session, Key::Vst, own(end), end), Ok(fallen));
}

#[test]
fn the_idle_limit_has_a_margin_where_touches_may_be_under_way() {
    let session = logged_on();
    let seen = after(Duration::from_mins(20));
    let idle = seen + limits().idle;
    let stands = Ok((Standing::LoggedOn, None));
    let fallen = Ok((Standing::Returning, Some(fall(Cause::IdleLimit, idle))));
    let cases = [
        (Source::Own, seen + Duration::from_secs(1_799), stands),
        (Source::Own, idle, fallen),
        (Source::Shared, idle, stands),
        (Source::Shared, idle + Duration::from_secs(9), stands),
        (Source::Shared, idle + Duration::from_secs(10), fallen),
        (Source::Copy, idle + Duration::from_secs(9), stands),
    ];
    for (source, now, expected) in cases {
        let reading = Reading { last_seen: Some(seen), source };
        assert_eq!(outcome(&session, Key::Vst, reading, now), expected, "{source:?}");
    }
}

#[test]
fn a_log_on_is_not_idle_before_it_is_seen() {
    let later = after(Duration::from_hours(2));
    let session = risen(&returning(), Key::Vst, "alice", later, 2);
    for last_seen in [None, Some(NOW)] {
        let reading = Reading { last_seen, source: Source::Own };
        let now = later + Duration::from_mins(29);
        assert_eq!(outcome(&session, Key::Vst, reading, now), Ok((Standing::LoggedOn, None)));
    }
}

#[test]
fn of_two_limits_the_earlier_one_is_the_cause() {
    let session = logged_on();
    let absolute = NOW + limits().log_on;
    for (seen_minutes, cause, at) in [
        (200, Cause::IdleLimit, after(Duration::from_mins(230))),
        (220, Cause::LogOnLimit, absolute),
        (210, Cause::LogOnLimit, absolute),
    ] {
        let now = after(Duration::from_hours(10));
        let reading = own(after(Duration::from_mins(seen_minutes)));
        assert_eq!(
            outcome(&session, Key::Vst, reading, now),
            Ok((Standing::Returning, Some(fall(cause, at))))
        );
    }
}

#[test]
fn a_returning_session_slides_for_a_week_up_to_its_ceiling() {
    let session = returning();
    let week = limits().returning;
    let ceiling = NOW + limits().ceiling;
    let last = after(Duration::from_secs(90 * 86_400 - 1));
    let lives = Ok((Standing::Returning, None));
    let cases = [
        (NOW, after(Duration::from_secs(7 * 86_400 - 1)), lives),
        (NOW, NOW + week, Err(Cause::ReturningLimit)),
        (after(Duration::from_hours(100)), NOW + week, lives),
        (ceiling, ceiling, Err(Cause::Ceiling)),
        (last, last, lives),
    ];
    for (seen, now, expected) in cases {
        for key in [Key::Vst, Key::Keep] {
            assert_eq!(outcome(&session, key, own(seen), now), expected);
        }
    }
}

#[test]
fn a_log_on_is_a_new_birth() {
    let day_80 = after(Duration::from_hours(80 * 24));
    let session = risen_late(day_80);
    let day_100 = after(Duration::from_hours(100 * 24));
    assert!(outcome(&session, Key::Vst, own(day_100), day_100).is_ok());
    let day_170 = after(Duration::from_hours(170 * 24));
    assert_eq!(outcome(&session, Key::Vst, own(day_170), day_170), Err(Cause::Ceiling));
}

fn risen_late(at: Timestamp) -> Session {
    risen(&returning(), Key::Vst, "alice", at, 2)
}

#[test]
fn an_unconfirmed_session_ends_after_ten_minutes_and_a_request_confirms_it() {
    let session = begun();
    let last = after(Duration::from_secs(599));
    let Verdict::Lives(view) = judge(&session, Key::Keep, own(NOW), last, &limits()) else { panic!() };
    assert_eq!(view.upkeep(), Upkeep::Settle);
    let settled = view.settled(last, &limits());
    let day = after(Duration::from_hours(24));
    assert!(outcome(&settled, Key::Vst, own(last), day).is_ok());
    let end = NOW + limits().unconfirmed;
    assert_eq!(outcome(&session, Key::Vst, own(last), end), Err(Cause::Unconfirmed));
}

#[test]
fn the_lasting_cookie_never_opens_a_log_on() {
    let session = patched(&moved(), Key::Vst, r#"{"note":"private"}"#, NOW).unwrap();
    let view = view(&session, Key::Keep, NOW);
    assert_eq!(view.standing(), Standing::Returning);
    assert_eq!(view.log_on(), None);
    assert_eq!(view.remembered_user(), Some(&user("alice")));
    assert_eq!(view.attribute(&name("note")), None);
    assert!(view.attribute(&name("basket")).is_some());
    assert_eq!(view.upkeep(), Upkeep::None, "or it would keep the log-on alive");
}

#[test]
fn what_does_not_survive_is_hidden_as_soon_as_the_log_on_falls() {
    let session = patched(&logged_on(), Key::Vst, r#"{"note":"private"}"#, NOW).unwrap();
    assert!(view(&session, Key::Vst, NOW).attribute(&name("note")).is_some());
    let end = NOW + limits().log_on;
    let fallen = view(&session, Key::Vst, end);
    assert_eq!(fallen.attribute(&name("note")), None);
    assert!(fallen.attribute(&name("basket")).is_some());
    assert_eq!(fallen.remembered_user(), Some(&user("alice")));
    let settled = fallen.settled(end, &limits());
    assert!(!settled.attributes.contains_key(&name("note")));
}

#[test]
fn what_was_written_before_the_log_on_stays_after_it() {
    let noted = patched(&returning(), Key::Vst, r#"{"note":"mine"}"#, NOW).unwrap();
    let session = risen(&noted, Key::Vst, "alice", NOW, 2);
    let end = NOW + limits().log_on;
    assert!(view(&session, Key::Vst, end).attribute(&name("note")).is_some());
    let rewritten = patched(&session, Key::Vst, r#"{"note":"hers"}"#, NOW).unwrap();
    assert_eq!(view(&rewritten, Key::Vst, end).attribute(&name("note")), None);
}

#[test]
fn an_idle_fall_is_written_before_a_touch_can_undo_it() {
    let session = logged_on();
    let now = NOW + limits().idle;
    let Verdict::Lives(view) = judge(&session, Key::Vst, own(NOW), now, &limits()) else { panic!() };
    assert_eq!((view.standing(), view.upkeep()), (Standing::Returning, Upkeep::Settle));
    let settled = view.settled(now, &limits());
    // The touch that follows, and the next request.
    assert_eq!(outcome(&settled, Key::Vst, own(now), now + SECOND), Ok((Standing::Returning, None)));
    assert_eq!(settled.life().logged_out(), Some((now, Cause::IdleLimit)));
}

#[test]
fn the_first_return_of_a_risen_cookie_is_written_once() {
    let session = logged_on();
    for (key, owes) in [(Key::Vst, Upkeep::Settle), (Key::Keep, Upkeep::Note)] {
        let by = view(&session, key, NOW);
        assert_eq!(by.upkeep(), owes);
        let settled = by.settled(NOW, &limits());
        assert_eq!(view(&settled, Key::Vst, NOW).upkeep(), Upkeep::Touch);
        assert_eq!(view(&settled, Key::Keep, NOW).upkeep(), Upkeep::None);
    }
}

#[test]
fn an_absolute_fall_needs_no_writing() {
    let session = moved();
    let end = NOW + limits().log_on;
    let view = view(&session, Key::Vst, end);
    assert_eq!((view.standing(), view.upkeep()), (Standing::Returning, Upkeep::Touch));
}

#[test]
fn a_copy_grants_and_never_denies() {
    let copy = |seen| Reading { last_seen: Some(seen), source: Source::Copy };
    let (idle, absolute) = (after(Duration::from_mins(31)), NOW + limits().log_on);
    let week = NOW + limits().returning;
    let cases = [
        (logged_on(), copy(NOW), NOW, false),
        (logged_on(), copy(NOW), idle, true),
        (logged_on(), copy(absolute), absolute, false), // follows from the log-on itself
        (returning(), copy(NOW), NOW, false),
        (returning(), copy(NOW), week, true),
        (begun(), copy(NOW), NOW + limits().unconfirmed, true),
        (returning(), copy(NOW + limits().ceiling), NOW + limits().ceiling, true),
    ];
    for (session, reading, now, again) in cases {
        let verdict = judge(&session, Key::Vst, reading, now, &limits());
        assert_eq!(matches!(verdict, Verdict::ReadAgain), again, "{verdict:?}");
    }
}

fn rank(verdict: &Verdict<'_>) -> usize {
    match verdict {
        Verdict::Over(_) => 0,
        Verdict::Lives(view) => 1 + view.standing() as usize,
        Verdict::ReadAgain => panic!("only copies are read again"),
    }
}

proptest! {
    #[test]
    fn as_time_goes_by_a_standing_only_falls_and_its_cause_stays(
        seen in 0_u64..10_000_000,
        first in 0_u64..10_000_000,
        later in 0_u64..10_000_000,
        shared: bool,
        by_keep: bool,
        kind in 0_usize..3,
    ) {
        let session = [begun(), returning(), logged_on()][kind].clone();
        let source = if shared { Source::Shared } else { Source::Own };
        let key = if by_keep { Key::Keep } else { Key::Vst };
        let reading = Reading { last_seen: Some(seconds(seen)), source };
        let early = judge(&session, key, reading, seconds(first), &limits());
        let late = judge(&session, key, reading, seconds(first + later), &limits());
        prop_assert!(rank(&late) <= rank(&early));
        match (early, late) {
            (Verdict::Lives(early), Verdict::Lives(late)) if early.fall().is_some() => {
                prop_assert_eq!(early.fall(), late.fall());
            }
            (Verdict::Over(early), Verdict::Over(late)) => prop_assert_eq!(early, late),
            _ => {}
        }
    }
}
