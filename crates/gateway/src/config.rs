//! The gateway's configuration: services and trusted peers. Plain values; what they mean together is checked at once, so
//! that a bad file is refused with everything that is wrong with it.

mod read;

use std::collections::BTreeMap;

use ipnet::IpNet;
use schemars::JsonSchema;
use serde::Deserialize;
use vestibule_routes::Problem;

pub(crate) use read::{Live, read};

/// What the gateway serves.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// Which service serves which host and path, and the scopes it needs.
    pub services: Vec<ServiceConfig>,
    /// Networks of load balancers in front, whose `X-Forwarded-For` is believed. Default: none.
    pub trusted_peers: Vec<IpNet>,
}

impl Config {
    /// Everything that is wrong with it.
    pub fn problems(&self) -> Vec<Problem> {
        read(self).err().unwrap_or_default()
    }
}

/// One service: where callers find it, where it listens, and what a token must allow.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ServiceConfig {
    /// The host, with a port only when other ports of it have other services. Default: every host.
    #[serde(default)]
    pub host: Option<String>,
    /// The path prefix, such as `/orders`. The longest that fits wins; the service gets the whole path.
    pub path: String,
    /// Where the service listens, such as `http://127.0.0.1:9000`.
    pub upstream: String,
    /// The scopes that a token must have: `["orders:read"]`, or by method `{ GET = ["orders:read"] }`. A method that
    /// is not listed is not served.
    pub scopes: ScopesConfig,
    /// Bytes a request body may have. Default 128 MiB.
    pub body_bytes_max: Option<u64>,
    /// Milliseconds to open a connection to the service. Default 2,000.
    pub connect_timeout_ms: Option<u64>,
    /// Milliseconds from the whole request sent to the head of the service's answer. Default 60,000.
    pub answer_timeout_ms: Option<u64>,
    /// Milliseconds the body of an answer may stand still. Default 60,000.
    pub stall_timeout_ms: Option<u64>,
}

/// Scopes that a service needs.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "must be a list of scopes, or a table of such lists by method")]
pub enum ScopesConfig {
    /// For every method.
    All(Vec<String>),
    /// For each method that is served.
    ByMethod(BTreeMap<String, Vec<String>>),
}

#[cfg(test)]
mod tests;
