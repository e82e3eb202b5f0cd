//! The database behind the statements: all or nothing, one state to a reader, faults that heal.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use rusqlite::Connection;

use super::pool::Pool;
use super::{Database, RegistryError, Snapshot, binds};

fn file() -> (tempfile::TempDir, Database) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("test.db");
    std::fs::write(&path, []).unwrap();
    let database = Database::open(&path).unwrap();
    database.write(|tx| tx.batch("CREATE TABLE t (n INTEGER NOT NULL, b BLOB) STRICT"), |_| {}).unwrap();
    (folder, database)
}

fn numbers(snapshot: &Snapshot<'_>) -> Result<Vec<i64>, RegistryError> {
    snapshot.all("SELECT n FROM t ORDER BY n", &[], |row| row.get("n"))
}

fn insert(database: &Database, n: i64) -> Result<usize, RegistryError> {
    database.write(|tx| tx.execute("INSERT INTO t (n) VALUES ($1)", binds![n]), |_| {})
}

#[test]
fn parameters_go_by_their_number_not_by_their_place() {
    let (_folder, database) = file();
    let (first, second) = database
        .read(|snapshot| {
            snapshot.one("SELECT $2 AS second, $1 AS first, $2 AS again", binds!["one", "two"], |row| {
                Ok((row.get::<String>("first")?, row.get::<String>("second")?))
            })
        })
        .unwrap()
        .unwrap();
    assert_eq!((first.as_str(), second.as_str()), ("one", "two"));
}

#[test]
fn a_change_that_fails_or_panics_leaves_nothing_behind() {
    let (_folder, database) = file();
    let failed = database.write(
        |tx| {
            tx.execute("INSERT INTO t (n) VALUES (1)", &[])?;
            Err::<(), _>(RegistryError::Busy)
        },
        |_| panic!("nothing was committed"),
    );
    assert_eq!(failed, Err(RegistryError::Busy));
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        database.write(
            |tx| -> Result<(), RegistryError> {
                tx.execute("INSERT INTO t (n) VALUES (2)", &[])?;
                panic!("in the middle")
            },
            |_| {},
        )
    }));
    assert!(panicked.is_err());
    insert(&database, 3).unwrap();
    assert_eq!(database.read(numbers), Ok(vec![3]));
}

#[test]
fn a_reader_keeps_one_state_while_the_writer_goes_on() {
    let (_folder, database) = file();
    let (before, after) = database
        .read(|snapshot| {
            let before = numbers(snapshot)?;
            insert(&database, 1)?;
            Ok((before, numbers(snapshot)?))
        })
        .unwrap();
    assert_eq!((before, after), (vec![], vec![]));
    assert_eq!(database.read(numbers), Ok(vec![1]));
}

#[test]
fn a_full_disk_stops_writing_but_not_reading_and_heals() {
    let (_folder, database) = file();
    insert(&database, 1).unwrap();
    let limit_pages = |pages: i64| {
        database.writer.lease().unwrap().pragma_update(None, "max_page_count", pages).unwrap();
    };
    limit_pages(1);
    let big = vec![0; 64 * 1024];
    let write = || {
        database.write(|tx| tx.execute("INSERT INTO t (n, b) VALUES (2, $1)", binds![big.as_slice()]), |_| {})
    };
    assert!(matches!(write(), Err(RegistryError::Unavailable(_))));
    assert_eq!(database.read(numbers), Ok(vec![1]));
    limit_pages(1_000_000);
    assert_eq!(write(), Ok(1));
    assert_eq!(database.read(numbers), Ok(vec![1, 2]));
}

#[test]
fn who_waits_too_long_for_a_connection_is_told_that_the_registry_is_busy() {
    let pool = Pool::new(vec![Connection::open_in_memory().unwrap()], Duration::ZERO);
    let held = pool.lease().unwrap();
    assert_eq!(pool.lease().err(), Some(RegistryError::Busy));
    drop(held);
    assert!(pool.lease().is_ok());
}

#[test]
fn a_value_of_the_wrong_kind_is_named_by_its_column_and_not_shown() {
    let (_folder, database) = file();
    let read = database
        .read(|snapshot| snapshot.one("SELECT 'secret' AS digest", &[], |row| row.get::<[u8; 32]>("digest")));
    let Err(RegistryError::Inconsistent(text)) = read else { panic!("a text is no digest") };
    assert!(text.contains("digest") && !text.contains("secret"), "{text}");
}

#[test]
fn readers_cannot_write() {
    let (_folder, database) = file();
    let sql = "INSERT INTO t (n) VALUES (1) RETURNING n";
    assert!(database.read(|snapshot| snapshot.one(sql, &[], |row| row.get::<i64>("n"))).is_err());
}
