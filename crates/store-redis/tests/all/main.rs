//! The Redis store against real servers.
#![expect(clippy::unwrap_used, reason = "this is a test, its helpers too")]

mod contract;
mod late;
mod open;
mod outage;
mod races;
mod replicas;
mod rig;
