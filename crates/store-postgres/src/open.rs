//! Why a store cannot be opened: each reason names what to do.

use std::time::Duration;

/// How long opening waits for the server to take a connection.
pub const OPEN_MAX: Duration = Duration::from_secs(5);

/// How long the tables may take to be made, or another process to make them.
pub const MIGRATE_MAX: Duration = Duration::from_mins(1);

/// Why the sessions in this database cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// Nobody answers, or not in time.
    #[error("{place} cannot be reached: {why}")]
    Unreachable {
        /// Host and port.
        place: String,
        /// What happened.
        why: String,
    },
    /// The account was not let in.
    #[error("{place} refuses user {user}: {why}; see store_password_file")]
    Account {
        /// Host and port.
        place: String,
        /// The user of the URL.
        user: String,
        /// In the server's words.
        why: String,
    },
    /// The server is full.
    #[error(
        "{place} takes no more connections: {why}; raise its max_connections or lower connections_max in the URL"
    )]
    Full {
        /// Host and port.
        place: String,
        /// In the server's words.
        why: String,
    },
    /// There is no such database.
    #[error("{place} has no database {database}; run: CREATE DATABASE \"{database}\"")]
    NoDatabase {
        /// Host and port.
        place: String,
        /// The database of the URL.
        database: String,
    },
    /// The account may not do what we need.
    #[error("user {user} lacks a privilege: {lacks}; run as the owner: {grant}")]
    Privilege {
        /// The user of the URL.
        user: String,
        /// What is missing.
        lacks: String,
        /// The statement that mends it.
        grant: String,
    },
    /// Something else listens there.
    #[error("{place} does not speak PostgreSQL's protocol: {why}")]
    WrongKind {
        /// Host and port.
        place: String,
        /// What came instead.
        why: String,
    },
    /// The server is older than what we use.
    #[error("{place} runs PostgreSQL {found}; 13 or newer is needed")]
    TooOld {
        /// Host and port.
        place: String,
        /// Its version.
        found: String,
    },
    /// A newer program has been here.
    #[error(
        "schema {schema} has format {found}, and this program knows formats up to {known}; \
         run the newer program, or write another ?schema= in the URL"
    )]
    NewerSchema {
        /// The SQL schema.
        schema: String,
        /// Its format.
        found: i32,
        /// The newest that we know.
        known: i32,
    },
    /// The connection is not safe.
    #[error("{place}: TLS failed: {why}; see sslmode in the URL and store_ca_file")]
    Tls {
        /// Host and port.
        place: String,
        /// What failed.
        why: String,
    },
    /// No host takes writes.
    #[error("{place} is a read-only standby; name the primary in the URL, or all hosts with commas")]
    ReadOnly {
        /// Host and port.
        place: String,
    },
    /// The authorities that we should trust are of no use.
    #[error("no authorities to check the server's certificate with: {0}")]
    Authorities(String),
    /// The server refused a statement of ours.
    #[error("the server refused to {task}: {why}")]
    Refused {
        /// What was tried.
        task: &'static str,
        /// In the server's words.
        why: String,
    },
}
