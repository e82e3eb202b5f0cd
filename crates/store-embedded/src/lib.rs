//! The embedded session store: redb behind one writer with group commit, for a single process.
//! Must not know what a session is: keys, versions and opaque bodies only.

mod commit_point;
mod file;
mod guard;
mod row;
mod shared;
mod store;
mod tables;
mod writer;

pub use commit_point::CommitPoint;
pub use file::{OpenError, warnings};
pub use shared::FREE_BYTES_MIN;
pub use store::{Condition, Config, EmbeddedStore};
pub use tables::FORMAT;
pub use writer::{BATCH_ORDERS_MAX, ORDERS_MAX, SWEEP_MAX};
