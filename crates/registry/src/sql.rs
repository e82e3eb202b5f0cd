//! The one place that knows the database: connections, transactions, parameters, columns.
//! Statements elsewhere are written for both SQLite and PostgreSQL (`$1`, `RETURNING`, `ON CONFLICT`); this file
//! knows only that they are statements. Transactions are serializable: SQLite has one writer.

mod bind;
mod column;
mod pool;

use std::cell::Cell;
use std::ops::Deref;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags, Transaction, TransactionBehavior};

pub(crate) use bind::{Bind, binds};
pub(crate) use column::{Column, Row, column, stored_words};
use pool::Pool;

/// Longest wait for a connection of ours.
pub const CONNECTION_WAIT_MAX: Duration = Duration::from_secs(5);

/// Longest wait for another process that holds the database.
pub const LOCK_WAIT_MAX: Duration = Duration::from_secs(2);

/// Connections that only read.
const READERS: usize = 4;

/// Prepared statements that a connection keeps: more than there are in this crate.
const STATEMENTS_MAX: usize = 256;

/// Why a call has no answer. None says anything about what was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RegistryError {
    /// Everybody waited too long for the database. Nothing has happened; the same call may succeed later.
    #[error("the registry is busy")]
    Busy,
    /// The database cannot be read or written, a full disk for example. Nothing has been committed.
    #[error("the registry is unavailable: {0}")]
    Unavailable(String),
    /// A row that this version cannot read, or a rule of the schema that a call broke: our own mistake.
    #[error("the registry is inconsistent: {0}")]
    Inconsistent(String),
}

impl From<rusqlite::Error> for RegistryError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy,
            Some(ErrorCode::ConstraintViolation | ErrorCode::TypeMismatch | ErrorCode::DatabaseCorrupt) => {
                Self::Inconsistent(error.to_string())
            }
            Some(_) => Self::Unavailable(error.to_string()),
            None => Self::Inconsistent(error.to_string()),
        }
    }
}

/// One state of the database, to be read.
pub(crate) struct Snapshot<'c>(&'c Connection);

impl Snapshot<'_> {
    /// Every row, each through `read`.
    pub(crate) fn all<T>(
        &self,
        sql: &str,
        binds: &[Bind<'_>],
        read: impl Fn(&Row<'_, '_>) -> Result<T, RegistryError>,
    ) -> Result<Vec<T>, RegistryError> {
        let mut statement = self.0.prepare_cached(sql)?;
        for (index, value) in binds.iter().enumerate() {
            // SQLite numbers `$1` by its first appearance, so it is found by its name.
            statement.raw_bind_parameter(format!("${}", index + 1).as_str(), value)?;
        }
        let mut rows = statement.raw_query();
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            found.push(read(&Row::new(row))?);
        }
        Ok(found)
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

impl Tx<'_> {
    /// Changes rows and says how many.
    pub(crate) fn execute(&self, sql: &str, binds: &[Bind<'_>]) -> Result<usize, RegistryError> {
        self.snapshot.all(sql, binds, |_| Ok(()))?;
        Ok(usize::try_from(self.snapshot.0.changes()).unwrap_or(usize::MAX))
    }

    /// Several statements without values: a migration.
    pub(crate) fn batch(&self, sql: &str) -> Result<(), RegistryError> {
        Ok(self.snapshot.0.execute_batch(sql)?)
    }

    /// Notes that this change holds the outbox row `seq`.
    pub(crate) fn announced(&self, seq: u64) {
        self.announced.set(Some(seq));
    }
}

/// The connections.
pub(crate) struct Database {
    writer: Pool,
    /// None in memory, where a second connection would be a second database.
    readers: Option<Pool>,
}

impl Database {
    /// Connects to a file that exists, be it empty.
    pub(crate) fn open(path: &Path) -> Result<Self, RegistryError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connect = || Connection::open_with_flags(path, flags).and_then(prepare);
        let writer = connect()?;
        // The write-ahead log is the reason that readers never wait for the writer.
        let mode: String = writer.pragma_update_and_check(None, "journal_mode", "wal", |row| row.get(0))?;
        if mode != "wal" {
            return Err(RegistryError::Unavailable("the file system allows no write-ahead log".to_owned()));
        }
        let readers = std::iter::repeat_with(|| {
            let reader = connect()?;
            reader.pragma_update(None, "query_only", true)?;
            Ok(reader)
        });
        let readers = readers.take(READERS).collect::<rusqlite::Result<Vec<_>>>()?;
        let pool = |connections| Pool::new(connections, CONNECTION_WAIT_MAX);
        Ok(Self { writer: pool(vec![writer]), readers: Some(pool(readers)) })
    }

    /// An empty database that goes with this value.
    pub(crate) fn in_memory() -> Result<Self, RegistryError> {
        let writer = Connection::open_in_memory().and_then(prepare)?;
        Ok(Self { writer: Pool::new(vec![writer], CONNECTION_WAIT_MAX), readers: None })
    }

    /// Reads one state of the database.
    pub(crate) fn read<T>(
        &self,
        work: impl FnOnce(&Snapshot<'_>) -> Result<T, RegistryError>,
    ) -> Result<T, RegistryError> {
        let mut lease = self.readers.as_ref().unwrap_or(&self.writer).lease()?;
        let transaction = Transaction::new(&mut lease, TransactionBehavior::Deferred)?;
        work(&Snapshot(&transaction))
    }

    /// Runs one change and commits it, unless `work` fails or panics. `committed` is told the newest outbox row of
    /// the change while no later change can have begun, so that it is told them in order.
    pub(crate) fn write<T, E: From<RegistryError>>(
        &self,
        work: impl FnOnce(&Tx<'_>) -> Result<T, E>,
        committed: impl FnOnce(u64),
    ) -> Result<T, E> {
        let mut lease = self.writer.lease()?;
        let transaction = Transaction::new(&mut lease, TransactionBehavior::Immediate);
        let transaction = transaction.map_err(RegistryError::from)?;
        let tx = Tx { snapshot: Snapshot(&transaction), announced: Cell::new(None) };
        let outcome = work(&tx)?;
        let announced = tx.announced.get();
        transaction.commit().map_err(RegistryError::from)?;
        if let Some(seq) = announced {
            committed(seq);
        }
        Ok(outcome)
    }
}

fn prepare(connection: Connection) -> rusqlite::Result<Connection> {
    connection.busy_timeout(LOCK_WAIT_MAX)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    // An acknowledged commit survives the loss of power, not only of the process.
    connection.pragma_update(None, "synchronous", "full")?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    Ok(connection)
}

#[cfg(test)]
mod tests;
