//! A load balancer in front of the log-in: whoever guesses passwords behind it is slowed down, and not his neighbours.
//! Only a listed one is believed.

use super::form::Form;
use super::house::{ALICE, House, PASSWORD};

/// Wrong passwords of one user from one network before there is a wait.
const FREE: u32 = 10;

#[test]
fn two_visitors_behind_a_listed_load_balancer_are_counted_apart() {
    let house = House::with_idp("trusted_peers = [\"127.0.0.0/8\"]");
    guess(&house, "198.51.100.9");
    assert_eq!(log_in(&house, "198.51.100.9", PASSWORD), 429);
    // What he claims himself stands before what the load balancer adds.
    assert_eq!(log_in(&house, "203.0.113.5, 198.51.100.9", PASSWORD), 429);
    assert_eq!(log_in(&house, "203.0.113.5", PASSWORD), 303);
}

#[test]
fn who_is_not_listed_says_nothing_about_where_he_comes_from() {
    let house = House::open();
    guess(&house, "198.51.100.9");
    assert_eq!(log_in(&house, "203.0.113.5", PASSWORD), 429);
}

#[test]
fn the_access_line_knows_who_came_through_it() {
    let mut house = House::with_idp("trusted_peers = [\"127.0.0.0/8\"]");
    assert_eq!(log_in(&house, "203.0.113.5", PASSWORD), 303);
    house.stop();
    let log = std::fs::read_to_string(house.access_log()).expect("an access log");
    let mut log_ins = log.lines().filter(|line| line.contains(r#""method":"POST""#));
    let line = log_ins.next().expect("a log-in");
    assert!(line.contains(r#""peer":"127.0.0.1""#) && line.contains(r#""client":"203.0.113.5""#), "{line}");
}

fn guess(house: &House, from: &str) {
    for _ in 0..FREE {
        assert_eq!(log_in(house, from, "wrong"), 403);
    }
}

/// Logs in with a new browser; the status of the answer.
#[track_caller]
fn log_in(house: &House, from: &str, password: &str) -> u16 {
    let mut tab = house.browser().tab();
    let asked = tab.open(&house.shop("/account"));
    let form = Form::of(&tab.follow(asked));
    let sent = form.filled(&[("username", ALICE), ("password", password)]);
    tab.send(sent.with(&format!("X-Forwarded-For: {from}"))).status
}
