//! The one place that knows the databases: connections, transactions, parameters, columns. Statements elsewhere are
//! written for both SQLite and PostgreSQL (`$1`, `RETURNING`, `ON CONFLICT`); this file knows only that they are
//! statements. Changes run one after another on both: SQLite has one writer, PostgreSQL one lock for writers.

mod bind;
mod column;
mod pool;
pub(crate) mod postgres;
mod sqlite;

use std::cell::Cell;
use std::ops::Deref;
use std::path::Path;
use std::time::Duration;

use rusqlite::Connection;

pub(crate) use bind::{Bind, binds};
pub(crate) use column::{Column, Row, Stored, column, stored_words};
use postgres::{Postgres, Session};
use sqlite::Sqlite;

/// Longest wait for a connection of ours.
pub const CONNECTION_WAIT_MAX: Duration = Duration::from_secs(5);

/// Longest wait for another process that holds the database.
pub const LOCK_WAIT_MAX: Duration = Duration::from_secs(2);

/// Why a call has no answer. None says anything about what was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RegistryError {
    /// Everybody waited too long for the database. Nothing has happened; the same call may succeed later.
    #[error("the registry is busy")]
    Busy,
    /// The database cannot be read or written, a full disk for example, or cannot be reached. Nothing has been
    /// committed, unless a server went away in the very moment of a commit: then nobody knows.
    #[error("the registry is unavailable: {0}")]
    Unavailable(String),
    /// A row that this version cannot read, or a rule of the schema that a call broke: our own mistake.
    #[error("the registry is inconsistent: {0}")]
    Inconsistent(String),
}

/// One state of the database, to be read.
pub(crate) enum Snapshot<'c> {
    /// In a transaction of SQLite.
    Sqlite(&'c Connection),
    /// In a transaction of PostgreSQL.
    Postgres(&'c Session),
}

impl Snapshot<'_> {
    /// Every row, each through `read`.
    pub(crate) fn all<T>(
        &self,
        sql: &str,
        binds: &[Bind<'_>],
        read: impl Fn(&Row<'_, '_>) -> Result<T, RegistryError>,
    ) -> Result<Vec<T>, RegistryError> {
        match self {
            Self::Sqlite(connection) => sqlite::all(connection, sql, binds, read),
            Self::Postgres(session) => {
                session.rows(sql, binds)?.iter().map(|row| read(&Row::Postgres(row))).collect()
            }
        }
    }

    /// The only row there can be.
    pub(crate) fn one<T>(
        &self,
        sql: &str,
        binds: &[Bind<'_>],
        read: impl Fn(&Row<'_, '_>) -> Result<T, RegistryError>,
    ) -> Result<Option<T>, RegistryError> {
        Ok(self.all(sql, binds, read)?.pop())
    }

    /// Whether there is any row.
    pub(crate) fn any(&self, sql: &str, binds: &[Bind<'_>]) -> Result<bool, RegistryError> {
        Ok(self.one(sql, binds, |_| Ok(()))?.is_some())
    }

    /// Names of the tables that stand where ours should, whosever they are.
    pub(crate) fn tables(&self) -> Result<Vec<String>, RegistryError> {
        match self {
            Self::Sqlite(_) => sqlite::tables(self),
            Self::Postgres(_) => postgres::tables(self),
        }
    }
}

/// One change, all of it or nothing.
pub(crate) struct Tx<'c> {
    snapshot: Snapshot<'c>,
    announced: Cell<Option<u64>>,
}

impl<'c> Deref for Tx<'c> {
    type Target = Snapshot<'c>;

    fn deref(&self) -> &Snapshot<'c> {
        &self.snapshot
    }
}

impl<'c> Tx<'c> {
    fn on(snapshot: Snapshot<'c>) -> Self {
        Self { snapshot, announced: Cell::new(None) }
    }

    /// Changes rows and says how many.
    pub(crate) fn execute(&self, sql: &str, binds: &[Bind<'_>]) -> Result<usize, RegistryError> {
        match &self.snapshot {
            Snapshot::Sqlite(connection) => {
                self.snapshot.all(sql, binds, |_| Ok(()))?;
                Ok(usize::try_from(connection.changes()).unwrap_or(usize::MAX))
            }
            Snapshot::Postgres(session) => session.execute(sql, binds),
        }
    }

    /// Several statements without values: a migration.
    pub(crate) fn batch(&self, sql: &str) -> Result<(), RegistryError> {
        match &self.snapshot {
            Snapshot::Sqlite(connection) => Ok(connection.execute_batch(sql)?),
            Snapshot::Postgres(session) => session.batch(sql),
        }
    }

    /// Notes that this change holds the outbox row `seq`.
    pub(crate) fn announced(&self, seq: u64) {
        self.announced.set(Some(seq));
    }
}

/// Which database, and the connections to it.
pub(crate) enum Database {
    Sqlite(Sqlite),
    Postgres(Postgres),
}

impl Database {
    /// Connects to a file that exists, be it empty.
    pub(crate) fn open(path: &Path) -> Result<Self, RegistryError> {
        Sqlite::open(path).map(Self::Sqlite)
    }

    /// An empty database that goes with this value.
    pub(crate) fn in_memory() -> Result<Self, RegistryError> {
        Sqlite::in_memory().map(Self::Sqlite)
    }

    /// Makes the place where the tables stand, if it needs one.
    pub(crate) fn prepare(&self, tx: &Tx<'_>) -> Result<(), RegistryError> {
        match self {
            Self::Sqlite(_) => Ok(()),
            Self::Postgres(postgres) => postgres.make_schema(tx),
        }
    }

    /// Reads one state of the database.
    pub(crate) fn read<T>(
        &self,
        work: impl FnOnce(&Snapshot<'_>) -> Result<T, RegistryError>,
    ) -> Result<T, RegistryError> {
        match self {
            Self::Sqlite(sqlite) => sqlite.read(work),
            Self::Postgres(postgres) => postgres.read(work),
        }
    }

    /// Runs one change and commits it, unless `work` fails or panics. `committed` is told the newest outbox row of
    /// the change.
    pub(crate) fn write<T, E: From<RegistryError>>(
        &self,
        work: impl FnOnce(&Tx<'_>) -> Result<T, E>,
        committed: impl FnOnce(u64),
    ) -> Result<T, E> {
        match self {
            Self::Sqlite(sqlite) => sqlite.write(work, committed),
            Self::Postgres(postgres) => postgres.write(work, committed),
        }
    }
}

#[cfg(test)]
mod tests;
