//! The record: the same over a restart, also one that an older version wrote.

use std::os::unix::fs::PermissionsExt as _;

use super::Record;

#[test]
fn what_was_drawn_once_stays() {
    let dir = tempfile::tempdir().unwrap();
    let first = Record::read_or_draw(dir.path(), 8080).unwrap();
    first.write(dir.path()).unwrap();
    assert!(first.is_new);
    let second = Record::read_or_draw(dir.path(), 8080).unwrap();
    assert!(!second.is_new);
    let text = |record: &Record| serde_json::to_value(record).unwrap();
    assert_eq!(text(&first), text(&second));
    let users = text(&first)["users"].clone();
    assert_ne!(users["alice"]["password"], users["admin"]["password"]);
    for name in ["alice", "admin"] {
        assert_eq!(users[name]["password"].as_str().unwrap().len(), 20, "{name}");
    }
}

#[test]
fn a_record_of_before_there_was_an_administrator_gets_one() {
    let dir = tempfile::tempdir().unwrap();
    let first = Record::read_or_draw(dir.path(), 8080).unwrap();
    let mut old = serde_json::to_value(&first).unwrap();
    old["users"].as_object_mut().unwrap().remove("admin");
    std::fs::write(dir.path().join("demo.json"), old.to_string()).unwrap();
    let read = Record::read_or_draw(dir.path(), 8080).unwrap();
    assert_eq!(read.users.alice.password, first.users.alice.password);
    assert_eq!(read.users.admin.password.len(), 20);
}

#[test]
fn nobody_but_its_owner_may_read_it_whatever_it_was_before() {
    let dir = tempfile::tempdir().unwrap();
    let record = Record::read_or_draw(dir.path(), 8080).unwrap();
    let path = record.write(dir.path()).unwrap();
    let mode = || std::fs::metadata(&path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(), 0o600);
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    Record::read_or_draw(dir.path(), 8080).unwrap().write(dir.path()).unwrap();
    assert_eq!(mode(), 0o600);
    // Nothing else is left beside it that could be read.
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
}
