//! The inside face behind a real socket, asked by the client that proxies and gateways use: what it answers, whom it
//! refuses, and that the public face knows nothing of it.

use std::future::IntoFuture as _;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use futures_util::StreamExt as _;
use http::{Request, StatusCode};
use vestibule_domain::identity::{Epoch, GrantDigest, Handle, SiteId};
use vestibule_idp::config::{Config, Role, RoleClient};
use vestibule_issuer_http::IssuerHttp;
use vestibule_oauth::token::{AccessToken, ClientSecret};
use vestibule_ports::clock::Clock as _;
use vestibule_ports::issuer::{
    Cause, End, Ended, FeedItem, Issuer as _, IssuerError, Mint, Presented, Refusal,
};

use super::house::{Asked, House, OFFICE_SECRET, TILL_SECRET, config};
use super::site::{SID, logged_on, redeem, returning};

const ALL: [Role; 5] = [Role::Redeem, Role::Mint, Role::Swap, Role::End, Role::Feed];

/// By when an end that was acknowledged is told.
const FEED_BOUND: Duration = Duration::from_millis(250);

fn role_client(id: &str, secret: &str, roles: &[Role], sites: &[&str]) -> RoleClient {
    RoleClient {
        id: id.to_owned(),
        secret_file: "read already".into(),
        secret: Some(ClientSecret::parse(secret).unwrap()),
        roles: roles.to_vec(),
        sites: sites.iter().map(|site| (*site).to_owned()).collect(),
    }
}

/// A house whose inside face listens, and where.
async fn open() -> (House, String) {
    let role_clients = vec![
        role_client("proxy", TILL_SECRET, &ALL, &["shop"]),
        role_client("gateway", OFFICE_SECRET, &[Role::Swap, Role::Feed], &[]),
    ];
    let house = House::of(Config { role_clients, ..config() }).await;
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(axum::serve(listener, house.idp.inside_router()).into_future());
    (house, url)
}

fn client(house: &House, url: &str, id: &str, secret: &str) -> IssuerHttp {
    let secret = ClientSecret::parse(secret).unwrap();
    IssuerHttp::new(url, id, &secret, Arc::clone(&house.clock) as _).unwrap()
}

fn refused(refusal: Refusal) -> IssuerError {
    IssuerError::Refused(refusal)
}

#[tokio::test]
async fn a_log_on_is_redeemed_minted_swapped_and_ended() {
    let (house, url) = open().await;
    let (proxy, gateway) =
        (client(&house, &url, "proxy", TILL_SECRET), client(&house, &url, "gateway", OFFICE_SECRET));
    let code = house.browser().log_in(&Asked::shop()).await.code();
    let log_on = proxy.redeem(redeem(&Asked::shop(), &code)).await.unwrap();
    assert_eq!((&log_on.sub, log_on.level), (&house.alice, 1));
    assert_eq!(log_on.claims, r#"{"name":"Alice Baker"}"#);
    let minted = proxy.mint(logged_on(&log_on.grant), Some(house.clock.wall())).await.unwrap();
    assert_eq!(minted.user, Some((house.alice.clone(), Epoch::FIRST)));
    assert_eq!(minted.sign_on, Some(log_on.sign_on.clone()));
    let swapped = gateway.swap(Presented::Inside(minted.jpt.clone())).await.unwrap();
    let near = house.idp.swap(Presented::Inside(minted.jpt.clone())).await.unwrap();
    assert_eq!(swapped.scopes, near.scopes);
    assert!(swapped.scopes.contains("orders:read"));
    assert_eq!((swapped.session, swapped.user), (Some((SID, Epoch::FIRST)), near.user));
    assert_eq!((swapped.client, swapped.grant, swapped.key), (near.client, near.grant, near.key));
    proxy.end(End::SignOn(log_on.sign_on), Cause::LogOut).await.unwrap();
    let dead = gateway.swap(Presented::Inside(minted.jpt)).await;
    assert_eq!(dead.unwrap_err(), refused(Refusal::Token));
    let dead = proxy.mint(logged_on(&log_on.grant), None).await;
    assert_eq!(dead.unwrap_err(), refused(Refusal::Grant));
    let again = proxy.redeem(redeem(&Asked::shop(), &code)).await;
    assert_eq!(again.unwrap_err(), refused(Refusal::Grant));
    let unknown = gateway.swap(Presented::Outside(AccessToken::parse("never-issued").unwrap())).await;
    assert_eq!(unknown.unwrap_err(), refused(Refusal::Token));
}

#[tokio::test]
async fn a_log_on_that_no_session_has_got_is_ended_by_its_digest() {
    let (house, url) = open().await;
    let proxy = client(&house, &url, "proxy", TILL_SECRET);
    let code = house.browser().log_in(&Asked::shop()).await.code();
    let log_on = proxy.redeem(redeem(&Asked::shop(), &code)).await.unwrap();
    proxy.end(End::Grant(GrantDigest::of(&log_on.grant)), Cause::Revoked).await.unwrap();
    let dead = proxy.mint(logged_on(&log_on.grant), None).await;
    assert_eq!(dead.unwrap_err(), refused(Refusal::Grant));
}

#[tokio::test]
async fn a_wrong_secret_and_an_unknown_client_are_one_answer() {
    let (house, url) = open().await;
    for (id, secret) in [("proxy", OFFICE_SECRET), ("nobody", TILL_SECRET), ("till", TILL_SECRET)] {
        let stranger = client(&house, &url, id, secret);
        assert_eq!(stranger.mint(returning(), None).await.unwrap_err(), refused(Refusal::Client), "{id}");
        assert_eq!(stranger.feed(0).await.err(), Some(refused(Refusal::Client)), "{id}");
        let end = End::Session { sid: SID, ep: Epoch::FIRST };
        assert_eq!(stranger.end(end, Cause::LogOut).await, Err(refused(Refusal::Client)), "{id}");
    }
    let proxy = client(&house, &url, "proxy", TILL_SECRET);
    assert!(proxy.mint(returning(), None).await.is_ok(), "the stranger has ended nothing");
}

#[tokio::test]
async fn a_role_client_does_what_its_roles_say_for_its_sites() {
    let (house, url) = open().await;
    let (proxy, gateway) =
        (client(&house, &url, "proxy", TILL_SECRET), client(&house, &url, "gateway", OFFICE_SECRET));
    let end = End::Session { sid: SID, ep: Epoch::FIRST };
    assert_eq!(gateway.end(end, Cause::LogOut).await, Err(refused(Refusal::Client)));
    assert_eq!(gateway.mint(returning(), None).await.unwrap_err(), refused(Refusal::Client));
    let outlet = SiteId::parse("outlet").unwrap();
    let foreign = proxy.mint(Mint::Anonymous { site: outlet }, None).await;
    assert_eq!(foreign.unwrap_err(), refused(Refusal::Client));
    let code = house.browser().log_in(&Asked::outlet()).await.code();
    let foreign = proxy.redeem(redeem(&Asked::outlet(), &code)).await;
    assert_eq!(foreign.unwrap_err(), refused(Refusal::Client));
    let own = house.idp.redeem(redeem(&Asked::outlet(), &code)).await.unwrap();
    let foreign = proxy.mint(logged_on(&own.grant), None).await;
    assert_eq!(foreign.unwrap_err(), refused(Refusal::Client), "the grant's row names the site");
}

#[tokio::test]
async fn the_public_face_has_no_inside_paths_and_takes_no_role_client() {
    let (house, _) = open().await;
    for name in ["redeem", "mint", "swap", "end", "feed"] {
        let request = Request::post(format!("/inside/{name}")).body(Body::empty()).unwrap();
        assert_eq!(house.browser().send(request).await.status, StatusCode::NOT_FOUND, "{name}");
    }
    let reply = house.post_as("/token", "proxy", TILL_SECRET, &[("grant_type", "client_credentials")]).await;
    assert_eq!(reply.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn ends_arrive_at_once_and_heartbeats_count_from_before_the_asking() {
    let (house, url) = open().await;
    let gateway = client(&house, &url, "gateway", OFFICE_SECRET);
    let asked = house.clock.mono();
    let mut feed = gateway.feed(0).await.unwrap();
    house.clock.advance(Duration::from_millis(10));
    assert_eq!(feed.next().await, Some(Ok(FeedItem::Heartbeat { seq: 0, sent: asked })));
    for number in 1..=3_u8 {
        let sid = Handle::from_bytes([number; 16]);
        let end = End::Session { sid, ep: Epoch::FIRST };
        let (told, acknowledged) = tokio::join!(
            tokio::time::timeout(FEED_BOUND, async {
                loop {
                    let item = feed.next().await;
                    if !matches!(item, Some(Ok(FeedItem::Heartbeat { .. }))) {
                        break item;
                    }
                }
            }),
            house.idp.end(end, Cause::LogOut),
        );
        acknowledged.unwrap();
        let ended = Ended::Session { sid, ep: Epoch::FIRST };
        let expected = FeedItem::Ended { seq: number.into(), ended, cause: Cause::LogOut };
        assert_eq!(told.unwrap(), Some(Ok(expected)));
    }
    drop(feed);
    let mut again = gateway.feed(2).await.unwrap();
    assert!(matches!(again.next().await, Some(Ok(FeedItem::Ended { seq: 3, .. }))));
    let mut ahead = gateway.feed(99).await.unwrap();
    assert_eq!(ahead.next().await, Some(Ok(FeedItem::Gap { seq: 3 })));
    assert!(matches!(ahead.next().await, Some(Ok(FeedItem::Heartbeat { seq: 3, .. }))));
}

#[tokio::test]
async fn nobody_there_is_unreachable_and_errors_tell_no_secret() {
    let (house, _) = open().await;
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let proxy = client(&house, &url, "proxy", TILL_SECRET);
    let error = proxy.mint(returning(), None).await.unwrap_err();
    assert_eq!(error, IssuerError::Unreachable(format!("nothing answers at {url}")));
    assert!(!format!("{proxy:?}").contains(TILL_SECRET));
}
