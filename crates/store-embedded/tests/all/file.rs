//! The file: its mode, its one holder, and what is said when it cannot be used.

use std::fs::{self, OpenOptions, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::sync::Barrier;
use std::thread;

use redb::{Database, TableDefinition};
use tempfile::TempDir;
use vestibule_domain::identity::{Handle, Timestamp};
use vestibule_ports::session_store::{Record, SessionStore as _, Slot};
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
fn an_empty_file_is_refused_and_a_new_store_leaves_nothing_beside_it() {
    let directory = TempDir::new().unwrap();
    let path = path_in(&directory);
    fs::write(&path, "").unwrap();
    let refused = refusal(&path);
    assert!(refused.to_string().contains("sessions.redb: is empty"), "{refused}");
    fs::remove_file(&path).unwrap();
    drop(EmbeddedStore::open(&Config::new(&path)).expect("a first start"));
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
}

#[test]
fn what_a_crash_left_of_drafts_goes_with_the_next_start_and_nothing_else_does() {
    let directory = TempDir::new().unwrap();
    let path = path_in(&directory);
    drop(EmbeddedStore::open(&Config::new(&path)).unwrap());
    let others = ["sessions.redb.0123456789abcdef.new.bak", "sessions.redb.20261127.new"];
    for name in ["sessions.redb.0123456789abcdef.new"].iter().chain(&others) {
        fs::hard_link(&path, directory.path().join(name)).unwrap();
    }
    drop(EmbeddedStore::open(&Config::new(&path)).unwrap());
    let names = fs::read_dir(directory.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.collect();
    names.sort();
    assert_eq!(names, ["sessions.redb", others[0], others[1]]);
}

/// Each would have a draft of its own, and one of them the name and the lock.
#[test]
fn of_many_first_starts_at_one_instant_one_holds_the_file() {
    let directory = TempDir::new().unwrap();
    let (path, start) = (&path_in(&directory), &Barrier::new(6));
    let stores: Vec<_> = thread::scope(|scope| {
        let open = || {
            start.wait();
            EmbeddedStore::open(&Config::new(path))
        };
        let starts: Vec<_> = std::iter::repeat_with(|| scope.spawn(open)).take(6).collect();
        starts.into_iter().map(|start| start.join().unwrap()).collect()
    });
    assert_eq!(stores.iter().filter(|store| store.is_ok()).count(), 1);
    for refused in stores.iter().filter_map(|store| store.as_ref().err()) {
        assert!(matches!(refused, OpenError::InUse { .. }), "{refused}");
    }
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
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

#[tokio::test]
async fn a_damaged_page_is_told_at_the_start_whichever_it_is() {
    const PAGE: usize = 4096;
    const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);
    let directory = TempDir::new().unwrap();
    let path = path_in(&directory);
    let store = EmbeddedStore::open(&Config::new(&path)).unwrap();
    let handles: Vec<_> = (0..50u8).map(|number| Handle::from_bytes([number; 16])).collect();
    for handle in &handles {
        let expires_at = Timestamp::from_secs(1_900_000_000);
        let record = Record { body: vec![1; 1000].into(), user: Some("u".to_owned()), expires_at };
        store.create(*handle, record).await.unwrap();
    }
    drop(store);
    let whole = fs::read(&path).unwrap();
    let mut refused = 0;
    for at in (0..whole.len()).step_by(PAGE).take_while(|at| whole[*at..].iter().any(|byte| *byte != 0)) {
        let mut damaged = whole.clone();
        for byte in &mut damaged[at..at + PAGE] {
            *byte ^= 0xff;
        }
        fs::write(&path, damaged).unwrap();
        match EmbeddedStore::open(&Config::new(&path)) {
            // Nothing was kept there.
            Ok(store) => {
                for handle in &handles {
                    assert!(matches!(store.get(*handle, NOW).await, Ok(Slot::Live(_))), "page at {at}");
                }
            }
            Err(why) => {
                assert!(matches!(why, OpenError::Unreadable { .. }), "page at {at}: {why}");
                let text = why.to_string();
                assert!(text.contains("sessions.redb: damaged") && text.contains("move it away"), "{text}");
                refused += 1;
            }
        }
    }
    assert!(refused > 10, "{refused}");
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
