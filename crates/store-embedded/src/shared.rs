//! The open file as readers and writer share it. After a failure of the disk the writer closes and reopens it:
//! redb refuses everything from the first failed call on, and a full disk must heal without a restart.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{PoisonError, RwLock, TryLockError};

use redb::Database;
use vestibule_ports::session_store::{Broadcast, Event, StoreError};

use crate::file::{OpenError, Volume};
use crate::guard::guard;

/// Below this much room on the volume writes are refused. A write that runs out of room fails the open file for
/// readers too; one that is not begun does not.
pub const FREE_BYTES_MIN: u64 = 64 * 1024 * 1024;

const NEARLY_FULL: &str = "the disk is nearly full: less than 64 MiB are free";

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

    /// Whether the file waits to be reopened.
    pub(crate) fn has_failed(&self) -> bool {
        self.failed.load(Ordering::Acquire)
    }

    /// Makes sure that a transaction can begin: a file that had failed is reopened, and there is room.
    /// For the writer, between two transactions.
    pub(crate) fn make_ready(&self) -> Result<(), StoreError> {
        // First, because readers need it, and no room.
        self.reopen()?;
        if self.volume.free_bytes().map_err(|error| unreachable(&error))? < FREE_BYTES_MIN {
            return Err(unreachable(&NEARLY_FULL));
        }
        Ok(())
    }

    /// Opens a file again that had failed. For the writer, between two transactions.
    pub(crate) fn reopen(&self) -> Result<(), StoreError> {
        if !self.has_failed() {
            return Ok(());
        }
        let mut database = self.database.write().unwrap_or_else(PoisonError::into_inner);
        // Closed first: the file admits one opener only.
        close(&mut database);
        *database = Some(self.volume.reopen().map_err(|error| unreachable(&error))?);
        self.failed.store(false, Ordering::Release);
        // Whoever reads anew because of the event finds it open.
        drop(database);
        // A commit without an answer may have happened after all.
        self.events.send(Event::Gap);
        Ok(())
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        close(self.database.get_mut().unwrap_or_else(PoisonError::into_inner));
    }
}

/// Closing writes too, and so may meet what is damaged; then the next one who opens the file finds it.
fn close(database: &mut Option<Database>) {
    let _damaged = guard(|| *database = None);
}

fn unreachable(reason: &dyn ToString) -> StoreError {
    StoreError::Unreachable(reason.to_string())
}
