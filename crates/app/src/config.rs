//! The configuration file: TOML, unknown keys refused, every problem told with file, line and key. Environment variables
//! `VESTIBULE_SECTION__KEY` override single values.

mod limits;
mod place;

use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use ipnet::IpNet;
use serde::Deserialize;
use thiserror::Error;
use vestibule_proxy::{Problem, RouteConfig, SiteConfig};

pub use limits::LimitsConfig;

/// Beginning of the environment variables that override settings.
const VARIABLE_PREFIX: &str = "VESTIBULE_";

/// Everything a process is told.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Addresses to listen on and what each serves.
    #[serde(rename = "listener")]
    pub listeners: Vec<ListenerConfig>,
    /// The web sites.
    #[serde(rename = "site")]
    pub sites: Vec<SiteConfig>,
    /// Which web app serves which host and path.
    #[serde(rename = "route")]
    pub routes: Vec<RouteConfig>,
    /// The proxy face.
    pub proxy: ProxyConfig,
    /// Limits and times of connections.
    pub limits: LimitsConfig,
    /// Logs.
    pub log: LogConfig,
    /// How the process ends.
    pub drain: DrainConfig,
    /// Threads.
    pub runtime: RuntimeConfig,
    /// Where the file came from, for messages.
    #[serde(skip)]
    source: Source,
}

/// One address and the faces behind it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListenerConfig {
    /// Address and port, such as `0.0.0.0:8080`; port 0 takes a free one.
    pub bind: SocketAddr,
    /// What it serves.
    pub serves: Vec<FaceName>,
}

/// A face that a listener can serve.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FaceName {
    /// Browsers.
    Proxy,
    /// `/healthz`, `/readyz`, `/metrics`.
    Metrics,
}

impl FaceName {
    /// The name in the file.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Proxy => "proxy",
            Self::Metrics => "metrics",
        }
    }
}

/// The proxy face.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ProxyConfig {
    /// Networks of load balancers whose `X-Forwarded-For` is believed. Default: none.
    pub trusted_peers: Vec<IpNet>,
}

/// Logs.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LogConfig {
    /// Where access lines go: `stdout` (the default), `off`, or a file that is appended to.
    pub access: AccessLog,
}

/// Where access lines go.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(from = "String")]
pub enum AccessLog {
    /// Nowhere.
    Off,
    /// To the standard output.
    #[default]
    Stdout,
    /// To this file, appended.
    File(PathBuf),
}

impl From<String> for AccessLog {
    fn from(text: String) -> Self {
        match text.as_str() {
            "off" => Self::Off,
            "stdout" => Self::Stdout,
            _ => Self::File(text.into()),
        }
    }
}

/// How the process ends.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DrainConfig {
    /// Milliseconds between being told to end (`/readyz` says 503 from then on) and closing the listeners, so that load
    /// balancers notice. Default 5,000.
    pub delay_ms: u64,
    /// Milliseconds that connections then have to end by themselves. Default 30,000.
    pub limit_ms: u64,
}

impl Default for DrainConfig {
    fn default() -> Self {
        Self { delay_ms: 5_000, limit_ms: 30_000 }
    }
}

/// Threads.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RuntimeConfig {
    /// Threads that serve connections. Default: one a processor.
    pub cores: Option<usize>,
}

/// The text a configuration was read from.
#[derive(Clone, Debug, Default)]
struct Source {
    name: String,
    text: String,
}

/// A configuration is refused: all that is wrong with it, a line each.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub struct BadConfig {
    lines: Vec<String>,
}

impl fmt::Display for BadConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.lines.join("\n"))
    }
}

impl BadConfig {
    fn one(line: String) -> Self {
        Self { lines: vec![line] }
    }
}

impl Config {
    /// Reads a file, with overrides from the environment.
    pub fn read(path: &Path) -> Result<Self, BadConfig> {
        let name = path.display().to_string();
        let text = std::fs::read_to_string(path)
            .map_err(|error| BadConfig::one(format!("{name}: cannot be read: {error}")))?;
        let variables = std::env::vars().filter(|(key, _)| key.starts_with(VARIABLE_PREFIX));
        Self::parse_with(&text, &name, variables)
    }

    /// Reads a text; `name` stands for it in messages.
    pub fn parse(text: &str, name: &str) -> Result<Self, BadConfig> {
        Self::parse_with(text, name, std::iter::empty())
    }

    fn parse_with(
        text: &str,
        name: &str,
        variables: impl Iterator<Item = (String, String)>,
    ) -> Result<Self, BadConfig> {
        let said = |error: &toml::de::Error| {
            let line = error.span().map_or(1, |span| place::line_at(text, span.start));
            BadConfig::one(format!("{name}:{line}: {}", error.message().trim_end()))
        };
        let mut config: Self = toml::from_str(text).map_err(|error| said(&error))?;
        let mut table: toml::Table = toml::from_str(text).map_err(|error| said(&error))?;
        for (variable, value) in variables {
            override_one(&mut table, &variable, &value).map_err(BadConfig::one)?;
            config = table.clone().try_into().map_err(|error: toml::de::Error| {
                BadConfig::one(format!("{variable}: {}", error.message().trim_end()))
            })?;
        }
        config.source = Source { name: name.to_owned(), text: text.to_owned() };
        Ok(config)
    }

    /// What the proxy face is told.
    pub fn proxy(&self) -> vestibule_proxy::Config {
        vestibule_proxy::Config {
            sites: self.sites.clone(),
            routes: self.routes.clone(),
            trusted_peers: self.proxy.trusted_peers.clone(),
        }
    }

    /// Problems with what this crate itself knows of.
    pub(crate) fn problems(&self) -> Vec<Problem> {
        let mut problems = self.limits.problems();
        let problem = |at: String, what: &str| Problem { at, what: what.to_owned() };
        if self.listeners.is_empty() {
            problems
                .push(problem("listener".to_owned(), "there is none: add [[listener]] with bind and serves"));
        }
        for (at, listener) in self.listeners.iter().enumerate() {
            let key = format!("listener[{at}].serves");
            if listener.serves.is_empty() {
                problems.push(problem(key, "serves nothing: name at least one face"));
            } else if listener.serves.iter().enumerate().any(|(n, face)| listener.serves[..n].contains(face))
            {
                problems.push(problem(key, "names a face twice"));
            }
        }
        let serves_proxy = self.listeners.iter().any(|listener| listener.serves.contains(&FaceName::Proxy));
        if serves_proxy && self.routes.is_empty() {
            problems.push(problem(
                "route".to_owned(),
                "there is none: the proxy would answer every request with 421",
            ));
        }
        if self.runtime.cores == Some(0) {
            problems.push(problem("runtime.cores".to_owned(), "must be at least 1"));
        }
        problems
    }

    /// The refusal that tells these problems, each with its line.
    pub(crate) fn refuse(&self, problems: &[Problem]) -> BadConfig {
        let Source { name, text } = &self.source;
        let line = |problem: &Problem| match place::line_of(text, &problem.at) {
            Some(line) => format!("{name}:{line}: {problem}"),
            None => format!("{name}: {problem}"),
        };
        BadConfig { lines: problems.iter().map(line).collect() }
    }
}

/// Sets one value: `VESTIBULE_LIMITS__HEAD_TIMEOUT_MS=5000` is `head_timeout_ms = 5000` in `[limits]`.
fn override_one(table: &mut toml::Table, variable: &str, value: &str) -> Result<(), String> {
    let path = variable.trim_start_matches(VARIABLE_PREFIX).to_ascii_lowercase();
    let Some((section, key)) = path.split_once("__") else {
        return Err(format!("{variable}: the name must be {VARIABLE_PREFIX}SECTION__KEY"));
    };
    let section = table.entry(section).or_insert_with(|| toml::Value::Table(toml::Table::new()));
    let Some(section) = section.as_table_mut() else {
        return Err(format!(
            "{variable}: only single values can be set, not those of lists such as [[route]]"
        ));
    };
    let parsed = toml::from_str::<toml::Table>(&format!("v = {value}")).ok().and_then(|mut v| v.remove("v"));
    section.insert(key.to_owned(), parsed.unwrap_or_else(|| toml::Value::String(value.to_owned())));
    Ok(())
}

#[cfg(test)]
mod tests;
