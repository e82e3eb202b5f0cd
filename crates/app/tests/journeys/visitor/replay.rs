//! Codes and refresh tokens that are shown twice: somebody has a copy, so what came of them ends.

use std::thread;

use vestibule_ports::authority::{Authority as _, Password};
use vestibule_testkit::patience::PATIENCE;

use super::browser::Ask;
use super::client::Mobile;
use super::house::{DAY, House, MINUTE, eventually};

const OFFLINE: &str = "openid offline_access orders:read products:read";

#[test]
fn a_code_that_is_shown_twice_ends_what_the_first_one_got() {
    let house = House::open();
    let mobile = Mobile::new(&house);
    let code = mobile.code(OFFLINE);
    let first = mobile.redeem(&code).is(200).text("refresh_token");

    assert_eq!(mobile.redeem(&code).is(400).text("error"), "invalid_grant");

    assert_eq!(mobile.refresh(&first).is(400).text("error"), "invalid_grant");
}

#[test]
fn of_a_code_that_is_shown_twice_at_once_one_is_taken_at_most() {
    let house = House::open();
    let mobile = Mobile::new(&house);
    let code = mobile.code(OFFLINE);

    let replies = thread::scope(|scope| {
        let both = [(); 2].map(|()| scope.spawn(|| mobile.redeem(&code)));
        both.map(|asked| asked.join().expect("an answer"))
    });

    assert!(replies.iter().filter(|reply| reply.status == 200).count() <= 1, "{replies:?}");
    for taken in replies.iter().filter(|reply| reply.status == 200) {
        assert_eq!(mobile.refresh(&taken.text("refresh_token")).is(400).text("error"), "invalid_grant");
    }
}

#[test]
fn a_code_lasts_a_minute() {
    let house = House::open();
    let mobile = Mobile::new(&house);
    let code = mobile.code(OFFLINE);
    house.advance(MINUTE);

    assert_eq!(mobile.redeem(&code).is(400).text("error"), "invalid_grant");
}

#[test]
fn a_refresh_token_that_is_used_again_ends_the_family() {
    let house = House::open();
    let mobile = Mobile::new(&house);
    let first = mobile.redeem(&mobile.code(OFFLINE)).is(200).text("refresh_token");
    let second = mobile.refresh(&first).is(200).text("refresh_token");
    assert_ne!(first, second);
    let other_device = mobile.redeem(&mobile.code(OFFLINE)).is(200).text("refresh_token");

    house.advance(MINUTE);
    assert_eq!(mobile.refresh(&first).is(400).text("error"), "invalid_grant");

    assert_eq!(mobile.refresh(&second).is(400).text("error"), "invalid_grant", "thief and owner both");
    mobile.refresh(&other_device).is(200);
}

#[test]
fn two_refreshes_at_once_do_not_log_anybody_out() {
    let house = House::open();
    let mobile = Mobile::new(&house);

    // The second one is a replay unless it comes while the first is under way, which takes luck.
    eventually(PATIENCE, "two refreshes at once", || {
        let refresh = mobile.redeem(&mobile.code(OFFLINE)).is(200).text("refresh_token");
        let replies = thread::scope(|scope| {
            let both = [(); 2].map(|()| scope.spawn(|| mobile.refresh(&refresh)));
            both.map(|asked| asked.join().expect("an answer"))
        });
        if replies.iter().any(|reply| reply.status != 200) {
            return false;
        }
        let [one, other] = replies.map(|reply| reply.text("refresh_token"));
        assert_eq!(one, other, "both apps go on with the same token");
        mobile.refresh(&one).is(200);
        true
    });
}

#[test]
fn what_ends_with_the_user_and_what_survives_the_browsers_log_out() {
    let house = House::open();
    let mobile = Mobile::new(&house);
    let mut tab = house.browser().tab();
    let back = mobile.authorize(&mut tab, OFFLINE);
    let refresh = mobile.redeem(&back.parameter("code").expect("a code")).is(200).text("refresh_token");
    house.log_in_by_sign_on(&mut tab);
    let url = house.shop("/.vestibule/logout");

    tab.send(Ask::form(&url, &house.shop("/"), &[("scope", "this")])).is(303);
    let refresh = mobile.refresh(&refresh).is(200).text("refresh_token");

    tab.log_in(&house.shop("/account"));
    tab.send(Ask::form(&url, &house.shop("/"), &[("scope", "everywhere")])).is(303);
    assert_eq!(mobile.refresh(&refresh).is(400).text("error"), "invalid_grant");
}

#[test]
fn a_new_password_ends_every_app() {
    let house = House::open();
    let mobile = Mobile::new(&house);
    let refresh = mobile.redeem(&mobile.code(OFFLINE)).is(200).text("refresh_token");
    let pending = mobile.code(OFFLINE);

    let idp = house.running().idp().expect("a log-in");
    let new = Password::new("another battery of horses");
    house.running().wait(idp.set_password(&house.alice(), new, "test")).expect("a new password");

    assert_eq!(mobile.refresh(&refresh).is(400).text("error"), "invalid_grant");
    assert_eq!(
        mobile.redeem(&pending).is(400).text("error"),
        "invalid_grant",
        "and a code that was on its way"
    );
}

#[test]
fn an_app_that_gives_its_tokens_back_is_done() {
    let house = House::open();
    let mobile = Mobile::new(&house);
    let refresh = mobile.redeem(&mobile.code(OFFLINE)).is(200).text("refresh_token");
    let url = house.login("/revoke");

    for token in [refresh.as_str(), "no-token-at-all"] {
        let fields = [("client_id", "mobile-app"), ("token", token)];
        house.browser().tab().send(Ask::form(&url, &url, &fields).silent()).is(200);
    }

    assert_eq!(mobile.refresh(&refresh).is(400).text("error"), "invalid_grant");
    house.advance(DAY);
    assert_eq!(mobile.refresh(&refresh).is(400).text("error"), "invalid_grant");
}
