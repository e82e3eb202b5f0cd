//! `MemoryIssuer` means what the port says, as far as tests of the faces rely on it.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{FutureExt as _, StreamExt as _};
use vestibule_domain::identity::{Epoch, Handle, SignOnId, SiteId, Timestamp, UserId, VisitorId};
use vestibule_oauth::pkce::Verifier;
use vestibule_oauth::scope::ScopeSet;
use vestibule_oauth::token::{AccessToken, Code, GrantToken};
use vestibule_ports::clock::{Clock as _, TestClock};
use vestibule_ports::issuer::{
    Cause, End, Ended, Feed, FeedItem, Issuer as _, IssuerError, LogOn, Mint, Presented, Redeem, Refusal,
};
use vestibule_ports::memory::MemoryIssuer;

const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);
const SID: Handle = Handle::from_bytes([7; 16]);

fn issuer() -> (MemoryIssuer, Arc<TestClock>) {
    let clock = Arc::new(TestClock::new(NOW));
    (MemoryIssuer::new(clock.clone()), clock)
}

fn alice() -> UserId {
    UserId::parse("alice").expect("letters make a user")
}

fn sign_on() -> SignOnId {
    SignOnId::parse("sign-on").expect("letters make a sign-on session")
}

fn verifier(number: u8) -> Verifier {
    Verifier::from_random(&[number; 32])
}

/// Logs alice on with a code and a grant of this number.
async fn log_on(issuer: &MemoryIssuer, number: u8) -> LogOn {
    let code = Code::from_random(&[number; 32]);
    let log_on = LogOn {
        grant: GrantToken::from_random(&[number; 32]),
        sub: alice(),
        auth_time: NOW,
        level: 1,
        ends_at: NOW + Duration::from_hours(4),
        sign_on: sign_on(),
        claims: r#"{"name":"Alice"}"#.to_owned(),
    };
    issuer.log_in(&code, verifier(number).challenge(), log_on);
    issuer.redeem(redeem(code, verifier(number))).await.expect("the code waits to be redeemed")
}

fn redeem(code: Code, verifier: Verifier) -> Redeem {
    let site = SiteId::parse("shop").expect("letters make a site");
    Redeem { site, code, verifier, nonce: "n".to_owned(), redirect_uri: "https://shop.example/cb".to_owned() }
}

fn mint(grant: &GrantToken, ep: Epoch) -> Mint {
    Mint::LoggedOn { grant: grant.clone(), visitor: VisitorId::from_bytes([1; 16]), sid: SID, ep }
}

fn refused<T>(answer: Result<T, IssuerError>, why: Refusal) -> bool {
    answer.is_err_and(|error| error == IssuerError::Refused(why))
}

fn heard(feed: &mut Feed) -> Vec<FeedItem> {
    std::iter::from_fn(|| feed.next().now_or_never()?).map(|item| item.expect("the feed goes on")).collect()
}

#[tokio::test]
async fn a_code_is_redeemed_once_and_with_its_verifier() {
    let (issuer, _) = issuer();
    let log_on = log_on(&issuer, 1).await;
    assert!(refused(issuer.redeem(redeem(Code::from_random(&[1; 32]), verifier(1))).await, Refusal::Grant));
    let code = Code::from_random(&[2; 32]);
    issuer.log_in(&code, verifier(2).challenge(), log_on);
    assert!(refused(issuer.redeem(redeem(code.clone(), verifier(3))).await, Refusal::Grant));
    assert!(
        refused(issuer.redeem(redeem(code, verifier(2))).await, Refusal::Grant),
        "used up by the first try"
    );
}

#[tokio::test]
async fn a_token_lives_until_its_time_or_its_log_on_is_over() {
    let (issuer, clock) = issuer();
    let log_on = log_on(&issuer, 1).await;
    let minted = issuer.mint(mint(&log_on.grant, Epoch::FIRST), Some(NOW)).await.unwrap();
    assert_eq!(minted.expires_at, NOW + Duration::from_mins(10));
    assert_eq!((minted.claims, issuer.seen()), (log_on.claims, Some(NOW)));
    let swapped = issuer.swap(Presented::Inside(minted.jpt.clone())).await.unwrap();
    assert_eq!(swapped.session, Some((SID, Epoch::FIRST)));
    clock.advance(Duration::from_mins(10));
    assert!(refused(issuer.swap(Presented::Inside(minted.jpt)).await, Refusal::Token));
    clock.advance(Duration::from_mins(225));
    let last = issuer.mint(mint(&log_on.grant, Epoch::FIRST), None).await.unwrap();
    assert_eq!(last.expires_at, log_on.ends_at);
    clock.advance(Duration::from_mins(5));
    assert!(refused(issuer.mint(mint(&log_on.grant, Epoch::FIRST), None).await, Refusal::Grant));
}

#[tokio::test]
async fn each_end_kills_what_it_says_and_nothing_later() {
    let (issuer, _) = issuer();
    let first = log_on(&issuer, 1).await;
    let minted = issuer.mint(mint(&first.grant, Epoch::FIRST), None).await.unwrap();
    issuer.end(End::Session { sid: SID, ep: Epoch::FIRST }, Cause::LogOut).await.unwrap();
    assert!(refused(issuer.swap(Presented::Inside(minted.jpt)).await, Refusal::Token));
    assert!(refused(issuer.mint(mint(&first.grant, Epoch::FIRST), None).await, Refusal::Grant));
    issuer.mint(mint(&first.grant, Epoch::FIRST.next()), None).await.expect("a later epoch lives");
    issuer.end(End::User { id: alice(), by: None }, Cause::Revoked).await.unwrap();
    assert!(refused(issuer.mint(mint(&first.grant, Epoch::FIRST.next()), None).await, Refusal::Grant));
    let second = log_on(&issuer, 2).await;
    issuer.mint(mint(&second.grant, Epoch::FIRST.next()), None).await.expect("a later log-on lives");
    issuer.end(End::SignOn(sign_on()), Cause::LogOut).await.unwrap();
    assert!(refused(issuer.mint(mint(&second.grant, Epoch::FIRST.next()), None).await, Refusal::Grant));
}

#[tokio::test]
async fn a_log_out_everywhere_that_is_told_again_spares_later_log_ons() {
    let (issuer, _) = issuer();
    let everywhere = End::User { id: alice(), by: Some(SID) };
    issuer.end(everywhere.clone(), Cause::LogOutEverywhere).await.unwrap();
    let later = log_on(&issuer, 1).await;
    issuer.end(everywhere, Cause::LogOutEverywhere).await.unwrap();
    issuer.mint(mint(&later.grant, Epoch::FIRST), None).await.expect("a later log-on lives");
}

#[tokio::test]
async fn the_feed_tells_what_was_missed_and_then_what_comes() {
    let (issuer, clock) = issuer();
    issuer.end(End::SignOn(sign_on()), Cause::LogOut).await.unwrap();
    issuer.end(End::User { id: alice(), by: None }, Cause::Revoked).await.unwrap();
    let user = FeedItem::Ended {
        seq: 2,
        ended: Ended::User { user: alice(), epoch: Epoch::FIRST.next() },
        cause: Cause::Revoked,
    };
    let (mut whole, mut rest) = (issuer.feed(0).await.unwrap(), issuer.feed(1).await.unwrap());
    let sign_on = FeedItem::Ended { seq: 1, ended: Ended::SignOn(sign_on()), cause: Cause::LogOut };
    assert_eq!(heard(&mut whole), [sign_on, user.clone()]);
    assert_eq!(heard(&mut rest), [user]);
    issuer.beat();
    assert_eq!(heard(&mut rest), [FeedItem::Heartbeat { seq: 2, sent: clock.mono() }]);
}

#[tokio::test]
async fn an_unreachable_issuer_refuses_nothing() {
    let (issuer, _) = issuer();
    let token = AccessToken::from_random(&[1; 32]);
    issuer.admit(&token, ScopeSet::default());
    issuer.set_unreachable(true);
    assert!(matches!(issuer.swap(Presented::Outside(token.clone())).await, Err(IssuerError::Unreachable(_))));
    issuer.set_unreachable(false);
    assert!(issuer.swap(Presented::Outside(token)).await.is_ok());
}
