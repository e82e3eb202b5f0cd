//! Attempts through the deadline and the domain's encoding.

use std::time::Duration;

use vestibule_domain::attempt::{ATTEMPT_LIFE, ReturnTarget};
use vestibule_domain::identity::SiteId;
use vestibule_oauth::pkce::Verifier;
use vestibule_ports::memory::Fault;

use super::*;
use crate::rig::{Rig, now};

const KEY: AttemptKey = [1; 32];

fn attempt() -> Attempt {
    Attempt {
        site: SiteId::parse("shop").unwrap(),
        verifier: Verifier::from_random(&[1; 32]),
        nonce: "nonce".to_owned(),
        target: ReturnTarget::parse(b"/basket").unwrap(),
        asked: false,
        restarted: false,
        begun_at: now(),
    }
}

#[tokio::test]
async fn an_attempt_comes_back_once_and_as_it_was() {
    let rig = Rig::new().await;
    rig.sessions.put_attempt(KEY, &attempt()).await.unwrap();
    let taken = rig.sessions.take_attempt(KEY).await.unwrap().unwrap();
    assert_eq!(taken.encode(), attempt().encode());
    assert!(rig.sessions.take_attempt(KEY).await.unwrap().is_none());
}

#[tokio::test]
async fn an_attempt_expires_with_its_life() {
    let rig = Rig::new().await;
    for (number, waited, is_there) in [(1, Duration::from_secs(1), true), (2, Duration::ZERO, false)] {
        let begun_at = now();
        rig.clock.step_wall(begun_at);
        rig.sessions.put_attempt([number; 32], &Attempt { begun_at, ..attempt() }).await.unwrap();
        rig.clock.advance(ATTEMPT_LIFE.saturating_sub(waited));
        assert_eq!(rig.sessions.take_attempt([number; 32]).await.unwrap().is_some(), is_there);
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_that_does_not_answer_leaves_the_outcome_unknown() {
    let rig = Rig::new().await;
    rig.store.set_fault(Fault::HoldCalls);
    assert!(matches!(rig.sessions.put_attempt(KEY, &attempt()).await, Err(StoreError::Unknown(_))));
    assert!(matches!(rig.sessions.take_attempt(KEY).await, Err(StoreError::Unknown(_))));
}
