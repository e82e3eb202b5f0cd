//! Ends that the IDP has not confirmed, or that have left something behind. Each is a record of its own in the store,
//! which every node finds by a key that is no user's, so that nothing is lost with the process that ended the session.

use bytes::Bytes;
use std::time::Duration;

use vestibule_domain::audit::Tombstone;
use vestibule_domain::identity::{Handle, Timestamp};
use vestibule_domain::owed::{Debt, Owed, Reach};
use vestibule_ports::session_store::{self as store, Created, FIRST_VERSION, Record, Slot, StoreError};

use crate::deadline::Deadline;
use crate::record;
use crate::sessions::Sessions;

/// What `list_user` finds them by. No user has a colon in his identifier.
const INDEX: &str = "owed:idp";

/// How long what was struck off is still known to have been there. Nobody reads it.
const PAID_KEPT: Duration = Duration::from_mins(1);

/// Something that has yet to end, and can now.
#[derive(Debug, Clone)]
pub struct Due {
    /// To be struck off once it has ended.
    pub entry: Handle,
    /// What is owed.
    pub owed: Owed,
    /// What stays of the session, where it is one.
    pub tombstone: Option<Tombstone>,
}

impl<X: Default + Send + Sync> Sessions<X> {
    /// Writes down what will be owed, before the session ends or falls. `entry` is random and new.
    pub async fn owe(&self, entry: Handle, owed: &Owed, deadline: Deadline) -> Result<(), StoreError> {
        match self.create_record(entry, self.entry(owed), deadline).await? {
            Created::Created => Ok(()),
            // 128 random bits: this is an error in the source of randomness.
            Created::Exists => Err(StoreError::Bug("a new handle was taken".to_owned())),
        }
    }

    /// The entries of what is owed, at most `limit`, in no order.
    pub async fn owed(&self, limit: usize) -> Result<Vec<Handle>, StoreError> {
        self.deadline().read(self.store.list_user(INDEX, limit, self.clock.wall())).await
    }

    fn entry(&self, owed: &Owed) -> Record {
        let expires_at = owed.expires_at(&self.limits);
        Record { body: owed.encode().into(), user: Some(INDEX.to_owned()), expires_at }
    }

    /// Writes into a session's entry, in one step, that the IDP has confirmed its end, so that no node tells it again: what
    /// is still owed is only what the session has left behind.
    pub async fn confirm(
        &self,
        entry: Handle,
        session: Handle,
        reach: Reach,
        since: Timestamp,
    ) -> Result<(), StoreError> {
        let confirmed = self.entry(&Owed { what: Debt::Siblings(session, reach), since });
        // This is all that an entry is ever changed by: in another version it says so already, and a struck-off one says
        // even more.
        self.update_record(entry, FIRST_VERSION, confirmed, self.deadline()).await.map(|_| ())
    }

    /// Strikes off what has ended.
    pub async fn paid(&self, entry: Handle) -> Result<(), StoreError> {
        let now = self.clock.wall();
        let tombstone = store::Tombstone { body: Bytes::new(), expires_at: now + PAID_KEPT };
        self.deadline().last_write(self.store.end(entry, None, tombstone, now)).await.map(|_| ())
    }

    /// What an entry says, if there is anything to do for it now: not before its end, or its fall, is known to have come
    /// about. One that has not come about by the time that a write takes never will, and is forgotten here.
    pub async fn due(&self, entry: Handle) -> Result<Option<Due>, StoreError> {
        let (now, deadline) = (self.clock.wall(), self.deadline());
        let Slot::Live(stored) = deadline.read(self.store.get(entry, now)).await? else { return Ok(None) };
        let corrupt = |why| StoreError::Corrupt(format!("owed end {entry}: {why}"));
        let owed = Owed::decode(&stored.record.body).map_err(corrupt)?;
        let (session, fell_from) = match &owed.what {
            Debt::Grant(_) => return Ok(Some(Due { entry, owed, tombstone: None })),
            Debt::Session(session, _) | Debt::Siblings(session, _) => (*session, None),
            Debt::Fall { session, epoch, .. } => (*session, Some(*epoch)),
        };
        let (tombstone, has_come) = match deadline.read(self.store.get(session, now)).await? {
            Slot::Ended(stone) => {
                let stone = Tombstone::decode(&stone.body).map_err(corrupt)?;
                // What ended before it fell has not fallen.
                let has_come = fell_from.is_none_or(|epoch| stone.epoch != epoch);
                (Some(stone), has_come)
            }
            Slot::Live(stored) => {
                let has_fallen =
                    |epoch| record::session(session, &stored.record).map(|it| it.epoch() != epoch);
                let has_come = fell_from.map(has_fallen).transpose()? == Some(true);
                if !has_come && !owed.is_void(now) {
                    // It may still be on its way.
                    return Ok(None);
                }
                (None, has_come)
            }
            Slot::Absent => (None, false),
        };
        if has_come {
            Ok(Some(Due { entry, owed, tombstone }))
        } else {
            self.paid(entry).await.map(|()| None)
        }
    }
}

#[cfg(test)]
mod tests;
