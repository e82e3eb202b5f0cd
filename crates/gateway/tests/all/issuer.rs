//! An identity provider of the tests' own: it keeps the doors apart, counts what it is asked, and fails as it is told.
//! Ends and feed are those of `MemoryIssuer`. It knows nothing of the gateway: tests inside the crate use it too.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::watch;
use vestibule_domain::identity::{Epoch, Handle, Timestamp};
use vestibule_oauth::scope::ScopeSet;
use vestibule_oauth::token::Jwt;
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
    Dawdles(u8),
    /// Never answers, whatever comes after.
    Hangs,
    Unreachable,
    Misconfigured,
    Panics,
}

pub(crate) struct Desk {
    clock: Arc<TestClock>,
    memory: MemoryIssuer,
    tokens: Mutex<HashMap<Shown, Swapped>>,
    mood: watch::Sender<Mood>,
    asked: AtomicUsize,
}

impl Desk {
    pub(crate) fn new(clock: Arc<TestClock>) -> Self {
        let memory = MemoryIssuer::new(clock.clone());
        let mood = watch::Sender::new(Mood::Answers);
        Self { clock, memory, tokens: Mutex::default(), mood, asked: AtomicUsize::new(0) }
    }

    /// Makes this a token. Its session is named after it, so that ending it is one call.
    pub(crate) fn admit(&self, token: &Presented, scopes: &str, lives: Duration) {
        let shown = shown(token);
        let swapped = Swapped {
            jwt: Jwt::parse("replaced.at.swap").unwrap(),
            expires_at: self.clock.wall() + lives,
            scopes: ScopeSet::parse(scopes).unwrap(),
            client: format!("client-{}", self.tokens().len()),
            session: Some((session(shown), Epoch::FIRST)),
            grant: None,
            family: None,
            user: None,
            sign_on: None,
            key: "key".to_owned(),
        };
        self.tokens().insert(shown, swapped);
    }

    /// Ends a token for good; when this returns it is acknowledged.
    pub(crate) async fn end_token(&self, token: &Presented) {
        let shown = shown(token);
        self.tokens().remove(&shown);
        let end = End::Session { sid: session(shown), ep: Epoch::FIRST };
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

    fn tokens(&self) -> MutexGuard<'_, HashMap<Shown, Swapped>> {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn find(&self, presented: &Presented) -> Result<Swapped, IssuerError> {
        let living = |swapped: &&Swapped| swapped.expires_at > self.clock.wall();
        let found = self.tokens().get(&shown(presented)).filter(living).cloned();
        found.ok_or(IssuerError::Refused(Refusal::Token))
    }

    async fn changed_mood(&self, from: Mood) {
        // The sender lives as long as `self`.
        let _ = self.mood.subscribe().wait_for(|mood| *mood != from).await;
    }
}

/// The door of a token and its hash.
type Shown = (bool, [u8; 32]);

fn shown(presented: &Presented) -> Shown {
    match presented {
        Presented::Outside(token) => (false, token.digest()),
        Presented::Inside(jpt) => (true, jpt.digest()),
    }
}

/// The session behind a token.
fn session((_, digest): Shown) -> Handle {
    Handle::from_bytes(std::array::from_fn(|at| digest[at]))
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
            Mood::Dawdles(_) => {
                let found = self.find(&presented);
                self.changed_mood(mood).await;
                found
            }
            Mood::Hangs => std::future::pending().await,
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
        let feed = self.memory.feed(after).await?;
        // As the real one: whoever has heard all there is gets a heartbeat at once.
        self.memory.beat();
        Ok(feed)
    }
}
