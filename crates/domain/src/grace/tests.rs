//! Each rise, with the old secret and the new one, for reading and for writing, at once and after the grace.

use super::*;
use crate::fixture::*;
use crate::judge::{Upkeep, View};
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

#[test]
fn each_rise_old_and_new_safe_and_unsafe_at_once_and_later() {
    // Each session had the note "before" at its rise and was patched to "after" right behind it.
    let returning = patched(&returning(), Key::Vst, r#"{"note":"before"}"#, NOW).unwrap();
    let log_on =
        patched(&risen(&returning, Key::Vst, "alice", NOW, 2), Key::Vst, r#"{"note":"after"}"#, NOW).unwrap();
    let earlier = patched(&logged_on(), Key::Vst, r#"{"note":"before"}"#, NOW).unwrap();
    let step_up =
        patched(&risen(&earlier, Key::Vst, "alice", NOW, 3), Key::Vst, r#"{"note":"after"}"#, NOW).unwrap();
    let first_patch = patched(&begun(), Key::Vst, r#"{"note":"after"}"#, NOW).unwrap();
    let (returning, logged_on) = (Standing::Returning, Standing::LoggedOn);
    // rise, old secret, new secret, standing before it, standing after it
    let rises = [
        (&first_patch, None, 1, Standing::Anonymous, returning, None),
        (&log_on, Some(1), 2, returning, logged_on, Some("alice")),
        (&step_up, Some(2), 3, logged_on, logged_on, Some("alice")),
    ];
    for (session, old, new, before, risen, user) in rises {
        for method in [Method::Get, Method::Head, Method::Options, Method::Unsafe] {
            for (now, graceful) in [(NOW, true), (seconds(6), false)] {
                assert!(matches!(
                    shown(session, new, method, now),
                    Shown::App(standing, who, Some("after")) if standing == risen && who == user
                ));
                // Before the first patch there was no secret: such a request has no cookie and is anonymous.
                let Some(old) = old else { continue };
                let seen = shown(session, old, method, now);
                match (graceful, method.is_read()) {
                    (true, true) => assert!(matches!(
                        seen,
                        Shown::App(standing, None, Some("before")) if standing == before
                    )),
                    (true, false) => assert!(matches!(seen, Shown::Moved)),
                    (false, _) => assert!(matches!(seen, Shown::Nothing)),
                }
            }
        }
    }
}

#[test]
fn the_grace_ends_to_the_millisecond() {
    let last = Timestamp::from_millis(seconds(5).as_millis() - 1);
    for (now, key) in [(last, Some(Key::OldVst)), (seconds(5), None)] {
        assert_eq!(logged_on().recognise(&site(), SessionCookie::Vst, &vst(1), now, &limits()), key);
    }
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
    assert!(crate::rise::step_down(&old(&session), NOW, &limits()).is_err());
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
