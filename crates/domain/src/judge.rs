//! The judgement of a session: whether it lives, what its log-on is worth by now, and what a request that opened it
//! with a given key may see. Falls by limits are computed here, on each read; nobody has to write them.
//! Must not know where the record came from, only how far it can be trusted.

use std::time::Duration;

use crate::ascii_json::AsciiJson;
use crate::attribute::{Attribute, AttributeName};
use crate::audit::Cause;
use crate::identity::{Epoch, Timestamp, UserId, VisitorId};
use crate::key::Key;
use crate::limits::Limits;
use crate::session::{LogOn, Session};
use crate::standing::Standing;

/// How far a record and its last-seen time can be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Source {
    /// Only this process writes the store: both are exact.
    Own,
    /// Just read from a store that other processes write too; their touches may still be on their way.
    Shared,
    /// A copy in memory of what such a store held. It may grant and never deny.
    Copy,
}

/// When the session was last seen, and who says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// The newest touch, if there was one.
    pub last_seen: Option<Timestamp>,
    /// Where record and touch come from.
    pub source: Source,
}

/// A limit that was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fall {
    /// Which.
    pub cause: Cause,
    /// The limit's own time, whenever it is noticed.
    pub at: Timestamp,
}

/// What a judged request owes to the session's record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Upkeep {
    /// Nothing.
    None,
    /// Its last-seen time moves, if the request is one that extends.
    Touch,
    /// [`View::settled`] is committed first, then as `Touch`. A touch alone would undo an idle fall, since that is
    /// computed from the last-seen time; and a session that is not confirmed would end. If it cannot be committed,
    /// the request goes on and there is no touch.
    Settle,
    /// [`View::settled`] is committed, and nothing else: whoever holds only the lasting cookie must not keep a log-on
    /// alive.
    Note,
}

impl Upkeep {
    /// Whether something is to be committed.
    pub fn commits(self) -> bool {
        matches!(self, Self::Settle | Self::Note)
    }

    /// Whether the last-seen time moves.
    pub fn touches(self) -> bool {
        matches!(self, Self::Touch | Self::Settle)
    }
}

/// The outcome.
#[derive(Debug, Clone, Copy)]
pub enum Verdict<'s> {
    /// The session lives.
    Lives(View<'s>),
    /// It is over; the visitor is anonymous and keeps his cookies.
    Over(Fall),
    /// By this copy something is over. Read the store itself and judge again.
    ReadAgain,
}

/// What a request may see of a session. Transitions take one, so none happens without a judgement.
#[derive(Debug, Clone, Copy)]
pub struct View<'s> {
    session: &'s Session,
    key: Key,
    standing: Standing,
    fall: Option<Fall>,
    upkeep: Upkeep,
    /// Whether the request has shown a secret that this version still has.
    came_back: bool,
}

/// Judges a session that `key` has opened.
pub fn judge<'s>(
    session: &'s Session,
    key: Key,
    reading: Reading,
    now: Timestamp,
    limits: &Limits,
) -> Verdict<'s> {
    judge_newer(session, session, key, reading, now, limits)
}

/// Judges a newer version of a session that `key` has opened in another one. What was the newest secret then may be from
/// before a rise by now, and says nothing of those that have come with it.
pub fn judge_newer<'s>(
    session: &'s Session,
    opened: &Session,
    key: Key,
    reading: Reading,
    now: Timestamp,
    limits: &Limits,
) -> Verdict<'s> {
    if key.is_old() {
        let before = session.before.as_ref().map_or(Standing::Returning, |before| before.standing);
        let standing = before.min(key.standing_max());
        let view = View { session, key, standing, fall: None, upkeep: Upkeep::None, came_back: false };
        return Verdict::Lives(view);
    }
    let seen = last_seen(session, reading.last_seen);
    let fall = session.log_on().and_then(|log_on| log_on_fall(log_on, seen, reading.source, now, limits));
    let stands = session.log_on().is_some() && fall.is_none();
    let end = session_end(session, seen, stands, now, limits);
    // An absolute limit follows from the log-on, which has not changed or the secret would have; all else may have.
    let certain = end.is_none() && fall.is_none_or(|fall| fall.lasts);
    if reading.source == Source::Copy && !certain {
        return Verdict::ReadAgain;
    }
    if let Some(end) = end {
        return Verdict::Over(end);
    }
    let held = if stands { Standing::LoggedOn } else { Standing::Returning };
    let came_back = key.is_newest() && session.secrets == opened.secrets;
    let moves = came_back && session.before.as_ref().is_some_and(|before| !before.has_moved());
    let commits = !session.confirmed || moves || fall.is_some_and(|fall| !fall.lasts);
    // Whoever cannot open the log-on must not keep it alive.
    let touches = !(stands && key.is_lasting());
    let upkeep = match (commits, touches) {
        (true, true) => Upkeep::Settle,
        (true, false) => Upkeep::Note,
        (false, true) => Upkeep::Touch,
        (false, false) => Upkeep::None,
    };
    let standing = held.min(key.standing_max());
    Verdict::Lives(View { session, key, standing, fall: fall.map(|fall| fall.fall), upkeep, came_back })
}

/// When the visitor was last here: at the newest touch, and at the rise at least.
fn last_seen(session: &Session, touched: Option<Timestamp>) -> Timestamp {
    let risen_at = session.log_on().map_or(session.created_at, |log_on| log_on.risen_at);
    touched.map_or(risen_at, |touched| touched.max(risen_at))
}

#[derive(Debug, Clone, Copy)]
struct LogOnFall {
    fall: Fall,
    /// Whether no later touch can take it back.
    lasts: bool,
}

/// The limit that ended the log-on; of two, the one that came first.
fn log_on_fall(
    log_on: &LogOn,
    seen: Timestamp,
    source: Source,
    now: Timestamp,
    limits: &Limits,
) -> Option<LogOnFall> {
    let margin = if source == Source::Own { Duration::ZERO } else { limits.idle_margin };
    let absolute =
        Fall { cause: Cause::LogOnLimit, at: log_on.ends_at.min(log_on.auth_time + limits.log_on) };
    let idle = Fall { cause: Cause::IdleLimit, at: seen + limits.idle };
    let (is_absolute, is_idle) = (now >= absolute.at, now >= idle.at + margin);
    let fall = match (is_absolute, is_idle) {
        (false, false) => return None,
        (true, true) if idle.at < absolute.at => idle,
        (true, _) => absolute,
        (false, true) => idle,
    };
    Some(LogOnFall { fall, lasts: is_absolute })
}

/// The limit that ended the session itself.
fn session_end(
    session: &Session,
    seen: Timestamp,
    stands: bool,
    now: Timestamp,
    limits: &Limits,
) -> Option<Fall> {
    let limit = |applies: bool, cause, at| applies.then_some(Fall { cause, at });
    [
        limit(!session.confirmed, Cause::Unconfirmed, session.created_at + limits.unconfirmed),
        limit(!stands, Cause::ReturningLimit, seen + limits.returning),
        limit(true, Cause::Ceiling, session.born_at + limits.ceiling),
    ]
    .into_iter()
    .flatten()
    .filter(|end| now >= end.at)
    .min_by_key(|end| end.at)
}

impl<'s> View<'s> {
    /// Of a record that is only now being made.
    pub(crate) fn of_new(session: &'s Session) -> Self {
        Self {
            session,
            key: Key::Vst,
            standing: Standing::Returning,
            fall: None,
            upkeep: Upkeep::None,
            came_back: false,
        }
    }

    /// What the visitor is to this request.
    pub fn standing(&self) -> Standing {
        self.standing
    }

    /// The key that opened the session.
    pub fn key(&self) -> Key {
        self.key
    }

    /// The visitor.
    pub fn visitor(&self) -> VisitorId {
        self.session.visitor
    }

    /// The session's epoch.
    pub fn epoch(&self) -> Epoch {
        self.session.epoch
    }

    /// The record behind it.
    pub fn session(&self) -> &'s Session {
        self.session
    }

    /// The limit that ended a log-on that the record still holds.
    pub fn fall(&self) -> Option<Fall> {
        self.fall
    }

    /// What the request owes to the record.
    pub fn upkeep(&self) -> Upkeep {
        self.upkeep
    }

    /// The user and all that belongs to the log-on. During grace nobody, whatever the standing.
    pub fn log_on(&self) -> Option<&'s LogOn> {
        let shown = self.standing == Standing::LoggedOn && !self.key.is_old();
        self.session.log_on().filter(|_| shown)
    }

    /// When what is shown here ends if nobody comes any more after the newest touch.
    pub fn lasts_until(&self, touched: Option<Timestamp>, limits: &Limits) -> Timestamp {
        let seen = last_seen(self.session, touched);
        match self.log_on() {
            Some(log_on) => log_on.ends_at.min(log_on.auth_time + limits.log_on).min(seen + limits.idle),
            None => (seen + limits.returning).min(self.session.born_at + limits.ceiling),
        }
    }

    /// The user of an ended log-on. To a secret from before a rise nobody: it may never have been of that user.
    pub fn remembered_user(&self) -> Option<&'s UserId> {
        if self.key.is_old() || self.key == Key::Unmoved || self.standing != Standing::Returning {
            return None;
        }
        self.session.newest_user()
    }

    /// The value of an attribute, if the session has it and this view shows it.
    pub fn attribute(&self, name: &AttributeName) -> Option<&'s AsciiJson> {
        self.sees(name).map(|attribute| &attribute.value)
    }

    pub(crate) fn sees(&self, name: &AttributeName) -> Option<&'s Attribute> {
        let newest = self.session.attributes.get(name);
        let found = match &self.session.before {
            Some(before) if self.key.is_old() => before.attribute(name, newest),
            _ => newest,
        };
        found.filter(|attribute| self.standing == Standing::LoggedOn || !attribute.private)
    }

    /// The record with everything written down that this judgement found: the fall, and that a cookie has come back, be
    /// it the first of the session or of its newest rise. Every transition begins with it.
    pub fn settled(&self, now: Timestamp, limits: &Limits) -> Session {
        let mut session = self.session.clone();
        session.confirmed |= !self.key.is_old();
        if let Some(fall) = self.fall {
            session.fall(fall.at, fall.cause);
        }
        if let Some(before) = session.before.as_mut().filter(|_| self.came_back) {
            before.note_return();
        }
        session.before = session.before.and_then(|before| before.kept(now, limits));
        session
    }
}

#[cfg(test)]
mod tests;
