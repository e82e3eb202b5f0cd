//! The record of one visitor's browser. Only this crate changes one, by the transitions of `rise` and `patch`; all
//! others read it through a judged view.
//! Must not know where it is kept; its handle and its last-seen time are kept beside it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use vestibule_oauth::token::GrantToken;

use crate::attribute::{Attribute, AttributeName};
use crate::audit::{Cause, Happening, Life};
use crate::claims::Claims;
use crate::encoding::{self, Corrupt};
use crate::grace::Before;
use crate::identity::{AppId, Epoch, SessionSecret, SignOnId, SiteId, Timestamp, UserId, VisitorId};
use crate::key::{Key, Secrets, SessionCookie};
use crate::limits::Limits;
use crate::patch_refused::PatchRefused;
use crate::rule::Footing;

/// A log-on of a user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogOn {
    /// Who.
    pub user: UserId,
    /// What the IDP gives JPTs for.
    #[serde(with = "grant_text")]
    pub grant: GrantToken,
    /// When the credentials were given, by the IDP's clock and never later than `risen_at`.
    pub auth_time: Timestamp,
    /// When the session rose.
    pub risen_at: Timestamp,
    /// 1 password, 2 two factors.
    pub level: u8,
    /// The IDP's own end of the log-on.
    pub ends_at: Timestamp,
    /// The IDP's session that it came from.
    pub sign_on: SignOnId,
    /// What the IDP said of the user then. A newer token brings newer ones.
    pub claims: Claims,
    /// Whether an app had asked for it.
    pub asked: bool,
}

/// What the record says of the visitor. Whether a log-on still stands is for `judge` to say.
// Stored: `encoding` says how it may change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Stage {
    /// Nobody has logged on yet.
    Returning,
    LoggedOn(LogOn),
    /// A log-on has ended and the session stayed. A log-out still has to end the sign-on session that it came from.
    Fallen {
        user: UserId,
        sign_on: SignOnId,
    },
    /// A log-on that rules watch. Written only where there are rules.
    Watched {
        log_on: LogOn,
        began: Footing,
    },
}

/// The record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    pub(crate) site: SiteId,
    pub(crate) visitor: VisitorId,
    pub(crate) epoch: Epoch,
    pub(crate) secrets: Secrets,
    pub(crate) before: Option<Before>,
    /// When the record began.
    pub(crate) created_at: Timestamp,
    /// Where the ceiling counts from: creation, or the newest log-on.
    pub(crate) born_at: Timestamp,
    /// Whether its cookie has come back.
    pub(crate) confirmed: bool,
    pub(crate) stage: Stage,
    pub(crate) attributes: BTreeMap<AttributeName, Attribute>,
    pub(crate) life: Life,
}

impl Session {
    /// The site it belongs to.
    pub fn site(&self) -> &SiteId {
        &self.site
    }

    /// Its visitor.
    pub fn visitor(&self) -> VisitorId {
        self.visitor
    }

    /// Its epoch.
    pub fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// When it began, or its newest log-on did.
    pub fn born_at(&self) -> Timestamp {
        self.born_at
    }

    /// The last events.
    pub fn life(&self) -> &Life {
        &self.life
    }

    /// The log-on in the record, whether or not it still stands.
    pub fn log_on(&self) -> Option<&LogOn> {
        match &self.stage {
            Stage::LoggedOn(log_on) | Stage::Watched { log_on, .. } => Some(log_on),
            Stage::Returning | Stage::Fallen { .. } => None,
        }
    }

    /// Where the log-on began, if rules watch it.
    pub(crate) fn footing(&self) -> Option<&Footing> {
        match &self.stage {
            Stage::Watched { began, .. } => Some(began),
            Stage::LoggedOn(_) | Stage::Returning | Stage::Fallen { .. } => None,
        }
    }

    /// Whether it holds a log-on that the same session did not hold before.
    pub fn has_risen_since(&self, before: &Self) -> bool {
        let grant = |session: &Self| session.log_on().map(|log_on| log_on.grant.digest());
        grant(self).is_some_and(|grant_now| grant(before) != Some(grant_now))
    }

    /// Whether the log-on that the same session held before, or the tokens it had, have ended by a fall.
    pub fn has_fallen_since(&self, before: &Self) -> bool {
        (before.log_on().is_some() && self.log_on().is_none()) || self.epoch != before.epoch
    }

    /// The IDP's session that the newest log-on came from, whether or not that still stands.
    pub fn sign_on(&self) -> Option<&SignOnId> {
        match &self.stage {
            Stage::LoggedOn(log_on) | Stage::Watched { log_on, .. } => Some(&log_on.sign_on),
            Stage::Fallen { sign_on, .. } => Some(sign_on),
            Stage::Returning => None,
        }
    }

    /// The user of the newest log-on, whether or not that still stands: whom the index of users finds it by.
    pub fn newest_user(&self) -> Option<&UserId> {
        match &self.stage {
            Stage::LoggedOn(log_on) | Stage::Watched { log_on, .. } => Some(&log_on.user),
            Stage::Fallen { user, .. } => Some(user),
            Stage::Returning => None,
        }
    }

    /// What this secret opens, if anything: now's secrets, and those from before a rise for a moment longer, or until
    /// one of now's has come back. The record of another site opens to none. `None` from a copy proves nothing: read the store itself and ask again.
    pub fn recognise(
        &self,
        site: &SiteId,
        cookie: SessionCookie,
        secret: &SessionSecret,
        now: Timestamp,
        limits: &Limits,
    ) -> Option<Key> {
        if *site != self.site {
            return None;
        }
        let digest = secret.digest();
        if *self.secrets.of(cookie) == digest {
            return Some(Key::of(cookie));
        }
        self.before.as_ref()?.recognise(cookie, &digest, now, limits)
    }

    /// When the record is of no use any more, whatever its last-seen time: the store's backstop.
    pub fn expires_at(&self, limits: &Limits) -> Timestamp {
        let ceiling = self.born_at + limits.ceiling;
        if self.confirmed { ceiling } else { ceiling.min(self.created_at + limits.unconfirmed) }
    }

    /// Notes that a patch was refused. The only change that no visitor notices.
    #[must_use]
    pub fn with_refusal(mut self, app: AppId, why: PatchRefused, now: Timestamp) -> Self {
        self.life.push(now, Happening::PatchRefused { app, why, times: 1 });
        self
    }

    /// As bytes for a store.
    pub fn encode(&self) -> Vec<u8> {
        encoding::encode(self)
    }

    /// From a store's bytes. On an error this session is invalid and no other.
    pub fn decode(bytes: &[u8]) -> Result<Self, Corrupt> {
        encoding::decode(bytes)
    }

    /// Ends the log-on and keeps what survives it.
    pub(crate) fn fall(&mut self, at: Timestamp, cause: Cause) {
        if let Some(log_on) = self.log_on() {
            self.stage = Stage::Fallen { user: log_on.user.clone(), sign_on: log_on.sign_on.clone() };
            self.forget_private();
            self.life.push(at, Happening::SteppedDown(cause));
        }
    }

    pub(crate) fn forget_private(&mut self) {
        self.attributes.retain(|_, attribute| !attribute.private);
        self.before = self.before.take().and_then(Before::without_log_on);
    }
}

/// The grant as its text: the record is its only place besides the IDP's answer.
mod grant_text {
    use serde::{Deserialize, Deserializer, Serializer, de};
    use vestibule_oauth::token::GrantToken;

    pub(super) fn serialize<S: Serializer>(grant: &GrantToken, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(grant.expose())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<GrantToken, D::Error> {
        GrantToken::parse(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests;
