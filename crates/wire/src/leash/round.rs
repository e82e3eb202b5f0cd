//! A core's rounds over its leashed exchanges: glances in slices, so that nothing else waits long, and looks beside them,
//! so that what is slow to answer does not keep what is sure.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::stream::{self, StreamExt as _};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use super::{Anchor, Grip, Seat, Slip};
use crate::core::Core;
use crate::tick;

/// How often a core looks at its leashes when nothing is told: limits pass, and a channel may be down.
const ROUND_EVERY: Duration = Duration::from_millis(500);
/// The least time between two rounds, so that a flood of ends costs no more than this many.
const GAP_MIN: Duration = Duration::from_millis(25);
/// The most, so that an end is felt within a quarter of a second.
const GAP_MAX: Duration = Duration::from_millis(150);
/// How many times as long as a round took the gap after it is: a crowd of streams is felt less often instead of always.
const GAP_OF_ROUNDS: u32 = 4;
/// Leashes glanced at before others have their turn.
const SLICE: usize = 512;
/// Looks of one core that are under way at once.
const LOOKS_MAX: usize = 64;

/// A bug in an anchor: what cannot be asked does not go on.
const BUG: Slip = Slip::Unknown("a bug: it cannot be asked whether this may go on");

/// Goes round the leashes of this core, when told and when it is time, until told that there is nobody to tell.
pub(crate) async fn keep_watch(mut felt: watch::Receiver<()>) {
    let mut looks: Option<JoinHandle<()>> = None;
    loop {
        if let Ok(Err(_)) = timeout(ROUND_EVERY, felt.changed()).await {
            return;
        }
        let begun = tick::now();
        let unsure = glance_at_all().await;
        let took = tick::now().duration_since(begun);
        // While some are still being asked the others wait for the next round.
        if !unsure.is_empty() && looks.as_ref().is_none_or(JoinHandle::is_finished) {
            looks = Some(tokio::spawn(look_at_all(unsure)));
        }
        sleep(gap_after(took)).await;
    }
}

/// The time until the next round, after one that took this long.
pub(super) fn gap_after(took: Duration) -> Duration {
    took.saturating_mul(GAP_OF_ROUNDS).clamp(GAP_MIN, GAP_MAX)
}

/// Cuts what has surely slipped, and returns what has to be asked.
async fn glance_at_all() -> Vec<(Seat, Arc<dyn Anchor>)> {
    let mut unsure = Vec::new();
    let mut from = 0;
    while let Some(slice) = Core::with(|core| core.leashes.slice(from, SLICE)) {
        from += SLICE;
        for (seat, anchor) in slice {
            let grip = catch_unwind(AssertUnwindSafe(|| anchor.glance())).unwrap_or(Grip::Slipped(BUG));
            match grip {
                Grip::Holds => {}
                Grip::Slipped(slip) => Core::with(|core| core.leashes.slip(seat, slip)),
                Grip::Unsure => unsure.push((seat, anchor)),
            }
        }
        tokio::task::yield_now().await;
    }
    unsure
}

async fn look_at_all(unsure: Vec<(Seat, Arc<dyn Anchor>)>) {
    stream::iter(unsure)
        .for_each_concurrent(LOOKS_MAX, |(seat, anchor)| async move {
            let looked = AssertUnwindSafe(anchor.look()).catch_unwind().await;
            if let Grip::Slipped(slip) = looked.unwrap_or(Grip::Slipped(BUG)) {
                Core::with(|core| core.leashes.slip(seat, slip));
            }
        })
        .await;
}
