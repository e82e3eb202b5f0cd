//! The session store on MongoDB 5 or newer: a replica set, or a sharded cluster behind mongos.
//! Must not know what a session is: keys, versions and opaque bodies only.

mod attempts;
mod calls;
mod collections;
mod config;
mod document;
mod ear;
mod fault;
mod open;
mod records;
mod roots;
mod schema;
mod store;
mod sweep;
mod touches;
mod vouch;
mod warnings;
mod watch;

pub use calls::{CALL_MAX, PLACE_MAX};
pub use config::{
    BadUrl, CONNECT_TIMEOUT, CONNECTIONS_MAX, Config, DATABASE, DEADLINE, HEARTBEAT_EVERY, SELECT_MAX,
};
pub use open::{Examined, OPEN_MAX, OpenError, SERVER_MIN, examine};
pub use schema::{SCHEMA, TTL_SLACK};
pub use store::MongoStore;
pub use touches::TOUCHES_PER_COMMAND;
pub use vouch::VOUCHED_FOR;
