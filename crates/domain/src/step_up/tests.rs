//! Requirements, demands, and when a demand is a loop.

use super::*;
use crate::fetch::Fields;
use crate::fixture::*;
use crate::key::Key;
use crate::rise::{Proof, Risen, log_on};
use crate::session::Session;

fn page() -> Fetch {
    Fetch::read(b"GET", &Fields { dest: Some(b"document"), ..Fields::default() }, "https://shop")
}

fn call() -> Fetch {
    Fetch::read(b"POST", &Fields::default(), "https://shop")
}

/// A log-on that an app had asked for, with credentials from so long before.
fn asked_for(age: u64) -> Session {
    let session = returning();
    let auth_time = Timestamp::from_secs(NOW.as_secs() - i64::try_from(age).unwrap());
    let proof = Proof { asked: true, ..proof("alice", auth_time) };
    match log_on(Some(&view(&session, Key::Vst, NOW)), site(), proof, fresh(2), NOW, &limits()) {
        Ok(Risen::Same(session)) => session,
        other => panic!("{other:?}"),
    }
}

#[test]
fn reads_what_apps_demand() {
    let logged_on = Requirement::of(Standing::LoggedOn);
    let within = |seconds| Requirement { max_age: Some(Duration::from_secs(seconds)), ..logged_on };
    for (text, expected) in [
        ("logged-on", logged_on),
        ("logged-on; max-age=300", within(300)),
        ("logged-on;max-age=0", within(0)),
        (" logged-on ; max-age=300 ", within(300)),
    ] {
        assert_eq!(Requirement::parse(text.as_bytes()), Ok(expected), "{text}");
    }
    for text in [
        "",
        "returning",
        "Logged-On",
        "logged-on;",
        "logged-on; max-age",
        "logged-on; max-age=",
        "logged-on; max-age=-1",
        "logged-on; max-age=+1",
        "logged-on; max-age=1; x",
        "logged-on; max-age=99999999999999999999",
        "logged-on, logged-on",
    ] {
        assert_eq!(Requirement::parse(text.as_bytes()), Err(MalformedRequirement), "{text}");
    }
}

#[test]
fn a_requirement_is_met_by_standing_and_age() {
    let (returning, logged_on) = (returning(), logged_on());
    let within = |seconds| Some(Duration::from_secs(seconds));
    let now = seconds(300);
    let visitors = [
        None,
        Some(view(&returning, Key::Vst, now)),
        Some(view(&logged_on, Key::Keep, now)),
        Some(view(&logged_on, Key::Vst, now)),
    ];
    let cases = [
        (Standing::Anonymous, None, [true, true, true, true]),
        (Standing::Returning, None, [false, true, true, true]),
        (Standing::LoggedOn, None, [false, false, false, true]),
        (Standing::LoggedOn, within(300), [false, false, false, true]),
        (Standing::LoggedOn, within(299), [false, false, false, false]),
    ];
    for (standing, max_age, expected) in cases {
        let requirement = Requirement { standing, max_age };
        let met: Vec<_> = visitors.iter().map(|visitor| requirement.is_met(visitor.as_ref(), now)).collect();
        assert_eq!(met, expected, "{requirement:?}");
    }
}

#[test]
fn a_page_is_redirected_and_anything_else_is_told() {
    assert_eq!(ask(&page()), Ask::Redirect);
    assert_eq!(ask(&call()), Ask::Problem);
}

#[test]
fn a_demand_without_effect_is_a_loop_for_a_minute() {
    let (returning, plain, in_vain, answered) = (returning(), logged_on(), asked_for(30), asked_for(0));
    let within = |seconds| Requirement::parse(format!("logged-on; max-age={seconds}").as_bytes()).unwrap();
    let cases = [
        (None, 0, Ok(Ask::Redirect)),
        (Some(&returning), 0, Ok(Ask::Redirect)),
        // This log-on was the visitor's own wish; the app may well want a fresher one.
        (Some(&plain), 0, Ok(Ask::Redirect)),
        (Some(&in_vain), 0, Err(StepUpLoop)),
        (Some(&in_vain), 59, Err(StepUpLoop)),
        (Some(&in_vain), 60, Ok(Ask::Redirect)),
        // It was what is demanded, and has grown old since.
        (Some(&answered), 30, Ok(Ask::Redirect)),
    ];
    for (session, second, expected) in cases {
        let now = seconds(second);
        let visitor = session.map(|session| view(session, Key::Vst, now));
        assert_eq!(demanded(&within(20), visitor.as_ref(), &page(), now, &limits()), expected);
    }
    let fresh = view(&answered, Key::Vst, NOW);
    assert_eq!(demanded(&within(0), Some(&fresh), &page(), NOW, &limits()), Err(StepUpLoop), "never content");
    let visitor = view(&plain, Key::Vst, NOW);
    assert_eq!(demanded(&within(20), Some(&visitor), &call(), NOW, &limits()), Ok(Ask::Problem));
}
