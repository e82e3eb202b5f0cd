//! Which Redis, and how it is reached: one URL. Pure: nothing is looked up or connected to here.

mod url;

use std::fmt;
use std::time::Duration;

/// Most time for opening the store, all servers of it.
pub const OPEN_MAX: Duration = Duration::from_secs(5);

/// Most time for one connection to be made, with its TLS, log-in and scripts.
pub const DIAL_MAX: Duration = Duration::from_secs(1);

/// Most time for one command. Requests give up sooner, by their own deadline.
pub const COMMAND_MAX: Duration = Duration::from_secs(2);

/// Most commands that wait for their turn on one connection before the next caller waits as well.
pub const QUEUE_MAX: usize = 1_024;

/// Connections to each master for writes that wait for replicas, beside the one for everything else.
pub const WAIT_CONNECTIONS: usize = 4;

/// How long entries stay after they have expired, so that no server's clock deletes them early.
pub const EXPIRY_SLACK: Duration = Duration::from_hours(1);

/// What keys and channels begin with, unless the URL says otherwise.
pub const PREFIX: &str = "vst";

const PORT: u16 = 6379;
const SENTINEL_PORT: u16 = 26379;
const WAIT: Duration = Duration::from_millis(100);

/// What is wrong with a URL and what to write instead. Never shows a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadUrl(String);

/// Where a server listens.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Place {
    pub(crate) host: String,
    pub(crate) port: u16,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port } = self;
        if host.contains(':') { write!(f, "[{host}]:{port}") } else { write!(f, "{host}:{port}") }
    }
}

/// How the masters are found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Arrangement {
    /// One server, always the same.
    Single,
    /// Sentinels say who is master.
    Sentinel {
        /// The name that the sentinels know the master by.
        master: String,
    },
    /// The cluster says which master has which keys.
    Cluster,
}

/// Which Redis holds the sessions. `Debug` shows no password.
#[derive(Clone, PartialEq, Eq)]
pub struct Config {
    pub(crate) arrangement: Arrangement,
    pub(crate) places: Vec<Place>,
    pub(crate) tls: bool,
    pub(crate) user: Option<String>,
    pub(crate) password: Option<String>,
    pub(crate) database: i64,
    pub(crate) prefix: String,
    pub(crate) wait_replicas: u32,
    pub(crate) wait: Duration,
    pub(crate) ca: Option<Vec<u8>>,
    password_in_url: bool,
}

impl Config {
    /// Reads one of these, with `rediss` in place of `redis` for TLS:
    ///
    /// * `redis://[user[:password]@]host[:port][/database]`
    /// * `redis+sentinel://host1:port1,host2:port2/master-name[/database]`
    /// * `redis+cluster://host1:port1,host2:port2`
    ///
    /// and behind `?`, joined by `&`: `prefix` (what keys begin with; `vst`), `wait_replicas` (how many replicas must
    /// have a write before it is acknowledged; 0) and `wait_ms` (how long that may take; 100).
    pub fn parse(url: &str) -> Result<Self, BadUrl> {
        url::parse(url)
    }

    /// The password from a file, in place of one in the URL.
    pub fn with_password(self, password: String) -> Self {
        Self { password: Some(password), password_in_url: false, ..self }
    }

    /// Certificates (PEM) of those whom to believe about a server's name, besides the machine's own list.
    pub fn with_ca(self, pem: Vec<u8>) -> Self {
        Self { ca: Some(pem), ..self }
    }

    /// What the URL alone shows to be risky.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        if self.password_in_url {
            warnings.push(
                "the password of redis stands in the URL, where `config print` and process lists may show it: \
                 put it into a file and name that in store_password_file"
                    .to_owned(),
            );
        }
        if let Some(place) = self.places.iter().find(|place| !self.tls && !place.is_loopback()) {
            warnings.push(format!(
                "sessions and the password travel to redis at {place} without TLS: write rediss in place of redis"
            ));
        }
        if self.arrangement != Arrangement::Single && self.wait_replicas == 0 {
            warnings.push(
                "a failover of redis may lose the last acknowledged writes, log-outs too, because nobody waits for \
                 a replica: add ?wait_replicas=1, and set min-replicas-to-write 1 and min-replicas-max-lag 2 on \
                 the servers"
                    .to_owned(),
            );
        }
        warnings
    }
}

impl Place {
    fn is_loopback(&self) -> bool {
        self.host == "localhost"
            || self.host.parse().is_ok_and(|address: std::net::IpAddr| address.is_loopback())
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("arrangement", &self.arrangement)
            .field("places", &self.places)
            .field("tls", &self.tls)
            .field("user", &self.user)
            .field("password", &self.password.as_ref().map(|_| "..."))
            .field("database", &self.database)
            .field("prefix", &self.prefix)
            .field("wait_replicas", &self.wait_replicas)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
