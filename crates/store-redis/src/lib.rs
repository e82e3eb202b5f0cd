//! Sessions in Redis or Valkey: one server, a Sentinel set, or a cluster. Must not know what a session is: keys,
//! versions and opaque bodies only.

mod config;
mod description;
mod dial;
mod entry;
mod event;
mod keys;
mod link;
mod open;
mod refusal;
mod roots;
mod scout;
mod script;
mod servers;
mod store;
mod task;
mod topology;
mod touch;
mod users;
mod vouch;
mod warnings;
mod watch;

pub use config::{
    BadUrl, COMMAND_MAX, Config, DIAL_MAX, EXPIRY_SLACK, OPEN_MAX, PREFIX, QUEUE_MAX, WAIT_CONNECTIONS,
};
pub use open::{Examined, FORMAT, OpenError, examine, open};
pub use store::RedisStore;
pub use vouch::VOUCHED_FOR;
pub use watch::SILENCE_MAX;
