//! Families of refresh tokens: rotation, reuse, and how long each kind of client goes on (RFC 6749 6, RFC 9700 4.14).
//! Must not know tokens' texts or where families are kept.

use std::time::Duration;

use crate::identity::Timestamp;
use crate::limits::Limits;
use crate::standing::Standing;

/// Default life of a third party's family, whatever happens.
pub const THIRD_PARTY_LIFE: Duration = Duration::from_hours(30 * 24);

/// Whose family it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Party {
    /// A client of the house: steps down like a session.
    First {
        /// Whether the client has scopes for returning visitors.
        returns: bool,
    },
    /// Anyone else's: consented to, and over at a fixed time.
    Third {
        /// From the first token on.
        life: Duration,
    },
}

/// A family: everything that came from one authorization.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Family {
    /// Whose.
    pub party: Party,
    /// When its first token was issued.
    pub born_at: Timestamp,
    /// When the credentials were given.
    pub auth_time: Timestamp,
    /// When its newest token was issued.
    pub rotated_at: Timestamp,
    /// Whether it has ended.
    pub ended: bool,
}

/// Which token of its family was presented.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Generation {
    /// The newest.
    Current,
    /// The one before it.
    Previous,
    /// Any other that once was.
    Older,
}

/// What a refresh gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refreshed {
    /// A new token; the presented one is used up.
    Rotated {
        /// What an access token is worth now.
        standing: Standing,
    },
    /// The very reply that the same token got when it was used up: that is still on its way, or just there.
    Repeated {
        /// What an access token is worth now.
        standing: Standing,
    },
}

/// No refresh (`invalid_grant`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RefreshRefused {
    /// A token that was used up: someone has a copy. The whole family ends.
    #[error("the token was used before")]
    Reused,
    /// The family has ended.
    #[error("the family has ended")]
    Ended,
    /// The family has lived its time.
    #[error("the family is over")]
    Over,
}

/// Which came first: the request, or the moment at which the token that it presents was used up. Known by order alone,
/// never by times: two machines' clocks differ, and one clock's smallest step is long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrival {
    /// The request. Two of one client may be on their way at once, and the later one is no thief.
    BeforeUse,
    /// The use; or nobody knows.
    AfterUse,
}

/// Decides about a refresh.
pub fn refresh(
    family: &Family,
    presented: Generation,
    arrival: Arrival,
    now: Timestamp,
    limits: &Limits,
) -> Result<Refreshed, RefreshRefused> {
    if family.ended {
        return Err(RefreshRefused::Ended);
    }
    let standing = standing(family, now, limits).ok_or(RefreshRefused::Over)?;
    match presented {
        Generation::Current => Ok(Refreshed::Rotated { standing }),
        Generation::Previous if arrival == Arrival::BeforeUse => Ok(Refreshed::Repeated { standing }),
        Generation::Previous | Generation::Older => Err(RefreshRefused::Reused),
    }
}

/// What the family is worth now; `None` when it is over.
pub fn standing(family: &Family, now: Timestamp, limits: &Limits) -> Option<Standing> {
    match family.party {
        Party::Third { life } => (now < family.born_at + life).then_some(Standing::LoggedOn),
        Party::First { .. } if now < family.auth_time + limits.log_on => Some(Standing::LoggedOn),
        Party::First { returns } => {
            let lives = now < family.rotated_at + limits.returning && now < family.born_at + limits.ceiling;
            (returns && lives).then_some(Standing::Returning)
        }
    }
}

#[cfg(test)]
mod tests;
