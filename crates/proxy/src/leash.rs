//! Leash: what an answer hangs on while it streams. The same judgement as at its beginning, made again and again: by the
//! cache and the feed at a glance, by the store and the IDP where those are not sure. A stream is no visit: it touches
//! nothing, so a log-on falls idle under it.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use vestibule_domain::identity::{Handle, SiteId, Timestamp};
use vestibule_domain::judge::{Reading, Source, View, judge};
use vestibule_domain::key::Key;
use vestibule_domain::limits::Limits;
use vestibule_domain::stay::{Stay, Stays};
use vestibule_domain::token::Need;
use vestibule_feed::{Life, Stamp};
use vestibule_ports::clock::{Clock, Mono};
use vestibule_sessions::{Found, Known, Sessions};
use vestibule_wire::{Anchor, Grip, Slip};

use crate::Visitors;
use crate::open::Visitor;
use crate::site::Site;
use crate::tokens::{NoToken, Token, Tokens};

const SESSION_GONE: Slip = Slip::Ended("the session has ended");
const LOG_ON_GONE: Slip = Slip::Ended("the identity provider does not know the log-on any more");
const UNKNOWN: Slip = Slip::Unknown("it could not be found out whether the session lives");
const TOKEN_UNKNOWN: Slip = Slip::Unknown("it could not be found out whether its token lives");

/// What a request was let in with, as it has it at hand.
#[derive(Clone, Copy)]
pub(crate) struct Tied<'t> {
    pub(crate) visitors: &'t Visitors,
    pub(crate) site: &'t Site,
    pub(crate) visitor: &'t Visitor,
    /// When it was let in.
    pub(crate) now: Timestamp,
    pub(crate) token: Option<&'t Arc<Token>>,
    /// Whether its app can do without one.
    pub(crate) need: Need,
    pub(crate) limits: &'t Limits,
}

impl Tied<'_> {
    /// The same, kept for as long as it takes.
    pub(crate) fn anchor(&self) -> Arc<dyn Anchor> {
        let (visitors, visitor) = (self.visitors, self.visitor);
        let held = Held {
            token: self.token.map(|token| (Arc::clone(token), token.since())),
            sure_at: visitors.clock.mono(),
        };
        Arc::new(Streaming {
            sessions: Arc::clone(&visitors.sessions),
            tokens: Arc::clone(&visitors.tokens),
            clock: Arc::clone(&visitors.clock),
            limits: self.limits.clone(),
            site: self.site.id.clone(),
            asks_the_idp: self.site.client.is_some() && !visitor.key.is_old(),
            need: self.need,
            handle: visitor.handle(),
            key: visitor.key,
            stay: visitor.view(self.now, self.limits).map(|view| Stay::begin(&view)),
            held: Mutex::new(held),
        })
    }
}

/// A visitor whose answer streams.
struct Streaming {
    sessions: Arc<Sessions<()>>,
    tokens: Arc<Tokens>,
    clock: Arc<dyn Clock>,
    limits: Limits,
    site: SiteId,
    /// Where nobody logs on, and for who shows a secret from before a rise, the IDP knows nothing.
    asks_the_idp: bool,
    need: Need,
    handle: Handle,
    key: Key,
    /// `None` if it was over before it began.
    stay: Option<Stay>,
    held: Mutex<Held>,
}

/// What is known of it.
struct Held {
    /// The newest JPT, and how far ends had been heard when it was last alive.
    token: Option<(Arc<Token>, Stamp)>,
    /// When the session was last sure to live.
    sure_at: Mono,
}

impl Streaming {
    /// What a record says of the visitor now; `Err` when the answer is over, `None` when this copy cannot tell.
    fn judge<'k>(
        &self,
        known: &'k Known<()>,
        source: Source,
        now: Timestamp,
    ) -> Result<Option<View<'k>>, Slip> {
        let Some(stay) = &self.stay else { return Err(SESSION_GONE) };
        let reading = Reading { last_seen: known.last_seen(), source };
        match stay.go_on(judge(&known.session, self.key, reading, now, &self.limits)) {
            Stays::On(view) => Ok(Some(view)),
            Stays::Over(cause) => Err(Slip::Ended(cause.sentence())),
            Stays::ReadAgain => Ok(None),
        }
    }

    /// What has been heard of the token's ends.
    fn life_of_token(&self) -> Life {
        if !self.asks_the_idp {
            return Life::Alive;
        }
        let mut held = self.held();
        let Some((token, since)) = &mut held.token else { return Life::Unsure };
        // Taken first: an end that comes in between is looked for once more, never passed over.
        let stamp = self.tokens.stamp();
        let life = self.tokens.life(token, *since);
        if life == Life::Alive {
            *since = stamp;
        }
        life
    }

    /// The session as it is, if the cache or the store can tell.
    async fn find(&self) -> Result<Option<(Arc<Known<()>>, Source)>, Slip> {
        let mut found = self.sessions.get(self.handle).await;
        let by_copy = match &found {
            Ok(Found::Live(known, source)) => self.judge(known, *source, self.clock.wall())?.is_none(),
            _ => false,
        };
        if by_copy {
            found = self.sessions.get_fresh(self.handle).await;
        }
        match found {
            Ok(Found::Live(known, source)) => Ok(Some((known, source))),
            Ok(Found::Gone) => Err(SESSION_GONE),
            Ok(Found::Stale { .. }) | Err(_) => Ok(None),
        }
    }

    async fn ask(&self) -> Result<Grip, Slip> {
        let Some((known, source)) = self.find().await? else { return Ok(self.unsure()) };
        let now = self.clock.wall();
        let Some(view) = self.judge(&known, source, now)? else { return Ok(self.unsure()) };
        self.held().sure_at = self.clock.mono();
        match self.life_of_token() {
            Life::Alive => return Ok(Grip::Holds),
            Life::Ended(cause) => return Err(Slip::Ended(cause.sentence())),
            Life::Unsure => {}
        }
        let seen = known.last_seen().or(view.log_on().map(|log_on| log_on.risen_at)).unwrap_or(now);
        match self.tokens.confirm(&self.site, self.handle, &view, seen).await {
            Ok(token) => {
                let since = token.since();
                self.held().token = Some((token, since));
                Ok(Grip::Holds)
            }
            Err(NoToken::Ended(cause)) => Err(Slip::Ended(cause.sentence())),
            // By a clock that is ahead of ours; by ours the limit comes later.
            Err(NoToken::Refused) if self.tokens.is_nearly_over(&view, now, &self.limits) => Ok(Grip::Unsure),
            Err(NoToken::Refused) => Err(LOG_ON_GONE),
            // As with requests: a session that lives goes on while the IDP cannot be asked, where it can do without.
            Err(NoToken::Unavailable) if self.need == Need::Required && !self.may_stand_in() => {
                Ok(Grip::Slipped(TOKEN_UNKNOWN))
            }
            Err(NoToken::Unavailable) => Ok(Grip::Unsure),
        }
    }

    /// Whether the token from before may still be relied on.
    fn may_stand_in(&self) -> bool {
        let since = self.held().token.as_ref().map(|(_, since)| *since);
        since.is_some_and(|since| self.tokens.may_stand_in(since))
    }

    fn unsure(&self) -> Grip {
        let unsure_for = self.clock.mono().since(self.held().sure_at);
        if unsure_for > self.sessions.unfresh_max() { Grip::Slipped(UNKNOWN) } else { Grip::Unsure }
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Anchor for Streaming {
    fn glance(&self) -> Grip {
        let (now, mono) = (self.clock.wall(), self.clock.mono());
        let life = self.life_of_token();
        if let Life::Ended(cause) = life {
            return Grip::Slipped(Slip::Ended(cause.sentence()));
        }
        let Some(known) = self.sessions.cached(self.handle, mono, now) else { return Grip::Unsure };
        match self.judge(&known, self.sessions.source_of_hits(), now) {
            Err(slip) => return Grip::Slipped(slip),
            Ok(None) => return Grip::Unsure,
            Ok(Some(_)) => self.held().sure_at = mono,
        }
        if life == Life::Alive { Grip::Holds } else { Grip::Unsure }
    }

    fn look(self: Arc<Self>) -> Pin<Box<dyn Future<Output = Grip> + Send>> {
        Box::pin(async move { self.ask().await.unwrap_or_else(Grip::Slipped) })
    }
}

#[cfg(test)]
mod tests;
