//! When a write counts as not sent.

use std::io;

use mongodb::bson;
use mongodb::error::{Error, ErrorKind, WriteError, WriteFailure};
use vestibule_ports::session_store::StoreError;

use super::{of_read, of_write};

fn broken(kind: io::ErrorKind) -> Error {
    io::Error::from(kind).into()
}

#[test]
fn a_write_on_a_connection_that_broke_may_have_happened() {
    for kind in [io::ErrorKind::ConnectionReset, io::ErrorKind::UnexpectedEof, io::ErrorKind::TimedOut] {
        assert!(matches!(of_write(&broken(kind)), StoreError::Unknown(_)), "{kind}");
    }
}

#[test]
fn a_write_that_found_no_connection_has_not_happened() {
    let refused = of_write(&broken(io::ErrorKind::ConnectionRefused));
    assert!(matches!(refused, StoreError::Unreachable(_)), "{refused}");
}

fn refused(code: i32) -> Error {
    let error: WriteError =
        bson::deserialize_from_document(bson::doc! { "code": code, "errmsg": "" }).unwrap();
    ErrorKind::Write(WriteFailure::WriteError(error)).into()
}

#[test]
fn a_write_that_was_refused_has_not_happened_only_where_the_code_says_so() {
    for (code, is_certain) in [(121, true), (14_031, true), (6, false), (89, false), (91, false)] {
        let error = of_write(&refused(code));
        assert_eq!(matches!(error, StoreError::Unreachable(_)), is_certain, "{code}: {error}");
        assert_eq!(matches!(error, StoreError::Unknown(_)), !is_certain, "{code}: {error}");
    }
}

#[test]
fn a_read_that_broke_is_an_outage() {
    for kind in [io::ErrorKind::ConnectionReset, io::ErrorKind::ConnectionRefused, io::ErrorKind::TimedOut] {
        assert!(of_read(&broken(kind)).is_outage(), "{kind}");
    }
}
