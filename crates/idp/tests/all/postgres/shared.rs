//! Two providers on one registry, as two processes that serve one house.

use std::sync::{Arc, Barrier};
use std::thread;

use axum::body::Body;
use futures_util::StreamExt as _;
use http::Request;
use http_body_util::BodyExt as _;
use tower::ServiceExt as _;
use vestibule_domain::identity::{Epoch, Timestamp};
use vestibule_idp::Idp;
use vestibule_ports::authority::{Authority as _, KeyPurpose};
use vestibule_ports::clock::TestClock;
use vestibule_ports::entropy::SeededEntropy;
use vestibule_ports::issuer::{Cause, End, Ended, FeedItem, Issuer as _, IssuerError, Presented, Refusal};
use vestibule_registry::Caps;
use vestibule_testkit::patience::{PATIENCE, Patience};

use super::database;
use super::house::{BIRTH, House, config, over_https};
use super::keys::kid;
use super::site::{SID, returning};

/// Providers that make their first start at one instant.
fn started_at_once(count: usize) -> Vec<Arc<Idp>> {
    let (_first, door) = database::fresh(Caps::default());
    let clock = Arc::new(TestClock::new(Timestamp::from_secs(BIRTH)));
    let start = &Barrier::new(count);
    thread::scope(|scope| {
        let starts: Vec<_> = (0..count as u64)
            .map(|seed| {
                let (door, clock) = (&door, Arc::clone(&clock));
                scope.spawn(move || {
                    let registry = door.registry();
                    start.wait();
                    Idp::new(config(), registry, clock, Arc::new(SeededEntropy::new(seed))).unwrap()
                })
            })
            .collect();
        starts.into_iter().map(|start| start.join().unwrap()).collect()
    })
}

async fn document(idp: &Arc<Idp>, path: &str) -> String {
    let request = over_https(Request::get(path)).body(Body::empty()).unwrap();
    let body = idp.router().oneshot(request).await.unwrap().into_body().collect().await.unwrap();
    String::from_utf8(body.to_bytes().to_vec()).unwrap()
}

/// Whose key signs at one process is published by all of them, from the first start on.
#[tokio::test]
async fn of_many_first_starts_at_one_instant_one_set_of_keys_remains() {
    let idps = started_at_once(6);
    for path in ["/jwks", "/jwks/services", "/jwks/jpt"] {
        let first = document(&idps[0], path).await;
        assert_eq!(first.matches("\"kid\"").count(), 1, "{first}");
        for idp in &idps {
            assert_eq!(document(idp, path).await, first, "{path}");
        }
    }
    let minted = idps[1].mint(returning(), None).await.unwrap();
    for idp in &idps {
        idp.swap(Presented::Inside(minted.jpt.clone())).await.unwrap();
    }
}

/// A house with a second provider, whose clock is ten minutes behind, and the first refresh token of a family.
async fn with_a_slower_one() -> (House, Arc<Idp>, database::Door, String) {
    let (registry, door) = database::fresh(Caps::default());
    let clock = Arc::new(TestClock::new(Timestamp::from_secs(BIRTH - 600)));
    let slower = Idp::new(config(), door.registry(), clock, Arc::new(SeededEntropy::new(8))).unwrap();
    let another_way_in = door.again();
    let house = House::over(config(), registry, door).await;
    let tokens = house.mobile_tokens("openid offline_access orders:read products:read").await;
    (house, slower, another_way_in, tokens["refresh_token"].as_str().unwrap().to_owned())
}

/// The answer's `refresh_token`, or its `error`.
async fn refreshed(idp: &Arc<Idp>, token: &str) -> String {
    let body = format!("grant_type=refresh_token&client_id=mobile-app&refresh_token={token}");
    let request = over_https(Request::post("/token"));
    let request = request.header("content-type", "application/x-www-form-urlencoded");
    let answer = idp.router().oneshot(request.body(Body::from(body)).unwrap()).await.unwrap();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    let document: serde_json::Value = serde_json::from_slice(&body).unwrap();
    let told = document.get("refresh_token").or(document.get("error"));
    told.and_then(serde_json::Value::as_str).unwrap_or_else(|| panic!("{document}")).to_owned()
}

/// The same for a client that comes again when the registry is busy: who waits for a lock is sent away before the test
/// loses its patience.
async fn refreshed_at_last(idp: &Arc<Idp>, token: &str) -> String {
    let patience = Patience::new(PATIENCE);
    loop {
        let told = refreshed(idp, token).await;
        if told != "temporarily_unavailable" || patience.left().is_zero() {
            return told;
        }
    }
}

/// Two requests of one client, each at another process: both were here before the token was used up.
#[tokio::test]
async fn two_refreshes_at_once_at_two_providers_get_one_child() {
    let (house, slower, door, token) = with_a_slower_one().await;
    let hold = door.hold_writers(2);
    let (one, other) =
        tokio::join!(refreshed_at_last(&house.idp, &token), refreshed_at_last(&slower, &token));
    hold.join().unwrap();
    assert_eq!(one, other);
    assert_ne!(refreshed(&slower, &one).await, "invalid_grant", "the family lives");
}

/// To a clock that is behind, the rotation lies in the future. No clock is asked.
#[tokio::test]
async fn a_used_token_is_reuse_at_a_provider_whose_clock_is_behind() {
    let (house, slower, _door, token) = with_a_slower_one().await;
    let child = refreshed(&house.idp, &token).await;
    assert_eq!(refreshed(&slower, &token).await, "invalid_grant");
    assert_eq!(refreshed(&house.idp, &child).await, "invalid_grant", "and the family has ended");
}

/// What ends at one process is told by the other, without waiting for the time of its heartbeat.
#[tokio::test]
async fn an_end_at_one_provider_is_in_the_feed_of_the_other_and_dead_at_once() {
    let idps = started_at_once(2);
    let minted = idps[1].mint(returning(), None).await.unwrap();
    let mut feed = idps[1].feed(0).await.unwrap();
    assert!(matches!(feed.next().await, Some(Ok(FeedItem::Heartbeat { seq: 0, .. }))));
    idps[0].end(End::Session { sid: SID, ep: Epoch::FIRST }, Cause::LogOut).await.unwrap();
    let refused = idps[1].swap(Presented::Inside(minted.jpt)).await.unwrap_err();
    assert_eq!(refused, IssuerError::Refused(Refusal::Token));
    let told = async {
        loop {
            match feed.next().await.unwrap().unwrap() {
                FeedItem::Ended { seq, ended, cause } => return (seq, ended, cause),
                FeedItem::Heartbeat { .. } => {}
                gap @ FeedItem::Gap { .. } => panic!("{gap:?}"),
            }
        }
    };
    let told = tokio::time::timeout(PATIENCE, told).await.unwrap();
    assert_eq!(told, (1, Ended::Session { sid: SID, ep: Epoch::FIRST }, Cause::LogOut));
}

/// A key that one process makes or ends is made or ended at the other with the next thing that is asked of it.
#[tokio::test]
async fn a_key_of_one_provider_is_the_others_too() {
    let idps = started_at_once(2);
    let mint = async |at: usize| idps[at].mint(returning(), None).await.unwrap().jpt;
    let swap = async |at: usize, jpt| idps[at].swap(Presented::Inside(jpt)).await;
    let old = mint(1).await;
    let made = idps[0].rotate_key(KeyPurpose::Jpt, "admin").await.unwrap();
    // At the one that has not been asked for anything since.
    swap(1, mint(0).await).await.unwrap();
    assert_eq!(kid(mint(1).await.expose()), made.kid);
    assert!(document(&idps[1], "/jwks/jpt").await.contains(&made.kid));
    let successor = idps[0].end_key(&made.kid, "admin").await.unwrap().unwrap();
    assert!(!document(&idps[1], "/jwks/jpt").await.contains(&made.kid));
    assert_eq!(kid(mint(1).await.expose()), successor);
    idps[1].end_key(&kid(old.expose()), "admin").await.unwrap();
    assert_eq!(swap(0, old).await.unwrap_err(), IssuerError::Refused(Refusal::Token));
}
