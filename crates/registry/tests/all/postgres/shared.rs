//! Several processes on one database, as far as one process can play them: each has a registry of its own.

use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use vestibule_domain::identity::{Epoch, Handle};
use vestibule_ports::issuer::Cause;
use vestibule_registry::Caps;
use vestibule_registry::key::{NewKey, Pkcs8, Purpose};
use vestibule_registry::outbox::FeedPage;
use vestibule_testkit::patience::{PATIENCE, Patience};

use super::database::Place;
use super::fixture::*;

/// By when the end that one process commits has woken the others.
const TOLD_WITHIN: Duration = Duration::from_millis(250);

#[test]
fn an_end_that_one_process_commits_wakes_the_others_in_time() {
    const ENDS: u8 = 20;
    let place = Place::new();
    let (first, second) = (place.open(Caps::default()), place.open(Caps::default()));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let mut announced = second.announced();
    let mut in_time = 0;
    for number in 1..=ENDS {
        let sid = Handle::from_bytes([number; 16]);
        first.end_session(sid, Epoch::FIRST, Cause::LogOut, &act(START)).unwrap();
        let bound = Patience::new(TOLD_WITHIN);
        let told = runtime.block_on(async { tokio::time::timeout(PATIENCE, announced.changed()).await });
        assert!(told.is_ok(), "the end {number} was never told");
        in_time += u8::from(!bound.left().is_zero());
        assert_eq!(*announced.borrow_and_update(), u64::from(number));
    }
    // A machine that runs two hundred tests at once may be late now and then.
    assert!(in_time > ENDS / 2, "{in_time} of {ENDS} within {TOLD_WITHIN:?}");
}

#[test]
fn a_follower_at_one_process_misses_nothing_of_the_others_and_gets_it_in_order() {
    const WRITERS: usize = 4;
    const ENDS: usize = 25;
    let place = Place::new();
    let reader = place.open(Caps::default());
    let start = &Barrier::new(WRITERS + 1);
    thread::scope(|scope| {
        for writer in 0..WRITERS {
            let place = &place;
            scope.spawn(move || {
                let registry = place.open(Caps::default());
                start.wait();
                for end in 0..ENDS {
                    let id = sign_on_id(&format!("{writer}-{end}"));
                    registry.end_sign_on(&id, Cause::Rule, &act(START)).unwrap();
                }
            });
        }
        start.wait();
        let (mut last, patience) = (0, Patience::new(Duration::from_mins(1)));
        while last < (WRITERS * ENDS) as u64 {
            assert!(!patience.left().is_zero(), "the feed stands still at {last}");
            let FeedPage::Rows { rows, newest } = reader.feed_after(last).unwrap() else { panic!("a gap") };
            for told in rows {
                assert_eq!(told.seq, last + 1);
                last = told.seq;
            }
            assert_eq!(last, newest);
        }
    });
}

/// Sixteen processes start at once on an empty database: one makes the tables and one makes the keys.
#[test]
fn of_many_first_starts_at_one_instant_one_makes_what_all_use() {
    const STARTS: usize = 16;
    let place = &Place::new();
    let start = &Barrier::new(STARTS);
    let kids = thread::scope(|scope| {
        let starts: Vec<_> = (0..STARTS)
            .map(|index| {
                scope.spawn(move || {
                    start.wait();
                    let registry = place.open(Caps::default());
                    [Purpose::Jpt, Purpose::Services, Purpose::Oidc].map(|purpose| {
                        let key = NewKey {
                            kid: format!("{}-{index}", purpose.as_str()),
                            purpose,
                            algorithm: "ES256".to_owned(),
                            pkcs8: Pkcs8::new(&[1]),
                            public_jwk: "{}".to_owned(),
                        };
                        registry.create_first_key(&key, &act(START)).unwrap();
                        let keys = registry.signing_keys(purpose, START).unwrap();
                        keys.into_iter().map(|key| key.kid).collect::<Vec<_>>()
                    })
                })
            })
            .collect();
        starts.into_iter().map(|start| start.join().unwrap()).collect::<Vec<_>>()
    });
    assert!(kids.iter().all(|seen| *seen == kids[0]), "{kids:?}");
    assert!(kids[0].iter().all(|keys| keys.len() == 1), "{kids:?}");
}

/// The writers' lock is the schema's, not the database's.
#[test]
fn registries_of_two_schemas_do_not_wait_for_each_other() {
    let (held, free) = (Place::new().open(Caps::default()), Place::new().open(Caps::default()));
    let counted = held.throttle(&[digest("key")], HOUR, START, |_| {
        free.end_sign_on(&sign_on_id("browser"), Cause::Rule, &act(START)).unwrap();
    });
    assert_eq!(counted, Ok(()));
}
