//! What opens a session: the two cookies that find it, the digests of their secrets, and which of them matched.
//! Must not know the session.

use serde::{Deserialize, Serialize};

use crate::identity::SecretDigest;
use crate::standing::Standing;

/// One of the two cookies that find a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SessionCookie {
    /// `__Host-vst`, gone with the browser's window. Looked up first.
    Vst,
    /// `__Host-vst-keep`, lasting. Looked up when the other is absent or dead.
    Keep,
}

/// What is stored of the two secrets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Secrets {
    /// Of `__Host-vst`.
    pub vst: SecretDigest,
    /// Of `__Host-vst-keep`.
    pub keep: SecretDigest,
}

impl Secrets {
    /// The digest behind one of the two cookies.
    pub fn of(&self, cookie: SessionCookie) -> &SecretDigest {
        match cookie {
            SessionCookie::Vst => &self.vst,
            SessionCookie::Keep => &self.keep,
        }
    }
}

/// Which secret opened a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Key {
    /// The one of `__Host-vst`.
    Vst,
    /// The one of `__Host-vst-keep`: never more than returning.
    Keep,
    /// The one that `__Host-vst` held before the newest rise.
    OldVst,
    /// The one that `__Host-vst-keep` held before the newest rise.
    OldKeep,
}

impl Key {
    /// Every key.
    pub const ALL: [Self; 4] = [Self::Vst, Self::Keep, Self::OldVst, Self::OldKeep];

    pub(crate) fn of(cookie: SessionCookie) -> Self {
        match cookie {
            SessionCookie::Vst => Self::Vst,
            SessionCookie::Keep => Self::Keep,
        }
    }

    pub(crate) fn old_of(cookie: SessionCookie) -> Self {
        match cookie {
            SessionCookie::Vst => Self::OldVst,
            SessionCookie::Keep => Self::OldKeep,
        }
    }

    /// Whether it is from before a rise: shown what stood then, and nothing written.
    pub fn is_old(self) -> bool {
        matches!(self, Self::OldVst | Self::OldKeep)
    }

    /// The most that it can open.
    pub fn standing_max(self) -> Standing {
        match self {
            Self::Vst | Self::OldVst => Standing::LoggedOn,
            Self::Keep | Self::OldKeep => Standing::Returning,
        }
    }
}
