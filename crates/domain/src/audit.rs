//! What happened to a session and why, kept inside it and, once it has ended, in its tombstone: so that "why was I
//! logged out?" has an answer. Accepted patches are no events.
//! Must not know who asks.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::encoding::{self, Corrupt};
use crate::identity::{AppId, Epoch, SignOnId, Timestamp, UserId};
use crate::limits::Limits;
use crate::patch_refused::PatchRefused;

/// How many events a session keeps: the newest.
pub const EVENTS_MAX: usize = 16;

/// How many of them are refused patches: apps must not push out why a visitor was logged out.
pub const REFUSALS_MAX: usize = 4;

/// Why a session fell or ended.
// Stored, as all of this file: `encoding` says how it may change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Cause {
    /// The log-on reached its longest life.
    LogOnLimit,
    /// Nobody used the log-on for too long.
    IdleLimit,
    /// A rule of the proxy.
    Rule,
    /// Nobody used the session for too long.
    ReturningLimit,
    /// The session reached its longest life.
    Ceiling,
    /// The cookie never came back.
    Unconfirmed,
    /// The visitor logged out here.
    LogOut,
    /// The visitor logged out everywhere.
    LogOutEverywhere,
    /// Another user logged on in the same browser.
    OtherUser,
    /// An administrator.
    Revoked,
    /// Too many sessions of one user; the oldest went.
    TooMany,
    /// The password was changed.
    PasswordChanged,
    /// The user was disabled.
    UserDisabled,
    /// What was stored of the session cannot be read.
    Unreadable,
}

impl Cause {
    /// The cause as an answer to "why was I logged out?".
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::LogOnLimit => {
                "The log-on reached its longest life. It is never extended; logging in again starts anew."
            }
            Self::IdleLimit => "Nobody used this browser for longer than the idle limit.",
            Self::Rule => {
                "A rule of this site ended the log-on: it was used from another browser or network than it began in."
            }
            Self::ReturningLimit => {
                "This browser did not come back within the time for which visitors are remembered."
            }
            Self::Ceiling => "The session reached its longest life.",
            Self::Unconfirmed => "The browser never sent the session's cookie back.",
            Self::LogOut => "The visitor logged out in this browser.",
            Self::LogOutEverywhere => "The user logged out everywhere, from this or another browser.",
            Self::OtherUser => "Another user logged on in this browser.",
            Self::Revoked => "An administrator ended the session.",
            Self::TooMany => "The user had too many sessions, and this was the oldest.",
            Self::PasswordChanged => "The user's password was changed.",
            Self::UserDisabled => "The user was disabled.",
            Self::Unreadable => "What was stored of the session was damaged and could not be read.",
        }
    }
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Happening {
    /// The session began.
    Began,
    /// A user logged on; the secrets are new.
    LoggedOn {
        /// Who.
        user: UserId,
        /// 1 password, 2 two factors.
        level: u8,
    },
    /// The same user authenticated again; the secrets are new.
    SteppedUp {
        /// 1 password, 2 two factors.
        level: u8,
    },
    /// The log-on ended; the session stayed.
    SteppedDown(Cause),
    /// An app's patch was refused, for the same reason this many times, the newest now.
    PatchRefused {
        /// Which app.
        app: AppId,
        /// Why.
        why: PatchRefused,
        /// How often.
        times: u32,
    },
    /// The session ended.
    Ended(Cause),
}

/// One event of a session's life.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LifeEvent {
    /// When. A fall by a limit has the limit's time, whenever it was noticed.
    pub at: Timestamp,
    /// What.
    pub what: Happening,
}

impl fmt::Display for LifeEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.what {
            Happening::Began => f.write_str("The session began."),
            Happening::LoggedOn { user, level } => write!(f, "User {user} logged on, level {level}."),
            Happening::SteppedUp { level } => write!(f, "The user authenticated again, level {level}."),
            Happening::SteppedDown(cause) => write!(f, "The log-on ended. {}", cause.sentence()),
            Happening::PatchRefused { app, why, times: 1 } => {
                write!(f, "A patch of app {app} was refused: {why}.")
            }
            Happening::PatchRefused { app, why, times } => {
                write!(f, "A patch of app {app} was refused, as {times} have been so far: {why}.")
            }
            Happening::Ended(cause) => write!(f, "The session ended. {}", cause.sentence()),
        }
    }
}

/// The last [`EVENTS_MAX`] events, oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Life(Vec<LifeEvent>);

impl Life {
    /// The events, oldest first.
    pub fn events(&self) -> &[LifeEvent] {
        &self.0
    }

    /// When and why the visitor was last logged out. `None` if a log-on came after it, or there was none.
    pub fn logged_out(&self) -> Option<(Timestamp, Cause)> {
        self.0
            .iter()
            .rev()
            .find_map(|event| match &event.what {
                Happening::SteppedDown(cause) | Happening::Ended(cause) => Some(Some((event.at, *cause))),
                Happening::LoggedOn { .. } | Happening::SteppedUp { .. } | Happening::Began => Some(None),
                Happening::PatchRefused { .. } => None,
            })
            .flatten()
    }

    pub(crate) fn push(&mut self, at: Timestamp, what: Happening) {
        let what = self.merged(what);
        if self.0.len() >= EVENTS_MAX {
            self.0.drain(..=self.0.len() - EVENTS_MAX);
        }
        self.0.push(LifeEvent { at, what });
    }

    /// Counts on where an app repeats itself, and makes room for a new refusal among the refusals.
    fn merged(&mut self, what: Happening) -> Happening {
        let Happening::PatchRefused { app, why, mut times } = what else { return what };
        let same = |event: &LifeEvent| {
            matches!(&event.what, Happening::PatchRefused { app: before, why: reason, .. }
                if *before == app && *reason == why)
        };
        let is_refusal = |event: &LifeEvent| matches!(event.what, Happening::PatchRefused { .. });
        if let Some(at) = self.0.iter().position(same) {
            if let Happening::PatchRefused { times: counted, .. } = self.0.remove(at).what {
                times = counted.saturating_add(times);
            }
        } else if self.0.iter().filter(|event| is_refusal(event)).count() >= REFUSALS_MAX
            && let Some(oldest) = self.0.iter().position(is_refusal)
        {
            self.0.remove(oldest);
        }
        Happening::PatchRefused { app, why, times }
    }
}

/// What stays of an ended session. Nothing late brings the session back, and the reason can be told; and what the
/// IDP could not be told yet can be told again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tombstone {
    /// When it ended.
    pub ended_at: Timestamp,
    /// Why.
    pub cause: Cause,
    /// Tokens of the session up to and including this epoch are dead.
    pub epoch: Epoch,
    /// Who was logged on.
    pub user: Option<UserId>,
    /// Whose the newest log-on was, also when that had ended before.
    pub newest_user: Option<UserId>,
    /// Where the newest log-on came from, also when that had ended before.
    pub sign_on: Option<SignOnId>,
    /// The last events, the end among them.
    pub life: Life,
}

impl Tombstone {
    /// Of a session whose record cannot be read: that it has ended is all there is to say.
    pub fn of_unreadable(now: Timestamp) -> Self {
        let mut life = Life::default();
        life.push(now, Happening::Ended(Cause::Unreadable));
        Self {
            ended_at: now,
            cause: Cause::Unreadable,
            epoch: Epoch::LAST,
            user: None,
            newest_user: None,
            sign_on: None,
            life,
        }
    }

    /// When even this is forgotten.
    pub fn expires_at(&self, limits: &Limits) -> Timestamp {
        self.ended_at + limits.tombstone
    }

    /// As bytes for a store.
    pub fn encode(&self) -> Vec<u8> {
        encoding::encode(self)
    }

    /// From a store's bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, Corrupt> {
        encoding::decode(bytes)
    }
}

#[cfg(test)]
mod tests;
