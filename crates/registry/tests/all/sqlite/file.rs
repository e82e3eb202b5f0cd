//! The file: for its owner only, refused when it is not ours to use.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Barrier;
use std::thread;

use rusqlite::Connection;
use vestibule_registry::{Caps, OpenError, Registry};

use super::fixture::furnish;

fn open(path: &Path) -> Result<Registry, OpenError> {
    Registry::open(path, Caps::default())
}

#[test]
fn the_file_and_its_logs_are_readable_by_their_owner_only() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("registry.db");
    drop(open(&path).unwrap());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left of its beginnings");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).unwrap();
    let _registry = furnish(open(&path).unwrap());
    let modes: Vec<_> = fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().metadata().unwrap().permissions().mode() & 0o777)
        .collect();
    assert_eq!(modes, [0o600; 3], "the database, its log and the log's index");
}

/// Each would have a draft of its own, and one of them the name.
#[test]
fn of_many_first_starts_at_one_instant_one_file_remains() {
    let folder = tempfile::tempdir().unwrap();
    let (path, start) = (&folder.path().join("registry.db"), &Barrier::new(6));
    let registries: Vec<_> = thread::scope(|scope| {
        let start = || {
            start.wait();
            open(path).unwrap()
        };
        let starts: Vec<_> = std::iter::repeat_with(|| scope.spawn(start)).take(6).collect();
        starts.into_iter().map(|start| start.join().unwrap()).collect()
    });
    let registry = furnish(open(path).unwrap());
    for other in registries {
        assert_eq!(other.users(None).unwrap(), registry.users(None).unwrap());
    }
    drop(registry);
    assert_eq!(names_in(folder.path()), ["registry.db"]);
}

/// The place would take the file, but nothing that is longer by a draft's end and a log's.
#[test]
fn nothing_is_left_of_a_file_that_could_not_be_begun() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("r".repeat(255 - ".0123456789abcdef.new".len()));
    assert!(matches!(open(&path), Err(OpenError::Unusable { .. })), "SQLite says no, not the file system");
    assert_eq!(names_in(folder.path()), [] as [String; 0]);
}

#[test]
fn what_a_crash_left_of_drafts_goes_with_the_next_start_and_nothing_else_does() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("registry.db");
    drop(furnish(open(&path).unwrap()));
    let left = ["registry.db.0123456789abcdef.new", "registry.db.fedcba9876543210.new-wal"];
    let others =
        ["other.db.0123456789abcdef.new", "registry.db.0123456789abcdef.new.bak", "registry.db.20261127.new"];
    for name in left.iter().chain(&others) {
        fs::hard_link(&path, folder.path().join(name)).unwrap();
    }
    drop(open(&path).unwrap());
    assert_eq!(names_in(folder.path()), [others[0], "registry.db", others[1], others[2]]);
}

fn names_in(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.collect();
    names.sort();
    names
}

#[test]
fn an_empty_file_is_refused_and_stays() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("registry.db");
    fs::write(&path, []).unwrap();
    let refused = open(&path).unwrap_err();
    assert!(refused.to_string().contains("registry.db: is empty"), "{refused}");
    assert_eq!(fs::metadata(&path).unwrap().len(), 0);
}

#[test]
fn a_file_of_a_newer_version_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("registry.db");
    drop(furnish(open(&path).unwrap()));
    let other = Connection::open(&path).unwrap();
    other.execute("UPDATE schema_version SET version = 99", []).unwrap();
    let refused = open(&path).unwrap_err();
    assert!(matches!(refused, OpenError::Newer { found: 99, .. }));
    let text = refused.to_string();
    assert!(text.contains("registry.db: schema 99") && text.contains("start the newer version"), "{text}");
    let version: i64 = other.query_row("SELECT version FROM schema_version", [], |row| row.get(0)).unwrap();
    assert_eq!(version, 99);
}

#[test]
fn the_database_of_another_program_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("other.db");
    let other = Connection::open(&path).unwrap();
    other.execute("CREATE TABLE photos (id INTEGER)", []).unwrap();
    assert!(matches!(open(&path), Err(OpenError::Foreign { .. })));
    let tables: i64 = other.query_row("SELECT COUNT(*) FROM sqlite_schema", [], |row| row.get(0)).unwrap();
    assert_eq!(tables, 1);
}

#[test]
fn what_is_no_database_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("letter.txt");
    let letter = "Dear Sir or Madam, ".repeat(100);
    fs::write(&path, &letter).unwrap();
    assert!(matches!(open(&path), Err(OpenError::Unusable { .. })));
    assert_eq!(fs::read_to_string(&path).unwrap(), letter);
}

#[test]
fn a_folder_that_is_not_there_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("missing").join("registry.db");
    let refused = open(&path).unwrap_err();
    assert!(matches!(refused, OpenError::Io { .. }));
    assert!(refused.to_string().contains("missing/registry.db"), "{refused}");
}

#[test]
fn a_file_that_another_process_holds_is_said_to_be_locked() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("registry.db");
    drop(furnish(open(&path).unwrap()));
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    assert!(matches!(open(&path), Err(OpenError::Locked { .. })));
    other.execute_batch("ROLLBACK").unwrap();
    assert!(open(&path).is_ok());
}
