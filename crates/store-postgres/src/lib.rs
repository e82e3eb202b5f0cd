//! Sessions in PostgreSQL: one statement a call on a connection of its own, events by NOTIFY.
//! Must not know what a session is: keys, versions and opaque bodies only.

mod config;
mod dial;
mod event;
mod examine;
mod failure;
mod lane;
mod lanes;
mod notifier;
mod open;
mod schema;
mod sql;
mod store;
mod tls;
mod warnings;
mod watch;

pub use config::{BadUrl, CONNECTIONS, CONNECTIONS_MIN, Config, SCHEMA};
pub use dial::{DIAL_MAX, LOCK_MAX, STATEMENT_MAX};
pub use examine::{Examined, examine};
pub use lanes::{ANSWER_MAX, RETRY_EVERY, RETRY_MAX, WAIT_MAX, WAITING_MAX};
pub use notifier::{BATCH_EVENTS_MAX, QUEUE_EVENTS_MAX};
pub use open::{MIGRATE_MAX, OPEN_MAX, OpenError};
pub use schema::FORMAT;
pub use store::PostgresStore;
