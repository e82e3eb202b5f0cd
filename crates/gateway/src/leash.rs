//! Leash: what a call hangs on while it streams. Ends are heard through the feed; where that was broken, the provider is
//! asked about the token once more. That a token expires meanwhile cuts nothing: what it began may be finished.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use vestibule_feed::{Life, Stamp};
use vestibule_ports::clock::Mono;
use vestibule_ports::issuer::Presented;
use vestibule_wire::{Anchor, Grip, Slip};

use crate::exchange::{NotExchanged, Swap, Swaps};

/// How long a stream goes on while it cannot be found out whether its token lives.
const UNSURE_MAX: Duration = Duration::from_secs(10);

const REFUSED: Slip = Slip::Ended("the token is not valid any more");
const UNKNOWN: Slip = Slip::Unknown("it could not be found out whether the token is still valid");

/// A token that a call was let in with.
pub(crate) struct Caller {
    swaps: Arc<Swaps>,
    presented: Presented,
    standing: Mutex<Standing>,
}

/// What is known of it.
struct Standing {
    swap: Arc<Swap>,
    /// How far ends had been heard when it was last alive.
    since: Stamp,
    /// When that was.
    sure_at: Mono,
}

impl Caller {
    pub(crate) fn anchor(swaps: &Arc<Swaps>, presented: &Presented, swap: &Arc<Swap>) -> Arc<dyn Anchor> {
        let (swap, since) = (Arc::clone(swap), swap.since());
        let standing = Mutex::new(Standing { swap, since, sure_at: swaps.clock.mono() });
        Arc::new(Self { swaps: Arc::clone(swaps), presented: presented.clone(), standing })
    }

    fn standing(&self) -> MutexGuard<'_, Standing> {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn unsure(&self) -> Grip {
        let unsure_for = self.swaps.clock.mono().since(self.standing().sure_at);
        if unsure_for > UNSURE_MAX { Grip::Slipped(UNKNOWN) } else { Grip::Unsure }
    }
}

impl Anchor for Caller {
    fn glance(&self) -> Grip {
        let mut standing = self.standing();
        // Taken first: an end that comes in between is looked for once more, never passed over.
        let stamp = self.swaps.feed.stamp();
        match self.swaps.feed.check(&standing.swap.traces(), standing.since) {
            Life::Alive => {
                standing.since = stamp;
                standing.sure_at = self.swaps.clock.mono();
                Grip::Holds
            }
            Life::Ended(cause) => Grip::Slipped(Slip::Ended(cause.sentence())),
            Life::Unsure => Grip::Unsure,
        }
    }

    fn look(self: Arc<Self>) -> Pin<Box<dyn Future<Output = Grip> + Send>> {
        Box::pin(async move {
            match self.swaps.swap(&self.presented).await {
                Ok(swap) => {
                    let since = swap.since();
                    *self.standing() = Standing { swap, since, sure_at: self.swaps.clock.mono() };
                    Grip::Holds
                }
                Err(NotExchanged::Refused) => Grip::Slipped(REFUSED),
                Err(NotExchanged::Unavailable(_)) => self.unsure(),
            }
        })
    }
}

#[cfg(test)]
mod tests;
