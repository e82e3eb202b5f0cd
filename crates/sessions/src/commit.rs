//! Writing a session: one compare-and-set a commit, tried again on the newest version when another came first.

use std::sync::Arc;

use bytes::Bytes;
use vestibule_domain::audit::Tombstone;
use vestibule_domain::identity::Handle;
use vestibule_domain::judge::Source;
use vestibule_domain::session::Session;
use vestibule_ports::session_store::{
    self as store, Created, Ended, FIRST_VERSION, Record, Slot, StoreError, Updated, Version,
};

use crate::deadline::Deadline;
use crate::known::Known;
use crate::record;
use crate::sessions::{Found, Sessions};

/// How often a change is applied anew because another commit came first.
pub const CONFLICTS_MAX: usize = 5;

/// Sessions that share a turn: commits of one session go one after the other, and seldom wait for another's.
const TURNS: usize = 4_096;

/// How far the list of a user is read for a session of unknown outcome.
const LISTED_MAX: usize = 1_024;

/// A turn for each group of sessions.
pub(crate) fn turns() -> Box<[tokio::sync::Mutex<()>]> {
    (0..TURNS).map(|_| tokio::sync::Mutex::default()).collect()
}

/// What became of a change.
#[derive(Debug)]
pub enum Committed {
    /// Saved under this version.
    Saved {
        /// The version.
        version: Version,
        /// What was saved.
        session: Box<Session>,
    },
    /// The change did not want to change anything; nothing was written.
    Unchanged,
    /// Absent, expired or ended: dropped, and nothing comes back.
    Gone,
}

/// What became of an end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finished {
    /// Ended by this call, in exactly the version that this tombstone was made from.
    Ended(Box<Tombstone>),
    /// It was not to end; nothing was written.
    Spared,
    /// Absent, expired or ended before.
    Gone,
}

/// Why a change saves nothing this time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoChange {
    /// There is nothing to change, or it is refused.
    Nothing,
    /// By this copy it cannot be decided: try on what the store has.
    ReadAgain,
}

/// Why a write has failed. The visitor's cookies stay as they are.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CommitError {
    /// The store failed; `StoreError::Unknown` says that the write may have been committed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Others came first, every time.
    #[error("gave up after {CONFLICTS_MAX} conflicts")]
    Conflicts,
}

impl<X: Default + Send + Sync> Sessions<X> {
    /// Handles are random, so two of their bytes spread them evenly.
    fn turn(&self, handle: Handle) -> &tokio::sync::Mutex<()> {
        let [first, second, ..] = *handle.as_bytes();
        &self.turns[usize::from(u16::from_be_bytes([first, second])) % TURNS]
    }

    /// Saves a new session.
    pub async fn create(
        &self,
        handle: Handle,
        session: &Session,
        deadline: Deadline,
    ) -> Result<Created, StoreError> {
        self.create_record(handle, record::record(session, &self.limits), deadline).await
    }

    pub(crate) async fn create_record(
        &self,
        handle: Handle,
        record: Record,
        deadline: Deadline,
    ) -> Result<Created, StoreError> {
        let created = deadline.write(self.store.create(handle, record.clone())).await;
        self.cache.invalidate(handle, None);
        match created {
            Err(StoreError::Unknown(why)) => {
                self.resolve(handle, FIRST_VERSION, &record, why, deadline).await.map(|()| Created::Created)
            }
            answer => answer,
        }
    }

    /// Applies a change to the newest version and saves the result. `change` is called again on each newer version;
    /// a refusal that it finds has to leave by what it captures.
    pub async fn commit(
        &self,
        handle: Handle,
        change: impl FnMut(&Known<X>, Source) -> Result<Session, NoChange> + Send,
    ) -> Result<Committed, CommitError> {
        self.commit_by(handle, self.deadline(), change).await
    }

    /// `commit` under a deadline that has begun.
    pub async fn commit_by(
        &self,
        handle: Handle,
        deadline: Deadline,
        mut change: impl FnMut(&Known<X>, Source) -> Result<Session, NoChange> + Send,
    ) -> Result<Committed, CommitError> {
        let turn = self.turn(handle);
        let _turn = deadline.read(async { Ok(turn.lock().await) }).await?;
        let mut found = self.get_by(handle, deadline).await?;
        for _ in 0..=CONFLICTS_MAX {
            let (base, source) = match &found {
                Found::Live(base, source) => (base, *source),
                Found::Gone => return Ok(Committed::Gone),
                Found::Stale { .. } => {
                    return Err(StoreError::Unreachable("only a stale copy is at hand".to_owned()).into());
                }
            };
            match change(base, source) {
                Err(NoChange::Nothing) => return Ok(Committed::Unchanged),
                Err(NoChange::ReadAgain) => {}
                Ok(session) => match self.update(handle, base.version, &session, deadline).await? {
                    Updated::Updated(version) => {
                        return Ok(Committed::Saved { version, session: Box::new(session) });
                    }
                    Updated::Gone => return Ok(Committed::Gone),
                    Updated::Conflict => {}
                },
            }
            found = self.get_fresh_by(handle, deadline).await?;
        }
        Err(CommitError::Conflicts)
    }

    /// Ends a session for good, in exactly the version that `decide` has seen, as the store has it now. On each newer
    /// version it decides anew; `None` spares the session. Once this returns `Ended` or `Gone`, no node finds it.
    pub async fn end(
        &self,
        handle: Handle,
        decide: impl FnMut(&Known<X>) -> Option<Tombstone> + Send,
    ) -> Result<Finished, CommitError> {
        self.end_by(handle, self.deadline(), None, decide).await
    }

    /// `end` under a deadline that has begun. It decides on `known` first, if there is one: if the store still has that very
    /// version it need not be read again.
    pub async fn end_by(
        &self,
        handle: Handle,
        deadline: Deadline,
        mut known: Option<Arc<Known<X>>>,
        mut decide: impl FnMut(&Known<X>) -> Option<Tombstone> + Send,
    ) -> Result<Finished, CommitError> {
        let turn = self.turn(handle);
        let _turn = deadline.read(async { Ok(turn.lock().await) }).await?;
        for _ in 0..=CONFLICTS_MAX {
            let known = match known.take() {
                Some(known) => known,
                None => match self.get_fresh_by(handle, deadline).await? {
                    Found::Live(known, _) => known,
                    Found::Gone => return self.confirm_gone(handle, deadline).await,
                    Found::Stale { .. } => {
                        return Err(StoreError::Unreachable("only a stale copy is at hand".to_owned()).into());
                    }
                },
            };
            let Some(tombstone) = decide(&known) else { return Ok(Finished::Spared) };
            match self.bury(handle, known.version, &tombstone, deadline).await? {
                Ended::Ended => return Ok(Finished::Ended(Box::new(tombstone))),
                Ended::Already | Ended::Absent => return Ok(Finished::Gone),
                Ended::Conflict => {}
            }
        }
        Err(CommitError::Conflicts)
    }

    /// Ends a session whose record is damaged, so that every node calls it ended and the audit says why. What cannot be
    /// ended now opens to nobody either.
    pub async fn end_unreadable(&self, handle: Handle, deadline: Deadline) -> Result<(), StoreError> {
        let now = self.clock.wall();
        let tombstone = record::tombstone(&Tombstone::of_unreadable(now), &self.limits);
        // No version: the store itself may be unable to read it.
        let ended = deadline.last_write(self.store.end(handle, None, tombstone, now)).await;
        self.cache.invalidate(handle, None);
        self.news.send_replace(());
        ended.map(|_| ())
    }

    async fn bury(
        &self,
        handle: Handle,
        expect: Version,
        tombstone: &Tombstone,
        deadline: Deadline,
    ) -> Result<Ended, StoreError> {
        let tombstone = record::tombstone(tombstone, &self.limits);
        let end = self.store.end(handle, Some(expect), tombstone.clone(), self.clock.wall());
        let ended = deadline.write(end).await;
        // Before it is acknowledged, and after an unknown outcome too.
        self.cache.invalidate(handle, None);
        self.news.send_replace(());
        match ended {
            // Ending it again says whether it is as safe as an end has to be, which reading it back need not; and it ends
            // nothing else, being guarded by the same version.
            Err(StoreError::Unknown(_)) => {
                let again = self.store.end(handle, Some(expect), tombstone.clone(), self.clock.wall());
                match deadline.write(again).await {
                    Ok(Ended::Already) => self.whose_end(handle, &tombstone, deadline).await,
                    Err(StoreError::Unknown(_)) if self.store.capabilities().reading_proves => {
                        self.whose_end(handle, &tombstone, deadline).await
                    }
                    answer => answer,
                }
            }
            answer => answer,
        }
    }

    /// Whether a session has ended, and by this tombstone.
    async fn whose_end(
        &self,
        handle: Handle,
        ours: &store::Tombstone,
        deadline: Deadline,
    ) -> Result<Ended, StoreError> {
        match deadline.read(self.store.get(handle, self.clock.wall())).await {
            Ok(Slot::Ended(found)) if found == *ours => Ok(Ended::Ended),
            Ok(Slot::Ended(_)) => Ok(Ended::Already),
            Ok(Slot::Live(_) | Slot::Absent) => Err(StoreError::Unknown("the end is not there".to_owned())),
            Err(why) => Err(StoreError::Unknown(why.to_string())),
        }
    }

    /// What reads as gone may have ended by a write that a failover could still undo. Ending it again is told `Already`
    /// only when it is safe; there is nothing that this tombstone could replace.
    async fn confirm_gone(&self, handle: Handle, deadline: Deadline) -> Result<Finished, CommitError> {
        let now = self.clock.wall();
        let nothing = store::Tombstone { body: Bytes::new(), expires_at: now + self.limits.tombstone };
        deadline.last_write(self.store.end(handle, None, nothing, now)).await?;
        Ok(Finished::Gone)
    }

    async fn update(
        &self,
        handle: Handle,
        expect: Version,
        session: &Session,
        deadline: Deadline,
    ) -> Result<Updated, StoreError> {
        self.update_record(handle, expect, record::record(session, &self.limits), deadline).await
    }

    pub(crate) async fn update_record(
        &self,
        handle: Handle,
        expect: Version,
        record: Record,
        deadline: Deadline,
    ) -> Result<Updated, StoreError> {
        let update = self.store.update(handle, expect, record.clone(), self.clock.wall());
        let updated = deadline.write(update).await;
        self.cache.invalidate(handle, None);
        match updated {
            Err(StoreError::Unknown(why)) => {
                let version = expect + 1;
                let resolved = self.resolve(handle, version, &record, why, deadline);
                resolved.await.map(|()| Updated::Updated(version))
            }
            answer => answer,
        }
    }

    /// Looks whether a write of unknown outcome is there: this version with this body was written by nobody else. Where
    /// finding it would prove nothing, the outcome stays unknown.
    async fn resolve(
        &self,
        handle: Handle,
        version: Version,
        record: &Record,
        why: String,
        deadline: Deadline,
    ) -> Result<(), StoreError> {
        if !self.store.capabilities().reading_proves {
            return Err(StoreError::Unknown(why));
        }
        let found = deadline.read(self.store.get(handle, self.clock.wall()));
        let is_there = matches!(found.await, Ok(Slot::Live(stored))
            if stored.version == version && stored.record.body == record.body);
        // On some stores the list of a user's sessions is written beside the session, and may be what is missing.
        if is_there && self.is_listed(handle, record.user.as_deref(), deadline).await {
            return Ok(());
        }
        Err(StoreError::Unknown(why))
    }

    async fn is_listed(&self, handle: Handle, user: Option<&str>, deadline: Deadline) -> bool {
        let Some(user) = user else { return true };
        let listed = deadline.read(self.store.list_user(user, LISTED_MAX, self.clock.wall()));
        listed.await.is_ok_and(|listed| listed.contains(&handle))
    }
}

#[cfg(test)]
mod tests;
