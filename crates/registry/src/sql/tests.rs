//! The databases behind the statements: all or nothing, one state to a reader, faults that heal. On both of them.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use rusqlite::Connection;
use vestibule_testkit::patience::{PATIENCE, Patience};
use vestibule_testkit::server::postgres::{Postgres as TestServer, SUPERUSER};

use super::pool::Pool;
use super::postgres::{Postgres, Server};
use super::{Database, RegistryError, Snapshot, binds};

static SERVER: LazyLock<TestServer> = LazyLock::new(|| TestServer::start_with(&["fsync=off"]));

static NEXT: AtomicU32 = AtomicU32::new(0);

fn file() -> (tempfile::TempDir, Database) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("test.db");
    std::fs::write(&path, []).unwrap();
    let database = Database::open(&path).unwrap();
    database.write(|tx| tx.batch("CREATE TABLE t (n INTEGER NOT NULL, b BLOB) STRICT"), |_| {}).unwrap();
    (folder, database)
}

fn server() -> Database {
    let schema = format!("test_{}", NEXT.fetch_add(1, Ordering::Relaxed));
    let server = Server { schema, ..Server::at(&SERVER.url(SUPERUSER, "postgres")) };
    let database = Database::Postgres(Postgres::connect(&server).unwrap());
    let table = |tx: &super::Tx<'_>| {
        database.prepare(tx)?;
        tx.batch("CREATE TABLE t (n BIGINT NOT NULL, b BYTEA)")
    };
    database.write(table, |_| {}).unwrap();
    database
}

fn on_both(test: impl Fn(&Database)) {
    let (_folder, file) = file();
    test(&file);
    test(&server());
}

fn numbers(snapshot: &Snapshot<'_>) -> Result<Vec<i64>, RegistryError> {
    snapshot.all("SELECT n FROM t ORDER BY n", &[], |row| row.get("n"))
}

fn insert(database: &Database, n: i64) -> Result<usize, RegistryError> {
    database.write(|tx| tx.execute("INSERT INTO t (n) VALUES ($1)", binds![n]), |_| {})
}

#[test]
fn parameters_go_by_their_number_not_by_their_place() {
    on_both(parameters_go_by_their_number);
}

fn parameters_go_by_their_number(database: &Database) {
    let (first, second) = database
        .read(|snapshot| {
            snapshot.one(
                "SELECT $2 AS second, $1 AS first, $2 AS again WHERE $1 <> ''",
                binds!["one", "two"],
                |row| Ok((row.get::<String>("first")?, row.get::<String>("second")?)),
            )
        })
        .unwrap()
        .unwrap();
    assert_eq!((first.as_str(), second.as_str()), ("one", "two"));
}

#[test]
fn a_change_that_fails_or_panics_leaves_nothing_behind() {
    on_both(fails_or_panics);
}

fn fails_or_panics(database: &Database) {
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
    insert(database, 3).unwrap();
    assert_eq!(database.read(numbers), Ok(vec![3]));
}

#[test]
fn a_reader_keeps_one_state_while_the_writer_goes_on() {
    on_both(keeps_one_state);
}

fn keeps_one_state(database: &Database) {
    let (before, after) = database
        .read(|snapshot| {
            let before = numbers(snapshot)?;
            insert(database, 1)?;
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
        let Database::Sqlite(sqlite) = &database else { panic!("it is a file") };
        sqlite.writer.lease().unwrap().pragma_update(None, "max_page_count", pages).unwrap();
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
fn connections_are_lent_in_the_order_in_which_they_were_asked_for() {
    let pool = Pool::new(vec![Vec::new()], Duration::from_mins(1));
    let use_it = |name: &'static str| pool.lease().unwrap().push(name);
    thread::scope(|scope| {
        let mut held = pool.lease().unwrap();
        held.push("first");
        for (waiting, name) in [(1, "second"), (2, "third")] {
            scope.spawn(move || use_it(name));
            let patience = Patience::new(PATIENCE);
            while pool.waiting() < waiting {
                assert!(!patience.left().is_zero(), "{name} does not ask");
                thread::yield_now();
            }
        }
        // Whoever comes back at once has been served before.
        drop(held);
        use_it("first again");
    });
    assert_eq!(*pool.lease().unwrap(), ["first", "second", "third", "first again"]);
}

#[test]
fn a_value_of_the_wrong_kind_is_named_by_its_column_and_not_shown() {
    on_both(|database| {
        let read = database.read(|snapshot| {
            snapshot.one("SELECT 'secret' AS digest", &[], |row| row.get::<[u8; 32]>("digest"))
        });
        let Err(RegistryError::Inconsistent(text)) = read else { panic!("a text is no digest") };
        assert!(text.contains("digest") && !text.contains("secret"), "{text}");
    });
}

#[test]
fn readers_cannot_write() {
    on_both(|database| {
        let sql = "INSERT INTO t (n) VALUES (1) RETURNING n";
        assert!(database.read(|snapshot| snapshot.one(sql, &[], |row| row.get::<i64>("n"))).is_err());
        assert_eq!(database.read(numbers), Ok(vec![]));
    });
}

/// PostgreSQL answers a commit after a fault with a rollback that it calls no error.
#[test]
fn a_change_that_swallows_a_fault_is_not_said_to_be_committed() {
    let database = server();
    let swallowed = database.write(
        |tx| {
            let _fault = tx.execute("INSERT INTO t (n) VALUES (NULL)", &[]);
            Ok::<_, RegistryError>(())
        },
        |_| panic!("nothing was committed"),
    );
    assert!(matches!(swallowed, Err(RegistryError::Inconsistent(_))), "{swallowed:?}");
    assert_eq!(insert(&database, 1), Ok(1));
    assert_eq!(database.read(numbers), Ok(vec![1]));
}

/// A task whose share of time is used up would otherwise wait for ever.
#[test]
fn a_task_may_ask_as_often_as_it_likes() {
    let database = server();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        for n in 1..=300 {
            insert(&database, n).unwrap();
        }
    });
    assert_eq!(database.read(numbers).unwrap().len(), 300);
}

#[test]
fn a_changes_count_is_that_of_the_rows_it_changed() {
    on_both(|database| {
        insert(database, 1).unwrap();
        insert(database, 2).unwrap();
        let changed = |sql: &str| database.write(|tx| tx.execute(sql, &[]), |_| {});
        assert_eq!(changed("UPDATE t SET n = n + 1"), Ok(2));
        assert_eq!(changed("DELETE FROM t WHERE n > 2"), Ok(1));
        assert_eq!(changed("DELETE FROM t WHERE n > 2"), Ok(0));
    });
}
