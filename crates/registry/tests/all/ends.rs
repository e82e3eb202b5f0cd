//! Ends of sessions and of sign-on sessions.

use vestibule_domain::identity::{Epoch, Handle};
use vestibule_ports::issuer::{Cause, Ended};
use vestibule_registry::audit::{Event, Subject};

use super::fixture::*;

#[test]
fn the_end_of_a_sign_on_session_spares_other_browsers_and_what_outlives_a_log_out() {
    let registry = registry();
    for browser in ["here", "there"] {
        sign_on(&registry, "alice", browser, START);
        grant(&registry, &format!("grant {browser}"), browser, START);
        family(&registry, &format!("bound {browser}"), browser, true, START);
        family(&registry, &format!("offline {browser}"), browser, false, START);
    }
    registry.end_sign_on(&sign_on_id("here"), Cause::LogOut, &act(START)).unwrap();
    assert_eq!(registry.sign_on(&digest("here"), START), Ok(None));
    assert!(registry.sign_on(&digest("there"), START).unwrap().is_some());
    assert!(!has_grant(&registry, "grant here", START));
    assert!(has_grant(&registry, "grant there", START));
    let families = ["bound here", "offline here", "bound there", "offline there"];
    assert_eq!(families.map(|name| has_family(&registry, name, START)), [false, true, true, true]);
    let newest = registry.audit(Subject::SignOn(&sign_on_id("here")), None).unwrap().remove(0);
    assert_eq!((newest.event, newest.user), (Event::SignOnEnded, Some(user("alice"))));
    assert_eq!(newest.note.as_deref(), Some("log-out"));
}

#[test]
fn what_came_from_a_sign_on_session_ends_with_it_even_after_its_own_time() {
    let registry = registry();
    sign_on(&registry, "alice", "browser", START);
    let late = START + 3 * HOUR;
    grant(&registry, "grant", "browser", late);
    let now = START + 5 * HOUR;
    registry.sweep(now, 100).unwrap();
    assert!(has_grant(&registry, "grant", now));
    registry.end_sign_on(&sign_on_id("browser"), Cause::LogOut, &act(now)).unwrap();
    assert!(!has_grant(&registry, "grant", now));
}

#[test]
fn ending_a_second_time_is_fine_and_told_again() {
    let registry = registry();
    for _time in 0..2 {
        registry.end_sign_on(&sign_on_id("browser"), Cause::Revoked, &act(START)).unwrap();
    }
    assert_eq!(told(&registry), [Ended::SignOn(sign_on_id("browser")), Ended::SignOn(sign_on_id("browser"))]);
}

#[test]
fn a_session_ends_up_to_an_epoch_and_never_comes_back() {
    let registry = registry();
    let (sid, other) = (Handle::from_bytes([1; 16]), Handle::from_bytes([2; 16]));
    assert_eq!(registry.ended_epoch(sid), Ok(None));
    let end = |ep| registry.end_session(sid, Epoch::new(ep), Cause::Rule, &act(START)).unwrap();
    end(3);
    assert_eq!(registry.ended_epoch(sid), Ok(Some(Epoch::new(3))));
    // A repeated or late order for an earlier epoch brings nothing back.
    end(2);
    assert_eq!(registry.ended_epoch(sid), Ok(Some(Epoch::new(3))));
    end(4);
    assert_eq!(registry.ended_epoch(sid), Ok(Some(Epoch::new(4))));
    assert_eq!(registry.ended_epoch(other), Ok(None));
    let ended = [3, 2, 4].map(|ep| Ended::Session { sid, ep: Epoch::new(ep) });
    assert_eq!(told(&registry), ended);
    assert_eq!(registry.audit(Subject::Session(&sid), None).unwrap().len(), 3);
}
