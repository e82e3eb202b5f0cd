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
    /// Either of the two from before the newest rise, after its grace, while no secret of that rise has come back: its
    /// answer may never have reached the browser. Opens what the lasting one opens.
    Unmoved,
}

impl Key {
    /// Every key.
    pub const ALL: [Self; 5] = [Self::Vst, Self::Keep, Self::OldVst, Self::OldKeep, Self::Unmoved];

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

    /// Whether it is from before a rise and in its grace: shown what stood then, and nothing written.
    pub fn is_old(self) -> bool {
        matches!(self, Self::OldVst | Self::OldKeep)
    }

    /// Whether it is one of the newest rise.
    pub fn is_newest(self) -> bool {
        matches!(self, Self::Vst | Self::Keep)
    }

    /// Whether it opens the session as the lasting cookie does: never its log-on, nor anything of that.
    pub fn is_lasting(self) -> bool {
        matches!(self, Self::Keep | Self::Unmoved)
    }

    /// The most that it can open.
    pub fn standing_max(self) -> Standing {
        match self {
            Self::Vst | Self::OldVst => Standing::LoggedOn,
            Self::Keep | Self::OldKeep | Self::Unmoved => Standing::Returning,
        }
    }
}
