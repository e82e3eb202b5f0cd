//! Traits to the world: session store, issuer, authority, clock, entropy; their in-memory stand-ins.
//! Must not know a protocol, a database or a face.

pub mod authority;
pub mod clock;
pub mod entropy;
pub mod issuer;
pub mod memory;
pub mod session_store;
