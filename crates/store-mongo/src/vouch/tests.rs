//! When a read has to ask for a proof.

use std::time::Duration;

use mongodb::options::ReadConcern;
use tokio::time::{Instant, advance};

use super::{VOUCHED_FOR, Vouch};

const NEARLY: Duration = VOUCHED_FOR.saturating_sub(Duration::from_millis(1));

#[tokio::test(start_paused = true)]
async fn without_a_recent_proof_each_read_asks_for_one() {
    let vouch = Vouch::default();
    assert_eq!(vouch.read_concern(), ReadConcern::linearizable(), "nothing was ever proven");
    vouch.renew(Instant::now());
    assert_eq!(vouch.read_concern(), ReadConcern::majority());
    advance(NEARLY).await;
    assert_eq!(vouch.read_concern(), ReadConcern::majority());
    advance(Duration::from_millis(1)).await;
    assert_eq!(vouch.read_concern(), ReadConcern::linearizable());
}

#[tokio::test(start_paused = true)]
async fn a_late_answer_proves_only_what_held_when_it_was_asked_for() {
    let vouch = Vouch::default();
    let early = Instant::now();
    advance(VOUCHED_FOR / 2).await;
    let late = Instant::now();
    vouch.renew(late);
    vouch.renew(early);
    advance(NEARLY).await;
    assert_eq!(vouch.read_concern(), ReadConcern::majority(), "the newer proof counts");
    let slow = Vouch::default();
    slow.renew(early);
    assert_eq!(slow.read_concern(), ReadConcern::linearizable());
}
