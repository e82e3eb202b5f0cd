//! Grace at a rise: a request that was on its way while the secrets changed is shown, for a few seconds and for
//! reading only, what stood before.
//! Must not know cookies beyond which of the two a secret came in.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::attribute::{Attribute, AttributeName};
use crate::fetch::Method;
use crate::identity::{SecretDigest, Timestamp};
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
}

/// A request that may change something came with the secret from before a rise. It has not reached the app: the
/// browser has the new secret by now and may repeat it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the session has moved to a new secret")]
pub struct SessionMoved;

impl Before {
    pub(crate) fn new(secrets: Secrets, standing: Standing, risen_at: Timestamp) -> Self {
        Self { secrets, risen_at, standing, changed: BTreeMap::new() }
    }

    pub(crate) fn lasts(&self, now: Timestamp, limits: &Limits) -> bool {
        now < self.risen_at + limits.grace
    }

    pub(crate) fn recognise(
        &self,
        cookie: SessionCookie,
        digest: &SecretDigest,
        now: Timestamp,
        limits: &Limits,
    ) -> Option<Key> {
        let opens = self.lasts(now, limits) && self.secrets.of(cookie) == digest;
        opens.then_some(Key::old_of(cookie))
    }

    /// Keeps what an attribute was at the rise; later changes of it are no matter.
    pub(crate) fn remember(&mut self, name: &AttributeName, was: Option<Attribute>) {
        if !self.changed.contains_key(name) {
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

#[cfg(test)]
mod tests;
