//! One user in too many browsers: the one that logged in first has to do it again, whoever is busiest.

use std::sync::Barrier;
use std::thread;

use vestibule_testkit::patience::PATIENCE;

use super::browser::Tab;
use super::house::{FEED_BOUND, House, LOGIN, SHOP, eventually};

/// Browsers in which a user may be logged in.
const BROWSERS_MAX: usize = 20;

#[test]
fn the_oldest_browser_of_too_many_is_logged_out() {
    let house = House::open();
    let mut tabs: Vec<Tab> = (0..BROWSERS_MAX).map(|_| logged_on(&house)).collect();
    for tab in &mut tabs {
        assert_eq!(house.whoami(tab).standing(), "logged-on");
    }

    let mut newest = logged_on(&house);

    let (oldest, others) = tabs.split_first_mut().expect("many tabs");
    eventually(FEED_BOUND, "the end of the oldest log-on", || house.whoami(oldest).standing() != "logged-on");
    for tab in others.iter_mut().chain([&mut newest]) {
        assert_eq!(house.whoami(tab).standing(), "logged-on");
    }
    let asked = oldest.open(&house.shop("/account"));
    assert_eq!(oldest.follow(asked).is(200).url.host_str(), Some(LOGIN));
}

/// All of one log-in, on one node, whose store is a file. Those that are too many are told so on their way back, or find it
/// out with their next page.
#[test]
fn of_sixty_four_log_ons_at_once_as_many_stay_as_the_cap_allows() {
    let house = House::with_idp("caps = { sign_ons_per_user = 20, sessions_per_user = 20 }");
    let first = logged_on(&house).browser;
    let mut tabs: Vec<_> = (0..64).map(|_| first.copy().tab()).collect();
    let (all_are_ready, account) = (Barrier::new(tabs.len()), house.shop("/account"));
    thread::scope(|scope| {
        for tab in &mut tabs {
            for cookie in ["__Host-vst", "__Host-vst-keep"] {
                tab.browser.remove_cookie(SHOP, cookie);
            }
            scope.spawn(|| {
                all_are_ready.wait();
                let asked = tab.open(&account);
                tab.follow(asked);
            });
        }
    });
    tabs.push(first.tab());
    eventually(PATIENCE, "as many log-ons as the cap allows", || {
        let stays = |tab: &mut Tab| house.whoami(tab).standing() == "logged-on";
        tabs.iter_mut().map(stays).filter(|stays| *stays).count() == BROWSERS_MAX
    });
}

#[test]
fn how_many_are_too_many_is_a_setting() {
    let house = House::with_idp("caps = { sign_ons_per_user = 2, sessions_per_user = 2 }");
    let mut tabs = [(); 2].map(|()| logged_on(&house));
    let mut newest = logged_on(&house);
    let [oldest, other] = &mut tabs;
    eventually(FEED_BOUND, "the end of the oldest log-on", || house.whoami(oldest).standing() != "logged-on");
    for tab in [other, &mut newest] {
        assert_eq!(house.whoami(tab).standing(), "logged-on");
    }
}

#[test]
fn a_new_log_in_of_the_same_browser_takes_the_place_of_its_old_one() {
    let house = House::open();
    let mut first = logged_on(&house);
    let mut second = house.browser().tab();
    for _ in 0..=BROWSERS_MAX {
        house.advance(super::house::MINUTE);
        second.log_in(&house.shop("/.vestibule/login?to=%2F&max_age=0"));
    }

    assert_eq!(house.whoami(&mut first).standing(), "logged-on");
    assert_eq!(house.whoami(&mut second).standing(), "logged-on");
}

#[track_caller]
fn logged_on(house: &House) -> Tab {
    let tab = house.logged_on();
    house.advance(std::time::Duration::from_secs(1));
    tab
}
