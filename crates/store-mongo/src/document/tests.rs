//! Documents come back as they were written; damaged ones are noticed, and only they are.

use std::time::Duration;

use mongodb::bson::RawDocumentBuf;

use super::*;

const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

fn handle() -> Handle {
    Handle::from_bytes([7; 16])
}

fn record(user: Option<&str>) -> Record {
    Record {
        body: Bytes::from_static(b"\0\xff"),
        user: user.map(str::to_owned),
        expires_at: NOW + Duration::from_millis(1),
    }
}

fn raw(document: &Document) -> RawDocumentBuf {
    RawDocumentBuf::try_from(document).unwrap()
}

#[test]
fn a_record_is_read_as_it_was_written() {
    for user in [None, Some(""), Some("ü\0")] {
        let written = raw(&first(handle(), &record(user)));
        let stored = Stored { version: FIRST_VERSION, record: record(user), last_seen: None };
        assert_eq!(slot(&written, NOW), Ok(Slot::Live(stored)));
        assert_eq!(slot(&written, NOW + Duration::from_millis(1)), Ok(Slot::Absent));
    }
}

#[test]
fn a_document_without_a_field_or_with_another_kind_of_value_is_corrupt() {
    let whole = first(handle(), &record(Some("alice")));
    for field in [VERSION, BODY, EXPIRES_AT] {
        let mut damaged = whole.clone();
        damaged.remove(field);
        assert!(matches!(slot(&raw(&damaged), NOW), Err(StoreError::Corrupt(_))), "{field} is missing");
    }
    for field in [VERSION, BODY, EXPIRES_AT, USER, SEEN] {
        let mut damaged = whole.clone();
        damaged.insert(field, 1.5);
        assert!(matches!(slot(&raw(&damaged), NOW), Err(StoreError::Corrupt(_))), "{field} is a number");
    }
}

#[test]
fn a_version_that_cannot_be_stored_matches_nothing() {
    assert_eq!(version(7), 7);
    assert_eq!(version(Version::MAX), NO_VERSION);
}
