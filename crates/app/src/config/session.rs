//! `[sessions]`: where sessions are kept and how long they last.

use std::time::Duration;

use serde::Deserialize;
use vestibule_domain::limits::Limits;

/// Where sessions are kept and how long they last. What is left out keeps its default.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SessionsConfig {
    /// `embedded` (the default): in `data_dir`, by this process alone.
    pub store: StoreName,
    /// Memory for cached sessions, in bytes. Default 256 MiB.
    pub cache_bytes: Option<u64>,
    /// Seconds a log-on lasts at most, from when the credentials were given. Default 14,400.
    pub log_on_seconds: Option<u64>,
    /// Seconds without a request after which a log-on ends. Default 1,800.
    pub idle_seconds: Option<u64>,
    /// Seconds without a request after which a visitor is forgotten. Default 604,800 (a week).
    pub returning_seconds: Option<u64>,
    /// Seconds after which a session ends in any case; a log-on starts them anew. Default 7,776,000 (90 days).
    pub ceiling_seconds: Option<u64>,
}

/// A kind of session store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StoreName {
    /// A file in `data_dir`.
    #[default]
    Embedded,
}

impl SessionsConfig {
    /// The limits as the domain takes them.
    pub fn limits(&self) -> Limits {
        let default = Limits::default();
        let time = |seconds: Option<u64>, default| seconds.map_or(default, Duration::from_secs);
        Limits {
            log_on: time(self.log_on_seconds, default.log_on),
            idle: time(self.idle_seconds, default.idle),
            returning: time(self.returning_seconds, default.returning),
            ceiling: time(self.ceiling_seconds, default.ceiling),
            ..default
        }
    }
}
