//! The feed: every end once, in order, without a hole; a follower who is too late is told so.

use vestibule_domain::identity::{Epoch, Handle, SignOnId, Timestamp};
use vestibule_ports::issuer::{Cause, Ended};
use vestibule_registry::Registry;
use vestibule_registry::key::{NewKey, Pkcs8, Purpose};
use vestibule_registry::outbox::{FEED_PAGE_MAX, FeedPage, OUTBOX_KEPT};
use vestibule_registry::user::Profile;

use super::fixture::*;

fn end(registry: &Registry, name: &str, at: Timestamp) {
    let id: SignOnId = name.parse().unwrap();
    registry.end_sign_on(&id, Cause::Revoked, &act(at)).unwrap();
}

fn rows(page: FeedPage) -> Vec<u64> {
    match page {
        FeedPage::Rows { rows, .. } => rows.into_iter().map(|told| told.seq).collect(),
        FeedPage::Gap { newest } => panic!("a gap before {newest}"),
    }
}

#[test]
fn every_kind_of_end_comes_back_as_it_was_told() {
    let registry = registry();
    sign_on(&registry, "alice", "browser", START);
    grant(&registry, "grant", "browser", START);
    let token = family(&registry, "family", "browser", false, START);
    let replay = |name: &str| {
        registry.redeem_code(&digest(name), &act(START), |_, _| Err::<_, No>(No)).unwrap();
    };
    let key = NewKey {
        kid: "kid".to_owned(),
        purpose: Purpose::Oidc,
        algorithm: "ES256".to_owned(),
        pkcs8: Pkcs8::new(&[1]),
        public_jwk: "{}".to_owned(),
    };
    let (sid, ep) = (Handle::from_bytes([9; 16]), Epoch::new(2));
    registry.end_session(sid, ep, Cause::LogOut, &act(START)).unwrap();
    end(&registry, "sign-on", START);
    replay("code of grant");
    assert!(registry.revoke_refresh_token(&token, "mobile-app", &act(START)).unwrap());
    registry.end_user(&user("bob"), None, Cause::Revoked, &act(START)).unwrap();
    remove_client(&registry, "till", START);
    registry.rotate_key(&key, START, &act(START)).unwrap();
    registry.end_key("kid", &act(START), |_| NewKey { kid: "next".to_owned(), ..key.clone() }).unwrap();
    registry.change_profile(&user("alice"), &act(START), |_| Profile::default()).unwrap();
    let expected = [
        Ended::Session { sid, ep },
        Ended::SignOn("sign-on".parse().unwrap()),
        Ended::Grant("grant".to_owned()),
        Ended::Family("family".to_owned()),
        Ended::User { user: user("bob"), epoch: Epoch::FIRST.next() },
        Ended::Client("till".to_owned()),
        Ended::Key("kid".to_owned()),
        Ended::Claims(user("alice")),
    ];
    assert_eq!(told(&registry), expected);
}

#[test]
fn pages_go_on_after_the_last_number_and_say_how_far_there_is_to_go() {
    let registry = registry();
    assert_eq!(registry.feed_after(0), Ok(FeedPage::Rows { rows: vec![], newest: 0 }));
    let newest = u64::from(FEED_PAGE_MAX) + 3;
    for number in 1..=newest {
        end(&registry, &number.to_string(), START);
    }
    let FeedPage::Rows { rows: first, newest: told } = registry.feed_after(0).unwrap() else { panic!() };
    assert_eq!((first.len(), told), (FEED_PAGE_MAX as usize, newest));
    let last = first.last().unwrap().seq;
    assert_eq!(rows(registry.feed_after(last).unwrap()), [newest - 2, newest - 1, newest]);
    assert_eq!(registry.feed_after(newest), Ok(FeedPage::Rows { rows: vec![], newest }));
}

#[test]
fn followers_are_woken_by_each_commit_that_ends_something() {
    let registry = registry();
    let mut announced = registry.announced();
    assert_eq!(*announced.borrow_and_update(), 0);
    sign_on(&registry, "alice", "browser", START);
    assert!(!announced.has_changed().unwrap());
    end(&registry, "sign-on", START);
    assert!(announced.has_changed().unwrap());
    assert_eq!(*announced.borrow_and_update(), 1);
}

#[test]
fn a_follower_who_missed_pruned_rows_is_told_of_a_gap() {
    let registry = registry();
    let late = START + HOUR;
    end(&registry, "old", START);
    end(&registry, "not-so-old", late);
    end(&registry, "new", late);
    registry.sweep(START + OUTBOX_KEPT, 100).unwrap();
    assert_eq!(registry.feed_after(0), Ok(FeedPage::Gap { newest: 3 }));
    assert_eq!(rows(registry.feed_after(1).unwrap()), [2, 3]);
    registry.sweep(late + OUTBOX_KEPT, 100).unwrap();
    assert_eq!(registry.feed_after(2), Ok(FeedPage::Gap { newest: 3 }));
    assert_eq!(registry.feed_after(3), Ok(FeedPage::Rows { rows: vec![], newest: 3 }));
    end(&registry, "next", late);
    assert_eq!(rows(registry.feed_after(3).unwrap()), [4]);
}

#[test]
fn a_row_stays_until_it_has_been_there_long_enough() {
    let registry = registry();
    end(&registry, "old", START);
    let just_before = Timestamp::from_millis((START + OUTBOX_KEPT).as_millis() - 1);
    registry.sweep(just_before, 100).unwrap();
    assert_eq!(rows(registry.feed_after(0).unwrap()), [1]);
}

#[test]
fn a_clock_that_was_set_back_makes_no_hole() {
    let registry = registry();
    end(&registry, "by-a-fast-clock", START + HOUR);
    end(&registry, "by-a-slow-clock", START);
    // What was committed before a row that is old enough is old enough too, whatever its time says.
    registry.sweep(START + OUTBOX_KEPT, 100).unwrap();
    assert_eq!(registry.feed_after(0), Ok(FeedPage::Gap { newest: 2 }));
    assert_eq!(registry.feed_after(2), Ok(FeedPage::Rows { rows: vec![], newest: 2 }));
}

#[test]
fn a_number_from_the_future_is_a_gap_too() {
    let registry = registry();
    end(&registry, "one", START);
    // As after a backup was restored: the follower knows numbers that will be given out again.
    assert_eq!(registry.feed_after(7), Ok(FeedPage::Gap { newest: 1 }));
    assert_eq!(registry.feed_after(u64::MAX), Ok(FeedPage::Gap { newest: 1 }));
}
