//! Sessions on one node: near cache under a lease, single flight, commits and touch batching over a SessionStore.
//! Must not know HTTP, cookies or what a standing allows. A store's error is never turned into "no session".

mod attempts;
mod cache;
mod commit;
mod deadline;
mod flight;
mod follow;
mod known;
mod lease;
mod owed;
mod record;
#[cfg(test)]
mod rig;
mod sessions;
mod touches;

pub use cache::{AGE_MAX, GONE_MAX, SHARDS};
pub use commit::{CONFLICTS_MAX, CommitError, Committed, Finished, NoChange};
pub use deadline::{CHORE_MAX, Deadline, STORE_DEADLINE, STORE_DEADLINE_MAX, STORE_DEADLINE_MIN};
pub use follow::{BEAT_EVERY, RECONNECT_EVERY, SILENCE_MAX, SWEEP_ENTRIES, SWEEP_EVERY, SWEEP_ROUNDS_MAX};
pub use known::Known;
pub use lease::LEASE;
pub use owed::Due;
pub use sessions::{Config, Found, Sessions};
pub use touches::{CLOSE_MAX, TOUCH_AGAIN, TOUCH_EVERY, TOUCHES_PENDING_MAX};
