//! The file: its mode, its one holder, and what is said when it cannot be used.

use std::fs::{self, OpenOptions, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use redb::{Database, TableDefinition};
use tempfile::TempDir;
use vestibule_store_embedded::{Config, EmbeddedStore, FORMAT, OpenError};

fn path_in(directory: &TempDir) -> PathBuf {
    directory.path().join("sessions.redb")
}

fn refusal(path: &PathBuf) -> OpenError {
    EmbeddedStore::open(&Config::new(path)).expect_err("this file cannot be a store")
}

#[test]
fn only_the_owner_can_read_it() {
    let directory = TempDir::new().unwrap();
    let path = path_in(&directory);
    let mode = || fs::metadata(&path).unwrap().permissions().mode() & 0o777;
    drop(EmbeddedStore::open(&Config::new(&path)).unwrap());
    assert_eq!(mode(), 0o600);
    fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
    drop(EmbeddedStore::open(&Config::new(&path)).unwrap());
    assert_eq!(mode(), 0o600, "an older, wider mode is narrowed");
}

#[test]
fn a_second_holder_is_refused_and_told_why() {
    let directory = TempDir::new().unwrap();
    let path = path_in(&directory);
    let holder = EmbeddedStore::open(&Config::new(&path)).unwrap();
    let refused = refusal(&path);
    assert!(matches!(refused, OpenError::InUse { .. }));
    assert!(refused.to_string().contains("sessions.redb: another process holds"), "{refused}");
    drop(holder);
    EmbeddedStore::open(&Config::new(&path)).expect("nobody holds it any more");
}

#[test]
fn a_newer_format_is_refused_and_left_alone() {
    let directory = TempDir::new().unwrap();
    let path = path_in(&directory);
    drop(EmbeddedStore::open(&Config::new(&path)).unwrap());
    let meta: TableDefinition<&str, u64> = TableDefinition::new("meta");
    let database = Database::open(&path).unwrap();
    let transaction = database.begin_write().unwrap();
    transaction.open_table(meta).unwrap().insert("format", FORMAT + 1).unwrap();
    transaction.commit().unwrap();
    drop(database);
    for _ in 0..2 {
        let refused = refusal(&path);
        assert!(matches!(refused, OpenError::Newer { found, .. } if found == FORMAT + 1), "{refused}");
    }
}

#[test]
fn what_is_no_store_is_refused() {
    let directory = TempDir::new().unwrap();
    let path = path_in(&directory);
    fs::write(&path, "not a database, and longer than any magic number that one could begin with").unwrap();
    assert!(matches!(refusal(&path), OpenError::Unreadable { .. }));
    let nowhere = directory.path().join("no/such/directory");
    assert!(matches!(refusal(&nowhere), OpenError::Io { .. }));
}

#[test]
fn a_file_that_was_cut_is_refused() {
    let directory = TempDir::new().unwrap();
    let path = path_in(&directory);
    drop(EmbeddedStore::open(&Config::new(&path)).unwrap());
    let length = fs::metadata(&path).unwrap().len();
    for part in [2, 4, 100] {
        OpenOptions::new().write(true).open(&path).unwrap().set_len(length / part).unwrap();
        assert!(matches!(refusal(&path), OpenError::Unreadable { .. } | OpenError::Io { .. }), "1/{part}");
    }
}
