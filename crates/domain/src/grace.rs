//! Grace at a rise: a request that was on its way while the secrets changed is shown, for a few seconds and for
//! reading only, what stood before. After that the secrets from before end, unless none of the new ones has come back:
//! the answer with the new ones may be lost.
//! Must not know cookies beyond which of the two a secret came in.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::attribute::{Attribute, AttributeName};
use crate::fetch::Method;
use crate::identity::{SecretDigest, Timestamp};
use crate::judge::View;
use crate::key::{Key, Secrets, SessionCookie};
use crate::limits::Limits;
use crate::standing::Standing;

/// What stood before the newest rise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Before {
    secrets: Secrets,
    risen_at: Timestamp,
    pub(crate) standing: Standing,
    /// Attributes that have changed since, as they were: `None` for one that was not there. A rise itself changes
    /// none, so this is mostly empty.
    changed: BTreeMap<AttributeName, Option<Attribute>>,
    /// Whether the browser has moved: a secret of the rise has come back.
    moved: bool,
}

/// A request that may change something came with the secret from before a rise. It has not reached the app: the
/// browser has the new secret by now and may repeat it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the session has moved to a new secret")]
pub struct SessionMoved;

impl Before {
    pub(crate) fn new(secrets: Secrets, standing: Standing, risen_at: Timestamp) -> Self {
        Self { secrets, risen_at, standing, changed: BTreeMap::new(), moved: false }
    }

    pub(crate) fn lasts(&self, now: Timestamp, limits: &Limits) -> bool {
        now < self.risen_at + limits.grace
    }

    pub(crate) fn secrets(&self) -> Secrets {
        self.secrets
    }

    pub(crate) fn has_moved(&self) -> bool {
        self.moved
    }

    pub(crate) fn recognise(
        &self,
        cookie: SessionCookie,
        digest: &SecretDigest,
        now: Timestamp,
        limits: &Limits,
    ) -> Option<Key> {
        if self.secrets.of(cookie) != digest {
            None
        } else if self.lasts(now, limits) {
            Some(Key::old_of(cookie))
        } else {
            (!self.moved).then_some(Key::Unmoved)
        }
    }

    /// Notes that a secret of the rise has come back.
    pub(crate) fn note_return(&mut self) {
        self.moved = true;
    }

    /// What is kept of it from now on: within the grace all, after it the secrets while they may be all that the
    /// browser has.
    pub(crate) fn kept(self, now: Timestamp, limits: &Limits) -> Option<Self> {
        if self.lasts(now, limits) {
            return Some(self);
        }
        (!self.moved).then(|| Self { changed: BTreeMap::new(), ..self })
    }

    /// What is kept of it when the log-on has ended: nothing of that, nor of an earlier one.
    pub(crate) fn without_log_on(mut self) -> Option<Self> {
        self.changed.retain(|_, was| was.as_ref().is_none_or(|was| !was.private));
        self.standing = self.standing.min(Standing::Returning);
        (!self.moved).then_some(self)
    }

    /// Keeps what an attribute was at the rise; later changes of it are no matter, nor is any after the grace.
    pub(crate) fn remember(
        &mut self,
        name: &AttributeName,
        was: Option<Attribute>,
        now: Timestamp,
        limits: &Limits,
    ) {
        if self.lasts(now, limits) && !self.changed.contains_key(name) {
            self.changed.insert(name.clone(), was);
        }
    }

    /// The attribute as it was, where `now` is how the record has it.
    pub(crate) fn attribute<'s>(
        &'s self,
        name: &AttributeName,
        now: Option<&'s Attribute>,
    ) -> Option<&'s Attribute> {
        self.changed.get(name).map_or(now, Option::as_ref)
    }
}

/// Whether a request with this key may go on to the app.
pub fn check(key: Key, method: Method) -> Result<(), SessionMoved> {
    if key.is_old() && !method.is_read() { Err(SessionMoved) } else { Ok(()) }
}

/// Whether a log-in that began then comes back with a secret from before a rise that had happened by then. The browser did
/// not get the newer ones, so whatever it is shown next it would ask for another log-in, and so on in a circle.
pub fn is_stranded(view: &View<'_>, begun_at: Timestamp) -> bool {
    let risen_at = view.session().before.as_ref().map(|before| before.risen_at);
    view.key().is_old() && risen_at.is_some_and(|risen_at| risen_at < begun_at)
}

#[cfg(test)]
mod tests;
