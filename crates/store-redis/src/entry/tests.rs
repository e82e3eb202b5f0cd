//! What is written is read back, and nothing else is.

use super::*;

const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

fn record(user: Option<&str>) -> Record {
    Record { body: Bytes::from_static(b"\0body\xff"), user: user.map(str::to_owned), expires_at: NOW }
}

fn before(time: Timestamp) -> Timestamp {
    Timestamp::from_millis(time.as_millis() - 1)
}

#[test]
fn an_entry_is_read_as_it_was_written() {
    for user in [None, Some(""), Some("alice"), Some("ü\0{x}")] {
        let value = live(7, &record(user)).unwrap();
        let stored = Stored { version: 7, record: record(user), last_seen: None };
        assert_eq!(slot(Some(value.clone()), before(NOW)), Ok(Slot::Live(stored)));
        assert_eq!(slot(Some(value), NOW), Ok(Slot::Absent), "expired");
    }
    let tombstone = Tombstone { body: Bytes::new(), expires_at: NOW };
    assert_eq!(slot(Some(ended(&tombstone)), before(NOW)), Ok(Slot::Ended(tombstone)));
    assert_eq!(slot(None, NOW), Ok(Slot::Absent));
}

#[test]
fn a_user_that_no_head_can_hold_is_refused() {
    assert!(live(1, &record(Some(&"u".repeat(USER_BYTES_MAX)))).is_some());
    assert_eq!(live(1, &record(Some(&"u".repeat(USER_BYTES_MAX + 1)))), None);
}

#[test]
fn whatever_is_cut_off_or_foreign_is_unreadable() {
    let value = live(1, &record(Some("alice"))).unwrap();
    for length in 0..HEAD_BYTES + "alice".len() {
        assert_eq!(slot(Some(value[..length].to_vec()), before(NOW)), Err(Unreadable), "{length} bytes");
    }
    assert_eq!(slot(Some(b"a text that somebody else has put here".to_vec()), NOW), Err(Unreadable));
    assert_eq!(taken(b"short".to_vec(), NOW), Err(Unreadable));
}

#[test]
fn an_attempt_expires_to_the_millisecond() {
    let value = attempt(&Attempt { body: Bytes::from_static(b"a"), expires_at: NOW });
    assert_eq!(taken(value.clone(), before(NOW)), Ok(Some(Bytes::from_static(b"a"))));
    assert_eq!(taken(value, NOW), Ok(None));
}
