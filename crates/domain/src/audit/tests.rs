//! The ring of events, and the answer to "why was I logged out?".

use super::*;
use crate::fixture::*;

fn refusal(name: &str) -> Happening {
    Happening::PatchRefused { app: app(name), why: PatchRefused::Malformed, times: 1 }
}

#[test]
fn keeps_the_newest_events() {
    let mut life = Life::default();
    for second in 0..20 {
        life.push(seconds(second), Happening::SteppedUp { level: 1 });
    }
    assert_eq!(life.events().len(), EVENTS_MAX);
    assert_eq!(life.events().first().map(|event| event.at), Some(seconds(4)));
    assert_eq!(life.events().last().map(|event| event.at), Some(seconds(19)));
}

#[test]
fn an_app_that_repeats_itself_pushes_nothing_out() {
    let mut life = Life::default();
    life.push(NOW, Happening::Began);
    for second in 0..100 {
        life.push(seconds(second), refusal("shop"));
    }
    assert_eq!(life.events()[1].at, seconds(99));
    life.push(seconds(200), refusal("wall"));
    life.push(seconds(300), refusal("shop"));
    let times = |life: &Life| -> Vec<_> {
        let times = life.events().iter().map(|event| match event.what {
            Happening::PatchRefused { times, .. } => times,
            _ => 0,
        });
        times.collect()
    };
    assert_eq!(times(&life), [0, 1, 101]);
    let other = Happening::PatchRefused { app: app("shop"), why: PatchRefused::Reserved, times: 1 };
    life.push(seconds(301), other);
    assert_eq!(times(&life), [0, 1, 101, 1], "for another reason");
    for number in 0..100 {
        life.push(seconds(400 + number), refusal(&format!("app{number}")));
    }
    assert_eq!(times(&life), [0, 1, 1, 1, 1]);
    assert_eq!(life.events().last().map(|event| event.at), Some(seconds(499)));
}

#[test]
fn tells_the_last_reason_unless_a_log_on_came_after_it() {
    let log_on = || Happening::LoggedOn { user: user("alice"), level: 1 };
    let down = |cause| Happening::SteppedDown(cause);
    let cases: [(Vec<Happening>, Option<Cause>); 6] = [
        (vec![], None),
        (vec![Happening::Began, log_on()], None),
        (vec![log_on(), down(Cause::IdleLimit)], Some(Cause::IdleLimit)),
        (vec![log_on(), down(Cause::Rule), refusal("shop")], Some(Cause::Rule)),
        (vec![log_on(), down(Cause::Rule), log_on()], None),
        (vec![log_on(), down(Cause::Rule), Happening::Ended(Cause::Ceiling)], Some(Cause::Ceiling)),
    ];
    for (happenings, expected) in cases {
        let mut life = Life::default();
        for happening in happenings {
            life.push(NOW, happening);
        }
        assert_eq!(life.logged_out().map(|(_, cause)| cause), expected);
    }
}

#[test]
fn events_read_as_sentences() {
    let tell = |what| LifeEvent { at: NOW, what }.to_string();
    assert_eq!(tell(Happening::LoggedOn { user: user("u1"), level: 2 }), "User u1 logged on, level 2.");
    assert_eq!(
        tell(Happening::SteppedDown(Cause::IdleLimit)),
        "The log-on ended. Nobody used this browser for longer than the idle limit."
    );
    assert_eq!(tell(refusal("shop")), "A patch of app shop was refused: malformed.");
}
