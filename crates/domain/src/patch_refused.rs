//! Why a patch was refused: told by `patch`, kept by `audit`.

use serde::{Deserialize, Serialize};

use crate::attribute::AttributeName;
use crate::identity::AppId;

/// Why a patch was refused, as a whole. The page is delivered.
// Stored in life events: `encoding` says how it may change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum PatchRefused {
    /// No JSON object, repeated names, or nested too deeply.
    #[error("malformed")]
    Malformed,
    /// Longer than a patch may be.
    #[error("the patch is too large")]
    PatchTooLarge,
    /// A name that means something in tokens.
    #[error("it names what no app may write")]
    Reserved,
    /// Not among what the app writes, declared or not.
    #[error("it names what this app may not write")]
    NotWritable,
    /// The attribute would be over its own limit.
    #[error("attribute {0} would be too large")]
    AttributeTooLarge(AttributeName),
    /// The session would be over its limit.
    #[error("the session would be too large")]
    SessionTooLarge,
    /// An app would be shown more than fits.
    #[error("app {0} would be shown too much")]
    ReadTooLarge(AppId),
    /// The request had the secret from before a rise.
    #[error("the request came with the secret from before a rise")]
    OldSecret,
    /// A private attribute, and the request has no part in the log-on, or no longer.
    #[error("attribute {0} belongs to a log-on that this request is no part of")]
    NoLogOn(AttributeName),
    /// The session ended while the app was answering.
    #[error("the session has ended meanwhile")]
    Ended,
    /// It was not even read.
    #[error(transparent)]
    Unheeded(#[from] Unheeded),
}

/// Why a patch is not even read. The page is delivered, and the audit told.
// Stored in life events, as above.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, thiserror::Error)]
pub enum Unheeded {
    /// 1xx, 101 among them: not the final answer.
    #[error("the answer is not final")]
    NotFinal,
    /// 5xx: the app failed.
    #[error("the app failed")]
    Failed,
    /// Trailers come when the head has long gone.
    #[error("it stood in trailers")]
    Trailers,
    /// Two fields: which one was meant?
    #[error("it came more than once")]
    Doubled,
    /// What a log-out ends is not changed first, nor begun.
    #[error("it stood beside a log-out")]
    BesideLogOut,
}
