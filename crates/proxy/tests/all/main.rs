//! The whole proxy on real sockets, between raw clients and a recording upstream, with the stand-ins of store and
//! identity provider beside it. `cfg(test)` lets clippy see that what stands beside the tests is for tests too.

#![cfg(test)]

mod door;
mod stale;
mod unreadable;
mod unsaved;
