//! The store against real servers.
#![expect(clippy::unwrap_used, reason = "these are tests, down to the functions that they share")]

mod contract;
mod failover;
mod late;
mod open;
mod outage;
mod server;
mod touches;
