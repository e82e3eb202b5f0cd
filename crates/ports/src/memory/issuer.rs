//! An `Issuer` that signs nothing: its tokens are numbered texts and only it knows what they mean.
//! For tests of the faces; it has one kind of user and no clients.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::{StreamExt as _, stream};
use tokio::sync::broadcast::{self, error::RecvError};
use vestibule_domain::identity::{Epoch, Handle, SignOnId, Timestamp, UserId};
use vestibule_oauth::pkce::CodeChallenge;
use vestibule_oauth::scope::ScopeSet;
use vestibule_oauth::token::{AccessToken, Code, Jpt, Jwt};

use crate::clock::Clock;
use crate::issuer::{
    Cause, End, Ended, Feed, FeedItem, Issuer, IssuerError, LogOn, Mint, Minted, Presented, Redeem, Refusal,
    Swapped,
};

/// How long its tokens live, unless the log-on ends sooner.
const TOKEN_LIFE: Duration = Duration::from_mins(10);

/// Most feed items that wait for a slow follower.
const FEED_ITEMS_MAX: usize = 1_024;

type Digest = [u8; 32];

/// Log-ons, tokens and ends in this process.
pub struct MemoryIssuer {
    clock: Arc<dyn Clock>,
    unreachable: AtomicBool,
    told: AtomicU64,
    state: Mutex<State>,
    feed: broadcast::Sender<FeedItem>,
}

#[derive(Default)]
struct State {
    /// Codes that wait to be redeemed, with what they are worth.
    codes: HashMap<Digest, (CodeChallenge, LogOn)>,
    /// Grants by their token, with the user's epoch at the log-on.
    grants: HashMap<Digest, (Epoch, LogOn)>,
    /// Epochs of users who were ended at least once.
    epochs: HashMap<UserId, Epoch>,
    tokens: HashMap<Digest, Cover>,
    ends: Vec<(Ended, Cause)>,
    /// Sessions whose log-out has ended everything of their users.
    log_outs: HashSet<Handle>,
    minted: u64,
    seen: Option<Timestamp>,
}

/// What a token rests on.
#[derive(Clone)]
struct Cover {
    expires_at: Timestamp,
    scopes: ScopeSet,
    session: Option<(Handle, Epoch)>,
    user: Option<(UserId, Epoch)>,
    sign_on: Option<SignOnId>,
}

impl State {
    fn epoch(&self, user: &UserId) -> Epoch {
        self.epochs.get(user).copied().unwrap_or(Epoch::FIRST)
    }

    fn is_alive(&self, cover: &Cover) -> bool {
        !self.ends.iter().any(|(ended, _)| match ended {
            Ended::Session { sid, ep } => cover.session.is_some_and(|(of, at)| of == *sid && at <= *ep),
            Ended::SignOn(sign_on) => cover.sign_on.as_ref() == Some(sign_on),
            Ended::User { user, epoch } => {
                cover.user.as_ref().is_some_and(|(of, at)| of == user && at < epoch)
            }
            _ => false,
        })
    }
}

impl MemoryIssuer {
    /// An issuer that knows nobody yet.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            unreachable: AtomicBool::new(false),
            told: AtomicU64::new(0),
            state: Mutex::default(),
            feed: broadcast::Sender::new(FEED_ITEMS_MAX),
        }
    }

    /// Makes a code worth a log-on, as a visitor does who has logged in.
    pub fn log_in(&self, code: &Code, challenge: CodeChallenge, log_on: LogOn) {
        self.state().codes.insert(code.digest(), (challenge, log_on));
    }

    /// Makes an access token worth these scopes.
    pub fn admit(&self, token: &AccessToken, scopes: ScopeSet) {
        let expires_at = self.clock.wall() + TOKEN_LIFE;
        let cover = Cover { expires_at, scopes, session: None, user: None, sign_on: None };
        self.state().tokens.insert(token.digest(), cover);
    }

    /// Cuts the issuer off, or connects it again. The feed of a cut-off issuer falls silent.
    pub fn set_unreachable(&self, unreachable: bool) {
        self.unreachable.store(unreachable, Ordering::Relaxed);
    }

    /// Sends a heartbeat into the feed.
    pub fn beat(&self) {
        let state = self.state();
        self.publish(FeedItem::Heartbeat { seq: state.ends.len() as u64, sent: self.clock.mono() });
    }

    /// Ends a signing key, as its administrator does.
    pub fn end_key(&self, kid: &str) {
        self.tell(&mut self.state(), Ended::Key(kid.to_owned()), Cause::Revoked);
    }

    /// How many tokens were signed.
    pub fn minted(&self) -> u64 {
        self.state().minted
    }

    /// How often it was told of an end, whether it was reached or not.
    pub fn told(&self) -> u64 {
        self.told.load(Ordering::Relaxed)
    }

    /// The newest `seen` of any mint.
    pub fn seen(&self) -> Option<Timestamp> {
        self.state().seen
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn reach(&self) -> Result<MutexGuard<'_, State>, IssuerError> {
        if self.unreachable.load(Ordering::Relaxed) {
            return Err(IssuerError::Unreachable("switched off".to_owned()));
        }
        Ok(self.state())
    }

    fn publish(&self, item: FeedItem) {
        if !self.unreachable.load(Ordering::Relaxed) {
            // The error only says that there is no follower.
            let _unheard = self.feed.send(item);
        }
    }

    /// Writes an end down, and tells who follows.
    fn tell(&self, state: &mut State, ended: Ended, cause: Cause) {
        state.ends.push((ended.clone(), cause));
        self.publish(FeedItem::Ended { seq: state.ends.len() as u64, ended, cause });
    }

    /// What a JPT would rest on, and the claims that go with it.
    fn cover(&self, state: &State, mint: &Mint) -> Result<(Cover, String), Refusal> {
        let now = self.clock.wall();
        let nobody = Cover {
            expires_at: now + TOKEN_LIFE,
            scopes: ScopeSet::default(),
            session: None,
            user: None,
            sign_on: None,
        };
        match mint {
            Mint::Anonymous { .. } => Ok((nobody, "{}".to_owned())),
            Mint::Returning { sid, ep, .. } => {
                Ok((Cover { session: Some((*sid, *ep)), ..nobody }, "{}".to_owned()))
            }
            Mint::LoggedOn { grant, sid, ep, .. } => {
                let (epoch, log_on) = state.grants.get(&grant.digest()).ok_or(Refusal::Grant)?;
                if log_on.ends_at <= now {
                    return Err(Refusal::Grant);
                }
                let cover = Cover {
                    expires_at: nobody.expires_at.min(log_on.ends_at),
                    session: Some((*sid, *ep)),
                    user: Some((log_on.sub.clone(), *epoch)),
                    sign_on: Some(log_on.sign_on.clone()),
                    ..nobody
                };
                Ok((cover, log_on.claims.clone()))
            }
        }
    }
}

/// A text that is numbered and has the form of a signed token.
fn numbered<T>(
    kind: &str,
    number: u64,
    parse: fn(&str) -> Result<T, vestibule_oauth::token::Malformed>,
) -> T {
    parse(&format!("{kind}.{number}.x")).expect("letters, digits and dots are the alphabet of signed tokens")
}

#[async_trait]
impl Issuer for MemoryIssuer {
    async fn redeem(&self, redeem: Redeem) -> Result<LogOn, IssuerError> {
        let mut state = self.reach()?;
        // The first try uses the code up, also with a wrong verifier.
        let found = state.codes.remove(&redeem.code.digest());
        let found = found.filter(|(challenge, _)| *challenge == redeem.verifier.challenge());
        let (_, log_on) = found.ok_or(IssuerError::Refused(Refusal::Grant))?;
        let epoch = state.epoch(&log_on.sub);
        state.grants.insert(log_on.grant.digest(), (epoch, log_on.clone()));
        Ok(log_on)
    }

    async fn mint(&self, mint: Mint, seen: Option<Timestamp>) -> Result<Minted, IssuerError> {
        let mut state = self.reach()?;
        let (cover, claims) = self.cover(&state, &mint).map_err(IssuerError::Refused)?;
        if !state.is_alive(&cover) {
            return Err(IssuerError::Refused(Refusal::Grant));
        }
        state.minted += 1;
        state.seen = state.seen.max(seen);
        let jpt: Jpt = numbered("jpt", state.minted, Jpt::parse);
        let (expires_at, user, sign_on) = (cover.expires_at, cover.user.clone(), cover.sign_on.clone());
        state.tokens.insert(jpt.digest(), cover);
        Ok(Minted { jpt, expires_at, claims, grant: None, user, sign_on })
    }

    async fn swap(&self, presented: Presented) -> Result<Swapped, IssuerError> {
        let mut state = self.reach()?;
        let digest = match &presented {
            Presented::Outside(token) => token.digest(),
            Presented::Inside(jpt) => jpt.digest(),
        };
        let cover = state.tokens.get(&digest).filter(|cover| cover.expires_at > self.clock.wall());
        let cover = cover.filter(|cover| state.is_alive(cover)).cloned();
        let cover = cover.ok_or(IssuerError::Refused(Refusal::Token))?;
        state.minted += 1;
        let jwt: Jwt = numbered("jwt", state.minted, Jwt::parse);
        Ok(Swapped {
            jwt,
            expires_at: cover.expires_at,
            scopes: cover.scopes,
            client: "memory".to_owned(),
            session: cover.session,
            grant: None,
            family: None,
            user: cover.user,
            sign_on: cover.sign_on,
            key: "memory".to_owned(),
        })
    }

    async fn end(&self, end: End, cause: Cause) -> Result<(), IssuerError> {
        self.told.fetch_add(1, Ordering::Relaxed);
        let mut state = self.reach()?;
        let ended = match end {
            End::Session { sid, ep } => Ended::Session { sid, ep },
            End::SignOn(sign_on) => Ended::SignOn(sign_on),
            End::User { by: Some(by), .. } if !state.log_outs.insert(by) => return Ok(()),
            End::User { id: user, .. } => {
                let epoch = state.epoch(&user).next();
                state.epochs.insert(user.clone(), epoch);
                Ended::User { user, epoch }
            }
            End::Grant(digest) => match state.grants.remove(digest.as_bytes()) {
                Some(_) => Ended::Grant(digest.to_string()),
                None => return Ok(()),
            },
        };
        self.tell(&mut state, ended, cause);
        Ok(())
    }

    async fn feed(&self, after: u64) -> Result<Feed, IssuerError> {
        let state = self.reach()?;
        let missed: Vec<_> = (1..)
            .zip(&state.ends)
            .skip(usize::try_from(after).unwrap_or(usize::MAX))
            .map(|(seq, (ended, cause))| Ok(FeedItem::Ended { seq, ended: ended.clone(), cause: *cause }))
            .collect();
        // Subscribed under the lock that every sender holds, so nothing falls between `missed` and `later`.
        let later = stream::unfold(self.feed.subscribe(), async |mut items| match items.recv().await {
            Ok(item) => Some((Ok(item), items)),
            Err(RecvError::Lagged(_)) => Some((Err(IssuerError::Unreachable("too slow".to_owned())), items)),
            Err(RecvError::Closed) => None,
        });
        Ok(stream::iter(missed).chain(later).boxed())
    }
}
