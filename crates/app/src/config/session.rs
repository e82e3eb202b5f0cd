//! `[sessions]`: where sessions are kept and how long they last.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use vestibule_domain::limits::Limits;
use vestibule_proxy::Problem;

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
    /// Seconds a log-on lasts at most, from when the credentials were given. Default 14,400.
    pub log_on_seconds: Option<u64>,
    /// Seconds without a request after which a log-on ends. Default 1,800.
    pub idle_seconds: Option<u64>,
    /// Seconds without a request after which a visitor is forgotten. Default 604,800 (a week).
    pub returning_seconds: Option<u64>,
    /// Seconds after which a session ends in any case; a log-on starts them anew. Default 7,776,000 (90 days).
    pub ceiling_seconds: Option<u64>,
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

    /// Reads the files that the store's settings name; relative paths count from `dir`.
    pub(super) fn read_files(&mut self, dir: &Path) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut read = |at: &str, file: &Option<PathBuf>| {
            let file = dir.join(file.as_ref()?);
            let content = std::fs::read(&file);
            content.map_err(|error| problems.push(problem(at, format!("{}: {error}", file.display())))).ok()
        };
        let password = read("store_password_file", &self.store_password_file);
        self.store_ca = read("store_ca_file", &self.store_ca_file);
        if let Some(password) = password {
            match String::from_utf8(password) {
                Ok(text) if !text.trim_end_matches(['\r', '\n']).is_empty() => {
                    self.store_password = Some(Secret(text.trim_end_matches(['\r', '\n']).to_owned()));
                }
                _ => problems
                    .push(problem("store_password_file", "does not hold a password: one line of text")),
            }
        }
        problems
    }

    /// What is wrong with the settings of the store.
    pub(super) fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        if let Err(why) = Choice::of(self) {
            problems.push(problem("store", why));
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
