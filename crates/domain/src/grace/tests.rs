//! Each rise, with the old secret and the new one, for reading and for writing, at once and after the grace.

use super::*;
use crate::fixture::*;
use crate::judge::{Upkeep, Verdict, judge, judge_newer};
use crate::session::Session;

enum Shown {
    /// The request reaches the app with this standing, user and note.
    App(Standing, Option<&'static str>, Option<&'static str>),
    /// The secret is before the rise and the method changes something.
    Moved,
    /// The secret opens nothing: anonymous.
    Nothing,
}

/// What a request sees that shows this secret of `__Host-vst`.
fn shown(session: &Session, secret: u8, method: Method, now: Timestamp) -> Shown {
    let Some(key) = session.recognise(&site(), SessionCookie::Vst, &vst(secret), now, &limits()) else {
        return Shown::Nothing;
    };
    if check(key, method).is_err() {
        return Shown::Moved;
    }
    let view = view(session, key, now);
    let user = view.log_on().map(|log_on| if log_on.user == user("alice") { "alice" } else { "?" });
    let note = view.attribute(&name("note")).map(|note| match note.as_str() {
        "\"before\"" => "before",
        "\"after\"" => "after",
        _ => "?",
    });
    Shown::App(view.standing(), user, note)
}

/// A session right after a rise: the note was "before" then, and a request that was on its way has made it "after".
struct Rise {
    session: Session,
    /// The secret from before; before the first patch there was none, and such a request has no cookie.
    old: Option<u8>,
    new: u8,
    before: Standing,
    after: Standing,
    user: Option<&'static str>,
}

fn rises() -> [Rise; 3] {
    let returning = patched(&returning(), Key::Vst, r#"{"note":"before"}"#, NOW).unwrap();
    let log_on = risen(&returning, Key::Vst, "alice", NOW, 2);
    let earlier = patched(&logged_on(), Key::Vst, r#"{"note":"before"}"#, NOW).unwrap();
    let step_up = risen(&earlier, Key::Vst, "alice", NOW, 3);
    let late =
        |session: &Session, opened: &Session| patched_late(session, opened, r#"{"note":"after"}"#, NOW);
    let first_patch = Rise {
        session: patched(&begun(), Key::Vst, r#"{"note":"after"}"#, NOW).unwrap(),
        old: None,
        new: 1,
        before: Standing::Anonymous,
        after: Standing::Returning,
        user: None,
    };
    let (before, after, user) = (Standing::Returning, Standing::LoggedOn, Some("alice"));
    let session = late(&log_on, &returning);
    let log_on = Rise { session, old: Some(1), new: 2, before, after, user };
    let session = late(&step_up, &earlier);
    let step_up = Rise { session, old: Some(2), new: 3, before: after, after, user };
    [first_patch, log_on, step_up]
}

#[test]
fn each_rise_old_and_new_safe_and_unsafe_at_once_and_later_and_whether_its_cookies_came_back() {
    for Rise { session, old, new, before, after, user } in rises() {
        for came_back in [false, true] {
            let newest = view(&session, Key::Vst, NOW);
            let session = if came_back { newest.settled(NOW, &limits()) } else { session.clone() };
            for method in [Method::Get, Method::Head, Method::Options, Method::Unsafe] {
                for (now, graceful) in [(NOW, true), (seconds(6), false)] {
                    assert!(matches!(
                        shown(&session, new, method, now),
                        Shown::App(standing, who, Some("after")) if standing == after && who == user
                    ));
                    let Some(old) = old else { continue };
                    let seen = shown(&session, old, method, now);
                    match (graceful, method.is_read(), came_back) {
                        (true, true, _) => assert!(matches!(
                            seen,
                            Shown::App(standing, None, Some("before")) if standing == before
                        )),
                        (true, false, _) => assert!(matches!(seen, Shown::Moved)),
                        // As the lasting cookie, so without the log-on's note.
                        (false, _, false) => {
                            assert!(matches!(seen, Shown::App(Standing::Returning, None, None)));
                        }
                        (false, _, true) => assert!(matches!(seen, Shown::Nothing)),
                    }
                }
            }
        }
    }
}

#[test]
fn the_grace_ends_to_the_millisecond() {
    let last = Timestamp::from_millis(seconds(5).as_millis() - 1);
    for (session, after) in [(logged_on(), Some(Key::Unmoved)), (moved(), None)] {
        for (now, key) in [(last, Some(Key::OldVst)), (seconds(5), after)] {
            assert_eq!(session.recognise(&site(), SessionCookie::Vst, &vst(1), now, &limits()), key);
        }
    }
}

/// What the cookies of three log-ons in a row open by now, the oldest first.
fn keys(session: &Session, now: Timestamp) -> [Option<Key>; 3] {
    [1, 2, 3].map(|number| {
        let by = |cookie, secret| session.recognise(&site(), cookie, &secret, now, &limits());
        let key = by(SessionCookie::Vst, vst(number));
        if key == Some(Key::Unmoved) {
            assert_eq!(by(SessionCookie::Keep, keep(number)), key, "both of them do");
        }
        key
    })
}

#[test]
fn until_a_new_cookie_comes_back_the_old_one_opens_what_the_lasting_one_opens() {
    let noted = patched_late(&logged_on(), &returning(), r#"{"note":"private"}"#, NOW);
    let now = seconds(6);
    let old = view(&noted, Key::Unmoved, now);
    assert_eq!((old.standing(), old.upkeep()), (Standing::Returning, Upkeep::None));
    assert_eq!((old.log_on(), old.remembered_user()), (None, None));
    assert_eq!((old.attribute(&name("note")), old.attribute(&name("basket")).is_some()), (None, true));
    let refused = patched(&noted, Key::Unmoved, r#"{"note":"x"}"#, now);
    assert_eq!(refused, Err(crate::patch_refused::PatchRefused::NoLogOn(name("note"))));

    let patched = patched(&noted, Key::Unmoved, r#"{"basket":["milk"]}"#, now).unwrap();
    assert_eq!(keys(&patched, now), [Some(Key::Unmoved), Some(Key::Vst), None], "it goes on to");
    assert!(view(&patched, Key::Vst, now).attribute(&name("note")).is_some(), "and the log-on is not its");
    let moved = view(&patched, Key::Vst, now).settled(now, &limits());
    assert_eq!(keys(&moved, now), [None, Some(Key::Vst), None]);
}

#[test]
fn it_outlives_the_log_on_that_it_cannot_open() {
    let session = logged_on();
    let idle = NOW + limits().idle;
    let Verdict::Lives(view) = judge(&session, Key::Unmoved, own(NOW), idle, &limits()) else { panic!() };
    assert_eq!(view.upkeep(), Upkeep::Settle);
    let fallen = view.settled(idle, &limits());
    assert_eq!(keys(&fallen, idle), [Some(Key::Unmoved), Some(Key::Vst), None]);
    let by = crate::fixture::view(&fallen, Key::Unmoved, idle);
    assert_eq!((by.upkeep(), by.remembered_user()), (Upkeep::Touch, None));
}

#[test]
fn a_log_on_over_one_whose_cookies_never_came_back_keeps_those_that_were_shown() {
    let lost = logged_on();
    let now = seconds(6);
    let again = risen(&lost, Key::Unmoved, "alice", now, 3);
    assert_eq!(keys(&again, now), [Some(Key::OldVst), None, Some(Key::Vst)]);
    assert_eq!(keys(&again, seconds(12)), [Some(Key::Unmoved), None, Some(Key::Vst)]);
    assert_eq!(view(&again, Key::OldVst, now).standing(), Standing::Returning);
    assert!(view(&again, Key::Unmoved, seconds(12)).attribute(&name("basket")).is_some());
    // Once shown, the newer one takes its place.
    let shown = risen(&lost, Key::Vst, "alice", now, 3);
    assert_eq!(keys(&shown, now), [None, Some(Key::OldVst), Some(Key::Vst)]);
}

#[test]
fn a_request_that_was_on_its_way_does_not_say_that_the_new_cookies_came_back() {
    let (before, session) = (returning(), logged_on());
    let late = patched_late(&session, &before, r#"{"basket":["milk"]}"#, seconds(6));
    assert_eq!(keys(&late, seconds(6)), [Some(Key::Unmoved), Some(Key::Vst), None]);
    let Verdict::Lives(view) = judge_newer(&session, &before, Key::Vst, own(NOW), NOW, &limits()) else {
        panic!("it lives")
    };
    assert_eq!(view.upkeep(), Upkeep::Touch);
}

#[test]
fn a_rule_within_the_grace_leaves_nothing_of_an_earlier_log_on_to_be_shown() {
    let noted = patched(&logged_on(), Key::Vst, r#"{"note":"private"}"#, NOW).unwrap();
    let session = risen(&noted, Key::Vst, "alice", NOW, 3);
    let session = patched_late(&session, &noted, r#"{"note":"newer"}"#, NOW);
    let mut down = session.clone();
    down.fall(NOW, crate::audit::Cause::Rule);
    let old = old(&down);
    assert_eq!((old.standing(), old.attribute(&name("note"))), (Standing::Returning, None));
}

fn old(session: &Session) -> View<'_> {
    view(session, Key::OldVst, NOW)
}

#[test]
fn the_old_secret_writes_nothing_and_touches_nothing() {
    let session = logged_on();
    assert_eq!(old(&session).upkeep(), Upkeep::None);
    assert_eq!(old(&session).remembered_user(), None);
    let refused = patched(&session, Key::OldVst, r#"{"basket":null}"#, NOW);
    assert_eq!(refused, Err(crate::patch_refused::PatchRefused::OldSecret));
    let again =
        crate::rise::log_on(Some(&old(&session)), site(), proof("alice", NOW), fresh(3), NOW, &limits());
    assert!(matches!(again, Err(crate::rise::LogOnRefused::Moved)));
    assert!(crate::rise::step_down(&old(&session), NOW, &limits()).is_none());
}

#[test]
fn the_old_lasting_secret_is_never_more_than_returning() {
    let session = risen(&logged_on(), Key::Vst, "alice", NOW, 3);
    assert_eq!(view(&session, Key::OldKeep, NOW).standing(), Standing::Returning);
    assert_eq!(view(&session, Key::OldVst, NOW).standing(), Standing::LoggedOn);
}

#[test]
fn what_was_there_is_remembered_once_and_what_was_not_is_not_there() {
    let session = logged_on();
    let once = patched(&session, Key::Vst, r#"{"theme":"dark"}"#, NOW).unwrap();
    let twice = patched(&once, Key::Vst, r#"{"theme":"light","basket":null}"#, NOW).unwrap();
    assert_eq!(old(&twice).attribute(&name("theme")), None);
    assert_eq!(old(&twice).attribute(&name("basket")), old(&session).attribute(&name("basket")));
    assert_eq!(view(&twice, Key::Vst, NOW).attribute(&name("basket")), None);
}

#[test]
fn the_picture_goes_with_the_first_commit_after_the_grace() {
    let session = logged_on();
    assert!(session.before.is_some());
    let later = patched(&session, Key::Vst, r#"{"theme":"dark"}"#, seconds(6)).unwrap();
    assert_eq!(later.before, None);
}

#[test]
fn a_log_in_that_began_after_the_rise_and_shows_the_old_secret_is_stranded() {
    let session = logged_on();
    let now = seconds(2);
    for (key, begun_at, is) in [
        (Key::OldVst, seconds(1), true),
        (Key::OldKeep, seconds(1), true),
        (Key::OldVst, NOW, false), // it was on its way, and the cookies still may be
        (Key::Vst, seconds(1), false),
        (Key::Unmoved, seconds(1), false), // it may log on
    ] {
        assert_eq!(is_stranded(&view(&session, key, now), begun_at), is, "{key:?}");
    }
}
