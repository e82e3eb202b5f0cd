//! The shared token is there before pages want it, stays fresh without them, and is never waited for.

use futures_util::FutureExt as _;
use vestibule_domain::token::{LEFT_MIN, LIFE_MAX};

use super::*;
use crate::rig::Rig;
use crate::tokens::NoToken;

/// What a page of an anonymous visitor gets; it must not wait for anything.
fn page(rig: &Rig) -> Option<Arc<Token>> {
    let got = rig
        .visitors()
        .tokens
        .of(rig.site(), None, rig.now(), rig.now())
        .now_or_never()
        .expect("nothing is waited for");
    match got {
        Ok(token) => Some(token),
        Err(why) => {
            assert_eq!(why, NoToken::Unavailable);
            None
        }
    }
}

/// Runs the standing work for so long.
async fn run_for(rig: &Rig, time: Duration) {
    let _cut = timeout(time, rig.proxy.run()).await;
}

#[tokio::test]
async fn pages_take_what_is_there_and_ask_nobody() {
    let rig = Rig::new();
    assert!(page(&rig).is_none());
    assert_eq!((rig.issuer.minted(), rig.proxy.is_warm()), (0, false));

    assert!(rig.proxy.warm_up().await);
    let first = page(&rig).expect("it was fetched");
    // Also when it is due, and when it is over.
    for (wait, there) in
        [(LIFE_MAX / 2, true), ((LIFE_MAX / 2).saturating_sub(LEFT_MIN), true), (LEFT_MIN, false)]
    {
        rig.clock.advance(wait);
        assert_eq!(page(&rig).is_some_and(|held| Arc::ptr_eq(&held, &first)), there);
    }
    assert_eq!(rig.issuer.minted(), 1);
}

#[tokio::test(start_paused = true)]
async fn it_is_fetched_at_the_start_and_renewed_from_half_of_its_life() {
    let rig = Rig::new();
    run_for(&rig, Duration::ZERO).await;
    let first = page(&rig).expect("fetched at once");
    run_for(&rig, 10 * LOOK_EVERY).await;
    assert_eq!(rig.issuer.minted(), 1, "there is no need for another");

    rig.clock.advance(LIFE_MAX / 2);
    run_for(&rig, LOOK_EVERY).await;

    assert_eq!(rig.issuer.minted(), 2);
    assert!(!Arc::ptr_eq(&page(&rig).expect("renewed"), &first));
}

#[tokio::test(start_paused = true)]
async fn an_idp_that_is_away_is_tried_until_it_is_back_and_the_token_serves_meanwhile() {
    let rig = Rig::new();
    assert!(rig.proxy.warm_up().await);
    rig.issuer.set_unreachable(true);
    rig.clock.advance(LIFE_MAX.saturating_sub(LEFT_MIN));
    run_for(&rig, Duration::from_mins(1)).await;
    assert!(page(&rig).is_some(), "half a minute is left");
    rig.clock.advance(LEFT_MIN);
    assert!(page(&rig).is_none(), "degraded, and at once");

    rig.issuer.set_unreachable(false);
    run_for(&rig, AGAIN_AFTER_MAX).await;

    assert!(page(&rig).is_some());
}

#[tokio::test(start_paused = true)]
async fn pages_that_find_none_do_not_hurry_an_idp_that_is_away() {
    let rig = Rig::new();
    rig.issuer.set_unreachable(true);
    let pages = async {
        for _ in 0..1_000 {
            assert!(page(&rig).is_none());
            tokio::task::yield_now().await;
        }
        rig.issuer.set_unreachable(false);
        for _ in 0..1_000 {
            page(&rig);
            tokio::task::yield_now().await;
        }
        assert_eq!(rig.issuer.minted(), 0, "the pause after a failed fetch has not passed");
        // The clock is paused: it passes at once.
        let _over = timeout(AGAIN_AFTER + LOOK_EVERY, std::future::pending::<()>()).await;
        assert!(page(&rig).is_some());
    };
    tokio::select! {
        () = rig.proxy.run() => panic!("it runs for ever"),
        () = pages => {}
    }
}

/// Lets what is awake run. The clock is paused, so no time passes.
async fn settle() {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn when_a_signing_key_ends_it_is_fetched_anew_at_once_and_once() {
    let rig = Rig::new();
    rig.follow_ends().await;
    let begun = Instant::now();
    let pages = async {
        settle().await;
        let first = page(&rig).expect("fetched at the start");
        rig.issuer.end_key("a key");
        settle().await;
        let second = page(&rig).expect("there is one at any time");
        assert!(!Arc::ptr_eq(&first, &second), "it may be of the key that has ended");
        assert_eq!(Instant::now(), begun, "nobody waited for the next look");
        assert_eq!(rig.issuer.minted(), 2);
    };
    tokio::select! {
        () = rig.proxy.run() => panic!("it runs for ever"),
        () = pages => {}
    }
}

#[tokio::test(start_paused = true)]
async fn when_a_signing_key_ends_and_there_is_no_other_token_the_old_one_serves() {
    let rig = Rig::new();
    rig.follow_ends().await;
    let pages = async {
        settle().await;
        let first = page(&rig).expect("fetched at the start");
        let is_first = || page(&rig).is_some_and(|held| Arc::ptr_eq(&held, &first));
        rig.issuer.end_key("a key");
        rig.issuer.set_unreachable(true);
        let _over = timeout(AGAIN_AFTER_MAX, std::future::pending::<()>()).await;
        assert!(is_first());
        rig.issuer.set_unreachable(false);
        let _over = timeout(AGAIN_AFTER_MAX + LOOK_EVERY, std::future::pending::<()>()).await;
        assert!(!is_first() && page(&rig).is_some());
        assert_eq!(rig.issuer.minted(), 2);
    };
    tokio::select! {
        () = rig.proxy.run() => panic!("it runs for ever"),
        () = pages => {}
    }
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_is_lost_is_no_reason_to_fetch_it() {
    let rig = Rig::new();
    rig.follow_ends().await;
    run_for(&rig, LOOK_EVERY).await;
    rig.clock.advance(vestibule_feed::LEASE);
    run_for(&rig, 10 * LOOK_EVERY).await;
    assert_eq!(rig.issuer.minted(), 1);
}
