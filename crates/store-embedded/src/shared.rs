//! The open file as readers and writer share it. After a failure of the disk the writer closes and reopens it:
//! redb refuses everything from the first failed call on, and a full disk must heal without a restart.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{PoisonError, RwLock, TryLockError};

use redb::Database;
use vestibule_ports::session_store::{Broadcast, Event, StoreError};

use crate::file::{OpenError, Volume};

/// Below this much room on the volume writes are refused. A write that runs out of room fails the open file for
/// readers too; one that is not begun does not.
pub const FREE_BYTES_MIN: u64 = 64 * 1024 * 1024;

pub(crate) struct Shared {
    /// `None` while the file cannot be opened.
    database: RwLock<Option<Database>>,
    failed: AtomicBool,
    volume: Box<dyn Volume>,
    pub(crate) events: Broadcast,
}

impl Shared {
    pub(crate) fn new(volume: Box<dyn Volume>) -> Result<Self, OpenError> {
        let database = RwLock::new(Some(volume.open()?));
        Ok(Self { database, failed: AtomicBool::new(false), volume, events: Broadcast::new() })
    }

    /// Runs a piece of work on the open file, without ever waiting for one that is being reopened.
    pub(crate) fn with<T>(
        &self,
        work: impl FnOnce(&Database) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let database = match self.database.try_read() {
            Ok(database) => database,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => {
                return Err(StoreError::Unreachable("file is being reopened".to_owned()));
            }
        };
        work(database.as_ref().ok_or_else(|| StoreError::Unreachable("file cannot be opened".to_owned()))?)
    }

    /// Notes that the file has failed and has to be reopened. Returns whether that is news.
    pub(crate) fn set_failed(&self) -> bool {
        !self.failed.swap(true, Ordering::AcqRel)
    }

    /// Makes sure that a transaction can begin: there is room, and a file that had failed is reopened.
    /// For the writer, between two transactions.
    pub(crate) fn make_ready(&self) -> Result<(), StoreError> {
        let unreachable = |reason: &dyn ToString| StoreError::Unreachable(reason.to_string());
        if self.volume.free_bytes().map_err(|error| unreachable(&error))? < FREE_BYTES_MIN {
            return Err(unreachable(&"the disk is nearly full"));
        }
        if !self.failed.load(Ordering::Acquire) {
            return Ok(());
        }
        let mut database = self.database.write().unwrap_or_else(PoisonError::into_inner);
        // Closed first: the file admits one opener only.
        *database = None;
        *database = Some(self.volume.open().map_err(|error| unreachable(&error))?);
        self.failed.store(false, Ordering::Release);
        // A commit without an answer may have happened after all.
        self.events.send(Event::Gap);
        Ok(())
    }
}
