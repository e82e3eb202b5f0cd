//! What is compared: a way through a program, asked with one request over and over.

use std::net::SocketAddr;

/// One way to the page.
pub(crate) struct Candidate {
    pub(crate) name: &'static str,
    pub(crate) address: SocketAddr,
    /// The process that serves it. Several ways may lead through one.
    pub(crate) pid: u32,
    /// The request, as it is sent.
    pub(crate) request: String,
}
