//! Users: one name, one account; what a password change and a disable leave nothing of.

use vestibule_domain::identity::{Epoch, Handle};
use vestibule_ports::issuer::{Cause, Ended};
use vestibule_registry::Registry;
use vestibule_registry::audit::{Event, Subject};
use vestibule_registry::credential::PasswordHash;
use vestibule_registry::sign_on::{LogIn, LoggedIn};
use vestibule_registry::user::{Changed, Created, NewUser, Profile};

use super::fixture::*;

#[test]
fn a_name_is_taken_in_every_spelling() {
    let registry = registry();
    for typed in ["alice", "ALICE", "\u{ff41}lice"] {
        let new = NewUser {
            id: &user("another"),
            login: &login(typed),
            login_typed: typed,
            password: &PasswordHash::new("x"),
            profile: &Profile::default(),
            scopes: &scopes(""),
        };
        assert_eq!(registry.create_user(&new, &act(START)), Ok(Created::Taken), "{typed}");
    }
    assert_eq!(registry.users(None).unwrap().len(), 2);
}

#[test]
fn a_user_is_found_by_name_and_by_identifier_as_created() {
    let registry = registry();
    let found = registry.credentials(&login("Alice")).unwrap().unwrap();
    assert_eq!(Some(&found.user), registry.user(&user("alice")).unwrap().as_ref());
    assert_eq!(found.password, PasswordHash::new("hash of alice"));
    assert_eq!((found.user.epoch, found.user.disabled_at), (Epoch::FIRST, None));
    assert_eq!(found.user.profile.roles, ["a \"b\""]);
    assert_eq!(found.user.scopes, scopes("orders:read"));
    assert_eq!(registry.credentials(&login("carol")), Ok(None));
}

#[test]
fn a_list_goes_on_after_the_last_one() {
    let registry = registry();
    let first = registry.users(None).unwrap().remove(0);
    let rest = registry.users(Some(&first.id)).unwrap();
    assert_eq!((first.login.as_str(), rest.len(), rest[0].login.as_str()), ("alice", 1, "bob"));
}

/// Everything that a user can have, and the same for somebody else.
fn with_everything() -> Registry {
    let registry = registry();
    for name in ["alice", "bob"] {
        sign_on(&registry, name, name, START);
        grant(&registry, &format!("{name}-grant"), name, START);
        family(&registry, &format!("{name}-family"), name, true, START);
        family(&registry, &format!("{name}-offline"), name, false, START);
        assert!(code(&registry, &format!("{name}-code"), "shop", name, START));
    }
    registry
}

fn has_anything(registry: &Registry, name: &str) -> bool {
    let redeemed =
        registry.redeem_code(&digest(&format!("{name}-code")), &act(START), |_, _| Err::<_, No>(No)).unwrap();
    registry.sign_on(&digest(name), START).unwrap().is_some()
        || has_grant(registry, &format!("{name}-grant"), START)
        || has_family(registry, &format!("{name}-family"), START)
        || has_family(registry, &format!("{name}-offline"), START)
        || !matches!(redeemed, vestibule_registry::code::Redeemed::Unknown)
}

fn assert_ended(registry: &Registry, changed: Changed, event: Event) {
    let epoch = Epoch::FIRST.next();
    assert_eq!(changed, Changed::Done(epoch));
    assert!(!has_anything(registry, "alice"));
    assert!(has_anything(registry, "bob"));
    assert_eq!(told(registry), [Ended::User { user: user("alice"), epoch }]);
    let newest = registry.audit(Subject::User(&user("alice")), None).unwrap().remove(0);
    assert_eq!((newest.event, newest.at), (event, START));
}

#[test]
fn a_new_password_ends_everything_of_the_user_and_of_nobody_else() {
    let registry = with_everything();
    let new = PasswordHash::new("new hash");
    let changed = registry.set_password(&user("alice"), &new, Some(Epoch::FIRST), &act(START)).unwrap();
    assert_ended(&registry, changed, Event::PasswordChanged);
    assert_eq!(registry.credentials(&login("alice")).unwrap().unwrap().password, new);
}

#[test]
fn a_disabled_user_has_nothing_and_cannot_log_in_until_let_in_again() {
    let registry = with_everything();
    let changed = registry.disable_user(&user("alice"), &act(START)).unwrap();
    assert_ended(&registry, changed, Event::UserDisabled);
    let alice = registry.user(&user("alice")).unwrap().unwrap();
    assert_eq!(alice.disabled_at, Some(START));
    let (id, secret) = (sign_on_id("new"), digest("new"));
    let log_in = LogIn {
        user: &alice.id,
        epoch: alice.epoch,
        id: &id,
        secret: &secret,
        former: None,
        level: 1,
        ends_at: START + HOUR,
        device: None,
        forgive: &[],
        take_back: None,
    };
    assert_eq!(registry.log_in(&log_in, &act(START)), Ok(LoggedIn::Moved));
    assert_eq!(registry.enable_user(&alice.id, &act(START)), Ok(true));
    assert!(matches!(registry.log_in(&log_in, &act(START)), Ok(LoggedIn::SignedOn(_))));
}

#[test]
fn an_end_of_a_user_leaves_the_password_alone() {
    let registry = with_everything();
    let changed = registry.end_user(&user("alice"), None, Cause::LogOutEverywhere, &act(START)).unwrap();
    assert_ended(&registry, changed, Event::UserEnded);
    assert_eq!(
        registry.credentials(&login("alice")).unwrap().unwrap().password,
        PasswordHash::new("hash of alice")
    );
    let newest = registry.audit(Subject::User(&user("alice")), None).unwrap().remove(0);
    assert_eq!(newest.note.as_deref(), Some("log-out-everywhere"));
}

#[test]
fn a_log_out_everywhere_that_is_told_again_ends_nothing_that_came_after_it() {
    let registry = with_everything();
    let (alice, everywhere) = (user("alice"), Cause::LogOutEverywhere);
    let end = |by| registry.end_user(&alice, by, everywhere, &act(START)).unwrap();
    let [one, other] = [1, 2].map(|number| Some(Handle::from_bytes([number; 16])));
    let first = end(one);
    assert_ended(&registry, first, Event::UserEnded);
    let told = registry.feed_after(0).unwrap();
    assert_eq!(end(one), first, "the epoch stays");
    assert_eq!(registry.feed_after(0).unwrap(), told, "and nobody hears of it");
    let Changed::Done(epoch) = first else { panic!("{first:?}") };
    assert_eq!(end(other), Changed::Done(epoch.next()));
    assert_eq!(
        end(None),
        Changed::Done(epoch.next().next()),
        "an order of an administrator's is a new one each time"
    );
    assert_eq!(end(one), Changed::Done(epoch.next().next()));
}

#[test]
fn a_password_change_that_proved_an_overtaken_password_changes_nothing() {
    let registry = registry();
    let set = |hash: &str, expected| {
        registry.set_password(&user("alice"), &PasswordHash::new(hash), expected, &act(START)).unwrap()
    };
    let second = Epoch::FIRST.next();
    assert_eq!(set("one", Some(Epoch::FIRST)), Changed::Done(second));
    assert_eq!(set("two", Some(Epoch::FIRST)), Changed::Moved);
    assert_eq!(registry.credentials(&login("alice")).unwrap().unwrap().password, PasswordHash::new("one"));
    assert_eq!(set("three", None), Changed::Done(second.next()));
}

#[test]
fn a_hash_is_made_anew_only_if_it_is_still_the_one_compared() {
    let registry = registry();
    let (old, new) = (PasswordHash::new("hash of alice"), PasswordHash::new("stronger"));
    registry.rehash_password(&user("alice"), &new, &PasswordHash::new("stale")).unwrap();
    assert_eq!(registry.credentials(&login("alice")).unwrap().unwrap().password, old);
    registry.rehash_password(&user("alice"), &old, &new).unwrap();
    let alice = registry.credentials(&login("alice")).unwrap().unwrap();
    assert_eq!((alice.password, alice.user.epoch), (new, Epoch::FIRST));
}

#[test]
fn new_claims_are_told_to_those_who_cache_them() {
    let registry = registry();
    let profile =
        Profile { email: Some("a@example.com".to_owned()), email_verified: true, ..Profile::default() };
    let changed = registry.change_profile(&user("alice"), &act(START), |old| {
        assert_eq!(old.name.as_deref(), Some("alice"));
        profile.clone()
    });
    assert_eq!(changed, Ok(true));
    let alice = registry.user(&user("alice")).unwrap().unwrap();
    assert_eq!((alice.profile, alice.epoch), (profile, Epoch::FIRST));
    assert_eq!(told(&registry), [Ended::Claims(user("alice"))]);
}

#[test]
fn orders_about_nobody_change_and_tell_nothing() {
    let registry = registry();
    let (nobody, act) = (user("nobody"), act(START));
    assert_eq!(registry.user(&nobody), Ok(None));
    assert_eq!(registry.disable_user(&nobody, &act), Ok(Changed::Unknown));
    assert_eq!(registry.end_user(&nobody, None, Cause::Revoked, &act), Ok(Changed::Unknown));
    assert_eq!(registry.set_password(&nobody, &PasswordHash::new("x"), None, &act), Ok(Changed::Unknown));
    assert_eq!(registry.enable_user(&nobody, &act), Ok(false));
    assert_eq!(registry.change_profile(&nobody, &act, |old| old), Ok(false));
    assert_eq!(told(&registry), []);
}
