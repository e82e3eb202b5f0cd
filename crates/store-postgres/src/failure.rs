//! What an error of the driver means: for a write, above all, whether it may have happened.

use std::error::Error as _;
use std::io;

use tokio_postgres::error::SqlState;
use tokio_postgres::{Config, Error};
use vestibule_ports::session_store::StoreError;

use crate::open::OpenError;

/// What a call wants: an error after a write was sent says less than one after a read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Intent {
    /// Nothing changes.
    Read,
    /// Something may have changed.
    Write,
}

/// A statement has failed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The driver's or the server's word.
    Driver(Error),
    /// A row that makes no sense.
    Corrupt(String),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Driver(error)
    }
}

impl Failure {
    /// Whether the connection may serve another call.
    pub(crate) fn spares_the_connection(&self) -> bool {
        match self {
            Self::Corrupt(_) => true,
            Self::Driver(error) => error.code().is_some_and(spares_the_connection),
        }
    }

    /// Whether a write may have happened all the same, or may yet.
    pub(crate) fn leaves_doubt(&self) -> bool {
        match self {
            Self::Corrupt(_) => false,
            Self::Driver(error) => error.code().is_none_or(leaves_doubt),
        }
    }

    pub(crate) fn into_store_error(self, intent: Intent) -> StoreError {
        let doubt = self.leaves_doubt();
        let error = match self {
            Self::Corrupt(why) => return StoreError::Corrupt(why),
            Self::Driver(error) => error,
        };
        let text = describe(&error);
        // A server that ends may do so between our commit and its answer.
        if doubt && intent == Intent::Write {
            return StoreError::Unknown(text);
        }
        // A read; or the server took the transaction back, and said so. A damaged page or index, too, is the server's
        // trouble and no session's end: it is mended there, and then the row can be read.
        StoreError::Unreachable(text)
    }
}

/// Class 57 with P: shutdown, crash, database dropped, idle too long. Class 08: whoever sits between us and the server has
/// lost it, maybe after our commit.
fn ends_the_session(code: &SqlState) -> bool {
    code.code().starts_with("57P") || code.code().starts_with("08")
}

/// The server is ending, has become a standby, or another sits between and has lost our statements.
fn spares_the_connection(code: &SqlState) -> bool {
    let lost = [
        SqlState::READ_ONLY_SQL_TRANSACTION,
        SqlState::INVALID_SQL_STATEMENT_NAME,
        SqlState::FEATURE_NOT_SUPPORTED,
    ];
    !ends_the_session(code) && !lost.contains(code)
}

/// With 40003 the server itself says that it does not know what became of the commit.
fn leaves_doubt(code: &SqlState) -> bool {
    ends_the_session(code) || *code == SqlState::T_R_STATEMENT_COMPLETION_UNKNOWN
}

/// Of a notice, which never comes instead of an answer: the wait for a standby was ended, by a cancel or at a shutdown, and
/// the commit stands. Its text is in the server's language, and our statements give no other warnings.
pub(crate) fn is_unreplicated(code: &SqlState) -> bool {
    *code == SqlState::WARNING || *code == SqlState::ADMIN_SHUTDOWN
}

/// In one line, the cause included. The driver's own text leaves it out.
pub(crate) fn describe(error: &Error) -> String {
    if let Some(refusal) = error.as_db_error() {
        return format!("{} ({})", refusal.message(), refusal.code().code());
    }
    match error.source() {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}

/// Why a connection to this place was not made.
pub(crate) fn of_dial(error: &Error, place: &str, driver: &Config) -> OpenError {
    let (place, why) = (place.to_owned(), describe(error));
    if let Some(code) = error.code() {
        return of_refusal(code, place, why, driver);
    }
    let cause = error.source().and_then(|cause| cause.downcast_ref::<io::Error>()).map(io::Error::kind);
    // The driver keeps its kinds of errors to itself; their texts are all there is.
    match (error.to_string().as_str(), cause) {
        ("error performing TLS handshake", _) => OpenError::Tls { place, why },
        ("error connecting to server", Some(io::ErrorKind::PermissionDenied)) => {
            OpenError::ReadOnly { place }
        }
        ("error connecting to server" | "timeout waiting for server", _)
        | (_, Some(io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe)) => {
            OpenError::Unreachable { place, why }
        }
        ("invalid configuration" | "authentication error", _) => account(place, why, driver),
        _ => OpenError::WrongKind { place, why },
    }
}

fn of_refusal(code: &SqlState, place: String, why: String, driver: &Config) -> OpenError {
    let accounts = [
        SqlState::INVALID_PASSWORD,
        SqlState::INVALID_AUTHORIZATION_SPECIFICATION,
        SqlState::INSUFFICIENT_PRIVILEGE,
    ];
    if accounts.contains(code) {
        account(place, why, driver)
    } else if *code == SqlState::TOO_MANY_CONNECTIONS {
        OpenError::Full { place, why }
    } else if *code == SqlState::INVALID_CATALOG_NAME {
        OpenError::NoDatabase { place, database: driver.get_dbname().unwrap_or_default().to_owned() }
    } else {
        OpenError::Unreachable { place, why }
    }
}

fn account(place: String, why: String, driver: &Config) -> OpenError {
    OpenError::Account { place, user: driver.get_user().unwrap_or_default().to_owned(), why }
}

#[cfg(test)]
mod tests;
