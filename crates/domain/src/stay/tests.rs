//! What an answer that streams survives, and what ends it.

use std::time::Duration;

use super::*;
use crate::fixture::*;
use crate::identity::Timestamp;
use crate::judge::{Reading, Source, judge};
use crate::key::Key;
use crate::session::Session;

/// `Ok` with the standing when it goes on.
fn outcome(
    stay: &Stay,
    session: &Session,
    key: Key,
    seen: Timestamp,
    now: Timestamp,
) -> Result<Standing, Cause> {
    match stay.go_on(judge(session, key, own(seen), now, &limits())) {
        Stays::On(view) => Ok(view.standing()),
        Stays::Over(cause) => Err(cause),
        Stays::ReadAgain => panic!("only copies are read again"),
    }
}

#[test]
fn a_log_on_that_reaches_a_limit_ends_what_began_under_it() {
    let session = logged_on();
    let stay = Stay::begin(&view(&session, Key::Vst, NOW));
    let minutes = |count| after(Duration::from_mins(count));
    for (seen, now, expected) in [
        (NOW, minutes(29), Ok(Standing::LoggedOn)),
        // A stream is no visit.
        (NOW, minutes(30), Err(Cause::IdleLimit)),
        (minutes(29), minutes(58), Ok(Standing::LoggedOn)),
        (minutes(239), minutes(240), Err(Cause::LogOnLimit)),
    ] {
        assert_eq!(outcome(&stay, &session, Key::Vst, seen, now), expected, "{seen:?} {now:?}");
    }
}

#[test]
fn a_fall_that_is_written_down_already_keeps_its_cause() {
    let session = logged_on();
    let stay = Stay::begin(&view(&session, Key::Vst, NOW));
    let later = after(Duration::from_mins(45));
    let Verdict::Lives(fallen) = judge(&session, Key::Vst, own(NOW), later, &limits()) else { panic!() };
    let settled = fallen.settled(later, &limits());
    assert_eq!(outcome(&stay, &settled, Key::Vst, later, later), Err(Cause::IdleLimit));
}

#[test]
fn a_rise_ends_nothing() {
    let session = returning();
    let stay = Stay::begin(&view(&session, Key::Vst, NOW));
    assert_eq!(outcome(&stay, &logged_on(), Key::Vst, NOW, seconds(60)), Ok(Standing::LoggedOn));
    let stay = Stay::begin(&view(&logged_on(), Key::Vst, NOW));
    let again = risen(&logged_on(), Key::Vst, "alice", seconds(60), 3);
    assert_eq!(outcome(&stay, &again, Key::Vst, seconds(60), seconds(61)), Ok(Standing::LoggedOn));
}

#[test]
fn what_began_by_the_cookie_that_only_remembers_survives_the_log_on() {
    let session = logged_on();
    let stay = Stay::begin(&view(&session, Key::Keep, NOW));
    assert_eq!(
        outcome(&stay, &session, Key::Keep, NOW, after(Duration::from_hours(5))),
        Ok(Standing::Returning)
    );
    let over = NOW + limits().returning + Duration::from_hours(5);
    assert_eq!(outcome(&stay, &session, Key::Keep, NOW, over), Err(Cause::ReturningLimit));
}

#[test]
fn a_copy_never_ends_anything_that_a_touch_could_have_saved() {
    let session = logged_on();
    let stay = Stay::begin(&view(&session, Key::Vst, NOW));
    let reading = Reading { last_seen: Some(NOW), source: Source::Copy };
    let later = after(Duration::from_mins(45));
    let verdict = judge(&session, Key::Vst, reading, later, &limits());
    assert!(matches!(stay.go_on(verdict), Stays::ReadAgain));
}
