//! The audit trail: by subject, newest first, page by page; kept for a year.

use std::net::IpAddr;

use vestibule_ports::issuer::Cause;
use vestibule_registry::audit::{AUDIT_PAGE_MAX, Act, Event, Subject};
use vestibule_registry::sweep::AUDIT_KEPT;

use super::fixture::*;

#[test]
fn a_record_says_who_did_what_when_from_where() {
    let registry = registry();
    let from: IpAddr = "2001:db8::1".parse().unwrap();
    let order = Act { at: START, by: "admin:root", from: Some(from) };
    registry.disable_user(&user("alice"), &order).unwrap();
    let record = registry.audit(Subject::User(&user("alice")), None).unwrap().remove(0);
    assert_eq!((record.at, record.by.as_str(), record.from), (START, "admin:root", Some(from)));
    assert_eq!((record.event, record.user), (Event::UserDisabled, Some(user("alice"))));
    assert_eq!(registry.audit(Subject::User(&user("bob")), None).unwrap()[0].event, Event::UserCreated);
}

#[test]
fn the_story_of_a_log_on_is_told_by_its_sign_on_session() {
    let registry = registry();
    sign_on(&registry, "alice", "browser", START);
    grant(&registry, "grant", "browser", START);
    family(&registry, "family", "browser", true, START);
    registry.end_sign_on(&sign_on_id("browser"), Cause::LogOut, &act(START)).unwrap();
    let records = registry.audit(Subject::SignOn(&sign_on_id("browser")), None).unwrap();
    let events: Vec<_> = records.into_iter().map(|record| record.event).collect();
    assert_eq!(events, [Event::SignOnEnded, Event::TokensIssued, Event::GrantIssued, Event::LoggedIn]);
}

#[test]
fn a_long_trail_is_read_in_pages_without_a_hole() {
    let registry = registry();
    for _time in 0..AUDIT_PAGE_MAX {
        registry.end_user(&user("alice"), None, Cause::Revoked, &act(START)).unwrap();
    }
    let subject = user("alice");
    let first = registry.audit(Subject::User(&subject), None).unwrap();
    assert_eq!(first.len(), AUDIT_PAGE_MAX as usize);
    let second = registry.audit(Subject::User(&subject), Some(first.last().unwrap().id)).unwrap();
    assert_eq!(second.len(), 1);
    assert_eq!(second[0].event, Event::UserCreated);
}

#[test]
fn records_go_after_a_year_and_not_before() {
    let registry = registry();
    let subject = user("alice");
    let count = || registry.audit(Subject::User(&subject), None).unwrap().len();
    registry.sweep(START + AUDIT_KEPT / 2, 100).unwrap();
    assert_eq!(count(), 1);
    registry.sweep(START + AUDIT_KEPT, 100).unwrap();
    assert_eq!(count(), 0);
}
