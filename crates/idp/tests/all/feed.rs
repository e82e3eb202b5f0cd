//! The feed of ends: in order, without a hole, with heartbeats that can be trusted.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::StreamExt as _;
use http::StatusCode;
use vestibule_domain::identity::{Epoch, Handle};
use vestibule_idp::config::{Caps, Config};
use vestibule_ports::authority::{Authority as _, Password};
use vestibule_ports::clock::Clock as _;
use vestibule_ports::issuer::{Cause, End, Ended, Feed, FeedItem, Issuer as _};

use super::house::{Asked, House, TILL_SECRET, config};
use super::site::{SID, log_on};

async fn next(feed: &mut Feed) -> FeedItem {
    feed.next().await.unwrap().unwrap()
}

/// The next end, past heartbeats.
async fn next_end(feed: &mut Feed) -> (u64, Ended, Cause) {
    loop {
        match next(feed).await {
            FeedItem::Ended { seq, ended, cause } => return (seq, ended, cause),
            FeedItem::Heartbeat { .. } => {}
            gap @ FeedItem::Gap { .. } => panic!("{gap:?}"),
        }
    }
}

#[tokio::test]
async fn every_end_is_told_in_order_to_whoever_asks() {
    let house = House::new().await;
    let mut feed = house.idp.feed(0).await.unwrap();
    let log_on = log_on(&house, &mut house.browser(), &Asked::shop()).await;
    let session = End::Session { sid: SID, ep: Epoch::new(4) };
    house.idp.end(session, Cause::LogOut).await.unwrap();
    house.idp.end(End::SignOn(log_on.sign_on.clone()), Cause::LogOut).await.unwrap();
    house.idp.set_password(&house.alice, Password::new("an entirely new password"), "test").await.unwrap();
    house.idp.set_disabled(&house.alice, true, "test").await.unwrap();
    let user = |epoch| Ended::User { user: house.alice.clone(), epoch: Epoch::new(epoch) };
    let expected = [
        (Ended::Session { sid: SID, ep: Epoch::new(4) }, Cause::LogOut),
        (Ended::SignOn(log_on.sign_on), Cause::LogOut),
        (user(2), Cause::PasswordChanged),
        (user(3), Cause::UserDisabled),
    ];
    for (seq, (ended, cause)) in (1..).zip(expected) {
        assert_eq!(next_end(&mut feed).await, (seq, ended, cause));
    }
    let mut late = house.idp.feed(2).await.unwrap();
    assert_eq!(
        next(&mut late).await,
        FeedItem::Ended { seq: 3, ended: user(2), cause: Cause::PasswordChanged }
    );
    assert_eq!(next(&mut late).await, FeedItem::Ended { seq: 4, ended: user(3), cause: Cause::UserDisabled });
    let sent = house.clock.mono();
    assert_eq!(next(&mut late).await, FeedItem::Heartbeat { seq: 4, sent });
}

#[tokio::test(start_paused = true)]
async fn heartbeats_come_when_nothing_ends_and_ends_do_not_wait_for_them() {
    let house = House::new().await;
    let mut feed = house.idp.feed(0).await.unwrap();
    let start = house.clock.mono();
    assert_eq!(next(&mut feed).await, FeedItem::Heartbeat { seq: 0, sent: start });
    house.clock.advance(Duration::from_millis(500));
    let sent = house.clock.mono();
    assert_eq!(next(&mut feed).await, FeedItem::Heartbeat { seq: 0, sent });
    let end = End::Session { sid: SID, ep: Epoch::FIRST };
    house.idp.end(end, Cause::LogOut).await.unwrap();
    let before = tokio::time::Instant::now();
    let expected = Ended::Session { sid: SID, ep: Epoch::FIRST };
    assert_eq!(next(&mut feed).await, FeedItem::Ended { seq: 1, ended: expected, cause: Cause::LogOut });
    assert_eq!(tokio::time::Instant::now(), before, "told at once");
    assert_eq!(next(&mut feed).await, FeedItem::Heartbeat { seq: 1, sent });
}

/// What is acknowledged before a heartbeat was sent has been told before it.
#[tokio::test]
async fn an_end_is_told_before_the_next_heartbeat() {
    let house = House::new().await;
    let mut feed = house.idp.feed(0).await.unwrap();
    for number in 1..=20_u8 {
        let sid = Handle::from_bytes([number; 16]);
        house.idp.end(End::Session { sid, ep: Epoch::FIRST }, Cause::LogOut).await.unwrap();
        house.clock.advance(Duration::from_millis(1));
        let acknowledged = house.clock.mono();
        let mut told = false;
        loop {
            match next(&mut feed).await {
                FeedItem::Ended { seq, .. } => told = seq == u64::from(number),
                FeedItem::Heartbeat { sent, .. } if sent >= acknowledged => break,
                FeedItem::Heartbeat { .. } => {}
                gap @ FeedItem::Gap { .. } => panic!("{gap:?}"),
            }
        }
        assert!(told, "{number}");
    }
}

/// With one token too many the oldest ends. Whoever follows in this process knows it before the new one is handed out.
#[tokio::test(start_paused = true)]
async fn a_token_that_made_room_is_known_to_have_ended_when_the_new_one_is_there() {
    let caps = Caps { tokens_per_client: 1, ..Caps::default() };
    let house = House::of(Config { caps, ..config() }).await;
    let mut feed = house.idp.feed(0).await.unwrap();
    let heard = Arc::new(AtomicU64::new(0));
    let hears = Arc::clone(&heard);
    let follower = tokio::spawn(async move {
        loop {
            if let FeedItem::Ended { seq, .. } = next(&mut feed).await {
                hears.store(seq, Ordering::SeqCst);
            }
        }
    });
    for made_room in 0..4 {
        let asked = [("grant_type", "client_credentials")];
        let reply = house.post_as("/token", "till", TILL_SECRET, &asked).await;
        assert_eq!(reply.status, StatusCode::OK, "{}", reply.body);
        assert_eq!(heard.load(Ordering::SeqCst), made_room);
    }
    follower.abort();
}

#[tokio::test]
async fn who_asks_for_what_is_gone_is_told_to_trust_nothing() {
    let house = House::new().await;
    for sid in [SID, Handle::from_bytes([3; 16])] {
        house.idp.end(End::Session { sid, ep: Epoch::FIRST }, Cause::LogOut).await.unwrap();
    }
    let mut ahead = house.idp.feed(99).await.unwrap();
    assert_eq!(next(&mut ahead).await, FeedItem::Gap { seq: 2 });
    assert!(matches!(next(&mut ahead).await, FeedItem::Heartbeat { seq: 2, .. }));
    house.clock.advance(Duration::from_hours(1));
    house.registry.sweep(house.clock.wall(), 500).unwrap();
    let mut behind = house.idp.feed(0).await.unwrap();
    assert_eq!(next(&mut behind).await, FeedItem::Gap { seq: 2 });
}
