//! The configuration file: TOML, unknown keys refused, every problem told with file, line and key. Environment variables
//! `VESTIBULE_SECTION__KEY` override single values. Paths count from the directory of the file.

mod files;
mod issuer;
mod limits;
mod overrides;
mod place;
mod problems;
mod reading;
mod rights;
mod session;

use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use ipnet::IpNet;
use schemars::JsonSchema;
use serde::Deserialize;
use thiserror::Error;
use vestibule_gateway::ServiceConfig;
use vestibule_idp::config::RegistryPassword;
use vestibule_proxy::{AttributeConfig, RouteConfig};
use vestibule_routes::Problem;

pub use issuer::IssuerConfig;
pub use limits::LimitsConfig;
pub use session::{Secret, SessionsConfig, StoreName};

use files::Files;
use reading::Reading;

/// Everything a process is told.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Directory for everything that is kept: sessions, users, keys, the admin token. Needed where there is an `[idp]`,
    /// an admin listener or a store `embedded`. A relative path counts from the directory of this file, like all paths
    /// in it. Made, for its owner alone, if it is not there.
    pub data_dir: Option<PathBuf>,
    /// Addresses to listen on and what each serves.
    #[serde(rename = "listener")]
    pub listeners: Vec<ListenerConfig>,
    /// The web sites.
    #[serde(rename = "site")]
    pub sites: Vec<SiteConfig>,
    /// What web apps may keep in a session.
    #[serde(rename = "attribute")]
    pub attributes: Vec<AttributeConfig>,
    /// Which web app serves which host and path.
    #[serde(rename = "route")]
    pub routes: Vec<RouteConfig>,
    /// The services behind the gateway.
    #[serde(rename = "service")]
    pub services: Vec<ServiceConfig>,
    /// The gateway face.
    pub gateway: GatewayConfig,
    /// The proxy face.
    pub proxy: ProxyConfig,
    /// Sessions.
    pub sessions: SessionsConfig,
    /// The identity provider, when this process is one.
    pub idp: Option<vestibule_idp::config::Config>,
    /// The identity provider, when it is another process.
    pub issuer: Option<IssuerConfig>,
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

/// One web site: one origin.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SiteConfig {
    /// Its name in records and tokens.
    pub name: String,
    /// Scheme, host and port as a browser shows them, such as `https://shop.example`.
    pub origin: String,
    /// Other hosts of the same site, which redirect to its origin.
    #[serde(default)]
    pub aliases: Vec<String>,
    /// The OAuth client that its visitors log on with.
    #[serde(default)]
    pub log_on_client: Option<String>,
    /// Seconds for which browsers come back by https alone, where the origin is https. Default 31,536,000, a year.
    #[serde(default)]
    pub hsts_seconds: Option<u32>,
    /// The OAuth client that stands for all visitors of whom nothing is known.
    #[serde(default)]
    pub anonymous_client: Option<String>,
}

/// One address and the faces behind it.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListenerConfig {
    /// Address and port, such as `0.0.0.0:8080`; port 0 takes a free one.
    #[schemars(with = "String")]
    pub bind: SocketAddr,
    /// What it serves.
    pub serves: Vec<FaceName>,
}

/// A face that a listener can serve.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FaceName {
    /// Browsers.
    Proxy,
    /// Callers from outside, with access tokens.
    Gateway,
    /// Web apps, with JPTs. Never on an address that others reach.
    GatewayInside,
    /// The identity provider's pages and endpoints.
    Idp,
    /// What proxies and gateways of other processes ask of the identity provider. Never on an address that others reach.
    IdpInside,
    /// The admin API, for what this process holds: users beside an `[idp]`, sessions beside a proxy. Its token is in
    /// `data_dir`. Give it an address that only administrators reach.
    Admin,
    /// `/healthz`, `/readyz`, `/metrics`.
    Metrics,
}

impl FaceName {
    /// The name in the file.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Proxy => "proxy",
            Self::Gateway => "gateway",
            Self::GatewayInside => "gateway-inside",
            Self::Idp => "idp",
            Self::IdpInside => "idp-inside",
            Self::Admin => "admin",
            Self::Metrics => "metrics",
        }
    }
}

/// The proxy face.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ProxyConfig {
    /// Networks of load balancers whose `X-Forwarded-For` is believed. Default: none.
    #[schemars(with = "Vec<String>")]
    pub trusted_peers: Vec<IpNet>,
    /// Requests with a header that only the proxy may send (`x-context-...` in any spelling): `strip` the header (the
    /// default), or `refuse` the request with 400.
    pub forged_context: vestibule_proxy::ForgedContext,
}

/// The gateway face.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct GatewayConfig {
    /// Networks of load balancers whose `X-Forwarded-For` is believed. Default: none.
    #[schemars(with = "Vec<String>")]
    pub trusted_peers: Vec<IpNet>,
}

/// Logs.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LogConfig {
    /// Where access lines go: `stdout` (the default), `off`, or a file that is appended to. A relative path counts from
    /// the directory of this file.
    pub access: AccessLog,
}

/// Where access lines go.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(from = "String")]
#[schemars(with = "String")]
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
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct DrainConfig {
    /// Milliseconds between being told to end (`/readyz` says 503 from then on) and closing the listeners, so that load
    /// balancers notice, up to 600,000 (ten minutes). Default 5,000.
    pub delay_ms: u64,
    /// Milliseconds that connections then have to end by themselves, up to 86,400,000 (a day). Default 30,000.
    pub limit_ms: u64,
}

impl Default for DrainConfig {
    fn default() -> Self {
        Self { delay_ms: 5_000, limit_ms: 30_000 }
    }
}

/// Threads.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RuntimeConfig {
    /// Threads that serve connections, 1 to 1,024. Default: one a processor.
    pub cores: Option<usize>,
}

/// The text a configuration was read from.
#[derive(Clone, Debug, Default)]
struct Source {
    name: String,
    text: String,
    /// Which settings come from which variables.
    variables: Vec<(String, String)>,
    /// The text with what the environment sets in it.
    merged: toml::Table,
    /// What others than its owner may open, a sentence each.
    open_to_others: Vec<String>,
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
        Self::read_with(&text, &name, &overrides::variables(), Some(path.parent().unwrap_or(Path::new(""))))
    }

    /// A file as a process would read it, TOML: with what the environment sets, and without passwords.
    pub fn print(path: &Path) -> Result<String, BadConfig> {
        let Source { name, merged, .. } = Self::read(path)?.source;
        overrides::print(&merged).map_err(|why| BadConfig::one(format!("{name}: {why}")))
    }

    /// Reads a text; `name` stands for it in messages.
    pub fn parse(text: &str, name: &str) -> Result<Self, BadConfig> {
        Self::read_with(text, name, &[], None)
    }

    /// Reads a text with what these variables set, and the files that it names, which count from `dir`. What does not
    /// fit is told with everything else that is wrong, as far as that can be known then.
    fn read_with(
        text: &str,
        name: &str,
        variables: &[(String, String)],
        dir: Option<&Path>,
    ) -> Result<Self, BadConfig> {
        let Reading { mut config, faults, mut left_out, lacks_tables, variables, merged } =
            reading::read(text, name, variables)?;
        config.source =
            Source { name: name.to_owned(), text: text.to_owned(), variables, merged, ..Source::default() };
        let unread = dir.map(|dir| config.read_files(dir)).unwrap_or_default();
        config.source.open_to_others = dir.map(|dir| config.open_to_others(dir)).unwrap_or_default();
        if faults.is_empty() && unread.is_empty() {
            return Ok(config);
        }
        left_out.extend(unread.iter().map(|problem| problem.at.clone()));
        let lacks_tables = lacks_tables || left_out.iter().any(|out| is_needed(out));
        let mut problems = crate::serve::problems(&config);
        problems.retain(|problem| is_of_its_own(&problem.at, &left_out, lacks_tables));
        let BadConfig { lines } = config.refuse(&unread.into_iter().chain(problems).collect::<Vec<_>>());
        Err(BadConfig { lines: faults.into_iter().chain(lines).collect() })
    }

    /// Reads the files that hold secrets, and settles where the others are; relative paths count from `dir`.
    fn read_files(&mut self, dir: &Path) -> Vec<Problem> {
        let log = match &mut self.log.access {
            AccessLog::File(path) => Some(path),
            AccessLog::Off | AccessLog::Stdout => None,
        };
        // An empty path is told of as such, and is not the directory.
        for path in self.data_dir.as_mut().into_iter().chain(log).filter(|path| !path.as_os_str().is_empty())
        {
            *path = dir.join(&path);
        }
        let mut problems = self.sessions.read_files(dir);
        if let Some(idp) = &mut self.idp {
            let mut files = Files::of("idp", dir);
            for (at, client) in idp.clients.iter_mut().enumerate() {
                let key = format!("clients[{at}].secret_file");
                client.secret = files.client_secret(&key, client.secret_file.as_deref());
            }
            for (at, client) in idp.role_clients.iter_mut().enumerate() {
                let key = format!("role_clients[{at}].secret_file");
                client.secret = files.client_secret(&key, Some(&client.secret_file));
            }
            let password = files.secret("registry_password_file", idp.registry_password_file.as_deref());
            idp.registry_password = password.map(RegistryPassword::from);
            idp.registry_ca = files.certificates("registry_ca_file", idp.registry_ca_file.as_deref());
            problems.extend(files.problems);
        }
        if let Some(issuer) = &mut self.issuer {
            let mut files = Files::of("issuer", dir);
            issuer.secret = files.client_secret("secret_file", Some(&issuer.secret_file));
            problems.extend(files.problems);
        }
        problems
    }

    /// Whether a listener serves this face.
    pub(crate) fn serves(&self, face: FaceName) -> bool {
        self.listeners.iter().any(|listener| listener.serves.contains(&face))
    }

    /// What the proxy face is told.
    pub fn proxy(&self) -> vestibule_proxy::Config {
        let site = |site: &SiteConfig| vestibule_proxy::SiteConfig {
            name: site.name.clone(),
            origin: site.origin.clone(),
            aliases: site.aliases.clone(),
            log_on_client: site.log_on_client.clone(),
            hsts_seconds: site.hsts_seconds,
        };
        vestibule_proxy::Config {
            sites: self.sites.iter().map(site).collect(),
            attributes: self.attributes.clone(),
            routes: self.routes.clone(),
            trusted_peers: self.proxy.trusted_peers.clone(),
            forged_context: self.proxy.forged_context,
            issuer: match (&self.idp, &self.issuer) {
                (Some(idp), _) => Some(idp.issuer.clone()),
                (None, issuer) => issuer.as_ref().and_then(|issuer| issuer.public_url.clone()),
            },
            limits: self.sessions.limits(),
            rules: self.sessions.rules(),
        }
    }

    /// What the gateway faces are told.
    pub fn gateway(&self) -> vestibule_gateway::Config {
        vestibule_gateway::Config {
            services: self.services.clone(),
            trusted_peers: self.gateway.trusted_peers.clone(),
        }
    }

    /// What the identity provider is told: its own table, and the sites that name their clients.
    pub fn idp(&self) -> Option<vestibule_idp::config::Config> {
        let mut idp = self.idp.clone()?;
        let with_clients = self.sites.iter().filter_map(|site| {
            Some(vestibule_idp::config::Site {
                name: site.name.clone(),
                origin: site.origin.clone(),
                log_on_client: site.log_on_client.clone()?,
                anonymous_client: site.anonymous_client.clone()?,
            })
        });
        idp.sites.extend(with_clients);
        Some(idp)
    }

    /// The setting behind a key of the identity provider's own: the sites it is told stand in `[[site]]`.
    pub(crate) fn setting_of_idp(&self, key: &str) -> String {
        let own = self.idp.as_ref().map_or(0, |idp| idp.sites.len());
        let of_site = || {
            let (at, rest) = key.strip_prefix("sites[")?.split_once(']')?;
            let nth = at.parse::<usize>().ok()?.checked_sub(own)?;
            let told = |site: &&(usize, &SiteConfig)| {
                site.1.log_on_client.is_some() && site.1.anonymous_client.is_some()
            };
            let sites: Vec<_> = self.sites.iter().enumerate().collect();
            let (site, _) = sites.iter().filter(told).nth(nth)?;
            Some(format!("site[{site}]{rest}"))
        };
        of_site().unwrap_or_else(|| format!("idp.{key}"))
    }

    /// The refusal that tells these problems, each with its line.
    pub(crate) fn refuse(&self, problems: &[Problem]) -> BadConfig {
        let Source { name, text, variables, .. } = &self.source;
        let line = |problem: &Problem| {
            let set = variables.iter().find(|(setting, _)| is_at_or_in(&problem.at, setting));
            match (set, place::line_of(text, &problem.at)) {
                (Some((_, variable)), _) => format!("{variable}: {problem}"),
                (None, Some(line)) => format!("{name}:{line}: {problem}"),
                (None, None) => format!("{name}: {problem}"),
            }
        };
        BadConfig { lines: problems.iter().map(line).collect() }
    }
}

/// Tables whose faults have nothing to do with other tables.
const APART: [&str; 5] = ["limits", "sessions", "log", "drain", "runtime"];

/// Tables that others need: without one of them, what is said of the rest may only follow from that.
const NEEDED: [&str; 7] = ["listener", "site", "attribute", "route", "service", "idp", "issuer"];

/// Whether one of them is not there because it was left out.
fn is_needed(left_out: &str) -> bool {
    !left_out.contains('.') && NEEDED.iter().any(|table| is_at_or_in(left_out, table))
}

/// Whether a problem is one by itself, and does not only follow from what was left out.
fn is_of_its_own(at: &str, left_out: &[String], lacks_tables: bool) -> bool {
    let follows = |out: &String| {
        // Of a list of which an item was left out, nothing is known.
        let out = out.strip_suffix(']').and_then(|out| out.rsplit_once('[')).map_or(&**out, |(list, _)| list);
        is_at_or_in(at, out) || is_at_or_in(out, at)
    };
    !left_out.iter().any(follows) && (!lacks_tables || APART.iter().any(|table| is_at_or_in(at, table)))
}

/// Whether a setting is this one or a part of it.
fn is_at_or_in(setting: &str, whole: &str) -> bool {
    setting.strip_prefix(whole).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

#[cfg(test)]
mod tests;
