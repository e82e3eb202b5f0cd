//! Numbered migrations, each applied once, all under the writer's lock. Must not know what the tables are for.

use crate::sql::{RegistryError, Snapshot, Tx, binds};

/// The schema that this version reads and writes.
pub(crate) const SCHEMA_VERSION: i64 = 1;

/// In order; what has been released is never changed.
const SQLITE: [&str; SCHEMA_VERSION as usize] = [include_str!("schema/sqlite_0001.sql")];

/// The same tables in the words of PostgreSQL.
const POSTGRES: [&str; SCHEMA_VERSION as usize] = [include_str!("schema/postgres_0001.sql")];

/// Why a database is left as it is.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotMigrated {
    /// A newer version has migrated it to this schema.
    #[error("schema {0} is newer than this version")]
    Newer(i64),
    /// It has tables that are not ours.
    #[error("tables of another program")]
    Foreign,
    /// It cannot be read or written.
    #[error(transparent)]
    Registry(#[from] RegistryError),
}

/// Brings the schema up to date.
pub(crate) fn migrate(tx: &Tx<'_>) -> Result<(), NotMigrated> {
    let found = version(tx)?;
    if found > SCHEMA_VERSION {
        return Err(NotMigrated::Newer(found));
    }
    if found == SCHEMA_VERSION {
        return Ok(());
    }
    let migrations = match **tx {
        Snapshot::Sqlite(_) => SQLITE,
        Snapshot::Postgres(_) => POSTGRES,
    };
    for (number, migration) in (1..).zip(migrations) {
        if number > found {
            tx.batch(migration)?;
        }
    }
    tx.execute("UPDATE schema_version SET version = $1", binds![SCHEMA_VERSION])?;
    Ok(())
}

/// The version found, 0 for an empty database.
fn version(tx: &Tx<'_>) -> Result<i64, NotMigrated> {
    let tables = tx.tables()?;
    if tables.is_empty() {
        tx.batch(match **tx {
            Snapshot::Sqlite(_) => "CREATE TABLE schema_version (version INTEGER NOT NULL) STRICT",
            Snapshot::Postgres(_) => "CREATE TABLE schema_version (version BIGINT NOT NULL)",
        })?;
        tx.batch("INSERT INTO schema_version (version) VALUES (0)")?;
    } else if !tables.contains(&"schema_version".to_owned()) {
        return Err(NotMigrated::Foreign);
    }
    let found = tx.one("SELECT version FROM schema_version", &[], |row| row.get("version"))?;
    found.ok_or(NotMigrated::Foreign)
}
