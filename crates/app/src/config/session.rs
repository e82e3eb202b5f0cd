//! `[sessions]`: where sessions are kept and how long they last.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use vestibule_domain::limits::Limits;
use vestibule_domain::outage::UNFRESH_MAX;
use vestibule_domain::rule::Rules;
use vestibule_routes::Problem;
use vestibule_sessions::{STORE_DEADLINE, STORE_DEADLINE_MAX, STORE_DEADLINE_MIN};

use super::files::Files;
use crate::session_store::Choice;

/// Where sessions are kept and how long they last. What is left out keeps its default.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SessionsConfig {
    /// `embedded` (the default): in `data_dir`, by this process alone. Or the URL of a database that several proxies
    /// share: `postgres://`, `redis://`, `rediss://`, `redis+sentinel://`, `redis+cluster://`, `mongodb://`,
    /// `mongodb+srv://`.
    pub store: StoreName,
    /// File that holds the database's password: one line. Better there than in the URL.
    pub store_password_file: Option<PathBuf>,
    /// File with the certificates (PEM) that the database's own must lead to, besides those the system trusts.
    pub store_ca_file: Option<PathBuf>,
    /// The content of `store_password_file`.
    #[serde(skip)]
    pub store_password: Option<Secret>,
    /// The content of `store_ca_file`.
    #[serde(skip)]
    pub store_ca: Option<Vec<u8>>,
    /// Memory for cached sessions, in bytes. Default 256 MiB.
    pub cache_bytes: Option<u64>,
    /// Milliseconds a request waits for the store before it is answered with 503, 100 to 1,000. Default 300. Two thirds
    /// are for a write, the rest for looking whether one without an answer was done.
    pub deadline_ms: Option<u64>,
    /// Seconds that a cached session goes on showing pages while the store cannot be reached, 0 to 10. Default 10.
    /// With 0 every visitor with a cookie gets 503 then.
    pub stale_while_unreachable_seconds: Option<u64>,
    /// Seconds a log-on lasts at most, from when the credentials were given. Default 14,400.
    pub log_on_seconds: Option<u64>,
    /// Seconds without a request after which a log-on ends. Default 1,800.
    pub idle_seconds: Option<u64>,
    /// Seconds without a request after which a visitor is forgotten. Default 604,800 (a week).
    pub returning_seconds: Option<u64>,
    /// Seconds after which a session ends in any case; a log-on starts them anew. Default 7,776,000 (90 days).
    pub ceiling_seconds: Option<u64>,
    /// What ends a log-on before its time, which then steps down: `browser-changes` (another `User-Agent`, versions
    /// apart, than it began with), `network-changes` (another /24 of IPv4 or /64 of IPv6: hard on people on the move).
    /// Default none. Turn it on once all nodes run a release that knows it; it holds for log-ons that begin after.
    pub step_down_when: Vec<StepDownWhen>,
}

/// A rule of the proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum StepDownWhen {
    /// A log-on stays with the browser that it began in.
    BrowserChanges,
    /// A log-on stays in the network that it began in.
    NetworkChanges,
}

/// Where sessions are kept.
#[derive(Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(from = "String")]
#[schemars(with = "String")]
pub enum StoreName {
    /// A file in `data_dir`.
    #[default]
    Embedded,
    /// A database, by its URL. It may hold a password, so nothing prints it.
    Url(String),
}

impl From<String> for StoreName {
    fn from(text: String) -> Self {
        if text == "embedded" { Self::Embedded } else { Self::Url(text) }
    }
}

impl fmt::Debug for StoreName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Embedded => "Embedded",
            Self::Url(_) => "Url(..)",
        })
    }
}

/// A password as it was read from its file.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// The password itself, for the connection.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
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

    /// The rules as the domain takes them.
    pub fn rules(&self) -> Rules {
        Rules {
            browser: self.step_down_when.contains(&StepDownWhen::BrowserChanges),
            network: self.step_down_when.contains(&StepDownWhen::NetworkChanges),
        }
    }

    /// What the near cache and its calls of the store go by.
    pub fn settings(&self) -> vestibule_sessions::Config {
        let default = vestibule_sessions::Config::default();
        vestibule_sessions::Config {
            cache_bytes: self.cache_bytes.unwrap_or(default.cache_bytes),
            deadline: self.deadline(),
            unfresh_max: self
                .stale_while_unreachable_seconds
                .map_or(default.unfresh_max, Duration::from_secs),
            limits: self.limits(),
        }
    }

    /// How long a request waits for the store.
    pub fn deadline(&self) -> Duration {
        self.deadline_ms.map_or(STORE_DEADLINE, Duration::from_millis)
    }

    /// Reads the files that the store's settings name; relative paths count from `dir`.
    pub(super) fn read_files(&mut self, dir: &Path) -> Vec<Problem> {
        let mut files = Files::of("sessions", dir);
        let password = files.secret("store_password_file", self.store_password_file.as_deref());
        self.store_password = password.map(Secret);
        self.store_ca = files.certificates("store_ca_file", self.store_ca_file.as_deref());
        files.problems
    }

    /// What is wrong with the settings of the store.
    pub(super) fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        if let Err(why) = Choice::of(self) {
            problems.push(problem("store", why));
        }
        let deadlines = STORE_DEADLINE_MIN..=STORE_DEADLINE_MAX;
        if !deadlines.contains(&self.deadline()) {
            let (least, most) = (deadlines.start().as_millis(), deadlines.end().as_millis());
            problems.push(problem(
                "deadline_ms",
                format!(
                    "must be {least} to {most}: less is no time for two round trips, and visitors should not wait longer \
                     to be told to come back"
                ),
            ));
        }
        if self.stale_while_unreachable_seconds.is_some_and(|seconds| seconds > UNFRESH_MAX.as_secs()) {
            problems.push(problem(
                "stale_while_unreachable_seconds",
                format!(
                    "must be 0 to {}: a node that is cut off from the store cannot hear of a log-out, and no log-out \
                     may go unnoticed for longer",
                    UNFRESH_MAX.as_secs()
                ),
            ));
        }
        let is_url = matches!(self.store, StoreName::Url(_));
        for (key, file) in
            [("store_password_file", &self.store_password_file), ("store_ca_file", &self.store_ca_file)]
        {
            if file.is_some() && !is_url {
                problems.push(problem(key, "is for a database: the embedded store takes none"));
            }
        }
        problems
    }
}

fn problem(key: &str, what: impl Into<String>) -> Problem {
    Problem { at: format!("sessions.{key}"), what: what.into() }
}
