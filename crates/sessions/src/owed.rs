//! Ends that the IDP has not confirmed. Each is a record of its own in the store, which every node finds by a key that
//! is no user's, so that nothing is lost with the process that ended the session.

use bytes::Bytes;
use std::time::Duration;

use vestibule_domain::audit::Tombstone;
use vestibule_domain::identity::Handle;
use vestibule_domain::owed::Owed;
use vestibule_ports::session_store::{self as store, Created, FIRST_VERSION, Record, Slot, StoreError};

use crate::deadline;
use crate::sessions::Sessions;

/// What `list_user` finds them by. No user has a colon in his identifier.
const INDEX: &str = "owed:idp";

/// How far the list is read for an entry of unknown outcome.
const LISTED_MAX: usize = 1_024;

/// How long what was confirmed is still known to have been there. Nobody reads it.
const PAID_KEPT: Duration = Duration::from_mins(1);

/// An end that the IDP is to be told of now.
#[derive(Debug, Clone)]
pub struct Due {
    /// To be struck off once it is confirmed.
    pub entry: Handle,
    /// What is owed.
    pub owed: Owed,
    /// What stays of the session.
    pub tombstone: Tombstone,
}

impl<X: Default + Send + Sync> Sessions<X> {
    /// Writes down what will be owed, before the session is ended. `entry` is random and new.
    pub async fn owe(&self, entry: Handle, owed: &Owed) -> Result<(), StoreError> {
        let expires_at = owed.expires_at(&self.limits);
        let record = Record { body: owed.encode().into(), user: Some(INDEX.to_owned()), expires_at };
        match deadline::write(self.store.create(entry, record.clone())).await {
            Ok(Created::Created) => Ok(()),
            // 128 random bits: this is an error in the source of randomness.
            Ok(Created::Exists) => Err(StoreError::Bug("a new handle was taken".to_owned())),
            // An entry that is in no list is never found.
            Err(StoreError::Unknown(why)) if !self.is_listed(entry).await => Err(StoreError::Unknown(why)),
            Err(StoreError::Unknown(why)) => self.resolve(entry, FIRST_VERSION, &record.body, why).await,
            Err(why) => Err(why),
        }
    }

    async fn is_listed(&self, entry: Handle) -> bool {
        let listed = deadline::read(self.store.list_user(INDEX, LISTED_MAX, self.clock.wall()));
        listed.await.is_ok_and(|listed| listed.contains(&entry))
    }

    /// The entries of what is owed, at most `limit`, in no order.
    pub async fn owed(&self, limit: usize) -> Result<Vec<Handle>, StoreError> {
        deadline::read(self.store.list_user(INDEX, limit, self.clock.wall())).await
    }

    /// Strikes off what has been confirmed.
    pub async fn paid(&self, entry: Handle) -> Result<(), StoreError> {
        let now = self.clock.wall();
        let tombstone = store::Tombstone { body: Bytes::new(), expires_at: now + PAID_KEPT };
        deadline::write(self.store.end(entry, None, tombstone, now)).await.map(|_| ())
    }

    /// What an entry says, if the IDP is to be told of it now. What was written down for an end that did not come about
    /// is forgotten here.
    pub async fn due(&self, entry: Handle) -> Result<Option<Due>, StoreError> {
        let now = self.clock.wall();
        let Slot::Live(stored) = deadline::read(self.store.get(entry, now)).await? else { return Ok(None) };
        let corrupt = |why| StoreError::Corrupt(format!("owed end {entry}: {why}"));
        let owed = Owed::decode(&stored.record.body).map_err(corrupt)?;
        match deadline::read(self.store.get(owed.session, now)).await? {
            Slot::Ended(tombstone) => {
                let tombstone = Tombstone::decode(&tombstone.body).map_err(corrupt)?;
                Ok(Some(Due { entry, owed, tombstone }))
            }
            // Its end may still be on its way.
            Slot::Live(_) if !owed.is_void(now) => Ok(None),
            Slot::Live(_) | Slot::Absent => self.paid(entry).await.map(|()| None),
        }
    }
}

#[cfg(test)]
mod tests;
