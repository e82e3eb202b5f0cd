//! Caps under sixty-four racing log-ons: never more alive than the cap, never fewer than it allows, the oldest went, and
//! each eviction is told once, in order. Through two registries, as two processes would have them.

use std::collections::BTreeSet;
use std::sync::Barrier;
use std::thread;

use vestibule_domain::identity::Timestamp;
use vestibule_ports::issuer::{Cause, Ended};
use vestibule_registry::family::NewClientToken;
use vestibule_registry::outbox::FeedPage;
use vestibule_registry::{Caps, Registry};

use super::database::Place;
use super::fixture::*;

const RACERS: usize = 64;
const CAP: u32 = 10;
/// Those that were there before the race, a minute apart.
const OLD: u32 = 4;
const RACE_AT: Timestamp = Timestamp::from_millis(START.as_millis() + 3_600_000);

fn caps() -> Caps {
    Caps {
        sign_ons_per_user: CAP,
        grants_per_user: CAP,
        families_per_user: CAP,
        tokens_per_client: CAP,
        ..Caps::default()
    }
}

/// Lets `racers` call `add` at one instant, half of them through a second registry, and checks what is left.
/// `name` says which names have been told to have ended.
fn race(
    racers: usize,
    before: impl Fn(&Registry),
    add: impl Fn(&Registry, &str, Timestamp) + Sync,
    lives: impl Fn(&Registry, &str) -> bool,
    name: impl Fn(&Ended) -> Option<String>,
) {
    let place = Place::new();
    let first = furnish(place.open(caps()));
    let second = place.open(caps());
    before(&first);
    let old: Vec<String> = (0..OLD).map(|index| format!("old-{index}")).collect();
    for (index, name) in (0..).zip(&old) {
        add(&first, name, START + MINUTE * index);
    }
    let new: Vec<String> = (0..racers).map(|index| format!("new-{index:02}")).collect();
    let (start, gate, add) = (&Barrier::new(racers), &Gate::default(), &add);
    thread::scope(|scope| {
        for (index, name) in new.iter().enumerate() {
            let registry = if index % 2 == 0 { &first } else { &second };
            scope.spawn(move || {
                start.wait();
                let _inside = gate.enter();
                add(registry, name, RACE_AT);
            });
        }
    });
    let told = evicted(&second, name);
    let alive: BTreeSet<_> = old.iter().chain(&new).filter(|name| lives(&second, name)).cloned().collect();
    assert_eq!(alive.len(), (racers + old.len()).min(CAP as usize), "{alive:?}");
    let dead: BTreeSet<_> = old.iter().chain(&new).filter(|name| !alive.contains(*name)).cloned().collect();
    assert_eq!(told.len(), dead.len(), "each was told once: {told:?}");
    assert_eq!(told.iter().cloned().collect::<BTreeSet<_>>(), dead);
    // Who was there before the race went first, the oldest before the others.
    let gone_old: Vec<_> = old.iter().filter(|name| dead.contains(*name)).cloned().collect();
    assert_eq!(told[..gone_old.len()], gone_old[..]);
}

/// Names in the feed, in its order. Everything in it is an eviction.
fn evicted(registry: &Registry, name: impl Fn(&Ended) -> Option<String>) -> Vec<String> {
    let FeedPage::Rows { rows, newest } = registry.feed_after(0).unwrap() else {
        panic!("nothing was pruned")
    };
    assert_eq!(rows.len() as u64, newest);
    for (expected, row) in (1..).zip(&rows) {
        assert_eq!((row.seq, row.cause), (expected, Cause::TooMany));
    }
    rows.iter().map(|row| name(&row.ended).unwrap_or_else(|| panic!("{row:?}"))).collect()
}

/// One browser alone would meet the cap of codes first.
const BROWSERS: usize = 4;

fn sign_on_browsers(registry: &Registry) {
    for index in 0..BROWSERS {
        sign_on(registry, "alice", &format!("browser-{index}"), START);
    }
}

fn browser_of(name: &str) -> String {
    format!("browser-{}", name.bytes().map(usize::from).sum::<usize>() % BROWSERS)
}

fn grants(racers: usize) {
    race(
        racers,
        sign_on_browsers,
        |registry, name, at| grant(registry, name, &browser_of(name), at),
        |registry, name| has_grant(registry, name, RACE_AT),
        |ended| if let Ended::Grant(name) = ended { Some(name.clone()) } else { None },
    );
}

#[test]
fn of_sixty_four_racing_log_ons_of_a_user_as_many_live_as_the_cap_allows() {
    grants(RACERS);
}

#[test]
fn log_ons_below_the_cap_all_live_however_they_race() {
    grants(3);
    grants(CAP as usize - OLD as usize);
}

#[test]
fn of_sixty_four_browsers_that_log_in_at_once_as_many_are_signed_on_as_the_cap_allows() {
    race(
        RACERS,
        |_| {},
        |registry, name, at| {
            sign_on(registry, "alice", name, at);
        },
        |registry, name| registry.sign_on(&digest(name), RACE_AT).unwrap().is_some(),
        |ended| match ended {
            Ended::SignOn(id) => id.as_str().strip_prefix("sign-on-of-").map(str::to_owned),
            _ => None,
        },
    );
}

#[test]
fn of_sixty_four_apps_that_get_tokens_at_once_as_many_keep_them_as_the_cap_allows() {
    race(
        RACERS,
        sign_on_browsers,
        |registry, name, at| {
            family(registry, name, &browser_of(name), false, at);
        },
        |registry, name| has_family(registry, name, RACE_AT),
        |ended| if let Ended::Family(name) = ended { Some(name.clone()) } else { None },
    );
}

#[test]
fn of_sixty_four_tokens_that_a_client_asks_for_at_once_as_many_live_as_the_cap_allows() {
    race(
        RACERS,
        |_| {},
        |registry, name, at| {
            let new = NewClientToken {
                client: "till",
                name,
                access: &digest(&format!("access of {name}")),
                scopes: &scopes("products:read"),
                expires_at: at + 2 * HOUR,
            };
            assert_eq!(registry.issue_client_token(&new, &act(at)), Ok(true));
        },
        |registry, name| has_family(registry, name, RACE_AT),
        |ended| if let Ended::Family(name) = ended { Some(name.clone()) } else { None },
    );
}
