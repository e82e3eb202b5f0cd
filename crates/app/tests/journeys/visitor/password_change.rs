//! What ends a user's log-ons from outside: a new password, being disabled, an administrator. Every browser of the user
//! is logged out before a quarter of a second has passed.

use vestibule_ports::authority::{Authority as _, Password};
use vestibule_ports::issuer::End;

use super::browser::Tab;
use super::form::Form;
use super::house::{ALICE, FEED_BOUND, House, LOGIN, PASSWORD, eventually};

const NEW: &str = "another battery of horses";

#[test]
fn the_user_changes_the_password_and_every_browser_is_logged_out() {
    let house = House::open();
    let (mut tab, mut elsewhere) = (house.logged_on(), house.logged_on());

    let page = tab.open(&house.login("/password")).is(200);
    let filled =
        [("username", ALICE), ("password", PASSWORD), ("new_password", NEW), ("repeat_password", NEW)];
    Form::of(&page).submit(&mut tab, &filled).is(200);

    for tab in [&mut tab, &mut elsewhere] {
        is_logged_out(&house, tab);
    }
    let asked = tab.open(&house.shop("/account"));
    let form = tab.follow(asked).is(200);
    assert_eq!(form.url.host_str(), Some(LOGIN));
    let again = Form::of(&form).submit(&mut tab, &[("username", ALICE), ("password", PASSWORD)]).is(403);
    let answered = Form::of(&again).submit(&mut tab, &[("username", ALICE), ("password", NEW)]).is(303);
    tab.follow(answered).is(200);
    assert_eq!(house.whoami(&mut tab).standing(), "logged-on");
}

#[test]
fn an_administrator_sets_the_password() {
    ended_by(|house| {
        let idp = house.running().idp().expect("a log-in");
        house
            .running()
            .wait(idp.set_password(&house.alice(), Password::new(NEW), "test"))
            .expect("a new password");
    });
}

#[test]
fn an_administrator_ends_all_of_the_user() {
    ended_by(|house| {
        let idp = house.running().idp().expect("a log-in");
        house.running().wait(idp.revoke(End::User { id: house.alice(), by: None }, "test")).expect("an end");
    });
}

#[test]
fn an_administrator_disables_the_user_who_cannot_log_in_again() {
    let house = ended_by(|house| {
        let idp = house.running().idp().expect("a log-in");
        house.running().wait(idp.set_disabled(&house.alice(), true, "test")).expect("a disabled user");
    });

    let mut tab = house.browser().tab();
    let asked = tab.open(&house.shop("/account"));
    let form = tab.follow(asked).is(200);
    Form::of(&form).submit(&mut tab, &[("username", ALICE), ("password", PASSWORD)]).is(403);
    assert_eq!(house.whoami(&mut tab).standing(), "anonymous");
}

/// Ends alice's log-ons while bob is logged on too.
#[track_caller]
fn ended_by(end: impl Fn(&House)) -> House {
    let house = House::open();
    house.add_user("bob", "a battery of another horse");
    let (mut tab, mut bob) = (house.logged_on(), house.browser().tab());
    bob.log_in_as(&house.shop("/account"), "bob", "a battery of another horse");

    end(&house);

    is_logged_out(&house, &mut tab);
    assert_eq!(house.whoami(&mut bob).standing(), "logged-on");
    house
}

/// Nothing of the log-on is left, and the cookies are as they were.
#[track_caller]
fn is_logged_out(house: &House, tab: &mut Tab) {
    eventually(FEED_BOUND, "the end of the log-on", || house.whoami(tab).standing() != "logged-on");
    let told = house.whoami(tab);
    assert_eq!((told.context("user"), told.context("claims")), (None, None));
    let path = house.app.new_path("/account");
    tab.open(&house.shop(&path)).is(303).sets_nothing();
    assert_eq!(house.app.calls(&path), 0);
}
