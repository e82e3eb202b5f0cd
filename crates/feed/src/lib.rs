//! What has ended at the identity provider: followed under a lease, and checked at each use of what was cached.
//! Without a live lease nothing is known, which is not a denial: whoever holds something cached asks again.
//! Knows no store and no face.

mod ends;
mod feed;
mod follow;

pub use crate::ends::{ENDS_MAX, KEPT, Traces};
pub use crate::feed::{Feed, LEASE, Life, Stamp, UserEnded};
pub use crate::follow::{RECONNECT_EVERY, SILENCE_MAX};
