//! What an error of the driver means for a call: could the write have happened?

use std::io;

use mongodb::error::{Error, ErrorKind, SYSTEM_OVERLOADED_ERROR, WriteFailure};
use vestibule_ports::session_store::StoreError;

/// Codes of the server, as its `error_codes.yml` has them.
pub(crate) mod code {
    pub(crate) const UNAUTHORIZED: i32 = 13;
    pub(crate) const AUTHENTICATION_FAILED: i32 = 18;
    pub(crate) const MAX_TIME_EXPIRED: i32 = 50;
    pub(crate) const DOCUMENT_VALIDATION_FAILURE: i32 = 121;
    pub(crate) const OUT_OF_DISK_SPACE: i32 = 14_031;
    /// The place in the oplog where a change stream would go on is gone.
    pub(crate) const CHANGE_STREAM_HISTORY_LOST: i32 = 286;
    pub(crate) const CHANGE_STREAM_FATAL: i32 = 280;
    pub(crate) const INVALID_RESUME_TOKEN: i32 = 260;
    pub(crate) const DUPLICATE_KEY: i32 = 11_000;
}

/// A read has told nothing.
pub(crate) fn of_read(error: &Error) -> StoreError {
    match code(error) {
        Some(code::MAX_TIME_EXPIRED) => StoreError::Deadline,
        _ if is_ours(error) => StoreError::Bug(text(error)),
        _ => StoreError::Unreachable(text(error)),
    }
}

/// A write has not happened only where that is certain. The driver may have sent it twice under one number, which the
/// server carries out once; when it gives up, an error of the second try says nothing about the first.
pub(crate) fn of_write(error: &Error) -> StoreError {
    let nothing_was_sent = match &*error.kind {
        // These come back only if no try before had got further.
        ErrorKind::ServerSelection { .. }
        | ErrorKind::Authentication { .. }
        | ErrorKind::DnsResolve { .. } => true,
        ErrorKind::Io(cause) => {
            cause.kind() == io::ErrorKind::ConnectionRefused || error.contains_label(SYSTEM_OVERLOADED_ERROR)
        }
        // The server looked at this one document and did not write it. Any other code may be mongos telling that it
        // lost the shard which had the write.
        ErrorKind::Write(WriteFailure::WriteError(error)) => {
            matches!(error.code, code::DOCUMENT_VALIDATION_FAILURE | code::OUT_OF_DISK_SPACE)
        }
        // We asked for something that makes no sense. `Bson` is not here: it may be the answer that makes none.
        ErrorKind::InvalidArgument { .. } | ErrorKind::Shutdown => return StoreError::Bug(text(error)),
        // A refusal of the command is here: it may answer the second try.
        _ => false,
    };
    if nothing_was_sent { StoreError::Unreachable(text(error)) } else { StoreError::Unknown(text(error)) }
}

/// Whether a document with this `_id` is there already.
pub(crate) fn is_duplicate(error: &Error) -> bool {
    match &*error.kind {
        ErrorKind::Write(WriteFailure::WriteError(error)) => error.code == code::DUPLICATE_KEY,
        ErrorKind::Command(error) => error.code == code::DUPLICATE_KEY,
        _ => false,
    }
}

/// Whether a change stream has lost events.
pub(crate) fn is_history_lost(error: &Error) -> bool {
    matches!(
        code(error),
        Some(code::CHANGE_STREAM_HISTORY_LOST | code::CHANGE_STREAM_FATAL | code::INVALID_RESUME_TOKEN)
    )
}

/// The server's code, where it refused a command.
pub(crate) fn code(error: &Error) -> Option<i32> {
    match &*error.kind {
        ErrorKind::Command(error) => Some(error.code),
        _ => None,
    }
}

/// One line for the log, without the reply of the server, which may hold a document.
pub(crate) fn text(error: &Error) -> String {
    match &*error.kind {
        ErrorKind::Command(error) => format!("{}: {}", error.code_name, error.message),
        ErrorKind::Write(WriteFailure::WriteError(error)) => {
            format!("write refused with code {}: {}", error.code, error.message)
        }
        ErrorKind::Write(WriteFailure::WriteConcernError(error)) => {
            format!("written, but not acknowledged by enough members: {}", error.message)
        }
        ErrorKind::ServerSelection { .. } => "no primary can be reached".to_owned(),
        ErrorKind::Io(error) => error.to_string(),
        kind => kind.to_string(),
    }
}

/// Whether we asked for something that makes no sense.
fn is_ours(error: &Error) -> bool {
    matches!(&*error.kind, ErrorKind::InvalidArgument { .. } | ErrorKind::Bson(_) | ErrorKind::Shutdown)
}

#[cfg(test)]
mod tests;
