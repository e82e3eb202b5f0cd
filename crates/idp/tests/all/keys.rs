//! Keys that are rotated and ended while the provider runs.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::StreamExt as _;
use serde_json::Value;
use vestibule_idp::Idp;
use vestibule_ports::authority::{Authority as _, AuthorityError, KeyPurpose};
use vestibule_ports::clock::Clock as _;
use vestibule_ports::entropy::SeededEntropy;
use vestibule_ports::issuer::{Cause, Ended, FeedItem, Issuer as _, IssuerError, Presented, Refusal};

use super::house::{Asked, Browser, House, config};
use super::site::returning;

/// The name of the key that has signed a token.
pub(crate) fn kid(token: &str) -> String {
    let header = token.split('.').next().unwrap();
    let header: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).unwrap()).unwrap();
    header["kid"].as_str().unwrap().to_owned()
}

async fn published(house: &House, path: &str) -> Vec<String> {
    let document = house.browser().get(path).await.json();
    let keys = document["keys"].as_array().unwrap();
    keys.iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_new_key_signs_at_once_and_the_old_one_is_believed_while_its_tokens_live() {
    let house = House::new().await;
    let old = house.idp.mint(returning(), None).await.unwrap().jpt;
    let made = house.idp.rotate_key(KeyPurpose::Jpt, "admin").await.unwrap();
    assert_eq!((made.purpose, made.retires_at), (KeyPurpose::Jpt, None));
    assert_eq!(published(&house, "/jwks/jpt").await, [kid(old.expose()), made.kid.clone()]);
    let new = house.idp.mint(returning(), None).await.unwrap().jpt;
    assert_eq!(kid(new.expose()), made.kid);
    for jpt in [&old, &new] {
        house.idp.swap(Presented::Inside(jpt.clone())).await.unwrap();
    }
    let listed = house.idp.keys().await.unwrap();
    let jpts: Vec<_> = listed.iter().filter(|key| key.purpose == KeyPurpose::Jpt).collect();
    assert_eq!((listed.len(), jpts.len(), jpts[1]), (4, 2, &made));
    assert!(jpts[0].retires_at.is_some());

    house.clock.advance(Duration::from_mins(11));

    assert_eq!(published(&house, "/jwks/jpt").await, [made.kid.as_str()]);
    assert_eq!(kid(house.idp.mint(returning(), None).await.unwrap().jpt.expose()), made.kid);
    assert_eq!(house.idp.keys().await.unwrap().len(), 3);
}

#[tokio::test]
async fn an_ended_key_has_signed_nothing_that_is_believed_and_another_one_signs() {
    let house = House::new().await;
    let mut feed = house.idp.feed(0).await.unwrap();
    let old = house.idp.mint(returning(), None).await.unwrap().jpt;
    let successor = house.idp.end_key(&kid(old.expose()), "admin").await.unwrap().unwrap();
    let refused = house.idp.swap(Presented::Inside(old.clone())).await.unwrap_err();
    assert_eq!(refused, IssuerError::Refused(Refusal::Token));
    assert_eq!(published(&house, "/jwks/jpt").await, [successor.as_str()]);
    let new = house.idp.mint(returning(), None).await.unwrap().jpt;
    assert_eq!(kid(new.expose()), successor);
    house.idp.swap(Presented::Inside(new)).await.unwrap();
    let told = loop {
        match feed.next().await.unwrap().unwrap() {
            FeedItem::Heartbeat { .. } => {}
            told => break told,
        }
    };
    let ended = Ended::Key(kid(old.expose()));
    assert_eq!(told, FeedItem::Ended { seq: 1, ended, cause: Cause::Revoked });
    assert_eq!(house.idp.end_key("no such key", "admin").await, Err(AuthorityError::NotFound));
}

#[tokio::test]
async fn each_kind_of_token_has_keys_of_its_own() {
    let house = House::new().await;
    let mint = async || house.idp.mint(returning(), None).await.unwrap().jpt;
    let jpt = kid(mint().await.expose());
    let made = house.idp.rotate_key(KeyPurpose::Services, "admin").await.unwrap();
    let swapped = house.idp.swap(Presented::Inside(mint().await)).await.unwrap();
    assert_eq!((kid(swapped.jwt.expose()), swapped.key), (made.kid.clone(), made.kid.clone()));
    assert_eq!(kid(mint().await.expose()), jpt);
    let made = house.idp.rotate_key(KeyPurpose::Oidc, "admin").await.unwrap();
    let tokens = house.mobile_tokens("openid orders:read").await;
    assert_eq!(kid(tokens["id_token"].as_str().unwrap()), made.kid);
}

/// A spare one that has been overtaken goes, and nothing takes its place.
#[tokio::test]
async fn a_key_that_no_longer_signs_ends_without_a_successor() {
    let house = House::new().await;
    let old = kid(house.idp.mint(returning(), None).await.unwrap().jpt.expose());
    let made = house.idp.rotate_key(KeyPurpose::Jpt, "admin").await.unwrap();
    assert_eq!(house.idp.end_key(&old, "admin").await, Ok(None));
    assert_eq!(published(&house, "/jwks/jpt").await, [made.kid]);
}

/// What a silent request is told, in a browser where alice is logged in, with an ID token of hers as the hint.
async fn hinted(browser: &mut Browser, id_token: &str) -> Result<String, String> {
    let more = format!("&prompt=none&id_token_hint={id_token}");
    let reply = browser.get(&Asked::mobile().with(&more).url()).await;
    reply.parameter("code").ok_or_else(|| reply.parameter("error").unwrap_or_default())
}

async fn id_token(house: &House) -> String {
    house.mobile_tokens("openid").await["id_token"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_hint_is_understood_after_a_rotation_while_a_sign_on_session_from_before_may_live() {
    const CLICK_EVERY: Duration = Duration::from_mins(29);
    let house = House::new().await;
    let mut browser = house.browser();
    browser.log_in(&Asked::mobile()).await;
    let hint = id_token(&house).await;
    let made = house.idp.rotate_key(KeyPurpose::Oidc, "admin").await.unwrap();
    for _ in 0..8 {
        house.clock.advance(CLICK_EVERY);
        house.registry.sweep(house.clock.wall(), 1_000).unwrap();
        hinted(&mut browser, &hint).await.unwrap();
    }
    assert_eq!(published(&house, "/jwks").await, [kid(&hint), made.kid.clone()]);
    house.clock.advance(CLICK_EVERY);
    assert_eq!(published(&house, "/jwks").await, [made.kid], "four hours are over");
}

/// By this provider or by another one on the same registry, at once, also where it had signed no more.
#[tokio::test]
async fn a_hint_of_a_key_that_was_ended_is_not_believed() {
    let house = House::new().await;
    let mut browser = house.browser();
    browser.log_in(&Asked::mobile()).await;
    let hint = id_token(&house).await;
    let entropy = Arc::new(SeededEntropy::new(8));
    let other = Idp::new(config(), Arc::clone(&house.registry), house.clock.clone(), entropy).unwrap();
    hinted(&mut browser, &hint).await.unwrap();
    house.idp.rotate_key(KeyPurpose::Oidc, "admin").await.unwrap();
    hinted(&mut browser, &hint).await.unwrap();
    other.end_key(&kid(&hint), "admin").await.unwrap();
    assert_eq!(hinted(&mut browser, &hint).await, Err("login_required".to_owned()));
    let newer = id_token(&house).await;
    hinted(&mut browser, &newer).await.unwrap();
    house.idp.end_key(&kid(&newer), "admin").await.unwrap();
    assert_eq!(hinted(&mut browser, &newer).await, Err("login_required".to_owned()));
}

/// A key document has room for sixteen.
#[tokio::test]
async fn rotations_without_end_drop_the_oldest_keys_and_stop_nothing() {
    let house = House::new().await;
    let mut last = String::new();
    for _ in 0..20 {
        last = house.idp.rotate_key(KeyPurpose::Oidc, "admin").await.unwrap().kid;
    }
    assert_eq!(kid(&id_token(&house).await), last);
    let published = published(&house, "/jwks").await;
    assert_eq!((published.len(), published.last()), (16, Some(&last)));
}
