//! Browsers that have logged a user in before, by the hash of a random cookie.
//! Must not know what being known is good for.

use vestibule_domain::identity::{Timestamp, UserId};

use crate::credential::Digest;
use crate::registry::Registry;
use crate::sql::{RegistryError, Tx, binds};

/// A browser to be remembered.
#[derive(Debug, Clone, Copy)]
pub struct Device<'a> {
    /// Of the cookie's value.
    pub digest: &'a Digest,
    /// Until when, unless it logs in again.
    pub expires_at: Timestamp,
}

impl Registry {
    /// Whether this browser has logged this user in before.
    pub fn is_known_device(
        &self,
        user: &UserId,
        digest: &Digest,
        now: Timestamp,
    ) -> Result<bool, RegistryError> {
        self.read(|snapshot| {
            snapshot.any(
                "SELECT digest FROM devices WHERE user_id = $1 AND digest = $2 AND expires_at > $3",
                binds![user, digest, now],
            )
        })
    }
}

/// Remembers a browser of a user and forgets those seen longest ago beyond `cap`.
pub(crate) fn remember(
    tx: &Tx<'_>,
    user: &UserId,
    device: &Device<'_>,
    now: Timestamp,
    cap: u32,
) -> Result<(), RegistryError> {
    tx.execute("DELETE FROM devices WHERE user_id = $1 AND digest = $2", binds![user, device.digest])?;
    tx.execute(
        "DELETE FROM devices WHERE user_id = $1 AND digest NOT IN \
         (SELECT digest FROM devices WHERE user_id = $1 ORDER BY seen_at DESC, digest LIMIT $2)",
        binds![user, cap.saturating_sub(1)],
    )?;
    tx.execute(
        "INSERT INTO devices (user_id, digest, seen_at, expires_at) VALUES ($1, $2, $3, $4)",
        binds![user, device.digest, now, device.expires_at],
    )?;
    Ok(())
}
