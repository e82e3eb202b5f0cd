//! Logging out: here and everywhere, in this tab and the others, by the visitor and by an app.

use std::thread;
use std::time::Duration;

use serde_json::json;
use vestibule_testkit::patience::PATIENCE;
use vestibule_testkit::upstream::{Step, answer};

use super::browser::{Ask, Reply, Tab};
use super::form::Form;
use super::house::{FEED_BOUND, House, LOGIN, MINUTE, SHOP, eventually};

/// Between two bytes of a page that comes slowly.
const EVERY: Duration = Duration::from_millis(20);

#[test]
fn a_log_out_clears_both_cookies_and_leaves_a_stranger() {
    let house = House::open();
    let mut tab = logged_on(&house);
    let before = house.whoami(&mut tab);

    let reply = log_out(&house, &mut tab, "this");

    assert_eq!(reply.field("location"), "/");
    assert_eq!(reply.sets(), ["-vst", "-vst-keep"]);
    let told = house.whoami(&mut tab);
    assert_eq!((told.standing(), told.attributes()), ("anonymous", json!(null)));
    house.patch(&mut tab, r#"{"basket":["new"]}"#).is(200);
    let after = house.whoami(&mut tab);
    assert_ne!(after.context("visitor"), before.context("visitor"));
    assert_ne!(after.context("session"), before.context("session"));
    assert_eq!((after.context("remembered-user"), after.attributes()), (None, json!({"basket": ["new"]})));
}

#[test]
fn a_tab_that_still_shows_the_page_from_before_is_logged_out_with_its_next_request() {
    let house = House::open();
    let mut tab = logged_on(&house);
    // A browser that has not noticed: its requests still carry the cookies from before.
    let mut other = tab.browser.copy().tab();
    assert_eq!(house.whoami(&mut other).standing(), "logged-on");

    log_out(&house, &mut tab, "this");

    assert_eq!(house.whoami(&mut other).standing(), "anonymous");
    let path = house.app.new_path("/account");
    other.open(&house.shop("/")).is(200).sets_nothing();
    other.fetch("POST", &path).is(401).sets_nothing();
    assert_eq!(house.app.calls(&path), 0);
}

#[test]
fn the_next_log_on_asks_for_credentials() {
    let house = House::open();
    let mut tab = logged_on(&house);

    log_out(&house, &mut tab, "this");
    let asked = tab.open(&house.shop("/account"));

    assert_eq!(tab.follow(asked).is(200).url.host_str(), Some(LOGIN));
}

#[test]
fn a_log_out_reaches_the_other_site_of_this_browser_but_no_other_browser() {
    let house = House::open();
    let mut tab = logged_on(&house);
    let asked = tab.open(&house.outlet("/account"));
    tab.follow(asked).is(200);
    let mut elsewhere = logged_on(&house);

    log_out(&house, &mut tab, "this");

    eventually(FEED_BOUND, "the log-out at the outlet", || {
        house.whoami_in_outlet(&mut tab).standing() != "logged-on"
    });
    assert_eq!(house.whoami(&mut elsewhere).standing(), "logged-on");
}

#[test]
fn a_log_out_ends_what_had_fallen_idle_at_the_other_site_of_this_browser() {
    for was_noticed in [true, false] {
        let house = House::open();
        let mut tab = logged_on(&house);
        let asked = tab.open(&house.outlet("/account"));
        tab.follow(asked).is(200);
        let mut elsewhere = logged_on(&house);
        for _ in 0..2 {
            house.advance(20 * MINUTE);
            assert_eq!(house.whoami(&mut tab).standing(), "logged-on");
            assert_eq!(house.whoami(&mut elsewhere).standing(), "logged-on");
        }
        if was_noticed {
            assert_eq!(house.whoami_in_outlet(&mut tab).standing(), "returning");
        }

        log_out(&house, &mut tab, "this");

        eventually(PATIENCE, "the end at the outlet", || {
            house.whoami_in_outlet(&mut tab).standing() == "anonymous"
        });
        assert_eq!(house.whoami(&mut elsewhere).standing(), "logged-on");
    }
}

#[test]
fn after_an_idle_fall_a_log_out_still_reaches_the_other_site_of_this_browser() {
    let house = House::open();
    let mut tab = logged_on(&house);
    let asked = tab.open(&house.outlet("/account"));
    tab.follow(asked).is(200);
    for _ in 0..4 {
        house.advance(10 * MINUTE);
        assert_eq!(house.whoami_in_outlet(&mut tab).standing(), "logged-on");
    }
    // This visit finds the fall and writes it down.
    assert_eq!(house.whoami(&mut tab).standing(), "returning");

    log_out(&house, &mut tab, "this");

    eventually(FEED_BOUND, "the log-out at the outlet", || {
        house.whoami_in_outlet(&mut tab).standing() != "logged-on"
    });
    assert_eq!(house.whoami(&mut tab).standing(), "anonymous");
    let asked = tab.open(&house.outlet("/account"));
    assert_eq!(tab.follow(asked).is(200).url.host_str(), Some(LOGIN), "the sign-on session is over");
}

#[test]
fn the_log_ins_own_page_logs_out_this_browser_on_all_sites() {
    let house = House::open();
    let mut tab = logged_on(&house);
    let asked = tab.open(&house.outlet("/account"));
    tab.follow(asked).is(200);
    let mut elsewhere = logged_on(&house);

    let page = tab.open(&house.login("/logout")).is(200);
    assert_eq!(Form::of(&page).submit(&mut tab, &[]).is(200).sets(), ["-vst-idp"]);

    eventually(FEED_BOUND, "the log-out at the shop", || house.whoami(&mut tab).standing() != "logged-on");
    eventually(FEED_BOUND, "the log-out at the outlet", || {
        house.whoami_in_outlet(&mut tab).standing() != "logged-on"
    });
    assert_eq!(house.whoami(&mut elsewhere).standing(), "logged-on");
}

#[test]
fn everywhere_means_every_browser_and_every_site() {
    let house = House::open();
    let mut tab = logged_on(&house);
    let mut elsewhere = logged_on(&house);
    let asked = elsewhere.open(&house.outlet("/account"));
    elsewhere.follow(asked).is(200);

    log_out(&house, &mut tab, "everywhere");

    eventually(FEED_BOUND, "the log-out of the other browser", || {
        house.whoami(&mut elsewhere).standing() != "logged-on"
    });
    eventually(FEED_BOUND, "its log-out at the outlet", || {
        house.whoami_in_outlet(&mut elsewhere).standing() != "logged-on"
    });
    let asked = elsewhere.open(&house.shop("/account"));
    assert_eq!(elsewhere.follow(asked).is(200).url.host_str(), Some(LOGIN), "it really has to log in again");
}

#[test]
fn who_is_not_logged_on_cannot_log_out_the_user_everywhere_and_is_told_so() {
    let house = House::open();
    let thief = logged_on(&house).browser;
    thief.remove_cookie(SHOP, "__Host-vst");
    let idle = logged_on(&house);
    house.advance(31 * MINUTE);
    let mut elsewhere = logged_on(&house);

    for mut tab in [thief.tab(), idle] {
        let told = log_out_of(&house, &mut tab, "everywhere").is(403);
        assert_eq!(told.sets(), ["-vst", "-vst-keep"]);
        assert!(told.body.contains("logged out here"), "{told:?}");
        assert_eq!(house.whoami(&mut tab).standing(), "anonymous");
    }

    // Ends are heard in their order: one of all the user would have come before this one.
    let mut marker = logged_on(&house);
    let asked = marker.open(&house.outlet("/account"));
    marker.follow(asked).is(200);
    log_out(&house, &mut marker, "this");
    eventually(FEED_BOUND, "a later end", || house.whoami_in_outlet(&mut marker).standing() != "logged-on");
    assert_eq!(house.whoami(&mut elsewhere).standing(), "logged-on");
}

#[test]
fn an_app_logs_out_by_a_header_that_the_browser_never_sees() {
    let house = House::open();
    for scope in ["this", "everywhere"] {
        let mut tab = logged_on(&house);
        let path = house.app.answering("/account", &[&format!("x-context-logout: {scope}")]);

        let page = tab.open(&house.shop(&path)).is(200);

        assert_eq!(
            (page.body.as_str(), page.sets()),
            ("a page", vec!["-vst".to_owned(), "-vst-keep".to_owned()])
        );
        assert!(!page.fields.has("x-context-logout"));
        assert_eq!(house.whoami(&mut tab).standing(), "anonymous");
    }
}

#[test]
fn the_page_that_logs_out_arrives_whole_however_slowly_it_comes() {
    let house = House::open();
    let chunks = "5\r\nyou a\r\n6\r\nre out\r\n0\r\n\r\n";
    for (scope, framing, sent) in
        [("this", "Transfer-Encoding: chunked", chunks), ("everywhere", "Content-Length: 11", "you are out")]
    {
        let mut tab = logged_on(&house);
        let head = format!("HTTP/1.1 200 OK\r\nx-context-logout: {scope}\r\n{framing}\r\n\r\n");
        let slowly = Step::Trickle(sent.as_bytes().to_vec(), EVERY);
        let path = house.app.playing("/account", vec![Step::ReadBody, Step::send(head), slowly]);

        // Like the page of a log-out form; its own end must not cut it.
        let told = tab.fetch("POST", &path).is(200);

        assert_eq!(told.body, "you are out");
        assert_eq!(told.sets(), ["-vst", "-vst-keep"]);
        assert_eq!(house.whoami(&mut tab).standing(), "anonymous");
    }
}

#[test]
fn a_patch_that_arrives_after_the_log_out_is_dropped_and_the_page_delivered() {
    let house = House::open();
    let mut tab = logged_on(&house);
    let dead = tab.browser.copy();
    let session = house.whoami(&mut tab).context("session").expect("a session").to_owned();
    let held = answer(200, &[r#"x-context-update: {"basket":["ghost"]}"#], "a page");
    let path = house.app.playing("/basket", vec![Step::ReadBody, Step::Hold("late"), Step::Send(held)]);

    let late = thread::scope(|scope| {
        let (mut late, url) = (tab.clone(), house.shop(&path));
        let asked = scope.spawn(move || late.open(&url));
        house.app.wait_for(&path);
        log_out(&house, &mut tab, "this");
        house.app.release("late");
        asked.join().expect("an answer")
    });

    // B24: never resurrects, never lands on another session, and no cookie of a late answer overwrites a newer one.
    assert_eq!(late.is(200).sets_nothing().body, "a page");
    for mut tab in [tab, dead.tab()] {
        assert_eq!(house.whoami(&mut tab).standing(), "anonymous");
    }
    house.has_refused(&[(path.clone(), Some("the session has ended meanwhile"))]);
    assert_eq!(house.access_line(&path)["session"], session);
    // What stays of it says how it ended, and nothing comes after that.
    let life = house.life(&session);
    let end = "The session ended. The visitor logged out in this browser.";
    assert_eq!(life.last().map(String::as_str), Some(end), "{life:?}");
}

#[test]
fn a_dead_cookie_is_answered_in_silence() {
    let house = House::open();
    let mut tab = logged_on(&house);
    let dead = tab.browser.copy();
    log_out(&house, &mut tab, "this");

    let mut tab = dead.tab();
    assert_eq!(house.whoami(&mut tab).standing(), "anonymous");
    log_out_of(&house, &mut tab, "this").is(303).sets_nothing();
    tab.open(&house.shop("/account")).is(303).sets_nothing();
    tab.open(&house.shop("/.vestibule/session")).is(200).sets_nothing();
}

#[test]
fn only_a_form_of_the_site_logs_out() {
    let house = House::open();
    let mut tab = logged_on(&house);
    tab.open(&house.shop("/")).is(200);

    tab.open(&house.shop("/.vestibule/logout")).is(405).sets_nothing();
    for scope in ["nowhere", "THIS"] {
        log_out_of(&house, &mut tab, scope).is(400).sets_nothing();
    }
    let without = Ask::form(&house.shop("/.vestibule/logout"), &house.shop("/"), &[]);
    assert_eq!(house.whoami(&mut tab).standing(), "logged-on");
    assert_eq!(tab.send(without).is(303).sets(), ["-vst", "-vst-keep"], "`this` is the default");
}

#[track_caller]
fn logged_on(house: &House) -> Tab {
    let mut tab = house.logged_on();
    house.patch(&mut tab, r#"{"basket":["old"]}"#).is(200);
    tab
}

#[track_caller]
fn log_out(house: &House, tab: &mut Tab, scope: &str) -> Reply {
    log_out_of(house, tab, scope).is(303)
}

#[track_caller]
fn log_out_of(house: &House, tab: &mut Tab, scope: &str) -> Reply {
    let url = house.shop("/.vestibule/logout");
    tab.send(Ask::form(&url, &house.shop("/"), &[("scope", scope)]))
}
