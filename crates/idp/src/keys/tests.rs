//! Signing keys: made, read back, and never shown.

use vestibule_oauth::access_claims::AccessClaims;
use vestibule_oauth::jwt::{JwtRefused, Registered};
use vestibule_oauth::token::{Jpt, Jwt};

use super::*;

const ISSUER: &str = "https://login.example/services";

fn claims() -> AccessClaims {
    AccessClaims::new(Registered::new(ISSUER, "user", "services", 1_000, 1_600), "name", "shop")
}

#[test]
fn the_newest_key_signs_and_every_key_verifies() {
    let (old, new) = (NewKey::generate().unwrap(), NewKey::generate().unwrap());
    let before = SigningKeys::<Jwt>::read([&old.pkcs8[..]]).unwrap();
    let after = SigningKeys::<Jwt>::read([&old.pkcs8[..], &new.pkcs8[..]]).unwrap();
    assert_eq!((before.kid(), after.kid()), (old.kid.as_str(), new.kid.as_str()));
    let verifier = after.verifier(ISSUER, "services");
    for keys in [&before, &after] {
        let token = keys.sign(&claims()).unwrap();
        assert_eq!(verifier.verify(&token, 1_000, 0), Ok(claims()));
    }
}

#[test]
fn the_document_has_public_members_only() {
    let keys = [NewKey::generate().unwrap(), NewKey::generate().unwrap()];
    let set = SigningKeys::<Jpt>::read(keys.iter().map(|key| &key.pkcs8[..])).unwrap();
    let document: serde_json::Value = serde_json::from_str(&set.document()).unwrap();
    let published = document["keys"].as_array().unwrap();
    assert_eq!(published.len(), 2);
    for (key, jwk) in keys.iter().zip(published) {
        let mut members: Vec<&str> = jwk.as_object().unwrap().keys().map(String::as_str).collect();
        members.sort_unstable();
        assert_eq!(members, ["alg", "crv", "kid", "kty", "use", "x", "y"]);
        assert_eq!(jwk["kid"], key.kid.as_str());
    }
}

#[test]
fn keys_of_another_set_verify_nothing() {
    let one = SigningKeys::<Jwt>::read([&NewKey::generate().unwrap().pkcs8[..]]).unwrap();
    let other = SigningKeys::<Jwt>::read([&NewKey::generate().unwrap().pkcs8[..]]).unwrap();
    let token = one.sign(&claims()).unwrap();
    let refused = other.verifier(ISSUER, "services").verify(&token, 1_000, 0);
    assert!(matches!(refused, Err(JwtRefused::Jws(_))), "{refused:?}");
}

#[test]
fn what_is_no_key_is_refused_at_the_start() {
    let unusable = |stored: &[&[u8]]| SigningKeys::<Jwt>::read(stored.iter().copied()).map(|_| ());
    assert_eq!(unusable(&[]), Err(KeyUnusable::Missing));
    assert!(matches!(unusable(&[b"not a key"]), Err(KeyUnusable::Private(_))));
}

#[test]
fn claims_that_nobody_would_take_are_not_signed() {
    let keys = SigningKeys::<Jwt>::read([&NewKey::generate().unwrap().pkcs8[..]]).unwrap();
    let mut claims = claims();
    claims.visitor = Some("x".repeat(10_000));
    assert_eq!(keys.sign(&claims).unwrap_err(), SigningFailed::TooLong);
}
