//! Sessions that a log-out leaves behind: those that had fallen before, so that no end at the IDP reaches them, on other
//! sites of the same browser or everywhere. Found by their user, ended beside all requests; what fails is tried again
//! with the log-out's own entry. And those that are left when the IDP has ended everything of a user.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::broadcast::error::RecvError;
use tokio::sync::mpsc;
use tokio::time::Instant;
use vestibule_domain::audit::{Cause, Tombstone};
use vestibule_domain::identity::{Handle, SignOnId, Timestamp, UserId};
use vestibule_domain::judge::{Reading, Source, Verdict, View, judge};
use vestibule_domain::key::Key;
use vestibule_domain::limits::Limits;
use vestibule_domain::owed::{Debt, Reach};
use vestibule_domain::rise;
use vestibule_domain::token::SKEW;
use vestibule_feed::UserEnded;
use vestibule_ports::session_store::StoreError;
use vestibule_sessions::{CommitError, Finished, Found, Known};

use crate::tokens::NoToken;
use crate::{Visitors, owed};

/// Sessions of one user that are looked through at a time. A user has a few.
const SESSIONS_MAX: usize = 1_024;
/// Log-outs that wait. One that finds no place is found again by its entry.
const WAITING_MAX: usize = 1_024;
/// How long a log-out rests whose user has more sessions than one look sees, and none of those seen was to end.
const REST: Duration = Duration::from_mins(1);
/// Looks at the sessions of one user who was ended elsewhere.
const CLEARED_MAX: usize = 12;
/// How long after it was heard such a look may begin. Later, as when the machine has slept, what is fallen may have been a
/// log-on from after that end.
const CLEARED_WITHIN: Duration = Duration::from_secs(90);
/// How long such a log-out is looked after: its entry must not stand in the way of others for weeks.
const LOOKED_AFTER: Duration = Duration::from_hours(1);

/// Log-outs that the IDP has confirmed. The entry of each is struck off when nothing is left behind any more.
pub(crate) struct Siblings {
    sender: mpsc::Sender<(Handle, Reach, Tombstone)>,
    waiting: tokio::sync::Mutex<mpsc::Receiver<(Handle, Reach, Tombstone)>>,
    /// Entries that are here already: each round hands them over again.
    here: Mutex<HashMap<Handle, Here>>,
}

/// Why an entry is not taken a second time.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Here {
    /// It waits for its turn, or has it.
    Waits,
    /// It has had its turn.
    Rests { until: Instant },
}

impl Siblings {
    pub(crate) fn new() -> Self {
        let (sender, waiting) = mpsc::channel(WAITING_MAX);
        Self { sender, waiting: waiting.into(), here: Mutex::default() }
    }

    /// Takes over a log-out's entry, unless it is here.
    pub(crate) fn take(&self, entry: Handle, reach: Reach, tombstone: &Tombstone) {
        let (mut here, now) = (self.here(), Instant::now());
        here.retain(|_, why| !matches!(why, Here::Rests { until } if *until <= now));
        // Without a place it stays in the store, and the next look finds it there.
        if !here.contains_key(&entry) && self.sender.try_send((entry, reach, tombstone.clone())).is_ok() {
            here.insert(entry, Here::Waits);
        }
    }

    fn rest(&self, entry: Handle) {
        self.here().insert(entry, Here::Rests { until: Instant::now() + REST });
    }

    fn here(&self) -> MutexGuard<'_, HashMap<Handle, Here>> {
        self.here.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A log-out whose turn it is. Whatever becomes of that, it may come again.
struct Turn<'s> {
    siblings: &'s Siblings,
    entry: Handle,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut here = self.siblings.here();
        if here.get(&self.entry) == Some(&Here::Waits) {
            here.remove(&self.entry);
        }
    }
}

/// Whether this log-out may leave anything behind.
pub(crate) fn may_be_left(reach: Reach, tombstone: &Tombstone) -> bool {
    Kin::of(reach, tombstone).is_some()
}

/// Which sessions belong to a log-out.
struct Kin<'t> {
    user: &'t UserId,
    which: Which<'t>,
    /// When that was, and why.
    ended_at: Timestamp,
    cause: Cause,
}

/// Which of a user's sessions.
enum Which<'t> {
    /// Those that came from this sign-on session.
    From(&'t SignOnId),
    /// All.
    All,
    /// All of a user of whom the IDP has ended everything. Of what is logged on by these limits it has to say so.
    Ended(&'t Limits),
}

impl<'t> Kin<'t> {
    /// `None` when it is nobody's but its own.
    fn of(reach: Reach, first: &'t Tombstone) -> Option<Self> {
        let which = match reach {
            Reach::Session => return None,
            Reach::User if first.user.is_some() => Which::All,
            // Who was not logged on any more spoke for his browser, not for the user.
            Reach::User | Reach::SignOn => Which::From(first.sign_on.as_ref()?),
        };
        let user = first.newest_user.as_ref()?;
        Some(Self { user, which, ended_at: first.ended_at, cause: first.cause })
    }

    /// Never one whose log-on is newer than the log-out, which may be looked after much later. Each of the two times may be
    /// of another node's clock, so in doubt it stays: if it is logged on, its end at the IDP was the log-out's own.
    fn has(&self, known: &Known<()>) -> bool {
        let session = &known.session;
        match self.which {
            Which::From(sign_on) => session.sign_on() == Some(sign_on),
            Which::All | Which::Ended(_) => {
                session.newest_user() == Some(self.user) && session.born_at() + SKEW <= self.ended_at
            }
        }
    }
}

/// Ends what log-outs have left behind, for ever.
pub(crate) async fn keep_ending(visitors: &Visitors) -> Infallible {
    let mut waiting = visitors.siblings.waiting.lock().await;
    loop {
        let next = waiting.recv().await;
        let (entry, reach, tombstone) = next.expect("the other end is in the same value");
        let siblings = &visitors.siblings;
        let _turn = Turn { siblings, entry };
        let looked = match Kin::of(reach, &tombstone) {
            Some(kin) => end_all(visitors, &kin).await,
            None => Ok(Look::All),
        };
        match looked {
            Ok(Look::Part { ended: 0 }) if visitors.clock.wall() < tombstone.ended_at + LOOKED_AFTER => {
                siblings.rest(entry);
            }
            Ok(Look::All | Look::Part { ended: 0 }) => {
                // An entry that stays is looked after once more, and struck off then.
                let _ = visitors.sessions.paid(entry).await;
            }
            Ok(Look::Part { .. }) | Err(NotEnded) => {}
        }
    }
}

/// Ends, for ever, the sessions of users of whom the IDP has ended everything, for they remember who was here. Of those
/// that have fallen nobody else would; and one that stands may not be asked for again before a limit of its log-on, and
/// from then on no request needs the dead grant. A clean-up: every node does it, none of them more than a few times, and
/// what a process does not hear of is forgotten at its limit.
pub(crate) async fn keep_clearing(visitors: &Visitors, limits: &Limits) -> Infallible {
    let mut users = visitors.tokens.users_ended();
    loop {
        let UserEnded { user, cause, heard_at } = match users.recv().await {
            Ok(ended) => ended,
            Err(RecvError::Lagged(_)) => continue,
            Err(RecvError::Closed) => std::future::pending().await,
        };
        let kin = Kin { user: &user, which: Which::Ended(limits), ended_at: heard_at, cause };
        let begun_at = visitors.clock.mono();
        for _ in 0..CLEARED_MAX {
            if visitors.clock.mono().since(begun_at) > CLEARED_WITHIN {
                break;
            }
            match end_all(visitors, &kin).await {
                Ok(Look::All | Look::Part { ended: 0 }) => break,
                Ok(Look::Part { .. }) => {}
                Err(NotEnded) => tokio::time::sleep(owed::LOOK_EVERY).await,
            }
        }
    }
}

/// How far a look through a user's sessions has got.
enum Look {
    /// Nothing is left behind.
    All,
    /// There may be more sessions than it has seen. Those that it has ended make room for others in the next one.
    Part { ended: usize },
}

/// Not everything could be ended.
struct NotEnded;

impl From<StoreError> for NotEnded {
    fn from(_: StoreError) -> Self {
        Self
    }
}

impl From<CommitError> for NotEnded {
    fn from(_: CommitError) -> Self {
        Self
    }
}

/// Ends every session that goes with this one.
async fn end_all(visitors: &Visitors, kin: &Kin<'_>) -> Result<Look, NotEnded> {
    let handles = visitors.sessions.of_user(kin.user, SESSIONS_MAX).await?;
    let (seen, mut ended) = (handles.len(), 0);
    for handle in handles {
        ended += usize::from(end(visitors, handle, kin).await?);
    }
    Ok(if seen < SESSIONS_MAX { Look::All } else { Look::Part { ended } })
}

/// Ends a session if it goes with that one; whether it did.
async fn end(visitors: &Visitors, handle: Handle, kin: &Kin<'_>) -> Result<bool, NotEnded> {
    let known = match visitors.sessions.get_fresh(handle).await {
        Ok(Found::Live(known, _)) => known,
        Ok(Found::Stale { .. }) => return Err(NotEnded),
        // One that cannot be read opens to nobody.
        Ok(Found::Gone) | Err(StoreError::Corrupt(_)) => return Ok(false),
        Err(why) => return Err(why.into()),
    };
    if !kin.has(&known) {
        return Ok(false);
    }
    let (now, reach) = (visitors.clock.wall(), Reach::Session);
    if let Which::Ended(limits) = kin.which
        && let Some(view) = standing(&known, now, limits)
    {
        return end_standing(visitors, &known, &view, kin.cause, limits).await;
    }
    let (debt, deadline) = (Debt::Session(handle, reach), visitors.sessions.deadline());
    let entry = owed::write_down(visitors, debt, now, deadline).await?;
    let end = |newest: &Known<()>| {
        let has_risen = newest.session.has_risen_since(&known.session);
        let goes = kin.has(newest) && !(has_risen && matches!(kin.which, Which::Ended(_)));
        goes.then(|| rise::end(&newest.session, kin.cause, now))
    };
    match visitors.sessions.end(handle, end).await? {
        Finished::Ended(tombstone) => {
            owed::tell(visitors, entry, handle, reach, &tombstone).await;
            Ok(true)
        }
        Finished::Spared | Finished::Gone => {
            visitors.sessions.paid(entry).await?;
            Ok(false)
        }
    }
}

/// What a session shows that somebody is logged on in.
fn standing<'k>(known: &'k Known<()>, now: Timestamp, limits: &Limits) -> Option<View<'k>> {
    let reading = Reading { last_seen: known.last_seen(), source: Source::Shared };
    match judge(&known.session, Key::Vst, reading, now, limits) {
        Verdict::Lives(view) => view.log_on().is_some().then_some(view),
        Verdict::Over(_) | Verdict::ReadAgain => None,
    }
}

/// Ends a session whose log-on the IDP has ended, as its next request would; whether it did. Not by the two times alone:
/// of two nodes' clocks one may be so wrong that a log-on from after that end looks older.
async fn end_standing(
    visitors: &Visitors,
    known: &Known<()>,
    view: &View<'_>,
    cause: Cause,
    limits: &Limits,
) -> Result<bool, NotEnded> {
    let now = visitors.clock.wall();
    let seen = known.last_seen().or(view.log_on().map(|log_on| log_on.risen_at)).unwrap_or(now);
    let asked = visitors.tokens.confirm(known.session.site(), known.handle, view, seen).await;
    let Err(why) = asked else { return Ok(false) };
    if why == NoToken::Unavailable {
        return Err(NotEnded);
    }
    // By a rule a log-on falls, and what survives it stays.
    if visitors.tokens.end_of(view, &why, now, limits).is_none_or(|why| why == Cause::Rule) {
        return Ok(false);
    }
    let end = |newest: &Known<()>| {
        let (newest, then) = (&newest.session, &known.session);
        let is_other = newest.has_risen_since(then) || newest.has_fallen_since(then);
        (!is_other).then(|| rise::end(newest, cause, now))
    };
    match visitors.sessions.end(known.handle, end).await? {
        Finished::Ended(_) => Ok(true),
        Finished::Gone => Ok(false),
        // What it is by now is looked at once more.
        Finished::Spared => Err(NotEnded),
    }
}

#[cfg(test)]
mod tests;
