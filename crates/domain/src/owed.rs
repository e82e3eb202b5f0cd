//! What the IDP has to be told of an end: written down before the session's own end, and kept until the IDP has
//! confirmed it and nothing is left behind, so that no moment of a crash loses it. The session's tombstone says the rest.
//! Must not know who tells the IDP, or when it is tried again.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::encoding::{self, Corrupt};
use crate::identity::{Epoch, GrantDigest, Handle, SignOnId, Timestamp};
use crate::limits::Limits;

/// By when the write of an end, or of a fall, that was begun has happened or never will.
pub const SETTLED_AFTER: Duration = Duration::from_mins(1);

/// How far an end goes at the IDP. Each goes as far as those before it.
// Stored: `encoding` says how it may change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Reach {
    /// The session's own tokens.
    Session,
    /// The sign-on session of the newest log-on, and every log-on that came from it.
    SignOn,
    /// Everything of the user who was logged on.
    User,
}

/// What has yet to end.
// Stored: `encoding` says how it may change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Debt {
    /// At the IDP: a session, this far. Its tombstone says who was logged on and where that came from.
    Session(Handle, Reach),
    /// At the IDP: the grant of a log-on that no session has got.
    Grant(GrantDigest),
    /// What this session's end has left behind on other sites. The IDP has confirmed the end itself and need not be told
    /// again.
    Siblings(Handle, Reach),
    /// At the IDP: what came from the log-in of a log-on that has broken a rule. Its session stays and says nothing of it
    /// any more once somebody logs on again.
    Fall {
        /// Which.
        session: Handle,
        /// The epoch that it falls from.
        epoch: Epoch,
        /// The sign-on session.
        sign_on: SignOnId,
    },
}

/// An end that the IDP has not confirmed yet, or that has left something behind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owed {
    /// What.
    pub what: Debt,
    /// When it was written down: right before the session was to end, or to fall.
    pub since: Timestamp,
}

impl Owed {
    /// Whether an end, or a fall, that is not to be seen yet never was.
    pub fn is_void(&self, now: Timestamp) -> bool {
        now >= self.since + SETTLED_AFTER
    }

    /// When it is given up: the tombstone is forgotten then, and everything it could end is long over.
    pub fn expires_at(&self, limits: &Limits) -> Timestamp {
        self.since + limits.tombstone
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
