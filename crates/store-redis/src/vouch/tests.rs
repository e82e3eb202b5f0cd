//! When a read has to ask for a proof.

use std::time::Duration;

use tokio::time::{Instant, advance};

use super::{VOUCHED_FOR, Vouch};

#[tokio::test(start_paused = true)]
async fn a_proof_lasts_as_long_as_a_lease_from_its_sending() {
    let vouch = Vouch::default();
    assert!(!vouch.holds(), "nothing was ever proven");
    let (sent, answer_takes) = (Instant::now(), Duration::from_millis(500));
    advance(answer_takes).await;
    vouch.renew(sent);
    advance(VOUCHED_FOR.saturating_sub(answer_takes + Duration::from_millis(1))).await;
    assert!(vouch.holds());
    advance(Duration::from_millis(1)).await;
    assert!(!vouch.holds());
    vouch.renew(Instant::now());
    vouch.renew(sent);
    assert!(vouch.holds(), "the newer proof counts");
}
