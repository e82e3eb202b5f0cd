//! When a write counts as not sent.

use std::io;

use mongodb::bson;
use mongodb::error::{CommandError, Error, ErrorKind, WriteError, WriteFailure};
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

fn refused_command(code: i32) -> Error {
    let error: CommandError =
        bson::deserialize_from_document(bson::doc! { "code": code, "codeName": "", "errmsg": "" }).unwrap();
    ErrorKind::Command(error).into()
}

/// Our user has lost a right, the disk is full, the server goes down.
#[test]
fn a_command_that_was_refused_is_an_outage_and_leaves_a_write_in_doubt() {
    for code in [13, 14_031, 91] {
        assert!(of_read(&refused_command(code)).is_outage(), "{code}");
        // It may be the answer to the second try.
        assert!(matches!(of_write(&refused_command(code)), StoreError::Unknown(_)), "{code}");
    }
}

#[test]
fn a_read_that_broke_is_an_outage() {
    for kind in [io::ErrorKind::ConnectionReset, io::ErrorKind::ConnectionRefused, io::ErrorKind::TimedOut] {
        assert!(of_read(&broken(kind)).is_outage(), "{kind}");
    }
}
