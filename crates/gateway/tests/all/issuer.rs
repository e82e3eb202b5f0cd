//! An identity provider of the tests' own: it keeps the doors apart, counts what it is asked, and fails as it is told.
//! Ends and feed are those of `MemoryIssuer`.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::watch;
use vestibule_domain::identity::{Epoch, Handle, Timestamp};
use vestibule_gateway::Door;
use vestibule_oauth::scope::ScopeSet;
use vestibule_oauth::token::{AccessToken, Jpt, Jwt};
use vestibule_ports::clock::{Clock, TestClock};
use vestibule_ports::issuer::{
    Cause, End, Feed, Issuer, IssuerError, LogOn, Mint, Minted, Presented, Redeem, Refusal, Swapped,
};
use vestibule_ports::memory::MemoryIssuer;

/// What a swap does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mood {
    Answers,
    /// Waits until the mood changes, then answers.
    Waits,
    /// Has looked whether the token lives, then waits until the mood changes, then answers as it found.
    Dawdles,
    Unreachable,
    Misconfigured,
    Panics,
}

pub(crate) struct Desk {
    clock: Arc<TestClock>,
    memory: MemoryIssuer,
    tokens: Mutex<HashMap<(&'static str, [u8; 32]), Swapped>>,
    mood: watch::Sender<Mood>,
    asked: AtomicUsize,
}

impl Desk {
    pub(crate) fn new(clock: Arc<TestClock>) -> Self {
        let memory = MemoryIssuer::new(clock.clone());
        let mood = watch::Sender::new(Mood::Answers);
        Self { clock, memory, tokens: Mutex::default(), mood, asked: AtomicUsize::new(0) }
    }

    /// Makes this text a token of a door. Its session is named after it, so that ending it is one call.
    pub(crate) fn admit(&self, door: Door, token: &str, scopes: &str, lives: Duration) {
        let swapped = Swapped {
            jwt: Jwt::parse("replaced.at.swap").unwrap(),
            expires_at: self.clock.wall() + lives,
            scopes: ScopeSet::parse(scopes).unwrap(),
            client: format!("client-of-{token}"),
            session: Some((session(token), Epoch::FIRST)),
            grant: None,
            family: None,
            user: None,
            sign_on: None,
            key: "key".to_owned(),
        };
        self.tokens().insert((door.as_str(), digest(door, token)), swapped);
    }

    /// Ends a token for good; when this returns it is acknowledged.
    pub(crate) async fn end(&self, door: Door, token: &str) {
        self.tokens().remove(&(door.as_str(), digest(door, token)));
        let end = End::Session { sid: session(token), ep: Epoch::FIRST };
        self.memory.end(end, Cause::Revoked).await.unwrap();
    }

    pub(crate) fn set_mood(&self, mood: Mood) {
        self.mood.send_replace(mood);
    }

    /// Renews the lease of who follows the feed.
    pub(crate) fn beat(&self) {
        self.memory.beat();
    }

    /// How many swaps were asked for.
    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    fn tokens(&self) -> MutexGuard<'_, HashMap<(&'static str, [u8; 32]), Swapped>> {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn find(&self, presented: &Presented) -> Result<Swapped, IssuerError> {
        let key = match presented {
            Presented::Outside(token) => (Door::Outside.as_str(), token.digest()),
            Presented::Inside(jpt) => (Door::Inside.as_str(), jpt.digest()),
        };
        let living = |swapped: &&Swapped| swapped.expires_at > self.clock.wall();
        self.tokens().get(&key).filter(living).cloned().ok_or(IssuerError::Refused(Refusal::Token))
    }

    async fn changed_mood(&self, from: Mood) {
        // The sender lives as long as `self`.
        let _ = self.mood.subscribe().wait_for(|mood| *mood != from).await;
    }
}

/// The session behind a token.
fn session(token: &str) -> Handle {
    let digest = AccessToken::parse(token).unwrap().digest();
    Handle::from_bytes(std::array::from_fn(|at| digest[at]))
}

fn digest(door: Door, token: &str) -> [u8; 32] {
    match door {
        Door::Outside => AccessToken::parse(token).unwrap().digest(),
        Door::Inside => Jpt::parse(token).unwrap().digest(),
    }
}

#[async_trait]
impl Issuer for Desk {
    async fn redeem(&self, redeem: Redeem) -> Result<LogOn, IssuerError> {
        self.memory.redeem(redeem).await
    }

    async fn mint(&self, mint: Mint, seen: Option<Timestamp>) -> Result<Minted, IssuerError> {
        self.memory.mint(mint, seen).await
    }

    async fn swap(&self, presented: Presented) -> Result<Swapped, IssuerError> {
        let number = self.asked.fetch_add(1, Ordering::SeqCst) + 1;
        let mood = *self.mood.borrow();
        let found = match mood {
            Mood::Answers => self.find(&presented),
            Mood::Waits => {
                self.changed_mood(mood).await;
                self.find(&presented)
            }
            Mood::Dawdles => {
                let found = self.find(&presented);
                self.changed_mood(mood).await;
                found
            }
            Mood::Unreachable => Err(IssuerError::Unreachable("switched off".to_owned())),
            Mood::Misconfigured => Err(IssuerError::Refused(Refusal::Client)),
            Mood::Panics => panic!("a bug, planted"),
        };
        // RFC 7519: a JWT of its own for each swap, never longer than its cause and than ten minutes
        let longest = self.clock.wall() + Duration::from_mins(10);
        found.map(|swapped| Swapped {
            jwt: Jwt::parse(&format!("jwt.{number}.x")).unwrap(),
            expires_at: swapped.expires_at.min(longest),
            ..swapped
        })
    }

    async fn end(&self, end: End, cause: Cause) -> Result<(), IssuerError> {
        self.memory.end(end, cause).await
    }

    async fn feed(&self, after: u64) -> Result<Feed, IssuerError> {
        self.memory.feed(after).await
    }
}
