//! An app asks for a log-on, or for a newer one, in its answer: a page becomes the way to the log-in and back, anything
//! else a problem that names it.

use std::time::Duration;

use super::browser::{Ask, Reply, Tab};
use super::form::Form;
use super::house::{ALICE, House, LOGIN, MINUTE, PASSWORD};

const REQUIRE: &str = "x-context-require: logged-on";
const AGE: &str = "x-context-require: logged-on; max-age=300";

#[test]
fn a_page_that_demands_a_log_on_leads_there_and_back() {
    let house = House::open();
    let mut tab = house.browser().tab();
    let path = house.app.answering("", &[REQUIRE]);

    let asked = tab.open(&house.shop(&format!("{path}?a=1"))).is(303).sets_nothing();
    assert!(asked.field("location").starts_with("/.vestibule/login?to="), "{asked:?}");
    assert!(
        asked.body.is_empty() || !asked.body.contains("a page"),
        "the app's page is not shown: {asked:?}"
    );
    let form = tab.follow(asked).is(200);
    let page = fill(&form, &mut tab);

    assert_eq!(
        (page.url.as_str(), page.body.as_str()),
        (house.shop(&format!("{path}?a=1")).as_str(), "a page")
    );
    assert!(!page.fields.has("x-context-require"));
    assert_eq!(house.app.calls(&format!("{path}?a=1")), 2);
}

#[test]
fn anything_else_gets_a_problem() {
    let house = House::open();
    let path = house.app.answering("", &[REQUIRE]);
    let (url, own) = (house.shop(&path), house.shop("/"));
    for ask in [
        Ask::script("GET", &url, &own),
        Ask::script("HEAD", &url, &own),
        Ask::form(&url, &own, &[]),
        Ask::frame(&url, &own),
        Ask::picture(&url, &own),
        Ask::script("GET", &url, &own).silent(),
    ] {
        let problem = house.browser().tab().send(ask).is(401).sets_nothing();
        assert_eq!(problem.field("content-type"), "application/problem+json");
        assert!(problem.field("www-authenticate").len() > 1, "RFC 9110 11.6.1");
    }
    house.browser().tab().send(Ask::typed(&url).silent()).is(303).sets_nothing();
}

#[test]
fn a_log_on_that_is_new_enough_is_not_asked_again() {
    let house = House::open();
    let mut tab = house.logged_on();
    let path = house.app.answering("/account", &[AGE]);

    house.advance(Duration::from_mins(5));

    assert_eq!(tab.open(&house.shop(&path)).is(200).body, "a page");
}

#[test]
fn a_log_on_that_is_too_old_is_renewed_by_credentials_and_the_session_stays() {
    let house = House::open();
    let mut tab = house.logged_on();
    let before = house.whoami(&mut tab);
    house.advance(6 * MINUTE);
    let path = house.app.answering("/account", &[AGE]);

    let asked = tab.open(&house.shop(&path)).is(303).sets_nothing();
    let form = tab.follow(asked).is(200);
    assert_eq!(form.url.host_str(), Some(LOGIN), "although the sign-on session lives");
    let page = fill(&form, &mut tab);

    assert_eq!(page.body, "a page");
    let after = house.whoami(&mut tab);
    assert_eq!(after.context("session"), before.context("session"));
    assert_ne!(after.context("authenticated-at"), before.context("authenticated-at"));
}

#[test]
fn what_the_same_answer_writes_is_written_first() {
    let house = House::open();
    let mut tab = house.browser().tab();
    let path = house.app.answering("/basket", &[REQUIRE, r#"x-context-update: {"basket":["wanted"]}"#]);

    let asked = tab.open(&house.shop(&path)).is(303);

    assert_eq!(asked.sets(), ["vst", "vst-at", "vst-keep"]);
    assert_eq!(house.whoami(&mut tab.browser.tab()).attribute("basket"), serde_json::json!(["wanted"]));
}

#[test]
fn an_app_that_is_never_content_is_stopped_within_the_minute() {
    let house = House::open();
    let mut tab = house.browser().tab();
    let path = house.app.answering("", &["x-context-require: logged-on; max-age=0"]);
    let asked = tab.open(&house.shop(&path)).is(303);
    let form = tab.follow(asked).is(200);
    let answered = Form::of(&form).submit(&mut tab, &[("username", ALICE), ("password", PASSWORD)]).is(303);
    let back = tab.step(&answered).is(303);
    house.advance(Duration::from_secs(1));

    let stopped = tab.step(&back).is(403).sets_nothing();
    assert_eq!(stopped.json()["type"], "urn:vestibule:problem:step-up-loop");
    house.advance(MINUTE);
    tab.open(&house.shop(&path)).is(303).sets_nothing();
}

#[test]
fn an_answer_that_has_grown_old_is_asked_for_again_and_a_demand_without_an_age_is_none_to_be_repeated() {
    let house = House::open();
    let mut tab = house.logged_on();
    house.advance(MINUTE);
    let any = house.app.answering("", &[REQUIRE]);
    let asked = tab.open(&house.outlet(&any)).is(303);
    tab.follow(asked).is(200);
    let fresh = house.app.answering("", &["x-context-require: logged-on; max-age=10"]);
    let asked = tab.open(&house.outlet(&fresh)).is(303);
    let form = tab.follow(asked).is(200);
    let answered = Form::of(&form).submit(&mut tab, &[("username", ALICE), ("password", PASSWORD)]).is(303);
    tab.follow(answered).is(200);
    house.advance(Duration::from_secs(20));
    tab.open(&house.outlet(&fresh)).is(303);
}

#[test]
fn a_demand_that_cannot_be_read_shows_no_page_and_harms_no_session() {
    let house = House::open();
    let mut tab = house.logged_on();
    for lines in [
        &["x-context-require: root"][..],
        &["x-context-require: logged-on; max-age=soon"],
        &["x-context-require: logged-on; max-age=-1"],
        &["x-context-require: "],
        &["x-context-require: LOGGED-ON"],
        &[REQUIRE, REQUIRE],
        &["x-context-logout: nowhere"],
        &["x-context-logout: this", "x-context-logout: everywhere"],
        &["x-context-logout: nowhere", r#"x-context-update: {"basket":["never shown"]}"#],
        &["x-context-require: root", r#"x-context-update: {"basket":["never shown"]}"#],
    ] {
        let path = house.app.answering("", lines);
        let page = tab.open(&house.shop(&path)).is(502).sets_nothing();
        assert!(!page.body.contains("a page"), "{lines:?}: {page:?}");
    }
    let told = house.whoami(&mut tab);
    assert_eq!(
        (told.standing(), told.attributes()),
        ("logged-on", serde_json::json!({})),
        "nothing was saved"
    );
}

#[test]
fn a_route_for_returning_visitors_takes_them_and_asks_others() {
    let house = House::open();
    let mut tab = house.browser().tab();
    tab.open(&house.shop("/desk")).is(303).sets_nothing();

    house.patch(&mut tab, r#"{"basket":[1]}"#).is(200);

    tab.open(&house.shop("/desk")).is(200).sets_nothing();
}

#[track_caller]
fn fill(page: &Reply, tab: &mut Tab) -> Reply {
    let answered = Form::of(page).submit(tab, &[("username", ALICE), ("password", PASSWORD)]).is(303);
    tab.follow(answered).is(200)
}
