//! Exchange: a presented token against a JWT, cached under the token's hash, believed as far as the feed says so.
//! One swap at a time for each token. Knows nothing of what is in either.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use quick_cache::sync::Cache;
use tokio::sync::watch;
use tokio::time::timeout;
use vestibule_domain::identity::Timestamp;
use vestibule_domain::token::{self, may_hand_out_jwt};
use vestibule_feed::{Feed, Life, Stamp, Traces};
use vestibule_message::lines::Lines;
use vestibule_oauth::scope::ScopeSet;
use vestibule_ports::clock::{Clock, Mono};
use vestibule_ports::issuer::{Issuer, IssuerError, Presented, Refusal, Swapped};

use crate::Services;

/// Swaps that are kept; the least used go first. About 100 MiB when each JWT has a kilobyte.
const SWAPS_MAX: usize = 64 * 1024;

/// Refusals that are kept, so that a token that does not do is not asked for again at once.
const REFUSED_MAX: usize = 16 * 1024;

/// How long a refusal is kept.
const REFUSED_FOR: Duration = Duration::from_secs(1);

/// Swaps under way at once. More tokens than that are not asked for until some have landed.
const FLIGHTS_MAX: usize = 4 * 1024;

/// SHA-256 of the presented token. Each door has a cache of its own.
type Key = [u8; 32];

/// Why there is no JWT.
#[derive(Clone, Debug)]
pub(crate) enum NotExchanged {
    /// The provider or its feed said so.
    Refused,
    /// Could not be asked, or not in time; nothing follows for the token.
    Unavailable(IssuerError),
}

type Outcome = Result<Arc<Swap>, NotExchanged>;

/// A swap under way, as those see it who wait for it.
type Flight = watch::Receiver<Option<Outcome>>;

/// A JWT that was got for a token.
pub(crate) struct Swap {
    swapped: Swapped,
    authorization: Lines,
    /// When the token ends that it was got for, as far as that is known.
    cause_expires_at: Timestamp,
    since: Stamp,
}

impl Swap {
    fn new(swapped: Swapped, asked_at: Timestamp, since: Stamp) -> Self {
        let mut authorization = Lines::default();
        authorization
            .push("authorization", format!("Bearer {}", swapped.jwt.expose()))
            .expect("a JWT is base64url and dots, and those may stand in a field");
        let cause_expires_at = cause_expires_at(swapped.expires_at, asked_at);
        Self { swapped, authorization, cause_expires_at, since }
    }

    /// The client that the token was issued to.
    pub(crate) fn client(&self) -> &str {
        &self.swapped.client
    }

    /// What the token allows.
    pub(crate) fn scopes(&self) -> &ScopeSet {
        &self.swapped.scopes
    }

    /// Everything that can end it.
    pub(crate) fn traces(&self) -> Traces<'_> {
        Traces::from(&self.swapped)
    }

    /// How far ends had been heard when it was asked for.
    pub(crate) fn since(&self) -> Stamp {
        self.since
    }

    /// The line that the service gets.
    pub(crate) fn authorization(&self) -> &Lines {
        &self.authorization
    }
}

/// A JWT that was given less than the longest life ends with its cause. One that was given nearly all of it may too,
/// and then asking once more shows it.
fn cause_expires_at(expires_at: Timestamp, asked_at: Timestamp) -> Timestamp {
    let cut_short = expires_at + token::SKEW < asked_at + token::LIFE_MAX;
    if cut_short { expires_at } else { Timestamp::from_millis(i64::MAX) }
}

/// The swaps of one door.
pub(crate) struct Swaps {
    issuer: Arc<dyn Issuer>,
    pub(crate) feed: Arc<Feed>,
    pub(crate) clock: Arc<dyn Clock>,
    kept: Cache<Key, Arc<Swap>>,
    refused: Cache<Key, Mono>,
    /// One for each token that is being asked for; ends by itself within [`token::WAIT_MAX`].
    flights: Mutex<HashMap<Key, Flight>>,
}

impl Swaps {
    pub(crate) fn new(services: Services) -> Arc<Self> {
        let Services { issuer, feed, clock } = services;
        Arc::new(Self {
            issuer,
            feed,
            clock,
            kept: Cache::new(SWAPS_MAX),
            refused: Cache::new(REFUSED_MAX),
            flights: Mutex::default(),
        })
    }

    /// The JWT for a token: a cached one if it surely lives, else the provider's answer, waited for at most
    /// [`token::WAIT_MAX`].
    pub(crate) async fn swap(self: &Arc<Self>, presented: &Presented) -> Outcome {
        let key = match presented {
            Presented::Outside(token) => token.digest(),
            Presented::Inside(jpt) => jpt.digest(),
        };
        let kept = self.kept.get(&key).map(|swap| (self.life(&swap), swap));
        let has_ended = match kept {
            Some((Life::Alive, swap)) if self.has_time_left(&swap) => return Ok(swap),
            Some((Life::Ended(_), _)) => true,
            _ => false,
        };
        if self.is_refused(&key) {
            return Err(NotExchanged::Refused);
        }
        let asked = timeout(token::WAIT_MAX, self.ask_now(key, presented)).await;
        match asked.unwrap_or(Err(NotExchanged::Unavailable(IssuerError::Deadline))) {
            // The feed has said it, so that much is known.
            Err(NotExchanged::Unavailable(_)) if has_ended => Err(NotExchanged::Refused),
            outcome => outcome,
        }
    }

    /// The provider's answer. One that has ended meanwhile may have been under way before this request came, so it
    /// is asked once more.
    async fn ask_now(self: &Arc<Self>, key: Key, presented: &Presented) -> Outcome {
        let mut outcome = self.ask(key, presented).await;
        if self.has_ended(&outcome) {
            outcome = self.ask(key, presented).await;
        }
        if self.has_ended(&outcome) { Err(NotExchanged::Refused) } else { outcome }
    }

    fn life(&self, swap: &Swap) -> Life {
        self.feed.check(&swap.traces(), swap.since)
    }

    fn has_ended(&self, outcome: &Outcome) -> bool {
        outcome.as_ref().is_ok_and(|swap| matches!(self.life(swap), Life::Ended(_)))
    }

    fn has_time_left(&self, swap: &Swap) -> bool {
        may_hand_out_jwt(swap.swapped.expires_at, swap.cause_expires_at, self.clock.wall())
    }

    fn is_refused(&self, key: &Key) -> bool {
        self.refused.get(key).is_some_and(|at| self.clock.mono().since(at) < REFUSED_FOR)
    }

    /// Waits for the provider's answer, with everybody else who wants it.
    async fn ask(self: &Arc<Self>, key: Key, presented: &Presented) -> Outcome {
        let mut flight = self.board(key, presented);
        let landed = flight.wait_for(Option::is_some).await.ok().and_then(|landed| landed.clone());
        landed.unwrap_or_else(|| {
            Err(NotExchanged::Unavailable(IssuerError::Bug("the swap was lost".to_owned())))
        })
    }

    /// Joins the flight of a token, or starts it: on a task of its own, so that it lands whoever goes away meanwhile.
    fn board(self: &Arc<Self>, key: Key, presented: &Presented) -> Flight {
        let mut flights = self.flights();
        if let Some(flight) = flights.get(&key) {
            return flight.clone();
        }
        if flights.len() == FLIGHTS_MAX {
            let full = IssuerError::Unreachable("too many swaps are under way".to_owned());
            return watch::channel(Some(Err(NotExchanged::Unavailable(full)))).1;
        }
        let (passengers, flight) = watch::channel(None);
        flights.insert(key, flight.clone());
        tokio::spawn(fly(Airborne { swaps: Arc::clone(self), key }, presented.clone(), passengers));
        flight
    }

    fn flights(&self) -> MutexGuard<'_, HashMap<Key, Flight>> {
        self.flights.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps the answer.
    fn settle(
        &self,
        key: Key,
        answer: Result<Swapped, IssuerError>,
        asked_at: Timestamp,
        since: Stamp,
    ) -> Outcome {
        match answer {
            Ok(swapped) => {
                let swap = Arc::new(Swap::new(swapped, asked_at, since));
                self.kept.insert(key, Arc::clone(&swap));
                Ok(swap)
            }
            Err(IssuerError::Refused(Refusal::Token | Refusal::Grant)) => {
                self.kept.remove(&key);
                self.refused.insert(key, self.clock.mono());
                Err(NotExchanged::Refused)
            }
            Err(error) => Err(NotExchanged::Unavailable(error)),
        }
    }
}

/// Takes the flight off the list when it is over, also when the provider's code panicked.
struct Airborne {
    swaps: Arc<Swaps>,
    key: Key,
}

impl Drop for Airborne {
    fn drop(&mut self) {
        self.swaps.flights().remove(&self.key);
    }
}

async fn fly(flight: Airborne, presented: Presented, passengers: watch::Sender<Option<Outcome>>) {
    let Airborne { swaps, key } = &flight;
    // Before asking: what ends from here on may not be in the answer.
    let (asked_at, since) = (swaps.clock.wall(), swaps.feed.stamp());
    let answer = timeout(token::WAIT_MAX, swaps.issuer.swap(presented)).await;
    let outcome = swaps.settle(*key, answer.unwrap_or(Err(IssuerError::Deadline)), asked_at, since);
    // Off the list first: who comes after the landing finds it cached or asks anew.
    drop(flight);
    passengers.send_replace(Some(outcome));
}

#[cfg(test)]
mod tests;
