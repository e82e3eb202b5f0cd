//! SQLite: a file, or nothing but memory. One writer, and readers who wait for nobody.
//! Must not know which statements there are.

use std::path::Path;

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, ErrorCode, OpenFlags, ToSql, Transaction, TransactionBehavior};

use super::pool::Pool;
use super::{Bind, CONNECTION_WAIT_MAX, LOCK_WAIT_MAX, RegistryError, Row, Snapshot, Stored, Tx};

/// Connections that only read.
const READERS: usize = 4;

/// Prepared statements that a connection keeps: more than there are in this crate.
const STATEMENTS_MAX: usize = 256;

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

/// The connections.
pub(crate) struct Sqlite {
    pub(super) writer: Pool<Connection>,
    /// None in memory, where a second connection would be a second database.
    readers: Option<Pool<Connection>>,
}

impl Sqlite {
    /// Connects to a file that exists, be it empty.
    pub(super) fn open(path: &Path) -> Result<Self, RegistryError> {
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
    pub(super) fn in_memory() -> Result<Self, RegistryError> {
        let writer = Connection::open_in_memory().and_then(prepare)?;
        Ok(Self { writer: Pool::new(vec![writer], CONNECTION_WAIT_MAX), readers: None })
    }

    pub(super) fn read<T>(
        &self,
        work: impl FnOnce(&Snapshot<'_>) -> Result<T, RegistryError>,
    ) -> Result<T, RegistryError> {
        let mut lease = self.readers.as_ref().unwrap_or(&self.writer).lease()?;
        let transaction = Transaction::new(&mut lease, TransactionBehavior::Deferred)?;
        work(&Snapshot::Sqlite(&transaction))
    }

    pub(super) fn write<T, E: From<RegistryError>>(
        &self,
        work: impl FnOnce(&Tx<'_>) -> Result<T, E>,
        committed: impl FnOnce(u64),
    ) -> Result<T, E> {
        let mut lease = self.writer.lease()?;
        let transaction = Transaction::new(&mut lease, TransactionBehavior::Immediate);
        let transaction = transaction.map_err(RegistryError::from)?;
        let tx = Tx::on(Snapshot::Sqlite(&transaction));
        let outcome = work(&tx)?;
        let announced = tx.announced.get();
        transaction.commit().map_err(RegistryError::from)?;
        if let Some(seq) = announced {
            committed(seq);
        }
        Ok(outcome)
    }
}

/// Every row, each through `read`.
pub(super) fn all<T>(
    connection: &Connection,
    sql: &str,
    binds: &[Bind<'_>],
    read: impl Fn(&Row<'_, '_>) -> Result<T, RegistryError>,
) -> Result<Vec<T>, RegistryError> {
    let mut statement = connection.prepare_cached(sql)?;
    for (index, value) in binds.iter().enumerate() {
        // SQLite numbers `$1` by its first appearance, so it is found by its name.
        statement.raw_bind_parameter(format!("${}", index + 1).as_str(), value)?;
    }
    let mut rows = statement.raw_query();
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(read(&Row::Sqlite(row))?);
    }
    Ok(found)
}

/// Names of the tables there are, whosever they are.
pub(super) fn tables(snapshot: &Snapshot<'_>) -> Result<Vec<String>, RegistryError> {
    snapshot.all("SELECT name FROM sqlite_schema WHERE type = 'table'", &[], |row| row.get("name"))
}

fn prepare(connection: Connection) -> rusqlite::Result<Connection> {
    connection.busy_timeout(LOCK_WAIT_MAX)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    // An acknowledged commit survives the loss of power, not only of the process.
    connection.pragma_update(None, "synchronous", "full")?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    Ok(connection)
}

impl ToSql for Bind<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match *self {
            Self::Null => ValueRef::Null,
            Self::Integer(number) => ValueRef::Integer(number),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Bytes(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

impl<'r> Stored<'r> {
    /// The value in a column of SQLite's.
    pub(super) fn of_sqlite(value: ValueRef<'r>) -> Self {
        match value {
            ValueRef::Null => Self::Null,
            ValueRef::Integer(number) => Self::Integer(number),
            ValueRef::Text(bytes) => std::str::from_utf8(bytes).map_or(Self::Foreign, Self::Text),
            ValueRef::Blob(bytes) => Self::Bytes(bytes),
            ValueRef::Real(_) => Self::Foreign,
        }
    }
}
