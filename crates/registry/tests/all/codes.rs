//! Authorization codes: once, by whoever comes first; a second showing ends what the first one got.

use vestibule_domain::identity::Timestamp;
use vestibule_oauth::pkce::CodeChallenge;
use vestibule_ports::issuer::{Cause, Ended};
use vestibule_registry::Registry;
use vestibule_registry::audit::{Event, Subject};
use vestibule_registry::code::{CODES_PER_SIGN_ON_MAX, Redeemed};

use super::fixture::*;

fn redeem(registry: &Registry, name: &str, now: Timestamp) -> Redeemed<No> {
    let issue = new_grant(&format!("grant of {name}"), now);
    registry.redeem_code(&digest(name), &act(now), |_, _| Ok(issue)).unwrap()
}

#[test]
fn a_code_tells_the_decision_what_was_authorized_and_by_whom() {
    let registry = registry();
    let sign_on = sign_on(&registry, "alice", "browser", START);
    let now = START + MINUTE;
    assert!(code(&registry, "code", "shop", "browser", now));
    let issue = new_grant("grant", now);
    let redeemed = registry.redeem_code(&digest("code"), &act(now), |authorization, user| {
        assert_eq!(authorization.client, "shop");
        assert_eq!((&authorization.user, &user.id), (&sign_on.user, &sign_on.user));
        assert_eq!(authorization.sign_on, sign_on.id);
        assert_eq!(authorization.redirect_uri.as_deref(), Some("http://127.0.0.1:5000/cb"));
        assert_eq!(authorization.challenge, CodeChallenge::from(digest("challenge")));
        assert_eq!(authorization.nonce.as_deref(), Some("nonce"));
        assert_eq!(authorization.scopes, scopes("openid orders:read"));
        assert_eq!((authorization.auth_time, authorization.level), (START, 1));
        assert_eq!(authorization.expires_at, now + MINUTE);
        Ok::<_, No>(issue)
    });
    let Ok(Redeemed::Issued(redemption)) = redeemed else { panic!("{redeemed:?}") };
    assert_eq!((redemption.user.id, redemption.refresh), (user("alice"), None));
    let log_on = registry.log_on(&digest("grant"), now).unwrap().unwrap();
    assert_eq!((log_on.grant.client.as_str(), log_on.grant.sign_on), ("shop", sign_on.id));
    assert_eq!((log_on.grant.auth_time, log_on.grant.scopes), (START, scopes("openid orders:read")));
}

#[test]
fn a_replay_ends_the_grant_that_the_code_became() {
    let registry = registry();
    sign_on(&registry, "alice", "browser", START);
    code(&registry, "code", "shop", "browser", START);
    assert!(matches!(redeem(&registry, "code", START), Redeemed::Issued(_)));
    assert!(has_grant(&registry, "grant of code", START));
    let later = START + HOUR;
    assert_eq!(redeem(&registry, "code", later), Redeemed::Unknown);
    assert!(!has_grant(&registry, "grant of code", later));
    assert_eq!(told(&registry), [Ended::Grant("grant of code".to_owned())]);
    let newest = registry.audit(Subject::User(&user("alice")), None).unwrap().remove(0);
    assert_eq!((newest.event, newest.client.as_deref()), (Event::CodeReplayed, Some("shop")));
}

#[test]
fn a_replay_ends_the_family_after_any_number_of_refreshes() {
    let registry = registry();
    sign_on(&registry, "alice", "browser", START);
    let token = family(&registry, "family", "browser", false, START);
    let token = super::refresh::rotated(&registry, &token, 1, START);
    let replayed =
        registry.redeem_code(&digest("code of family"), &act(START), |_, _| Err::<_, No>(No)).unwrap();
    assert_eq!(replayed, Redeemed::Unknown);
    assert!(!has_family(&registry, "family", START));
    assert_eq!(super::refresh::refused(&registry, &token, START), None);
    assert_eq!(told(&registry), [Ended::Family("family".to_owned())]);
}

#[test]
fn a_refused_code_is_used_up_and_the_refusal_is_on_record() {
    let registry = registry();
    sign_on(&registry, "alice", "browser", START);
    code(&registry, "code", "shop", "browser", START);
    let refused = registry.redeem_code(&digest("code"), &act(START), |_, _| Err::<_, No>(No)).unwrap();
    assert_eq!(refused, Redeemed::Refused(No));
    assert_eq!(redeem(&registry, "code", START), Redeemed::Unknown);
    assert_eq!(told(&registry), []);
    let newest = registry.audit(Subject::Client("shop"), None).unwrap().remove(0);
    assert_eq!(newest.event, Event::CodeRefused);
}

#[test]
fn a_code_nobody_issued_is_unknown_and_touches_nothing() {
    let registry = registry();
    sign_on(&registry, "alice", "browser", START);
    // A row without a code must not be taken for one that came from this.
    grant(&registry, "grant", "browser", START);
    assert_eq!(redeem(&registry, "no such code", START), Redeemed::Unknown);
    assert!(has_grant(&registry, "grant", START));
}

#[test]
fn codes_end_with_their_sign_on_session_user_and_client() {
    let registry = registry();
    type End = fn(&Registry);
    let enders: [(&str, End); 3] = [
        ("a", |registry| registry.end_sign_on(&sign_on_id("a"), Cause::LogOut, &act(START)).unwrap()),
        ("b", |registry| {
            registry.disable_user(&user("alice"), &act(START)).unwrap();
            registry.enable_user(&user("alice"), &act(START)).unwrap();
        }),
        ("c", |registry| remove_client(registry, "shop", START)),
    ];
    for (browser, end) in enders {
        sign_on(&registry, "alice", browser, START);
        assert!(code(&registry, browser, "shop", browser, START));
        end(&registry);
        assert_eq!(redeem(&registry, browser, START), Redeemed::Unknown, "{browser}");
    }
    assert!(!code(&registry, "late", "shop", "c", START), "the client is gone");
    assert!(!code(&registry, "late", "mobile-app", "a", START), "the sign-on session is gone");
}

#[test]
fn waiting_codes_of_one_browser_are_bounded() {
    let registry = registry();
    sign_on(&registry, "alice", "browser", START);
    for index in 0..=CODES_PER_SIGN_ON_MAX {
        let at = START + MINUTE * index;
        assert!(code(&registry, &index.to_string(), "shop", "browser", at));
    }
    assert_eq!(redeem(&registry, "0", START), Redeemed::Unknown);
    assert!(matches!(redeem(&registry, "1", START), Redeemed::Issued(_)));
}
