//! JPTs: minted by the IDP, kept in this process's memory only, renewed before they end, one mint at a time for each.
//! Those of anonymous visitors are in `shared`. Knows nothing of what is in a token.

mod shared;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use quick_cache::sync::Cache;
use tokio::sync::{Notify, broadcast};
use tokio::time::{Instant, timeout_at};
use vestibule_domain::audit::Cause;
use vestibule_domain::claims::Claims;
use vestibule_domain::identity::{Epoch, Handle, SignOnId, SiteId, Timestamp, UserId, VisitorId};
use vestibule_domain::judge::View;
use vestibule_domain::limits::Limits;
use vestibule_domain::outage::UNFRESH_MAX;
use vestibule_domain::token::{self, Bearer, Cached, SKEW};
use vestibule_feed::{Feed, Life, Stamp, Traces, UserEnded};
use vestibule_message::lines::{LineFault, Lines};
use vestibule_oauth::token::{GrantToken, Jpt};
use vestibule_ports::clock::{Clock, Mono};
use vestibule_ports::issuer::{Issuer, IssuerError, Mint, Minted, Refusal};
use vestibule_ports::session_store::Version;

use crate::site::Site;

/// JPTs that are kept; the least used go first.
const TOKENS_MAX: usize = 64 * 1024;

/// Apps whose lines are kept ready with one token.
const BLOCKS_MAX: usize = 16;

/// How long after the IDP could not be asked it is not asked again for the same token.
pub(crate) const ASK_AGAIN: Duration = Duration::from_secs(1);

/// A JPT as it is handed out.
pub(crate) struct Token {
    pub(crate) jpt: Jpt,
    pub(crate) claims: Claims,
    /// What apps were told with it, ready to be sent again.
    blocks: Blocks,
    minted_at: Timestamp,
    /// The same moment on the clock that is never set.
    got_at: Mono,
    expires_at: Timestamp,
    /// How far ends had been heard when it was asked for.
    since: Stamp,
    session: Option<(Handle, Epoch)>,
    grant: Option<String>,
    user: Option<(UserId, Epoch)>,
    sign_on: Option<SignOnId>,
}

/// Lines about one visitor, by app and by the version of the session they were made from. A token belongs to one session
/// and one log-on, so no two visitors share any.
#[derive(Default)]
struct Blocks(Mutex<Vec<(usize, Version, Arc<Lines>)>>);

impl Token {
    /// The lines for an app about this version of the session; made once, then sent again.
    pub(crate) fn block(
        &self,
        app: usize,
        version: Version,
        make: impl FnOnce() -> Result<Lines, LineFault>,
    ) -> Result<Arc<Lines>, LineFault> {
        let known = || self.blocks.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, _, lines)) = known().iter().find(|(of, at, _)| (*of, *at) == (app, version)) {
            return Ok(Arc::clone(lines));
        }
        let lines = Arc::new(make()?);
        let mut blocks = known();
        // Of an older version nothing is wanted any more.
        blocks.retain(|(_, at, _)| *at == version);
        if blocks.len() < BLOCKS_MAX {
            blocks.push((app, version, Arc::clone(&lines)));
        }
        Ok(lines)
    }

    /// How far ends had been heard when it was asked for.
    pub(crate) fn since(&self) -> Stamp {
        self.since
    }

    /// What it is worth by its life alone. The IDP's clock has set its end and ours tells the time: where ours is behind,
    /// or is set back, it is used no longer than a token may live.
    fn worth_by_life(&self, now: Timestamp, mono: Mono) -> Cached {
        let now = now.max(self.minted_at + mono.since(self.got_at));
        let expires_at = self.expires_at.min(self.minted_at + token::LIFE_MAX);
        token::cached_jpt(self.minted_at, expires_at, now)
    }

    fn traces(&self) -> Traces<'_> {
        Traces {
            session: self.session,
            sign_on: self.sign_on.as_ref(),
            grant: self.grant.as_deref(),
            user: self.user.as_ref().map(|(user, epoch)| (user, *epoch)),
            ..Traces::default()
        }
    }
}

/// Why there is no JPT.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NoToken {
    /// The log-on has ended at the IDP, for this reason.
    Ended(Cause),
    /// The IDP knows no such log-on any more: it has ended, or reached its limit by the IDP's clock.
    Refused,
    /// The IDP did not answer, or the configuration does not allow it; nothing follows for the session.
    Unavailable,
}

/// For whom a JPT is: two requests with one key share it.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Key {
    Returning(Handle, Epoch),
    LoggedOn([u8; 32], Handle, Epoch),
}

#[derive(Default)]
struct Slot {
    newest: Mutex<Option<Arc<Token>>>,
    /// Why and when the newest try gave none.
    refused: Mutex<Option<(NoToken, Mono)>>,
    /// Held by the one that mints.
    minting: Arc<tokio::sync::Mutex<()>>,
    /// Told when a try is over.
    done: Notify,
}

/// The JPTs of this process.
pub(crate) struct Tokens {
    issuer: Arc<dyn Issuer>,
    feed: Arc<Feed>,
    clock: Arc<dyn Clock>,
    slots: Cache<Key, Arc<Slot>>,
    /// What all anonymous visitors of a site share.
    shared: HashMap<SiteId, Slot>,
    /// Told when such a token was looked for in vain.
    wanted: Notify,
    /// The IDP's time of day as its newest token has shown it, and when that was.
    idp_time: Mutex<Option<(Timestamp, Mono)>>,
}

impl Tokens {
    pub(crate) fn new(
        issuer: Arc<dyn Issuer>,
        feed: Arc<Feed>,
        clock: Arc<dyn Clock>,
        sites: impl Iterator<Item = SiteId>,
    ) -> Arc<Self> {
        let shared = sites.map(|site| (site, Slot::default())).collect();
        let (slots, wanted, idp_time) = (Cache::new(TOKENS_MAX), Notify::new(), Mutex::default());
        Arc::new(Self { issuer, feed, clock, slots, shared, wanted, idp_time })
    }

    /// The JPT of a request's visitor; `None` is an anonymous one, for whom nobody is asked and nothing waited for.
    /// `seen` is when the visitor's last request slid: this one, unless it does not.
    pub(crate) async fn of(
        self: &Arc<Self>,
        site: &Site,
        visitor: Option<(Handle, &View<'_>)>,
        now: Timestamp,
        seen: Timestamp,
    ) -> Result<Arc<Token>, NoToken> {
        let Some(order) = visitor.and_then(|(sid, view)| Order::of(&site.id, sid, view)) else {
            return self.shared(site, now).ok_or(NoToken::Unavailable);
        };
        let key = order.key();
        let slot = match self.slots.get(&key) {
            Some(slot) => slot,
            None => self.slots.get_or_insert_with(&key, || Ok::<_, NoToken>(Arc::default()))?,
        };
        let newest = slot.newest();
        let use_as = match &newest {
            None => Cached::Wait,
            Some(held) => self.worth(held, now)?,
        };
        match (use_as, newest) {
            (Cached::Use, Some(held)) => Ok(held),
            (Cached::UseAndRenew, Some(held)) => {
                self.mint_apart(&slot, order.mint(), seen);
                Ok(held)
            }
            (Cached::WaitOrUse, Some(held)) => match self.wait(&slot, &order, seen).await {
                Err(NoToken::Unavailable) => self.stand_in(held),
                minted => minted,
            },
            _ => self.wait(&slot, &order, seen).await,
        }
    }

    /// A token at hand, where no newer one is to be had.
    fn stand_in(&self, held: Arc<Token>) -> Result<Arc<Token>, NoToken> {
        match self.life(&held, held.since) {
            // Heard while a newer one was waited for.
            Life::Ended(cause) => Err(NoToken::Ended(cause)),
            _ if self.may_stand_in(held.since) => Ok(held),
            _ => Err(NoToken::Unavailable),
        }
    }

    /// Whether what was got after `since` may go on while nobody says whether it lives. Of a node that is cut off nobody
    /// can tell whom it goes on showing as logged on.
    pub(crate) fn may_stand_in(&self, since: Stamp) -> bool {
        self.feed.unsure_for(since) <= UNFRESH_MAX
    }

    /// Why what is shown has ended that gets no token, if it has.
    pub(crate) fn end_of(
        &self,
        view: &View<'_>,
        why: &NoToken,
        now: Timestamp,
        limits: &Limits,
    ) -> Option<Cause> {
        match why {
            NoToken::Ended(cause) => Some(*cause),
            // At its limit a log-on steps down by the judgement; a clock that is wrong, the IDP's or ours, ends nothing.
            NoToken::Refused => (!self.is_nearly_over(view, now, limits)).then_some(Cause::Revoked),
            NoToken::Unavailable => None,
        }
    }

    /// Whether the log-on's own limit is as near as clocks may differ, by the IDP's clock, as far as that is known, or by
    /// ours: whichever is later.
    pub(crate) fn is_nearly_over(&self, view: &View<'_>, now: Timestamp, limits: &Limits) -> bool {
        let Some(log_on) = view.log_on() else { return false };
        let idp_time = *self.idp_time.lock().unwrap_or_else(PoisonError::into_inner);
        let now = idp_time.map_or(now, |(then, at)| now.max(then + self.clock.mono().since(at)));
        log_on.ends_at.min(log_on.auth_time + limits.log_on).since(now) <= SKEW
    }

    /// The users of whom everything ends at the IDP, as the feed tells it.
    pub(crate) fn users_ended(&self) -> broadcast::Receiver<UserEnded> {
        self.feed.users_ended()
    }

    /// How far ends have been heard.
    pub(crate) fn stamp(&self) -> Stamp {
        self.feed.stamp()
    }

    /// What has been heard of a token's ends after `since`.
    pub(crate) fn life(&self, token: &Token, since: Stamp) -> Life {
        self.feed.check(&token.traces(), since)
    }

    /// A JPT of a visitor whose answer streams, sure to live: one at hand, or a new one. Last seen is when he was, not
    /// now: a stream is no visit.
    pub(crate) async fn confirm(
        self: &Arc<Self>,
        site: &SiteId,
        handle: Handle,
        view: &View<'_>,
        seen: Timestamp,
    ) -> Result<Arc<Token>, NoToken> {
        let order = Order::of(site, handle, view).ok_or(NoToken::Unavailable)?;
        let slot = self.slots.get_or_insert_with(&order.key(), || Ok::<_, NoToken>(Arc::default()))?;
        if let Some(held) = slot.newest() {
            match self.life(&held, held.since) {
                Life::Alive => return Ok(held),
                Life::Ended(cause) => return Err(NoToken::Ended(cause)),
                Life::Unsure => {}
            }
        }
        self.wait(&slot, &order, seen).await
    }

    /// What a token at hand is worth: by its life, and by what has ended since it was asked for. Without a live lease
    /// on the ends the IDP is asked again.
    fn worth(&self, held: &Token, now: Timestamp) -> Result<Cached, NoToken> {
        let by_life = held.worth_by_life(now, self.clock.mono());
        let life = self.feed.check(&held.traces(), held.since);
        let claims =
            held.user.as_ref().map_or(Life::Alive, |(user, _)| self.feed.check_claims(user, held.since));
        match (life, claims) {
            (Life::Ended(cause), _) => Err(NoToken::Ended(cause)),
            (Life::Alive, Life::Alive) => Ok(by_life),
            _ if by_life == Cached::Wait => Ok(Cached::Wait),
            _ => Ok(Cached::WaitOrUse),
        }
    }

    /// Mints beside the request, unless somebody does already. It goes on when nobody waits any more, so that the next
    /// request has the token.
    fn mint_apart(self: &Arc<Self>, slot: &Arc<Slot>, mint: Mint, now: Timestamp) {
        let Ok(minting) = Arc::clone(&slot.minting).try_lock_owned() else { return };
        let (tokens, slot) = (Arc::clone(self), Arc::clone(slot));
        tokio::spawn(async move {
            let refused = tokens.mint(&slot, mint, now).await.err().map(|why| (why, tokens.clock.mono()));
            *slot.refused.lock().unwrap_or_else(PoisonError::into_inner) = refused;
            drop(minting);
            slot.done.notify_waiters();
        });
    }

    /// Waits for a new token. One that was under way at a break may be signed with a key that has ended: it is asked for
    /// once more, and serves if that brings nothing.
    async fn wait(
        self: &Arc<Self>,
        slot: &Arc<Slot>,
        order: &Order<'_>,
        seen: Timestamp,
    ) -> Result<Arc<Token>, NoToken> {
        let until = Instant::now() + token::WAIT_MAX;
        let token =
            self.wait_until(until, slot, order.mint(), seen).await.map_err(|why| self.explain(why, order))?;
        if !self.feed.has_broken(token.since) {
            return Ok(token);
        }
        match self.wait_until(until, slot, order.mint(), seen).await {
            Err(NoToken::Unavailable) => self.stand_in(token),
            newer => newer.map_err(|why| self.explain(why, order)),
        }
    }

    /// The IDP refuses without a reason; the feed may have told it. Without it, it is as if somebody had revoked.
    fn explain(&self, why: NoToken, order: &Order<'_>) -> NoToken {
        let (session, sign_on) = (Some((order.sid, order.ep)), order.sign_on);
        match why {
            NoToken::Refused => {
                let cause = self.feed.cause_of(&Traces { session, sign_on, ..Traces::default() });
                cause.map_or(NoToken::Refused, NoToken::Ended)
            }
            other => other,
        }
    }

    /// Waits for a new token, minted for this request or for another that asked first.
    async fn wait_until(
        self: &Arc<Self>,
        until: Instant,
        slot: &Arc<Slot>,
        mint: Mint,
        now: Timestamp,
    ) -> Result<Arc<Token>, NoToken> {
        // While the IDP is away nobody waits for what was just not to be had.
        let refused = || slot.refused.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((NoToken::Unavailable, at)) = refused()
            && self.clock.mono().since(at) < ASK_AGAIN
        {
            return Err(NoToken::Unavailable);
        }
        let done = slot.done.notified();
        tokio::pin!(done);
        // From here on no end of a try is missed.
        done.as_mut().enable();
        self.mint_apart(slot, mint, now);
        timeout_at(until, done).await.map_err(|_| NoToken::Unavailable)?;
        if let Some((why, _)) = refused() {
            return Err(why);
        }
        let token = slot.newest().ok_or(NoToken::Unavailable)?;
        match self.life(&token, token.since) {
            // Heard since it was asked for: the IDP may have answered before that.
            Life::Ended(cause) => Err(NoToken::Ended(cause)),
            _ => Ok(token),
        }
    }

    async fn mint(&self, slot: &Slot, mint: Mint, seen: Timestamp) -> Result<Arc<Token>, NoToken> {
        let since = self.feed.stamp();
        let session = match &mint {
            Mint::Anonymous { .. } => None,
            Mint::Returning { sid, ep, .. } | Mint::LoggedOn { sid, ep, .. } => Some((*sid, *ep)),
        };
        // Only a user's may end before its time.
        let is_cut = matches!(mint, Mint::LoggedOn { .. });
        match self.issuer.mint(mint, Some(seen)).await {
            Ok(minted) => {
                let Minted { jpt, expires_at, claims, grant, user, sign_on } = minted;
                // Claims are shown, never decided by: what cannot be read is not shown.
                let claims = Claims::parse(&claims).unwrap_or_default();
                let (minted_at, got_at) = (self.clock.wall(), self.clock.mono());
                if !is_cut {
                    let idp_time = expires_at.minus(token::LIFE_MAX);
                    *self.idp_time.lock().unwrap_or_else(PoisonError::into_inner) = Some((idp_time, got_at));
                }
                let token = Arc::new(Token {
                    jpt,
                    claims,
                    blocks: Blocks::default(),
                    minted_at,
                    got_at,
                    expires_at,
                    since,
                    session,
                    grant,
                    user,
                    sign_on,
                });
                *slot.newest.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&token));
                Ok(token)
            }
            Err(IssuerError::Refused(Refusal::Grant)) => Err(NoToken::Refused),
            Err(_) => Err(NoToken::Unavailable),
        }
    }
}

impl Slot {
    fn newest(&self) -> Option<Arc<Token>> {
        self.newest.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// A JPT as it may have to be asked for.
struct Order<'v> {
    site: &'v SiteId,
    sid: Handle,
    ep: Epoch,
    visitor: VisitorId,
    /// `None` for a returning visitor.
    grant: Option<&'v GrantToken>,
    /// Where that log-on came from.
    sign_on: Option<&'v SignOnId>,
}

impl<'v> Order<'v> {
    /// `None` for what anonymous visitors share.
    fn of(site: &'v SiteId, sid: Handle, view: &View<'v>) -> Option<Self> {
        let (grant, visitor) = match Bearer::of(Some(view)) {
            Bearer::Anonymous => return None,
            Bearer::Returning(visitor) => (None, visitor),
            Bearer::LoggedOn(grant, visitor) => (Some(grant), visitor),
        };
        let sign_on = view.log_on().map(|log_on| &log_on.sign_on);
        Some(Self { site, sid, ep: view.epoch(), visitor, grant, sign_on })
    }

    /// Under which it is kept.
    fn key(&self) -> Key {
        match self.grant {
            None => Key::Returning(self.sid, self.ep),
            Some(grant) => Key::LoggedOn(grant.digest(), self.sid, self.ep),
        }
    }

    fn mint(&self) -> Mint {
        let Self { sid, ep, visitor, .. } = *self;
        match self.grant {
            None => Mint::Returning { site: self.site.clone(), visitor, sid, ep },
            Some(grant) => Mint::LoggedOn { grant: grant.clone(), visitor, sid, ep },
        }
    }
}

#[cfg(test)]
mod tests;
