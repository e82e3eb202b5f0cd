//! The admin API: orders about users and keys, what was done to them, and why a session is what it is. JSON in and out, refusals as problem documents
//! (RFC 9457). One file a resource; its documents are public, so that callers read what is written here.
//! Must not know the IDP, the registry or the near cache: it asks through `ports`.

mod door;
pub mod keys;
mod moment;
mod order;
mod password;
pub mod profile;
mod reply;
mod router;
pub mod session_audit;
pub mod token;
pub mod trail;
pub mod user;
pub mod users;

pub use door::Door;
pub use moment::Moment;
pub use order::BODY_BYTES_MAX;
pub use reply::{Cause, Problem};
pub use router::{Admin, Users};
