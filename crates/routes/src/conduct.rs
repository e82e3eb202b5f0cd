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

/// The same as a configuration has it, in the units of its keys. What is left out keeps its default.
#[derive(Clone, Copy, Debug, Default)]
pub struct ConductSettings {
    /// `body_bytes_max`
    pub body_bytes_max: Option<u64>,
    /// `connect_timeout_ms`
    pub connect_timeout_ms: Option<u64>,
    /// `answer_timeout_ms`
    pub answer_timeout_ms: Option<u64>,
    /// `stall_timeout_ms`
    pub stall_timeout_ms: Option<u64>,
}

impl ConductSettings {
    /// What is in force. A value that makes no sense is told, with its key.
    pub fn conduct(&self, problem: &mut impl FnMut(&str, String)) -> Conduct {
        let default = Conduct::default();
        let mut time = |key: &str, millis: Option<u64>, default: Duration| match millis {
            Some(0) => {
                problem(key, "must be at least 1 (milliseconds)".to_owned());
                default
            }
            Some(millis) => Duration::from_millis(millis),
            None => default,
        };
        Conduct {
            body_bytes_max: self.body_bytes_max.unwrap_or(default.body_bytes_max),
            connect_timeout: time("connect_timeout_ms", self.connect_timeout_ms, default.connect_timeout),
            answer_timeout: time("answer_timeout_ms", self.answer_timeout_ms, default.answer_timeout),
            stall_timeout: time("stall_timeout_ms", self.stall_timeout_ms, default.stall_timeout),
        }
    }
}

#[cfg(test)]
mod tests;
