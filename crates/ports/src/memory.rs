//! Stand-ins that keep everything in this process and forget it at its end, with switches for faults.
//! Must not be weaker than the real ones where the contract says something.

mod issuer;
mod session_store;

pub use issuer::MemoryIssuer;
pub use session_store::{Fault, MemorySessionStore};
