//! What was acknowledged is there after a restart; what failed halfway never was.

use std::panic::{AssertUnwindSafe, catch_unwind};

use vestibule_registry::Caps;
use vestibule_registry::code::Redeemed;

use super::database::Place;
use super::fixture::*;

#[test]
fn what_was_acknowledged_is_there_after_a_restart() {
    let place = Place::new();
    let registry = furnish(place.open(Caps::default()));
    sign_on(&registry, "alice", "browser", START);
    grant(&registry, "grant", "browser", START);
    let first = family(&registry, "family", "browser", false, START);
    let second = super::refresh::rotated(&registry, &first, 1, START);
    drop(registry);
    let registry = place.open(Caps::default());
    assert!(has_grant(&registry, "grant", START));
    assert_eq!(*registry.announced().borrow(), 0);
    // A code that was redeemed before the restart is a replay after it.
    let replayed = registry.redeem_code(&digest("code of grant"), &act(START), |_, _| Err::<_, No>(No));
    assert_eq!(replayed, Ok(Redeemed::Unknown));
    assert!(!has_grant(&registry, "grant", START));
    // So is a refresh token that was used before.
    let reused = registry.refresh(&first, &act(START), |_, _, age| super::refresh::strict(2, START)(age));
    assert!(matches!(reused, Ok(vestibule_registry::refresh::Refreshed::Refused(No))), "{reused:?}");
    assert_eq!(super::refresh::refused(&registry, &second, START), None);
    drop(registry);
    let registry = place.open(Caps::default());
    assert_eq!(*registry.announced().borrow(), 2);
    assert_eq!(told(&registry).len(), 2);
}

#[test]
fn a_decision_that_panics_changes_nothing_and_stops_nobody() {
    let registry = registry();
    sign_on(&registry, "alice", "browser", START);
    assert!(code(&registry, "code", "shop", "browser", START));
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        registry.redeem_code(&digest("code"), &act(START), |_, _| -> Result<_, No> { panic!("a mistake") })
    }));
    assert!(panicked.is_err());
    let redeemed =
        registry.redeem_code(&digest("code"), &act(START), |_, _| Ok::<_, No>(new_grant("grant", START)));
    assert!(matches!(redeemed, Ok(Redeemed::Issued(_))), "{redeemed:?}");
}
