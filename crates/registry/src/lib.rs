//! Users, clients, grants, tokens, keys, audit and outbox: one relational implementation, on SQLite or on
//! PostgreSQL. Each change is one transaction together with its audit record and outbox row. Blocking: callers bring
//! the threads. Must not know HTTP, and decides nothing: what may happen is passed in as a closure over `domain`.

pub mod audit;
pub mod client;
pub mod code;
pub mod credential;
pub mod device;
pub mod end;
pub mod family;
mod file;
pub mod grant;
pub mod key;
pub mod login_name;
pub mod outbox;
pub mod refresh;
mod registry;
mod schema;
pub mod sign_on;
mod sql;
pub mod sweep;
pub mod throttle;
pub mod user;

pub use registry::{Caps, OpenError, Registry};
pub use sql::postgres::{ANSWER_MAX, CONNECT_MAX, ConnectError, DEFAULT_SCHEMA, LOOK_EVERY, Server};
pub use sql::{CONNECTION_WAIT_MAX, LOCK_WAIT_MAX, RegistryError};
