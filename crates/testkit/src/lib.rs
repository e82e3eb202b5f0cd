//! Tools for tests: raw HTTP clients, a recording upstream, contract suites, real servers and a network that breaks.

pub mod client;
pub mod fault;
pub mod full;
pub mod log;
pub mod patience;
pub mod port;
pub mod server;
pub mod session_store;
pub mod strict;
pub mod upstream;
