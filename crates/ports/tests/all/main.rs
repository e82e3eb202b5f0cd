//! The stand-ins against the contracts that the real ones keep.

mod memory_issuer;
mod memory_session_store;
