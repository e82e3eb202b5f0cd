//! Signing keys: one first key, rotation with an overlap, an end at once.

use vestibule_domain::identity::Timestamp;
use vestibule_ports::issuer::Ended;
use vestibule_registry::Registry;
use vestibule_registry::key::{KeyEnd, NewKey, Pkcs8, Purpose};

use super::fixture::*;

fn key(kid: &str, purpose: Purpose) -> NewKey {
    NewKey {
        kid: kid.to_owned(),
        purpose,
        algorithm: "ES256".to_owned(),
        pkcs8: Pkcs8::new(kid.as_bytes()),
        public_jwk: format!("{{\"kid\":\"{kid}\"}}"),
    }
}

fn kids(registry: &Registry, purpose: Purpose, now: Timestamp) -> Vec<String> {
    registry.signing_keys(purpose, now).unwrap().into_iter().map(|key| key.kid).collect()
}

#[test]
fn the_first_key_of_a_purpose_is_made_once() {
    let registry = registry();
    assert_eq!(registry.create_first_key(&key("one", Purpose::Jpt), &act(START)), Ok(true));
    assert_eq!(registry.create_first_key(&key("two", Purpose::Jpt), &act(START)), Ok(false));
    assert_eq!(registry.create_first_key(&key("three", Purpose::Oidc), &act(START)), Ok(true));
    assert_eq!(kids(&registry, Purpose::Jpt, START), ["one"]);
    assert_eq!(kids(&registry, Purpose::Oidc, START), ["three"]);
    assert_eq!(kids(&registry, Purpose::Services, START), [""; 0]);
    let stored = registry.signing_keys(Purpose::Jpt, START).unwrap().remove(0);
    assert_eq!((stored.pkcs8.expose(), stored.retire_at), (&b"one"[..], None));
    assert_eq!(format!("{:?}", stored.pkcs8), "Pkcs8(..)");
}

#[test]
fn an_old_key_is_verified_with_until_it_retires_and_the_new_one_signs() {
    let registry = registry();
    registry.create_first_key(&key("b-old", Purpose::Jpt), &act(START)).unwrap();
    registry.create_first_key(&key("other", Purpose::Oidc), &act(START)).unwrap();
    let retire_at = START + HOUR;
    // Made within the same millisecond, and first by name: still the last of the list.
    registry.rotate_key(&key("a-new", Purpose::Jpt), retire_at, &act(START)).unwrap();
    assert_eq!(kids(&registry, Purpose::Jpt, START), ["b-old", "a-new"]);
    assert_eq!(kids(&registry, Purpose::Jpt, retire_at), ["a-new"]);
    assert_eq!(kids(&registry, Purpose::Oidc, retire_at), ["other"]);
    registry.sweep(retire_at, 100).unwrap();
    assert_eq!(kids(&registry, Purpose::Jpt, START), ["a-new"]);
}

#[test]
fn an_ended_key_is_gone_at_once_and_told() {
    let registry = registry();
    registry.create_first_key(&key("one", Purpose::Services), &act(START)).unwrap();
    registry.create_first_key(&key("other", Purpose::Jpt), &act(START)).unwrap();
    let end = |kid: &str| {
        registry.end_key(kid, &act(START), |purpose| key(&format!("after {kid}"), purpose)).unwrap()
    };
    assert_eq!(end("one"), KeyEnd::Done { successor: Some("after one".to_owned()) });
    assert_eq!(end("one"), KeyEnd::Unknown);
    assert_eq!(kids(&registry, Purpose::Services, START), ["after one"]);
    assert_eq!(kids(&registry, Purpose::Jpt, START), ["other"]);
    registry.rotate_key(&key("newest", Purpose::Services), START + HOUR, &act(START)).unwrap();
    assert_eq!(end("after one"), KeyEnd::Done { successor: None });
    assert_eq!(kids(&registry, Purpose::Services, START), ["newest"]);
    let ended = ["one", "after one"].map(|kid| Ended::Key(kid.to_owned()));
    assert_eq!(told(&registry), ended);
}

#[test]
fn all_keys_are_read_at_once_in_one_order() {
    let registry = registry();
    for (kid, purpose) in [("z", Purpose::Services), ("b", Purpose::Jpt), ("c", Purpose::Oidc)] {
        registry.create_first_key(&key(kid, purpose), &act(START)).unwrap();
    }
    registry.rotate_key(&key("a", Purpose::Jpt), START + HOUR, &act(START)).unwrap();
    let names = |now| registry.keys(now).unwrap().into_iter().map(|key| key.kid).collect::<Vec<_>>();
    assert_eq!(names(START), ["b", "a", "c", "z"]);
    assert_eq!(names(START + HOUR), ["a", "c", "z"]);
    for now in [START, START + HOUR] {
        assert_eq!(registry.kids(now).unwrap(), names(now));
    }
}
