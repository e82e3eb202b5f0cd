//! Tools for tests: raw HTTP clients, a recording upstream, contract suites.

pub mod client;
pub mod patience;
pub mod session_store;
pub mod strict;
pub mod upstream;
