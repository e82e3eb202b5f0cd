//! Refresh tokens: one child each, reuse of any age ends the family, a race gets one and the same answer.

use std::collections::HashSet;

use vestibule_domain::identity::Timestamp;
use vestibule_domain::refresh::Generation;
use vestibule_oauth::token::{AccessToken, RefreshToken};
use vestibule_ports::issuer::Ended;
use vestibule_registry::audit::{Event, Subject};
use vestibule_registry::family::TOKENS_PER_FAMILY_MAX;
use vestibule_registry::refresh::{Refreshed, Renewal, Rotation};
use vestibule_registry::{Caps, Registry, RegistryError};

use super::fixture::*;

/// What a test of this file begins with: a family and its first refresh token.
fn born() -> (Registry, RefreshToken) {
    let registry = registry();
    sign_on(&registry, "alice", "browser", START);
    let token = family(&registry, "family", "browser", false, START);
    (registry, token)
}

/// As clients are served: the newest token is rotated, any other ends the family.
pub(crate) fn strict(salt: u8, now: Timestamp) -> impl FnOnce(Generation) -> Rotation<No> {
    move |generation| match generation {
        Generation::Current => {
            Rotation::Rotate { salt: [salt; 32], terms: terms(now), ends_at: now + 24 * HOUR }
        }
        Generation::Previous | Generation::Older => Rotation::Revoke(No),
    }
}

fn refresh(
    registry: &Registry,
    token: &RefreshToken,
    now: Timestamp,
    decide: impl FnOnce(Generation) -> Rotation<No>,
) -> Result<Refreshed<No>, RegistryError> {
    registry.refresh(token, &act(now), |_, _, generation| decide(generation))
}

fn renewed(registry: &Registry, token: &RefreshToken, salt: u8, now: Timestamp) -> Renewal {
    match refresh(registry, token, now, strict(salt, now)).unwrap() {
        Refreshed::Renewed(renewal) => *renewal,
        other => panic!("{other:?}"),
    }
}

pub(crate) fn rotated(registry: &Registry, token: &RefreshToken, salt: u8, now: Timestamp) -> RefreshToken {
    renewed(registry, token, salt, now).refresh
}

/// `Some` if the family was there to be asked about.
pub(crate) fn refused(registry: &Registry, token: &RefreshToken, now: Timestamp) -> Option<No> {
    match refresh(registry, token, now, |_| Rotation::Refuse(No)).unwrap() {
        Refreshed::Refused(no) => Some(no),
        Refreshed::Unknown => None,
        Refreshed::Renewed(_) => panic!("refused is refused"),
    }
}

fn is_alive(registry: &Registry, token: &AccessToken, now: Timestamp) -> bool {
    registry.access_token(&token.digest(), now).unwrap().is_some()
}

#[test]
fn a_refresh_tells_the_decision_about_family_user_and_age_of_the_token() {
    let (registry, first) = born();
    let later = START + HOUR;
    let second = rotated(&registry, &first, 1, later);
    let mut seen = Vec::new();
    for token in [&first, &second] {
        let refused = registry.refresh(token, &act(later), |family, user, generation| {
            seen.push((generation, family.born_at, family.rotated_at, family.ends_at));
            assert_eq!((family.name.as_str(), family.client.as_str()), ("family", "mobile-app"));
            let holder = family.holder.as_ref().unwrap();
            assert_eq!((&holder.user, &user.id), (&user.id, &super::fixture::user("alice")));
            assert_eq!((holder.auth_time, holder.level), (START, 1));
            assert_eq!(family.sign_on, None);
            Rotation::Refuse(No)
        });
        assert_eq!(refused, Ok(Refreshed::Refused(No)));
    }
    let ends_at = later + 24 * HOUR;
    let expected = [Generation::Previous, Generation::Current].map(|age| (age, START, later, ends_at));
    assert_eq!(seen, expected);
}

#[test]
fn each_refresh_gives_new_tokens_that_work() {
    let (registry, first) = born();
    let one = renewed(&registry, &first, 1, START);
    let two = renewed(&registry, &one.refresh, 2, START);
    let texts = [&first, &one.refresh, &two.refresh].map(RefreshToken::expose);
    assert_eq!(HashSet::from(texts).len(), 3);
    assert_ne!(one.access, two.access);
    // Requests under way with the access token from before are not cut off.
    for access in [&one.access, &two.access] {
        let held = registry.access_token(&access.digest(), START).unwrap().unwrap();
        assert_eq!((held.terms, held.family.name.as_str()), (terms(START), "family"));
        assert_eq!(held.user.unwrap().id, user("alice"));
    }
    assert!(has_family(&registry, "family", START));
}

#[test]
fn reuse_of_a_token_of_any_age_ends_the_family() {
    for age in 1..=3_u8 {
        let (registry, first) = born();
        let mut newest = first.clone();
        let mut last_access = None;
        for salt in 1..=age {
            let renewal = renewed(&registry, &newest, salt, START);
            newest = renewal.refresh;
            last_access = Some(renewal.access);
        }
        let reused = refresh(&registry, &first, START, strict(99, START));
        assert_eq!(reused, Ok(Refreshed::Refused(No)), "{age}");
        assert_eq!(refused(&registry, &newest, START), None);
        assert!(!is_alive(&registry, &last_access.unwrap(), START));
        assert!(!has_family(&registry, "family", START));
        assert_eq!(told(&registry), [Ended::Family("family".to_owned())]);
        let newest = registry.audit(Subject::User(&user("alice")), None).unwrap().remove(0);
        assert_eq!(newest.event, Event::RefreshReused);
    }
}

#[test]
fn a_repeated_answer_is_the_same_answer() {
    let (registry, first) = born();
    let one = renewed(&registry, &first, 1, START);
    let repeated = refresh(&registry, &first, START, |generation| {
        assert_eq!(generation, Generation::Previous);
        Rotation::Repeat { scopes: terms(START).scopes, otherwise: No }
    });
    let Ok(Refreshed::Renewed(repeated)) = repeated else { panic!("{repeated:?}") };
    assert_eq!((&repeated.refresh, &repeated.access), (&one.refresh, &one.access));
    assert_eq!(repeated.terms, one.terms);
    let repeat = |texts| Rotation::Repeat { scopes: scopes(texts), otherwise: No };
    let other = refresh(&registry, &first, START, |_| repeat("of-another:request"));
    assert_eq!(other, Ok(Refreshed::Refused(No)));
    assert!(has_family(&registry, "family", START), "nobody was a thief");
    let late = refresh(&registry, &first, START + 2 * HOUR, |_| repeat("of-another:request"));
    assert_eq!(late, Ok(Refreshed::Unknown));
}

#[test]
fn no_decision_can_give_a_used_token_a_second_child() {
    let (registry, first) = born();
    let second = rotated(&registry, &first, 1, START);
    let rotate = |_| Rotation::Rotate { salt: [2; 32], terms: terms(START), ends_at: START + HOUR };
    assert!(matches!(refresh(&registry, &first, START, rotate), Err(RegistryError::Inconsistent(_))));
    let repeat = |_| Rotation::Repeat { scopes: terms(START).scopes, otherwise: No };
    assert!(matches!(refresh(&registry, &second, START, repeat), Err(RegistryError::Inconsistent(_))));
    assert!(matches!(refresh(&registry, &second, START, strict(3, START)), Ok(Refreshed::Renewed(_))));
}

#[test]
fn texts_that_are_no_token_of_a_family_are_unknown() {
    let (registry, token) = born();
    let text = token.expose();
    let near = [
        &text[..63],
        &format!("{text}A"),
        "x",
        "!!!",
        &"A".repeat(64),
        &text.to_lowercase(),
        // It begins as the family's tokens do, and was never issued.
        &format!("{}{}", &text[..24], "A".repeat(40)),
        &format!("{}{}", &text[..43], "A".repeat(21)),
    ];
    for other in near {
        let other = RefreshToken::parse(other).unwrap();
        assert_eq!(refused(&registry, &other, START), None, "{other:?}");
        assert!(!registry.revoke_refresh_token(&other, "mobile-app", &act(START)).unwrap(), "{other:?}");
        assert!(!registry.is_unused(&other).unwrap());
    }
    assert_eq!(refused(&registry, &token, START), Some(No));
}

#[test]
fn only_the_newest_token_of_a_living_family_is_unused() {
    let (registry, first) = born();
    assert!(registry.is_unused(&first).unwrap());
    let second = rotated(&registry, &first, 1, START);
    let third = rotated(&registry, &second, 2, START);
    assert_eq!(
        [&first, &second, &third].map(|token| registry.is_unused(token).unwrap()),
        [false, false, true]
    );
    assert!(registry.revoke_refresh_token(&first, "mobile-app", &act(START)).unwrap(), "one of any age");
    assert!(!registry.is_unused(&third).unwrap());
}

#[test]
fn access_tokens_of_a_family_are_bounded() {
    let (registry, mut newest) = born();
    let mut tokens = Vec::new();
    for salt in 0..=u8::try_from(TOKENS_PER_FAMILY_MAX).unwrap() {
        let at = START + MINUTE * u32::from(salt + 1);
        let renewal = renewed(&registry, &newest, salt, at);
        newest = renewal.refresh;
        tokens.push(renewal.access);
    }
    let alive: Vec<_> = tokens.iter().map(|token| is_alive(&registry, token, START + HOUR)).collect();
    assert_eq!(alive, [false, true, true, true, true]);
    assert!(!has_family(&registry, "family", START + HOUR), "the first one came before all of these");
}

#[test]
fn a_client_revokes_its_own_tokens_and_nobody_elses() {
    let revokers: [fn(&Registry, &RefreshToken, &str) -> bool; 2] = [
        |registry, token, client| registry.revoke_refresh_token(token, client, &act(START)).unwrap(),
        |registry, _, client| {
            registry.revoke_access_token(&digest("access of family"), client, &act(START)).unwrap()
        },
    ];
    for revoke in revokers {
        let (registry, token) = born();
        assert!(!revoke(&registry, &token, "till"));
        assert!(has_family(&registry, "family", START));
        assert!(revoke(&registry, &token, "mobile-app"));
        assert!(!has_family(&registry, "family", START));
        assert_eq!(refused(&registry, &token, START), None);
        assert_eq!(told(&registry), [Ended::Family("family".to_owned())]);
        assert!(!revoke(&registry, &token, "mobile-app"), "nothing is left to revoke");
    }
}

#[test]
fn with_one_family_too_many_the_oldest_ends() {
    let registry = with_caps(Caps { families_per_user: 2, ..Caps::default() });
    sign_on(&registry, "alice", "browser", START);
    for (index, name) in (0..).zip(["first", "second", "third"]) {
        family(&registry, name, "browser", false, START + MINUTE * index);
    }
    let now = START + HOUR;
    assert_eq!(
        ["first", "second", "third"].map(|name| has_family(&registry, name, now)),
        [false, true, true]
    );
    assert_eq!(told(&registry), [Ended::Family("first".to_owned())]);
}
