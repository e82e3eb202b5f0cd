//! A hundred threads that all want the same: what may happen once happens once.

use std::collections::HashSet;
use std::sync::Barrier;
use std::thread;

use vestibule_domain::identity::Epoch;
use vestibule_domain::refresh::Generation;
use vestibule_domain::throttle::Failures;
use vestibule_ports::issuer::{Cause, Ended};
use vestibule_registry::code::Redeemed;
use vestibule_registry::credential::PasswordHash;
use vestibule_registry::key::{NewKey, Pkcs8, Purpose};
use vestibule_registry::outbox::{FeedPage, Told};
use vestibule_registry::refresh::{Refreshed, Rotation};
use vestibule_registry::user::Changed;
use vestibule_registry::{Caps, Registry};

use super::database::Place;
use super::fixture::*;

const THREADS: usize = 100;

fn in_place(caps: Caps) -> (Place, Registry) {
    let place = Place::new();
    let registry = furnish(place.open(caps));
    (place, registry)
}

/// What each thread got, all of them having started together.
fn race<T: Send>(run: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let gate = Gate::default();
    let (start, gate, run) = (&Barrier::new(THREADS), &gate, &run);
    thread::scope(|scope| {
        let runner = |index| {
            scope.spawn(move || {
                start.wait();
                let _inside = gate.enter();
                run(index)
            })
        };
        let threads: Vec<_> = (0..THREADS).map(runner).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

fn count<T>(outcomes: &[T], wanted: impl Fn(&T) -> bool) -> usize {
    outcomes.iter().filter(|outcome| wanted(outcome)).count()
}

#[test]
fn one_of_a_hundred_redeems_a_code_and_the_others_end_what_it_got() {
    let (_place, registry) = in_place(Caps::default());
    sign_on(&registry, "alice", "browser", START);
    assert!(code(&registry, "code", "shop", "browser", START));
    let outcomes = race(|index| {
        let issue = new_grant(&index.to_string(), START);
        registry.redeem_code(&digest("code"), &act(START), |_, _| Ok::<_, No>(issue)).unwrap()
    });
    assert_eq!(count(&outcomes, |outcome| matches!(outcome, Redeemed::Issued(_))), 1);
    assert_eq!(count(&outcomes, |outcome| *outcome == Redeemed::Unknown), THREADS - 1);
    assert_eq!(told(&registry).len(), 1);
    assert!((0..THREADS).all(|index| !has_grant(&registry, &index.to_string(), START)));
}

#[test]
fn a_refresh_token_has_one_child_however_many_ask_for_it() {
    let (_place, registry) = in_place(Caps::default());
    sign_on(&registry, "alice", "browser", START);
    let token = family(&registry, "family", "browser", false, START);
    let outcomes = race(|index| {
        let salt = [u8::try_from(index).unwrap(); 32];
        let decide = |generation| match generation {
            Generation::Current => Rotation::Rotate { salt, terms: terms(START), ends_at: START + HOUR },
            Generation::Previous => Rotation::Repeat { scopes: terms(START).scopes, otherwise: No },
            Generation::Older => Rotation::Revoke(No),
        };
        match registry.refresh(&token, &act(START), |_, _, generation| decide(generation)).unwrap() {
            Refreshed::Renewed(renewal) => (renewal.refresh, renewal.access),
            other => panic!("{other:?}"),
        }
    });
    // One reply, told a hundred times.
    assert_eq!(count(&outcomes, |reply| *reply == outcomes[0]), THREADS);
    assert!(registry.access_token(&outcomes[0].1.digest(), START).unwrap().is_some());
}

#[test]
fn a_refresh_token_is_rotated_once_where_every_other_use_is_reuse() {
    let (_place, registry) = in_place(Caps::default());
    sign_on(&registry, "alice", "browser", START);
    let token = family(&registry, "family", "browser", false, START);
    let outcomes = race(|index| {
        let decide = super::refresh::strict(u8::try_from(index).unwrap(), START);
        registry.refresh(&token, &act(START), |_, _, generation| decide(generation)).unwrap()
    });
    assert_eq!(count(&outcomes, |outcome| matches!(outcome, Refreshed::Renewed(_))), 1);
    assert_eq!(count(&outcomes, |outcome| *outcome == Refreshed::Refused(No)), 1);
    assert_eq!(count(&outcomes, |outcome| *outcome == Refreshed::Unknown), THREADS - 2);
    assert_eq!(told(&registry), [Ended::Family("family".to_owned())]);
}

#[test]
fn five_hundred_guesses_at_one_instant_are_each_counted_before_the_next() {
    const FREE: u32 = 10;
    let (_place, registry) = in_place(Caps::default());
    let guess = || {
        let decided = registry.throttle(&[digest("alice")], HOUR, START, |[counter]| {
            let count = counter.map_or(0, |failures: Failures| failures.count);
            *counter = Some(Failures { count: count + 1, last: START });
            count < FREE
        });
        decided.unwrap()
    };
    let tried: u32 = race(|_| (0..5).map(|_| u32::from(guess())).sum::<u32>()).iter().sum();
    assert_eq!(tried, FREE);
}

#[test]
fn caps_are_exact_under_a_race_and_every_eviction_is_told() {
    const CAP: u32 = 10;
    let (_place, registry) = in_place(Caps { grants_per_user: CAP, ..Caps::default() });
    // One browser each would meet the cap of browsers first.
    for index in 0..5 {
        sign_on(&registry, "alice", &format!("browser-{index}"), START);
    }
    race(|index| grant(&registry, &index.to_string(), &format!("browser-{}", index % 5), START));
    let alive =
        count(&(0..THREADS).collect::<Vec<_>>(), |index| has_grant(&registry, &index.to_string(), START));
    assert_eq!(alive, CAP as usize);
    assert_eq!(told(&registry).len(), THREADS - CAP as usize);
}

#[test]
fn of_a_hundred_password_changes_that_proved_the_same_password_one_wins() {
    let (_place, registry) = in_place(Caps::default());
    let outcomes = race(|index| {
        let hash = PasswordHash::new(&index.to_string());
        registry.set_password(&user("alice"), &hash, Some(Epoch::FIRST), &act(START)).unwrap()
    });
    assert_eq!(count(&outcomes, |outcome| matches!(outcome, Changed::Done(_))), 1);
    let winner = outcomes.iter().position(|outcome| matches!(outcome, Changed::Done(_))).unwrap();
    let stored = registry.credentials(&login("alice")).unwrap().unwrap();
    assert_eq!(stored.password, PasswordHash::new(&winner.to_string()));
    assert_eq!(stored.user.epoch, Epoch::FIRST.next());
}

#[test]
fn whatever_is_redeemed_while_the_user_ends_is_over_afterwards() {
    let (_place, registry) = in_place(Caps { grants_per_user: 1_000, ..Caps::default() });
    sign_on(&registry, "alice", "browser", START);
    for index in 0..30 {
        assert!(code(&registry, &index.to_string(), "shop", "browser", START));
    }
    race(|index| match index {
        50 => {
            registry.end_user(&user("alice"), None, Cause::LogOutEverywhere, &act(START)).unwrap();
        }
        _ => {
            let issue = new_grant(&index.to_string(), START);
            let code = digest(&(index % 30).to_string());
            registry.redeem_code(&code, &act(START), |_, _| Ok::<_, No>(issue)).unwrap();
        }
    });
    assert!((0..THREADS).all(|index| !has_grant(&registry, &index.to_string(), START)));
    assert!((0..30).all(|index| {
        let code = digest(&index.to_string());
        registry.redeem_code(&code, &act(START), |_, _| Err::<_, No>(No)).unwrap() == Redeemed::Unknown
    }));
}

#[test]
fn the_numbers_of_the_feed_have_no_hole_and_never_come_late() {
    let (_place, registry) = in_place(Caps::default());
    race(|index| {
        if index < THREADS / 2 {
            registry.end_sign_on(&sign_on_id(&index.to_string()), Cause::Rule, &act(START)).unwrap();
            return;
        }
        // A follower: what it has read stays the beginning of what it reads later.
        let mut last = 0;
        for _read in 0..20 {
            let FeedPage::Rows { rows, newest } = registry.feed_after(last).unwrap() else { panic!() };
            for Told { seq, .. } in rows {
                assert_eq!(seq, last + 1);
                last = seq;
            }
            assert_eq!(last, newest);
        }
    });
    assert_eq!(told(&registry).len(), THREADS / 2);
    assert_eq!(*registry.announced().borrow(), (THREADS / 2) as u64);
}

#[test]
fn of_a_hundred_first_keys_one_is_made() {
    let (_place, registry) = in_place(Caps::default());
    let made = race(|index| {
        let key = NewKey {
            kid: index.to_string(),
            purpose: Purpose::Jpt,
            algorithm: "ES256".to_owned(),
            pkcs8: Pkcs8::new(&[1]),
            public_jwk: "{}".to_owned(),
        };
        registry.create_first_key(&key, &act(START)).unwrap()
    });
    assert_eq!(count(&made, |made| *made), 1);
    assert_eq!(registry.signing_keys(Purpose::Jpt, START).unwrap().len(), 1);
}

#[test]
fn the_newest_of_a_hundred_uses_at_once_is_kept() {
    let (_place, registry) = in_place(Caps::default());
    sign_on(&registry, "alice", "browser", START);
    let at = |index: usize| START + MINUTE * u32::try_from(index).unwrap();
    race(|index| registry.touch_sign_ons(&[(sign_on_id("browser"), at(index))]).unwrap());
    let sign_on = registry.sign_on(&digest("browser"), START).unwrap().unwrap();
    assert_eq!(sign_on.seen_at, at(THREADS - 1));
}

#[test]
fn two_registries_in_one_place_keep_the_same_promises() {
    let (place, first) = in_place(Caps::default());
    let second = place.open(Caps::default());
    sign_on(&first, "alice", "browser", START);
    assert!(code(&first, "code", "shop", "browser", START));
    let outcomes = race(|index| {
        let registry = if index % 2 == 0 { &first } else { &second };
        let count = registry.throttle(&[digest("alice")], HOUR, START, |[counter]| {
            let count = counter.map_or(0, |failures: Failures| failures.count) + 1;
            *counter = Some(Failures { count, last: START });
            count
        });
        let issue = new_grant(&index.to_string(), START);
        let redeemed = registry.redeem_code(&digest("code"), &act(START), |_, _| Ok::<_, No>(issue)).unwrap();
        (count.unwrap(), redeemed)
    });
    assert_eq!(count(&outcomes, |(_, redeemed)| matches!(redeemed, Redeemed::Issued(_))), 1);
    let counts: HashSet<_> = outcomes.iter().map(|(count, _)| *count).collect();
    assert_eq!(counts.len(), THREADS, "no failure was counted twice or lost");
}
