//! What ends a stream when the feed and the store's events are not heard, and what does not.

use std::time::Duration;

use vestibule_domain::audit::Cause;
use vestibule_domain::identity::UserId;
use vestibule_domain::outage::UNFRESH_MAX;
use vestibule_feed::LEASE;
use vestibule_ports::issuer::{End, Issuer as _};
use vestibule_ports::memory::Fault;

use super::*;
use crate::rig::{HANDLE, Rig};
use crate::tokens::ASK_AGAIN;

/// An answer that has begun to stream to alice.
async fn streaming(rig: &Rig) -> Arc<dyn Anchor> {
    let visitor = rig.alice().await;
    let (visitors, site, limits) = (rig.visitors(), rig.site(), rig.limits());
    let (now, need) = (rig.now(), Need::Wanted);
    Tied { visitors, site, visitor: &visitor, now, token: None, need, limits }.anchor()
}

/// One with a token, from an app that can do without one or cannot.
async fn streaming_with_a_token(rig: &Rig, need: Need) -> Arc<dyn Anchor> {
    let visitor = rig.alice().await;
    rig.follow_ends().await;
    let (visitors, site, limits, now) = (rig.visitors(), rig.site(), rig.limits(), rig.now());
    let view = visitor.view(now, limits).unwrap();
    let token = visitors.tokens.of(site, Some((HANDLE, &view)), now, now).await.ok().unwrap();
    Tied { visitors, site, visitor: &visitor, now, token: Some(&token), need, limits }.anchor()
}

async fn look(anchor: &Arc<dyn Anchor>) -> Grip {
    Arc::clone(anchor).look().await
}

#[tokio::test]
async fn what_nobody_can_tell_at_once_is_asked_for_and_holds() {
    let rig = Rig::new();
    let (anchor, risen_at) = (streaming(&rig).await, rig.now());
    for _ in 0..3 {
        rig.clock.advance(Duration::from_mins(5));
        assert_eq!((anchor.glance(), look(&anchor).await), (Grip::Unsure, Grip::Holds));
    }
    // No visit: the IDP hears of the last one.
    assert_eq!(rig.issuer.seen(), Some(risen_at));
    assert!(rig.issuer.minted() > 0);
}

#[tokio::test]
async fn an_end_in_the_store_is_enough() {
    let rig = Rig::new();
    let anchor = streaming(&rig).await;
    rig.issuer.set_unreachable(true);
    let tombstone = vestibule_domain::rise::end(&rig.logged_on("alice", 1), Cause::LogOut, rig.now());
    let elsewhere = rig.restarted();
    let ended = elsewhere.visitors().sessions.end(HANDLE, |_| Some(tombstone.clone())).await;
    assert!(ended.is_ok());
    assert_eq!(look(&anchor).await, Grip::Slipped(SESSION_GONE));
}

#[tokio::test]
async fn an_end_at_the_idp_is_enough() {
    let rig = Rig::new();
    let anchor = streaming(&rig).await;
    assert_eq!(look(&anchor).await, Grip::Holds);
    rig.issuer
        .end(End::User { id: UserId::parse("alice").unwrap(), by: None }, Cause::UserDisabled)
        .await
        .unwrap();
    rig.issuer
        .end(End::Session { sid: HANDLE, ep: rig.logged_on("alice", 1).epoch() }, Cause::Revoked)
        .await
        .unwrap();
    assert_eq!(look(&anchor).await, Grip::Slipped(LOG_ON_GONE));
}

#[tokio::test]
async fn a_store_that_is_away_is_waited_for_and_not_for_ever() {
    let rig = Rig::new();
    let anchor = streaming(&rig).await;
    rig.store.set_fault(Fault::Unreachable);
    for (seconds, grip) in [(2, Grip::Unsure), (8, Grip::Unsure), (1, Grip::Slipped(UNKNOWN))] {
        rig.clock.advance(Duration::from_secs(seconds));
        assert_eq!(look(&anchor).await, grip, "after {seconds} s more");
    }
    rig.store.set_fault(Fault::None);
    assert_eq!(look(&anchor).await, Grip::Holds);
}

/// Of a user who is disabled meanwhile nothing is heard.
#[tokio::test]
async fn an_idp_that_is_away_is_waited_for_as_long_as_requests_do_where_a_token_is_required() {
    for (need, at_last) in [(Need::Required, Grip::Slipped(TOKEN_UNKNOWN)), (Need::Wanted, Grip::Unsure)] {
        let rig = Rig::new();
        let anchor = streaming_with_a_token(&rig, need).await;
        assert_eq!(look(&anchor).await, Grip::Holds);
        rig.issuer.set_unreachable(true);
        rig.clock.advance(LEASE + UNFRESH_MAX);
        assert_eq!(look(&anchor).await, Grip::Unsure, "{need:?}");
        rig.clock.advance(Duration::from_millis(1));
        assert_eq!(look(&anchor).await, at_last, "{need:?}");
        rig.issuer.set_unreachable(false);
        rig.clock.advance(ASK_AGAIN);
        assert_eq!(look(&anchor).await, Grip::Holds, "{need:?}");
    }
}

#[tokio::test]
async fn an_idp_that_is_away_ends_nothing_where_a_token_is_only_wanted() {
    let rig = Rig::new();
    let anchor = streaming(&rig).await;
    rig.issuer.set_unreachable(true);
    for _ in 0..5 {
        rig.clock.advance(Duration::from_mins(5));
        assert_eq!(look(&anchor).await, Grip::Unsure);
    }
    // The log-on's own limits are known without it.
    rig.clock.advance(Duration::from_mins(5));
    assert_eq!(look(&anchor).await, Grip::Slipped(Slip::Ended(Cause::IdleLimit.sentence())));
}
