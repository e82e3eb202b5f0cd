//! kill -9 of the log-in between the steps of an end: after its transaction and before anybody was told, and at any
//! moment. Proxy and gateway stay up. What was committed holds everywhere, what was not has not begun.

use std::time::Duration;

use vestibule_testkit::client::Raw;
use vestibule_testkit::fault::Which;
use vestibule_testkit::patience::{PATIENCE, Patience};

use super::form::Form;
use super::house::{ALICE, PASSWORD, eventually};
use super::registry::Sight;
use super::split::{Held, Split};

const NEW: &str = "another battery of horses";

/// How long a gateway believes what it has not been told otherwise: a lease.
const LEASE_BOUND: Duration = Duration::from_millis(1_500);

/// Deaths at any moment.
const DEATHS: u32 = 9;

const EPOCH: &str = "SELECT epoch FROM users";

/// What ends everything that alice has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    /// By an administrator.
    Disable,
    /// By herself: from the one to the other.
    Password(&'static str, &'static str),
}

impl Order {
    /// Gives it, and does not wait for the answer.
    fn give(self, split: &Split, held: &mut Held) -> Raw {
        match self {
            Self::Disable => split.administer(&format!("users/{}/disable", held.user()), ""),
            Self::Password(old, new) => {
                let page = held.tab.open(&split.login("/password")).is(200);
                let filled =
                    [("username", ALICE), ("password", old), ("new_password", new), ("repeat_password", new)];
                held.tab.put(&Form::of(&page).filled(&filled))
            }
        }
    }

    /// Its word in the audit.
    fn word(self) -> &'static str {
        match self {
            Self::Disable => "user-disabled",
            Self::Password(..) => "password-changed",
        }
    }
}

#[test]
fn a_user_who_was_disabled_right_before_the_death_is_out_everywhere() {
    let (split, user) = dies_untold(Order::Disable);
    split.cannot_log_in(PASSWORD);
    assert_eq!(split.administer(&format!("users/{user}/enable"), "").response().status, 204);
    split.log_on(PASSWORD).lives(&split);
}

#[test]
fn a_password_that_was_changed_right_before_the_death_is_changed_everywhere() {
    let (split, _) = dies_untold(Order::Password(PASSWORD, NEW));
    split.cannot_log_in(PASSWORD);
    split.log_on(NEW).lives(&split);
}

/// The transaction is done, nothing of it has left the process: neither the acknowledgement nor a row of the feed.
#[track_caller]
fn dies_untold(order: Order) -> (Split, String) {
    let mut split = Split::start();
    let (mut held, mut sight) = (split.log_on(PASSWORD), split.sight());
    held.lives(&split);
    let epoch = sight.number(EPOCH);

    split.road().black_hole();
    let unread = order.give(&split, &mut held);
    eventually(PATIENCE, "the transaction", || sight.number(EPOCH) > epoch);
    split.kill();
    drop(unread);
    // What was on its way is lost.
    split.road().reset(Which::All);
    split.road().heal();

    is_whole(&mut sight, order, epoch);
    // Nobody has told the gateway, and it may not believe that for long.
    let killed = Patience::new(PATIENCE);
    let mut begins = Duration::ZERO;
    while held.calls(&split).contains(&200) {
        assert!(begins < LEASE_BOUND, "a call passed {begins:?} after the death");
        begins = killed.waited();
    }
    split.start_login();
    held.is_over(&split);
    let user = held.user();
    (split, user)
}

/// As far as the transaction comes without an end of its own; PostgreSQL has changed all rows by then.
#[test]
fn a_transaction_that_dies_under_way_has_not_begun() {
    let mut split = Split::start();
    let (mut held, mut sight) = (split.log_on(PASSWORD), split.sight());
    held.lives(&split);
    let epoch = sight.number(EPOCH);
    for order in [Order::Disable, Order::Password(PASSWORD, NEW)] {
        let mut stall = sight.stall();
        let unread = order.give(&split, &mut held);
        stall.is_reached(&mut sight);
        split.kill();
        drop((unread, stall));
        sight.settle();

        assert_eq!(sight.number(EPOCH), epoch, "{order:?}");
        has_not_begun(&mut sight);
        split.start_login();
        held.lives(&split);
    }
    split.cannot_log_in(NEW);
    split.log_on(PASSWORD).lives(&split);
}

#[test]
fn whenever_it_dies_an_end_is_whole_or_has_not_begun() {
    let mut split = Split::start();
    let mut sight = split.sight();
    let (mut now, mut other) = (PASSWORD, NEW);
    for death in 0..DEATHS {
        let mut held = split.log_on(now);
        held.lives(&split);
        let epoch = sight.number(EPOCH);

        let order = Order::Password(now, other);
        let unread = order.give(&split, &mut held);
        // Looking takes its time, so it dies later each time: at last when the transaction is seen.
        let mut looks = (0..(1 << (2 * death)) / 4).map(|_| sight.number(EPOCH));
        let _seen = looks.find(|seen| *seen > epoch);
        split.kill();
        drop(unread);
        sight.settle();
        let is_done = sight.number(EPOCH) > epoch;
        println!("death {death}: {}", if is_done { "whole" } else { "not begun" });
        if is_done {
            is_whole(&mut sight, order, epoch);
        } else {
            has_not_begun(&mut sight);
        }

        split.start_login();
        if is_done {
            held.is_over(&split);
            (now, other) = (other, now);
        } else {
            held.lives(&split);
        }
    }
    split.cannot_log_in(other);
}

/// Everything that belongs to the end, and nothing that it should have ended.
#[track_caller]
fn is_whole(sight: &mut Sight, order: Order, before: i64) {
    let epoch = before + 1;
    assert_eq!(sight.number(EPOCH), epoch);
    for table in ["sign_ons", "grants", "families", "codes", "access_tokens"] {
        assert_eq!(sight.number(&format!("SELECT count(*) FROM {table}")), 0, "{table}");
    }
    let told = format!("SELECT count(*) FROM outbox WHERE kind = 'user' AND epoch = {epoch}");
    assert_eq!(sight.number(&told), 1, "{order:?} is told");
    let word = order.word();
    let audited = format!("SELECT count(*) FROM audit WHERE note = '{word}'");
    let told = format!("SELECT count(*) FROM outbox WHERE cause = '{word}'");
    assert_eq!(sight.number(&audited), sight.number(&told), "{order:?} is audited");
    let disabled = sight.number("SELECT count(*) FROM users WHERE disabled_at IS NOT NULL");
    assert_eq!(disabled, i64::from(order == Order::Disable));
}

/// Everything that alice has is there.
#[track_caller]
fn has_not_begun(sight: &mut Sight) {
    for table in ["sign_ons", "grants", "families", "access_tokens"] {
        assert!(sight.number(&format!("SELECT count(*) FROM {table}")) > 0, "{table}");
    }
}
