//! Lives and subjects of the tokens we mint, and when a cached one is good enough.
//! Must not know how a token is signed or fetched.

use std::time::Duration;

use vestibule_oauth::token::GrantToken;

use crate::identity::{Timestamp, UserId, VisitorId};
use crate::judge::View;
use crate::standing::Standing;

/// Longest life of a JPT and of a JWT.
pub const LIFE_MAX: Duration = Duration::from_mins(10);

/// The least that a token handed out has left.
pub const LEFT_MIN: Duration = Duration::from_secs(30);

/// How long a request waits for a new token, where the cached one is near its end.
pub const WAIT_MAX: Duration = Duration::from_millis(300);

/// The one tolerance between clocks: for `nbf` and `iat`, and for tokens of others. `exp` of our own is exact.
pub const SKEW: Duration = Duration::from_secs(30);

/// When a JPT ends that is minted now; `log_on_ends_at` where it is for a user.
pub fn jpt_expires_at(now: Timestamp, log_on_ends_at: Option<Timestamp>) -> Timestamp {
    let longest = now + LIFE_MAX;
    log_on_ends_at.map_or(longest, |end| end.min(longest))
}

/// When a JWT ends that is minted now for a token that ends then.
pub fn jwt_expires_at(now: Timestamp, cause_expires_at: Timestamp) -> Timestamp {
    cause_expires_at.min(now + LIFE_MAX)
}

/// Whether a cached JWT may still be handed out: with enough left, unless what it was minted for ends as soon.
pub fn may_hand_out_jwt(expires_at: Timestamp, cause_expires_at: Timestamp, now: Timestamp) -> bool {
    now < expires_at && (expires_at.since(now) >= LEFT_MIN || expires_at >= cause_expires_at)
}

/// What to do with a cached JPT.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cached {
    /// Use it.
    Use,
    /// Use it, and fetch a new one in the background.
    UseAndRenew,
    /// Wait for a new one, at most [`WAIT_MAX`]; if none comes, use it.
    WaitOrUse,
    /// Wait for a new one, at most [`WAIT_MAX`]; if none comes, there is none.
    Wait,
}

/// Decides for a JPT by its life: renewed from half of it, waited for in its last fifth.
pub fn cached_jpt(minted_at: Timestamp, expires_at: Timestamp, now: Timestamp) -> Cached {
    let (life, left) = (expires_at.since(minted_at), expires_at.since(now));
    if left.is_zero() {
        Cached::Wait
    } else if left * 2 > life {
        Cached::Use
    } else if left * 5 >= life {
        Cached::UseAndRenew
    } else if left >= LEFT_MIN {
        Cached::WaitOrUse
    } else {
        Cached::Wait
    }
}

/// Whether an app can do without a JPT.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Need {
    /// It cannot: without one the request is refused.
    Required,
    /// It can: the request goes on without one, marked as degraded.
    Wanted,
}

impl Need {
    /// The default of a route that requires this standing.
    pub fn of_route(requires: Standing) -> Self {
        if requires > Standing::Anonymous { Self::Required } else { Self::Wanted }
    }
}

/// For whom the JPT of a request is minted.
#[derive(Debug, Clone, Copy)]
pub enum Bearer<'s> {
    /// Everyone on the site of whom nothing is known; one token for all.
    Anonymous,
    /// A visitor without a user. A remembered user is never in a token.
    Returning(VisitorId),
    /// A user, by grant: the proxy cannot name one.
    LoggedOn(&'s GrantToken, VisitorId),
}

impl<'s> Bearer<'s> {
    /// Of a request's view; `None` is an anonymous visitor. During grace there is no user, whatever the standing.
    pub fn of(view: Option<&View<'s>>) -> Self {
        match view {
            None => Self::Anonymous,
            Some(view) => match view.log_on() {
                Some(log_on) => Self::LoggedOn(&log_on.grant, view.visitor()),
                None => Self::Returning(view.visitor()),
            },
        }
    }
}

/// Whom a JPT or a JWT is about.
#[derive(Debug, Clone, Copy)]
pub enum Subject<'a> {
    /// Nobody in particular: the site's anonymous client.
    Anonymous {
        /// Its client identifier.
        client: &'a str,
    },
    /// A visitor.
    Returning(VisitorId),
    /// A user.
    LoggedOn(&'a UserId),
}

impl Subject<'_> {
    /// The claim `sub`. A user's has no colon, so it is never a visitor's.
    pub fn sub(&self) -> String {
        match self {
            Self::Anonymous { client } => (*client).to_owned(),
            Self::Returning(visitor) => format!("v:{visitor}"),
            Self::LoggedOn(user) => user.to_string(),
        }
    }
}

#[cfg(test)]
mod tests;
