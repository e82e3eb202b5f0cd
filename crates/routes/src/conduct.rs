//! What a request on a route may do: where it goes, how long each step may take, how large its body may be.

use std::time::Duration;

use thiserror::Error;
use vestibule_message::host::Host;

/// A server that requests are relayed to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Upstream {
    authority: String,
}

/// An upstream's address is not usable.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("'{0}' is not http://HOST:PORT without a path")]
pub struct UpstreamFault(String);

impl Upstream {
    /// Reads `http://host:port`; the port is 80 when none is given.
    pub fn parse(url: &str) -> Result<Self, UpstreamFault> {
        let fault = || UpstreamFault(url.to_owned());
        let rest = url.strip_prefix("http://").ok_or_else(fault)?;
        let authority = rest.strip_suffix('/').unwrap_or(rest);
        let host = Host::parse(authority.as_bytes()).map_err(|_| fault())?;
        Ok(Self { authority: format!("{}:{}", host.name(), host.port().unwrap_or(80)) })
    }

    /// `host:port`, ready to be resolved and connected to.
    pub fn authority(&self) -> &str {
        &self.authority
    }
}

/// Limits and times of one route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conduct {
    /// Bytes a request body may have. Default 128 MiB.
    pub body_bytes_max: u64,
    /// Time to open a connection to the upstream. Default 2 s.
    pub connect_timeout: Duration,
    /// Time from the whole request sent to the final head of the answer. Default 60 s.
    pub answer_timeout: Duration,
    /// Time an answer's body may stand still on either side. Default 60 s.
    pub stall_timeout: Duration,
}

impl Default for Conduct {
    fn default() -> Self {
        Self {
            body_bytes_max: 128 * 1024 * 1024,
            connect_timeout: Duration::from_secs(2),
            answer_timeout: Duration::from_mins(1),
            stall_timeout: Duration::from_mins(1),
        }
    }
}
