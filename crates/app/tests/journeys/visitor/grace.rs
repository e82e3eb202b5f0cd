//! Requests that were on their way during a rise come with the secret from before it. For five seconds they read what
//! stood before, and change nothing.

use std::thread;
use std::time::Duration;

use serde_json::json;
use vestibule_testkit::upstream::{Step, answer};

use super::browser::{Ask, Browser, Tab};
use super::form::Form;
use super::house::{ALICE, House, PASSWORD, SHOP};

/// What a request with an old secret leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Seen {
    /// The standing, and whether an app is told a user.
    As(&'static str, bool),
    /// Told to come again; no app is called.
    Moved,
}

#[test]
fn each_rise_with_each_secret_each_method_at_once_and_six_seconds_later() {
    for (rise, before) in
        [(from_returning as fn(&House) -> (Browser, Browser), "returning"), (from_logged_on, "logged-on")]
    {
        for (is_old, is_safe, seconds, expected) in [
            (false, true, 0, Seen::As("logged-on", true)),
            (false, true, 6, Seen::As("logged-on", true)),
            (false, false, 0, Seen::As("logged-on", true)),
            (false, false, 6, Seen::As("logged-on", true)),
            (true, true, 0, Seen::As(before, false)),
            (true, true, 6, Seen::As("anonymous", false)),
            (true, false, 0, Seen::Moved),
            (true, false, 6, Seen::As("anonymous", false)),
        ] {
            let house = House::open();
            let (old, new) = rise(&house);
            house.advance(Duration::from_secs(seconds));
            let tab = if is_old { old.tab() } else { new.tab() };
            for method in if is_safe { ["GET", "HEAD"] } else { ["POST", "OPTIONS"] } {
                // What an old secret cannot open is anonymous, and then `OPTIONS` is as good as any.
                let found = seen(&house, &mut tab.clone(), method);
                assert_eq!(found, expected, "from {before}, old: {is_old}, {method} after {seconds} s");
            }
        }
    }
}

#[test]
fn the_old_lasting_secret_is_treated_the_same() {
    let house = House::open();
    let (old, _) = from_logged_on(&house);
    old.remove_cookie(SHOP, "__Host-vst");

    assert_eq!(seen(&house, &mut old.tab(), "GET"), Seen::As("returning", false));
    assert_eq!(seen(&house, &mut old.tab(), "POST"), Seen::Moved);
    house.advance(Duration::from_secs(6));
    assert_eq!(seen(&house, &mut old.tab(), "GET"), Seen::As("anonymous", false));
}

#[test]
fn during_grace_a_page_shows_what_stood_before_and_its_patch_is_refused() {
    let house = House::open();
    let (old, new) = from_returning(&house);
    house.patch(&mut new.tab(), r#"{"basket":["after"]}"#).is(200);

    let told = house.whoami(&mut old.tab());
    assert_eq!((told.standing(), told.attributes()), ("returning", json!({"basket": ["before"]})));
    assert_eq!(told.context("remembered-user"), None);
    let path = house.app.patching("/basket", r#"{"basket":["too late"]}"#);
    old.tab().open(&house.shop(&path)).is(200).sets_nothing();
    let bad = house.app.patching("/basket", "nonsense");
    old.tab().open(&house.shop(&bad)).is(200).sets_nothing();

    let told = house.whoami(&mut new.tab());
    assert_eq!(told.attributes(), json!({"basket": ["after"]}));
    let session = told.context("session").expect("a session");
    let why = "the request came with the secret from before a rise";
    house.has_refused(&[(path.clone(), Some(why)), (bad, Some("malformed"))]);
    assert_eq!(house.access_line(&path)["session"], session);
    // An old secret writes nothing at all into the record.
    let life = house.life(session);
    assert!(life.last().is_some_and(|last| last.ends_with(" logged on, level 1.")), "{life:?}");
}

#[test]
fn a_log_on_whose_answer_is_lost_costs_no_basket() {
    let house = House::open();
    let mut tab = house.browser().tab();
    house.patch(&mut tab, r#"{"basket":["before"]}"#).is(200);
    house.whoami(&mut tab);
    let (old, lost) = (tab.browser.copy(), tab.browser.copy());
    log_on_without_coming_back(&house, &mut lost.tab());
    assert_eq!(seen(&house, &mut tab, "POST"), Seen::Moved);
    // Nor is the visitor sent round in circles who tries again at once: the log-in asks nobody, and here he is old.
    house.advance(Duration::from_secs(1));
    let again = lost.copy();
    for (name, value) in tab.browser.cookies(SHOP) {
        again.put_cookie(SHOP, &name, &value);
    }
    let asked = again.tab().open(&house.shop("/account"));
    again.tab().follow(asked).is(503);

    // After the grace it is as if only the lasting cookie were there.
    house.advance(Duration::from_secs(6));
    for method in ["GET", "HEAD", "POST"] {
        assert_eq!(seen(&house, &mut tab, method), Seen::As("returning", false), "{method}");
    }
    house.patch(&mut tab, r#"{"basket":["before","later"]}"#).is(200);
    let told = house.whoami(&mut tab);
    assert_eq!(told.attributes(), json!({"basket": ["before", "later"]}));
    assert_eq!(told.context("remembered-user"), None);

    // The visitor tries again, and the log-on that nobody saw is over.
    tab.log_in(&house.shop("/account"));
    let told = house.whoami(&mut tab);
    assert_eq!((told.standing(), told.attributes()), ("logged-on", json!({"basket": ["before", "later"]})));
    house.advance(Duration::from_secs(6));
    for browser in [old, lost] {
        assert_eq!(seen(&house, &mut browser.tab(), "GET"), Seen::As("anonymous", false));
    }
}

#[test]
fn the_old_secret_ends_when_a_new_one_comes_back_however_late() {
    let house = House::open();
    let mut tab = house.browser().tab();
    house.patch(&mut tab, r#"{"basket":["before"]}"#).is(200);
    house.whoami(&mut tab);
    let old = tab.browser.copy();
    log_on_without_coming_back(&house, &mut tab);
    house.advance(Duration::from_mins(20));
    assert_eq!(seen(&house, &mut old.tab(), "GET"), Seen::As("returning", false));

    assert_eq!(house.whoami(&mut tab).standing(), "logged-on");

    assert_eq!(seen(&house, &mut old.tab(), "GET"), Seen::As("anonymous", false));
    assert_eq!(house.whoami(&mut tab).standing(), "logged-on");
}

#[test]
fn a_request_that_was_opened_before_the_rise_saves_its_patch_after_it() {
    let house = House::open();
    let mut tab = house.browser().tab();
    house.patch(&mut tab, r#"{"basket":{"before":1}}"#).is(200);
    let held = answer(200, &[r#"x-context-update: {"basket":{"during":2}}"#], "a page");
    let path = house.app.playing("/basket", vec![Step::ReadBody, Step::Hold("rise"), Step::Send(held)]);

    let reply = thread::scope(|scope| {
        let (mut other, form) = (tab.clone(), Ask::form(&house.shop(&path), &house.shop("/"), &[("a", "1")]));
        let asked = scope.spawn(move || other.send(form));
        house.app.wait_for(&path);
        tab.log_in(&house.shop("/account"));
        house.app.release("rise");
        asked.join().expect("an answer")
    });

    assert_eq!((reply.status, reply.sets()), (200, vec!["vst-at".to_owned()]));
    let told = house.whoami(&mut tab);
    assert_eq!(told.standing(), "logged-on", "a late answer overwrites no newer cookie");
    assert_eq!(told.attributes(), json!({"basket": {"before": 1, "during": 2}}));
}

#[test]
fn an_old_secret_does_not_keep_a_session_alive() {
    let house = House::with("idle_seconds = 8");
    let (old, new) = from_returning(&house);
    house.advance(Duration::from_secs(4));
    assert_eq!(seen(&house, &mut old.tab(), "GET"), Seen::As("returning", false));
    house.advance(Duration::from_secs(4));

    assert_eq!(house.whoami(&mut new.tab()).standing(), "returning", "eight seconds after the only touch");
}

/// One request, which must set no cookie whatever comes of it.
#[track_caller]
fn seen(house: &House, tab: &mut Tab, method: &str) -> Seen {
    let path = house.app.new_path("/whoami");
    let reply = tab.send(Ask::script(method, &house.shop(&path), &house.shop("/"))).sets_nothing();
    if reply.status == 503 {
        assert_eq!(reply.field("retry-after"), "1");
        assert_eq!(reply.json()["type"], "urn:vestibule:problem:session-moved");
        assert_eq!(house.app.calls(&path), 0);
        return Seen::Moved;
    }
    reply.is(200);
    let told = house.app.told(&path);
    let standing = ["anonymous", "returning", "logged-on"].into_iter().find(|it| *it == told.standing());
    Seen::As(standing.expect("a standing"), told.context("user").is_some())
}

/// Logs alice on, up to the answer with the new cookies.
#[track_caller]
fn log_on_without_coming_back(house: &House, tab: &mut Tab) {
    let asked = tab.open(&house.shop("/account"));
    let form = Form::of(&tab.follow(asked).is(200));
    let answered = form.submit(tab, &[("username", ALICE), ("password", PASSWORD)]).is(303);
    let answer = tab.open(answered.location().as_str()).is(303);
    assert!(answer.sets().contains(&"vst".to_owned()), "{:?}", answer.sets());
}

/// A browser as it was before a log-on, and as it is.
#[track_caller]
fn from_returning(house: &House) -> (Browser, Browser) {
    let mut tab = house.browser().tab();
    house.patch(&mut tab, r#"{"basket":["before"]}"#).is(200);
    house.whoami(&mut tab);
    let old = tab.browser.copy();
    tab.log_in(&house.shop("/account"));
    (old, tab.browser)
}

/// A browser as it was before a step-up, and as it is.
#[track_caller]
fn from_logged_on(house: &House) -> (Browser, Browser) {
    let (_, new) = from_returning(house);
    house.advance(Duration::from_mins(1));
    let old = new.copy();
    new.tab().log_in(&house.shop("/.vestibule/login?to=%2F&max_age=0"));
    (old, new)
}
